//! The task of an inbox.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::time::Sleep;

use super::Inbox;
use super::hub::Entered;

/// What an inbox does next.
pub(super) enum Step {
    /// Nothing before this.
    Sleep(Option<Instant>),
    /// Nothing any more.
    End,
}

/// See [`Inbox::courier`].
pub struct Courier {
    inbox: Arc<Inbox>,
    timer: Option<Pin<Box<Sleep>>>,
    /// Who shuts down waits for it.
    _entered: Entered,
}

impl Courier {
    pub(super) fn new(inbox: Arc<Inbox>) -> Self {
        Self {
            _entered: inbox.hub.enter_courier(),
            inbox,
            timer: None,
        }
    }
}

impl Future for Courier {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { inbox, timer, .. } = &mut *self;
        inbox.waker.register(cx.waker());
        loop {
            let Step::Sleep(until) = inbox.poll(cx, now()) else {
                return Poll::Ready(());
            };
            let Some(until) = until else {
                *timer = None;
                return Poll::Pending;
            };
            let until = tokio::time::Instant::from_std(until);
            let timer = timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
            if timer.deadline() != until {
                timer.as_mut().reset(until);
            }
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

/// The time, from the clock that tests can pause.
pub(super) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
