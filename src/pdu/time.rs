//! Times of the wire: `YYMMDDhhmmsstnnp`, absolute or relative (3.4 section 7.1.1).

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Octets of a time field with its NUL; no other field has this size.
pub(super) const MAX: usize = 17;

/// Why octets are not a time.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeError {
    /// Not sixteen characters.
    #[error("{length} characters where 16 belong")]
    Length {
        /// How many there are.
        length: usize,
    },
    /// Something else than a digit where a digit belongs.
    #[error("no digit at position {position}")]
    Digit {
        /// Where.
        position: usize,
    },
    /// The last character is none of `+`, `-` and `R`.
    #[error("last character is not +, - or R")]
    Direction,
    /// A part outside its range.
    #[error("{part} is {value}")]
    Range {
        /// Which part.
        part: &'static str,
        /// Its value.
        value: u16,
    },
}

/// A point in time, with the difference of its clock from UTC.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct AbsoluteTime {
    /// 1938 to 2037: two digits on the wire.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31, as many as the month has.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// Tenths of a second, 0 to 9.
    pub tenths: u8,
    /// Quarter hours that the clock is ahead of UTC, -48 to 48.
    pub quarters: i8,
}

/// A span of time from now on.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct RelativeTime {
    /// 0 to 99.
    pub years: u8,
    /// 0 to 12.
    pub months: u8,
    /// 0 to 31.
    pub days: u8,
    /// 0 to 23.
    pub hours: u8,
    /// 0 to 59.
    pub minutes: u8,
    /// 0 to 59.
    pub seconds: u8,
}

/// What a time field holds when it is not empty.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum SmppTime {
    /// A point in time.
    Absolute(AbsoluteTime),
    /// A span from now on.
    Relative(RelativeTime),
}

impl SmppTime {
    /// Reads the sixteen characters of the wire.
    ///
    /// # Errors
    ///
    /// Anything that is not a time of the standard.
    pub fn parse(octets: &[u8]) -> Result<Self, TimeError> {
        let octets: &[u8; 16] = octets
            .try_into()
            .map_err(|_| TimeError::Length { length: octets.len() })?;
        let [digits @ .., direction] = octets;
        if let Some(position) = digits.iter().position(|digit| !digit.is_ascii_digit()) {
            return Err(TimeError::Digit { position });
        }
        let [y1, y0, m1, m0, d1, d0, h1, h0, i1, i0, s1, s0, tenths, n1, n0] =
            digits.map(|digit| digit - b'0');
        let [year, month, day] = [y1 * 10 + y0, m1 * 10 + m0, d1 * 10 + d0];
        let [hour, minute, second, quarters] = [h1 * 10 + h0, i1 * 10 + i0, s1 * 10 + s0, n1 * 10 + n0];
        let quarters = match direction {
            b'R' => {
                let time = RelativeTime {
                    years: year,
                    months: month,
                    days: day,
                    hours: hour,
                    minutes: minute,
                    seconds: second,
                };
                within("tenths", tenths, 0, 0)?;
                within("offset", quarters, 0, 0)?;
                return time.checked().map(Self::Relative);
            }
            b'+' => i8::try_from(quarters),
            b'-' => i8::try_from(quarters).map(|quarters| -quarters),
            _ => return Err(TimeError::Direction),
        };
        let quarters = quarters.map_err(|_| TimeError::Range {
            part: "offset",
            value: u16::MAX,
        })?;
        let year = u16::from(year) + if year < 38 { 2000 } else { 1900 };
        AbsoluteTime {
            year,
            month,
            day,
            hour,
            minute,
            second,
            tenths,
            quarters,
        }
        .checked()
        .map(Self::Absolute)
    }
}

/// The days of a month; 0 for a month that there is not.
pub(crate) fn days_of(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    }
}

fn within(part: &'static str, value: u8, low: u8, high: u8) -> Result<(), TimeError> {
    if (low..=high).contains(&value) {
        Ok(())
    } else {
        Err(TimeError::Range {
            part,
            value: u16::from(value),
        })
    }
}

impl AbsoluteTime {
    /// Checks every part against its range.
    ///
    /// # Errors
    ///
    /// The first part that is outside.
    pub fn checked(self) -> Result<Self, TimeError> {
        if !(1938..=2037).contains(&self.year) {
            return Err(TimeError::Range {
                part: "year",
                value: self.year,
            });
        }
        within("month", self.month, 1, 12)?;
        within("day", self.day, 1, days_of(self.year, self.month))?;
        within("hour", self.hour, 0, 23)?;
        within("minute", self.minute, 0, 59)?;
        within("second", self.second, 0, 59)?;
        within("tenths", self.tenths, 0, 9)?;
        within("offset", self.quarters.unsigned_abs(), 0, 48)?;
        Ok(self)
    }
}

impl AbsoluteTime {
    /// Reads ten or twelve digits, `YYMMDDhhmm` or `YYMMDDhhmmss`, as a time of UTC: some message centres send
    /// them where sixteen characters belong.
    ///
    /// # Errors
    ///
    /// Anything else.
    pub fn parse_digits(octets: &[u8]) -> Result<Self, TimeError> {
        let mut whole = *b"000000000000000+";
        match (octets.len(), whole.get_mut(..octets.len())) {
            (10 | 12, Some(start)) => start.copy_from_slice(octets),
            (length, _) => return Err(TimeError::Length { length }),
        }
        match SmppTime::parse(&whole)? {
            SmppTime::Absolute(time) => Ok(time),
            SmppTime::Relative(_) => Err(TimeError::Direction),
        }
    }

    /// The time for people, `2026-11-22 16:57:00.0 +01:00`.
    #[must_use]
    pub fn to_readable(self) -> String {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
            tenths,
            quarters,
        } = self;
        let sign = if quarters < 0 { '-' } else { '+' };
        let (hours, minutes) = (quarters.unsigned_abs() / 4, quarters.unsigned_abs() % 4 * 15);
        format!(
            "{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{tenths} {sign}{hours:02}:{minutes:02}"
        )
    }
}

impl RelativeTime {
    /// The span for people, `2 days 1 hour from now`.
    #[must_use]
    pub fn to_readable(self) -> String {
        let parts = [
            (self.years, "year"),
            (self.months, "month"),
            (self.days, "day"),
            (self.hours, "hour"),
            (self.minutes, "minute"),
            (self.seconds, "second"),
        ];
        let mut said: Vec<String> = parts
            .into_iter()
            .filter(|(count, _)| *count != 0)
            .map(|(count, unit)| format!("{count} {unit}{}", if count == 1 { "" } else { "s" }))
            .collect();
        if said.is_empty() {
            said.push("0 seconds".to_owned());
        }
        said.join(" ") + " from now"
    }

    /// Checks every part against its range.
    ///
    /// # Errors
    ///
    /// The first part that is outside.
    pub fn checked(self) -> Result<Self, TimeError> {
        within("years", self.years, 0, 99)?;
        within("months", self.months, 0, 12)?;
        within("days", self.days, 0, 31)?;
        within("hours", self.hours, 0, 23)?;
        within("minutes", self.minutes, 0, 59)?;
        within("seconds", self.seconds, 0, 59)?;
        Ok(self)
    }
}

impl From<Duration> for RelativeTime {
    /// Cuts off fractions of a second. More than 31 days go into months of 30 and years of 365 days; more than
    /// 99 years become 99.
    fn from(span: Duration) -> Self {
        const DAY: u64 = 86_400;
        let seconds = span.as_secs().min(99 * 365 * DAY);
        let days = seconds / DAY;
        let (years, rest) = (days / 365, days % 365);
        let (months, days) = if days <= 31 {
            (0, days)
        } else {
            (rest / 30, rest % 30)
        };
        let part = |value: u64| u8::try_from(value).unwrap_or(u8::MAX);
        Self {
            years: part(years),
            months: part(months),
            days: part(days),
            hours: part(seconds / 3600 % 24),
            minutes: part(seconds / 60 % 60),
            seconds: part(seconds % 60),
        }
    }
}

impl fmt::Display for AbsoluteTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
            tenths,
            quarters,
        } = *self;
        let sign = if quarters < 0 { '-' } else { '+' };
        let (year, quarters) = (year % 100, quarters.unsigned_abs());
        write!(
            f,
            "{year:02}{month:02}{day:02}{hour:02}{minute:02}{second:02}{tenths}{quarters:02}{sign}"
        )
    }
}

impl fmt::Display for RelativeTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            years,
            months,
            days,
            hours,
            minutes,
            seconds,
        } = *self;
        write!(
            f,
            "{years:02}{months:02}{days:02}{hours:02}{minutes:02}{seconds:02}000R"
        )
    }
}

impl fmt::Display for SmppTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absolute(time) => time.fmt(f),
            Self::Relative(time) => time.fmt(f),
        }
    }
}

impl FromStr for SmppTime {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        Self::parse(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_and_print_the_same() {
        let cases = [
            ("301231235959004+", "2030-12-31 23:59:59.0 +01:00"),
            ("261122165700000+", "2026-11-22 16:57:00.0 +00:00"),
            ("381122165700948-", "1938-11-22 16:57:00.9 -12:00"),
            (
                "020610233429000R",
                "2 years 6 months 10 days 23 hours 34 minutes 29 seconds from now",
            ),
            ("000001000000000R", "1 day from now"),
            ("000000000000000R", "0 seconds from now"),
        ];
        for (text, readable) in cases {
            let time: SmppTime = text.parse().unwrap();
            assert_eq!(time.to_string(), text);
            let said = match time {
                SmppTime::Absolute(time) => time.to_readable(),
                SmppTime::Relative(time) => time.to_readable(),
            };
            assert_eq!(said, readable);
        }
    }

    #[test]
    fn what_is_no_time_says_why() {
        let cases: &[(&str, TimeError)] = &[
            ("", TimeError::Length { length: 0 }),
            ("261122165700", TimeError::Length { length: 12 }),
            ("2023-09-01T12:00", TimeError::Digit { position: 4 }),
            ("000002000000000r", TimeError::Direction),
            (
                "261322165700000+",
                TimeError::Range {
                    part: "month",
                    value: 13,
                },
            ),
            (
                "260022165700000+",
                TimeError::Range {
                    part: "month",
                    value: 0,
                },
            ),
            (
                "230229165700000+",
                TimeError::Range {
                    part: "day",
                    value: 29,
                },
            ),
            (
                "261122245700000+",
                TimeError::Range {
                    part: "hour",
                    value: 24,
                },
            ),
            (
                "261122165700049+",
                TimeError::Range {
                    part: "offset",
                    value: 49,
                },
            ),
            (
                "000002000000001R",
                TimeError::Range {
                    part: "offset",
                    value: 1,
                },
            ),
        ];
        for (text, error) in cases {
            assert_eq!(SmppTime::parse(text.as_bytes()), Err(*error), "{text}");
        }
    }

    #[test]
    fn spans_become_relative_times() {
        let cases = [
            (0, "000000000000000R"),
            (3 * 86_400 + 3_661, "000003010101000R"),
            (31 * 86_400, "000031000000000R"),
            (364 * 86_400, "001204000000000R"),
            (400 * 86_400, "010105000000000R"),
            (u64::MAX, "990000000000000R"),
        ];
        for (seconds, text) in cases {
            assert_eq!(
                RelativeTime::from(Duration::from_secs(seconds)).to_string(),
                text,
                "{seconds}"
            );
        }
    }

    #[test]
    fn dates_of_ten_or_twelve_digits_count_as_utc() {
        let twelve = AbsoluteTime::parse_digits(b"261122165701").unwrap();
        assert_eq!(twelve.to_string(), "261122165701000+");
        assert_eq!(
            AbsoluteTime::parse_digits(b"2611221657").unwrap().to_string(),
            "261122165700000+"
        );
        assert_eq!(
            AbsoluteTime::parse_digits(b"26112216570"),
            Err(TimeError::Length { length: 11 })
        );
        assert_eq!(
            AbsoluteTime::parse_digits(b"26112216570x"),
            Err(TimeError::Digit { position: 11 })
        );
    }
}
