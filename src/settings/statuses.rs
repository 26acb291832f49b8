//! What the statuses of an SMSC mean, as a table from name or number to class.

use super::field::{Checker, Field, Row, Table};
use super::keys::{Absent, Keys, Step};
use super::problem::Mistake;
use super::scalar::Scalar;
use super::shown::{Entries, Shown};
use super::source::joined;
use crate::pdu::{CommandStatus, StatusClass, StatusClasses};

const STATUS: &str =
    "the name of a status or its number, such as ESME_RSYSERR or 0x401, but not that of success";

impl Field for StatusClasses {
    type Ruled = Self;

    fn read(&mut self, row: Row<'_, Self>, table: &mut Table<'_, '_>) {
        let allowed = "a table of statuses, such as { 0x401 = \"throttle\" }";
        table.inner(row.key, allowed, |table| {
            let mut known: Vec<(CommandStatus, String)> = Vec::new();
            for key in table.names() {
                let class = table.scalar::<StatusClass>(&key);
                let Some(status) = status_of(&key) else {
                    table.report(&key, Mistake::Key { allowed: STATUS });
                    continue;
                };
                // A name and its number, or a number written in two ways. The bind goes before its preset.
                let first = known.iter().find(|(other, _)| *other == status);
                match first.map(|(_, first)| (first, table.is_preset(first), table.is_preset(&key))) {
                    None | Some((_, true, false)) => {}
                    Some((_, _, true)) => continue,
                    Some((first, false, false)) => {
                        let keys = vec![first.clone(), key.clone()];
                        table.report(&key, Mistake::OneOf { keys });
                        continue;
                    }
                }
                if let Some(class) = class {
                    self.set(status, class);
                }
                known.push((status, key));
            }
        });
    }

    fn check(&self, row: Row<'_, Self>, path: &str, checker: &mut Checker<'_>) {
        let path = joined(path, row.key);
        for (status, class) in self.iter() {
            let key = joined(&path, &status.to_string());
            if status.is_ok() {
                checker.report(key, Mistake::Key { allowed: STATUS });
            } else if class == StatusClass::Ok {
                checker.refuse(key, StatusClass::allowed(""), Some(String::from("Ok")));
            }
        }
    }

    fn show(&self, key: &str, entries: &mut Entries) {
        let classes = self
            .iter()
            .filter_map(|(status, class)| Some((status.to_string(), Scalar::show(&class)?)));
        entries.push((key.to_owned(), Shown::Table(classes.collect())));
    }

    fn describe(&self, row: Row<'_, Self>, keys: &mut Keys) {
        let words = CommandStatus::ALL.iter().filter(|status| !status.is_ok());
        let words = words.map(ToString::to_string).collect();
        keys.inside_key(row.key, |keys| {
            keys.inside(Step::Word("STATUS", words), |keys| {
                keys.add_here(StatusClass::allowed(""), Absent::Nothing, row.doc);
            });
        });
    }
}

/// A status by its name, or by its number, which may be hexadecimal; none for success.
fn status_of(key: &str) -> Option<CommandStatus> {
    let number = match key.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => key.parse().ok(),
    };
    CommandStatus::from_name(key)
        .or(number.map(CommandStatus::new))
        .filter(|status| !status.is_ok())
}
