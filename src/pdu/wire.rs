//! How each type of field stands on the wire: read, owned, checked, written.

use std::fmt::Debug;

use bytes::Bytes;

use super::error::{DecodeErrorKind, EncodeErrorKind};
use super::reader::{Input, Stop, scan};
use super::reflect::{Field, FieldError, FieldForm, FieldValue};
use super::text::{COctetString, INLINE, OctetString, first_nul, padded};
use super::{
    CommandStatus, DataCoding, EsmClass, InterfaceVersion, MessageState, Npi, PriorityFlag, Quirk,
    RegisteredDelivery, Tlvs, TlvsView, Ton, time,
};

/// What went wrong with which field while encoding.
pub(super) type Misfit = (&'static str, EncodeErrorKind);

/// A type of field.
pub trait Wire: Sized {
    /// What it looks like.
    const FORM: FieldForm;

    /// The field inside a view.
    type View<'a>: Copy + Debug + Default + PartialEq;

    /// Reads it off a frame.
    fn read<'a>(reader: &mut impl Input<'a>, field: &'static str) -> Result<Self::View<'a>, Stop>;

    /// Borrows the owned value.
    fn borrow(&self) -> Self::View<'_>;

    /// Owns a borrowed value.
    fn own(view: Self::View<'_>, source: Source<'_>) -> Self;

    /// Appends it, checking that it fits.
    fn write(view: Self::View<'_>, field: &'static str, out: &mut Vec<u8>) -> Result<(), Misfit>;

    /// Adds name, value and size, with the counter that stands in front where there is one.
    fn describe<'a>(view: Self::View<'a>, field: &'static str, out: &mut Vec<Field<'a>>);

    /// Builds it from a value of any type.
    fn from_value(value: &FieldValue<'_>) -> Result<Self, FieldError>;
}

/// Where owned octets come from.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// Slices of this frame, where they lie in it.
    Frame(&'a Bytes),
    /// Copies.
    Copies,
}

impl Source<'_> {
    #[inline]
    pub(super) fn take(self, octets: &[u8]) -> Bytes {
        if octets.is_empty() {
            return Bytes::new();
        }
        self.take_some(octets)
    }

    /// The TLVs of a region that a reader walked.
    #[inline]
    pub(super) fn take_tlvs(self, view: TlvsView<'_>) -> Tlvs {
        if view.is_empty() {
            return Tlvs::new();
        }
        Tlvs::from_checked(self.take_some(view.as_bytes()))
    }

    fn take_some(self, octets: &[u8]) -> Bytes {
        if let Self::Frame(frame) = self {
            let start = (octets.as_ptr() as usize).wrapping_sub(frame.as_ptr() as usize);
            let end = start.checked_add(octets.len());
            if let Some(end) = end.filter(|end| *end <= frame.len()) {
                return frame.slice(start..end);
            }
        }
        Bytes::copy_from_slice(octets)
    }
}

/// Fields of one octet, each with the leniency that a value needs.
macro_rules! octet_fields {
    ($($type:ty, $needs:expr;)*) => { $(
        impl Wire for $type {
            const FORM: FieldForm = FieldForm::Integer(1);
            type View<'a> = Self;

            #[inline]
            fn read<'a>(reader: &mut impl Input<'a>, field: &'static str) -> Result<Self, Stop> {
                let needs: fn(Self) -> Option<Quirk> = $needs;
                let octet = reader.checked_octet(field, |reader, octet| match needs(Self::from(octet)) {
                    None => Ok(()),
                    Some(quirk) => {
                        reader.tolerate(quirk, field, DecodeErrorKind::ReservedValue { value: octet.into() })
                    }
                })?;
                Ok(Self::from(octet))
            }

            #[inline]
            fn borrow(&self) -> Self {
                *self
            }

            #[inline]
            fn own(view: Self, _: Source<'_>) -> Self {
                view
            }

            #[inline]
            fn write(view: Self, _: &'static str, out: &mut Vec<u8>) -> Result<(), Misfit> {
                out.push(view.into());
                Ok(())
            }

            fn describe<'a>(view: Self, field: &'static str, out: &mut Vec<Field<'a>>) {
                out.push(Field::integer(field, u8::from(view), 1));
            }

            fn from_value(value: &FieldValue<'_>) -> Result<Self, FieldError> {
                value.to_octet().map(Self::from)
            }
        }
    )* };
}

octet_fields! {
    u8, |_| None;
    EsmClass, |_| None;
    InterfaceVersion, |_| None;
    MessageState, |_| None;
    PriorityFlag, |_| None;
    RegisteredDelivery, |_| None;
    DataCoding, |value| value.is_reserved().then_some(Quirk::ReservedDataCoding);
    Ton, |value| value.is_reserved().then_some(Quirk::ReservedAddressType);
    Npi, |value| value.is_reserved().then_some(Quirk::ReservedAddressType);
}

impl Wire for CommandStatus {
    const FORM: FieldForm = FieldForm::Integer(4);
    type View<'a> = Self;

    #[inline]
    fn read<'a>(reader: &mut impl Input<'a>, field: &'static str) -> Result<Self, Stop> {
        reader.word(field).map(Self::new)
    }

    fn borrow(&self) -> Self {
        *self
    }

    fn own(view: Self, _: Source<'_>) -> Self {
        view
    }

    fn write(view: Self, _: &'static str, out: &mut Vec<u8>) -> Result<(), Misfit> {
        out.extend_from_slice(&view.value().to_be_bytes());
        Ok(())
    }

    fn describe<'a>(view: Self, field: &'static str, out: &mut Vec<Field<'a>>) {
        out.push(Field::integer(field, view.value(), 4));
    }

    fn from_value(value: &FieldValue<'_>) -> Result<Self, FieldError> {
        value.to_word().map(Self::new)
    }
}

impl<const MAX: usize> Wire for COctetString<MAX> {
    const FORM: FieldForm = if MAX == time::MAX {
        FieldForm::Time
    } else {
        FieldForm::Text(MAX)
    };
    type View<'a> = &'a [u8];

    #[inline]
    fn read<'a>(reader: &mut impl Input<'a>, field: &'static str) -> Result<&'a [u8], Stop> {
        if MAX == time::MAX {
            reader.time(field)
        } else {
            reader.text(field, MAX)
        }
    }

    #[inline]
    fn borrow(&self) -> &[u8] {
        self.as_bytes()
    }

    #[inline]
    fn own(view: &[u8], _: Source<'_>) -> Self {
        Self::keep(view)
    }

    #[inline]
    fn write(view: &[u8], field: &'static str, out: &mut Vec<u8>) -> Result<(), Misfit> {
        if view.len() >= MAX {
            return Err((
                field,
                EncodeErrorKind::TooLong {
                    length: view.len(),
                    max: MAX - 1,
                },
            ));
        }
        if view.is_empty() {
            out.push(0);
            return Ok(());
        }
        if write_text(view, out) {
            Ok(())
        } else {
            Err((field, EncodeErrorKind::Nul))
        }
    }

    fn describe<'a>(view: &'a [u8], field: &'static str, out: &mut Vec<Field<'a>>) {
        out.push(Field::text(field, view));
    }

    fn from_value(value: &FieldValue<'_>) -> Result<Self, FieldError> {
        Ok(Self::from_octets(value.to_characters()?)?)
    }
}

impl Wire for OctetString {
    const FORM: FieldForm = FieldForm::ShortMessage;
    type View<'a> = &'a [u8];

    #[inline]
    fn read<'a>(reader: &mut impl Input<'a>, _: &'static str) -> Result<&'a [u8], Stop> {
        reader.short_message()
    }

    #[inline]
    fn borrow(&self) -> &[u8] {
        self
    }

    #[inline]
    fn own(view: &[u8], source: Source<'_>) -> Self {
        Self::from(source.take(view))
    }

    #[inline]
    fn write(view: &[u8], field: &'static str, out: &mut Vec<u8>) -> Result<(), Misfit> {
        out.push(count(view.len(), field)?);
        out.extend_from_slice(view);
        Ok(())
    }

    fn describe<'a>(view: &'a [u8], field: &'static str, out: &mut Vec<Field<'a>>) {
        out.push(Field::integer("sm_length", counted(view.len()), 1));
        out.push(Field {
            name: field,
            value: FieldValue::Octets(view.into()),
            octets: view.len(),
        });
    }

    fn from_value(value: &FieldValue<'_>) -> Result<Self, FieldError> {
        match value {
            FieldValue::Octets(octets) if octets.len() > usize::from(u8::MAX) => Err(FieldError::TooLong {
                length: octets.len(),
                max: usize::from(u8::MAX),
            }),
            FieldValue::Octets(octets) => Ok(Self::from(&**octets)),
            _ => Err(FieldError::Type { expected: "octets" }),
        }
    }
}

/// Appends a text and its NUL; false when there is a NUL inside.
// A short one as words with zeros behind it, of which those that are too many are taken back: a copy of a size
// that is not known costs a call.
fn write_text(text: &[u8], out: &mut Vec<u8>) -> bool {
    let end = out.len() + text.len() + 1;
    if text.len() > INLINE {
        out.extend_from_slice(text);
        out.push(0);
        return scan(text).0 == text.len();
    }
    let words = padded(text);
    out.extend_from_slice(words.map(u64::to_le_bytes).as_flattened());
    out.truncate(end);
    first_nul(words) == text.len()
}

/// The same for describing, where nothing can fail.
pub(super) fn counted(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// A number of octets or entries that one octet announces.
pub(super) fn count(length: usize, field: &'static str) -> Result<u8, Misfit> {
    u8::try_from(length).map_err(|_| {
        (
            field,
            EncodeErrorKind::TooLong {
                length,
                max: usize::from(u8::MAX),
            },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &[u8]) -> Result<Vec<u8>, Misfit> {
        let mut out = vec![0xEE; 3];
        COctetString::<65>::write(text, "message_id", &mut out)?;
        Ok(out.split_off(3))
    }

    #[test]
    fn texts_of_every_length_are_written_with_one_nul() {
        let octets: Vec<u8> = (1..65).rev().collect();
        for length in 0..=octets.len() {
            let text = &octets[..length];
            assert_eq!(written(text), Ok([text, &[0]].concat()));
        }
    }

    #[test]
    fn a_text_with_a_nul_inside_is_not_written() {
        for length in 1..65 {
            for position in 0..length {
                let mut text = vec![0xFF; length];
                text[position] = 0;
                assert_eq!(
                    written(&text),
                    Err(("message_id", EncodeErrorKind::Nul)),
                    "{text:02x?}"
                );
            }
        }
        let kind = EncodeErrorKind::TooLong { length: 65, max: 64 };
        assert_eq!(written(&[b'x'; 65]), Err(("message_id", kind)));
    }
}
