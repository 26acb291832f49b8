//! Requests of the peer that wait for our answer.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use crate::pdu::{CommandId, SequenceNumber};

/// The slots may be so many more than twice the unanswered requests before the oldest request moves aside, so that one that
/// nobody answers does not keep the room of all that came after it.
const SLACK: usize = 1024;

/// The key to answer one request of the peer, exactly once.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Inbound(u64);

/// One unanswered request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owed {
    pub(super) sequence: SequenceNumber,
    pub(super) request: CommandId,
    deadline: Instant,
}

/// All unanswered requests, in the order in which they came; made when the first one comes.
#[derive(Debug, Default)]
pub(super) struct Unanswered(Option<Box<Queue>>);

#[derive(Debug, Default)]
struct Queue {
    /// The key of the first slot.
    base: u64,
    /// The first is always unanswered.
    slots: VecDeque<Option<Owed>>,
    /// Those before the first slot.
    aside: BTreeMap<u64, Owed>,
    count: usize,
}

impl Unanswered {
    #[inline]
    pub(super) fn insert(
        &mut self,
        sequence: SequenceNumber,
        request: CommandId,
        deadline: Instant,
    ) -> Inbound {
        self.0.get_or_insert_default().insert(Owed {
            sequence,
            request,
            deadline,
        })
    }

    #[inline]
    pub(super) fn owed(&self, key: Inbound) -> Option<&Owed> {
        self.0.as_ref()?.owed(key)
    }

    #[inline]
    pub(super) fn take(&mut self, key: Inbound) -> Option<Owed> {
        self.0.as_mut()?.take(key)
    }

    /// The oldest request whose deadline has passed. Every request gets the same time, so the first is the oldest.
    pub(super) fn pop_overdue(&mut self, now: Instant) -> Option<Owed> {
        self.0.as_mut()?.pop_overdue(now)
    }

    #[inline]
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.0.as_ref()?.deadline()
    }

    /// How many wait.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |queue| queue.count)
    }

    pub(super) fn clear(&mut self) {
        if let Some(queue) = &mut self.0 {
            queue.clear();
        }
    }
}

impl Queue {
    fn insert(&mut self, owed: Owed) -> Inbound {
        let key = Inbound(self.base + self.slots.len() as u64);
        self.slots.push_back(Some(owed));
        self.count += 1;
        while self.slots.len() > self.count * 2 + SLACK {
            self.move_oldest_aside();
        }
        key
    }

    fn owed(&self, key: Inbound) -> Option<&Owed> {
        let Some(index) = key.0.checked_sub(self.base) else {
            return self.aside.get(&key.0);
        };
        self.slots.get(usize::try_from(index).ok()?)?.as_ref()
    }

    fn take(&mut self, key: Inbound) -> Option<Owed> {
        let owed = match key.0.checked_sub(self.base) {
            Some(index) => self.slots.get_mut(usize::try_from(index).ok()?)?.take()?,
            None => self.aside.remove(&key.0)?,
        };
        self.count -= 1;
        self.trim();
        Some(owed)
    }

    fn pop_overdue(&mut self, now: Instant) -> Option<Owed> {
        self.deadline().filter(|deadline| *deadline <= now)?;
        let oldest = self.aside.keys().next().copied();
        self.take(Inbound(oldest.unwrap_or(self.base)))
    }

    fn deadline(&self) -> Option<Instant> {
        let first = self.slots.front().and_then(Option::as_ref);
        let oldest = self.aside.values().next().or(first)?;
        Some(oldest.deadline)
    }

    fn clear(&mut self) {
        self.base += self.slots.len() as u64;
        self.slots.clear();
        self.aside.clear();
        self.count = 0;
    }

    fn trim(&mut self) {
        while let Some(None) = self.slots.front() {
            self.slots.pop_front();
            self.base += 1;
        }
    }

    #[cold]
    fn move_oldest_aside(&mut self) {
        if let Some(oldest) = self.slots.pop_front() {
            if let Some(oldest) = oldest {
                self.aside.insert(self.base, oldest);
            }
            self.base += 1;
        }
        self.trim();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn queue(unanswered: &Unanswered) -> &Queue {
        unanswered.0.as_ref().unwrap()
    }

    #[test]
    fn a_key_answers_once() {
        let now = Instant::now();
        let mut unanswered = Unanswered::default();
        let keys: Vec<_> = (1..=3)
            .map(|n| unanswered.insert(SequenceNumber::new(n), CommandId::DELIVER_SM, now))
            .collect();
        assert!(unanswered.take(keys[1]).is_some());
        assert!(unanswered.take(keys[1]).is_none());
        assert!(unanswered.take(keys[0]).is_some());
        assert_eq!((unanswered.len(), queue(&unanswered).slots.len()), (1, 1));
        assert!(unanswered.take(keys[0]).is_none(), "its slot is gone");
        assert!(unanswered.take(keys[2]).is_some());
    }

    #[test]
    fn the_oldest_is_overdue_first() {
        let now = Instant::now();
        let mut unanswered = Unanswered::default();
        for n in 1..=2 {
            let deadline = now + Duration::from_secs(u64::from(n));
            unanswered.insert(SequenceNumber::new(n), CommandId::DATA_SM, deadline);
        }
        assert!(unanswered.pop_overdue(now).is_none());
        let overdue = unanswered.pop_overdue(now + Duration::from_secs(1));
        assert_eq!(overdue.map(|owed| owed.sequence.value()), Some(1));
        assert!(unanswered.pop_overdue(now + Duration::from_secs(1)).is_none());
    }

    #[test]
    fn a_few_that_nobody_answers_keep_little_room_and_their_order() {
        let start = Instant::now();
        let mut unanswered = Unanswered::default();
        let mut kept = Vec::new();
        for n in 1..=100_000 {
            let deadline = start + Duration::from_secs(u64::from(n));
            let key = unanswered.insert(SequenceNumber::new(n), CommandId::DELIVER_SM, deadline);
            if n % 20_000 == 1 {
                kept.push(key);
            } else {
                assert!(unanswered.take(key).is_some());
            }
            assert!(queue(&unanswered).slots.len() <= unanswered.len() * 2 + SLACK + 2);
        }
        assert_eq!((unanswered.len(), queue(&unanswered).aside.len()), (5, 5));
        assert_eq!(
            unanswered.owed(kept[1]).map(|owed| owed.sequence.value()),
            Some(20_001)
        );
        assert!(unanswered.take(kept[1]).is_some() && unanswered.take(kept[1]).is_none());
        let last = start + Duration::from_secs(100_000);
        let overdue = std::iter::from_fn(|| unanswered.pop_overdue(last));
        let overdue: Vec<_> = overdue.map(|owed| owed.sequence.value()).collect();
        assert_eq!(overdue, [1, 40_001, 60_001, 80_001]);
        assert_eq!((unanswered.len(), unanswered.deadline()), (0, None));
    }
}
