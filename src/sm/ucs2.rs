//! UCS2 as peers use it: UTF-16, high octet first, with surrogate pairs.

use super::error::{TextFaultKind, TextFaults};

/// Units that are looked at together when text is read.
const BLOCK: usize = 32;

/// Appends the units of a text.
pub(super) fn encode(text: &str, out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some((block, _)) = rest.as_bytes().split_first_chunk::<BLOCK>()
        && block.is_ascii()
    {
        out.extend_from_slice(block.map(|octet| [0, octet]).as_flattened());
        rest = rest.get(BLOCK..).unwrap_or_default();
    }
    let start = out.len();
    out.resize(start + 2 * units(rest), 0);
    let (slots, _) = out.get_mut(start..).unwrap_or_default().as_chunks_mut::<2>();
    let mut slots = slots.iter_mut();
    let mut put = |unit: u16| {
        if let Some(slot) = slots.next() {
            *slot = unit.to_be_bytes();
        }
    };
    for character in rest.chars() {
        match u16::try_from(u32::from(character)) {
            Ok(unit) => put(unit),
            Err(_) => character
                .encode_utf16(&mut [0; 2])
                .iter()
                .copied()
                .for_each(&mut put),
        }
    }
}

/// Units of a text.
pub(super) fn units(text: &str) -> usize {
    // Only what takes four octets of UTF-8 takes a surrogate pair.
    let has_pairs = text.bytes().fold(0, u8::max) >= 0xF0;
    if has_pairs {
        text.chars().map(char::len_utf16).sum()
    } else {
        text.chars().count()
    }
}

/// Appends what the units say; reads everything and returns what was wrong.
pub(super) fn decode(octets: &[u8], out: &mut String) -> TextFaults {
    let mut faults = TextFaults::default();
    let (mut units, half) = octets.as_chunks::<2>();
    out.reserve(units.len());
    while let Some((block, rest)) = units.split_first_chunk::<BLOCK>()
        && let ascii = block.map(|[high, low]| if high == 0 { low } else { 0xFF })
        && let Ok(ascii) = str::from_utf8(&ascii)
    {
        out.push_str(ascii);
        units = rest;
    }
    let mut at = octets.len() - half.len() - 2 * units.len();
    for character in char::decode_utf16(units.iter().map(|unit| u16::from_be_bytes(*unit))) {
        let character = character.unwrap_or_else(|error| {
            faults.note(at, TextFaultKind::LoneSurrogate(error.unpaired_surrogate()));
            char::REPLACEMENT_CHARACTER
        });
        at += 2 * character.len_utf16();
        out.push(character);
    }
    if !half.is_empty() {
        faults.note(at, TextFaultKind::HalfUnit);
    }
    faults
}
