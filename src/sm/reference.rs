//! Reference numbers that tie the parts of a message together.

use std::collections::{HashMap, VecDeque};

/// Gives reference numbers. One that persists them is welcome: a number that comes again too early lets a handset
/// mix two messages.
pub trait ReferenceGenerator: Send {
    /// The number for the next message to a destination; with eight-bit references the low octet is used.
    fn next_reference(&mut self, destination: &[u8]) -> u16;
}

/// One counter for each destination, so that a number comes again as late as possible for whoever receives it.
///
/// Counters start at a random number. When there are too many, the one that was made first is forgotten.
#[derive(Clone, Debug)]
pub struct PerDestination {
    counters: HashMap<Box<[u8]>, u16>,
    /// Destinations in the order in which their counters were made.
    order: VecDeque<Box<[u8]>>,
    capacity: usize,
    random: fastrand::Rng,
}

impl PerDestination {
    /// Counters for at most `capacity` destinations; `seed` decides where they start.
    #[must_use]
    pub fn new(capacity: usize, seed: u64) -> Self {
        Self {
            counters: HashMap::new(),
            order: VecDeque::new(),
            capacity: capacity.max(1),
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// The number that was given last to each destination, oldest counter first: what to persist.
    pub fn last_references(&self) -> impl Iterator<Item = (&[u8], u16)> {
        self.order
            .iter()
            .filter_map(|destination| Some((&**destination, *self.counters.get(destination)?)))
    }

    /// Goes on from numbers that were persisted.
    pub fn restore<'d>(&mut self, references: impl IntoIterator<Item = (&'d [u8], u16)>) {
        for (destination, last) in references {
            *self.counter(destination) = last;
        }
    }

    fn counter(&mut self, destination: &[u8]) -> &mut u16 {
        if !self.counters.contains_key(destination) {
            while self.counters.len() >= self.capacity
                && let Some(oldest) = self.order.pop_front()
            {
                self.counters.remove(&oldest);
            }
            self.order.push_back(destination.into());
        }
        self.counters
            .entry(destination.into())
            .or_insert_with(|| self.random.u16(..))
    }
}

impl ReferenceGenerator for PerDestination {
    fn next_reference(&mut self, destination: &[u8]) -> u16 {
        let counter = self.counter(destination);
        *counter = counter.wrapping_add(1);
        *counter
    }
}

/// One counter for everybody: the simplest to persist.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Sequential {
    /// The number that was given last.
    pub last: u16,
}

impl ReferenceGenerator for Sequential {
    fn next_reference(&mut self, _destination: &[u8]) -> u16 {
        self.last = self.last.wrapping_add(1);
        self.last
    }
}
