//! Every PDU vector of the folder that `BINDERY_VECTORS` names, through the filter of the binary and through
//! the library. Without the variable nothing is compared.

use bindery::cli::pdu_json::{annotated_dump, decode_line, encode_line};
use bindery::pdu::{Leniency, MAX_COMMAND_LENGTH, decode, frame_length};
use bytes::Bytes;
use serde_json::{Value, json};

/// Vectors of which the source ignores `command_length`, or reads a PDU that is not there as a whole. A session
/// cannot: it waits, or gives the stream up.
fn is_about_a_source_without_framing(vector: &Value) -> bool {
    matches!(
        vector["wire_error"].as_str(),
        Some("command_length<16" | "incomplete")
    )
}

pub(crate) fn vectors() -> Option<Vec<Value>> {
    let Some(folder) = std::env::var_os("BINDERY_VECTORS") else {
        println!("skipped: BINDERY_VECTORS is not set");
        return None;
    };
    let path = std::path::Path::new(&folder).join("pdu.jsonl");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Some(
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    )
}

pub(crate) fn octets(vector: &Value) -> Vec<u8> {
    let hex = vector["hex"].as_str().unwrap();
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

/// Tags and raw values only, the form of the vectors.
pub(crate) fn raw_tlvs(tlvs: &Value) -> Value {
    tlvs.as_array()
        .unwrap()
        .iter()
        .map(|tlv| json!({ "tag": tlv["tag"], "hex": tlv["hex"] }))
        .collect()
}

/// What is wrong with our reading of a vector of one PDU.
fn complaints(vector: &Value) -> Vec<String> {
    let seen = decode_line(vector["hex"].as_str().unwrap());
    let outcome = seen["outcome"].as_str().unwrap();
    let expected = vector["expect"].as_str().unwrap();
    let mut wrong = Vec::new();
    let mut differ = |what: &str, ours: &Value, theirs: &Value| {
        if ours != theirs {
            wrong.push(format!("{what}: {ours}, not {theirs}"));
        }
    };
    for key in [
        "command",
        "command_id",
        "command_length",
        "command_status",
        "sequence_number",
    ] {
        differ(key, &seen[key], &vector[key]);
    }
    match expected {
        "accept" => {
            differ("outcome", &seen["outcome"], &json!("accept"));
            differ("fields", &seen["fields"], &vector["fields"]);
            differ("tlvs", &raw_tlvs(&seen["tlvs"]), &vector["tlvs"]);
            let again = encode_line(&seen.to_string());
            differ("encoded again", &again["hex"], &vector["hex"]);
            if let Some(tolerated) = seen.get("tolerated") {
                println!("{}: accepted with {tolerated}", vector["id"]);
            }
        }
        "lenient" if is_about_a_source_without_framing(vector) => {
            if matches!(outcome, "accept" | "lenient") {
                wrong.push(format!("outcome: {outcome} of a PDU without a frame"));
            }
        }
        "lenient" => {
            if outcome != "accept" {
                differ("outcome", &seen["outcome"], &json!("lenient"));
            }
            let reading = vector.get("lenient_fields").unwrap_or(&vector["fields"]);
            for (name, value) in reading.as_object().unwrap() {
                differ(name, &seen["fields"][name], value);
            }
            differ("tlvs", &raw_tlvs(&seen["tlvs"]), &vector["tlvs"]);
        }
        "reject" => {
            if outcome == "accept" {
                wrong.push("accepted".to_owned());
            }
        }
        "quirk" => println!("{}: {outcome} {} {}", vector["id"], seen["faults"], seen["error"]),
        other => differ("outcome", &seen["outcome"], &json!(other)),
    }
    wrong
}

#[test]
fn every_vector_of_one_pdu_reads_as_it_says() {
    let Some(vectors) = vectors() else { return };
    let mut failures = Vec::new();
    for vector in vectors.iter().filter(|vector| vector["kind"] == "pdu") {
        let wrong = complaints(vector);
        if !wrong.is_empty() {
            failures.push(format!(
                "{} ({}): {}",
                vector["id"],
                vector["expect"],
                wrong.join("; ")
            ));
        }
        assert!(!annotated_dump(&octets(vector)).is_empty() || octets(vector).len() < 16);
    }
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        vectors.len(),
        failures.join("\n")
    );
}

/// Cuts a stream into frames, fed in the pieces that `cuts` gives.
fn frames(stream: &[u8], cuts: &[usize]) -> (Vec<Bytes>, Vec<u8>) {
    let (mut buffer, mut frames) = (Vec::new(), Vec::new());
    let ends = cuts.iter().copied().chain([stream.len()]);
    let mut start = 0;
    for end in ends {
        buffer.extend_from_slice(&stream[start..end]);
        start = end;
        while let Ok(Some(length)) = frame_length(&buffer, MAX_COMMAND_LENGTH) {
            frames.push(buffer.drain(..length).collect());
        }
    }
    (frames, buffer)
}

#[test]
fn streams_are_cut_where_the_vectors_say() {
    let Some(vectors) = vectors() else { return };
    for vector in vectors.iter().filter(|vector| vector["kind"] == "stream") {
        let stream = octets(vector);
        let cuts: Vec<usize> = vector["cuts"]
            .as_array()
            .map(|cuts| cuts.iter().map(|cut| cut.as_u64().unwrap() as usize).collect())
            .unwrap_or_default();
        let every_octet: Vec<usize> = (1..stream.len()).collect();
        for cuts in [Vec::new(), cuts, every_octet] {
            let (frames, leftover) = frames(&stream, &cuts);
            let expected = vector["frames"].as_array().unwrap();
            assert_eq!(frames.len(), expected.len(), "{}", vector["id"]);
            for (frame, expected) in frames.iter().zip(expected) {
                let seen = decode(frame, &Leniency::default());
                let header = seen.as_ref().map(|seen| seen.header).unwrap_or_else(|error| {
                    panic!("{}: {error}", vector["id"]);
                });
                assert_eq!(
                    json!(header.command_length),
                    expected["command_length"],
                    "{}",
                    vector["id"]
                );
                assert_eq!(
                    json!(header.sequence_number.value()),
                    expected["sequence_number"],
                    "{}",
                    vector["id"]
                );
                assert_eq!(
                    json!(header.command_id.name()),
                    expected["command"],
                    "{}",
                    vector["id"]
                );
            }
            let hex: String = leftover.iter().map(|octet| format!("{octet:02x}")).collect();
            assert_eq!(
                hex,
                vector["leftover"].as_str().unwrap_or_default(),
                "{}",
                vector["id"]
            );
        }
    }
}

#[test]
fn what_a_vector_decodes_to_encodes_to_the_same_octets() {
    let Some(vectors) = vectors() else { return };
    for vector in vectors
        .iter()
        .filter(|vector| vector["expect"] == "accept" && vector["kind"] == "pdu")
    {
        let frame = Bytes::from(octets(vector));
        let decoded = decode(&frame, &Leniency::default()).unwrap();
        let mut again = Vec::new();
        decoded.encode(&mut again).unwrap();
        assert_eq!(Bytes::from(again), frame, "{}", vector["id"]);
    }
}
