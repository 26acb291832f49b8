//! Where the correlator keeps the messages whose receipts are owed.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use crate::pdu::MessageState;

/// Names a message in a store; later messages have larger keys.
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

/// A message whose receipts are owed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tracked<T> {
    /// What the caller knows it by.
    pub token: T,
    /// The account that it was sent with.
    pub account: Box<str>,
    /// The ids of its parts, normalised. A part that was sent twice has two.
    pub ids: Vec<Box<str>>,
    /// The furthest state of each part.
    pub parts: Vec<Option<MessageState>>,
    /// True once its final result was given out.
    pub finished: bool,
    /// When it is forgotten.
    pub deadline: Instant,
}

/// Keeps tracked messages and finds them by account and message id.
///
/// [`MemoryStore`] is one; another may persist what it is told. It is called for each accepted message and each
/// receipt, on the thread of the bind, so it must neither block for long nor panic: what is slow is done behind it.
/// Deadlines mean nothing to another process: a store that outlives this one keeps how long was left.
pub trait ReceiptStore<T> {
    /// The first key that is free, larger than any that is kept: of a store that does not begin empty.
    fn first_free(&self) -> MessageKey {
        MessageKey(0)
    }

    /// Keeps a message, without ids as yet.
    fn insert(&mut self, key: MessageKey, message: Tracked<T>);

    /// Adds an id to a message that is kept. From now on it belongs to this one, whoever had it before.
    fn add_id(&mut self, place: Place, id: &str);

    /// What an id belongs to.
    fn find(&self, account: &str, id: &str) -> Option<Place>;

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
    fn first_free(&self) -> MessageKey {
        (**self).first_free()
    }

    fn insert(&mut self, key: MessageKey, message: Tracked<T>) {
        (**self).insert(key, message);
    }

    fn add_id(&mut self, place: Place, id: &str) {
        (**self).add_id(place, id);
    }

    fn find(&self, account: &str, id: &str) -> Option<Place> {
        (**self).find(account, id)
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
#[derive(Clone, Debug)]
pub struct MemoryStore<T> {
    messages: HashMap<MessageKey, Tracked<T>>,
    places: Ids<Place>,
    deadlines: BTreeSet<(Instant, MessageKey)>,
}

impl<T> Default for MemoryStore<T> {
    fn default() -> Self {
        Self {
            messages: HashMap::new(),
            places: Ids::default(),
            deadlines: BTreeSet::new(),
        }
    }
}

impl<T> ReceiptStore<T> for MemoryStore<T> {
    fn insert(&mut self, key: MessageKey, message: Tracked<T>) {
        self.deadlines.insert((message.deadline, key));
        self.messages.insert(key, message);
    }

    fn add_id(&mut self, place: Place, id: &str) {
        if let Some(message) = self.messages.get_mut(&place.message) {
            self.places.insert(&message.account, id, place);
            message.ids.push(id.into());
        }
    }

    fn find(&self, account: &str, id: &str) -> Option<Place> {
        self.places.get(account, id).copied()
    }

    fn update(&mut self, key: MessageKey, change: &mut dyn FnMut(&mut Tracked<T>)) {
        let Some(message) = self.messages.get_mut(&key) else {
            return;
        };
        let before = message.deadline;
        change(message);
        if message.deadline != before {
            self.deadlines.remove(&(before, key));
            self.deadlines.insert((message.deadline, key));
        }
    }

    fn remove(&mut self, key: MessageKey) -> Option<Tracked<T>> {
        let message = self.messages.remove(&key)?;
        self.deadlines.remove(&(message.deadline, key));
        for id in &message.ids {
            self.places
                .remove_if(&message.account, id, |place| place.message == key);
        }
        Some(message)
    }

    fn first(&self) -> Option<(Instant, MessageKey)> {
        self.deadlines.first().copied()
    }

    fn len(&self) -> usize {
        self.messages.len()
    }
}

/// Values by account and id, looked up without building a key.
#[derive(Clone, Debug)]
pub(super) struct Ids<V>(HashMap<Box<str>, HashMap<Box<str>, V>>);

impl<V> Default for Ids<V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<V> Ids<V> {
    pub(super) fn get(&self, account: &str, id: &str) -> Option<&V> {
        self.0.get(account)?.get(id)
    }

    pub(super) fn insert(&mut self, account: &str, id: &str, value: V) {
        match self.0.get_mut(account) {
            Some(ids) => ids.insert(id.into(), value),
            None => self.0.entry(account.into()).or_default().insert(id.into(), value),
        };
    }

    pub(super) fn remove(&mut self, account: &str, id: &str) -> Option<V> {
        let ids = self.0.get_mut(account)?;
        let value = ids.remove(id);
        if ids.is_empty() {
            self.0.remove(account);
        }
        value
    }

    fn remove_if(&mut self, account: &str, id: &str, test: impl FnOnce(&V) -> bool) {
        if self.get(account, id).is_some_and(test) {
            self.remove(account, id);
        }
    }

    pub(super) fn entry(&mut self, account: &str, id: &str) -> &mut V
    where
        V: Default,
    {
        self.0
            .entry(account.into())
            .or_default()
            .entry(id.into())
            .or_default()
    }
}
