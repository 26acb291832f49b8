//! smpp-codec 0.2.1. It reads no more of an enquire_link than its sequence number.

use std::hint::black_box;

use smpp_codec::common::{Npi, Ton};
use smpp_codec::pdus::{DeliverSmRequest, EnquireLinkRequest, SubmitSmRequest};

use crate::{Case, Frames, TEXT};

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
    vec![
        Case::new("submit_sm build + encode", WHO, encoding(|out| submit_sm().encode(out).unwrap())),
        Case::new("submit_sm encode", WHO, encoding(move |out| black_box(&kept).encode(out).unwrap())),
        Case::new("submit_sm decode", WHO, move || SubmitSmRequest::decode(black_box(&submit_frame)).unwrap()),
        Case::new("deliver_sm encode", WHO, encoding(move |out| black_box(&deliver_sm).encode(out).unwrap())),
        Case::new("deliver_sm decode", WHO, move || DeliverSmRequest::decode(black_box(&deliver_frame)).unwrap()),
        Case::new(
            "enquire_link encode",
            WHO,
            encoding(|out| EnquireLinkRequest::new(black_box(1)).encode(out).unwrap()),
        ),
        Case::new("enquire_link decode", WHO, move || {
            EnquireLinkRequest::decode(black_box(&enquire_frame)).unwrap()
        }),
    ]
}
