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

/// After the end of the router its binds have so long to unbind.
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
}

impl Residents {
    /// Starts them, and makes the door to them.
    fn start(mut setup: EsmeSetup, closed: watch::Receiver<()>) -> (Self, Esme) {
        setup.settings.share_equal(&Settings::default());
        let (guard, binds) = watch::channel(());
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
        };
        (
            residents,
            Esme {
                inner: Arc::new(inner),
            },
        )
    }

    /// Waits until the router has ended and its binds have unbound, after which nothing happens any more.
    async fn end(mut self) {
        let _ = self.router.await; // a panic shows in what callers are told
        let _ = timeout(LINGER, async { while self.binds.changed().await.is_ok() {} }).await;
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
