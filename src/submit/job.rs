//! A message inside: its parts, how far each has come, and the reply.

mod part;

use std::cell::RefCell;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use part::{Part, PartState, merge};

use super::prepare::check;
use super::{
    AccountId, BindId, Content, InvalidCause, Ledger, MessageClass, MessageId, MessageIds, NotSentCause,
    Parties, Parts, Priority, Reference, Reply, RouteId, Submit, SubmitError, SubmitResult, Submitted,
    UnknownCause, UnknownPolicy,
};
use crate::pdu::{CommandStatus, EnquireLink, Pdu, RegisteredDelivery, SequenceNumber, UnsuccessSme};
use crate::sm::MessageKey;

/// A part that may have been taken is sent again at most so often.
const MOST_RESENDS: u8 = 2;

/// Boxes that a thread keeps for the messages to come. A message is large, and an allocator slow where thousands of
/// that size come and go.
const SPARES: usize = 1_024;

thread_local! {
    static SPARE: RefCell<Vec<Box<Job>>> = const { RefCell::new(Vec::new()) };
}

/// By what the store of receipts of an account knows a message of several parts, from its first accepted part on.
pub type ReceiptKey = Arc<OnceLock<(AccountId, MessageKey)>>;

/// A message on its way, from the router's intake to its outcome.
///
/// It is one unit, however many parts it has. Whoever holds it says what happens to each part
/// (`handle_*`), and finishes it when no part is left ([`Job::is_finished`]). Dropped before that, its parts that
/// were written are `Unknown` and the others `NotSent`.
pub struct Job {
    terms: Terms,
    parts: Progress,
    /// None once it was answered.
    reply: Option<Reply>,
}

#[derive(Default)]
struct Terms {
    /// Its place in the order of intake; the router's.
    intake: u64,
    taken: Option<Instant>,
    expires_at: Option<Instant>,
    validity: Option<Duration>,
    priority: Priority,
    unknown: UnknownPolicy,
    route: Option<RouteId>,
    bind: Option<BindId>,
    class: Option<MessageClass>,
    affinity: Option<u64>,
    receipts: Option<ReceiptKey>,
}

#[expect(
    clippy::large_enum_variant,
    reason = "one part is the usual case and must not cost an allocation"
)]
enum Progress {
    One(Part),
    Many(Vec<Part>),
}

impl Progress {
    /// Stands where there is no message.
    #[inline]
    fn none() -> Self {
        Self::One(Part::new(EnquireLink::default().into()))
    }
}

impl Job {
    /// Prepares a message, and takes what it is made of. `write` makes the parts of one that is a
    /// text.
    ///
    /// # Errors
    ///
    /// Gives the reply back with [`SubmitError::Invalid`], not yet answered.
    #[inline]
    pub fn prepare(
        submit: &mut Submit,
        reply: Reply,
        write: impl FnOnce(&Submit) -> Result<Parts, InvalidCause>,
    ) -> Result<Box<Self>, (Reply, SubmitError)> {
        let refused = |reply, cause| Err((reply, SubmitError::Invalid { cause }));
        let mut job = match &mut submit.content {
            Content::Pdu(pdu) if !pdu.command_id().is_message() => {
                return refused(reply, InvalidCause::NotAMessage(pdu.command_id()));
            }
            Content::Pdu(pdu) => {
                if let Err(cause) = check(pdu) {
                    return refused(reply, cause);
                }
                let mut job = Self::vacant();
                job.reply = Some(reply);
                if let Progress::One(part) = &mut job.parts {
                    // Requests are large: this moves one, where a swap would move two.
                    part.pdu = std::mem::replace(pdu, EnquireLink::default().into());
                }
                job
            }
            Content::Text(_) => match write(submit) {
                Ok(parts) => Self::new(parts, reply),
                Err(cause) => return refused(reply, cause),
            },
        };
        job.take_terms(submit);
        Ok(job)
    }

    fn take_terms(&mut self, submit: &mut Submit) {
        self.terms.validity = submit.validity;
        self.terms.priority = submit.priority;
        self.terms.unknown = submit.unknown;
        self.terms.route = submit.route.take();
        self.terms.bind = submit.bind.take();
        self.terms.class = submit.class.take();
        self.terms.affinity = submit.affinity;
    }

    /// A message of these requests, everything else as by default.
    #[must_use]
    pub fn new(parts: Parts, reply: Reply) -> Box<Self> {
        let mut job = Self::vacant();
        job.reply = Some(reply);
        job.parts = match parts {
            Parts::One(pdu) => Progress::One(Part::new(pdu)),
            Parts::Many(pdus) => Progress::Many(pdus.into_iter().map(Part::new).collect()),
        };
        job
    }

    /// One whose request and reply are still missing, in a box that was another's if there is one.
    fn vacant() -> Box<Self> {
        let spare = SPARE.try_with(|spare| spare.borrow_mut().pop());
        spare.ok().flatten().unwrap_or_else(|| {
            Box::new(Self {
                terms: Terms::default(),
                parts: Progress::none(),
                reply: None,
            })
        })
    }

    /// Keeps the box of an answered message, as it was before there was one in it.
    fn keep(mut self: Box<Self>) {
        self.terms = Terms::default();
        self.parts = Progress::none();
        // While a thread ends, it has nothing to keep.
        let _ = SPARE.try_with(|spare| {
            let mut spare = spare.borrow_mut();
            if spare.len() < SPARES {
                spare.push(self);
            }
        });
    }

    /// Sets the validity of a message that has none of its own.
    pub const fn default_validity(&mut self, validity: Option<Duration>) {
        if self.terms.validity.is_none() {
            self.terms.validity = validity;
        }
    }

    /// Tells `ledger` its outcome too. With `permit` it holds one of its permits.
    pub fn enter(&mut self, ledger: Arc<dyn Ledger>, permit: bool) {
        if let Some(reply) = &mut self.reply {
            reply.enter(ledger, permit);
        }
    }

    /// The router took it in: it has its place, and its validity starts.
    pub fn handle_intake(&mut self, intake: u64, now: Instant) {
        self.terms.intake = intake;
        self.terms.taken = Some(now);
        // A validity beyond what the clock can say is no limit.
        self.terms.expires_at = self.terms.validity.and_then(|validity| now.checked_add(validity));
    }

    // What it is.

    /// Its place in the order of intake.
    #[must_use]
    pub const fn intake(&self) -> u64 {
        self.terms.intake
    }

    /// When the router took it in.
    #[must_use]
    pub const fn taken(&self) -> Option<Instant> {
        self.terms.taken
    }

    /// When it is given up, unless a part was written by then.
    #[must_use]
    pub const fn expires_at(&self) -> Option<Instant> {
        self.terms.expires_at
    }

    /// Its priority.
    #[must_use]
    pub const fn priority(&self) -> Priority {
        self.terms.priority
    }

    /// What happens to it when its outcome is unknown.
    #[must_use]
    pub const fn unknown_policy(&self) -> UnknownPolicy {
        self.terms.unknown
    }

    /// The route that it has to take.
    #[must_use]
    pub const fn route(&self) -> Option<&RouteId> {
        self.terms.route.as_ref()
    }

    /// The only bind that may take it.
    #[must_use]
    pub const fn bind(&self) -> Option<&BindId> {
        self.terms.bind.as_ref()
    }

    /// What kind of message it is to those who route it.
    #[must_use]
    pub const fn class(&self) -> Option<&MessageClass> {
        self.terms.class.as_ref()
    }

    /// The number of those that it belongs together with, where its caller gave one.
    #[must_use]
    pub const fn affinity(&self) -> Option<u64> {
        self.terms.affinity
    }

    /// Who sends it, and whom it is for; those of its first part.
    #[must_use]
    pub fn parties(&self) -> Parties<'_> {
        self.pdu(0).map(Parties::of).unwrap_or_default()
    }

    /// What its caller knows it by.
    #[must_use]
    pub fn reference(&self) -> &Reference {
        self.reply.as_ref().map_or(&Reference::None, Reply::reference)
    }

    /// True when it holds a permit.
    #[must_use]
    pub fn has_permit(&self) -> bool {
        self.reply.as_ref().is_some_and(Reply::has_permit)
    }

    /// True when its caller went away.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.reply.as_ref().is_some_and(Reply::is_abandoned)
    }

    /// How many parts it has.
    #[must_use]
    pub fn parts(&self) -> usize {
        self.all().len()
    }

    /// The request of a part, counted from 0.
    #[must_use]
    pub fn pdu(&self, part: usize) -> Option<&Pdu> {
        self.all().get(part).map(|part| &part.pdu)
    }

    /// Which receipts it asks for; those of its first part.
    #[must_use]
    pub fn registered_delivery(&self) -> RegisteredDelivery {
        match self.pdu(0) {
            Some(Pdu::SubmitSm(submit)) => submit.registered_delivery,
            Some(Pdu::DataSm(data)) => data.registered_delivery,
            Some(Pdu::SubmitMulti(submit)) => submit.registered_delivery,
            _ => RegisteredDelivery::NONE,
        }
    }

    // How far it is.

    /// The first part that waits to be sent.
    #[must_use]
    pub fn next_part(&self) -> Option<usize> {
        self.all()
            .iter()
            .position(|part| matches!(part.state, PartState::Waiting))
    }

    /// Parts without an outcome: as many seats it takes.
    #[must_use]
    pub fn unfinished(&self) -> usize {
        self.all().iter().filter(|part| !part.is_done()).count()
    }

    /// True when every part has its outcome.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.all().iter().all(Part::is_done)
    }

    /// True when at least one part was written: then it cannot be cancelled, and its time counts only while it waits
    /// for a bind again.
    #[must_use]
    pub fn has_written(&self) -> bool {
        self.writers().next().is_some()
    }

    /// True when a part was written and has no outcome yet.
    #[must_use]
    pub fn awaits_response(&self) -> bool {
        let mut parts = self.all().iter();
        parts.any(|part| matches!(part.state, PartState::Written { .. }))
    }

    /// The binds that wrote parts of it: the rest must go to the same account.
    pub fn writers(&self) -> impl Iterator<Item = &BindId> {
        self.all().iter().filter_map(|part| match &part.state {
            PartState::Written { bind, .. }
            | PartState::Done(
                Ok(Submitted { bind, .. })
                | Err(SubmitError::Rejected { bind, .. } | SubmitError::Unknown { bind, .. }),
            ) => Some(bind),
            PartState::Waiting | PartState::Done(Err(_)) => None,
        })
    }

    /// The message id of a part that was accepted.
    #[must_use]
    pub fn message_id(&self, part: usize) -> Option<&MessageId> {
        match &self.all().get(part)?.state {
            PartState::Done(Ok(submitted)) => Some(submitted.message_id()),
            PartState::Waiting | PartState::Written { .. } | PartState::Done(Err(_)) => None,
        }
    }

    /// By what the store of receipts knows a message of several parts; none for one in one part.
    pub fn receipt_key(&mut self) -> Option<ReceiptKey> {
        let is_long = matches!(self.parts, Progress::Many(_));
        is_long.then(|| self.terms.receipts.get_or_insert_default().clone())
    }

    /// True when its validity is over and no part was written.
    #[must_use]
    pub fn is_expired(&self, now: Instant) -> bool {
        self.terms.expires_at.is_some_and(|deadline| deadline <= now) && !self.has_written()
    }

    // What happens to its parts.

    /// The session took a part: from here on it counts as written, unless it comes back.
    pub fn handle_sent(&mut self, part: usize, bind: &BindId, sequence: SequenceNumber) {
        if let Some(part) = self.part(part) {
            part.state = PartState::Written {
                bind: bind.clone(),
                sequence,
            };
        }
    }

    /// The session gave a part back unwritten: it waits again.
    pub fn handle_returned(&mut self, part: usize) {
        if let Some(part) = self.part(part) {
            part.state = PartState::Waiting;
        }
    }

    /// How often the SMSC could not take a part.
    #[must_use]
    pub fn refusals(&self, part: usize) -> u8 {
        self.all().get(part).map_or(0, |part| part.refusals)
    }

    /// The SMSC could not take a part: it waits again.
    pub fn handle_delayed(&mut self, part: usize) {
        if let Some(part) = self.part(part) {
            part.state = PartState::Waiting;
            part.refusals = part.refusals.saturating_add(1);
        }
    }

    /// The SMSC accepted a part.
    pub fn handle_accepted(&mut self, part: usize, message_id: MessageId, now: Instant) {
        let after = self
            .terms
            .taken
            .map_or(Duration::ZERO, |taken| now.saturating_duration_since(taken));
        self.end(part, |bind, _| {
            Ok(Submitted::new(MessageIds::One(message_id), bind, after))
        });
    }

    /// Of a part that the SMSC accepted it refused these destinations.
    pub fn handle_refused_destinations(&mut self, part: usize, refused: Vec<UnsuccessSme>) {
        if let Some(Part {
            state: PartState::Done(Ok(submitted)),
            ..
        }) = self.part(part)
        {
            submitted.set_refused(refused);
        }
    }

    /// The SMSC said no to a part.
    pub fn handle_rejected(&mut self, part: usize, status: CommandStatus) {
        self.end(part, |bind, _| Err(SubmitError::Rejected { status, bind }));
    }

    /// Nobody knows what became of a part.
    pub fn handle_unknown(&mut self, part: usize, cause: UnknownCause) {
        self.end(part, |bind, sequence| {
            Err(SubmitError::Unknown {
                bind,
                sequence,
                cause,
            })
        });
    }

    /// Nobody knows what became of a part, and it is sent again rather than not at all: it waits again. Whatever
    /// then happens to it, it stays `Unknown` unless it is accepted. False, and nothing changed, for a message that
    /// may not be sent twice, or was sent again often enough.
    pub fn handle_doubtful(&mut self, part: usize, cause: UnknownCause) -> bool {
        let may = self.terms.unknown == UnknownPolicy::AtLeastOnce;
        let part = self.part(part).filter(|part| may && part.resends < MOST_RESENDS);
        let allowed = part.is_some();
        if let Some(part) = part {
            if let PartState::Written { bind, sequence } =
                std::mem::replace(&mut part.state, PartState::Waiting)
            {
                part.doubt = Some(Box::new(SubmitError::Unknown {
                    bind,
                    sequence,
                    cause,
                }));
            }
            part.resends += 1;
        }
        allowed
    }

    /// A part cannot be sent: [`SubmitError::Invalid`] and the like.
    pub fn handle_refused(&mut self, part: usize, error: SubmitError) {
        if let Some(part) = self.part(part) {
            part.state = PartState::Done(Err(error));
        }
    }

    fn end(&mut self, part: usize, result: impl FnOnce(BindId, SequenceNumber) -> SubmitResult) {
        if let Some(part) = self.part(part) {
            match std::mem::replace(&mut part.state, PartState::Waiting) {
                PartState::Written { bind, sequence } => {
                    part.state = PartState::Done(result(bind, sequence));
                }
                other => part.state = other,
            }
        }
    }

    // How it ends.

    /// Answers with what its parts came to. Those without an outcome are as if it had been dropped.
    pub fn finish(mut self: Box<Self>) {
        self.drop_parts();
        self.keep();
    }

    /// Ends it before its time: what was written is `Unknown`, what waits has `error` for its outcome.
    pub fn close(mut self: Box<Self>, error: &SubmitError, cause: UnknownCause) {
        self.settle(error, cause);
    }

    /// Ends a message of which nothing was written with `error`.
    pub fn refuse(self: Box<Self>, error: &SubmitError) {
        self.close(error, UnknownCause::Dropped);
    }

    /// Takes it back before anybody took it in.
    pub fn withdraw(mut self: Box<Self>) {
        if let Some(reply) = self.reply.take() {
            reply.withdraw();
        }
    }

    /// Nobody cares for the parts without an outcome any more.
    fn drop_parts(&mut self) {
        self.settle(
            &SubmitError::NotSent {
                cause: NotSentCause::Dropped,
            },
            UnknownCause::Dropped,
        );
    }

    fn settle(&mut self, error: &SubmitError, cause: UnknownCause) {
        let Some(reply) = self.reply.take() else { return };
        reply.answer(match &mut self.parts {
            Progress::One(part) => part.take_result(error, cause),
            Progress::Many(parts) => {
                let results = parts.iter_mut().map(|part| part.take_result(error, cause));
                merge(results.collect())
            }
        });
    }

    fn all(&self) -> &[Part] {
        match &self.parts {
            Progress::One(part) => std::slice::from_ref(part),
            Progress::Many(parts) => parts,
        }
    }

    fn part(&mut self, part: usize) -> Option<&mut Part> {
        match &mut self.parts {
            Progress::One(only) => (part == 0).then_some(only),
            Progress::Many(parts) => parts.get_mut(part),
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.drop_parts();
    }
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Texts and addresses stay out of logs.
        f.debug_struct("Job")
            .field("intake", &self.terms.intake)
            .field("reference", self.reference())
            .field("parts", &self.parts())
            .field("unfinished", &self.unfinished())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
