//! What a text will cost, before it is sent.

use std::fmt;

use super::alphabet::Alphabet;
use super::choose::choose;
use super::error::TextError;
use super::split::SplitOptions;
use super::transliterate::transliterate;
use crate::pdu::DataCoding;

/// A character that the default alphabet lacks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Forcing {
    /// The character.
    pub character: char,
    /// Where it stands first, counted in characters from 0.
    pub index: usize,
    /// How often it stands in the text.
    pub count: usize,
}

/// What a text takes with certain options.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Preview {
    /// The alphabet that is chosen.
    pub alphabet: Alphabet,
    /// What announces it.
    pub data_coding: DataCoding,
    /// Units of each part (septets, octets, UTF-16 units).
    pub units: Vec<usize>,
    /// Units that one part can hold.
    pub per_part: usize,
    /// Units that the last part has room for.
    pub remaining: usize,
    /// Characters that the default alphabet lacks, each once: those that made it dearer.
    pub forcing: Vec<Forcing>,
    /// The smallest alphabet that holds the text at all ([`smallest`]).
    pub smallest: Alphabet,
    /// Characters that transliteration changed.
    pub transliterated: usize,
}

/// Says what a text will take, without writing it.
///
/// # Errors
///
/// As [`split_text`](super::split_text).
pub fn preview(text: &str, options: &SplitOptions) -> Result<Preview, TextError> {
    let (text, transliterated) = transliterate(text, options);
    let (data_coding, plan) = choose(&text, options)?;
    Ok(Preview {
        alphabet: plan.alphabet,
        data_coding,
        units: plan.units().collect(),
        per_part: plan.per_part,
        remaining: plan.remaining(),
        forcing: forcing(&text, options.default_alphabet.alphabet()),
        smallest: smallest(&text),
        transliterated,
    })
}

/// The smallest of GSM 7-bit, Latin-1 and UCS2 that holds a text.
#[must_use]
pub fn smallest(text: &str) -> Alphabet {
    [Alphabet::GSM7, Alphabet::Latin1]
        .into_iter()
        .find(|alphabet| alphabet.holds(text))
        .unwrap_or(Alphabet::Ucs2)
}

fn forcing(text: &str, default: Alphabet) -> Vec<Forcing> {
    let mut forcing: Vec<Forcing> = Vec::new();
    let lacking = text
        .chars()
        .enumerate()
        .filter(|(_, character)| default.units(*character).is_none());
    for (index, character) in lacking {
        match forcing.iter_mut().find(|known| known.character == character) {
            Some(known) => known.count += 1,
            None => forcing.push(Forcing {
                character,
                index,
                count: 1,
            }),
        }
    }
    forcing
}

impl Preview {
    /// How many parts there are.
    #[must_use]
    pub fn parts(&self) -> usize {
        self.units.len()
    }
}

/// A few lines for people.
impl fmt::Display for Preview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            alphabet,
            data_coding,
            per_part,
            remaining,
            smallest,
            ..
        } = self;
        writeln!(
            f,
            "alphabet   {alphabet} (data_coding {:#04x})",
            data_coding.value()
        )?;
        writeln!(
            f,
            "parts      {} of at most {per_part} {}",
            self.parts(),
            alphabet.unit_name()
        )?;
        let units: Vec<String> = self.units.iter().map(usize::to_string).collect();
        writeln!(f, "used       {}, room for {remaining} more", units.join(" + "))?;
        if !self.forcing.is_empty() {
            write!(f, "not GSM   ")?;
            for Forcing {
                character,
                index,
                count,
            } in &self.forcing
            {
                write!(f, " {character:?} at {index}")?;
                if *count > 1 {
                    write!(f, " ({count} times)")?;
                }
            }
            writeln!(f)?;
        }
        if self.transliterated > 0 {
            writeln!(
                f,
                "changed    {} characters for similar ones",
                self.transliterated
            )?;
        }
        write!(f, "smallest   {smallest}")
    }
}
