//! How many parts a message takes and where they end; then the octets of each.

use std::ops::Range;

use bytes::Bytes;

use super::alphabet::{Alphabet, DefaultAlphabet};
use super::cut::{Content, Cut};
use super::error::TextError;
use super::gsm7::{self, Padding, Tables};
use super::split::{Concatenation, MAX_PARTS, PAYLOAD_OCTETS, Part, SplitOptions};
use super::udh::{Element, PartInfo, ReferenceWidth};

/// The parts of a message before their octets are written.
#[derive(Clone, Debug)]
pub(super) struct Plan<'o> {
    options: &'o SplitOptions,
    /// The alphabet of the content.
    pub(super) alphabet: Alphabet,
    /// Septets are packed.
    pub(super) packed: bool,
    /// How the parts are numbered, if they are.
    numbering: Option<ReferenceWidth>,
    /// Octets of the user data header in each part, with its length octet; 0 for none.
    header: usize,
    /// Goes into a message_payload.
    pub(super) payload: bool,
    /// Units that a part can hold.
    pub(super) per_part: usize,
    cuts: Vec<Cut>,
}

impl<'o> Plan<'o> {
    /// Cuts `content`, which is in `alphabet`.
    pub(super) fn new(
        content: &impl Content,
        alphabet: Alphabet,
        options: &'o SplitOptions,
    ) -> Result<Self, TextError> {
        let packed =
            options.default_alphabet == DefaultAlphabet::GsmPacked && matches!(alphabet, Alphabet::Gsm7(_));
        let mut plan = Self {
            options,
            alphabet,
            packed,
            numbering: None,
            header: 0,
            payload: false,
            per_part: 0,
            cuts: Vec::new(),
        };
        // One part, if it fits.
        if !options.number_single {
            plan.number(None)?;
            let cut = plan.cut(content, 0);
            if cut.end == content.length() {
                plan.cuts.push(cut);
                return Ok(plan);
            }
        }
        let width = match options.concatenation {
            Concatenation::Udh8 => ReferenceWidth::Eight,
            Concatenation::Udh16 => ReferenceWidth::Sixteen,
            Concatenation::Sar if plan.elements() == 0 => ReferenceWidth::Sar,
            Concatenation::Sar => ReferenceWidth::Sixteen,
            Concatenation::Payload => {
                plan.number(None)?;
                let whole = plan.whole(content)?;
                plan.cuts.push(whole);
                return Ok(plan);
            }
        };
        plan.number(Some(width))?;
        plan.cut_all(content)?;
        Ok(plan)
    }

    /// How many parts there are.
    pub(super) fn parts(&self) -> usize {
        self.cuts.len()
    }

    /// Octets of all parts together, headers included.
    pub(super) fn octets(&self) -> usize {
        let units: usize = self.cuts.iter().map(|cut| cut.units).sum();
        units * self.alphabet.unit_octets() + self.cuts.len() * self.header
    }

    /// Units of each part.
    pub(super) fn units(&self) -> impl Iterator<Item = usize> {
        self.cuts.iter().map(|cut| cut.units)
    }

    /// Units that the last part has room for.
    pub(super) fn remaining(&self) -> usize {
        self.per_part
            .saturating_sub(self.units().last().unwrap_or_default())
    }

    /// True when the parts start with a user data header.
    pub(super) const fn has_header(&self) -> bool {
        self.header > 0
    }

    /// Writes the parts: their headers, and after each what `write` appends for a range of the source behind a
    /// header of so many octets.
    pub(super) fn assemble(
        &mut self,
        reference: u16,
        mut write: impl FnMut(Range<usize>, usize, &mut Vec<u8>) -> Result<(), TextError>,
    ) -> Result<Vec<Part>, TextError> {
        let mut buffer = Vec::with_capacity(self.octets());
        let mut cuts = std::mem::take(&mut self.cuts);
        let mut parts = Vec::with_capacity(cuts.len());
        let total = u8::try_from(cuts.len()).unwrap_or(u8::MAX);
        let mut start = 0;
        for (sequence, cut) in (1..=total).zip(&mut cuts) {
            let info = self.numbering.map(|width| PartInfo {
                reference: if width == ReferenceWidth::Eight {
                    reference & 0xFF
                } else {
                    reference
                },
                total,
                sequence,
                width,
            });
            let written = buffer.len();
            self.write_header(info, &mut buffer);
            write(start..cut.end, self.header, &mut buffer)?;
            parts.push(Part {
                octets: Bytes::new(),
                header: self.header,
                units: cut.units,
                info,
                source: start..cut.end,
            });
            start = cut.end;
            // From here on it counts octets written.
            cut.end = buffer.len() - written;
        }
        let mut rest = Bytes::from(buffer);
        for (part, cut) in parts.iter_mut().zip(&cuts) {
            part.octets = rest.split_to(cut.end.min(rest.len()));
        }
        Ok(parts)
    }

    fn write_header(&self, info: Option<PartInfo>, out: &mut Vec<u8>) {
        if self.header == 0 {
            return;
        }
        out.push(u8::try_from(self.header - 1).unwrap_or(u8::MAX));
        if let Some(info) = info {
            Element::Part(info).write(out);
        }
        let Tables { locking, single } = self.tables();
        if let Some(language) = locking {
            Element::LockingShift(language.number()).write(out);
        }
        if let Some(language) = single {
            Element::SingleShift(language.number()).write(out);
        }
        out.extend_from_slice(&self.options.elements);
    }

    fn tables(&self) -> Tables {
        match self.alphabet {
            Alphabet::Gsm7(tables) => tables.normalised(),
            _ => Tables::DEFAULT,
        }
    }

    /// Octets of the elements that every part carries beside its number.
    fn elements(&self) -> usize {
        self.options.elements.len() + self.tables().header_octets()
    }

    /// Sets header and capacity for parts that are numbered so.
    fn number(&mut self, numbering: Option<ReferenceWidth>) -> Result<(), TextError> {
        let number = match numbering {
            None | Some(ReferenceWidth::Sar) => 0,
            Some(ReferenceWidth::Eight) => 5,
            Some(ReferenceWidth::Sixteen) => 6,
        };
        let octets = self.elements() + number;
        if octets > usize::from(u8::MAX) {
            return Err(TextError::HeaderTooLong { octets });
        }
        self.numbering = numbering;
        self.header = if octets == 0 { 0 } else { 1 + octets };
        // The message centre adds a header of six octets to parts with sar_ TLVs.
        let reserved = if numbering == Some(ReferenceWidth::Sar) {
            6
        } else {
            self.header
        };
        let room = self.options.max_octets.saturating_sub(reserved);
        self.per_part = match self.alphabet {
            Alphabet::Gsm7(_) => gsm7::packed_septets(room, gsm7::fill_bits(reserved)),
            other => room / other.unit_octets(),
        };
        Ok(())
    }

    fn cut(&self, content: &impl Content, start: usize) -> Cut {
        let cut = match start {
            0 if content.units() <= self.per_part => Cut {
                end: content.length(),
                units: content.units(),
            },
            _ => content.cut(start, self.per_part),
        };
        // A full part whose last septet is a carriage return on the octet boundary would need one more octet.
        let full =
            self.packed && self.options.padding == Padding::CarriageReturn && cut.units == self.per_part;
        if full
            && (cut.units * 7 + gsm7::fill_bits(self.header)).is_multiple_of(8)
            && content.ends_with_carriage_return(start, cut.end)
        {
            return content.cut(start, self.per_part.saturating_sub(1));
        }
        cut
    }

    fn cut_all(&mut self, content: &impl Content) -> Result<(), TextError> {
        let (mut start, mut parts) = (0, 0);
        let about = content.units() / self.per_part.max(1) + 1;
        self.cuts.reserve_exact(about.min(MAX_PARTS));
        loop {
            let cut = self.cut(content, start);
            if cut.end == start && cut.end < content.length() {
                return Err(TextError::NoRoom {
                    header: self.header,
                    limit: self.options.max_octets,
                });
            }
            parts += 1;
            if parts <= MAX_PARTS {
                self.cuts.push(cut);
            }
            start = cut.end;
            if start >= content.length() {
                break;
            }
        }
        if parts > MAX_PARTS {
            Err(TextError::TooManyParts { parts })
        } else {
            Ok(())
        }
    }

    /// Everything in one message_payload.
    fn whole(&mut self, content: &impl Content) -> Result<Cut, TextError> {
        let cut = Cut {
            end: content.length(),
            units: content.units(),
        };
        let octets = self.header
            + match self.packed {
                true => gsm7::packed_octets(cut.units, gsm7::fill_bits(self.header)) + 1,
                false => cut.units * self.alphabet.unit_octets(),
            };
        if octets > PAYLOAD_OCTETS {
            return Err(TextError::TooLong { octets });
        }
        self.payload = true;
        self.per_part = cut.units;
        Ok(cut)
    }
}
