//! The same client for threads that do not know `async`.
//!
//! Cheap, because the bind has a thread of its own anyway: each call waits for what the other client would wait for.
//!
//! ```
//! use bindery::client::blocking::Client;
//! use bindery::pdu::{CommandId, SubmitSm};
//! # use bindery::smsc::{Behaviour, Smsc};
//! # let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
//! # let smsc = runtime.block_on(Smsc::listen("127.0.0.1:0", Behaviour::default(), 1))?;
//! # let host = smsc.local_addr().ok_or("not listening")?;
//!
//! let esme = Client::new(host)?;
//! esme.on(CommandId::SUBMIT_SM_RESP, |pdu| println!("sent: {}", pdu.is_ok()));
//! esme.connect()?;
//! esme.bind_transmitter("username", "pass")?;
//! std::thread::scope(|scope| {
//!     let listening = scope.spawn(|| esme.listen());
//!     esme.submit_sm(SubmitSm::default())?;
//!     esme.unbind()?;
//!     listening.join().unwrap_or(Ok(()))
//! })?;
//! # runtime.block_on(smsc.shutdown());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::ops::Deref;

use tokio::runtime::{Builder, Handle, Runtime};

use super::{ClientError, ClientSetup};
use crate::pdu::{CancelSm, DataSm, QuerySm, ReplaceSm, SubmitMulti, SubmitSm};
use crate::settings::{HostPort, Secret};
use crate::submit::{Answered, Request};

/// A client whose calls block the thread. Must not be used, nor dropped, where `async` code runs.
///
/// What does not wait is that of [`Client`](super::Client). When it is dropped it unbinds, waits no longer than the
/// [`timeout`](ClientSetup::timeout) for the SMSC to agree, and closes the connection: a program that ends then has said
/// goodbye. A clone of the client inside that lives on keeps the connection. On a thread of a runtime, in
/// `spawn_blocking` too, it does not wait: [`unbind`](Self::unbind) first.
#[derive(Debug)]
pub struct Client {
    client: super::Client,
    /// For the timers of what is waited for.
    runtime: Runtime,
}

macro_rules! blocking {
    ($( $(#[$doc:meta])* $name:ident($($argument:ident: $type:ty),*) -> $output:ty; )*) => {
        impl Client { $(
            $(#[$doc])*
            ///
            /// # Errors
            ///
            #[doc = concat!("As [`Client::", stringify!($name), "`](super::Client::", stringify!($name), ").")]
            pub fn $name(&self, $($argument: $type),*) -> Result<$output, ClientError> {
                self.runtime.block_on(self.client.$name($($argument),*))
            }
        )* }
    };
}

blocking! {
    /// Opens a connection.
    connect() -> ();
    /// Binds as transmitter.
    bind_transmitter(system_id: impl Into<String>, password: impl Into<Secret>) -> Answered;
    /// Binds as receiver.
    bind_receiver(system_id: impl Into<String>, password: impl Into<Secret>) -> Answered;
    /// Binds as transceiver.
    bind_transceiver(system_id: impl Into<String>, password: impl Into<Secret>) -> Answered;
    /// Binds as the settings say.
    bind() -> Answered;
    /// Sends a submit_sm.
    submit_sm(submit: SubmitSm) -> Answered;
    /// Sends one message to several destinations.
    submit_multi(submit: SubmitMulti) -> Answered;
    /// Sends a data_sm.
    data_sm(data: DataSm) -> Answered;
    /// Asks what became of a message.
    query_sm(query: QuerySm) -> Answered;
    /// Cancels a message.
    cancel_sm(cancel: CancelSm) -> Answered;
    /// Replaces a message.
    replace_sm(replace: ReplaceSm) -> Answered;
    /// Sends any request.
    request(request: impl Into<Request>) -> Answered;
    /// Unbinds and closes the connection.
    unbind() -> ();
    /// Waits until either side unbinds, and disconnects.
    listen() -> ();
    /// Waits for one more PDU. True to go on, false to stop.
    read_one_pdu() -> bool;
}

impl Client {
    /// A client of the SMSC at `host:port`. Nothing is opened yet.
    ///
    /// # Errors
    ///
    /// As [`Client::with`].
    pub fn new(host: impl Into<HostPort>) -> Result<Self, ClientError> {
        Self::with(ClientSetup::new(host))
    }

    /// A client of which more was said.
    ///
    /// # Errors
    ///
    /// [`ClientError::Thread`] when the system has no timer for it.
    pub fn with(setup: ClientSetup) -> Result<Self, ClientError> {
        let runtime = Builder::new_current_thread().enable_time().build();
        Ok(Self {
            client: setup.client(),
            runtime: runtime.map_err(|error| ClientError::Thread(error.kind()))?,
        })
    }

    /// Closes the connection where it stands, without a word to the SMSC.
    pub fn disconnect(&self) {
        self.runtime.block_on(self.client.disconnect());
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Where `async` code runs nothing can be waited for: the bind unbinds by itself, on its own thread.
        if Handle::try_current().is_err() {
            self.runtime.block_on(self.client.leave());
        }
    }
}

impl Deref for Client {
    type Target = super::Client;

    fn deref(&self) -> &Self::Target {
        &self.client
    }
}
