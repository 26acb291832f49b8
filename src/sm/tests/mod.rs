//! Texts, headers, parts and receipts, case by case; and what holds for all of them.

mod alphabets;
mod content;
mod correlation;
mod joining;
mod properties;
mod receipts;
mod splitting;
