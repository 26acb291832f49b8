//! One SMPP session, either side, without a socket and without a clock.
//!
//! The owner passes in what happened (`handle_*`), what it wants (`bind`, `request`, `respond`, `unbind`) and the
//! time, and carries out what comes back: octets to write ([`Session::output`]), events, the next deadline
//! ([`Session::poll_timeout`]), and whether to close ([`Session::wants_close`]).
//!
//! Promises: a token that [`Session::request`] took comes out exactly once; never more than `window` requests
//! are outstanding at the peer; each request of the peer is answered exactly once, at its deadline at the latest.

mod config;
mod event;
mod faults;
mod inbound;
mod limits;
mod outbox;
mod receive;
mod sequence;
mod timers;
mod window;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Instant;

use crate::pdu::{
    self, Body, CommandId, CommandStatus, EncodeError, FramingError, GenericNack, Header, Pdu, Quirk,
    SequenceNumber, States,
};

pub use config::{EnquireLinkMode, SessionConfig, Side};
pub use event::{CloseCause, Event, Response, Unresolved, Violation};
pub use inbound::Inbound;
pub use limits::{Budget, Limits, Rate, Room, SharedBudget};
pub use receive::agreed_version;
pub use sequence::{SequenceGenerator, WrappingSequence};

use inbound::Unanswered;
use outbox::Outbox;
use timers::Timers;
use window::{Entry, Window};

/// Where a session stands (3.4 section 2.2, 5.0 section 2.3).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum SessionState {
    /// Connected, not bound.
    Open,
    /// The message centre connected and sent outbind.
    Outbound,
    /// Bound as transmitter.
    BoundTx,
    /// Bound as receiver.
    BoundRx,
    /// Bound as transceiver.
    BoundTrx,
    /// Unbound, still connected.
    Unbound,
    /// Not connected any more.
    Closed,
}

impl SessionState {
    /// True in the three bound states.
    #[must_use]
    pub const fn is_bound(self) -> bool {
        matches!(self, Self::BoundTx | Self::BoundRx | Self::BoundTrx)
    }

    const fn states(self) -> States {
        match self {
            Self::Open => States::OPEN,
            Self::Outbound => States::OUTBOUND,
            Self::BoundTx => States::TX,
            Self::BoundRx => States::RX,
            Self::BoundTrx => States::TRX,
            Self::Unbound => States::UNBOUND,
            Self::Closed => States::NONE,
        }
    }

    /// The state that a successful bind of this kind leads to.
    const fn bound_by(bind: CommandId) -> Option<Self> {
        match bind {
            CommandId::BIND_TRANSMITTER => Some(Self::BoundTx),
            CommandId::BIND_RECEIVER => Some(Self::BoundRx),
            CommandId::BIND_TRANSCEIVER => Some(Self::BoundTrx),
            _ => None,
        }
    }
}

/// Why a request was not taken; nothing was written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// This side may not send this PDU in this state.
    #[error("{command_id} may not be sent in state {state:?}")]
    WrongState {
        /// The PDU.
        command_id: CommandId,
        /// The state.
        state: SessionState,
    },
    /// The window, the rate or the outbox has no room; look at [`Session::room`] first.
    #[error("no room to send now")]
    NoRoom,
    /// The forced sequence number belongs to a request in flight.
    #[error("sequence number {0} is in flight")]
    SequenceTaken(SequenceNumber),
    /// A field does not fit.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// Why an answer was refused; nothing was written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RespondError {
    /// The request was answered before, by the owner or at its deadline, or its session is over.
    #[error("the request was already answered")]
    AlreadyAnswered,
    /// Not the response that belongs to the request.
    #[error("{response} does not answer {request}")]
    WrongResponse {
        /// What was asked.
        request: CommandId,
        /// What was given.
        response: CommandId,
    },
    /// A field does not fit.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// What a session counted. All figures are totals of this session.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Counters {
    /// Requests sent through the window.
    pub requests: u64,
    /// Of these, answered with status 0.
    pub accepted: u64,
    /// Of these, answered with another status.
    pub refused: u64,
    /// Of the refused ones, those whose status asks to slow down.
    pub throttled: u64,
    /// Requests whose time ran out.
    pub expired: u64,
    /// Late responses.
    pub late: u64,
    /// Most requests in flight at once.
    pub in_flight_max: usize,
    /// Requests of the peer.
    pub inbound: u64,
    /// Requests of the peer that nobody answered in time.
    pub overdue: u64,
    /// PDUs that could not be read.
    pub unreadable: u64,
    /// Things that the protocol does not allow.
    pub violations: u64,
    /// PDUs that were read with leniency.
    pub lenient: u64,
    /// Uses of each leniency switch, in the order of [`Quirk::ALL`].
    pub quirks: [u64; Quirk::ALL.len()],
}

/// A session. `T` is what its owner knows a request by.
pub struct Session<T> {
    config: SessionConfig,
    state: SessionState,
    window: Window<T>,
    limit: Budget,
    budget: Option<SharedBudget>,
    generator: Box<dyn SequenceGenerator>,
    outbox: Outbox,
    unanswered: Unanswered,
    events: VecDeque<Event<'static, T>>,
    timers: Timers,
    /// Our bind that waits for its answer.
    binding: Option<(CommandId, SequenceNumber)>,
    /// Our unbind that waits for its answer.
    unbinding: Option<SequenceNumber>,
    /// Our enquire_link that waits for its answer.
    enquiring: Option<SequenceNumber>,
    /// The peer's unbind, answered when nothing else is owed.
    peer_unbinding: Option<SequenceNumber>,
    close: Option<CloseCause>,
    accepts_deliveries: bool,
    /// One request goes first; the rest when it is answered.
    probing: bool,
    counters: Counters,
}

impl<T> Session<T> {
    /// A session on a connection that was just made.
    #[must_use]
    pub fn new(config: SessionConfig, limits: Limits, now: Instant) -> Self {
        Self::with_generator(config, limits, Box::new(WrappingSequence::default()), now)
    }

    /// The same with sequence numbers of the owner's choice.
    #[must_use]
    pub fn with_generator(
        config: SessionConfig,
        limits: Limits,
        generator: Box<dyn SequenceGenerator>,
        now: Instant,
    ) -> Self {
        Self {
            window: Window::new(config.window),
            limit: Budget::new(limits.rate, now),
            budget: limits.budget,
            probing: config.probe_first,
            timers: Timers::new(now),
            config,
            state: SessionState::Open,
            generator,
            outbox: Outbox::default(),
            unanswered: Unanswered::default(),
            events: VecDeque::new(),
            binding: None,
            unbinding: None,
            enquiring: None,
            peer_unbinding: None,
            close: None,
            accepts_deliveries: true,
            counters: Counters::default(),
        }
    }

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
        self.timers.bind_sent = Some(now);
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
            Some(sequence) if self.is_taken(sequence) => {
                return Err((token, RequestError::SequenceTaken(sequence)));
            }
            Some(sequence) => sequence,
            None => self.free_sequence(),
        };
        self.register(token, pdu.command_id(), sequence, now, |out| {
            pdu.encode(CommandStatus::ESME_ROK, sequence, out)
        })
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
            self.close = Some(CloseCause::Unbound);
            return;
        }
        let sequence = self.free_sequence();
        // An unbind has no field that could fail to fit.
        let _ = pdu::encode(
            &pdu::Unbind::default(),
            CommandStatus::ESME_ROK,
            sequence,
            self.outbox.buffer(),
        );
        self.unbinding = Some(sequence);
        self.timers.unbind_sent = Some(now);
    }

    /// From now on deliveries are answered with ESME_RX_T_APPN, so that the peer keeps them.
    pub fn stop_accepting(&mut self) {
        self.accepts_deliveries = false;
    }

    /// The stream can no longer be cut into frames: the peer is told, and the session wants to be closed.
    pub fn handle_framing_error(&mut self, error: FramingError, header: Option<Header>) {
        let sequence = header
            .map(|header| header.sequence_number)
            .filter(|number| number.is_conformant());
        self.nack(error.answer_status(), sequence.unwrap_or(SequenceNumber::ZERO));
        self.counters.violations += 1;
        self.close.get_or_insert(CloseCause::Framing(error));
    }

    /// The first `octets` of [`Session::output`] have left.
    #[inline]
    pub fn handle_written(&mut self, octets: usize, now: Instant) {
        self.outbox.advance(octets);
        self.timers.write_progress = now;
    }

    /// The connection is gone. Every request that still waits ends as [`Event::Unresolved`].
    pub fn handle_closed(&mut self) {
        let written = self.outbox.written();
        for entry in self.window.drain() {
            self.events.push_back(Event::Unresolved {
                token: entry.token,
                sequence: entry.sequence,
                sent: entry.sent,
                cause: Unresolved::SessionEnded {
                    written: entry.end <= written,
                },
            });
        }
        self.unanswered.clear();
        self.state = SessionState::Closed;
        let unbound = self.peer_unbinding.is_some();
        self.close.get_or_insert(if unbound {
            CloseCause::PeerUnbound
        } else {
            CloseCause::Disconnected
        });
    }

    /// How many requests may be sent now, or when, or that an answer must come first.
    #[inline]
    pub fn room(&mut self, now: Instant) -> Room {
        let capacity = if self.probing { 1 } else { self.window.capacity() };
        let free = capacity.saturating_sub(self.window.in_flight());
        let may_send = self.state.is_bound()
            && self.close.is_none()
            && self.unbinding.is_none()
            && self.peer_unbinding.is_none()
            && self.outbox.len() < self.config.outbox_high_water;
        if free == 0 || !may_send {
            return Room::Full;
        }
        let room = Room::Now(free).and(self.limit.room(now));
        match &self.budget {
            None => room,
            Some(budget) => room.and(limits::lock(budget).room(now)),
        }
    }

    /// What is to be written.
    #[must_use]
    #[inline]
    pub fn output(&self) -> &[u8] {
        self.outbox.pending()
    }

    /// Events that no frame caused.
    #[inline]
    pub fn poll_event(&mut self) -> Option<Event<'static, T>> {
        self.events.pop_front()
    }

    /// Set when the connection should be closed: at once where the peer is dead, otherwise once
    /// [`Session::output`] is empty.
    #[must_use]
    #[inline]
    pub fn wants_close(&self) -> Option<CloseCause> {
        self.close
    }

    /// False while too many requests of the peer wait for our answer: reading on would only pile up more.
    #[must_use]
    #[inline]
    pub fn reads(&self) -> bool {
        let limit = self.config.inbound_limit;
        self.unanswered.len() < limit
            && self.unanswered.span() < limit.saturating_mul(4)
            && self.outbox.len() < self.config.outbox_high_water.saturating_mul(4)
    }

    /// Where the session stands.
    #[must_use]
    #[inline]
    pub fn state(&self) -> SessionState {
        self.state
    }

    /// Places of the window that are taken.
    #[must_use]
    #[inline]
    pub fn in_flight(&self) -> usize {
        self.window.in_flight()
    }

    /// Requests that still wait for their end.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.window.waiting()
    }

    /// True once our unbind was sent, or the peer's came.
    #[must_use]
    pub fn is_unbinding(&self) -> bool {
        self.unbinding.is_some() || self.peer_unbinding.is_some() || self.close.is_some()
    }

    /// Requests of the peer that wait for our answer.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.unanswered.len()
    }

    /// The rate in force, in PDUs per second: the lower one of the session's own and the budget's.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        let shared = self
            .budget
            .as_ref()
            .and_then(|budget| limits::lock(budget).rate());
        match (self.limit.rate(), shared) {
            (Some(own), Some(shared)) => Some(own.min(shared)),
            (own, shared) => own.or(shared),
        }
    }

    /// What was counted.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &SessionConfig {
        &self.config
    }

    /// Changes the window at once; requests over a lower limit stay until they are answered.
    pub fn set_window(&mut self, window: usize) {
        self.config.window = window;
        self.window.set_capacity(window);
    }

    /// Changes the rate at once.
    pub fn set_rate(&mut self, rate: Option<Rate>, now: Instant) {
        self.limit.set_rate(rate, now);
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
        if let Err(error) = self.may_send(command_id) {
            return Err((token, error));
        }
        if !matches!(self.room(now), Room::Now(_)) {
            return Err((token, RequestError::NoRoom));
        }
        let start = self.outbox.end();
        let was_idle = self.window.in_flight() == 0;
        let order = self.window.next_order();
        self.window.insert(Entry {
            token,
            request: command_id,
            sequence,
            sent: now,
            start,
            end: u64::MAX,
            order,
        });
        match encode(self.outbox.buffer()) {
            Ok(()) => {
                let end = self.outbox.end();
                self.window.set_end(sequence, end);
            }
            Err(error) => {
                if let Some(entry) = self.window.take(sequence) {
                    return Err((entry.token, error.into()));
                }
            }
        }
        self.limit.take(now);
        if let Some(budget) = &self.budget {
            limits::lock(budget).take(now);
        }
        if was_idle {
            self.timers.progress = now;
        }
        self.counters.requests += 1;
        self.counters.in_flight_max = self.counters.in_flight_max.max(self.window.in_flight());
        Ok(sequence)
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
        encode(owed.sequence, self.outbox.buffer())?;
        self.unanswered.take(inbound);
        self.after_answer(owed.request, status, now);
        Ok(())
    }

    /// What an answer of ours changes: a bind that was accepted or refused, and the unbind that waits.
    #[inline]
    fn after_answer(&mut self, request: CommandId, status: CommandStatus, now: Instant) {
        if self.state.is_bound() {
            if self.peer_unbinding.is_some() {
                self.answer_unbind(now);
            }
        } else if let Some(bound) = SessionState::bound_by(request) {
            if status.is_ok() {
                self.state = bound;
                self.events.push_back(Event::Bound { version: None });
            } else {
                self.close = Some(CloseCause::BindRefused(status));
            }
        }
    }

    /// Answers the peer's unbind as soon as nothing else is owed.
    fn answer_unbind(&mut self, now: Instant) {
        if self.unanswered.len() > 0 {
            return;
        }
        if let Some(sequence) = self.peer_unbinding {
            self.encode_own(&pdu::UnbindResp::default(), sequence);
            self.state = SessionState::Unbound;
            self.timers.peer_unbound = Some(now);
        }
    }

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

    fn wrong_state(&self, command_id: CommandId) -> RequestError {
        RequestError::WrongState {
            command_id,
            state: self.state,
        }
    }

    /// A PDU of ours whose fields always fit.
    fn encode_own<B: Body>(&mut self, body: &B, sequence: SequenceNumber) {
        // Header-only bodies: encoding cannot fail.
        let _ = pdu::encode(body, CommandStatus::ESME_ROK, sequence, self.outbox.buffer());
    }

    fn nack(&mut self, status: CommandStatus, sequence: SequenceNumber) {
        // As above.
        let _ = pdu::encode(&GenericNack::default(), status, sequence, self.outbox.buffer());
    }

    fn is_taken(&self, sequence: SequenceNumber) -> bool {
        self.window.is_taken(sequence)
            || self.enquiring == Some(sequence)
            || self.unbinding == Some(sequence)
            || self.binding.is_some_and(|(_, binding)| binding == sequence)
    }

    /// The next number of the generator that is not in flight.
    #[inline]
    fn free_sequence(&mut self) -> SequenceNumber {
        let mut sequence = self.generator.next_sequence();
        if !sequence.is_conformant() {
            sequence = SequenceNumber::FIRST;
        }
        let mut asked = 0;
        while self.is_taken(sequence) {
            // A generator that repeats itself for ever is helped on.
            asked += 1;
            sequence = if asked < 16 {
                self.generator.next_sequence()
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

impl<T> std::fmt::Debug for Session<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("state", &self.state)
            .field("in_flight", &self.window.in_flight())
            .field("unanswered", &self.unanswered.len())
            .field("close", &self.close)
            .finish_non_exhaustive()
    }
}
