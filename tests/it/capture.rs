//! A capture of every kind of PDU and every TLV, for a dissector that others wrote (`.ci/interop-tshark.sh`).
//!
//! `BINDERY_CAPTURE` names the file; number, command_id and what is misread of each PDU, in order, go to the same name with `.pdus`.
//! Without the variable nothing is written, and only the packets are made.

use std::fmt::Write;

use bindery::pdu::{CommandId, CommandStatus, FieldValue, Pdu, SequenceNumber, TlvTag};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::generate::{pdu, standard_tlv};

/// Random PDUs of each row of the table.
const EACH: usize = 20;

const PORT: u16 = 2775;

/// Largest payload of a segment, in octets: longer PDUs go in several.
const SEGMENT: usize = 1400;

/// The ones' complement sum that IPv4 and TCP want (RFC 1071).
fn checksum(octets: &[u8]) -> u16 {
    let sum: u32 = octets
        .chunks(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)])))
        .sum();
    let folded = (sum & 0xFFFF) + (sum >> 16);
    !u16::try_from((folded & 0xFFFF) + (folded >> 16)).unwrap()
}

/// A classic capture file of one connection; the client is at 10.0.0.1.
struct Capture {
    file: Vec<u8>,
    packets: u32,
    /// The next sequence number of client and server.
    next: [u32; 2],
}

impl Capture {
    const SYN: u8 = 0x02;
    const ACK: u8 = 0x10;
    const PSH: u8 = 0x08;

    /// Magic, version 2.4, no offset, no accuracy, 65,535 octets a packet, Ethernet; then the three-way handshake.
    fn new() -> Self {
        let mut file = Vec::new();
        for word in [0xA1B2_C3D4_u32, 0x0002_0004, 0, 0, 65_535, 1] {
            file.extend(word.to_be_bytes());
        }
        let mut capture = Self {
            file,
            packets: 0,
            next: [1000, 5000],
        };
        capture.packet(0, Self::SYN, &[]);
        capture.next[0] += 1;
        capture.packet(1, Self::SYN | Self::ACK, &[]);
        capture.next[1] += 1;
        capture.packet(0, Self::ACK, &[]);
        capture
    }

    /// One segment of side `from`: 0 is the client.
    fn packet(&mut self, from: usize, flags: u8, payload: &[u8]) {
        let hosts = [[10, 0, 0, 1], [10, 0, 0, 2]];
        let ports = [40_000, PORT];
        let to = 1 - from;
        let acknowledged = if flags & Self::ACK == 0 { 0 } else { self.next[to] };
        let mut tcp = Vec::new();
        tcp.extend(u16::to_be_bytes(ports[from]));
        tcp.extend(u16::to_be_bytes(ports[to]));
        tcp.extend(self.next[from].to_be_bytes());
        tcp.extend(acknowledged.to_be_bytes());
        tcp.extend([0x50, flags, 0xFF, 0xFF, 0, 0, 0, 0]);
        tcp.extend(payload);
        let length = u16::try_from(tcp.len()).unwrap();
        let pseudo = [&hosts[from][..], &hosts[to], &[0, 6], &length.to_be_bytes(), &tcp].concat();
        tcp[16..18].copy_from_slice(&checksum(&pseudo).to_be_bytes());
        let mut ip = vec![0x45, 0];
        ip.extend((length + 20).to_be_bytes());
        ip.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
        ip.extend(hosts[from]);
        ip.extend(hosts[to]);
        let sum = checksum(&ip);
        ip[10..12].copy_from_slice(&sum.to_be_bytes());
        let ethernet = [
            2,
            0,
            0,
            0,
            0,
            1 + u8::try_from(to).unwrap(),
            2,
            0,
            0,
            0,
            0,
            1 + u8::try_from(from).unwrap(),
            8,
            0,
        ];
        let octets = u32::try_from(ethernet.len() + ip.len() + tcp.len()).unwrap();
        for word in [
            1_700_000_000 + self.packets / 1000,
            self.packets % 1000 * 1000,
            octets,
            octets,
        ] {
            self.file.extend(word.to_be_bytes());
        }
        self.file.extend(ethernet);
        self.file.extend(ip);
        self.file.extend(tcp);
        self.packets += 1;
    }

    /// One PDU, in as many segments as it needs, and the acknowledgement of the other side.
    fn pdu(&mut self, from: usize, frame: &[u8]) {
        for payload in frame.chunks(SEGMENT) {
            self.packet(from, Self::ACK | Self::PSH, payload);
            self.next[from] += u32::try_from(payload.len()).unwrap();
            self.packet(1 - from, Self::ACK, &[]);
        }
    }
}

/// TLVs that tshark steps over by the wrong number of octets, whatever follows; the script says how. They are in PDUs
/// of their own only, which the script knows by the name.
fn misread(pdu: &Pdu) -> Option<&'static str> {
    let mut tlvs = pdu.tlvs().into_iter();
    tlvs.find_map(|(tag, value)| match (tag.name(), value.len()) {
        (Some("ms_validity"), 4) => Some("ms_validity"),
        (Some(name @ ("broadcast_rep_num" | "source_telematics_id")), _) => Some(name),
        _ => None,
    })
}

/// Random octets are no user data header, so none is announced: its inside is not SMPP.
fn without_udhi(mut pdu: Pdu) -> Pdu {
    let esm_class = pdu
        .view()
        .fields()
        .into_iter()
        .find_map(|field| match field.value {
            FieldValue::Integer(value) if field.name == "esm_class" => Some(value),
            _ => None,
        });
    if let Some(value) = esm_class {
        pdu.set("esm_class", &FieldValue::Integer(value & !0x40)).unwrap();
    }
    pdu
}

/// Random PDUs of every row, and then each TLV of the standard on a data_sm.
fn pdus() -> Vec<Pdu> {
    let mut runner = TestRunner::deterministic();
    let mut pdus = Vec::new();
    for id in CommandId::ALL {
        let random = std::iter::repeat_with(|| pdu(*id).new_tree(&mut runner).unwrap().current());
        let random = random.filter(|pdu| misread(pdu).is_none()).take(EACH);
        pdus.extend(random.map(without_udhi));
    }
    for tag in TlvTag::ALL {
        let (tag, value) = standard_tlv(*tag).new_tree(&mut runner).unwrap().current();
        let mut carrier = Pdu::empty(CommandId::DATA_SM).unwrap();
        carrier.tlvs_mut().push_raw(tag, &value).unwrap();
        pdus.push(carrier);
    }
    pdus
}

#[test]
fn every_pdu_and_tlv_goes_into_the_capture() {
    let (mut capture, mut list) = (Capture::new(), String::new());
    for (number, pdu) in (1..).zip(pdus()) {
        let mut frame = Vec::new();
        pdu.encode(CommandStatus::ESME_ROK, SequenceNumber::new(number), &mut frame)
            .unwrap();
        let id = pdu.command_id();
        // Which side sends it matters to no dissector, only that both do.
        capture.pdu(usize::from(id.is_response()), &frame);
        writeln!(
            list,
            "{number} 0x{:08x} {}",
            id.value(),
            misread(&pdu).unwrap_or("-")
        )
        .unwrap();
    }
    if let Some(file) = std::env::var_os("BINDERY_CAPTURE") {
        std::fs::write(&file, capture.file).unwrap();
        std::fs::write(std::path::Path::new(&file).with_extension("pdus"), list).unwrap();
    }
}
