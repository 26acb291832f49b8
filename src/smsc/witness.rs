//! What an SMSC saw of its peers, for tests that compare it with what callers were told.
//!
//! Everything is taken from decoded octets, never from the counters of a client. Messages are told apart by a
//! number in their text, see [`SeenMessage::number`].

use std::collections::BTreeMap;
use std::fmt;
use std::time::Instant;

use super::faults::OddResponse;
use crate::pdu::{CommandId, CommandStatus, DataCoding, EsmClass, RegisteredDelivery, SequenceNumber, Tlvs};

/// Everything that an SMSC saw, in order. Kept only where [`Behaviour::witness`](super::Behaviour::witness)
/// says so.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Witness {
    /// What was seen, oldest first.
    pub sightings: Vec<Sighting>,
}

/// Hears of everything that an SMSC sees, at once, see [`Smsc::observe`](super::Smsc::observe).
///
/// The whole SMSC waits for it.
pub trait Observer: fmt::Debug + Send {
    /// Something was seen.
    fn see(&mut self, sighting: &Sighting);

    /// What was seen may be answered as soon as this returns. Whoever keeps records has them safe by then.
    fn keep(&mut self);
}

/// Something that an SMSC saw.
#[derive(Clone, Debug, PartialEq)]
pub struct Sighting {
    /// When.
    pub at: Instant,
    /// On which connection; they are counted from 1.
    pub link: u64,
    /// What.
    pub what: Seen,
}

/// What there is to see.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Seen {
    /// A connection was accepted.
    Connected,
    /// A bind request, and how it was answered.
    Bind {
        /// Transmitter, receiver or transceiver.
        command_id: CommandId,
        /// Who wanted to bind.
        system_id: String,
        /// `ESME_ROK` when it was let in.
        status: CommandStatus,
    },
    /// A message from the ESME: a submit_sm, a data_sm, or one destination of a submit_multi.
    Message(Box<SeenMessage>),
    /// A message was answered: its response was put on the link.
    Answered {
        /// The number of its request.
        sequence_number: SequenceNumber,
        /// With this status.
        status: CommandStatus,
        /// How it was written otherwise than it should be.
        odd: Option<OddResponse>,
    },
    /// Another request about a message: query_sm, cancel_sm, replace_sm.
    Request {
        /// Which.
        command_id: CommandId,
        /// How it was answered.
        status: CommandStatus,
    },
    /// A receipt or a message from a phone was put on the link.
    Delivered {
        /// The message that it is a receipt for; none for messages from phones.
        receipt_for: Option<u64>,
    },
    /// The ESME answered one of these.
    DeliveryAnswered {
        /// With this status; none when the answer never came.
        status: Option<CommandStatus>,
    },
    /// The connection ended.
    Closed,
}

/// A message as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct SeenMessage {
    /// In which request.
    pub command_id: CommandId,
    /// With which number.
    pub sequence_number: SequenceNumber,
    /// From whom.
    pub source: String,
    /// To whom.
    pub destination: String,
    /// Its `esm_class`.
    pub esm_class: EsmClass,
    /// Its `data_coding`.
    pub data_coding: DataCoding,
    /// Its `registered_delivery`.
    pub registered_delivery: RegisteredDelivery,
    /// The octets of `short_message` or `message_payload`, user data header included.
    pub octets: Vec<u8>,
    /// Its optional parameters.
    pub tlvs: Tlvs,
    /// How it was answered, or would have been.
    pub status: CommandStatus,
    /// The message id that it got, when it was taken.
    pub message_id: Option<String>,
    /// Whether the SMSC sent its answer or misbehaved on purpose.
    pub fate: Fate,
}

/// What an SMSC did with the answer to a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fate {
    /// It was sent, unless the link broke meanwhile.
    Answered,
    /// It was never sent.
    ResponseLost,
    /// The link was cut instead.
    LinkCut,
    /// The link was unbound and closed instead.
    LinkUnbound,
}

impl SeenMessage {
    /// The number in the text that tells a message from others: the first that stands between two `#`, as in
    /// `#17#`, else the first run of digits.
    ///
    /// A text that repeats `#17#` all over shows its number in each of its parts.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        number_in(&self.characters())
    }

    /// The text as far as it is ASCII, without the user data header; other characters are `?`.
    fn characters(&self) -> Vec<u8> {
        let header = match self.octets.first() {
            Some(length) if self.esm_class.has_udh() => usize::from(*length) + 1,
            _ => 0,
        };
        let text = self.octets.get(header..).unwrap_or_default();
        if self.data_coding != DataCoding::UCS2 {
            return text.to_vec();
        }
        let units = text.chunks_exact(2);
        units
            .map(|unit| if let [0, octet] = unit { *octet } else { b'?' })
            .collect()
    }
}

fn number_in(text: &[u8]) -> Option<u64> {
    let is_number = |word: &&[u8]| !word.is_empty() && word.iter().all(u8::is_ascii_digit);
    let mut words = text.split(|octet| *octet == b'#').skip(1).peekable();
    while let Some(word) = words.next() {
        // The last word has no `#` behind it.
        if words.peek().is_some() && is_number(&word) {
            return parse(word);
        }
    }
    text.split(|octet| !octet.is_ascii_digit())
        .find(is_number)
        .and_then(parse)
}

fn parse(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

impl Witness {
    /// The messages, in the order in which they came.
    pub fn messages(&self) -> impl Iterator<Item = &SeenMessage> {
        self.sightings.iter().filter_map(|sighting| match &sighting.what {
            Seen::Message(message) => Some(&**message),
            _ => None,
        })
    }

    /// The messages by the number in their text; those without a number are left out.
    #[must_use]
    pub fn by_number(&self) -> BTreeMap<u64, Vec<&SeenMessage>> {
        let mut numbers: BTreeMap<u64, Vec<&SeenMessage>> = BTreeMap::new();
        for message in self.messages() {
            if let Some(number) = message.number() {
                numbers.entry(number).or_default().push(message);
            }
        }
        numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_message_is_the_marked_one_else_the_first() {
        let cases: &[(&str, Option<u64>)] = &[
            ("Your code is 4711, #17#", Some(17)),
            ("Your code is 4711", Some(4711)),
            ("7##17##17##1", Some(17)),
            ("#", None),
            ("##", None),
            ("#1", Some(1)),
            ("no number", None),
            ("99999999999999999999999", None),
        ];
        for (text, expected) in cases {
            assert_eq!(number_in(text.as_bytes()), *expected, "{text}");
        }
    }

    #[test]
    fn headers_and_alphabets_do_not_hide_the_number() {
        let message = |octets: &[u8], esm_class, data_coding| SeenMessage {
            command_id: CommandId::SUBMIT_SM,
            sequence_number: SequenceNumber::FIRST,
            source: String::new(),
            destination: String::new(),
            esm_class,
            data_coding,
            registered_delivery: RegisteredDelivery::NONE,
            octets: octets.to_vec(),
            tlvs: Tlvs::new(),
            status: CommandStatus::ESME_ROK,
            message_id: None,
            fate: Fate::Answered,
        };
        let cases = [
            message(b"\x05\x00\x0312345 #8#", EsmClass::UDH, DataCoding::DEFAULT),
            message(b"\x04\x16\x00#\x008\x00#", EsmClass::DEFAULT, DataCoding::UCS2),
            message(b"\x01\x00\x00#\x008\x00#", EsmClass::UDH, DataCoding::UCS2),
        ];
        for case in cases {
            assert_eq!(case.number(), Some(8), "{case:?}");
        }
        assert_eq!(
            message(b"\xff", EsmClass::UDH, DataCoding::DEFAULT).number(),
            None
        );
    }
}
