//! What holds for every text, every split, every receipt.

use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::pdu::{DataCoding, EsmClass, MessageState, SubmitSm, TlvsView};
use crate::sm::gsm7::{self, pack, unpack};
use crate::sm::receipt::{state_of, word_of};
use crate::sm::*;

/// Characters of all kinds: of the default alphabet and its extension, national, outside the basic plane, joining.
fn any_text() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        8 => "[ -~]".prop_map(|text: String| text),
        3 => select(vec!["é", "ü", "£", "Ω", "\n", "\r", "\r\n", "€", "{", "|", "\u{C}", "@", "_"]).prop_map(str::to_owned),
        2 => select(vec!["ğ", "ş", "ã", "ú", "न", "म", "स्", "ت", "ж", "中"]).prop_map(str::to_owned),
        1 => select(vec!["👋🏽", "👨‍👩‍👧", "🇩🇪", "e\u{301}\u{308}", "🏳️‍🌈", "한", "\u{200D}"]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    vec(character, 0..600).prop_map(|characters| characters.concat())
}

fn any_tables() -> impl Strategy<Value = Tables> {
    let language = || proptest::option::of(select(Language::ALL.to_vec()));
    (language(), language()).prop_map(|(locking, single)| Tables { locking, single })
}

fn any_alphabet() -> impl Strategy<Value = Alphabet> {
    prop_oneof![
        2 => any_tables().prop_map(Alphabet::Gsm7),
        1 => Just(Alphabet::GSM7),
        1 => select(vec![
            Alphabet::Ascii,
            Alphabet::Latin1,
            Alphabet::Iso8859_5,
            Alphabet::Iso8859_8,
            Alphabet::Ucs2,
            Alphabet::Utf8,
        ]),
    ]
}

prop_compose! {
    fn any_options()(
        default_alphabet in select(vec![DefaultAlphabet::Gsm, DefaultAlphabet::GsmPacked, DefaultAlphabet::Latin1]),
        languages in vec(select(Language::ALL.to_vec()), 0..3),
        concatenation in select(vec![Concatenation::Udh8, Concatenation::Udh16, Concatenation::Sar, Concatenation::Payload]),
        latin1 in any::<bool>(),
        keep_clusters in any::<bool>(),
        number_single in any::<bool>(),
        ports in any::<bool>(),
    ) -> SplitOptions {
        let elements = if ports { vec![0x05, 4, 0x0B, 0x84, 0x23, 0xF0] } else { Vec::new() };
        SplitOptions {
            default_alphabet,
            languages: languages.into_iter().collect(),
            concatenation,
            latin1,
            keep_clusters,
            number_single,
            elements,
            ..SplitOptions::default()
        }
    }
}

/// What a peer reads in a submit_sm that was filled with a part.
fn received<'a>(submit: &'a SubmitSm, default_alphabet: DefaultAlphabet) -> MessageSource<'a> {
    MessageSource {
        esm_class: submit.esm_class,
        data_coding: submit.data_coding,
        short_message: &submit.short_message,
        tlvs: submit.tlvs.view(),
        default_alphabet,
    }
}

const PARTIES: Parties<'_> = Parties {
    account: "a",
    source: b"1",
    destination: b"2",
};

proptest! {
    #[test]
    fn what_an_alphabet_holds_survives_it(text in any_text(), alphabet in any_alphabet()) {
        // Of any text the part that the alphabet holds.
        let text: String = text.chars().filter(|character| alphabet.units(*character).is_some()).collect();
        prop_assert!(alphabet.holds(&text));
        let mut octets = Vec::new();
        prop_assert_eq!(alphabet.encode(&text, Unencodable::Refuse, &mut octets), Ok(0));
        let units: usize = text.chars().filter_map(|character| alphabet.units(character)).sum();
        prop_assert_eq!(octets.len(), units * alphabet.unit_octets());
        prop_assert_eq!(alphabet.decode_strict(&octets), Ok(text));
    }

    #[test]
    fn what_an_alphabet_lacks_is_named_replaced_or_left_out(text in any_text(), alphabet in any_alphabet()) {
        let lacking = text.chars().filter(|character| alphabet.units(*character).is_none()).count();
        let first = text.chars().position(|character| alphabet.units(character).is_none());
        let mut out = Vec::new();
        match alphabet.encode(&text, Unencodable::Refuse, &mut out) {
            Ok(lossy) => prop_assert_eq!((lossy, first), (0, None)),
            Err(TextError::Unencodable { character, index, offset, .. }) => {
                prop_assert_eq!(Some(index), first);
                prop_assert!(text[offset..].starts_with(character));
                prop_assert!(out.is_empty());
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
        for missing in [Unencodable::Replace, Unencodable::Skip] {
            let mut out = Vec::new();
            prop_assert_eq!(alphabet.encode(&text, missing, &mut out), Ok(lacking));
            prop_assert!(alphabet.decode(&out, &mut String::new()).is_empty());
        }
    }

    #[test]
    fn any_octets_are_read_as_far_as_they_can_be(octets in vec(any::<u8>(), 0..400), coding: u8, esm: u8) {
        let source = MessageSource {
            esm_class: EsmClass::new(esm),
            data_coding: DataCoding::new(coding),
            short_message: &octets,
            ..MessageSource::default()
        };
        for default in [DefaultAlphabet::Gsm, DefaultAlphabet::GsmPacked, DefaultAlphabet::Utf8] {
            let source = source.with_default(default);
            let content = source.content();
            let (text, faults) = content.text();
            // Of packed octets a single one may hold fill bits alone, or the carriage return that fills it.
            let may_hold_nothing = match default {
                DefaultAlphabet::GsmPacked => content.octets.len() <= 1,
                _ => content.octets.is_empty(),
            };
            let holds_nothing = may_hold_nothing && content.units().is_empty();
            prop_assert!(!text.is_empty() || !faults.is_empty() || holds_nothing);
            let _ = Receipt::read(&source);
            let _ = source.looks_like_receipt();
        }
        let _ = Udh::readable(&octets).elements().count();
    }

    #[test]
    fn packing_can_be_undone(septets in vec(0..0x80_u8, 0..400), fill in 0..40_usize) {
        let packed = pack(&septets, fill, Padding::Zero);
        prop_assert_eq!(packed.len(), gsm7::packed_octets(septets.len(), fill));
        prop_assert_eq!(unpack(&packed, fill, Some(septets.len()), Padding::Zero), septets.clone());
        let padded = pack(&septets, fill, Padding::CarriageReturn);
        // Two carriage returns mean what one means.
        if !septets.ends_with(b"\r\r") {
            prop_assert_eq!(unpack(&padded, fill, None, Padding::CarriageReturn), septets);
        }
    }

    #[test]
    fn parts_in_any_order_with_duplicates_make_the_text_again(
        text in any_text(),
        options in any_options(),
        reference: u16,
        order in vec(any::<Index>(), 0..8),
    ) {
        // Packed texts: two carriage returns at the end of a part mean what one means.
        prop_assume!(options.default_alphabet != DefaultAlphabet::GsmPacked || !text.contains("\r\r"));
        let split = match split_text(&text, &options, reference) {
            Err(TextError::TooManyParts { .. }) => return Ok(()),
            other => other.unwrap(),
        };
        let mut submits: Vec<SubmitSm> = split
            .parts
            .iter()
            .map(|part| {
                let mut submit = SubmitSm::default();
                split.fill(part, &mut submit).unwrap();
                submit
            })
            .collect();
        for index in &order {
            let repeated = submits[index.index(submits.len())].clone();
            submits.insert(index.index(submits.len()), repeated);
        }
        let mut joiner = Joiner::new(JoinLimits::default());
        let now = Instant::now();
        let mut joined = Vec::new();
        for (number, submit) in submits.iter().enumerate() {
            let source = received(submit, options.default_alphabet);
            match joiner.handle(&PARTIES, &source, number, now) {
                Joining::Single(_) => joined.push(source.content().text()),
                Joining::Complete(complete) => joined.push(complete.text()),
                Joining::Waiting | Joining::Duplicate(_) => {}
            }
        }
        // A message of one part comes as often as it is sent.
        joined.dedup();
        prop_assert_eq!(joined, vec![(text, TextFaults::default())]);
    }

    #[test]
    fn no_part_exceeds_its_limit_nor_ends_inside_a_character(
        text in any_text(),
        options in any_options(),
        max_octets in 24..200_usize,
    ) {
        let options = SplitOptions { max_octets, ..options };
        let split = match split_text(&text, &options, 0xABCD) {
            Err(TextError::TooManyParts { .. } | TextError::NoRoom { .. }) => return Ok(()),
            other => other.unwrap(),
        };
        let packed = options.default_alphabet == DefaultAlphabet::GsmPacked;
        let mut end = 0;
        for part in &split.parts {
            let text_octets = part.octets.len() - part.header;
            let on_the_air = match split.alphabet {
                Alphabet::Gsm7(_) if !packed => {
                    part.header + gsm7::packed_octets(text_octets, gsm7::fill_bits(part.header))
                }
                _ => part.octets.len(),
            };
            prop_assert!(split.payload || on_the_air <= max_octets, "{on_the_air} in {max_octets}");
            prop_assert!(part.units <= split.per_part);
            prop_assert_eq!(part.source.start, end);
            end = part.source.end;
            prop_assert!(text.is_char_boundary(end));
        }
        prop_assert_eq!(end, text.len());
    }

    #[test]
    fn clusters_that_fit_a_part_are_not_cut(text in any_text()) {
        use unicode_segmentation::UnicodeSegmentation;
        let boundaries: Vec<usize> = text.grapheme_indices(true).map(|(at, _)| at).chain([text.len()]).collect();
        let longest = text.graphemes(true).map(|cluster| cluster.encode_utf16().count()).max().unwrap_or(0);
        prop_assume!(longest < 30);
        let options = SplitOptions::default();
        if let Ok(split) = split_text(&text, &options, 1) {
            for part in &split.parts {
                let end = part.source.end;
                let in_line_end = text[..end].ends_with('\r') && text[end..].starts_with('\n');
                prop_assert!(boundaries.contains(&end) || in_line_end, "cut at {end} of {text:?}");
            }
        }
    }

    #[test]
    fn a_preview_says_what_the_split_does(text in any_text(), options in any_options()) {
        match (preview(&text, &options), split_text(&text, &options, 0)) {
            (Ok(preview), Ok(split)) => {
                let units: Vec<usize> = split.parts.iter().map(|part| part.units).collect();
                prop_assert_eq!((preview.alphabet, preview.data_coding), (split.alphabet, split.data_coding));
                prop_assert_eq!((preview.units, preview.remaining), (units, split.remaining));
            }
            (Err(preview), Err(split)) => prop_assert_eq!(preview, split),
            (preview, split) => prop_assert!(false, "{preview:?} but {split:?}"),
        }
    }

    #[test]
    fn any_text_is_read_as_a_receipt_without_harm(text in "\\PC{0,300}", noise in vec(any::<u8>(), 0..200)) {
        let receipt = Receipt::parse(&text);
        prop_assert_eq!(receipt.clone().into_owned(), receipt);
        let source = MessageSource { short_message: &noise, ..MessageSource::default() };
        let _ = Receipt::read(&source).into_owned();
    }

    #[test]
    fn every_receipt_that_is_written_is_read(
        id in "[0-9A-Za-z_-]{1,64}",
        counts in (0..1000_u16, 0..1000_u16),
        date in (1_i64..2_000_000_000).prop_map(date),
        seconds: bool,
        state in (0..10_u8).prop_map(MessageState::new),
        err in "[0-9A-Za-z]{0,5}",
        text in any_text(),
        ucs2: bool,
    ) {
        let written = ReceiptText {
            id: &id,
            sub: counts.0,
            dlvrd: counts.1,
            submitted: Some(date),
            done: None,
            seconds,
            stat: word_of(state),
            err: &err,
            text: &text,
        };
        let mut octets = Vec::new();
        match ucs2 {
            true => drop(Alphabet::Ucs2.encode(&written.to_string(), Unencodable::Refuse, &mut octets)),
            false => written.write(&mut octets),
        }
        let source = MessageSource {
            esm_class: EsmClass::RECEIPT,
            data_coding: if ucs2 { DataCoding::UCS2 } else { DataCoding::DEFAULT },
            short_message: &octets,
            tlvs: TlvsView::default(),
            default_alphabet: DefaultAlphabet::Gsm,
        };
        let read = Receipt::read(&source);
        prop_assert_eq!(read.message_id(), Some(&*id));
        prop_assert_eq!(read.sub.as_deref(), Some(&*format!("{:03}", counts.0)));
        prop_assert_eq!(read.dlvrd.as_deref(), Some(&*format!("{:03}", counts.1)));
        let minute = ReceiptDate { second: 0, ..date };
        prop_assert_eq!(read.submitted(), Some(if seconds { date } else { minute }));
        prop_assert_eq!((read.done(), read.done_date.as_deref()), (None, Some("0000000000")));
        prop_assert_eq!(read.state(), state_of(word_of(state)));
        prop_assert_eq!(read.err.as_deref(), Some(&*err));
        let start: String = text.chars().take(20).collect();
        let ascii = || start.chars().map(|character| if character.is_ascii() { character } else { '?' }).collect();
        prop_assert_eq!(read.text.as_deref(), Some(&*if ucs2 { start.clone() } else { ascii() }));
    }

    #[test]
    fn headers_are_read_as_they_are_written(
        elements in vec((any::<u8>(), vec(any::<u8>(), 0..12)), 0..12),
        rest in vec(any::<u8>(), 0..40),
    ) {
        let mut octets = vec![0];
        for (id, data) in &elements {
            Element::Other { id: *id, data }.write(&mut octets);
        }
        octets[0] = u8::try_from(octets.len() - 1).unwrap();
        octets.extend_from_slice(&rest);
        let (header, text) = Udh::split(&octets).unwrap();
        prop_assert_eq!(text, rest);
        let read: Vec<_> = header.raw_elements().map(|(id, data)| (id, data.to_vec())).collect();
        prop_assert_eq!(read, elements);
        let mut again = vec![octets[0]];
        header.elements().for_each(|element| element.write(&mut again));
        prop_assert_eq!(&again[..], &octets[..header.octets()]);
    }

    #[test]
    fn every_part_leaves_the_joiner_once(
        script in vec((0..4_u16, 1..5_u8, 1..5_u8, any::<bool>(), 0..40_u64), 1..60),
        messages in 1..4_usize,
    ) {
        let wait = Duration::from_secs(60);
        let limits = JoinLimits { messages, octets: 200, wait, ..JoinLimits::default() };
        let mut joiner = Joiner::new(limits);
        let mut now = Instant::now();
        let (mut given, mut back) = (0, 0);
        for (number, (reference, total, sequence, other_text, pause)) in script.into_iter().enumerate() {
            now += Duration::from_secs(pause);
            joiner.handle_timeout(now);
            let text = if other_text { "other" } else { "text" };
            let octets = [&[5, 0, 3, reference as u8, total, sequence], text.as_bytes()].concat();
            let source = MessageSource { esm_class: EsmClass::UDH, short_message: &octets, ..MessageSource::default() };
            given += 1;
            match joiner.handle(&PARTIES, &source, number, now) {
                Joining::Single(_) | Joining::Duplicate(_) => back += 1,
                Joining::Complete(joined) => {
                    prop_assert!(joined.is_complete());
                    back += joined.parts.len();
                }
                Joining::Waiting => {}
            }
            prop_assert!(joiner.messages() <= messages && joiner.octets() <= 200 + octets.len());
            while let Some(joined) = joiner.poll_incomplete() {
                prop_assert!(!joined.is_complete());
                back += joined.present().count();
            }
        }
        joiner.handle_timeout(now + limits.wait);
        while let Some(joined) = joiner.poll_incomplete() {
            back += joined.present().count();
        }
        prop_assert_eq!((back, joiner.messages(), joiner.octets()), (given, 0, 0));
    }

    #[test]
    fn every_receipt_and_every_message_leaves_the_correlator_once(
        script in vec((any::<bool>(), 0..6_u8, 1..3_usize, 0..7_u8, 0..50_u64), 1..80),
        room in (1..4_usize, 0..4_usize),
    ) {
        let limits = CorrelatorLimits {
            messages: room.0,
            parked: room.1,
            keep_for: Duration::from_secs(200),
            keep_finished_for: Duration::from_secs(20),
            park_for: Duration::from_secs(100),
        };
        let mut correlator = Correlator::new(limits);
        let mut now = Instant::now();
        let (mut receipts, mut receipts_out) = (0, 0);
        let mut ends: Vec<usize> = Vec::new();
        for (submits, id, parts, state, pause) in script {
            now += Duration::from_secs(pause);
            correlator.handle_timeout(now);
            let id = id.to_string();
            if submits {
                let token = ends.len();
                ends.push(0);
                // Parts of a message bear one id: only the last of them will hear of it.
                correlator.handle_submitted(token, parts, (0..parts).map(|part| (part, id.as_str())), now);
            } else {
                receipts += 1;
                let receipt = Receipt {
                    id: Some(id.into()),
                    message_state: Some(MessageState::new(state)),
                    ..Receipt::default()
                };
                match correlator.handle_receipt(receipt, now) {
                    Received::Matched(matched) => {
                        receipts_out += 1;
                        ends[matched.token] += usize::from(matched.result.is_some());
                    }
                    Received::Orphan(_) => receipts_out += 1,
                    Received::Parked => {}
                }
            }
            prop_assert!(correlator.messages() <= room.0 && correlator.parked() <= room.1);
            while let Some(event) = correlator.poll_event() {
                match event {
                    Correlation::Matched(matched) => {
                        receipts_out += 1;
                        ends[matched.token] += usize::from(matched.result.is_some());
                    }
                    Correlation::Orphan { .. } => receipts_out += 1,
                    Correlation::Unfinished { token, .. } => ends[token] += 1,
                }
            }
        }
        correlator.handle_timeout(now + limits.keep_for);
        prop_assert_eq!((correlator.messages(), correlator.parked(), correlator.poll_timeout()), (0, 0, None));
        while let Some(event) = correlator.poll_event() {
            match event {
                Correlation::Orphan { .. } => receipts_out += 1,
                Correlation::Unfinished { token, .. } => ends[token] += 1,
                Correlation::Matched(_) => prop_assert!(false, "nothing was submitted"),
            }
        }
        prop_assert_eq!(receipts_out, receipts);
        prop_assert!(ends.iter().all(|count| *count == 1), "{:?}", ends);
    }
}

/// A date that there is, from any number.
fn date(number: i64) -> ReceiptDate {
    let part = |divisor: i64, modulus: i64| u8::try_from(number / divisor % modulus).unwrap();
    ReceiptDate {
        year: 1970 + u16::from(part(7, 68)),
        month: 1 + part(11, 12),
        day: 1 + part(13, 28),
        hour: part(17, 24),
        minute: part(19, 60),
        second: part(23, 60),
        offset: None,
    }
}
