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

impl PduEvent {
    /// The lower-case name of its command, such as `submit_sm_resp`; `unknown` for one that is in no version.
    #[must_use]
    pub fn command(&self) -> &'static str {
        self.header.command_id.name().unwrap_or("unknown")
    }

    /// True when its command_status is ESME_ROK, which requests have too.
    #[must_use]
    pub const fn is_ok(&self) -> bool {
        self.header.command_status.is_ok()
    }
}
