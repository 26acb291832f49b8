//! Messages, questions about them, and their answers.

use super::*;

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
