//! One frame: what reads without a fault goes out as it came in; what reads at all can be owned, shown, named.

#![no_main]

use bindery::cli::pdu_json::{annotated_dump, decode_line};
use bindery::pdu::{Leniency, decode, view};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    // The length is put right, so that the fuzzer gets past it.
    let mut frame = body.to_vec();
    frame.resize(frame.len().max(16), 0);
    let Ok(length) = u32::try_from(frame.len()) else { return };
    frame[..4].copy_from_slice(&length.to_be_bytes());
    let frame = Bytes::from(frame);

    let _ = annotated_dump(&frame);
    let hex: String = frame.iter().map(|octet| format!("{octet:02x}")).collect();
    let _ = decode_line(&hex);

    let Ok(decoded) = decode(&frame, &Leniency::default()) else { return };
    let seen = view(&frame, &Leniency::default()).unwrap();
    assert_eq!(seen.body, decoded.pdu.view());
    assert_eq!(seen.body.to_pdu(), decoded.pdu);
    let mut again = Vec::new();
    let written = decoded.encode(&mut again);
    if decoded.is_conformant() {
        written.unwrap();
        assert_eq!(again, frame);
    }
});
