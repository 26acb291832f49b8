//! What waits on one route: by priority, in the order of intake.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Instant;

use super::Ticket;

/// Keeps no more than this for nothing.
const SPARE: usize = 1_024;

/// Jobs that wait for one and the same set of binds.
#[derive(Debug)]
pub(super) struct Backlog<J> {
    /// The queues that have something waiting, highest priority first.
    queues: Vec<(u8, Queue<J>)>,
    waiting: usize,
    /// When jobs expire, with their places; some are gone by then.
    deadlines: BinaryHeap<Reverse<(Instant, u8, u64)>>,
}

/// Jobs of one priority in the order of intake.
///
/// A job that leaves from the middle leaves a gap behind, which goes when it comes to an end of the queue, or
/// when gaps are more than jobs.
#[derive(Debug)]
struct Queue<J> {
    places: VecDeque<Place<J>>,
    gaps: usize,
}

#[derive(Debug)]
struct Place<J> {
    ticket: Ticket,
    job: Option<J>,
}

impl<J> Backlog<J> {
    pub(super) const fn new() -> Self {
        Self {
            queues: Vec::new(),
            waiting: 0,
            deadlines: BinaryHeap::new(),
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.waiting
    }

    /// How many of one priority wait.
    pub(super) fn waiting_at(&self, priority: u8) -> usize {
        let queue = self.queues.iter().find(|(other, _)| *other == priority);
        queue.map_or(0, |(_, queue)| queue.places.len() - queue.gaps)
    }

    /// The job that goes first: its priority and intake number, the smaller the earlier.
    pub(super) fn first(&self) -> Option<(Reverse<u8>, u64)> {
        let (priority, queue) = self.queues.first()?;
        Some((Reverse(*priority), queue.places.front()?.ticket.intake))
    }

    /// The ticket of the job that goes first.
    pub(super) fn first_ticket(&self) -> Option<&Ticket> {
        let (_, queue) = self.queues.first()?;
        queue.places.front().map(|place| &place.ticket)
    }

    /// All that waits.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Ticket, &J)> {
        let places = self.queues.iter().flat_map(|(_, queue)| &queue.places);
        places.filter_map(|place| Some((&place.ticket, place.job.as_ref()?)))
    }

    /// Puts a job in its place by priority and intake number.
    pub(super) fn insert(&mut self, ticket: Ticket, job: J) {
        if let Some(deadline) = ticket.expires_at {
            self.deadlines
                .push(Reverse((deadline, ticket.priority, ticket.intake)));
            self.forget_deadlines();
        }
        let place = self
            .queues
            .binary_search_by_key(&Reverse(ticket.priority), |(priority, _)| Reverse(*priority));
        let index = place.unwrap_or_else(|index| {
            self.queues.insert(index, (ticket.priority, Queue::new()));
            index
        });
        if let Some((_, queue)) = self.queues.get_mut(index) {
            queue.insert(ticket, job);
            self.waiting += 1;
        }
    }

    /// Takes the job that goes first.
    pub(super) fn pop(&mut self) -> Option<(Ticket, J)> {
        let (_, queue) = self.queues.first_mut()?;
        let popped = queue.pop();
        if queue.places.is_empty() {
            self.queues.remove(0);
        }
        self.waiting -= usize::from(popped.is_some());
        popped
    }

    /// Takes a job out of the middle.
    pub(super) fn remove(&mut self, priority: u8, intake: u64) -> Option<(Ticket, J)> {
        let index = self.queues.iter().position(|(other, _)| *other == priority)?;
        let (_, queue) = self.queues.get_mut(index)?;
        let removed = queue.remove(intake);
        if queue.places.is_empty() {
            self.queues.remove(index);
        }
        self.waiting -= usize::from(removed.is_some());
        removed
    }

    /// Takes one of the jobs whose time is over.
    pub(super) fn pop_expired(&mut self, now: Instant) -> Option<(Ticket, J)> {
        while let Some(Reverse((deadline, priority, intake))) = self.deadlines.peek()
            && *deadline <= now
        {
            let (deadline, priority, intake) = (*deadline, *priority, *intake);
            self.deadlines.pop();
            if let Some((ticket, job)) = self.remove(priority, intake) {
                // It may have left and come back with another deadline.
                if ticket.expires_at == Some(deadline) {
                    return Some((ticket, job));
                }
                self.insert(ticket, job);
            }
        }
        None
    }

    /// No later than the first job expires.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.peek().map(|Reverse((deadline, ..))| *deadline)
    }

    /// Deadlines of jobs that have left go before there are more of them than of others.
    fn forget_deadlines(&mut self) {
        if self.deadlines.len() <= 2 * self.waiting + SPARE {
            return;
        }
        let waiting = self.queues.iter().flat_map(|(_, queue)| &queue.places);
        let deadlines = waiting.filter(|place| place.job.is_some()).filter_map(|place| {
            let Ticket {
                expires_at,
                priority,
                intake,
                ..
            } = place.ticket;
            Some(Reverse((expires_at?, priority, intake)))
        });
        self.deadlines = deadlines.collect();
    }
}

impl<J> Queue<J> {
    const fn new() -> Self {
        Self {
            places: VecDeque::new(),
            gaps: 0,
        }
    }

    fn insert(&mut self, ticket: Ticket, job: J) {
        let place = Place {
            ticket,
            job: Some(job),
        };
        // Nearly all come in the order of intake; those that come back belong near the front.
        match self.places.back() {
            Some(last) if last.ticket.intake > ticket.intake => {
                let index = self
                    .places
                    .partition_point(|other| other.ticket.intake < ticket.intake);
                self.places.insert(index, place);
            }
            _ => self.places.push_back(place),
        }
    }

    fn pop(&mut self) -> Option<(Ticket, J)> {
        // Invariant: a gap is never at the front.
        let place = self.places.pop_front()?;
        self.tidy();
        Some((place.ticket, place.job?))
    }

    fn remove(&mut self, intake: u64) -> Option<(Ticket, J)> {
        let index = self
            .places
            .binary_search_by_key(&intake, |place| place.ticket.intake)
            .ok()?;
        let place = self.places.get_mut(index)?;
        let job = place.job.take()?;
        let ticket = place.ticket;
        self.gaps += 1;
        self.tidy();
        Some((ticket, job))
    }

    /// Removes gaps from the front, and from everywhere when there are many; gives memory back.
    fn tidy(&mut self) {
        while self.places.front().is_some_and(|place| place.job.is_none()) {
            self.places.pop_front();
            self.gaps -= 1;
        }
        if self.gaps > SPARE && self.gaps * 2 > self.places.len() {
            self.places.retain(|place| place.job.is_some());
            self.gaps = 0;
        }
        if self.places.capacity() > SPARE && self.places.len() * 4 < self.places.capacity() {
            self.places.shrink_to(self.places.len() * 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::dispatch::LaneKey;

    fn ticket(intake: u64, priority: u8, expires_at: Option<Instant>) -> Ticket {
        Ticket {
            intake,
            priority,
            expires_at,
            lane: LaneKey::new(0),
            seats: 1,
            affinity: 0,
            admitted: false,
        }
    }

    fn order(backlog: &mut Backlog<u64>) -> Vec<u64> {
        std::iter::from_fn(|| backlog.pop().map(|(_, job)| job)).collect()
    }

    #[test]
    fn priorities_go_first_and_what_comes_back_takes_its_old_place() {
        let mut backlog = Backlog::new();
        for (intake, priority) in [(1, 0), (4, 0), (5, 9), (6, 0), (2, 0), (3, 9), (0, 0)] {
            backlog.insert(ticket(intake, priority, None), intake);
        }
        assert_eq!(backlog.first(), Some((Reverse(9), 3)));
        assert_eq!(backlog.len(), 7);
        assert_eq!(order(&mut backlog), [3, 5, 0, 1, 2, 4, 6]);
        assert_eq!(backlog.len(), 0);
    }

    #[test]
    fn what_expires_leaves_a_gap_that_nobody_sees() {
        let mut backlog = Backlog::new();
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        for intake in 0..6 {
            let expires_at = (intake % 2 == 0).then(|| after(10 - intake));
            backlog.insert(ticket(intake, 0, expires_at), intake);
        }
        assert_eq!(backlog.next_deadline(), Some(after(6)));
        let mut expired = |at| {
            std::iter::from_fn(|| backlog.pop_expired(after(at)).map(|(_, job)| job)).collect::<Vec<_>>()
        };
        assert!(expired(5).is_empty());
        assert_eq!(expired(8), [4, 2]);
        assert_eq!(order(&mut backlog), [0, 1, 3, 5]);
    }

    #[test]
    fn memory_is_bounded_by_what_waits() {
        let mut backlog = Backlog::new();
        let far = Instant::now() + Duration::from_secs(86_400);
        for intake in 0..100_000 {
            backlog.insert(ticket(intake, 0, Some(far)), intake);
            if intake >= 10 {
                backlog.pop();
            }
        }
        assert!(backlog.deadlines.len() <= 2 * backlog.len() + SPARE + 1);
        for intake in 100_000..200_000 {
            backlog.insert(ticket(intake, 0, None), intake);
        }
        while backlog.len() > 5 {
            backlog.pop();
        }
        assert!(backlog.queues[0].1.places.capacity() <= 2 * SPARE);
    }
}
