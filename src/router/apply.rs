//! Changes while it runs: other settings, and orders for single binds.
//!
//! A bind whose settings did not change is not touched. One whose window, rate or delays changed is told so. One
//! of which anything else changed finishes what it has begun, unbinds, and is followed by another: there are never
//! two sockets for it. What waits for a bind takes no part in all this: it waits in the router.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix::{Context, Handler, Message};
use tracing::info;

use super::Router;
use super::binds::{Fate, Past};
use super::closing::deadline_after;
use super::core::Core;
use crate::bind::Standing;
use crate::bind::messages::{Control, Retune};
use crate::dispatch::BindKey;
use crate::events::Phase;
use crate::session::Budget;
use crate::settings::{BindSettings, Settings, SettingsError};
use crate::submit::{AccountId, BindId};

/// Goes on with other settings.
#[derive(Clone, Debug)]
pub struct Apply(pub Settings);

impl Message for Apply {
    type Result = Result<Applied, ApplyError>;
}

/// What new settings changed. Each bind of the old or the new settings is in one list.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Applied {
    /// Binds that were started.
    pub added: Vec<BindId>,
    /// Binds that finish what they have begun and end.
    pub removed: Vec<BindId>,
    /// Binds that finish what they have begun, unbind, and bind again with their new settings.
    pub replaced: Vec<BindId>,
    /// Binds that go on with another window, rate, or other delays.
    pub retuned: Vec<BindId>,
    /// Binds that nothing changed for.
    pub unchanged: Vec<BindId>,
    /// Budgets that are new or have another rate.
    pub budgets: Vec<String>,
    /// Keys whose new values count only when the process starts again.
    pub needs_restart: Vec<String>,
}

impl Applied {
    /// True when the new settings are the old ones.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.added.is_empty()
            && self.removed.is_empty()
            && self.replaced.is_empty()
            && self.retuned.is_empty()
            && self.budgets.is_empty()
            && self.needs_restart.is_empty()
    }
}

/// Why nothing was changed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// The settings cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A bind is for an embedded SMSC of which it does not know where it listens.
    #[error("{bind}: its embedded SMSC is not started")]
    NoHost {
        /// The bind.
        bind: BindId,
    },
    /// The router shuts down, or is gone.
    #[error("the router shuts down")]
    ShuttingDown,
}

/// What one bind should do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Order {
    /// Returns what waits, finishes what is in flight, unbinds, and stays away until it is resumed.
    Pause,
    /// Connects again.
    Resume,
    /// As a pause, for good; what is in flight after the time is unknown.
    Drain {
        /// How long that may take.
        grace: Duration,
    },
}

impl Order {
    /// One lower-case word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Drain { .. } => "drain",
        }
    }
}

/// Tells one bind what to do.
#[derive(Clone, Debug)]
pub struct OrderBind {
    /// The bind.
    pub bind: BindId,
    /// What it should do.
    pub order: Order,
}

impl Message for OrderBind {
    type Result = Result<(), BindError>;
}

/// Why a bind was not told.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// No bind of this name is there, or it has stopped.
    #[error("no bind {bind} is running")]
    NoBind {
        /// The name.
        bind: BindId,
    },
    /// The router shuts down, or is gone.
    #[error("the router shuts down")]
    ShuttingDown,
}

impl Handler<Apply> for Router {
    type Result = Result<Applied, ApplyError>;

    fn handle(&mut self, Apply(settings): Apply, _: &mut Context<Self>) -> Self::Result {
        self.core.borrow_mut().apply(settings)
    }
}

impl Handler<OrderBind> for Router {
    type Result = Result<(), BindError>;

    fn handle(&mut self, OrderBind { bind, order }: OrderBind, _: &mut Context<Self>) -> Self::Result {
        self.core.borrow_mut().order(&bind, order)
    }
}

impl Core {
    fn order(&mut self, bind: &BindId, order: Order) -> Result<(), BindError> {
        if self.closing.is_some() {
            return Err(BindError::ShuttingDown);
        }
        let now = self.now();
        let gone = || BindError::NoBind { bind: bind.clone() };
        let (_, member) = self.binds.by_name_mut(bind.as_str()).ok_or_else(gone)?;
        let control = match order {
            Order::Pause => {
                member.paused = true;
                Control::Pause
            }
            Order::Resume => {
                member.paused = false;
                Control::Resume
            }
            Order::Drain { grace } => {
                member.fate = Fate::Drained;
                Control::Drain {
                    deadline: deadline_after(now, grace),
                }
            }
        };
        info!(%bind, order = order.name(), "order");
        let address = member.address().ok_or_else(gone)?;
        // A bind whose actor died in this moment is started again, and has nothing to finish.
        address.control().do_send(control);
        Ok(())
    }

    fn apply(&mut self, mut settings: Settings) -> Result<Applied, ApplyError> {
        if self.closing.is_some() {
            return Err(ApplyError::ShuttingDown);
        }
        settings.check()?;
        if let Some((name, _)) = settings.binds.iter().find(|(_, bind)| !bind.has_peer()) {
            let bind = name.as_str().into();
            return Err(ApplyError::NoHost { bind });
        }
        settings.share_equal(&self.settings);
        let before = std::mem::replace(&mut self.settings, Arc::new(settings));
        let mut applied = Applied::default();
        self.apply_limits(&before, &mut applied);
        self.apply_budgets(&before, &mut applied);
        let waiting = self.apply_routes(&before);
        self.apply_binds(&mut applied);
        self.take_back(None, waiting);
        info!(
            added = applied.added.len(),
            removed = applied.removed.len(),
            replaced = applied.replaced.len(),
            retuned = applied.retuned.len(),
            "other settings"
        );
        Ok(applied)
    }

    /// The router's own limits. What is not named here is read where it is used.
    fn apply_limits(&mut self, before: &Settings, applied: &mut Applied) {
        let (before_log, before) = (&before.log, &before.router);
        let now = &self.settings.router;
        self.binds.governor.govern(now.into());
        self.dispatcher.set_capacity(now.backlog_capacity);
        self.dispatcher.set_lane_capacity(now.backlog_per_route);
        self.books.grow(now.queue_capacity);
        self.preparer.configure(&self.settings);
        for account in self.accounts.values() {
            account.inbox.set_limits(now.join_limits());
            account.receipts.set_limits(now.receipt_limits());
        }
        let mut restart = |key: &str, is_needed: bool| {
            if is_needed {
                applied.needs_restart.push(key.to_owned());
            }
        };
        restart(
            "router.queue_capacity",
            now.queue_capacity < before.queue_capacity,
        );
        restart("log", self.settings.log != *before_log);
    }

    fn apply_budgets(&mut self, before: &Settings, applied: &mut Applied) {
        let now = self.now();
        for (name, budget) in &self.settings.budgets {
            if before.budgets.get(name) == Some(budget) {
                continue;
            }
            applied.budgets.push(name.clone());
            match self.binds.budgets.get(name) {
                Some(shared) => {
                    // Nothing panics while the lock is held.
                    let mut shared = shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    shared.set_rate(Some(budget.limit()), now);
                }
                None => {
                    let budget = Budget::shared(Some(budget.limit()), now);
                    self.binds.budgets.insert(name.clone(), budget);
                }
            }
        }
        let budgets = &self.settings.budgets;
        self.binds.budgets.retain(|name, _| budgets.contains_key(name));
    }

    fn apply_binds(&mut self, applied: &mut Applied) {
        let now = self.now();
        let settings = self.settings.clone();
        let deadline = now + settings.router.shutdown_grace;
        let running: Vec<_> = self
            .binds
            .iter()
            .map(|(key, member)| (key, member.id.clone()))
            .collect();
        for (key, id) in running {
            match settings.binds.get(id.as_str()) {
                Some(wanted) => self.change_bind(key, wanted, deadline, applied),
                None => {
                    self.end_bind(key, Fate::Removed, deadline);
                    applied.removed.push(id);
                }
            }
        }
        // Of those that stay down only what is still wanted is shown, and other settings are a new chance.
        let wanted = |id: &BindId| settings.binds.get(id.as_str());
        // One that was drained a moment ago has no new burst when it comes back.
        let stopped = self.binds.stopped.iter();
        let mut stopped: BTreeMap<BindId, Arc<Standing>> = stopped
            .map(|member| (member.id.clone(), member.standing.clone()))
            .collect();
        self.binds
            .stopped
            .retain(|member| wanted(&member.id).is_some_and(|settings| *settings == member.settings));
        applied
            .unchanged
            .extend(self.binds.stopped.iter().map(|member| member.id.clone()));
        for (name, bind) in &settings.binds {
            let id = BindId::from(name.as_str());
            let is_stopped = self.binds.stopped.iter().any(|member| member.id == id);
            if !is_stopped && self.binds.by_name_mut(name).is_none() {
                let unspent = stopped.remove(&id).and_then(|before| before.take_unspent());
                let past = Past {
                    standing: Standing::new(unspent).into(),
                    ..Past::default()
                };
                self.add_bind(id.clone(), bind.clone(), past, now);
                applied.added.push(id);
            }
        }
    }

    fn change_bind(
        &mut self,
        key: BindKey,
        wanted: &Arc<BindSettings>,
        deadline: std::time::Instant,
        applied: &mut Applied,
    ) {
        let Some(member) = self.binds.get_mut(key) else {
            return;
        };
        let id = member.id.clone();
        let stays = matches!(member.fate, Fate::Stays | Fate::Drained);
        if stays && member.settings == *wanted {
            return applied.unchanged.push(id);
        }
        let settings = wanted.clone();
        if matches!(member.fate, Fate::Stays) && member.settings.is_retuned_to(wanted) {
            member.settings = settings.clone();
            if let Some(address) = member.address() {
                // One whose actor died in this moment starts with the new settings.
                address.retune().do_send(Retune(settings));
            }
            return applied.retuned.push(id);
        }
        let account = AccountId::new(wanted.account_or(id.as_str()));
        if member.settings.message_ids != wanted.message_ids
            && let Some(known) = self.accounts.get(&account)
        {
            known.receipts.set_rules(wanted.message_ids.rules());
        }
        self.end_bind(key, Fate::Replaced(settings), deadline);
        applied.replaced.push(id);
    }

    /// A bind ends, and what comes after it is known.
    fn end_bind(&mut self, key: BindKey, fate: Fate, deadline: std::time::Instant) {
        let now = self.now();
        self.dispatcher.set_open(key, false, now);
        // What has a seat goes out before the bind is told to take no more.
        self.flush();
        let Some(member) = self.binds.get_mut(key) else {
            return;
        };
        member.fate = fate;
        match member.address() {
            Some(address) => address.control().do_send(Control::Drain { deadline }),
            // Its actor has just ended; whoever watches it finds that in a moment.
            None => member.phase = Phase::Stopped,
        }
    }
}
