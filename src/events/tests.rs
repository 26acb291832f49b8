use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix::{Actor, ActorContext, Context, Handler, Message};
use tokio::task::LocalSet;

use super::*;
use crate::pdu::{
    CommandStatus, DeliverSm, EsmClass, Leniency, Pdu, PduView, RegisteredDelivery, SequenceNumber, SubmitSm,
    view,
};
use crate::sm::{CorrelatorLimits, IdRules};
use crate::submit::{AccountId, Job, MessageId, Parts, Reply};

/// Keeps what it is told, answers what it is asked.
#[derive(Clone, Default)]
struct Witness {
    seen: Arc<Mutex<Vec<Event>>>,
    answer: CommandStatus,
}

impl Actor for Witness {
    type Context = Context<Self>;
}

impl Handler<Event> for Witness {
    type Result = ();

    fn handle(&mut self, event: Event, _: &mut Context<Self>) {
        self.seen.lock().unwrap().push(event);
    }
}

impl Handler<Delivery> for Witness {
    type Result = Answer;

    fn handle(&mut self, _: Delivery, _: &mut Context<Self>) -> Answer {
        self.answer.into()
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct Stop;

impl Handler<Stop> for Witness {
    type Result = ();

    fn handle(&mut self, _: Stop, context: &mut Context<Self>) {
        context.stop();
    }
}

impl Witness {
    fn seen(&self) -> Vec<Event> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

async fn settle() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

fn delivery(body: DeliverSm) -> Delivery {
    let mut frame = Vec::new();
    Pdu::from(body)
        .encode(CommandStatus::ESME_ROK, SequenceNumber::FIRST, &mut frame)
        .unwrap();
    let frame = bytes::Bytes::from(frame);
    let seen = view(&frame, &Leniency::strict()).unwrap();
    let (header, body): (_, PduView<'_>) = (seen.header, seen.body);
    Delivery::new(
        "a-1".into(),
        "a".into(),
        header,
        &body,
        seen.faults,
        frame.clone(),
    )
}

fn message(text: &str) -> Delivery {
    delivery(DeliverSm {
        source_addr: "447700900123".try_into().unwrap(),
        short_message: text.into(),
        ..DeliverSm::default()
    })
}

fn receipt(id: &str) -> Delivery {
    let text =
        format!("id:{id} sub:001 dlvrd:001 submit date:2401010000 done date:2401010000 stat:DELIVRD err:000");
    delivery(DeliverSm {
        esm_class: EsmClass::RECEIPT,
        short_message: text.as_str().into(),
        ..DeliverSm::default()
    })
}

fn alarm() -> Event {
    Event::Alarm(Alarm::GaveUp { bind: "a-1".into() })
}

fn bound(bind: &str) -> Event {
    Event::Bind(BindEvent {
        bind: bind.into(),
        phase: Phase::Bound,
        cause: Cause::Progress,
    })
}

fn kinds(events: &[Event]) -> Vec<Kinds> {
    events.iter().map(Event::kind).collect()
}

#[tokio::test]
async fn subscribers_get_what_they_asked_for_and_no_more() {
    LocalSet::new()
        .run_until(async {
            let hub = Hub::new();
            assert!(!hub.wants(Kinds::ALL));
            let (alarms, all, one) = (Witness::default(), Witness::default(), Witness::default());
            let subscription = hub.subscribe(alarms.clone().start().recipient(), Kinds::ALARMS);
            assert!(hub.wants(Kinds::ALARMS) && !hub.wants(Kinds::BINDS));
            hub.subscribe(all.clone().start().recipient(), Filter::all());
            hub.subscribe(
                one.clone().start().recipient(),
                Filter::kinds(Kinds::BINDS).on("b-1"),
            );

            hub.emit(bound("a-1"));
            hub.emit(bound("b-1"));
            hub.emit(alarm());
            settle().await;
            assert_eq!(kinds(&alarms.seen()), [Kinds::ALARMS]);
            assert_eq!(kinds(&all.seen()), [Kinds::BINDS, Kinds::BINDS, Kinds::ALARMS]);
            assert_eq!(kinds(&one.seen()), [Kinds::BINDS]);

            assert!(hub.unsubscribe(subscription) && !hub.unsubscribe(subscription));
            hub.emit(alarm());
            settle().await;
            assert_eq!(kinds(&alarms.seen()), []);
        })
        .await;
}

#[tokio::test]
async fn a_subscriber_that_is_gone_is_dropped_and_reported() {
    LocalSet::new()
        .run_until(async {
            let hub = Hub::new();
            let (gone, stays) = (Witness::default().start(), Witness::default());
            hub.subscribe(gone.clone().recipient(), Filter::all());
            hub.subscribe(stays.clone().start().recipient(), Kinds::ALARMS);
            gone.send(Stop).await.unwrap();
            settle().await;
            hub.emit(bound("a-1"));
            settle().await;
            assert!(matches!(stays.seen()[..], [Event::Alarm(Alarm::SubscriberGone)]));
            assert!(!hub.wants(Kinds::BINDS));
        })
        .await;
}

#[tokio::test]
async fn a_message_is_answered_by_its_handler_or_by_whether_anybody_takes_it() {
    LocalSet::new()
        .run_until(async {
            let hub = Hub::new();
            let refused = CommandStatus::ESME_RSYSERR;
            let now = |hub: &Hub, delivery: &Delivery| match hub.answer(delivery, refused) {
                Answering::Now(answer) => answer,
                Answering::Later(_) => panic!("somebody was asked"),
            };
            let watcher = Witness::default();
            hub.subscribe(watcher.clone().start().recipient(), Kinds::ALARMS);
            assert_eq!(now(&hub, &message("hi")), Answer::from(refused));
            settle().await;
            assert!(matches!(
                watcher.seen()[..],
                [Event::Alarm(Alarm::Unhandled { .. })]
            ));
            assert_eq!(now(&hub, &receipt("1")), Answer::ok());

            hub.subscribe(watcher.clone().start().recipient(), Kinds::DELIVERIES);
            assert_eq!(now(&hub, &message("hi")), Answer::ok());

            let status = CommandStatus::ESME_RMSGQFUL;
            let answerer = Witness {
                answer: status,
                ..Witness::default()
            };
            let address = answerer.start();
            hub.answer_deliveries(address.clone().recipient()).unwrap();
            let second = Witness::default().start();
            assert_eq!(
                hub.answer_deliveries(second.clone().recipient()),
                Err(HubError::AnswererExists)
            );
            let Answering::Later(answer) = hub.answer(&message("hi"), refused) else {
                panic!("nobody was asked")
            };
            assert_eq!(answer.await.unwrap(), Answer::from(status));
            assert_eq!(now(&hub, &receipt("1")), Answer::ok());

            address.send(Stop).await.unwrap();
            settle().await;
            assert_eq!(now(&hub, &message("hi")), Answer::later());
            settle().await;
            assert!(matches!(watcher.seen()[..], [Event::Alarm(Alarm::AnswererGone)]));
            assert_eq!(hub.answer_deliveries(second.recipient()), Ok(()));
        })
        .await;
}

#[tokio::test]
async fn receipts_find_their_message_and_orphans_are_events_too() {
    LocalSet::new()
        .run_until(async {
            let hub = Hub::new();
            let watcher = Witness::default();
            hub.subscribe(watcher.clone().start().recipient(), Kinds::RECEIPTS);
            let limits = CorrelatorLimits {
                park_for: Duration::from_secs(5),
                ..CorrelatorLimits::default()
            };
            let receipts = Receipts::new(AccountId::new("a"), limits, IdRules::default(), hub.clone());
            let start = Instant::now();

            receipts.handle_accepted(accepted("m1", 7), start);
            receipts.handle_delivery(&receipt("m1"), start);
            receipts.handle_delivery(&receipt("m2"), start); // before its response
            receipts.handle_delivery(&receipt("m3"), start); // nobody's
            receipts.handle_delivery(&message("no receipt"), start);
            receipts.handle_accepted(accepted("m2", 8), start + Duration::from_secs(1));
            assert_eq!(receipts.sizes(), (2, 1));
            receipts.handle_timeout(receipts.poll_timeout().unwrap());
            settle().await;

            let seen = watcher.seen();
            let references: Vec<_> = seen
                .iter()
                .map(|event| match event {
                    Event::Receipt(receipt) => {
                        receipt.message.as_ref().map(|message| message.reference.clone())
                    }
                    other => panic!("{other:?}"),
                })
                .collect();
            assert_eq!(
                references,
                [Some(Reference::Number(7)), Some(Reference::Number(8)), None]
            );
        })
        .await;
}

fn accepted(id: &str, reference: u64) -> Option<Accepted> {
    let submit = SubmitSm {
        registered_delivery: RegisteredDelivery::FINAL,
        ..SubmitSm::default()
    };
    let reply = Reply::to_nobody(reference.into());
    let mut job = Job::new(Parts::One(submit.into()), reply);
    assert_eq!(Accepted::of(&job), None);
    job.handle_sent(0, &"a-1".into(), SequenceNumber::FIRST);
    job.handle_accepted(0, MessageId::try_from(id).unwrap(), Instant::now());
    Accepted::of(&job)
}

#[test]
fn a_delivery_says_who_sent_what() {
    let delivery = message("grüezi");
    assert_eq!(delivery.source(), "447700900123");
    assert_eq!(message("hello").text().unwrap(), "hello");
    assert!(!delivery.is_receipt() && receipt("1").is_receipt());
}
