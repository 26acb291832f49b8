//! `pdu decode` and `pdu encode`: one PDU a line, hexadecimal on one side and JSON on the other.
//!
//! Reading goes through [`view`], the function that a session calls, with its default leniency, and cuts frames as a
//! bound session does, with its default limit. What
//! [`decode_line`] prints of a sound PDU, [`encode_line`] turns into the same octets.

mod dump;
mod encode;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use super::hex;
use crate::pdu::{
    DecodeError, Field, FieldValue, FramingError, Header, Leniency, MAX_COMMAND_LENGTH, TlvRegistry,
    TlvShape, TlvTag, View, frame_length, latin1, view,
};

pub use dump::{annotated_dump, annotated_dump_with};
pub(super) use encode::tlvs;
pub use encode::{encode_line, encode_line_with};

/// Reads the hexadecimal of one PDU, perhaps damaged, and says what it is.
///
/// The result has the keys `outcome`, `command`, `command_id`, `command_length`, `command_status`,
/// `sequence_number`, `fields`, `tlvs`, `faults` and `error`. Three more come only where there is something to
/// say: `tolerated` (deviations that are no reason to call the PDU lenient), `body_absent`, and `leftover` (what
/// follows the PDU).
#[must_use]
pub fn decode_line(line: &str) -> Value {
    decode_line_with(line, &TlvRegistry::new())
}

/// The same where more TLVs than those of the standard have names.
#[must_use]
pub fn decode_line_with(line: &str, registry: &TlvRegistry) -> Value {
    match hex::parse(line.trim()) {
        Ok(octets) => decode_octets(&octets, registry),
        Err(problem) => Report::new("reject", None).error(json!({
            "field": "hex", "offset": problem.position, "problem": problem.to_string(), "command_status": null,
        })),
    }
}

fn decode_octets(octets: &[u8], registry: &TlvRegistry) -> Value {
    let header = Header::peek(octets);
    match frame_length(octets, MAX_COMMAND_LENGTH) {
        Err(error) => Report::new("fatal", header).error(framing_error(error)),
        Ok(None) => Report::new("need_more", header).finish(),
        Ok(Some(length)) => {
            let (frame, leftover) = octets.split_at_checked(length).unwrap_or((octets, &[]));
            let report = match view(frame, &Leniency::default()) {
                Ok(seen) => Report::of_view(&seen, frame, registry),
                Err(error) => Report::of_error(&error, header),
            };
            report.leftover(leftover).finish()
        }
    }
}

/// The object that is printed, in the order in which people read it.
struct Report {
    outcome: &'static str,
    header: Option<Header>,
    fields: Value,
    tlvs: Value,
    faults: Vec<&'static str>,
    error: Value,
    extra: Map<String, Value>,
}

impl Report {
    fn new(outcome: &'static str, header: Option<Header>) -> Self {
        Self {
            outcome,
            header,
            fields: json!({}),
            tlvs: json!([]),
            faults: Vec::new(),
            error: Value::Null,
            extra: Map::new(),
        }
    }

    fn of_view(seen: &View<'_>, frame: &[u8], registry: &TlvRegistry) -> Self {
        let (harmless, faults): (Vec<_>, Vec<_>) =
            seen.faults.quirks().partition(|quirk| quirk.is_harmless());
        let mut report = Self::new(
            if faults.is_empty() { "accept" } else { "lenient" },
            Some(seen.header),
        );
        report.faults = faults.into_iter().map(|quirk| quirk.name()).collect();
        report.fields = fields(seen.placed_fields(frame).into_iter().map(|placed| placed.field));
        report.tlvs = seen
            .body
            .tlvs()
            .iter()
            .map(|(tag, value)| tlv(registry.by_tag(seen.header.command_id, tag), tag, value))
            .collect();
        if !harmless.is_empty() {
            let names: Vec<_> = harmless.into_iter().map(|quirk| quirk.name()).collect();
            report.extra.insert("tolerated".into(), json!(names));
        }
        if seen.body_absent {
            report.extra.insert("body_absent".into(), json!(true));
        }
        report
    }

    fn of_error(error: &DecodeError, header: Option<Header>) -> Self {
        let outcome = if error.is_unknown_command() {
            "unknown_command"
        } else {
            "reject"
        };
        let mut report = Self::new(outcome, header);
        report.error = json!({
            "field": error.field,
            "offset": error.offset,
            "problem": error.kind.to_string(),
            "command_status": error.answer_status().value(),
        });
        report
    }

    fn leftover(mut self, octets: &[u8]) -> Self {
        if !octets.is_empty() {
            self.extra.insert("leftover".into(), json!(hex::print(octets)));
        }
        self
    }

    fn error(mut self, error: Value) -> Value {
        self.error = error;
        self.finish()
    }

    fn finish(self) -> Value {
        let header = self.header.as_ref();
        let mut object = json!({
            "outcome": self.outcome,
            "command": header.map(|header| header.command_id.name().unwrap_or("unknown")),
            "command_id": header.map(|header| format!("0x{:08x}", header.command_id.value())),
            "command_length": header.map(|header| header.command_length),
            "command_status": header.map(|header| header.command_status.value()),
            "sequence_number": header.map(|header| header.sequence_number.value()),
            "fields": self.fields,
            "tlvs": self.tlvs,
            "faults": self.faults,
            "error": self.error,
        });
        if let Some(object) = object.as_object_mut() {
            object.extend(self.extra);
        }
        object
    }
}

fn framing_error(error: FramingError) -> Value {
    json!({
        "field": "command_length",
        "offset": 0,
        "problem": error.to_string(),
        "command_status": error.answer_status().value(),
    })
}

fn fields<'a>(fields: impl IntoIterator<Item = Field<'a>>) -> Value {
    fields
        .into_iter()
        .map(|field| (field.name.to_owned(), field_value(field.value)))
        .collect::<Map<_, _>>()
        .into()
}

fn field_value(value: FieldValue<'_>) -> Value {
    match value {
        FieldValue::Integer(value) => json!(value),
        FieldValue::Text(text) => json!(latin1(&text)),
        FieldValue::Octets(octets) => json!(hex::print(&octets)),
        FieldValue::List(entries) => entries.into_iter().map(fields).collect(),
    }
}

fn tlv(known: Option<(&str, TlvShape)>, tag: TlvTag, value: &[u8]) -> Value {
    let mut object = json!({ "tag": format!("0x{:04x}", tag.value()), "hex": hex::print(value) });
    if let (Some(object), Some((name, shape))) = (object.as_object_mut(), known) {
        object.insert("name".into(), json!(name));
        object.insert("value".into(), tlv_value(shape, value));
    }
    object
}

/// A number, a text, or hexadecimal; null where the octets are no such value.
fn tlv_value(shape: TlvShape, octets: &[u8]) -> Value {
    shape.value_of(octets).map_or(Value::Null, field_value)
}
