//! Finds messages by the hashes of their ids, a million of them without waiting for memory at each.

use hashbrown::hash_table::{Entry, HashTable};

use super::MessageKey;

/// A table that grows holds up those who wait for it: these grow one by one.
const SHARDS: usize = 16;

/// Ids that come at once go into the table at once: fetching one place of a large table from memory takes the processor
/// longer than the rest of the work, and it fetches several at a time when nothing lies between them.
const FRESH: usize = 128;

/// A message and the hash of one of its ids.
#[derive(Clone, Copy, Debug)]
struct Named {
    hash: u64,
    key: MessageKey,
}

/// Which message has the id with this hash.
///
/// What is no longer true is not taken out: whoever finds a message sees whether it is still there, and has that id. A
/// table that is full drops what is stale before it grows, so that it never has more than twice the places it needs.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    shards: [Shard; SHARDS],
}

#[derive(Clone, Debug, Default)]
struct Shard {
    /// The last ones, which are not in the table yet.
    fresh: Vec<Named>,
    /// One for each hash.
    table: HashTable<Named>,
}

impl Index {
    /// From now on the hash names this message. `is_kept` tells which messages are still there.
    pub(super) fn insert(&mut self, hash: u64, key: MessageKey, is_kept: impl Fn(MessageKey) -> bool) {
        let shard = &mut self.shards[place(hash)];
        if shard.fresh.len() >= FRESH {
            shard.settle(is_kept);
        }
        shard.fresh.push(Named { hash, key });
    }

    /// The message that the hash was last given.
    pub(super) fn find(&self, hash: u64) -> Option<MessageKey> {
        let shard = &self.shards[place(hash)];
        let is_it = |named: &&Named| named.hash == hash;
        let fresh = shard.fresh.iter().rev().find(is_it);
        let found = fresh.or_else(|| shard.table.find(hash, |named| named.hash == hash));
        found.map(|named| named.key)
    }
}

impl Shard {
    /// Puts the fresh ones into the table.
    fn settle(&mut self, is_kept: impl Fn(MessageKey) -> bool) {
        let Self { fresh, table } = self;
        if table.capacity() - table.len() < fresh.len() {
            table.retain(|named| is_kept(named.key));
            // A third stays free for those to come, or there would be a clearing soon again.
            let wanted = (table.len() + fresh.len()) * 3 / 2;
            if wanted < table.capacity() / 4 {
                table.shrink_to(wanted, |named| named.hash);
            }
            table.reserve(wanted - table.len(), |named| named.hash);
        }
        for named in fresh.drain(..) {
            match table.entry(named.hash, |other| other.hash == named.hash, |other| other.hash) {
                Entry::Occupied(mut before) => *before.get_mut() = named,
                Entry::Vacant(free) => drop(free.insert(named)),
            }
        }
    }
}

/// Which shard a hash belongs to: the tables use the lowest and the highest bits.
const fn place(hash: u64) -> usize {
    (hash >> 32) as usize % SHARDS
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spread as hashes are.
    fn hash(number: u64) -> u64 {
        number.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29)
    }

    #[test]
    fn every_hash_names_the_message_that_it_was_last_given() {
        let mut index = Index::default();
        const COUNT: u64 = 20_000;
        let mut fresh = 0;
        for round in [0, COUNT] {
            for number in 0..COUNT {
                index.insert(hash(number), MessageKey(round + number), |_| true);
                fresh = fresh.max(index.shards[place(hash(number))].fresh.len());
                assert_eq!(index.find(hash(number)), Some(MessageKey(round + number)));
            }
        }
        for number in 0..COUNT {
            assert_eq!(index.find(hash(number)), Some(MessageKey(COUNT + number)));
        }
        assert_eq!(index.find(hash(COUNT)), None);
        let kept: usize = index.shards.iter().map(|shard| shard.table.len()).sum();
        assert!(kept <= COUNT as usize, "one for each hash");
        assert_eq!(fresh, FRESH, "they go into the table together");
    }

    #[test]
    fn what_is_stale_makes_room_for_what_comes_and_memory_falls_after_a_flood() {
        fn places(index: &Index) -> usize {
            let tables = index.shards.iter().map(|shard| shard.table.capacity());
            tables.sum()
        }
        let mut index = Index::default();
        let mut come = |kept: u64, numbers: std::ops::Range<u64>| {
            for number in numbers {
                let oldest = (number + 1).saturating_sub(kept);
                index.insert(hash(number), MessageKey(number), |key| key.0 >= oldest);
            }
            places(&index)
        };
        for round in 0..20 {
            let places = come(10_000, round * 10_000..(round + 1) * 10_000);
            assert!(places <= 40_000, "{places} places in round {round}");
        }
        let flooded = come(200_000, 200_000..400_000);
        assert!(flooded >= 200_000, "{flooded} places");
        let fallen = come(10_000, 400_000..1_000_000);
        assert!(fallen <= 40_000, "{fallen} places");
    }
}
