//! Mistakes in a configuration: where they stand, and what would be right.

use std::fmt;
use std::sync::Arc;

/// Where a value stands.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Place {
    /// In the program.
    #[default]
    Code,
    /// In a file.
    File {
        /// The file as it was named.
        name: Arc<str>,
        /// The line, from 1; none where the whole file is meant.
        line: Option<usize>,
    },
    /// In an environment variable.
    Variable {
        /// The variable.
        name: String,
    },
    /// In a preset.
    Preset {
        /// The preset.
        name: &'static str,
        /// Where the preset is named.
        at: Box<Place>,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code => f.write_str("settings"),
            Self::File {
                name,
                line: Some(line),
            } => write!(f, "{name}:{line}"),
            Self::File { name, line: None } => f.write_str(name),
            Self::Variable { name } => f.write_str(name),
            Self::Preset { name, at } => write!(f, "{at} (preset {name})"),
        }
    }
}

/// What is wrong with a value, and what is allowed in its place.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Mistake {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(std::io::ErrorKind),
    /// The file is not TOML.
    #[error("{0}")]
    Syntax(String),
    /// A key or table stands there twice.
    #[error("is given twice{}; keep one of them", in_line(*.first))]
    Twice {
        /// The line of the first, where it is known.
        first: Option<usize>,
    },
    /// No such key.
    #[error("unknown key; {}", known_are(.nearest.as_deref(), .known))]
    UnknownKey {
        /// The known key that is most like it.
        nearest: Option<String>,
        /// The keys that are known there.
        known: Vec<String>,
    },
    /// An environment variable that begins like ours.
    #[error("names no known key{}", suggestion(.nearest.as_deref()))]
    UnknownVariable {
        /// The variable that is most like it.
        nearest: Option<String>,
    },
    /// A key that has to be there.
    #[error("is missing; it must be {allowed}")]
    Missing {
        /// What is allowed.
        allowed: String,
    },
    /// A value of the wrong type, unit or size.
    #[error("must be {allowed}{}", .found.as_ref().map(|found| format!(", not {found}")).unwrap_or_default())]
    NotAllowed {
        /// What is allowed.
        allowed: String,
        /// What is there instead; none for secrets.
        found: Option<String>,
    },
    /// A key that stands for something itself.
    #[error("the key must be {allowed}")]
    Key {
        /// What is allowed.
        allowed: &'static str,
    },
    /// The name of a bind, budget, route, TLV or SMSC.
    #[error("a name is made of lower-case letters, digits and {separator}{}", suggestion(.nearest.as_deref()))]
    Name {
        /// What may stand between the words of the name.
        separator: char,
        /// The name as it would be right.
        nearest: Option<String>,
    },
    /// A name of something that is not there.
    #[error("there is no {what} called {name:?}{}", there_are(.nearest.as_deref(), .what, .names))]
    Unknown {
        /// What is looked for: a bind, a budget.
        what: &'static str,
        /// The name.
        name: String,
        /// The name that is most like it.
        nearest: Option<String>,
        /// The names that are known.
        names: Vec<String>,
    },
    /// Several keys of which only one may be given.
    #[error("only one of {} may be given; keep one of them", list(.keys, "and"))]
    OneOf {
        /// The keys that are given.
        keys: Vec<String>,
    },
    /// Values that cannot be together, in words.
    #[error("{0}")]
    Combination(String),
}

/// One mistake, in one line: where it stands, which key, and what is allowed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}", self.line())]
pub struct Problem {
    /// Where it stands.
    pub place: Place,
    /// The key with its tables, such as `binds.a-1.window`; empty where it is the whole file.
    pub key: String,
    /// What is wrong.
    pub mistake: Mistake,
}

impl Problem {
    fn line(&self) -> String {
        let place = match self.place {
            Place::Code => String::new(),
            _ => format!("{}: ", self.place),
        };
        let key = match self.key.as_str() {
            "" => String::new(),
            // A quoted key may hold line breaks.
            key if key.contains(char::is_control) => format!("{}: ", key.escape_debug()),
            key => format!("{key}: "),
        };
        format!("{place}{key}{}", self.mistake)
    }
}

/// Why settings cannot be used: every mistake that was found, one line each.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SettingsError {
    problems: Vec<Problem>,
}

impl SettingsError {
    /// The mistakes in the order of the file; at least one.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Fails when there are problems.
    pub(super) fn check(mut problems: Vec<Problem>) -> Result<(), Self> {
        if problems.is_empty() {
            return Ok(());
        }
        problems.sort_by(|one, other| one.place.cmp(&other.place));
        Err(Self { problems })
    }
}

impl From<Problem> for SettingsError {
    fn from(problem: Problem) -> Self {
        Self {
            problems: vec![problem],
        }
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsError {}

/// The candidate that is most like `word`, where one is alike at all.
pub(super) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    const ALIKE: f64 = 0.8;

    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness > ALIKE)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, candidate)| candidate.to_owned())
}

/// `a, b or c`.
pub(super) fn list(words: &[impl AsRef<str>], last: &str) -> String {
    match words {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [first @ .., end] => {
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            format!("{} {last} {}", first.join(", "), end.as_ref())
        }
    }
}

fn in_line(line: Option<usize>) -> String {
    line.map(|line| format!(", first in line {line}"))
        .unwrap_or_default()
}

fn suggestion(nearest: Option<&str>) -> String {
    nearest
        .map(|nearest| format!("; did you mean {nearest}?"))
        .unwrap_or_default()
}

fn known_are(nearest: Option<&str>, known: &[String]) -> String {
    match nearest {
        Some(nearest) => format!("did you mean {nearest}?"),
        None => format!("known are {}", list(known, "and")),
    }
}

fn there_are(nearest: Option<&str>, what: &str, names: &[String]) -> String {
    match (nearest, names) {
        (Some(nearest), _) => format!("; did you mean {nearest}?"),
        (None, []) => format!("; there is no {what} at all"),
        (None, names) => format!("; there are {}", list(names, "and")),
    }
}
