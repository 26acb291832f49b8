//! Requests that wait for their response.
//!
//! A [`Window`] is the only holder of tokens: whatever enters leaves exactly once, answered, expired or drained.
//! Consecutive sequence numbers live in a ring, so the common case is an index; a number that does not continue
//! the ring lives in a small map beside it.
//!
//! A request that expired gives its token up and keeps its *place*, because the peer may still be working on
//! it: at most `capacity` requests are ever outstanding at the peer. The place is free again when a request
//! sent later is answered (then this response was skipped), when the late response comes, or when the late
//! period has passed.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use super::late::{Late, LateRequests};
use crate::pdu::{CommandId, SequenceNumber};

/// Sequence numbers wrap after this one, to 1.
const NUMBERS: u32 = SequenceNumber::MAX.value();

/// The ring may be this much longer than the window before its oldest request moves aside, so that one
/// response that never comes does not make the ring as long as everything sent meanwhile.
const SLACK: usize = 1024;

/// Most numbers that the ring leaves out between one request and the next.
const GAP: usize = 16;

/// One request without a response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Entry<T> {
    /// What its owner knows it by.
    pub(super) token: T,
    /// Which request it is.
    pub(super) request: CommandId,
    /// Its number on the wire.
    pub(super) sequence: SequenceNumber,
    /// When it was encoded.
    pub(super) sent: Instant,
    /// The same by the peer's clock, which counts for its time.
    pub(super) asked: Instant,
    /// Where its first octet stands in everything this session ever wrote.
    pub(super) start: u64,
    /// Where its last octet ends.
    pub(super) end: u64,
    /// How many requests went before it.
    pub(super) order: u64,
}

/// At most `capacity` requests without a response.
#[derive(Debug)]
pub(super) struct Window<T> {
    capacity: usize,
    base: SequenceNumber,
    ring: VecDeque<Option<Entry<T>>>,
    aside: BTreeMap<SequenceNumber, Entry<T>>,
    waiting: usize,
    late: LateRequests,
    orders: u64,
}

impl<T> Window<T> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            base: SequenceNumber::FIRST,
            ring: VecDeque::new(),
            aside: BTreeMap::new(),
            waiting: 0,
            late: LateRequests::default(),
            orders: 0,
        }
    }

    /// Changes the limit; requests over a lower one stay until they are answered.
    pub(super) fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity;
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Places taken: waiting requests and expired ones that the peer may still work on.
    #[inline]
    pub(super) fn in_flight(&self) -> usize {
        self.waiting + self.late.places()
    }

    /// Requests that still have their token.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// True while a response with this number could mean a request of ours.
    pub(super) fn is_taken(&self, sequence: SequenceNumber) -> bool {
        self.entry(sequence).is_some() || self.late.get(sequence).is_some()
    }

    /// The next value of [`Entry::order`].
    #[inline]
    pub(super) fn next_order(&mut self) -> u64 {
        self.orders += 1;
        self.orders
    }

    /// Takes a request in; its number must not be taken.
    #[inline]
    pub(super) fn insert(&mut self, entry: Entry<T>) {
        debug_assert!(
            !self.is_taken(entry.sequence),
            "sequence number {} is in flight",
            entry.sequence
        );
        self.waiting += 1;
        if self.ring.is_empty() {
            self.base = entry.sequence;
        }
        let ahead = entry
            .sequence
            .is_conformant()
            .then(|| distance(self.base, entry.sequence))
            .and_then(|distance| distance.checked_sub(self.ring.len()));
        if ahead.is_some_and(|ahead| ahead <= GAP) {
            // The numbers between went to enquire_link, or were skipped.
            (0..ahead.unwrap_or_default()).for_each(|_| self.ring.push_back(None));
            self.ring.push_back(Some(entry));
            if self.ring.len() > self.capacity.saturating_mul(2) + SLACK {
                self.move_oldest_aside();
            }
        } else {
            self.aside.insert(entry.sequence, entry);
        }
    }

    /// The newest request is encoded; its last octet stands before `end`.
    #[inline]
    pub(super) fn set_end(&mut self, sequence: SequenceNumber, end: u64) {
        let index = self.index(sequence);
        let entry = match index.and_then(|index| self.ring.get_mut(index)) {
            Some(Some(entry)) => Some(entry),
            _ => self.aside.get_mut(&sequence),
        };
        if let Some(entry) = entry {
            entry.end = end;
        }
    }

    /// The request of this number.
    #[inline]
    pub(super) fn entry(&self, sequence: SequenceNumber) -> Option<&Entry<T>> {
        match self.index(sequence).and_then(|index| self.ring.get(index)) {
            Some(Some(entry)) => Some(entry),
            _ if self.aside.is_empty() => None,
            _ => self.aside.get(&sequence),
        }
    }

    /// Takes the request of this number out and forgets its place.
    pub(super) fn take(&mut self, sequence: SequenceNumber) -> Option<Entry<T>> {
        self.take_as(sequence, |entry| entry)
    }

    /// The same, as what becomes of it. An entry is large, and one that was just moved is waited for when it is moved on.
    #[inline(always)]
    pub(super) fn take_as<R>(&mut self, sequence: SequenceNumber, of: impl Fn(Entry<T>) -> R) -> Option<R> {
        let index = self.index(sequence);
        let slot = index.and_then(|index| self.ring.get_mut(index));
        let taken = match slot.and_then(Option::take) {
            Some(entry) => {
                let taken = of(entry);
                self.trim();
                taken
            }
            None if self.aside.is_empty() => return None,
            None => of(self.aside.remove(&sequence)?),
        };
        self.waiting -= 1;
        Some(taken)
    }

    /// A response came: requests sent before `order` that expired were skipped by the peer.
    #[inline]
    pub(super) fn release_before(&mut self, order: u64) {
        self.late.release_before(order);
    }

    /// Takes out the oldest request, whose time ran out. It keeps its place, and is known as late for twice the
    /// timeout.
    pub(super) fn pop_oldest_as_late(&mut self, timeout: Duration) -> Option<Entry<T>> {
        let entry = self.pop_oldest_as_doubted(timeout)?;
        self.late.set_skippable(entry.sequence, entry.order);
        Some(entry)
    }

    /// Takes out the oldest request before its time, because the peer may have refused it. It is late as others are, but
    /// an answer to a later one gives its place to nobody: the peer may be slow with it, and has its time still.
    pub(super) fn pop_oldest_as_doubted(&mut self, timeout: Duration) -> Option<Entry<T>> {
        let sequence = self.oldest()?.sequence;
        let entry = self.take(sequence)?;
        let late = Late {
            request: entry.request,
            sent: entry.sent,
            order: entry.order,
        };
        self.late.insert(sequence, late, entry.asked + timeout * 3);
        Some(entry)
    }

    /// Forgets what was late for too long, `now` by the peer's clock.
    pub(super) fn purge_late(&mut self, now: Instant) {
        self.late.purge(now);
    }

    /// When [`Window::purge_late`] has something to do, by the peer's clock.
    #[inline]
    pub(super) fn late_deadline(&self) -> Option<Instant> {
        self.late.deadline()
    }

    /// The expired request of this number, for its late response.
    pub(super) fn take_late(&mut self, sequence: SequenceNumber) -> Option<Late> {
        self.late.take(sequence)
    }

    /// The expired request of this number, which stays.
    pub(super) fn late(&self, sequence: SequenceNumber) -> Option<&Late> {
        self.late.get(sequence)
    }

    /// The request that was sent first.
    #[inline]
    pub(super) fn oldest(&self) -> Option<&Entry<T>> {
        let in_ring = self.ring.front().and_then(Option::as_ref);
        if self.aside.is_empty() {
            return in_ring;
        }
        self.aside.values().chain(in_ring).min_by_key(|entry| entry.order)
    }

    /// Takes everything out, in the order of sending.
    pub(super) fn drain(&mut self) -> Vec<Entry<T>> {
        let mut entries: Vec<_> = self.ring.drain(..).flatten().collect();
        entries.extend(std::mem::take(&mut self.aside).into_values());
        entries.sort_by_key(|entry| entry.order);
        self.waiting = 0;
        self.late.clear();
        entries
    }

    /// Numbers of the requests whose first octet stands at `position` or behind it, in the order of sending.
    pub(super) fn starting_at(&self, position: u64) -> Vec<SequenceNumber> {
        let in_ring = self.ring.iter().rev().flatten();
        let mut found: Vec<_> = in_ring
            .chain(self.aside.values())
            .filter(|entry| entry.start >= position)
            .map(|entry| (entry.order, entry.sequence))
            .collect();
        found.sort_unstable();
        found.into_iter().map(|(_, sequence)| sequence).collect()
    }

    #[inline]
    fn index(&self, sequence: SequenceNumber) -> Option<usize> {
        (sequence.is_conformant() && !self.ring.is_empty()).then(|| distance(self.base, sequence))
    }

    /// The front of the ring is always a waiting request, so the oldest one is at hand.
    #[inline]
    fn trim(&mut self) {
        while let Some(None) = self.ring.front() {
            self.ring.pop_front();
            self.base = self.base.next();
        }
    }

    fn move_oldest_aside(&mut self) {
        if let Some(Some(entry)) = self.ring.pop_front() {
            self.base = self.base.next();
            self.aside.insert(entry.sequence, entry);
        }
        self.trim();
    }
}

/// How many numbers after `from` the number `to` is, wrapping from the last to 1.
#[inline]
fn distance(from: SequenceNumber, to: SequenceNumber) -> usize {
    let (from, to) = (from.value(), to.value());
    let distance = if to >= from {
        to - from
    } else {
        to + (NUMBERS - from)
    };
    distance as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    impl<T> Window<T> {
        fn pop_expired(&mut self, now: Instant, timeout: Duration) -> Option<Entry<T>> {
            let due = now.saturating_duration_since(self.oldest()?.asked) >= timeout;
            due.then(|| self.pop_oldest_as_late(timeout)).flatten()
        }

        fn room(&self) -> usize {
            self.capacity.saturating_sub(self.in_flight())
        }
    }

    const TIMEOUT: Duration = Duration::from_secs(30);

    fn entry(window: &mut Window<u64>, sequence: u32, sent: Instant) -> Entry<u64> {
        let order = window.next_order();
        Entry {
            token: order,
            request: CommandId::SUBMIT_SM,
            sequence: SequenceNumber::new(sequence),
            sent,
            asked: sent,
            start: order * 10,
            end: order * 10 + 10,
            order,
        }
    }

    fn add(window: &mut Window<u64>, sequence: u32, sent: Instant) -> u64 {
        let entry = entry(window, sequence, sent);
        let token = entry.token;
        window.insert(entry);
        token
    }

    fn number(value: u32) -> SequenceNumber {
        SequenceNumber::new(value)
    }

    #[test]
    fn answers_in_any_order_find_their_request() {
        let now = Instant::now();
        let mut window = Window::new(10);
        let tokens: Vec<_> = (1..=5).map(|sequence| add(&mut window, sequence, now)).collect();
        for sequence in [3, 1, 5, 4, 2] {
            let taken = window.take(number(sequence)).map(|entry| entry.token);
            assert_eq!(taken, tokens.get(sequence as usize - 1).copied());
        }
        assert_eq!((window.in_flight(), window.take(number(3))), (0, None));
    }

    #[test]
    fn numbers_wrap_inside_the_ring() {
        let now = Instant::now();
        let mut window = Window::new(10);
        let numbers = [0x7FFF_FFFE, 0x7FFF_FFFF, 1, 2];
        for sequence in numbers {
            add(&mut window, sequence, now);
        }
        assert!(window.aside.is_empty());
        for sequence in numbers {
            assert!(window.take(number(sequence)).is_some(), "{sequence}");
        }
    }

    #[test]
    fn a_number_out_of_line_waits_aside() {
        let now = Instant::now();
        let mut window = Window::new(10);
        let first = add(&mut window, 900, now);
        add(&mut window, 5, now);
        add(&mut window, 901, now);
        assert_eq!(window.aside.len(), 1);
        assert_eq!(window.oldest().map(|entry| entry.token), Some(first));
        window.take(number(900));
        assert_eq!(window.oldest().map(|entry| entry.sequence), Some(number(5)));
        assert!(window.take(number(5)).is_some() && window.take(number(901)).is_some());
    }

    #[test]
    fn an_expired_request_keeps_its_place_until_a_later_one_is_answered() {
        let start = Instant::now();
        let mut window = Window::new(2);
        add(&mut window, 1, start);
        add(&mut window, 2, start + Duration::from_secs(1));
        let expired = window
            .pop_expired(start + TIMEOUT, TIMEOUT)
            .map(|entry| entry.sequence);
        assert_eq!((expired, window.room()), (Some(number(1)), 0));
        let answered = window.take(number(2)).map(|entry| entry.order);
        window.release_before(answered.unwrap_or_default());
        assert_eq!(window.room(), 2);
        assert!(
            window.take_late(number(1)).is_some(),
            "its late response is still known"
        );
        assert_eq!(window.room(), 2, "the place is given back once");
    }

    #[test]
    fn an_expired_request_gives_its_place_back_after_twice_the_timeout() {
        let start = Instant::now();
        let mut window = Window::new(1);
        add(&mut window, 1, start);
        window.pop_expired(start + TIMEOUT, TIMEOUT);
        window.purge_late(start + TIMEOUT * 3 - Duration::from_millis(1));
        assert_eq!(window.room(), 0);
        window.purge_late(start + TIMEOUT * 3);
        assert_eq!((window.room(), window.take_late(number(1))), (1, None));
    }

    #[test]
    fn an_answer_frees_the_places_of_those_before_it_alone() {
        let start = Instant::now();
        let mut window = Window::new(2);
        let (first, second) = (add(&mut window, 1, start), add(&mut window, 2, start));
        assert!(window.pop_oldest_as_late(TIMEOUT).is_some() && window.pop_oldest_as_late(TIMEOUT).is_some());
        window.release_before(first);
        assert_eq!(window.room(), 0, "the first is not before itself");
        window.release_before(second);
        assert_eq!(window.room(), 1);
    }

    #[test]
    fn a_doubted_request_keeps_its_place_though_a_later_one_is_answered() {
        let start = Instant::now();
        let mut window = Window::new(2);
        add(&mut window, 1, start);
        assert!(window.pop_oldest_as_doubted(TIMEOUT).is_some());
        add(&mut window, 2, start);
        let answered = window.take(number(2)).map(|entry| entry.order);
        window.release_before(answered.unwrap_or_default());
        assert_eq!(window.room(), 1);
        window.purge_late(start + TIMEOUT * 3);
        assert_eq!(window.room(), 2);
    }

    #[test]
    fn one_lost_response_does_not_let_the_ring_grow() {
        let now = Instant::now();
        let mut window = Window::new(10);
        add(&mut window, 1, now);
        let longest = 10 * 2 + SLACK;
        for sequence in 2..50_000 {
            add(&mut window, sequence, now);
            let moves = usize::try_from(sequence).unwrap_or(usize::MAX) > longest;
            assert_eq!(window.aside.len(), usize::from(moves), "request {sequence}");
            window.take(number(sequence));
            assert!(window.ring.len() <= longest);
        }
        assert!(window.take(number(1)).is_some());
    }

    proptest! {
        #[test]
        fn every_token_leaves_exactly_once(steps in prop::collection::vec((0_u8..6, 1_u32..40, 0_u64..40), 1..300)) {
            let mut now = Instant::now();
            let mut window = Window::new(8);
            let mut next = number(0x7FFF_FFF0);
            let (mut entered, mut left) = (0_u64, Vec::new());
            for (step, sequence, wait) in steps {
                match step {
                    0 | 1 if window.room() > 0 => {
                        while window.is_taken(next) { next = next.next(); }
                        entered = add(&mut window, next.value(), now);
                        next = next.next();
                    }
                    2 if window.room() > 0 && !window.is_taken(number(sequence * 7919)) => {
                        entered = add(&mut window, sequence * 7919, now);
                    }
                    3 => {
                        let some = window.oldest().map(|entry| entry.sequence);
                        if let Some(entry) = some.and_then(|sequence| window.take(sequence)) {
                            window.release_before(entry.order);
                            left.push(entry.token);
                        }
                    }
                    4 => {
                        now += Duration::from_secs(wait);
                        window.purge_late(now);
                        while let Some(entry) = window.pop_expired(now, TIMEOUT) { left.push(entry.token); }
                    }
                    _ => { window.take_late(number(sequence)); }
                }
                prop_assert!(window.in_flight() <= 8);
            }
            left.extend(window.drain().into_iter().map(|entry| entry.token));
            left.sort_unstable();
            prop_assert_eq!(left, (1..=entered).collect::<Vec<_>>());
            prop_assert_eq!(window.in_flight(), 0);
        }
    }
}
