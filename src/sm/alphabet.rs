//! The alphabets of short messages, and what a data_coding means.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::error::{TextError, TextFault, TextFaultKind, TextFaults, Unencodable};
use super::gsm7::{self, Padding, Substitute, Tables};
use super::octet::OctetSet;
use super::{look_alike, ucs2};
use crate::pdu::DataCoding;

/// How characters become octets.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Alphabet {
    /// GSM 7-bit with the tables in force; a unit is a septet, here one in each octet.
    Gsm7(Tables),
    /// ASCII (IA5).
    Ascii,
    /// ISO-8859-1.
    Latin1,
    /// ISO-8859-5, Cyrillic.
    Iso8859_5,
    /// ISO-8859-8, Hebrew.
    Iso8859_8,
    /// UTF-16, high octet first; a unit is two octets.
    Ucs2,
    /// UTF-8, which some peers mean by data_coding 0.
    Utf8,
    /// Octets without characters.
    Binary,
}

impl Alphabet {
    /// GSM 7-bit with the default alphabet and its extension.
    pub const GSM7: Self = Self::Gsm7(Tables::DEFAULT);

    /// The name in requests and reports, for example `gsm7` or `iso-8859-5`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gsm7(_) => "gsm7",
            Self::Ascii => "ascii",
            Self::Latin1 => "latin1",
            Self::Iso8859_5 => "iso-8859-5",
            Self::Iso8859_8 => "iso-8859-8",
            Self::Ucs2 => "ucs2",
            Self::Utf8 => "utf-8",
            Self::Binary => "binary",
        }
    }

    /// The data_coding that announces it; 0 for GSM 7-bit and for UTF-8, which has none of its own.
    #[must_use]
    pub const fn data_coding(self) -> DataCoding {
        match self {
            Self::Gsm7(_) | Self::Utf8 => DataCoding::DEFAULT,
            Self::Ascii => DataCoding::ASCII,
            Self::Latin1 => DataCoding::LATIN_1,
            Self::Iso8859_5 => DataCoding::CYRILLIC,
            Self::Iso8859_8 => DataCoding::HEBREW,
            Self::Ucs2 => DataCoding::UCS2,
            Self::Binary => DataCoding::OCTETS_2,
        }
    }

    /// Octets of a unit: 2 for UCS2, else 1.
    #[must_use]
    pub const fn unit_octets(self) -> usize {
        match self {
            Self::Ucs2 => 2,
            _ => 1,
        }
    }

    /// What a unit is called: `septets`, `octets` or `units`.
    #[must_use]
    pub const fn unit_name(self) -> &'static str {
        match self {
            Self::Gsm7(_) => "septets",
            Self::Ucs2 => "units",
            _ => "octets",
        }
    }

    /// Units that a character takes (septets, octets, UTF-16 units); none when the alphabet lacks it.
    #[must_use]
    pub fn units(self, character: char) -> Option<usize> {
        match self {
            Self::Gsm7(tables) => tables.septets(character),
            Self::Ucs2 => Some(character.len_utf16()),
            Self::Utf8 => Some(character.len_utf8()),
            Self::Ascii | Self::Latin1 | Self::Iso8859_5 | Self::Iso8859_8 => {
                self.octet_set()?.octet(character).map(|_| 1)
            }
            Self::Binary => None,
        }
    }

    /// True when the alphabet has every character of the text.
    #[must_use]
    pub fn holds(self, text: &str) -> bool {
        self.measure(text).is_ok()
    }

    /// Units of a text, or the first character that the alphabet lacks and its offset in octets.
    pub(super) fn measure(self, text: &str) -> Result<usize, (usize, char)> {
        match self {
            Self::Gsm7(tables) => gsm7::measure(text, tables),
            Self::Ucs2 => Ok(ucs2::units(text)),
            Self::Utf8 => Ok(text.len()),
            Self::Ascii | Self::Latin1 | Self::Iso8859_5 | Self::Iso8859_8 if text.is_ascii() => {
                Ok(text.len())
            }
            _ => text.char_indices().try_fold(0, |units, (offset, character)| {
                Ok(units + self.units(character).ok_or((offset, character))?)
            }),
        }
    }

    /// Appends the octets of a text to `out`; returns how many characters were replaced or left out.
    ///
    /// # Errors
    ///
    /// [`TextError::Unencodable`] when the alphabet lacks a character and `missing` says to refuse,
    /// [`TextError::NoText`] for binary. `out` is as it was before.
    pub fn encode(self, text: &str, missing: Unencodable, out: &mut Vec<u8>) -> Result<usize, TextError> {
        let mut lossy = 0;
        let mut substitute = |character| {
            lossy += 1;
            match missing {
                Unencodable::Refuse => Substitute::Refuse,
                Unencodable::Skip => Substitute::Skip,
                Unencodable::Replace => Substitute::With(self.replacement(character)),
            }
        };
        let done = match self {
            Self::Gsm7(tables) => gsm7::encode(text, tables, out, substitute),
            Self::Ucs2 => {
                ucs2::encode(text, out);
                Ok(())
            }
            Self::Utf8 => {
                out.extend_from_slice(text.as_bytes());
                Ok(())
            }
            Self::Ascii | Self::Latin1 | Self::Iso8859_5 | Self::Iso8859_8 | Self::Binary => {
                let set = self.octet_set().ok_or(TextError::NoText)?;
                encode_octets(text, set, out, &mut substitute)
            }
        };
        match done {
            Ok(()) => Ok(lossy),
            Err((offset, character)) => Err(self.unencodable(text, offset, character)),
        }
    }

    /// Appends what octets say to `out`. Reads everything that can be read and returns what was wrong.
    pub fn decode(self, octets: &[u8], out: &mut String) -> TextFaults {
        match self {
            Self::Gsm7(tables) => gsm7::decode(octets, tables, out),
            Self::Ucs2 => ucs2::decode(octets, out),
            Self::Utf8 => decode_utf8(octets, out),
            Self::Ascii | Self::Latin1 | Self::Iso8859_5 | Self::Iso8859_8 | Self::Binary => {
                let mut faults = TextFaults::default();
                match self.octet_set() {
                    Some(set) => decode_octets(octets, set, out, &mut faults),
                    None => faults.note(0, TextFaultKind::NoText),
                }
                faults
            }
        }
    }

    /// What octets say, where nothing is wrong with them.
    ///
    /// # Errors
    ///
    /// The first fault.
    pub fn decode_strict(self, octets: &[u8]) -> Result<String, TextFault> {
        let mut text = String::new();
        match self.decode(octets, &mut text).first() {
            None => Ok(text),
            Some(fault) => Err(fault),
        }
    }

    /// The error for the first character of `text` that this alphabet lacks.
    pub(super) fn unencodable(self, text: &str, offset: usize, character: char) -> TextError {
        let index = text.get(..offset).map_or(0, |before| before.chars().count());
        TextError::Unencodable {
            alphabet: self,
            character,
            index,
            offset,
        }
    }

    /// What stands for a character that the alphabet lacks: one that looks alike, else `?`.
    pub(super) fn replacement(self, character: char) -> char {
        look_alike::of(character)
            .filter(|other| self.units(*other).is_some())
            .unwrap_or('?')
    }

    fn octet_set(self) -> Option<OctetSet> {
        match self {
            Self::Ascii => Some(OctetSet::Ascii),
            Self::Latin1 => Some(OctetSet::Latin1),
            Self::Iso8859_5 => Some(OctetSet::Cyrillic),
            Self::Iso8859_8 => Some(OctetSet::Hebrew),
            Self::Gsm7(_) | Self::Ucs2 | Self::Utf8 | Self::Binary => None,
        }
    }
}

fn encode_octets(
    text: &str,
    set: OctetSet,
    out: &mut Vec<u8>,
    substitute: &mut impl FnMut(char) -> Substitute,
) -> Result<(), (usize, char)> {
    // Every set starts with ASCII.
    if text.is_ascii() {
        out.extend_from_slice(text.as_bytes());
        return Ok(());
    }
    let start = out.len();
    out.reserve(text.len());
    for (offset, character) in text.char_indices() {
        if let Some(octet) = set.octet(character) {
            out.push(octet);
            continue;
        }
        match substitute(character) {
            Substitute::With(other) => out.extend(set.octet(other)),
            Substitute::Skip => {}
            Substitute::Refuse => {
                out.truncate(start);
                return Err((offset, character));
            }
        }
    }
    Ok(())
}

fn decode_octets(octets: &[u8], set: OctetSet, out: &mut String, faults: &mut TextFaults) {
    out.reserve(octets.len());
    if octets.is_ascii()
        && let Ok(text) = str::from_utf8(octets)
    {
        out.push_str(text);
        return;
    }
    for (position, octet) in octets.iter().copied().enumerate() {
        out.push(set.character(octet).unwrap_or_else(|| {
            faults.note(position, TextFaultKind::InvalidOctet(octet));
            char::REPLACEMENT_CHARACTER
        }));
    }
}

fn decode_utf8(octets: &[u8], out: &mut String) -> TextFaults {
    let mut faults = TextFaults::default();
    let mut at = 0;
    for chunk in octets.utf8_chunks() {
        out.push_str(chunk.valid());
        at += chunk.valid().len();
        if !chunk.invalid().is_empty() {
            out.push(char::REPLACEMENT_CHARACTER);
            faults.note(at, TextFaultKind::InvalidUtf8);
            at += chunk.invalid().len();
        }
    }
    faults
}

impl fmt::Display for Alphabet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        if let Self::Gsm7(tables) = self {
            if let Some(language) = tables.locking {
                write!(f, " with the {language} alphabet")?;
            }
            if let Some(language) = tables.single {
                write!(f, " with the {language} extension")?;
            }
        }
        Ok(())
    }
}

/// No alphabet goes by this name.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not an alphabet; known are gsm7 ascii latin1 iso-8859-5 iso-8859-8 ucs2 utf-8 binary")]
pub struct UnknownAlphabet;

impl FromStr for Alphabet {
    type Err = UnknownAlphabet;

    fn from_str(text: &str) -> Result<Self, UnknownAlphabet> {
        let lower = text.to_ascii_lowercase();
        match lower.as_str() {
            "gsm7" | "gsm" | "gsm-7" => Ok(Self::GSM7),
            "ascii" | "ia5" => Ok(Self::Ascii),
            "latin1" | "latin-1" | "iso-8859-1" => Ok(Self::Latin1),
            "iso-8859-5" => Ok(Self::Iso8859_5),
            "iso-8859-8" => Ok(Self::Iso8859_8),
            "ucs2" | "ucs-2" | "utf-16" | "utf-16be" => Ok(Self::Ucs2),
            "utf-8" | "utf8" => Ok(Self::Utf8),
            "binary" | "8bit" => Ok(Self::Binary),
            _ => Err(UnknownAlphabet),
        }
    }
}

/// What a peer means by data_coding 0, "the default alphabet of the message centre".
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum DefaultAlphabet {
    /// GSM 7-bit, one septet in each octet: nearly everybody.
    #[default]
    Gsm,
    /// GSM 7-bit, eight septets in seven octets.
    GsmPacked,
    /// ISO-8859-1.
    Latin1,
    /// ASCII.
    Ascii,
    /// UTF-8.
    Utf8,
}

impl DefaultAlphabet {
    /// The alphabet, however its units stand in octets.
    #[must_use]
    pub const fn alphabet(self) -> Alphabet {
        match self {
            Self::Gsm | Self::GsmPacked => Alphabet::GSM7,
            Self::Latin1 => Alphabet::Latin1,
            Self::Ascii => Alphabet::Ascii,
            Self::Utf8 => Alphabet::Utf8,
        }
    }
}

/// How the octets of a message are to be read: an alphabet, and whether its septets are packed.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Reading {
    /// The alphabet.
    pub alphabet: Alphabet,
    /// Eight septets in seven octets.
    pub packed: bool,
}

impl Reading {
    /// What a data_coding means with a peer whose data_coding 0 is `default`.
    ///
    /// SMPP's own values come first; those that it reserves are read as GSM data coding groups, which peers pass
    /// through (0x10 flash, 0x18 flash in UCS2, 0xF0 and so on). None for what has no characters that we know:
    /// Japanese and Korean sets, pictograms, compressed text.
    #[must_use]
    pub fn of(data_coding: DataCoding, default: DefaultAlphabet) -> Option<Self> {
        let gsm = Self {
            alphabet: default.alphabet(),
            packed: default == DefaultAlphabet::GsmPacked,
        };
        let plain = |alphabet| {
            Some(Self {
                alphabet,
                packed: false,
            })
        };
        match data_coding.value() {
            0x00 => Some(gsm),
            0x01 => plain(Alphabet::Ascii),
            0x02 | 0x04 => plain(Alphabet::Binary),
            0x03 => plain(Alphabet::Latin1),
            0x06 => plain(Alphabet::Iso8859_5),
            0x07 => plain(Alphabet::Iso8859_8),
            0x08 => plain(Alphabet::Ucs2),
            0x05 | 0x09..=0x0F => None,
            // GSM general groups: bit 5 compressed, bits 3 and 2 the alphabet.
            group @ 0x10..=0x7F if group & 0x20 == 0 => match group & 0x0C {
                0x00 => Some(gsm),
                0x04 => plain(Alphabet::Binary),
                0x08 => plain(Alphabet::Ucs2),
                _ => None,
            },
            0xC0..=0xDF => Some(gsm),
            0xE0..=0xEF => plain(Alphabet::Ucs2),
            class @ 0xF0..=0xFF => {
                if class & 0x04 == 0 {
                    Some(gsm)
                } else {
                    plain(Alphabet::Binary)
                }
            }
            0x10..=0xBF => None,
        }
    }

    /// Octets behind a header of `header` octets as units of their alphabet, one septet in each octet.
    ///
    /// Packed septets start behind the fill bits that the header asks for; a carriage return that only fills the
    /// last octet is dropped. Bits behind the last whole septet say nothing: one octet behind a header that asks for
    /// two fill bits or more is an empty text, and no fault.
    #[must_use]
    pub fn units(self, octets: &[u8], header: usize) -> Cow<'_, [u8]> {
        match self.packed {
            true => Cow::Owned(gsm7::unpack(
                octets,
                gsm7::fill_bits(header),
                None,
                Padding::CarriageReturn,
            )),
            false => Cow::Borrowed(octets),
        }
    }

    /// Appends what units say ([`Reading::units`]); `tables` apply to GSM 7-bit text.
    pub fn decode(self, units: &[u8], tables: Tables, out: &mut String) -> TextFaults {
        match self.alphabet {
            Alphabet::Gsm7(_) => Alphabet::Gsm7(tables),
            other => other,
        }
        .decode(units, out)
    }
}
