//! What waits for its turn.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// One thing of each lane has its turn; what comes after it waits. Who enters bounds how many there are.
pub(crate) struct Lanes<L, W> {
    /// The lanes in which something has its turn.
    busy: HashMap<L, VecDeque<W>>,
}

impl<L: Eq + Hash, W> Lanes<L, W> {
    /// Comes back when it has its turn at once.
    pub(crate) fn enter(&mut self, lane: L, thing: W) -> Option<W> {
        match self.busy.get_mut(&lane) {
            Some(waiting) => {
                waiting.push_back(thing);
                None
            }
            None => {
                self.busy.insert(lane, VecDeque::new());
                Some(thing)
            }
        }
    }

    /// What had its turn in the lane is done: what comes next, if there is something, has it now.
    pub(crate) fn leave(&mut self, lane: &L) -> Option<W> {
        let next = self.busy.get_mut(lane)?.pop_front();
        if next.is_none() {
            self.busy.remove(lane);
        }
        next
    }

    /// True when nothing has its turn.
    pub(crate) fn is_empty(&self) -> bool {
        self.busy.is_empty()
    }
}

impl<L, W> Default for Lanes<L, W> {
    fn default() -> Self {
        Self { busy: HashMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_enters_a_lane_leaves_it_in_the_same_order_and_other_lanes_do_not_wait() {
        let mut lanes = Lanes::default();
        assert_eq!(lanes.enter("a", 1), Some(1));
        assert_eq!(lanes.enter("a", 2), None);
        assert_eq!(lanes.enter("b", 3), Some(3));
        assert_eq!(lanes.enter("a", 4), None);
        assert_eq!(lanes.leave(&"a"), Some(2));
        assert_eq!(lanes.leave(&"b"), None);
        assert_eq!(lanes.leave(&"a"), Some(4));
        assert_eq!(lanes.enter("a", 5), None, "4 has its turn");
        assert_eq!((lanes.leave(&"a"), lanes.leave(&"a")), (Some(5), None));
        assert_eq!(lanes.enter("a", 6), Some(6));
    }
}
