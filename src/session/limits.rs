//! How fast requests may leave: token buckets, shared budgets, and what throttling does to them.
//!
//! A rate counts PDUs on a monotonic clock. A token is taken when a PDU is encoded, never earlier, so a peer
//! that watches any second sees at most the rate plus the burst. ESME_RTHROTTLED halves the rate once for all
//! requests that were sent before the last decrease; it recovers additively.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::turns::{Turn, Turns};

/// Nothing leaves for this long after the peer throttled.
const THROTTLE_PAUSE: Duration = Duration::from_secs(1);

/// The share of the ceiling that comes back each second after a decrease.
const RECOVERY_PER_SECOND: f64 = 0.05;

/// The slowest rate that throttling leads to, in PDUs per second.
const SLOWEST: f64 = 1.0;

/// How many PDUs may leave in a second, and how many at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// PDUs per second; fractions are fine.
    pub per_second: f64,
    /// Most PDUs at once; default one, or a tenth of the rate.
    pub burst: Option<f64>,
}

impl Rate {
    /// A rate with the default burst.
    #[must_use]
    pub const fn per_second(per_second: f64) -> Self {
        Self {
            per_second,
            burst: None,
        }
    }

    /// Most PDUs at once, at least one.
    #[must_use]
    pub fn burst(&self) -> f64 {
        self.burst.unwrap_or(self.per_second / 10.0).max(1.0)
    }
}

/// Tokens that fill up at a rate and are taken one a PDU.
#[derive(Clone, Copy, Debug, PartialEq)]
struct TokenBucket {
    per_second: f64,
    burst: f64,
    tokens: f64,
    at: Instant,
}

impl TokenBucket {
    fn new(rate: Rate, now: Instant) -> Self {
        Self {
            per_second: rate.per_second,
            burst: rate.burst(),
            tokens: rate.burst(),
            at: now,
        }
    }

    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + passed * self.per_second).min(self.burst);
        self.at = self.at.max(now);
    }

    /// When there are so many tokens.
    fn ready_at(&self, tokens: f64) -> Instant {
        let missing = (tokens - self.tokens).max(0.0);
        // A rate of nearly nothing must not overflow the clock.
        let wait = (missing / self.per_second).clamp(0.0, 86_400.0);
        self.at + Duration::from_secs_f64(wait) + Duration::from_nanos(1)
    }
}

/// One limit: a rate if one is set, what throttling made of it, and a pause.
///
/// As a value of its own it is the budget that several binds share; each session has one more for itself.
#[derive(Clone, Debug)]
pub struct Budget {
    meter: Meter,
    /// None as long as nothing limits: thousands of binds have no rate and are never throttled.
    limit: Option<Box<Limit>>,
}

/// What limits, or did.
#[derive(Clone, Debug, Default)]
struct Limit {
    configured: Option<Rate>,
    bucket: Option<TokenBucket>,
    /// What throttling made of it; none while nothing was throttled.
    recovery: Option<Recovery>,
    last_decrease: Option<Instant>,
    paused_until: Option<Instant>,
    turns: Turns,
}

/// The way back to the rate before.
#[derive(Clone, Copy, Debug)]
struct Recovery {
    /// The rate that it leads to.
    ceiling: f64,
    /// How far it has come.
    at: Instant,
}

/// A budget shared by the binds of an account.
pub type SharedBudget = Arc<Mutex<Budget>>;

/// The limits of one session: its own, and the budget that it shares.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// Rate of this session alone.
    pub rate: Option<Rate>,
    /// Rate that several sessions share.
    pub budget: Option<SharedBudget>,
}

impl Budget {
    /// A budget of `rate`, full; without a rate it limits nothing until the peer throttles.
    #[must_use]
    pub fn new(rate: Option<Rate>, now: Instant) -> Self {
        let limit = |rate| Limit {
            configured: Some(rate),
            bucket: Some(TokenBucket::new(rate, now)),
            ..Limit::default()
        };
        Self {
            meter: Meter::default(),
            limit: rate.map(|rate| Box::new(limit(rate))),
        }
    }

    /// The same, to be shared.
    #[must_use]
    pub fn shared(rate: Option<Rate>, now: Instant) -> SharedBudget {
        Arc::new(Mutex::new(Self::new(rate, now)))
    }

    /// Changes the rate at once; what throttling did is forgotten.
    pub fn set_rate(&mut self, rate: Option<Rate>, now: Instant) {
        if rate.is_some() || self.limit.is_some() {
            self.limit.get_or_insert_default().set_rate(rate, now);
        }
    }

    /// The rate that was set.
    #[must_use]
    pub fn configured(&self) -> Option<Rate> {
        self.limit.as_ref()?.configured
    }

    /// The rate in force, in PDUs per second; none means no limit.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        self.limit.as_ref()?.rate()
    }

    /// True while throttling keeps the rate below what was set.
    #[must_use]
    pub fn is_throttled(&self) -> bool {
        self.limit.as_ref().is_some_and(|limit| limit.recovery.is_some())
    }

    /// How many PDUs may leave now, and when the next one may if that is none.
    #[inline]
    pub fn room(&mut self, now: Instant) -> Room {
        match &mut self.limit {
            Some(limit) => limit.room(now),
            None => Room::Now(usize::MAX),
        }
    }

    /// As [`room`](Self::room), for one of several who share it: those who asked before have their turn first.
    pub(super) fn room_of(&mut self, turn: &mut Turn, now: Instant) -> Room {
        match &mut self.limit {
            Some(limit) => limit.room_of(turn, now),
            None => Room::Now(usize::MAX),
        }
    }

    /// As [`try_take`](Self::try_take), in turn.
    #[inline]
    pub(super) fn try_take_of(&mut self, turn: &mut Turn, now: Instant) -> bool {
        let may = matches!(self.room_of(turn, now), Room::Now(_)) && self.try_take(now);
        if may && let Some(limit) = &mut self.limit {
            limit.turns.leave(turn);
        }
        may
    }

    /// Takes the token of one PDU. False, and nothing taken, when none may leave now.
    ///
    /// Asking and taking are one step, so that binds on several threads cannot both take the last token.
    #[inline]
    #[must_use]
    pub fn try_take(&mut self, now: Instant) -> bool {
        let may = matches!(self.room(now), Room::Now(_));
        if may {
            self.meter.count(now);
            if let Some(bucket) = self.limit.as_mut().and_then(|limit| limit.bucket.as_mut()) {
                bucket.tokens -= 1.0;
            }
        }
        may
    }

    /// Gives the token of a PDU back that was not encoded after all.
    pub fn put_back(&mut self) {
        self.meter.counted = self.meter.counted.saturating_sub(1);
        if let Some(bucket) = self.limit.as_mut().and_then(|limit| limit.bucket.as_mut()) {
            bucket.tokens = (bucket.tokens + 1.0).min(bucket.burst);
        }
    }

    /// The peer throttled a request that was sent at `sent`. True when the rate was decreased for it.
    pub fn handle_throttled(&mut self, sent: Instant, now: Instant) -> bool {
        let measured = self.meter.per_second(now);
        let limit = self.limit.get_or_insert_default();
        limit.handle_throttled(measured, sent, now)
    }
}

impl Limit {
    fn set_rate(&mut self, rate: Option<Rate>, now: Instant) {
        let tokens = self.bucket.map(|bucket| bucket.tokens);
        self.configured = rate;
        self.recovery = None;
        self.bucket = rate.map(|rate| {
            let fresh = TokenBucket::new(rate, now);
            TokenBucket {
                tokens: tokens.unwrap_or(fresh.burst).min(fresh.burst),
                ..fresh
            }
        });
    }

    fn rate(&self) -> Option<f64> {
        self.bucket.map(|bucket| bucket.per_second)
    }

    fn room(&mut self, now: Instant) -> Room {
        if let Some(until) = self.paused_until {
            if now < until {
                return Room::At(until);
            }
            self.paused_until = None;
        }
        self.recover(now);
        let Some(bucket) = &mut self.bucket else {
            return Room::Now(usize::MAX);
        };
        bucket.fill(now);
        if bucket.tokens >= 1.0 {
            // Bounded by the burst, and a float saturates when cast.
            Room::Now(bucket.tokens as usize)
        } else {
            Room::At(bucket.ready_at(1.0))
        }
    }

    fn room_of(&mut self, turn: &mut Turn, now: Instant) -> Room {
        let room = self.room(now);
        let (false, Some(bucket)) = (self.paused_until.is_some(), self.bucket) else {
            return room;
        };
        if matches!(room, Room::Now(_)) && self.turns.is_empty() {
            return room;
        }
        match self.turns.before(turn, now) {
            0 => room,
            // More than the burst never come together.
            before => {
                let needed = (before as f64 + 1.0).min(bucket.burst.floor());
                // As a sum of floats they may fall short by nearly nothing.
                if bucket.tokens + 1e-6 < needed {
                    return room.and(Room::At(bucket.ready_at(needed)));
                }
                room.and(Room::Now((bucket.tokens - needed) as usize + 1))
            }
        }
    }

    /// `measured`: how many left in the last second.
    fn handle_throttled(&mut self, measured: f64, sent: Instant, now: Instant) -> bool {
        if self.last_decrease.is_some_and(|last| sent <= last) {
            return false;
        }
        let current = self.rate().unwrap_or_else(|| measured.max(SLOWEST * 2.0));
        let ceiling = self
            .recovery
            .map(|recovery| recovery.ceiling)
            .or(self.configured.map(|rate| rate.per_second))
            .unwrap_or(current * 2.0);
        let per_second = (current / 2.0).max(SLOWEST.min(ceiling / 2.0));
        let until = now + THROTTLE_PAUSE;
        self.recovery = Some(Recovery { ceiling, at: until });
        self.bucket = Some(TokenBucket {
            per_second,
            burst: self.burst_at(per_second),
            tokens: 0.0,
            at: now,
        });
        self.last_decrease = Some(now);
        self.paused_until = Some(until);
        true
    }

    /// The burst of a lower rate: what was set for the full one, in proportion.
    fn burst_at(&self, per_second: f64) -> f64 {
        match self.configured {
            Some(rate) => (rate.burst() * per_second / rate.per_second).max(1.0),
            None => Rate::per_second(per_second).burst(),
        }
    }

    fn recover(&mut self, now: Instant) {
        let (Some(recovery), Some(mut bucket)) = (self.recovery, self.bucket) else {
            return;
        };
        let passed = now.saturating_duration_since(recovery.at).as_secs_f64();
        if passed <= 0.0 {
            return;
        }
        let ceiling = recovery.ceiling;
        bucket.fill(now);
        bucket.per_second = (bucket.per_second + passed * ceiling * RECOVERY_PER_SECOND).min(ceiling);
        bucket.burst = self.burst_at(bucket.per_second);
        let recovered = bucket.per_second >= ceiling;
        self.recovery = (!recovered).then_some(Recovery { ceiling, at: now });
        // Without a rate of our own nothing limits any more.
        self.bucket = (!recovered || self.configured.is_some()).then_some(bucket);
    }
}

/// Locks a shared budget. A panic of another holder leaves a budget that is still a budget.
pub(super) fn lock(budget: &SharedBudget) -> MutexGuard<'_, Budget> {
    budget.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a request may be sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Room {
    /// This many may be sent now.
    Now(usize),
    /// None before this time.
    At(Instant),
    /// None before an answer comes or the outbox empties.
    Full,
}

impl Room {
    /// The smaller of two rooms.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Full, _) | (_, Self::Full) => Self::Full,
            (Self::At(one), Self::At(other)) => Self::At(one.max(other)),
            (Self::At(time), Self::Now(_)) | (Self::Now(_), Self::At(time)) => Self::At(time),
            (Self::Now(one), Self::Now(other)) => Self::Now(one.min(other)),
        }
    }
}

/// Counts what left in about the last second.
#[derive(Clone, Copy, Debug, Default)]
struct Meter {
    /// The end of the second that is counted.
    until: Option<Instant>,
    counted: u32,
    before: u32,
}

impl Meter {
    const SECOND: Duration = Duration::from_secs(1);

    #[inline]
    fn count(&mut self, now: Instant) {
        if self.until.is_none_or(|until| until <= now) {
            self.start_second(now);
        }
        self.counted = self.counted.saturating_add(1);
    }

    fn start_second(&mut self, now: Instant) {
        let gap = self.until.is_none_or(|until| until + Self::SECOND <= now);
        self.before = if gap { 0 } else { self.counted };
        self.counted = 0;
        self.until = Some(now + Self::SECOND);
    }

    fn per_second(&self, now: Instant) -> f64 {
        let left = self
            .until
            .map_or(1.0, |until| until.saturating_duration_since(now).as_secs_f64());
        f64::from(self.counted) + f64::from(self.before) * left.min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn millis(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    /// Sends whatever may leave until `end` and gives the times.
    fn send_until(budget: &mut Budget, start: Instant, end: Instant) -> Vec<Instant> {
        let (mut now, mut sent) = (start, Vec::new());
        while now < end {
            match budget.room(now) {
                Room::Now(count) => {
                    for _ in 0..count {
                        assert!(budget.try_take(now), "there was room");
                        sent.push(now);
                    }
                }
                Room::At(time) => now = time,
                Room::Full => unreachable!("a budget is never full"),
            }
        }
        sent
    }

    /// What each of several gets out of a budget of 200 a second within ten seconds, when the first is always the quickest.
    fn shares(burst: f64, who: usize) -> Vec<usize> {
        let start = Instant::now();
        let rate = Rate {
            per_second: 200.0,
            burst: Some(burst),
        };
        let mut budget = Budget::new(Some(rate), start);
        let mut turns: Vec<Turn> = std::iter::repeat_with(Turn::default).take(who).collect();
        let (mut shares, mut due) = (vec![0; who], vec![start; who]);
        while let Some(now) = due
            .iter()
            .min()
            .copied()
            .filter(|now| *now < start + millis(10_000))
        {
            // The timers of a runtime are not finer than a millisecond.
            let now = now + millis(1);
            for index in 0..who {
                while due[index] <= now {
                    match budget.room_of(&mut turns[index], now) {
                        Room::Now(_) => {
                            assert!(budget.try_take_of(&mut turns[index], now), "there was room");
                            shares[index] += 1;
                        }
                        Room::At(time) => due[index] = time.max(now + Duration::from_nanos(1)),
                        Room::Full => unreachable!("a budget is never full"),
                    }
                }
            }
        }
        shares
    }

    #[test]
    fn those_who_share_a_budget_take_turns() {
        let all = shares(20.0, 4);
        let sum: usize = all.iter().sum();
        assert!((2_000..=2_021).contains(&sum), "{all:?}");
        // The burst goes to whoever comes first.
        assert!(all[1..].iter().all(|share| all[0] - share <= 21), "{all:?}");
    }

    #[test]
    fn with_a_small_burst_none_of_the_budget_is_lost() {
        for burst in [1.0, 2.0, 3.5] {
            let sum: usize = shares(burst, 4).iter().sum();
            let alone: usize = shares(burst, 1).iter().sum();
            assert!(
                sum >= alone && sum <= 2_004,
                "burst {burst}: {sum}, alone {alone}"
            );
        }
    }

    #[test]
    fn who_does_not_come_for_its_token_holds_up_nobody_for_long() {
        let start = Instant::now();
        let mut budget = Budget::new(Some(Rate::per_second(10.0)), start);
        let (mut gone, mut here) = (Turn::default(), Turn::default());
        assert!(budget.try_take_of(&mut here, start));
        assert!(matches!(budget.room_of(&mut gone, start), Room::At(_)));
        assert!(matches!(budget.room_of(&mut here, start), Room::At(_)));
        // A burst of one holds no token for those who do not come.
        assert!(budget.try_take_of(&mut here, start + millis(101)));
    }

    #[test]
    fn a_rate_below_one_a_second_waits_between_messages() {
        let start = Instant::now();
        let mut budget = Budget::new(Some(Rate::per_second(0.1)), start);
        let sent = send_until(&mut budget, start, start + Duration::from_secs(35));
        assert_eq!(sent.len(), 4);
    }

    #[test]
    fn a_throttled_burst_decreases_once() {
        let start = Instant::now();
        let mut budget = Budget::new(Some(Rate::per_second(100.0)), start);
        let answered = start + millis(50);
        assert!(budget.handle_throttled(start, answered));
        for late in 0..60 {
            assert!(!budget.handle_throttled(start + millis(late % 50), answered + millis(late)));
        }
        assert_eq!(budget.rate(), Some(50.0));
        assert_eq!(
            budget.room(answered + millis(10)),
            Room::At(answered + THROTTLE_PAUSE)
        );
    }

    #[test]
    fn the_rate_comes_back_additively() {
        let start = Instant::now();
        let mut budget = Budget::new(Some(Rate::per_second(100.0)), start);
        budget.handle_throttled(start, start);
        budget.room(start + Duration::from_secs(6));
        let rate = budget.rate().unwrap_or_default();
        assert!((74.0..76.0).contains(&rate), "{rate}");
        budget.room(start + Duration::from_secs(60));
        assert_eq!((budget.rate(), budget.is_throttled()), (Some(100.0), false));
    }

    #[test]
    fn without_a_rate_throttling_starts_from_the_rate_really_sent() {
        let start = Instant::now();
        let mut budget = Budget::new(None, start);
        for step in 0..1_000 {
            assert!(budget.try_take(start + millis(step)));
        }
        assert!(budget.handle_throttled(start + millis(999), start + millis(1_000)));
        let rate = budget.rate().unwrap_or_default();
        assert!((495.0..505.0).contains(&rate), "{rate}");
        budget.room(start + Duration::from_secs(60));
        assert_eq!(budget.rate(), None, "and ends without one");
    }

    #[test]
    fn a_changed_rate_takes_effect_at_once() {
        let start = Instant::now();
        let mut budget = Budget::new(Some(Rate::per_second(1.0)), start);
        send_until(&mut budget, start, start + millis(100));
        budget.set_rate(Some(Rate::per_second(1_000.0)), start + millis(100));
        let sent = send_until(&mut budget, start + millis(100), start + millis(200));
        assert!((99..=101).contains(&sent.len()), "{}", sent.len());
    }

    proptest! {
        #[test]
        fn no_second_sees_more_than_rate_plus_burst(
            rate in 0.5_f64..500.0,
            burst in prop::option::of(1.0_f64..50.0),
            pauses in prop::collection::vec(0_u64..2_000, 1..20),
        ) {
            let start = Instant::now();
            let rate = Rate { per_second: rate, burst };
            let mut budget = Budget::new(Some(rate), start);
            let (mut now, mut sent) = (start, Vec::new());
            for pause in pauses {
                now += millis(pause);
                let end = now + millis(400);
                sent.extend(send_until(&mut budget, now, end));
                now = end;
            }
            let most = rate.per_second + rate.burst() + 1e-3;
            let mut first = 0;
            for (index, time) in sent.iter().enumerate() {
                while *time - sent[first] >= Duration::from_secs(1) { first += 1; }
                prop_assert!((index - first + 1) as f64 <= most.ceil(), "{} in a second", index - first + 1);
            }
        }
    }
}
