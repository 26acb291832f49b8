//! Rows that keep their number: a slab in chunks, which neither copies when it grows nor keeps what it no longer needs.

/// Rows of a chunk. A power of two.
const CHUNK: usize = 512;

/// Empty chunks whose memory is kept, where at least as many are full: an allocator that is asked for such large pieces
/// puts all the small ones together that it has at hand.
const SPARE: usize = 4;

/// Rows by number. A new one takes the place of one that is gone.
#[derive(Clone, Debug)]
pub(super) struct Rows<R> {
    chunks: Vec<Chunk<R>>,
    /// Chunks with room; the last is filled first.
    roomy: Vec<usize>,
    /// Memory of chunks that are empty.
    spare: Vec<Vec<Slot<R>>>,
    len: usize,
}

#[derive(Clone, Debug)]
struct Chunk<R> {
    rows: Vec<Slot<R>>,
    /// The first place that is free again.
    free: Option<u16>,
    taken: usize,
}

#[derive(Clone, Debug)]
enum Slot<R> {
    Taken(R),
    /// With the next place that is free.
    Free(Option<u16>),
}

impl<R> Default for Rows<R> {
    fn default() -> Self {
        Self {
            chunks: Vec::new(),
            roomy: Vec::new(),
            spare: Vec::new(),
            len: 0,
        }
    }
}

impl<R> Rows<R> {
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get(&self, number: usize) -> Option<&R> {
        match self.chunks.get(number / CHUNK)?.rows.get(number % CHUNK)? {
            Slot::Taken(row) => Some(row),
            Slot::Free(_) => None,
        }
    }

    pub(super) fn get_mut(&mut self, number: usize) -> Option<&mut R> {
        match self
            .chunks
            .get_mut(number / CHUNK)?
            .rows
            .get_mut(number % CHUNK)?
        {
            Slot::Taken(row) => Some(row),
            Slot::Free(_) => None,
        }
    }

    /// The number that the next row gets.
    #[inline]
    pub(super) fn next(&mut self) -> usize {
        let at = match self.roomy.last() {
            Some(at) => *at,
            None => self.add_chunk(),
        };
        if self.chunks[at].rows.capacity() == 0 {
            self.furnish(at);
        }
        at * CHUNK + self.chunks[at].next()
    }

    #[cold]
    fn add_chunk(&mut self) -> usize {
        self.roomy.push(self.chunks.len());
        self.chunks.push(Chunk::default());
        self.chunks.len() - 1
    }

    /// Gives an empty chunk its memory.
    #[cold]
    fn furnish(&mut self, at: usize) {
        if let Some(rows) = self.spare.pop() {
            self.chunks[at].rows = rows;
        } else if self.len >= CHUNK {
            // All of it will be needed soon. With fewer rows it grows.
            self.chunks[at].rows.reserve_exact(CHUNK);
        }
    }

    /// Takes back the memory of a chunk whose last row goes.
    #[cold]
    fn keep(&mut self, mut rows: Vec<Slot<R>>) {
        if self.len <= SPARE * CHUNK {
            self.spare = Vec::new();
        } else if self.spare.len() < SPARE {
            rows.clear();
            self.spare.push(rows);
        }
    }

    /// Takes the row with the [`next`](Self::next) number, which was asked for.
    // Inlined, so that a row is made where it stays.
    #[inline(always)]
    pub(super) fn insert(&mut self, number: usize, row: R) {
        let chunk = &mut self.chunks[number / CHUNK];
        if chunk.insert(row) == CHUNK {
            self.roomy.pop();
        }
        self.len += 1;
    }

    /// Gives a row back. The memory of a chunk goes with the last of its rows, or is kept for the next one.
    #[inline(always)]
    pub(super) fn remove(&mut self, number: usize) -> Option<R> {
        self.free(number, |slot, free| match std::mem::replace(slot, free) {
            Slot::Taken(row) => Some(row),
            Slot::Free(_) => None,
        })?
    }

    /// The same, where it stands.
    #[inline(always)]
    pub(super) fn clear(&mut self, number: usize) {
        self.free(number, |slot, free| *slot = free);
    }

    /// Frees the place of a row, if there is one in it.
    #[inline(always)]
    fn free<O>(&mut self, number: usize, free: impl FnOnce(&mut Slot<R>, Slot<R>) -> O) -> Option<O> {
        let at = number / CHUNK;
        let chunk = self.chunks.get_mut(at)?;
        let freed = chunk.free(number % CHUNK, free)?;
        match chunk.taken {
            0 => {
                let Chunk { rows, .. } = std::mem::take(chunk);
                self.keep(rows);
            }
            left if left == CHUNK - 1 => self.roomy.push(at),
            _ => {}
        }
        self.len -= 1;
        Some(freed)
    }
}

impl<R> Default for Chunk<R> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            free: None,
            taken: 0,
        }
    }
}

impl<R> Chunk<R> {
    /// Where the next row will be.
    fn next(&self) -> usize {
        self.free.map_or(self.rows.len(), usize::from)
    }

    /// Gives how many there are then.
    #[inline(always)]
    fn insert(&mut self, row: R) -> usize {
        self.taken += 1;
        match self.free {
            None => self.rows.push(Slot::Taken(row)),
            Some(place) => {
                let slot = &mut self.rows[usize::from(place)];
                if let Slot::Free(next) = slot {
                    self.free = *next;
                    *slot = Slot::Taken(row);
                }
            }
        }
        self.taken
    }

    #[inline(always)]
    fn free<O>(&mut self, place: usize, free: impl FnOnce(&mut Slot<R>, Slot<R>) -> O) -> Option<O> {
        let slot = self.rows.get_mut(place)?;
        if matches!(slot, Slot::Free(_)) {
            return None;
        }
        self.taken -= 1;
        let next = self.free.replace(place as u16);
        Some(free(slot, Slot::Free(next)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn put<R>(rows: &mut Rows<R>, row: R) -> usize {
        let number = rows.next();
        rows.insert(number, row);
        number
    }

    #[test]
    fn rows_keep_their_number_while_others_come_and_go() {
        let mut random = fastrand::Rng::with_seed(7);
        let (mut rows, mut known) = (Rows::default(), HashMap::new());
        for round in 0..20_000_u32 {
            // It grows to about three thousand rows and shrinks to none, twice.
            let grows = round % 10_000 < 6_500;
            if random.u8(..4) < if grows { 3 } else { 1 } {
                let number = put(&mut rows, round);
                assert_eq!(known.insert(number, round), None, "{number} was taken");
            } else if let Some(number) = known
                .keys()
                .copied()
                .min_by_key(|number| number ^ round as usize & 0xFFF)
            {
                assert_eq!(rows.remove(number), known.remove(&number));
                assert_eq!((rows.remove(number), rows.get(number)), (None, None));
            }
            assert_eq!(rows.len(), known.len());
            if round % 100 == 0 {
                for (number, row) in &known {
                    assert_eq!(rows.get(*number), Some(row));
                    assert_eq!(rows.get_mut(*number).copied(), Some(*row));
                }
            }
        }
    }

    #[test]
    fn what_is_empty_has_no_memory_and_is_filled_again() {
        let mut rows = Rows::default();
        let numbers: Vec<_> = (0..10 * CHUNK).map(|row| put(&mut rows, row)).collect();
        let reserved =
            |rows: &Rows<usize>| -> usize { rows.chunks.iter().map(|chunk| chunk.rows.capacity()).sum() };
        assert_eq!(reserved(&rows), 10 * CHUNK, "no room beyond");
        for number in &numbers[CHUNK / 2..] {
            rows.remove(*number);
        }
        assert_eq!((rows.len(), reserved(&rows)), (CHUNK / 2, CHUNK));
        (0..10 * CHUNK - CHUNK / 2).for_each(|row| assert!(put(&mut rows, row) < 10 * CHUNK));
        assert_eq!(
            (rows.len(), reserved(&rows)),
            (10 * CHUNK, 10 * CHUNK),
            "in the same places"
        );
        assert_eq!(rows.get(10 * CHUNK), None);
    }

    #[test]
    fn a_few_empty_chunks_are_kept_while_many_are_full() {
        let mut rows = Rows::default();
        let many = 20 * CHUNK;
        let numbers: Vec<_> = (0..many).map(|row| put(&mut rows, row)).collect();
        for number in &numbers[..10 * CHUNK] {
            rows.remove(*number);
        }
        let spare = |rows: &Rows<usize>| -> usize { rows.spare.iter().map(Vec::capacity).sum() };
        assert_eq!(spare(&rows), SPARE * CHUNK);
        (0..SPARE * CHUNK).for_each(|row| assert!(put(&mut rows, row) < many));
        assert_eq!(spare(&rows), 0, "used before new ones");
        for number in 0..many {
            rows.clear(number);
        }
        assert_eq!((rows.len(), spare(&rows)), (0, 0), "none where few are left");
    }
}
