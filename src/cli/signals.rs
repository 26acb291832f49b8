//! SIGINT and SIGTERM, as often as they come.

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Hears that the process should end. The first time means: finish what has begun; the second: do not wait for it.
pub(super) struct Signals {
    /// A signal that cannot be listened for ends the process, as it would without us.
    #[cfg(unix)]
    heard: [Option<Signal>; 2],
}

#[cfg(unix)]
impl Signals {
    /// Listens from now on; must be called inside a runtime.
    pub(super) fn listen() -> Self {
        Self {
            heard: [SignalKind::interrupt(), SignalKind::terminate()].map(|kind| signal(kind).ok()),
        }
    }

    /// Waits for the next one. May be dropped and called again without missing any.
    pub(super) async fn next(&mut self) {
        let [interrupt, terminate] = &mut self.heard;
        tokio::select! {
            () = next_of(interrupt) => {}
            () = next_of(terminate) => {}
        }
    }
}

#[cfg(unix)]
async fn next_of(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Hears SIGHUP, where there is such a thing.
pub(super) struct Hangup {
    #[cfg(unix)]
    heard: Option<Signal>,
}

impl Hangup {
    /// Listens from now on; must be called inside a runtime.
    pub(super) fn listen() -> Self {
        Self {
            #[cfg(unix)]
            heard: signal(SignalKind::hangup()).ok(),
        }
    }

    /// Waits for the next one. May be dropped and called again without missing any.
    pub(super) async fn next(&mut self) {
        #[cfg(unix)]
        next_of(&mut self.heard).await;
        #[cfg(not(unix))]
        std::future::pending::<()>().await;
    }
}

#[cfg(not(unix))]
impl Signals {
    /// Listens once somebody waits.
    pub(super) fn listen() -> Self {
        Self {}
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            // It cannot be heard, so it ends the process.
            std::future::pending::<()>().await;
        }
    }
}
