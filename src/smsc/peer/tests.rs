//! The hot path: requests in, responses out, nothing else.

use std::time::SystemTime;

use super::*;
use crate::pdu::{self, Body, SequenceNumber, SubmitSm};

/// Hands one frame to a link as the pump does.
fn handle(peer: &mut Peer, shared: &Shared, session: &mut Session<DeliveryKey>, frame: &[u8], now: Instant) {
    let mut serving = peer.serving(shared);
    if let Some(event) = session.handle_frame(frame, now) {
        serving.event(session, event, frame, now);
    }
    serving.feed(session, now);
}

fn frame<B: Body>(body: &B, sequence: u32) -> Vec<u8> {
    let mut frame = Vec::new();
    let sequence = SequenceNumber::new(sequence);
    pdu::encode(body, CommandStatus::ESME_ROK, sequence, &mut frame).unwrap();
    frame
}

#[test]
fn a_message_and_its_response_need_no_allocation() {
    let now = Instant::now();
    let shared = Shared::new(Behaviour::default(), 1, SystemTime::UNIX_EPOCH);
    let mut peer = Peer::open(&mut shared.centre(), now).unwrap();
    let mut session = peer.session(&Behaviour::default(), now);
    handle(
        &mut peer,
        &shared,
        &mut session,
        &frame(&pdu::BindTransceiver::default(), 1),
        now,
    );

    let submit = SubmitSm {
        source_addr: "Bank".parse().unwrap(),
        destination_addr: "447700900123".parse().unwrap(),
        short_message: b"Hello".repeat(20).into(),
        ..SubmitSm::default()
    };
    let submit = frame(&submit, 2);
    let mut run = |count: usize| {
        for _ in 0..count {
            handle(&mut peer, &shared, &mut session, &submit, now);
            let written = session.output().len();
            assert!(written > 16, "the response is there at once");
            session.handle_written(written, now);
        }
    };
    // Until what is remembered is full and every buffer has its size.
    run(20_000);
    let counted = allocation_counter::measure(|| run(10_000));
    assert_eq!(counted.count_total, 0, "{counted:?}");
    assert_eq!(shared.centre().counters().messages, 30_000);
}
