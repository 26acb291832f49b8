//! The actor against hand-written octets over a pipe, in virtual time.

mod answers;
mod deliveries;
mod holding;
mod life;
mod manner;
mod messages;
mod parts;
mod taps;
mod watching;

use std::time::Duration;

use actix::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;
use tokio::task::LocalSet;
use tokio::time::timeout;

use super::messages::{Ask, Report, Reporter, Reports};
use super::*;
use crate::events::{Answer, Delivery, Duty, Event, Kinds, Phase};
use crate::link::Connecting;
use crate::pdu::{CommandId, CommandStatus, Header, Pdu, QuerySm, SubmitSm};
use crate::sm::{CorrelatorLimits, IdRules, JoinLimits, SplitOptions};
use crate::submit::{
    Inquiry, Job, NotSentCause, Parts, Pending, Reference, Reply, Request, Submit, SubmitError,
};

const BIND: u32 = 0x09;
const SUBMIT: u32 = 0x04;
const DELIVER: u32 = 0x05;
const QUERY: u32 = 0x03;
const UNBIND: u32 = 0x06;
const RESP: u32 = 0x8000_0000;

/// Passes reports on one by one.
async fn pass_on(mut all: mpsc::UnboundedReceiver<Reports>, each: mpsc::UnboundedSender<Report>) {
    while let Some(reports) = all.recv().await {
        for report in reports.reports {
            let _ = each.send(report);
        }
    }
}

/// Hands the other end of each connection to the test.
#[derive(Debug)]
struct Pipes(Mutex<mpsc::UnboundedSender<DuplexStream>>);

impl Connect for Pipes {
    fn connect(&self, _: &Target) -> Connecting {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let taken = self.0.lock().unwrap().send(theirs);
        Box::pin(async move {
            match taken {
                Ok(()) => Ok(Transport::Pipe(ours)),
                Err(_) => Err(ConnectError::Failed(std::io::ErrorKind::ConnectionRefused)),
            }
        })
    }
}

struct Bench {
    bind: Addr<Bind>,
    ended: JoinHandle<()>,
    hub: Arc<Hub>,
    receipts: Arc<Receipts>,
    reports: mpsc::UnboundedReceiver<Report>,
    connections: mpsc::UnboundedReceiver<DuplexStream>,
    peer: DuplexStream,
    sequence: u32,
}

impl Bench {
    async fn start(settings: BindSettings) -> Self {
        Self::start_with(settings, None).await
    }

    async fn start_with(settings: BindSettings, tap: Option<Box<dyn Tap>>) -> Self {
        Self::start_as(settings, tap, Manner::default()).await
    }

    async fn start_as(settings: BindSettings, tap: Option<Box<dyn Tap>>, manner: Manner) -> Self {
        let (report, reports) = mpsc::unbounded_channel();
        let (connection, mut connections) = mpsc::unbounded_channel();
        let (router, all) = Reporter::channel();
        actix_rt::spawn(pass_on(all, report));
        let hub = Hub::new();
        let account = crate::submit::AccountId::new("a");
        let receipts = Receipts::new(
            account.clone(),
            CorrelatorLimits::default(),
            IdRules::default(),
            hub.clone(),
        );
        let inbox = Inbox::new(account.clone(), JoinLimits::default(), hub.clone());
        actix_rt::spawn(inbox.courier());
        let (bind, ended) = Bind::start(BindSetup {
            tap,
            identity: Identity {
                bind: "a-1".into(),
                incarnation: 1,
            },
            session: Arc::new(settings.session()),
            settings: Arc::new(settings),
            common: Arc::new(Common {
                connector: Arc::new(Pipes(Mutex::new(connection))),
                router,
                sequences: counting(),
            }),
            hub: hub.clone(),
            receipts: receipts.clone(),
            inbox,
            budget: None,
            seed: 7,
            standing: Arc::default(),
            after: None,
            manner,
        });
        let peer = connections.recv().await.unwrap();
        Self {
            bind,
            ended,
            hub,
            receipts,
            reports,
            connections,
            peer,
            sequence: 100,
        }
    }

    async fn bound(settings: BindSettings) -> Self {
        let mut bench = Self::start(settings).await;
        bench.accept_bind().await;
        bench
    }

    async fn accept_bind(&mut self) {
        let header = self.read(BIND).await;
        self.write(BIND | RESP, 0, header.sequence_number.value(), b"\0")
            .await;
        self.phase("bound").await;
        self.capacity().await;
    }

    /// The next frame of the bind, which must be this one.
    async fn read(&mut self, command_id: u32) -> Header {
        let mut octets = [0; 16];
        timeout(Duration::from_secs(300), self.peer.read_exact(&mut octets))
            .await
            .unwrap()
            .unwrap();
        let header = Header::parse(&octets);
        let mut body = vec![0; header.command_length as usize - 16];
        self.peer.read_exact(&mut body).await.unwrap();
        assert_eq!(header.command_id.value(), command_id, "{header:?}");
        header
    }

    async fn write(&mut self, command_id: u32, status: u32, sequence: u32, body: &[u8]) {
        let mut frame = Vec::new();
        for word in [
            16 + u32::try_from(body.len()).unwrap(),
            command_id,
            status,
            sequence,
        ] {
            frame.extend(word.to_be_bytes());
        }
        frame.extend(body);
        self.peer.write_all(&frame).await.unwrap();
    }

    async fn deliver(&mut self, text: &[u8], esm_class: u8) {
        self.deliver_from("", text, esm_class).await;
    }

    async fn deliver_from(&mut self, source: &str, text: &[u8], esm_class: u8) {
        let mut body = [b"\0\0\0", source.as_bytes(), b"\0\0\0\0"].concat();
        body.extend([
            esm_class,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            u8::try_from(text.len()).unwrap(),
        ]);
        body.extend(text);
        self.sequence += 1;
        self.write(DELIVER, 0, self.sequence, &body).await;
    }

    /// Answers a request of the bind.
    async fn answer(&mut self, header: Header, status: u32, body: &[u8]) {
        let command_id = header.command_id.value() | RESP;
        self.write(command_id, status, header.sequence_number.value(), body)
            .await;
    }

    /// Takes the next message with this id.
    async fn accept(&mut self, message_id: &[u8]) {
        let header = self.read(SUBMIT).await;
        self.answer(header, 0, &[message_id, b"\0"].concat()).await;
    }

    /// Agrees to the unbind that comes next, and closes.
    async fn accept_unbind(&mut self) {
        let header = self.read(UNBIND).await;
        self.answer(header, 0, b"").await;
    }

    /// The next connection, on which the bind is accepted.
    async fn rebound(&mut self) {
        self.peer = self.connections.recv().await.unwrap();
        self.accept_bind().await;
    }

    async fn capacity(&mut self) -> usize {
        loop {
            if let Report::Seats { capacity, .. } = self.report().await {
                return capacity;
            }
        }
    }

    async fn report(&mut self) -> Report {
        timeout(Duration::from_secs(5_000), self.reports.recv())
            .await
            .unwrap()
            .unwrap()
    }

    /// Reports up to the first of this phase.
    async fn phase(&mut self, wanted: &str) -> Cause {
        loop {
            match self.report().await {
                Report::Phase { phase, cause } if phase.name() == wanted => return cause,
                _ => {}
            }
        }
    }

    async fn returned(&mut self) -> Vec<Box<Job>> {
        loop {
            if let Report::Returned { jobs } = self.report().await {
                return jobs;
            }
        }
    }

    fn assign(&self, jobs: Vec<Box<Job>>) {
        self.bind.do_send(Assign(jobs));
    }

    fn submit(&self, count: u64) -> Vec<Pending> {
        let (jobs, pending) = (1..=count).map(|number| job(1, number)).unzip();
        self.assign(jobs);
        pending
    }
}

/// A message that may be sent twice rather than not at all.
fn at_least_once(intake: u64) -> (Box<Job>, Pending) {
    let submit = Submit::from(SubmitSm::default()).at_least_once();
    prepared(submit, intake)
}

fn prepared(mut submit: Submit, intake: u64) -> (Box<Job>, Pending) {
    let (reply, pending) = Reply::channel(Reference::Number(intake));
    let job = Job::prepare(&mut submit, reply, |submit| {
        submit.parts(&SplitOptions::default(), |_| 0)
    });
    let mut job = job.unwrap_or_else(|(_, error)| panic!("{error}"));
    job.handle_intake(intake, link::now());
    (job, pending)
}

fn job(parts: usize, intake: u64) -> (Box<Job>, Pending) {
    let (reply, pending) = Reply::channel(Reference::Number(intake));
    let pdu = || Pdu::from(SubmitSm::default());
    let parts = match parts {
        1 => Parts::One(pdu()),
        parts => Parts::Many((0..parts).map(|_| pdu()).collect()),
    };
    let mut job = Job::new(parts, reply);
    job.handle_intake(intake, link::now());
    (job, pending)
}

fn settings() -> BindSettings {
    BindSettings::new("smsc:2775", "a", "secret")
}

/// Runs a test on a `LocalSet`, where actors can live.
async fn local<F: Future<Output = ()>>(test: F) {
    LocalSet::new().run_until(test).await;
}
