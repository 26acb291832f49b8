//! What the router is told: budgets, routes, its own limits, and the log.

use std::time::Duration;

use super::rule::{Above, AtLeast, NotEmpty};
use super::section::section;
use super::values::{hours, mins, ms, secs};
use crate::session::Rate;
use crate::sm::JoinLimits;

section! {
    /// A limit of rate that several binds share, mostly those of an account.
    pub struct BudgetSettings {
        /// PDUs per second of all its binds together; fractions are fine.
        pub rate: f64 = 0.0, Above(0.0);
        /// Most PDUs at once; `off`: a tenth of `rate`, at least one.
        pub burst: Option<f64> = None, AtLeast(1.0);
    }
}

impl BudgetSettings {
    /// A budget with the default burst.
    #[must_use]
    pub fn new(rate: f64) -> Self {
        Self::default().rate(rate)
    }

    /// The limit.
    #[must_use]
    pub const fn limit(&self) -> Rate {
        Rate {
            per_second: self.rate,
            burst: self.burst,
        }
    }
}

section! {
    /// Where the messages go that name this route.
    pub struct RouteSettings {
        /// The binds that its messages may leave by.
        pub binds: Vec<String> = Vec::new(), NotEmpty;
    }
}

impl RouteSettings {
    /// A route over `binds`.
    #[must_use]
    pub fn new<N: Into<String>>(binds: impl IntoIterator<Item = N>) -> Self {
        Self {
            binds: binds.into_iter().map(Into::into).collect(),
        }
    }
}

section! {
    /// The limits of the router.
    pub struct RouterSettings {
        /// Most messages that callers may have on their way; more of them wait for their turn.
        pub queue_capacity: usize = 10_000, 1..=10_000_000;
        /// Most messages sent to the router itself that wait for a bind; more are answered with `Busy`.
        pub backlog_capacity: usize = 10_000, 1..=10_000_000;
        /// How long a message that says nothing else may wait for a bind; then it has expired.
        pub validity: Option<Duration> = Some(hours(24)), ms(1)..=hours(24 * 30);
        /// How often the actor of a bind is started anew within `restart_window`; then the bind stays stopped.
        pub restart_limit: usize = 5, 0..=1_000;
        /// The time over which `restart_limit` counts.
        pub restart_window: Duration = mins(1), secs(1)..=hours(24);
        /// Most connections that are being made to one host and port at a time.
        pub connects_per_host: Option<usize> = Some(5), 1..=10_000;
        /// Most connections begun within any second to one host and port; each is followed by a bind.
        pub binds_per_second: Option<f64> = Some(10.0), Above(0.0);
        /// How long after its first part a long message from the SMSC may become whole; then it is told of as it is.
        pub parts_wait: Duration = mins(10), ms(1)..=hours(24);
        /// Most messages of an account of which parts are held, or that wait for an answerer though their parts were
        /// acknowledged; beyond that the oldest is told of as it is, or parts are refused for now.
        pub parts_messages: usize = 10_000, 1..=1_000_000;
        /// Most octets that these parts take, about 1,024 for each part besides its text.
        pub parts_octets: usize = 67_108_864, 4_096..=17_179_869_184;
        /// How long binds may take to finish what they have begun when the process stops.
        pub shutdown_grace: Duration = secs(30), ms(0)..=hours(1);
    }
}

impl RouterSettings {
    /// The limits within which the messages of an account are put together.
    #[must_use]
    pub fn join_limits(&self) -> JoinLimits {
        JoinLimits {
            messages: self.parts_messages,
            octets: self.parts_octets,
            wait: self.parts_wait,
            ..JoinLimits::default()
        }
    }
}

/// How much is written to the log.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What failed.
    Error,
    /// And what may soon fail.
    Warn,
    /// And what changed.
    #[default]
    Info,
    /// And every PDU.
    Debug,
    /// And everything else.
    Trace,
}

section! {
    /// The log on standard error.
    pub struct LogSettings {
        /// How much; the variable RUST_LOG overrides it.
        pub level: LogLevel = LogLevel::default();
        /// Whether the texts of messages are shown.
        pub texts: bool = false;
        /// Whether the addresses of messages are shown.
        pub addresses: bool = false;
    }
}
