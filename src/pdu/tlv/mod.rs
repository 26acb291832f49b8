//! TLVs: the optional parameters behind the mandatory fields (3.4 section 5.3, 5.0 section 4.8).
//!
//! [`Tlvs`] keeps the region as it came: unknown and repeated TLVs and their order survive. Typed access goes
//! through the marker types of the table:
//!
//! ```
//! use bindery::pdu::{MessageState, Tlvs, tlv};
//!
//! let mut tlvs = Tlvs::default();
//! tlvs.put::<tlv::MessageState>(MessageState::DELIVERED)?;
//! assert_eq!(tlvs.get::<tlv::MessageState>(), Some(MessageState::DELIVERED));
//! # Ok::<(), bindery::pdu::TlvError>(())
//! ```

use std::fmt;

use bytes::Bytes;

use super::Quirk;
use super::code::code_point_traits;
use super::error::DecodeErrorKind;

mod encoding;
mod registry;
mod table;
pub mod value;

pub use registry::{CustomTlv, RegistryError, TlvRegistry};
pub use table::*;

/// The tag of a TLV.
#[derive(Clone, Copy, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TlvTag(u16);

impl TlvTag {
    /// Wraps a value of the wire.
    #[must_use]
    pub const fn new(value: u16) -> Self {
        Self(value)
    }

    /// The value on the wire.
    #[must_use]
    pub const fn value(self) -> u16 {
        self.0
    }

    /// True for the tags that 3.4 leaves to vendors (0x1400 to 0x3FFF).
    #[must_use]
    pub const fn is_vendor(self) -> bool {
        matches!(self.0, 0x1400..=0x3FFF)
    }

    /// The tag of a standard name such as `message_payload`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name = match name {
            "dest_port" => "destination_port",
            "alert_on_msg_delivery" => "alert_on_message_delivery",
            "failed_broadcast_area_identifier" => "broadcast_area_identifier",
            other => other,
        };
        Self::ALL.iter().copied().find(|tag| tag.name() == Some(name))
    }
}

code_point_traits!(TlvTag(u16));

/// What the value of a TLV consists of.
#[derive(Clone, Copy, Debug, serde::Deserialize, Eq, Hash, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum TlvKind {
    /// An unsigned integer.
    Integer,
    /// A text with its NUL.
    Text,
    /// Octets.
    Octets,
}

/// What the value of a TLV looks like: kind, and least and most octets.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct TlvShape {
    /// What the value consists of.
    pub kind: TlvKind,
    /// Least octets.
    pub min: usize,
    /// Most octets.
    pub max: usize,
    /// True when there are either `min` or `max` octets, and no number between. Octets of which there are `min` are
    /// a number then: `ms_validity` of 3.4 is one, that of 5.0 has a span behind it.
    pub only_ends: bool,
}

impl TlvShape {
    /// Any number of octets from `min` to `max`.
    #[must_use]
    pub const fn new(kind: TlvKind, min: usize, max: usize) -> Self {
        Self {
            kind,
            min,
            max,
            only_ends: false,
        }
    }

    /// An integer of one width.
    pub(super) const fn integer(octets: usize) -> Self {
        Self::new(TlvKind::Integer, octets, octets)
    }

    /// True when a value may have so many octets.
    #[must_use]
    #[inline]
    pub const fn allows(self, octets: usize) -> bool {
        octets >= self.min
            && octets <= self.max
            && (!self.only_ends || octets == self.min || octets == self.max)
    }

    /// What a value does wrong, and the switch that lets it pass.
    #[inline]
    pub(in crate::pdu) fn complaint(self, value: &[u8]) -> Option<(Quirk, DecodeErrorKind)> {
        let length = value.len();
        if !self.allows(length) {
            let quirk = if length == 0 {
                Quirk::EmptyTlv
            } else {
                Quirk::TlvLength
            };
            return Some((quirk, DecodeErrorKind::TlvLength { length }));
        }
        match self.kind {
            TlvKind::Text if value.last() != Some(&0) => {
                Some((Quirk::TlvMissingNul, DecodeErrorKind::Unterminated))
            }
            _ => None,
        }
    }
}

/// The lengths, in words: `2`, `1 to 65`, `1 or 4`.
impl fmt::Display for TlvShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.min, self.max) {
            (min, max) if min == max => write!(f, "{max}"),
            (min, max) if self.only_ends => write!(f, "{min} or {max}"),
            (min, max) => write!(f, "{min} to {max}"),
        }
    }
}

/// A row of the TLV table, as a type.
pub trait Tlv {
    /// Its tag.
    const TAG: TlvTag;
    /// Its standard name.
    const NAME: &'static str;
    /// What its value looks like.
    const SHAPE: TlvShape;
    /// The value in Rust.
    type Value<'a>;

    /// Reads the octets of a value; none when they are not one.
    fn read(octets: &[u8]) -> Option<Self::Value<'_>>;

    /// Appends the octets of a value.
    fn write(value: Self::Value<'_>, out: &mut Vec<u8>);
}

/// Why a TLV cannot be added.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("TLV {tag}: {length} octets where {expected} belong")]
#[non_exhaustive]
pub struct TlvError {
    /// Whose value it is.
    pub tag: TlvTag,
    /// Octets of the value.
    pub length: usize,
    /// How many it may have.
    pub expected: TlvShape,
}

/// Octets of tag and length.
const TLV_HEADER: usize = 4;

/// The TLVs of a PDU, borrowed; iterating never fails, because the region was checked.
#[derive(Clone, Copy, Default, Eq, Hash, PartialEq)]
pub struct TlvsView<'a> {
    raw: &'a [u8],
}

impl<'a> TlvsView<'a> {
    /// No TLV.
    pub const EMPTY: Self = Self { raw: &[] };

    /// A region that a reader walked.
    #[inline]
    pub(in crate::pdu) const fn checked(raw: &'a [u8]) -> Self {
        Self { raw }
    }

    /// The region on the wire.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.raw
    }

    /// True when there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.raw.is_empty()
    }

    /// Tags and values in the order of the wire.
    #[must_use]
    pub fn iter(self) -> TlvIter<'a> {
        TlvIter { rest: self.raw }
    }

    /// The octets of the first TLV with this tag.
    #[must_use]
    pub fn find(self, tag: TlvTag) -> Option<&'a [u8]> {
        self.iter()
            .find_map(|(other, value)| (other == tag).then_some(value))
    }

    /// The value of the first TLV of this type; none when it is absent or its octets are not such a value.
    #[must_use]
    pub fn get<T: Tlv>(self) -> Option<T::Value<'a>> {
        self.find(T::TAG).and_then(T::read)
    }

    /// An owned copy.
    #[must_use]
    pub fn to_tlvs(self) -> Tlvs {
        Tlvs::from_checked(Bytes::copy_from_slice(self.raw))
    }
}

impl<'a> IntoIterator for TlvsView<'a> {
    type Item = (TlvTag, &'a [u8]);
    type IntoIter = TlvIter<'a>;

    fn into_iter(self) -> TlvIter<'a> {
        self.iter()
    }
}

impl fmt::Debug for TlvsView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Iterates over tags and values.
#[derive(Clone, Debug)]
pub struct TlvIter<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for TlvIter<'a> {
    type Item = (TlvTag, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let ([t0, t1, l0, l1], rest) = self.rest.split_first_chunk::<TLV_HEADER>()?;
        let (value, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([*l0, *l1])))?;
        self.rest = rest;
        Some((TlvTag::new(u16::from_be_bytes([*t0, *t1])), value))
    }
}

/// The TLVs of a PDU, owned: the region as it stands on the wire.
#[derive(Clone, Default, Eq, Hash, PartialEq)]
pub struct Tlvs {
    // Invariant: never an empty region, so that equal ones compare equal. None costs nothing to build and to drop,
    // and is what most PDUs have.
    raw: Option<Bytes>,
}

impl Tlvs {
    /// No TLV.
    #[must_use]
    pub const fn new() -> Self {
        Self { raw: None }
    }

    #[inline]
    pub(in crate::pdu) fn from_checked(raw: Bytes) -> Self {
        Self {
            raw: (!raw.is_empty()).then_some(raw),
        }
    }

    /// Borrows them.
    #[must_use]
    #[inline]
    pub fn view(&self) -> TlvsView<'_> {
        TlvsView { raw: self.as_bytes() }
    }

    /// The region on the wire.
    #[must_use]
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        self.raw.as_deref().unwrap_or_default()
    }

    /// True when there is none.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.raw.is_none()
    }

    /// Tags and values in the order of the wire.
    #[must_use]
    pub fn iter(&self) -> TlvIter<'_> {
        self.view().iter()
    }

    /// The octets of the first TLV with this tag.
    #[must_use]
    pub fn find(&self, tag: TlvTag) -> Option<&[u8]> {
        self.view().find(tag)
    }

    /// The value of the first TLV of this type; none when it is absent or its octets are not such a value.
    #[must_use]
    pub fn get<T: Tlv>(&self) -> Option<T::Value<'_>> {
        self.view().get::<T>()
    }

    /// Sets a TLV: takes the place of those with the same tag, else goes to the end.
    ///
    /// # Errors
    ///
    /// A value of a length that the standard does not allow.
    pub fn put<T: Tlv>(&mut self, value: T::Value<'_>) -> Result<(), TlvError> {
        let octets = checked_octets::<T>(value)?;
        self.put_raw(T::TAG, &octets)
    }

    /// Adds a TLV at the end, also when there is one already.
    ///
    /// # Errors
    ///
    /// A value of a length that the standard does not allow.
    pub fn push<T: Tlv>(&mut self, value: T::Value<'_>) -> Result<(), TlvError> {
        let octets = checked_octets::<T>(value)?;
        self.push_raw(T::TAG, &octets)
    }

    /// Sets a TLV by its octets, whatever they are: takes the place of those with the same tag, else goes to
    /// the end.
    ///
    /// # Errors
    ///
    /// More than 65,535 octets.
    pub fn put_raw(&mut self, tag: TlvTag, value: &[u8]) -> Result<(), TlvError> {
        if self.find(tag).is_none() {
            return self.push_raw(tag, value);
        }
        let mut region = Vec::with_capacity(self.as_bytes().len() + value.len());
        let mut placed = false;
        for (other, old) in self.iter() {
            if other != tag {
                append(&mut region, other, old)?;
            } else if !placed {
                append(&mut region, tag, value)?;
                placed = true;
            }
        }
        *self = Self::from_checked(Bytes::from(region));
        Ok(())
    }

    /// Adds a TLV at the end by its octets, whatever they are.
    ///
    /// # Errors
    ///
    /// More than 65,535 octets.
    pub fn push_raw(&mut self, tag: TlvTag, value: &[u8]) -> Result<(), TlvError> {
        let mut region = self.raw.take().map(Vec::from).unwrap_or_default();
        let result = append(&mut region, tag, value);
        *self = Self::from_checked(Bytes::from(region));
        result
    }

    /// Takes away all TLVs with this tag; true when there was one.
    pub fn remove(&mut self, tag: TlvTag) -> bool {
        if self.find(tag).is_none() {
            return false;
        }
        let mut region = Vec::with_capacity(self.as_bytes().len());
        for (other, value) in self.iter().filter(|(other, _)| *other != tag) {
            // Cannot fail: the value came out of a region.
            let _ = append(&mut region, other, value);
        }
        *self = Self::from_checked(Bytes::from(region));
        true
    }
}

fn checked_octets<T: Tlv>(value: T::Value<'_>) -> Result<Vec<u8>, TlvError> {
    let mut octets = Vec::new();
    T::write(value, &mut octets);
    let length = octets.len();
    if !T::SHAPE.allows(length) {
        return Err(TlvError {
            tag: T::TAG,
            length,
            expected: T::SHAPE,
        });
    }
    Ok(octets)
}

fn append(region: &mut Vec<u8>, tag: TlvTag, value: &[u8]) -> Result<(), TlvError> {
    let length = u16::try_from(value.len()).map_err(|_| TlvError {
        tag,
        length: value.len(),
        expected: TlvShape::new(TlvKind::Octets, 0, usize::from(u16::MAX)),
    })?;
    region.reserve(TLV_HEADER + value.len());
    region.extend_from_slice(&tag.value().to_be_bytes());
    region.extend_from_slice(&length.to_be_bytes());
    region.extend_from_slice(value);
    Ok(())
}

impl<'a> IntoIterator for &'a Tlvs {
    type Item = (TlvTag, &'a [u8]);
    type IntoIter = TlvIter<'a>;

    fn into_iter(self) -> TlvIter<'a> {
        self.iter()
    }
}

impl fmt::Debug for Tlvs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.view(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdu::{CommandId, FieldValue, Leniency, view};

    #[test]
    fn ms_validity_has_one_octet_or_four() {
        let registry = TlvRegistry::new();
        for (octets, fits) in [
            (&b""[..], false),
            (&b"\x03"[..], true),
            (&b"\x03\0"[..], false),
            (&b"\x04\x01\0"[..], false),
            (&b"\x04\x01\0\x0A"[..], true),
            (&b"\x04\x01\0\x0A\0"[..], false),
        ] {
            let mut tlvs = Tlvs::new();
            let written = registry.put(
                CommandId::DATA_SM,
                &mut tlvs,
                "ms_validity",
                &FieldValue::Octets(octets.into()),
            );
            assert_eq!(written.is_ok(), fits, "{written:?}");

            let mut data_sm = b"\0\0\0\x1A\0\0\x01\x03\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0".to_vec();
            append(&mut data_sm, TlvTag::MS_VALIDITY, octets).unwrap();
            data_sm[3] = u8::try_from(data_sm.len()).unwrap();
            assert_eq!(view(&data_sm, &Leniency::strict()).is_ok(), fits, "{octets:x?}");
            assert!(view(&data_sm, &Leniency::default()).is_ok(), "{octets:x?}");
        }
        assert_eq!(TlvTag::MS_VALIDITY.shape().unwrap().to_string(), "1 or 4");
    }

    #[test]
    fn none_is_none_however_it_came_about() {
        let mut emptied = Tlvs::new();
        emptied.push_raw(TlvTag::MESSAGE_PAYLOAD, b"x").unwrap();
        assert!(emptied.remove(TlvTag::MESSAGE_PAYLOAD));
        let mut refused = Tlvs::new();
        assert!(refused.push_raw(TlvTag::MESSAGE_PAYLOAD, &[0; 65_536]).is_err());
        for tlvs in [
            emptied,
            refused,
            TlvsView::EMPTY.to_tlvs(),
            Tlvs::from_checked(Bytes::new()),
        ] {
            assert_eq!(tlvs, Tlvs::new());
            assert!(tlvs.is_empty() && tlvs.view().is_empty());
        }
    }
}
