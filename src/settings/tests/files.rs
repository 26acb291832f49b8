//! The files of `config/` and the table of `docs/configuration.md`.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::keys::{Absent, Key, Keys};
use super::*;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn text(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap()
}

/// The file with every key switched on: `#key = value` and `#[table]` lose their `#`.
fn with_all_keys() -> String {
    let text = text("config/bindery.toml");
    let lines = text.lines().map(|line| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with(|first: char| first == '[' || first.is_ascii_alphabetic()) => rest,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The values of a key in the file, one for each name that it may stand under.
fn values<'t>(key: &Key, table: &'t toml::Table) -> Vec<&'t toml::Value> {
    let names = |path: &str| {
        at(table, path)
            .and_then(toml::Value::as_table)
            .map_or_else(Vec::new, names_of)
    };
    key.paths(&names)
        .iter()
        .filter_map(|path| at(table, path))
        .collect()
}

fn at<'t>(table: &'t toml::Table, path: &str) -> Option<&'t toml::Value> {
    let (first, rest) = path
        .split_once('.')
        .map_or((path, None), |(first, rest)| (first, Some(rest)));
    let value = table.get(first)?;
    rest.map_or(Some(value), |rest| at(value.as_table()?, rest))
}

fn names_of(table: &toml::Table) -> Vec<String> {
    table.keys().cloned().collect()
}

#[test]
fn the_documented_file_works_as_it_is_and_with_all_its_keys() {
    let plain = Settings::from_file(path("config/bindery.toml")).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(plain, Settings::default().bind("acme-1", smallest()));

    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("password"), "secret\n").unwrap();
    let name = folder.path().join("bindery.toml");
    let environment = [(String::from("ACME_PASSWORD"), String::from("secret"))];
    Settings::read(&with_all_keys(), name.to_str().unwrap(), environment)
        .unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn the_documented_file_has_every_key_with_its_default() {
    let table: toml::Table = toml::from_str(&with_all_keys()).unwrap();
    let mut wrong = Vec::new();
    for key in Keys::all().iter() {
        let values = values(key, &table);
        if values.is_empty() {
            wrong.push(format!("{} is missing", key.path()));
        }
        // A route needs binds or accounts, which is no rule of either key.
        let is_free = key.path() == "routes.NAME.binds";
        if let Absent::Value(default) = &key.default
            && !is_free
        {
            let default: toml::Table = toml::from_str(&format!("default = {default}")).unwrap();
            for value in values {
                if *value != default["default"] {
                    wrong.push(format!(
                        "{} is {value:?}, not {:?}",
                        key.path(),
                        default["default"]
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "config/bindery.toml:\n{}", wrong.join("\n"));
}

#[test]
fn the_demonstration_has_slow_and_flaky_smscs_with_many_binds() {
    let settings = Settings::from_file(path("config/demo.toml")).unwrap_or_else(|error| panic!("{error}"));
    assert!(settings.smsc.len() >= 2);
    assert!(settings.smsc.values().any(|smsc| smsc.faults.cut_after.is_some()));
    assert!(settings.smsc.values().any(|smsc| smsc.delay > Duration::ZERO));
    assert!(settings.smsc.values().all(|smsc| smsc.listen.port() == 0));
    assert!(settings.binds.len() >= 6);
    assert!(settings.binds.values().all(|bind| bind.smsc.is_some()));
    assert!(!settings.budgets.is_empty());
    assert_eq!(settings.warnings(), [""; 0]);
}

#[test]
fn the_reference_is_that_of_the_code() {
    const BEGIN: &str = "<!-- keys: written by BINDERY_BLESS=1 cargo test the_reference -->\n";
    let file = "docs/configuration.md";
    let old = text(file);
    let (prose, _) = old.split_once(BEGIN).unwrap();
    let new = format!("{prose}{BEGIN}{}", reference());
    if std::env::var_os("BINDERY_BLESS").is_some() {
        fs::write(path(file), new).unwrap();
    } else {
        assert!(
            old == new,
            "{file} is out of date; run BINDERY_BLESS=1 cargo test the_reference"
        );
    }
}

proptest::proptest! {
    /// Whatever happens to a file, reading it ends well or with lines that name the file.
    #[test]
    fn a_damaged_file_is_read_or_refused_line_by_line(from: u16, length in 0_usize..40, put in "[\\[\\]\"'=.#\n a0-]{0,6}") {
        let mut characters: Vec<char> = with_all_keys().chars().collect();
        let from = usize::from(from) % characters.len();
        let to = characters.len().min(from + length);
        characters.splice(from..to, put.chars());
        let damaged: String = characters.into_iter().collect();
        if let Err(error) = Settings::read(&damaged, "bindery.toml", Vec::new()) {
            for line in error.to_string().lines() {
                proptest::prop_assert!(line.starts_with("bindery.toml:"), "{line}");
            }
        }
    }
}
