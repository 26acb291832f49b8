//! How the messages of a bind fare, for its router to see.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts that a bind keeps up to date and its router reads, without a message for either.
#[derive(Debug, Default)]
pub struct Verdicts {
    accepted: AtomicU64,
    rejected_in_row: AtomicU64,
}

impl Verdicts {
    /// Requests that were accepted.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Requests that were rejected since the last one that was accepted.
    #[must_use]
    pub fn rejected_in_row(&self) -> u64 {
        self.rejected_in_row.load(Ordering::Relaxed)
    }

    /// Takes over what happened in one wake-up (requests that were accepted and rejected so far), and remembers the counts
    /// that it did so at.
    pub fn update(&self, told: &mut (u64, u64), now: (u64, u64)) {
        if now == *told {
            return;
        }
        let (accepted, rejected) = (now.0 - told.0, now.1 - told.1);
        if accepted > 0 {
            self.accepted.fetch_add(accepted, Ordering::Relaxed);
            self.rejected_in_row.store(0, Ordering::Relaxed);
        } else {
            self.rejected_in_row.fetch_add(rejected, Ordering::Relaxed);
        }
        *told = now;
    }
}
