//! What router and binds say to each other.
//!
//! The router knows a bind by its [`BindAddress`] alone, and a bind its router by a [`Reporter`]; tests put others
//! in either place.
//!
//! # Seats
//!
//! A bind offers `capacity` seats while it is bound, and the router gives one for each unfinished part of a job
//! that it assigns. A seat is free again when
//!
//! - a part ended at the bind (accepted, rejected, unknown, refused, closed): it counts in [`Report::Seats`];
//! - a job came back in [`Report::Returned`]: it frees as many as it has unfinished parts, without being counted
//!   in `Seats`.
//!
//! Nothing else frees seats: neither a broken link nor a new bind. A bind that gets jobs while it is not bound
//! returns them.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{Actor, Addr, Context, Handler, Message, Recipient};
use smallvec::SmallVec;
use tokio::sync::mpsc;

use crate::events::{Cause, Phase};
use crate::session::RequestError;
use crate::settings::BindSettings;
use crate::submit::{AccountId, BindId, Inquiry, Job, Reference};

/// Router to bind: jobs that have seats, all that one wake-up of the router brought, in the order of sending.
#[derive(Debug)]
pub struct Assign(pub Vec<Box<Job>>);

impl Message for Assign {
    type Result = ();
}

/// Router to bind: what it should do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Control {
    /// Return what waits, finish what is in flight, unbind, and stay away until [`Control::Resume`].
    Pause,
    /// Connect again.
    Resume,
    /// A sibling reached the host: whoever waits because it could not be reached connects now.
    Hurry,
    /// As [`Control::Pause`], then end: report [`Report::Ended`]. At the deadline what is in flight is unknown.
    Drain {
        /// When to stop waiting.
        deadline: Instant,
    },
    /// End at once: unbind if that can be written, wait for nothing.
    Stop,
    /// End at once, without a word: the connection is closed where it stands.
    Cut,
}

impl Message for Control {
    type Result = ();
}

/// Router to bind: a request that is no message. It has no seat; as many as the window has places may wait beside
/// those that have one.
#[derive(Debug)]
pub struct Ask(pub Inquiry);

impl Message for Ask {
    type Result = ();
}

/// To a bind that is on demand and whose connection is open: bind now. The settings differ from the ones it has only in
/// who binds, and as what: mode, system_id, password and what else stands in a bind PDU.
#[derive(Clone, Debug)]
pub struct Enter(pub Arc<BindSettings>);

impl Message for Enter {
    type Result = Result<(), RequestError>;
}

/// Router to bind: end the messages that their caller knows by this reference, as far as nothing of them is written.
/// Gives how many there were.
#[derive(Clone, Debug)]
pub struct Withdraw(pub Reference);

impl Message for Withdraw {
    type Result = usize;
}

/// Router to bind: settings that differ from the ones it has only in what can change under way, see
/// [`BindSettings::is_retuned_to`].
#[derive(Clone, Debug)]
pub struct Retune(pub Arc<BindSettings>);

impl Message for Retune {
    type Result = ();
}

/// Router to bind: how it is. Costs nothing while nobody asks.
#[derive(Clone, Copy, Debug)]
pub struct GetBindStatus;

impl Message for GetBindStatus {
    type Result = BindStatus;
}

/// How a bind is.
#[derive(Clone, Debug, PartialEq)]
pub struct BindStatus {
    /// The bind.
    pub bind: BindId,
    /// Its account.
    pub account: AccountId,
    /// Where it stands.
    pub phase: Phase,
    /// What brought it there.
    pub cause: Cause,
    /// For how long it has been there.
    pub since: Duration,
    /// The most requests that may be in flight.
    pub window: usize,
    /// Requests in flight.
    pub in_flight: usize,
    /// The most that there were at a time.
    pub in_flight_max: usize,
    /// Parts that have a seat and are not in flight yet.
    pub waiting: usize,
    /// Requests of the SMSC that wait for our answer.
    pub unanswered: usize,
    /// What it did since it was started.
    pub counters: BindCounters,
}

/// What a bind did since it was started, in PDUs.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct BindCounters {
    /// Requests that were accepted.
    pub submitted: u64,
    /// Requests that were rejected, throttled ones that were sent again not counted.
    pub rejected: u64,
    /// Requests that nobody knows about.
    pub unknown: u64,
    /// Responses that said throttled or queue full, as the statuses of the bind have it.
    pub throttled: u64,
    /// Deliveries that came, receipts included.
    pub delivered: u64,
    /// Of these, and of other requests of the SMSC, those that nobody answered in time.
    pub overdue: u64,
    /// Sessions that were bound.
    pub binds: u64,
    /// Sessions that ended without having been asked to.
    pub lost: u64,
    /// PDUs that decoded with leniency.
    pub lenient: u64,
    /// PDUs that could not be read.
    pub unreadable: u64,
    /// Things that the protocol does not allow the peer.
    pub violations: u64,
}

/// Which life of which bind: a bind that was started again after a panic has another incarnation.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Identity {
    /// The bind.
    pub bind: BindId,
    /// Counts the starts of binds.
    pub incarnation: u64,
}

/// Bind to router: what happened, at most one message for each wake-up of the bind.
#[derive(Debug)]
pub struct Reports {
    /// Who reports.
    pub from: Identity,
    /// What happened, in order: nearly always one thing.
    pub reports: SmallVec<[Report; 1]>,
}

impl Message for Reports {
    type Result = ();
}

/// Where binds report.
///
/// A channel beside the router's mailbox: a seat that is free again must not wait until the router has come through
/// all the messages that were sent to it before.
#[derive(Clone, Debug)]
pub struct Reporter(mpsc::UnboundedSender<Reports>);

impl Reporter {
    /// A reporter, and where its reports come out. Unbounded, because each bind has one report for each wake-up.
    #[must_use]
    pub fn channel() -> (Self, mpsc::UnboundedReceiver<Reports>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    /// Reports. When the router is gone returned jobs answer by being dropped, and nobody misses the rest.
    pub fn report(&self, reports: Reports) {
        let _ = self.0.send(reports);
    }
}

/// One thing that happened at a bind.
#[derive(Debug)]
pub enum Report {
    /// It entered another phase. Only in [`Phase::Bound`] it gets jobs.
    Phase {
        /// The phase.
        phase: Phase,
        /// What brought it there.
        cause: Cause,
    },
    /// Seats are free again, or there are more or fewer of them.
    Seats {
        /// How many are free again.
        freed: usize,
        /// How many there are in all, taken ones included: what is in flight, and what window, rate and budget let
        /// out within 100 ms. Zero while nothing can be sent, as over a receiver.
        capacity: usize,
    },
    /// Jobs that did not leave, in their order: they take their old places.
    Returned {
        /// The jobs.
        jobs: Vec<Box<Job>>,
    },
    /// It ended as it was told to; its actor is about to stop.
    Ended {
        /// True when the peer agreed to the unbind.
        clean: bool,
    },
}

/// How the router reaches a bind.
///
/// The addresses in it are the only ones of the bind. When they are dropped, and so when the router is gone, the
/// bind unbinds and ends.
pub struct BindAddress(Box<dyn BindActor>);

impl Deref for BindAddress {
    type Target = dyn BindActor;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl<A> From<Addr<A>> for BindAddress
where
    A: Actor,
    Addr<A>: BindActor,
{
    fn from(address: Addr<A>) -> Self {
        Self(Box::new(address))
    }
}

/// The address of an actor that can be a bind.
///
/// Recipients are made when they are needed: each costs an allocation, and there are thousands of binds.
pub trait BindActor: 'static {
    /// Hands it messages.
    ///
    /// # Errors
    ///
    /// Gives them back when the actor is gone.
    fn assign(&self, jobs: Vec<Box<Job>>) -> Result<(), Vec<Box<Job>>>;

    /// For orders.
    fn control(&self) -> Recipient<Control>;

    /// For requests that are no messages.
    fn ask(&self) -> Recipient<Ask>;

    /// For messages that are taken back.
    fn withdraw(&self) -> Recipient<Withdraw>;

    /// For other settings.
    fn retune(&self) -> Recipient<Retune>;

    /// For questions.
    fn status(&self) -> Recipient<GetBindStatus>;
}

impl<A> BindActor for Addr<A>
where
    A: Actor<Context = Context<A>>
        + Handler<Ask>
        + Handler<Assign>
        + Handler<Control>
        + Handler<Retune>
        + Handler<Withdraw>
        + Handler<GetBindStatus>,
{
    fn assign(&self, jobs: Vec<Box<Job>>) -> Result<(), Vec<Box<Job>>> {
        let assigned = self.try_send(Assign(jobs));
        assigned.map_err(|refused| refused.into_inner().0)
    }

    fn control(&self) -> Recipient<Control> {
        self.clone().recipient()
    }

    fn ask(&self) -> Recipient<Ask> {
        self.clone().recipient()
    }

    fn withdraw(&self) -> Recipient<Withdraw> {
        self.clone().recipient()
    }

    fn retune(&self) -> Recipient<Retune> {
        self.clone().recipient()
    }

    fn status(&self) -> Recipient<GetBindStatus> {
        self.clone().recipient()
    }
}

impl fmt::Debug for BindAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BindAddress").finish_non_exhaustive()
    }
}
