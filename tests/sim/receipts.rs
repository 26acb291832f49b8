//! Whether receipts were told of the messages that they are about.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bindery::esme::Esme;
use bindery::events::{Event, Kinds, ReceiptEvent};
use bindery::pdu::DeliverSm;
use bindery::settings::{BindSettings, Settings};
use bindery::sm::Receipt;
use bindery::smsc::{Behaviour, Faults, MemoryNetwork, OddReceipt, Shares, Smsc};
use bindery::submit::{Reference, Submit, SubmitResult};
use tokio::task::LocalSet;
use tokio::time::sleep;

use crate::ledger::Sight;
use crate::run::runtime;
use crate::traffic::Message;
use crate::truth::Run;
use crate::watcher::Watcher;
use crate::world::secs;

/// Each receipt was told of the part whose id it bears, each result once, and none was told of nobody's message though
/// the caller had the id. Gives how many found their message.
pub(crate) fn check(
    run: &Run<'_>,
    messages: &[&Message],
    outcomes: &BTreeMap<u64, SubmitResult>,
    events: &[Event],
) -> Result<usize, String> {
    let (mut found, mut results) = (BTreeSet::new(), BTreeSet::new());
    let mut count = 0;
    for event in events {
        let Event::Receipt(event) = event else { continue };
        is_true(run, event, &mut results).map_err(|lie| format!("{lie}: {event:?}"))?;
        let Some(receipt) = &event.receipt else { continue };
        match &event.message {
            Some(_) => {
                count += 1;
                found.extend(ids(receipt).map(str::to_owned));
            }
            // What was told before is remembered for a while only.
            None if ids(receipt).any(|id| found.contains(id)) => {}
            None => {
                let known = messages
                    .iter()
                    .find(|message| must_be_known(run, message, outcomes, event, receipt));
                if let Some(message) = known {
                    let number = message.number;
                    return Err(format!("a receipt of message {number} found nothing: {event:?}"));
                }
            }
        }
    }
    Ok(count)
}

/// The ids that a receipt bears; SMSCs here write them in one way.
fn ids<'r>(receipt: &'r Receipt<'_>) -> impl Iterator<Item = &'r str> {
    let text = receipt.id.as_deref();
    text.into_iter().chain(receipt.receipted_message_id.as_deref())
}

/// The part that it was told of has that id, and what its text says is the message.
fn is_true(run: &Run<'_>, event: &ReceiptEvent, results: &mut BTreeSet<u64>) -> Result<(), &'static str> {
    let Some(message) = &event.message else {
        return Ok(());
    };
    let Reference::Number(number) = message.reference else {
        return Err("a receipt of a message without a number");
    };
    if message.result.is_some() && !results.insert(number) {
        return Err("a second result");
    }
    let (Some(receipt), Some(part)) = (&event.receipt, message.part) else {
        return Ok(());
    };
    if numbered(receipt).is_some_and(|said| said != number) {
        return Err("a receipt of another message");
    }
    let sights = run.ledger.messages.get(&number);
    let mut taken = sights.into_iter().flatten().filter(|sight| sight.part == part);
    let bears = |sight: &Sight| ids(receipt).any(|id| sight.id.as_deref() == Some(id));
    if taken.any(bears) {
        Ok(())
    } else {
        Err("a receipt with an id that the part never had")
    }
}

/// The number in the text that a receipt repeats.
fn numbered(receipt: &Receipt<'_>) -> Option<u64> {
    let text = receipt.text.as_deref()?;
    let (number, _) = text.strip_prefix('#')?.split_once('#')?;
    number.parse().ok()
}

/// True where the message was accepted with the id of this receipt, which its account remembers: it has one part, so that
/// its outcome was known with its response, and neither panics nor other settings took the memory away.
fn must_be_known(
    run: &Run<'_>,
    message: &Message,
    outcomes: &BTreeMap<u64, SubmitResult>,
    event: &ReceiptEvent,
    receipt: &Receipt<'_>,
) -> bool {
    let Some(Ok(submitted)) = outcomes.get(&message.number) else {
        return false;
    };
    let remembers = message.parts == 1 && !run.panics && run.settings.len() == 1;
    let id = submitted.message_id().to_string();
    remembers
        && event.account.as_str() == run.account_of(submitted.bind.as_str()).unwrap_or_default()
        && ids(receipt).any(|other| other == id)
}

/// An SMSC that sends receipts of this kind, or none, an ESME with one bind, and whoever watches its receipts.
fn pair(odd: Option<OddReceipt>, bind: BindSettings) -> (Smsc, Esme, Watcher) {
    let faults = Faults {
        odd_receipts: Shares::new(odd.map(|kind| (kind, 1.0))),
        ..Faults::default()
    };
    let behaviour = Behaviour {
        faults,
        receipts_after: odd.map(|_| Duration::ZERO),
        ..Behaviour::default()
    };
    let (network, smsc) = (MemoryNetwork::new(), Smsc::in_memory(behaviour, 1));
    network.add("a", &smsc);
    let settings = Settings::default().bind("a-1", bind);
    let esme = Esme::start_local(settings, network.connector()).unwrap();
    let watcher = Watcher::of(&esme, Kinds::RECEIPTS);
    (smsc, esme, watcher)
}

fn bind() -> BindSettings {
    BindSettings::new("a:2775", "a", "secret")
}

#[test]
fn receipts_of_every_kind_find_their_message_though_nobody_answers_deliveries() {
    for kind in OddReceipt::ALL {
        LocalSet::new().block_on(&runtime(), async {
            let (smsc, esme, watcher) = pair(Some(*kind), bind());
            for number in 0..20_u64 {
                let submit = Submit::text("447700900123", "hello").reference(number).receipt();
                esme.submit(submit).await.unwrap();
            }
            sleep(secs(10)).await;
            let mut found: Vec<_> = watcher.seen().iter().filter_map(reference).collect();
            found.sort_unstable();
            assert_eq!(found, Vec::from_iter(0..20), "{kind:?}");
            assert_eq!(smsc.counters().deliveries_pending, 0, "{kind:?}");
        });
    }
}

/// The number of the message that a receipt was told of.
fn reference(event: &Event) -> Option<u64> {
    match event {
        Event::Receipt(receipt) => match receipt.message.as_ref()?.reference {
            Reference::Number(number) => Some(number),
            _ => None,
        },
        _ => None,
    }
}

#[test]
fn a_text_alone_is_a_receipt_only_from_an_smsc_that_is_known_for_it() {
    for by_text in [false, true] {
        LocalSet::new().block_on(&runtime(), async {
            let (smsc, esme, watcher) = pair(None, bind().receipts_by_text(by_text));
            let submit = Submit::text("447700900123", "hello").reference(7).receipt();
            let accepted = esme.submit(submit).await;
            let id = accepted.unwrap().message_id().to_string();
            let text =
                format!("id:{id} sub:001 dlvrd:001 submit date:2611221656 done date:2611221657 stat:DELIVRD");
            assert!(smsc.deliver(
                "a",
                DeliverSm {
                    short_message: text.as_str().into(),
                    ..DeliverSm::default()
                }
            ));
            sleep(secs(10)).await;
            let told: Vec<_> = watcher.seen().iter().map(reference).collect();
            assert_eq!(told, Vec::from_iter(by_text.then_some(Some(7))));
            let taken = smsc.counters().mobile_originated_delivered;
            assert_eq!(
                taken,
                u64::from(by_text),
                "else it is a message, which nobody answers here"
            );
        });
    }
}
