//! Every alphabet, with arbitrary text and arbitrary octets: encoding, decoding, splitting, joining.
//!
//! The first octets choose alphabet and options; the rest is the text.

#![no_main]

use std::time::Instant;

use bindery::pdu::SubmitSm;
use bindery::sm::{
    Alphabet, AlphabetChoice, Concatenation, DefaultAlphabet, Joiner, JoinLimits, Joining, Language, Languages,
    MAX_PARTS, MessageSource, Parties, Reading, SplitOptions, Tables, TextError, Unencodable, gsm7, preview,
    split_octets, split_text,
};
use libfuzzer_sys::fuzz_target;

const DEFAULTS: [DefaultAlphabet; 5] = [
    DefaultAlphabet::Gsm,
    DefaultAlphabet::GsmPacked,
    DefaultAlphabet::Latin1,
    DefaultAlphabet::Ascii,
    DefaultAlphabet::Utf8,
];

const CONCATENATIONS: [Concatenation; 4] =
    [Concatenation::Udh8, Concatenation::Udh16, Concatenation::Sar, Concatenation::Payload];

fn pick<T: Copy, const N: usize>(from: [T; N], by: u8) -> T {
    from[usize::from(by) % N]
}

fn alphabet(by: u8, tables: u8) -> Alphabet {
    // Neither, a locking table, a single one, or both: each of the languages comes up with each.
    let tables = Tables {
        locking: Language::from_number(tables & 0x0F),
        single: Language::from_number(tables >> 4),
    };
    pick(
        [
            Alphabet::GSM7,
            Alphabet::Gsm7(tables),
            Alphabet::Ascii,
            Alphabet::Latin1,
            Alphabet::Iso8859_5,
            Alphabet::Iso8859_8,
            Alphabet::Ucs2,
            Alphabet::Utf8,
            Alphabet::Binary,
        ],
        by,
    )
}

/// What an alphabet makes of a text, and back.
fn round_trip(alphabet: Alphabet, text: &str) {
    let lacking = text.chars().filter(|character| alphabet.units(*character).is_none()).count();
    let mut out = b"before".to_vec();
    match alphabet.encode(text, Unencodable::Refuse, &mut out) {
        Ok(lossy) => {
            assert_eq!((lossy, lacking), (0, 0));
            assert!(alphabet.holds(text));
            let units: usize = text.chars().filter_map(|character| alphabet.units(character)).sum();
            assert_eq!(out.len() - 6, units * alphabet.unit_octets());
            assert_eq!(alphabet.decode_strict(&out[6..]).as_deref(), Ok(text));
        }
        Err(TextError::Unencodable { character, index, offset, .. }) => {
            assert_ne!(lacking, 0);
            assert_eq!(out, b"before");
            assert_eq!(text.chars().nth(index), Some(character));
            assert!(text[offset..].starts_with(character));
            assert_eq!(alphabet.units(character), None);
        }
        Err(error) => assert_eq!((error, alphabet), (TextError::NoText, Alphabet::Binary)),
    }
    for missing in [Unencodable::Replace, Unencodable::Skip] {
        out.clear();
        if let Ok(lossy) = alphabet.encode(text, missing, &mut out) {
            assert_eq!(lossy, lacking);
            assert!(alphabet.decode(&out, &mut String::new()).is_empty());
        }
    }
}

/// What an alphabet reads in octets is the same the second time.
fn read(alphabet: Alphabet, octets: &[u8]) {
    let mut text = String::new();
    let faults = alphabet.decode(octets, &mut text);
    if !faults.is_empty() {
        return;
    }
    let mut again = Vec::new();
    // Some cells are read and never written.
    if alphabet.encode(&text, Unencodable::Refuse, &mut again).is_ok() {
        assert_eq!(alphabet.decode_strict(&again), Ok(text));
    }
    if let Alphabet::Gsm7(_) = alphabet {
        let packed = gsm7::pack(octets, 0, gsm7::Padding::Zero);
        assert_eq!(gsm7::unpack(&packed, 0, Some(octets.len()), gsm7::Padding::Zero), octets);
    }
}

/// The parts fit, follow each other, and make the text again.
fn split(text: &str, options: &SplitOptions, reference: u16) {
    let seen = preview(text, options);
    let split = match split_text(text, options, reference) {
        Ok(split) => split,
        Err(error) => {
            assert_eq!(seen.err(), Some(error));
            return;
        }
    };
    let seen = seen.expect("a preview of what can be split");
    assert_eq!(seen.units, split.parts.iter().map(|part| part.units).collect::<Vec<_>>());
    assert!((1..=MAX_PARTS).contains(&split.parts.len()));

    let mut joiner = Joiner::new(JoinLimits::default());
    let parties = Parties { account: "a", source: b"1", destination: b"2" };
    let now = Instant::now();
    let mut end = 0;
    let mut joined = Vec::new();
    for part in split.parts.iter() {
        assert_eq!(part.source.start, end);
        end = part.source.end;
        assert!(part.units <= split.per_part);
        let mut submit = SubmitSm::default();
        split.fill(part, &mut submit).expect("a part fits its fields");
        let source = MessageSource {
            esm_class: submit.esm_class,
            data_coding: submit.data_coding,
            short_message: &submit.short_message,
            tlvs: submit.tlvs.view(),
            default_alphabet: options.default_alphabet,
        };
        match joiner.handle(&parties, &source, (), now) {
            Joining::Single(()) => joined.push(source.content().text()),
            Joining::Complete(complete) => joined.push(complete.text()),
            Joining::Waiting => {}
            Joining::Duplicate(()) => panic!("no part comes twice"),
        }
    }
    assert_eq!(joined.len(), 1);
    let (again, faults) = &joined[0];
    // Data_coding 0 says which alphabet only where it is the one agreed on; two carriage returns at the end of packed
    // text mean what one means.
    let told = Reading::of(split.data_coding, options.default_alphabet)
        .is_some_and(|reading| match (reading.alphabet, split.alphabet) {
            (Alphabet::Gsm7(_), Alphabet::Gsm7(_)) => true,
            (told, used) => told == used,
        });
    let returns = options.default_alphabet == DefaultAlphabet::GsmPacked && text.contains("\r\r");
    if told && split.lossy == 0 && split.transliterated == 0 && !returns {
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!(again, text);
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((&[which, tables, more, limit, flags, reference], rest)) = data.split_first_chunk() else { return };
    let alphabet = alphabet(which, tables);
    read(alphabet, rest);
    let text = String::from_utf8_lossy(rest);
    round_trip(alphabet, &text);

    let flag = |bit: u8| flags & 1 << bit != 0;
    let options = SplitOptions {
        alphabet: match flags >> 6 {
            0 => AlphabetChoice::Auto,
            1 => AlphabetChoice::Gsm7,
            2 => AlphabetChoice::Prefer(alphabet),
            _ => AlphabetChoice::Only(alphabet),
        },
        default_alphabet: pick(DEFAULTS, more),
        languages: [tables & 0x0F, tables >> 4].into_iter().filter_map(Language::from_number).collect::<Languages>(),
        latin1: flag(0),
        concatenation: pick(CONCATENATIONS, more / 5),
        keep_clusters: flag(1),
        unencodable: pick([Unencodable::Refuse, Unencodable::Skip, Unencodable::Replace], more / 20),
        transliterate: flag(2),
        max_octets: if flag(3) { usize::from(limit) } else { SplitOptions::default().max_octets },
        elements: if flag(4) { vec![0x05, 4, 0x0B, 0x84, 0x23, 0xF0] } else { Vec::new() },
        number_single: flag(5),
        ..SplitOptions::default()
    };
    split(&text, &options, u16::from(reference) * 257);
    let data_coding = Reading::of(alphabet.data_coding(), options.default_alphabet);
    if let Ok(split) = split_octets(rest, alphabet.data_coding(), &options, u16::from(reference)) {
        let carried: usize = split.parts.iter().map(|part| part.source.len()).sum();
        assert_eq!(carried, rest.len(), "{data_coding:?}");
    }
});
