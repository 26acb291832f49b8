//! The door: many binds behind one handle that is cheap to clone and works on any thread.
//!
//! [`Esme::start`] starts the router and its binds wherever it is called: under an actix System they live on that
//! thread; in any other tokio runtime, or in none, they get a thread with a System of their own.

mod home;
mod setup;

use std::sync::Arc;
use std::time::Duration;

use actix::{Addr, Recipient};
use tokio::sync::{oneshot, watch};

pub use home::StartError;
pub(crate) use home::is_in_system;
pub use setup::EsmeSetup;

use crate::events::{
    AnswererId, Delivery, Duty, DutyTaken, Event, EventStream, Events, Filter, Hub, InboundMessage, Policy,
    Subscription, SubscriptionStatus,
};
use crate::link::{Connect, TcpConnector};
use crate::router::{
    Applied, Apply, ApplyError, BindError, Books, Cancel, Explain, Explanation, GetStatus, Intake, Order,
    OrderBind, Preparer, Router, Shutdown, ShutdownReport, Status, Totals,
};
use crate::settings::Settings;
use crate::submit::{
    Batch, BindId, Job, Pending, Reference, Reply, Request, RequestResult, Submit, SubmitError, SubmitResult,
};
use home::Home;

/// Most messages that go to the router as one.
const BATCH: usize = 1_024;

/// Many binds, and messages routed over them.
///
/// A clone is the same. When the last clone is dropped, and with it the last address of its [`router`](Self::router),
/// the binds finish what they have begun and unbind, as after [`shutdown`](Self::shutdown) with the grace of the
/// settings, only that nobody waits for it.
///
/// ```no_run
/// use bindery::esme::Esme;
/// use bindery::settings::{BindSettings, Settings};
/// use bindery::submit::Submit;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let settings = Settings::default().bind("acme", BindSettings::new("smpp.example:2775", "acme", "secret"));
/// let esme = Esme::start(settings)?;
/// let submitted = esme.submit(Submit::text("447700900123", "Hello").source("Acme").receipt()).await?;
/// println!("{} took it as {}", submitted.bind, submitted.message_id());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Esme {
    inner: Arc<Inner>,
}

/// What all clones share.
struct Inner {
    router: Addr<Router>,
    books: Arc<Books>,
    hub: Arc<Hub>,
    preparer: Arc<Preparer>,
    intake: Arc<Intake>,
    /// Closes when router and binds are gone.
    closed: watch::Receiver<()>,
    home: Home,
}

impl Esme {
    /// Starts the binds of the settings, over TCP.
    ///
    /// Under an actix System the actors live on this thread, and this must be called inside its runtime; anywhere
    /// else they get a thread with a System of their own. Returns before any bind is bound: messages wait until one
    /// is.
    ///
    /// # Errors
    ///
    /// The settings contradict themselves, or there is no thread to be had.
    pub fn start(settings: Settings) -> Result<Self, StartError> {
        Self::start_with(settings, Arc::new(TcpConnector))
    }

    /// As [`start`](Self::start), with other connections than over TCP.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_with(settings: Settings, connector: Arc<dyn Connect>) -> Result<Self, StartError> {
        EsmeSetup::new(settings).connector(connector).start()
    }

    /// Starts the binds on this thread, which must run a `LocalSet`: for tests in virtual time, and for runtimes that
    /// have no actix System.
    ///
    /// # Errors
    ///
    /// The settings contradict themselves.
    pub fn start_local(settings: Settings, connector: Arc<dyn Connect>) -> Result<Self, StartError> {
        EsmeSetup::new(settings).connector(connector).start_local()
    }

    // Messages.

    /// Sends a message over one of the binds and waits for its outcome.
    ///
    /// Waits for room first: of all callers together at most
    /// [`queue_capacity`](crate::settings::RouterSettings::queue_capacity) messages are inside. Where as many wait for its
    /// route as [`backlog_per_route`](crate::settings::RouterSettings::backlog_per_route) says, which is off unless it is
    /// set, it then ends as [`SubmitError::Busy`]. If a link breaks before
    /// the message was written, another bind takes it. Once written it is never sent again unless
    /// [`Submit::at_least_once`] allows it: without a response the outcome is [`SubmitError::Unknown`].
    ///
    /// The text is split at the call; nothing is sent before the future is polled. Dropping the future takes back a
    /// message that the router has not seen. Afterwards it goes on, and its outcome is an event.
    ///
    /// # Errors
    ///
    /// [`SubmitError::is_safe_to_resend`] separates what may be repeated from what might cost twice.
    pub fn submit<S: Into<Submit>>(&self, submit: S) -> impl Future<Output = SubmitResult> + use<'_, S> {
        // At once, so that what waits for room is a box and not a message, which would be copied from place to place.
        let (prepared, pending) = self.inner.open(submit);
        async move {
            let permit = self.reserve().await?;
            permit.send(prepared);
            pending.await
        }
    }

    /// Sends a message if there is room now; the future is ready with its outcome. Never waits.
    ///
    /// Dropping the future before the router has seen the message takes it back: [`try_post`](Self::try_post) is for
    /// those who do not wait for outcomes.
    ///
    /// # Errors
    ///
    /// [`SubmitError::Busy`] without room. Who wants to keep a message that there is no room for asks
    /// [`try_reserve`](Self::try_reserve) first.
    pub fn try_submit(&self, submit: impl Into<Submit>) -> Result<Pending, SubmitError> {
        Ok(self.try_reserve()?.submit(submit))
    }

    /// Sends a message for whose outcome nobody waits: that is an event alone ([`Kinds::OUTCOMES`]). Waits for room as
    /// [`submit`](Self::submit) does.
    ///
    /// # Errors
    ///
    /// [`SubmitError::ShuttingDown`], and then there is no event.
    ///
    /// [`Kinds::OUTCOMES`]: crate::events::Kinds::OUTCOMES
    pub async fn post(&self, submit: impl Into<Submit>) -> Result<(), SubmitError> {
        self.reserve().await?.post(submit);
        Ok(())
    }

    /// As [`post`](Self::post), if there is room now. Never waits.
    ///
    /// # Errors
    ///
    /// [`SubmitError::Busy`] or [`SubmitError::ShuttingDown`], and then there is no event.
    pub fn try_post(&self, submit: impl Into<Submit>) -> Result<(), SubmitError> {
        self.try_reserve()?.post(submit);
        Ok(())
    }

    /// Sends many messages and waits for all their outcomes, which come in the order given.
    ///
    /// Cheaper than as many calls of [`submit`](Self::submit): they go to the router in groups. Like there, each waits
    /// for room, and may end as [`SubmitError::Busy`].
    pub async fn submit_batch<S: Into<Submit>>(
        &self,
        submits: impl IntoIterator<Item = S>,
    ) -> Vec<SubmitResult> {
        let mut submits = submits.into_iter();
        let mut groups = Vec::new();
        while let Some(group) = self.send_group(&mut submits).await {
            groups.push(group);
        }
        // Every reply answers, so the channel never closes without a result.
        let mut results = match groups.first_mut() {
            Some(first) => first.await.unwrap_or_default(),
            None => Vec::new(),
        };
        for group in groups.into_iter().skip(1) {
            results.extend(group.await.unwrap_or_default());
        }
        results
    }

    /// Sends as many as go to the router as one; none when there are no more.
    async fn send_group<S: Into<Submit>>(
        &self,
        submits: &mut impl Iterator<Item = S>,
    ) -> Option<oneshot::Receiver<Vec<SubmitResult>>> {
        let most = BATCH.min(self.inner.books.capacity());
        // Whatever is announced, the end is where nothing comes.
        let expected = submits
            .size_hint()
            .1
            .map_or(most, |expected| expected.clamp(1, most));
        let (sender, receiver) = oneshot::channel();
        let batch = Batch::new(expected, Some(sender));
        // Each at once, so that what waits for room are boxes and not messages, which would be copied from place to place.
        let prepared = submits.take(expected).enumerate().map(|(index, submit)| {
            let mut submit = submit.into();
            let reference = std::mem::take(&mut submit.reference);
            let reply = Reply::to_batch(reference, batch.clone(), index);
            self.inner.prepare(&mut submit, reply)
        });
        let prepared: Vec<_> = prepared.collect();
        batch.shorten(prepared.len());
        if prepared.is_empty() {
            return None;
        }
        // Lossless: a group is at most BATCH messages.
        let count = u32::try_from(prepared.len()).unwrap_or(u32::MAX);
        match self.inner.books.acquire(count).await {
            Ok(()) => {
                let jobs = prepared
                    .into_iter()
                    .filter_map(|prepared| self.inner.admit(prepared));
                let jobs: Vec<_> = jobs.collect();
                self.inner.intake.push(jobs, &self.inner.router);
            }
            Err(error) => prepared.into_iter().for_each(|prepared| match prepared {
                Ok(job) => job.refuse(&error),
                Err(refused) => refused.0.answer(Err(error.clone())),
            }),
        }
        Some(receiver)
    }

    /// Waits for room for one message.
    ///
    /// # Errors
    ///
    /// [`SubmitError::ShuttingDown`].
    pub async fn reserve(&self) -> Result<Permit<'_>, SubmitError> {
        self.inner.books.acquire(1).await?;
        Ok(Permit { inner: &self.inner })
    }

    /// Takes room for one message if there is some now.
    ///
    /// # Errors
    ///
    /// [`SubmitError::Busy`] or [`SubmitError::ShuttingDown`].
    pub fn try_reserve(&self) -> Result<Permit<'_>, SubmitError> {
        self.inner.books.try_acquire()?;
        Ok(Permit { inner: &self.inner })
    }

    /// Takes the messages back that you know by this reference: each of which nothing was written ends as
    /// [`SubmitError::Cancelled`]. Gives how many there were; [`Reference::None`] is none of them.
    ///
    /// Looks at every message that waits.
    pub async fn cancel(&self, reference: impl Into<Reference>) -> usize {
        let answer = self.inner.router.send(Cancel(reference.into())).await;
        answer.unwrap_or(0)
    }

    /// Where this message would go if it came now, and why. Nothing is sent; none after the end.
    pub async fn explain(&self, submit: impl Into<Submit>) -> Option<Explanation> {
        let answer = self.inner.router.send(Explain(submit.into())).await;
        answer.ok()
    }

    /// Asks an SMSC something that is no message: query_sm, cancel_sm, replace_sm, query_broadcast_sm,
    /// cancel_broadcast_sm, or any request with a forced sequence number. The response comes back as it is, whatever its
    /// status says.
    ///
    /// Never waits for a bind, and is never sent twice.
    ///
    /// # Errors
    ///
    /// [`SubmitError::Unknown`] when it was written and no response came; otherwise it was not sent.
    pub async fn request(&self, request: impl Into<Request>) -> RequestResult {
        let answer = self.inner.router.send(request.into()).await;
        answer.unwrap_or(Err(SubmitError::ShuttingDown))
    }

    // Events.

    /// Sends the events that `filter` wants to an actor from now on, one by one: the next when it has handled the last.
    /// What waits meanwhile is bounded by the default [`Policy`].
    pub fn subscribe(&self, recipient: Recipient<Event>, filter: impl Into<Filter>) -> Subscription {
        self.inner.hub.subscribe(recipient, filter)
    }

    /// As [`subscribe`](Self::subscribe), with another policy for what the actor is too slow for.
    pub fn subscribe_with(
        &self,
        recipient: Recipient<Event>,
        filter: impl Into<Filter>,
        policy: Policy,
    ) -> Subscription {
        self.inner.hub.subscribe_with(recipient, filter, policy)
    }

    /// As [`subscribe_with`](Self::subscribe_with), batch by batch: when the actor has handled one, it gets all that
    /// came meanwhile, up to [`Policy::batch`].
    pub fn subscribe_batches(
        &self,
        recipient: Recipient<Events>,
        filter: impl Into<Filter>,
        policy: Policy,
    ) -> Subscription {
        self.inner.hub.subscribe_batches(recipient, filter, policy)
    }

    /// The events that `filter` wants, from now on, for a loop. Dropping the stream unsubscribes; it ends when router and
    /// binds are gone.
    ///
    /// ```no_run
    /// use bindery::esme::Esme;
    /// use bindery::events::{Event, Filter, Policy};
    ///
    /// # async fn example(esme: Esme) {
    /// let mut events = esme.events(Filter::pdus().on("acme"), Policy::hold_back());
    /// while let Some(event) = events.next().await {
    ///     match event {
    ///         Event::Pdu(pdu) => println!("{:?} {}", pdu.passage, pdu.header.command_id),
    ///         Event::Lagged { missed } => println!("{missed} events missing"),
    ///         _ => {}
    ///     }
    /// }
    /// # }
    /// ```
    pub fn events(&self, filter: impl Into<Filter>, policy: Policy) -> EventStream {
        self.inner.hub.events(filter, policy)
    }

    /// What waits for a subscriber, and what it missed; none when it does not subscribe.
    #[must_use]
    pub fn subscription(&self, subscription: Subscription) -> Option<SubscriptionStatus> {
        self.inner.hub.subscription(subscription)
    }

    /// Ends a subscription at once; true when there was one.
    pub fn unsubscribe(&self, subscription: Subscription) -> bool {
        self.inner.hub.unsubscribe(subscription)
    }

    /// Lets an actor decide what the messages from the SMSCs in its duty are answered with, at once or later; see
    /// [`Hub::answer_deliveries`]. Receipts are always acknowledged, and come as events.
    ///
    /// # Errors
    ///
    /// Another actor that is alive has the same duty.
    pub fn answer_deliveries(
        &self,
        answerer: Recipient<Delivery>,
        duty: impl Into<Duty>,
    ) -> Result<AnswererId, DutyTaken> {
        self.inner.hub.answer_deliveries(answerer, duty)
    }

    /// Lets an actor decide what the messages from phones in its duty are answered with, the parts of long ones put
    /// together; see [`Hub::answer_messages`].
    ///
    /// # Errors
    ///
    /// Another actor that is alive has the same duty.
    pub fn answer_messages(
        &self,
        answerer: Recipient<InboundMessage>,
        duty: impl Into<Duty>,
    ) -> Result<AnswererId, DutyTaken> {
        self.inner.hub.answer_messages(answerer, duty)
    }

    /// Ends the duty of an answerer; true when it had one.
    pub fn dismiss(&self, answerer: AnswererId) -> bool {
        self.inner.hub.dismiss(answerer)
    }

    // Changes.

    /// Goes on with other settings: binds are added, removed, told of other limits, or bind anew with what changed;
    /// those that nothing changed for are not touched.
    ///
    /// What is removed or bound anew finishes what it has begun first, within
    /// [`shutdown_grace`](crate::settings::RouterSettings::shutdown_grace). Messages that wait go on waiting.
    ///
    /// # Errors
    ///
    /// The settings cannot be used, or the router shuts down; nothing has changed then.
    pub async fn apply(&self, settings: Settings) -> Result<Applied, ApplyError> {
        let answer = self.inner.router.send(Apply(settings)).await;
        answer.unwrap_or(Err(ApplyError::ShuttingDown))
    }

    /// Takes a bind down: what waits there leaves by others, what is in flight is finished, then it unbinds and
    /// stays away until it is resumed.
    ///
    /// # Errors
    ///
    /// No such bind is running.
    pub async fn pause(&self, bind: impl Into<BindId>) -> Result<(), BindError> {
        self.order(bind.into(), Order::Pause).await
    }

    /// Brings a bind back that was paused.
    ///
    /// # Errors
    ///
    /// No such bind is running.
    pub async fn resume(&self, bind: impl Into<BindId>) -> Result<(), BindError> {
        self.order(bind.into(), Order::Resume).await
    }

    /// Takes a bind down for good; what is in flight after `grace` is unknown. [`apply`](Self::apply) with changed
    /// settings for it brings it back.
    ///
    /// # Errors
    ///
    /// No such bind is running.
    pub async fn drain(&self, bind: impl Into<BindId>, grace: Duration) -> Result<(), BindError> {
        self.order(bind.into(), Order::Drain { grace }).await
    }

    async fn order(&self, bind: BindId, order: Order) -> Result<(), BindError> {
        let answer = self.inner.router.send(OrderBind { bind, order }).await;
        answer.unwrap_or(Err(BindError::ShuttingDown))
    }

    // Life.

    /// How the router and its binds are. After the end: what is left to know.
    pub async fn status(&self) -> Status {
        match self.inner.router.send(GetStatus).await {
            Ok(status) => status,
            Err(_) => Status::of_the_dead(&self.inner.books),
        }
    }

    /// How many messages came, and how they ended.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.inner.books.totals()
    }

    /// The router's address, for those who speak actix.
    ///
    /// Messages that are sent to it take no permit; what finds the backlog full is answered [`SubmitError::Busy`].
    #[must_use]
    pub fn router(&self) -> &Addr<Router> {
        &self.inner.router
    }

    /// Takes no more messages, lets the binds finish what they have begun, unbinds, and ends; a thread of its own is
    /// joined.
    ///
    /// What waits for a bind is answered [`SubmitError::ShuttingDown`]; what is in flight after `grace` is unknown.
    pub async fn shutdown(&self, grace: Duration) -> ShutdownReport {
        let report = self.inner.router.send(Shutdown { grace }).await;
        let report = report.unwrap_or_else(|_| ShutdownReport::of_the_dead(&self.inner.books));
        self.closed().await;
        self.inner.home.join();
        report
    }

    /// Ready when router and binds are gone: after [`shutdown`](Self::shutdown), or because the router panicked.
    pub async fn closed(&self) {
        let mut closed = self.inner.closed.clone();
        // Nothing is ever sent: it only closes.
        while closed.changed().await.is_ok() {}
    }

    /// True when no more messages are taken.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.inner.books.is_closed()
    }
}

impl std::fmt::Debug for Esme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Esme")
            .field("totals", &self.totals())
            .finish_non_exhaustive()
    }
}

/// A message that can be sent, or why it cannot be written. Nobody counts it before it is admitted.
type Prepared = Result<Box<Job>, Box<(Reply, SubmitError)>>;

impl Inner {
    /// Prepares a message for whose outcome somebody waits.
    #[inline]
    fn open(&self, submit: impl Into<Submit>) -> (Prepared, Pending) {
        // First, as a message is large, and one that was just written is waited for when it is moved at once.
        let (mut reply, pending) = Reply::channel(Reference::None);
        let mut submit = submit.into();
        reply.set_reference(std::mem::take(&mut submit.reference));
        (self.prepare(&mut submit, reply), pending)
    }

    fn prepare(&self, submit: &mut Submit, reply: Reply) -> Prepared {
        self.preparer.prepare(submit, reply).map_err(Box::new)
    }

    /// Enters a message in the books with a permit; one that cannot be written is answered.
    fn admit(&self, prepared: Prepared) -> Option<Box<Job>> {
        match prepared {
            Ok(mut job) => {
                self.books.enter_job(&mut job, true);
                Some(job)
            }
            Err(refused) => {
                let (reply, error) = *refused;
                self.books.enter(reply, true).answer(Err(error));
                None
            }
        }
    }
}

/// Room for one message; given back when it is dropped unused.
#[must_use = "room that is not used keeps others waiting"]
pub struct Permit<'e> {
    inner: &'e Inner,
}

impl Permit<'_> {
    /// Sends a message; the future is ready with its outcome, which may be [`SubmitError::Busy`] for want of
    /// [`backlog_per_route`](crate::settings::RouterSettings::backlog_per_route). Dropping it before the router has seen
    /// the message takes that back.
    pub fn submit(self, submit: impl Into<Submit>) -> Pending {
        let (prepared, pending) = self.inner.open(submit);
        self.send(prepared);
        pending
    }

    /// Sends a message for whose outcome nobody waits: that is an event alone.
    pub fn post(self, submit: impl Into<Submit>) {
        let mut submit = submit.into();
        let reply = Reply::to_nobody(std::mem::take(&mut submit.reference));
        let prepared = self.inner.prepare(&mut submit, reply);
        self.send(prepared);
    }

    fn send(self, prepared: Prepared) {
        let inner = self.inner;
        // From here on the permit belongs to the message.
        std::mem::forget(self);
        if let Some(job) = inner.admit(prepared) {
            inner.intake.push([job], &inner.router);
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.inner.books.release(1);
    }
}
