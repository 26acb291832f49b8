//! A router over six binds and three SMSCs that misbehave, in real time, for as long as is wanted.
//!
//! `cargo bench --bench soak -- 10m 1` runs ten minutes with seed 1; without arguments it takes thirty seconds. At the
//! end every message must have had exactly one outcome, by its caller and as an event alike, nothing may be left in any
//! queue, and the process may not have grown: its resident memory at the end is compared with that after the first
//! minute, or after a third of a shorter run. Octets that are allocated and not freed are shown beside it, which tells
//! what is kept from what the system's allocator holds.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and fails loudly"
)]

mod book;
mod work;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix::Actor;
use allocation_counter::measure;
use bindery::esme::Esme;
use bindery::events::{Kinds, Phase};
use bindery::settings::{BindSettings, RouterSettings, Settings};
use bindery::smsc::{Behaviour, Counters, Limits, Script, Smsc};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use book::{Book, Listener};
use work::Work;

const SMSCS: usize = 3;
const BINDS_EACH: usize = 2;

/// PDUs a second and bind.
const RATE: f64 = 400.0;

/// Callers that wait for an outcome and then submit again. They are more than what the windows hold.
const CALLERS: u64 = 400;

/// A script of misfortunes lasts so long, and then the SMSC behaves for a moment.
const SCRIPT: Duration = Duration::from_secs(20);
const PEACE: Duration = Duration::from_secs(2);
const MISFORTUNES: usize = 6;
const HANG: Duration = Duration::from_secs(3);

/// How long it may take until nothing is left.
const REST: Duration = Duration::from_secs(90);

/// How much larger the process may be at the end.
const GROWTH: f64 = 1.10;

/// For so long a message is kept for its receipts, doubled ones included, and a receipt for its message. All these
/// times are over within the first minute, so that from then on as much is given up as comes.
const KEPT: Duration = Duration::from_secs(15);

/// So many receipts wait for their message. A script may bring one with every message, for nothing; the first minute is to
/// see as many as wait at most, not the flood that comes by chance at some time.
const PARKED: usize = 200;

async fn smsc(seed: u64) -> Smsc {
    let behaviour = Behaviour {
        delay: Duration::from_millis(10),
        receipts_after: Some(Duration::from_millis(100)),
        retry_after: Duration::from_millis(500),
        limits: Limits {
            remembered: 100,
            ..Limits::default()
        },
        ..Behaviour::default()
    };
    Smsc::listen("127.0.0.1:0", behaviour, seed).await.unwrap()
}

/// One script after another until the time is over; afterwards the SMSC behaves.
async fn misfortunes(smsc: Smsc, mut seed: u64, until: Instant) {
    loop {
        let over = SCRIPT.min(until.saturating_duration_since(Instant::now()));
        if over.is_zero() {
            return;
        }
        smsc.play(&Script::by_chance(seed, MISFORTUNES, over, HANG)).await;
        seed += SMSCS as u64;
        sleep(PEACE).await;
    }
}

/// Somebody pauses one bind after another for a moment.
async fn operate(esme: Esme, binds: Vec<String>, until: Instant) {
    for bind in binds.iter().cycle() {
        if Instant::now() >= until {
            return;
        }
        esme.pause(bind.as_str()).await.unwrap();
        sleep(Duration::from_millis(500)).await;
        esme.resume(bind.as_str()).await.unwrap();
        sleep(Duration::from_secs(3)).await;
    }
}

/// Resident memory of the process in KiB; none where the system does not say.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// What the process held, each second: KiB resident, and KiB allocated.
#[derive(Default)]
struct Samples {
    resident: Vec<u64>,
    live: Vec<u64>,
}

/// A sample each second while messages go; `live` are the octets that are allocated.
async fn sample(work: Rc<Work>, start: Instant, length: Duration, live: Rc<Cell<i64>>) -> Samples {
    let room = || Vec::with_capacity(length.as_secs() as usize + 1);
    let mut samples = Samples {
        resident: room(),
        live: room(),
    };
    let mut before = 0;
    while Instant::now() < work.until {
        sleep(Duration::from_secs(1)).await;
        samples.resident.extend(resident());
        samples.live.push((live.get() / 1024).max(0).unsigned_abs());
        if samples.live.len().is_multiple_of(10) {
            let told = work.told.borrow().count;
            println!(
                "{:>5} s  {:>8} outcomes ({:>5} a second)  {:>4} under way  {:>6} KiB  {:>6} live",
                start.elapsed().as_secs(),
                told,
                (told - before) / 10,
                work.esme.totals().under_way(),
                samples.resident.last().unwrap_or(&0),
                samples.live.last().unwrap_or(&0),
            );
            before = told;
        }
    }
    samples
}

/// What still keeps something; none when nothing does.
async fn unrest(esme: &Esme, smscs: &[Smsc]) -> Option<String> {
    let status = esme.status().await;
    let bind = status
        .binds
        .iter()
        .find(|bind| bind.phase != Phase::Bound || bind.in_flight + bind.waiting > 0);
    if let Some(bind) = bind {
        return Some(format!("{bind:?}"));
    }
    if status.waiting > 0 || status.permits_free != status.permits || status.totals.under_way() > 0 {
        return Some(format!(
            "{} wait, {} of {} permits are free, {:?}",
            status.waiting, status.permits_free, status.permits, status.totals
        ));
    }
    let smsc = smscs.iter().find(|smsc| smsc.counters().deliveries_pending > 0);
    smsc.map(|smsc| format!("{:?}", smsc.counters()))
}

async fn run(length: Duration, seed: u64, live: Rc<Cell<i64>>) {
    fastrand::seed(seed);
    let (mut smscs, mut binds) = (Vec::new(), Vec::new());
    let router = RouterSettings::default()
        .receipts_keep(KEPT)
        .receipts_remember(KEPT)
        .receipts_park_for(KEPT)
        .receipts_parked(PARKED);
    let mut settings = Settings::default().router(router);
    for (number, host) in (0..SMSCS as u64).zip(["a", "b", "c"]) {
        let smsc = smsc(seed + number).await;
        let address = smsc.local_addr().unwrap().to_string();
        for place in 0..BINDS_EACH {
            let bind = BindSettings::new(address.as_str(), host, "secret")
                .account(host)
                .window(30_usize)
                .rate(RATE)
                .response_timeout(Duration::from_secs(2))
                .enquire_link_interval(Duration::from_secs(1))
                .enquire_link_timeout(Duration::from_secs(2))
                .backoff_max(Duration::from_secs(2));
            binds.push(format!("{host}-{place}"));
            settings = settings.bind(format!("{host}-{place}"), bind);
        }
        smscs.push(smsc);
    }
    let esme = Esme::start(settings).unwrap();
    let (events, receipts) = (Rc::<RefCell<Book>>::default(), Rc::<Cell<u64>>::default());
    let listener = Listener(events.clone(), receipts.clone()).start();
    esme.subscribe(listener.recipient(), Kinds::OUTCOMES | Kinds::RECEIPTS);

    let start = Instant::now();
    let until = start + length;
    let work = Rc::new(Work {
        esme: esme.clone(),
        until,
        made: Cell::default(),
        told: RefCell::default(),
        left: Cell::default(),
    });
    let mut tasks = JoinSet::new();
    for (seed, smsc) in (seed..).zip(&smscs) {
        tasks.spawn_local(misfortunes(smsc.clone(), seed, until));
    }
    tasks.spawn_local(operate(esme.clone(), binds, until));
    for caller in 0..CALLERS {
        let work = work.clone();
        tasks.spawn_local(async move { work.call(caller).await });
    }
    let samples = sample(work.clone(), start, length, live).await;
    timeout(REST, tasks.join_all())
        .await
        .expect("a caller has no outcome");

    let resting = Instant::now();
    while let Some(what) = unrest(&esme, &smscs).await {
        assert!(resting.elapsed() < REST, "something is left: {what}");
        sleep(Duration::from_millis(50)).await;
    }
    check_outcomes(&work, &events.borrow(), &smscs);
    println!("{} receipts came", receipts.get());
    check_memory("resident", &samples.resident, 30);
    // It goes up and down with each script.
    check_memory("allocated", &samples.live, 300);

    let report = esme.shutdown(REST).await;
    assert_eq!(report.totals.under_way(), 0);
    assert!(report.binds.iter().all(|(_, clean)| *clean), "{:?}", report.binds);
    for smsc in smscs {
        let closed = async {
            while smsc.counters().links > 0 {
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(REST, closed).await.expect("a link is still open");
        smsc.shutdown().await;
    }
}

/// Callers, events and SMSCs say the same.
fn check_outcomes(work: &Work, events: &Book, smscs: &[Smsc]) {
    let (made, left, told) = (work.made.get(), work.left.get(), work.told.borrow());
    println!("{made} messages: {:?}", events.kinds);
    assert!(
        events.is_complete(made),
        "{} outcomes as events, {} of them again",
        events.count,
        events.twice
    );
    assert_eq!(told.count + left, made, "callers with and without an outcome");
    assert_eq!(told.twice, 0);
    for (kind, count) in &told.kinds {
        assert!(events.kinds.get(kind) >= Some(count), "{count} {kind} as answers");
    }
    let sum = |what: fn(&Counters) -> u64| smscs.iter().map(|smsc| what(&smsc.counters())).sum::<u64>();
    let taken = sum(|counters| counters.messages);
    println!(
        "{left} callers left; the SMSCs took {taken} parts and cut {} links",
        sum(|counters| counters.cuts)
    );
    assert!(
        events.accepted <= taken,
        "{} parts were accepted",
        events.accepted
    );
}

/// The mean of the seconds after the start was over, `most` of them, is compared with that of as many at the end.
fn check_memory(what: &str, samples: &[u64], most: usize) {
    let started = (samples.len() / 3).min(60);
    let some = (samples.len() / 6).clamp(1, most);
    let mean = |part: &[u64]| part.iter().sum::<u64>() as f64 / part.len() as f64;
    let (Some(early), Some(late)) = (
        samples.get(started..started + some),
        samples.get(samples.len().saturating_sub(some)..),
    ) else {
        println!("{what}: not measured");
        return;
    };
    let (early, late) = (mean(early), mean(late));
    println!(
        "{what}: {early:.0} KiB after {started} s, {late:.0} KiB at the end of {} s, {:.3} times as much",
        samples.len(),
        late / early
    );
    assert!(late < early * GROWTH, "the process grew");
}

/// Runs it in pieces of a second, and tells it after each how many octets are allocated.
fn measured<F: Future<Output = ()> + 'static>(run: impl FnOnce(Rc<Cell<i64>>) -> F) {
    let system = actix_rt::System::new();
    let live = Rc::<Cell<i64>>::default();
    let mut task = system.runtime().spawn(run(live.clone()));
    let mut over = false;
    while !over {
        let piece = measure(|| {
            system.block_on(async {
                if let Ok(result) = timeout(Duration::from_secs(1), &mut task).await {
                    result.expect("the soak failed");
                    over = true;
                }
            });
        });
        live.set(live.get() + piece.bytes_current);
    }
}

fn main() {
    // cargo adds `--bench`.
    let mut arguments = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"));
    let length = arguments.next().unwrap_or_else(|| "30s".to_owned());
    let length = humantime::parse_duration(&length).expect("the first argument is a time such as 10m");
    let seed = arguments
        .next()
        .map_or(1, |seed| seed.parse().expect("the second is a number"));
    println!("soak of {length:?}, seed {seed}");
    measured(|live| run(length, seed, live));
    println!("soak: ok");
}
