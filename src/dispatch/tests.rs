use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy as Generator, any, prop_oneof, proptest};

use super::{Strategy, *};

/// The simplest strategy: the first bind that has room.
#[derive(Debug, Default)]
struct FirstRoom(BTreeMap<BindKey, usize>);

impl Strategy for FirstRoom {
    fn handle_bind(&mut self, bind: BindKey, view: &BindView) {
        self.0.insert(bind, view.room());
    }

    fn handle_removed(&mut self, bind: BindKey) {
        self.0.remove(&bind);
    }

    fn choose(&self, _: u64) -> Option<BindKey> {
        self.0.iter().find(|(_, room)| **room > 0).map(|(bind, _)| *bind)
    }
}

const STRATEGIES: [fn() -> Box<dyn Strategy>; 6] = [
    || Box::new(MostRoom::new()),
    || Box::<FirstRoom>::default(),
    || Box::new(RoundRobin::new()),
    || Box::new(Weighted::new()),
    || Box::new(Tiers::of(|| Box::new(MostRoom::new()))),
    || Box::new(Sticky::new(7)),
];

#[derive(Clone, Debug)]
enum Step {
    Offer {
        lane: usize,
        priority: u8,
        validity: Option<u64>,
        seats: usize,
        admitted: bool,
    },
    /// The bind finishes so many of its jobs, oldest first, and has another capacity.
    Finish {
        bind: usize,
        jobs: usize,
        capacity: usize,
    },
    /// The bind gives so many of its jobs back, newest first.
    Return {
        bind: usize,
        jobs: usize,
    },
    Open {
        bind: usize,
        open: bool,
    },
    KeepBack {
        bind: usize,
        kept_back: bool,
    },
    Reset {
        bind: usize,
    },
    Remove {
        bind: usize,
    },
    Cancel {
        nth: usize,
    },
    Pass {
        seconds: u64,
    },
    Drain,
}

fn steps() -> impl Generator<Value = Vec<Step>> {
    let offer = (
        0..6usize,
        0..3u8,
        proptest::option::of(1..20u64),
        1..4usize,
        any::<bool>(),
    )
        .prop_map(|(lane, priority, validity, seats, admitted)| Step::Offer {
            lane,
            priority,
            validity,
            seats,
            admitted,
        });
    let step = prop_oneof![
        40 => offer,
        20 => (0..4usize, 0..6usize, 0..6usize)
            .prop_map(|(bind, jobs, capacity)| Step::Finish { bind, jobs, capacity }),
        8 => (0..4usize, 0..6usize).prop_map(|(bind, jobs)| Step::Return { bind, jobs }),
        8 => (0..4usize, any::<bool>()).prop_map(|(bind, open)| Step::Open { bind, open }),
        4 => (0..4usize, any::<bool>()).prop_map(|(bind, kept_back)| Step::KeepBack { bind, kept_back }),
        1 => (0..4usize).prop_map(|bind| Step::Reset { bind }),
        1 => (0..4usize).prop_map(|bind| Step::Remove { bind }),
        3 => (0..20usize).prop_map(|nth| Step::Cancel { nth }),
        10 => (0..10u64).prop_map(|seconds| Step::Pass { seconds }),
        1 => Just(Step::Drain),
    ];
    vec(step, 1..150)
}

/// A dispatcher, and what should be in it.
struct World {
    dispatcher: Dispatcher<u64>,
    now: Instant,
    lanes: Vec<LaneKey>,
    /// The lanes that each bind serves; none for one that was removed.
    binds: Vec<Option<(BindKey, Vec<usize>)>>,
    kept_back: BTreeSet<BindKey>,
    /// Who is where.
    waiting: BTreeMap<u64, Ticket>,
    at: BTreeMap<usize, Vec<(u64, Ticket)>>,
    ended: BTreeSet<u64>,
    next: u64,
}

const CAPACITY: usize = 12;

/// Most of one priority in a lane.
const LANE_CAPACITY: usize = 7;

impl World {
    /// Lanes 0 to 2 are shared, of which 1 is narrow; 3 is served by nobody, 4 and 5 by one bind each.
    fn new(strategy: fn() -> Box<dyn Strategy>) -> Self {
        let now = Instant::now();
        let mut dispatcher = Dispatcher::new(CAPACITY);
        dispatcher.set_lane_capacity(Some(LANE_CAPACITY));
        let mut lanes: Vec<_> = (0..4)
            .map(|lane| match lane {
                1 => dispatcher.add_narrow_lane(strategy()),
                _ => dispatcher.add_lane(strategy()),
            })
            .collect();
        lanes.extend((0..2).map(|_| dispatcher.add_narrow_lane(Box::<Only>::default())));
        let serves: [&[usize]; 4] = [&[0, 1, 4], &[0, 1], &[0, 2, 5], &[0]];
        let binds = serves.map(|serves| {
            let bind = dispatcher.add_bind();
            for lane in serves {
                dispatcher.join(bind, lanes[*lane], now);
            }
            Some((bind, serves.to_vec()))
        });
        Self {
            dispatcher,
            now,
            lanes,
            binds: binds.into(),
            kept_back: BTreeSet::new(),
            waiting: BTreeMap::new(),
            at: BTreeMap::new(),
            ended: BTreeSet::new(),
            next: 0,
        }
    }

    fn key(&self, bind: usize) -> Option<BindKey> {
        self.binds[bind].as_ref().map(|(key, _)| *key)
    }

    fn step(&mut self, step: &Step) {
        let now = self.now;
        match step.clone() {
            Step::Offer {
                lane,
                priority,
                validity,
                seats,
                admitted,
            } => {
                let ticket = Ticket {
                    intake: self.next,
                    priority,
                    expires_at: validity.map(|seconds| now + Duration::from_secs(seconds)),
                    lane: self.lanes[lane],
                    seats,
                    affinity: self.next % 5,
                    admitted,
                };
                self.next += 1;
                let alike = |other: &&Ticket| (other.lane, other.priority) == (ticket.lane, priority);
                let in_lane = self.waiting.values().filter(alike).count();
                self.waiting.insert(ticket.intake, ticket);
                let counted = self.waiting.values().filter(|other| !other.admitted).count();
                let served = self
                    .binds
                    .iter()
                    .flatten()
                    .any(|(_, serves)| serves.contains(&lane));
                let waiting = self.dispatcher.waiting();
                match self.dispatcher.offer(ticket, ticket.intake) {
                    Ok(()) => {
                        let waits = self.dispatcher.waiting() > waiting;
                        assert!(served && !(waits && in_lane >= LANE_CAPACITY));
                    }
                    Err((job, refusal)) => {
                        assert_eq!(job, ticket.intake);
                        match refusal {
                            Refusal::NoRoute => assert!(!served),
                            Refusal::Busy => {
                                assert!(in_lane >= LANE_CAPACITY || counted > CAPACITY && !admitted);
                            }
                        }
                        self.end(job);
                    }
                }
            }
            Step::Finish { bind, jobs, capacity } => {
                let Some(key) = self.key(bind) else { return };
                let here = self.at.entry(bind).or_default();
                let done: Vec<_> = here.drain(..jobs.min(here.len())).collect();
                let freed = done.iter().map(|(_, ticket)| ticket.seats).sum();
                self.ended.extend(done.iter().map(|(job, _)| *job));
                self.dispatcher.set_seats(key, freed, capacity, now);
            }
            Step::Return { bind, jobs } => {
                let Some(key) = self.key(bind) else { return };
                let here = self.at.entry(bind).or_default();
                let back = here.split_off(here.len() - jobs.min(here.len()));
                self.waiting.extend(back.iter().copied());
                let stranded = self.dispatcher.take_back(
                    Some(key),
                    back.iter().map(|(_, ticket)| ticket.seats).sum(),
                    back.iter().map(|(job, ticket)| (*ticket, *job)),
                    now,
                );
                stranded.into_iter().for_each(|job| self.end(job));
            }
            Step::Open { bind, open } => {
                let Some(key) = self.key(bind) else { return };
                self.dispatcher.set_open(key, open, now);
            }
            Step::KeepBack { bind, kept_back } => {
                let Some(key) = self.key(bind) else { return };
                self.dispatcher.keep_back(key, kept_back, now);
                if kept_back {
                    self.kept_back.insert(key);
                } else {
                    self.kept_back.remove(&key);
                }
            }
            Step::Reset { bind } => {
                let Some(key) = self.key(bind) else { return };
                assert!(self.dispatcher.reset_bind(key).is_empty());
                let lost = self.at.remove(&bind).unwrap_or_default();
                self.ended.extend(lost.iter().map(|(job, _)| *job));
            }
            Step::Remove { bind } => {
                let Some((key, _)) = self.binds[bind].take() else {
                    return;
                };
                let removed = self.dispatcher.remove_bind(key);
                assert!(removed.assigned.is_empty());
                let lost = self.at.remove(&bind).unwrap_or_default();
                self.ended.extend(lost.iter().map(|(job, _)| *job));
                for job in removed.stranded {
                    let lane = self.waiting[&job].lane;
                    assert!(!self.serving(lane).any(|_| true));
                    self.end(job);
                }
            }
            Step::Cancel { nth } => {
                let Some(ticket) = self.waiting.values().nth(nth).copied() else {
                    return;
                };
                let job = self
                    .dispatcher
                    .remove(ticket.lane, ticket.priority, ticket.intake);
                assert_eq!(job, Some(ticket.intake));
                self.end(ticket.intake);
            }
            Step::Pass { seconds } => {
                self.now += Duration::from_secs(seconds);
                self.dispatcher.handle_timeout(self.now);
            }
            Step::Drain => {
                let drained = self.dispatcher.drain();
                assert_eq!(
                    drained.iter().copied().collect::<BTreeSet<_>>().len(),
                    self.waiting.len()
                );
                drained.into_iter().for_each(|job| self.end(job));
            }
        }
    }

    fn end(&mut self, job: u64) {
        assert!(self.waiting.remove(&job).is_some(), "{job} did not wait");
        assert!(self.ended.insert(job), "{job} ended twice");
    }

    fn serving(&self, lane: LaneKey) -> impl Iterator<Item = BindKey> + '_ {
        self.binds
            .iter()
            .flatten()
            .filter(move |(_, serves)| serves.iter().any(|index| self.lanes[*index] == lane))
            .map(|(key, _)| *key)
    }

    /// True when a bind that is kept back gets something of this lane all the same.
    fn is_narrow(&self, lane: LaneKey) -> bool {
        [1, 4, 5].iter().any(|index| self.lanes[*index] == lane)
    }

    /// Fetches what came out, and checks everything that is promised.
    fn check(&mut self) {
        while let Some(job) = self.dispatcher.poll_expired() {
            let deadline = self.waiting[&job].expires_at;
            assert!(deadline.is_some_and(|deadline| deadline <= self.now));
            self.end(job);
        }
        let mut taken: BTreeMap<_, usize> = BTreeMap::new();
        while let Some((key, jobs)) = self.dispatcher.poll_assigned() {
            let bind = self
                .binds
                .iter()
                .position(|bind| matches!(bind, Some((other, _)) if *other == key))
                .unwrap();
            for job in jobs {
                let ticket = self.waiting.remove(&job).expect("assigned without having waited");
                assert!(self.serving(ticket.lane).any(|other| other == key));
                assert!(self.is_narrow(ticket.lane) || !self.kept_back.contains(&key));
                *taken.entry(key).or_default() += ticket.seats;
                self.at.entry(bind).or_default().push((job, ticket));
            }
        }
        for (bind, key) in self
            .binds
            .iter()
            .enumerate()
            .filter_map(|(bind, entry)| Some((bind, entry.as_ref()?.0)))
        {
            let here: usize = self
                .at
                .get(&bind)
                .into_iter()
                .flatten()
                .map(|(_, ticket)| ticket.seats)
                .sum();
            let view = self.dispatcher.view(key).unwrap();
            assert_eq!(view.taken, here);
            // The last one needed but one free seat.
            if let (Some(now_taken), Some((_, last))) =
                (taken.get(&key), self.at.get(&bind).and_then(|jobs| jobs.last()))
            {
                assert!(view.open && *now_taken > 0 && here - last.seats < view.capacity);
            }
        }
        assert_eq!(self.dispatcher.waiting(), self.waiting.len());
        let waiting_in: usize = self
            .lanes
            .iter()
            .map(|lane| self.dispatcher.waiting_in(*lane))
            .sum();
        assert_eq!(waiting_in, self.waiting.len());
        for ticket in self.waiting.values() {
            let room = self.serving(ticket.lane).any(|key| {
                let gives = self.is_narrow(ticket.lane) || !self.kept_back.contains(&key);
                gives && self.dispatcher.view(key).unwrap().room() > 0
            });
            assert!(!room, "{ticket:?} waits beside a free seat");
            if let Some(deadline) = ticket.expires_at {
                assert!(
                    self.dispatcher
                        .poll_timeout()
                        .is_some_and(|timeout| timeout <= deadline)
                );
            }
        }
        let everywhere =
            self.waiting.len() + self.ended.len() + self.at.values().map(Vec::len).sum::<usize>();
        assert_eq!(everywhere as u64, self.next);
    }

    /// Nobody in the same lane was overtaken by one that came later or has a lower priority.
    fn check_order(&self, before: &BTreeMap<u64, Ticket>) {
        for ticket in before
            .values()
            .filter(|ticket| self.waiting.contains_key(&ticket.intake))
        {
            let overtook = before.values().find(|other| {
                let gone = self.at.values().flatten().any(|(job, _)| *job == other.intake);
                let behind =
                    (Reverse(other.priority), other.intake) > (Reverse(ticket.priority), ticket.intake);
                other.lane == ticket.lane && gone && behind
            });
            assert!(overtook.is_none(), "{overtook:?} overtook {ticket:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_nothing_doubled_order_and_bounds_are_kept(steps in steps()) {
        for strategy in STRATEGIES {
            let mut world = World::new(strategy);
            for step in &steps {
                let before = world.waiting.clone();
                world.step(step);
                world.check();
                world.check_order(&before);
            }
        }
    }
}

/// The ticket of a usual job that was let in before.
fn admitted(intake: u64, lane: LaneKey) -> Ticket {
    Ticket {
        intake,
        priority: 0,
        expires_at: None,
        lane,
        seats: 1,
        affinity: 0,
        admitted: true,
    }
}

#[test]
fn a_bind_that_opens_takes_what_waits_in_all_its_lanes_by_priority_and_intake() {
    let now = Instant::now();
    let mut dispatcher = Dispatcher::new(10);
    let any = dispatcher.add_lane(Box::new(MostRoom::new()));
    let pinned = dispatcher.add_lane(Box::<Only>::default());
    let bind = dispatcher.add_bind();
    dispatcher.join(bind, any, now);
    dispatcher.join(bind, pinned, now);
    dispatcher.set_seats(bind, 0, 4, now);
    for (intake, lane, priority) in [
        (0, any, 0),
        (1, pinned, 0),
        (2, any, 5),
        (3, any, 0),
        (4, pinned, 0),
    ] {
        let ticket = Ticket {
            intake,
            priority,
            expires_at: None,
            lane,
            seats: 1,
            affinity: 0,
            admitted: false,
        };
        dispatcher.offer(ticket, intake).unwrap();
    }
    assert_eq!(dispatcher.poll_assigned(), None);
    dispatcher.set_open(bind, true, now);
    assert_eq!(dispatcher.poll_assigned(), Some((bind, vec![2, 0, 1, 3])));
    dispatcher.set_seats(bind, 1, 4, now);
    assert_eq!(dispatcher.poll_assigned(), Some((bind, vec![4])));
    assert_eq!((dispatcher.poll_assigned(), dispatcher.waiting()), (None, 0));
}

#[test]
fn a_bind_that_is_kept_back_takes_what_is_meant_for_few_and_there_it_is_the_last() {
    let now = Instant::now();
    let mut dispatcher = Dispatcher::new(10);
    let wide = dispatcher.add_lane(Box::new(MostRoom::new()));
    let narrow = dispatcher.add_narrow_lane(Box::new(Tiers::of(|| Box::new(MostRoom::new()))));
    let [kept, other] = [2, 1].map(|seats| {
        let bind = dispatcher.add_bind();
        dispatcher.join(bind, wide, now);
        dispatcher.join(bind, narrow, now);
        dispatcher.set_seats(bind, 0, seats, now);
        dispatcher.set_open(bind, true, now);
        bind
    });
    dispatcher.keep_back(kept, true, now);
    for (intake, lane) in [(0, narrow), (1, wide), (2, narrow)] {
        dispatcher.offer(admitted(intake, lane), intake).unwrap();
    }
    assert_eq!(dispatcher.poll_assigned(), Some((other, vec![0])));
    assert_eq!(dispatcher.poll_assigned(), Some((kept, vec![2])));
    assert_eq!((dispatcher.poll_assigned(), dispatcher.waiting()), (None, 1));
    dispatcher.keep_back(kept, false, now);
    assert_eq!(dispatcher.poll_assigned(), Some((kept, vec![1])));
}

#[test]
fn a_job_whose_time_is_over_is_not_assigned_even_if_nobody_looked_at_the_clock() {
    let start = Instant::now();
    let mut dispatcher = Dispatcher::new(10);
    let lane = dispatcher.add_lane(Box::new(MostRoom::new()));
    let bind = dispatcher.add_bind();
    dispatcher.join(bind, lane, start);
    let deadline = start + Duration::from_secs(1);
    let ticket = Ticket {
        intake: 0,
        priority: 0,
        expires_at: Some(deadline),
        lane,
        seats: 1,
        affinity: 0,
        admitted: true,
    };
    dispatcher.offer(ticket, "late").unwrap();
    assert_eq!(dispatcher.poll_timeout(), Some(deadline));
    dispatcher.set_seats(bind, 0, 1, deadline);
    dispatcher.set_open(bind, true, deadline);
    assert_eq!(dispatcher.poll_assigned(), None);
    assert_eq!(dispatcher.poll_expired(), Some("late"));
    assert_eq!(dispatcher.view(bind).unwrap().room(), 1);
}

#[test]
fn what_comes_at_once_goes_in_runs_of_half_the_room_and_what_comes_one_by_one_takes_turns() {
    let now = Instant::now();
    let mut dispatcher = Dispatcher::new(0);
    let lane = dispatcher.add_lane(Box::new(MostRoom::new()));
    for _ in 0..2 {
        let bind = dispatcher.add_bind();
        dispatcher.join(bind, lane, now);
        dispatcher.set_seats(bind, 0, 8, now);
        dispatcher.set_open(bind, true, now);
    }
    let mut offer = |intakes: std::ops::Range<u64>| {
        for intake in intakes {
            dispatcher.offer(admitted(intake, lane), intake).unwrap();
        }
        let mut assigned = [Vec::new(), Vec::new()];
        while let Some((bind, jobs)) = dispatcher.poll_assigned() {
            dispatcher.set_seats(bind, jobs.len(), 8, now);
            assigned[bind.index()] = jobs;
        }
        assigned
    };
    assert_eq!(offer(0..9), [vec![0, 1, 2, 3, 8], vec![4, 5, 6, 7]]);
    let [a, b] = offer(9..10);
    let [c, d] = offer(10..11);
    assert_eq!((a.len() + c.len(), b.len() + d.len()), (1, 1));
}
