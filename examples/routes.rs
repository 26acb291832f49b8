//! Routes: numbers of one country to one provider, one-time passwords by a bind of their own, everything else anywhere.
//!
//! `cargo run --example routes` needs nothing else: the SMSC runs inside the process. It asks first where each message
//! would go, and why, and then sends it.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::time::Duration;

use bindery::esme::Esme;
use bindery::settings::{BindSettings, RouteSettings, RouteStrategy, Settings, TermSettings};
use bindery::smsc::{Behaviour, Smsc};
use bindery::submit::Submit;

#[actix::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let smsc = Smsc::listen("127.0.0.1:0", Behaviour::default(), 1).await?;
    let address = smsc
        .local_addr()
        .ok_or("an SMSC that listens has an address")?
        .to_string();
    let bind = || BindSettings::new(address.as_str(), "demo", "secret");

    let uk = RouteSettings::default()
        .account("acme")
        .destination("44")
        .strategy(RouteStrategy::Tiers)
        .term("acme-2", TermSettings::default().tier(1_u16));
    let otp = RouteSettings::new(["fast"]).destination("44").class("otp");
    let rest = RouteSettings::new(["acme-1", "fast"]).destination("");
    let settings = Settings::default()
        .bind("acme-1", bind().account("acme"))
        .bind("acme-2", bind().account("acme"))
        .bind("fast", bind())
        .route("uk", uk)
        .route("otp", otp)
        .route("rest", rest);
    let esme = Esme::start(settings)?;

    let messages = [
        Submit::text("447700900123", "A Friday offer"),
        Submit::text("447700900123", "Your code is 482913")
            .class("otp")
            .priority(9),
        Submit::text("33123456789", "Bonjour"),
        Submit::text("447700900123", "By name").route("rest"),
    ];
    for message in messages {
        if let Some(explained) = esme.explain(message.clone()).await {
            println!("{explained}");
        }
        let submitted = esme.submit(message).await?;
        println!("  -> {} took it as {}\n", submitted.bind, submitted.message_id());
    }

    esme.shutdown(Duration::from_secs(5)).await;
    smsc.shutdown().await;
    Ok(())
}
