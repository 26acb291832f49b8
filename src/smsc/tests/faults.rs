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

#[tokio::test(start_paused = true)]
async fn a_response_may_let_the_next_one_go_first() {
    let smsc = smsc(Behaviour::default());
    let mut esme = Esme::bound(&smsc).await;
    smsc.change(|behaviour| behaviour.faults.overtaken_responses = 1.0);
    esme.send(SUBMIT).await;
    esme.expect_silence(Duration::from_millis(999)).await;
    esme.send(SUBMIT).await;
    let second = "0000001b800000040000000000000003 30303030303030303032 00";
    esme.expect(second).await;
    esme.expect(SUBMIT_RESP_1).await;
    assert_eq!(smsc.counters().faults.responses_overtaken, 1);

    // The last one has none to let go first.
    smsc.change(|behaviour| behaviour.faults.overtaken_responses = 1.0);
    esme.send(SUBMIT).await;
    esme.expect_silence(Duration::from_millis(999)).await;
    esme.expect("0000001b800000040000000000000003 30303030303030303033 00")
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_link_may_be_unbound_without_waiting_for_anything() {
    let smsc = smsc(Behaviour {
        delay: seconds(1),
        ..Behaviour::default()
    });
    let mut esme = Esme::bound(&smsc).await;
    esme.send(SUBMIT).await;
    esme.expect_silence(Duration::from_millis(500)).await;
    smsc.change(|behaviour| behaviour.faults.unbind_chance = 1.0);
    esme.send(SUBMIT).await;
    esme.expect("0000001000000006000000007ffffff3").await;
    esme.expect_end().await;
    let Counters { cuts, faults, .. } = smsc.counters();
    assert_eq!((cuts, faults.links_unbound), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_half_open_link_reads_and_says_nothing_more() {
    let smsc = smsc(Behaviour {
        faults: Faults {
            half_open: 1.0,
            half_open_after: 2,
            ..Faults::default()
        },
        witness: true,
        ..Behaviour::default()
    });
    let mut esme = Esme::bound(&smsc).await;
    // What was answered before is still heard.
    esme.send(&format!("{SUBMIT}{SUBMIT}{ENQUIRE_LINK}{SUBMIT_WITH_RECEIPT}"))
        .await;
    esme.expect(SUBMIT_RESP_1).await;
    esme.expect_silence(seconds(25)).await;
    assert_eq!(smsc.witness().messages().count(), 3);
    assert_eq!(smsc.counters().faults.links_silent, 1);

    // The receipt comes to the next bind.
    smsc.change(|behaviour| behaviour.faults = Faults::default());
    drop(esme);
    let mut other = Esme::bound(&smsc).await;
    let text = other.take_delivery(CommandStatus::ESME_ROK).await;
    assert!(text.starts_with("id:0000000003"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_receipt_may_come_before_its_response_or_belong_to_nothing() {
    let smsc = smsc(Behaviour {
        receipts_after: Some(seconds(60)),
        faults: Faults {
            early_receipts: 1.0,
            ..Faults::default()
        },
        ..Behaviour::default()
    });
    let mut esme = Esme::bound(&smsc).await;
    esme.send(SUBMIT_WITH_RECEIPT).await;
    let text = esme.take_delivery(CommandStatus::ESME_ROK).await;
    assert!(text.starts_with("id:0000000001"), "{text}");
    esme.expect(SUBMIT_RESP_1).await;

    smsc.change(|behaviour| {
        behaviour.faults = Faults {
            orphaned_receipts: 1.0,
            ..Faults::default()
        };
    });
    esme.send(SUBMIT).await;
    esme.expect("0000001b800000040000000000000003 30303030303030303032 00")
        .await;
    let text = esme.take_delivery(CommandStatus::ESME_ROK).await;
    assert!(text.starts_with("id:18446744073709551614"), "{text}");
    esme.expect_silence(seconds(25)).await;
    let faults = smsc.counters().faults;
    assert_eq!((faults.receipts_early, faults.receipts_orphaned), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn octets_may_come_one_at_a_time_or_pdus_together_and_be_read_slowly() {
    let smsc = smsc(Behaviour {
        faults: Faults {
            split_writes: 1.0,
            slow_reads: 1.0,
            slow_read_rate: 10,
            ..Faults::default()
        },
        ..Behaviour::default()
    });
    let mut esme = Esme::bound(&smsc).await;
    let begun = tokio::time::Instant::now();
    esme.send(SUBMIT).await;
    esme.expect(SUBMIT_RESP_1).await;
    // The bind has 37 octets.
    assert_eq!(begun.elapsed(), Duration::from_millis(3_700));

    smsc.change(|behaviour| {
        behaviour.faults = Faults {
            joined_writes: 1.0,
            joined_for: seconds(2),
            ..Faults::default()
        };
    });
    let mut other = Esme::connect(&smsc).await;
    let begun = tokio::time::Instant::now();
    other.send(BIND).await;
    tokio::time::sleep(seconds(1)).await;
    other.send(ENQUIRE_LINK).await;
    other.expect(BIND_RESP).await;
    assert_eq!(begun.elapsed(), seconds(2));
    other.expect("00000010800000150000000000000002").await;
    assert_eq!(begun.elapsed(), seconds(2));
    let faults = smsc.counters().faults;
    assert_eq!(
        (faults.links_split, faults.links_slow, faults.links_joined),
        (1, 1, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn it_restarts_now_and_then_until_it_is_told_not_to() {
    let smsc = smsc(Behaviour {
        faults: Faults {
            restart_every: Some(seconds(60)),
            restart_for: seconds(10),
            ..Faults::default()
        },
        ..Behaviour::default()
    });
    for restarts in 1..=3 {
        let mut esme = Esme::bound(&smsc).await;
        let begun = tokio::time::Instant::now();
        while let Some(pdu) = esme.receive().await {
            assert_eq!(pdu[4..8], [0, 0, 0, 0x15], "an enquire_link");
            esme.send(&format!("000000108000001500000000{}", to_hex(&pdu[12..])))
                .await;
        }
        let up = begun.elapsed();
        assert!((seconds(30)..seconds(90)).contains(&up), "{up:?}");
        assert_eq!(smsc.counters().faults.restarts, restarts);
        tokio::time::sleep(Duration::from_millis(9_990)).await;
        assert!(connect(&smsc).await.is_err());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    // One that is stopped while it is away stays away.
    let mut esme = Esme::bound(&smsc).await;
    while let Some(pdu) = esme.receive().await {
        esme.send(&format!("000000108000001500000000{}", to_hex(&pdu[12..])))
            .await;
    }
    smsc.stop().await;
    tokio::time::sleep(seconds(600)).await;
    assert!(connect(&smsc).await.is_err());
    smsc.start().await.unwrap();
    Esme::bound(&smsc).await;
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_nonsense_is_what_it_says() {
    use crate::pdu::{Leniency, frame_length, view};
    for kind in Nonsense::ALL.iter().copied() {
        let octets = kind.octets();
        match frame_length(octets, 64 * 1024) {
            Ok(length) => {
                assert!(!kind.ends_session(), "{kind:?}");
                assert_eq!(length, Some(octets.len()), "{kind:?}");
                let is_body = kind == Nonsense::Body;
                let is_command = kind == Nonsense::Command;
                let read = view(octets, &Leniency::default());
                assert_eq!(read.is_err(), is_body || is_command, "{kind:?}");
            }
            Err(_) => assert!(kind.ends_session(), "{kind:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_may_be_written_oddly() {
    let smsc = smsc(Behaviour::default());
    let mut esme = Esme::bound(&smsc).await;
    let cases = [
        (OddResponse::NoBody, "00000010", ""),
        (OddResponse::NoNul, "0000001a", "30303030303030303032"),
        (OddResponse::ExtraNul, "0000001c", "30303030303030303033 0000"),
        (
            OddResponse::EmptyTlv,
            "0000001f",
            "30303030303030303034 00 14000000",
        ),
        (
            OddResponse::CutTlv,
            "00000022",
            "30303030303030303035 00 14000009 637574",
        ),
    ];
    assert_eq!(cases.map(|(kind, ..)| kind), OddResponse::ALL);
    for (kind, length, body) in cases {
        smsc.change(|behaviour| behaviour.faults.odd_responses = Shares::always(kind));
        esme.send(SUBMIT).await;
        esme.expect(&format!("{length} 80000004 00000000 00000003 {body}"))
            .await;
    }
    // What is refused has no id; what is odd stands behind the header.
    smsc.change(|behaviour| behaviour.faults.refused_messages = Shares::always(CommandStatus::ESME_RSYSERR));
    esme.send(SUBMIT).await;
    esme.expect("00000017 80000004 00000008 00000003 14000009 637574")
        .await;
    assert_eq!(smsc.counters().faults.responses_odd, 6);
}

#[tokio::test(start_paused = true)]
async fn a_receipt_may_be_written_oddly() {
    use crate::pdu::{DataCoding, EsmClass, Leniency, PduView, tlv, view};
    let smsc = smsc(Behaviour {
        receipts_after: Some(seconds(1)),
        ..Behaviour::default()
    });
    let mut esme = Esme::bound(&smsc).await;
    let usual = |number| {
        format!(
            "id:000000000{number} sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 \
             stat:DELIVRD err:000 text:Hello"
        )
    };
    let wide = |text: String| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_be_bytes).collect() };
    let other = b"Stat:DELIVRD Done Date:20260101000006 ERR:n/a ID:0000000006";
    let (receipt, plain, ucs2) = (EsmClass::RECEIPT, DataCoding::DEFAULT, DataCoding::UCS2);
    let cases = [
        (
            OddReceipt::NoClass,
            EsmClass::DEFAULT,
            plain,
            usual(1).into_bytes(),
            true,
        ),
        (OddReceipt::Ucs2, receipt, ucs2, wide(usual(2)), true),
        (
            OddReceipt::WrongCoding,
            receipt,
            ucs2,
            usual(3).into_bytes(),
            true,
        ),
        (OddReceipt::NoTlvs, receipt, plain, usual(4).into_bytes(), false),
        (OddReceipt::NoText, receipt, plain, Vec::new(), true),
        (OddReceipt::OtherText, receipt, plain, other.to_vec(), true),
    ];
    for (number, (kind, esm_class, data_coding, text, has_tlvs)) in (1..).zip(cases) {
        assert_eq!(OddReceipt::ALL[number - 1], kind);
        smsc.change(|behaviour| behaviour.faults.odd_receipts = Shares::always(kind));
        esme.send(SUBMIT_WITH_RECEIPT).await;
        esme.receive().await.unwrap();
        let pdu = esme.receive().await.unwrap();
        let sequence = to_hex(&pdu[12..16]);
        let read = view(&pdu, &Leniency::strict()).unwrap();
        let PduView::DeliverSm(body) = read.body else {
            panic!("{read:?}")
        };
        assert_eq!(
            (body.esm_class, body.data_coding),
            (esm_class, data_coding),
            "{kind:?}"
        );
        assert_eq!(body.short_message, text, "{kind:?}");
        assert_eq!(
            body.tlvs.get::<tlv::MessageState>().is_some(),
            has_tlvs,
            "{kind:?}"
        );
        esme.send(&format!("000000118000000500000000{sequence}00")).await;
    }
    assert_eq!(smsc.counters().faults.receipts_odd, 6);
}

#[tokio::test]
async fn a_tcp_connection_may_end_with_a_reset_and_a_restart_keeps_the_port() {
    let faults = Faults {
        resets: 1.0,
        restart_every: Some(Duration::from_millis(50)),
        restart_for: Duration::from_millis(20),
        ..Faults::default()
    };
    let behaviour = Behaviour {
        faults,
        ..Behaviour::default()
    };
    let smsc = Smsc::listen("127.0.0.1:0", behaviour, 1).await.unwrap();
    let address = smsc.local_addr().unwrap();
    let mut resets = 0;
    let restarted = async {
        while smsc.counters().faults.restarts < 3 || resets == 0 {
            // It may be away.
            let Ok(mut stream) = tokio::net::TcpStream::connect(address).await else {
                tokio::time::sleep(Duration::from_millis(5)).await;
                continue;
            };
            let ended = stream.read(&mut [0]).await;
            let is_reset = |error: &io::Error| error.kind() == io::ErrorKind::ConnectionReset;
            resets += usize::from(ended.as_ref().is_err_and(is_reset));
        }
    };
    timeout(seconds(60), restarted).await.unwrap();
    assert!(smsc.counters().faults.links_reset > 0);
}
