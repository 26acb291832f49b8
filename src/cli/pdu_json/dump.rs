//! A PDU for people: octet ranges, names, values.

use std::fmt::Write as _;
use std::ops::Range;

use super::hex;
use crate::pdu::{Header, Leniency, MAX_COMMAND_LENGTH, View, frame_length, view};

/// Octets of a line of the dump; longer fields go on in further lines.
const OCTETS_PER_LINE: usize = 8;

/// A table of the PDU at the start of `octets`: which octets, their hexadecimal, the field, its value.
///
/// What cannot be read ends the table with a line that says why.
#[must_use]
pub fn annotated_dump(octets: &[u8]) -> String {
    let mut table = Table {
        octets,
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
    text: String,
}

impl Table<'_> {
    fn header(&mut self, header: Header) {
        self.row(0..4, "command_length", &header.command_length.to_string());
        self.row(4..8, "command_id", &header.command_id.to_string());
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
            self.row(placed.range, placed.field.name, &placed.field.value.to_string());
        }
        for (tag, value) in seen.body.tlvs().iter() {
            let start = end;
            end = start + 4 + value.len();
            self.row(start..end, &format!("tlv {tag}"), &hex::print(value));
        }
        for quirk in seen.faults.quirks() {
            self.remark(&format!("{quirk}: {}", quirk.description()));
        }
    }

    fn row(&mut self, range: Range<usize>, name: &str, value: &str) {
        let octets = self.octets.get(range.clone()).unwrap_or_default();
        let mut chunks = octets.chunks(OCTETS_PER_LINE);
        let first = hex::print(chunks.next().unwrap_or_default());
        let last = range.end.saturating_sub(1);
        // Writing to a String cannot fail.
        let _ = writeln!(
            self.text,
            "{:>5}-{last:<5} {first:<16}  {name:<26} {value}",
            range.start
        );
        for chunk in chunks {
            let _ = writeln!(self.text, "{:11} {}", "", hex::print(chunk));
        }
    }

    fn remark(&mut self, text: &str) {
        let _ = writeln!(self.text, "! {text}");
    }
}
