//! Where the sequence numbers of our requests come from.

use crate::pdu::SequenceNumber;

/// Gives each request of a session its sequence number (3.4 section 5.1.4).
///
/// The session skips a number that is still in flight, so a generator may repeat itself. One that must not
/// repeat a number after a restart of the process keeps its last number in a file or a database.
pub trait SequenceGenerator: Send {
    /// The next number, from 1 to 0x7FFFFFFF; others are moved into that range.
    fn next_sequence(&mut self) -> SequenceNumber;
}

/// Counts from a first number to 0x7FFFFFFF and then goes on with 1.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WrappingSequence {
    next: SequenceNumber,
}

impl WrappingSequence {
    /// Starts with `first`; a number outside 1 to 0x7FFFFFFF becomes 1.
    #[must_use]
    pub const fn starting_at(first: SequenceNumber) -> Self {
        Self {
            next: if first.is_conformant() {
                first
            } else {
                SequenceNumber::FIRST
            },
        }
    }
}

impl Default for WrappingSequence {
    fn default() -> Self {
        Self::starting_at(SequenceNumber::FIRST)
    }
}

impl SequenceGenerator for WrappingSequence {
    #[inline]
    fn next_sequence(&mut self) -> SequenceNumber {
        let number = self.next;
        self.next = number.next();
        number
    }
}

/// The numbers of one session: counted, as nearly all are, or from somebody else.
pub enum Sequence {
    /// Counts.
    Counted(WrappingSequence),
    /// Asks.
    Asked(Box<dyn SequenceGenerator>),
}

impl Sequence {
    #[inline]
    pub(super) fn next(&mut self) -> SequenceNumber {
        match self {
            Self::Counted(numbers) => numbers.next_sequence(),
            Self::Asked(numbers) => numbers.next_sequence(),
        }
    }
}

impl From<WrappingSequence> for Sequence {
    fn from(numbers: WrappingSequence) -> Self {
        Self::Counted(numbers)
    }
}

impl From<Box<dyn SequenceGenerator>> for Sequence {
    fn from(numbers: Box<dyn SequenceGenerator>) -> Self {
        Self::Asked(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_start_at_one_and_wrap_to_one() {
        let mut fresh = WrappingSequence::default();
        assert_eq!(
            [fresh.next_sequence(), fresh.next_sequence()].map(SequenceNumber::value),
            [1, 2]
        );
        let mut old = WrappingSequence::starting_at(SequenceNumber::new(0x7FFF_FFFF));
        assert_eq!(
            [old.next_sequence(), old.next_sequence()].map(SequenceNumber::value),
            [0x7FFF_FFFF, 1]
        );
        let mut odd = WrappingSequence::starting_at(SequenceNumber::ZERO);
        assert_eq!(odd.next_sequence(), SequenceNumber::FIRST);
    }
}
