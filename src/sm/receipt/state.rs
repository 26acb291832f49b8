//! The state of a message in the words of receipts.

use crate::pdu::MessageState;

/// The state that a word of a receipt stands for: those of 3.4 appendix B, full names, and what vendors write
/// instead. None for words without a plain meaning; the receipt keeps them.
#[must_use]
pub fn state_of(stat: &str) -> Option<MessageState> {
    const WORDS: &[(&str, MessageState)] = &[
        ("DELIVRD", MessageState::DELIVERED),
        ("DELIVERED", MessageState::DELIVERED),
        ("UNDELIV", MessageState::UNDELIVERABLE),
        ("UNDELIVERABLE", MessageState::UNDELIVERABLE),
        ("UNDELIVERED", MessageState::UNDELIVERABLE),
        ("UNDELIVRD", MessageState::UNDELIVERABLE),
        ("FAILED", MessageState::UNDELIVERABLE),
        ("EXPIRED", MessageState::EXPIRED),
        ("REJECTD", MessageState::REJECTED),
        ("REJECTED", MessageState::REJECTED),
        ("DND_REJECTED", MessageState::REJECTED),
        ("DELETED", MessageState::DELETED),
        ("ACCEPTD", MessageState::ACCEPTED),
        ("ACCEPTED", MessageState::ACCEPTED),
        ("ACKED", MessageState::ACCEPTED),
        ("ENROUTE", MessageState::ENROUTE),
        ("BUFFRED", MessageState::ENROUTE),
        ("BUFFERED", MessageState::ENROUTE),
        ("SCHEDULED", MessageState::SCHEDULED),
        ("SKIPPED", MessageState::SKIPPED),
        ("UNKNOWN", MessageState::UNKNOWN),
    ];
    WORDS
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(stat))
        .map(|(_, state)| *state)
}

/// The word of 3.4 appendix B for a state; the name for those of 5.0, which have none; `UNKNOWN` for the rest.
#[must_use]
pub const fn word_of(state: MessageState) -> &'static str {
    match state {
        MessageState::SCHEDULED => "SCHEDULED",
        MessageState::ENROUTE => "ENROUTE",
        MessageState::DELIVERED => "DELIVRD",
        MessageState::EXPIRED => "EXPIRED",
        MessageState::DELETED => "DELETED",
        MessageState::UNDELIVERABLE => "UNDELIV",
        MessageState::ACCEPTED => "ACCEPTD",
        MessageState::REJECTED => "REJECTD",
        MessageState::SKIPPED => "SKIPPED",
        _ => "UNKNOWN",
    }
}

/// True when nothing more is to be expected of a message in this state.
///
/// Not so for ACCEPTED, which the protocol takes as final ("read by customer service") but many providers send
/// before DELIVRD, nor for UNKNOWN, of which the protocol says nothing.
#[must_use]
pub const fn is_final(state: MessageState) -> bool {
    matches!(
        state,
        MessageState::DELIVERED
            | MessageState::EXPIRED
            | MessageState::DELETED
            | MessageState::UNDELIVERABLE
            | MessageState::REJECTED
            | MessageState::SKIPPED
    )
}
