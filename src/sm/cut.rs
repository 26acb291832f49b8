//! Where a text or data may be cut.

use unicode_segmentation::GraphemeCursor;

use super::alphabet::Alphabet;
use super::error::Unencodable;
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

    /// The longest part from `start` with at most `limit` units. Ends at `start` when not even one indivisible
    /// piece fits.
    fn cut(&self, start: usize, limit: usize) -> Cut;

    /// True when the part from `start` to `end` ends with a carriage return.
    fn ends_with_carriage_return(&self, start: usize, end: usize) -> bool;
}

/// A text in an alphabet. Never cut inside a character, so neither inside an escape pair nor a surrogate pair.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'a> {
    pub(super) text: &'a str,
    pub(super) alphabet: Alphabet,
    pub(super) unencodable: Unencodable,
    pub(super) keep_clusters: bool,
}

impl Text<'_> {
    /// Units of a character, or of what stands for it.
    fn units(&self, character: char) -> usize {
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
        text.chars().map(|character| self.units(character)).sum()
    }
}

impl Content for Text<'_> {
    fn length(&self) -> usize {
        self.text.len()
    }

    fn cut(&self, start: usize, limit: usize) -> Cut {
        let rest = self.text.get(start..).unwrap_or_default();
        let mut units = 0;
        for (at, character) in rest.char_indices() {
            let more = self.units(character);
            if units + more <= limit {
                units += more;
                continue;
            }
            let cluster = if self.keep_clusters {
                cluster_boundary(rest, at)
            } else {
                at
            };
            if cluster == at {
                return Cut {
                    end: start + at,
                    units,
                };
            }
            let units = self.units_of(rest.get(..cluster).unwrap_or_default());
            return Cut {
                end: start + cluster,
                units,
            };
        }
        Cut {
            end: self.text.len(),
            units,
        }
    }

    fn ends_with_carriage_return(&self, start: usize, end: usize) -> bool {
        self.text.get(start..end).is_some_and(|part| part.ends_with('\r'))
    }
}

/// The last boundary between grapheme clusters at or before `at`; `at` itself when there is none before.
fn cluster_boundary(text: &str, at: usize) -> usize {
    let Some((before, after)) = text.split_at_checked(at) else {
        return at;
    };
    let (before, after) = (before.chars().next_back(), after.chars().next());
    // Below U+0300 nothing joins its neighbour, except a line feed its carriage return.
    if let (Some(before @ ..'\u{300}'), Some(after @ ..'\u{300}')) = (before, after)
        && (before, after) != ('\r', '\n')
    {
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
