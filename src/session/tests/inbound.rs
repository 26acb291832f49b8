//! Requests of the peer and their answers.

use super::*;

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
        bench.now,
    );
    assert_eq!(bench.sent(), "00000010800000000000000200000009");
    assert_eq!(bench.session.wants_close(), Some(CloseCause::Framing(error)));
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
fn the_default_answer_is_a_setting_of_both_sides() {
    for (config, status) in [
        (SessionConfig::new(Side::Smsc), "00000008"),
        (
            SessionConfig {
                default_answer: CommandStatus::ESME_RMSGQFUL,
                ..SessionConfig::new(Side::Smsc)
            },
            "00000014",
        ),
    ] {
        let mut bench = Bench::bound_smsc(config);
        bench.gets(&("00000021 00000004 00000000 00000002".to_owned() + &"00".repeat(17)));
        bench.passes(secs(10));
        assert_eq!(bench.sent(), format!("0000001080000004{status}00000002"));
    }
}

#[test]
fn equal_numbers_of_the_peer_are_answered_each() {
    let mut bench = Bench::bound(esme());
    let deliver = "00000021 00000005 00000000 00000001".to_owned() + &"00".repeat(17);
    for _ in 0..2 {
        let [Seen::Request(inbound, _)] = bench.gets(&deliver)[..] else {
            panic!("no delivery")
        };
        bench
            .session
            .respond_empty(inbound, CommandStatus::ESME_ROK, bench.now)
            .unwrap();
    }
    assert_eq!(bench.sent(), "0000001180000005000000000000000100".repeat(2));
}

#[test]
fn an_answer_of_another_kind_is_refused_and_the_right_one_still_taken() {
    let mut bench = Bench::bound(esme());
    let deliver = "00000021 00000005 00000000 00000001".to_owned() + &"00".repeat(17);
    let [Seen::Request(inbound, _)] = bench.gets(&deliver)[..] else {
        panic!("no delivery")
    };
    let wrong = bench.session.respond(
        inbound,
        CommandStatus::ESME_ROK,
        &SubmitSmResp::default(),
        bench.now,
    );
    assert!(
        matches!(wrong, Err(RespondError::WrongResponse { .. })),
        "{wrong:?}"
    );
    let right = bench.session.respond(
        inbound,
        CommandStatus::ESME_ROK,
        &DeliverSmResp::default(),
        bench.now,
    );
    assert_eq!((right, bench.sent().len()), (Ok(()), 34));
}

#[test]
fn before_the_bind_only_short_frames_are_taken() {
    let bench = Bench::new(SessionConfig::new(Side::Smsc));
    assert!(bench.session.max_command_length() < 5_000);
    let bench = Bench::bound_smsc(SessionConfig::new(Side::Smsc));
    assert_eq!(bench.session.max_command_length(), 70_000);
}
