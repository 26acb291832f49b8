//! The table of binds: how they are started, what they report, and what happens when one dies.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hashbrown::HashMap;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinHandle};
use tracing::{error, info, warn};

use super::core::Core;
use super::quarantine::Health;
use crate::bind::messages::{BindAddress, Control, Identity, Report, Reporter, Reports};
use crate::bind::{BindSetup, Common, Failure, Manner, Sequences, Standing};
use crate::dispatch::{BindKey, LaneKey};
use crate::events::receipts::Stores;
use crate::events::{Alarm, BindEvent, Cause, Event, Inbox, Kinds, Phase, Receipts};
use crate::link::Governor;
use crate::session::{Budget, SessionConfig, SharedBudget};
use crate::settings::BindSettings;
use crate::submit::{AccountId, BindId};

/// Starts the actor of a bind on this thread; tests start others in its place. The handle is ready when the actor
/// has ended, with an error after a panic.
pub type StartBind = Box<dyn Fn(BindSetup) -> (BindAddress, JoinHandle<()>)>;

/// Every bind, and what is needed to start one.
pub(super) struct Binds {
    start: StartBind,
    /// What the binds share.
    common: Arc<Common>,
    /// Where accounts keep the messages whose receipts are owed.
    stores: Stores,
    pub(super) governor: Arc<Governor>,
    /// What the settings of the bind that started last tell sessions: the next one often has the same.
    session: Option<(Arc<BindSettings>, Arc<SessionConfig>)>,
    /// What binds report, which the pump fetches.
    reports: mpsc::UnboundedReceiver<Reports>,
    pub(super) budgets: HashMap<String, SharedBudget>,
    random: fastrand::Rng,
    incarnations: u64,
    names: HashMap<BindId, BindKey>,
    /// By key; a table that grows holds its elements twice.
    members: Vec<Option<Box<Member>>>,
    /// Binds that stay down.
    pub(super) stopped: Vec<Member>,
    /// Ready when an actor has ended.
    watched: FuturesUnordered<Life>,
}

/// One bind.
pub(super) struct Member {
    pub(super) id: BindId,
    pub(super) account: AccountId,
    pub(super) settings: Arc<BindSettings>,
    /// The lane that it alone serves, if there is one.
    pub(super) pin: Option<LaneKey>,
    pub(super) phase: Phase,
    pub(super) cause: Cause,
    pub(super) since: Instant,
    /// Whether the peer agreed to the unbind, once it has ended.
    pub(super) ended: Option<bool>,
    /// What comes after it.
    pub(super) fate: Fate,
    /// It is to stay down until it is resumed.
    pub(super) paused: bool,
    /// The SMSC let it in before.
    known: bool,
    budget: Option<SharedBudget>,
    pub(super) standing: Arc<Standing>,
    pub(super) health: Health,
    incarnation: u64,
    life: Option<(BindAddress, AbortHandle)>,
    /// When it was started again, once it was.
    restarts: Option<Box<Restarts>>,
}

/// When a bind was started again, in order.
#[derive(Default)]
struct Restarts(Vec<Instant>);

/// What comes after the end of a bind.
#[derive(Clone, Debug)]
pub(super) enum Fate {
    /// Nobody wants it to end: it is started again.
    Stays,
    /// It was drained, and is shown as stopped.
    Drained,
    /// It is in the settings no more.
    Removed,
    /// Another one with these settings.
    Replaced(Arc<BindSettings>),
}

/// What a bind goes on with that another one of its name left behind.
#[derive(Default)]
pub(super) struct Past {
    pub(super) standing: Arc<Standing>,
    /// It was to stay down until it is resumed.
    pub(super) paused: bool,
    /// The SMSC let one with these credentials in.
    pub(super) known: bool,
}

/// What the binds of one account share.
pub(super) struct Account {
    pub(super) receipts: Arc<Receipts>,
    pub(super) inbox: Arc<Inbox>,
    /// The lane that they all serve, if there is one.
    pub(super) lane: Option<LaneKey>,
}

impl Drop for Account {
    fn drop(&mut self) {
        // Its binds are gone: what is incomplete stays so.
        self.inbox.close();
    }
}

/// An actor that runs.
struct Life {
    bind: BindKey,
    incarnation: u64,
    handle: JoinHandle<()>,
}

impl Future for Life {
    type Output = Death;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Death> {
        let ended = ready!(Pin::new(&mut self.handle).poll(cx));
        Poll::Ready(Death {
            bind: self.bind,
            incarnation: self.incarnation,
            panicked: ended.is_err_and(|error| error.is_panic()),
        })
    }
}

/// The end of an actor.
struct Death {
    bind: BindKey,
    incarnation: u64,
    panicked: bool,
}

impl Member {
    pub(super) fn address(&self) -> Option<&BindAddress> {
        self.life.as_ref().map(|(address, _)| address)
    }
}

impl Binds {
    pub(super) fn new(
        start: StartBind,
        sequences: Sequences,
        stores: Stores,
        governor: Arc<Governor>,
        seed: u64,
    ) -> Self {
        let (router, reports) = Reporter::channel();
        Self {
            start,
            common: Arc::new(Common {
                connector: governor.clone(),
                router,
                sequences,
            }),
            stores,
            governor,
            session: None,
            reports,
            budgets: HashMap::new(),
            random: fastrand::Rng::with_seed(seed),
            incarnations: 0,
            names: HashMap::new(),
            members: Vec::new(),
            stopped: Vec::new(),
            watched: FuturesUnordered::new(),
        }
    }

    pub(super) fn get(&self, key: BindKey) -> Option<&Member> {
        self.members.get(key.index())?.as_deref()
    }

    pub(super) fn get_mut(&mut self, key: BindKey) -> Option<&mut Member> {
        self.members.get_mut(key.index())?.as_deref_mut()
    }

    pub(super) fn by_name_mut(&mut self, name: &str) -> Option<(BindKey, &mut Member)> {
        let key = *self.names.get(name)?;
        Some((key, self.get_mut(key)?))
    }

    /// Binds that are not stopped.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// The same, in the order of their keys.
    pub(super) fn iter(&self) -> impl Iterator<Item = (BindKey, &Member)> {
        let members = self.members.iter().enumerate();
        members.filter_map(|(index, member)| Some((BindKey::new(index), member.as_deref()?)))
    }

    fn insert(&mut self, key: BindKey, member: Member) {
        if self.members.len() <= key.index() {
            self.members.resize_with(key.index() + 1, || None);
        }
        self.names.insert(member.id.clone(), key);
        if let Some(slot) = self.members.get_mut(key.index()) {
            *slot = Some(Box::new(member));
        }
    }

    fn remove(&mut self, key: BindKey) -> Option<Member> {
        let member = self.members.get_mut(key.index())?.take()?;
        self.names.remove(&member.id);
        Some(*member)
    }

    /// Ends an actor that does not end by itself; what it holds answers by being dropped.
    pub(super) fn abort(&mut self) {
        for member in self.members.iter().flatten() {
            if let Some((_, handle)) = &member.life {
                handle.abort();
            }
        }
    }
}

impl Core {
    /// Adds the binds, budgets and accounts of the settings, and starts the binds.
    pub(super) fn start_binds(&mut self) {
        let now = self.now();
        let settings = self.settings.clone();
        for (name, budget) in &settings.budgets {
            let budget = Budget::shared(Some(budget.limit()), now);
            self.binds.budgets.insert(name.clone(), budget);
        }
        for (name, bind) in &settings.binds {
            let past = Past::default();
            self.add_bind(name.as_str().into(), bind.clone(), past, now);
        }
    }

    pub(super) fn add_bind(&mut self, id: BindId, settings: Arc<BindSettings>, past: Past, now: Instant) {
        let account = AccountId::new(settings.account_or(id.as_str()));
        let known = self.accounts.get_key_value(&account);
        let account = known.map_or(account, |(known, _)| known.clone());
        if let Some(known) = self.accounts.get(&account)
            && self.binds.iter().all(|(_, member)| member.account != account)
        {
            // Its binds had ended, and their rules with them.
            known.receipts.set_rules(settings.message_ids.rules());
        }
        self.accounts.entry(account.clone()).or_insert_with(|| {
            let limits = self.settings.router.join_limits();
            let inbox = Inbox::new(account.clone(), limits, self.hub.clone());
            actix_rt::spawn(inbox.courier());
            Account {
                receipts: Receipts::with_store(
                    account.clone(),
                    self.settings.router.receipt_limits(),
                    settings.message_ids.rules(),
                    self.hub.clone(),
                    (self.binds.stores)(&account),
                ),
                inbox,
                lane: None,
            }
        });
        let key = self.dispatcher.add_bind();
        self.join_routes(key, id.as_str(), &settings);
        let budget = settings
            .budget
            .as_ref()
            .and_then(|name| self.binds.budgets.get(name))
            .cloned();
        self.binds.insert(
            key,
            Member {
                id,
                account,
                settings,
                pin: None,
                phase: Phase::Connecting,
                cause: Cause::Progress,
                since: now,
                ended: None,
                fate: Fate::Stays,
                paused: past.paused,
                known: past.known,
                budget,
                standing: past.standing,
                health: Health::default(),
                incarnation: 0,
                life: None,
                restarts: None,
            },
        );
        self.start_bind(key, None);
    }

    fn start_bind(&mut self, key: BindKey, after: Option<Failure>) {
        let binds = &mut self.binds;
        binds.incarnations += 1;
        let incarnation = binds.incarnations;
        let seed = binds.random.u64(..);
        let Some(member) = binds.members.get_mut(key.index()).and_then(Option::as_mut) else {
            return;
        };
        let Some(account) = self.accounts.get(&member.account) else {
            return;
        };
        member.incarnation = incarnation;
        let known = binds.session.take();
        let known = known.filter(|(settings, _)| Arc::ptr_eq(settings, &member.settings));
        let new = || (member.settings.clone(), Arc::new(member.settings.session()));
        let (_, session) = binds.session.insert(known.unwrap_or_else(new)).clone();
        let (address, handle) = (binds.start)(BindSetup {
            tap: None,
            identity: Identity {
                bind: member.id.clone(),
                incarnation,
            },
            settings: member.settings.clone(),
            session,
            common: binds.common.clone(),
            hub: self.hub.clone(),
            receipts: account.receipts.clone(),
            inbox: account.inbox.clone(),
            budget: member.budget.clone(),
            standing: member.standing.clone(),
            seed,
            after,
            manner: Manner {
                paused: member.paused,
                known: member.known,
                ..Manner::default()
            },
        });
        member.life = Some((address, handle.abort_handle()));
        binds.watched.push(Life {
            bind: key,
            incarnation,
            handle,
        });
    }

    /// Takes what binds have to say.
    pub(super) fn poll_reports(&mut self, task: &mut Context<'_>) {
        while let Poll::Ready(Some(reports)) = self.binds.reports.poll_recv(task) {
            self.handle_reports(reports);
        }
    }

    /// The same between two parts of a long drain, where nobody needs to be woken.
    pub(super) fn fetch_reports(&mut self) {
        while let Ok(reports) = self.binds.reports.try_recv() {
            self.handle_reports(reports);
        }
    }

    fn handle_reports(&mut self, Reports { from, reports }: Reports) {
        let now = self.now();
        let member = self.binds.by_name_mut(from.bind.as_str());
        let key = member
            .filter(|(_, member)| member.incarnation == from.incarnation)
            .map(|(key, _)| key);
        for report in reports {
            match (report, key) {
                (Report::Phase { phase, cause }, Some(key)) => self.enter_phase(key, phase, cause, now),
                (Report::Seats { freed, capacity }, Some(key)) => {
                    self.dispatcher.set_seats(key, freed, capacity, now);
                }
                (Report::Ended { clean }, Some(key)) => {
                    if let Some(member) = self.binds.get_mut(key) {
                        member.ended = Some(clean);
                    }
                }
                // Of an actor that is dead, too; its seats are forgotten already.
                (Report::Returned { jobs }, from) => self.take_back(from, jobs),
                (Report::Phase { .. } | Report::Seats { .. } | Report::Ended { .. }, None) => {}
            }
        }
        if let Some(key) = key {
            self.check_health(key, now);
        }
    }

    /// The lane that only the bind of this name serves goes over to the one that is new.
    fn hand_on_pin(&mut self, id: &BindId, pin: Option<LaneKey>, now: Instant) {
        let Some((key, member)) = self.binds.by_name_mut(id.as_str()) else {
            return;
        };
        if let Some(lane) = pin
            && member.settings.mode.sends()
        {
            member.pin = Some(lane);
            self.dispatcher.join(key, lane, now);
        }
    }

    /// A bind is up: the siblings that wait because its host could not be reached need wait no more. The governor
    /// lets them in one after another; without one their own delays are what spares the host.
    fn hurry_siblings(&self, key: BindKey) {
        if self.settings.router.binds_per_second.is_none() {
            return;
        }
        let Some(bound) = self.binds.get(key) else { return };
        for (_, member) in self.binds.iter() {
            let waits = matches!(member.phase, Phase::Waiting { .. });
            let same_host = |host| bound.settings.hosts.contains(host);
            if waits
                && member.settings.hosts.iter().any(same_host)
                && let Some(address) = member.address()
            {
                // Harmless where it is lost: the bind ends.
                address.control().do_send(Control::Hurry);
            }
        }
    }

    fn enter_phase(&mut self, key: BindKey, phase: Phase, cause: Cause, now: Instant) {
        self.dispatcher.set_open(key, phase == Phase::Bound, now);
        if phase == Phase::Bound {
            if let Some(member) = self.binds.get_mut(key) {
                member.known = true;
            }
            self.hurry_siblings(key);
        } else {
            // One that is quarantined may be the last one left.
            self.release(now);
        }
        if let Some(member) = self.binds.get_mut(key) {
            member.phase = phase;
            member.cause = cause;
            member.since = now;
            info!(bind = %member.id, %phase, %cause, "phase");
            if self.hub.wants(Kinds::BINDS) {
                self.hub.emit(Event::Bind(BindEvent {
                    bind: member.id.clone(),
                    account: member.account.clone(),
                    phase,
                    cause,
                }));
            }
        }
    }

    /// Looks for actors that have ended.
    pub(super) fn poll_deaths(&mut self, task: &mut Context<'_>) {
        while let Poll::Ready(Some(death)) = self.binds.watched.poll_next_unpin(task) {
            self.handle_death(&death);
        }
    }

    fn handle_death(&mut self, death: &Death) {
        let now = self.now();
        let key = death.bind;
        let Some(member) = self
            .binds
            .get_mut(key)
            .filter(|member| member.incarnation == death.incarnation)
        else {
            return;
        };
        member.life = None;
        // What it had is gone, with its seats; what was still here is not.
        let unsent = self.dispatcher.reset_bind(key);
        if self.closing.is_some() || member.ended.is_some() || !matches!(member.fate, Fate::Stays) {
            self.retire(key, now);
        } else {
            let window = self.settings.router.restart_window;
            let Restarts(restarts) = &mut **member.restarts.get_or_insert_default();
            restarts.retain(|at| now.duration_since(*at) < window);
            let (bind, account) = (member.id.clone(), member.account.clone());
            if restarts.len() < self.settings.router.restart_limit {
                error!(%bind, panicked = death.panicked, "the actor ended; started again");
                restarts.push(now);
                self.start_bind(key, Some(Failure::Unreachable));
                self.hub.alarm(Alarm::Restarted { bind }, Some(&account));
            } else {
                warn!(%bind, panicked = death.panicked, "the actor ended too often; stays down");
                self.enter_phase(key, Phase::Stopped, Cause::Panicked, now);
                self.retire(key, now);
                self.hub.alarm(Alarm::GaveUp { bind }, Some(&account));
            }
        }
        self.take_back(None, unsent);
    }

    /// A bind stays down: whatever only it could take is not sent.
    fn retire(&mut self, key: BindKey, now: Instant) {
        let mut gone = None;
        if let Some(mut member) = self.binds.remove(key) {
            member.phase = Phase::Stopped;
            member.since = now;
            let pin = member.pin.take();
            match (member.fate.clone(), &self.closing) {
                (Fate::Replaced(settings), None) => {
                    // Before the old one leaves its lanes, so that what waits in them is never without a bind.
                    let id = member.id.clone();
                    let past = Past {
                        standing: Standing::new(member.standing.take_unspent()).into(),
                        paused: member.paused,
                        known: member.known && member.settings.is_login_of(&settings),
                    };
                    self.add_bind(id.clone(), settings, past, now);
                    self.hand_on_pin(&id, pin, now);
                }
                (Fate::Removed, None) => gone = pin,
                _ => {
                    gone = pin;
                    self.binds.stopped.push(member);
                }
            }
        }
        let removed = self.dispatcher.remove_bind(key);
        if let Some(lane) = gone {
            // Empty since its only bind left it.
            self.dispatcher.remove_lane(lane);
        }
        // Where its route or its account has other binds now, a message goes on.
        self.take_back(None, removed.stranded);
        self.take_back(None, removed.assigned);
    }
}
