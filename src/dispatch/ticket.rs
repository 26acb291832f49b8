//! What a job says of itself when it comes in, and why it is not taken.

use std::time::Instant;

use super::LaneKey;

/// What the dispatcher has to know of a job.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ticket {
    /// Its place in the order of intake, which no other job has.
    pub intake: u64,
    /// The highest goes first.
    pub priority: u8,
    /// When it is given up while it waits.
    pub expires_at: Option<Instant>,
    /// The lane that it belongs to.
    pub lane: LaneKey,
    /// Seats that it takes. One free seat is enough to be assigned.
    pub seats: usize,
    /// Jobs with the same number go by the same bind, where the strategy of their lane wants that.
    pub affinity: u64,
    /// It was let in already, by a permit or before: it waits though the capacity is used up, and does not count. What its
    /// lane may have counts all the same.
    pub admitted: bool,
}

/// Why a job is not taken.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Refusal {
    /// As many wait as may.
    Busy,
    /// No bind serves its lane.
    NoRoute,
}
