//! What an operator does meanwhile: binds are paused, resumed and drained, and settings change.

use std::fmt;
use std::time::Duration;

use bindery::esme::Esme;
use bindery::settings::Settings;
use fastrand::Rng;
use tokio::time::{Instant, sleep_until};

use crate::world::{bind, chance, secs};

#[derive(Clone)]
pub(crate) enum Order {
    Pause(String),
    Resume(String),
    Drain(String, Duration),
    Apply(Box<Settings>),
    /// Takes a message back.
    Cancel(u64),
}

/// Orders in the order of their times. In the end every bind that is left may send.
pub(crate) fn orders(
    random: &mut Rng,
    settings: &Settings,
    over: Duration,
    messages: u64,
) -> Vec<(Duration, Order)> {
    let mut orders = Vec::new();
    let mut settings = settings.clone();
    let mut at = Duration::ZERO;
    for _ in 0..random.usize(0..6) {
        at += (over - at).mul_f64(random.f64());
        let names: Vec<&String> = settings.binds.keys().collect();
        let Some(name) = random.choice(names).cloned() else {
            break;
        };
        let order = match random.u8(0..10) {
            0..3 => {
                let until = at + (over - at).mul_f64(random.f64());
                orders.push((until, Order::Resume(name.clone())));
                Order::Pause(name)
            }
            3 => Order::Drain(name, secs(random.u64(0..10))),
            _ => {
                change(random, &mut settings);
                Order::Apply(Box::new(settings.clone()))
            }
        };
        orders.push((at, order));
    }
    for _ in 0..random.usize(0..30) {
        let at = over.mul_f64(random.f64());
        orders.push((at, Order::Cancel(random.u64(1..=messages))));
    }
    let names = settings.binds.keys();
    orders.extend(names.map(|name| (over, Order::Resume(name.clone()))));
    orders.sort_by_key(|(at, _)| *at);
    orders
}

/// Other limits, another bind, or one less.
fn change(random: &mut Rng, settings: &mut Settings) {
    let names: Vec<String> = settings.binds.keys().cloned().collect();
    let Some(name) = random.choice(&names) else { return };
    match random.u8(0..8) {
        0 if names.len() > 1 => {
            settings.binds.remove(name);
            for route in settings.routes.values_mut() {
                route.binds.retain(|other| other != name);
                route.terms.remove(name);
            }
            settings.routes.retain(|_, route| !route.binds.is_empty());
        }
        1 => {
            let host = &name[..1];
            let new = format!("{host}-{}", names.len() + 10);
            let other = bind(random, host, &new, settings.binds[name].budget.clone());
            settings.binds.insert(new, other.into());
        }
        2 => {
            for budget in settings.budgets.values_mut() {
                budget.rate = 0.5 + random.f64() * 60.0;
            }
        }
        3 => {
            // Only a new session can have it.
            let bind = settings.bind_mut(name).expect("it is there");
            bind.response_timeout = secs(random.u64(1..12));
        }
        _ => {
            let bind = settings.bind_mut(name).expect("it is there");
            bind.window = random.usize(1..20);
            if bind.rate.is_some() && chance(random, 0.7) {
                bind.rate = Some(0.5 + random.f64() * 30.0);
            }
        }
    }
}

/// Gives the orders; gives back the settings that were in force one after another.
pub(crate) async fn give(esme: Esme, orders: Vec<(Duration, Order)>, first: Settings) -> Vec<Settings> {
    let start = Instant::now();
    let mut settings = vec![first];
    for (at, order) in orders {
        sleep_until(start + at).await;
        match order {
            // It may be gone; that is what the answer says.
            Order::Pause(bind) => drop(esme.pause(bind).await),
            Order::Resume(bind) => drop(esme.resume(bind).await),
            Order::Drain(bind, grace) => drop(esme.drain(bind, grace).await),
            // The outcome of the message tells whether it was there.
            Order::Cancel(number) => drop(esme.cancel(number).await),
            Order::Apply(wanted) => {
                let applied = esme.apply((*wanted).clone()).await;
                if !esme.is_closing() {
                    applied.expect("settings that can be used");
                }
                settings.push(*wanted);
            }
        }
    }
    settings
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pause(bind) => write!(f, "pause {bind}"),
            Self::Cancel(number) => write!(f, "cancel {number}"),
            Self::Resume(bind) => write!(f, "resume {bind}"),
            Self::Drain(bind, grace) => write!(f, "drain {bind} within {grace:?}"),
            Self::Apply(settings) => {
                let binds = settings.binds.iter().map(|(name, bind)| {
                    let (window, rate, timeout) = (bind.window, bind.rate, bind.response_timeout);
                    format!("{name}: {window} {rate:?} {timeout:?}")
                });
                let budgets = settings.budgets.iter();
                let budgets = budgets.map(|(name, budget)| format!("{name}: {}", budget.rate));
                write!(
                    f,
                    "apply {:?} {:?}",
                    binds.collect::<Vec<_>>(),
                    budgets.collect::<Vec<_>>()
                )
            }
        }
    }
}
