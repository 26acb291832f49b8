//! The table of all keys, for `docs/configuration.md`.

use std::fmt::Write;

use super::keys::{Absent, Key, Keys, Step};

/// Every key with what is allowed, its default and what it is for, as tables of Markdown.
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
    out
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
