//! A system for one test: SMSCs by host, binds, and callers.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bindery::esme::Esme;
use bindery::settings::{BindSettings, Settings};
use bindery::smsc::{Behaviour, Faults, MemoryNetwork, Seen, Smsc};
use bindery::submit::{Pending, Submit, SubmitError, SubmitResult};
use tokio::task::LocalSet;
use tokio::time::{sleep, timeout};

use crate::ledger::{Ledger, Sight};
use crate::world::{millis, secs};

pub(crate) struct Bench {
    pub(crate) esme: Esme,
    pub(crate) smscs: Vec<Smsc>,
}

/// Runs a test on a `LocalSet`, where actors can live.
pub(crate) async fn local(test: impl Future<Output = ()>) {
    LocalSet::new().run_until(test).await;
}

/// A bind to the SMSC at this host.
pub(crate) fn bind(host: &str) -> BindSettings {
    BindSettings::new(format!("{host}:2775").as_str(), host, "secret")
}

pub(crate) fn behaviour() -> Behaviour {
    Behaviour {
        delay: millis(20),
        witness: true,
        ..Behaviour::default()
    }
}

/// It answers enquire_link and nothing else.
pub(crate) fn deaf() -> Faults {
    Faults {
        lost_responses: 1.0,
        ..Faults::default()
    }
}

/// A message that shows its number.
pub(crate) fn text(number: u64) -> Submit {
    Submit::text("447700900123", format!("#{number}#")).reference(number)
}

/// A message of so many parts, each of which shows its number.
pub(crate) fn long(number: u64, parts: usize) -> Submit {
    let word = format!("#{number}# ");
    let text = word.repeat(((parts - 1) * 153 + 80).div_ceil(word.len()));
    Submit::text("447700900123", text).reference(number)
}

impl Bench {
    /// SMSCs at the hosts `one`, `two` and so on that behave so, and binds, which have a moment to bind.
    pub(crate) async fn start(behaviours: impl IntoIterator<Item = Behaviour>, settings: Settings) -> Self {
        let network = MemoryNetwork::new();
        let hosts = ["one", "two", "three", "four"].into_iter().zip(behaviours);
        let smscs = hosts.map(|(host, behaviour)| {
            let smsc = Smsc::in_memory(behaviour, 7);
            network.add(host, &smsc);
            smsc
        });
        let smscs = smscs.collect();
        fastrand::seed(7);
        let esme = Esme::start_local(settings, network.connector()).unwrap();
        sleep(secs(1)).await;
        Self { esme, smscs }
    }

    pub(crate) fn submit(&self, submits: impl IntoIterator<Item = Submit>) -> Vec<Pending> {
        let submit = |submit| self.esme.try_submit(submit).unwrap();
        submits.into_iter().map(submit).collect()
    }

    pub(crate) fn ledger(&self) -> Ledger {
        Ledger::of(&self.smscs)
    }

    /// All that was seen of one message.
    pub(crate) fn sights(&self, number: u64) -> Vec<Sight> {
        self.ledger().messages.remove(&number).unwrap_or_default()
    }

    /// When connections were made to an SMSC.
    pub(crate) fn connections(&self, smsc: usize) -> Vec<Instant> {
        let sightings = self.smscs[smsc].witness().sightings;
        let connected = sightings
            .iter()
            .filter(|sighting| sighting.what == Seen::Connected);
        connected.map(|sighting| sighting.at).collect()
    }

    pub(crate) async fn waiting(&self) -> usize {
        self.esme.status().await.waiting
    }
}

/// The outcomes, which must come within this time.
pub(crate) async fn outcomes(pending: Vec<Pending>, within: Duration) -> Vec<SubmitResult> {
    let all = async {
        let mut outcomes = Vec::new();
        for pending in pending {
            outcomes.push(pending.await);
        }
        outcomes
    };
    timeout(within, all).await.expect("no outcome")
}

/// How many ended in which way.
pub(crate) fn tally(outcomes: &[SubmitResult]) -> BTreeMap<&'static str, usize> {
    let mut tally = BTreeMap::new();
    for outcome in outcomes {
        *tally.entry(kind(outcome)).or_insert(0) += 1;
    }
    tally
}

pub(crate) fn kind(outcome: &SubmitResult) -> &'static str {
    match outcome {
        Ok(_) => "submitted",
        Err(SubmitError::Rejected { .. }) => "rejected",
        Err(SubmitError::Unknown { .. }) => "unknown",
        Err(SubmitError::Partial { .. }) => "partial",
        Err(SubmitError::NotSent { .. }) => "not sent",
        Err(SubmitError::Expired) => "expired",
        Err(SubmitError::Busy) => "busy",
        Err(SubmitError::NoRoute) => "no route",
        Err(SubmitError::Cancelled) => "cancelled",
        Err(SubmitError::ShuttingDown) => "shutting down",
        Err(_) => "other",
    }
}
