//! Receipts and the messages that they are about, for one account.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use super::filter::Side;
use super::{Delivery, Event, Hub, Kinds, octets_of, shown};
use crate::pdu::MessageState;
use crate::sm::{
    Correlation, Correlator, CorrelatorCounters, CorrelatorLimits, IdRules, Matched, MemoryStore,
    MessageResult, Place, Progress, Receipt, ReceiptStore, Received,
};
use crate::submit::{AccountId, BindId, Job, MessageId, ReceiptKey, Reference};

/// Keeps the messages of one account whose receipts are owed.
pub type Store = Box<dyn ReceiptStore<Reference> + Send>;

/// Makes the store of each account; [`in_memory`] unless somebody wants another.
pub type Stores = Arc<dyn Fn(&AccountId) -> Store + Send + Sync>;

/// Keeps messages in memory.
#[must_use]
pub fn in_memory() -> Stores {
    Arc::new(|_| Box::new(MemoryStore::default()))
}

/// Matches the receipts of one account with its messages, on whichever bind they come.
///
/// Its binds share it: each tells what was accepted ([`Receipts::handle_accepted`]) and which receipts came
/// ([`Receipts::handle_delivery`]). What is found, or given up, comes out as events.
pub struct Receipts {
    account: AccountId,
    hub: Arc<Hub>,
    correlator: Mutex<Correlator<Reference, Store>>,
}

/// A part of a message whose receipts are owed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Accepted {
    reference: Reference,
    parts: usize,
    part: usize,
    id: MessageId,
    /// What its parts have in common, where it has several.
    key: Option<ReceiptKey>,
}

impl Accepted {
    /// What a part that was accepted says about receipts that are owed; none when its message asked for none, or
    /// the part was not accepted.
    #[must_use]
    #[inline]
    pub fn of(job: &mut Job, part: usize) -> Option<Self> {
        if !job.registered_delivery().wants_receipt() {
            return None;
        }
        Some(Self {
            part,
            id: job.message_id(part)?.clone(),
            reference: job.reference().clone(),
            parts: job.parts(),
            key: job.receipt_key(),
        })
    }

    /// The same of a part that was accepted after it had been given up; none without an id.
    #[must_use]
    pub(crate) fn late(
        reference: Reference,
        (part, parts): (usize, usize),
        id: MessageId,
        key: Option<ReceiptKey>,
    ) -> Option<Self> {
        (!id.is_empty()).then_some(Self {
            reference,
            parts,
            part,
            id,
            key,
        })
    }
}

/// A receipt, or the end of waiting for one.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct ReceiptEvent {
    /// The account.
    pub account: AccountId,
    /// The bind that it came on; none for one that had waited for its message, or that never came.
    pub bind: Option<BindId>,
    /// What it is about; none for an orphan, of which nothing that was submitted bears the id.
    pub message: Option<ReceiptMessage>,
    /// The receipt; none when the message is given up because its last receipts never came.
    pub receipt: Option<Receipt<'static>>,
}

/// The message that a receipt is about.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ReceiptMessage {
    /// What its caller knows it by.
    pub reference: Reference,
    /// The part, from 0; none when the whole message was given up.
    pub part: Option<usize>,
    /// What the receipt changed.
    pub progress: Progress,
    /// The result of the message: with the receipt that made its last part final, and never again.
    pub result: Option<MessageResult>,
}

impl fmt::Debug for ReceiptEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let receipt = self.receipt.clone().map(|receipt| Receipt {
            text: receipt.text.as_deref().map(shown::hidden),
            source_addr: receipt.source_addr.as_deref().map(shown::hidden_address),
            destination_addr: receipt.destination_addr.as_deref().map(shown::hidden_address),
            ..receipt
        });
        f.debug_struct("ReceiptEvent")
            .field("account", &self.account)
            .field("bind", &self.bind)
            .field("message", &self.message)
            .field("receipt", &receipt)
            .finish()
    }
}

impl ReceiptEvent {
    /// True when the receipt belongs to nothing that was submitted.
    #[must_use]
    pub const fn is_orphan(&self) -> bool {
        self.message.is_none()
    }

    /// The octets of what it says.
    pub(super) fn octets(&self) -> usize {
        let message = self.message.as_ref();
        let reference = message.map_or(0, |message| octets_of(&message.reference));
        reference + self.receipt.as_ref().map_or(0, Receipt::octets)
    }

    /// The address on this side of the PDU that brought it.
    pub(super) fn address(&self, side: Side) -> Option<&str> {
        let receipt = self.receipt.as_ref()?;
        match side {
            Side::Source => receipt.source_addr.as_deref(),
            Side::Destination => receipt.destination_addr.as_deref(),
        }
    }

    /// The state that the receipt tells.
    #[must_use]
    pub fn state(&self) -> Option<MessageState> {
        self.receipt.as_ref()?.state()
    }
}

impl Receipts {
    /// Those of an account, kept in memory.
    #[must_use]
    pub fn new(account: AccountId, limits: CorrelatorLimits, rules: IdRules, hub: Arc<Hub>) -> Arc<Self> {
        let store = in_memory()(&account);
        Self::with_store(account, limits, rules, hub, store)
    }

    /// Those of an account, kept in `store`, with what it has already.
    #[must_use]
    pub fn with_store(
        account: AccountId,
        limits: CorrelatorLimits,
        rules: IdRules,
        hub: Arc<Hub>,
        store: Store,
    ) -> Arc<Self> {
        let mut correlator = Correlator::with_store(limits, store);
        correlator.set_rules(rules);
        Arc::new(Self {
            account,
            hub,
            correlator: Mutex::new(correlator),
        })
    }

    /// Ids are compared by other rules from now on; what is stored keeps those it came with.
    pub fn set_rules(&self, rules: IdRules) {
        self.lock().set_rules(rules);
    }

    /// Other limits from now on; what is kept already keeps its time.
    pub fn set_limits(&self, limits: CorrelatorLimits) {
        self.lock().set_limits(limits);
    }

    /// The account.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        &self.account
    }

    /// Learns what was accepted. A bind calls it once for all that one wake-up brought, and before it looks at a
    /// receipt.
    pub fn handle_accepted(&self, accepted: impl IntoIterator<Item = Accepted>, now: Instant) {
        let mut correlator = self.lock();
        for accepted in accepted {
            let Accepted { part, id, .. } = accepted;
            let id = &*id.to_text();
            // A message whose binds went over to another account begins anew there.
            let known = accepted.key.as_deref().and_then(OnceLock::get);
            if let Some((_, message)) = known.filter(|(account, _)| *account == self.account) {
                let place = Place {
                    message: *message,
                    part,
                };
                correlator.handle_id(place, id, now);
                continue;
            }
            let ids = [(part, id)];
            let message = correlator.handle_submitted(accepted.reference, accepted.parts, ids, now);
            if let Some(key) = accepted.key {
                // Nobody else has it while the correlator is ours.
                let _ = key.set((self.account.clone(), message));
            }
        }
        self.tell(correlator, now);
    }

    /// Takes in a delivery; does nothing unless it is a receipt.
    pub fn handle_delivery(&self, delivery: &Delivery, now: Instant) {
        if !delivery.is_receipt() {
            return;
        }
        let receipt = Receipt::read(&delivery.content())
            .between(delivery.source(), delivery.destination())
            .into_owned();
        let mut correlator = self.lock();
        let received = correlator.handle_receipt(receipt, now);
        self.tell(correlator, now);
        let bind = Some(delivery.bind.clone());
        match received {
            Received::Parked => {}
            Received::Orphan(receipt) => self.emit(bind, None, Some(receipt)),
            Received::Matched(matched) => self.emit_matched(bind, matched),
        }
    }

    /// Gives up what has waited long enough.
    pub fn handle_timeout(&self, now: Instant) {
        self.tell(self.lock(), now);
    }

    /// When [`Receipts::handle_timeout`] has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.lock().poll_timeout()
    }

    /// True when a message of the account has this id, and its receipts are owed or remembered.
    #[must_use]
    pub fn knows(&self, message_id: &str) -> bool {
        self.lock().knows(message_id)
    }

    /// Messages whose receipts are owed, or that are remembered; and receipts that wait for their message.
    #[must_use]
    pub fn sizes(&self) -> (usize, usize) {
        let correlator = self.lock();
        (correlator.messages(), correlator.parked())
    }

    /// What came so far, and what became of it.
    #[must_use]
    pub fn counters(&self) -> CorrelatorCounters {
        self.lock().counters()
    }

    /// Tells what the correlator has to say, without its lock.
    fn tell(&self, mut correlator: MutexGuard<'_, Correlator<Reference, Store>>, now: Instant) {
        if correlator.poll_timeout().is_some_and(|deadline| deadline <= now) {
            correlator.handle_timeout(now);
        }
        let correlations: Vec<_> = std::iter::from_fn(|| correlator.poll_event()).collect();
        drop(correlator);
        for correlation in correlations {
            match correlation {
                Correlation::Matched(matched) => self.emit_matched(None, *matched),
                Correlation::Orphan { receipt } => self.emit(None, None, Some(*receipt)),
                Correlation::Unfinished { token, .. } => {
                    let message = ReceiptMessage {
                        reference: token,
                        part: None,
                        progress: Progress::None,
                        result: None,
                    };
                    self.emit(None, Some(message), None);
                }
            }
        }
    }

    fn emit_matched(&self, bind: Option<BindId>, matched: Matched<'static, Reference>) {
        let message = ReceiptMessage {
            reference: matched.token,
            part: Some(matched.part),
            progress: matched.progress,
            result: matched.result,
        };
        self.emit(bind, Some(message), Some(matched.receipt));
    }

    fn emit(&self, bind: Option<BindId>, message: Option<ReceiptMessage>, receipt: Option<Receipt<'static>>) {
        if !self.hub.wants(Kinds::RECEIPTS) {
            return;
        }
        self.hub.emit(Event::Receipt(Arc::new(ReceiptEvent {
            account: self.account.clone(),
            bind,
            message,
            receipt,
        })));
    }

    // Nothing of ours panics while it holds the lock. When a store of the program does, the others go on.
    fn lock(&self) -> MutexGuard<'_, Correlator<Reference, Store>> {
        let mut correlator = self.correlator.lock().unwrap_or_else(PoisonError::into_inner);
        correlator.set_heeded(self.hub.wants(Kinds::RECEIPTS));
        correlator
    }
}

impl std::fmt::Debug for Receipts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receipts")
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}
