//! The user data header in front of a text (3GPP TS 23.040 section 9.2.3.24).
//!
//! One octet says how many follow; then come elements of one octet identifier, one octet length, and data.

use super::gsm7::{Language, Tables};

/// How wide the reference number of a concatenated message is, and where it stands. Numbers of different width
/// belong to different messages.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ReferenceWidth {
    /// Eight bits, element 00 of the user data header.
    Eight,
    /// Sixteen bits, element 08 of the user data header.
    Sixteen,
    /// The three `sar_` TLVs.
    Sar,
}

/// Which part of which concatenated message this is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PartInfo {
    /// The same in all parts of a message.
    pub reference: u16,
    /// How many parts the message has, from 1.
    pub total: u8,
    /// Which of them this is, from 1.
    pub sequence: u8,
    /// Where the numbers stand.
    pub width: ReferenceWidth,
}

impl PartInfo {
    /// The numbers, where they make sense: nothing is 0 and the sequence is not above the total.
    #[must_use]
    pub fn checked(reference: u16, total: u8, sequence: u8, width: ReferenceWidth) -> Option<Self> {
        (1..=total).contains(&sequence).then_some(Self {
            reference,
            total,
            sequence,
            width,
        })
    }
}

/// Application ports.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Ports {
    /// Where the message goes.
    pub destination: u16,
    /// Where it comes from.
    pub source: u16,
    /// Sixteen bits each (element 05), else eight (element 04).
    pub wide: bool,
}

/// An element of a header. Unknown ones, and known ones of the wrong length, are [`Element::Other`].
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Element<'a> {
    /// 00 and 08: part of a concatenated message. Numbers that make no sense are kept as [`Element::Other`].
    Part(PartInfo),
    /// 04 and 05: application ports.
    Ports(Ports),
    /// 24: national language single shift; the number of the language.
    SingleShift(u8),
    /// 25: national language locking shift; the number of the language.
    LockingShift(u8),
    /// Anything else.
    Other {
        /// The identifier.
        id: u8,
        /// The data, at most 255 octets.
        data: &'a [u8],
    },
}

impl<'a> Element<'a> {
    fn read(id: u8, data: &'a [u8]) -> Self {
        let known = match (id, data) {
            (0x00, &[reference, total, sequence]) => {
                PartInfo::checked(u16::from(reference), total, sequence, ReferenceWidth::Eight)
                    .map(Self::Part)
            }
            (0x08, &[high, low, total, sequence]) => {
                let reference = u16::from_be_bytes([high, low]);
                PartInfo::checked(reference, total, sequence, ReferenceWidth::Sixteen).map(Self::Part)
            }
            (0x04, &[destination, source]) => Some(Self::Ports(Ports {
                destination: u16::from(destination),
                source: u16::from(source),
                wide: false,
            })),
            (0x05, &[d1, d0, s1, s0]) => Some(Self::Ports(Ports {
                destination: u16::from_be_bytes([d1, d0]),
                source: u16::from_be_bytes([s1, s0]),
                wide: true,
            })),
            (0x24, &[language]) => Some(Self::SingleShift(language)),
            (0x25, &[language]) => Some(Self::LockingShift(language)),
            _ => None,
        };
        known.unwrap_or(Self::Other { id, data })
    }

    /// Appends identifier, length and data. Narrow numbers are cut to their low octet, data to 255 octets.
    pub fn write(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Part(PartInfo {
                reference,
                total,
                sequence,
                width,
            }) => {
                let [high, low] = reference.to_be_bytes();
                match width {
                    ReferenceWidth::Eight => out.extend_from_slice(&[0x00, 3, low, total, sequence]),
                    ReferenceWidth::Sixteen | ReferenceWidth::Sar => {
                        out.extend_from_slice(&[0x08, 4, high, low, total, sequence]);
                    }
                }
            }
            Self::Ports(Ports {
                destination,
                source,
                wide,
            }) => {
                let ([d1, d0], [s1, s0]) = (destination.to_be_bytes(), source.to_be_bytes());
                match wide {
                    true => out.extend_from_slice(&[0x05, 4, d1, d0, s1, s0]),
                    false => out.extend_from_slice(&[0x04, 2, d0, s0]),
                }
            }
            Self::SingleShift(language) => out.extend_from_slice(&[0x24, 1, language]),
            Self::LockingShift(language) => out.extend_from_slice(&[0x25, 1, language]),
            Self::Other { id, data } => {
                let length = u8::try_from(data.len()).unwrap_or(u8::MAX);
                out.extend_from_slice(&[id, length]);
                out.extend_from_slice(data.get(..usize::from(length)).unwrap_or_default());
            }
        }
    }
}

/// Why octets do not start with a user data header.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum UdhError {
    /// There are no octets at all.
    #[error("no octets for a user data header")]
    Missing,
    /// The header claims more octets than there are.
    #[error("a user data header of {length} octets in {available}")]
    HeaderTooLong {
        /// What it claims.
        length: usize,
        /// What there is.
        available: usize,
    },
    /// An element claims more octets than the header has left.
    #[error("element {id:#04x} of {length} octets where {available} are left")]
    ElementTooLong {
        /// The identifier.
        id: u8,
        /// What it claims.
        length: usize,
        /// What is left.
        available: usize,
    },
    /// An identifier without a length.
    #[error("element {id:#04x} without a length")]
    ElementWithoutLength {
        /// The identifier.
        id: u8,
    },
}

/// A user data header in place.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Udh<'a> {
    elements: &'a [u8],
}

impl<'a> Udh<'a> {
    /// Takes the header off: it and what follows.
    ///
    /// # Errors
    ///
    /// The header does not fit the octets, or its elements do not fit the header. Then the octets are best
    /// delivered as they are; [`Udh::readable`] has the elements before the damage.
    pub fn split(user_data: &'a [u8]) -> Result<(Self, &'a [u8]), UdhError> {
        let (length, rest) = user_data.split_first().ok_or(UdhError::Missing)?;
        let length = usize::from(*length);
        let (elements, rest) = rest.split_at_checked(length).ok_or(UdhError::HeaderTooLong {
            length,
            available: rest.len(),
        })?;
        let mut check = Elements {
            rest: elements,
            fault: None,
        };
        check.by_ref().for_each(drop);
        match check.fault {
            None => Ok((Self { elements }, rest)),
            Some(fault) => Err(fault),
        }
    }

    /// What can be read of a header that [`Udh::split`] refuses.
    #[must_use]
    pub fn readable(user_data: &'a [u8]) -> Self {
        match user_data.split_first() {
            Some((length, rest)) => Self {
                elements: rest.get(..usize::from(*length)).unwrap_or(rest),
            },
            None => Self::default(),
        }
    }

    /// Octets of the header with its length octet; 1 for a header without elements.
    #[must_use]
    pub const fn octets(&self) -> usize {
        1 + self.elements.len()
    }

    /// The elements with identifier and data as they came.
    #[must_use]
    pub const fn raw_elements(&self) -> Elements<'a> {
        Elements {
            rest: self.elements,
            fault: None,
        }
    }

    /// The elements.
    pub fn elements(&self) -> impl Iterator<Item = Element<'a>> + use<'a> {
        self.raw_elements().map(|(id, data)| Element::read(id, data))
    }

    /// The concatenation element; the last one counts, whatever its width.
    #[must_use]
    pub fn part(&self) -> Option<PartInfo> {
        self.elements()
            .filter_map(|element| {
                if let Element::Part(part) = element {
                    Some(part)
                } else {
                    None
                }
            })
            .last()
    }

    /// The ports; the last element counts.
    #[must_use]
    pub fn ports(&self) -> Option<Ports> {
        self.elements()
            .filter_map(|element| {
                if let Element::Ports(ports) = element {
                    Some(ports)
                } else {
                    None
                }
            })
            .last()
    }

    /// The tables for GSM 7-bit text; elements with a reserved language number do not count.
    #[must_use]
    pub fn tables(&self) -> Tables {
        let mut tables = Tables::DEFAULT;
        for element in self.elements() {
            match element {
                Element::SingleShift(number) => {
                    tables.single = Language::from_number(number).or(tables.single)
                }
                Element::LockingShift(number) => {
                    tables.locking = Language::from_number(number).or(tables.locking)
                }
                _ => {}
            }
        }
        tables.normalised()
    }
}

/// Identifiers and data of a header's elements; ends before the first that is damaged.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    rest: &'a [u8],
    fault: Option<UdhError>,
}

impl Elements<'_> {
    /// The damage that ended the iteration.
    #[must_use]
    pub const fn fault(&self) -> Option<UdhError> {
        self.fault
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&id, rest) = self.rest.split_first()?;
        self.rest = &[];
        let Some((&length, rest)) = rest.split_first() else {
            self.fault = Some(UdhError::ElementWithoutLength { id });
            return None;
        };
        let length = usize::from(length);
        let Some((data, rest)) = rest.split_at_checked(length) else {
            self.fault = Some(UdhError::ElementTooLong {
                id,
                length,
                available: rest.len(),
            });
            return None;
        };
        self.rest = rest;
        Some((id, data))
    }
}
