//! Receipts on their way into a database: collected by an actor, written in batches by a thread of their own.
//!
//! `cargo run --example receipt_store` needs nothing else: the SMSC runs inside the process. A map stands in for the
//! database. The row of a message exists before it is sent, under the reference that its receipts come back with.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use actix::{Actor, Context, Handler};
use bindery::esme::Esme;
use bindery::events::{Event, Kinds};
use bindery::pdu::MessageState;
use bindery::settings::{BindSettings, Settings};
use bindery::smsc::{Behaviour, Shares, Smsc};
use bindery::submit::{Reference, Submit};

/// One row that changes.
struct Update {
    message: u64,
    state: &'static str,
}

/// Passes final states on. It never waits: what is slow stands on the other side of the channel.
struct Collector {
    updates: mpsc::Sender<Update>,
}

impl Actor for Collector {
    type Context = Context<Self>;
}

impl Handler<Event> for Collector {
    type Result = ();

    fn handle(&mut self, event: Event, _: &mut Self::Context) {
        let Event::Receipt(receipt) = event else { return };
        // Of a long message the result comes once, with the receipt that made its last part final.
        if let Some(message) = &receipt.message
            && let (Reference::Number(number), Some(result)) = (&message.reference, message.result)
        {
            let state = result.state.name().unwrap_or("UNKNOWN");
            let update = Update {
                message: *number,
                state,
            };
            let _ = self.updates.send(update); // the writer may have ended
        }
    }
}

/// Writes whatever has come, at most a hundred rows a transaction.
fn write(updates: &mpsc::Receiver<Update>) -> BTreeMap<u64, &'static str> {
    let (mut table, mut transactions) = (BTreeMap::new(), 0);
    while let Ok(first) = updates.recv() {
        let batch = std::iter::once(first).chain(updates.try_iter().take(99));
        table.extend(batch.map(|update| (update.message, update.state)));
        transactions += 1;
        thread::sleep(Duration::from_millis(20)); // as long as a commit takes
    }
    println!("{} rows in {transactions} transactions", table.len());
    table
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
    let (updates, from_collector) = mpsc::channel();
    let writer = thread::spawn(move || write(&from_collector));
    esme.subscribe(Collector { updates }.start().recipient(), Kinds::RECEIPTS);

    let messages = (0..500_u64).map(|number| {
        let text = format!("Number {number}");
        Submit::text("447700900123", text).receipt().reference(number)
    });
    let outcomes = esme.submit_batch(messages).await;
    let accepted = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    println!("{accepted} of {} accepted", outcomes.len());
    tokio::time::sleep(Duration::from_secs(1)).await;

    // Receipts that still come are told before the end; then nobody holds the collector any more.
    esme.shutdown(Duration::from_secs(5)).await;
    drop(esme);
    let table = tokio::task::spawn_blocking(move || writer.join()).await?;
    let mut states = BTreeMap::new();
    let table = table.map_err(|_| "the writer panicked")?;
    for state in table.into_values() {
        *states.entry(state).or_insert(0_u32) += 1;
    }
    println!("{states:?}");
    smsc.shutdown().await;
    Ok(())
}
