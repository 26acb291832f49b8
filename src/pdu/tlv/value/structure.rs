//! The TLV values that have parts.

use crate::pdu::tlv::encoding::Value;
use crate::pdu::tlv::{TlvKind, TlvShape};
use crate::pdu::{DataCoding, Npi, Ton};

/// An error code of a network (3.4 section 5.3.2.31).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct NetworkErrorCode {
    /// Whose code it is: 1 ANSI-136, 2 IS-95, 3 GSM; 5.0 adds 4 and 5 for their causes, 6 ANSI-41, 7 SMPP,
    /// 8 the message centre's own.
    pub network_type: u8,
    /// The code.
    pub error_code: u16,
}

impl Value for NetworkErrorCode {
    const SHAPE: TlvShape = TlvShape::new(TlvKind::Octets, 3, 3);
    type View<'a> = Self;

    fn read(octets: &[u8]) -> Option<Self> {
        let &[network_type, high, low] = octets else {
            return None;
        };
        Some(Self {
            network_type,
            error_code: u16::from_be_bytes([high, low]),
        })
    }

    fn write(value: Self, out: &mut Vec<u8>) {
        out.push(value.network_type);
        out.extend_from_slice(&value.error_code.to_be_bytes());
    }
}

/// A subaddress (3.4 section 5.3.2.15).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Subaddress<'a> {
    /// What kind: 0x80 NSAP even, 0x88 NSAP odd, 0xA0 user specified.
    pub kind: u8,
    /// The subaddress.
    pub octets: &'a [u8],
}

impl Value for Subaddress<'_> {
    const SHAPE: TlvShape = TlvShape::new(TlvKind::Octets, 2, 23);
    type View<'a> = Subaddress<'a>;

    fn read(octets: &[u8]) -> Option<Subaddress<'_>> {
        octets
            .split_first()
            .map(|(&kind, octets)| Subaddress { kind, octets })
    }

    fn write(value: Subaddress<'_>, out: &mut Vec<u8>) {
        out.push(value.kind);
        out.extend_from_slice(value.octets);
    }
}

/// A number to call back (3.4 section 5.3.2.36).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct CallbackNum<'a> {
    /// How the digits are written: 0 DTMF (TBCD), 1 ASCII.
    pub digit_mode: u8,
    /// Type of number.
    pub ton: Ton,
    /// Numbering plan.
    pub npi: Npi,
    /// The digits.
    pub digits: &'a [u8],
}

impl Value for CallbackNum<'_> {
    const SHAPE: TlvShape = TlvShape::new(TlvKind::Octets, 4, 19);
    type View<'a> = CallbackNum<'a>;

    fn read(octets: &[u8]) -> Option<CallbackNum<'_>> {
        let [digit_mode, ton, npi, digits @ ..] = octets else {
            return None;
        };
        Some(CallbackNum {
            digit_mode: *digit_mode,
            ton: Ton::new(*ton),
            npi: Npi::new(*npi),
            digits,
        })
    }

    fn write(value: CallbackNum<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(&[value.digit_mode, value.ton.value(), value.npi.value()]);
        out.extend_from_slice(value.digits);
    }
}

/// The text that goes with a number to call back (3.4 section 5.3.2.38).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct CallbackNumAtag<'a> {
    /// How the text is to be read.
    pub data_coding: DataCoding,
    /// The text.
    pub text: &'a [u8],
}

impl Value for CallbackNumAtag<'_> {
    const SHAPE: TlvShape = TlvShape::new(TlvKind::Octets, 1, 65);
    type View<'a> = CallbackNumAtag<'a>;

    fn read(octets: &[u8]) -> Option<CallbackNumAtag<'_>> {
        let (&data_coding, text) = octets.split_first()?;
        Some(CallbackNumAtag {
            data_coding: DataCoding::new(data_coding),
            text,
        })
    }

    fn write(value: CallbackNumAtag<'_>, out: &mut Vec<u8>) {
        out.push(value.data_coding.value());
        out.extend_from_slice(value.text);
    }
}

/// What a broadcast is about (5.0 section 4.8.4.7).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct BroadcastContentType {
    /// Whose numbers these are: 0 generic, 1 GSM, 2 TDMA, 3 CDMA.
    pub network_type: u8,
    /// The content, such as 0x0033 for the weather.
    pub content: u16,
}

impl Value for BroadcastContentType {
    const SHAPE: TlvShape = TlvShape::new(TlvKind::Octets, 3, 3);
    type View<'a> = Self;

    fn read(octets: &[u8]) -> Option<Self> {
        let &[network_type, high, low] = octets else {
            return None;
        };
        Some(Self {
            network_type,
            content: u16::from_be_bytes([high, low]),
        })
    }

    fn write(value: Self, out: &mut Vec<u8>) {
        out.push(value.network_type);
        out.extend_from_slice(&value.content.to_be_bytes());
    }
}

/// The time between two repetitions of a broadcast (5.0 section 4.8.4.8).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct FrequencyInterval {
    /// The unit: 0x00 as often as possible, 0x08 seconds, 0x09 minutes, 0x0A hours, 0x0B days, 0x0C weeks,
    /// 0x0D months, 0x0E years.
    pub unit: u8,
    /// How many of them.
    pub count: u16,
}

impl Value for FrequencyInterval {
    const SHAPE: TlvShape = TlvShape::new(TlvKind::Octets, 3, 3);
    type View<'a> = Self;

    fn read(octets: &[u8]) -> Option<Self> {
        let &[unit, high, low] = octets else { return None };
        Some(Self {
            unit,
            count: u16::from_be_bytes([high, low]),
        })
    }

    fn write(value: Self, out: &mut Vec<u8>) {
        out.push(value.unit);
        out.extend_from_slice(&value.count.to_be_bytes());
    }
}

/// An area of a broadcast (5.0 section 4.8.4.4).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct BroadcastArea<'a> {
    /// How it is given: 0 a name, 1 an ellipsoid arc, 2 a polygon (3GPP 23.032).
    pub format: u8,
    /// The area.
    pub details: &'a [u8],
}

impl Value for BroadcastArea<'_> {
    const SHAPE: TlvShape = TlvShape::new(TlvKind::Octets, 1, 101);
    type View<'a> = BroadcastArea<'a>;

    fn read(octets: &[u8]) -> Option<BroadcastArea<'_>> {
        octets
            .split_first()
            .map(|(&format, details)| BroadcastArea { format, details })
    }

    fn write(value: BroadcastArea<'_>, out: &mut Vec<u8>) {
        out.push(value.format);
        out.extend_from_slice(value.details);
    }
}

/// How long a handset keeps a message (3.4 section 5.3.2.27, 5.0 section 4.8.4.38).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct MsValidity {
    /// What ends it: 0 never, the default, 1 power down, 2 leaving the registration area, 3 display only; 5.0
    /// adds 4, a span.
    pub behaviour: u8,
    /// The span, which goes with a behaviour of 4 alone: unit (0 seconds, 1 minutes, 2 hours, 3 days, 4 weeks,
    /// 5 months, 6 years) and how many.
    pub span: Option<(u8, u16)>,
}

impl Value for MsValidity {
    const SHAPE: TlvShape = TlvShape {
        only_ends: true,
        ..TlvShape::new(TlvKind::Octets, 1, 4)
    };
    type View<'a> = Self;

    fn read(octets: &[u8]) -> Option<Self> {
        match *octets {
            [behaviour] => Some(Self {
                behaviour,
                span: None,
            }),
            [behaviour, unit, high, low] => Some(Self {
                behaviour,
                span: Some((unit, u16::from_be_bytes([high, low]))),
            }),
            _ => None,
        }
    }

    fn write(value: Self, out: &mut Vec<u8>) {
        out.push(value.behaviour);
        if let Some((unit, count)) = value.span {
            out.push(unit);
            out.extend_from_slice(&count.to_be_bytes());
        }
    }
}

/// Place in an interactive teleservice session (3.4 section 5.3.2.43).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct ItsSessionInfo {
    /// The session.
    pub session: u8,
    /// The number of the dialogue unit, 0 to 127.
    pub sequence: u8,
    /// True for the last one.
    pub is_last: bool,
}

impl Value for ItsSessionInfo {
    const SHAPE: TlvShape = TlvShape::new(TlvKind::Octets, 2, 2);
    type View<'a> = Self;

    fn read(octets: &[u8]) -> Option<Self> {
        let &[session, place] = octets else { return None };
        Some(Self {
            session,
            sequence: place >> 1,
            is_last: place & 1 == 1,
        })
    }

    fn write(value: Self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[value.session, value.sequence << 1 | u8::from(value.is_last)]);
    }
}
