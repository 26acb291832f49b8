//! The SMSC over pipes in virtual time, against octets written by hand.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{advance, timeout};

use super::*;
use crate::link::{ConnectError, Target, Transport};
use crate::pdu::{CommandStatus, MessageState};

// The PDUs of section 14 of the reference, as an ESME sends them.
const BIND: &str = "0000002500000009000000000000000164656d6f666f6f0073656372657421000034000000";
const BIND_TRANSMITTER: &str = "0000002500000002000000000000000164656d6f666f6f0073656372657421000034000000";
const BIND_RECEIVER: &str = "0000002500000001000000000000000164656d6f666f6f0073656372657421000034000000";
const SUBMIT_WITH_RECEIPT: &str = "0000003400000004000000000000000300050053686f7000010134313739303030303030000000000000010000000548656c6c6f";
const SUBMIT: &str = "0000003400000004000000000000000300050053686f7000010134313739303030303030000000000000000000000548656c6c6f";
const ENQUIRE_LINK: &str = "00000010000000150000000000000002";
const UNBIND: &str = "00000010000000060000000000000011";

// What the SMSC says, by hand.
const BIND_RESP: &str = "0000001d80000009000000000000000162696e6465727900021000 0134";
const SUBMIT_RESP_1: &str = "0000001b800000040000000000000003 30303030303030303031 00";

struct Esme {
    transport: Transport,
}

impl Esme {
    async fn connect(smsc: &Smsc) -> Self {
        Self {
            transport: connect(smsc).await.unwrap(),
        }
    }

    /// Connects and binds as transceiver.
    async fn bound(smsc: &Smsc) -> Self {
        let mut esme = Self::connect(smsc).await;
        esme.send(BIND).await;
        esme.expect(BIND_RESP).await;
        esme
    }

    async fn send(&mut self, octets: &str) {
        self.transport.write_all(&hex(octets)).await.unwrap();
    }

    /// The next PDU; none when the connection is over.
    async fn receive(&mut self) -> Option<Vec<u8>> {
        let mut length = [0; 4];
        self.transport.read_exact(&mut length).await.ok()?;
        let mut pdu = vec![0; u32::from_be_bytes(length) as usize];
        pdu[..4].copy_from_slice(&length);
        self.transport.read_exact(&mut pdu[4..]).await.ok()?;
        Some(pdu)
    }

    async fn expect(&mut self, octets: &str) {
        let received = timeout(Duration::from_secs(3600), self.receive())
            .await
            .expect("nothing came");
        assert_eq!(received.map(|pdu| to_hex(&pdu)), Some(to_hex(&hex(octets))));
    }

    async fn expect_silence(&mut self, span: Duration) {
        if let Ok(received) = timeout(span, self.receive()).await {
            panic!("unexpected: {:?}", received.map(|pdu| to_hex(&pdu)));
        }
    }

    async fn expect_end(&mut self) {
        let received = timeout(Duration::from_secs(3600), self.receive())
            .await
            .expect("still open");
        assert_eq!(received.map(|pdu| to_hex(&pdu)), None);
    }

    /// Takes a deliver_sm and answers it; says what its text is.
    async fn take_delivery(&mut self, status: CommandStatus) -> String {
        let pdu = timeout(Duration::from_secs(3600), self.receive())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(pdu[4..8], [0, 0, 0, 5], "{}", to_hex(&pdu));
        let sequence = to_hex(&pdu[12..16]);
        match status {
            CommandStatus::ESME_ROK => self.send(&format!("000000118000000500000000{sequence}00")).await,
            status => {
                self.send(&format!("0000001080000005{:08x}{sequence}", status.value()))
                    .await
            }
        }
        let view = crate::pdu::view(&pdu, &crate::pdu::Leniency::strict()).unwrap();
        let crate::pdu::PduView::DeliverSm(body) = view.body else {
            panic!("{view:?}")
        };
        String::from_utf8(body.short_message.to_vec()).unwrap()
    }
}

async fn connect(smsc: &Smsc) -> Result<Transport, ConnectError> {
    smsc.connector().connect(&Target::new("smsc", 2775)).await
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|digit| *digit != b' ').collect();
    let pairs = digits.chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

fn to_hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn smsc(behaviour: Behaviour) -> Smsc {
    Smsc::in_memory(behaviour, 1)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn an_esme_binds_submits_and_unbinds() {
    let smsc = smsc(Behaviour::default());
    let mut esme = Esme::bound(&smsc).await;
    esme.send(SUBMIT).await;
    esme.expect(SUBMIT_RESP_1).await;
    esme.send(ENQUIRE_LINK).await;
    esme.expect("00000010800000150000000000000002").await;
    esme.send(UNBIND).await;
    esme.expect("00000010800000060000000000000011").await;
    esme.expect_end().await;

    let Counters {
        connections,
        links,
        binds,
        messages,
        ..
    } = smsc.counters();
    assert_eq!((connections, links, binds, messages), (1, 0, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_receipt_comes_in_time_and_is_sent_again_until_it_is_taken() {
    let smsc = smsc(Behaviour {
        receipts_after: Some(seconds(5)),
        retry_after: seconds(10),
        ..Behaviour::default()
    });
    let mut esme = Esme::bound(&smsc).await;
    esme.send(SUBMIT_WITH_RECEIPT).await;
    esme.expect(SUBMIT_RESP_1).await;
    esme.expect_silence(Duration::from_millis(4_990)).await;
    let text = "id:0000000001 sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 \
                stat:DELIVRD err:000 text:Hello";
    assert_eq!(esme.take_delivery(CommandStatus::ESME_RX_T_APPN).await, text);
    esme.expect_silence(Duration::from_millis(9_990)).await;
    assert_eq!(esme.take_delivery(CommandStatus::ESME_ROK).await, text);
    esme.expect_silence(seconds(20)).await;

    let Counters {
        receipts_owed,
        receipts_delivered,
        deliveries_retried,
        deliveries_pending,
        ..
    } = smsc.counters();
    assert_eq!(
        (
            receipts_owed,
            receipts_delivered,
            deliveries_retried,
            deliveries_pending
        ),
        (1, 1, 1, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_receipt_has_the_octets_of_the_standard() {
    let smsc = smsc(Behaviour::default());
    let mut esme = Esme::bound(&smsc).await;
    esme.send(SUBMIT_WITH_RECEIPT).await;
    esme.expect(SUBMIT_RESP_1).await;
    let text = "id:0000000001 sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 \
                stat:DELIVRD err:000 text:Hello";
    let body = format!(
        "00 0101343137393030303030 3000 050053686f7000 040000 0000 0000 0000 {:02x}{} \
         001e000b 3030303030303030303100 0427000102",
        text.len(),
        to_hex(text.as_bytes()),
    );
    let length = 16 + hex(&body).len();
    esme.expect(&format!("{length:08x}00000005 00000000 00000001 {body}"))
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_receipt_survives_cuts_and_restarts_and_comes_to_any_bind_of_the_account() {
    let smsc = smsc(Behaviour {
        receipts_after: Some(seconds(60)),
        ..Behaviour::default()
    });
    let mut sender = Esme::connect(&smsc).await;
    sender.send(BIND_TRANSMITTER).await;
    sender
        .expect("0000001d80000002000000000000000162696e64657279000210000134")
        .await;
    sender.send(SUBMIT_WITH_RECEIPT).await;
    sender.expect(SUBMIT_RESP_1).await;
    smsc.cut_links();
    sender.expect_end().await;
    smsc.stop().await;
    assert!(connect(&smsc).await.is_err());
    advance(seconds(120)).await;
    smsc.start().await.unwrap();

    let mut receiver = Esme::connect(&smsc).await;
    receiver.send(BIND_RECEIVER).await;
    receiver
        .expect("0000001d80000001000000000000000162696e64657279000210000134")
        .await;
    assert!(
        receiver
            .take_delivery(CommandStatus::ESME_ROK)
            .await
            .starts_with("id:0000000001")
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_lost_link_took_comes_again() {
    let smsc = smsc(Behaviour {
        retry_after: seconds(3),
        ..Behaviour::default()
    });
    let mut first = Esme::bound(&smsc).await;
    first.send(SUBMIT_WITH_RECEIPT).await;
    first.expect(SUBMIT_RESP_1).await;
    assert!(
        first.receive().await.is_some(),
        "the receipt, which stays unanswered"
    );
    drop(first);
    let mut second = Esme::bound(&smsc).await;
    assert!(
        second
            .take_delivery(CommandStatus::ESME_ROK)
            .await
            .starts_with("id:0000000001")
    );
    second.expect_silence(seconds(25)).await;
}

#[tokio::test(start_paused = true)]
async fn a_response_waits_for_its_delay() {
    let smsc = smsc(Behaviour {
        delay: seconds(2),
        ..Behaviour::default()
    });
    let mut esme = Esme::bound(&smsc).await;
    esme.send(SUBMIT).await;
    esme.expect_silence(Duration::from_millis(1_990)).await;
    esme.expect(SUBMIT_RESP_1).await;
}

#[tokio::test(start_paused = true)]
async fn what_comes_too_fast_is_throttled() {
    let smsc = smsc(Behaviour {
        rate: Some(1.0),
        ..Behaviour::default()
    });
    let mut esme = Esme::bound(&smsc).await;
    esme.send(SUBMIT).await;
    esme.expect(SUBMIT_RESP_1).await;
    esme.send(SUBMIT).await;
    esme.expect("00000010800000040000005800000003").await;
    advance(seconds(1)).await;
    esme.send(SUBMIT).await;
    esme.expect("0000001b800000040000000000000003 30303030303030303032 00")
        .await;
    let Counters {
        messages, throttled, ..
    } = smsc.counters();
    assert_eq!((messages, throttled), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn strangers_are_refused_with_the_reason() {
    let cases = [
        (Account::new("demofoo", "secret!"), None),
        (Account::new("demofoo", "other"), Some("0000000e")),
        (Account::new("other", "secret!"), Some("0000000f")),
    ];
    for (account, status) in cases {
        let smsc = smsc(Behaviour {
            accounts: vec![account],
            ..Behaviour::default()
        });
        let mut esme = Esme::connect(&smsc).await;
        esme.send(BIND).await;
        match status {
            None => esme.expect(BIND_RESP).await,
            Some(status) => {
                esme.expect(&format!("0000001080000009{status}00000001")).await;
                esme.expect_end().await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_bind_is_closed_in_time() {
    let smsc = smsc(Behaviour::default());
    let mut esme = Esme::connect(&smsc).await;
    esme.send(SUBMIT).await;
    esme.expect("00000010800000040000000400000003").await;
    esme.expect_silence(Duration::from_millis(29_900)).await;
    esme.expect_end().await;
}

#[tokio::test(start_paused = true)]
async fn connections_are_limited() {
    let limits = Limits {
        connections: 1,
        ..Limits::default()
    };
    let smsc = smsc(Behaviour {
        limits,
        ..Behaviour::default()
    });
    let first = Esme::bound(&smsc).await;
    assert!(connect(&smsc).await.is_err());
    drop(first);
    tokio::task::yield_now().await;
    Esme::bound(&smsc).await;
    assert_eq!(smsc.counters().connections_refused, 1);
}

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
async fn phones_write_to_receiving_binds() {
    let phones = MobileOriginated {
        rate: 2.0,
        count: Some(2),
        ..MobileOriginated::default()
    };
    let smsc = smsc(Behaviour {
        mobile_originated: Some(phones),
        ..Behaviour::default()
    });
    let mut esme = Esme::bound(&smsc).await;
    assert_eq!(esme.take_delivery(CommandStatus::ESME_ROK).await, "Hello #1#");
    assert_eq!(esme.take_delivery(CommandStatus::ESME_ROK).await, "Hello #2#");
    assert!(smsc.deliver(
        "demofoo",
        DeliverSm {
            short_message: "by hand".into(),
            ..DeliverSm::default()
        }
    ));
    assert_eq!(esme.take_delivery(CommandStatus::ESME_RX_R_APPN).await, "by hand");
    esme.expect_silence(seconds(20)).await;
    let Counters {
        mobile_originated,
        mobile_originated_delivered,
        deliveries_dropped,
        ..
    } = smsc.counters();
    assert_eq!(
        (mobile_originated, mobile_originated_delivered, deliveries_dropped),
        (3, 2, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn the_binds_of_an_account_share_what_waits_for_it() {
    let smsc = smsc(Behaviour {
        witness: true,
        ..Behaviour::default()
    });
    for number in 0..10 {
        let text = format!("message {number}");
        smsc.deliver(
            "demofoo",
            DeliverSm {
                short_message: text.as_str().into(),
                ..DeliverSm::default()
            },
        );
    }
    smsc.change(|behaviour| behaviour.limits.window = 5);
    let mut first = Esme::bound(&smsc).await;
    let mut second = Esme::bound(&smsc).await;
    for _ in 0..5 {
        first.take_delivery(CommandStatus::ESME_ROK).await;
        second.take_delivery(CommandStatus::ESME_ROK).await;
    }
    first.expect_silence(seconds(1)).await;
    assert_eq!(smsc.counters().mobile_originated_delivered, 10);
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
async fn a_shutdown_unbinds_every_link() {
    let smsc = smsc(Behaviour::default());
    let mut esme = Esme::bound(&smsc).await;
    let (ended, ()) = tokio::join!(
        async {
            esme.expect("00000010000000060000000000000001").await;
            esme.send("00000010800000060000000000000001").await;
            esme.expect_end().await;
            true
        },
        smsc.shutdown(),
    );
    assert!(ended);
    assert_eq!(smsc.counters().links, 0);
    assert!(connect(&smsc).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_does_not_wait_for_ever() {
    let smsc = smsc(Behaviour::default());
    let mut esme = Esme::bound(&smsc).await;
    timeout(seconds(60), smsc.shutdown()).await.unwrap();
    esme.expect("00000010000000060000000000000001").await;
    esme.expect_end().await;
}

#[tokio::test(start_paused = true)]
async fn the_last_clone_ends_everything() {
    let smsc = smsc(Behaviour::default());
    let connector = smsc.connector();
    let mut esme = Esme::bound(&smsc).await;
    drop(smsc.clone());
    esme.send(ENQUIRE_LINK).await;
    esme.expect("00000010800000150000000000000002").await;
    drop(smsc);
    esme.expect_end().await;
    assert!(connector.connect(&Target::new("smsc", 2775)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn queries_cancels_and_replacements_are_answered_from_the_store() {
    let smsc = smsc(Behaviour {
        receipts_after: Some(seconds(60)),
        ..Behaviour::default()
    });
    let mut esme = Esme::bound(&smsc).await;
    esme.send(SUBMIT_WITH_RECEIPT).await;
    esme.expect(SUBMIT_RESP_1).await;
    let id = to_hex(b"0000000001\0");

    // On its way, then replaced, then cancelled, then deleted.
    esme.send(&format!("0000002200000003000000000000000c {id} 050053686f7000"))
        .await;
    esme.expect(&format!("0000001e80000003000000000000000c {id} 00 01 00"))
        .await;
    esme.send(&format!(
        "0000002a00000007000000000000000e {id} 050053686f7000 00000100036e6577"
    ))
    .await;
    esme.expect("0000001080000007000000000000000e").await;
    esme.send(&format!(
        "0000003000000008000000000000000d 00{id} 050053686f7000 01013431373930303030303000"
    ))
    .await;
    esme.expect("0000001080000008000000000000000d").await;
    let text = esme.take_delivery(CommandStatus::ESME_ROK).await;
    assert!(text.contains("stat:DELETED err:001 text:new"), "{text}");
    esme.send(&format!("0000002200000003000000000000000f {id} 050053686f7000"))
        .await;
    let date = to_hex(b"260101000000000+\0");
    esme.expect(&format!("0000002e80000003000000000000000f {id} {date} 04 00"))
        .await;

    // Unknown to this SMSC.
    esme.send("0000001e00000003000000000000000f 39393939393900 050053686f7000")
        .await;
    esme.expect("00000010800000030000000c0000000f").await;
    assert_eq!(smsc.counters().requests, 5);
}

#[tokio::test(start_paused = true)]
async fn a_submit_multi_names_the_destinations_that_failed() {
    let smsc = smsc(Behaviour::default());
    let mut esme = Esme::bound(&smsc).await;
    esme.send("0000004a00000021000000000000000a00050053686f7000030101013431373930303030303000010101343137393030303030320002667269656e647300000000000000000000024869").await;
    esme.expect("0000002a80000021000000000000000a 3030303030303030303100 01 0000667269656e6473 00 00000034")
        .await;
    assert_eq!(smsc.counters().messages, 2);
}

#[tokio::test(start_paused = true)]
async fn a_data_sm_is_a_message_too() {
    let smsc = smsc(Behaviour {
        witness: true,
        ..Behaviour::default()
    });
    let mut esme = Esme::bound(&smsc).await;
    esme.send("0000003600000103000000000000000b0001013431373930303030303100010134313739303030303030000001000424000464617461").await;
    esme.expect("0000001b80000103000000000000000b 3030303030303030303100")
        .await;
    let text = esme.take_delivery(CommandStatus::ESME_ROK).await;
    assert!(text.ends_with("text:data"), "{text}");
    assert_eq!(
        smsc.witness()
            .messages()
            .map(|message| message.octets.clone())
            .collect::<Vec<_>>(),
        [b"data"]
    );
}

#[tokio::test(start_paused = true)]
async fn broadcasts_are_not_for_this_smsc() {
    let smsc = smsc(Behaviour::default());
    let mut esme = Esme::bound(&smsc).await;
    esme.send("0000001f00000113000000000000001443425300622d310000003130303000")
        .await;
    esme.expect("00000010800001130000000300000014").await;
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
async fn hosts_of_a_network_are_told_apart() {
    let network = MemoryNetwork::new();
    let (a, b) = (smsc(Behaviour::default()), smsc(Behaviour::default()));
    network.add("a", &a);
    network.add("b", &b);
    let connector = network.connector();
    connector.connect(&Target::new("a", 1)).await.unwrap();
    connector.connect(&Target::new("b", 1)).await.unwrap();
    connector.connect(&Target::new("b", 2)).await.unwrap();
    assert_eq!((a.counters().connections, b.counters().connections), (1, 2));
    let unknown = connector.connect(&Target::new("c", 1)).await.unwrap_err();
    assert_eq!(unknown, ConnectError::Resolve { host: "c".into() });
    network.remove("b");
    assert!(connector.connect(&Target::new("b", 1)).await.is_err());
}

#[tokio::test]
async fn over_tcp_it_restarts_on_the_same_port() {
    let smsc = Smsc::listen("127.0.0.1:0", Behaviour::default(), 1)
        .await
        .unwrap();
    let address = smsc.local_addr().unwrap();
    for _ in 0..3 {
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let mut esme = Esme {
            transport: Transport::Tcp(stream),
        };
        esme.send(BIND).await;
        esme.expect(BIND_RESP).await;
        smsc.stop().await;
        esme.expect_end().await;
        assert!(tokio::net::TcpStream::connect(address).await.is_err());
        smsc.start().await.unwrap();
        assert_eq!(smsc.local_addr(), Some(address));
    }
    assert_eq!(smsc.counters().binds, 3);
}
