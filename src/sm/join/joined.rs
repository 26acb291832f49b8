//! A message made of its parts.

use crate::pdu::DataCoding;
use crate::sm::alphabet::{Alphabet, Reading};
use crate::sm::content::Content;
use crate::sm::error::{TextFaultKind, TextFaults};
use crate::sm::gsm7::Tables;

/// One part: its octets without the header, and what they need to be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredPart<T> {
    /// The octets without the header; packed septets are unpacked, one in each octet.
    pub octets: Box<[u8]>,
    /// Its data_coding.
    pub data_coding: DataCoding,
    /// How the octets are to be read.
    pub reading: Option<Reading>,
    /// National tables that its header announced.
    pub tables: Tables,
    /// What the caller handed in with it.
    pub token: T,
}

impl<T> StoredPart<T> {
    /// Keeps the content of a message.
    pub fn new(content: &Content<'_>, data_coding: DataCoding, token: T) -> Self {
        Self {
            octets: content.units().into(),
            data_coding,
            reading: content.reading,
            tables: content.tables(),
            token,
        }
    }

    fn reads_like<U>(&self, other: &StoredPart<U>) -> bool {
        (self.reading, self.tables) == (other.reading, other.tables)
    }
}

/// A message put together, whole or with gaps.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Joined<T> {
    /// By sequence; none where a part has not come.
    pub parts: Vec<Option<StoredPart<T>>>,
}

impl<T> Joined<T> {
    pub(super) fn new(parts: Vec<Option<StoredPart<T>>>) -> Self {
        Self { parts }
    }

    /// A message of one part.
    #[must_use]
    pub fn single(part: StoredPart<T>) -> Self {
        Self {
            parts: vec![Some(part)],
        }
    }

    /// True when every part is there.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.parts.iter().all(Option::is_some)
    }

    /// The sequence numbers of the parts that have not come.
    pub fn missing(&self) -> impl Iterator<Item = usize> {
        (1..)
            .zip(&self.parts)
            .filter(|(_, part)| part.is_none())
            .map(|(sequence, _)| sequence)
    }

    /// The parts that are there, in order.
    pub fn present(&self) -> impl Iterator<Item = &StoredPart<T>> {
        self.parts.iter().flatten()
    }

    /// The data_coding of the first part that is there.
    #[must_use]
    pub fn data_coding(&self) -> Option<DataCoding> {
        self.present().next().map(|part| part.data_coding)
    }

    /// The octets of the parts that are there, one after another.
    #[must_use]
    pub fn octets(&self) -> Vec<u8> {
        self.present()
            .flat_map(|part| part.octets.iter().copied())
            .collect()
    }

    /// The text of the parts that are there, and what was wrong.
    ///
    /// Neighbours that are in the same alphabet are read together, which heals escape and surrogate pairs that a
    /// careless sender has cut.
    #[must_use]
    pub fn text(&self) -> (String, TextFaults) {
        let (mut text, mut faults, mut before) = (String::new(), TextFaults::default(), 0);
        for run in self.parts.chunk_by(|left, right| match (left, right) {
            (Some(left), Some(right)) => left.reads_like(right),
            _ => false,
        }) {
            let Some(Some(first)) = run.first() else { continue };
            let units: Vec<u8> = run
                .iter()
                .flatten()
                .flat_map(|part| part.octets.iter().copied())
                .collect();
            let more = match first.reading {
                Some(Reading {
                    alphabet: Alphabet::Binary,
                    ..
                })
                | None => TextFaults::of(0, TextFaultKind::NoText),
                Some(reading) => reading.decode(&units, first.tables, &mut text),
            };
            faults.note_all(more, before);
            before += units.len();
        }
        (text, faults)
    }
}
