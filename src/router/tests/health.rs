//! Binds that reject what others accept.

use super::*;

fn settings() -> Settings {
    let mut settings = two();
    settings.router.quarantine_after = Some(3);
    settings.router.quarantine = Duration::from_secs(60);
    settings
}

/// Gives each of the two binds as many messages as `rejected`; `a-1` accepts its own, `a-2` does not.
async fn fail(bench: &Bench, rejected: usize) {
    // One by one, so that they take turns.
    for number in 0..2 * rejected as u64 {
        bench.flood(number..number + 1).await;
    }
    bench.order("a-1", Order::Accept(rejected)).await;
    bench.order("a-2", Order::Reject(rejected)).await;
}

async fn is_quarantined(bench: &Bench) -> bool {
    let explained = bench.started.address.send(Explain(numbered(0))).await.unwrap();
    let mut candidates = explained.candidates.iter();
    candidates.any(|candidate| candidate.bind.as_str() == "a-2" && candidate.quarantined)
}

async fn started() -> Bench {
    let bench = Bench::start(settings());
    for bind in ["a-1", "a-2"] {
        bench.order(bind, Order::Bind(4)).await;
    }
    bench
}

#[tokio::test(start_paused = true)]
async fn a_bind_that_rejects_what_others_accept_gets_nothing_for_a_while() {
    local(async {
        let bench = started().await;
        fail(&bench, 2).await;
        assert!(!is_quarantined(&bench).await, "two are too few");
        fail(&bench, 2).await;
        assert!(is_quarantined(&bench).await);
        let bind = "a-2".into();
        assert!(
            bench
                .watcher
                .alarms()
                .contains(&Alarm::Quarantined { bind, rejected: 4 })
        );
        bench.flood(0..4).await;
        assert_eq!(bench.jobs().await, [4, 0]);
        bench.order("a-1", Order::Accept(4)).await;

        // It is tried again, goes on like that, and waits twice as long.
        advance(Duration::from_secs(60)).await;
        settle().await;
        assert!(!is_quarantined(&bench).await);
        fail(&bench, 1).await;
        fail(&bench, 1).await;
        assert!(is_quarantined(&bench).await);
        advance(Duration::from_secs(100)).await;
        assert!(is_quarantined(&bench).await);
        advance(Duration::from_secs(20)).await;
        settle().await;
        assert!(!is_quarantined(&bench).await);

        // What it accepts is forgotten at once.
        bench.flood(0..2).await;
        bench.order("a-2", Order::Accept(1)).await;
        bench.order("a-1", Order::Accept(1)).await;
        fail(&bench, 2).await;
        assert!(!is_quarantined(&bench).await);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_all_reject_is_nobodys_fault() {
    local(async {
        let bench = started().await;
        for _ in 0..5 {
            bench.flood(0..4).await;
            bench.order("a-1", Order::Reject(2)).await;
            bench.order("a-2", Order::Reject(2)).await;
        }
        assert_eq!(bench.watcher.alarms(), []);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_last_bind_that_is_up_is_never_kept_back() {
    local(async {
        let bench = started().await;
        fail(&bench, 4).await;
        fail(&bench, 1).await;
        assert!(is_quarantined(&bench).await);
        bench.order("a-1", Order::Lose).await;
        assert!(!is_quarantined(&bench).await, "better than none");
        bench.flood(0..3).await;
        assert_eq!(bench.jobs().await, [0, 3]);
        bench.order("a-2", Order::Reject(3)).await;
        assert!(!is_quarantined(&bench).await);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_names_a_bind_gets_it_whatever_others_get() {
    local(async {
        let bench = started().await;
        fail(&bench, 4).await;
        fail(&bench, 1).await;
        assert!(is_quarantined(&bench).await);
        bench.started.address.do_send(numbered(0).bind("a-2"));
        bench.flood(1..3).await;
        assert_eq!(bench.jobs().await, [2, 1]);
    })
    .await;
}
