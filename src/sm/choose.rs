//! Which alphabet a text is written in.

use super::alphabet::Alphabet;
use super::cut::Text;
use super::error::{TextError, Unencodable};
use super::gsm7::{Language, Tables};
use super::plan::Plan;
use super::split::{AlphabetChoice, Shifts, SplitOptions};
use crate::pdu::DataCoding;

/// The alphabet, what announces it, and the parts that it makes.
pub(super) fn choose<'o>(text: &str, options: &'o SplitOptions) -> Result<(DataCoding, Plan<'o>), TextError> {
    match options.alphabet {
        AlphabetChoice::Only(alphabet) => only(text, alphabet, options),
        AlphabetChoice::Prefer(alphabet) if alphabet.holds(text) => only(text, alphabet, options),
        AlphabetChoice::Prefer(_) => only(text, Alphabet::Ucs2, options),
        AlphabetChoice::Auto => cheapest(text, options),
        AlphabetChoice::Gsm7 => gsm7(text, options),
    }
}

fn only<'o>(
    text: &str,
    alphabet: Alphabet,
    options: &'o SplitOptions,
) -> Result<(DataCoding, Plan<'o>), TextError> {
    if alphabet == Alphabet::Binary {
        return Err(TextError::NoText);
    }
    if options.unencodable == Unencodable::Refuse
        && let Some((offset, character)) = text
            .char_indices()
            .find(|(_, character)| alphabet.units(*character).is_none())
    {
        return Err(alphabet.unencodable(text, offset, character));
    }
    Ok((alphabet.data_coding(), plan(text, alphabet, options)?))
}

/// The default alphabet where it will do; else what makes the fewest parts, and among equals national tables
/// before Latin-1 (each only where it is allowed) before UCS2.
fn cheapest<'o>(text: &str, options: &'o SplitOptions) -> Result<(DataCoding, Plan<'o>), TextError> {
    let default = options.default_alphabet.alphabet();
    if default.holds(text) {
        return Ok((DataCoding::DEFAULT, plan(text, default, options)?));
    }
    let tables = if default == Alphabet::GSM7 {
        tables_of(options)
    } else {
        Vec::new()
    };
    let national = tables.into_iter().map(Alphabet::Gsm7);
    let latin1 = options.latin1.then_some(Alphabet::Latin1);
    let candidates = national
        .chain(latin1)
        .filter(|alphabet| alphabet.holds(text))
        .chain([Alphabet::Ucs2]);
    let best = cheapest_of(text, candidates, options)?;
    Ok((best.alphabet.data_coding(), best))
}

/// The default alphabet, or the cheapest national tables.
fn gsm7<'o>(text: &str, options: &'o SplitOptions) -> Result<(DataCoding, Plan<'o>), TextError> {
    let national = tables_of(options)
        .into_iter()
        .map(Alphabet::Gsm7)
        .filter(|alphabet| alphabet.holds(text));
    if Alphabet::GSM7.holds(text) {
        return only(text, Alphabet::GSM7, options);
    }
    match cheapest_of(text, national, options) {
        Ok(best) => Ok((DataCoding::DEFAULT, best)),
        // Says which character is in the way.
        Err(TextError::NoText) => only(text, Alphabet::GSM7, options),
        Err(error) => Err(error),
    }
}

/// The best of several alphabets; [`TextError::NoText`] when there is none.
fn cheapest_of<'o>(
    text: &str,
    candidates: impl Iterator<Item = Alphabet>,
    options: &'o SplitOptions,
) -> Result<Plan<'o>, TextError> {
    let mut best: Option<Plan<'_>> = None;
    let mut refused = TextError::NoText;
    for alphabet in candidates {
        match plan(text, alphabet, options) {
            Ok(other) if best.as_ref().is_none_or(|best| cost(&other) < cost(best)) => best = Some(other),
            Ok(_) => {}
            Err(error) => refused = error,
        }
    }
    best.ok_or(refused)
}

fn cost(plan: &Plan<'_>) -> (usize, u8, usize) {
    let rank = match plan.alphabet {
        Alphabet::Gsm7(_) => 0,
        Alphabet::Ucs2 => 2,
        _ => 1,
    };
    (plan.parts(), rank, plan.octets())
}

/// Every pair of a locking and a single shift table that is allowed, but not the pair of none.
fn tables_of(options: &SplitOptions) -> Vec<Tables> {
    let SplitOptions {
        languages, shifts, ..
    } = *options;
    let locking = |language: &Language| shifts != Shifts::Single && language.has_locking_shift();
    let single = |_: &Language| shifts != Shifts::Locking;
    let locking = || std::iter::once(None).chain(languages.iter().filter(locking).map(Some));
    std::iter::once(None)
        .chain(languages.iter().filter(single).map(Some))
        .flat_map(|single| locking().map(move |locking| Tables { locking, single }))
        .filter(|tables| !tables.is_default())
        .collect()
}

fn plan<'o>(text: &str, alphabet: Alphabet, options: &'o SplitOptions) -> Result<Plan<'o>, TextError> {
    let SplitOptions {
        unencodable,
        keep_clusters,
        ..
    } = *options;
    Plan::new(
        &Text {
            text,
            alphabet,
            unencodable,
            keep_clusters,
        },
        alphabet,
        options,
    )
}
