//! A bind: one actor that keeps one session with one SMSC alive.
//!
//! The actor owns its connection, its session and its delays. All it does it does in one future on its own
//! context, `Pump`: connect, bind, feed, write, read, report, wait, and connect again. Messages from the router
//! only put things where that future finds them.

mod backoff;
mod desk;
pub mod messages;
mod pump;
mod wire;

#[cfg(test)]
mod tests;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use actix::{Actor, Addr, AsyncContext, Context, Handler};
use tokio::task::JoinHandle;
use tokio::time::Sleep;
use tracing::{info, warn};

pub use backoff::Failure;

use backoff::Backoff;
use desk::{Desk, Ticket};
use messages::{Assign, BindStatus, Control, GetBindStatus, Identity, Report, Reporter};
use pump::Pump;

use crate::events::{Alarm, Cause, ConnectFailure, Hub, Phase, Receipts};
use crate::link::{self, Closed, Connect, ConnectError, Connecting, Link, Target, Transport};
use crate::pdu::SequenceNumber;
use crate::session::{CloseCause, Limits, Session, SharedBudget, WrappingSequence};
use crate::settings::BindSettings;
use crate::submit::{AccountId, UnknownCause};

/// What a bind is made of.
pub struct BindSetup {
    /// Its name and which life this is.
    pub identity: Identity,
    /// Whose messages and receipts it carries.
    pub account: AccountId,
    /// Its settings.
    pub settings: Arc<BindSettings>,
    /// What makes its connections.
    pub connector: Arc<dyn Connect>,
    /// Where events go.
    pub hub: Arc<Hub>,
    /// Where receipts are matched.
    pub receipts: Arc<Receipts>,
    /// Where reports go.
    pub router: Reporter,
    /// The rate that it shares with its siblings.
    pub budget: Option<SharedBudget>,
    /// What its delays are drawn from.
    pub seed: u64,
    /// What it waits before the first attempt, for a bind that panicked.
    pub after: Option<Failure>,
}

/// The actor.
pub struct Bind {
    identity: Identity,
    account: AccountId,
    settings: Arc<BindSettings>,
    connector: Arc<dyn Connect>,
    router: Reporter,
    budget: Option<SharedBudget>,
    desk: Desk,
    stage: Stage,
    wish: Wish,
    backoff: Backoff,
    timer: Option<(Instant, Pin<Box<Sleep>>)>,
    /// Which of the targets is next.
    target: usize,
    bound_since: Option<Instant>,
    /// The last session made no progress: the next one sends one request first.
    probe: bool,
    /// Figures of sessions that are over.
    past: Past,
    phase: Phase,
    cause: Cause,
    since: Instant,
    seats: usize,
    reports: Vec<Report>,
}

/// What the bind has in its hands.
enum Stage {
    /// Nothing: it waits until then, or for ever.
    Idle(Option<Instant>),
    /// A connection in the making.
    Connecting(Connecting),
    /// A session on a connection.
    Linked(Box<Link<Ticket>>),
    /// Nothing, for good.
    Ended,
}

/// What the router wants of the bind.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wish {
    Up,
    Down,
    /// End; after the time nothing is waited for.
    End {
        deadline: Instant,
    },
}

#[derive(Clone, Copy, Debug, Default)]
struct Past {
    lenient: u64,
    unreadable: u64,
    violations: u64,
    in_flight_max: usize,
}

impl Bind {
    /// Starts the actor on this thread. The handle is ready when the actor ended, with an error after a panic.
    pub fn start(setup: BindSetup) -> (Addr<Self>, JoinHandle<()>) {
        let now = link::now();
        let context = Context::new();
        let mut bind = Self {
            desk: Desk::new(
                setup.identity.bind.clone(),
                setup.account.clone(),
                setup.hub,
                setup.receipts,
                setup.settings.unhandled_answer,
            ),
            identity: setup.identity,
            account: setup.account,
            connector: setup.connector,
            router: setup.router,
            budget: setup.budget,
            stage: Stage::Idle(Some(now)),
            wish: Wish::Up,
            backoff: Backoff::new(setup.settings.as_ref().into(), setup.seed),
            settings: setup.settings,
            timer: None,
            target: 0,
            bound_since: None,
            probe: false,
            past: Past::default(),
            phase: Phase::Connecting,
            cause: Cause::Progress,
            since: now,
            seats: 0,
            reports: Vec::new(),
        };
        if let Some(failure) = setup.after {
            bind.wait(failure, Cause::Panicked, now);
        }
        let address = context.address();
        (address, actix_rt::spawn(context.into_future(bind)))
    }

    /// Enters a phase and says so.
    fn enter(&mut self, phase: Phase, cause: Cause, now: Instant) {
        self.phase = phase;
        self.cause = cause;
        self.since = now;
        self.reports.push(Report::Phase { phase, cause });
    }

    fn connect(&mut self, now: Instant) {
        let hosts = &self.settings.hosts;
        let Some(host) = hosts.get(self.target % hosts.len().max(1)) else {
            // Settings allow no bind without a host.
            return self.end(false, now);
        };
        let target = Target {
            timeout: self.settings.connect_timeout,
            user_timeout: self.settings.write_timeout,
            ..Target::new(host.host(), host.port())
        };
        self.stage = Stage::Connecting(self.connector.connect(&target));
        self.enter(Phase::Connecting, Cause::Progress, now);
    }

    fn handle_connected(&mut self, transport: Transport, now: Instant) {
        let mut config = self.settings.session();
        config.probe_first = std::mem::take(&mut self.probe);
        let limits = Limits {
            rate: self.settings.limit(),
            budget: self.budget.clone(),
        };
        let first = SequenceNumber::new(self.settings.sequence_start);
        let generator = Box::new(WrappingSequence::starting_at(first));
        let mut session = Session::with_generator(config, limits, generator, now);
        if let Err(error) = wire::send_bind(&self.settings, &mut session, now) {
            // Checked settings fit. The session closes when no bind went out in time.
            warn!(bind = %self.identity.bind, %error, "the bind PDU cannot be written");
        }
        self.desk.open();
        self.stage = Stage::Linked(Box::new(Link::new(session, transport)));
        self.enter(Phase::Binding, Cause::Progress, now);
    }

    fn handle_connect_failed(&mut self, error: &ConnectError, now: Instant) {
        let failure = Failure::of_connect(error);
        let cause = Cause::Connect(match error {
            ConnectError::Resolve { .. } => ConnectFailure::NoAddress,
            ConnectError::TimedOut { .. } => ConnectFailure::TimedOut,
            ConnectError::Failed(kind) => ConnectFailure::Io(*kind),
        });
        self.target = self.target.wrapping_add(1);
        self.wait(failure, cause, now);
    }

    fn handle_bound(&mut self, now: Instant) {
        info!(bind = %self.identity.bind, "bound");
        self.bound_since = Some(now);
        self.enter(Phase::Bound, Cause::Progress, now);
        self.seats = self.seats_now();
        self.reports.push(Report::Seats {
            freed: 0,
            capacity: self.seats,
        });
    }

    fn handle_closed(&mut self, closed: Closed, now: Instant) {
        if let Stage::Linked(link) = std::mem::replace(&mut self.stage, Stage::Idle(None)) {
            let counters = link.session().counters();
            self.past.lenient += counters.lenient;
            self.past.unreadable += counters.unreadable;
            self.past.violations += counters.violations;
            self.past.in_flight_max = self.past.in_flight_max.max(counters.in_flight_max);
        }
        self.desk.handle_link_lost();
        let clean = closed.cause == CloseCause::Unbound;
        match self.wish {
            Wish::End { .. } => return self.end(clean, now),
            Wish::Down => {
                self.bound_since = None;
                return self.enter(Phase::Paused, Cause::Asked, now);
            }
            Wish::Up => {}
        }
        info!(bind = %self.identity.bind, cause = ?closed.cause, error = ?closed.error, "link closed");
        self.desk.counters.lost += u64::from(self.bound_since.is_some());
        if closed.cause == CloseCause::NoProgress {
            self.probe = true;
            self.desk.alarm(|bind| Alarm::Stuck { bind });
        }
        let failure = Failure::of_close(&closed);
        if failure.is_alarming() {
            self.desk.alarm(|bind| Alarm::CredentialsRefused { bind });
        }
        if self.bound_since.is_none() {
            self.target = self.target.wrapping_add(1);
        }
        self.wait(failure, Cause::Session(closed.cause), now);
    }

    fn wait(&mut self, failure: Failure, cause: Cause, now: Instant) {
        match self.wish {
            Wish::Up => {
                let retry_in = self.backoff.delay(failure, self.bound_since.take(), now);
                self.stage = Stage::Idle(Some(now + retry_in));
                self.enter(Phase::Waiting { retry_in }, cause, now);
            }
            Wish::Down => {
                self.stage = Stage::Idle(None);
                self.enter(Phase::Paused, Cause::Asked, now);
            }
            Wish::End { .. } => self.end(false, now),
        }
    }

    fn end(&mut self, clean: bool, now: Instant) {
        self.stage = Stage::Ended;
        self.enter(Phase::Stopped, Cause::Asked, now);
        self.reports.push(Report::Ended { clean });
    }

    /// How many parts may be here: in flight, and as many more as leave within a tenth of a second.
    fn seats_now(&self) -> usize {
        let Stage::Linked(link) = &self.stage else {
            return 0;
        };
        if !self.settings.mode.sends() {
            return 0;
        }
        let window = self.settings.window;
        let ahead = link
            .session()
            .rate()
            .map_or(window, |rate| rounded_up(rate / 10.0).clamp(1, window));
        window + ahead
    }

    /// Begins to go down: what waits goes back, what is in flight is finished.
    fn go_down(&mut self, wish: Wish, now: Instant) {
        self.wish = wish;
        self.desk.close();
        match &mut self.stage {
            Stage::Linked(link) => {
                link.session_mut().stop_accepting();
                if !link.session().state().is_bound() {
                    link.session_mut().unbind(now);
                }
                if self.phase != Phase::Draining {
                    self.enter(Phase::Draining, Cause::Asked, now);
                }
            }
            Stage::Idle(_) | Stage::Connecting(_) => match wish {
                Wish::End { .. } => self.end(true, now),
                Wish::Down | Wish::Up => {
                    self.stage = Stage::Idle(None);
                    self.enter(Phase::Paused, Cause::Asked, now);
                }
            },
            Stage::Ended => {}
        }
    }
}

/// A whole number, never negative: a float saturates when cast.
fn rounded_up(value: f64) -> usize {
    value.ceil() as usize
}

impl Actor for Bind {
    type Context = Context<Self>;

    // Runs also for an actor that is dropped before its first poll: it only spawns.
    fn started(&mut self, ctx: &mut Self::Context) {
        // With no bound `try_send` costs what `do_send` costs, and hands messages back when the actor is dead.
        ctx.set_mailbox_capacity(0);
        ctx.spawn(Pump);
    }
}

impl Handler<Assign> for Bind {
    type Result = ();

    fn handle(&mut self, Assign(jobs): Assign, _: &mut Self::Context) {
        if self.phase == Phase::Bound && self.wish == Wish::Up {
            self.desk.take(jobs);
        } else {
            self.desk.refuse(jobs);
        }
    }
}

impl Handler<Control> for Bind {
    type Result = ();

    fn handle(&mut self, control: Control, _: &mut Self::Context) {
        let now = link::now();
        match control {
            Control::Pause if self.wish == Wish::Up => self.go_down(Wish::Down, now),
            Control::Resume if self.wish == Wish::Down => {
                self.wish = Wish::Up;
                self.backoff.reset();
                if matches!(self.stage, Stage::Idle(_)) {
                    self.stage = Stage::Idle(Some(now));
                }
            }
            Control::Drain { deadline } => self.go_down(Wish::End { deadline }, now),
            Control::Stop => {
                self.go_down(Wish::End { deadline: now }, now);
                self.desk.abandon(UnknownCause::ShutDown);
            }
            Control::Pause | Control::Resume => {}
        }
    }
}

impl Handler<GetBindStatus> for Bind {
    type Result = actix::MessageResult<GetBindStatus>;

    fn handle(&mut self, _: GetBindStatus, _: &mut Self::Context) -> Self::Result {
        let mut counters = self.desk.counters;
        counters.lenient = self.past.lenient;
        counters.unreadable = self.past.unreadable;
        counters.violations = self.past.violations;
        let mut status = BindStatus {
            bind: self.identity.bind.clone(),
            account: self.account.clone(),
            phase: self.phase,
            cause: self.cause,
            since: link::now().saturating_duration_since(self.since),
            window: self.settings.window,
            in_flight: 0,
            in_flight_max: self.past.in_flight_max,
            waiting: self.desk.waiting(),
            counters,
        };
        if let Stage::Linked(link) = &self.stage {
            let session = link.session();
            status.in_flight = session.in_flight();
            status.in_flight_max = status.in_flight_max.max(session.counters().in_flight_max);
            status.counters.lenient += session.counters().lenient;
            status.counters.unreadable += session.counters().unreadable;
            status.counters.violations += session.counters().violations;
        }
        actix::MessageResult(status)
    }
}
