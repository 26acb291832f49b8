use crate::pdu::{DataCoding, EsmClass, SubmitSm, tlv};
use crate::sm::*;

fn split(text: &str, options: &SplitOptions) -> Split {
    split_text(text, options, 0x0102).unwrap()
}

fn options(alphabet: Alphabet, concatenation: Concatenation) -> SplitOptions {
    SplitOptions {
        alphabet: AlphabetChoice::Only(alphabet),
        concatenation,
        ..SplitOptions::default()
    }
}

fn units(split: &Split) -> Vec<usize> {
    split.parts.iter().map(|part| part.units).collect()
}

#[test]
fn texts_take_as_many_parts_as_the_reference_client_makes() {
    let ascii = |count: usize| "x".repeat(count);
    let cases = [
        ("One SMS".to_string(), Alphabet::GSM7, 0x00, 0x00, 1),
        ("可輸入英文單字".to_string(), Alphabet::GSM7, 0x00, 0x08, 1),
        (ascii(89), Alphabet::Ucs2, 0x40, 0x08, 2),
        (ascii(203), Alphabet::GSM7, 0x40, 0x00, 2),
        (ascii(203), Alphabet::Latin1, 0x40, 0x03, 2),
        (ascii(203), Alphabet::Ucs2, 0x40, 0x08, 4),
        (String::new(), Alphabet::GSM7, 0x00, 0x00, 1),
    ];
    for (text, alphabet, esm_class, data_coding, parts) in cases {
        let options = SplitOptions {
            alphabet: AlphabetChoice::Prefer(alphabet),
            ..SplitOptions::default()
        };
        let split = split(&text, &options);
        let seen = (
            split.esm_class.value(),
            split.data_coding.value(),
            split.parts.len(),
        );
        assert_eq!(seen, (esm_class, data_coding, parts), "{text:?} in {alphabet}");
        for (sequence, part) in (1..).zip(&split.parts).filter(|_| parts > 1) {
            assert_eq!(part.octets[..6], [5, 0, 3, 2, parts as u8, sequence]);
        }
    }
}

#[test]
fn parts_have_the_sizes_of_the_standard() {
    let turkish = Tables {
        locking: Some(Language::Turkish),
        single: None,
    };
    let both = Tables {
        locking: Some(Language::Turkish),
        single: Some(Language::Turkish),
    };
    let cases = [
        (Alphabet::GSM7, 160, 153, 152),
        (Alphabet::Gsm7(turkish), 155, 149, 148),
        (Alphabet::Gsm7(both), 152, 146, 145),
        (Alphabet::Latin1, 140, 134, 133),
        (Alphabet::Iso8859_5, 140, 134, 133),
        (Alphabet::Ucs2, 70, 67, 66),
    ];
    for (alphabet, single, eight, sixteen) in cases {
        for (concatenation, part) in [(Concatenation::Udh8, eight), (Concatenation::Udh16, sixteen)] {
            let options = options(alphabet, concatenation);
            let whole = split(&"x".repeat(single), &options);
            assert_eq!((units(&whole), whole.remaining), (vec![single], 0), "{alphabet}");
            let parts = split(&"x".repeat(single + 1), &options);
            assert_eq!(units(&parts), [part, single + 1 - part], "{alphabet}");
            assert_eq!((parts.per_part, parts.remaining), (part, 2 * part - single - 1));
        }
    }
    let sar = |alphabet| units(&split(&"x".repeat(161), &options(alphabet, Concatenation::Sar)));
    assert_eq!(
        (sar(Alphabet::GSM7), sar(Alphabet::Ucs2)),
        (vec![153, 8], vec![67, 67, 27])
    );
    let packed = SplitOptions {
        default_alphabet: DefaultAlphabet::GsmPacked,
        ..SplitOptions::default()
    };
    let parts = split(&"x".repeat(161), &packed);
    assert_eq!((units(&parts), parts.parts[0].octets.len()), (vec![153, 8], 140));
}

#[test]
fn ports_share_the_header_with_the_number() {
    let mut elements = Vec::new();
    Element::Ports(Ports {
        destination: 2948,
        source: 9200,
        wide: true,
    })
    .write(&mut elements);
    let options = SplitOptions {
        elements,
        ..SplitOptions::default()
    };
    let one = split("x", &options);
    assert_eq!(one.parts[0].octets[..], *b"\x06\x05\x04\x0b\x84\x23\xf0x");
    assert_eq!((one.esm_class, one.per_part), (EsmClass::UDH, 152));
    let two = split(&"x".repeat(153), &options);
    assert_eq!((units(&two), two.parts[0].header), (vec![146, 7], 12));
    let wide = SplitOptions {
        concatenation: Concatenation::Udh16,
        ..options
    };
    assert_eq!(units(&split(&"x".repeat(153), &wide)), [145, 8]);
}

#[test]
fn escape_pairs_surrogate_pairs_and_clusters_stay_whole() {
    let gsm = SplitOptions::default();
    let text = format!("{}€{}", "x".repeat(152), "y".repeat(20));
    assert_eq!(units(&split(&text, &gsm)), [152, 22]);

    let ucs2 = options(Alphabet::Ucs2, Concatenation::Udh8);
    let text = format!("{}😎{}", "x".repeat(66), "y".repeat(20));
    assert_eq!(units(&split(&text, &ucs2)), [66, 22]);

    for cluster in ["👨‍👩‍👧", "e\u{301}\u{302}", "🇩🇪", "नि", "👋🏽"] {
        let text = format!("{}{cluster}{}", "x".repeat(66), "y".repeat(20));
        let kept = split(&text, &ucs2);
        assert_eq!(kept.parts[0].units, 66, "{cluster:?} moves whole");
        assert!(text[kept.parts[1].source.clone()].starts_with(cluster));
    }
    let text = format!("{}e\u{301}{}", "x".repeat(66), "y".repeat(20));
    assert_eq!(
        units(&split(
            &text,
            &SplitOptions {
                keep_clusters: false,
                ..ucs2.clone()
            }
        )),
        [67, 21]
    );

    // A cluster that no part can hold is cut between characters all the same.
    let zalgo = format!("a{}", "\u{301}".repeat(200));
    assert_eq!(units(&split(&zalgo, &ucs2)), [67, 67, 67]);
}

#[test]
fn a_line_end_is_cut_where_the_part_is_full() {
    let text = format!("{}\r\n{}", "a".repeat(152), "b".repeat(152));
    assert_eq!(units(&split(&text, &SplitOptions::default())), [153, 153]);
    let ucs2 = options(Alphabet::Ucs2, Concatenation::Udh8);
    let text = format!("{}\r\n\u{301}{}", "a".repeat(66), "b".repeat(65));
    assert_eq!(units(&split(&text, &ucs2)), [67, 67]);
}

#[test]
fn the_cheapest_alphabet_is_chosen_of_those_that_are_allowed() {
    let tables = |split: &Split| match split.alphabet {
        Alphabet::Gsm7(tables) => Some((tables.locking, tables.single)),
        _ => None,
    };
    let (turkish, urdu) = (Some(Language::Turkish), Some(Language::Urdu));
    let with = |languages: &[Language]| SplitOptions {
        languages: languages.iter().copied().collect(),
        ..SplitOptions::default()
    };
    assert_eq!(split("ıĞ", &SplitOptions::default()).alphabet, Alphabet::Ucs2);
    assert_eq!(
        tables(&split("ıĞ", &with(&[Language::Turkish]))),
        Some((turkish, None))
    );
    let single = SplitOptions {
        shifts: Shifts::Single,
        ..with(&[Language::Turkish])
    };
    assert_eq!(tables(&split("ıĞ", &single)), Some((None, turkish)));
    assert_eq!(
        tables(&split("hello ت؎", &with(&[Language::Urdu]))),
        Some((urdu, urdu))
    );
    assert_eq!(tables(&split("plain", &with(&Language::ALL))), Some((None, None)));
    assert_eq!(split("ıĞ ж", &with(&Language::ALL)).alphabet, Alphabet::Ucs2);
    // Every other character takes two septets with a single shift table, one with the locking table.
    let text = "aş".repeat(60);
    assert_eq!(
        tables(&split(&text, &with(&[Language::Turkish]))),
        Some((turkish, None))
    );

    let latin1 = SplitOptions {
        latin1: true,
        ..SplitOptions::default()
    };
    assert_eq!(split("©", &latin1).alphabet, Alphabet::Latin1);
    assert_eq!(split("©", &SplitOptions::default()).alphabet, Alphabet::Ucs2);
    assert_eq!(split("é", &latin1).alphabet, Alphabet::GSM7);

    let peer = SplitOptions {
        default_alphabet: DefaultAlphabet::Latin1,
        ..SplitOptions::default()
    };
    let split = split("©[é]", &peer);
    assert_eq!((split.alphabet, split.data_coding.value()), (Alphabet::Latin1, 0));
    assert_eq!(split.parts[0].octets[..], *b"\xA9[\xE9]");
}

#[test]
fn an_alphabet_that_lacks_a_character_is_refused_unless_ucs2_may_stand_in() {
    let only = |choice| SplitOptions {
        alphabet: choice,
        ..SplitOptions::default()
    };
    let refused = split_text("abж", &only(AlphabetChoice::Only(Alphabet::GSM7)), 0);
    assert!(matches!(
        refused,
        Err(TextError::Unencodable {
            character: 'ж',
            index: 2,
            offset: 2,
            ..
        })
    ));
    let national = SplitOptions {
        languages: Languages::ALL,
        ..only(AlphabetChoice::Gsm7)
    };
    assert!(matches!(
        split_text("abж", &national, 0),
        Err(TextError::Unencodable { character: 'ж', .. })
    ));
    assert!(matches!(
        split_text("ş", &national, 0),
        Ok(Split {
            alphabet: Alphabet::Gsm7(_),
            ..
        })
    ));
    let replaced = SplitOptions {
        unencodable: Unencodable::Replace,
        ..only(AlphabetChoice::Only(Alphabet::GSM7))
    };
    let split = split_text("жç“", &replaced, 0).unwrap();
    assert_eq!((&split.parts[0].octets[..], split.lossy), (&b"?\x09\""[..], 3));
    let binary = split_text("x", &only(AlphabetChoice::Only(Alphabet::Binary)), 0);
    assert_eq!(binary, Err(TextError::NoText));
    // Found by fuzzing: the preview of no text at all was one part.
    for choice in [AlphabetChoice::Only, AlphabetChoice::Prefer] {
        let options = only(choice(Alphabet::Binary));
        assert_eq!(preview("", &options).err(), split_text("", &options, 0).err());
        assert_eq!(preview("", &options).err(), Some(TextError::NoText));
    }
}

#[test]
fn transliteration_is_reported_and_only_done_where_it_saves_the_dearer_alphabet() {
    let options = SplitOptions {
        transliterate: true,
        ..SplitOptions::default()
    };
    let quotes = split("“Ça va?” – œuf… é", &options);
    assert_eq!((quotes.alphabet, quotes.transliterated), (Alphabet::GSM7, 5));
    let text = Alphabet::GSM7.decode_strict(&quotes.parts[0].octets).unwrap();
    assert_eq!(text, "\"Ça va?\" - oeuf... é");
    let combining = split("cafe\u{301} au lait", &options);
    assert_eq!(
        (combining.alphabet, combining.transliterated),
        (Alphabet::GSM7, 1)
    );
    let russian = split("“Привет”", &options);
    assert_eq!((russian.alphabet, russian.transliterated), (Alphabet::Ucs2, 0));
    let off = split("“x”", &SplitOptions::default());
    assert_eq!((off.alphabet, off.transliterated), (Alphabet::Ucs2, 0));
}

#[test]
fn sar_and_payload_go_into_tlvs() {
    let text = "x".repeat(200);
    let sar = split(&text, &options(Alphabet::GSM7, Concatenation::Sar));
    assert_eq!((sar.esm_class, sar.parts[0].header), (EsmClass::DEFAULT, 0));
    let mut submit = SubmitSm::default();
    sar.fill(&sar.parts[1], &mut submit).unwrap();
    assert_eq!(submit.tlvs.get::<tlv::SarMsgRefNum>(), Some(0x0102));
    assert_eq!(submit.tlvs.get::<tlv::SarTotalSegments>(), Some(2));
    assert_eq!(submit.tlvs.get::<tlv::SarSegmentSeqnum>(), Some(2));
    assert_eq!(submit.short_message.len(), 47);

    let payload = split(&text, &options(Alphabet::GSM7, Concatenation::Payload));
    let mut submit = SubmitSm {
        esm_class: EsmClass::STORE_AND_FORWARD,
        ..SubmitSm::default()
    };
    payload.fill(&payload.parts[0], &mut submit).unwrap();
    assert_eq!(submit.tlvs.get::<tlv::MessagePayload>(), Some(text.as_bytes()));
    assert_eq!(
        (submit.short_message.len(), submit.esm_class),
        (0, EsmClass::STORE_AND_FORWARD)
    );
    let short = split("x", &options(Alphabet::GSM7, Concatenation::Payload));
    assert!(!short.payload, "what fits a short message stays there");

    // National tables need a header, which the sar_ TLVs exclude.
    let turkish = Tables {
        locking: Some(Language::Turkish),
        single: None,
    };
    let header = split(&text, &options(Alphabet::Gsm7(turkish), Concatenation::Sar));
    assert_eq!(header.esm_class, EsmClass::UDH);
    assert_eq!(header.parts[0].octets[..10], [9, 8, 4, 1, 2, 2, 1, 0x25, 1, 1]);
}

#[test]
fn what_cannot_be_split_is_an_error() {
    let most = "x".repeat(153 * 255);
    assert_eq!(split(&most, &SplitOptions::default()).parts.len(), 255);
    let too_many = split_text(&format!("{most}x"), &SplitOptions::default(), 0);
    assert_eq!(too_many, Err(TextError::TooManyParts { parts: 256 }));
    let payload = options(Alphabet::Latin1, Concatenation::Payload);
    assert_eq!(
        split_text(&"x".repeat(65_536), &payload, 0),
        Err(TextError::TooLong { octets: 65_536 })
    );
    assert!(split_text(&"x".repeat(65_535), &payload, 0).is_ok());
    let tight = SplitOptions {
        max_octets: 7,
        ..options(Alphabet::Ucs2, Concatenation::Udh8)
    };
    assert_eq!(
        split_text("xxxx", &tight, 0),
        Err(TextError::NoRoom { header: 6, limit: 7 })
    );
    let header = SplitOptions {
        elements: vec![0; 256],
        ..SplitOptions::default()
    };
    assert_eq!(
        split_text("x", &header, 0),
        Err(TextError::HeaderTooLong { octets: 256 })
    );
}

#[test]
fn data_is_split_where_its_alphabet_allows() {
    let octets: Vec<u8> = (0..=255).cycle().take(300).collect();
    let binary = split_octets(&octets, DataCoding::new(4), &SplitOptions::default(), 9).unwrap();
    assert_eq!((units(&binary), binary.remaining), (vec![134, 134, 32], 102));
    assert_eq!(binary.parts[2].octets[..8], [5, 0, 3, 9, 3, 3, 12, 13]);

    let mut septets = vec![b'x'; 152];
    septets.extend_from_slice(b"\x1b\x65yyyyyyyyy");
    let gsm = split_octets(&septets, DataCoding::DEFAULT, &SplitOptions::default(), 9).unwrap();
    assert_eq!(units(&gsm), [152, 11]);

    let mut ucs2 = [0, b'x'].repeat(66);
    ucs2.extend_from_slice(&[0xD8, 0x3D, 0xDE, 0x0E]);
    ucs2.extend_from_slice(&[0, b'y'].repeat(10));
    let ucs2 = split_octets(&ucs2, DataCoding::UCS2, &SplitOptions::default(), 9).unwrap();
    assert_eq!(units(&ucs2), [66, 12]);
}

#[test]
fn packed_parts_that_end_with_a_carriage_return_are_not_mistaken_for_padding() {
    let options = SplitOptions {
        default_alphabet: DefaultAlphabet::GsmPacked,
        ..SplitOptions::default()
    };
    // The septet that would fill the part to its last bit is a carriage return: it moves on.
    let text = format!("{}\r{}", "x".repeat(152), "y".repeat(20));
    let parts = split(&text, &options);
    assert_eq!(units(&parts), [152, 21]);
    let seven = split("1234567", &options);
    assert_eq!(
        seven.parts[0].octets[..],
        [0x31, 0xD9, 0x8C, 0x56, 0xB3, 0xDD, 0x1A]
    );
    let zero = SplitOptions {
        padding: Padding::Zero,
        ..options
    };
    assert_eq!(split("1234567", &zero).parts[0].octets[6], 0);
}

#[test]
fn a_preview_says_what_made_a_text_dear() {
    let preview = preview("ab“c” ж “", &SplitOptions::default()).unwrap();
    assert_eq!(
        (preview.alphabet, preview.smallest),
        (Alphabet::Ucs2, Alphabet::Ucs2)
    );
    assert_eq!((preview.units.as_slice(), preview.remaining), (&[9][..], 61));
    let forcing: Vec<_> = preview
        .forcing
        .iter()
        .map(|one| (one.character, one.index, one.count))
        .collect();
    assert_eq!(forcing, [('“', 2, 2), ('”', 4, 1), ('ж', 6, 1)]);
    assert_eq!(
        preview.to_string(),
        "alphabet   ucs2 (data_coding 0x08)\n\
         parts      1 of at most 70 units\n\
         used       9, room for 61 more\n\
         not GSM    '“' at 2 (2 times) '”' at 4 'ж' at 6\n\
         smallest   ucs2"
    );
    assert_eq!(
        (smallest("{é}"), smallest("©"), smallest("ж")),
        (Alphabet::GSM7, Alphabet::Latin1, Alphabet::Ucs2)
    );
}

#[test]
fn references_come_again_as_late_as_possible() {
    let mut references = PerDestination::new(2, 7);
    let first: Vec<u16> = (0..3).map(|_| references.next_reference(b"1")).collect();
    assert_eq!(
        [first[1], first[2]],
        [first[0].wrapping_add(1), first[0].wrapping_add(2)]
    );
    let other = references.next_reference(b"2");
    assert_eq!(
        references.next_reference(b"1"),
        first[2].wrapping_add(1),
        "destinations do not disturb each other"
    );

    let kept: Vec<(Vec<u8>, u16)> = references
        .last_references()
        .map(|(destination, last)| (destination.to_vec(), last))
        .collect();
    assert_eq!(
        kept,
        [(b"1".to_vec(), first[2].wrapping_add(1)), (b"2".to_vec(), other)]
    );
    let mut restored = PerDestination::new(2, 99);
    restored.restore(
        kept.iter()
            .map(|(destination, last)| (destination.as_slice(), *last)),
    );
    assert_eq!(restored.next_reference(b"2"), other.wrapping_add(1));
    restored.next_reference(b"3");
    assert_eq!(
        restored.last_references().count(),
        2,
        "the oldest counter makes room"
    );

    let mut sequential = Sequential { last: u16::MAX };
    assert_eq!(
        (sequential.next_reference(b"1"), sequential.next_reference(b"2")),
        (0, 1)
    );
}

#[test]
fn packed_octets_are_cut_between_characters() {
    // The escape pair would be cut after 153 septets.
    let septets = [&[b'x'; 152][..], b"\x1B\x65", &[b'y'; 20]].concat();
    let options = SplitOptions::default();
    let packed = gsm7::pack(&septets, 0, options.padding);
    let split = split_packed(&packed, &options, 7).unwrap();
    assert_eq!(units(&split), [152, 22]);
    assert_eq!(
        (split.data_coding, split.esm_class),
        (DataCoding::DEFAULT, EsmClass::UDH)
    );
    let texts = split.parts.iter().map(|part| {
        let text = part.octets.get(part.header..).unwrap();
        gsm7::unpack(
            text,
            gsm7::fill_bits(part.header),
            Some(part.units),
            options.padding,
        )
    });
    assert_eq!(texts.collect::<Vec<_>>().concat(), septets);
    assert!(split.parts.iter().all(|part| part.octets.len() <= MESSAGE_OCTETS));
    let short = split_packed(&gsm7::pack(b"1234567", 0, options.padding), &options, 7).unwrap();
    assert_eq!(units(&short), [7], "what fills the last bits is no character");
}
