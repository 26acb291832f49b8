//! Octets that wait to be written, and how far the writing got.

/// Above this capacity an emptied buffer is given back.
const KEEP: usize = 1 << 20;

/// Output in the order of encoding. Positions count every octet of the session, so that each request knows
/// where its last octet stands and whether that has left the process.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    octets: Vec<u8>,
    /// Octets of `octets` that have left.
    sent: usize,
    /// Position of the first octet of `octets`.
    base: u64,
}

impl Outbox {
    /// What is to be written.
    #[inline]
    pub(super) fn pending(&self) -> &[u8] {
        self.octets.get(self.sent..).unwrap_or_default()
    }

    /// How much is to be written.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.octets.len() - self.sent
    }

    /// The buffer, to append a frame to.
    // Invariant: only whole frames are appended here, and nothing else is done to it, so positions stay true.
    #[inline]
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.octets
    }

    /// The position behind the last octet.
    #[inline]
    pub(super) fn end(&self) -> u64 {
        self.base + self.octets.len() as u64
    }

    /// The position of the first octet that has not left.
    #[inline]
    pub(super) fn written(&self) -> u64 {
        self.base + self.sent as u64
    }

    /// The first `count` pending octets have left.
    pub(super) fn advance(&mut self, count: usize) {
        self.sent = (self.sent + count).min(self.octets.len());
        if self.sent == self.octets.len() {
            self.base += self.octets.len() as u64;
            self.sent = 0;
            self.octets.clear();
            if self.octets.capacity() > KEEP {
                self.octets = Vec::new();
            }
        }
    }

    /// Throws away what has not left, perhaps the rest of a frame.
    pub(super) fn discard(&mut self) {
        self.octets.truncate(self.sent);
    }

    /// Cuts the octets from `start` to `end` out, which must not have been written. What stands behind them
    /// moves forward; positions behind `start` are no longer comparable.
    pub(super) fn remove(&mut self, start: u64, end: u64) {
        let (Ok(from), Ok(to)) = (
            usize::try_from(start.saturating_sub(self.base)),
            usize::try_from(end.saturating_sub(self.base)),
        ) else {
            return;
        };
        if from >= self.sent && from <= to && to <= self.octets.len() {
            self.octets.drain(from..to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_survive_an_emptied_buffer() {
        let mut outbox = Outbox::default();
        outbox.buffer().extend_from_slice(b"0123456789");
        outbox.advance(4);
        assert_eq!(
            (outbox.pending(), outbox.written(), outbox.end()),
            (&b"456789"[..], 4, 10)
        );
        outbox.advance(6);
        assert_eq!((outbox.len(), outbox.written(), outbox.end()), (0, 10, 10));
        outbox.buffer().extend_from_slice(b"ab");
        outbox.advance(1);
        assert_eq!(
            (outbox.pending(), outbox.written(), outbox.end()),
            (&b"b"[..], 11, 12)
        );
    }

    #[test]
    fn only_what_has_not_left_can_be_taken_back() {
        let mut outbox = Outbox::default();
        outbox.buffer().extend_from_slice(b"aaabbbccc");
        outbox.advance(4);
        outbox.remove(3, 6);
        assert_eq!(outbox.pending(), b"bbccc", "a frame that is half written stays");
        outbox.remove(6, 9);
        assert_eq!(outbox.pending(), b"bb");
    }
}
