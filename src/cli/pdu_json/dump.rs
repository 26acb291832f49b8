//! A PDU for people: octet ranges, names, values.

use std::ops::Range;

use super::hex;
use crate::pdu::{
    Field, FieldValue, Header, Leniency, MAX_COMMAND_LENGTH, TlvKind, TlvRegistry, TlvShape, TlvTag, View,
    frame_length, latin1, meaning, view,
};

/// Octets of a line of the dump; longer fields go on in further lines.
const OCTETS_PER_LINE: usize = 8;

/// A table of the PDU at the start of `octets`: which octets, their hexadecimal, the field, its value.
///
/// What cannot be read ends the table with a line that says why.
#[must_use]
pub fn annotated_dump(octets: &[u8]) -> String {
    annotated_dump_with(octets, &TlvRegistry::new())
}

/// The same where more TLVs than those of the standard have names.
#[must_use]
pub fn annotated_dump_with(octets: &[u8], registry: &TlvRegistry) -> String {
    let mut table = Table {
        octets,
        registry,
        text: String::new(),
    };
    if let Some(header) = Header::peek(octets) {
        table.header(header);
    }
    match frame_length(octets, MAX_COMMAND_LENGTH) {
        Err(error) => table.remark(&format!("framing lost: {error}")),
        Ok(None) => table.remark("incomplete: more octets are needed"),
        Ok(Some(length)) => {
            let frame = octets.get(..length).unwrap_or(octets);
            match view(frame, &Leniency::default()) {
                Ok(seen) => table.body(&seen, frame),
                Err(error) => {
                    table.remark(&format!(
                        "unreadable: {error}, answered with {}",
                        error.answer_status()
                    ));
                }
            }
            if octets.len() > length {
                table.remark(&format!("{} octets follow the PDU", octets.len() - length));
            }
        }
    }
    table.text
}

struct Table<'a> {
    octets: &'a [u8],
    registry: &'a TlvRegistry,
    text: String,
}

impl Table<'_> {
    fn header(&mut self, header: Header) {
        self.row(0..4, "command_length", &header.command_length.to_string());
        let command = header.command_id.name().unwrap_or("unknown");
        self.row(
            4..8,
            "command_id",
            &format!("{command} (0x{:08x})", header.command_id.value()),
        );
        self.row(
            8..12,
            "command_status",
            &format!("{} ({})", header.command_status, header.command_status.meaning()),
        );
        self.row(12..16, "sequence_number", &header.sequence_number.to_string());
    }

    fn body(&mut self, seen: &View<'_>, frame: &[u8]) {
        let mut end = Header::LENGTH;
        for placed in seen.placed_fields(frame) {
            end = placed.range.end;
            self.field(placed.range, &placed.field);
        }
        if let Some(start) = seen.tlvs_start(frame) {
            if start > end {
                self.row(end..start, "", "left out");
            }
            end = start;
        }
        for (tag, value) in seen.body.tlvs().iter() {
            let start = end;
            end = start + 4 + value.len();
            let known = self.registry.by_tag(seen.header.command_id, tag);
            self.row(start..end, &tlv_name(tag, known), &tlv_value(tag, known, value));
        }
        for quirk in seen.faults.quirks() {
            self.remark(&format!("{quirk}: {}", quirk.description()));
        }
    }

    fn field(&mut self, range: Range<usize>, field: &Field<'_>) {
        match &field.value {
            FieldValue::List(entries) => {
                let mut start = range.start;
                for part in entries.iter().flatten() {
                    let end = start + part.octets;
                    self.field(start..end, part);
                    start = end;
                }
            }
            value @ FieldValue::Octets(octets) => self.row(range, field.name, &readable(value, octets)),
            value => {
                let said = meaning(field.name, value)
                    .map(|said| format!(" ({said})"))
                    .unwrap_or_default();
                self.row(range, field.name, &format!("{value}{said}"));
            }
        }
    }

    fn row(&mut self, range: Range<usize>, name: &str, value: &str) {
        let octets = self.octets.get(range.clone()).unwrap_or_default();
        let mut chunks = octets.chunks(OCTETS_PER_LINE);
        let first = hex::print(chunks.next().unwrap_or_default());
        let place = match range.end.saturating_sub(1) {
            last if last > range.start => format!("{:>5}-{last:<5}", range.start),
            _ => format!("{:>5}      ", range.start),
        };
        self.line(&format!("{place} {first:<16}  {name:<36} {value}"));
        for chunk in chunks {
            self.line(&format!("{:11} {}", "", hex::print(chunk)));
        }
    }

    fn remark(&mut self, text: &str) {
        self.line(&format!("! {text}"));
    }

    fn line(&mut self, text: &str) {
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }
}

fn tlv_name(tag: TlvTag, known: Option<(&str, TlvShape)>) -> String {
    match known {
        Some((name, _)) => format!("0x{:04x} {name}", tag.value()),
        None => format!("0x{:04x}", tag.value()),
    }
}

fn tlv_value(tag: TlvTag, known: Option<(&str, TlvShape)>, octets: &[u8]) -> String {
    match known.and_then(|(_, shape)| Some((shape.kind, shape.value_of(octets)?))) {
        Some((TlvKind::Text, value)) => value.to_string(),
        Some((TlvKind::Integer, value)) => match tag.explain(octets) {
            Some(said) if said != value.to_string() => format!("{value} ({said})"),
            _ => value.to_string(),
        },
        Some((TlvKind::Octets, value)) if tag == TlvTag::MESSAGE_PAYLOAD || tag.name().is_none() => {
            readable(&value, octets)
        }
        _ => tag.explain(octets).unwrap_or_else(|| hex::print(octets)),
    }
}

/// Octets, as text beside it where they are all printable.
fn readable(value: &FieldValue<'_>, octets: &[u8]) -> String {
    let is_text = !octets.is_empty() && octets.iter().all(|octet| matches!(octet, b' '..=b'~'));
    if is_text {
        format!("{:?}", latin1(octets))
    } else {
        value.to_string()
    }
}
