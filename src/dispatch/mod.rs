//! Which bind takes which message, and what waits until one has room.
//!
//! A [`Dispatcher`] knows binds by their seats and routes (*lanes*) by the binds that serve them. A job gets a
//! seat at once, or waits in its lane: by priority, and within one by intake number, also when it comes back. A
//! job commits to a bind only when that has a seat, so siblings drain each other's work.
//!
//! Promises: every job that went in comes out exactly once (assigned, expired, stranded or drained); whenever a
//! call returns, nothing waits in a lane of which a bind has room; nothing new waits beyond the capacity, nor in a lane
//! in which as many of its priority wait as may.

mod backlog;
mod choices;
mod lane;
mod routes;
mod seats;
mod strategy;
#[cfg(test)]
mod tests;
mod ticket;

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::time::Instant;

use slab::Slab;
use smallvec::SmallVec;

use backlog::Backlog;
pub use choices::{RoundRobin, Sticky, Tiers, Weighted};
use lane::Lane;
pub use routes::{Conditions, Routes, Traits};
use seats::Seats;
pub use strategy::{BindView, MostRoom, Only, Strategy, Terms};
pub use ticket::{Refusal, Ticket};

/// Names a bind of a dispatcher; free for another once the bind was removed.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct BindKey(usize);

/// Names a lane of a dispatcher.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LaneKey(usize);

impl BindKey {
    /// The key with this index: for strategies that are tested alone.
    #[must_use]
    pub const fn new(index: usize) -> Self {
        Self(index)
    }

    /// A small number, for strategies that keep tables.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0
    }
}

impl LaneKey {
    #[cfg(test)]
    const fn new(index: usize) -> Self {
        Self(index)
    }
}

/// Gives jobs to binds.
#[derive(Debug)]
pub struct Dispatcher<J> {
    capacity: usize,
    /// Most jobs of one priority in a lane.
    lane_capacity: Option<usize>,
    binds: Slab<Bind<J>>,
    lanes: Slab<Lane<J>>,
    /// Binds with something assigned that nobody has fetched.
    assigned: VecDeque<BindKey>,
    /// Jobs that came out otherwise and that nobody has fetched.
    expired: Vec<J>,
    /// No later than the first job expires.
    deadline: Option<Instant>,
    waiting: usize,
    /// Those of them that were not admitted.
    counted: usize,
    /// Counts how often everything that was assigned was fetched: what came between is what came at once.
    drain: u64,
    /// The bind that seats were given of since strategies were told of it. Within a run nobody asks them.
    untold: Option<BindKey>,
}

/// What a bind leaves behind when it is removed.
#[derive(Debug)]
pub struct Removed<J> {
    /// What was assigned to it and not fetched; others may take it.
    pub assigned: Vec<J>,
    /// What waited in lanes that no bind serves any more.
    pub stranded: Vec<J>,
}

#[derive(Debug)]
struct Bind<J> {
    seats: Seats,
    /// The lanes that it serves, and the terms on which it does. Nearly always one.
    served: SmallVec<[(LaneKey, Terms); 1]>,
    assigned: Vec<J>,
    /// How many were fetched the last time: as many places are made at the first of the next.
    usual: usize,
}

/// The room that each bind has.
fn room<J>(binds: &Slab<Bind<J>>) -> impl Fn(BindKey) -> usize {
    |bind| binds.get(bind.0).map_or(0, |bind| bind.seats.room())
}

impl<J> Dispatcher<J> {
    /// A dispatcher in which at most `capacity` jobs wait that were not admitted before.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            lane_capacity: None,
            binds: Slab::new(),
            lanes: Slab::new(),
            assigned: VecDeque::new(),
            expired: Vec::new(),
            deadline: None,
            waiting: 0,
            counted: 0,
            drain: 0,
            untold: None,
        }
    }

    /// From now on at most `capacity` jobs wait that were not admitted before. Those that wait stay.
    pub fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity;
    }

    /// From now on at most `capacity` jobs of one priority wait in a lane, admitted or not; without one, no lane has a
    /// limit of its own. Those that wait stay.
    pub fn set_lane_capacity(&mut self, capacity: Option<usize>) {
        self.lane_capacity = capacity;
    }

    // Binds and lanes.

    /// Adds a lane that no bind serves as yet. Binds that are [kept back](Self::keep_back) get nothing of it.
    pub fn add_lane(&mut self, strategy: Box<dyn Strategy>) -> LaneKey {
        self.insert_lane(strategy, true)
    }

    /// Adds a lane that no bind serves as yet, for what only these binds can take: also those that are
    /// [kept back](Self::keep_back) get of it. Their tier there is the last one.
    pub fn add_narrow_lane(&mut self, strategy: Box<dyn Strategy>) -> LaneKey {
        self.insert_lane(strategy, false)
    }

    fn insert_lane(&mut self, strategy: Box<dyn Strategy>, is_wide: bool) -> LaneKey {
        LaneKey(self.lanes.insert(Lane {
            strategy,
            run: None,
            binds: 0,
            is_wide,
            backlog: Backlog::new(),
        }))
    }

    /// Removes a lane; what waited there comes out.
    pub fn remove_lane(&mut self, key: LaneKey) -> Vec<J> {
        let mut jobs = Vec::new();
        self.drain_lane(key, &mut jobs);
        if self.lanes.try_remove(key.0).is_some() {
            for (_, bind) in &mut self.binds {
                bind.served.retain(|(lane, _)| *lane != key);
            }
        }
        jobs
    }

    /// The binds that serve a lane, in the order of their keys, as its strategy sees them.
    pub fn members(&self, lane: LaneKey) -> impl Iterator<Item = (BindKey, BindView)> {
        let is_wide = self.lanes.get(lane.0).is_some_and(|lane| lane.is_wide);
        self.binds.iter().filter_map(move |(key, bind)| {
            let (_, terms) = bind.served.iter().find(|(other, _)| *other == lane)?;
            Some((BindKey(key), bind.seats.on(*terms, is_wide)))
        })
    }

    /// The bind that the next message in a lane would get a seat of; none when it would wait.
    pub fn next(&mut self, lane: LaneKey, affinity: u64) -> Option<BindKey> {
        self.tell_untold();
        let lane = self.lanes.get(lane.0).filter(|lane| lane.backlog.len() == 0)?;
        lane.strategy.choose(affinity)
    }

    /// Adds a bind, closed and without seats.
    pub fn add_bind(&mut self) -> BindKey {
        BindKey(self.binds.insert(Bind {
            seats: Seats::default(),
            served: SmallVec::new(),
            assigned: Vec::new(),
            usual: 0,
        }))
    }

    /// Lets a bind serve a lane, which it does not yet, on the usual terms.
    pub fn join(&mut self, bind: BindKey, lane: LaneKey, now: Instant) {
        self.join_on(bind, lane, Terms::default(), now);
    }

    /// Lets a bind serve a lane, which it does not yet, on these terms.
    pub fn join_on(&mut self, bind: BindKey, lane: LaneKey, terms: Terms, now: Instant) {
        let (Some(entry), Some(joined)) = (self.binds.get_mut(bind.0), self.lanes.get_mut(lane.0)) else {
            return;
        };
        entry.served.push((lane, terms));
        joined.binds += 1;
        joined
            .strategy
            .handle_bind(bind, &entry.seats.on(terms, joined.is_wide));
        self.serve(bind, now);
    }

    /// Removes a bind.
    pub fn remove_bind(&mut self, bind: BindKey) -> Removed<J> {
        let mut removed = Removed {
            assigned: Vec::new(),
            stranded: Vec::new(),
        };
        let Some(entry) = self.binds.try_remove(bind.0) else {
            return removed;
        };
        self.assigned.retain(|other| *other != bind);
        removed.assigned = entry.assigned;
        for (key, _) in entry.served {
            let Some(lane) = self.lanes.get_mut(key.0) else {
                continue;
            };
            lane.strategy.handle_removed(bind);
            lane.run = None;
            lane.binds -= 1;
            if lane.binds == 0 {
                self.drain_lane(key, &mut removed.stranded);
            }
        }
        removed
    }

    /// Forgets what a bind has: it is closed, has no seats, and none of them is taken; it is kept back where it was.
    /// Gives back what was assigned to it and not fetched.
    pub fn reset_bind(&mut self, bind: BindKey) -> Vec<J> {
        self.assigned.retain(|other| *other != bind);
        let Some(entry) = self.binds.get_mut(bind.0) else {
            return Vec::new();
        };
        let assigned = std::mem::take(&mut entry.assigned);
        entry.seats = Seats {
            kept_back: entry.seats.kept_back,
            ..Seats::default()
        };
        self.tell(bind);
        assigned
    }

    /// Opens a bind for jobs, or closes it. What has a seat already keeps it.
    pub fn set_open(&mut self, bind: BindKey, open: bool, now: Instant) {
        self.change(bind, now, |seats| seats.open = open);
    }

    /// Keeps a bind back from lanes that others serve too, or no longer. What has a seat already keeps it.
    pub fn keep_back(&mut self, bind: BindKey, kept_back: bool, now: Instant) {
        let served = self.binds.get(bind.0).into_iter().flat_map(|bind| &bind.served);
        for (lane, _) in served {
            if let Some(lane) = self.lanes.get_mut(lane.0) {
                lane.run = None;
            }
        }
        self.change(bind, now, |seats| seats.kept_back = kept_back);
    }

    /// Some seats of a bind are free again, and it has so many in all.
    pub fn set_seats(&mut self, bind: BindKey, freed: usize, capacity: usize, now: Instant) {
        self.change(bind, now, |seats| {
            seats.capacity = capacity;
            seats.taken = seats.taken.saturating_sub(freed);
        });
    }

    /// Some seats of a bind are free again.
    pub fn free(&mut self, bind: BindKey, freed: usize, now: Instant) {
        self.change(bind, now, |seats| seats.taken = seats.taken.saturating_sub(freed));
    }

    // Jobs.

    /// Takes in a job: it is assigned at once or waits.
    ///
    /// # Errors
    ///
    /// Gives the job back with the reason.
    pub fn offer(&mut self, ticket: Ticket, job: J) -> Result<(), (J, Refusal)> {
        let Some(lane) = self.lanes.get(ticket.lane.0).filter(|lane| lane.binds > 0) else {
            return Err((job, Refusal::NoRoute));
        };
        // What waits in the lane goes first, and waits because no bind of it has room.
        if lane.backlog.len() == 0
            && let Some(bind) = self.choose(ticket.lane, ticket.affinity)
        {
            self.assign(bind, ticket.seats, job);
            return Ok(());
        }
        if !ticket.admitted && self.counted >= self.capacity || self.is_full(&ticket) {
            return Err((job, Refusal::Busy));
        }
        self.enqueue(ticket, job);
        Ok(())
    }

    /// True when as many of its priority wait in its lane as may.
    fn is_full(&self, ticket: &Ticket) -> bool {
        let lane = self.lanes.get(ticket.lane.0);
        let waiting = || lane.map_or(0, |lane| lane.backlog.waiting_at(ticket.priority));
        self.lane_capacity.is_some_and(|most| waiting() >= most)
    }

    /// Takes back jobs that a bind did not send, and frees `freed` seats there. They take their old places, also
    /// where a capacity is used up, and before the seats are given to others.
    ///
    /// Gives back those whose lane no bind serves any more.
    pub fn take_back(
        &mut self,
        from: Option<BindKey>,
        freed: usize,
        jobs: impl IntoIterator<Item = (Ticket, J)>,
        now: Instant,
    ) -> Vec<J> {
        let mut stranded = Vec::new();
        let mut lanes: Vec<LaneKey> = Vec::new();
        for (ticket, job) in jobs {
            if self.lanes.get(ticket.lane.0).is_none_or(|lane| lane.binds == 0) {
                stranded.push(job);
                continue;
            }
            self.enqueue(ticket, job);
            if !lanes.contains(&ticket.lane) {
                lanes.push(ticket.lane);
            }
        }
        if let Some(bind) = from {
            self.free(bind, freed, now);
        }
        self.serve_lanes(lanes, now);
        stranded
    }

    /// Takes a job that waits out again.
    pub fn remove(&mut self, lane: LaneKey, priority: u8, intake: u64) -> Option<J> {
        let (ticket, job) = self.lanes.get_mut(lane.0)?.backlog.remove(priority, intake)?;
        self.left(&ticket);
        Some(job)
    }

    /// Takes every job that waits and is chosen out again, in the order of intake. Looks at all that wait.
    pub fn remove_where(&mut self, mut chosen: impl FnMut(&J) -> bool) -> Vec<J> {
        let mut places = Vec::new();
        for (lane, waiting) in &self.lanes {
            let jobs = waiting.backlog.iter().filter(|(_, job)| chosen(job));
            places.extend(jobs.map(|(ticket, _)| (ticket.intake, LaneKey(lane), ticket.priority)));
        }
        places.sort_unstable();
        let taken = places
            .into_iter()
            .filter_map(|(intake, lane, priority)| self.remove(lane, priority, intake));
        taken.collect()
    }

    /// Jobs whose time is over come out of [`Dispatcher::poll_expired`].
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.deadline.is_none_or(|deadline| deadline > now) {
            return;
        }
        for (_, lane) in &mut self.lanes {
            while let Some((ticket, job)) = lane.backlog.pop_expired(now) {
                self.waiting -= 1;
                self.counted -= usize::from(!ticket.admitted);
                self.expired.push(job);
            }
        }
        self.deadline = self.poll_timeout();
    }

    /// Takes everything that waits.
    pub fn drain(&mut self) -> Vec<J> {
        let mut jobs = Vec::with_capacity(self.waiting);
        let lanes: Vec<_> = self.lanes.iter().map(|(index, _)| LaneKey(index)).collect();
        for lane in lanes {
            self.drain_lane(lane, &mut jobs);
        }
        jobs
    }

    // What came of it.

    /// Jobs for one bind, in the order of sending; until there are none.
    pub fn poll_assigned(&mut self) -> Option<(BindKey, Vec<J>)> {
        let Some(key) = self.assigned.pop_front() else {
            self.drain += 1;
            return None;
        };
        let bind = self.binds.get_mut(key.0)?;
        bind.usual = bind.assigned.len();
        Some((key, std::mem::take(&mut bind.assigned)))
    }

    /// A job whose time is over.
    pub fn poll_expired(&mut self) -> Option<J> {
        self.expired.pop()
    }

    /// When [`Dispatcher::handle_timeout`] may have something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let deadlines = self
            .lanes
            .iter()
            .filter_map(|(_, lane)| lane.backlog.next_deadline());
        deadlines.min()
    }

    /// Jobs that wait.
    #[must_use]
    pub const fn waiting(&self) -> usize {
        self.waiting
    }

    /// Jobs that wait in a lane.
    #[must_use]
    pub fn waiting_in(&self, lane: LaneKey) -> usize {
        self.lanes.get(lane.0).map_or(0, |lane| lane.backlog.len())
    }

    /// Most jobs that may wait of those that were not admitted.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// A bind as strategies of lanes of its own see it, on the usual terms.
    #[must_use]
    pub fn view(&self, bind: BindKey) -> Option<BindView> {
        let bind = self.binds.get(bind.0)?;
        Some(bind.seats.on(Terms::USUAL, false))
    }

    /// The bind that takes the next message of a lane.
    fn choose(&mut self, lane: LaneKey, affinity: u64) -> Option<BindKey> {
        let running = self.lanes.get(lane.0)?.running(room(&self.binds), self.drain);
        if running.is_none() {
            self.tell_untold();
        }
        let lane = self.lanes.get_mut(lane.0)?;
        let bind = match running {
            Some(bind) => bind,
            None => lane.choose(affinity, room(&self.binds), self.drain)?,
        };
        lane.strategy.handle_chosen(bind);
        Some(bind)
    }

    fn assign(&mut self, key: BindKey, seats: usize, job: J) {
        if self.untold != Some(key) {
            self.tell_untold();
            self.untold = Some(key);
        }
        let Some(bind) = self.binds.get_mut(key.0) else {
            return;
        };
        bind.seats.taken += seats;
        if bind.assigned.is_empty() {
            bind.assigned.reserve(bind.usual);
            self.assigned.push_back(key);
        }
        bind.assigned.push(job);
    }

    fn change(&mut self, bind: BindKey, now: Instant, change: impl FnOnce(&mut Seats)) {
        if let Some(entry) = self.binds.get_mut(bind.0) {
            change(&mut entry.seats);
            self.tell(bind);
            self.serve(bind, now);
        }
    }

    /// Strategies know of every seat when they are asked.
    #[inline]
    fn tell_untold(&mut self) {
        if let Some(bind) = self.untold.take() {
            self.tell(bind);
        }
    }

    /// Tells the strategies of its lanes how a bind looks.
    fn tell(&mut self, bind: BindKey) {
        if let Some(entry) = self.binds.get(bind.0) {
            for (lane, terms) in &entry.served {
                if let Some(lane) = self.lanes.get_mut(lane.0) {
                    let view = entry.seats.on(*terms, lane.is_wide);
                    lane.strategy.handle_bind(bind, &view);
                }
            }
        }
    }

    /// Gives what waits for a bind to it, or to whom the strategies choose, while it has room.
    fn serve(&mut self, bind: BindKey, now: Instant) {
        while let Some(entry) = self.binds.get(bind.0).filter(|entry| entry.seats.room() > 0) {
            // Of one that is kept back nothing is to be had for wide lanes, whatever waits there.
            let gives = |lane: &LaneKey| {
                let lane = self.lanes.get(lane.0);
                lane.is_some_and(|lane| !(entry.seats.kept_back && lane.is_wide))
            };
            let served = || entry.served.iter().map(|(lane, _)| *lane).filter(gives);
            let first = self.first_of(served());
            let Some(lane) = first.and_then(|(_, index)| served().nth(index)) else {
                return;
            };
            if !self.serve_first(lane, now) {
                return;
            }
        }
    }

    /// Gives what waits in some lanes to their binds while one has room.
    fn serve_lanes(&mut self, mut lanes: Vec<LaneKey>, now: Instant) {
        while let Some((_, index)) = self.first_of(lanes.iter().copied()) {
            match lanes.get(index) {
                Some(lane) if self.serve_first(*lane, now) => {}
                _ => {
                    lanes.swap_remove(index);
                }
            }
        }
    }

    /// Which of the lanes has the job that goes first, and its place in the order.
    fn first_of(&self, lanes: impl Iterator<Item = LaneKey>) -> Option<((Reverse<u8>, u64), usize)> {
        let heads = lanes.enumerate().filter_map(|(index, key)| {
            let head = self.lanes.get(key.0)?.backlog.first()?;
            Some((head, index))
        });
        heads.min()
    }

    /// Assigns the first job of a lane, or finds that its time is over; false when no bind has room for it.
    fn serve_first(&mut self, key: LaneKey, now: Instant) -> bool {
        self.tell_untold();
        let Some(lane) = self.lanes.get_mut(key.0) else {
            return false;
        };
        let affinity = lane.backlog.first_ticket().map(|ticket| ticket.affinity);
        let Some(bind) = affinity.and_then(|affinity| lane.strategy.choose(affinity)) else {
            return false;
        };
        let Some((ticket, job)) = lane.backlog.pop() else {
            return false;
        };
        let is_over = ticket.expires_at.is_some_and(|deadline| deadline <= now);
        if !is_over {
            lane.strategy.handle_chosen(bind);
        }
        self.left(&ticket);
        if is_over {
            self.expired.push(job);
        } else {
            self.assign(bind, ticket.seats, job);
        }
        true
    }

    /// Lets a job wait.
    fn enqueue(&mut self, ticket: Ticket, job: J) {
        if let Some(lane) = self.lanes.get_mut(ticket.lane.0) {
            lane.backlog.insert(ticket, job);
            self.waiting += 1;
            self.counted += usize::from(!ticket.admitted);
            self.deadline = self.deadline.into_iter().chain(ticket.expires_at).min();
        }
    }

    fn left(&mut self, ticket: &Ticket) {
        self.waiting -= 1;
        self.counted -= usize::from(!ticket.admitted);
    }

    fn drain_lane(&mut self, key: LaneKey, out: &mut Vec<J>) {
        while let Some((ticket, job)) = self.lanes.get_mut(key.0).and_then(|lane| lane.backlog.pop()) {
            self.left(&ticket);
            out.push(job);
        }
    }
}
