//! smpp34 1.5.1. Its `encode` takes the value, so that a kept one has to be cloned.

use std::hint::black_box;

use smpp34::CommandHeader;
use smpp34::{deliver_sm, enquire_link, submit_sm};

use crate::{Case, Frames, TEXT};

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

pub fn cases(frames: &Frames) -> Vec<Case> {
    assert_eq!(submit().encode(), frames.submit_sm, "smpp34 writes another submit_sm");
    let header = CommandHeader::decode(&frames.deliver_sm).unwrap();
    let deliver = deliver_sm::decode(header, &frames.deliver_sm).unwrap();
    assert_eq!(deliver.clone().encode(), frames.deliver_sm, "smpp34 writes another deliver_sm");
    let (submit_frame, deliver_frame) = (frames.submit_sm.clone(), frames.deliver_sm.clone());
    let enquire_frame = frames.enquire_link.clone();
    let kept = submit();
    vec![
        Case::new("submit_sm build + encode", WHO, || submit().encode()),
        Case::new("submit_sm encode", WHO, move || black_box(&kept).clone().encode()),
        Case::new("submit_sm decode", WHO, move || {
            let frame = black_box(&submit_frame);
            submit_sm::decode(CommandHeader::decode(frame).unwrap(), frame).unwrap()
        }),
        Case::new("deliver_sm encode", WHO, move || black_box(&deliver).clone().encode()),
        Case::new("deliver_sm decode", WHO, move || {
            let frame = black_box(&deliver_frame);
            deliver_sm::decode(CommandHeader::decode(frame).unwrap(), frame).unwrap()
        }),
        Case::new("enquire_link encode", WHO, || enquire_link::new(black_box(1)).encode()),
        Case::new("enquire_link decode", WHO, move || {
            let frame = black_box(&enquire_frame);
            enquire_link::decode(CommandHeader::decode(frame).unwrap(), frame).unwrap()
        }),
    ]
}
