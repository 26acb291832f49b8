//! What an SMSC does that misbehaves on purpose.

use super::{CloseCause, Inbound, Session};

/// An unbind with a number that no session comes to.
const UNBIND: &[u8] = b"\0\0\0\x10\0\0\0\x06\0\0\0\0\x7f\xff\xff\xf3";

impl<T> Session<T> {
    /// Leaves a request of the peer without an answer for ever. False when it was answered before.
    pub fn abandon(&mut self, inbound: Inbound) -> bool {
        let owed = self.unanswered.take(inbound).is_some();
        if owed && self.peer_unbinding.is_some() {
            self.answer_unbind(self.clock.passed(self.timers.heard));
        }
        owed
    }

    /// Breaks the session off where it stands: octets that were not written are thrown away, frames that came
    /// are no longer looked at, and the connection wants to be closed at once.
    pub fn abort(&mut self) {
        self.outbox.discard();
        self.close = Some(CloseCause::Disconnected);
        self.timers.ending().linger_until = None;
    }

    /// The position behind the last octet of [`output`](Self::output), counted over the whole session.
    pub(crate) fn output_end(&self) -> u64 {
        self.outbox.end()
    }

    /// Puts something else in the place of the response that was put in last, of which nothing was written.
    pub(crate) fn replace_response(&mut self, before: usize, instead: impl FnOnce(&[u8]) -> Vec<u8>) {
        let response = self.output().get(before..).unwrap_or_default();
        let (octets, instead) = (response.len(), instead(response));
        let buffer = self.outbox.buffer();
        buffer.truncate(buffer.len().saturating_sub(octets));
        buffer.extend_from_slice(&instead);
    }

    /// Unbinds and wants to be closed at once: what can be written now is, the unbind last, and frames that came
    /// are no longer looked at.
    pub fn hang_up(&mut self) {
        self.put_raw(UNBIND);
        self.close = Some(CloseCause::Disconnected);
        self.timers.ending().linger_until = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdu::{self, BindTransceiver, BindTransceiverResp, CommandStatus, SequenceNumber, SubmitSm};
    use crate::session::{Event, Limits, RespondError, SessionConfig, Side};
    use std::time::Instant;

    fn request<B: pdu::Body>(session: &mut Session<()>, body: &B, sequence: u32, now: Instant) -> Inbound {
        let mut frame = Vec::new();
        let sequence = SequenceNumber::new(sequence);
        pdu::encode(body, CommandStatus::ESME_ROK, sequence, &mut frame).unwrap();
        match session.handle_frame(&frame, now) {
            Some(Event::Request { inbound, .. }) => inbound,
            other => panic!("{other:?}"),
        }
    }

    fn bound(now: Instant) -> Session<()> {
        let mut session = Session::new(SessionConfig::new(Side::Smsc), Limits::default(), now);
        let inbound = request(&mut session, &BindTransceiver::default(), 1, now);
        let body = BindTransceiverResp::default();
        session
            .respond(inbound, CommandStatus::ESME_ROK, &body, now)
            .unwrap();
        let written = session.output().len();
        session.handle_written(written, now);
        session
    }

    #[test]
    fn an_abandoned_request_is_never_answered() {
        let now = Instant::now();
        let mut session = bound(now);
        let inbound = request(&mut session, &SubmitSm::default(), 2, now);
        assert!(session.abandon(inbound));
        assert!(!session.abandon(inbound));
        let late = session.respond_empty(inbound, CommandStatus::ESME_ROK, now);
        assert_eq!(late, Err(RespondError::AlreadyAnswered));
        session.handle_timeout(now + session.config().answer_timeout);
        assert_eq!((session.output().len(), session.unanswered()), (0, 0));
    }

    #[test]
    fn an_aborted_session_writes_nothing_more() {
        let now = Instant::now();
        let mut session = bound(now);
        let inbound = request(&mut session, &SubmitSm::default(), 2, now);
        session
            .respond_empty(inbound, CommandStatus::ESME_RSYSERR, now)
            .unwrap();
        assert!(!session.output().is_empty());
        session.abort();
        assert!(session.output().is_empty());
        assert_eq!(session.wants_close(), Some(CloseCause::Disconnected));
    }

    #[test]
    fn a_session_that_hangs_up_says_unbind_last_and_waits_for_nothing() {
        let now = Instant::now();
        let mut session = bound(now);
        let inbound = request(&mut session, &SubmitSm::default(), 2, now);
        session
            .respond_empty(inbound, CommandStatus::ESME_RSYSERR, now)
            .unwrap();
        session.hang_up();
        assert_eq!(session.output().get(16..), Some(UNBIND));
        assert_eq!(session.wants_close(), Some(CloseCause::Disconnected));
    }
}
