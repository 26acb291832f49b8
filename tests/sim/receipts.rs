//! Whether receipts were told of the messages that they are about.

use std::collections::{BTreeMap, BTreeSet};

use bindery::events::{Event, ReceiptEvent};
use bindery::sm::Receipt;
use bindery::submit::{Reference, SubmitResult};

use crate::ledger::Sight;
use crate::traffic::Message;
use crate::truth::Run;

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
