//! Nanoseconds and allocations per PDU, for bindery, rusmpp, smpp34 and smpp-codec, in one run.
//!
//! `cargo bench --manifest-path benches/peers/Cargo.toml --bench codec`. Every crate first proves that it writes
//! the same octets. What is measured: a submit_sm with 100 octets of text, a deliver_sm with a receipt and three
//! TLVs, an enquire_link, and a mixed stream of 152 PDUs, its figures per PDU.

#[path = "../../../fixtures/pdus.rs"]
mod pdus;

mod ours;
mod rusmpp_codec;
mod smpp34_codec;
mod smpp_codec_codec;

use bindery_peers::{Goal, run};

/// The works, spelt once, because equal ones are compared.
mod work {
    pub const SUBMIT_BUILD: &str = "submit_sm from `&str`, encoded";
    pub const SUBMIT_ENCODE: &str = "submit_sm, encoded";
    pub const SUBMIT_DECODE: &str = "submit_sm, decoded";
    pub const DELIVER_ENCODE: &str = "deliver_sm, encoded";
    pub const DELIVER_DECODE: &str = "deliver_sm, decoded";
    pub const ENQUIRE_ENCODE: &str = "enquire_link, encoded";
    pub const ENQUIRE_DECODE: &str = "enquire_link, decoded";
    pub const MIXED_ENCODE: &str = "mixed stream, encoded";
    pub const MIXED_DECODE: &str = "mixed stream, decoded";
}

/// The ways of bindery.
mod way {
    pub const BORROWED: &str = "borrowed";
    pub const OWNED: &str = "owned";
    pub const VIEW: &str = "view";
    pub const COPIES: &str = "copies";
}

/// The frames that every crate reads.
struct Frames {
    submit_sm: Vec<u8>,
    deliver_sm: Vec<u8>,
    enquire_link: Vec<u8>,
    mixed: Vec<u8>,
}

const GOALS: &[Goal] = &[
    goal(work::SUBMIT_BUILD, way::BORROWED, 1.0 / 3.0, true),
    goal(work::SUBMIT_DECODE, way::VIEW, 0.25, true),
    goal(work::SUBMIT_DECODE, way::OWNED, 0.6, false),
    goal(work::DELIVER_DECODE, way::VIEW, 0.25, true),
    goal(work::DELIVER_DECODE, way::OWNED, 0.6, false),
    goal(work::ENQUIRE_DECODE, way::VIEW, 1.2, true),
    goal(work::ENQUIRE_DECODE, way::OWNED, 1.2, false),
];

const fn goal(work: &'static str, way: &'static str, most: f64, allocates_nothing: bool) -> Goal {
    Goal {
        work,
        way,
        most,
        allocates_nothing,
    }
}

fn main() {
    let frames = ours::frames();
    let mut cases = ours::cases(&frames);
    cases.extend(rusmpp_codec::cases(&frames));
    cases.extend(smpp34_codec::cases(&frames));
    cases.extend(smpp_codec_codec::cases(&frames));
    run(cases, GOALS);
}

/// Cuts a stream as a reader of sockets does that has no help from its codec.
fn cut(stream: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    let mut rest = stream;
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk()?;
        let command_id = u32::from_be_bytes(*after.first_chunk()?);
        let (frame, next) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        rest = next;
        Some((command_id, frame))
    })
}
