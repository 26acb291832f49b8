//! What message centres send though they should not, octet by octet, and what becomes of it.
//!
//! The table in `docs/reliability.md` numbers these cases; those that need more than one PDU have their tests elsewhere.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bindery::bind::messages::BindStatus;
use bindery::esme::Esme;
use bindery::events::Phase;
use bindery::link::{Connect, Connecting, Target, Transport};
use bindery::settings::Settings;
use bindery::submit::{Submit, SubmitError, SubmitResult};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::task::LocalSet;
use tokio::time::{sleep, timeout};

const BIND_TRANSCEIVER: u32 = 0x0000_0009;
const SUBMIT_SM: u32 = 0x0000_0004;
const DELIVER_SM: u32 = 0x0000_0005;
const UNBIND: u32 = 0x0000_0006;
const ENQUIRE_LINK: u32 = 0x0000_0015;
const GENERIC_NACK: u32 = 0x8000_0000;
const RESP: u32 = 0x8000_0000;

const CONFIG: &str = "\
[binds.a-1]
hosts = [\"smsc:2775\"]
system_id = \"a\"
password = \"secret\"
unhandled_answer = \"ESME_ROK\"
enquire_link_interval = \"30s\"
";

/// Hands the other end of each connection to the test.
struct Switchboard(mpsc::UnboundedSender<Transport>);

impl Connect for Switchboard {
    fn connect(&self, _: &Target) -> Connecting {
        let (theirs, ours) = Transport::pipe(64 * 1024);
        let called = self.0.send(ours);
        Box::pin(async move {
            called.map_err(|_| bindery::link::ConnectError::Failed(std::io::ErrorKind::ConnectionRefused))?;
            Ok(theirs)
        })
    }
}

impl fmt::Debug for Switchboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Switchboard")
    }
}

/// A PDU as it came.
#[derive(Debug)]
struct Frame {
    id: u32,
    status: u32,
    sequence: u32,
}

/// A message centre that says what the test wants.
struct Peer(Transport);

impl Peer {
    async fn receive(&mut self) -> Option<Frame> {
        let mut header = [0; 16];
        let read = timeout(Duration::from_secs(300), self.0.read_exact(&mut header));
        read.await.expect("nothing came").ok()?;
        let word = |index: usize| u32::from_be_bytes(header[index * 4..index * 4 + 4].try_into().unwrap());
        let mut body = vec![0; word(0) as usize - 16];
        self.0.read_exact(&mut body).await.ok()?;
        Some(Frame {
            id: word(1),
            status: word(2),
            sequence: word(3),
        })
    }

    /// The next PDU of this kind; an enquire_link in between is answered.
    async fn expect(&mut self, id: u32) -> Frame {
        loop {
            let frame = self.receive().await.expect("the connection is over");
            if frame.id == ENQUIRE_LINK && id != ENQUIRE_LINK {
                self.send(ENQUIRE_LINK | RESP, 0, frame.sequence, b"").await;
                continue;
            }
            assert_eq!(format!("{:08x}", frame.id), format!("{id:08x}"), "{frame:?}");
            return frame;
        }
    }

    async fn send(&mut self, id: u32, status: u32, sequence: u32, body: &[u8]) {
        let length = 16 + body.len() as u32;
        let mut frame: Vec<u8> = [length, id, status, sequence]
            .into_iter()
            .flat_map(u32::to_be_bytes)
            .collect();
        frame.extend_from_slice(body);
        self.0.write_all(&frame).await.unwrap();
    }

    /// It still talks with us on this connection.
    async fn expect_life(&mut self) {
        self.send(ENQUIRE_LINK, 0, 77, b"").await;
        let answer = self.expect(ENQUIRE_LINK | RESP).await;
        assert_eq!((answer.status, answer.sequence), (0, 77));
    }
}

struct Bench {
    esme: Esme,
    connections: mpsc::UnboundedReceiver<Transport>,
}

impl Bench {
    fn start() -> Self {
        let (sender, connections) = mpsc::unbounded_channel();
        let settings = Settings::from_str(CONFIG, "bindery.toml").unwrap();
        let esme = Esme::start_local(settings, Arc::new(Switchboard(sender))).unwrap();
        Self { esme, connections }
    }

    async fn connected(&mut self) -> Peer {
        let connection = timeout(Duration::from_secs(3_600), self.connections.recv());
        Peer(connection.await.expect("nobody connects").unwrap())
    }

    async fn bound() -> (Self, Peer) {
        let mut bench = Self::start();
        let mut peer = bench.connected().await;
        let bind = peer.expect(BIND_TRANSCEIVER).await;
        peer.send(BIND_TRANSCEIVER | RESP, 0, bind.sequence, b"smsc\0")
            .await;
        (bench, peer)
    }

    async fn status(&self) -> BindStatus {
        sleep(Duration::from_millis(10)).await;
        self.esme.status().await.binds.remove(0)
    }

    /// What becomes of a message that is answered so.
    async fn answered(&self, peer: &mut Peer, id: u32, status: u32, body: &[u8]) -> SubmitResult {
        let pending = self
            .esme
            .try_submit(Submit::text("447700900123", "hello"))
            .unwrap();
        let request = peer.expect(SUBMIT_SM).await;
        peer.send(id, status, request.sequence, body).await;
        timeout(Duration::from_secs(1), pending)
            .await
            .expect("no outcome")
    }

    /// It was one session all the time, and it ends in good order.
    async fn end(self, mut peer: Peer) {
        let status = self.status().await;
        assert_eq!((status.phase, status.counters.binds), (Phase::Bound, 1));
        let (_, ()) = tokio::join!(self.esme.shutdown(Duration::from_secs(10)), async {
            let unbind = peer.expect(UNBIND).await;
            peer.send(UNBIND | RESP, 0, unbind.sequence, b"").await;
        });
    }
}

async fn local(test: impl Future<Output = ()>) {
    LocalSet::new().run_until(test).await;
}

/// What is said of a message.
enum Said {
    Accepted(&'static str),
    Rejected(u32),
}

/// Row of the table, command, status and body; what the caller is told, and whether leniency was needed.
type Response<'a> = (u8, u32, u32, &'a [u8], Said, bool);

#[tokio::test(start_paused = true)]
async fn odd_responses_complete_their_request_with_the_status_of_their_header() {
    const RESPONSE: u32 = SUBMIT_SM | RESP;
    let long = "0123456789".repeat(7);
    let long: &'static str = long.leak();
    let long_id = [long.as_bytes(), b"\0"].concat();
    let cases: [Response<'_>; 10] = [
        (1, RESPONSE, 0x0b, b"", Said::Rejected(0x0b), false),
        (3, RESPONSE, 0, b"", Said::Accepted(""), true),
        (4, RESPONSE, 0, b"abc", Said::Accepted("abc"), true),
        (6, RESPONSE, 0, b"abc\0\0", Said::Accepted("abc"), true),
        (7, RESPONSE, 0, b"abc\0\x14\x00\0\0", Said::Accepted("abc"), false),
        (
            9,
            RESPONSE,
            0,
            b"abc\0\x14\x00\0\x09a",
            Said::Accepted("abc"),
            true,
        ),
        (11, RESPONSE, 0x410, b"", Said::Rejected(0x410), false),
        (11, RESPONSE, 0x410, b"\xff\xff\xff", Said::Rejected(0x410), true),
        (13, RESPONSE, 0, &long_id, Said::Accepted(long), true),
        (17, GENERIC_NACK, 0x03, b"sorry", Said::Rejected(0x03), true),
    ];
    local(async {
        let (bench, mut peer) = Bench::bound().await;
        for (row, id, status, body, said, is_lenient) in cases {
            let before = bench.status().await.counters;
            let outcome = bench.answered(&mut peer, id, status, body).await;
            match (said, &outcome) {
                (Said::Accepted(id), Ok(submitted)) => {
                    assert_eq!(submitted.message_id().to_string(), id, "row {row}");
                }
                (Said::Rejected(number), Err(SubmitError::Rejected { status, .. })) => {
                    assert_eq!(status.value(), number, "row {row}");
                }
                _ => panic!("row {row}: {outcome:?}"),
            }
            peer.expect_life().await;
            let after = bench.status().await.counters;
            assert_eq!(after.lenient - before.lenient, u64::from(is_lenient), "row {row}");
            assert_eq!((after.unreadable, after.violations), (0, 0), "row {row}");
        }
        bench.end(peer).await;
    })
    .await;
}

/// The body of a deliver_sm whose parts may be odd.
struct Deliver<'a> {
    source_ton: u8,
    source: &'a [u8],
    validity: &'a [u8],
    data_coding: u8,
    sm_length: u8,
    /// The text, and whatever stands behind it.
    rest: &'a [u8],
}

const PLAIN: Deliver<'static> = Deliver {
    source_ton: 1,
    source: b"447700900123",
    validity: b"",
    data_coding: 0,
    sm_length: 2,
    rest: b"Hi",
};

impl Deliver<'_> {
    fn octets(&self) -> Vec<u8> {
        let Self {
            source_ton,
            source,
            validity,
            data_coding,
            sm_length,
            rest,
        } = self;
        let mut octets = vec![0, *source_ton, 1];
        octets.extend_from_slice(source);
        octets.extend_from_slice(b"\0\x01\x0112345\0\0\0\0\0");
        octets.extend_from_slice(validity);
        octets.extend_from_slice(&[0, 0, 0, *data_coding, 0, *sm_length]);
        octets.extend_from_slice(rest);
        octets
    }
}

#[tokio::test(start_paused = true)]
async fn odd_requests_are_answered_under_their_own_number_and_the_session_goes_on() {
    // Row of the table, the body, and whether leniency was needed.
    let cases: [(u8, Deliver<'_>, bool); 17] = [
        (0, PLAIN, false),
        (
            6,
            Deliver {
                rest: b"Hi\0",
                ..PLAIN
            },
            true,
        ),
        (
            6,
            Deliver {
                rest: b"Hi\0\x04\x27\0\x01\x02",
                ..PLAIN
            },
            true,
        ),
        // message_state and a TLV of a vendor, without a value.
        (
            7,
            Deliver {
                rest: b"Hi\x04\x27\0\0",
                ..PLAIN
            },
            true,
        ),
        (
            7,
            Deliver {
                rest: b"Hi\x14\0\0\0",
                ..PLAIN
            },
            false,
        ),
        (
            8,
            Deliver {
                rest: b"Hi\x04\x27\0\x02\0\x02",
                ..PLAIN
            },
            true,
        ),
        (
            9,
            Deliver {
                rest: b"Hi\x14\0\0\x09abc",
                ..PLAIN
            },
            true,
        ),
        (
            10,
            Deliver {
                rest: b"Hi\x14\0\0\x03\x00\xff\x80",
                ..PLAIN
            },
            false,
        ),
        (
            14,
            Deliver {
                source: b"4477009001234477009001234",
                ..PLAIN
            },
            true,
        ),
        (
            15,
            Deliver {
                source: b"caf\xe9",
                ..PLAIN
            },
            true,
        ),
        (
            16,
            Deliver {
                validity: b"261231235900",
                ..PLAIN
            },
            true,
        ),
        (
            18,
            Deliver {
                sm_length: 200,
                ..PLAIN
            },
            true,
        ),
        (
            19,
            Deliver {
                sm_length: 1,
                ..PLAIN
            },
            true,
        ),
        // receipted_message_id without its NUL.
        (
            20,
            Deliver {
                rest: b"Hi\0\x1e\0\x03abc",
                ..PLAIN
            },
            true,
        ),
        (
            21,
            Deliver {
                source_ton: 9,
                ..PLAIN
            },
            true,
        ),
        (
            22,
            Deliver {
                data_coding: 0x77,
                ..PLAIN
            },
            true,
        ),
        (
            22,
            Deliver {
                data_coding: 0xf4,
                ..PLAIN
            },
            false,
        ),
    ];
    local(async {
        let (bench, mut peer) = Bench::bound().await;
        for (number, (row, deliver, is_lenient)) in (1_000..).zip(cases) {
            let before = bench.status().await.counters;
            peer.send(DELIVER_SM, 0, number, &deliver.octets()).await;
            let answer = peer.expect(DELIVER_SM | RESP).await;
            assert_eq!((answer.status, answer.sequence), (0, number), "row {row}");
            peer.expect_life().await;
            let after = bench.status().await.counters;
            assert_eq!(after.delivered - before.delivered, 1, "row {row}");
            assert_eq!(after.lenient - before.lenient, u64::from(is_lenient), "row {row}");
            assert_eq!((after.unreadable, after.violations), (0, 0), "row {row}");
        }
        // Row 23: numbers that no request may have are echoed.
        for number in [0x8000_0005, 0xffff_ffff, 0] {
            peer.send(DELIVER_SM, 0, number, &PLAIN.octets()).await;
            let answer = peer.expect(DELIVER_SM | RESP).await;
            assert_eq!((answer.status, answer.sequence), (0, number));
        }
        peer.expect_life().await;
        bench.end(peer).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_or_is_unknown_is_answered_and_the_session_goes_on() {
    local(async {
        let (bench, mut peer) = Bench::bound().await;
        // Row 12: a command that nobody knows, and a response of one, which is not answered.
        peer.send(0x0001_0200, 0, 7, b"what?").await;
        let answer = peer.expect(GENERIC_NACK).await;
        assert_eq!((answer.status, answer.sequence), (0x03, 7));
        peer.send(0x8001_0200, 0, 8, b"what?").await;
        peer.expect_life().await;
        // A body that ends in the middle of its addresses.
        peer.send(DELIVER_SM, 0, 9, b"\0\x01\x01\x34").await;
        let answer = peer.expect(DELIVER_SM | RESP).await;
        assert_eq!(answer.sequence, 9);
        assert_ne!(answer.status, 0);
        peer.expect_life().await;
        let counters = bench.status().await.counters;
        // The request that nobody knows counts as both.
        assert_eq!((counters.violations, counters.unreadable), (2, 2));
        // Row 17: our own enquire_link, answered with a body.
        let enquiry = peer.expect(ENQUIRE_LINK).await;
        peer.send(ENQUIRE_LINK | RESP, 0, enquiry.sequence, b"here I am")
            .await;
        peer.expect_life().await;
        let answered = bench.answered(&mut peer, SUBMIT_SM | RESP, 0, b"abc\0").await;
        assert!(answered.is_ok());
        bench.end(peer).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn odd_responses_to_a_bind_say_what_their_header_says() {
    local(async {
        let mut bench = Bench::start();
        // Row 2: refused without a body.
        let mut peer = bench.connected().await;
        let bind = peer.expect(BIND_TRANSCEIVER).await;
        peer.send(BIND_TRANSCEIVER | RESP, 0x0d, bind.sequence, b"").await;
        assert!(peer.receive().await.is_none(), "a refused bind is closed");
        let status = bench.status().await;
        assert!(
            format!("{:?}", status.cause).contains("ESME_RBINDFAIL"),
            "{status:?}"
        );
        // Row 5: the system_id without its NUL; row 25: no version, then one that does not exist.
        for (count, body) in [
            (1, &b"smsc"[..]),
            (2, b"smsc\0"),
            (3, b"smsc\0\x02\x10\0\x01\x99"),
        ] {
            let mut peer = bench.connected().await;
            let bind = peer.expect(BIND_TRANSCEIVER).await;
            peer.send(BIND_TRANSCEIVER | RESP, 0, bind.sequence, body).await;
            peer.expect_life().await;
            let status = bench.status().await;
            assert_eq!((status.phase, status.counters.binds), (Phase::Bound, count));
            let answered = bench.answered(&mut peer, SUBMIT_SM | RESP, 0, b"abc\0").await;
            assert!(answered.is_ok());
            // Row 34: it goes without a word.
            drop(peer);
        }
    })
    .await;
}
