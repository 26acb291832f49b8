//! The messages of a file: CSV with a header, or JSON Lines.

use std::path::Path;

use serde::Deserialize;

/// One message of a file.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Message {
    pub(super) to: String,
    #[serde(default)]
    pub(super) from: Option<String>,
    pub(super) text: String,
    #[serde(default)]
    pub(super) route: Option<String>,
    #[serde(default)]
    pub(super) id: Option<String>,
}

/// Reads every message with the number of its line; what is wrong names file and line.
pub(super) fn read(file: &Path) -> Result<Vec<(u64, Message)>, String> {
    let name = file.display();
    let octets = std::fs::read(file).map_err(|error| format!("cannot read {name}: {error}"))?;
    let is_json = octets.iter().find(|octet| !octet.is_ascii_whitespace()) == Some(&b'{');
    let messages = if is_json {
        json_lines(&octets)
    } else {
        csv(&octets)
    };
    messages.map_err(|(line, problem)| format!("{name}:{line}: {problem}"))
}

fn json_lines(octets: &[u8]) -> Result<Vec<(u64, Message)>, (u64, String)> {
    let mut messages = Vec::new();
    for (number, line) in (1..).zip(octets.split(|octet| *octet == b'\n')) {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let message: Message = serde_json::from_slice(line).map_err(|error| {
            (number, format!("{error}; expected an object with \"to\", \"text\" and optionally \"from\", \"route\", \"id\""))
        })?;
        messages.push((number, message));
    }
    Ok(messages)
}

fn csv(octets: &[u8]) -> Result<Vec<(u64, Message)>, (u64, String)> {
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
        messages.push((line, message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(to: &str, from: Option<&str>, text: &str) -> Message {
        Message {
            to: to.into(),
            from: from.map(Into::into),
            text: text.into(),
            route: None,
            id: None,
        }
    }

    #[test]
    fn csv_has_a_header_and_may_quote() {
        let text = b"to,from,text\n1,Shop,\"a, b\"\n2,,\"two\nlines\"\n3,,c\n";
        let expected = [
            (2, message("1", Some("Shop"), "a, b")),
            (3, message("2", None, "two\nlines")),
            (5, message("3", None, "c")),
        ];
        assert_eq!(csv(text), Ok(expected.to_vec()));
    }

    #[test]
    fn json_lines_have_the_same_keys() {
        let text = b"{\"to\":\"1\",\"text\":\"x\"}\n\n{\"to\":\"2\",\"text\":\"y\",\"from\":\"S\"}";
        let expected = [(1, message("1", None, "x")), (3, message("2", Some("S"), "y"))];
        assert_eq!(json_lines(text), Ok(expected.to_vec()));
    }

    #[test]
    fn mistakes_name_their_line() {
        for (text, line, problem) in [
            (&b"a,b\n1,2\n"[..], 1, "no column `to`"),
            (b"to,text,colour\n1,2,3\n", 2, "unknown field `colour`"),
            (b"to,text\n1,2\n3\n", 3, "fields"),
        ] {
            let (at, said) = csv(text).unwrap_err();
            assert!(at == line && said.contains(problem), "{at}: {said}");
        }
        let (at, said) = json_lines(b"{\"to\":\"1\",\"text\":\"x\"}\n{\"to\":1}").unwrap_err();
        assert!(at == 2 && said.contains("expected an object with"), "{said}");
    }
}
