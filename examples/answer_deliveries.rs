//! An actor that answers deliveries: at once, after a look elsewhere, or with a status of its own.
//!
//! `cargo run --example answer_deliveries` needs nothing else: the SMSC runs inside the process. Our response waits for
//! the answer; the bind reads and writes on meanwhile.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::time::Duration;

use actix::{Actor, Context, Handler, ResponseFuture};
use bindery::esme::Esme;
use bindery::events::{Answer, Delivery, Duty};
use bindery::pdu::{CommandStatus, DeliverSm};
use bindery::settings::{BindSettings, Settings};
use bindery::smsc::{Behaviour, Seen, Smsc};

/// Answers for one short code, after it has asked a database.
struct ShortCode;

impl Actor for ShortCode {
    type Context = Context<Self>;
}

impl Handler<Delivery> for ShortCode {
    type Result = ResponseFuture<Answer>;

    fn handle(&mut self, delivery: Delivery, _: &mut Self::Context) -> Self::Result {
        Box::pin(async move {
            // Stands in for a database. An answer may take as long as `answer_timeout`.
            tokio::time::sleep(Duration::from_millis(50)).await;
            let text = delivery.text().unwrap_or_default();
            println!("12345 has {text:?} from {}", delivery.source());
            match text.as_str() {
                "full" => Answer::later(), // the SMSC tries again
                "spam" => Answer::refused(),
                _ => Answer::ok(),
            }
        })
    }
}

/// Answers for everything else, at once.
struct Everything;

impl Actor for Everything {
    type Context = Context<Self>;
}

impl Handler<Delivery> for Everything {
    type Result = Answer;

    fn handle(&mut self, delivery: Delivery, _: &mut Self::Context) -> Answer {
        println!("nobody lives at {}", delivery.destination());
        CommandStatus::ESME_RX_P_APPN.into()
    }
}

#[actix::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let behaviour = Behaviour {
        witness: true,
        ..Behaviour::default()
    };
    let smsc = Smsc::listen("127.0.0.1:0", behaviour, 1).await?;
    let address = smsc.local_addr().ok_or("an SMSC that listens has an address")?;

    let bind = BindSettings::new(address.to_string(), "example", "secret");
    let esme = Esme::start(Settings::default().bind("main", bind))?;
    // The most specific duty counts.
    let short_code = Duty::named("short code").destination_prefix("12345");
    esme.answer_deliveries(ShortCode.start().recipient(), short_code)?;
    esme.answer_deliveries(Everything.start().recipient(), Duty::named("everything else"))?;

    for (destination, text) in [
        ("12345", "hello"),
        ("12345", "spam"),
        ("67890", "is anybody there?"),
    ] {
        let message = DeliverSm {
            source_addr: "447700900001".parse()?,
            destination_addr: destination.parse()?,
            short_message: text.as_bytes().to_vec().into(),
            ..DeliverSm::default()
        };
        smsc.deliver("example", message);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;

    for sighting in smsc.witness().sightings {
        if let Seen::DeliveryAnswered { status: Some(status) } = sighting.what {
            println!("the SMSC was answered {status}");
        }
    }
    esme.shutdown(Duration::from_secs(5)).await;
    smsc.shutdown().await;
    Ok(())
}
