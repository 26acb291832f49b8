//! Filters and the kinds of events that have what they ask for.

use std::sync::Arc;
use std::time::Instant;

use super::{Witness, accepted, alarm, bound, delivery, settle};
use crate::events::*;
use crate::pdu::{
    AlertNotification, CommandId, CommandStatus, DecodeError, DeliverSm, EsmClass, Header, Leniency, Pdu,
    SequenceNumber, view,
};
use crate::session::Passage;
use crate::sm::{CorrelatorLimits, IdRules};
use crate::submit::{AccountId, MessageId, Reference, SubmitError};
use actix::Actor;
use tokio::task::LocalSet;

fn header(command_id: CommandId) -> Header {
    Header {
        command_length: 16,
        command_id,
        command_status: CommandStatus::ESME_ROK,
        sequence_number: SequenceNumber::FIRST,
    }
}

/// What is wrong with a deliver_sm that ends too early.
fn unreadable() -> DecodeError {
    let frame = bytes::Bytes::from_static(b"\0\0\0\x11\0\0\0\x05\0\0\0\0\0\0\0\x01\0");
    view(&frame, &Leniency::strict()).unwrap_err()
}

fn deliver(esm_class: EsmClass, text: &str) -> Delivery {
    delivery(DeliverSm {
        source_addr: "447700900123".try_into().unwrap(),
        destination_addr: "72000".try_into().unwrap(),
        esm_class,
        short_message: text.into(),
        ..DeliverSm::default()
    })
}

/// A receipt that was waited for, and the end of waiting for another.
fn receipts() -> Vec<Event> {
    let hub = Hub::new();
    let mut events = hub.events(Kinds::RECEIPTS, Policy::default());
    let limits = CorrelatorLimits::default();
    let receipts = Receipts::new(AccountId::new("a"), limits, IdRules::default(), hub.clone());
    let start = Instant::now();
    // It comes before its message is known.
    receipts.handle_delivery(&deliver(EsmClass::RECEIPT, "id:m1 stat:DELIVRD"), start);
    receipts.handle_accepted(accepted("m1", 7), start);
    receipts.handle_accepted(accepted("m2", 8), start);
    receipts.handle_timeout(start + limits.keep_for);
    let mut seen = Vec::new();
    while let Some(Some(event)) = futures_util::FutureExt::now_or_never(events.next()) {
        seen.push(event);
    }
    assert_eq!(seen.len(), 2, "{seen:?}");
    seen
}

/// One event of each kind, all that can be said of them included.
fn all() -> Vec<(&'static str, Event)> {
    let (bind, account) = (BindId::from("a-1"), AccountId::new("a"));
    let alert = AlertNotification {
        source_addr: "447700900123".try_into().unwrap(),
        esme_addr: "72000".try_into().unwrap(),
        ..AlertNotification::default()
    };
    let whole = Arc::new(deliver(EsmClass::DEFAULT, "hello"));
    let unreadable = UnreadableEvent {
        bind: bind.clone(),
        account: account.clone(),
        header: header(CommandId::DELIVER_SM),
        error: unreadable(),
        frame: bytes::Bytes::new(),
    };
    let late = LateEvent {
        bind: bind.clone(),
        account: account.clone(),
        reference: Reference::None,
        part: 0,
        sequence: SequenceNumber::FIRST,
        status: CommandStatus::ESME_ROK,
        message_id: MessageId::default(),
    };
    let outcome = OutcomeEvent {
        reference: Reference::None,
        result: Err(SubmitError::Busy),
        awaited: true,
    };
    let mut pdu = PduEvent::unread(
        bind.clone(),
        account.clone(),
        Passage::Received,
        header(CommandId::ALERT_NOTIFICATION),
    );
    pdu.pdu = Ok(Arc::new(Pdu::from(alert.clone())));
    let alerted = AlertEvent::new(bind, account, header(CommandId::ALERT_NOTIFICATION), alert);
    let mut receipts = receipts().into_iter();
    vec![
        ("bind", bound("a-1")),
        ("delivery", Event::Delivery(whole.clone())),
        ("message", Event::Message(Arc::new(InboundMessage::single(whole)))),
        ("receipt", receipts.next().unwrap()),
        ("unfinished", receipts.next().unwrap()),
        ("outcome", Event::Outcome(outcome)),
        ("late", Event::Late(Arc::new(late))),
        ("unreadable", Event::Unreadable(Arc::new(unreadable))),
        ("alarm", alarm()),
        ("alert", Event::Alert(Arc::new(alerted))),
        ("pdu", Event::Pdu(Arc::new(pdu))),
    ]
}

fn missing(filter: &Filter) -> Vec<&'static str> {
    let all = all().into_iter();
    all.filter(|(_, event)| !filter.takes(event))
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn a_filter_misses_only_events_of_which_it_cannot_be_said() {
    let cases = [
        (Filter::all(), vec![]),
        (Filter::all().on("a-1"), vec!["receipt", "unfinished", "outcome"]),
        (Filter::all().account("a"), vec!["outcome"]),
        (
            Filter::all().commands([CommandId::DELIVER_SM, CommandId::ALERT_NOTIFICATION]),
            vec!["bind", "receipt", "unfinished", "outcome", "late", "alarm"],
        ),
        (
            Filter::all().source_prefix("4477"),
            vec!["bind", "unfinished", "outcome", "late", "unreadable", "alarm"],
        ),
        (
            Filter::all().destination_prefix("72"),
            vec!["bind", "unfinished", "outcome", "late", "unreadable", "alarm"],
        ),
        (Filter::all().receipts(false), vec!["receipt", "unfinished"]),
    ];
    for (filter, expected) in cases {
        assert_eq!(missing(&filter), expected, "{filter:?}");
    }
    let everything = all().len();
    for other in [
        Filter::all().on("b-1"),
        Filter::all().account("b"),
        Filter::all().commands([CommandId::SUBMIT_SM]),
        Filter::all().source_prefix("4478"),
        Filter::all().destination_prefix("447"),
    ] {
        assert_eq!(missing(&other).len(), everything, "{other:?}");
    }
}

#[tokio::test]
async fn alarms_and_phases_of_other_accounts_do_not_reach_a_subscriber() {
    LocalSet::new()
        .run_until(async {
            let hub = Hub::new();
            let (own, other) = (Witness::default(), Witness::default());
            hub.subscribe(own.clone().start().recipient(), Filter::all().account("a"));
            hub.subscribe(other.clone().start().recipient(), Filter::all().account("b"));
            hub.emit(bound("a-1"));
            hub.emit(alarm());
            let single = Arc::new(deliver(EsmClass::DEFAULT, "hello"));
            let later = hub.answer_unasked(&single, CommandStatus::ESME_RX_T_APPN);
            assert_eq!(later, Answer::ok());
            settle().await;
            let kinds: Vec<_> = own.seen().iter().map(Event::kind).collect();
            assert_eq!(kinds, [Kinds::BINDS, Kinds::ALARMS]);
            assert!(other.seen().is_empty());
        })
        .await;
}

#[test]
fn the_addresses_of_a_receipt_are_shown_only_where_addresses_are() {
    let [matched, _] = &receipts()[..] else {
        panic!("two receipts")
    };
    let shown = format!("{matched:?}");
    assert!(
        !shown.contains("447700900123") && !shown.contains("72000"),
        "{shown}"
    );
}
