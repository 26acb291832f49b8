//! Times in half the room.

use std::time::{Duration, Instant};

/// A time in nanoseconds, on the clock of a store.
pub(super) type Moment = i64;

/// Counts from the first time that it was asked about, so that a time takes half the room.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clock {
    start: Option<Instant>,
    /// The last answer: messages that come together have the same deadline.
    last: Option<(Instant, Moment)>,
}

impl Clock {
    #[inline]
    pub(super) fn moment(&mut self, time: Instant) -> Moment {
        match self.last {
            Some((last, moment)) if last == time => moment,
            _ => self.other_moment(time),
        }
    }

    fn other_moment(&mut self, time: Instant) -> Moment {
        let start = *self.start.get_or_insert(time);
        // Three hundred years away is far enough.
        let nanoseconds = |span: Duration| Moment::try_from(span.as_nanos()).unwrap_or(Moment::MAX);
        let moment = match time.checked_duration_since(start) {
            Some(after) => nanoseconds(after),
            None => -nanoseconds(start.duration_since(time)),
        };
        self.last = Some((time, moment));
        moment
    }

    /// The time of a moment that it gave; none before it gave one.
    pub(super) fn time(&self, moment: Moment) -> Option<Instant> {
        let span = Duration::from_nanos(moment.unsigned_abs());
        let start = self.start?;
        if moment < 0 {
            start.checked_sub(span)
        } else {
            start.checked_add(span)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_comes_back_from_the_clock_as_it_went_in() {
        let (mut clock, start) = (Clock::default(), Instant::now());
        let second = Duration::from_secs(1);
        let times = [
            start,
            start + 7 * second,
            start + 7 * second,
            start - second / 3,
            start,
        ];
        let moments = times.map(|time| clock.moment(time));
        assert_eq!(moments, [0, 7_000_000_000, 7_000_000_000, -333_333_333, 0]);
        assert_eq!(moments.map(|moment| clock.time(moment)), times.map(Some));
        assert_eq!(Clock::default().time(0), None);
    }
}
