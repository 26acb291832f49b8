//! What goes wrong on purpose, and what peers do wrong.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_link_is_cut_with_requests_in_flight() {
    let faults = Faults {
        cut_after: Some(3),
        ..Faults::default()
    };
    let smsc = smsc(Behaviour {
        delay: seconds(1),
        faults,
        witness: true,
        ..Behaviour::default()
    });
    let mut esme = Esme::bound(&smsc).await;
    esme.send(&SUBMIT.repeat(5)).await;
    esme.expect_end().await;

    let witness = smsc.witness();
    let fates: Vec<Fate> = witness.messages().map(|message| message.fate).collect();
    assert_eq!(
        fates,
        [Fate::Answered, Fate::Answered, Fate::LinkCut],
        "the last two were never looked at"
    );
    assert_eq!(smsc.counters().cuts, 1);
}

#[tokio::test(start_paused = true)]
async fn a_lost_response_never_comes_and_the_link_goes_on() {
    let faults = Faults {
        lost_responses: 1.0,
        ..Faults::default()
    };
    let smsc = smsc(Behaviour {
        faults,
        ..Behaviour::default()
    });
    let mut esme = Esme::bound(&smsc).await;
    esme.send(SUBMIT).await;
    esme.send(ENQUIRE_LINK).await;
    esme.expect("00000010800000150000000000000002").await;
    smsc.change(|behaviour| behaviour.faults = Faults::default());
    esme.send(SUBMIT).await;
    esme.expect("0000001b800000040000000000000003 30303030303030303032 00")
        .await;
    assert_eq!(smsc.counters().responses_lost, 1);
}

#[tokio::test(start_paused = true)]
async fn messages_and_binds_are_refused_by_chance() {
    let faults = Faults {
        refused_messages: Shares::always(CommandStatus::ESME_RSYSERR),
        refused_binds: Shares::always(CommandStatus::ESME_RALYBND),
        ..Faults::default()
    };
    let smsc = smsc(Behaviour::default());
    let mut esme = Esme::bound(&smsc).await;
    smsc.change(|behaviour| behaviour.faults = faults);
    esme.send(SUBMIT).await;
    esme.expect("00000010800000040000000800000003").await;
    let mut other = Esme::connect(&smsc).await;
    other.send(BIND).await;
    other.expect("00000010800000090000000500000001").await;
    other.expect_end().await;
}

#[tokio::test(start_paused = true)]
async fn frozen_links_hang_and_go_on() {
    let smsc = smsc(Behaviour::default());
    let mut esme = Esme::bound(&smsc).await;
    smsc.freeze_links();
    esme.send(ENQUIRE_LINK).await;
    esme.expect_silence(seconds(25)).await;
    smsc.thaw_links();
    esme.expect("00000010800000150000000000000002").await;
}

#[tokio::test(start_paused = true)]
async fn garbage_in_a_body_is_answered_and_in_a_length_ends_the_link() {
    let smsc = smsc(Behaviour::default());
    let mut esme = Esme::bound(&smsc).await;
    // submit_sm that ends in the middle of its addresses.
    esme.send("00000014 00000004 00000000 00000005 00050053").await;
    let answer = esme.receive().await.unwrap();
    assert_eq!(answer[4..8], [0x80, 0, 0, 4]);
    assert_ne!(answer[8..12], [0, 0, 0, 0]);
    esme.send("0000000c 00000004 00000000 00000006").await;
    esme.expect("00000010800000000000000200000006").await;
    esme.expect_end().await;
    assert_eq!(smsc.counters().unreadable, 1);
}

#[tokio::test(start_paused = true)]
async fn equal_seeds_give_equal_runs() {
    let run = |seed| async move {
        let behaviour = Behaviour {
            jitter: seconds(1),
            receipts_jitter: seconds(5),
            final_states: Shares::new([(MessageState::EXPIRED, 0.3)]),
            faults: Faults {
                lost_responses: 0.2,
                doubled_receipts: 0.2,
                ..Faults::default()
            },
            ..Behaviour::default()
        };
        let smsc = Smsc::in_memory(behaviour, seed);
        let mut esme = Esme::bound(&smsc).await;
        esme.send(&SUBMIT_WITH_RECEIPT.repeat(20)).await;
        let start = tokio::time::Instant::now();
        let mut seen = Vec::new();
        while let Ok(Some(pdu)) = timeout(seconds(30), esme.receive()).await {
            seen.push((start.elapsed(), to_hex(&pdu)));
        }
        seen
    };
    let first = run(7).await;
    assert!(first.len() > 20);
    assert_eq!(first, run(7).await);
    assert_ne!(first, run(8).await);
}

#[tokio::test(start_paused = true)]
async fn a_response_may_come_late_twice_or_behind_nonsense() {
    let smsc = smsc(Behaviour {
        witness: true,
        ..Behaviour::default()
    });
    let mut esme = Esme::bound(&smsc).await;
    let response = "0000001b800000040000000000000003 30303030303030303031 00";
    smsc.change(|behaviour| {
        behaviour.faults.late_responses = 1.0;
        behaviour.faults.late_by = seconds(5);
        behaviour.faults.doubled_responses = 1.0;
        behaviour.faults.nonsense = Shares::always(Nonsense::Command);
    });
    esme.send(SUBMIT).await;
    esme.expect("00000010000077770000 00007ffffff0").await;
    esme.expect_silence(Duration::from_millis(4_999)).await;
    esme.expect(response).await;
    esme.expect(response).await;

    let witness = smsc.witness();
    let answers = witness
        .sightings
        .iter()
        .filter(|sighting| matches!(sighting.what, Seen::Answered { .. }));
    assert_eq!(answers.count(), 1, "a doubled answer is one");
}

#[tokio::test(start_paused = true)]
async fn a_bind_may_stay_without_an_answer() {
    let smsc = smsc(Behaviour {
        faults: Faults {
            silent_binds: 1.0,
            ..Faults::default()
        },
        ..Behaviour::default()
    });
    let mut esme = Esme::connect(&smsc).await;
    esme.send(BIND).await;
    esme.expect_silence(seconds(29)).await;
    esme.expect_end().await;
}
