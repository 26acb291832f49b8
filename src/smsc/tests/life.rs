//! Connections, binds, and the beginning and end of an SMSC.

use super::*;

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
