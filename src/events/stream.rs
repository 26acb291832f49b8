//! Events for those who prefer loops to actors.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use futures_util::Stream;

use super::subscriber::Subscriber;
use super::{Event, Hub, Subscription, SubscriptionStatus};

/// Events, one after another. Dropping it unsubscribes.
///
/// It ends when the subscription is ended, or when router and binds are gone; what happened before comes first.
#[derive(Debug)]
#[must_use = "a stream does nothing unless it is asked for its events"]
pub struct EventStream {
    subscriber: Arc<Subscriber>,
    hub: Weak<Hub>,
}

impl EventStream {
    pub(super) const fn new(subscriber: Arc<Subscriber>, hub: Weak<Hub>) -> Self {
        Self { subscriber, hub }
    }

    /// The next event; none in the end.
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|cx| self.subscriber.poll_next(cx)).await
    }

    /// The name of the subscription.
    #[must_use]
    pub fn subscription(&self) -> Subscription {
        self.subscriber.subscription
    }

    /// What waits, and what was missed.
    #[must_use]
    pub fn status(&self) -> SubscriptionStatus {
        self.subscriber.status()
    }
}

impl Stream for EventStream {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.subscriber.poll_next(cx)
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        if let Some(hub) = self.hub.upgrade() {
            hub.unsubscribe(self.subscriber.subscription);
        }
        self.subscriber.end();
    }
}
