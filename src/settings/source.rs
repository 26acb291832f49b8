//! Where values come from: a file with its lines, and variables of the environment over it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use config::{Config, ConfigError, Map, Source, Value, ValueKind};
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::keys::Keys;
use super::problem::{Mistake, Place, Problem, SettingsError, nearest};

/// Variables with this in front are ours.
pub(super) const PREFIX: &str = "BINDERY__";

/// A file of settings, read but not yet understood.
#[derive(Clone, Debug)]
pub(super) struct Document {
    tree: Map<String, Value>,
    places: Places,
}

/// Where every key stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    file: Option<Arc<str>>,
    by_key: BTreeMap<String, Place>,
}

impl Places {
    /// Whether the key is given anywhere.
    pub(super) fn has(&self, key: &str) -> bool {
        self.by_key.contains_key(key)
    }

    /// Whether the key is given in the environment.
    pub(super) fn is_variable(&self, key: &str) -> bool {
        matches!(self.by_key.get(key), Some(Place::Variable { .. }))
    }

    /// Whether the key is that of a preset.
    pub(super) fn is_preset(&self, key: &str) -> bool {
        matches!(self.by_key.get(key), Some(Place::Preset { .. }))
    }

    /// Whether the settings come from a file at all.
    pub(super) fn is_file(&self) -> bool {
        self.file.is_some()
    }

    /// Where the key stands; where it is absent its table, else the file.
    pub(super) fn of(&self, key: &str) -> Place {
        let mut key = key;
        loop {
            if let Some(place) = self.by_key.get(key) {
                return place.clone();
            }
            match key.rsplit_once('.') {
                Some((table, _)) => key = table,
                None => return self.whole(),
            }
        }
    }

    /// Notes where a key stands.
    pub(super) fn add(&mut self, key: String, place: Place) {
        self.by_key.insert(key, place);
    }

    /// Where the key itself stands.
    pub(super) fn exactly(&self, key: &str) -> Option<&Place> {
        self.by_key.get(key)
    }

    fn whole(&self) -> Place {
        match &self.file {
            Some(name) => Place::File {
                name: Arc::clone(name),
                line: None,
            },
            None => Place::Code,
        }
    }
}

impl Document {
    /// Reads TOML; `name` is what the file is called in errors.
    pub(super) fn parse(text: &str, name: &str) -> Result<Self, SettingsError> {
        let file: Arc<str> = name.into();
        let (table, errors) = DeTable::parse_recoverable(text);
        let first = errors
            .iter()
            .min_by_key(|error| error.span().map_or(usize::MAX, |span| span.start));
        if let Some(error) = first {
            return Err(Syntax {
                text,
                file,
                table: &table,
            }
            .problem(error)
            .into());
        }
        let mut walk = Walk {
            text,
            file: &file,
            lines: BTreeMap::new(),
        };
        let tree = walk.table(table.get_ref(), "");
        let by_key = walk.lines;
        Ok(Self {
            tree,
            places: Places {
                file: Some(file),
                by_key,
            },
        })
    }

    /// The values, and where they stand.
    pub(super) fn into_parts(self) -> (Map<String, Value>, Places) {
        (self.tree, self.places)
    }

    /// The names of the tables under `path`, as in `binds`.
    fn names(&self, path: &str) -> Vec<String> {
        let mut table = &self.tree;
        for step in path.split('.') {
            match table.get(step).map(|value| &value.kind) {
                Some(ValueKind::Table(inner)) => table = inner,
                _ => return Vec::new(),
            }
        }
        table.keys().cloned().collect()
    }

    /// Puts variables over the file; those that name no key are problems.
    pub(super) fn overridden(
        mut self,
        variables: &BTreeMap<String, String>,
        problems: &mut Vec<Problem>,
    ) -> (Map<String, Value>, Places) {
        let ours: Vec<_> = variables
            .iter()
            .filter(|(name, _)| name.starts_with(PREFIX))
            .collect();
        let keys = match ours.is_empty() {
            true => BTreeMap::new(),
            false => Keys::all().variables(|path| self.names(path)),
        };

        let mut builder = Config::builder();
        let mut places = std::mem::take(&mut self.places);
        builder = builder.add_source(self.clone());
        for (name, text) in ours {
            let place = Place::Variable { name: name.clone() };
            let overridden = keys
                .get(name)
                .map(|key| (key, builder.clone().set_override(key, text.as_str())));
            match overridden {
                Some((key, Ok(with))) => {
                    builder = with;
                    places.by_key.insert(key.clone(), place);
                }
                _ => problems.push(Problem {
                    place,
                    key: String::new(),
                    mistake: Mistake::UnknownVariable {
                        nearest: nearest_variable(name, keys.keys()),
                    },
                }),
            }
        }
        // Neither source can fail: the file is read already, and the keys of variables are plain.
        let tree = builder
            .build()
            .map_or(self.tree, |config| match config.cache.kind {
                ValueKind::Table(tree) => tree,
                _ => Map::new(),
            });
        (tree, places)
    }
}

/// The prefix, which all share, does not make them alike.
fn nearest_variable<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> Option<String> {
    let rest = |name: &'a str| name.strip_prefix(PREFIX);
    nearest(name.strip_prefix(PREFIX)?, known.filter_map(|known| rest(known)))
        .map(|rest| format!("{PREFIX}{rest}"))
}

impl Source for Document {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.tree.clone())
    }
}

/// Turns spanned TOML into values, and notes the line of every key.
struct Walk<'a> {
    text: &'a str,
    file: &'a Arc<str>,
    lines: BTreeMap<String, Place>,
}

impl Walk<'_> {
    fn table(&mut self, table: &DeTable<'_>, path: &str) -> Map<String, Value> {
        let mut tree = Map::new();
        for (key, value) in table {
            let name = key.get_ref().to_string();
            let path = joined(path, &name);
            let place = Place::File {
                name: Arc::clone(self.file),
                line: Some(line_of(self.text, key.span().start)),
            };
            let value = self.value(value.get_ref(), &path);
            self.lines.insert(path, place);
            tree.insert(name, value);
        }
        tree
    }

    fn value(&mut self, value: &DeValue<'_>, path: &str) -> Value {
        let kind = match value {
            DeValue::String(text) => ValueKind::String(text.to_string()),
            DeValue::Integer(number) => match i128::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => i64::try_from(number).map_or(ValueKind::I128(number), ValueKind::I64),
                Err(_) => ValueKind::Float(f64::INFINITY),
            },
            DeValue::Float(number) => ValueKind::Float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(value) => ValueKind::Boolean(*value),
            // No key takes one, and `config` has no kind for it.
            DeValue::Datetime(_) => ValueKind::Nil,
            DeValue::Array(values) => ValueKind::Array(self.array(values, path)),
            DeValue::Table(table) => ValueKind::Table(self.table(table, path)),
        };
        Value::new(None, kind)
    }

    fn array(&mut self, values: &DeArray<'_>, path: &str) -> Vec<Value> {
        values
            .iter()
            .map(|value| self.value(value.get_ref(), path))
            .collect()
    }
}

/// What the parser found wrong, told with the key it concerns.
struct Syntax<'a> {
    text: &'a str,
    file: Arc<str>,
    table: &'a Spanned<DeTable<'a>>,
}

/// A key of the part of the file that could be read.
struct Spot {
    path: String,
    key: Range<usize>,
    value: Range<usize>,
    is_table: bool,
}

impl Syntax<'_> {
    fn problem(&self, error: &toml::de::Error) -> Problem {
        let span = error.span().unwrap_or(0..0);
        let mut spots = Vec::new();
        collect(self.table.get_ref(), "", &mut spots);

        let is_twice = error.message().starts_with("duplicate key");
        let key = match is_twice {
            true => self.repeated(&span, &spots),
            false => self.broken(&span, &spots),
        };
        let mistake = match error.message() {
            _ if is_twice => Mistake::Twice {
                first: spots
                    .iter()
                    .find(|spot| spot.path == key && spot.key.start < span.start)
                    .map(|spot| line_of(self.text, spot.key.start)),
            },
            message if message.starts_with("unexpected leading zero") => {
                syntax("a number does not begin with 0; if it is text, write it in quotes: \"...\"")
            }
            message if message.starts_with("string values must be quoted") => {
                syntax("text, and a time with its unit, must be in quotes: \"...\"")
            }
            message => syntax(message),
        };
        Problem {
            place: Place::File {
                name: Arc::clone(&self.file),
                line: Some(line_of(self.text, span.start)),
            },
            key,
            mistake,
        }
    }

    /// The key whose value cannot be read.
    fn broken(&self, span: &Range<usize>, spots: &[Spot]) -> String {
        spots
            .iter()
            .rfind(|spot| !spot.is_table && spot.key.start <= span.start && span.start <= spot.value.end)
            .map(|spot| spot.path.clone())
            .unwrap_or_default()
    }

    /// The key that is there for the second time: its own name in the table whose header comes before it.
    fn repeated(&self, span: &Range<usize>, spots: &[Spot]) -> String {
        if let Some(spot) = spots.iter().find(|spot| spot.key == *span) {
            return spot.path.clone();
        }
        let name = self.text.get(span.clone()).unwrap_or_default();
        let table = spots
            .iter()
            .filter(|spot| spot.is_table && spot.key.start <= span.start)
            .max_by_key(|spot| spot.key.start);
        joined(table.map_or("", |spot| &spot.path), name)
    }
}

fn syntax(text: &str) -> Mistake {
    Mistake::Syntax(text.to_owned())
}

fn collect(table: &DeTable<'_>, path: &str, spots: &mut Vec<Spot>) {
    for (key, value) in table {
        let path = joined(path, key.get_ref());
        spots.push(Spot {
            path: path.clone(),
            key: key.span(),
            value: value.span(),
            is_table: value.get_ref().is_table(),
        });
        if let Some(inner) = value.get_ref().as_table() {
            collect(inner, &path, spots);
        }
    }
}

/// `a.b`.
pub(super) fn joined(path: &str, key: &str) -> String {
    let parts: &[Cow<'_, str>] = &[path.into(), key.into()];
    parts
        .iter()
        .filter(|part| !part.is_empty())
        .cloned()
        .collect::<Vec<_>>()
        .join(".")
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    1 + before.iter().filter(|octet| **octet == b'\n').count()
}
