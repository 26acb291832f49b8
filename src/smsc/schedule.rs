//! What has to happen at which time.
//!
//! With one constant delay things come due in the order in which they were put in, and a [`Schedule`] is then
//! a plain queue. Only what comes due before something that was put in earlier (jitter, a retry, a changed
//! behaviour) goes through a heap beside it.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Instant;

/// Items with the time when each is due; equal times keep the order in which they came in.
#[derive(Debug)]
pub(super) struct Schedule<T> {
    // Invariant: due times in here never decrease from front to back.
    in_order: VecDeque<Entry<T>>,
    out_of_order: BinaryHeap<Entry<T>>,
    inserted: u64,
}

#[derive(Debug)]
struct Entry<T> {
    due: Instant,
    number: u64,
    item: T,
}

impl<T> Schedule<T> {
    pub(super) fn new() -> Self {
        Self {
            in_order: VecDeque::new(),
            out_of_order: BinaryHeap::new(),
            inserted: 0,
        }
    }

    /// Puts in `item`, to come out at `due`.
    pub(super) fn insert(&mut self, due: Instant, item: T) {
        let entry = Entry {
            due,
            number: self.inserted,
            item,
        };
        self.inserted += 1;
        match self.in_order.back() {
            Some(last) if due < last.due => self.out_of_order.push(entry),
            _ => self.in_order.push_back(entry),
        }
    }

    /// Takes out the item that has been due for longest at `now`, if there is one.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<T> {
        if self.next_due()? > now {
            return None;
        }
        self.pop()
    }

    /// When the next item is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        match (self.in_order.front(), self.out_of_order.peek()) {
            (Some(queued), Some(heaped)) => Some(queued.due.min(heaped.due)),
            (Some(entry), None) | (None, Some(entry)) => Some(entry.due),
            (None, None) => None,
        }
    }

    /// How many items wait.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.in_order.len() + self.out_of_order.len()
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn pop(&mut self) -> Option<T> {
        let heap_is_first = match (self.in_order.front(), self.out_of_order.peek()) {
            (Some(queued), Some(heaped)) => heaped.key() < queued.key(),
            (queued, _) => queued.is_none(),
        };
        let entry = if heap_is_first {
            self.out_of_order.pop()
        } else {
            self.in_order.pop_front()
        };
        entry.map(|entry| entry.item)
    }
}

impl<T> Entry<T> {
    fn key(&self) -> (Instant, u64) {
        (self.due, self.number)
    }
}

// The heap of the standard library gives out its greatest entry first, hence the reversal.
impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    fn drain(schedule: &mut Schedule<usize>, now: Instant) -> Vec<usize> {
        std::iter::from_fn(|| schedule.pop_due(now)).collect()
    }

    #[test]
    fn nothing_comes_out_before_it_is_due() {
        let start = Instant::now();
        let mut schedule = Schedule::new();
        schedule.insert(start + Duration::from_millis(20), 1);
        schedule.insert(start + Duration::from_millis(10), 2);

        assert_eq!(schedule.next_due(), Some(start + Duration::from_millis(10)));
        assert_eq!(
            drain(&mut schedule, start + Duration::from_millis(9)),
            Vec::<usize>::new()
        );
        assert_eq!(drain(&mut schedule, start + Duration::from_millis(10)), [2]);
        assert_eq!(drain(&mut schedule, start + Duration::from_millis(20)), [1]);
        assert!(schedule.is_empty());
        assert_eq!(schedule.next_due(), None);
    }

    proptest! {
        #[test]
        fn items_come_out_by_due_time_and_then_by_arrival(delays in proptest::collection::vec(0_u64..8, 0..40)) {
            let start = Instant::now();
            let mut schedule = Schedule::new();
            for (index, delay) in delays.iter().enumerate() {
                schedule.insert(start + Duration::from_secs(*delay), index);
            }
            prop_assert_eq!(schedule.len(), delays.len());

            let mut expected: Vec<usize> = (0..delays.len()).collect();
            expected.sort_by_key(|index| delays[*index]);
            prop_assert_eq!(drain(&mut schedule, start + Duration::from_secs(8)), expected);
        }
    }
}
