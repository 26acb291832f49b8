//! Callers that submit in several ways, some of whom do not wait for the outcome.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use bindery::esme::Esme;
use bindery::submit::Submit;
use tokio::time::timeout;

use crate::book::Book;

/// One caller in so many submits so many at a time, and one message in so many loses its caller.
const BATCH: u64 = 10;
const LEAVES: u64 = 50;

/// One message in so many asks for a receipt.
const RECEIPTS: u64 = 499;

/// How long a caller who leaves stays.
const STAY: Duration = Duration::from_millis(5);

/// What the callers share.
pub(crate) struct Work {
    pub(crate) esme: Esme,
    pub(crate) until: Instant,
    pub(crate) made: Cell<u64>,
    /// Outcomes that callers got.
    pub(crate) told: RefCell<Book>,
    /// Callers that did not wait.
    pub(crate) left: Cell<u64>,
}

impl Work {
    fn message(&self) -> (u64, Submit) {
        let number = self.made.get() + 1;
        self.made.set(number);
        let text = match number % 20 {
            0 => "A text that needs several parts. ".repeat(8),
            1 => "Текст в UCS2".to_owned(),
            _ => "A short text".to_owned(),
        };
        let mut submit = Submit::text("447700900123", text)
            .source("Bindery")
            .reference(number);
        if number.is_multiple_of(3) {
            submit = submit.at_least_once();
        }
        if number.is_multiple_of(RECEIPTS) {
            submit = submit.receipt();
        }
        (number, submit)
    }

    pub(crate) async fn call(&self, caller: u64) {
        while Instant::now() < self.until {
            if caller.is_multiple_of(BATCH) {
                let (numbers, submits): (Vec<_>, Vec<_>) = (0..BATCH).map(|_| self.message()).unzip();
                let results = self.esme.submit_batch(submits).await;
                for (number, result) in numbers.into_iter().zip(&results) {
                    self.told.borrow_mut().note(number, result);
                }
                continue;
            }
            let (number, submit) = self.message();
            let pending = self.esme.reserve().await.unwrap().submit(submit);
            if number.is_multiple_of(LEAVES) {
                match timeout(STAY, pending).await {
                    Ok(result) => self.told.borrow_mut().note(number, &result),
                    Err(_) => self.left.set(self.left.get() + 1),
                }
            } else {
                let result = pending.await;
                self.told.borrow_mut().note(number, &result);
            }
        }
    }
}
