//! How much the hot path may allocate. Counted per thread, in a binary of its own for its allocator.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests fail loudly"
)]

#[path = "../benches/fixtures/yes.rs"]
mod yes;

use std::sync::Arc;
use std::time::Instant;

use bindery::esme::Esme;
use bindery::events::{EventStream, Filter, Kinds, Policy};
use bindery::pdu::{
    self, BindTransceiver, BindTransceiverResp, CommandId, CommandStatus, Leniency, SequenceNumber, SubmitSm,
    SubmitSmResp, SubmitSmView, frame_length,
};
use bindery::session::{Event, Limits, Passage, Session, SessionConfig, Side};
use bindery::settings::{BindSettings, Settings};
use bindery::smsc::{Behaviour, Smsc};
use bindery::submit::Submit;
use futures_util::FutureExt;
use tokio::task::LocalSet;
use yes::Yes;

const WINDOW: u32 = 100;

fn session(side: Side, now: Instant) -> Session<u32> {
    let config = SessionConfig {
        window: WINDOW as usize,
        ..SessionConfig::new(side)
    };
    Session::new(config, Limits::default(), now)
}

/// What one side has written reaches the other, which answers every request.
fn carry(from: &mut Session<u32>, to: &mut Session<u32>, now: Instant) {
    let output = from.output();
    let (octets, mut at) = (output.len(), 0);
    while let Ok(Some(length)) = frame_length(&output[at..], 70_000) {
        if let Some(Event::Request { inbound, header, .. }) = to.handle_frame(&output[at..at + length], now) {
            let ok = CommandStatus::ESME_ROK;
            let answered = match header.command_id {
                CommandId::SUBMIT_SM => to.respond(inbound, ok, &SubmitSmResp::default(), now),
                _ => to.respond(inbound, ok, &BindTransceiverResp::default(), now),
            };
            answered.unwrap();
        }
        while to.poll_event().is_some() {}
        at += length;
    }
    from.handle_written(octets, now);
}

#[test]
fn a_session_allocates_nothing_for_a_message() {
    let now = Instant::now();
    let (mut esme, mut smsc) = (session(Side::Esme, now), session(Side::Smsc, now));
    esme.bind(&BindTransceiver::default(), now).unwrap();
    carry(&mut esme, &mut smsc, now);
    carry(&mut smsc, &mut esme, now);
    let submit = SubmitSm {
        source_addr: "12345".try_into().unwrap(),
        destination_addr: "447700900123".try_into().unwrap(),
        short_message: vec![b'x'; 100].into(),
        ..SubmitSm::default()
    };
    let mut window = || {
        for token in 0..WINDOW {
            esme.request(token, &submit, now).unwrap();
        }
        carry(&mut esme, &mut smsc, now);
        carry(&mut smsc, &mut esme, now);
    };
    // Buffers and tables reach their size.
    (0..30).for_each(|_| window());
    let counted = allocation_counter::measure(|| (0..100).for_each(|_| window()));
    assert_eq!(counted.count_total, 0, "for {} messages", 100 * WINDOW);
}

#[test]
fn encoding_into_a_used_buffer_and_viewing_allocate_nothing() {
    let (sender, text) = (String::from("Shop"), "x".repeat(100));
    let leniency = Leniency::default();
    let mut out = Vec::new();
    let mut round = || {
        out.clear();
        let submit = SubmitSmView {
            source_addr: sender.as_bytes(),
            destination_addr: b"447700900123",
            short_message: text.as_bytes(),
            ..SubmitSmView::default()
        };
        pdu::encode(&submit, CommandStatus::ESME_ROK, SequenceNumber::FIRST, &mut out).unwrap();
        assert_eq!(
            pdu::view(&out, &leniency).unwrap().body,
            pdu::PduView::SubmitSm(submit)
        );
    };
    round();
    let counted = allocation_counter::measure(|| (0..100).for_each(|_| round()));
    assert_eq!(counted.count_total, 0);
}

/// Allocations of the whole stack and an SMSC for so many messages, with somebody who wants these events, or nobody.
fn allocations(messages: usize, filter: Option<Filter>) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let local = LocalSet::new();
    let smsc = Smsc::in_memory(Behaviour::default(), 1);
    let bind = BindSettings::new("smsc:2775", "a", "secret").window(WINDOW as usize);
    let settings = Settings::default().bind("a-1", bind);
    let (esme, mut events) = local.block_on(&runtime, async {
        let esme = Esme::start_local(settings, smsc.connector()).unwrap();
        let events = filter.map(|filter| esme.events(filter, Policy::default()));
        (esme, events)
    });
    let mut group = || {
        local.block_on(&runtime, async {
            let submits = (0..WINDOW).map(|_| Submit::text("447700900123", "Hello").source("Shop"));
            let results = esme.submit_batch(submits).await;
            assert!(results.iter().all(Result::is_ok));
        });
        let next = |events: &mut EventStream| events.next().now_or_never().flatten();
        while events.as_mut().and_then(next).is_some() {}
    };
    (0..50).for_each(|_| group());
    let groups = messages / WINDOW as usize;
    allocation_counter::measure(|| (0..groups).for_each(|_| group())).count_total
}

#[test]
fn a_subscriber_costs_nothing_until_what_he_wants_happens() {
    const MESSAGES: usize = 10_000;
    let of = |filter| allocations(MESSAGES, filter);
    let nobody = of(None);
    let others = Kinds::ALARMS | Kinds::DELIVERIES | Kinds::RECEIPTS | Kinds::MESSAGES;
    let elsewhere = of(Some(Filter::kinds(others)));
    let deliveries = Filter::pdus()
        .commands([CommandId::DELIVER_SM])
        .passages([Passage::Received]);
    let (deliveries, all) = (of(Some(deliveries)), of(Some(Filter::pdus())));
    let each = |count: u64| count as f64 / MESSAGES as f64;
    println!(
        "allocations for a message: {:.2} with no subscriber, {:.2} with one for other kinds of events, {:.2} for PDUs \
         that do not come, {:.2} for all PDUs",
        each(nobody),
        each(elsewhere),
        each(deliveries),
        each(all)
    );
    assert_eq!(elsewhere, nobody);
    assert_eq!(deliveries, nobody);
    assert!(all > nobody + 2 * MESSAGES as u64, "an event for each PDU");
}

/// What a message costs between its caller and the socket, beyond the message itself: a window of them at a time.
fn hot_path(in_batches: bool) -> f64 {
    const GROUPS: u32 = 100;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let local = LocalSet::new();
    let bind = BindSettings::new("smsc:2775", "a", "secret").window(WINDOW as usize);
    let settings = Settings::default().bind("a-1", bind);
    let esme = local.block_on(&runtime, async {
        Esme::start_local(settings, Arc::new(Yes)).unwrap()
    });
    // Its clones share their text.
    let message = SubmitSm {
        source_addr: "12345".try_into().unwrap(),
        destination_addr: "447700900123".try_into().unwrap(),
        short_message: vec![b'x'; 100].into(),
        ..SubmitSm::default()
    };
    let mut pendings = Vec::with_capacity(WINDOW as usize);
    let mut group = || {
        local.block_on(&runtime, async {
            if in_batches {
                let results = esme.submit_batch((0..WINDOW).map(|_| message.clone())).await;
                assert!(results.iter().all(Result::is_ok));
                return;
            }
            pendings.extend((0..WINDOW).map(|_| esme.try_submit(message.clone()).unwrap()));
            for pending in pendings.drain(..) {
                pending.await.unwrap();
            }
        });
    };
    // Buffers and tables reach their size.
    (0..50).for_each(|_| group());
    let counted = allocation_counter::measure(|| (0..GROUPS).for_each(|_| group()));
    counted.count_total as f64 / f64::from(GROUPS * WINDOW)
}

#[test]
fn a_message_costs_few_allocations_on_its_way_through_the_router() {
    let (alone, in_batches) = (hot_path(false), hot_path(true));
    println!("{alone:.2} allocations for a message, {in_batches:.2} in a batch");
    // The box of a job and the line to its caller are used again; a few are for each wake-up.
    assert!(alone <= 0.2, "{alone}");
    assert!(in_batches <= 0.3, "{in_batches}");
}
