//! `time`.

use serde_json::{Map, Value};

use super::request::Request;
use super::{Problem, object};
use crate::pdu::time::{AbsoluteTime, RelativeTime, SmppTime, TimeError};
use crate::sm::ReceiptDate;

/// A time of the wire in its parts. Tenths in a relative time are read although the standard wants a 0 there;
/// twelve digits are the local time that a 3.4 message centre may report.
pub(super) fn time(request: &Request) -> Result<Map<String, Value>, Problem> {
    let value = request.required_text("value")?;
    if value.is_empty() {
        return Ok(object([("form", "empty".into())]));
    }
    let (standard, tenths) = without_relative_tenths(value);
    match standard.parse() {
        Ok(SmppTime::Absolute(time)) => Ok(absolute(time)),
        Ok(SmppTime::Relative(time)) => Ok(relative(time, tenths)),
        Err(error) => Ok(local(value).unwrap_or_else(|| {
            object([
                ("form", "error".into()),
                ("error", Problem::from(error).to_json()),
            ])
        })),
    }
}

/// The time with a 0 in the place of tenths, where it is relative, and the tenths.
fn without_relative_tenths(value: &str) -> (String, u8) {
    let mut octets = value.as_bytes().to_vec();
    let tenths = match octets.as_mut_slice() {
        [
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            tenths @ b'0'..=b'9',
            _,
            _,
            b'R',
        ] => std::mem::replace(tenths, b'0') - b'0',
        _ => 0,
    };
    (String::from_utf8_lossy(&octets).into_owned(), tenths)
}

fn absolute(time: AbsoluteTime) -> Map<String, Value> {
    let AbsoluteTime {
        year,
        month,
        day,
        hour,
        minute,
        second,
        tenths,
        quarters,
    } = time;
    object([
        ("form", "absolute".into()),
        ("year", year.into()),
        ("month", month.into()),
        ("day", day.into()),
        ("hour", hour.into()),
        ("minute", minute.into()),
        ("second", second.into()),
        ("tenths", tenths.into()),
        ("utc_offset_minutes", (i32::from(quarters) * 15).into()),
        ("utc", utc(time).into()),
    ])
}

fn relative(time: RelativeTime, tenths: u8) -> Map<String, Value> {
    let RelativeTime {
        years,
        months,
        days,
        hours,
        minutes,
        seconds,
    } = time;
    object([
        ("form", "relative".into()),
        ("years", years.into()),
        ("months", months.into()),
        ("days", days.into()),
        ("hours", hours.into()),
        ("minutes", minutes.into()),
        ("seconds", seconds.into()),
        ("tenths", tenths.into()),
    ])
}

fn local(value: &str) -> Option<Map<String, Value>> {
    let date = ReceiptDate::parse(value).filter(|_| value.len() == 12)?;
    Some(object([
        ("form", "absolute".into()),
        ("year", date.year.into()),
        ("month", date.month.into()),
        ("day", date.day.into()),
        ("hour", date.hour.into()),
        ("minute", date.minute.into()),
        ("second", date.second.into()),
        ("tenths", 0.into()),
        ("utc_offset_minutes", Value::Null),
    ]))
}

/// The same moment in UTC, in ISO 8601.
fn utc(time: AbsoluteTime) -> String {
    let minutes = days_of(time) * 1440 + i64::from(time.hour) * 60 + i64::from(time.minute);
    let minutes = minutes - i64::from(time.quarters) * 15;
    let (year, month, day) = date_of(minutes.div_euclid(1440));
    let minute = minutes.rem_euclid(1440);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        minute / 60,
        minute % 60,
        time.second
    )
}

/// Days since 1970-01-01 of the proleptic Gregorian calendar, counted in eras of 400 years that start in March.
fn days_of(time: AbsoluteTime) -> i64 {
    let (month, day) = (i64::from(time.month), i64::from(time.day));
    let year = i64::from(time.year) - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The way back.
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

impl From<TimeError> for Problem {
    fn from(error: TimeError) -> Self {
        Self::new("time", error.to_string())
    }
}
