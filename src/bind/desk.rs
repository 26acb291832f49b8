//! What a bind does with the events of its session.

use std::sync::Arc;
use std::task::Context;
use std::time::Instant;

use tracing::debug;

use super::deliveries::Deliveries;
use super::inquiries::Inquiries;
use super::jobs::{Jobs, Ticket};
use super::messages::Report;
use super::watch::Watch;
use crate::events::{
    Alarm, AlertEvent, Delivery, DeliveryKind, Event as HubEvent, Hub, Inbox, Kinds, Receipts,
    UnreadableEvent,
};
use crate::link::LinkHandler;
use crate::pdu::{AlertNotificationView, CommandStatus, DecodeError, Faults, Header, PduView};
use crate::session::{Event, Inbound, Passage, Room, Session, sooner};
use crate::settings::BindSettings;
use crate::sm::DefaultAlphabet;
use crate::submit::{AccountId, BindId, UnknownCause};

/// Between the session and those who send and receive.
pub(super) struct Desk {
    bind: BindId,
    account: AccountId,
    alphabet: DefaultAlphabet,
    receipts_by_text: bool,
    hub: Arc<Hub>,
    receipts: Arc<Receipts>,
    pub(super) jobs: Jobs,
    pub(super) inquiries: Inquiries,
    deliveries: Deliveries,
    pub(super) watch: Watch,
}

impl Desk {
    pub(super) fn new(
        bind: BindId,
        account: AccountId,
        settings: &Arc<BindSettings>,
        watch: Watch,
        hub: Arc<Hub>,
        receipts: Arc<Receipts>,
        inbox: Arc<Inbox>,
    ) -> Self {
        Self {
            jobs: Jobs::new(bind.clone(), receipts.clone(), settings.clone()),
            inquiries: Inquiries::default(),
            deliveries: Deliveries::new(hub.clone(), inbox, settings),
            watch,
            alphabet: settings.default_alphabet,
            receipts_by_text: settings.receipts_by_text,
            bind,
            account,
            hub,
            receipts,
        }
    }

    /// The link is gone, and every ticket came back from the session.
    pub(super) fn handle_link_lost(&mut self) {
        self.deliveries.clear();
        self.watch.handle_link_lost();
        self.jobs.handle_link_lost();
        self.inquiries.close();
    }

    /// Takes no more: what waits goes back, what is in flight is finished.
    pub(super) fn close(&mut self) {
        self.jobs.close();
        self.inquiries.close();
    }

    /// Ends everything: what was written is unknown for `cause`.
    pub(super) fn abandon(&mut self, cause: UnknownCause) {
        self.jobs.abandon(cause);
        self.inquiries.abandon(cause);
    }

    /// True when nothing of ours is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.jobs.is_empty() && self.inquiries.is_empty()
    }

    /// Puts answers that became ready into the session; true when there were any, or when it may read on.
    pub(super) fn poll_answers(
        &mut self,
        cx: &mut Context<'_>,
        session: &mut Session<Ticket>,
        now: Instant,
    ) -> bool {
        // What held it back may have room since it was looked at: then it goes on at once.
        let goes_on = session.is_held() && !self.hub.wake_on_room(&self.bind, &self.account, cx.waker());
        self.deliveries.poll(cx, session, now) || goes_on
    }

    /// True when a question was just put behind one that was answered: its answer may come at once.
    pub(super) fn expects_answer(&self) -> bool {
        self.deliveries.expects_answer()
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
        self.hub.alarm(alarm(self.bind.clone()), Some(&self.account));
    }

    fn handle_delivery(
        &mut self,
        session: &mut Session<Ticket>,
        (inbound, header, body, faults): (Inbound, Header, PduView<'_>, Faults),
        frame: &[u8],
        now: Instant,
    ) {
        if DeliveryKind::of(&body).is_none() {
            // Nothing else that wants an answer comes from an SMSC.
            let _ = session.respond_empty(inbound, CommandStatus::ESME_RINVCMDID, now);
            return;
        }
        self.jobs.counters.delivered += 1;
        let (bind, account) = (self.bind.clone(), self.account.clone());
        let frame = bytes::Bytes::copy_from_slice(frame);
        let delivery = Delivery::new(bind, account, header, &body, faults, frame)
            .default_alphabet(self.alphabet)
            .receipts_by_text(self.receipts_by_text);
        if delivery.is_receipt() {
            // It may be about a message whose response came in the same read.
            self.jobs.tell_accepted(now);
            self.receipts.handle_delivery(&delivery, now);
        }
        let decided = self.watch.take_answer();
        self.deliveries.handle(session, inbound, delivery, decided, now);
    }

    fn handle_alert(&self, header: Header, alert: &AlertNotificationView<'_>) {
        debug!(bind = %self.bind, "alert");
        if self.hub.wants(Kinds::ALERTS) {
            let (bind, account) = (self.bind.clone(), self.account.clone());
            let alert = AlertEvent::new(bind, account, header, alert.to_owned_body());
            self.hub.emit(HubEvent::Alert(Arc::new(alert)));
        }
    }

    fn handle_unreadable(&self, header: Header, error: DecodeError, frame: &[u8]) {
        debug!(bind = %self.bind, %error, "unreadable");
        if self.hub.wants(Kinds::UNREADABLE) {
            self.hub.emit(HubEvent::Unreadable(Arc::new(UnreadableEvent {
                bind: self.bind.clone(),
                account: self.account.clone(),
                header,
                error,
                frame: bytes::Bytes::copy_from_slice(frame),
            })));
        }
    }
}

impl LinkHandler<Ticket> for Desk {
    #[inline]
    fn watches(&self, passage: Passage) -> bool {
        self.watch.wants(passage)
    }

    #[inline]
    fn holds(&self) -> bool {
        self.hub.holds() && self.hub.holds_back(&self.bind, &self.account)
    }

    fn pass(&mut self, passage: Passage, frame: &[u8], now: Instant) {
        self.watch.pass(passage, frame, now);
    }

    #[inline]
    fn feed(&mut self, session: &mut Session<Ticket>, now: Instant) -> Option<Instant> {
        self.watch.tidy();
        let held_until = self.hub.hold_until(&self.bind, &self.account, now);
        if held_until.is_some() != session.is_held() {
            session.set_held(held_until.is_some(), now);
        }
        self.inquiries.handle_timeout(now);
        let ask_again = match self.inquiries.send(&self.bind, session, now) {
            None => self.jobs.feed(session, now),
            Some(Room::At(time)) => Some(time),
            Some(Room::Full | Room::Now(_)) => self.jobs.poll_timeout(),
        };
        session.set_waiting(self.jobs.is_waiting() || self.inquiries.is_waiting(), now);
        sooner(ask_again, sooner(self.inquiries.poll_timeout(), held_until))
    }

    #[inline]
    fn event(&mut self, session: &mut Session<Ticket>, event: Event<'_, Ticket>, frame: &[u8], now: Instant) {
        let bind = &self.bind;
        match event {
            Event::Answered {
                token,
                status,
                ref response,
                ..
            } => match token {
                Ticket::Part(part) => self.jobs.handle_answered(part, status, response, now),
                Ticket::Inquiry(key) => self.inquiries.handle_answered(key, status, response, now),
            },
            Event::Unresolved {
                token,
                sequence,
                cause,
                ..
            } => {
                // So long the session knows a late response.
                let late_until = now + session.config().response_timeout * 2;
                match token {
                    Ticket::Part(part) => self.jobs.handle_unresolved(part, sequence, cause, late_until),
                    Ticket::Inquiry(key) => self.inquiries.handle_unresolved(key, cause),
                }
            }
            Event::Late {
                sequence,
                status,
                response,
                ..
            } => {
                debug!(%bind, %sequence, ?status, "late response");
                if let Some(late) = self.jobs.handle_late(sequence, status, &response, now)
                    && self.hub.wants(Kinds::LATE)
                {
                    self.hub.emit(HubEvent::Late(Arc::new(late)));
                }
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
            Event::Notice {
                header,
                body: PduView::AlertNotification(alert),
                ..
            } => self.handle_alert(header, &alert),
            Event::Notice { header, .. } => debug!(%bind, command = ?header.command_id, "notice"),
            Event::BindRefused { status } => debug!(%bind, ?status, "bind refused"),
            Event::PeerUnbinds => debug!(%bind, "the peer unbinds"),
            Event::Unbound => debug!(%bind, "unbound"),
        }
    }
}
