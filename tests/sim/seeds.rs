//! Many seeds.

use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::bench::kind;
use crate::run::{Report, describe, parts, run, run_without};
use crate::shrink::{Without, shrink};

/// What runs unless somebody wants other seeds.
const USUAL: Range<u64> = 0..500;

/// After so many failures nothing more is to be learnt.
const MOST_FAILURES: usize = 5;

#[test]
fn callers_are_told_the_truth_whatever_goes_wrong() {
    let seeds = wanted(USUAL);
    let next = AtomicU64::new(seeds.start);
    let failures = Mutex::new(Vec::new());
    let kinds = Mutex::new(BTreeMap::new());
    let faults = Mutex::new(BTreeMap::new());
    let (sightings, receipts) = (AtomicU64::new(0), AtomicU64::new(0));
    // Each run has one thread; runs do not know of each other.
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end || failures.lock().unwrap().len() >= MOST_FAILURES {
                        return;
                    }
                    match outcome(seed, &Without::new()) {
                        Ok(report) => {
                            sightings.fetch_add(report.sightings as u64, Ordering::Relaxed);
                            receipts.fetch_add(report.receipts as u64, Ordering::Relaxed);
                            for (name, count) in &report.faults {
                                *faults.lock().unwrap().entry(*name).or_insert(0_u64) += count;
                            }
                            let mut kinds = kinds.lock().unwrap();
                            for outcome in report.outcomes.values() {
                                *kinds.entry(kind(outcome)).or_insert(0_u64) += 1;
                            }
                        }
                        Err(wrong) => failures.lock().unwrap().push((seed, wrong)),
                    }
                }
            });
        }
    });
    let kinds = kinds.into_inner().unwrap();
    let faults = faults.into_inner().unwrap();
    println!(
        "seeds {seeds:?}: {kinds:?}, seen {}, receipts {}; {faults:?}",
        sightings.into_inner(),
        receipts.load(Ordering::Relaxed)
    );
    let failures = failures.into_inner().unwrap();
    for (seed, wrong) in &failures {
        eprintln!(
            "seed {seed}: {wrong}\n\
             again: BINDERY_SEEDS={seed}..{} cargo test --locked --test sim whatever -- --nocapture\n",
            seed + 1
        );
    }
    if let [(seed, _)] = failures.as_slice()
        && seeds.end - seeds.start == 1
    {
        let without = shrink(parts(*seed), |without| outcome(*seed, without).is_err());
        let Err(wrong) = outcome(*seed, &without) else {
            unreachable!("it failed a moment ago, and runs of a seed are equal")
        };
        eprintln!("so much of it is enough: {wrong}\n{}", describe(*seed, &without));
    }
    assert!(failures.is_empty(), "{} seeds failed", failures.len());
    if seeds == USUAL {
        for (kind, least) in [
            ("submitted", 10_000),
            ("unknown", 200),
            ("partial", 50),
            ("rejected", 50),
            ("expired", 200),
            ("not sent", 0),
            ("busy", 50),
            ("no route", 50),
            ("shutting down", 200),
        ] {
            let count = kinds.get(kind).copied().unwrap_or_default();
            assert!(count >= least, "too easy: {count} {kind} of {kinds:?}");
        }
        assert!(faults.values().all(|count| *count >= 100), "too easy: {faults:?}");
        assert!(receipts.into_inner() >= 1_000, "too easy");
    }
}

/// What came of a seed without these parts of it.
fn outcome(seed: u64, without: &Without) -> Result<Report, String> {
    let ran = catch_unwind(AssertUnwindSafe(|| run_without(seed, without)));
    ran.unwrap_or_else(|_| Err("a panic, see above".into()))
}

#[test]
fn a_seed_is_one_run() {
    for seed in 0..5 {
        let digest = |seed| run(seed).unwrap().digest;
        assert_eq!(digest(seed), digest(seed), "seed {seed}");
        assert_ne!(digest(seed), digest(seed + 1));
    }
}

/// The seeds to run: those of `BINDERY_SEEDS`, as in `100..200`, else the usual ones.
pub(crate) fn wanted(usual: Range<u64>) -> Range<u64> {
    let Ok(wanted) = std::env::var("BINDERY_SEEDS") else {
        return usual;
    };
    let range = wanted
        .split_once("..")
        .and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
    range.unwrap_or_else(|| panic!("BINDERY_SEEDS={wanted} is not from..to"))
}
