//! Which alphabet a text is written in.

use super::alphabet::Alphabet;
use super::cut::Text;
use super::error::{TextError, Unencodable};
use super::gsm7::{Language, Tables};
use super::plan::Plan;
use super::split::{AlphabetChoice, Shifts, SplitOptions};
use crate::pdu::DataCoding;

/// What announces the alphabet, and the parts that the text makes in it.
pub(super) fn choose<'o>(text: &str, options: &'o SplitOptions) -> Result<(DataCoding, Plan<'o>), TextError> {
    match options.alphabet {
        AlphabetChoice::Only(alphabet) => only(text, alphabet, options),
        AlphabetChoice::Prefer(alphabet) => match only(text, alphabet, options) {
            Err(TextError::Unencodable { .. }) => only(text, Alphabet::Ucs2, options),
            chosen => chosen,
        },
        AlphabetChoice::Auto => cheapest(text, options),
        AlphabetChoice::Gsm7 => gsm7(text, options),
    }
}

fn only<'o>(
    text: &str,
    alphabet: Alphabet,
    options: &'o SplitOptions,
) -> Result<(DataCoding, Plan<'o>), TextError> {
    let content = Text::new(text, alphabet, options.unencodable, options.keep_clusters)?;
    Ok((alphabet.data_coding(), Plan::new(&content, alphabet, options)?))
}

/// The default alphabet where it will do; else what makes the fewest parts, and among equals national tables
/// before Latin-1 (each only where it is allowed) before UCS2.
fn cheapest<'o>(text: &str, options: &'o SplitOptions) -> Result<(DataCoding, Plan<'o>), TextError> {
    let default = options.default_alphabet.alphabet();
    if let Some(content) = held(text, default, options) {
        return Ok((DataCoding::DEFAULT, Plan::new(&content, default, options)?));
    }
    let national = if default == Alphabet::GSM7 {
        tables_of(options)
    } else {
        Vec::new()
    };
    let latin1 = options.latin1.then_some(Alphabet::Latin1);
    let others = national
        .into_iter()
        .map(Alphabet::Gsm7)
        .chain(latin1)
        .chain([Alphabet::Ucs2]);
    // UCS2 holds every text.
    let plan = cheapest_of(text, others, options).unwrap_or(Err(TextError::NoText))?;
    Ok((plan.alphabet.data_coding(), plan))
}

/// The default alphabet, or the cheapest national tables.
fn gsm7<'o>(text: &str, options: &'o SplitOptions) -> Result<(DataCoding, Plan<'o>), TextError> {
    let national = || cheapest_of(text, tables_of(options).into_iter().map(Alphabet::Gsm7), options);
    match held(text, Alphabet::GSM7, options) {
        None if let Some(plan) = national() => Ok((DataCoding::DEFAULT, plan?)),
        _ => only(text, Alphabet::GSM7, options),
    }
}

/// The text in an alphabet that has all its characters.
fn held<'t>(text: &'t str, alphabet: Alphabet, options: &SplitOptions) -> Option<Text<'t>> {
    Text::new(text, alphabet, Unencodable::Refuse, options.keep_clusters).ok()
}

/// The cheapest of the alphabets that hold the text; none when none does.
fn cheapest_of<'o>(
    text: &str,
    alphabets: impl Iterator<Item = Alphabet>,
    options: &'o SplitOptions,
) -> Option<Result<Plan<'o>, TextError>> {
    alphabets
        .filter_map(|alphabet| Some(Plan::new(&held(text, alphabet, options)?, alphabet, options)))
        .reduce(|best, other| match (&best, &other) {
            (Ok(cheap), Ok(plan)) if cost(plan) < cost(cheap) => other,
            (Err(_), Ok(_)) => other,
            _ => best,
        })
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
