//! What the passing of time does to a session.

use std::time::{Duration, Instant};

use super::{CloseCause, EnquireLinkMode, Event, Session, SessionState, Side, Unresolved};
use crate::pdu::{CommandStatus, EnquireLink, Pdu};

/// After the peer's unbind was answered, responses may still come for this long.
const AFTER_UNBIND: Duration = Duration::from_secs(5);

/// After this many response timeouts without any answer a session is given up.
const PROGRESS_TIMEOUTS: u32 = 3;

/// When things happened.
#[derive(Debug)]
pub(super) struct Timers {
    /// The session began.
    pub(super) opened: Instant,
    /// The last PDU of the peer came.
    pub(super) heard: Instant,
    /// A request was answered last, or the first one of an idle session sent.
    pub(super) progress: Instant,
    /// Octets left last.
    pub(super) write_progress: Instant,
    /// Output was empty when last looked at.
    pub(super) write_idle: bool,
    /// Our enquire_link that still waits for any sign of life.
    pub(super) enquire_sent: Option<Instant>,
    /// The fixed interval counts from here.
    pub(super) enquire_due_from: Instant,
    pub(super) bind_sent: Option<Instant>,
    pub(super) unbind_sent: Option<Instant>,
    pub(super) peer_unbind_came: Option<Instant>,
    pub(super) peer_unbound: Option<Instant>,
}

impl Timers {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            opened: now,
            heard: now,
            progress: now,
            write_progress: now,
            write_idle: true,
            enquire_sent: None,
            enquire_due_from: now,
            bind_sent: None,
            unbind_sent: None,
            peer_unbind_came: None,
            peer_unbound: None,
        }
    }
}

impl<T> Session<T> {
    /// Time passed: whatever was due at `now` happens.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.state == SessionState::Closed {
            return;
        }
        self.watch_output(now);
        if let Some(cause) = self.close_cause(now) {
            self.close.get_or_insert(cause);
        }
        // Before the places of expired requests are given back: a peer that answers nothing gets no more.
        self.expire_requests(now);
        self.window.purge_late(now);
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
        let expiry = self
            .window
            .oldest()
            .map(|entry| entry.sent + self.config.response_timeout);
        [
            expiry,
            self.window.late_deadline(),
            self.unanswered.deadline(),
            self.enquire_deadline(),
            self.life_deadline(),
            self.lifecycle_deadline().map(|(deadline, _)| deadline),
            self.progress_deadline(),
            self.write_deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Output began to wait, or does no longer. The owner calls it after writing.
    #[inline]
    pub fn watch_output(&mut self, now: Instant) {
        let idle = self.outbox.len() == 0;
        if self.timers.write_idle && !idle {
            self.timers.write_progress = now;
        }
        self.timers.write_idle = idle;
    }

    fn close_cause(&self, now: Instant) -> Option<CloseCause> {
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
        if due(self.write_deadline()) {
            return Some(CloseCause::WriteStalled);
        }
        due(self.progress_deadline()).then_some(CloseCause::NoProgress)
    }

    /// The deadlines of opening and ending a session.
    fn lifecycle_deadline(&self) -> Option<(Instant, CloseCause)> {
        let timers = &self.timers;
        match self.state {
            SessionState::Open | SessionState::Outbound => match timers.bind_sent {
                Some(sent) => Some((sent + self.config.bind_timeout, CloseCause::BindExpired)),
                None => Some((
                    timers.opened + self.config.session_init_timeout,
                    CloseCause::NotBound,
                )),
            },
            _ => None,
        }
        .or_else(|| {
            timers
                .unbind_sent
                .map(|sent| (sent + self.config.response_timeout, CloseCause::Unbound))
        })
        .or_else(|| {
            timers
                .peer_unbound
                .map(|since| (since + AFTER_UNBIND, CloseCause::PeerUnbound))
        })
    }

    /// When silence of the peer ends the session.
    fn life_deadline(&self) -> Option<Instant> {
        let enquired = self
            .timers
            .enquire_sent
            .map(|sent| sent + self.config.enquire_link_timeout);
        let inactive = self
            .config
            .inactivity_timeout
            .filter(|_| self.state.is_bound())
            .map(|t| self.timers.heard + t);
        [enquired, inactive].into_iter().flatten().min()
    }

    /// When the next enquire_link goes out.
    fn enquire_deadline(&self) -> Option<Instant> {
        let interval = self.config.enquire_link_interval?;
        if !self.state.is_bound() || self.timers.enquire_sent.is_some() || self.unbinding.is_some() {
            return None;
        }
        let from = match self.config.enquire_link_mode {
            EnquireLinkMode::Idle => self.timers.heard.max(self.timers.enquire_due_from),
            EnquireLinkMode::Fixed => self.timers.enquire_due_from,
        };
        Some(from + interval)
    }

    /// When a peer that takes requests and answers none is given up.
    fn progress_deadline(&self) -> Option<Instant> {
        let waits = self.state.is_bound() && self.window.in_flight() > 0;
        waits.then(|| self.timers.progress + self.config.response_timeout * PROGRESS_TIMEOUTS)
    }

    fn write_deadline(&self) -> Option<Instant> {
        (!self.timers.write_idle && self.outbox.len() > 0)
            .then(|| self.timers.write_progress + self.config.write_timeout)
    }

    /// When the oldest request expires. One that has not left cannot have been answered: the write deadline
    /// watches over it.
    fn expiry_deadline(&self) -> Option<Instant> {
        let oldest = self.window.oldest()?;
        (oldest.end <= self.outbox.written()).then(|| oldest.sent + self.config.response_timeout)
    }

    fn expire_requests(&mut self, now: Instant) {
        while self.expiry_deadline().is_some_and(|deadline| deadline <= now) {
            let Some(entry) = self.window.pop_oldest_as_late(self.config.response_timeout) else {
                return;
            };
            self.counters.expired += 1;
            self.events.push_back(Event::Unresolved {
                token: entry.token,
                sequence: entry.sequence,
                sent: entry.sent,
                cause: Unresolved::ResponseExpired,
            });
        }
    }

    fn answer_overdue(&mut self, now: Instant) {
        while let Some(owed) = self.unanswered.pop_overdue(now) {
            self.counters.overdue += 1;
            let status = match self.config.side {
                Side::Esme => self.config.default_answer,
                Side::Smsc => CommandStatus::ESME_RSYSERR,
            };
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
        self.enquiring = Some(sequence);
        self.timers.enquire_sent = Some(now);
        self.timers.enquire_due_from = now;
    }
}
