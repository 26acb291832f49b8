//! What the owner of a session wants: requests, answers, an end.

use std::time::Instant;

use super::window::Entry;
use super::{
    CloseCause, Event, Inbound, RequestError, RespondError, Session, SessionState, Side, limits, version,
};
use crate::pdu::{self, Body, CommandId, CommandStatus, EncodeError, GenericNack, Pdu, SequenceNumber};

impl<T> Session<T> {
    /// Sends a bind of any kind. The answer is [`Event::Bound`] or [`Event::BindRefused`].
    ///
    /// # Errors
    ///
    /// When the session is not open, a bind is under way, or a field does not fit.
    pub fn bind<B: Body>(&mut self, bind: &B, now: Instant) -> Result<(), RequestError> {
        if self.binding.is_some() || SessionState::bound_by(B::COMMAND_ID).is_none() {
            return Err(self.wrong_state(B::COMMAND_ID));
        }
        self.may_send(B::COMMAND_ID)?;
        let sequence = self.free_sequence();
        pdu::encode(bind, CommandStatus::ESME_ROK, sequence, self.outbox.buffer())?;
        self.binding = Some((B::COMMAND_ID, sequence));
        self.timers.handle_bind_sent(self.clock.at(now));
        Ok(())
    }

    /// Sends a request; `token` comes back with its end.
    ///
    /// It is registered before it is encoded, and takes a token of the rate and the budget.
    ///
    /// # Errors
    ///
    /// The token comes back with the reason; nothing was written.
    #[inline]
    pub fn request<B: Body>(
        &mut self,
        token: T,
        body: &B,
        now: Instant,
    ) -> Result<SequenceNumber, (T, RequestError)> {
        let sequence = self.free_sequence();
        self.register(token, B::COMMAND_ID, sequence, now, |out| {
            pdu::encode(body, CommandStatus::ESME_ROK, sequence, out)
        })
    }

    /// Sends a request of any kind, with a sequence number of the caller's choice if there is one; the
    /// generator is then not asked.
    ///
    /// # Errors
    ///
    /// As [`Session::request`].
    pub fn request_pdu(
        &mut self,
        token: T,
        pdu: &Pdu,
        forced: Option<SequenceNumber>,
        now: Instant,
    ) -> Result<SequenceNumber, (T, RequestError)> {
        let sequence = match forced {
            Some(sequence) if !sequence.is_conformant() => {
                return Err((token, RequestError::SequenceReserved(sequence)));
            }
            Some(sequence) if self.is_taken(sequence) => {
                return Err((token, RequestError::SequenceTaken(sequence)));
            }
            Some(sequence) => sequence,
            // No number is used up.
            None if self.state.is_bound() && self.places() == 0 => return Err((token, RequestError::NoRoom)),
            None => self.free_sequence(),
        };
        self.register(token, pdu.command_id(), sequence, now, |out| {
            pdu.encode(CommandStatus::ESME_ROK, sequence, out)
        })
    }

    /// Sends what wants no answer: alert_notification, or outbind from the message centre.
    ///
    /// # Errors
    ///
    /// When it wants an answer, may not be sent in this state, does not fit, or the outbox is full.
    pub fn notify<B: Body>(&mut self, body: &B) -> Result<SequenceNumber, RequestError> {
        let command_id = B::COMMAND_ID;
        if command_id.is_response() || command_id.response().is_some() {
            return Err(RequestError::NotARequest(command_id));
        }
        self.may_send(command_id)?;
        if self.outbox.len() >= self.config.outbox_high_water {
            return Err(RequestError::NoRoom);
        }
        let sequence = self.free_sequence();
        self.encode_request(|out| pdu::encode(body, CommandStatus::ESME_ROK, sequence, out))?;
        if command_id == CommandId::OUTBIND {
            self.state = SessionState::Outbound;
        }
        Ok(sequence)
    }

    /// Answers a request of the peer.
    ///
    /// # Errors
    ///
    /// A second answer, a body of another kind than the request's response, or a field that does not fit.
    #[inline]
    pub fn respond<B: Body>(
        &mut self,
        inbound: Inbound,
        status: CommandStatus,
        body: &B,
        now: Instant,
    ) -> Result<(), RespondError> {
        self.answer(inbound, B::COMMAND_ID, status, now, |sequence, out| {
            pdu::encode(body, status, sequence, out)
        })
    }

    /// Answers a request of the peer with a body whose kind is known at run time only.
    ///
    /// # Errors
    ///
    /// As [`Session::respond`].
    pub fn respond_pdu(
        &mut self,
        inbound: Inbound,
        status: CommandStatus,
        body: &Pdu,
        now: Instant,
    ) -> Result<(), RespondError> {
        self.answer(inbound, body.command_id(), status, now, |sequence, out| {
            body.encode(status, sequence, out)
        })
    }

    /// Answers a request of the peer with the empty body of its response.
    ///
    /// # Errors
    ///
    /// As [`Session::respond`].
    pub fn respond_empty(
        &mut self,
        inbound: Inbound,
        status: CommandStatus,
        now: Instant,
    ) -> Result<(), RespondError> {
        let owed = self
            .unanswered
            .owed(inbound)
            .ok_or(RespondError::AlreadyAnswered)?;
        match owed.request.response().and_then(Pdu::empty) {
            Some(body) => self.respond_pdu(inbound, status, &body, now),
            None => Err(RespondError::AlreadyAnswered),
        }
    }

    /// Ends the session properly: no request goes out any more, unbind is sent, and when it is answered, or
    /// the response timeout has passed, the session wants to be closed.
    pub fn unbind(&mut self, now: Instant) {
        if self.unbinding.is_some() || self.close.is_some() {
            return;
        }
        if !self.state.is_bound() {
            self.close_for(CloseCause::Unbound, now);
            return;
        }
        let sequence = self.free_sequence();
        self.encode_own(&pdu::Unbind::default(), sequence);
        self.unbinding = Some(sequence);
        self.timers.ending().unbind_sent = Some(now);
    }

    /// From now on deliveries are answered with ESME_RX_T_APPN, so that the peer keeps them.
    pub fn stop_accepting(&mut self) {
        self.accepts_deliveries = false;
    }

    #[inline]
    fn register(
        &mut self,
        token: T,
        command_id: CommandId,
        sequence: SequenceNumber,
        now: Instant,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
    ) -> Result<SequenceNumber, (T, RequestError)> {
        if let Err(error) = self.may_request(command_id) {
            return Err((token, error));
        }
        if self.places() == 0 || !self.take_rate(now) {
            return Err((token, RequestError::NoRoom));
        }
        let start = self.outbox.end();
        let was_idle = self.window.in_flight() == 0;
        let order = self.window.next_order();
        let asked = self.clock.at(now);
        self.window.insert(Entry {
            token,
            request: command_id,
            sequence,
            sent: now,
            asked,
            start,
            end: u64::MAX,
            order,
        });
        match self.encode_request(encode) {
            Ok(()) => {
                let end = self.outbox.end();
                self.window.set_end(sequence, end);
            }
            Err(error) => {
                self.put_rate_back();
                if let Some(entry) = self.window.take(sequence) {
                    return Err((entry.token, error.into()));
                }
            }
        }
        if was_idle {
            self.timers.progress = asked;
        }
        let in_flight = self.window.in_flight();
        let counters = self.count();
        counters.requests += 1;
        counters.in_flight_max = counters.in_flight_max.max(in_flight);
        Ok(sequence)
    }

    /// Free places, as far as window, state and outbox go.
    #[inline]
    pub(super) fn places(&self) -> usize {
        let may_send = self.state.is_bound()
            && self.close.is_none()
            && self.unbinding.is_none()
            && self.peer_unbinding.is_none()
            && self.outbox.len() < self.config.outbox_high_water;
        if !may_send {
            return 0;
        }
        self.capacity().saturating_sub(self.window.in_flight())
    }

    #[inline]
    fn take_rate(&mut self, now: Instant) -> bool {
        if !self.limit.try_take(now) {
            return false;
        }
        let may = self
            .budget
            .as_ref()
            .is_none_or(|budget| limits::lock(budget).try_take_of(&mut self.turn, now));
        if !may {
            self.limit.put_back();
        }
        may
    }

    #[cold]
    fn put_rate_back(&mut self) {
        self.limit.put_back();
        if let Some(budget) = &self.budget {
            limits::lock(budget).put_back();
        }
    }

    /// Appends one frame that the version of the session allows.
    #[inline]
    fn encode_request(
        &mut self,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let out = self.outbox.buffer();
        let start = out.len();
        encode(out)?;
        version::fit_request(self.version, out, start)
    }

    #[inline]
    fn answer(
        &mut self,
        inbound: Inbound,
        response: CommandId,
        status: CommandStatus,
        now: Instant,
        encode: impl FnOnce(SequenceNumber, &mut Vec<u8>) -> Result<(), EncodeError>,
    ) -> Result<(), RespondError> {
        let owed = *self
            .unanswered
            .owed(inbound)
            .ok_or(RespondError::AlreadyAnswered)?;
        if owed.request.response() != Some(response) {
            return Err(RespondError::WrongResponse {
                request: owed.request,
                response,
            });
        }
        let out = self.outbox.buffer();
        let start = out.len();
        encode(owed.sequence, out)?;
        version::fit_response(self.version, out, start);
        self.unanswered.take(inbound);
        self.after_answer(owed.request, status, now);
        Ok(())
    }

    /// What an answer of ours changes: a bind that was accepted or refused, and the unbind that waits.
    #[inline]
    pub(super) fn after_answer(&mut self, request: CommandId, status: CommandStatus, now: Instant) {
        self.watch_reading(now);
        if self.state.is_bound() {
            if self.peer_unbinding.is_some() {
                self.answer_unbind(now);
            }
        } else if let Some(bound) = SessionState::bound_by(request) {
            self.peer_binding = false;
            if status.is_ok() {
                self.state = bound;
                self.timers.enquire_due_from = now;
                let version = Some(self.version);
                self.events().push_back(Event::Bound { version });
            } else {
                self.close_for(CloseCause::BindRefused(status), now);
            }
        }
    }

    /// Answers the peer's unbind as soon as nothing else is owed.
    pub(super) fn answer_unbind(&mut self, now: Instant) {
        if self.unanswered.len() > 0 {
            return;
        }
        if let Some(sequence) = self.peer_unbinding
            && self.state.is_bound()
        {
            self.encode_own(&pdu::UnbindResp::default(), sequence);
            self.state = SessionState::Unbound;
            self.timers.ending().peer_unbound = Some(now);
        }
    }

    /// What an owner may ask: it has a response, and is not the session's own business.
    #[inline]
    fn may_request(&self, command_id: CommandId) -> Result<(), RequestError> {
        let own = command_id == CommandId::UNBIND || SessionState::bound_by(command_id).is_some();
        if own || command_id.response().is_none() {
            return Err(RequestError::NotARequest(command_id));
        }
        self.may_send(command_id)
    }

    #[inline]
    fn may_send(&self, command_id: CommandId) -> Result<(), RequestError> {
        let allowed = match self.config.side {
            Side::Esme => command_id.esme_states(),
            Side::Smsc => command_id.smsc_states(),
        };
        if allowed.contains(self.state.states()) && self.close.is_none() {
            Ok(())
        } else {
            Err(self.wrong_state(command_id))
        }
    }

    pub(super) fn wrong_state(&self, command_id: CommandId) -> RequestError {
        RequestError::WrongState {
            command_id,
            state: self.state,
        }
    }

    /// A PDU of ours whose fields always fit.
    pub(super) fn encode_own<B: Body>(&mut self, body: &B, sequence: SequenceNumber) {
        // Header-only bodies: encoding cannot fail.
        let _ = pdu::encode(body, CommandStatus::ESME_ROK, sequence, self.outbox.buffer());
    }

    pub(super) fn nack(&mut self, status: CommandStatus, sequence: SequenceNumber) {
        // As above.
        let _ = pdu::encode(&GenericNack::default(), status, sequence, self.outbox.buffer());
    }

    fn is_taken(&self, sequence: SequenceNumber) -> bool {
        self.window.is_taken(sequence)
            || self.enquiring() == Some(sequence)
            || self.unbinding == Some(sequence)
            || self.binding.is_some_and(|(_, binding)| binding == sequence)
    }

    /// The next number of the generator that is not in flight.
    #[inline]
    pub(super) fn free_sequence(&mut self) -> SequenceNumber {
        let mut sequence = self.numbers.next();
        if !sequence.is_conformant() {
            sequence = SequenceNumber::FIRST;
        }
        let mut asked = 0;
        while self.is_taken(sequence) {
            // A generator that repeats itself for ever is helped on.
            asked += 1;
            sequence = if asked < 16 {
                self.numbers.next()
            } else {
                sequence.next()
            };
            if !sequence.is_conformant() {
                sequence = SequenceNumber::FIRST;
            }
        }
        sequence
    }
}
