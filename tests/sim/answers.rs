//! What an SMSC is answered while those who answer sleep, panic, keep silent, die and come again.
//!
//! Eight binds of two accounts, to which an SMSC delivers messages and parts of long ones at any time; a seed decides
//! the rest. At the end each delivery has exactly one response, which is what its answerer said, if that said
//! anything in time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix::{Actor, Context, Handler};
use bindery::esme::Esme;
use bindery::events::{Alarm, AnswerOrder, Event, Filter, Kinds};
use bindery::pdu::CommandStatus;
use bindery::settings::{BindSettings, PartsAnswered, Settings};
use fastrand::Rng;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{sleep, timeout};

use crate::clerks::{Deed, Post, Shown, fill, numbers, posts};
use crate::panics;
use crate::phones::{Phones, Seen, Sent, pdu};
use crate::run::runtime;
use crate::seeds::wanted;
use crate::world::{chance, millis, secs};

const SEEDS: std::ops::Range<u64> = 0..150;
const OVERDUE: CommandStatus = CommandStatus::ESME_RSYSERR;
const LATER: CommandStatus = CommandStatus::ESME_RX_T_APPN;

/// Timers are a millisecond late at most.
const TICK: Duration = Duration::from_millis(2);

/// What a seed decides.
struct Plan {
    settings: Settings,
    sent: Vec<Sent>,
    /// Of these nothing is asked.
    receipts: BTreeSet<u32>,
    /// Those of long messages.
    parts: BTreeSet<u32>,
    patience: Duration,
    /// Parts are answered when their message was taken.
    whole: bool,
    /// No session ever has to stop reading.
    roomy: bool,
    posts: Vec<Post>,
}

impl Plan {
    fn of_seed(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let patience = secs(random.u64(1..6));
        let (whole, roomy) = (random.bool(), chance(&mut random, 0.7));
        let limit = if roomy { 1_000 } else { random.usize(1..6) };
        let mut settings = Settings::default();
        settings.router.parts_wait = secs(random.u64(5..20));
        for name in BINDS {
            let bind = BindSettings::new("smsc:2775", name, "secret")
                .account(&name[..1])
                .enquire_link_interval(secs(random.u64(2..10)))
                .answer_timeout(patience)
                .default_answer(OVERDUE)
                .inbound_limit(limit)
                .parts_answered(if whole {
                    PartsAnswered::Whole
                } else {
                    PartsAnswered::Each
                });
            settings = settings.bind(name, bind);
        }
        let mut plan = Self {
            settings,
            sent: Vec::new(),
            receipts: BTreeSet::new(),
            parts: BTreeSet::new(),
            patience,
            whole,
            roomy,
            posts: posts(&mut random),
        };
        for reference in 0..random.u8(40..200) {
            plan.add(&mut random, reference);
        }
        plan.sent.sort_by_key(|sent| sent.at);
        plan
    }

    /// Adds a message or a receipt.
    fn add(&mut self, random: &mut Rng, reference: u8) {
        let at = secs(1) + millis(random.u64(0..20_000));
        let as_data = chance(random, 0.3);
        let source = random.choice(["447700900123", "4915112345678", "4477"]).unwrap();
        let mut send = |at, bind: &str, esm_class, octets: &[u8]| {
            // Lossless: a run has less than a thousand.
            let number = u32::try_from(self.sent.len()).unwrap() + 1;
            self.sent.push(Sent {
                number,
                at,
                bind: bind.to_owned(),
                pdu: pdu(as_data, source, esm_class, octets),
            });
            number
        };
        let bind = random.choice(BINDS).unwrap();
        match random.u8(0..20) {
            0 => {
                let number = send(at, bind, 0x04, b"id:1 stat:DELIVRD");
                self.receipts.insert(number);
            }
            1..14 => drop(send(at, bind, 0, b"hello")),
            _ => {
                let (total, missing) = (random.u8(2..5), random.u8(0..15));
                let family = if bind < "b" { &BINDS[..4] } else { &BINDS[4..] };
                for sequence in (1..=total).filter(|sequence| *sequence != missing) {
                    let octets = [5, 0, 3, reference, total, sequence, b'x'];
                    let at = at + self.patience.mul_f64(random.f64() * 0.8);
                    let number = send(at, random.choice(family).unwrap(), 0x40, &octets);
                    self.parts.insert(number);
                }
            }
        }
    }
}

const BINDS: [&str; 8] = ["a-1", "a-2", "a-3", "a-4", "b-1", "b-2", "b-3", "b-4"];

/// Keeps what it is told.
#[derive(Clone, Default)]
struct Watcher(Arc<Mutex<Vec<Event>>>);

impl Actor for Watcher {
    type Context = Context<Self>;
}

impl Handler<Event> for Watcher {
    type Result = ();

    fn handle(&mut self, event: Event, _: &mut Context<Self>) {
        self.0.lock().unwrap().push(event);
    }
}

async fn run(seed: u64) -> Result<BTreeMap<CommandStatus, u64>, String> {
    fastrand::seed(seed);
    let plan = Plan::of_seed(seed);
    let phones = Phones::new(plan.sent.clone());
    let esme = Esme::start_local(plan.settings.clone(), Arc::new(phones.clone())).unwrap();
    let watcher = Watcher::default();
    let wanted = Filter::kinds(Kinds::DELIVERIES | Kinds::MESSAGES | Kinds::ALARMS);
    esme.subscribe(watcher.clone().start().recipient(), wanted);
    let shown = Arc::<Mutex<Vec<Shown>>>::default();
    let posts = plan.posts.iter().map(|post| {
        let terms = (seed, plan.patience);
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
    let events = watcher.0.lock().unwrap().clone();
    let seen = phones.seen.lock().unwrap();
    let account = Account {
        plan: &plan,
        seen: &seen,
        shown: &shown,
    };
    account.check_events(&events)?;
    account.check_enquiries()?;
    account.check_order()?;
    let statuses = account.check_responses()?;
    let overdue: u64 = status.binds.iter().map(|bind| bind.counters.overdue).sum();
    if overdue != statuses.get(&OVERDUE).copied().unwrap_or(0) {
        return Err(format!("{overdue} are counted as overdue: {statuses:?}"));
    }
    Ok(statuses)
}

/// What came and what became of it.
struct Account<'a> {
    plan: &'a Plan,
    seen: &'a Seen,
    shown: &'a [Shown],
}

impl Account<'_> {
    fn deadline(&self, number: u32) -> Instant {
        self.seen.sent[&number] + self.plan.patience
    }

    /// Every delivery was told of once, and everything that was taken or shown as a message.
    fn check_events(&self, events: &[Event]) -> Result<(), String> {
        let (mut deliveries, mut messages) = (BTreeMap::new(), BTreeMap::new());
        for event in events {
            match event {
                Event::Delivery(delivery) => {
                    *deliveries
                        .entry(delivery.header.sequence_number.value())
                        .or_insert(0) += 1;
                }
                Event::Message(message) => {
                    for number in numbers(message) {
                        *messages.entry(number).or_insert(0) += 1;
                    }
                }
                Event::Alarm(Alarm::AnswererFailed { .. } | Alarm::AnswererGone { .. }) => {}
                other => return Err(format!("{other:?}")),
            }
        }
        for number in self.plan.sent.iter().map(|sent| sent.number) {
            if deliveries.get(&number) != Some(&1) {
                return Err(format!(
                    "{number} was told of {:?} times",
                    deliveries.get(&number)
                ));
            }
            let is_taken = self.response(number)?.1.is_ok() && !self.plan.receipts.contains(&number);
            let is_shown = self.shown.iter().any(|shown| shown.numbers.contains(&number));
            let told = messages.get(&number).copied().unwrap_or(0);
            if told > 1 || (is_taken || is_shown) && told == 0 {
                return Err(format!(
                    "{number} was {told} times part of a message that was told of"
                ));
            }
        }
        Ok(())
    }

    /// Signs of life came at once, or at least when there was room again.
    fn check_enquiries(&self) -> Result<(), String> {
        for (enquiry, (asked, answered)) in &self.seen.enquiries {
            let late = answered.is_none_or(|answered| answered > *asked + TICK);
            let never = answered.is_none_or(|answered| answered > *asked + secs(600));
            if never || late && self.plan.roomy {
                return Err(format!("{enquiry:?} asked {asked:?}, answered {answered:?}"));
            }
        }
        Ok(())
    }

    /// Nobody saw a question before the one ahead of it in its lane was answered or overdue.
    fn check_order(&self) -> Result<(), String> {
        let mut open: HashMap<_, &Shown> = HashMap::new();
        for shown in self.shown {
            let post = self.plan.posts.iter().find(|post| post.name == shown.clerk.0);
            let lane = match post.map(|post| post.order) {
                Some(AnswerOrder::Bind) => (shown.clerk, shown.is_message, &shown.lane.0, None),
                Some(AnswerOrder::Source) => {
                    (shown.clerk, shown.is_message, &shown.lane.0, Some(&shown.lane.1))
                }
                Some(AnswerOrder::Arrival) | None => continue,
            };
            let Some(before) = open.insert(lane, shown) else {
                continue;
            };
            // Of parts the time begins anew when they are put together.
            let overdue = self.overdue(before).unwrap_or(before.at);
            let free = before.end().map_or(overdue, |end| end.min(overdue));
            if shown.at < free && self.plan.roomy {
                return Err(format!("{shown:?} while this was open: {before:?}"));
            }
        }
        Ok(())
    }

    /// When nobody waits for the answer any more; none for the parts of a message, whose times differ.
    fn overdue(&self, shown: &Shown) -> Option<Instant> {
        let number = shown.numbers.last()?;
        let has_parts = self.plan.parts.contains(number) && shown.is_message;
        (!has_parts).then(|| self.deadline(*number))
    }

    /// True when something else that came on the bind was open as the deadline of this one passed, so that it could
    /// not be shown.
    fn is_held_up(&self, number: u32) -> bool {
        let deadline = self.deadline(number);
        let sent = self.plan.sent.iter().find(|sent| sent.number == number);
        let is_open = |shown: &&Shown| {
            let until = match (self.overdue(shown), shown.end()) {
                (Some(overdue), end) => end.map_or(overdue, |end| end.min(overdue)),
                // A little later than its parts.
                (None, _) => shown.at + self.plan.patience,
            };
            shown.at <= deadline && until + TICK >= deadline
        };
        let same_bind = |shown: &&Shown| sent.is_some_and(|sent| sent.bind == shown.lane.0);
        let is_part = self.plan.parts.contains(&number);
        !self.plan.roomy || is_part || self.shown.iter().filter(same_bind).any(|shown| is_open(&shown))
    }

    /// The one response to a delivery.
    fn response(&self, number: u32) -> Result<(Instant, CommandStatus), String> {
        match self.seen.responses.get(&number).map(Vec::as_slice) {
            Some([(at, header)]) => Ok((*at, header.command_status)),
            other => Err(format!("{number}: {other:?}")),
        }
    }

    /// Every delivery has one response, which is what its answerer said, or what is said where that said nothing.
    fn check_responses(&self) -> Result<BTreeMap<CommandStatus, u64>, String> {
        let mut statuses = BTreeMap::new();
        for number in self.plan.sent.iter().map(|sent| sent.number) {
            let (at, status) = self.response(number)?;
            *statuses.entry(status).or_insert(0) += 1;
            let shown = self.shown.iter().filter(|shown| shown.numbers.contains(&number));
            // Where a delivery has its own answerer, what that says counts, not what is said of the whole message.
            let (messages, mut decisive): (Vec<&Shown>, Vec<&Shown>) =
                shown.partition(|shown| shown.is_message);
            let is_twice = messages.len() > 1 || decisive.len() > 1;
            decisive.extend(messages);
            let wrong = |why| Err(format!("{number}: {why}: {status:?} at {at:?}, {decisive:?}"));
            if is_twice {
                return wrong("shown twice");
            }
            let shown = decisive.first().copied();
            if self.seen.responses.len() != self.plan.sent.len() {
                return wrong("there are more responses");
            }
            let (sent, deadline) = (self.seen.sent[&number], self.deadline(number));
            let is_at = |time: Instant| !self.plan.roomy || at >= time && at <= time + TICK;
            let on_arrival = self.plan.receipts.contains(&number)
                || self.plan.parts.contains(&number)
                    && !self.plan.whole
                    && shown.is_none_or(|shown| shown.is_message);
            let is_right = match (status, shown) {
                (OVERDUE, Some(shown)) if self.plan.roomy => {
                    is_at(deadline) && shown.end().is_none_or(|end| end + TICK >= deadline)
                }
                (OVERDUE, Some(_)) => is_at(deadline),
                (OVERDUE, None) => is_at(deadline) && self.is_held_up(number),
                (CommandStatus::ESME_ROK, _) if on_arrival => is_at(sent),
                (LATER, None) => true,
                (_, None) => false,
                (status, Some(shown)) => {
                    let said = match shown.deed {
                        Deed::Answer(said, _) => Some(said),
                        Deed::Panic(_) | Deed::Die => Some(LATER),
                        Deed::Silence => None,
                    };
                    said == Some(status) && shown.end().is_some_and(is_at)
                }
            };
            if !is_right {
                return wrong("not what it should be");
            }
        }
        Ok(statuses)
    }
}

#[test]
fn each_delivery_has_one_answer_whatever_becomes_of_those_who_answer() {
    panics::install();
    let mut statuses = BTreeMap::new();
    let seeds = wanted(SEEDS);
    for seed in seeds.clone() {
        let runtime = runtime();
        match LocalSet::new().block_on(&runtime, run(seed)) {
            Ok(counts) => {
                for (status, count) in counts {
                    *statuses.entry(status).or_insert(0) += count;
                }
            }
            Err(wrong) => panic!("seed {seed}: {wrong}"),
        }
    }
    println!("{statuses:?}");
    if seeds != SEEDS {
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
fn a_seed_of_answers_is_one_run() {
    panics::install();
    let run = |seed| {
        let runtime = runtime();
        LocalSet::new().block_on(&runtime, run(seed)).unwrap()
    };
    for seed in 0..3 {
        assert_eq!(run(seed), run(seed), "seed {seed}");
        assert_ne!(run(seed), run(seed + 1));
    }
}
