//! The strings of a PDU as owned values: C-octet strings, inline while short, and octet strings.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use bytes::Bytes;

use super::reader::{octets_before_nul, scan};

/// Octets that fit beside the length without an allocation.
pub(super) const INLINE: usize = 23;

/// A text that ends with a NUL on the wire; `MAX` counts that NUL (3.4 section 3.1).
///
/// Up to 23 octets are kept inline. Building one checks its length and that no NUL is inside; decoding keeps
/// what came, also when it is longer than `MAX`, and [`COctetString::is_conformant`] tells.
#[derive(Clone)]
pub struct COctetString<const MAX: usize>(Inner);

#[derive(Clone)]
enum Inner {
    /// Zeros behind the text; the very last octet says how long it is.
    // Whole words, which go from register to memory and back at once: what is stored in pieces cannot be loaded
    // as one without waiting.
    Inline([[u8; 8]; 3]),
    Long(Bytes),
}

/// Why a text cannot be a C-octet string.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// More characters than the field holds.
    #[error("{length} characters where at most {max} fit")]
    TooLong {
        /// How many there are.
        length: usize,
        /// How many fit, the NUL not counted.
        max: usize,
    },
    /// A NUL inside, which would end the text early.
    #[error("NUL at position {position}")]
    Nul {
        /// Where it is.
        position: usize,
    },
    /// A character that no single octet stands for (ASCII and Latin-1 pass).
    #[error("character {character:?} does not fit in one octet")]
    Character {
        /// The character.
        character: char,
    },
}

impl<const MAX: usize> COctetString<MAX> {
    /// Most characters, the NUL not counted.
    pub const MAX_CHARACTERS: usize = MAX - 1;

    /// The empty text.
    pub const EMPTY: Self = Self(Inner::Inline([[0; 8]; 3]));

    /// Builds one from octets without the NUL.
    ///
    /// # Errors
    ///
    /// Longer than the field, or a NUL inside.
    #[inline]
    pub fn from_octets(octets: &[u8]) -> Result<Self, TextError> {
        if octets.len() >= MAX {
            return Err(TextError::TooLong {
                length: octets.len(),
                max: MAX - 1,
            });
        }
        if octets.len() > INLINE {
            return match scan(octets).0 {
                end if end == octets.len() => Ok(Self::keep_long(octets)),
                position => Err(TextError::Nul { position }),
            };
        }
        let words = padded(octets);
        match first_nul(words) {
            end if end == octets.len() => Ok(Self::keep_short(words, octets.len())),
            position => Err(TextError::Nul { position }),
        }
    }

    /// Takes what a peer sent, whatever it is.
    #[inline]
    pub(crate) fn keep(octets: &[u8]) -> Self {
        if octets.len() > INLINE {
            Self::keep_long(octets)
        } else {
            Self::keep_short(padded(octets), octets.len())
        }
    }

    #[inline]
    fn keep_short([first, second, third]: [u64; 3], length: usize) -> Self {
        let third = third | (length as u64) << 56;
        Self(Inner::Inline([
            first.to_le_bytes(),
            second.to_le_bytes(),
            third.to_le_bytes(),
        ]))
    }

    #[cold]
    #[inline(never)]
    fn keep_long(octets: &[u8]) -> Self {
        Self(Inner::Long(Bytes::copy_from_slice(octets)))
    }

    /// The octets without the NUL.
    #[must_use]
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Inner::Inline(pieces) => {
                let [_, _, [.., length]] = pieces;
                pieces
                    .as_flattened()
                    .get(..usize::from(*length))
                    .unwrap_or_default()
            }
            Inner::Long(octets) => octets,
        }
    }

    /// The text, octets above 0x7F as Latin-1.
    #[must_use]
    pub fn to_text(&self) -> Cow<'_, str> {
        latin1(self.as_bytes())
    }

    /// True when there is no character.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }

    /// How many characters there are, the NUL not counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// True when the text keeps to the standard: short enough and nothing but ASCII.
    #[must_use]
    pub fn is_conformant(&self) -> bool {
        self.len() < MAX && self.as_bytes().is_ascii()
    }
}

/// At most [`INLINE`] octets as three little-endian words, with zeros behind them.
// In pieces of a fixed size, put together in registers: several times faster than a copy of any size. The last
// piece overlaps the one before it, and is shifted to where it goes on.
#[inline]
pub(crate) fn padded(octets: &[u8]) -> [u64; 3] {
    let length = octets.len() as u32;
    match (octets.as_chunks().0, octets.last_chunk()) {
        ([first, second, ..], Some(tail)) => [
            u64::from_le_bytes(*first),
            u64::from_le_bytes(*second),
            shifted(tail, 24 - length),
        ],
        ([first], Some(tail)) => [u64::from_le_bytes(*first), shifted(tail, 16 - length), 0],
        _ => [below_eight(octets), 0, 0],
    }
}

/// The last `8 - octets` octets of a piece, with zeros behind them.
#[inline]
fn shifted(piece: &[u8; 8], octets: u32) -> u64 {
    u64::from_le_bytes(*piece).checked_shr(8 * octets).unwrap_or(0)
}

/// Less than eight octets, with zeros behind them.
#[inline]
fn below_eight(octets: &[u8]) -> u64 {
    match (octets.first_chunk(), octets.last_chunk()) {
        (Some(head), Some(tail)) => {
            let tail = u64::from(u32::from_le_bytes(*tail));
            u64::from(u32::from_le_bytes(*head)) | tail << (8 * (octets.len() - 4))
        }
        _ => octets
            .iter()
            .rfold(0, |word, &octet| word << 8 | u64::from(octet)),
    }
}

/// Where the first NUL of three words is; at most [`INLINE`] octets always have one behind them.
#[inline]
pub(super) fn first_nul([first, second, third]: [u64; 3]) -> usize {
    octets_before_nul(first)
        .or_else(|| octets_before_nul(second).map(|before| 8 + before))
        .or_else(|| octets_before_nul(third).map(|before| 16 + before))
        .unwrap_or(24)
}

/// Octets as text, those above 0x7F as Latin-1.
pub fn latin1(octets: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(octets) {
        Ok(text) if octets.is_ascii() => Cow::Borrowed(text),
        _ => Cow::Owned(octets.iter().copied().map(char::from).collect()),
    }
}

/// The octets of a text whose characters all fit in one octet (ASCII and Latin-1).
///
/// # Errors
///
/// Any other character.
#[inline]
pub fn to_latin1(text: &str) -> Result<Cow<'_, [u8]>, TextError> {
    if text.is_ascii() {
        return Ok(Cow::Borrowed(text.as_bytes()));
    }
    text.chars()
        .map(|character| u8::try_from(character).map_err(|_| TextError::Character { character }))
        .collect::<Result<Vec<u8>, _>>()
        .map(Cow::Owned)
}

impl<const MAX: usize> Default for COctetString<MAX> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<const MAX: usize> TryFrom<&str> for COctetString<MAX> {
    type Error = TextError;

    /// Takes ASCII and Latin-1 characters.
    #[inline]
    fn try_from(text: &str) -> Result<Self, TextError> {
        Self::from_octets(&to_latin1(text)?)
    }
}

impl<const MAX: usize> TryFrom<String> for COctetString<MAX> {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        Self::try_from(text.as_str())
    }
}

impl<const MAX: usize> std::str::FromStr for COctetString<MAX> {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        Self::try_from(text)
    }
}

impl<const MAX: usize> AsRef<[u8]> for COctetString<MAX> {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl<const MAX: usize> PartialEq for COctetString<MAX> {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl<const MAX: usize> Eq for COctetString<MAX> {}

impl<const MAX: usize> PartialEq<str> for COctetString<MAX> {
    fn eq(&self, other: &str) -> bool {
        self.to_text() == other
    }
}

impl<const MAX: usize> PartialEq<&str> for COctetString<MAX> {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

impl<const MAX: usize> std::hash::Hash for COctetString<MAX> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl<const MAX: usize> fmt::Display for COctetString<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.to_text())
    }
}

impl<const MAX: usize> fmt::Debug for COctetString<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.to_text(), f)
    }
}

/// Octets whose number another field gives; cheap to clone.
#[derive(Clone, Default, Eq, Hash, PartialEq)]
pub struct OctetString(Bytes);

impl OctetString {
    /// No octets.
    pub const EMPTY: Self = Self(Bytes::new());

    /// The octets as a slice of the frame or buffer that holds them.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl Deref for OctetString {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for OctetString {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Bytes> for OctetString {
    fn from(octets: Bytes) -> Self {
        Self(octets)
    }
}

impl From<Vec<u8>> for OctetString {
    fn from(octets: Vec<u8>) -> Self {
        Self(Bytes::from(octets))
    }
}

impl From<&[u8]> for OctetString {
    fn from(octets: &[u8]) -> Self {
        Self(Bytes::copy_from_slice(octets))
    }
}

impl<const N: usize> From<&[u8; N]> for OctetString {
    fn from(octets: &[u8; N]) -> Self {
        Self::from(octets.as_slice())
    }
}

impl From<&str> for OctetString {
    /// Takes the UTF-8 octets as they are, which suits ASCII.
    fn from(text: &str) -> Self {
        Self::from(text.as_bytes())
    }
}

impl PartialEq<[u8]> for OctetString {
    fn eq(&self, other: &[u8]) -> bool {
        **self == *other
    }
}

impl PartialEq<&[u8]> for OctetString {
    fn eq(&self, other: &&[u8]) -> bool {
        **self == **other
    }
}

impl fmt::Debug for OctetString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_every_length_come_back_as_they_were() {
        let octets: Vec<u8> = (1..=70).collect();
        for length in 0..=octets.len() {
            let text = COctetString::<65>::keep(&octets[..length]);
            assert_eq!(text.as_bytes(), &octets[..length]);
            assert_eq!(text.len(), length);
            assert_eq!(text.is_conformant(), length < 65);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_and_never_cut() {
        let cases: &[(&str, Result<&[u8], TextError>)] = &[
            ("", Ok(b"")),
            ("12345", Ok(b"12345")),
            ("123456", Err(TextError::TooLong { length: 6, max: 5 })),
            ("a\0b", Err(TextError::Nul { position: 1 })),
            ("M\u{fc}ll", Ok(b"M\xfcll")),
            (
                "\u{20ac}",
                Err(TextError::Character {
                    character: '\u{20ac}',
                }),
            ),
        ];
        for (text, expected) in cases {
            let built = COctetString::<6>::try_from(*text);
            assert_eq!(
                built.as_ref().map(COctetString::as_bytes),
                expected.as_ref().copied(),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_nul_is_found_wherever_it_is() {
        for length in 1..65 {
            for position in 0..length {
                let mut octets = vec![0xFF; length];
                octets[position] = 0;
                assert_eq!(
                    COctetString::<65>::from_octets(&octets),
                    Err(TextError::Nul { position }),
                    "{octets:02x?}"
                );
            }
        }
    }

    #[test]
    fn octets_above_ascii_are_shown_as_latin_1() {
        let text = COctetString::<21>::keep(b"M\xfcller");
        assert_eq!(text.to_text(), "M\u{fc}ller");
        assert_eq!(format!("{text} {text:?}"), "M\u{fc}ller \"M\u{fc}ller\"");
        assert!(!text.is_conformant());
    }
}
