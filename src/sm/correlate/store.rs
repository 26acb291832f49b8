//! Where the correlator keeps the messages whose receipts are owed.

use std::hash::BuildHasher;
use std::time::Instant;

use smallvec::{SmallVec, smallvec};

use super::deadlines::{Deadlines, Queue};
use super::index::Index;
use super::rows::Rows;
use crate::pdu::{COctetString, MessageState};

/// Names a message in a store.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct MessageKey(pub u64);

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

    /// What an id belongs to.
    fn find(&self, id: &str) -> Option<Place>;

    /// Changes a message, its deadline too: calls `change` once, or not at all when the message is not kept.
    fn update(&mut self, key: MessageKey, change: &mut dyn FnMut(&mut Tracked<T>));

    /// Forgets a message and its ids.
    fn remove(&mut self, key: MessageKey) -> Option<Tracked<T>>;

    /// The message that is to be forgotten first, and when.
    fn first(&self) -> Option<(Instant, MessageKey)>;

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

    fn len(&self) -> usize {
        (**self).len()
    }
}

/// Keeps messages in memory. The correlator bounds their number and age.
///
/// A message of one part with a usual id takes some 120 octets and no allocation of its own.
#[derive(Clone, Debug)]
pub struct MemoryStore<T> {
    messages: Rows<Kept<T>>,
    ids: Index,
    /// Seeded: ids are chosen by others.
    hasher: hashbrown::DefaultHashBuilder,
    deadlines: Deadlines,
    /// The number of the last message.
    count: u32,
}

/// A message in a row. There are a million of them, so they are as small as can be.
#[derive(Clone, Debug)]
struct Kept<T> {
    token: T,
    deadline: Instant,
    parts: Parts,
    /// Which message it is, of those that have been in this row.
    count: u32,
    queue: Queue,
    finished: bool,
}

/// The states of the parts, and their ids.
#[derive(Clone, Debug)]
enum Parts {
    /// Of one part, with at most one id; an empty one is none.
    One(Option<MessageState>, Id),
    Many(Box<Many>),
}

#[derive(Clone, Debug)]
struct Many {
    states: PartStates,
    /// With the part that each belongs to. A part that was sent twice has two.
    ids: Vec<(usize, Id)>,
}

/// A message id, normalised. Longer ones are kept too.
type Id = COctetString<65>;

impl Parts {
    fn new(states: PartStates) -> Self {
        match states[..] {
            [state] => Self::One(state, Id::EMPTY),
            _ => Self::Many(Box::new(Many {
                states,
                ids: Vec::new(),
            })),
        }
    }

    fn states(&self) -> PartStates {
        match self {
            Self::One(state, _) => smallvec![*state],
            Self::Many(many) => many.states.clone(),
        }
    }

    fn set_states(&mut self, states: PartStates) {
        match (&mut *self, &states[..]) {
            (Self::One(state, _), [new]) => *state = *new,
            (Self::One(..), _) => *self = self.widened(states, None),
            (Self::Many(many), _) => many.states = states,
        }
    }

    /// With these states, and with one more id.
    fn widened(&self, states: PartStates, more: Option<(usize, Id)>) -> Self {
        let ids = self.ids().map(|(part, id)| (part, id.clone()));
        Self::Many(Box::new(Many {
            states,
            ids: ids.chain(more).collect(),
        }))
    }

    fn ids(&self) -> impl DoubleEndedIterator<Item = (usize, &Id)> {
        let (one, many): (_, &[(usize, Id)]) = match self {
            Self::One(_, id) => ((!id.is_empty()).then_some((0, id)), &[]),
            Self::Many(many) => (None, &many.ids),
        };
        one.into_iter().chain(many.iter().map(|(part, id)| (*part, id)))
    }

    fn add_id(&mut self, part: usize, id: &[u8]) {
        // Made where it stays: one that was just made and is moved is waited for.
        match self {
            Self::One(_, none) if part == 0 && none.is_empty() => *none = Id::keep(id),
            Self::One(..) => *self = self.widened(self.states(), Some((part, Id::keep(id)))),
            Self::Many(many) => many.ids.push((part, Id::keep(id))),
        }
    }

    fn has(&self, id: &[u8]) -> bool {
        self.ids().any(|(_, other)| other.as_bytes() == id)
    }
}

/// Which row a message with this key is in, if it is there.
const fn row(key: MessageKey) -> usize {
    (key.0 & 0xFFFF_FFFF) as usize
}

impl<T> Default for MemoryStore<T> {
    fn default() -> Self {
        Self {
            messages: Rows::default(),
            ids: Index::default(),
            hasher: hashbrown::DefaultHashBuilder::default(),
            deadlines: Deadlines::default(),
            count: 0,
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
        one.parts.ids().any(|(_, id)| other.parts.has(id.as_bytes()))
    }
}

impl<T> Kept<T> {
    fn is(&self, key: MessageKey) -> bool {
        u64::from(self.count) == key.0 >> 32
    }

    /// Its key where it is in this row.
    fn key(&self, row: usize) -> MessageKey {
        MessageKey(u64::from(self.count) << 32 | row as u64)
    }
}

impl<T> MemoryStore<T> {
    fn hash(&self, id: &[u8]) -> u64 {
        self.hasher.hash_one(id)
    }

    /// When a message is to be forgotten, and where that stands.
    fn due(messages: &Rows<Kept<T>>) -> impl Fn(MessageKey) -> Option<(Instant, Queue)> {
        |key| messages.kept(key).map(|kept| (kept.deadline, kept.queue))
    }

    /// Drops deadlines that are no longer in force.
    fn settle(&mut self) {
        self.deadlines
            .settle(self.messages.len(), Self::due(&self.messages));
    }
}

impl<T: Clone> ReceiptStore<T> for MemoryStore<T> {
    fn insert(&mut self, message: Tracked<T>) -> MessageKey {
        self.count = self.count.checked_add(1).unwrap_or(1);
        let row = self.messages.insert(Kept {
            token: message.token,
            deadline: message.deadline,
            parts: Parts::new(message.parts),
            count: self.count,
            queue: Queue::Sorted,
            finished: message.finished,
        });
        let key = MessageKey(u64::from(self.count) << 32 | row as u64);
        let queue = self.deadlines.push(message.deadline, key, None);
        if let Some(kept) = self.messages.get_mut(row) {
            kept.queue = queue;
        }
        key
    }

    fn add_id(&mut self, place: Place, id: &str) {
        let hash = self.hash(id.as_bytes());
        let Self { messages, ids, .. } = self;
        let Some(kept) = messages.kept_mut(place.message) else {
            return;
        };
        kept.parts.add_id(place.part, id.as_bytes());
        ids.insert(hash, row(place.message), |before, now| {
            messages.share_id(before, now)
        });
    }

    fn find(&self, id: &str) -> Option<Place> {
        let has_it = |row: usize| {
            let kept = self.messages.get(row);
            kept.is_some_and(|kept| kept.parts.has(id.as_bytes()))
        };
        let row = self.ids.find(self.hash(id.as_bytes()), has_it)?;
        let kept = self.messages.get(row)?;
        // Where several parts have it, the one that was given it last.
        let (part, _) = kept
            .parts
            .ids()
            .rfind(|(_, other)| other.as_bytes() == id.as_bytes())?;
        Some(Place {
            message: kept.key(row),
            part,
        })
    }

    fn update(&mut self, key: MessageKey, change: &mut dyn FnMut(&mut Tracked<T>)) {
        let Self {
            messages, deadlines, ..
        } = self;
        let Some(kept) = messages.kept_mut(key) else {
            return;
        };
        let mut message = kept.tracked();
        change(&mut message);
        kept.parts.set_states(message.parts);
        kept.token = message.token;
        kept.finished = message.finished;
        if kept.deadline != message.deadline {
            kept.deadline = message.deadline;
            kept.queue = deadlines.push(message.deadline, key, Some(kept.queue));
            self.settle();
        }
    }

    fn remove(&mut self, key: MessageKey) -> Option<Tracked<T>> {
        let Self {
            messages,
            ids,
            hasher,
            ..
        } = self;
        let kept = messages.kept(key)?;
        let message = kept.tracked();
        for (_, id) in kept.parts.ids() {
            let hash = hasher.hash_one(id.as_bytes());
            ids.remove(hash, row(key), |before, now| messages.share_id(before, now));
        }
        messages.remove(row(key));
        self.settle();
        Some(message)
    }

    fn first(&self) -> Option<(Instant, MessageKey)> {
        self.deadlines.first(Self::due(&self.messages))
    }

    fn len(&self) -> usize {
        self.messages.len()
    }
}

impl<T: Clone> Kept<T> {
    /// As others see it.
    fn tracked(&self) -> Tracked<T> {
        Tracked {
            token: self.token.clone(),
            parts: self.parts.states(),
            finished: self.finished,
            deadline: self.deadline,
        }
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
