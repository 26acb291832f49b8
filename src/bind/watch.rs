//! Who looks at the PDUs of a bind as they pass.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::kept::Kept;
use crate::events::{Event, Hub, Interest, PduEvent};
use crate::pdu::{CommandId, CommandStatus, Header, Leniency, decode};
use crate::session::Passage;
use crate::settings::BindSettings;
use crate::submit::{AccountId, BindId};

/// Requests that the session sends by itself (bind, enquire_link, unbind) go beside the window.
const BESIDE_THE_WINDOW: usize = 16;

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
    hub: Arc<Hub>,
    tap: Option<Box<dyn Tap>>,
    /// What the tap answers to the PDU that came last.
    answer: Option<CommandStatus>,
    /// What subscribers wanted when the hub had this version.
    interest: (u64, Interest),
    /// Our requests without a response.
    ours: Kept,
    /// Those of the peer.
    theirs: Kept,
}

impl Watch {
    pub(super) fn new(bind: BindId, account: AccountId, settings: &BindSettings, hub: Arc<Hub>) -> Self {
        Self {
            interest: (hub.version(), hub.interest(&bind, &account)),
            bind,
            account,
            leniency: settings.leniency,
            hub,
            tap: None,
            answer: None,
            ours: Kept::new(settings.window + BESIDE_THE_WINDOW),
            theirs: Kept::new(settings.inbound_limit),
        }
    }

    /// The window has another size.
    pub(super) fn set_window(&mut self, window: usize) {
        self.ours.set_most(window + BESIDE_THE_WINDOW);
    }

    pub(super) fn set_tap(&mut self, tap: Box<dyn Tap>) {
        self.tap = Some(tap);
    }

    /// True where a tap wants to see what passes.
    #[inline]
    pub(super) fn taps(&self, passage: Passage) -> bool {
        self.tap.is_some() && passage != Passage::Sent
    }

    /// Shows a PDU.
    #[cold]
    pub(super) fn pass(&mut self, passage: Passage, frame: &[u8], at: Instant) {
        let Some(header) = Header::peek(frame) else {
            return;
        };
        self.look_up();
        let (_, interest) = self.interest;
        let command = header.command_id;
        let taps = self.taps(passage);
        let tells = interest.is_event(passage, command);
        let keeps = interest.is_request(passage, command) || (taps && command.response().is_some());
        let request = self.request(passage, header);
        if !(taps || tells || keeps) {
            return;
        }
        let frame = Bytes::copy_from_slice(frame);
        let event = Arc::new(PduEvent {
            bind: self.bind.clone(),
            account: self.account.clone(),
            passage,
            header,
            pdu: decode(&frame, &self.leniency).map(|decoded| Arc::new(decoded.pdu)),
            frame,
            at,
            request,
        });
        if keeps {
            match passage {
                Passage::Received => self.theirs.keep(event.clone()),
                Passage::Sending | Passage::Sent => self.ours.keep(event.clone()),
            }
        }
        self.tap(&event);
        if tells {
            self.hub.emit(Event::Pdu(event));
        }
    }

    /// Calls the tap, if there is one for this passage.
    fn tap(&mut self, event: &PduEvent) {
        let Some(tap) = self.tap.as_mut().filter(|_| event.passage != Passage::Sent) else {
            return;
        };
        // A tap that panics is the fault of who wrote it: the link goes on, and the SMSC keeps its message.
        let answer = catch_unwind(AssertUnwindSafe(|| match event.passage {
            Passage::Received => tap.handle_received(event),
            Passage::Sending | Passage::Sent => {
                tap.handle_sending(event);
                None
            }
        }));
        self.answer = answer.unwrap_or(Some(CommandStatus::ESME_RX_T_APPN));
    }

    /// The request that a response answers, where it was kept.
    fn request(&mut self, passage: Passage, header: Header) -> Option<Arc<PduEvent>> {
        let Header {
            command_id: command,
            sequence_number: sequence,
            ..
        } = header;
        if !command.is_response() {
            return None;
        }
        let request = match passage {
            Passage::Received => self.ours.take(sequence),
            // It passes once more.
            Passage::Sending if self.hub.watches(Passage::Sent) => self.theirs.find(sequence),
            Passage::Sending | Passage::Sent => self.theirs.take(sequence),
        };
        request.filter(|request| {
            command == CommandId::GENERIC_NACK || request.header.command_id.response() == Some(command)
        })
    }

    /// Asks the hub again where something has changed there.
    fn look_up(&mut self) {
        let version = self.hub.version();
        if self.interest.0 != version {
            self.interest = (version, self.hub.interest(&self.bind, &self.account));
        }
    }

    /// Forgets what was kept for those who do not watch any more.
    #[inline]
    pub(super) fn tidy(&mut self) {
        let keeps = !(self.ours.is_empty() && self.theirs.is_empty());
        if keeps && self.tap.is_none() && self.hub.watches_nothing() {
            self.handle_link_lost();
        }
    }

    /// The link is gone, and with it whatever could answer the requests.
    pub(super) fn handle_link_lost(&mut self) {
        self.ours.clear();
        self.theirs.clear();
    }

    /// What the tap answers to the PDU that came last; asked once.
    pub(super) fn take_answer(&mut self) -> Option<CommandStatus> {
        self.answer.take()
    }
}
