//! What callers were told about their messages against what the SMSCs saw of them.
//!
//! Two SMSCs that delay, cut, lose, refuse and throttle, one of which is killed and started again, and four binds;
//! each seed is one run in virtual time. Messages are told apart by a number in their text, and nothing is taken
//! from the counters of the client.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use actix::{Actor, Context, Handler};
use bindery::esme::Esme;
use bindery::events::{Event, Kinds};
use bindery::pdu::{CommandStatus, MessageState};
use bindery::settings::{BindSettings, Settings};
use bindery::smsc::{Behaviour, Faults, MemoryNetwork, SeenMessage, Shares, Smsc};
use bindery::submit::{Reference, Submit, SubmitError, SubmitResult};
use tokio::sync::mpsc;
use tokio::task::LocalSet;
use tokio::time::{sleep, timeout};

const SEEDS: std::ops::Range<u64> = 0..20;
const MESSAGES: u64 = 300;

#[tokio::test(start_paused = true)]
async fn callers_are_told_the_truth_by_smscs_that_misbehave() {
    let mut kinds = BTreeMap::new();
    for seed in SEEDS {
        let run = timeout(Duration::from_secs(7 * 86_400), run(seed));
        let run = LocalSet::new().run_until(run).await;
        for outcome in run.unwrap_or_else(|_| panic!("seed {seed}: no end")).values() {
            *kinds.entry(kind(outcome)).or_insert(0) += 1;
        }
    }
    println!("{kinds:?}");
    for kind in ["submitted", "rejected", "unknown", "partial"] {
        assert!(
            kinds.get(kind).is_some_and(|count| *count > 20),
            "too easy: {kinds:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_seed_is_one_run() {
    let run = |seed| async move { LocalSet::new().run_until(run(seed)).await };
    let first = run(77).await;
    assert_eq!(first, run(77).await);
    assert_ne!(first, run(78).await);
}

/// Everything that happens under one seed; gives what the callers were told.
async fn run(seed: u64) -> BTreeMap<u64, SubmitResult> {
    // What binds draw their delays from.
    fastrand::seed(seed);
    let network = MemoryNetwork::new();
    let smscs = ["a", "b"].map(|host| {
        let smsc = Smsc::in_memory(misbehaviour(), seed ^ u64::from(host.as_bytes()[0]));
        network.add(host, &smsc);
        smsc
    });
    let bind = |host: &str| {
        BindSettings::new(format!("{host}:2775").as_str(), "client", "secret")
            .account(host)
            .window(20)
            .response_timeout(Duration::from_secs(5))
    };
    let settings = Settings::default()
        .bind("a-1", bind("a"))
        .bind("a-2", bind("a"))
        .bind("b-1", bind("b"))
        .bind("b-2", bind("b"));
    let esme = Esme::start_local(settings, network.connector()).unwrap();
    let (sender, mut events) = mpsc::unbounded_channel();
    esme.subscribe(Collector(sender).start().recipient(), Kinds::RECEIPTS);

    let submits = (1..=MESSAGES).map(|number| {
        // Every fifth goes out in parts, and has its number in each of them.
        let text = format!("Message #{number}# ").repeat(if number % 5 == 0 { 20 } else { 1 });
        Submit::text("447700900123", text).receipt().reference(number)
    });
    let (outcomes, ()) = tokio::join!(esme.submit_batch(submits), async {
        sleep(Duration::from_millis(100)).await;
        smscs[0].stop().await;
        sleep(Duration::from_secs(2)).await;
        smscs[0].start().await.unwrap();
    });
    let outcomes: BTreeMap<u64, SubmitResult> = (1..).zip(outcomes).collect();
    // Long enough for every receipt, over whichever link there is by then.
    sleep(Duration::from_secs(3_600)).await;

    let seen = sightings(&smscs);
    for (number, outcome) in &outcomes {
        let seen = seen.get(number).map_or(&[][..], Vec::as_slice);
        if let Err(lie) = check(outcome, seen) {
            panic!("seed {seed}, message {number}: {lie}\ntold: {outcome:?}\nseen: {seen:#?}");
        }
    }
    let mut received = Vec::new();
    while let Ok(event) = events.try_recv() {
        received.push(event);
    }
    check_receipts(&outcomes, &received, &smscs, seed);

    esme.shutdown(Duration::from_secs(60)).await;
    for smsc in &smscs {
        assert_eq!(smsc.counters().links, 0, "seed {seed}: a link was left open");
    }
    outcomes
}

fn misbehaviour() -> Behaviour {
    let refused_messages = Shares::new([
        (CommandStatus::ESME_RINVDSTADR, 0.05),
        (CommandStatus::ESME_RTHROTTLED, 0.02),
        (CommandStatus::ESME_RMSGQFUL, 0.02),
    ]);
    Behaviour {
        delay: Duration::from_millis(20),
        jitter: Duration::from_millis(80),
        rate: Some(500.0),
        receipts_after: Some(Duration::from_millis(50)),
        receipts_jitter: Duration::from_secs(30),
        final_states: Shares::new([(MessageState::EXPIRED, 0.1)]),
        faults: Faults {
            cut_chance: 0.01,
            lost_responses: 0.02,
            refused_messages,
            refused_binds: Shares::new([(CommandStatus::ESME_RSYSERR, 0.1)]),
            doubled_receipts: 0.05,
            ..Faults::default()
        },
        witness: true,
        ..Behaviour::default()
    }
}

/// All that the SMSCs saw of each message, by its number.
pub(crate) fn sightings(smscs: &[Smsc]) -> BTreeMap<u64, Vec<SeenMessage>> {
    let mut sightings: BTreeMap<u64, Vec<SeenMessage>> = BTreeMap::new();
    for smsc in smscs {
        for (number, messages) in smsc.witness().by_number() {
            sightings
                .entry(number)
                .or_default()
                .extend(messages.into_iter().cloned());
        }
    }
    sightings
}

/// Compares the outcome of one message, or of one part of it, with all that was seen of it.
pub(crate) fn check(outcome: &SubmitResult, seen: &[SeenMessage]) -> Result<(), &'static str> {
    let taken: Vec<&SeenMessage> = seen
        .iter()
        .filter(|message| message.message_id.is_some())
        .collect();
    // The octets of a part have its place in them, so that equal octets are the same part.
    if taken
        .iter()
        .map(|message| &message.octets)
        .collect::<BTreeSet<_>>()
        .len()
        < taken.len()
    {
        return Err("a part was taken twice though nobody allowed that");
    }
    match outcome {
        Ok(submitted) => {
            let told: BTreeSet<String> = submitted.message_ids.iter().map(ToString::to_string).collect();
            let ids: BTreeSet<String> = taken
                .iter()
                .filter_map(|message| message.message_id.clone())
                .collect();
            (told == ids)
                .then_some(())
                .ok_or("other ids than those that were given")
        }
        Err(SubmitError::Partial { parts }) => {
            let accepted = parts
                .iter()
                .filter_map(|part| part.as_ref().ok())
                .map(|part| part.message_id());
            let unknown = parts.iter().filter(|part| kind(part) == "unknown").count();
            let mut ids: BTreeSet<String> = taken
                .iter()
                .filter_map(|message| message.message_id.clone())
                .collect();
            for id in accepted {
                if !ids.remove(&id.to_string()) {
                    return Err("a part is called accepted that was not");
                }
            }
            (ids.len() <= unknown)
                .then_some(())
                .ok_or("more parts were taken than may have been")
        }
        Err(SubmitError::Rejected { status, .. }) => {
            let said = seen.iter().any(|message| message.status == *status);
            (taken.is_empty() && said)
                .then_some(())
                .ok_or("nobody rejected it so")
        }
        Err(SubmitError::Unknown { .. }) => Ok(()),
        Err(_) => seen
            .is_empty()
            .then_some(())
            .ok_or("it was seen though it was not sent"),
    }
}

fn check_receipts(
    outcomes: &BTreeMap<u64, SubmitResult>,
    received: &[(Option<Reference>, bool)],
    smscs: &[Smsc],
    seed: u64,
) {
    for smsc in smscs {
        let counters = smsc.counters();
        assert_eq!(
            counters.receipts_delivered, counters.receipts_owed,
            "seed {seed}: {counters:?}"
        );
        assert_eq!(counters.deliveries_pending, 0, "seed {seed}: {counters:?}");
    }
    for (number, outcome) in outcomes {
        let reference = Some(Reference::Number(*number));
        let results = received
            .iter()
            .filter(|(of, result)| *of == reference && *result)
            .count();
        let expected = usize::from(outcome.is_ok());
        assert!(
            results == expected || kind(outcome) == "partial",
            "seed {seed}, message {number}: {results} final results for {outcome:?}"
        );
    }
}

pub(crate) fn kind(outcome: &SubmitResult) -> &'static str {
    match outcome {
        Ok(_) => "submitted",
        Err(SubmitError::Rejected { .. }) => "rejected",
        Err(SubmitError::Unknown { .. }) => "unknown",
        Err(SubmitError::Partial { .. }) => "partial",
        Err(SubmitError::NotSent { .. }) => "not sent",
        Err(_) => "other",
    }
}

/// Collects receipts: whose they are, and whether they made the result of the message.
struct Collector(mpsc::UnboundedSender<(Option<Reference>, bool)>);

impl Actor for Collector {
    type Context = Context<Self>;
}

impl Handler<Event> for Collector {
    type Result = ();

    fn handle(&mut self, event: Event, _: &mut Self::Context) {
        let Event::Receipt(receipt) = event else { return };
        let message = receipt.message.as_ref();
        let is_result = message.is_some_and(|message| message.result.is_some());
        // The run may be over.
        let _ = self
            .0
            .send((message.map(|message| message.reference.clone()), is_result));
    }
}
