//! Any text as input of `pdu encode`: never a panic, and what comes out is one whole PDU.

#![no_main]

use bindery::cli::pdu_json::{decode_line, encode_line};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &str| {
    let encoded = encode_line(line);
    let Some(hex) = encoded["hex"].as_str() else {
        assert!(encoded["error"].is_object());
        return;
    };
    let seen = decode_line(hex);
    assert!(matches!(seen["outcome"].as_str(), Some("accept" | "lenient" | "reject")), "{seen}");
    assert!(seen.get("leftover").is_none(), "{seen}");
});
