//! The peer's time, which stands still while we do not read.

use super::*;

const ENQUIRE: &str = "0000001000000015";

/// One unanswered delivery is enough to stop the reading, for five minutes at most.
fn one_at_a_time() -> SessionConfig {
    SessionConfig {
        inbound_limit: 1,
        answer_timeout: secs(300),
        enquire_link_interval: None,
        ..esme()
    }
}

/// Two ways in which nothing is read for a while.
#[derive(Clone, Copy, Debug)]
enum Stop {
    Limit,
    Hold,
}

impl Bench {
    fn delivered(&mut self) -> Inbound {
        let deliver = "00000021 00000005 00000000 00000009".to_owned() + &"00".repeat(17);
        let [Seen::Request(inbound, _)] = self.gets(&deliver)[..] else {
            panic!("no delivery")
        };
        inbound
    }

    /// Nothing is read for so long.
    fn reads_nothing_for(&mut self, time: Duration, stop: Stop) -> Vec<Seen> {
        let seen = match stop {
            Stop::Limit => {
                let inbound = self.delivered();
                assert!(!self.session.reads());
                let seen = self.passes(time);
                self.session
                    .respond_empty(inbound, CommandStatus::ESME_ROK, self.now)
                    .unwrap();
                seen
            }
            Stop::Hold => {
                self.session.set_held(true, self.now);
                let seen = self.passes(time);
                self.session.set_held(false, self.now);
                seen
            }
        };
        assert!(self.session.reads());
        self.sent();
        seen
    }
}

#[test]
fn a_response_that_could_not_be_read_in_time_is_in_time() {
    for stop in [Stop::Limit, Stop::Hold] {
        let mut bench = Bench::bound(one_at_a_time());
        bench.submit(1);
        bench.sent();
        bench.session.set_waiting(true, bench.now);
        assert_eq!(bench.reads_nothing_for(secs(299), stop), [], "{stop:?}");
        assert_eq!(bench.session.wants_close(), None, "{stop:?}");
        bench.session.handle_timeout(bench.now);
        assert_eq!(
            bench.gets("00000012 80000004 00000000 00000002 3100"),
            [Seen::Answered(1, CommandStatus::ESME_ROK)],
            "{stop:?}"
        );
    }
}

#[test]
fn what_the_peer_owes_has_as_much_time_as_before_when_we_read_again() {
    for stop in [Stop::Limit, Stop::Hold] {
        let mut bench = Bench::bound(one_at_a_time());
        bench.submit(1);
        bench.sent();
        bench.session.set_waiting(true, bench.now);
        bench.passes(secs(20));
        assert_eq!(bench.reads_nothing_for(secs(100), stop), []);
        assert_eq!(bench.passes(secs(9)), []);
        let expired = [Seen::Unresolved(1, Unresolved::ResponseExpired)];
        assert_eq!(bench.passes(secs(1)), expired, "{stop:?}");
        assert_eq!(bench.reads_nothing_for(secs(100), stop), []);
        bench.passes(secs(59));
        assert_eq!(bench.session.wants_close(), None, "{stop:?}");
        bench.passes(secs(1));
        assert_eq!(
            bench.session.wants_close(),
            Some(CloseCause::NoProgress),
            "{stop:?}"
        );
    }
}

#[test]
fn a_response_that_is_late_already_is_still_known_when_we_read_again() {
    for stop in [Stop::Limit, Stop::Hold] {
        let mut bench = Bench::bound(one_at_a_time());
        bench.submit(1);
        bench.sent();
        bench.passes(secs(31));
        assert_eq!(bench.reads_nothing_for(secs(200), stop), []);
        assert_eq!(
            bench.gets("00000012 80000004 00000000 00000002 3100"),
            [Seen::Late(2, CommandStatus::ESME_ROK)],
            "{stop:?}"
        );
    }
}

#[test]
fn the_peers_requests_are_answered_in_time_though_nothing_is_read() {
    let mut bench = Bench::bound(one_at_a_time());
    bench.submit(1);
    bench.sent();
    bench.delivered();
    assert_eq!(bench.passes(secs(299)), []);
    assert!(!bench.session.reads());
    assert_eq!(bench.passes(secs(1)), []);
    assert_eq!(bench.sent(), "00000010800000050000006400000009");
    assert!(bench.session.reads());
    assert_eq!(bench.passes(secs(29)), []);
    assert_eq!(bench.passes(secs(1)).len(), 1);
}

#[test]
fn a_dead_link_is_found_though_it_is_held_back_again_and_again() {
    // Seconds of reading and of not reading in turn.
    for (reads, holds) in [(1, 1), (1, 9), (5, 1), (9, 60)] {
        let mut bench = Bench::bound(SessionConfig {
            enquire_link_interval: Some(secs(30)),
            ..one_at_a_time()
        });
        let mut read = 0;
        while bench.session.wants_close().is_none() && read < 100 {
            bench.reads_nothing_for(secs(holds), Stop::Hold);
            bench.passes(secs(reads));
            bench.sent();
            read += reads;
        }
        assert_eq!(bench.session.wants_close(), Some(CloseCause::LinkDead));
        assert!(read <= 45, "{read} s of reading, {reads} and {holds} in turn");
    }
}

#[test]
fn a_peer_without_answers_is_given_up_though_it_is_held_back_again_and_again() {
    let mut bench = Bench::bound(one_at_a_time());
    bench.submit(1);
    bench.sent();
    bench.session.set_waiting(true, bench.now);
    let mut read = 0;
    while bench.session.wants_close().is_none() && read < 200 {
        bench.reads_nothing_for(secs(2), Stop::Hold);
        bench.passes(secs(1));
        read += 1;
    }
    assert_eq!(
        (bench.session.wants_close(), read),
        (Some(CloseCause::NoProgress), 90)
    );
}

#[test]
fn a_peer_that_is_held_back_hears_from_us_and_its_answer_is_waited_for_once_we_read() {
    let mut bench = Bench::bound(SessionConfig {
        enquire_link_interval: Some(secs(30)),
        ..one_at_a_time()
    });
    bench.session.set_held(true, bench.now);
    for _ in 0..4 {
        bench.passes(secs(30));
        assert!(bench.sent().starts_with(ENQUIRE));
    }
    bench.session.set_held(false, bench.now);
    bench.passes(secs(9));
    assert_eq!(bench.session.wants_close(), None);
    bench.passes(secs(1));
    assert_eq!(bench.session.wants_close(), Some(CloseCause::LinkDead));
}

#[test]
fn the_answer_to_a_bind_has_its_time_though_the_peer_is_held_back() {
    let mut bench = Bench::new(esme());
    bench
        .session
        .bind(&BindTransceiver::default(), bench.now)
        .unwrap();
    bench.sent();
    bench.passes(secs(29));
    assert_eq!(bench.reads_nothing_for(secs(100), Stop::Hold), []);
    assert_eq!(bench.session.wants_close(), None);
    bench.passes(secs(1));
    assert_eq!(bench.session.wants_close(), Some(CloseCause::BindExpired));
}

#[test]
fn a_few_old_deliveries_without_an_answer_do_not_stop_the_reading() {
    let mut bench = Bench::bound(SessionConfig {
        inbound_limit: 10,
        ..one_at_a_time()
    });
    let old = bench.delivered();
    for _ in 0..5_000 {
        assert!(bench.session.reads());
        let inbound = bench.delivered();
        bench
            .session
            .respond_empty(inbound, CommandStatus::ESME_ROK, bench.now)
            .unwrap();
        bench.sent();
    }
    bench.passes(secs(299));
    assert!(bench.session.is_owed(old));
    bench.passes(secs(1));
    assert_eq!(bench.sent(), "00000010800000050000006400000009");
    assert!(!bench.session.is_owed(old));
}
