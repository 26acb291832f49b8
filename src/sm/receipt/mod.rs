//! Delivery receipts (3.4 appendix B): what they say, read from TLVs and text, and written.
//!
//! A receipt is a deliver_sm or data_sm whose esm_class says so. Its text has no prescribed form, so the reader
//! takes any order, any case, missing and unknown fields, and keeps vendor words. Rules where peers differ:
//!
//! - The TLVs count before the text ([`Receipt::message_id`], [`Receipt::state`]).
//! - A misspelt label is no label; a value is one word, so `sub:002 dlvr:001` has a `sub` and no `dlvrd`.
//! - A date that is not made of digits is none; `0000000000` stays as text but is no date.
//! - Octets are ASCII or Latin-1, unless they are UCS2: ids and words are plain ASCII, and a text in whatever the
//!   message was in comes through unchanged. Whether they are UCS2 is seen from how they begin, since data_coding may
//!   be wrong.

mod date;
mod scan;
mod state;
mod write;

use std::borrow::Cow;

pub use date::ReceiptDate;
pub use state::{is_final, state_of, word_of};
pub use write::ReceiptText;

use super::alphabet::{Alphabet, DefaultAlphabet, Reading};
use super::content::MessageSource;
use super::gsm7::{self, Padding};
use super::ucs2;
use crate::pdu::tlv::value::NetworkErrorCode;
use crate::pdu::{DataCoding, MessageState, tlv};
use scan::{Fields, scan};

/// A receipt. Fields are as they stand in the text, none where it has no such field.
///
/// Reading borrows from the octets and allocates only for texts that are not ASCII.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Receipt<'a> {
    /// `id`, as the text has it.
    pub id: Option<Cow<'a, str>>,
    /// `sub`: how many messages there were.
    pub sub: Option<Cow<'a, str>>,
    /// `dlvrd`: how many of them were delivered.
    pub dlvrd: Option<Cow<'a, str>>,
    /// `submit date`.
    pub submit_date: Option<Cow<'a, str>>,
    /// `done date`.
    pub done_date: Option<Cow<'a, str>>,
    /// `stat`: the state in a word.
    pub stat: Option<Cow<'a, str>>,
    /// `err`: an error code of the network or the provider.
    pub err: Option<Cow<'a, str>>,
    /// `text`: the beginning of the message.
    pub text: Option<Cow<'a, str>>,
    /// TLV receipted_message_id.
    pub receipted_message_id: Option<Cow<'a, str>>,
    /// TLV message_state.
    pub message_state: Option<MessageState>,
    /// TLV network_error_code.
    pub network_error_code: Option<NetworkErrorCode>,
    /// source_addr of the PDU that brought it: whom the message went to, mostly. None where it was read from a text.
    pub source_addr: Option<Cow<'a, str>>,
    /// destination_addr of the PDU that brought it: who sent the message, mostly.
    pub destination_addr: Option<Cow<'a, str>>,
}

impl<'a> Receipt<'a> {
    /// Reads a receipt. Whatever is missing is none; nothing is refused.
    #[must_use]
    pub fn read(source: &MessageSource<'a>) -> Self {
        let octets = source.content().octets;
        let receipt = match source.converted(octets) {
            None => Self::from_fields(&scan(octets)),
            Some(text) => Receipt::parse(&text).into_owned(),
        };
        Self {
            receipted_message_id: source.tlvs.get::<tlv::ReceiptedMessageId>().map(latin1),
            message_state: source.tlvs.get::<tlv::MessageState>(),
            network_error_code: source.tlvs.get::<tlv::NetworkErrorCode>(),
            ..receipt
        }
    }

    /// Reads the text of a receipt.
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        let fields = scan(text.as_bytes());
        // The scanner cuts at ASCII octets only, so pieces of UTF-8 are UTF-8.
        let piece = |octets: Option<&'a [u8]>| octets.map(String::from_utf8_lossy);
        Self::with(&fields, piece)
    }

    /// The same TLVs and addresses with the fields of another text.
    #[must_use]
    pub fn with_text(self, text: &'a str) -> Self {
        Self {
            receipted_message_id: self.receipted_message_id,
            message_state: self.message_state,
            network_error_code: self.network_error_code,
            source_addr: self.source_addr,
            destination_addr: self.destination_addr,
            ..Self::parse(text)
        }
    }

    /// The same with the addresses of the PDU that brought it.
    #[must_use]
    pub fn between(self, source_addr: Cow<'a, str>, destination_addr: Cow<'a, str>) -> Self {
        Self {
            source_addr: Some(source_addr),
            destination_addr: Some(destination_addr),
            ..self
        }
    }

    fn from_fields(fields: &Fields<'a>) -> Self {
        Self::with(fields, |octets| octets.map(latin1))
    }

    fn with(fields: &Fields<'a>, piece: impl Fn(Option<&'a [u8]>) -> Option<Cow<'a, str>>) -> Self {
        Self {
            id: piece(fields.id),
            sub: piece(fields.sub),
            dlvrd: piece(fields.dlvrd),
            submit_date: piece(fields.submit_date),
            done_date: piece(fields.done_date),
            stat: piece(fields.stat),
            err: piece(fields.err),
            text: piece(fields.text),
            receipted_message_id: None,
            message_state: None,
            network_error_code: None,
            source_addr: None,
            destination_addr: None,
        }
    }

    /// The id of the message: the TLV, else the field.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        let tlv = self.receipted_message_id.as_deref().filter(|id| !id.is_empty());
        tlv.or_else(|| self.id.as_deref().filter(|id| !id.is_empty()))
    }

    /// The state of the message: the TLV, else the field where its word has a plain meaning.
    #[must_use]
    pub fn state(&self) -> Option<MessageState> {
        self.message_state.or_else(|| state_of(self.stat.as_deref()?))
    }

    /// True when nothing more is to be expected of the message ([`is_final`]); false where the state is unknown.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.state().is_some_and(is_final)
    }

    /// True when it says which message it is about and how that fared.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.message_id().is_some() && (self.message_state.is_some() || self.stat.is_some())
    }

    /// The field `submit date` as a date.
    #[must_use]
    pub fn submitted(&self) -> Option<ReceiptDate> {
        ReceiptDate::parse(self.submit_date.as_deref()?)
    }

    /// The field `done date` as a date.
    #[must_use]
    pub fn done(&self) -> Option<ReceiptDate> {
        ReceiptDate::parse(self.done_date.as_deref()?)
    }

    /// The octets of its fields.
    pub(crate) fn octets(&self) -> usize {
        let fields = [
            &self.id,
            &self.sub,
            &self.dlvrd,
            &self.submit_date,
            &self.done_date,
            &self.stat,
            &self.err,
            &self.text,
            &self.receipted_message_id,
            &self.source_addr,
            &self.destination_addr,
        ];
        fields.into_iter().flatten().map(|field| field.len()).sum()
    }

    /// The same with fields of its own.
    #[must_use]
    pub fn into_owned(self) -> Receipt<'static> {
        let own = |field: Option<Cow<'_, str>>| field.map(|field| Cow::Owned(field.into_owned()));
        Receipt {
            id: own(self.id),
            sub: own(self.sub),
            dlvrd: own(self.dlvrd),
            submit_date: own(self.submit_date),
            done_date: own(self.done_date),
            stat: own(self.stat),
            err: own(self.err),
            text: own(self.text),
            receipted_message_id: own(self.receipted_message_id),
            message_state: self.message_state,
            network_error_code: self.network_error_code,
            source_addr: own(self.source_addr),
            destination_addr: own(self.destination_addr),
        }
    }
}

impl<'a> MessageSource<'a> {
    pub(super) fn has_receipt_tlvs(&self) -> bool {
        self.tlvs.get::<tlv::ReceiptedMessageId>().is_some() && self.tlvs.get::<tlv::MessageState>().is_some()
    }

    /// True when the message reads like a receipt although its esm_class does not say so: it has the TLVs of one,
    /// or it starts with `id:` (a prefix without spaces aside) and has a known state and a date.
    ///
    /// Some peers send receipts so. Since anybody can write such a text, ask only where the peer is known for it.
    #[must_use]
    pub fn looks_like_receipt(&self) -> bool {
        if self.has_receipt_tlvs() {
            return true;
        }
        let octets = self.content().octets;
        let converted = self.converted(octets);
        let fields = scan(converted.as_deref().map_or(octets, str::as_bytes));
        let known = fields
            .stat
            .and_then(|stat| str::from_utf8(stat).ok())
            .and_then(state_of)
            .is_some();
        fields.starts_with_id
            && !fields.prefix.iter().any(u8::is_ascii_whitespace)
            && known
            && (fields.submit_date.is_some() || fields.done_date.is_some())
    }

    /// The text where octets are not simply ASCII or Latin-1: UCS2 of either order, packed septets.
    fn converted(&self, octets: &[u8]) -> Option<String> {
        if let Some(swapped) = ucs2_order(octets).or_else(|| self.without_labels(octets).then_some(false)) {
            let mut text = String::new();
            match swapped {
                false => ucs2::decode(octets, &mut text),
                true => {
                    let (units, _) = octets.as_chunks::<2>();
                    let swapped: Vec<u8> = units.iter().flat_map(|[low, high]| [*high, *low]).collect();
                    ucs2::decode(&swapped, &mut text)
                }
            };
            return Some(text);
        }
        let packed =
            self.data_coding == DataCoding::DEFAULT && self.default_alphabet == DefaultAlphabet::GsmPacked;
        packed.then(|| {
            let septets = gsm7::unpack(octets, 0, None, Padding::CarriageReturn);
            septets.into_iter().map(char::from).collect()
        })
    }

    /// True for what data_coding calls UCS2 and no label speaks against: other letters come before the first one.
    fn without_labels(&self, octets: &[u8]) -> bool {
        let reading = Reading::of(self.data_coding, self.default_alphabet);
        reading.is_some_and(|reading| reading.alphabet == Alphabet::Ucs2)
            && scan(octets).prefix.len() == octets.len()
    }
}

/// Units at the beginning of a receipt that show its alphabet: an `id:` and the first characters of the id.
const FIRST_UNITS: usize = 8;

/// Whether a receipt's octets are UCS2, and if so, whether the low octet of each unit comes first.
///
/// Labels are ASCII: where a receipt in UCS2 begins most high octets are zero, which no other alphabet has. What
/// follows says nothing: the field `text` may be in another alphabet than the labels, or the same in other letters.
fn ucs2_order(octets: &[u8]) -> Option<bool> {
    let (units, _) = octets.as_chunks::<2>();
    let units = units.get(..FIRST_UNITS).unwrap_or(units);
    let mostly =
        |test: fn(&[u8; 2]) -> bool| units.iter().filter(|unit| test(unit)).count() * 2 > units.len();
    if mostly(|[high, low]| *high == 0 && *low != 0) {
        Some(false)
    } else if mostly(|[low, high]| *high == 0 && *low != 0) {
        Some(true)
    } else {
        None
    }
}

fn latin1(octets: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(octets) {
        Ok(text) if octets.is_ascii() => Cow::Borrowed(text),
        _ => Cow::Owned(octets.iter().copied().map(char::from).collect()),
    }
}
