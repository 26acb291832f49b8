//! Requests of the peer that wait for our answer.

use std::collections::VecDeque;
use std::time::Instant;

use crate::pdu::{CommandId, SequenceNumber};

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

/// All unanswered requests, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Unanswered {
    /// The key of the first slot.
    base: u64,
    slots: VecDeque<Option<Owed>>,
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
        let key = Inbound(self.base + self.slots.len() as u64);
        self.slots.push_back(Some(Owed {
            sequence,
            request,
            deadline,
        }));
        self.count += 1;
        key
    }

    #[inline]
    pub(super) fn owed(&self, key: Inbound) -> Option<&Owed> {
        let index = usize::try_from(key.0.checked_sub(self.base)?).ok()?;
        self.slots.get(index)?.as_ref()
    }

    #[inline]
    pub(super) fn take(&mut self, key: Inbound) -> Option<Owed> {
        let index = usize::try_from(key.0.checked_sub(self.base)?).ok()?;
        let owed = self.slots.get_mut(index)?.take()?;
        self.count -= 1;
        while let Some(None) = self.slots.front() {
            self.slots.pop_front();
            self.base += 1;
        }
        Some(owed)
    }

    /// The oldest request whose deadline has passed. Every request gets the same time, so the first is the oldest.
    pub(super) fn pop_overdue(&mut self, now: Instant) -> Option<Owed> {
        self.deadline().filter(|deadline| *deadline <= now)?;
        self.take(Inbound(self.base))
    }

    #[inline]
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.slots.front()?.as_ref().map(|owed| owed.deadline)
    }

    /// How many wait.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Room that they take, answered ones behind an unanswered one included.
    #[inline]
    pub(super) fn span(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn clear(&mut self) {
        self.base += self.slots.len() as u64;
        self.slots.clear();
        self.count = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

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
        assert_eq!((unanswered.len(), unanswered.span()), (1, 1));
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
}
