//! Fields by name: what JSON, dumps, documentation and tests go through instead of knowing every PDU.

use std::borrow::Cow;
use std::fmt;

use super::text::{TextError, latin1};

/// The value of a field, whatever its type.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FieldValue<'a> {
    /// A number.
    Integer(u32),
    /// The characters of a C-octet string, without the NUL.
    Text(Cow<'a, [u8]>),
    /// Octets.
    Octets(Cow<'a, [u8]>),
    /// Entries of a list, each with its own fields.
    List(Vec<Vec<Field<'a>>>),
}

/// What a mandatory field looks like on the wire.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum FieldForm {
    /// An unsigned integer of so many octets.
    Integer(usize),
    /// A C-octet string of at most so many octets, its NUL included.
    Text(usize),
    /// A C-octet string of 1 or 17 octets: nothing or a time.
    Time,
    /// At most 255 octets behind `sm_length`.
    ShortMessage,
    /// At most 255 destinations behind `number_of_dests`.
    DestAddresses,
    /// At most 255 refused destinations behind `no_unsuccess`.
    UnsuccessSmes,
}

/// A field as `Debug` prints it: never a password.
pub(super) fn shown<'v>(name: &str, value: &'v dyn fmt::Debug) -> &'v dyn fmt::Debug {
    match name {
        "password" => &Hidden,
        _ => value,
    }
}

struct Hidden;

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A row of the table for one mandatory field.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FieldRow {
    /// Its standard name.
    pub name: &'static str,
    /// What it looks like.
    pub form: FieldForm,
    /// What it is for.
    pub description: &'static str,
}

impl fmt::Display for FieldForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(octets) => write!(f, "integer, {octets}"),
            Self::Text(max) => write!(f, "C-octet string, max {max}"),
            Self::Time => f.write_str("C-octet string, 1 or 17"),
            Self::ShortMessage => f.write_str("`sm_length` (1) and 0 to 255 octets"),
            Self::DestAddresses => f.write_str("`number_of_dests` (1) and as many entries"),
            Self::UnsuccessSmes => f.write_str("`no_unsuccess` (1) and as many entries"),
        }
    }
}

/// A field of a body.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Field<'a> {
    /// Its standard name.
    pub name: &'a str,
    /// Its value.
    pub value: FieldValue<'a>,
    /// How many octets it takes on the wire, a NUL included.
    pub octets: usize,
}

/// Why a field cannot be set.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldError {
    /// The PDU has no such field.
    #[error("no such field")]
    Unknown,
    /// An entry of a list lacks a field that tells what it is.
    #[error("{field} missing or not valid in an entry")]
    Entry {
        /// Its name.
        field: &'static str,
    },
    /// A value of another type belongs there.
    #[error("{expected} belongs here")]
    Type {
        /// What belongs there.
        expected: &'static str,
    },
    /// A number that the field does not hold.
    #[error("{value} where at most {max} fits")]
    Range {
        /// The number.
        value: u32,
        /// The largest that fits.
        max: u32,
    },
    /// A text that the field does not hold.
    #[error(transparent)]
    Text(#[from] TextError),
    /// More octets or entries than the field holds.
    #[error("{length} where at most {max} fit")]
    TooLong {
        /// How many there are.
        length: usize,
        /// How many fit.
        max: usize,
    },
}

impl<'a> Field<'a> {
    pub(super) fn integer(name: &'a str, value: impl Into<u32>, octets: usize) -> Self {
        Self {
            name,
            value: FieldValue::Integer(value.into()),
            octets,
        }
    }

    pub(super) fn text(name: &'a str, text: &'a [u8]) -> Self {
        Self {
            name,
            value: FieldValue::Text(Cow::Borrowed(text)),
            octets: text.len() + 1,
        }
    }
}

/// The field of an entry with this name; none is the default.
pub(super) fn entry_field<'a, 'b>(entry: &'b [Field<'a>], name: &str) -> Option<&'b FieldValue<'a>> {
    entry
        .iter()
        .find(|field| field.name == name)
        .map(|field| &field.value)
}

impl FieldValue<'_> {
    /// A number of one octet.
    pub(super) fn to_octet(&self) -> Result<u8, FieldError> {
        match *self {
            Self::Integer(value) => u8::try_from(value).map_err(|_| FieldError::Range {
                value,
                max: u8::MAX.into(),
            }),
            _ => Err(FieldError::Type { expected: "a number" }),
        }
    }

    /// A number of four octets.
    pub(super) fn to_word(&self) -> Result<u32, FieldError> {
        match *self {
            Self::Integer(value) => Ok(value),
            _ => Err(FieldError::Type { expected: "a number" }),
        }
    }

    /// The characters of a text.
    pub(super) fn to_characters(&self) -> Result<&[u8], FieldError> {
        match self {
            Self::Text(text) => Ok(text),
            _ => Err(FieldError::Type { expected: "a text" }),
        }
    }
}

impl fmt::Display for FieldValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => value.fmt(f),
            Self::Text(text) => fmt::Debug::fmt(&*latin1(text), f),
            Self::Octets(octets) => octets.iter().try_for_each(|octet| write!(f, "{octet:02x}")),
            Self::List(entries) => write!(f, "{} entries", entries.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::pdu::{BindReceiver, Outbind, Pdu};

    #[test]
    fn what_is_printed_for_debugging_has_no_password() {
        let bind = BindReceiver {
            system_id: "acme".parse().unwrap(),
            password: "secret".parse().unwrap(),
            ..BindReceiver::default()
        };
        let outbind = Outbind {
            system_id: "acme".parse().unwrap(),
            password: "secret".parse().unwrap(),
            ..Outbind::default()
        };
        let printed = [
            format!("{bind:?}"),
            format!("{:?}", bind.view()),
            format!("{outbind:?}"),
            format!("{:?}", Pdu::from(bind)),
        ];
        for text in printed {
            assert!(text.contains("password: ***"), "{text}");
            // As text, and as the octets that a view has.
            assert!(!text.contains("secret") && !text.contains("115, 101"), "{text}");
        }
    }
}
