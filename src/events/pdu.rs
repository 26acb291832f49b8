//! A PDU that passed.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::{delivery, shown};
use crate::pdu::{DecodeError, Header, Pdu};
use crate::session::Passage;
use crate::submit::{AccountId, BindId};

/// A PDU that a bind received, is about to send, or has sent.
#[derive(Clone, PartialEq)]
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
    /// Of a response, the request that it answers; none for one that answers nothing, or something that passed before
    /// anybody watched.
    pub request: Option<Arc<PduEvent>>,
}

impl PduEvent {
    /// One of which only the header matters.
    #[cfg(test)]
    pub(crate) fn unread(bind: BindId, account: AccountId, passage: Passage, header: Header) -> Self {
        Self {
            bind,
            account,
            passage,
            header,
            pdu: Ok(Arc::new(
                Pdu::empty(header.command_id).unwrap_or(Pdu::EnquireLink(crate::pdu::EnquireLink::default())),
            )),
            frame: Bytes::new(),
            at: Instant::now(),
            request: None,
        }
    }

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

    /// True for a receipt or an intermediate notification, and for the response to one.
    #[must_use]
    pub fn is_receipt(&self) -> bool {
        self.message()
            .is_some_and(|pdu| delivery::content(pdu).is_receipt())
    }

    /// The body of what it is about: of a response, that of the request.
    pub(super) fn message(&self) -> Option<&Pdu> {
        match &self.request {
            Some(request) => request.message(),
            None => self.pdu.as_deref().ok(),
        }
    }
}

impl fmt::Debug for PduEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PduEvent")
            .field("bind", &self.bind)
            .field("account", &self.account)
            .field("passage", &self.passage)
            .field("header", &self.header)
            .field("pdu", &shown::ShownResult(&self.pdu))
            .field("frame", &shown::Octets(&self.frame))
            .field("at", &self.at)
            .field("request", &self.request)
            .finish()
    }
}
