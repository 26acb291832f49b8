//! Where a client stands, and what can go wrong.

use crate::events::{Cause, ConnectFailure};
use crate::pdu::{CommandId, CommandStatus, EncodeError, States};
use crate::settings::SettingsError;
use crate::submit::{InvalidCause, SubmitError};

/// Where a client stands.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum State {
    /// Not connected.
    #[default]
    Closed,
    /// Connected, not bound: before the bind, and after an unbind of either side.
    Open,
    /// Bound as transmitter.
    BoundTx,
    /// Bound as receiver.
    BoundRx,
    /// Bound as transceiver.
    BoundTrx,
}

impl State {
    /// True in the three bound states.
    #[must_use]
    pub const fn is_bound(self) -> bool {
        matches!(self, Self::BoundTx | Self::BoundRx | Self::BoundTrx)
    }

    /// The state that a bind of this kind leads to; none for what is no bind.
    pub(super) const fn bound_by(bind: CommandId) -> Option<Self> {
        match bind {
            CommandId::BIND_TRANSMITTER => Some(Self::BoundTx),
            CommandId::BIND_RECEIVER => Some(Self::BoundRx),
            CommandId::BIND_TRANSCEIVER => Some(Self::BoundTrx),
            _ => None,
        }
    }

    /// Whether an ESME may ask this in this state (3.4 section 2.3).
    pub(super) const fn allows(self, command_id: CommandId) -> bool {
        command_id.esme_states().contains(match self {
            Self::Closed => States::NONE,
            Self::Open => States::OPEN,
            Self::BoundTx => States::TX,
            Self::BoundRx => States::RX,
            Self::BoundTrx => States::TRX,
        })
    }
}

/// Why something did not happen.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The settings cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// There is no thread to be had.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::ErrorKind),
    /// There is a connection already.
    #[error("connected already")]
    Connected,
    /// There is no connection to read from.
    #[error("not connected")]
    NotConnected,
    /// There is no connection to be had.
    #[error("no connection: {0}")]
    Connect(ConnectFailure),
    /// The SMSC refused the bind; the connection is closed.
    #[error("bind refused: {status} ({})", status.meaning())]
    Refused {
        /// What it said.
        status: CommandStatus,
    },
    /// The connection ended, for this reason.
    #[error("connection closed: {0}")]
    Closed(Cause),
    /// The SMSC did not answer the unbind; the connection is closed.
    #[error("the unbind was not answered")]
    UnbindUnanswered,
    /// The PDU is sent by a method of its own, such as [`unbind`](super::Client::unbind); nothing was written.
    #[error("{0} has a method of its own")]
    OwnMethod(CommandId),
    /// The PDU may not be sent now; nothing was written.
    #[error("{command_id} may not be sent in state {state:?}")]
    WrongState {
        /// The PDU.
        command_id: CommandId,
        /// The state.
        state: State,
    },
    /// A PDU could not be written, or nobody knows what became of it.
    #[error(transparent)]
    Request(#[from] SubmitError),
}

impl ClientError {
    /// The status that says the same: that of a refused bind, ESME_RINVBNDSTS for what the state does not allow.
    #[must_use]
    pub const fn status(&self) -> Option<CommandStatus> {
        match self {
            Self::Refused { status } => Some(*status),
            Self::WrongState { .. } => Some(CommandStatus::ESME_RINVBNDSTS),
            _ => None,
        }
    }

    /// What the end of a connection means for who waits for something on it.
    pub(super) fn of_end(cause: Cause) -> Self {
        match (cause.refused(), cause) {
            (Some(status), _) => Self::Refused { status },
            (None, Cause::Connect(failure)) => Self::Connect(failure),
            (None, cause) => Self::Closed(cause),
        }
    }
}

impl From<EncodeError> for ClientError {
    fn from(error: EncodeError) -> Self {
        let cause = InvalidCause::Encode(error);
        Self::Request(SubmitError::Invalid { cause })
    }
}

/// No PDU has this name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no command is called {name:?}")]
pub struct UnknownCommand {
    /// The name.
    pub name: String,
}
