//! Where a session stands.

use crate::pdu::{CommandId, States};

/// Where a session stands (3.4 section 2.2, 5.0 section 2.3).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum SessionState {
    /// Connected, not bound.
    Open,
    /// The message centre connected and sent outbind.
    Outbound,
    /// Bound as transmitter.
    BoundTx,
    /// Bound as receiver.
    BoundRx,
    /// Bound as transceiver.
    BoundTrx,
    /// Unbound, still connected.
    Unbound,
    /// Not connected any more.
    Closed,
}

impl SessionState {
    /// True in the three bound states.
    #[must_use]
    pub const fn is_bound(self) -> bool {
        matches!(self, Self::BoundTx | Self::BoundRx | Self::BoundTrx)
    }

    pub(super) const fn states(self) -> States {
        match self {
            Self::Open => States::OPEN,
            Self::Outbound => States::OUTBOUND,
            Self::BoundTx => States::TX,
            Self::BoundRx => States::RX,
            Self::BoundTrx => States::TRX,
            Self::Unbound => States::UNBOUND,
            Self::Closed => States::NONE,
        }
    }

    /// The state that a successful bind of this kind leads to.
    pub(super) const fn bound_by(bind: CommandId) -> Option<Self> {
        match bind {
            CommandId::BIND_TRANSMITTER => Some(Self::BoundTx),
            CommandId::BIND_RECEIVER => Some(Self::BoundRx),
            CommandId::BIND_TRANSCEIVER => Some(Self::BoundTrx),
            _ => None,
        }
    }
}
