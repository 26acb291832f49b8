//! smpp-codec 0.2.1. It reads no more of an enquire_link than its sequence number.

use std::hint::black_box;

use bindery_peers::Case;
use smpp_codec::common::{CMD_DELIVER_SM, CMD_SUBMIT_SM_RESP, Npi, Ton};
use smpp_codec::pdus::{DeliverSmRequest, EnquireLinkRequest, SubmitSmRequest, SubmitSmResponse};

use crate::pdus::{TEXT, mixed};
use crate::{Frames, cut, work};

const WHO: &str = "smpp-codec";

fn submit_sm() -> SubmitSmRequest {
    let mut request = SubmitSmRequest::new(
        1,
        black_box("Shop").to_owned(),
        black_box("447700900123").to_owned(),
        black_box(TEXT).as_bytes().to_vec(),
    );
    request.source_addr_ton = Ton::Alphanumeric;
    request.dest_addr_ton = Ton::International;
    request.dest_addr_npi = Npi::Isdn;
    request.registered_delivery = 1;
    request
}

/// Encodes into a buffer that is reused.
fn encoding(mut encode: impl FnMut(&mut Vec<u8>)) -> impl FnMut() -> usize {
    let mut out = Vec::with_capacity(4096);
    move || {
        out.clear();
        encode(&mut out);
        black_box(&out).len()
    }
}

/// The three kinds of the mixed stream.
enum Mixed {
    Response(SubmitSmResponse),
    Delivery(DeliverSmRequest),
    Enquiry(EnquireLinkRequest),
}

impl Mixed {
    fn decode(command_id: u32, frame: &[u8]) -> Self {
        match command_id {
            CMD_SUBMIT_SM_RESP => Self::Response(SubmitSmResponse::decode(frame).unwrap()),
            CMD_DELIVER_SM => Self::Delivery(DeliverSmRequest::decode(frame).unwrap()),
            _ => Self::Enquiry(EnquireLinkRequest::decode(frame).unwrap()),
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Response(pdu) => pdu.encode(out).unwrap(),
            Self::Delivery(pdu) => pdu.encode(out).unwrap(),
            Self::Enquiry(pdu) => pdu.encode(out).unwrap(),
        }
    }
}

fn encoding_mixed(expected: &[u8]) -> impl FnMut() -> usize + use<> {
    let kept: Vec<_> = cut(expected)
        .map(|(command_id, frame)| Mixed::decode(command_id, frame))
        .collect();
    let encode_all = move |out: &mut Vec<u8>| black_box(&kept).iter().for_each(|pdu| pdu.encode(out));
    let mut out = Vec::with_capacity(expected.len());
    encode_all(&mut out);
    assert_eq!(out, expected, "smpp-codec writes another stream");
    encoding(encode_all)
}

fn decoding_mixed(stream: &[u8]) -> impl FnMut() + use<> {
    let stream = stream.to_vec();
    move || {
        for (command_id, frame) in cut(black_box(&stream)) {
            black_box(&Mixed::decode(command_id, frame));
        }
    }
}

pub fn cases(frames: &Frames) -> Vec<Case> {
    let mut out = Vec::new();
    submit_sm().encode(&mut out).unwrap();
    assert_eq!(out, frames.submit_sm, "smpp-codec writes another submit_sm");
    let deliver_sm = DeliverSmRequest::decode(&frames.deliver_sm).unwrap();
    out.clear();
    deliver_sm.encode(&mut out).unwrap();
    assert_eq!(out, frames.deliver_sm, "smpp-codec writes another deliver_sm");
    let (submit_frame, deliver_frame) = (frames.submit_sm.clone(), frames.deliver_sm.clone());
    let enquire_frame = frames.enquire_link.clone();
    let kept = submit_sm();
    let pdus = mixed().len();
    vec![
        Case::new(
            work::SUBMIT_BUILD,
            WHO,
            encoding(|out| submit_sm().encode(out).unwrap()),
        ),
        Case::new(
            work::SUBMIT_ENCODE,
            WHO,
            encoding(move |out| black_box(&kept).encode(out).unwrap()),
        ),
        Case::new(work::SUBMIT_DECODE, WHO, move || {
            SubmitSmRequest::decode(black_box(&submit_frame)).unwrap()
        }),
        Case::new(
            work::DELIVER_ENCODE,
            WHO,
            encoding(move |out| black_box(&deliver_sm).encode(out).unwrap()),
        ),
        Case::new(work::DELIVER_DECODE, WHO, move || {
            DeliverSmRequest::decode(black_box(&deliver_frame)).unwrap()
        }),
        Case::new(
            work::ENQUIRE_ENCODE,
            WHO,
            encoding(|out| EnquireLinkRequest::new(black_box(1)).encode(out).unwrap()),
        ),
        Case::new(work::ENQUIRE_DECODE, WHO, move || {
            EnquireLinkRequest::decode(black_box(&enquire_frame)).unwrap()
        })
        .not_compared(),
        Case::new(work::MIXED_ENCODE, WHO, encoding_mixed(&frames.mixed)).things(pdus),
        Case::new(work::MIXED_DECODE, WHO, decoding_mixed(&frames.mixed)).things(pdus),
    ]
}
