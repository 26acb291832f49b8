//! A two-way service: a keyword comes in, an answer goes out.
//!
//! `cargo run --example two_way` needs nothing else: the SMSC runs inside the process. Long questions come in parts; the
//! service sees each message once it is whole.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::time::Duration;

use actix::{Actor, Context, Handler};
use bindery::esme::Esme;
use bindery::events::{Answer, Duty, InboundMessage};
use bindery::pdu::{DeliverSm, SubmitSm};
use bindery::settings::{BindSettings, Settings};
use bindery::sm::{SplitOptions, split_text};
use bindery::smsc::{Behaviour, Seen, Smsc};
use bindery::submit::Submit;

/// Knows a few words.
struct Service {
    esme: Esme,
}

impl Actor for Service {
    type Context = Context<Self>;
}

impl Handler<InboundMessage> for Service {
    type Result = Answer;

    fn handle(&mut self, question: InboundMessage, _: &mut Self::Context) -> Answer {
        let text = question.text.as_deref().unwrap_or_default();
        let reply = match text.split_whitespace().next().map(str::to_uppercase).as_deref() {
            Some("WEATHER") => "Sunny, 21 degrees".to_owned(),
            Some("COUNT") => format!("{} characters in {} part(s)", text.len(), question.parts.len()),
            Some("STOP") => "You will hear no more of us.".to_owned(),
            _ => "Send WEATHER, COUNT or STOP.".to_owned(),
        };
        let submit = Submit::text(question.source().as_ref(), reply)
            .source(question.destination().as_ref())
            // By the way it came.
            .bind(question.bind.clone());
        // Never waits: with no room for the reply the SMSC keeps the question, and asks again later.
        match self.esme.try_submit(submit) {
            Ok(outcome) => {
                actix::spawn(async move {
                    if let Err(error) = outcome.await {
                        println!("no reply: {error}");
                    }
                });
                Answer::ok()
            }
            Err(_) => Answer::later(),
        }
    }
}

/// A phone writes, in as many parts as it takes.
fn write(smsc: &Smsc, text: &str) -> Result<(), Box<dyn Error>> {
    let split = split_text(text, &SplitOptions::default(), 7)?;
    for part in &split.parts {
        let mut filled = SubmitSm::default();
        split.fill(part, &mut filled)?;
        let message = DeliverSm {
            source_addr: "447700900001".parse()?,
            destination_addr: "12345".parse()?,
            esm_class: filled.esm_class,
            data_coding: filled.data_coding,
            short_message: filled.short_message,
            ..DeliverSm::default()
        };
        smsc.deliver("example", message);
    }
    Ok(())
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
    let service = Service { esme: esme.clone() }.start();
    esme.answer_messages(
        service.recipient(),
        Duty::named("service").destination_prefix("12345"),
    )?;

    write(&smsc, "weather in London?")?;
    write(&smsc, &format!("count {}", "this, please ".repeat(30)))?;
    write(&smsc, "hello")?;
    tokio::time::sleep(Duration::from_millis(500)).await;

    for sighting in smsc.witness().sightings {
        if let Seen::Message(reply) = sighting.what {
            let text = String::from_utf8_lossy(&reply.octets);
            println!("{} to {}: {text}", reply.source, reply.destination);
        }
    }
    esme.shutdown(Duration::from_secs(5)).await;
    smsc.shutdown().await;
    Ok(())
}
