//! The structure that `docs/architecture.md` draws, read from the sources and held.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What each top-level module may import of ours.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("pdu", &[]),
    ("sm", &["pdu"]),
    ("session", &["pdu", "sm"]),
    ("dispatch", &["pdu", "sm"]),
    ("settings", &["pdu", "sm", "session", "dispatch"]),
    ("submit", &["pdu", "sm", "session", "dispatch", "telemetry"]),
    (
        "events",
        &["pdu", "sm", "session", "dispatch", "submit", "telemetry"],
    ),
    ("link", &["pdu", "session", "settings", "telemetry"]),
    (
        "bind",
        &[
            "pdu",
            "sm",
            "session",
            "dispatch",
            "settings",
            "submit",
            "events",
            "link",
            "telemetry",
        ],
    ),
    (
        "router",
        &[
            "pdu",
            "sm",
            "session",
            "dispatch",
            "settings",
            "submit",
            "events",
            "bind",
            "link",
            "telemetry",
        ],
    ),
    (
        "esme",
        &[
            "dispatch",
            "events",
            "link",
            "pdu",
            "router",
            "session",
            "settings",
            "sm",
            "submit",
            "telemetry",
        ],
    ),
    (
        "client",
        &[
            "bind", "esme", "events", "link", "pdu", "session", "settings", "sm", "submit",
        ],
    ),
    (
        "smsc",
        &[
            "link",
            "pdu",
            "sm",
            "session",
            "dispatch",
            "settings",
            "telemetry",
        ],
    ),
    ("telemetry", &[]),
    (
        "cli",
        &[
            "bind",
            "esme",
            "smsc",
            "settings",
            "submit",
            "events",
            "router",
            "link",
            "pdu",
            "sm",
            "session",
            "dispatch",
            "telemetry",
        ],
    ),
];

/// Modules that know no runtime, no socket, no clock and no log.
const PURE: &[&str] = &["pdu", "sm", "session", "dispatch", "settings"];

/// What a pure module must not say.
const IMPURE: &[&str] = &[
    "tokio::",
    "actix::",
    "actix_rt::",
    "std::net::Tcp",
    "Instant::now",
    "SystemTime::now",
    "tracing::",
    "std::thread",
];

/// What the one-bind door must not name: it speaks with its bind through messages alone, and sees neither socket nor
/// session nor frame.
const BEHIND_THE_BIND: &[&str] = &[
    "TcpStream",
    "UnixStream",
    "Transport",
    "Link",
    "LinkHandler",
    "Session",
    "SessionConfig",
    "PduView",
    "View",
    "frame_length",
    "encode",
    "decode",
];

/// Longest file that needs no reason. Tables may be longer.
const MOST_LINES: usize = 600;

/// Files that are mostly tables.
const TABLES: &[&str] = &[
    "src/sm/tables.rs",
    "src/pdu/table.rs",
    "src/pdu/tlv.rs",
    "src/pdu/status.rs",
];

#[test]
fn modules_import_downwards_only() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_IMPORT.iter().copied().collect();
    let mut wrong = Vec::new();
    for file in sources() {
        let Some(module) = module_of(&file) else { continue };
        let Some(may) = allowed.get(module.as_str()) else {
            wrong.push(format!(
                "{}: module `{module}` is not in the table",
                file.display()
            ));
            continue;
        };
        for (number, line) in code_lines(&file) {
            for target in crate_paths(&line) {
                if target != module
                    && allowed.contains_key(target.as_str())
                    && !may.contains(&target.as_str())
                {
                    wrong.push(format!(
                        "{}:{number}: `{module}` imports `{target}`",
                        file.display()
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn pure_modules_know_no_runtime_and_no_clock() {
    let mut wrong = Vec::new();
    for file in sources() {
        let Some(module) = module_of(&file) else { continue };
        if !PURE.contains(&module.as_str()) {
            continue;
        }
        for (number, line) in code_lines(&file) {
            for word in IMPURE {
                if line.contains(word) {
                    wrong.push(format!(
                        "{}:{number}: `{word}` in the pure module `{module}`",
                        file.display()
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_one_bind_door_names_no_socket_no_session_and_no_frame() {
    let mut wrong = Vec::new();
    for file in sources() {
        if module_of(&file).as_deref() != Some("client") {
            continue;
        }
        for (number, line) in code_lines(&file) {
            let words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            for word in words.filter(|word| BEHIND_THE_BIND.contains(word)) {
                wrong.push(format!("{}:{number}: `{word}`", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn files_are_of_a_readable_length() {
    let mut wrong = Vec::new();
    for file in sources() {
        let name = file.strip_prefix(root()).unwrap_or(&file).display().to_string();
        let lines = code_lines(&file).count();
        if lines > MOST_LINES && !TABLES.contains(&name.as_str()) {
            wrong.push(format!("{name}: {lines} lines"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn no_ignored_tests() {
    let mut wrong = Vec::new();
    for file in sources().into_iter().chain(rust_files(&root().join("tests"))) {
        let text = fs::read_to_string(&file).unwrap();
        if text.contains(concat!("#[", "ignore")) {
            wrong.push(file.display().to_string());
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<PathBuf> {
    rust_files(&root().join("src"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// The top-level module of a file; none for `lib.rs` and `main.rs`.
fn module_of(file: &Path) -> Option<String> {
    let inside = file.strip_prefix(root().join("src")).ok()?;
    let first = inside.components().next()?.as_os_str().to_str()?;
    let name = first.strip_suffix(".rs").unwrap_or(first);
    (!matches!(name, "lib" | "main")).then(|| name.to_owned())
}

/// Numbered lines without comments, up to the file's own tests.
fn code_lines(file: &Path) -> impl Iterator<Item = (usize, String)> {
    let text = fs::read_to_string(file).unwrap();
    let is_tests = file
        .with_extension("")
        .components()
        .any(|part| part.as_os_str() == "tests");
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if is_tests || line.trim_start().starts_with("#[cfg(test)]") {
            break;
        }
        if !line.trim_start().starts_with("//") {
            lines.push((index + 1, line.to_owned()));
        }
    }
    lines.into_iter()
}

/// Every `x` of a `crate::x` in a line, also inside `crate::{x, y::z}`.
fn crate_paths(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (position, _) in line.match_indices("crate::") {
        let rest = &line[position + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            found.extend(group.split([',', '}']).map(|part| first_name(part.trim())));
        } else {
            found.push(first_name(rest));
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

fn first_name(path: &str) -> String {
    path.chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

#[test]
fn paths_are_found_in_groups_too() {
    assert_eq!(crate_paths("use crate::pdu::Header;"), ["pdu"]);
    assert_eq!(crate_paths("use crate::{pdu, sm::Split};"), ["pdu", "sm"]);
}

#[test]
fn every_test_that_a_page_names_is_there() {
    let files = sources().into_iter().chain(rust_files(&root().join("tests")));
    let sources: String = files.map(|file| fs::read_to_string(file).unwrap()).collect();
    for (page, least) in [("docs/from-python.md", 50), ("docs/reliability.md", 100)] {
        let text = fs::read_to_string(root().join(page)).unwrap();
        let named = named_tests(&text);
        assert!(named.len() > least, "{page}: {}", named.len());
        let missing: Vec<_> = named
            .into_iter()
            .filter(|name| !sources.contains(&format!("fn {name}(")))
            .collect();
        assert!(missing.is_empty(), "{page}: {missing:?}");
    }
}

/// What stands between backticks and reads like the name of a test.
fn named_tests(page: &str) -> BTreeSet<&str> {
    let is_test = |word: &&str| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        word.matches('_').count() > 2 && word.chars().all(plain)
    };
    let words = page.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    words.filter(is_test).collect()
}

#[test]
fn every_feature_of_the_python_client_has_a_row_with_a_test_or_a_reason() {
    let page = fs::read_to_string(root().join("docs/from-python.md")).unwrap();
    let rows = page.lines().filter_map(|line| {
        let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
        let (number, feature, shown) = (cells.next()?, cells.next()?, cells.next()?);
        let number = number.strip_prefix(|letter| ('A'..='G').contains(&letter))?;
        Some((number.parse().ok()?, feature, shown))
    });
    let rows: Vec<(u32, &str, &str)> = rows.collect();
    let numbers: Vec<u32> = rows.iter().map(|(number, ..)| *number).collect();
    assert_eq!(numbers, (1..=62).collect::<Vec<_>>());
    for (number, feature, shown) in rows {
        assert!(
            !feature.is_empty() && shown.len() > 20,
            "{number}: {feature}: {shown}"
        );
    }
}
