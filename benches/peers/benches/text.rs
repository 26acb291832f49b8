//! Text to octets and parts: bindery, rusmpp-extra 0.4.0, gsm7 0.4.1, in one run.
//!
//! `cargo bench --manifest-path benches/peers/Cargo.toml --bench text`.

#[expect(
    dead_code,
    reason = "of the PDUs, only the text of the receipt is measured here"
)]
#[path = "../../fixtures/pdus.rs"]
mod pdus;

use std::hint::black_box;
use std::str::FromStr;

use bindery::pdu::{DataCoding, EsmClass, TlvsView};
use bindery::sm::gsm7::{Padding, pack_into};
use bindery::sm::{
    Alphabet, AlphabetChoice, DefaultAlphabet, MessageSource, Receipt, SplitOptions, Unencodable, split_text,
};
use bindery_peers::{BINDERY, Case, run};
use gsm7::Gsm7Writer;
use rusmpp_core::pdus::owned::SubmitSm;
use rusmpp_core::types::owned::OctetString;
use rusmpp_extra::concatenation::owned::SubmitSmMultipartExt;
use rusmpp_extra::encoding::gsm7bit::Gsm7BitUnpacked;

use crate::pdus::RECEIPT;

/// 160 characters that are the same in ASCII and GSM 03.38.
fn ascii() -> String {
    "The quick brown fox jumps over the lazy dog, 0123456789. "
        .repeat(3)
        .chars()
        .take(160)
        .collect()
}

/// 160 characters with umlauts, a pound sign, `@` and `_`.
fn mixed() -> String {
    "Grüße aus Köln: für 5 £ schöne Äpfel an max_müller@example.de! "
        .repeat(3)
        .chars()
        .take(160)
        .collect()
}

/// 120 characters, a sixth of which stand in the extension table and take two septets.
fn extended() -> String {
    "{\"id\": [7, 12], \"price\": \"5 €\", \"tags\": [\"a|b\", \"~c\"]} "
        .repeat(3)
        .chars()
        .take(120)
        .collect()
}

/// Ten parts of UCS2, nothing outside the basic plane.
fn unicode() -> String {
    "Привет, мир! Как дела? Ещё раз. "
        .repeat(40)
        .chars()
        .take(660)
        .collect()
}

fn main() {
    run(cases(), &[]);
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (encode, pack, text) in [
        ("160 ASCII to GSM", "160 ASCII to packed GSM", ascii()),
        ("160 mixed to GSM", "160 mixed to packed GSM", mixed()),
        (
            "120 with extension to GSM",
            "120 with extension to packed GSM",
            extended(),
        ),
    ] {
        assert_eq!(
            ours(&text),
            Gsm7BitUnpacked::new().encode_to_vec(&text).unwrap(),
            "the same septets"
        );
        assert_eq!(ours_packed(&text), theirs_packed(&text), "the same octets");

        let (own, mut out) = (text.clone(), Vec::with_capacity(512));
        cases.push(Case::new(encode, BINDERY, move || {
            out.clear();
            Alphabet::GSM7
                .encode(black_box(&own), Unencodable::Refuse, &mut out)
                .unwrap();
            black_box(out.len())
        }));
        let own = text.clone();
        cases.push(Case::new(encode, "rusmpp-extra", move || {
            Gsm7BitUnpacked::new().encode_to_vec(black_box(&own)).unwrap()
        }));
        let (own, mut septets, mut out) = (text.clone(), Vec::with_capacity(512), Vec::with_capacity(512));
        cases.push(Case::new(pack, BINDERY, move || {
            septets.clear();
            out.clear();
            Alphabet::GSM7
                .encode(black_box(&own), Unencodable::Refuse, &mut septets)
                .unwrap();
            pack_into(&septets, 0, Padding::CarriageReturn, &mut out);
            black_box(out.len())
        }));
        cases.push(Case::new(pack, "gsm7", move || theirs_packed(black_box(&text))));
    }

    let text = unicode();
    let options = SplitOptions {
        alphabet: AlphabetChoice::Only(Alphabet::Ucs2),
        ..SplitOptions::default()
    };
    let ours: Vec<_> = split_text(&text, &options, 7)
        .unwrap()
        .parts
        .into_iter()
        .map(|part| part.octets)
        .collect();
    let theirs: Vec<_> = multipart(&text)
        .iter()
        .map(|part| part.short_message().as_ref().to_vec())
        .collect();
    assert_eq!((ours.len(), theirs.len()), (10, 10));
    assert_eq!(ours, theirs, "the same parts");
    let own = text.clone();
    cases.push(Case::new("split into 10 parts of UCS2", BINDERY, move || {
        split_text(black_box(&own), &options, 7).unwrap()
    }));
    cases.push(Case::new(
        "split into 10 parts of UCS2",
        "rusmpp-extra",
        move || multipart(black_box(&text)),
    ));

    let source = MessageSource {
        esm_class: EsmClass::RECEIPT,
        data_coding: DataCoding::DEFAULT,
        short_message: RECEIPT.as_bytes(),
        tlvs: TlvsView::default(),
        default_alphabet: DefaultAlphabet::Gsm,
    };
    cases.push(Case::new("receipt", BINDERY, move || {
        Receipt::read(black_box(&source))
    }));
    cases
}

fn ours(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    Alphabet::GSM7
        .encode(text, Unencodable::Refuse, &mut out)
        .unwrap();
    out
}

fn ours_packed(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    pack_into(&ours(text), 0, Padding::CarriageReturn, &mut out);
    out
}

fn theirs_packed(text: &str) -> Vec<u8> {
    let mut writer = Gsm7Writer::new(Vec::new());
    writer.write_str(text).unwrap();
    writer.into_writer().unwrap()
}

fn multipart(text: &str) -> Vec<SubmitSm> {
    SubmitSm::builder()
        .short_message(OctetString::from_str("").unwrap())
        .build()
        .multipart(text)
        .reference_u8(7)
        .ucs2()
        .max_short_message_size(140)
        .build()
        .unwrap()
}
