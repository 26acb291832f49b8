//! The line from a message back to the caller that waits for its outcome.
//!
//! A oneshot channel whose memory is used again: of the thousand messages that are under way an allocator has the fewest at
//! hand.

use std::cell::RefCell;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::SubmitResult;
use super::reply::DROPPED;

/// The most lines that a thread keeps for its next messages.
const SPARES: usize = 1_024;

thread_local! {
    static SPARE: RefCell<Vec<Arc<Line>>> = const { RefCell::new(Vec::new()) };
}

struct Line {
    state: Mutex<State>,
    /// Nobody waits any more.
    hung_up: AtomicBool,
}

#[derive(Default)]
struct State {
    outcome: Option<SubmitResult>,
    /// Whoever waits has left it, once asked.
    waker: Option<Waker>,
}

/// A line, from its two ends.
pub(super) fn line() -> (Sender, Receiver) {
    let spare = SPARE.try_with(|spare| spare.borrow_mut().pop());
    let line = spare.ok().flatten().unwrap_or_else(|| {
        Arc::new(Line {
            state: Mutex::default(),
            hung_up: AtomicBool::new(false),
        })
    });
    let receiver = Receiver {
        line: Some(line.clone()),
        asked: false,
    };
    (Sender(Some(line)), receiver)
}

/// The end of the message. Dropped it says [`DROPPED`].
pub(super) struct Sender(Option<Arc<Line>>);

/// The end of the caller.
pub(super) struct Receiver {
    /// None once the outcome was taken.
    line: Option<Arc<Line>>,
    /// It was polled, and left a waker.
    asked: bool,
}

impl Line {
    // Nothing in here panics while it holds the lock: wakers, which are others' code, are cloned, woken and dropped without.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sender {
    /// True when nobody waits any more.
    pub(super) fn is_closed(&self) -> bool {
        let line = self.0.as_ref();
        line.is_none_or(|line| line.hung_up.load(Ordering::Acquire))
    }

    pub(super) fn send(mut self, result: SubmitResult) {
        if let Some(line) = self.0.take() {
            answer(line, result);
        }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        if let Some(line) = self.0.take() {
            answer(line, DROPPED);
        }
    }
}

fn answer(line: Arc<Line>, result: SubmitResult) {
    let mut state = line.lock();
    state.outcome = Some(result);
    let waker = state.waker.take();
    drop(state);
    // Before the caller has its turn, so that it finds the line its own and keeps it.
    drop(line);
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl Future for Receiver {
    type Output = SubmitResult;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<SubmitResult> {
        let is_first = !mem::replace(&mut self.asked, true);
        let Some(line) = &self.line else {
            return Poll::Ready(DROPPED);
        };
        // Nearly always it is polled twice: before there is a waker, and when there is an outcome.
        let mut waker = is_first.then(|| context.waker().clone());
        loop {
            let mut state = line.lock();
            if let Some(outcome) = state.outcome.take() {
                drop(state);
                self.line.take().into_iter().for_each(keep);
                return Poll::Ready(outcome);
            }
            let is_left = |left: &Waker| left.will_wake(context.waker());
            if waker.is_none() && state.waker.as_ref().is_some_and(is_left) {
                return Poll::Pending;
            }
            if let Some(waker) = waker.take() {
                let before = state.waker.replace(waker);
                drop(state);
                drop(before);
                return Poll::Pending;
            }
            drop(state);
            waker = Some(context.waker().clone());
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if let Some(line) = self.line.take() {
            line.hung_up.store(true, Ordering::Release);
            // What is dropped with it may be others' code.
            let state = mem::take(&mut *line.lock());
            drop(state);
        }
    }
}

/// Keeps a line for the next message, as it was at first.
fn keep(line: Arc<Line>) {
    if Arc::strong_count(&line) > 1 {
        return;
    }
    // While a thread ends, it has nothing to keep.
    let _ = SPARE.try_with(|spare| {
        let mut spare = spare.borrow_mut();
        if spare.len() < SPARES {
            spare.push(line);
        }
    });
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;
    use std::thread;

    use super::*;
    use crate::submit::SubmitError;

    const BUSY: SubmitResult = Err(SubmitError::Busy);

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn poll(receiver: &mut Receiver, woken: &Arc<Woken>) -> Poll<SubmitResult> {
        let waker = Waker::from(woken.clone());
        Pin::new(receiver).poll(&mut Context::from_waker(&waker))
    }

    fn spares() -> usize {
        SPARE.with(|spare| spare.borrow().len())
    }

    #[test]
    fn an_outcome_wakes_who_asked_last_and_the_line_is_kept_for_the_next() {
        let (before, last) = (Arc::<Woken>::default(), Arc::<Woken>::default());
        for round in 0..3 {
            let (sender, mut receiver) = line();
            assert_eq!(spares(), 0);
            assert_eq!(poll(&mut receiver, &before), Poll::Pending);
            assert_eq!(poll(&mut receiver, &before), Poll::Pending);
            assert_eq!(poll(&mut receiver, &last), Poll::Pending);
            sender.send(BUSY);
            assert_eq!(before.0.load(Ordering::Relaxed), 0);
            assert_eq!(last.0.load(Ordering::Relaxed), round + 1);
            assert_eq!(poll(&mut receiver, &last), Poll::Ready(BUSY));
            assert_eq!(poll(&mut receiver, &last), Poll::Ready(DROPPED), "it is over");
            assert_eq!(spares(), 1);
        }
    }

    #[test]
    fn a_line_that_is_dropped_at_one_end_is_known_at_the_other_and_not_kept() {
        let woken = Arc::<Woken>::default();
        let (sender, mut receiver) = line();
        assert_eq!(poll(&mut receiver, &woken), Poll::Pending);
        assert!(!sender.is_closed());
        drop(sender);
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        assert_eq!(poll(&mut receiver, &woken), Poll::Ready(DROPPED));

        let (sender, mut receiver) = line();
        assert_eq!(poll(&mut receiver, &woken), Poll::Pending);
        drop(receiver);
        assert!(sender.is_closed());
        assert_eq!(Arc::strong_count(&woken), 1, "its waker is gone");
        sender.send(BUSY);
        assert_eq!((woken.0.load(Ordering::Relaxed), spares()), (1, 0));
        let (sender, _receiver) = line();
        assert!(!sender.is_closed());
    }

    #[test]
    fn outcomes_cross_threads() {
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..2_000).map(|_| line()).unzip();
        let other = thread::spawn(move || senders.into_iter().for_each(|sender| sender.send(BUSY)));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for receiver in receivers {
            assert_eq!(runtime.block_on(receiver), BUSY);
        }
        other.join().unwrap();
        assert!(spares() <= SPARES);
    }
}
