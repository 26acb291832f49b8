//! The words of SMPP 3.3, 3.4 and 5.0, and how they stand on the wire.
//!
//! A stream is cut into frames first ([`frame_length`]); only then is a frame read, as a borrowed and checked
//! [`View`] ([`view`]) or as an owned value ([`decode`]). What is odd in a body never moves the boundary of a
//! frame. Reading puts up with what real message centres send ([`Leniency`]) and says what it was
//! ([`Faults`]); [`encode`] writes only what the standard allows.

mod code;
mod command;
mod decode;
mod encode;
mod error;
mod field;
mod header;
mod leniency;
mod lists;
mod macros;
mod meaning;
mod names;
mod quick;
mod reader;
mod reflect;
mod states;
mod status;
mod table;
mod text;
pub mod time;
pub mod tlv;
mod wire;

pub use command::CommandId;
pub(crate) use decode::plain_submit_sm_resp;
pub use decode::{Decoded, PlacedField, View, decode, view};
pub use encode::{Body, encode, encode_whole, encode_without_body};
pub use error::{DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind, field_status};
pub use field::{
    DataCoding, DataCodingGroup, EsmClass, InterfaceVersion, MessageState, MessageType, Npi, PriorityFlag,
    RegisteredDelivery, Ton,
};
pub use header::{FramingError, Header, SequenceNumber, frame_length};
pub use leniency::{Faults, Leniency, Quirk};
pub use lists::{DestAddress, DestAddressView, Entry, ListView, UnsuccessSme, UnsuccessSmeView};
pub use meaning::meaning;
pub use reflect::{Field, FieldError, FieldForm, FieldRow, FieldValue};
pub use states::States;
pub use status::{CommandStatus, StatusClass, StatusClasses};
pub use table::*;
pub(crate) use text::padded;
pub use text::{COctetString, OctetString, TextError, latin1, to_latin1};
pub use tlv::{Tlv, TlvError, TlvIter, TlvKind, TlvRegistry, TlvShape, TlvTag, Tlvs, TlvsView};
pub use wire::Wire;

/// The largest frame that is taken unless a setting says otherwise: a message_payload of 64 KiB and its fields.
pub const MAX_COMMAND_LENGTH: usize = 70_000;
#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap())
            .collect()
    }

    #[test]
    fn a_submit_sm_goes_out_as_it_came_in() {
        let octets = hex(
            "0000003400000004000000000000000300050053686f7000010134313739303030303030000000000000010000000548656c6c6f",
        );
        let seen = view(&octets, &Leniency::strict()).unwrap();
        let PduView::SubmitSm(body) = seen.body else {
            panic!("{seen:?}")
        };
        assert_eq!(
            (body.source_addr, body.short_message),
            (&b"Shop"[..], &b"Hello"[..])
        );
        let mut out = Vec::new();
        seen.body
            .encode(seen.header.command_status, seen.header.sequence_number, &mut out)
            .unwrap();
        assert_eq!(out, octets);
    }
}
