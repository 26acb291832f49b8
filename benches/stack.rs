//! From caller to caller: `Esme`, router, bind and session over a pipe, against a peer that says yes.

#![allow(clippy::unwrap_used, reason = "a benchmark fails loudly")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use bindery::dispatch::{Dispatcher, MostRoom, Ticket};
use bindery::esme::Esme;
use bindery::link::{Connect, Connecting, Target, Transport};
use bindery::pdu::SubmitSm;
use bindery::settings::{BindSettings, Settings};
use bindery::submit::Submit;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::task::LocalSet;

/// Says yes to everything, at next to no cost.
#[derive(Debug)]
struct Yes;

impl Connect for Yes {
    fn connect(&self, _: &Target) -> Connecting {
        let (ours, theirs) = tokio::io::duplex(1 << 18);
        tokio::task::spawn_local(say_yes(theirs));
        Box::pin(async { Ok(Transport::Pipe(ours)) })
    }
}

async fn say_yes(mut link: DuplexStream) {
    let (mut input, mut output) = (vec![0; 1 << 18], Vec::new());
    let mut filled = 0;
    while let Ok(count @ 1..) = link.read(&mut input[filled..]).await {
        filled += count;
        let mut at = 0;
        while let Some(header) = input[at..filled].first_chunk::<16>() {
            let length = u32::from_be_bytes(*header.first_chunk().unwrap()) as usize;
            if filled - at < length {
                break;
            }
            output.extend([0, 0, 0, 18, 0x80, 0, 0, header[7], 0, 0, 0, 0]);
            output.extend(&header[12..]);
            output.extend(b"x\0");
            at += length;
        }
        input.copy_within(at..filled, 0);
        filled -= at;
        if link.write_all(&output).await.is_err() {
            return;
        }
        output.clear();
    }
}

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
