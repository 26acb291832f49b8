//! What a client is made of.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Client;
use crate::bind::{Sequences, counting};
use crate::link::{Connect, TcpConnector};
use crate::pdu::{CommandStatus, SequenceNumber, TlvRegistry};
use crate::session::{Sequence, SequenceGenerator};
use crate::settings::{BindSettings, HostPort};

/// How long things may take unless somebody says otherwise.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What a [`Client`] is made of.
///
/// ```
/// use std::time::Duration;
///
/// use bindery::client::ClientSetup;
///
/// let client = ClientSetup::new("smsc.example:2776")
///     .timeout(Duration::from_secs(10))
///     .reconnect(true)
///     .client();
/// assert!(!client.state().is_bound());
/// ```
pub struct ClientSetup {
    pub(super) settings: BindSettings,
    pub(super) timeout: Duration,
    pub(super) name: Option<String>,
    pub(super) reconnect: bool,
    pub(super) here: bool,
    pub(super) connector: Arc<dyn Connect>,
    pub(super) sequences: Sequences,
    pub(super) tlvs: TlvRegistry,
}

impl ClientSetup {
    /// A client of the SMSC at `host:port`. Connecting, the answer to a bind and a call of
    /// [`Client::read_one_pdu`] may take 5 s each. What no callback is set for is acknowledged.
    #[must_use]
    pub fn new(host: impl Into<HostPort>) -> Self {
        let settings = BindSettings::new(host, "", "").unhandled_answer(CommandStatus::ESME_ROK);
        Self::from(settings).timeout(TIMEOUT)
    }

    /// How long connecting, the answer to a bind, a call of [`Client::read_one_pdu`] and the goodbye of a dropped
    /// [`blocking::Client`](super::blocking::Client) may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings = self.settings.connect_timeout(timeout).bind_timeout(timeout);
        self.timeout = timeout;
        self
    }

    /// How long the SMSC may be silent before it is asked for a sign of life; none never asks. Default 30 s.
    #[must_use]
    pub fn enquire_link_interval(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.settings.enquire_link_interval = interval.into();
        self
    }

    /// What events and logs call it. Default: its host.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Whether a bind that was up comes back by itself after a loss. Default: it does not.
    #[must_use]
    pub const fn reconnect(mut self, reconnect: bool) -> Self {
        self.reconnect = reconnect;
        self
    }

    /// Takes the numbers of all requests from `generator`, over all connections. Default: each connection counts from
    /// [`sequence_start`](BindSettings::sequence_start).
    #[must_use]
    pub fn sequences(mut self, generator: impl SequenceGenerator + 'static) -> Self {
        let kept = Kept(Arc::new(Mutex::new(Box::new(generator))));
        self.sequences = Arc::new(move |_, _| Sequence::Asked(Box::new(kept.clone())));
        self
    }

    /// TLVs that [`Client::tlvs`] knows by name, besides those of the standard.
    #[must_use]
    pub fn tlvs(mut self, tlvs: TlvRegistry) -> Self {
        self.tlvs = tlvs;
        self
    }

    /// Connects in another way than over TCP.
    #[must_use]
    pub fn connector(mut self, connector: Arc<dyn Connect>) -> Self {
        self.connector = connector;
        self
    }

    /// The bind lives on the thread that connects, which must run a `LocalSet`: for tests in virtual time.
    #[must_use]
    pub const fn local(mut self) -> Self {
        self.here = true;
        self
    }

    /// The client. Nothing is opened yet.
    #[must_use]
    pub fn client(self) -> Client {
        Client::from(self)
    }
}

/// A client with the settings of a bind, such as a configuration has them, names of hosts and credentials included.
impl From<BindSettings> for ClientSetup {
    fn from(settings: BindSettings) -> Self {
        Self {
            settings,
            timeout: TIMEOUT,
            name: None,
            reconnect: false,
            here: false,
            connector: Arc::new(TcpConnector),
            sequences: counting(),
            tlvs: TlvRegistry::new(),
        }
    }
}

/// One generator for all connections of a client.
#[derive(Clone)]
struct Kept(Arc<Mutex<Box<dyn SequenceGenerator>>>);

impl SequenceGenerator for Kept {
    fn next_sequence(&mut self) -> SequenceNumber {
        let mut generator = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        generator.next_sequence()
    }
}
