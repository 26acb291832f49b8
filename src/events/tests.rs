mod filters;
mod inbox;
mod subscriptions;

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

/// Keeps what it is told, takes what it is asked about.
#[derive(Clone, Default)]
struct Witness {
    seen: Arc<Mutex<Vec<Event>>>,
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
        Answer::ok()
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
    Event::Alarm(AlarmEvent {
        account: Some("a".into()),
        alarm: Alarm::GaveUp { bind: "a-1".into() },
    })
}

fn bound(bind: &str) -> Event {
    Event::Bind(BindEvent {
        bind: bind.into(),
        account: "a".into(),
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
            assert!(matches!(
                stays.seen()[..],
                [Event::Alarm(AlarmEvent {
                    alarm: Alarm::SubscriberGone,
                    ..
                })]
            ));
            assert!(!hub.wants(Kinds::BINDS));
        })
        .await;
}

#[tokio::test]
async fn a_message_in_nobodys_duty_is_taken_if_a_subscriber_gets_it() {
    LocalSet::new()
        .run_until(async {
            let hub = Hub::new();
            let refused = CommandStatus::ESME_RSYSERR;
            let message = Arc::new(message("hi"));
            let watcher = Witness::default();
            let address = watcher.clone().start();
            hub.subscribe(address.clone().recipient(), Kinds::ALARMS);
            let elsewhere = Filter::kinds(Kinds::DELIVERIES).on("b-1");
            hub.subscribe(address.clone().recipient(), elsewhere);
            assert_eq!(hub.answer_unasked(&message, refused), refused.into());
            settle().await;
            assert!(matches!(
                watcher.seen()[..],
                [Event::Alarm(AlarmEvent {
                    alarm: Alarm::Unhandled { .. },
                    ..
                })]
            ));
            hub.subscribe(address.recipient(), Kinds::DELIVERIES);
            assert_eq!(hub.answer_unasked(&message, refused), Answer::ok());
        })
        .await;
}

/// Who answers a deliver_sm of account `a`, on `bind`, from 447700900123 to 4477.
fn asked(hub: &Hub, bind: &str) -> &'static str {
    let (bind, account) = (bind.into(), "a".into());
    let covered = Covered {
        kind: DeliveryKind::DeliverSm,
        bind: &bind,
        account: &account,
        source: "447700900123",
        destination: "4477",
    };
    match hub.who_answers(&covered) {
        Asking::Nobody => "nobody",
        Asking::Dead => "dead",
        Asking::One(answerer) => match answerer.name() {
            "all" => "all",
            "account" => "account",
            "bind" => "bind",
            "source" => "source",
            "destination" => "destination",
            "longer" => "longer",
            other => panic!("{other}"),
        },
    }
}

#[tokio::test]
async fn the_answerer_with_the_most_specific_duty_is_asked() {
    LocalSet::new()
        .run_until(async {
            let hub = Hub::new();
            let add = |duty: Duty| {
                hub.answer_deliveries(Witness::default().start().recipient(), duty)
                    .unwrap()
            };
            assert_eq!(asked(&hub, "a-1"), "nobody");
            let data = DeliveryKind::DataSm;
            let elsewhere = [
                Duty::all().only(data),
                Duty::all().only(data).on("a-1"),
                Duty::all().account("b"),
                Duty::all().source_prefix("45"),
                Duty::all().destination_prefix("44779"),
            ];
            for duty in elsewhere {
                add(duty);
            }
            assert_eq!(asked(&hub, "a-1"), "nobody");

            // Each before the ones above it.
            let all = add(Duty::named("all").only(DeliveryKind::DeliverSm));
            assert_eq!(asked(&hub, "a-1"), "all");
            add(Duty::named("source").source_prefix("447700900123"));
            assert_eq!(asked(&hub, "a-1"), "source");
            add(Duty::named("destination").destination_prefix("44"));
            assert_eq!(asked(&hub, "a-1"), "destination");
            let longer = add(Duty::named("longer").destination_prefix("447"));
            assert_eq!(asked(&hub, "a-1"), "longer");
            add(Duty::named("account").account("a"));
            assert_eq!(asked(&hub, "a-1"), "account");
            add(Duty::named("bind").on("a-1").only(DeliveryKind::DeliverSm));
            assert_eq!((asked(&hub, "a-1"), asked(&hub, "a-2")), ("bind", "account"));

            // In whichever order they came.
            assert!(hub.dismiss(all) && hub.dismiss(longer) && !hub.dismiss(longer));
            add(Duty::named("longer").source_prefix("4").account("a"));
            assert_eq!((asked(&hub, "a-1"), asked(&hub, "a-2")), ("bind", "longer"));
        })
        .await;
}

#[tokio::test]
async fn two_answerers_with_the_same_duty_are_an_error_that_names_both() {
    LocalSet::new()
        .run_until(async {
            let hub = Hub::new();
            let add = |duty| hub.answer_deliveries(Witness::default().start().recipient(), duty);
            add(Duty::named("votes").destination_prefix("72")).unwrap();
            let refused = add(Duty::named("chat")
                .destination_prefix("72")
                .only(DeliveryKind::DataSm));
            let refused = refused.unwrap_err();
            assert_eq!((&*refused.name, &*refused.other), ("chat", "votes"));
            assert_eq!(
                refused.to_string(),
                "chat: what it is to answer is answered by votes already"
            );
            add(Duty::named("chat").destination_prefix("72").source_prefix("44")).unwrap();
            let nameless = add(Duty::all()).unwrap();
            assert!(
                add(Duty::all().order(AnswerOrder::Source)).is_err(),
                "{nameless:?}"
            );
        })
        .await;
}

#[tokio::test]
async fn a_dead_answerer_keeps_its_duty_until_another_takes_it_over() {
    LocalSet::new()
        .run_until(async {
            let hub = Hub::new();
            let watcher = Witness::default();
            hub.subscribe(watcher.clone().start().recipient(), Kinds::ALARMS);
            let answerer = Witness::default().start();
            let recipient = || Witness::default().start().recipient();
            hub.answer_deliveries(recipient(), Duty::named("all")).unwrap();
            hub.answer_deliveries(answerer.clone().recipient(), Duty::named("bind").on("a-1"))
                .unwrap();
            answerer.send(Stop).await.unwrap();
            settle().await;
            for _ in 0..3 {
                assert_eq!((asked(&hub, "a-1"), asked(&hub, "a-2")), ("dead", "all"));
            }
            settle().await;
            let seen = watcher.seen();
            let [
                Event::Alarm(AlarmEvent {
                    alarm: Alarm::AnswererGone { name },
                    ..
                }),
            ] = &seen[..]
            else {
                panic!("{seen:?}")
            };
            assert_eq!(&**name, "bind");
            hub.answer_deliveries(recipient(), Duty::named("bind").on("a-1"))
                .unwrap();
            assert_eq!(asked(&hub, "a-1"), "bind");
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
    assert_eq!(Accepted::of(&mut job, 0), None);
    job.handle_sent(0, &"a-1".into(), SequenceNumber::FIRST);
    job.handle_accepted(0, MessageId::try_from(id).unwrap(), Instant::now());
    Accepted::of(&mut job, 0)
}

#[test]
fn a_delivery_says_who_sent_what() {
    let delivery = message("grüezi");
    assert_eq!(delivery.source(), "447700900123");
    assert_eq!(message("hello").text().unwrap(), "hello");
    assert!(!delivery.is_receipt() && receipt("1").is_receipt());
}
