//! One bind led by hand: connect, bind, send, listen, unbind, and a function that sees each PDU.
//!
//! `cargo run --example simple_client` needs nothing else: the SMSC runs inside the process. For those who come from a
//! simple client; `docs/from-python.md` puts both side by side.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::time::Duration;

use bindery::client::Client;
use bindery::pdu::{CommandId, CommandStatus, Pdu, RegisteredDelivery, SubmitSm};
use bindery::smsc::{Behaviour, MobileOriginated, Smsc};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // An SMSC to which a phone writes twice.
    let phones = MobileOriginated {
        rate: 5.0,
        count: Some(2),
        ..MobileOriginated::default()
    };
    let behaviour = Behaviour {
        mobile_originated: Some(phones),
        ..Behaviour::default()
    };
    let smsc = Smsc::listen("127.0.0.1:0", behaviour, 1).await?;
    let address = smsc.local_addr().ok_or("an SMSC that listens has an address")?;

    let esme = Client::new(address);
    // Every PDU, before it is written and after it came.
    esme.on_all(|pdu| println!("{:?} {}", pdu.passage, pdu.command()));
    // This one instead, for deliveries. What it returns is the status of our response.
    esme.on(CommandId::DELIVER_SM, |pdu| match pdu.pdu.as_deref() {
        Ok(Pdu::DeliverSm(deliver)) => {
            let text = String::from_utf8_lossy(&deliver.short_message);
            println!("Received deliver_sm from {}: {text}", deliver.source_addr);
            CommandStatus::ESME_ROK
        }
        _ => CommandStatus::ESME_RX_P_APPN,
    });

    esme.connect().await?;
    esme.bind_transceiver("username", "secret").await?;
    println!("         state: {:?}", esme.state());

    // The loop that ends when either side unbinds; nothing but `listen` depends on it.
    let listening = tokio::spawn({
        let esme = esme.clone();
        async move { esme.listen().await }
    });

    let message = SubmitSm {
        destination_addr: "4178481818".parse()?,
        short_message: b"test sms".into(),
        registered_delivery: RegisteredDelivery::FINAL,
        ..SubmitSm::default()
    };
    let response = esme.submit_sm(message).await?;
    if let Some(Pdu::SubmitSmResp(resp)) = &response.pdu {
        println!(
            "         sequence {} has the id {}",
            response.sequence, resp.message_id
        );
    }

    // The receipt, and what the phone writes.
    tokio::time::sleep(Duration::from_secs(1)).await;
    println!("         silent for {:?}", esme.inactivity_time());
    esme.unbind().await?;
    listening.await??;
    smsc.shutdown().await;
    Ok(())
}
