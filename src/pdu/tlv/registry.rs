//! TLVs of vendors and carriers, by name.
//!
//! ```
//! use bindery::pdu::{CommandId, FieldValue, SubmitSm, tlv};
//!
//! let registry = tlv::TlvRegistry::india_dlt();
//! let mut submit = SubmitSm::default();
//! registry.put(CommandId::SUBMIT_SM, &mut submit.tlvs, "pe_id", &FieldValue::Text(b"110123456789"[..].into()))?;
//! assert_eq!(submit.tlvs.find(tlv::TlvTag::new(0x1400)), Some(&b"110123456789"[..]));
//! # Ok::<(), tlv::RegistryError>(())
//! ```

use std::borrow::Cow;

use serde::Deserialize;

use super::{TlvKind, TlvShape, TlvTag, Tlvs};
use crate::pdu::{CommandId, FieldValue};

/// A TLV that the standard does not know.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct CustomTlv {
    /// Its name: lower-case letters, digits and `_`.
    pub name: String,
    /// Its tag.
    pub tag: TlvTag,
    /// What its value consists of.
    #[serde(rename = "type")]
    pub kind: TlvKind,
    /// Least octets of the value, a NUL included; 0 by default. Integers always have `max`.
    #[serde(default)]
    pub min: usize,
    /// Most octets of the value, a NUL included; for integers their width: 1, 2 or 4.
    pub max: usize,
    /// The PDUs that it belongs to; none means all of them.
    #[serde(default)]
    pub commands: Vec<CommandId>,
}

/// Why a TLV cannot be added to a registry, or a value cannot be put into one.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// Another TLV of the same PDU has the name.
    #[error("TLV name {name} is taken by tag 0x{:04X}", taken_by.value())]
    NameTaken {
        /// The name.
        name: String,
        /// Who has it.
        taken_by: TlvTag,
    },
    /// Another TLV of the same PDU has the tag.
    #[error("TLV tag 0x{:04X} of {name} is taken by {taken_by}", tag.value())]
    TagTaken {
        /// The name.
        name: String,
        /// The tag.
        tag: TlvTag,
        /// Who has it.
        taken_by: String,
    },
    /// A name with other characters than lower-case letters, digits and `_`.
    #[error("TLV name {name:?}: lower-case letters, digits and _ are allowed")]
    Name {
        /// The name.
        name: String,
    },
    /// Sizes that no value can have.
    #[error("TLV {name}: {min} to {max} octets are no sizes of its type (integers have 1, 2 or 4)")]
    Size {
        /// The name.
        name: String,
        /// Least octets.
        min: usize,
        /// Most octets.
        max: usize,
    },
    /// No TLV of the PDU has the name.
    #[error("no TLV of this PDU is called {name}")]
    Unknown {
        /// The name.
        name: String,
    },
    /// The value is of another type than the TLV.
    #[error("TLV {name}: {expected} belongs here")]
    Type {
        /// The name.
        name: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// The value has a size that the TLV does not allow.
    #[error("TLV {name}: {length} octets where {expected} belong")]
    Length {
        /// The name.
        name: String,
        /// Octets of the value.
        length: usize,
        /// How many it may have.
        expected: TlvShape,
    },
}

impl CustomTlv {
    /// A TLV that may be in any PDU.
    #[must_use]
    pub fn new(name: &str, tag: TlvTag, kind: TlvKind, sizes: std::ops::RangeInclusive<usize>) -> Self {
        let (min, max) = sizes.into_inner();
        Self {
            name: name.to_owned(),
            tag,
            kind,
            min,
            max,
            commands: Vec::new(),
        }
    }

    /// The same for some PDUs only.
    #[must_use]
    pub fn only_in(mut self, commands: &[CommandId]) -> Self {
        self.commands = commands.to_vec();
        self
    }

    /// What the value looks like.
    #[must_use]
    pub const fn shape(&self) -> TlvShape {
        let min = match self.kind {
            TlvKind::Integer => self.max,
            TlvKind::Text | TlvKind::Octets => self.min,
        };
        TlvShape::new(self.kind, min, self.max)
    }

    fn belongs_to(&self, command: CommandId) -> bool {
        self.commands.is_empty() || self.commands.contains(&command)
    }

    fn shares_a_command_with(&self, other: &Self) -> bool {
        self.commands.is_empty()
            || other.commands.is_empty()
            || other.commands.iter().any(|id| self.belongs_to(*id))
    }

    fn check(&self) -> Result<(), RegistryError> {
        let is_plain = |character: char| matches!(character, 'a'..='z' | '0'..='9' | '_');
        if self.name.is_empty() || !self.name.chars().all(is_plain) {
            return Err(RegistryError::Name {
                name: self.name.clone(),
            });
        }
        let fits = match self.kind {
            TlvKind::Integer => matches!(self.max, 1 | 2 | 4),
            TlvKind::Text => self.max >= 1,
            TlvKind::Octets => true,
        };
        if !fits || self.min > self.max || self.max > usize::from(u16::MAX) {
            return Err(RegistryError::Size {
                name: self.name.clone(),
                min: self.min,
                max: self.max,
            });
        }
        Ok(())
    }
}

/// The TLVs that are known by name: those of the standard, and those that were added.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TlvRegistry {
    custom: Vec<CustomTlv>,
}

impl TlvRegistry {
    /// The TLVs of the standard.
    #[must_use]
    pub const fn new() -> Self {
        Self { custom: Vec::new() }
    }

    /// The TLVs of the standard, and these.
    ///
    /// # Errors
    ///
    /// As [`TlvRegistry::add`], at the first that cannot be added.
    pub fn with(custom: impl IntoIterator<Item = CustomTlv>) -> Result<Self, RegistryError> {
        custom.into_iter().try_fold(Self::new(), |mut registry, custom| {
            registry.add(custom).map(|()| registry)
        })
    }

    /// The three that Indian carriers require (distributed ledger registration of senders and templates).
    #[must_use]
    pub fn india_dlt() -> Self {
        let commands = [CommandId::SUBMIT_SM, CommandId::SUBMIT_MULTI, CommandId::DATA_SM];
        let tlv =
            |name, tag| CustomTlv::new(name, TlvTag::new(tag), TlvKind::Octets, 1..=30).only_in(&commands);
        Self {
            custom: vec![
                tlv("pe_id", 0x1400),
                tlv("template_id", 0x1401),
                tlv("tm_id", 0x1402),
            ],
        }
    }

    /// The one that BulkSMS puts into replies: the id of the message that they answer.
    #[must_use]
    pub fn bulksms() -> Self {
        let tlv = CustomTlv::new("linked_mt_id", TlvTag::new(0x1400), TlvKind::Text, 1..=65);
        Self {
            custom: vec![tlv.only_in(&[CommandId::DELIVER_SM])],
        }
    }

    /// Adds one.
    ///
    /// # Errors
    ///
    /// Its tag or its name is that of a standard TLV, or of one that was added for the same PDU; its name or its
    /// sizes are not possible.
    pub fn add(&mut self, custom: CustomTlv) -> Result<(), RegistryError> {
        custom.check()?;
        let CustomTlv { name, tag, .. } = &custom;
        if let Some(taken_by) = TlvTag::from_name(name) {
            return Err(RegistryError::NameTaken {
                name: name.clone(),
                taken_by,
            });
        }
        if let Some(taken_by) = tag.name() {
            return Err(RegistryError::TagTaken {
                name: name.clone(),
                tag: *tag,
                taken_by: taken_by.to_owned(),
            });
        }
        for other in self
            .custom
            .iter()
            .filter(|other| other.shares_a_command_with(&custom))
        {
            if other.name == *name {
                return Err(RegistryError::NameTaken {
                    name: name.clone(),
                    taken_by: other.tag,
                });
            }
            if other.tag == *tag {
                let taken_by = other.name.clone();
                return Err(RegistryError::TagTaken {
                    name: name.clone(),
                    tag: *tag,
                    taken_by,
                });
            }
        }
        self.custom.push(custom);
        Ok(())
    }

    /// Those that were added.
    #[must_use]
    pub fn custom(&self) -> &[CustomTlv] {
        &self.custom
    }

    /// Tag and shape of a TLV of this PDU.
    #[must_use]
    pub fn by_name(&self, command: CommandId, name: &str) -> Option<(TlvTag, TlvShape)> {
        let custom = self
            .custom
            .iter()
            .find(|custom| custom.name == name && custom.belongs_to(command));
        match custom {
            Some(custom) => Some((custom.tag, custom.shape())),
            None => TlvTag::from_name(name).and_then(|tag| Some((tag, tag.shape()?))),
        }
    }

    /// Name and shape of a TLV of this PDU.
    #[must_use]
    pub fn by_tag(&self, command: CommandId, tag: TlvTag) -> Option<(&str, TlvShape)> {
        let custom = self
            .custom
            .iter()
            .find(|custom| custom.tag == tag && custom.belongs_to(command));
        match custom {
            Some(custom) => Some((custom.name.as_str(), custom.shape())),
            None => Some((tag.name()?, tag.shape()?)),
        }
    }

    /// Sets a TLV by name, in the place of those with the same tag.
    ///
    /// Integers take numbers, texts take texts, octets take octets or the characters of a text without a NUL, and
    /// `ms_validity` a number too.
    ///
    /// # Errors
    ///
    /// There is no such TLV, or the value does not fit; it is never cut.
    pub fn put(
        &self,
        command: CommandId,
        tlvs: &mut Tlvs,
        name: &str,
        value: &FieldValue<'_>,
    ) -> Result<(), RegistryError> {
        let Some((tag, shape)) = self.by_name(command, name) else {
            return Err(RegistryError::Unknown {
                name: name.to_owned(),
            });
        };
        let octets = shape.octets_of(value).map_err(|expected| RegistryError::Type {
            name: name.to_owned(),
            expected,
        })?;
        let length = octets.len();
        let misfit = || RegistryError::Length {
            name: name.to_owned(),
            length,
            expected: shape,
        };
        if !shape.allows(length) {
            return Err(misfit());
        }
        tlvs.put_raw(tag, &octets).map_err(|_| misfit())
    }

    /// The value of a TLV by name; none when it is absent, unknown, or not of its shape.
    #[must_use]
    pub fn get<'a>(
        &self,
        command: CommandId,
        tlvs: super::TlvsView<'a>,
        name: &str,
    ) -> Option<FieldValue<'a>> {
        let (tag, shape) = self.by_name(command, name)?;
        shape.value_of(tlvs.find(tag)?)
    }
}

impl TlvShape {
    /// The octets of a value; a number that needs more octets than the shape has gets as many as it needs.
    ///
    /// # Errors
    ///
    /// The value is of another type; the error says which belongs there.
    pub fn octets_of<'a>(self, value: &'a FieldValue<'_>) -> Result<Cow<'a, [u8]>, &'static str> {
        match (self.kind, value) {
            (TlvKind::Integer, FieldValue::Integer(number)) => Ok(Cow::Owned(integer(*number, self.min))),
            (TlvKind::Octets, FieldValue::Integer(number)) if self.only_ends => {
                let octets = integer(*number, self.min);
                (octets.len() == self.min)
                    .then_some(Cow::Owned(octets))
                    .ok_or("a number of one octet, or octets")
            }
            (TlvKind::Integer, _) => Err("a number"),
            (TlvKind::Text, FieldValue::Text(text)) if text.contains(&0) => Err("a text without a NUL"),
            (TlvKind::Text, FieldValue::Text(text)) => Ok(Cow::Owned([text, &[0][..]].concat())),
            (TlvKind::Text, _) => Err("a text"),
            (TlvKind::Octets, FieldValue::Text(octets) | FieldValue::Octets(octets)) => {
                Ok(Cow::Borrowed(octets))
            }
            (TlvKind::Octets, _) => Err("octets"),
        }
    }

    /// The value of octets; none when an integer has an odd width.
    #[must_use]
    pub fn value_of(self, octets: &[u8]) -> Option<FieldValue<'_>> {
        match self.kind {
            TlvKind::Integer => match octets.len() {
                1..=4 => {
                    let number = octets.iter().fold(0, |sum, &octet| sum << 8 | u32::from(octet));
                    Some(FieldValue::Integer(number))
                }
                _ => None,
            },
            TlvKind::Text => octets
                .split(|&octet| octet == 0)
                .next()
                .map(|text| FieldValue::Text(text.into())),
            TlvKind::Octets => match octets {
                [number] if self.only_ends && self.min == 1 => Some(FieldValue::Integer((*number).into())),
                _ => Some(FieldValue::Octets(octets.into())),
            },
        }
    }
}

/// A number in as many octets as it needs, at least `least`.
fn integer(number: u32, least: usize) -> Vec<u8> {
    let octets = number.to_be_bytes();
    let zeros = octets.iter().take_while(|&&octet| octet == 0).count();
    let width = least.max(octets.len() - zeros).max(1);
    octets
        .into_iter()
        .skip(octets.len().saturating_sub(width))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tlv(name: &str, tag: u16) -> CustomTlv {
        CustomTlv::new(name, TlvTag::new(tag), TlvKind::Octets, 0..=10)
    }

    #[test]
    fn a_clash_of_tag_or_name_is_an_error() {
        let submit = [CommandId::SUBMIT_SM];
        let deliver = [CommandId::DELIVER_SM];
        let cases = [
            (vec![tlv("a", 0x1400), tlv("b", 0x1401)], None),
            (
                vec![tlv("a", 0x1400), tlv("b", 0x1400)],
                Some("TLV tag 0x1400 of b is taken by a"),
            ),
            (
                vec![tlv("a", 0x1400), tlv("a", 0x1401)],
                Some("TLV name a is taken by tag 0x1400"),
            ),
            (
                vec![tlv("a", 0x0424)],
                Some("TLV tag 0x0424 of a is taken by message_payload"),
            ),
            (
                vec![tlv("message_payload", 0x1400)],
                Some("TLV name message_payload is taken by tag 0x0424"),
            ),
            (
                vec![
                    tlv("a", 0x1400).only_in(&submit),
                    tlv("b", 0x1400).only_in(&deliver),
                ],
                None,
            ),
            (
                vec![tlv("a", 0x1400).only_in(&submit), tlv("b", 0x1400)],
                Some("TLV tag 0x1400 of b is taken by a"),
            ),
            (
                vec![tlv("PE-ID", 0x1400)],
                Some("TLV name \"PE-ID\": lower-case letters, digits and _ are allowed"),
            ),
            (
                vec![CustomTlv::new("n", TlvTag::new(0x1400), TlvKind::Integer, 3..=3)],
                Some("TLV n: 3 to 3 octets are no sizes of its type (integers have 1, 2 or 4)"),
            ),
        ];
        for (tlvs, expected) in cases {
            let error = TlvRegistry::with(tlvs.clone())
                .err()
                .map(|error| error.to_string());
            assert_eq!(error.as_deref(), expected, "{tlvs:?}");
        }
    }

    #[test]
    fn settings_declare_them() {
        #[derive(Deserialize)]
        struct Settings {
            tlvs: Vec<CustomTlv>,
        }
        let text = r#"
            tlvs = [
                { name = "pe_id", tag = 0x1400, type = "octets", min = 1, max = 30, commands = ["submit_sm"] },
                { name = "campaign", tag = "0x1500", type = "integer", max = 2 },
                { name = "note", tag = 0x1501, type = "text", max = 20 },
            ]"#;
        let registry = TlvRegistry::with(toml::from_str::<Settings>(text).unwrap().tlvs).unwrap();
        let mut tlvs = Tlvs::new();
        let mut put = |name, value| registry.put(CommandId::SUBMIT_SM, &mut tlvs, name, &value);
        put("pe_id", FieldValue::Text(b"1101"[..].into())).unwrap();
        put("campaign", FieldValue::Integer(7)).unwrap();
        put("note", FieldValue::Text(b"hi"[..].into())).unwrap();
        assert_eq!(
            put("campaign", FieldValue::Integer(65_536))
                .unwrap_err()
                .to_string(),
            "TLV campaign: 3 octets where 2 belong"
        );
        assert_eq!(
            put("pe_id", FieldValue::Integer(1)).unwrap_err().to_string(),
            "TLV pe_id: octets belongs here"
        );
        assert_eq!(
            tlvs.as_bytes(),
            b"\x14\x00\x00\x041101\x15\x00\x00\x02\x00\x07\x15\x01\x00\x03hi\x00"
        );
        let get = |name| registry.get(CommandId::SUBMIT_SM, tlvs.view(), name);
        assert_eq!(get("campaign"), Some(FieldValue::Integer(7)));
        assert_eq!(get("note"), Some(FieldValue::Text(b"hi"[..].into())));
        assert_eq!(registry.by_name(CommandId::DELIVER_SM, "pe_id"), None);
        assert_eq!(
            registry
                .by_tag(CommandId::SUBMIT_SM, TlvTag::new(0x1400))
                .map(|(name, _)| name),
            Some("pe_id")
        );
    }

    #[test]
    fn the_presets_do_not_clash_with_the_standard() {
        for preset in [TlvRegistry::india_dlt(), TlvRegistry::bulksms()] {
            assert_eq!(TlvRegistry::with(preset.custom().to_vec()), Ok(preset));
        }
        // They use the same tag, in different PDUs.
        let both = [TlvRegistry::india_dlt().custom(), TlvRegistry::bulksms().custom()].concat();
        assert!(TlvRegistry::with(both).is_ok());
    }
}
