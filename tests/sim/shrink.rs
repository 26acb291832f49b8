//! Finds out how little of a failing seed it takes to fail.

use std::collections::BTreeSet;

/// After so many runs what is left is little enough.
const RUNS: usize = 600;

/// Parts of a plan that a run does without, by their numbers.
pub(crate) type Without = BTreeSet<usize>;

/// The most of `parts` parts that can be left out while it still `fails`: halves first, then smaller pieces, in the end one
/// by one.
pub(crate) fn shrink(parts: usize, mut fails: impl FnMut(&Without) -> bool) -> Without {
    let mut without = Without::new();
    let (mut piece, mut runs) = (parts.div_ceil(2).max(1), 0);
    loop {
        let left: Vec<usize> = (0..parts).filter(|part| !without.contains(part)).collect();
        let before = without.len();
        for piece in left.chunks(piece) {
            let mut fewer = without.clone();
            fewer.extend(piece);
            runs += 1;
            if runs > RUNS {
                return without;
            }
            if fails(&fewer) {
                without = fewer;
            }
        }
        if piece == 1 && without.len() == before {
            return without;
        }
        piece = (piece / 2).max(1);
    }
}

#[test]
fn what_it_takes_to_fail_is_found_among_all_that_happens() {
    for needed in [&[3, 17, 90][..], &[0], &[99], &[]] {
        let fails = |without: &Without| needed.iter().all(|part| !without.contains(part));
        let without = shrink(100, fails);
        let left: Vec<usize> = (0..100).filter(|part| !without.contains(part)).collect();
        assert_eq!(left, needed);
    }
}
