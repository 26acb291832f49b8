//! Which outcomes there were, by number, at a bit for each message.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use actix::{Actor, Context, Handler};
use bindery::events::Event;
use bindery::submit::{Reference, SubmitError, SubmitResult};

/// Messages for which there is room without growth.
const ROOM: usize = 1 << 23;

/// Which numbers came, and how.
pub(crate) struct Book {
    /// The bit of a number is set until it comes.
    missing: Vec<u64>,
    /// Numbers that came again.
    pub(crate) twice: u64,
    pub(crate) count: u64,
    pub(crate) kinds: BTreeMap<&'static str, u64>,
    /// Parts of messages that were accepted whole.
    pub(crate) accepted: u64,
}

impl Default for Book {
    /// All pages are written now, so that what is told to it does not look like growth. Zeros would not be written
    /// but asked of the system.
    fn default() -> Self {
        Self {
            missing: vec![u64::MAX; ROOM / 64],
            twice: 0,
            count: 0,
            kinds: BTreeMap::new(),
            accepted: 0,
        }
    }
}

impl Book {
    pub(crate) fn note(&mut self, number: u64, result: &SubmitResult) {
        let (word, bit) = (number as usize / 64, 1 << (number % 64));
        if self.missing.len() <= word {
            self.missing.resize(word + 1024, u64::MAX);
        }
        self.twice += u64::from(self.missing[word] & bit == 0);
        self.missing[word] &= !bit;
        self.count += 1;
        *self.kinds.entry(kind(result)).or_default() += 1;
        if let Ok(submitted) = result {
            self.accepted += submitted.message_ids.len() as u64;
        }
    }

    /// True when the numbers 1 to `last` came once each, and nothing else.
    pub(crate) fn is_complete(&self, last: u64) -> bool {
        self.twice == 0
            && self.count == last
            && (1..=last).all(|number| self.missing[number as usize / 64] & (1 << (number % 64)) == 0)
    }
}

fn kind(result: &SubmitResult) -> &'static str {
    match result {
        Ok(_) => "submitted",
        Err(SubmitError::Partial { .. }) => "partial",
        Err(SubmitError::Rejected { .. }) => "rejected",
        Err(SubmitError::Unknown { .. }) => "unknown",
        Err(SubmitError::NotSent { .. }) => "not_sent",
        Err(SubmitError::Expired) => "expired",
        Err(_) => "other",
    }
}

/// Hears the outcomes, and counts receipts.
pub(crate) struct Listener(pub(crate) Rc<RefCell<Book>>, pub(crate) Rc<Cell<u64>>);

impl Actor for Listener {
    type Context = Context<Self>;
}

impl Handler<Event> for Listener {
    type Result = ();

    fn handle(&mut self, event: Event, _: &mut Context<Self>) {
        match event {
            Event::Outcome(outcome) => {
                if let Reference::Number(number) = outcome.reference {
                    self.0.borrow_mut().note(number, &outcome.result);
                }
            }
            Event::Receipt(receipt) => self.1.set(self.1.get() + u64::from(receipt.receipt.is_some())),
            _ => {}
        }
    }
}
