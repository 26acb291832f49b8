//! From JSON to the octets of a PDU.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::hex;
use crate::pdu::{
    CommandId, CommandStatus, EncodeError, EncodeErrorKind, Field, FieldError, FieldForm, FieldValue,
    MAX_COMMAND_LENGTH, Pdu, SequenceNumber, TextError, TlvKind, TlvRegistry, TlvShape, TlvTag, Tlvs,
    encode_whole, encode_without_body, to_latin1,
};

/// Builds the PDU that an object describes: `{"hex":"…"}`, or `{"error":{…}}` with `kind`, `field` and
/// `message`, and `length` and `max` where something is too long.
///
/// The object has the form that [`decode_line`](super::decode_line) prints. Missing fields have their defaults,
/// a missing `sequence_number` is 1. A response whose `fields` are there but empty goes without its body, as
/// does one with an error status that says nothing about fields and TLVs.
#[must_use]
pub fn encode_line(line: &str) -> Value {
    encode_line_with(line, &TlvRegistry::new())
}

/// The same where more TLVs than those of the standard have names.
#[must_use]
pub fn encode_line_with(line: &str, registry: &TlvRegistry) -> Value {
    match encode_text(line, registry) {
        Ok(octets) => json!({ "hex": hex::print(&octets) }),
        Err(problem) => json!({ "error": problem.to_json() }),
    }
}

/// What is wrong with an object.
#[derive(Debug)]
pub(in crate::cli) struct Problem {
    pub(in crate::cli) kind: &'static str,
    pub(in crate::cli) field: String,
    pub(in crate::cli) message: String,
    size: Option<(usize, usize)>,
}

impl Problem {
    fn new(kind: &'static str, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            kind,
            field: field.into(),
            message: message.into(),
            size: None,
        }
    }

    fn too_long(field: &str, length: usize, max: usize) -> Self {
        let message = format!("{length} where at most {max} fit");
        Self {
            size: Some((length, max)),
            ..Self::new("too_long", field, message)
        }
    }

    fn of_field(field: &str, error: FieldError) -> Self {
        match error {
            FieldError::TooLong { length, max } | FieldError::Text(TextError::TooLong { length, max }) => {
                Self::too_long(field, length, max)
            }
            FieldError::Unknown => Self::new("unknown_field", field, error.to_string()),
            FieldError::Type { .. } => Self::new("type", field, error.to_string()),
            _ => Self::new("value", field, error.to_string()),
        }
    }

    fn of_encoding(error: EncodeError) -> Self {
        match error.kind {
            EncodeErrorKind::TooLong { length, max } => Self::too_long(error.field, length, max),
            _ => Self::new("value", error.field, error.kind.to_string()),
        }
    }

    fn to_json(&self) -> Value {
        let mut object = json!({ "kind": self.kind, "field": self.field, "message": self.message });
        if let (Some(object), Some((length, max))) = (object.as_object_mut(), self.size) {
            object.insert("length".into(), json!(length));
            object.insert("max".into(), json!(max));
        }
        object
    }
}

fn encode_text(line: &str, registry: &TlvRegistry) -> Result<Vec<u8>, Problem> {
    let object: Value =
        serde_json::from_str(line).map_err(|error| Problem::new("json", "", error.to_string()))?;
    let Value::Object(object) = object else {
        return Err(Problem::new("json", "", "an object belongs here"));
    };
    let command_id = command(&object)?;
    let status = CommandStatus::new(header_number(&object, "command_status", 0)?);
    let sequence = SequenceNumber::new(header_number(
        &object,
        "sequence_number",
        SequenceNumber::FIRST.value(),
    )?);

    let mut pdu = Pdu::empty(command_id)
        .ok_or_else(|| Problem::new("command", "command", "a PDU without a row in the table"))?;
    let given = set_fields(&mut pdu, &object)?;
    *pdu.tlvs_mut() = tlvs(command_id, object.get("tlvs"), registry)?;

    check_times(&pdu)?;
    let mut octets = Vec::new();
    let is_empty = given == Some(0) || (given.is_none() && !status.is_ok());
    if command_id.is_response() && is_empty && pdu.tlvs().is_empty() {
        encode_without_body(command_id, status, sequence, &mut octets);
    } else {
        encode_whole(&pdu, status, sequence, &mut octets).map_err(Problem::of_encoding)?;
    }
    match octets.len() {
        length if length > MAX_COMMAND_LENGTH => {
            Err(Problem::too_long("command_length", length, MAX_COMMAND_LENGTH))
        }
        _ => Ok(octets),
    }
}

/// The command by its name, by its id, or by both where they are the same.
fn command(object: &Map<String, Value>) -> Result<CommandId, Problem> {
    let (by_name, by_id) = (command_of(object, "command")?, command_of(object, "command_id")?);
    match (by_name, by_id) {
        (Some(name), Some(id)) if name != id => {
            let message = format!("says {id}, but command says {name}");
            Err(Problem::new("command", "command_id", message))
        }
        _ => by_name
            .or(by_id)
            .ok_or_else(|| Problem::new("command", "command", "missing")),
    }
}

fn command_of(object: &Map<String, Value>, key: &str) -> Result<Option<CommandId>, Problem> {
    let id = match object.get(key) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(name)) => {
            CommandId::from_name(name).or_else(|| prefixed(name).map(CommandId::new))
        }
        Some(value) => number(value).map(CommandId::new),
    };
    id.map(Some)
        .ok_or_else(|| Problem::new("command", key, "no such command"))
}

/// Times are empty or of sixteen characters; `final_date` may have twelve, as some message centres report it. Only
/// here: what a session has read in another form goes out again as it came.
fn check_times(pdu: &Pdu) -> Result<(), Problem> {
    let rows = pdu.command_id().fields();
    for field in pdu.view().fields() {
        let FieldValue::Text(text) = &field.value else {
            continue;
        };
        let is_time = rows
            .iter()
            .any(|row| row.name == field.name && row.form == FieldForm::Time);
        let (fits, belong) = match (field.name, text.len()) {
            ("final_date", length) => (matches!(length, 0 | 12 | 16), "0, 12 or 16"),
            (_, length) => (matches!(length, 0 | 16), "0 or 16"),
        };
        if is_time && !fits {
            let message = format!("{} characters where {belong} belong", text.len());
            return Err(Problem::new("value", field.name, message));
        }
    }
    Ok(())
}

/// A number written as `0x…`.
fn prefixed(text: &str) -> Option<u32> {
    text.strip_prefix("0x")
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
}

fn header_number(object: &Map<String, Value>, key: &str, default: u32) -> Result<u32, Problem> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(default),
        Some(value) => {
            number(value).ok_or_else(|| Problem::new("type", key, "a number below 4294967296 belongs here"))
        }
    }
}

fn number(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|number| u32::try_from(number).ok())
}

/// Sets the fields; says how many were given, none when the object does not mention fields at all.
fn set_fields(pdu: &mut Pdu, object: &Map<String, Value>) -> Result<Option<usize>, Problem> {
    let fields = match object.get("fields") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(fields)) => fields,
        Some(_) => return Err(Problem::new("type", "fields", "an object belongs here")),
    };
    let mut counters = Vec::new();
    for (name, value) in fields {
        let value = field_value(name, value)?;
        if matches!(name.as_str(), "sm_length" | "number_of_dests" | "no_unsuccess") {
            counters.push((name, value));
        } else {
            pdu.set(name, &value)
                .map_err(|error| Problem::of_field(name, error))?;
        }
    }
    let view = pdu.view();
    for (name, value) in counters {
        match view.fields().into_iter().find(|field| field.name == name) {
            None => return Err(Problem::of_field(name, FieldError::Unknown)),
            Some(field) if field.value == value => {}
            Some(field) => {
                let message = format!("says {value}, but {} is right", field.value);
                return Err(Problem::new("value", name.as_str(), message));
            }
        }
    }
    Ok(Some(fields.len()))
}

fn field_value<'a>(name: &'a str, value: &'a Value) -> Result<FieldValue<'a>, Problem> {
    let wrong = |message: &str| Problem::new("type", name, message);
    match value {
        Value::Number(_) => number(value)
            .map(FieldValue::Integer)
            .ok_or_else(|| wrong("a number below 4294967296 belongs here")),
        Value::String(text) if name == "short_message" => octets(name, text).map(FieldValue::Octets),
        Value::String(text) => to_latin1(text)
            .map(FieldValue::Text)
            .map_err(|error| Problem::of_field(name, FieldError::Text(error))),
        Value::Array(entries) => entries
            .iter()
            .map(|entry| entry_fields(name, entry))
            .collect::<Result<_, _>>()
            .map(FieldValue::List),
        _ => Err(wrong("a number, a text or a list belongs here")),
    }
}

fn entry_fields<'a>(name: &str, entry: &'a Value) -> Result<Vec<Field<'a>>, Problem> {
    let Value::Object(entry) = entry else {
        return Err(Problem::new("type", name, "a list of objects belongs here"));
    };
    let field = |(name, value): (&'a String, &'a Value)| {
        Ok(Field {
            name: name.as_str(),
            value: field_value(name, value)?,
            octets: 0,
        })
    };
    entry.iter().map(field).collect()
}

fn octets(field: &str, text: &str) -> Result<Cow<'static, [u8]>, Problem> {
    hex::parse(text)
        .map(Cow::Owned)
        .map_err(|error| Problem::new("hex", field, format!("{error} at character {}", error.position)))
}

/// TLVs as `decode_line` prints them: `tag` or `name`, and `hex` or `value`.
pub(in crate::cli) fn tlvs(
    command: CommandId,
    list: Option<&Value>,
    registry: &TlvRegistry,
) -> Result<Tlvs, Problem> {
    let mut tlvs = Tlvs::new();
    let entries = match list {
        None | Some(Value::Null) => return Ok(tlvs),
        Some(Value::Array(entries)) => entries,
        Some(_) => return Err(Problem::new("type", "tlvs", "a list belongs here")),
    };
    for entry in entries {
        let tag = tag(entry, |name| registry.by_name(command, name).map(|(tag, _)| tag))?;
        let field = tag.to_string();
        let value = match (entry.get("hex"), entry.get("value")) {
            (Some(Value::String(text)), _) => octets(&field, text)?,
            (None | Some(Value::Null), Some(value)) => {
                let shape = registry.by_tag(command, tag).map(|(_, shape)| shape);
                tlv_octets(shape, &field, value)?
            }
            _ => return Err(Problem::new("type", field, "hex or value belongs here")),
        };
        tlvs.push_raw(tag, &value)
            .map_err(|error| Problem::too_long(&field, error.length, error.expected.max))?;
    }
    Ok(tlvs)
}

fn tag(entry: &Value, named: impl Fn(&str) -> Option<TlvTag>) -> Result<TlvTag, Problem> {
    let tag = match (entry.get("tag"), entry.get("name")) {
        (Some(Value::String(tag)), _) => prefixed(tag).and_then(|tag| u16::try_from(tag).ok()),
        (Some(tag @ Value::Number(_)), _) => number(tag).and_then(|tag| u16::try_from(tag).ok()),
        (_, Some(Value::String(name))) => named(name).map(TlvTag::value),
        _ => None,
    };
    tag.map(TlvTag::new)
        .ok_or_else(|| Problem::new("tlv", "tlvs", format!("no known tag or name in {entry}")))
}

/// The octets of a value as `decode_line` prints it.
fn tlv_octets(shape: Option<TlvShape>, field: &str, value: &Value) -> Result<Cow<'static, [u8]>, Problem> {
    let Some(shape) = shape else {
        return Err(Problem::new("tlv", field, "an unknown TLV needs hex"));
    };
    let given = match (shape.kind, value) {
        (_, Value::Null) => FieldValue::Octets(Cow::default()),
        (TlvKind::Octets, Value::String(text)) => FieldValue::Octets(octets(field, text)?),
        _ => field_value(field, value)?,
    };
    let octets = match (shape.octets_of(&given), value) {
        (Ok(octets), _) => octets.into_owned(),
        // A TLV that counts by being there.
        (Err(_), Value::Null) if shape.min == 0 => Vec::new(),
        (Err(expected), _) => {
            return Err(Problem::new("type", field, format!("{expected} belongs here")));
        }
    };
    match octets.len() {
        length if length > shape.max => Err(Problem::too_long(field, length, shape.max)),
        length if !shape.allows(length) => {
            let message = format!("{length} octets where {shape} belong");
            Err(Problem::new("value", field, message))
        }
        _ => Ok(Cow::Owned(octets)),
    }
}
