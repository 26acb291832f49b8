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
