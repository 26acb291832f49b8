//! Which message a receipt is about, and what became of the message as a whole.
//!
//! [`Correlator`] is told what an account submitted and which receipts came, on whatever of its binds. Receipts
//! that come before the response wait for it; those that nobody owes come out as orphans; a message of several
//! parts has one result. Everything is bounded by number and age, and nothing vanishes: what is given up comes
//! out of [`Correlator::poll_event`].

mod clock;
mod counters;
mod deadlines;
mod ids;
mod index;
mod parking;
mod rows;
mod store;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

pub use counters::CorrelatorCounters;
use parking::{Parked, Parking};
pub use store::{Forgotten, MemoryStore, MessageKey, PartStates, Place, ReceiptStore, Tracked};

use smallvec::SmallVec;

use super::message_id::IdRules;
use super::receipt::{Receipt, is_final};
use crate::pdu::MessageState;

/// Keeps no more room than this for nothing.
const SPARE: usize = 128;

/// Most characters of an id under which a receipt is parked. The field of a response has room for 64 (3.4 section 5.2.23), and
/// `leniency.overlong_text` keeps longer ones too; what is longer than this is no id.
const MAX_ID: usize = 255;

/// As many octets of receipts may be parked for each that may be parked.
const PARKED_OCTETS: usize = 1_024;

/// When there is no room for one more, this part of all is given up at once, which costs less than one by one, unless
/// somebody hears of each.
const SHARE: usize = 1_024;

/// How much a [`Correlator`] keeps, and for how long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CorrelatorLimits {
    /// Messages whose receipts are owed; beyond that the one that would be forgotten first is given up, and with it a
    /// thousandth of all while nobody hears of it. Default 1,000,000.
    pub messages: usize,
    /// How long receipts of a message are waited for. Default 7 days.
    pub keep_for: Duration,
    /// How long a message with a result is remembered, so that doubled receipts still find it. Default an hour.
    pub keep_finished_for: Duration,
    /// Receipts that wait for a response, and 1,024 octets on average for what each says; beyond either the oldest is
    /// an orphan. One always has room, unless it is 0. Default 10,000.
    pub parked: usize,
    /// How long they wait. Default 5 minutes.
    pub park_for: Duration,
}

impl Default for CorrelatorLimits {
    fn default() -> Self {
        Self {
            messages: 1_000_000,
            keep_for: Duration::from_secs(7 * 24 * 3600),
            keep_finished_for: Duration::from_secs(3_600),
            parked: 10_000,
            park_for: Duration::from_secs(300),
        }
    }
}

/// What a receipt did to the part that it is about.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Progress {
    /// Took it to a state further on, though not a final one.
    Advanced,
    /// Took it to its final state.
    Final,
    /// Nothing: it was there already or further on, or the state has no plain meaning.
    None,
}

/// What became of a message as a whole.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct MessageResult {
    /// DELIVERED when every part was; else the state of the first part that was not.
    pub state: MessageState,
    /// Parts that were delivered.
    pub delivered: usize,
    /// Parts of the message.
    pub parts: usize,
}

/// A receipt with the message that it is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Matched<'r, T> {
    /// What the caller knows the message by.
    pub token: T,
    /// The key that [`Correlator::handle_submitted`] gave.
    pub key: MessageKey,
    /// The part, from 0.
    pub part: usize,
    /// What changed.
    pub progress: Progress,
    /// The result of the message: with the receipt that made its last part final, and never again.
    pub result: Option<MessageResult>,
    /// The receipt.
    pub receipt: Receipt<'r>,
}

/// Where a receipt went.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Received<'r, T> {
    /// To its message.
    Matched(Matched<'r, T>),
    /// It waits for a response that names its message.
    Parked,
    /// Nowhere: it names no message at all, or only by an id of more than 255 characters.
    Orphan(Receipt<'r>),
}

/// What [`Correlator::poll_event`] gives out. Small, as messages are given up as fast as they come where receipts are owed
/// for ever.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Correlation<T> {
    /// A receipt that had waited found its message.
    Matched(Box<Matched<'static, T>>),
    /// A receipt that had waited is given up: nothing that was submitted bears its id.
    Orphan {
        /// The receipt.
        receipt: Box<Receipt<'static>>,
    },
    /// A message is given up before it had its result.
    Unfinished {
        /// What the caller knows the message by.
        token: T,
        /// The furthest state of each part.
        parts: PartStates,
    },
}

/// What a receipt did to its message.
struct Change<T> {
    place: Place,
    token: T,
    progress: Progress,
    result: Option<MessageResult>,
}

impl<T> Change<T> {
    fn with(self, receipt: Receipt<'_>) -> Matched<'_, T> {
        let Self {
            place: Place { message, part },
            token,
            progress,
            result,
        } = self;
        Matched {
            token,
            key: message,
            part,
            progress,
            result,
            receipt,
        }
    }
}

/// Matches receipts with messages.
#[derive(Clone, Debug)]
pub struct Correlator<T, S = MemoryStore<T>> {
    limits: CorrelatorLimits,
    rules: IdRules,
    store: S,
    parking: Parking,
    events: VecDeque<Correlation<T>>,
    /// Somebody wants to hear what is given up.
    heeded: bool,
    counters: CorrelatorCounters,
}

impl<T: Clone> Correlator<T> {
    /// A correlator that keeps its messages in memory.
    #[must_use]
    pub fn new(limits: CorrelatorLimits) -> Self {
        Self::with_store(limits, MemoryStore::default())
    }
}

impl<T: Clone, S: ReceiptStore<T>> Correlator<T, S> {
    /// A correlator that keeps its messages in `store`, and goes on with what is in it.
    #[must_use]
    pub fn with_store(limits: CorrelatorLimits, store: S) -> Self {
        Self {
            limits,
            rules: IdRules::default(),
            store,
            parking: Parking::default(),
            events: VecDeque::new(),
            heeded: true,
            counters: CorrelatorCounters::default(),
        }
    }

    /// Other limits from now on; what is kept already keeps its time.
    pub fn set_limits(&mut self, limits: CorrelatorLimits) {
        self.limits = limits;
    }

    /// Whether anybody hears what [`poll_event`](Self::poll_event) says; if not, what is given up is only counted from now
    /// on. True unless it is set.
    pub const fn set_heeded(&mut self, heeded: bool) {
        self.heeded = heeded;
    }

    /// Sets how ids are to be read; without it they are compared as they are.
    pub fn set_rules(&mut self, rules: IdRules) {
        self.rules = rules;
    }

    /// Learns that a message of `parts` parts was accepted, and the ids that the responses gave them (part from 0,
    /// id; a part that was sent twice has two). Receipts that waited for one of them come out of
    /// [`Correlator::poll_event`].
    pub fn handle_submitted<'i>(
        &mut self,
        token: T,
        parts: usize,
        ids: impl IntoIterator<Item = (usize, &'i str)>,
        now: Instant,
    ) -> MessageKey {
        let (kept, most) = (self.store.len(), self.limits.messages.max(1));
        if kept >= most {
            // Who hears of each is not told of many at once.
            let share = if self.heeded { 0 } else { most / SHARE };
            self.give_up(kept - most + 1 + share, None);
        }
        self.counters.messages += 1;
        let deadline = now + self.limits.keep_for;
        let mut ids = ids.into_iter().peekable();
        let key = match ids.next_if(|(part, _)| (parts, *part) == (1, 0)) {
            Some((_, id)) => self.insert_single(token, deadline, id, now),
            None => self.insert(token, parts, deadline),
        };
        for (part, id) in ids {
            self.handle_id(Place { message: key, part }, id, now);
        }
        key
    }

    /// Keeps a message, without ids as yet.
    fn insert(&mut self, token: T, parts: usize, deadline: Instant) -> MessageKey {
        self.store.insert(Tracked {
            token,
            parts: SmallVec::from_elem(None, parts),
            finished: false,
            deadline,
        })
    }

    /// Keeps a message in one part.
    fn insert_single(&mut self, token: T, deadline: Instant, id: &str, now: Instant) -> MessageKey {
        let id = self.rules.response.normalise(id);
        if id.is_empty() {
            return self.insert(token, 1, deadline);
        }
        let message = self.store.insert_single(token, deadline, &id);
        self.release_parked(Place { message, part: 0 }, &id, now);
        message
    }

    /// Learns one more id of a part: of a response that came late, or of a part that was sent again.
    pub fn handle_id(&mut self, place: Place, id: &str, now: Instant) {
        let id = self.rules.response.normalise(id);
        if id.is_empty() {
            return;
        }
        self.store.add_id(place, &id);
        self.release_parked(place, &id, now);
    }

    /// Receipts that waited for this id are about this part.
    #[inline]
    fn release_parked(&mut self, place: Place, id: &str, now: Instant) {
        while let Some(parked) = self.parking.take(id) {
            match self.apply(place, parked.receipt.state(), now) {
                Some(change) => {
                    self.counters.early += 1;
                    let matched = change.with(parked.receipt);
                    self.events.push_back(Correlation::Matched(Box::new(matched)));
                }
                None => self.orphan(parked),
            }
        }
    }

    /// True when a message has this id, as responses write ids.
    #[must_use]
    pub fn knows(&self, id: &str) -> bool {
        let id = self.rules.response.normalise(id);
        !id.is_empty() && self.store.find(&id).is_some()
    }

    /// Takes in a receipt that came on any bind of the account.
    pub fn handle_receipt<'r>(&mut self, receipt: Receipt<'r>, now: Instant) -> Received<'r, T> {
        self.counters.receipts += 1;
        let rules = self.rules;
        let place = candidates(&receipt, rules).find_map(|id| self.store.find(&id));
        if let Some(change) = place.and_then(|place| self.apply(place, receipt.state(), now)) {
            return Received::Matched(change.with(receipt));
        }
        let mut keys: Vec<Box<str>> = candidates(&receipt, rules)
            .filter(|id| id.chars().nth(MAX_ID).is_none())
            .map(|id| id.into_owned().into())
            .collect();
        keys.sort_unstable();
        keys.dedup();
        if keys.is_empty() || self.limits.parked == 0 {
            self.counters.orphans += 1;
            return Received::Orphan(receipt);
        }
        let octets = parking::octets(&receipt, &keys);
        while self.is_parking_full(octets) {
            let Some(oldest) = self.parking.take_oldest() else {
                break;
            };
            self.orphan(oldest);
        }
        self.parking
            .park(receipt.into_owned(), keys, octets, now + self.limits.park_for);
        Received::Parked
    }

    /// Gives up what has waited long enough.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(parked) = self.parking.take_expired(now) {
            self.orphan(parked);
        }
        self.give_up(usize::MAX, Some(now));
    }

    /// What happened apart from the receipts that were handled at once.
    pub fn poll_event(&mut self) -> Option<Correlation<T>> {
        let event = self.events.pop_front();
        if event.is_none() && self.events.capacity() > SPARE {
            // As many as may wait can become orphans at once.
            self.events = VecDeque::new();
        }
        event
    }

    /// When [`Correlator::handle_timeout`] has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let forget = self.store.first().map(|(deadline, _)| deadline);
        forget.into_iter().chain(self.parking.next_deadline()).min()
    }

    /// Messages that are kept.
    #[must_use]
    pub fn messages(&self) -> usize {
        self.store.len()
    }

    /// What came so far, and what became of it.
    #[must_use]
    pub const fn counters(&self) -> CorrelatorCounters {
        self.counters
    }

    /// Receipts that wait for a response.
    #[must_use]
    pub fn parked(&self) -> usize {
        self.parking.len()
    }

    /// Octets that these take.
    #[must_use]
    pub const fn parked_octets(&self) -> usize {
        self.parking.octets()
    }

    /// True when a receipt of so many octets has no room among those that are parked.
    fn is_parking_full(&self, octets: usize) -> bool {
        let (parked, most) = (self.parking.len(), self.limits.parked);
        let most_octets = most.saturating_mul(PARKED_OCTETS);
        parked >= most || parked > 0 && self.parking.octets() + octets > most_octets
    }

    /// Carries a state to its message; none when that is gone.
    fn apply(&mut self, place: Place, state: Option<MessageState>, now: Instant) -> Option<Change<T>> {
        let keep_finished_for = self.limits.keep_finished_for;
        let mut changed = None;
        self.store.update(place.message, &mut |message| {
            let progress = message
                .parts
                .get_mut(place.part)
                .map_or(Progress::None, |part| advance(part, state));
            let result = result_of(&message.parts).filter(|_| !message.finished);
            if result.is_some() {
                message.finished = true;
                message.deadline = now + keep_finished_for;
            }
            changed = Some(Change {
                place,
                token: message.token.clone(),
                progress,
                result,
            });
        });
        let change = changed?;
        self.counters.matched += 1;
        self.counters.repeated += u64::from(change.progress == Progress::None);
        self.counters.finished += u64::from(change.result.is_some());
        Some(change)
    }

    fn orphan(&mut self, parked: Parked) {
        self.counters.orphans += 1;
        self.events.push_back(Correlation::Orphan {
            receipt: Box::new(parked.receipt),
        });
    }

    /// Gives up at most so many messages, those that are to be forgotten first, and only such as are `due` by then.
    fn give_up(&mut self, most: usize, due: Option<Instant>) {
        if !self.heeded {
            let forgotten = self.store.forget(most, due);
            self.counters.given_up += forgotten.unfinished as u64;
            return;
        }
        for _ in 0..most {
            let is_due = |(deadline, _)| due.is_none_or(|due| deadline <= due);
            if !self.store.first().is_some_and(is_due) {
                return;
            }
            let Some(message) = self.store.remove_first() else {
                return;
            };
            if !message.finished {
                self.counters.given_up += 1;
                self.events.push_back(Correlation::Unfinished {
                    token: message.token,
                    parts: message.parts,
                });
            }
        }
    }
}

/// The ids that a receipt may be known by: the TLV in the form of the response, then the text in its own.
///
/// Not the other way round: where ids are dense numbers in different bases, that would find other messages. Where both are
/// written alike the TLV has the form of the text, as one id does not look the same in two bases.
fn candidates<'a>(receipt: &'a Receipt<'_>, rules: IdRules) -> impl Iterator<Item = Cow<'a, str>> {
    let (tlv, text) = (receipt.receipted_message_id.as_deref(), receipt.id.as_deref());
    let tlv = tlv.filter(|_| tlv != text);
    [(tlv, rules.response), (text, rules.receipt)]
        .into_iter()
        .filter_map(|(id, form)| Some(form.normalise(id?)))
        .filter(|id| !id.is_empty())
}

/// Moves a part on, never back.
fn advance(part: &mut Option<MessageState>, state: Option<MessageState>) -> Progress {
    let Some(state) = state else { return Progress::None };
    if part.is_some_and(|before| rank(before) >= rank(state)) {
        return Progress::None;
    }
    *part = Some(state);
    if is_final(state) {
        Progress::Final
    } else {
        Progress::Advanced
    }
}

/// How far a state is; of final ones the first stays.
fn rank(state: MessageState) -> u8 {
    match state {
        MessageState::SCHEDULED => 0,
        MessageState::ENROUTE => 1,
        MessageState::ACCEPTED => 2,
        _ if is_final(state) => 4,
        _ => 3,
    }
}

/// The result of a message whose parts are all in their final states.
fn result_of(parts: &[Option<MessageState>]) -> Option<MessageResult> {
    let is_delivered = |state: &&MessageState| **state == MessageState::DELIVERED;
    if parts.is_empty() || !parts.iter().all(|part| part.is_some_and(is_final)) {
        return None;
    }
    let states = || parts.iter().flatten();
    let delivered = states().filter(is_delivered).count();
    let worst = states().find(|state| !is_delivered(state)).copied();
    Some(MessageResult {
        state: worst.unwrap_or(MessageState::DELIVERED),
        delivered,
        parts: parts.len(),
    })
}
