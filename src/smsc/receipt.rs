//! Receipts as deliver_sm: the text of 3.4 appendix B and the TLVs that say the same.

use super::clock::Clock;
use super::deliveries::Receipt;
use super::faults::OddReceipt;
use super::message_id::MessageIds;
use crate::pdu::time::AbsoluteTime;
use crate::pdu::{DataCoding, DeliverSmView, EsmClass, MessageState, Tlvs, tlv};
use crate::sm::receipt::{ReceiptDate, ReceiptText, word_of};

/// So many characters of UCS2 fit into short_message.
const MOST_UNITS: usize = 127;

/// Writes receipts into buffers of its own, one after another.
#[derive(Debug, Default)]
pub(super) struct Writer {
    text: Vec<u8>,
    tlvs: Tlvs,
}

impl Writer {
    /// The deliver_sm of a receipt, addressed from the recipient of the message to its sender.
    pub(super) fn write<'a>(
        &'a mut self,
        receipt: &'a Receipt,
        ids: MessageIds,
        clock: &Clock,
    ) -> DeliverSmView<'a> {
        let is_delivered = receipt.state == MessageState::DELIVERED;
        let id = ids.in_receipts.write(receipt.number);
        let id = id.to_text();
        self.text.clear();
        let text = ReceiptText {
            id: &id,
            sub: 1,
            dlvrd: u16::from(is_delivered),
            submitted: Some(date(clock.date(receipt.submitted))),
            done: Some(date(clock.date(receipt.done))),
            seconds: false,
            stat: word_of(receipt.state),
            err: if is_delivered { "000" } else { "001" },
            // Printable ASCII by construction.
            text: std::str::from_utf8(receipt.text.as_bytes()).unwrap_or_default(),
        };
        match receipt.odd {
            Some(OddReceipt::NoText) => {}
            Some(OddReceipt::Ucs2) => {
                let text = text.to_string();
                let units = text.encode_utf16().take(MOST_UNITS);
                self.text.extend(units.flat_map(u16::to_be_bytes));
            }
            Some(OddReceipt::OtherText) => {
                let done = fourteen_digits(date(clock.date(receipt.done)));
                let text = format!("Stat:{} Done Date:{done} ERR:n/a ID:{id}", text.stat);
                self.text.extend_from_slice(text.as_bytes());
            }
            Some(OddReceipt::NoClass | OddReceipt::WrongCoding | OddReceipt::NoTlvs) | None => {
                text.write(&mut self.text);
            }
        }

        self.tlvs = Tlvs::new();
        if receipt.odd != Some(OddReceipt::NoTlvs) {
            let id = ids.in_responses.write(receipt.number);
            // None of these can be too long for its TLV.
            let _ = self.tlvs.push::<tlv::ReceiptedMessageId>(id.as_bytes());
            let _ = self.tlvs.push::<tlv::MessageState>(receipt.state);
            if let Some(reference) = receipt.user_message_reference {
                let _ = self.tlvs.push::<tlv::UserMessageReference>(reference);
            }
        }
        let esm_class = match receipt.odd {
            Some(OddReceipt::NoClass) => EsmClass::DEFAULT,
            _ => EsmClass::RECEIPT,
        };
        let data_coding = match receipt.odd {
            Some(OddReceipt::Ucs2 | OddReceipt::WrongCoding) => DataCoding::UCS2,
            _ => DataCoding::DEFAULT,
        };
        DeliverSmView {
            source_addr_ton: receipt.recipient.ton,
            source_addr_npi: receipt.recipient.npi,
            source_addr: receipt.recipient.address.as_bytes(),
            dest_addr_ton: receipt.sender.ton,
            dest_addr_npi: receipt.sender.npi,
            destination_addr: receipt.sender.address.as_bytes(),
            esm_class,
            data_coding,
            short_message: &self.text,
            tlvs: self.tlvs.view(),
            ..DeliverSmView::default()
        }
    }
}

/// A date as some SMSCs write it, with the century and with seconds.
fn fourteen_digits(date: ReceiptDate) -> String {
    let ReceiptDate { year, month, day, .. } = date;
    let ReceiptDate {
        hour, minute, second, ..
    } = date;
    format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}")
}

fn date(time: AbsoluteTime) -> ReceiptDate {
    let AbsoluteTime {
        year,
        month,
        day,
        hour,
        minute,
        second,
        ..
    } = time;
    ReceiptDate {
        year,
        month,
        day,
        hour,
        minute,
        second,
        offset: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdu::{Npi, Ton};
    use crate::smsc::IdFormat;
    use crate::smsc::deliveries::{Excerpt, Party};
    use std::time::{Duration, Instant, UNIX_EPOCH};

    #[test]
    fn a_receipt_says_the_same_in_text_and_tlvs() {
        let now = Instant::now();
        let clock = Clock::new(now, UNIX_EPOCH + Duration::from_secs(1_767_225_600));
        let receipt = Receipt {
            number: 26,
            sender: Party {
                ton: Ton::ALPHANUMERIC,
                npi: Npi::UNKNOWN,
                address: "Shop".parse().unwrap(),
            },
            recipient: Party {
                ton: Ton::INTERNATIONAL,
                npi: Npi::ISDN,
                address: "44770".parse().unwrap(),
            },
            submitted: now,
            done: now + Duration::from_secs(60),
            state: MessageState::UNDELIVERABLE,
            text: Excerpt::of(b"Hello"),
            user_message_reference: Some(7),
            odd: None,
        };
        let ids = MessageIds {
            first: 1,
            in_responses: IdFormat::Hex { width: 8 },
            in_receipts: IdFormat::Decimal { width: 10 },
        };
        let mut writer = Writer::default();
        let body = writer.write(&receipt, ids, &clock);

        let text = "id:0000000026 sub:001 dlvrd:000 submit date:2601010000 done date:2601010001 \
                    stat:UNDELIV err:001 text:Hello";
        assert_eq!(std::str::from_utf8(body.short_message), Ok(text));
        assert_eq!(body.tlvs.get::<tlv::ReceiptedMessageId>(), Some(&b"0000001a"[..]));
        assert_eq!(
            body.tlvs.get::<tlv::MessageState>(),
            Some(MessageState::UNDELIVERABLE)
        );
        assert_eq!(body.tlvs.get::<tlv::UserMessageReference>(), Some(7));
        assert_eq!(
            (body.source_addr, body.destination_addr),
            (&b"44770"[..], &b"Shop"[..])
        );
        assert!(body.esm_class.is_receipt());
    }
}
