//! Settings as they are in effect, for people and programs, without secrets.

use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::problem::Place;
use super::source::joined;

/// A value as it stands in the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shown {
    Text(String),
    Integer(u64),
    Number(f64),
    Switch(bool),
    List(Vec<Shown>),
    Table(Entries),
    /// A table in one line.
    Inline(Entries),
}

/// Keys and their values in the order of the declaration.
pub(super) type Entries = Vec<(String, Shown)>;

/// The configuration in effect: every key with its value, secrets as `***`.
///
/// Prints as TOML, and serialises for JSON. Keys that are absent and have no default are left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Effective(pub(super) Entries);

impl fmt::Display for Effective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_entries(&self.0, "", f, &|_| None)
    }
}

/// Values first, then each table under its own header: TOML wants it in this order.
///
/// What is known of the origin of a value stands behind it.
pub(super) fn write_entries<'a>(
    entries: &Entries,
    path: &str,
    f: &mut fmt::Formatter<'_>,
    origin: &dyn Fn(&str) -> Option<&'a Place>,
) -> fmt::Result {
    let (tables, values): (Vec<_>, Vec<_>) = entries
        .iter()
        .partition(|(_, shown)| matches!(shown, Shown::Table(_)));
    if !path.is_empty() && !values.is_empty() {
        writeln!(f, "[{path}]")?;
    }
    for (key, value) in &values {
        write!(f, "{key} = {value}")?;
        match origin(&joined(path, key)) {
            Some(origin) => writeln!(f, "  # {origin}")?,
            None => writeln!(f)?,
        }
    }
    if !values.is_empty() {
        writeln!(f)?;
    }
    for (key, table) in tables {
        if let Shown::Table(entries) = table {
            let path = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            write_entries(entries, &path, f, origin)?;
        }
    }
    Ok(())
}

/// A value in one line.
impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write_text(text, f),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Number(number) => write!(f, "{number:?}"),
            Self::Switch(value) => write!(f, "{value}"),
            Self::List(values) => {
                f.write_str("[")?;
                for (index, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if index > 0 { ", " } else { "" })?;
                }
                f.write_str("]")
            }
            Self::Table(entries) | Self::Inline(entries) => {
                f.write_str("{")?;
                for (index, (key, value)) in entries.iter().enumerate() {
                    write!(f, "{} {key} = {value}", if index > 0 { "," } else { "" })?;
                }
                f.write_str(if entries.is_empty() { "}" } else { " }" })
            }
        }
    }
}

/// A basic string of TOML.
fn write_text(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("\"")?;
    for character in text.chars() {
        match character {
            '"' | '\\' => write!(f, "\\{character}")?,
            character if character.is_control() => write!(f, "\\u{:04X}", u32::from(character))?,
            character => write!(f, "{character}")?,
        }
    }
    f.write_str("\"")
}

impl Serialize for Effective {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_table(&self.0, serializer)
    }
}

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Integer(number) => serializer.serialize_u64(*number),
            Self::Number(number) => serializer.serialize_f64(*number),
            Self::Switch(value) => serializer.serialize_bool(*value),
            Self::List(values) => serializer.collect_seq(values),
            Self::Table(entries) | Self::Inline(entries) => serialize_table(entries, serializer),
        }
    }
}

fn serialize_table<S: Serializer>(entries: &Entries, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(entries.len()))?;
    for (key, value) in entries {
        map.serialize_entry(key, value)?;
    }
    map.end()
}
