//! Our requests: window, responses, numbers, limits.

use super::*;
use crate::pdu::{StatusClass, StatusClasses};

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
    assert_eq!((bench.session.waiting(), bench.session.in_flight()), (1, 1));
    assert_eq!(
        bench.passes(secs(30)),
        [Seen::Unresolved(1, Unresolved::ResponseExpired)]
    );
    assert_eq!((bench.session.waiting(), bench.session.in_flight()), (0, 1));
    assert_eq!(bench.session.wants_close(), None);
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
fn a_response_of_another_kind_is_counted_and_the_own_one_still_answers() {
    let mut bench = Bench::bound(esme());
    bench.submit(1);
    for frame in [
        "00000011 80000103 00000000 00000002 00",
        "00000010 80000015 00000000 00000002",
    ] {
        assert_eq!(bench.gets(frame), [Seen::Violation(Violation::WrongResponse)]);
    }
    assert_eq!(
        (bench.session.in_flight(), bench.session.counters().violations),
        (1, 2)
    );
    assert_eq!(
        bench.gets("00000012 80000004 00000000 00000002 3100"),
        [Seen::Answered(1, CommandStatus::ESME_ROK)]
    );
}

#[test]
fn a_request_that_only_another_kind_of_response_answers_expires() {
    let mut bench = Bench::bound(esme());
    bench.submit(1);
    bench.sent();
    bench.passes(secs(20));
    bench.gets("00000011 80000103 00000000 00000002 00");
    assert_eq!(
        bench.passes(secs(10)),
        [Seen::Unresolved(1, Unresolved::ResponseExpired)]
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
        [
            Seen::Violation(Violation::UnsolicitedResponse),
            Seen::Unresolved(2, Unresolved::WrongResponse)
        ],
        "it may have meant something else"
    );
    assert_eq!(
        bench.gets("00000011 80000004 00000000 00000003 00"),
        [Seen::Late(3, CommandStatus::ESME_ROK)]
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
fn sequence_numbers_wrap_and_skip_those_in_flight() {
    let now = Instant::now();
    let generator = WrappingSequence::starting_at(SequenceNumber::new(0x7FFF_FFFD));
    let mut bench = Bench {
        session: Session::with_numbers(esme(), Limits::default(), generator.into(), now),
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
fn the_statuses_of_the_peer_decide_what_throttles() {
    let statuses: StatusClasses = [
        (CommandStatus::new(0x401), StatusClass::Throttle),
        (CommandStatus::ESME_RTHROTTLED, StatusClass::Permanent),
    ]
    .into_iter()
    .collect();
    // By the table, and by what this peer means.
    let cases = [
        ("00000058", [Some(5.0), Some(10.0)]),
        ("00000014", [Some(10.0), Some(10.0)]),
        ("00000401", [Some(10.0), Some(5.0)]),
    ];
    for (status, rates) in cases {
        for (statuses, rate) in [StatusClasses::default(), statuses.clone()]
            .into_iter()
            .zip(rates)
        {
            let mut bench = Bench::bound(SessionConfig { statuses, ..esme() });
            bench.session.set_rate(Some(Rate::per_second(10.0)), bench.now);
            bench.submit(1);
            bench.passes(Duration::from_millis(20));
            bench.gets(&format!("00000010 80000004 {status} 00000002"));
            assert_eq!(bench.session.rate(), rate, "{status}");
        }
    }
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

#[test]
fn generic_nack_without_an_error_is_a_refusal_all_the_same() {
    let mut bench = Bench::bound(esme());
    bench.submit(1);
    assert_eq!(
        bench.gets("00000010 80000000 00000000 00000002"),
        [Seen::Answered(1, CommandStatus::ESME_RUNKNOWNERR)]
    );
    assert_eq!(bench.session.counters().accepted, 0);
}

#[test]
fn generic_nack_without_a_number_may_mean_an_enquiry_too() {
    let mut bench = Bench::bound(esme());
    bench.passes(secs(30));
    bench.sent();
    bench.submit(1);
    let nack = "00000010 80000000 00000002 00000000";
    assert_eq!(
        bench.gets(nack),
        [Seen::Violation(Violation::UnsolicitedResponse)]
    );
    bench.gets("00000010 80000015 00000000 00000002");
    assert_eq!(
        bench.gets(nack),
        [
            Seen::Violation(Violation::UnsolicitedResponse),
            Seen::Unresolved(1, Unresolved::WrongResponse)
        ]
    );
}

#[test]
fn a_forced_number_that_no_request_may_have_is_refused() {
    let mut bench = Bench::bound(esme());
    for number in [0, 0x8000_0000, u32::MAX] {
        let number = SequenceNumber::new(number);
        let refused = bench
            .session
            .request_pdu(1, &SubmitSm::default().into(), Some(number), bench.now);
        assert_eq!(refused, Err((1, RequestError::SequenceReserved(number))));
    }
}

#[test]
fn a_late_answer_tells_that_earlier_requests_were_skipped() {
    let mut bench = Bench::bound(SessionConfig {
        enquire_link_interval: None,
        window: 2,
        ..esme()
    });
    bench.submit(1);
    bench.submit(2);
    bench.sent();
    bench.passes(secs(30));
    assert_eq!(bench.session.room(bench.now), Room::Full);
    bench.gets("00000011 80000004 00000000 00000003 00");
    assert_eq!(bench.session.room(bench.now), Room::Now(2));
}

#[test]
fn a_number_that_may_still_be_answered_late_is_not_given_again() {
    let mut bench = Bench::bound(SessionConfig {
        enquire_link_interval: None,
        ..esme()
    });
    bench.submit(1);
    bench.sent();
    bench.passes(secs(30));
    let number = SequenceNumber::new(2);
    let taken = bench
        .session
        .request_pdu(2, &SubmitSm::default().into(), Some(number), bench.now);
    assert_eq!(taken, Err((2, RequestError::SequenceTaken(number))));
}

#[test]
fn a_vendors_status_can_slow_the_session_down() {
    let mut bench = Bench::bound(esme());
    bench.session.set_rate(Some(Rate::per_second(100.0)), bench.now);
    bench.submit(1);
    let sent = bench.now;
    bench.passes(secs(1));
    assert_eq!(bench.session.rate(), Some(100.0));
    bench.session.slow_down(sent, bench.now);
    assert_eq!(
        (bench.events(), bench.session.rate()),
        (vec![Seen::Throttled], Some(50.0))
    );
}

#[test]
fn a_full_queue_does_not_slow_the_session_down() {
    let mut bench = Bench::bound(esme());
    bench.session.set_rate(Some(Rate::per_second(100.0)), bench.now);
    bench.submit(1);
    bench.gets("00000010 80000004 00000014 00000002");
    assert_eq!(bench.session.rate(), Some(100.0));
}

#[test]
fn what_does_not_fit_costs_no_token() {
    let mut bench = Bench::bound(esme());
    let rate = Rate {
        per_second: 1.0,
        burst: Some(1.0),
    };
    bench.session.set_rate(Some(rate), bench.now);
    let long = SubmitSm {
        short_message: vec![0; 300].into(),
        ..SubmitSm::default()
    };
    assert!(bench.session.request(1, &long, bench.now).is_err());
    assert_eq!(bench.session.room(bench.now), Room::Now(1));
}

#[test]
fn a_generator_that_repeats_itself_is_helped_on() {
    struct Same;
    impl SequenceGenerator for Same {
        fn next_sequence(&mut self) -> SequenceNumber {
            SequenceNumber::new(7)
        }
    }
    let now = Instant::now();
    let session = Session::with_numbers(esme(), Limits::default(), Sequence::Asked(Box::new(Same)), now);
    let mut bench = Bench { session, now };
    bench.session.bind(&BindTransceiver::default(), now).unwrap();
    bench.gets("00000011 80000009 00000000 00000007 00");
    let numbers: Vec<_> = (0..4).map(|token| bench.submit(token).value()).collect();
    assert_eq!(numbers, [7, 8, 9, 10]);
}

/// Found by fuzzing: the one request that proves a session went out although the window was shut.
#[test]
fn a_shut_window_lets_no_first_request_out() {
    let mut bench = Bench::bound(SessionConfig {
        probe_first: true,
        window: 0,
        ..esme()
    });
    assert_eq!(bench.session.room(bench.now), Room::Full);
    assert_eq!(bench.session.usable_window(), 0);
    let refused = bench.session.request(1, &SubmitSm::default(), bench.now);
    assert_eq!(refused, Err((1, RequestError::NoRoom)));
    bench.session.set_window(4);
    assert_eq!(bench.session.room(bench.now), Room::Now(1));
}
