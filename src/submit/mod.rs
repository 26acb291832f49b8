//! Messages on their way out: what a caller asks for, what travels inside, and how it ends.
//!
//! A [`Submit`] becomes a [`Job`] (its parts and the [`Reply`] that its caller waits for), and every job ends in
//! exactly one [`SubmitResult`], whatever happens to the actors that hold it.

mod address;
mod job;
mod line;
mod name;
mod outcome;
mod prepare;
mod reply;
mod request;
mod shown;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use address::{Address, Parties};
pub use job::{Job, ReceiptKey};
pub use name::{AccountId, BindId, MessageClass, RouteId};
pub use outcome::{
    InvalidCause, MessageId, MessageIds, NotSentCause, SubmitError, SubmitResult, Submitted, UnknownCause,
};
pub use prepare::Parts;
pub use reply::{Batch, Ledger, Pending, Reply, Settled};
pub use request::{Answered, Inquiry, Request, RequestResult, Via};

use crate::pdu::tlv::RegistryError;
use crate::pdu::{CommandId, FieldValue, Pdu, RegisteredDelivery, SubmitSm, TlvRegistry, Tlvs};
use crate::sm::SplitOptions;

/// A message to be sent over one of the binds.
///
/// `Debug` prints neither text nor addresses unless [`telemetry`](crate::telemetry) shows them.
#[derive(Clone, Debug, PartialEq)]
pub struct Submit {
    /// What is sent.
    pub content: Content,
    /// What the caller knows it by; comes back with outcome and receipt events. Default none.
    pub reference: Reference,
    /// The route to take. Default: the one whose conditions it meets; where no route has any, whatever bind has the
    /// most room.
    pub route: Option<RouteId>,
    /// The only bind to take. Default: any.
    pub bind: Option<BindId>,
    /// What routes may ask for. Default none.
    pub class: Option<MessageClass>,
    /// Messages with the same number go by the same bind where their route is sticky. Default: those to the same
    /// destination.
    pub affinity: Option<u64>,
    /// Which of those that wait here goes first; not the `priority_flag` that the SMSC is told. Default 0.
    pub priority: Priority,
    /// How long it may wait inside, from when the router has it until it is written. Default:
    /// [`router.validity`](crate::settings::RouterSettings::validity), one day.
    ///
    /// The time in which [`Esme::submit`](crate::Esme::submit) waits for room does not count: put a
    /// `tokio::time::timeout` around it. The SMSC is told nothing: for its own limit set the TLV `qos_time_to_live`, or send
    /// a [`SubmitSm`] with a `validity_period`.
    pub validity: Option<Duration>,
    /// What happens when it was written and nobody knows what became of it. Default: nothing.
    pub unknown: UnknownPolicy,
}

/// What is sent.
#[derive(Clone, PartialEq)]
pub enum Content {
    /// A request as it stands; one that does not fit its PDU is [`SubmitError::Invalid`].
    Pdu(Pdu),
    /// A text, written in the cheapest alphabet and in as many parts as it takes.
    Text(Text),
}

/// A text and where it goes.
#[derive(Clone, PartialEq)]
pub struct Text {
    /// Who sends it; without one the SMSC decides.
    pub source: Option<Address>,
    /// Who gets it.
    pub destination: Address,
    /// What it says.
    pub text: String,
    /// Which receipts are wanted.
    pub registered_delivery: RegisteredDelivery,
    /// How it is written and split; none for the router's own way.
    pub options: Option<Box<SplitOptions>>,
    /// Optional parameters for every part.
    pub tlvs: Tlvs,
}

impl Submit {
    /// What it is sent as: the request as it stands, or the parts that its text becomes.
    ///
    /// # Errors
    ///
    /// A text that fits no parts.
    pub fn parts(
        &self,
        options: &SplitOptions,
        reference: impl FnOnce(&[u8]) -> u16,
    ) -> Result<Parts, InvalidCause> {
        match &self.content {
            Content::Pdu(pdu) => Ok(Parts::One(pdu.clone())),
            Content::Text(text) => prepare::prepare_text(text, options, reference),
        }
    }

    /// A text to one destination.
    #[must_use]
    pub fn text(destination: impl Into<Address>, text: impl Into<String>) -> Self {
        Self::new(Content::Text(Text {
            source: None,
            destination: destination.into(),
            text: text.into(),
            registered_delivery: RegisteredDelivery::NONE,
            options: None,
            tlvs: Tlvs::default(),
        }))
    }

    /// Any content, everything else as by default.
    #[must_use]
    pub fn new(content: Content) -> Self {
        Self {
            content,
            reference: Reference::None,
            route: None,
            bind: None,
            class: None,
            affinity: None,
            priority: Priority::default(),
            validity: None,
            unknown: UnknownPolicy::default(),
        }
    }

    /// Sets who sends it. A PDU keeps its fields.
    #[must_use]
    pub fn source(mut self, source: impl Into<Address>) -> Self {
        if let Content::Text(text) = &mut self.content {
            text.source = Some(source.into());
        }
        self
    }

    /// Asks for a receipt of the final state.
    #[must_use]
    pub fn receipt(self) -> Self {
        self.registered_delivery(RegisteredDelivery::FINAL)
    }

    /// Says which receipts are wanted.
    #[must_use]
    pub fn registered_delivery(mut self, wanted: RegisteredDelivery) -> Self {
        match &mut self.content {
            Content::Text(text) => text.registered_delivery = wanted,
            Content::Pdu(Pdu::SubmitSm(submit)) => submit.registered_delivery = wanted,
            Content::Pdu(Pdu::DataSm(data)) => data.registered_delivery = wanted,
            Content::Pdu(Pdu::SubmitMulti(submit)) => submit.registered_delivery = wanted,
            Content::Pdu(_) => {}
        }
        self
    }

    /// Says how a text is written and split. A PDU stays as it is.
    #[must_use]
    pub fn options(mut self, options: SplitOptions) -> Self {
        if let Content::Text(text) = &mut self.content {
            text.options = Some(Box::new(options));
        }
        self
    }

    /// Sets a TLV by name, in every part of a text; it takes the place of one with the same tag.
    ///
    /// `registry` knows the names: those of the standard, and those of carriers, see
    /// [`Settings::tlv_registry`](crate::settings::Settings::tlv_registry).
    ///
    /// ```
    /// use bindery::pdu::{FieldValue, TlvRegistry};
    /// use bindery::submit::Submit;
    ///
    /// let registry = TlvRegistry::india_dlt();
    /// let template = FieldValue::Text(b"1107160000000012345"[..].into());
    /// let submit = Submit::text("919876543210", "Your code is 482913").tlv(&registry, "template_id", &template)?;
    /// # Ok::<(), bindery::pdu::tlv::RegistryError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The PDU has no TLV of this name, or the value is of another type or size; it is never cut.
    pub fn tlv(
        mut self,
        registry: &TlvRegistry,
        name: &str,
        value: &FieldValue<'_>,
    ) -> Result<Self, RegistryError> {
        let (command, tlvs) = match &mut self.content {
            Content::Text(text) => (CommandId::SUBMIT_SM, &mut text.tlvs),
            Content::Pdu(pdu) => (pdu.command_id(), pdu.tlvs_mut()),
        };
        registry.put(command, tlvs, name, value)?;
        Ok(self)
    }

    /// Sets what the caller knows it by.
    #[must_use]
    pub fn reference(mut self, reference: impl Into<Reference>) -> Self {
        self.reference = reference.into();
        self
    }

    /// Sends it by this route.
    #[must_use]
    pub fn route(mut self, route: impl Into<RouteId>) -> Self {
        self.route = Some(route.into());
        self
    }

    /// Sends it by this bind and no other.
    #[must_use]
    pub fn bind(mut self, bind: impl Into<BindId>) -> Self {
        self.bind = Some(bind.into());
        self
    }

    /// Says what kind of message it is, for routes that ask for that.
    #[must_use]
    pub fn class(mut self, class: impl Into<MessageClass>) -> Self {
        self.class = Some(class.into());
        self
    }

    /// Sends it by the same bind as others with this number, where its route is sticky.
    #[must_use]
    pub const fn affinity(mut self, affinity: u64) -> Self {
        self.affinity = Some(affinity);
        self
    }

    /// Who sends it, and whom it is for.
    #[must_use]
    pub fn parties(&self) -> Parties<'_> {
        match &self.content {
            Content::Text(text) => Parties {
                source: text.source.as_ref().map_or("", |source| &source.text).into(),
                destination: text.destination.text.as_str().into(),
            },
            Content::Pdu(pdu) => Parties::of(pdu),
        }
    }

    /// Lets it overtake what waits here with a lower priority. The SMSC is told nothing: its `priority_flag` is a field of
    /// [`SubmitSm`].
    #[must_use]
    pub const fn priority(mut self, priority: u8) -> Self {
        self.priority = Priority(priority);
        self
    }

    /// Gives it up when it was not written within this time, counted from when the router has it; see
    /// [`validity`](field@Self::validity).
    #[must_use]
    pub const fn validity(mut self, validity: Duration) -> Self {
        self.validity = Some(validity);
        self
    }

    /// Sends it again rather than not at all when its outcome is unknown; it may arrive twice.
    #[must_use]
    pub const fn at_least_once(mut self) -> Self {
        self.unknown = UnknownPolicy::AtLeastOnce;
        self
    }
}

impl From<SubmitSm> for Submit {
    fn from(submit: SubmitSm) -> Self {
        Self::new(Content::Pdu(submit.into()))
    }
}

impl From<Pdu> for Submit {
    fn from(pdu: Pdu) -> Self {
        Self::new(Content::Pdu(pdu))
    }
}

impl actix::Message for Submit {
    type Result = SubmitResult;
}

/// Many messages in one go: one allocation and one wake-up for all of them.
///
/// Each has its own outcome; they come back together, in the order given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubmitBatch(pub Vec<Submit>);

impl actix::Message for SubmitBatch {
    type Result = Vec<SubmitResult>;
}

/// What a caller knows a message by.
#[derive(Clone, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Reference {
    /// Nothing.
    #[default]
    None,
    /// A number.
    Number(u64),
    /// Any text.
    Text(Arc<str>),
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.pad("-"),
            Self::Number(number) => fmt::Display::fmt(number, f),
            Self::Text(text) => f.pad(text),
        }
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Number(number) => fmt::Debug::fmt(number, f),
            Self::Text(text) => fmt::Debug::fmt(text, f),
        }
    }
}

impl From<u64> for Reference {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Reference {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Reference {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

/// Which of the messages that wait goes first: the highest. Default 0.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Priority(pub u8);

/// What happens to a message that was written and of which nobody knows what became.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum UnknownPolicy {
    /// Its outcome is [`SubmitError::Unknown`]; it is never sent twice.
    #[default]
    AtMostOnce,
    /// It is sent again, at most twice; it may arrive more than once.
    AtLeastOnce,
}
