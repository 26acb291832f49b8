//! Encoding and decoding, in nanoseconds per PDU.
//!
//! `cargo bench --bench codec`. Other crates are measured in `benches/peers`, allocations too, with the same PDUs.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot start says so")]

#[path = "fixtures/pdus.rs"]
mod pdus;

use std::hint::black_box;

use bindery::pdu::{self, EnquireLink, Leniency, MAX_COMMAND_LENGTH};
use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

use crate::pdus::{deliver_sm, frame, mixed, mixed_stream, put, submit_sm, submit_sm_view};

fn encoding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode");
    let mut out = Vec::with_capacity(4096);
    group.bench_function("submit_sm built on borrowed texts", |bencher| {
        bencher.iter(|| {
            out.clear();
            put(&submit_sm_view(), &mut out);
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
    let (stream, pdus) = (mixed_stream(), mixed().len() as u64);
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
