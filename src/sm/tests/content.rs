use crate::pdu::{DataCoding, EsmClass, Tlvs, tlv};
use crate::sm::*;

#[test]
fn headers_are_taken_apart() {
    let octets = [
        &[
            0x0B, 0x05, 0x04, 0x15, 0x82, 0x00, 0x00, 0x00, 0x03, 0xAA, 0x03, 0x01,
        ],
        &b"test"[..],
    ]
    .concat();
    let (header, text) = Udh::split(&octets).unwrap();
    assert_eq!((header.octets(), text), (12, &b"test"[..]));
    assert_eq!(
        header.ports(),
        Some(Ports {
            destination: 0x1582,
            source: 0,
            wide: true
        })
    );
    let part = PartInfo {
        reference: 0xAA,
        total: 3,
        sequence: 1,
        width: ReferenceWidth::Eight,
    };
    assert_eq!(header.part(), Some(part));
    assert_eq!(header.tables(), Tables::DEFAULT);
}

#[test]
fn part_numbers_that_make_no_sense_do_not_count() {
    let part = |element: &[u8]| {
        let octets = [&[u8::try_from(element.len()).unwrap()], element].concat();
        Udh::split(&octets)
            .unwrap()
            .0
            .part()
            .map(|part| (part.reference, part.total, part.sequence))
    };
    assert_eq!(part(&[0x00, 3, 9, 2, 2]), Some((9, 2, 2)));
    assert_eq!(part(&[0x08, 4, 1, 9, 2, 1]), Some((0x109, 2, 1)));
    for nonsense in [[0x00, 3, 9, 0, 1], [0x00, 3, 9, 2, 0], [0x00, 3, 9, 2, 3]] {
        assert_eq!(part(&nonsense), None, "{nonsense:?}");
    }
    assert_eq!(part(&[0x00, 2, 9, 2]), None, "of the wrong length");
    // 00 and 08 exclude each other: the last one counts.
    assert_eq!(
        part(&[0x00, 3, 9, 2, 1, 0x08, 4, 1, 9, 2, 2]),
        Some((0x109, 2, 2))
    );
}

#[test]
fn damaged_headers_are_named() {
    let cases: &[(&[u8], UdhError, usize)] = &[
        (b"", UdhError::Missing, 0),
        (
            b"\x05\x00\x03",
            UdhError::HeaderTooLong {
                length: 5,
                available: 2,
            },
            0,
        ),
        (b"\x01\x02", UdhError::ElementWithoutLength { id: 2 }, 0),
        (
            b"\x05\x24\x01\x01\x00\x03",
            UdhError::ElementTooLong {
                id: 0,
                length: 3,
                available: 0,
            },
            1,
        ),
    ];
    for (octets, error, readable) in cases {
        assert_eq!(Udh::split(octets), Err(*error), "{octets:x?}");
        assert_eq!(Udh::readable(octets).elements().count(), *readable, "{octets:x?}");
    }
}

#[test]
fn a_damaged_header_leaves_the_octets_as_they_are() {
    let source = MessageSource {
        esm_class: EsmClass::UDH,
        short_message: b"\x30abc",
        ..MessageSource::default()
    };
    let content = source.content();
    assert_eq!((content.header, content.octets), (None, &b"\x30abc"[..]));
    let (text, faults) = content.text();
    assert_eq!((text.as_str(), faults.count()), ("0abc", 1));
}

#[test]
fn national_tables_of_the_header_apply_and_reserved_ones_do_not() {
    let text = |header: &[u8], text: &[u8]| {
        let octets = [header, text].concat();
        let source = MessageSource {
            esm_class: EsmClass::UDH,
            short_message: &octets,
            ..MessageSource::default()
        };
        source.content().text().0
    };
    assert_eq!(text(&[3, 0x25, 1, 1], b"\x07"), "ı");
    assert_eq!(text(&[3, 0x24, 1, 1], b"\x1b\x69\x07"), "ıì");
    assert_eq!(text(&[6, 0x25, 1, 13, 0x24, 1, 6], b"\x07\x1b\x1c"), "ت०");
    assert_eq!(
        text(&[6, 0x25, 1, 1, 0x25, 1, 3], b"\x1d"),
        "â",
        "the last element counts"
    );
    assert_eq!(
        text(&[3, 0x25, 1, 77], b"\x07"),
        "ì",
        "a reserved number is ignored"
    );
    assert_eq!(
        text(&[3, 0x25, 1, 2], b"\x40"),
        "¡",
        "Spanish has no locking table"
    );
}

#[test]
fn packed_text_starts_behind_the_fill_bits_of_its_header() {
    let options = SplitOptions {
        default_alphabet: DefaultAlphabet::GsmPacked,
        ..SplitOptions::default()
    };
    let split = split_text(&"packed text, ".repeat(20), &options, 5).unwrap();
    let texts: Vec<String> = split
        .parts
        .iter()
        .map(|part| {
            let source = MessageSource {
                esm_class: split.esm_class,
                short_message: &part.octets,
                default_alphabet: DefaultAlphabet::GsmPacked,
                ..MessageSource::default()
            };
            source.content().text().0
        })
        .collect();
    assert_eq!(texts.concat(), "packed text, ".repeat(20));
}

#[test]
fn the_payload_counts_where_the_short_message_is_empty_and_sar_tlvs_only_all_together() {
    let mut tlvs = Tlvs::new();
    tlvs.put::<tlv::MessagePayload>(b"payload").unwrap();
    tlvs.put::<tlv::SarMsgRefNum>(7).unwrap();
    tlvs.put::<tlv::SarTotalSegments>(2).unwrap();
    let source = MessageSource {
        tlvs: tlvs.view(),
        ..MessageSource::default()
    };
    assert_eq!(
        (source.user_data(), source.content().part),
        (&b"payload"[..], None)
    );
    tlvs.put::<tlv::SarSegmentSeqnum>(2).unwrap();
    let source = MessageSource {
        tlvs: tlvs.view(),
        short_message: b"short",
        ..MessageSource::default()
    };
    let part = PartInfo {
        reference: 7,
        total: 2,
        sequence: 2,
        width: ReferenceWidth::Sar,
    };
    assert_eq!(
        (source.user_data(), source.content().part),
        (&b"short"[..], Some(part))
    );
}

#[test]
fn what_is_no_text_says_so() {
    for coding in [2, 4, 5, 9, 0x0E, 0xF5] {
        let source = MessageSource {
            data_coding: DataCoding::new(coding),
            short_message: b"\x01\x02",
            ..MessageSource::default()
        };
        let (text, faults) = source.content().text();
        assert!(text.is_empty() && faults.is_no_text(), "data_coding {coding:#x}");
    }
}

#[test]
fn a_packed_octet_without_a_whole_septet_is_an_empty_text() {
    let cases: &[(&[u8], &str)] = &[
        // Six fill bits behind a header of one octet: on the air two septets, header and filling, and no text.
        (&[0, 0], ""),
        // What is in the fill bits and behind them says nothing.
        (&[0, 0xFF], ""),
        // With one octet more there is a septet, and three bits are spare.
        (&[0, 0x40, 0x10], "A"),
        // One fill bit: the octet holds one septet, here the carriage return that fills it.
        (&[5, 0, 3, 7, 1, 1, 0x1A], ""),
        (&[5, 0, 3, 7, 1, 1, 0x82], "A"),
    ];
    for (octets, text) in cases {
        for coding in [0, 0xC0] {
            let source = MessageSource {
                esm_class: EsmClass::UDH,
                data_coding: DataCoding::new(coding),
                short_message: octets,
                default_alphabet: DefaultAlphabet::GsmPacked,
                ..MessageSource::default()
            };
            let read = source.content().text();
            assert_eq!(
                read,
                ((*text).into(), TextFaults::default()),
                "{octets:x?}, {coding:#x}"
            );
        }
    }
}
