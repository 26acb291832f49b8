//! bindery.

use std::hint::black_box;

use bindery::pdu::{
    self, Body, CommandStatus, EnquireLink, Leniency, MAX_COMMAND_LENGTH, Pdu, SequenceNumber,
};
use bindery_peers::{BINDERY, Case};
use bytes::Bytes;

use crate::pdus::{
    Kind, deliver_sm, frame, mixed, mixed_stream, put, submit_sm, submit_sm_resp, submit_sm_view,
};
use crate::{Frames, way, work};

pub fn frames() -> Frames {
    Frames {
        submit_sm: frame(&submit_sm()),
        deliver_sm: frame(&deliver_sm()),
        enquire_link: frame(&EnquireLink::default()),
        mixed: mixed_stream(),
    }
}

/// Encodes into a buffer that is reused.
fn encoding<B: Body>(mut body: impl FnMut() -> B) -> impl FnMut() -> usize {
    let mut out = Vec::with_capacity(4096);
    move || {
        out.clear();
        put(&body(), &mut out);
        black_box(&out).len()
    }
}

fn encoding_kept<B: Body>(body: B) -> impl FnMut() -> usize {
    let mut out = Vec::with_capacity(4096);
    move || {
        out.clear();
        put(black_box(&body), &mut out);
        black_box(&out).len()
    }
}

fn viewing(frame: &[u8]) -> impl FnMut() + use<> {
    let (frame, leniency) = (frame.to_vec(), Leniency::default());
    move || {
        black_box(&pdu::view(black_box(&frame), &leniency));
    }
}

fn copying(frame: &[u8]) -> impl FnMut() + use<> {
    let (frame, leniency) = (frame.to_vec(), Leniency::default());
    move || {
        if let Ok(view) = &pdu::view(black_box(&frame), &leniency) {
            black_box(&view.body.to_pdu());
        }
    }
}

/// Long fields are slices of the frame, which somebody else holds too, as a reader of a socket does.
fn decoding(frame: &[u8]) -> impl FnMut() + use<> {
    let (frame, leniency) = (Bytes::copy_from_slice(frame), Leniency::default());
    let keep = frame.clone();
    move || {
        let _held = &keep;
        black_box(&pdu::decode(black_box(&frame), &leniency));
    }
}

fn encoding_mixed(expected: &[u8]) -> impl FnMut() -> usize + use<> {
    let kept: Vec<Pdu> = mixed()
        .into_iter()
        .map(|kind| match kind {
            Kind::Response => submit_sm_resp().into(),
            Kind::Delivery => deliver_sm().into(),
            Kind::Enquiry => EnquireLink::default().into(),
        })
        .collect();
    let mut out = Vec::with_capacity(expected.len());
    move || {
        out.clear();
        for pdu in black_box(&kept) {
            pdu.encode(CommandStatus::ESME_ROK, SequenceNumber::FIRST, &mut out)
                .unwrap();
        }
        black_box(&out).len()
    }
}

fn viewing_mixed(stream: &[u8]) -> impl FnMut() + use<> {
    let (stream, leniency) = (stream.to_vec(), Leniency::default());
    move || {
        let mut rest = black_box(stream.as_slice());
        while let Ok(Some(length)) = pdu::frame_length(rest, MAX_COMMAND_LENGTH) {
            let (frame, next) = rest.split_at(length);
            black_box(&pdu::view(frame, &leniency));
            rest = next;
        }
        assert!(rest.is_empty());
    }
}

fn decoding_mixed(stream: &[u8]) -> impl FnMut() + use<> {
    let (stream, leniency) = (Bytes::copy_from_slice(stream), Leniency::default());
    move || {
        let mut rest = black_box(&stream).clone();
        while let Ok(Some(length)) = pdu::frame_length(&rest, MAX_COMMAND_LENGTH) {
            black_box(&pdu::decode(&rest.split_to(length), &leniency));
        }
        assert!(rest.is_empty());
    }
}

pub fn cases(frames: &Frames) -> Vec<Case> {
    let pdus = mixed().len();
    vec![
        Case::new(work::SUBMIT_BUILD, BINDERY, encoding(submit_sm_view)).way(way::BORROWED),
        Case::new(work::SUBMIT_BUILD, BINDERY, encoding(submit_sm)).way(way::OWNED),
        Case::new(work::SUBMIT_ENCODE, BINDERY, encoding_kept(submit_sm())),
        Case::new(work::DELIVER_ENCODE, BINDERY, encoding_kept(deliver_sm())),
        Case::new(work::ENQUIRE_ENCODE, BINDERY, encoding(EnquireLink::default)),
        Case::new(work::MIXED_ENCODE, BINDERY, encoding_mixed(&frames.mixed)).things(pdus),
        Case::new(work::SUBMIT_DECODE, BINDERY, viewing(&frames.submit_sm)).way(way::VIEW),
        Case::new(work::SUBMIT_DECODE, BINDERY, decoding(&frames.submit_sm)).way(way::OWNED),
        Case::new(work::SUBMIT_DECODE, BINDERY, copying(&frames.submit_sm)).way(way::COPIES),
        Case::new(work::DELIVER_DECODE, BINDERY, viewing(&frames.deliver_sm)).way(way::VIEW),
        Case::new(work::DELIVER_DECODE, BINDERY, decoding(&frames.deliver_sm)).way(way::OWNED),
        Case::new(work::DELIVER_DECODE, BINDERY, copying(&frames.deliver_sm)).way(way::COPIES),
        Case::new(work::ENQUIRE_DECODE, BINDERY, viewing(&frames.enquire_link)).way(way::VIEW),
        Case::new(work::ENQUIRE_DECODE, BINDERY, decoding(&frames.enquire_link)).way(way::OWNED),
        Case::new(work::MIXED_DECODE, BINDERY, viewing_mixed(&frames.mixed))
            .way(way::VIEW)
            .things(pdus),
        Case::new(work::MIXED_DECODE, BINDERY, decoding_mixed(&frames.mixed))
            .way(way::OWNED)
            .things(pdus),
    ]
}
