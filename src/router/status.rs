//! How the router and its binds are. Costs nothing while nobody asks.

use std::future::Future;
use std::pin::Pin;
use std::time::Instant;

use actix::Message;
use futures_util::{StreamExt, stream};

use super::binds::{Account, Member};
use super::core::Core;
use super::{Books, Totals};
use crate::bind::messages::{BindCounters, BindStatus, GetBindStatus};
use crate::events::InboxSizes;
use crate::sm::CorrelatorCounters;
use crate::submit::AccountId;

/// So many binds are asked at a time: with thousands, questions take more memory than answers.
const ASKED_AT_ONCE: usize = 64;

/// How is everything?
#[derive(Clone, Copy, Debug)]
pub struct GetStatus;

impl Message for GetStatus {
    type Result = Status;
}

/// How everything is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Status {
    /// The binds, by name.
    pub binds: Vec<BindStatus>,
    /// The accounts, by name.
    pub accounts: Vec<AccountStatus>,
    /// Messages that wait for a bind.
    pub waiting: usize,
    /// Permits in all.
    pub permits: usize,
    /// Permits that are free.
    pub permits_free: usize,
    /// How messages ended so far.
    pub totals: Totals,
    /// True when no more messages are taken.
    pub shutting_down: bool,
}

/// What is kept for an account.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct AccountStatus {
    /// Its name.
    pub account: AccountId,
    /// Messages whose receipts are owed, or that are remembered.
    pub receipts_owed: usize,
    /// Receipts that wait for their message.
    pub receipts_parked: usize,
    /// Its receipts so far, and what became of them.
    pub receipts: CorrelatorCounters,
    /// Its messages from phones.
    pub inbox: InboxSizes,
}

impl Status {
    /// What is left to know when the router is gone.
    pub(crate) fn of_the_dead(books: &Books) -> Self {
        Self {
            binds: Vec::new(),
            accounts: Vec::new(),
            waiting: 0,
            permits: books.capacity(),
            permits_free: books.free(),
            totals: books.totals(),
            shutting_down: true,
        }
    }
}

impl Core {
    /// Asks the binds and puts their answers together.
    pub(super) fn status(&self, now: Instant) -> Pin<Box<dyn Future<Output = Status>>> {
        let live = self.binds.iter().map(|(_, member)| member);
        let members = live.chain(&self.binds.stopped);
        let ask = |member: &Member| member.address().map(|address| address.status());
        // Thousands of them: neither table grows.
        let count = self.binds.len() + self.binds.stopped.len();
        let (mut askable, mut binds) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for member in members {
            askable.push(ask(member));
            binds.push(last_known(member, now));
        }
        let mut status = Status {
            binds,
            accounts: self.accounts.iter().map(account).collect(),
            waiting: self.dispatcher.waiting(),
            permits: self.books.capacity(),
            permits_free: self.books.free(),
            totals: self.books.totals(),
            shutting_down: self.closing.is_some(),
        };
        Box::pin(async move {
            let asked = askable
                .into_iter()
                .map(|bind| async move { bind?.send(GetBindStatus).await.ok() });
            let mut answers = stream::iter(asked).buffered(ASKED_AT_ONCE);
            for known in &mut status.binds {
                if let Some(Some(answer)) = answers.next().await {
                    *known = answer;
                }
            }
            status
                .binds
                .sort_unstable_by(|one, other| one.bind.cmp(&other.bind));
            status
        })
    }
}

fn account((name, account): (&AccountId, &Account)) -> AccountStatus {
    let (receipts_owed, receipts_parked) = account.receipts.sizes();
    AccountStatus {
        account: name.clone(),
        receipts_owed,
        receipts_parked,
        receipts: account.receipts.counters(),
        inbox: account.inbox.sizes(),
    }
}

/// What the router knows of a bind that cannot be asked.
fn last_known(member: &Member, now: Instant) -> BindStatus {
    BindStatus {
        bind: member.id.clone(),
        account: member.account.clone(),
        phase: member.phase,
        cause: member.cause,
        since: now.saturating_duration_since(member.since),
        window: member.settings.window,
        in_flight: 0,
        in_flight_max: 0,
        waiting: 0,
        unanswered: 0,
        counters: BindCounters::default(),
    }
}
