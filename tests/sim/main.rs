//! Whole systems under misfortune: a router, its binds and several SMSCs in one thread, in virtual time.
//!
//! A seed is one run. It decides the settings, the traffic and what goes wrong; at the end what callers were told
//! is held against what the SMSCs saw. `BINDERY_SEEDS=from..to` runs other seeds than the usual ones.

#![allow(
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests fail loudly and say how to run them again"
)]

mod answers;
mod bench;
mod clerks;
mod failures;
mod ledger;
mod limits;
mod long;
mod oddities;
mod orders;
mod page;
mod panics;
mod phones;
mod receipts;
mod replies;
mod run;
mod seeds;
mod shrink;
mod traffic;
mod truth;
#[path = "../it/watcher.rs"]
mod watcher;
mod world;
