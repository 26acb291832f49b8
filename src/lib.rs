//! Many SMPP binds in one process, and messages routed over them.
//!
//! [`Esme`] is the door: start it with [`Settings`](settings::Settings), give it [`Submit`]s, and each ends in exactly
//! one [`SubmitResult`]. Behind it each configured [`bind`] is an actix actor that owns its socket and its session,
//! and the [`router`] is the supervisor actor that gives messages to them.
//!
//! | Layer | Modules |
//! |---|---|
//! | words and octets, pure | [`pdu`] |
//! | short-message content, pure | [`sm`] |
//! | one session, who takes which message, settings, pure | [`session`], [`dispatch`], [`settings`] |
//! | messages, outcomes, events | [`submit`], [`events`] |
//! | sockets | [`link`] |
//! | actors | [`bind`], [`router`] |
//! | the door, and one bind led by hand | [`esme`], [`client`] |
//! | an SMSC for tests | [`smsc`] |
//!
//! Imports go downwards only. The pure modules know no runtime, no socket and no clock: time comes in as an argument.

pub mod bind;
#[cfg(feature = "cli")]
pub mod cli;
pub mod client;
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

pub use esme::Esme;
pub use submit::{Reference, Submit, SubmitBatch, SubmitError, SubmitResult, Submitted};

/// The examples of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;

/// The examples for those who come from a simple client compile.
#[cfg(doctest)]
#[doc = include_str!("../docs/from-python.md")]
pub struct FromPython;

/// The examples for production compile.
#[cfg(doctest)]
#[doc = include_str!("../docs/production.md")]
pub struct Production;
