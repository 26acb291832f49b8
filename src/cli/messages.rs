//! The messages of a file: CSV with a header, or JSON Lines.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

/// One message of a file.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Message {
    /// Where it is in the file.
    #[serde(skip)]
    pub(super) line: u64,
    pub(super) to: String,
    #[serde(default)]
    pub(super) from: Option<String>,
    pub(super) text: String,
    #[serde(default)]
    pub(super) route: Option<String>,
    #[serde(default)]
    pub(super) id: Option<String>,
}

/// What a message is found by when its file is sent again.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) enum Key {
    Id(String),
    Line(u64),
}

impl Message {
    pub(super) fn new(to: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            line: 1,
            to: to.into(),
            from: None,
            text: text.into(),
            route: None,
            id: None,
        }
    }

    /// Its id, or its place where it has none.
    pub(super) fn key(&self) -> Key {
        match &self.id {
            Some(id) => Key::Id(id.clone()),
            None => Key::Line(self.line),
        }
    }

    /// Differs when the message does (FNV-1a, the same with every version).
    pub(super) fn digest(&self) -> u64 {
        let fields = [
            Some(&self.to),
            self.from.as_ref(),
            Some(&self.text),
            self.route.as_ref(),
        ];
        let octets = fields.into_iter().flat_map(|field| {
            // No text contains the octet 0xFF.
            let octets = field.map_or("", |field| field.as_str()).bytes();
            octets.chain([0xFF])
        });
        octets.fold(0xCBF2_9CE4_8422_2325, |digest, octet| {
            (digest ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01B3)
        })
    }
}

/// Reads every message; what is wrong names file and line.
pub(super) fn read(file: &Path) -> Result<Vec<Message>, String> {
    let name = file.display();
    let octets = std::fs::read(file).map_err(|error| format!("cannot read {name}: {error}"))?;
    parse(&octets).map_err(|(line, problem)| format!("{name}:{line}: {problem}"))
}

fn parse(octets: &[u8]) -> Result<Vec<Message>, (u64, String)> {
    // Some programs put a mark before a text.
    let octets = octets.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(octets);
    let is_json = octets.iter().find(|octet| !octet.is_ascii_whitespace()) == Some(&b'{');
    let messages = if is_json {
        json_lines(octets)?
    } else {
        csv(octets)?
    };
    let mut ids = HashMap::new();
    for message in &messages {
        if let Some(id) = &message.id
            && let Some(line) = ids.insert(id, message.line)
        {
            let problem = format!("the id `{id}` is in line {line} too; expected one of its own, or none");
            return Err((message.line, problem));
        }
    }
    Ok(messages)
}

fn json_lines(octets: &[u8]) -> Result<Vec<Message>, (u64, String)> {
    let mut messages = Vec::new();
    for (number, line) in (1..).zip(octets.split(|octet| *octet == b'\n')) {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let mut message: Message = serde_json::from_slice(line).map_err(|error| {
            (number, format!("{error}; expected an object with \"to\", \"text\" and optionally \"from\", \"route\", \"id\""))
        })?;
        message.line = number;
        messages.push(message);
    }
    Ok(messages)
}

fn csv(octets: &[u8]) -> Result<Vec<Message>, (u64, String)> {
    let mut reader = csv::ReaderBuilder::new().from_reader(octets);
    let expected = "expected a header of to,from,text and optionally route,id";
    let header = reader
        .headers()
        .map_err(|error| (1, format!("{error}; {expected}")))?
        .clone();
    for needed in ["to", "text"] {
        if !header.iter().any(|column| column == needed) {
            return Err((1, format!("no column `{needed}`; {expected}")));
        }
    }
    let mut messages = Vec::new();
    let mut record = csv::StringRecord::new();
    loop {
        let line = reader.position().line();
        match reader.read_record(&mut record) {
            Ok(false) => return Ok(messages),
            Ok(true) => {}
            Err(error) => return Err((line, error.to_string())),
        }
        let line = record.position().map_or(line, csv::Position::line);
        let mut message: Message = record
            .deserialize(Some(&header))
            .map_err(|error| (line, format!("{error}; {expected}")))?;
        for optional in [&mut message.from, &mut message.route, &mut message.id] {
            if optional.as_deref() == Some("") {
                *optional = None;
            }
        }
        message.line = line;
        messages.push(message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(line: u64, to: &str, from: Option<&str>, text: &str) -> Message {
        Message {
            line,
            from: from.map(Into::into),
            ..Message::new(to, text)
        }
    }

    #[test]
    fn csv_has_a_header_and_may_quote() {
        let text = b"\xEF\xBB\xBFto,from,text\n1,Shop,\"a, b\"\n2,,\"two\nlines\"\n3,,c\n";
        let expected = [
            message(2, "1", Some("Shop"), "a, b"),
            message(3, "2", None, "two\nlines"),
            message(5, "3", None, "c"),
        ];
        assert_eq!(parse(text), Ok(expected.to_vec()));
    }

    #[test]
    fn json_lines_have_the_same_keys() {
        let text = b"{\"to\":\"1\",\"text\":\"x\"}\n\n{\"to\":\"2\",\"text\":\"y\",\"from\":\"S\"}";
        let expected = [message(1, "1", None, "x"), message(3, "2", Some("S"), "y")];
        assert_eq!(parse(text), Ok(expected.to_vec()));
    }

    #[test]
    fn mistakes_name_their_line() {
        for (text, line, problem) in [
            (&b"a,b\n1,2\n"[..], 1, "no column `to`"),
            (b"to,text,colour\n1,2,3\n", 2, "unknown field `colour`"),
            (b"to,text\n1,2\n3\n", 3, "fields"),
            (
                b"to,text,id\n1,2,x\n1,2,y\n1,2,x\n",
                4,
                "the id `x` is in line 2 too",
            ),
            (
                b"{\"to\":\"1\",\"text\":\"x\"}\n{\"to\":1}",
                2,
                "expected an object with",
            ),
        ] {
            let (at, said) = parse(text).unwrap_err();
            assert!(at == line && said.contains(problem), "{at}: {said}");
        }
    }

    #[test]
    fn the_digest_tells_messages_apart_wherever_their_texts_end() {
        let one = message(1, "1", Some("23"), "x");
        assert_eq!(one.digest(), message(7, "1", Some("23"), "x").digest());
        for other in [
            message(1, "12", Some("3"), "x"),
            message(1, "1", None, "x"),
            message(1, "1", Some("23"), "y"),
        ] {
            assert_ne!(one.digest(), other.digest(), "{other:?}");
        }
    }
}
