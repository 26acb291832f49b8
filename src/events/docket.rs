//! Whole messages that wait for what their answerer says.

use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use actix::dev::RecipientRequest;
use futures_util::StreamExt;
use futures_util::future::{AbortHandle, Abortable};
use futures_util::stream::FuturesUnordered;
use tokio::sync::oneshot;

use super::answerers::{Answerer, Asking, Lane};
use super::lanes::Lanes;
use super::{Answer, Hub, InboundMessage};
use crate::pdu::CommandStatus;
use crate::sm::{JoinKey, JoinLimits};

/// The way back to a bind that owes a response. Closed when that was given at the deadline, or the link is gone.
pub(super) type Reply = oneshot::Sender<Answer>;

/// The messages of an account whose answerer has not answered.
#[derive(Default)]
pub(super) struct Docket {
    open: HashMap<u64, Open>,
    /// Which of them is made of the parts of a key.
    by_key: HashMap<JoinKey, u64>,
    /// Those that wait for their turn.
    lanes: Lanes<Lane, u64>,
    deadlines: BTreeSet<(Instant, u64)>,
    questions: FuturesUnordered<Abortable<Question>>,
    /// How many are promised.
    promised: usize,
    /// The octets that these hold.
    promised_octets: usize,
    /// What is promised waits no longer than its patience.
    closed: bool,
    next: u64,
    /// Whose parts will come again.
    refused: Vec<JoinKey>,
}

/// A message that is to be answered.
pub(super) struct Entry {
    pub(super) message: Arc<InboundMessage>,
    /// By which its parts would come again.
    pub(super) key: Option<JoinKey>,
    /// None where its parts were acknowledged before. Then it is promised: shown to its answerer, however long that
    /// takes.
    pub(super) replies: Vec<Reply>,
    /// How long others of its lane wait for it: from when it came, as its binds do; if it is promised, from when it
    /// is shown.
    pub(super) patience: Duration,
    /// The answer where nobody takes it.
    pub(super) unhandled: CommandStatus,
}

struct Open {
    entry: Entry,
    answerer: Arc<Answerer<InboundMessage>>,
    /// None where others do not wait for it, or not any more.
    lane: Option<Lane>,
    promised: bool,
    /// When its patience is over, if that has begun.
    deadline: Option<Instant>,
    /// It was put, and can be taken back.
    asked: Option<AbortHandle>,
}

/// A question that was put.
struct Question {
    number: u64,
    request: Pin<Box<RecipientRequest<InboundMessage>>>,
}

impl Future for Question {
    type Output = (u64, Option<Answer>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(self.request.as_mut().poll(cx));
        Poll::Ready((self.number, answer.ok()))
    }
}

impl Docket {
    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// True when as many of them as may be were acknowledged before, or as large ones.
    pub(super) fn promises_enough(&self, limits: JoinLimits) -> bool {
        self.promised >= limits.messages.max(1) || self.promised_octets >= limits.octets.max(1)
    }

    /// Puts a message to its answerer when it has its turn.
    pub(super) fn enter(
        &mut self,
        entry: Entry,
        answerer: Arc<Answerer<InboundMessage>>,
        lane: Option<Lane>,
        now: Instant,
    ) {
        let number = self.next;
        self.next += 1;
        let promised = entry.replies.is_empty();
        if promised {
            self.promised += 1;
            self.promised_octets += entry.message.held();
        }
        let deadline = (!promised).then(|| now + entry.patience);
        if let Some(key) = &entry.key {
            self.by_key.insert(key.clone(), number);
        }
        let turn = match &lane {
            Some(lane) => self.lanes.enter(lane.clone(), number),
            None => Some(number),
        };
        let open = Open {
            entry,
            answerer,
            lane,
            promised,
            deadline: None,
            asked: None,
        };
        self.open.insert(number, open);
        self.set_deadline(number, deadline);
        if turn.is_some() {
            self.ask(number, now);
        }
    }

    /// A part of a message came again: its bind waits for the same answer. False when the message is not open.
    pub(super) fn attach(&mut self, key: &JoinKey, replies: &mut Vec<Reply>, deadline: Instant) -> bool {
        let number = self.by_key.get(key).copied();
        let open = number.and_then(|number| Some((number, self.open.get_mut(&number)?)));
        let Some((number, open)) = open else { return false };
        open.entry.replies.append(replies);
        if let Some(earlier) = open.deadline {
            self.set_deadline(number, Some(deadline.max(earlier)));
        }
        true
    }

    fn set_deadline(&mut self, number: u64, deadline: Option<Instant>) {
        let Some(open) = self.open.get_mut(&number) else {
            return;
        };
        if let Some(before) = std::mem::replace(&mut open.deadline, deadline) {
            self.deadlines.remove(&(before, number));
        }
        self.deadlines.extend(deadline.map(|deadline| (deadline, number)));
    }

    fn ask(&mut self, number: u64, now: Instant) {
        let Some(open) = self.open.get_mut(&number) else {
            return;
        };
        let request = Box::pin(open.answerer.ask(open.entry.message.as_ref().clone()));
        let (abort, registration) = AbortHandle::new_pair();
        open.asked = Some(abort);
        self.questions
            .push(Abortable::new(Question { number, request }, registration));
        if open.promised {
            let deadline = now + open.entry.patience;
            self.set_deadline(number, Some(deadline));
        }
    }

    /// Tells binds what was answered, and puts what comes next.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, hub: &Hub, now: Instant) {
        self.handle_timeout(hub, now);
        while let Poll::Ready(Some(question)) = self.questions.poll_next_unpin(cx) {
            let Ok((number, answer)) = question else { continue };
            if answer.is_none()
                && let Some(open) = self.open.get(&number)
            {
                open.answerer.handle_failed(open.entry.message.first(), hub);
            }
            let lane = self.conclude(number, &answer.unwrap_or_else(Answer::later));
            self.go_on(lane, hub, now);
        }
    }

    /// When [`Docket::poll`] has something to do although nobody answered.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Keys of messages that were refused since the last call.
    pub(super) fn take_refused(&mut self) -> Vec<JoinKey> {
        std::mem::take(&mut self.refused)
    }

    /// Shows what is promised now, in whatever lane it waits: there is no later. Its patience begins anew, and with that
    /// everything ends. What nobody waits for any more comes again elsewhere.
    pub(super) fn close(&mut self, hub: &Hub, now: Instant) {
        self.closed = true;
        let is_left = |open: &Open| !open.promised && open.entry.replies.iter().all(Reply::is_closed);
        let open = self.open.iter();
        let mut left: Vec<_> = open
            .filter(|(_, open)| is_left(open))
            .map(|(number, open)| (*number, open.asked.is_some()))
            .collect();
        left.sort_unstable();
        for (number, was_asked) in left {
            let lane = self.conclude(number, &Answer::later());
            self.go_on(lane.filter(|_| was_asked), hub, now);
        }
        let mut promised: Vec<_> = self
            .open
            .iter()
            .filter(|(_, open)| open.promised)
            .map(|(number, open)| (*number, open.asked.is_some(), now + open.entry.patience))
            .collect();
        promised.sort_unstable();
        for (number, was_asked, deadline) in promised {
            match was_asked {
                true => self.set_deadline(number, Some(deadline)),
                false => self.ask(number, now),
            }
        }
    }

    /// Ends one with what its binds are told; the lane in which others waited for it.
    fn conclude(&mut self, number: u64, answer: &Answer) -> Option<Lane> {
        let open = self.open.remove(&number)?;
        if open.promised {
            self.promised -= 1;
            self.promised_octets -= open.entry.message.held();
        }
        if let Some(deadline) = open.deadline {
            self.deadlines.remove(&(deadline, number));
        }
        let Entry { key, replies, .. } = open.entry;
        if let Some(abort) = open.asked {
            abort.abort();
        }
        // A later message may have the same key by now.
        if let Some(key) = key
            && self.by_key.get(&key) == Some(&number)
        {
            self.by_key.remove(&key);
            if !answer.status.is_ok() && !open.promised {
                self.refused.push(key);
            }
        }
        for reply in replies {
            let _ = reply.send(answer.clone()); // its bind has answered at the deadline, or lost its link
        }
        open.lane
    }

    fn handle_timeout(&mut self, hub: &Hub, now: Instant) {
        while let Some((deadline, number)) = self.deadlines.first().copied()
            && deadline <= now
        {
            self.deadlines.pop_first();
            let Some(open) = self.open.get_mut(&number) else {
                continue;
            };
            open.deadline = None;
            let was_asked = open.asked.is_some();
            let lane = if open.promised && !self.closed {
                // The handler keeps the question; only the others go on.
                was_asked.then(|| open.lane.take()).flatten()
            } else {
                let lane = self.conclude(number, &Answer::later());
                lane.filter(|_| was_asked)
            };
            self.go_on(lane, hub, now);
        }
    }

    /// A lane is free: what comes next in it has its turn, unless nobody waits for it any more.
    fn go_on(&mut self, lane: Option<Lane>, hub: &Hub, now: Instant) {
        let Some(lane) = lane else { return };
        while let Some(number) = self.lanes.leave(&lane) {
            // Gone, or shown out of turn.
            let Some(open) = self.open.get(&number).filter(|open| open.asked.is_none()) else {
                continue;
            };
            if !open.promised && open.entry.replies.iter().all(Reply::is_closed) {
                self.conclude(number, &Answer::later());
                continue;
            }
            // Decided anew: the answerer may be dead or dismissed by now.
            let (message, unhandled) = (open.entry.message.clone(), open.entry.unhandled);
            let (source, destination) = (message.source(), message.destination());
            let covered = message.covered(&source, &destination);
            match hub.who_answers_messages(&covered) {
                Asking::One(answerer) => {
                    let other = answerer.lane(&covered);
                    let goes_on = other.as_ref() == Some(&lane);
                    let has_turn = match &other {
                        Some(other) if !goes_on => self.lanes.enter(other.clone(), number).is_some(),
                        _ => true,
                    };
                    if let Some(open) = self.open.get_mut(&number) {
                        open.answerer = answerer;
                        open.lane = other;
                    }
                    if has_turn {
                        self.ask(number, now);
                    }
                    if goes_on {
                        return;
                    }
                }
                Asking::Dead => drop(self.conclude(number, &Answer::later())),
                Asking::Nobody => {
                    let answer = hub.answer_message(&message, unhandled);
                    self.conclude(number, &answer);
                }
            }
        }
    }
}
