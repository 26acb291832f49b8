//! Many binds: two providers of different speed, three binds each, and one provider that dies on the way.
//!
//! `cargo run --example multi_bind` needs nothing else: both SMSCs run inside the process. Watch the messages go to
//! whichever bind has the most room, and the binds come back by themselves.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::time::Duration;

use actix::{Actor, Context, Handler};
use bindery::esme::Esme;
use bindery::events::{Event, Kinds, Phase};
use bindery::settings::{BindSettings, BudgetSettings, Settings};
use bindery::smsc::{Behaviour, Smsc};
use bindery::submit::{Submit, SubmitError, SubmitResult};

const MESSAGES: usize = 3_000;

/// Prints what becomes of the binds.
struct Watcher;

impl Actor for Watcher {
    type Context = Context<Self>;
}

impl Handler<Event> for Watcher {
    type Result = ();

    fn handle(&mut self, event: Event, _: &mut Self::Context) {
        if let Event::Bind(event) = event
            && matches!(event.phase, Phase::Bound | Phase::Waiting { .. })
        {
            println!("{:<8} {}: {}", event.bind, event.phase, event.cause);
        }
    }
}

async fn provider(delay: Duration) -> Result<(Smsc, String), Box<dyn Error>> {
    let smsc = Smsc::listen(
        "127.0.0.1:0",
        Behaviour {
            delay,
            ..Behaviour::default()
        },
        1,
    )
    .await?;
    let address = smsc.local_addr().ok_or("an SMSC that listens has an address")?;
    Ok((smsc, address.to_string()))
}

#[actix::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (fast, fast_address) = provider(Duration::from_millis(2)).await?;
    let (slow, slow_address) = provider(Duration::from_millis(20)).await?;

    // The binds of one account share its messages, its receipts and, here, its rate.
    let mut settings = Settings::default().budget("fast", BudgetSettings::new(2_000.0));
    for number in 1..=3 {
        let bind = BindSettings::new(fast_address.as_str(), "example", "secret").account("fast");
        let bind = bind.budget("fast").backoff_initial(Duration::from_millis(100));
        settings = settings.bind(format!("fast-{number}"), bind);
        let bind = BindSettings::new(slow_address.as_str(), "example", "secret")
            .account("slow")
            .window(5);
        settings = settings.bind(format!("slow-{number}"), bind);
    }
    let esme = Esme::start(settings)?;
    esme.subscribe(Watcher.start().recipient(), Kinds::BINDS);

    let sender = {
        let esme = esme.clone();
        actix::spawn(async move {
            let messages =
                (0..MESSAGES).map(|number| Submit::text("447700900123", format!("Number {number}")));
            esme.submit_batch(messages).await
        })
    };
    tokio::time::sleep(Duration::from_millis(500)).await;
    println!("         the fast provider dies with messages in flight");
    fast.stop().await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    println!("         and comes back");
    fast.start().await?;

    // What was in flight may have arrived, and is not sent twice; everything else went another way or waited.
    let outcomes = sender.await?;
    let accepted = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let is_unknown = |outcome: &&SubmitResult| matches!(outcome, Err(SubmitError::Unknown { .. }));
    let unknown = outcomes.iter().filter(is_unknown).count();
    println!(
        "         {accepted} of {MESSAGES} accepted, {unknown} unknown, {} not sent or refused",
        MESSAGES - accepted - unknown
    );
    let status = esme.status().await;
    println!("bind     phase    submitted  unknown  lost links");
    for bind in &status.binds {
        let counters = &bind.counters;
        let (submitted, unknown, lost) = (counters.submitted, counters.unknown, counters.lost);
        println!(
            "{:<8} {:<8} {submitted:>9} {unknown:>8} {lost:>11}",
            bind.bind, bind.phase
        );
    }
    esme.shutdown(Duration::from_secs(5)).await;
    tokio::join!(fast.shutdown(), slow.shutdown());
    Ok(())
}
