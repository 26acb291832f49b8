//! One link of an SMSC: answers its requests and gives it what its account is owed.

mod messages;
mod operations;

use std::sync::MutexGuard;
use std::time::{Duration, Instant};

use super::behaviour::Behaviour;
use super::centre::Centre;
use super::deliveries::{AccountId, Content, DeliveryKey};
use super::dice::Dice;
use super::faults::OddResponse;
use super::links::LinkId;
use super::manner::{Manner, Silence};
use super::receipt::Writer;
use super::schedule::Schedule;
use super::serve::Shared;
use super::witness::Seen;
use crate::link::{LinkHandler, Transport};
use crate::pdu::{CommandStatus, SequenceNumber, SubmitMultiResp};
use crate::session::{Event, Inbound, Limits, RequestError, Room, Session, SessionConfig, Side, Unresolved};

/// Requests wait as long as their delay says; the session's own deadline for answers is out of the way.
const NO_DEADLINE: Duration = Duration::from_secs(365 * 86_400);

/// What an SMSC knows about one link.
pub(super) struct Peer {
    id: LinkId,
    /// Counted over the life of the SMSC.
    number: u64,
    dice: Dice,
    bound: Option<Bound>,
    waiting: Schedule<Answer>,
    /// An answer that lets the next one go first, and until when at most.
    held: Option<(Instant, Answer)>,
    /// Has the link fall silent.
    silence: Option<Silence>,
    receipts: Writer,
    has_unbound: bool,
}

#[derive(Clone, Copy)]
struct Bound {
    account: AccountId,
    receives: bool,
}

/// An answer, and how it is sent.
struct Answer {
    inbound: Inbound,
    sequence_number: SequenceNumber,
    reply: Reply,
    odd: Option<OddResponse>,
    doubled: bool,
}

/// The answer to a message.
enum Reply {
    SubmitSm(Result<u64, CommandStatus>),
    DataSm(Result<u64, CommandStatus>),
    SubmitMulti(Result<Box<SubmitMultiResp>, CommandStatus>),
}

impl Peer {
    /// A new connection, what it is served over, and how its octets go; none when there are too many.
    pub(super) fn open(
        centre: &mut Centre,
        transport: Transport,
        now: Instant,
    ) -> Option<(Self, Transport, Manner)> {
        let (id, number, dice, manner) = centre.open(now)?;
        let (transport, silence) = manner.wrap(transport);
        let peer = Self {
            id,
            number,
            dice,
            bound: None,
            waiting: Schedule::new(),
            held: None,
            silence,
            receipts: Writer::default(),
            has_unbound: false,
        };
        Some((peer, transport, manner))
    }

    /// The session on this connection.
    pub(super) fn session(&self, behaviour: &Behaviour, now: Instant) -> Session<DeliveryKey> {
        let limits = &behaviour.limits;
        let config = SessionConfig {
            window: limits.window,
            response_timeout: limits.response_timeout,
            enquire_link_interval: limits.enquire_link,
            session_init_timeout: Some(limits.session_init),
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
            while let Some(answer) = self.peer.waiting.pop_due(now) {
                self.reply(session, &answer, now);
            }
            if let Some((_, held)) = self.peer.held.take_if(|(due, _)| *due <= now) {
                self.reply(session, &held, now);
            }
            self.deliver(session, now);
        }
        if let Some(mut centre) = self.centre.take() {
            centre.keep();
            centre.rouse();
        }
        let held = self.peer.held.as_ref().map(|(due, _)| *due);
        self.peer.waiting.next_due().into_iter().chain(held).min()
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
