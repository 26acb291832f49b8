//! An SMSC inside the process: accounts, receipts, delays and faults, over TCP or in memory.

mod accounts;
mod behaviour;
mod centre;
mod clock;
mod counters;
mod deliveries;
mod faults;
mod links;
mod message_id;
mod phones;
mod requests;
mod schedule;
mod store;
mod witness;

pub use behaviour::{Account, Behaviour, Faults, Limits, MobileOriginated, Shares};
pub use counters::Counters;
pub use message_id::{IdForm, MessageIds};
pub use witness::{Fate, Seen, SeenMessage, Sighting, Witness};
