//! An SMSC inside the process: accounts, receipts, delays and faults, over TCP or in memory.
//!
//! [`Smsc::listen`] opens a real port; [`Smsc::in_memory`] is reached through its
//! [`connector`](Smsc::connector) alone, which suits tests on a paused clock. Either behaves as its
//! [`Behaviour`] says and draws every chance from its seed: with one thread, equal seeds and equal requests
//! give equal runs.

mod accounts;
mod behaviour;
mod centre;
mod clock;
mod configured;
mod counters;
mod deliveries;
mod dice;
mod door;
mod faults;
mod links;
mod manner;
mod message_id;
mod network;
mod peer;
mod phones;
mod receipt;
mod requests;
mod schedule;
mod script;
mod serve;
mod store;
#[cfg(test)]
mod tests;
mod witness;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::net::ToSocketAddrs;

pub use behaviour::{Account, Behaviour, Limits, MobileOriginated, Shares};
pub use counters::{Counters, FaultCounters};
pub use faults::{Faults, Nonsense, OddReceipt, OddResponse};
pub use message_id::{IdFormat, MessageIds};
pub use network::MemoryNetwork;
pub use script::{Script, Step};
pub use witness::{Fate, Observer, Seen, SeenMessage, Sighting, Witness};

use crate::link::{Connect, accept, now};
use crate::pdu::DeliverSm;
use door::Door;
use links::Wish;
use serve::Shared;

/// The date on which an SMSC in memory begins, so that its receipts are the same in each run: 2026-01-01.
const DATE_IN_MEMORY: Duration = Duration::from_secs(1_767_225_600);

/// An SMSC that runs in this process.
///
/// A clone is the same SMSC. When the last clone is dropped its links are cut and it is gone;
/// [`shutdown`](Self::shutdown) ends it in good order.
#[derive(Clone)]
pub struct Smsc {
    handle: Arc<Handle>,
}

/// Ends everything when the last [`Smsc`] is dropped.
struct Handle {
    shared: Arc<Shared>,
}

impl Smsc {
    /// Starts an SMSC on a TCP port; port 0 takes any free one, see [`local_addr`](Self::local_addr).
    ///
    /// # Errors
    ///
    /// The address cannot be resolved or is taken, or the files of [`Behaviour::tls`] cannot be used.
    pub async fn listen(address: impl ToSocketAddrs, behaviour: Behaviour, seed: u64) -> io::Result<Self> {
        if let Some(tls) = &behaviour.tls {
            let unusable = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
            accept::check(tls).await.map_err(unusable)?;
        }
        let mut failure = io::Error::new(io::ErrorKind::InvalidInput, "the address resolves to nothing");
        for address in tokio::net::lookup_host(address).await? {
            match door::open(address).and_then(|listener| Ok((listener.local_addr()?, listener))) {
                Ok((address, listener)) => {
                    let door = Some(Door::new(address));
                    let smsc = Self::new(Shared::new(behaviour, seed, SystemTime::now(), door));
                    smsc.handle.shared.accept(listener);
                    return Ok(smsc);
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// An SMSC that is reached through its [`connector`](Self::connector) only.
    #[must_use]
    pub fn in_memory(behaviour: Behaviour, seed: u64) -> Self {
        Self::new(Shared::new(behaviour, seed, UNIX_EPOCH + DATE_IN_MEMORY, None))
    }

    fn new(shared: Shared) -> Self {
        let shared = Arc::new(shared);
        Self {
            handle: Arc::new(Handle { shared }),
        }
    }

    /// Connects to this SMSC in memory, whatever the host and port; also to one that listens on a port too. Nothing is
    /// encrypted there.
    ///
    /// It does not keep the SMSC alive.
    #[must_use]
    pub fn connector(&self) -> Arc<dyn Connect> {
        Arc::new(network::Line::new(&self.handle.shared))
    }

    /// The address on which it listens; none in memory.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.handle.shared.door.as_ref().map(|door| door.address)
    }

    /// What it counted.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.handle.shared.centre().counters()
    }

    /// What it saw; empty unless [`Behaviour::witness`] is set.
    #[must_use]
    pub fn witness(&self) -> Witness {
        self.handle.shared.centre().witness.clone()
    }

    /// Has `observer` hear of everything that is seen from now on, in the place of the one before.
    ///
    /// Nothing is kept for it here: unlike [`Behaviour::witness`] it suits an SMSC that runs for long.
    pub fn observe(&self, observer: impl Observer + 'static) {
        self.handle.shared.centre().observer = Some(Box::new(observer));
    }

    /// How it behaves now.
    #[must_use]
    pub fn behaviour(&self) -> Behaviour {
        self.handle.shared.centre().behaviour.clone()
    }

    /// Has it behave differently from now on. Messages that were taken keep what was decided about them, links
    /// that are open their timers.
    pub fn change(&self, change: impl FnOnce(&mut Behaviour)) {
        self.handle.shared.change(change);
    }

    /// Sends a message from a phone to an account: over whichever receiving bind takes it first, sooner or
    /// later. False where there is no room for it.
    pub fn deliver(&self, system_id: &str, message: DeliverSm) -> bool {
        let mut centre = self.handle.shared.centre();
        let taken = centre.deliver_to(system_id.as_bytes(), message, now());
        centre.rouse();
        taken
    }

    /// Breaks every link off where it stands. What waited for a response does not get one.
    pub fn cut_links(&self) {
        self.handle.shared.centre().cut_links();
    }

    /// Unbinds every link; the ESMEs may bind again at once.
    pub fn unbind_links(&self) {
        self.handle.shared.centre().links.tell_all(Wish::Unbind);
    }

    /// Lets every link hang: nothing is read and nothing is written until [`thaw_links`](Self::thaw_links).
    pub fn freeze_links(&self) {
        self.handle.shared.centre().links.tell_all(Wish::Freeze);
    }

    /// Has frozen links go on.
    pub fn thaw_links(&self) {
        self.handle.shared.centre().links.tell_all(Wish::Serve);
    }

    /// Stops as if the process had been killed: no new connections, links cut. Messages and receipts are kept.
    pub async fn stop(&self) {
        self.handle.shared.set_away(false);
        self.handle.shared.stop().await;
    }

    /// Starts again after [`stop`](Self::stop), on the same address.
    ///
    /// # Errors
    ///
    /// The address is taken.
    pub async fn start(&self) -> io::Result<()> {
        self.handle.shared.set_away(false);
        self.handle.shared.start().await
    }

    /// Ends in good order: no new connections, and every link is unbound. Links that take longer than their
    /// response timeout are cut.
    pub async fn shutdown(&self) {
        self.handle.shared.set_away(false);
        self.handle.shared.close_door().await;
        let patience = {
            let mut centre = self.handle.shared.centre();
            centre.links.tell_all(Wish::Unbind);
            centre.behaviour.limits.response_timeout
        };
        if tokio::time::timeout(patience, self.handle.shared.all_closed())
            .await
            .is_err()
        {
            self.cut_links();
            self.handle.shared.all_closed().await;
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.set_away(false);
        self.shared.set_open(false);
        if let Some(door) = &self.shared.door {
            door.abort();
        }
        self.shared.end();
    }
}

impl std::fmt::Debug for Smsc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Smsc")
            .field("local_addr", &self.local_addr())
            .finish_non_exhaustive()
    }
}
