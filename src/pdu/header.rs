//! The sixteen octets in front of every PDU, and how a stream is cut into frames.

use std::fmt;

use super::{CommandId, CommandStatus};

/// The number that pairs a response with its request (3.4 section 5.1.4).
///
/// Ours run from [`SequenceNumber::FIRST`] to [`SequenceNumber::MAX`]; whatever a peer uses is kept and
/// echoed.
#[derive(Clone, Copy, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SequenceNumber(u32);

impl SequenceNumber {
    /// Stands in a generic_nack for a PDU whose header could not be used.
    pub const ZERO: Self = Self(0);
    /// The first number of a session.
    pub const FIRST: Self = Self(1);
    /// The last number, after which comes [`SequenceNumber::FIRST`].
    pub const MAX: Self = Self(0x7FFF_FFFF);

    /// Wraps a value of the wire.
    #[must_use]
    pub const fn new(value: u32) -> Self {
        Self(value)
    }

    /// The value on the wire.
    #[must_use]
    pub const fn value(self) -> u32 {
        self.0
    }

    /// The number after this one, within 1 to 0x7FFFFFFF.
    #[must_use]
    pub const fn next(self) -> Self {
        if self.0 >= Self::MAX.0 {
            Self::FIRST
        } else {
            Self(self.0 + 1)
        }
    }

    /// True for the numbers that the standard allows in requests.
    #[must_use]
    pub const fn is_conformant(self) -> bool {
        const FIRST: u32 = SequenceNumber::FIRST.0;
        const MAX: u32 = SequenceNumber::MAX.0;
        matches!(self.0, FIRST..=MAX)
    }
}

impl From<u32> for SequenceNumber {
    fn from(value: u32) -> Self {
        Self(value)
    }
}

impl From<SequenceNumber> for u32 {
    fn from(value: SequenceNumber) -> Self {
        value.0
    }
}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The header of a PDU (3.4 section 5.1).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Header {
    /// Octets of the whole PDU, these four included.
    pub command_length: u32,
    /// Which PDU this is.
    pub command_id: CommandId,
    /// The result in responses, zero in requests.
    pub command_status: CommandStatus,
    /// Pairs a response with its request.
    pub sequence_number: SequenceNumber,
}

impl Header {
    /// Octets of a header.
    pub const LENGTH: usize = 16;

    /// Reads the four fields; nothing about them is checked.
    #[must_use]
    pub const fn parse(octets: &[u8; Self::LENGTH]) -> Self {
        let [l0, l1, l2, l3, i0, i1, i2, i3, s0, s1, s2, s3, n0, n1, n2, n3] = *octets;
        Self {
            command_length: u32::from_be_bytes([l0, l1, l2, l3]),
            command_id: CommandId::new(u32::from_be_bytes([i0, i1, i2, i3])),
            command_status: CommandStatus::new(u32::from_be_bytes([s0, s1, s2, s3])),
            sequence_number: SequenceNumber::new(u32::from_be_bytes([n0, n1, n2, n3])),
        }
    }

    /// The header at the start of `buffer`, if that holds all of it.
    #[must_use]
    pub fn peek(buffer: &[u8]) -> Option<Self> {
        buffer.first_chunk().map(Self::parse)
    }

    /// The octets of the header.
    #[must_use]
    pub const fn to_octets(self) -> [u8; Self::LENGTH] {
        let [l0, l1, l2, l3] = self.command_length.to_be_bytes();
        let [i0, i1, i2, i3] = self.command_id.value().to_be_bytes();
        let [s0, s1, s2, s3] = self.command_status.value().to_be_bytes();
        let [n0, n1, n2, n3] = self.sequence_number.value().to_be_bytes();
        [l0, l1, l2, l3, i0, i1, i2, i3, s0, s1, s2, s3, n0, n1, n2, n3]
    }
}

/// A `command_length` that cannot be trusted: from here on the stream cannot be cut into frames.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FramingError {
    /// Less than a header.
    #[error("command_length {command_length} is less than the 16 octets of a header")]
    TooShort {
        /// What the peer announced.
        command_length: u32,
    },
    /// More than the limit of this side.
    #[error("command_length {command_length} is over the limit of {max} octets")]
    TooLong {
        /// What the peer announced.
        command_length: u32,
        /// The limit.
        max: usize,
    },
}

impl FramingError {
    /// The status of the generic_nack that goes out before the connection is closed.
    #[must_use]
    pub const fn answer_status(self) -> CommandStatus {
        CommandStatus::ESME_RINVCMDLEN
    }
}

/// The largest frame of a command that we do not know, in octets. Where framing is lost the next octets say a command
/// that nobody knows more often than not, so less is waited for.
const UNKNOWN_MAX_COMMAND_LENGTH: usize = 65_536;

/// The length of the whole frame at the start of `buffer`, or none while octets are missing.
///
/// Nothing is allocated or kept; call it again when more octets have come. The length is judged when all
/// sixteen octets of the header are there, so that the answer to a bad one can carry its sequence number.
///
/// # Errors
///
/// A `command_length` under 16 or over `max_command_length`; for an unknown command also one over 65,536.
pub fn frame_length(buffer: &[u8], max_command_length: usize) -> Result<Option<usize>, FramingError> {
    let Some(header) = Header::peek(buffer) else {
        return Ok(None);
    };
    let command_length = header.command_length;
    let length = usize::try_from(command_length).unwrap_or(usize::MAX);
    if length < Header::LENGTH {
        return Err(FramingError::TooShort { command_length });
    }
    let max = if length <= UNKNOWN_MAX_COMMAND_LENGTH || header.command_id.is_known() {
        max_command_length
    } else {
        max_command_length.min(UNKNOWN_MAX_COMMAND_LENGTH)
    };
    if length > max {
        return Err(FramingError::TooLong { command_length, max });
    }
    Ok((buffer.len() >= length).then_some(length))
}
