//! What a message says: header off, text read.

use std::borrow::Cow;

use super::alphabet::{DefaultAlphabet, Reading};
use super::error::{TextFaultKind, TextFaults};
use super::gsm7::Tables;
use super::udh::{PartInfo, ReferenceWidth, Udh, UdhError};
use crate::pdu::{DataCoding, DataSmView, DeliverSmView, EsmClass, MessageType, SubmitSmView, TlvsView, tlv};

/// The fields of a PDU that its content is read from.
#[derive(Clone, Copy, Debug, Default)]
pub struct MessageSource<'a> {
    /// Tells whether the text starts with a user data header, and whether it is a receipt.
    pub esm_class: EsmClass,
    /// How the octets are to be read.
    pub data_coding: DataCoding,
    /// The text; where it is empty, the TLV message_payload.
    pub short_message: &'a [u8],
    /// The TLVs.
    pub tlvs: TlvsView<'a>,
    /// What the peer means by data_coding 0.
    pub default_alphabet: DefaultAlphabet,
}

/// Fields of a message PDU, for a peer that means GSM by data_coding 0.
macro_rules! from_views {
    ($($view:ident)*) => { $(
        impl<'a> From<&$view<'a>> for MessageSource<'a> {
            fn from(body: &$view<'a>) -> Self {
                Self {
                    esm_class: body.esm_class,
                    data_coding: body.data_coding,
                    short_message: body.short_message,
                    tlvs: body.tlvs,
                    default_alphabet: DefaultAlphabet::Gsm,
                }
            }
        }
    )* };
}

from_views!(DeliverSmView SubmitSmView);

impl<'a> From<&DataSmView<'a>> for MessageSource<'a> {
    fn from(body: &DataSmView<'a>) -> Self {
        Self {
            esm_class: body.esm_class,
            data_coding: body.data_coding,
            short_message: &[],
            tlvs: body.tlvs,
            default_alphabet: DefaultAlphabet::Gsm,
        }
    }
}

/// The content of a message, in place.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    /// The user data header.
    pub header: Option<Udh<'a>>,
    /// What is wrong with a header that was announced; then [`Content::octets`] has everything.
    pub damage: Option<UdhError>,
    /// The octets without the header.
    pub octets: &'a [u8],
    /// Which part of which message this is: of the header, else of the `sar_` TLVs.
    pub part: Option<PartInfo>,
    /// How the octets are to be read; none for a data_coding without characters that we know.
    pub reading: Option<Reading>,
}

impl<'a> MessageSource<'a> {
    /// The same for a peer that means something else by data_coding 0.
    #[must_use]
    pub fn with_default(self, default_alphabet: DefaultAlphabet) -> Self {
        Self {
            default_alphabet,
            ..self
        }
    }

    /// True when the message is a receipt or an intermediate notification: by its esm_class, or where that is one of any
    /// message, by the TLVs receipted_message_id and message_state, which no phone can write.
    #[must_use]
    pub fn is_receipt(&self) -> bool {
        match self.esm_class.message_type() {
            MessageType::Receipt | MessageType::Intermediate => true,
            MessageType::Normal => self.has_receipt_tlvs(),
            MessageType::DeliveryAcknowledgement
            | MessageType::UserAcknowledgement
            | MessageType::ConversationAbort
            | MessageType::Reserved(_) => false,
        }
    }

    /// The user data as it came: short_message or message_payload.
    #[must_use]
    pub fn user_data(&self) -> &'a [u8] {
        match self.short_message {
            [] => self.tlvs.get::<tlv::MessagePayload>().unwrap_or_default(),
            octets => octets,
        }
    }

    /// The content. A header that is damaged is left where it is.
    #[must_use]
    pub fn content(&self) -> Content<'a> {
        let octets = self.user_data();
        let (header, damage, octets) = match self.esm_class.has_udh().then(|| Udh::split(octets)) {
            None => (None, None, octets),
            Some(Ok((header, rest))) => (Some(header), None, rest),
            Some(Err(error)) => (None, Some(error), octets),
        };
        let part = header.and_then(|header| header.part()).or_else(|| self.sar());
        let reading = Reading::of(self.data_coding, self.default_alphabet);
        Content {
            header,
            damage,
            octets,
            part,
            reading,
        }
    }

    /// The part number of the `sar_` TLVs; they count only all together.
    fn sar(&self) -> Option<PartInfo> {
        let reference = self.tlvs.get::<tlv::SarMsgRefNum>()?;
        let total = self.tlvs.get::<tlv::SarTotalSegments>()?;
        let sequence = self.tlvs.get::<tlv::SarSegmentSeqnum>()?;
        PartInfo::checked(reference, total, sequence, ReferenceWidth::Sar)
    }
}

impl Content<'_> {
    /// The tables that the header announces.
    #[must_use]
    pub fn tables(&self) -> Tables {
        self.header.map_or(Tables::DEFAULT, |header| header.tables())
    }

    /// The octets as units of their alphabet: packed septets one in each octet, everything else as it is.
    #[must_use]
    pub fn units(&self) -> Cow<'_, [u8]> {
        let header = self.header.map_or(0, |header| header.octets());
        self.reading.map_or(Cow::Borrowed(self.octets), |reading| {
            reading.units(self.octets, header)
        })
    }

    /// The text: everything that can be read, and what was wrong. Empty, with a fault, for binary data.
    #[must_use]
    pub fn text(&self) -> (String, TextFaults) {
        let mut text = String::new();
        let mut faults = match self.reading {
            Some(reading) => reading.decode(&self.units(), self.tables(), &mut text),
            None => TextFaults::of(0, TextFaultKind::NoText),
        };
        if self.damage.is_some() {
            faults.note(0, TextFaultKind::DamagedHeader);
        }
        (text, faults)
    }
}
