//! Changes while messages go: other settings, binds that are paused, hosts that come back.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bindery::esme::Esme;
use bindery::events::Phase;
use bindery::link::{Connect, Connecting, Target};
use bindery::router::{ApplyError, BindError};
use bindery::settings::{BindSettings, BudgetSettings, RouteSettings, Settings};
use bindery::smsc::{Account, Behaviour, Smsc};
use bindery::submit::{Submit, SubmitError};
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep, timeout};

async fn local(test: impl Future<Output = ()>) {
    LocalSet::new().run_until(test).await;
}

fn bind() -> BindSettings {
    BindSettings::new("smsc:2775", "a", "secret").account("a")
}

fn text(number: u64) -> Submit {
    Submit::text("447700900123", format!("Message #{number}#")).reference(number)
}

fn smsc() -> Smsc {
    let behaviour = Behaviour {
        witness: true,
        delay: Duration::from_millis(20),
        ..Behaviour::default()
    };
    Smsc::in_memory(behaviour, 1)
}

fn start(settings: Settings, smsc: &Smsc) -> Esme {
    Esme::start_local(settings, smsc.connector()).unwrap()
}

/// Waits until this many binds are in the phase.
async fn until(esme: &Esme, phase: &str, count: usize) {
    let reached = async {
        loop {
            let status = esme.status().await;
            let there = status.binds.iter().filter(|bind| bind.phase.name() == phase);
            if there.count() == count {
                return;
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(600), reached).await.unwrap();
}

fn names(binds: &[bindery::submit::BindId]) -> Vec<&str> {
    binds.iter().map(|bind| bind.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn other_settings_touch_only_the_binds_that_changed() {
    local(async {
        let smsc = smsc();
        let before = Settings::default()
            .budget("shared", BudgetSettings::new(1_000.0))
            .bind("gone", bind())
            .bind("moved", bind())
            .bind("same", bind().budget("shared"))
            .bind("tuned", bind());
        let esme = start(before.clone(), &smsc);
        until(&esme, "bound", 4).await;
        assert_eq!(smsc.counters().connections, 4);

        let mut after = before.clone();
        after.binds.remove("gone");
        let after = after
            .budget("shared", BudgetSettings::new(500.0))
            .bind("moved", bind().system_type("other"))
            .bind("new", bind())
            .bind("tuned", bind().window(3_usize).rate(50.0));
        let applied = esme.apply(after.clone()).await.unwrap();
        assert_eq!(
            [
                names(&applied.added),
                names(&applied.removed),
                names(&applied.replaced),
                names(&applied.retuned),
                names(&applied.unchanged),
            ],
            [["new"], ["gone"], ["moved"], ["tuned"], ["same"]]
        );
        assert_eq!(applied.budgets, ["shared"]);
        assert!(applied.needs_restart.is_empty(), "{applied:?}");
        until(&esme, "bound", 4).await;
        // One for the new one, one for the one that binds anew.
        assert_eq!(smsc.counters().connections, 6);
        let status = esme.status().await;
        let windows: Vec<_> = status
            .binds
            .iter()
            .map(|bind| (bind.bind.as_str(), bind.window))
            .collect();
        assert_eq!(windows, [("moved", 10), ("new", 10), ("same", 10), ("tuned", 3)]);

        assert!(esme.apply(after).await.unwrap().is_nothing());
        assert_eq!(smsc.counters().connections, 6);
        assert!(esme.shutdown(Duration::from_secs(5)).await.is_clean());
        assert_eq!(smsc.counters().cuts, 0, "every session ended with an unbind");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn no_message_is_lost_while_settings_change_under_load() {
    local(async {
        let smsc = smsc();
        let settings = |round: u64| {
            let types = ["x", "y", "z"];
            let kind = types[usize::try_from(round).unwrap() % 3];
            Settings::default()
                .bind("steady", bind())
                .bind("moving", bind().system_type(kind))
                .bind(format!("extra-{round}"), bind())
        };
        let esme = start(settings(0), &smsc);
        let sending = {
            let esme = esme.clone();
            tokio::task::spawn_local(async move {
                let mut pending = Vec::new();
                for number in 0..3_000 {
                    pending.push(esme.reserve().await.unwrap().submit(text(number)));
                    sleep(Duration::from_millis(1)).await;
                }
                let mut results = Vec::new();
                for one in pending {
                    results.push(one.await);
                }
                results
            })
        };
        for round in 1..20 {
            sleep(Duration::from_millis(100)).await;
            esme.apply(settings(round)).await.unwrap();
        }
        let results = sending.await.unwrap();
        assert!(results.iter().all(Result::is_ok));
        assert_eq!(smsc.counters().messages, 3_000, "each once");
        esme.shutdown(Duration::from_secs(5)).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn settings_that_cannot_be_used_change_nothing() {
    local(async {
        let smsc = smsc();
        let settings = Settings::default().bind("a-1", bind());
        let esme = start(settings.clone(), &smsc);
        until(&esme, "bound", 1).await;
        let wrong = settings.clone().bind("a-1", bind().budget("none"));
        let error = esme.apply(wrong).await.unwrap_err();
        assert!(matches!(error, ApplyError::Settings(_)), "{error}");
        assert!(error.to_string().contains("none"), "{error}");
        assert!(esme.apply(settings.clone()).await.unwrap().is_nothing());
        esme.shutdown(Duration::ZERO).await;
        assert_eq!(esme.apply(settings).await, Err(ApplyError::ShuttingDown));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn messages_follow_their_route_to_its_new_binds() {
    local(async {
        let smsc = smsc();
        let down = || BindSettings::new("nowhere:1", "a", "secret").account("b");
        let settings = Settings::default()
            .bind("up", bind())
            .bind("down", down())
            .route("r", RouteSettings::new(["down"]));
        let network = bindery::smsc::MemoryNetwork::new();
        network.add("smsc", &smsc);
        let esme = Esme::start_local(settings, network.connector()).unwrap();
        until(&esme, "bound", 1).await;
        let waiting = esme.try_submit(text(1).route("r")).unwrap();
        sleep(Duration::from_secs(1)).await;
        assert_eq!(esme.status().await.waiting, 1);
        let settings = Settings::default()
            .bind("up", bind())
            .route("r", RouteSettings::new(["up"]));
        esme.apply(settings).await.unwrap();
        let submitted = timeout(Duration::from_secs(5), waiting).await.unwrap().unwrap();
        assert_eq!(submitted.bind.as_str(), "up");
        let gone = esme.submit(text(2).bind("down")).await;
        assert_eq!(gone, Err(SubmitError::NoRoute));
        esme.shutdown(Duration::ZERO).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_changes_counts_at_once() {
    local(async {
        let smsc = smsc();
        let with_rate = |rate: f64| Settings::default().bind("a-1", bind().window(100_usize).rate(rate));
        let esme = start(with_rate(1.0), &smsc);
        until(&esme, "bound", 1).await;
        let pending: Vec<_> = (0..50)
            .map(|number| esme.try_submit(text(number)).unwrap())
            .collect();
        sleep(Duration::from_secs(2)).await;
        assert!(smsc.counters().messages <= 4);
        let applied = esme.apply(with_rate(100.0)).await.unwrap();
        assert_eq!(names(&applied.retuned), ["a-1"]);
        let begin = Instant::now();
        for one in pending {
            one.await.unwrap();
        }
        assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
        assert_eq!(smsc.counters().connections, 1);
        esme.shutdown(Duration::ZERO).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_bind_is_paused_resumed_and_drained() {
    local(async {
        let smsc = smsc();
        let settings = Settings::default().bind("a-1", bind()).bind("a-2", bind());
        let esme = start(settings.clone(), &smsc);
        until(&esme, "bound", 2).await;
        esme.pause("a-1").await.unwrap();
        until(&esme, "paused", 1).await;
        for number in 0..20 {
            assert_eq!(esme.submit(text(number)).await.unwrap().bind.as_str(), "a-2");
        }
        let pinned = esme.try_submit(text(20).bind("a-1")).unwrap();
        sleep(Duration::from_secs(60)).await;
        assert_eq!(esme.status().await.waiting, 1, "it waits for its bind");
        esme.resume("a-1").await.unwrap();
        assert_eq!(pinned.await.unwrap().bind.as_str(), "a-1");

        esme.drain("a-1", Duration::from_secs(5)).await.unwrap();
        until(&esme, "stopped", 1).await;
        let unknown = |bind: &str| BindError::NoBind { bind: bind.into() };
        assert_eq!(esme.resume("a-1").await, Err(unknown("a-1")));
        assert_eq!(esme.pause("none").await, Err(unknown("none")));
        assert_eq!(esme.submit(text(21)).await.unwrap().bind.as_str(), "a-2");

        // Other settings are a new chance.
        let again = settings.bind("a-1", bind().window(5_usize));
        let applied = esme.apply(again).await.unwrap();
        assert_eq!(names(&applied.added), ["a-1"]);
        until(&esme, "bound", 2).await;
        assert!(esme.shutdown(Duration::from_secs(5)).await.is_clean());
        assert_eq!(esme.pause("a-2").await, Err(BindError::ShuttingDown));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_first_that_reaches_its_host_calls_its_siblings() {
    local(async {
        let smsc = smsc();
        smsc.stop().await;
        let mut settings = Settings::default();
        settings.router.binds_per_second = Some(50.0);
        for number in 0..100 {
            let slow = bind().backoff_initial(Duration::from_secs(100));
            let slow = slow.backoff_max(Duration::from_secs(3_600));
            settings = settings.bind(format!("a-{number}"), slow);
        }
        let esme = start(settings, &smsc);
        // Long enough for waits of many minutes.
        sleep(Duration::from_secs(1_500)).await;
        smsc.start().await.unwrap();
        let waits = |esme: Esme| async move {
            let status = esme.status().await;
            let shortest = status.binds.iter().filter_map(|bind| match bind.phase {
                Phase::Waiting { retry_in } => Some(retry_in.saturating_sub(bind.since)),
                _ => None,
            });
            shortest.min().unwrap()
        };
        let first = waits(esme.clone()).await;
        let begin = Instant::now();
        until(&esme, "bound", 100).await;
        let all = begin.elapsed();
        // All within what the governor takes for a hundred.
        assert!(all <= first + Duration::from_secs(3), "{first:?}, {all:?}");
        esme.shutdown(Duration::ZERO).await;
    })
    .await;
}

/// What the SMSC itself keeps: never more than one socket for one name, and nobody refused.
#[tokio::test(start_paused = true)]
async fn a_thousand_binds_come_back_after_a_restart_one_after_another() {
    const BINDS: usize = 1_000;
    local(async {
        let accounts = (0..BINDS).map(|number| Account {
            max_binds: Some(1),
            ..Account::new(format!("a{number}"), "secret")
        });
        let behaviour = Behaviour {
            accounts: accounts.collect(),
            delay: Duration::from_millis(5),
            ..Behaviour::default()
        };
        let smsc = Smsc::in_memory(behaviour, 1);
        let mut settings = Settings::default();
        settings.router.binds_per_second = Some(100.0);
        for number in 0..BINDS {
            let bind = BindSettings::new("smsc:2775", format!("a{number}"), "secret");
            settings = settings.bind(format!("a-{number}"), bind);
        }
        let begun = Begun::new(smsc.connector());
        let esme = Esme::start_local(settings, begun.clone()).unwrap();
        until(&esme, "bound", BINDS).await;
        for round in 0..3 {
            smsc.stop().await;
            sleep(Duration::from_secs(20 * round)).await;
            smsc.start().await.unwrap();
            until(&esme, "bound", BINDS).await;
        }
        let counters = smsc.counters();
        assert_eq!(counters.binds_refused, 0, "the old socket was closed first");
        assert_eq!(counters.links, 1_000);
        let begun = begun.times();
        for window in begun.windows(101) {
            let second = window[100].duration_since(window[0]);
            assert!(
                second >= Duration::from_secs(1),
                "more than 100 within {second:?}"
            );
        }
        assert!(esme.shutdown(Duration::from_secs(30)).await.is_clean());
    })
    .await;
}

/// Notes when connections are begun.
#[derive(Clone, Debug)]
struct Begun {
    connector: Arc<dyn Connect>,
    times: Arc<Mutex<Vec<Instant>>>,
}

impl Begun {
    fn new(connector: Arc<dyn Connect>) -> Arc<Self> {
        Arc::new(Self {
            connector,
            times: Arc::default(),
        })
    }

    fn times(&self) -> Vec<Instant> {
        self.times.lock().unwrap().clone()
    }
}

impl Connect for Begun {
    fn connect(&self, target: &Target) -> Connecting {
        self.times.lock().unwrap().push(Instant::now());
        self.connector.connect(target)
    }
}
