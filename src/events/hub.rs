//! Who wants to know.

use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::task::Waker;
use std::time::Instant;

use actix::Recipient;
use tokio::sync::watch;

use super::answerers::Answerers;
use super::filter::PassageSet;
use super::queue::Queue;
use super::subscriber::{Outlet, Subscriber};
use super::{
    Alarm, AlarmEvent, Answer, Delivery, Event, EventStream, Events, Filter, InboundMessage, Interest, Kinds,
    Policy, SubscriptionStatus,
};
use crate::pdu::CommandStatus;
use crate::session::Passage;
use crate::submit::{AccountId, BindId};

/// The table of subscribers, shared by all who have something to tell.
#[derive(Debug, Default)]
pub struct Hub {
    /// The kinds that at least one subscriber wants.
    wanted: AtomicU32,
    /// The passages at which at least one subscriber wants PDUs watched.
    watched: AtomicU8,
    /// Rises with each change of the table.
    version: AtomicU64,
    /// How many subscribers hold binds back.
    holds: Arc<AtomicUsize>,
    /// How many couriers have not ended.
    couriers: watch::Sender<usize>,
    table: RwLock<Table>,
    pub(super) answerers: Answerers<Delivery>,
    pub(super) message_answerers: Answerers<InboundMessage>,
}

#[derive(Debug, Default)]
struct Table {
    /// Replaced with each change, so that nothing is locked while events are told.
    subscribers: Arc<[Arc<Subscriber>]>,
    next: u64,
    /// Nothing happens any more.
    closed: bool,
}

/// Names a subscription, to end it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Subscription(u64);

/// A courier that has not ended.
pub(super) struct Entered(Arc<Hub>);

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.couriers.send_modify(|couriers| *couriers -= 1);
    }
}

impl Hub {
    /// A hub without subscribers.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// True when at least one subscriber wants events of these kinds. Costs one atomic load: ask before making
    /// an event that takes work.
    #[must_use]
    pub fn wants(&self, kinds: Kinds) -> bool {
        Kinds::from_bits(self.wanted.load(Ordering::Relaxed)).overlaps(kinds)
    }

    /// True when at least one subscriber wants to know what passes there. Costs one atomic load.
    #[must_use]
    #[inline]
    pub fn watches(&self, passage: Passage) -> bool {
        PassageSet::from_bits(self.watched.load(Ordering::Relaxed)).contains(passage)
    }

    /// True when no subscriber wants PDUs.
    #[inline]
    pub(crate) fn watches_nothing(&self) -> bool {
        self.watched.load(Ordering::Relaxed) == PassageSet::NONE.bits()
    }

    /// Another number after each change of what is wanted.
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// What is wanted of the PDUs of this bind.
    pub(crate) fn interest(&self, bind: &BindId, account: &AccountId) -> Interest {
        let mut interest = Interest::default();
        let subscribers = self.subscribers();
        let filters = subscribers.iter().map(|subscriber| &subscriber.filter);
        filters
            .filter(|filter| filter.concerns(bind, account))
            .for_each(|filter| interest.add(filter));
        interest
    }

    /// Sends `filter`'s events to an actor from now on, one by one: the next when it has handled the last. What waits
    /// meanwhile is bounded by the default [`Policy`].
    pub fn subscribe(
        self: &Arc<Self>,
        recipient: Recipient<Event>,
        filter: impl Into<Filter>,
    ) -> Subscription {
        self.subscribe_with(recipient, filter, Policy::default())
    }

    /// As [`subscribe`](Self::subscribe), with another policy.
    pub fn subscribe_with(
        self: &Arc<Self>,
        recipient: Recipient<Event>,
        filter: impl Into<Filter>,
        policy: Policy,
    ) -> Subscription {
        self.add(filter.into(), policy, Outlet::each(recipient))
            .subscription
    }

    /// Sends `filter`'s events to an actor from now on, batch by batch: when it has handled one, it gets all that came
    /// meanwhile, up to the size that the policy allows.
    pub fn subscribe_batches(
        self: &Arc<Self>,
        recipient: Recipient<Events>,
        filter: impl Into<Filter>,
        policy: Policy,
    ) -> Subscription {
        self.add(filter.into(), policy, Outlet::batches(recipient))
            .subscription
    }

    /// `filter`'s events from now on, for a loop.
    pub fn events(self: &Arc<Self>, filter: impl Into<Filter>, policy: Policy) -> EventStream {
        let subscriber = self.add(filter.into(), policy, Outlet::Stream(None));
        EventStream::new(subscriber, Arc::downgrade(self))
    }

    fn add(self: &Arc<Self>, filter: Filter, policy: Policy, outlet: Outlet) -> Arc<Subscriber> {
        let queue = Queue::new(policy, self.holds.clone());
        let hub = Arc::downgrade(self);
        self.change(|table| {
            let subscription = Subscription(table.next);
            table.next += 1;
            let subscriber = Subscriber::new(subscription, filter, queue, outlet, hub);
            if table.closed {
                subscriber.close();
            } else {
                let others = table.subscribers.iter().cloned();
                table.subscribers = others.chain([subscriber.clone()]).collect();
            }
            subscriber
        })
    }

    /// Ends a subscription at once: what was not handled yet is not seen any more. True when there was one.
    pub fn unsubscribe(&self, subscription: Subscription) -> bool {
        let removed = self.remove(subscription);
        if let Some(subscriber) = &removed {
            subscriber.end();
        }
        removed.is_some()
    }

    fn remove(&self, subscription: Subscription) -> Option<Arc<Subscriber>> {
        self.change(|table| {
            let is_it = |other: &&Arc<Subscriber>| other.subscription == subscription;
            let found = table.subscribers.iter().find(is_it)?.clone();
            table.subscribers = table
                .subscribers
                .iter()
                .filter(|other| !is_it(other))
                .cloned()
                .collect();
            Some(found)
        })
    }

    /// How it stands with a subscription; none where there is none.
    #[must_use]
    pub fn subscription(&self, subscription: Subscription) -> Option<SubscriptionStatus> {
        let subscribers = self.subscribers();
        let mut found = subscribers
            .iter()
            .filter(|other| other.subscription == subscription);
        found.next().map(|subscriber| subscriber.status())
    }

    /// Nothing happens any more: streams end when they have told what happened before.
    pub(crate) fn close(&self) {
        let subscribers = self.change(|table| {
            table.closed = true;
            table.subscribers.clone()
        });
        subscribers.iter().for_each(|subscriber| subscriber.close());
    }

    /// One more courier, which ends when what it gives is dropped.
    pub(super) fn enter_courier(self: &Arc<Self>) -> Entered {
        self.couriers.send_modify(|couriers| *couriers += 1);
        Entered(self.clone())
    }

    /// Ready when every courier has ended: what was acknowledged was shown, and is answered or has had its time.
    pub(crate) async fn couriers_ended(&self) {
        let mut couriers = self.couriers.subscribe();
        let _ = couriers.wait_for(|couriers| *couriers == 0).await; // we hold the sender
    }

    pub(super) fn subscribers(&self) -> Arc<[Arc<Subscriber>]> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table.subscribers.clone()
    }

    /// Tells everyone who wants the event. Never waits.
    pub fn emit(&self, event: Event) {
        if !self.wants(event.kind()) {
            return;
        }
        let subscribers = self.subscribers();
        for subscriber in subscribers.iter().filter(|other| other.filter.takes(&event)) {
            subscriber.offer(event.clone());
        }
    }

    /// Raises an alarm about a bind of this account, or about none.
    pub(crate) fn alarm(&self, alarm: Alarm, account: Option<&AccountId>) {
        let account = account.cloned();
        self.emit(Event::Alarm(AlarmEvent { account, alarm }));
    }

    /// True while a subscriber holds binds back, maybe others than the one that asks. Costs one atomic load.
    #[inline]
    pub(crate) fn holds(&self) -> bool {
        self.holds.load(Ordering::Relaxed) > 0
    }

    /// True while a subscriber holds this bind back.
    #[cold]
    pub(crate) fn holds_back(&self, bind: &BindId, account: &AccountId) -> bool {
        let subscribers = self.subscribers();
        let mut concerned = subscribers
            .iter()
            .filter(|other| other.filter.concerns(bind, account));
        concerned.any(|subscriber| subscriber.status().holds_back)
    }

    /// Until when this bind may read nothing; none when it may.
    pub(crate) fn hold_until(&self, bind: &BindId, account: &AccountId, now: Instant) -> Option<Instant> {
        if !self.holds() {
            return None;
        }
        let subscribers = self.subscribers();
        let concerned = subscribers
            .iter()
            .filter(|other| other.filter.concerns(bind, account));
        concerned
            .filter_map(|subscriber| subscriber.hold_until(now))
            .max()
    }

    /// Wakes a bind that is held back when it may be no longer; false when that is now.
    pub(crate) fn wake_on_room(&self, bind: &BindId, account: &AccountId, waker: &Waker) -> bool {
        let subscribers = self.subscribers();
        let mut concerned = subscribers
            .iter()
            .filter(|other| other.filter.concerns(bind, account));
        // One is enough: woken, the bind asks the others.
        concerned.any(|subscriber| subscriber.wake_on_room(waker))
    }

    /// The actor of a subscription is gone.
    pub(super) fn handle_gone(&self, subscription: Subscription) {
        if self.remove(subscription).is_some() {
            self.alarm(Alarm::SubscriberGone, None);
        }
    }

    /// What a delivery is answered with when it is in nobody's duty: taken when a subscriber gets it, or the message of
    /// which it is a part, else `unhandled` with an alarm.
    pub(crate) fn answer_unasked(&self, delivery: &Arc<Delivery>, unhandled: CommandStatus) -> Answer {
        if self.takes(&Event::Delivery(delivery.clone())) {
            return Answer::ok();
        }
        let as_message = || Event::Message(Arc::new(InboundMessage::single(delivery.clone())));
        let is_taken = self.wants(Kinds::MESSAGES) && self.takes(&as_message());
        self.answer_taken(is_taken, delivery, unhandled)
    }

    /// The same for a message.
    pub(crate) fn answer_message(&self, message: &Arc<InboundMessage>, unhandled: CommandStatus) -> Answer {
        let is_taken = self.takes(&Event::Message(message.clone()))
            || self.takes(&Event::Delivery(message.first().clone()));
        self.answer_taken(is_taken, message.first(), unhandled)
    }

    fn answer_taken(&self, is_taken: bool, delivery: &Delivery, unhandled: CommandStatus) -> Answer {
        if is_taken {
            return Answer::ok();
        }
        let bind = delivery.bind.clone();
        self.alarm(Alarm::Unhandled { bind }, Some(&delivery.account));
        Answer::from(unhandled)
    }

    /// True when at least one subscriber that is still there gets this event.
    fn takes(&self, event: &Event) -> bool {
        let is_taker = |other: &Arc<Subscriber>| other.filter.takes(event) && other.is_there();
        self.wants(event.kind()) && self.subscribers().iter().any(is_taker)
    }

    fn change<R>(&self, change: impl FnOnce(&mut Table) -> R) -> R {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut table);
        let wanted = table
            .subscribers
            .iter()
            .fold(Kinds::NONE, |wanted, subscriber| wanted | subscriber.filter.kinds);
        self.wanted.store(wanted.bits(), Ordering::Relaxed);
        let watched = table
            .subscribers
            .iter()
            .fold(PassageSet::NONE, |watched, subscriber| {
                watched.union(subscriber.filter.watched())
            });
        self.watched.store(watched.bits(), Ordering::Relaxed);
        self.version.fetch_add(1, Ordering::Release);
        result
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.close();
    }
}
