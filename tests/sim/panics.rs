//! Panics in the middle of a bind: whatever it was about to log, it dies of, now and then.

use std::cell::RefCell;
use std::sync::Once;

use fastrand::Rng;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{Interest, set_global_default};
use tracing::{Event, Metadata, Subscriber};

use crate::world::chance;

/// What binds die of.
pub(crate) const WORDS: &str = "as the seed said";

static ONCE: Once = Once::new();

thread_local! {
    /// The generator of the seed that this thread runs, and the share.
    static DEADLY: RefCell<Option<(Rng, f64)>> = const { RefCell::new(None) };
}

/// One for the whole process. With one for each thread, another thread that came first to a place that logs would
/// decide for all of them that nobody listens there, and a seed would not be one run.
struct Trap;

/// Ends what [`set`] began.
pub(crate) struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        DEADLY.set(None);
    }
}

/// Listens on every thread. Before the first run.
pub(crate) fn install() {
    ONCE.call_once(|| {
        set_global_default(Trap).unwrap();
        let others = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let is_ours = info.payload_as_str() == Some(WORDS);
            if !is_ours {
                others(info);
            }
        }));
    });
}

/// From now on, on this thread, binds die of this share of what they log: at answers that come late or throttle, at
/// nonsense, when they are bound and when their link is lost.
pub(crate) fn set(seed: u64, share: f64) -> Guard {
    DEADLY.set(Some((Rng::with_seed(seed), share)));
    Guard
}

impl Subscriber for Trap {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        // Asked each time: it depends on the thread.
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("bindery::bind") && DEADLY.with_borrow(Option::is_some)
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {
        let dies = DEADLY.with_borrow_mut(|deadly| match deadly {
            Some((random, share)) => chance(random, *share),
            None => false,
        });
        assert!(!dies, "{WORDS}");
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
