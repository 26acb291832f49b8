//! Where a text or data may be cut.

use unicode_segmentation::GraphemeCursor;

use super::alphabet::Alphabet;
use super::error::{TextError, Unencodable};
use super::gsm7;

/// The end of a part.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Cut {
    /// Octets of the source before the cut.
    pub(super) end: usize,
    /// Units of the part.
    pub(super) units: usize,
}

/// Something that can be cut into parts.
pub(super) trait Content {
    /// Octets of the source.
    fn length(&self) -> usize;

    /// Units of all of it.
    fn units(&self) -> usize;

    /// The longest part from `start` with at most `limit` units. Ends at `start` when not even one indivisible
    /// piece fits.
    fn cut(&self, start: usize, limit: usize) -> Cut;

    /// True when the part from `start` to `end` ends with a carriage return.
    fn ends_with_carriage_return(&self, start: usize, end: usize) -> bool;
}

/// A text in an alphabet. Never cut inside a character, so neither inside an escape pair nor a surrogate pair.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'a> {
    text: &'a str,
    alphabet: Alphabet,
    unencodable: Unencodable,
    keep_clusters: bool,
    units: usize,
}

impl<'a> Text<'a> {
    /// A text that its alphabet holds, or of which `unencodable` says what to do with the rest.
    pub(super) fn new(
        text: &'a str,
        alphabet: Alphabet,
        unencodable: Unencodable,
        keep_clusters: bool,
    ) -> Result<Self, TextError> {
        if alphabet == Alphabet::Binary {
            return Err(TextError::NoText);
        }
        let mut content = Self {
            text,
            alphabet,
            unencodable,
            keep_clusters,
            units: 0,
        };
        content.units = match alphabet.measure(text) {
            Ok(units) => units,
            Err((offset, character)) if unencodable == Unencodable::Refuse => {
                return Err(alphabet.unencodable(text, offset, character));
            }
            Err(_) => content.units_of(text),
        };
        Ok(content)
    }

    /// Units of a character, or of what stands for it.
    fn units_of_character(&self, character: char) -> usize {
        self.alphabet
            .units(character)
            .unwrap_or_else(|| match self.unencodable {
                Unencodable::Replace => self
                    .alphabet
                    .units(self.alphabet.replacement(character))
                    .unwrap_or(1),
                Unencodable::Refuse | Unencodable::Skip => 0,
            })
    }

    fn units_of(&self, text: &str) -> usize {
        text.chars()
            .map(|character| self.units_of_character(character))
            .sum()
    }

    /// The longest start of `text` with at most `limit` units.
    fn fit(&self, text: &str, limit: usize) -> Cut {
        match self.alphabet {
            Alphabet::GSM7 => {
                // Most texts start with characters of one octet and one septet each.
                let plain = gsm7::plain_prefix(text.as_bytes().get(..limit).unwrap_or(text.as_bytes()));
                fit_by(text, plain, limit, |character| self.units_of_character(character))
            }
            Alphabet::Ucs2 => fit_by(text, 0, limit, char::len_utf16),
            _ => fit_by(text, 0, limit, |character| self.units_of_character(character)),
        }
    }
}

/// As [`Text::fit`], where the first `known` octets take a unit each and fit.
#[inline]
fn fit_by(text: &str, known: usize, limit: usize, units_of: impl Fn(char) -> usize) -> Cut {
    let mut units = known;
    for (at, character) in text.get(known..).unwrap_or_default().char_indices() {
        let more = units_of(character);
        if units + more > limit {
            return Cut {
                end: known + at,
                units,
            };
        }
        units += more;
    }
    Cut {
        end: text.len(),
        units,
    }
}

impl Content for Text<'_> {
    fn length(&self) -> usize {
        self.text.len()
    }

    fn units(&self) -> usize {
        self.units
    }

    fn cut(&self, start: usize, limit: usize) -> Cut {
        let rest = self.text.get(start..).unwrap_or_default();
        let Cut { end, units } = self.fit(rest, limit);
        let boundary = if self.keep_clusters {
            cluster_boundary(rest, end)
        } else {
            end
        };
        if boundary == end {
            return Cut {
                end: start + end,
                units,
            };
        }
        Cut {
            end: start + boundary,
            units: self.units_of(rest.get(..boundary).unwrap_or_default()),
        }
    }

    fn ends_with_carriage_return(&self, start: usize, end: usize) -> bool {
        self.text.get(start..end).is_some_and(|part| part.ends_with('\r'))
    }
}

/// True for many of the characters that join no neighbour: Latin, Greek, Cyrillic letters, Chinese characters. A
/// carriage return and a line feed stand alone too: Unicode calls them one cluster, but between parts nobody sees it.
const fn stands_alone(character: char) -> bool {
    matches!(character, ..'\u{300}' | '\u{370}'..='\u{482}' | '\u{4E00}'..='\u{9FFF}')
}

/// The last boundary between grapheme clusters at or before `at`; `at` itself when there is none before.
fn cluster_boundary(text: &str, at: usize) -> usize {
    let Some((before, after)) = text.split_at_checked(at) else {
        return at;
    };
    let (before, after) = (before.chars().next_back(), after.chars().next());
    if before.is_some_and(stands_alone) && after.is_some_and(stands_alone) {
        return at;
    }
    let mut cursor = GraphemeCursor::new(at, text.len(), true);
    if cursor.is_boundary(text, 0) == Ok(true) {
        return at;
    }
    match cursor.prev_boundary(text, 0) {
        Ok(Some(boundary)) if boundary > 0 => boundary,
        _ => at,
    }
}

/// Octets that are in their alphabet already.
#[derive(Clone, Copy, Debug)]
pub(super) struct Data<'a> {
    pub(super) octets: &'a [u8],
    pub(super) alphabet: Alphabet,
}

impl Content for Data<'_> {
    fn length(&self) -> usize {
        self.octets.len()
    }

    fn units(&self) -> usize {
        self.octets.len().div_ceil(self.alphabet.unit_octets())
    }

    fn cut(&self, start: usize, limit: usize) -> Cut {
        let unit = self.alphabet.unit_octets();
        let rest = self.octets.get(start..).unwrap_or_default();
        let Some(part) = rest
            .get(..limit.saturating_mul(unit))
            .filter(|part| part.len() < rest.len())
        else {
            return Cut {
                end: self.octets.len(),
                units: rest.len().div_ceil(unit),
            };
        };
        let divided = match self.alphabet {
            // An odd number of escapes at the end: the last one belongs to what follows.
            Alphabet::Gsm7(_) => {
                part.iter()
                    .rev()
                    .take_while(|octet| **octet == gsm7::ESCAPE)
                    .count()
                    % 2
                    == 1
            }
            Alphabet::Ucs2 => {
                let last = part.last_chunk::<2>().map_or(0, |unit| u16::from_be_bytes(*unit));
                (0xD800..0xDC00).contains(&last)
            }
            _ => false,
        };
        let units = limit - usize::from(divided && limit > 1);
        Cut {
            end: start + units * unit,
            units,
        }
    }

    fn ends_with_carriage_return(&self, start: usize, end: usize) -> bool {
        self.octets
            .get(start..end)
            .is_some_and(|part| part.ends_with(b"\r"))
    }
}
