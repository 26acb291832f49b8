//! What a session counts.

/// What a session counted. All figures are totals of this session.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Counters {
    /// Requests sent through the window.
    pub requests: u64,
    /// Of these, answered with status 0.
    pub accepted: u64,
    /// Of these, answered with another status.
    pub refused: u64,
    /// Of the refused ones, those whose status asks to slow down.
    pub throttled: u64,
    /// Requests whose time ran out.
    pub expired: u64,
    /// Late responses.
    pub late: u64,
    /// Most requests in flight at once.
    pub in_flight_max: usize,
    /// Requests of the peer.
    pub inbound: u64,
    /// Requests of the peer that nobody answered in time.
    pub overdue: u64,
    /// PDUs that could not be read.
    pub unreadable: u64,
    /// Things that the protocol does not allow.
    pub violations: u64,
    /// PDUs that were read with leniency; [`Session::uses`](super::Session::uses) says of which kind.
    pub lenient: u64,
}
