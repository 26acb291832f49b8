//! Why a wish was refused.

use super::SessionState;
use crate::pdu::{CommandId, EncodeError, SequenceNumber};

/// Why a request was not taken; nothing was written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// This side may not send this PDU in this state.
    #[error("{command_id} may not be sent in state {state:?}")]
    WrongState {
        /// The PDU.
        command_id: CommandId,
        /// The state.
        state: SessionState,
    },
    /// The window, the rate or the outbox has no room; look at [`Session::room`](super::Session::room) first.
    #[error("no room to send now")]
    NoRoom,
    /// Not something that an owner asks with a token: it has no response, or the session sends it itself.
    #[error("{0} is not a request of an owner")]
    NotARequest(CommandId),
    /// The forced sequence number is none that a request may have (3.4 section 5.1.4).
    #[error("sequence number {0} is not from 1 to 0x7FFFFFFF")]
    SequenceReserved(SequenceNumber),
    /// The forced sequence number belongs to a request in flight.
    #[error("sequence number {0} is in flight")]
    SequenceTaken(SequenceNumber),
    /// A field does not fit.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// Why an answer was refused; nothing was written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RespondError {
    /// The request was answered before, by the owner or at its deadline, or its session is over.
    #[error("the request was already answered")]
    AlreadyAnswered,
    /// Not the response that belongs to the request.
    #[error("{response} does not answer {request}")]
    WrongResponse {
        /// What was asked.
        request: CommandId,
        /// What was given.
        response: CommandId,
    },
    /// A field does not fit.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}
