//! What a frame of the peer does to a session.

use std::time::Instant;

use super::version::{self, agreed_version};
use super::{Event, Session, SessionState, Side, Unresolved, Violation};
use crate::pdu::{
    self, CommandId, CommandStatus, DecodeError, DecodeErrorKind, Faults, Header, Pdu, PduView, View,
};

impl<T> Session<T> {
    /// One frame of the peer, exactly `command_length` octets of it.
    ///
    /// At most one event comes back, which borrows from the frame; what else happened is polled. Whatever is
    /// in the frame, the session can go on with the next one.
    pub fn handle_frame<'f>(&mut self, frame: &'f [u8], now: Instant) -> Option<Event<'f, T>> {
        let mut came = None;
        self.handle_frame_then(frame, now, |_, event| came = Some(event));
        came
    }

    /// The same, with what is to be done with the event. A response is large, and each move of one is a copy: it is made where
    /// it is handed on.
    #[inline]
    pub(crate) fn handle_frame_then<'f>(
        &mut self,
        frame: &'f [u8],
        now: Instant,
        then: impl FnOnce(&mut Self, Event<'f, T>),
    ) {
        let Some(header) = Header::peek(frame) else { return };
        self.timers.heard = self.clock.at(now);
        // Any PDU proves life, so an enquire_link that waits needs no answer of its own any more.
        self.timers.enquire_sent = None;
        if header.command_id.is_response() {
            self.handle_response(header, frame, now, then);
        } else if let Some(event) = self.handle_request(header, frame, now) {
            then(self, event);
        }
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
        if let Some(theirs) = version::of_bind(&body) {
            self.version = agreed_version(self.config.interface_version, Some(theirs));
            self.peer_binding = true;
        }
        self.count().inbound += 1;
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
        self.watch_reading(now);
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
                self.events().push_front(Event::Unresolved {
                    token: entry.token,
                    sequence,
                    sent: entry.sent,
                    cause: Unresolved::SessionEnded { written: false },
                });
            }
        }
        self.peer_unbinding = Some(header.sequence_number);
        self.answer_unbind(now);
        Some(Event::PeerUnbinds)
    }

    #[cold]
    fn refuse_unreadable<'f>(&mut self, header: Header, error: DecodeError) -> Event<'f, T> {
        self.count().unreadable += 1;
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
        let is_bind = SessionState::bound_by(header.command_id).is_some();
        let second_bind = is_bind && (self.state.is_bound() || self.peer_binding);
        let ends = self.close.is_some() || self.peer_unbinding.is_some();
        if allowed.contains(self.state.states()) && !ends && !second_bind {
            return None;
        }
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

    pub(super) fn violation<'f>(&mut self, header: Header, violation: Violation) -> Event<'f, T> {
        self.count().violations += 1;
        Event::Violation { header, violation }
    }

    /// Counts what is odd in a PDU whose body says nothing.
    #[inline]
    pub(super) fn count_faults(&mut self, frame: &[u8]) {
        if frame.len() > Header::LENGTH
            || !Header::peek(frame).is_some_and(|header| header.sequence_number.is_conformant())
        {
            match pdu::view(frame, &self.config.leniency) {
                Ok(view) => self.note(view.faults),
                Err(_) => self.count().unreadable += 1,
            }
        }
    }

    #[inline]
    pub(super) fn note(&mut self, faults: Faults) {
        if faults.is_empty() {
            return;
        }
        self.count().lenient += 1;
        for quirk in faults.quirks() {
            if let Some(uses) = self.quirks.get_or_insert_default().get_mut(quirk as usize) {
                *uses += 1;
            }
        }
    }
}
