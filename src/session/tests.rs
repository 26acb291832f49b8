//! Scripts in virtual time: two sessions over a simulated link, and hand-written octets against one side, so
//! that a mistake that both sides share does not cancel.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::pdu::{
    BindTransceiver, BindTransceiverResp, DataSm, DeliverSm, DeliverSmResp, SubmitSm, SubmitSmResp,
    frame_length,
};

fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn esme() -> SessionConfig {
    SessionConfig::new(Side::Esme)
}

fn octets(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let nibble = |digit: u8| u8::try_from(char::from(digit).to_digit(16).unwrap()).unwrap();
    digits
        .chunks(2)
        .map(|pair| nibble(pair[0]) << 4 | nibble(pair[1]))
        .collect()
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// What is left of an event when its frame is gone.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Bound,
    Refused(CommandStatus),
    Answered(u32, CommandStatus),
    Unresolved(u32, Unresolved),
    Late(u32, CommandStatus),
    Request(Inbound, CommandId),
    Notice(CommandId),
    Unreadable(CommandId),
    Violation(Violation),
    Throttled,
    PeerUnbinds,
    Unbound,
}

fn keep(event: &Event<'_, u32>) -> Seen {
    match event {
        Event::Bound { .. } => Seen::Bound,
        Event::BindRefused { status } => Seen::Refused(*status),
        Event::Answered { token, status, .. } => Seen::Answered(*token, *status),
        Event::Unresolved { token, cause, .. } => Seen::Unresolved(*token, *cause),
        Event::Late { sequence, status, .. } => Seen::Late(sequence.value(), *status),
        Event::Request { inbound, header, .. } => Seen::Request(*inbound, header.command_id),
        Event::Notice { header, .. } => Seen::Notice(header.command_id),
        Event::Unreadable { header, .. } => Seen::Unreadable(header.command_id),
        Event::Violation { violation, .. } => Seen::Violation(*violation),
        Event::Throttled { .. } => Seen::Throttled,
        Event::PeerUnbinds => Seen::PeerUnbinds,
        Event::Unbound => Seen::Unbound,
    }
}

/// One session and hand-written octets.
struct Bench {
    session: Session<u32>,
    now: Instant,
}

impl Bench {
    fn new(config: SessionConfig) -> Self {
        let now = Instant::now();
        Self {
            session: Session::new(config, Limits::default(), now),
            now,
        }
    }

    /// A bound transceiver whose bind took sequence number 1.
    fn bound(config: SessionConfig) -> Self {
        let mut bench = Self::new(config);
        bench
            .session
            .bind(&BindTransceiver::default(), bench.now)
            .unwrap();
        bench.sent();
        assert_eq!(
            bench.gets("00000011 80000009 00000000 00000001 00"),
            [Seen::Bound]
        );
        bench
    }

    /// A bound transceiver, seen from the message centre.
    fn bound_smsc(config: SessionConfig) -> Self {
        let mut bench = Self::new(config);
        let bind = "00000018 00000009 00000000 00000001 6100 00 00 34 00 00 00";
        let [Seen::Request(inbound, _)] = bench.gets(bind)[..] else {
            panic!("no bind")
        };
        let now = bench.now;
        bench
            .session
            .respond(
                inbound,
                CommandStatus::ESME_ROK,
                &BindTransceiverResp::default(),
                now,
            )
            .unwrap();
        bench.sent();
        bench.events();
        bench
    }

    /// The peer sends one frame.
    fn gets(&mut self, frame: &str) -> Vec<Seen> {
        let frame = octets(frame);
        assert_eq!(
            frame_length(&frame, 70_000),
            Ok(Some(frame.len())),
            "one whole frame"
        );
        let first = self
            .session
            .handle_frame(&frame, self.now)
            .map(|event| keep(&event));
        first.into_iter().chain(self.events()).collect()
    }

    fn events(&mut self) -> Vec<Seen> {
        std::iter::from_fn(|| self.session.poll_event())
            .map(|event| keep(&event))
            .collect()
    }

    /// What has been written since the last call, in hex.
    fn sent(&mut self) -> String {
        let output = self.session.output().to_vec();
        self.session.handle_written(output.len(), self.now);
        self.session.watch_output(self.now);
        hex(&output)
    }

    fn submit(&mut self, token: u32) -> SequenceNumber {
        self.session
            .request(token, &SubmitSm::default(), self.now)
            .unwrap()
    }

    /// Time passes; every deadline on the way is kept.
    fn passes(&mut self, time: Duration) -> Vec<Seen> {
        let end = self.now + time;
        let mut seen = Vec::new();
        while let Some(due) = self.session.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.session.handle_timeout(self.now);
            seen.extend(self.events());
            if self.session.wants_close().is_some() {
                return seen;
            }
        }
        self.now = end;
        self.session.handle_timeout(end);
        seen.extend(self.events());
        seen
    }
}

#[test]
fn a_bind_and_a_submit_look_like_this_on_the_wire() {
    let mut bench = Bench::new(esme());
    let bind = BindTransceiver {
        system_id: "a".try_into().unwrap(),
        password: "b".try_into().unwrap(),
        interface_version: crate::pdu::InterfaceVersion::V3_4,
        ..BindTransceiver::default()
    };
    bench.session.bind(&bind, bench.now).unwrap();
    assert_eq!(bench.sent(), "00000019000000090000000000000001610062000034000000");
    assert_eq!(
        bench.gets("00000013 80000009 00000000 00000001 534d00"),
        [Seen::Bound]
    );
    bench.submit(7);
    assert_eq!(
        bench.sent(),
        "00000021000000040000000000000002".to_owned() + &"00".repeat(17)
    );
    assert_eq!(
        bench.gets("00000013 80000004 00000000 00000002 343200"),
        [Seen::Answered(7, CommandStatus::ESME_ROK)]
    );
}

#[test]
fn the_message_centre_answers_a_bind_and_a_submit_like_this() {
    let mut bench = Bench::new(SessionConfig::new(Side::Smsc));
    let bind = "0000001a 00000009 00000000 00000005 6100 6200 00 34 00 00 00".replace("1a", "19");
    let [Seen::Request(inbound, CommandId::BIND_TRANSCEIVER)] = bench.gets(&bind)[..] else {
        panic!("no bind")
    };
    let resp = BindTransceiverResp {
        system_id: "S".try_into().unwrap(),
        ..BindTransceiverResp::default()
    };
    bench
        .session
        .respond(inbound, CommandStatus::ESME_ROK, &resp, bench.now)
        .unwrap();
    assert_eq!(bench.sent(), "000000128000000900000000000000055300");
    assert_eq!(bench.session.state(), SessionState::BoundTrx);
    bench.events();
    let submit = "00000021 00000004 00000000 00000006".to_owned() + &"00".repeat(17);
    let [Seen::Request(inbound, CommandId::SUBMIT_SM)] = bench.gets(&submit)[..] else {
        panic!("no submit")
    };
    let resp = SubmitSmResp {
        message_id: "42".try_into().unwrap(),
        ..SubmitSmResp::default()
    };
    bench
        .session
        .respond(inbound, CommandStatus::ESME_ROK, &resp, bench.now)
        .unwrap();
    assert_eq!(bench.sent(), "00000013800000040000000000000006343200");
    let again = bench
        .session
        .respond(inbound, CommandStatus::ESME_ROK, &resp, bench.now);
    assert_eq!(again, Err(RespondError::AlreadyAnswered));
}

#[test]
fn a_refused_bind_closes_with_its_status() {
    let mut bench = Bench::new(esme());
    bench
        .session
        .bind(&BindTransceiver::default(), bench.now)
        .unwrap();
    let refused = CommandStatus::ESME_RALYBND;
    assert_eq!(
        bench.gets("00000010 80000009 00000005 00000001"),
        [Seen::Refused(refused)]
    );
    assert_eq!(
        bench.session.wants_close(),
        Some(CloseCause::BindRefused(refused))
    );
}

#[test]
fn a_bind_without_an_answer_closes() {
    let mut bench = Bench::new(SessionConfig {
        bind_timeout: secs(5),
        ..esme()
    });
    bench
        .session
        .bind(&BindTransceiver::default(), bench.now)
        .unwrap();
    bench.sent();
    bench.passes(secs(4));
    assert_eq!(bench.session.wants_close(), None);
    bench.passes(secs(1));
    assert_eq!(bench.session.wants_close(), Some(CloseCause::BindExpired));
}

#[test]
fn a_connection_without_a_bind_closes() {
    let mut bench = Bench::new(SessionConfig::new(Side::Smsc));
    bench.passes(secs(30));
    assert_eq!(bench.session.wants_close(), Some(CloseCause::NotBound));
}

#[test]
fn nothing_but_a_bind_goes_out_before_the_bind_is_answered() {
    let mut bench = Bench::new(esme());
    bench
        .session
        .bind(&BindTransceiver::default(), bench.now)
        .unwrap();
    assert_eq!(bench.session.room(bench.now), Room::Full);
    let refused = bench.session.request(1, &SubmitSm::default(), bench.now);
    assert!(
        matches!(refused, Err((1, RequestError::WrongState { .. }))),
        "{refused:?}"
    );
}

#[test]
fn a_receiver_cannot_submit_and_a_transmitter_gets_no_deliveries() {
    let mut bench = Bench::new(esme());
    bench
        .session
        .bind(&crate::pdu::BindReceiver::default(), bench.now)
        .unwrap();
    bench.gets("00000011 80000001 00000000 00000001 00");
    assert_eq!(bench.session.state(), SessionState::BoundRx);
    assert!(bench.session.request(1, &SubmitSm::default(), bench.now).is_err());

    let mut bench = Bench::new(esme());
    bench
        .session
        .bind(&crate::pdu::BindTransmitter::default(), bench.now)
        .unwrap();
    bench.gets("00000011 80000002 00000000 00000001 00");
    bench.sent();
    let deliver = "00000021 00000005 00000000 00000009".to_owned() + &"00".repeat(17);
    assert_eq!(bench.gets(&deliver), [Seen::Violation(Violation::WrongState)]);
    assert_eq!(bench.sent(), "00000010800000050000000400000009");
}

#[test]
fn the_window_is_never_exceeded() {
    let mut bench = Bench::bound(SessionConfig { window: 2, ..esme() });
    bench.submit(1);
    bench.submit(2);
    assert_eq!(bench.session.room(bench.now), Room::Full);
    let refused = bench.session.request(3, &SubmitSm::default(), bench.now);
    assert_eq!(refused, Err((3, RequestError::NoRoom)));
    bench.gets("00000011 80000004 00000000 00000003 00");
    assert_eq!(bench.session.room(bench.now), Room::Now(1));
}

#[test]
fn a_value_that_does_not_fit_leaves_no_trace() {
    let mut bench = Bench::bound(esme());
    let long = SubmitSm {
        short_message: vec![0; 300].into(),
        ..SubmitSm::default()
    };
    let refused = bench.session.request(1, &long, bench.now);
    assert!(
        matches!(refused, Err((1, RequestError::Encode(_)))),
        "{refused:?}"
    );
    assert_eq!((bench.sent(), bench.session.in_flight()), (String::new(), 0));
}

#[test]
fn an_expired_request_is_unknown_and_its_late_answer_an_event() {
    let mut bench = Bench::bound(SessionConfig {
        enquire_link_interval: None,
        ..esme()
    });
    bench.submit(1);
    bench.sent();
    assert_eq!(
        bench.passes(secs(30)),
        [Seen::Unresolved(1, Unresolved::ResponseExpired)]
    );
    assert_eq!(
        (bench.session.in_flight(), bench.session.wants_close()),
        (1, None)
    );
    assert_eq!(
        bench.gets("00000012 80000004 00000000 00000002 3100"),
        [Seen::Late(2, CommandStatus::ESME_ROK)]
    );
    assert_eq!(bench.session.in_flight(), 0);
    assert_eq!(
        bench.gets("00000012 80000004 00000000 00000002 3100"),
        [Seen::Violation(Violation::UnsolicitedResponse)]
    );
}

#[test]
fn a_peer_that_answers_only_enquire_link_gets_one_window_and_is_given_up() {
    let mut bench = Bench::bound(SessionConfig {
        window: 3,
        enquire_link_interval: Some(secs(5)),
        ..esme()
    });
    for token in 0..3 {
        bench.submit(token);
    }
    bench.sent();
    let (mut unknown, mut waited) = (0, 0);
    while bench.session.wants_close().is_none() && waited < 200 {
        unknown += bench.passes(secs(1)).len();
        waited += 1;
        let out = bench.sent();
        if out.starts_with("0000001000000015") {
            bench.gets(&format!("00000010 80000015 00000000 {}", &out[24..32]));
        }
        assert!(
            bench.session.wants_close().is_some() || bench.session.room(bench.now) == Room::Full,
            "at {waited}"
        );
    }
    assert_eq!(
        (unknown, waited, bench.session.wants_close()),
        (3, 90, Some(CloseCause::NoProgress))
    );
}

#[test]
fn after_a_rebind_without_progress_one_request_goes_first() {
    let mut bench = Bench::bound(SessionConfig {
        probe_first: true,
        ..esme()
    });
    bench.submit(1);
    assert_eq!(bench.session.room(bench.now), Room::Full);
    bench.gets("00000011 80000004 00000000 00000002 00");
    assert_eq!(bench.session.room(bench.now), Room::Now(10));
}

#[test]
fn a_response_of_another_kind_fails_its_request() {
    let mut bench = Bench::bound(esme());
    bench.submit(1);
    assert_eq!(
        bench.gets("00000011 80000103 00000000 00000002 00"),
        [
            Seen::Violation(Violation::WrongResponse),
            Seen::Unresolved(1, Unresolved::WrongResponse)
        ]
    );
}

#[test]
fn generic_nack_answers_its_request() {
    let mut bench = Bench::bound(esme());
    bench.submit(1);
    let status = CommandStatus::ESME_RINVCMDID;
    assert_eq!(
        bench.gets("00000010 80000000 00000003 00000002"),
        [Seen::Answered(1, status)]
    );
}

#[test]
fn generic_nack_without_a_number_means_the_only_request_or_none() {
    let nack = "00000010 80000000 00000002 00000000";
    let mut bench = Bench::bound(esme());
    bench.submit(1);
    bench.submit(2);
    assert_eq!(
        bench.gets(nack),
        [Seen::Violation(Violation::UnsolicitedResponse)]
    );
    bench.gets("00000011 80000004 00000000 00000002 00");
    assert_eq!(
        bench.gets(nack),
        [Seen::Answered(2, CommandStatus::ESME_RINVCMDLEN)]
    );
}

#[test]
fn an_unreadable_response_still_completes_its_request() {
    let mut bench = Bench::bound(SessionConfig {
        leniency: crate::pdu::Leniency::STRICT,
        ..esme()
    });
    bench.submit(1);
    assert_eq!(
        bench.gets("00000012 80000004 00000000 00000002 3131"),
        [Seen::Answered(1, CommandStatus::ESME_ROK)]
    );
    assert_eq!(bench.session.counters().unreadable, 1);
}

#[test]
fn an_unreadable_request_is_answered_and_the_session_goes_on() {
    let mut bench = Bench::bound(esme());
    assert_eq!(
        bench.gets("00000014 00000005 00000000 00000009 00000000"),
        [Seen::Unreadable(CommandId::DELIVER_SM)]
    );
    assert_eq!(bench.sent(), "00000010800000050000000200000009");
    assert_eq!(
        bench.gets("00000010 00000077 00000000 0000000a"),
        [Seen::Violation(Violation::UnknownCommand)]
    );
    assert_eq!(bench.sent(), "0000001080000000000000030000000a");
    assert_eq!(
        bench.gets("00000010 80000077 00000000 0000000b"),
        [Seen::Violation(Violation::UnknownCommand)]
    );
    assert_eq!((bench.sent(), bench.session.wants_close()), (String::new(), None));
}

#[test]
fn lost_framing_is_answered_and_closes() {
    let mut bench = Bench::bound(esme());
    let error = frame_length(&octets("00000004 00000005 00000000 00000009"), 70_000).unwrap_err();
    bench.session.handle_framing_error(
        error,
        Header::peek(&octets("00000004 00000005 00000000 00000009")),
    );
    assert_eq!(bench.sent(), "00000010800000000000000200000009");
    assert_eq!(bench.session.wants_close(), Some(CloseCause::Framing(error)));
}

#[test]
fn enquire_link_is_answered_in_any_state() {
    for mut bench in [
        Bench::new(esme()),
        Bench::bound(esme()),
        Bench::new(SessionConfig::new(Side::Smsc)),
    ] {
        assert_eq!(bench.gets("00000010 00000015 00000000 00000063"), []);
        assert_eq!(bench.sent(), "00000010800000150000000000000063");
    }
}

#[test]
fn silence_after_enquire_link_closes_the_session() {
    let mut bench = Bench::bound(esme());
    bench.passes(secs(30));
    assert_eq!(bench.sent(), "00000010000000150000000000000002");
    bench.passes(secs(9));
    assert_eq!(bench.session.wants_close(), None);
    bench.passes(secs(1));
    assert_eq!(bench.session.wants_close(), Some(CloseCause::LinkDead));
}

#[test]
fn a_busy_link_whose_peer_never_answers_enquire_link_lives() {
    let fixed = SessionConfig {
        enquire_link_mode: EnquireLinkMode::Fixed,
        ..esme()
    };
    let mut bench = Bench::bound(SessionConfig {
        enquire_link_interval: Some(secs(20)),
        ..fixed
    });
    for sequence in 0..40 {
        bench.passes(secs(5));
        bench.sent();
        let deliver = format!("00000021 00000005 00000000 {sequence:08x}") + &"00".repeat(17);
        let [Seen::Request(inbound, _)] = bench.gets(&deliver)[..] else {
            panic!("no delivery")
        };
        bench
            .session
            .respond_empty(inbound, CommandStatus::ESME_ROK, bench.now)
            .unwrap();
    }
    assert_eq!(bench.session.wants_close(), None);
}

#[test]
fn sending_alone_is_no_sign_of_life() {
    let mut bench = Bench::bound(SessionConfig {
        window: 100,
        ..esme()
    });
    for token in 0..8 {
        bench.submit(token);
        bench.sent();
        bench.passes(secs(5));
    }
    assert_eq!(bench.session.wants_close(), Some(CloseCause::LinkDead));
}

#[test]
fn a_delivery_that_nobody_answers_is_answered_at_its_deadline() {
    let mut bench = Bench::bound(esme());
    let deliver = "00000021 00000005 00000000 00000009".to_owned() + &"00".repeat(17);
    let [Seen::Request(inbound, _)] = bench.gets(&deliver)[..] else {
        panic!("no delivery")
    };
    bench.passes(secs(10));
    assert_eq!(bench.sent(), "00000010800000050000006400000009");
    let late = bench.session.respond(
        inbound,
        CommandStatus::ESME_ROK,
        &DeliverSmResp::default(),
        bench.now,
    );
    assert_eq!(late, Err(RespondError::AlreadyAnswered));
    assert_eq!(bench.sent(), "");
}

#[test]
fn too_many_unanswered_deliveries_stop_the_reading() {
    let mut bench = Bench::bound(SessionConfig {
        inbound_limit: 2,
        ..esme()
    });
    let mut keys = Vec::new();
    for sequence in 1..=2 {
        assert!(bench.session.reads());
        let deliver = format!("00000021 00000005 00000000 {sequence:08x}") + &"00".repeat(17);
        let [Seen::Request(inbound, _)] = bench.gets(&deliver)[..] else {
            panic!("no delivery")
        };
        keys.push(inbound);
    }
    assert!(!bench.session.reads());
    bench
        .session
        .respond_empty(keys[1], CommandStatus::ESME_ROK, bench.now)
        .unwrap();
    assert!(bench.session.reads());
}

#[test]
fn a_draining_session_refuses_deliveries_for_now() {
    let mut bench = Bench::bound(esme());
    bench.session.stop_accepting();
    let deliver = "00000021 00000005 00000000 00000009".to_owned() + &"00".repeat(17);
    assert_eq!(bench.gets(&deliver), []);
    assert_eq!(bench.sent(), "00000010800000050000006400000009");
}

#[test]
fn our_unbind_waits_for_its_answer() {
    let mut bench = Bench::bound(esme());
    bench.submit(1);
    bench.session.unbind(bench.now);
    assert!(bench.sent().ends_with("00000010000000060000000000000003"));
    assert_eq!(bench.session.room(bench.now), Room::Full);
    assert_eq!(
        bench.gets("00000011 80000004 00000000 00000002 00"),
        [Seen::Answered(1, CommandStatus::ESME_ROK)]
    );
    assert_eq!(bench.gets("00000010 80000006 00000000 00000003"), [Seen::Unbound]);
    assert_eq!(bench.session.wants_close(), Some(CloseCause::Unbound));
}

#[test]
fn our_unbind_without_an_answer_closes_all_the_same() {
    let mut bench = Bench::bound(SessionConfig {
        enquire_link_interval: None,
        ..esme()
    });
    bench.session.unbind(bench.now);
    bench.sent();
    bench.passes(secs(30));
    assert_eq!(bench.session.wants_close(), Some(CloseCause::Unbound));
}

#[test]
fn the_peers_unbind_takes_unwritten_requests_back_and_waits_for_answers_owed() {
    let mut bench = Bench::bound(esme());
    let deliver = "00000021 00000005 00000000 00000009".to_owned() + &"00".repeat(17);
    let [Seen::Request(inbound, _)] = bench.gets(&deliver)[..] else {
        panic!("no delivery")
    };
    bench.submit(1);
    bench.submit(2);
    bench.submit(3);
    // The first request is written, the second half, the third not at all.
    bench.session.handle_written(33 + 10, bench.now);
    assert_eq!(
        bench.gets("00000010 00000006 00000000 0000000a"),
        [
            Seen::PeerUnbinds,
            Seen::Unresolved(3, Unresolved::SessionEnded { written: false })
        ]
    );
    assert_eq!(
        bench.sent().len(),
        23 * 2,
        "the rest of the second request, and no unbind_resp yet"
    );
    bench
        .session
        .respond_empty(inbound, CommandStatus::ESME_ROK, bench.now)
        .unwrap();
    assert_eq!(
        bench.sent(),
        "0000001180000005000000000000000900000000108000000600000000 0000000a".replace(' ', "")
    );
    assert_eq!(
        bench.gets("00000011 80000004 00000000 00000002 00"),
        [Seen::Answered(1, CommandStatus::ESME_ROK)]
    );
    bench.passes(secs(5));
    assert_eq!(bench.session.wants_close(), Some(CloseCause::PeerUnbound));
}

#[test]
fn a_lost_connection_tells_what_was_written() {
    let mut bench = Bench::bound(esme());
    bench.submit(1);
    bench.submit(2);
    bench.session.handle_written(33 + 32, bench.now);
    bench.session.handle_closed();
    assert_eq!(
        bench.events(),
        [
            Seen::Unresolved(1, Unresolved::SessionEnded { written: true }),
            Seen::Unresolved(2, Unresolved::SessionEnded { written: false }),
        ]
    );
    assert_eq!(
        (bench.session.state(), bench.session.in_flight()),
        (SessionState::Closed, 0)
    );
}

#[test]
fn output_that_nobody_reads_closes_the_session() {
    let mut bench = Bench::bound(SessionConfig {
        enquire_link_interval: None,
        window: 100,
        ..esme()
    });
    bench.submit(1);
    bench.session.watch_output(bench.now);
    bench.passes(secs(29));
    assert_eq!(bench.session.wants_close(), None);
    bench.passes(secs(1));
    assert_eq!(bench.session.wants_close(), Some(CloseCause::WriteStalled));
}

#[test]
fn no_request_is_encoded_behind_a_blocked_socket() {
    let mut bench = Bench::bound(SessionConfig {
        outbox_high_water: 50,
        window: 100,
        ..esme()
    });
    bench.submit(1);
    bench.submit(2);
    assert_eq!(bench.session.room(bench.now), Room::Full);
    bench.sent();
    assert_eq!(bench.session.room(bench.now), Room::Now(98));
}

#[test]
fn a_second_bind_is_refused_and_the_session_stays() {
    let mut bench = Bench::bound_smsc(SessionConfig::new(Side::Smsc));
    let bind = "00000018 00000001 00000000 00000002 6100 00 00 34 00 00 00";
    assert_eq!(bench.gets(bind), [Seen::Violation(Violation::SecondBind)]);
    assert_eq!(bench.sent(), "00000010800000010000000500000002");
    assert!(bench.session.state().is_bound());
}

#[test]
fn outbind_is_a_notice_and_binding_follows() {
    let mut bench = Bench::new(esme());
    assert_eq!(
        bench.gets("00000012 0000000b 00000000 00000001 0000"),
        [Seen::Notice(CommandId::OUTBIND)]
    );
    assert_eq!(bench.session.state(), SessionState::Outbound);
    bench
        .session
        .bind(&BindTransceiver::default(), bench.now)
        .unwrap();
    assert_eq!(
        bench.gets("00000011 80000009 00000000 00000001 00"),
        [Seen::Bound]
    );
}

#[test]
fn sequence_numbers_wrap_and_skip_those_in_flight() {
    let now = Instant::now();
    let generator = Box::new(WrappingSequence::starting_at(SequenceNumber::new(0x7FFF_FFFD)));
    let mut bench = Bench {
        session: Session::with_generator(esme(), Limits::default(), generator, now),
        now,
    };
    bench.session.bind(&BindTransceiver::default(), now).unwrap();
    bench.gets("00000011 80000009 00000000 7ffffffd 00");
    let forced = bench
        .session
        .request_pdu(1, &SubmitSm::default().into(), Some(SequenceNumber::FIRST), now);
    assert_eq!(forced, Ok(SequenceNumber::FIRST));
    let numbers: Vec<_> = (2..5).map(|token| bench.submit(token).value()).collect();
    assert_eq!(numbers, [0x7FFF_FFFE, 0x7FFF_FFFF, 2]);
    let taken = bench
        .session
        .request_pdu(9, &SubmitSm::default().into(), Some(SequenceNumber::new(2)), now);
    assert_eq!(
        taken,
        Err((9, RequestError::SequenceTaken(SequenceNumber::new(2))))
    );
    assert_eq!(
        bench.gets("00000011 80000004 00000000 00000001 00"),
        [Seen::Answered(1, CommandStatus::ESME_ROK)]
    );
}

#[test]
fn equal_numbers_in_both_directions_do_not_clash() {
    let mut bench = Bench::bound(esme());
    bench.submit(1);
    let data = "0000001a 00000103 00000000 00000002".to_owned() + &"00".repeat(10);
    let [Seen::Request(inbound, CommandId::DATA_SM)] = bench.gets(&data)[..] else {
        panic!("no data_sm")
    };
    bench
        .session
        .respond_empty(inbound, CommandStatus::ESME_ROK, bench.now)
        .unwrap();
    assert_eq!(
        bench.gets("00000011 80000004 00000000 00000002 00"),
        [Seen::Answered(1, CommandStatus::ESME_ROK)]
    );
}

#[test]
fn sixty_throttled_answers_decrease_the_rate_once() {
    let mut bench = Bench::bound(SessionConfig {
        window: 100,
        ..esme()
    });
    bench.session.set_rate(
        Some(Rate {
            per_second: 1_000.0,
            burst: Some(100.0),
        }),
        bench.now,
    );
    for token in 0..100 {
        bench.submit(token);
    }
    bench.passes(Duration::from_millis(20));
    let mut decreases = 0;
    for sequence in 2..62 {
        let seen = bench.gets(&format!("00000010 80000004 00000058 {sequence:08x}"));
        decreases += seen.iter().filter(|event| **event == Seen::Throttled).count();
    }
    assert_eq!((decreases, bench.session.rate()), (1, Some(500.0)));
    assert!(matches!(bench.session.room(bench.now), Room::At(_)));
}

#[test]
fn siblings_share_a_budget_and_an_idle_one_leaves_its_share() {
    let now = Instant::now();
    let budget = Budget::shared(
        Some(Rate {
            per_second: 10.0,
            burst: Some(10.0),
        }),
        now,
    );
    let mut benches: Vec<_> = (0..2)
        .map(|_| {
            let limits = Limits {
                rate: None,
                budget: Some(budget.clone()),
            };
            let session = Session::new(
                SessionConfig {
                    window: 100,
                    ..esme()
                },
                limits,
                now,
            );
            let mut bench = Bench { session, now };
            bench.session.bind(&BindTransceiver::default(), now).unwrap();
            bench.gets("00000011 80000009 00000000 00000001 00");
            bench
        })
        .collect();
    assert_eq!(benches[0].session.room(now), Room::Now(10));
    (0..7).for_each(|token| _ = benches[0].submit(token));
    assert_eq!(benches[1].session.room(now), Room::Now(3));
}

/// Two sessions and the octets between them.
struct Pair {
    sides: [Session<u32>; 2],
    wires: [VecDeque<u8>; 2],
    now: Instant,
    answered: Vec<u32>,
    unresolved: Vec<u32>,
    next: u32,
}

impl Pair {
    fn bound(config: SessionConfig) -> Self {
        let now = Instant::now();
        let smsc = SessionConfig {
            window: config.window,
            ..SessionConfig::new(Side::Smsc)
        };
        let mut pair = Self {
            sides: [
                Session::new(config, Limits::default(), now),
                Session::new(smsc, Limits::default(), now),
            ],
            wires: [VecDeque::new(), VecDeque::new()],
            now,
            answered: Vec::new(),
            unresolved: Vec::new(),
            next: 0,
        };
        pair.sides[0].bind(&BindTransceiver::default(), now).unwrap();
        for _ in 0..2 {
            pair.carry(0, usize::MAX);
            pair.carry(1, usize::MAX);
        }
        assert!(
            pair.sides
                .iter()
                .all(|side| side.state() == SessionState::BoundTrx)
        );
        pair
    }

    /// `side` writes what it has, and at most `octets` of that reach the other, which handles whole frames.
    fn carry(&mut self, side: usize, octets: usize) {
        let output = self.sides[side].output().to_vec();
        self.sides[side].handle_written(output.len(), self.now);
        self.wires[side].extend(output);
        let arrived = octets.min(self.wires[side].len());
        let mut buffer = self.wires[side].make_contiguous()[..arrived].to_vec();
        let mut used = 0;
        while let Some(length) = frame_length(&buffer, 70_000).unwrap() {
            let frame: Vec<u8> = buffer.drain(..length).collect();
            used += length;
            self.handle(1 - side, &frame);
        }
        self.wires[side].drain(..used);
    }

    fn handle(&mut self, side: usize, frame: &[u8]) {
        let now = self.now;
        let event = self.sides[side].handle_frame(frame, now);
        let answer = match event {
            Some(Event::Request { inbound, .. }) => Some(inbound),
            Some(event) => {
                self.note(side, &event);
                None
            }
            None => None,
        };
        if let Some(inbound) = answer {
            self.sides[side]
                .respond_empty(inbound, CommandStatus::ESME_ROK, now)
                .unwrap();
        }
        self.drain_events(side);
    }

    fn drain_events(&mut self, side: usize) {
        while let Some(event) = self.sides[side].poll_event() {
            self.note(side, &event);
        }
    }

    fn note(&mut self, side: usize, event: &Event<'_, u32>) {
        match (side, keep(event)) {
            (0, Seen::Answered(token, _)) => self.answered.push(token),
            (0, Seen::Unresolved(token, _)) => self.unresolved.push(token),
            _ => {}
        }
    }

    fn submit(&mut self) {
        if matches!(self.sides[0].room(self.now), Room::Now(_)) {
            self.sides[0]
                .request(self.next, &SubmitSm::default(), self.now)
                .unwrap();
            self.next += 1;
        }
    }

    fn deliver(&mut self) {
        if matches!(self.sides[1].room(self.now), Room::Now(_)) {
            self.sides[1].request(0, &DeliverSm::default(), self.now).unwrap();
        }
    }

    fn passes(&mut self, time: Duration) {
        self.now += time;
        for side in 0..2 {
            self.sides[side].handle_timeout(self.now);
            self.drain_events(side);
        }
    }
}

#[test]
fn data_goes_both_ways_over_a_pair() {
    let mut pair = Pair::bound(esme());
    pair.submit();
    pair.deliver();
    pair.sides[0].request(77, &DataSm::default(), pair.now).unwrap();
    pair.carry(0, usize::MAX);
    pair.carry(1, usize::MAX);
    pair.carry(0, usize::MAX);
    assert_eq!(pair.answered, [0, 77]);
    assert_eq!((pair.sides[0].in_flight(), pair.sides[1].in_flight()), (0, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn every_token_ends_exactly_once_whatever_happens(
        window in 1_usize..12,
        steps in prop::collection::vec((0_u8..7, 0_usize..90, 0_u64..15), 1..200),
    ) {
        let mut pair = Pair::bound(SessionConfig { window, ..esme() });
        for (step, octets, wait) in steps {
            match step {
                0 | 1 => pair.submit(),
                2 => pair.deliver(),
                3 => pair.carry(0, octets),
                4 => pair.carry(1, octets),
                5 => pair.passes(secs(wait)),
                _ => { pair.carry(0, usize::MAX); pair.carry(1, usize::MAX); }
            }
            prop_assert!(pair.sides[0].in_flight() <= window);
        }
        for side in 0..2 {
            pair.sides[side].handle_closed();
            pair.drain_events(side);
        }
        let mut ended: Vec<_> = pair.answered.iter().chain(&pair.unresolved).copied().collect();
        ended.sort_unstable();
        prop_assert_eq!(ended, (0..pair.next).collect::<Vec<_>>());
        prop_assert_eq!(pair.sides[0].in_flight(), 0);
    }

    #[test]
    fn no_octets_disturb_a_session(frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 12..60), 1..40)) {
        let mut bench = Bench::bound(esme());
        for body in frames {
            let mut frame = u32::try_from(body.len() + 4).unwrap().to_be_bytes().to_vec();
            frame.extend(&body);
            bench.session.handle_frame(&frame, bench.now);
            while bench.session.poll_event().is_some() {}
        }
        prop_assert!(bench.session.state() != SessionState::Closed);
    }
}
