//! Any text and any octets, in every alphabet: what encodes decodes to itself, what splits joins again in any order.

#![no_main]

use bindery::cli::sm_json::sm_line;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

const ALPHABETS: [&str; 7] = ["auto", "gsm7", "latin1", "ucs2", "iso-8859-5", "iso-8859-8", "ascii"];
const CONCATS: [&str; 4] = ["udh8", "udh16", "sar", "payload"];

fn ask(request: &Value) -> Value {
    sm_line(&request.to_string())
}

fuzz_target!(|input: (u8, u8, &str, &[u8])| {
    let (alphabet, concat, text, octets) = input;
    let alphabet = ALPHABETS[usize::from(alphabet) % ALPHABETS.len()];
    let concat = CONCATS[usize::from(concat) % CONCATS.len()];

    let encoded = ask(&json!({"op": "encode", "text": text, "alphabet": alphabet}));
    if let (Some(hex), Some(coding)) = (encoded["hex"].as_str(), encoded["data_coding"].as_u64()) {
        let decoded = ask(&json!({"op": "decode", "hex": hex, "data_coding": coding}));
        assert_eq!(decoded["text"], json!(text), "{alphabet}: {encoded}");
    } else {
        assert!(encoded["error"]["message"].is_string(), "{encoded}");
    }

    let split = ask(&json!({"op": "split", "text": text, "alphabet": alphabet, "concat": concat, "reference": 7}));
    if let Some(texts) = split["texts"].as_array() {
        let whole: String = texts.iter().filter_map(Value::as_str).collect();
        assert_eq!(whole, text, "{split}");
    }

    let hex: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    for coding in [0, 1, 3, 4, 6, 7, 8, 0xF1, 0xF5] {
        let decoded = ask(&json!({"op": "decode", "hex": hex, "data_coding": coding}));
        assert!(decoded["text"].is_string() || decoded["error"].is_object() || decoded["hex"].is_string(), "{decoded}");
    }
});
