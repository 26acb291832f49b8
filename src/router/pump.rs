//! What the router does after each drain of its mailbox, and when time passes.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as Task, Poll};
use std::time::Instant;

use actix::{ActorContext, ActorFuture, Context};
use tokio::time::Sleep;

use super::Router;

/// Polled after each drain, or after a part of a long one, and at each wake-up.
#[derive(Default)]
pub(super) struct Pump {
    timer: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl ActorFuture<Router> for Pump {
    type Output = ();

    fn poll(
        mut self: Pin<&mut Self>,
        router: &mut Router,
        context: &mut Context<Router>,
        task: &mut Task<'_>,
    ) -> Poll<()> {
        let mut core = router.core.borrow_mut();
        if !context.connected() && core.closing.is_none() {
            // Nobody is left who could send anything.
            let grace = core.settings.router.shutdown_grace;
            core.handle_shutdown(grace, None);
        }
        loop {
            core.poll_reports(task);
            core.poll_deaths(task);
            core.handle_timeout();
            core.flush();
            if core.closing.as_ref().is_some_and(|closing| closing.finished) {
                context.stop();
                return Poll::Ready(());
            }
            let (now, next) = (core.now(), core.poll_timeout());
            if next > now && !self.is_due(next, task) {
                core.end_drain();
                return Poll::Pending;
            }
            core.end_drain();
        }
    }
}

impl Pump {
    /// Sees that the router wakes at `next`; true when that is now. The timer is armed again only for an earlier
    /// time, or when it has fired.
    fn is_due(&mut self, next: Instant, task: &mut Task<'_>) -> bool {
        let deadline = tokio::time::Instant::from_std(next);
        match &mut self.timer {
            Some((at, timer)) if *at > next || timer.is_elapsed() => {
                timer.as_mut().reset(deadline);
                *at = next;
            }
            Some(_) => {}
            None => self.timer = Some((next, Box::pin(tokio::time::sleep_until(deadline)))),
        }
        self.timer
            .as_mut()
            .is_some_and(|(_, timer)| timer.as_mut().poll(task).is_ready())
    }
}
