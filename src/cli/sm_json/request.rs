//! The keys of a request.

use serde_json::{Map, Value};

use super::Problem;
use crate::cli::{hex, pdu_json};
use crate::pdu::{CommandId, DataCoding, EsmClass, TlvRegistry, Tlvs};
use crate::sm::{DefaultAlphabet, Language, Languages, Padding, Tables};

/// A JSON object, read key by key.
#[derive(Debug)]
pub(super) struct Request(Map<String, Value>);

impl Request {
    pub(super) fn read(line: &str) -> Result<Self, Problem> {
        match serde_json::from_str(line.trim()) {
            Ok(Value::Object(object)) => Ok(Self(object)),
            Ok(_) => Err(Problem::new("json", "not an object")),
            Err(error) => Err(Problem::new("json", error.to_string())),
        }
    }

    /// An object inside the request.
    pub(super) fn of(value: &Value) -> Result<Self, Problem> {
        match value {
            Value::Object(object) => Ok(Self(object.clone())),
            _ => Err(Problem::new("type", "an object is wanted")),
        }
    }

    pub(super) fn op(&self) -> Result<&str, Problem> {
        self.text("op")?.ok_or_else(|| missing("op"))
    }

    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<&str>, Problem> {
        self.get(key)
            .map(|value| value.as_str().ok_or_else(|| wrong_type(key, "a string")))
            .transpose()
    }

    pub(super) fn required_text(&self, key: &str) -> Result<&str, Problem> {
        self.text(key)?.ok_or_else(|| missing(key))
    }

    pub(super) fn flag(&self, key: &str) -> Result<bool, Problem> {
        let flag = self
            .get(key)
            .map(|value| value.as_bool().ok_or_else(|| wrong_type(key, "true or false")));
        Ok(flag.transpose()?.unwrap_or(false))
    }

    pub(super) fn list(&self, key: &str) -> Result<&[Value], Problem> {
        match self.get(key) {
            None => Ok(&[]),
            Some(Value::Array(values)) => Ok(values),
            Some(_) => Err(wrong_type(key, "a list")),
        }
    }

    /// A number, also as a string with `0x`.
    pub(super) fn number(&self, key: &str) -> Result<Option<u64>, Problem> {
        let number = |value: &Value| match value {
            Value::String(text) => text
                .strip_prefix("0x")
                .and_then(|digits| u64::from_str_radix(digits, 16).ok()),
            other => other.as_u64(),
        };
        self.get(key)
            .map(|value| number(value).ok_or_else(|| wrong_type(key, "a number")))
            .transpose()
    }

    pub(super) fn number_up_to(&self, key: &str, most: u64) -> Result<Option<u64>, Problem> {
        match self.number(key)? {
            Some(number) if number > most => Err(Problem::new(
                "range",
                format!("{key} is {number}, at most {most} is possible"),
            )),
            number => Ok(number),
        }
    }

    pub(super) fn octet(&self, key: &str) -> Result<Option<u8>, Problem> {
        Ok(self
            .number_up_to(key, 0xFF)?
            .and_then(|number| u8::try_from(number).ok()))
    }

    pub(super) fn octets(&self, key: &str) -> Result<Option<Vec<u8>>, Problem> {
        let Some(text) = self.text(key)? else {
            return Ok(None);
        };
        match hex::parse(text) {
            Ok(octets) => Ok(Some(octets)),
            Err(error) => {
                Err(Problem::new("hex", format!("{key}: {error}")).with("position", error.position))
            }
        }
    }

    pub(super) fn required_octets(&self, key: &str) -> Result<Vec<u8>, Problem> {
        self.octets(key)?.ok_or_else(|| missing(key))
    }

    pub(super) fn data_coding(&self) -> Result<DataCoding, Problem> {
        Ok(DataCoding::new(self.octet("data_coding")?.unwrap_or_default()))
    }

    pub(super) fn esm_class(&self) -> Result<EsmClass, Problem> {
        Ok(EsmClass::new(self.octet("esm_class")?.unwrap_or_default()))
    }

    /// What data_coding 0 is; `packed` is short for `gsm-packed`.
    pub(super) fn default_alphabet(&self) -> Result<DefaultAlphabet, Problem> {
        if self.flag("packed")? {
            return Ok(DefaultAlphabet::GsmPacked);
        }
        match self.text("default_alphabet")? {
            None | Some("gsm") => Ok(DefaultAlphabet::Gsm),
            Some("gsm-packed") => Ok(DefaultAlphabet::GsmPacked),
            Some("latin1") => Ok(DefaultAlphabet::Latin1),
            Some("ascii") => Ok(DefaultAlphabet::Ascii),
            Some("utf-8") => Ok(DefaultAlphabet::Utf8),
            Some(other) => {
                let known = "gsm, gsm-packed, latin1, ascii, utf-8";
                Err(Problem::new(
                    "default_alphabet",
                    format!("{other:?} is not one of {known}"),
                ))
            }
        }
    }

    pub(super) fn languages(&self) -> Result<Languages, Problem> {
        let language = |value: &Value| match value.as_str() {
            Some(name) => language(name),
            None => Err(wrong_type("languages", "a list of strings")),
        };
        self.list("languages")?.iter().map(language).collect()
    }

    /// The tables of GSM 7-bit text, by language: `locking` and `single`.
    pub(super) fn tables(&self) -> Result<Tables, Problem> {
        let tables = Self::of(self.get("tables").unwrap_or(&Value::Null))?;
        let table = |key| tables.text(key)?.map(language).transpose();
        Ok(Tables {
            locking: table("locking")?,
            single: table("single")?,
        })
    }

    pub(super) fn padding(&self, default: Padding) -> Result<Padding, Problem> {
        match self.text("padding")? {
            None => Ok(default),
            Some("zero") => Ok(Padding::Zero),
            Some("cr") => Ok(Padding::CarriageReturn),
            Some(other) => Err(Problem::new(
                "padding",
                format!("{other:?} is neither zero nor cr"),
            )),
        }
    }

    /// TLVs of a deliver_sm, in the form that `pdu decode` prints.
    pub(super) fn tlvs(&self) -> Result<Tlvs, Problem> {
        let tlvs = pdu_json::tlvs(CommandId::DELIVER_SM, self.get("tlvs"), &TlvRegistry::new());
        tlvs.map_err(|problem| Problem::new(problem.kind, format!("{}: {}", problem.field, problem.message)))
    }
}

pub(super) fn missing(key: &str) -> Problem {
    Problem::new("missing", format!("{key} is missing"))
}

fn language(name: &str) -> Result<Language, Problem> {
    name.parse()
        .map_err(|error| Problem::new("language", format!("{name:?}: {error}")))
}

fn wrong_type(key: &str, wanted: &str) -> Problem {
    Problem::new("type", format!("{key}: {wanted} is wanted"))
}
