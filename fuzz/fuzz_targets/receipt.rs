//! Any text as that of a receipt; and every receipt that is written is read.

#![no_main]

use bindery::sm::Receipt;
use bindery::cli::sm_json::sm_line;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|octets: &[u8]| {
    let text = String::from_utf8_lossy(octets);
    let receipt = Receipt::parse(&text);
    assert_eq!(receipt.clone().into_owned(), receipt);
    let _ = (receipt.state(), receipt.is_final(), receipt.submitted(), receipt.done());

    let hex: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    for coding in [0, 3, 8] {
        let answer = sm_line(&json!({"op": "receipt", "short_message_hex": hex, "data_coding": coding}).to_string());
        assert!(answer.is_object());
    }
});
