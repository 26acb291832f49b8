//! What a frame of the peer does to a session.

use std::time::Instant;

use super::window::Entry;
use super::{CloseCause, Event, Response, Session, SessionState, Side, Unresolved, Violation, limits};
use crate::pdu::{
    self, CommandId, CommandStatus, DecodeError, DecodeErrorKind, Faults, Header, InterfaceVersion, Pdu,
    PduView, SequenceNumber, StatusClass, View, tlv,
};

impl<T> Session<T> {
    /// One frame of the peer, exactly `command_length` octets of it.
    ///
    /// At most one event comes back, which borrows from the frame; what else happened is polled. Whatever is
    /// in the frame, the session can go on with the next one.
    #[inline]
    pub fn handle_frame<'f>(&mut self, frame: &'f [u8], now: Instant) -> Option<Event<'f, T>> {
        let header = Header::peek(frame)?;
        self.timers.heard = now;
        // Any PDU proves life, so an enquire_link that waits needs no answer of its own any more.
        self.timers.enquire_sent = None;
        if header.command_id.is_response() {
            self.handle_response(header, frame, now)
        } else {
            self.handle_request(header, frame, now)
        }
    }

    #[inline]
    fn handle_response<'f>(&mut self, header: Header, frame: &'f [u8], now: Instant) -> Option<Event<'f, T>> {
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
    fn handle_request<'f>(&mut self, header: Header, frame: &'f [u8], now: Instant) -> Option<Event<'f, T>> {
        match header.command_id {
            CommandId::ENQUIRE_LINK => {
                self.count_faults(frame);
                self.encode_own(&pdu::EnquireLinkResp::default(), header.sequence_number);
                return None;
            }
            CommandId::UNBIND if self.state.is_bound() => {
                self.count_faults(frame);
                return self.handle_peer_unbind(header, now);
            }
            _ => {}
        }
        let View {
            header, body, faults, ..
        } = match pdu::view(frame, &self.config.leniency) {
            Ok(view) => view,
            Err(error) => return Some(self.refuse_unreadable(header, error)),
        };
        self.note(faults);
        if let Some(refused) = self.refuse_by_state(header) {
            return Some(refused);
        }
        if header.command_id.response().is_none() {
            if header.command_id == CommandId::OUTBIND {
                self.state = SessionState::Outbound;
            }
            return Some(Event::Notice { header, body, faults });
        }
        self.counters.inbound += 1;
        let delivers =
            matches!(body, PduView::DeliverSm(_) | PduView::DataSm(_)) && self.config.side == Side::Esme;
        if delivers && !self.accepts_deliveries {
            self.refuse(header, CommandStatus::ESME_RX_T_APPN);
            return None;
        }
        let deadline = now + self.config.answer_timeout;
        let inbound = self
            .unanswered
            .insert(header.sequence_number, header.command_id, deadline);
        Some(Event::Request {
            inbound,
            header,
            body,
            faults,
        })
    }

    /// No request goes out any more. What has not left is taken back, so that it can go another way.
    fn handle_peer_unbind<'f>(&mut self, header: Header, now: Instant) -> Option<Event<'f, T>> {
        if self.peer_unbinding.is_some() {
            return None;
        }
        for sequence in self.window.starting_at(self.outbox.written()).into_iter().rev() {
            if let Some(entry) = self.window.take(sequence) {
                self.outbox.remove(entry.start, entry.end);
                self.events.push_front(Event::Unresolved {
                    token: entry.token,
                    sequence,
                    sent: entry.sent,
                    cause: Unresolved::SessionEnded { written: false },
                });
            }
        }
        self.peer_unbinding = Some(header.sequence_number);
        self.timers.peer_unbind_came = Some(now);
        self.answer_unbind(now);
        Some(Event::PeerUnbinds)
    }

    #[cold]
    fn refuse_unreadable<'f>(&mut self, header: Header, error: DecodeError) -> Event<'f, T> {
        self.counters.unreadable += 1;
        if matches!(error.kind, DecodeErrorKind::UnknownCommand) {
            self.nack(CommandStatus::ESME_RINVCMDID, header.sequence_number);
            return self.violation(header, Violation::UnknownCommand);
        }
        self.refuse(header, error.answer_status());
        Event::Unreadable { header, error }
    }

    /// Refuses what the peer may not send in this state (3.4 section 2.3, 5.0 section 2.4).
    #[inline]
    fn refuse_by_state<'f>(&mut self, header: Header) -> Option<Event<'f, T>> {
        let allowed = match self.config.side {
            Side::Esme => header.command_id.smsc_states(),
            Side::Smsc => header.command_id.esme_states(),
        };
        if allowed.contains(self.state.states()) && self.close.is_none() {
            return None;
        }
        let second_bind = SessionState::bound_by(header.command_id).is_some() && self.state.is_bound();
        let (status, violation) = if second_bind {
            (CommandStatus::ESME_RALYBND, Violation::SecondBind)
        } else {
            (CommandStatus::ESME_RINVBNDSTS, Violation::WrongState)
        };
        self.refuse(header, status);
        Some(self.violation(header, violation))
    }

    /// Answers a request at once with an error and no body; what wants no answer gets none.
    fn refuse(&mut self, header: Header, status: CommandStatus) {
        if let Some(body) = header.command_id.response().and_then(Pdu::empty) {
            // Error responses have no body, so nothing can fail to fit.
            _ = body.encode(status, header.sequence_number, self.outbox.buffer());
        }
    }

    fn violation<'f>(&mut self, header: Header, violation: Violation) -> Event<'f, T> {
        self.counters.violations += 1;
        Event::Violation { header, violation }
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

    /// Counts what is odd in a PDU whose body says nothing.
    #[inline]
    fn count_faults(&mut self, frame: &[u8]) {
        if frame.len() > Header::LENGTH
            || !Header::peek(frame).is_some_and(|header| header.sequence_number.is_conformant())
        {
            match pdu::view(frame, &self.config.leniency) {
                Ok(view) => self.note(view.faults),
                Err(_) => self.counters.unreadable += 1,
            }
        }
    }

    #[inline]
    fn note(&mut self, faults: Faults) {
        if faults.is_empty() {
            return;
        }
        self.counters.lenient += 1;
        for quirk in faults.quirks() {
            if let Some(count) = self.counters.quirks.get_mut(quirk as usize) {
                *count += 1;
            }
        }
    }
}

/// The version that the two sides speak: the lower one, where the peer names one that exists.
#[must_use]
pub fn agreed_version(ours: InterfaceVersion, theirs: Option<InterfaceVersion>) -> InterfaceVersion {
    match theirs {
        Some(theirs) if theirs.value() < ours.value() && theirs != InterfaceVersion::new(0) => theirs,
        _ => ours,
    }
}
