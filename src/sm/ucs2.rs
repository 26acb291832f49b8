//! UCS2 as peers use it: UTF-16, high octet first, with surrogate pairs.

use super::error::{TextFaultKind, TextFaults};

/// Appends the units of a text.
pub(super) fn encode(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len() * 2);
    // Blocks, because extending unit by unit checks the capacity each time.
    let mut units = text.encode_utf16();
    let mut block = [0_u8; 64];
    loop {
        let mut filled = 0;
        for (slot, unit) in block.as_chunks_mut::<2>().0.iter_mut().zip(&mut units) {
            *slot = unit.to_be_bytes();
            filled += 2;
        }
        out.extend_from_slice(block.get(..filled).unwrap_or_default());
        if filled < block.len() {
            return;
        }
    }
}

/// Appends what the units say; reads everything and returns what was wrong.
pub(super) fn decode(octets: &[u8], out: &mut String) -> TextFaults {
    let mut faults = TextFaults::default();
    let (units, half) = octets.as_chunks::<2>();
    out.reserve(octets.len());
    let mut at = 0;
    for character in char::decode_utf16(units.iter().map(|unit| u16::from_be_bytes(*unit))) {
        match character {
            Ok(character) => {
                at += 2 * character.len_utf16();
                out.push(character);
            }
            Err(error) => {
                faults.note(at, TextFaultKind::LoneSurrogate(error.unpaired_surrogate()));
                at += 2;
                out.push(char::REPLACEMENT_CHARACTER);
            }
        }
    }
    if !half.is_empty() {
        faults.note(at, TextFaultKind::HalfUnit);
    }
    faults
}
