//! Which lane a message waits in: that of its bind, of its account, of its route, or of all binds.

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::core::Core;
use crate::dispatch::{
    BindKey, Dispatcher, LaneKey, MostRoom, Only, RoundRobin, Routes, Sticky, Strategy, Tiers, Traits,
    Weighted,
};
use crate::settings::{BindSettings, RouteStrategy, Settings};
use crate::submit::{Job, MessageClass, Parties, RouteId};

/// Makes the strategy of a route.
pub type MakeStrategy = Arc<dyn Fn() -> Box<dyn Strategy> + Send + Sync>;

/// Strategies of routes that a program brings along, in the place of those of the settings.
pub type Strategies = BTreeMap<RouteId, MakeStrategy>;

/// What sticky routes rank by, the same in every process.
const SEED: u64 = 0x5EED;

/// The routes and their lanes.
pub(super) struct Lanes {
    /// The lane of messages that any bind may take.
    any: LaneKey,
    routes: BTreeMap<RouteId, LaneKey>,
    table: Routes<RouteId>,
    /// Lanes in which it matters what belongs together.
    sticky: Vec<LaneKey>,
    strategies: Strategies,
}

/// What the table of these settings knows routes by.
pub(super) fn table(settings: &Settings) -> Routes<RouteId> {
    let routes = settings.routes.iter();
    Routes::new(routes.map(|(name, route)| (name.as_str().into(), route.conditions())))
}

/// What routes are chosen by.
pub(super) fn traits<'m>(parties: &'m Parties<'_>, class: Option<&'m MessageClass>) -> Traits<'m> {
    Traits {
        destination: &parties.destination,
        source: &parties.source,
        class: class.map(MessageClass::as_str),
    }
}

impl Lanes {
    /// The lanes of the routes of these settings, which no bind serves as yet.
    pub(super) fn new(
        settings: &Settings,
        strategies: Strategies,
        dispatcher: &mut Dispatcher<Box<Job>>,
    ) -> Self {
        let mut lanes = Self {
            any: dispatcher.add_lane(Box::new(MostRoom::new())),
            routes: BTreeMap::new(),
            table: Routes::default(),
            sticky: Vec::new(),
            strategies,
        };
        lanes.add_routes(settings, dispatcher);
        lanes
    }

    fn add_routes(&mut self, settings: &Settings, dispatcher: &mut Dispatcher<Box<Job>>) {
        self.table = table(settings);
        for (name, route) in &settings.routes {
            let id = RouteId::from(name.as_str());
            let own = self.strategies.get(&id);
            let lane = dispatcher.add_lane(match own {
                Some(make) => make(),
                None => usual(route.strategy),
            });
            if own.is_some() || route.strategy == RouteStrategy::Sticky {
                self.sticky.push(lane);
            }
            self.routes.insert(id, lane);
        }
    }

    /// Takes the lanes of all routes away; what waits there comes out.
    fn remove_routes(&mut self, dispatcher: &mut Dispatcher<Box<Job>>) -> Vec<Box<Job>> {
        self.sticky.clear();
        let routes = std::mem::take(&mut self.routes).into_values();
        routes.flat_map(|lane| dispatcher.remove_lane(lane)).collect()
    }

    /// The route of a message that names none, and the beginning of its destination by which it was found.
    pub(super) fn found<'m>(&self, traits: Traits<'m>) -> Option<(&RouteId, &'m str)> {
        self.table.find(traits)
    }

    /// True when messages that name no route may take any bind.
    pub(super) const fn are_open(&self) -> bool {
        self.table.is_empty()
    }

    /// The lane of a route.
    pub(super) fn of(&self, route: &RouteId) -> Option<LaneKey> {
        self.routes.get(route).copied()
    }

    /// The lane of all binds.
    pub(super) const fn any(&self) -> LaneKey {
        self.any
    }

    /// The lanes that messages take which name no bind: those of routes, and that of all binds where it is open.
    pub(super) fn all(&self) -> impl Iterator<Item = LaneKey> {
        let any = self.are_open().then_some(self.any);
        self.routes.values().copied().chain(any)
    }

    /// The number of those that a message belongs together with, where its lane wants to know.
    pub(super) fn affinity<'m>(
        &self,
        lane: LaneKey,
        given: Option<u64>,
        parties: impl FnOnce() -> Parties<'m>,
    ) -> u64 {
        if self.sticky.is_empty() || !self.sticky.contains(&lane) {
            return 0;
        }
        given.unwrap_or_else(|| {
            let mut hasher = DefaultHasher::new();
            parties().destination.hash(&mut hasher);
            hasher.finish()
        })
    }
}

/// The strategy of that name.
fn usual(strategy: RouteStrategy) -> Box<dyn Strategy> {
    match strategy {
        RouteStrategy::MostRoom => Box::new(MostRoom::new()),
        RouteStrategy::RoundRobin => Box::new(RoundRobin::new()),
        RouteStrategy::Weighted => Box::new(Weighted::new()),
        RouteStrategy::Tiers => Box::new(Tiers::of(|| Box::new(MostRoom::new()))),
        RouteStrategy::Sticky => Box::new(Sticky::new(SEED)),
    }
}

impl Core {
    /// Lets a bind that sends serve all that it may.
    pub(super) fn join_routes(&mut self, key: BindKey, name: &str, settings: &BindSettings) {
        if !settings.mode.sends() {
            return;
        }
        let now = self.now();
        for (id, lane) in &self.lanes.routes {
            let route = self.settings.routes.get(id.as_str());
            if let Some(terms) = route.and_then(|route| route.terms_of(name, settings)) {
                self.dispatcher.join_on(key, *lane, terms, now);
            }
        }
        self.dispatcher.join(key, self.lanes.any, now);
        let account = self
            .accounts
            .iter()
            .find(|(id, _)| id.as_str() == settings.account_or(name));
        if let Some(lane) = account.and_then(|(_, account)| account.lane) {
            self.dispatcher.join(key, lane, now);
        }
    }

    /// Routes are as the settings say now, and binds that are there serve them. What waits comes out: it goes back when the
    /// binds are there that the routes name, and takes the one that is its own then.
    pub(super) fn apply_routes(&mut self, before: &Settings) -> Vec<Box<Job>> {
        if self.settings.routes == before.routes {
            return Vec::new();
        }
        let settings = self.settings.clone();
        // What waits for all binds may have a route now, and the other way round.
        let mut waiting = self
            .dispatcher
            .remove_where(|job| job.bind().is_none() && !job.has_written());
        // None, since what has parts at an SMSC waits in the lane of its account.
        waiting.extend(self.lanes.remove_routes(&mut self.dispatcher));
        self.lanes.add_routes(&settings, &mut self.dispatcher);
        // One that another of its name will follow stands for that, so that what waits is not without a bind meanwhile.
        let next = |id: &str, now: &Arc<BindSettings>| settings.binds.get(id).unwrap_or(now).clone();
        let members: Vec<_> = self
            .binds
            .iter()
            .map(|(key, member)| (key, member.id.clone(), next(member.id.as_str(), &member.settings)))
            .collect();
        let now = self.now();
        for (key, id, bind) in members {
            for (route, lane) in &self.lanes.routes {
                let route = settings.routes.get(route.as_str());
                if let Some(terms) = route.and_then(|route| route.terms_of(id.as_str(), &bind)) {
                    self.dispatcher.join_on(key, *lane, terms, now);
                }
            }
        }
        waiting
    }

    /// The binds that may take a job; none when there is no such route, or no such bind that sends.
    pub(super) fn lane(&mut self, job: &Job) -> Option<LaneKey> {
        if let Some(bind) = job.bind() {
            return self.pin(bind.as_str());
        }
        // What is with an SMSC in part goes on there.
        if job.has_written() {
            // Of several some may be gone by now.
            return job.writers().find_map(|bind| self.account_lane(bind.as_str()));
        }
        match job.route() {
            Some(route) => self.lanes.of(route),
            None if self.lanes.are_open() => Some(self.lanes.any),
            None => {
                let parties = job.parties();
                let (route, _) = self.lanes.found(traits(&parties, job.class()))?;
                self.lanes.of(route)
            }
        }
    }

    /// The lane that one bind alone serves, made when it is first asked for.
    pub(super) fn pin(&mut self, bind: &str) -> Option<LaneKey> {
        let now = self.now();
        let (key, member) = self.binds.by_name_mut(bind)?;
        if !member.settings.mode.sends() {
            return None;
        }
        Some(*member.pin.get_or_insert_with(|| {
            let lane = self.dispatcher.add_narrow_lane(Box::<Only>::default());
            self.dispatcher.join(key, lane, now);
            lane
        }))
    }

    /// The lane of all binds of a bind's account, made when it is first asked for.
    fn account_lane(&mut self, bind: &str) -> Option<LaneKey> {
        let now = self.now();
        let (_, member) = self.binds.by_name_mut(bind)?;
        let account = self.accounts.get_mut(&member.account)?;
        if let Some(lane) = account.lane {
            return Some(lane);
        }
        let strategy = Tiers::of(|| Box::new(MostRoom::new()));
        let lane = self.dispatcher.add_narrow_lane(Box::new(strategy));
        account.lane = Some(lane);
        for (key, other) in self.binds.iter() {
            if other.account == *account.receipts.account() && other.settings.mode.sends() {
                self.dispatcher.join(key, lane, now);
            }
        }
        Some(lane)
    }
}
