//! The peer's time.

use std::time::{Duration, Instant};

/// A clock that stands still while we do not read. How long the peer is silent, or takes for a response, is measured by it:
/// what the peer says meanwhile cannot be heard, and the deadlines of what it owes us move by as long as that lasts.
///
/// Its times are never later than those of the real clock, and are equal to them until it stands still for the first time.
#[derive(Debug, Default)]
pub(super) struct PeerClock(Option<Box<Stood>>);

/// Made when it stands still for the first time, which few do.
#[derive(Debug, Default)]
struct Stood {
    /// How long it has stood still, without the time since `stopped`.
    behind: Duration,
    /// It stands still since then.
    stopped: Option<Instant>,
}

impl PeerClock {
    /// It goes on, or stands still, from now on.
    #[inline]
    pub(super) fn set_running(&mut self, runs: bool, now: Instant) {
        if self.is_running() == runs {
            return;
        }
        let stood = self.0.get_or_insert_default();
        match stood.stopped.take() {
            Some(stopped) => stood.behind += now.saturating_duration_since(stopped),
            None => stood.stopped = Some(now),
        }
    }

    #[inline]
    pub(super) fn is_running(&self) -> bool {
        self.0.as_ref().is_none_or(|stood| stood.stopped.is_none())
    }

    /// What it shows now.
    #[inline]
    pub(super) fn at(&self, now: Instant) -> Instant {
        let Some(stood) = &self.0 else { return now };
        let shown = stood.stopped.unwrap_or(now);
        // It has not stood still for longer than the session is old.
        shown.checked_sub(stood.behind).unwrap_or(shown)
    }

    /// When it shows this time; none while it stands still.
    #[inline]
    pub(super) fn due(&self, time: Instant) -> Option<Instant> {
        self.is_running().then(|| self.passed(time))
    }

    /// The same as if it went on from when it stopped last: when it showed a time that has passed.
    #[inline]
    pub(super) fn passed(&self, time: Instant) -> Instant {
        self.0.as_ref().map_or(time, |stood| time + stood.behind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_behind_by_as_long_as_it_stood_still() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut clock = PeerClock::default();
        assert_eq!((clock.at(at(5)), clock.due(at(7))), (at(5), Some(at(7))));
        clock.set_running(false, at(10));
        clock.set_running(false, at(12));
        assert_eq!((clock.at(at(30)), clock.due(at(11))), (at(10), None));
        clock.set_running(true, at(30));
        clock.set_running(true, at(31));
        assert_eq!((clock.at(at(31)), clock.due(at(11))), (at(11), Some(at(31))));
        clock.set_running(false, at(32));
        assert_eq!(clock.passed(at(9)), at(29));
    }
}
