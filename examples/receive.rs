//! Receives: messages from phones, which an actor answers, and receipts, which come as events.
//!
//! `cargo run --example receive` needs nothing else: the SMSC runs inside the process.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::time::Duration;

use actix::{Actor, Context, Handler};
use bindery::esme::Esme;
use bindery::events::{Answer, Duty, Event, InboundMessage, Kinds, Policy};
use bindery::pdu::MessageState;
use bindery::settings::{BindSettings, Settings};
use bindery::smsc::{Behaviour, MobileOriginated, Shares, Smsc};
use bindery::submit::Submit;
use tokio::sync::mpsc;

/// Takes what comes. It lives in the same System as the binds here; any other arbiter or thread will do as well.
struct Inbox {
    /// Tells `main` of each thing that came, so that the example knows when it is over.
    seen: mpsc::UnboundedSender<()>,
}

impl Actor for Inbox {
    type Context = Context<Self>;
}

/// A message from a phone, the parts of a long one put together. What the handler returns is the status of our
/// response; `Delivery` in its place stands for each PDU as it came.
impl Handler<InboundMessage> for Inbox {
    type Result = Answer;

    fn handle(&mut self, message: InboundMessage, _: &mut Self::Context) -> Answer {
        let text = message.text.as_deref().unwrap_or_default();
        println!(
            "message  {} to {}: {text}",
            message.source(),
            message.destination()
        );
        let _ = self.seen.send(()); // main may have ended
        if text.is_empty() {
            Answer::refused()
        } else {
            Answer::ok()
        }
    }
}

/// A receipt, already matched with its message.
impl Handler<Event> for Inbox {
    type Result = ();

    fn handle(&mut self, event: Event, _: &mut Self::Context) {
        let receipt = match event {
            Event::Receipt(receipt) => receipt,
            Event::Lagged { missed } => return println!("{missed} receipts were missed"),
            _ => return,
        };
        let state = receipt.state().unwrap_or(MessageState::UNKNOWN);
        match &receipt.message {
            Some(message) => println!("receipt  message {} is {state}", message.reference),
            None => println!("receipt  {state}, for a message that is not ours"),
        }
        let _ = self.seen.send(()); // main may have ended
    }
}

#[actix::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // An SMSC where phones write ten times a second, and where a third of the messages cannot be delivered.
    let phones = MobileOriginated {
        rate: 10.0,
        count: Some(5),
        ..MobileOriginated::default()
    };
    let behaviour = Behaviour {
        mobile_originated: Some(phones),
        receipts_after: Some(Duration::from_millis(200)),
        final_states: Shares::new([(MessageState::UNDELIVERABLE, 0.3)]),
        ..Behaviour::default()
    };
    let smsc = Smsc::listen("127.0.0.1:0", behaviour, 7).await?;
    let address = smsc.local_addr().ok_or("an SMSC that listens has an address")?;

    let bind = BindSettings::new(address.to_string(), "example", "secret");
    let esme = Esme::start(Settings::default().bind("main", bind))?;
    let (seen, mut things) = mpsc::unbounded_channel();
    let inbox = Inbox { seen }.start();
    esme.answer_messages(inbox.clone().recipient(), Duty::all())?;
    // A receipt is acknowledged when it comes, and not sent again: rather the SMSC waits than one is missed.
    esme.subscribe_with(inbox.recipient(), Kinds::RECEIPTS, Policy::hold_back());

    for number in 1..=5_u64 {
        let submit = Submit::text("447700900123", "Did you get this?")
            .receipt()
            .reference(number);
        let submitted = esme.submit(submit).await?;
        println!("sent     message {number} has the id {}", submitted.message_id());
    }

    // Five messages from phones and five receipts.
    for _ in 0..10 {
        tokio::time::timeout(Duration::from_secs(10), things.recv()).await?;
    }
    esme.shutdown(Duration::from_secs(5)).await;
    smsc.shutdown().await;
    Ok(())
}
