//! TLVs that the standard does not know, by name: declared once, put into messages and found in what comes.
//!
//! `cargo run --example custom_tlvs` needs nothing else: the SMSC runs inside the process. A service declares them in
//! its configuration instead, under `[tlvs.NAME]`.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::time::Duration;

use actix::{Actor, Context, Handler};
use bindery::esme::Esme;
use bindery::events::{Answer, Delivery, Duty};
use bindery::pdu::tlv::CustomTlv;
use bindery::pdu::{CommandId, DeliverSm, FieldValue, Pdu, TlvKind, TlvRegistry, TlvTag};
use bindery::settings::{BindSettings, Settings};
use bindery::smsc::{Behaviour, Seen, Smsc};
use bindery::submit::Submit;

/// Reads the TLV of the vendor in what comes.
struct Inbox {
    registry: TlvRegistry,
}

impl Actor for Inbox {
    type Context = Context<Self>;
}

impl Handler<Delivery> for Inbox {
    type Result = Answer;

    fn handle(&mut self, delivery: Delivery, _: &mut Self::Context) -> Answer {
        if let Pdu::DeliverSm(deliver) = &delivery.pdu {
            let tlvs = deliver.tlvs.view();
            match self.registry.get(CommandId::DELIVER_SM, tlvs, "campaign") {
                Some(FieldValue::Integer(campaign)) => println!("a reply to campaign {campaign}"),
                _ => println!("a reply to nothing that we know"),
            }
        }
        Answer::ok()
    }
}

#[actix::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // The three of Indian carriers, ready made, and one of a vendor. A clash of tag or name is an error.
    let mut registry = TlvRegistry::india_dlt();
    let campaign = CustomTlv::new("campaign", TlvTag::new(0x1500), TlvKind::Integer, 4..=4);
    registry.add(campaign.only_in(&[CommandId::SUBMIT_SM, CommandId::DELIVER_SM]))?;
    let clash = CustomTlv::new("other", TlvTag::new(0x1500), TlvKind::Text, 1..=9);
    if let Err(error) = registry.add(clash) {
        println!("refused: {error}");
    }

    let behaviour = Behaviour {
        witness: true,
        ..Behaviour::default()
    };
    let smsc = Smsc::listen("127.0.0.1:0", behaviour, 1).await?;
    let address = smsc.local_addr().ok_or("an SMSC that listens has an address")?;
    let bind = BindSettings::new(address.to_string(), "example", "secret");
    let esme = Esme::start(Settings::default().bind("main", bind))?;
    let inbox = Inbox {
        registry: registry.clone(),
    };
    esme.answer_deliveries(inbox.start().recipient(), Duty::all())?;

    // A value of the wrong type or size is refused here, never cut.
    let template = FieldValue::Text(b"1107160000000012345"[..].into());
    let message = Submit::text("919876543210", "Your code is 482913")
        .tlv(&registry, "template_id", &template)?
        .tlv(&registry, "campaign", &FieldValue::Integer(2_026))?;
    esme.submit(message).await?;
    for sighting in smsc.witness().sightings {
        if let Seen::Message(message) = sighting.what {
            for (tag, value) in message.tlvs.iter() {
                let name = registry.by_tag(CommandId::SUBMIT_SM, tag).map(|(name, _)| name);
                println!("{tag} {}: {value:02x?}", name.unwrap_or("?"));
            }
        }
    }

    let mut reply = DeliverSm::default();
    let tlvs = &mut reply.tlvs;
    registry.put(
        CommandId::DELIVER_SM,
        tlvs,
        "campaign",
        &FieldValue::Integer(2_026),
    )?;
    smsc.deliver("example", reply);
    smsc.deliver("example", DeliverSm::default());
    tokio::time::sleep(Duration::from_millis(200)).await;
    esme.shutdown(Duration::from_secs(5)).await;
    smsc.shutdown().await;
    Ok(())
}
