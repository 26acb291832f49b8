//! Who wants to know.

use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use actix::Recipient;

use super::answerers::Answerers;
use super::filter::PassageSet;
use super::{Alarm, Answer, Delivery, Event, Filter, InboundMessage, Interest, Kinds};
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
    table: RwLock<Table>,
    pub(super) answerers: Answerers<Delivery>,
    pub(super) message_answerers: Answerers<InboundMessage>,
}

#[derive(Debug, Default)]
struct Table {
    subscribers: Vec<Subscriber>,
    next: u64,
}

#[derive(Debug)]
struct Subscriber {
    subscription: Subscription,
    filter: Filter,
    recipient: Recipient<Event>,
}

/// Names a subscription, to end it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Subscription(u64);

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
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        let filters = table.subscribers.iter().map(|subscriber| &subscriber.filter);
        filters
            .filter(|filter| filter.concerns(bind, account))
            .for_each(|filter| interest.add(filter));
        interest
    }

    /// Sends `filter`'s events to an actor from now on.
    pub fn subscribe(&self, recipient: Recipient<Event>, filter: impl Into<Filter>) -> Subscription {
        self.change(|table| {
            let subscription = Subscription(table.next);
            table.next += 1;
            table.subscribers.push(Subscriber {
                subscription,
                filter: filter.into(),
                recipient,
            });
            subscription
        })
    }

    /// Ends a subscription; true when there was one.
    pub fn unsubscribe(&self, subscription: Subscription) -> bool {
        self.change(|table| {
            let before = table.subscribers.len();
            table
                .subscribers
                .retain(|other| other.subscription != subscription);
            table.subscribers.len() < before
        })
    }

    /// Tells everyone who wants the event.
    ///
    /// Mailboxes are not bounded by this: a subscriber that is slower than what happens lets its mailbox grow.
    pub fn emit(&self, event: Event) {
        if !self.wants(event.kind()) {
            return;
        }
        let mut gone = false;
        {
            let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
            let takers = || {
                table
                    .subscribers
                    .iter()
                    .filter(|subscriber| subscriber.filter.takes(&event))
            };
            let copies = takers().count().saturating_sub(1);
            for (subscriber, event) in takers().zip(std::iter::repeat_n(event.clone(), copies + 1)) {
                gone |= !subscriber.recipient.connected();
                // Lost when the subscriber is gone, which is harmless: nobody is left to miss it.
                subscriber.recipient.do_send(event);
            }
        }
        if gone {
            self.drop_gone();
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
        self.answer_taken(is_taken, &delivery.bind, unhandled)
    }

    /// The same for a message.
    pub(crate) fn answer_message(&self, message: &Arc<InboundMessage>, unhandled: CommandStatus) -> Answer {
        let is_taken = self.takes(&Event::Message(message.clone()))
            || self.takes(&Event::Delivery(message.first().clone()));
        self.answer_taken(is_taken, &message.bind, unhandled)
    }

    fn answer_taken(&self, is_taken: bool, bind: &BindId, unhandled: CommandStatus) -> Answer {
        if is_taken {
            return Answer::ok();
        }
        let bind = bind.clone();
        self.emit(Event::Alarm(Alarm::Unhandled { bind }));
        Answer::from(unhandled)
    }

    /// True when at least one subscriber gets this event.
    fn takes(&self, event: &Event) -> bool {
        let table = || self.table.read().unwrap_or_else(PoisonError::into_inner);
        let takes = |subscriber: &Subscriber| subscriber.filter.takes(event);
        self.wants(event.kind()) && table().subscribers.iter().any(takes)
    }

    fn drop_gone(&self) {
        let gone = self.change(|table| {
            let before = table.subscribers.len();
            table.subscribers.retain(|other| other.recipient.connected());
            before - table.subscribers.len()
        });
        for _ in 0..gone {
            self.emit(Event::Alarm(Alarm::SubscriberGone));
        }
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
