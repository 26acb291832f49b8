//! The messages at a bind: those that wait for room, those in flight, and what becomes of each part.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use slab::Slab;

use super::defaults::with_defaults;
use super::messages::BindCounters;
use super::missed::Missed;
use super::retry::{Fate, fate};
use crate::events::{Accepted, LateEvent, Receipts};
use crate::pdu::{CommandStatus, PduView, SequenceNumber, StatusClass};
use crate::session::{RequestError, Response, Room, Session, Unresolved, sooner};
use crate::settings::BindSettings;
use crate::submit::{
    BindId, InvalidCause, Job, MessageId, Reference, SubmitError, UnknownCause, UnknownPolicy,
};

/// In so many sessions one after another requests may be refused as if we were not bound. Then it is the requests.
const SESSION_REFUSALS: u32 = 3;

/// What the session knows a request by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ticket {
    /// A part of a message.
    Part(Part),
    /// The place of a request that is no message.
    Inquiry(usize),
}

/// A part of a message: the place of the job, and which part.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Part {
    job: usize,
    part: usize,
}

/// A part that was not answered in time, of a message that may be sent twice rather than not at all.
struct Overdue {
    /// A late response is waited for so long, by the time of the peer.
    until: Instant,
    ticket: Part,
    sequence: SequenceNumber,
}

/// The messages at one bind.
pub(super) struct Jobs {
    bind: BindId,
    receipts: Arc<Receipts>,
    /// What the statuses of this SMSC mean, and what messages get that lack it.
    settings: Arc<BindSettings>,
    /// Those that have a seat here.
    active: Slab<Box<Job>>,
    /// Jobs with parts to be sent, in order.
    sending: VecDeque<usize>,
    /// Jobs that wait for another attempt, by time.
    delayed: VecDeque<(Instant, usize)>,
    overdue: VecDeque<Overdue>,
    missed: Missed,
    /// Accepted messages whose receipts are owed, until the store has learnt of them.
    accepted: Vec<Accepted>,
    returned: Vec<Box<Job>>,
    freed: usize,
    /// The SMSC takes us for not bound: only a new bind helps.
    session_refused: Option<CommandStatus>,
    /// Sessions one after another in which it did, and accepted nothing.
    session_refusals: u32,
    pub(super) counters: BindCounters,
    /// Those of them that were asked for: accepted and rejected requests.
    told: (u64, u64),
}

impl Jobs {
    pub(super) fn new(bind: BindId, receipts: Arc<Receipts>, settings: Arc<BindSettings>) -> Self {
        Self {
            bind,
            receipts,
            settings,
            active: Slab::new(),
            sending: VecDeque::new(),
            delayed: VecDeque::new(),
            overdue: VecDeque::new(),
            missed: Missed::default(),
            accepted: Vec::new(),
            returned: Vec::new(),
            freed: 0,
            session_refused: None,
            session_refusals: 0,
            counters: BindCounters::default(),
            told: (0, 0),
        }
    }

    pub(super) fn set_settings(&mut self, settings: Arc<BindSettings>) {
        self.settings = settings;
    }

    // They come and go.

    /// Jobs that were given seats.
    pub(super) fn take(&mut self, jobs: Vec<Box<Job>>) {
        for job in jobs {
            let key = self.active.insert(job);
            self.sending.push_back(key);
        }
    }

    /// Gives jobs back that came while nobody could send them.
    pub(super) fn refuse(&mut self, jobs: Vec<Box<Job>>) {
        self.returned.extend(jobs);
    }

    /// A new session may send.
    pub(super) fn open(&mut self) {
        self.session_refused = None;
    }

    /// Gives back what nothing was sent of; the rest is finished.
    pub(super) fn close(&mut self) {
        for overdue in std::mem::take(&mut self.overdue) {
            self.end_unknown(overdue.ticket, UnknownCause::ResponseExpired);
        }
        let keys: Vec<_> = self.active.iter().map(|(key, _)| key).collect();
        self.give_back_unsent(keys);
        self.delayed.retain(|(_, key)| self.active.contains(*key));
    }

    /// The link is gone, and every ticket came back from the session. What has parts left goes back too.
    pub(super) fn handle_link_lost(&mut self) {
        self.missed.clear();
        for overdue in std::mem::take(&mut self.overdue) {
            self.handle_unknown(overdue.ticket, UnknownCause::LinkLost);
        }
        self.sending.clear();
        self.delayed.clear();
        self.returned.extend(self.active.drain());
    }

    /// Ends everything: what was written is unknown for `cause`, the rest goes back.
    pub(super) fn abandon(&mut self, cause: UnknownCause) {
        self.close();
        self.sending.clear();
        self.delayed.clear();
        for job in self.active.drain() {
            self.freed += job.unfinished();
            job.close(&SubmitError::ShuttingDown, cause);
        }
    }

    // What they are.

    /// Parts without an outcome.
    pub(super) fn unfinished(&self) -> usize {
        self.active.iter().map(|(_, job)| job.unfinished()).sum()
    }

    /// True when no message is under way here: what waits in a session that refuses messages goes back when that ends.
    pub(super) fn is_idle(&self) -> bool {
        let is_refused = self.session_refused.is_some();
        let goes_back = |job: &Job| is_refused && !job.awaits_response();
        self.active.iter().all(|(_, job)| goes_back(job))
    }

    /// True when a part waits for room.
    pub(super) fn is_waiting(&self) -> bool {
        !self.sending.is_empty()
    }

    /// Parts whose response did not come in time, and that keep their seats until a late one comes or their time is over.
    pub(super) fn overdue(&self) -> usize {
        self.overdue.len()
    }

    /// Jobs that wait for another attempt.
    pub(super) fn delayed(&self) -> usize {
        self.delayed.len()
    }

    /// What the SMSC said when it took us for not bound.
    pub(super) const fn session_refused(&self) -> Option<CommandStatus> {
        self.session_refused
    }

    /// How many requests were accepted and rejected since it was asked last.
    pub(super) fn take_verdicts(&mut self) -> (u64, u64) {
        let now = (self.counters.submitted, self.counters.rejected);
        let before = std::mem::replace(&mut self.told, now);
        (now.0 - before.0, now.1 - before.1)
    }

    /// Jobs that go back, in their order.
    pub(super) fn take_returned(&mut self) -> Vec<Box<Job>> {
        let mut jobs = std::mem::take(&mut self.returned);
        jobs.sort_by_key(|job| job.intake());
        jobs
    }

    /// Seats that are free again.
    pub(super) fn take_freed(&mut self) -> usize {
        std::mem::take(&mut self.freed)
    }

    /// Tells the store of receipts what was accepted.
    pub(super) fn tell_accepted(&mut self, now: Instant) {
        if !self.accepted.is_empty() {
            self.receipts.handle_accepted(self.accepted.drain(..), now);
        }
    }

    // They are sent.

    /// Sends while there is room. Gives the time at which there is more to do.
    #[inline]
    pub(super) fn feed(&mut self, session: &mut Session<Ticket>, now: Instant) -> Option<Instant> {
        self.handle_timeout(session, now);
        let next = self.poll_timeout(session);
        if self.session_refused.is_some() {
            return next;
        }
        let mut room = 0;
        while let Some(key) = self.sending.front().copied() {
            let Some(job) = self.active.get_mut(key) else {
                self.sending.pop_front();
                continue;
            };
            if job.is_expired(now) {
                self.sending.pop_front();
                self.expire(key);
                continue;
            }
            let next_part = job.next_part();
            let Some((part, pdu)) = next_part.and_then(|part| Some((part, job.pdu(part)?))) else {
                self.sending.pop_front();
                continue;
            };
            if room == 0 {
                room = match session.room(now) {
                    Room::Now(room) => room,
                    Room::At(time) => return sooner(next, Some(time)),
                    Room::Full => return next,
                };
            }
            room -= 1;
            let pdu = with_defaults(pdu, &self.settings.tlvs);
            let error = match session.request_pdu(Ticket::Part(Part { job: key, part }), &pdu, None, now) {
                Ok(sequence) => {
                    job.handle_sent(part, &self.bind, sequence);
                    continue;
                }
                // A sibling on another thread was quicker to take the budget's token, or the outbox is full: ask when there
                // is room again.
                Err((_, RequestError::NoRoom)) => {
                    room = 0;
                    continue;
                }
                Err((_, RequestError::Encode(error))) => SubmitError::Invalid {
                    cause: InvalidCause::Encode(error),
                },
                Err((
                    _,
                    RequestError::SequenceTaken(sequence) | RequestError::SequenceReserved(sequence),
                )) => SubmitError::Invalid {
                    cause: InvalidCause::SequenceInUse(sequence),
                },
                // There is room, so the session is bound: such a bind never sends such a request.
                Err((_, RequestError::WrongState { .. } | RequestError::NotARequest(_))) => {
                    SubmitError::NoRoute
                }
            };
            job.handle_refused(part, error);
            self.handle_part_ended(key);
        }
        next
    }

    /// The SMSC throttled: what has not left may go by a sibling.
    pub(super) fn handle_throttled(&mut self) {
        let keys: Vec<_> = self.sending.iter().copied().collect();
        self.give_back_unsent(keys);
    }

    /// The SMSC answered.
    #[inline]
    pub(super) fn handle_answered(
        &mut self,
        ticket: Part,
        status: CommandStatus,
        response: &Response<'_>,
        now: Instant,
    ) {
        let Some(job) = self.active.get_mut(ticket.job) else {
            return;
        };
        if status.is_ok() && !matches!(response, Response::Nack) {
            self.counters.submitted += 1;
            self.session_refusals = 0;
            job.handle_accepted(ticket.part, message_id(response), now);
            if let Response::Pdu(PduView::SubmitMultiResp(body)) = response {
                job.handle_refused_destinations(ticket.part, body.to_owned_body().unsuccess_sme);
            }
            // Its receipt may come before the other parts are accepted.
            self.accepted.extend(Accepted::of(job, ticket.part));
            return self.handle_part_ended(ticket.job);
        }
        self.handle_refused(ticket, status, now);
    }

    /// A response came after its time. Of a message that is still waited for it is as good as any other; of one that was
    /// given up it gives what there is to tell. `theirs` is the time of the peer.
    pub(super) fn handle_late(
        &mut self,
        sequence: SequenceNumber,
        status: CommandStatus,
        response: &Response<'_>,
        (now, theirs): (Instant, Instant),
    ) -> Option<LateEvent> {
        let place = self
            .overdue
            .iter()
            .position(|overdue| overdue.sequence == sequence);
        if let Some(overdue) = place.and_then(|place| self.overdue.remove(place)) {
            self.handle_answered(overdue.ticket, status, response, now);
            return None;
        }
        let id = match response {
            Response::Nack => MessageId::keep(&[]),
            _ => message_id(response),
        };
        let from = (&self.bind, self.receipts.account());
        let (event, accepted) = self.missed.handle_late(from, sequence, status, id, theirs)?;
        self.accepted.extend(accepted);
        Some(event)
    }

    /// A request ended without an answer.
    pub(super) fn handle_unresolved(
        &mut self,
        ticket: Part,
        sequence: SequenceNumber,
        cause: Unresolved,
        late_until: Instant,
    ) {
        match cause {
            Unresolved::SessionEnded { written: false } => {
                if let Some(job) = self.active.get_mut(ticket.job) {
                    job.handle_returned(ticket.part);
                    self.give_back_unsent([ticket.job]);
                }
            }
            Unresolved::SessionEnded { written: true } => self.handle_unknown(ticket, UnknownCause::LinkLost),
            Unresolved::WrongResponse => {
                // Its own response may still come.
                self.remember(ticket, sequence, late_until);
                self.end_unknown(ticket, UnknownCause::WrongResponse);
            }
            Unresolved::ResponseExpired if self.may_resend(ticket) => self.overdue.push_back(Overdue {
                until: late_until,
                ticket,
                sequence,
            }),
            Unresolved::ResponseExpired => {
                self.remember(ticket, sequence, late_until);
                self.end_unknown(ticket, UnknownCause::ResponseExpired);
            }
        }
    }

    /// A part is given up, and its late response waited for.
    fn remember(&mut self, ticket: Part, sequence: SequenceNumber, late_until: Instant) {
        if let Some(job) = self.active.get_mut(ticket.job) {
            self.missed.insert(job, ticket.part, sequence, late_until);
        }
    }

    #[cold]
    fn handle_refused(&mut self, ticket: Part, status: CommandStatus, now: Instant) {
        let Some(job) = self.active.get_mut(ticket.job) else {
            return;
        };
        let class = self.settings.statuses.class(status);
        match fate(class, job.refusals(ticket.part)) {
            Fate::Returned => {
                self.counters.throttled += 1;
                job.handle_returned(ticket.part);
                self.put_back(ticket.job);
            }
            Fate::Delayed(delay) => {
                self.counters.throttled += u64::from(class == StatusClass::QueueFull);
                job.handle_delayed(ticket.part);
                self.delay(ticket.job, now + delay);
            }
            Fate::Rebind if self.session_refused.is_some() || self.session_refusals < SESSION_REFUSALS => {
                if self.session_refused.replace(status).is_none() {
                    self.session_refusals += 1;
                }
                job.handle_returned(ticket.part);
                self.put_back(ticket.job);
            }
            Fate::Rejected | Fate::Rebind => {
                self.counters.rejected += 1;
                job.handle_rejected(ticket.part, status);
                self.handle_part_ended(ticket.job);
            }
        }
    }

    /// Nothing of a message goes out before `due`; where parts of it wait already, that stays.
    fn delay(&mut self, key: usize, due: Instant) {
        if self.is_delayed(key) {
            return;
        }
        self.sending.retain(|other| *other != key);
        let place = self.delayed.partition_point(|(other, _)| *other <= due);
        self.delayed.insert(place, (due, key));
    }

    fn is_delayed(&self, key: usize) -> bool {
        self.delayed.iter().any(|(_, other)| *other == key)
    }

    /// Nobody knows what became of a part: it is sent again where the message allows that.
    fn handle_unknown(&mut self, ticket: Part, cause: UnknownCause) {
        if let Some(job) = self.active.get_mut(ticket.job)
            && job.handle_doubtful(ticket.part, cause)
        {
            return self.put_back(ticket.job);
        }
        self.end_unknown(ticket, cause);
    }

    fn end_unknown(&mut self, ticket: Part, cause: UnknownCause) {
        self.counters.unknown += 1;
        // None when it was abandoned: then it has its outcome.
        if let Some(job) = self.active.get_mut(ticket.job) {
            job.handle_unknown(ticket.part, cause);
            self.handle_part_ended(ticket.job);
        }
    }

    fn may_resend(&self, ticket: Part) -> bool {
        let job = self.active.get(ticket.job);
        job.is_some_and(|job| job.unknown_policy() == UnknownPolicy::AtLeastOnce)
    }

    /// A part ended: its seat is free, and with the last one the message is answered.
    #[inline]
    fn handle_part_ended(&mut self, key: usize) {
        self.freed += 1;
        if self.active.get(key).is_some_and(|job| job.is_finished())
            && let Some(job) = self.active.try_remove(key)
        {
            job.finish();
        }
    }

    /// Ends the messages that their caller knows by `reference`, as far as nothing of them is written; how many.
    pub(super) fn cancel(&mut self, reference: &Reference) -> usize {
        let is_it = |job: &Job| job.reference() == reference && !job.has_written();
        let found = self.active.iter().filter(|(_, job)| is_it(job));
        let keys: Vec<_> = found.map(|(key, _)| key).collect();
        for key in &keys {
            let job = self.active.remove(*key);
            self.freed += job.unfinished();
            job.refuse(&SubmitError::Cancelled);
        }
        if !keys.is_empty() {
            // Their places may be taken by others.
            self.sending.retain(|key| self.active.contains(*key));
            self.delayed.retain(|(_, key)| self.active.contains(*key));
        }
        keys.len()
    }

    fn expire(&mut self, key: usize) {
        self.delayed.retain(|(_, other)| *other != key);
        if let Some(job) = self.active.try_remove(key) {
            self.freed += job.unfinished();
            job.refuse(&SubmitError::Expired);
        }
    }

    /// A part came back. The message takes its old place in the backlog, unless other parts of it are with this
    /// SMSC: then it goes first here, when its time has come.
    fn put_back(&mut self, key: usize) {
        if !self.give_back_unsent([key]) && !self.sending.contains(&key) && !self.is_delayed(key) {
            self.sending.push_front(key);
        }
    }

    /// Gives back those of these jobs of which nothing is written; false when there was none.
    fn give_back_unsent(&mut self, keys: impl IntoIterator<Item = usize>) -> bool {
        let before = self.returned.len();
        for key in keys {
            if self.active.get(key).is_some_and(|job| !job.has_written())
                && let Some(job) = self.active.try_remove(key)
            {
                self.returned.push(job);
            }
        }
        let gave = self.returned.len() > before;
        if gave {
            self.sending.retain(|key| self.active.contains(*key));
            self.delayed.retain(|(_, key)| self.active.contains(*key));
        }
        gave
    }

    /// What waited long enough is tried again.
    #[inline]
    fn handle_timeout(&mut self, session: &Session<Ticket>, now: Instant) {
        while let Some((_, key)) = self.delayed.pop_front_if(|(due, _)| *due <= now) {
            self.sending.push_back(key);
        }
        let theirs = session.peer_time(now);
        while let Some(overdue) = self.overdue.pop_front_if(|overdue| overdue.until <= theirs) {
            self.handle_unknown(overdue.ticket, UnknownCause::ResponseExpired);
        }
    }

    /// When something that waits for its time is due.
    #[inline]
    pub(super) fn poll_timeout(&self, session: &Session<Ticket>) -> Option<Instant> {
        let delayed = self.delayed.front().map(|(due, _)| *due);
        let overdue = self.overdue.front();
        let overdue = overdue.and_then(|overdue| session.peer_due(overdue.until));
        sooner(delayed, overdue)
    }
}

/// The message id of a response, whichever kind it is; empty where the SMSC gave none.
fn message_id(response: &Response<'_>) -> MessageId {
    let octets = match response {
        Response::Pdu(PduView::SubmitSmResp(body)) => body.message_id,
        Response::Pdu(PduView::DataSmResp(body)) => body.message_id,
        Response::Pdu(PduView::SubmitMultiResp(body)) => body.message_id,
        Response::Pdu(PduView::BroadcastSmResp(body)) => body.message_id,
        _ => &[],
    };
    MessageId::keep(octets)
}
