//! Requests that expired and may still be answered.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use crate::pdu::{CommandId, SequenceNumber};

/// Most requests that are remembered for a late response.
const MOST: usize = 65_536;

/// A request that expired and may still be answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Late {
    /// Which request it was.
    pub(super) request: CommandId,
    /// When it was sent.
    pub(super) sent: Instant,
    /// How many requests went before it.
    pub(super) order: u64,
}

/// All of them, and the places of the window that they keep. Made for the first one: most sessions have none.
#[derive(Debug, Default)]
pub(super) struct LateRequests(Option<Box<Table>>);

#[derive(Debug, Default)]
struct Table {
    requests: HashMap<SequenceNumber, Kept>,
    /// How long each is remembered, in the order of sending.
    until: VecDeque<(Instant, SequenceNumber, u64)>,
    /// Whose places are free when a request sent later is answered, in the order of sending.
    skipped: VecDeque<(u64, SequenceNumber)>,
    /// Places that are kept.
    places: usize,
}

#[derive(Debug)]
struct Kept {
    late: Late,
    holds_place: bool,
}

impl LateRequests {
    /// Places that are kept.
    #[inline]
    pub(super) fn places(&self) -> usize {
        self.0.as_ref().map_or(0, |table| table.places)
    }

    /// The request of this number.
    #[inline]
    pub(super) fn get(&self, sequence: SequenceNumber) -> Option<&Late> {
        let kept = self.0.as_ref()?.requests.get(&sequence)?;
        Some(&kept.late)
    }

    /// A request expired; it keeps its place, and is remembered until then.
    pub(super) fn insert(&mut self, sequence: SequenceNumber, late: Late, until: Instant) {
        let table = self.0.get_or_insert_default();
        if table.requests.len() >= MOST {
            table.pop();
        }
        table.places += 1;
        table.until.push_back((until, sequence, late.order));
        let holds_place = true;
        table.requests.insert(sequence, Kept { late, holds_place });
    }

    /// An answer to a request that was sent later shows that the peer skipped this one.
    pub(super) fn set_skippable(&mut self, sequence: SequenceNumber, order: u64) {
        if let Some(table) = &mut self.0 {
            table.skipped.push_back((order, sequence));
        }
    }

    /// A request was answered: those before `order` that expired were skipped by the peer, and their places are free.
    #[inline]
    pub(super) fn release_before(&mut self, order: u64) {
        if let Some(table) = &mut self.0 {
            table.release_before(order);
        }
    }

    /// The request of this number, for its late response.
    #[inline]
    pub(super) fn take(&mut self, sequence: SequenceNumber) -> Option<Late> {
        self.0.as_mut()?.take(sequence)
    }

    /// When [`LateRequests::purge`] has something to do.
    #[inline]
    pub(super) fn deadline(&self) -> Option<Instant> {
        let (until, ..) = self.0.as_ref()?.until.front()?;
        Some(*until)
    }

    /// Forgets what was late for too long.
    pub(super) fn purge(&mut self, now: Instant) {
        while self.deadline().is_some_and(|until| until <= now) {
            if let Some(table) = &mut self.0 {
                table.pop();
            }
        }
    }

    /// Forgets all, and gives back the room for it.
    pub(super) fn clear(&mut self) {
        self.0 = None;
    }
}

impl Table {
    fn take(&mut self, sequence: SequenceNumber) -> Option<Late> {
        let kept = self.requests.remove(&sequence)?;
        self.places -= usize::from(kept.holds_place);
        Some(kept.late)
    }

    fn pop(&mut self) {
        if let Some((_, sequence, order)) = self.until.pop_front() {
            // The number may have been used again since.
            if self
                .requests
                .get(&sequence)
                .is_some_and(|kept| kept.late.order == order)
            {
                self.take(sequence);
            }
        }
    }

    fn release_before(&mut self, order: u64) {
        while let Some((skipped, sequence)) = self.skipped.pop_front_if(|(skipped, _)| *skipped < order) {
            if let Some(kept) = self.requests.get_mut(&sequence)
                && kept.late.order == skipped
                && kept.holds_place
            {
                kept.holds_place = false;
                self.places -= 1;
            }
        }
    }
}
