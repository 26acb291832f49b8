//! What a response of the peer does to a session.

use std::time::Instant;

use super::version::agreed_version;
use super::window::Entry;
use super::{CloseCause, Event, Response, Session, SessionState, Unresolved, Violation, limits};
use crate::pdu::{self, CommandId, CommandStatus, Header, PduView, SequenceNumber, StatusClass, tlv};

impl<T> Session<T> {
    #[inline]
    pub(super) fn handle_response<'f>(
        &mut self,
        header: Header,
        frame: &'f [u8],
        now: Instant,
        then: impl FnOnce(&mut Self, Event<'f, T>),
    ) {
        let sequence = header.sequence_number;
        match self.window.entry(sequence) {
            Some(entry) if Some(header.command_id) == entry.request.response() => {
                let of = |entry: Entry<T>| (entry.token, entry.sent, entry.order);
                let Some((token, sent, order)) = self.window.take_as(sequence, of) else {
                    return;
                };
                self.note_answer(order, sent, header.command_status, now);
                let event = Event::Answered {
                    token,
                    sequence,
                    status: header.command_status,
                    response: self.read_response(frame),
                    sent,
                };
                then(self, event);
            }
            found => {
                let waits = found.is_some();
                if let Some(event) = self.handle_other_response(header, frame, waits, now) {
                    then(self, event);
                }
            }
        }
    }

    /// A response that is not the plain answer to a request of the window.
    #[cold]
    fn handle_other_response<'f>(
        &mut self,
        header: Header,
        frame: &'f [u8],
        waits: bool,
        now: Instant,
    ) -> Option<Event<'f, T>> {
        if header.command_id == CommandId::GENERIC_NACK {
            self.count_faults(frame);
            return self.handle_nack(header, now);
        }
        let sequence = header.sequence_number;
        match self.binding {
            Some((bind, number)) if number == sequence && header.command_id.request().is_some() => {
                return Some(self.handle_bind_response(bind, header, frame, now));
            }
            _ => {}
        }
        if self.unbinding == Some(sequence) && header.command_id == CommandId::UNBIND_RESP {
            self.count_faults(frame);
            return Some(self.handle_unbound(now));
        }
        if header.command_id == CommandId::ENQUIRE_LINK_RESP && !waits {
            // One that comes after something else proved life is fine too.
            if self.enquiring() == Some(sequence) {
                self.enquiring = None;
            }
            self.count_faults(frame);
            return None;
        }
        if waits && header.command_id.request().is_some() {
            // Another kind of response than the request of its number says nothing about that, whose own may still come.
            return Some(self.violation(header, Violation::WrongResponse));
        }
        let is_late = self
            .window
            .late(sequence)
            .is_some_and(|late| late.request.response() == Some(header.command_id));
        if is_late {
            let response = self.read_response(frame);
            return self.handle_late(sequence, header.command_status, response);
        }
        let known = header.command_id.request().is_some();
        Some(self.violation(
            header,
            if known {
                Violation::UnsolicitedResponse
            } else {
                Violation::UnknownCommand
            },
        ))
    }

    /// generic_nack: the peer refuses the PDU of that number as such (3.4 section 4.3).
    fn handle_nack<'f>(&mut self, header: Header, now: Instant) -> Option<Event<'f, T>> {
        let mut sequence = header.sequence_number;
        if sequence == SequenceNumber::ZERO && self.window.entry(sequence).is_none() {
            // The peer could not even read the header; that means something only if one PDU can be meant.
            match self.only_outstanding(now) {
                Some(only) if self.window.entry(only).is_some() => return Some(self.doubt_oldest(header)),
                Some(only) => sequence = only,
                None => return Some(self.violation(header, Violation::UnsolicitedResponse)),
            }
        }
        let status = refusal(header.command_status);
        if let Some((_, number)) = self.binding
            && number == sequence
        {
            return Some(self.handle_bind_refused(status, now));
        }
        if self.unbinding == Some(sequence) {
            return Some(self.handle_unbound(now));
        }
        if self.enquiring() == Some(sequence) {
            self.enquiring = None;
            return None;
        }
        if let Some(entry) = self.window.take(sequence) {
            self.note_answer(entry.order, entry.sent, status, now);
            return Some(Event::Answered {
                token: entry.token,
                sequence,
                status,
                response: Response::Nack,
                sent: entry.sent,
            });
        }
        if self.window.late(sequence).is_some() {
            return self.handle_late(sequence, status, Response::Nack);
        }
        Some(self.violation(header, Violation::UnsolicitedResponse))
    }

    /// The one request that waits may have been refused, or something else was meant: nobody knows what becomes of it. It
    /// keeps its place until its response comes or could only come far too late.
    fn doubt_oldest<'f>(&mut self, header: Header) -> Event<'f, T> {
        if let Some(entry) = self.window.pop_oldest_as_doubted(self.config.response_timeout) {
            self.events().push_back(Event::Unresolved {
                token: entry.token,
                sequence: entry.sequence,
                sent: entry.sent,
                cause: Unresolved::WrongResponse,
            });
        }
        self.violation(header, Violation::UnsolicitedResponse)
    }

    /// The number of the one PDU of ours that may still be answered, if it is exactly one.
    fn only_outstanding(&self, now: Instant) -> Option<SequenceNumber> {
        let (now, timeout) = (self.clock.at(now), self.config.enquire_link_timeout);
        let enquiring = self.enquiring.filter(|(_, sent)| now < *sent + timeout);
        let own = [
            self.binding.map(|(_, number)| number),
            self.unbinding,
            enquiring.map(|(number, _)| number),
        ];
        let mut own = own.into_iter().flatten();
        match (self.window.in_flight(), own.next(), own.next()) {
            (0, only, None) => only,
            (1, None, None) => self.window.oldest().map(|entry| entry.sequence),
            _ => None,
        }
    }

    /// The number of our enquire_link that waits for its answer.
    pub(super) fn enquiring(&self) -> Option<SequenceNumber> {
        self.enquiring.map(|(number, _)| number)
    }

    fn handle_late<'f>(
        &mut self,
        sequence: SequenceNumber,
        status: CommandStatus,
        response: Response<'f>,
    ) -> Option<Event<'f, T>> {
        let late = self.window.take_late(sequence)?;
        self.count().late += 1;
        self.note_progress(late.order);
        Some(Event::Late {
            sequence,
            status,
            response,
            sent: late.sent,
        })
    }

    /// The peer answered: it works, and what was sent before and expired was skipped.
    #[inline]
    fn note_progress(&mut self, order: u64) {
        self.window.release_before(order);
        self.timers.progress = self.timers.heard;
        self.expired_in_row = 0;
        self.probing = false;
    }

    fn handle_unbound<'f>(&mut self, now: Instant) -> Event<'f, T> {
        self.state = SessionState::Unbound;
        self.close_for(CloseCause::Unbound, now);
        Event::Unbound
    }

    #[inline]
    fn note_answer(&mut self, order: u64, sent: Instant, status: CommandStatus, now: Instant) {
        self.note_progress(order);
        if status.is_ok() {
            self.count().accepted += 1;
        } else {
            self.count().refused += 1;
            match self.config.statuses.class(status) {
                StatusClass::Throttle => {
                    self.count().throttled += 1;
                    self.slow_down(sent, now);
                }
                // A full queue says nothing about our rate.
                StatusClass::QueueFull => self.count().throttled += 1,
                StatusClass::Ok
                | StatusClass::Retryable
                | StatusClass::Permanent
                | StatusClass::Session
                | StatusClass::BindRetry
                | StatusClass::BindFatal => {}
            }
        }
    }

    /// The peer let us know that the request sent at `sent` was one too many: the rate, of the budget where
    /// there is one, is halved, once for all requests sent before.
    ///
    /// A status of the class [`StatusClass::Throttle`] does this by itself, see [`SessionConfig::statuses`](super::SessionConfig::statuses); call it
    /// when the peer says so in another way.
    pub fn slow_down(&mut self, sent: Instant, now: Instant) {
        let decreased = match &self.budget {
            Some(budget) => {
                let mut budget = limits::lock(budget);
                budget.handle_throttled(sent, now).then(|| budget.rate())
            }
            None => self.limit.handle_throttled(sent, now).then(|| self.limit.rate()),
        };
        if let Some(rate) = decreased.flatten() {
            self.events().push_back(Event::Throttled { rate });
        }
    }

    fn handle_bind_response<'f>(
        &mut self,
        bind: CommandId,
        header: Header,
        frame: &'f [u8],
        now: Instant,
    ) -> Event<'f, T> {
        if bind.response() != Some(header.command_id) {
            // Nobody knows what the peer means, and waiting would not tell.
            self.count().violations += 1;
            let status = match header.command_status {
                CommandStatus::ESME_ROK => CommandStatus::ESME_RBINDFAIL,
                status => status,
            };
            return self.handle_bind_refused(status, now);
        }
        if !header.command_status.is_ok() {
            self.count_faults(frame);
            return self.handle_bind_refused(header.command_status, now);
        }
        self.binding = None;
        self.timers.bind_sent = false;
        self.timers.enquire_due_from = now;
        if let Some(bound) = SessionState::bound_by(bind) {
            self.state = bound;
        }
        // An accepted bind counts as accepted even when its body cannot be read.
        let version = match self.read_response(frame) {
            Response::Pdu(body) => body.tlvs().get::<tlv::ScInterfaceVersion>(),
            Response::Nack | Response::Unreadable(_) => None,
        };
        let theirs = self.config.sc_interface_version.or(version);
        self.version = agreed_version(self.config.interface_version, theirs);
        // Many binds have nothing to say for long.
        self.outbox.shrink();
        Event::Bound { version }
    }

    fn handle_bind_refused<'f>(&mut self, status: CommandStatus, now: Instant) -> Event<'f, T> {
        self.binding = None;
        self.timers.bind_sent = false;
        self.close_for(CloseCause::BindRefused(status), now);
        Event::BindRefused { status }
    }

    #[inline(always)]
    fn read_response<'f>(&mut self, frame: &'f [u8]) -> Response<'f> {
        if let Some(body) = pdu::plain_submit_sm_resp(frame) {
            return Response::Pdu(PduView::SubmitSmResp(body));
        }
        match pdu::view(frame, &self.config.leniency) {
            Ok(view) => {
                self.note(view.faults);
                Response::Pdu(view.body)
            }
            Err(error) => {
                self.count().unreadable += 1;
                Response::Unreadable(error)
            }
        }
    }
}

/// The status of a generic_nack: one that says "no error" is a refusal all the same.
const fn refusal(status: CommandStatus) -> CommandStatus {
    if status.is_ok() {
        CommandStatus::ESME_RUNKNOWNERR
    } else {
        status
    }
}
