//! Where the actors live.

use std::io;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{Esme, EsmeSetup, Inner};
use crate::events::Hub;
use crate::link::{Connect, Connecting, Target};
use crate::router::{Router, RouterSetup, start_bind};
use crate::settings::{Settings, SettingsError};
use crate::submit::{BindId, RouteId};

/// After the end of the router its binds have so long to unbind, and what was acknowledged at least so long to be answered.
const LINGER: Duration = Duration::from_secs(5);

/// Why nothing was started.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The settings cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A bind is for an embedded SMSC of which it does not know where it listens.
    #[error("{bind}: its embedded SMSC is not started")]
    NoHost {
        /// The bind.
        bind: BindId,
    },
    /// A strategy is for a route that the settings do not have.
    #[error("a strategy is for the route {route}, which is not in the settings")]
    NoRoute {
        /// The route.
        route: RouteId,
    },
    /// There is no thread to be had.
    #[error("cannot start a thread: {0}")]
    Thread(io::ErrorKind),
    /// The thread ended before its actors lived.
    #[error("the thread of the actors ended at once")]
    Ended,
}

/// The thread that the actors live on, where that is their own.
pub(super) struct Home(Mutex<Option<thread::JoinHandle<()>>>);

impl Home {
    /// Waits until the thread is gone, which is a moment once router and binds are.
    pub(super) fn join(&self) {
        let thread = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.thread().id() != thread::current().id()
        {
            let _ = thread.join(); // a panic of the router was told already
        }
    }
}

/// A connector that is dropped by the last of router and binds.
#[derive(Debug)]
struct Guarded {
    connector: Arc<dyn Connect>,
    _guard: watch::Sender<()>,
}

impl Connect for Guarded {
    fn connect(&self, target: &Target) -> Connecting {
        self.connector.connect(target)
    }
}

/// A router and its binds on this thread.
struct Residents {
    router: JoinHandle<()>,
    /// Closes when nobody can connect any more.
    binds: watch::Receiver<()>,
    hub: Arc<Hub>,
    /// How long what was acknowledged is waited for.
    grace: Duration,
}

impl Residents {
    /// Starts them, and makes the door to them.
    fn start(mut setup: EsmeSetup, closed: watch::Receiver<()>) -> (Self, Esme) {
        setup.settings.share_equal(&Settings::default());
        let (guard, binds) = watch::channel(());
        let grace = setup.settings.router.shutdown_grace.max(LINGER);
        let started = Router::start(RouterSetup {
            settings: Arc::new(setup.settings),
            connector: Arc::new(Guarded {
                connector: setup.connector,
                _guard: guard,
            }),
            start: start_bind(),
            sequences: setup.sequences,
            strategies: setup.strategies,
            stores: setup.stores,
            seed: fastrand::u64(..),
        });
        let inner = Inner {
            router: started.address,
            books: started.books,
            hub: started.hub.clone(),
            preparer: started.preparer,
            intake: started.intake,
            closed,
            home: Home(Mutex::new(None)),
        };
        let residents = Self {
            router: started.ended,
            binds,
            hub: started.hub,
            grace,
        };
        (
            residents,
            Esme {
                inner: Arc::new(inner),
            },
        )
    }

    /// Waits until the router has ended, its binds have unbound, and what they had acknowledged was shown to who answers it,
    /// after which nothing happens any more.
    async fn end(mut self) {
        let _ = self.router.await; // a panic shows in what callers are told
        let _ = timeout(LINGER, async { while self.binds.changed().await.is_ok() {} }).await;
        // Each ends with the patience of what it has, at the latest.
        let _ = timeout(self.grace, self.hub.couriers_ended()).await;
        self.hub.close();
    }
}

/// True when actors can be started on this thread.
pub(crate) fn is_in_system() -> bool {
    actix_rt::System::is_registered() && tokio::runtime::Handle::try_current().is_ok()
}

/// Checks settings, which may have been made in the program.
fn check(
    EsmeSetup {
        settings, strategies, ..
    }: &EsmeSetup,
) -> Result<(), StartError> {
    settings.check()?;
    let unknown = |route: &&RouteId| !settings.routes.contains_key(route.as_str());
    if let Some(route) = strategies.keys().find(unknown) {
        return Err(StartError::NoRoute { route: route.clone() });
    }
    match settings.binds.iter().find(|(_, bind)| !bind.has_peer()) {
        Some((name, _)) => Err(StartError::NoHost {
            bind: name.as_str().into(),
        }),
        None => Ok(()),
    }
}

/// Starts everything on this thread.
pub(super) fn here(setup: EsmeSetup) -> Result<Esme, StartError> {
    check(&setup)?;
    let (closing, closed) = watch::channel(());
    let (residents, esme) = Residents::start(setup, closed);
    actix_rt::spawn(async move {
        residents.end().await;
        drop(closing);
    });
    Ok(esme)
}

/// Starts everything on a thread of its own.
pub(super) fn on_own_thread(setup: EsmeSetup) -> Result<Esme, StartError> {
    check(&setup)?;
    let (closing, closed) = watch::channel(());
    let (ready, started) = sync_channel(1);
    let thread = thread::Builder::new().name("bindery".to_owned()).spawn(move || {
        actix_rt::System::new().block_on(async move {
            let (residents, esme) = Residents::start(setup, closed);
            if ready.send(esme).is_ok() {
                residents.end().await;
            }
            drop(closing);
        });
    });
    let thread = thread.map_err(|error| StartError::Thread(error.kind()))?;
    let esme = started.recv().map_err(|_| StartError::Ended)?;
    *esme.inner.home.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
    Ok(esme)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use actix::{Actor, Context, Handler, ResponseFuture};
    use tokio::task::LocalSet;
    use tokio::time::sleep;

    use super::*;
    use crate::events::{Answer, Duty, InboundMessage};
    use crate::pdu::{DeliverSm, EsmClass};
    use crate::settings::BindSettings;
    use crate::smsc::{Behaviour, Smsc};

    /// Takes three seconds for each message, and counts those that it has answered.
    struct Slow(Arc<AtomicUsize>);

    impl Actor for Slow {
        type Context = Context<Self>;
    }

    impl Handler<InboundMessage> for Slow {
        type Result = ResponseFuture<Answer>;

        fn handle(&mut self, _: InboundMessage, _: &mut Context<Self>) -> Self::Result {
            let answered = self.0.clone();
            Box::pin(async move {
                sleep(Duration::from_secs(3)).await;
                answered.fetch_add(1, Ordering::Relaxed);
                Answer::ok()
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_shutdown_waits_until_what_was_acknowledged_is_answered() {
        LocalSet::new()
            .run_until(async {
                let smsc = Smsc::in_memory(Behaviour::default(), 1);
                let bind = BindSettings::new("smsc:2775", "shop", "secret");
                let setup = EsmeSetup::new(Settings::default().bind("a-1", bind));
                let esme = here(setup.connector(smsc.connector())).unwrap();
                let answered = Arc::new(AtomicUsize::new(0));
                let slow = Slow(answered.clone()).start();
                esme.answer_messages(slow.recipient(), Duty::all()).unwrap();
                while smsc.counters().binds == 0 {
                    sleep(Duration::from_millis(100)).await;
                }
                for (reference, sequence) in [(1, 1), (1, 2), (2, 1), (2, 2)] {
                    let part = DeliverSm {
                        esm_class: EsmClass::UDH,
                        short_message: [5, 0, 3, reference, 2, sequence, b'x'].as_slice().into(),
                        ..DeliverSm::default()
                    };
                    assert!(smsc.deliver("shop", part));
                }
                while smsc.counters().mobile_originated_delivered < 4 {
                    sleep(Duration::from_millis(100)).await;
                }
                assert_eq!(answered.load(Ordering::Relaxed), 0);
                esme.shutdown(Duration::from_secs(30)).await;
                assert_eq!(answered.load(Ordering::Relaxed), 2);
            })
            .await;
    }
}
