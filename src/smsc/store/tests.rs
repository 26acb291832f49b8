//! Messages from their submit to their end, by tables and scripts.

use super::*;
use crate::pdu::{Npi, Ton};
use crate::smsc::behaviour::{Limits, Shares};
use crate::smsc::faults::Faults;
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
        self.store.accept(
            &self.behaviour,
            &mut self.deliveries,
            SHOP,
            submission,
            false,
            self.now,
        )
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
        odd: None,
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
