//! The text of a receipt, as a message centre writes it.

use std::fmt;

use super::ReceiptDate;

/// Characters of the message that a receipt repeats.
const TEXT_CHARACTERS: usize = 20;

/// The fields of a receipt to be written; [`fmt::Display`] gives the text in the form of 3.4 appendix B.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ReceiptText<'a> {
    /// The message id.
    pub id: &'a str,
    /// How many messages were submitted; written with three digits.
    pub sub: u16,
    /// How many of them were delivered; written with three digits.
    pub dlvrd: u16,
    /// When it was submitted; ten zeros where it is not known.
    pub submitted: Option<ReceiptDate>,
    /// When it reached its state; ten zeros where it is not known.
    pub done: Option<ReceiptDate>,
    /// Whether dates have seconds.
    pub seconds: bool,
    /// The state ([`word_of`](super::word_of)).
    pub stat: &'a str,
    /// The error code; usually three digits.
    pub err: &'a str,
    /// The message; its first twenty characters are repeated.
    pub text: &'a str,
}

impl ReceiptText<'_> {
    /// Appends the octets: ASCII, with `?` for anything else.
    pub fn write(&self, out: &mut Vec<u8>) {
        let text = self.to_string();
        out.extend(text.chars().map(|character| {
            if character.is_ascii() {
                character as u8
            } else {
                b'?'
            }
        }));
    }

    fn date(&self, date: Option<ReceiptDate>) -> impl fmt::Display {
        let seconds = self.seconds;
        fmt::from_fn(move |f| match date {
            None => f.write_str("0000000000"),
            Some(date) if seconds => write!(f, "{}", date.to_seconds()),
            Some(date) => write!(f, "{}", date.to_minutes()),
        })
    }
}

impl fmt::Display for ReceiptText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            id,
            sub,
            dlvrd,
            submitted,
            done,
            stat,
            err,
            text,
            ..
        } = *self;
        let (submitted, done) = (self.date(submitted), self.date(done));
        let end = text
            .char_indices()
            .nth(TEXT_CHARACTERS)
            .map_or(text.len(), |(at, _)| at);
        let text = text.get(..end).unwrap_or_default();
        write!(
            f,
            "id:{id} sub:{sub:03} dlvrd:{dlvrd:03} submit date:{submitted} done date:{done} "
        )?;
        write!(f, "stat:{stat} err:{err} text:{text}")
    }
}
