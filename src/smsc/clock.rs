//! Dates for receipts and queries, from the monotonic clock that everything else runs on.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::pdu::time::{AbsoluteTime, RelativeTime, SmppTime};

const SECONDS_PER_DAY: u64 = 86_400;

/// Pairs an instant with a date, so that every other instant has one too.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    instant: Instant,
    /// Time since 1970-01-01 00:00 UTC.
    date: Duration,
}

impl Clock {
    /// A clock on which `instant` is `date`.
    pub(super) fn new(instant: Instant, date: SystemTime) -> Self {
        Self {
            instant,
            date: date.duration_since(UNIX_EPOCH).unwrap_or_default(),
        }
    }

    /// The date of an instant, UTC.
    pub(super) fn date(&self, instant: Instant) -> AbsoluteTime {
        let since_1970 = match instant.checked_duration_since(self.instant) {
            Some(after) => self.date + after,
            None => self.date.saturating_sub(self.instant - instant),
        };
        let (days, second) = (
            since_1970.as_secs() / SECONDS_PER_DAY,
            since_1970.as_secs() % SECONDS_PER_DAY,
        );
        let (year, month, day) = civil_from_days(days);
        // Lossless: each is a remainder below its limit; a tenth of a second is below 10.
        AbsoluteTime {
            year,
            month,
            day,
            hour: (second / 3600) as u8,
            minute: (second / 60 % 60) as u8,
            second: (second % 60) as u8,
            tenths: (since_1970.subsec_millis() / 100) as u8,
            quarters: 0,
        }
    }

    /// How long after `now` the time in a `schedule_delivery_time` or `validity_period` is; nothing when it is
    /// over.
    pub(super) fn until(&self, time: SmppTime, now: Instant) -> Duration {
        match time {
            SmppTime::Relative(span) => span_of(span),
            SmppTime::Absolute(time) => {
                let date = since_1970(time);
                let today = self.date + now.saturating_duration_since(self.instant);
                date.saturating_sub(today)
            }
        }
    }
}

/// A year counts 365 days and a month 30 here.
fn span_of(span: RelativeTime) -> Duration {
    let days = u64::from(span.years) * 365 + u64::from(span.months) * 30 + u64::from(span.days);
    let minutes = (days * 24 + u64::from(span.hours)) * 60 + u64::from(span.minutes);
    Duration::from_secs(minutes * 60 + u64::from(span.seconds))
}

fn since_1970(time: AbsoluteTime) -> Duration {
    let days = days_from_civil(time.year, time.month, time.day);
    let local =
        days * 86_400 + i64::from(time.hour) * 3600 + i64::from(time.minute) * 60 + i64::from(time.second)
            - i64::from(time.quarters) * 900;
    let seconds = u64::try_from(local).unwrap_or_default();
    Duration::from_secs(seconds) + Duration::from_millis(u64::from(time.tenths) * 100)
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar.
///
/// Years are counted from March on, so that the leap day is the last of its year.
fn civil_from_days(days: u64) -> (u16, u8, u8) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    // Days and months are small by construction; years past 65,535 do not come up.
    (u16::try_from(year).unwrap_or(u16::MAX), month as u8, day as u8)
}

/// The inverse of [`civil_from_days`]; before 1970 it is negative.
fn days_from_civil(year: u16, month: u8, day: u8) -> i64 {
    let year = i64::from(year) - i64::from(month <= 2);
    let shifted_month = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * shifted_month + 2) / 5 + i64::from(day) - 1;
    let (era, year_of_era) = (year / 400, year % 400);
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn clock(seconds: u64) -> (Clock, Instant) {
        let now = Instant::now();
        (Clock::new(now, UNIX_EPOCH + Duration::from_secs(seconds)), now)
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        let cases = [
            (0, "700101000000000+"),
            (951_782_400, "000229000000000+"),
            (1_767_225_599, "251231235959000+"),
            (1_767_225_600, "260101000000000+"),
            (2_145_916_800, "380101000000000+"),
        ];
        for (seconds, expected) in cases {
            let (clock, now) = clock(seconds);
            assert_eq!(clock.date(now).to_string(), expected);
        }
    }

    #[test]
    fn a_date_moves_with_its_instant() {
        let (clock, now) = clock(1_767_225_600);
        let later = now + Duration::from_millis(86_400_250);
        assert_eq!(clock.date(later).to_string(), "260102000000200+");
    }

    #[test]
    fn times_of_the_wire_are_counted_from_now() {
        let (clock, start) = clock(1_767_225_600);
        let now = start + Duration::from_secs(10);
        let cases = [
            ("260101000020000+", 10),
            ("260101010020004+", 10),
            ("251231230020004-", 10),
            ("260101000005000+", 0),
            ("000000000130000R", 90),
            ("000002000000000R", 2 * 86_400),
        ];
        for (text, seconds) in cases {
            let time = text.parse().unwrap();
            assert_eq!(clock.until(time, now), Duration::from_secs(seconds), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_day_has_one_date(days in 0_u64..200_000) {
            let (year, month, day) = civil_from_days(days);
            prop_assert_eq!(days_from_civil(year, month, day), i64::try_from(days).unwrap());
        }
    }
}
