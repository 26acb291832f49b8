//! An SMSC inside the process: accounts, receipts, delays and faults, over TCP or in memory.

mod behaviour;
mod clock;
mod deliveries;
mod faults;
mod message_id;
mod schedule;
mod store;
mod witness;

pub use behaviour::{Account, Behaviour, Faults, Limits, MobileOriginated, Shares};
pub use message_id::{IdForm, MessageIds};
pub use witness::{Fate, Seen, SeenMessage, Sighting, Witness};
