//! One connection of a client: the address of its bind, and what was seen of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use actix::Addr;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::{ClientError, State};
use crate::bind::messages::{Report, Reports};
use crate::bind::{Bind, BindSetup};
use crate::esme::is_in_system;
use crate::events::{BindEvent, Cause, Event, Hub, Inbox, Kinds, PduEvent, Phase};
use crate::pdu::CommandId;
use crate::settings::Mode;

/// One connection.
pub(super) struct Life {
    /// The only one: when the last client drops it the bind unbinds and ends.
    pub(super) bind: Addr<Bind>,
    pub(super) seen: Arc<Seen>,
    /// Room for requests.
    pub(super) room: Semaphore,
    /// How many of the PDUs that came were waited for.
    read: AtomicU64,
}

/// What the bind's thread tells of a connection.
pub(super) struct Seen(watch::Sender<Known>);

/// How a connection is.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) state: State,
    /// The bind that was asked for.
    asked: Option<Mode>,
    /// The response that accepted it.
    pub(super) response: Option<PduEvent>,
    /// When the last PDU came, over this connection or one before it.
    pub(super) heard: Option<Instant>,
    /// How many PDUs came, and were shown to the callbacks.
    received: u64,
    /// The one of them at which to stop: an unbind, or the response to ours.
    last: Option<u64>,
    /// Why the last connection is over.
    pub(super) failed: Option<Cause>,
    /// Why there will be no other.
    pub(super) end: Option<Cause>,
    /// Whether the peer agreed to our unbind.
    pub(super) clean: bool,
}

impl Known {
    /// Why nothing can be waited for any more.
    pub(super) fn failure(&self) -> Option<Cause> {
        self.end.or(self.failed)
    }
}

impl Seen {
    /// A connection before its first PDU; the last PDU of the one before it came when `heard` says.
    pub(super) fn new(heard: Option<Instant>) -> Arc<Self> {
        let known = Known {
            heard,
            ..Known::default()
        };
        Arc::new(Self(watch::Sender::new(known)))
    }

    /// How it is now.
    pub(super) fn now(&self) -> Known {
        self.0.borrow().clone()
    }

    pub(super) fn state(&self) -> State {
        self.0.borrow().state
    }

    /// Waits until `is_there`.
    pub(super) async fn wait(&self, is_there: impl FnMut(&Known) -> bool) -> Known {
        let mut changes = self.0.subscribe();
        // We hold the sender, so it cannot close.
        let known = changes.wait_for(is_there).await.map(|known| known.clone());
        known.unwrap_or_default()
    }

    pub(super) fn ask(&self, mode: Mode) {
        self.0.send_modify(|known| known.asked = Some(mode));
    }

    /// A PDU came; the state is what it makes of it before anybody else sees it.
    pub(super) fn handle_received(&self, pdu: &PduEvent, now: Instant) {
        let command_id = pdu.header.command_id;
        self.0.send_modify(|known| {
            known.heard = Some(now);
            if let Some(bind) = known.asked.map(Mode::command_id)
                && bind.response() == Some(command_id)
                && let Some(bound) = State::bound_by(bind)
                && pdu.is_ok()
                && !known.state.is_bound()
            {
                (known.state, known.response) = (bound, Some(pdu.clone()));
                known.failed = None;
            }
            if command_id == CommandId::UNBIND_RESP && known.state.is_bound() {
                known.state = State::Open;
            }
        });
    }

    /// The callbacks have seen it.
    pub(super) fn handle_shown(&self, pdu: &PduEvent) {
        self.0.send_modify(|known| {
            known.received += 1;
            if matches!(pdu.header.command_id, CommandId::UNBIND | CommandId::UNBIND_RESP) {
                known.last = Some(known.received);
            }
        });
    }

    fn handle_phase(&self, phase: Phase, cause: Cause) {
        self.0.send_modify(|known| match phase {
            Phase::Open | Phase::Binding if known.state == State::Closed => known.state = State::Open,
            Phase::Draining if known.state.is_bound() => known.state = State::Open,
            Phase::Waiting { .. } | Phase::Paused | Phase::Stopped => {
                (known.state, known.last) = (State::Closed, None);
                known.failed = Some(cause);
            }
            _ => {}
        });
    }

    fn handle_ended(&self, cause: Cause, clean: bool) {
        self.0.send_modify(|known| {
            known.state = State::Closed;
            known.clean = clean;
            known.failed = Some(cause);
            known.end = Some(cause);
        });
    }
}

impl Life {
    /// Starts a bind, on this thread where actors can live there, else on one of its own.
    pub(super) async fn start(
        setup: BindSetup,
        seen: Arc<Seen>,
        reports: mpsc::UnboundedReceiver<Reports>,
        here: bool,
    ) -> Result<Self, ClientError> {
        let (hub, inbox) = (setup.hub.clone(), setup.inbox.clone());
        let room = Semaphore::new(setup.settings.window.max(1));
        let bind = if here || is_in_system() {
            let (bind, ended) = Bind::start(setup);
            actix_rt::spawn(attend(ended, reports, seen.clone(), hub, inbox));
            bind
        } else {
            let (ready, started) = oneshot::channel();
            let attended = seen.clone();
            let thread = thread::Builder::new().name("bindery".to_owned()).spawn(move || {
                actix_rt::System::new().block_on(async move {
                    let (bind, ended) = Bind::start(setup);
                    let _ = ready.send(bind); // nobody waits any more: it ends by itself
                    attend(ended, reports, attended, hub, inbox).await;
                });
            });
            thread.map_err(|error| ClientError::Thread(error.kind()))?;
            started.await.map_err(|_| ClientError::Closed(Cause::Panicked))?
        };
        Ok(Self {
            bind,
            seen,
            room,
            read: AtomicU64::new(0),
        })
    }

    /// True when the connection is over and no other follows.
    pub(super) fn is_over(&self) -> bool {
        self.seen.now().end.is_some()
    }

    /// Waits for a PDU that nobody has waited for, or for the end. True to go on, false to stop.
    pub(super) async fn read(&self) -> Result<bool, ClientError> {
        let next = self.read.load(Ordering::Acquire) + 1;
        let known = self
            .seen
            .wait(|known| known.received >= next || known.end.is_some())
            .await;
        if known.received >= next {
            self.read.store(next, Ordering::Release);
            if known.last != Some(next) {
                return Ok(true);
            }
        }
        // After an unbind, too, what is owed is written before the end.
        let known = self.seen.wait(|known| known.failure().is_some()).await;
        match known.end {
            Some(cause) if cause.is_parting() => Ok(false),
            Some(cause) => Err(ClientError::of_end(cause)),
            None => Ok(true),
        }
    }
}

/// Takes what a bind reports until it ends.
async fn attend(
    ended: JoinHandle<()>,
    mut reports: mpsc::UnboundedReceiver<Reports>,
    seen: Arc<Seen>,
    hub: Arc<Hub>,
    inbox: Arc<Inbox>,
) {
    let courier = actix_rt::spawn(inbox.courier());
    // An actor that ends without a word has panicked.
    let (mut end, mut clean) = (Cause::Panicked, false);
    while let Some(Reports { from, reports }) = reports.recv().await {
        for report in reports {
            match report {
                Report::Phase { phase, cause } => {
                    seen.handle_phase(phase, cause);
                    if phase == Phase::Stopped {
                        end = cause;
                    }
                    if hub.wants(Kinds::BINDS) {
                        hub.emit(Event::Bind(BindEvent {
                            bind: from.bind.clone(),
                            account: inbox.account().clone(),
                            phase,
                            cause,
                        }));
                    }
                }
                Report::Ended { clean: agreed } => clean = agreed,
                // A client sends requests and no messages, so there are no seats, and nothing comes back.
                Report::Seats { .. } | Report::Returned { .. } => {}
            }
        }
    }
    let _ = ended.await; // a panic shows in what was not reported
    seen.handle_ended(end, clean);
    inbox.close();
    let _ = courier.await; // tells of what is incomplete
}
