//! What is to be forgotten first, when nearly everything comes in the order of its deadline.

use std::collections::{BTreeSet, VecDeque};
use std::time::Instant;

use super::MessageKey;

/// So many stale entries are always put up with.
const SLACK: usize = 1_024;

/// Deadlines of messages.
///
/// There are few different spans of time, and within one of them the later message has the later deadline: such rows are
/// queues, and only what fits neither is sorted. Entries of messages that are gone or have another deadline by now are
/// stale; [`settle`](Self::settle) drops them when they come to the front, and all of them when they are the most.
#[derive(Clone, Debug, Default)]
pub(super) struct Deadlines {
    rows: [VecDeque<(Instant, MessageKey)>; 2],
    rest: BTreeSet<(Instant, MessageKey)>,
}

impl Deadlines {
    pub(super) fn push(&mut self, deadline: Instant, key: MessageKey) {
        let fits =
            |row: &&mut VecDeque<(Instant, MessageKey)>| row.back().is_none_or(|(last, _)| *last <= deadline);
        match self.rows.iter_mut().find(fits) {
            Some(row) => row.push_back((deadline, key)),
            None => drop(self.rest.insert((deadline, key))),
        }
    }

    /// The earliest; it is in force when [`settle`](Self::settle) was called after the last change.
    pub(super) fn first(&self) -> Option<(Instant, MessageKey)> {
        let rows = self.rows.iter().filter_map(VecDeque::front);
        rows.chain(self.rest.first()).min().copied()
    }

    /// Drops stale entries until the earliest is in force. `messages` have one.
    pub(super) fn settle(&mut self, messages: usize, is_in_force: impl Fn(Instant, MessageKey) -> bool) {
        let Self { rows, rest } = self;
        for row in &mut *rows {
            while row
                .pop_front_if(|(deadline, key)| !is_in_force(*deadline, *key))
                .is_some()
            {}
        }
        while let Some(first) = rest.first().copied()
            && !is_in_force(first.0, first.1)
        {
            rest.remove(&first);
        }
        let entries = rest.len() + rows.iter().map(VecDeque::len).sum::<usize>();
        if entries > 2 * messages + SLACK {
            for row in rows {
                row.retain(|(deadline, key)| is_in_force(*deadline, *key));
                row.shrink_to(2 * row.len());
            }
            rest.retain(|(deadline, key)| is_in_force(*deadline, *key));
        }
    }
}
