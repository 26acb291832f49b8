//! Ten million messages and their receipts through the store, and what memory does meanwhile.
//!
//! `cargo bench --locked --bench receipts -- 10000000`. Time is virtual: a thousand messages a second.

#![allow(clippy::print_stdout, reason = "says what it measured")]

use std::fs;
use std::process::ExitCode;
use std::time::Instant;

#[path = "fixtures/receipts.rs"]
mod receipts;

use receipts::World;

/// Messages that are kept at most.
const MESSAGES: usize = 80_000;

/// Messages when nobody says how many.
const USUAL: u64 = 1_000_000;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let count = arguments
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(USUAL);
    let (mut world, began) = (World::new(MESSAGES), Instant::now());
    // By then as much is kept as will ever be.
    let settled = (count / 4).max(1);
    let (mut first, mut last) = (0, 0);
    for number in 0..count {
        world.submit();
        if number == settled {
            first = resident();
        }
        if (number + 1) % (count / 10).max(1) == 0 {
            last = resident();
            println!(
                "{:>10} messages {:>7} kept {last:>9} KiB",
                number + 1,
                world.kept()
            );
        }
    }
    let took = began.elapsed();
    let ledger = world.finish();
    println!("{ledger:#?}");
    println!(
        "{} receipts and {count} messages in {:.1} s; most kept {}; {first} KiB after a quarter, {last} KiB at the end",
        ledger.receipts,
        took.as_secs_f64(),
        world.most_kept(),
    );
    let grown = last.saturating_mul(10) > first.saturating_mul(11);
    for mistake in world.mistakes() {
        println!("wrong: {mistake}");
    }
    if grown {
        println!("wrong: memory grew by more than a tenth");
    }
    ExitCode::from(u8::from(grown || !world.mistakes().is_empty()))
}

/// Resident memory in KiB; 0 where nobody says.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}
