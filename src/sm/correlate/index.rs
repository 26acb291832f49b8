//! Finds rows by the hashes of their ids, a million of them without waiting for memory at each.

/// The smallest table. A power of two.
const SMALLEST: usize = 64;

/// What comes goes into the tables so many at once: fetching one place from memory takes the processor longer than the rest
/// of the work, and it fetches several at a time when nothing lies between them.
const PENDING: usize = 64;

/// Which rows may have the id with this hash.
///
/// New entries go into the youngest of several tables, and most that leave are in one of the oldest: messages are
/// forgotten in the order in which they came, but for a few. So both are in the caches of the processor, which one table
/// of a million entries is not. What is left of neighbours goes into one table. There are some sixty of them at most: a
/// search may have to look into all.
///
/// Eight octets each, in tables that are at most half full: half of the hash and the number of the row. Whoever is shown a row
/// sees whether it has the id. `LEAST` is how many places a table has at least when the next one is begun, a power of two:
/// 256 KiB.
#[derive(Clone, Debug, Default)]
pub(super) struct Index<const LEAST: usize = { 1 << 15 }> {
    /// From the oldest to the youngest.
    tables: Vec<Table>,
    /// Places of a table when the next one is begun: a sixteenth of all entries, so that there are never many.
    full: usize,
    /// What is to be put in, in the order in which it came.
    pending: Vec<Entry>,
    /// No more than the count of any that is to be put in; none while there is none.
    since: Option<u32>,
    /// Changes since the tables were looked at.
    changes: usize,
    /// In which table the entry was that was removed last.
    found: usize,
}

#[derive(Clone, Debug, Default)]
struct Table {
    /// Each in the first free place from where its hash points to; 0 where none is. As many places as a power of two.
    places: Vec<u64>,
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

    const fn has_hash_of(self, other: Self) -> bool {
        self.0 >> 32 == other.0 >> 32
    }

    /// Where it should be in a table whose size is one more than this mask.
    const fn home(self, mask: usize) -> usize {
        (self.0 >> 32) as usize & mask
    }
}

impl<const LEAST: usize> Index<LEAST> {
    /// From now on the hash names this row too, and no other that `is_same` calls the same; it is asked with the row that
    /// had the hash before, and with this one. `count` says which one it is of all that were ever in rows.
    #[inline]
    pub(super) fn insert(
        &mut self,
        hash: u64,
        (count, row): (u32, usize),
        is_same: impl Fn(usize, usize) -> bool,
    ) {
        if self.pending.len() >= PENDING {
            self.settle(is_same);
        }
        self.pending.push(Entry::new(hash, row));
        // Nearly always it is the youngest.
        if !self.may_wait(count) {
            self.since = Some(count);
        }
    }

    /// The hash names this row no more, which is still there, nor any that had the same id before.
    pub(super) fn remove(
        &mut self,
        hash: u64,
        (count, row): (u32, usize),
        is_same: impl Fn(usize, usize) -> bool,
    ) {
        let entry = Entry::new(hash, row);
        if self.may_wait(count) && self.pending.contains(&entry) {
            self.settle(&is_same);
        }
        self.changes += 1;
        let oldest = self.tables.first_mut();
        if let Some(oldest) = oldest
            && oldest.take(entry, |other| other == entry)
        {
            self.found = 0;
            if oldest.len == 0 {
                self.tables.remove(0);
            }
        } else {
            self.remove_younger(entry, &is_same);
        }
        if self.changes >= LEAST {
            self.tidy(is_same);
        }
    }

    /// The same where it is not in the oldest table.
    fn remove_younger(&mut self, entry: Entry, is_same: impl Fn(usize, usize) -> bool) {
        let mut younger = self.tables.iter_mut().skip(1);
        // None if the id has been given to another meanwhile.
        if let Some(at) = younger.position(|table| table.take(entry, |other| other == entry)) {
            for older in &mut self.tables[..=at] {
                older.take(entry, |other| {
                    other.has_hash_of(entry) && is_same(other.row(), entry.row())
                });
            }
            self.found = at + 1;
            if self.tables[..at + 2].iter().any(|table| table.len == 0) {
                self.tables.retain(|table| table.len > 0);
            }
        }
    }

    /// The row that `is_it` confirms, the last one first.
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(usize) -> bool) -> Option<usize> {
        let entry = Entry::new(hash, 0);
        let pending = self.pending.iter().rev().copied();
        let entries = self.tables.iter().rev().flat_map(|table| table.at(entry));
        let mut found = pending.chain(entries).filter(|other| other.has_hash_of(entry));
        found.find(|other| is_it(other.row())).map(Entry::row)
    }

    /// Has the processor fetch the places of what will soon be removed, all at once.
    pub(super) fn fetch(&self, hashes: impl Iterator<Item = u64>) {
        if let Some(table) = self.tables.get(self.found) {
            table.fetch(hashes.map(|hash| Entry::new(hash, 0)));
        }
    }

    /// False when what came as number `count` is in a table. Counts start anew after the last one.
    fn may_wait(&self, count: u32) -> bool {
        let after = |since| count.wrapping_sub(since) <= u32::MAX / 2;
        self.since.is_some_and(after)
    }

    /// Puts in what waits.
    fn settle(&mut self, is_same: impl Fn(usize, usize) -> bool) {
        let mut pending = std::mem::take(&mut self.pending);
        self.changes += pending.len();
        if let Some(youngest) = self.tables.last() {
            youngest.fetch(pending.iter().copied());
        }
        for entry in pending.drain(..) {
            let has_room = |table: &&mut Table| table.places.len() < self.full || table.has_room();
            match self.tables.last_mut().filter(has_room) {
                Some(table) => table.put(entry, &is_same),
                None => self.begin(entry, &is_same),
            }
        }
        self.pending = pending;
        self.since = None;
    }

    /// A new table, with this in it.
    #[cold]
    fn begin(&mut self, entry: Entry, is_same: impl Fn(usize, usize) -> bool) {
        self.tidy(&is_same);
        // The first one grows; where there are more, all of its places will be needed soon.
        let size = if self.tables.is_empty() {
            SMALLEST
        } else {
            self.full
        };
        let mut table = Table::with_places(size);
        table.put(entry, is_same);
        self.tables.push(table);
    }

    /// Puts together what is left of neighbours, and gives back the room that they no longer need.
    #[cold]
    fn tidy(&mut self, is_same: impl Fn(usize, usize) -> bool) {
        self.changes = 0;
        let tables = std::mem::take(&mut self.tables);
        let entries: usize = tables.iter().map(|table| table.len).sum();
        self.full = (entries / 16).next_power_of_two().max(LEAST);
        let youngest = tables.len().wrapping_sub(1);
        for (at, mut table) in tables.into_iter().enumerate() {
            table.shrink();
            match self.tables.last_mut() {
                _ if table.len == 0 => {}
                // Both fit one that is half full. The youngest goes on alone.
                Some(before) if at < youngest && (before.len + table.len) * 2 <= self.full => {
                    table.entries().for_each(|entry| before.put(entry, &is_same));
                }
                _ => self.tables.push(table),
            }
        }
    }
}

impl Table {
    fn with_places(size: usize) -> Self {
        Self {
            places: vec![0; size],
            len: 0,
        }
    }

    /// True when one more leaves half of it free: fuller ones have long rows of entries that move when one is taken out.
    const fn has_room(&self) -> bool {
        (self.len + 1) * 2 <= self.places.len()
    }

    fn entries(&self) -> impl Iterator<Item = Entry> {
        self.places.iter().copied().filter(|entry| *entry != 0).map(Entry)
    }

    /// What there is from where this belongs to the next free place.
    fn at(&self, entry: Entry) -> impl Iterator<Item = Entry> {
        let mask = self.places.len().wrapping_sub(1);
        let from = entry.home(mask);
        let places = (0..self.places.len()).map(move |step| self.places[(from + step) & mask]);
        places.take_while(|entry| *entry != 0).map(Entry)
    }

    /// Has the processor fetch the places where these belong, all at once.
    fn fetch(&self, entries: impl Iterator<Item = Entry>) {
        let mask = self.places.len().wrapping_sub(1);
        // The next ones too, which may be in another line of the cache.
        let places = entries.flat_map(|entry| [entry.home(mask), (entry.home(mask) + 2) & mask]);
        let seen = places.filter_map(|place| self.places.get(place));
        std::hint::black_box(seen.fold(0, std::ops::BitOr::bitor));
    }

    /// Between a quarter and half full, if it is less than an eighth.
    fn shrink(&mut self) {
        let wanted = (self.len * 2).next_power_of_two().max(SMALLEST);
        if self.len * 8 < self.places.len() && wanted < self.places.len() {
            let before = std::mem::replace(self, Self::with_places(wanted));
            before.entries().for_each(|entry| self.place(entry));
        }
    }

    /// Twice as many places, where it stands: memory that nobody has touched yet is what costs most.
    #[cold]
    fn grow(&mut self) {
        let before = self.places.len();
        self.places.resize((before * 2).max(SMALLEST), 0);
        self.len = 0;
        // From the first free place on, each entry finds those before it where they will stay. What stood before that place
        // comes last, as it may belong behind the end.
        let first_free = self.places.iter().position(|entry| *entry == 0);
        let first_free = first_free.unwrap_or(before).min(before);
        let wrapped: Vec<_> = self.places[..first_free].iter_mut().map(std::mem::take).collect();
        for place in first_free..before {
            match std::mem::take(&mut self.places[place]) {
                0 => {}
                entry => self.place(Entry(entry)),
            }
        }
        wrapped.into_iter().for_each(|entry| self.place(Entry(entry)));
    }

    /// Puts in what is not there.
    fn place(&mut self, entry: Entry) {
        let mask = self.places.len() - 1;
        let mut place = entry.home(mask);
        while self.places[place] != 0 {
            place = (place + 1) & mask;
        }
        self.places[place] = entry.0;
        self.len += 1;
    }

    /// Puts it in the place of one that is the same.
    #[inline]
    fn put(&mut self, entry: Entry, is_same: impl Fn(usize, usize) -> bool) {
        if !self.has_room() {
            self.grow();
        }
        let mask = self.places.len() - 1;
        let mut place = entry.home(mask);
        while self.places[place] != 0 {
            let other = Entry(self.places[place]);
            if other == entry {
                return;
            }
            if other.has_hash_of(entry) && is_same(other.row(), entry.row()) {
                self.places[place] = entry.0;
                return;
            }
            place = (place + 1) & mask;
        }
        self.places[place] = entry.0;
        self.len += 1;
    }

    /// Takes out what `is_it` calls the one, of those that may stand where this belongs.
    #[inline]
    fn take(&mut self, entry: Entry, is_it: impl Fn(Entry) -> bool) -> bool {
        let places = &mut self.places[..];
        let mask = places.len().wrapping_sub(1);
        let mut hole = entry.home(mask);
        loop {
            match places.get(hole) {
                None | Some(0) => return false,
                Some(other) if is_it(Entry(*other)) => break,
                Some(_) => hole = (hole + 1) & mask,
            }
        }
        self.len -= 1;
        // Those behind it that would no longer be found move up.
        let mut place = hole;
        loop {
            place = (place + 1) & mask;
            let behind = places[place];
            if behind == 0 {
                break;
            }
            let home = Entry(behind).home(mask);
            if place.wrapping_sub(home) & mask >= place.wrapping_sub(hole) & mask {
                places[hole] = behind;
                hole = place;
            }
        }
        places[hole] = 0;
        true
    }
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
    struct World<const LEAST: usize> {
        index: Index<LEAST>,
        rows: RefCell<HashMap<usize, u32>>,
        named: HashMap<u32, usize>,
        counts: HashMap<usize, u32>,
        count: u32,
    }

    impl<const LEAST: usize> World<LEAST> {
        fn insert(&mut self, row: usize, id: u32) {
            assert_eq!(self.rows.borrow_mut().insert(row, id), None);
            self.count += 1;
            let count = (self.count, row);
            self.counts.insert(row, self.count);
            let rows = &self.rows;
            self.index
                .insert(hash(id), count, |before, now| is_same(rows, before, now));
            self.named.insert(id, row);
        }

        fn remove(&mut self, row: usize) {
            let (id, count) = (self.rows.borrow()[&row], (self.counts[&row], row));
            let rows = &self.rows;
            self.index
                .remove(hash(id), count, |before, now| is_same(rows, before, now));
            self.rows.borrow_mut().remove(&row);
            self.named.retain(|_, named| *named != row);
        }

        fn find(&self, id: u32) -> Option<usize> {
            self.index
                .find(hash(id), |row| self.rows.borrow().get(&row) == Some(&id))
        }

        fn check(&self, ids: u32) {
            for id in 0..ids {
                assert_eq!(self.find(id), self.named.get(&id).copied(), "id {id}");
            }
            self.index.look();
        }
    }

    impl<const LEAST: usize> Index<LEAST> {
        fn places(&self) -> usize {
            self.tables.iter().map(|table| table.places.len()).sum()
        }

        /// Tables are at most half full, and no larger than they may be.
        fn look(&self) {
            for table in &self.tables {
                let places = table.places.len();
                assert!(table.len * 2 <= places, "{} in {places} places", table.len);
                assert!(places <= self.full.max(SMALLEST), "{places} places");
                assert_eq!(table.entries().count(), table.len);
            }
        }
    }

    fn is_same(rows: &RefCell<HashMap<usize, u32>>, before: usize, now: usize) -> bool {
        let rows = rows.borrow();
        let before = rows.get(&before);
        before.is_some() && before == rows.get(&now)
    }

    /// `next` gives the row that comes or goes in a step.
    fn rows_come_and_go<const LEAST: usize>(next: impl Fn(u32, &mut fastrand::Rng) -> usize) -> usize {
        let mut random = fastrand::Rng::with_seed(3);
        let (mut world, mut most) = (World::<LEAST>::default(), 0);
        for step in 0..60_000 {
            let row = next(step, &mut random);
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
            most = most.max(world.index.tables.len());
        }
        world.check(6_000);
        let mut rows: Vec<_> = world.rows.borrow().keys().copied().collect();
        rows.sort_unstable();
        rows.into_iter().for_each(|row| world.remove(row));
        assert_eq!(world.index.places(), 0);
        most
    }

    #[test]
    fn an_id_names_the_row_that_it_was_last_given_and_none_when_that_is_gone() {
        let any = |_, random: &mut fastrand::Rng| random.usize(..1_500);
        assert_eq!(rows_come_and_go::<32_768>(any), 1);
        assert!(rows_come_and_go::<64>(any) > 10);
        // The oldest goes first, but for a few.
        let in_turn = |step, random: &mut fastrand::Rng| match random.u8(..20) {
            0 => random.usize(..1_500),
            _ => step as usize % 1_500,
        };
        assert_eq!(rows_come_and_go::<32_768>(in_turn), 1);
        assert!(rows_come_and_go::<64>(in_turn) > 10);
    }

    fn spread(number: usize) -> u64 {
        (number as u64)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .rotate_left(29)
    }

    #[test]
    fn room_follows_what_is_kept() {
        let mut index: Index = Index::default();
        assert_eq!(index.places(), 0, "nothing is kept, nothing is reserved");
        let never = |_, _| false;
        for number in 0..200_000 {
            index.insert(spread(number), (number as u32, number), never);
            if number % 4_096 == 0 {
                index.look();
            }
        }
        let flooded = index.places();
        assert!(
            (400_000..=450_000).contains(&flooded),
            "{flooded} places for 200,000"
        );
        for number in 0..200_000 {
            assert_eq!(index.find(spread(number), |_| true), Some(number));
        }
        for number in 0..190_000 {
            index.remove(spread(number), (number as u32, number), never);
            if number % 4_096 == 0 {
                index.look();
            }
        }
        let left = index.places();
        assert!(left <= 80_000, "{left} places for 10,000");
        for number in 0..200_000 {
            let found = (number >= 190_000).then_some(number);
            assert_eq!(index.find(spread(number), |row| row >= 190_000), found);
        }
    }

    #[test]
    fn what_is_left_of_many_is_put_together() {
        // One of so many is never forgotten.
        for few in [100, 10, 3] {
            let mut index: Index = Index::default();
            let never = |_, _| false;
            let stays = |number: usize| number.is_multiple_of(few);
            let count = 1_000_000;
            for number in 0..count {
                index.insert(spread(number), (number as u32, number), never);
                if let Some(oldest) = number.checked_sub(50_000)
                    && !stays(oldest)
                {
                    index.remove(spread(oldest), (oldest as u32, oldest), never);
                }
                if number % 65_536 == 0 {
                    index.look();
                    let (tables, places) = (index.tables.len(), index.places());
                    let kept = 50_000 + number / few;
                    assert!(tables <= 64, "{tables} tables for {kept}");
                    assert!(places <= 6 * kept, "{places} places for {kept}");
                }
            }
            for number in (0..count).filter(|number| stays(*number)) {
                assert_eq!(index.find(spread(number), |row| row == number), Some(number));
            }
        }
    }
}
