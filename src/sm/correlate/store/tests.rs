//! What a store knows, beside a plain map.

use std::collections::HashMap;
use std::time::Duration;

use super::*;

/// A store that is too simple to be wrong.
#[derive(Default)]
struct Model {
    messages: HashMap<MessageKey, Tracked<u32>>,
    places: HashMap<String, Place>,
    /// The latest deadline of those that were forgotten together.
    last_gone: Option<Instant>,
}

impl Model {
    fn find(&self, id: &str) -> Option<Place> {
        let place = self.places.get(id)?;
        self.messages.contains_key(&place.message).then_some(*place)
    }

    /// Forgets what the store no longer has.
    fn forget(&mut self, store: &mut MemoryStore<u32>) -> Forgotten {
        let mut forgotten = Forgotten::default();
        self.last_gone = None;
        self.messages.retain(|key, message| {
            let mut is_kept = false;
            store.update(*key, &mut |_| is_kept = true);
            if !is_kept {
                forgotten.add(message.finished);
                self.last_gone = self.last_gone.max(Some(message.deadline));
            }
            is_kept
        });
        forgotten
    }

    fn first(&self) -> Option<Instant> {
        self.messages.values().map(|message| message.deadline).min()
    }

    fn any(&self, random: &mut fastrand::Rng) -> Option<MessageKey> {
        let mut keys: Vec<_> = self.messages.keys().copied().collect();
        keys.sort_unstable();
        (!keys.is_empty()).then(|| keys[random.usize(..keys.len())])
    }
}

#[test]
fn a_row_takes_sixty_four_octets() {
    // As large as what callers know messages by.
    assert_eq!(size_of::<Option<Kept<[u64; 3]>>>(), 64);
}

#[test]
fn it_knows_what_a_plain_map_knows() {
    for seed in 0..40 {
        let random = &mut fastrand::Rng::with_seed(seed);
        let (mut store, mut model) = (MemoryStore::default(), Model::default());
        let start = Instant::now();
        for step in 0..1_500_u32 {
            // Mostly in order, as deadlines are; some for less time.
            let later = if random.u8(..8) == 0 {
                random.u64(..2_000)
            } else {
                u64::from(step) + 1_000
            };
            let deadline = start + Duration::from_secs(later);
            let parts = random.usize(1..4);
            match random.u8(..12) {
                0..4 => {
                    let message = Tracked {
                        token: step,
                        parts: smallvec![None; parts],
                        finished: false,
                        deadline,
                    };
                    let key = store.insert(message.clone());
                    assert_eq!(model.messages.insert(key, message), None, "a key of its own");
                }
                4..7 => {
                    let Some(message) = model.any(random) else {
                        continue;
                    };
                    let part = random.usize(..model.messages[&message].parts.len());
                    // A few are used again, and some are too long to be kept in the row.
                    let id = format!("{:0width$}", random.u16(..600), width = random.usize(1..3) * 20);
                    store.add_id(Place { message, part }, &id);
                    model.places.insert(id, Place { message, part });
                }
                7..9 => {
                    let Some(key) = model.any(random) else { continue };
                    let state = Some(MessageState::new(random.u8(..9)));
                    let moves = random.bool();
                    let mut change = |message: &mut Tracked<u32>| {
                        message.parts[0] = state;
                        message.finished = !message.finished;
                        message.deadline = if moves { deadline } else { message.deadline };
                    };
                    store.update(key, &mut change);
                    change(model.messages.get_mut(&key).expect("one of those that are kept"));
                }
                9 => {
                    let Some(key) = model.any(random) else { continue };
                    assert_eq!(store.remove(key), model.messages.remove(&key));
                    assert_eq!(store.remove(key), None, "once");
                    store.update(key, &mut |_| panic!("it is gone"));
                }
                10 => {
                    let id = format!("{:020}", random.u16(..600));
                    let message = Tracked {
                        token: step,
                        parts: smallvec![None],
                        finished: false,
                        deadline,
                    };
                    let key = store.insert_single(step, deadline, &id);
                    assert_eq!(model.messages.insert(key, message), None, "a key of its own");
                    model.places.insert(
                        id,
                        Place {
                            message: key,
                            part: 0,
                        },
                    );
                }
                _ => {
                    let most = random.choice([0, 1, 5, 40, usize::MAX]).unwrap_or(0);
                    let due = random
                        .bool()
                        .then(|| start + Duration::from_secs(random.u64(..1_000)));
                    // All of them only where few are due.
                    let most = if due.is_none() { most.min(5) } else { most };
                    let forgotten = store.forget(most, due);
                    assert_eq!(model.forget(&mut store), forgotten, "seed {seed}, step {step}");
                    let left = model.first();
                    let is_due = |deadline: Instant| due.is_none_or(|due| deadline <= due);
                    let is_enough = forgotten.messages == most || !left.is_some_and(is_due);
                    assert!(
                        is_enough && forgotten.messages <= most,
                        "seed {seed}, step {step}"
                    );
                    assert!(model.last_gone.is_none_or(is_due), "seed {seed}, step {step}");
                    assert!(
                        model.last_gone <= left || left.is_none(),
                        "seed {seed}, step {step}"
                    );
                }
            }
            assert_eq!(store.len(), model.messages.len());
            let first = store.first();
            assert_eq!(
                first.map(|(deadline, _)| deadline),
                model.first(),
                "seed {seed}, step {step}"
            );
            assert!(first.is_none_or(|(deadline, key)| model.messages[&key].deadline == deadline));
            let id = format!("{:0width$}", random.u16(..600), width = random.usize(1..3) * 20);
            assert_eq!(store.find(&id), model.find(&id), "seed {seed}, step {step}");
        }
        for (key, message) in model.messages {
            assert_eq!(store.remove(key), Some(message));
        }
        assert_eq!((store.len(), store.first()), (0, None));
    }
}
