//! Our own requests about short-message content, and what the filter of the binary has to answer.

use bindery::cli::sm_json::{describe, sm_line};
use serde_json::{Value, json};

#[test]
fn every_request_has_its_answer() {
    let mut wrong = Vec::new();
    for line in include_str!("../vectors/sm.jsonl").lines() {
        let vector: Value = serde_json::from_str(line).unwrap();
        let answer = sm_line(&vector["request"].to_string());
        for (key, expected) in vector["answer"].as_object().unwrap() {
            let found = answer
                .pointer(&format!("/{}", key.replace('.', "/")))
                .unwrap_or(&Value::Null);
            if found != expected {
                wrong.push(format!("{}: {key} is {found}, not {expected}", vector["name"]));
            }
        }
        let is_error = vector["answer"]
            .as_object()
            .unwrap()
            .keys()
            .any(|key| key.starts_with("error"));
        if answer.get("error").is_some() != is_error {
            wrong.push(format!("{}: {answer}", vector["name"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn lines_that_are_no_request_get_an_error() {
    for line in ["", "x", "[]", "null", "{", "{\"op\":7}", "{\"op\":\"split\"}"] {
        let answer = sm_line(line);
        assert!(
            answer["error"]["kind"].is_string() && answer["error"]["message"].is_string(),
            "{line}: {answer}"
        );
    }
}

#[test]
fn what_is_split_is_joined_again_through_the_filter() {
    let text = "Zeile eins\r\nмного текста 👨‍👩‍👧 ".repeat(12);
    for concat in ["udh8", "udh16", "sar", "payload"] {
        let request =
            json!({"op": "split", "text": text, "alphabet": "auto", "concat": concat, "reference": 77});
        let split = sm_line(&request.to_string());
        let mut parts: Vec<Value> = (0..split["parts_hex"].as_array().unwrap().len())
            .map(|at| {
                let payload = concat == "payload";
                json!({
                    "hex": if payload { json!("") } else { split["parts_hex"][at].clone() },
                    "esm_class": split["esm_class"],
                    "data_coding": split["data_coding"],
                    "tlvs": split["tlvs"][at],
                })
            })
            .collect();
        parts.reverse();
        let joined = sm_line(&json!({"op": "join", "parts": parts}).to_string());
        assert_eq!(
            (&joined["text"], &joined["complete"]),
            (&json!(text), &json!(true)),
            "{concat}"
        );
    }
}

#[test]
fn people_are_told_what_a_text_costs() {
    let lines: Vec<String> = describe(&"x".repeat(170)).lines().map(str::to_owned).collect();
    assert_eq!(
        lines,
        [
            "alphabet   gsm7 (data_coding 0x00)",
            "parts      2 of at most 153 septets",
            "used       153 + 17, room for 136 more",
            "smallest   gsm7",
        ]
    );
}
