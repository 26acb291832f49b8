//! What `load` and `demo` print at the end.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::submit::{SubmitError, SubmitResult};

/// The summary, in the order of its JSON form.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Summary {
    pub(super) messages: u64,
    #[serde(flatten)]
    pub(super) outcomes: Outcomes,
    pub(super) elapsed_s: f64,
    pub(super) rate_per_s: u64,
    pub(super) latency_us: Latency,
    pub(super) receipts: Receipts,
    pub(super) binds: Vec<BindSummary>,
    /// Not there where the system does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) peak_rss_kib: Option<u64>,
    pub(super) seed: u64,
}

/// How messages ended.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub(super) struct Outcomes {
    pub(super) submitted: u64,
    pub(super) rejected: u64,
    pub(super) not_sent: u64,
    pub(super) unknown: u64,
    pub(super) expired: u64,
}

/// Microseconds from intake to outcome of accepted messages.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Latency {
    pub(super) p50: u64,
    pub(super) p90: u64,
    pub(super) p99: u64,
    pub(super) p999: u64,
    pub(super) max: u64,
}

/// Receipts that were owed and what came.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub(super) struct Receipts {
    pub(super) owed: u64,
    pub(super) received: u64,
    pub(super) orphaned: u64,
}

/// One bind.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct BindSummary {
    pub(super) name: String,
    pub(super) state: String,
    pub(super) submitted: u64,
    pub(super) in_flight_max: usize,
    pub(super) reconnects: u64,
    pub(super) throttled: u64,
    pub(super) lenient: u64,
}

impl Outcomes {
    /// Counts one. A partial one counts as unknown if a part of it is, else as rejected.
    pub(super) fn count(&mut self, result: &SubmitResult) {
        let counter = match result {
            Ok(_) => &mut self.submitted,
            Err(SubmitError::Rejected { .. }) => &mut self.rejected,
            Err(SubmitError::Unknown { .. }) => &mut self.unknown,
            Err(SubmitError::Expired) => &mut self.expired,
            Err(SubmitError::Partial { parts }) => {
                let is_unknown = |part: &SubmitResult| matches!(part, Err(SubmitError::Unknown { .. }));
                if parts.iter().any(is_unknown) {
                    &mut self.unknown
                } else {
                    &mut self.rejected
                }
            }
            Err(
                SubmitError::NotSent { .. }
                | SubmitError::Busy
                | SubmitError::NoRoute
                | SubmitError::Invalid { .. }
                | SubmitError::Cancelled
                | SubmitError::ShuttingDown,
            ) => &mut self.not_sent,
        };
        *counter += 1;
    }

    /// All of them: every message ends in exactly one.
    pub(super) const fn total(&self) -> u64 {
        self.submitted + self.rejected + self.not_sent + self.unknown + self.expired
    }
}

/// Collects latencies.
#[derive(Debug)]
pub(super) struct Latencies(Option<Histogram<u64>>);

impl Latencies {
    /// Three significant digits, up to an hour.
    pub(super) fn new() -> Self {
        Self(Histogram::new_with_bounds(1, 3_600_000_000, 3).ok())
    }

    #[inline]
    pub(super) fn record(&mut self, latency: Duration) {
        if let Some(histogram) = &mut self.0 {
            histogram.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
        }
    }

    pub(super) fn summary(&self) -> Latency {
        self.0
            .as_ref()
            .filter(|histogram| !histogram.is_empty())
            .map_or_else(Latency::default, |histogram| Latency {
                p50: histogram.value_at_quantile(0.50),
                p90: histogram.value_at_quantile(0.90),
                p99: histogram.value_at_quantile(0.99),
                p999: histogram.value_at_quantile(0.999),
                max: histogram.max(),
            })
    }
}

/// The most memory that this process ever had resident; none where the system does not say.
pub(super) fn peak_rss_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// Messages per second, rounded; a float saturates when cast.
pub(super) fn per_second(count: u64, elapsed: Duration) -> u64 {
    let seconds = elapsed.as_secs_f64();
    if seconds > 0.0 {
        (count as f64 / seconds).round() as u64
    } else {
        0
    }
}

/// Seconds with six digits behind the point.
pub(super) fn seconds(elapsed: Duration) -> f64 {
    (elapsed.as_secs_f64() * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdu::{CommandStatus, SequenceNumber};
    use crate::submit::{MessageId, MessageIds, Submitted, UnknownCause};

    #[test]
    fn every_outcome_counts_once() {
        let accepted = || {
            Ok(Submitted::new(
                MessageIds::One(MessageId::EMPTY),
                "a".into(),
                Duration::ZERO,
            ))
        };
        let rejected = || {
            Err(SubmitError::Rejected {
                status: CommandStatus::ESME_RSYSERR,
                bind: "a".into(),
            })
        };
        let unknown = || {
            let (sequence, cause) = (SequenceNumber::FIRST, UnknownCause::LinkLost);
            Err(SubmitError::Unknown {
                bind: "a".into(),
                sequence,
                cause,
            })
        };
        let mut outcomes = Outcomes::default();
        for result in [
            accepted(),
            rejected(),
            unknown(),
            Err(SubmitError::Expired),
            Err(SubmitError::Busy),
            Err(SubmitError::Partial {
                parts: [accepted(), rejected()].into(),
            }),
            Err(SubmitError::Partial {
                parts: [rejected(), unknown()].into(),
            }),
        ] {
            outcomes.count(&result);
        }
        let expected = Outcomes {
            submitted: 1,
            rejected: 2,
            not_sent: 1,
            unknown: 2,
            expired: 1,
        };
        assert_eq!((outcomes, outcomes.total()), (expected, 7));
    }

    #[test]
    fn the_json_form_has_its_keys_in_order() {
        let summary = Summary {
            messages: 1,
            outcomes: Outcomes {
                submitted: 1,
                ..Outcomes::default()
            },
            elapsed_s: 1.9,
            rate_per_s: 52_631,
            latency_us: Latency::default(),
            receipts: Receipts::default(),
            binds: vec![BindSummary {
                name: "a-1".into(),
                state: "bound".into(),
                ..BindSummary::default()
            }],
            peak_rss_kib: Some(9_216),
            seed: 1,
        };
        assert_eq!(
            serde_json::to_string(&summary).unwrap(),
            "{\"messages\":1,\"submitted\":1,\"rejected\":0,\"not_sent\":0,\"unknown\":0,\"expired\":0,\
             \"elapsed_s\":1.9,\"rate_per_s\":52631,\
             \"latency_us\":{\"p50\":0,\"p90\":0,\"p99\":0,\"p999\":0,\"max\":0},\
             \"receipts\":{\"owed\":0,\"received\":0,\"orphaned\":0},\
             \"binds\":[{\"name\":\"a-1\",\"state\":\"bound\",\"submitted\":0,\"in_flight_max\":0,\"reconnects\":0,\
             \"throttled\":0,\"lenient\":0}],\"peak_rss_kib\":9216,\"seed\":1}"
        );
    }
}
