//! How the values of TLVs stand on the wire.

use crate::pdu::{CommandStatus, InterfaceVersion, MessageState};

/// How a Rust type stands in a TLV.
pub trait Value {
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
        impl Value for $type {
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
pub struct Octets;

impl Value for Octets {
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
pub struct Text;

impl Value for Text {
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

/// A TLV that counts by being there; 5.0 may put one octet into it.
#[derive(Debug)]
pub struct Flag;

impl Value for Flag {
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
