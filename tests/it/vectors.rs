//! Our own PDU vectors, `tests/vectors/*.hex`; their form is described there.

use std::collections::BTreeSet;

use bindery::pdu::{
    CommandId, DecodeError, FieldValue, Header, Leniency, MAX_COMMAND_LENGTH, Quirk, View, frame_length,
    latin1, view,
};
use serde_json::{Map, Value, json};

struct Vector {
    title: String,
    octets: Vec<u8>,
    /// Octets, name and value of each line; remarks have no name.
    parts: Vec<Part>,
    expectations: Vec<String>,
}

struct Part {
    start: usize,
    octets: Vec<u8>,
    name: Option<String>,
    value: Value,
}

fn vectors(file: &str) -> Vec<Vector> {
    let path = format!("{}/tests/vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut vectors: Vec<Vector> = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            let title = title.to_owned();
            vectors.push(Vector {
                title,
                octets: Vec::new(),
                parts: Vec::new(),
                expectations: Vec::new(),
            });
            continue;
        }
        let Some(vector) = vectors.last_mut() else {
            continue;
        };
        if let Some(expectation) = line.strip_prefix("= ") {
            vector.expectations.push(expectation.to_owned());
        } else if let Some((hex, comment)) = line.split_once('#') {
            vector.add_line(hex, comment.trim());
        }
    }
    assert!(!vectors.is_empty(), "{path}");
    vectors
}

/// The sound frames of all PDUs.
pub(crate) fn frames() -> Vec<Vec<u8>> {
    vectors("pdus.hex")
        .into_iter()
        .map(|vector| vector.octets)
        .collect()
}

/// The octets of every vector with its title, sound or not.
pub(crate) fn all() -> Vec<(String, Vec<u8>)> {
    ["pdus.hex", "damage.hex", "leniency.hex"]
        .into_iter()
        .flat_map(vectors)
        .map(|vector| (vector.title, vector.octets))
        .collect()
}

fn octets(hex: &str) -> Vec<u8> {
    hex.split_whitespace()
        .map(|octet| u8::from_str_radix(octet, 16).unwrap())
        .collect()
}

impl Vector {
    fn add_line(&mut self, hex: &str, comment: &str) {
        let octets = octets(hex);
        let start = self.octets.len();
        self.octets.extend_from_slice(&octets);
        match (comment, self.parts.last_mut()) {
            ("", Some(part)) => part.octets.extend(octets),
            _ => {
                let named = (!comment.starts_with('(')).then(|| comment.split_once(": ").unwrap());
                let value = named.map_or(Value::Null, |(_, value)| serde_json::from_str(value).unwrap());
                let name = named.map(|(name, _)| name.to_owned());
                self.parts.push(Part {
                    start,
                    octets,
                    name,
                    value,
                });
            }
        }
    }

    /// What reading gives, in the words of the vector.
    fn outcome(&self, leniency: &Leniency) -> String {
        match frame_length(&self.octets, MAX_COMMAND_LENGTH) {
            Err(_) => return "fatal".to_owned(),
            Ok(None) => return "need_more".to_owned(),
            Ok(Some(length)) => assert_eq!(length, self.octets.len(), "{}", self.title),
        }
        match view(&self.octets, leniency) {
            Ok(seen) if seen.is_conformant() => "accept".to_owned(),
            Ok(seen) => {
                let used: Vec<_> = seen.faults.iter().collect();
                let grade = if seen.faults.is_harmless() {
                    "accept, tolerated"
                } else {
                    "lenient"
                };
                format!("{grade} {}", used.join(" "))
            }
            Err(error) if error.is_unknown_command() => "unknown_command".to_owned(),
            Err(error @ DecodeError { field, offset, .. }) => {
                format!("reject {field} {offset} 0x{:02X}", error.answer_status().value())
            }
        }
    }

    /// Compares names, values and places with what a view says.
    fn check_fields(&self, seen: &View<'_>) {
        let mut ours: Vec<(usize, String, Value)> = header_fields(&seen.header);
        let mut end = Header::LENGTH;
        for placed in seen.placed_fields(&self.octets) {
            end = placed.range.end;
            ours.push((
                placed.range.start,
                placed.field.name.to_owned(),
                value(placed.field.value),
            ));
        }
        end = seen.tlvs_start(&self.octets).unwrap_or(end);
        for (tag, octets) in seen.body.tlvs() {
            let name = tag.name().map(|name| format!(" {name}")).unwrap_or_default();
            ours.push((end, format!("0x{:04x}{name}", tag.value()), json!(hex(octets))));
            end += 4 + octets.len();
        }
        let theirs: Vec<_> = self
            .parts
            .iter()
            .filter_map(|part| Some((part.start, part.name.clone()?, part.value.clone())))
            .collect();
        assert_eq!(ours, theirs, "{}", self.title);
    }

    fn check(&self) {
        let outcome = self.outcome(&Leniency::default());
        let (first, others) = self.expectations.split_first().unwrap();
        assert_eq!(&outcome, first, "{}", self.title);
        if let Ok(seen) = view(&self.octets, &Leniency::default()) {
            self.check_fields(&seen);
            if outcome.starts_with("accept") {
                self.check_encoding();
            }
        }
        for expectation in others {
            let (switch, expected) = expectation
                .strip_prefix("without ")
                .unwrap()
                .split_once(": ")
                .unwrap();
            let leniency = Leniency::default().without(Quirk::from_name(switch).unwrap());
            assert_eq!(self.outcome(&leniency), expected, "{} {expectation}", self.title);
            assert_ne!(expected, outcome, "{}: {switch} changes nothing", self.title);
        }
    }

    fn check_encoding(&self) {
        let decoded = bindery::pdu::decode(&self.octets.clone().into(), &Leniency::default()).unwrap();
        let mut again = Vec::new();
        decoded.encode(&mut again).unwrap();
        assert_eq!(hex(&again), hex(&self.octets), "{}", self.title);
    }
}

fn header_fields(header: &Header) -> Vec<(usize, String, Value)> {
    vec![
        (0, "command_length".to_owned(), json!(header.command_length)),
        (
            4,
            "command_id".to_owned(),
            json!(format!("0x{:08x}", header.command_id.value())),
        ),
        (
            8,
            "command_status".to_owned(),
            json!(header.command_status.value()),
        ),
        (
            12,
            "sequence_number".to_owned(),
            json!(header.sequence_number.value()),
        ),
    ]
}

pub(crate) fn value(value: FieldValue<'_>) -> Value {
    match value {
        FieldValue::Integer(number) => json!(number),
        FieldValue::Text(text) => json!(latin1(&text)),
        FieldValue::Octets(octets) => json!(hex(&octets)),
        FieldValue::List(entries) => entries
            .into_iter()
            .map(|entry| {
                entry
                    .into_iter()
                    .map(|field| (field.name.to_owned(), self::value(field.value)))
            })
            .map(|entry| Value::Object(entry.collect::<Map<_, _>>()))
            .collect(),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[test]
fn every_pdu_reads_as_written_and_goes_out_again() {
    let vectors = vectors("pdus.hex");
    vectors.iter().for_each(Vector::check);
    let shown: BTreeSet<_> = vectors
        .iter()
        .filter_map(|vector| Some(Header::peek(&vector.octets)?.command_id))
        .collect();
    let missing: Vec<_> = CommandId::ALL.iter().filter(|id| !shown.contains(id)).collect();
    assert!(missing.is_empty(), "no vector for {missing:?}");
}

#[test]
fn damage_is_answered_with_field_place_and_status() {
    vectors("damage.hex").iter().for_each(Vector::check);
}

#[test]
fn every_leniency_switch_makes_a_difference() {
    let vectors = vectors("leniency.hex");
    vectors.iter().for_each(Vector::check);
    for quirk in Quirk::ALL {
        let shown = vectors.iter().flat_map(|vector| &vector.expectations);
        let without = format!("without {quirk}: ");
        assert!(
            shown.into_iter().any(|line| line.starts_with(&without)),
            "no vector for {quirk}"
        );
    }
}

#[test]
fn no_switch_is_needed_but_those_that_are_reported() {
    for vector in vectors("leniency.hex") {
        let used = view(&vector.octets, &Leniency::default()).unwrap().faults;
        let needed = used.quirks().fold(Leniency::strict(), Leniency::with);
        assert_eq!(
            vector.outcome(&needed),
            vector.expectations[0],
            "{}",
            vector.title
        );
    }
}
