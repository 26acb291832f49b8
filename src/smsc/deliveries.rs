//! What an SMSC owes its accounts: receipts and messages from phones, until somebody took them.
//!
//! They belong to the account and not to a link: whichever receiving bind of the account has room takes the
//! next one, and what a lost link took comes back. Everything survives cuts and restarts.

use std::collections::VecDeque;
use std::time::Instant;

use slab::Slab;

use super::faults::OddReceipt;
use super::schedule::Schedule;
use crate::pdu::{COctetString, DeliverSm, MessageState, Npi, Ton};

/// Which account, counted from 0 in the order of first binds.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct AccountId(pub(super) usize);

/// Names a delivery for as long as it exists.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct DeliveryKey {
    slot: usize,
    // Slots are used again, serial numbers are not.
    serial: u64,
}

/// Something that has to reach an account.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    Receipt(Receipt),
    Message(Box<DeliverSm>),
}

/// A receipt before it is written out.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Receipt {
    /// The number of the message.
    pub(super) number: u64,
    /// Who sent the message, and now gets the receipt.
    pub(super) sender: Party,
    /// Whom the message was for.
    pub(super) recipient: Party,
    pub(super) submitted: Instant,
    pub(super) done: Instant,
    pub(super) state: MessageState,
    pub(super) text: Excerpt,
    pub(super) user_message_reference: Option<u16>,
    pub(super) odd: Option<OddReceipt>,
}

/// One end of a message.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Party {
    pub(super) ton: Ton,
    pub(super) npi: Npi,
    pub(super) address: COctetString<21>,
}

/// The first characters of a text, as a receipt repeats them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Excerpt {
    octets: [u8; 20],
    length: u8,
}

impl Excerpt {
    /// Keeps as many printable ASCII characters as there are at the start, at most 20.
    pub(super) fn of(text: &[u8]) -> Self {
        let mut excerpt = Self::default();
        for (kept, octet) in excerpt.octets.iter_mut().zip(text) {
            if !matches!(octet, b' '..=b'~') {
                break;
            }
            *kept = *octet;
            excerpt.length += 1;
        }
        excerpt
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.octets.get(..usize::from(self.length)).unwrap_or_default()
    }
}

#[derive(Debug)]
struct Delivery {
    account: AccountId,
    serial: u64,
    place: Place,
    /// Where it stands among those that a link took; none where no link did since it was made ready.
    turn: Option<u64>,
    content: Content,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    /// In the schedule until then.
    Waiting { due: Instant },
    /// In the queue of its account.
    Ready,
    /// On a link, not yet answered.
    Sent,
}

/// All deliveries of an SMSC.
#[derive(Debug)]
pub(super) struct Deliveries {
    deliveries: Slab<Delivery>,
    ready: Vec<VecDeque<DeliveryKey>>,
    schedule: Schedule<DeliveryKey>,
    roused: Vec<AccountId>,
    capacity: usize,
    inserted: u64,
    taken: u64,
    receipts: u64,
}

impl Deliveries {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            deliveries: Slab::new(),
            ready: Vec::new(),
            schedule: Schedule::new(),
            roused: Vec::new(),
            capacity,
            inserted: 0,
            taken: 0,
            receipts: 0,
        }
    }

    pub(super) fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity;
    }

    /// Whether one more may be put in.
    pub(super) fn has_room(&self) -> bool {
        self.deliveries.len() < self.capacity
    }

    /// Receipts that were ever put in, without those that were withdrawn.
    pub(super) fn receipts(&self) -> u64 {
        self.receipts
    }

    /// How many there are, wherever they are.
    pub(super) fn len(&self) -> usize {
        self.deliveries.len()
    }

    /// Puts one in, to be sent from `due` on.
    pub(super) fn insert(
        &mut self,
        account: AccountId,
        content: Content,
        due: Instant,
        now: Instant,
    ) -> DeliveryKey {
        let serial = self.inserted;
        self.inserted += 1;
        self.receipts += u64::from(matches!(content, Content::Receipt(_)));
        let place = Place::Waiting { due };
        let key = DeliveryKey {
            slot: self.deliveries.insert(Delivery {
                account,
                serial,
                place,
                turn: None,
                content,
            }),
            serial,
        };
        self.wait_until(key, due, now);
        key
    }

    /// Makes everything ready that is due.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        while let Some(key) = self.schedule.pop_due(now) {
            // What was brought forward has left an entry behind that is of no use any more.
            if matches!(self.get(key), Some(Delivery { place: Place::Waiting { due }, .. }) if *due <= now) {
                self.make_ready(key);
            }
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.schedule.next_due()
    }

    /// An account for which something became ready, or came back, while nothing was there.
    pub(super) fn poll_roused(&mut self) -> Option<AccountId> {
        self.roused.pop()
    }

    /// How many are ready for an account.
    pub(super) fn ready(&self, account: AccountId) -> usize {
        self.ready.get(account.0).map_or(0, VecDeque::len)
    }

    /// Takes the next one for a link of `account`; it must be settled or put back.
    pub(super) fn take(&mut self, account: AccountId) -> Option<(DeliveryKey, &Content)> {
        let key = self.ready.get_mut(account.0)?.pop_front()?;
        self.taken += 1;
        let turn = self.taken;
        let delivery = self.get_mut(key)?;
        delivery.place = Place::Sent;
        delivery.turn = Some(turn);
        Some((key, &delivery.content))
    }

    /// Gives one back that was not sent after all; it is the next one again, behind those that were before it.
    pub(super) fn put_back(&mut self, key: DeliveryKey) {
        let Some(delivery) = self.get_mut(key) else { return };
        delivery.place = Place::Ready;
        let (account, turn) = (delivery.account, delivery.turn);
        let waiting = self.ready.get(account.0).into_iter().flatten();
        let earlier = waiting.take_while(|other| {
            let other = self.get(**other).and_then(|other| other.turn);
            other.is_some_and(|other| turn.is_some_and(|turn| other < turn))
        });
        let at = earlier.count();
        let queue = self.queue(account);
        queue.insert(at, key);
        if queue.len() == 1 {
            self.roused.push(account);
        }
    }

    /// Ends one: it was taken, or nobody will ever take it.
    pub(super) fn remove(&mut self, key: DeliveryKey) -> Option<Content> {
        self.get(key)?;
        Some(self.deliveries.remove(key.slot).content)
    }

    /// Ends a receipt that is no longer owed.
    pub(super) fn withdraw(&mut self, key: DeliveryKey) {
        if matches!(self.remove(key), Some(Content::Receipt(_))) {
            self.receipts -= 1;
        }
    }

    /// Has one sent again from `due` on.
    pub(super) fn retry(&mut self, key: DeliveryKey, due: Instant, now: Instant) {
        self.wait_until(key, due, now);
    }

    /// The content of one that is not due yet, to be changed.
    pub(super) fn waiting_mut(&mut self, key: DeliveryKey) -> Option<&mut Content> {
        let delivery = self.get_mut(key)?;
        matches!(delivery.place, Place::Waiting { .. }).then_some(&mut delivery.content)
    }

    /// Makes one due now that was to wait longer.
    pub(super) fn bring_forward(&mut self, key: DeliveryKey, now: Instant) {
        if matches!(
            self.get(key),
            Some(Delivery {
                place: Place::Waiting { .. },
                ..
            })
        ) {
            self.wait_until(key, now, now);
        }
    }

    fn wait_until(&mut self, key: DeliveryKey, due: Instant, now: Instant) {
        let Some(delivery) = self.get_mut(key) else { return };
        delivery.place = Place::Waiting { due };
        if due <= now {
            self.make_ready(key);
        } else {
            self.schedule.insert(due, key);
        }
    }

    fn make_ready(&mut self, key: DeliveryKey) {
        let Some(delivery) = self.get_mut(key) else { return };
        delivery.place = Place::Ready;
        delivery.turn = None;
        let account = delivery.account;
        let queue = self.queue(account);
        queue.push_back(key);
        if queue.len() == 1 {
            self.roused.push(account);
        }
    }

    fn queue(&mut self, account: AccountId) -> &mut VecDeque<DeliveryKey> {
        if self.ready.len() <= account.0 {
            self.ready.resize_with(account.0 + 1, VecDeque::new);
        }
        &mut self.ready[account.0]
    }

    fn get(&self, key: DeliveryKey) -> Option<&Delivery> {
        self.deliveries
            .get(key.slot)
            .filter(|delivery| delivery.serial == key.serial)
    }

    fn get_mut(&mut self, key: DeliveryKey) -> Option<&mut Delivery> {
        self.deliveries
            .get_mut(key.slot)
            .filter(|delivery| delivery.serial == key.serial)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const SHOP: AccountId = AccountId(0);
    const BANK: AccountId = AccountId(3);

    fn message(text: &str) -> Content {
        Content::Message(Box::new(DeliverSm {
            short_message: text.into(),
            ..DeliverSm::default()
        }))
    }

    fn take(deliveries: &mut Deliveries, account: AccountId) -> Option<(DeliveryKey, Content)> {
        deliveries
            .take(account)
            .map(|(key, content)| (key, content.clone()))
    }

    #[test]
    fn what_is_due_is_ready_for_its_account_alone() {
        let now = Instant::now();
        let mut deliveries = Deliveries::new(10);
        deliveries.insert(BANK, message("now"), now, now);
        deliveries.insert(SHOP, message("later"), now + Duration::from_secs(1), now);

        assert_eq!(deliveries.poll_roused(), Some(BANK));
        assert_eq!(deliveries.poll_roused(), None);
        assert_eq!(take(&mut deliveries, SHOP), None);
        assert_eq!(take(&mut deliveries, BANK).unwrap().1, message("now"));

        deliveries.handle_timeout(now + Duration::from_millis(999));
        assert_eq!(deliveries.ready(SHOP), 0);
        deliveries.handle_timeout(deliveries.next_due().unwrap());
        assert_eq!(deliveries.poll_roused(), Some(SHOP));
        assert_eq!(take(&mut deliveries, SHOP).unwrap().1, message("later"));
    }

    #[test]
    fn what_nobody_took_is_sent_again_until_somebody_takes_it() {
        let now = Instant::now();
        let later = now + Duration::from_secs(5);
        let mut deliveries = Deliveries::new(10);
        deliveries.insert(SHOP, message("a"), now, now);
        deliveries.insert(SHOP, message("b"), now, now);

        let (key, _) = take(&mut deliveries, SHOP).unwrap();
        deliveries.retry(key, later, now);
        let (other, content) = take(&mut deliveries, SHOP).unwrap();
        assert_eq!(content, message("b"));
        assert_eq!(deliveries.remove(other), Some(message("b")));
        assert_eq!(take(&mut deliveries, SHOP), None);

        deliveries.handle_timeout(later);
        let (again, content) = take(&mut deliveries, SHOP).unwrap();
        assert_eq!((again, content), (key, message("a")));
        assert_eq!(deliveries.remove(key), Some(message("a")));
        assert_eq!(deliveries.remove(key), None, "a second answer changes nothing");
        assert_eq!(deliveries.len(), 0);
    }

    #[test]
    fn what_was_put_back_keeps_its_place() {
        let now = Instant::now();
        let mut deliveries = Deliveries::new(10);
        let first = deliveries.insert(SHOP, message("a"), now, now);
        deliveries.insert(SHOP, message("b"), now, now);

        let (key, _) = take(&mut deliveries, SHOP).unwrap();
        deliveries.put_back(key);
        assert_eq!(take(&mut deliveries, SHOP).unwrap().0, first);
    }

    #[test]
    fn what_links_give_back_keeps_the_order_in_which_they_took_it() {
        let now = Instant::now();
        let mut deliveries = Deliveries::new(10);
        let keys = ["a", "b", "c", "d"].map(|text| deliveries.insert(SHOP, message(text), now, now));
        // One that was taken before, and waits anew, is behind them all.
        let (first, _) = take(&mut deliveries, SHOP).unwrap();
        deliveries.retry(first, now, now);
        for _ in 0..3 {
            take(&mut deliveries, SHOP).unwrap();
        }
        // Two links end, each in its own order.
        for key in [keys[2], keys[1], keys[3]] {
            deliveries.put_back(key);
        }
        let again: Vec<_> = std::iter::from_fn(|| take(&mut deliveries, SHOP))
            .map(|(key, _)| key)
            .collect();
        assert_eq!(again, [keys[1], keys[2], keys[3], first]);
    }

    #[test]
    fn what_was_brought_forward_comes_once() {
        let now = Instant::now();
        let due = now + Duration::from_secs(60);
        let mut deliveries = Deliveries::new(10);
        let key = deliveries.insert(SHOP, message("a"), due, now);

        *deliveries.waiting_mut(key).unwrap() = message("changed");
        deliveries.bring_forward(key, now);
        assert_eq!(deliveries.waiting_mut(key), None, "it is on its way");
        assert_eq!(take(&mut deliveries, SHOP), Some((key, message("changed"))));
        deliveries.handle_timeout(due);
        assert_eq!(take(&mut deliveries, SHOP), None);
    }

    #[test]
    fn an_old_key_does_not_reach_the_next_user_of_its_slot() {
        let now = Instant::now();
        let mut deliveries = Deliveries::new(1);
        let old = deliveries.insert(SHOP, message("a"), now, now);
        assert!(!deliveries.has_room());
        deliveries.remove(old);
        let new = deliveries.insert(SHOP, message("b"), now + Duration::from_secs(1), now);
        assert_ne!(old, new);
        assert_eq!(deliveries.remove(old), None);
        deliveries.retry(old, now, now);
        assert_eq!(deliveries.len(), 1);
    }

    #[test]
    fn an_excerpt_is_short_and_printable() {
        let cases: [(&[u8], &[u8]); 4] = [
            (b"", b""),
            (b"Hello", b"Hello"),
            (b"twenty characters and more", b"twenty characters an"),
            (b"caf\x05 au lait", b"caf"),
        ];
        for (text, expected) in cases {
            assert_eq!(Excerpt::of(text).as_bytes(), expected);
        }
    }
}
