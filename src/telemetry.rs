//! The log: where it goes, how much of it there is, and what things are called in it.
//!
//! Events carry fields, not sentences. Nothing logs a password; [`Text`] and [`Address`] hide what a message says
//! and whom it concerns unless that is switched on; nothing above `debug` happens once a message.
//!
//! ```
//! use bindery::telemetry::{Address, Text};
//!
//! tracing::debug!(bind = "a-1", address = %Address("447700900123"), text = %Text("hello"), "taken");
//! ```

use std::fmt;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};

pub use tracing_subscriber::filter::LevelFilter;

use tracing_subscriber::EnvFilter;

/// Declares names with what they stand for.
macro_rules! names {
    ($( $(#[doc = $doc:literal])* $constant:ident = $name:literal; )*) => {
        $( $(#[doc = $doc])* pub const $constant: &str = $name; )*

        /// Every name with what it stands for.
        pub const ALL: &[(&str, &str)] = &[$( ($name, concat!($($doc),*)) ),*];
    };
}

/// Names of fields: one for each idea, and no others (a test reads the sources).
pub mod field {
    names! {
        /// Binds that other settings added.
        ADDED = "added";
        /// An address of a message; hidden unless switched on.
        ADDRESS = "address";
        /// The bind that something happened on.
        BIND = "bind";
        /// Why it happened.
        CAUSE = "cause";
        /// Whether nothing was lost.
        CLEAN = "clean";
        /// The name of a PDU.
        COMMAND = "command";
        /// How many.
        COUNT = "count";
        /// How long it took.
        ELAPSED = "elapsed";
        /// What failed, in words.
        ERROR = "error";
        /// How long binds may take to finish.
        GRACE = "grace";
        /// A name or an address of an SMSC.
        HOST = "host";
        /// What somebody told a bind to do.
        ORDER = "order";
        /// Whether a panic was the reason.
        PANICKED = "panicked";
        /// What a bind is doing.
        PHASE = "phase";
        /// PDUs per second.
        RATE = "rate";
        /// Messages that were rejected.
        REJECTED = "rejected";
        /// Binds that other settings removed.
        REMOVED = "removed";
        /// Binds that bind anew with other settings.
        REPLACED = "replaced";
        /// Binds that go on with other limits.
        RETUNED = "retuned";
        /// The sequence number of a PDU.
        SEQUENCE = "sequence";
        /// A command_status.
        STATUS = "status";
        /// The text of a message; hidden unless switched on.
        TEXT = "text";
        /// The version of SMPP.
        VERSION = "version";
        /// A rule of the protocol that the peer broke.
        VIOLATION = "violation";
    }
}

static TEXTS: AtomicBool = AtomicBool::new(false);
static ADDRESSES: AtomicBool = AtomicBool::new(false);

/// Logs to standard error from now on: what the variable `RUST_LOG` says, else everything up to `level`.
///
/// Does nothing where the process has a subscriber already: a program that embeds this library keeps its own.
pub fn start(level: LevelFilter) {
    let filter = EnvFilter::builder()
        .with_default_directive(level.into())
        .from_env_lossy();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // Refused where there is a subscriber.
    let _ = subscriber.try_init();
}

/// Shows the texts of messages from now on, or hides them.
pub fn show_texts(on: bool) {
    TEXTS.store(on, Ordering::Relaxed);
}

/// Shows the addresses of messages from now on, or hides them.
pub fn show_addresses(on: bool) {
    ADDRESSES.store(on, Ordering::Relaxed);
}

/// The text of a message for the log: its length alone, unless [`show_texts`] is on.
#[derive(Clone, Copy)]
pub struct Text<'a>(pub &'a str);

/// An address for the log: `***`, unless [`show_addresses`] is on.
#[derive(Clone, Copy)]
pub struct Address<'a>(pub &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match TEXTS.load(Ordering::Relaxed) {
            true => write!(f, "{:?}", self.0),
            false => write!(f, "*** ({} characters)", self.0.chars().count()),
        }
    }
}

impl fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match ADDRESSES.load(Ordering::Relaxed) {
            true => f.write_str(self.0),
            false => f.write_str("***"),
        }
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn texts_and_addresses_are_shown_only_when_switched_on() {
        let shown = || {
            format!(
                "{} {:?} {}",
                Text("geheim"),
                Text("geheim"),
                Address("447700900123")
            )
        };
        assert_eq!(shown(), "*** (6 characters) *** (6 characters) ***");
        show_texts(true);
        show_addresses(true);
        assert_eq!(shown(), "\"geheim\" \"geheim\" 447700900123");
        show_texts(false);
        show_addresses(false);
    }

    #[test]
    fn fields_have_the_names_of_the_table() {
        let mut found = 0;
        let mut unknown = Vec::new();
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.file_name().is_some_and(|name| name != "telemetry.rs") {
                    for name in fields_of(&fs::read_to_string(&path).unwrap()) {
                        found += 1;
                        if !field::ALL.iter().any(|(known, _)| *known == name) {
                            unknown.push(format!("{}: {name}", path.display()));
                        }
                    }
                }
            }
        }
        assert!(found > 0);
        assert!(
            unknown.is_empty(),
            "give these a row in `telemetry::field`:\n{}",
            unknown.join("\n")
        );
    }

    /// The names of the fields in all events of a source.
    fn fields_of(source: &str) -> Vec<String> {
        let mut names = Vec::new();
        for level in ["trace!(", "debug!(", "info!(", "warn!(", "error!("] {
            for (start, _) in source.match_indices(level) {
                let before = source[..start].chars().next_back();
                if !before.is_some_and(|character| character.is_alphanumeric() || character == '_') {
                    names.extend(
                        arguments(&source[start + level.len()..])
                            .iter()
                            .filter_map(|text| field_of(text)),
                    );
                }
            }
        }
        names
    }

    /// Splits the arguments of a macro at the commas that are not inside anything.
    fn arguments(source: &str) -> Vec<String> {
        let (mut depth, mut quoted) = (0, false);
        let mut arguments = vec![String::new()];
        for character in source.chars() {
            match character {
                '"' => quoted = !quoted,
                '(' | '[' | '{' if !quoted => depth += 1,
                ')' | ']' | '}' if !quoted && depth == 0 => break,
                ')' | ']' | '}' if !quoted => depth -= 1,
                ',' if !quoted && depth == 0 => {
                    arguments.push(String::new());
                    continue;
                }
                _ => {}
            }
            arguments.last_mut().unwrap().push(character);
        }
        arguments
    }

    /// `name = value`, `%name`, `?name` or `name`; none for the sentence at the end.
    fn field_of(argument: &str) -> Option<String> {
        let name = argument.split('=').next()?.trim().trim_start_matches(['%', '?']);
        let is_name = |character: char| character.is_ascii_lowercase() || character == '_';
        (!name.is_empty() && name.chars().all(is_name)).then(|| name.to_owned())
    }
}
