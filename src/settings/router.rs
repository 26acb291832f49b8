//! What the router is told: budgets, routes, its own limits, and the log.

use std::collections::BTreeMap;
use std::time::Duration;

use super::BindSettings;
use super::rule::{Above, AtLeast, Of};
use super::section::section;
use super::values::{hours, mins, ms, secs};
use crate::dispatch::{Conditions, Terms};
use crate::session::Rate;
use crate::sm::{CorrelatorLimits, JoinLimits};

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

/// Which of the binds of a route takes the next message.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum RouteStrategy {
    /// The one with the most free seats.
    #[default]
    MostRoom,
    /// One after another, of those that have room.
    RoundRobin,
    /// By the weights of `terms`, of those that have room.
    Weighted,
    /// The lowest tier of `terms` in which one has room; within it the one with the most.
    Tiers,
    /// The same for all that belong together, as long as it has room.
    Sticky,
}

section! {
    /// On which terms a bind serves a route.
    pub struct TermSettings {
        /// With `weighted`: how many messages it takes while one of weight 1 takes one.
        pub weight: u32 = 1, 1..=1_000_000;
        /// With `tiers`: binds of a higher tier take only what those of lower ones have no room for.
        pub tier: u16 = 0;
    }
}

section! {
    /// Where messages go that name this route, or that meet its conditions and name none.
    pub struct RouteSettings {
        /// The binds that its messages may leave by.
        pub binds: Vec<String> = Vec::new();
        /// Accounts all of whose binds its messages may leave by, besides `binds`.
        pub accounts: Vec<String> = Vec::new(), Of("names", r#"["acme"]"#);
        /// Condition: the destination begins with one of these digits; the longest beginning wins, `""` takes all.
        pub destinations: Vec<String> = Vec::new(), Of("beginnings of numbers", r#"["44", "353"]"#);
        /// Condition: the source is one of these, or begins with one that ends in `*`.
        pub sources: Vec<String> = Vec::new(), Of("addresses", r#"["Acme", "4477*"]"#);
        /// Condition: the message has one of these classes.
        pub classes: Vec<String> = Vec::new(), Of("names", r#"["otp"]"#);
        /// Which of its binds takes the next message.
        pub strategy: RouteStrategy = RouteStrategy::default();
        /// The terms of binds that do not have the usual ones, by name.
        pub terms: BTreeMap<String, TermSettings> = BTreeMap::new();
    }
}

impl RouteSettings {
    /// A route over `binds`.
    #[must_use]
    pub fn new<N: Into<String>>(binds: impl IntoIterator<Item = N>) -> Self {
        Self {
            binds: binds.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// Adds a beginning of destinations to its conditions; the empty one takes all.
    #[must_use]
    pub fn destination(mut self, beginning: impl Into<String>) -> Self {
        self.destinations.push(beginning.into());
        self
    }

    /// Adds a source to its conditions: the whole of it, or its beginning with a `*` behind.
    #[must_use]
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.sources.push(source.into());
        self
    }

    /// Adds a class to its conditions.
    #[must_use]
    pub fn class(mut self, class: impl Into<String>) -> Self {
        self.classes.push(class.into());
        self
    }

    /// Adds an account whose binds it has.
    #[must_use]
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.accounts.push(account.into());
        self
    }

    /// Gives a bind a weight, a tier, or both.
    #[must_use]
    pub fn term(mut self, bind: impl Into<String>, terms: TermSettings) -> Self {
        self.terms.insert(bind.into(), terms);
        self
    }

    /// The conditions on which a message takes it without naming it.
    #[must_use]
    pub fn conditions(&self) -> Conditions {
        Conditions {
            destinations: self.destinations.clone(),
            sources: self.sources.clone(),
            classes: self.classes.clone(),
        }
    }

    /// The terms on which a bind serves it; none when it does not.
    #[must_use]
    pub fn terms_of(&self, name: &str, bind: &BindSettings) -> Option<Terms> {
        let named = |names: &[String], name: &str| names.iter().any(|other| other == name);
        let serves =
            bind.mode.sends() && (named(&self.binds, name) || named(&self.accounts, bind.account_or(name)));
        serves.then(|| {
            let terms = self.terms.get(name).cloned().unwrap_or_default();
            Terms {
                weight: terms.weight,
                tier: terms.tier,
                identity: identity(name),
            }
        })
    }
}

/// What a bind is known by wherever a choice has to outlast it, from one process to the next (FNV-1a).
fn identity(name: &str) -> u64 {
    let add = |hash: u64, octet: u8| (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01B3);
    name.bytes().fold(0xCBF2_9CE4_8422_2325, add)
}

section! {
    /// The limits of the router.
    pub struct RouterSettings {
        /// Most messages that callers may have on their way, over all routes together; more of them wait for their turn, also
        /// where those that are there wait for a route that is down: `backlog_per_route` says how many these may be.
        pub queue_capacity: usize = 10_000, 1..=10_000_000;
        /// Most messages sent to the router itself that wait for a bind; more are answered with `Busy`.
        pub backlog_capacity: usize = 10_000, 1..=10_000_000;
        /// Most messages of one priority that wait for one route, whoever sent them and however; more are answered with
        /// `Busy`, and other routes go on. A bind that messages name counts as a route, and so do all binds together where
        /// there are no routes. `off`: those of one route may be all that there are.
        pub backlog_per_route: Option<usize> = None, 1..=10_000_000;
        /// How long a message that says nothing else may wait for a bind, from when the router has it; then it has expired.
        /// The SMSC is told nothing of it.
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
        /// Most octets that these parts take: their texts and frames, and 1,024 for each; and as many again that wait for
        /// an answerer.
        pub parts_octets: usize = 67_108_864, 4_096..=17_179_869_184;
        /// How long the receipts of a message are waited for; then it is given up.
        pub receipts_keep: Duration = hours(24 * 7), secs(1)..=hours(24 * 90);
        /// How long a message is remembered that has its result, so that doubled receipts still find it.
        pub receipts_remember: Duration = hours(1), ms(0)..=hours(24 * 7);
        /// Most messages of an account that are kept for their receipts; beyond that the one that would be forgotten
        /// first is given up, and with it a thousandth of all while nobody hears of it.
        pub receipts_messages: usize = 1_000_000, 1..=1_000_000_000;
        /// How long a receipt waits for the response that names its message; then it belongs to none.
        pub receipts_park_for: Duration = mins(5), ms(0)..=hours(24);
        /// Most receipts of an account that wait so, of 1,024 octets on average; beyond that the oldest belongs to none.
        pub receipts_parked: usize = 10_000, 0..=10_000_000;
        /// A bind that rejects so many messages in a row gets none for a while, if others accept theirs.
        pub quarantine_after: Option<u64> = Some(100), 1..=1_000_000;
        /// How long it gets none; twice as long each time that it goes on like that, up to sixteen times.
        pub quarantine: Duration = mins(1), secs(1)..=hours(24);
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

    /// The limits within which the receipts of an account find their messages.
    #[must_use]
    pub const fn receipt_limits(&self) -> CorrelatorLimits {
        CorrelatorLimits {
            messages: self.receipts_messages,
            keep_for: self.receipts_keep,
            keep_finished_for: self.receipts_remember,
            parked: self.receipts_parked,
            park_for: self.receipts_park_for,
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
    /// The log on standard error, and what may be shown: for the binary. A program that embeds the library has a log of its
    /// own, and says what is shown with [`telemetry::show_texts`](crate::telemetry::show_texts) and
    /// [`telemetry::show_addresses`](crate::telemetry::show_addresses); these keys change nothing there.
    pub struct LogSettings {
        /// How much; the variable RUST_LOG overrides it.
        pub level: LogLevel = LogLevel::default();
        /// Whether the texts of messages are shown.
        pub texts: bool = false;
        /// Whether the addresses of messages are shown.
        pub addresses: bool = false;
    }
}
