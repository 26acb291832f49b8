//! Where the correlator keeps the messages whose receipts are owed.

use std::hash::BuildHasher;
use std::time::Instant;

use slab::Slab;
use smallvec::SmallVec;

use super::deadlines::Deadlines;
use super::index::Index;
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
/// Neither a message of up to eight parts nor a usual id costs an allocation of its own.
#[derive(Clone, Debug)]
pub struct MemoryStore<T> {
    messages: Slab<Kept<T>>,
    /// Which message is in each slot, by its number: 0 for none. Apart, because it is asked most.
    counts: Vec<u32>,
    ids: Index,
    /// Seeded: ids are chosen by others.
    hasher: hashbrown::DefaultHashBuilder,
    deadlines: Deadlines,
    /// The number of the last message.
    count: u32,
}

#[derive(Clone, Debug)]
struct Kept<T> {
    message: Tracked<T>,
    /// With the part that each belongs to. A part that was sent twice has two.
    ids: SmallVec<[(u32, Id); 1]>,
}

/// A message id, normalised. Longer ones are kept too.
type Id = COctetString<65>;

/// Where a message with this key is, if it is there.
const fn slot(key: MessageKey) -> usize {
    (key.0 & 0xFFFF_FFFF) as usize
}

/// Whether a message with this key is there.
fn is_kept(counts: &[u32], key: MessageKey) -> bool {
    let count = counts.get(slot(key));
    count.is_some_and(|count| u64::from(*count) == key.0 >> 32)
}

impl<T> Default for MemoryStore<T> {
    fn default() -> Self {
        Self {
            messages: Slab::new(),
            counts: Vec::new(),
            ids: Index::default(),
            hasher: hashbrown::DefaultHashBuilder::default(),
            deadlines: Deadlines::default(),
            count: 0,
        }
    }
}

impl<T> MemoryStore<T> {
    fn get_mut(&mut self, key: MessageKey) -> Option<&mut Kept<T>> {
        is_kept(&self.counts, key).then(|| self.messages.get_mut(slot(key)))?
    }

    fn hash(&self, id: &[u8]) -> u64 {
        self.hasher.hash_one(id)
    }

    /// Drops deadlines that are no longer in force.
    fn settle(&mut self) {
        let Self {
            messages,
            counts,
            deadlines,
            ..
        } = self;
        deadlines.settle(messages.len(), |deadline, key| {
            let kept = messages.get(slot(key));
            is_kept(counts, key) && kept.is_some_and(|kept| kept.message.deadline == deadline)
        });
    }
}

impl<T> ReceiptStore<T> for MemoryStore<T> {
    fn insert(&mut self, message: Tracked<T>) -> MessageKey {
        self.count = self.count.checked_add(1).unwrap_or(1);
        let deadline = message.deadline;
        let slot = self.messages.insert(Kept {
            message,
            ids: SmallVec::new(),
        });
        if slot >= self.counts.len() {
            self.counts.resize(slot + 1, 0);
        }
        self.counts[slot] = self.count;
        let key = MessageKey(u64::from(self.count) << 32 | slot as u64);
        self.deadlines.push(deadline, key);
        key
    }

    fn add_id(&mut self, place: Place, id: &str) {
        let hash = self.hash(id.as_bytes());
        let Some(kept) = self.get_mut(place.message) else {
            return;
        };
        kept.ids.push((place.part as u32, Id::keep(id.as_bytes())));
        let Self { ids, counts, .. } = self;
        ids.insert(hash, place.message, |key| is_kept(counts, key));
    }

    fn find(&self, id: &str) -> Option<Place> {
        let message = self.ids.find(self.hash(id.as_bytes()))?;
        let kept = self.messages.get(slot(message))?;
        let is_it = |(_, other): &&(u32, Id)| other.as_bytes() == id.as_bytes();
        let (part, _) = kept.ids.iter().rev().find(is_it)?;
        is_kept(&self.counts, message).then_some(Place {
            message,
            part: *part as usize,
        })
    }

    fn update(&mut self, key: MessageKey, change: &mut dyn FnMut(&mut Tracked<T>)) {
        let Some(kept) = self.get_mut(key) else {
            return;
        };
        let before = kept.message.deadline;
        change(&mut kept.message);
        let deadline = kept.message.deadline;
        if deadline != before {
            self.deadlines.push(deadline, key);
            self.settle();
        }
    }

    fn remove(&mut self, key: MessageKey) -> Option<Tracked<T>> {
        self.get_mut(key)?;
        let kept = self.messages.try_remove(slot(key))?;
        self.counts[slot(key)] = 0;
        self.settle();
        Some(kept.message)
    }

    fn first(&self) -> Option<(Instant, MessageKey)> {
        self.deadlines.first()
    }

    fn len(&self) -> usize {
        self.messages.len()
    }
}
