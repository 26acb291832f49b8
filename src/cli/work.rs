//! What `load` and `demo` share: drive messages through an [`Esme`], count what becomes of them, sum up.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix::{Actor, Context, Handler};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};

use super::outcome::accepted_parts;
use super::output::{Exit, complain};
use super::serve::shut_down;
use super::signals::Signals;
use super::summary::{
    BindSummary, Latencies, Outcomes, Receipts, Summary, peak_rss_kib, per_second, seconds,
};
use super::timeline::Timeline;
use super::view::View;
use crate::bind::messages::BindStatus;
use crate::esme::Esme;
use crate::events::{Event, Kinds, Phase, Policy};
use crate::sm::Progress;
use crate::submit::{Submit, SubmitResult};

/// Receipts that still come are waited for so long after the last one.
const RECEIPT_PATIENCE: Duration = Duration::from_secs(30);

/// Into so many groups goes what is sent at a time.
const GROUPS: usize = 4;

/// Of so many binds it is said why they are not bound.
const SHOWN: usize = 4;

/// A bind may be away for so long before the work is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// With one bind at least, the others are waited for so long before the first message.
const WARM_UP: Duration = Duration::from_secs(5);

/// After an interruption what is under way may take so long.
const DRAIN: Duration = Duration::from_secs(10);

/// How long it takes at most to unbind.
const GRACE: Duration = Duration::from_secs(5);

/// How often is looked whether there are still binds.
const LOOK: Duration = Duration::from_millis(500);

/// Drives messages through an [`Esme`] and counts what becomes of them.
pub(super) struct Work {
    esme: Esme,
    signals: Signals,
    outcomes: Outcomes,
    latencies: Latencies,
    owed: u64,
    seen: Rc<RefCell<Seen>>,
    elapsed: Duration,
    /// What became of messages over time, where somebody wants to see it.
    timeline: Option<Timeline>,
    state: State,
    /// How the binds were before they were told to end.
    binds: Option<Vec<BindStatus>>,
}

/// Whether messages still go out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// They do.
    Going,
    /// No more do; those under way are waited for.
    Draining {
        /// Until then.
        until: Instant,
    },
    /// What had no outcome was cut off.
    Cut,
}

/// Receipts that came.
#[derive(Default)]
struct Seen {
    received: u64,
    orphaned: u64,
    /// Receipts that were not seen: they came faster than they could be counted.
    missed: u64,
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
        let mut seen = self.0.borrow_mut();
        let receipt = match event {
            Event::Receipt(receipt) => receipt,
            Event::Lagged { missed } => return seen.missed += missed,
            _ => return,
        };
        seen.last = Some(Instant::now());
        match &receipt.message {
            None => seen.orphaned += 1,
            // The first final receipt of a part counts; one that is sent twice does not count twice.
            Some(message) => seen.received += u64::from(message.progress == Progress::Final),
        }
    }
}

impl Work {
    /// Listens for receipts and signals from now on. Needs an actix system on this thread.
    pub(super) fn new(esme: Esme) -> Self {
        let seen = Rc::<RefCell<Seen>>::default();
        // Rather the SMSC waits than a receipt is not counted.
        let policy = Policy::hold_back();
        esme.subscribe_with(
            Collector(seen.clone()).start().recipient(),
            Kinds::RECEIPTS,
            policy,
        );
        Self {
            esme,
            signals: Signals::listen(),
            outcomes: Outcomes::default(),
            latencies: Latencies::new(),
            owed: 0,
            seen,
            elapsed: Duration::ZERO,
            timeline: None,
            state: State::Going,
            binds: None,
        }
    }

    /// Keeps what becomes of messages over time from now on.
    pub(super) fn keep_timeline(&mut self) {
        self.timeline = Some(Timeline::new());
    }

    /// What was kept since [`Work::keep_timeline`].
    pub(super) fn take_timeline(&mut self) -> Option<Timeline> {
        self.timeline.take()
    }

    /// Waits until the binds are bound, or some are and the others have had their time. Without any the work is cut
    /// off before it began.
    pub(super) async fn warm_up(&mut self) {
        let start = Instant::now();
        loop {
            let binds = self.esme.status().await.binds;
            let bound = binds.iter().filter(|bind| bind.phase == Phase::Bound).count();
            if bound == binds.len() || (bound > 0 && start.elapsed() > WARM_UP) {
                return;
            }
            if start.elapsed() > PATIENCE {
                complain_about(&binds);
                return self.cut(binds);
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(5)) => {}
                () = self.signals.next() => return self.cut(binds),
            }
        }
    }

    /// Sends what `next` makes, at most `most` messages at a time, until it makes no more or the process is told to
    /// end, and waits for every outcome. `receipts` tells whether a final receipt was asked for; `ended` hears how
    /// many outcomes there are.
    pub(super) async fn drive(
        &mut self,
        most: usize,
        receipts: bool,
        view: &View,
        mut next: impl FnMut() -> Option<Submit>,
        mut ended: impl FnMut(u64),
    ) {
        let esme = self.esme.clone();
        let start = Instant::now();
        let mut look = tokio::time::interval(LOOK);
        let mut last_bound = start;
        let mut groups = FuturesUnordered::new();
        let mut under_way = 0;
        let mut more = true;
        loop {
            if self.state == State::Going && more {
                // What came back together goes out in a few groups: a quick SMSC gets large ones, and one that
                // answers now and then gets message by message, so that no answer waits for another.
                let size = (most - under_way).div_ceil(GROUPS);
                while more && under_way < most {
                    let room = (most - under_way).min(size);
                    let group: Vec<_> = std::iter::from_fn(&mut next).take(room).collect();
                    more = group.len() == room;
                    if !group.is_empty() {
                        under_way += group.len();
                        groups.push(esme.submit_batch(group));
                    }
                }
            }
            if groups.is_empty() {
                break;
            }
            tokio::select! {
                biased;
                Some(results) = groups.next() => {
                    let mut results = Some(results);
                    while let Some(ready) = results {
                        under_way -= ready.len();
                        for result in &ready {
                            self.count(result, receipts);
                        }
                        if let Some(timeline) = &mut self.timeline {
                            timeline.record(start.elapsed(), &ready);
                        }
                        view.advance(ready.len());
                        results = groups.next().now_or_never().flatten();
                    }
                    ended(self.outcomes.total());
                }
                () = self.signals.next(), if self.state != State::Cut => self.handle_signal().await,
                now = look.tick(), if self.state != State::Cut => {
                    self.look(now.into_std(), &mut last_bound).await;
                }
            }
        }
        self.elapsed = start.elapsed();
    }

    /// The first signal ends the sending, the second the waiting.
    async fn handle_signal(&mut self) {
        if self.state == State::Going {
            complain("interrupted: no more messages are sent, those under way are waited for");
            let until = Instant::now() + DRAIN;
            self.state = State::Draining { until };
        } else {
            let binds = self.esme.status().await.binds;
            self.cut(binds);
        }
    }

    /// Ends what cannot go on: nobody has been bound for long, or the time for draining is over.
    async fn look(&mut self, now: Instant, last_bound: &mut Instant) {
        let binds = self.esme.status().await.binds;
        if binds.iter().any(|bind| bind.phase == Phase::Bound) {
            *last_bound = now;
        } else if now.saturating_duration_since(*last_bound) > PATIENCE {
            complain_about(&binds);
            return self.cut(binds);
        }
        if let State::Draining { until } = self.state
            && now > until
        {
            complain(format_args!("not everything ended within {DRAIN:?}"));
            self.cut(binds);
        }
    }

    /// Everything that has no outcome gets one now.
    fn cut(&mut self, binds: Vec<BindStatus>) {
        self.state = State::Cut;
        self.binds = Some(binds);
        let esme = self.esme.clone();
        actix_rt::spawn(async move { esme.shutdown(Duration::ZERO).await });
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

    /// Waits for the receipts that are owed, as long as some still come and nobody breaks in.
    pub(super) async fn wait_for_receipts(&mut self) {
        let start = Instant::now();
        while self.state != State::Cut && self.seen.borrow().received < self.owed {
            let last = self.seen.borrow().last.map_or(start, |last| last.max(start));
            if last.elapsed() > RECEIPT_PATIENCE {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(5)) => {}
                () = self.signals.next() => return,
            }
        }
    }

    /// Unbinds, and says how it all went.
    pub(super) async fn finish(mut self, seed: u64) -> (Summary, Exit) {
        let binds = match self.binds.take() {
            Some(binds) => binds,
            None => self.esme.status().await.binds,
        };
        shut_down(&self.esme, GRACE, &mut self.signals).await;
        let seen = self.seen.borrow();
        let messages = self.outcomes.total();
        let summary = Summary {
            messages,
            outcomes: self.outcomes,
            elapsed_s: seconds(self.elapsed),
            rate_per_s: per_second(messages, self.elapsed),
            latency_us: self.latencies.summary(),
            receipts: Receipts {
                owed: self.owed,
                received: seen.received,
                orphaned: seen.orphaned,
            },
            binds: binds.iter().map(bind_summary).collect(),
            peak_rss_kib: peak_rss_kib(),
            seed,
        };
        if seen.missed > 0 {
            complain(format_args!("{} receipts were missed", seen.missed));
        }
        if seen.received < self.owed {
            complain(format_args!(
                "{} of {} receipts never came",
                self.owed - seen.received,
                self.owed
            ));
        }
        let is_done = self.state != State::Cut && seen.received >= self.owed;
        (summary, if is_done { Exit::Done } else { Exit::Failed })
    }
}

/// Why nobody is bound.
fn complain_about(binds: &[BindStatus]) {
    let causes = binds.iter().take(SHOWN);
    let causes: Vec<_> = causes
        .map(|bind| format!("{}: {}", bind.bind, bind.cause))
        .collect();
    complain(format_args!("no bind for {PATIENCE:?}: {}", causes.join("; ")));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_that_were_missed_are_counted() {
        actix_rt::System::new().block_on(async {
            let seen = Rc::<RefCell<Seen>>::default();
            let collector = Collector(seen.clone()).start();
            for missed in [3, 4] {
                collector.send(Event::Lagged { missed }).await.unwrap();
            }
            assert_eq!((seen.borrow().missed, seen.borrow().received), (7, 0));
        });
    }
}
