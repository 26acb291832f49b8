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
