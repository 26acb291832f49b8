//! Many SMPP binds in one process, and messages routed over them.

pub mod pdu;
pub mod smsc;
