//! Who is next where several sessions share a budget.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Whoever did not come for so long is not waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// Those who found no token, in the order in which they asked. A token is set aside for each, as far as the burst
/// goes, so that whoever is quickest does not take them all.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns {
    waiting: VecDeque<(u64, Instant)>,
    next: u64,
}

/// The place of one session among them.
#[derive(Debug, Default)]
pub(super) struct Turn(Option<u64>);

impl Turns {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many come first. Whoever has no place yet gets the last one.
    pub(super) fn before(&mut self, turn: &mut Turn, now: Instant) -> usize {
        while self
            .waiting
            .front()
            .is_some_and(|(_, since)| now.saturating_duration_since(*since) > PATIENCE)
        {
            self.waiting.pop_front();
        }
        self.place(turn).unwrap_or_else(|| {
            turn.0 = Some(self.next);
            self.waiting.push_back((self.next, now));
            self.next = self.next.wrapping_add(1);
            self.waiting.len() - 1
        })
    }

    /// It has had its token.
    pub(super) fn leave(&mut self, turn: &mut Turn) {
        if let Some(place) = self.place(turn) {
            self.waiting.remove(place);
        }
        turn.0 = None;
    }

    fn place(&self, turn: &Turn) -> Option<usize> {
        let number = turn.0?;
        self.waiting.iter().position(|(waiting, _)| *waiting == number)
    }
}
