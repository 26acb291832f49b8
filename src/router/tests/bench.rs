//! A router whose binds do what the test says, and what it told.

use super::*;

/// Stands where a bind stands.
pub(super) struct Fake {
    setup: BindSetup,
    jobs: Vec<Box<Job>>,
    /// Does not end when it is told to.
    stubborn: bool,
    counters: BindCounters,
    told: (u64, u64),
}

#[derive(Message)]
#[rtype(result = "()")]
pub(super) enum Order {
    /// Becomes bound and offers so many seats.
    Bind(usize),
    /// Loses its link: what was taken by the session is unknown, the rest goes back.
    Lose,
    /// Takes so many jobs into the session.
    Write(usize),
    /// Has so many jobs accepted, oldest first.
    Accept(usize),
    /// Has so many jobs rejected, oldest first.
    Reject(usize),
    Panic,
    BeStubborn,
}

impl Actor for Fake {
    type Context = Context<Self>;
}

impl Fake {
    pub(super) fn report(&self, reports: Vec<Report>) {
        let from = self.setup.identity.clone();
        let reports = reports.into();
        self.setup.common.router.report(Reports { from, reports });
    }

    pub(super) fn free(&mut self, freed: usize) {
        let now = (self.counters.submitted, self.counters.rejected);
        let told = std::mem::replace(&mut self.told, now);
        self.setup.standing.add(now.0 - told.0, now.1 - told.1);
        self.report(vec![Report::Seats { freed, capacity: 4 }]);
    }

    pub(super) fn id(&self) -> BindId {
        self.setup.identity.bind.clone()
    }
}

pub(super) fn phase(phase: Phase) -> Report {
    let cause = Cause::Progress;
    Report::Phase { phase, cause }
}

impl Handler<Order> for Fake {
    type Result = ();

    fn handle(&mut self, order: Order, _: &mut Context<Self>) {
        let bind = self.id();
        match order {
            Order::Bind(capacity) => {
                self.report(vec![phase(Phase::Bound), Report::Seats { freed: 0, capacity }])
            }
            Order::Write(count) => {
                for job in self.jobs.iter_mut().take(count) {
                    job.handle_sent(0, &bind, SequenceNumber::FIRST);
                }
            }
            Order::Accept(count) => {
                let count = count.min(self.jobs.len());
                let now = crate::link::now();
                for mut job in self.jobs.drain(..count) {
                    job.handle_sent(0, &bind, SequenceNumber::FIRST);
                    job.handle_accepted(0, MessageId::try_from("id").unwrap(), now);
                    assert!(job.is_finished());
                    job.finish();
                }
                self.counters.submitted += count as u64;
                self.free(count);
            }
            Order::Reject(count) => {
                let count = count.min(self.jobs.len());
                for mut job in self.jobs.drain(..count) {
                    job.handle_sent(0, &bind, SequenceNumber::FIRST);
                    job.handle_rejected(0, CommandStatus::ESME_RINVDSTADR);
                    job.finish();
                }
                self.counters.rejected += count as u64;
                self.free(count);
            }
            Order::Lose => {
                let (written, jobs): (Vec<_>, Vec<_>) =
                    self.jobs.drain(..).partition(|job| job.has_written());
                let freed = written.len();
                for mut job in written {
                    job.handle_unknown(0, UnknownCause::LinkLost);
                    job.finish();
                }
                let capacity = 0;
                self.report(vec![
                    phase(Phase::Connecting),
                    Report::Returned { jobs },
                    Report::Seats { freed, capacity },
                ]);
            }
            Order::Panic => panic!("as the test said"),
            Order::BeStubborn => self.stubborn = true,
        }
    }
}

impl Handler<Assign> for Fake {
    type Result = ();

    fn handle(&mut self, Assign(jobs): Assign, _: &mut Context<Self>) {
        self.jobs.extend(jobs);
    }
}

impl Handler<Control> for Fake {
    type Result = ();

    fn handle(&mut self, control: Control, context: &mut Context<Self>) {
        if let Control::Drain { .. } = control
            && !self.stubborn
        {
            let jobs = std::mem::take(&mut self.jobs);
            self.report(vec![Report::Returned { jobs }, Report::Ended { clean: true }]);
            context.stop();
        }
    }
}

impl Handler<Ask> for Fake {
    type Result = ();

    fn handle(&mut self, Ask(inquiry): Ask, _: &mut Context<Self>) {
        inquiry.refuse(SubmitError::Cancelled);
    }
}

impl Handler<Retune> for Fake {
    type Result = ();

    fn handle(&mut self, Retune(settings): Retune, _: &mut Context<Self>) {
        self.setup.settings = settings;
    }
}

impl Handler<Withdraw> for Fake {
    type Result = usize;

    fn handle(&mut self, Withdraw(reference): Withdraw, _: &mut Context<Self>) -> usize {
        let is_it = |job: &mut Box<Job>| *job.reference() == reference && !job.has_written();
        let jobs: Vec<_> = self.jobs.extract_if(.., is_it).collect();
        let freed = jobs.len();
        for job in jobs {
            job.refuse(&SubmitError::Cancelled);
        }
        self.report(vec![Report::Seats { freed, capacity: 4 }]);
        freed
    }
}

impl Handler<GetBindStatus> for Fake {
    type Result = MessageResult<GetBindStatus>;

    fn handle(&mut self, _: GetBindStatus, _: &mut Context<Self>) -> Self::Result {
        MessageResult(BindStatus {
            bind: self.id(),
            account: self.setup.receipts.account().clone(),
            phase: Phase::Bound,
            cause: Cause::Progress,
            since: Duration::ZERO,
            window: 0,
            in_flight: self.jobs.len(),
            in_flight_max: 0,
            waiting: 0,
            unanswered: 0,
            counters: BindCounters::default(),
        })
    }
}

/// Keeps the events that it is told.
#[derive(Clone, Default)]
pub(super) struct Watcher(Arc<Mutex<Vec<Event>>>);

impl Actor for Watcher {
    type Context = Context<Self>;
}

impl Handler<Event> for Watcher {
    type Result = ();

    fn handle(&mut self, event: Event, _: &mut Context<Self>) {
        self.0.lock().unwrap().push(event);
    }
}

impl Watcher {
    pub(super) fn seen(&self) -> Vec<Event> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    pub(super) fn outcomes(&self) -> Vec<OutcomeEvent> {
        let events = self.seen().into_iter();
        let outcome = |event| match event {
            Event::Outcome(outcome) => Some(outcome),
            _ => None,
        };
        events.filter_map(outcome).collect()
    }

    pub(super) fn alarms(&self) -> Vec<Alarm> {
        let events = self.seen().into_iter();
        let alarm = |event| match event {
            Event::Alarm(event) => Some(event.alarm),
            _ => None,
        };
        events.filter_map(alarm).collect()
    }
}

pub(super) type Fakes = Rc<RefCell<Vec<(Identity, Reporter, Addr<Fake>, Manner)>>>;

pub(super) struct Bench {
    pub(super) started: Started,
    pub(super) fakes: Fakes,
    pub(super) watcher: Watcher,
}

pub(super) fn bind() -> BindSettings {
    BindSettings::new("smsc:2775", "a", "b")
}

/// Two binds of one account, `a-1` and `a-2`.
pub(super) fn two() -> Settings {
    Settings::default()
        .bind("a-1", bind().account("a"))
        .bind("a-2", bind().account("a"))
        .route("one", RouteSettings::new(["a-1"]))
}

impl Bench {
    pub(super) fn start(settings: Settings) -> Self {
        Self::start_with(settings, Strategies::new())
    }

    pub(super) fn start_with(mut settings: Settings, strategies: Strategies) -> Self {
        settings.router.validity = None;
        let fakes = Fakes::default();
        let starts = fakes.clone();
        let start: StartBind = Box::new(move |setup| {
            let context = Context::new();
            let address = context.address();
            starts.borrow_mut().push((
                setup.identity.clone(),
                setup.common.router.clone(),
                address.clone(),
                setup.manner,
            ));
            let fake = Fake {
                setup,
                jobs: Vec::new(),
                stubborn: false,
                counters: BindCounters::default(),
                told: (0, 0),
            };
            (address.into(), actix_rt::spawn(context.into_future(fake)))
        });
        let started = Router::start(RouterSetup {
            settings: Arc::new(settings),
            connector: Arc::new(TcpConnector),
            start,
            sequences: crate::bind::counting(),
            strategies,
            stores: crate::events::receipts::in_memory(),
            seed: 7,
        });
        let watcher = Watcher::default();
        let kinds = Kinds::OUTCOMES | Kinds::ALARMS;
        started.hub.subscribe(watcher.clone().start().recipient(), kinds);
        Self {
            started,
            fakes,
            watcher,
        }
    }

    /// The latest actor of a bind.
    pub(super) fn fake(&self, bind: &str) -> Addr<Fake> {
        let fakes = self.fakes.borrow();
        let fake = fakes
            .iter()
            .rev()
            .find(|(identity, ..)| identity.bind.as_str() == bind);
        fake.unwrap().2.clone()
    }

    /// How its latest actor began.
    pub(super) fn manner(&self, bind: &str) -> Manner {
        let fakes = self.fakes.borrow();
        let mut latest = fakes.iter().rev();
        let fake = latest.find(|(identity, ..)| identity.bind.as_str() == bind);
        fake.unwrap().3
    }

    pub(super) async fn order(&self, bind: &str, order: Order) {
        self.fake(bind).do_send(order);
        settle().await;
    }

    pub(super) fn reporter(&self) -> Reporter {
        self.fakes.borrow()[0].1.clone()
    }

    /// How many jobs each bind has.
    pub(super) async fn jobs(&self) -> Vec<usize> {
        let status = self.status().await;
        status.binds.iter().map(|bind| bind.in_flight).collect()
    }

    /// How many jobs one bind has.
    pub(super) async fn jobs_of(&self, bind: &str) -> usize {
        let status = self.status().await;
        let mut binds = status.binds.iter();
        binds.find(|other| other.bind.as_str() == bind).unwrap().in_flight
    }

    pub(super) async fn status(&self) -> Status {
        settle().await;
        self.started.address.send(GetStatus).await.unwrap()
    }

    pub(super) async fn apply(&self, settings: Settings) {
        self.started.address.send(Apply(settings)).await.unwrap().unwrap();
    }

    pub(super) fn submit(&self, submit: Submit) -> Request<Router, Submit> {
        self.started.address.send(submit)
    }

    /// Messages that tell their outcome as events.
    pub(super) async fn flood(&self, references: std::ops::Range<u64>) {
        for reference in references {
            self.started.address.do_send(numbered(reference));
        }
        settle().await;
    }

    /// A message with a permit.
    pub(super) fn permitted(&self, mut submit: Submit) -> Pending {
        self.started.books.try_acquire().unwrap();
        let (reply, pending) = Reply::channel(submit.reference.clone());
        let reply = self.started.books.enter(reply, true);
        let job = self.started.preparer.prepare(&mut submit, reply).unwrap();
        self.started.intake.push([job], &self.started.address);
        pending
    }

    pub(super) async fn shutdown(&self, grace: Duration) -> ShutdownReport {
        let shutdown = self.started.address.send(Shutdown { grace });
        timeout(Duration::from_secs(1_000), shutdown)
            .await
            .unwrap()
            .unwrap()
    }
}

pub(super) fn numbered(reference: u64) -> Submit {
    Submit::from(SubmitSm::default()).reference(reference)
}

pub(super) async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

pub(super) async fn local(test: impl Future<Output = ()>) {
    LocalSet::new().run_until(test).await;
}

pub(super) fn references(outcomes: &[OutcomeEvent]) -> Vec<u64> {
    let number = |outcome: &OutcomeEvent| match outcome.reference {
        Reference::Number(number) => number,
        _ => panic!("{outcome:?}"),
    };
    outcomes.iter().map(number).collect()
}
