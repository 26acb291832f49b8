//! What the binary consists of.

pub mod pdu_json;
