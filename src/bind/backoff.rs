//! How long a bind waits before it tries again.
//!
//! Exponential with full jitter, so that a thousand binds whose SMSC restarts do not come back in one moment.
//! It starts again from the beginning only after the bind was up for a stable period: a peer that accepts and
//! drops is not hammered. What went wrong decides which delays count.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::link::{Closed, ConnectError, TlsError};
use crate::pdu::{CommandStatus, StatusClass, StatusClasses};
use crate::session::CloseCause;
use crate::settings::BindSettings;

/// This many refusals that only a person can help against are tried again as quickly as other failures.
const QUICK_REFUSALS: u32 = 3;

/// First and longest wait after that.
const REFUSED: (Duration, Duration) = (Duration::from_secs(300), Duration::from_secs(1_800));

/// How long a peer may hold an old session of ours.
const SESSION_HOLD: Duration = Duration::from_secs(60);

/// Shortest wait after a peer said that it is full.
const BUSY: Duration = Duration::from_secs(5);

/// Why a bind is not up, by what helps against it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Failure {
    /// No connection, or the connection broke.
    Unreachable,
    /// The peer does not know us: only somebody who changes the settings can help.
    CredentialsRefused,
    /// The peer's certificate cannot be trusted, or our own files cannot be used.
    TlsRefused,
    /// The peer still holds an older session of ours.
    PeerHoldsSession,
    /// The peer is full, throttles, or is ill.
    PeerBusy,
    /// The peer does not support this kind of bind.
    BindTypeRefused,
    /// The peer does not keep to the protocol: no answer to the bind, lost framing, no progress.
    Protocol,
    /// The session ended as it should.
    Clean,
}

impl Failure {
    /// What a refused bind means (3.4 section 5.1.3; the classes are ours).
    #[must_use]
    pub const fn of_status(status: CommandStatus) -> Self {
        match status {
            CommandStatus::ESME_RINVCMDID => Self::BindTypeRefused,
            _ => Self::of_class(status.class()),
        }
    }

    const fn of_class(class: StatusClass) -> Self {
        match class {
            StatusClass::Throttle | StatusClass::QueueFull | StatusClass::Retryable => Self::PeerBusy,
            StatusClass::BindRetry => Self::PeerHoldsSession,
            StatusClass::Ok | StatusClass::Permanent | StatusClass::Session | StatusClass::BindFatal => {
                Self::CredentialsRefused
            }
        }
    }

    /// What the end of a link means; `was_bound`: the peer has accepted these credentials before. A class that was
    /// given to a status goes before all that we know of it.
    #[must_use]
    pub fn of_close(closed: &Closed, was_bound: bool, statuses: &StatusClasses) -> Self {
        match closed.cause {
            CloseCause::BindRefused(status) => match (statuses.given(status), status) {
                (Some(class), _) => Self::of_class(class),
                // Many say so when an account has more sessions than it may, old ones of ours included.
                (None, CommandStatus::ESME_RBINDFAIL) if was_bound => Self::PeerHoldsSession,
                (None, status) => Self::of_status(status),
            },
            CloseCause::Unbound | CloseCause::PeerUnbound => Self::Clean,
            CloseCause::Framing(_)
            | CloseCause::BindExpired
            | CloseCause::NotBound
            | CloseCause::NoProgress => Self::Protocol,
            _ => Self::Unreachable,
        }
    }

    /// What a failed connection means.
    #[must_use]
    pub const fn of_connect(error: &ConnectError) -> Self {
        match error {
            ConnectError::Tls(TlsError::Handshake(_) | TlsError::Refused) => Self::Protocol,
            ConnectError::Tls(_) => Self::TlsRefused,
            _ => Self::Unreachable,
        }
    }

    /// True when only a person can help.
    #[must_use]
    pub const fn is_alarming(self) -> bool {
        matches!(
            self,
            Self::CredentialsRefused | Self::BindTypeRefused | Self::TlsRefused
        )
    }
}

/// Counts failures and draws the delays.
#[derive(Debug)]
pub(super) struct Backoff {
    /// Say what the delays are.
    settings: Arc<BindSettings>,
    random: fastrand::Rng,
    failures: u32,
    refusals: u32,
}

impl Backoff {
    /// No failure yet.
    pub(super) fn new(settings: Arc<BindSettings>, seed: u64) -> Self {
        Self {
            settings,
            random: fastrand::Rng::with_seed(seed),
            failures: 0,
            refusals: 0,
        }
    }

    pub(super) const fn settings(&self) -> &Arc<BindSettings> {
        &self.settings
    }

    /// Other settings count from now on.
    pub(super) fn set_settings(&mut self, settings: Arc<BindSettings>) {
        self.settings = settings;
    }

    /// Starts again from the beginning, because somebody changed something.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
        self.refusals = 0;
    }

    /// How long to wait after `failure`; `bound` tells since when the bind was up, if it was.
    pub(super) fn delay(&mut self, failure: Failure, bound: Option<Instant>, now: Instant) -> Duration {
        let BindSettings {
            backoff_min: min,
            backoff_initial: initial,
            backoff_max: max,
            stable_after,
            ..
        } = *self.settings;
        if bound.is_some_and(|since| now.saturating_duration_since(since) >= stable_after) {
            self.reset();
        }
        let exponential = doubled(initial, self.failures).min(max.saturating_sub(min));
        self.failures = self.failures.saturating_add(1);
        let delay = match failure {
            Failure::CredentialsRefused | Failure::BindTypeRefused | Failure::TlsRefused => {
                self.refusals = self.refusals.saturating_add(1);
                match self.refusals.checked_sub(QUICK_REFUSALS + 1) {
                    None => self.jitter(exponential),
                    // Slow anyway: half of it is certain, so that an alarm is not followed by a quick retry.
                    Some(slow) => {
                        let slow = doubled(REFUSED.0, slow).min(REFUSED.1);
                        slow / 2 + self.jitter(slow / 2)
                    }
                }
            }
            Failure::PeerHoldsSession => SESSION_HOLD + self.jitter(SESSION_HOLD / 4),
            Failure::PeerBusy => BUSY + self.jitter(exponential),
            Failure::Unreachable | Failure::Protocol | Failure::Clean => self.jitter(exponential),
        };
        delay + min
    }

    /// Anything from nothing to `longest`.
    fn jitter(&mut self, longest: Duration) -> Duration {
        longest.mul_f64(self.random.f64())
    }
}

fn doubled(duration: Duration, times: u32) -> Duration {
    duration.saturating_mul(1_u32.checked_shl(times.min(30)).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backoff(seed: u64) -> Backoff {
        Backoff::new(Arc::default(), seed)
    }

    fn delays(backoff: &mut Backoff, failure: Failure, count: usize) -> Vec<f64> {
        let now = Instant::now();
        (0..count)
            .map(|_| backoff.delay(failure, None, now).as_secs_f64())
            .collect()
    }

    #[test]
    fn delays_double_up_to_the_longest_with_full_jitter() {
        for seed in 0..200 {
            let mut backoff = backoff(seed);
            let limits = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0];
            for (delay, limit) in delays(&mut backoff, Failure::Unreachable, 8)
                .into_iter()
                .zip(limits)
            {
                assert!((0.0..=limit).contains(&delay), "seed {seed}: {delay} of {limit}");
            }
        }
    }

    #[test]
    fn the_shortest_delay_comes_before_the_jitter() {
        for seed in 0..200 {
            let settings = BindSettings {
                backoff_min: Duration::from_secs(30),
                ..BindSettings::default()
            };
            let mut backoff = Backoff::new(settings.into(), seed);
            let longest = [31.0, 32.0, 34.0, 38.0, 46.0, 60.0, 60.0];
            for (delay, longest) in delays(&mut backoff, Failure::Unreachable, 7)
                .into_iter()
                .zip(longest)
            {
                assert!(
                    (30.0..=longest).contains(&delay),
                    "seed {seed}: {delay} up to {longest}"
                );
            }
            assert!(delays(&mut backoff, Failure::PeerHoldsSession, 1)[0] >= 90.0);
        }
    }

    #[test]
    fn a_thousand_binds_do_not_come_back_in_one_moment() {
        let mut within_a_tenth = 0;
        for seed in 0..1_000 {
            let mut backoff = backoff(seed);
            within_a_tenth += usize::from(delays(&mut backoff, Failure::Unreachable, 1)[0] < 0.1);
        }
        assert!((50..150).contains(&within_a_tenth), "{within_a_tenth}");
    }

    #[test]
    fn only_a_stable_bind_starts_from_the_beginning() {
        let mut backoff = backoff(1);
        delays(&mut backoff, Failure::Unreachable, 10);
        let now = Instant::now();
        let flapping = now.checked_sub(Duration::from_secs(5));
        backoff.delay(Failure::Unreachable, flapping, now);
        assert_eq!(backoff.failures, 11);
        let stable = now.checked_sub(Duration::from_secs(31));
        assert!(backoff.delay(Failure::Unreachable, stable, now) <= Duration::from_secs(1));
        assert_eq!(backoff.failures, 1);
    }

    #[test]
    fn refused_credentials_are_tried_slowly_after_three_times() {
        let mut backoff = backoff(1);
        let delays = delays(&mut backoff, Failure::CredentialsRefused, 8);
        assert!(delays[..3].iter().all(|delay| *delay <= 4.0), "{delays:?}");
        assert!(
            delays[3..].iter().all(|delay| (150.0..=1_800.0).contains(delay)),
            "{delays:?}"
        );
        assert!(delays[7] >= 900.0, "{delays:?}");
    }

    #[test]
    fn what_a_bind_response_says_decides_the_class() {
        let cases = [
            (CommandStatus::ESME_RALYBND, Failure::PeerHoldsSession),
            (CommandStatus::ESME_RBINDFAIL, Failure::CredentialsRefused),
            (CommandStatus::ESME_RINVPASWD, Failure::CredentialsRefused),
            (CommandStatus::ESME_RINVSYSID, Failure::CredentialsRefused),
            (CommandStatus::ESME_RINVCMDID, Failure::BindTypeRefused),
            (CommandStatus::ESME_RSYSERR, Failure::PeerBusy),
            (CommandStatus::ESME_RMSGQFUL, Failure::PeerBusy),
            (CommandStatus::ESME_RTHROTTLED, Failure::PeerBusy),
        ];
        for (status, failure) in cases {
            assert_eq!(Failure::of_status(status), failure, "{status}");
        }
    }

    #[test]
    fn the_class_that_a_bind_gives_to_a_status_goes_first() {
        let given: StatusClasses = [
            (CommandStatus::ESME_RBINDFAIL, StatusClass::BindFatal),
            (CommandStatus::ESME_RALYBND, StatusClass::Retryable),
            (CommandStatus::new(0x40B), StatusClass::BindRetry),
        ]
        .into_iter()
        .collect();
        let cases = [
            (
                CommandStatus::ESME_RBINDFAIL,
                Failure::PeerHoldsSession,
                Failure::CredentialsRefused,
            ),
            (
                CommandStatus::ESME_RALYBND,
                Failure::PeerHoldsSession,
                Failure::PeerBusy,
            ),
            (
                CommandStatus::new(0x40B),
                Failure::CredentialsRefused,
                Failure::PeerHoldsSession,
            ),
            (CommandStatus::ESME_RSYSERR, Failure::PeerBusy, Failure::PeerBusy),
        ];
        for (status, by_table, by_bind) in cases {
            let closed = Closed {
                cause: CloseCause::BindRefused(status),
                error: None,
            };
            assert_eq!(
                Failure::of_close(&closed, true, &StatusClasses::default()),
                by_table,
                "{status}"
            );
            assert_eq!(Failure::of_close(&closed, true, &given), by_bind, "{status}");
        }
    }

    #[test]
    fn a_peer_that_holds_the_session_is_left_alone_for_its_time() {
        let mut backoff = backoff(1);
        let delays = delays(&mut backoff, Failure::PeerHoldsSession, 5);
        assert!(
            delays.iter().all(|delay| (60.0..=75.0).contains(delay)),
            "{delays:?}"
        );
    }
}
