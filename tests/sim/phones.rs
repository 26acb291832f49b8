//! An SMSC made of octets that delivers at given times, never slows down, and writes down every response.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bindery::link::{Connect, Connecting, Target, Transport};
use bindery::pdu::{
    BindTransceiverResp, Body, CommandId, CommandStatus, DataSm, DeliverSm, EnquireLink, EnquireLinkResp,
    Header, Pdu, SequenceNumber, encode,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, split};
use tokio::task::spawn_local;
use tokio::time::sleep_until;

/// How often it asks for a sign of life.
const ENQUIRE: Duration = Duration::from_secs(1);

/// Its enquire_links have numbers from here.
const ENQUIRIES: u32 = 1_000_000;

/// Timers are a millisecond late at most.
pub(crate) const TICK: Duration = Duration::from_millis(2);

/// One PDU that is delivered.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// Its number, of which there is only one in the run.
    pub(crate) number: u32,
    /// When it is sent, from the start.
    pub(crate) at: Duration,
    /// The bind on which it comes.
    pub(crate) bind: String,
    pub(crate) pdu: Pdu,
}

/// What the SMSC saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Binds let in, one for each connection.
    pub(crate) binds: Vec<String>,
    /// Connections that are over.
    pub(crate) closed: usize,
    /// When each delivery left.
    pub(crate) sent: BTreeMap<u32, Instant>,
    /// All responses to each delivery.
    pub(crate) responses: BTreeMap<u32, Vec<(Instant, Header)>>,
    /// When each enquire_link left and was answered.
    pub(crate) enquiries: BTreeMap<(String, u32), (Instant, Option<Instant>)>,
    pub(crate) wrong: Vec<String>,
}

/// Connects to the SMSC.
#[derive(Clone, Debug)]
pub(crate) struct Phones {
    pub(crate) seen: Arc<Mutex<Seen>>,
    sent: Arc<Vec<Sent>>,
    start: Instant,
}

impl Phones {
    pub(crate) fn new(sent: Vec<Sent>) -> Self {
        Self {
            seen: Arc::default(),
            sent: Arc::new(sent),
            start: bindery::link::now(),
        }
    }

    /// True when something left later than at its time, because the link had no room for it.
    pub(crate) fn is_late(&self) -> bool {
        let seen = self.seen.lock().unwrap();
        let limit = |sent: &Sent| self.start + sent.at + TICK;
        let mut sent = self.sent.iter();
        sent.any(|sent| seen.sent.get(&sent.number).is_none_or(|left| *left > limit(sent)))
    }

    fn note(&self, note: impl FnOnce(&mut Seen)) {
        note(&mut self.seen.lock().unwrap());
    }

    /// Lets one bind in, and does what it does until it is gone.
    async fn serve(self, end: DuplexStream) {
        let (mut reader, writer) = split(end);
        let Some((header, body)) = read(&mut reader).await else {
            return;
        };
        assert_eq!(header.command_id, CommandId::BIND_TRANSCEIVER);
        let name = body.split(|octet| *octet == 0).next().unwrap_or_default();
        let name = String::from_utf8(name.to_vec()).unwrap();
        self.note(|seen| seen.binds.push(name.clone()));
        let writer = Arc::new(tokio::sync::Mutex::new(writer));
        let response = BindTransceiverResp::default();
        write(&writer, frame(&response, header.sequence_number)).await;
        spawn_local(self.clone().deliver(name.clone(), writer.clone()));
        spawn_local(self.clone().enquire(name.clone(), writer.clone()));
        while let Some((header, _)) = read(&mut reader).await {
            let number = header.sequence_number;
            match header.command_id {
                CommandId::DELIVER_SM_RESP | CommandId::DATA_SM_RESP => self.note(|seen| {
                    let response = (bindery::link::now(), header);
                    seen.responses.entry(number.value()).or_default().push(response);
                }),
                CommandId::ENQUIRE_LINK_RESP => self.note(|seen| {
                    let now = bindery::link::now();
                    match seen.enquiries.get_mut(&(name.clone(), number.value())) {
                        Some((_, answered @ None)) => *answered = Some(now),
                        other => seen.wrong.push(format!("answered again: {other:?}")),
                    }
                }),
                CommandId::ENQUIRE_LINK => write(&writer, frame(&EnquireLinkResp::default(), number)).await,
                CommandId::UNBIND => {
                    write(&writer, frame(&bindery::pdu::UnbindResp::default(), number)).await;
                    break;
                }
                other => self.note(|seen| seen.wrong.push(format!("{name}: {other}"))),
            }
        }
        self.note(|seen| seen.closed += 1);
    }

    async fn deliver(self, name: String, writer: Writer) {
        for sent in self.sent.iter().filter(|sent| sent.bind == name) {
            sleep_until((self.start + sent.at).into()).await;
            let number = SequenceNumber::new(sent.number);
            let mut octets = Vec::new();
            let encoded = sent.pdu.encode(CommandStatus::ESME_ROK, number, &mut octets);
            encoded.unwrap();
            write(&writer, octets).await;
            self.note(|seen| {
                seen.sent.insert(sent.number, bindery::link::now());
            });
        }
    }

    async fn enquire(self, name: String, writer: Writer) {
        for number in ENQUIRIES.. {
            tokio::time::sleep(ENQUIRE).await;
            if self.seen.lock().unwrap().closed > 0 {
                return;
            }
            let asked = bindery::link::now();
            self.note(|seen| {
                seen.enquiries.insert((name.clone(), number), (asked, None));
            });
            let enquiry = frame(&EnquireLink::default(), SequenceNumber::new(number));
            write(&writer, enquiry).await;
        }
    }
}

impl Connect for Phones {
    fn connect(&self, _: &Target) -> Connecting {
        let (ours, theirs) = tokio::io::duplex(4_096);
        spawn_local(self.clone().serve(theirs));
        Box::pin(async move { Ok(Transport::Pipe(ours)) })
    }
}

type Writer = Arc<tokio::sync::Mutex<WriteHalf<DuplexStream>>>;

fn frame<B: Body>(body: &B, number: SequenceNumber) -> Vec<u8> {
    let mut octets = Vec::new();
    encode(body, CommandStatus::ESME_ROK, number, &mut octets).unwrap();
    octets
}

async fn write(writer: &Writer, octets: Vec<u8>) {
    // The bind may be gone by now.
    let _ = writer.lock().await.write_all(&octets).await;
}

/// The next PDU; none at the end.
async fn read(reader: &mut ReadHalf<DuplexStream>) -> Option<(Header, Vec<u8>)> {
    let mut octets = [0; 16];
    reader.read_exact(&mut octets).await.ok()?;
    let header = Header::parse(&octets);
    let mut body = vec![0; header.command_length as usize - 16];
    reader.read_exact(&mut body).await.ok()?;
    Some((header, body))
}

/// A message, as deliver_sm or as data_sm.
pub(crate) fn pdu(as_data: bool, source: &str, esm_class: u8, octets: &[u8]) -> Pdu {
    let source_addr = source.try_into().unwrap();
    let esm_class = bindery::pdu::EsmClass::new(esm_class);
    if !as_data {
        return Pdu::from(DeliverSm {
            source_addr,
            esm_class,
            short_message: octets.into(),
            ..DeliverSm::default()
        });
    }
    let mut data = DataSm {
        source_addr: source.try_into().unwrap(),
        esm_class,
        ..DataSm::default()
    };
    data.tlvs
        .put::<bindery::pdu::tlv::MessagePayload>(octets)
        .unwrap();
    Pdu::from(data)
}
