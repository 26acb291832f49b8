//! Everything that can be configured, as checked values.

mod bind;
mod host;
mod router;
mod rule;
mod secret;
mod section;
mod smsc;
mod values;

pub use bind::{BindSettings, MessageIdSettings, Mode};
pub use host::HostPort;
pub use router::{BudgetSettings, LogLevel, LogSettings, RouteSettings, RouterSettings};
pub use secret::Secret;
pub use section::Given;
pub use smsc::{
    IdDigits, SmscAccountSettings, SmscFaultSettings, SmscLimitSettings, SmscMessageIdSettings,
    SmscMobileSettings, SmscSettings,
};
pub use values::Shares;

use std::collections::BTreeMap;

use section::section;

section! {
    /// The whole configuration of a process.
    ///
    /// ```
    /// use bindery::settings::{BindSettings, BudgetSettings, Settings};
    ///
    /// let settings = Settings::default()
    ///     .budget("acme", BudgetSettings::new(100.0))
    ///     .bind("acme-1", BindSettings::new("smpp1.example:2775", "acme", "secret").budget("acme"))
    ///     .bind("acme-2", BindSettings::new("smpp2.example:2775", "acme", "secret").budget("acme"));
    /// ```
    pub struct Settings {
        /// The binds, by name.
        pub binds: BTreeMap<String, BindSettings> = BTreeMap::new();
        /// Limits of rate that binds share, by name.
        pub budgets: BTreeMap<String, BudgetSettings> = BTreeMap::new();
        /// Routes that messages can name.
        pub routes: BTreeMap<String, RouteSettings> = BTreeMap::new();
        /// The router.
        pub router: RouterSettings = RouterSettings::default();
        /// The log.
        pub log: LogSettings = LogSettings::default();
        /// Embedded SMSCs, by name.
        pub smsc: BTreeMap<String, SmscSettings> = BTreeMap::new();
    }
}

impl Settings {
    /// The same with one bind more, or another one of that name.
    #[must_use]
    pub fn bind(mut self, name: impl Into<String>, bind: BindSettings) -> Self {
        self.binds.insert(name.into(), bind);
        self
    }

    /// The same with one budget more.
    #[must_use]
    pub fn budget(mut self, name: impl Into<String>, budget: BudgetSettings) -> Self {
        self.budgets.insert(name.into(), budget);
        self
    }

    /// The same with one route more.
    #[must_use]
    pub fn route(mut self, name: impl Into<String>, route: RouteSettings) -> Self {
        self.routes.insert(name.into(), route);
        self
    }
}
