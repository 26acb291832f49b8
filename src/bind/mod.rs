//! A bind: one actor that keeps one session with one SMSC alive.

pub mod messages;
