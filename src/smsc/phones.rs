//! Messages from phones, at the rate that the behaviour asks for.

use std::time::{Duration, Instant};

use super::behaviour::MobileOriginated;
use crate::pdu::{DataCoding, DeliverSm, Npi, Ton};

/// The phones that write to one account.
#[derive(Clone, Copy, Debug)]
pub(super) struct Phones {
    since: Instant,
    sent: u64,
}

impl Phones {
    /// Phones that write from `now` on, the first message one interval later.
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, sent: 0 }
    }

    /// When the next message is sent; none when there is no next one.
    pub(super) fn next_due(&self, plan: &MobileOriginated) -> Option<Instant> {
        if plan.count.is_some_and(|count| self.sent >= count) || plan.rate.is_nan() || plan.rate <= 0.0 {
            return None;
        }
        // Counted from the start every time, so that errors of rounding do not add up.
        let seconds = (self.sent + 1) as f64 / plan.rate;
        self.since.checked_add(Duration::try_from_secs_f64(seconds).ok()?)
    }

    /// The next message that is due.
    pub(super) fn poll(&mut self, plan: &MobileOriginated, now: Instant) -> Option<DeliverSm> {
        if self.next_due(plan)? > now {
            return None;
        }
        self.sent += 1;
        let text = format!("{} #{}#", plan.text, self.sent);
        Some(DeliverSm {
            source_addr_ton: Ton::INTERNATIONAL,
            source_addr_npi: Npi::ISDN,
            source_addr: plan.source.as_str().try_into().unwrap_or_default(),
            destination_addr: plan.destination.as_str().try_into().unwrap_or_default(),
            data_coding: DataCoding::DEFAULT,
            short_message: text.as_str().into(),
            ..DeliverSm::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_keep_their_rate_and_their_count() {
        let start = Instant::now();
        let plan = MobileOriginated {
            rate: 10.0,
            count: Some(3),
            ..MobileOriginated::default()
        };
        let mut phones = Phones::new(start);
        let mut sent = Vec::new();
        for step in 1..=100_u64 {
            let now = start + Duration::from_millis(step * 50);
            while let Some(message) = phones.poll(&plan, now) {
                sent.push((
                    step * 50,
                    String::from_utf8(message.short_message.to_vec()).unwrap(),
                ));
            }
        }
        let expected = [(100, "Hello #1#"), (200, "Hello #2#"), (300, "Hello #3#")];
        assert_eq!(sent, expected.map(|(at, text)| (at, text.to_string())));
        assert_eq!(phones.next_due(&plan), None);
    }

    #[test]
    fn phones_without_a_rate_are_silent() {
        for rate in [0.0, -1.0, f64::NAN, f64::MIN_POSITIVE] {
            let plan = MobileOriginated {
                rate,
                ..MobileOriginated::default()
            };
            assert_eq!(Phones::new(Instant::now()).next_due(&plan), None, "{rate}");
        }
    }
}
