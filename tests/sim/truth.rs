//! Whether callers were told the truth.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use bindery::pdu::StatusClass;
use bindery::settings::{BindSettings, Settings};
use bindery::submit::{SubmitError, SubmitResult, UnknownCause};

use crate::ledger::{Ledger, Sight};
use crate::run::Told;
use crate::traffic::Message;

/// A message that may be sent twice is sent again at most so often.
const RESENDS: usize = 2;

/// A run that is over.
pub(crate) struct Run<'r> {
    pub(crate) ledger: &'r Ledger,
    /// Those in force one after another.
    pub(crate) settings: Vec<Settings>,
    pub(crate) start: Instant,
    /// When the router was gone.
    pub(crate) ended: Option<Instant>,
    /// It was shut down while messages were under way.
    pub(crate) hurried: bool,
    /// From when to when the links of each SMSC hung.
    pub(crate) hangs: Vec<Vec<(Instant, Instant)>>,
    /// From when to when connections to each SMSC may have been made that it reads slowly.
    pub(crate) slow: Vec<Vec<(Instant, Instant)>>,
    /// Whether each SMSC never breaks a link off.
    pub(crate) patient: Vec<bool>,
    /// Whether each SMSC sends generic_nacks that name no request.
    pub(crate) nacks: Vec<bool>,
    /// Whether binds die by panics: then what they had encoded counts as written.
    pub(crate) panics: bool,
}

impl Run<'_> {
    /// The settings that a bind had one after another.
    pub(crate) fn settings_of(&self, bind: &str) -> impl Iterator<Item = &BindSettings> {
        let bind = bind.to_owned();
        self.settings
            .iter()
            .filter_map(move |settings| settings.binds.get(bind.as_str()).map(std::ops::Deref::deref))
    }

    /// The account of a bind, which no settings change.
    pub(crate) fn account_of(&self, bind: &str) -> Option<&str> {
        let settings = self.settings.iter();
        let (name, settings) = settings
            .filter_map(|settings| settings.binds.get_key_value(bind))
            .next()?;
        Some(settings.account_or(name))
    }

    /// True where the SMSC of a bind reads all that was written to it, however late, before it closes a link. One that reads
    /// slowly does not: when it may write no longer, what it has not come to is lost.
    fn sees_all(&self, bind: &str) -> bool {
        !self.panics && smsc_of(bind).is_some_and(|smsc| self.patient[smsc] && self.slow[smsc].is_empty())
    }

    /// True where the SMSC of a bind sends generic_nacks that name no request.
    fn nacks_at_random(&self, bind: &str) -> bool {
        smsc_of(bind).is_some_and(|smsc| self.nacks[smsc])
    }

    /// The shortest that a bind waited for responses.
    pub(crate) fn response_timeout(&self, bind: &str) -> Duration {
        let timeouts = self.settings_of(bind).map(|settings| settings.response_timeout);
        timeouts.min().expect("a bind has settings")
    }

    /// True when it may have been written before it was read.
    pub(crate) fn is_late(&self, sight: &Sight) -> bool {
        self.reads_late(sight.link, sight.at)
    }

    /// True where what a link reads at this time may have been written before: it is read slowly, or wakes up. One that
    /// hangs does so at the end of that, or when its SMSC restarts meanwhile.
    pub(crate) fn reads_late(&self, link: (usize, u64), at: Instant) -> bool {
        let opened = self.ledger.links.get(&link).and_then(|link| link.opened);
        let within = |spans: &[(Instant, Instant)]| {
            let hung = |start| opened.is_some_and(|opened| opened <= start) && start < at;
            spans
                .iter()
                .any(|(start, end)| *end == at || (hung(*start) && at < *end))
        };
        let is_slow = |opened| {
            let mut spans = self.slow[link.0].iter();
            spans.any(|(start, end)| *start <= opened && opened <= *end)
        };
        within(&self.hangs[link.0]) || opened.is_some_and(is_slow)
    }

    /// True when the link may have been lost between these times without its SMSC noticing.
    fn hung(&self, sight: &Sight, to: Instant) -> bool {
        let hangs = &self.hangs[sight.link.0];
        hangs.iter().any(|(start, end)| *start <= to && sight.at <= *end)
    }
}

/// Every message has one outcome, and that is true. Gives the outcomes.
pub(crate) fn check(
    run: &Run<'_>,
    messages: &[&Message],
    told: &BTreeMap<u64, Told>,
) -> Result<BTreeMap<u64, SubmitResult>, String> {
    let mut outcomes = BTreeMap::new();
    for message in messages {
        let told = &told[&message.number];
        let sights = run.ledger.messages.get(&message.number);
        let sights = sights.map_or(&[][..], Vec::as_slice);
        let outcome = one_outcome(told)
            .map_err(String::from)
            .and_then(|outcome| {
                is_true(run, message, outcome.as_ref(), sights)?;
                Ok(outcome)
            })
            .map_err(|lie| {
                format!(
                    "message {}: {lie}\n{message:?}\ntold: {:?} {:?}\nseen: {}",
                    message.number,
                    told.answer,
                    told.events,
                    show(run, sights)
                )
            })?;
        if let Some(outcome) = outcome {
            outcomes.insert(message.number, outcome);
        }
    }
    if let Some(number) = run
        .ledger
        .messages
        .keys()
        .find(|number| !told.contains_key(number))
    {
        return Err(format!("nobody sent {number}"));
    }
    Ok(outcomes)
}

/// The sightings, with times since the start of the run.
fn show(run: &Run<'_>, sights: &[Sight]) -> String {
    let since = |at: Instant| at.saturating_duration_since(run.start);
    let lines = sights.iter().map(|sight| {
        let closed = run.ledger.links.get(&sight.link).and_then(|link| link.closed);
        format!(
            "\n  part {} at {:?} by {} {:?} as {}: {} {:?}, answered {:?}, link closed {:?}",
            sight.part,
            since(sight.at),
            sight.bind,
            sight.link,
            sight.sequence,
            sight.status,
            sight.id,
            sight.answered.map(since),
            closed.map(since)
        )
    });
    lines.collect()
}

/// The outcome that was told, to the caller, as an event or as both; none for a message that never came in.
fn one_outcome(told: &Told) -> Result<Option<SubmitResult>, &'static str> {
    match (&told.answer, told.events.as_slice()) {
        (None, []) => Ok(None),
        (None, [event]) => Ok(Some(event.result.clone())),
        // There was no room for it, so that it never came in.
        (Some(Err(error @ (SubmitError::Busy | SubmitError::ShuttingDown))), []) => {
            Ok(Some(Err(error.clone())))
        }
        (Some(_), []) => Err("no event tells what the caller was told"),
        (Some(answer), [event]) if *answer == event.result && event.awaited => Ok(Some(answer.clone())),
        (Some(_), [_]) => Err("the event tells something else than the caller was told"),
        (_, [_, _, ..]) => Err("more than one outcome"),
    }
}

/// Holds the outcome against what was seen; none is that of a message which was taken back before it came in.
fn is_true(
    run: &Run<'_>,
    message: &Message,
    outcome: Option<&SubmitResult>,
    sights: &[Sight],
) -> Result<(), String> {
    if let Some(ended) = run.ended
        && sights.iter().any(|sight| sight.at > ended && !run.is_late(sight))
    {
        return Err("it was sent after the end".into());
    }
    if sights.iter().any(|sight| sight.part >= message.parts) {
        return Err("a part that it has not got".into());
    }
    kept_its_way(run, message, sights)?;
    kept_its_time(run, message, sights)?;
    kept_together(run, message, sights)?;
    let Some(outcome) = outcome else {
        return sights
            .is_empty()
            .then_some(())
            .ok_or("it was sent though it was taken back".into());
    };
    for part in 0..message.parts {
        let sights: Vec<&Sight> = sights.iter().filter(|sight| sight.part == part).collect();
        let part_of = |wrong| format!("part {part}: {wrong}");
        repeats(run, message, &sights).map_err(part_of)?;
        match outcome {
            Ok(submitted) => {
                if submitted.message_ids.len() != message.parts {
                    return Err("other ids than parts".into());
                }
                accepted(run, message, &submitted.message_ids[part].to_string(), &sights)
            }
            Err(SubmitError::Partial { parts }) => {
                if parts.len() != message.parts {
                    return Err("other outcomes than parts".into());
                }
                match &parts[part] {
                    Ok(submitted) => accepted(run, message, &submitted.message_id().to_string(), &sights),
                    Err(SubmitError::Partial { .. }) => Err("a part of a part"),
                    Err(error) => failed(run, error, &sights),
                }
            }
            // The cause is that of the first part; of the others the shutdown may be it.
            Err(SubmitError::Unknown { .. }) if part > 0 && run.hurried => Ok(()),
            Err(error) => failed(run, error, &sights),
        }
        .map_err(part_of)?;
    }
    Ok(())
}

/// It left by the binds that it was for; the rest of a long message by any of the account that has the first part.
fn kept_its_way(run: &Run<'_>, message: &Message, sights: &[Sight]) -> Result<(), &'static str> {
    let is_allowed = |bind: &str| {
        let on_route = |route: &str| {
            let routes = run
                .settings
                .iter()
                .filter_map(|settings| settings.routes.get(route));
            routes.flat_map(|route| &route.binds).any(|other| other == bind)
        };
        let submit = &message.submit;
        match (&submit.bind, &submit.route) {
            (Some(wanted), _) => wanted.as_str() == bind,
            (None, Some(route)) => on_route(route.as_str()),
            (None, None) => run.settings.iter().any(|settings| meets(message, settings, bind)),
        }
    };
    // The SMSC may not have seen the part by which it began.
    let begun = |bind: &str| {
        let binds = run.settings.iter().flat_map(|settings| settings.binds.keys());
        let mut allowed = binds.filter(|other| is_allowed(other));
        allowed.any(|other| run.account_of(other) == run.account_of(bind))
    };
    let goes_on = |bind: &str| message.parts > 1 && message.submit.bind.is_none() && begun(bind);
    if sights
        .iter()
        .all(|sight| is_allowed(&sight.bind) || goes_on(&sight.bind))
    {
        Ok(())
    } else {
        Err("it left by a bind that it was not for")
    }
}

/// True when these settings lead a message that names neither bind nor route to this bind.
fn meets(message: &Message, settings: &Settings, bind: &str) -> bool {
    let routes = &settings.routes;
    let is_american = message.submit.parties().destination.starts_with('1');
    let route = match (routes.get("us"), routes.get("rest")) {
        (None, None) => return true,
        (Some(us), _) if is_american => Some(us),
        (_, rest) => rest,
    };
    route.is_some_and(|route| route.binds.iter().any(|other| other == bind))
}

/// Nothing was written after its validity, but for the rest of a message of which a part was.
fn kept_its_time(run: &Run<'_>, message: &Message, sights: &[Sight]) -> Result<(), &'static str> {
    let validity = message.submit.validity.or(run.settings[0].router.validity);
    let (Some(validity), Some(taken)) = (validity, message.taken) else {
        return Ok(());
    };
    let binding = if message.parts == 1 { sights.len() } else { 1 };
    let is_over = |sight: &Sight| sight.at > run.start + taken + validity && !run.is_late(sight);
    if sights.iter().take(binding).any(is_over) {
        Err("it was sent after its validity")
    } else {
        Ok(())
    }
}

/// What was sent twice was allowed to be.
fn repeats(run: &Run<'_>, message: &Message, sights: &[&Sight]) -> Result<(), &'static str> {
    let may_repeat = |sight: &Sight| {
        let class = sight.status.class();
        matches!(
            class,
            StatusClass::Throttle | StatusClass::QueueFull | StatusClass::Retryable | StatusClass::Session
        ) && run.ledger.may_know(sight)
    };
    // In whatever order they were written.
    let for_good = sights.iter().filter(|sight| !may_repeat(sight)).count();
    let most = if message.at_least_once { 1 + RESENDS } else { 1 };
    if for_good > most {
        return Err("sent again though nobody allowed that");
    }
    let in_order: Vec<&&Sight> = sights.iter().filter(|sight| !run.is_late(sight)).collect();
    for pair in in_order.windows(2) {
        let [first, second] = pair else { continue };
        let answered = run.ledger.may_know(first) && first.answered <= Some(second.at);
        if answered && may_repeat(first) {
            continue;
        }
        if !message.at_least_once {
            return Err("sent again before it was refused");
        }
        // Which came first is not to be seen.
        let at_once = first.at == second.at;
        let closed = run.ledger.links[&first.link].closed;
        let lost = closed.is_some_and(|closed| closed <= second.at) || run.hung(first, second.at);
        // A late response is waited for as well.
        let patience = run.response_timeout(&first.bind) * 2;
        if !at_once && !lost && second.at - first.at < patience {
            return Err("sent again while the answer was waited for");
        }
        // Late or not.
        if answered && !at_once && first.status.is_ok() && is_known(run, first, patience) {
            return Err("sent again though it was accepted");
        }
    }
    Ok(())
}

/// Whether the ESME must know the answer: it came within this time, on a link that lived on.
fn is_known(run: &Run<'_>, sight: &Sight, within: Duration) -> bool {
    let in_time = |told: Instant| told.saturating_duration_since(sight.at) < within;
    !run.is_late(sight) && run.ledger.was_told(sight) && run.ledger.told_at(sight).is_some_and(in_time)
}

/// The parts of a message are with one account, but for what was refused there.
fn kept_together(run: &Run<'_>, message: &Message, sights: &[Sight]) -> Result<(), &'static str> {
    if message.parts == 1 || message.at_least_once {
        return Ok(());
    }
    let there = sights
        .iter()
        .filter(|sight| sight.id.is_some() || !run.ledger.may_know(sight));
    let accounts: BTreeSet<_> = there.map(|sight| run.account_of(&sight.bind)).collect();
    if accounts.len() > 1 {
        return Err("its parts are with several accounts");
    }
    Ok(())
}

/// Called accepted: it has this id, and no other unless it may have been sent twice.
fn accepted(run: &Run<'_>, message: &Message, id: &str, sights: &[&Sight]) -> Result<(), &'static str> {
    let taken: Vec<&&Sight> = sights.iter().filter(|sight| sight.id.is_some()).collect();
    // SMSCs do not know of each other: two may give one id.
    let mut named = taken.iter().filter(|sight| sight.told_id.as_deref() == Some(id));
    if !named.any(|sight| run.ledger.may_know(sight)) {
        return Err("an id that nobody gave it, or told");
    }
    if taken.len() > 1 && !message.at_least_once {
        return Err("accepted twice");
    }
    Ok(())
}

/// Called not accepted, in one way or another.
fn failed(run: &Run<'_>, error: &SubmitError, sights: &[&Sight]) -> Result<(), &'static str> {
    let refused = |sight: &&&Sight| sight.id.is_none() && run.ledger.may_know(sight);
    match error {
        SubmitError::Rejected { status, .. } => {
            let last = sights.last().ok_or("rejected, and nobody saw it")?;
            if sights.iter().filter(refused).count() < sights.len() {
                return Err("rejected, and yet it may have been taken");
            }
            (last.status == *status)
                .then_some(())
                .ok_or("nobody rejected it so")
        }
        // What was answered after the grace is over came too late.
        SubmitError::Unknown {
            cause: UnknownCause::ShutDown,
            ..
        } => Ok(()),
        SubmitError::Unknown { bind, cause, .. } => {
            // A generic_nack that names no request came while it was the only one; its own answer came later.
            let doubted = *cause == UnknownCause::WrongResponse;
            if doubted && !run.nacks_at_random(bind.as_str()) {
                return Err("doubted, and yet its SMSC sends no such thing");
            }
            let known = |sight: &&Sight| {
                sight.id.is_some() && is_known(run, sight, run.response_timeout(&sight.bind))
            };
            if !doubted && sights.iter().copied().any(|sight| known(&sight)) {
                return Err("unknown, and yet it was answered");
            }
            if sights.is_empty() && run.sees_all(bind.as_str()) {
                return Err("unknown, and yet it never left");
            }
            Ok(())
        }
        SubmitError::Busy | SubmitError::NoRoute | SubmitError::Invalid { .. } => {
            sights.is_empty().then_some(()).ok_or("it was sent all the same")
        }
        SubmitError::NotSent { .. }
        | SubmitError::Expired
        | SubmitError::Cancelled
        | SubmitError::ShuttingDown => {
            if sights.iter().filter(refused).count() < sights.len() {
                return Err("called not sent, and yet it may have been taken");
            }
            Ok(())
        }
        _ => Err("an outcome that a part cannot have"),
    }
}

/// The index of the SMSC of a bind.
fn smsc_of(bind: &str) -> Option<usize> {
    bind.as_bytes().first().map(|host| usize::from(host - b'a'))
}
