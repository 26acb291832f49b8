//! Everything that needs more than one module, in one binary.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests say what they skip, and fail loudly"
)]

mod account;
mod capture;
mod carriers;
#[cfg(feature = "cli")]
mod cli;
mod client;
#[cfg(feature = "cli")]
mod conformance_pdu;
#[cfg(feature = "cli")]
mod conformance_sm;
mod esme;
mod flood;
mod generate;
mod homes;
mod live;
mod outbind;
mod peer;
mod profiles;
mod properties_pdu;
mod protocol_docs;
mod proxy;
mod quirks;
mod receipts;
mod requests;
mod routing;
mod secrets;
#[cfg(feature = "cli")]
mod sm_vectors;
mod tidy;
#[cfg(feature = "tls")]
mod tls;
mod vectors;
mod watcher;
#[cfg(feature = "cli")]
mod wire_session;
