//! Long messages: what a text costs before it is sent, how it is split, and what becomes of its parts.
//!
//! `cargo run --example long_messages` needs nothing else: the SMSC runs inside the process.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::time::Duration;

use bindery::esme::Esme;
use bindery::pdu::CommandStatus;
use bindery::settings::{BindSettings, Settings};
use bindery::sm::{Concatenation, Language, Languages, SplitOptions, Udh, preview, split_text};
use bindery::smsc::{Behaviour, Faults, Seen, Shares, Smsc};
use bindery::submit::{Submit, SubmitError};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // What it would cost, and why.
    let plain = SplitOptions::default();
    let similar = SplitOptions {
        transliterate: true,
        ..SplitOptions::default()
    };
    let turkish = SplitOptions {
        languages: Languages::NONE.with(Language::Turkish),
        ..SplitOptions::default()
    };
    for (what, text, options) in [
        ("ASCII", "A plain text of seven words. ".repeat(7), &plain),
        ("a curly quote", "It’s a plain text, nearly. ".repeat(7), &plain),
        (
            "the same, made plain",
            "It’s a plain text, nearly. ".repeat(7),
            &similar,
        ),
        (
            "Turkish",
            "Şişli’de ağaç çok. ".repeat(9).replace('’', "'"),
            &turkish,
        ),
        ("emoji", "👩‍👩‍👧 went home. ".repeat(9), &plain),
    ] {
        let cost = preview(&text, options)?;
        println!(
            "{what:<21} {:>2} part(s) of {}",
            cost.parts(),
            cost.alphabet.name()
        );
    }

    // How it is split. No part ends inside an escape pair, a surrogate pair or what a reader takes for one character.
    let text = "👩‍👩‍👧 went home. ".repeat(9);
    let split = split_text(&text, &plain, 0x2A)?;
    for part in &split.parts {
        let (header, _) = Udh::split(&part.octets)?;
        let info = header.part().ok_or("a part of several has a number")?;
        let said = text.get(part.source.clone()).unwrap_or_default();
        println!(
            "{} of {}: {} octets, ends in {:?}",
            info.sequence,
            info.total,
            part.octets.len(),
            said.chars().last()
        );
    }

    // How it is sent: as one message with one outcome. Some parts are refused here, so that there is something to see.
    let refused_messages = Shares::new([(CommandStatus::ESME_RINVDSTADR, 0.2)]);
    let behaviour = Behaviour {
        faults: Faults {
            refused_messages,
            ..Faults::default()
        },
        witness: true,
        ..Behaviour::default()
    };
    let smsc = Smsc::listen("127.0.0.1:0", behaviour, 3).await?;
    let address = smsc.local_addr().ok_or("an SMSC that listens has an address")?;
    let bind = BindSettings::new(address.to_string(), "example", "secret");
    let esme = Esme::start(Settings::default().bind("main", bind))?;
    for number in 1..=5 {
        let message = Submit::text("447700900123", format!("Number {number}. ").repeat(50));
        match esme.submit(message).await {
            Ok(submitted) => println!("{number}: {} parts accepted", submitted.message_ids.len()),
            Err(SubmitError::Partial { parts }) => {
                let accepted = parts.iter().filter(|part| part.is_ok()).count();
                println!("{number}: {accepted} of {} parts accepted", parts.len());
            }
            Err(error) => println!("{number}: {error}"),
        }
    }

    // Some SMSCs want long texts whole.
    let whole = SplitOptions {
        concatenation: Concatenation::Payload,
        ..SplitOptions::default()
    };
    smsc.change(|behaviour| behaviour.faults = Faults::default());
    esme.submit(Submit::text("447700900123", "All in one. ".repeat(50)).options(whole))
        .await?;
    if let Some(Seen::Message(message)) = smsc
        .witness()
        .sightings
        .into_iter()
        .rev()
        .map(|seen| seen.what)
        .find(|what| matches!(what, Seen::Message(_)))
    {
        println!("message_payload: {} octets in one PDU", message.octets.len());
    }
    esme.shutdown(Duration::from_secs(5)).await;
    smsc.shutdown().await;
    Ok(())
}
