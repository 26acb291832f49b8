//! What the values of TLVs are in Rust where a plain integer says too little.

mod code;
mod structure;

pub use code::*;
pub use structure::*;
