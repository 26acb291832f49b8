//! What the SMSC delivers, and the answers that are being made.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use actix::dev::RecipientRequest;
use futures_util::StreamExt;
use futures_util::future::{AbortHandle, Abortable};
use futures_util::stream::FuturesUnordered;
use tracing::{debug, warn};

use super::jobs::Ticket;
use crate::events::{
    Answer, Answerer, Asking, Covered, Delivery, DeliveryKind, Event, Hub, Kinds, Lane, Lanes,
};
use crate::pdu::{CommandStatus, DataSmResp, DeliverSmResp};
use crate::session::{Inbound, RespondError, Session};

/// A delivery that waits to be shown to its answerer.
struct Waiting {
    inbound: Inbound,
    delivery: Arc<Delivery>,
}

/// A question that was put.
struct Question {
    inbound: Inbound,
    delivery: Arc<Delivery>,
    answerer: Arc<Answerer<Delivery>>,
    request: Pin<Box<RecipientRequest<Delivery>>>,
}

type Whom = (Arc<Answerer<Delivery>>, Option<Lane>);

/// What there is to know of a question that was put.
struct Asked {
    lane: Option<Lane>,
    /// Nobody waits for it any more.
    abort: AbortHandle,
}

impl Future for Question {
    type Output = (Inbound, Arc<Delivery>, Result<Answer, Arc<Answerer<Delivery>>>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(self.request.as_mut().poll(cx));
        let answer = answer.map_err(|_| self.answerer.clone());
        Poll::Ready((self.inbound, self.delivery.clone(), answer))
    }
}

/// The deliveries of one bind that wait for their answer. The session bounds how many: it answers each at its
/// deadline, and reads no more while too many are open.
pub(super) struct Deliveries {
    hub: Arc<Hub>,
    /// The answer where nobody takes messages.
    unhandled: CommandStatus,
    /// Those that wait for their turn. None whose predecessors are answered, so the oldest of each lane is asked.
    lanes: Lanes<Lane, Waiting>,
    /// By age, which is the order of their deadlines.
    asked: BTreeMap<Inbound, Asked>,
    questions: FuturesUnordered<Abortable<Question>>,
}

impl Deliveries {
    pub(super) fn new(hub: Arc<Hub>, unhandled: CommandStatus) -> Self {
        Self {
            hub,
            unhandled,
            lanes: Lanes::default(),
            asked: BTreeMap::new(),
            questions: FuturesUnordered::new(),
        }
    }

    /// Answers a delivery with what is decided already, or asks who does, and tells those who want to know.
    pub(super) fn handle(
        &mut self,
        session: &mut Session<Ticket>,
        inbound: Inbound,
        delivery: Delivery,
        decided: Option<CommandStatus>,
        now: Instant,
    ) {
        let delivery = Arc::new(delivery);
        if self.hub.wants(Kinds::DELIVERIES) {
            self.hub.emit(Event::Delivery(delivery.clone()));
        }
        let decided = decided.map(Answer::from);
        if let Some(answer) = decided.or_else(|| delivery.is_receipt().then(Answer::ok)) {
            return respond(session, inbound, &delivery, answer, now);
        }
        self.take(session, Waiting { inbound, delivery }, now);
    }

    /// Answers it, asks about it, or lets it wait until those before it are answered.
    fn take(&mut self, session: &mut Session<Ticket>, waiting: Waiting, now: Instant) {
        match self.who_answers(&waiting.delivery) {
            Err(answer) => respond(session, waiting.inbound, &waiting.delivery, answer, now),
            Ok((answerer, None)) => self.ask(answerer, None, waiting),
            Ok((answerer, Some(lane))) => {
                if let Some(waiting) = self.lanes.enter(lane.clone(), waiting) {
                    self.ask(answerer, Some(lane), waiting);
                }
            }
        }
    }

    /// Who is to be asked, and in which lane; the answer where there is nobody to ask.
    fn who_answers(&self, delivery: &Arc<Delivery>) -> Result<Whom, Answer> {
        let (source, destination) = (delivery.source(), delivery.destination());
        let covered = Covered {
            kind: delivery.kind(),
            bind: &delivery.bind,
            account: &delivery.account,
            source: &source,
            destination: &destination,
        };
        match self.hub.who_answers(&covered) {
            Asking::One(answerer) => {
                let lane = answerer.lane(&covered);
                Ok((answerer, lane))
            }
            Asking::Dead => Err(Answer::later()),
            Asking::Nobody => Err(self.hub.answer_unasked(delivery, self.unhandled)),
        }
    }

    fn ask(&mut self, answerer: Arc<Answerer<Delivery>>, lane: Option<Lane>, waiting: Waiting) {
        let Waiting { inbound, delivery } = waiting;
        let question = Question {
            request: Box::pin(answerer.ask(delivery.as_ref().clone())),
            inbound,
            delivery,
            answerer,
        };
        let (abort, registration) = AbortHandle::new_pair();
        self.questions.push(Abortable::new(question, registration));
        self.asked.insert(inbound, Asked { lane, abort });
    }

    /// Puts answers that became ready into the session; true when there were any.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, session: &mut Session<Ticket>, now: Instant) -> bool {
        let mut answered = false;
        if self.asked.is_empty() {
            return false;
        }
        self.give_up_overdue(session, now);
        while let Poll::Ready(Some(question)) = self.questions.poll_next_unpin(cx) {
            // An error is one that was given up: its handler does not even see it if it waits in the mailbox.
            let Ok((inbound, delivery, answer)) = question else {
                continue;
            };
            let answer = answer.unwrap_or_else(|answerer| {
                // The SMSC keeps the message.
                answerer.handle_failed(&delivery.bind, &self.hub);
                Answer::later()
            });
            respond(session, inbound, &delivery, answer, now);
            answered = true;
            if let Some(asked) = self.asked.remove(&inbound) {
                self.go_on(session, asked.lane, now);
            }
        }
        answered
    }

    /// Gives up the questions that the session has answered at their deadline, and puts those that waited behind.
    fn give_up_overdue(&mut self, session: &mut Session<Ticket>, now: Instant) {
        while let Some(oldest) = self.asked.first_entry()
            && !session.is_owed(*oldest.key())
        {
            let Asked { lane, abort } = oldest.remove();
            abort.abort();
            self.go_on(session, lane, now);
        }
    }

    /// A lane is free: what comes next in it has its turn, unless its own deadline has passed.
    fn go_on(&mut self, session: &mut Session<Ticket>, lane: Option<Lane>, now: Instant) {
        let Some(lane) = lane else { return };
        while let Some(next) = self.lanes.leave(&lane) {
            if !session.is_owed(next.inbound) {
                continue;
            }
            // Decided anew: the answerer may be dead or dismissed by now.
            match self.who_answers(&next.delivery) {
                Ok((answerer, Some(same))) if same == lane => return self.ask(answerer, Some(lane), next),
                _ => self.take(session, next, now),
            }
        }
    }

    /// The link is gone: nobody is left to answer.
    pub(super) fn clear(&mut self) {
        self.lanes.clear();
        self.asked.clear();
        self.questions.clear();
    }
}

fn respond(
    session: &mut Session<Ticket>,
    inbound: Inbound,
    delivery: &Delivery,
    answer: Answer,
    now: Instant,
) {
    let Answer {
        status,
        message_id,
        tlvs,
    } = answer;
    let answered = match delivery.kind() {
        DeliveryKind::DeliverSm => session.respond(inbound, status, &DeliverSmResp { message_id, tlvs }, now),
        DeliveryKind::DataSm => session.respond(inbound, status, &DataSmResp { message_id, tlvs }, now),
    };
    match answered {
        Ok(()) => {}
        // At its deadline, with the status for that.
        Err(RespondError::AlreadyAnswered) => debug!("answer came too late"),
        Err(error) => {
            warn!(bind = %delivery.bind, %error, "an answer that cannot be written; only its status is");
            // What has no body always fits.
            let _ = session.respond_empty(inbound, status, now);
        }
    }
}
