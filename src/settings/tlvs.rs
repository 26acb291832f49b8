//! TLVs by name: those that the standard does not know, and values that a bind puts into its messages.

use std::sync::Arc;

use std::collections::BTreeMap;

use config::ValueKind;

use super::field::{Checker, Field, Row, Table};
use super::keys::{Absent, Keys, Step};
use super::problem::{Mistake, nearest};
use super::scalar::{Found, Raw};
use super::section::{Given, section};
use super::shown::{Entries, Shown};
use super::source::joined;
use super::{Settings, kinds};
use crate::pdu::tlv::{CustomTlv, RegistryError};
use crate::pdu::{CommandId, FieldValue, TlvKind, TlvRegistry, TlvTag, Tlvs, to_latin1};

section! {
    /// A TLV that the standard does not know.
    pub struct TlvSettings: '_' {
        /// Its tag.
        pub tag: TlvTag = TlvTag::new(0), kinds::NotZero;
        /// What its value consists of.
        pub kind as "type": TlvKind = TlvKind::Octets;
        /// Least octets of the value, the NUL of a C-octet string included.
        pub min: usize = 0, 0..=65_535;
        /// Most octets of the value, the NUL of a C-octet string included; of an integer 1, 2 or 4.
        pub max: usize = 0, 1..=65_535;
        /// The PDUs that it belongs to; without any it belongs to all.
        pub commands: Vec<CommandId> = Vec::new();
    }
}

impl TlvSettings {
    /// One of up to `max` octets, in any PDU.
    #[must_use]
    pub fn new(tag: TlvTag, kind: TlvKind, max: usize) -> Self {
        Self::default().tag(tag).kind(kind).max(max)
    }

    /// The same with its name.
    #[must_use]
    pub fn custom(&self, name: &str) -> CustomTlv {
        CustomTlv::new(name, self.tag, self.kind, self.min..=self.max).only_in(&self.commands)
    }
}

/// TLVs that carriers want, and that come with names.
///
/// They are chosen for a bind and never known everywhere: what one carrier means by a tag another does not.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum TlvSet {
    /// `pe_id` (0x1400), `template_id` (0x1401) and `tm_id` (0x1402), which Indian carriers require.
    IndiaDlt,
    /// `linked_mt_id` (0x1400), by which BulkSMS tells in a reply which message it answers.
    BulkSms,
}

impl TlvSet {
    /// Its TLVs.
    #[must_use]
    pub fn registry(self) -> TlvRegistry {
        match self {
            Self::IndiaDlt => TlvRegistry::india_dlt(),
            Self::BulkSms => TlvRegistry::bulksms(),
        }
    }
}

/// Those of each kind of message, as [`CommandId::MESSAGES`] has them.
type OfMessages = [Tlvs; CommandId::MESSAGES.len()];

/// TLVs that a bind puts into its messages: each into those of submit_sm, submit_multi, data_sm and broadcast_sm that
/// have it.
///
/// In TOML by name, with a number, a text, or octets in hexadecimal: `pe_id = "1101456"`, `campaign = 7`,
/// `note = { hex = "00ff" }`. In a program they are [`Tlvs`]; [`TlvRegistry::put`] makes them by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TlvValues {
    /// As they stand in the settings.
    given: BTreeMap<String, TlvValue>,
    /// As they stand on the wire.
    tlvs: OfMessages,
}

#[derive(Clone, Debug, PartialEq)]
enum TlvValue {
    Number(u32),
    Text(String),
    Octets(Vec<u8>),
    /// Of the environment, where everything is text.
    Variable(String),
}

impl TlvValues {
    /// As they stand on the wire in requests of this kind: none in one that is no message.
    #[must_use]
    pub fn of(&self, command_id: CommandId) -> &Tlvs {
        static NONE: Tlvs = Tlvs::new();
        let place = CommandId::MESSAGES
            .iter()
            .position(|message| *message == command_id);
        place.and_then(|place| self.tlvs.get(place)).unwrap_or(&NONE)
    }

    /// True when there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.given.is_empty()
    }

    /// Turns names into tags; everything was checked.
    pub(super) fn resolve(&mut self, registry: &TlvRegistry) {
        for (name, value) in &self.given {
            let _ = value.put(registry, &mut self.tlvs, name);
        }
    }
}

impl From<Tlvs> for TlvValues {
    fn from(tlvs: Tlvs) -> Self {
        let octets =
            |(tag, value): (TlvTag, &[u8])| (kinds::hexadecimal(tag), TlvValue::Octets(value.to_vec()));
        Self {
            given: tlvs.iter().map(octets).collect(),
            tlvs: std::array::from_fn(|_| tlvs.clone()),
        }
    }
}

impl Given<TlvValues> for Tlvs {
    fn given(self) -> TlvValues {
        self.into()
    }
}

impl TlvValue {
    fn read(raw: Raw<'_>) -> Result<Self, Found> {
        match raw {
            Raw::Text(text) => Ok(Self::Variable(text.to_owned())),
            Raw::Typed(ValueKind::String(text)) => Ok(Self::Text(text.clone())),
            Raw::Typed(ValueKind::Table(table)) => match table.get("hex").map(|value| &value.kind) {
                Some(ValueKind::String(digits)) if table.len() == 1 => octets(digits)
                    .map(Self::Octets)
                    .ok_or_else(|| Found(format!("{{ hex = {digits:?} }}"))),
                _ => Err(raw.found()),
            },
            Raw::Typed(_) => raw
                .integer()
                .ok()
                .and_then(|number| u32::try_from(number).ok())
                .map(Self::Number)
                .ok_or_else(|| raw.found()),
        }
    }

    fn show(&self) -> Shown {
        match self {
            Self::Number(number) => Shown::Integer(u64::from(*number)),
            Self::Text(text) | Self::Variable(text) => Shown::Text(text.clone()),
            Self::Octets(octets) => {
                let digits: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
                Shown::Inline(vec![(String::from("hex"), Shown::Text(digits))])
            }
        }
    }

    /// Puts it among those of each message that has one of its name, or, where that is the number of a tag, of all.
    fn put(&self, registry: &TlvRegistry, tlvs: &mut OfMessages, name: &str) -> Result<(), Misfit> {
        if let (Some(tag), Self::Octets(octets)) = (kinds::from_hexadecimal(name), self) {
            if TlvTag::new(tag) == TlvTag::MESSAGE_PAYLOAD {
                return Err(Misfit::Payload);
            }
            let put = |tlvs: &mut Tlvs| tlvs.put_raw(TlvTag::new(tag), octets);
            return tlvs.iter_mut().try_for_each(put).map_err(|_| Misfit::Long);
        }
        let mut is_known = false;
        for (command_id, tlvs) in CommandId::MESSAGES.into_iter().zip(tlvs) {
            let Some((tag, shape)) = registry.by_name(command_id, name) else {
                continue;
            };
            if tag == TlvTag::MESSAGE_PAYLOAD {
                return Err(Misfit::Payload);
            }
            let value = self.value(shape.kind == TlvKind::Integer)?;
            registry
                .put(command_id, tlvs, name, &value)
                .map_err(Misfit::Value)?;
            is_known = true;
        }
        is_known.then_some(()).ok_or(Misfit::Unknown)
    }

    fn value(&self, is_integer: bool) -> Result<FieldValue<'_>, Misfit> {
        Ok(match self {
            Self::Number(number) => FieldValue::Integer(*number),
            Self::Octets(octets) => FieldValue::Octets(octets.into()),
            Self::Variable(text) if is_integer => text
                .trim()
                .parse()
                .map_or(FieldValue::Text(text.as_bytes().into()), FieldValue::Integer),
            Self::Text(text) | Self::Variable(text) => {
                FieldValue::Text(to_latin1(text).map_err(|_| Misfit::Characters)?)
            }
        })
    }
}

/// Why a value cannot stand in a message.
enum Misfit {
    Unknown,
    Payload,
    Characters,
    Long,
    Value(RegistryError),
}

fn octets(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.as_bytes();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let is_hexadecimal = digits.len().is_multiple_of(2) && digits.iter().all(u8::is_ascii_hexdigit);
    is_hexadecimal.then(|| digits.chunks(2).map(pair).collect())?
}

const VALUE: &str = "a number, a text in quotes, or octets as in { hex = \"00ff\" }";

/// A table from name to value.
impl Field for TlvValues {
    type Ruled = Self;

    fn read(&mut self, row: Row<'_, Self>, table: &mut Table<'_, '_>) {
        let allowed = "a table of TLVs with their values, such as { pe_id = \"1101456\" }";
        table.inner(row.key, allowed, |table| {
            for name in table.names() {
                match table.raw(&name).map(TlvValue::read) {
                    Some(Ok(value)) => {
                        self.given.insert(name, value);
                    }
                    Some(Err(Found(found))) => table.report(
                        &name,
                        Mistake::NotAllowed {
                            allowed: String::from(VALUE),
                            found: Some(found),
                        },
                    ),
                    None => {}
                }
            }
        });
    }

    fn check(&self, _: Row<'_, Self>, _: &str, _: &mut Checker<'_>) {}

    fn show(&self, key: &str, entries: &mut Entries) {
        let values = self
            .given
            .iter()
            .map(|(name, value)| (name.clone(), value.show()));
        entries.push((key.to_owned(), Shown::Table(values.collect())));
    }

    fn describe(&self, row: Row<'_, Self>, keys: &mut Keys) {
        keys.inside_key(row.key, |keys| {
            keys.inside(Step::Name, |keys| {
                keys.add_here(String::from(VALUE), Absent::Nothing, row.doc);
            });
        });
    }
}

impl Settings {
    /// The TLVs that are known by name on the bind called `bind`: those of the standard, those of
    /// [`tlvs`](field@Self::tlvs), and the bind's own sets. For a name that no bind has, the first two.
    ///
    /// # Errors
    ///
    /// Two have the same name or tag in the same PDU, or one is impossible. Never with settings that were checked.
    pub fn tlv_registry(&self, bind: &str) -> Result<TlvRegistry, RegistryError> {
        let sets = self.binds.get(bind).map_or(&[][..], |bind| &bind.tlv_sets);
        self.with_sets(sets)
    }

    /// The TLVs that are known by name on any bind.
    ///
    /// # Errors
    ///
    /// As [`tlv_registry`](Self::tlv_registry).
    pub fn all_tlvs(&self) -> Result<TlvRegistry, RegistryError> {
        let mut sets = Vec::new();
        for set in self.binds.values().flat_map(|bind| &bind.tlv_sets) {
            if !sets.contains(set) {
                sets.push(*set);
            }
        }
        self.with_sets(&sets)
    }

    fn with_sets(&self, sets: &[TlvSet]) -> Result<TlvRegistry, RegistryError> {
        let own = self.tlvs.iter().map(|(name, tlv)| tlv.custom(name));
        let of_sets = sets.iter().flat_map(|set| set.registry().custom().to_vec());
        TlvRegistry::with(own.chain(of_sets))
    }

    /// Turns the names of what binds put into messages into tags.
    pub(super) fn resolve_tlvs(&mut self) {
        let registries: Vec<_> = self.binds.keys().map(|name| self.tlv_registry(name)).collect();
        for (bind, registry) in self.binds.values_mut().zip(registries) {
            if let Ok(registry) = registry {
                Arc::make_mut(bind).tlvs.resolve(&registry);
            }
        }
    }
}

/// Checks names and tags against each other and against the standard, and the values of binds.
pub(super) fn check(settings: &Settings, checker: &mut Checker<'_>) {
    let mut registry = TlvRegistry::new();
    let mut is_sound = true;
    for (name, tlv) in &settings.tlvs {
        if let Err(error) = registry.add(tlv.custom(name)) {
            let key = match error {
                RegistryError::TagTaken { .. } => format!("tlvs.{name}.tag"),
                RegistryError::Size { .. } => format!("tlvs.{name}.max"),
                _ => format!("tlvs.{name}"),
            };
            checker.report(key, Mistake::Combination(error.to_string()));
            is_sound = false;
        }
    }
    if !is_sound {
        return;
    }
    for (name, bind) in &settings.binds {
        let path = format!("binds.{name}");
        match settings.tlv_registry(name) {
            Err(error) => checker.report(
                joined(&path, "tlv_sets"),
                Mistake::Combination(format!("{error}; leave out one of them")),
            ),
            Ok(registry) => check_values(&joined(&path, "tlvs"), &bind.tlvs, &registry, checker),
        }
    }
}

fn check_values(path: &str, values: &TlvValues, registry: &TlvRegistry, checker: &mut Checker<'_>) {
    let mut tlvs = OfMessages::default();
    for (name, value) in &values.given {
        let text = match value.put(registry, &mut tlvs, name) {
            Ok(()) => continue,
            Err(Misfit::Unknown) => unknown(name, registry),
            Err(Misfit::Payload) => String::from("holds the text of a message, which a bind has not"),
            Err(Misfit::Characters) => {
                String::from("has a character above U+00FF, which takes more than an octet")
            }
            Err(Misfit::Long) => String::from("has more than 65535 octets"),
            Err(Misfit::Value(error)) => error.to_string(),
        };
        checker.report(joined(path, name), Mistake::Combination(text));
    }
}

fn unknown(name: &str, registry: &TlvRegistry) -> String {
    let custom = registry.custom().iter().map(|custom| custom.name.as_str());
    let standard = TlvTag::ALL.iter().filter(|tag| **tag != TlvTag::MESSAGE_PAYLOAD);
    let standard = standard.filter_map(|tag| tag.name());
    let known = custom.chain(standard);
    let known = known.filter(|name| {
        let has = |message| registry.by_name(message, name).is_some();
        CommandId::MESSAGES.into_iter().any(has)
    });
    let hint = match nearest(name, known) {
        Some(nearest) => format!("did you mean {nearest}?"),
        None => format!("define it in [tlvs.{name}], or name the set that it is in with tlv_sets"),
    };
    format!("no TLV of a message has this name; {hint}")
}
