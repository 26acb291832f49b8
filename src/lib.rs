//! Many SMPP binds in one process, and messages routed over them.

pub mod bind;
#[cfg(feature = "cli")]
pub mod cli;
pub mod dispatch;
pub mod esme;
pub mod events;
pub mod link;
pub mod pdu;
pub mod router;
pub mod session;
pub mod settings;
pub mod sm;
pub mod smsc;
pub mod submit;
pub mod telemetry;
