//! What the SMSCs saw, put together by message and by link.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use bindery::pdu::{CommandStatus, SequenceNumber};
use bindery::smsc::{Faults, OddResponse, Seen, SeenMessage, Smsc, Witness};

/// A message or one part of it as an SMSC saw it.
#[derive(Clone, Debug)]
pub(crate) struct Sight {
    pub(crate) at: Instant,
    pub(crate) link: (usize, u64),
    /// The `system_id` of the link, by which binds are told apart.
    pub(crate) bind: String,
    /// Which part, counted from 0.
    pub(crate) part: usize,
    pub(crate) sequence: SequenceNumber,
    pub(crate) status: CommandStatus,
    /// What it was called, when it was taken.
    pub(crate) id: Option<String>,
    /// As what it was called to the ESME: an answer without a body has no id.
    pub(crate) told_id: Option<String>,
    /// When the answer was put on the link.
    pub(crate) answered: Option<Instant>,
}

/// One connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct LinkLog {
    pub(crate) bind: Option<String>,
    pub(crate) opened: Option<Instant>,
    pub(crate) closed: Option<Instant>,
    /// In the order in which things happened.
    pub(crate) happened: Vec<Happened>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Happened {
    Message { at: Instant, sequence: SequenceNumber },
    Answer { sequence: SequenceNumber },
}

/// Everything.
#[derive(Default)]
pub(crate) struct Ledger {
    /// By message number, in the order of time.
    pub(crate) messages: BTreeMap<u64, Vec<Sight>>,
    /// By SMSC and number of the link.
    pub(crate) links: BTreeMap<(usize, u64), LinkLog>,
    /// For how long each SMSC kept what it said, at most.
    kept: Vec<Duration>,
}

impl Ledger {
    pub(crate) fn of(smscs: &[Smsc]) -> Self {
        let mut ledger = Self::default();
        for (index, smsc) in smscs.iter().enumerate() {
            ledger.read(index, &smsc.witness());
            let keeps = smsc.counters().faults.links_joined > 0;
            let most = if keeps {
                Faults::default().joined_for
            } else {
                Duration::ZERO
            };
            ledger.kept.push(most);
        }
        for sights in ledger.messages.values_mut() {
            sights.sort_by_key(|sight| sight.at);
        }
        ledger
    }

    /// True when the ESME must have seen the answer: it was put on a link that lived on.
    pub(crate) fn was_told(&self, sight: &Sight) -> bool {
        let closed = self.links.get(&sight.link).and_then(|link| link.closed);
        self.told_at(sight)
            .is_some_and(|told| closed.is_none_or(|closed| told < closed))
    }

    /// When the ESME had the answer at the latest, unless the link was closed before.
    pub(crate) fn told_at(&self, sight: &Sight) -> Option<Instant> {
        Some(sight.answered? + self.kept[sight.link.0])
    }

    /// True when the ESME may have seen the answer, if only as the last thing before the link was closed.
    pub(crate) fn may_know(&self, sight: &Sight) -> bool {
        let closed = self.links.get(&sight.link).and_then(|link| link.closed);
        sight
            .answered
            .is_some_and(|answered| closed.is_none_or(|closed| answered <= closed))
    }

    fn read(&mut self, smsc: usize, witness: &Witness) {
        // Where the message of a request stands: link and sequence number of those that were not answered.
        let mut open: HashMap<(u64, SequenceNumber), (u64, usize)> = HashMap::new();
        for sighting in &witness.sightings {
            let (at, key) = (sighting.at, (smsc, sighting.link));
            let link = self.links.entry(key).or_default();
            match &sighting.what {
                Seen::Connected => link.opened = Some(at),
                Seen::Closed => link.closed = Some(at),
                Seen::Bind {
                    system_id, status, ..
                } if status.is_ok() => {
                    link.bind = Some(system_id.clone());
                }
                Seen::Message(message) => {
                    let sequence = message.sequence_number;
                    link.happened.push(Happened::Message { at, sequence });
                    let number = message.number().expect("every message has a number");
                    let sight = Sight {
                        at,
                        link: key,
                        bind: link.bind.clone().expect("only who is bound submits"),
                        part: part_of(message),
                        sequence,
                        status: message.status,
                        id: message.message_id.clone(),
                        told_id: message.message_id.clone(),
                        answered: None,
                    };
                    let sights = self.messages.entry(number).or_default();
                    open.insert((sighting.link, sequence), (number, sights.len()));
                    sights.push(sight);
                }
                Seen::Answered {
                    sequence_number, odd, ..
                } => {
                    let sequence = *sequence_number;
                    link.happened.push(Happened::Answer { sequence });
                    if let Some((number, place)) = open.remove(&(sighting.link, sequence))
                        && let Some(sights) = self.messages.get_mut(&number)
                    {
                        let sight = &mut sights[place];
                        sight.answered = Some(at);
                        if *odd == Some(OddResponse::NoBody) {
                            sight.told_id = sight.id.as_ref().map(|_| String::new());
                        }
                    }
                }
                _ => {}
            }
        }
    }
}

/// Which part it is, by its user data header: reference, number of parts, number.
fn part_of(message: &SeenMessage) -> usize {
    if message.esm_class.has_udh() {
        usize::from(message.octets[5]) - 1
    } else {
        0
    }
}
