//! Where the correlator keeps the messages whose receipts are owed.

use std::hash::BuildHasher;
use std::time::Instant;

use hashbrown::hash_table::{Entry, HashTable};
use slab::Slab;
use smallvec::SmallVec;

use super::deadlines::Deadlines;
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
    /// Where each id is written: in which message, and which of its ids it is.
    ids: HashTable<(u32, u32)>,
    /// Seeded: ids are chosen by others.
    hasher: hashbrown::DefaultHashBuilder,
    deadlines: Deadlines,
    /// How many messages there were, which tells those in one place apart.
    count: u32,
}

#[derive(Clone, Debug)]
struct Kept<T> {
    message: Tracked<T>,
    /// With the part that each belongs to. A part that was sent twice has two.
    ids: SmallVec<[(u32, Id); 1]>,
    count: u32,
}

/// A message id, normalised. Longer ones are kept too.
type Id = COctetString<65>;

impl<T> Kept<T> {
    fn key(&self, slot: usize) -> MessageKey {
        MessageKey(u64::from(self.count) << 32 | slot as u64)
    }
}

/// Where a message with this key is, if it is there.
const fn slot(key: MessageKey) -> usize {
    (key.0 & 0xFFFF_FFFF) as usize
}

impl<T> Default for MemoryStore<T> {
    fn default() -> Self {
        Self {
            messages: Slab::new(),
            ids: HashTable::new(),
            hasher: hashbrown::DefaultHashBuilder::default(),
            deadlines: Deadlines::default(),
            count: 0,
        }
    }
}

impl<T> MemoryStore<T> {
    fn get(&self, key: MessageKey) -> Option<&Kept<T>> {
        let kept = self.messages.get(slot(key))?;
        (kept.key(slot(key)) == key).then_some(kept)
    }

    fn hash(&self, id: &[u8]) -> u64 {
        self.hasher.hash_one(id)
    }

    /// Drops deadlines that are no longer in force.
    fn settle(&mut self) {
        let Self {
            messages, deadlines, ..
        } = self;
        deadlines.settle(messages.len(), |deadline, key| {
            let kept = messages.get(slot(key));
            kept.is_some_and(|kept| kept.key(slot(key)) == key && kept.message.deadline == deadline)
        });
    }
}

/// The octets of an id that a message has.
fn written<T>(messages: &Slab<Kept<T>>, (slot, place): (u32, u32)) -> &[u8] {
    let kept = messages.get(slot as usize);
    let id = kept.and_then(|kept| kept.ids.get(place as usize));
    id.map_or(&[], |(_, id)| id.as_bytes())
}

impl<T> ReceiptStore<T> for MemoryStore<T> {
    fn insert(&mut self, message: Tracked<T>) -> MessageKey {
        self.count = self.count.wrapping_add(1);
        let deadline = message.deadline;
        let kept = Kept {
            message,
            ids: SmallVec::new(),
            count: self.count,
        };
        let slot = self.messages.insert(kept);
        let key = MessageKey(u64::from(self.count) << 32 | slot as u64);
        self.deadlines.push(deadline, key);
        key
    }

    fn add_id(&mut self, place: Place, id: &str) {
        let Some(kept) = self.get(place.message) else {
            return;
        };
        let at = (slot(place.message) as u32, kept.ids.len() as u32);
        let hash = self.hash(id.as_bytes());
        let Self {
            messages,
            ids,
            hasher,
            ..
        } = self;
        if let Some(kept) = messages.get_mut(at.0 as usize) {
            kept.ids.push((place.part as u32, Id::keep(id.as_bytes())));
        }
        let entry = ids.entry(
            hash,
            |other| written(messages, *other) == id.as_bytes(),
            |other| hasher.hash_one(written(messages, *other)),
        );
        match entry {
            Entry::Occupied(mut other) => *other.get_mut() = at,
            Entry::Vacant(free) => drop(free.insert(at)),
        }
    }

    fn find(&self, id: &str) -> Option<Place> {
        let is_it = |at: &(u32, u32)| written(&self.messages, *at) == id.as_bytes();
        let (slot, place) = *self.ids.find(self.hash(id.as_bytes()), is_it)?;
        let kept = self.messages.get(slot as usize)?;
        let (part, _) = kept.ids.get(place as usize)?;
        Some(Place {
            message: kept.key(slot as usize),
            part: *part as usize,
        })
    }

    fn update(&mut self, key: MessageKey, change: &mut dyn FnMut(&mut Tracked<T>)) {
        if self.get(key).is_none() {
            return;
        }
        let Some(kept) = self.messages.get_mut(slot(key)) else {
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
        let count = self.get(key)?.ids.len();
        for place in 0..count as u32 {
            let at = (slot(key) as u32, place);
            let hash = self.hash(written(&self.messages, at));
            // Another message may have this id by now.
            if let Ok(entry) = self.ids.find_entry(hash, |other| *other == at) {
                entry.remove();
            }
        }
        let kept = self.messages.try_remove(slot(key))?;
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
