//! Messages of which nobody knows what became, while a late response may still tell.

use std::collections::VecDeque;
use std::time::Instant;

use crate::events::{Accepted, LateEvent};
use crate::pdu::{CommandStatus, SequenceNumber};
use crate::submit::{AccountId, BindId, Job, MessageId, ReceiptKey, Reference};

/// At most so many are remembered; the session waits for no more late responses than its window.
const MOST: usize = 65_536;

/// Parts whose outcome was told as unknown because no response came in time.
#[derive(Debug, Default)]
pub(super) struct Missed(VecDeque<Missing>);

#[derive(Debug)]
struct Missing {
    until: Instant,
    sequence: SequenceNumber,
    reference: Reference,
    part: usize,
    parts: usize,
    wants_receipt: bool,
    key: Option<ReceiptKey>,
}

impl Missed {
    /// A part of this job is given up, and a late response is waited for until then.
    pub(super) fn insert(&mut self, job: &mut Job, part: usize, sequence: SequenceNumber, until: Instant) {
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back(Missing {
            until,
            sequence,
            reference: job.reference().clone(),
            part,
            parts: job.parts(),
            wants_receipt: job.registered_delivery().wants_receipt(),
            key: job.receipt_key(),
        });
    }

    /// A late response came: what it is about, and what is to be remembered for receipts.
    pub(super) fn handle_late(
        &mut self,
        (bind, account): (&BindId, &AccountId),
        sequence: SequenceNumber,
        status: CommandStatus,
        message_id: MessageId,
        now: Instant,
    ) -> Option<(LateEvent, Option<Accepted>)> {
        // They come in the order of their times.
        while self.0.pop_front_if(|missing| missing.until < now).is_some() {}
        let place = self.0.iter().position(|missing| missing.sequence == sequence)?;
        let missing = self.0.remove(place)?;
        let is_owed = status.is_ok() && missing.wants_receipt;
        let accepted = is_owed
            .then(|| {
                let id = message_id.clone();
                let part = (missing.part, missing.parts);
                Accepted::late(missing.reference.clone(), part, id, missing.key)
            })
            .flatten();
        let event = LateEvent {
            bind: bind.clone(),
            account: account.clone(),
            reference: missing.reference,
            part: missing.part,
            sequence,
            status,
            message_id,
        };
        Some((event, accepted))
    }

    /// Sequence numbers of another session mean other requests.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
