//! Who may send which PDU in which state of a session (3.4 section 2.3, 5.0 section 2.4).

use std::ops::BitOr;

/// States of a session, as a set.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct States(u8);

impl States {
    /// No state.
    pub const NONE: Self = Self(0);
    /// Connected, not bound.
    pub const OPEN: Self = Self(1);
    /// The message centre connected and sent outbind.
    pub const OUTBOUND: Self = Self(1 << 1);
    /// Bound as transmitter.
    pub const TX: Self = Self(1 << 2);
    /// Bound as receiver.
    pub const RX: Self = Self(1 << 3);
    /// Bound as transceiver.
    pub const TRX: Self = Self(1 << 4);
    /// Unbound, still connected.
    pub const UNBOUND: Self = Self(1 << 5);
    /// Every state in which there is a connection.
    pub const ANY: Self = Self(0b11_1111);
    /// Every bound state.
    pub const BOUND: Self = Self(0b1_1100);

    /// Both sets together.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// True when one of `states` is in the set.
    #[must_use]
    pub const fn contains(self, states: Self) -> bool {
        self.0 & states.0 != 0
    }
}

impl BitOr for States {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.or(other)
    }
}
