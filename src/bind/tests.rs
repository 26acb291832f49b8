//! The actor against hand-written octets over a pipe, in virtual time.

use std::sync::Mutex;
use std::time::Duration;

use actix::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;
use tokio::task::LocalSet;
use tokio::time::timeout;

use super::messages::{Report, Reporter, Reports};
use super::*;
use crate::events::{Answer, Delivery, Event, Kinds};
use crate::link::Connecting;
use crate::pdu::{CommandStatus, Header, Pdu, SubmitSm};
use crate::sm::{CorrelatorLimits, IdRules};
use crate::submit::{Job, NotSentCause, Parts, Pending, Reference, Reply, SubmitError};

const BIND: u32 = 0x09;
const SUBMIT: u32 = 0x04;
const DELIVER: u32 = 0x05;
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
    reports: mpsc::UnboundedReceiver<Report>,
    connections: mpsc::UnboundedReceiver<DuplexStream>,
    peer: DuplexStream,
    sequence: u32,
}

impl Bench {
    async fn start(settings: BindSettings) -> Self {
        let (report, reports) = mpsc::unbounded_channel();
        let (connection, mut connections) = mpsc::unbounded_channel();
        let (router, all) = Reporter::channel();
        actix_rt::spawn(pass_on(all, report));
        let hub = Hub::new();
        let account = AccountId::new("a");
        let receipts = Receipts::new(
            account.clone(),
            CorrelatorLimits::default(),
            IdRules::default(),
            hub.clone(),
        );
        let (bind, ended) = Bind::start(BindSetup {
            identity: Identity {
                bind: "a-1".into(),
                incarnation: 1,
            },
            account,
            settings: Arc::new(settings),
            connector: Arc::new(Pipes(Mutex::new(connection))),
            hub: hub.clone(),
            receipts,
            router,
            budget: None,
            seed: 7,
            after: None,
        });
        let peer = connections.recv().await.unwrap();
        Self {
            bind,
            ended,
            hub,
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
        loop {
            if matches!(self.report().await, Report::Seats { .. }) {
                return;
            }
        }
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
        let mut body = b"\0\0\0\0\0\0\0".to_vec();
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

#[tokio::test(start_paused = true)]
async fn a_message_goes_out_and_its_answer_comes_back() {
    local(async {
        let mut bench = Bench::bound(settings()).await;
        let mut pending = bench.submit(1);
        let header = bench.read(SUBMIT).await;
        bench
            .write(SUBMIT | RESP, 0, header.sequence_number.value(), b"42\0")
            .await;
        let submitted = pending.remove(0).await.unwrap();
        assert_eq!(
            (submitted.message_id().to_text().as_ref(), submitted.bind.as_str()),
            ("42", "a-1")
        );
        assert!(matches!(
            bench.report().await,
            Report::Seats {
                freed: 1,
                capacity: 20
            }
        ));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_rejected_message_says_why() {
    local(async {
        let mut bench = Bench::bound(settings()).await;
        let mut pending = bench.submit(1);
        let header = bench.read(SUBMIT).await;
        bench
            .write(SUBMIT | RESP, 0x0B, header.sequence_number.value(), b"")
            .await;
        let error = pending.remove(0).await.unwrap_err();
        let status = CommandStatus::ESME_RINVDSTADR;
        assert_eq!(
            error,
            SubmitError::Rejected {
                status,
                bind: "a-1".into()
            }
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_broken_link_returns_what_was_not_written_and_knows_nothing_of_the_rest() {
    local(async {
        let mut bench = Bench::bound(settings().window(2_usize)).await;
        let mut pending = bench.submit(3);
        bench.read(SUBMIT).await;
        bench.read(SUBMIT).await;
        bench.peer.shutdown().await.unwrap();
        let returned = bench.returned().await;
        assert_eq!(returned.iter().map(|job| job.intake()).collect::<Vec<_>>(), [3]);
        for pending in pending.drain(..2) {
            assert!(matches!(pending.await, Err(SubmitError::Unknown { .. })));
        }
        let again = bench.connections.recv().await;
        assert!(again.is_some(), "it connects again by itself");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn jobs_for_a_bind_that_is_not_bound_go_back() {
    local(async {
        let mut bench = Bench::start(settings()).await;
        let _pending = bench.submit(2);
        assert_eq!(bench.returned().await.len(), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_throttled_message_goes_back_in_its_order_with_all_that_had_not_left() {
    local(async {
        let mut bench = Bench::bound(settings().window(2_usize)).await;
        let _pending = bench.submit(4);
        let first = bench.read(SUBMIT).await;
        bench.read(SUBMIT).await;
        bench
            .write(SUBMIT | RESP, 0x58, first.sequence_number.value(), b"")
            .await;
        let returned = bench.returned().await;
        assert_eq!(
            returned.iter().map(|job| job.intake()).collect::<Vec<_>>(),
            [1, 3, 4]
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_is_tried_again_later_and_not_for_ever() {
    local(async {
        let mut bench = Bench::bound(settings().enquire_link_interval(None)).await;
        let mut pending = bench.submit(1);
        let start = link::now();
        for attempt in 0..5 {
            let header = bench.read(SUBMIT).await;
            let waited = (link::now() - start).as_secs();
            assert_eq!(waited, [0, 1, 3, 6, 10][attempt], "attempt {attempt}");
            bench
                .write(SUBMIT | RESP, 0x14, header.sequence_number.value(), b"")
                .await;
        }
        let error = pending.remove(0).await.unwrap_err();
        assert!(matches!(
            error,
            SubmitError::Rejected {
                status: CommandStatus::ESME_RMSGQFUL,
                ..
            }
        ));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn ten_parts_go_over_a_window_of_five_in_order() {
    local(async {
        let mut bench = Bench::bound(settings().window(5_usize)).await;
        let (job, pending) = job(10, 1);
        bench.assign(vec![job]);
        for part in 0..10_u8 {
            let header = bench.read(SUBMIT).await;
            bench
                .write(
                    SUBMIT | RESP,
                    0,
                    header.sequence_number.value(),
                    &[b'0' + part, 0],
                )
                .await;
        }
        let submitted = pending.await.unwrap();
        let ids: Vec<_> = submitted
            .message_ids
            .iter()
            .map(|id| id.to_text().into_owned())
            .collect();
        assert_eq!(ids, (0..10).map(|id| id.to_string()).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_waited_too_long_is_not_sent() {
    local(async {
        let mut bench = Bench::bound(settings().window(1_usize)).await;
        let _first = bench.submit(1);
        let header = bench.read(SUBMIT).await;
        let (reply, pending) = Reply::channel(Reference::None);
        let submit = crate::submit::Submit::from(SubmitSm::default()).validity(Duration::from_secs(5));
        let mut job = Job::prepare(submit, reply, &crate::sm::SplitOptions::default(), |_| 0)
            .unwrap_or_else(|_| panic!());
        job.handle_intake(2, link::now());
        bench.assign(vec![job]);
        tokio::time::sleep(Duration::from_secs(6)).await;
        bench
            .write(SUBMIT | RESP, 0, header.sequence_number.value(), b"1\0")
            .await;
        assert_eq!(pending.await, Err(SubmitError::Expired));
    })
    .await;
}

/// Answers what its text says.
struct Answerer;

impl Actor for Answerer {
    type Context = actix::Context<Self>;
}

impl Handler<Delivery> for Answerer {
    type Result = Answer;

    fn handle(&mut self, delivery: Delivery, _: &mut Self::Context) -> Answer {
        match delivery.text().as_deref() {
            Some("panic") => panic!("as asked"),
            Some("no") => Answer::refused(),
            _ => Answer::ok(),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_decides_the_status_of_our_response() {
    local(async {
        let mut bench = Bench::bound(settings()).await;
        bench.hub.answer_deliveries(Answerer.start().recipient()).unwrap();
        for (text, status) in [(&b"yes"[..], 0), (b"no", 0x66), (b"panic", 0x64), (b"yes", 0x64)] {
            bench.deliver(text, 0).await;
            let header = bench.read(DELIVER | RESP).await;
            assert_eq!(header.command_status.value(), status, "{text:?}");
            assert_eq!(header.sequence_number.value(), bench.sequence);
        }
        let _still_bound = bench.submit(1);
        bench.read(SUBMIT).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_nobody_takes_is_refused_and_a_receipt_is_not() {
    local(async {
        let mut bench = Bench::bound(settings()).await;
        bench.deliver(b"hello", 0).await;
        assert_eq!(
            bench.read(DELIVER | RESP).await.command_status,
            CommandStatus::ESME_RX_T_APPN
        );
        bench.deliver(b"id:1 stat:DELIVRD", 0x04).await;
        assert_eq!(
            bench.read(DELIVER | RESP).await.command_status,
            CommandStatus::ESME_ROK
        );
    })
    .await;
}

/// Passes events on.
struct Listener(mpsc::UnboundedSender<Event>);

impl Actor for Listener {
    type Context = actix::Context<Self>;
}

impl Handler<Event> for Listener {
    type Result = ();

    fn handle(&mut self, event: Event, _: &mut Self::Context) {
        let _ = self.0.send(event);
    }
}

#[tokio::test(start_paused = true)]
async fn a_receipt_finds_its_message() {
    local(async {
        let mut bench = Bench::bound(settings()).await;
        let (sender, mut events) = mpsc::unbounded_channel();
        bench
            .hub
            .subscribe(Listener(sender).start().recipient(), Kinds::RECEIPTS);
        let (reply, pending) = Reply::channel(Reference::Number(77));
        let submit = crate::submit::Submit::text("447700900123", "hello").receipt();
        let job = Job::prepare(submit, reply, &crate::sm::SplitOptions::default(), |_| 0)
            .unwrap_or_else(|_| panic!());
        bench.assign(vec![job]);
        let header = bench.read(SUBMIT).await;
        // The response and the receipt come in one read.
        bench
            .write(SUBMIT | RESP, 0, header.sequence_number.value(), b"abc\0")
            .await;
        bench
            .deliver(b"id:abc sub:001 dlvrd:001 stat:DELIVRD err:000 text:", 0x04)
            .await;
        pending.await.unwrap();
        let Event::Receipt(receipt) = events.recv().await.unwrap() else {
            panic!("no receipt")
        };
        assert_eq!(
            receipt.message.as_ref().map(|message| &message.reference),
            Some(&Reference::Number(77))
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_are_waited_out_and_reported() {
    local(async {
        let mut bench = Bench::start(settings()).await;
        let header = bench.read(BIND).await;
        bench
            .write(BIND | RESP, 0x0E, header.sequence_number.value(), b"")
            .await;
        let cause = bench.phase("waiting").await;
        let refused = CloseCause::BindRefused(CommandStatus::ESME_RINVPASWD);
        assert_eq!(cause, Cause::Session(refused));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_paused_bind_unbinds_and_comes_back_when_it_is_told_to() {
    local(async {
        let mut bench = Bench::bound(settings().window(1_usize)).await;
        let mut pending = bench.submit(2);
        let header = bench.read(SUBMIT).await;
        bench.bind.do_send(Control::Pause);
        assert_eq!(bench.returned().await.len(), 1, "what had not left");
        bench
            .write(SUBMIT | RESP, 0, header.sequence_number.value(), b"1\0")
            .await;
        let header = bench.read(UNBIND).await;
        bench
            .write(UNBIND | RESP, 0, header.sequence_number.value(), b"")
            .await;
        bench.phase("paused").await;
        assert!(pending.remove(0).await.is_ok());
        bench.bind.do_send(Control::Resume);
        bench.peer = bench.connections.recv().await.unwrap();
        bench.accept_bind().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_drained_bind_waits_for_its_answers_until_the_deadline() {
    local(async {
        let mut bench = Bench::bound(settings()).await;
        let mut pending = bench.submit(1);
        bench.read(SUBMIT).await;
        let deadline = link::now() + Duration::from_secs(5);
        bench.bind.do_send(Control::Drain { deadline });
        bench.phase("draining").await;
        let header = bench.read(UNBIND).await;
        assert!(link::now() >= deadline);
        assert!(matches!(
            pending.remove(0).await,
            Err(SubmitError::Unknown { .. })
        ));
        bench
            .write(UNBIND | RESP, 0, header.sequence_number.value(), b"")
            .await;
        loop {
            if let Report::Ended { clean } = bench.report().await {
                assert!(clean);
                break;
            }
        }
        bench.ended.await.unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_bind_whose_router_is_gone_unbinds_and_ends() {
    local(async {
        let Bench {
            bind,
            ended,
            mut peer,
            ..
        } = Bench::bound(settings()).await;
        drop(bind);
        let mut octets = [0; 16];
        peer.read_exact(&mut octets).await.unwrap();
        assert_eq!(Header::parse(&octets).command_id.value(), UNBIND);
        timeout(Duration::from_secs(5), ended).await.unwrap().unwrap();
    })
    .await;
}

/// Makes the actor panic.
struct Panic;

impl Message for Panic {
    type Result = ();
}

impl Handler<Panic> for Bind {
    type Result = ();

    fn handle(&mut self, _: Panic, _: &mut Self::Context) {
        panic!("as asked");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_answers_every_message_at_once() {
    local(async {
        let mut bench = Bench::bound(settings().window(1_usize)).await;
        let mut pending = bench.submit(2);
        bench.read(SUBMIT).await;
        bench.bind.do_send(Panic);
        assert!(bench.ended.await.unwrap_err().is_panic());
        let written = pending.remove(0).await;
        assert!(matches!(written, Err(SubmitError::Unknown { .. })), "{written:?}");
        let waiting = pending.remove(0).await;
        assert_eq!(
            waiting,
            Err(SubmitError::NotSent {
                cause: NotSentCause::Dropped
            })
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_status_costs_one_question() {
    local(async {
        let mut bench = Bench::bound(settings()).await;
        let _pending = bench.submit(3);
        bench.read(SUBMIT).await;
        let status = bench.bind.send(GetBindStatus).await.unwrap();
        assert_eq!(
            (status.phase, status.in_flight, status.window),
            (Phase::Bound, 3, 10)
        );
    })
    .await;
}
