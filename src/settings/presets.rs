//! What providers want of a bind, ready to be named: `preset = "vonage"`.
//!
//! Each preset is a file of `config/providers/`, built into the library. Its table `[bind]` lies under the bind that
//! names it: a key that the bind has itself hides that of the preset. The keys above it are what no key of a bind can
//! say; checking the settings warns of a bind that goes against them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use config::{Map, Value, ValueKind};

use super::field::{Reader, Table};
use super::problem::{Place, Problem};
use super::rule::{AtLeast, Characters};
use super::scalar::{Found, Raw, Scalar, choice, ruled_as_it_is};
use super::section::{Section, section};
use super::shown::{Entries, Shown};
use super::source::{Document, Places, joined};
use super::values::{hours, ms};
use super::{BindSettings, HostPort, Secret, SettingsError};

/// The files, by the name of the preset.
macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$((
            $name,
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/config/providers/", $name, ".toml")),
        )),*]
    };
}

const FILES: &[(&str, &str)] = &files![
    "8x8",
    "bulksms",
    "cheapglobalsms",
    "clickatell",
    "clicksend",
    "cm",
    "hsl",
    "inmobile",
    "melrose",
    "messagemedia",
    "openmarket",
    "rakuten",
    "route-mobile",
    "sbs",
    "sinch",
    "sinch-legacy",
    "smsfire",
    "smsportal",
    "spendo",
    "twilio",
    "txtwire",
    "vibes",
    "vonage",
];

/// In the order of their names.
static PRESETS: LazyLock<Vec<Provider>> = LazyLock::new(|| {
    // A test reads each of them; one that could not be read would be none.
    let read = |(name, text): &(&'static str, &str)| Provider::read(name, text).ok();
    FILES
        .iter()
        .filter_map(read)
        .map(|(provider, _)| provider)
        .collect()
});

section! {
    /// What a provider says that no key of a bind can say. Guides change: none of this is more than a warning.
    pub struct PresetFacts {
        /// Who it is.
        pub provider: String = String::new(), Characters(1..=60);
        /// Whether it wants TLS.
        pub tls: Option<TlsNeed> = None;
        /// Its ports for TLS.
        pub tls_ports: Vec<u16> = Vec::new();
        /// It drops a link that is silent for this long.
        pub idle_limit: Option<Duration> = None, ms(1)..=hours(1);
        /// It wants its deliveries answered within this time.
        pub answer_within: Option<Duration> = None, ms(1)..=hours(1);
        /// What its limit of rate counts together, where that is more than one bind.
        pub rate_scope: Option<RateScope> = None;
        /// In which form its receipts come.
        pub receipts: Option<ReceiptForm> = None;
        /// A receipt may come on another bind of the account than its message left by.
        pub receipts_on_any_bind: bool = false;
        /// Least characters of a password.
        pub password_min_length: Option<usize> = None, AtLeast(1);
        /// What else there is to know.
        pub notes: Vec<String> = Vec::new();
    }
}

/// Whether a provider wants TLS.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum TlsNeed {
    /// It takes no connection without.
    Required,
    /// It takes both.
    Offered,
}

/// What a limit of rate counts together.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum RateScope {
    /// All binds of a `system_id` to one server.
    Server,
    /// All binds of a `system_id`.
    Account,
}

/// In which form receipts come.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ReceiptForm {
    /// The text that 3.4 appendix B describes.
    Text,
    /// Such a text, and the TLV `message_state`.
    TextAndTlv,
    /// A text of its own.
    Own,
}

/// A preset, by name.
#[derive(Clone, Copy)]
pub struct Preset(&'static Provider);

struct Provider {
    name: &'static str,
    facts: PresetFacts,
    /// The table `[bind]`.
    bind: Map<String, Value>,
}

impl Provider {
    /// Reads a file, and says what is wrong with its facts.
    fn read(name: &'static str, text: &str) -> Result<(Self, Vec<Problem>), SettingsError> {
        let (mut tree, places) =
            Document::parse(text, &format!("config/providers/{name}.toml"))?.into_parts();
        let bind = match tree.remove("bind").map(|value| value.kind) {
            Some(ValueKind::Table(bind)) => bind,
            _ => Map::new(),
        };
        let mut facts = PresetFacts::default();
        let problems = read_into(&mut facts, &tree, &places);
        Ok((Self { name, facts, bind }, problems))
    }
}

/// Reads a table; gives what is wrong with it.
fn read_into<S: Section>(section: &mut S, values: &Map<String, Value>, places: &Places) -> Vec<Problem> {
    let mut reader = Reader {
        places,
        variables: &BTreeMap::new(),
        folder: Path::new(""),
        problems: Vec::new(),
    };
    let mut table = Table::root(values, &mut reader);
    section.read(&mut table);
    table.finish();
    reader.problems
}

impl Preset {
    /// All that there are, by name.
    pub fn all() -> impl Iterator<Item = Self> {
        PRESETS.iter().map(Self)
    }

    /// The one with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|preset| preset.name() == name)
    }

    /// Its name, as in `preset = "vonage"`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0.name
    }

    /// Who it is.
    #[must_use]
    pub fn provider(self) -> &'static str {
        &self.0.facts.provider
    }

    /// What no key of a bind can say.
    #[must_use]
    pub const fn facts(self) -> &'static PresetFacts {
        &self.0.facts
    }

    /// A bind as the provider wants it.
    ///
    /// ```
    /// use bindery::settings::Preset;
    ///
    /// let vonage = Preset::named("vonage").ok_or("no such preset")?;
    /// let bind = vonage.bind("smpp1.example:2775", "bindery", "secret").window(20);
    /// assert_eq!((bind.rate, bind.max_binds), (Some(30.0), Some(2)));
    /// # Ok::<(), &str>(())
    /// ```
    #[must_use]
    pub fn bind(
        self,
        host: impl Into<HostPort>,
        system_id: impl Into<String>,
        password: impl Into<Secret>,
    ) -> BindSettings {
        let mut bind = BindSettings::new(host, system_id, password).preset(self);
        // Only the password is missing, and that is there.
        let _ = read_into(&mut bind, &self.0.bind, &Places::default());
        bind
    }

    /// The keys that it sets, in the order of the reference, each with its tables.
    pub(super) fn sets(self) -> Vec<(String, Shown)> {
        let mut entries = Entries::new();
        self.bind("", "", "").show(&mut entries);
        let mut sets = Vec::new();
        collect(entries, &self.0.bind, "", &mut sets);
        sets
    }

    /// Puts its keys under those of a bind; `path` is where that stands, and `at` where it names the preset.
    fn lay_under(self, bind: &mut Map<String, Value>, path: &str, at: &Place, places: &mut Places) {
        merge(bind, &self.0.bind, path, &mut |key| {
            let at = Box::new(at.clone());
            places.add(
                key,
                Place::Preset {
                    name: self.name(),
                    at,
                },
            );
        });
    }
}

/// Lays the presets that binds name under those binds.
pub(super) fn lay_under(tree: &mut Map<String, Value>, places: &mut Places) {
    let Some(ValueKind::Table(binds)) = tree.get_mut("binds").map(|value| &mut value.kind) else {
        return;
    };
    for (name, bind) in binds {
        let ValueKind::Table(bind) = &mut bind.kind else {
            continue;
        };
        // One that is not known is reported when the bind is read.
        let preset = match bind.get("preset").map(|value| &value.kind) {
            Some(ValueKind::String(preset)) => Preset::named(preset),
            _ => None,
        };
        if let Some(preset) = preset {
            let path = joined("binds", name);
            let at = places.of(&joined(&path, "preset"));
            preset.lay_under(bind, &path, &at, places);
        }
    }
}

/// Adds what is missing, and tells the path of each key.
fn merge(
    over: &mut Map<String, Value>,
    under: &Map<String, Value>,
    path: &str,
    added: &mut impl FnMut(String),
) {
    for (key, value) in under {
        let path = joined(path, key);
        let Some(there) = over.get_mut(key) else {
            tell(value, &path, added);
            over.insert(key.clone(), value.clone());
            continue;
        };
        if let (ValueKind::Table(over), ValueKind::Table(under)) = (&mut there.kind, &value.kind) {
            merge(over, under, &path, added);
        }
    }
}

fn tell(value: &Value, path: &str, added: &mut impl FnMut(String)) {
    added(path.to_owned());
    if let ValueKind::Table(table) = &value.kind {
        for (key, value) in table {
            tell(value, &joined(path, key), added);
        }
    }
}

/// The shown values of the keys that are in `given`.
fn collect(entries: Entries, given: &Map<String, Value>, path: &str, sets: &mut Vec<(String, Shown)>) {
    for (key, shown) in entries {
        let path = joined(path, &key);
        match (shown, given.get(&key).map(|value| &value.kind)) {
            (_, None) => {}
            // Statuses have their own spelling, and all of them are given.
            (Shown::Table(inner), Some(_)) if key == "statuses" => {
                sets.extend(inner.into_iter().map(|(key, shown)| (joined(&path, &key), shown)));
            }
            (Shown::Table(inner), Some(ValueKind::Table(given))) => collect(inner, given, &path, sets),
            (shown, Some(_)) => sets.push((path, shown)),
        }
    }
}

impl Eq for Preset {}

impl PartialEq for Preset {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl fmt::Debug for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Preset").field(&self.name()).finish()
    }
}

impl Scalar for Preset {
    ruled_as_it_is!();

    fn allowed(_: &str) -> String {
        choice(&Self::all().map(Self::name).collect::<Vec<_>>())
    }

    fn read(raw: Raw<'_>) -> Result<Self, Found> {
        Self::named(raw.text()?).ok_or_else(|| raw.found())
    }

    fn show(&self) -> Option<Shown> {
        Some(Shown::Text(self.name().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_preset_and_every_key_in_it_is_known() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/providers");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .map(|file| file.strip_suffix(".toml").unwrap().to_owned())
            .collect();
        files.sort();
        let names: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, files);
        for (name, text) in FILES {
            let (provider, problems) = Provider::read(name, text).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(problems, [], "{name}");
            assert_eq!(unknown_of(&provider.bind), [""; 0], "{name}");
            assert!(!provider.facts.provider.is_empty(), "{name}");
            // One preset under another would be looked for while all are read.
            assert!(!provider.bind.contains_key("preset"), "{name}");
            assert_eq!(Preset::named(name).map(Preset::name), Some(*name));
        }
    }

    /// What is wrong with a table of a bind, besides what only the user knows.
    fn unknown_of(bind: &Map<String, Value>) -> Vec<String> {
        read_into(&mut BindSettings::default(), bind, &Places::default())
            .iter()
            .filter(|problem| problem.key != "password")
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_key_that_is_not_known_would_be_found() {
        let text = "provider = \"x\"\ntlss = \"required\"\n[bind]\nwidnow = 1\n[bind.tls]\nenabled = 1";
        let (provider, problems) = Provider::read("x", text).unwrap();
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            ["config/providers/x.toml:2: tlss: unknown key; did you mean tls?"]
        );
        assert_eq!(
            unknown_of(&provider.bind),
            [
                "tls.enabled: must be true or false, not 1",
                "widnow: unknown key; did you mean window?"
            ]
        );
    }
}
