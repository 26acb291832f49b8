//! The table of all keys, for `docs/configuration.md`.

use std::fmt::Write;

use super::Preset;
use super::keys::{Absent, Key, Keys, Step};
use super::problem::list;
use super::rule::Bound;
use super::scalar::Scalar;
use super::shown::Shown;

/// Every key with what is allowed, its default and what it is for, and every preset, as tables of Markdown.
#[must_use]
pub fn reference() -> String {
    let keys = Keys::all();
    let mut tables: Vec<(String, Vec<&Key>)> = Vec::new();
    for key in keys.iter() {
        let table = key.table();
        match tables.iter_mut().find(|(name, _)| *name == table) {
            Some((_, keys)) => keys.push(key),
            None => tables.push((table, vec![key])),
        }
    }

    let mut out = String::new();
    for (table, keys) in tables {
        // Writing to a string cannot fail.
        let _ = write!(
            out,
            "\n### `[{table}]`\n\n| Key | Value | Default | Meaning |\n|---|---|---|---|\n"
        );
        for key in keys {
            let _ = writeln!(
                out,
                "| `{}` | {} | {} | {} |",
                key.name(),
                key.allowed,
                key.absent(),
                key.doc
            );
        }
    }
    presets(&mut out);
    out
}

fn presets(out: &mut String) {
    out.push_str("\n### Presets\n\n| Preset | Provider | Sets | Also |\n|---|---|---|---|\n");
    for preset in Preset::all() {
        let sets = preset.sets().into_iter();
        let sets: Vec<String> = sets.map(|(key, value)| format!("`{key} = {value}`")).collect();
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {} |",
            preset.name(),
            preset.provider(),
            sets.join("<br>"),
            facts(preset).join("<br>"),
        );
    }
}

/// What no key of a bind can say, a sentence each.
fn facts(preset: Preset) -> Vec<String> {
    let facts = preset.facts();
    let ports = facts
        .tls_ports
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>();
    let ports = match ports.as_slice() {
        [] => String::new(),
        ports => format!(" (port {})", list(ports, "or")),
    };
    let words = |value: Option<Shown>| match value {
        Some(Shown::Text(word)) => Some(word),
        _ => None,
    };
    let known = [
        words(facts.tls.show()).map(|need| format!("TLS is {need}{ports}")),
        facts
            .idle_limit
            .map(|limit| format!("drops a link that is silent for {}", limit.words())),
        facts
            .answer_within
            .map(|limit| format!("wants deliveries answered within {}", limit.words())),
        words(facts.rate_scope.show()).map(|scope| format!("the rate is that of one {scope}")),
        words(facts.receipts.show()).map(|form| format!("receipts: {form}")),
        facts
            .receipts_on_any_bind
            .then(|| String::from("receipts come on any bind of the account")),
        facts
            .password_min_length
            .map(|least| format!("passwords of {least} characters and more")),
    ];
    known
        .into_iter()
        .flatten()
        .chain(facts.notes.iter().cloned())
        .collect()
}

impl Key {
    /// How many steps of the way are the table; words stand beside their own table.
    fn depth(&self) -> usize {
        let last = self.steps.len().saturating_sub(1);
        match self.steps.last() {
            Some(Step::Word(..)) => last.saturating_sub(1),
            _ => last,
        }
    }

    fn table(&self) -> String {
        self.path()
            .split('.')
            .take(self.depth())
            .collect::<Vec<_>>()
            .join(".")
    }

    fn name(&self) -> String {
        self.path()
            .split('.')
            .skip(self.depth())
            .collect::<Vec<_>>()
            .join(".")
    }

    fn absent(&self) -> String {
        match &self.default {
            Absent::Required => String::from("required"),
            Absent::Value(shown) => format!("`{shown}`"),
            Absent::Nothing => String::new(),
        }
    }
}
