//! What an SMSC of a seed does wrong from the beginning, by the keys of its configuration.

use bindery::pdu::CommandStatus;
use bindery::smsc::{Faults, OddReceipt, OddResponse, Shares};
use fastrand::Rng;

use crate::world::{chance, millis, secs};

/// A few faults at once, each now and then. They hold until the script of the SMSC has others.
pub(crate) fn faults(random: &mut Rng) -> Faults {
    let mut faults = Faults::default();
    let some = |random: &mut Rng| random.f64() * 0.2;
    if chance(random, 0.5) {
        let kinds = OddResponse::ALL.iter().map(|kind| (*kind, some(random)));
        faults.odd_responses = Shares::new(kinds);
    }
    if chance(random, 0.5) {
        let kinds = OddReceipt::ALL.iter().map(|kind| (*kind, some(random)));
        faults.odd_receipts = Shares::new(kinds);
    }
    if chance(random, 0.3) {
        // Those of vendors, which only they know the meaning of.
        let status = CommandStatus::new(random.u32(0x400..0x500));
        faults.refused_messages = Shares::new([(status, some(random))]);
    }
    if chance(random, 0.3) {
        faults.slow_reads = random.f64();
        faults.slow_read_rate = random.u64(250..4_000);
    }
    if chance(random, 0.4) {
        faults.resets = random.f64();
    }
    if chance(random, 0.4) {
        faults.restart_every = Some(secs(random.u64(2..40)));
        faults.restart_for = millis(random.u64(100..8_000));
    }
    faults
}
