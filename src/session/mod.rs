//! One SMPP session, either side, without a socket and without a clock.
//!
//! The owner passes in what happened (`handle_*`), what it wants (`bind`, `request`, `respond`, `unbind`) and the
//! time, and carries out what comes back: octets to write ([`Session::output`]), events, the next deadline
//! ([`Session::poll_timeout`]), and whether to close ([`Session::wants_close`]).
//!
//! Promises: a token that [`Session::request`] took comes out exactly once; never more than `window` requests
//! are outstanding at the peer; each request of the peer is answered exactly once, at its deadline at the latest.

mod clock;
mod config;
mod counters;
mod error;
mod event;
mod faults;
mod inbound;
mod late;
mod limits;
mod outbox;
mod receive;
mod responses;
mod send;
mod sequence;
mod state;
mod timers;
mod turns;
mod version;
mod window;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use crate::pdu::{CommandId, FramingError, Header, InterfaceVersion, Quirk, SequenceNumber};

pub use config::{EnquireLinkMode, SessionConfig, Side};
pub use counters::Counters;
pub use error::{RequestError, RespondError};
pub use event::{CloseCause, Event, Passage, Response, Unresolved, Violation};
pub use inbound::Inbound;
pub use limits::{Budget, Limits, Rate, Room, SharedBudget};
pub use sequence::{Sequence, SequenceGenerator, WrappingSequence};
pub use state::SessionState;
pub(crate) use timers::sooner;
pub use version::agreed_version;

use clock::PeerClock;
use inbound::Unanswered;
use outbox::Outbox;
use timers::Timers;
use turns::Turn;
use window::Window;

/// No frame before the bind needs to be longer: the longest has some hundred octets, and vendor TLVs.
const UNBOUND_MAX_COMMAND_LENGTH: usize = 4096;

/// Events that no frame caused, in their order.
struct Events<T>(VecDeque<Event<'static, T>>);

/// A session. `T` is what its owner knows a request by.
pub struct Session<T> {
    config: Arc<SessionConfig>,
    state: SessionState,
    /// What both sides speak, as far as is known.
    version: InterfaceVersion,
    window: Window<T>,
    limit: Budget,
    budget: Option<SharedBudget>,
    turn: Turn,
    numbers: Sequence,
    outbox: Outbox,
    unanswered: Unanswered,
    /// Once there was one.
    events: Option<Box<Events<T>>>,
    timers: Timers,
    /// Whatever measures the peer is on this clock.
    clock: PeerClock,
    /// Our bind that waits for its answer.
    binding: Option<(CommandId, SequenceNumber)>,
    /// Our unbind that waits for its answer.
    unbinding: Option<SequenceNumber>,
    /// Our enquire_link that waits for its answer, and when it was encoded by the peer's clock.
    enquiring: Option<(SequenceNumber, Instant)>,
    /// A bind of the peer that waits for our answer.
    peer_binding: bool,
    /// The peer's unbind, answered when nothing else is owed.
    peer_unbinding: Option<SequenceNumber>,
    close: Option<CloseCause>,
    accepts_deliveries: bool,
    /// One request goes first; the rest when it is answered.
    probing: bool,
    /// The owner wants nothing read.
    held: bool,
    /// Requests that expired since the last answer.
    expired_in_row: u32,
    /// Once there is something to count: of thousands of sessions most are idle.
    counters: Option<Box<Counters>>,
    /// Uses of each leniency switch, once there is one.
    quirks: Option<Box<[u64; Quirk::ALL.len()]>>,
}

impl<T> Session<T> {
    /// A session on a connection that was just made. Thousands of sessions may share what they are told.
    #[must_use]
    pub fn new(config: impl Into<Arc<SessionConfig>>, limits: Limits, now: Instant) -> Self {
        Self::with_numbers(config, limits, WrappingSequence::default().into(), now)
    }

    /// The same with sequence numbers of the owner's choice.
    #[must_use]
    pub fn with_numbers(
        config: impl Into<Arc<SessionConfig>>,
        limits: Limits,
        numbers: Sequence,
        now: Instant,
    ) -> Self {
        let config = config.into();
        Self {
            window: Window::new(config.window),
            limit: Budget::new(limits.rate, now),
            budget: limits.budget,
            turn: Turn::default(),
            probing: config.probe_first,
            held: false,
            timers: Timers::new(now),
            clock: PeerClock::default(),
            version: config.interface_version,
            config,
            state: SessionState::Open,
            numbers,
            outbox: Outbox::default(),
            unanswered: Unanswered::default(),
            events: None,
            binding: None,
            unbinding: None,
            enquiring: None,
            peer_binding: false,
            peer_unbinding: None,
            close: None,
            accepts_deliveries: true,
            expired_in_row: 0,
            counters: None,
            quirks: None,
        }
    }

    /// The stream can no longer be cut into frames: the peer is told, and the session wants to be closed.
    pub fn handle_framing_error(&mut self, error: FramingError, header: Option<Header>, now: Instant) {
        let sequence = header
            .map(|header| header.sequence_number)
            .filter(|number| number.is_conformant());
        self.nack(error.answer_status(), sequence.unwrap_or(SequenceNumber::ZERO));
        self.count().violations += 1;
        self.close_for(CloseCause::Framing(error), now);
    }

    /// The first `octets` of [`Session::output`] have left.
    #[inline]
    pub fn handle_written(&mut self, octets: usize, now: Instant) {
        let left = self.clock.at(now);
        self.outbox.advance(octets, !self.timers.write_idle, left);
        self.timers.write_progress = now;
        self.watch_reading(now);
    }

    /// The connection is gone. Every request that still waits ends as [`Event::Unresolved`].
    pub fn handle_closed(&mut self) {
        let written = self.outbox.written();
        for entry in self.window.drain() {
            self.events().push_back(Event::Unresolved {
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
        self.close.get_or_insert(if self.peer_unbinding.is_some() {
            CloseCause::PeerUnbound
        } else if self.unbinding.is_some() {
            // Some peers close instead of answering.
            CloseCause::Unbound
        } else {
            CloseCause::Disconnected
        });
    }

    /// How many requests may be sent now, or when, or that an answer must come first.
    #[inline]
    pub fn room(&mut self, now: Instant) -> Room {
        match self.places() {
            0 => Room::Full,
            places => Room::Now(places).and(self.rate_room(now)),
        }
    }

    /// What the rate and the budget let out.
    fn rate_room(&mut self, now: Instant) -> Room {
        let room = self.limit.room(now);
        match (&self.budget, room) {
            (None, room) => room,
            (Some(budget), Room::Now(_)) => room.and(limits::lock(budget).room_of(&mut self.turn, now)),
            // Nobody is to wait for one that could not come.
            (Some(budget), Room::At(_) | Room::Full) => room.and(limits::lock(budget).room(now)),
        }
    }

    /// What is to be written.
    #[must_use]
    #[inline]
    pub fn output(&self) -> &[u8] {
        self.outbox.pending()
    }

    /// The part of [`Session::output`] that was not there at the last [`Session::set_shown`]: whole frames, unless
    /// octets were put on the wire as they are.
    #[must_use]
    pub fn unshown(&self) -> &[u8] {
        self.outbox.unshown()
    }

    /// Who watches what goes out has seen everything that is there now.
    #[inline]
    pub fn set_shown(&mut self) {
        self.outbox.set_shown();
    }

    /// Octets of this session up to the first that has not left, and up to the last that was shown.
    pub(crate) fn positions(&self) -> (u64, u64) {
        (self.outbox.written(), self.outbox.shown())
    }

    /// Puts octets on the wire as they are: for an SMSC that misbehaves on purpose.
    pub(crate) fn put_raw(&mut self, octets: &[u8]) {
        self.outbox.buffer().extend_from_slice(octets);
    }

    /// Events that no frame caused.
    #[inline]
    pub fn poll_event(&mut self) -> Option<Event<'static, T>> {
        self.events.as_mut()?.0.pop_front()
    }

    /// Set when the connection should be closed: at once where the peer is dead, otherwise once
    /// [`Session::output`] is empty.
    #[must_use]
    #[inline]
    pub fn wants_close(&self) -> Option<CloseCause> {
        self.close
    }

    /// False while too many requests of the peer wait for our answer, since reading on would only pile up more, and while
    /// the owner holds the peer back.
    #[must_use]
    #[inline]
    pub fn reads(&self) -> bool {
        !self.held
            && self.unanswered.len() < self.config.inbound_limit
            && self.outbox.len() < self.config.outbox_high_water.saturating_mul(4)
    }

    /// Holds the peer back, or lets it go on: nothing is read meanwhile, everything else goes on. What the peer could not
    /// be heard saying is not held against it: the time for what it owes us stands still.
    pub fn set_held(&mut self, held: bool, now: Instant) {
        self.held = held;
        self.watch_reading(now);
    }

    /// True while the owner holds the peer back.
    #[must_use]
    #[inline]
    pub fn is_held(&self) -> bool {
        self.held
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

    /// How many requests the peer would take at a time now: the window without the places of requests that expired
    /// and that it may still be working on; one, while a session that follows one without progress proves itself.
    #[must_use]
    pub fn usable_window(&self) -> usize {
        let held = self.window.in_flight() - self.window.waiting();
        self.capacity().saturating_sub(held)
    }

    /// True while one request goes first, as [`SessionConfig::probe_first`] says, and none has been answered.
    #[must_use]
    pub const fn is_probing(&self) -> bool {
        self.probing
    }

    /// Places of the window, or one while the session proves itself. A window of 0 lets nothing out even then.
    #[inline]
    fn capacity(&self) -> usize {
        let window = self.window.capacity();
        if self.probing { window.min(1) } else { window }
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

    /// True while this request of the peer waits for our answer.
    #[must_use]
    pub fn is_owed(&self, inbound: Inbound) -> bool {
        self.unanswered.owed(inbound).is_some()
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

    /// The version that both sides speak, as far as the binds told.
    #[must_use]
    pub fn version(&self) -> InterfaceVersion {
        self.version
    }

    /// The longest frame that is taken now: before the bind nobody needs a long one.
    #[must_use]
    #[inline]
    pub fn max_command_length(&self) -> usize {
        let most = self.config.max_command_length;
        if self.state.is_bound() {
            most
        } else {
            most.min(UNBOUND_MAX_COMMAND_LENGTH)
        }
    }

    /// What was counted.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters.as_deref().copied().unwrap_or_default()
    }

    #[inline]
    fn count(&mut self) -> &mut Counters {
        self.counters.get_or_insert_default()
    }

    fn events(&mut self) -> &mut VecDeque<Event<'static, T>> {
        let make = || Box::new(Events(VecDeque::new()));
        &mut self.events.get_or_insert_with(make).0
    }

    /// How often a PDU of the peer was read only because of this leniency switch.
    #[must_use]
    pub fn uses(&self, quirk: Quirk) -> u64 {
        let uses = self.quirks.as_ref().and_then(|uses| uses.get(quirk as usize));
        uses.copied().unwrap_or_default()
    }

    /// The settings that it was made with; [`window`](Self::window) says how large that is now.
    #[must_use]
    pub fn config(&self) -> &SessionConfig {
        &self.config
    }

    /// Most requests without a response.
    #[must_use]
    pub fn window(&self) -> usize {
        self.window.capacity()
    }

    /// Changes the window at once; requests over a lower limit stay until they are answered.
    pub fn set_window(&mut self, window: usize) {
        self.window.set_capacity(window);
    }

    /// The session's own limit, for the session that follows it.
    #[must_use]
    pub const fn limit(&self) -> &Budget {
        &self.limit
    }

    /// Goes on with the limit of the session before: its tokens are spent, and what throttling did lasts. Otherwise
    /// a peer that counts by account would see a new burst with each new connection.
    pub fn take_over(&mut self, earlier: Budget, now: Instant) {
        let limit = std::mem::replace(&mut self.limit, earlier);
        if limit.configured() != self.limit.configured() {
            self.limit.set_rate(limit.configured(), now);
        }
    }

    /// Changes the rate at once.
    pub fn set_rate(&mut self, rate: Option<Rate>, now: Instant) {
        self.limit.set_rate(rate, now);
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
