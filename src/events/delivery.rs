//! What the SMSC sends us, and what we say to it.

use bytes::Bytes;

use super::{Covered, DeliveryKind, shown};
use crate::pdu::{
    COctetString, CommandStatus, DataCoding, EsmClass, Faults, Header, MessageType, Pdu, PduView, Tlvs,
    TlvsView,
};
use crate::sm::{Alphabet, DefaultAlphabet, MessageSource};
use crate::submit::{AccountId, BindId};

/// A deliver_sm or data_sm that came, owned.
#[derive(Clone, PartialEq)]
pub struct Delivery {
    /// The bind that it came on.
    pub bind: BindId,
    /// The account of the bind.
    pub account: AccountId,
    /// Its header.
    pub header: Header,
    /// Its body: [`Pdu::DeliverSm`] or [`Pdu::DataSm`].
    pub pdu: Pdu,
    /// What decoding put up with.
    pub faults: Faults,
    /// Its octets, header included.
    pub frame: Bytes,
    /// What its peer means by data_coding 0.
    pub default_alphabet: DefaultAlphabet,
    /// Its peer sends receipts that only their text shows to be some.
    pub receipts_by_text: bool,
}

impl Delivery {
    /// Owns a delivery that was read off `frame`.
    #[must_use]
    pub fn new(
        bind: BindId,
        account: AccountId,
        header: Header,
        body: &PduView<'_>,
        faults: Faults,
        frame: Bytes,
    ) -> Self {
        Self {
            bind,
            account,
            header,
            pdu: body.to_owned_pdu(&frame),
            faults,
            frame,
            default_alphabet: DefaultAlphabet::Gsm,
            receipts_by_text: false,
        }
    }

    /// The same from a peer that means something else by data_coding 0.
    #[must_use]
    pub const fn default_alphabet(mut self, alphabet: DefaultAlphabet) -> Self {
        self.default_alphabet = alphabet;
        self
    }

    /// The same from a peer whose receipts may be known by their text alone.
    #[must_use]
    pub const fn receipts_by_text(mut self, by_text: bool) -> Self {
        self.receipts_by_text = by_text;
        self
    }

    /// How it came.
    #[must_use]
    pub const fn kind(&self) -> DeliveryKind {
        match &self.pdu {
            Pdu::DataSm(_) => DeliveryKind::DataSm,
            _ => DeliveryKind::DeliverSm,
        }
    }

    /// Who sent it.
    #[must_use]
    pub fn source(&self) -> std::borrow::Cow<'_, str> {
        match &self.pdu {
            Pdu::DeliverSm(deliver) => deliver.source_addr.to_text(),
            Pdu::DataSm(data) => data.source_addr.to_text(),
            _ => "".into(),
        }
    }

    /// Whom it was sent to.
    #[must_use]
    pub fn destination(&self) -> std::borrow::Cow<'_, str> {
        match &self.pdu {
            Pdu::DeliverSm(deliver) => deliver.destination_addr.to_text(),
            Pdu::DataSm(data) => data.destination_addr.to_text(),
            _ => "".into(),
        }
    }

    /// Mode, type and features.
    #[must_use]
    pub fn esm_class(&self) -> EsmClass {
        self.content().esm_class
    }

    /// How its octets are to be read.
    #[must_use]
    pub fn data_coding(&self) -> DataCoding {
        self.content().data_coding
    }

    /// True for a delivery receipt or an intermediate notification: by its esm_class or its TLVs, and from a peer that is
    /// known for it by its text.
    #[must_use]
    pub fn is_receipt(&self) -> bool {
        let content = self.content();
        let by_text = self.receipts_by_text && content.esm_class.message_type() == MessageType::Normal;
        content.is_receipt() || (by_text && content.looks_like_receipt())
    }

    /// The octets of the message, user data header included: short_message, or message_payload where that is
    /// empty.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        self.content().user_data()
    }

    /// What it says, where its data_coding is that of a text; of a long message this part alone.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let source = self.content();
        let content = source.content();
        content
            .reading
            .filter(|reading| reading.alphabet != Alphabet::Binary)?;
        let (text, _) = content.text(); // damaged characters are in the text
        Some(text)
    }

    /// What decides who answers it, given its addresses.
    pub(crate) fn covered<'a>(&'a self, source: &'a str, destination: &'a str) -> Covered<'a> {
        Covered {
            kind: self.kind(),
            bind: &self.bind,
            account: &self.account,
            source,
            destination,
        }
    }

    /// What receipts and texts are read from.
    pub(super) fn content(&self) -> MessageSource<'_> {
        content(&self.pdu).with_default(self.default_alphabet)
    }
}

/// What receipts and texts are read from; empty for what is no delivery.
pub(super) fn content(pdu: &Pdu) -> MessageSource<'_> {
    match pdu {
        Pdu::DeliverSm(deliver) => MessageSource {
            esm_class: deliver.esm_class,
            data_coding: deliver.data_coding,
            short_message: &deliver.short_message,
            tlvs: deliver.tlvs.view(),
            ..MessageSource::default()
        },
        Pdu::DataSm(data) => MessageSource {
            esm_class: data.esm_class,
            data_coding: data.data_coding,
            tlvs: data.tlvs.view(),
            ..MessageSource::default()
        },
        _ => MessageSource {
            tlvs: TlvsView::default(),
            ..MessageSource::default()
        },
    }
}

impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delivery")
            .field("bind", &self.bind)
            .field("account", &self.account)
            .field("header", &self.header)
            .field("pdu", &shown::Shown(&self.pdu))
            .field("faults", &self.faults)
            .field("frame", &shown::Octets(&self.frame))
            .field("default_alphabet", &self.default_alphabet)
            .field("receipts_by_text", &self.receipts_by_text)
            .finish()
    }
}

impl actix::Message for Delivery {
    type Result = Answer;
}

/// What we say to a delivery: the status of our response, and what else is in it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Answer {
    /// The command_status.
    pub status: CommandStatus,
    /// The message_id; the standard leaves it empty.
    pub message_id: COctetString<65>,
    /// The TLVs; only data_sm_resp has some. A response with an error goes without its body, save a data_sm_resp with TLVs.
    pub tlvs: Tlvs,
}

impl Answer {
    /// Taken.
    #[must_use]
    pub fn ok() -> Self {
        CommandStatus::ESME_ROK.into()
    }

    /// Not now: the SMSC may try again.
    #[must_use]
    pub fn later() -> Self {
        CommandStatus::ESME_RX_T_APPN.into()
    }

    /// Never: the SMSC should give it up.
    #[must_use]
    pub fn refused() -> Self {
        CommandStatus::ESME_RX_R_APPN.into()
    }
}

impl From<CommandStatus> for Answer {
    fn from(status: CommandStatus) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }
}

impl<A, M> actix::dev::MessageResponse<A, M> for Answer
where
    A: actix::Actor,
    M: actix::Message<Result = Self>,
{
    fn handle(self, _: &mut A::Context, sender: Option<actix::dev::OneshotSender<Self>>) {
        if let Some(sender) = sender {
            let _ = sender.send(self); // the bind has answered at the deadline by then
        }
    }
}
