//! Receipts on their way into a database: an actor writes them batch by batch.
//!
//! `cargo run --example receipts_to_database` needs nothing else: the SMSC runs inside the process. A map stands in for the
//! database. The row of a message exists before it is sent, under the reference that its receipts come back with.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix::{Actor, Context, Handler, ResponseFuture};
use bindery::esme::Esme;
use bindery::events::{Event, Events, Kinds, Policy};
use bindery::pdu::MessageState;
use bindery::settings::{BindSettings, Settings};
use bindery::smsc::{Behaviour, Shares, Smsc};
use bindery::submit::{Reference, Submit};

/// The state of each message that has its result, and how many transactions it took to write them.
#[derive(Default)]
struct Table {
    states: BTreeMap<u64, &'static str>,
    transactions: usize,
}

/// Writes one batch in one transaction. The next batch comes when this one is written: whatever came meanwhile.
struct Writer {
    table: Arc<Mutex<Table>>,
}

impl Actor for Writer {
    type Context = Context<Self>;
}

impl Handler<Events> for Writer {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, Events(events): Events, _: &mut Self::Context) -> Self::Result {
        let table = self.table.clone();
        Box::pin(async move {
            let rows: Vec<_> = events.iter().filter_map(row).collect();
            tokio::time::sleep(Duration::from_millis(20)).await; // as long as a commit takes
            let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
            table.states.extend(rows);
            table.transactions += 1;
        })
    }
}

/// The row that an event changes. Of a long message the result comes once, with the receipt that made its last part
/// final.
fn row(event: &Event) -> Option<(u64, &'static str)> {
    let receipt = match event {
        Event::Receipt(receipt) => receipt,
        Event::Lagged { missed } => {
            println!("{missed} receipts were missed: the database was too slow for too long");
            return None;
        }
        _ => return None,
    };
    let message = receipt.message.as_ref()?;
    match (&message.reference, message.result) {
        (Reference::Number(number), Some(result)) => {
            Some((*number, result.state.name().unwrap_or("UNKNOWN")))
        }
        _ => None,
    }
}

#[actix::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let behaviour = Behaviour {
        receipts_after: Some(Duration::from_millis(100)),
        receipts_jitter: Duration::from_millis(200),
        final_states: Shares::new([(MessageState::UNDELIVERABLE, 0.1), (MessageState::EXPIRED, 0.05)]),
        ..Behaviour::default()
    };
    let smsc = Smsc::listen("127.0.0.1:0", behaviour, 7).await?;
    let address = smsc.local_addr().ok_or("an SMSC that listens has an address")?;

    let bind = BindSettings::new(address.to_string(), "example", "secret").window(50);
    let esme = Esme::start(Settings::default().bind("main", bind))?;
    let table = Arc::<Mutex<Table>>::default();
    let writer = Writer { table: table.clone() };
    // When too much waits, the SMSC is read no more until there is room again.
    let policy = Policy::hold_back().batch(100);
    let subscription = esme.subscribe_batches(writer.start().recipient(), Kinds::RECEIPTS, policy);

    let messages = (0..500_u64).map(|number| {
        let text = format!("Number {number}");
        Submit::text("447700900123", text).receipt().reference(number)
    });
    let outcomes = esme.submit_batch(messages).await;
    let accepted = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    println!("{accepted} of {} accepted", outcomes.len());

    // The receipts come, and are written.
    tokio::time::sleep(Duration::from_secs(1)).await;
    if let Some(status) = esme.subscription(subscription) {
        println!("{} wait, {} were missed", status.events, status.missed);
    }
    esme.shutdown(Duration::from_secs(5)).await;
    smsc.shutdown().await;
    let table = table.lock().unwrap_or_else(PoisonError::into_inner);
    let mut counts = BTreeMap::new();
    for state in table.states.values() {
        *counts.entry(state).or_insert(0_u32) += 1;
    }
    println!(
        "{} rows in {} transactions: {counts:?}",
        table.states.len(),
        table.transactions
    );
    Ok(())
}
