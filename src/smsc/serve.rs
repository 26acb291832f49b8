//! The tasks of an SMSC: one accepts, one for each link, and one sees to what is due.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, SystemTime};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::behaviour::Behaviour;
use super::centre::Centre;
use super::door::Door;
use super::links::Wish;
use super::manner::Manner;
use super::peer::Peer;
use crate::link::accept::secure;
use crate::link::{Link, Transport, now};
use crate::settings::SmscTlsSettings;

/// How long accepting pauses when the system has no more sockets to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What the tasks of one SMSC share.
#[derive(Debug)]
pub(super) struct Shared {
    centre: Mutex<Centre>,
    /// None for an SMSC in memory.
    pub(super) door: Option<Door>,
    is_open: AtomicBool,
    /// It is down and comes back by itself.
    is_away: AtomicBool,
    has_timer: AtomicBool,
    has_ended: AtomicBool,
    closed: Notify,
    changed: Notify,
}

impl Shared {
    pub(super) fn new(behaviour: Behaviour, seed: u64, date: SystemTime, door: Option<Door>) -> Self {
        Self {
            centre: Mutex::new(Centre::new(behaviour, seed, now(), date)),
            door,
            is_open: AtomicBool::new(true),
            is_away: AtomicBool::new(false),
            has_timer: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
            closed: Notify::new(),
            changed: Notify::new(),
        }
    }

    pub(super) fn centre(&self) -> MutexGuard<'_, Centre> {
        // A panic in the middle of a change leaves numbers that may be off by one, nothing worse.
        self.centre.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Acquire)
    }

    pub(super) fn set_open(&self, is_open: bool) {
        self.is_open.store(is_open, Ordering::Release);
    }

    /// It is down, and comes back by itself.
    pub(super) fn is_away(&self) -> bool {
        self.is_away.load(Ordering::Acquire)
    }

    pub(super) fn set_away(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::Release);
    }

    pub(super) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Acquire)
    }

    /// Ready when it is told to behave differently, or ends.
    pub(super) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Behaviour)) {
        let mut centre = self.centre();
        let mut behaviour = centre.behaviour.clone();
        change(&mut behaviour);
        centre.change(behaviour);
        centre.rouse();
        self.changed.notify_waiters();
    }

    /// Ends every task.
    pub(super) fn end(&self) {
        self.has_ended.store(true, Ordering::Release);
        self.changed.notify_waiters();
        let mut centre = self.centre();
        centre.cut_links();
        centre.wake_timer();
    }

    /// Waits until there is no link any more.
    pub(super) async fn all_closed(&self) {
        loop {
            let closed = self.closed.notified();
            if self.centre().links.len() == 0 {
                return;
            }
            closed.await;
        }
    }

    /// Serves a connection in a task of its own, and says how its octets go; none when there are too many.
    pub(super) fn serve(self: &Arc<Self>, transport: Transport) -> Option<Manner> {
        let (peer, transport, manner) = Peer::open(&mut self.centre(), transport, now())?;
        if !self.has_timer.swap(true, Ordering::AcqRel) {
            tokio::spawn(see_to_what_is_due(Arc::clone(self)));
            let random = self.centre().random();
            tokio::spawn(Arc::clone(self).restart_now_and_then(random));
        }
        tokio::spawn(serve(Arc::clone(self), transport, peer));
        Some(manner)
    }
}

/// Accepts connections until it is aborted.
pub(super) async fn accept(shared: Arc<Shared>, listener: TcpListener) {
    // They end with it.
    let mut handshakes = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = handshakes.join_next() => continue,
        };
        match accepted {
            Ok((stream, _)) => {
                // Batching is our own job; without it Nagle would hold responses back.
                let _ = stream.set_nodelay(true);
                let (tls, limits) = {
                    let behaviour = &shared.centre().behaviour;
                    (behaviour.tls.clone(), behaviour.limits.clone())
                };
                match tls {
                    None => drop(shared.serve(Transport::Tcp(stream))),
                    Some(tls) if handshakes.len() < limits.connections => {
                        handshakes.spawn(shake_hands(Arc::clone(&shared), stream, tls, limits.session_init));
                    }
                    // It is closed at once.
                    Some(_) => {}
                }
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Serves a connection when hands were shaken on it in time.
async fn shake_hands(shared: Arc<Shared>, stream: TcpStream, tls: SmscTlsSettings, patience: Duration) {
    match timeout(patience, secure(stream, &tls)).await {
        Ok(Ok(transport)) if shared.is_open() => drop(shared.serve(transport)),
        // It was stopped meanwhile, or the peer said nothing.
        Ok(Ok(_)) | Err(_) => {}
        Ok(Err(error)) => tracing::info!(%error, "no TLS with a peer"),
    }
}

/// Wakes the links that have to do something because of the time.
async fn see_to_what_is_due(shared: Arc<Shared>) {
    let mut alarm = pin!(sleep(Duration::ZERO));
    poll_fn(|context| {
        loop {
            if shared.has_ended() {
                return Poll::Ready(());
            }
            let Some(due) = shared.centre().poll_timer(context, now()) else {
                return Poll::Pending;
            };
            alarm.as_mut().reset(due.into());
            if alarm.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
        }
    })
    .await;
}

/// Serves one link until it ends.
async fn serve(shared: Arc<Shared>, transport: Transport, mut peer: Peer) {
    let session = peer.session(&shared.centre().behaviour, now());
    let mut link = Link::new(session, transport);
    poll_fn(|context| {
        let wish = shared.centre().links.register(peer.id(), context);
        match wish {
            Wish::Serve => {}
            Wish::Freeze => return Poll::Pending,
            Wish::Unbind => link.session_mut().unbind(now()),
            Wish::Cut => link.session_mut().abort(),
        }
        link.poll(context, &mut peer.serving(&shared), now())
    })
    .await;
    // The peer sees the end before anybody is told of it.
    drop(link);
    peer.close(&shared, now());
    shared.closed.notify_waiters();
}
