//! Octets that wait to be written, and how far the writing got.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Above this capacity an emptied buffer is given back.
const KEEP: usize = 1 << 20;

/// Octets that left within this time of each other count as one departure.
const DEPARTURE: Duration = Duration::from_secs(1);

/// Most departures that are remembered.
const DEPARTURES: usize = 64;

/// Octets that left after they had waited for the peer to read.
#[derive(Clone, Copy, Debug)]
struct Departure {
    from: u64,
    to: u64,
    first: Instant,
    last: Instant,
}

/// The last ones, in their order.
#[derive(Debug, Default)]
struct Departures(VecDeque<Departure>);

/// Output in the order of encoding. Positions count every octet of the session, so that each request knows
/// where its last octet stands and whether that has left the process.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    octets: Vec<u8>,
    /// Octets of `octets` that have left.
    sent: usize,
    /// Position of the first octet of `octets`.
    base: u64,
    /// Position behind the last octet that was shown to who watches.
    shown: u64,
    /// What left late, oldest first; none while the peer reads as fast as we write.
    departures: Option<Box<Departures>>,
    /// Nothing leaves any more: what was thrown away may have been the rest of a frame.
    sealed: bool,
}

impl Outbox {
    /// What is to be written.
    #[inline]
    pub(super) fn pending(&self) -> &[u8] {
        if self.sealed {
            return &[];
        }
        self.octets.get(self.sent..).unwrap_or_default()
    }

    /// How much is to be written.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.pending().len()
    }

    /// The buffer, to append a frame to.
    // Invariant: only whole frames are appended here, and nothing else is done to it, so positions stay true.
    #[inline]
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        if self.sealed {
            self.octets.truncate(self.sent);
        }
        &mut self.octets
    }

    /// The position behind the last octet.
    #[inline]
    pub(super) fn end(&self) -> u64 {
        self.base + self.octets.len() as u64
    }

    /// The position of the first octet that has not left.
    #[inline]
    pub(super) fn written(&self) -> u64 {
        self.base + self.sent as u64
    }

    /// When the frame that ends at `end` had left; none while part of it is here. `encoded` is when it was put
    /// in, and when it left unless the peer did not read.
    #[inline]
    pub(super) fn left_at(&self, end: u64, encoded: Instant) -> Option<Instant> {
        if end > self.written() {
            return None;
        }
        let Some(Departures(departures)) = self.departures.as_deref() else {
            return Some(encoded);
        };
        let found = departures.partition_point(|departure| departure.to < end);
        let late = departures.get(found).filter(|departure| departure.from < end);
        Some(late.map_or(encoded, |departure| departure.last.max(encoded)))
    }

    /// Whole frames that nobody was shown yet.
    pub(super) fn unshown(&self) -> &[u8] {
        let unshown = usize::try_from(self.end().saturating_sub(self.shown)).unwrap_or(usize::MAX);
        let pending = self.pending();
        pending
            .get(pending.len().saturating_sub(unshown)..)
            .unwrap_or_default()
    }

    /// The position behind the last frame that was shown. What is taken back moves it.
    pub(super) fn shown(&self) -> u64 {
        self.shown
    }

    /// Everything that is here was shown, or nobody wants to see it.
    #[inline]
    pub(super) fn set_shown(&mut self) {
        self.shown = self.end();
    }

    /// The first `count` pending octets have left. `waited`: they had been offered to the peer before.
    #[inline]
    pub(super) fn advance(&mut self, count: usize, waited: bool, now: Instant) {
        let from = self.written();
        let count = count.min(self.len());
        self.sent += count;
        if waited {
            self.note_departure(from, self.written(), now);
        }
        if self.sent == self.octets.len() {
            self.base += self.octets.len() as u64;
            self.sent = 0;
            self.octets.clear();
            if self.octets.capacity() > KEEP {
                self.octets = Vec::new();
            }
        }
    }

    #[cold]
    fn note_departure(&mut self, from: u64, to: u64, now: Instant) {
        let Departures(departures) = &mut **self.departures.get_or_insert_default();
        match departures.back_mut() {
            Some(last) if last.to == from && now.saturating_duration_since(last.first) < DEPARTURE => {
                last.to = to;
                last.last = now;
            }
            _ => {
                if departures.len() == DEPARTURES {
                    departures.pop_front();
                }
                departures.push_back(Departure {
                    from,
                    to,
                    first: now,
                    last: now,
                });
            }
        }
    }

    /// Gives the room back that nothing needs now.
    pub(super) fn shrink(&mut self) {
        if self.octets.is_empty() {
            self.octets = Vec::new();
        }
    }

    /// Throws away what has not left, perhaps the rest of a frame, and whatever is put in afterwards: behind half a
    /// frame the peer would read it as something else.
    pub(super) fn discard(&mut self) {
        self.octets.truncate(self.sent);
        self.sealed = true;
    }

    /// Cuts the octets from `start` to `end` out, which must not have been written. What stands behind them
    /// moves forward; positions behind `start` are no longer comparable.
    pub(super) fn remove(&mut self, start: u64, end: u64) {
        let (Ok(from), Ok(to)) = (
            usize::try_from(start.saturating_sub(self.base)),
            usize::try_from(end.saturating_sub(self.base)),
        ) else {
            return;
        };
        if from >= self.sent && from <= to && to <= self.octets.len() {
            self.octets.drain(from..to);
            if self.shown >= end {
                self.shown -= end - start;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_survive_an_emptied_buffer() {
        let now = Instant::now();
        let mut outbox = Outbox::default();
        outbox.buffer().extend_from_slice(b"0123456789");
        outbox.advance(4, false, now);
        assert_eq!(
            (outbox.pending(), outbox.written(), outbox.end()),
            (&b"456789"[..], 4, 10)
        );
        outbox.advance(6, false, now);
        assert_eq!((outbox.len(), outbox.written(), outbox.end()), (0, 10, 10));
        outbox.buffer().extend_from_slice(b"ab");
        outbox.advance(1, false, now);
        assert_eq!(
            (outbox.pending(), outbox.written(), outbox.end()),
            (&b"b"[..], 11, 12)
        );
    }

    #[test]
    fn only_what_has_not_left_can_be_taken_back() {
        let now = Instant::now();
        let mut outbox = Outbox::default();
        outbox.buffer().extend_from_slice(b"aaabbbccc");
        outbox.advance(4, false, now);
        outbox.remove(3, 6);
        assert_eq!(outbox.pending(), b"bbccc", "a frame that is half written stays");
        outbox.remove(6, 9);
        assert_eq!(outbox.pending(), b"bb");
    }

    #[test]
    fn each_frame_is_shown_once() {
        let now = Instant::now();
        let mut outbox = Outbox::default();
        outbox.buffer().extend_from_slice(b"aaabbb");
        assert_eq!(outbox.unshown(), b"aaabbb");
        outbox.set_shown();
        outbox.buffer().extend_from_slice(b"ccc");
        outbox.advance(1, false, now);
        assert_eq!(outbox.unshown(), b"ccc");
        outbox.remove(3, 6);
        assert_eq!(outbox.unshown(), b"ccc", "what is taken back is not shown twice");
        outbox.advance(5, false, now);
        assert_eq!(outbox.unshown(), b"");
    }

    #[test]
    fn behind_what_was_thrown_away_nothing_leaves() {
        let now = Instant::now();
        let mut outbox = Outbox::default();
        outbox.buffer().extend_from_slice(b"aaabbb");
        outbox.advance(4, false, now);
        outbox.discard();
        for _ in 0..3 {
            outbox.buffer().extend_from_slice(b"cccc");
            assert_eq!((outbox.pending(), outbox.len()), (&b""[..], 0));
        }
        outbox.advance(4, false, now);
        assert_eq!(
            (outbox.written(), outbox.octets.len()),
            (4, 8),
            "only the last one is kept, unwritten"
        );
    }

    #[test]
    fn what_had_to_wait_left_when_the_peer_read_it() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut outbox = Outbox::default();
        outbox.buffer().extend_from_slice(b"aaaabbbbcccc");
        outbox.advance(4, false, at(0));
        outbox.advance(2, true, at(20));
        assert_eq!(outbox.left_at(4, at(0)), Some(at(0)));
        assert_eq!(outbox.left_at(8, at(0)), None, "half of it is still here");
        outbox.advance(6, true, at(40));
        assert_eq!(outbox.left_at(4, at(0)), Some(at(0)));
        assert_eq!(outbox.left_at(8, at(0)), Some(at(40)));
        outbox.buffer().extend_from_slice(b"dddd");
        outbox.advance(4, false, at(50));
        assert_eq!(outbox.left_at(16, at(50)), Some(at(50)));
    }

    #[test]
    fn a_peer_that_reads_in_drops_costs_no_memory() {
        let start = Instant::now();
        let mut outbox = Outbox::default();
        for step in 0..10_000 {
            outbox.buffer().extend_from_slice(b"ab");
            outbox.advance(1, true, start + Duration::from_secs(step));
        }
        assert_eq!(
            outbox.departures.map(|departures| departures.0.len()),
            Some(DEPARTURES)
        );
    }
}
