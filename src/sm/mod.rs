//! Short-message content.
mod alphabet;
mod choose;
mod content;
mod correlate;
mod cut;
mod error;
pub mod gsm7;
mod join;
mod look_alike;
mod message_id;
mod octet;
mod plan;
mod preview;
pub mod receipt;
mod reference;
mod split;
mod transliterate;
mod ucs2;
mod udh;

pub use alphabet::{Alphabet, DefaultAlphabet, Reading, UnknownAlphabet};
pub use content::{Content, MessageSource};
pub use correlate::{
    Correlation, Correlator, CorrelatorCounters, CorrelatorLimits, Forgotten, Matched, MemoryStore,
    MessageKey, MessageResult, PartStates, Place, Progress, ReceiptStore, Received, Tracked,
};
pub use error::{TextError, TextFault, TextFaultKind, TextFaults, Unencodable};
pub use gsm7::{Language, Languages, Padding, Tables};
pub use join::{JoinKey, JoinLimits, Joined, Joiner, Joining, Parties, StoredPart};
pub use message_id::{IdBase, IdForm, IdRules};
pub use preview::{Forcing, Preview, preview, smallest};
pub use receipt::{Receipt, ReceiptDate, ReceiptText};
pub use reference::{PerDestination, ReferenceGenerator, Sequential};
pub use split::{
    AlphabetChoice, Concatenation, MAX_PARTS, MESSAGE_OCTETS, PAYLOAD_OCTETS, Part, Shifts, Split,
    SplitOptions, split_octets, split_packed, split_text,
};
pub use udh::{Element, Elements, PartInfo, Ports, ReferenceWidth, Udh, UdhError};

#[cfg(test)]
mod tests;
