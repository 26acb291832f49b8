//! When an SMSC misbehaves: the decisions, drawn from the seed of each link.

use super::behaviour::{Behaviour, Faults, Nonsense, happens, up_to};
use super::witness::Fate;
use crate::pdu::CommandStatus;
use std::time::Duration;

/// Decides for one link what happens to each message.
#[derive(Debug)]
pub(super) struct Dice {
    random: fastrand::Rng,
    messages: u64,
}

/// What happens to a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Plan {
    /// The status with which it is refused, none when it is taken.
    pub(super) refusal: Option<CommandStatus>,
    pub(super) fate: Fate,
    /// Time until the answer.
    pub(super) delay: Duration,
    /// The answer comes twice.
    pub(super) doubled: bool,
    /// What comes before it and makes no sense.
    pub(super) nonsense: Option<Nonsense>,
}

impl Dice {
    pub(super) fn new(random: fastrand::Rng) -> Self {
        Self { random, messages: 0 }
    }

    /// What happens to the next message.
    pub(super) fn message(&mut self, behaviour: &Behaviour) -> Plan {
        let Faults {
            cut_after,
            cut_chance,
            lost_responses,
            late_responses,
            late_by,
            doubled_responses,
            nonsense,
            refused_messages,
            ..
        } = &behaviour.faults;
        self.messages += 1;
        let is_cut =
            cut_after.is_some_and(|count| self.messages >= count) || happens(*cut_chance, &mut self.random);
        let fate = match () {
            () if is_cut => Fate::LinkCut,
            () if happens(*lost_responses, &mut self.random) => Fate::ResponseLost,
            () => Fate::Answered,
        };
        let refusal = refused_messages.draw(&mut self.random);
        let mut delay = behaviour.delay + up_to(behaviour.jitter, &mut self.random);
        if happens(*late_responses, &mut self.random) {
            delay += *late_by;
        }
        Plan {
            refusal,
            fate,
            delay,
            doubled: happens(*doubled_responses, &mut self.random),
            nonsense: nonsense.draw(&mut self.random),
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
        let mut dice = Dice::new(fastrand::Rng::with_seed(seed));
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
                doubled: false,
                nonsense: None,
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
}
