//! How the values of TLVs stand on the wire: integers, octets, texts.

use std::time::Duration;

use super::{TlvKind, TlvShape};
use crate::pdu::{CommandStatus, InterfaceVersion, MessageState};

/// A type of value; its name in the TLV table is not always the type that Rust code gets.
pub trait Value {
    /// What its octets look like.
    const SHAPE: TlvShape;

    /// The value in Rust.
    type View<'a>;

    /// Reads the octets of a value; none when they are not one.
    fn read(octets: &[u8]) -> Option<Self::View<'_>>;

    /// Appends the octets of a value.
    fn write(value: Self::View<'_>, out: &mut Vec<u8>);
}

/// Integers of one width.
macro_rules! integer_values {
    ($($type:ty, $raw:ty;)*) => { $(
        impl $crate::pdu::tlv::encoding::Value for $type {
            const SHAPE: $crate::pdu::tlv::TlvShape = $crate::pdu::tlv::TlvShape::integer(size_of::<$raw>());
            type View<'a> = Self;

            fn read(octets: &[u8]) -> Option<Self> {
                octets.try_into().ok().map(|octets| Self::from(<$raw>::from_be_bytes(octets)))
            }

            fn write(value: Self, out: &mut Vec<u8>) {
                out.extend_from_slice(&<$raw>::from(value).to_be_bytes());
            }
        }
    )* };
}

pub(super) use integer_values;

integer_values! {
    u8, u8;
    u16, u16;
    u32, u32;
    MessageState, u8;
    InterfaceVersion, u8;
    CommandStatus, u32;
}

/// Octets as they are.
#[derive(Debug)]
pub struct Octets<const MIN: usize, const MAX: usize>;

impl<const MIN: usize, const MAX: usize> Value for Octets<MIN, MAX> {
    const SHAPE: TlvShape = TlvShape::new(TlvKind::Octets, MIN, MAX);
    type View<'a> = &'a [u8];

    fn read(octets: &[u8]) -> Option<&[u8]> {
        Some(octets)
    }

    fn write(value: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(value);
    }
}

/// A text; the NUL may be missing when it comes in and is written when it goes out.
#[derive(Debug)]
pub struct Text<const MIN: usize, const MAX: usize>;

impl<const MIN: usize, const MAX: usize> Value for Text<MIN, MAX> {
    const SHAPE: TlvShape = TlvShape::new(TlvKind::Text, MIN, MAX);
    type View<'a> = &'a [u8];

    fn read(octets: &[u8]) -> Option<&[u8]> {
        octets.split(|&octet| octet == 0).next()
    }

    fn write(value: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(value);
        out.push(0);
    }
}

/// One octet that some peers write as two.
#[derive(Debug)]
pub struct OneOrTwo;

impl Value for OneOrTwo {
    const SHAPE: TlvShape = TlvShape::new(TlvKind::Integer, 1, 2);
    type View<'a> = u8;

    fn read(octets: &[u8]) -> Option<u8> {
        match octets {
            [value] | [0, value] => Some(*value),
            _ => None,
        }
    }

    fn write(value: u8, out: &mut Vec<u8>) {
        out.push(value);
    }
}

/// Whole seconds in four octets; what is longer than they can say becomes the longest.
#[derive(Debug)]
pub struct Seconds;

impl Value for Seconds {
    const SHAPE: TlvShape = TlvShape::integer(4);
    type View<'a> = Duration;

    fn read(octets: &[u8]) -> Option<Duration> {
        u32::read(octets).map(|seconds| Duration::from_secs(seconds.into()))
    }

    fn write(value: Duration, out: &mut Vec<u8>) {
        u32::write(u32::try_from(value.as_secs()).unwrap_or(u32::MAX), out);
    }
}

/// A TLV that counts by being there; 5.0 may put one octet into it.
#[derive(Debug)]
pub struct Alert;

impl Value for Alert {
    const SHAPE: TlvShape = TlvShape::new(TlvKind::Integer, 0, 1);
    type View<'a> = Option<u8>;

    fn read(octets: &[u8]) -> Option<Option<u8>> {
        match octets {
            [] => Some(None),
            [value] => Some(Some(*value)),
            _ => None,
        }
    }

    fn write(value: Option<u8>, out: &mut Vec<u8>) {
        out.extend(value);
    }
}
