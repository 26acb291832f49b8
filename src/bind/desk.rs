//! What a bind does with the events of its session.

use std::sync::Arc;
use std::task::Context;
use std::time::Instant;

use tracing::debug;

use super::deliveries::{Deliveries, Kind};
use super::jobs::{Jobs, Ticket};
use super::messages::Report;
use crate::events::{Alarm, Delivery, Event as HubEvent, Hub, Kinds, Receipts, UnreadableEvent};
use crate::link::LinkHandler;
use crate::pdu::{CommandStatus, DecodeError, Faults, Header, PduView};
use crate::session::{Event, Inbound, Session};
use crate::settings::BindSettings;
use crate::sm::DefaultAlphabet;
use crate::submit::{AccountId, BindId};

/// Between the session and those who send and receive.
pub(super) struct Desk {
    bind: BindId,
    account: AccountId,
    alphabet: DefaultAlphabet,
    hub: Arc<Hub>,
    receipts: Arc<Receipts>,
    pub(super) jobs: Jobs,
    deliveries: Deliveries,
}

impl Desk {
    pub(super) fn new(
        bind: BindId,
        account: AccountId,
        settings: &BindSettings,
        hub: Arc<Hub>,
        receipts: Arc<Receipts>,
    ) -> Self {
        Self {
            jobs: Jobs::new(bind.clone(), receipts.clone()),
            deliveries: Deliveries::new(hub.clone(), settings.unhandled_answer),
            alphabet: settings.default_alphabet,
            bind,
            account,
            hub,
            receipts,
        }
    }

    /// The link is gone, and every ticket came back from the session.
    pub(super) fn handle_link_lost(&mut self) {
        self.deliveries.clear();
        self.jobs.handle_link_lost();
    }

    /// Puts answers that became ready into the session; true when there were any.
    pub(super) fn poll_answers(
        &mut self,
        cx: &mut Context<'_>,
        session: &mut Session<Ticket>,
        now: Instant,
    ) -> bool {
        self.deliveries.poll(cx, session, now)
    }

    /// Adds what there is to report, and gives the seats that are free again.
    pub(super) fn reports(&mut self, now: Instant, reports: &mut Vec<Report>) -> usize {
        self.jobs.tell_accepted(now);
        let jobs = self.jobs.take_returned();
        if !jobs.is_empty() {
            reports.push(Report::Returned { jobs });
        }
        self.jobs.take_freed()
    }

    /// Raises an alarm about this bind.
    pub(super) fn alarm(&self, alarm: impl FnOnce(BindId) -> Alarm) {
        self.hub.emit(HubEvent::Alarm(alarm(self.bind.clone())));
    }

    fn handle_delivery(
        &mut self,
        session: &mut Session<Ticket>,
        (inbound, header, body, faults): (Inbound, Header, PduView<'_>, Faults),
        frame: &[u8],
        now: Instant,
    ) {
        let Some(kind) = Kind::of(&body) else {
            // Nothing else that wants an answer comes from an SMSC.
            let _ = session.respond_empty(inbound, CommandStatus::ESME_RINVCMDID, now);
            return;
        };
        self.jobs.counters.delivered += 1;
        let (bind, account) = (self.bind.clone(), self.account.clone());
        let frame = bytes::Bytes::copy_from_slice(frame);
        let delivery =
            Delivery::new(bind, account, header, &body, faults, frame).default_alphabet(self.alphabet);
        if delivery.is_receipt() {
            // It may be about a message whose response came in the same read.
            self.jobs.tell_accepted(now);
            self.receipts.handle_delivery(&delivery, now);
        }
        self.deliveries.handle(session, (inbound, kind), delivery, now);
    }

    fn handle_unreadable(&self, header: Header, error: DecodeError, frame: &[u8]) {
        debug!(bind = %self.bind, %error, "unreadable");
        if self.hub.wants(Kinds::UNREADABLE) {
            self.hub.emit(HubEvent::Unreadable(Arc::new(UnreadableEvent {
                bind: self.bind.clone(),
                header,
                error,
                frame: bytes::Bytes::copy_from_slice(frame),
            })));
        }
    }
}

impl LinkHandler<Ticket> for Desk {
    #[inline]
    fn feed(&mut self, session: &mut Session<Ticket>, now: Instant) -> Option<Instant> {
        self.jobs.feed(session, now)
    }

    #[inline]
    fn event(&mut self, session: &mut Session<Ticket>, event: Event<'_, Ticket>, frame: &[u8], now: Instant) {
        let bind = &self.bind;
        match event {
            Event::Answered {
                token,
                status,
                response,
                ..
            } => self.jobs.handle_answered(token, status, response, now),
            Event::Unresolved {
                token,
                sequence,
                cause,
                ..
            } => {
                // So long the session knows a late response.
                let late_until = now + session.config().response_timeout * 2;
                self.jobs.handle_unresolved(token, sequence, cause, late_until);
            }
            Event::Late {
                sequence,
                status,
                response,
                ..
            } => {
                debug!(%bind, %sequence, ?status, "late response");
                self.jobs.handle_late(sequence, status, response, now);
            }
            Event::Request {
                inbound,
                header,
                body,
                faults,
            } => self.handle_delivery(session, (inbound, header, body, faults), frame, now),
            Event::Unreadable { header, error } => self.handle_unreadable(header, error, frame),
            Event::Throttled { rate } => {
                debug!(%bind, rate, "throttled");
                self.jobs.handle_throttled();
            }
            Event::Bound { version } => {
                self.jobs.counters.binds += 1;
                debug!(%bind, version = version.map(|version| version.value()), "bound");
            }
            Event::Violation { header, violation } => {
                debug!(%bind, command = ?header.command_id, ?violation, "violation");
            }
            Event::Notice { header, .. } => debug!(%bind, command = ?header.command_id, "notice"),
            Event::BindRefused { status } => debug!(%bind, ?status, "bind refused"),
            Event::PeerUnbinds => debug!(%bind, "the peer unbinds"),
            Event::Unbound => debug!(%bind, "unbound"),
        }
    }
}
