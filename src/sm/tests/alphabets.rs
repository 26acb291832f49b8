use crate::pdu::DataCoding;
use crate::sm::*;

fn written(text: &str, alphabet: Alphabet, missing: Unencodable) -> Result<Vec<u8>, TextError> {
    let mut out = Vec::new();
    alphabet.encode(text, missing, &mut out).map(|_| out)
}

#[test]
fn every_alphabet_writes_its_characters() {
    let cases: &[(&str, Alphabet, &[u8])] = &[
        ("@£{", Alphabet::GSM7, &[0x00, 0x01, 0x1B, 0x28]),
        ("Az~", Alphabet::Ascii, b"Az~"),
        ("¡ÿ", Alphabet::Latin1, &[0xA1, 0xFF]),
        (
            "ЁЯя№§\u{A0}\u{AD}ёџ",
            Alphabet::Iso8859_5,
            &[0xA1, 0xCF, 0xEF, 0xF0, 0xFD, 0xA0, 0xAD, 0xF1, 0xFF],
        ),
        (
            "את×÷‗\u{200E}\u{200F}¢",
            Alphabet::Iso8859_8,
            &[0xE0, 0xFA, 0xAA, 0xBA, 0xDF, 0xFD, 0xFE, 0xA2],
        ),
        (
            "Aж😎",
            Alphabet::Ucs2,
            &[0x00, 0x41, 0x04, 0x36, 0xD8, 0x3D, 0xDE, 0x0E],
        ),
        ("ж", Alphabet::Utf8, &[0xD0, 0xB6]),
    ];
    for (text, alphabet, octets) in cases {
        assert_eq!(
            written(text, *alphabet, Unencodable::Refuse).as_deref(),
            Ok(*octets),
            "{text} in {alphabet}"
        );
        assert_eq!(
            alphabet.decode_strict(octets).as_deref(),
            Ok(*text),
            "{octets:x?} in {alphabet}"
        );
    }
}

#[test]
fn every_alphabet_refuses_what_it_lacks_and_says_where() {
    let cases = [
        ("aéж", Alphabet::Ascii, 'é', 1, 1),
        ("éж", Alphabet::Latin1, 'ж', 1, 2),
        ("жé", Alphabet::Iso8859_5, 'é', 1, 2),
        ("\u{40D}", Alphabet::Iso8859_5, '\u{40D}', 0, 0),
        ("\u{45D}", Alphabet::Iso8859_5, '\u{45D}', 0, 0),
        ("אª", Alphabet::Iso8859_8, 'ª', 1, 2),
        ("é`", Alphabet::GSM7, '`', 1, 2),
    ];
    for (text, alphabet, character, index, offset) in cases {
        let refused = TextError::Unencodable {
            alphabet,
            character,
            index,
            offset,
        };
        assert_eq!(
            written(text, alphabet, Unencodable::Refuse),
            Err(refused),
            "{text} in {alphabet}"
        );
    }
    assert_eq!(
        written("a", Alphabet::Binary, Unencodable::Skip),
        Err(TextError::NoText)
    );
}

#[test]
fn what_is_lacking_is_replaced_by_what_looks_alike() {
    let cases = [
        ("çΑΒΡ`жñ", Alphabet::GSM7, "ÇABP'?ñ"),
        ("“quoted” – ‘so’", Alphabet::Ascii, "\"quoted\" - 'so'"),
        ("Łódź", Alphabet::Latin1, "Lódz"),
    ];
    for (text, alphabet, expected) in cases {
        let octets = written(text, alphabet, Unencodable::Replace).unwrap();
        assert_eq!(alphabet.decode_strict(&octets).as_deref(), Ok(expected));
    }
    let octets = written("aжb", Alphabet::Latin1, Unencodable::Skip).unwrap();
    assert_eq!(octets, b"ab");
}

#[test]
fn damaged_octets_give_what_can_be_read_and_a_fault() {
    let cases: &[(Alphabet, &[u8], &str, usize, TextFaultKind)] = &[
        (
            Alphabet::Ascii,
            b"a\xE9b",
            "a\u{FFFD}b",
            1,
            TextFaultKind::InvalidOctet(0xE9),
        ),
        (
            Alphabet::Iso8859_8,
            b"a\xA1",
            "a\u{FFFD}",
            1,
            TextFaultKind::InvalidOctet(0xA1),
        ),
        (Alphabet::Ucs2, &[0, 0x41, 0], "A", 2, TextFaultKind::HalfUnit),
        (
            Alphabet::Ucs2,
            &[0xD8, 0x3D, 0, 0x41],
            "\u{FFFD}A",
            0,
            TextFaultKind::LoneSurrogate(0xD83D),
        ),
        (
            Alphabet::Ucs2,
            &[0, 0x41, 0xDE, 0x0E],
            "A\u{FFFD}",
            2,
            TextFaultKind::LoneSurrogate(0xDE0E),
        ),
        (
            Alphabet::Utf8,
            b"a\xC3",
            "a\u{FFFD}",
            1,
            TextFaultKind::InvalidUtf8,
        ),
        (Alphabet::Binary, b"ab", "", 0, TextFaultKind::NoText),
    ];
    for (alphabet, octets, text, position, kind) in cases {
        let mut out = String::new();
        let faults = alphabet.decode(octets, &mut out);
        let fault = TextFault {
            position: *position,
            kind: *kind,
        };
        assert_eq!(
            (out.as_str(), faults.first(), faults.count()),
            (*text, Some(fault), 1),
            "{octets:x?}"
        );
        assert_eq!(alphabet.decode_strict(octets), Err(fault));
    }
}

#[test]
fn a_long_ucs2_text_tells_where_it_is_damaged() {
    let mut octets = Vec::new();
    Alphabet::Ucs2
        .encode(&"ascii ".repeat(20), Unencodable::Refuse, &mut octets)
        .unwrap();
    octets.extend_from_slice(&[0xD8, 0x3D]);
    let fault = TextFault {
        position: 240,
        kind: TextFaultKind::LoneSurrogate(0xD83D),
    };
    assert_eq!(Alphabet::Ucs2.decode_strict(&octets), Err(fault));
}

#[test]
fn data_coding_0_means_what_the_peer_means() {
    let cases = [
        (0x00, Some((Alphabet::GSM7, false))),
        (0x01, Some((Alphabet::Ascii, false))),
        (0x02, Some((Alphabet::Binary, false))),
        (0x03, Some((Alphabet::Latin1, false))),
        (0x04, Some((Alphabet::Binary, false))),
        (0x05, None),
        (0x06, Some((Alphabet::Iso8859_5, false))),
        (0x07, Some((Alphabet::Iso8859_8, false))),
        (0x08, Some((Alphabet::Ucs2, false))),
        (0x0E, None),
        (0x10, Some((Alphabet::GSM7, false))),
        (0x14, Some((Alphabet::Binary, false))),
        (0x18, Some((Alphabet::Ucs2, false))),
        (0x1C, None),
        (0x20, None),
        (0x48, Some((Alphabet::Ucs2, false))),
        (0x80, None),
        (0xC8, Some((Alphabet::GSM7, false))),
        (0xE0, Some((Alphabet::Ucs2, false))),
        (0xF0, Some((Alphabet::GSM7, false))),
        (0xF5, Some((Alphabet::Binary, false))),
    ];
    for (data_coding, expected) in cases {
        let reading = Reading::of(DataCoding::new(data_coding), DefaultAlphabet::Gsm);
        assert_eq!(
            reading.map(|reading| (reading.alphabet, reading.packed)),
            expected,
            "{data_coding:#04x}"
        );
    }
    let meanings = [
        (DefaultAlphabet::GsmPacked, Alphabet::GSM7, true),
        (DefaultAlphabet::Latin1, Alphabet::Latin1, false),
        (DefaultAlphabet::Ascii, Alphabet::Ascii, false),
        (DefaultAlphabet::Utf8, Alphabet::Utf8, false),
    ];
    for (default, alphabet, packed) in meanings {
        assert_eq!(
            Reading::of(DataCoding::DEFAULT, default),
            Some(Reading { alphabet, packed })
        );
    }
}

#[test]
fn alphabets_and_languages_are_known_by_name() {
    for name in [
        "gsm7",
        "ascii",
        "latin1",
        "iso-8859-5",
        "iso-8859-8",
        "ucs2",
        "utf-8",
        "binary",
    ] {
        assert_eq!(name.parse().map(Alphabet::name), Ok(name));
    }
    assert_eq!("klingon".parse::<Alphabet>(), Err(UnknownAlphabet));
    for language in Language::ALL {
        assert_eq!(language.code().parse(), Ok(language));
        assert_eq!(language.name().to_uppercase().parse(), Ok(language));
        assert_eq!(Language::from_number(language.number()), Some(language));
    }
    assert_eq!(Language::from_number(14), None);
    let set: Languages = [Language::Urdu, Language::Turkish].into_iter().collect();
    assert_eq!(
        set.iter().collect::<Vec<_>>(),
        [Language::Turkish, Language::Urdu]
    );
    assert_eq!(Languages::ALL.iter().count(), 13);
}
