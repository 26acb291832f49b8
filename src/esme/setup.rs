//! What is chosen before an [`Esme`] starts.

use std::sync::Arc;

use super::{Esme, StartError, home};
use crate::dispatch::Strategy;
use crate::events::receipts::{Stores, in_memory};
use crate::link::{Connect, TcpConnector};
use crate::router::{Sequences, Strategies, counting};
use crate::session::SequenceGenerator;
use crate::settings::{BindSettings, Settings};
use crate::sm::ReceiptStore;
use crate::submit::{AccountId, BindId, Reference, RouteId};

/// What an [`Esme`] is started with.
///
/// ```no_run
/// use bindery::esme::EsmeSetup;
/// use bindery::session::{SequenceGenerator, WrappingSequence};
/// use bindery::settings::Settings;
///
/// # fn example(settings: Settings) -> Result<(), bindery::esme::StartError> {
/// let esme = EsmeSetup::new(settings)
///     .sequences(|_bind, _settings| Box::new(WrappingSequence::default()))
///     .start()?;
/// # drop(esme);
/// # Ok(())
/// # }
/// ```
pub struct EsmeSetup {
    pub(super) settings: Settings,
    pub(super) connector: Arc<dyn Connect>,
    pub(super) sequences: Sequences,
    pub(super) strategies: Strategies,
    pub(super) stores: Stores,
}

impl EsmeSetup {
    /// Connects over TCP, and each session counts its requests from
    /// [`sequence_start`](crate::settings::BindSettings::sequence_start).
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            connector: Arc::new(TcpConnector),
            sequences: counting(),
            strategies: Strategies::new(),
            stores: in_memory(),
        }
    }

    /// Connects in another way.
    #[must_use]
    pub fn connector(mut self, connector: Arc<dyn Connect>) -> Self {
        self.connector = connector;
        self
    }

    /// Takes sequence numbers from elsewhere. Called for each session; a generator that must go on where the last one
    /// ended, even after a restart of the process, keeps its number outside.
    #[must_use]
    pub fn sequences<F>(mut self, sequences: F) -> Self
    where
        F: Fn(&BindId, &BindSettings) -> Box<dyn SequenceGenerator> + Send + Sync + 'static,
    {
        self.sequences = Arc::new(move |bind, settings| sequences(bind, settings).into());
        self
    }

    /// Chooses among the binds of a route by a strategy of your own; `make` makes one whenever the route is set up.
    #[must_use]
    pub fn strategy<F>(mut self, route: impl Into<RouteId>, make: F) -> Self
    where
        F: Fn() -> Box<dyn Strategy> + Send + Sync + 'static,
    {
        self.strategies.insert(route.into(), Arc::new(make));
        self
    }

    /// Keeps the messages whose receipts are owed elsewhere than in memory; `make` makes the store of each account,
    /// when its first bind starts. What a store has by then is found by the receipts that come.
    #[must_use]
    pub fn receipt_store<F, S>(mut self, make: F) -> Self
    where
        F: Fn(&AccountId) -> S + Send + Sync + 'static,
        S: ReceiptStore<Reference> + Send + 'static,
    {
        self.stores = Arc::new(move |account| Box::new(make(account)));
        self
    }

    /// Starts as [`Esme::start`] does.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn start(self) -> Result<Esme, StartError> {
        if home::is_in_system() {
            home::here(self)
        } else {
            home::on_own_thread(self)
        }
    }

    /// Starts as [`Esme::start_local`] does.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn start_local(self) -> Result<Esme, StartError> {
        home::here(self)
    }
}
