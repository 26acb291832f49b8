//! The seats of a bind, and how it looks from its lanes.

use super::{BindView, Terms};

/// A bind as strategies see it, but for the terms.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seats {
    pub(super) open: bool,
    pub(super) kept_back: bool,
    pub(super) capacity: usize,
    pub(super) taken: usize,
}

impl Seats {
    /// How the bind looks from a lane.
    pub(super) const fn on(self, mut terms: Terms, is_wide: bool) -> BindView {
        if self.kept_back && !is_wide {
            terms.tier = u16::MAX;
        }
        BindView {
            open: self.open && !(self.kept_back && is_wide),
            capacity: self.capacity,
            taken: self.taken,
            terms,
        }
    }

    pub(super) const fn room(self) -> usize {
        self.on(Terms::USUAL, false).room()
    }
}
