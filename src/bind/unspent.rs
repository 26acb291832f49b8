//! What is left of the rate of a bind when its session, or its actor, is followed by another.

use std::sync::{Arc, Mutex, PoisonError};

use crate::session::Budget;

/// The limit that the last session of a bind had: its tokens, and what throttling made of it. A clone is the same.
///
/// An SMSC counts by account, so a new connection must not begin with a new burst. What an actor had that panicked
/// is lost: its successor begins anew, after a while.
#[derive(Clone, Debug, Default)]
pub struct Unspent(Arc<Mutex<Option<Box<Budget>>>>);

impl Unspent {
    /// A session ended.
    pub(super) fn keep(&self, limit: Budget) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(limit));
    }

    /// Another one begins; none where there was no session before.
    pub(super) fn take(&self) -> Option<Budget> {
        let left = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        left.map(|limit| *limit)
    }
}
