//! bindery.

use std::hint::black_box;

use bindery::pdu::{
    self, Body, COctetString, CommandStatus, DeliverSm, EnquireLink, EsmClass, Leniency, MessageState, Npi,
    RegisteredDelivery, SequenceNumber, SubmitSm, SubmitSmView, Tlvs, Ton, tlv,
};
use bytes::Bytes;

use crate::{Case, Frames, RECEIPT, TEXT};

const WHO: &str = "bindery";

fn submit_sm() -> SubmitSm {
    SubmitSm {
        source_addr_ton: Ton::ALPHANUMERIC,
        source_addr: black_box("Shop").try_into().unwrap(),
        dest_addr_ton: Ton::INTERNATIONAL,
        dest_addr_npi: Npi::ISDN,
        destination_addr: black_box("447700900123").try_into().unwrap(),
        registered_delivery: RegisteredDelivery::FINAL,
        short_message: black_box(TEXT).into(),
        ..SubmitSm::default()
    }
}

fn submit_sm_view() -> SubmitSmView<'static> {
    SubmitSmView {
        source_addr_ton: Ton::ALPHANUMERIC,
        source_addr: black_box("Shop").as_bytes(),
        dest_addr_ton: Ton::INTERNATIONAL,
        dest_addr_npi: Npi::ISDN,
        destination_addr: black_box("447700900123").as_bytes(),
        registered_delivery: RegisteredDelivery::FINAL,
        short_message: black_box(TEXT).as_bytes(),
        ..SubmitSmView::default()
    }
}

fn deliver_sm() -> DeliverSm {
    let mut tlvs = Tlvs::new();
    tlvs.put::<tlv::ReceiptedMessageId>(b"0123456789").unwrap();
    tlvs.put::<tlv::MessageState>(MessageState::DELIVERED).unwrap();
    tlvs.put_raw(pdu::TlvTag::NETWORK_ERROR_CODE, &[3, 0, 0]).unwrap();
    DeliverSm {
        source_addr_ton: Ton::INTERNATIONAL,
        source_addr_npi: Npi::ISDN,
        source_addr: COctetString::try_from("447700900123").unwrap(),
        dest_addr_ton: Ton::ALPHANUMERIC,
        destination_addr: COctetString::try_from("Shop").unwrap(),
        esm_class: EsmClass::RECEIPT,
        short_message: RECEIPT.into(),
        tlvs,
        ..DeliverSm::default()
    }
}

fn encoded(body: &impl Body) -> Vec<u8> {
    let mut out = Vec::new();
    pdu::encode(body, CommandStatus::ESME_ROK, SequenceNumber::FIRST, &mut out).unwrap();
    out
}

pub fn frames() -> Frames {
    Frames {
        submit_sm: encoded(&submit_sm()),
        deliver_sm: encoded(&deliver_sm()),
        enquire_link: encoded(&EnquireLink::default()),
    }
}

/// Encodes into a buffer that is reused.
fn encoding<B: Body>(mut body: impl FnMut() -> B) -> impl FnMut() -> usize {
    let mut out = Vec::with_capacity(4096);
    move || {
        out.clear();
        pdu::encode(&body(), CommandStatus::ESME_ROK, SequenceNumber::FIRST, &mut out).unwrap();
        black_box(&out).len()
    }
}

fn encoding_kept<B: Body>(body: B) -> impl FnMut() -> usize {
    let mut out = Vec::with_capacity(4096);
    move || {
        out.clear();
        pdu::encode(black_box(&body), CommandStatus::ESME_ROK, SequenceNumber::FIRST, &mut out).unwrap();
        black_box(&out).len()
    }
}

fn viewing(frame: &[u8]) -> impl FnMut() + use<> {
    let (frame, leniency) = (frame.to_vec(), Leniency::default());
    move || {
        black_box(&pdu::view(black_box(&frame), &leniency));
    }
}

fn owning(frame: &[u8]) -> impl FnMut() + use<> {
    let (frame, leniency) = (frame.to_vec(), Leniency::default());
    move || {
        if let Ok(view) = &pdu::view(black_box(&frame), &leniency) {
            black_box(&view.body.to_pdu());
        }
    }
}

fn decoding(frame: &[u8]) -> impl FnMut() + use<> {
    let (frame, leniency) = (Bytes::copy_from_slice(frame), Leniency::default());
    let keep = frame.clone();
    move || {
        black_box(&pdu::decode(black_box(&frame), &leniency));
        black_box(&keep);
    }
}

pub fn cases(frames: &Frames) -> Vec<Case> {
    vec![
        Case::new("submit_sm build + encode (borrowed)", WHO, encoding(submit_sm_view)),
        Case::new("submit_sm build + encode (owned)", WHO, encoding(submit_sm)),
        Case::new("submit_sm encode", WHO, encoding_kept(submit_sm())),
        Case::new("submit_sm decode (view)", WHO, viewing(&frames.submit_sm)),
        Case::new("submit_sm decode (owned)", WHO, owning(&frames.submit_sm)),
        Case::new("submit_sm decode (owned, slices)", WHO, decoding(&frames.submit_sm)),
        Case::new("deliver_sm encode", WHO, encoding_kept(deliver_sm())),
        Case::new("deliver_sm decode (view)", WHO, viewing(&frames.deliver_sm)),
        Case::new("deliver_sm decode (owned)", WHO, owning(&frames.deliver_sm)),
        Case::new("deliver_sm decode (owned, slices)", WHO, decoding(&frames.deliver_sm)),
        Case::new("enquire_link encode", WHO, encoding(EnquireLink::default)),
        Case::new("enquire_link decode (view)", WHO, viewing(&frames.enquire_link)),
        Case::new("enquire_link decode (owned)", WHO, owning(&frames.enquire_link)),
    ]
}
