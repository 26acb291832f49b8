//! The settings and the SMSCs of a seed.

use std::time::Duration;

use bindery::settings::{
    BindSettings, BudgetSettings, Mode, RouteSettings, RouteStrategy, Settings, TermSettings,
};
use bindery::smsc::{Behaviour, Limits, MemoryNetwork, Script, Smsc, Step};
use fastrand::Rng;

use crate::oddities;

/// Everything that a run starts with.
pub(crate) struct World {
    pub(crate) network: MemoryNetwork,
    pub(crate) smscs: Vec<Smsc>,
    /// What happens to each SMSC.
    pub(crate) scripts: Vec<Script>,
    pub(crate) settings: Settings,
    /// When the last misfortune is over.
    pub(crate) over: Duration,
}

pub(crate) fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

pub(crate) fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// True with this chance.
pub(crate) fn chance(random: &mut Rng, share: f64) -> bool {
    random.f64() < share
}

impl World {
    pub(crate) fn of_seed(seed: u64, random: &mut Rng) -> Self {
        let network = MemoryNetwork::new();
        let over = secs(random.u64(10..90));
        let mut settings = Settings::default();
        settings.router.validity = chance(random, 0.3).then(|| secs(random.u64(5..600)));
        settings.router.queue_capacity = random.usize(5..300);
        settings.router.backlog_capacity = random.usize(5..300);
        // Of a series of its own: what came before it in the world stays as it was.
        let mut shares = Rng::with_seed(!seed);
        settings.router.backlog_per_route = chance(&mut shares, 0.3).then(|| shares.usize(3..100));
        let (mut smscs, mut scripts, mut names) = (Vec::new(), Vec::new(), Vec::new());
        let hosts = ["a", "b", "c"];
        for (index, host) in hosts.into_iter().take(random.usize(1..4)).enumerate() {
            let seed = seed.wrapping_mul(31) ^ index as u64;
            let mut behaviour = behaviour(random);
            if chance(random, 0.4) {
                behaviour.faults = oddities::faults(random);
            }
            let faults = Step::Faults(Box::new(behaviour.faults.clone()));
            let smsc = Smsc::in_memory(behaviour, seed);
            network.add(host, &smsc);
            smscs.push(smsc);
            let misfortunes = random.usize(0..6);
            let script = Script::by_chance(seed, misfortunes, over, secs(20));
            scripts.push(script.at(Duration::ZERO, faults));
            let budget = chance(random, 0.4).then(|| host.to_owned());
            if let Some(budget) = &budget {
                let rate = 0.5 + random.f64() * 60.0;
                let mut budget_settings = BudgetSettings::new(rate);
                budget_settings.burst = chance(random, 0.3).then(|| random.u64(1..20) as f64);
                settings.budgets.insert(budget.clone(), budget_settings);
            }
            for number in 1..=random.usize(1..4) {
                let name = format!("{host}-{number}");
                let bind = bind(random, host, &name, budget.clone());
                names.push(name.clone());
                settings = settings.bind(name.as_str(), bind);
            }
        }
        settings = settings.route("some", route(random, &names));
        if chance(random, 0.4) {
            // Those that name no route take one of these.
            let us = route(random, &names).destination("1");
            settings = settings.route("us", us);
            let rest = route(random, &names).destination("");
            settings = settings.route("rest", rest);
        }
        Self {
            network,
            smscs,
            scripts,
            settings,
            over,
        }
    }

    /// All of it, for people.
    pub(crate) fn describe(&self) -> String {
        let settings = &self.settings;
        let mut text = format!(
            "budgets: {:?}\nroutes: {:?}\nrouter: {:?}\n",
            settings.budgets, settings.routes, settings.router
        );
        for (name, bind) in &settings.binds {
            text.push_str(&format!(
                "{name}: window {}, rate {:?} burst {:?} budget {:?}, responses {:?}, enquire_link {:?} {:?}, \
                 write {:?}, bind {:?}, account {:?}, {:?}\n",
                bind.window,
                bind.rate,
                bind.burst,
                bind.budget,
                bind.response_timeout,
                bind.enquire_link_interval,
                bind.enquire_link_timeout,
                bind.write_timeout,
                bind.bind_timeout,
                bind.account,
                bind.mode,
            ));
        }
        for (smsc, script) in self.smscs.iter().zip(&self.scripts) {
            let behaviour = smsc.behaviour();
            let (delay, jitter, pipe) = (behaviour.delay, behaviour.jitter, behaviour.limits.pipe);
            text.push_str(&format!(
                "SMSC: delay {delay:?} to {jitter:?} more, pipe {pipe}\n"
            ));
            for (at, step) in script.steps() {
                text.push_str(&format!("  {at:?} {step:?}\n"));
            }
        }
        text
    }
}

/// A route over half of the binds.
fn route(random: &mut Rng, names: &[String]) -> RouteSettings {
    let mut names = names.to_vec();
    random.shuffle(&mut names);
    names.truncate(names.len().div_ceil(2));
    let strategies = [
        RouteStrategy::MostRoom,
        RouteStrategy::RoundRobin,
        RouteStrategy::Weighted,
        RouteStrategy::Tiers,
        RouteStrategy::Sticky,
    ];
    let terms = TermSettings::default()
        .weight(random.u32(1..5))
        .tier(random.u16(0..2));
    let first = names[0].clone();
    let strategy = random.choice(strategies).unwrap_or_default();
    RouteSettings::new(names).strategy(strategy).term(first, terms)
}

fn behaviour(random: &mut Rng) -> Behaviour {
    Behaviour {
        delay: millis(random.u64(0..100)),
        jitter: millis(random.u64(0..100)),
        limits: Limits {
            // Small ones fill, and then messages are written in part or not at all.
            pipe: random.choice([150, 600, 65_536, 65_536]).unwrap_or(65_536),
            ..Limits::default()
        },
        witness: true,
        ..Behaviour::default()
    }
}

/// Any bind.
pub(crate) fn bind(random: &mut Rng, host: &str, name: &str, budget: Option<String>) -> BindSettings {
    let mut bind = BindSettings::new(format!("{host}:2775").as_str(), name, "secret")
        .window(random.choice([1_usize, 2, 5, 10, 20]).unwrap_or(1))
        .response_timeout(secs(random.u64(1..12)))
        .enquire_link_interval(secs(random.u64(2..10)))
        .enquire_link_timeout(secs(random.u64(1..5)))
        .write_timeout(secs(random.u64(2..10)))
        .bind_timeout(secs(random.u64(1..8)))
        .backoff_max(secs(random.u64(1..20)))
        .stable_after(secs(random.u64(1..20)));
    if chance(random, 0.7) {
        // Binds of one account may finish each other's long messages.
        bind = bind.account(host);
    }
    if chance(random, 0.4) {
        bind = bind.rate(0.5 + random.f64() * 30.0);
        if chance(random, 0.3) {
            bind = bind.burst(random.u64(1..10) as f64);
        }
    }
    if let Some(budget) = budget {
        bind = bind.budget(budget);
    }
    if chance(random, 0.15) {
        bind = bind.mode(Mode::Transmitter);
    }
    bind
}
