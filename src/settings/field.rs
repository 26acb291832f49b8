//! Keys of a table: how they are read from it, checked, shown and described.

use std::collections::BTreeMap;
use std::path::Path;

use config::{Map, Value, ValueKind};

use super::keys::{Absent, Keys, Step};
use super::problem::{Mistake, Problem, nearest};
use super::rule::Rule;
use super::scalar::{Raw, Scalar};
use super::section::Section;
use super::shown::{Entries, Shown};
use super::source::{Places, joined};

/// A row of a section.
pub(super) struct Row<'r, T> {
    /// The key.
    pub(super) key: &'static str,
    /// What it is for.
    pub(super) doc: &'static str,
    /// What is allowed beyond its type.
    pub(super) rule: &'r dyn Rule<T>,
}

/// What may stand behind the key or keys of a row.
pub(super) trait Field: Sized {
    /// What the rule of the row speaks about.
    type Ruled;

    /// Takes what the table gives.
    fn read(&mut self, row: Row<'_, Self::Ruled>, table: &mut Table<'_, '_>);

    /// Reports a value that breaks the rule.
    fn check(&self, row: Row<'_, Self::Ruled>, path: &str, checker: &mut Checker<'_>);

    /// Adds the value as it stands in the file.
    fn show(&self, key: &str, entries: &mut Entries);

    /// Adds what is known of the key; the value is its default.
    fn describe(&self, row: Row<'_, Self::Ruled>, keys: &mut Keys);
}

/// What reading needs besides the values.
pub(super) struct Reader<'a> {
    /// Where every key stands.
    pub(super) places: &'a Places,
    /// The environment, for secrets that it holds.
    pub(super) variables: &'a BTreeMap<String, String>,
    /// Where relative paths begin.
    pub(super) folder: &'a Path,
    /// What was wrong so far.
    pub(super) problems: Vec<Problem>,
}

/// A table that is being read.
pub(super) struct Table<'t, 'a> {
    reader: &'t mut Reader<'a>,
    path: String,
    values: &'t Map<String, Value>,
    known: Vec<String>,
}

impl<'t, 'a> Table<'t, 'a> {
    /// The outermost table.
    pub(super) fn root(values: &'t Map<String, Value>, reader: &'t mut Reader<'a>) -> Self {
        Self {
            reader,
            path: String::new(),
            values,
            known: Vec::new(),
        }
    }

    /// The key with the tables around it.
    pub(super) fn path_of(&self, key: &str) -> String {
        joined(&self.path, key)
    }

    /// Reads one key, where it is there.
    pub(super) fn scalar<T: Scalar>(&mut self, key: &str) -> Option<T> {
        self.scalar_where(key, "", |_| true)
    }

    /// Reads one key, where it is there, if it keeps to a rule, which is also given in words.
    pub(super) fn scalar_where<T: Scalar>(
        &mut self,
        key: &str,
        rule: &str,
        keeps: impl FnOnce(&T) -> bool,
    ) -> Option<T> {
        let raw = self.raw(key)?;
        let found = match T::read(raw) {
            Ok(value) if keeps(&value) => return Some(value),
            Ok(_) => raw.found(),
            Err(found) => found,
        };
        self.report(
            key,
            Mistake::NotAllowed {
                allowed: T::allowed(rule),
                found: Some(found.0),
            },
        );
        None
    }

    /// One key as it came.
    pub(super) fn raw(&mut self, key: &str) -> Option<Raw<'t>> {
        self.note(key);
        let value = self.values.get(key)?;
        Some(match &value.kind {
            ValueKind::String(text) if self.reader.places.is_variable(&self.path_of(key)) => Raw::Text(text),
            kind => Raw::Typed(kind),
        })
    }

    /// Reads a table of ours; whether it is one.
    pub(super) fn section<S: Section>(&mut self, key: &str, section: &mut S) -> bool {
        self.inner(key, "a table of keys", |table| {
            section.read(table);
            table.finish();
        })
    }

    /// Reads a table of tables that have names.
    pub(super) fn named<S: Section>(&mut self, key: &str, sections: &mut BTreeMap<String, S>) {
        let example = format!(
            "tables with names, such as [{}.a{}1]",
            self.path_of(key),
            S::SEPARATOR
        );
        self.inner(key, &example, |table| {
            for name in table.names() {
                let mut section = S::default();
                if table.section(&name, &mut section) {
                    sections.insert(name, section);
                }
            }
        });
    }

    /// Reads something in the table behind `key`; whether there is one.
    pub(super) fn inner(&mut self, key: &str, allowed: &str, read: impl FnOnce(&mut Table<'_, 'a>)) -> bool {
        let path = self.path_of(key);
        let raw = self.raw(key);
        match raw {
            None => {}
            Some(Raw::Typed(ValueKind::Table(values))) => read(&mut Table {
                reader: self.reader,
                path,
                values,
                known: Vec::new(),
            }),
            Some(other) => self.report(
                key,
                Mistake::NotAllowed {
                    allowed: allowed.to_owned(),
                    found: Some(other.found().0),
                },
            ),
        }
        matches!(raw, Some(Raw::Typed(ValueKind::Table(_))))
    }

    /// The keys of the table that are there, in order.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.values.keys().cloned().collect();
        names.sort();
        names
    }

    /// Of keys that stand for the same thing those that count: what the environment says hides the file.
    pub(super) fn given(&mut self, keys: &[String]) -> Vec<String> {
        keys.iter().for_each(|key| self.note(key));
        let given = |key: &&String| self.values.contains_key(*key);
        let here: Vec<&String> = keys.iter().filter(given).collect();
        let is_variable = |key: &&&String| self.reader.places.is_variable(&self.path_of(key));
        match here.iter().any(|key| is_variable(&key)) {
            true => here
                .iter()
                .filter(is_variable)
                .map(|key| (*key).clone())
                .collect(),
            false => here.into_iter().cloned().collect(),
        }
    }

    /// Whether the key comes from a preset.
    pub(super) fn is_preset(&self, key: &str) -> bool {
        self.reader.places.is_preset(&self.path_of(key))
    }

    fn note(&mut self, key: &str) {
        if !self.known.iter().any(|known| known == key) {
            self.known.push(key.to_owned());
        }
    }

    /// Reports whatever nobody asked for.
    pub(super) fn finish(&mut self) {
        for name in self.names() {
            if !self.known.contains(&name) {
                self.report(
                    &name,
                    Mistake::UnknownKey {
                        nearest: nearest(&name, self.known.iter().map(String::as_str)),
                        known: self.known.clone(),
                    },
                );
            }
        }
    }

    /// A mistake at a key.
    pub(super) fn report(&mut self, key: &str, mistake: Mistake) {
        let key = self.path_of(key);
        self.reader.problems.push(Problem {
            place: self.reader.places.of(&key),
            key,
            mistake,
        });
    }

    /// A variable of the environment.
    pub(super) fn variable(&self, name: &str) -> Option<&'a str> {
        self.reader.variables.get(name).map(String::as_str)
    }

    /// Where relative paths begin.
    pub(super) const fn folder(&self) -> &'a Path {
        self.reader.folder
    }
}

/// Collects what is wrong with values, wherever they come from.
pub(super) struct Checker<'a> {
    places: &'a Places,
    problems: Vec<Problem>,
}

impl<'a> Checker<'a> {
    /// Goes on from what reading found.
    pub(super) const fn new(places: &'a Places, problems: Vec<Problem>) -> Self {
        Self { places, problems }
    }

    /// Whether nothing was found.
    pub(super) const fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// What was found.
    pub(super) fn finish(self) -> Vec<Problem> {
        self.problems
    }

    /// A mistake at a key; one is enough for each.
    pub(super) fn report(&mut self, key: String, mistake: Mistake) {
        if !self.problems.iter().any(|problem| problem.key == key) {
            self.problems.push(Problem {
                place: self.places.of(&key),
                key,
                mistake,
            });
        }
    }

    /// A value that is not allowed, or one that is not there at all.
    pub(super) fn refuse(&mut self, key: String, allowed: String, found: Option<String>) {
        let mistake = match self.places.is_file() && !self.places.has(&key) {
            true => Mistake::Missing { allowed },
            false => Mistake::NotAllowed { allowed, found },
        };
        self.report(key, mistake);
    }
}

impl<T: Scalar> Field for T {
    type Ruled = T::Ruled;

    fn read(&mut self, row: Row<'_, T::Ruled>, table: &mut Table<'_, '_>) {
        if let Some(value) = table.scalar_where(row.key, &row.rule.words(), |value: &T| value.keeps(row.rule))
        {
            *self = value;
        }
    }

    fn check(&self, row: Row<'_, T::Ruled>, path: &str, checker: &mut Checker<'_>) {
        if !self.keeps(row.rule) {
            let found = self.show().map(|shown| shown.to_string());
            checker.refuse(joined(path, row.key), T::allowed(&row.rule.words()), found);
        }
    }

    fn show(&self, key: &str, entries: &mut Entries) {
        entries.extend(Scalar::show(self).map(|shown| (key.to_owned(), shown)));
    }

    fn describe(&self, row: Row<'_, T::Ruled>, keys: &mut Keys) {
        let default = match Scalar::show(self) {
            _ if !self.keeps(row.rule) => Absent::Required,
            Some(shown) => Absent::Value(shown),
            None => Absent::Nothing,
        };
        keys.add(row.key, T::allowed(&row.rule.words()), default, row.doc);
    }
}

impl<S: Section> Field for BTreeMap<String, S> {
    type Ruled = Self;

    fn read(&mut self, row: Row<'_, Self>, table: &mut Table<'_, '_>) {
        table.named(row.key, self);
    }

    fn check(&self, row: Row<'_, Self>, path: &str, checker: &mut Checker<'_>) {
        for (name, section) in self {
            let path = joined(&joined(path, row.key), name);
            if !is_name(name, S::SEPARATOR) {
                checker.report(
                    path.clone(),
                    Mistake::Name {
                        separator: S::SEPARATOR,
                        nearest: as_name(name, S::SEPARATOR),
                    },
                );
            }
            section.check(&path, checker);
        }
    }

    fn show(&self, key: &str, entries: &mut Entries) {
        let tables = self.iter().map(|(name, section)| {
            let mut inner = Entries::new();
            section.show(&mut inner);
            (name.clone(), Shown::Table(inner))
        });
        entries.push((key.to_owned(), Shown::Table(tables.collect())));
    }

    fn describe(&self, row: Row<'_, Self>, keys: &mut Keys) {
        keys.inside_key(row.key, |keys| {
            keys.inside(Step::Name, |keys| S::default().describe(keys))
        });
    }
}

fn is_name(name: &str, separator: char) -> bool {
    let is_allowed = |character| matches!(character, 'a'..='z' | '0'..='9') || character == separator;
    !name.is_empty() && name.chars().all(is_allowed)
}

/// The name as it would be right.
fn as_name(name: &str, separator: char) -> Option<String> {
    let name = name
        .to_lowercase()
        .replace(['-', '_', '.', ' '], &separator.to_string());
    is_name(&name, separator).then_some(name)
}
