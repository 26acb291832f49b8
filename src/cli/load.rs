//! `load`: work for any SMSC, through the whole stack.

use std::sync::Arc;
use std::time::Duration;

use super::args::Load;
use super::descriptors;
use super::output::{Exit, complain};
use super::view::{View, show_summary};
use super::work::Work;
use crate::esme::Esme;
use crate::pdu::{RegisteredDelivery, SubmitSm};
use crate::settings::{BindSettings, BudgetSettings, Settings, TlsSettings};
use crate::submit::Submit;

/// Most characters of a text that is one PDU.
const ONE_PART: usize = 160;

/// Most messages at a time.
const AT_A_TIME: usize = 1_000_000;

/// About how long a bind waits before it connects again the first time.
const BACKOFF: Duration = Duration::from_millis(250);

/// The budget that all binds share when there is a rate.
const BUDGET: &str = "load";

pub(super) fn load(args: &Load) -> Exit {
    // Callers, router and binds share this thread.
    actix_rt::System::new().block_on(run(args))
}

async fn run(args: &Load) -> Exit {
    // Found before the work and not after it.
    if let Some(path) = &args.plot
        && let Err(error) = std::fs::File::create(path)
    {
        complain(format_args!("--plot: cannot write {}: {error}", path.display()));
        return Exit::Wrong;
    }
    let settings = settings(args);
    descriptors::allow(settings.binds.len());
    let window = settings.binds.values().map(|bind| bind.window).sum::<usize>();
    let esme = match Esme::start(settings) {
        Ok(esme) => esme,
        Err(error) => {
            complain(error);
            return Exit::Wrong;
        }
    };
    let view = View::new(&esme, args.messages, args.json);
    let mut work = Work::new(esme);
    if args.plot.is_some() {
        work.keep_timeline();
    }
    work.warm_up().await;
    let message = message(args);
    let mut left = args.messages;
    let next = || {
        left = left.checked_sub(1)?;
        Some(message.clone())
    };
    work.drive(window.min(AT_A_TIME), args.receipts, &view, next, |_| ())
        .await;
    work.wait_for_receipts().await;
    view.finish();
    let timeline = work.take_timeline();
    let (summary, mut exit) = work.finish(args.seed).await;
    show_summary(&summary, args.json);
    if let (Some(path), Some(timeline)) = (&args.plot, timeline)
        && let Err(problem) = timeline.draw(path)
    {
        complain(problem);
        exit = Exit::Failed;
    }
    exit
}

/// The binds of SMSC `a` are `a-1`, `a-2` and so on.
fn settings(args: &Load) -> Settings {
    let mut settings = Settings::default();
    let tls = TlsSettings {
        enabled: args.tls,
        ca_file: args.ca_file.clone(),
        ..TlsSettings::default()
    };
    for (index, smsc) in args.smsc.iter().enumerate() {
        let account = letters(index);
        for number in 1..=args.binds {
            let bind = BindSettings::new(smsc.clone(), args.system_id.as_str(), args.password.as_str())
                .account(account.as_str())
                .window(args.window)
                .response_timeout(args.response_timeout)
                .tls(tls.clone())
                .system_id_max_length(255_usize)
                .password_max_length(255_usize)
                .backoff_initial(BACKOFF)
                .backoff_max(BACKOFF * 4);
            settings = settings.bind(format!("{account}-{number}"), bind);
        }
    }
    if let Some(rate) = args.rate {
        settings = settings.budget(BUDGET, BudgetSettings::new(rate));
        for bind in settings.binds.values_mut().map(Arc::make_mut) {
            bind.budget = Some(BUDGET.into());
        }
    }
    let router = &mut settings.router;
    router.queue_capacity = AT_A_TIME;
    router.backlog_capacity = AT_A_TIME;
    router.validity = None;
    // Whoever loads an SMSC wants its load at once.
    router.connects_per_host = None;
    router.binds_per_second = None;
    settings
}

/// a to z, then aa, ab and so on.
fn letters(index: usize) -> String {
    let letter = char::from(b'a' + u8::try_from(index % 26).unwrap_or_default());
    match index / 26 {
        0 => letter.into(),
        more => format!("{}{letter}", letters(more - 1)),
    }
}

fn message(args: &Load) -> Submit {
    let text = "x".repeat(args.length);
    let wanted = if args.receipts {
        RegisteredDelivery::FINAL
    } else {
        RegisteredDelivery::NONE
    };
    if args.length > ONE_PART {
        return Submit::text("447700900123", text)
            .source("12345")
            .registered_delivery(wanted);
    }
    let submit = SubmitSm {
        source_addr: "12345".try_into().unwrap_or_default(),
        dest_addr_ton: crate::pdu::Ton::INTERNATIONAL,
        dest_addr_npi: crate::pdu::Npi::ISDN,
        destination_addr: "447700900123".try_into().unwrap_or_default(),
        short_message: text.into_bytes().into(),
        ..SubmitSm::default()
    };
    Submit::from(submit).registered_delivery(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smscs_are_lettered() {
        assert_eq!([0, 25, 26, 27, 52].map(letters), ["a", "z", "aa", "ab", "ba"]);
    }
}
