//! Who wants to know.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use actix::Recipient;
use actix::dev::RecipientRequest;

use super::{Alarm, Answer, Delivery, Event, Filter, Kinds};
use crate::pdu::CommandStatus;
use crate::submit::BindId;

/// The table of subscribers, shared by all who have something to tell.
#[derive(Debug, Default)]
pub struct Hub {
    /// The kinds that at least one subscriber wants.
    wanted: AtomicU32,
    table: RwLock<Table>,
}

#[derive(Debug, Default)]
struct Table {
    subscribers: Vec<Subscriber>,
    answerer: Option<Recipient<Delivery>>,
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

/// What the hub refuses.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// Another actor answers deliveries already.
    #[error("deliveries are answered by another actor already")]
    AnswererExists,
}

/// Who decides what a delivery is answered with.
#[expect(clippy::large_enum_variant, reason = "moved once, to where the request waits")]
pub enum Answering {
    /// Nobody: this is the answer.
    Now(Answer),
    /// The answerer, when the future is ready; an error stands for [`Answer::later`].
    Later(RecipientRequest<Delivery>),
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

    /// Lets an actor decide what deliveries are answered with. Receipts are not asked about: they are always
    /// acknowledged, and come as events.
    ///
    /// # Errors
    ///
    /// Another one does so already and is alive.
    pub fn answer_deliveries(&self, answerer: Recipient<Delivery>) -> Result<(), HubError> {
        self.change(|table| match &table.answerer {
            Some(other) if other.connected() => Err(HubError::AnswererExists),
            _ => {
                table.answerer = Some(answerer);
                Ok(())
            }
        })
    }

    /// Decides who answers a delivery. The caller emits the delivery as an event itself.
    ///
    /// Without an answerer a message is taken when a subscriber wants deliveries, else answered with `unhandled`
    /// and an alarm. While the answerer is dead it is refused for now. A receipt is always taken.
    #[must_use]
    pub fn answer(&self, delivery: &Delivery, unhandled: CommandStatus) -> Answering {
        if delivery.is_receipt() {
            return Answering::Now(Answer::ok());
        }
        let asked = {
            let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
            match &table.answerer {
                Some(answerer) if answerer.connected() => {
                    return Answering::Later(answerer.send(delivery.clone()));
                }
                other => other.is_some(),
            }
        };
        if asked {
            self.emit(Event::Alarm(Alarm::AnswererGone));
            return Answering::Now(Answer::later());
        }
        Answering::Now(self.answer_unasked(&delivery.bind, unhandled))
    }

    /// What a message on `bind` is answered with when nobody is to be asked.
    fn answer_unasked(&self, bind: &BindId, unhandled: CommandStatus) -> Answer {
        if self.wants(Kinds::DELIVERIES) {
            return Answer::ok();
        }
        self.emit(Event::Alarm(Alarm::Unhandled { bind: bind.clone() }));
        Answer::from(unhandled)
    }

    /// True when somebody answers deliveries, or wants to see them: only then they need to be owned.
    #[must_use]
    pub fn takes_deliveries(&self) -> bool {
        self.wants(Kinds::DELIVERIES)
            || self
                .table
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .answerer
                .is_some()
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
        result
    }
}
