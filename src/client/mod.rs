//! One bind, led by hand: for those who come from a simple client.
//!
//! A [`Client`] connects, binds, sends, listens and unbinds when it is told to, and a function of yours sees each PDU
//! as it passes. It does not route, does not resend, does not match receipts, and comes back after a loss only where
//! [`ClientSetup::reconnect`] says so; for all that there is [`Esme`](crate::Esme).
//!
//! ```
//! use bindery::client::Client;
//! use bindery::pdu::{CommandId, Pdu, SubmitSm};
//! # use bindery::smsc::{Behaviour, Smsc};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let smsc = Smsc::listen("127.0.0.1:0", Behaviour::default(), 1).await?;
//! # let host = smsc.local_addr().ok_or("not listening")?;
//! let esme = Client::new(host);
//! esme.on(CommandId::DELIVER_SM, |pdu| {
//!     if let Ok(Pdu::DeliverSm(deliver)) = pdu.pdu.as_deref() {
//!         println!("{}: {} octets", deliver.source_addr, deliver.short_message.len());
//!     }
//! });
//! esme.connect().await?;
//! esme.bind_transceiver("username", "secret").await?;
//! let message = SubmitSm {
//!     destination_addr: "4178481818".parse()?,
//!     short_message: b"test sms".into(),
//!     ..SubmitSm::default()
//! };
//! let response = esme.submit_sm(message).await?;
//! assert!(response.is_ok());
//! esme.unbind().await?;
//! esme.disconnect().await;
//! # smsc.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Callbacks
//!
//! [`Client::on`] and [`Client::on_all`] set functions that are called with each PDU: right after it was received, and
//! right before it is written. They run on the bind's thread, which stands still meanwhile: what takes long belongs
//! elsewhere. What a callback returns for a deliver_sm or data_sm is the status of our response. One that panics
//! answers ESME_RX_T_APPN, and the connection goes on. Actors that [`Client::subscribe`] are told and not asked:
//! nothing waits for them.
//!
//! # What goes on by itself
//!
//! The bind reads and writes without being driven: enquire_link, answers and callbacks do not depend on who calls
//! [`Client::listen`] or [`Client::read_one_pdu`].

pub mod blocking;
mod callbacks;
mod error;
mod life;
mod setup;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix::Recipient;
use tokio::time::timeout;

pub use callbacks::Decision;
pub use error::{ClientError, State, UnknownCommand};
pub use setup::ClientSetup;

use callbacks::{Callbacks, Tapped};
use life::{Life, Seen};

use crate::bind::messages::{Ask, Control, Enter, Identity, Reporter};
use crate::bind::{BindSetup, Common, Manner};
use crate::events::{Cause, Event, Filter, Hub, Inbox, PduEvent, Receipts, Subscription};
use crate::link::now;
use crate::pdu::{CancelSm, CommandId, DataSm, Pdu, QuerySm, ReplaceSm, SubmitMulti, SubmitSm, TlvRegistry};
use crate::session::RequestError;
use crate::settings::{BindSettings, HostPort, Mode, Secret, Settings};
use crate::sm::{CorrelatorLimits, JoinLimits};
use crate::submit::{AccountId, Answered, BindId, Inquiry, NotSentCause, Request, SubmitError};

/// One bind, led by hand. A clone is the same client.
///
/// When the last clone is dropped the bind unbinds and closes its connection.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    setup: ClientSetup,
    name: BindId,
    callbacks: Arc<Callbacks>,
    hub: Arc<Hub>,
    /// The connection at hand, or the last one.
    life: Mutex<Option<Arc<Life>>>,
    /// Only one connects at a time.
    connecting: tokio::sync::Mutex<()>,
    since: Instant,
}

impl Client {
    /// A client of the SMSC at `host:port`; more can be said with a [`ClientSetup`]. Nothing is opened yet.
    #[must_use]
    pub fn new(host: impl Into<HostPort>) -> Self {
        ClientSetup::new(host).client()
    }

    // Callbacks.

    /// Calls `callback` with each PDU of this command, instead of the callback for all. It replaces the one that was
    /// there.
    ///
    /// It may return nothing, or for a deliver_sm or data_sm the status of our response. A callback that holds the client
    /// keeps it alive.
    pub fn on<R: Decision>(
        &self,
        command_id: CommandId,
        callback: impl FnMut(&PduEvent) -> R + Send + 'static,
    ) {
        self.inner.callbacks.set(Some(command_id), callback);
    }

    /// The same by the name of the command, such as `submit_sm_resp`.
    ///
    /// # Errors
    ///
    /// No command has this name.
    pub fn on_named<R: Decision>(
        &self,
        name: &str,
        callback: impl FnMut(&PduEvent) -> R + Send + 'static,
    ) -> Result<(), UnknownCommand> {
        let command_id = CommandId::from_name(name).ok_or_else(|| UnknownCommand { name: name.into() })?;
        self.on(command_id, callback);
        Ok(())
    }

    /// Calls `callback` with each PDU whose command has no callback of its own.
    pub fn on_all<R: Decision>(&self, callback: impl FnMut(&PduEvent) -> R + Send + 'static) {
        self.inner.callbacks.set(None, callback);
    }

    /// Sends the events that `filter` wants to an actor, from now on: phases of the bind, deliveries, receipts.
    pub fn subscribe(&self, recipient: Recipient<Event>, filter: impl Into<Filter>) -> Subscription {
        self.inner.hub.subscribe(recipient, filter)
    }

    // Life.

    /// Opens a connection. Without a bind it stays open until the SMSC closes it, and nothing asks whether that is still
    /// there.
    ///
    /// # Errors
    ///
    /// [`ClientError::Connect`] when there is none to be had, [`ClientError::Connected`] when there is one.
    pub async fn connect(&self) -> Result<(), ClientError> {
        let _alone = self.inner.connecting.lock().await;
        if self.life().is_some_and(|life| !life.is_over()) {
            return Err(ClientError::Connected);
        }
        let life = Arc::new(self.inner.start(self.heard()).await?);
        *self.inner.life.lock().unwrap_or_else(PoisonError::into_inner) = Some(life.clone());
        let is_there = |known: &life::Known| known.state == State::Open || known.failure().is_some();
        match life.seen.wait(is_there).await.failure() {
            None => Ok(()),
            Some(cause) => Err(self.give_up(&life, cause).await),
        }
    }

    /// Binds as transmitter.
    ///
    /// # Errors
    ///
    /// As [`Client::bind`].
    pub async fn bind_transmitter(
        &self,
        system_id: impl Into<String>,
        password: impl Into<Secret>,
    ) -> Result<Answered, ClientError> {
        self.bind_as(Mode::Transmitter, system_id.into(), password.into())
            .await
    }

    /// Binds as receiver.
    ///
    /// # Errors
    ///
    /// As [`Client::bind`].
    pub async fn bind_receiver(
        &self,
        system_id: impl Into<String>,
        password: impl Into<Secret>,
    ) -> Result<Answered, ClientError> {
        self.bind_as(Mode::Receiver, system_id.into(), password.into())
            .await
    }

    /// Binds as transceiver.
    ///
    /// # Errors
    ///
    /// As [`Client::bind`].
    pub async fn bind_transceiver(
        &self,
        system_id: impl Into<String>,
        password: impl Into<Secret>,
    ) -> Result<Answered, ClientError> {
        self.bind_as(Mode::Transceiver, system_id.into(), password.into())
            .await
    }

    async fn bind_as(
        &self,
        mode: Mode,
        system_id: String,
        password: Secret,
    ) -> Result<Answered, ClientError> {
        let settings = self.inner.setup.settings.clone().mode(mode);
        self.enter(settings.system_id(system_id).password(password)).await
    }

    /// Binds as the settings say, and waits for the response.
    ///
    /// # Errors
    ///
    /// [`ClientError::Refused`] with what the SMSC said; the connection is closed then.
    /// [`ClientError::WrongState`] when it is not open or bound already.
    pub async fn bind(&self) -> Result<Answered, ClientError> {
        self.enter(self.inner.setup.settings.clone()).await
    }

    async fn enter(&self, settings: BindSettings) -> Result<Answered, ClientError> {
        let (mode, since) = (settings.mode, now());
        let life = self.life_for(mode.command_id())?;
        self.inner.check(&settings)?;
        life.seen.ask(mode);
        let entered = life.bind.send(Enter(Arc::new(settings))).await;
        match entered {
            Ok(Ok(())) => {}
            Ok(Err(RequestError::Encode(error))) => return Err(error.into()),
            Ok(Err(_)) | Err(_) => return Err(wrong_state(mode.command_id(), &life)),
        }
        let is_there = |known: &life::Known| known.state.is_bound() || known.failure().is_some();
        let known = life.seen.wait(is_there).await;
        match (known.response, known.failed) {
            (Some(response), None) => Ok(Answered {
                status: response.header.command_status,
                pdu: response.pdu.ok().map(Arc::unwrap_or_clone),
                bind: response.bind,
                sequence: response.header.sequence_number,
                after: now().saturating_duration_since(since),
            }),
            (_, cause) => Err(self.give_up(&life, cause.unwrap_or(Cause::Panicked)).await),
        }
    }

    /// Unbinds: what is in flight is answered first, then the SMSC has its time to agree, and the connection is closed.
    ///
    /// # Errors
    ///
    /// [`ClientError::UnbindUnanswered`] when it did not agree; [`ClientError::WrongState`] when it was not bound.
    pub async fn unbind(&self) -> Result<(), ClientError> {
        let life = self.life_for(CommandId::UNBIND)?;
        let deadline = now() + self.inner.setup.settings.response_timeout;
        // Lost when it has ended, which is what we wait for.
        life.bind.do_send(Control::Drain { deadline });
        match life.seen.wait(|known| known.end.is_some()).await.clean {
            true => Ok(()),
            false => Err(ClientError::UnbindUnanswered),
        }
    }

    /// Closes the connection where it stands, without a word to the SMSC; nothing happens when there is none.
    ///
    /// What is in flight ends as [`SubmitError::Unknown`]. [`Client::unbind`] is the other way.
    pub async fn disconnect(&self) {
        if let Some(life) = self.life() {
            life.bind.do_send(Control::Cut); // lost when it has ended, which is what we wait for
            life.seen.wait(|known| known.end.is_some()).await;
        }
    }

    /// Waits until either side unbinds, and disconnects.
    ///
    /// # Errors
    ///
    /// The connection broke, and does not come back.
    pub async fn listen(&self) -> Result<(), ClientError> {
        while self.read_one_pdu().await? {}
        self.disconnect().await;
        Ok(())
    }

    /// Waits until the callbacks have seen one more PDU from the SMSC, at most for the
    /// [`timeout`](ClientSetup::timeout). True to go on; false to stop, because either side has unbound or
    /// disconnected.
    ///
    /// For one loop at a time: each PDU counts for one call. Who waits for the response to a request of their own
    /// awaits the request instead.
    ///
    /// # Errors
    ///
    /// The connection broke, and does not come back; [`ClientError::NotConnected`] when there was none.
    pub async fn read_one_pdu(&self) -> Result<bool, ClientError> {
        let life = self.life().ok_or(ClientError::NotConnected)?;
        timeout(self.inner.setup.timeout, life.read())
            .await
            .unwrap_or(Ok(true))
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.life().map_or(State::Closed, |life| life.seen.state())
    }

    /// Time since the last PDU came from the SMSC, of whatever kind and over whatever connection; before the first one,
    /// since the client was made. What we send does not count.
    #[must_use]
    pub fn inactivity_time(&self) -> Duration {
        now().saturating_duration_since(self.heard().unwrap_or(self.inner.since))
    }

    /// TLVs by name, to put them into requests and to find them in what comes.
    #[must_use]
    pub fn tlvs(&self) -> &TlvRegistry {
        &self.inner.setup.tlvs
    }

    // Requests.

    /// Sends a submit_sm as it is, and waits for the response. A text that needs several parts is split by
    /// [`split_text`](crate::sm::split_text) first.
    ///
    /// # Errors
    ///
    /// As [`Client::request`].
    pub async fn submit_sm(&self, submit: SubmitSm) -> Result<Answered, ClientError> {
        self.request(Pdu::from(submit)).await
    }

    /// Sends one message to several destinations, and waits for the response.
    ///
    /// # Errors
    ///
    /// As [`Client::request`].
    pub async fn submit_multi(&self, submit: SubmitMulti) -> Result<Answered, ClientError> {
        self.request(Pdu::from(submit)).await
    }

    /// Sends a data_sm, and waits for the response.
    ///
    /// # Errors
    ///
    /// As [`Client::request`].
    pub async fn data_sm(&self, data: DataSm) -> Result<Answered, ClientError> {
        self.request(Pdu::from(data)).await
    }

    /// Asks what became of a message.
    ///
    /// # Errors
    ///
    /// As [`Client::request`].
    pub async fn query_sm(&self, query: QuerySm) -> Result<Answered, ClientError> {
        self.request(Pdu::from(query)).await
    }

    /// Cancels a message.
    ///
    /// # Errors
    ///
    /// As [`Client::request`].
    pub async fn cancel_sm(&self, cancel: CancelSm) -> Result<Answered, ClientError> {
        self.request(Pdu::from(cancel)).await
    }

    /// Replaces a message.
    ///
    /// # Errors
    ///
    /// As [`Client::request`].
    pub async fn replace_sm(&self, replace: ReplaceSm) -> Result<Answered, ClientError> {
        self.request(Pdu::from(replace)).await
    }

    /// Sends any request, with a sequence number of one's own where it has one, and waits for the response, which comes
    /// back as it is, whatever its status says.
    ///
    /// Waits for room in the [`window`](BindSettings::window) first. Dropping the future does not take back what was
    /// sent.
    ///
    /// # Errors
    ///
    /// [`ClientError::WrongState`] when it may not be sent now; [`ClientError::OwnMethod`] for binds and unbind;
    /// [`ClientError::Request`] when it cannot be written, or was written and no response came.
    pub async fn request(&self, request: impl Into<Request>) -> Result<Answered, ClientError> {
        let request = request.into();
        let command_id = request.pdu.command_id();
        if command_id == CommandId::UNBIND || State::bound_by(command_id).is_some() {
            return Err(ClientError::OwnMethod(command_id));
        }
        let life = self.life_for(command_id)?;
        let _place = life.room.acquire().await; // nobody closes it
        let (inquiry, answer) = Inquiry::new(request, now());
        // One that cannot be handed over answers by being dropped.
        let _ = life.bind.try_send(Ask(inquiry));
        let cause = NotSentCause::Dropped;
        match answer.await.unwrap_or(Err(SubmitError::NotSent { cause })) {
            Err(SubmitError::NoRoute) => Err(wrong_state(command_id, &life)),
            answered => Ok(answered?),
        }
    }

    /// When the last PDU came.
    fn heard(&self) -> Option<Instant> {
        self.life().and_then(|life| life.seen.now().heard)
    }

    fn life(&self) -> Option<Arc<Life>> {
        let life = self.inner.life.lock().unwrap_or_else(PoisonError::into_inner);
        life.clone()
    }

    /// Unbinds where it is bound, and disconnects; for the last client only, and in no more time than a call may take.
    async fn leave(&self) {
        if Arc::strong_count(&self.inner) == 1 {
            // Nobody asks any more how it went; a callback that does not return must not keep us.
            let _ = timeout(self.inner.setup.timeout, async {
                let _ = self.unbind().await;
                self.disconnect().await;
            })
            .await;
        }
    }

    /// The connection, for what may be sent over it now.
    fn life_for(&self, command_id: CommandId) -> Result<Arc<Life>, ClientError> {
        let state = State::Closed;
        let life = self.life().ok_or(ClientError::WrongState { command_id, state })?;
        match life.seen.state().allows(command_id) {
            true => Ok(life),
            false => Err(wrong_state(command_id, &life)),
        }
    }

    /// A connection or a bind failed: whoever wants another attempt asks for it.
    async fn give_up(&self, life: &Life, cause: Cause) -> ClientError {
        life.bind.do_send(Control::Cut); // lost when it has ended already
        life.seen.wait(|known| known.end.is_some()).await;
        ClientError::of_end(cause)
    }
}

fn wrong_state(command_id: CommandId, life: &Life) -> ClientError {
    let state = life.seen.state();
    ClientError::WrongState { command_id, state }
}

impl Inner {
    /// Checks what a bind is told, as the settings of a service are checked.
    fn check(&self, settings: &BindSettings) -> Result<(), ClientError> {
        Settings::default().bind("client", settings.clone()).check()?;
        Ok(())
    }

    async fn start(&self, heard: Option<Instant>) -> Result<Life, ClientError> {
        let setup = &self.setup;
        let mut settings = setup.settings.clone();
        if settings.system_id.is_empty() {
            // Comes with the bind, and is checked then.
            settings.system_id.push('-');
        }
        self.check(&settings)?;
        let account = AccountId::new(settings.account_or(self.name.as_str()));
        let rules = settings.message_ids.rules();
        let receipts = Receipts::new(
            account.clone(),
            CorrelatorLimits::default(),
            rules,
            self.hub.clone(),
        );
        let inbox = Inbox::new(account.clone(), JoinLimits::default(), self.hub.clone());
        let (router, reports) = Reporter::channel();
        let seen = Seen::new(heard);
        let bind = BindSetup {
            standing: Arc::default(),
            identity: Identity {
                bind: self.name.clone(),
                incarnation: 1,
            },
            session: Arc::new(settings.session()),
            settings: Arc::new(settings),
            common: Arc::new(Common {
                connector: setup.connector.clone(),
                router,
                sequences: setup.sequences.clone(),
            }),
            hub: self.hub.clone(),
            receipts,
            inbox,
            budget: None,
            seed: fastrand::u64(..),
            tap: Some(Box::new(Tapped {
                callbacks: self.callbacks.clone(),
                seen: seen.clone(),
            })),
            after: None,
            manner: Manner {
                on_demand: true,
                once: !setup.reconnect,
                ..Manner::default()
            },
        };
        Life::start(bind, seen, reports, setup.here).await
    }
}

impl From<ClientSetup> for Client {
    fn from(setup: ClientSetup) -> Self {
        let host = setup.settings.hosts.first().map(HostPort::host);
        let name = setup.name.as_deref().or(host).unwrap_or("client");
        let inner = Inner {
            name: BindId::new(name),
            setup,
            callbacks: Arc::default(),
            hub: Hub::new(),
            life: Mutex::new(None),
            connecting: tokio::sync::Mutex::new(()),
            since: now(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("name", &self.inner.name)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
