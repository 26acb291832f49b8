//! Every key that there is, for the names of variables and for the documentation.

use std::collections::BTreeMap;

use super::section::Section;
use super::source::{PREFIX, joined};
use super::{Settings, shown::Shown};

/// One step of the way to a key.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// The key itself or a table of ours.
    Key(String),
    /// A name that the user gives, as in `[binds.a-1]`.
    Name,
    /// One of these words; how they are called together.
    Word(&'static str, Vec<String>),
}

/// A key and what is known of it.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// The way to it.
    pub(super) steps: Vec<Step>,
    /// What is allowed.
    pub(super) allowed: String,
    /// What counts when it is absent.
    pub(super) default: Absent,
    /// What it is for.
    pub(super) doc: String,
}

/// What counts when a key is absent.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Absent {
    /// It must not be.
    Required,
    /// This value.
    Value(Shown),
    /// Nothing: what the key is for does not happen.
    Nothing,
}

/// All keys of a table.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    path: Vec<Step>,
    keys: Vec<Key>,
}

impl Keys {
    /// Every key of the settings.
    pub(super) fn all() -> Self {
        let mut keys = Self::default();
        Settings::default().describe(&mut keys);
        keys
    }

    /// Adds a key of the present table.
    pub(super) fn add(&mut self, key: &str, allowed: String, default: Absent, doc: &str) {
        self.inside(Step::Key(key.to_owned()), |keys| {
            keys.add_here(allowed, default, doc)
        });
    }

    /// Adds the present path itself as a key.
    pub(super) fn add_here(&mut self, allowed: String, default: Absent, doc: &str) {
        self.keys.push(Key {
            steps: self.path.clone(),
            allowed,
            default,
            doc: doc.trim().to_owned(),
        });
    }

    /// Adds keys in one of our own tables.
    pub(super) fn inside_key(&mut self, key: &str, add: impl FnOnce(&mut Self)) {
        self.inside(Step::Key(key.to_owned()), add);
    }

    /// Adds keys one step further down.
    pub(super) fn inside(&mut self, step: Step, add: impl FnOnce(&mut Self)) {
        self.path.push(step);
        add(self);
        self.path.pop();
    }

    /// The keys in the order of their declaration.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter()
    }

    /// The variable of every key, with the names that stand in the file.
    pub(super) fn variables(&self, names: impl Fn(&str) -> Vec<String>) -> BTreeMap<String, String> {
        let mut variables = BTreeMap::new();
        for key in &self.keys {
            for path in key.paths(&names) {
                variables.insert(variable(&path), path);
            }
        }
        variables
    }
}

impl Key {
    /// The key with stand-ins for names, as in `binds.NAME.window`.
    pub(super) fn path(&self) -> String {
        let steps: Vec<&str> = self
            .steps
            .iter()
            .map(|step| match step {
                Step::Key(key) => key.as_str(),
                Step::Name => "NAME",
                Step::Word(word, _) => word,
            })
            .collect();
        steps.join(".")
    }

    /// The key with the names that there are, one for each.
    pub(super) fn paths(&self, names: &impl Fn(&str) -> Vec<String>) -> Vec<String> {
        self.steps.iter().fold(vec![String::new()], |paths, step| {
            let further = |path: &String| match step {
                Step::Key(key) => vec![joined(path, key)],
                Step::Name => names(path).iter().map(|name| joined(path, name)).collect(),
                Step::Word(_, words) => words.iter().map(|word| joined(path, word)).collect(),
            };
            paths.iter().flat_map(further).collect()
        })
    }
}

/// `binds.a-1.window` as `BINDERY__BINDS__A_1__WINDOW`.
fn variable(path: &str) -> String {
    format!(
        "{PREFIX}{}",
        path.to_uppercase().replace('-', "_").replace('.', "__")
    )
}
