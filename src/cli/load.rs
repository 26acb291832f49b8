//! `load`: work for any SMSC, through the whole stack.

use std::time::Duration;

use super::args::Load;
use super::output::{Exit, complain};
use super::view::{View, show_summary};
use super::work::{Pace, Work};
use crate::esme::Esme;
use crate::pdu::{RegisteredDelivery, SubmitSm};
use crate::settings::{BindSettings, Settings};
use crate::submit::Submit;

/// Most characters of a text that is one PDU.
const ONE_PART: usize = 160;

/// A message may wait this long for a bind before it has expired.
const VALIDITY: Duration = Duration::from_secs(120);

pub(super) fn load(args: &Load) -> Exit {
    if args.binds == 0 || args.window == 0 || args.rate.is_some_and(|rate| rate <= 0.0) {
        complain("--binds, --window and --rate: expected more than 0");
        return Exit::Wrong;
    }
    // Callers, router and binds share this thread.
    actix_rt::System::new().block_on(run(args))
}

async fn run(args: &Load) -> Exit {
    let settings = settings(args);
    let window: usize = settings.binds.values().map(|bind| bind.window).sum();
    let esme = match Esme::start(settings) {
        Ok(esme) => esme,
        Err(error) => {
            complain(error);
            return Exit::Wrong;
        }
    };
    let view = View::new(args.messages, args.json);
    let mut work = Work::new(&esme);
    let mut made = 0;
    let message = message(args);
    let next = || {
        made += 1;
        (made <= args.messages).then(|| message.clone())
    };
    work.drive(
        &esme,
        Pace::for_window(window),
        args.receipts,
        &view,
        next,
        |_| (),
    )
    .await;
    work.wait_for_receipts().await;
    let status = esme.status().await;
    view.finish();
    show_summary(&work.summary(&status.binds, args.seed), args.json);
    esme.shutdown(Duration::from_secs(10)).await;
    work.exit()
}

/// The binds of SMSC `a` are `a-1`, `a-2` and so on.
fn settings(args: &Load) -> Settings {
    let mut settings = Settings::default();
    for (index, smsc) in args.smsc.iter().enumerate() {
        let account = letters(index);
        for number in 1..=args.binds {
            let mut bind = BindSettings::new(smsc.clone(), args.system_id.as_str(), args.password.as_str())
                .account(account.as_str())
                .window(args.window)
                .response_timeout(args.response_timeout)
                .system_id_max_length(255_usize)
                .password_max_length(255_usize);
            bind.rate = args.rate;
            settings = settings.bind(format!("{account}-{number}"), bind);
        }
    }
    let total = args.smsc.len() * args.binds * args.window;
    settings.router.queue_capacity = settings.router.queue_capacity.max(total.saturating_mul(4));
    settings.router.backlog_capacity = settings.router.backlog_capacity.max(total.saturating_mul(4));
    settings.router.validity = Some(VALIDITY.max(args.response_timeout * 4));
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
