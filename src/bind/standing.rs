//! What a bind and its router both know of it, without a message for either.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::session::Budget;

/// How the messages of a bind fare, and what is left of its rate when its session, or its actor, is followed by another.
///
/// An SMSC counts by account, so a new connection must not begin with a new burst. What an actor had that panicked
/// is lost: its successor begins anew, after a while.
#[derive(Debug, Default)]
pub struct Standing {
    accepted: AtomicU64,
    rejected_in_row: AtomicU64,
    unspent: Mutex<Option<Box<Budget>>>,
}

impl Standing {
    /// That of a bind which goes on with what an earlier one has left of its rate, if there was one.
    #[must_use]
    pub fn new(unspent: Option<Box<Budget>>) -> Self {
        Self {
            unspent: Mutex::new(unspent),
            ..Self::default()
        }
    }

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

    /// Takes over what happened in one wake-up: how many requests were accepted and rejected.
    pub fn add(&self, accepted: u64, rejected: u64) {
        if accepted > 0 {
            self.accepted.fetch_add(accepted, Ordering::Relaxed);
            self.rejected_in_row.store(0, Ordering::Relaxed);
        } else if rejected > 0 {
            self.rejected_in_row.fetch_add(rejected, Ordering::Relaxed);
        }
    }

    /// A session ended: its tokens, and what throttling made of its rate.
    pub(super) fn keep_unspent(&self, limit: Budget) {
        *self.unspent.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(limit));
    }

    /// Another one begins; none where there was no session before.
    pub fn take_unspent(&self) -> Option<Box<Budget>> {
        self.unspent.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
