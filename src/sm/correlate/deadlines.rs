//! What is to be forgotten first, when nearly everything comes in the order of its deadline.

use std::collections::{BTreeSet, VecDeque};
use std::time::Instant;

use super::MessageKey;

/// So many stale entries are always put up with.
const SLACK: usize = 1_024;

/// Where the deadline of a message stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Queue {
    First,
    Second,
    /// With all that fit neither.
    Sorted,
}

/// Deadlines of messages.
///
/// There are few different spans of time, and within one of them the later message has the later deadline: such messages
/// stand in a queue, and only what fits neither queue is sorted. A message whose deadline changes goes on to a queue where
/// it never was, so that the deadlines themselves need not be kept beside it. Entries of messages that are gone or went on
/// are stale; [`settle`](Self::settle) drops them when they come to the front, and all of them when they are the most.
#[derive(Clone, Debug, Default)]
pub(super) struct Deadlines {
    first: Row,
    second: Row,
    sorted: BTreeSet<(Instant, MessageKey)>,
}

#[derive(Clone, Debug, Default)]
struct Row {
    messages: VecDeque<MessageKey>,
    /// The deadline of the message that came last.
    last: Option<Instant>,
}

impl Row {
    fn try_push(&mut self, deadline: Instant, key: MessageKey) -> bool {
        let fits = self.messages.is_empty() || self.last.is_none_or(|last| last <= deadline);
        if fits {
            self.last = Some(deadline);
            self.messages.push_back(key);
        }
        fits
    }
}

impl Deadlines {
    /// Where the message stands from now on, after it stood `before`.
    pub(super) fn push(&mut self, deadline: Instant, key: MessageKey, before: Option<Queue>) -> Queue {
        if before.is_none() && self.first.try_push(deadline, key) {
            return Queue::First;
        }
        if matches!(before, None | Some(Queue::First)) && self.second.try_push(deadline, key) {
            return Queue::Second;
        }
        self.sorted.insert((deadline, key));
        Queue::Sorted
    }

    /// The earliest. `now` tells what is in force: the deadline of a message and where it stands.
    /// [`settle`](Self::settle) was called after the last change.
    pub(super) fn first(
        &self,
        now: impl Fn(MessageKey) -> Option<(Instant, Queue)>,
    ) -> Option<(Instant, MessageKey)> {
        let fronts = [&self.first, &self.second].map(|row| row.messages.front().copied());
        let rows = fronts
            .into_iter()
            .flatten()
            .filter_map(|key| now(key).map(|(deadline, _)| (deadline, key)));
        rows.chain(self.sorted.first().copied()).min()
    }

    /// Drops stale entries until the earliest is in force. `messages` have one.
    pub(super) fn settle(&mut self, messages: usize, now: impl Fn(MessageKey) -> Option<(Instant, Queue)>) {
        let stands = |key, queue| now(key).is_some_and(|(_, stands)| stands == queue);
        let is_sorted = |deadline, key| now(key) == Some((deadline, Queue::Sorted));
        let Self {
            first,
            second,
            sorted,
        } = self;
        for (row, queue) in [(&mut *first, Queue::First), (&mut *second, Queue::Second)] {
            while row.messages.pop_front_if(|key| !stands(*key, queue)).is_some() {}
        }
        while let Some((deadline, key)) = sorted.first().copied()
            && !is_sorted(deadline, key)
        {
            sorted.pop_first();
        }
        if sorted.len() + first.messages.len() + second.messages.len() > 2 * messages + SLACK {
            for (row, queue) in [(first, Queue::First), (second, Queue::Second)] {
                row.messages.retain(|key| stands(*key, queue));
                row.messages.shrink_to(2 * row.messages.len());
            }
            sorted.retain(|(deadline, key)| is_sorted(*deadline, *key));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::time::Duration;

    use super::*;

    /// Messages with their deadlines, and where these stand.
    #[derive(Default)]
    struct World {
        deadlines: Deadlines,
        messages: HashMap<MessageKey, (Instant, Queue)>,
    }

    impl World {
        fn set(&mut self, key: u64, deadline: Instant) -> Queue {
            let key = MessageKey(key);
            let before = self.messages.get(&key).map(|(_, queue)| *queue);
            let queue = self.deadlines.push(deadline, key, before);
            self.messages.insert(key, (deadline, queue));
            self.settle();
            queue
        }

        fn remove(&mut self, key: u64) {
            self.messages.remove(&MessageKey(key));
            self.settle();
        }

        fn settle(&mut self) {
            let Self { deadlines, messages } = self;
            deadlines.settle(messages.len(), |key| messages.get(&key).copied());
            assert!(self.entries() <= 2 * self.messages.len() + SLACK);
        }

        fn entries(&self) -> usize {
            let Deadlines {
                first,
                second,
                sorted,
            } = &self.deadlines;
            first.messages.len() + second.messages.len() + sorted.len()
        }

        fn first(&self) -> Option<u64> {
            let first = self.deadlines.first(|key| self.messages.get(&key).copied());
            first.map(|(_, key)| key.0)
        }
    }

    #[test]
    fn what_comes_in_order_stands_in_queues_and_a_change_goes_on_to_where_it_never_was() {
        let (mut world, start) = (World::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(
            (world.set(1, at(10)), world.set(2, at(10))),
            (Queue::First, Queue::First)
        );
        assert_eq!(world.set(3, at(5)), Queue::Second, "before those of the first");
        assert_eq!(world.set(4, at(4)), Queue::Sorted, "before those of both");
        assert_eq!(world.first(), Some(4));
        assert_eq!(world.set(1, at(6)), Queue::Second);
        assert_eq!(world.set(3, at(7)), Queue::Sorted, "it has been in the second");
        assert_eq!(world.set(4, at(20)), Queue::Sorted);
        let mut order = Vec::new();
        while let Some(key) = world.first() {
            order.push(key);
            world.remove(key);
        }
        assert_eq!(order, [1, 3, 2, 4]);
        assert_eq!(
            world.set(5, at(1)),
            Queue::First,
            "an empty queue takes whatever comes"
        );
    }

    #[test]
    fn stale_entries_are_never_the_most_and_their_memory_goes_with_them() {
        let (mut world, start) = (World::default(), Instant::now());
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        // The first one stays, so that nothing behind it ever comes to the front.
        for key in 0..20_000 {
            world.set(key, at(100_000 + key));
            world.set(key, at(200_000 + key));
        }
        assert_eq!(world.deadlines.sorted.len(), 0, "usual traffic is in order");
        assert_eq!(world.first(), Some(0));
        for key in 1..20_000 {
            world.remove(key);
            let settled = world.entries();
            assert!(settled >= world.messages.len());
        }
        let Deadlines { first, second, .. } = &world.deadlines;
        let reserved = first.messages.capacity() + second.messages.capacity();
        assert!(reserved <= 4 * SLACK, "{reserved} places for one message");
        assert_eq!(world.first(), Some(0));
    }
}
