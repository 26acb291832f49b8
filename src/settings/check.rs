//! What single values cannot tell: references between tables, and values that cannot be together.

use std::collections::BTreeMap;

use super::field::Checker;
use super::problem::{Mistake, nearest};
use super::rule::Bound;
use super::{BindSettings, Mode, RouteSettings, Settings, SmscSettings, TlsSettings, providers, tlvs};
use crate::pdu::InterfaceVersion;

/// Checks the settings as a whole; every value alone is in order.
pub(super) fn combinations(settings: &Settings, checker: &mut Checker<'_>) {
    for (name, bind) in &settings.binds {
        check_bind(&format!("binds.{name}"), bind, settings, checker);
    }
    for (name, route) in &settings.routes {
        check_route(&format!("routes.{name}"), route, settings, checker);
    }
    check_ties(&settings.routes, checker);
    for (name, smsc) in &settings.smsc {
        check_smsc(&format!("smsc.{name}"), smsc, checker);
    }
    check_listeners(&settings.smsc, checker);
    tlvs::check(settings, checker);
    providers::check(settings, checker);
}

fn check_bind(path: &str, bind: &BindSettings, settings: &Settings, checker: &mut Checker<'_>) {
    let key = |key: &str| format!("{path}.{key}");

    match (&bind.smsc, bind.hosts.is_empty()) {
        _ if bind.outbind_listen.is_some() => {
            if bind.smsc.is_some() || !bind.hosts.is_empty() {
                checker.report(key("outbind_listen"), one_of(["outbind_listen", "hosts"]));
            }
            if bind.tls.enabled {
                combination(
                    checker,
                    key("tls.enabled"),
                    "an SMSC that says outbind connects without TLS",
                );
            }
        }
        (None, true) => checker.refuse(
            key("hosts"),
            String::from(
                "a list of host:port in quotes, such as [\"smpp1.example:2775\"]; or host with port",
            ),
            Some(String::from("[]")),
        ),
        (Some(_), false) => checker.report(key("smsc"), one_of(["smsc", "hosts"])),
        (Some(smsc), true) => {
            require(key("smsc"), "embedded SMSC", smsc, &settings.smsc, checker);
            if let Some(encrypts) = settings.smsc.get(smsc).map(|smsc| smsc.tls.enabled)
                && encrypts != bind.tls.enabled
            {
                let text = format!("must be {encrypts}, as tls.enabled of the SMSC {smsc:?} is");
                combination(checker, key("tls.enabled"), &text);
            }
        }
        (None, false) => {}
    }
    if let Some(budget) = &bind.budget {
        require(key("budget"), "budget", budget, &settings.budgets, checker);
    }
    if bind.burst.is_some() && bind.rate.is_none() {
        combination(
            checker,
            key("burst"),
            "needs a rate; without one there is no limit to burst over",
        );
    }

    let texts = [
        ("system_id", bind.system_id.as_str()),
        ("password", bind.password.expose()),
        ("system_type", &bind.system_type),
        ("address_range", &bind.address_range),
    ];
    for (name, text) in texts {
        if !text
            .chars()
            .all(|character| character.is_ascii() && !character.is_control())
        {
            combination(
                checker,
                key(name),
                "must be of ASCII characters without line breaks: nothing else passes the wire",
            );
        }
    }
    let lengths = [
        ("system_id", bind.system_id.len(), bind.system_id_max_length),
        ("password", bind.password.expose().len(), bind.password_max_length),
    ];
    for (name, length, most) in lengths {
        if length > most {
            combination(
                checker,
                key(name),
                &format!(
                    "has {length} characters where {most} are allowed; set {name}_max_length = {length} if the SMSC takes it"
                ),
            );
        }
    }

    check_tls(&key("tls"), &bind.tls, checker);

    if bind.backoff_initial > bind.backoff_max {
        combination(
            checker,
            key("backoff_initial"),
            &format!(
                "{} is more than backoff_max, which is {}",
                bind.backoff_initial.words(),
                bind.backoff_max.words(),
            ),
        );
    }
    if bind.backoff_min > bind.backoff_max {
        combination(
            checker,
            key("backoff_min"),
            &format!(
                "{} is more than backoff_max, which is {}",
                bind.backoff_min.words(),
                bind.backoff_max.words(),
            ),
        );
    }
    if let (Some(inactivity), Some(interval)) = (bind.inactivity_timeout, bind.enquire_link_interval)
        && inactivity <= interval
    {
        combination(
            checker,
            key("inactivity_timeout"),
            &format!(
                "{} must be more than enquire_link_interval, which is {}: a quiet link would be dropped unasked",
                inactivity.words(),
                interval.words(),
            ),
        );
    }
}

fn check_tls(path: &str, tls: &TlsSettings, checker: &mut Checker<'_>) {
    let key = |key: &str| format!("{path}.{key}");
    check_own_certificate(
        path,
        tls.enabled,
        tls.certificate_file.as_ref(),
        tls.key_file.as_ref(),
        checker,
    );
    if tls.dangerously_accept_any_certificate && tls.ca_file.is_some() {
        combination(
            checker,
            key("dangerously_accept_any_certificate"),
            "trusts everybody, so ca_file has no use; leave out one of them",
        );
    }
    if !tls.pinned_sha256.is_empty() {
        if tls.dangerously_accept_any_certificate {
            combination(
                checker,
                key("dangerously_accept_any_certificate"),
                "trusts everybody, so pinned_sha256 has no use; leave out one of them",
            );
        }
        if tls.ca_file.is_some() {
            combination(
                checker,
                key("ca_file"),
                "has no use, because pinned_sha256 counts instead of authorities; leave out one of them",
            );
        }
    }
}

/// What both sides need.
fn check_own_certificate(
    path: &str,
    enabled: bool,
    certificate: Option<&String>,
    key: Option<&String>,
    checker: &mut Checker<'_>,
) {
    let path = |key: &str| format!("{path}.{key}");
    if enabled && !cfg!(feature = "tls") {
        combination(checker, path("enabled"), "needs a build with the feature `tls`");
    }
    if certificate.is_some() != key.is_some() {
        let (has, lacks) = match key {
            None => ("certificate_file", "key_file"),
            Some(_) => ("key_file", "certificate_file"),
        };
        combination(checker, path(has), &format!("needs {lacks} beside it"));
    }
}

fn check_route(path: &str, route: &RouteSettings, settings: &Settings, checker: &mut Checker<'_>) {
    let key = |key: &str| format!("{path}.{key}");
    if route.binds.is_empty() && route.accounts.is_empty() {
        let allowed = String::from("a list of binds, such as [\"a-1\", \"a-2\"], unless there are accounts");
        checker.report(key("binds"), Mistake::Missing { allowed });
    }
    let accounts: BTreeMap<String, ()> = settings
        .binds
        .iter()
        .map(|(name, bind)| (bind.account_or(name).to_owned(), ()))
        .collect();
    for name in &route.accounts {
        require(key("accounts"), "account", name, &accounts, checker);
    }
    for name in route.terms.keys() {
        if require(
            format!("{path}.terms.{name}"),
            "bind",
            name,
            &settings.binds,
            checker,
        ) && let Some(bind) = settings.binds.get(name)
            && route.terms_of(name, bind).is_none()
        {
            combination(
                checker,
                format!("{path}.terms.{name}"),
                "the bind does not serve this route; name it in binds, or its account in accounts",
            );
        }
    }
    for beginning in &route.destinations {
        let digits = beginning.strip_prefix('+').unwrap_or(beginning);
        if !digits.bytes().all(|octet| octet.is_ascii_digit()) {
            let allowed =
                String::from("the first digits of numbers, such as [\"44\", \"353\"], or [\"\"] for all");
            checker.refuse(key("destinations"), allowed, Some(format!("{beginning:?}")));
        }
    }
    let path = key("binds");
    for name in &route.binds {
        if !require(path.clone(), "bind", name, &settings.binds, checker) {
            continue;
        }
        if settings.binds.get(name).is_some_and(|bind| !bind.mode.sends()) {
            combination(
                checker,
                path.clone(),
                &format!(
                    "nothing can be sent over {name:?}, which is a receiver; name transceivers and transmitters"
                ),
            );
        }
    }
}

/// No message may be able to take either of two routes.
fn check_ties(routes: &BTreeMap<String, RouteSettings>, checker: &mut Checker<'_>) {
    let conditional = || {
        let routes = routes.iter().map(|(name, route)| (name, route.conditions()));
        routes.filter(|(_, conditions)| !conditions.is_empty())
    };
    for (index, (name, conditions)) in conditional().enumerate() {
        for (first, others) in conditional().take(index) {
            if let Some(tie) = conditions.tie(&others) {
                combination(
                    checker,
                    format!("routes.{name}.destinations"),
                    &format!(
                        "a message with {tie} could take the route {first:?} as well; make one of them closer"
                    ),
                );
            }
        }
    }
}

fn check_smsc(path: &str, smsc: &SmscSettings, checker: &mut Checker<'_>) {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, account) in &smsc.accounts {
        let system_id = account.system_id.as_deref().unwrap_or(name);
        if let Some(first) = seen.insert(system_id, name) {
            combination(
                checker,
                format!("{path}.accounts.{name}.system_id"),
                &format!("{system_id:?} is the system_id of the account {first:?} too; each needs its own"),
            );
        }
    }
    let (tls, key) = (&smsc.tls, format!("{path}.tls"));
    let (certificate, secret) = (tls.certificate_file.as_ref(), tls.key_file.as_ref());
    check_own_certificate(&key, tls.enabled, certificate, secret, checker);
    if tls.enabled && certificate.is_none() && secret.is_none() {
        combination(
            checker,
            format!("{key}.enabled"),
            "needs certificate_file and key_file",
        );
    }
    let mobile = &smsc.mobile_originated;
    if mobile.count.is_some() && mobile.rate.is_none() {
        combination(
            checker,
            format!("{path}.mobile_originated.count"),
            "needs a rate; without one nothing comes from phones",
        );
    }
}

fn check_listeners(smscs: &BTreeMap<String, SmscSettings>, checker: &mut Checker<'_>) {
    let mut seen = BTreeMap::new();
    for (name, smsc) in smscs {
        if smsc.listen.port() == 0 {
            continue;
        }
        if let Some(first) = seen.insert(&smsc.listen, name) {
            combination(
                checker,
                format!("smsc.{name}.listen"),
                &format!(
                    "the SMSC {first:?} listens at {} already; port 0 takes a free one",
                    smsc.listen,
                ),
            );
        }
    }
}

/// Reports a name that is not in the table; whether it is.
fn require<T>(
    key: String,
    what: &'static str,
    name: &str,
    known: &BTreeMap<String, T>,
    checker: &mut Checker<'_>,
) -> bool {
    let is_known = known.contains_key(name);
    if !is_known {
        let names: Vec<String> = known.keys().cloned().collect();
        checker.report(
            key,
            Mistake::Unknown {
                what,
                name: name.to_owned(),
                nearest: nearest(name, names.iter().map(String::as_str)),
                names,
            },
        );
    }
    is_known
}

fn one_of(keys: [&str; 2]) -> Mistake {
    Mistake::OneOf {
        keys: keys.map(String::from).to_vec(),
    }
}

fn combination(checker: &mut Checker<'_>, key: String, text: &str) {
    checker.report(key, Mistake::Combination(text.to_owned()));
}

/// What is allowed but seldom meant, one line each.
pub(super) fn warnings(settings: &Settings) -> Vec<String> {
    let mut warnings = Vec::new();
    for (name, bind) in &settings.binds {
        let mut warn = |key: &str, text: String| warnings.push(format!("binds.{name}.{key}: {text}"));
        let lengths = [
            ("system_id", bind.system_id.len(), 15),
            ("password", bind.password.expose().len(), 8),
        ];
        for (key, length, standard) in lengths {
            let is_wanted = key == "password" && providers::wants_long_passwords(bind);
            if length > standard && !is_wanted {
                warn(
                    key,
                    format!(
                        "has {length} characters where the standard has {standard}; not every SMSC takes it"
                    ),
                );
            }
        }
        if bind.mode == Mode::Transceiver && bind.interface_version == InterfaceVersion::V3_3 {
            warn(
                "mode",
                String::from(
                    "bind_transceiver is not in SMPP 3.3; most such SMSCs want a transmitter and a receiver",
                ),
            );
        }
    }
    providers::warnings(settings, &mut |name, key, text| {
        warnings.push(format!("binds.{name}.{key}: {text}"));
    });
    let router = &settings.router;
    if router
        .backlog_per_route
        .is_some_and(|share| share >= router.queue_capacity)
    {
        warnings.push(String::from(
            "router.backlog_per_route: is no less than queue_capacity: one route may have all that there is",
        ));
    }
    for name in settings.budgets.keys() {
        if !settings
            .binds
            .values()
            .any(|bind| bind.budget.as_ref() == Some(name))
        {
            warnings.push(format!("budgets.{name}: no bind shares this budget"));
        }
    }
    warnings
}
