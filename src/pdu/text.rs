//! The strings of a PDU as owned values: C-octet strings, inline while short, and octet strings.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use bytes::Bytes;

/// Octets that fit beside the length without an allocation.
const INLINE: usize = 23;

/// A text that ends with a NUL on the wire; `MAX` counts that NUL (3.4 section 3.1).
///
/// Up to 23 octets are kept inline. Building one checks its length and that no NUL is inside; decoding keeps
/// what came, also when it is longer than `MAX`, and [`COctetString::is_conformant`] tells.
#[derive(Clone)]
pub struct COctetString<const MAX: usize>(Inner);

#[derive(Clone)]
enum Inner {
    Inline { length: u8, octets: [u8; INLINE] },
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
    pub const EMPTY: Self = Self(Inner::Inline {
        length: 0,
        octets: [0; INLINE],
    });

    /// Builds one from octets without the NUL.
    ///
    /// # Errors
    ///
    /// Longer than the field, or a NUL inside.
    pub fn from_octets(octets: &[u8]) -> Result<Self, TextError> {
        check(octets, MAX)?;
        Ok(Self::keep(octets))
    }

    /// Takes what a peer sent, whatever it is.
    #[inline]
    pub(crate) fn keep(octets: &[u8]) -> Self {
        let mut inline = [0; INLINE];
        match inline.get_mut(..octets.len()) {
            Some(room) => {
                room.copy_from_slice(octets);
                // Lossless: at most INLINE octets.
                Self(Inner::Inline {
                    length: octets.len() as u8,
                    octets: inline,
                })
            }
            None => Self(Inner::Long(Bytes::copy_from_slice(octets))),
        }
    }

    /// The octets without the NUL.
    #[must_use]
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Inner::Inline { length, octets } => octets.get(..usize::from(*length)).unwrap_or_default(),
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

/// Checks octets that are to become a C-octet string of at most `max` octets with its NUL.
fn check(octets: &[u8], max: usize) -> Result<(), TextError> {
    if octets.len() >= max {
        return Err(TextError::TooLong {
            length: octets.len(),
            max: max - 1,
        });
    }
    match octets.iter().position(|&octet| octet == 0) {
        Some(position) => Err(TextError::Nul { position }),
        None => Ok(()),
    }
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
