//! Functions that are called with each PDU.

use super::*;
use crate::events::PduEvent;
use crate::session::Passage;

/// Notes what passes, and answers deliveries what their text says.
struct Noting(mpsc::UnboundedSender<String>);

impl Tap for Noting {
    fn handle_received(&mut self, pdu: &PduEvent) -> Option<CommandStatus> {
        self.note(pdu);
        match pdu.pdu.as_deref() {
            Ok(Pdu::DeliverSm(deliver)) => match &deliver.short_message[..] {
                b"panic" => panic!("as asked"),
                b"full" => Some(CommandStatus::ESME_RMSGQFUL),
                _ => None,
            },
            _ => None,
        }
    }

    fn handle_sending(&mut self, pdu: &PduEvent) {
        self.note(pdu);
    }
}

impl Noting {
    fn note(&self, pdu: &PduEvent) {
        let sign = match pdu.passage {
            Passage::Received => '<',
            Passage::Sending | Passage::Sent => '>',
        };
        let name = pdu.header.command_id.name().unwrap_or_default();
        let _ = self.0.send(format!("{sign}{name}"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_tap_sees_each_pdu_and_decides_what_deliveries_are_answered_with() {
    local(async {
        let (note, mut notes) = mpsc::unbounded_channel();
        let mut bench = Bench::start_with(settings(), Some(Box::new(Noting(note)))).await;
        bench.accept_bind().await;
        for (text, status) in [
            (&b"full"[..], CommandStatus::ESME_RMSGQFUL),
            (b"panic", CommandStatus::ESME_RX_T_APPN),
            // Left to those who answer deliveries, of whom there is none.
            (b"hello", CommandStatus::ESME_RX_T_APPN),
        ] {
            bench.deliver(text, 0).await;
            assert_eq!(
                bench.read(DELIVER | RESP).await.command_status,
                status,
                "{text:?}"
            );
        }
        let mut seen = Vec::new();
        while let Ok(note) = notes.try_recv() {
            seen.push(note);
        }
        let pair = ["<deliver_sm", ">deliver_sm_resp"];
        let bind = [">bind_transceiver", "<bind_transceiver_resp"];
        assert_eq!(seen, [bind, pair, pair, pair].concat());
    })
    .await;
}
