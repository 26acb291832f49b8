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

/// How many messages were forgotten.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Forgotten {
    /// All of them.
    pub messages: usize,
    /// Those whose final result had not been given out.
    pub unfinished: usize,
}

impl Forgotten {
    fn add(&mut self, finished: bool) {
        self.messages += 1;
        self.unfinished += usize::from(!finished);
    }
}

/// Keeps the tracked messages of one account and finds them by their message ids.
///
/// [`MemoryStore`] is one; another may persist what it is told. It is called for each accepted message and each
/// receipt, on the thread of the bind, so it must neither block for long nor panic: what is slow is done behind it.
/// Deadlines mean nothing to another process: a store that outlives this one keeps how long was left.
pub trait ReceiptStore<T> {
    /// Keeps a message, without ids as yet, under a key that no other message has or will have for a long time.
    fn insert(&mut self, message: Tracked<T>) -> MessageKey;

    /// Adds an id, which is not empty, to a message that is kept. From now on it belongs to this one, whoever had it before.
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

    /// Forgets at most so many messages, those that are to be forgotten first, and only such as are `due` by that time if
    /// there is one: [`remove_first`](Self::remove_first) for those who want to know no more of them, for stores that have
    /// less to do for many at once.
    fn forget(&mut self, most: usize, due: Option<Instant>) -> Forgotten {
        let mut forgotten = Forgotten::default();
        while forgotten.messages < most
            && let Some((deadline, _)) = self.first()
            && due.is_none_or(|due| deadline <= due)
            && let Some(message) = self.remove_first()
        {
            forgotten.add(message.finished);
        }
        forgotten
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

    fn forget(&mut self, most: usize, due: Option<Instant>) -> Forgotten {
        (**self).forget(most, due)
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
}

/// So many messages are forgotten together, so that the processor fetches their places from memory at once.
const TOGETHER: usize = 32;

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

    /// Forgets at most so many of the messages that are first and came one after another, each with one id and due by then.
    /// Gives none where the first is not such a one.
    fn forget_run(&mut self, most: usize, due: Moment) -> Forgotten {
        let mut forgotten = Forgotten::default();
        let Some((run, queue, others)) = self.deadlines.run() else {
            return forgotten;
        };
        let due = due.min(others);
        let (mut gone, mut entries) = (SmallVec::<[(MessageKey, u64); TOGETHER]>::new(), 0);
        for key in run.messages().take(most.min(TOGETHER)) {
            if let Some(kept) = self.messages.kept(key).filter(|kept| kept.queue == queue) {
                let Some(id) = kept.ids.only().filter(|_| kept.deadline <= due) else {
                    break;
                };
                gone.push((key, self.hasher.hash_one(id)));
                forgotten.add(kept.finished);
            }
            entries += 1;
        }
        let Self { messages, ids, .. } = self;
        ids.fetch(gone.iter().map(|(_, hash)| *hash));
        // Places are taken again from the last that was freed, and then messages that come together stand in order.
        for (key, hash) in gone.into_iter().rev() {
            ids.remove(hash, split(key), |before, now| messages.share_id(before, now));
            messages.clear(row(key));
        }
        let left = self.messages.len();
        self.deadlines
            .drop_first((queue, entries), left, Self::due(&self.messages));
        forgotten
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
        if id.is_empty() {
            return;
        }
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
        if id.is_empty() {
            return key;
        }
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
        let Self {
            messages,
            ids,
            hasher,
            ..
        } = self;
        for (_, id) in messages.kept(key)?.ids.iter() {
            let hash = hasher.hash_one(id);
            ids.remove(hash, split(key), |before, now| messages.share_id(before, now));
        }
        let kept = messages.remove(row(key))?;
        self.settle((kept.queue, key));
        Some(Tracked {
            parts: kept.states(),
            token: kept.token,
            finished: kept.finished,
            deadline: self.clock.time(kept.deadline)?,
        })
    }

    fn remove_first(&mut self) -> Option<Tracked<T>> {
        let (_, first) = self.deadlines.first()?;
        self.remove(first)
    }

    fn forget(&mut self, most: usize, due: Option<Instant>) -> Forgotten {
        let mut forgotten = Forgotten::default();
        let due = due.map_or(Moment::MAX, |due| self.clock.moment(due));
        while forgotten.messages < most
            && let Some((deadline, _)) = self.deadlines.first()
            && deadline <= due
        {
            let run = self.forget_run(most - forgotten.messages, due);
            if run.messages == 0 {
                let Some(first) = self.remove_first() else { break };
                forgotten.add(first.finished);
            }
            forgotten.messages += run.messages;
            forgotten.unfinished += run.unfinished;
        }
        forgotten
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
mod tests;
