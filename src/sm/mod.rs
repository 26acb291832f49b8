//! Short-message content.
mod alphabet;
mod choose;
mod correlate;
mod cut;
mod error;
pub mod gsm7;
mod look_alike;
mod message_id;
mod octet;
mod plan;
pub mod receipt;
mod split;
mod transliterate;
mod ucs2;
mod udh;

pub use alphabet::{Alphabet, DefaultAlphabet, Reading, UnknownAlphabet};
pub use correlate::{
    Correlation, Correlator, CorrelatorLimits, Matched, MemoryStore, MessageKey, MessageResult, Place,
    Progress, ReceiptStore, Received, Tracked,
};
pub use error::{TextError, TextFault, TextFaultKind, TextFaults, Unencodable};
pub use gsm7::{Language, Languages, Padding, Tables};
pub use message_id::{IdBase, IdForm, IdRules};
pub use receipt::{Receipt, ReceiptDate, ReceiptSource, ReceiptText};
pub use split::{
    AlphabetChoice, Concatenation, MAX_PARTS, MESSAGE_OCTETS, PAYLOAD_OCTETS, Part, Split, SplitOptions,
    split_octets, split_text,
};
pub use udh::{Element, Elements, PartInfo, Ports, ReferenceWidth, Udh, UdhError};
