//! What keeps an SMSC small, whatever those who connect to it do.

use tokio::time::{Instant, sleep};

use super::*;

/// query_sm, which is nothing to ask before the bind, and the answer to it.
const QUERY: &str = "0000002100000003000000000000000c303030303030303031 00 05 00 53686f7000";
const NOT_BOUND: &str = "0000001080000003000000040000000c";

fn limited(limits: Limits) -> Smsc {
    smsc(Behaviour {
        limits,
        ..Behaviour::default()
    })
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_bind_is_closed_after_its_time_whatever_it_sends() {
    let smsc = limited(Limits {
        session_init: seconds(5),
        ..Limits::default()
    });
    let mut silent = Esme::connect(&smsc).await;
    let mut busy = Esme::connect(&smsc).await;
    let start = Instant::now();
    for _ in 0..4 {
        busy.send(QUERY).await;
        busy.expect(NOT_BOUND).await;
        sleep(seconds(1)).await;
    }
    assert_eq!(smsc.counters().links, 2);
    silent.expect_end().await;
    busy.expect_end().await;
    assert!(start.elapsed() < seconds(6), "{:?}", start.elapsed());
    assert_eq!(smsc.counters().links, 0);

    // A bind that is refused is none.
    smsc.change(|behaviour| behaviour.accounts = vec![Account::new("nobody", "x")]);
    let mut refused = Esme::connect(&smsc).await;
    refused.send(BIND).await;
    assert!(refused.receive().await.is_some());
    refused.expect_end().await;
    assert_eq!((smsc.counters().binds, smsc.counters().links), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn before_the_bind_a_long_frame_is_refused_when_its_length_is_read() {
    let smsc = limited(Limits::default());
    let mut esme = Esme::connect(&smsc).await;
    // submit_sm of 64 KiB; nothing of it but the header ever comes.
    esme.send("00010000000000040000000000000007").await;
    esme.expect("00000010800000000000000200000007").await;
    esme.expect_end().await;

    // With a bind it is waited for.
    let mut esme = Esme::bound(&smsc).await;
    esme.send("00010000000000040000000000000007").await;
    esme.expect_silence(seconds(1)).await;
}

#[tokio::test(start_paused = true)]
async fn connections_are_counted_until_they_are_closed_and_no_more_are_taken() {
    let smsc = limited(Limits {
        connections: 10,
        session_init: seconds(5),
        ..Limits::default()
    });
    let mut open = Vec::new();
    for _ in 0..10 {
        open.push(Esme::connect(&smsc).await);
    }
    for _ in 0..1_000 {
        assert!(connect(&smsc).await.is_err());
    }
    let counters = smsc.counters();
    assert_eq!((counters.links, counters.connections_refused), (10, 1_000));
    // Those that do not bind make room for one that does.
    for esme in &mut open {
        esme.expect_end().await;
    }
    Esme::bound(&smsc).await;
}
