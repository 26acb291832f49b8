//! The router: the supervisor actor that owns the binds and gives messages to them.
//!
//! Handlers only convert: what the router knows and does is in `core`, and goes out to the binds once for each
//! drain of its mailbox, in `Pump`. Nobody but the router has the addresses of binds, so these end when it does.
//!
//! # Bounds
//!
//! Whoever sends [`Submit`] to the router's address takes no permit, and actix offers no way to make it wait: the
//! messages lie in the mailbox until the router comes to them, and what finds the backlog full is answered
//! [`SubmitError::Busy`](crate::submit::SubmitError::Busy). Only `Esme` bounds its callers.

mod apply;
mod binds;
mod books;
mod cancel;
mod closing;
mod core;
mod explain;
mod intake;
mod preparer;
mod pump;
mod quarantine;
mod requests;
mod routes;
mod status;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::dev::{MessageResponse, OneshotSender};
use actix::fut::{ActorFutureExt, wrap_future};
use actix::{Actor, Addr, AsyncContext, Context, Handler, Message, MessageResult, Recipient, ResponseFuture};
use tokio::sync::watch;
use tokio::task::{JoinHandle, yield_now};

pub use apply::{Applied, Apply, ApplyError, BindError, Order, OrderBind};
pub use binds::StartBind;
pub use books::{Books, Totals};
pub use cancel::Cancel;
pub use closing::ShutdownReport;
pub use explain::{Candidate, Explain, Explanation, Way};
pub use intake::Intake;
pub use preparer::Preparer;
pub use routes::{MakeStrategy, Strategies};
pub use status::{AccountStatus, GetStatus, Status};

use crate::bind::Bind;
pub use crate::bind::{Sequences, counting};
use crate::events::receipts::Stores;
use crate::events::{
    AnswererId, Delivery, Duty, DutyTaken, Event, Filter, Hub, InboundMessage, Policy, Subscription,
};
use crate::link::{Connect, Governance, Governor};
use crate::settings::Settings;
use crate::submit::{Batch, Reply, Submit, SubmitBatch, SubmitResult};
use binds::Binds;
use core::{Core, Shared};
use intake::Arrived;
use pump::Pump;

/// The actor.
///
/// When its last address is dropped it shuts down, with the grace of the settings.
pub struct Router {
    core: Rc<RefCell<Core>>,
}

/// What a router is made of.
pub struct RouterSetup {
    /// The settings; binds are started at once.
    pub settings: Arc<Settings>,
    /// What makes connections.
    pub connector: Arc<dyn Connect>,
    /// What starts the actors of binds; [`start_bind`] unless somebody wants others.
    pub start: StartBind,
    /// What makes sequence numbers; [`counting`] unless somebody wants others.
    pub sequences: Sequences,
    /// Strategies of routes, in the place of those of the settings.
    pub strategies: Strategies,
    /// Where accounts keep the messages whose receipts are owed; [`in_memory`] unless somebody wants another place.
    ///
    /// [`in_memory`]: crate::events::receipts::in_memory
    pub stores: Stores,
    /// What random choices are drawn from.
    pub seed: u64,
}

/// A router that was started, and what it shares with those who use it from other threads.
pub struct Started {
    /// Its address.
    pub address: Addr<Router>,
    /// Its books.
    pub books: Arc<Books>,
    /// Where its events go.
    pub hub: Arc<Hub>,
    /// What prepares messages for it.
    pub preparer: Arc<Preparer>,
    /// Where prepared messages are put.
    pub intake: Arc<Intake>,
    /// Closes when it is gone, however it ended.
    pub alive: watch::Receiver<()>,
    /// Ready when its actor has ended, with an error after a panic.
    pub ended: JoinHandle<()>,
}

/// Starts the usual actor of a bind.
#[must_use]
pub fn start_bind() -> StartBind {
    Box::new(|setup| {
        let (address, ended) = Bind::start(setup);
        (address.into(), ended)
    })
}

impl Router {
    /// Starts the router and its binds on this thread, which must run a `LocalSet` or an actix system.
    #[must_use]
    pub fn start(setup: RouterSetup) -> Started {
        let mut context = Context::new();
        // With no bound `try_send` hands a message back exactly when the router is gone.
        context.set_mailbox_capacity(0);
        let address = context.address();
        let hub = Hub::new();
        let books = Books::new(setup.settings.router.queue_capacity, hub.clone());
        let preparer = Arc::new(Preparer::new(&setup.settings, setup.seed));
        let intake = Arc::new(Intake::default());
        let (alive, watcher) = watch::channel(());
        let governance = Governance::from(&setup.settings.router);
        let governor = Arc::new(Governor::new(setup.connector, governance));
        let binds = Binds::new(setup.start, setup.sequences, setup.stores, governor, setup.seed);
        let shared = Shared {
            hub: hub.clone(),
            books: books.clone(),
            preparer: preparer.clone(),
            intake: intake.clone(),
        };
        let mut core = Core::new(setup.settings, shared, binds, setup.strategies, alive);
        core.start_binds();
        core.end_drain();
        let router = Self {
            core: Rc::new(RefCell::new(core)),
        };
        Started {
            address,
            books,
            hub,
            preparer,
            intake,
            alive: watcher,
            ended: actix_rt::spawn(context.into_future(router)),
        }
    }
}

impl Actor for Router {
    type Context = Context<Self>;

    // Runs also for an actor that is dropped before its first poll: it only spawns.
    fn started(&mut self, context: &mut Self::Context) {
        context.spawn(Pump::default());
    }
}

/// Lets others have their turn when one drain has brought many messages.
///
/// Allowed here because the router has no IO: what waits meanwhile are only its own mailbox and pump.
fn take_turns(core: &mut Core, messages: usize, context: &mut Context<Router>) {
    if core.count(messages) {
        context.wait(wrap_future(yield_now()));
    }
}

/// A message together with what it needs to be placed once its reply channel is there.
pub struct Placing<M> {
    core: Rc<RefCell<Core>>,
    message: M,
}

impl Handler<Submit> for Router {
    type Result = Placing<Submit>;

    fn handle(&mut self, message: Submit, _: &mut Self::Context) -> Self::Result {
        Placing {
            core: self.core.clone(),
            message,
        }
    }
}

impl MessageResponse<Router, Submit> for Placing<Submit> {
    fn handle(mut self, context: &mut Context<Router>, sender: Option<OneshotSender<SubmitResult>>) {
        let reference = std::mem::take(&mut self.message.reference);
        let reply = match sender {
            Some(sender) => Reply::to_sender(reference, sender),
            None => Reply::to_nobody(reference),
        };
        let mut core = self.core.borrow_mut();
        core.handle_submit(&mut self.message, reply);
        take_turns(&mut core, 1, context);
    }
}

impl Handler<SubmitBatch> for Router {
    type Result = Placing<SubmitBatch>;

    fn handle(&mut self, message: SubmitBatch, _: &mut Self::Context) -> Self::Result {
        Placing {
            core: self.core.clone(),
            message,
        }
    }
}

impl MessageResponse<Router, SubmitBatch> for Placing<SubmitBatch> {
    fn handle(self, context: &mut Context<Router>, sender: Option<OneshotSender<Vec<SubmitResult>>>) {
        let batch = Batch::new(self.message.0.len(), sender);
        let submits = self.message.0.into_iter().enumerate();
        let place = move |core: &mut Core, (index, submit)| core.handle_in_batch(submit, &batch, index);
        place_each(self.core, submits, place, context);
    }
}

impl Handler<Arrived> for Router {
    type Result = ();

    fn handle(&mut self, _: Arrived, context: &mut Self::Context) {
        let jobs = self.core.borrow().intake.take();
        place_each(self.core.clone(), jobs.into_iter(), Core::handle_job, context);
    }
}

/// Places messages. After as many as make up a turn the others are placed later.
fn place_each<I, P>(core: Rc<RefCell<Core>>, mut messages: I, mut place: P, context: &mut Context<Router>)
where
    I: ExactSizeIterator + 'static,
    P: FnMut(&mut Core, I::Item) + 'static,
{
    let mut state = core.borrow_mut();
    let count = messages.len().min(core::TURN);
    messages
        .by_ref()
        .take(count)
        .for_each(|message| place(&mut state, message));
    if messages.len() == 0 {
        return take_turns(&mut state, count, context);
    }
    // The pump has to wait until the last part is placed.
    state.fetch_reports();
    state.flush();
    drop(state);
    let next = wrap_future::<_, Router>(yield_now())
        .map(move |(), _, context: &mut Context<Router>| place_each(core, messages, place, context));
    context.wait(next);
}

/// Sends events to an actor from now on, as [`Esme::subscribe_with`](crate::esme::Esme::subscribe_with) does.
#[derive(Debug)]
pub struct Subscribe {
    /// The actor.
    pub recipient: Recipient<Event>,
    /// What it wants.
    pub filter: Filter,
    /// How much may wait for it, and what happens when it is slower than that.
    pub policy: Policy,
}

impl Subscribe {
    /// With the default [`Policy`].
    pub fn new(recipient: Recipient<Event>, filter: impl Into<Filter>) -> Self {
        Self {
            recipient,
            filter: filter.into(),
            policy: Policy::default(),
        }
    }

    /// With another one.
    #[must_use]
    pub fn policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }
}

impl Message for Subscribe {
    type Result = Subscription;
}

impl Handler<Subscribe> for Router {
    type Result = MessageResult<Subscribe>;

    fn handle(&mut self, message: Subscribe, _: &mut Self::Context) -> Self::Result {
        let Subscribe {
            recipient,
            filter,
            policy,
        } = message;
        let core = self.core.borrow();
        MessageResult(core.hub.subscribe_with(recipient, filter, policy))
    }
}

/// Ends a subscription; true when there was one.
#[derive(Clone, Copy, Debug)]
pub struct Unsubscribe(pub Subscription);

impl Message for Unsubscribe {
    type Result = bool;
}

impl Handler<Unsubscribe> for Router {
    type Result = bool;

    fn handle(&mut self, Unsubscribe(subscription): Unsubscribe, _: &mut Self::Context) -> bool {
        self.core.borrow().hub.unsubscribe(subscription)
    }
}

/// Lets an actor decide what the deliveries in its duty are answered with.
#[derive(Debug)]
pub struct AnswerDeliveries(pub Recipient<Delivery>, pub Duty);

impl Message for AnswerDeliveries {
    type Result = Result<AnswererId, DutyTaken>;
}

impl Handler<AnswerDeliveries> for Router {
    type Result = Result<AnswererId, DutyTaken>;

    fn handle(
        &mut self,
        AnswerDeliveries(answerer, duty): AnswerDeliveries,
        _: &mut Self::Context,
    ) -> Self::Result {
        self.core.borrow().hub.answer_deliveries(answerer, duty)
    }
}

/// Lets an actor decide what the messages in its duty are answered with.
#[derive(Debug)]
pub struct AnswerMessages(pub Recipient<InboundMessage>, pub Duty);

impl Message for AnswerMessages {
    type Result = Result<AnswererId, DutyTaken>;
}

impl Handler<AnswerMessages> for Router {
    type Result = Result<AnswererId, DutyTaken>;

    fn handle(
        &mut self,
        AnswerMessages(answerer, duty): AnswerMessages,
        _: &mut Self::Context,
    ) -> Self::Result {
        self.core.borrow().hub.answer_messages(answerer, duty)
    }
}

impl Handler<GetStatus> for Router {
    type Result = ResponseFuture<Status>;

    fn handle(&mut self, _: GetStatus, _: &mut Self::Context) -> Self::Result {
        let mut core = self.core.borrow_mut();
        let now = core.now();
        core.status(now)
    }
}

/// Takes no more messages, lets binds finish what they have begun, unbinds, and ends.
///
/// What waits is answered [`SubmitError::ShuttingDown`](crate::submit::SubmitError::ShuttingDown); what is in flight
/// when the grace is over is unknown. Asked again, the earlier deadline counts.
#[derive(Clone, Copy, Debug)]
pub struct Shutdown {
    /// How long binds may take.
    pub grace: Duration,
}

impl Message for Shutdown {
    type Result = ShutdownReport;
}

impl Handler<Shutdown> for Router {
    type Result = Placing<Shutdown>;

    fn handle(&mut self, message: Shutdown, _: &mut Self::Context) -> Self::Result {
        Placing {
            core: self.core.clone(),
            message,
        }
    }
}

impl MessageResponse<Router, Shutdown> for Placing<Shutdown> {
    fn handle(self, _: &mut Context<Router>, sender: Option<OneshotSender<ShutdownReport>>) {
        self.core.borrow_mut().handle_shutdown(self.message.grace, sender);
    }
}
