//! What an SMSC counts.

use serde::Serialize;

/// What happened at an SMSC since it was created. Restarts do not reset it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Counters {
    /// Connections accepted.
    pub connections: u64,
    /// Connections closed at once because there were too many.
    pub connections_refused: u64,
    /// Connections that are open now.
    pub links: u64,
    /// Binds let in.
    pub binds: u64,
    /// Binds refused, for any reason.
    pub binds_refused: u64,
    /// Messages taken: a submit_multi counts once for each destination.
    pub messages: u64,
    /// Messages refused with `ESME_RTHROTTLED` for the rate of their account.
    pub throttled: u64,
    /// Messages refused for any other reason.
    pub refused: u64,
    /// Messages that were to be answered but, as a fault, were not.
    pub responses_lost: u64,
    /// Links cut, as a fault or on request.
    pub cuts: u64,
    /// Other requests: query_sm, cancel_sm, replace_sm and the like.
    pub requests: u64,
    /// PDUs that could not be read.
    pub unreadable: u64,
    /// Receipts that were asked for and are or will be due; doubled ones count twice, orphaned ones once.
    pub receipts_owed: u64,
    /// Receipts that an ESME took.
    pub receipts_delivered: u64,
    /// Messages from phones that came up.
    pub mobile_originated: u64,
    /// Messages from phones that an ESME took.
    pub mobile_originated_delivered: u64,
    /// Times that a receipt or message had to be put back to be sent again.
    pub deliveries_retried: u64,
    /// Receipts and messages that an ESME refused for good, or for which there was no room.
    pub deliveries_dropped: u64,
    /// Receipts and messages that wait or are on their way now.
    pub deliveries_pending: u64,
    /// Faults, besides the responses lost and the links cut.
    pub faults: FaultCounters,
}

/// What went wrong on purpose.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FaultCounters {
    /// Responses that were or will be late.
    pub responses_late: u64,
    /// Responses that were or will be sent twice.
    pub responses_doubled: u64,
    /// Responses that let another one go first.
    pub responses_overtaken: u64,
    /// Responses that were not written as they should be.
    pub responses_odd: u64,
    /// Times that nonsense was written.
    pub nonsense: u64,
    /// Binds that were never answered.
    pub binds_silent: u64,
    /// Links that fell silent.
    pub links_silent: u64,
    /// Links that were unbound without waiting for anything.
    pub links_unbound: u64,
    /// Connections that end with a reset, where they are of TCP.
    pub links_reset: u64,
    /// Connections on which octets are written one at a time.
    pub links_split: u64,
    /// Connections on which PDUs leave together.
    pub links_joined: u64,
    /// Connections that are read slowly.
    pub links_slow: u64,
    /// Receipts that are sent twice.
    pub receipts_doubled: u64,
    /// Receipts that came before their response.
    pub receipts_early: u64,
    /// Receipts that were not written as most are.
    pub receipts_odd: u64,
    /// Receipts for ids that were never given.
    pub receipts_orphaned: u64,
    /// Times that it went down by itself.
    pub restarts: u64,
}
