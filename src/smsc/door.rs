//! Where an SMSC is reached over TCP, and how it goes away and comes back.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::serve::{self, Shared};

/// Connections that may wait to be accepted: all binds of a large client come back at once.
const BACKLOG: u32 = 4096;

/// When a port that is taken is tried again.
const ANOTHER_START: Duration = Duration::from_secs(1);

/// A port, and who accepts connections on it.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) address: SocketAddr,
    acceptor: Mutex<Option<JoinHandle<()>>>,
}

impl Door {
    /// One at which nobody accepts yet.
    pub(super) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            acceptor: Mutex::new(None),
        }
    }

    fn take(&self) -> Option<JoinHandle<()>> {
        self.acceptor
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Nobody accepts any more, from some time soon.
    pub(super) fn abort(&self) {
        if let Some(acceptor) = self.take() {
            acceptor.abort();
        }
    }
}

impl Shared {
    /// Accepts connections from now on.
    pub(super) fn accept(self: &Arc<Self>, listener: TcpListener) {
        if let Some(door) = &self.door {
            let acceptor = tokio::spawn(serve::accept(Arc::clone(self), listener));
            *door.acceptor.lock().unwrap_or_else(PoisonError::into_inner) = Some(acceptor);
        }
    }

    /// Takes no more connections.
    pub(super) async fn close_door(&self) {
        self.set_open(false);
        let acceptor = self.door.as_ref().and_then(Door::take);
        if let Some(acceptor) = acceptor {
            acceptor.abort();
            // It was aborted: there is nothing to learn from its end but that the port is free.
            let _ = acceptor.await;
        }
    }

    /// Goes down as if it had been killed.
    pub(super) async fn stop(&self) {
        self.close_door().await;
        self.centre().cut_links();
        self.all_closed().await;
    }

    /// Comes up again, on the same address.
    ///
    /// # Errors
    ///
    /// The address is taken.
    pub(super) async fn start(self: &Arc<Self>) -> io::Result<()> {
        if let Some(door) = &self.door {
            self.close_door().await;
            self.accept(open(door.address)?);
        }
        self.set_open(true);
        Ok(())
    }

    /// Restarts from time to time, as long as its faults say so.
    pub(super) async fn restart_now_and_then(self: Arc<Self>, mut random: fastrand::Rng) {
        while !self.has_ended() {
            let changed = self.changed();
            let (every, away) = {
                let centre = self.centre();
                let faults = &centre.behaviour.faults;
                (faults.restart_every, faults.restart_for)
            };
            let Some(every) = every else {
                changed.await;
                continue;
            };
            tokio::select! {
                biased;
                () = changed => continue,
                () = sleep(every.mul_f64(0.5 + random.f64())) => {}
            }
            if !self.is_open() {
                continue;
            }
            self.centre().counters.faults.restarts += 1;
            self.set_away(true);
            self.stop().await;
            sleep(away).await;
            // Unless somebody stopped or started it meanwhile.
            while self.is_away() && !self.has_ended() {
                match self.start().await {
                    Ok(()) => self.set_away(false),
                    Err(error) => {
                        tracing::warn!(%error, "cannot start");
                        sleep(ANOTHER_START).await;
                    }
                }
            }
        }
    }
}

/// Takes a port.
pub(super) fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A restart must not wait for connections of the run before to time out.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
