//! Messages of those who hold permits, on their way to the router.

use std::sync::{Mutex, MutexGuard, PoisonError};

use actix::{Addr, Message};

use super::Router;
use super::core::TURN;
use crate::submit::{Job, SubmitError};

/// Where messages wait until the router comes to them.
///
/// The first that comes brings the router here by a message of its own, and the others find it on its way: of a
/// thousand messages that come at once one goes through the mailbox. What is put here before a message is sent to the
/// router is also seen before it. No more can wait than there are permits.
#[derive(Default)]
pub struct Intake(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    jobs: Vec<Box<Job>>,
    /// How many come at once, of late.
    usual: usize,
    /// True once there is nobody left to come.
    closed: bool,
}

/// Something is in the intake.
pub(super) struct Arrived;

impl Message for Arrived {
    type Result = ();
}

impl Intake {
    /// Hands messages to the router; without a router they end as [`SubmitError::ShuttingDown`].
    pub fn push(&self, jobs: impl IntoIterator<Item = Box<Job>>, router: &Addr<Router>) {
        let mut waiting = self.lock();
        if waiting.closed {
            drop(waiting);
            return refuse(jobs);
        }
        let is_first = waiting.jobs.is_empty();
        waiting.jobs.extend(jobs);
        let is_any = !waiting.jobs.is_empty();
        drop(waiting);
        if is_first && is_any && router.try_send(Arrived).is_err() {
            refuse(self.close());
        }
    }

    /// Takes out what has come.
    pub(super) fn take(&self) -> Vec<Box<Job>> {
        let mut waiting = self.lock();
        // Next time as many are expected, or a few less than before, but for a flood: a list that grows while they come is
        // copied, and has the allocator put together what it has at hand for their texts.
        let fewer = waiting.usual - waiting.usual / 8;
        waiting.usual = waiting.jobs.len().min(TURN).max(fewer);
        let room = Vec::with_capacity(waiting.usual);
        std::mem::replace(&mut waiting.jobs, room)
    }

    /// Nobody will come any more; gives what waited.
    pub(super) fn close(&self) -> Vec<Box<Job>> {
        let mut waiting = self.lock();
        waiting.closed = true;
        std::mem::take(&mut waiting.jobs)
    }

    // Nothing in here panics while it holds the lock, but for the caller's iterator: what it gave by then counts.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refuse(jobs: impl IntoIterator<Item = Box<Job>>) {
    for job in jobs {
        job.refuse(&SubmitError::ShuttingDown);
    }
}

#[cfg(test)]
mod tests {
    use actix::{AsyncContext, Context};

    use super::*;
    use crate::pdu::SubmitSm;
    use crate::submit::{NotSentCause, Parts, Pending, Reference, Reply};

    fn job() -> (Box<Job>, Pending) {
        let (reply, pending) = Reply::channel(Reference::None);
        (Job::new(Parts::One(SubmitSm::default().into()), reply), pending)
    }

    /// An address whose mailbox nobody looks into, until the context is dropped.
    fn address() -> (Addr<Router>, Context<Router>) {
        let context = Context::new();
        (context.address(), context)
    }

    #[tokio::test]
    async fn what_comes_together_is_taken_together_and_what_nobody_takes_is_answered() {
        let (intake, (address, context)) = (Intake::default(), address());
        let (jobs, pending): (Vec<_>, Vec<_>) = (0..3).map(|_| job()).unzip();
        jobs.into_iter().for_each(|job| intake.push([job], &address));
        let taken = intake.take();
        assert_eq!(taken.len(), 3);
        drop(taken);
        for pending in pending {
            let cause = NotSentCause::Dropped;
            assert_eq!(pending.await, Err(SubmitError::NotSent { cause }));
        }
        let (waiting, was_waiting) = job();
        intake.push([waiting], &address);
        drop(context);
        let (first, second) = (job(), job());
        intake.push([first.0], &address);
        assert_eq!(intake.close().len(), 2, "the first brings the router, not they");
        intake.push([second.0], &address);
        assert_eq!(second.1.await, Err(SubmitError::ShuttingDown));
        drop((first.1, was_waiting));
    }

    #[tokio::test]
    async fn there_is_room_for_as_many_as_came_of_late_and_no_more_than_a_turn_has() {
        let (intake, (address, _context)) = (Intake::default(), address());
        let come = |count: usize| {
            intake.push((0..count).map(|_| job().0), &address);
            assert_eq!(intake.take().len(), count);
            intake.lock().jobs.capacity()
        };
        assert_eq!(come(800), 800);
        assert_eq!(come(1), 700, "an eighth less");
        assert_eq!(come(750), 750);
        assert_eq!(come(2 * TURN), TURN);
        for _ in 0..100 {
            come(0);
        }
        assert!(come(0) < 8, "a flood is forgotten");
    }

    #[tokio::test]
    async fn without_a_router_everything_is_refused() {
        let (intake, (address, context)) = (Intake::default(), address());
        drop(context);
        let (job, pending) = job();
        intake.push([job], &address);
        assert_eq!(pending.await, Err(SubmitError::ShuttingDown));
        assert!(intake.close().is_empty());
    }
}
