//! rusmpp 0.4.0.

use std::hint::black_box;
use std::str::FromStr;

use bindery_peers::Case;
use bytes::BytesMut;
use rusmpp::pdus::{DeliverSm, SubmitSm, SubmitSmResp};
use rusmpp::tokio_codec::CommandCodec;
use rusmpp::types::{COctetString, OctetString};
use rusmpp::values::{EsmClass, Npi, RegisteredDelivery, Ton};
use rusmpp::{Command, CommandStatus, Pdu};
use tokio_util::codec::{Decoder, Encoder};

use crate::pdus::{Kind, MESSAGE_ID, TEXT, mixed};
use crate::{Frames, work};

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
    CommandCodec::new()
        .decode(&mut BytesMut::from(frame))
        .unwrap()
        .unwrap()
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

/// Reads from a stream, as a connection does; refilling it is spread over many PDUs.
fn decoding(stream: Vec<u8>) -> impl FnMut() {
    let stream = BytesMut::from(stream.as_slice());
    let mut rest = stream.clone();
    let mut codec = CommandCodec::new();
    move || {
        if rest.is_empty() {
            rest = stream.clone();
        }
        black_box(&codec.decode(black_box(&mut rest)).unwrap().unwrap());
    }
}

fn enquire_link() -> Command {
    Command::new(CommandStatus::EsmeRok, 1, Pdu::EnquireLink)
}

fn encoding_mixed(deliver_sm: &Command, expected: &[u8]) -> impl FnMut() -> usize + use<> {
    let response = SubmitSmResp::builder()
        .message_id(COctetString::from_str(MESSAGE_ID).unwrap())
        .build();
    let kept: Vec<Command> = mixed()
        .into_iter()
        .map(|kind| match kind {
            Kind::Response => Command::new(CommandStatus::EsmeRok, 1, response.clone()),
            Kind::Delivery => deliver_sm.clone(),
            Kind::Enquiry => enquire_link(),
        })
        .collect();
    let mut out = BytesMut::with_capacity(expected.len());
    let mut codec = CommandCodec::new();
    let mut encode_all = move |out: &mut BytesMut| {
        out.clear();
        for command in black_box(&kept) {
            codec.encode(command, out).unwrap();
        }
    };
    encode_all(&mut out);
    assert_eq!(out, expected, "rusmpp writes another stream");
    move || {
        encode_all(&mut out);
        black_box(&out).len()
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
    let pdus = mixed().len();
    vec![
        Case::new(work::SUBMIT_BUILD, WHO, encoding(submit_sm)),
        Case::new(work::SUBMIT_ENCODE, WHO, encoding_kept(submit_sm())),
        Case::new(work::SUBMIT_DECODE, WHO, decoding(frames.submit_sm.repeat(100))),
        Case::new(work::DELIVER_ENCODE, WHO, encoding_kept(deliver_sm.clone())),
        Case::new(work::DELIVER_DECODE, WHO, decoding(frames.deliver_sm.repeat(100))),
        Case::new(work::ENQUIRE_ENCODE, WHO, encoding(enquire_link)),
        Case::new(
            work::ENQUIRE_DECODE,
            WHO,
            decoding(frames.enquire_link.repeat(100)),
        ),
        Case::new(
            work::MIXED_ENCODE,
            WHO,
            encoding_mixed(&deliver_sm, &frames.mixed),
        )
        .things(pdus),
        // One PDU a run, and the kinds come in their turn.
        Case::new(work::MIXED_DECODE, WHO, decoding(frames.mixed.clone())),
    ]
}
