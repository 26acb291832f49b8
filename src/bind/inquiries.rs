//! The requests at a bind that are no messages.

use std::collections::VecDeque;
use std::time::Instant;

use slab::Slab;

use super::jobs::Ticket;
use crate::pdu::CommandStatus;
use crate::session::{RequestError, Response, Room, Session, Unresolved};
use crate::submit::{BindId, Inquiry, InvalidCause, NotSentCause, SubmitError, UnknownCause};

/// They wait for room, and then for their response.
#[derive(Debug, Default)]
pub(super) struct Inquiries {
    waiting: VecDeque<Inquiry>,
    /// None where nobody waits any more: the session still has the key, which must not be another's.
    in_flight: Slab<Option<Inquiry>>,
    /// The first time at which nobody waits for one of them any more.
    deadline: Option<Instant>,
}

impl Inquiries {
    /// Takes one in: as many as the window has places may wait for room beside those that have it.
    pub(super) fn take(&mut self, inquiry: Inquiry, window: usize) {
        if self.waiting.len() + self.in_flight.len() >= window * 2 {
            return inquiry.refuse(SubmitError::Busy);
        }
        if let Err(cause) = inquiry.check() {
            return inquiry.refuse(SubmitError::Invalid { cause });
        }
        let deadline = self.deadline.into_iter().chain(inquiry.deadline()).min();
        self.deadline = deadline;
        self.waiting.push_back(inquiry);
    }

    /// True when none is here.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.in_flight.iter().all(|(_, inquiry)| inquiry.is_none())
    }

    /// True when one waits for room.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// When nobody waits for one of them any more.
    pub(super) const fn poll_timeout(&self) -> Option<Instant> {
        self.deadline
    }

    /// Ends those for which nobody waits any more. What was sent keeps its place in the window of the session.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.deadline.is_none_or(|deadline| deadline > now) {
            return;
        }
        let is_over = |inquiry: &Inquiry| inquiry.deadline().is_some_and(|deadline| deadline <= now);
        let over: Vec<_> = self
            .in_flight
            .iter()
            .filter(|(_, inquiry)| inquiry.as_ref().is_some_and(is_over))
            .map(|(key, _)| key)
            .collect();
        for key in over {
            let inquiry = self.in_flight.get_mut(key).and_then(Option::take);
            end(inquiry, UnknownCause::ResponseExpired);
        }
        for inquiry in std::mem::take(&mut self.waiting) {
            match is_over(&inquiry) {
                true => inquiry.refuse(SubmitError::Expired),
                false => self.waiting.push_back(inquiry),
            }
        }
        let in_flight = self.in_flight.iter().filter_map(|(_, inquiry)| inquiry.as_ref());
        self.deadline = in_flight.chain(&self.waiting).filter_map(Inquiry::deadline).min();
    }

    /// Sends while there is room. None: all were sent; else what stands in the way.
    pub(super) fn send(
        &mut self,
        bind: &BindId,
        session: &mut Session<Ticket>,
        now: Instant,
    ) -> Option<Room> {
        while !self.waiting.is_empty() {
            match session.room(now) {
                Room::Now(_) => {}
                room => return Some(room),
            }
            let Some(mut inquiry) = self.waiting.pop_front() else {
                break;
            };
            let place = self.in_flight.vacant_entry();
            let ticket = Ticket::Inquiry(place.key());
            match session.request_pdu(ticket, inquiry.pdu(), inquiry.forced(), now) {
                Ok(sequence) => {
                    inquiry.handle_sent(bind, sequence);
                    place.insert(Some(inquiry));
                }
                // A sibling on another thread was quicker to take the budget's token.
                Err((_, RequestError::NoRoom)) => {
                    self.waiting.push_front(inquiry);
                }
                Err((_, error)) => inquiry.refuse(refusal(error)),
            }
        }
        None
    }

    /// The SMSC answered.
    pub(super) fn handle_answered(
        &mut self,
        key: usize,
        status: CommandStatus,
        response: &Response<'_>,
        now: Instant,
    ) {
        // None when nobody waits for it any more.
        if let Some(inquiry) = self.in_flight.try_remove(key).flatten() {
            let pdu = match response {
                Response::Pdu(view) => Some(view.to_pdu()),
                Response::Nack | Response::Unreadable(_) => None,
            };
            inquiry.answer(status, pdu, now);
        }
    }

    /// It ended without an answer.
    pub(super) fn handle_unresolved(&mut self, key: usize, cause: Unresolved) {
        let cause = match cause {
            Unresolved::SessionEnded { written: false } => {
                if let Some(inquiry) = self.in_flight.try_remove(key).flatten() {
                    inquiry.refuse(LINK_LOST);
                }
                return;
            }
            Unresolved::SessionEnded { written: true } => UnknownCause::LinkLost,
            Unresolved::WrongResponse => UnknownCause::WrongResponse,
            Unresolved::ResponseExpired => UnknownCause::ResponseExpired,
        };
        end(self.in_flight.try_remove(key).flatten(), cause);
    }

    /// Nothing more is sent; what is in flight is waited for.
    pub(super) fn close(&mut self) {
        self.waiting
            .drain(..)
            .for_each(|inquiry| inquiry.refuse(LINK_LOST));
    }

    /// Nothing is waited for any more.
    pub(super) fn abandon(&mut self, cause: UnknownCause) {
        self.close();
        for (_, inquiry) in &mut self.in_flight {
            end(inquiry.take(), cause);
        }
    }
}

/// Ends one that was sent.
fn end(inquiry: Option<Inquiry>, cause: UnknownCause) {
    if let Some(inquiry) = inquiry {
        inquiry.close(LINK_LOST, cause);
    }
}

const LINK_LOST: SubmitError = SubmitError::NotSent {
    cause: NotSentCause::LinkLost,
};

fn refusal(error: RequestError) -> SubmitError {
    let cause = match error {
        RequestError::Encode(error) => InvalidCause::Encode(error),
        RequestError::SequenceTaken(sequence) => InvalidCause::SequenceInUse(sequence),
        RequestError::SequenceReserved(sequence) => InvalidCause::SequenceReserved(sequence),
        RequestError::NotARequest(command_id) => InvalidCause::NotARequest(command_id),
        RequestError::WrongState { .. } => return SubmitError::NoRoute,
        RequestError::NoRoom => return SubmitError::Busy,
    };
    SubmitError::Invalid { cause }
}
