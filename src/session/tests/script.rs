//! Conversations written down octet by octet, with their times. Neither side of them is made by this library
//! twice, so a mistake that encoding and decoding share does not cancel.
//!
//! A line is a time in seconds and what happens then:
//!
//! | Line | Meaning |
//! |---|---|
//! | `30 > 0010..` | by then, and not before, exactly these octets were written |
//! | `30 < 0010..` | the peer sends these octets: one frame or several |
//! | `30 = bound` | the session tells this, and nothing else before it |
//! | `30 do submit 7` | the owner wants something |
//! | `30 close LinkDead` | from then on the session wants to be closed, for this cause |
//!
//! Whatever happens and is not written down fails the script, at its line.

use super::*;

/// Runs a script. Panics with the line that does not hold.
pub(super) fn run(config: SessionConfig, script: &str) {
    let mut player = Player {
        bench: Bench::new(config),
        start: Instant::now(),
        told: VecDeque::new(),
        asked: Vec::new(),
        closed: None,
        line: "",
    };
    player.start = player.bench.now;
    for line in script.lines() {
        player.line = line;
        let line = line.split('#').next().unwrap_or_default().trim();
        if let Some((time, action)) = line.split_once(' ') {
            player.step(time.parse().expect("a time in seconds"), action.trim());
        }
    }
    player.line = "the end";
    player.quiet();
}

struct Player<'a> {
    bench: Bench,
    start: Instant,
    told: VecDeque<String>,
    /// Requests of the peer, in the order in which they came.
    asked: Vec<Inbound>,
    closed: Option<CloseCause>,
    line: &'a str,
}

impl Player<'_> {
    fn step(&mut self, time: f64, action: &str) {
        self.advance(self.start + Duration::from_secs_f64(time));
        let (word, rest) = action.split_once(' ').unwrap_or((action, ""));
        match word {
            ">" => assert_eq!(self.bench.sent(), hex(&octets(rest)), "{}", self.line),
            "<" => self.receive(&octets(rest)),
            "=" => assert_eq!(
                self.told.pop_front().as_deref(),
                Some(rest.trim()),
                "{}",
                self.line
            ),
            "close" => {
                self.closed = self.bench.session.wants_close();
                let cause = self.closed.map(|cause| format!("{cause:?}"));
                assert_eq!(cause.as_deref(), Some(rest.trim()), "{}", self.line);
            }
            "do" => {
                self.quiet();
                self.wish(rest.trim());
            }
            other => panic!("{other} in {}", self.line),
        }
    }

    /// Time passes up to `end`; nothing may happen on the way that a line did not tell.
    fn advance(&mut self, end: Instant) {
        if end > self.bench.now {
            self.quiet();
        }
        let mut spins = 0;
        while let Some(due) = self.bench.session.poll_timeout().filter(|due| *due <= end) {
            spins = if due > self.bench.now { 0 } else { spins + 1 };
            assert!(spins < 3, "a deadline stays due before {}", self.line);
            self.bench.now = self.bench.now.max(due);
            self.bench.session.handle_timeout(self.bench.now);
            self.told.extend(self.bench.events().iter().map(Seen::to_string));
            if self.bench.now < end {
                self.quiet();
            }
        }
        self.bench.now = end;
    }

    fn receive(&mut self, mut octets: &[u8]) {
        while let Some(length) = frame_length(octets, 70_000).unwrap() {
            let (frame, rest) = octets.split_at(length);
            let seen = self.bench.gets(&hex(frame));
            for event in &seen {
                if let Seen::Request(inbound, _) = event {
                    self.asked.push(*inbound);
                }
            }
            self.told.extend(seen.iter().map(Seen::to_string));
            octets = rest;
        }
        assert!(octets.is_empty(), "part of a frame is left in {}", self.line);
    }

    fn wish(&mut self, wish: &str) {
        let Bench { session, now } = &mut self.bench;
        let now = *now;
        let mut words = wish.split(' ');
        let word = words.next().unwrap_or_default();
        let mut number = || {
            words
                .next()
                .and_then(|word| word.parse::<u32>().ok())
                .unwrap_or_default()
        };
        match word {
            "bind" => {
                let bind = BindTransceiver {
                    system_id: "a".try_into().unwrap(),
                    interface_version: session.config().interface_version,
                    ..BindTransceiver::default()
                };
                session.bind(&bind, now).unwrap();
            }
            "submit" => _ = session.request(number(), &SubmitSm::default(), now).unwrap(),
            "deliver" => _ = session.request(number(), &DeliverSm::default(), now).unwrap(),
            "answer" => {
                let inbound = self.asked[number() as usize - 1];
                let status = CommandStatus::new(number());
                session.respond_empty(inbound, status, now).unwrap();
            }
            "unbind" => session.unbind(now),
            "stop" => session.stop_accepting(),
            "lose" => session.handle_closed(),
            other => panic!("{other} in {}", self.line),
        }
        self.told.extend(self.bench.events().iter().map(Seen::to_string));
    }

    /// Nothing is told, written or wanted that the script does not mention.
    fn quiet(&mut self) {
        assert_eq!(self.told, [""; 0], "told, before {}", self.line);
        assert_eq!(
            hex(self.bench.session.output()),
            "",
            "written, before {}",
            self.line
        );
        assert_eq!(
            self.bench.session.wants_close(),
            self.closed,
            "wanted, before {}",
            self.line
        );
    }
}

/// A client's whole life: bind, a message, a delivery, enquire_link, unbind.
#[test]
fn the_life_of_a_client() {
    run(
        esme(),
        "
        0    do bind
        0    > 00000018 00000009 00000000 00000001 6100 00 00 34 00 00 00
        0.1  < 00000017 80000009 00000000 00000001 5300 0210 0001 34
        0.1  = bound
        1    do submit 7
        1    > 00000021 00000004 00000000 00000002 0000000000000000000000000000000000
        1.2  < 00000013 80000004 00000000 00000002 313200
        1.2  = answered 7 ESME_ROK
        2    < 00000021 00000005 00000000 000000aa 0000000000000000000000000000000000
        2    = request deliver_sm
        2.5  do answer 1 0
        2.5  > 00000011 80000005 00000000 000000aa 00
        32   > 00000010 00000015 00000000 00000003         # 30 s after the peer was heard last
        32.1 < 00000010 80000015 00000000 00000003
        40   < 00000010 00000015 00000000 000000ab
        40   > 00000010 80000015 00000000 000000ab
        41   do unbind
        41   > 00000010 00000006 00000000 00000004
        41.1 < 00000010 80000006 00000000 00000004
        41.1 = unbound
        41.1 close Unbound
        ",
    );
}

/// The same seen from the message centre.
#[test]
fn the_life_of_a_message_centre() {
    run(
        SessionConfig::new(Side::Smsc),
        "
        0    < 00000018 00000009 00000000 00000001 6100 00 00 34 00 00 00
        0    = request bind_transceiver
        0.2  do answer 1 0
        0.2  = bound
        0.2  > 00000011 80000009 00000000 00000001 00
        1    < 00000021 00000004 00000000 00000002 0000000000000000000000000000000000
        1    = request submit_sm
        1    do answer 2 88                                 # throttled: no body
        1    > 00000010 80000004 00000058 00000002
        2    do deliver 5
        2    > 00000021 00000005 00000000 00000001 0000000000000000000000000000000000
        2.1  < 00000011 80000005 00000000 00000001 00
        2.1  = answered 5 ESME_ROK
        3    < 00000010 00000006 00000000 00000003
        3    = peer unbinds
        3    > 00000010 80000006 00000000 00000003
        3.1  do lose
        3.1  close PeerUnbound
        ",
    );
}

/// bind_resp and the first delivery in one segment (quirk 24).
#[test]
fn a_delivery_right_behind_the_bind_response_is_handled() {
    run(
        esme(),
        "
        0 do bind
        0 > 00000018 00000009 00000000 00000001 6100 00 00 34 00 00 00
        1 < 00000010 80000009 00000000 00000001   00000021 00000005 00000000 00000001 0000000000000000000000000000000000
        1 = bound
        1 = request deliver_sm
        1 do answer 1 0
        1 > 00000011 80000005 00000000 00000001 00
        ",
    );
}

/// enquire_link before the bind is answered, and an odd sc_interface_version (quirks 25 and 33).
#[test]
fn a_nervous_peer_with_an_odd_version_is_bound_all_the_same() {
    run(
        esme(),
        "
        0   do bind
        0   > 00000018 00000009 00000000 00000001 6100 00 00 34 00 00 00
        0.5 < 00000010 00000015 00000000 00000001
        0.5 > 00000010 80000015 00000000 00000001
        1   < 00000017 80000009 00000000 00000001 5300 0210 0001 99
        1   = bound
        ",
    );
}

/// Numbers of the peer outside 1 to 0x7FFFFFFF are echoed (quirk 23).
#[test]
fn odd_numbers_of_the_peer_are_echoed() {
    run(
        esme(),
        "
        0 do bind
        0 > 00000018 00000009 00000000 00000001 6100 00 00 34 00 00 00
        0 < 00000010 80000009 00000000 00000001
        0 = bound
        1 < 00000021 00000005 00000000 fffffffe 0000000000000000000000000000000000
        1 = request deliver_sm
        1 < 00000010 00000015 00000000 00000000
        1 > 00000010 80000015 00000000 00000000
        1 do answer 1 0
        1 > 00000011 80000005 00000000 fffffffe 00
        ",
    );
}

/// Answers out of order, one missing for ever (quirk 37): the place comes back with the answer to a later request.
#[test]
fn one_missing_answer_costs_one_message() {
    run(
        SessionConfig {
            window: 3,
            enquire_link_interval: None,
            ..esme()
        },
        "
        0  do bind
        0  > 00000018 00000009 00000000 00000001 6100 00 00 34 00 00 00
        0  < 00000010 80000009 00000000 00000001
        0  = bound
        1  do submit 1
        1  > 00000021 00000004 00000000 00000002 0000000000000000000000000000000000
        1  do submit 2
        1  > 00000021 00000004 00000000 00000003 0000000000000000000000000000000000
        1  do submit 3
        1  > 00000021 00000004 00000000 00000004 0000000000000000000000000000000000
        2  < 00000012 80000004 00000000 00000004 3300
        2  = answered 3 ESME_ROK
        3  < 00000012 80000004 00000000 00000002 3100
        3  = answered 1 ESME_ROK
        31 = expired 2
        32 do submit 4
        32 > 00000021 00000004 00000000 00000005 0000000000000000000000000000000000
        33 < 00000012 80000004 00000000 00000005 3400
        33 = answered 4 ESME_ROK
        80 < 00000012 80000004 00000000 00000003 3200
        80 = late 3 ESME_ROK
        ",
    );
}

/// The peer unbinds and closes without waiting for the answer (quirk 34).
#[test]
fn a_peer_that_unbinds_and_closes_at_once_left_properly() {
    run(
        esme(),
        "
        0 do bind
        0 > 00000018 00000009 00000000 00000001 6100 00 00 34 00 00 00
        0 < 00000010 80000009 00000000 00000001
        0 = bound
        1 do submit 9
        1 > 00000021 00000004 00000000 00000002 0000000000000000000000000000000000
        2 < 00000010 00000006 00000000 00000011
        2 = peer unbinds
        2 > 00000010 80000006 00000000 00000011
        2 do lose
        2 = ended 9 written
        2 close PeerUnbound
        ",
    );
}

/// The peer still holds an older session (quirk 31).
#[test]
fn already_bound_is_a_refusal() {
    run(
        esme(),
        "
        0 do bind
        0 > 00000018 00000009 00000000 00000001 6100 00 00 34 00 00 00
        1 < 00000010 80000009 00000005 00000001
        1 = refused ESME_RALYBND
        1 close BindRefused(ESME_RALYBND)
        ",
    );
}

/// A peer that does not know bind_transceiver may say so without a response of that kind.
#[test]
fn a_bind_is_refused_by_generic_nack_too() {
    for number in ["00000001", "00000000"] {
        let script = "
            0 do bind
            0 > 00000018 00000009 00000000 00000001 6100 00 00 34 00 00 00
            1 < 00000010 80000000 00000003 NUMBER
            1 = refused ESME_RINVCMDID
            1 close BindRefused(ESME_RINVCMDID)
            ";
        run(esme(), &script.replace("NUMBER", number));
    }
}
