//! The ids of a message, in as little room as can be.

use std::num::NonZeroU8;

use smallvec::smallvec;

use super::PartStates;
use crate::pdu::padded;

/// The ids of the parts, and their states if there are several.
#[derive(Clone, Debug)]
pub(super) enum Ids {
    /// Of one part, with at most one id; an empty one is none.
    One(Id),
    Many(Box<Many>),
}

#[derive(Clone, Debug)]
pub(super) struct Many {
    pub(super) states: PartStates,
    pub(super) ids: Vec<PartId>,
}

/// The id of a part, with the part that it belongs to. A part that was sent twice has two.
pub(super) type PartId = (usize, Box<[u8]>);

/// A message id, normalised, of a usual length.
#[derive(Clone, Debug)]
pub(super) struct Id {
    octets: [u8; Self::MOST],
    /// One more than there are octets.
    end: NonZeroU8,
}

impl Id {
    const MOST: usize = 23;

    pub(super) const NONE: Self = Self {
        octets: [0; Self::MOST],
        end: NonZeroU8::MIN,
    };

    /// None for one that is too long.
    #[inline]
    pub(super) fn new(id: &[u8]) -> Option<Self> {
        if id.len() > Self::MOST {
            return None;
        }
        let words = padded(id).map(u64::to_le_bytes);
        Some(Self {
            octets: *words.as_flattened().first_chunk()?,
            end: NonZeroU8::MIN.saturating_add(id.len() as u8),
        })
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        let length = usize::from(self.end.get() - 1);
        self.octets.get(..length).unwrap_or_default()
    }
}

impl Ids {
    /// Those of a message in one part.
    #[inline]
    pub(super) fn single(id: &[u8]) -> Self {
        match Id::new(id) {
            Some(id) => Self::One(id),
            None => Self::One(Id::NONE).widened(smallvec![None], Some((0, id))),
        }
    }

    /// With these states, and with one more id.
    pub(super) fn widened(&self, states: PartStates, more: Option<(usize, &[u8])>) -> Self {
        let ids = self.iter().chain(more).map(|(part, id)| (part, id.into()));
        Self::Many(Box::new(Many {
            states,
            ids: ids.collect(),
        }))
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (usize, &[u8])> {
        let (one, many): (_, &[PartId]) = match self {
            Self::One(id) => (Some((0, id.as_bytes())).filter(|(_, id)| !id.is_empty()), &[]),
            Self::Many(many) => (None, &many.ids),
        };
        one.into_iter()
            .chain(many.iter().map(|(part, id)| (*part, &**id)))
    }

    /// The only one.
    #[inline]
    pub(super) fn only(&self) -> Option<&[u8]> {
        match self {
            Self::One(id) => Some(id.as_bytes()).filter(|id| !id.is_empty()),
            Self::Many(_) => None,
        }
    }

    pub(super) fn has(&self, id: &[u8]) -> bool {
        self.iter().any(|(_, other)| other == id)
    }
}
