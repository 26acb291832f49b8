//! When an SMSC misbehaves: the decisions, drawn from the seed of each link.

use std::time::Duration;

use super::behaviour::{Behaviour, happens, up_to};
use super::faults::{Faults, Nonsense, OddResponse};
use super::manner::Manner;
use super::witness::Fate;
use crate::pdu::CommandStatus;

/// A response comes at least so long after the receipt that goes before it.
const BEHIND_ITS_RECEIPT: Duration = Duration::from_millis(20);

/// Decides for one link what happens to each message.
#[derive(Debug)]
pub(super) struct Dice {
    random: fastrand::Rng,
    messages: u64,
    /// With which of its messages the link falls silent.
    silent_from: Option<u64>,
}

/// What happens to a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Plan {
    /// The status with which it is refused, none when it is taken.
    pub(super) refusal: Option<CommandStatus>,
    pub(super) fate: Fate,
    /// Time until the answer.
    pub(super) delay: Duration,
    /// That is later than it should be.
    pub(super) late: bool,
    /// The answer comes twice.
    pub(super) doubled: bool,
    /// The answer lets the next one go first.
    pub(super) overtaken: bool,
    /// It is not written as it should be.
    pub(super) odd: Option<OddResponse>,
    /// What comes before it and makes no sense.
    pub(super) nonsense: Option<Nonsense>,
    /// Its receipt comes before the answer.
    pub(super) early_receipt: bool,
    /// A receipt comes with it that belongs to nothing.
    pub(super) orphaned_receipt: bool,
    /// From now on the link says nothing.
    pub(super) silent: bool,
}

impl Dice {
    /// For a link that was just accepted; says how its octets go, too.
    pub(super) fn new(mut random: fastrand::Rng, faults: &Faults) -> (Self, Manner) {
        let half_open = happens(faults.half_open, &mut random);
        let manner = Manner {
            half_open,
            reset: happens(faults.resets, &mut random),
            split: happens(faults.split_writes, &mut random),
            joined: happens(faults.joined_writes, &mut random).then_some(faults.joined_for),
            read_rate: happens(faults.slow_reads, &mut random).then_some(faults.slow_read_rate),
        };
        let dice = Self {
            random,
            messages: 0,
            silent_from: half_open.then_some(faults.half_open_after),
        };
        (dice, manner)
    }

    /// What happens to the next message.
    pub(super) fn message(&mut self, behaviour: &Behaviour) -> Plan {
        let faults = &behaviour.faults;
        let random = &mut self.random;
        self.messages += 1;
        let is_cut = faults.cut_after.is_some_and(|count| self.messages >= count)
            || happens(faults.cut_chance, random);
        let silent = self.silent_from.is_some_and(|count| self.messages >= count);
        let fate = match () {
            () if is_cut => Fate::LinkCut,
            () if happens(faults.unbind_chance, random) => Fate::LinkUnbound,
            () if happens(faults.lost_responses, random) || silent => Fate::ResponseLost,
            () => Fate::Answered,
        };
        let refusal = faults.refused_messages.draw(random);
        let mut delay = behaviour.delay + up_to(behaviour.jitter, random);
        let late = happens(faults.late_responses, random);
        if late {
            delay += faults.late_by;
        }
        let doubled = happens(faults.doubled_responses, random);
        let nonsense = faults.nonsense.draw(random);
        let early_receipt = happens(faults.early_receipts, random);
        if early_receipt {
            delay = delay.max(BEHIND_ITS_RECEIPT);
        }
        Plan {
            refusal,
            fate,
            delay,
            late,
            doubled,
            overtaken: happens(faults.overtaken_responses, random),
            odd: faults.odd_responses.draw(random),
            nonsense,
            early_receipt,
            orphaned_receipt: happens(faults.orphaned_receipts, random),
            silent,
        }
    }

    /// Whether the next bind is never answered.
    pub(super) fn is_silent(&mut self, behaviour: &Behaviour) -> bool {
        happens(behaviour.faults.silent_binds, &mut self.random)
    }

    /// The status with which the next bind is refused, none when it is let in.
    pub(super) fn bind(&mut self, behaviour: &Behaviour) -> Option<CommandStatus> {
        behaviour.faults.refused_binds.draw(&mut self.random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smsc::behaviour::Shares;

    fn plans(behaviour: &Behaviour, seed: u64, count: usize) -> Vec<Plan> {
        let (mut dice, _) = Dice::new(fastrand::Rng::with_seed(seed), &behaviour.faults);
        (0..count).map(|_| dice.message(behaviour)).collect()
    }

    #[test]
    fn a_healthy_link_answers_everything_in_time() {
        let behaviour = Behaviour {
            delay: Duration::from_millis(20),
            ..Behaviour::default()
        };
        for plan in plans(&behaviour, 1, 100) {
            let expected = Plan {
                refusal: None,
                fate: Fate::Answered,
                delay: Duration::from_millis(20),
                late: false,
                doubled: false,
                overtaken: false,
                odd: None,
                nonsense: None,
                early_receipt: false,
                orphaned_receipt: false,
                silent: false,
            };
            assert_eq!(plan, expected);
        }
    }

    #[test]
    fn a_link_is_cut_at_the_message_that_was_named() {
        let faults = Faults {
            cut_after: Some(3),
            ..Faults::default()
        };
        let fates: Vec<Fate> = plans(
            &Behaviour {
                faults,
                ..Behaviour::default()
            },
            1,
            3,
        )
        .iter()
        .map(|plan| plan.fate)
        .collect();
        assert_eq!(fates, [Fate::Answered, Fate::Answered, Fate::LinkCut]);
    }

    #[test]
    fn chances_come_up_in_their_share_and_the_same_for_each_seed() {
        let behaviour = Behaviour {
            jitter: Duration::from_millis(100),
            faults: Faults {
                cut_chance: 0.01,
                lost_responses: 0.1,
                refused_messages: Shares::new([(CommandStatus::ESME_RSYSERR, 0.2)]),
                ..Faults::default()
            },
            ..Behaviour::default()
        };
        let drawn = plans(&behaviour, 42, 10_000);
        let count = |wanted: fn(&Plan) -> bool| drawn.iter().filter(|plan| wanted(plan)).count();
        assert!((60..140).contains(&count(|plan| plan.fate == Fate::LinkCut)));
        assert!((900..1_100).contains(&count(|plan| plan.fate == Fate::ResponseLost)));
        assert!((1_800..2_200).contains(&count(|plan| plan.refusal.is_some())));
        assert!(drawn.iter().all(|plan| plan.delay <= Duration::from_millis(100)));

        assert_eq!(drawn, plans(&behaviour, 42, 10_000));
        assert_ne!(drawn, plans(&behaviour, 43, 10_000));
    }

    #[test]
    fn each_connection_draws_how_its_octets_go() {
        let faults = Faults {
            half_open: 0.1,
            split_writes: 0.2,
            joined_writes: 0.3,
            slow_reads: 0.4,
            ..Faults::default()
        };
        let drawn: Vec<Manner> = (0..10_000)
            .map(|seed| Dice::new(fastrand::Rng::with_seed(seed), &faults).1)
            .collect();
        let count = |wanted: fn(&Manner) -> bool| drawn.iter().filter(|manner| wanted(manner)).count();
        assert!((900..1_100).contains(&count(|manner| manner.half_open)));
        assert!((1_800..2_200).contains(&count(|manner| manner.split)));
        assert!((2_800..3_200).contains(&count(|manner| manner.joined == Some(Duration::from_millis(50)))));
        assert!((3_800..4_200).contains(&count(|manner| manner.read_rate == Some(1_000))));
    }

    #[test]
    fn a_half_open_link_falls_silent_with_the_message_that_was_named() {
        let faults = Faults {
            half_open: 1.0,
            half_open_after: 3,
            ..Faults::default()
        };
        let behaviour = Behaviour {
            faults,
            ..Behaviour::default()
        };
        let drawn: Vec<_> = plans(&behaviour, 1, 4)
            .iter()
            .map(|plan| (plan.silent, plan.fate))
            .collect();
        let (answers, silent) = ((false, Fate::Answered), (true, Fate::ResponseLost));
        assert_eq!(drawn, [answers, answers, silent, silent]);
    }
}
