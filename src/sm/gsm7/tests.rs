use super::*;
use crate::sm::error::TextFaultKind;

fn septets(text: &str, tables: Tables) -> Vec<u8> {
    let mut out = Vec::new();
    encode(text, tables, &mut out, |_| Substitute::Refuse).unwrap();
    out
}

fn text(octets: &[u8], tables: Tables) -> (String, Vec<TextFaultKind>) {
    let mut out = String::new();
    let faults = decode(octets, tables, &mut out);
    (out, faults.first().map(|fault| fault.kind).into_iter().collect())
}

const fn locking(language: Language) -> Tables {
    Tables {
        locking: Some(language),
        single: None,
    }
}

const fn single(language: Language) -> Tables {
    Tables {
        locking: None,
        single: Some(language),
    }
}

#[test]
fn cells_that_copies_of_the_standard_get_wrong_are_right() {
    let cases = [
        (Tables::DEFAULT, &[0x09][..], 'Ç'),
        (Tables::DEFAULT, &[0x00], '@'),
        (Tables::DEFAULT, &[0x24], '¤'),
        (Tables::DEFAULT, &[0x1B, 0x0A], '\u{C}'),
        (locking(Language::Turkish), &[0x1F], 'É'),
        (locking(Language::Bengali), &[0x2C], ','),
        (locking(Language::Urdu), &[0x2C], ','),
        (locking(Language::Hindi), &[0x00], '\u{901}'),
        (locking(Language::Hindi), &[0x02], '\u{903}'),
        (locking(Language::Kannada), &[0x24], '\u{CA1}'),
        (locking(Language::Kannada), &[0x2D], '\u{CA7}'),
        (locking(Language::Oriya), &[0x47], '\u{B33}'),
        (locking(Language::Spanish), &[0x40], '¡'),
        (single(Language::Punjabi), &[0x1B, 0x23], '\u{A6D}'),
        (single(Language::Tamil), &[0x1B, 0x24], '\u{BEE}'),
        (single(Language::Telugu), &[0x1B, 0x22], '\u{C6C}'),
        (single(Language::Telugu), &[0x1B, 0x23], '\u{C6D}'),
        (single(Language::Telugu), &[0x1B, 0x65], '€'),
        (single(Language::Hindi), &[0x1B, 0x0B], '*'),
        (single(Language::Hindi), &[0x1B, 0x18], '*'),
    ];
    for (tables, octets, character) in cases {
        assert_eq!(
            text(octets, tables),
            (character.to_string(), vec![]),
            "{octets:x?} with {tables:?}"
        );
    }
}

#[test]
fn a_character_that_stands_twice_is_written_with_the_lower_code() {
    assert_eq!(septets("¡*", single(Language::Gujarati)), [0x40, 0x2A]);
    let both = Tables {
        locking: Some(Language::Gujarati),
        single: Some(Language::Gujarati),
    };
    assert_eq!(septets("¡*", both), [0x1B, 0x13, 0x1B, 0x0B]);
}

#[test]
fn the_telugu_euro_is_read_but_not_written() {
    assert_eq!(single(Language::Telugu).septets('€'), None);
    assert_eq!(single(Language::Tamil).septets('€'), Some(2));
}

#[test]
fn every_assigned_cell_of_every_table_survives_the_way_there_and_back() {
    let all = Language::ALL
        .into_iter()
        .flat_map(|language| [locking(language), single(language)]);
    for tables in all.chain([Tables::DEFAULT]) {
        let mut seen = 0;
        for code in 0..0x80 {
            let shifted = [ESCAPE, code];
            let octets = if tables.single.is_some() {
                &shifted[..]
            } else {
                &shifted[1..]
            };
            let (character, faults) = text(octets, tables);
            if !faults.is_empty() || code == ESCAPE {
                continue;
            }
            seen += 1;
            if tables.septets(character.chars().next().unwrap()).is_none() {
                assert_eq!((character.as_str(), tables.single), ("€", Some(Language::Telugu)));
                continue;
            }
            let written = septets(&character, tables);
            assert_eq!(text(&written, tables).0, character, "{code:#x} of {tables:?}");
        }
        assert!(seen >= 17, "{tables:?} has {seen} characters");
    }
}

#[test]
fn odd_septets_are_read_as_the_standard_asks_and_reported() {
    let cases: &[(&[u8], &str, Option<TextFaultKind>)] = &[
        (b"abc", "abc", None),
        (b"a\x1b", "a ", Some(TextFaultKind::LoneEscape)),
        (b"a\x1bA", "aA", Some(TextFaultKind::UnknownEscape(b'A'))),
        (b"a\x1b\x1b@", "a ¡", Some(TextFaultKind::UnknownEscape(ESCAPE))),
        (
            b"a\x1b\x80b",
            "a\u{FFFD}b",
            Some(TextFaultKind::InvalidOctet(0x80)),
        ),
        (b"a\xE4b", "a\u{FFFD}b", Some(TextFaultKind::InvalidOctet(0xE4))),
        (b"\x1b\x0d", "\r", Some(TextFaultKind::UnknownEscape(0x0D))),
    ];
    for (octets, expected, fault) in cases {
        assert_eq!(
            text(octets, Tables::DEFAULT),
            ((*expected).to_owned(), fault.iter().copied().collect()),
            "{octets:x?}"
        );
    }
    let tamil = text(b"\x00a", locking(Language::Tamil));
    assert_eq!(tamil, (" a".to_owned(), vec![TextFaultKind::Unassigned(0)]));
}

#[test]
fn long_texts_cross_the_blocks_of_the_codec() {
    let sample = "plain text of thirty-two octets, {then} [brackets], ümläuts, €uro @ end_";
    for length in 0..200 {
        let sample: String = sample.chars().cycle().take(length).collect();
        let octets = septets(&sample, Tables::DEFAULT);
        assert_eq!(text(&octets, Tables::DEFAULT).0, sample);
        assert_eq!(measure(&sample, Tables::DEFAULT), Ok(octets.len()));
    }
}

#[test]
fn what_is_refused_is_named_with_its_place() {
    let mut out = b"before".to_vec();
    let long = format!("{}ж", "x".repeat(40));
    let refused = encode(&long, Tables::DEFAULT, &mut out, |_| Substitute::Refuse);
    assert_eq!((refused, out.as_slice()), (Err((40, 'ж')), &b"before"[..]));
    assert_eq!(measure(&long, Tables::DEFAULT), Err((40, 'ж')));
    encode("aжb", Tables::DEFAULT, &mut out, |_| Substitute::Skip).unwrap();
    encode("жb", Tables::DEFAULT, &mut out, |_| Substitute::With('{')).unwrap();
    encode("жb", Tables::DEFAULT, &mut out, |_| Substitute::With('ж')).unwrap();
    assert_eq!(out, b"beforeab\x1b\x28bb");
}

#[test]
fn septets_are_packed_as_the_standard_prints_it() {
    let cases: &[(&[u8], usize, Padding, &[u8])] = &[
        (b"", 0, Padding::Zero, &[]),
        (b"7bit", 0, Padding::Zero, &[0x37, 0x71, 0x9A, 0x0E]),
        (
            b"hellohello",
            0,
            Padding::Zero,
            &[0xE8, 0x32, 0x9B, 0xFD, 0x46, 0x97, 0xD9, 0xEC, 0x37],
        ),
        (
            b"1234567",
            0,
            Padding::Zero,
            &[0x31, 0xD9, 0x8C, 0x56, 0xB3, 0xDD, 0x00],
        ),
        (
            b"1234567",
            0,
            Padding::CarriageReturn,
            &[0x31, 0xD9, 0x8C, 0x56, 0xB3, 0xDD, 0x1A],
        ),
        (
            b"12345678",
            0,
            Padding::Zero,
            &[0x31, 0xD9, 0x8C, 0x56, 0xB3, 0xDD, 0x70],
        ),
        (b"abc", 1, Padding::Zero, &[0xC2, 0xE2, 0x31]),
        (
            b"1234567\r",
            0,
            Padding::Zero,
            &[0x31, 0xD9, 0x8C, 0x56, 0xB3, 0xDD, 0x1A],
        ),
        (
            b"1234567\r",
            0,
            Padding::CarriageReturn,
            &[0x31, 0xD9, 0x8C, 0x56, 0xB3, 0xDD, 0x1A, 0x0D],
        ),
    ];
    for (septets, fill, padding, packed) in cases {
        assert_eq!(pack(septets, *fill, *padding), *packed, "{septets:x?}");
        assert_eq!(
            unpack(packed, *fill, Some(septets.len()), Padding::Zero),
            *septets
        );
        if *padding == Padding::CarriageReturn {
            assert_eq!(unpack(packed, *fill, None, *padding), *septets, "{packed:x?}");
        }
    }
}

#[test]
fn fill_bits_bring_the_text_behind_a_header_to_a_septet() {
    let headers = [0, 4, 5, 6, 7, 9, 10, 12, 13];
    let fills = [0, 3, 2, 1, 0, 5, 4, 2, 1];
    assert_eq!(headers.map(fill_bits), fills);
    assert_eq!(
        headers.map(|header| packed_septets(140 - header, fill_bits(header))),
        [160, 155, 154, 153, 152, 149, 148, 146, 145]
    );
}

#[test]
fn octets_that_are_no_septets_are_found() {
    type Case<'a> = (&'a [u8], &'a [(usize, u8)]);
    let cases: &[Case<'_>] = &[
        (b"12345678", &[]),
        (b"12345\x1b<6\x1b>", &[]),
        (b"12345\x1b", &[(5, 0x1B)]),
        (b"1\x802\xFF\x1b", &[(1, 0x80), (3, 0xFF), (4, 0x1B)]),
        (b"\x1b\x1b", &[]),
    ];
    for (octets, invalid) in cases {
        assert_eq!(
            invalid_octets(octets).collect::<Vec<_>>(),
            *invalid,
            "{octets:x?}"
        );
    }
}
