//! What happened, as values, and who wants to know.
//!
//! Binds, router and `Esme` tell the [`Hub`]; subscribers get [`Event`]s through actix `Recipient`s. Answerers
//! decide what deliveries are answered with, each those in its [`Duty`]. Telling costs one atomic load where nobody wants to know.

mod alert;
mod answerers;
mod courier;
mod delivery;
mod docket;
mod duty;
mod filter;
mod hub;
mod inbox;
mod lanes;
mod message;
mod pdu;
mod phase;
mod queue;
pub mod receipts;
mod shown;
mod stream;
mod subscriber;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::BitOr;
use std::sync::Arc;

pub use alert::AlertEvent;
pub(crate) use answerers::{Answerer, Asking, Lane};
pub use answerers::{AnswererId, DutyTaken};
pub use courier::Courier;
pub use delivery::{Answer, Delivery};
pub(crate) use duty::Covered;
pub use duty::{AnswerOrder, DeliveryKind, Duty};
pub use filter::Filter;
pub(crate) use filter::Interest;
use filter::Side;
pub use hub::{Hub, Subscription};
pub use inbox::{Inbox, InboxSizes};
pub(crate) use inbox::{Terms, Verdict};
pub(crate) use lanes::Lanes;
pub use message::InboundMessage;
pub use pdu::PduEvent;
pub use phase::{Cause, ConnectFailure, Phase};
pub use queue::{Policy, SubscriptionStatus};
pub use receipts::{Accepted, ReceiptEvent, Receipts};
pub use stream::EventStream;

use crate::pdu::{CommandId, CommandStatus, DecodeError, Header, SequenceNumber};
use crate::submit::{AccountId, BindId, MessageId, Reference, SubmitResult};

/// Something happened.
///
/// `Debug` prints no password, and neither texts nor addresses unless [`telemetry`](crate::telemetry) shows them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A bind entered another phase of its life.
    Bind(BindEvent),
    /// A deliver_sm or data_sm came. Receipts come as [`Event::Receipt`] besides.
    Delivery(Arc<Delivery>),
    /// A message from a phone is whole, or will not be: the rest of its parts did not come in time.
    Message(Arc<InboundMessage>),
    /// A receipt came, and found its message or not.
    Receipt(Arc<ReceiptEvent>),
    /// A message has its outcome.
    Outcome(OutcomeEvent),
    /// A message whose outcome was unknown was answered after all.
    Late(Arc<LateEvent>),
    /// A PDU could not be read; it was answered as the protocol says.
    Unreadable(Arc<UnreadableEvent>),
    /// Something that somebody should look at.
    Alarm(AlarmEvent),
    /// An alert_notification came: a subscriber can be reached again.
    Alert(Arc<AlertEvent>),
    /// A PDU passed.
    Pdu(Arc<PduEvent>),
    /// Here are events missing: the subscriber was too slow for its [`Policy`].
    Lagged {
        /// How many.
        missed: u64,
    },
}

impl actix::Message for Event {
    type Result = ();
}

/// Events that happened one after another.
#[derive(Clone, Debug)]
pub struct Events(pub Vec<Event>);

impl actix::Message for Events {
    type Result = ();
}

impl Event {
    /// What kind of event it is.
    #[must_use]
    pub const fn kind(&self) -> Kinds {
        match self {
            Self::Bind(_) => Kinds::BINDS,
            Self::Delivery(_) => Kinds::DELIVERIES,
            Self::Message(_) => Kinds::MESSAGES,
            Self::Receipt(_) => Kinds::RECEIPTS,
            Self::Outcome(_) => Kinds::OUTCOMES,
            Self::Unreadable(_) => Kinds::UNREADABLE,
            Self::Alarm(_) => Kinds::ALARMS,
            Self::Alert(_) => Kinds::ALERTS,
            Self::Pdu(_) => Kinds::PDUS,
            Self::Late(_) => Kinds::LATE,
            // Comes to everyone whom it concerns.
            Self::Lagged { .. } => Kinds::NONE,
        }
    }

    /// The bind that it happened on; none for what concerns several.
    #[must_use]
    pub fn bind(&self) -> Option<&BindId> {
        match self {
            Self::Bind(event) => Some(&event.bind),
            Self::Delivery(delivery) => Some(&delivery.bind),
            Self::Message(message) => Some(&message.bind),
            Self::Receipt(receipt) => receipt.bind.as_ref(),
            Self::Unreadable(event) => Some(&event.bind),
            Self::Late(late) => Some(&late.bind),
            Self::Alarm(event) => event.alarm.bind(),
            Self::Alert(alert) => Some(&alert.bind),
            Self::Pdu(pdu) => Some(&pdu.bind),
            Self::Outcome(_) | Self::Lagged { .. } => None,
        }
    }

    /// The account that it happened in; none for outcomes, and for alarms that are about no bind.
    #[must_use]
    pub fn account(&self) -> Option<&AccountId> {
        match self {
            Self::Bind(event) => Some(&event.account),
            Self::Delivery(delivery) => Some(&delivery.account),
            Self::Message(message) => Some(&message.account),
            Self::Receipt(receipt) => Some(&receipt.account),
            Self::Late(late) => Some(&late.account),
            Self::Unreadable(event) => Some(&event.account),
            Self::Alarm(event) => event.account.as_ref(),
            Self::Alert(alert) => Some(&alert.account),
            Self::Pdu(pdu) => Some(&pdu.account),
            Self::Outcome(_) | Self::Lagged { .. } => None,
        }
    }

    /// Which PDU it is about, of those that are about one.
    #[must_use]
    pub fn command(&self) -> Option<CommandId> {
        match self {
            Self::Delivery(delivery) => Some(delivery.header.command_id),
            Self::Message(message) => Some(message.first().header.command_id),
            Self::Unreadable(event) => Some(event.header.command_id),
            Self::Alert(alert) => Some(alert.header.command_id),
            Self::Pdu(pdu) => Some(pdu.header.command_id),
            Self::Bind(_)
            | Self::Receipt(_)
            | Self::Late(_)
            | Self::Outcome(_)
            | Self::Alarm(_)
            | Self::Lagged { .. } => None,
        }
    }

    /// True for a receipt or an intermediate notification, and for the response to one.
    #[must_use]
    pub fn is_receipt(&self) -> bool {
        match self {
            Self::Delivery(delivery) => delivery.is_receipt(),
            Self::Receipt(_) => true,
            Self::Pdu(pdu) => pdu.is_receipt(),
            Self::Bind(_)
            | Self::Message(_)
            | Self::Outcome(_)
            | Self::Late(_)
            | Self::Unreadable(_)
            | Self::Alarm(_)
            | Self::Alert(_)
            | Self::Lagged { .. } => false,
        }
    }

    /// The octets that it keeps, about: those of its frames, and as much as everything else takes.
    fn octets(&self) -> usize {
        const BESIDES: usize = 512;
        let frames = match self {
            Self::Delivery(delivery) => delivery.frame.len(),
            Self::Message(message) => message.parts.iter().flatten().map(|part| part.frame.len()).sum(),
            Self::Unreadable(event) => event.frame.len(),
            Self::Pdu(pdu) => pdu.frame.len() + pdu.request.as_ref().map_or(0, |request| request.frame.len()),
            Self::Bind(_)
            | Self::Receipt(_)
            | Self::Outcome(_)
            | Self::Late(_)
            | Self::Alarm(_)
            | Self::Alert(_)
            | Self::Lagged { .. } => 0,
        };
        BESIDES + frames
    }

    /// True when its address on this side is right, of several at least one.
    fn has_address(&self, side: Side, is_right: impl Fn(&str) -> bool + Copy) -> bool {
        let in_pdu = |pdu| shown::has_text(pdu, side.names(), is_right);
        match self {
            Self::Delivery(delivery) => in_pdu(&delivery.pdu),
            Self::Message(message) => in_pdu(&message.first().pdu),
            Self::Receipt(receipt) => receipt.address(side).is_some_and(is_right),
            Self::Alert(alert) => is_right(&alert.address(side)),
            Self::Pdu(pdu) => pdu.message().is_some_and(in_pdu),
            Self::Bind(_)
            | Self::Outcome(_)
            | Self::Late(_)
            | Self::Unreadable(_)
            | Self::Alarm(_)
            | Self::Lagged { .. } => false,
        }
    }
}

/// Kinds of events, as a set.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Kinds(u32);

impl Kinds {
    /// No event.
    pub const NONE: Self = Self(0);
    /// [`Event::Bind`].
    pub const BINDS: Self = Self(1);
    /// [`Event::Delivery`].
    pub const DELIVERIES: Self = Self(1 << 1);
    /// [`Event::Receipt`].
    pub const RECEIPTS: Self = Self(1 << 2);
    /// [`Event::Outcome`].
    pub const OUTCOMES: Self = Self(1 << 3);
    /// [`Event::Unreadable`].
    pub const UNREADABLE: Self = Self(1 << 4);
    /// [`Event::Alarm`].
    pub const ALARMS: Self = Self(1 << 5);
    /// [`Event::Message`].
    pub const MESSAGES: Self = Self(1 << 6);
    /// [`Event::Pdu`].
    pub const PDUS: Self = Self(1 << 7);
    /// [`Event::Late`].
    pub const LATE: Self = Self(1 << 8);
    /// [`Event::Alert`].
    pub const ALERTS: Self = Self(1 << 9);
    /// Every event, also of kinds that a later version adds.
    pub const ALL: Self = Self(u32::MAX);

    /// True when both sets have a kind in common.
    #[must_use]
    pub const fn overlaps(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    const fn bits(self) -> u32 {
        self.0
    }

    const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }
}

impl BitOr for Kinds {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A bind entered a phase.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BindEvent {
    /// The bind.
    pub bind: BindId,
    /// Its account.
    pub account: AccountId,
    /// The phase that it is in now.
    pub phase: Phase,
    /// What brought it there.
    pub cause: Cause,
}

/// A message has its outcome.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OutcomeEvent {
    /// What its caller knows it by.
    pub reference: Reference,
    /// How it ended.
    pub result: SubmitResult,
    /// True when a caller got the same outcome as an answer.
    pub awaited: bool,
}

/// A response that came after its message was told as [`Unknown`](crate::submit::SubmitError::Unknown): the outcome stays
/// what it was, and this is what became of it. A receipt that follows finds its message.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct LateEvent {
    /// The bind.
    pub bind: BindId,
    /// Its account.
    pub account: AccountId,
    /// What its caller knows the message by.
    pub reference: Reference,
    /// The part, from 0.
    pub part: usize,
    /// The sequence number of the request.
    pub sequence: SequenceNumber,
    /// What the SMSC said.
    pub status: CommandStatus,
    /// The id that it gave; empty where it accepted nothing.
    pub message_id: MessageId,
}

/// A PDU that could not be read.
#[derive(Clone, Eq, PartialEq)]
pub struct UnreadableEvent {
    /// The bind that it came on.
    pub bind: BindId,
    /// Its account.
    pub account: AccountId,
    /// Its header.
    pub header: Header,
    /// What is wrong with it.
    pub error: DecodeError,
    /// Its octets, header included.
    pub frame: bytes::Bytes,
}

impl fmt::Debug for UnreadableEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnreadableEvent")
            .field("bind", &self.bind)
            .field("account", &self.account)
            .field("header", &self.header)
            .field("error", &self.error)
            .field("frame", &shown::Octets(&self.frame))
            .finish()
    }
}

/// An alarm was raised. Prints as the alarm does.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct AlarmEvent {
    /// The account of the bind that it is about; none where it is about no bind.
    pub account: Option<AccountId>,
    /// What it is.
    pub alarm: Alarm,
}

impl fmt::Display for AlarmEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.alarm.fmt(f)
    }
}

/// Something that somebody should look at.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Alarm {
    /// The SMSC refuses our credentials; retries are slow.
    #[error("{bind}: credentials refused")]
    CredentialsRefused {
        /// The bind.
        bind: BindId,
    },
    /// The SMSC does not know binds of this mode; retries are slow.
    #[error("{bind}: the SMSC does not support {}", command.name().unwrap_or_default())]
    ModeRefused {
        /// The bind.
        bind: BindId,
        /// How it would bind.
        command: CommandId,
    },
    /// The SMSC does not know binds of the mode that is configured: the bind has another one from now on.
    #[error("{bind}: goes on with {}", command.name().unwrap_or_default())]
    FellBack {
        /// The bind.
        bind: BindId,
        /// How it binds now.
        command: CommandId,
    },
    /// There is no TLS connection that can be trusted, or our own files for it cannot be used; retries are slow.
    #[error("{bind}: {failure}")]
    TlsRefused {
        /// The bind.
        bind: BindId,
        /// What is wrong.
        failure: ConnectFailure,
    },
    /// The actor of a bind ended by a panic and was started again.
    #[error("{bind}: its actor panicked and was started again")]
    Restarted {
        /// The bind.
        bind: BindId,
    },
    /// The actor of a bind panicked too often; it stays down.
    #[error("{bind}: its actor panicked too often and stays down")]
    GaveUp {
        /// The bind.
        bind: BindId,
    },
    /// Messages were waiting and the SMSC answered none of those that it had: the bind binds anew.
    #[error("{bind}: no progress")]
    Stuck {
        /// The bind.
        bind: BindId,
    },
    /// A bind rejects what others accept: it gets no messages for a while.
    #[error(
        "{bind}: rejected {rejected} messages in a row while others accept theirs; gets none for a while"
    )]
    Quarantined {
        /// The bind.
        bind: BindId,
        /// Messages that it rejected since it last accepted one.
        rejected: u64,
    },
    /// A message came and nobody takes messages; it was refused.
    #[error("{bind}: a message came and nobody takes messages")]
    Unhandled {
        /// The bind.
        bind: BindId,
    },
    /// An actor that answered deliveries is gone; those in its duty are refused until another takes that over.
    #[error("{name} is gone, and with it who answers its deliveries")]
    AnswererGone {
        /// What it was called.
        name: Arc<str>,
    },
    /// An answerer that is still there gave no answer: it panicked over the question, or dropped it.
    #[error("{bind}: {name} gave no answer to a delivery")]
    AnswererFailed {
        /// What it is called.
        name: Arc<str>,
        /// The bind that the delivery came on.
        bind: BindId,
    },
    /// A subscriber is gone without having unsubscribed.
    #[error("a subscriber is gone")]
    SubscriberGone,
}

impl Alarm {
    /// The bind that it is about.
    #[must_use]
    pub const fn bind(&self) -> Option<&BindId> {
        match self {
            Self::CredentialsRefused { bind }
            | Self::FellBack { bind, .. }
            | Self::ModeRefused { bind, .. }
            | Self::TlsRefused { bind, .. }
            | Self::Restarted { bind }
            | Self::GaveUp { bind }
            | Self::Quarantined { bind, .. }
            | Self::Stuck { bind }
            | Self::AnswererFailed { bind, .. }
            | Self::Unhandled { bind } => Some(bind),
            Self::AnswererGone { .. } | Self::SubscriberGone => None,
        }
    }
}
