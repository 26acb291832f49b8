//! rusmpp 0.4.0.

use std::hint::black_box;
use std::str::FromStr;

use bytes::BytesMut;
use rusmpp::pdus::{DeliverSm, SubmitSm};
use rusmpp::tokio_codec::CommandCodec;
use rusmpp::types::{COctetString, OctetString};
use rusmpp::values::{EsmClass, Npi, RegisteredDelivery, Ton};
use rusmpp::{Command, CommandStatus, Pdu};
use tokio_util::codec::{Decoder, Encoder};

use crate::{Case, Frames, TEXT};

const WHO: &str = "rusmpp";

fn submit_sm() -> Command {
    let pdu = SubmitSm::builder()
        .source_addr_ton(Ton::Alphanumeric)
        .source_addr(COctetString::from_str(black_box("Shop")).unwrap())
        .dest_addr_ton(Ton::International)
        .dest_addr_npi(Npi::Isdn)
        .destination_addr(COctetString::from_str(black_box("447700900123")).unwrap())
        .esm_class(EsmClass::from(0))
        .registered_delivery(RegisteredDelivery::from(1))
        .short_message(OctetString::from_str(black_box(TEXT)).unwrap())
        .build();
    Command::new(CommandStatus::EsmeRok, 1, pdu)
}

fn encode(command: &Command, out: &mut BytesMut) {
    out.clear();
    CommandCodec::new().encode(command, out).unwrap();
}

fn decoded(frame: &[u8]) -> Command {
    CommandCodec::new().decode(&mut BytesMut::from(frame)).unwrap().unwrap()
}

fn encoding(mut command: impl FnMut() -> Command) -> impl FnMut() -> usize {
    let mut out = BytesMut::with_capacity(4096);
    move || {
        encode(&command(), &mut out);
        black_box(&out).len()
    }
}

fn encoding_kept(command: Command) -> impl FnMut() -> usize {
    let mut out = BytesMut::with_capacity(4096);
    move || {
        encode(black_box(&command), &mut out);
        black_box(&out).len()
    }
}

/// Reads from a long stream, as a connection does; refilling it is spread over many PDUs.
fn decoding(frame: &[u8]) -> impl FnMut() + use<> {
    let stream = BytesMut::from(frame.repeat(1_000).as_slice());
    let mut rest = stream.clone();
    let mut codec = CommandCodec::new();
    move || {
        if rest.is_empty() {
            rest = stream.clone();
        }
        black_box(&codec.decode(black_box(&mut rest)).unwrap().unwrap());
    }
}

pub fn cases(frames: &Frames) -> Vec<Case> {
    let mut out = BytesMut::new();
    encode(&submit_sm(), &mut out);
    assert_eq!(out, frames.submit_sm, "rusmpp writes another submit_sm");
    let deliver_sm = decoded(&frames.deliver_sm);
    encode(&deliver_sm, &mut out);
    assert_eq!(out, frames.deliver_sm, "rusmpp writes another deliver_sm");
    assert!(matches!(deliver_sm.pdu(), Some(Pdu::DeliverSm(DeliverSm { .. }))));
    vec![
        Case::new("submit_sm build + encode", WHO, encoding(submit_sm)),
        Case::new("submit_sm encode", WHO, encoding_kept(submit_sm())),
        Case::new("submit_sm decode", WHO, decoding(&frames.submit_sm)),
        Case::new("deliver_sm encode", WHO, encoding_kept(deliver_sm)),
        Case::new("deliver_sm decode", WHO, decoding(&frames.deliver_sm)),
        Case::new("enquire_link encode", WHO, encoding(|| Command::new(CommandStatus::EsmeRok, 1, Pdu::EnquireLink))),
        Case::new("enquire_link decode", WHO, decoding(&frames.enquire_link)),
    ]
}
