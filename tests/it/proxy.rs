//! Binds whose connections go over a proxy that cuts, delays, splits, corrupts and swallows, over real TCP.
//!
//! What befalls the connections, and in which order, is drawn from a seed; how that falls in with the messages is up to
//! the machine. Octets are corrupted so that the account stays decidable: lengths that no peer can take for sound, and
//! whole PDUs between the others that are none, under numbers that no request has. Octets within a PDU stay as they
//! are, for nobody could tell a text, an id or a number that was changed on the way from one that was meant.
//!
//! `BINDERY_SEEDS=17..18` runs another seed.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

use bindery::esme::Esme;
use bindery::link::TcpConnector;
use bindery::pdu::{CommandStatus, frame_length};
use bindery::settings::{BindSettings, Settings};
use bindery::smsc::{Behaviour, Smsc};
use bindery::submit::{Submit, SubmitError, SubmitResult};
use fastrand::Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{sleep, timeout};

use crate::account::{check, kind, sightings};

/// Messages that are under way together.
const TOGETHER: u64 = 60;

/// No request has these numbers.
const OUT_OF_THE_WAY: u32 = 0x7FFF_0000;

/// What befalls a connection once so many octets have passed in one direction.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum End {
    /// It is cut, in the middle of a PDU mostly.
    Cut,
    /// Nothing passes any more, either way, and nobody is told.
    HalfOpen,
    /// Nothing passes any more in this direction.
    Mute,
    /// A `command_length` is too small or too large.
    Length,
    /// A PDU that is none stands between the others; the connection goes on.
    Nonsense,
}

/// Towards the SMSC, or towards the ESME.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Way {
    Up,
    Down,
}

/// What befalls one connection.
#[derive(Clone, Debug)]
struct Fate {
    /// None: it goes well to the end.
    end: Option<(End, Way, usize)>,
    /// Whether it came to that.
    happened: Cell<bool>,
    /// Most octets that are written at a time.
    chunk: usize,
    /// Most that each of these writes waits.
    delay: Duration,
}

/// Stands between binds and an SMSC.
#[derive(Clone)]
struct Proxy(Rc<State>);

struct State {
    to: SocketAddr,
    rng: RefCell<Rng>,
    /// What is still to come, one for each connection.
    ends: RefCell<VecDeque<(End, Way)>>,
    happened: RefCell<BTreeMap<End, usize>>,
    /// Something came back to `ends`: a connection that goes well makes way for one that meets it.
    came_back: Notify,
}

impl Proxy {
    /// Listens, and passes connections on to `to`.
    async fn start(to: SocketAddr, seed: u64) -> (Self, SocketAddr) {
        let mut rng = Rng::with_seed(seed);
        let mut ends: Vec<_> = [End::Cut, End::HalfOpen, End::Mute, End::Length, End::Nonsense]
            .into_iter()
            .flat_map(|end| [(end, Way::Up), (end, Way::Down)])
            .collect();
        rng.shuffle(&mut ends);
        let proxy = Self(Rc::new(State {
            to,
            rng: RefCell::new(rng),
            ends: RefCell::new(ends.into()),
            happened: RefCell::default(),
            came_back: Notify::new(),
        }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        spawn_local({
            let proxy = proxy.clone();
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    spawn_local(proxy.clone().serve(client));
                }
            }
        });
        (proxy, address)
    }

    /// True when everything that was to happen did.
    fn is_spent(&self) -> bool {
        let happened: usize = self.0.happened.borrow().values().sum();
        self.0.ends.borrow().is_empty() && happened >= 10
    }

    fn fate(&self) -> Fate {
        let mut rng = self.0.rng.borrow_mut();
        let end = self.0.ends.borrow_mut().pop_front();
        Fate {
            // Far enough for the bind and some messages.
            end: end.map(|(end, way)| (end, way, rng.usize(60..1_500))),
            happened: Cell::new(false),
            chunk: if rng.bool() { rng.usize(1..40) } else { usize::MAX },
            delay: Duration::from_millis(if rng.bool() { 3 } else { 0 }),
        }
    }

    async fn serve(self, client: TcpStream) {
        let Ok(smsc) = TcpStream::connect(self.0.to).await else {
            return;
        };
        // A chunk is a segment of its own.
        client.set_nodelay(true).unwrap();
        smsc.set_nodelay(true).unwrap();
        let fate = self.fate();
        let stopped = Cell::new(false);
        let (from_client, to_client) = client.into_split();
        let (from_smsc, to_smsc) = smsc.into_split();
        // Whichever direction ends first, both connections end with it.
        tokio::select! {
            () = self.pass(Way::Up, &fate, &stopped, from_client, to_smsc) => {}
            () = self.pass(Way::Down, &fate, &stopped, from_smsc, to_client) => {}
            () = self.0.came_back.notified(), if fate.end.is_none() => {}
        }
        // A slow machine ends connections of its own accord: then another one meets this.
        if let Some((end, way, _)) = fate.end.filter(|_| !fate.happened.get()) {
            self.0.ends.borrow_mut().push_back((end, way));
            self.0.came_back.notify_one();
        }
    }

    /// Passes whole PDUs on, in chunks, until the connection ends or is to end.
    async fn pass(
        &self,
        way: Way,
        fate: &Fate,
        stopped: &Cell<bool>,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
    ) {
        let mut end = fate.end.filter(|(_, of, _)| *of == way);
        let (mut passed, mut unread) = (0, Vec::new());
        loop {
            match from.read_buf(&mut unread).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            while let Ok(Some(length)) = frame_length(&unread, usize::MAX) {
                if stopped.get() {
                    return std::future::pending().await;
                }
                let mut frame: Vec<u8> = unread.drain(..length).collect();
                if let Some((what, _, after)) = end.take_if(|(_, _, after)| passed + length > *after) {
                    *self.0.happened.borrow_mut().entry(what).or_insert(0) += 1;
                    fate.happened.set(true);
                    let begun = after.saturating_sub(passed);
                    match what {
                        End::Cut => {
                            // The other side is told of the part that came, or is gone itself.
                            let _ = to.write_all(&frame[..begun]).await;
                            return;
                        }
                        End::HalfOpen | End::Mute => {
                            stopped.set(what == End::HalfOpen);
                            let _ = to.write_all(&frame[..begun]).await;
                            return std::future::pending().await;
                        }
                        End::Length => frame[..4].copy_from_slice(&self.wrong_length().to_be_bytes()),
                        End::Nonsense => frame.splice(..0, self.nonsense()).for_each(drop),
                    }
                }
                passed += length;
                for chunk in frame.chunks(fate.chunk) {
                    if !fate.delay.is_zero() {
                        let delay = fate.delay.mul_f64(self.0.rng.borrow_mut().f64());
                        sleep(delay).await;
                    }
                    if to.write_all(chunk).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    fn wrong_length(&self) -> u32 {
        let mut rng = self.0.rng.borrow_mut();
        if rng.bool() {
            rng.u32(..16)
        } else {
            rng.u32(0x0010_0000..)
        }
    }

    fn nonsense(&self) -> Vec<u8> {
        let mut rng = self.0.rng.borrow_mut();
        let mut frame = vec![0; 16 + rng.usize(..40)];
        rng.fill(&mut frame);
        let length = u32::try_from(frame.len()).unwrap();
        frame[..4].copy_from_slice(&length.to_be_bytes());
        // No command of the standard, nor of a vendor.
        frame[4..8].copy_from_slice(&(0x0000_1000 | rng.u32(..0x1000)).to_be_bytes());
        frame[12..16].copy_from_slice(&(OUT_OF_THE_WAY | rng.u32(..0xFFFF)).to_be_bytes());
        frame
    }
}

fn bind(address: SocketAddr) -> BindSettings {
    BindSettings::new(address.to_string().as_str(), "proxied", "secret")
        .account("a")
        .window(10_usize)
        .bind_timeout(Duration::from_millis(500))
        .response_timeout(Duration::from_millis(500))
        .enquire_link_interval(Duration::from_millis(200))
        .enquire_link_timeout(Duration::from_millis(200))
        .backoff_initial(Duration::from_millis(20))
        .backoff_max(Duration::from_millis(80))
}

fn message(number: u64) -> Submit {
    // Every fifth goes out in parts, and has its number in each of them.
    let text = format!("Message #{number}# ").repeat(if number.is_multiple_of(5) { 20 } else { 1 });
    Submit::text("447700900123", text).reference(number)
}

/// Everything that happens under one seed; gives how many messages ended how.
async fn run(seed: u64) -> BTreeMap<&'static str, usize> {
    let behaviour = Behaviour {
        delay: Duration::from_millis(2),
        witness: true,
        ..Behaviour::default()
    };
    let smsc = Smsc::listen("127.0.0.1:0", behaviour, seed).await.unwrap();
    let (proxy, address) = Proxy::start(smsc.local_addr().unwrap(), seed).await;
    let mut settings = Settings::default();
    settings.router.binds_per_second = None;
    settings.router.connects_per_host = None;
    for number in 1..=3 {
        settings = settings.bind(format!("a-{number}"), bind(address));
    }
    let esme = Esme::start_local(settings, std::sync::Arc::new(TcpConnector)).unwrap();
    let mut outcomes = BTreeMap::new();
    while !proxy.is_spent() {
        let first = outcomes.len() as u64 + 1;
        let submits = (first..first + TOGETHER).map(message);
        outcomes.extend((first..).zip(esme.submit_batch(submits).await));
    }
    esme.shutdown(Duration::from_secs(10)).await;
    let seen = sightings(std::slice::from_ref(&smsc));
    for (number, outcome) in &outcomes {
        let seen = seen.get(number).map_or(&[][..], Vec::as_slice);
        let is_true = match outcome {
            // What the SMSC could not cut out of the stream it says no to, and has not seen.
            Err(SubmitError::Rejected {
                status: CommandStatus::ESME_RINVCMDLEN,
                ..
            }) if seen.is_empty() => Ok(()),
            outcome => check(outcome, seen),
        };
        if let Err(lie) = is_true {
            panic!("seed {seed}, message {number}: {lie}\ntold: {outcome:?}\nseen: {seen:#?}");
        }
    }
    println!("seed {seed}: {:?}", proxy.0.happened.borrow());
    count(outcomes.values())
}

fn count<'a>(outcomes: impl Iterator<Item = &'a SubmitResult>) -> BTreeMap<&'static str, usize> {
    let mut kinds = BTreeMap::new();
    for outcome in outcomes {
        *kinds.entry(kind(outcome)).or_insert(0) += 1;
    }
    kinds
}

fn seeds() -> Range<u64> {
    let chosen = std::env::var("BINDERY_SEEDS").ok();
    let ends = chosen.as_deref().and_then(|text| text.split_once(".."));
    match ends.map(|(from, to)| (from.parse(), to.parse())) {
        Some((Ok(from), Ok(to))) => from..to,
        _ => 0..4,
    }
}

#[tokio::test]
async fn callers_are_told_the_truth_whatever_a_network_does_to_the_octets() {
    let runs = async {
        let runs: Vec<_> = seeds()
            .map(|seed| spawn_local(timeout(Duration::from_secs(120), run(seed))))
            .collect();
        let mut all = BTreeMap::new();
        for run in runs {
            for (kind, count) in run.await.unwrap().expect("no end") {
                *all.entry(kind).or_insert(0) += count;
            }
        }
        all
    };
    let all = LocalSet::new().run_until(runs).await;
    println!("{all:?}");
    assert!(all["submitted"] > 0 && all["unknown"] > 0, "too easy: {all:?}");
}
