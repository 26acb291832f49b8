//! Connections inside the process.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::Smsc;
use super::serve::Shared;
use crate::link::{Connect, ConnectError, Connecting, Target, Transport};

/// The line to one SMSC, whatever host and port are asked for.
pub(super) struct Line {
    // Weak: whoever could still call must not keep an SMSC alive that everybody else has dropped.
    shared: Weak<Shared>,
}

impl Line {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::downgrade(shared),
        }
    }
}

impl Connect for Line {
    fn connect(&self, _: &Target) -> Connecting {
        let shared = self.shared.clone();
        // The connection comes about when the future is first polled, inside the runtime of whoever connects.
        Box::pin(async move { call(&shared.upgrade().ok_or_else(refused)?) })
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Line")
    }
}

/// SMSCs in memory by host name, as if each were a machine of its own.
///
/// A clone is the same network. It keeps its SMSCs alive.
#[derive(Clone, Debug, Default)]
pub struct MemoryNetwork {
    hosts: Arc<Mutex<BTreeMap<String, Smsc>>>,
}

impl MemoryNetwork {
    /// A network without hosts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts an SMSC at a host, on every port; it takes the place of the one that was there.
    pub fn add(&self, host: impl Into<String>, smsc: &Smsc) {
        self.hosts().insert(host.into(), smsc.clone());
    }

    /// Takes a host away: its name has no address any more. Links that are open stay so.
    pub fn remove(&self, host: &str) -> Option<Smsc> {
        self.hosts().remove(host)
    }

    /// Connects to the SMSC that the host of a target names.
    #[must_use]
    pub fn connector(&self) -> Arc<dyn Connect> {
        Arc::new(self.clone())
    }

    fn hosts(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Smsc>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connect for MemoryNetwork {
    fn connect(&self, target: &Target) -> Connecting {
        let smsc = self.hosts().get(&target.host).cloned();
        let host = target.host.clone();
        Box::pin(async move { call(&smsc.ok_or(ConnectError::Resolve { host })?.handle.shared) })
    }
}

fn call(shared: &Arc<Shared>) -> Result<Transport, ConnectError> {
    if !shared.is_open() {
        return Err(refused());
    }
    let pipe = shared.centre().behaviour.limits.pipe;
    let (ours, theirs) = Transport::pipe(pipe);
    let manner = shared.serve(ours).ok_or_else(refused)?;
    Ok(manner.wrap_theirs(theirs))
}

fn refused() -> ConnectError {
    ConnectError::Failed(io::ErrorKind::ConnectionRefused)
}
