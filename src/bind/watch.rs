//! Who looks at the PDUs of a bind as they pass.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::events::PduEvent;
use crate::pdu::{CommandStatus, Header, Leniency, decode};
use crate::session::Passage;
use crate::submit::{AccountId, BindId};

/// Called on the bind's thread with each PDU: after it was received and before it is answered, and before it is
/// written. The bind stands still meanwhile.
pub trait Tap: Send {
    /// A PDU came. For a deliver_sm or data_sm the status that comes back is that of our response; none leaves the
    /// decision to those who answer deliveries.
    fn handle_received(&mut self, pdu: &PduEvent) -> Option<CommandStatus>;

    /// A PDU is about to be written. Nothing changes it any more.
    fn handle_sending(&mut self, pdu: &PduEvent);
}

/// The watch over one bind.
pub(super) struct Watch {
    bind: BindId,
    account: AccountId,
    leniency: Leniency,
    tap: Option<Box<dyn Tap>>,
    /// What the tap answers to the PDU that came last.
    answer: Option<CommandStatus>,
}

impl Watch {
    pub(super) fn new(
        bind: BindId,
        account: AccountId,
        leniency: Leniency,
        tap: Option<Box<dyn Tap>>,
    ) -> Self {
        Self {
            bind,
            account,
            leniency,
            tap,
            answer: None,
        }
    }

    /// True while somebody wants to see what passes there.
    #[inline]
    pub(super) fn wants(&self, passage: Passage) -> bool {
        self.tap.is_some() && passage != Passage::Sent
    }

    /// Shows a PDU.
    #[cold]
    pub(super) fn pass(&mut self, passage: Passage, frame: &[u8], at: Instant) {
        let Some(header) = Header::peek(frame) else {
            return;
        };
        let frame = Bytes::copy_from_slice(frame);
        let event = PduEvent {
            bind: self.bind.clone(),
            account: self.account.clone(),
            passage,
            header,
            pdu: decode(&frame, &self.leniency).map(|decoded| Arc::new(decoded.pdu)),
            frame,
            at,
        };
        if let Some(tap) = &mut self.tap {
            // A tap that panics is the fault of who wrote it: the link goes on, and the SMSC keeps its message.
            let answer = catch_unwind(AssertUnwindSafe(|| match passage {
                Passage::Received => tap.handle_received(&event),
                Passage::Sending | Passage::Sent => {
                    tap.handle_sending(&event);
                    None
                }
            }));
            self.answer = answer.unwrap_or(Some(CommandStatus::ESME_RX_T_APPN));
        }
    }

    /// What the tap answers to the PDU that came last; asked once.
    pub(super) fn take_answer(&mut self) -> Option<CommandStatus> {
        self.answer.take()
    }
}
