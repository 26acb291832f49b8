//! A behaviour out of the configuration.

use super::{Account, Behaviour, Faults, IdFormat, Limits, MessageIds, MobileOriginated, Shares};
use crate::settings::{IdDigits, SmscSettings};

impl From<&SmscSettings> for Behaviour {
    fn from(settings: &SmscSettings) -> Self {
        let accounts = settings.accounts.iter().map(|(name, account)| Account {
            system_id: account.system_id.clone().unwrap_or_else(|| name.clone()),
            password: account.password.expose().to_owned(),
            max_binds: account.max_binds,
            rate: account.rate,
        });
        let phones = &settings.mobile_originated;
        let mobile_originated = phones.rate.map(|rate| MobileOriginated {
            rate,
            count: phones.count,
            source: phones.source.clone(),
            destination: phones.destination.clone(),
            text: phones.text.clone(),
        });
        let (faults, limits) = (&settings.faults, &settings.limits);
        Self {
            accounts: accounts.collect(),
            system_id: settings.system_id.clone(),
            delay: settings.delay,
            jitter: settings.jitter,
            rate: settings.rate,
            message_ids: MessageIds {
                first: settings.message_ids.first,
                in_responses: settings.message_ids.response.into(),
                in_receipts: settings.message_ids.receipt.into(),
            },
            receipts_after: settings.receipts_after,
            receipts_jitter: settings.receipts_jitter,
            final_states: Shares::new(settings.final_states.iter()),
            retry_after: settings.retry_after,
            mobile_originated,
            faults: Faults {
                cut_after: faults.cut_after,
                cut_chance: faults.cut_chance,
                lost_responses: faults.lost_responses,
                refused_messages: Shares::new(faults.refused_messages.iter()),
                refused_binds: Shares::new(faults.refused_binds.iter()),
                doubled_receipts: faults.doubled_receipts,
                holds_sessions: faults.holds_sessions,
                // The rest is for tests, which set it themselves.
                ..Faults::default()
            },
            limits: Limits {
                connections: limits.connections,
                accounts: limits.accounts,
                session_init: limits.session_init,
                enquire_link: limits.enquire_link,
                window: limits.window,
                response_timeout: limits.response_timeout,
                unanswered: limits.unanswered,
                remembered: limits.remembered,
                deliveries: limits.deliveries,
                ..Limits::default()
            },
            witness: false,
        }
    }
}

impl From<IdDigits> for IdFormat {
    fn from(digits: IdDigits) -> Self {
        match digits {
            IdDigits { hex: false, width } => Self::Decimal { width },
            IdDigits { hex: true, width } => Self::Hex { width },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_of_both_sides_agree() {
        assert_eq!(Behaviour::from(&SmscSettings::default()), Behaviour::default());
    }
}
