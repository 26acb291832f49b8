//! Long messages put together from their parts.
//!
//! Parts are tied together by account, both addresses, reference, width of the reference, and total. They may come
//! in any order and more than once. A message whose parts do not all come leaves incomplete when its time has
//! passed, or earlier when the limits need its room: nothing vanishes, nothing grows without bound.

mod joined;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

pub use joined::{Joined, StoredPart};

use super::content::MessageSource;
use super::udh::{PartInfo, ReferenceWidth};

/// How much a [`Joiner`] keeps, and for how long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct JoinLimits {
    /// Messages of which parts are there; beyond that the oldest leaves incomplete. Default 10,000.
    pub messages: usize,
    /// Octets of all parts together, what is remembered of complete messages included; beyond that the oldest message
    /// leaves incomplete. Default 16 MiB.
    pub octets: usize,
    /// How long after its first part a message may still become complete. Default 10 minutes.
    pub wait: Duration,
    /// Octets that each part counts beside its own, for what the caller keeps with it; see also [`Joiner::weighing`].
    /// Default 0.
    pub overhead: usize,
}

impl Default for JoinLimits {
    fn default() -> Self {
        Self {
            messages: 10_000,
            octets: 16 << 20,
            wait: Duration::from_secs(600),
            overhead: 0,
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

/// What the parts of a message have in common. Later messages may have the same.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct JoinKey {
    account: Box<str>,
    source: Box<[u8]>,
    destination: Box<[u8]>,
    reference: u16,
    width: ReferenceWidth,
    total: u8,
}

impl JoinKey {
    /// None for what is no part of a longer message.
    #[must_use]
    pub fn of(parties: &Parties<'_>, source: &MessageSource<'_>) -> Option<Self> {
        let part = source.content().part.filter(|part| part.total > 1)?;
        Some(Self::new(parties, part))
    }

    fn new(parties: &Parties<'_>, part: PartInfo) -> Self {
        Self {
            account: parties.account.into(),
            source: parties.source.into(),
            destination: parties.destination.into(),
            reference: part.reference,
            width: part.width,
            total: part.total,
        }
    }
}

/// A part that has come.
#[derive(Clone, Debug)]
struct Kept<T> {
    sequence: u8,
    /// What it was, to tell it when it is repeated from one of another message with the same reference.
    digest: u64,
    part: StoredPart<T>,
}

#[derive(Clone, Debug)]
struct Waiting<T> {
    total: u8,
    /// Those that have come, by sequence: a total is but a word of the peer, and takes no room. Empty once the message
    /// was complete.
    parts: Vec<Kept<T>>,
    /// What each part was, once all were there; empty before.
    digests: Box<[u64]>,
    octets: usize,
    /// When it is given up.
    deadline: Instant,
    /// When it is forgotten in any case.
    until: Instant,
    /// That is before the turn it has in the order of arrival.
    overtakes: bool,
    /// Tells this message from later ones with the same key.
    generation: u64,
}

/// Puts long messages together. `T` comes back with the message: one token for each part.
#[derive(Clone, Debug)]
pub struct Joiner<T> {
    limits: JoinLimits,
    messages: HashMap<JoinKey, Waiting<T>>,
    /// In the order of arrival, with times that do not fall; may hold messages that are gone.
    order: VecDeque<(Instant, JoinKey, u64)>,
    /// Those that are given up, or forgotten, before that.
    hurried: BTreeMap<(Instant, u64), JoinKey>,
    octets: usize,
    /// Octets of what is remembered of complete messages.
    remembered: usize,
    generation: u64,
    incomplete: VecDeque<Waiting<T>>,
    /// Octets of a token.
    weigh: fn(&T) -> usize,
}

impl<T> Joiner<T> {
    /// A joiner that holds nothing.
    #[must_use]
    pub fn new(limits: JoinLimits) -> Self {
        Self {
            limits,
            messages: HashMap::new(),
            order: VecDeque::new(),
            hurried: BTreeMap::new(),
            octets: 0,
            remembered: 0,
            generation: 0,
            incomplete: VecDeque::new(),
            weigh: |_| 0,
        }
    }

    /// The same, where tokens hold octets of their own that count.
    #[must_use]
    pub const fn weighing(mut self, weigh: fn(&T) -> usize) -> Self {
        self.weigh = weigh;
        self
    }

    /// Other limits from now on; what waits keeps its time.
    pub const fn set_limits(&mut self, limits: JoinLimits) {
        self.limits = limits;
    }

    /// Takes in a message that may be a part of a longer one.
    pub fn handle(
        &mut self,
        parties: &Parties<'_>,
        source: &MessageSource<'_>,
        token: T,
        now: Instant,
    ) -> Joining<T> {
        self.handle_until(None, parties, source, token, now)
    }

    /// The same, and a message that is not complete by `deadline` is given up then.
    pub fn handle_until(
        &mut self,
        deadline: Option<Instant>,
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
        let key = JoinKey::new(parties, part);
        let digest = digest(&stored);
        match self
            .messages
            .get(&key)
            .and_then(|waiting| waiting.known(part.sequence))
        {
            Some(known) if known == digest => return Joining::Duplicate(stored.token),
            // The reference has come round while the older message was still waiting, or remembered.
            Some(_) => self.give_up(&key),
            None => {}
        }
        let octets = stored.octets.len() + self.limits.overhead + (self.weigh)(&stored.token);
        self.make_room(&key, octets);
        let waiting = match self.messages.get_mut(&key) {
            Some(waiting) => waiting,
            None => {
                self.generation += 1;
                let until = now + self.limits.wait;
                // Invariant: times do not fall, also after the limit was made shorter. What is due before its turn is
                // found among the hurried.
                let turn = self.order.back().map_or(until, |(last, _, _)| until.max(*last));
                self.order.push_back((turn, key.clone(), self.generation));
                let overtakes = until < turn;
                if overtakes {
                    self.hurried.insert((until, self.generation), key.clone());
                }
                let waiting = Waiting::new(part.total, until, overtakes, self.generation);
                self.messages.entry(key.clone()).or_insert(waiting)
            }
        };
        waiting.octets += octets;
        self.octets += octets;
        waiting.keep(Kept {
            sequence: part.sequence,
            digest,
            part: stored,
        });
        let early = (waiting.deadline, waiting.generation);
        if waiting.missing() > 0 {
            if let Some(deadline) = deadline.filter(|deadline| *deadline < waiting.deadline) {
                waiting.deadline = deadline;
                self.hurried.remove(&early);
                self.hurried.insert((deadline, waiting.generation), key);
            }
            return Joining::Waiting;
        }
        self.hurried.remove(&early);
        // Remembered without its octets, so that a part that is repeated now is still known.
        self.octets -= waiting.octets;
        let joined = waiting.complete();
        self.remembered += waiting.remembered();
        if waiting.overtakes {
            self.hurried.insert((waiting.until, waiting.generation), key);
        }
        Joining::Complete(joined)
    }

    /// What was handed in with a part, by its sequence, while its message is incomplete.
    pub fn token_mut(&mut self, key: &JoinKey, sequence: u8) -> Option<&mut T> {
        let waiting = self.messages.get_mut(key)?;
        let at = waiting.position(sequence).ok()?;
        Some(&mut waiting.parts.get_mut(at)?.part.token)
    }

    /// Forgets a message that was complete: its parts, should they come again, are those of a new one.
    pub fn forget(&mut self, key: &JoinKey) {
        if self
            .messages
            .get(key)
            .is_some_and(|waiting| waiting.missing() == 0)
        {
            self.give_up(key);
        }
    }

    /// Gives up messages whose time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(first) = self.hurried.first_entry()
            && first.key().0 <= now
        {
            let key = first.remove();
            self.give_up(&key);
        }
        while self
            .order
            .front()
            .is_some_and(|(deadline, _, _)| *deadline <= now)
        {
            self.give_up_oldest();
        }
    }

    /// Gives up everything.
    pub fn close(&mut self) {
        while self.give_up_oldest() {}
    }

    /// The next message that was given up before it was complete.
    pub fn poll_incomplete(&mut self) -> Option<Joined<T>> {
        self.incomplete.pop_front().map(Waiting::into_joined)
    }

    /// When [`Joiner::handle_timeout`] has something to do, at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let hurried = self.hurried.first_key_value();
        let hurried = hurried.map(|((deadline, _), _)| *deadline);
        let oldest = self.order.front().map(|(deadline, _, _)| *deadline);
        hurried.into_iter().chain(oldest).min()
    }

    /// Messages of which parts are held, those that were complete a short while ago included.
    #[must_use]
    pub fn messages(&self) -> usize {
        self.messages.len()
    }

    /// Messages of which parts are missing.
    #[must_use]
    pub fn incomplete(&self) -> usize {
        self.messages
            .values()
            .filter(|waiting| waiting.missing() > 0)
            .count()
    }

    /// Octets that the parts of incomplete messages take.
    #[must_use]
    pub const fn octets(&self) -> usize {
        self.octets
    }

    const fn held(&self) -> usize {
        self.octets + self.remembered
    }

    /// Gives up old messages until there is room for a part of `octets` octets.
    fn make_room(&mut self, key: &JoinKey, octets: usize) {
        let is_full = |joiner: &Self| {
            let messages = joiner.messages.len() + usize::from(!joiner.messages.contains_key(key));
            messages > joiner.limits.messages.max(1)
                || joiner.held() > 0 && joiner.held() + octets > joiner.limits.octets
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

    fn give_up(&mut self, key: &JoinKey) {
        let Some(waiting) = self.messages.remove(key) else {
            return;
        };
        self.octets -= waiting.octets;
        self.remembered -= waiting.remembered();
        self.hurried.remove(&(waiting.deadline, waiting.generation));
        if waiting.missing() > 0 {
            self.incomplete.push_back(waiting);
        }
    }
}

impl<T> Waiting<T> {
    fn new(total: u8, until: Instant, overtakes: bool, generation: u64) -> Self {
        Self {
            total,
            parts: Vec::new(),
            digests: Box::default(),
            octets: 0,
            deadline: until,
            until,
            overtakes,
            generation,
        }
    }

    /// Where a part is, or belongs.
    fn position(&self, sequence: u8) -> Result<usize, usize> {
        self.parts.binary_search_by_key(&sequence, |kept| kept.sequence)
    }

    /// What this part was, if it has come.
    fn known(&self, sequence: u8) -> Option<u64> {
        if self.missing() == 0 {
            return self.digests.get(usize::from(sequence).checked_sub(1)?).copied();
        }
        let at = self.position(sequence).ok()?;
        self.parts.get(at).map(|kept| kept.digest)
    }

    /// Takes in a part that has not come before.
    fn keep(&mut self, part: Kept<T>) {
        if let Err(at) = self.position(part.sequence) {
            self.parts.insert(at, part);
        }
    }

    /// Parts that have not come.
    fn missing(&self) -> usize {
        match self.digests.is_empty() {
            true => usize::from(self.total).saturating_sub(self.parts.len()),
            false => 0,
        }
    }

    /// Gives all parts out, and remembers what they were.
    fn complete(&mut self) -> Joined<T> {
        self.octets = 0;
        self.deadline = self.until;
        self.digests = self.parts.iter().map(|kept| kept.digest).collect();
        let parts = std::mem::take(&mut self.parts);
        Joined::new(parts.into_iter().map(|kept| Some(kept.part)).collect())
    }

    /// Octets of what is remembered after that.
    fn remembered(&self) -> usize {
        size_of_val(&*self.digests)
    }

    fn into_joined(self) -> Joined<T> {
        let mut parts = self.parts.into_iter().peekable();
        let slots = (1..=self.total).map(|sequence| {
            let part = parts.next_if(|kept| kept.sequence == sequence);
            part.map(|kept| kept.part)
        });
        Joined::new(slots.collect())
    }
}

fn digest<T>(part: &StoredPart<T>) -> u64 {
    let mut hasher = DefaultHasher::new();
    (part.octets.as_ref(), part.data_coding).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdu::EsmClass;

    #[test]
    fn parts_that_have_not_come_take_no_room() {
        let (mut joiner, now) = (Joiner::new(JoinLimits::default()), Instant::now());
        let octets = [5, 0, 3, 7, 255, 255, b'x'];
        let source = MessageSource {
            esm_class: EsmClass::UDH,
            short_message: &octets,
            ..MessageSource::default()
        };
        let parties = Parties {
            account: "a",
            source: b"1",
            destination: b"2",
        };
        joiner.handle(&parties, &source, (), now);
        let waiting = joiner.messages.values().next().unwrap();
        assert!(waiting.parts.capacity() < 8 && waiting.digests.is_empty());
        joiner.close();
        let joined = joiner.poll_incomplete().unwrap();
        assert_eq!((joined.parts.len(), joined.missing().count()), (255, 254));
        assert!(joined.parts.last().unwrap().is_some());
    }
}
