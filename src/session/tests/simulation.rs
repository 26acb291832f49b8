//! Whole lives of a pair of sessions over a link that delays, splits, stalls and breaks, each told by one seed.
//!
//! What must hold at every moment and at the end stands in [`World::check`] and [`World::account`]. A failing
//! run prints its seed; `BINDERY_SEEDS=10000 cargo test --lib session::` runs more of them.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;

use super::*;
use crate::pdu::{Header, SequenceNumber};

const RUNS: u64 = 300;
const ESME: usize = 0;
const SMSC: usize = 1;

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Names the seed when a run fails.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the seed of this run is {}", self.0);
        }
    }
}

#[test]
fn every_request_of_any_life_ends_once_and_truly() {
    let runs = std::env::var("BINDERY_SEEDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(RUNS);
    let mut sum = Tally::default();
    for seed in 0..runs {
        let _named = Seed(seed);
        let mut world = World::new(seed);
        world.live();
        world.account();
        sum.add(&world);
    }
    // A simulation in which nothing goes wrong proves nothing.
    assert!(sum.answered > runs * 20, "{sum:?}");
    for count in [
        sum.expired,
        sum.unwritten,
        sum.written,
        sum.late,
        sum.throttled,
        sum.confused,
        sum.deliveries,
    ] {
        assert!(count > runs / 10, "{sum:?}");
    }
}

/// How often what happened, over all runs.
#[derive(Debug, Default)]
struct Tally {
    answered: u64,
    expired: u64,
    unwritten: u64,
    written: u64,
    confused: u64,
    late: u64,
    throttled: u64,
    deliveries: u64,
}

impl Tally {
    fn add(&mut self, world: &World) {
        let ended = |end: &End| world.ended.values().filter(|other| *other == end).count() as u64;
        self.answered += ended(&End::Answered);
        self.expired += ended(&End::Expired);
        self.unwritten += ended(&End::Unwritten);
        self.written += ended(&End::Written);
        self.confused += world.confused;
        self.late += world.sides[ESME].session.counters().late;
        self.throttled += world.throttled;
        self.deliveries += world.delivered;
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    Answered,
    Expired,
    Written,
    Unwritten,
}

/// What the message centre does with a request, later.
#[derive(Clone, Copy, Debug)]
enum Plan {
    Answer(Inbound, CommandStatus),
    /// A response of another kind than the request, and perhaps its own later.
    Confuse(Inbound, SequenceNumber),
    Forget(Inbound),
}

struct Party {
    session: Session<u32>,
    /// Octets on their way to the other side, with the time of their arrival.
    wire: VecDeque<(Instant, Vec<u8>)>,
    /// What came and is no whole frame yet.
    unread: Vec<u8>,
    /// Octets that the transport takes until `window_opens`.
    credit: usize,
    blackhole: bool,
    plans: BTreeMap<(Instant, u32), Plan>,
}

struct World {
    rng: Rng,
    now: Instant,
    start: Instant,
    sides: [Party; 2],
    latency: Duration,
    next: u32,
    /// Requests that wait for room.
    waiting: u32,
    ended: BTreeMap<u32, End>,
    /// Tokens by number, and the tokens whose request the message centre saw.
    numbers: BTreeMap<u32, u32>,
    seen: BTreeSet<u32>,
    /// When each request was encoded.
    sent: VecDeque<Instant>,
    rate: Option<Rate>,
    widest: usize,
    plan_count: u32,
    throttled: u64,
    delivered: u64,
    /// Responses of another kind than their request.
    confused: u64,
    /// Responses that we made up, and responses that answered nothing.
    made_up: u64,
    unsolicited: u64,
    over: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let now = Instant::now();
        let window = rng.usize(1..30);
        let rate = rng.bool().then(|| Rate {
            per_second: f64::from(rng.u32(1..200)),
            burst: rng.bool().then(|| f64::from(rng.u32(1..20))),
        });
        let config = SessionConfig {
            window,
            response_timeout: secs(rng.u64(1..20)),
            enquire_link_interval: rng.bool().then(|| secs(rng.u64(2..40))),
            enquire_link_mode: if rng.bool() {
                EnquireLinkMode::Fixed
            } else {
                EnquireLinkMode::Idle
            },
            write_timeout: secs(rng.u64(5..40)),
            answer_timeout: secs(rng.u64(1..20)),
            inbound_limit: rng.usize(1..20),
            outbox_high_water: rng.usize(40..4_000),
            probe_first: rng.u8(0..4) == 0,
            ..esme()
        };
        let centre = SessionConfig {
            window: 8,
            answer_timeout: secs(rng.u64(1..120)),
            inbound_limit: rng.usize(2..50),
            ..SessionConfig::new(Side::Smsc)
        };
        let first = SequenceNumber::new(if rng.bool() { 1 } else { 0x7FFF_FFE0 });
        let limits = Limits { rate, budget: None };
        let generator = WrappingSequence::starting_at(first);
        let party = |session| Party {
            session,
            wire: VecDeque::new(),
            unread: Vec::new(),
            credit: usize::MAX,
            blackhole: false,
            plans: BTreeMap::new(),
        };
        let mut world = Self {
            sides: [
                party(Session::with_numbers(config, limits, generator.into(), now)),
                party(Session::new(centre, Limits::default(), now)),
            ],
            latency: millis(rng.u64(0..300)),
            rng,
            now,
            start: now,
            next: 0,
            waiting: 0,
            ended: BTreeMap::new(),
            numbers: BTreeMap::new(),
            seen: BTreeSet::new(),
            sent: VecDeque::new(),
            rate,
            widest: window,
            plan_count: 0,
            throttled: 0,
            delivered: 0,
            confused: 0,
            made_up: 0,
            unsolicited: 0,
            over: false,
        };
        world.sides[ESME]
            .session
            .bind(&BindTransceiver::default(), now)
            .unwrap();
        world
    }

    fn live(&mut self) {
        let steps = self.rng.u32(100..900);
        for _ in 0..steps {
            self.act();
            self.settle();
            if self.over {
                return;
            }
            let until = self.now + millis(self.rng.u64(0..800));
            self.pass(until);
        }
    }

    /// Somebody does something.
    fn act(&mut self) {
        let now = self.now;
        match self.rng.u8(0..100) {
            0..40 => self.waiting = (self.waiting + self.rng.u32(0..12)).min(200),
            40..60 => self.deliver(),
            60..63 => {
                let window = self.rng.usize(1..30);
                self.widest = self.widest.max(window);
                self.sides[ESME].session.set_window(window);
            }
            63..66 => self.latency = millis(self.rng.u64(0..3_000)),
            66..72 => self.sides[ESME].credit = self.rng.usize(0..200),
            72..80 => self.sides[ESME].credit = usize::MAX,
            80..82 => self.sides[SMSC].credit = self.rng.usize(0..200),
            82..90 => self.sides[SMSC].credit = usize::MAX,
            90 if self.rng.u8(0..4) == 0 => {
                let side = self.rng.usize(0..2);
                self.sides[side].blackhole = true;
            }
            91 if self.rng.u8(0..6) == 0 => {
                let side = self.rng.usize(0..2);
                self.sides[side].session.unbind(now);
            }
            92 if self.rng.u8(0..6) == 0 => self.over = true,
            93 => self.sides[ESME].session.stop_accepting(),
            94 => self.make_up(),
            95..97 => self.force(),
            _ => {}
        }
    }

    /// A response that nobody asked for reaches the client.
    fn make_up(&mut self) {
        let mut frame = Vec::new();
        let sequence = SequenceNumber::new(self.rng.u32(500_000_000..600_000_000));
        crate::pdu::encode(
            &SubmitSmResp::default(),
            CommandStatus::ESME_ROK,
            sequence,
            &mut frame,
        )
        .unwrap();
        self.made_up += 1;
        self.handle(ESME, &frame);
    }

    /// A request with a number of the caller's choice.
    fn force(&mut self) {
        let number = SequenceNumber::new(self.rng.u32(1..0x7FFF_FFFF));
        if matches!(self.sides[ESME].session.room(self.now), Room::Now(_)) {
            let sent = self.sides[ESME].session.request_pdu(
                self.next,
                &SubmitSm::default().into(),
                Some(number),
                self.now,
            );
            self.note_sent(sent);
        }
    }

    fn note_sent(&mut self, sent: Result<SequenceNumber, (u32, RequestError)>) {
        if let Ok(number) = sent {
            self.numbers.insert(number.value(), self.next);
            self.sent.push_back(self.now);
            self.next += 1;
        }
    }

    fn deliver(&mut self) {
        let now = self.now;
        let session = &mut self.sides[SMSC].session;
        if matches!(session.room(now), Room::Now(_)) {
            session.request(0, &DeliverSm::default(), now).unwrap();
        }
    }

    /// Does all that can be done at this moment, as a link does.
    fn settle(&mut self) {
        for _ in 0..4 {
            self.feed();
            for side in [ESME, SMSC] {
                self.write(side);
            }
            self.arrive();
        }
        self.check();
    }

    fn feed(&mut self) {
        while self.waiting > 0 {
            if !matches!(self.sides[ESME].session.room(self.now), Room::Now(_)) {
                break;
            }
            let sent = self.sides[ESME]
                .session
                .request(self.next, &SubmitSm::default(), self.now);
            assert!(sent.is_ok(), "there was room: {sent:?}");
            self.note_sent(sent);
            self.waiting -= 1;
        }
        self.sides[ESME].session.set_waiting(self.waiting > 0, self.now);
    }

    fn write(&mut self, side: usize) {
        let arrival = self.now + self.latency;
        let party = &mut self.sides[side];
        let octets = party.session.output().len().min(party.credit);
        if octets > 0 {
            let piece = party.session.output()[..octets].to_vec();
            party.session.handle_written(octets, self.now);
            party.credit = party
                .credit
                .saturating_sub(if party.credit == usize::MAX { 0 } else { octets });
            if !party.blackhole {
                let arrival = party.wire.back().map_or(arrival, |(last, _)| arrival.max(*last));
                let cut = self.rng.usize(0..=piece.len());
                let (one, other) = piece.split_at(cut);
                party.wire.push_back((arrival, one.to_vec()));
                party
                    .wire
                    .push_back((arrival + millis(self.rng.u64(0..20)), other.to_vec()));
            }
        }
        self.sides[side].session.watch_output(self.now);
    }

    fn arrive(&mut self) {
        for side in [ESME, SMSC] {
            while self.sides[side].session.reads()
                && self.sides[1 - side]
                    .wire
                    .front()
                    .is_some_and(|(time, _)| *time <= self.now)
            {
                if let Some((_, octets)) = self.sides[1 - side].wire.pop_front() {
                    self.sides[side].unread.extend(octets);
                }
                self.cut(side);
            }
            self.cut(side);
        }
    }

    fn cut(&mut self, side: usize) {
        while self.sides[side].session.reads() {
            let most = self.sides[side].session.max_command_length();
            let Some(length) = frame_length(&self.sides[side].unread, most).unwrap() else {
                return;
            };
            let frame: Vec<u8> = self.sides[side].unread.drain(..length).collect();
            self.handle(side, &frame);
        }
    }

    fn handle(&mut self, side: usize, frame: &[u8]) {
        let header = Header::peek(frame).unwrap();
        let event = self.sides[side].session.handle_frame(frame, self.now);
        let asked = match event {
            Some(Event::Request { inbound, .. }) => Some(inbound),
            Some(event) => {
                self.note(side, &event);
                None
            }
            None => None,
        };
        if let Some(inbound) = asked {
            self.plan(side, inbound, header);
        }
        self.drain(side);
    }

    /// Decides what becomes of a request, and when.
    fn plan(&mut self, side: usize, inbound: Inbound, header: Header) {
        let number = header.sequence_number;
        if header.command_id == CommandId::SUBMIT_SM
            && let Some(token) = self.numbers.get(&number.value())
        {
            self.seen.insert(*token);
        }
        self.delivered += u64::from(side == ESME);
        let (plan, most) = if SessionState::bound_by(header.command_id).is_some() {
            (Plan::Answer(inbound, CommandStatus::ESME_ROK), 10)
        } else {
            match self.rng.u8(0..100) {
                0..4 => (Plan::Forget(inbound), 10),
                4..6 => (Plan::Confuse(inbound, number), 500),
                6..9 => (Plan::Answer(inbound, CommandStatus::ESME_RTHROTTLED), 500),
                9..13 => (Plan::Answer(inbound, CommandStatus::ESME_RINVDSTADR), 500),
                13..16 => (Plan::Answer(inbound, CommandStatus::ESME_ROK), 60_000),
                _ => (Plan::Answer(inbound, CommandStatus::ESME_ROK), 500),
            }
        };
        self.plan_count += 1;
        let due = self.now + millis(self.rng.u64(0..most));
        self.sides[side].plans.insert((due, self.plan_count), plan);
    }

    fn carry_out(&mut self, side: usize) {
        let party = &mut self.sides[side];
        while let Some(entry) = party
            .plans
            .first_entry()
            .filter(|entry| entry.key().0 <= self.now)
        {
            match entry.remove() {
                // It may have been answered at its deadline by now.
                Plan::Answer(inbound, status) => _ = party.session.respond_empty(inbound, status, self.now),
                Plan::Forget(inbound) => _ = party.session.abandon(inbound),
                Plan::Confuse(inbound, number) => {
                    let owed = party.session.is_owed(inbound);
                    if owed && self.rng.bool() {
                        let due = self.now + millis(self.rng.u64(0..500));
                        self.plan_count += 1;
                        let plan = Plan::Answer(inbound, CommandStatus::ESME_ROK);
                        party.plans.insert((due, self.plan_count), plan);
                    } else {
                        party.session.abandon(inbound);
                    }
                    if side == SMSC && owed {
                        let mut frame = Vec::new();
                        let body = crate::pdu::DataSmResp::default();
                        crate::pdu::encode(&body, CommandStatus::ESME_ROK, number, &mut frame).unwrap();
                        let back = party.wire.back().map_or(self.now, |(time, _)| *time);
                        // Only between whole frames.
                        if party.session.output().is_empty() && !party.blackhole {
                            party.wire.push_back((back, frame));
                        }
                    }
                }
            }
        }
        self.drain(side);
    }

    fn drain(&mut self, side: usize) {
        while let Some(event) = self.sides[side].session.poll_event() {
            self.note(side, &event);
        }
    }

    fn note(&mut self, side: usize, event: &Event<'_, u32>) {
        if side == SMSC {
            return;
        }
        let (token, end) = match keep(event) {
            Seen::Answered(token, _) => (token, End::Answered),
            Seen::Unresolved(token, Unresolved::ResponseExpired) => (token, End::Expired),
            Seen::Unresolved(token, Unresolved::SessionEnded { written: true }) => (token, End::Written),
            Seen::Unresolved(token, Unresolved::SessionEnded { written: false }) => (token, End::Unwritten),
            Seen::Throttled => {
                self.throttled += 1;
                return;
            }
            Seen::Violation(Violation::WrongResponse) => {
                self.confused += 1;
                return;
            }
            Seen::Violation(Violation::UnsolicitedResponse) => {
                self.unsolicited += 1;
                return;
            }
            _ => return,
        };
        let before = self.ended.insert(token, end);
        assert_eq!(before, None, "{token} ended twice, now {end:?}");
    }

    /// Time passes to `end`, and everything that is due on the way happens.
    fn pass(&mut self, end: Instant) {
        while !self.over {
            let next = self.next_due().unwrap_or(end);
            if next > end {
                break;
            }
            self.now = self.now.max(next);
            for side in [ESME, SMSC] {
                let session = &mut self.sides[side].session;
                let mut rounds = 0;
                while session.poll_timeout().is_some_and(|due| due <= self.now) {
                    session.handle_timeout(self.now);
                    rounds += 1;
                    assert!(rounds < 4, "a deadline stays due: {session:?}");
                }
                self.drain(side);
                self.carry_out(side);
            }
            self.settle();
            for side in [ESME, SMSC] {
                let session = &self.sides[side].session;
                self.over |= session.wants_close().is_some() && session.output().is_empty();
            }
        }
        self.now = self.now.max(end);
    }

    fn next_due(&self) -> Option<Instant> {
        let mut due = Vec::new();
        for side in [ESME, SMSC] {
            let party = &self.sides[side];
            due.extend(party.session.poll_timeout());
            due.extend(party.plans.keys().next().map(|(time, _)| *time));
            if self.sides[1 - side].session.reads() {
                due.extend(party.wire.front().map(|(time, _)| *time));
            }
        }
        due.into_iter().min().map(|time| time.max(self.now + millis(1)))
    }

    /// What holds at every moment.
    fn check(&mut self) {
        let session = &self.sides[ESME].session;
        assert!(
            session.in_flight() <= self.widest,
            "{} in flight",
            session.in_flight()
        );
        assert!(session.unanswered() <= session.config().inbound_limit);
        let second = self.now.checked_sub(secs(1)).unwrap_or(self.start);
        while self.sent.front().is_some_and(|sent| *sent <= second) {
            self.sent.pop_front();
        }
        if let Some(rate) = self.rate {
            let most = rate.per_second + rate.burst() + 1e-6;
            assert!(
                self.sent.len() as f64 <= most.ceil(),
                "{} in a second",
                self.sent.len()
            );
        }
    }

    /// What holds at the end.
    fn account(&mut self) {
        for side in [ESME, SMSC] {
            self.sides[side].session.handle_closed();
            self.drain(side);
        }
        let ended: Vec<u32> = self.ended.keys().copied().collect();
        assert_eq!(ended, (0..self.next).collect::<Vec<_>>(), "each token ended");
        for (token, end) in &self.ended {
            let impossible = *end == End::Unwritten && self.seen.contains(token);
            assert!(
                !impossible,
                "{token} was not written, and the message centre has it"
            );
        }
        let session = &self.sides[ESME].session;
        assert_eq!((session.in_flight(), session.poll_timeout()), (0, None));
        // The message centre answers nothing twice. Only what we made up, and what came after even the late
        // period, is unsolicited.
        let expired = self.ended.values().filter(|end| **end == End::Expired).count() as u64;
        let may = self.made_up + expired;
        assert!(
            self.unsolicited <= may,
            "{} unsolicited responses, {may} explained",
            self.unsolicited
        );
    }
}
