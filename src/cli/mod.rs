//! What the binary consists of.

mod hex;
pub mod pdu_json;
pub mod sm_json;
