use crate::pdu::{DataCoding, EsmClass, MessageState, Tlvs, tlv};
use crate::sm::receipt::{is_final, state_of, word_of};
use crate::sm::*;

const USUAL: &str = "id:0123456789 sub:001 dlvrd:001 submit date:2611221656 done date:2611221657 stat:DELIVRD err:000 text:Hello";

/// id, sub, dlvrd, submit date, done date, stat, err, text.
fn fields(text: &str) -> [Option<String>; 8] {
    let receipt = Receipt::parse(text);
    [
        receipt.id,
        receipt.sub,
        receipt.dlvrd,
        receipt.submit_date,
        receipt.done_date,
        receipt.stat,
        receipt.err,
        receipt.text,
    ]
    .map(|field| field.map(std::borrow::Cow::into_owned))
}

#[test]
fn texts_are_read_as_they_come() {
    let none = None;
    let cases: &[(&str, [Option<&str>; 8])] = &[
        (
            USUAL,
            [
                Some("0123456789"),
                Some("001"),
                Some("001"),
                Some("2611221656"),
                Some("2611221657"),
                Some("DELIVRD"),
                Some("000"),
                Some("Hello"),
            ],
        ),
        // Any order, any case, spaces behind the colon.
        (
            "STAT:expired ERR: 07f Done Date: 2611221657 ID:a-b_c",
            [
                Some("a-b_c"),
                none,
                none,
                none,
                Some("2611221657"),
                Some("expired"),
                Some("07f"),
                none,
            ],
        ),
        // Empty values.
        (
            "id:1 submit date: done date: stat:UNKNOWN err: text:",
            [
                Some("1"),
                none,
                none,
                Some(""),
                Some(""),
                Some("UNKNOWN"),
                Some(""),
                Some(""),
            ],
        ),
        // A vendor's prefix is fine, letters in front of a label are not.
        (
            "4479#id:7 xsub:1 stat:DELIVRD",
            [Some("7"), none, none, none, none, Some("DELIVRD"), none, none],
        ),
        // Separators that some put between fields.
        (
            "id:7,sub:001;stat:DELIVRD|err:000",
            [
                Some("7"),
                Some("001"),
                none,
                none,
                none,
                Some("DELIVRD"),
                Some("000"),
                none,
            ],
        ),
        (
            "id:7 submit_date:2611221656 stat:DELIVRD",
            [
                Some("7"),
                none,
                none,
                Some("2611221656"),
                none,
                Some("DELIVRD"),
                none,
                none,
            ],
        ),
        // Misspelt labels and dates that are none.
        (
            "id:7 dlvr:001 submit dat:2611221656 done date:26-11-22 sat:DELIVRD",
            [Some("7"), none, none, none, none, none, none, none],
        ),
        // What is in the message stays in the message, and the first of two labels counts.
        (
            "id:7 stat:UNDELIV id:8 text:id:9 stat:DELIVRD err:000",
            [
                Some("7"),
                none,
                none,
                none,
                none,
                Some("UNDELIV"),
                none,
                Some("id:9 stat:DELIVRD err:000"),
            ],
        ),
        (
            "done date:180711070003912+",
            [none, none, none, none, Some("180711070003912+"), none, none, none],
        ),
        ("no receipt: at all", [none; 8]),
        ("", [none; 8]),
        (
            "::id::stat:",
            [Some(":"), none, none, none, none, Some(""), none, none],
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(
            fields(text),
            expected.map(|field| field.map(str::to_owned)),
            "{text}"
        );
    }
}

#[test]
fn reading_a_receipt_of_ascii_borrows_everything() {
    let source = MessageSource {
        esm_class: EsmClass::RECEIPT,
        short_message: USUAL.as_bytes(),
        ..MessageSource::default()
    };
    let receipt = Receipt::read(&source);
    let borrowed = [
        &receipt.id,
        &receipt.sub,
        &receipt.stat,
        &receipt.err,
        &receipt.text,
    ];
    assert!(
        borrowed
            .iter()
            .all(|field| matches!(field, Some(std::borrow::Cow::Borrowed(_))))
    );
    assert_eq!(receipt.submitted().unwrap().to_string(), "2026-11-22T16:56:00");
    assert_eq!(
        (receipt.state(), receipt.is_final(), receipt.is_complete()),
        (Some(MessageState::DELIVERED), true, true)
    );
}

#[test]
fn tlvs_count_before_the_text() {
    let mut tlvs = Tlvs::new();
    tlvs.put::<tlv::ReceiptedMessageId>(b"tlv-id").unwrap();
    tlvs.put::<tlv::MessageState>(MessageState::EXPIRED).unwrap();
    tlvs.push_raw(crate::pdu::TlvTag::NETWORK_ERROR_CODE, &[3, 1, 2])
        .unwrap();
    let source = MessageSource {
        short_message: USUAL.as_bytes(),
        tlvs: tlvs.view(),
        ..MessageSource::default()
    };
    let receipt = Receipt::read(&source);
    assert_eq!(
        (receipt.message_id(), receipt.id.as_deref()),
        (Some("tlv-id"), Some("0123456789"))
    );
    assert_eq!(receipt.state(), Some(MessageState::EXPIRED));
    let code = receipt.network_error_code.unwrap();
    assert_eq!((code.network_type, code.error_code), (3, 0x0102));
    // Without any text.
    let bare = Receipt::read(&MessageSource {
        tlvs: tlvs.view(),
        ..MessageSource::default()
    });
    assert!(bare.is_complete() && bare.stat.is_none());
}

#[test]
fn receipts_are_read_in_whatever_coding_they_come() {
    let ucs2 = |swap: bool| -> Vec<u8> {
        let bytes = |unit: u16| {
            if swap {
                unit.to_le_bytes()
            } else {
                unit.to_be_bytes()
            }
        };
        "id:7 stat:DELIVRD text:Привет"
            .encode_utf16()
            .flat_map(bytes)
            .collect()
    };
    let packed = gsm7::pack(b"id:7 stat:DELIVRD text:x", 0, Padding::CarriageReturn);
    let cases: [(&[u8], u8, DefaultAlphabet, &str); 6] = [
        (&ucs2(false), 8, DefaultAlphabet::Gsm, "Привет"),
        (&ucs2(false), 0, DefaultAlphabet::Gsm, "Привет"),
        (&ucs2(true), 8, DefaultAlphabet::Gsm, "Привет"),
        (b"id:7 stat:DELIVRD text:x", 8, DefaultAlphabet::Gsm, "x"),
        (b"id:7 stat:DELIVRD text:\xE9", 0, DefaultAlphabet::Gsm, "é"),
        (&packed, 0, DefaultAlphabet::GsmPacked, "x"),
    ];
    for (octets, coding, default_alphabet, text) in cases {
        let source = MessageSource {
            data_coding: DataCoding::new(coding),
            short_message: octets,
            default_alphabet,
            ..MessageSource::default()
        };
        let receipt = Receipt::read(&source);
        assert_eq!(
            (receipt.id.as_deref(), receipt.text.as_deref()),
            (Some("7"), Some(text)),
            "{octets:x?}"
        );
    }
    let mut header = vec![5, 0, 3, 1, 1, 1];
    header.extend_from_slice(USUAL.as_bytes());
    let source = MessageSource {
        esm_class: EsmClass::new(0x44),
        short_message: &header,
        ..MessageSource::default()
    };
    assert!(source.is_receipt());
    assert_eq!(Receipt::read(&source).id.as_deref(), Some("0123456789"));
}

#[test]
fn a_long_text_does_not_hide_the_alphabet_of_the_labels() {
    let ucs2 = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_be_bytes).collect() };
    let letters = "Доставлено".repeat(8);
    let cyrillic = ucs2(&format!("id:7 stat:DELIVRD text:{letters}"));
    let text_alone = [b"id:7 stat:DELIVRD text:".to_vec(), ucs2(&"Hello".repeat(16))].concat();
    let raw: String = "\0H\0e\0l\0l\0o".repeat(16);
    for (octets, coding, text) in [
        (&cyrillic, 8, &letters),
        (&cyrillic, 0, &letters),
        (&text_alone, 0, &raw),
        (&text_alone, 8, &raw),
    ] {
        let source = MessageSource {
            data_coding: DataCoding::new(coding),
            short_message: octets,
            ..MessageSource::default()
        };
        let receipt = Receipt::read(&source);
        assert_eq!(
            (
                receipt.id.as_deref(),
                receipt.stat.as_deref(),
                receipt.text.as_ref().map(|said| said == text)
            ),
            (Some("7"), Some("DELIVRD"), Some(true)),
            "data_coding {coding}: {receipt:?}"
        );
    }
    let behind_letters = ucs2("Доставлено: id:7 stat:DELIVRD");
    let source = MessageSource {
        data_coding: DataCoding::new(8),
        short_message: &behind_letters,
        ..MessageSource::default()
    };
    let receipt = Receipt::read(&source);
    assert_eq!(
        (receipt.id.as_deref(), receipt.stat.as_deref()),
        (Some("7"), Some("DELIVRD"))
    );
}

#[test]
fn a_text_that_imitates_a_receipt_is_none() {
    let source = |text| MessageSource {
        short_message: text,
        ..MessageSource::default()
    };
    assert!(!source(USUAL.as_bytes()).is_receipt(), "a text is no proof");
    assert!(
        source(USUAL.as_bytes()).looks_like_receipt(),
        "only where the peer is known for such receipts"
    );
    let imitations: [&[u8]; 4] = [
        b"please forward: id:7 stat:DELIVRD done date:2611221657",
        b"stat:DELIVRD done date:2611221657 id:7",
        b"id:7 stat:SOMETHING done date:2611221657",
        b"id:7 stat:DELIVRD",
    ];
    for text in imitations {
        assert!(
            !source(text).looks_like_receipt(),
            "{}",
            String::from_utf8_lossy(text)
        );
    }
    let mut tlvs = Tlvs::new();
    tlvs.put::<tlv::ReceiptedMessageId>(b"7").unwrap();
    let with = |tlvs: &Tlvs, class: u8| {
        let source = MessageSource {
            tlvs: tlvs.view(),
            esm_class: EsmClass::new(class),
            ..MessageSource::default()
        };
        (source.is_receipt(), source.looks_like_receipt())
    };
    assert_eq!(
        with(&tlvs, 0x00),
        (false, false),
        "a reply may name the message that it is for"
    );
    tlvs.put::<tlv::MessageState>(MessageState::DELIVERED).unwrap();
    for (class, expected) in [
        (0x00, true),
        (0x40, true),
        (0x44, true),
        (0x20, true),
        (0x08, false),
        (0x10, false),
    ] {
        assert_eq!(with(&tlvs, class), (expected, true), "class {class:#04x}");
    }
}

#[test]
fn dates_are_read_in_all_their_lengths() {
    let cases = [
        ("2611221656", Some("2026-11-22T16:56:00")),
        ("7001010000", Some("1970-01-01T00:00:00")),
        ("261122165642", Some("2026-11-22T16:56:42")),
        ("202611221656", Some("2026-11-22T16:56:00")),
        ("20261122165642", Some("2026-11-22T16:56:42")),
        ("180711070003912+", Some("2018-07-11T07:00:03+03:00")),
        ("180711070003000+", Some("2018-07-11T07:00:03Z")),
        ("180711070003914-", Some("2018-07-11T07:00:03-03:30")),
        // Read as YYMMDDhhmmss, though it might be YYYYMMDDhhmm.
        ("200101010030", Some("2020-01-01T01:00:30")),
        ("2402290000", Some("2024-02-29T00:00:00")),
        ("2302290000", None),
        ("0000000000", None),
        ("2613221656", None),
        ("2611222456", None),
        ("26112216", None),
        ("2611221656+", None),
        ("26112216é6", None),
        ("", None),
    ];
    for (text, expected) in cases {
        let date = ReceiptDate::parse(text).map(|date| date.to_string());
        assert_eq!(date.as_deref(), expected, "{text}");
    }
    let date = ReceiptDate::parse("261122165642").unwrap();
    assert_eq!(
        (date.to_minutes().to_string(), date.to_seconds().to_string()),
        ("2611221656".into(), "261122165642".into())
    );
}

#[test]
fn states_are_known_by_the_words_of_the_standard_and_of_vendors() {
    let cases = [
        ("DELIVRD", Some(MessageState::DELIVERED)),
        ("delivered", Some(MessageState::DELIVERED)),
        ("UNDELIV", Some(MessageState::UNDELIVERABLE)),
        ("FAILED", Some(MessageState::UNDELIVERABLE)),
        ("REJECTD", Some(MessageState::REJECTED)),
        ("DND_REJECTED", Some(MessageState::REJECTED)),
        ("BUFFRED", Some(MessageState::ENROUTE)),
        ("ACCEPTD", Some(MessageState::ACCEPTED)),
        ("0", None),
        ("foo", None),
        ("", None),
    ];
    for (word, state) in cases {
        assert_eq!(state_of(word), state, "{word}");
    }
    for state in MessageState::ALL {
        assert_eq!(state_of(word_of(*state)), Some(*state));
    }
    let last: Vec<MessageState> = MessageState::ALL
        .iter()
        .copied()
        .filter(|state| is_final(*state))
        .collect();
    assert_eq!(
        last.iter().map(|state| state.value()).collect::<Vec<_>>(),
        [2, 3, 4, 5, 8, 9]
    );
}

#[test]
fn a_receipt_is_written_in_the_form_of_the_standard() {
    let receipt = ReceiptText {
        id: "0123456789",
        sub: 1,
        dlvrd: 1,
        submitted: ReceiptDate::parse("2611221656"),
        done: ReceiptDate::parse("2611221657"),
        seconds: false,
        stat: "DELIVRD",
        err: "000",
        text: "Hello",
    };
    assert_eq!(receipt.to_string(), USUAL);
    let long = ReceiptText {
        text: "a message of more than twenty characters",
        submitted: None,
        seconds: true,
        ..receipt
    };
    let mut octets = Vec::new();
    long.write(&mut octets);
    let text = String::from_utf8(octets).unwrap();
    assert!(
        text.contains("submit date:0000000000 done date:261122165700 "),
        "{text}"
    );
    assert!(text.ends_with(" text:a message of more th"), "{text}");
}

#[test]
fn ids_of_different_bases_are_the_same_number() {
    let cases = [
        (IdForm::AS_IS, "00Ab", "00Ab"),
        (
            IdForm {
                ignore_case: true,
                ..IdForm::AS_IS
            },
            "00Ab",
            "00ab",
        ),
        (
            IdForm {
                ignore_leading_zeros: true,
                ..IdForm::AS_IS
            },
            "00Ab",
            "Ab",
        ),
        (IdForm::DECIMAL, "0059113978", "59113978"),
        (IdForm::HEX, "38601fa", "59113978"),
        (IdForm::HEX, "038601FA", "59113978"),
        (IdForm::DECIMAL, "64567564356765435676", "64567564356765435676"),
        (
            IdForm::HEX,
            "6C7C7DE28BB3E961947700000000FE37",
            "144203021605230333780392919994464271927",
        ),
        (
            IdForm::HEX,
            "6C7C7DE28BB3E961947700000000FE3700",
            "6C7C7DE28BB3E961947700000000FE3700",
        ),
        (IdForm::DECIMAL, "not-a-number", "not-a-number"),
        (IdForm::HEX, "000", "0"),
        (IdForm::DECIMAL, "000", "0"),
        (IdForm::DECIMAL, " 7 ", "7"),
        (IdForm::HEX, "", ""),
    ];
    for (form, id, expected) in cases {
        assert_eq!(form.normalise(id), expected, "{id} as {form:?}");
    }
}
