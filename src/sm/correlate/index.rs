//! Finds rows by the hashes of their ids, a million of them without waiting for memory at each.

/// A table that grows holds up those who wait for it: these grow one by one.
const SHARDS: usize = 16;

/// Changes that come at once go into the table at once: fetching one place of a large table from memory takes the
/// processor longer than the rest of the work, and it fetches several at a time when nothing lies between them.
const PENDING: usize = 128;

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
    /// What is to be put in, in the order in which it came.
    pending: Vec<Entry>,
    /// What is to be taken out before; it is in the table.
    leaving: Vec<Entry>,
    /// No more than the count of any that is to be put in; none while there is none.
    since: Option<u32>,
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
    /// had the hash before, and with this one. `count` says which one it is of all that were ever in rows.
    pub(super) fn insert(
        &mut self,
        hash: u64,
        (count, row): (u32, usize),
        is_same: impl Fn(usize, usize) -> bool,
    ) {
        let shard = &mut self.shards[place(hash)];
        shard.settle_if_full(is_same);
        shard.pending.push(Entry::new(hash, row));
        shard.note(count);
    }

    /// The hash names this row no more, which is still there.
    pub(super) fn remove(
        &mut self,
        hash: u64,
        (count, row): (u32, usize),
        is_same: impl Fn(usize, usize) -> bool,
    ) {
        let entry = Entry::new(hash, row);
        let shard = &mut self.shards[place(hash)];
        // What it took its id from must lose it while the row is there to be compared.
        if shard.may_wait(count) && shard.pending.contains(&entry) {
            shard.settle(&is_same);
        }
        shard.settle_if_full(is_same);
        shard.leaving.push(entry);
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
    fn settle_if_full(&mut self, is_same: impl Fn(usize, usize) -> bool) {
        if self.pending.len() + self.leaving.len() >= PENDING {
            self.settle(is_same);
        }
    }

    /// One that came as number `count` waits to be put in. Nearly always it is the youngest.
    fn note(&mut self, count: u32) {
        if self.since.is_none() || !self.may_wait(count) {
            self.since = Some(count);
        }
    }

    /// False when what came as number `count` is in the table. Counts start anew after the last one.
    fn may_wait(&self, count: u32) -> bool {
        let after = |since| count.wrapping_sub(since) <= u32::MAX / 2;
        self.since.is_some_and(after)
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
        let (pending, leaving) = (
            std::mem::take(&mut self.pending),
            std::mem::take(&mut self.leaving),
        );
        self.make_room(pending.len());
        let mask = self.table.len() - 1;
        // All places are looked at before any is written to, so that they are fetched at once.
        let changes = leaving.iter().chain(&pending);
        let seen = changes.map(|entry| self.table[entry.home(mask)]);
        std::hint::black_box(seen.fold(0, std::ops::BitOr::bitor));
        leaving.iter().for_each(|entry| self.take(*entry));
        pending.iter().for_each(|entry| self.put(*entry, &is_same));
        (self.pending, self.leaving) = (pending, leaving);
        self.pending.clear();
        self.leaving.clear();
        self.since = None;
    }

    /// Room for so many more, at most two thirds full; less where much is free.
    fn make_room(&mut self, more: usize) {
        let (wanted, size) = (self.len + more, self.table.len());
        if wanted * 3 <= size * 2 && (wanted * 8 > size || size == SMALLEST) {
            return;
        }
        // Between a third and two thirds full.
        let wanted = (wanted * 3 / 2 + 1).next_power_of_two().max(SMALLEST);
        if size > 0 && wanted > size {
            return self.grow(wanted);
        }
        let before = std::mem::replace(&mut self.table, vec![0; wanted]);
        for entry in before.into_iter().filter(|entry| *entry != 0) {
            self.place(Entry(entry));
        }
    }

    /// Grows where it stands: memory that nobody has touched yet is what costs most.
    fn grow(&mut self, size: usize) {
        let before = self.table.len();
        self.table.resize(size, 0);
        // From the first free place on, each entry finds those before it where they will stay. What stood before that place
        // comes last, as it may belong behind the end.
        let first_free = self.table.iter().position(|entry| *entry == 0);
        let first_free = first_free.unwrap_or(before).min(before);
        let wrapped: Vec<_> = self.table[..first_free].iter_mut().map(std::mem::take).collect();
        for place in first_free..before {
            match std::mem::take(&mut self.table[place]) {
                0 => {}
                entry => self.place(Entry(entry)),
            }
        }
        wrapped.into_iter().for_each(|entry| self.place(Entry(entry)));
    }

    /// Puts in what is not there.
    fn place(&mut self, entry: Entry) {
        let mask = self.table.len() - 1;
        let mut place = entry.home(mask);
        while self.table[place] != 0 {
            place = (place + 1) & mask;
        }
        self.table[place] = entry.0;
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
        counts: HashMap<usize, u32>,
        count: u32,
    }

    impl World {
        fn insert(&mut self, row: usize, id: u32) {
            assert_eq!(self.rows.borrow_mut().insert(row, id), None);
            let Self {
                index,
                rows,
                named,
                counts,
                count,
            } = self;
            *count += 1;
            counts.insert(row, *count);
            index.insert(hash(id), (*count, row), |before, now| is_same(rows, before, now));
            named.insert(id, row);
        }

        fn remove(&mut self, row: usize) {
            let Self {
                index,
                rows,
                named,
                counts,
                ..
            } = self;
            let id = rows.borrow()[&row];
            index.remove(hash(id), (counts[&row], row), |before, now| {
                is_same(rows, before, now)
            });
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
            world.index.insert(spread(number), (number as u32, number), never);
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
            world.index.remove(spread(number), (number as u32, number), never);
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
