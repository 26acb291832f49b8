//! The life of a bind as a pure value: where it stands, what it wants, and what comes next.
//!
//! The actor says what happened (`handle_*`) and what somebody wants, asks [`Phases::poll`] what to do, and does
//! it. Time is an argument.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::backoff::{Backoff, Failure};
use crate::events::{Cause, Phase};
use crate::link::Closed;
use crate::pdu::StatusClasses;
use crate::session::CloseCause;
use crate::settings::BindSettings;

/// After the deadline of an end the answer to unbind is waited for so long.
const LINGER: Duration = Duration::from_secs(1);

/// How a bind begins, and when it ends by itself. By default it binds as soon as it is connected, and comes back
/// after each loss.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Manner {
    /// The first connection is only opened; the bind goes out when somebody asks for it, with
    /// [`Enter`](super::messages::Enter).
    pub on_demand: bool,
    /// It ends with its first connection, or the first that cannot be made, whatever the reason.
    pub once: bool,
    /// It stays down until it is resumed, as the one before it did.
    pub paused: bool,
    /// The SMSC let one with these credentials in before.
    pub known: bool,
}

/// What the bind is to do now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step {
    /// Connect to the host with this index; nothing else is open.
    Connect {
        /// Always below the number of hosts.
        host: usize,
    },
    /// Go on with the connection or the session at hand.
    Proceed,
    /// Nothing before this time; none: nothing before somebody wants something.
    Sleep { until: Option<Instant> },
    /// Nothing any more.
    Stop { clean: bool },
}

/// What a bound session is to do about its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Parting {
    /// It stays, or what was begun goes on.
    Stay,
    /// Nothing is under way any more: unbind.
    Unbind,
    /// The time is over: what is under way is unknown; unbind.
    Abandon,
    /// Nothing before this time.
    Wait { until: Instant },
    /// The peer had its time to answer the unbind.
    Leave,
}

/// What the router wants of the bind.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wish {
    Up,
    Down,
    /// Ends; after the time nothing is waited for.
    End {
        deadline: Instant,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// Nothing is open. It connects then, or when somebody wants it.
    Idle { until: Option<Instant> },
    /// A connection is being made.
    Connecting,
    /// A session is on a connection, bound since then.
    Linked {
        bound: Option<Instant>,
        /// It unbinds as soon as nothing is under way; none while it is to stay.
        leaving: Option<Cause>,
    },
    /// For good.
    Ended { clean: bool },
}

/// The life of one bind.
#[derive(Debug)]
pub(super) struct Phases {
    state: State,
    wish: Wish,
    backoff: Backoff,
    manner: Manner,
    /// Which host is next, counted on over all of them.
    host: usize,
    /// The SMSC knows us: it let us in before.
    was_bound: bool,
    /// A session made no progress, and none since got an answer: the next one sends one request first.
    probe: bool,
    /// Why it is not up.
    failure: Option<Failure>,
    phase: Phase,
    cause: Cause,
    since: Instant,
    /// Phases that nobody was told of.
    entered: Vec<(Phase, Cause)>,
}

impl Phases {
    /// A bind that connects at once.
    pub(super) fn new(settings: Arc<BindSettings>, manner: Manner, seed: u64, now: Instant) -> Self {
        let mut phases = Self {
            state: State::Idle { until: Some(now) },
            wish: Wish::Up,
            backoff: Backoff::new(settings, seed),
            manner,
            host: 0,
            was_bound: manner.known,
            probe: false,
            failure: None,
            phase: Phase::Connecting,
            cause: Cause::Progress,
            since: now,
            entered: Vec::new(),
        };
        if manner.paused {
            phases.pause(now);
        }
        phases
    }

    // What somebody wants.

    /// Goes down and stays down until it is resumed.
    pub(super) fn pause(&mut self, now: Instant) {
        if self.wish == Wish::Up {
            self.go_down(Wish::Down, now);
        }
    }

    /// Comes back; delays start again from the beginning.
    pub(super) fn resume(&mut self, now: Instant) {
        if self.wish == Wish::Down {
            self.wish = Wish::Up;
            self.backoff.reset();
            // A session that is on its way down goes on so, and a new one follows at once.
            if let State::Idle { until } = &mut self.state {
                *until = Some(now);
            }
        }
    }

    /// Somebody reached the host that could not be reached: there is nothing to wait for any more but what the settings
    /// want in any case.
    pub(super) fn hurry(&mut self, now: Instant) {
        if let State::Idle { until: Some(until) } = &mut self.state
            && self.failure == Some(Failure::Unreachable)
        {
            let earliest = self.since + self.backoff.settings().backoff_min;
            *until = (*until).min(earliest.max(now));
        }
    }

    /// Other settings count from now on.
    pub(super) fn set_settings(&mut self, settings: Arc<BindSettings>) {
        self.backoff.set_settings(settings);
    }

    /// Ends; what is under way may take until `deadline`.
    pub(super) fn end(&mut self, deadline: Instant, now: Instant) {
        let deadline = match self.wish {
            Wish::End { deadline: earlier } => earlier.min(deadline),
            Wish::Up | Wish::Down => deadline,
        };
        self.go_down(Wish::End { deadline }, now);
    }

    /// Ends where it stands, without a word to the peer.
    pub(super) fn cut(&mut self, now: Instant) {
        if !matches!(self.state, State::Ended { .. }) {
            self.wish = Wish::End { deadline: now };
            self.stop(false, Cause::Asked, now);
        }
    }

    /// The session at hand is of no use any more: it ends as soon as nothing is under way, and another follows.
    pub(super) fn leave(&mut self, cause: Cause, now: Instant) {
        if let State::Linked { leaving, .. } = &mut self.state
            && leaving.is_none()
        {
            *leaving = Some(cause);
            self.enter(Phase::Draining, cause, now);
        }
    }

    // What happened.

    /// There is a connection. True when the bind is to be sent now; else somebody asks for it.
    pub(super) fn handle_connected(&mut self, now: Instant) -> bool {
        self.state = State::Linked {
            bound: None,
            leaving: None,
        };
        let phase = if self.manner.on_demand {
            Phase::Open
        } else {
            Phase::Binding
        };
        self.enter(phase, Cause::Progress, now);
        phase == Phase::Binding
    }

    /// Somebody asked for the bind, and it was sent. Later connections need no asking.
    pub(super) fn handle_asked(&mut self, now: Instant) {
        self.manner.on_demand = false;
        self.enter(Phase::Binding, Cause::Asked, now);
    }

    /// There is no connection.
    pub(super) fn handle_connect_failed(&mut self, failure: Failure, cause: Cause, now: Instant) {
        self.host += 1;
        self.wait(failure, cause, now);
    }

    /// The bind was accepted.
    pub(super) fn handle_bound(&mut self, now: Instant) {
        if let State::Linked { bound, leaving: None } = &mut self.state {
            *bound = Some(now);
            self.was_bound = true;
            self.enter(Phase::Bound, Cause::Progress, now);
        }
    }

    /// The connection is over. Gives what class of failure it was, unless somebody wanted it.
    /// `statuses`: what the statuses of this SMSC mean. `probing`: the session was to send one request first, and had no
    /// answer to it.
    pub(super) fn handle_closed(
        &mut self,
        closed: &Closed,
        probing: bool,
        statuses: &StatusClasses,
        now: Instant,
    ) -> Option<Failure> {
        let State::Linked { bound, leaving } = self.state else {
            return None;
        };
        self.probe = probing || closed.cause == CloseCause::NoProgress;
        let clean = closed.cause == CloseCause::Unbound;
        match self.wish {
            Wish::End { .. } => {
                self.stop(clean, Cause::Asked, now);
                return None;
            }
            Wish::Down => {
                self.state = State::Idle { until: None };
                self.enter(Phase::Paused, Cause::Asked, now);
                return None;
            }
            Wish::Up if leaving == Some(Cause::Asked) => {
                // Paused and resumed before it was down.
                self.state = State::Idle { until: Some(now) };
                return None;
            }
            Wish::Up => {}
        }
        if bound.is_none() {
            self.host += 1;
        }
        let failure = Failure::of_close(closed, self.was_bound, statuses);
        let cause = leaving.filter(|_| clean).unwrap_or(Cause::Session(closed.cause));
        self.wait(failure, cause, now);
        Some(failure)
    }

    /// Tries again after a delay, or ends where once is enough.
    pub(super) fn wait(&mut self, failure: Failure, cause: Cause, now: Instant) {
        if self.manner.once {
            return self.stop(failure == Failure::Clean, cause, now);
        }
        let bound = match self.state {
            State::Linked { bound, .. } => bound,
            State::Idle { .. } | State::Connecting | State::Ended { .. } => None,
        };
        let retry_in = self.backoff.delay(failure, bound, now);
        self.failure = Some(failure);
        self.state = State::Idle {
            until: Some(now + retry_in),
        };
        self.enter(Phase::Waiting { retry_in }, cause, now);
    }

    // What comes next.

    /// What to do now.
    pub(super) fn poll(&mut self, now: Instant) -> Step {
        match self.state {
            State::Idle { until: Some(until) } if until <= now => {
                self.state = State::Connecting;
                self.enter(Phase::Connecting, Cause::Progress, now);
                Step::Connect {
                    host: self.host % self.backoff.settings().hosts.len().max(1),
                }
            }
            State::Idle { until } => Step::Sleep { until },
            State::Connecting | State::Linked { .. } => Step::Proceed,
            State::Ended { clean } => Step::Stop { clean },
        }
    }

    /// What the session does about its end. `idle`: nothing is under way. `unbinding`: an unbind was sent, or
    /// came.
    pub(super) fn parting(&mut self, idle: bool, unbinding: bool, now: Instant) -> Parting {
        let State::Linked { leaving: Some(_), .. } = self.state else {
            return Parting::Stay;
        };
        if idle && !unbinding {
            return Parting::Unbind;
        }
        let Wish::End { deadline } = self.wish else {
            return Parting::Stay;
        };
        match (unbinding, deadline + LINGER) {
            (false, _) if deadline <= now => Parting::Abandon,
            (false, _) => Parting::Wait { until: deadline },
            (true, last) if last <= now => {
                self.stop(false, Cause::Asked, now);
                Parting::Leave
            }
            (true, until) => Parting::Wait { until },
        }
    }

    /// Phases that were entered since it was asked last.
    pub(super) fn entered(&mut self) -> Vec<(Phase, Cause)> {
        std::mem::take(&mut self.entered)
    }

    /// True after a session that made no progress, until one got an answer to what was submitted.
    pub(super) const fn probes(&self) -> bool {
        self.probe
    }

    /// The phase, what brought it there, and since when.
    pub(super) const fn phase(&self) -> (Phase, Cause, Instant) {
        (self.phase, self.cause, self.since)
    }

    /// True while messages may be sent.
    pub(super) fn is_bound(&self) -> bool {
        self.phase == Phase::Bound
    }

    /// True while the bind waits for its answer.
    pub(super) const fn is_binding(&self) -> bool {
        matches!(
            self.state,
            State::Linked {
                bound: None,
                leaving: None
            }
        )
    }

    /// True while there is a connection and nobody has asked for the bind yet.
    pub(super) fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// True while a session is there.
    pub(super) const fn is_linked(&self) -> bool {
        matches!(self.state, State::Linked { .. })
    }

    /// True once it is to end.
    pub(super) const fn is_ending(&self) -> bool {
        matches!(self.wish, Wish::End { .. })
    }

    fn go_down(&mut self, wish: Wish, now: Instant) {
        self.wish = wish;
        match (self.state, wish) {
            (State::Linked { .. }, _) => self.leave(Cause::Asked, now),
            (State::Ended { .. }, _) => {}
            (_, Wish::End { .. }) => self.stop(true, Cause::Asked, now),
            (_, Wish::Down | Wish::Up) => {
                self.state = State::Idle { until: None };
                self.enter(Phase::Paused, Cause::Asked, now);
            }
        }
    }

    fn stop(&mut self, clean: bool, cause: Cause, now: Instant) {
        self.state = State::Ended { clean };
        self.enter(Phase::Stopped, cause, now);
    }

    fn enter(&mut self, phase: Phase, cause: Cause, now: Instant) {
        (self.phase, self.cause, self.since) = (phase, cause, now);
        // Nearly always one at a time, and thousands of binds enter phases together.
        self.entered.reserve_exact(1);
        self.entered.push((phase, cause));
    }
}

#[cfg(test)]
mod tests;
