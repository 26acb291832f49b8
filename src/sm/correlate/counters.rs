//! How many receipts and messages a correlator saw, and what became of them.

/// What came so far, and what became of it.
///
/// Every receipt is matched or an orphan in the end: those that came are `matched + orphans`, and those that are parked.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct CorrelatorCounters {
    /// Messages whose receipts were to come.
    pub messages: u64,
    /// Receipts that came.
    pub receipts: u64,
    /// Receipts that found their message, at once or later.
    pub matched: u64,
    /// Of these, those that came before the response which names their message.
    pub early: u64,
    /// Of these, those that told nothing new: doubled ones, and states that were passed already.
    pub repeated: u64,
    /// Receipts whose message was never found.
    pub orphans: u64,
    /// Messages that have their result.
    pub finished: u64,
    /// Messages that were given up before they had one.
    pub given_up: u64,
}
