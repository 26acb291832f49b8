//! The messages of one account: parts put together, and whoever answers messages asked.
//!
//! Its binds share it, because the parts of a message may come on several. What they deliver either has its answer at
//! once, or waits for one that comes through a channel: when the message is whole and its answerer took it. The
//! channel closes when the bind has answered at the deadline, or its link is gone; what nobody waits for any more is
//! not put to an answerer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Context;
use std::time::{Duration, Instant};

use futures_util::task::AtomicWaker;
use tokio::sync::oneshot;

use super::answerers::Asking;
use super::courier::{self, Courier, Step};
use super::docket::{Docket, Entry, Reply};
use super::{Answer, Delivery, Event, Hub, InboundMessage, Kinds};
use crate::pdu::CommandStatus;
use crate::sm::{JoinKey, JoinLimits, Joined, Joiner, Joining, Parties};
use crate::submit::{AccountId, BindId};

/// About what a part takes besides the octets that it says and its frame.
const OVERHEAD: usize = 1_024;

/// What a bind wants of the answers to its deliveries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// How long an answer may take.
    pub(crate) patience: Duration,
    /// Parts are answered when their message is whole, not each on arrival.
    pub(crate) whole: bool,
    /// The answer where nobody takes messages.
    pub(crate) unhandled: CommandStatus,
}

/// What a delivery is answered with.
pub(crate) enum Verdict {
    Now(Answer),
    Later(oneshot::Receiver<Answer>),
}

/// What is kept with each part.
struct Part {
    delivery: Arc<Delivery>,
    /// Who waits for its answer: its bind, and those on which it came again.
    replies: Vec<Reply>,
    /// None for one that is answered elsewhere.
    terms: Option<Terms>,
}

/// The messages of one account.
pub struct Inbox {
    account: AccountId,
    pub(super) hub: Arc<Hub>,
    state: Mutex<State>,
    /// Of the courier.
    pub(super) waker: AtomicWaker,
}

struct State {
    limits: JoinLimits,
    joiner: Joiner<Part>,
    docket: Docket,
    closed: bool,
}

/// What an inbox holds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct InboxSizes {
    /// Messages of which parts are missing.
    pub incomplete: usize,
    /// Octets that their parts take.
    pub octets: usize,
    /// Messages that wait for their answerer, or for its answer.
    pub unanswered: usize,
}

impl Inbox {
    /// The account.
    pub(crate) const fn account(&self) -> &AccountId {
        &self.account
    }

    /// An empty inbox for an account. Its [`courier`](Self::courier) must be spawned.
    #[must_use]
    pub fn new(account: AccountId, limits: JoinLimits, hub: Arc<Hub>) -> Arc<Self> {
        let limits = with_overhead(limits);
        Arc::new(Self {
            account,
            hub,
            state: Mutex::new(State {
                limits,
                joiner: Joiner::new(limits).weighing(|part: &Part| part.delivery.frame.len()),
                docket: Docket::default(),
                closed: false,
            }),
            waker: AtomicWaker::new(),
        })
    }

    /// Other limits from now on; what waits keeps its time.
    pub fn set_limits(&self, limits: JoinLimits) {
        let limits = with_overhead(limits);
        let mut state = self.lock();
        state.limits = limits;
        state.joiner.set_limits(limits);
    }

    /// What it holds.
    #[must_use]
    pub fn sizes(&self) -> InboxSizes {
        let state = self.lock();
        InboxSizes {
            incomplete: state.joiner.incomplete(),
            octets: state.joiner.octets(),
            unanswered: state.docket.len(),
        }
    }

    /// True when messages are put together: somebody takes them.
    fn is_used(&self) -> bool {
        self.hub.wants(Kinds::MESSAGES) || self.hub.are_messages_answered()
    }

    /// Takes in a delivery that is answered elsewhere.
    pub(crate) fn observe(&self, delivery: &Arc<Delivery>, now: Instant) {
        if !self.hub.wants(Kinds::MESSAGES) {
            return;
        }
        match key(delivery) {
            None => self.emit(&Arc::new(InboundMessage::single(delivery.clone()))),
            Some(key) => {
                let mut state = self.lock();
                let part = Part {
                    delivery: delivery.clone(),
                    replies: Vec::new(),
                    terms: None,
                };
                self.join(&mut state, &key, part, now);
                self.waker.wake();
            }
        }
    }

    /// Takes in a delivery that is no receipt, and says what it is answered with.
    pub(crate) fn handle(&self, delivery: &Arc<Delivery>, terms: Terms, now: Instant) -> Verdict {
        if !self.is_used() {
            return Verdict::Now(self.hub.answer_unasked(delivery, terms.unhandled));
        }
        let Some(key) = key(delivery) else {
            return self.handle_single(delivery, terms, now);
        };
        let (source, destination) = (delivery.source(), delivery.destination());
        match self
            .hub
            .who_answers_messages(&delivery.covered(&source, &destination))
        {
            Asking::Dead => return Verdict::Now(Answer::later()),
            Asking::Nobody => {
                let answer = self.hub.answer_unasked(delivery, terms.unhandled);
                if !answer.status.is_ok() {
                    return Verdict::Now(answer);
                }
            }
            Asking::One(_) => {}
        }
        let mut state = self.lock();
        if state.closed || !terms.whole && state.docket.promises_enough(state.limits) {
            // What is acknowledged cannot be given back, so there must not be too much of it.
            return Verdict::Now(Answer::later());
        }
        let (reply, answer) = oneshot::channel();
        let part = Part {
            delivery: delivery.clone(),
            replies: terms.whole.then_some(reply).into_iter().collect(),
            terms: Some(terms),
        };
        self.join(&mut state, &key, part, now);
        self.waker.wake();
        if terms.whole {
            Verdict::Later(answer)
        } else {
            Verdict::Now(Answer::ok())
        }
    }

    fn handle_single(&self, delivery: &Arc<Delivery>, terms: Terms, now: Instant) -> Verdict {
        let message = Arc::new(InboundMessage::single(delivery.clone()));
        let (source, destination) = (message.source(), message.destination());
        let covered = message.covered(&source, &destination);
        let asking = self.hub.who_answers_messages(&covered);
        if !matches!(asking, Asking::Dead) {
            self.emit(&message);
        }
        match asking {
            // It comes again.
            Asking::Dead => Verdict::Now(Answer::later()),
            Asking::Nobody => Verdict::Now(self.hub.answer_message(&message, terms.unhandled)),
            Asking::One(answerer) => {
                let lane = answerer.lane(&covered);
                let (reply, answer) = oneshot::channel();
                let entry = Entry {
                    message: message.clone(),
                    key: None,
                    replies: vec![reply],
                    patience: terms.patience,
                    unhandled: terms.unhandled,
                };
                let mut state = self.lock();
                if state.closed {
                    return Verdict::Now(Answer::later());
                }
                state.docket.enter(entry, answerer, lane, now);
                self.waker.wake();
                Verdict::Later(answer)
            }
        }
    }

    /// Puts a part to the others of its message; what becomes whole by it is settled.
    fn join(&self, state: &mut State, key: &JoinKey, part: Part, now: Instant) {
        let delivery = part.delivery.clone();
        let held = part.terms.filter(|terms| terms.whole);
        let deadline = held.map(|terms| now + terms.patience);
        let (source, destination) = (delivery.source(), delivery.destination());
        let parties = parties(&delivery, &source, &destination);
        let content = delivery.content();
        match state.joiner.handle_until(deadline, &parties, &content, part, now) {
            Joining::Waiting => {}
            // What has a key is a part of something longer.
            Joining::Single(_) => {}
            Joining::Duplicate(mut part) => {
                let sequence = content.content().part.map_or(0, |part| part.sequence);
                if let Some(first) = state.joiner.token_mut(key, sequence) {
                    first.replies.append(&mut part.replies);
                } else if !state
                    .docket
                    .attach(key, &mut part.replies, deadline.unwrap_or(now))
                {
                    // It was taken; the peer does not know yet.
                    answer_all(part.replies, &Answer::ok());
                }
            }
            Joining::Complete(joined) => self.settle(state, joined, Some((key, &delivery.bind)), now),
        }
        self.settle_incomplete(state, now);
    }

    /// Settles what was given up, for its time or for want of room.
    fn settle_incomplete(&self, state: &mut State, now: Instant) {
        while let Some(joined) = state.joiner.poll_incomplete() {
            self.settle(state, joined, None, now);
        }
    }

    /// A message will not get any more parts: tells of it, and asks its answerer or answers its parts.
    fn settle(
        &self,
        state: &mut State,
        mut joined: Joined<Part>,
        whole: Option<(&JoinKey, &BindId)>,
        now: Instant,
    ) {
        let mut replies = Vec::new();
        let mut patience = None;
        let mut unhandled = CommandStatus::ESME_ROK;
        for part in joined.parts.iter_mut().flatten() {
            replies.append(&mut part.token.replies);
            if let Some(terms) = part.token.terms {
                patience = patience.max(Some(terms.patience));
                unhandled = terms.unhandled;
            }
        }
        let last = whole.map(|(_, bind)| bind);
        let Some(message) = InboundMessage::joined(&joined, last, |part| part.delivery.clone()) else {
            return;
        };
        let message = Arc::new(message);
        self.emit(&message);
        // None when all of it is answered elsewhere.
        let Some(patience) = patience else { return };
        let (source, destination) = (message.source(), message.destination());
        let covered = message.covered(&source, &destination);
        let answer = match self.hub.who_answers_messages(&covered) {
            Asking::One(answerer) => {
                let lane = answerer.lane(&covered);
                let entry = Entry {
                    message: message.clone(),
                    key: whole.map(|(key, _)| key.clone()),
                    replies,
                    patience,
                    unhandled,
                };
                return state.docket.enter(entry, answerer, lane, now);
            }
            Asking::Dead => Answer::later(),
            // Where its parts were acknowledged this reaches nobody, and raises the alarm all the same.
            Asking::Nobody => self.hub.answer_message(&message, unhandled),
        };
        if let Some((key, _)) = whole.filter(|_| !answer.status.is_ok() && !replies.is_empty()) {
            state.joiner.forget(key);
        }
        answer_all(replies, &answer);
    }

    fn emit(&self, message: &Arc<InboundMessage>) {
        if self.hub.wants(Kinds::MESSAGES) {
            self.hub.emit(Event::Message(message.clone()));
        }
    }

    /// Ends what waits: incomplete messages are told of as they are, and what was acknowledged is shown to its
    /// answerer. Nothing comes in any more.
    pub fn close(&self) {
        let now = courier::now();
        let mut state = self.lock();
        state.closed = true;
        state.joiner.close();
        self.settle_incomplete(&mut state, now);
        state.docket.close(&self.hub, now);
        self.waker.wake();
    }

    /// Does what there is to do; then, when there will be more.
    pub(super) fn poll(&self, cx: &mut Context<'_>, now: Instant) -> Step {
        let mut state = self.lock();
        state.joiner.handle_timeout(now);
        self.settle_incomplete(&mut state, now);
        state.docket.poll(cx, &self.hub, now);
        for key in state.docket.take_refused() {
            state.joiner.forget(&key);
        }
        if state.closed && state.docket.len() == 0 {
            return Step::End;
        }
        let deadlines = [state.joiner.poll_timeout(), state.docket.poll_timeout()];
        Step::Sleep(deadlines.into_iter().flatten().min())
    }

    /// What carries answers to the binds and gives up what waits too long: to be spawned once. Ends when the inbox is
    /// closed and everything is answered, or has had its time.
    #[must_use]
    pub fn courier(self: &Arc<Self>) -> Courier {
        Courier::new(self.clone())
    }

    // Nothing in here panics while it holds the lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Inbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbox")
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

fn with_overhead(limits: JoinLimits) -> JoinLimits {
    JoinLimits {
        overhead: OVERHEAD,
        ..limits
    }
}

fn parties<'a>(delivery: &'a Delivery, source: &'a str, destination: &'a str) -> Parties<'a> {
    Parties {
        account: delivery.account.as_str(),
        source: source.as_bytes(),
        destination: destination.as_bytes(),
    }
}

/// None for a message that is no part of a longer one.
fn key(delivery: &Delivery) -> Option<JoinKey> {
    let (source, destination) = (delivery.source(), delivery.destination());
    JoinKey::of(&parties(delivery, &source, &destination), &delivery.content())
}

fn answer_all(replies: Vec<Reply>, answer: &Answer) {
    for reply in replies {
        let _ = reply.send(answer.clone()); // its bind has answered at the deadline, or lost its link
    }
}
