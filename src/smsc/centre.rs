//! Everything that the links of one SMSC share, and the rules that need more than one part of it.

use std::task::{Context, Waker};
use std::time::{Instant, SystemTime};

use super::accounts::Accounts;
use super::behaviour::Behaviour;
use super::clock::Clock;
use super::counters::{Counters, FaultCounters};
use super::deliveries::{AccountId, Content, Deliveries, DeliveryKey, Receipt};
use super::dice::{Dice, Plan};
use super::links::{LinkId, Links, Wish};
use super::manner::Manner;
use super::requests::Message;
use super::store::Store;
use super::witness::{Fate, Observer, Seen, Sighting, Witness};
use crate::pdu::{CommandStatus, DeliverSm, SequenceNumber, StatusClass};

/// The state of an SMSC. It outlives links and restarts.
#[derive(Debug)]
pub(super) struct Centre {
    pub(super) behaviour: Behaviour,
    pub(super) accounts: Accounts,
    pub(super) store: Store,
    pub(super) deliveries: Deliveries,
    pub(super) links: Links,
    pub(super) counters: Counters,
    pub(super) witness: Witness,
    pub(super) observer: Option<Box<dyn Observer>>,
    seed: u64,
    timer: Timer,
}

/// The task that sees to what is due.
#[derive(Debug, Default)]
struct Timer {
    waker: Option<Waker>,
    armed: Option<Instant>,
}

impl Centre {
    /// A new SMSC, for which `now` is `date`.
    pub(super) fn new(behaviour: Behaviour, seed: u64, now: Instant, date: SystemTime) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        Self {
            accounts: Accounts::default(),
            store: Store::new(behaviour.message_ids.first, Clock::new(now, date), random),
            deliveries: Deliveries::new(behaviour.limits.deliveries),
            links: Links::default(),
            counters: Counters::default(),
            witness: Witness::default(),
            observer: None,
            seed,
            timer: Timer::default(),
            behaviour,
        }
    }

    /// Behaves differently from now on. What was taken keeps its state and time.
    pub(super) fn change(&mut self, behaviour: Behaviour) {
        self.deliveries.set_capacity(behaviour.limits.deliveries);
        self.behaviour = behaviour;
    }

    /// A connection comes up; none when there are too many.
    pub(super) fn open(&mut self, now: Instant) -> Option<(LinkId, u64, Dice, Manner)> {
        if self.links.len() >= self.behaviour.limits.connections {
            self.counters.connections_refused += 1;
            return None;
        }
        self.counters.connections += 1;
        let number = self.counters.connections;
        self.note(now, number, || Seen::Connected);
        // Odd multiples of a large constant keep the generators of an SMSC's links apart.
        let seed = self.seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let (dice, manner) = Dice::new(fastrand::Rng::with_seed(seed), &self.behaviour.faults);
        let faults = &mut self.counters.faults;
        faults.links_reset += u64::from(manner.reset);
        faults.links_split += u64::from(manner.split);
        faults.links_joined += u64::from(manner.joined.is_some());
        faults.links_slow += u64::from(manner.read_rate.is_some());
        Some((self.links.open(), number, dice, manner))
    }

    /// Chances that belong to no link.
    pub(super) fn random(&self) -> fastrand::Rng {
        fastrand::Rng::with_seed(self.seed ^ 0x517C_C1B7_2722_0A95)
    }

    /// Takes or refuses a message as planned. `origin` is its link and sequence number.
    #[inline]
    pub(super) fn submit(
        &mut self,
        account: AccountId,
        plan: Plan,
        message: &Message<'_>,
        origin: (u64, SequenceNumber),
        now: Instant,
    ) -> Result<u64, CommandStatus> {
        let submission = &message.submission;
        let result = match plan.refusal {
            _ if !self.accounts.take_token(account, &self.behaviour, now) => {
                Err(CommandStatus::ESME_RTHROTTLED)
            }
            Some(status) => Err(status),
            None => {
                let early = plan.early_receipt;
                self.store.accept(
                    &self.behaviour,
                    &mut self.deliveries,
                    account,
                    submission,
                    early,
                    now,
                )
            }
        };
        if plan.orphaned_receipt && self.deliveries.has_room() {
            self.counters.faults.receipts_orphaned += 1;
            let receipt = Receipt::orphan(self.counters.faults.receipts_orphaned, submission, now);
            self.deliveries
                .insert(account, Content::Receipt(receipt), now, now);
        }
        self.counters.responses_lost += u64::from(plan.fate == Fate::ResponseLost);
        let ids = self.behaviour.message_ids.in_responses;
        let (link, sequence_number) = origin;
        self.note(now, link, || {
            let id = result.map(|number| ids.write(number).to_string());
            Seen::Message(Box::new(message.seen(sequence_number, id, plan.fate)))
        });
        match result {
            Ok(number) => {
                self.counters.messages += 1;
                Ok(number)
            }
            Err(status) => self.refuse(status),
        }
    }

    /// Counts a message that is refused.
    pub(super) fn refuse(&mut self, status: CommandStatus) -> Result<u64, CommandStatus> {
        match status {
            CommandStatus::ESME_RTHROTTLED => self.counters.throttled += 1,
            _ => self.counters.refused += 1,
        }
        Err(status)
    }

    /// Puts in a message from a phone.
    pub(super) fn deliver(&mut self, account: AccountId, message: DeliverSm, now: Instant) -> bool {
        self.counters.mobile_originated += 1;
        if !self.deliveries.has_room() {
            self.counters.deliveries_dropped += 1;
            return false;
        }
        self.deliveries
            .insert(account, Content::Message(Box::new(message)), now, now);
        true
    }

    /// Puts in a message from a phone for the account of a `system_id`, bound or not.
    pub(super) fn deliver_to(&mut self, system_id: &[u8], message: DeliverSm, now: Instant) -> bool {
        match self.accounts.introduce(&self.behaviour, system_id, now) {
            Ok(account) => self.deliver(account, message, now),
            Err(_) => false,
        }
    }

    /// Has every link cut.
    pub(super) fn cut_links(&mut self) {
        self.counters.cuts += self.links.len() as u64;
        self.links.tell_all(Wish::Cut);
    }

    /// What the ESME said to a delivery: none when it said nothing.
    pub(super) fn settle(&mut self, key: DeliveryKey, status: Option<CommandStatus>, now: Instant) {
        let class = status.map(CommandStatus::class);
        match class {
            Some(StatusClass::Ok) => match self.deliveries.remove(key) {
                Some(Content::Receipt(_)) => self.counters.receipts_delivered += 1,
                Some(Content::Message(_)) => self.counters.mobile_originated_delivered += 1,
                None => {}
            },
            Some(StatusClass::Permanent | StatusClass::BindFatal) => self.drop_delivery(key),
            Some(
                StatusClass::Throttle
                | StatusClass::QueueFull
                | StatusClass::Retryable
                | StatusClass::Session
                | StatusClass::BindRetry,
            )
            | None => {
                self.counters.deliveries_retried += 1;
                self.deliveries.retry(key, now + self.behaviour.retry_after, now);
            }
        }
    }

    /// Gives up on a delivery.
    pub(super) fn drop_delivery(&mut self, key: DeliveryKey) {
        self.counters.deliveries_dropped += u64::from(self.deliveries.remove(key).is_some());
    }

    /// Does what is due: messages from phones come up, receipts become ready.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        while let Some((account, message)) = self.accounts.poll_phones(&self.behaviour, now) {
            self.deliver(account, message, now);
        }
        self.deliveries.handle_timeout(now);
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let phones = self.accounts.next_due(&self.behaviour);
        phones.into_iter().chain(self.deliveries.next_due()).min()
    }

    /// Wakes whoever has to do something after a change: receiving links, and the timer when it sleeps too
    /// long.
    pub(super) fn rouse(&mut self) {
        while let Some(account) = self.deliveries.poll_roused() {
            for link in self.accounts.receivers(account) {
                self.links.wake(*link);
            }
        }
        let Some(due) = self.next_due() else { return };
        if self.timer.armed.is_none_or(|armed| due < armed) {
            self.wake_timer();
        }
    }

    /// Has the timer's task look again.
    pub(super) fn wake_timer(&mut self) {
        if let Some(waker) = self.timer.waker.take() {
            waker.wake();
        }
    }

    /// Runs the timer: says until when it sleeps now.
    pub(super) fn poll_timer(&mut self, context: &Context<'_>, now: Instant) -> Option<Instant> {
        self.handle_timeout(now);
        self.timer = Timer {
            waker: Some(context.waker().clone()),
            armed: self.next_due(),
        };
        self.rouse();
        self.timer.armed
    }

    /// Writes down what was seen, where somebody wants to know.
    #[inline]
    pub(super) fn note(&mut self, at: Instant, link: u64, what: impl FnOnce() -> Seen) {
        if self.behaviour.witness || self.observer.is_some() {
            self.record(Sighting {
                at,
                link,
                what: what(),
            });
        }
    }

    #[cold]
    fn record(&mut self, sighting: Sighting) {
        if let Some(observer) = &mut self.observer {
            observer.see(&sighting);
        }
        if self.behaviour.witness {
            self.witness.sightings.push(sighting);
        }
    }

    /// Called before anything is written.
    #[inline]
    pub(super) fn keep(&mut self) {
        if let Some(observer) = &mut self.observer {
            observer.keep();
        }
    }

    pub(super) fn counters(&self) -> Counters {
        Counters {
            links: self.links.len() as u64,
            receipts_owed: self.deliveries.receipts(),
            deliveries_pending: self.deliveries.len() as u64,
            faults: FaultCounters {
                receipts_doubled: self.store.doubled,
                receipts_early: self.store.early,
                receipts_odd: self.store.odd,
                ..self.counters.faults
            },
            ..self.counters
        }
    }
}
