//! Short-message content: what a text, a split, a receipt costs.
//!
//! Run with `cargo bench --bench sm`; the comparison with other crates is in `benches/peers`.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot start says so")]

use std::hint::black_box;

use bindery::pdu::{DataCoding, EsmClass, TlvsView};
use bindery::sm::{
    Alphabet, AlphabetChoice, DefaultAlphabet, Languages, MessageSource, Receipt, SplitOptions, Unencodable,
    gsm7, preview, split_text,
};
use criterion::{Criterion, criterion_group, criterion_main};

/// 160 characters that are the same in ASCII and GSM 03.38.
fn ascii() -> String {
    "The quick brown fox jumps over the lazy dog, 0123456789. "
        .repeat(3)
        .chars()
        .take(160)
        .collect()
}

/// 160 characters with umlauts, `@`, `_`, a pound sign.
fn mixed() -> String {
    "Grüße aus Köln: für 5 £ schöne Äpfel an max_müller@example.de! "
        .repeat(3)
        .chars()
        .take(160)
        .collect()
}

/// Ten parts of UCS2 with emoji.
fn unicode() -> String {
    "Привет, мир! 👋🏽 Как дела? "
        .repeat(40)
        .chars()
        .take(620)
        .collect()
}

fn texts(c: &mut Criterion) {
    let mut group = c.benchmark_group("text");
    let mut out = Vec::with_capacity(512);
    for (name, text) in [("ascii", ascii()), ("mixed", mixed())] {
        group.bench_function(format!("{name} to GSM"), |b| {
            b.iter(|| {
                out.clear();
                Alphabet::GSM7
                    .encode(black_box(&text), Unencodable::Refuse, &mut out)
                    .unwrap();
                black_box(&out);
            });
        });
        let mut septets = Vec::new();
        Alphabet::GSM7
            .encode(&text, Unencodable::Refuse, &mut septets)
            .unwrap();
        let mut back = String::with_capacity(512);
        group.bench_function(format!("{name} from GSM"), |b| {
            b.iter(|| {
                back.clear();
                black_box(Alphabet::GSM7.decode(black_box(&septets), &mut back));
            });
        });
        group.bench_function(format!("{name} packed"), |b| {
            b.iter(|| {
                out.clear();
                gsm7::pack_into(black_box(&septets), 0, gsm7::Padding::Zero, &mut out);
            });
        });
        group.bench_function(format!("{name} to UCS2"), |b| {
            b.iter(|| {
                out.clear();
                Alphabet::Ucs2
                    .encode(black_box(&text), Unencodable::Refuse, &mut out)
                    .unwrap();
            });
        });
    }
    group.finish();
}

fn splits(c: &mut Criterion) {
    let mut group = c.benchmark_group("split");
    let options = SplitOptions::default();
    for (name, text) in [
        ("one part", ascii()),
        ("ten parts of UCS2", unicode()),
        ("ten parts of GSM", ascii().repeat(9)),
    ] {
        group.bench_function(name, |b| {
            b.iter(|| split_text(black_box(&text), &options, 7).unwrap())
        });
    }
    let hindi = "नमस्ते दुनिया, आप कैसे हैं? ".repeat(4);
    let national = SplitOptions {
        languages: Languages::ALL,
        ..SplitOptions::default()
    };
    group.bench_function("choice of thirteen languages", |b| {
        b.iter(|| split_text(black_box(&hindi), &national, 7).unwrap());
    });
    let packed = SplitOptions {
        default_alphabet: DefaultAlphabet::GsmPacked,
        alphabet: AlphabetChoice::Gsm7,
        ..SplitOptions::default()
    };
    let long = ascii().repeat(9);
    group.bench_function("ten parts packed", |b| {
        b.iter(|| split_text(black_box(&long), &packed, 7).unwrap())
    });
    group.bench_function("preview", |b| {
        b.iter(|| preview(black_box(&unicode()), &options).unwrap())
    });
    group.finish();
}

fn receipts(c: &mut Criterion) {
    let text = "id:0123456789 sub:001 dlvrd:001 submit date:2611221656 done date:2611221657 stat:DELIVRD err:000 \
                text:The quick brown fox ";
    let source = MessageSource {
        esm_class: EsmClass::RECEIPT,
        data_coding: DataCoding::DEFAULT,
        short_message: text.as_bytes(),
        tlvs: TlvsView::default(),
        default_alphabet: DefaultAlphabet::Gsm,
    };
    c.bench_function("receipt", |b| {
        b.iter(|| Receipt::read(black_box(&source)).state())
    });
}

criterion_group!(benches, texts, splits, receipts);
criterion_main!(benches);
