//! Receipts and messages from phones.

use super::*;

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
