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
use tokio::sync::oneshot;
use tracing::{debug, warn};

use super::jobs::Ticket;
use crate::events::{
    Answer, Answerer, Asking, Delivery, DeliveryKind, Event, Hub, Inbox, Kinds, Lane, Lanes, Terms, Verdict,
};
use crate::pdu::{CommandStatus, DataSmResp, DeliverSmResp};
use crate::session::{Inbound, RespondError, Session};
use crate::settings::{BindSettings, PartsAnswered};

/// A delivery that waits to be shown to its answerer.
struct Waiting {
    inbound: Inbound,
    delivery: Arc<Delivery>,
}

/// A question that was put.
struct Question {
    inbound: Inbound,
    delivery: Arc<Delivery>,
    answer: Awaited,
}

/// Where the answer comes from.
enum Awaited {
    /// An answerer of deliveries.
    Answerer(Arc<Answerer<Delivery>>, Pin<Box<RecipientRequest<Delivery>>>),
    /// The inbox, which asks an answerer of messages.
    Inbox(oneshot::Receiver<Answer>),
}

/// What came of a question.
enum Said {
    /// An answerer of deliveries answered.
    Answerer(Answer),
    /// It did not: it is gone, or fell.
    Nothing(Arc<Answerer<Delivery>>),
    /// The inbox answered, which tells itself of what it takes.
    Inbox(Answer),
}

/// What there is to know of a question that was put.
struct Asked {
    lane: Option<Lane>,
    /// What an answerer of deliveries was asked about, where one that is answered at its deadline does not come again.
    overdue: Option<Arc<Delivery>>,
    /// Nobody waits for it any more.
    abort: AbortHandle,
}

impl Future for Question {
    type Output = (Inbound, Arc<Delivery>, Said);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let said = match &mut self.answer {
            Awaited::Answerer(answerer, request) => match ready!(request.as_mut().poll(cx)) {
                Ok(answer) => Said::Answerer(answer),
                Err(_) => Said::Nothing(answerer.clone()),
            },
            Awaited::Inbox(answer) => {
                let answer = ready!(Pin::new(answer).poll(cx));
                Said::Inbox(answer.unwrap_or_else(|_| Answer::later()))
            }
        };
        Poll::Ready((self.inbound, self.delivery.clone(), said))
    }
}

/// The deliveries of one bind that wait for their answer. The session bounds how many: it answers each at its
/// deadline, and reads no more while too many are open.
pub(super) struct Deliveries {
    hub: Arc<Hub>,
    inbox: Arc<Inbox>,
    terms: Terms,
    /// Those that wait for their turn. None whose predecessors are answered, so the oldest of each lane is asked.
    lanes: Lanes<Lane, Waiting>,
    /// By age, which is the order of their deadlines.
    asked: BTreeMap<Inbound, Asked>,
    /// A delivery that is answered at its deadline does not come again.
    takes_overdue: bool,
    /// Made for the first one: most binds are never asked.
    questions: Option<FuturesUnordered<Abortable<Question>>>,
}

impl Deliveries {
    pub(super) fn new(hub: Arc<Hub>, inbox: Arc<Inbox>, settings: &BindSettings) -> Self {
        Self {
            hub,
            inbox,
            terms: Terms {
                patience: settings.answer_timeout,
                whole: settings.parts_answered == PartsAnswered::Whole,
                unhandled: settings.unhandled_answer,
            },
            lanes: Lanes::default(),
            asked: BTreeMap::new(),
            takes_overdue: settings.default_answer.is_ok(),
            questions: None,
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
        if delivery.is_receipt() {
            let answer = decided.map_or_else(Answer::ok, Answer::from);
            respond(session, inbound, &delivery, answer, now);
            return;
        }
        if let Some(status) = decided {
            if respond(session, inbound, &delivery, status.into(), now) && status.is_ok() {
                self.inbox.observe(&delivery, now);
            }
            return;
        }
        self.take(session, Waiting { inbound, delivery }, now);
    }

    /// Answers it, asks about it, or lets it wait until those before it are answered.
    fn take(&mut self, session: &mut Session<Ticket>, waiting: Waiting, now: Instant) {
        let answer = match self.who_answers(&waiting.delivery) {
            Asking::One((answerer, lane)) => {
                let turn = match &lane {
                    Some(lane) => self.lanes.enter(lane.clone(), waiting),
                    None => Some(waiting),
                };
                if let Some(waiting) = turn {
                    self.ask(answerer, lane, waiting);
                }
                return;
            }
            Asking::Dead => Answer::later(),
            Asking::Nobody => match self.inbox.handle(&waiting.delivery, self.terms, now) {
                Verdict::Now(answer) => answer,
                Verdict::Later(answer) => return self.wait(Awaited::Inbox(answer), None, waiting),
            },
        };
        respond(session, waiting.inbound, &waiting.delivery, answer, now);
    }

    /// Who is to be asked, and in which lane.
    fn who_answers(&self, delivery: &Delivery) -> Asking<(Arc<Answerer<Delivery>>, Option<Lane>)> {
        let (source, destination) = (delivery.source(), delivery.destination());
        let covered = delivery.covered(&source, &destination);
        self.hub.who_answers(&covered).map(|answerer| {
            let lane = answerer.lane(&covered);
            (answerer, lane)
        })
    }

    fn ask(&mut self, answerer: Arc<Answerer<Delivery>>, lane: Option<Lane>, waiting: Waiting) {
        let request = Box::pin(answerer.ask(waiting.delivery.as_ref().clone()));
        self.wait(Awaited::Answerer(answerer, request), lane, waiting);
    }

    fn wait(&mut self, answer: Awaited, lane: Option<Lane>, waiting: Waiting) {
        let Waiting { inbound, delivery } = waiting;
        let question = Question {
            inbound,
            delivery,
            answer,
        };
        let is_own = matches!(question.answer, Awaited::Answerer(..));
        let overdue = (is_own && self.takes_overdue).then(|| question.delivery.clone());
        let (abort, registration) = AbortHandle::new_pair();
        let questions = self.questions.get_or_insert_default();
        questions.push(Abortable::new(question, registration));
        let asked = Asked { lane, overdue, abort };
        self.asked.insert(inbound, asked);
    }

    /// Puts answers that became ready into the session; true when there were any.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, session: &mut Session<Ticket>, now: Instant) -> bool {
        let mut answered = false;
        if self.asked.is_empty() {
            return false;
        }
        self.give_up_overdue(session, now);
        while let Some(questions) = &mut self.questions
            && let Poll::Ready(Some(question)) = questions.poll_next_unpin(cx)
        {
            // An error is one that was given up: its handler does not even see it if it waits in the mailbox.
            let Ok((inbound, delivery, said)) = question else {
                continue;
            };
            let is_taken = matches!(&said, Said::Answerer(answer) if answer.status.is_ok());
            let answer = match said {
                Said::Answerer(answer) | Said::Inbox(answer) => answer,
                Said::Nothing(answerer) => {
                    answerer.handle_failed(&delivery, &self.hub);
                    // The SMSC keeps the message.
                    Answer::later()
                }
            };
            let in_time = respond(session, inbound, &delivery, answer, now);
            answered = true;
            if in_time && is_taken {
                // Only now: what is not taken comes again.
                self.inbox.observe(&delivery, now);
            }
            if let Some(asked) = self.asked.remove(&inbound) {
                if !in_time {
                    self.observe_overdue(asked.overdue, now);
                }
                self.go_on(session, asked.lane, now);
            }
        }
        answered
    }

    /// True while deliveries wait behind questions that were put.
    pub(super) fn expects_answer(&self) -> bool {
        !self.lanes.is_empty()
    }

    /// Gives up the questions that the session has answered at their deadline, and puts those that waited behind.
    fn give_up_overdue(&mut self, session: &mut Session<Ticket>, now: Instant) {
        while let Some(oldest) = self.asked.first_entry()
            && !session.is_owed(*oldest.key())
        {
            let Asked { lane, overdue, abort } = oldest.remove();
            abort.abort();
            self.observe_overdue(overdue, now);
            self.go_on(session, lane, now);
        }
    }

    /// At its deadline the SMSC heard that it was taken.
    fn observe_overdue(&self, delivery: Option<Arc<Delivery>>, now: Instant) {
        if let Some(delivery) = delivery {
            self.inbox.observe(&delivery, now);
        }
    }

    /// A lane is free: what comes next in it has its turn, unless its own deadline has passed.
    fn go_on(&mut self, session: &mut Session<Ticket>, lane: Option<Lane>, now: Instant) {
        let Some(lane) = lane else { return };
        while let Some(next) = self.lanes.leave(&lane) {
            if !session.is_owed(next.inbound) {
                self.observe_overdue(self.takes_overdue.then_some(next.delivery), now);
                continue;
            }
            // Decided anew: the answerer may be dead or dismissed by now.
            match self.who_answers(&next.delivery) {
                Asking::One((answerer, Some(same))) if same == lane => {
                    return self.ask(answerer, Some(lane), next);
                }
                _ => self.take(session, next, now),
            }
        }
    }
}

/// Answers a delivery, unless that was done at its deadline: false then.
fn respond(
    session: &mut Session<Ticket>,
    inbound: Inbound,
    delivery: &Delivery,
    answer: Answer,
    now: Instant,
) -> bool {
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
        Ok(()) => true,
        // With the status for that.
        Err(RespondError::AlreadyAnswered) => {
            debug!("answer came too late");
            false
        }
        Err(error) => {
            warn!(bind = %delivery.bind, %error, "an answer that cannot be written; only its status is");
            // What has no body always fits.
            session.respond_empty(inbound, status, now).is_ok()
        }
    }
}
