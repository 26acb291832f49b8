//! Requests that are no messages: query_sm, cancel_sm, replace_sm, and whatever else a caller wants to ask.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::{BindId, InvalidCause, NotSentCause, SubmitError, UnknownCause, prepare};
use crate::pdu::{CommandStatus, Pdu, SequenceNumber};

/// One request to an SMSC, as it stands, whose response comes back as it is.
///
/// It counts in the window and the rate of its bind like a message, and goes before the messages that wait there. It is
/// never sent twice. Messages belong in a [`Submit`](super::Submit), which waits for room, retries and matches receipts.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// What is asked.
    pub pdu: Pdu,
    /// By which bind. Default: the one with the most room.
    pub via: Via,
    /// The sequence number. Default: the next one of the session.
    pub sequence: Option<SequenceNumber>,
    /// After this long nobody waits for the response any more. Default: the `response_timeout` of the bind, from when
    /// it was written.
    pub timeout: Option<Duration>,
}

/// The bind that a request goes by.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Via {
    /// Any that is bound, that with the most room. What asks about a message whose receipts are owed goes by the account
    /// that it left by.
    #[default]
    Any,
    /// This one only.
    Bind(BindId),
    /// This one if it is bound, else one of its account: the binds of an account know each other's messages.
    AccountOf(BindId),
}

impl Request {
    /// The id of the message that it asks about; none where it asks about none.
    #[must_use]
    pub fn message_id(&self) -> Option<Cow<'_, str>> {
        let id = match &self.pdu {
            Pdu::QuerySm(query) => &query.message_id,
            Pdu::CancelSm(cancel) => &cancel.message_id,
            Pdu::ReplaceSm(replace) => &replace.message_id,
            Pdu::QueryBroadcastSm(query) => &query.message_id,
            Pdu::CancelBroadcastSm(cancel) => &cancel.message_id,
            _ => return None,
        };
        (!id.is_empty()).then(|| id.to_text())
    }

    /// Asks by any bind.
    #[must_use]
    pub fn new(pdu: impl Into<Pdu>) -> Self {
        Self {
            pdu: pdu.into(),
            via: Via::Any,
            sequence: None,
            timeout: None,
        }
    }

    /// Asks by this bind and no other.
    #[must_use]
    pub fn by(mut self, bind: impl Into<BindId>) -> Self {
        self.via = Via::Bind(bind.into());
        self
    }

    /// Asks by this bind or one of its account: where a message left by it, say, that is now asked about.
    #[must_use]
    pub fn near(mut self, bind: impl Into<BindId>) -> Self {
        self.via = Via::AccountOf(bind.into());
        self
    }

    /// Forces the sequence number.
    #[must_use]
    pub fn sequence(mut self, sequence: SequenceNumber) -> Self {
        self.sequence = Some(sequence);
        self
    }

    /// Says how long to wait for the response.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

impl From<Pdu> for Request {
    fn from(pdu: Pdu) -> Self {
        Self::new(pdu)
    }
}

impl actix::Message for Request {
    type Result = RequestResult;
}

/// How a request ended: answered, whatever the status says, or why not.
pub type RequestResult = Result<Answered, SubmitError>;

/// The response to a request.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Answered {
    /// What the SMSC said.
    pub status: CommandStatus,
    /// The response; none for generic_nack, and where its body could not be read.
    pub pdu: Option<Pdu>,
    /// The bind that it went by.
    pub bind: BindId,
    /// Its sequence number there.
    pub sequence: SequenceNumber,
    /// Time from the call to the response.
    pub after: Duration,
}

impl Answered {
    /// True when the SMSC accepted the request.
    #[must_use]
    pub const fn is_ok(&self) -> bool {
        self.status.is_ok()
    }
}

/// A request inside, with whoever waits for it. Answers exactly once, also when it is dropped.
#[derive(Debug)]
pub struct Inquiry {
    pdu: Pdu,
    forced: Option<SequenceNumber>,
    since: Instant,
    deadline: Option<Instant>,
    written: Option<(BindId, SequenceNumber)>,
    sender: Option<oneshot::Sender<RequestResult>>,
}

impl Inquiry {
    /// Takes a request in at `now`; its answer comes out of the receiver.
    #[must_use]
    pub fn new(request: Request, now: Instant) -> (Self, oneshot::Receiver<RequestResult>) {
        let (sender, receiver) = oneshot::channel();
        let inquiry = Self {
            pdu: request.pdu,
            forced: request.sequence,
            since: now,
            deadline: request.timeout.and_then(|timeout| now.checked_add(timeout)),
            written: None,
            sender: Some(sender),
        };
        (inquiry, receiver)
    }

    /// What is asked.
    #[must_use]
    pub const fn pdu(&self) -> &Pdu {
        &self.pdu
    }

    /// Checks what the fields of the request cannot say alone.
    ///
    /// # Errors
    ///
    /// [`InvalidCause::TextAndPayload`].
    pub fn check(&self) -> Result<(), InvalidCause> {
        prepare::check(&self.pdu)
    }

    /// The sequence number that it must have.
    #[must_use]
    pub const fn forced(&self) -> Option<SequenceNumber> {
        self.forced
    }

    /// When nobody waits any more.
    #[must_use]
    pub const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// It is in the session of a bind: from here on the SMSC may act on it.
    pub fn handle_sent(&mut self, bind: &BindId, sequence: SequenceNumber) {
        self.written = Some((bind.clone(), sequence));
    }

    /// The response came.
    pub fn answer(mut self, status: CommandStatus, pdu: Option<Pdu>, now: Instant) {
        let Some((bind, sequence)) = self.written.take() else {
            return; // nothing is answered that was not sent
        };
        self.end(Ok(Answered {
            status,
            pdu,
            bind,
            sequence,
            after: now.saturating_duration_since(self.since),
        }));
    }

    /// It ends without being sent.
    pub fn refuse(mut self, error: SubmitError) {
        self.end(Err(error));
    }

    /// It ends without a response: `unknown` where it was sent, `unsent` where not.
    pub fn close(mut self, unsent: SubmitError, unknown: UnknownCause) {
        let error = self.unanswered(unsent, unknown);
        self.end(Err(error));
    }

    fn unanswered(&mut self, unsent: SubmitError, cause: UnknownCause) -> SubmitError {
        match self.written.take() {
            Some((bind, sequence)) => SubmitError::Unknown {
                bind,
                sequence,
                cause,
            },
            None => unsent,
        }
    }

    fn end(&mut self, result: RequestResult) {
        if let Some(sender) = self.sender.take() {
            let _ = sender.send(result); // whoever asked may have gone
        }
    }
}

impl Drop for Inquiry {
    fn drop(&mut self) {
        if self.sender.is_some() {
            let cause = NotSentCause::Dropped;
            let error = self.unanswered(SubmitError::NotSent { cause }, UnknownCause::Dropped);
            self.end(Err(error));
        }
    }
}
