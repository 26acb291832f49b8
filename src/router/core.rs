//! What the router knows, and how messages come in and go out to binds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::binds::{Account, Binds};
use super::closing::Closing;
use super::routes::{Lanes, Strategies};
use super::{Books, Intake, Preparer};
use crate::dispatch::{BindKey, Dispatcher, LaneKey, Refusal, Ticket};
use crate::events::Hub;
use crate::link;
use crate::settings::Settings;
use crate::submit::{AccountId, Batch, Job, NotSentCause, Reply, Submit, SubmitError, UnknownCause};

/// After this many messages of one drain the router lets others have their turn.
pub(super) const TURN: usize = 1_024;

/// How often receipts that nobody came for are given up.
const SWEEP: Duration = Duration::from_secs(10);

/// What the router shares with those who use it from other threads.
pub(super) struct Shared {
    pub(super) hub: Arc<Hub>,
    pub(super) books: Arc<Books>,
    pub(super) preparer: Arc<Preparer>,
    pub(super) intake: Arc<Intake>,
}

/// The state of the router. Handlers and the pump share it.
pub(super) struct Core {
    pub(super) settings: Arc<Settings>,
    pub(super) hub: Arc<Hub>,
    pub(super) books: Arc<Books>,
    pub(super) preparer: Arc<Preparer>,
    pub(super) intake: Arc<Intake>,
    pub(super) dispatcher: Dispatcher<Box<Job>>,
    pub(super) lanes: Lanes,
    pub(super) accounts: BTreeMap<AccountId, Account>,
    pub(super) binds: Binds,
    pub(super) closing: Option<Closing>,
    /// When the next quarantine is over; none while no bind is quarantined.
    pub(super) next_release: Option<Instant>,
    next_intake: u64,
    /// Messages of this drain.
    drained: usize,
    /// The time, read once a drain.
    now: Option<Instant>,
    next_sweep: Instant,
    /// Closes when the router is gone.
    _alive: watch::Sender<()>,
}

impl Core {
    pub(super) fn new(
        settings: Arc<Settings>,
        shared: Shared,
        binds: Binds,
        strategies: Strategies,
        alive: watch::Sender<()>,
    ) -> Self {
        let mut dispatcher = Dispatcher::new(settings.router.backlog_capacity);
        dispatcher.set_lane_capacity(settings.router.backlog_per_route);
        let lanes = Lanes::new(&settings, strategies, &mut dispatcher);
        Self {
            settings,
            hub: shared.hub,
            books: shared.books,
            preparer: shared.preparer,
            intake: shared.intake,
            dispatcher,
            lanes,
            accounts: BTreeMap::new(),
            binds,
            closing: None,
            next_release: None,
            next_intake: 0,
            drained: 0,
            now: None,
            next_sweep: link::now() + SWEEP,
            _alive: alive,
        }
    }

    /// The time of this drain.
    pub(super) fn now(&mut self) -> Instant {
        *self.now.get_or_insert_with(link::now)
    }

    /// Counts messages of this drain; true when others should have their turn.
    pub(super) fn count(&mut self, messages: usize) -> bool {
        self.drained += messages;
        if self.drained < TURN {
            return false;
        }
        self.drained = 0;
        true
    }

    // Messages come in.

    /// A message that came as such.
    pub(super) fn handle_submit(&mut self, submit: &mut Submit, reply: Reply) {
        let reply = self.books.enter(reply, false);
        match self.preparer.prepare(submit, reply) {
            Ok(job) => self.handle_job(job),
            Err((reply, error)) => reply.answer(Err(error)),
        }
    }

    /// One of the messages that came together.
    pub(super) fn handle_in_batch(&mut self, mut submit: Submit, batch: &Arc<Batch>, index: usize) {
        let reference = std::mem::take(&mut submit.reference);
        self.handle_submit(&mut submit, Reply::to_batch(reference, batch.clone(), index));
    }

    /// A message that its sender prepared.
    pub(super) fn handle_job(&mut self, mut job: Box<Job>) {
        if job.is_abandoned() {
            return job.withdraw();
        }
        if self.closing.is_some() {
            return job.refuse(&SubmitError::ShuttingDown);
        }
        let now = self.now();
        job.default_validity(self.settings.router.validity);
        job.handle_intake(self.next_intake, now);
        self.next_intake += 1;
        let Some(lane) = self.lane(&job) else {
            return job.refuse(&SubmitError::NoRoute);
        };
        let admitted = job.has_permit();
        if let Err((job, refusal)) = self.dispatcher.offer(self.ticket(&job, lane, admitted), job) {
            job.refuse(&match refusal {
                Refusal::Busy => SubmitError::Busy,
                Refusal::NoRoute => SubmitError::NoRoute,
            });
        }
    }

    /// Jobs that a bind did not send take their old places; `from` frees their seats there.
    pub(super) fn take_back(&mut self, from: Option<BindKey>, jobs: Vec<Box<Job>>) {
        let now = self.now();
        if self.closing.is_some() {
            let freed = jobs.iter().map(|job| job.unfinished()).sum();
            if let Some(bind) = from {
                self.dispatcher.free(bind, freed, now);
            }
            return jobs.into_iter().for_each(|job| self.refuse_at_end(job));
        }
        let mut freed = 0;
        let mut tickets = Vec::with_capacity(jobs.len());
        for job in jobs {
            freed += job.unfinished();
            match self.lane(&job) {
                Some(lane) => tickets.push((self.ticket(&job, lane, true), job)),
                None => self.strand(job),
            }
        }
        let stranded = self.dispatcher.take_back(from, freed, tickets, now);
        stranded.into_iter().for_each(|job| self.strand(job));
    }

    /// Ends a job that no bind is left for.
    fn strand(&mut self, job: Box<Job>) {
        let cause = NotSentCause::Stopped;
        job.close(&SubmitError::NotSent { cause }, UnknownCause::Dropped);
    }

    /// Ends a job that waits when the router shuts down.
    pub(super) fn refuse_at_end(&mut self, job: Box<Job>) {
        job.close(&SubmitError::ShuttingDown, UnknownCause::ShutDown);
    }

    /// What the dispatcher has to know of a job.
    fn ticket(&self, job: &Job, lane: LaneKey, admitted: bool) -> Ticket {
        Ticket {
            intake: job.intake(),
            priority: job.priority().0,
            expires_at: job.expires_at(),
            lane,
            seats: job.unfinished(),
            affinity: self.lanes.affinity(lane, job.affinity(), || job.parties()),
            admitted,
        }
    }

    // Messages go out.

    /// Hands each bind what it was assigned, and ends what expired.
    pub(super) fn flush(&mut self) {
        loop {
            while let Some(job) = self.dispatcher.poll_expired() {
                job.close(&SubmitError::Expired, UnknownCause::Dropped);
            }
            let Some((key, jobs)) = self.dispatcher.poll_assigned() else {
                return;
            };
            let refused = match self.binds.get(key).and_then(|member| member.address()) {
                Some(address) => match address.assign(jobs) {
                    Ok(()) => continue,
                    Err(refused) => refused,
                },
                None => jobs,
            };
            // Its actor is dead; whoever watches it finds that in a moment.
            let now = self.now();
            self.dispatcher.set_open(key, false, now);
            self.take_back(Some(key), refused);
        }
    }

    /// Does what is due.
    pub(super) fn handle_timeout(&mut self) {
        let now = self.now();
        self.dispatcher.handle_timeout(now);
        if self.next_release.is_some_and(|due| due <= now) {
            self.release(now);
        }
        if self.next_sweep <= now {
            self.next_sweep = now + SWEEP;
            for account in self.accounts.values() {
                account.receipts.handle_timeout(now);
            }
        }
        self.push_closing(now);
    }

    /// When [`Core::handle_timeout`] has something to do.
    pub(super) fn poll_timeout(&self) -> Instant {
        let closing = self.closing.as_ref().and_then(Closing::next_deadline);
        let others = self.dispatcher.poll_timeout().into_iter();
        let others = others.chain(closing).chain(self.next_release);
        others.fold(self.next_sweep, Instant::min)
    }

    /// The drain is over: the next one reads the clock again.
    pub(super) fn end_drain(&mut self) {
        self.drained = 0;
        self.now = None;
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        // Also while unwinding: whoever waits for a permit must not wait for ever.
        self.books.close();
        // What nobody comes for any more is answered, as what is left in the mailbox is.
        drop(self.intake.close());
    }
}
