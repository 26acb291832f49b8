//! Permits that cost one atomic step each while nobody waits for them.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, TryAcquireError};

/// So many of them at a time, first come first served.
///
/// A fair semaphore takes a lock for each permit that comes back, to see who waits. Nearly always nobody does: then
/// permits stay in a plain count, and the semaphore gets them once somebody waits.
///
/// Who releases adds to the count and then looks for waiters; who waits announces that and then looks at the count. Each of
/// these steps is sequentially consistent, so that at least one of the two sees the other.
#[derive(Debug)]
pub(super) struct Permits {
    /// Free, and not known to the semaphore.
    spare: AtomicUsize,
    /// Those who wait, or are about to.
    waiting: AtomicUsize,
    semaphore: Semaphore,
}

/// Stands for one who waits.
struct Waiting<'p>(&'p Permits);

impl Permits {
    /// The most that there can be.
    pub(super) const MAX: usize = Semaphore::MAX_PERMITS;

    pub(super) const fn new(count: usize) -> Self {
        Self {
            spare: AtomicUsize::new(count),
            waiting: AtomicUsize::new(0),
            semaphore: Semaphore::const_new(0),
        }
    }

    /// Takes `count` permits when they are free and nobody waits. Finds none while they are handed to somebody who waits,
    /// and several only where they are all in one place.
    #[inline]
    pub(super) fn try_take(&self, count: u32) -> Result<(), TryAcquireError> {
        if self.is_closed() {
            return Err(TryAcquireError::Closed);
        }
        if self.waiting.load(Ordering::SeqCst) == 0 && self.take_spare(count) {
            return Ok(());
        }
        self.semaphore.try_acquire_many(count)?.forget();
        Ok(())
    }

    /// Waits for `count` permits; false when there are no more.
    pub(super) async fn take(&self, count: u32) -> bool {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let _waiting = Waiting(self);
        self.hand_over();
        match self.semaphore.acquire_many(count).await {
            Ok(permits) => {
                permits.forget();
                true
            }
            Err(_) => false,
        }
    }

    /// So many are free again.
    #[inline]
    pub(super) fn release(&self, count: usize) {
        self.spare.fetch_add(count, Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.hand_over();
        }
    }

    /// Those that are free; while some move, those may be missing or seen twice.
    pub(super) fn free(&self) -> usize {
        self.spare.load(Ordering::SeqCst) + self.semaphore.available_permits()
    }

    /// No more permits, for those who wait either.
    pub(super) fn close(&self) {
        self.semaphore.close();
    }

    #[inline]
    pub(super) fn is_closed(&self) -> bool {
        self.semaphore.is_closed()
    }

    #[inline]
    fn take_spare(&self, count: u32) -> bool {
        let less = |spare: usize| spare.checked_sub(count as usize);
        self.spare
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
            .is_ok()
    }

    /// Whoever waits gets what is free.
    #[cold]
    fn hand_over(&self) {
        let spare = self.spare.swap(0, Ordering::SeqCst);
        if spare > 0 {
            self.semaphore.add_permits(spare);
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Waker};
    use std::time::Duration;

    use super::*;

    #[test]
    fn permits_are_taken_while_they_last() {
        let permits = Permits::new(3);
        assert_eq!(permits.try_take(2), Ok(()));
        assert_eq!(permits.try_take(2), Err(TryAcquireError::NoPermits));
        assert_eq!(permits.try_take(1), Ok(()));
        assert_eq!(permits.free(), 0);
        permits.release(3);
        assert_eq!(permits.free(), 3);
        permits.close();
        assert_eq!(permits.try_take(1), Err(TryAcquireError::Closed));
    }

    #[test]
    fn who_waits_comes_before_who_comes_later() {
        let permits = Permits::new(2);
        assert_eq!(permits.try_take(1), Ok(()));
        let mut cx = Context::from_waker(Waker::noop());
        let mut both = pin!(permits.take(2));
        assert!(both.as_mut().poll(&mut cx).is_pending());
        assert_eq!(permits.try_take(1), Err(TryAcquireError::NoPermits));
        permits.release(1);
        assert_eq!(permits.try_take(1), Err(TryAcquireError::NoPermits));
        assert!(both.as_mut().poll(&mut cx).is_ready());
        permits.release(2);
        assert_eq!(permits.free(), 2);
    }

    #[test]
    fn who_goes_away_leaves_what_there_was() {
        let permits = Permits::new(1);
        {
            let mut cx = Context::from_waker(Waker::noop());
            let mut two = pin!(permits.take(2));
            assert!(two.as_mut().poll(&mut cx).is_pending());
        }
        assert_eq!(permits.free(), 1);
        assert_eq!(permits.try_take(1), Ok(()));
        permits.release(1);
        assert_eq!(permits.try_take(1), Ok(()), "nobody waits any more");
    }

    #[test]
    fn who_goes_away_leaves_a_part_to_the_next() {
        let permits = Permits::new(1);
        let mut cx = Context::from_waker(Waker::noop());
        let mut next = Box::pin(permits.take(1));
        {
            let mut two = pin!(permits.take(2));
            assert!(two.as_mut().poll(&mut cx).is_pending());
            assert!(next.as_mut().poll(&mut cx).is_pending(), "it came later");
        }
        assert!(next.as_mut().poll(&mut cx).is_ready());
        drop(next);
        permits.release(1);
        assert_eq!(permits.free(), 1);
    }

    #[tokio::test]
    async fn those_who_wait_are_told_when_there_are_no_more() {
        let permits = Arc::new(Permits::new(0));
        let waiting = permits.clone();
        let waiting = tokio::spawn(async move { waiting.take(1).await });
        tokio::task::yield_now().await;
        permits.close();
        assert!(!waiting.await.unwrap());
    }

    #[test]
    fn nobody_waits_for_ever_while_others_come_and_go() {
        const PERMITS: usize = 5;
        let permits = Arc::new(Permits::new(PERMITS));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(4)
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async {
            let tasks: Vec<_> = (0..16_u32)
                .map(|task| {
                    let permits = permits.clone();
                    tokio::spawn(async move {
                        for turn in 0..2_000 {
                            let count = (task + turn) % PERMITS as u32 + 1;
                            if permits.try_take(count).is_err() {
                                if turn % 5 == 0 {
                                    // Goes away again, unless all were there after all.
                                    let taken = std::future::poll_fn(|cx| {
                                        std::task::Poll::Ready(pin!(permits.take(count)).poll(cx))
                                    });
                                    if taken.await.is_ready() {
                                        permits.release(count as usize);
                                    }
                                }
                                assert!(permits.take(count).await);
                            }
                            if turn % 7 == 0 {
                                tokio::task::yield_now().await;
                            }
                            permits.release(count as usize);
                        }
                    })
                })
                .collect();
            for task in tasks {
                let task = tokio::time::timeout(Duration::from_secs(60), task);
                task.await.expect("somebody waits for ever").unwrap();
            }
        });
        assert_eq!(permits.free(), PERMITS);
    }
}
