//! Where messages go, through the door and against embedded SMSCs, in virtual time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::{Actor, Context, Handler};
use bindery::esme::Esme;
use bindery::events::{Event, Kinds};
use bindery::pdu::{CommandStatus, QuerySm};
use bindery::router::Way;
use bindery::settings::{BindSettings, Mode, RouteSettings, Settings};
use bindery::smsc::{Behaviour, MemoryNetwork, Smsc};
use bindery::submit::{Request, Submit, SubmitError};
use tokio::task::LocalSet;
use tokio::time::sleep;

async fn local(test: impl Future<Output = ()>) {
    LocalSet::new().run_until(test).await;
}

fn bind(host: &str) -> BindSettings {
    BindSettings::new(format!("{host}:2775").as_str(), "a", "secret")
}

/// Two SMSCs that are slow to finish a message, and what reaches them.
fn network() -> (MemoryNetwork, [Smsc; 2]) {
    let network = MemoryNetwork::new();
    let smscs = [("one", 1), ("other", 2)].map(|(host, seed)| {
        let behaviour = Behaviour {
            receipts_after: Some(Duration::from_secs(60)),
            witness: true,
            ..Behaviour::default()
        };
        let smsc = Smsc::in_memory(behaviour, seed);
        network.add(host, &smsc);
        smsc
    });
    (network, smscs)
}

async fn started(settings: Settings, network: &MemoryNetwork) -> Esme {
    let esme = Esme::start_local(settings, network.connector()).unwrap();
    sleep(Duration::from_millis(50)).await;
    esme
}

/// Notes on which bind receipts came, by the reference of their message.
#[derive(Clone, Default)]
struct Receipts(Arc<Mutex<BTreeMap<String, String>>>);

impl Actor for Receipts {
    type Context = Context<Self>;
}

impl Handler<Event> for Receipts {
    type Result = ();

    fn handle(&mut self, event: Event, _: &mut Context<Self>) {
        if let Event::Receipt(receipt) = event
            && let (Some(message), Some(bind)) = (&receipt.message, &receipt.bind)
        {
            let mut seen = self.0.lock().unwrap();
            seen.insert(message.reference.to_string(), bind.to_string());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_transmitter_and_a_receiver_are_one_bind_to_those_who_send() {
    local(async {
        let (network, _smscs) = network();
        let settings = Settings::default()
            .bind("tx", bind("one").account("acme").mode(Mode::Transmitter))
            .bind("rx", bind("one").account("acme").mode(Mode::Receiver))
            .route("acme", RouteSettings::default().account("acme").destination("44"));
        let esme = started(settings, &network).await;
        let receipts = Receipts::default();
        esme.subscribe(receipts.clone().start().recipient(), Kinds::RECEIPTS);
        for reference in 0..10_u64 {
            let message = Submit::text("447700900123", "hello")
                .receipt()
                .reference(reference);
            assert_eq!(esme.submit(message).await.unwrap().bind.as_str(), "tx");
        }
        sleep(Duration::from_secs(61)).await;
        let seen = receipts.0.lock().unwrap().clone();
        assert_eq!(seen.len(), 10);
        assert!(seen.values().all(|bind| bind == "rx"), "{seen:?}");
        esme.shutdown(Duration::ZERO).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn all_parts_of_a_message_go_by_one_bind_in_order() {
    local(async {
        let (network, smscs) = network();
        let settings = Settings::default()
            .bind("one", bind("one").account("acme").window(3_usize))
            .bind("other", bind("other").account("acme").window(3_usize));
        let esme = started(settings, &network).await;
        let long = |number: u64| {
            let text = format!("Message #{number}# {}", "x".repeat(900));
            Submit::text("447700900123", text).reference(number)
        };
        let results = esme.submit_batch((0..20).map(long)).await;
        let mut by_bind = [0, 0];
        for result in &results {
            let submitted = result.as_ref().unwrap();
            assert_eq!(submitted.message_ids.iter().count(), 6);
            by_bind[usize::from(submitted.bind.as_str() == "other")] += 1;
        }
        assert!(by_bind.iter().all(|count| *count > 0), "{by_bind:?}");
        // Each SMSC saw whole messages only, so no part went astray.
        let accepted = smscs.map(|smsc| smsc.counters().messages);
        assert_eq!(accepted, by_bind.map(|count| count * 6));
        esme.shutdown(Duration::ZERO).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_asks_about_a_message_goes_where_its_id_is_known() {
    local(async {
        let (network, _smscs) = network();
        let settings = Settings::default()
            .bind("one", bind("one"))
            .bind("other", bind("other").window(100_usize));
        let esme = started(settings, &network).await;
        let message = Submit::text("447700900123", "hello").bind("one").receipt();
        let submitted = esme.submit(message).await.unwrap();
        let query = |message_id: &str| QuerySm {
            message_id: message_id.try_into().unwrap(),
            ..QuerySm::default()
        };
        let asked = esme
            .request(Request::new(query(&submitted.message_id().to_text())))
            .await
            .unwrap();
        assert_eq!(
            (asked.bind.as_str(), asked.status),
            ("one", CommandStatus::ESME_ROK),
            "though the other has more room"
        );
        let unknown = esme.request(Request::new(query("nobody's"))).await.unwrap();
        assert_eq!(unknown.bind.as_str(), "other");
        esme.shutdown(Duration::ZERO).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_at_the_router_or_at_a_bind_can_be_taken_back() {
    local(async {
        let (network, smscs) = network();
        smscs[0].change(|behaviour| behaviour.delay = Duration::from_secs(5));
        let settings = Settings::default().bind("one", bind("one").window(1_usize).rate(1.0));
        let esme = started(settings, &network).await;
        let outcomes: Vec<_> = (0..5_u64)
            .map(|number| {
                let text = format!("Message #{number}#");
                let message = Submit::text("447700900123", text).reference(number);
                esme.try_submit(message).unwrap()
            })
            .collect();
        sleep(Duration::from_millis(100)).await;
        let mut cancelled = Vec::new();
        for reference in 0..5_u64 {
            cancelled.push(esme.cancel(reference).await);
        }
        assert_eq!(cancelled, [0, 1, 1, 1, 1], "the first is written");
        let mut ends = Vec::new();
        for outcome in outcomes {
            ends.push(outcome.await.map(|_| ()));
        }
        assert_eq!(ends[0], Ok(()));
        assert!(
            ends[1..].iter().all(|end| *end == Err(SubmitError::Cancelled)),
            "{ends:?}"
        );
        assert_eq!(smscs[0].counters().messages, 1);
        esme.shutdown(Duration::ZERO).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn where_a_message_would_go_is_told_and_nothing_is_sent() {
    local(async {
        let (network, smscs) = network();
        let settings = Settings::default()
            .bind("one", bind("one"))
            .bind("other", bind("other"))
            .route("uk", RouteSettings::new(["one"]).destination("44"));
        let esme = started(settings, &network).await;
        let explained = esme
            .explain(Submit::text("+447700900123", "hello"))
            .await
            .unwrap();
        assert!(matches!(explained.way, Way::Matched { .. }));
        assert_eq!(explained.taken_by.unwrap().as_str(), "one");
        let refused = esme.explain(Submit::text("33123456789", "hello")).await.unwrap();
        assert_eq!((refused.way, refused.taken_by), (Way::None, None));
        assert_eq!(smscs.map(|smsc| smsc.counters().messages), [0, 0]);
        esme.shutdown(Duration::ZERO).await;
        assert_eq!(esme.explain(Submit::text("1", "hello")).await, None);
    })
    .await;
}
