//! What messages through the whole stack cost in allocations, and that a flood leaves nothing behind.
//!
//! Each test runs on one thread, and only what that thread allocates is counted.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests fail loudly and say what they measured"
)]

#[path = "../benches/fixtures/yes.rs"]
mod yes;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actix::{Actor, Context, Handler};
use allocation_counter::AllocationInfo;
use bindery::esme::Esme;
use bindery::events::{Event, Kinds};
use bindery::link::{Target, TcpConnector, Transport};
use bindery::pdu::{BindTransceiver, CommandStatus, Pdu, SequenceNumber, SubmitSm};
use bindery::settings::{BindSettings, Settings};
use bindery::sm::{Correlator, CorrelatorLimits, Receipt};
use bindery::smsc::{Behaviour, Limits, Smsc};
use bindery::submit::{Reference, Submit, SubmitError};
use tokio::io::AsyncWriteExt;
use tokio::task::LocalSet;
use tokio::time::timeout;
use yes::Yes;

fn settings() -> Settings {
    let bind = || BindSettings::new("smsc:2775", "a", "secret").window(100_usize);
    let mut settings = Settings::default().bind("a-1", bind()).bind("a-2", bind());
    settings.router.queue_capacity = 1_000;
    settings
}

fn message() -> SubmitSm {
    SubmitSm {
        source_addr: "12345".try_into().unwrap(),
        destination_addr: "447700900123".try_into().unwrap(),
        short_message: vec![b'x'; 100].into(),
        ..SubmitSm::default()
    }
}

/// A thread with its runtime, so that parts of a test can be counted and others not.
struct Thread(tokio::runtime::Runtime, LocalSet);

impl Thread {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Self(runtime.unwrap(), LocalSet::new())
    }

    fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.1.block_on(&self.0, future)
    }
}

#[test]
fn a_message_takes_no_allocation_from_caller_to_caller() {
    const ROUNDS: u64 = 20;
    const WINDOWS: u64 = 400;
    let thread = Thread::new();
    let message = message();
    let (esme, mut pendings) = thread.run(async {
        let esme = Esme::start_local(settings(), Arc::new(Yes)).unwrap();
        esme.submit(message.clone()).await.unwrap();
        (esme, Vec::with_capacity(WINDOWS as usize))
    });
    let mut rounds = |count: u64| {
        thread.run(async {
            for _ in 0..count {
                pendings.extend((0..WINDOWS).map(|_| esme.try_submit(message.clone()).unwrap()));
                for pending in pendings.drain(..) {
                    pending.await.unwrap();
                }
            }
        });
    };
    // Buffers and tables reach their size.
    rounds(ROUNDS);
    let counted = allocation_counter::measure(|| rounds(ROUNDS));
    // The line to its caller and the box of a job are used again; what drains and wake-ups cost is shared by many.
    let each = counted.count_total as f64 / (ROUNDS * WINDOWS) as f64;
    println!(
        "{each} allocations, {} octets",
        counted.bytes_total / (ROUNDS * WINDOWS)
    );
    assert!(each < 0.1, "{each} allocations a message");
    assert_eq!(counted.count_current, 0);
}

/// Counts outcomes.
#[derive(Clone, Default)]
struct Counter {
    outcomes: Arc<AtomicU64>,
    busy: Arc<AtomicU64>,
    /// Adds up the references, so that one that comes twice shows.
    sum: Arc<AtomicU64>,
}

impl Actor for Counter {
    type Context = Context<Self>;
}

impl Handler<Event> for Counter {
    type Result = ();

    fn handle(&mut self, event: Event, _: &mut Context<Self>) {
        let Event::Outcome(outcome) = event else { return };
        let Reference::Number(number) = outcome.reference else {
            return;
        };
        let is_busy = outcome.result == Err(SubmitError::Busy);
        if is_busy || outcome.result.is_ok() {
            self.outcomes.fetch_add(1, Ordering::Relaxed);
            self.busy.fetch_add(u64::from(is_busy), Ordering::Relaxed);
            self.sum.fetch_add(number, Ordering::Relaxed);
        }
    }
}

#[test]
fn a_million_messages_sent_past_the_permits_have_their_outcomes_and_memory_falls_back() {
    const COUNT: u64 = 1_000_000;
    let thread = Thread::new();
    let counter = Counter::default();
    let (esme, smsc) = thread.run(async {
        let smsc = Smsc::listen("127.0.0.1:0", Behaviour::default(), 1)
            .await
            .unwrap();
        let address = smsc.local_addr().unwrap().to_string();
        let bind = || {
            BindSettings::new(address.as_str(), "a", "secret").enquire_link_interval(Duration::from_secs(1))
        };
        let settings = Settings::default().bind("a-1", bind()).bind("a-2", bind());
        let esme = Esme::start_local(settings, Arc::new(TcpConnector)).unwrap();
        esme.submit(message()).await.unwrap();
        esme.subscribe(counter.clone().start().recipient(), Kinds::OUTCOMES);
        (esme, smsc)
    });
    let router = esme.router().clone();
    let mut flooded = AllocationInfo::default();
    let drained = allocation_counter::measure(|| {
        let flood = std::thread::spawn(move || {
            allocation_counter::measure(|| {
                let message = message();
                for number in 1..=COUNT {
                    router.do_send(Submit::from(message.clone()).reference(number));
                }
            })
        });
        thread.run(async {
            let all = async {
                while counter.outcomes.load(Ordering::Relaxed) < COUNT {
                    tokio::task::yield_now().await;
                }
            };
            timeout(Duration::from_secs(120), all).await.unwrap();
        });
        flooded = flood.join().unwrap();
    });
    assert_eq!(counter.outcomes.load(Ordering::Relaxed), COUNT);
    assert_eq!(counter.sum.load(Ordering::Relaxed), COUNT * (COUNT + 1) / 2);
    let status = thread.run(esme.status());
    assert_eq!((status.waiting, status.totals.under_way()), (0, 0));
    assert_eq!(status.totals.busy, counter.busy.load(Ordering::Relaxed));
    assert_eq!(status.permits_free, status.permits);

    // Every bind stayed up and answered.
    let counters = smsc.counters();
    assert_eq!((counters.links, counters.connections, counters.cuts), (2, 2, 0));

    // One thread allocated what the other freed. The SMSC remembers the messages that it took, some 200 octets each.
    let left = drained.bytes_current + flooded.bytes_current;
    println!(
        "{} busy, {} octets sent, {left} left",
        status.totals.busy, flooded.bytes_total
    );
    let remembered = i64::try_from(counters.messages * 300).unwrap();
    assert!(left < remembered + (1 << 20), "{left} octets are left");
}

/// Connects to an SMSC and sends nonsense of one of several kinds.
async fn knock(smsc: &Smsc, number: u32, rng: &mut fastrand::Rng) -> Option<Transport> {
    // The SMSC comes to see what was closed meanwhile.
    tokio::task::yield_now().await;
    let mut transport = smsc.connector().connect(&Target::new("smsc", 2775)).await.ok()?;
    let octets = match rng.u8(..5) {
        // Binds under names that nobody had before.
        0 => {
            let bind = Pdu::from(BindTransceiver {
                system_id: format!("f{number}").as_str().try_into().unwrap(),
                ..BindTransceiver::default()
            });
            let mut octets = Vec::new();
            bind.encode(CommandStatus::ESME_ROK, SequenceNumber::FIRST, &mut octets)
                .unwrap();
            octets
        }
        // Announces more than it sends.
        1 => [u32::MAX.to_be_bytes(), [0; 4], [0; 4], [0; 4]].concat(),
        2 => vec![0, 0, 1, 0, 0, 0],
        3 => std::iter::repeat_with(|| rng.u8(..)).take(500).collect(),
        _ => Vec::new(),
    };
    // It may be closed already.
    let _ = transport.write_all(&octets).await;
    tokio::task::yield_now().await;
    Some(transport)
}

#[test]
fn a_flood_of_connections_with_nonsense_costs_an_smsc_what_its_limits_say() {
    const OPEN: usize = 130;
    let thread = Thread::new();
    let limits = Limits {
        connections: 50,
        accounts: 10,
        ..Limits::default()
    };
    let behaviour = Behaviour {
        limits,
        ..Behaviour::default()
    };
    let smsc = Smsc::in_memory(behaviour, 1);
    let mut rng = fastrand::Rng::with_seed(1);
    let mut flood = |from: u32, count: u32| {
        thread.run(async {
            let mut open = VecDeque::with_capacity(OPEN);
            for number in from..from + count {
                open.push_back(knock(&smsc, number, &mut rng).await);
                if open.len() == OPEN {
                    open.pop_front();
                }
            }
            drop(open);
            while smsc.counters().links > 0 {
                tokio::task::yield_now().await;
            }
        });
    };
    // Buffers and tables reach their size.
    flood(0, 2_000);
    let counted = allocation_counter::measure(|| flood(2_000, 20_000));
    let counters = smsc.counters();
    println!(
        "{} octets at most, {} left, {counters:?}",
        counted.bytes_max, counted.bytes_current
    );
    assert!(
        counters.connections_refused > 100 && counters.binds_refused > 1_000,
        "{counters:?}"
    );
    assert_eq!(counters.binds, 10);
    assert!(
        counted.bytes_max < 1 << 20,
        "{} octets at most",
        counted.bytes_max
    );
    assert!(
        counted.bytes_current < 1 << 14,
        "{} octets are left",
        counted.bytes_current
    );
}

#[test]
fn receipts_that_belong_to_nothing_leave_no_room_behind() {
    let (mut correlator, now) = (
        Correlator::<u64>::new(CorrelatorLimits::default()),
        Instant::now(),
    );
    let counted = allocation_counter::measure(|| {
        for number in 0..20_000_u64 {
            let text = format!("id:{number:010} stat:DELIVRD");
            correlator.handle_receipt(Receipt::parse(&text).into_owned(), now);
        }
        assert_eq!(correlator.parked(), CorrelatorLimits::default().parked);
        correlator.handle_timeout(now + CorrelatorLimits::default().park_for);
        while correlator.poll_event().is_some() {}
    });
    println!(
        "{} octets at most, {} left",
        counted.bytes_max, counted.bytes_current
    );
    assert_eq!(correlator.counters().orphans, 20_000);
    assert!(counted.bytes_max > 1 << 20, "{} at most", counted.bytes_max);
    assert!(
        counted.bytes_current < 1 << 14,
        "{} octets are left",
        counted.bytes_current
    );
}
