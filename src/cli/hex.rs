//! Hexadecimal, read with a position for what is wrong.

use std::fmt::Write as _;

/// Why a text is not hexadecimal.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum Problem {
    /// A character that is no digit.
    #[error("not a hexadecimal digit")]
    Digit,
    /// Half an octet.
    #[error("an odd number of digits")]
    Odd,
}

/// What is wrong, and at which character.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{problem}")]
pub(super) struct HexError {
    /// What is wrong.
    pub(super) problem: Problem,
    /// Where, counted in characters.
    pub(super) position: usize,
}

/// The octets of a text of hexadecimal digits; white space between them does not count.
pub(super) fn parse(text: &str) -> Result<Vec<u8>, HexError> {
    let mut octets = Vec::with_capacity(text.len() / 2);
    let mut high = None;
    for (position, character) in text.chars().enumerate() {
        if character.is_ascii_whitespace() {
            continue;
        }
        let digit = character.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let digit = digit.ok_or(HexError {
            problem: Problem::Digit,
            position,
        })?;
        match high.take() {
            None => high = Some(digit),
            Some(high) => octets.push(high << 4 | digit),
        }
    }
    match high {
        None => Ok(octets),
        Some(_) => Err(HexError {
            problem: Problem::Odd,
            position: text.chars().count(),
        }),
    }
}

/// Lower-case digits.
pub(super) fn print(octets: &[u8]) -> String {
    octets
        .iter()
        .fold(String::with_capacity(octets.len() * 2), |mut text, octet| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{octet:02x}");
            text
        })
}
