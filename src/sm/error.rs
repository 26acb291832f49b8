//! What goes wrong with text: what cannot be written, and what was damaged when it came.

use super::Alphabet;

/// Why a text cannot be encoded or split.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// The alphabet lacks a character.
    #[error("{alphabet} has no {character:?} (character {index}, octet {offset} of the text)")]
    Unencodable {
        /// The alphabet that was asked for.
        alphabet: Alphabet,
        /// The first character that it lacks.
        character: char,
        /// Its place, counted in characters from 0.
        index: usize,
        /// Its place, counted in octets of UTF-8 from 0.
        offset: usize,
    },
    /// The alphabet is binary: it has no characters at all.
    #[error("binary data is no text")]
    NoText,
    /// More parts than a concatenation can number.
    #[error("{parts} parts, at most 255 can be numbered")]
    TooManyParts {
        /// How many there would be.
        parts: usize,
    },
    /// More octets than a message_payload can hold.
    #[error("{octets} octets, a message_payload holds at most 65535")]
    TooLong {
        /// How many there are.
        octets: usize,
    },
    /// Header and limit leave no room for a single character.
    #[error("no room for text beside a header of {header} octets in {limit}")]
    NoRoom {
        /// Octets of the header.
        header: usize,
        /// Octets that a part may have in all.
        limit: usize,
    },
    /// The extra header elements do not fit in the 255 octets of a user data header.
    #[error("a user data header of {octets} octets, at most 255 are possible")]
    HeaderTooLong {
        /// Octets of the elements.
        octets: usize,
    },
}

/// What to do with a character that the alphabet lacks.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Unencodable {
    /// Refuse the text: [`TextError::Unencodable`].
    #[default]
    Refuse,
    /// Write a character that looks alike, else `?`.
    Replace,
    /// Leave it out.
    Skip,
}

/// One thing that was wrong with octets that came as text.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{kind} at octet {position}")]
pub struct TextFault {
    /// The octet, counted from 0.
    pub position: usize,
    /// What is wrong there.
    pub kind: TextFaultKind,
}

/// What was wrong, and what the reader made of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TextFaultKind {
    /// An octet that the alphabet does not use; read as U+FFFD.
    #[error("octet {0:#04x} outside the alphabet")]
    InvalidOctet(u8),
    /// An escape with nothing behind it; read as a space, as 3GPP TS 23.038 asks of receivers that do not
    /// understand an escape.
    #[error("escape without a code")]
    LoneEscape,
    /// An escape with a code that the single shift table lacks; read as the character of the locking table, two
    /// escapes as a space (3GPP TS 23.038 section 6.2.1.1).
    #[error("escape with the code {0:#04x}, which stands for nothing")]
    UnknownEscape(u8),
    /// A septet to which the locking table assigns nothing; read as a space.
    #[error("unassigned septet {0:#04x}")]
    Unassigned(u8),
    /// Half of a two-octet unit at the end; left out.
    #[error("half a unit")]
    HalfUnit,
    /// Half of a surrogate pair; read as U+FFFD.
    #[error("lone surrogate {0:#06x}")]
    LoneSurrogate(u16),
    /// Octets that are not UTF-8; read as U+FFFD.
    #[error("invalid UTF-8")]
    InvalidUtf8,
    /// The data_coding is one that this library cannot read as text; nothing was read.
    #[error("no text in this data_coding")]
    NoText,
    /// The user data header does not fit the octets; they were read as if there were none.
    #[error("damaged user data header")]
    DamagedHeader,
}

/// What was wrong with a piece of text: how many things, and the first of them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct TextFaults {
    first: Option<TextFault>,
    count: usize,
}

impl TextFaults {
    /// One fault.
    pub(crate) fn of(position: usize, kind: TextFaultKind) -> Self {
        Self {
            first: Some(TextFault { position, kind }),
            count: 1,
        }
    }

    /// Notes one more fault.
    pub(crate) fn note(&mut self, position: usize, kind: TextFaultKind) {
        self.first.get_or_insert(TextFault { position, kind });
        self.count += 1;
    }

    /// Notes the faults of a piece that starts `offset` octets further on.
    pub(crate) fn note_all(&mut self, other: Self, offset: usize) {
        if let Some(first) = other.first {
            self.first.get_or_insert(TextFault {
                position: first.position + offset,
                ..first
            });
        }
        self.count += other.count;
    }

    /// The first fault.
    #[must_use]
    pub const fn first(self) -> Option<TextFault> {
        self.first
    }

    /// How many there were.
    #[must_use]
    pub const fn count(self) -> usize {
        self.count
    }

    /// True when there was nothing to read as text at all.
    #[must_use]
    pub fn is_no_text(self) -> bool {
        self.first
            .is_some_and(|fault| fault.kind == TextFaultKind::NoText)
    }

    /// True when nothing was wrong.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.count == 0
    }
}
