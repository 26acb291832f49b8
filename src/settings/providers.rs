//! Binds beside what their providers say, and beside each other: how many, how fast, which receipts.

use std::collections::BTreeMap;

use super::field::Checker;
use super::presets::{PresetFacts, RateScope, TlsNeed};
use super::problem::Mistake;
use super::rule::Bound;
use super::{BindSettings, Settings};

/// Binds with one `system_id` that an SMSC counts together, by where they connect first.
type Groups<'s> = BTreeMap<(&'s str, &'s str), Vec<(&'s String, &'s BindSettings)>>;

/// Where a bind connects first; none while nobody knows, and where the SMSC connects to us.
fn server(bind: &BindSettings) -> Option<&str> {
    let host = bind.hosts.first().map(super::HostPort::host);
    host.or(bind.smsc.as_deref())
}

fn groups(settings: &Settings) -> Groups<'_> {
    let mut groups = Groups::new();
    for (name, bind) in &settings.binds {
        if let Some(server) = server(bind) {
            let group = groups.entry((bind.system_id.as_str(), server)).or_default();
            group.push((name, bind));
        }
    }
    groups
}

/// Checks that there are no more binds than each of them allows.
pub(super) fn check(settings: &Settings, checker: &mut Checker<'_>) {
    for ((system_id, server), group) in groups(settings) {
        let Some(most) = group.iter().filter_map(|(_, bind)| bind.max_binds).min() else {
            continue;
        };
        for (index, (name, _)) in group.iter().enumerate().skip(most) {
            let text = format!(
                "is bind number {} of {system_id:?} at {server}, where {most} are allowed; \
                 take away some, or set a larger max_binds in each if the SMSC takes more",
                index + 1,
            );
            checker.report(format!("binds.{name}.max_binds"), Mistake::Combination(text));
        }
    }
}

/// What goes against what providers say, and against what most do, one line each.
pub(super) fn warnings(settings: &Settings, warn: &mut impl FnMut(&str, &str, String)) {
    for (name, bind) in &settings.binds {
        if let Some(preset) = bind.preset {
            let mut warn = |key: &str, text: String| warn(name, key, format!("{} {text}", preset.provider()));
            alone(bind, preset.facts(), &mut warn);
            together(settings, name, bind, preset.facts(), &mut warn);
        }
    }
    for ((system_id, server), group) in groups(settings) {
        for (index, (name, bind)) in group.iter().enumerate() {
            let mut others = group.iter().take(index);
            let account = bind.account_or(name);
            // A provider that is known to send receipts on any bind is told of by its name.
            let is_told = |other: &BindSettings| other.preset == bind.preset && sends_anywhere(bind);
            let is_apart = |(other, settings): &&(&String, &BindSettings)| {
                settings.hosts.first() == bind.hosts.first()
                    && settings.account_or(other) != account
                    && !is_told(settings)
            };
            if let Some((other, _)) = others.find(is_apart) {
                let text = format!(
                    "is another than that of {other}, which binds as {system_id:?} to {server} too, and receipts may \
                     come on either; give both one account"
                );
                warn(name, "account", text);
            }
        }
    }
}

/// Whether the provider sends receipts on any bind.
fn sends_anywhere(bind: &BindSettings) -> bool {
    let facts = bind.preset.map(super::Preset::facts);
    facts.is_some_and(|facts| facts.receipts_on_any_bind)
}

fn alone(bind: &BindSettings, facts: &PresetFacts, warn: &mut impl FnMut(&str, String)) {
    let tls_port = bind
        .hosts
        .iter()
        .map(super::HostPort::port)
        .find(|port| facts.tls_ports.contains(port));
    if !bind.tls.enabled {
        if facts.tls == Some(TlsNeed::Required) {
            warn("tls.enabled", String::from("takes no connection without TLS"));
        } else if let Some(port) = tls_port {
            warn("tls.enabled", format!("wants TLS at port {port}"));
        }
    }
    if let Some(limit) = facts.idle_limit
        && bind
            .enquire_link_interval
            .is_none_or(|interval| interval >= limit)
    {
        let text = format!("drops a link that is silent for {}", limit.words());
        warn("enquire_link_interval", text);
    }
    if let Some(limit) = facts.answer_within
        && bind.answer_timeout >= limit
    {
        let text = format!("wants its deliveries answered within {}", limit.words());
        warn("answer_timeout", text);
    }
    let length = bind.password.expose().len();
    if let Some(least) = facts.password_min_length
        && length < least
    {
        let text = format!("has passwords of {least} characters and more; this one has {length}");
        warn("password", text);
    }
}

/// A bind beside those before it: the first of them is told nothing.
fn together(
    settings: &Settings,
    name: &str,
    bind: &BindSettings,
    facts: &PresetFacts,
    warn: &mut impl FnMut(&str, String),
) {
    let siblings = || {
        let before = settings.binds.iter().take_while(|(other, _)| *other != name);
        before.filter(|(_, other)| other.system_id == bind.system_id && other.preset == bind.preset)
    };
    if let Some(scope) = facts.rate_scope {
        let counted = |other: &BindSettings| scope == RateScope::Account || server(other) == server(bind);
        let shares = |other: &BindSettings| bind.budget.is_some() && other.budget == bind.budget;
        if let Some((other, _)) = siblings().find(|(_, other)| counted(other) && !shares(other)) {
            let text = format!(
                "counts the rate of all binds {} together; give it and {other} one budget",
                match scope {
                    RateScope::Server => "to a server",
                    RateScope::Account => "of an account",
                },
            );
            warn("budget", text);
        }
    }
    if facts.receipts_on_any_bind {
        let account = bind.account_or(name);
        if let Some((other, _)) = siblings().find(|(name, other)| other.account_or(name) != account) {
            let text = format!("sends receipts on any bind of an account; give it and {other} one account");
            warn("account", text);
        }
    }
}

/// Whether long passwords are what the provider wants.
pub(super) fn wants_long_passwords(bind: &BindSettings) -> bool {
    let facts = bind.preset.map(super::Preset::facts);
    facts.is_some_and(|facts| facts.password_min_length.is_some())
}
