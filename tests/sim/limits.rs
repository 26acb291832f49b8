//! Windows, rates and budgets as an SMSC can observe them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bindery::session::Rate;
use bindery::settings::BindSettings;
use bindery::smsc::{Nonsense, Script, Step};

use crate::ledger::{Happened, LinkLog};
use crate::truth::Run;

/// Floats add up with small errors.
const SLACK: f64 = 1e-6;

pub(crate) fn check(run: &Run<'_>) -> Result<(), String> {
    let mut departures: BTreeMap<&str, Vec<Instant>> = BTreeMap::new();
    for ((smsc, number), link) in &run.ledger.links {
        let Some(name) = &link.bind else { continue };
        let is_late = |at: Instant| run.reads_late((*smsc, *number), at);
        let most = most_in_flight(link, run.response_timeout(name), is_late);
        let window = run.settings_of(name).map(|settings| settings.window).max();
        if Some(most) > window {
            return Err(format!(
                "{name}, link {number}: {most} in flight, the window is {window:?}"
            ));
        }
        let seen = link.happened.iter().filter_map(|happened| match happened {
            // What an SMSC reads slowly, or when it wakes up, came at any time before.
            Happened::Message { at, .. } if !is_late(*at) => Some(*at),
            _ => None,
        });
        departures.entry(name).or_default().extend(seen);
    }
    let mut budgets: BTreeMap<&str, Vec<Instant>> = BTreeMap::new();
    for (name, times) in &mut departures {
        let limits = run.settings_of(name).map(BindSettings::limit);
        // An actor that dies takes its own rate with it; the budget stays.
        if !run.panics {
            keeps_to(limits, times, run.start).map_err(|wrong| format!("{name}: {wrong}"))?;
        }
        if let Some(budget) = run
            .settings_of(name)
            .find_map(|settings| settings.budget.as_deref())
        {
            budgets.entry(budget).or_default().extend(times.iter());
        }
    }
    for (name, times) in &mut budgets {
        let limits = run.settings.iter();
        let limits = limits.map(|settings| Some(settings.budgets.get(*name)?.limit()));
        keeps_to(limits, times, run.start).map_err(|wrong| format!("budget {name}: {wrong}"))?;
    }
    Ok(())
}

/// From when to when the links of an SMSC hang under this script.
pub(crate) fn hangs(script: &Script, start: Instant) -> Vec<(Instant, Instant)> {
    let (mut hangs, mut since) = (Vec::new(), None);
    for (at, step) in script.steps() {
        match step {
            Step::Freeze => since = since.or(Some(start + *at)),
            // Each of these wakes a link up, if only to end it.
            Step::Thaw | Step::Unbind | Step::Cut | Step::Stop => {
                hangs.extend(since.take().map(|since| (since, start + *at)));
            }
            _ => {}
        }
    }
    hangs
}

/// From when to when connections may be made that an SMSC under this script reads slowly.
pub(crate) fn slow(script: &Script, start: Instant) -> Vec<(Instant, Instant)> {
    let (mut spans, mut since) = (Vec::new(), None);
    for (at, step) in script.steps() {
        if let Step::Faults(faults) = step {
            spans.extend(since.take().map(|since| (since, start + *at)));
            since = (faults.slow_reads > 0.0).then_some(start + *at);
        }
    }
    spans
}

/// Whether an SMSC under this script never breaks a link off, nor makes the ESME do so by what it writes.
pub(crate) fn is_patient(script: &Script) -> bool {
    script.steps().iter().all(|(_, step)| match step {
        Step::Cut | Step::Stop => false,
        Step::Faults(faults) => {
            faults.cut_chance == 0.0
                && faults.unbind_chance == 0.0
                && faults.cut_after.is_none()
                && faults.restart_every.is_none()
                && !faults
                    .nonsense
                    .iter()
                    .any(|(nonsense, _)| nonsense.ends_session())
        }
        _ => true,
    })
}

/// True where a script sends generic_nacks that name no request.
pub(crate) fn nacks(script: &Script) -> bool {
    script.steps().iter().any(|(_, step)| match step {
        Step::Faults(faults) => faults.nonsense.iter().any(|(kind, _)| kind == Nonsense::Nack),
        _ => false,
    })
}

/// No span of time, however long or short, sees more than the burst and what the rate lets out meanwhile: the
/// highest of those that were set, where they changed.
fn keeps_to(
    limits: impl Iterator<Item = Option<Rate>>,
    times: &mut [Instant],
    start: Instant,
) -> Result<(), String> {
    let Some(limits) = limits.collect::<Option<Vec<Rate>>>() else {
        return Ok(());
    };
    let highest = |figure: fn(&Rate) -> f64| limits.iter().map(figure).fold(0.0, f64::max);
    let limit = Rate {
        per_second: highest(|limit| limit.per_second),
        burst: Some(highest(Rate::burst)),
    };
    times.sort_unstable();
    let mut tokens = limit.burst();
    let mut last = None;
    for time in times.iter() {
        let passed = last.map_or(Duration::ZERO, |last: Instant| *time - last);
        tokens = (tokens + passed.as_secs_f64() * limit.per_second).min(limit.burst()) - 1.0;
        last = Some(*time);
        if tokens < -SLACK {
            let more = -tokens;
            return Err(format!(
                "{more:.3} PDUs more than {limit:?} allows, at {:?}",
                *time - start
            ));
        }
    }
    Ok(())
}

/// The most requests that were at the SMSC at a time.
///
/// One that is not answered in time keeps its place until a later one was answered, or twice the time has passed.
fn most_in_flight(link: &LinkLog, response_timeout: Duration, is_late: impl Fn(Instant) -> bool) -> usize {
    let mut open: Vec<(Instant, _)> = Vec::new();
    // When the latest answer was given, and to which place in the order of sending.
    let (mut order, mut most) = (Vec::new(), 0);
    let mut latest_answered = None;
    for happened in &link.happened {
        match happened {
            // When it was sent is not known, but what its answer says about earlier ones is.
            Happened::Message { at, sequence } if is_late(*at) => order.push(*sequence),
            Happened::Message { at, sequence } => {
                let place = order.len();
                order.push(*sequence);
                open.push((*at, place));
                open.retain(|(since, place)| {
                    let age = *at - *since;
                    let skipped = latest_answered > Some(*place);
                    age < response_timeout || (!skipped && age < response_timeout * 2)
                });
                most = most.max(open.len());
            }
            Happened::Answer { sequence, .. } => {
                let Some(answered) = order.iter().rposition(|other| other == sequence) else {
                    continue;
                };
                latest_answered = latest_answered.max(Some(answered));
                open.retain(|(_, place)| *place != answered);
            }
        }
    }
    most
}
