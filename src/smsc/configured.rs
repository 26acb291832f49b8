//! A behaviour out of the configuration.

use super::{Account, Behaviour, Faults, IdFormat, Limits, MessageIds, MobileOriginated, Shares};
use crate::settings::{IdDigits, SmscFaultSettings, SmscSettings};

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
            tls: settings.tls.enabled.then(|| settings.tls.clone()),
            faults: faults.into(),
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

impl From<&SmscFaultSettings> for Faults {
    fn from(settings: &SmscFaultSettings) -> Self {
        Self {
            cut_after: settings.cut_after,
            cut_chance: settings.cut_chance,
            unbind_chance: settings.unbind_chance,
            lost_responses: settings.lost_responses,
            late_responses: settings.late_responses,
            late_by: settings.late_by,
            doubled_responses: settings.doubled_responses,
            overtaken_responses: settings.overtaken_responses,
            nonsense: Shares::new(settings.nonsense.iter()),
            odd_responses: Shares::new(settings.odd_responses.iter()),
            refused_messages: Shares::new(settings.refused_messages.iter()),
            refused_binds: Shares::new(settings.refused_binds.iter()),
            silent_binds: settings.silent_binds,
            half_open: settings.half_open,
            half_open_after: settings.half_open_after,
            doubled_receipts: settings.doubled_receipts,
            early_receipts: settings.early_receipts,
            orphaned_receipts: settings.orphaned_receipts,
            odd_receipts: Shares::new(settings.odd_receipts.iter()),
            resets: settings.resets,
            split_writes: settings.split_writes,
            joined_writes: settings.joined_writes,
            joined_for: settings.joined_for,
            slow_reads: settings.slow_reads,
            slow_read_rate: settings.slow_read_rate,
            restart_every: settings.restart_every,
            restart_for: settings.restart_for,
            holds_sessions: settings.holds_sessions,
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
