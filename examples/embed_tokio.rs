//! Inside a service on tokio's multi-thread runtime: no actix in sight, but for the actor that answers phones.
//!
//! `cargo run --example embed_tokio` needs nothing else: the SMSC runs inside the process. The binds get a thread of
//! their own; the handle is cheap to clone and works in every task, as it would in the handlers of a web server. The actor
//! that answers phones gets a thread with an actix System.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use actix::{Actor, Context, Handler, Recipient};
use bindery::esme::Esme;
use bindery::events::{Answer, Duty, InboundMessage};
use bindery::settings::{BindSettings, Settings};
use bindery::smsc::{Behaviour, MobileOriginated, Smsc};
use bindery::submit::{Submit, SubmitError};
use tokio::task::JoinSet;

/// What a request of the service becomes.
#[derive(Debug)]
enum Reply {
    Sent {
        id: String,
    },
    TryLater,
    /// It may have been sent: whoever asked must not simply try again.
    Unknown {
        reason: String,
    },
    Failed {
        reason: String,
    },
}

/// A handler of the service: sends a one-time password, or says at once that it cannot.
async fn send_password(esme: Esme, number: usize) -> Reply {
    let submit = Submit::text("447700900123", format!("Your password is {number:06}"))
        .source("Service")
        // It overtakes whatever waits with a lower priority, and is not written after a minute. The SMSC is told neither.
        .priority(10)
        .validity(Duration::from_secs(60));
    // `try_submit` does not wait for room, so that a queue outside cannot grow; `submit` would.
    let pending = match esme.try_submit(submit) {
        Ok(pending) => pending,
        Err(SubmitError::Busy) => return Reply::TryLater,
        Err(error) => {
            return Reply::Failed {
                reason: error.to_string(),
            };
        }
    };
    match pending.await {
        Ok(submitted) => Reply::Sent {
            id: submitted.message_id().to_string(),
        },
        Err(error @ (SubmitError::Unknown { .. } | SubmitError::Partial { .. })) => Reply::Unknown {
            reason: error.to_string(),
        },
        Err(error) => Reply::Failed {
            reason: error.to_string(),
        },
    }
}

/// Answers messages from phones.
struct Inbox;

impl Actor for Inbox {
    type Context = Context<Self>;
}

impl Handler<InboundMessage> for Inbox {
    type Result = Answer;

    fn handle(&mut self, message: InboundMessage, _: &mut Context<Self>) -> Answer {
        println!("a phone says {:?}", message.text.as_deref().unwrap_or_default());
        Answer::ok()
    }
}

/// Starts the inbox on a thread with an actix System, which it needs, for as long as there are binds.
fn inbox(esme: Esme) -> Result<Recipient<InboundMessage>, Box<dyn Error>> {
    let (sender, receiver) = mpsc::channel();
    thread::Builder::new().name("inbox".into()).spawn(move || {
        actix::System::new().block_on(async move {
            let _ = sender.send(Inbox.start().recipient()); // who started us may have gone
            esme.closed().await;
        });
    })?;
    Ok(receiver.recv()?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let phones = MobileOriginated {
        rate: 100.0,
        count: Some(3),
        ..MobileOriginated::default()
    };
    let behaviour = Behaviour {
        delay: Duration::from_millis(5),
        mobile_originated: Some(phones),
        ..Behaviour::default()
    };
    let smsc = Smsc::listen("127.0.0.1:0", behaviour, 1).await?;
    let address = smsc.local_addr().ok_or("an SMSC that listens has an address")?;

    let bind = BindSettings::new(address.to_string(), "example", "secret").window(50);
    let esme = Esme::start(Settings::default().bind("main", bind))?;

    esme.answer_messages(inbox(esme.clone())?, Duty::all())?;

    let mut requests = JoinSet::new();
    for number in 0..2_000 {
        requests.spawn(send_password(esme.clone(), number));
    }
    let (mut sent, mut later, mut unknown, mut failed) = (0, 0, 0, 0);
    let mut last_id = String::new();
    for reply in requests.join_all().await {
        match reply {
            Reply::Sent { id } => {
                sent += 1;
                last_id = last_id.max(id);
            }
            Reply::TryLater => later += 1,
            Reply::Unknown { reason } => {
                unknown += 1;
                println!("unknown: {reason}");
            }
            Reply::Failed { reason } => {
                failed += 1;
                println!("failed: {reason}");
            }
        }
    }
    println!(
        "{sent} sent, {later} turned away, {unknown} unknown, {failed} failed; the last id is {last_id}"
    );

    // In good order: what waits is answered, what is in flight may finish, every bind unbinds.
    let report = esme.shutdown(Duration::from_secs(5)).await;
    println!("shut down in {:?}, clean: {}", report.elapsed, report.is_clean());
    smsc.shutdown().await;
    Ok(())
}
