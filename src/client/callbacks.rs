//! Functions that see each PDU as it passes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::life::Seen;
use crate::bind::Tap;
use crate::events::PduEvent;
use crate::link::now;
use crate::pdu::{CommandId, CommandStatus};

/// What a callback may return: nothing, or the status of our response to a deliver_sm or data_sm.
pub trait Decision {
    /// The status; none leaves it at ESME_ROK.
    fn status(self) -> Option<CommandStatus>;
}

impl Decision for () {
    fn status(self) -> Option<CommandStatus> {
        None
    }
}

impl Decision for CommandStatus {
    fn status(self) -> Option<CommandStatus> {
        Some(self)
    }
}

impl Decision for Option<CommandStatus> {
    fn status(self) -> Option<CommandStatus> {
        self
    }
}

type Callback = Box<dyn FnMut(&PduEvent) -> Option<CommandStatus> + Send>;

/// A callback has a lock of its own, so that it can set others while it runs.
type Slot = Arc<Mutex<Callback>>;

/// The callbacks of a client.
#[derive(Default)]
pub(super) struct Callbacks(RwLock<Table>);

#[derive(Default)]
struct Table {
    by_command: HashMap<CommandId, Slot>,
    all: Option<Slot>,
}

impl Callbacks {
    /// Sets the callback of one command, or that of all others.
    pub(super) fn set<R: Decision>(
        &self,
        command_id: Option<CommandId>,
        mut callback: impl FnMut(&PduEvent) -> R + Send + 'static,
    ) {
        let callback: Callback = Box::new(move |pdu| callback(pdu).status());
        let slot = Arc::new(Mutex::new(callback));
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match command_id {
            Some(command_id) => {
                table.by_command.insert(command_id, slot);
            }
            None => table.all = Some(slot),
        }
    }

    /// Calls whoever is set for this PDU. None when nobody is.
    fn call(&self, pdu: &PduEvent) -> Option<Option<CommandStatus>> {
        let slot = {
            let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
            let slot = table.by_command.get(&pdu.header.command_id);
            slot.or(table.all.as_ref()).cloned()
        }?;
        let mut callback = slot.lock().unwrap_or_else(PoisonError::into_inner);
        Some(callback(pdu))
    }
}

/// What the bind calls with each PDU.
pub(super) struct Tapped {
    pub(super) callbacks: Arc<Callbacks>,
    pub(super) seen: Arc<Seen>,
}

impl Tap for Tapped {
    fn handle_received(&mut self, pdu: &PduEvent) -> Option<CommandStatus> {
        self.seen.handle_received(pdu, now());
        let decided = self.callbacks.call(pdu);
        // Counted when the callback is through, so that who waits for a PDU finds that it was handled.
        self.seen.handle_shown(pdu);
        decided.map(|status| status.unwrap_or(CommandStatus::ESME_ROK))
    }

    fn handle_sending(&mut self, pdu: &PduEvent) {
        self.callbacks.call(pdu);
    }
}
