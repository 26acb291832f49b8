//! Subscribers that are too slow, and an SMSC that is held back for them.

use super::*;
use crate::events::{EventStream, Filter, Policy};
use crate::session::Passage;

const ENQUIRE: u32 = 0x15;

impl Bench {
    /// Delivers so many messages at once.
    async fn deliver_many(&mut self, count: usize) {
        for _ in 0..count {
            self.deliver(b"hello", 0).await;
        }
    }

    /// The responses that came until now.
    async fn responses(&mut self) -> usize {
        let mut responses = 0;
        while let Ok(header) = timeout(Duration::from_millis(1), self.read(DELIVER | RESP)).await {
            assert_eq!(header.command_status, CommandStatus::ESME_ROK);
            responses += 1;
        }
        responses
    }
}

/// Deliveries of `bind` for one with room for eight.
fn deliveries(bench: &Bench, filter: Filter) -> EventStream {
    bench.hub.events(filter, Policy::hold_back().events(8))
}

#[tokio::test(start_paused = true)]
async fn the_smsc_is_held_back_until_there_is_room_and_nothing_is_missed() {
    local(async {
        let mut bench = Bench::bound(settings()).await;
        let mut stream = deliveries(&bench, Kinds::DELIVERIES.into());
        bench.deliver_many(20).await;
        assert_eq!(bench.responses().await, 5, "more than half of eight");
        for _ in 0..2 {
            stream.next().await.unwrap();
        }
        assert_eq!(bench.responses().await, 0, "three wait");
        stream.next().await.unwrap();
        assert_eq!(bench.responses().await, 3);
        let mut seen = 3;
        while seen < 20 {
            assert!(matches!(stream.next().await, Some(Event::Delivery(_))));
            seen += 1;
        }
        assert_eq!(bench.responses().await, 12);
        assert_eq!(stream.status().missed, 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn patience_has_an_end_after_which_the_oldest_are_missed_and_the_link_lives() {
    local(async {
        let mut bench = Bench::bound(settings()).await;
        let mut stream = deliveries(&bench, Kinds::DELIVERIES.into());
        bench.deliver_many(6).await;
        bench.write(ENQUIRE, 0, 77, b"").await;
        assert_eq!(bench.responses().await, 5);
        // Nobody asks the stream. After five seconds the bind reads on.
        let start = link::now();
        bench.read(DELIVER | RESP).await;
        assert_eq!(bench.read(ENQUIRE | RESP).await.sequence_number.value(), 77);
        assert_eq!((link::now() - start).as_secs(), 4);
        assert_eq!((stream.status().events, stream.status().missed), (3, 3));
        assert!(matches!(stream.next().await, Some(Event::Lagged { missed: 3 })));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_bind_that_is_held_for_long_still_sends_enquire_link_and_is_not_given_up() {
    local(async {
        let settings = settings()
            .enquire_link_interval(Some(Duration::from_secs(20)))
            .enquire_link_timeout(Duration::from_secs(5));
        let mut bench = Bench::bound(settings).await;
        let policy = Policy::hold_back().events(2).patience(Duration::from_secs(3_600));
        let mut stream = bench.hub.events(Kinds::DELIVERIES, policy);
        bench.deliver_many(3).await;
        assert_eq!(bench.responses().await, 2);
        for _ in 0..3 {
            let header = bench.read(ENQUIRE).await;
            bench.answer(header, 0, b"").await;
        }
        let pending = bench.submit(1);
        let header = bench.read(SUBMIT).await;
        bench.answer(header, 0, b"abc\0").await;
        while stream.status().events > 0 {
            stream.next().await.unwrap();
        }
        bench.read(DELIVER | RESP).await;
        for outcome in pending {
            outcome.await.unwrap();
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_is_gone_or_wants_other_binds_holds_nobody_back() {
    local(async {
        let mut bench = Bench::bound(settings()).await;
        let stream = deliveries(&bench, Kinds::DELIVERIES.into());
        let elsewhere = deliveries(&bench, Filter::kinds(Kinds::BINDS).on("b-1"));
        for _ in 0..8 {
            bench.hub.emit(Event::Bind(crate::events::BindEvent {
                bind: "b-1".into(),
                account: "b".into(),
                phase: Phase::Bound,
                cause: Cause::Progress,
            }));
        }
        assert!(elsewhere.status().holds_back);
        bench.deliver_many(10).await;
        assert_eq!(bench.responses().await, 5);
        drop(stream);
        // Somebody has to take them.
        let _all = bench.hub.events(Kinds::DELIVERIES, Policy::default());
        assert_eq!(bench.responses().await, 5);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_we_send_is_held_back_by_the_window() {
    local(async {
        let mut bench = Bench::bound(settings().window(4)).await;
        let submits = Filter::pdus()
            .commands([CommandId::SUBMIT_SM])
            .passages([Passage::Sent]);
        let mut stream = deliveries(&bench, submits);
        let pending = bench.submit(12);
        for _ in 0..8 {
            let header = bench.read(SUBMIT).await;
            bench.answer(header, 0, b"abc\0").await;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!((stream.status().events, stream.status().holds_back), (8, true));
        for _ in 0..8 {
            stream.next().await.unwrap();
        }
        for _ in 0..4 {
            let header = bench.read(SUBMIT).await;
            bench.answer(header, 0, b"abc\0").await;
            stream.next().await.unwrap();
        }
        for outcome in pending {
            outcome.await.unwrap();
        }
        assert_eq!(stream.status().missed, 0);
    })
    .await;
}
