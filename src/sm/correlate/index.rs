//! Finds rows by the hashes of their ids, a million of them without waiting for memory at each.

/// A table that grows holds up those who wait for it: these grow one by one.
const SHARDS: usize = 16;

/// Changes that come at once go into the table at once: fetching one place of a large table from memory takes the
/// processor longer than the rest of the work, and it fetches several at a time when nothing lies between them.
const PENDING: usize = u128::BITS as usize;

/// Entries of a page of memory, of the smallest pages there are.
const PAGE: usize = 4096 / 8;

/// The smallest table. A power of two.
const SMALLEST: usize = 256;

/// Which rows may have the id with this hash.
///
/// Eight octets each, in tables that are at most two thirds full: half of the hash and the number of the row. Whoever
/// is shown a row sees whether it has the id.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    shards: [Shard; SHARDS],
}

#[derive(Clone, Debug, Default)]
struct Shard {
    /// What the last changes are about, which are not in the table yet, in their order.
    pending: Vec<Entry>,
    /// Which of them take out what they are about; the others put it in.
    takes: u128,
    /// Each in the first free place from where its hash points to; 0 where none is. As many places as a power of two.
    table: Vec<u64>,
    len: usize,
}

/// Half of a hash, and a row. Never 0.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Entry(u64);

impl Entry {
    const fn new(hash: u64, row: usize) -> Self {
        Self(hash << 32 | (row as u64 + 1))
    }

    const fn row(self) -> usize {
        (self.0 as u32 - 1) as usize
    }

    const fn has(self, hash: u64) -> bool {
        self.0 >> 32 == hash & 0xFFFF_FFFF
    }

    /// Where it should be in a table whose size is one more than this mask.
    const fn home(self, mask: usize) -> usize {
        (self.0 >> 32) as usize & mask
    }
}

impl Index {
    /// From now on the hash names this row too, and no other that `is_same` calls the same; it is asked with the row that
    /// had the hash before, and with this one.
    pub(super) fn insert(&mut self, hash: u64, row: usize, is_same: impl Fn(usize, usize) -> bool) {
        self.shards[place(hash)].change(Entry::new(hash, row), false, is_same);
    }

    /// The hash names this row no more, which is still there.
    pub(super) fn remove(&mut self, hash: u64, row: usize, is_same: impl Fn(usize, usize) -> bool) {
        let entry = Entry::new(hash, row);
        let shard = &mut self.shards[place(hash)];
        // What it took its id from must lose it while the row is there to be compared.
        if shard.pending.contains(&entry) {
            shard.settle(&is_same);
        }
        shard.change(entry, true, is_same);
    }

    /// The row that `is_it` confirms, the last one first. It may be shown rows that are no more.
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(usize) -> bool) -> Option<usize> {
        let shard = &self.shards[place(hash)];
        let pending = shard.pending.iter().rev().copied();
        let mut found = pending
            .chain(shard.at(Entry::new(hash, 0)))
            .filter(|entry| entry.has(hash));
        found.find(|entry| is_it(entry.row())).map(Entry::row)
    }
}

impl Shard {
    fn change(&mut self, entry: Entry, takes: bool, is_same: impl Fn(usize, usize) -> bool) {
        if self.pending.len() >= PENDING {
            self.settle(is_same);
        }
        self.takes |= u128::from(takes) << self.pending.len();
        self.pending.push(entry);
    }

    /// What the table has from where this belongs to the next free place.
    fn at(&self, entry: Entry) -> impl Iterator<Item = Entry> {
        let mask = self.table.len().wrapping_sub(1);
        let from = entry.home(mask);
        let places = (0..self.table.len()).map(move |step| self.table[(from + step) & mask]);
        places.take_while(|entry| *entry != 0).map(Entry)
    }

    /// Carries the pending changes out.
    fn settle(&mut self, is_same: impl Fn(usize, usize) -> bool) {
        let pending = std::mem::take(&mut self.pending);
        self.make_room(pending.len());
        let mask = self.table.len() - 1;
        // All places are looked at before any is written to, so that they are fetched at once.
        let seen = pending.iter().map(|entry| self.table[entry.home(mask)]);
        std::hint::black_box(seen.fold(0, std::ops::BitOr::bitor));
        let takes = std::mem::take(&mut self.takes);
        for (change, entry) in pending.iter().enumerate() {
            if takes >> change & 1 == 0 {
                self.put(*entry, &is_same);
            } else {
                self.take(*entry);
            }
        }
        self.pending = pending;
        self.pending.clear();
    }

    /// Room for so many more, at most two thirds full; less where much is free.
    fn make_room(&mut self, more: usize) {
        let (wanted, size) = (self.len + more, self.table.len());
        if wanted * 3 <= size * 2 && (wanted * 8 > size || size == SMALLEST) {
            return;
        }
        // Between a third and two thirds full.
        let size = (wanted * 3 / 2 + 1).next_power_of_two().max(SMALLEST);
        let mut table = vec![0; size];
        // The system gives a page when it is read first, and another when it is written: these are written first.
        table
            .iter_mut()
            .step_by(PAGE)
            .for_each(|entry| *std::hint::black_box(entry) = 0);
        let before = std::mem::replace(&mut self.table, table);
        let mask = size - 1;
        for entry in before.into_iter().filter(|entry| *entry != 0).map(Entry) {
            let place = self.free_place(entry, mask);
            self.table[place] = entry.0;
        }
    }

    fn free_place(&self, entry: Entry, mask: usize) -> usize {
        let mut place = entry.home(mask);
        while self.table[place] != 0 {
            place = (place + 1) & mask;
        }
        place
    }

    fn put(&mut self, entry: Entry, is_same: impl Fn(usize, usize) -> bool) {
        let mask = self.table.len() - 1;
        let mut place = entry.home(mask);
        while self.table[place] != 0 {
            let other = Entry(self.table[place]);
            if other == entry {
                return;
            }
            if other.has(entry.0 >> 32) && is_same(other.row(), entry.row()) {
                self.table[place] = entry.0;
                return;
            }
            place = (place + 1) & mask;
        }
        self.table[place] = entry.0;
        self.len += 1;
    }

    fn take(&mut self, entry: Entry) {
        let mask = self.table.len() - 1;
        let mut hole = entry.home(mask);
        while self.table[hole] != entry.0 {
            if self.table[hole] == 0 {
                return;
            }
            hole = (hole + 1) & mask;
        }
        self.len -= 1;
        // Those behind it that would no longer be found move up.
        let mut place = hole;
        loop {
            place = (place + 1) & mask;
            if self.table[place] == 0 {
                break;
            }
            let home = Entry(self.table[place]).home(mask);
            if place.wrapping_sub(home) & mask >= place.wrapping_sub(hole) & mask {
                self.table[hole] = self.table[place];
                hole = place;
            }
        }
        self.table[hole] = 0;
    }
}

/// Which shard a hash belongs to; entries keep the lower half.
const fn place(hash: u64) -> usize {
    (hash >> 32) as usize % SHARDS
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::HashMap;

    use super::*;

    /// Few enough that several have the same half, and the same place.
    fn hash(id: u32) -> u64 {
        const TAGS: u64 = 3_000;
        let spread = (u64::from(id) % TAGS)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .rotate_left(29);
        spread & !(0xF << 32) | (u64::from(id) % TAGS % 3) << 32
    }

    /// Rows with one id each, and which row each id is expected to name.
    #[derive(Default)]
    struct World {
        index: Index,
        rows: RefCell<HashMap<usize, u32>>,
        named: HashMap<u32, usize>,
    }

    impl World {
        fn insert(&mut self, row: usize, id: u32) {
            assert_eq!(self.rows.borrow_mut().insert(row, id), None);
            let Self { index, rows, named } = self;
            index.insert(hash(id), row, |before, now| is_same(rows, before, now));
            named.insert(id, row);
        }

        fn remove(&mut self, row: usize) {
            let Self { index, rows, named } = self;
            let id = rows.borrow()[&row];
            index.remove(hash(id), row, |before, now| is_same(rows, before, now));
            rows.borrow_mut().remove(&row);
            named.retain(|_, named| *named != row);
        }

        fn find(&self, id: u32) -> Option<usize> {
            self.index
                .find(hash(id), |row| self.rows.borrow().get(&row) == Some(&id))
        }

        fn places(&self) -> usize {
            self.index.shards.iter().map(|shard| shard.table.len()).sum()
        }

        /// Tables are at most two thirds full, and hardly ever less than an eighth.
        fn look(&self) {
            for Shard { table, len, .. } in &self.index.shards {
                assert!(len * 3 <= table.len() * 2, "{len} in {} places", table.len());
                assert!(
                    table.len() <= SMALLEST.max((len + 2 * PENDING) * 8),
                    "{len} in {} places",
                    table.len()
                );
                assert_eq!(table.iter().filter(|entry| **entry != 0).count(), *len);
            }
        }
    }

    fn is_same(rows: &RefCell<HashMap<usize, u32>>, before: usize, now: usize) -> bool {
        let rows = rows.borrow();
        let before = rows.get(&before);
        before.is_some() && before == rows.get(&now)
    }

    #[test]
    fn an_id_names_the_row_that_it_was_last_given_and_none_when_that_is_gone() {
        let mut random = fastrand::Rng::with_seed(3);
        let mut world = World::default();
        for step in 0..30_000 {
            let row = random.usize(..1_500);
            if world.rows.borrow().contains_key(&row) {
                world.remove(row);
            } else {
                world.insert(row, random.u32(..6_000));
            }
            let id = random.u32(..6_000);
            assert_eq!(
                world.find(id),
                world.named.get(&id).copied(),
                "id {id} after step {step}"
            );
        }
        for id in 0..6_000 {
            assert_eq!(world.find(id), world.named.get(&id).copied(), "id {id}");
        }
    }

    #[test]
    fn room_follows_what_is_kept() {
        let mut world = World::default();
        assert_eq!(world.places(), 0, "nothing is kept, nothing is reserved");
        let spread = |number: usize| {
            (number as u64)
                .wrapping_mul(0x9E37_79B9_7F4A_7C15)
                .rotate_left(29)
        };
        let never = |_, _| false;
        for number in 0..200_000 {
            world.index.insert(spread(number), number, never);
            if number % 4_096 == 0 {
                world.look();
            }
        }
        let flooded = world.places();
        assert!(
            (300_000..=700_000).contains(&flooded),
            "{flooded} places for 200,000"
        );
        for number in 0..200_000 {
            assert_eq!(world.index.find(spread(number), |_| true), Some(number));
        }
        for number in 0..190_000 {
            world.index.remove(spread(number), number, never);
            if number % 4_096 == 0 {
                world.look();
            }
        }
        let left = world.places();
        assert!(left <= 80_000, "{left} places for 10,000");
        for number in 0..200_000 {
            let found = (number >= 190_000).then_some(number);
            assert_eq!(world.index.find(spread(number), |row| row >= 190_000), found);
        }
        let pending = world
            .index
            .shards
            .iter()
            .map(|shard| shard.pending.capacity())
            .max();
        assert_eq!(pending, Some(PENDING), "they go into the table together");
    }
}
