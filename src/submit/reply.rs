//! The way back to the caller: answers exactly once, also when nobody does it on purpose.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use super::line::{self, line};
use super::{NotSentCause, Reference, SubmitError, SubmitResult};

/// Keeps the account of messages: every [`Reply`] tells it the one outcome of its message.
pub trait Ledger: Send + Sync {
    /// A message has its outcome.
    fn settle(&self, settled: Settled<'_>);

    /// A message was withdrawn before anybody took it in: it has no outcome, and its permit is free again if it had
    /// one.
    fn withdraw(&self, permit: bool);
}

/// The outcome of a message, as its reply reports it.
#[derive(Clone, Copy, Debug)]
pub struct Settled<'a> {
    /// What the caller knows the message by.
    pub reference: &'a Reference,
    /// How it ended.
    pub result: &'a SubmitResult,
    /// True when the message held a permit, which is free again.
    pub permit: bool,
    /// True when a caller waits for the outcome, false when it would be lost unless told as an event.
    pub awaited: bool,
}

/// How a message ends that nobody cares for any more.
pub(super) const DROPPED: SubmitResult = Err(SubmitError::NotSent {
    cause: NotSentCause::Dropped,
});

/// Answers for one message exactly once.
///
/// Dropped without an answer it says [`SubmitError::NotSent`]; a [`Job`](super::Job) that was written says
/// [`SubmitError::Unknown`] in its place. It holds the caller's permit and gives it back with the answer.
pub struct Reply {
    to: To,
    reference: Reference,
    ledger: Option<Arc<dyn Ledger>>,
    permit: bool,
}

enum To {
    Caller(line::Sender),
    Channel(oneshot::Sender<SubmitResult>),
    Batch(Arc<Batch>, usize),
    Nobody,
    Answered,
}

impl Reply {
    /// A reply and the future that it resolves.
    pub fn channel(reference: Reference) -> (Self, Pending) {
        let (sender, receiver) = line();
        (Self::new(reference, To::Caller(sender)), Pending(receiver))
    }

    /// A reply that goes into a channel, as that of an actix message.
    #[must_use]
    pub const fn to_sender(reference: Reference, sender: oneshot::Sender<SubmitResult>) -> Self {
        Self::new(reference, To::Channel(sender))
    }

    /// A reply that goes to one place of a batch.
    #[must_use]
    pub const fn to_batch(reference: Reference, batch: Arc<Batch>, index: usize) -> Self {
        Self::new(reference, To::Batch(batch, index))
    }

    /// A reply that nobody waits for; its outcome is for the ledger alone.
    #[must_use]
    pub const fn to_nobody(reference: Reference) -> Self {
        Self::new(reference, To::Nobody)
    }

    const fn new(reference: Reference, to: To) -> Self {
        Self {
            to,
            reference,
            ledger: None,
            permit: false,
        }
    }

    /// Tells `ledger` the outcome too. With `permit` the message holds one of its permits.
    #[must_use]
    pub fn entered_in(mut self, ledger: Arc<dyn Ledger>, permit: bool) -> Self {
        self.enter(ledger, permit);
        self
    }

    /// The same where it stands.
    pub(super) fn enter(&mut self, ledger: Arc<dyn Ledger>, permit: bool) {
        self.ledger = Some(ledger);
        self.permit = permit;
    }

    /// The caller knows the message by this.
    pub fn set_reference(&mut self, reference: Reference) {
        self.reference = reference;
    }

    /// What the caller knows the message by.
    #[must_use]
    pub const fn reference(&self) -> &Reference {
        &self.reference
    }

    /// True when the message holds a permit.
    #[must_use]
    pub const fn has_permit(&self) -> bool {
        self.permit
    }

    /// True when somebody waited for the outcome and went away.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        match &self.to {
            To::Caller(sender) => sender.is_closed(),
            To::Channel(sender) => sender.is_closed(),
            To::Batch(batch, _) => batch.is_abandoned(),
            To::Nobody | To::Answered => false,
        }
    }

    /// Answers.
    pub fn answer(mut self, result: SubmitResult) {
        self.settle(result);
    }

    /// Takes the message back before it was taken in: nobody is answered and nothing counted.
    pub fn withdraw(mut self) {
        self.to = To::Answered;
        if let Some(ledger) = self.ledger.take() {
            ledger.withdraw(self.permit);
        }
    }

    fn settle(&mut self, result: SubmitResult) {
        let awaited = match &self.to {
            To::Answered => return,
            To::Nobody => false,
            To::Batch(batch, _) => batch.sender.is_some() && !batch.is_abandoned(),
            To::Caller(_) | To::Channel(_) => !self.is_abandoned(),
        };
        // Before the channel: a caller that has its answer finds it counted, and its permit free.
        if let Some(ledger) = self.ledger.take() {
            ledger.settle(Settled {
                reference: &self.reference,
                result: &result,
                permit: self.permit,
                awaited,
            });
        }
        match std::mem::replace(&mut self.to, To::Answered) {
            To::Caller(sender) => sender.send(result),
            To::Channel(sender) => {
                let _ = sender.send(result); // the caller may have gone; that is fine
            }
            To::Batch(batch, index) => batch.answer(index, result),
            To::Nobody | To::Answered => {}
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        self.settle(DROPPED);
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("reference", &self.reference)
            .field("permit", &self.permit)
            .finish_non_exhaustive()
    }
}

/// Collects the outcomes of a batch and sends them on when the last has come: when nobody holds the batch any more,
/// neither one of its replies nor whoever made it.
pub struct Batch {
    /// Those that are missing are as if their messages had been dropped.
    results: Mutex<Vec<SubmitResult>>,
    /// Beside the lock: each message asks twice whether somebody waits.
    sender: Option<oneshot::Sender<Vec<SubmitResult>>>,
}

impl Batch {
    /// A batch of `size` messages whose outcomes go to `sender`, if there is one.
    #[must_use]
    pub fn new(size: usize, sender: Option<oneshot::Sender<Vec<SubmitResult>>>) -> Arc<Self> {
        Arc::new(Self {
            results: Mutex::new(vec![DROPPED; size]),
            sender,
        })
    }

    fn is_abandoned(&self) -> bool {
        self.sender.as_ref().is_some_and(oneshot::Sender::is_closed)
    }

    fn answer(&self, index: usize, result: SubmitResult) {
        // Each place has one reply, which answers once.
        if let Some(place) = self.lock().get_mut(index) {
            *place = result;
        }
    }

    /// There are fewer messages: the places behind them are for nobody.
    pub fn shorten(&self, size: usize) {
        let mut results = self.lock();
        results.truncate(size);
        results.shrink_to_fit();
    }

    // Nothing in here panics while it holds the lock.
    fn lock(&self) -> MutexGuard<'_, Vec<SubmitResult>> {
        self.results.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        if let Some(sender) = self.sender.take() {
            let results = self.results.get_mut().unwrap_or_else(PoisonError::into_inner);
            let _ = sender.send(std::mem::take(results)); // the caller may have gone; that is fine
        }
    }
}

/// The outcome of a message, when it is known.
///
/// Dropping it takes the message back as long as the router has not seen it, for example in the turn in which it was
/// sent; afterwards the message goes on, and its outcome is an event alone. Who does not want to wait for an outcome
/// says so: [`Esme::post`](crate::esme::Esme::post).
#[must_use = "dropped at once it takes the message back; `post` sends one for whose outcome nobody waits"]
pub struct Pending(line::Receiver);

impl Future for Pending {
    type Output = SubmitResult;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<SubmitResult> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Counts {
        settled: AtomicUsize,
        unawaited: AtomicUsize,
        permits: AtomicUsize,
    }

    impl Ledger for Counts {
        fn settle(&self, settled: Settled<'_>) {
            self.settled.fetch_add(1, Ordering::Relaxed);
            self.unawaited
                .fetch_add(usize::from(!settled.awaited), Ordering::Relaxed);
            self.permits
                .fetch_add(usize::from(settled.permit), Ordering::Relaxed);
        }

        fn withdraw(&self, permit: bool) {
            self.permits.fetch_add(usize::from(permit), Ordering::Relaxed);
        }
    }

    impl Counts {
        fn seen(&self) -> (usize, usize, usize) {
            let load = |count: &AtomicUsize| count.load(Ordering::Relaxed);
            (load(&self.settled), load(&self.unawaited), load(&self.permits))
        }
    }

    const BUSY: SubmitResult = Err(SubmitError::Busy);

    #[tokio::test]
    async fn a_reply_that_is_dropped_says_not_sent() {
        let (reply, pending) = Reply::channel(Reference::None);
        drop(reply);
        assert_eq!(pending.await, DROPPED);
    }

    #[tokio::test]
    async fn every_way_out_is_settled_once_and_gives_the_permit_back() {
        let counts = Arc::new(Counts::default());
        let enter = |reply: Reply| reply.entered_in(counts.clone(), true);

        let (reply, pending) = Reply::channel(Reference::None);
        enter(reply).answer(BUSY);
        assert_eq!(pending.await, BUSY);
        assert_eq!(counts.seen(), (1, 0, 1));

        drop(enter(Reply::to_nobody(Reference::None)));
        assert_eq!(counts.seen(), (2, 1, 2));

        let (reply, pending) = Reply::channel(Reference::None);
        let reply = enter(reply);
        drop(pending);
        assert!(reply.is_abandoned());
        reply.answer(BUSY);
        assert_eq!(counts.seen(), (3, 2, 3));

        let batch = Batch::new(1, None);
        enter(Reply::to_batch(Reference::None, batch, 0)).answer(BUSY);
        assert_eq!(counts.seen(), (4, 3, 4), "nobody waits for that batch");

        let (reply, pending) = Reply::channel(Reference::None);
        enter(reply).withdraw();
        assert_eq!(pending.await, DROPPED);
        assert_eq!(counts.seen(), (4, 3, 5));
    }

    #[tokio::test]
    async fn a_batch_is_answered_when_its_last_message_is() {
        let (sender, mut receiver) = oneshot::channel();
        let batch = Batch::new(2, Some(sender));
        let second = Reply::to_batch(Reference::None, batch.clone(), 1);
        let first = Reply::to_batch(Reference::None, batch, 0);
        second.answer(BUSY);
        assert!(receiver.try_recv().is_err());
        drop(first);
        assert_eq!(receiver.await.unwrap(), [DROPPED, BUSY]);

        let (sender, receiver) = oneshot::channel();
        let _ = Batch::new(0, Some(sender));
        assert!(receiver.await.unwrap().is_empty());

        // As many as were expected need not come.
        let (sender, mut receiver) = oneshot::channel();
        let batch = Batch::new(3, Some(sender));
        Reply::to_batch(Reference::None, batch.clone(), 0).answer(BUSY);
        assert!(receiver.try_recv().is_err());
        batch.shorten(1);
        assert!(receiver.try_recv().is_err(), "more may come");
        drop(batch);
        assert_eq!(receiver.await.unwrap(), [BUSY]);
    }
}
