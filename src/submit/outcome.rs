//! How a message can end.

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use super::BindId;
use crate::pdu::{
    self, COctetString, CommandId, CommandStatus, EncodeError, SequenceNumber, StatusClass, TlvError,
    UnsuccessSme,
};
use crate::sm;

/// The number that an SMSC gave a message or one part of it.
pub type MessageId = COctetString<65>;

/// The one outcome of a message.
pub type SubmitResult = Result<Submitted, SubmitError>;

/// Every part of a message was accepted.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Submitted {
    /// What the SMSC calls the parts, in their order.
    pub message_ids: MessageIds,
    /// The bind that took it; of several the one that took the last part.
    pub bind: BindId,
    /// From intake to the last response.
    pub after: Duration,
    refused: Option<Box<Refused>>,
}

/// Nearly no message has any: it takes a box and not a list.
#[derive(Clone, Eq, PartialEq)]
struct Refused(Vec<UnsuccessSme>);

/// What the SMSC said; numbers stay out of logs.
impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let statuses = self.0.iter().map(|refused| refused.error_status_code);
        f.debug_list().entries(statuses).finish()
    }
}

impl Submitted {
    /// The outcome of a message that `bind` took under these ids.
    #[must_use]
    pub const fn new(message_ids: MessageIds, bind: BindId, after: Duration) -> Self {
        Self {
            message_ids,
            bind,
            after,
            refused: None,
        }
    }

    /// The destinations of a submit_multi that the SMSC refused while it took the others (3.4 section 4.5.2), and why; of
    /// other messages there are none.
    #[must_use]
    pub fn refused(&self) -> &[UnsuccessSme] {
        self.refused.as_ref().map_or(&[], |refused| &refused.0)
    }

    pub(super) fn set_refused(&mut self, refused: Vec<UnsuccessSme>) {
        self.refused = (!refused.is_empty()).then(|| Box::new(Refused(refused)));
    }

    /// The id of the first part.
    #[must_use]
    pub fn message_id(&self) -> &MessageId {
        match &self.message_ids {
            MessageIds::One(id) => id,
            MessageIds::Many(ids) => ids.first().unwrap_or(&MessageId::EMPTY),
        }
    }
}

/// Message ids, one for each part; a slice of them. One alone takes no allocation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum MessageIds {
    /// Of a message in one part.
    One(MessageId),
    /// Of a message in several.
    Many(Box<[MessageId]>),
}

impl Deref for MessageIds {
    type Target = [MessageId];

    fn deref(&self) -> &[MessageId] {
        match self {
            Self::One(id) => std::slice::from_ref(id),
            Self::Many(ids) => ids,
        }
    }
}

/// Why a message was not, or not wholly, accepted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// The parts of one message ended differently, and at least one was written.
    #[error("{} of {} parts accepted", parts.iter().filter(|part| part.is_ok()).count(), parts.len())]
    Partial {
        /// The outcome of each part, in order; never `Partial` itself.
        parts: Box<[SubmitResult]>,
    },
    /// The SMSC said no to every part.
    #[error("{bind} rejected it: {status} ({})", status.meaning())]
    Rejected {
        /// What it said; of several the first.
        status: CommandStatus,
        /// The bind that it said it to.
        bind: BindId,
    },
    /// Of no part did the last octet leave the process: the peer cannot have acted on it.
    #[error("not sent: {cause}")]
    NotSent {
        /// What happened instead.
        cause: NotSentCause,
    },
    /// Every part was written whole and none was answered: it may have been sent.
    #[error("sent over {bind} as {sequence}, outcome unknown: {cause}")]
    Unknown {
        /// The bind that it left by.
        bind: BindId,
        /// Its sequence number there; of several parts that of the first.
        sequence: SequenceNumber,
        /// What became of the response.
        cause: UnknownCause,
    },
    /// Its validity ended while it waited.
    #[error("expired while it waited")]
    Expired,
    /// Its sender took it back while it waited.
    #[error("cancelled while it waited")]
    Cancelled,
    /// No room to wait in.
    #[error("no room")]
    Busy,
    /// No bind or route could ever take it.
    #[error("no bind to send it by")]
    NoRoute,
    /// It cannot be written as a PDU.
    #[error("invalid: {cause}")]
    Invalid {
        /// What does not fit.
        cause: InvalidCause,
    },
    /// The router takes no more messages, or is gone.
    #[error("shutting down")]
    ShuttingDown,
}

impl SubmitError {
    /// True when sending the message again cannot make a second one of it and may have another outcome.
    ///
    /// False for [`Unknown`](Self::Unknown), and for [`Partial`](Self::Partial): ask each part.
    ///
    /// Of [`Rejected`](Self::Rejected) the status decides, as the standard's table has it: what
    /// [`statuses`](crate::settings::BindSettings::statuses) of a bind make of it does not count here. Safe is not
    /// useful: [`NoRoute`](Self::NoRoute) stays until routes change, and [`ShuttingDown`](Self::ShuttingDown) for good. So
    /// never send again without a pause and an end.
    #[must_use]
    pub const fn is_safe_to_resend(&self) -> bool {
        match self {
            Self::Partial { .. } | Self::Unknown { .. } | Self::Invalid { .. } => false,
            Self::Rejected { status, .. } => matches!(
                status.class(),
                StatusClass::Throttle
                    | StatusClass::QueueFull
                    | StatusClass::Retryable
                    | StatusClass::Session
            ),
            Self::NotSent { .. }
            | Self::Expired
            | Self::Cancelled
            | Self::Busy
            | Self::NoRoute
            | Self::ShuttingDown => true,
        }
    }
}

/// Why a message never left the process.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum NotSentCause {
    /// The actor that held it ended, by a panic or with its thread.
    Dropped,
    /// Its link broke before it was written, and no other bind may take it.
    LinkLost,
    /// No bind that may take it is bound, and it does not wait for one.
    NotBound,
    /// Every bind that might have taken it was stopped for good.
    Stopped,
}

impl fmt::Display for NotSentCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dropped => "the actor that held it ended",
            Self::LinkLost => "the link broke before it was written",
            Self::NotBound => "no bind is up that may take it",
            Self::Stopped => "its binds were stopped",
        })
    }
}

/// Why nobody knows what became of a message that was written.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum UnknownCause {
    /// No response in time.
    ResponseExpired,
    /// The link broke before the response came.
    LinkLost,
    /// A generic_nack that names no request came while it was the only one.
    WrongResponse,
    /// The actor that waited for the response ended, by a panic or with its thread.
    Dropped,
    /// The time for shutting down was over before the response came.
    ShutDown,
}

impl fmt::Display for UnknownCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ResponseExpired => "no response in time",
            Self::LinkLost => "the link broke before the response",
            Self::WrongResponse => "a generic_nack named no request while this one was alone",
            Self::Dropped => "the actor that waited for the response ended",
            Self::ShutDown => "shut down before the response",
        })
    }
}

/// Why a message cannot be written as a PDU.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidCause {
    /// An address does not fit its field.
    #[error("{field}: {error}")]
    Address {
        /// The field by its standard name.
        field: &'static str,
        /// What does not fit.
        error: pdu::TextError,
    },
    /// The text cannot be written or split.
    #[error(transparent)]
    Text(#[from] sm::TextError),
    /// A field of the PDU does not fit.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A TLV does not fit.
    #[error(transparent)]
    Tlv(#[from] TlvError),
    /// It has a text in its short_message and another in the TLV message_payload, where only one of them may be
    /// (3.4 section 5.3.2.32).
    #[error("{0} has both a short_message and a message_payload, and may have one of them")]
    TextAndPayload(CommandId),
    /// The PDU is no message; what is asked of an SMSC otherwise is a [`Request`](super::Request).
    #[error("{0} is not a message")]
    NotAMessage(CommandId),
    /// The PDU is nothing that an ESME asks with, or a bind or unbind, which have a way of their own.
    #[error("{0} is not asked as a request")]
    NotARequest(CommandId),
    /// The forced sequence number is none that a request may have (3.4 section 5.1.4).
    #[error("sequence number {0} is not from 1 to 0x7FFFFFFF")]
    SequenceReserved(SequenceNumber),
    /// The forced sequence number is in flight.
    #[error("sequence number {0} is in flight")]
    SequenceInUse(SequenceNumber),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_cost_twice_is_not_safe_to_resend() {
        let bind = BindId::new("a-1");
        let rejected = |status| SubmitError::Rejected {
            status,
            bind: bind.clone(),
        };
        let cases = [
            (rejected(CommandStatus::ESME_RTHROTTLED), true),
            (rejected(CommandStatus::ESME_RINVDSTADR), false),
            (
                SubmitError::NotSent {
                    cause: NotSentCause::LinkLost,
                },
                true,
            ),
            (
                SubmitError::Unknown {
                    bind: bind.clone(),
                    sequence: SequenceNumber::FIRST,
                    cause: UnknownCause::LinkLost,
                },
                false,
            ),
            (SubmitError::Partial { parts: [].into() }, false),
            (SubmitError::Busy, true),
            (SubmitError::ShuttingDown, true),
        ];
        for (error, safe) in cases {
            assert_eq!(error.is_safe_to_resend(), safe, "{error}");
        }
    }
}
