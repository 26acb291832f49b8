//! What a response of the peer does to a session.

use std::time::Instant;

use super::window::Entry;
use super::{CloseCause, Event, Response, Session, SessionState, Unresolved, Violation, limits};
use crate::pdu::{self, CommandId, CommandStatus, Header, SequenceNumber, StatusClass, tlv};

impl<T> Session<T> {
    #[inline]
    pub(super) fn handle_response<'f>(
        &mut self,
        header: Header,
        frame: &'f [u8],
        now: Instant,
    ) -> Option<Event<'f, T>> {
        let sequence = header.sequence_number;
        match self.window.entry(sequence) {
            Some(entry) if Some(header.command_id) == entry.request.response() => {
                let entry = self.window.take(sequence)?;
                let response = self.read_response(frame);
                Some(self.answered(entry, header.command_status, response, now))
            }
            found => {
                let waits = found.is_some();
                self.handle_other_response(header, frame, waits, now)
            }
        }
    }

    /// A response that is not the plain answer to a request of the window.
    #[cold]
    fn handle_other_response<'f>(
        &mut self,
        header: Header,
        frame: &'f [u8],
        waits: bool,
        now: Instant,
    ) -> Option<Event<'f, T>> {
        let sequence = header.sequence_number;
        let is_nack = header.command_id == CommandId::GENERIC_NACK;
        match self.binding {
            Some((bind, bound))
                if bound == sequence && (is_nack || bind.response() == Some(header.command_id)) =>
            {
                return Some(self.handle_bind_response(bind, header, frame, now));
            }
            _ => {}
        }
        if self.unbinding == Some(sequence) && (is_nack || header.command_id == CommandId::UNBIND_RESP) {
            self.state = SessionState::Unbound;
            self.close.get_or_insert(CloseCause::Unbound);
            return Some(Event::Unbound);
        }
        if self.enquiring == Some(sequence) && (is_nack || header.command_id == CommandId::ENQUIRE_LINK_RESP)
        {
            self.enquiring = None;
            self.count_faults(frame);
            return None;
        }
        if is_nack {
            return self.handle_nack(header, waits, now);
        }
        if waits && header.command_id.request().is_some() {
            // Another kind of response than the request of its number: nobody knows what became of that.
            let entry = self.window.take(sequence)?;
            self.window.release_before(entry.order);
            self.events.push_back(Event::Unresolved {
                token: entry.token,
                sequence,
                sent: entry.sent,
                cause: Unresolved::WrongResponse,
            });
            return Some(self.violation(header, Violation::WrongResponse));
        }
        if self
            .window
            .late(sequence)
            .is_some_and(|late| late.request.response() == Some(header.command_id))
        {
            let late = self.window.take_late(sequence)?;
            self.counters.late += 1;
            self.timers.progress = now;
            let response = self.read_response(frame);
            return Some(Event::Late {
                sequence,
                status: header.command_status,
                response,
                sent: late.sent,
            });
        }
        if header.command_id == CommandId::ENQUIRE_LINK_RESP {
            // One that came after the silence was already broken by something else.
            return None;
        }
        let known = header.command_id.request().is_some();
        Some(self.violation(
            header,
            if known {
                Violation::UnsolicitedResponse
            } else {
                Violation::UnknownCommand
            },
        ))
    }

    /// generic_nack for a request of the window. Number 0 is the peer's way to say that it could not even read
    /// the header; only when exactly one request waits can that be meant.
    fn handle_nack<'f>(&mut self, header: Header, waits: bool, now: Instant) -> Option<Event<'f, T>> {
        let mut sequence = header.sequence_number;
        if !waits && sequence == SequenceNumber::ZERO && self.window.waiting() == 1 {
            sequence = self.window.oldest()?.sequence;
        }
        match self.window.take(sequence) {
            Some(entry) => Some(self.answered(entry, header.command_status, Response::Nack, now)),
            None if self.window.late(sequence).is_some() => {
                let late = self.window.take_late(sequence)?;
                self.counters.late += 1;
                self.timers.progress = now;
                let status = header.command_status;
                Some(Event::Late {
                    sequence,
                    status,
                    response: Response::Nack,
                    sent: late.sent,
                })
            }
            None => Some(self.violation(header, Violation::UnsolicitedResponse)),
        }
    }

    #[inline]
    fn answered<'f>(
        &mut self,
        entry: Entry<T>,
        status: CommandStatus,
        response: Response<'f>,
        now: Instant,
    ) -> Event<'f, T> {
        self.window.release_before(entry.order);
        self.timers.progress = now;
        self.probing = false;
        if status.is_ok() {
            self.counters.accepted += 1;
        } else {
            self.counters.refused += 1;
            if status.class() == StatusClass::Throttle {
                self.handle_throttled(status, entry.sent, now);
            }
        }
        let Entry {
            token,
            sequence,
            sent,
            ..
        } = entry;
        Event::Answered {
            token,
            sequence,
            status,
            response,
            sent,
        }
    }

    /// A full queue says nothing about our rate; only ESME_RTHROTTLED does.
    fn handle_throttled(&mut self, status: CommandStatus, sent: Instant, now: Instant) {
        self.counters.throttled += 1;
        if status != CommandStatus::ESME_RTHROTTLED {
            return;
        }
        let decreased = match &self.budget {
            Some(budget) => {
                let mut budget = limits::lock(budget);
                budget.handle_throttled(sent, now).then(|| budget.rate())
            }
            None => self.limit.handle_throttled(sent, now).then(|| self.limit.rate()),
        };
        if let Some(rate) = decreased.flatten() {
            self.events.push_back(Event::Throttled { rate });
        }
    }

    fn handle_bind_response<'f>(
        &mut self,
        bind: CommandId,
        header: Header,
        frame: &'f [u8],
        now: Instant,
    ) -> Event<'f, T> {
        self.binding = None;
        self.timers.bind_sent = None;
        self.timers.enquire_due_from = now;
        let status = header.command_status;
        if !status.is_ok() || header.command_id == CommandId::GENERIC_NACK {
            self.close.get_or_insert(CloseCause::BindRefused(status));
            return Event::BindRefused { status };
        }
        if let Some(bound) = SessionState::bound_by(bind) {
            self.state = bound;
        }
        // An accepted bind counts as accepted even when its body cannot be read.
        let version = match self.read_response(frame) {
            Response::Pdu(body) => body.tlvs().get::<tlv::ScInterfaceVersion>(),
            Response::Nack | Response::Unreadable(_) => None,
        };
        Event::Bound { version }
    }

    #[inline]
    fn read_response<'f>(&mut self, frame: &'f [u8]) -> Response<'f> {
        match pdu::view(frame, &self.config.leniency) {
            Ok(view) => {
                self.note(view.faults);
                Response::Pdu(view.body)
            }
            Err(error) => {
                self.counters.unreadable += 1;
                Response::Unreadable(error)
            }
        }
    }
}
