//! What the passing of time does to a session.

use std::time::{Duration, Instant};

use super::{CloseCause, EnquireLinkMode, Event, Room, Session, SessionState, Unresolved};
use crate::pdu::{EnquireLink, Pdu};

/// After the peer's unbind was answered, responses may still come for this long.
const AFTER_UNBIND: Duration = Duration::from_secs(5);

/// What is written last gets this long to leave; then the connection is closed without it.
const LINGER: Duration = Duration::from_secs(5);

/// After this many response timeouts without any answer a session is given up.
const PROGRESS_TIMEOUTS: u32 = 3;

/// So many requests that expire in a row are no single loss.
const LOSSES: u32 = 2;

/// When things happened. What measures the peer is on its clock, which stands still while we do not read.
#[derive(Debug)]
pub(super) struct Timers {
    /// The session began, or sent its bind, that by the peer's clock.
    began: Instant,
    /// A bind of ours waits for its answer.
    pub(super) bind_sent: bool,
    /// The last PDU of the peer came; by its clock.
    pub(super) heard: Instant,
    /// A request was answered last, or the first one of an idle session sent; by the peer's clock.
    pub(super) progress: Instant,
    /// Since when the owner has requests that wait for room; by the peer's clock.
    pub(super) waiting_since: Option<Instant>,
    /// Octets left last.
    pub(super) write_progress: Instant,
    /// Output was empty when last looked at.
    pub(super) write_idle: bool,
    /// The first enquire_link of ours that still waits for any sign of life: when it was encoded by the peer's clock, and
    /// where it ends.
    pub(super) enquire_sent: Option<(Instant, u64)>,
    /// The fixed interval counts from here.
    pub(super) enquire_due_from: Instant,
    /// Once it begins.
    ending: Option<Box<Ending>>,
}

/// When the end of a session began.
#[derive(Debug, Default)]
pub(super) struct Ending {
    pub(super) unbind_sent: Option<Instant>,
    pub(super) peer_unbound: Option<Instant>,
    /// The session wants to be closed: no output is waited for after this.
    pub(super) linger_until: Option<Instant>,
}

impl Timers {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            began: now,
            bind_sent: false,
            heard: now,
            progress: now,
            waiting_since: None,
            write_progress: now,
            write_idle: true,
            enquire_sent: None,
            enquire_due_from: now,
            ending: None,
        }
    }

    /// Our bind went out: its answer is waited for from now on, which is `at` by the peer's clock.
    pub(super) fn handle_bind_sent(&mut self, at: Instant) {
        self.began = at;
        self.bind_sent = true;
    }

    pub(super) fn ending(&mut self) -> &mut Ending {
        self.ending.get_or_insert_default()
    }

    fn linger_until(&self) -> Option<Instant> {
        self.ending.as_ref()?.linger_until
    }
}

/// The earlier of two times that may not come.
#[inline]
#[must_use]
pub(crate) fn sooner(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

impl<T> Session<T> {
    /// Time passed: whatever was due at `now` happens.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.state == SessionState::Closed {
            return;
        }
        self.watch_output(now);
        if self.close.is_none()
            && let Some(cause) = self.close_cause(now)
        {
            self.close_for(cause, now);
        }
        // After the watchdog, before places are given back: a peer that answers nothing gets no more.
        self.expire_requests(now);
        if self.close.is_some() {
            if self.timers.linger_until().is_some_and(|until| until <= now) {
                self.timers.ending().linger_until = None;
                self.outbox.discard();
            }
            return;
        }
        let by_peer = self.peer_time(now);
        self.window.purge_late(by_peer);
        self.answer_overdue(now);
        if self.close.is_none() && self.enquire_deadline().is_some_and(|deadline| deadline <= now) {
            self.enquire(now);
        }
    }

    /// The next time at which [`Session::handle_timeout`] has something to do.
    #[must_use]
    #[inline]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.state == SessionState::Closed {
            return None;
        }
        if self.close.is_some() {
            return self.timers.linger_until();
        }
        [
            self.expiry_deadline(),
            self.late_deadline(),
            self.unanswered.deadline(),
            self.write_deadline(),
            self.enquire_deadline(),
            self.life_deadline(),
            self.lifecycle_deadline().map(|(deadline, _)| deadline),
            self.progress_deadline(),
        ]
        .into_iter()
        .fold(None, sooner)
    }

    /// The owner has requests that wait for room, or has none any more. The progress watchdog wants to know:
    /// that a peer answers nothing matters when there is something to ask.
    #[inline]
    pub fn set_waiting(&mut self, waits: bool, now: Instant) {
        if waits != self.timers.waiting_since.is_some() {
            self.timers.waiting_since = waits.then(|| self.clock.at(now));
        }
    }

    /// From now on the session wants its connection closed.
    pub(super) fn close_for(&mut self, cause: CloseCause, now: Instant) {
        if self.close.is_none() {
            self.close = Some(cause);
            self.timers.ending().linger_until = Some(now + LINGER);
        }
    }

    /// While we do not read, silence is our own doing: the peer's time goes on when we read again.
    #[inline]
    pub(super) fn watch_reading(&mut self, now: Instant) {
        self.clock.set_running(self.reads(), now);
    }

    /// The time by a clock that stands still while nothing is read: for who waits longer for the peer than the session does.
    #[inline]
    pub(crate) fn peer_time(&self, now: Instant) -> Instant {
        self.clock.at(now)
    }

    /// When that clock shows `time`; none while it stands still.
    #[inline]
    pub(crate) fn peer_due(&self, time: Instant) -> Option<Instant> {
        self.clock.due(time)
    }

    /// Output began to wait, or does no longer. The owner calls it after writing.
    #[inline]
    pub fn watch_output(&mut self, now: Instant) {
        self.watch_reading(now);
        let idle = self.outbox.len() == 0;
        if self.timers.write_idle && !idle {
            self.timers.write_progress = now;
        }
        self.timers.write_idle = idle;
    }

    /// True when output has waited too long for a peer that does not read. Of a session that wants to be closed
    /// nothing more can then be written.
    #[must_use]
    pub fn is_write_overdue(&self, now: Instant) -> bool {
        self.write_deadline().is_some_and(|deadline| deadline <= now)
    }

    fn close_cause(&mut self, now: Instant) -> Option<CloseCause> {
        let due = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        if let Some((deadline, cause)) = self.lifecycle_deadline()
            && deadline <= now
        {
            return Some(cause);
        }
        if due(self.life_deadline()) {
            let silent = self.timers.enquire_sent.is_some();
            return Some(if silent {
                CloseCause::LinkDead
            } else {
                CloseCause::Inactive
            });
        }
        if self.is_write_overdue(now) {
            return Some(CloseCause::WriteStalled);
        }
        if !due(self.progress_deadline()) {
            return None;
        }
        match self.room(now) {
            // Our own limit is what holds it up: the peer's time begins when that lets it go.
            Room::At(time) => {
                self.timers.progress = self.clock.at(time);
                None
            }
            Room::Now(_) | Room::Full => Some(CloseCause::NoProgress),
        }
    }

    /// The deadlines of opening and ending a session.
    fn lifecycle_deadline(&self) -> Option<(Instant, CloseCause)> {
        let timers = &self.timers;
        if matches!(self.state, SessionState::Open | SessionState::Outbound) {
            if timers.bind_sent {
                let due = self.clock.due(timers.began + self.config.bind_timeout)?;
                return Some((due, CloseCause::BindExpired));
            }
            // Nobody holds a connection without a bind for longer, whatever we do.
            let due = timers.began + self.config.session_init_timeout?;
            return Some((due, CloseCause::NotBound));
        }
        // An end waits for nobody: what came by then is looked at before the connection is closed.
        let ending = timers.ending.as_ref()?;
        let ours = ending
            .unbind_sent
            .map(|sent| (sent + self.config.response_timeout, CloseCause::Unbound));
        let theirs = ending
            .peer_unbound
            .map(|since| (since + AFTER_UNBIND, CloseCause::PeerUnbound));
        match (ours, theirs) {
            (Some(ours), Some(theirs)) => Some(if theirs.0 < ours.0 { theirs } else { ours }),
            (ours, theirs) => ours.or(theirs),
        }
    }

    /// When silence of the peer ends the session.
    fn life_deadline(&self) -> Option<Instant> {
        // One that has not left cannot be answered: the write deadline watches over it.
        let enquired = self
            .timers
            .enquire_sent
            .and_then(|(sent, end)| self.outbox.left_at(end, sent))
            .map(|left| left + self.config.enquire_link_timeout);
        let inactive = self
            .config
            .inactivity_timeout
            .filter(|_| self.state.is_bound())
            .map(|timeout| self.timers.heard + timeout);
        self.clock.due(sooner(enquired, inactive)?)
    }

    /// When the next enquire_link goes out.
    fn enquire_deadline(&self) -> Option<Instant> {
        let interval = self.config.enquire_link_interval?;
        // A peer that is held back still hears from us; nobody expects to hear from it.
        let waits = self.timers.enquire_sent.is_some() || !self.clock.is_running();
        let quiet = (waits && !self.held) || self.unbinding.is_some();
        if !self.state.is_bound() || quiet {
            return None;
        }
        let from = match self.config.enquire_link_mode {
            EnquireLinkMode::Idle => {
                let heard = self.clock.passed(self.timers.heard);
                heard.max(self.timers.enquire_due_from)
            }
            EnquireLinkMode::Fixed => self.timers.enquire_due_from,
        };
        Some(from + interval)
    }

    /// When a peer that answers nothing is given up: something waits for it, or it left several requests
    /// without an answer. One lost response on a quiet link is no reason.
    fn progress_deadline(&self) -> Option<Instant> {
        let timers = &self.timers;
        let asked = self.window.in_flight() > 0;
        let since = match timers.waiting_since {
            Some(_) if asked => timers.progress,
            Some(since) => since.max(timers.progress),
            None if asked && self.expired_in_row >= LOSSES => timers.progress,
            None => return None,
        };
        if !self.state.is_bound() || self.unbinding.is_some() || self.peer_unbinding.is_some() {
            return None;
        }
        self.clock
            .due(since + self.config.response_timeout * PROGRESS_TIMEOUTS)
    }

    fn write_deadline(&self) -> Option<Instant> {
        (!self.timers.write_idle && self.outbox.len() > 0)
            .then(|| self.timers.write_progress + self.config.write_timeout)
    }

    /// When the oldest request expires. Its time counts from when it left; while it has not, it cannot be
    /// answered, and the write deadline watches over it.
    #[inline]
    fn expiry_deadline(&self) -> Option<Instant> {
        let oldest = self.window.oldest()?;
        let left = self.outbox.left_at(oldest.end, oldest.asked)?;
        self.clock.due(left + self.config.response_timeout)
    }

    /// When something is late for too long.
    #[inline]
    fn late_deadline(&self) -> Option<Instant> {
        self.peer_due(self.window.late_deadline()?)
    }

    fn expire_requests(&mut self, now: Instant) {
        while self.expiry_deadline().is_some_and(|deadline| deadline <= now) {
            let Some(entry) = self.window.pop_oldest_as_late(self.config.response_timeout) else {
                return;
            };
            self.count().expired += 1;
            self.expired_in_row = self.expired_in_row.saturating_add(1);
            self.events().push_back(Event::Unresolved {
                token: entry.token,
                sequence: entry.sequence,
                sent: entry.sent,
                cause: Unresolved::ResponseExpired,
            });
        }
    }

    fn answer_overdue(&mut self, now: Instant) {
        while let Some(owed) = self.unanswered.pop_overdue(now) {
            self.count().overdue += 1;
            let status = self.config.default_answer;
            if let Some(body) = owed.request.response().and_then(Pdu::empty) {
                // Empty bodies always fit.
                _ = body.encode(status, owed.sequence, self.outbox.buffer());
            }
            self.after_answer(owed.request, status, now);
        }
    }

    fn enquire(&mut self, now: Instant) {
        let sequence = self.free_sequence();
        self.encode_own(&EnquireLink::default(), sequence);
        let sent = self.clock.at(now);
        self.enquiring = Some((sequence, sent));
        // While the peer is held back another follows, though it may not have been heard since the first.
        self.timers.enquire_sent.get_or_insert((sent, self.outbox.end()));
        self.timers.enquire_due_from = now;
    }
}
