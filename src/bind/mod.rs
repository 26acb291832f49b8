//! A bind: one actor that keeps one session with one SMSC alive.
//!
//! The actor owns its connection, its session and its messages. All it does it does in one future on its own
//! context, `Pump`: connect, bind, feed, write, read, report, wait, and connect again. Messages from
//! the router only put things where that future finds them. What comes next is decided by `Phases`, what becomes
//! of messages by `Jobs`; neither knows a socket.

mod backoff;
mod defaults;
mod deliveries;
mod desk;
mod inquiries;
mod jobs;
mod kept;
pub mod messages;
mod missed;
mod phases;
mod pump;
mod retry;
mod seats;
mod standing;
mod watch;
mod wire;

#[cfg(test)]
mod tests;

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use actix::{Actor, Addr, AsyncContext, Context, Handler};
use tokio::task::JoinHandle;
use tokio::time::Sleep;
use tracing::{debug, warn};

pub use backoff::Failure;
pub use phases::Manner;
pub use standing::Standing;
pub use watch::Tap;

use desk::Desk;
use jobs::Ticket;
use messages::{
    Ask, Assign, BindCounters, BindStatus, Control, Enter, GetBindStatus, Identity, Reporter, Retune,
    Withdraw,
};
use phases::Phases;
use pump::{Gathering, Pump};

use crate::events::{Alarm, Cause, ConnectFailure, Hub, Inbox, Receipts};
use crate::link::{
    self, Closed, Connect, ConnectError, Connecting, Link, Outbind, OutbindListener, Target, TlsError,
    Transport,
};
use crate::pdu::SequenceNumber;
use crate::session::{
    CloseCause, Counters, Limits, RequestError, Sequence, Session, SessionConfig, SessionState, SharedBudget,
    WrappingSequence,
};
use crate::settings::{BindSettings, Mode};
use crate::submit::{BindId, NotSentCause, SubmitError, UnknownCause};

/// What a bind is made of.
pub struct BindSetup {
    /// Its name and which life this is.
    pub identity: Identity,
    /// Its settings.
    pub settings: Arc<BindSettings>,
    /// What they tell its sessions, [`BindSettings::session`]; binds with the same settings share it.
    pub session: Arc<SessionConfig>,
    /// What it shares with all binds of its router.
    pub common: Arc<Common>,
    /// Where events go.
    pub hub: Arc<Hub>,
    /// Where the receipts of its account are matched.
    pub receipts: Arc<Receipts>,
    /// Where messages from phones are put together.
    pub inbox: Arc<Inbox>,
    /// The rate that it shares with its siblings.
    pub budget: Option<SharedBudget>,
    /// What its delays are drawn from.
    pub seed: u64,
    /// What its router sees of it, and what an earlier actor has left of its rate.
    pub standing: Arc<Standing>,
    /// Who is called with each PDU.
    pub tap: Option<Box<dyn Tap>>,
    /// What it waits before the first attempt, for a bind that panicked.
    pub after: Option<Failure>,
    /// How it begins, and when it ends by itself.
    pub manner: Manner,
}

/// What all binds of a router share.
pub struct Common {
    /// What makes connections.
    pub connector: Arc<dyn Connect>,
    /// Where reports go.
    pub router: Reporter,
    /// What makes the sequence numbers of each session.
    pub sequences: Sequences,
}

/// Gives the sequence numbers of each session of a bind.
pub type Sequences = Arc<dyn Fn(&BindId, &BindSettings) -> Sequence + Send + Sync>;

/// Each session counts from [`BindSettings::sequence_start`].
#[must_use]
pub fn counting() -> Sequences {
    Arc::new(|_, settings| {
        let first = SequenceNumber::new(settings.sequence_start);
        WrappingSequence::starting_at(first).into()
    })
}

/// The actor.
pub struct Bind {
    /// Counts its actors.
    incarnation: u64,
    /// What the settings tell sessions.
    session: Arc<SessionConfig>,
    /// What the bind is for now: the mode of its settings, or the one that it fell back to.
    mode: Mode,
    common: Arc<Common>,
    budget: Option<SharedBudget>,
    /// Where we listen for the SMSC, once we do.
    listener: Option<Arc<Mutex<Option<OutbindListener>>>>,
    phases: Phases,
    open: Open,
    desk: Desk,
    gathering: Option<Box<Gathering>>,
    timer: Option<Pin<Box<Sleep>>>,
    /// Figures of sessions that are over, once one is.
    past: Option<Box<Past>>,
    /// The seats that the router was told of last.
    seats: usize,
    standing: Arc<Standing>,
}

/// What the bind holds open: one thing at most, so there are never two sockets.
enum Open {
    Nothing,
    /// A connection in the making.
    Connecting(Connecting),
    /// A session on a connection.
    Linked(Box<Link<Ticket>>),
}

#[derive(Clone, Copy, Debug, Default)]
struct Past {
    lenient: u64,
    unreadable: u64,
    violations: u64,
    overdue: u64,
    in_flight_max: usize,
}

impl Past {
    fn add(&mut self, session: Counters) {
        self.lenient += session.lenient;
        self.unreadable += session.unreadable;
        self.violations += session.violations;
        self.overdue += session.overdue;
        self.in_flight_max = self.in_flight_max.max(session.in_flight_max);
    }
}

impl Bind {
    /// Starts the actor on this thread. The handle is ready when the actor ended, with an error after a panic.
    pub fn start(setup: BindSetup) -> (Addr<Self>, JoinHandle<()>) {
        let now = link::now();
        let context = Context::new();
        let settings = setup.settings;
        let mode = settings.mode;
        let mut session = setup.session;
        if setup.manner.on_demand {
            // Whoever opened the connection says when the bind goes out, unless the SMSC has had enough before.
            Arc::make_mut(&mut session).session_init_timeout = None;
        }
        let mut phases = Phases::new(settings.clone(), setup.manner, setup.seed, now);
        if let Some(failure) = setup.after {
            phases.wait(failure, Cause::Panicked, now);
        }
        let mut desk = Desk::new(
            setup.identity.bind,
            settings,
            setup.hub,
            setup.receipts,
            setup.inbox,
        );
        if let Some(tap) = setup.tap {
            desk.set_tap(tap);
        }
        let bind = Self {
            incarnation: setup.identity.incarnation,
            mode,
            session,
            common: setup.common,
            budget: setup.budget,
            listener: None,
            phases,
            open: Open::Nothing,
            desk,
            gathering: None,
            timer: None,
            past: None,
            seats: 0,
            standing: setup.standing,
        };
        let address = context.address();
        (address, actix_rt::spawn(context.into_future(bind)))
    }

    /// Later sessions are told what these settings say.
    fn set_settings(&mut self, settings: Arc<BindSettings>) {
        self.session = Arc::new(settings.session());
        self.phases.set_settings(settings.clone());
        self.desk.set_settings(settings);
    }

    /// Listens for an SMSC that says outbind; listens on from the time before.
    fn listen(&mut self, outbind: Outbind) {
        let listener = self.listener.get_or_insert_default().clone();
        self.open = Open::Connecting(Box::pin(async move {
            let kept = || listener.lock().unwrap_or_else(PoisonError::into_inner);
            let known = kept().clone();
            let listening = match known {
                Some(listening) => listening,
                None => {
                    let listening = OutbindListener::listen(&outbind).await?;
                    kept().insert(listening).clone()
                }
            };
            listening.accept(outbind).await
        }));
    }

    fn connect(&mut self, host: usize, now: Instant) {
        let settings = self.desk.settings().clone();
        if let Some(listen) = &settings.outbind_listen {
            let password = settings.outbind_password.as_ref();
            return self.listen(Outbind {
                listen: (listen.host().to_owned(), listen.port()),
                system_id: settings.outbind_system_id.clone(),
                password: password.map(|password| password.expose().to_owned()),
                timeout: settings.bind_timeout,
                user_timeout: settings.write_timeout,
            });
        }
        let Some(host) = settings.hosts.get(host) else {
            // Settings allow no bind without a host.
            return self.phases.end(now, now);
        };
        let target = Target {
            tls: Some(&settings.tls).filter(|tls| tls.enabled).cloned(),
            timeout: settings.connect_timeout,
            user_timeout: settings.write_timeout,
            ..Target::new(host.host(), host.port())
        };
        self.open = Open::Connecting(self.common.connector.connect(&target));
    }

    fn handle_connected(&mut self, transport: Transport, now: Instant) {
        let mut config = self.session.clone();
        if self.phases.probes() {
            Arc::make_mut(&mut config).probe_first = true;
        }
        let settings = self.desk.settings();
        let limits = Limits {
            rate: settings.limit(),
            budget: self.budget.clone(),
        };
        let numbers = (self.common.sequences)(self.desk.bind(), settings);
        let mut session = Session::with_numbers(config, limits, numbers, now);
        if let Some(limit) = self.standing.take_unspent() {
            session.take_over(*limit, now);
        }
        if self.phases.handle_connected(now)
            && let Err(error) = wire::send_bind(settings, self.mode, &mut session, now)
        {
            // Checked settings fit. The session closes when no bind went out in time.
            warn!(bind = %self.desk.bind(), %error, "the bind PDU cannot be written");
        }
        self.desk.open();
        // What made the connection makes room first, which the link then takes: of a thousand binds that connect
        // together, nobody else would.
        self.open = Open::Nothing;
        self.open = Open::Linked(Box::new(Link::new(session, transport)));
    }

    fn handle_connect_failed(&mut self, error: &ConnectError, now: Instant) {
        self.open = Open::Nothing;
        debug!(bind = %self.desk.bind(), %error, "no connection");
        let failure = Failure::of_connect(error);
        let seen = seen(error);
        if failure.is_alarming() {
            self.desk.alarm(|bind| Alarm::TlsRefused { bind, failure: seen });
        }
        self.phases
            .handle_connect_failed(failure, Cause::Connect(seen), now);
    }

    /// The bind ends, whatever its session was at: what was not written goes back, the rest is unknown.
    fn break_off(&mut self, now: Instant) {
        if let Open::Linked(link) = &mut self.open {
            link.break_off(&mut self.desk, now);
            self.desk.handle_link_lost();
        }
        self.drop_link();
    }

    /// The socket is closed before another one is opened, by this actor or by the next.
    fn drop_link(&mut self) {
        if let Open::Linked(link) = std::mem::replace(&mut self.open, Open::Nothing) {
            self.past.get_or_insert_default().add(link.session().counters());
            self.standing.keep_unspent(link.session().limit().clone());
        }
    }

    fn handle_closed(&mut self, closed: &Closed, now: Instant) {
        let probing = matches!(&self.open, Open::Linked(link) if link.session().is_probing());
        self.drop_link();
        self.desk.handle_link_lost();
        // The next session tells the router anew.
        self.seats = 0;
        let was_bound = self.phases.is_bound();
        let Some(failure) = self
            .phases
            .handle_closed(closed, probing, &self.desk.settings().statuses, now)
        else {
            return;
        };
        debug!(bind = %self.desk.bind(), cause = ?closed.cause, error = ?closed.error, "link closed");
        self.desk.lost += u32::from(was_bound);
        if closed.cause == CloseCause::NoProgress {
            self.desk.alarm(|bind| Alarm::Stuck { bind });
        }
        if failure == Failure::BindTypeRefused {
            self.fall_back();
        } else if failure.is_alarming() {
            self.desk.alarm(|bind| Alarm::CredentialsRefused { bind });
        }
    }

    /// The SMSC does not know such binds: the next attempt is for something else, where the settings say so.
    fn fall_back(&mut self) {
        let alarm = match self.desk.settings().fallback_mode {
            Some(mode) if mode != self.mode => {
                self.mode = mode;
                |bind, command| Alarm::FellBack { bind, command }
            }
            _ => |bind, command| Alarm::ModeRefused { bind, command },
        };
        let command = self.mode.command_id();
        self.desk.alarm(|bind| alarm(bind, command));
    }

    /// Carries out that somebody wants it to go down: what waits goes back, what is in flight is finished.
    fn go_down(&mut self, now: Instant) {
        self.desk.close();
        match &mut self.open {
            Open::Linked(link) if self.phases.is_linked() => {
                let session = link.session_mut();
                session.stop_accepting();
                if !session.state().is_bound() {
                    session.unbind(now);
                }
            }
            Open::Linked(_) | Open::Connecting(_) => self.open = Open::Nothing,
            Open::Nothing => {}
        }
    }

    /// The seats that there are now.
    fn capacity(&self) -> usize {
        let Open::Linked(link) = &self.open else {
            return 0;
        };
        if !self.mode.sends() {
            return 0;
        }
        let session = link.session();
        seats::capacity(seats::Load {
            window: session.usable_window(),
            in_flight: session.waiting(),
            rate: session.rate(),
            delayed: self.desk.delayed(),
            overdue: self.desk.overdue(),
        })
    }
}

/// A failed connection as events tell it.
const fn seen(error: &ConnectError) -> ConnectFailure {
    match error {
        ConnectError::Resolve { .. } => ConnectFailure::NoAddress,
        ConnectError::TimedOut { .. } => ConnectFailure::TimedOut,
        ConnectError::Failed(kind) => ConnectFailure::Io(*kind),
        ConnectError::Tls(error) => match error {
            TlsError::Expired => ConnectFailure::CertificateExpired,
            TlsError::WrongName { .. } => ConnectFailure::CertificateName,
            TlsError::UnknownAuthority => ConnectFailure::CertificateAuthority,
            TlsError::NotPinned => ConnectFailure::CertificateNotPinned,
            TlsError::InvalidCertificate => ConnectFailure::CertificateInvalid,
            TlsError::File { .. } | TlsError::WrongKey { .. } | TlsError::Settings | TlsError::NotBuilt => {
                ConnectFailure::TlsSettings
            }
            TlsError::Refused | TlsError::Handshake(_) => ConnectFailure::Tls,
        },
    }
}

impl Actor for Bind {
    type Context = Context<Self>;

    // Runs also for an actor that is dropped before its first poll: it only spawns.
    fn started(&mut self, ctx: &mut Self::Context) {
        // With no bound `try_send` costs what `do_send` costs, and hands messages back when the actor is dead.
        ctx.set_mailbox_capacity(0);
        ctx.spawn(Pump);
    }
}

impl Handler<Assign> for Bind {
    type Result = ();

    fn handle(&mut self, Assign(jobs): Assign, _: &mut Self::Context) {
        if self.phases.is_bound() {
            self.desk.jobs().take(jobs);
        } else {
            self.desk.jobs().refuse(jobs);
        }
    }
}

impl Handler<Control> for Bind {
    type Result = ();

    fn handle(&mut self, control: Control, _: &mut Self::Context) {
        let now = link::now();
        match control {
            Control::Pause => self.phases.pause(now),
            Control::Resume => return self.phases.resume(now),
            Control::Hurry => return self.phases.hurry(now),
            Control::Drain { deadline } => self.phases.end(deadline, now),
            Control::Stop => self.phases.end(now, now),
            Control::Cut => return self.phases.cut(now),
        }
        self.go_down(now);
        if control == Control::Stop {
            self.desk.abandon(UnknownCause::ShutDown);
        }
    }
}

impl Handler<Withdraw> for Bind {
    type Result = usize;

    fn handle(&mut self, Withdraw(reference): Withdraw, _: &mut Self::Context) -> usize {
        self.desk.cancel(&reference)
    }
}

impl Handler<Ask> for Bind {
    type Result = ();

    fn handle(&mut self, Ask(inquiry): Ask, _: &mut Self::Context) {
        if self.phases.is_bound() {
            self.desk.ask(inquiry);
        } else {
            let cause = NotSentCause::LinkLost;
            inquiry.refuse(SubmitError::NotSent { cause });
        }
    }
}

impl Handler<Enter> for Bind {
    type Result = Result<(), RequestError>;

    fn handle(&mut self, Enter(settings): Enter, _: &mut Self::Context) -> Self::Result {
        let now = link::now();
        let mode = settings.mode;
        let refused = |state| {
            let command_id = mode.command_id();
            Err(RequestError::WrongState { command_id, state })
        };
        let Open::Linked(link) = &mut self.open else {
            return refused(SessionState::Closed);
        };
        if !self.phases.is_open() {
            return refused(link.session().state());
        }
        wire::send_bind(&settings, mode, link.session_mut(), now)?;
        self.mode = mode;
        self.set_settings(settings);
        self.phases.handle_asked(now);
        Ok(())
    }
}

impl Handler<Retune> for Bind {
    type Result = ();

    fn handle(&mut self, Retune(settings): Retune, _: &mut Self::Context) {
        let now = link::now();
        if let Open::Linked(link) = &mut self.open {
            let session = link.session_mut();
            session.set_window(settings.window);
            session.set_rate(settings.limit(), now);
        }
        self.set_settings(settings);
    }
}

impl Handler<GetBindStatus> for Bind {
    type Result = actix::MessageResult<GetBindStatus>;

    fn handle(&mut self, _: GetBindStatus, _: &mut Self::Context) -> Self::Result {
        let mut figures = self.past.as_deref().copied().unwrap_or_default();
        let (mut in_flight, mut window) = (0, self.desk.settings().window);
        let (mut waiting, mut unanswered) = (self.desk.unfinished(), 0);
        if let Open::Linked(link) = &self.open {
            let session = link.session();
            figures.add(session.counters());
            in_flight = session.in_flight();
            window = session.window();
            waiting = waiting.saturating_sub(session.waiting());
            unanswered = session.unanswered();
        }
        let (phase, cause, since) = self.phases.phase();
        actix::MessageResult(BindStatus {
            bind: self.desk.bind().clone(),
            account: self.desk.account().clone(),
            phase,
            cause,
            since: link::now().saturating_duration_since(since),
            window,
            in_flight,
            in_flight_max: figures.in_flight_max,
            waiting,
            unanswered,
            counters: BindCounters {
                overdue: figures.overdue,
                lenient: figures.lenient,
                unreadable: figures.unreadable,
                violations: figures.violations,
                ..self.desk.counters()
            },
        })
    }
}
