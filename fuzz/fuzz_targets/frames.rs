//! Any stream of octets, in pieces: cutting never depends on the pieces, and reading never panics.

#![no_main]

use bindery::pdu::{FramingError, Leniency, MAX_COMMAND_LENGTH, frame_length, view};
use libfuzzer_sys::fuzz_target;

/// Cuts a stream that arrives in pieces of `step` octets.
fn cut(stream: &[u8], step: usize) -> (Vec<Vec<u8>>, Result<(), FramingError>) {
    let (mut buffer, mut frames) = (Vec::new(), Vec::new());
    for piece in stream.chunks(step) {
        buffer.extend_from_slice(piece);
        loop {
            match frame_length(&buffer, MAX_COMMAND_LENGTH) {
                Ok(Some(length)) => frames.push(buffer.drain(..length).collect()),
                Ok(None) => break,
                Err(error) => return (frames, Err(error)),
            }
        }
    }
    (frames, Ok(()))
}

fuzz_target!(|input: (u8, &[u8])| {
    let (step, stream) = input;
    let whole = cut(stream, stream.len().max(1));
    assert_eq!(cut(stream, usize::from(step).max(1)), whole);
    for frame in whole.0 {
        let lenient = view(&frame, &Leniency::default());
        let strict = view(&frame, &Leniency::strict());
        assert!(lenient.is_ok() || strict.is_err());
        if let Err(error) = lenient {
            assert!(error.offset <= frame.len());
            assert!(!error.to_string().is_empty());
        }
    }
});
