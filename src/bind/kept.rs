//! Requests that wait for the response which names them, for those who watch both.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::events::PduEvent;
use crate::pdu::SequenceNumber;

/// Requests by their number, the latest ones. What is never answered is displaced by what comes later.
#[derive(Debug)]
pub(super) struct Kept {
    requests: HashMap<SequenceNumber, Arc<PduEvent>>,
    /// In the order in which they came; those that were taken are still there until they would be half of it.
    order: VecDeque<SequenceNumber>,
    most: usize,
}

impl Kept {
    /// Keeps at most so many.
    pub(super) fn new(most: usize) -> Self {
        Self {
            requests: HashMap::new(),
            order: VecDeque::new(),
            most,
        }
    }

    pub(super) fn set_most(&mut self, most: usize) {
        self.most = most;
    }

    pub(super) fn keep(&mut self, request: Arc<PduEvent>) {
        let sequence = request.header.sequence_number;
        if self.requests.insert(sequence, request).is_some() {
            self.order.retain(|other| *other != sequence);
        }
        self.order.push_back(sequence);
        while self.requests.len() > self.most
            && let Some(oldest) = self.order.pop_front()
        {
            self.requests.remove(&oldest);
        }
        if self.order.len() > 2 * self.requests.len() + 8 {
            self.order.retain(|sequence| self.requests.contains_key(sequence));
        }
    }

    /// The request with this number, which may be asked for again.
    pub(super) fn find(&self, sequence: SequenceNumber) -> Option<Arc<PduEvent>> {
        self.requests.get(&sequence).cloned()
    }

    /// The request with this number, which is answered for good.
    pub(super) fn take(&mut self, sequence: SequenceNumber) -> Option<Arc<PduEvent>> {
        self.requests.remove(&sequence)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Forgets everything, and gives back the room for it.
    pub(super) fn clear(&mut self) {
        self.requests = HashMap::new();
        self.order = VecDeque::new();
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
            assert!(kept.order.len() < 16, "{}", kept.order.len());
        }
        kept.keep(request(1));
        kept.keep(request(1));
        assert_eq!(kept.requests.len(), 1);
        kept.clear();
        assert!(kept.is_empty());
    }
}
