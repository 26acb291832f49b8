//! Encoding and decoding, in nanoseconds per PDU.
//!
//! `cargo bench --bench codec`. Other crates are measured in `benches/peers`, allocations too.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot start says so")]

use std::hint::black_box;

use bindery::pdu::{
    self, Body, CommandStatus, DeliverSm, EnquireLink, EsmClass, Leniency, MAX_COMMAND_LENGTH, MessageState,
    Npi, RegisteredDelivery, SequenceNumber, SubmitSm, SubmitSmResp, SubmitSmView, TlvTag, Tlvs, Ton, tlv,
};
use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const TEXT: &str =
    "The quick brown fox jumps over the lazy dog, then has a rest and jumps over the lazy dog once again!";
const RECEIPT: &str = "id:0123456789 sub:001 dlvrd:001 submit date:2611221656 done date:2611221657 \
                       stat:DELIVRD err:000 text:The quick brown fox ";

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

fn borrowed_submit_sm() -> SubmitSmView<'static> {
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
    tlvs.put_raw(TlvTag::NETWORK_ERROR_CODE, &[3, 0, 0]).unwrap();
    DeliverSm {
        source_addr_ton: Ton::INTERNATIONAL,
        source_addr_npi: Npi::ISDN,
        source_addr: "447700900123".try_into().unwrap(),
        dest_addr_ton: Ton::ALPHANUMERIC,
        destination_addr: "Shop".try_into().unwrap(),
        esm_class: EsmClass::RECEIPT,
        short_message: RECEIPT.into(),
        tlvs,
        ..DeliverSm::default()
    }
}

fn put(body: &impl Body, out: &mut Vec<u8>) {
    pdu::encode(body, CommandStatus::ESME_ROK, SequenceNumber::FIRST, out).unwrap();
}

fn frame(body: &impl Body) -> Vec<u8> {
    let mut out = Vec::new();
    put(body, &mut out);
    out
}

/// What a busy bind sees: many responses, some receipts, now and then an enquire_link.
fn mixed_stream() -> (Vec<u8>, u64) {
    let message_id = "0123456789".try_into().unwrap();
    let response = frame(&SubmitSmResp {
        message_id,
        ..SubmitSmResp::default()
    });
    let (delivery, enquiry) = (frame(&deliver_sm()), frame(&EnquireLink::default()));
    let mut stream = Vec::new();
    for number in 0..100 {
        stream.extend_from_slice(&response);
        if number % 2 == 0 {
            stream.extend_from_slice(&delivery);
        }
        if number % 50 == 0 {
            stream.extend_from_slice(&enquiry);
        }
    }
    (stream, 152)
}

fn encoding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode");
    let mut out = Vec::with_capacity(4096);
    group.bench_function("submit_sm built on borrowed texts", |bencher| {
        bencher.iter(|| {
            out.clear();
            put(&borrowed_submit_sm(), &mut out);
        });
    });
    group.bench_function("submit_sm built and owned", |bencher| {
        bencher.iter(|| {
            out.clear();
            put(&submit_sm(), &mut out);
        });
    });
    let (submit_sm, deliver_sm) = (submit_sm(), deliver_sm());
    group.bench_function("submit_sm kept", |bencher| {
        bencher.iter(|| {
            out.clear();
            put(black_box(&submit_sm), &mut out);
        });
    });
    group.bench_function("deliver_sm kept, receipt and three TLVs", |bencher| {
        bencher.iter(|| {
            out.clear();
            put(black_box(&deliver_sm), &mut out);
        });
    });
    group.bench_function("enquire_link", |bencher| {
        bencher.iter(|| {
            out.clear();
            put(&EnquireLink::default(), &mut out);
        });
    });
}

fn decoding(criterion: &mut Criterion) {
    let leniency = Leniency::default();
    let frames = [
        ("submit_sm", frame(&submit_sm())),
        ("deliver_sm, receipt and three TLVs", frame(&deliver_sm())),
        ("enquire_link", frame(&EnquireLink::default())),
    ];
    let mut group = criterion.benchmark_group("decode");
    for (name, frame) in &frames {
        group.bench_function(format!("{name}, view"), |bencher| {
            bencher.iter(|| {
                black_box(&pdu::view(black_box(frame), &leniency));
            });
        });
        group.bench_function(format!("{name}, owned"), |bencher| {
            bencher.iter(|| {
                if let Ok(view) = &pdu::view(black_box(frame), &leniency) {
                    black_box(&view.body.to_pdu());
                }
            });
        });
        let shared = Bytes::copy_from_slice(frame);
        let _second_owner = shared.clone();
        group.bench_function(format!("{name}, owned slices of the frame"), |bencher| {
            bencher.iter(|| {
                black_box(&pdu::decode(black_box(&shared), &leniency));
            });
        });
    }
}

fn stream(criterion: &mut Criterion) {
    let (stream, pdus) = mixed_stream();
    let leniency = Leniency::default();
    let mut group = criterion.benchmark_group("stream");
    group.throughput(Throughput::Elements(pdus));
    group.bench_function("mixed, cut and viewed", |bencher| {
        bencher.iter(|| {
            let mut rest = stream.as_slice();
            while let Ok(Some(length)) = pdu::frame_length(rest, MAX_COMMAND_LENGTH) {
                let (frame, next) = rest.split_at(length);
                black_box(&pdu::view(frame, &leniency));
                rest = next;
            }
            assert!(rest.is_empty());
        });
    });
}

criterion_group!(benches, encoding, decoding, stream);
criterion_main!(benches);
