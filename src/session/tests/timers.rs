//! Liveness, progress, and output that is not read.

use super::*;

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

fn no_enquiries() -> SessionConfig {
    SessionConfig {
        enquire_link_interval: None,
        ..esme()
    }
}

#[test]
fn one_lost_response_on_a_quiet_link_closes_nothing() {
    let mut bench = Bench::bound(no_enquiries());
    bench.submit(1);
    bench.sent();
    let seen = bench.passes(secs(600));
    assert_eq!(seen, [Seen::Unresolved(1, Unresolved::ResponseExpired)]);
    assert_eq!(
        (bench.session.wants_close(), bench.session.in_flight()),
        (None, 0)
    );
}

#[test]
fn several_lost_responses_in_a_row_close_the_session() {
    let mut bench = Bench::bound(no_enquiries());
    bench.submit(1);
    bench.sent();
    bench.passes(secs(40));
    bench.submit(2);
    bench.sent();
    bench.passes(secs(49));
    assert_eq!(bench.session.wants_close(), None);
    bench.passes(secs(1));
    assert_eq!(bench.session.wants_close(), Some(CloseCause::NoProgress));
}

#[test]
fn an_answer_in_between_is_progress() {
    let mut bench = Bench::bound(no_enquiries());
    bench.submit(1);
    bench.sent();
    bench.passes(secs(40));
    bench.submit(2);
    bench.sent();
    bench.gets("00000011 80000004 00000000 00000003 00");
    bench.submit(3);
    bench.sent();
    bench.passes(secs(89));
    assert_eq!(bench.session.wants_close(), None);
}

#[test]
fn a_full_window_without_answers_closes_when_something_waits() {
    for waits in [false, true] {
        let mut bench = Bench::bound(SessionConfig {
            window: 1,
            ..no_enquiries()
        });
        bench.submit(1);
        bench.sent();
        bench.session.set_waiting(waits, bench.now);
        bench.passes(secs(90));
        assert_eq!(
            bench.session.wants_close(),
            waits.then_some(CloseCause::NoProgress)
        );
    }
}

#[test]
fn what_our_own_rate_holds_back_is_not_the_peers_fault() {
    let mut bench = Bench::bound(no_enquiries());
    bench.session.set_rate(Some(Rate::per_second(0.002)), bench.now);
    bench.submit(1);
    bench.sent();
    bench.session.set_waiting(true, bench.now);
    bench.passes(secs(499));
    assert_eq!(bench.session.wants_close(), None);
    bench.passes(secs(2));
    bench.submit(2);
    bench.sent();
    bench.gets("00000011 80000004 00000000 00000003 00");
    assert_eq!(bench.session.wants_close(), None);
}

#[test]
fn while_we_do_not_read_the_peer_is_not_silent() {
    let mut bench = Bench::bound(SessionConfig {
        inbound_limit: 1,
        answer_timeout: secs(300),
        inactivity_timeout: Some(secs(60)),
        ..esme()
    });
    let deliver = "00000021 00000005 00000000 00000009".to_owned() + &"00".repeat(17);
    let [Seen::Request(inbound, _)] = bench.gets(&deliver)[..] else {
        panic!("no delivery")
    };
    assert!(!bench.session.reads());
    bench.passes(secs(299));
    assert_eq!((bench.session.wants_close(), bench.sent()), (None, String::new()));
    bench
        .session
        .respond_empty(inbound, CommandStatus::ESME_ROK, bench.now)
        .unwrap();
    bench.sent();
    bench.passes(secs(30));
    assert_eq!(
        bench.sent(),
        "00000010000000150000000000000002",
        "from now on silence counts"
    );
    bench.passes(secs(10));
    assert_eq!(bench.session.wants_close(), Some(CloseCause::LinkDead));
}

#[test]
fn the_time_of_a_request_counts_from_when_it_left() {
    let mut bench = Bench::bound(no_enquiries());
    bench.submit(1);
    bench.submit(2);
    bench.session.handle_written(33, bench.now);
    bench.session.watch_output(bench.now);
    // The peer reads again after 25 s.
    assert_eq!(bench.passes(secs(25)), []);
    bench.sent();
    assert_eq!(
        bench.passes(secs(5)),
        [Seen::Unresolved(1, Unresolved::ResponseExpired)]
    );
    assert_eq!(bench.passes(secs(24)), []);
    assert_eq!(
        bench.passes(secs(1)),
        [Seen::Unresolved(2, Unresolved::ResponseExpired)]
    );
}

#[test]
fn no_deadline_stays_due_behind_a_blocked_socket() {
    let mut bench = Bench::bound(SessionConfig {
        response_timeout: secs(5),
        ..no_enquiries()
    });
    bench.submit(1);
    bench.session.watch_output(bench.now);
    bench.passes(secs(6));
    let next = bench.session.poll_timeout();
    assert!(next.is_some_and(|next| next > bench.now), "{next:?}");
}

#[test]
fn a_session_that_ends_waits_a_moment_for_its_last_words_and_no_longer() {
    let mut bench = Bench::bound(no_enquiries());
    bench.session.unbind(bench.now);
    bench.session.watch_output(bench.now);
    assert_eq!(bench.gets("00000010 80000006 00000000 00000002"), [Seen::Unbound]);
    let due = bench.session.poll_timeout();
    assert_eq!(due, Some(bench.now + secs(5)));
    assert_eq!(bench.session.output().len(), 16);
    bench.now += secs(5);
    bench.session.handle_timeout(bench.now);
    assert_eq!(
        (bench.session.output().len(), bench.session.poll_timeout()),
        (0, None)
    );
}

#[test]
fn an_enquiry_that_has_not_left_is_not_overdue() {
    let mut bench = Bench::bound(SessionConfig {
        enquire_link_interval: Some(secs(5)),
        enquire_link_timeout: secs(5),
        ..esme()
    });
    bench.submit(1);
    bench.session.watch_output(bench.now);
    bench.passes(secs(20));
    assert_eq!(bench.session.wants_close(), None);
    bench.sent();
    bench.passes(secs(4));
    assert_eq!(bench.session.wants_close(), None);
    bench.passes(secs(1));
    assert_eq!(bench.session.wants_close(), Some(CloseCause::LinkDead));
}

#[test]
fn enquire_link_at_a_fixed_interval_does_not_care_for_traffic() {
    let mut bench = Bench::bound(SessionConfig {
        enquire_link_mode: EnquireLinkMode::Fixed,
        enquire_link_interval: Some(secs(10)),
        ..esme()
    });
    let mut enquiries = 0;
    for number in 0..60_u32 {
        bench.passes(secs(1));
        enquiries += usize::from(bench.sent().contains("0000001000000015"));
        bench.gets(&format!("00000010 00000015 00000000 {number:08x}"));
    }
    assert_eq!(enquiries, 6);
}

/// Found by fuzzing: the rest of a frame was thrown away, then an answer went out behind its first half.
#[test]
fn behind_half_a_frame_that_never_leaves_nothing_else_does() {
    let mut bench = Bench::bound(no_enquiries());
    bench.session.unbind(bench.now);
    assert_eq!(bench.session.output().len(), 16);
    bench.session.handle_written(10, bench.now);
    bench.session.watch_output(bench.now);
    assert_eq!(bench.gets("00000010 80000006 00000000 00000002"), [Seen::Unbound]);
    bench.now += secs(5);
    bench.session.handle_timeout(bench.now);
    assert_eq!(bench.gets("00000010 00000015 00000000 00000007"), []);
    assert_eq!(bench.session.output(), b"");
}
