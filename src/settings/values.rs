//! Small values of settings, and what is allowed for them.

use std::time::Duration;

/// Values with the share in which each occurs; what is missing to 1 is the ordinary case.
#[derive(Clone, Debug, PartialEq)]
pub struct Shares<T>(Vec<(T, f64)>);

impl<T: Copy> Shares<T> {
    /// Shares between 0 and 1 each.
    pub fn new(shares: impl IntoIterator<Item = (T, f64)>) -> Self {
        Self(shares.into_iter().collect())
    }

    /// The values and their shares.
    pub fn iter(&self) -> impl Iterator<Item = (T, f64)> + '_ {
        self.0.iter().copied()
    }
}

impl<T> Default for Shares<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

pub(super) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

pub(super) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) const fn mins(minutes: u64) -> Duration {
    secs(minutes * 60)
}

pub(super) const fn hours(hours: u64) -> Duration {
    mins(hours * 60)
}
