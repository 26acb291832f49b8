//! Dates in receipts.

use std::fmt;

use crate::pdu::time::days_of;

/// A date of a receipt, in the clock of the message centre.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ReceiptDate {
    /// With the century.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// Minutes that the clock is ahead of UTC; none where the text does not say, as usual.
    pub offset: Option<i16>,
}

impl ReceiptDate {
    /// Reads the forms that are in use: `YYMMDDhhmm`, with seconds, with a four-digit year, both, and the sixteen
    /// characters of an SMPP time. None for anything that is not a date.
    ///
    /// Twelve digits are `YYMMDDhhmmss` where that is a date, else `YYYYMMDDhhmm`. Years 38 to 99 are of the
    /// twentieth century.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let octets = text.as_bytes();
        let digits = octets
            .strip_suffix(b"+")
            .or_else(|| octets.strip_suffix(b"-"))
            .unwrap_or(octets);
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let signed = digits.len() < octets.len();
        match (digits.len(), signed) {
            (10 | 12, false) => Self::short(digits).or_else(|| Self::long(digits)),
            (14, false) => Self::long(digits),
            (15, true) => {
                let offset = i16::from(number(digits.get(13..15)?)) * 15;
                let offset = if octets.ends_with(b"-") { -offset } else { offset };
                Self::short(digits.get(..12)?).map(|date| Self {
                    offset: Some(offset),
                    ..date
                })
            }
            _ => None,
        }
    }

    /// `YYMMDDhhmm`, then perhaps `ss`.
    fn short(digits: &[u8]) -> Option<Self> {
        let (year, rest) = digits.split_at_checked(2)?;
        let year = u16::from(number(year));
        Self::checked(year + if year < 38 { 2000 } else { 1900 }, rest)
    }

    /// `YYYYMMDDhhmm`, then perhaps `ss`.
    fn long(digits: &[u8]) -> Option<Self> {
        let (century, rest) = digits.split_at_checked(2)?;
        let (year, rest) = rest.split_at_checked(2)?;
        let year = u16::from(number(century)) * 100 + u16::from(number(year));
        (1970..=2099)
            .contains(&year)
            .then(|| Self::checked(year, rest))
            .flatten()
    }

    fn checked(year: u16, rest: &[u8]) -> Option<Self> {
        let (pairs, []) = rest.as_chunks::<2>() else {
            return None;
        };
        let [month, day, hour, minute, second] = match *pairs {
            [month, day, hour, minute] => [month, day, hour, minute, *b"00"],
            [month, day, hour, minute, second] => [month, day, hour, minute, second],
            _ => return None,
        }
        .map(|pair| number(&pair));
        let valid = (1..=days_of(year, month)).contains(&day) && hour < 24 && minute < 60 && second < 60;
        valid.then_some(Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
            offset: None,
        })
    }

    /// The date as `YYMMDDhhmm`, the form of 3.4 appendix B.
    #[must_use]
    pub fn to_minutes(self) -> impl fmt::Display {
        fmt::from_fn(move |f| {
            let Self {
                year,
                month,
                day,
                hour,
                minute,
                ..
            } = self;
            write!(f, "{:02}{month:02}{day:02}{hour:02}{minute:02}", year % 100)
        })
    }

    /// The date as `YYMMDDhhmmss`.
    #[must_use]
    pub fn to_seconds(self) -> impl fmt::Display {
        fmt::from_fn(move |f| write!(f, "{}{:02}", self.to_minutes(), self.second))
    }
}

/// The number of at most two digits.
fn number(digits: &[u8]) -> u8 {
    digits
        .iter()
        .fold(0, |number, digit| number * 10 + (digit - b'0'))
}

/// ISO 8601, for example `2018-07-11T07:00:03`, with the difference from UTC where it is known.
impl fmt::Display for ReceiptDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
            offset,
        } = *self;
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        )?;
        match offset {
            None => Ok(()),
            Some(0) => f.write_str("Z"),
            Some(offset) => {
                let sign = if offset < 0 { '-' } else { '+' };
                let minutes = offset.unsigned_abs();
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}
