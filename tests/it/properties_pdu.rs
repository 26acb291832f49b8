//! What holds for every PDU, and for any octets at all.

use bindery::pdu::{
    CommandStatus, Faults, Header, Leniency, MAX_COMMAND_LENGTH, Pdu, PlacedField, SequenceNumber, TlvTag,
    View, decode, encode_whole, frame_length, view,
};
use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::generate::any_pdu;

fn frame(pdu: &Pdu) -> Vec<u8> {
    let mut out = Vec::new();
    pdu.encode(CommandStatus::ESME_ROK, SequenceNumber::FIRST, &mut out)
        .unwrap();
    out
}

/// Cuts a stream into frames while it arrives in pieces.
fn frames(stream: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
    ends.push(stream.len());
    ends.sort_unstable();
    let (mut buffer, mut frames, mut start) = (Vec::new(), Vec::new(), 0);
    for end in ends {
        buffer.extend_from_slice(&stream[start..end]);
        start = end;
        while let Some(length) = frame_length(&buffer, MAX_COMMAND_LENGTH).unwrap() {
            frames.push(buffer.drain(..length).collect());
        }
    }
    assert!(buffer.is_empty());
    frames
}

proptest! {
    #[test]
    fn what_goes_out_comes_in_again(pdu in any_pdu(), sequence in 1..=0x7FFF_FFFF_u32) {
        let mut octets = vec![0xEE; 3];
        pdu.encode(CommandStatus::ESME_ROK, sequence.into(), &mut octets).unwrap();
        let octets = octets.split_off(3);
        let seen = view(&octets, &Leniency::strict()).unwrap();
        prop_assert_eq!(seen.faults, Faults::NONE);
        prop_assert_eq!(seen.header.sequence_number.value(), sequence);
        prop_assert_eq!(seen.body, pdu.view());
        prop_assert_eq!(seen.body.to_pdu(), pdu.clone());
        let decoded = decode(&Bytes::from(octets.clone()), &Leniency::default()).unwrap();
        prop_assert_eq!(&decoded.pdu, &pdu);
        let mut again = Vec::new();
        seen.body.encode(CommandStatus::ESME_ROK, sequence.into(), &mut again).unwrap();
        prop_assert_eq!(again, octets);
    }

    #[test]
    fn every_field_can_be_read_and_set_by_name(pdu in any_pdu()) {
        let mut built = Pdu::empty(pdu.command_id()).unwrap();
        for row in pdu.command_id().fields() {
            let view = pdu.view();
            let field = view.fields().into_iter().find(|field| field.name == row.name).unwrap();
            built.set(row.name, &field.value).unwrap();
        }
        for (tag, value) in pdu.tlvs() {
            built.tlvs_mut().push_raw(tag, value).unwrap();
        }
        prop_assert_eq!(built, pdu);
    }

    #[test]
    fn the_places_of_the_fields_fill_the_frame(pdu in any_pdu()) {
        let octets = frame(&pdu);
        let seen = view(&octets, &Leniency::strict()).unwrap();
        let mut end = Header::LENGTH;
        for PlacedField { range, .. } in seen.placed_fields(&octets) {
            prop_assert_eq!(range.start, end);
            end = range.end;
        }
        prop_assert_eq!(end + seen.body.tlvs().as_bytes().len(), octets.len());
    }

    #[test]
    fn any_cutting_of_a_stream_gives_the_same_frames(
        pdus in vec(any_pdu(), 1..6),
        cuts in vec(any::<usize>(), 0..12),
    ) {
        let expected: Vec<_> = pdus.iter().map(frame).collect();
        prop_assert_eq!(frames(&expected.concat(), &cuts), expected);
    }

    #[test]
    fn an_error_leaves_what_was_written_before(pdu in any_pdu(), before in vec(any::<u8>(), 0..20)) {
        let mut pdu = pdu;
        let mut out = before.clone();
        let command_id = pdu.command_id();
        // A text that leniency let in and that does not fit.
        let long = bindery::pdu::SubmitSmResp::default();
        let mut octets = Vec::new();
        Pdu::from(long).encode(CommandStatus::ESME_ROK, SequenceNumber::FIRST, &mut octets).unwrap();
        octets.splice(16..16, [b'x'; 80]);
        octets[3] = 97;
        if let Ok(seen) = view(&octets, &Leniency::default()) {
            prop_assert!(seen.body.encode(CommandStatus::ESME_ROK, SequenceNumber::FIRST, &mut out).is_err());
        }
        prop_assert_eq!(&out, &before);
        pdu.tlvs_mut().remove(TlvTag::MESSAGE_PAYLOAD);
        pdu.encode(CommandStatus::ESME_ROK, SequenceNumber::FIRST, &mut out).unwrap();
        prop_assert!(out.starts_with(&before));
        prop_assert_eq!(Header::peek(&out[before.len()..]).unwrap().command_id, command_id);
    }
}

/// Frames that are tried: a million with `BINDERY_FRAMES=1000000`.
fn frames_to_try() -> usize {
    std::env::var("BINDERY_FRAMES")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(100_000)
}

/// Reads octets that may be anything, and uses whatever could be read.
fn try_frame(octets: &[u8]) {
    let Ok(Some(length)) = frame_length(octets, MAX_COMMAND_LENGTH) else {
        return;
    };
    let frame = &octets[..length];
    let lenient = view(frame, &Leniency::default());
    let strict = view(frame, &Leniency::strict());
    match (&lenient, &strict) {
        (Ok(seen), Ok(_)) => assert!(seen.is_conformant(), "{frame:02x?}"),
        (Ok(seen), Err(error)) => {
            assert!(!seen.is_conformant(), "{frame:02x?}");
            assert!(error.offset <= length, "{frame:02x?}");
        }
        (Err(_), Ok(_)) => panic!("strict reads what lenient does not: {frame:02x?}"),
        (Err(error), Err(_)) => assert!(
            error.offset <= length && !error.to_string().is_empty(),
            "{frame:02x?}"
        ),
    }
    let whole = Bytes::copy_from_slice(frame);
    for (seen, leniency) in [(&lenient, Leniency::default()), (&strict, Leniency::strict())] {
        let decoded = decode(&whole, &leniency);
        let decoded = decoded
            .as_ref()
            .map(|it| (it.header, it.pdu.view(), it.faults, it.body_absent));
        let seen = seen
            .as_ref()
            .map(|it| (it.header, it.body, it.faults, it.body_absent));
        assert_eq!(decoded, seen, "{frame:02x?}");
    }
    if let Ok(seen) = lenient {
        use_view(&seen, frame);
    }
}

fn use_view(seen: &View<'_>, frame: &[u8]) {
    let placed = seen.placed_fields(frame);
    assert!(
        placed.iter().all(|placed| placed.range.end <= frame.len()),
        "{frame:02x?}"
    );
    let owned = seen.body.to_pdu();
    assert_eq!(owned.view(), seen.body, "{frame:02x?}");
    let Header {
        command_status,
        sequence_number,
        ..
    } = seen.header;
    let mut again = Vec::new();
    let written = encode_whole(&owned, command_status, sequence_number, &mut again);
    if seen.is_conformant() && !seen.body_absent {
        assert_eq!((written, again.as_slice()), (Ok(()), frame), "{frame:02x?}");
    }
}

#[test]
fn no_octets_bring_a_panic() {
    let mut random = fastrand::Rng::with_seed(0x5EED);
    let mut octets = Vec::new();
    for _ in 0..frames_to_try() {
        let length = random.usize(16..120);
        octets.clear();
        octets.resize_with(length, || random.u8(..));
        // Small numbers reach the tables more often than others.
        octets[..4].copy_from_slice(&(length as u32).to_be_bytes());
        octets[4..8].copy_from_slice(&[random.u8(..2) << 7, 0, random.u8(..2), random.u8(..0x24)]);
        try_frame(&octets);
    }
}

#[test]
fn no_change_to_a_frame_brings_a_panic() {
    let vectors = crate::vectors::frames();
    let mut random = fastrand::Rng::with_seed(0x5EED);
    for _ in 0..frames_to_try() {
        let mut octets = vectors[random.usize(..vectors.len())].clone();
        for _ in 0..random.usize(1..4) {
            let at = random.usize(4..octets.len());
            match random.u8(..5) {
                0 => octets[at] = random.u8(..),
                1 => octets[at] = 0,
                2 => octets[at] ^= 1 << random.u8(..8),
                3 if octets.len() > 17 => drop(octets.remove(at)),
                _ => octets.insert(at, random.u8(..)),
            }
        }
        if random.u8(..4) == 0 {
            octets.truncate(random.usize(16..=octets.len()));
        }
        let length = octets.len() as u32;
        octets[..4].copy_from_slice(&length.to_be_bytes());
        try_frame(&octets);
    }
}
