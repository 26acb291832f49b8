//! What callers were told about their messages against what the SMSC saw of them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr, AsyncContext, Context, Handler};
use bindery::bind::messages::{Assign, Identity, Report, Reporter, Reports};
use bindery::bind::{Bind, BindSetup};
use bindery::events::{Hub, Phase, Receipts};
use bindery::link::now;
use bindery::pdu::CommandStatus;
use bindery::settings::BindSettings;
use bindery::sm::{CorrelatorLimits, IdRules, SplitOptions};
use bindery::smsc::{Behaviour, Faults, Shares, Smsc};
use bindery::submit::{AccountId, Job, Pending, Reply, Submit, SubmitError, SubmitResult};
use tokio::task::LocalSet;
use tokio::time::timeout;

/// The least router there can be: one bind, a queue, seats.
struct Router {
    smsc: Smsc,
    settings: BindSettings,
    seed: u64,
    bind: Option<Addr<Bind>>,
    queue: VecDeque<Box<Job>>,
    is_bound: bool,
    capacity: usize,
    taken: usize,
}

impl Router {
    fn assign(&mut self) {
        let Some(bind) = self.bind.as_ref().filter(|_| self.is_bound) else {
            return;
        };
        let mut jobs = Vec::new();
        while self.taken < self.capacity
            && let Some(job) = self.queue.pop_front()
        {
            self.taken += job.unfinished();
            jobs.push(job);
        }
        if !jobs.is_empty() {
            bind.do_send(Assign(jobs));
        }
    }
}

impl Actor for Router {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let (reporter, mut reports) = Reporter::channel();
        let address = context.address();
        actix_rt::spawn(async move {
            while let Some(reports) = reports.recv().await {
                address.do_send(reports);
            }
        });
        let hub = Hub::new();
        let account = AccountId::new("a");
        let limits = CorrelatorLimits::default();
        let (bind, _) = Bind::start(BindSetup {
            identity: Identity {
                bind: "a-1".into(),
                incarnation: 1,
            },
            account: account.clone(),
            settings: Arc::new(self.settings.clone()),
            connector: self.smsc.connector(),
            hub: hub.clone(),
            receipts: Receipts::new(account, limits, IdRules::default(), hub),
            router: reporter,
            budget: None,
            seed: self.seed,
            after: None,
        });
        self.bind = Some(bind);
    }
}

impl Handler<Reports> for Router {
    type Result = ();

    fn handle(&mut self, reports: Reports, _: &mut Self::Context) {
        for report in reports.reports {
            match report {
                Report::Phase { phase, .. } => self.is_bound = matches!(phase, Phase::Bound),
                Report::Seats { freed, capacity } => {
                    self.taken -= freed;
                    self.capacity = capacity;
                }
                Report::Returned { jobs } => {
                    for job in jobs.into_iter().rev() {
                        self.taken -= job.unfinished();
                        self.queue.push_front(job);
                    }
                }
                Report::Ended { .. } => {}
            }
        }
        self.assign();
    }
}

#[derive(actix::Message)]
#[rtype(result = "()")]
#[expect(clippy::vec_box, reason = "jobs travel as boxes")]
struct Send(Vec<Box<Job>>);

impl Handler<Send> for Router {
    type Result = ();

    fn handle(&mut self, Send(jobs): Send, _: &mut Self::Context) {
        self.queue.extend(jobs);
        self.assign();
    }
}

/// Sends `count` messages, each with its number in its text, and waits for their outcomes.
async fn outcomes(smsc: &Smsc, settings: BindSettings, seed: u64, count: u64) -> BTreeMap<u64, SubmitResult> {
    let (jobs, pending): (Vec<_>, Vec<(u64, Pending)>) = (1..=count)
        .map(|number| {
            let (reply, pending) = Reply::channel(number.into());
            let submit = Submit::text("447700900123", format!("Message #{number}#")).receipt();
            let job = Job::prepare(submit, reply, &SplitOptions::default(), |_| 0);
            let mut job = job.unwrap_or_else(|(_, error)| panic!("{error}"));
            job.handle_intake(number, now());
            (job, (number, pending))
        })
        .unzip();
    let router = Router {
        smsc: smsc.clone(),
        settings,
        seed,
        bind: None,
        queue: VecDeque::new(),
        is_bound: false,
        capacity: 0,
        taken: 0,
    };
    let router = router.start();
    router.do_send(Send(jobs));
    let mut outcomes = BTreeMap::new();
    for (number, pending) in pending {
        let outcome = timeout(Duration::from_secs(86_400), pending).await;
        outcomes.insert(
            number,
            outcome.unwrap_or_else(|_| panic!("seed {seed}: {number} has no outcome")),
        );
    }
    outcomes
}

#[tokio::test(start_paused = true)]
async fn callers_are_told_the_truth_by_an_smsc_that_misbehaves() {
    let mut kinds = BTreeMap::new();
    for seed in 0..20 {
        for outcome in LocalSet::new().run_until(the_truth(seed)).await.values() {
            let kind = match outcome {
                Ok(_) => "submitted",
                Err(SubmitError::Rejected { .. }) => "rejected",
                Err(SubmitError::Unknown { .. }) => "unknown",
                Err(_) => "other",
            };
            *kinds.entry(kind).or_insert(0) += 1;
        }
    }
    println!("{kinds:?}");
    for kind in ["submitted", "rejected", "unknown"] {
        assert!(kinds.get(kind).is_some_and(|count| *count > 20), "{kinds:?}");
    }
}

/// One run; says what the callers were told.
async fn the_truth(seed: u64) -> BTreeMap<u64, SubmitResult> {
    const COUNT: u64 = 300;
    let smsc = Smsc::in_memory(
        Behaviour {
            delay: Duration::from_millis(20),
            jitter: Duration::from_millis(80),
            rate: Some(500.0),
            receipts_after: Some(Duration::from_secs(2)),
            receipts_jitter: Duration::from_secs(30),
            faults: Faults {
                cut_chance: 0.01,
                lost_responses: 0.02,
                refused_messages: Shares::new([
                    (CommandStatus::ESME_RINVDSTADR, 0.05),
                    (CommandStatus::ESME_RTHROTTLED, 0.02),
                ]),
                refused_binds: Shares::new([(CommandStatus::ESME_RSYSERR, 0.1)]),
                doubled_receipts: 0.05,
                ..Faults::default()
            },
            witness: true,
            ..Behaviour::default()
        },
        seed,
    );
    let settings = BindSettings::new("smsc:2775", "a", "secret").window(20_usize);
    let outcomes = outcomes(&smsc, settings, seed, COUNT).await;

    let witness = smsc.witness();
    let seen = witness.by_number();
    for (number, outcome) in &outcomes {
        let sightings = seen.get(number).map_or(&[][..], Vec::as_slice);
        let taken: Vec<_> = sightings
            .iter()
            .filter_map(|message| message.message_id.as_deref())
            .collect();
        let told = format!("seed {seed}, message {number}: {outcome:?}, seen {sightings:?}");
        match outcome {
            Ok(submitted) => assert_eq!(taken, [&*submitted.message_id().to_text()], "{told}"),
            Err(SubmitError::Rejected { status, .. }) => {
                assert!(taken.is_empty(), "{told}");
                assert_eq!(
                    sightings.last().map(|message| message.status),
                    Some(*status),
                    "{told}"
                );
            }
            Err(SubmitError::Unknown { .. }) => assert!(taken.len() <= 1, "{told}"),
            Err(SubmitError::NotSent { .. }) => assert!(sightings.is_empty(), "{told}"),
            Err(_) => panic!("{told}"),
        }
    }

    // Every receipt that is owed arrives, over whichever link there is by then.
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    let counters = smsc.counters();
    assert!(counters.receipts_owed > COUNT / 2, "seed {seed}: {counters:?}");
    assert_eq!(
        counters.receipts_delivered, counters.receipts_owed,
        "seed {seed}: {counters:?}"
    );
    assert_eq!(counters.deliveries_pending, 0, "seed {seed}: {counters:?}");
    outcomes
}
