//! The messages of an SMSC: which it took, what becomes of each, and what it says when it is asked.
//!
//! A message is on its way until its final time and has its final state from then on; both are drawn when it
//! is taken, so nothing has to run in between. Only the latest messages are remembered.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Instant;

use super::behaviour::{self, Behaviour};
use super::clock::Clock;
use super::deliveries::{AccountId, Content, Deliveries, DeliveryKey, Excerpt, Party, Receipt};
use crate::pdu::time::{AbsoluteTime, SmppTime};
use crate::pdu::{COctetString, CommandStatus, MessageState, RegisteredDelivery};

/// A message that somebody wants sent, whichever request it came in.
#[derive(Clone, Debug, Default)]
pub(super) struct Submission<'a> {
    pub(super) service_type: &'a [u8],
    pub(super) source: Party,
    pub(super) destination: Party,
    pub(super) schedule_delivery_time: &'a [u8],
    pub(super) validity_period: &'a [u8],
    pub(super) registered_delivery: RegisteredDelivery,
    pub(super) replace_if_present: bool,
    pub(super) text: &'a [u8],
    pub(super) user_message_reference: Option<u16>,
}

/// What query_sm learns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) state: MessageState,
    /// None while the state is not final.
    pub(super) final_date: Option<AbsoluteTime>,
}

impl Receipt {
    /// A receipt for an id that no message has, as if somebody had sent one like `submission`.
    pub(super) fn orphan(number: u64, submission: &Submission<'_>, now: Instant) -> Self {
        Self {
            // Numbers of messages do not come so far.
            number: u64::MAX - number,
            sender: submission.source.clone(),
            recipient: submission.destination.clone(),
            submitted: now,
            done: now,
            state: MessageState::DELIVERED,
            text: Excerpt::default(),
            user_message_reference: None,
            odd: None,
        }
    }
}

#[derive(Debug)]
struct Message {
    account: AccountId,
    service_type: COctetString<6>,
    source: Party,
    destination: Party,
    submitted: Instant,
    registered_delivery: RegisteredDelivery,
    scheduled_until: Instant,
    final_at: Instant,
    final_state: MessageState,
    receipt: Option<DeliveryKey>,
}

impl Message {
    fn is_final(&self, now: Instant) -> bool {
        now >= self.final_at
    }

    fn state(&self, now: Instant) -> MessageState {
        match now {
            _ if self.is_final(now) => self.final_state,
            _ if now < self.scheduled_until => MessageState::SCHEDULED,
            _ => MessageState::ENROUTE,
        }
    }
}

/// The messages of all accounts of an SMSC.
#[derive(Debug)]
pub(super) struct Store {
    random: fastrand::Rng,
    clock: Clock,
    next_number: u64,
    /// Receipts that were doubled, those that went before their response, and those that are odd.
    pub(super) doubled: u64,
    pub(super) early: u64,
    pub(super) odd: u64,
    // Invariant: the last one has the number before `next_number`, the one before it the number before that.
    remembered: VecDeque<Message>,
}

impl Store {
    pub(super) fn new(first_number: u64, clock: Clock, random: fastrand::Rng) -> Self {
        Self {
            random,
            clock,
            next_number: first_number,
            doubled: 0,
            early: 0,
            odd: 0,
            remembered: VecDeque::new(),
        }
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Takes a message and says its number. An `early` one has its final state and its receipt at once.
    ///
    /// # Errors
    ///
    /// The status with which it is refused.
    pub(super) fn accept(
        &mut self,
        behaviour: &Behaviour,
        deliveries: &mut Deliveries,
        account: AccountId,
        submission: &Submission<'_>,
        early: bool,
        now: Instant,
    ) -> Result<u64, CommandStatus> {
        if submission.destination.address.is_empty() {
            return Err(CommandStatus::ESME_RINVDSTADR);
        }
        let scheduled_until = self
            .time(submission.schedule_delivery_time, now)
            .map_err(|()| CommandStatus::ESME_RINVSCHED)?
            .unwrap_or(now);
        let expires_at = self
            .time(submission.validity_period, now)
            .map_err(|()| CommandStatus::ESME_RINVEXPIRY)?;

        let mut final_at = scheduled_until;
        if let Some(after) = behaviour.receipts_after {
            final_at += after + behaviour::up_to(behaviour.receipts_jitter, &mut self.random);
        }
        let mut final_state = behaviour
            .final_states
            .draw(&mut self.random)
            .unwrap_or(MessageState::DELIVERED);
        if let Some(expires_at) = expires_at.filter(|expires_at| *expires_at < final_at) {
            (final_at, final_state) = (expires_at, MessageState::EXPIRED);
        }

        if early {
            final_at = now;
        }

        let owes_receipt =
            behaviour.receipts_after.is_some() && wants(submission.registered_delivery, final_state);
        if owes_receipt && !deliveries.has_room() {
            return Err(CommandStatus::ESME_RMSGQFUL);
        }
        if submission.replace_if_present {
            self.drop_pending_like(submission, account, deliveries, now);
        }
        let number = self.next_number;
        self.next_number += 1;
        self.early += u64::from(early && owes_receipt);
        let receipt = owes_receipt.then(|| {
            let odd = behaviour.faults.odd_receipts.draw(&mut self.random);
            self.odd += u64::from(odd.is_some());
            let receipt = Content::Receipt(Receipt {
                number,
                sender: submission.source.clone(),
                recipient: submission.destination.clone(),
                submitted: now,
                done: final_at,
                state: final_state,
                text: Excerpt::of(submission.text),
                user_message_reference: submission.user_message_reference,
                odd,
            });
            if behaviour::happens(behaviour.faults.doubled_receipts, &mut self.random) {
                self.doubled += 1;
                deliveries.insert(account, receipt.clone(), final_at, now);
            }
            deliveries.insert(account, receipt, final_at, now)
        });

        if behaviour.limits.remembered > 0 {
            while self.remembered.len() >= behaviour.limits.remembered {
                self.remembered.pop_front();
            }
            self.remembered.push_back(Message {
                account,
                service_type: COctetString::keep(submission.service_type),
                source: submission.source.clone(),
                destination: submission.destination.clone(),
                submitted: now,
                registered_delivery: match behaviour.receipts_after {
                    Some(_) => submission.registered_delivery,
                    None => RegisteredDelivery::NONE,
                },
                scheduled_until,
                final_at,
                final_state,
                receipt,
            });
        } else {
            self.remembered.clear();
        }
        Ok(number)
    }

    /// The state of a message.
    ///
    /// # Errors
    ///
    /// The account has no such message from that source.
    pub(super) fn query(
        &mut self,
        account: AccountId,
        number: Option<u64>,
        source: &[u8],
        now: Instant,
    ) -> Result<Answer, CommandStatus> {
        let clock = self.clock;
        let message = self.find(account, number, source)?;
        let final_date = message.is_final(now).then(|| clock.date(message.final_at));
        Ok(Answer {
            state: message.state(now),
            final_date,
        })
    }

    /// Deletes a message that is still on its way. Where a receipt is owed for that, it is due now.
    ///
    /// # Errors
    ///
    /// The account has no such message from that source, or it has its final state already.
    pub(super) fn cancel(
        &mut self,
        deliveries: &mut Deliveries,
        account: AccountId,
        number: Option<u64>,
        source: &[u8],
        now: Instant,
    ) -> Result<(), CommandStatus> {
        let message = self.find(account, number, source)?;
        if message.is_final(now) {
            return Err(CommandStatus::ESME_RCANCELFAIL);
        }
        message.delete(number.unwrap_or_default(), deliveries, now);
        Ok(())
    }

    /// Deletes all messages on their way between two addresses, of one service type if that is given.
    ///
    /// # Errors
    ///
    /// There is none.
    pub(super) fn cancel_all(
        &mut self,
        deliveries: &mut Deliveries,
        account: AccountId,
        [source, destination, service_type]: [&[u8]; 3],
        now: Instant,
    ) -> Result<(), CommandStatus> {
        let first_number = self.first_remembered();
        let pending = (first_number..).zip(&mut self.remembered).filter(|(_, message)| {
            message.account == account
                && !message.is_final(now)
                && message.source.address.as_bytes() == source
                && message.destination.address.as_bytes() == destination
                && (service_type.is_empty() || message.service_type.as_bytes() == service_type)
        });
        let mut result = Err(CommandStatus::ESME_RCANCELFAIL);
        for (number, message) in pending {
            message.delete(number, deliveries, now);
            result = Ok(());
        }
        result
    }

    /// Gives a message that is still on its way another text.
    ///
    /// # Errors
    ///
    /// The account has no such message from that source, or it has its final state already.
    pub(super) fn replace(
        &mut self,
        deliveries: &mut Deliveries,
        account: AccountId,
        number: Option<u64>,
        source: &[u8],
        text: &[u8],
        now: Instant,
    ) -> Result<(), CommandStatus> {
        let message = self.find(account, number, source)?;
        if message.is_final(now) {
            return Err(CommandStatus::ESME_RREPLACEFAIL);
        }
        if let Some(Content::Receipt(receipt)) = message.receipt.and_then(|key| deliveries.waiting_mut(key)) {
            receipt.text = Excerpt::of(text);
        }
        Ok(())
    }

    /// A new message with `replace_if_present_flag` takes the place of the one before it, which ends unseen.
    fn drop_pending_like(
        &mut self,
        submission: &Submission<'_>,
        account: AccountId,
        deliveries: &mut Deliveries,
        now: Instant,
    ) {
        let replaced = self.remembered.iter_mut().rev().find(|message| {
            message.account == account
                && !message.is_final(now)
                && message.source == submission.source
                && message.destination == submission.destination
                && message.service_type.as_bytes() == submission.service_type
        });
        if let Some(message) = replaced {
            (message.final_at, message.final_state) = (now, MessageState::DELETED);
            if let Some(key) = message.receipt.take() {
                deliveries.withdraw(key);
            }
        }
    }

    fn find(
        &mut self,
        account: AccountId,
        number: Option<u64>,
        source: &[u8],
    ) -> Result<&mut Message, CommandStatus> {
        let first_number = self.first_remembered();
        number
            .and_then(|number| number.checked_sub(first_number))
            .and_then(|index| self.remembered.get_mut(usize::try_from(index).ok()?))
            .filter(|message| message.account == account && message.source.address.as_bytes() == source)
            .ok_or(CommandStatus::ESME_RINVMSGID)
    }

    fn first_remembered(&self) -> u64 {
        self.next_number - self.remembered.len() as u64
    }

    /// The instant that a time field means; none where it is empty.
    fn time(&self, field: &[u8], now: Instant) -> Result<Option<Instant>, ()> {
        if field.is_empty() {
            return Ok(None);
        }
        let time = SmppTime::parse(field).map_err(|_| ())?;
        now.checked_add(self.clock.until(time, now)).map(Some).ok_or(())
    }
}

impl Message {
    fn delete(&mut self, number: u64, deliveries: &mut Deliveries, now: Instant) {
        (self.final_at, self.final_state) = (now, MessageState::DELETED);
        if !wants(self.registered_delivery, MessageState::DELETED) {
            if let Some(key) = self.receipt.take() {
                deliveries.withdraw(key);
            }
            return;
        }
        match self.receipt {
            Some(key) => {
                if let Some(Content::Receipt(receipt)) = deliveries.waiting_mut(key) {
                    (receipt.done, receipt.state) = (now, MessageState::DELETED);
                    deliveries.bring_forward(key, now);
                }
            }
            None if deliveries.has_room() => {
                let receipt = Receipt {
                    number,
                    sender: self.source.clone(),
                    recipient: self.destination.clone(),
                    submitted: self.submitted,
                    done: now,
                    state: MessageState::DELETED,
                    text: Excerpt::default(),
                    user_message_reference: None,
                    odd: None,
                };
                self.receipt = Some(deliveries.insert(self.account, Content::Receipt(receipt), now, now));
            }
            None => {}
        }
    }
}

/// Whether the sender of a message wants to hear of this end of it.
fn wants(registered_delivery: RegisteredDelivery, state: MessageState) -> bool {
    match state {
        MessageState::DELIVERED | MessageState::ACCEPTED => registered_delivery.wants_success(),
        _ => registered_delivery.wants_failure(),
    }
}
