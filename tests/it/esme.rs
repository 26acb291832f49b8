//! The whole stack: `Esme`, router and binds against the embedded SMSC.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Context, Handler};
use bindery::esme::Esme;
use bindery::events::{Alarm, AlarmEvent, Answer, Delivery, Duty, Event, Kinds, Phase, Policy};
use bindery::link::{Connect, ConnectError, Connecting, Target};
use bindery::pdu::{CommandStatus, DeliverSm};
use bindery::settings::{BindSettings, Settings, SmscSettings};
use bindery::smsc::{Behaviour, Faults, MemoryNetwork, Smsc};
use bindery::submit::{NotSentCause, Reference, Submit, SubmitError, SubmitResult};
use tokio::task::LocalSet;
use tokio::time::{sleep, timeout};

use crate::watcher::Watcher;

/// Takes every message that does not say otherwise.
struct Clerk;

impl Actor for Clerk {
    type Context = Context<Self>;
}

impl Handler<Delivery> for Clerk {
    type Result = Answer;

    fn handle(&mut self, delivery: Delivery, _: &mut Context<Self>) -> Answer {
        match delivery.text().as_deref() {
            Some("panic") => panic!("as the test said"),
            Some("refuse") => Answer::refused(),
            _ => Answer::ok(),
        }
    }
}

async fn local(test: impl Future<Output = ()>) {
    LocalSet::new().run_until(test).await;
}

fn bind() -> BindSettings {
    BindSettings::new("smsc:2775", "a", "secret").account("a")
}

fn two_binds() -> Settings {
    Settings::default().bind("a-1", bind()).bind("a-2", bind())
}

fn text(number: u64) -> Submit {
    Submit::text("447700900123", format!("Message #{number}#")).reference(number)
}

fn witnessing() -> Behaviour {
    Behaviour {
        witness: true,
        delay: Duration::from_millis(20),
        ..Behaviour::default()
    }
}

/// The outcomes of so many messages that are submitted at once.
async fn submit_all(esme: &Esme, numbers: std::ops::Range<u64>) -> BTreeMap<u64, SubmitResult> {
    let tasks: Vec<_> = numbers
        .map(|number| {
            let esme = esme.clone();
            (
                number,
                tokio::task::spawn_local(async move { esme.submit(text(number)).await }),
            )
        })
        .collect();
    let mut outcomes = BTreeMap::new();
    for (number, task) in tasks {
        let outcome = timeout(Duration::from_secs(3_600), task).await;
        outcomes.insert(number, outcome.expect("no outcome").unwrap());
    }
    outcomes
}

#[tokio::test(start_paused = true)]
async fn a_message_is_accepted_and_its_receipt_finds_it() {
    local(async {
        let smsc = Smsc::in_memory(witnessing(), 1);
        let esme = Esme::start_local(two_binds(), smsc.connector()).unwrap();
        let watcher = Watcher::of(&esme, Kinds::RECEIPTS);
        let submitted = esme.submit(text(7).receipt()).await.unwrap();
        assert_eq!(submitted.message_ids.len(), 1);
        assert!(submitted.after >= Duration::from_millis(20));

        let long = esme
            .submit(Submit::text("447700900123", "x".repeat(400)).receipt())
            .await
            .unwrap();
        assert_eq!(long.message_ids.len(), 3);

        sleep(Duration::from_secs(1)).await;
        let seen = watcher.seen();
        assert_eq!(seen.len(), 4);
        let Event::Receipt(receipt) = &seen[0] else {
            panic!("{seen:?}")
        };
        let message = receipt.message.as_ref().unwrap();
        assert_eq!(message.reference, Reference::Number(7));
        assert!(message.result.is_some());
        let results = seen.iter().filter(|event| match event {
            Event::Receipt(receipt) => receipt
                .message
                .as_ref()
                .is_some_and(|message| message.result.is_some()),
            _ => false,
        });
        assert_eq!(results.count(), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn messages_spread_over_binds_and_each_is_sent_once() {
    local(async {
        let smsc = Smsc::in_memory(witnessing(), 1);
        let esme = Esme::start_local(two_binds(), smsc.connector()).unwrap();
        let outcomes = submit_all(&esme, 0..500).await;
        let mut binds = BTreeMap::new();
        for outcome in outcomes.values() {
            *binds
                .entry(outcome.as_ref().unwrap().bind.to_string())
                .or_insert(0) += 1;
        }
        assert_eq!(binds, BTreeMap::from([("a-1".into(), 250), ("a-2".into(), 250)]));
        assert!(
            smsc.witness()
                .by_number()
                .values()
                .all(|sightings| sightings.len() == 1)
        );
        let status = esme.status().await;
        assert_eq!((status.totals.submitted, status.waiting), (500, 0));
        assert_eq!(status.permits_free, status.permits);
        assert!(
            status
                .binds
                .iter()
                .all(|bind| bind.phase == Phase::Bound && bind.in_flight_max == 10)
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn room_is_waited_for_and_try_submit_does_not_wait() {
    local(async {
        let smsc = Smsc::in_memory(witnessing(), 1);
        let mut settings = two_binds();
        settings.router.queue_capacity = 5;
        let esme = Esme::start_local(settings, smsc.connector()).unwrap();
        let pending: Vec<_> = (0..5)
            .map(|number| esme.try_submit(text(number)).unwrap())
            .collect();
        assert_eq!(esme.try_submit(text(5)).err(), Some(SubmitError::Busy));
        assert!(esme.try_reserve().is_err());
        let sixth = esme.submit(text(6)).await;
        assert!(sixth.is_ok());
        for pending in pending {
            assert!(pending.await.is_ok());
        }
        drop(esme.reserve().await.unwrap());
        let results = esme.submit_batch((7..20).map(text)).await;
        assert_eq!(results.len(), 13);
        assert!(results.iter().all(Result::is_ok));
        assert_eq!(esme.status().await.permits_free, 5);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_posted_goes_on_without_anybody_and_a_pending_that_is_dropped_at_once_takes_it_back() {
    local(async {
        let smsc = Smsc::in_memory(witnessing(), 1);
        let mut settings = two_binds();
        settings.router.queue_capacity = 3;
        let esme = Esme::start_local(settings, smsc.connector()).unwrap();
        let mut events = esme.events(Kinds::OUTCOMES, Policy::default());
        esme.post(text(1)).await.unwrap();
        esme.try_post(text(2)).unwrap();
        // Nobody has seen it yet.
        drop(esme.try_submit(text(3)).unwrap());
        assert_eq!(esme.try_post(text(4)), Err(SubmitError::Busy));
        // One that cannot be written has an outcome too.
        let nobody = Submit::text("1".repeat(30).as_str(), "Message #5#").reference(5_u64);
        esme.post(nobody).await.unwrap();
        let mut outcomes = BTreeMap::new();
        while outcomes.len() < 3 {
            let next = timeout(Duration::from_secs(60), events.next()).await;
            let Ok(Some(Event::Outcome(outcome))) = next else {
                panic!("no outcome: {next:?}, {outcomes:?}")
            };
            assert!(!outcome.awaited);
            let Reference::Number(number) = outcome.reference else {
                panic!("no number")
            };
            outcomes.insert(number, outcome.result.is_ok());
        }
        assert_eq!(outcomes, BTreeMap::from([(1, true), (2, true), (5, false)]));
        let status = esme.status().await;
        assert_eq!((status.permits_free, status.totals.taken), (3, 3));
        let seen: Vec<u64> = smsc.witness().by_number().into_keys().collect();
        assert_eq!(seen, [1, 2]);
        esme.shutdown(Duration::ZERO).await;
        assert_eq!(esme.try_post(text(6)), Err(SubmitError::ShuttingDown));
        assert_eq!(esme.post(text(7)).await, Err(SubmitError::ShuttingDown));
        assert!(events.next().await.is_none());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn when_an_smsc_goes_its_messages_leave_by_another_and_it_is_used_again_when_it_is_back() {
    local(async {
        let network = MemoryNetwork::new();
        let smscs = ["one", "two"].map(|host| {
            let smsc = Smsc::in_memory(witnessing(), 1);
            network.add(host, &smsc);
            smsc
        });
        let settings = Settings::default()
            .bind("a-1", BindSettings::new("one:2775", "a", "secret"))
            .bind("a-2", BindSettings::new("two:2775", "a", "secret"));
        let esme = Esme::start_local(settings, network.connector()).unwrap();
        sleep(Duration::from_secs(1)).await;
        let submitter = {
            let esme = esme.clone();
            tokio::task::spawn_local(async move { submit_all(&esme, 0..1_000).await })
        };
        sleep(Duration::from_millis(100)).await;
        smscs[0].stop().await;
        let outcomes = submitter.await.unwrap();

        let unknown = outcomes.values().filter(|outcome| outcome.is_err()).count();
        assert!((1..=10).contains(&unknown), "{unknown}");
        let seen = smscs.each_ref().map(|smsc| smsc.witness());
        for (number, outcome) in &outcomes {
            let sightings: usize = seen
                .iter()
                .map(|witness| witness.by_number().get(number).map_or(0, Vec::len))
                .sum();
            match outcome {
                Ok(_) => assert_eq!(sightings, 1),
                Err(SubmitError::Unknown { .. }) => assert!(sightings <= 1),
                Err(other) => panic!("{number}: {other}"),
            }
        }
        smscs[0].start().await.unwrap();
        sleep(Duration::from_secs(60)).await;
        let before = smscs[0].counters().messages;
        assert!(submit_all(&esme, 1_000..1_100).await.values().all(Result::is_ok));
        assert_eq!(smscs[0].counters().messages - before, 50);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_a_bind_messages_wait_and_leave_when_one_is_there() {
    local(async {
        let smsc = Smsc::in_memory(witnessing(), 1);
        smsc.stop().await;
        let esme = Esme::start_local(two_binds(), smsc.connector()).unwrap();
        let hurried = esme.try_submit(text(0).validity(Duration::from_secs(5))).unwrap();
        let patient = esme.try_submit(text(1)).unwrap();
        assert_eq!(hurried.await, Err(SubmitError::Expired));
        smsc.start().await.unwrap();
        assert!(timeout(Duration::from_secs(200), patient).await.unwrap().is_ok());
        assert_eq!(smsc.counters().messages, 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_decides_what_messages_are_answered_with() {
    local(async {
        let smsc = Smsc::in_memory(witnessing(), 1);
        let esme = Esme::start_local(Settings::default().bind("a-1", bind()), smsc.connector()).unwrap();
        let watcher = Watcher::of(&esme, Kinds::ALARMS);
        sleep(Duration::from_secs(1)).await;
        let deliver = |text: &str| {
            assert!(smsc.deliver(
                "a",
                DeliverSm {
                    short_message: text.into(),
                    ..DeliverSm::default()
                }
            ));
            sleep(Duration::from_millis(100))
        };
        deliver("nobody takes it").await;
        assert!(matches!(
            watcher.seen()[..],
            [Event::Alarm(AlarmEvent {
                alarm: Alarm::Unhandled { .. },
                ..
            })]
        ));

        let handler = Clerk.start();
        esme.answer_deliveries(handler.recipient(), Duty::all()).unwrap();
        sleep(Duration::from_secs(60)).await;
        let taken = smsc.counters().mobile_originated_delivered;
        assert_eq!(taken, 1, "the SMSC sends it again");
        deliver("hello").await;
        assert_eq!(smsc.counters().mobile_originated_delivered, 2);
        deliver("refuse").await;
        assert_eq!(
            (
                smsc.counters().mobile_originated_delivered,
                smsc.counters().deliveries_dropped
            ),
            (2, 1)
        );

        // A handler that panics is no answer, and no end of the link.
        deliver("panic").await;
        sleep(Duration::from_secs(5)).await;
        assert_eq!(smsc.counters().mobile_originated_delivered, 2);
        assert_eq!((smsc.counters().links, smsc.counters().connections), (1, 1));
        assert!(watcher.seen().iter().any(|event| matches!(
            event,
            Event::Alarm(AlarmEvent {
                alarm: Alarm::AnswererGone { .. },
                ..
            })
        )));
        esme.answer_deliveries(Clerk.start().recipient(), Duty::all())
            .unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn shutting_down_waits_for_answers_unbinds_and_tells_everything() {
    local(async {
        let smsc = Smsc::in_memory(
            Behaviour {
                delay: Duration::from_secs(2),
                ..Behaviour::default()
            },
            1,
        );
        let esme = Esme::start_local(two_binds(), smsc.connector()).unwrap();
        sleep(Duration::from_secs(1)).await;
        let pending: Vec<_> = (0..100)
            .map(|number| esme.try_submit(text(number)).unwrap())
            .collect();
        sleep(Duration::from_secs(1)).await;
        let report = esme.shutdown(Duration::from_secs(10)).await;
        assert!(report.is_clean(), "{report:?}");
        assert_eq!((report.during.submitted, report.during.shutting_down), (20, 80));
        let mut ends = [0, 0];
        for pending in pending {
            match pending.await {
                Ok(_) => ends[0] += 1,
                Err(SubmitError::ShuttingDown) => ends[1] += 1,
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(ends, [20, 80]);
        assert_eq!((smsc.counters().links, smsc.counters().cuts), (0, 0));
        assert_eq!(esme.submit(text(0)).await, Err(SubmitError::ShuttingDown));
        assert!(esme.status().await.shutting_down);
        assert!(esme.shutdown(Duration::ZERO).await.router_was_gone);
        esme.closed().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn at_the_end_of_the_grace_what_is_in_flight_is_unknown() {
    local(async {
        let smsc = Smsc::in_memory(
            Behaviour {
                delay: Duration::from_secs(600),
                ..Behaviour::default()
            },
            1,
        );
        let esme = Esme::start_local(two_binds(), smsc.connector()).unwrap();
        sleep(Duration::from_secs(1)).await;
        let pending = esme.try_submit(text(0)).unwrap();
        sleep(Duration::from_secs(1)).await;
        let report = esme.shutdown(Duration::from_secs(3)).await;
        assert!((3..8).contains(&report.elapsed.as_secs()), "{report:?}");
        assert!(!report.is_clean());
        assert!(matches!(pending.await, Err(SubmitError::Unknown { .. })));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_last_handle_takes_the_binds_with_it() {
    local(async {
        let smsc = Smsc::in_memory(witnessing(), 1);
        let esme = Esme::start_local(two_binds(), smsc.connector()).unwrap();
        let clone = esme.clone();
        sleep(Duration::from_secs(1)).await;
        drop(esme);
        sleep(Duration::from_secs(60)).await;
        assert_eq!(smsc.counters().links, 2);
        let pending = clone.try_submit(text(0)).unwrap();
        sleep(Duration::from_millis(1)).await;
        drop(clone);
        assert!(pending.await.is_ok());
        sleep(Duration::from_secs(60)).await;
        assert_eq!((smsc.counters().links, smsc.counters().cuts), (0, 0));
    })
    .await;
}

/// Panics wherever a bind of this host connects.
#[derive(Debug)]
struct Trap(Arc<dyn Connect>);

impl Connect for Trap {
    fn connect(&self, target: &Target) -> Connecting {
        assert!(target.host != "trap", "as the test said");
        if target.host == "nowhere" {
            return Box::pin(async { Err(ConnectError::Failed(std::io::ErrorKind::ConnectionRefused)) });
        }
        self.0.connect(target)
    }
}

#[tokio::test(start_paused = true)]
async fn a_bind_that_panics_again_and_again_stays_down_and_the_others_go_on() {
    local(async {
        let smsc = Smsc::in_memory(witnessing(), 1);
        let settings = two_binds().bind("b-1", BindSettings::new("trap:2775", "b", "secret"));
        let esme = Esme::start_local(settings, Arc::new(Trap(smsc.connector()))).unwrap();
        let watcher = Watcher::of(&esme, Kinds::ALARMS);
        let pinned = esme.submit(text(0).bind("b-1"));
        let pinned = timeout(Duration::from_secs(600), pinned).await.unwrap();
        let cause = NotSentCause::Stopped;
        assert_eq!(pinned, Err(SubmitError::NotSent { cause }));
        let alarms = watcher.seen();
        let restarted = alarms.iter().filter(|alarm| {
            matches!(
                alarm,
                Event::Alarm(AlarmEvent {
                    alarm: Alarm::Restarted { .. },
                    ..
                })
            )
        });
        assert_eq!(restarted.count(), 5);
        assert!(matches!(
            alarms.last(),
            Some(Event::Alarm(AlarmEvent {
                alarm: Alarm::GaveUp { .. },
                ..
            }))
        ));
        assert!(submit_all(&esme, 1..50).await.values().all(Result::is_ok));
        assert_eq!(esme.status().await.binds[2].phase, Phase::Stopped);
        assert_eq!(smsc.counters().connections, 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn every_message_has_one_outcome_whatever_the_smscs_do() {
    for seed in 0..10 {
        LocalSet::new().run_until(an_account_of_every_message(seed)).await;
    }
}

async fn an_account_of_every_message(seed: u64) {
    const COUNT: u64 = 400;
    let network = MemoryNetwork::new();
    let smscs = ["one", "two"].map(|host| {
        let behaviour = Behaviour {
            jitter: Duration::from_millis(50),
            rate: Some(400.0),
            receipts_after: Some(Duration::from_secs(2)),
            faults: Faults {
                cut_chance: 0.01,
                lost_responses: 0.01,
                ..Faults::default()
            },
            ..witnessing()
        };
        let smsc = Smsc::in_memory(behaviour, seed);
        network.add(host, &smsc);
        smsc
    });
    let bind = |host: &str| BindSettings::new(host, host, "secret").window(20_usize);
    let settings = Settings::default()
        .bind("a-1", bind("one:2775"))
        .bind("a-2", bind("one:2775"))
        .bind("b-1", bind("two:2775"));
    let esme = Esme::start_local(settings, network.connector()).unwrap();
    let watcher = Watcher::of(&esme, Kinds::OUTCOMES);
    let outcomes = submit_all(&esme, 0..COUNT).await;

    let witnesses = smscs.each_ref().map(|smsc| smsc.witness());
    let seen = witnesses.each_ref().map(|witness| witness.by_number());
    for (number, outcome) in &outcomes {
        let sightings = seen
            .iter()
            .flat_map(|seen| seen.get(number).into_iter().flatten());
        let taken = sightings.filter(|message| message.message_id.is_some()).count();
        let told = format!("seed {seed}, message {number}: {outcome:?}, taken {taken} times");
        match outcome {
            Ok(_) => assert_eq!(taken, 1, "{told}"),
            Err(SubmitError::Unknown { .. }) => assert!(taken <= 1, "{told}"),
            Err(_) => panic!("{told}"),
        }
    }
    let status = esme.status().await;
    assert_eq!(status.totals.taken, COUNT, "seed {seed}");
    assert_eq!((status.totals.under_way(), status.waiting), (0, 0), "seed {seed}");
    assert_eq!(status.permits_free, status.permits, "seed {seed}");
    assert_eq!(watcher.seen().len() as u64, COUNT, "seed {seed}");
    let report = esme.shutdown(Duration::from_secs(60)).await;
    assert_eq!(report.totals.under_way(), 0, "seed {seed}: {report:?}");
}

#[tokio::test(start_paused = true)]
async fn a_rejected_message_says_what_the_smsc_said() {
    local(async {
        let behaviour = Behaviour {
            faults: Faults {
                refused_messages: bindery::smsc::Shares::new([(CommandStatus::ESME_RINVDSTADR, 1.0)]),
                ..Faults::default()
            },
            ..witnessing()
        };
        let smsc = Smsc::in_memory(behaviour, 1);
        let esme = Esme::start_local(two_binds(), smsc.connector()).unwrap();
        let outcome = esme.submit(text(0)).await;
        let status = CommandStatus::ESME_RINVDSTADR;
        assert!(matches!(outcome, Err(SubmitError::Rejected { status: seen, .. }) if seen == status));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn settings_that_cannot_be_used_start_nothing() {
    local(async {
        let smsc = Smsc::in_memory(Behaviour::default(), 1);
        let start = |settings| {
            Esme::start_local(settings, smsc.connector())
                .err()
                .map(|error| error.to_string())
        };
        assert_eq!(start(two_binds()), None);
        let wrong = start(two_binds().bind("a-3", bind().budget("none"))).unwrap();
        assert!(wrong.contains("binds.a-3.budget"), "{wrong}");
        let mut settings = Settings::default().bind("a-1", bind());
        settings.smsc.insert("one".into(), SmscSettings::default());
        if let Some(bind) = settings.bind_mut("a-1") {
            bind.hosts.clear();
            bind.smsc = Some("one".into());
        }
        assert_eq!(start(settings).unwrap(), "a-1: its embedded SMSC is not started");
    })
    .await;
}
