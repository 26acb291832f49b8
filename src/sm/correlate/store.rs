//! Where the correlator keeps the messages whose receipts are owed.

use std::hash::BuildHasher;
use std::time::Instant;

use smallvec::{SmallVec, smallvec};

use super::clock::{Clock, Moment};
use super::deadlines::{Deadlines, Queue};
use super::ids::{Id, Ids};
use super::index::Index;
use super::rows::Rows;
use crate::pdu::MessageState;

/// Names a message in a store.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct MessageKey(pub u64);

impl MessageKey {
    /// The key of the message that came next, where that came into the next row.
    pub(super) const fn next(self) -> Self {
        self.after(1)
    }

    /// The same of one that came so many later.
    pub(super) const fn after(self, messages: u32) -> Self {
        Self(self.0.wrapping_add((1 << 32 | 1) * messages as u64))
    }
}

/// Which part of which message an id belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place {
    /// The message.
    pub message: MessageKey,
    /// The part, from 0.
    pub part: usize,
}

/// The furthest state of each part of a message; none for those of which nothing is known yet.
pub type PartStates = SmallVec<[Option<MessageState>; 8]>;

/// A message whose receipts are owed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tracked<T> {
    /// What the caller knows it by.
    pub token: T,
    /// The furthest state of each part.
    pub parts: PartStates,
    /// True once its final result was given out.
    pub finished: bool,
    /// When it is forgotten.
    pub deadline: Instant,
}

/// Keeps the tracked messages of one account and finds them by their message ids.
///
/// [`MemoryStore`] is one; another may persist what it is told. It is called for each accepted message and each
/// receipt, on the thread of the bind, so it must neither block for long nor panic: what is slow is done behind it.
/// Deadlines mean nothing to another process: a store that outlives this one keeps how long was left.
pub trait ReceiptStore<T> {
    /// Keeps a message, without ids as yet, under a key that no other message has or will have for a long time.
    fn insert(&mut self, message: Tracked<T>) -> MessageKey;

    /// Adds an id to a message that is kept. From now on it belongs to this one, whoever had it before.
    fn add_id(&mut self, place: Place, id: &str);

    /// Keeps a message in one part that comes with its id, as nearly all do: [`insert`](Self::insert) and
    /// [`add_id`](Self::add_id) in one, for stores that have less to do for both at once.
    fn insert_single(&mut self, token: T, deadline: Instant, id: &str) -> MessageKey {
        let message = self.insert(Tracked {
            token,
            parts: smallvec![None],
            finished: false,
            deadline,
        });
        self.add_id(Place { message, part: 0 }, id);
        message
    }

    /// What an id belongs to.
    fn find(&self, id: &str) -> Option<Place>;

    /// Changes a message, its deadline too: calls `change` once, or not at all when the message is not kept.
    fn update(&mut self, key: MessageKey, change: &mut dyn FnMut(&mut Tracked<T>));

    /// Forgets a message and its ids.
    fn remove(&mut self, key: MessageKey) -> Option<Tracked<T>>;

    /// The message that is to be forgotten first, and when.
    fn first(&self) -> Option<(Instant, MessageKey)>;

    /// Forgets the message that is to be forgotten first: [`first`](Self::first) and [`remove`](Self::remove) in one.
    fn remove_first(&mut self) -> Option<Tracked<T>> {
        let (_, first) = self.first()?;
        self.remove(first)
    }

    /// Forgets the message that is to be forgotten first, and says whether its final result was given out:
    /// [`remove_first`](Self::remove_first) for those who want to know no more of it.
    fn forget_first(&mut self) -> Option<bool> {
        self.remove_first().map(|message| message.finished)
    }

    /// How many messages are kept.
    fn len(&self) -> usize;

    /// True when none is kept.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T, S: ReceiptStore<T> + ?Sized> ReceiptStore<T> for Box<S> {
    fn insert(&mut self, message: Tracked<T>) -> MessageKey {
        (**self).insert(message)
    }

    fn add_id(&mut self, place: Place, id: &str) {
        (**self).add_id(place, id);
    }

    fn insert_single(&mut self, token: T, deadline: Instant, id: &str) -> MessageKey {
        (**self).insert_single(token, deadline, id)
    }

    fn find(&self, id: &str) -> Option<Place> {
        (**self).find(id)
    }

    fn update(&mut self, key: MessageKey, change: &mut dyn FnMut(&mut Tracked<T>)) {
        (**self).update(key, change);
    }

    fn remove(&mut self, key: MessageKey) -> Option<Tracked<T>> {
        (**self).remove(key)
    }

    fn first(&self) -> Option<(Instant, MessageKey)> {
        (**self).first()
    }

    fn remove_first(&mut self) -> Option<Tracked<T>> {
        (**self).remove_first()
    }

    fn forget_first(&mut self) -> Option<bool> {
        (**self).forget_first()
    }

    fn len(&self) -> usize {
        (**self).len()
    }
}

/// Keeps messages in memory. The correlator bounds their number and age.
///
/// A message of one part with a usual id takes some 90 octets and no allocation of its own.
#[derive(Clone, Debug)]
pub struct MemoryStore<T> {
    messages: Rows<Kept<T>>,
    ids: Index,
    /// Seeded: ids are chosen by others.
    hasher: hashbrown::DefaultHashBuilder,
    clock: Clock,
    deadlines: Deadlines,
    /// The number of the last message.
    count: u32,
    /// Those that are to be forgotten next, with the hashes of their ids, the first of them last.
    ahead: Vec<(MessageKey, u64)>,
    /// After so many more those are looked for again.
    looks: u32,
}

/// The first messages to be forgotten are looked at together, so that the processor fetches them from memory at once.
const AHEAD: u32 = 32;

/// A message in a row. There are a million of them, so they are as small as can be.
#[derive(Clone, Debug)]
struct Kept<T> {
    token: T,
    deadline: Moment,
    ids: Ids,
    /// Which message it is, of those that have been in this row.
    count: u32,
    /// The state of a message in one part.
    state: Option<MessageState>,
    queue: Queue,
    finished: bool,
}

impl<T> Kept<T> {
    fn states(&self) -> PartStates {
        match &self.ids {
            // Whole, as a small piece that was just written is waited for when it is moved with others.
            Ids::One(_) => {
                let none = None;
                PartStates::from_buf_and_len([self.state, none, none, none, none, none, none, none], 1)
            }
            Ids::Many(many) => many.states.clone(),
        }
    }

    fn set_states(&mut self, states: PartStates) {
        match (&mut self.ids, &states[..]) {
            (Ids::One(_), [state]) => self.state = *state,
            (Ids::One(_), _) => self.ids = self.ids.widened(states, None),
            (Ids::Many(many), _) => many.states = states,
        }
    }

    fn add_id(&mut self, part: usize, id: &[u8]) {
        match &mut self.ids {
            Ids::Many(many) => many.ids.push((part, id.into())),
            Ids::One(one) => match Id::new(id) {
                Some(id) if part == 0 && one.as_bytes().is_empty() => *one = id,
                _ => self.ids = self.ids.widened(smallvec![self.state], Some((part, id))),
            },
        }
    }
}

/// The key of a message with this count in this row.
const fn key(count: u32, row: usize) -> MessageKey {
    MessageKey((count as u64) << 32 | row as u64)
}

/// Which message this is the key of, of all there ever were, and which row it is in, if it is there.
const fn split(key: MessageKey) -> (u32, usize) {
    ((key.0 >> 32) as u32, (key.0 & 0xFFFF_FFFF) as usize)
}

/// Which row a message with this key is in, if it is there.
const fn row(key: MessageKey) -> usize {
    split(key).1
}

impl<T> Default for MemoryStore<T> {
    fn default() -> Self {
        Self {
            messages: Rows::default(),
            ids: Index::default(),
            hasher: hashbrown::DefaultHashBuilder::default(),
            clock: Clock::default(),
            deadlines: Deadlines::default(),
            count: 0,
            ahead: Vec::new(),
            looks: 0,
        }
    }
}

impl<T> Rows<Kept<T>> {
    fn kept(&self, key: MessageKey) -> Option<&Kept<T>> {
        self.get(row(key)).filter(|kept| kept.is(key))
    }

    fn kept_mut(&mut self, key: MessageKey) -> Option<&mut Kept<T>> {
        self.get_mut(row(key)).filter(|kept| kept.is(key))
    }

    /// Whether the messages in two rows have an id in common.
    fn share_id(&self, one: usize, other: usize) -> bool {
        let (Some(one), Some(other)) = (self.get(one), self.get(other)) else {
            return false;
        };
        one.ids.iter().any(|(_, id)| other.ids.has(id))
    }
}

impl<T> Kept<T> {
    fn is(&self, key: MessageKey) -> bool {
        self.count == split(key).0
    }

    /// Its key where it is in this row.
    fn key(&self, row: usize) -> MessageKey {
        key(self.count, row)
    }
}

impl<T> MemoryStore<T> {
    fn hash(&self, id: &[u8]) -> u64 {
        self.hasher.hash_one(id)
    }

    /// When a message is to be forgotten, and where that stands.
    fn due(messages: &Rows<Kept<T>>) -> impl Fn(MessageKey) -> Option<(Moment, Queue)> {
        |key| messages.kept(key).map(|kept| (kept.deadline, kept.queue))
    }

    /// The message that is to be forgotten first.
    #[inline]
    fn next_to_go(&mut self) -> Option<MessageKey> {
        let (_, first) = self.deadlines.first()?;
        if self.looks == 0 {
            self.look_ahead(first);
        }
        self.looks -= 1;
        Some(first)
    }

    /// When this one is the first to be forgotten, those that came after it are nearly always next.
    fn look_ahead(&mut self, first: MessageKey) {
        self.looks = AHEAD;
        self.ahead.clear();
        for key in (0..AHEAD).rev().map(|after| first.after(after)) {
            if let Some(id) = self.messages.kept(key).and_then(|kept| kept.ids.only()) {
                self.ahead.push((key, self.hasher.hash_one(id)));
            }
        }
        self.ids.expect(self.ahead.iter().map(|(_, hash)| *hash));
    }

    /// Takes the ids of a message out of the index. Gives where its deadline stands, and whether it is finished.
    #[inline]
    fn unname(&mut self, key: MessageKey) -> Option<(Queue, bool)> {
        let Self {
            messages,
            ids,
            hasher,
            ahead,
            ..
        } = self;
        let kept = messages.kept(key)?;
        let is_same = |before, now| messages.share_id(before, now);
        if let Some((_, hash)) = ahead.pop_if(|(ahead, _)| *ahead == key) {
            ids.remove(hash, split(key), is_same);
        } else {
            for (_, id) in kept.ids.iter() {
                ids.remove(hasher.hash_one(id), split(key), is_same);
            }
        }
        Some((kept.queue, kept.finished))
    }

    /// Drops deadlines that are no longer in force, after a message left its queue.
    #[inline]
    fn settle(&mut self, left: (Queue, MessageKey)) {
        self.deadlines
            .settle(left, self.messages.len(), Self::due(&self.messages));
    }
}

impl<T> MemoryStore<T> {
    /// Keeps a message with these ids.
    #[inline(always)]
    fn keep(
        &mut self,
        token: T,
        deadline: Instant,
        ids: Ids,
        state: Option<MessageState>,
        finished: bool,
    ) -> MessageKey {
        self.count = self.count.checked_add(1).unwrap_or(1);
        let Self {
            messages,
            deadlines,
            count,
            ..
        } = self;
        let (deadline, row) = (self.clock.moment(deadline), messages.next());
        // Before the row is made, so that it is made where it stays.
        let queue = deadlines.push(deadline, key(*count, row), None);
        let kept = Kept {
            token,
            deadline,
            ids,
            count: *count,
            state,
            queue,
            finished,
        };
        messages.insert(row, kept);
        key(*count, row)
    }
}

impl<T: Clone> ReceiptStore<T> for MemoryStore<T> {
    fn insert(&mut self, message: Tracked<T>) -> MessageKey {
        let ids = match message.parts[..] {
            [_] => Ids::One(Id::NONE),
            _ => Ids::One(Id::NONE).widened(message.parts.clone(), None),
        };
        let state = match message.parts[..] {
            [state] => state,
            _ => None,
        };
        self.keep(message.token, message.deadline, ids, state, message.finished)
    }

    fn add_id(&mut self, place: Place, id: &str) {
        let hash = self.hash(id.as_bytes());
        let Self { messages, ids, .. } = self;
        let Some(kept) = messages.kept_mut(place.message) else {
            return;
        };
        kept.add_id(place.part, id.as_bytes());
        ids.insert(hash, split(place.message), |before, now| {
            messages.share_id(before, now)
        });
    }

    fn insert_single(&mut self, token: T, deadline: Instant, id: &str) -> MessageKey {
        let hash = self.hash(id.as_bytes());
        let ids = Ids::single(id.as_bytes());
        let key = self.keep(token, deadline, ids, None, false);
        let Self { messages, ids, .. } = self;
        ids.insert(hash, split(key), |before, now| messages.share_id(before, now));
        key
    }

    fn find(&self, id: &str) -> Option<Place> {
        let has_it = |row: usize| {
            let kept = self.messages.get(row);
            kept.is_some_and(|kept| kept.ids.has(id.as_bytes()))
        };
        let row = self.ids.find(self.hash(id.as_bytes()), has_it)?;
        let kept = self.messages.get(row)?;
        // Where several parts have it, the one that was given it last.
        let (part, _) = kept.ids.iter().rfind(|(_, other)| *other == id.as_bytes())?;
        Some(Place {
            message: kept.key(row),
            part,
        })
    }

    fn update(&mut self, key: MessageKey, change: &mut dyn FnMut(&mut Tracked<T>)) {
        let Self {
            messages,
            deadlines,
            clock,
            ..
        } = self;
        let Some(kept) = messages.kept_mut(key) else {
            return;
        };
        let Some(mut message) = kept.tracked(clock) else {
            return;
        };
        let before = message.deadline;
        change(&mut message);
        kept.set_states(message.parts);
        kept.token = message.token;
        kept.finished = message.finished;
        if message.deadline != before {
            let left = kept.queue;
            kept.deadline = clock.moment(message.deadline);
            kept.queue = deadlines.push(kept.deadline, key, Some(left));
            self.settle((left, key));
        }
    }

    fn remove(&mut self, key: MessageKey) -> Option<Tracked<T>> {
        let (queue, _) = self.unname(key)?;
        let kept = self.messages.remove(row(key))?;
        self.settle((queue, key));
        Some(Tracked {
            parts: kept.states(),
            token: kept.token,
            finished: kept.finished,
            deadline: self.clock.time(kept.deadline)?,
        })
    }

    fn remove_first(&mut self) -> Option<Tracked<T>> {
        let first = self.next_to_go()?;
        self.remove(first)
    }

    fn forget_first(&mut self) -> Option<bool> {
        let first = self.next_to_go()?;
        let (queue, finished) = self.unname(first)?;
        self.messages.clear(row(first));
        self.settle((queue, first));
        Some(finished)
    }

    fn first(&self) -> Option<(Instant, MessageKey)> {
        let (deadline, key) = self.deadlines.first()?;
        Some((self.clock.time(deadline)?, key))
    }

    fn len(&self) -> usize {
        self.messages.len()
    }
}

impl<T: Clone> Kept<T> {
    /// As others see it.
    fn tracked(&self, clock: &Clock) -> Option<Tracked<T>> {
        Some(Tracked {
            token: self.token.clone(),
            parts: self.states(),
            finished: self.finished,
            deadline: clock.time(self.deadline)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::time::Duration;

    use super::*;

    /// A store that is too simple to be wrong.
    #[derive(Default)]
    struct Model {
        messages: HashMap<MessageKey, Tracked<u32>>,
        places: HashMap<String, Place>,
    }

    impl Model {
        fn find(&self, id: &str) -> Option<Place> {
            let place = self.places.get(id)?;
            self.messages.contains_key(&place.message).then_some(*place)
        }

        fn first(&self) -> Option<Instant> {
            self.messages.values().map(|message| message.deadline).min()
        }

        fn any(&self, random: &mut fastrand::Rng) -> Option<MessageKey> {
            let mut keys: Vec<_> = self.messages.keys().copied().collect();
            keys.sort_unstable();
            (!keys.is_empty()).then(|| keys[random.usize(..keys.len())])
        }
    }

    #[test]
    fn a_row_takes_sixty_four_octets() {
        // As large as what callers know messages by.
        assert_eq!(size_of::<Option<Kept<[u64; 3]>>>(), 64);
    }

    #[test]
    fn it_knows_what_a_plain_map_knows() {
        for seed in 0..40 {
            let random = &mut fastrand::Rng::with_seed(seed);
            let (mut store, mut model) = (MemoryStore::default(), Model::default());
            let start = Instant::now();
            for step in 0..1_500_u32 {
                // Mostly in order, as deadlines are; some for less time.
                let later = if random.u8(..8) == 0 {
                    random.u64(..2_000)
                } else {
                    u64::from(step) + 1_000
                };
                let deadline = start + Duration::from_secs(later);
                let parts = random.usize(1..4);
                match random.u8(..10) {
                    0..4 => {
                        let message = Tracked {
                            token: step,
                            parts: smallvec![None; parts],
                            finished: false,
                            deadline,
                        };
                        let key = store.insert(message.clone());
                        assert_eq!(model.messages.insert(key, message), None, "a key of its own");
                    }
                    4..7 => {
                        let Some(message) = model.any(random) else {
                            continue;
                        };
                        let part = random.usize(..model.messages[&message].parts.len());
                        // A few are used again, and some are too long to be kept in the row.
                        let id = format!("{:0width$}", random.u16(..600), width = random.usize(1..3) * 20);
                        store.add_id(Place { message, part }, &id);
                        model.places.insert(id, Place { message, part });
                    }
                    7..9 => {
                        let Some(key) = model.any(random) else { continue };
                        let state = Some(MessageState::new(random.u8(..9)));
                        let moves = random.bool();
                        let mut change = |message: &mut Tracked<u32>| {
                            message.parts[0] = state;
                            message.finished = !message.finished;
                            message.deadline = if moves { deadline } else { message.deadline };
                        };
                        store.update(key, &mut change);
                        change(model.messages.get_mut(&key).expect("one of those that are kept"));
                    }
                    _ => {
                        let Some(key) = model.any(random) else { continue };
                        assert_eq!(store.remove(key), model.messages.remove(&key));
                        assert_eq!(store.remove(key), None, "once");
                        store.update(key, &mut |_| panic!("it is gone"));
                    }
                }
                assert_eq!(store.len(), model.messages.len());
                let first = store.first();
                assert_eq!(
                    first.map(|(deadline, _)| deadline),
                    model.first(),
                    "seed {seed}, step {step}"
                );
                assert!(first.is_none_or(|(deadline, key)| model.messages[&key].deadline == deadline));
                let id = format!("{:0width$}", random.u16(..600), width = random.usize(1..3) * 20);
                assert_eq!(store.find(&id), model.find(&id), "seed {seed}, step {step}");
            }
            for (key, message) in model.messages {
                assert_eq!(store.remove(key), Some(message));
            }
            assert_eq!((store.len(), store.first()), (0, None));
        }
    }
}
