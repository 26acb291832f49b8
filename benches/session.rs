//! A request through one session, its answer by another, and back: nanoseconds a message, without sockets.

use std::hint::black_box;
use std::time::Instant;

use bindery::pdu::{
    BindTransceiver, BindTransceiverResp, CommandStatus, SubmitSm, SubmitSmResp, frame_length,
};
use bindery::session::{Event, Limits, Session, SessionConfig, Side};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const WINDOW: usize = 100;

/// Two bound sessions.
fn pair(now: Instant) -> (Session<u32>, Session<u32>) {
    let config = |side| SessionConfig {
        window: WINDOW,
        ..SessionConfig::new(side)
    };
    let mut esme = Session::new(config(Side::Esme), Limits::default(), now);
    let mut smsc = Session::new(config(Side::Smsc), Limits::default(), now);
    if esme.bind(&BindTransceiver::default(), now).is_ok() {
        carry(&mut esme, &mut smsc, now);
        carry(&mut smsc, &mut esme, now);
    }
    (esme, smsc)
}

/// What one side has written reaches the other, which answers every request.
fn carry(from: &mut Session<u32>, to: &mut Session<u32>, now: Instant) {
    let octets = from.output().len();
    let output = from.output();
    let mut at = 0;
    while let Ok(Some(length)) = frame_length(&output[at..], 70_000) {
        if let Some(Event::Request { inbound, header, .. }) = to.handle_frame(&output[at..at + length], now) {
            let answered = if header.command_id == bindery::pdu::CommandId::SUBMIT_SM {
                to.respond(inbound, CommandStatus::ESME_ROK, &SubmitSmResp::default(), now)
            } else {
                to.respond(
                    inbound,
                    CommandStatus::ESME_ROK,
                    &BindTransceiverResp::default(),
                    now,
                )
            };
            black_box(answered.is_ok());
        }
        while to.poll_event().is_some() {}
        at += length;
    }
    from.handle_written(octets, now);
}

fn messages(criterion: &mut Criterion) {
    let now = Instant::now();
    let (mut esme, mut smsc) = pair(now);
    let submit = SubmitSm {
        source_addr: "12345".try_into().unwrap_or_default(),
        destination_addr: "447700900123".try_into().unwrap_or_default(),
        short_message: vec![b'x'; 100].into(),
        ..SubmitSm::default()
    };
    let mut group = criterion.benchmark_group("session");
    group.throughput(Throughput::Elements(WINDOW as u64));
    group.bench_function(
        "a window of submit_sm and their responses, both sides",
        |bencher| {
            bencher.iter(|| {
                for token in 0..WINDOW as u32 {
                    black_box(esme.request(token, &submit, now).is_ok());
                }
                carry(&mut esme, &mut smsc, now);
                carry(&mut smsc, &mut esme, now);
            });
        },
    );
    group.finish();
    assert_eq!(esme.in_flight(), 0, "every request was answered");
}

criterion_group!(benches, messages);
criterion_main!(benches);
