//! Long messages put together from their parts.
//!
//! Parts are tied together by account, both addresses, reference, width of the reference, and total. They may come
//! in any order and more than once. A message whose parts do not all come leaves incomplete when its time has
//! passed, or earlier when the limits need its room: nothing vanishes, nothing grows without bound.

mod joined;

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

pub use joined::{Joined, StoredPart};

use super::content::MessageSource;
use super::udh::ReferenceWidth;

/// How much a [`Joiner`] keeps, and for how long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct JoinLimits {
    /// Messages of which parts are there; beyond that the oldest leaves incomplete. Default 10,000.
    pub messages: usize,
    /// Octets of all parts together; beyond that the oldest message leaves incomplete. Default 16 MiB.
    pub octets: usize,
    /// How long after its first part a message may still become complete. Default 10 minutes.
    pub wait: Duration,
}

impl Default for JoinLimits {
    fn default() -> Self {
        Self {
            messages: 10_000,
            octets: 16 << 20,
            wait: Duration::from_secs(600),
        }
    }
}

/// Between whom a message goes.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Parties<'a> {
    /// The account whose bind it came on.
    pub account: &'a str,
    /// The source address.
    pub source: &'a [u8],
    /// The destination address.
    pub destination: &'a [u8],
}

/// What came of a message that was handed in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Joining<T> {
    /// It is no part of anything; the token comes back.
    Single(T),
    /// Other parts are missing.
    Waiting,
    /// This very part was there already; the token comes back.
    Duplicate(T),
    /// It was the last one.
    Complete(Joined<T>),
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Key {
    account: Box<str>,
    source: Box<[u8]>,
    destination: Box<[u8]>,
    reference: u16,
    width: ReferenceWidth,
    total: u8,
}

#[derive(Clone, Debug)]
struct Waiting<T> {
    /// By sequence; none where the part has not come. Empty once the message was complete.
    parts: Vec<Option<StoredPart<T>>>,
    /// What each part was, to tell a repeated part from one of another message with the same reference.
    digests: Vec<Option<u64>>,
    missing: usize,
    octets: usize,
    /// Tells this message from later ones with the same key.
    generation: u64,
}

/// Puts long messages together. `T` comes back with the message: one token for each part.
#[derive(Clone, Debug)]
pub struct Joiner<T> {
    limits: JoinLimits,
    messages: HashMap<Key, Waiting<T>>,
    /// In the order of arrival, which is the order of deadlines; may hold messages that are gone.
    order: VecDeque<(Instant, Key, u64)>,
    octets: usize,
    generation: u64,
    incomplete: VecDeque<Joined<T>>,
}

impl<T> Joiner<T> {
    /// A joiner that holds nothing.
    #[must_use]
    pub fn new(limits: JoinLimits) -> Self {
        Self {
            limits,
            messages: HashMap::new(),
            order: VecDeque::new(),
            octets: 0,
            generation: 0,
            incomplete: VecDeque::new(),
        }
    }

    /// Takes in a message that may be a part of a longer one.
    pub fn handle(
        &mut self,
        parties: &Parties<'_>,
        source: &MessageSource<'_>,
        token: T,
        now: Instant,
    ) -> Joining<T> {
        let content = source.content();
        let Some(part) = content.part else {
            return Joining::Single(token);
        };
        let stored = StoredPart::new(&content, source.data_coding, token);
        if part.total == 1 {
            return Joining::Complete(Joined::single(stored));
        }
        let key = Key {
            account: parties.account.into(),
            source: parties.source.into(),
            destination: parties.destination.into(),
            reference: part.reference,
            width: part.width,
            total: part.total,
        };
        let digest = digest(&stored);
        let at = usize::from(part.sequence) - 1;
        match self
            .messages
            .get(&key)
            .map(|waiting| waiting.digests.get(at).copied().flatten())
        {
            Some(Some(known)) if known == digest => return Joining::Duplicate(stored.token),
            // The reference has come round while the older message was still waiting, or remembered.
            Some(Some(_)) => self.give_up(&key),
            Some(None) | None => {}
        }
        self.make_room(&key, stored.octets.len());
        let waiting = match self.messages.get_mut(&key) {
            Some(waiting) => waiting,
            None => {
                self.generation += 1;
                self.order
                    .push_back((now + self.limits.wait, key.clone(), self.generation));
                self.messages
                    .entry(key.clone())
                    .or_insert(Waiting::new(part.total, self.generation))
            }
        };
        waiting.missing -= 1;
        waiting.octets += stored.octets.len();
        self.octets += stored.octets.len();
        if let (Some(slot), Some(known)) = (waiting.parts.get_mut(at), waiting.digests.get_mut(at)) {
            *slot = Some(stored);
            *known = Some(digest);
        }
        if waiting.missing > 0 {
            return Joining::Waiting;
        }
        // Remembered without its octets, so that a part that is repeated now is still known.
        self.octets -= waiting.octets;
        waiting.octets = 0;
        Joining::Complete(Joined::new(std::mem::take(&mut waiting.parts)))
    }

    /// Gives up messages whose time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        while self.next_deadline().is_some_and(|deadline| deadline <= now) {
            self.give_up_oldest();
        }
    }

    /// The next message that was given up before it was complete.
    pub fn poll_incomplete(&mut self) -> Option<Joined<T>> {
        self.incomplete.pop_front()
    }

    /// When [`Joiner::handle_timeout`] has something to do, at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.next_deadline()
    }

    /// Messages of which parts are held, those that were complete a short while ago included.
    #[must_use]
    pub fn messages(&self) -> usize {
        self.messages.len()
    }

    /// Octets that are held.
    #[must_use]
    pub const fn octets(&self) -> usize {
        self.octets
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.order.front().map(|(deadline, _, _)| *deadline)
    }

    /// Gives up old messages until there is room for a part of `octets` octets.
    fn make_room(&mut self, key: &Key, octets: usize) {
        let is_full = |joiner: &Self| {
            let messages = joiner.messages.len() + usize::from(!joiner.messages.contains_key(key));
            messages > joiner.limits.messages.max(1)
                || joiner.octets > 0 && joiner.octets + octets > joiner.limits.octets
        };
        while is_full(self) && self.give_up_oldest() {}
        // A reference that keeps coming round leaves entries of messages that are gone.
        if self.order.len() > 2 * self.messages.len() + 64 {
            let messages = &self.messages;
            self.order.retain(|(_, key, generation)| {
                messages
                    .get(key)
                    .is_some_and(|waiting| waiting.generation == *generation)
            });
        }
    }

    /// True when there was one.
    fn give_up_oldest(&mut self) -> bool {
        let Some((_, key, generation)) = self.order.pop_front() else {
            return false;
        };
        if self
            .messages
            .get(&key)
            .is_some_and(|waiting| waiting.generation == generation)
        {
            self.give_up(&key);
        }
        true
    }

    fn give_up(&mut self, key: &Key) {
        let Some(waiting) = self.messages.remove(key) else {
            return;
        };
        self.octets -= waiting.octets;
        if waiting.missing > 0 {
            self.incomplete.push_back(Joined::new(waiting.parts));
        }
    }
}

impl<T> Waiting<T> {
    fn new(total: u8, generation: u64) -> Self {
        let total = usize::from(total);
        Self {
            parts: std::iter::repeat_with(|| None).take(total).collect(),
            digests: vec![None; total],
            missing: total,
            octets: 0,
            generation,
        }
    }
}

fn digest<T>(part: &StoredPart<T>) -> u64 {
    let mut hasher = DefaultHasher::new();
    (part.octets.as_ref(), part.data_coding).hash(&mut hasher);
    hasher.finish()
}
