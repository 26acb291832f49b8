//! What a session tells its owner.

use std::time::Instant;

use super::Inbound;
use crate::pdu::{
    CommandStatus, DecodeError, Faults, FramingError, Header, InterfaceVersion, PduView, SequenceNumber,
};

/// Something happened. What borrows from a frame is gone with the frame.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event<'f, T> {
    /// Our bind was accepted, or we accepted the peer's.
    Bound {
        /// sc_interface_version of the peer; many leave it out, and that means nothing.
        version: Option<InterfaceVersion>,
    },
    /// Our bind was refused.
    BindRefused {
        /// Why.
        status: CommandStatus,
    },
    /// A request of ours was answered.
    Answered {
        /// Its owner's token.
        token: T,
        /// Its number.
        sequence: SequenceNumber,
        /// How it ended.
        status: CommandStatus,
        /// What came.
        response: Response<'f>,
        /// When it was encoded.
        sent: Instant,
    },
    /// A request of ours ended without an answer.
    Unresolved {
        /// Its owner's token.
        token: T,
        /// Its number.
        sequence: SequenceNumber,
        /// When it was encoded.
        sent: Instant,
        /// What is known.
        cause: Unresolved,
    },
    /// The answer to a request that had been given up as [`Unresolved::ResponseExpired`].
    Late {
        /// Its number.
        sequence: SequenceNumber,
        /// How it ended after all.
        status: CommandStatus,
        /// What came.
        response: Response<'f>,
        /// When the request was encoded.
        sent: Instant,
    },
    /// The peer wants an answer: give it with [`Session::respond`](super::Session::respond).
    Request {
        /// The key for the answer.
        inbound: Inbound,
        /// Its header.
        header: Header,
        /// Its body.
        body: PduView<'f>,
        /// What decoding put up with.
        faults: Faults,
    },
    /// The peer said something that wants no answer: alert_notification or outbind.
    Notice {
        /// Its header.
        header: Header,
        /// Its body.
        body: PduView<'f>,
        /// What decoding put up with.
        faults: Faults,
    },
    /// A PDU could not be read. A request was answered, a response completed its request.
    Unreadable {
        /// Its header.
        header: Header,
        /// What is wrong, and where.
        error: DecodeError,
    },
    /// The peer did what the protocol does not allow; it was answered as the protocol says, and counted.
    Violation {
        /// The header of the PDU.
        header: Header,
        /// What it was.
        violation: Violation,
    },
    /// The rate was decreased because the peer throttled.
    Throttled {
        /// The rate from now on, in PDUs per second.
        rate: f64,
    },
    /// The peer wants to end the session: no request goes out any more, answers still count.
    PeerUnbinds,
    /// Our unbind was answered.
    Unbound,
}

/// A place at which a PDU passes.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Passage {
    /// It came from the peer, and the session knows what it means; nothing that answers it was written yet.
    Received,
    /// It is encoded and about to be written.
    Sending,
    /// Its last octet has left the process.
    Sent,
}

/// The body of a response.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Response<'f> {
    /// The response that belongs to the request.
    Pdu(PduView<'f>),
    /// generic_nack: the peer refused the PDU as such.
    Nack,
    /// The response was there and its body could not be read; the status of its header counts.
    Unreadable(DecodeError),
}

/// Why a request has no answer.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Unresolved {
    /// Its time ran out; it may have been carried out.
    ResponseExpired,
    /// The peer answered with a generic_nack that names no request while this one was alone; it may have been carried
    /// out.
    WrongResponse,
    /// The session ended.
    SessionEnded {
        /// Whether its last octet had left, so that the peer may have carried it out.
        written: bool,
    },
}

/// What a peer did that the protocol does not allow.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Violation {
    /// A request in a state in which it has no business.
    WrongState,
    /// A second bind on a bound session.
    SecondBind,
    /// A command_id that is in no version; requests were answered with generic_nack.
    UnknownCommand,
    /// A response that answers nothing.
    UnsolicitedResponse,
    /// A response of another kind than the request of its number, which goes on waiting for its own.
    WrongResponse,
}

/// Why a session wants its connection closed, or why it was.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CloseCause {
    /// We unbound, and the peer agreed or did not answer in time.
    Unbound,
    /// The peer unbound.
    PeerUnbound,
    /// The peer closed the connection, or it broke.
    Disconnected,
    /// Nothing came for the whole enquire_link_timeout.
    LinkDead,
    /// Nothing came for the whole inactivity_timeout.
    Inactive,
    /// No bind came, or was sent, in time.
    NotBound,
    /// The bind was not answered in time.
    BindExpired,
    /// The bind was refused.
    BindRefused(CommandStatus),
    /// The stream can no longer be cut into frames.
    Framing(FramingError),
    /// The peer does not read what we write.
    WriteStalled,
    /// Requests went out and none was answered for three response timeouts.
    NoProgress,
}
