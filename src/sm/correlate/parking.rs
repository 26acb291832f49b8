//! Receipts that came before the response which names their message.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use super::SPARE;
use crate::sm::Receipt;

/// A receipt whose message is not known yet.
#[derive(Clone, Debug)]
pub(super) struct Parked {
    pub(super) receipt: Receipt<'static>,
    keys: Vec<Box<str>>,
    until: Instant,
    octets: usize,
}

/// What a receipt and its keys take: each key is there twice.
pub(super) fn octets(receipt: &Receipt<'_>, keys: &[Box<str>]) -> usize {
    receipt.octets() + 2 * keys.iter().map(|key| key.len()).sum::<usize>()
}

/// Parked receipts in the order of arrival, which is the order of their deadlines.
#[derive(Clone, Debug, Default)]
pub(super) struct Parking {
    receipts: BTreeMap<u64, Parked>,
    by_id: HashMap<Box<str>, Vec<u64>>,
    octets: usize,
    next: u64,
}

impl Parking {
    /// Parks a receipt under every id that it may be looked for.
    pub(super) fn park(
        &mut self,
        receipt: Receipt<'static>,
        keys: Vec<Box<str>>,
        octets: usize,
        until: Instant,
    ) {
        let number = self.next;
        self.next += 1;
        // Invariant: deadlines are in the order of arrival, also after the limit was made shorter.
        let last = self.receipts.last_key_value();
        let until = last.map_or(until, |(_, parked)| until.max(parked.until));
        for key in &keys {
            self.by_id.entry(key.clone()).or_default().push(number);
        }
        self.octets += octets;
        let parked = Parked {
            receipt,
            keys,
            until,
            octets,
        };
        self.receipts.insert(number, parked);
    }

    /// Takes the oldest receipt that was parked under an id.
    #[inline]
    pub(super) fn take(&mut self, id: &str) -> Option<Parked> {
        if self.receipts.is_empty() {
            return None;
        }
        let number = *self.by_id.get(id)?.first()?;
        self.remove(number)
    }

    /// Takes the oldest receipt of all.
    pub(super) fn take_oldest(&mut self) -> Option<Parked> {
        let number = *self.receipts.first_key_value()?.0;
        self.remove(number)
    }

    /// Takes the oldest receipt if its time has passed.
    pub(super) fn take_expired(&mut self, now: Instant) -> Option<Parked> {
        self.next_deadline().filter(|deadline| *deadline <= now)?;
        self.take_oldest()
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.receipts.first_key_value().map(|(_, parked)| parked.until)
    }

    pub(super) fn len(&self) -> usize {
        self.receipts.len()
    }

    /// Octets that the receipts take, as [`octets`] counts them.
    pub(super) const fn octets(&self) -> usize {
        self.octets
    }

    fn remove(&mut self, number: u64) -> Option<Parked> {
        let parked = self.receipts.remove(&number)?;
        self.octets -= parked.octets;
        for key in &parked.keys {
            if let Some(numbers) = self.by_id.get_mut(key) {
                numbers.retain(|other| *other != number);
                if numbers.is_empty() {
                    self.by_id.remove(key);
                }
            }
        }
        if self.by_id.capacity() > SPARE && self.by_id.len() * 4 < self.by_id.capacity() {
            self.by_id.shrink_to(self.by_id.len() * 2);
        }
        Some(parked)
    }
}
