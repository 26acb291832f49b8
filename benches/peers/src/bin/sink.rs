//! The other end of the throughput figures: an SMSC that agrees with everything and never sleeps.
//!
//! `sink HOST:PORT [delay_ms=N] [deliver=WINDOW] [receipts=1] [sleep=1] [tls=CERTIFICATE,KEY]` says `listening` when it does. It reads
//! no more of a PDU than its header, so that nobody measures it instead of the client; it polls without waiting, because waking a
//! core costs more than most clients do.
//!
//! - `delay_ms`: submit_sm is answered so long after it came;
//! - `deliver`: each bind is sent deliver_sm without end, at most so many unanswered;
//! - `receipts=1`: behind each response comes the receipt of its message;
//! - `sleep=1`: it waits for work after all, and leaves its core to a client that wants both.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bindery_peers::work::Arguments;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};

const BIND_RECEIVER: u32 = 0x0000_0001;
const BIND_TRANSMITTER: u32 = 0x0000_0002;
const SUBMIT_SM: u32 = 0x0000_0004;
const DELIVER_SM: u32 = 0x0000_0005;
const UNBIND: u32 = 0x0000_0006;
const BIND_TRANSCEIVER: u32 = 0x0000_0009;
const ENQUIRE_LINK: u32 = 0x0000_0015;
const DELIVER_SM_RESP: u32 = 0x8000_0005;
const RESPONSE: u32 = 0x8000_0000;

const LISTENER: Token = Token(usize::MAX);
const BUFFER: usize = 1 << 20;

fn main() -> io::Result<()> {
    let arguments = Arguments::read(
        "sink HOST:PORT [delay_ms=N] [deliver=WINDOW] [receipts=1] [sleep=1] [tls=CERTIFICATE,KEY]",
    );
    let patience = (arguments.number("sleep", 0) == 0).then_some(Duration::ZERO);
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::bind(arguments.address.parse().expect("HOST:PORT"))?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    println!("listening");
    let mut sink = Sink {
        delay: Duration::from_millis(arguments.number("delay_ms", 0)),
        deliver: arguments.number("deliver", 0) as usize,
        receipts: arguments.number("receipts", 0) == 1,
        tls: arguments.text("tls").map(server_config),
        peers: Vec::new(),
        delayed: VecDeque::new(),
        ids: 0,
        buffer: vec![0; BUFFER],
    };
    let mut events = Events::with_capacity(1_024);
    loop {
        poll.poll(&mut events, patience)?;
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    stream.set_nodelay(true)?;
                    let token = Token(sink.peers.len());
                    poll.registry()
                        .register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
                    sink.accept(stream);
                }
            } else {
                sink.serve(event.token().0);
            }
        }
        sink.answer_delayed();
    }
}

fn server_config(files: &str) -> Arc<ServerConfig> {
    let (certificate, key) = files.split_once(',').expect("tls=CERTIFICATE,KEY");
    let certificates = CertificateDer::pem_file_iter(certificate)
        .expect("a certificate")
        .collect::<Result<_, _>>()
        .expect("certificates");
    let key = PrivateKeyDer::from_pem_file(key).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(certificates, key);
    Arc::new(config.expect("a certificate with its key"))
}

struct Sink {
    delay: Duration,
    deliver: usize,
    receipts: bool,
    tls: Option<Arc<ServerConfig>>,
    peers: Vec<Option<Peer>>,
    /// When to answer whom, and which request.
    delayed: VecDeque<(Instant, usize, u32)>,
    ids: u32,
    buffer: Vec<u8>,
}

struct Peer {
    stream: TcpStream,
    tls: Option<ServerConnection>,
    /// The beginning of a PDU.
    input: Vec<u8>,
    output: Vec<u8>,
    /// Of the output.
    written: usize,
    is_bound: bool,
    /// Of the last deliver_sm.
    sequence: u32,
    undelivered: usize,
}

impl Sink {
    fn accept(&mut self, stream: TcpStream) {
        let tls = self.tls.clone();
        self.peers.push(Some(Peer {
            stream,
            tls: tls.map(|config| ServerConnection::new(config).expect("a connection")),
            input: Vec::new(),
            output: Vec::new(),
            written: 0,
            is_bound: false,
            sequence: 0,
            undelivered: 0,
        }));
    }

    /// Reads and writes until neither goes on.
    fn serve(&mut self, index: usize) {
        let Some(mut peer) = self.peers[index].take() else {
            return;
        };
        loop {
            match peer.read(&mut self.buffer) {
                Ok(0) => return,
                Ok(count) => {
                    let buffer = std::mem::take(&mut self.buffer);
                    self.handle(index, &mut peer, &buffer[..count]);
                    self.buffer = buffer;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => return,
            }
            if peer.write().is_err() {
                return;
            }
        }
        if peer.write().is_ok() {
            self.peers[index] = Some(peer);
        }
    }

    fn handle(&mut self, index: usize, peer: &mut Peer, octets: &[u8]) {
        if peer.input.is_empty() {
            let used = self.frames(index, peer, octets);
            peer.input.extend_from_slice(&octets[used..]);
        } else {
            let mut input = std::mem::take(&mut peer.input);
            input.extend_from_slice(octets);
            let used = self.frames(index, peer, &input);
            input.drain(..used);
            peer.input = input;
        }
        while peer.is_bound && peer.undelivered < self.deliver {
            peer.deliver(DELIVERY);
        }
    }

    fn frames(&mut self, index: usize, peer: &mut Peer, octets: &[u8]) -> usize {
        let mut at = 0;
        while let Some(header) = octets.get(at..at + 16) {
            let word =
                |place: usize| u32::from_be_bytes(header[place..place + 4].try_into().expect("four octets"));
            let length = word(0) as usize;
            if octets.len() - at < length {
                break;
            }
            let (command_id, sequence) = (word(4), word(12));
            at += length;
            match command_id {
                SUBMIT_SM if self.delay.is_zero() => self.accepted(peer, sequence),
                SUBMIT_SM => self
                    .delayed
                    .push_back((Instant::now() + self.delay, index, sequence)),
                BIND_RECEIVER | BIND_TRANSMITTER | BIND_TRANSCEIVER => {
                    peer.is_bound = true;
                    put(&mut peer.output, command_id | RESPONSE, sequence, b"sink\0");
                }
                DELIVER_SM_RESP => peer.undelivered -= 1,
                ENQUIRE_LINK | UNBIND => put(&mut peer.output, command_id | RESPONSE, sequence, b""),
                _ => {}
            }
        }
        at
    }

    fn accepted(&mut self, peer: &mut Peer, sequence: u32) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        self.ids = self.ids.wrapping_add(1);
        let mut body = [0; 9];
        for (place, digit) in body.iter_mut().take(8).enumerate() {
            *digit = DIGITS[(self.ids >> (28 - 4 * place)) as usize & 15];
        }
        put(&mut peer.output, SUBMIT_SM | RESPONSE, sequence, &body);
        if self.receipts {
            let mut receipt = [RECEIPT_HEAD, &RECEIPT_TEXT[..]].concat();
            receipt[RECEIPT_HEAD.len() + 3..][..8].copy_from_slice(&body[..8]);
            peer.deliver(&receipt);
        }
    }

    fn answer_delayed(&mut self) {
        let now = Instant::now();
        while let Some((_, index, sequence)) = self.delayed.pop_front_if(|(due, ..)| *due <= now) {
            let Some(mut peer) = self.peers[index].take() else {
                continue;
            };
            self.accepted(&mut peer, sequence);
            // Those that are due together go out together.
            let is_last = self
                .delayed
                .front()
                .is_none_or(|(due, next, _)| *due > now || *next != index);
            if !is_last || peer.write().is_ok() {
                self.peers[index] = Some(peer);
            }
        }
    }
}

impl Peer {
    fn deliver(&mut self, body: &[u8]) {
        self.undelivered += 1;
        self.sequence = self.sequence % 0x7FFF_FFFF + 1;
        put(&mut self.output, DELIVER_SM, self.sequence, body);
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else {
            return self.stream.read(buffer);
        };
        loop {
            match tls.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return done,
            }
            if tls.read_tls(&mut self.stream)? == 0 {
                return Ok(0);
            }
            tls.process_new_packets().map_err(io::Error::other)?;
            while tls.wants_write() && tls.write_tls(&mut self.stream).is_ok() {}
        }
    }

    fn write(&mut self) -> io::Result<()> {
        while self.written < self.output.len() {
            let rest = &self.output[self.written..];
            let written = match &mut self.tls {
                None => self.stream.write(rest),
                Some(tls) => {
                    let taken = tls.writer().write(rest);
                    while tls.wants_write() {
                        match tls.write_tls(&mut self.stream) {
                            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                            done => done?,
                        };
                    }
                    taken
                }
            };
            match written {
                Ok(0) => return Ok(()),
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        self.output.clear();
        self.written = 0;
        Ok(())
    }
}

/// A message from a phone.
const DELIVERY: &[u8] =
    b"\0\x01\x01447700900123\0\0\x0112345\0\0\0\0\0\0\0\0\0\0\x28a text of forty octets from a phone, here";

/// A receipt, up to the length of its text; then the text, whose id is put in.
const RECEIPT_HEAD: &[u8] = b"\0\x01\x01447700900123\0\0\x0112345\0\x04\0\0\0\0\0\0\0\0\x64";
const RECEIPT_TEXT: [u8; 100] =
    *b"id:00000000 sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:DELIVRD err:000 text:";

fn put(output: &mut Vec<u8>, command_id: u32, sequence: u32, body: &[u8]) {
    let mut header = [0; 16];
    header[..4].copy_from_slice(&(16 + body.len() as u32).to_be_bytes());
    header[4..8].copy_from_slice(&command_id.to_be_bytes());
    header[12..].copy_from_slice(&sequence.to_be_bytes());
    output.extend_from_slice(&header);
    output.extend_from_slice(body);
}
