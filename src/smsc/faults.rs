//! What can go wrong at an SMSC, whoever wants it: its configuration, a script or a test.

use std::time::Duration;

use super::behaviour::Shares;
use crate::pdu::CommandStatus;
pub use crate::settings::{Nonsense, OddReceipt, OddResponse};

/// What goes wrong, by chance or by count. Every chance is drawn from the seed of the SMSC.
///
/// A share of connections is drawn when they are accepted: those that are open keep what they drew.
#[derive(Clone, Debug, PartialEq)]
pub struct Faults {
    /// A link is cut when it has taken this many messages. The last one was taken, and neither it nor anything
    /// else that waits for its response gets one. Every link counts for itself.
    pub cut_after: Option<u64>,
    /// The chance that a link is cut at a message, in the same way.
    pub cut_chance: f64,
    /// The chance that a link is unbound at a message and closed at once: neither the message nor anything else
    /// that waits gets its response, and an answer to the unbind is not waited for.
    pub unbind_chance: f64,
    /// The share of messages that are taken without a response.
    pub lost_responses: f64,
    /// The share of messages whose response comes [`late_by`](Self::late_by) later.
    pub late_responses: f64,
    /// How much later.
    pub late_by: Duration,
    /// The share of messages whose response comes twice.
    pub doubled_responses: f64,
    /// The share of messages whose response lets the next one of its link go first; for that it waits a second
    /// at most.
    pub overtaken_responses: f64,
    /// The share of messages with which nonsense comes to the ESME, before their response.
    pub nonsense: Shares<Nonsense>,
    /// The shares of messages whose response is odd, by kind: those of submit_sm and data_sm. Where the message is
    /// refused there is no id, and what is odd stands behind the header.
    pub odd_responses: Shares<OddResponse>,
    /// The shares of messages that are refused, by status.
    pub refused_messages: Shares<CommandStatus>,
    /// The shares of binds that are refused, by status.
    pub refused_binds: Shares<CommandStatus>,
    /// The share of binds that are never answered.
    pub silent_binds: f64,
    /// The share of connections that end half open: everything is read, messages are taken, and nothing is said
    /// any more, not even to an enquire_link.
    pub half_open: f64,
    /// With which of its messages such a connection falls silent.
    pub half_open_after: u64,
    /// The share of receipts that are sent twice.
    pub doubled_receipts: f64,
    /// The share of receipts that come at once, before the response that names their message.
    pub early_receipts: f64,
    /// The share of messages with which a receipt comes for an id that was never given.
    pub orphaned_receipts: f64,
    /// The shares of receipts that are odd, by kind.
    pub odd_receipts: Shares<OddReceipt>,
    /// The share of connections that end with a reset, whatever was under way. One in memory ends with the error.
    pub resets: f64,
    /// The share of connections on which octets are written one at a time.
    pub split_writes: f64,
    /// The share of connections on which PDUs are kept until several leave in one write.
    pub joined_writes: f64,
    /// For how long they are kept.
    pub joined_for: Duration,
    /// The share of connections that are read slowly.
    pub slow_reads: f64,
    /// How many octets a second are read of these.
    pub slow_read_rate: u64,
    /// Time between two restarts, half as much more or less by chance: the SMSC goes down as if it had been
    /// killed. Counted from its first connection, or from the last change of its behaviour.
    pub restart_every: Option<Duration>,
    /// For how long it is away then.
    pub restart_for: Duration,
    /// For how long a session that was cut still counts for [`Account::max_binds`](super::Account::max_binds).
    pub holds_sessions: Option<Duration>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            cut_after: None,
            cut_chance: 0.0,
            unbind_chance: 0.0,
            lost_responses: 0.0,
            late_responses: 0.0,
            late_by: Duration::from_secs(5),
            doubled_responses: 0.0,
            overtaken_responses: 0.0,
            nonsense: Shares::default(),
            odd_responses: Shares::default(),
            refused_messages: Shares::default(),
            refused_binds: Shares::default(),
            silent_binds: 0.0,
            half_open: 0.0,
            half_open_after: 1,
            doubled_receipts: 0.0,
            early_receipts: 0.0,
            orphaned_receipts: 0.0,
            odd_receipts: Shares::default(),
            resets: 0.0,
            split_writes: 0.0,
            joined_writes: 0.0,
            joined_for: Duration::from_millis(50),
            slow_reads: 0.0,
            slow_read_rate: 1_000,
            restart_every: None,
            restart_for: Duration::from_secs(5),
            holds_sessions: None,
        }
    }
}

impl Nonsense {
    /// What is written.
    pub(super) const fn octets(self) -> &'static [u8] {
        match self {
            Self::Command => b"\0\0\0\x10\0\0\x77\x77\0\0\0\0\x7f\xff\xff\xf0",
            Self::Body => b"\0\0\0\x14\0\0\0\x05\0\0\0\0\x7f\xff\xff\xf1\0\x01\x01\x34",
            Self::Response => b"\0\0\0\x12\x80\0\0\x04\0\0\0\0\x7f\xff\xff\xf2x\0",
            Self::Nack => b"\0\0\0\x10\x80\0\0\0\0\0\0\x03\0\0\0\0",
            Self::TinyLength => b"\0\0\0\x03no PDU is short",
            Self::HugeLength => b"\x7f\xff\xff\xff\0\0\0\x05\0\0\0\0\x7f\xff\xff\xf4",
            Self::Garbage => b"HTTP/1.1 400 Bad Request\r\n\r\n",
        }
    }
}

impl OddResponse {
    /// What is written instead of this response with an id and no TLVs, or with a header alone.
    pub(super) fn instead_of(self, response: &[u8]) -> Vec<u8> {
        let (header, id) = response.split_at_checked(16).unwrap_or((response, &[]));
        let body = match self {
            Self::NoBody => Vec::new(),
            Self::NoNul => id.strip_suffix(b"\0").unwrap_or(id).to_vec(),
            Self::ExtraNul => [id, b"\0"].concat(),
            Self::EmptyTlv => [id, b"\x14\0\0\0"].concat(),
            Self::CutTlv => [id, b"\x14\0\0\x09cut"].concat(),
        };
        // A response is short.
        let length = (header.len() + body.len()) as u32;
        let rest = header.get(4..).unwrap_or_default();
        [&length.to_be_bytes(), rest, &body].concat()
    }
}
