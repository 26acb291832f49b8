//! The SMSC over pipes in virtual time, against octets written by hand.

mod deliveries;
mod faults;
mod life;
mod limits;
mod messages;

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{advance, timeout};

use super::*;
use crate::link::{ConnectError, Target, Transport};
use crate::pdu::{CommandStatus, MessageState};

// The PDUs of section 14 of the reference, as an ESME sends them.
const BIND: &str = "0000002500000009000000000000000164656d6f666f6f0073656372657421000034000000";
const BIND_TRANSMITTER: &str = "0000002500000002000000000000000164656d6f666f6f0073656372657421000034000000";
const BIND_RECEIVER: &str = "0000002500000001000000000000000164656d6f666f6f0073656372657421000034000000";
const SUBMIT_WITH_RECEIPT: &str = "0000003400000004000000000000000300050053686f7000010134313739303030303030000000000000010000000548656c6c6f";
const SUBMIT: &str = "0000003400000004000000000000000300050053686f7000010134313739303030303030000000000000000000000548656c6c6f";
const ENQUIRE_LINK: &str = "00000010000000150000000000000002";
const UNBIND: &str = "00000010000000060000000000000011";

// What the SMSC says, by hand.
const BIND_RESP: &str = "0000001d80000009000000000000000162696e6465727900021000 0134";
const SUBMIT_RESP_1: &str = "0000001b800000040000000000000003 30303030303030303031 00";

struct Esme {
    transport: Transport,
}

impl Esme {
    async fn connect(smsc: &Smsc) -> Self {
        Self {
            transport: connect(smsc).await.unwrap(),
        }
    }

    /// Connects and binds as transceiver.
    async fn bound(smsc: &Smsc) -> Self {
        let mut esme = Self::connect(smsc).await;
        esme.send(BIND).await;
        esme.expect(BIND_RESP).await;
        esme
    }

    async fn send(&mut self, octets: &str) {
        self.transport.write_all(&hex(octets)).await.unwrap();
    }

    /// The next PDU; none when the connection is over.
    async fn receive(&mut self) -> Option<Vec<u8>> {
        let mut length = [0; 4];
        self.transport.read_exact(&mut length).await.ok()?;
        let mut pdu = vec![0; u32::from_be_bytes(length) as usize];
        pdu[..4].copy_from_slice(&length);
        self.transport.read_exact(&mut pdu[4..]).await.ok()?;
        Some(pdu)
    }

    async fn expect(&mut self, octets: &str) {
        let received = timeout(Duration::from_secs(3600), self.receive())
            .await
            .expect("nothing came");
        assert_eq!(received.map(|pdu| to_hex(&pdu)), Some(to_hex(&hex(octets))));
    }

    async fn expect_silence(&mut self, span: Duration) {
        if let Ok(received) = timeout(span, self.receive()).await {
            panic!("unexpected: {:?}", received.map(|pdu| to_hex(&pdu)));
        }
    }

    async fn expect_end(&mut self) {
        let received = timeout(Duration::from_secs(3600), self.receive())
            .await
            .expect("still open");
        assert_eq!(received.map(|pdu| to_hex(&pdu)), None);
    }

    /// Takes a deliver_sm and answers it; says what its text is.
    async fn take_delivery(&mut self, status: CommandStatus) -> String {
        let pdu = timeout(Duration::from_secs(3600), self.receive())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(pdu[4..8], [0, 0, 0, 5], "{}", to_hex(&pdu));
        let sequence = to_hex(&pdu[12..16]);
        match status {
            CommandStatus::ESME_ROK => self.send(&format!("000000118000000500000000{sequence}00")).await,
            status => {
                self.send(&format!("0000001080000005{:08x}{sequence}", status.value()))
                    .await
            }
        }
        let view = crate::pdu::view(&pdu, &crate::pdu::Leniency::strict()).unwrap();
        let crate::pdu::PduView::DeliverSm(body) = view.body else {
            panic!("{view:?}")
        };
        String::from_utf8(body.short_message.to_vec()).unwrap()
    }
}

async fn connect(smsc: &Smsc) -> Result<Transport, ConnectError> {
    smsc.connector().connect(&Target::new("smsc", 2775)).await
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|digit| *digit != b' ').collect();
    let pairs = digits.chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

fn to_hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn smsc(behaviour: Behaviour) -> Smsc {
    Smsc::in_memory(behaviour, 1)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
