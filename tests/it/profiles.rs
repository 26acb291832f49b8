//! The SMSCs of `config/profiles` as they stand: what callers are told of their messages against what each SMSC saw.
//!
//! Four binds, 400 messages in ten rushes, in virtual time. What was seen is taken from decoded octets; messages are told
//! apart by a number in their text. Each profile must also have done what it is for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bindery::esme::Esme;
use bindery::events::Phase;
use bindery::events::{Event, Kinds, OutcomeEvent};
use bindery::settings::{BindSettings, MessageIdSettings, Settings};
use bindery::sm::IdBase;
use bindery::smsc::{Behaviour, Counters, Fate, MemoryNetwork, Seen, SeenMessage, Smsc, Witness};
use bindery::submit::{Reference, Submit, SubmitError, SubmitResult};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{sleep, timeout};

use crate::watcher::Watcher;

const MESSAGES: u64 = 400;
const RUSH: u64 = 40;
const BINDS: usize = 4;

/// A message that may be sent again goes out three times at most.
const MOST_SENDS: usize = 3;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/profiles")
}

/// The one SMSC of a profile, whose text may be changed before.
fn behaviour(name: &str, change: impl FnOnce(String) -> String) -> (Behaviour, u64) {
    let text = fs::read_to_string(folder().join(format!("{name}.toml"))).unwrap();
    let mut settings = Settings::from_str(&change(text), name).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(settings.warnings(), [""; 0]);
    let (key, smsc) = settings.smsc.pop_first().unwrap();
    assert!(key == name && settings.smsc.is_empty() && settings.binds.is_empty());
    let behaviour = Behaviour {
        witness: true,
        ..Behaviour::from(&smsc)
    };
    (behaviour, smsc.seed)
}

/// A run that is over.
struct Report {
    outcomes: BTreeMap<u64, SubmitResult>,
    events: Vec<Event>,
    witness: Witness,
    counters: Counters,
}

impl Report {
    /// How many messages ended so.
    fn count(&self, is_it: fn(&SubmitResult) -> bool) -> usize {
        self.outcomes.values().filter(|outcome| is_it(outcome)).count()
    }

    fn submitted(&self) -> usize {
        self.count(SubmitResult::is_ok)
    }

    /// Binds that were let in.
    fn binds(&self) -> usize {
        let sightings = self.witness.sightings.iter();
        let binds = sightings
            .filter(|sighting| matches!(&sighting.what, Seen::Bind { status, .. } if status.is_ok()));
        binds.count()
    }
}

fn settings() -> Settings {
    let bind = BindSettings::new("smsc:2775", "client", "secret")
        .account("acme")
        .window(10_usize)
        .response_timeout(Duration::from_secs(10))
        .enquire_link_interval(Duration::from_secs(10));
    (1..=BINDS).fold(Settings::default(), |settings, number| {
        settings.bind(format!("acme-{number}").as_str(), bind.clone())
    })
}

/// May be sent again.
fn is_at_least_once(number: u64) -> bool {
    number.is_multiple_of(4)
}

fn submit(number: u64) -> Submit {
    // Every fifth goes out in parts, and has its number in each of them.
    let text = format!("Message #{number}# ").repeat(if number.is_multiple_of(5) { 20 } else { 1 });
    let submit = Submit::text("447700900123", text)
        .receipt()
        .reference(number)
        .validity(Duration::from_secs(1_800));
    if is_at_least_once(number) {
        submit.at_least_once()
    } else {
        submit
    }
}

/// Runs everything against an SMSC, and checks what every profile must keep.
async fn run(behaviour: Behaviour, seed: u64, settings: Settings) -> Report {
    let run = LocalSet::new().run_until(life(behaviour, seed, settings)).await;
    let witness = run.witness.by_number();
    for (number, outcome) in &run.outcomes {
        let seen = witness.get(number).map_or(&[][..], Vec::as_slice);
        if let Err(lie) = check(*number, outcome, seen) {
            panic!("message {number}: {lie}\ntold: {outcome:?}\nseen: {seen:#?}");
        }
    }
    check_events(&run);
    println!(
        "{} submitted, {} binds, {:?}",
        run.submitted(),
        run.binds(),
        run.counters
    );
    run
}

async fn life(behaviour: Behaviour, seed: u64, settings: Settings) -> Report {
    // What binds draw their delays from.
    fastrand::seed(seed);
    let network = MemoryNetwork::new();
    let smsc = Smsc::in_memory(behaviour, seed);
    network.add("smsc", &smsc);
    let esme = Esme::start_local(settings, network.connector()).unwrap();
    let watcher = Watcher::of(&esme, Kinds::OUTCOMES | Kinds::RECEIPTS);
    let callers = (1..=MESSAGES).map(|number| {
        let esme = esme.clone();
        spawn_local(async move {
            sleep(Duration::from_secs((number - 1) / RUSH * 12)).await;
            (number, esme.submit(submit(number)).await)
        })
    });
    let callers: Vec<_> = callers.collect();
    let mut outcomes = BTreeMap::new();
    for caller in callers {
        let (number, outcome) = timeout(Duration::from_secs(86_400), caller)
            .await
            .unwrap()
            .unwrap();
        outcomes.insert(number, outcome);
    }
    // Long enough for every receipt, over whichever link there is by then.
    sleep(Duration::from_secs(7_200)).await;

    let mut patience = 600;
    loop {
        let status = esme.status().await;
        let is_at_rest = status
            .binds
            .iter()
            .all(|bind| bind.in_flight == 0 && bind.waiting == 0);
        assert!(
            is_at_rest && status.waiting == 0,
            "something is left: {status:#?}"
        );
        assert_eq!(status.permits_free, status.permits);
        if status.binds.iter().all(|bind| bind.phase == Phase::Bound) {
            break;
        }
        patience -= 1;
        assert!(patience > 0, "the links do not come back: {status:#?}");
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(esme.totals().under_way(), 0);
    esme.shutdown(Duration::from_secs(60)).await;
    sleep(Duration::from_secs(120)).await;
    let counters = smsc.counters();
    assert_eq!(counters.links, 0, "a link was left open");
    Report {
        outcomes,
        events: watcher.seen(),
        witness: smsc.witness(),
        counters,
    }
}

/// Holds the outcome of a message against all that was seen of it.
fn check(number: u64, outcome: &SubmitResult, seen: &[&SeenMessage]) -> Result<(), &'static str> {
    let is_refused = |message: &SeenMessage| message.message_id.is_none() && message.fate == Fate::Answered;
    // The octets of a part have its place in them, so that equal octets are the same part.
    let mut sends: BTreeMap<&[u8], usize> = BTreeMap::new();
    for message in seen.iter().filter(|message| !is_refused(message)) {
        *sends.entry(&message.octets).or_default() += 1;
    }
    let most = if is_at_least_once(number) { MOST_SENDS } else { 1 };
    if sends.values().any(|count| *count > most) {
        return Err("sent again though nobody allowed that");
    }
    let ids: BTreeSet<&str> = seen
        .iter()
        .filter_map(|message| message.message_id.as_deref())
        .collect();
    let has_ids = |result: &SubmitResult| match result {
        Ok(submitted) => submitted
            .message_ids
            .iter()
            .all(|id| ids.contains(id.to_string().as_str())),
        Err(_) => true,
    };
    match outcome {
        Ok(submitted) => {
            let is_all = submitted.message_ids.len() == sends.len();
            (is_all && has_ids(outcome))
                .then_some(())
                .ok_or("called accepted, and it was not seen so")
        }
        Err(SubmitError::Partial { parts }) => parts
            .iter()
            .all(has_ids)
            .then_some(())
            .ok_or("a part is called accepted that was not"),
        Err(SubmitError::Rejected { status, .. }) => {
            let is_true = seen.last().is_some_and(|message| message.status == *status);
            (is_true && seen.iter().all(|message| is_refused(message)))
                .then_some(())
                .ok_or("nobody rejected it so")
        }
        Err(SubmitError::Unknown { .. }) => Ok(()),
        Err(_) => seen
            .iter()
            .all(|message| is_refused(message))
            .then_some(())
            .ok_or("called not sent, and yet it may have been taken"),
    }
}

/// One event tells each outcome, and of each accepted message its receipts tell one result.
fn check_events(run: &Report) {
    let mut told: BTreeMap<u64, Vec<&OutcomeEvent>> = BTreeMap::new();
    let mut results: BTreeMap<u64, usize> = BTreeMap::new();
    for event in &run.events {
        match event {
            Event::Outcome(outcome) => {
                let Reference::Number(number) = outcome.reference else {
                    panic!("an outcome of nobody's message: {outcome:?}");
                };
                told.entry(number).or_default().push(outcome);
            }
            Event::Receipt(receipt) => {
                let Some(message) = &receipt.message else { continue };
                let Reference::Number(number) = message.reference else {
                    panic!("a receipt of nobody's message: {receipt:?}");
                };
                *results.entry(number).or_default() += usize::from(message.result.is_some());
            }
            _ => {}
        }
    }
    let sends_receipts = run.counters.receipts_owed > 0;
    for (number, outcome) in &run.outcomes {
        let told = told.get(number).map_or(&[][..], Vec::as_slice);
        assert!(
            matches!(told, [event] if event.result == *outcome),
            "{number}: {outcome:?}, and as events {told:?}"
        );
        let results = results.get(number).copied().unwrap_or_default();
        if outcome.is_ok() && sends_receipts && !is_at_least_once(*number) {
            assert_eq!(results, 1, "final results of {number}");
        }
        assert!(results <= 1, "{results} final results of {number}");
    }
    assert_eq!(
        (run.counters.receipts_delivered, run.counters.deliveries_pending),
        (run.counters.receipts_owed, 0),
        "every receipt was taken"
    );
}

/// Each of these happened.
fn happened(counts: &[(&str, u64)]) {
    for (what, count) in counts {
        assert!(*count > 0, "{what} never happened: {counts:?}");
    }
}

#[test]
fn every_profile_is_short_says_what_it_is_and_has_a_test() {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with("# An SMSC ") && text.lines().count() < 60,
            "{}",
            path.display()
        );
        names.insert(path.file_stem().unwrap().to_str().unwrap().to_owned());
    }
    let known = ["dead", "flaky", "healthy", "hostile", "slow", "throttling"];
    assert_eq!(names, known.map(String::from).into());
}

#[tokio::test(start_paused = true)]
async fn a_healthy_smsc_takes_everything_over_links_that_last() {
    let (behaviour, seed) = behaviour("healthy", |text| text);
    let run = run(behaviour, seed, settings()).await;
    assert_eq!(run.submitted() as u64, MESSAGES);
    assert_eq!((run.binds(), run.counters.cuts), (BINDS, 0));
    assert_eq!(run.counters.faults, Counters::default().faults);
    assert!(run.counters.messages > MESSAGES && run.counters.receipts_owed == run.counters.messages);
}

#[tokio::test(start_paused = true)]
async fn a_slow_smsc_costs_no_link_and_what_is_late_counts_as_unknown() {
    let (behaviour, seed) = behaviour("slow", |text| text);
    let run = run(behaviour, seed, settings()).await;
    let Counters { faults, cuts, .. } = run.counters;
    happened(&[
        ("late", faults.responses_late),
        ("overtaken", faults.responses_overtaken),
        ("read slowly", faults.links_slow),
    ]);
    assert_eq!((run.binds(), cuts), (BINDS, 0));
    let unknown = run.count(|outcome| matches!(outcome, Err(SubmitError::Unknown { .. })));
    assert!(unknown > 0 && run.submitted() > 300, "{unknown} unknown");
}

#[tokio::test(start_paused = true)]
async fn a_flaky_smsc_is_come_back_to() {
    let (behaviour, seed) = behaviour("flaky", |text| text);
    let run = run(behaviour, seed, settings()).await;
    let Counters {
        faults,
        cuts,
        responses_lost,
        binds_refused,
        ..
    } = run.counters;
    happened(&[
        ("cut", cuts),
        ("unbound", faults.links_unbound),
        ("lost", responses_lost),
        ("half open", faults.links_silent),
        ("restart", faults.restarts),
        ("refused", binds_refused),
        ("silent bind", faults.binds_silent),
        ("doubled", faults.receipts_doubled),
    ]);
    assert!(run.binds() > 3 * BINDS, "{} binds", run.binds());
    assert!(run.submitted() > 250, "{} submitted", run.submitted());
}

#[tokio::test(start_paused = true)]
async fn a_throttling_smsc_is_obeyed() {
    let (behaviour, seed) = behaviour("throttling", |text| text);
    let run = run(behaviour, seed, settings()).await;
    let Counters {
        throttled,
        refused,
        messages,
        cuts,
        ..
    } = run.counters;
    happened(&[("throttled", throttled), ("queue full", refused)]);
    assert_eq!((run.binds(), cuts), (BINDS, 0));
    // Who goes on as before meets more refusals than answers.
    assert!(throttled < messages, "{throttled} of {messages}");
    assert!(run.submitted() > 380, "{} submitted", run.submitted());
}

#[tokio::test(start_paused = true)]
async fn a_hostile_smsc_is_understood() {
    let (behaviour, seed) = behaviour("hostile", |text| text);
    let ids = MessageIdSettings::default()
        .response(IdBase::Hex)
        .receipt(IdBase::Decimal);
    let mut settings = settings();
    for bind in settings.binds.values_mut().map(Arc::make_mut) {
        bind.message_ids = ids.clone();
    }
    let run = run(behaviour, seed, settings).await;
    let faults = run.counters.faults;
    happened(&[
        ("late", faults.responses_late),
        ("doubled", faults.responses_doubled),
        ("overtaken", faults.responses_overtaken),
        ("odd response", faults.responses_odd),
        ("odd receipt", faults.receipts_odd),
        ("nonsense", faults.nonsense),
        ("early receipt", faults.receipts_early),
        ("doubled receipt", faults.receipts_doubled),
        ("orphaned receipt", faults.receipts_orphaned),
        ("octet by octet", faults.links_split),
        ("together", faults.links_joined),
    ]);
    assert!(run.binds() > BINDS, "some nonsense ends the session");
    assert!(run.submitted() > 300, "{} submitted", run.submitted());
}

#[tokio::test(start_paused = true)]
async fn a_dead_smsc_gets_little_and_nobody_waits_for_ever() {
    let (behaviour, seed) = behaviour("dead", |text| text);
    let run = run(behaviour, seed, settings()).await;
    happened(&[("lost", run.counters.responses_lost)]);
    assert_eq!((run.submitted(), run.counters.faults.links_silent), (0, 0));
    let expired = run.count(|outcome| matches!(outcome, Err(SubmitError::Expired)));
    let unknown = run.count(|outcome| matches!(outcome, Err(SubmitError::Unknown { .. })));
    assert!(expired > 0 && unknown > 0, "{expired} expired, {unknown} unknown");
    assert!(run.binds() > BINDS, "a link without an answer is given up");
}

#[tokio::test(start_paused = true)]
async fn a_dead_smsc_may_be_half_open() {
    let (behaviour, seed) = behaviour("dead", |text| {
        text.replace("\nlost_responses = 1.0", "")
            .replace("#half_open", "half_open")
    });
    assert_eq!(
        (behaviour.faults.lost_responses, behaviour.faults.half_open),
        (0.0, 1.0)
    );
    let run = run(behaviour, seed, settings()).await;
    happened(&[("half open", run.counters.faults.links_silent)]);
    assert_eq!(run.submitted(), 0);
    assert!(run.binds() > BINDS, "a link that says nothing is given up");
}
