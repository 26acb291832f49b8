//! One subscriber, and who brings it its events.
//!
//! There is no task: whoever tells something brings it, and whoever has handled something fetches what comes next. That
//! needs no runtime, so a subscriber may be anywhere, and costs nothing while nothing happens.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

use actix::dev::RecipientRequest;
use actix::{Message, Recipient};
use tokio::task::unconstrained;

use super::queue::{Queue, SubscriptionStatus};
use super::{Event, Events, Filter, Hub, Subscription};

/// Nobody is at it.
const IDLE: u8 = 0;
/// Somebody is at it.
const BUSY: u8 = 1;
/// Somebody is at it and has to look once more.
const AGAIN: u8 = 2;

/// One who wants to know.
pub(super) struct Subscriber {
    pub(super) subscription: Subscription,
    pub(super) filter: Filter,
    state: Mutex<State>,
    turn: AtomicU8,
    hub: Weak<Hub>,
}

struct State {
    queue: Queue,
    outlet: Outlet,
}

/// Where events go.
pub(super) enum Outlet {
    /// To an actor.
    Mail(Box<dyn Post>),
    /// To whoever asks for them.
    Stream(Option<Waker>),
    /// Nowhere any more. What still waits can be asked for.
    Closed,
}

/// Brings events to an actor, the next when it has handled the last.
pub(super) trait Post: Send {
    /// Goes on. Ready when the actor is gone.
    fn poll(&mut self, cx: &mut Context<'_>, queue: &mut Queue) -> Poll<()>;

    /// False when the actor is gone.
    fn is_connected(&self) -> bool;
}

struct Mail<M: Message<Result = ()> + Send + 'static> {
    recipient: Recipient<M>,
    next: fn(&mut Queue) -> Option<M>,
    /// What the actor has not handled yet. An actor does not even see what is dropped here.
    under_way: Option<Pin<Box<RecipientRequest<M>>>>,
}

impl<M: Message<Result = ()> + Send + 'static> Post for Mail<M> {
    fn poll(&mut self, cx: &mut Context<'_>, queue: &mut Queue) -> Poll<()> {
        loop {
            if let Some(request) = &mut self.under_way {
                // Out of its budget tokio would have us come again at once, and we are not in its hands.
                let handled = std::pin::pin!(unconstrained(request.as_mut())).poll(cx);
                if handled.is_pending() {
                    return Poll::Pending;
                }
                self.under_way = None;
            }
            if !self.recipient.connected() {
                return Poll::Ready(());
            }
            let Some(message) = (self.next)(queue) else {
                return Poll::Pending;
            };
            self.under_way = Some(Box::pin(self.recipient.send(message)));
        }
    }

    fn is_connected(&self) -> bool {
        self.recipient.connected()
    }
}

impl Outlet {
    /// One event at a time.
    pub(super) fn each(recipient: Recipient<Event>) -> Self {
        Self::mail(recipient, Queue::pop)
    }

    /// One batch at a time.
    pub(super) fn batches(recipient: Recipient<Events>) -> Self {
        Self::mail(recipient, |queue| {
            let events = queue.pop_batch();
            (!events.is_empty()).then_some(Events(events))
        })
    }

    fn mail<M: Message<Result = ()> + Send + 'static>(
        recipient: Recipient<M>,
        next: fn(&mut Queue) -> Option<M>,
    ) -> Self {
        Self::Mail(Box::new(Mail {
            recipient,
            next,
            under_way: None,
        }))
    }
}

impl Subscriber {
    pub(super) fn new(
        subscription: Subscription,
        filter: Filter,
        queue: Queue,
        outlet: Outlet,
        hub: Weak<Hub>,
    ) -> Arc<Self> {
        Arc::new(Self {
            subscription,
            filter,
            state: Mutex::new(State { queue, outlet }),
            turn: AtomicU8::new(IDLE),
            hub,
        })
    }

    /// Takes an event in.
    pub(super) fn offer(self: &Arc<Self>, event: Event) {
        {
            let mut state = self.lock();
            if matches!(state.outlet, Outlet::Closed) {
                return;
            }
            state.queue.push(event);
        }
        self.drive();
    }

    /// True while somebody gets what it takes in. An actor that went while nothing happened is told of now.
    pub(super) fn is_there(self: &Arc<Self>) -> bool {
        let is_there = match &self.lock().outlet {
            Outlet::Mail(post) => post.is_connected(),
            Outlet::Stream(_) => true,
            Outlet::Closed => false,
        };
        if !is_there {
            self.drive();
        }
        is_there
    }

    /// Brings what can be brought. Who comes while another is at it leaves it to that one.
    fn drive(self: &Arc<Self>) {
        if self.turn.swap(AGAIN, Ordering::AcqRel) != IDLE {
            return;
        }
        loop {
            self.turn.store(BUSY, Ordering::Release);
            if self.step().is_ready() {
                self.end();
                if let Some(hub) = self.hub.upgrade() {
                    hub.handle_gone(self.subscription);
                }
            }
            let idle = self
                .turn
                .compare_exchange(BUSY, IDLE, Ordering::AcqRel, Ordering::Acquire);
            if idle.is_ok() {
                return;
            }
        }
    }

    /// Ready when the actor is gone.
    fn step(self: &Arc<Self>) -> Poll<()> {
        let waker = Waker::from(self.clone());
        let mut state = self.lock();
        let State { queue, outlet } = &mut *state;
        let (mut reader, mut gone) = (None, Poll::Pending);
        match outlet {
            Outlet::Mail(post) => gone = post.poll(&mut Context::from_waker(&waker), queue),
            Outlet::Stream(waiting) if !queue.is_empty() => reader = waiting.take(),
            Outlet::Stream(_) | Outlet::Closed => {}
        }
        let released = queue.release();
        // Whoever is woken may come straight back here.
        drop(state);
        drop(released);
        if let Some(reader) = reader {
            reader.wake();
        }
        gone
    }

    /// The next event, for a stream. None in the end: unsubscribed, or nothing happens any more.
    pub(super) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let mut state = self.lock();
        let State { queue, outlet } = &mut *state;
        let event = queue.pop();
        let released = queue.release();
        let polled = match (event, outlet) {
            (None, Outlet::Stream(waiting)) => {
                *waiting = Some(cx.waker().clone());
                Poll::Pending
            }
            (event, _) => Poll::Ready(event),
        };
        drop(state);
        drop(released);
        polled
    }

    /// Nothing more comes; what waits may still be taken.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        if let Outlet::Stream(reader) = &mut state.outlet {
            let reader = reader.take();
            state.outlet = Outlet::Closed;
            drop(state);
            if let Some(reader) = reader {
                reader.wake();
            }
        }
    }

    /// Forgets everything.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        let queue = std::mem::replace(
            &mut state.queue,
            Queue::new(super::Policy::default(), Arc::default()),
        );
        let outlet = std::mem::replace(&mut state.outlet, Outlet::Closed);
        drop(state);
        drop(queue);
        if let Outlet::Stream(Some(reader)) = outlet {
            reader.wake();
        }
    }

    pub(super) fn status(&self) -> SubscriptionStatus {
        self.lock().queue.status()
    }

    /// Until when it holds binds back; none when it does not, or not any more.
    pub(super) fn hold_until(self: &Arc<Self>, now: Instant) -> Option<Instant> {
        let until = self.lock().queue.hold_until(now);
        if until.is_none() {
            self.drive();
        }
        until
    }

    /// Wakes when it does not hold binds back any more; false when that is now.
    pub(super) fn wake_on_room(&self, waker: &Waker) -> bool {
        self.lock().queue.wake_on_room(waker)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Subscriber {
    fn wake(self: Arc<Self>) {
        self.drive();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.drive();
    }
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber")
            .field("subscription", &self.subscription)
            .field("filter", &self.filter)
            .finish_non_exhaustive()
    }
}
