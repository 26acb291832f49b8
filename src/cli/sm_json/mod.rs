//! `sm`: the content of short messages, one JSON object in and one out.
//!
//! Requests and answers are those of `docs/` and of the help text. Beyond the keys that every request takes, the
//! knobs of the library can be turned:
//!
//! | Key | In | Means |
//! |---|---|---|
//! | `default_alphabet` | all | what data_coding 0 is: `gsm`, `gsm-packed`, `latin1`, `ascii`, `utf-8` |
//! | `latin1`, `transliterate` | encode, split | allow Latin-1 under `auto`; similar characters |
//! | `errors` | encode, split | `strict`, `replace`, `ignore` |
//! | `shift` | encode, split | only `locking` or only `single` tables of the languages |
//! | `tables` | encode, split | exactly these: `{"locking":"pt","single":"pt"}` |
//! | `max_octets`, `clusters`, `number_single`, `elements` | split | as in `SplitOptions` |
//!
//! Octets that are damaged give what can be read of them and an `error` beside it.

mod bits;
mod receipt;
mod request;
mod text;
mod time;

use serde_json::{Map, Value, json};

use crate::sm::{SplitOptions, TextError, preview};
use request::Request;

/// Carries out one request: a line with a JSON object, of which `op` says what to do.
///
/// A bad request gives `{"error":{"kind":…,"message":…}}`.
#[must_use]
pub fn sm_line(line: &str) -> Value {
    match answer(line) {
        Ok(answer) => Value::Object(answer),
        Err(problem) => json!({ "error": problem.to_json() }),
    }
}

/// What a text takes, for people.
#[must_use]
pub fn describe(text: &str) -> String {
    match preview(text, &SplitOptions::default()) {
        Ok(preview) => preview.to_string(),
        Err(error) => error.to_string(),
    }
}

fn answer(line: &str) -> Result<Map<String, Value>, Problem> {
    let request = Request::read(line)?;
    match request.op()? {
        "encode" => text::encode(&request),
        "decode" => text::decode(&request),
        "split" => text::split(&request),
        "join" => text::join(&request),
        "pack" => bits::pack_septets(&request),
        "unpack" => bits::unpack_septets(&request),
        "udh" => bits::udh(&request),
        "receipt" => receipt::receipt(&request),
        "time" => time::time(&request),
        other => Err(Problem::new(
            "op",
            format!(
                "no operation {other:?}; known are encode decode split join pack unpack udh receipt time"
            ),
        )),
    }
}

/// Why a request has no answer, or only part of one.
#[derive(Debug)]
struct Problem {
    kind: &'static str,
    message: String,
    details: Map<String, Value>,
}

impl Problem {
    fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            details: Map::new(),
        }
    }

    fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.details.insert(key.to_owned(), value.into());
        self
    }

    fn to_json(&self) -> Value {
        let mut object = Map::new();
        object.insert("kind".into(), self.kind.into());
        object.insert("message".into(), self.message.as_str().into());
        object.extend(self.details.clone());
        Value::Object(object)
    }
}

impl From<TextError> for Problem {
    fn from(error: TextError) -> Self {
        let message = error.to_string();
        match error {
            TextError::Unencodable {
                character,
                index,
                offset,
                ..
            } => Self::new("unencodable", message)
                .with("character", character.to_string())
                .with("index", index)
                .with("offset", offset),
            TextError::NoText => Self::new("no_text", message),
            TextError::TooManyParts { parts } => Self::new("too_many_parts", message).with("parts", parts),
            TextError::TooLong { octets } => Self::new("too_long", message).with("octets", octets),
            TextError::NoRoom { .. } | TextError::HeaderTooLong { .. } => Self::new("no_room", message),
        }
    }
}

/// An answer with its keys in the order in which they are given.
fn object<const N: usize>(entries: [(&str, Value); N]) -> Map<String, Value> {
    entries
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}
