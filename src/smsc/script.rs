//! What happens to an SMSC at which time, so that whole runs of misfortune can be told, drawn and repeated.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::{Faults, Nonsense, OddReceipt, OddResponse, Shares, Smsc};
use crate::pdu::CommandStatus;
use crate::settings::SmscTlsSettings;

/// Something that happens to an SMSC.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Every link breaks off, with whatever waits for a response.
    Cut,
    /// Every link is unbound.
    Unbind,
    /// Every link hangs: half open, neither read nor written.
    Freeze,
    /// Links that hang go on.
    Thaw,
    /// The SMSC goes down as if it had been killed.
    Stop,
    /// It comes up again.
    Start,
    /// It takes at most so many messages a second and account; none: any number.
    Rate(Option<f64>),
    /// It answers after this time, and up to as much more by chance.
    Delay(Duration, Duration),
    /// These things go wrong from now on.
    Faults(Box<Faults>),
    /// Connections made from now on are shown this certificate, which may have expired; those that are there go on.
    Tls(Box<SmscTlsSettings>),
}

/// Steps with the times at which they happen, counted from when the script is played.
///
/// ```
/// use std::time::Duration;
/// use bindery::smsc::{Script, Step};
///
/// let restart = Script::default()
///     .at(Duration::from_secs(5), Step::Stop)
///     .at(Duration::from_secs(9), Step::Start);
/// assert_eq!(restart.steps().len(), 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    /// In the order of their times.
    steps: Vec<(Duration, Step)>,
}

impl Script {
    /// Adds a step; equal times keep the order in which they were added.
    #[must_use]
    pub fn at(mut self, time: Duration, step: Step) -> Self {
        let place = self.steps.partition_point(|(other, _)| *other <= time);
        self.steps.insert(place, (time, step));
        self
    }

    /// A script drawn from `seed`: `misfortunes` between now and `over`, each of which is over by then. Afterwards
    /// the SMSC is up and does what it should.
    ///
    /// `hang` is the longest that its links hang.
    #[must_use]
    pub fn by_chance(seed: u64, misfortunes: usize, over: Duration, hang: Duration) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut script = Self::default();
        for _ in 0..misfortunes {
            script = script.misfortune(&mut random, over, hang);
        }
        script
            .at(over, Step::Faults(Box::default()))
            .at(over, Step::Rate(None))
            .at(over, Step::Delay(Duration::from_millis(10), Duration::ZERO))
            .at(over, Step::Thaw)
            .at(over, Step::Start)
    }

    fn misfortune(self, random: &mut fastrand::Rng, over: Duration, hang: Duration) -> Self {
        let begin = share_of(over, random);
        let end = begin + share_of(over - begin, random);
        match random.u8(0..10) {
            0 => self.at(begin, Step::Cut),
            1 => self.at(begin, Step::Unbind),
            2 => self.at(begin, Step::Freeze).at(end.min(begin + hang), Step::Thaw),
            3 => self.at(begin, Step::Stop).at(end, Step::Start),
            4 => self
                .at(begin, Step::Rate(Some(random.f64() * 20.0 + 0.5)))
                .at(end, Step::Rate(None)),
            5 => {
                let delay = Duration::from_millis(random.u64(0..400));
                let jitter = Duration::from_millis(random.u64(0..2_000));
                self.at(begin, Step::Delay(delay, jitter))
            }
            _ => self
                .at(begin, Step::Faults(Box::new(faults(random))))
                .at(end, Step::Faults(Box::default())),
        }
    }

    /// The steps, in order.
    #[must_use]
    pub fn steps(&self) -> &[(Duration, Step)] {
        &self.steps
    }
}

/// Whole milliseconds, as timers have them.
fn share_of(span: Duration, random: &mut fastrand::Rng) -> Duration {
    Duration::from_millis(span.mul_f64(random.f64()).as_millis() as u64)
}

/// One kind of fault, or two.
fn faults(random: &mut fastrand::Rng) -> Faults {
    let mut faults = Faults::default();
    for _ in 0..random.u8(1..3) {
        let share = random.f64();
        match random.u8(0..25) {
            0 => faults.cut_chance = share * 0.2,
            1 => faults.cut_after = Some(random.u64(1..30)),
            2 => faults.lost_responses = share,
            // It answers enquire_link and nothing else.
            3 => faults.lost_responses = 1.0,
            4 => {
                faults.late_responses = share;
                faults.late_by = Duration::from_millis(random.u64(1_000..15_000));
            }
            5 => faults.doubled_responses = share,
            6 => {
                let kind = random.choice(Nonsense::ALL).copied().unwrap_or(Nonsense::Garbage);
                faults.nonsense = Shares::new([(kind, share * 0.3)]);
            }
            7 | 17 => {
                let statuses = [
                    CommandStatus::ESME_RTHROTTLED,
                    CommandStatus::ESME_RMSGQFUL,
                    CommandStatus::ESME_RSYSERR,
                    CommandStatus::ESME_RINVDSTADR,
                    CommandStatus::ESME_RINVBNDSTS,
                    // One of a vendor.
                    CommandStatus::new(0x0000_0433),
                ];
                let status = random.choice(statuses).unwrap_or(CommandStatus::ESME_RSYSERR);
                faults.refused_messages = Shares::new([(status, share)]);
            }
            8 => {
                let statuses = [
                    CommandStatus::ESME_RALYBND,
                    CommandStatus::ESME_RBINDFAIL,
                    CommandStatus::ESME_RINVPASWD,
                    CommandStatus::ESME_RSYSERR,
                    CommandStatus::ESME_RTHROTTLED,
                ];
                let status = random.choice(statuses).unwrap_or(CommandStatus::ESME_RSYSERR);
                faults.refused_binds = Shares::new([(status, share)]);
                // Only who has to bind anew meets it.
                faults.cut_chance = 0.05;
            }
            9 => {
                faults.silent_binds = share;
                faults.cut_chance = 0.05;
            }
            10 => faults.unbind_chance = share * 0.2,
            11 => faults.overtaken_responses = share,
            12 => faults.early_receipts = share,
            13 => {
                faults.orphaned_receipts = share;
                faults.doubled_receipts = random.f64();
            }
            // These concern connections that are made from now on.
            14 => {
                faults.half_open = share;
                faults.half_open_after = random.u64(1..20);
                faults.cut_chance = 0.05;
            }
            15 => {
                faults.split_writes = share;
                faults.cut_chance = 0.05;
            }
            18 | 19 => {
                faults.odd_responses =
                    Shares::new(random.choice(OddResponse::ALL).map(|kind| (*kind, share)));
            }
            20 => {
                faults.odd_receipts = Shares::new(random.choice(OddReceipt::ALL).map(|kind| (*kind, share)));
            }
            21 => {
                faults.resets = share;
                faults.cut_chance = 0.05;
            }
            22 => {
                faults.slow_reads = share;
                faults.slow_read_rate = random.u64(250..4_000);
                faults.cut_chance = 0.05;
            }
            23 | 24 => {
                faults.restart_every = Some(Duration::from_millis(random.u64(2_000..20_000)));
                faults.restart_for = Duration::from_millis(random.u64(100..8_000));
            }
            _ => {
                faults.joined_writes = share;
                faults.cut_chance = 0.05;
            }
        }
    }
    faults
}

impl Smsc {
    /// Has it go through a script; ready after the last step.
    pub async fn play(&self, script: &Script) {
        let start = Instant::now();
        for (time, step) in script.steps() {
            sleep_until(start + *time).await;
            self.step(step).await;
        }
    }

    async fn step(&self, step: &Step) {
        match step {
            Step::Cut => self.cut_links(),
            Step::Unbind => self.unbind_links(),
            Step::Freeze => self.freeze_links(),
            Step::Thaw => self.thaw_links(),
            Step::Stop => self.stop().await,
            Step::Start => {
                if let Err(error) = self.start().await {
                    tracing::warn!(%error, "cannot start");
                }
            }
            Step::Rate(rate) => self.change(|behaviour| behaviour.rate = *rate),
            Step::Delay(delay, jitter) => self.change(|behaviour| {
                (behaviour.delay, behaviour.jitter) = (*delay, *jitter);
            }),
            Step::Faults(faults) => self.change(|behaviour| behaviour.faults = (**faults).clone()),
            Step::Tls(tls) => self.change(|behaviour| behaviour.tls = Some((**tls).clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn steps_are_played_by_time_and_then_in_the_order_given() {
        let script = Script::default()
            .at(SECOND * 2, Step::Start)
            .at(SECOND, Step::Cut)
            .at(SECOND * 2, Step::Thaw);
        let steps: Vec<_> = script.steps().iter().map(|(_, step)| step.clone()).collect();
        assert_eq!(steps, [Step::Cut, Step::Start, Step::Thaw]);
    }

    #[test]
    fn equal_seeds_give_equal_scripts_that_end_well() {
        let script = |seed| Script::by_chance(seed, 5, SECOND * 60, SECOND);
        assert_eq!(script(7), script(7));
        assert_ne!(script(7), script(8));
        for seed in 0..100 {
            let script = script(seed);
            let steps = script.steps();
            assert_eq!(steps.last(), Some(&(SECOND * 60, Step::Start)));
            let healed = steps
                .iter()
                .rposition(|(_, step)| *step == Step::Faults(Box::default()));
            let ill = steps
                .iter()
                .rposition(|(_, step)| matches!(step, Step::Faults(faults) if **faults != Faults::default()));
            assert!(healed > ill, "seed {seed}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_script_happens_to_its_smsc() {
        let smsc = Smsc::in_memory(super::super::Behaviour::default(), 1);
        let faults = Faults {
            lost_responses: 1.0,
            ..Faults::default()
        };
        let script = Script::default()
            .at(SECOND, Step::Rate(Some(5.0)))
            .at(SECOND, Step::Delay(SECOND, SECOND * 2))
            .at(SECOND * 3, Step::Faults(Box::new(faults.clone())));
        smsc.play(&script).await;
        let behaviour = smsc.behaviour();
        assert_eq!(
            (behaviour.rate, behaviour.delay, behaviour.jitter),
            (Some(5.0), SECOND, SECOND * 2)
        );
        assert_eq!(behaviour.faults, faults);
    }
}
