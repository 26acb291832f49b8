//! What an inbox may hold, and what becomes of what nobody takes or waits for.

use super::*;
use crate::pdu::TlvTag;

#[tokio::test(start_paused = true)]
async fn the_frames_of_parts_count() {
    local(async {
        let limits = JoinLimits {
            octets: 100_000,
            ..JoinLimits::default()
        };
        let bench = Bench::new(false, limits).watched();
        let vendor = TlvTag::new(0x1400);
        for reference in 1..=2 {
            let mut tlvs = Tlvs::new();
            tlvs.push_raw(vendor, &[0; 60_000]).unwrap();
            let large = delivery(DeliverSm {
                esm_class: EsmClass::UDH,
                short_message: [5, 0, 3, reference, 2, 1, b'x'].as_slice().into(),
                tlvs,
                ..DeliverSm::default()
            });
            bench.deliver(&Arc::new(large));
            assert!(bench.inbox.sizes().octets > 60_000);
        }
        assert_eq!(bench.told().await, [("x".to_owned(), vec![2])]);
        assert_eq!(bench.inbox.sizes().incomplete, 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_acknowledged_and_is_not_answered_is_bounded_in_octets_too() {
    local(async {
        let limits = JoinLimits {
            octets: 4_000,
            ..JoinLimits::default()
        };
        let mut bench = Bench::new(false, limits);
        bench.clerk(Duty::all());
        let mut statuses = Vec::new();
        for reference in 1..=5 {
            for sequence in 1..=2 {
                let mut owed = bench.deliver(&part("a-1", [reference, 2, sequence], "x"));
                statuses.push(owed.status().unwrap());
            }
        }
        let taken = statuses.iter().filter(|status| status.is_ok()).count();
        assert_eq!(statuses[taken..], vec![LATER; 10 - taken]);
        assert!((4..10).contains(&taken), "{taken}");
        while bench.inbox.sizes().unanswered > 0 {
            bench.asked("xx").await.send(Answer::ok()).unwrap();
            settle().await;
        }
        assert_eq!(bench.deliver(&part("a-1", [6, 2, 1], "x")).status(), Some(OK));
    })
    .await;
}

fn unhandled(seen: &[Event]) -> usize {
    let alarms = seen.iter().filter(|event| match event {
        Event::Alarm(event) => matches!(event.alarm, Alarm::Unhandled { .. }),
        _ => false,
    });
    alarms.count()
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_went_while_nothing_happened_takes_no_part() {
    local(async {
        let bench = Bench::new(false, JoinLimits::default());
        let alarms = bench.watcher.clone().start();
        bench.hub.subscribe(alarms.recipient(), Kinds::ALARMS);
        let taker = Witness::default().start();
        bench.hub.subscribe(taker.clone().recipient(), Kinds::MESSAGES);
        taker.send(Stop).await.unwrap();
        settle().await;
        let mut owed = bench.deliver(&part("a-1", [7, 2, 1], "one "));
        assert_eq!(owed.status(), Some(bench.terms.unhandled));
        settle().await;
        let seen = bench.watcher.seen();
        let is_gone = |event: &Event| match event {
            Event::Alarm(event) => matches!(event.alarm, Alarm::SubscriberGone),
            _ => false,
        };
        assert!(unhandled(&seen) == 1 && seen.iter().any(is_gone), "{seen:?}");
        assert!(!bench.hub.wants(Kinds::MESSAGES));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_parts_were_acknowledged_and_that_nobody_takes_is_told_of() {
    local(async {
        let limits = JoinLimits {
            wait: Duration::from_secs(60),
            ..JoinLimits::default()
        };
        let bench = Bench::new(false, limits);
        let alarms = bench.watcher.clone().start();
        bench.hub.subscribe(alarms.recipient(), Kinds::ALARMS);
        let taker = Witness::default().start();
        bench.hub.subscribe(taker.clone().recipient(), Kinds::MESSAGES);
        let mut owed = bench.deliver(&part("a-1", [7, 2, 1], "one "));
        assert_eq!(owed.status(), Some(OK));
        taker.send(Stop).await.unwrap();
        settle().await;
        advance(Duration::from_secs(60)).await;
        settle().await;
        assert_eq!(unhandled(&bench.watcher.seen()), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_nobody_waits_for_any_more_does_not_keep_what_closes() {
    local(async {
        let mut bench = Bench::new(false, JoinLimits::default());
        bench.clerk(Duty::all());
        // Its link breaks: it comes again elsewhere.
        let first = bench.deliver(&Arc::new(message("a")));
        let second = bench.deliver(&Arc::new(message("b")));
        let _answer = bench.asked("a").await;
        drop((first, second));
        bench.inbox.close();
        settle().await;
        assert!(bench.courier.is_finished());
        bench.asks_nothing().await;
        let mut late = bench.deliver(&Arc::new(message("c")));
        assert_eq!(late.status(), Some(LATER));
        let mut late = bench.deliver(&part("a-1", [7, 2, 1], "x"));
        assert_eq!(late.status(), Some(LATER));
    })
    .await;
}
