//! Who decides what is answered to the SMSC.
//!
//! An answerer has a [`Duty`]. Of all whose duty covers a delivery the one with the most specific duty is asked; no
//! two have the same. An answerer that died still has its duty, so that nothing falls to one that knows less of it:
//! until another takes the duty over, everything in it is refused for now.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use actix::dev::RecipientRequest;
use actix::{Message, Recipient};

use super::duty::{AnswerOrder, Covered, DeliveryKind, Duty};
use super::{Alarm, Answer, Delivery, Hub, InboundMessage};
use crate::submit::BindId;

/// Names an answerer, to dismiss it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AnswererId(u64);

/// Two want to answer the same.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{name}: what it is to answer is answered by {other} already")]
#[non_exhaustive]
pub struct DutyTaken {
    /// The answerer that was refused.
    pub name: Arc<str>,
    /// The one that has the duty.
    pub other: Arc<str>,
}

/// What can be asked about.
pub(crate) trait Question: Message<Result = Answer> + Send + 'static {}

impl Question for Delivery {}

impl Question for InboundMessage {}

/// Everyone who answers one kind of question.
pub(super) struct Answerers<Q: Question> {
    /// How many duties there are, to be looked at without the lock.
    count: AtomicUsize,
    /// The most specific ones first, so that the first that covers a delivery is the one.
    duties: RwLock<Vec<(DeliveryKind, Arc<Answerer<Q>>)>>,
}

/// One who answers, alive or not.
pub(crate) struct Answerer<Q: Question> {
    id: AnswererId,
    name: Arc<str>,
    duty: Duty,
    recipient: Recipient<Q>,
    /// Its death was told.
    mourned: AtomicBool,
}

/// Questions of one lane are put one after another.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Lane {
    answerer: AnswererId,
    bind: BindId,
    source: Option<Box<str>>,
}

/// Who is to be asked.
pub(crate) enum Asking<A> {
    /// It is in nobody's duty.
    Nobody,
    /// One who is dead.
    Dead,
    /// This one.
    One(A),
}

impl<A> Asking<A> {
    /// The same with more to know of who is to be asked.
    pub(crate) fn map<B>(self, map: impl FnOnce(A) -> B) -> Asking<B> {
        match self {
            Self::Nobody => Asking::Nobody,
            Self::Dead => Asking::Dead,
            Self::One(answerer) => Asking::One(map(answerer)),
        }
    }
}

/// Never used twice, whatever hub they belong to.
static NEXT: AtomicU64 = AtomicU64::new(1);

impl<Q: Question> Answerers<Q> {
    fn add(&self, recipient: Recipient<Q>, duty: Duty) -> Result<AnswererId, DutyTaken> {
        let id = AnswererId(NEXT.fetch_add(1, Ordering::Relaxed));
        let name = duty
            .name
            .clone()
            .unwrap_or_else(|| format!("answerer {}", id.0).into());
        let mut duties = self.duties.write().unwrap_or_else(PoisonError::into_inner);
        let is_rival = |kind: DeliveryKind, other: &Answerer<Q>| {
            other.duty.reach() == duty.reach() && duty.kinds().any(|wanted| wanted == kind)
        };
        let living = duties
            .iter()
            .find(|(kind, other)| is_rival(*kind, other) && other.is_alive());
        if let Some((_, other)) = living {
            let other = other.name.clone();
            return Err(DutyTaken { name, other });
        }
        duties.retain(|(kind, other)| !is_rival(*kind, other));
        let answerer = Arc::new(Answerer {
            id,
            name,
            duty,
            recipient,
            mourned: AtomicBool::new(false),
        });
        let specificity = |answerer: &Answerer<Q>| answerer.duty.reach().specificity();
        for kind in answerer.duty.kinds() {
            let at = duties.partition_point(|(_, other)| specificity(other) >= specificity(&answerer));
            duties.insert(at, (kind, answerer.clone()));
        }
        self.count.store(duties.len(), Ordering::Relaxed);
        Ok(id)
    }

    fn remove(&self, id: AnswererId) -> bool {
        let mut duties = self.duties.write().unwrap_or_else(PoisonError::into_inner);
        let before = duties.len();
        duties.retain(|(_, other)| other.id != id);
        self.count.store(duties.len(), Ordering::Relaxed);
        duties.len() < before
    }

    fn is_any(&self) -> bool {
        self.count.load(Ordering::Relaxed) > 0
    }

    fn find(&self, covered: &Covered<'_>) -> Option<Arc<Answerer<Q>>> {
        if !self.is_any() {
            return None;
        }
        let duties = self.duties.read().unwrap_or_else(PoisonError::into_inner);
        let found = duties
            .iter()
            .find(|(kind, answerer)| *kind == covered.kind && answerer.duty.reach().covers(covered));
        found.map(|(_, answerer)| answerer.clone())
    }
}

impl<Q: Question> Answerer<Q> {
    /// What errors and alarms call it.
    #[cfg(test)]
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    fn is_alive(&self) -> bool {
        self.recipient.connected()
    }

    /// Puts a question; the answer is an error when the handler panicked, or dropped the question.
    pub(crate) fn ask(&self, question: Q) -> RecipientRequest<Q> {
        self.recipient.send(question)
    }

    /// What a question waits in; none where it waits for no other.
    pub(crate) fn lane(&self, covered: &Covered<'_>) -> Option<Lane> {
        let source = match self.duty.order {
            AnswerOrder::Arrival => return None,
            AnswerOrder::Bind => None,
            AnswerOrder::Source => Some(covered.source.into()),
        };
        Some(Lane {
            answerer: self.id,
            bind: covered.bind.clone(),
            source,
        })
    }

    /// It gave no answer to a question about this.
    pub(crate) fn handle_failed(&self, delivery: &Delivery, hub: &Hub) {
        if self.is_alive() {
            let alarm = Alarm::AnswererFailed {
                name: self.name.clone(),
                bind: delivery.bind.clone(),
            };
            hub.alarm(alarm, Some(&delivery.account));
        } else {
            self.mourn(hub);
        }
    }

    /// Tells of its death, once.
    fn mourn(&self, hub: &Hub) {
        if !self.mourned.swap(true, Ordering::Relaxed) {
            let name = self.name.clone();
            hub.alarm(Alarm::AnswererGone { name }, None);
        }
    }
}

impl Hub {
    /// Lets an actor decide what the deliveries in its duty are answered with, at once or later. Receipts are not
    /// asked about: they are always acknowledged, and come as events.
    ///
    /// A delivery that is not answered in time ([`answer_timeout`](crate::settings::BindSettings::answer_timeout))
    /// gets [`default_answer`](crate::settings::BindSettings::default_answer); the handler's answer is lost then,
    /// and a question that it has not seen by then it never sees. Where the handler panics, drops a question or is
    /// gone, the answer is [`Answer::later`], with an alarm.
    ///
    /// # Errors
    ///
    /// Another that is alive has the same duty.
    pub fn answer_deliveries(
        &self,
        answerer: Recipient<Delivery>,
        duty: impl Into<Duty>,
    ) -> Result<AnswererId, DutyTaken> {
        self.answerers.add(answerer, duty.into())
    }

    /// Lets an actor decide what the messages in its duty are answered with, parts put together. Of a delivery that is
    /// in the duty of one who answers deliveries it is not asked.
    ///
    /// Where parts are answered each on arrival
    /// ([`parts_answered`](crate::settings::BindSettings::parts_answered)), its answer to a message of several parts
    /// reaches nobody; it is shown every such message, if it lives, however late, and while too many are
    /// unanswered further parts are refused for now. Where they are answered as a whole, its answer is that of all
    /// parts that wait. Everything else is as for [`answer_deliveries`](Self::answer_deliveries).
    ///
    /// # Errors
    ///
    /// Another that is alive has the same duty.
    pub fn answer_messages(
        &self,
        answerer: Recipient<InboundMessage>,
        duty: impl Into<Duty>,
    ) -> Result<AnswererId, DutyTaken> {
        self.message_answerers.add(answerer, duty.into())
    }

    /// Ends a duty: what is in it falls to others from now on. Questions that were put are still answered. True when
    /// there was one.
    pub fn dismiss(&self, answerer: AnswererId) -> bool {
        self.answerers.remove(answerer) | self.message_answerers.remove(answerer)
    }

    /// The same for a message.
    pub(super) fn who_answers_messages(
        &self,
        covered: &Covered<'_>,
    ) -> Asking<Arc<Answerer<InboundMessage>>> {
        self.living(self.message_answerers.find(covered))
    }

    /// True when somebody answers messages. Costs one atomic load.
    pub(super) fn are_messages_answered(&self) -> bool {
        self.message_answerers.is_any()
    }

    /// Who is to be asked about a delivery; raises the alarm where that one is dead.
    pub(crate) fn who_answers(&self, covered: &Covered<'_>) -> Asking<Arc<Answerer<Delivery>>> {
        self.living(self.answerers.find(covered))
    }

    fn living<Q: Question>(&self, found: Option<Arc<Answerer<Q>>>) -> Asking<Arc<Answerer<Q>>> {
        match found {
            None => Asking::Nobody,
            Some(answerer) if answerer.is_alive() => Asking::One(answerer),
            Some(answerer) => {
                answerer.mourn(self);
                Asking::Dead
            }
        }
    }
}

impl<Q: Question> Default for Answerers<Q> {
    fn default() -> Self {
        Self {
            count: AtomicUsize::new(0),
            duties: RwLock::default(),
        }
    }
}

impl<Q: Question> fmt::Debug for Answerers<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let duties = self.duties.read().unwrap_or_else(PoisonError::into_inner);
        let names = duties.iter().map(|(kind, answerer)| (kind, &answerer.name));
        f.debug_map().entries(names).finish()
    }
}
