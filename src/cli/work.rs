//! What `load` and `demo` share: drive messages through an [`Esme`], count what becomes of them, sum up.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix::{Actor, Context, Handler};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::output::{Exit, complain};
use super::summary::{
    BindSummary, Latencies, Outcomes, Receipts, Summary, peak_rss_kib, per_second, seconds,
};
use super::view::View;
use crate::bind::messages::BindStatus;
use crate::esme::Esme;
use crate::events::{Event, Kinds};
use crate::sm::Progress;
use crate::submit::{Submit, SubmitResult};

/// Receipts that still come are waited for so long after the last one.
const RECEIPT_PATIENCE: Duration = Duration::from_secs(30);

/// How much is on its way at a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Messages handed over in one go.
    pub(super) batch: usize,
    /// Batches at a time.
    pub(super) batches: usize,
}

impl Pace {
    /// Keeps windows of `window` requests in all full, with as many again waiting.
    pub(super) fn for_window(window: usize) -> Self {
        let batch = (window / 4).clamp(1, 64);
        Self {
            batch,
            batches: (window * 2).div_ceil(batch).max(1),
        }
    }
}

/// Counts what becomes of messages.
pub(super) struct Work {
    outcomes: Outcomes,
    latencies: Latencies,
    owed: u64,
    seen: Rc<RefCell<Seen>>,
    elapsed: Duration,
    interrupted: bool,
}

/// Receipts that came.
#[derive(Default)]
struct Seen {
    received: u64,
    orphaned: u64,
    last: Option<Instant>,
}

/// Counts receipts.
struct Collector(Rc<RefCell<Seen>>);

impl Actor for Collector {
    type Context = Context<Self>;
}

impl Handler<Event> for Collector {
    type Result = ();

    fn handle(&mut self, event: Event, _: &mut Self::Context) {
        let Event::Receipt(receipt) = event else { return };
        let mut seen = self.0.borrow_mut();
        seen.last = Some(Instant::now());
        match &receipt.message {
            None => seen.orphaned += 1,
            // The first final receipt of a part counts; one that is sent twice does not count twice.
            Some(message) => seen.received += u64::from(message.progress == Progress::Final),
        }
    }
}

impl Work {
    /// Listens for receipts from now on. Needs an actix system on this thread.
    pub(super) fn new(esme: &Esme) -> Self {
        let seen = Rc::<RefCell<Seen>>::default();
        esme.subscribe(Collector(seen.clone()).start().recipient(), Kinds::RECEIPTS);
        Self {
            outcomes: Outcomes::default(),
            latencies: Latencies::new(),
            owed: 0,
            seen,
            elapsed: Duration::ZERO,
            interrupted: false,
        }
    }

    /// Sends what `next` makes until it makes no more, or the process is interrupted, and waits for every outcome.
    /// `receipts` tells whether a final receipt was asked for; `ended` hears how many outcomes there are.
    pub(super) async fn drive(
        &mut self,
        esme: &Esme,
        pace: Pace,
        receipts: bool,
        view: &View,
        mut next: impl FnMut() -> Option<Submit>,
        mut ended: impl FnMut(u64),
    ) {
        let start = Instant::now();
        let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
        let mut under_way = FuturesUnordered::new();
        let mut is_over = false;
        loop {
            while !is_over && under_way.len() < pace.batches {
                let batch: Vec<_> = std::iter::from_fn(&mut next).take(pace.batch).collect();
                is_over = batch.len() < pace.batch;
                if !batch.is_empty() {
                    under_way.push(esme.submit_batch(batch));
                }
            }
            if under_way.is_empty() {
                break;
            }
            tokio::select! {
                biased;
                Some(results) = under_way.next() => {
                    for result in &results {
                        self.count(result, receipts);
                    }
                    view.advance(results.len());
                    ended(self.outcomes.total());
                }
                _ = &mut interrupt, if !self.interrupted => {
                    complain("interrupted: no more messages are sent, waiting for those under way");
                    self.interrupted = true;
                    is_over = true;
                }
            }
        }
        self.elapsed = start.elapsed();
    }

    #[inline]
    fn count(&mut self, result: &SubmitResult, receipts: bool) {
        self.outcomes.count(result);
        if let Ok(submitted) = result {
            self.latencies.record(submitted.after);
        }
        if receipts {
            self.owed += accepted_parts(result);
        }
    }

    /// Waits for the receipts that are owed, as long as some still come.
    pub(super) async fn wait_for_receipts(&self) {
        let start = Instant::now();
        while self.seen.borrow().received < self.owed {
            let last = self.seen.borrow().last.map_or(start, |last| last.max(start));
            if last.elapsed() > RECEIPT_PATIENCE {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What is known at the end.
    pub(super) fn summary(&self, binds: &[BindStatus], seed: u64) -> Summary {
        let seen = self.seen.borrow();
        Summary {
            messages: self.outcomes.total(),
            outcomes: self.outcomes,
            elapsed_s: seconds(self.elapsed),
            rate_per_s: per_second(self.outcomes.total(), self.elapsed),
            latency_us: self.latencies.summary(),
            receipts: Receipts {
                owed: self.owed,
                received: seen.received,
                orphaned: seen.orphaned,
            },
            binds: binds.iter().map(bind_summary).collect(),
            peak_rss_kib: peak_rss_kib(),
            seed,
        }
    }

    /// Done when nobody broke in, something was accepted, and every receipt that is owed came.
    pub(super) fn exit(&self) -> Exit {
        let received = self.seen.borrow().received;
        if self.interrupted || self.outcomes.submitted == 0 || received < self.owed {
            return Exit::Failed;
        }
        Exit::Done
    }
}

/// Parts that were accepted: each owes a receipt if one was asked for.
fn accepted_parts(result: &SubmitResult) -> u64 {
    use crate::submit::SubmitError;
    match result {
        Ok(submitted) => submitted.message_ids.len() as u64,
        Err(SubmitError::Partial { parts }) => parts.iter().map(accepted_parts).sum(),
        Err(_) => 0,
    }
}

fn bind_summary(status: &BindStatus) -> BindSummary {
    BindSummary {
        name: status.bind.to_string(),
        state: status.phase.to_string(),
        submitted: status.counters.submitted,
        in_flight_max: status.in_flight_max,
        reconnects: status.counters.binds.saturating_sub(1),
        throttled: status.counters.throttled,
        lenient: status.counters.lenient,
    }
}
