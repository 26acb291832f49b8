use std::time::{Duration, Instant};

use crate::pdu::{DataCoding, EsmClass, Tlvs, tlv};
use crate::sm::*;

const PARTIES: Parties<'_> = Parties {
    account: "a",
    source: b"491701234567",
    destination: b"2020",
};

/// Hands in a part with an eight-bit reference; the token is its sequence.
fn hand_in(
    joiner: &mut Joiner<u8>,
    parties: Parties<'_>,
    numbers: [u8; 3],
    text: &str,
    now: Instant,
) -> Joining<u8> {
    let octets = [&[5, 0, 3], &numbers[..], text.as_bytes()].concat();
    let source = MessageSource {
        esm_class: EsmClass::UDH,
        short_message: &octets,
        ..MessageSource::default()
    };
    joiner.handle(&parties, &source, numbers[2], now)
}

fn text(joining: Joining<u8>) -> Option<String> {
    match joining {
        Joining::Complete(joined) => Some(joined.text().0),
        _ => None,
    }
}

#[test]
fn parts_come_in_any_order_and_more_than_once() {
    let (mut joiner, now) = (Joiner::new(JoinLimits::default()), Instant::now());
    assert_eq!(
        hand_in(&mut joiner, PARTIES, [7, 3, 3], "three", now),
        Joining::Waiting
    );
    assert_eq!(
        hand_in(&mut joiner, PARTIES, [7, 3, 1], "one ", now),
        Joining::Waiting
    );
    assert_eq!(
        hand_in(&mut joiner, PARTIES, [7, 3, 3], "three", now),
        Joining::Duplicate(3)
    );
    let Joining::Complete(joined) = hand_in(&mut joiner, PARTIES, [7, 3, 2], "two ", now) else {
        panic!("all parts are there")
    };
    assert_eq!(joined.text().0, "one two three");
    assert_eq!(
        joined.present().map(|part| part.token).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    assert_eq!(
        hand_in(&mut joiner, PARTIES, [7, 3, 2], "two ", now),
        Joining::Duplicate(2),
        "also afterwards"
    );
    assert_eq!(joiner.octets(), 0);
}

#[test]
fn messages_are_told_apart_by_account_addresses_reference_width_and_total() {
    let (mut joiner, now) = (Joiner::new(JoinLimits::default()), Instant::now());
    let others = [
        Parties {
            account: "b",
            ..PARTIES
        },
        Parties {
            source: b"491707654321",
            ..PARTIES
        },
        Parties {
            destination: b"3030",
            ..PARTIES
        },
    ];
    assert_eq!(
        hand_in(&mut joiner, PARTIES, [7, 2, 1], "1", now),
        Joining::Waiting
    );
    for other in others {
        assert_eq!(
            hand_in(&mut joiner, other, [7, 2, 2], "2", now),
            Joining::Waiting,
            "{other:?}"
        );
    }
    assert_eq!(
        hand_in(&mut joiner, PARTIES, [8, 2, 2], "2", now),
        Joining::Waiting
    );
    assert_eq!(
        hand_in(&mut joiner, PARTIES, [7, 3, 2], "2", now),
        Joining::Waiting
    );
    let wide = [&[6, 8, 4, 0, 7, 2, 2], &b"2"[..]].concat();
    let source = MessageSource {
        esm_class: EsmClass::UDH,
        short_message: &wide,
        ..MessageSource::default()
    };
    assert_eq!(joiner.handle(&PARTIES, &source, 2, now), Joining::Waiting);
    assert_eq!(
        text(hand_in(&mut joiner, PARTIES, [7, 2, 2], "2", now)).as_deref(),
        Some("12")
    );
}

#[test]
fn a_message_without_numbers_comes_straight_back() {
    let (mut joiner, now) = (Joiner::new(JoinLimits::default()), Instant::now());
    let source = MessageSource {
        short_message: b"hello",
        ..MessageSource::default()
    };
    assert_eq!(joiner.handle(&PARTIES, &source, 9, now), Joining::Single(9));
    assert_eq!(
        text(hand_in(&mut joiner, PARTIES, [7, 1, 1], "alone", now)).as_deref(),
        Some("alone")
    );
    assert_eq!(joiner.messages(), 0);
}

#[test]
fn sar_parts_are_joined_too() {
    let (mut joiner, now) = (Joiner::new(JoinLimits::default()), Instant::now());
    let mut last = Joining::Waiting;
    for (sequence, octets) in [(2, &b"world"[..]), (1, b"hello ")] {
        let mut tlvs = Tlvs::new();
        tlvs.put::<tlv::SarMsgRefNum>(300).unwrap();
        tlvs.put::<tlv::SarTotalSegments>(2).unwrap();
        tlvs.put::<tlv::SarSegmentSeqnum>(sequence).unwrap();
        let source = MessageSource {
            tlvs: tlvs.view(),
            short_message: octets,
            ..MessageSource::default()
        };
        last = joiner.handle(&PARTIES, &source, sequence, now);
    }
    assert_eq!(text(last).as_deref(), Some("hello world"));
}

#[test]
fn what_does_not_come_in_time_leaves_with_gaps() {
    let (mut joiner, start) = (Joiner::new(JoinLimits::default()), Instant::now());
    assert_eq!(joiner.poll_timeout(), None);
    hand_in(&mut joiner, PARTIES, [7, 3, 1], "one ", start);
    let later = start + Duration::from_secs(300);
    hand_in(&mut joiner, PARTIES, [7, 3, 3], "three", later);
    assert_eq!(
        joiner.poll_timeout(),
        Some(start + Duration::from_secs(600)),
        "the first part starts the clock"
    );
    joiner.handle_timeout(start + Duration::from_secs(599));
    assert_eq!(joiner.poll_incomplete(), None);
    joiner.handle_timeout(start + Duration::from_secs(600));
    let joined = joiner.poll_incomplete().unwrap();
    assert_eq!(
        (joined.is_complete(), joined.missing().collect::<Vec<_>>()),
        (false, vec![2])
    );
    assert_eq!((joined.text().0.as_str(), joiner.messages()), ("one three", 0));
}

#[test]
fn a_reference_that_comes_round_starts_a_new_message() {
    let (mut joiner, now) = (Joiner::new(JoinLimits::default()), Instant::now());
    hand_in(&mut joiner, PARTIES, [7, 2, 1], "old", now);
    assert_eq!(
        hand_in(&mut joiner, PARTIES, [7, 2, 1], "new ", now),
        Joining::Waiting
    );
    assert_eq!(joiner.poll_incomplete().unwrap().text().0, "old");
    assert_eq!(
        text(hand_in(&mut joiner, PARTIES, [7, 2, 2], "text", now)).as_deref(),
        Some("new text")
    );
    // The same reference once more, after the message was complete.
    assert_eq!(
        hand_in(&mut joiner, PARTIES, [7, 2, 1], "newer ", now),
        Joining::Waiting
    );
    assert_eq!(joiner.poll_incomplete(), None);
    assert_eq!(
        text(hand_in(&mut joiner, PARTIES, [7, 2, 2], "text", now)).as_deref(),
        Some("newer text")
    );
}

#[test]
fn the_oldest_message_makes_room() {
    let now = Instant::now();
    let mut joiner = Joiner::new(JoinLimits {
        messages: 2,
        ..JoinLimits::default()
    });
    for reference in 1..=3 {
        hand_in(&mut joiner, PARTIES, [reference, 2, 1], "x", now);
    }
    assert_eq!(
        (
            joiner.messages(),
            joiner.poll_incomplete().is_some(),
            joiner.poll_incomplete()
        ),
        (2, true, None)
    );

    let mut joiner = Joiner::new(JoinLimits {
        octets: 10,
        ..JoinLimits::default()
    });
    hand_in(&mut joiner, PARTIES, [1, 2, 1], "123456", now);
    hand_in(&mut joiner, PARTIES, [2, 2, 1], "123456", now);
    assert_eq!((joiner.octets(), joiner.poll_incomplete().is_some()), (6, true));
}

#[test]
fn pairs_that_a_careless_sender_cut_are_healed() {
    let (mut joiner, now) = (Joiner::new(JoinLimits::default()), Instant::now());
    hand_in(&mut joiner, PARTIES, [1, 2, 1], "price 5 \x1b", now);
    let Joining::Complete(joined) = hand_in(&mut joiner, PARTIES, [1, 2, 2], "\x65 each", now) else {
        panic!("both parts are there")
    };
    assert_eq!(
        joined.text(),
        ("price 5 € each".to_owned(), TextFaults::default())
    );
}

#[test]
fn parts_in_different_codings_are_read_each_in_its_own() {
    let (mut joiner, now) = (Joiner::new(JoinLimits::default()), Instant::now());
    hand_in(&mut joiner, PARTIES, [1, 2, 1], "gsm ", now);
    let octets = [5, 0, 3, 1, 2, 2, 0x04, 0x36];
    let source = MessageSource {
        esm_class: EsmClass::UDH,
        data_coding: DataCoding::UCS2,
        short_message: &octets,
        ..MessageSource::default()
    };
    assert_eq!(
        text(joiner.handle(&PARTIES, &source, 2, now)).as_deref(),
        Some("gsm ж")
    );
}

#[test]
fn a_message_with_a_deadline_of_its_own_is_given_up_then_and_the_others_in_their_time() {
    let (mut joiner, start) = (Joiner::new(JoinLimits::default()), Instant::now());
    let second = Duration::from_secs(1);
    let octets = |numbers: [u8; 3]| [&[5, 0, 3], &numbers[..], b"x"].concat();
    let mut until = |deadline, numbers: [u8; 3], now| {
        let octets = octets(numbers);
        let source = MessageSource {
            esm_class: EsmClass::UDH,
            short_message: &octets,
            ..MessageSource::default()
        };
        joiner.handle_until(deadline, &PARTIES, &source, numbers[2], now)
    };
    assert_eq!(until(None, [1, 2, 1], start), Joining::Waiting);
    assert_eq!(
        until(Some(start + second * 10), [2, 3, 1], start),
        Joining::Waiting
    );
    // A later one does not put it off, an earlier one brings it nearer.
    assert_eq!(
        until(Some(start + second * 20), [2, 3, 2], start),
        Joining::Waiting
    );
    assert_eq!(until(None, [3, 3, 1], start), Joining::Waiting);
    assert_eq!(
        until(Some(start + second * 5), [3, 3, 2], start),
        Joining::Waiting
    );
    assert_eq!(
        until(Some(start + second * 2), [4, 2, 1], start),
        Joining::Waiting
    );
    assert!(matches!(until(None, [4, 2, 2], start), Joining::Complete(_)));

    let given_up = |joiner: &mut Joiner<u8>, seconds| {
        joiner.handle_timeout(start + second * seconds);
        std::iter::from_fn(|| joiner.poll_incomplete()).count()
    };
    assert_eq!(joiner.poll_timeout(), Some(start + second * 5));
    assert_eq!((given_up(&mut joiner, 4), given_up(&mut joiner, 5)), (0, 1));
    assert_eq!(joiner.poll_timeout(), Some(start + second * 10));
    assert_eq!((given_up(&mut joiner, 9), given_up(&mut joiner, 10)), (0, 1));
    assert_eq!((joiner.incomplete(), joiner.messages()), (1, 2));
    joiner.close();
    assert_eq!(std::iter::from_fn(|| joiner.poll_incomplete()).count(), 1);
    assert_eq!(
        (joiner.messages(), joiner.octets(), joiner.poll_timeout()),
        (0, 0, None)
    );
}

#[test]
fn what_is_forgotten_comes_again_as_a_new_message() {
    let (mut joiner, now) = (Joiner::new(JoinLimits::default()), Instant::now());
    let octets = [5, 0, 3, 7, 2, 1, b'x'];
    let source = MessageSource {
        esm_class: EsmClass::UDH,
        short_message: &octets,
        ..MessageSource::default()
    };
    let key = JoinKey::of(&PARTIES, &source).unwrap();
    hand_in(&mut joiner, PARTIES, [7, 2, 1], "x", now);
    *joiner.token_mut(&key, 1).unwrap() = 9;
    assert_eq!(joiner.token_mut(&key, 2), None);
    assert_eq!(joiner.token_mut(&key, 0), None);
    joiner.forget(&key);
    let Joining::Complete(joined) = hand_in(&mut joiner, PARTIES, [7, 2, 2], "y", now) else {
        panic!("only what is complete can be forgotten")
    };
    assert_eq!(
        joined.present().map(|part| part.token).collect::<Vec<_>>(),
        [9, 2]
    );
    assert_eq!(joiner.token_mut(&key, 1), None);
    joiner.forget(&key);
    assert_eq!(
        hand_in(&mut joiner, PARTIES, [7, 2, 2], "y", now),
        Joining::Waiting
    );
    assert_eq!(JoinKey::of(&PARTIES, &MessageSource::default()), None);
}

#[test]
fn what_is_kept_with_parts_counts_as_octets() {
    let now = Instant::now();
    let mut joiner = Joiner::new(JoinLimits {
        octets: 250,
        overhead: 100,
        ..JoinLimits::default()
    });
    for reference in 1..=3 {
        hand_in(&mut joiner, PARTIES, [reference, 2, 1], "x", now);
    }
    assert_eq!((joiner.octets(), joiner.incomplete()), (202, 2));
}

#[test]
fn what_is_remembered_of_complete_messages_counts_too() {
    let now = Instant::now();
    let mut joiner = Joiner::new(JoinLimits {
        octets: 40,
        ..JoinLimits::default()
    });
    let complete = |joiner: &mut Joiner<u8>, reference| {
        hand_in(joiner, PARTIES, [reference, 2, 1], "x", now);
        let joining = hand_in(joiner, PARTIES, [reference, 2, 2], "y", now);
        assert!(matches!(joining, Joining::Complete(_)));
    };
    // Sixteen octets each.
    complete(&mut joiner, 1);
    complete(&mut joiner, 2);
    assert_eq!((joiner.messages(), joiner.octets()), (2, 0));
    hand_in(&mut joiner, PARTIES, [3, 2, 1], "123456789", now);
    assert_eq!((joiner.messages(), joiner.poll_incomplete()), (2, None));
    assert_eq!(
        hand_in(&mut joiner, PARTIES, [2, 2, 1], "x", now),
        Joining::Duplicate(1)
    );
    assert_eq!(
        hand_in(&mut joiner, PARTIES, [1, 2, 1], "x", now),
        Joining::Waiting,
        "forgotten"
    );
}

#[test]
fn what_tokens_hold_counts_as_octets() {
    let now = Instant::now();
    let limits = JoinLimits {
        octets: 25,
        ..JoinLimits::default()
    };
    let mut joiner = Joiner::new(limits).weighing(|token| usize::from(*token) * 10);
    hand_in(&mut joiner, PARTIES, [1, 2, 1], "x", now);
    assert_eq!(joiner.octets(), 11);
    hand_in(&mut joiner, PARTIES, [2, 2, 2], "x", now);
    assert_eq!((joiner.octets(), joiner.incomplete()), (21, 1));
}

#[test]
fn a_shorter_wait_holds_for_what_comes_from_then_on() {
    let (mut joiner, start) = (Joiner::new(JoinLimits::default()), Instant::now());
    let second = Duration::from_secs(1);
    hand_in(&mut joiner, PARTIES, [1, 2, 1], "old", start);
    joiner.set_limits(JoinLimits {
        wait: second * 60,
        ..JoinLimits::default()
    });
    hand_in(&mut joiner, PARTIES, [2, 2, 1], "new", start);
    // Behind one that waits for less than the oldest and more than itself.
    hand_in(&mut joiner, PARTIES, [3, 2, 1], "newer", start + second);
    for sequence in 1..=2 {
        hand_in(
            &mut joiner,
            PARTIES,
            [4, 2, sequence],
            "whole",
            start + second * 2,
        );
    }
    let given_up = |joiner: &mut Joiner<u8>, seconds| {
        joiner.handle_timeout(start + second * seconds);
        let texts = std::iter::from_fn(|| joiner.poll_incomplete()).map(|joined| joined.text().0);
        texts.collect::<Vec<_>>()
    };
    assert_eq!(joiner.poll_timeout(), Some(start + second * 60));
    assert_eq!(given_up(&mut joiner, 59), [""; 0]);
    assert_eq!(given_up(&mut joiner, 60), ["new"]);
    assert_eq!(given_up(&mut joiner, 61), ["newer"]);
    // What was whole is remembered no longer either.
    assert_eq!(
        (joiner.messages(), joiner.poll_timeout()),
        (2, Some(start + second * 62))
    );
    assert_eq!((given_up(&mut joiner, 62), joiner.messages()), (vec![], 1));
    assert_eq!(joiner.poll_timeout(), Some(start + second * 600));
    assert_eq!(given_up(&mut joiner, 600), ["old"]);
    assert_eq!((joiner.messages(), joiner.poll_timeout()), (0, None));
}
