//! Binds that begin when somebody asks for it, and end with their first connection.

use super::*;

const ON_DEMAND: Manner = Manner {
    on_demand: true,
    once: false,
    paused: false,
    known: false,
};

const ONCE: Manner = Manner {
    on_demand: false,
    once: true,
    paused: false,
    known: false,
};

#[tokio::test(start_paused = true)]
async fn a_bind_on_demand_opens_its_connection_and_waits_to_be_asked() {
    local(async {
        let mut bench = Bench::start_as(settings(), None, ON_DEMAND).await;
        bench.phase("open").await;
        let asked = BindSettings::new("smsc:2775", "other", "words").mode(Mode::Receiver);
        let too_long = asked.clone().password("toolongforapassword");
        let refused = bench.bind.send(Enter(Arc::new(too_long))).await.unwrap();
        assert!(matches!(refused, Err(RequestError::Encode(_))), "{refused:?}");
        bench.bind.send(Enter(Arc::new(asked))).await.unwrap().unwrap();
        assert_eq!(bench.phase("binding").await, Cause::Asked);
        let header = bench.read(0x01).await;
        bench.answer(header, 0, b"\0").await;
        bench.phase("bound").await;
        let again = bench.bind.send(Enter(Arc::new(settings()))).await.unwrap();
        assert!(matches!(again, Err(RequestError::WrongState { .. })), "{again:?}");

        // What was asked for once holds for the connections that follow.
        drop(std::mem::replace(&mut bench.peer, tokio::io::duplex(1).0));
        bench.phase("waiting").await;
        bench.peer = bench.connections.recv().await.unwrap();
        bench.read(0x01).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_bind_that_is_there_once_ends_with_its_connection_and_says_why() {
    local(async {
        let mut bench = Bench::start_as(settings(), None, ONCE).await;
        bench.accept_bind().await;
        drop(std::mem::replace(&mut bench.peer, tokio::io::duplex(1).0));
        let cause = bench.phase("stopped").await;
        assert_eq!(cause, Cause::Session(CloseCause::Disconnected));
        assert!(matches!(bench.report().await, Report::Ended { clean: false }));
        bench.ended.await.unwrap();
        assert!(bench.connections.recv().await.is_none());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_unbind_of_the_peer_is_a_clean_end_for_a_bind_that_is_there_once() {
    local(async {
        let mut bench = Bench::start_as(settings(), None, ONCE).await;
        bench.accept_bind().await;
        bench.write(UNBIND, 0, 1, b"").await;
        bench.read(UNBIND | RESP).await;
        drop(std::mem::replace(&mut bench.peer, tokio::io::duplex(1).0));
        let cause = bench.phase("stopped").await;
        assert_eq!(cause, Cause::Session(CloseCause::PeerUnbound));
        assert!(matches!(bench.report().await, Report::Ended { clean: true }));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_cut_closes_the_connection_without_a_word() {
    local(async {
        let mut bench = Bench::bound(settings()).await;
        let mut pending = bench.submit(1);
        bench.read(SUBMIT).await;
        bench.bind.do_send(Control::Cut);
        assert_eq!(bench.phase("stopped").await, Cause::Asked);
        let mut rest = Vec::new();
        bench.peer.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"");
        assert!(matches!(
            pending.remove(0).await,
            Err(SubmitError::Unknown { .. })
        ));
    })
    .await;
}
