//! What happened, as values, and who wants to know.
//!
//! Binds, router and [`Esme`] tell the [`Hub`]. Subscribers are told of [`Event`]s, and nothing waits for them unless their
//! [`Policy`] says so; answerers are asked what deliveries are answered with, each about those in its [`Duty`]. Telling costs
//! one atomic load where nobody wants to know.
//!
//! | Who wants to | uses | and gets |
//! |---|---|---|
//! | know what happens, as an actor | [`Esme::subscribe_with`] | one [`Event`] after another |
//! | know much of it, as an actor | [`Esme::subscribe_batches`] | [`Events`], all that came meanwhile |
//! | know it in a loop | [`Esme::events`] | an [`EventStream`] |
//! | answer messages from phones | [`Esme::answer_messages`] | each [`InboundMessage`], parts put together |
//! | answer each deliver_sm and data_sm | [`Esme::answer_deliveries`] | each [`Delivery`], as it came |
//!
//! # What a delivery is answered with
//!
//! The first of these that applies:
//!
//! 1. A receipt or an intermediate notification is acknowledged, and comes as [`Event::Receipt`].
//! 2. Somebody who answers deliveries has it in his duty: what he says. Of several the most specific duty counts.
//! 3. Somebody who answers messages has it in his duty: what he says. The parts of a long message are acknowledged on
//!    arrival, or get the answer to the whole ([`parts_answered`]).
//! 4. A subscriber takes it, as [`Event::Delivery`] or [`Event::Message`]: acknowledged.
//! 5. [`unhandled_answer`], and [`Alarm::Unhandled`].
//!
//! Who has the duty and panics, drops the question or is gone, answers [`Answer::later`]: the SMSC keeps the message. What has
//! no answer within [`answer_timeout`] gets [`default_answer`], and what its answerer says afterwards is lost. Each delivery
//! has exactly one response.
//!
//! ```
//! use actix::{Actor, Context, Handler, ResponseFuture};
//! use bindery::events::{Answer, InboundMessage};
//!
//! struct Orders;
//!
//! impl Actor for Orders {
//!     type Context = Context<Self>;
//! }
//!
//! impl Handler<InboundMessage> for Orders {
//!     type Result = ResponseFuture<Answer>; // `Answer` where it is known at once
//!
//!     fn handle(&mut self, message: InboundMessage, _: &mut Context<Self>) -> Self::Result {
//!         Box::pin(async move {
//!             match place(message.source().as_ref(), message.text.as_deref()).await {
//!                 true => Answer::ok(),
//!                 false => Answer::later(),
//!             }
//!         })
//!     }
//! }
//!
//! async fn place(customer: &str, text: Option<&str>) -> bool {
//!     // ... what takes its time
//! #   let _ = (customer, text); true
//! }
//! ```
//!
//! [`Esme`]: crate::esme::Esme
//! [`Esme::subscribe_with`]: crate::esme::Esme::subscribe_with
//! [`Esme::subscribe_batches`]: crate::esme::Esme::subscribe_batches
//! [`Esme::events`]: crate::esme::Esme::events
//! [`Esme::answer_messages`]: crate::esme::Esme::answer_messages
//! [`Esme::answer_deliveries`]: crate::esme::Esme::answer_deliveries
//! [`parts_answered`]: crate::settings::BindSettings::parts_answered
//! [`unhandled_answer`]: crate::settings::BindSettings::unhandled_answer
//! [`answer_timeout`]: crate::settings::BindSettings::answer_timeout
//! [`default_answer`]: crate::settings::BindSettings::default_answer

mod alarm;
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

pub use alarm::{Alarm, AlarmEvent};
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
pub use receipts::{Accepted, ReceiptEvent, ReceiptMessage, Receipts};
pub use stream::EventStream;

use crate::pdu::{CommandId, CommandStatus, DecodeError, Header, SequenceNumber};
use crate::submit::{
    AccountId, BindId, MessageId, MessageIds, Reference, SubmitError, SubmitResult, Submitted,
};

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
    /// A message from a phone is whole, or will not be: the rest of its parts did not come in time. A delivery about which
    /// an answerer of deliveries is asked counts from when the SMSC heard that it was taken; if it did not, it comes again.
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

    /// The octets that it keeps, about: those of its frames and texts, and as much as everything else takes.
    fn octets(&self) -> usize {
        const BESIDES: usize = 512;
        let own = match self {
            Self::Delivery(delivery) => delivery.frame.len(),
            Self::Message(message) => message.held(),
            Self::Receipt(receipt) => receipt.octets(),
            Self::Outcome(outcome) => outcome.octets(),
            Self::Late(late) => octets_of(&late.reference),
            Self::Unreadable(event) => event.frame.len(),
            Self::Alert(alert) => usize::try_from(alert.header.command_length).unwrap_or(0),
            Self::Pdu(pdu) => pdu.frame.len() + pdu.request.as_ref().map_or(0, |request| request.frame.len()),
            // Names, which others share.
            Self::Bind(_) | Self::Alarm(_) | Self::Lagged { .. } => 0,
        };
        BESIDES + own
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

impl OutcomeEvent {
    /// The octets of what it lists.
    fn octets(&self) -> usize {
        let parts = match &self.result {
            Ok(submitted) => parts_octets(submitted),
            Err(SubmitError::Partial { parts }) => {
                let accepted = parts.iter().flatten().map(parts_octets);
                size_of_val(&**parts) + accepted.sum::<usize>()
            }
            Err(_) => 0,
        };
        octets_of(&self.reference) + parts
    }
}

fn octets_of(reference: &Reference) -> usize {
    match reference {
        Reference::Text(text) => text.len(),
        Reference::None | Reference::Number(_) => 0,
    }
}

/// The octets of ids that take an allocation.
fn parts_octets(submitted: &Submitted) -> usize {
    match &submitted.message_ids {
        MessageIds::One(_) => 0,
        MessageIds::Many(ids) => size_of_val(&**ids),
    }
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
