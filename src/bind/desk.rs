//! What a bind does with the events of its session.

use std::sync::Arc;
use std::task::Context;
use std::time::Instant;

use smallvec::SmallVec;
use tracing::debug;

use super::deliveries::Deliveries;
use super::inquiries::Inquiries;
use super::jobs::{Jobs, Ticket};
use super::messages::{BindCounters, Report};
use super::watch::{Tap, Watch};
use crate::events::{
    Alarm, AlertEvent, Delivery, DeliveryKind, Event as HubEvent, Hub, Inbox, Kinds, Receipts,
    UnreadableEvent,
};
use crate::link::LinkHandler;
use crate::pdu::{AlertNotificationView, CommandStatus, DecodeError, Faults, Header, PduView};
use crate::session::{Event, Inbound, Passage, Response, Room, Session, sooner};
use crate::settings::BindSettings;
use crate::submit::{AccountId, BindId, Inquiry, Reference, UnknownCause};

/// Between the session and those who send and receive.
pub(super) struct Desk {
    bind: BindId,
    settings: Arc<BindSettings>,
    hub: Arc<Hub>,
    receipts: Arc<Receipts>,
    inbox: Arc<Inbox>,
    // These are made when they are needed first: of thousands of binds most are idle.
    jobs: Option<Box<Jobs>>,
    inquiries: Option<Box<Inquiries>>,
    deliveries: Option<Box<Deliveries>>,
    watch: Option<Box<Watch>>,
    /// Deliveries that came.
    delivered: u64,
    /// How often it was bound.
    binds: u32,
    /// How often it was bound and its session ended by itself.
    pub(super) lost: u32,
}

impl Desk {
    pub(super) fn new(
        bind: BindId,
        settings: Arc<BindSettings>,
        hub: Arc<Hub>,
        receipts: Arc<Receipts>,
        inbox: Arc<Inbox>,
    ) -> Self {
        Self {
            bind,
            settings,
            hub,
            receipts,
            inbox,
            jobs: None,
            inquiries: None,
            deliveries: None,
            watch: None,
            delivered: 0,
            binds: 0,
            lost: 0,
        }
    }

    /// Shows everything that passes to `tap`.
    pub(super) fn set_tap(&mut self, tap: Box<dyn Tap>) {
        self.watch().set_tap(tap);
    }

    /// What can change without a new session does.
    pub(super) fn set_settings(&mut self, settings: Arc<BindSettings>) {
        if let Some(watch) = &mut self.watch {
            watch.set_window(settings.window);
        }
        if let Some(jobs) = &mut self.jobs {
            jobs.set_settings(settings.clone());
        }
        self.settings = settings;
    }

    /// The messages that are here.
    #[inline]
    pub(super) fn jobs(&mut self) -> &mut Jobs {
        let make = || {
            Box::new(Jobs::new(
                self.bind.clone(),
                self.receipts.clone(),
                self.settings.clone(),
            ))
        };
        self.jobs.get_or_insert_with(make)
    }

    fn watch(&mut self) -> &mut Watch {
        let make = || {
            Box::new(Watch::new(
                self.bind.clone(),
                self.receipts.account().clone(),
                &self.settings,
                self.hub.clone(),
            ))
        };
        self.watch.get_or_insert_with(make)
    }

    pub(super) const fn bind(&self) -> &BindId {
        &self.bind
    }

    pub(super) const fn settings(&self) -> &Arc<BindSettings> {
        &self.settings
    }

    pub(super) fn account(&self) -> &AccountId {
        self.receipts.account()
    }

    /// Takes a request in that is no message.
    pub(super) fn ask(&mut self, inquiry: Inquiry) {
        let window = self.settings.window;
        self.inquiries().take(inquiry, window);
    }

    fn inquiries(&mut self) -> &mut Inquiries {
        self.inquiries.get_or_insert_default()
    }

    /// A new session may send.
    pub(super) fn open(&mut self) {
        if let Some(jobs) = &mut self.jobs {
            jobs.open();
        }
    }

    /// Ends the messages that their caller knows by `reference`, as far as nothing of them is written; how many.
    pub(super) fn cancel(&mut self, reference: &Reference) -> usize {
        self.jobs.as_mut().map_or(0, |jobs| jobs.cancel(reference))
    }

    /// Parts without an outcome.
    pub(super) fn unfinished(&self) -> usize {
        self.jobs.as_ref().map_or(0, |jobs| jobs.unfinished())
    }

    /// Jobs that wait for another attempt.
    pub(super) fn delayed(&self) -> usize {
        self.jobs.as_ref().map_or(0, |jobs| jobs.delayed())
    }

    /// Messages whose response is late.
    pub(super) fn overdue(&self) -> usize {
        self.jobs.as_ref().map_or(0, |jobs| jobs.overdue())
    }

    /// What the SMSC said when it took us for not bound.
    pub(super) fn session_refused(&self) -> Option<CommandStatus> {
        self.jobs.as_ref()?.session_refused()
    }

    /// What came so far, and what became of it; without what the session counts.
    pub(super) fn counters(&self) -> BindCounters {
        let counters = self.jobs.as_ref().map(|jobs| jobs.counters);
        BindCounters {
            delivered: self.delivered,
            binds: self.binds.into(),
            lost: self.lost.into(),
            ..counters.unwrap_or_default()
        }
    }

    /// How many requests were accepted and rejected since it was asked last.
    pub(super) fn take_verdicts(&mut self) -> (u64, u64) {
        self.jobs.as_deref_mut().map_or((0, 0), Jobs::take_verdicts)
    }

    /// The link is gone, and every ticket came back from the session.
    pub(super) fn handle_link_lost(&mut self) {
        self.deliveries = None;
        if let Some(watch) = &mut self.watch {
            watch.handle_link_lost();
        }
        if let Some(jobs) = &mut self.jobs {
            jobs.handle_link_lost();
        }
        if let Some(mut inquiries) = self.inquiries.take() {
            inquiries.close();
        }
    }

    /// Takes no more: what waits goes back, what is in flight is finished.
    pub(super) fn close(&mut self) {
        if let Some(jobs) = &mut self.jobs {
            jobs.close();
        }
        if let Some(inquiries) = &mut self.inquiries {
            inquiries.close();
        }
    }

    /// Ends everything: what was written is unknown for `cause`.
    pub(super) fn abandon(&mut self, cause: UnknownCause) {
        if let Some(jobs) = &mut self.jobs {
            jobs.abandon(cause);
        }
        if let Some(inquiries) = &mut self.inquiries {
            inquiries.abandon(cause);
        }
    }

    /// True when nothing of ours is under way.
    pub(super) fn is_idle(&self) -> bool {
        let jobs = self.jobs.as_ref().is_none_or(|jobs| jobs.is_idle());
        let inquiries = self.inquiries.as_ref();
        jobs && inquiries.is_none_or(|inquiries| inquiries.is_empty())
    }

    /// Puts answers that became ready into the session; true when there were any, or when it may read on.
    pub(super) fn poll_answers(
        &mut self,
        cx: &mut Context<'_>,
        session: &mut Session<Ticket>,
        now: Instant,
    ) -> bool {
        // What held it back may have room since it was looked at: then it goes on at once.
        let goes_on = session.is_held() && !self.hub.wake_on_room(&self.bind, self.account(), cx.waker());
        let deliveries = self.deliveries.as_mut();
        deliveries.is_some_and(|deliveries| deliveries.poll(cx, session, now)) || goes_on
    }

    /// True when a question was just put behind one that was answered: its answer may come at once.
    pub(super) fn expects_answer(&self) -> bool {
        let deliveries = self.deliveries.as_ref();
        deliveries.is_some_and(|deliveries| deliveries.expects_answer())
    }

    /// Adds what there is to report, and gives the seats that are free again.
    pub(super) fn reports(&mut self, now: Instant, reports: &mut SmallVec<[Report; 1]>) -> usize {
        let Some(at_work) = &mut self.jobs else {
            return 0;
        };
        at_work.tell_accepted(now);
        let jobs = at_work.take_returned();
        if !jobs.is_empty() {
            reports.push(Report::Returned { jobs });
        }
        at_work.take_freed()
    }

    /// Raises an alarm about this bind.
    pub(super) fn alarm(&self, alarm: impl FnOnce(BindId) -> Alarm) {
        self.hub.alarm(alarm(self.bind.clone()), Some(self.account()));
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
        self.delivered += 1;
        let (bind, account) = (self.bind.clone(), self.account().clone());
        let frame = bytes::Bytes::copy_from_slice(frame);
        let delivery = Delivery::new(bind, account, header, &body, faults, frame)
            .default_alphabet(self.settings.default_alphabet)
            .receipts_by_text(self.settings.receipts_by_text);
        if delivery.is_receipt() {
            // It may be about a message whose response came in the same read.
            if let Some(jobs) = &mut self.jobs {
                jobs.tell_accepted(now);
            }
            self.receipts.handle_delivery(&delivery, now);
        }
        let decided = self.watch.as_mut().and_then(|watch| watch.take_answer());
        let make = || {
            Box::new(Deliveries::new(
                self.hub.clone(),
                self.inbox.clone(),
                &self.settings,
            ))
        };
        self.deliveries
            .get_or_insert_with(make)
            .handle(session, inbound, delivery, decided, now);
    }

    fn handle_alert(&self, header: Header, alert: &AlertNotificationView<'_>) {
        debug!(bind = %self.bind, "alert");
        if self.hub.wants(Kinds::ALERTS) {
            let (bind, account) = (self.bind.clone(), self.account().clone());
            let alert = AlertEvent::new(bind, account, header, alert.to_owned_body());
            self.hub.emit(HubEvent::Alert(Arc::new(alert)));
        }
    }

    fn handle_unreadable(&self, header: Header, error: DecodeError, frame: &[u8]) {
        debug!(bind = %self.bind, %error, "unreadable");
        if self.hub.wants(Kinds::UNREADABLE) {
            self.hub.emit(HubEvent::Unreadable(Arc::new(UnreadableEvent {
                bind: self.bind.clone(),
                account: self.account().clone(),
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
        let tap = self.watch.as_ref().is_some_and(|watch| watch.taps(passage));
        tap || self.hub.watches(passage)
    }

    #[inline]
    fn holds(&self) -> bool {
        self.hub.holds() && self.hub.holds_back(&self.bind, self.account())
    }

    fn pass(&mut self, passage: Passage, frame: &[u8], now: Instant) {
        self.watch().pass(passage, frame, now);
    }

    #[inline]
    fn feed(&mut self, session: &mut Session<Ticket>, now: Instant) -> Option<Instant> {
        if let Some(watch) = &mut self.watch {
            watch.tidy();
        }
        let held_until = self.hub.hold_until(&self.bind, self.account(), now);
        if held_until.is_some() != session.is_held() {
            session.set_held(held_until.is_some(), now);
        }
        let (mut stands_in_the_way, mut asks, mut expires) = (None, false, None);
        if let Some(inquiries) = &mut self.inquiries {
            inquiries.handle_timeout(now);
            stands_in_the_way = inquiries.send(&self.bind, session, now);
            (asks, expires) = (inquiries.is_waiting(), inquiries.poll_timeout());
        }
        let ask_again = match (stands_in_the_way, &mut self.jobs) {
            (None, Some(jobs)) => jobs.feed(session, now),
            (Some(Room::Full | Room::Now(_)), Some(jobs)) => jobs.poll_timeout(session),
            (Some(Room::At(time)), _) => Some(time),
            (_, None) => None,
        };
        let sends = self.jobs.as_ref().is_some_and(|jobs| jobs.is_waiting());
        session.set_waiting(sends || asks, now);
        sooner(ask_again, sooner(expires, held_until))
    }

    // Always, because an event is large: what is said to an answer goes on where it is.
    #[inline(always)]
    fn event(&mut self, session: &mut Session<Ticket>, event: Event<'_, Ticket>, frame: &[u8], now: Instant) {
        match event {
            Event::Answered {
                token,
                status,
                ref response,
                ..
            } => self.handle_answered(token, status, response, now),
            other => self.handle_event(session, other, frame, now),
        }
    }
}

impl Desk {
    /// The SMSC answered.
    #[inline]
    fn handle_answered(
        &mut self,
        token: Ticket,
        status: CommandStatus,
        response: &Response<'_>,
        now: Instant,
    ) {
        match token {
            Ticket::Part(part) => self.jobs().handle_answered(part, status, response, now),
            Ticket::Inquiry(key) => self.inquiries().handle_answered(key, status, response, now),
        }
    }

    /// Whatever happened; answers seldom come this way.
    fn handle_event(
        &mut self,
        session: &mut Session<Ticket>,
        event: Event<'_, Ticket>,
        frame: &[u8],
        now: Instant,
    ) {
        let bind = &self.bind;
        match event {
            Event::Answered {
                token,
                status,
                ref response,
                ..
            } => self.handle_answered(token, status, response, now),
            Event::Unresolved {
                token,
                sequence,
                cause,
                ..
            } => {
                // So long the session knows a late response.
                let late_until = session.peer_time(now) + session.config().response_timeout * 2;
                match token {
                    Ticket::Part(part) => self.jobs().handle_unresolved(part, sequence, cause, late_until),
                    Ticket::Inquiry(key) => self.inquiries().handle_unresolved(key, cause),
                }
            }
            Event::Late {
                sequence,
                status,
                response,
                ..
            } => {
                debug!(%bind, %sequence, ?status, "late response");
                let theirs = session.peer_time(now);
                if let Some(late) = self
                    .jobs()
                    .handle_late(sequence, status, &response, (now, theirs))
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
                self.jobs().handle_throttled();
            }
            Event::Bound { version } => {
                self.binds += 1;
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
