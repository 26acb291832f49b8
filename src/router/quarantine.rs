//! Binds that reject what others accept get nothing for a while.
//!
//! A bind is quarantined when it has rejected [`quarantine_after`] messages in a row, others of its routes accepted
//! some during the second half of these, and each of its routes has another bind that is up: no message waits for want
//! of a bind, and none is kept from the last one there is. What only this bind may take (it was named, or the rest of a
//! long message of which its account has a part) still goes there. After [`quarantine`] it is tried again; each time that this
//! fails the time doubles, up to sixteen times as long.
//!
//! [`quarantine_after`]: crate::settings::RouterSettings::quarantine_after
//! [`quarantine`]: crate::settings::RouterSettings::quarantine

use std::collections::BTreeSet;
use std::time::Instant;

use tracing::{info, warn};

use super::core::Core;
use crate::dispatch::{BindKey, LaneKey};
use crate::events::Alarm;

/// Quarantines grow so often.
const MOST_DOUBLINGS: u32 = 4;

/// What the router makes of how a bind's messages fare. Of most binds there is nothing to know.
#[derive(Debug, Default)]
pub(super) struct Health(Option<Box<Trouble>>);

/// What there is to know of a bind that rejects messages.
#[derive(Debug, Default)]
struct Trouble {
    /// The last look at the others while it rejected: its own rejections in a row, and what they had accepted.
    looked: Option<(u64, u64)>,
    /// When it is tried again.
    until: Option<Instant>,
    /// How often it was quarantined without having accepted anything between.
    times: u32,
}

impl Health {
    pub(super) fn is_quarantined(&self) -> bool {
        self.until().is_some()
    }

    fn until(&self) -> Option<Instant> {
        self.0.as_ref()?.until
    }

    fn trouble(&mut self) -> &mut Trouble {
        self.0.get_or_insert_default()
    }
}

impl Core {
    /// Looks at a bind that has just reported.
    pub(super) fn check_health(&mut self, key: BindKey, now: Instant) {
        let Some(after) = self.settings.router.quarantine_after else {
            return;
        };
        let Some(member) = self.binds.get_mut(key) else {
            return;
        };
        let in_row = member.standing.rejected_in_row();
        if in_row == 0 {
            if member.health.is_quarantined() {
                member.health.trouble().looked = None;
            } else {
                member.health = Health::default();
            }
            return;
        }
        // Looking at the others goes through all binds: twice in a long row, and not for each single refusal.
        let step = (after / 2).max(1);
        let trouble = member.health.trouble();
        let looked = trouble.looked;
        if trouble.until.is_some() || in_row < looked.map_or(step, |(at, _)| at.saturating_add(step)) {
            return;
        }
        let others = self.accepted_beside(key);
        let others_accept = looked.is_some_and(|(_, before)| others > before);
        if in_row >= after && others_accept && self.can_do_without(key) {
            return self.quarantine(key, in_row, now);
        }
        if let Some(member) = self.binds.get_mut(key) {
            member.health.trouble().looked = Some((in_row, others));
        }
    }

    fn quarantine(&mut self, key: BindKey, rejected: u64, now: Instant) {
        let time = self.settings.router.quarantine;
        let Some(member) = self.binds.get_mut(key) else {
            return;
        };
        let trouble = member.health.trouble();
        let time = time.saturating_mul(1 << trouble.times.min(MOST_DOUBLINGS));
        trouble.times += 1;
        // Tried again, its row goes on: what counts is what happens from then on.
        trouble.looked = None;
        trouble.until = Some(now + time);
        let (bind, account) = (member.id.clone(), member.account.clone());
        warn!(%bind, rejected, "rejects what others accept: quarantined");
        self.dispatcher.keep_back(key, true, now);
        self.next_release = self.first_release();
        self.hub
            .alarm(Alarm::Quarantined { bind, rejected }, Some(&account));
    }

    /// Lets binds try again whose time has come, or that are needed.
    pub(super) fn release(&mut self, now: Instant) {
        if self.next_release.is_none() {
            return;
        }
        let quarantined = self
            .binds
            .iter()
            .filter_map(|(key, member)| Some((key, member.health.until()?)));
        let quarantined: Vec<_> = quarantined.collect();
        for (key, until) in quarantined {
            if until > now && self.can_do_without(key) {
                continue;
            }
            if let Some(member) = self.binds.get_mut(key) {
                member.health.trouble().until = None;
                info!(bind = %member.id, "quarantine is over");
                self.dispatcher.keep_back(key, false, now);
            }
        }
        self.next_release = self.first_release();
    }

    fn first_release(&self) -> Option<Instant> {
        let ends = self.binds.iter().filter_map(|(_, member)| member.health.until());
        ends.min()
    }

    /// The lanes of a bind in which others may be.
    fn shared_lanes(&self, key: BindKey) -> Vec<LaneKey> {
        let serves = |lane: &LaneKey| self.dispatcher.members(*lane).any(|(other, _)| other == key);
        self.lanes.all().filter(serves).collect()
    }

    /// What the other binds of its routes have accepted.
    fn accepted_beside(&self, key: BindKey) -> u64 {
        let lanes = self.shared_lanes(key);
        let others: BTreeSet<_> = lanes
            .iter()
            .flat_map(|lane| self.dispatcher.members(*lane))
            .map(|(other, _)| other)
            .filter(|other| *other != key)
            .collect();
        let accepted = others.into_iter().filter_map(|other| self.binds.get(other));
        accepted.map(|member| member.standing.accepted()).sum()
    }

    /// True when each of its routes has another bind that is up.
    fn can_do_without(&self, key: BindKey) -> bool {
        let another = |lane: &LaneKey| {
            let mut members = self.dispatcher.members(*lane);
            members.any(|(other, view)| other != key && view.open)
        };
        let lanes = self.shared_lanes(key);
        !lanes.is_empty() && lanes.iter().all(another)
    }
}
