//! The messages of an SMSC: which it took, what becomes of each, and what it says when it is asked.
//!
//! A message is on its way until its final time and has its final state from then on; both are drawn when it
//! is taken, so nothing has to run in between. Only the latest messages are remembered.

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
    // Invariant: the last one has the number before `next_number`, the one before it the number before that.
    remembered: VecDeque<Message>,
}

impl Store {
    pub(super) fn new(first_number: u64, clock: Clock, random: fastrand::Rng) -> Self {
        Self {
            random,
            clock,
            next_number: first_number,
            remembered: VecDeque::new(),
        }
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Takes a message and says its number.
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
        let receipt = owes_receipt.then(|| {
            let receipt = Content::Receipt(Receipt {
                number,
                sender: submission.source.clone(),
                recipient: submission.destination.clone(),
                submitted: now,
                done: final_at,
                state: final_state,
                text: Excerpt::of(submission.text),
                user_message_reference: submission.user_message_reference,
            });
            if behaviour::happens(behaviour.faults.doubled_receipts, &mut self.random) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdu::{Npi, Ton};
    use crate::smsc::behaviour::{Faults, Limits, Shares};
    use std::time::{Duration, UNIX_EPOCH};

    const SHOP: AccountId = AccountId(0);
    const BANK: AccountId = AccountId(1);

    struct Office {
        behaviour: Behaviour,
        store: Store,
        deliveries: Deliveries,
        now: Instant,
    }

    impl Office {
        fn new(behaviour: Behaviour) -> Self {
            let now = Instant::now();
            let clock = Clock::new(now, UNIX_EPOCH + Duration::from_secs(1_767_225_600));
            let store = Store::new(1, clock, fastrand::Rng::with_seed(1));
            let deliveries = Deliveries::new(behaviour.limits.deliveries);
            Self {
                behaviour,
                store,
                deliveries,
                now,
            }
        }

        fn after(seconds: u64) -> Self {
            Self::new(Behaviour {
                receipts_after: Some(Duration::from_secs(seconds)),
                ..Behaviour::default()
            })
        }

        fn advance(&mut self, seconds: u64) {
            self.now += Duration::from_secs(seconds);
            self.deliveries.handle_timeout(self.now);
        }

        fn accept(&mut self, submission: &Submission<'_>) -> Result<u64, CommandStatus> {
            self.store
                .accept(&self.behaviour, &mut self.deliveries, SHOP, submission, self.now)
        }

        fn query(&mut self, number: u64) -> Result<Answer, CommandStatus> {
            self.store.query(SHOP, Some(number), b"100", self.now)
        }

        fn cancel(&mut self, number: u64) -> Result<(), CommandStatus> {
            self.store
                .cancel(&mut self.deliveries, SHOP, Some(number), b"100", self.now)
        }

        fn receipt(&mut self) -> Option<Receipt> {
            let (key, _) = self.deliveries.take(SHOP)?;
            match self.deliveries.remove(key) {
                Some(Content::Receipt(receipt)) => Some(receipt),
                _ => None,
            }
        }

        fn receipt_states(&mut self) -> Vec<(u64, MessageState)> {
            std::iter::from_fn(|| self.receipt())
                .map(|receipt| (receipt.number, receipt.state))
                .collect()
        }
    }

    fn party(address: &str) -> Party {
        Party {
            ton: Ton::INTERNATIONAL,
            npi: Npi::ISDN,
            address: address.parse().unwrap(),
        }
    }

    fn submission(registered_delivery: RegisteredDelivery) -> Submission<'static> {
        Submission {
            source: party("100"),
            destination: party("200"),
            registered_delivery,
            text: b"Hello",
            ..Submission::default()
        }
    }

    #[test]
    fn receipts_come_in_time_and_only_where_they_are_asked_for() {
        let mut office = Office::after(5);
        assert_eq!(office.accept(&submission(RegisteredDelivery::NONE)), Ok(1));
        assert_eq!(office.accept(&submission(RegisteredDelivery::FINAL)), Ok(2));
        assert_eq!(office.accept(&submission(RegisteredDelivery::FAILURE)), Ok(3));
        assert_eq!(office.accept(&submission(RegisteredDelivery::SUCCESS)), Ok(4));
        office.advance(4);
        assert_eq!(office.receipt(), None);
        office.advance(1);
        assert_eq!(
            office.receipt_states(),
            [(2, MessageState::DELIVERED), (4, MessageState::DELIVERED)]
        );
    }

    #[test]
    fn a_receipt_tells_about_its_message() {
        let mut office = Office::after(5);
        let submitted = office.now;
        let asked = Submission {
            user_message_reference: Some(77),
            ..submission(RegisteredDelivery::FINAL)
        };
        office.accept(&asked).unwrap();
        office.advance(9);
        let expected = Receipt {
            number: 1,
            sender: party("100"),
            recipient: party("200"),
            submitted,
            done: submitted + Duration::from_secs(5),
            state: MessageState::DELIVERED,
            text: Excerpt::of(b"Hello"),
            user_message_reference: Some(77),
        };
        assert_eq!(office.receipt(), Some(expected));
    }

    #[test]
    fn an_smsc_without_receipts_sends_none() {
        let mut office = Office::new(Behaviour {
            receipts_after: None,
            ..Behaviour::default()
        });
        assert_eq!(office.accept(&submission(RegisteredDelivery::FINAL)), Ok(1));
        assert_eq!(office.query(1).unwrap().state, MessageState::DELIVERED);
        let scheduled = Submission {
            schedule_delivery_time: b"000001000000000R",
            ..submission(RegisteredDelivery::FINAL)
        };
        assert_eq!(office.accept(&scheduled), Ok(2));
        assert_eq!(office.cancel(2), Ok(()));
        assert_eq!(office.deliveries.len(), 0);
    }

    #[test]
    fn messages_end_in_their_share_of_states() {
        let final_states = Shares::new([(MessageState::REJECTED, 0.25)]);
        let mut office = Office::new(Behaviour {
            final_states,
            ..Behaviour::default()
        });
        for _ in 0..1_000 {
            office.accept(&submission(RegisteredDelivery::FINAL)).unwrap();
        }
        let states = office.receipt_states();
        let rejected = states
            .iter()
            .filter(|(_, state)| *state == MessageState::REJECTED)
            .count();
        assert_eq!(states.len(), 1_000);
        assert!((200..300).contains(&rejected), "{rejected}");
    }

    #[test]
    fn messages_wait_for_their_time_and_expire_with_their_validity() {
        let mut office = Office::after(60);
        let scheduled = Submission {
            schedule_delivery_time: b"000000000100000R",
            ..submission(RegisteredDelivery::FINAL)
        };
        let short_lived = Submission {
            validity_period: b"000000000010000R",
            ..submission(RegisteredDelivery::FINAL)
        };
        assert_eq!(office.accept(&scheduled), Ok(1));
        assert_eq!(office.accept(&short_lived), Ok(2));

        office.advance(10);
        assert_eq!(office.query(1).unwrap().state, MessageState::SCHEDULED);
        assert_eq!(office.receipt_states(), [(2, MessageState::EXPIRED)]);
        office.advance(50);
        assert_eq!(office.query(1).unwrap().state, MessageState::ENROUTE);
        office.advance(60);
        assert_eq!(office.receipt_states(), [(1, MessageState::DELIVERED)]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let mut office = Office::after(60);
        let plain = submission(RegisteredDelivery::NONE);
        let cases = [
            (
                Submission {
                    destination: Party::default(),
                    ..plain.clone()
                },
                CommandStatus::ESME_RINVDSTADR,
            ),
            (
                Submission {
                    schedule_delivery_time: b"tomorrow",
                    ..plain.clone()
                },
                CommandStatus::ESME_RINVSCHED,
            ),
            (
                Submission {
                    validity_period: b"1",
                    ..plain.clone()
                },
                CommandStatus::ESME_RINVEXPIRY,
            ),
        ];
        for (refused, status) in cases {
            assert_eq!(office.accept(&refused), Err(status), "{refused:?}");
        }
        assert_eq!(office.accept(&plain), Ok(1), "refused messages use up no number");
    }

    #[test]
    fn a_full_store_refuses_what_would_owe_a_receipt() {
        let limits = Limits {
            deliveries: 1,
            ..Limits::default()
        };
        let mut office = Office::new(Behaviour {
            limits,
            ..Behaviour::default()
        });
        assert_eq!(office.accept(&submission(RegisteredDelivery::FINAL)), Ok(1));
        let full = Err(CommandStatus::ESME_RMSGQFUL);
        assert_eq!(office.accept(&submission(RegisteredDelivery::FINAL)), full);
        assert_eq!(office.accept(&submission(RegisteredDelivery::NONE)), Ok(2));
        assert_eq!(office.receipt_states().len(), 1);
        assert_eq!(office.accept(&submission(RegisteredDelivery::FINAL)), Ok(3));
    }

    #[test]
    fn queries_follow_a_message_to_its_end() {
        let mut office = Office::after(60);
        office.accept(&submission(RegisteredDelivery::NONE)).unwrap();
        assert_eq!(
            office.query(1),
            Ok(Answer {
                state: MessageState::ENROUTE,
                final_date: None
            })
        );
        office.advance(61);
        let answer = office.query(1).unwrap();
        assert_eq!(answer.state, MessageState::DELIVERED);
        assert_eq!(answer.final_date.unwrap().to_string(), "260101000100000+");
    }

    #[test]
    fn a_message_is_found_by_number_source_and_account_alone() {
        let mut office = Office::after(60);
        office.accept(&submission(RegisteredDelivery::NONE)).unwrap();
        let now = office.now;
        let cases: [(AccountId, Option<u64>, &[u8]); 5] = [
            (SHOP, Some(0), b"100"),
            (SHOP, Some(2), b"100"),
            (SHOP, Some(1), b"101"),
            (BANK, Some(1), b"100"),
            (SHOP, None, b"100"),
        ];
        for (account, number, source) in cases {
            let result = office.store.query(account, number, source, now);
            assert_eq!(
                result,
                Err(CommandStatus::ESME_RINVMSGID),
                "{account:?} {number:?}"
            );
        }
    }

    #[test]
    fn only_the_latest_messages_are_remembered() {
        let limits = Limits {
            remembered: 2,
            ..Limits::default()
        };
        let mut office = Office::new(Behaviour {
            limits,
            ..Behaviour::default()
        });
        for number in 1..=3 {
            assert_eq!(office.accept(&submission(RegisteredDelivery::NONE)), Ok(number));
        }
        assert!(office.query(1).is_err());
        assert!(office.query(2).is_ok());
        assert!(office.query(3).is_ok());
    }

    #[test]
    fn a_cancelled_message_ends_at_once() {
        let mut office = Office::after(60);
        office.accept(&submission(RegisteredDelivery::FINAL)).unwrap();
        office.accept(&submission(RegisteredDelivery::FAILURE)).unwrap();
        office.accept(&submission(RegisteredDelivery::SUCCESS)).unwrap();
        for number in 1..=3 {
            assert_eq!(office.cancel(number), Ok(()));
            assert_eq!(office.cancel(number), Err(CommandStatus::ESME_RCANCELFAIL));
            assert_eq!(office.query(number).unwrap().state, MessageState::DELETED);
        }
        assert_eq!(
            office.receipt_states(),
            [(1, MessageState::DELETED), (2, MessageState::DELETED)]
        );
        office.advance(60);
        assert_eq!(office.receipt_states(), []);
        assert_eq!(office.deliveries.len(), 0);
    }

    #[test]
    fn all_messages_between_two_addresses_are_cancelled_together() {
        let mut office = Office::after(60);
        for service_type in [b"A".as_slice(), b"B", b"A"] {
            office
                .accept(&Submission {
                    service_type,
                    ..submission(RegisteredDelivery::NONE)
                })
                .unwrap();
        }
        let now = office.now;
        let mut cancel = |fields| office.store.cancel_all(&mut office.deliveries, SHOP, fields, now);
        assert_eq!(
            cancel([b"100", b"999", b""]),
            Err(CommandStatus::ESME_RCANCELFAIL)
        );
        assert_eq!(cancel([b"100", b"200", b"A"]), Ok(()));
        assert_eq!(
            cancel([b"100", b"200", b"A"]),
            Err(CommandStatus::ESME_RCANCELFAIL)
        );
        assert_eq!(office.query(1).unwrap().state, MessageState::DELETED);
        assert_eq!(office.query(2).unwrap().state, MessageState::ENROUTE);
    }

    #[test]
    fn a_replaced_text_shows_in_the_receipt() {
        let mut office = Office::after(60);
        office.accept(&submission(RegisteredDelivery::FINAL)).unwrap();
        let mut replace = |number, now| {
            office.store.replace(
                &mut office.deliveries,
                SHOP,
                Some(number),
                b"100",
                b"Goodbye",
                now,
            )
        };
        let now = office.now;
        assert_eq!(replace(1, now), Ok(()));
        assert_eq!(replace(2, now), Err(CommandStatus::ESME_RINVMSGID));
        assert_eq!(
            replace(1, now + Duration::from_secs(60)),
            Err(CommandStatus::ESME_RREPLACEFAIL)
        );
        office.advance(60);
        assert_eq!(office.receipt().unwrap().text.as_bytes(), b"Goodbye");
    }

    #[test]
    fn a_message_that_replaces_ends_the_one_before_it_unseen() {
        let mut office = Office::after(60);
        let replacing = Submission {
            replace_if_present: true,
            ..submission(RegisteredDelivery::FINAL)
        };
        assert_eq!(office.accept(&replacing), Ok(1));
        assert_eq!(office.accept(&replacing), Ok(2));
        assert_eq!(office.query(1).unwrap().state, MessageState::DELETED);
        office.advance(60);
        assert_eq!(office.receipt_states(), [(2, MessageState::DELIVERED)]);
    }

    #[test]
    fn doubled_receipts_are_equal() {
        let faults = Faults {
            doubled_receipts: 1.0,
            ..Faults::default()
        };
        let mut office = Office::new(Behaviour {
            faults,
            ..Behaviour::default()
        });
        office.accept(&submission(RegisteredDelivery::FINAL)).unwrap();
        let (first, second) = (office.receipt(), office.receipt());
        assert!(first.is_some());
        assert_eq!(first, second);
    }
}
