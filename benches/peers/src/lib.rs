//! Measures crates beside each other: nanoseconds and allocations, in one run.
//!
//! All cases run in turns, so that a busy machine slows each of them alike; the figure is the median of the
//! rounds. Allocations are counted over many repetitions, so that what a case does now and then, such as
//! filling a stream again, is shared out; a block that grows counts once more.

mod allocations;
pub mod work;

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Rounds of which the median is taken.
const ROUNDS: usize = 1_001;

/// How long a case runs within one round, about. Much shorter than what a scheduler gives away at a time: a busy
/// machine then spoils whole turns, few of them, instead of a part of each.
const TURN: Duration = Duration::from_micros(100);

/// Repetitions over which allocations are counted.
const COUNTED: u32 = 1_000;

/// The crate that the others are compared with.
pub const BINDERY: &str = "bindery";

/// One thing that one crate does.
pub struct Case {
    /// What is done; cases with the same work are compared.
    work: &'static str,
    /// In which of several ways; mostly empty.
    way: &'static str,
    /// Who does it.
    who: &'static str,
    /// How many things one run does.
    things: u32,
    /// False where less is done than the others do.
    is_compared: bool,
    run: Box<dyn FnMut()>,
}

impl Case {
    /// A case whose result is kept from being optimised away.
    pub fn new<T>(work: &'static str, who: &'static str, mut run: impl FnMut() -> T + 'static) -> Self {
        Self {
            work,
            way: "",
            who,
            things: 1,
            is_compared: true,
            run: Box::new(move || drop(black_box(run()))),
        }
    }

    /// The same, as one of several ways to do the work.
    pub fn way(self, way: &'static str) -> Self {
        Self { way, ..self }
    }

    /// The same, doing several things in one run; figures are for one of them.
    pub fn things(self, things: usize) -> Self {
        Self {
            things: u32::try_from(things).unwrap(),
            ..self
        }
    }

    /// The same, shown but not compared with, because less is done than the others do.
    pub fn not_compared(self) -> Self {
        Self {
            is_compared: false,
            ..self
        }
    }

    fn nanoseconds(&mut self, repeats: u32) -> f64 {
        let start = Instant::now();
        for _ in 0..repeats {
            (self.run)();
        }
        start.elapsed().as_secs_f64() * 1e9 / f64::from(repeats) / f64::from(self.things)
    }

    /// How often the case runs in a turn; finding it out warms it up.
    fn repeats(&mut self) -> u32 {
        let mut repeats = 16;
        loop {
            let nanoseconds = self.nanoseconds(repeats) * f64::from(self.things);
            if nanoseconds * f64::from(repeats) > TURN.as_secs_f64() * 1e9 || repeats > 1 << 24 {
                return repeats;
            }
            repeats *= 2;
        }
    }

    fn allocations(&mut self) -> f64 {
        let counted = allocations::count(|| (0..COUNTED).for_each(|_| (self.run)()));
        counted as f64 / f64::from(COUNTED) / f64::from(self.things)
    }
}

/// At most this share of the time of the fastest other crate, or no allocation at all.
pub struct Goal {
    /// What is done.
    pub work: &'static str,
    /// In which way.
    pub way: &'static str,
    /// The share.
    pub most: f64,
    /// True where nothing may be allocated either.
    pub allocates_nothing: bool,
}

/// What came out for a case.
struct Row {
    work: &'static str,
    way: &'static str,
    who: &'static str,
    is_compared: bool,
    nanoseconds: f64,
    middle_half: (f64, f64),
    allocations: f64,
}

/// Measures all cases, or those with every word of the command line in work or way, and prints what came out.
pub fn run(mut cases: Vec<Case>, goals: &[Goal]) {
    let words: Vec<_> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let is_wanted =
        |work: &str, way: &str| words.iter().all(|word| work.contains(word) || way.contains(word));
    cases.retain(|case| is_wanted(case.work, case.way));
    cases.sort_by_key(|case| case.work);
    let repeats: Vec<_> = cases.iter_mut().map(Case::repeats).collect();
    let mut samples = vec![Vec::with_capacity(ROUNDS); cases.len()];
    for _ in 0..ROUNDS {
        for ((case, repeats), samples) in cases.iter_mut().zip(&repeats).zip(&mut samples) {
            samples.push(case.nanoseconds(*repeats));
        }
    }
    let rows: Vec<_> = cases
        .iter_mut()
        .zip(samples)
        .map(|(case, samples)| row(case, samples))
        .collect();

    println!("| work | crate | ns | middle half | allocations | of the fastest other |");
    println!("|---|---|--:|--:|--:|--:|");
    for row in &rows {
        let Row {
            work,
            who,
            nanoseconds,
            middle_half: (from, to),
            allocations,
            ..
        } = row;
        let comma = if row.way.is_empty() { "" } else { ", " };
        let share = if *who == BINDERY { share(row, &rows) } else { None };
        let share = share.map_or_else(String::new, |(share, other)| format!("{share:.2} ({other})"));
        println!(
            "| {work}{comma}{} | {who} | {nanoseconds:.1} | {from:.1} to {to:.1} | {allocations:.1} | {share} |",
            row.way
        );
    }
    println!();
    for Goal {
        work,
        way,
        most,
        allocates_nothing,
    } in goals
    {
        let row = rows
            .iter()
            .find(|row| row.who == BINDERY && (row.work, row.way) == (*work, *way));
        let Some((row, (share, other))) = row.and_then(|row| Some((row, share(row, &rows)?))) else {
            continue; // not wanted
        };
        let is_met = share <= *most && (!allocates_nothing || row.allocations == 0.0);
        let verdict = if is_met { "met" } else { "MISSED" };
        let nothing = if *allocates_nothing { ", no allocation" } else { "" };
        println!("{verdict}: {work}, {way}: {share:.2} of {other}, goal {most:.2}{nothing}");
    }
}

fn row(case: &mut Case, mut samples: Vec<f64>) -> Row {
    samples.sort_by(f64::total_cmp);
    Row {
        work: case.work,
        way: case.way,
        who: case.who,
        is_compared: case.is_compared,
        nanoseconds: samples[ROUNDS / 2],
        middle_half: (samples[ROUNDS / 4], samples[ROUNDS * 3 / 4]),
        allocations: case.allocations(),
    }
}

/// The time of a row as a share of the fastest other crate's, and who that is.
fn share(row: &Row, rows: &[Row]) -> Option<(f64, &'static str)> {
    rows.iter()
        .filter(|other| other.work == row.work && other.who != BINDERY && other.is_compared)
        .min_by(|one, other| one.nanoseconds.total_cmp(&other.nanoseconds))
        .map(|fastest| (row.nanoseconds / fastest.nanoseconds, fastest.who))
}
