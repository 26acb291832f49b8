use std::time::{Duration, Instant};

use crate::pdu::MessageState;
use crate::sm::*;

const MINUTE: Duration = Duration::from_secs(60);

fn receipt(id: &str, stat: &str) -> Receipt<'static> {
    Receipt::parse(&format!("id:{id} stat:{stat}")).into_owned()
}

/// What a receipt did: the message, the part, the progress, the state of the result.
fn hand_in(
    correlator: &mut Correlator<&'static str>,
    id: &str,
    stat: &str,
    now: Instant,
) -> Option<(&'static str, usize, Progress, Option<MessageResult>)> {
    match correlator.handle_receipt(receipt(id, stat), now) {
        Received::Matched(matched) => Some((matched.token, matched.part, matched.progress, matched.result)),
        Received::Parked | Received::Orphan(_) => None,
    }
}

#[test]
fn a_message_of_several_parts_has_one_result() {
    let (mut correlator, now) = (Correlator::new(CorrelatorLimits::default()), Instant::now());
    correlator.handle_submitted("long", 3, [(0, "10"), (1, "11"), (2, "12")], now);
    assert_eq!(
        hand_in(&mut correlator, "11", "DELIVRD", now),
        Some(("long", 1, Progress::Final, None))
    );
    assert_eq!(
        hand_in(&mut correlator, "10", "ENROUTE", now),
        Some(("long", 0, Progress::Advanced, None))
    );
    assert_eq!(
        hand_in(&mut correlator, "10", "DELIVRD", now),
        Some(("long", 0, Progress::Final, None))
    );
    let result = MessageResult {
        state: MessageState::EXPIRED,
        delivered: 2,
        parts: 3,
    };
    assert_eq!(
        hand_in(&mut correlator, "12", "EXPIRED", now),
        Some(("long", 2, Progress::Final, Some(result)))
    );
    assert_eq!(
        hand_in(&mut correlator, "12", "DELIVRD", now),
        Some(("long", 2, Progress::None, None))
    );
}

#[test]
fn parts_move_on_and_never_back() {
    let (mut correlator, now) = (Correlator::new(CorrelatorLimits::default()), Instant::now());
    correlator.handle_submitted("m", 1, [(0, "1")], now);
    let script = [
        ("ENROUTE", Progress::Advanced),
        ("ENROUTE", Progress::None),
        ("something", Progress::None),
        ("ACCEPTD", Progress::Advanced),
        ("ENROUTE", Progress::None),
        ("UNKNOWN", Progress::Advanced),
        ("UNDELIV", Progress::Final),
        ("DELIVRD", Progress::None),
    ];
    for (stat, expected) in script {
        let (_, _, progress, result) = hand_in(&mut correlator, "1", stat, now).unwrap();
        assert_eq!(
            (progress, result.is_some()),
            (expected, expected == Progress::Final),
            "{stat}"
        );
    }
}

#[test]
fn a_receipt_that_comes_before_its_response_waits_for_it() {
    let (mut correlator, now) = (Correlator::new(CorrelatorLimits::default()), Instant::now());
    assert_eq!(hand_in(&mut correlator, "1", "ENROUTE", now), None);
    assert_eq!(hand_in(&mut correlator, "1", "DELIVRD", now), None);
    assert_eq!(
        (correlator.parked(), correlator.poll_timeout()),
        (2, Some(now + 5 * MINUTE))
    );
    correlator.handle_submitted("m", 1, [(0, "1")], now + MINUTE);
    let mut seen = Vec::new();
    while let Some(Correlation::Matched(matched)) = correlator.poll_event() {
        seen.push((matched.token, matched.progress, matched.result.is_some()));
    }
    assert_eq!(
        seen,
        [("m", Progress::Advanced, false), ("m", Progress::Final, true)]
    );
    assert_eq!(correlator.parked(), 0);
}

#[test]
fn receipts_that_nobody_owes_come_out_as_orphans() {
    let (mut correlator, now) = (
        Correlator::<&str>::new(CorrelatorLimits::default()),
        Instant::now(),
    );
    let nameless = Receipt::parse("stat:DELIVRD");
    assert_eq!(
        correlator.handle_receipt(nameless.clone(), now),
        Received::Orphan(nameless)
    );
    assert_eq!(
        correlator.handle_receipt(receipt("9", "DELIVRD"), now),
        Received::Parked
    );
    correlator.handle_timeout(now + 5 * MINUTE - Duration::from_millis(1));
    assert_eq!(correlator.poll_event(), None);
    correlator.handle_timeout(now + 5 * MINUTE);
    let orphan = Correlation::Orphan {
        receipt: Box::new(receipt("9", "DELIVRD")),
    };
    assert_eq!(
        (correlator.poll_event(), correlator.poll_event()),
        (Some(orphan), None)
    );
}

#[test]
fn ids_are_read_as_the_account_writes_them() {
    let (mut correlator, now) = (Correlator::new(CorrelatorLimits::default()), Instant::now());
    correlator.set_rules(IdRules {
        response: IdForm::HEX,
        receipt: IdForm::DECIMAL,
    });
    correlator.handle_submitted("sixteen", 1, [(0, "10")], now);
    correlator.handle_submitted("ten", 1, [(0, "0A")], now);
    assert_eq!(
        hand_in(&mut correlator, "16", "ENROUTE", now).map(|matched| matched.0),
        Some("sixteen")
    );
    assert_eq!(
        hand_in(&mut correlator, "0010", "ENROUTE", now).map(|matched| matched.0),
        Some("ten")
    );
    // The TLV has the form of the response and counts first.
    let both = Receipt {
        receipted_message_id: Some("10".into()),
        ..receipt("16", "ENROUTE")
    };
    let Received::Matched(matched) = correlator.handle_receipt(both, now) else {
        panic!("known")
    };
    assert_eq!(matched.token, "sixteen");
    // Written alike, both have the form of the text.
    let alike = Receipt {
        receipted_message_id: Some("10".into()),
        ..receipt("10", "DELIVRD")
    };
    let Received::Matched(matched) = correlator.handle_receipt(alike, now) else {
        panic!("known")
    };
    assert_eq!(matched.token, "ten");
}

#[test]
fn a_part_that_was_sent_twice_listens_to_both_ids() {
    let (mut correlator, now) = (Correlator::new(CorrelatorLimits::default()), Instant::now());
    let key = correlator.handle_submitted("m", 1, [(0, "1")], now);
    correlator.handle_receipt(receipt("2", "DELIVRD"), now);
    correlator.handle_id(
        Place {
            message: key,
            part: 0,
        },
        "2",
        now,
    );
    let Some(Correlation::Matched(matched)) = correlator.poll_event() else {
        panic!("it had waited")
    };
    assert_eq!((matched.token, matched.result.is_some()), ("m", true));
    assert_eq!(
        hand_in(&mut correlator, "1", "UNDELIV", now),
        Some(("m", 0, Progress::None, None))
    );
    // Of a message that is gone by now nothing can be said.
    correlator.handle_timeout(now + 60 * MINUTE);
    correlator.handle_receipt(receipt("3", "DELIVRD"), now);
    correlator.handle_id(
        Place {
            message: key,
            part: 0,
        },
        "3",
        now,
    );
    assert!(matches!(
        correlator.poll_event(),
        Some(Correlation::Orphan { .. })
    ));
}

#[test]
fn messages_without_a_result_are_given_up_in_the_end() {
    let limits = CorrelatorLimits {
        messages: 2,
        ..CorrelatorLimits::default()
    };
    let (mut correlator, now) = (Correlator::new(limits), Instant::now());
    correlator.handle_submitted("first", 2, [(0, "1"), (1, "2")], now);
    hand_in(&mut correlator, "2", "DELIVRD", now);
    correlator.handle_submitted("second", 1, [(0, "3")], now + MINUTE);
    correlator.handle_submitted("third", 1, [(0, "4")], now + MINUTE);
    let unfinished = |token, parts| {
        Some(Correlation::Unfinished {
            token,
            parts: PartStates::from_vec(parts),
        })
    };
    assert_eq!(
        correlator.poll_event(),
        unfinished("first", vec![None, Some(MessageState::DELIVERED)])
    );
    assert_eq!(
        hand_in(&mut correlator, "1", "DELIVRD", now),
        None,
        "its ids are forgotten too"
    );

    hand_in(&mut correlator, "3", "DELIVRD", now + MINUTE);
    assert_eq!(
        hand_in(&mut correlator, "3", "DELIVRD", now + MINUTE),
        Some(("second", 0, Progress::None, None))
    );
    correlator.handle_timeout(now + 60 * MINUTE);
    assert_eq!(
        correlator.messages(),
        2,
        "finished at one minute, by the default for an hour"
    );
    correlator.handle_timeout(now + 61 * MINUTE);
    assert_eq!(
        correlator.messages(),
        1,
        "a finished message is forgotten, without a word"
    );
    correlator.handle_timeout(now + MINUTE + CorrelatorLimits::default().keep_for);
    let events: Vec<_> = std::iter::from_fn(|| correlator.poll_event()).collect();
    assert!(events.contains(&unfinished("third", vec![None]).unwrap()));
    assert_eq!((correlator.messages(), correlator.poll_timeout()), (0, None));
}

#[test]
fn a_full_store_gives_up_one_or_a_thousandth_when_nobody_hears_of_it() {
    for heeded in [true, false] {
        let limits = CorrelatorLimits {
            messages: 4_096,
            ..CorrelatorLimits::default()
        };
        let (mut correlator, now) = (Correlator::new(limits), Instant::now());
        correlator.set_heeded(heeded);
        for number in 0..4_096 {
            correlator.handle_submitted("first", 1, [(0, &*format!("{number:05}"))], now);
        }
        assert_eq!(
            (correlator.messages(), correlator.counters().given_up),
            (4_096, 0)
        );
        correlator.handle_submitted("one more", 1, [(0, "x")], now);
        let gone = if heeded { 1 } else { 5 };
        assert_eq!(correlator.messages(), 4_097 - gone);
        assert_eq!(correlator.counters().given_up, gone as u64);
        assert_eq!(
            std::iter::from_fn(|| correlator.poll_event()).count(),
            usize::from(heeded)
        );
        let mut knows = |id| hand_in(&mut correlator, id, "DELIVRD", now).is_some();
        assert_eq!(
            ["00000", "00004", "00005", "04095", "x"].map(&mut knows),
            [false, heeded, true, true, true]
        );
        correlator.handle_timeout(now + CorrelatorLimits::default().keep_for);
        assert_eq!((correlator.messages(), correlator.poll_timeout()), (0, None));
    }
}

#[test]
fn an_id_that_is_given_again_belongs_to_the_newer_message() {
    let (mut correlator, now) = (Correlator::new(CorrelatorLimits::default()), Instant::now());
    correlator.handle_submitted("old", 1, [(0, "1")], now);
    correlator.handle_submitted("new", 1, [(0, "1")], now + MINUTE);
    assert_eq!(
        hand_in(&mut correlator, "1", "ENROUTE", now).map(|matched| matched.0),
        Some("new")
    );
    correlator.handle_timeout(now + CorrelatorLimits::default().keep_for);
    assert_eq!(
        hand_in(&mut correlator, "1", "ENROUTE", now).map(|matched| matched.0),
        Some("new")
    );
}

#[test]
fn an_older_message_does_not_get_its_id_back() {
    let limits = CorrelatorLimits::default();
    let (mut correlator, now) = (Correlator::new(limits), Instant::now());
    correlator.handle_submitted("old", 1, [(0, "1")], now);
    correlator.handle_submitted("new", 1, [(0, "1")], now);
    let delivered = hand_in(&mut correlator, "1", "DELIVRD", now);
    assert_eq!(delivered.map(|matched| matched.0), Some("new"));
    correlator.handle_timeout(now + limits.keep_finished_for);
    assert_eq!(correlator.messages(), 1, "the old one still waits");
    assert!(!correlator.knows("1"));
    assert!(hand_in(&mut correlator, "1", "DELIVRD", now).is_none());
}

#[test]
fn an_id_that_no_response_can_have_is_not_waited_for() {
    let (mut correlator, now) = (
        Correlator::<&str>::new(CorrelatorLimits::default()),
        Instant::now(),
    );
    let endless = receipt(&"7".repeat(60_000), "DELIVRD");
    assert_eq!(
        correlator.handle_receipt(endless.clone(), now),
        Received::Orphan(endless.clone())
    );
    assert_eq!((correlator.parked(), correlator.counters().orphans), (0, 1));
    // One of two ids is enough.
    let both = Receipt {
        receipted_message_id: Some("7".into()),
        ..endless
    };
    assert_eq!(correlator.handle_receipt(both, now), Received::Parked);
    correlator.handle_submitted("m", 1, [(0, "7")], now);
    assert!(matches!(correlator.poll_event(), Some(Correlation::Matched(_))));
    // leniency.overlong_text keeps ids that are longer than their field; zeros in front may not count.
    let long = "8".repeat(70);
    assert_eq!(hand_in(&mut correlator, &long, "DELIVRD", now), None);
    correlator.handle_submitted("n", 1, [(0, &*long)], now);
    assert!(matches!(correlator.poll_event(), Some(Correlation::Matched(_))));
    correlator.set_rules(IdRules {
        receipt: IdForm::DECIMAL,
        ..IdRules::default()
    });
    let padded = format!("{}9", "0".repeat(500));
    assert_eq!(
        correlator.handle_receipt(receipt(&padded, "DELIVRD"), now),
        Received::Parked
    );
}

#[test]
fn receipts_that_wait_are_bounded_in_octets_too() {
    let limits = CorrelatorLimits {
        parked: 4,
        ..CorrelatorLimits::default()
    };
    let (mut correlator, now) = (Correlator::<&str>::new(limits), Instant::now());
    let large = |id: &str, octets| Receipt {
        text: Some("x".repeat(octets).into()),
        ..receipt(id, "DELIVRD")
    };
    for id in ["1", "2", "3"] {
        assert_eq!(correlator.handle_receipt(large(id, 1_500), now), Received::Parked);
    }
    let orphans = |correlator: &mut Correlator<&str>| {
        let orphans = std::iter::from_fn(|| match correlator.poll_event()? {
            Correlation::Orphan { receipt } => Some(receipt.id.unwrap().into_owned()),
            _ => None,
        });
        orphans.collect::<Vec<_>>()
    };
    assert_eq!(orphans(&mut correlator), ["1"]);
    assert_eq!(correlator.parked(), 2);
    assert!((3_000..4_096).contains(&correlator.parked_octets()));
    // One always has room.
    correlator.handle_receipt(large("4", 60_000), now);
    assert_eq!(orphans(&mut correlator), ["2", "3"]);
    correlator.handle_receipt(receipt("5", "DELIVRD"), now);
    assert_eq!(orphans(&mut correlator), ["4"]);
    assert_eq!(correlator.parked(), 1);
    correlator.handle_timeout(now + limits.park_for);
    assert_eq!((correlator.parked(), correlator.parked_octets()), (0, 0));
}
