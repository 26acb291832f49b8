//! smpp34 1.5.1. Its `encode` takes the value, so that a kept one has to be cloned.

use std::hint::black_box;

use bindery_peers::Case;
use smpp34::CommandHeader;
use smpp34::{deliver_sm, enquire_link, submit_sm, submit_sm_resp};

use crate::pdus::{TEXT, mixed};
use crate::{Frames, cut, work};

const WHO: &str = "smpp34";

fn submit() -> submit_sm {
    submit_sm::new(
        1,
        String::new(),
        5,
        0,
        black_box("Shop").to_owned(),
        1,
        1,
        black_box("447700900123").to_owned(),
        0,
        0,
        0,
        String::new(),
        String::new(),
        1,
        0,
        0,
        0,
        black_box(TEXT).as_bytes().to_vec(),
    )
}

/// The three kinds of the mixed stream.
#[derive(Clone)]
enum Mixed {
    Response(submit_sm_resp),
    Delivery(deliver_sm),
    Enquiry(enquire_link),
}

impl Mixed {
    fn decode(command_id: u32, frame: &[u8]) -> Self {
        let header = CommandHeader::decode(frame).unwrap();
        match command_id {
            0x8000_0004 => Self::Response(submit_sm_resp::decode(header, frame).unwrap()),
            0x0000_0005 => Self::Delivery(deliver_sm::decode(header, frame).unwrap()),
            _ => Self::Enquiry(enquire_link::decode(header, frame).unwrap()),
        }
    }

    fn encode(self) -> Vec<u8> {
        match self {
            Self::Response(pdu) => pdu.encode(),
            Self::Delivery(pdu) => pdu.encode(),
            Self::Enquiry(pdu) => pdu.encode(),
        }
    }
}

fn encoding_mixed(expected: &[u8]) -> impl FnMut() -> usize + use<> {
    let kept: Vec<_> = cut(expected)
        .map(|(command_id, frame)| Mixed::decode(command_id, frame))
        .collect();
    let mut out = Vec::with_capacity(expected.len());
    let encode_all = move |out: &mut Vec<u8>| {
        out.clear();
        for pdu in black_box(&kept) {
            out.extend_from_slice(&pdu.clone().encode());
        }
    };
    encode_all(&mut out);
    assert_eq!(out, expected, "smpp34 writes another stream");
    move || {
        encode_all(&mut out);
        black_box(&out).len()
    }
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
    assert_eq!(
        submit().encode(),
        frames.submit_sm,
        "smpp34 writes another submit_sm"
    );
    let header = CommandHeader::decode(&frames.deliver_sm).unwrap();
    let deliver = deliver_sm::decode(header, &frames.deliver_sm).unwrap();
    assert_eq!(
        deliver.clone().encode(),
        frames.deliver_sm,
        "smpp34 writes another deliver_sm"
    );
    let (submit_frame, deliver_frame) = (frames.submit_sm.clone(), frames.deliver_sm.clone());
    let enquire_frame = frames.enquire_link.clone();
    let kept = submit();
    let pdus = mixed().len();
    vec![
        Case::new(work::SUBMIT_BUILD, WHO, || submit().encode()),
        Case::new(work::SUBMIT_ENCODE, WHO, move || {
            black_box(&kept).clone().encode()
        }),
        Case::new(work::SUBMIT_DECODE, WHO, move || {
            let frame = black_box(&submit_frame);
            submit_sm::decode(CommandHeader::decode(frame).unwrap(), frame).unwrap()
        }),
        Case::new(work::DELIVER_ENCODE, WHO, move || {
            black_box(&deliver).clone().encode()
        }),
        Case::new(work::DELIVER_DECODE, WHO, move || {
            let frame = black_box(&deliver_frame);
            deliver_sm::decode(CommandHeader::decode(frame).unwrap(), frame).unwrap()
        }),
        Case::new(work::ENQUIRE_ENCODE, WHO, || {
            enquire_link::new(black_box(1)).encode()
        }),
        Case::new(work::ENQUIRE_DECODE, WHO, move || {
            let frame = black_box(&enquire_frame);
            enquire_link::decode(CommandHeader::decode(frame).unwrap(), frame).unwrap()
        }),
        Case::new(work::MIXED_ENCODE, WHO, encoding_mixed(&frames.mixed)).things(pdus),
        Case::new(work::MIXED_DECODE, WHO, decoding_mixed(&frames.mixed)).things(pdus),
    ]
}
