//! Sends messages over one bind and says what became of each.
//!
//! `cargo run --example submit` needs nothing else: the SMSC runs inside the process. To talk to a real one, leave
//! it out and put its address, your system_id and your password into the bind.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::time::Duration;

use bindery::esme::Esme;
use bindery::pdu::{CommandStatus, DataCoding, Npi, SubmitSm, Ton};
use bindery::settings::{BindSettings, Settings};
use bindery::smsc::{Behaviour, Faults, Shares, Smsc};
use bindery::submit::{Submit, SubmitError, SubmitResult};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // One message in five is refused, so that there is something to see.
    let refused_messages = Shares::new([(CommandStatus::ESME_RINVDSTADR, 0.2)]);
    let faults = Faults {
        refused_messages,
        ..Faults::default()
    };
    let smsc = Smsc::listen(
        "127.0.0.1:0",
        Behaviour {
            faults,
            ..Behaviour::default()
        },
        1,
    )
    .await?;
    let address = smsc.local_addr().ok_or("an SMSC that listens has an address")?;

    let bind = BindSettings::new(address.to_string(), "example", "secret").window(20);
    let esme = Esme::start(Settings::default().bind("main", bind))?;

    // A short text. `submit` waits until a bind has room, and then for the response.
    let hello = Submit::text("447700900123", "Hello!").source("Bindery");
    show("short", &esme.submit(hello).await);

    // A long one: as many parts as it takes, but one message with one outcome.
    let long = "A text that is longer than one message holds is split. ".repeat(10);
    show(
        "long",
        &esme
            .submit(Submit::text("447700900123", long).source("Bindery"))
            .await,
    );

    // Characters outside GSM 03.38 go out as UCS2 by themselves.
    show(
        "unicode",
        &esme
            .submit(Submit::text("447700900123", "Привет 👋").source("Bindery"))
            .await,
    );

    // The PDU itself, where every field matters.
    let pdu = SubmitSm {
        source_addr_ton: Ton::ALPHANUMERIC,
        source_addr: "Bindery".parse()?,
        dest_addr_ton: Ton::INTERNATIONAL,
        dest_addr_npi: Npi::ISDN,
        destination_addr: "447700900123".parse()?,
        data_coding: DataCoding::OCTETS,
        short_message: b"\x01\x02\x03".into(),
        ..SubmitSm::default()
    };
    show("binary", &esme.submit(pdu).await);

    // Many at once. The outcomes come back in the order given.
    let batch = (0..1_000).map(|number| Submit::text("447700900123", format!("Number {number}")));
    let outcomes = esme.submit_batch(batch).await;
    let accepted = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    println!("batch    {accepted} of {} accepted", outcomes.len());

    let report = esme.shutdown(Duration::from_secs(5)).await;
    println!(
        "shutdown after {:?}, {} messages in all",
        report.elapsed, report.totals.taken
    );
    smsc.shutdown().await;
    Ok(())
}

fn show(what: &str, outcome: &SubmitResult) {
    match outcome {
        Ok(submitted) => {
            let (parts, first) = (submitted.message_ids.len(), submitted.message_id());
            println!(
                "{what:<8} accepted by {} in {parts} part(s), first id {first}",
                submitted.bind
            );
        }
        // The SMSC said no. Whether it may say something else later is a question of the status.
        Err(error @ SubmitError::Rejected { status, .. }) => {
            let later = match error.is_safe_to_resend() {
                true => "may be accepted later",
                false => "for good",
            };
            println!("{what:<8} rejected ({later}): {}", status.meaning());
        }
        // The parts of one message ended differently; each has its own outcome.
        Err(SubmitError::Partial { parts }) => {
            let accepted = parts.iter().filter(|part| part.is_ok()).count();
            println!("{what:<8} {accepted} of {} parts accepted", parts.len());
        }
        // It may have arrived. Whether to send it again is a question of what a second one costs.
        Err(error @ SubmitError::Unknown { .. }) => println!("{what:<8} unknown: {error}"),
        // No SMSC has it: it can be sent again without any risk.
        Err(error) if error.is_safe_to_resend() => println!("{what:<8} not sent: {error}"),
        // It fits no PDU, and never will.
        Err(error) => println!("{what:<8} cannot be sent: {error}"),
    }
}
