//! Receipts and their messages through the door: early, late, doubled, on the other bind, and a store of one's own.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bindery::esme::EsmeSetup;
use bindery::events::{Event, Kinds};
use bindery::settings::{BindSettings, MessageIdSettings, Mode, Settings};
use bindery::sm::{IdBase, MemoryStore, MessageKey, Place, ReceiptStore, Tracked};
use bindery::smsc::{Behaviour, Faults, IdFormat, MemoryNetwork, MessageIds, Smsc};
use bindery::submit::{Reference, Submit};
use tokio::task::LocalSet;
use tokio::time::sleep;

use crate::watcher::Watcher;

#[path = "../../benches/fixtures/receipts.rs"]
mod world;

#[test]
fn of_many_receipts_early_late_doubled_and_strange_none_is_lost_and_the_store_keeps_its_bound() {
    for bound in [80_000, 200_000] {
        let mut world = world::World::new(bound);
        (0..300_000).for_each(|_| world.submit());
        let ledger = world.finish();
        assert!(world.mistakes().is_empty(), "{:?}, {ledger:#?}", world.mistakes());
        assert!(world.most_kept() <= bound && world.kept() == 0);
    }
}

/// In memory, but it tells what it was told.
#[derive(Clone, Default)]
struct Telling {
    memory: MemoryStore<Reference>,
    ids: Arc<Mutex<Vec<String>>>,
}

impl ReceiptStore<Reference> for Telling {
    fn insert(&mut self, message: Tracked<Reference>) -> MessageKey {
        self.memory.insert(message)
    }

    fn add_id(&mut self, place: Place, id: &str) {
        self.ids.lock().unwrap().push(id.to_owned());
        self.memory.add_id(place, id);
    }

    fn find(&self, id: &str) -> Option<Place> {
        self.memory.find(id)
    }

    fn update(&mut self, key: MessageKey, change: &mut dyn FnMut(&mut Tracked<Reference>)) {
        self.memory.update(key, change);
    }

    fn remove(&mut self, key: MessageKey) -> Option<Tracked<Reference>> {
        self.memory.remove(key)
    }

    fn first(&self) -> Option<(Instant, MessageKey)> {
        self.memory.first()
    }

    fn len(&self) -> usize {
        self.memory.len()
    }
}

/// Writes ids in two bases; some receipts come before their response, and some twice.
fn trying() -> Behaviour {
    Behaviour {
        jitter: Duration::from_secs(2),
        receipts_after: Some(Duration::from_millis(500)),
        receipts_jitter: Duration::from_secs(2),
        message_ids: MessageIds {
            first: 0x1000,
            in_responses: IdFormat::Hex { width: 8 },
            in_receipts: IdFormat::Decimal { width: 10 },
        },
        faults: Faults {
            doubled_receipts: 0.3,
            ..Faults::default()
        },
        ..Behaviour::default()
    }
}

#[tokio::test(start_paused = true)]
async fn receipts_on_the_other_bind_in_another_base_find_their_messages_in_a_store_of_the_program() {
    const MESSAGES: u64 = 200;
    let network = MemoryNetwork::new();
    let smsc = Smsc::in_memory(trying(), 7);
    network.add("smsc", &smsc);
    let bind = |mode| {
        let ids = MessageIdSettings::default()
            .response(IdBase::Hex)
            .receipt(IdBase::Decimal);
        BindSettings::new("smsc:2775", "client", "secret")
            .account("acme")
            .mode(mode)
            .window(50)
            .message_ids(ids)
    };
    let mut settings = Settings::default()
        .bind("sends", bind(Mode::Transmitter))
        .bind("receives", bind(Mode::Receiver));
    settings.router.receipts_remember = Duration::from_secs(60);
    LocalSet::new()
        .run_until(async {
            let store = Telling::default();
            let ids = store.ids.clone();
            let esme = EsmeSetup::new(settings)
                .connector(network.connector())
                .receipt_store(move |_| store.clone())
                .start_local()
                .unwrap();
            let watcher = Watcher::of(&esme, Kinds::RECEIPTS);
            let submits =
                (0..MESSAGES).map(|number| Submit::text("447700900123", "hello").receipt().reference(number));
            for result in esme.submit_batch(submits).await {
                result.unwrap();
            }
            sleep(Duration::from_secs(20)).await;

            let status = esme.status().await;
            let account = &status.accounts[0];
            let ledger = account.receipts;
            assert_eq!((ledger.messages, ledger.finished), (MESSAGES, MESSAGES));
            assert_eq!((ledger.orphans, ledger.given_up), (0, 0));
            assert_eq!(ledger.matched, ledger.receipts);
            assert_eq!(ledger.matched - ledger.repeated, MESSAGES);
            assert!(ledger.early > 10 && ledger.repeated > 10, "too easy: {ledger:?}");
            let kept = usize::try_from(MESSAGES).unwrap();
            assert_eq!((account.receipts_owed, account.receipts_parked), (kept, 0));
            assert_eq!(ids.lock().unwrap().len(), kept);

            let seen = watcher.seen();
            assert_eq!(u64::try_from(seen.len()).unwrap(), ledger.receipts);
            for event in seen {
                let Event::Receipt(receipt) = event else {
                    panic!("{event:?}")
                };
                assert!(!receipt.is_orphan());
                // One that had waited for its message comes by itself.
                assert!(
                    receipt
                        .bind
                        .as_ref()
                        .is_none_or(|bind| bind.as_str() == "receives")
                );
            }

            // What is finished is remembered for a minute, and swept away soon after.
            sleep(Duration::from_secs(60)).await;
            assert_eq!(esme.status().await.accounts[0].receipts_owed, 0);
            esme.shutdown(Duration::from_secs(5)).await;
        })
        .await;
}
