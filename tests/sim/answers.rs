//! What an SMSC is answered while those who answer sleep, panic, keep silent, die and come again.
//!
//! Eight binds of two accounts, to which an SMSC delivers messages and parts of long ones at any time; a seed decides
//! the rest. At the end each delivery has exactly one response, which is what its answerer said, if that said
//! anything in time.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bindery::esme::Esme;
use bindery::events::Kinds;
use bindery::pdu::{CommandStatus, Pdu};
use bindery::settings::{BindSettings, PartsAnswered, Settings};
use fastrand::Rng;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{sleep, timeout};

use crate::clerks::{Post, Shown, Temper, Terms, fill, posts};
use crate::panics;
use crate::phones::{Phones, Sent, pdu};
use crate::replies::Account;
use crate::run::runtime;
use crate::seeds::wanted;
use crate::watcher::Watcher;
use crate::world::{chance, millis, secs};

/// What is said at the deadline.
pub(crate) const OVERDUE: CommandStatus = CommandStatus::ESME_RSYSERR;

/// What is said for those who cannot.
pub(crate) const LATER: CommandStatus = CommandStatus::ESME_RX_T_APPN;

const BINDS: [&str; 8] = ["a-1", "a-2", "a-3", "a-4", "b-1", "b-2", "b-3", "b-4"];
const SOURCES: [&str; 3] = ["447700900123", "4915112345678", "4477"];

/// How many a flood brings on each bind, one in a millisecond.
const FLOOD: u64 = 1_500;

/// What a seed decides.
pub(crate) struct Plan {
    seed: u64,
    settings: Settings,
    pub(crate) sent: Vec<Sent>,
    /// Of these nothing is asked.
    pub(crate) receipts: BTreeSet<u32>,
    /// Those of long messages.
    pub(crate) parts: BTreeSet<u32>,
    pub(crate) patience: Duration,
    /// Parts are answered when their message was taken.
    pub(crate) whole: bool,
    /// No session ever has to stop reading.
    pub(crate) roomy: bool,
    pub(crate) posts: Vec<Post>,
    temper: Temper,
}

impl Plan {
    /// A few deliveries of all kinds.
    fn of_seed(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let patience = secs(random.u64(1..6));
        let limit = (!chance(&mut random, 0.7)).then(|| random.usize(1..6));
        let temper = Temper {
            death: 0.05,
            slow: 0.75,
        };
        let mut plan = Self::new(seed, &mut random, patience, limit, temper);
        for reference in 0..random.u8(40..200) {
            plan.add(&mut random, reference);
        }
        plan.sent.sort_by_key(|sent| sent.at);
        plan
    }

    /// A thousand deliveries a second on each bind.
    fn flood_of_seed(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let patience = millis(random.u64(200..1_500));
        let limit = (!chance(&mut random, 0.7)).then(|| random.usize(20..200));
        let temper = Temper {
            death: random.choice([0.0, 0.000_1, 0.001]).unwrap(),
            slow: random.choice([0.000_5, 0.01, 0.75]).unwrap(),
        };
        let mut plan = Self::new(seed, &mut random, patience, limit, temper);
        for at in 0..FLOOD {
            for bind in BINDS {
                let esm_class = if chance(&mut random, 0.05) { 0x04 } else { 0 };
                let source = random.choice(SOURCES).unwrap();
                plan.send(
                    secs(1) + millis(at),
                    bind,
                    pdu(false, source, esm_class, b"hello"),
                );
                if esm_class != 0 {
                    plan.receipts.insert(plan.last());
                }
            }
        }
        plan
    }

    /// Nothing is delivered yet; a session without a limit for what is unanswered always has room.
    fn new(seed: u64, random: &mut Rng, patience: Duration, limit: Option<usize>, temper: Temper) -> Self {
        let whole = random.bool();
        let mut settings = Settings::default();
        settings.router.parts_wait = secs(random.u64(5..20));
        for name in BINDS {
            let bind = BindSettings::new("smsc:2775", name, "secret")
                .account(&name[..1])
                .enquire_link_interval(secs(random.u64(2..10)))
                .answer_timeout(patience)
                .default_answer(OVERDUE)
                .inbound_limit(limit.unwrap_or(10_000))
                .parts_answered(if whole {
                    PartsAnswered::Whole
                } else {
                    PartsAnswered::Each
                });
            settings = settings.bind(name, bind);
        }
        Self {
            seed,
            settings,
            sent: Vec::new(),
            receipts: BTreeSet::new(),
            parts: BTreeSet::new(),
            patience,
            whole,
            roomy: limit.is_none(),
            posts: posts(random),
            temper,
        }
    }

    /// The number of what was added last.
    fn last(&self) -> u32 {
        // Lossless: there are fewer than the numbers of enquire_links begin with.
        u32::try_from(self.sent.len()).unwrap()
    }

    fn send(&mut self, at: Duration, bind: &str, pdu: Pdu) {
        let number = self.last() + 1;
        self.sent.push(Sent {
            number,
            at,
            bind: bind.to_owned(),
            pdu,
        });
    }

    /// Adds a message or a receipt.
    fn add(&mut self, random: &mut Rng, reference: u8) {
        let at = secs(1) + millis(random.u64(0..20_000));
        let as_data = chance(random, 0.3);
        let source = random.choice(SOURCES).unwrap();
        let bind = random.choice(BINDS).unwrap();
        match random.u8(0..20) {
            0 => {
                self.send(at, bind, pdu(as_data, source, 0x04, b"id:1 stat:DELIVRD"));
                self.receipts.insert(self.last());
            }
            1..14 => self.send(at, bind, pdu(as_data, source, 0, b"hello")),
            _ => {
                let (total, missing) = (random.u8(2..5), random.u8(0..15));
                let family = if bind < "b" { &BINDS[..4] } else { &BINDS[4..] };
                for sequence in (1..=total).filter(|sequence| *sequence != missing) {
                    let octets = [5, 0, 3, reference, total, sequence, b'x'];
                    let at = at + self.patience.mul_f64(random.f64() * 0.8);
                    let bind = random.choice(family).unwrap();
                    self.send(at, bind, pdu(as_data, source, 0x40, &octets));
                    self.parts.insert(self.last());
                }
            }
        }
    }
}

/// What was answered how often; an error says what was wrong.
type Answered = Result<BTreeMap<CommandStatus, u64>, String>;

async fn run(plan: Plan) -> Answered {
    fastrand::seed(plan.seed);
    let phones = Phones::new(plan.sent.clone());
    let esme = Esme::start_local(plan.settings.clone(), Arc::new(phones.clone())).unwrap();
    let wanted = Kinds::DELIVERIES | Kinds::MESSAGES | Kinds::ALARMS;
    let watcher = Watcher::of(&esme, wanted);
    let shown = Arc::<Mutex<Vec<Shown>>>::default();
    let posts = plan.posts.iter().map(|post| {
        let terms = Terms {
            seed: plan.seed,
            patience: plan.patience,
            temper: plan.temper,
        };
        spawn_local(fill(esme.clone(), post.clone(), terms, shown.clone()))
    });
    let posts: Vec<_> = posts.collect();

    let answered = || phones.seen.lock().unwrap().responses.len();
    let all_answered = async {
        while answered() < plan.sent.len() {
            sleep(secs(1)).await;
        }
    };
    let in_time = timeout(secs(3_600), all_answered).await;
    in_time.map_err(|_| format!("{} of {} answered", answered(), plan.sent.len()))?;
    // What is incomplete is told of, and shown.
    sleep(secs(60)).await;
    let status = esme.status().await;
    for post in posts {
        post.abort();
        if let Err(error) = post.await
            && error.is_panic()
        {
            return Err(error.to_string());
        }
    }
    {
        let seen = phones.seen.lock().unwrap();
        if seen.closed > 0 || seen.binds.len() != BINDS.len() || !seen.wrong.is_empty() {
            return Err(format!(
                "{:?}, {} closed, {:?}",
                seen.binds, seen.closed, seen.wrong
            ));
        }
    }
    if plan.roomy && phones.is_late() {
        return Err("not everything was delivered at its time".into());
    }
    let delivered: u64 = status.binds.iter().map(|bind| bind.counters.delivered).sum();
    let open: usize = status.binds.iter().map(|bind| bind.unanswered).sum();
    if open > 0 {
        return Err(format!("{open} are unanswered"));
    }
    if delivered != plan.sent.len() as u64 {
        return Err(format!("{delivered} of {} counted", plan.sent.len()));
    }
    esme.shutdown(secs(60)).await;
    sleep(secs(60)).await;
    let shown = shown.lock().unwrap().clone();
    let events = watcher.seen();
    let seen = phones.seen.lock().unwrap();
    let account = Account::new(&plan, &seen, &shown);
    account.check_events(&events)?;
    account.check_enquiries()?;
    account.check_order()?;
    let statuses = account.check_responses()?;
    let overdue: u64 = status.binds.iter().map(|bind| bind.counters.overdue).sum();
    if overdue != statuses.get(&OVERDUE).copied().unwrap_or(0) {
        return Err(format!("{overdue} are counted as overdue: {statuses:?}"));
    }
    // Whoever is not known by now is counted by nobody: answered by the handler, at the deadline, or refused.
    match statuses.values().sum::<u64>() {
        answered if answered == delivered => Ok(statuses),
        answered => Err(format!(
            "{delivered} delivered, {answered} answered: {statuses:?}"
        )),
    }
}

/// Runs all seeds that are wanted, and counts what was answered; of the usual ones each kind has to come often enough.
fn run_all(usual: Range<u64>, plan: fn(u64) -> Plan) {
    panics::install();
    let mut statuses = BTreeMap::new();
    let seeds = wanted(usual.clone());
    for seed in seeds.clone() {
        let runtime = runtime();
        match LocalSet::new().block_on(&runtime, run(plan(seed))) {
            Ok(counts) => {
                for (status, count) in counts {
                    *statuses.entry(status).or_insert(0) += count;
                }
            }
            Err(wrong) => panic!("seed {seed}: {wrong}"),
        }
    }
    println!("{statuses:?}");
    if seeds != usual {
        return;
    }
    for status in [
        CommandStatus::ESME_ROK,
        CommandStatus::ESME_RX_R_APPN,
        OVERDUE,
        LATER,
    ] {
        let count = statuses.get(&status).copied().unwrap_or(0);
        assert!(count > 500, "too easy: {statuses:?}");
    }
}

#[test]
fn each_delivery_has_one_answer_whatever_becomes_of_those_who_answer() {
    run_all(0..150, Plan::of_seed);
}

#[test]
fn a_thousand_deliveries_a_second_on_each_of_eight_binds_have_one_answer_each_and_cost_no_link() {
    run_all(0..16, Plan::flood_of_seed);
}

#[test]
fn a_seed_of_answers_is_one_run() {
    panics::install();
    let run = |seed| {
        let runtime = runtime();
        let plan = Plan::of_seed(seed);
        LocalSet::new().block_on(&runtime, run(plan)).unwrap()
    };
    for seed in 0..3 {
        assert_eq!(run(seed), run(seed), "seed {seed}");
        assert_ne!(run(seed), run(seed + 1));
    }
}
