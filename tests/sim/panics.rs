//! Panics in the middle of a bind: whatever it was about to log, it dies of, now and then.

use std::sync::{Mutex, Once, PoisonError};

use fastrand::Rng;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Metadata, Subscriber};

use crate::world::chance;

/// What binds die of.
const WORDS: &str = "as the seed said";

static QUIET: Once = Once::new();

struct Trap {
    random: Mutex<Rng>,
    share: f64,
}

/// From now on, on this thread, binds die of this share of what they log: at answers that come late or throttle, at
/// nonsense, when they are bound and when their link is lost.
pub(crate) fn set(seed: u64, share: f64) -> DefaultGuard {
    QUIET.call_once(|| {
        let others = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let is_ours = info.payload_as_str() == Some(WORDS);
            if !is_ours {
                others(info);
            }
        }));
    });
    let random = Mutex::new(Rng::with_seed(seed));
    tracing::subscriber::set_default(Trap { random, share })
}

impl Subscriber for Trap {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("bindery::bind")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {
        let dies = {
            let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
            chance(&mut random, self.share)
        };
        assert!(!dies, "{WORDS}");
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
