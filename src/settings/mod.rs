//! Everything that can be configured, as checked values.

mod bind;
mod check;
mod compound;
mod field;
mod host;
mod keys;
mod kinds;
mod origins;
mod presets;
mod problem;
mod providers;
mod reference;
mod router;
mod rule;
mod scalar;
mod secret;
mod section;
mod shown;
mod smsc;
mod source;
mod statuses;
#[cfg(test)]
mod tests;
mod tls;
mod tlvs;
mod values;

pub use bind::{BindSettings, MessageIdSettings, Mode, PartsAnswered};
pub use host::HostPort;
pub use origins::{Origins, Traced};
pub use presets::{Preset, PresetFacts, RateScope, ReceiptForm, TlsNeed};
pub use problem::{Mistake, Place, Problem, SettingsError};
pub use reference::reference;
pub use router::{
    BudgetSettings, LogLevel, LogSettings, RouteSettings, RouteStrategy, RouterSettings, TermSettings,
};
pub use secret::Secret;
pub use section::Given;
pub use shown::Effective;
pub use smsc::{
    IdDigits, Nonsense, OddReceipt, OddResponse, SmscAccountSettings, SmscFaultSettings, SmscLimitSettings,
    SmscMessageIdSettings, SmscMobileSettings, SmscSettings,
};
pub use tls::{CertificatePin, SmscTlsSettings, TlsSettings, TlsVersion};
pub use tlvs::{TlvSet, TlvSettings, TlvValues};
pub use values::Shares;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use field::{Checker, Reader, Table};
use section::{Section, section};
use source::{Document, PREFIX, Places};

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
        /// The binds, by name, shared with those who run; [`bind_mut`](Self::bind_mut) changes one.
        pub binds: BTreeMap<String, Arc<BindSettings>> = BTreeMap::new();
        /// TLVs that the standard does not know, by name.
        pub tlvs: BTreeMap<String, TlvSettings> = BTreeMap::new();
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
    /// Reads a file, and over it the variables of the environment that begin with `BINDERY__`.
    ///
    /// `BINDERY__BINDS__VONAGE_A__WINDOW=20` sets the key `window` of `[binds.vonage-a]`. Secrets that stand in
    /// variables or files are fetched now.
    ///
    /// # Errors
    ///
    /// Every mistake of the file and of the variables, one line each: where it stands, and what would be right.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, SettingsError> {
        Self::from_file_with_origins(path).map(|(settings, _)| settings)
    }

    /// The same, and where each value came from.
    ///
    /// # Errors
    ///
    /// Every mistake, as for [`Settings::from_file`].
    pub fn from_file_with_origins(path: impl AsRef<Path>) -> Result<(Self, Origins), SettingsError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| Problem {
            place: Place::File {
                name: name.as_str().into(),
                line: None,
            },
            key: String::new(),
            mistake: Mistake::Unreadable(error.kind()),
        })?;
        Self::read_with_origins(&text, &name, environment())
    }

    /// Reads TOML alone, without variables over it; `name` is what it is called in errors.
    ///
    /// A secret that stands in a variable (`password_env`) is fetched all the same.
    ///
    /// # Errors
    ///
    /// Every mistake, as for [`Settings::from_file`].
    pub fn from_str(text: &str, name: &str) -> Result<Self, SettingsError> {
        Self::read(
            text,
            name,
            environment().filter(|(variable, _)| !variable.starts_with(PREFIX)),
        )
    }

    /// Reads TOML, and over it the given variables of an environment.
    ///
    /// # Errors
    ///
    /// Every mistake, as for [`Settings::from_file`].
    pub fn read(
        text: &str,
        name: &str,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, SettingsError> {
        Self::read_with_origins(text, name, environment).map(|(settings, _)| settings)
    }

    /// The same, and where each value came from.
    ///
    /// # Errors
    ///
    /// Every mistake, as for [`Settings::from_file`].
    pub fn read_with_origins(
        text: &str,
        name: &str,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(Self, Origins), SettingsError> {
        let variables: BTreeMap<String, String> = environment.into_iter().collect();
        let mut problems = Vec::new();
        let (mut values, mut places) = Document::parse(text, name)?.overridden(&variables, &mut problems);
        presets::lay_under(&mut values, &mut places);

        let mut reader = Reader {
            places: &places,
            variables: &variables,
            folder: Path::new(name).parent().unwrap_or(Path::new("")),
            problems,
        };
        let mut settings = Self::default();
        let mut table = Table::root(&values, &mut reader);
        Section::read(&mut settings, &mut table);
        table.finish();
        settings.check_from(&places, reader.problems)?;
        settings.resolve_tlvs();
        Ok((settings, Origins::new(places)))
    }

    /// Checks settings that were made or changed in the program; those that were read are checked already.
    ///
    /// # Errors
    ///
    /// Every mistake, one line each.
    pub fn check(&self) -> Result<(), SettingsError> {
        self.check_from(&Places::default(), Vec::new())
    }

    fn check_from(&self, places: &Places, problems: Vec<Problem>) -> Result<(), SettingsError> {
        let mut checker = Checker::new(places, problems);
        Section::check(self, "", &mut checker);
        // Mistakes between values would only repeat those of the values.
        if checker.is_clean() {
            check::combinations(self, &mut checker);
        }
        SettingsError::check(checker.finish())
    }

    /// What is allowed but seldom meant, one line each.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        check::warnings(self)
    }

    /// The settings as they are in effect, defaults included, secrets as `***`.
    #[must_use]
    pub fn effective(&self) -> Effective {
        let mut entries = shown::Entries::new();
        Section::show(self, &mut entries);
        Effective(entries)
    }

    /// Leads every bind of the embedded SMSC `name` to where that listens.
    pub fn connect_to_embedded(&mut self, name: &str, address: SocketAddr) {
        for bind in self.binds.values_mut() {
            if bind.smsc.as_deref() == Some(name) {
                let bind = Arc::make_mut(bind);
                bind.smsc = None;
                bind.hosts = vec![HostPort::from(address)];
            }
        }
    }

    /// The same with one bind more, or another one of that name.
    #[must_use]
    pub fn bind(mut self, name: impl Into<String>, bind: BindSettings) -> Self {
        self.binds.insert(name.into(), Arc::new(bind));
        self
    }

    /// The bind of that name, to change it. Who shares it already keeps it as it is.
    pub fn bind_mut(&mut self, name: &str) -> Option<&mut BindSettings> {
        self.binds.get_mut(name).map(Arc::make_mut)
    }

    /// Binds share what is equal in the settings before, or in those of the bind before them by name: thousands of binds
    /// to one SMSC need the room of one.
    pub(crate) fn share_equal(&mut self, before: &Self) {
        let mut neighbour: Option<Arc<BindSettings>> = None;
        for (name, bind) in &mut self.binds {
            let known = [before.binds.get(name), neighbour.as_ref()];
            if let Some(equal) = known.into_iter().flatten().find(|known| *known == bind) {
                *bind = equal.clone();
            }
            neighbour = Some(bind.clone());
        }
    }

    /// The same with one TLV more.
    #[must_use]
    pub fn tlv(mut self, name: impl Into<String>, tlv: TlvSettings) -> Self {
        self.tlvs.insert(name.into(), tlv);
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

/// The variables of this process; what is not Unicode is none of ours and no secret.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}
