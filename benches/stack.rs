//! From caller to caller: `Esme`, router, bind and session over a pipe, against a peer that says yes.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a benchmark fails loudly")]

#[path = "fixtures/yes.rs"]
mod yes;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use bindery::dispatch::{Dispatcher, MostRoom, Ticket};
use bindery::esme::Esme;
use bindery::pdu::SubmitSm;
use bindery::settings::{BindSettings, Settings};
use bindery::submit::Submit;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tokio::task::LocalSet;
use yes::Yes;

fn message() -> SubmitSm {
    SubmitSm {
        source_addr: "12345".try_into().unwrap(),
        destination_addr: "447700900123".try_into().unwrap(),
        short_message: vec![b'x'; 100].into(),
        ..SubmitSm::default()
    }
}

/// Messages through one or eight binds, 1,000 under way.
fn stack(criterion: &mut Criterion) {
    const UNDER_WAY: usize = 1_000;
    let mut group = criterion.benchmark_group("stack");
    group.throughput(Throughput::Elements(UNDER_WAY as u64));
    for binds in [1, 8] {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let local = LocalSet::new();
        let window = UNDER_WAY / binds;
        let settings = (0..binds).fold(Settings::default(), |settings, number| {
            let bind = BindSettings::new("smsc:2775", "a", "secret").window(window);
            settings.bind(format!("a-{number}"), bind)
        });
        let esme = local.block_on(&runtime, async {
            Esme::start_local(settings, Arc::new(Yes)).unwrap()
        });
        let message = message();
        let mut pendings = Vec::new();
        group.bench_function(BenchmarkId::new("try_submit", binds), |bencher| {
            bencher.iter(|| {
                local.block_on(&runtime, async {
                    pendings.extend((0..UNDER_WAY).map(|_| esme.try_submit(message.clone()).unwrap()));
                    for pending in pendings.drain(..) {
                        pending.await.unwrap();
                    }
                });
            });
        });
        group.bench_function(BenchmarkId::new("submit_batch", binds), |bencher| {
            bencher.iter(|| {
                let submits = (0..UNDER_WAY).map(|_| Submit::from(message.clone()));
                let results = local.block_on(&runtime, esme.submit_batch(submits));
                assert!(results.iter().all(Result::is_ok));
            });
        });
    }
    group.finish();
}

/// Choosing a bind and giving its seat back.
fn dispatch(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("dispatch");
    for binds in [1, 8, 1_000] {
        let now = Instant::now();
        let mut dispatcher = Dispatcher::new(1_000);
        let lane = dispatcher.add_lane(Box::new(MostRoom::new()));
        for _ in 0..binds {
            let bind = dispatcher.add_bind();
            dispatcher.join(bind, lane, now);
            dispatcher.set_seats(bind, 0, 10, now);
            dispatcher.set_open(bind, true, now);
        }
        let mut intake = 0;
        group.bench_function(BenchmarkId::from_parameter(binds), |bencher| {
            bencher.iter(|| {
                intake += 1;
                let ticket = Ticket {
                    intake,
                    priority: 0,
                    expires_at: None,
                    lane,
                    seats: 1,
                    affinity: 0,
                    admitted: true,
                };
                dispatcher.offer(ticket, intake).unwrap();
                let (bind, jobs) = dispatcher.poll_assigned().unwrap();
                dispatcher.set_seats(bind, jobs.len(), 10, now);
                black_box(jobs);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, stack, dispatch);
criterion_main!(benches);
