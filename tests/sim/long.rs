//! Long messages over binds that are throttled, small, or die half way.

use std::time::Duration;

use bindery::settings::Settings;
use bindery::smsc::{Behaviour, Faults, Limits};
use bindery::submit::{SubmitError, SubmitResult};
use tokio::time::sleep;

use crate::bench::{Bench, behaviour, bind, kind, local, long, outcomes};
use crate::ledger::Happened;
use crate::world::secs;

const PARTS: usize = 10;

/// Until the third part has gone out and its link is gone.
const UNTIL_CUT: Duration = Duration::from_millis(60);

/// One link is cut with the third part, before that is answered.
fn cuts_at_the_third() -> Behaviour {
    Behaviour {
        faults: Faults {
            cut_after: Some(3),
            ..Faults::default()
        },
        ..behaviour()
    }
}

fn kinds(outcome: &SubmitResult) -> Vec<&'static str> {
    match outcome {
        Err(SubmitError::Partial { parts }) => parts.iter().map(kind).collect(),
        other => vec![kind(other)],
    }
}

/// How often each part was seen.
fn seen(bench: &Bench, number: u64) -> Vec<usize> {
    let sights = bench.sights(number);
    let count = |part| sights.iter().filter(|sight| sight.part == part).count();
    (0..PARTS).map(count).collect()
}

#[tokio::test(start_paused = true)]
async fn a_long_message_that_is_throttled_half_way_is_accepted_once_part_for_part() {
    local(async {
        let limited = Behaviour {
            rate: Some(20.0),
            ..behaviour()
        };
        let bench = Bench::start([limited], Settings::default().bind("a", bind("one"))).await;
        let outcome = outcomes(bench.submit([long(1, PARTS)]), secs(60)).await.remove(0);
        let ids = outcome.unwrap().message_ids;
        let sights = bench.sights(1);
        assert!(sights.len() > PARTS, "it was throttled");
        for (part, id) in ids.iter().enumerate() {
            let taken: Vec<_> = sights
                .iter()
                .filter(|sight| sight.part == part)
                .filter_map(|sight| sight.id.clone())
                .collect();
            assert_eq!(taken, [id.to_string()], "part {part}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn ten_parts_pass_a_window_of_five_in_order() {
    local(async {
        let narrow = bind("one").window(5_usize);
        let bench = Bench::start([behaviour()], Settings::default().bind("a", narrow)).await;
        let outcome = outcomes(bench.submit([long(1, PARTS)]), secs(60)).await.remove(0);
        assert_eq!(outcome.unwrap().message_ids.len(), PARTS);
        let parts: Vec<_> = bench.sights(1).iter().map(|sight| sight.part).collect();
        assert_eq!(parts, Vec::from_iter(0..PARTS));
        let ledger = bench.ledger();
        let (mut open, mut most) = (0_usize, 0);
        for happened in ledger.links.values().flat_map(|link| &link.happened) {
            match happened {
                Happened::Message { .. } => open += 1,
                Happened::Answer { .. } => open -= 1,
            }
            most = most.max(open);
        }
        assert_eq!(most, 5);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_long_message_whose_bind_dies_half_way_goes_on_at_a_sibling_of_its_account() {
    local(async {
        let small = |host| bind(host).window(1_usize).account("a");
        let settings = Settings::default()
            .bind("a-1", small("one"))
            .bind("a-2", small("two"))
            .bind("b", bind("three"));
        let bench = Bench::start([cuts_at_the_third(), behaviour(), behaviour()], settings).await;
        // It begins at the first: the others are away at that time.
        bench.esme.pause("a-2").await.unwrap();
        bench.esme.pause("b").await.unwrap();
        sleep(secs(1)).await;
        let pending = bench.submit([long(1, PARTS)]);
        sleep(UNTIL_CUT).await;
        bench.smscs[0].stop().await;
        bench.esme.resume("a-2").await.unwrap();
        bench.esme.resume("b").await.unwrap();
        let outcome = outcomes(pending, secs(60)).await.remove(0);
        let mut expected = vec!["submitted"; PARTS];
        expected[2] = "unknown";
        assert_eq!(kinds(&outcome), expected, "{outcome:?}");
        assert_eq!(seen(&bench, 1), [1; PARTS]);
        assert_eq!(bench.smscs[2].counters().messages, 0, "another account");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_long_message_whose_only_bind_dies_half_way_waits_for_it() {
    local(async {
        let settings = Settings::default()
            .bind("a", bind("one").window(1_usize))
            .bind("b", bind("two"));
        let bench = Bench::start([cuts_at_the_third(), behaviour()], settings).await;
        bench.esme.pause("b").await.unwrap();
        sleep(secs(1)).await;
        let pending = bench.submit([long(1, PARTS)]);
        sleep(UNTIL_CUT).await;
        bench.smscs[0].stop().await;
        bench.smscs[0].change(|behaviour| behaviour.faults = Faults::default());
        bench.esme.resume("b").await.unwrap();
        sleep(secs(30)).await;
        assert_eq!(bench.waiting().await, 1);
        bench.smscs[0].start().await.unwrap();
        let outcome = outcomes(pending, secs(120)).await.remove(0);
        let mut expected = vec!["submitted"; PARTS];
        expected[2] = "unknown";
        assert_eq!(kinds(&outcome), expected, "{outcome:?}");
        assert_eq!(seen(&bench, 1), [1; PARTS]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_long_message_whose_bind_stays_away_is_partial_when_its_validity_is_over() {
    local(async {
        let settings = Settings::default().bind("a", bind("one").window(1_usize));
        let bench = Bench::start([cuts_at_the_third()], settings).await;
        let pending = bench.submit([long(1, PARTS).validity(secs(60))]);
        sleep(UNTIL_CUT).await;
        bench.smscs[0].stop().await;
        let outcome = outcomes(pending, secs(90)).await.remove(0);
        let mut expected = vec!["expired"; PARTS];
        expected[..3].copy_from_slice(&["submitted", "submitted", "unknown"]);
        assert_eq!(kinds(&outcome), expected, "{outcome:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_long_message_that_may_be_sent_twice_is_complete_though_its_bind_died() {
    local(async {
        let settings = Settings::default().bind("a", bind("one").window(1_usize));
        let bench = Bench::start([cuts_at_the_third()], settings).await;
        let pending = bench.submit([long(1, PARTS).at_least_once()]);
        sleep(UNTIL_CUT).await;
        bench.smscs[0].change(|behaviour| behaviour.faults = Faults::default());
        let outcome = outcomes(pending, secs(120)).await.remove(0);
        assert_eq!(outcome.unwrap().message_ids.len(), PARTS);
        let mut expected = vec![1; PARTS];
        expected[2] = 2;
        assert_eq!(seen(&bench, 1), expected);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_a_bind_that_is_drained_could_not_write_leaves_by_a_sibling() {
    local(async {
        let narrow = Behaviour {
            limits: Limits {
                // A part does not fit, so that its last octet waits for a peer that does not read.
                pipe: 150,
                ..Limits::default()
            },
            ..behaviour()
        };
        let small = |host| bind(host).account("a").window(1_usize).response_timeout(secs(1));
        let settings = Settings::default()
            .bind("a-1", small("one"))
            .bind("a-2", small("two"));
        let bench = Bench::start([narrow, behaviour()], settings).await;
        bench.esme.pause("a-2").await.unwrap();
        bench.smscs[0].freeze_links();
        let pending = bench.submit([long(1, 3)]);
        // The session gives up for want of progress, and is not quite gone when the time of the drain is over.
        sleep(Duration::from_millis(2_500)).await;
        bench.esme.drain("a-1", secs(2)).await.unwrap();
        bench.esme.resume("a-2").await.unwrap();
        let outcome = outcomes(pending, secs(60)).await.remove(0).unwrap();
        assert_eq!(outcome.bind.as_str(), "a-2");
        assert_eq!(bench.smscs[0].counters().messages, 0);
    })
    .await;
}
