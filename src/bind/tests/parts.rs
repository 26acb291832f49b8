//! Parts of long messages: refused, late, and owed a receipt before the message ends.

use super::*;
use crate::pdu::RegisteredDelivery;

const QUEUE_FULL: u32 = 0x14;

/// A message of so many parts that asks for receipts.
fn owed(parts: usize, intake: u64) -> (Box<Job>, Pending) {
    let (reply, pending) = Reply::channel(Reference::Number(intake));
    let pdu = || {
        Pdu::from(SubmitSm {
            registered_delivery: RegisteredDelivery::FINAL,
            ..SubmitSm::default()
        })
    };
    let mut job = Job::new(Parts::Many((0..parts).map(|_| pdu()).collect()), reply);
    job.handle_intake(intake, link::now());
    (job, pending)
}

#[tokio::test(start_paused = true)]
async fn parts_that_are_refused_together_are_each_tried_again() {
    local(async {
        let mut bench = Bench::bound(settings().window(8_usize).enquire_link_interval(None)).await;
        let (job, pending) = job(8, 1);
        bench.assign(vec![job]);
        let start = link::now();
        for _ in 0..4 {
            let mut refused = Vec::new();
            for _ in 0..8 {
                refused.push(bench.read(SUBMIT).await);
            }
            for header in refused {
                bench.answer(header, QUEUE_FULL, b"").await;
            }
        }
        for _ in 0..8 {
            bench.accept(b"1").await;
        }
        assert_eq!(pending.await.unwrap().message_ids.iter().count(), 8);
        assert_eq!((link::now() - start).as_secs(), 1 + 2 + 3 + 4);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn no_part_of_a_message_goes_out_before_its_time_and_others_do() {
    local(async {
        let mut bench = Bench::bound(settings().window(1_usize).enquire_link_interval(None)).await;
        let (long, pending) = job(2, 1);
        bench.assign(vec![long]);
        let header = bench.read(SUBMIT).await;
        let start = link::now();
        bench.answer(header, QUEUE_FULL, b"").await;
        let (other, others) = job(1, 2);
        bench.assign(vec![other]);
        bench.accept(b"other").await;
        assert_eq!(others.await.unwrap().message_id().to_text(), "other");
        assert!(link::now() - start < Duration::from_secs(1));
        bench.accept(b"1").await;
        assert_eq!((link::now() - start).as_secs(), 1);
        bench.accept(b"2").await;
        let ids = pending.await.unwrap().message_ids;
        assert_eq!(ids.iter().map(|id| id.to_text()).collect::<Vec<_>>(), ["1", "2"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_late_response_takes_no_room_from_others() {
    local(async {
        let mut bench = Bench::bound(settings().rate(1.0).enquire_link_interval(None)).await;
        let (job, _pending) = at_least_once(1);
        bench.assign(vec![job]);
        bench.read(SUBMIT).await;
        tokio::time::sleep(Duration::from_secs(31)).await;
        let mut capacity = 0;
        while let Ok(Some(report)) = timeout(Duration::from_secs(1), bench.reports.recv()).await {
            if let Report::Seats { capacity: now, .. } = report {
                capacity = now;
            }
        }
        assert_eq!(capacity, 2, "its own, and one for the next");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn all_that_one_session_refused_goes_to_the_next() {
    local(async {
        let mut bench = Bench::bound(settings().enquire_link_interval(None)).await;
        let pending = bench.submit(3);
        for _ in 0..3 {
            let mut refused = Vec::new();
            for _ in 0..3 {
                refused.push(bench.read(SUBMIT).await);
            }
            for header in refused {
                bench.answer(header, 0x04, b"").await;
            }
            bench.accept_unbind().await;
            let mut returned = Vec::new();
            while returned.len() < 3 {
                returned.extend(bench.returned().await);
            }
            bench.rebound().await;
            bench.assign(returned);
        }
        for _ in 0..3 {
            bench.accept(b"1").await;
        }
        for pending in pending {
            assert!(pending.await.is_ok());
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_id_of_a_part_is_known_before_the_others_have_one() {
    local(async {
        let mut bench = Bench::bound(settings().window(1_usize).enquire_link_interval(None)).await;
        let (job, _pending) = owed(3, 1);
        bench.assign(vec![job]);
        bench.accept(b"first").await;
        bench.read(SUBMIT).await;
        assert!(bench.receipts.knows("first"));
        assert_eq!(bench.receipts.sizes(), (1, 0));
        // The rest goes back and on, and is still the same message.
        bench.peer.shutdown().await.unwrap();
        let returned = bench.returned().await;
        bench.rebound().await;
        bench.assign(returned);
        bench.accept(b"third").await;
        bench.submit(1);
        bench.read(SUBMIT).await;
        assert!(bench.receipts.knows("first") && bench.receipts.knows("third"));
        assert_eq!(bench.receipts.sizes(), (1, 0));
    })
    .await;
}
