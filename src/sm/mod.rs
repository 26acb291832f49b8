//! Short-message content.
mod alphabet;
mod choose;
mod cut;
mod error;
pub mod gsm7;
mod look_alike;
mod octet;
mod plan;
mod split;
mod transliterate;
mod ucs2;
mod udh;

pub use alphabet::{Alphabet, DefaultAlphabet, Reading, UnknownAlphabet};
pub use error::{TextError, TextFault, TextFaultKind, TextFaults, Unencodable};
pub use gsm7::{Language, Languages, Padding, Tables};
pub use split::{
    AlphabetChoice, Concatenation, MAX_PARTS, MESSAGE_OCTETS, PAYLOAD_OCTETS, Part, Split, SplitOptions, split_octets,
    split_text,
};
pub use udh::{Element, Elements, PartInfo, Ports, ReferenceWidth, Udh, UdhError};
