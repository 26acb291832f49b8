//! The messages at a bind: those that wait for room, those in flight, and what becomes of each part.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use slab::Slab;
use tracing::debug;

use super::messages::{BindCounters, Report};
use crate::events::{
    Accepted, Alarm, Answer, Answering, Delivery, Event as HubEvent, Hub, Receipts, UnreadableEvent,
};
use crate::link::LinkHandler;
use crate::pdu::{CommandStatus, DataSmResp, DeliverSmResp, Faults, Header, PduView, StatusClass};
use crate::session::{Event, Inbound, RequestError, Response, Room, Session, Unresolved};
use crate::submit::{
    AccountId, BindId, InvalidCause, Job, MessageId, SubmitError, UnknownCause, UnknownPolicy,
};

/// A part that the SMSC could not take now is tried this many times at one bind.
const ATTEMPTS: u32 = 5;

/// The wait before the second attempt; each further one waits that much longer.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// What the session knows a request by: the job's place and the part.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Ticket {
    job: usize,
    part: usize,
}

/// A job that has a seat here.
struct Active {
    job: Box<Job>,
    attempts: u32,
}

/// A delivery whose answer is being made.
type Answered = (Inbound, Kind, Answer);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    DeliverSm,
    DataSm,
}

/// The messages at one bind.
pub(super) struct Desk {
    id: BindId,
    account: AccountId,
    hub: Arc<Hub>,
    receipts: Arc<Receipts>,
    /// The answer to a message that nobody takes.
    unhandled: CommandStatus,
    active: Slab<Active>,
    /// Jobs with parts to be sent, in order.
    sending: VecDeque<usize>,
    /// Jobs that wait for another attempt, by time.
    delayed: VecDeque<(Instant, usize)>,
    answers: FuturesUnordered<Pin<Box<dyn Future<Output = Answered>>>>,
    /// Accepted messages whose receipts are owed, until the store has learnt of them.
    accepted: Vec<Accepted>,
    returned: Vec<Box<Job>>,
    freed: usize,
    /// Nothing new is sent; what is under way goes on.
    closing: bool,
    /// The SMSC says that we are not bound: only a new bind helps.
    confused: bool,
    pub(super) counters: BindCounters,
}

impl Desk {
    pub(super) fn new(
        id: BindId,
        account: AccountId,
        hub: Arc<Hub>,
        receipts: Arc<Receipts>,
        unhandled: CommandStatus,
    ) -> Self {
        Self {
            id,
            account,
            hub,
            receipts,
            unhandled,
            active: Slab::new(),
            sending: VecDeque::new(),
            delayed: VecDeque::new(),
            answers: FuturesUnordered::new(),
            accepted: Vec::new(),
            returned: Vec::new(),
            freed: 0,
            closing: false,
            confused: false,
            counters: BindCounters::default(),
        }
    }

    /// Jobs that were given seats.
    pub(super) fn take(&mut self, jobs: Vec<Box<Job>>) {
        for job in jobs {
            let key = self.active.insert(Active { job, attempts: 0 });
            self.sending.push_back(key);
        }
    }

    /// Gives jobs back that came while nobody could send them.
    pub(super) fn refuse(&mut self, jobs: Vec<Box<Job>>) {
        self.returned.extend(jobs);
    }

    /// Parts that wait here to be sent.
    pub(super) fn waiting(&self) -> usize {
        self.sending.len() + self.delayed.len()
    }

    /// True when no message is under way and no answer is owed.
    pub(super) fn is_idle(&self) -> bool {
        self.active.is_empty() && self.answers.is_empty()
    }

    /// True when only a new bind helps.
    pub(super) fn is_confused(&self) -> bool {
        self.confused
    }

    /// Gives back what nothing was sent of; the rest is finished.
    pub(super) fn close(&mut self) {
        self.closing = true;
        self.return_if(|job| !job.has_written());
    }

    /// A new session may send.
    pub(super) fn open(&mut self) {
        self.closing = false;
        self.confused = false;
    }

    /// The link is gone, and every ticket came back from the session. What has parts left goes back too.
    pub(super) fn handle_link_lost(&mut self) {
        self.answers.clear();
        self.return_if(|_| true);
    }

    /// Ends everything: what was written is unknown for `cause`, the rest goes back.
    pub(super) fn abandon(&mut self, cause: UnknownCause) {
        self.close();
        let keys: Vec<_> = self.active.iter().map(|(key, _)| key).collect();
        for key in keys {
            if let Some(active) = self.active.try_remove(key) {
                self.freed += active.job.unfinished();
                active.job.close(&SubmitError::ShuttingDown, cause);
            }
        }
        self.sending.clear();
        self.delayed.clear();
    }

    /// Puts answers that became ready into the session; true when there were any.
    pub(super) fn poll_answers(
        &mut self,
        cx: &mut Context<'_>,
        session: &mut Session<Ticket>,
        now: Instant,
    ) -> bool {
        let mut answered = false;
        while let Poll::Ready(Some((inbound, kind, answer))) = self.answers.poll_next_unpin(cx) {
            respond(session, inbound, kind, answer, now);
            answered = true;
        }
        answered
    }

    /// What there is to report, but the number of seats.
    pub(super) fn reports(&mut self, now: Instant, reports: &mut Vec<Report>) -> usize {
        self.tell_accepted(now);
        if !self.returned.is_empty() {
            let mut jobs = std::mem::take(&mut self.returned);
            jobs.sort_by_key(|job| job.intake());
            reports.push(Report::Returned { jobs });
        }
        std::mem::take(&mut self.freed)
    }

    fn tell_accepted(&mut self, now: Instant) {
        if !self.accepted.is_empty() {
            self.receipts.handle_accepted(self.accepted.drain(..), now);
        }
    }

    fn return_if(&mut self, condition: impl Fn(&Job) -> bool) {
        let mut keys: Vec<_> = self
            .active
            .iter()
            .filter(|(_, active)| condition(&active.job))
            .map(|(key, _)| key)
            .collect();
        keys.sort_unstable();
        for key in keys {
            self.give_back(key);
        }
        let active = &self.active;
        self.sending.retain(|key| active.contains(*key));
        self.delayed.retain(|(_, key)| active.contains(*key));
    }

    fn give_back(&mut self, key: usize) {
        if let Some(active) = self.active.try_remove(key) {
            self.returned.push(active.job);
        }
    }

    /// A part ended: its seat is free, and with the last one the message is answered.
    #[inline]
    fn handle_part_ended(&mut self, key: usize) {
        self.freed += 1;
        if self
            .active
            .get(key)
            .is_some_and(|active| active.job.is_finished())
            && let Some(active) = self.active.try_remove(key)
        {
            if let Some(accepted) = Accepted::of(&active.job) {
                self.accepted.push(accepted);
            }
            active.job.finish();
        }
    }

    #[inline]
    fn handle_answered(
        &mut self,
        ticket: Ticket,
        status: CommandStatus,
        response: Response<'_>,
        now: Instant,
    ) {
        let Some(active) = self.active.get_mut(ticket.job) else {
            return;
        };
        if status.is_ok() && !matches!(response, Response::Nack) {
            self.counters.submitted += 1;
            active
                .job
                .handle_accepted(ticket.part, message_id(&response), now);
            return self.handle_part_ended(ticket.job);
        }
        match status.class() {
            StatusClass::Throttle if status == CommandStatus::ESME_RTHROTTLED => {
                self.counters.throttled += 1;
                active.job.handle_returned(ticket.part);
                self.send_elsewhere(ticket.job);
            }
            class @ (StatusClass::Throttle | StatusClass::Retryable) if active.attempts + 1 < ATTEMPTS => {
                self.counters.throttled += u64::from(class == StatusClass::Throttle);
                active.attempts += 1;
                active.job.handle_returned(ticket.part);
                let due = now + RETRY_DELAY * active.attempts;
                let place = self.delayed.partition_point(|(other, _)| *other <= due);
                self.delayed.insert(place, (due, ticket.job));
            }
            StatusClass::Session => {
                self.confused = true;
                active.job.handle_returned(ticket.part);
                self.send_elsewhere(ticket.job);
            }
            _ => {
                self.counters.rejected += 1;
                active.job.handle_rejected(ticket.part, status);
                self.handle_part_ended(ticket.job);
            }
        }
    }

    /// A part came back. The message takes its old place in the backlog, unless other parts of it are with this
    /// SMSC: then it goes first here.
    fn send_elsewhere(&mut self, key: usize) {
        let Some(active) = self.active.get(key) else {
            return;
        };
        if active.job.has_written() {
            if !self.sending.contains(&key) {
                self.sending.push_front(key);
            }
        } else {
            self.sending.retain(|other| *other != key);
            self.give_back(key);
        }
    }

    fn handle_unresolved(&mut self, ticket: Ticket, cause: Unresolved) {
        let Some(active) = self.active.get_mut(ticket.job) else {
            return;
        };
        let unknown = match cause {
            Unresolved::SessionEnded { written: false } => return active.job.handle_returned(ticket.part),
            Unresolved::SessionEnded { written: true } => UnknownCause::LinkLost,
            Unresolved::ResponseExpired => UnknownCause::ResponseExpired,
            Unresolved::WrongResponse => UnknownCause::WrongResponse,
        };
        if unknown == UnknownCause::LinkLost
            && active.job.unknown_policy() == UnknownPolicy::AtLeastOnce
            && active.job.take_resend()
        {
            return active.job.handle_returned(ticket.part);
        }
        self.counters.unknown += 1;
        active.job.handle_unknown(ticket.part, unknown);
        self.handle_part_ended(ticket.job);
    }

    fn handle_delivery(
        &mut self,
        session: &mut Session<Ticket>,
        (inbound, header, body, faults): (Inbound, Header, PduView<'_>, Faults),
        frame: &[u8],
        now: Instant,
    ) {
        let kind = match body {
            PduView::DeliverSm(_) => Kind::DeliverSm,
            PduView::DataSm(_) => Kind::DataSm,
            _ => {
                // Nothing else that wants an answer comes from an SMSC.
                _ = session.respond_empty(inbound, CommandStatus::ESME_RINVCMDID, now);
                return;
            }
        };
        self.counters.delivered += 1;
        let frame = bytes::Bytes::copy_from_slice(frame);
        let delivery = Delivery::new(
            self.id.clone(),
            self.account.clone(),
            header,
            &body,
            faults,
            frame,
        );
        if delivery.is_receipt() {
            self.tell_accepted(now);
            self.receipts.handle_delivery(&delivery, now);
        }
        match self.hub.answer(&delivery, self.unhandled) {
            Answering::Now(answer) => respond(session, inbound, kind, answer, now),
            Answering::Later(request) => self.answers.push(Box::pin(async move {
                // A handler that panicked or is gone: the SMSC keeps the message.
                (inbound, kind, request.await.unwrap_or_else(|_| Answer::later()))
            })),
        }
        if self.hub.wants(crate::events::Kinds::DELIVERIES) {
            self.hub.emit(HubEvent::Delivery(Arc::new(delivery)));
        }
    }

    fn wake_delayed(&mut self, now: Instant) {
        while let Some((due, key)) = self.delayed.front().copied() {
            if due > now {
                break;
            }
            self.delayed.pop_front();
            self.sending.push_back(key);
        }
    }

    /// Sends what waits while there is room; gives the time at which to ask again.
    fn send_waiting(&mut self, session: &mut Session<Ticket>, now: Instant) -> Option<Instant> {
        self.wake_delayed(now);
        let delayed = self.delayed.front().map(|(due, _)| *due);
        while let Some(key) = self.sending.front().copied() {
            let Some(active) = self.active.get_mut(key) else {
                self.sending.pop_front();
                continue;
            };
            if active.job.is_expired(now) {
                self.sending.pop_front();
                if let Some(active) = self.active.try_remove(key) {
                    self.freed += active.job.unfinished();
                    active.job.refuse(&SubmitError::Expired);
                }
                continue;
            }
            let Some((part, pdu)) = active
                .job
                .next_part()
                .and_then(|part| Some((part, active.job.pdu(part)?)))
            else {
                self.sending.pop_front();
                continue;
            };
            match session.room(now) {
                Room::Now(_) => {}
                Room::At(time) => return Some(delayed.map_or(time, |due| due.min(time))),
                Room::Full => return delayed,
            }
            match session.request_pdu(Ticket { job: key, part }, pdu, None, now) {
                Ok(sequence) => active.job.handle_sent(part, &self.id, sequence),
                Err((_, RequestError::Encode(error))) => {
                    active.job.handle_refused(
                        part,
                        SubmitError::Invalid {
                            cause: InvalidCause::Encode(error),
                        },
                    );
                    self.handle_part_ended(key);
                }
                // A sibling on another thread was quicker to take the budget's token: ask when the next one comes.
                Err((_, RequestError::NoRoom)) => {}
                // Parts are submit_sm with a number of the session's own.
                Err((
                    _,
                    RequestError::WrongState { .. }
                    | RequestError::NotARequest(_)
                    | RequestError::SequenceReserved(_)
                    | RequestError::SequenceTaken(_),
                )) => {
                    return delayed;
                }
            }
        }
        delayed
    }
}

impl LinkHandler<Ticket> for Desk {
    fn feed(&mut self, session: &mut Session<Ticket>, now: Instant) -> Option<Instant> {
        let ask_again = self.send_waiting(session, now);
        session.set_waiting(!self.sending.is_empty(), now);
        ask_again
    }

    #[inline]
    fn event(&mut self, session: &mut Session<Ticket>, event: Event<'_, Ticket>, frame: &[u8], now: Instant) {
        match event {
            Event::Answered {
                token,
                status,
                response,
                ..
            } => self.handle_answered(token, status, response, now),
            Event::Unresolved { token, cause, .. } => self.handle_unresolved(token, cause),
            Event::Request {
                inbound,
                header,
                body,
                faults,
            } => {
                self.handle_delivery(session, (inbound, header, body, faults), frame, now);
            }
            Event::Bound { version } => {
                self.counters.binds += 1;
                debug!(bind = %self.id, version = version.map(|version| version.value()), "bound");
            }
            Event::Unreadable { header, error } => {
                debug!(bind = %self.id, %error, "unreadable");
                self.hub.emit(HubEvent::Unreadable(Arc::new(UnreadableEvent {
                    bind: self.id.clone(),
                    header,
                    error,
                    frame: bytes::Bytes::copy_from_slice(frame),
                })));
            }
            Event::Violation { header, violation } => {
                debug!(bind = %self.id, command = ?header.command_id, ?violation, "violation");
            }
            Event::Throttled { rate } => {
                debug!(bind = %self.id, rate, "throttled");
                // What has not left may go by a sibling.
                self.return_if(|job| !job.has_written());
            }
            Event::PeerUnbinds => self.close(),
            Event::Late { sequence, status, .. } => {
                debug!(bind = %self.id, %sequence, ?status, "late response")
            }
            Event::BindRefused { status } => debug!(bind = %self.id, ?status, "bind refused"),
            Event::Notice { header, .. } => debug!(bind = %self.id, command = ?header.command_id, "notice"),
            Event::Unbound => debug!(bind = %self.id, "unbound"),
        }
    }
}

impl Desk {
    /// Raises an alarm about this bind.
    pub(super) fn alarm(&self, alarm: impl FnOnce(BindId) -> Alarm) {
        self.hub.emit(HubEvent::Alarm(alarm(self.id.clone())));
    }
}

fn respond(session: &mut Session<Ticket>, inbound: Inbound, kind: Kind, answer: Answer, now: Instant) {
    let Answer { status, message_id } = answer;
    let answered = match kind {
        Kind::DeliverSm => session.respond(
            inbound,
            status,
            &DeliverSmResp {
                message_id,
                ..Default::default()
            },
            now,
        ),
        Kind::DataSm => session.respond(
            inbound,
            status,
            &DataSmResp {
                message_id,
                ..Default::default()
            },
            now,
        ),
    };
    if let Err(error) = answered {
        // It was answered at its deadline, with the status for that.
        debug!(%error, "answer came too late");
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
