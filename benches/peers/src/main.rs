//! Nanoseconds and allocations per PDU, for bindery and for other crates, in one run.
//!
//! All cases run in turns, so that a busy machine slows each of them alike; the figure is the median of the
//! rounds. Every codec first proves that it writes and reads the same octets.

mod ours;
mod rusmpp_codec;
mod smpp34_codec;
mod smpp_codec_codec;
mod text;

use std::hint::black_box;
use std::time::Instant;

/// Rounds of which the median is taken.
const ROUNDS: usize = 41;

/// Times that a case runs within one round.
const REPEATS: u32 = 20_000;

/// A text of 100 characters.
pub const TEXT: &str =
    "The quick brown fox jumps over the lazy dog, then it has a rest and jumps over the lazy dog once again.";

/// A receipt in the usual form.
pub const RECEIPT: &str = "id:0123456789 sub:001 dlvrd:001 submit date:2611221656 done date:2611221657 \
                           stat:DELIVRD err:000 text:The quick brown fox ";

/// One thing that one crate does.
pub struct Case {
    /// What is done.
    pub work: &'static str,
    /// Who does it.
    pub who: &'static str,
    /// Does it once.
    pub run: Box<dyn FnMut()>,
}

impl Case {
    /// A case whose result is kept from being optimised away.
    pub fn new<T>(work: &'static str, who: &'static str, mut run: impl FnMut() -> T + 'static) -> Self {
        Self { work, who, run: Box::new(move || drop(black_box(run()))) }
    }

    fn nanoseconds(&mut self) -> f64 {
        let start = Instant::now();
        for _ in 0..REPEATS {
            (self.run)();
        }
        start.elapsed().as_secs_f64() * 1e9 / f64::from(REPEATS)
    }

    fn allocations(&mut self) -> u64 {
        allocation_counter::measure(|| (self.run)()).count_total
    }
}

/// The frames that every codec reads.
pub struct Frames {
    /// A submit_sm with [`TEXT`].
    pub submit_sm: Vec<u8>,
    /// A deliver_sm with [`RECEIPT`] and three TLVs.
    pub deliver_sm: Vec<u8>,
    /// An enquire_link.
    pub enquire_link: Vec<u8>,
}

fn main() {
    let frames = ours::frames();
    let mut cases = Vec::new();
    cases.extend(ours::cases(&frames));
    cases.extend(rusmpp_codec::cases(&frames));
    cases.extend(smpp34_codec::cases(&frames));
    cases.extend(smpp_codec_codec::cases(&frames));
    cases.extend(text::cases());
    cases.sort_by_key(|case| case.work);

    let mut samples = vec![Vec::with_capacity(ROUNDS); cases.len()];
    for _ in 0..ROUNDS {
        for (case, samples) in cases.iter_mut().zip(&mut samples) {
            samples.push(case.nanoseconds());
        }
    }
    println!("| work | crate | ns | allocations | against the fastest other |");
    println!("|---|---|--:|--:|--:|");
    let medians: Vec<f64> = samples.into_iter().map(median).collect();
    let rows: Vec<_> = cases.iter().zip(&medians).map(|(case, ns)| (case.work, case.who, *ns)).collect();
    for (case, ns) in cases.iter_mut().zip(&medians) {
        let allocations = case.allocations();
        let work = base(case.work);
        let fastest = rows
            .iter()
            .filter(|(other, who, _)| base(other) == work && *who != "bindery")
            .filter(|(other, who, _)| !(other.contains("enquire_link decode") && *who == "smpp-codec"))
            .map(|(_, _, ns)| *ns)
            .fold(f64::INFINITY, f64::min);
        let ratio = if case.who == "bindery" { format!("{:.2}", ns / fastest) } else { String::new() };
        println!("| {} | {} | {ns:.1} | {} | {ratio} |", case.work, case.who, allocations);
    }
}

/// What a case is compared by: the part before the bracket.
fn base(work: &str) -> &str {
    work.split(" (").next().unwrap_or(work)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
