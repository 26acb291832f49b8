//! Any line as input of `sm` and of `pdu decode`, any text to describe: never a panic, always one answer.

#![no_main]

use bindery::cli::pdu_json::decode_line;
use bindery::cli::sm_json::{describe, sm_line};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &str| {
    let answer = sm_line(line);
    assert!(answer.is_object(), "{answer}");
    if let Some(error) = answer.get("error") {
        assert!(error["kind"].is_string() && error["message"].is_string(), "{answer}");
    }
    let seen = decode_line(line);
    assert!(seen["outcome"].is_string() || seen["error"].is_object(), "{seen}");
    assert!(!describe(line).is_empty());
});
