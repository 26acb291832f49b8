//! The GSM 7-bit alphabet: text to septets, one in each octet, and back (3GPP TS 23.038).
//!
//! [`Tables`] says which tables are in force: the default alphabet with its extension, or national ones.
//! Packing eight septets into seven octets is a matter of [`pack`] and [`unpack`].

mod language;
mod pack;
mod table;
mod tables;

pub use language::{Language, Languages, UnknownLanguage};
pub use pack::{Padding, fill_bits, pack, pack_into, packed_octets, packed_septets, unpack, unpack_into};

use super::error::{TextFaultKind, TextFaults};
use table::{NO_SEPTET, Table};

/// Introduces a septet of the single shift table.
pub const ESCAPE: u8 = 0x1B;

/// How many characters one step of the slow path handles.
const STEP: usize = 16;

/// The tables in force: `None` stands for the default alphabet or its extension.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Tables {
    /// Replaces the default alphabet (element 25 of the header). Spanish has no such table.
    pub locking: Option<Language>,
    /// Replaces the extension table behind an escape (element 24 of the header).
    pub single: Option<Language>,
}

impl Tables {
    /// The default alphabet with its extension table.
    pub const DEFAULT: Self = Self {
        locking: None,
        single: None,
    };

    /// The tables that a receiver needs to know of: a locking table that does not exist is none.
    #[must_use]
    pub fn normalised(self) -> Self {
        Self {
            locking: self.locking.filter(|language| language.has_locking_shift()),
            ..self
        }
    }

    /// True for the default alphabet with its extension table.
    #[must_use]
    pub const fn is_default(self) -> bool {
        self.locking.is_none() && self.single.is_none()
    }

    /// Octets that announce these tables in a user data header, without the length octet.
    #[must_use]
    pub fn header_octets(self) -> usize {
        let tables = self.normalised();
        3 * (usize::from(tables.locking.is_some()) + usize::from(tables.single.is_some()))
    }

    /// Septets that a character takes, 1 or 2; none when the tables lack it.
    #[must_use]
    pub fn septets(self, character: char) -> Option<usize> {
        match self.lookup(character) {
            Code::MISSING => None,
            code => Some(code.septets()),
        }
    }

    fn lookup(self, character: char) -> Code {
        if self.is_default()
            && let Some(&code) = DEFAULT_LATIN.get(character as usize)
        {
            return code;
        }
        if let Some(septet) = self.locking_table().septet(character) {
            return Code::locking(septet);
        }
        self.single_table()
            .septet(character)
            .map_or(Code::MISSING, Code::single)
    }

    fn locking_table(self) -> &'static Table {
        self.locking
            .map_or(&tables::DEFAULT_LOCKING, Language::locking_table)
    }

    fn single_table(self) -> &'static Table {
        self.single
            .map_or(&tables::DEFAULT_SINGLE, Language::single_table)
    }
}

/// The septets of one character: one, or an escape and one.
#[derive(Clone, Copy, Eq, PartialEq)]
struct Code(u16);

impl Code {
    const MISSING: Self = Self(u16::MAX);

    const fn locking(septet: u8) -> Self {
        Self(septet as u16)
    }

    const fn single(septet: u8) -> Self {
        Self((ESCAPE as u16) << 8 | septet as u16)
    }

    const fn septets(self) -> usize {
        1 + (self.0 > 0xFF) as usize
    }
}

/// The codes of the characters below U+0100 in the default alphabet and its extension.
static DEFAULT_LATIN: [Code; 256] = {
    let mut codes = [Code::MISSING; 256];
    let mut at = 0;
    while at < codes.len() {
        let (locking, single) = (
            tables::DEFAULT_LOCKING.latin(at),
            tables::DEFAULT_SINGLE.latin(at),
        );
        if locking != NO_SEPTET {
            codes[at] = Code::locking(locking);
        } else if single != NO_SEPTET {
            codes[at] = Code::single(single);
        }
        at += 1;
    }
    codes
};

/// What to write for a character that the tables lack.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Substitute {
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
pub(super) fn encode(
    text: &str,
    tables: Tables,
    out: &mut Vec<u8>,
    mut substitute: impl FnMut(char) -> Substitute,
) -> Result<(), (usize, char)> {
    let start = out.len();
    out.reserve(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        if tables.is_default() {
            let (plain, other) = rest.split_at(plain_prefix(rest.as_bytes()));
            out.extend_from_slice(plain.as_bytes());
            rest = other;
        }
        // Two septets at most for each character.
        let mut block = [0_u8; 2 * STEP];
        let mut filled = 0;
        let mut put = |septet: u8| {
            if let Some(slot) = block.get_mut(filled) {
                *slot = septet;
            }
            filled += 1;
        };
        let mut characters = rest.chars();
        for character in characters.by_ref().take(STEP) {
            let mut code = tables.lookup(character);
            if code == Code::MISSING {
                code = match substitute(character) {
                    Substitute::With(other) => tables.lookup(other),
                    Substitute::Skip => Code::MISSING,
                    Substitute::Refuse => {
                        out.truncate(start);
                        let offset = text.len() - rest.len() + rest.find(character).unwrap_or_default();
                        return Err((offset, character));
                    }
                };
                if code == Code::MISSING {
                    continue;
                }
            }
            let [escape, septet] = code.0.to_be_bytes();
            if escape != 0 {
                put(escape);
            }
            put(septet);
        }
        rest = characters.as_str();
        out.extend_from_slice(block.get(..filled).unwrap_or_default());
    }
    Ok(())
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
        for _ in 0..STEP {
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
/// blocks of sixteen.
fn plain_prefix(octets: &[u8]) -> usize {
    let (blocks, tail) = octets.as_chunks::<16>();
    let plain = blocks
        .iter()
        .take_while(|block| block.iter().all(is_plain))
        .count();
    let more = if plain == blocks.len() && tail.iter().all(is_plain) {
        tail.len()
    } else {
        0
    };
    plain * 16 + more
}

/// Space to `?` without `$`, letters, line feed and carriage return. Written so that whole blocks become
/// vector code.
fn is_plain(octet: &u8) -> bool {
    let letter = (octet & 0xDF).wrapping_sub(b'A') < 26;
    let other = octet.wrapping_sub(b' ') < 32 && *octet != b'$';
    letter | other | (*octet == b'\n') | (*octet == b'\r')
}
