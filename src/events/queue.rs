//! What waits for one subscriber: how much of it there may be, and what happens when there is more.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;
use std::time::{Duration, Instant};

use super::Event;

/// An emptied queue gives back more room than this.
const KEEP: usize = 1_024;

/// How much may wait for a subscriber, and what happens when it is slower than that.
///
/// What the subscriber is at (one event, or one batch) is not counted.
///
/// ```
/// use bindery::events::Policy;
///
/// let monitor = Policy::drop_oldest().events(1_000);
/// let archive = Policy::hold_back().octets(256 << 20).batch(1_000);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Policy {
    overflow: Overflow,
    events: usize,
    octets: usize,
    batch: usize,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Overflow {
    DropOldest,
    HoldBack { patience: Duration },
}

impl Policy {
    /// The oldest go when there is no room; [`Event::Lagged`] stands in the place of what was missed.
    #[must_use]
    pub const fn drop_oldest() -> Self {
        Self {
            overflow: Overflow::DropOldest,
            events: 100_000,
            octets: 64 << 20,
            batch: 256,
        }
    }

    /// From half of the room on the binds whose events are wanted stop reading, until no more than a quarter is taken:
    /// TCP holds the SMSC back. The other half is for what is under way: a window of requests, and a few PDUs of each
    /// bind. Where [`patience`](Self::patience) does not help, and where there is no room at all, the oldest go.
    #[must_use]
    pub const fn hold_back() -> Self {
        Self {
            overflow: Overflow::HoldBack {
                patience: Duration::from_secs(5),
            },
            ..Self::drop_oldest()
        }
    }

    /// Most events that wait, at least 1. Default 100,000.
    #[must_use]
    pub const fn events(mut self, events: usize) -> Self {
        self.events = if events == 0 { 1 } else { events };
        self
    }

    /// Most octets that wait: those of the frames and texts that the events keep, and 512 for each event and each part
    /// of a message. One event always has room. Default 64 MiB.
    #[must_use]
    pub const fn octets(mut self, octets: usize) -> Self {
        self.octets = octets;
        self
    }

    /// Most events in one batch, at least 1. Default 256.
    #[must_use]
    pub const fn batch(mut self, batch: usize) -> Self {
        self.batch = if batch == 0 { 1 } else { batch };
        self
    }

    /// How long SMSCs are held back at a time: then the oldest events go until three quarters of the room are free.
    /// Default 5 s. Should be well below the time after which an SMSC misses answers to its enquire_link, and below
    /// [`response_timeout`](crate::settings::BindSettings::response_timeout): nothing is read meanwhile. Means nothing
    /// to [`drop_oldest`](Self::drop_oldest).
    #[must_use]
    pub const fn patience(mut self, patience: Duration) -> Self {
        if let Overflow::HoldBack { .. } = self.overflow {
            self.overflow = Overflow::HoldBack { patience };
        }
        self
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::drop_oldest()
    }
}

/// How it stands with a subscription.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct SubscriptionStatus {
    /// Events that wait.
    pub events: usize,
    /// Octets that they take, counted as in [`Policy::octets`].
    pub octets: usize,
    /// Events that the subscriber missed, since it subscribed.
    pub missed: u64,
    /// True while SMSCs are held back for it.
    pub holds_back: bool,
}

/// Events that wait for one subscriber.
#[derive(Debug)]
pub(super) struct Queue {
    policy: Policy,
    waiting: VecDeque<Event>,
    octets: usize,
    /// Events that are missing in front, of which the subscriber does not know yet.
    lagged: u64,
    missed: u64,
    hold: Option<Hold>,
    /// How many queues hold binds back.
    holds: Arc<AtomicUsize>,
}

/// The binds stand still.
#[derive(Debug)]
struct Hold {
    /// Since the first bind noticed.
    since: Option<Instant>,
    /// Those who wait for its end.
    wakers: Vec<Waker>,
    holds: Arc<AtomicUsize>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.holds.fetch_sub(1, Ordering::Relaxed);
        self.wakers.drain(..).for_each(Waker::wake);
    }
}

impl Queue {
    pub(super) fn new(policy: Policy, holds: Arc<AtomicUsize>) -> Self {
        Self {
            policy,
            waiting: VecDeque::new(),
            octets: 0,
            lagged: 0,
            missed: 0,
            hold: None,
            holds,
        }
    }

    pub(super) fn push(&mut self, event: Event) {
        self.octets += event.octets();
        self.waiting.push_back(event);
        while self.waiting.len() > 1 && self.is_above(1) {
            self.drop_oldest();
        }
        let holds_back = matches!(self.policy.overflow, Overflow::HoldBack { .. });
        if holds_back && self.hold.is_none() && self.is_above(2) {
            self.holds.fetch_add(1, Ordering::Relaxed);
            self.hold = Some(Hold {
                since: None,
                wakers: Vec::new(),
                holds: self.holds.clone(),
            });
        }
    }

    /// The next one; what was missed before it comes first.
    pub(super) fn pop(&mut self) -> Option<Event> {
        if self.lagged > 0 {
            let missed = std::mem::take(&mut self.lagged);
            return Some(Event::Lagged { missed });
        }
        let event = self.waiting.pop_front()?;
        self.octets -= event.octets();
        if self.waiting.is_empty() && self.waiting.capacity() > KEEP {
            self.waiting = VecDeque::new();
        }
        Some(event)
    }

    /// The next ones, as many as may be together; empty when there is none.
    pub(super) fn pop_batch(&mut self) -> Vec<Event> {
        let most = self.policy.batch;
        std::iter::from_fn(|| self.pop()).take(most).collect()
    }

    /// What held the binds back, once there is room. To be dropped when nothing is locked: that wakes them.
    pub(super) fn release(&mut self) -> Option<impl Drop + use<>> {
        self.hold
            .take_if(|_| !is_above(&self.policy, self.waiting.len(), self.octets, 4))
    }

    /// Until when the binds are held back. After that the oldest events are gone, and the binds may go on.
    pub(super) fn hold_until(&mut self, now: Instant) -> Option<Instant> {
        let Overflow::HoldBack { patience } = self.policy.overflow else {
            return None;
        };
        let since = *self.hold.as_mut()?.since.get_or_insert(now);
        // A patience beyond what the clock can say has no end.
        let until = since
            .checked_add(patience)
            .unwrap_or(now + Duration::from_secs(86_400));
        if until > now {
            return Some(until);
        }
        while self.is_above(4) {
            self.drop_oldest();
        }
        None
    }

    /// Wakes a bind when there is room. False when there is some already.
    pub(super) fn wake_on_room(&mut self, waker: &Waker) -> bool {
        let Some(hold) = &mut self.hold else {
            return false;
        };
        if !hold.wakers.iter().any(|other| other.will_wake(waker)) {
            hold.wakers.push(waker.clone());
        }
        true
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.lagged == 0
    }

    pub(super) fn status(&self) -> SubscriptionStatus {
        SubscriptionStatus {
            events: self.waiting.len(),
            octets: self.octets,
            missed: self.missed,
            holds_back: self.hold.is_some(),
        }
    }

    /// True when more waits than this part of the room.
    fn is_above(&self, part: usize) -> bool {
        is_above(&self.policy, self.waiting.len(), self.octets, part)
    }

    fn drop_oldest(&mut self) {
        if let Some(event) = self.waiting.pop_front() {
            self.octets -= event.octets();
            self.lagged += 1;
            self.missed += 1;
        }
    }
}

const fn is_above(policy: &Policy, events: usize, octets: usize, part: usize) -> bool {
    events > policy.events / part || (events > 0 && octets > policy.octets / part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{Alarm, AlarmEvent};

    fn event() -> Event {
        Event::Alarm(AlarmEvent {
            account: None,
            alarm: Alarm::SubscriberGone,
        })
    }

    fn queue(policy: Policy) -> Queue {
        Queue::new(policy, Arc::default())
    }

    fn lags(events: &[Event]) -> Vec<Option<u64>> {
        let lag = |event: &Event| match event {
            Event::Lagged { missed } => Some(*missed),
            _ => None,
        };
        events.iter().map(lag).collect()
    }

    #[test]
    fn the_oldest_go_and_their_number_stands_in_their_place() {
        let mut queue = queue(Policy::drop_oldest().events(3).batch(10));
        (0..8).for_each(|_| queue.push(event()));
        let status = queue.status();
        assert_eq!((status.events, status.octets, status.missed), (3, 3 * 512, 5));
        assert_eq!(lags(&queue.pop_batch()), [Some(5), None, None, None]);
        (0..4).for_each(|_| queue.push(event()));
        assert_eq!(lags(&queue.pop_batch()), [Some(1), None, None, None]);
        assert!(queue.is_empty() && queue.status().missed == 6 && queue.status().octets == 0);
    }

    #[test]
    fn octets_are_a_bound_of_their_own_and_one_event_always_has_room() {
        let mut queue = queue(Policy::drop_oldest().octets(1_100));
        (0..5).for_each(|_| queue.push(event()));
        assert_eq!((queue.status().events, queue.status().missed), (2, 3));
        let mut tight = self::queue(Policy::drop_oldest().octets(1));
        (0..2).for_each(|_| tight.push(event()));
        assert_eq!((tight.status().events, tight.status().missed), (1, 1));
    }

    #[test]
    fn binds_are_held_back_between_half_and_a_quarter() {
        let mut queue = queue(Policy::hold_back().events(8));
        (0..4).for_each(|_| queue.push(event()));
        assert!(!queue.status().holds_back);
        queue.push(event());
        assert!(queue.status().holds_back && queue.holds.load(Ordering::Relaxed) == 1);
        queue.pop();
        queue.pop();
        assert!(queue.release().is_none(), "three wait");
        queue.pop();
        assert!(queue.release().is_some());
        assert!(!queue.status().holds_back && queue.holds.load(Ordering::Relaxed) == 0);
        assert_eq!(queue.status().missed, 0);
    }

    #[test]
    fn patience_ends_and_the_oldest_go() {
        let mut queue = queue(Policy::hold_back().events(8).patience(Duration::from_secs(2)));
        (0..6).for_each(|_| queue.push(event()));
        let start = Instant::now();
        let end = start + Duration::from_secs(2);
        assert_eq!(queue.hold_until(start), Some(end));
        assert_eq!(queue.hold_until(start + Duration::from_secs(1)), Some(end));
        assert_eq!(queue.hold_until(end), None);
        assert!(queue.release().is_some());
        assert_eq!((queue.status().events, queue.status().missed), (2, 4));
    }

    #[test]
    fn a_patience_beyond_the_clock_has_no_end() {
        let mut queue = queue(Policy::hold_back().events(8).patience(Duration::MAX));
        (0..6).for_each(|_| queue.push(event()));
        let now = Instant::now();
        assert!(queue.hold_until(now).is_some_and(|until| until > now));
    }

    #[test]
    fn the_smallest_room_can_be_held_and_released() {
        let mut queue = queue(Policy::hold_back().events(1));
        queue.push(event());
        assert!(queue.status().holds_back);
        queue.pop();
        assert!(queue.release().is_some());
    }

    #[test]
    fn what_receipts_and_outcomes_say_counts_as_octets() {
        use crate::events::{OutcomeEvent, ReceiptEvent};
        use crate::sm::Receipt;
        use crate::submit::{MessageId, MessageIds, Reference, Submitted};

        let id = "7".repeat(60_000);
        let receipt = Event::Receipt(Arc::new(ReceiptEvent {
            account: "a".into(),
            bind: None,
            message: None,
            receipt: Some(
                Receipt {
                    id: Some(id.as_str().into()),
                    text: Some("hello".into()),
                    ..Receipt::default()
                }
                .into_owned(),
            ),
        }));
        let ids = MessageIds::Many(vec![MessageId::default(); 255].into());
        let outcome = Event::Outcome(OutcomeEvent {
            reference: Reference::Text("four".into()),
            result: Ok(Submitted::new(ids, "a-1".into(), Duration::ZERO)),
            awaited: false,
        });
        let octets = 255 * size_of::<MessageId>();
        assert_eq!(
            [receipt.octets(), outcome.octets()],
            [512 + 60_005, 512 + 4 + octets]
        );

        let mut queue = queue(Policy::drop_oldest().octets(100_000));
        (0..3).for_each(|_| queue.push(receipt.clone()));
        assert_eq!((queue.status().events, queue.status().missed), (1, 2));
    }
}
