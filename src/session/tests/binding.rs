//! Binds, outbind and unbind, octet by octet.

use super::*;

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
fn a_second_bind_before_the_first_is_answered_is_refused() {
    let mut bench = Bench::new(SessionConfig::new(Side::Smsc));
    let bind = "00000018 00000009 00000000 00000001 6100 00 00 34 00 00 00";
    let [Seen::Request(first, _)] = bench.gets(bind)[..] else {
        panic!("no bind")
    };
    let second = "00000018 00000001 00000000 00000002 6100 00 00 34 00 00 00";
    assert_eq!(bench.gets(second), [Seen::Violation(Violation::SecondBind)]);
    assert_eq!(bench.sent(), "00000010800000010000000500000002");
    bench
        .session
        .respond_empty(first, CommandStatus::ESME_ROK, bench.now)
        .unwrap();
    assert_eq!(bench.session.state(), SessionState::BoundTrx);
}

#[test]
fn a_bind_that_nobody_decides_is_refused_and_closes() {
    let mut bench = Bench::new(SessionConfig::new(Side::Smsc));
    bench.gets("00000018 00000009 00000000 00000001 6100 00 00 34 00 00 00");
    bench.passes(secs(10));
    assert_eq!(bench.sent(), "00000010800000090000000800000001");
    let refused = CloseCause::BindRefused(CommandStatus::ESME_RSYSERR);
    assert_eq!(bench.session.wants_close(), Some(refused));
}

#[test]
fn a_bind_answered_as_another_kind_of_bind_is_refused_at_once() {
    let mut bench = Bench::new(esme());
    bench
        .session
        .bind(&BindTransceiver::default(), bench.now)
        .unwrap();
    let refused = CommandStatus::ESME_RBINDFAIL;
    assert_eq!(
        bench.gets("00000010 80000001 00000000 00000001"),
        [Seen::Refused(refused)]
    );
    assert_eq!(
        bench.session.wants_close(),
        Some(CloseCause::BindRefused(refused))
    );
}

#[test]
fn both_sides_may_unbind_at_once() {
    let mut bench = Bench::bound(esme());
    bench.session.unbind(bench.now);
    assert_eq!(bench.sent(), "00000010000000060000000000000002");
    assert_eq!(
        bench.gets("00000010 00000006 00000000 00000077"),
        [Seen::PeerUnbinds]
    );
    assert_eq!(bench.sent(), "00000010800000060000000000000077");
    assert_eq!(bench.gets("00000010 80000006 00000000 00000002"), [Seen::Unbound]);
    assert_eq!(bench.session.wants_close(), Some(CloseCause::Unbound));
}

#[test]
fn a_peer_that_closes_instead_of_answering_our_unbind_agrees() {
    let mut bench = Bench::bound(esme());
    bench.session.unbind(bench.now);
    bench.sent();
    bench.session.handle_closed();
    assert_eq!(bench.session.wants_close(), Some(CloseCause::Unbound));
}

#[test]
fn after_its_unbind_a_peer_may_ask_nothing_more() {
    let mut bench = Bench::bound(esme());
    let deliver = |number: u32| format!("00000021 00000005 00000000 {number:08x}") + &"00".repeat(17);
    let [Seen::Request(owed, _)] = bench.gets(&deliver(1))[..] else {
        panic!("no delivery")
    };
    bench.gets("00000010 00000006 00000000 00000002");
    assert_eq!(bench.gets(&deliver(3)), [Seen::Violation(Violation::WrongState)]);
    assert_eq!(bench.sent(), "00000010800000050000000400000003");
    bench
        .session
        .respond_empty(owed, CommandStatus::ESME_ROK, bench.now)
        .unwrap();
    assert!(bench.sent().ends_with("00000010800000060000000000000002"));
    assert_eq!(bench.session.state(), SessionState::Unbound);
}

#[test]
fn an_unbind_before_the_bind_is_refused() {
    let mut bench = Bench::new(SessionConfig::new(Side::Smsc));
    let unbind = "00000010 00000006 00000000 00000001";
    assert_eq!(bench.gets(unbind), [Seen::Violation(Violation::WrongState)]);
    assert_eq!(bench.sent(), "00000010800000060000000400000001");
}

#[test]
fn a_message_centre_sends_outbind_and_is_bound_by_the_answer() {
    let mut bench = Bench::new(SessionConfig::new(Side::Smsc));
    bench.session.notify(&crate::pdu::Outbind::default()).unwrap();
    assert_eq!(bench.sent(), "000000120000000b00000000000000010000");
    assert_eq!(bench.session.state(), SessionState::Outbound);
    let bind = "00000018 00000001 00000000 00000001 6100 00 00 34 00 00 00";
    assert!(matches!(
        bench.gets(bind)[..],
        [Seen::Request(_, CommandId::BIND_RECEIVER)]
    ));
}

#[test]
fn what_wants_no_answer_takes_no_place() {
    let mut bench = Bench::bound_smsc(SessionConfig::new(Side::Smsc));
    bench
        .session
        .notify(&crate::pdu::AlertNotification::default())
        .unwrap();
    assert_eq!((bench.session.in_flight(), bench.sent().len()), (0, 2 * 22));
}

#[test]
fn an_owner_asks_only_what_is_his_to_ask() {
    let mut bench = Bench::bound_smsc(SessionConfig::new(Side::Smsc));
    let pdus: [crate::pdu::Pdu; 4] = [
        crate::pdu::AlertNotification::default().into(),
        crate::pdu::Unbind::default().into(),
        SubmitSmResp::default().into(),
        BindTransceiver::default().into(),
    ];
    for pdu in pdus {
        let refused = bench.session.request_pdu(1, &pdu, None, bench.now);
        assert_eq!(refused, Err((1, RequestError::NotARequest(pdu.command_id()))));
    }
    let refused = bench.session.notify(&DeliverSm::default());
    assert_eq!(refused, Err(RequestError::NotARequest(CommandId::DELIVER_SM)));
    assert_eq!(bench.sent(), "");
}
