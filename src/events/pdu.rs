//! A PDU that passed.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::pdu::{DecodeError, Header, Pdu};
use crate::session::Passage;
use crate::submit::{AccountId, BindId};

/// A PDU that a bind received, is about to send, or has sent.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PduEvent {
    /// The bind.
    pub bind: BindId,
    /// Its account.
    pub account: AccountId,
    /// Where it passed.
    pub passage: Passage,
    /// Its header.
    pub header: Header,
    /// Its body, or why that cannot be read.
    pub pdu: Result<Arc<Pdu>, DecodeError>,
    /// Its octets, header included. Those of a bind contain the password.
    pub frame: Bytes,
    /// When it passed, on the monotonic clock.
    pub at: Instant,
}
