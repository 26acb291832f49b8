//! Where the values in effect came from.

use std::fmt;

use super::problem::Place;
use super::shown::{Effective, write_entries};
use super::source::Places;

/// Where each value of settings that were read came from.
#[derive(Clone, Debug, Default)]
pub struct Origins(Places);

impl Origins {
    pub(super) const fn new(places: Places) -> Self {
        Self(places)
    }

    /// Where the value of a key came from, such as `binds.a-1.window`; none where it is the default.
    #[must_use]
    pub fn of(&self, key: &str) -> Option<&Place> {
        self.0.exactly(key)
    }
}

/// The configuration in effect as TOML, with where each value came from in a comment behind it.
#[derive(Clone, Copy, Debug)]
pub struct Traced<'a> {
    effective: &'a Effective,
    origins: &'a Origins,
}

impl Effective {
    /// The same with where each value came from.
    #[must_use]
    pub const fn traced<'a>(&'a self, origins: &'a Origins) -> Traced<'a> {
        Traced {
            effective: self,
            origins,
        }
    }
}

impl fmt::Display for Traced<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_entries(&self.effective.0, "", f, &|key| self.origins.of(key))
    }
}
