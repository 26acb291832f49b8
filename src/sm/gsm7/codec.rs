//! Text to septets and back, one septet in each octet.

use super::{ESCAPE, Tables};
use crate::sm::error::{TextFaultKind, TextFaults};

/// Octets that are looked at together.
const BLOCK: usize = 16;

/// Octets of UTF-8 that one step of the slow path writes.
const STEP: usize = 128;

impl Tables {
    /// Septets that a character takes, 1 or 2; none when the tables lack it.
    #[must_use]
    #[inline]
    pub fn septets(self, character: char) -> Option<usize> {
        match self.locking_table().septet(character) {
            Some(_) => Some(1),
            None => self.single_table().septet(character).map(|_| 2),
        }
    }
}

/// What to write for a character that the tables lack.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::sm) enum Substitute {
    /// Nothing: the text is refused.
    Refuse,
    /// Nothing: the character is left out.
    Skip,
    /// Another character, which the tables have.
    With(char),
}

/// Appends the septets of `text` to `out`, one in each octet; `substitute` is asked about each character that
/// the tables lack.
///
/// # Errors
///
/// The first character that is refused and its offset in octets. `out` is as it was before.
pub(in crate::sm) fn encode(
    text: &str,
    tables: Tables,
    out: &mut Vec<u8>,
    mut substitute: impl FnMut(char) -> Substitute,
) -> Result<(), (usize, char)> {
    let start = out.len();
    let plain = if tables.is_default() {
        plain_prefix(text.as_bytes())
    } else {
        0
    };
    let (plain, mut rest) = text.split_at(plain);
    out.extend_from_slice(plain.as_bytes());
    let (locking, single) = (tables.locking_table(), tables.single_table());
    while !rest.is_empty() {
        let (step, other) = rest.split_at(rest.floor_char_boundary(STEP));
        rest = other;
        // Room for two septets each, so that writing one needs no look at the capacity of `out`.
        let mut room = [0_u8; 2 * STEP];
        let mut slots = room.iter_mut();
        let mut put = |septet: u8| {
            if let Some(slot) = slots.next() {
                *slot = septet;
            }
        };
        for mut character in step.chars() {
            if let Some(septet) = locking.septet(character) {
                put(septet);
                continue;
            }
            if single.septet(character).is_none() {
                character = match substitute(character) {
                    Substitute::With(other) => other,
                    Substitute::Skip => continue,
                    Substitute::Refuse => {
                        out.truncate(start);
                        // The first of its kind: what is refused once is refused wherever it stands.
                        return Err((text.find(character).unwrap_or_default(), character));
                    }
                };
            }
            if let Some(septet) = locking.septet(character) {
                put(septet);
            } else if let Some(septet) = single.septet(character) {
                put(ESCAPE);
                put(septet);
            }
        }
        let unused = slots.len();
        out.extend_from_slice(room.get(..room.len() - unused).unwrap_or_default());
    }
    Ok(())
}

/// The septets of a text, or the first character that the tables lack and its offset in octets.
pub(in crate::sm) fn measure(text: &str, tables: Tables) -> Result<usize, (usize, char)> {
    let mut septets = 0;
    let mut rest = text;
    loop {
        if tables.is_default() {
            let plain = plain_prefix(rest.as_bytes());
            septets += plain;
            rest = rest.get(plain..).unwrap_or_default();
        }
        let mut characters = rest.char_indices();
        for (at, character) in characters.by_ref().take(BLOCK) {
            septets += tables
                .septets(character)
                .ok_or_else(|| (text.len() - rest.len() + at, character))?;
        }
        rest = characters.as_str();
        if rest.is_empty() {
            return Ok(septets);
        }
    }
}

/// Appends what `octets`, one septet in each, say. Reads everything; returns what was wrong.
///
/// An escape with a code that the single shift table lacks is the locking table's character at that code, two
/// escapes and a lone one are a space (3GPP TS 23.038 section 6.2.1.1).
pub fn decode(octets: &[u8], tables: Tables, out: &mut String) -> TextFaults {
    let mut faults = TextFaults::default();
    let (locking, single) = (tables.locking_table(), tables.single_table());
    out.reserve(octets.len());
    let mut rest = octets;
    loop {
        if tables.is_default()
            && let Some((plain, other)) = rest.split_at_checked(plain_prefix(rest))
            && let Ok(plain) = str::from_utf8(plain)
        {
            out.push_str(plain);
            rest = other;
        }
        for _ in 0..BLOCK {
            let position = octets.len() - rest.len();
            let character = match *rest {
                [] => return faults,
                [ESCAPE] => {
                    rest = &[];
                    faults.note(position, TextFaultKind::LoneEscape);
                    ' '
                }
                [ESCAPE, code @ 0..=0x7F, ref tail @ ..] => {
                    rest = tail;
                    single.character(code).unwrap_or_else(|| {
                        faults.note(position, TextFaultKind::UnknownEscape(code));
                        locking.character(code).unwrap_or(' ')
                    })
                }
                [ESCAPE, code, ref tail @ ..] => {
                    rest = tail;
                    faults.note(position + 1, TextFaultKind::InvalidOctet(code));
                    char::REPLACEMENT_CHARACTER
                }
                [septet @ 0..=0x7F, ref tail @ ..] => {
                    rest = tail;
                    locking.character(septet).unwrap_or_else(|| {
                        faults.note(position, TextFaultKind::Unassigned(septet));
                        ' '
                    })
                }
                [octet, ref tail @ ..] => {
                    rest = tail;
                    faults.note(position, TextFaultKind::InvalidOctet(octet));
                    char::REPLACEMENT_CHARACTER
                }
            };
            out.push(character);
        }
    }
}

/// The octets that are no septets of a text, with their places: those above 0x7F, and an escape at the end.
pub fn invalid_octets(octets: &[u8]) -> impl Iterator<Item = (usize, u8)> {
    let mut escaped = false;
    let last = octets.len().saturating_sub(1);
    octets.iter().copied().enumerate().filter(move |&(at, octet)| {
        escaped = octet == ESCAPE && !escaped;
        octet > 0x7F || escaped && at == last
    })
}

/// How many octets at the start are the same in ASCII and in the default alphabet; at least those in whole
/// blocks, and all of them where all are.
#[inline]
pub(in crate::sm) fn plain_prefix(octets: &[u8]) -> usize {
    let (blocks, tail) = octets.as_chunks::<BLOCK>();
    let plain = BLOCK * blocks.iter().take_while(|block| are_plain(&block[..])).count();
    if plain == blocks.len() * BLOCK && are_plain(tail) {
        octets.len()
    } else {
        plain
    }
}

/// Space to `?` without `$`, letters, line feed, carriage return. Without a branch, so that a block of them
/// becomes vector code.
#[inline]
fn are_plain(octets: &[u8]) -> bool {
    octets.iter().fold(true, |plain, &octet| {
        let letter = (octet & 0xDF).wrapping_sub(b'A') < 26;
        let other = (octet.wrapping_sub(b' ') < 32) & (octet != b'$');
        plain & (letter | other | (octet == b'\n') | (octet == b'\r'))
    })
}
