//! Requests that wait for the response which names them, for those who watch both.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::events::PduEvent;
use crate::pdu::SequenceNumber;

/// Requests by their number, the latest ones. What is never answered is displaced by what comes later.
#[derive(Debug)]
pub(super) struct Kept {
    most: usize,
    /// Made when the first one comes: most binds are never watched.
    table: Option<Box<Table>>,
}

#[derive(Debug, Default)]
struct Table {
    requests: HashMap<SequenceNumber, Arc<PduEvent>>,
    /// In the order in which they came; those that were taken are still there until they would be half of it.
    order: VecDeque<SequenceNumber>,
}

impl Kept {
    /// Keeps at most so many.
    pub(super) const fn new(most: usize) -> Self {
        Self { most, table: None }
    }

    pub(super) fn set_most(&mut self, most: usize) {
        self.most = most;
    }

    pub(super) fn keep(&mut self, request: Arc<PduEvent>) {
        let Table { requests, order } = self.table.get_or_insert_default().as_mut();
        let sequence = request.header.sequence_number;
        if requests.insert(sequence, request).is_some() {
            order.retain(|other| *other != sequence);
        }
        order.push_back(sequence);
        while requests.len() > self.most
            && let Some(oldest) = order.pop_front()
        {
            requests.remove(&oldest);
        }
        if order.len() > 2 * requests.len() + 8 {
            order.retain(|sequence| requests.contains_key(sequence));
        }
    }

    /// The request with this number, which may be asked for again.
    pub(super) fn find(&self, sequence: SequenceNumber) -> Option<Arc<PduEvent>> {
        self.table.as_ref()?.requests.get(&sequence).cloned()
    }

    /// The request with this number, which is answered for good.
    pub(super) fn take(&mut self, sequence: SequenceNumber) -> Option<Arc<PduEvent>> {
        self.table.as_mut()?.requests.remove(&sequence)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.table.is_none()
    }

    /// Forgets everything, and gives back the room for it.
    pub(super) fn clear(&mut self) {
        self.table = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdu::{CommandId, CommandStatus, Header};
    use crate::session::Passage;

    fn request(number: u32) -> Arc<PduEvent> {
        let header = Header {
            command_length: 16,
            command_id: CommandId::SUBMIT_SM,
            command_status: CommandStatus::ESME_ROK,
            sequence_number: SequenceNumber::new(number),
        };
        Arc::new(PduEvent::unread(
            "a-1".into(),
            "a".into(),
            Passage::Sending,
            header,
        ))
    }

    #[test]
    fn the_latest_requests_are_kept_until_they_are_taken() {
        let mut kept = Kept::new(3);
        (1..=5).for_each(|number| kept.keep(request(number)));
        let mut take = |number| kept.take(SequenceNumber::new(number)).is_some();
        assert_eq!(
            (1..=5).map(&mut take).collect::<Vec<_>>(),
            [false, false, true, true, true]
        );
        assert!(!take(5));
    }

    #[test]
    fn what_was_taken_leaves_no_trace_in_the_long_run() {
        let mut kept = Kept::new(1_000);
        for number in 1..=10_000 {
            kept.keep(request(number));
            assert!(kept.find(SequenceNumber::new(number)).is_some());
            kept.take(SequenceNumber::new(number));
            let noted = kept.table.as_ref().unwrap().order.len();
            assert!(noted < 16, "{noted}");
        }
        kept.keep(request(1));
        kept.keep(request(1));
        assert_eq!(kept.table.as_ref().unwrap().requests.len(), 1);
        kept.clear();
        assert!(kept.is_empty());
    }
}
