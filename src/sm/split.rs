//! Long texts and long data in parts.

use std::ops::Range;

use bytes::Bytes;

use super::alphabet::{Alphabet, DefaultAlphabet, Reading};
use super::choose::choose;
use super::cut::Data;
use super::error::{TextError, Unencodable};
use super::gsm7::{self, Languages, Padding};
use super::plan::Plan;
use super::transliterate::transliterate;
use super::udh::{PartInfo, ReferenceWidth};
use crate::pdu::{DataCoding, EsmClass, OctetString, SubmitSm, TlvError, tlv};

/// Octets of user data that one short message carries.
pub const MESSAGE_OCTETS: usize = 140;

/// Most octets in a message_payload.
pub const PAYLOAD_OCTETS: usize = 65_535;

/// Most parts that a message can have.
pub const MAX_PARTS: usize = 255;

/// How the parts of a long message are numbered.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Concatenation {
    /// In a user data header with a reference of eight bits: 153 septets, 134 octets or 67 UCS2 units a part.
    #[default]
    Udh8,
    /// In a user data header with a reference of sixteen bits: 152, 133 or 66 a part.
    Udh16,
    /// In the three `sar_` TLVs; sizes as with `Udh8`, because the message centre adds that header. They exclude
    /// a user data header: a message that needs one anyway is numbered as with `Udh16`.
    Sar,
    /// Not at all: what does not fit one short message goes whole into a message_payload.
    Payload,
}

/// Which alphabet a text is written in.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum AlphabetChoice {
    /// The cheapest: the default alphabet, else national tables and Latin-1 where they are allowed, else UCS2.
    #[default]
    Auto,
    /// GSM 7-bit: the default alphabet, else the cheapest national tables of those that are allowed.
    Gsm7,
    /// This one, or UCS2 when it lacks a character.
    Prefer(Alphabet),
    /// This one.
    Only(Alphabet),
}

/// Which national tables may be used.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Shifts {
    /// Locking and single shift tables, also both.
    #[default]
    Any,
    /// Tables that replace the default alphabet.
    Locking,
    /// Tables that replace its extension.
    Single,
}

/// How to write and split a text. [`Default`] suits nearly every peer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SplitOptions {
    /// Which alphabet; default [`AlphabetChoice::Auto`].
    pub alphabet: AlphabetChoice,
    /// What the peer means by data_coding 0; default GSM, unpacked.
    pub default_alphabet: DefaultAlphabet,
    /// National languages whose tables the peer is known to support; default none.
    pub languages: Languages,
    /// Which of their tables; default all.
    pub shifts: Shifts,
    /// Whether `Auto` may choose Latin-1 (data_coding 3); default no.
    pub latin1: bool,
    /// How parts are numbered; default [`Concatenation::Udh8`].
    pub concatenation: Concatenation,
    /// Never cut inside what a reader takes for one character (a grapheme cluster: letter with accents, emoji
    /// sequence, flag), unless it is longer than a part; default yes. CR LF is two characters here.
    pub keep_clusters: bool,
    /// What to do with characters that the alphabet lacks; default refuse.
    pub unencodable: Unencodable,
    /// Replace characters that the cheap alphabet lacks by similar ones (quotes, dashes, accents) where that
    /// saves the dearer alphabet; default no.
    pub transliterate: bool,
    /// Octets that one part may have on the air, header and (packed) text together; default 140.
    pub max_octets: usize,
    /// Elements for the user data header of every part, as [`Element::write`](super::Element::write) writes them;
    /// default none.
    pub elements: Vec<u8>,
    /// Number a single part too; default no.
    pub number_single: bool,
    /// What fills seven spare bits of packed parts; default a carriage return, since SMPP counts octets only.
    pub padding: Padding,
}

impl Default for SplitOptions {
    fn default() -> Self {
        Self {
            alphabet: AlphabetChoice::Auto,
            default_alphabet: DefaultAlphabet::Gsm,
            languages: Languages::NONE,
            shifts: Shifts::Any,
            latin1: false,
            concatenation: Concatenation::Udh8,
            keep_clusters: true,
            unencodable: Unencodable::Refuse,
            transliterate: false,
            max_octets: MESSAGE_OCTETS,
            elements: Vec::new(),
            number_single: false,
            padding: Padding::CarriageReturn,
        }
    }
}

/// A text or data, ready to be sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Split {
    /// The alphabet that was chosen.
    pub alphabet: Alphabet,
    /// What announces it.
    pub data_coding: DataCoding,
    /// Bits to set in the esm_class: 0x40 when the parts start with a user data header, else none.
    pub esm_class: EsmClass,
    /// The parts in order; at least one.
    pub parts: Vec<Part>,
    /// True when the only part belongs into a message_payload instead of the short_message.
    pub payload: bool,
    /// Units that one part can hold (septets, octets, UTF-16 units).
    pub per_part: usize,
    /// Units that the last part has room for.
    pub remaining: usize,
    /// Characters that were replaced or left out because the alphabet lacks them.
    pub lossy: usize,
    /// Characters that transliteration changed.
    pub transliterated: usize,
}

impl Split {
    fn new(data_coding: DataCoding, plan: &Plan<'_>, parts: Vec<Part>) -> Self {
        let remaining = plan
            .per_part
            .saturating_sub(parts.last().map_or(0, |part| part.units));
        Self {
            alphabet: plan.alphabet,
            data_coding,
            esm_class: if plan.has_header() {
                EsmClass::UDH
            } else {
                EsmClass::DEFAULT
            },
            parts,
            payload: plan.payload,
            per_part: plan.per_part,
            remaining,
            lossy: 0,
            transliterated: 0,
        }
    }
}

impl Split {
    /// Puts one of the parts into a submit_sm: data_coding, the bit of the esm_class, text, TLVs.
    ///
    /// # Errors
    ///
    /// The payload does not fit a TLV; [`split_text`] never makes such a one.
    pub fn fill(&self, part: &Part, submit: &mut SubmitSm) -> Result<(), TlvError> {
        submit.data_coding = self.data_coding;
        submit.esm_class = EsmClass::new(submit.esm_class.value() | self.esm_class.value());
        if self.payload {
            submit.short_message = OctetString::EMPTY;
            submit.tlvs.put::<tlv::MessagePayload>(&part.octets)?;
        } else {
            submit.short_message = part.octets.clone().into();
        }
        if let Some(PartInfo {
            reference,
            total,
            sequence,
            width: ReferenceWidth::Sar,
        }) = part.info
        {
            submit.tlvs.put::<tlv::SarMsgRefNum>(reference)?;
            submit.tlvs.put::<tlv::SarTotalSegments>(total)?;
            submit.tlvs.put::<tlv::SarSegmentSeqnum>(sequence)?;
        }
        Ok(())
    }
}

/// One part of a message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Part {
    /// User data header, if any, and text.
    pub octets: Bytes,
    /// Octets of the header, with its length octet.
    pub header: usize,
    /// Units of text.
    pub units: usize,
    /// Its number; with [`ReferenceWidth::Sar`](super::ReferenceWidth::Sar) it belongs into the `sar_` TLVs, else
    /// it is in the header already.
    pub info: Option<PartInfo>,
    /// Which octets of the text (UTF-8, after transliteration) it carries; of data: which octets, of packed data which
    /// septets.
    pub source: Range<usize>,
}

/// Writes a text in the cheapest way that `options` allow, in as many parts as it takes.
///
/// `reference` ties the parts together; of eight-bit references the low octet is used. Allocates three times for
/// any number of parts: all of them share one buffer.
///
/// # Errors
///
/// A character that the alphabet lacks (never with [`AlphabetChoice::Auto`]), more than 255 parts, a payload above
/// 65,535 octets, or limits without room for text.
pub fn split_text(text: &str, options: &SplitOptions, reference: u16) -> Result<Split, TextError> {
    let (text, transliterated) = transliterate(text, options);
    let (data_coding, mut plan) = choose(&text, options)?;
    let (alphabet, packed) = (plan.alphabet, plan.packed);
    let mut lossy = 0;
    let mut septets = Vec::new();
    let parts = plan.assemble(reference, |range, header, out| {
        let text = text.get(range).unwrap_or_default();
        if !packed {
            lossy += alphabet.encode(text, options.unencodable, out)?;
            return Ok(());
        }
        septets.clear();
        lossy += alphabet.encode(text, options.unencodable, &mut septets)?;
        gsm7::pack_into(&septets, gsm7::fill_bits(header), options.padding, out);
        Ok(())
    })?;
    Ok(Split {
        lossy,
        transliterated,
        ..Split::new(data_coding, &plan, parts)
    })
}

/// Splits octets that are in the alphabet of `data_coding` already: never inside an escape pair of GSM 7-bit text
/// (one septet in each octet) nor inside a unit or surrogate pair of UCS2.
///
/// # Errors
///
/// As [`split_text`].
pub fn split_octets(
    octets: &[u8],
    data_coding: DataCoding,
    options: &SplitOptions,
    reference: u16,
) -> Result<Split, TextError> {
    let alphabet = Reading::of(data_coding, options.default_alphabet)
        .map_or(Alphabet::Binary, |reading| reading.alphabet);
    let mut plan = Plan::new(&Data { octets, alphabet }, alphabet, options)?;
    let packed = plan.packed;
    let parts = plan.assemble(reference, |range, header, out| {
        let octets = octets.get(range).unwrap_or_default();
        match packed {
            true => gsm7::pack_into(octets, gsm7::fill_bits(header), options.padding, out),
            false => out.extend_from_slice(octets),
        }
        Ok(())
    })?;
    Ok(Split::new(data_coding, &plan, parts))
}

/// Splits octets in which GSM 7-bit text is packed already, eight septets in seven octets from the first bit on. Each
/// part is packed anew behind its header, and holds 160 septets, or 153 of several.
///
/// Seven spare bits at the end are a septet, unless [`SplitOptions::padding`] says that a carriage return there only
/// fills them; [`SplitOptions::default_alphabet`] does not count.
///
/// # Errors
///
/// As [`split_text`].
pub fn split_packed(octets: &[u8], options: &SplitOptions, reference: u16) -> Result<Split, TextError> {
    let options = SplitOptions {
        default_alphabet: DefaultAlphabet::GsmPacked,
        ..options.clone()
    };
    let septets = gsm7::unpack(octets, 0, None, options.padding);
    split_octets(&septets, DataCoding::DEFAULT, &options, reference)
}
