//! One link of an SMSC: answers its requests and gives it what its account is owed.

use std::sync::MutexGuard;
use std::time::{Duration, Instant};

use super::behaviour::Behaviour;
use super::centre::Centre;
use super::deliveries::{AccountId, Content, DeliveryKey};
use super::faults::{Dice, Plan};
use super::links::LinkId;
use super::receipt::Writer;
use super::requests::{self, Message};
use super::schedule::Schedule;
use super::serve::Shared;
use super::witness::{Fate, Seen};
use crate::link::LinkHandler;
use crate::pdu::{
    BindReceiverRespView, BindTransceiverRespView, BindTransmitterRespView, COctetString, CancelSmRespView,
    CancelSmView, CommandId, CommandStatus, DataSmRespView, Header, InterfaceVersion, PduView,
    QuerySmRespView, QuerySmView, ReplaceSmRespView, ReplaceSmView, SubmitMultiResp, SubmitMultiView,
    SubmitSmRespView, Tlvs, tlv,
};
use crate::session::{
    Event, Inbound, Limits, RequestError, Room, Session, SessionConfig, Side, Unresolved, agreed_version,
};

/// Requests wait as long as their delay says; the session's own deadline for answers is out of the way.
const NO_DEADLINE: Duration = Duration::from_secs(365 * 86_400);

/// What an SMSC knows about one link.
pub(super) struct Peer {
    id: LinkId,
    /// Counted over the life of the SMSC.
    number: u64,
    dice: Dice,
    bound: Option<Bound>,
    waiting: Schedule<(Inbound, Reply)>,
    receipts: Writer,
    has_unbound: bool,
}

#[derive(Clone, Copy)]
struct Bound {
    account: AccountId,
    receives: bool,
}

/// The answer to a message.
enum Reply {
    SubmitSm(Result<u64, CommandStatus>),
    DataSm(Result<u64, CommandStatus>),
    SubmitMulti(Result<Box<SubmitMultiResp>, CommandStatus>),
}

/// What matters in a bind of any kind.
struct BindRequest<'a> {
    command_id: CommandId,
    system_id: &'a [u8],
    password: &'a [u8],
    version: InterfaceVersion,
}

impl Peer {
    /// A new connection; none when there are too many.
    pub(super) fn open(centre: &mut Centre, now: Instant) -> Option<Self> {
        let (id, number, dice) = centre.open(now)?;
        Some(Self {
            id,
            number,
            dice,
            bound: None,
            waiting: Schedule::new(),
            receipts: Writer::default(),
            has_unbound: false,
        })
    }

    /// The session on this connection.
    pub(super) fn session(&self, behaviour: &Behaviour, now: Instant) -> Session<DeliveryKey> {
        let limits = &behaviour.limits;
        let config = SessionConfig {
            window: limits.window,
            response_timeout: limits.response_timeout,
            enquire_link_interval: limits.enquire_link,
            session_init_timeout: limits.session_init,
            inbound_limit: limits.unanswered,
            answer_timeout: NO_DEADLINE,
            ..SessionConfig::new(Side::Smsc)
        };
        Session::new(config, Limits::default(), now)
    }

    pub(super) fn id(&self) -> LinkId {
        self.id
    }

    /// Lends it to its link for one poll.
    pub(super) fn serving<'a>(&'a mut self, shared: &'a Shared) -> Serving<'a> {
        Serving {
            peer: self,
            shared,
            centre: None,
        }
    }

    /// The connection has ended: its place becomes free.
    pub(super) fn close(self, shared: &Shared, now: Instant) {
        let mut centre = shared.centre();
        if let Some(Bound { account, .. }) = self.bound {
            let held = centre
                .behaviour
                .faults
                .holds_sessions
                .filter(|_| !self.has_unbound);
            centre.accounts.release(account, self.id, held, now);
        }
        centre.note(now, self.number, || Seen::Closed);
        centre.links.close(self.id);
        centre.rouse();
    }
}

/// A [`Peer`] while its link is polled.
pub(super) struct Serving<'a> {
    peer: &'a mut Peer,
    shared: &'a Shared,
    /// Taken at the first need and given back before anything is written, so that one lock serves a whole
    /// buffer of requests and none is held over a system call.
    centre: Option<MutexGuard<'a, Centre>>,
}

impl LinkHandler<DeliveryKey> for Serving<'_> {
    fn feed(&mut self, session: &mut Session<DeliveryKey>, now: Instant) -> Option<Instant> {
        if session.wants_close().is_none() {
            while let Some((inbound, reply)) = self.peer.waiting.pop_due(now) {
                self.reply(session, inbound, &reply, now);
            }
            self.deliver(session, now);
        }
        if let Some(mut centre) = self.centre.take() {
            centre.rouse();
        }
        self.peer.waiting.next_due()
    }

    #[inline]
    fn event(
        &mut self,
        session: &mut Session<DeliveryKey>,
        event: Event<'_, DeliveryKey>,
        _frame: &[u8],
        now: Instant,
    ) {
        match event {
            Event::Request {
                inbound,
                header,
                body,
                ..
            } => self.request(session, inbound, header, body, now),
            Event::Answered { token, status, .. } => self.settle(token, Some(status), now),
            Event::Unresolved {
                token,
                cause: Unresolved::SessionEnded { written: false },
                ..
            } => {
                self.centre().deliveries.put_back(token);
            }
            Event::Unresolved { token, .. } => self.settle(token, None, now),
            Event::Unreadable { .. } => self.centre().counters.unreadable += 1,
            Event::PeerUnbinds | Event::Unbound => self.peer.has_unbound = true,
            // What the session has seen to itself.
            _ => {}
        }
    }
}

impl Serving<'_> {
    #[inline]
    fn centre(&mut self) -> &mut Centre {
        self.centre.get_or_insert_with(|| self.shared.centre())
    }

    #[inline]
    fn parts(&mut self) -> (&mut Peer, &mut Centre) {
        (self.peer, self.centre.get_or_insert_with(|| self.shared.centre()))
    }

    #[inline]
    fn request(
        &mut self,
        session: &mut Session<DeliveryKey>,
        inbound: Inbound,
        header: Header,
        body: PduView<'_>,
        now: Instant,
    ) {
        match body {
            PduView::SubmitSm(request) => {
                let message = Message::of_submit_sm(&request);
                self.message(session, inbound, header, message, Reply::SubmitSm, now);
            }
            PduView::DataSm(request) => {
                let message = Message::of_data_sm(&request);
                self.message(session, inbound, header, message, Reply::DataSm, now);
            }
            PduView::SubmitMulti(request) => self.submit_multi(session, inbound, header, &request, now),
            other => self.rare_request(session, inbound, header, other, now),
        }
    }

    #[inline]
    fn message(
        &mut self,
        session: &mut Session<DeliveryKey>,
        inbound: Inbound,
        header: Header,
        message: Result<Message<'_>, CommandStatus>,
        reply: fn(Result<u64, CommandStatus>) -> Reply,
        now: Instant,
    ) {
        // The session lets messages through in bound states only.
        let Some(Bound { account, .. }) = self.peer.bound else {
            return;
        };
        let (peer, centre) = self.parts();
        let plan = peer.dice.message(&centre.behaviour);
        let result = match &message {
            Ok(message) => centre.submit(account, plan, message, (peer.number, header.sequence_number), now),
            Err(status) => centre.refuse(*status),
        };
        self.answer(session, inbound, plan, reply(result), now);
    }

    /// Every destination is a message of its own; the response has the id of the first one taken.
    fn submit_multi(
        &mut self,
        session: &mut Session<DeliveryKey>,
        inbound: Inbound,
        header: Header,
        request: &SubmitMultiView<'_>,
        now: Instant,
    ) {
        let Some(Bound { account, .. }) = self.peer.bound else {
            return;
        };
        let (peer, centre) = self.parts();
        let plan = peer.dice.message(&centre.behaviour);
        let mut first = None;
        let mut refused = Vec::new();
        let mut message = Message::of_submit_multi(request);
        for address in request.dest_address.iter() {
            let submitted = match &mut message {
                Ok(message) => message.to(address).and_then(|()| {
                    centre.submit(account, plan, message, (peer.number, header.sequence_number), now)
                }),
                Err(status) => centre.refuse(*status),
            };
            match submitted {
                Ok(number) => first = first.or(Some(number)),
                Err(status) => refused.push(requests::unsuccessful(address, status)),
            }
        }
        let result = match (first, refused.first()) {
            (Some(number), _) => {
                let message_id = centre.behaviour.message_ids.in_responses.write(number);
                Ok(Box::new(SubmitMultiResp {
                    message_id,
                    unsuccess_sme: refused,
                    ..SubmitMultiResp::default()
                }))
            }
            (None, Some(refused)) => Err(refused.error_status_code),
            (None, None) => Err(CommandStatus::ESME_RINVNUMDESTS),
        };
        self.answer(session, inbound, plan, Reply::SubmitMulti(result), now);
    }

    /// Sends an answer now or later, or does what a fault wants instead.
    #[inline]
    fn answer(
        &mut self,
        session: &mut Session<DeliveryKey>,
        inbound: Inbound,
        plan: Plan,
        reply: Reply,
        now: Instant,
    ) {
        match plan.fate {
            Fate::Answered if plan.delay.is_zero() => self.reply(session, inbound, &reply, now),
            Fate::Answered => self.peer.waiting.insert(now + plan.delay, (inbound, reply)),
            Fate::ResponseLost => {
                session.abandon(inbound);
            }
            Fate::LinkCut => {
                self.centre().counters.cuts += 1;
                session.abort();
            }
        }
    }

    #[inline]
    fn reply(&mut self, session: &mut Session<DeliveryKey>, inbound: Inbound, reply: &Reply, now: Instant) {
        let ids = self.centre().behaviour.message_ids.in_responses;
        // Every body fits. A request that was meanwhile answered otherwise needs nothing more.
        let _ = match reply {
            Reply::SubmitSm(Ok(number)) => {
                let id = ids.write(*number);
                let body = SubmitSmRespView {
                    message_id: id.as_bytes(),
                    ..SubmitSmRespView::default()
                };
                session.respond(inbound, CommandStatus::ESME_ROK, &body, now)
            }
            Reply::DataSm(Ok(number)) => {
                let id = ids.write(*number);
                let body = DataSmRespView {
                    message_id: id.as_bytes(),
                    ..DataSmRespView::default()
                };
                session.respond(inbound, CommandStatus::ESME_ROK, &body, now)
            }
            Reply::SubmitMulti(Ok(body)) => session.respond(inbound, CommandStatus::ESME_ROK, &**body, now),
            Reply::SubmitSm(Err(status)) | Reply::DataSm(Err(status)) | Reply::SubmitMulti(Err(status)) => {
                session.respond_empty(inbound, *status, now)
            }
        };
    }

    /// Requests that are no messages: answered at once.
    fn rare_request(
        &mut self,
        session: &mut Session<DeliveryKey>,
        inbound: Inbound,
        header: Header,
        body: PduView<'_>,
        now: Instant,
    ) {
        macro_rules! bind {
            ($request:expr) => {{
                let bind = BindRequest {
                    command_id: header.command_id,
                    system_id: $request.system_id,
                    password: $request.password,
                    version: $request.interface_version,
                };
                return self.bind(session, inbound, &bind, now);
            }};
        }
        let status = match body {
            PduView::BindTransmitter(request) => bind!(request),
            PduView::BindReceiver(request) => bind!(request),
            PduView::BindTransceiver(request) => bind!(request),
            PduView::QuerySm(request) => self.query(session, inbound, &request, now),
            PduView::CancelSm(request) => self.cancel(session, inbound, &request, now),
            PduView::ReplaceSm(request) => self.replace(session, inbound, &request, now),
            _ => {
                // There is no cell broadcast here.
                let status = CommandStatus::ESME_RINVCMDID;
                let _ = session.respond_empty(inbound, status, now);
                status
            }
        };
        let number = self.peer.number;
        let centre = self.centre();
        centre.counters.requests += 1;
        centre.note(now, number, || Seen::Request {
            command_id: header.command_id,
            status,
        });
    }

    fn bind(
        &mut self,
        session: &mut Session<DeliveryKey>,
        inbound: Inbound,
        request: &BindRequest<'_>,
        now: Instant,
    ) {
        let BindRequest {
            command_id,
            system_id,
            password,
            version,
        } = *request;
        let (peer, centre) = self.parts();
        let admitted = match peer.dice.bind(&centre.behaviour) {
            Some(status) => Err(status),
            None => centre.accounts.admit(&centre.behaviour, system_id, password, now),
        };
        let status = admitted.err().unwrap_or(CommandStatus::ESME_ROK);
        centre.note(now, peer.number, || Seen::Bind {
            command_id,
            system_id: requests::text(system_id),
            status,
        });
        match admitted {
            Ok(account) => {
                centre.counters.binds += 1;
                let receives = command_id != CommandId::BIND_TRANSMITTER;
                if receives {
                    centre.accounts.receive(account, peer.id, now);
                }
                peer.bound = Some(Bound { account, receives });
            }
            Err(_) => centre.counters.binds_refused += 1,
        }

        let own_id = COctetString::<16>::try_from(centre.behaviour.system_id.as_str()).unwrap_or_default();
        let system_id = own_id.as_bytes();
        let mut parameters = Tlvs::new();
        if version.value() >= InterfaceVersion::V3_4.value() {
            let ours = agreed_version(InterfaceVersion::V5_0, Some(version));
            // One octet always fits.
            let _ = parameters.put::<tlv::ScInterfaceVersion>(ours);
        }
        let tlvs = parameters.view();
        // Every field fits.
        let _ = match command_id {
            CommandId::BIND_TRANSMITTER => {
                session.respond(inbound, status, &BindTransmitterRespView { system_id, tlvs }, now)
            }
            CommandId::BIND_RECEIVER => {
                session.respond(inbound, status, &BindReceiverRespView { system_id, tlvs }, now)
            }
            _ => session.respond(inbound, status, &BindTransceiverRespView { system_id, tlvs }, now),
        };
    }

    fn query(
        &mut self,
        session: &mut Session<DeliveryKey>,
        inbound: Inbound,
        request: &QuerySmView<'_>,
        now: Instant,
    ) -> CommandStatus {
        let found = self.named(request.message_id, |centre, account, number| {
            centre.store.query(account, number, request.source_addr, now)
        });
        match found {
            Ok(answer) => {
                let final_date = answer.final_date.map(|date| date.to_string()).unwrap_or_default();
                let body = QuerySmRespView {
                    message_id: request.message_id,
                    final_date: final_date.as_bytes(),
                    message_state: answer.state,
                    ..QuerySmRespView::default()
                };
                // Every field fits; what was found had an id of ours.
                let _ = session.respond(inbound, CommandStatus::ESME_ROK, &body, now);
                CommandStatus::ESME_ROK
            }
            Err(status) => {
                let _ = session.respond_empty(inbound, status, now);
                status
            }
        }
    }

    fn cancel(
        &mut self,
        session: &mut Session<DeliveryKey>,
        inbound: Inbound,
        request: &CancelSmView<'_>,
        now: Instant,
    ) -> CommandStatus {
        let CancelSmView {
            service_type,
            message_id,
            source_addr,
            destination_addr,
            ..
        } = *request;
        let cancelled = self.named(message_id, |centre, account, number| {
            let Centre {
                store, deliveries, ..
            } = centre;
            if message_id.is_empty() {
                store.cancel_all(
                    deliveries,
                    account,
                    [source_addr, destination_addr, service_type],
                    now,
                )
            } else {
                store.cancel(deliveries, account, number, source_addr, now)
            }
        });
        let status = cancelled.err().unwrap_or(CommandStatus::ESME_ROK);
        let _ = session.respond(inbound, status, &CancelSmRespView::default(), now);
        status
    }

    fn replace(
        &mut self,
        session: &mut Session<DeliveryKey>,
        inbound: Inbound,
        request: &ReplaceSmView<'_>,
        now: Instant,
    ) -> CommandStatus {
        let ReplaceSmView {
            message_id,
            source_addr,
            short_message,
            ..
        } = *request;
        let replaced = self.named(message_id, |centre, account, number| {
            centre.store.replace(
                &mut centre.deliveries,
                account,
                number,
                source_addr,
                short_message,
                now,
            )
        });
        let status = replaced.err().unwrap_or(CommandStatus::ESME_ROK);
        let _ = session.respond(inbound, status, &ReplaceSmRespView::default(), now);
        status
    }

    /// Does something about a message of this account that a request names.
    fn named<R>(
        &mut self,
        message_id: &[u8],
        act: impl FnOnce(&mut Centre, AccountId, Option<u64>) -> Result<R, CommandStatus>,
    ) -> Result<R, CommandStatus> {
        // The session lets such requests through in bound states only.
        let Some(Bound { account, .. }) = self.peer.bound else {
            return Err(CommandStatus::ESME_RINVBNDSTS);
        };
        let centre = self.centre();
        let number = centre.behaviour.message_ids.in_responses.read(message_id);
        act(centre, account, number)
    }

    /// Sends what waits for the account: its share of it where other links receive too.
    fn deliver(&mut self, session: &mut Session<DeliveryKey>, now: Instant) {
        let Some(Bound {
            account,
            receives: true,
        }) = self.peer.bound
        else {
            return;
        };
        let (peer, centre) = self.parts();
        let waiting = centre.deliveries.ready(account);
        if waiting == 0 {
            return;
        }
        let ids = centre.behaviour.message_ids;
        let share = waiting.div_ceil(centre.accounts.receivers(account).len().max(1));
        for _ in 0..share {
            if !matches!(session.room(now), Room::Now(_)) {
                return;
            }
            let Some((key, content)) = centre.deliveries.take(account) else {
                return;
            };
            let receipt_for = match content {
                Content::Receipt(receipt) => Some(receipt.number),
                Content::Message(_) => None,
            };
            let sent = match content {
                Content::Receipt(receipt) => {
                    let body = peer.receipts.write(receipt, ids, centre.store.clock());
                    session.request(key, &body, now)
                }
                Content::Message(message) => session.request(key, &**message, now),
            };
            match sent {
                Ok(_) => centre.note(now, peer.number, || Seen::Delivered { receipt_for }),
                Err((key, RequestError::Encode(_))) => centre.drop_delivery(key),
                Err((key, _)) => {
                    centre.deliveries.put_back(key);
                    return;
                }
            }
        }
        if centre.deliveries.ready(account) > 0 && matches!(session.room(now), Room::Now(_)) {
            // The other links may have no room for theirs.
            centre.links.wake(peer.id);
        }
    }

    fn settle(&mut self, key: DeliveryKey, status: Option<CommandStatus>, now: Instant) {
        let number = self.peer.number;
        let centre = self.centre();
        centre.note(now, number, || Seen::DeliveryAnswered { status });
        centre.settle(key, status, now);
    }
}
