//! One run: the world, the traffic, the end, and the account.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bindery::esme::Esme;
use bindery::events::{Event, Kinds, OutcomeEvent};
use bindery::smsc::{Script, Smsc};
use bindery::submit::{Reference, SubmitError, SubmitResult};
use fastrand::Rng;
use tokio::runtime::Runtime;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{sleep, timeout};

use crate::ledger::Ledger;
use crate::orders::Order;
use crate::shrink::Without;
use crate::traffic::{self, Call, Message, Way};
use crate::watcher::Watcher;
use crate::world::{World, chance, millis, secs};
use crate::{limits, orders, panics, receipts, truth};

/// Nothing may take longer than this, in virtual time. A bind whose credentials were refused waits half an hour, and
/// afterwards everything is given an hour and more to come to rest.
const END: Duration = Duration::from_secs(3 * 3_600);

/// What was said about one message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    /// The answer to its caller, unless he did not wait.
    pub(crate) answer: Option<SubmitResult>,
    pub(crate) events: Vec<OutcomeEvent>,
}

/// A run, and what came of it.
pub(crate) struct Report {
    /// Messages and how they ended.
    pub(crate) outcomes: BTreeMap<u64, SubmitResult>,
    /// Equal for equal runs.
    pub(crate) digest: String,
    pub(crate) sightings: usize,
    /// Receipts that found their message.
    pub(crate) receipts: usize,
    /// What the SMSCs did that they should not, by name.
    pub(crate) faults: BTreeMap<&'static str, u64>,
}

type Answers = Arc<Mutex<BTreeMap<u64, SubmitResult>>>;

/// One thread, and time that passes when nothing else is to be done.
pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
}

/// Runs a seed in a runtime of its own; an error says what was wrong.
pub(crate) fn run(seed: u64) -> Result<Report, String> {
    run_without(seed, &Without::new())
}

/// The same, leaving out parts of what the seed decided.
pub(crate) fn run_without(seed: u64, without: &Without) -> Result<Report, String> {
    panics::install();
    let runtime = runtime();
    // What binds draw their delays from.
    fastrand::seed(seed);
    let local = LocalSet::new();
    local.block_on(&runtime, async {
        timeout(END, life(seed, without))
            .await
            .unwrap_or_else(|_| Err("it does not end".into()))
    })
}

/// All that a seed decides.
struct Plan {
    world: World,
    calls: Vec<Call>,
    orders: Vec<(Duration, Order)>,
    /// When it is shut down, if that is before its time.
    early: Option<Duration>,
    grace: Duration,
    /// The share of what they log that binds die of.
    panics: Option<f64>,
}

impl Plan {
    fn of_seed(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let world = World::of_seed(seed, &mut random);
        let names: Vec<String> = world.settings.binds.keys().cloned().collect();
        let count = random.u64(20..200);
        let span = world.over.mul_f64(0.1 + random.f64() * 1.2);
        let calls = traffic::calls(&mut random, count, span, &names);
        let orders = if chance(&mut random, 0.4) {
            orders::orders(&mut random, &world.settings, world.over, count)
        } else {
            Vec::new()
        };
        let early = chance(&mut random, 0.25).then(|| span.mul_f64(random.f64()));
        let grace = millis(random.u64(0..20_000));
        let panics = chance(&mut random, 0.15).then(|| random.f64() * 0.2);
        Self {
            world,
            calls,
            orders,
            early,
            grace,
            panics,
        }
    }

    /// The plan with less in it. Parts are numbered: calls, orders, steps of scripts before all is well again, the early end,
    /// panics.
    fn without(mut self, without: &Without) -> Self {
        let mut number = 0;
        let mut stays = || {
            number += 1;
            !without.contains(&(number - 1))
        };
        self.calls.retain(|_| stays());
        self.orders.retain(|_| stays());
        let over = self.world.over;
        for script in &mut self.world.scripts {
            let steps = script.steps().iter();
            let steps = steps.filter(|(at, _)| *at >= over || stays()).cloned();
            *script = steps.fold(Script::default(), |script, (at, step)| script.at(at, step));
        }
        self.early = self.early.filter(|_| stays());
        self.panics = self.panics.filter(|_| stays());
        self
    }
}

/// No fewer parts than a seed decides.
pub(crate) fn parts(seed: u64) -> usize {
    let runtime = runtime();
    runtime.block_on(async {
        let plan = Plan::of_seed(seed);
        let steps = plan.world.scripts.iter().map(|script| script.steps().len());
        plan.calls.len() + plan.orders.len() + steps.sum::<usize>() + 2
    })
}

/// What a seed decides, for people; the calls only where parts are left out.
pub(crate) fn describe(seed: u64, without: &Without) -> String {
    let runtime = runtime();
    runtime.block_on(async {
        let plan = Plan::of_seed(seed).without(without);
        let mut text = plan.world.describe();
        if !without.is_empty() {
            for call in &plan.calls {
                text.push_str(&format!("{call:?}\n"));
            }
        }
        for (at, order) in &plan.orders {
            text.push_str(&format!("{at:?} {order:?}\n"));
        }
        text.push_str(&format!(
            "shutdown {:?}, grace {:?}, panics {:?}\n",
            plan.early, plan.grace, plan.panics
        ));
        text
    })
}

async fn life(seed: u64, without: &Without) -> Result<Report, String> {
    let Plan {
        world,
        calls,
        orders,
        early,
        grace,
        panics,
    } = Plan::of_seed(seed).without(without);
    let _trap = panics.map(|share| panics::set(seed, share));
    let start = bindery::link::now();
    let esme = Esme::start_local(world.settings.clone(), world.network.connector())
        .map_err(|error| error.to_string())?;
    let watcher = Watcher::of(&esme, Kinds::OUTCOMES | Kinds::ALARMS | Kinds::RECEIPTS);
    let scripts: Vec<_> = world
        .smscs
        .iter()
        .zip(&world.scripts)
        .map(|(smsc, script)| {
            let (smsc, script) = (smsc.clone(), script.clone());
            spawn_local(async move { smsc.play(&script).await })
        })
        .collect();
    let orders = spawn_local(orders::give(esme.clone(), orders, world.settings.clone()));
    let answers = Answers::default();
    let callers: Vec<_> = calls
        .iter()
        .map(|call| spawn_local(make(esme.clone(), call.clone(), answers.clone())))
        .collect();

    let mut ended = None;
    if let Some(early) = early {
        sleep(early).await;
        esme.shutdown(grace).await;
        ended = Some(bindery::link::now());
    }
    for caller in callers {
        caller.await.map_err(|error| format!("a caller: {error}"))?;
    }
    for script in scripts {
        script.await.map_err(|error| format!("a script: {error}"))?;
    }
    let settings = orders.await.map_err(|error| format!("orders: {error}"))?;
    if early.is_none() {
        let told = || watcher.0.lock().unwrap().len();
        // Those that nobody waits for.
        while esme.totals().under_way() > 0 {
            sleep(secs(10)).await;
        }
        // Places that expired requests hold, and refused binds.
        sleep(secs(3_600)).await;
        check_rest(&esme, told()).await?;
        esme.shutdown(secs(60)).await;
        ended = Some(bindery::link::now());
    }
    sleep(secs(600)).await;

    let totals = esme.totals();
    if totals.under_way() != 0 {
        return Err(format!("messages are still under way: {totals:?}"));
    }
    for (index, smsc) in world.smscs.iter().enumerate() {
        let links = smsc.counters().links;
        if links > 0 {
            return Err(format!("SMSC {index} still has {links} links"));
        }
    }
    let told = put_together(&calls, &answers, &watcher, panics.is_some())?;
    let messages: Vec<&Message> = calls.iter().flat_map(|call| &call.messages).collect();
    let ledger = Ledger::of(&world.smscs);
    let run = truth::Run {
        ledger: &ledger,
        settings,
        ended,
        hurried: early.is_some(),
        start,
        hangs: world
            .scripts
            .iter()
            .map(|script| limits::hangs(script, start))
            .collect(),
        slow: world
            .scripts
            .iter()
            .map(|script| limits::slow(script, start))
            .collect(),
        patient: world.scripts.iter().map(limits::is_patient).collect(),
        nacks: world.scripts.iter().map(limits::nacks).collect(),
        panics: panics.is_some(),
    };
    let outcomes = truth::check(&run, &messages, &told)?;
    limits::check(&run)?;
    let receipts = receipts::check(&run, &messages, &outcomes, &watcher.0.lock().unwrap())?;
    Ok(Report {
        receipts,
        digest: digest(&outcomes, &ledger, start),
        sightings: ledger.messages.values().map(Vec::len).sum(),
        faults: faults(&world.smscs),
        outcomes,
    })
}

/// How often the SMSCs did what only some seeds ask for.
fn faults(smscs: &[Smsc]) -> BTreeMap<&'static str, u64> {
    let mut counts = BTreeMap::new();
    for smsc in smscs {
        let faults = smsc.counters().faults;
        for (name, count) in [
            ("odd responses", faults.responses_odd),
            ("odd receipts", faults.receipts_odd),
            ("resets", faults.links_reset),
            ("slow reads", faults.links_slow),
            ("restarts", faults.restarts),
        ] {
            *counts.entry(name).or_default() += count;
        }
    }
    counts
}

/// Makes one call, and writes down what it was told.
async fn make(esme: Esme, call: Call, answers: Answers) {
    sleep(call.at).await;
    let tell = |number, result| {
        let before = answers.lock().unwrap().insert(number, result);
        assert!(before.is_none(), "{number} was answered twice");
    };
    let numbers: Vec<u64> = call.messages.iter().map(|message| message.number).collect();
    let mut submits = call.messages.into_iter().map(|message| message.submit);
    if let Way::Batch = call.way {
        let results = esme.submit_batch(submits).await;
        assert_eq!(results.len(), numbers.len());
        numbers
            .into_iter()
            .zip(results)
            .for_each(|(number, result)| tell(number, result));
        return;
    }
    let (Some(number), Some(submit)) = (numbers.first().copied(), submits.next()) else {
        return;
    };
    match call.way {
        Way::Wait | Way::Batch => tell(number, esme.submit(submit).await),
        Way::Try => {
            let result = match esme.try_submit(submit) {
                Ok(pending) => pending.await,
                Err(error) => Err(error),
            };
            tell(number, result);
        }
        Way::Ask => {
            let result = esme.router().send(submit).await;
            tell(number, result.unwrap_or(Err(SubmitError::ShuttingDown)));
        }
        Way::Tell => esme.router().do_send(submit),
        Way::Post => {
            if let Err(error) = esme.try_post(submit) {
                tell(number, Err(error));
            }
        }
        Way::Leave(patience) => {
            if let Ok(result) = timeout(patience, esme.submit(submit)).await {
                tell(number, result);
            }
        }
    }
}

/// Nothing is left anywhere.
async fn check_rest(esme: &Esme, told: usize) -> Result<(), String> {
    let status = esme.status().await;
    let binds_are_empty = status
        .binds
        .iter()
        .all(|bind| bind.in_flight == 0 && bind.waiting == 0);
    if status.waiting > 0 || status.permits_free != status.permits || !binds_are_empty {
        return Err(format!("something is left, after {told} events: {status:#?}"));
    }
    Ok(())
}

/// What was said about each message; alarms that no SMSC can be blamed for are errors.
fn put_together(
    calls: &[Call],
    answers: &Answers,
    watcher: &Watcher,
    panics: bool,
) -> Result<BTreeMap<u64, Told>, String> {
    let mut told: BTreeMap<u64, Told> = BTreeMap::new();
    for message in calls.iter().flat_map(|call| &call.messages) {
        let answer = answers.lock().unwrap().get(&message.number).cloned();
        told.entry(message.number).or_default().answer = answer;
    }
    for event in watcher.0.lock().unwrap().iter() {
        match event {
            Event::Outcome(outcome) => {
                let Reference::Number(number) = outcome.reference else {
                    return Err(format!("an outcome of nobody's message: {outcome:?}"));
                };
                let told = told.get_mut(&number).ok_or("an outcome of a number never used")?;
                told.events.push(outcome.clone());
            }
            Event::Alarm(alarm) => {
                use bindery::events::Alarm;
                let is_odd = match alarm.alarm {
                    Alarm::Restarted { .. } | Alarm::GaveUp { .. } => !panics,
                    Alarm::SubscriberGone => true,
                    _ => false,
                };
                if is_odd {
                    return Err(alarm.to_string());
                }
            }
            _ => {}
        }
    }
    Ok(told)
}

fn digest(outcomes: &BTreeMap<u64, SubmitResult>, ledger: &Ledger, start: Instant) -> String {
    let mut digest = String::new();
    for (number, outcome) in outcomes {
        digest.push_str(&format!("{number} {outcome:?}\n"));
    }
    for (number, sights) in &ledger.messages {
        for sight in sights {
            let at = sight.at.saturating_duration_since(start);
            digest.push_str(&format!(
                "{number}.{} {at:?} {} {:?} {}\n",
                sight.part, sight.bind, sight.sequence, sight.status
            ));
        }
    }
    digest
}
