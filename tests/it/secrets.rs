//! Passwords, texts and addresses in all that a full run prints: none, but for texts and addresses where they are
//! switched on.
//!
//! The run is a process of its own, so that everything is caught: every event of every crate that logs by `tracing` or by `log`, what
//! the runtime prints of panics, and the `Debug` of settings, status, events, outcomes and errors.

use std::process::{Command, Output, Stdio};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Context, Handler};
use bindery::esme::Esme;
use bindery::events::{Answer, Delivery, Duty, Filter, Policy};
use bindery::link::{Connect, Connecting, Target, TcpConnector};
use bindery::pdu::{CommandStatus, DeliverSm, SubmitSm};
use bindery::settings::{BindSettings, Settings, SmscTlsSettings, TlsSettings};
use bindery::smsc::{Account, Behaviour, Faults, Nonsense, Shares, Smsc};
use bindery::submit::{Submit, SubmitBatch};
use bindery::telemetry;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tracing_subscriber::filter::LevelFilter;

const PASSWORD: &str = "zQ7xK2vW";
const WRONG_PASSWORD: &str = "jB4mY9tR";
const TEXT: &str = "quokka umbrella 7391";
const PHONE_TEXT: &str = "wombat lantern 5526";
/// Only in messages that are printed, and never sent.
const PRINTED_TEXT: &str = "gannet teapot 1187";
const ADDRESS: &str = "447700999183";
const PHONE: &str = "447700999264";
const PRINTED_ADDRESS: &str = "447700999377";

/// Set in the process that runs: whether texts and addresses are to be shown.
const RUN: &str = "BINDERY_TEST_RUN";

#[test]
fn nothing_that_a_full_run_prints_holds_a_secret() {
    if let Ok(shown) = std::env::var(RUN) {
        return full_run(shown == "true");
    }
    let hidden = everything_printed(false);
    for (what, secret) in [
        ("a password", PASSWORD),
        ("a wrong password", WRONG_PASSWORD),
        ("a text", TEXT),
        ("a text from a phone", PHONE_TEXT),
        ("the text of a message that is printed", PRINTED_TEXT),
        ("an address", ADDRESS),
        ("an address of a message that is printed", PRINTED_ADDRESS),
        ("the address of a phone", PHONE),
    ] {
        assert_absent(&hidden, what, secret);
    }
    let shown = everything_printed(true);
    assert_absent(&shown, "a password", PASSWORD);
    assert_absent(&shown, "a wrong password", WRONG_PASSWORD);
    for text in [TEXT, PHONE_TEXT, PRINTED_TEXT, ADDRESS, PHONE, PRINTED_ADDRESS] {
        assert!(shown.contains(text), "not shown where it is switched on: {text}");
    }
}

fn everything_printed(shown: bool) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            "secrets::nothing_that_a_full_run_prints_holds_a_secret",
            "--nocapture",
        ])
        .stdin(Stdio::null())
        .env(RUN, shown.to_string())
        .env("RUST_BACKTRACE", "full")
        .env_remove("RUST_LOG");
    let output = command.output().unwrap();
    let printed = text_of(&output);
    assert!(output.status.success(), "{printed}");
    // Everything that it was meant for did happen.
    for happened in [
        "1 passed",
        "ESME_RINVPASWD",
        "ESME_RSYSERR",
        "the connector panicked",
        "the answerer panicked",
        "Unreadable",
        "no TLS with the peer",
        "Receipt",
        "Submitted",
        "Invalid",
        "NoRoute",
        "shut down",
        " DEBUG ",
        "log: rustls::client",
        "log: rustls::server",
    ] {
        assert!(
            printed.contains(happened),
            "never happened: {happened}\n{printed}"
        );
    }
    printed
}

fn text_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// In none of the forms in which octets are printed.
fn assert_absent(printed: &str, what: &str, secret: &str) {
    let octets = secret.as_bytes();
    let hex: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    let decimal: Vec<_> = octets.iter().map(u8::to_string).collect();
    let hex_list: Vec<_> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    let mut forms = vec![
        secret.to_owned(),
        secret.chars().rev().collect(),
        hex.to_uppercase(),
        hex,
        decimal.join(", "),
        hex_list.join(", "),
        hex_list.join(" "),
    ];
    forms.extend((0..3).map(|before| base64_of_the_middle(octets, before)));
    for form in forms {
        if let Some(at) = printed.find(&form) {
            let line = printed[..at].rfind('\n').map_or(0, |newline| newline + 1);
            let line = printed[line..].lines().next().unwrap_or_default();
            panic!("{what} is printed, as {form}:\n{line}");
        }
    }
}

/// The characters that base64 gives for these octets wherever they stand, behind so many others (modulo 3).
fn base64_of_the_middle(octets: &[u8], before: usize) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let whole: Vec<u8> = std::iter::repeat_n(0, before)
        .chain(octets.iter().copied())
        .collect();
    let groups = whole.chunks_exact(3).skip(usize::from(before > 0));
    groups
        .flat_map(|group| {
            let bits = group
                .iter()
                .fold(0, |bits, octet| bits << 8 | usize::from(*octet));
            [18, 12, 6, 0].map(|shift| char::from(DIGITS[bits >> shift & 63]))
        })
        .collect()
}

#[test]
fn a_secret_is_found_in_any_form() {
    for printed in [
        "x quokka umbrella 7391 x",
        "71756f6b6b6120756d6272656c6c612037333931",
        "[113, 117, 111, 107, 107, 97, 32, 117, 109, 98, 114, 101, 108, 108, 97, 32, 55, 51, 57, 49]",
        // Behind no, one and two octets.
        "cXVva2thIHVtYnJlbGxhIDczOTE=",
        "eHF1b2trYSB1bWJyZWxsYSA3MzkxeA==",
        "eHhxdW9ra2EgdW1icmVsbGEgNzM5MQ==",
    ] {
        let found = std::panic::catch_unwind(|| assert_absent(printed, "a text", TEXT));
        assert!(found.is_err(), "{printed}");
    }
    assert_absent("quokka umbrella 7392", "a text", TEXT);
}

#[cfg(feature = "cli")]
#[test]
fn nothing_that_the_binary_prints_holds_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bindery.toml");
    let mistakes = "window = 0\nenquire_link_interval = 7\n";
    let bind =
        format!("[binds.a]\nhosts = [\"127.0.0.1:1\"]\nsystem_id = \"shop\"\npassword = \"{PASSWORD}\"\n");
    let run = |settings: &str, arguments: &[&str]| {
        std::fs::write(&file, settings).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_bindery"));
        command.args(arguments).arg("-c").arg(&file).stdin(Stdio::null());
        command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
        text_of(&command.output().unwrap())
    };
    let send = ["send", "--to", ADDRESS, "--text", TEXT, "--timeout", "100ms"];
    for (settings, arguments, expected) in [
        (bind.clone(), &["check"][..], "***"),
        (bind.clone(), &["check", "--json"], "***"),
        (bind.clone() + mistakes, &["check"], "window"),
        (bind.replace("\"shop\"", "7"), &["check"], "system_id"),
        (
            bind.replace("[binds.a]", "[binds.a"),
            &["check"],
            "bindery.toml:1",
        ),
        (
            bind.replacen(PASSWORD, &PASSWORD.repeat(4), 1),
            &["check"],
            "password",
        ),
        (bind, &send, "expired"),
    ] {
        let printed = run(&settings, arguments);
        assert!(printed.contains(expected), "{arguments:?}: {printed}");
        assert_absent(&printed, "a password", PASSWORD);
        assert_absent(&printed, "a text", TEXT);
        assert_absent(&printed, "an address", ADDRESS);
    }
}

/// Prints what crates say that log by `log`.
struct Printed;

impl log::Log for Printed {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        println!("log: {} {}", record.target(), record.args());
    }

    fn flush(&self) {}
}

/// Prints everything that can be printed, on standard output and standard error.
fn full_run(shown: bool) {
    log::set_logger(&Printed).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    telemetry::show_texts(shown);
    telemetry::show_addresses(shown);
    telemetry::start(LevelFilter::TRACE);
    actix_rt::System::new().block_on(async {
        timeout(Duration::from_secs(60), run()).await.expect("no end");
    });
}

async fn run() {
    let smsc = Smsc::listen("127.0.0.1:0", misbehaviour(), 5).await.unwrap();
    let address = smsc.local_addr().unwrap().to_string();
    let certificates = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/certificates");
    let behaviour = Behaviour {
        tls: Some(
            SmscTlsSettings::default()
                .certificate_file(format!("{certificates}/server.pem"))
                .key_file(format!("{certificates}/server.key")),
        ),
        ..misbehaviour()
    };
    let encrypted = Smsc::listen("127.0.0.1:0", behaviour, 6).await.unwrap();
    let by_hand = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let by_hand_address = by_hand.local_addr().unwrap().to_string();
    actix_rt::spawn(async move {
        while let Ok((stream, _)) = by_hand.accept().await {
            actix_rt::spawn(damaged_smsc(stream));
        }
    });

    let bind = |host: &str, password: &str| {
        BindSettings::new(host, "shop", password)
            .account("shop")
            .response_timeout(Duration::from_millis(300))
            .backoff_initial(Duration::from_millis(20))
            .backoff_max(Duration::from_millis(50))
    };
    let mut tls = bind(&address, PASSWORD);
    tls.tls.enabled = true;
    let mut over_tls = bind(&encrypted.local_addr().unwrap().to_string(), PASSWORD).account("over-tls");
    over_tls.tls = TlsSettings::default()
        .enabled(true)
        .ca_file(format!("{certificates}/authority.pem"))
        .server_name("localhost");
    let settings = Settings::default()
        .bind("over-tls-1", over_tls)
        .bind("good-1", bind(&address, PASSWORD))
        .bind("good-2", bind(&address, PASSWORD))
        .bind("wrong-1", bind(&address, WRONG_PASSWORD))
        .bind("damaged-1", bind(&by_hand_address, PASSWORD).account("damaged"))
        .bind("panic-1", bind("panic:2775", PASSWORD))
        .bind("tls-1", tls);
    println!("{settings:?}");
    println!("{settings:#?}");
    let esme = Esme::start_local(settings.clone(), Arc::new(Panicking)).unwrap();
    let mut events = esme.events(Filter::all(), Policy::default());
    let refused = Rc::new(Notify::new());
    let refusal = refused.clone();
    actix_rt::spawn(async move {
        while let Some(event) = events.next().await {
            let event = format!("{event:?}");
            println!("{event}");
            if event.contains("ESME_RINVPASWD") {
                refusal.notify_one();
            }
        }
    });
    esme.answer_deliveries(PanickingAnswerer.start().recipient(), Duty::default())
        .unwrap();

    damaged_esme(&address).await;
    print_messages();
    for text in [TEXT.to_owned(), TEXT.repeat(20)] {
        println!("{:?}", esme.explain(Submit::text(ADDRESS, text.as_str())).await);
        let submits = (0..20).map(|_| Submit::text(ADDRESS, text.as_str()).source("Shop").receipt());
        for outcome in esme.submit_batch(submits).await {
            println!("{outcome:?}");
            if let Err(error) = outcome {
                println!("{error}");
            }
        }
    }
    let over_tls = Submit::text(ADDRESS, TEXT).source("Shop").bind("over-tls-1");
    println!("{:?}", esme.submit(over_tls).await);
    for submit in [
        Submit::text(ADDRESS.repeat(3), TEXT),
        Submit::text(ADDRESS, TEXT).route("nowhere"),
        Submit::text(ADDRESS, TEXT)
            .bind("damaged-1")
            .validity(Duration::from_millis(500)),
    ] {
        let error = esme.submit(submit).await.unwrap_err();
        println!("{error:?} {error}");
    }
    let delivery = DeliverSm {
        source_addr: PHONE.try_into().unwrap(),
        destination_addr: ADDRESS.try_into().unwrap(),
        short_message: PHONE_TEXT.as_bytes().to_vec().into(),
        ..DeliverSm::default()
    };
    for _ in 0..3 {
        assert!(smsc.deliver("shop", delivery.clone()));
        sleep(Duration::from_millis(300)).await;
    }
    println!("{:?} {esme:?}", esme.status().await);
    println!("{:?} {:?} {smsc:?}", smsc.behaviour(), smsc.counters());
    refused.notified().await;
    let other = settings.bind("wrong-1", bind(&address, PASSWORD));
    println!("{:?}", esme.apply(other).await);
    sleep(Duration::from_millis(200)).await;
    println!("{:?}", esme.shutdown(Duration::from_secs(5)).await);
    println!("{:?}", encrypted.counters());
    assert!(encrypted.counters().binds > 0);
    encrypted.shutdown().await;
    smsc.shutdown().await;
}

/// Messages as whoever embeds the library may log them.
fn print_messages() {
    let text = Submit::text(PRINTED_ADDRESS, PRINTED_TEXT).source(PRINTED_ADDRESS);
    let pdu = Submit::from(SubmitSm {
        source_addr: PRINTED_ADDRESS.try_into().unwrap(),
        destination_addr: PRINTED_ADDRESS.try_into().unwrap(),
        short_message: PRINTED_TEXT.as_bytes().to_vec().into(),
        ..SubmitSm::default()
    });
    println!("{:?} {:?}", text.parties(), pdu.parties());
    println!("{:?}", SubmitBatch(vec![text, pdu]));
}

fn misbehaviour() -> Behaviour {
    Behaviour {
        accounts: vec![Account::new("shop", PASSWORD)],
        delay: Duration::from_millis(2),
        faults: Faults {
            lost_responses: 0.05,
            refused_binds: Shares::new([(CommandStatus::ESME_RSYSERR, 0.4)]),
            refused_messages: Shares::new([(CommandStatus::ESME_RINVDSTADR, 0.1)]),
            nonsense: Shares::new([
                (Nonsense::Command, 0.1),
                (Nonsense::Body, 0.1),
                (Nonsense::Response, 0.1),
            ]),
            ..Faults::default()
        },
        ..Behaviour::default()
    }
}

/// A frame with its length in front: command, status 0, sequence number, body.
fn frame(command: u32, sequence: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + body.len()).unwrap();
    let header = [length, command, 0, sequence].map(u32::to_be_bytes);
    [header.concat().as_slice(), body].concat()
}

/// Takes a bind, and then sends what cannot be read, with a text in it.
async fn damaged_smsc(mut stream: TcpStream) {
    let mut octets = [0; 1_024];
    let Ok(1..) = stream.read(&mut octets).await else {
        return;
    };
    let mut answer = frame(0x8000_0009, 1, b"centre\0");
    answer[12..16].copy_from_slice(&octets[12..16]);
    let addresses = format!("\0\x01\x01{PHONE}\0\x01\x01{ADDRESS}\0");
    // sm_length announces more than there is.
    let delivery = [
        addresses.as_bytes(),
        b"\0\0\0\0\0\0\0\0\0\xf0",
        PHONE_TEXT.as_bytes(),
    ]
    .concat();
    answer.extend(frame(5, 7, &delivery));
    // A text where a length should be.
    answer.extend(PHONE_TEXT.as_bytes());
    let _ = stream.write_all(&answer).await;
    sleep(Duration::from_millis(200)).await;
}

/// Binds with what cannot be read, and then sends a message that cannot.
async fn damaged_esme(address: &str) {
    for body in [
        // No end of the password.
        format!("shop\0{PASSWORD}").into_bytes(),
        // It is too long.
        format!("shop\0{PASSWORD}{PASSWORD}\0\0\x34\0\0\0").into_bytes(),
        format!("shop\0{WRONG_PASSWORD}\0\0\x34\0\0\0").into_bytes(),
        format!("shop\0{PASSWORD}\0\0\x34\0\0\0").into_bytes(),
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&frame(9, 1, &body)).await.unwrap();
        let message = format!("\0\0\0\0\x01\x01{ADDRESS}\0\0\0\0\0\0\0\0\0\0\u{7f}{TEXT}");
        stream.write_all(&frame(4, 2, message.as_bytes())).await.unwrap();
        stream.write_all(TEXT.as_bytes()).await.unwrap();
        let mut answers = Vec::new();
        // Closed when it has read the last line; it may be reset, too.
        let _ = timeout(Duration::from_secs(10), stream.read_to_end(&mut answers)).await;
    }
}

/// Connects over TCP, and panics for one host.
#[derive(Debug)]
struct Panicking;

impl Connect for Panicking {
    fn connect(&self, target: &Target) -> Connecting {
        assert_ne!(target.host, "panic", "the connector panicked: {target:?}");
        TcpConnector.connect(target)
    }
}

/// Panics at what it is shown.
struct PanickingAnswerer;

impl Actor for PanickingAnswerer {
    type Context = Context<Self>;
}

impl Handler<Delivery> for PanickingAnswerer {
    type Result = Answer;

    fn handle(&mut self, delivery: Delivery, _: &mut Context<Self>) -> Answer {
        panic!("the answerer panicked: {delivery:?}");
    }
}
