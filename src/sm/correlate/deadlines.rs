//! What is to be forgotten first, when nearly everything comes in the order of its deadline.

use std::collections::{BTreeSet, VecDeque};

use super::MessageKey;
use super::clock::Moment;

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
/// So what is in front is in force.
#[derive(Clone, Debug, Default)]
pub(super) struct Deadlines {
    first: Row,
    second: Row,
    sorted: BTreeSet<(Moment, MessageKey)>,
}

#[derive(Clone, Debug, Default)]
struct Row {
    runs: VecDeque<Run>,
    /// Messages of all runs.
    len: usize,
    /// The deadline of the first.
    due: Moment,
    /// The deadline of the message that came last.
    last: Option<Moment>,
}

/// Messages whose keys follow each other, as those do that come one after another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    first: MessageKey,
    len: u32,
}

impl Run {
    pub(super) fn messages(self) -> impl Iterator<Item = MessageKey> {
        std::iter::successors(Some(self.first), |key| Some(key.next())).take(self.len as usize)
    }
}

impl Row {
    #[inline]
    fn try_push(&mut self, deadline: Moment, key: MessageKey) -> bool {
        let fits = self.len == 0 || self.last.is_none_or(|last| last <= deadline);
        if fits {
            if self.len == 0 {
                self.due = deadline;
            }
            self.last = Some(deadline);
            self.push(key);
        }
        fits
    }

    #[inline]
    fn push(&mut self, key: MessageKey) {
        self.len += 1;
        match self.runs.back_mut() {
            Some(run) if run.len < u32::MAX && run.first.after(run.len) == key => run.len += 1,
            _ => self.runs.push_back(Run { first: key, len: 1 }),
        }
    }

    fn first(&self) -> Option<(Moment, MessageKey)> {
        self.runs.front().map(|run| (self.due, run.first))
    }

    /// Drops what is stale in front, if the one that was there left: `due` has the deadlines of those that did not.
    #[inline]
    fn settle(&mut self, left: MessageKey, due: impl Fn(MessageKey) -> Option<Moment>) {
        if self.first().is_some_and(|(_, first)| first == left) {
            self.pop(1);
            self.drop_stale(due);
        }
    }

    #[inline]
    fn drop_stale(&mut self, due: impl Fn(MessageKey) -> Option<Moment>) {
        while let Some((_, first)) = self.first() {
            if let Some(due) = due(first) {
                self.due = due;
                return;
            }
            self.pop(1);
        }
    }

    /// Drops so many of the first run, which has them.
    fn pop(&mut self, messages: u32) {
        self.len -= messages as usize;
        if let Some(run) = self.runs.front_mut() {
            (run.first, run.len) = (run.first.after(messages), run.len - messages);
            if run.len == 0 {
                self.runs.pop_front();
            }
        }
    }

    /// Drops all but those that count, of which the first is.
    fn retain(&mut self, counts: impl Fn(MessageKey) -> bool) {
        let runs = std::mem::take(&mut self.runs);
        self.len = 0;
        let messages = runs.into_iter().flat_map(Run::messages);
        messages.filter(|key| counts(*key)).for_each(|key| self.push(key));
    }
}

/// The deadline of a message, if it stands in this queue.
#[inline]
fn due(now: impl Fn(MessageKey) -> Option<(Moment, Queue)>, key: MessageKey, queue: Queue) -> Option<Moment> {
    now(key).and_then(|(due, stands)| (stands == queue).then_some(due))
}

#[inline]
fn sooner(
    one: Option<(Moment, MessageKey)>,
    other: Option<(Moment, MessageKey)>,
) -> Option<(Moment, MessageKey)> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

impl Deadlines {
    /// Where the message stands from now on, after it stood `before`.
    #[inline]
    pub(super) fn push(&mut self, deadline: Moment, key: MessageKey, before: Option<Queue>) -> Queue {
        if before.is_none() && self.first.try_push(deadline, key) {
            return Queue::First;
        }
        if matches!(before, None | Some(Queue::First)) && self.second.try_push(deadline, key) {
            return Queue::Second;
        }
        self.sorted.insert((deadline, key));
        Queue::Sorted
    }

    /// The earliest.
    #[inline]
    pub(super) fn first(&self) -> Option<(Moment, MessageKey)> {
        let rows = sooner(self.first.first(), self.second.first());
        sooner(rows, self.sorted.first().copied())
    }

    /// The messages that are first and came one after another, in which queue, and the earliest deadline of those that stand
    /// elsewhere. None where the earliest fits no queue.
    pub(super) fn run(&self) -> Option<(Run, Queue, Moment)> {
        let (_, first) = self.first()?;
        let in_front = |row: &Row| row.runs.front().copied().filter(|run| run.first == first);
        let (run, queue, other) = match in_front(&self.first) {
            Some(run) => (run, Queue::First, &self.second),
            None => (in_front(&self.second)?, Queue::Second, &self.first),
        };
        let others = sooner(other.first(), self.sorted.first().copied());
        Some((run, queue, others.map_or(Moment::MAX, |(due, _)| due)))
    }

    /// Drops so many entries of the [`run`](Self::run) in a queue, whose messages are gone, and what is stale behind them.
    pub(super) fn drop_first(
        &mut self,
        (queue, entries): (Queue, u32),
        messages: usize,
        now: impl Fn(MessageKey) -> Option<(Moment, Queue)>,
    ) {
        let row = match queue {
            Queue::First => &mut self.first,
            Queue::Second => &mut self.second,
            Queue::Sorted => return,
        };
        row.pop(entries);
        row.drop_stale(|key| due(&now, key, queue));
        self.drop_most(messages, now);
    }

    /// Drops stale entries, after a message left its queue: it is gone or stands elsewhere. `now` tells what is in force, the
    /// deadline of a message and where it stands; `messages` have one.
    #[inline]
    pub(super) fn settle(
        &mut self,
        (left, key): (Queue, MessageKey),
        messages: usize,
        now: impl Fn(MessageKey) -> Option<(Moment, Queue)>,
    ) {
        match left {
            Queue::First => self.first.settle(key, |key| due(&now, key, left)),
            Queue::Second => self.second.settle(key, |key| due(&now, key, left)),
            Queue::Sorted => self.settle_sorted(&now),
        }
        self.drop_most(messages, now);
    }

    /// Drops all stale entries when they are the most.
    #[inline]
    fn drop_most(&mut self, messages: usize, now: impl Fn(MessageKey) -> Option<(Moment, Queue)>) {
        if self.sorted.len() + self.first.len + self.second.len > 2 * messages + SLACK {
            self.first.retain(|key| due(&now, key, Queue::First).is_some());
            self.second.retain(|key| due(&now, key, Queue::Second).is_some());
            self.sorted
                .retain(|(deadline, key)| now(*key) == Some((*deadline, Queue::Sorted)));
        }
    }

    #[cold]
    fn settle_sorted(&mut self, now: impl Fn(MessageKey) -> Option<(Moment, Queue)>) {
        while let Some((deadline, key)) = self.sorted.first().copied()
            && now(key) != Some((deadline, Queue::Sorted))
        {
            self.sorted.pop_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    /// Messages with their deadlines, and where these stand.
    #[derive(Default)]
    struct World {
        deadlines: Deadlines,
        messages: HashMap<MessageKey, (Moment, Queue)>,
    }

    impl World {
        fn set(&mut self, key: u64, deadline: Moment) -> Queue {
            let key = MessageKey(key);
            let before = self.messages.get(&key).map(|(_, queue)| *queue);
            let queue = self.deadlines.push(deadline, key, before);
            self.messages.insert(key, (deadline, queue));
            if let Some(before) = before {
                self.settle((before, key));
            }
            queue
        }

        fn remove(&mut self, key: u64) {
            let key = MessageKey(key);
            if let Some((_, queue)) = self.messages.remove(&key) {
                self.settle((queue, key));
            }
        }

        fn settle(&mut self, left: (Queue, MessageKey)) {
            let Self { deadlines, messages } = self;
            deadlines.settle(left, messages.len(), |key| messages.get(&key).copied());
            assert!(self.entries() <= 2 * self.messages.len() + SLACK);
        }

        fn entries(&self) -> usize {
            let Deadlines {
                first,
                second,
                sorted,
            } = &self.deadlines;
            first.len + second.len + sorted.len()
        }

        fn first(&self) -> Option<u64> {
            let (due, first) = self.deadlines.first()?;
            assert_eq!(self.messages.get(&first).map(|(due, _)| *due), Some(due));
            Some(first.0)
        }
    }

    #[test]
    fn what_comes_in_order_stands_in_queues_and_a_change_goes_on_to_where_it_never_was() {
        let (mut world, at) = (World::default(), |seconds: i64| seconds * 1_000_000_000);
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
        let mut world = World::default();
        let at = |milliseconds: u64| milliseconds as Moment * 1_000_000;
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
        let reserved = first.runs.capacity() + second.runs.capacity();
        assert!(reserved <= 4 * SLACK, "{reserved} places for one message");
        assert_eq!(world.first(), Some(0));
    }
}
