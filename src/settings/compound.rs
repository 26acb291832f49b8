//! Values that take more than one key: hosts, secrets, switches and shares.

use std::fs;

use super::field::{Checker, Field, Row, Table};
use super::keys::{Absent, Keys, Step};
use super::kinds::items;
use super::problem::Mistake;
use super::scalar::Scalar;
use super::shown::{Entries, Shown};
use super::source::joined;
use super::{HostPort, Nonsense, OddReceipt, OddResponse, Secret, Shares};
use crate::pdu::{CommandStatus, Leniency, MessageState, Quirk};

const PORTS: &str = " from 1 to 65535";
const HOSTS_ALLOWED: &str = "a list of host:port in quotes, such as [\"smpp1.example:2775\"]";

/// `hosts`, or `host` with `port`.
impl Field for Vec<HostPort> {
    type Ruled = Self;

    fn read(&mut self, row: Row<'_, Self>, table: &mut Table<'_, '_>) {
        let keys = [row.key, "host", "port"].map(String::from);
        let given = table.given(&keys);
        let list = given.iter().any(|key| key == row.key);
        let one = given.iter().find(|key| *key != row.key);
        match (list, one) {
            (true, Some(_)) => table.report(row.key, Mistake::OneOf { keys: given }),
            (true, None) => match table.raw(row.key).map(items) {
                Some(Ok(hosts)) => *self = hosts,
                Some(Err(found)) => table.report(
                    row.key,
                    Mistake::NotAllowed {
                        allowed: String::from(HOSTS_ALLOWED),
                        found: Some(found.0),
                    },
                ),
                None => {}
            },
            (false, Some(_)) => {
                let host = table.scalar::<String>("host");
                let port = table.scalar_where("port", PORTS, |port: &u16| *port > 0);
                match (host, port) {
                    (Some(host), Some(port)) => *self = vec![HostPort::new(host, port)],
                    (Some(_), None) if !given.contains(&keys[2]) => table.report(
                        "port",
                        Mistake::Missing {
                            allowed: String::from("a whole number from 1 to 65535, because host is given"),
                        },
                    ),
                    (None, Some(_)) if !given.contains(&keys[1]) => table.report(
                        "host",
                        Mistake::Missing {
                            allowed: String::from("a name or an address in quotes, because port is given"),
                        },
                    ),
                    _ => {}
                }
            }
            (false, None) => {}
        }
    }

    fn check(&self, row: Row<'_, Self>, path: &str, checker: &mut Checker<'_>) {
        if let Some(host) = self
            .iter()
            .find(|host| host.port() == 0 || host.host().is_empty())
        {
            let found = Some(format!("{:?}", host.to_string()));
            checker.refuse(joined(path, row.key), String::from(HOSTS_ALLOWED), found);
        }
    }

    fn show(&self, key: &str, entries: &mut Entries) {
        let hosts = self.iter().map(|host| Shown::Text(host.to_string()));
        entries.push((key.to_owned(), Shown::List(hosts.collect())));
    }

    fn describe(&self, row: Row<'_, Self>, keys: &mut Keys) {
        keys.add(row.key, String::from(HOSTS_ALLOWED), Absent::Required, row.doc);
        keys.add(
            "host",
            String::from("a name or an address"),
            Absent::Nothing,
            "The host, where there is only one; with `port`.",
        );
        keys.add(
            "port",
            u16::allowed(PORTS),
            Absent::Nothing,
            "The port of `host`.",
        );
    }
}

/// The secret itself, the variable that holds it, or the file that holds it.
impl Field for Secret {
    type Ruled = Self;

    fn read(&mut self, row: Row<'_, Self>, table: &mut Table<'_, '_>) {
        let keys = sources(row.key);
        if table.given(&keys).is_empty() {
            let allowed = secret_allowed(&keys);
            return table.report(row.key, Mistake::Missing { allowed });
        }
        if let Some(secret) = given(&keys, table) {
            *self = secret;
        }
    }

    fn check(&self, _: Row<'_, Self>, _: &str, _: &mut Checker<'_>) {}

    fn show(&self, key: &str, entries: &mut Entries) {
        entries.push((key.to_owned(), Shown::Text(String::from("***"))));
    }

    fn describe(&self, row: Row<'_, Self>, keys: &mut Keys) {
        describe(row.key, row.doc, Absent::Required, keys);
    }
}

/// The same where there may be none.
impl Field for Option<Secret> {
    type Ruled = Self;

    fn read(&mut self, row: Row<'_, Self>, table: &mut Table<'_, '_>) {
        if let Some(secret) = given(&sources(row.key), table) {
            *self = Some(secret);
        }
    }

    fn check(&self, _: Row<'_, Self>, _: &str, _: &mut Checker<'_>) {}

    fn show(&self, key: &str, entries: &mut Entries) {
        if self.is_some() {
            entries.push((key.to_owned(), Shown::Text(String::from("***"))));
        }
    }

    fn describe(&self, row: Row<'_, Self>, keys: &mut Keys) {
        describe(row.key, row.doc, Absent::Nothing, keys);
    }
}

/// The secret that is given, if there is one and only one way to it; everything else is reported.
fn given(keys: &[String; 3], table: &mut Table<'_, '_>) -> Option<Secret> {
    let given = table.given(keys);
    match given.as_slice() {
        [] => None,
        [key] if *key == keys[0] => match table.raw(key).map(|raw| raw.text().map(Secret::new)) {
            Some(Ok(secret)) => Some(secret),
            _ => {
                let allowed = format!("text in quotes, also where it is a number: {key} = \"...\"");
                table.report(key, Mistake::NotAllowed { allowed, found: None });
                None
            }
        },
        [key] if *key == keys[1] => from_variable(key, table),
        [key] => from_file(key, table),
        [first, ..] => {
            table.report(first, Mistake::OneOf { keys: given.clone() });
            None
        }
    }
}

fn describe(key: &str, doc: &str, absent: Absent, keys: &mut Keys) {
    let [key, variable, file] = sources(key);
    let text = String::allowed("");
    keys.add(&key, text.clone(), absent, doc);
    keys.add(
        &variable,
        text.clone(),
        Absent::Nothing,
        &format!("Instead of `{key}`: the environment variable that holds it."),
    );
    keys.add(
        &file,
        text,
        Absent::Nothing,
        &format!("Instead of `{key}`: the file that holds it; a relative path begins where this file is."),
    );
}

fn sources(key: &str) -> [String; 3] {
    [key.to_owned(), format!("{key}_env"), format!("{key}_file")]
}

fn secret_allowed([key, variable, file]: &[String; 3]) -> String {
    format!("{key} = \"...\", {variable} with the name of a variable, or {file} with the path of a file")
}

fn from_variable(key: &str, table: &mut Table<'_, '_>) -> Option<Secret> {
    let name = table.scalar::<String>(key)?;
    let secret = table.variable(&name).map(Secret::new);
    if secret.is_none() {
        table.report(
            key,
            Mistake::Combination(format!("the environment variable {name:?} is not set")),
        );
    }
    secret
}

fn from_file(key: &str, table: &mut Table<'_, '_>) -> Option<Secret> {
    let name = table.scalar::<String>(key)?;
    match fs::read_to_string(table.folder().join(&name)) {
        // Editors end a file with a line break that is not part of the secret.
        Ok(text) => Some(Secret::new(
            text.strip_suffix('\n')
                .map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text)),
        )),
        Err(error) => {
            table.report(
                key,
                Mistake::Combination(format!("the file {name:?} cannot be read: {}", error.kind())),
            );
            None
        }
    }
}

/// A table of switches.
impl Field for Leniency {
    type Ruled = Self;

    fn read(&mut self, row: Row<'_, Self>, table: &mut Table<'_, '_>) {
        table.inner(
            row.key,
            "a table of switches, such as { missing_nul = false }",
            |table| {
                for quirk in Quirk::ALL {
                    if let Some(on) = table.scalar(quirk.name()) {
                        self.set(*quirk, on);
                    }
                }
                table.finish();
            },
        );
    }

    fn check(&self, _: Row<'_, Self>, _: &str, _: &mut Checker<'_>) {}

    fn show(&self, key: &str, entries: &mut Entries) {
        let switches = Quirk::ALL
            .iter()
            .map(|quirk| (quirk.name().to_owned(), Shown::Switch(self.allows(*quirk))));
        entries.push((key.to_owned(), Shown::Table(switches.collect())));
    }

    fn describe(&self, row: Row<'_, Self>, keys: &mut Keys) {
        keys.inside_key(row.key, |keys| {
            for quirk in Quirk::ALL {
                let default = Absent::Value(Shown::Switch(self.allows(*quirk)));
                keys.add(
                    quirk.name(),
                    bool::allowed(""),
                    default,
                    &format!("Tolerates: {}.", quirk.description()),
                );
            }
        });
    }
}

/// What a share is of.
pub(super) trait Shared: Copy + 'static {
    /// How one is called where all may be named.
    const WORD: &'static str;
    /// All that there are.
    const ALL: &'static [Self];
    /// How this one is written.
    fn written(self) -> String;
}

impl Shared for MessageState {
    const WORD: &'static str = "STATE";
    const ALL: &'static [Self] = Self::ALL;

    fn written(self) -> String {
        self.to_string().to_lowercase()
    }
}

impl Shared for CommandStatus {
    const WORD: &'static str = "STATUS";
    const ALL: &'static [Self] = Self::ALL;

    fn written(self) -> String {
        self.to_string()
    }
}

impl Shared for Nonsense {
    const WORD: &'static str = "KIND";
    const ALL: &'static [Self] = Self::ALL;

    fn written(self) -> String {
        String::from(match self {
            Self::Command => "command",
            Self::Body => "body",
            Self::Response => "response",
            Self::Nack => "nack",
            Self::TinyLength => "tiny_length",
            Self::HugeLength => "huge_length",
            Self::Garbage => "garbage",
        })
    }
}

impl Shared for OddResponse {
    const WORD: &'static str = "KIND";
    const ALL: &'static [Self] = Self::ALL;

    fn written(self) -> String {
        String::from(match self {
            Self::NoBody => "no_body",
            Self::NoNul => "no_nul",
            Self::ExtraNul => "extra_nul",
            Self::EmptyTlv => "empty_tlv",
            Self::CutTlv => "cut_tlv",
        })
    }
}

impl Shared for OddReceipt {
    const WORD: &'static str = "KIND";
    const ALL: &'static [Self] = Self::ALL;

    fn written(self) -> String {
        String::from(match self {
            Self::NoClass => "no_class",
            Self::Ucs2 => "ucs2",
            Self::WrongCoding => "wrong_coding",
            Self::NoTlvs => "no_tlvs",
            Self::NoText => "no_text",
            Self::OtherText => "other_text",
        })
    }
}

const SHARE_ALLOWED: &str = " from 0 to 1";

fn is_share(share: &f64) -> bool {
    (0.0..=1.0).contains(share)
}

/// A table with a share for each value.
impl<T: Shared> Field for Shares<T> {
    type Ruled = Self;

    fn read(&mut self, row: Row<'_, Self>, table: &mut Table<'_, '_>) {
        table.inner(row.key, "a table of shares", |table| {
            let mut shares = Vec::new();
            for value in T::ALL {
                let share = table.scalar_where(&value.written(), SHARE_ALLOWED, is_share);
                shares.extend(share.map(|share| (*value, share)));
            }
            table.finish();
            *self = Self::new(shares);
        });
    }

    fn check(&self, row: Row<'_, Self>, path: &str, checker: &mut Checker<'_>) {
        let path = joined(path, row.key);
        for (value, share) in self.iter() {
            if !is_share(&share) {
                checker.refuse(
                    joined(&path, &value.written()),
                    f64::allowed(SHARE_ALLOWED),
                    Some(share.to_string()),
                );
            }
        }
        let sum: f64 = self.iter().map(|(_, share)| share).sum();
        // A little more is the rounding of the sum.
        if sum > 1.000_001 {
            checker.refuse(
                path,
                String::from("shares that come to 1 at most together"),
                Some(sum.to_string()),
            );
        }
    }

    fn show(&self, key: &str, entries: &mut Entries) {
        let shares = self
            .iter()
            .map(|(value, share)| (value.written(), Shown::Number(share)));
        entries.push((key.to_owned(), Shown::Table(shares.collect())));
    }

    fn describe(&self, row: Row<'_, Self>, keys: &mut Keys) {
        let words = T::ALL.iter().map(|value| value.written()).collect();
        keys.inside_key(row.key, |keys| {
            keys.inside(Step::Word(T::WORD, words), |keys| {
                keys.add_here(f64::allowed(SHARE_ALLOWED), Absent::Nothing, row.doc);
            });
        });
    }
}
