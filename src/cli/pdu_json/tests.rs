//! The filter to the letter of its description.

use serde_json::{Value, json};

use super::{
    annotated_dump, annotated_dump_with, decode_line, decode_line_with, encode_line, encode_line_with,
};
use crate::pdu::TlvRegistry;
use crate::pdu::tlv::CustomTlv;
use crate::pdu::{TlvKind, TlvTag};

/// A submit_sm from "Shop" with two octets of UCS-2, and its TLVs.
fn submit_sm(tlvs: &str) -> String {
    let fields = "00 05 00 53686f7000 01 01 34343737303039303031323300 00 00 00 00 00 01 00 08 00 02 041f";
    let body = format!("{fields}{tlvs}").replace(' ', "");
    format!("{:08x}000000040000000000000405{body}", 16 + body.len() / 2)
}

#[test]
fn a_pdu_becomes_json_in_the_promised_form() {
    let hex = submit_sm("020400020001");
    let expected = json!({
        "outcome": "accept", "command": "submit_sm", "command_id": "0x00000004", "command_length": 57,
        "command_status": 0, "sequence_number": 1029,
        "fields": {
            "service_type": "", "source_addr_ton": 5, "source_addr_npi": 0, "source_addr": "Shop",
            "dest_addr_ton": 1, "dest_addr_npi": 1, "destination_addr": "447700900123", "esm_class": 0,
            "protocol_id": 0, "priority_flag": 0, "schedule_delivery_time": "", "validity_period": "",
            "registered_delivery": 1, "replace_if_present_flag": 0, "data_coding": 8, "sm_default_msg_id": 0,
            "sm_length": 2, "short_message": "041f",
        },
        "tlvs": [{ "tag": "0x0204", "hex": "0001", "name": "user_message_reference", "value": 1 }],
        "faults": [], "error": null,
    });
    let seen = decode_line(&hex);
    assert_eq!(seen, expected);
    // The order of the keys is part of the form.
    assert_eq!(seen.to_string(), expected.to_string());
    assert_eq!(encode_line(&seen.to_string()), json!({ "hex": hex }));
}

#[test]
fn tlvs_have_names_and_values_where_they_are_known() {
    let cases = [
        ("0427000102", json!({ "name": "message_state", "value": 2 })),
        (
            "001e000461626300",
            json!({ "name": "receipted_message_id", "value": "abc" }),
        ),
        (
            "001e0003616263",
            json!({ "name": "receipted_message_id", "value": "abc" }),
        ),
        (
            "04230003030010",
            json!({ "name": "network_error_code", "value": "030010" }),
        ),
        (
            "130c0000",
            json!({ "name": "alert_on_message_delivery", "value": null }),
        ),
        (
            "130c000101",
            json!({ "name": "alert_on_message_delivery", "value": 1 }),
        ),
        (
            "02040003000102",
            json!({ "name": "user_message_reference", "value": 258 }),
        ),
        (
            "0204000501020304ff",
            json!({ "name": "user_message_reference", "value": null }),
        ),
        ("1204000103", json!({ "name": "ms_validity", "value": 3 })),
        (
            "120400040401000a",
            json!({ "name": "ms_validity", "value": "0401000a" }),
        ),
        ("140000023132", json!({})),
    ];
    for (octets, expected) in cases {
        let length = 0x11 + octets.len() / 2;
        let seen = decode_line(&format!("{length:08x}80000004000000000000000100{octets}"));
        let tlv = &seen["tlvs"][0];
        assert_eq!(tlv["tag"], json!(format!("0x{}", &octets[..4])));
        assert_eq!(tlv["hex"], json!(octets[8..]));
        assert_eq!(
            (tlv.get("name"), tlv.get("value")),
            (expected.get("name"), expected.get("value")),
            "{octets}"
        );
    }
}

#[test]
fn damage_says_what_where_and_how_to_answer() {
    let error = |field: &str, offset: usize, problem: &str, status: u32| json!({ "field": field, "offset": offset, "problem": problem, "command_status": status });
    let cases = [
        (
            "0000001180000004000000000000000139",
            "lenient",
            json!(["missing_nul"]),
            Value::Null,
        ),
        (
            "00000010800000040000000000000001",
            "accept",
            json!([]),
            Value::Null,
        ),
        (
            "0000001700000004000000000000000100050053686f70",
            "reject",
            json!([]),
            error("source_addr", 19, "no NUL up to the end", 0x0A),
        ),
        (
            "00000011000000040000000000000001 00",
            "reject",
            json!([]),
            error("source_addr_ton", 17, "ends before the field does", 2),
        ),
        (
            "00000014800000040000000000000001 00 010203",
            "reject",
            json!([]),
            error("tlv", 17, "3 octets left over", 0xC0),
        ),
        (
            "00000010000001100000000000000001",
            "unknown_command",
            json!([]),
            error("command_id", 4, "unknown command_id", 3),
        ),
        ("0000001000000015", "need_more", json!([]), Value::Null),
        (
            "0000000f000000150000000000000001",
            "fatal",
            json!([]),
            error(
                "command_length",
                0,
                "command_length 15 is less than the 16 octets of a header",
                2,
            ),
        ),
        (
            "7fffffff000000150000000000000001",
            "fatal",
            json!([]),
            error(
                "command_length",
                0,
                "command_length 2147483647 is over the limit of 70000 octets",
                2,
            ),
        ),
        (
            "00011170000001030000000000000001",
            "need_more",
            json!([]),
            Value::Null,
        ),
        (
            "00011171000001030000000000000001",
            "fatal",
            json!([]),
            error(
                "command_length",
                0,
                "command_length 70001 is over the limit of 70000 octets",
                2,
            ),
        ),
        (
            "00010000000001100000000000000001",
            "need_more",
            json!([]),
            Value::Null,
        ),
        (
            "00010001000001100000000000000001",
            "fatal",
            json!([]),
            error(
                "command_length",
                0,
                "command_length 65537 is over the limit of 65536 octets",
                2,
            ),
        ),
    ];
    for (hex, outcome, faults, error) in cases {
        let seen = decode_line(hex);
        assert_eq!(
            (&seen["outcome"], &seen["faults"], &seen["error"]),
            (&json!(outcome), &faults, &error),
            "{hex}"
        );
    }
}

#[test]
fn what_is_not_hexadecimal_is_an_error_with_a_place() {
    for (line, position, problem) in [
        ("00zz", 2, "not a hexadecimal digit"),
        ("000", 3, "an odd number of digits"),
    ] {
        let seen = decode_line(line);
        assert_eq!(seen["outcome"], "reject");
        assert_eq!(seen["command"], Value::Null);
        assert_eq!(seen["error"]["offset"], position);
        assert_eq!(seen["error"]["problem"], problem);
    }
}

#[test]
fn octets_behind_the_pdu_are_shown() {
    let seen = decode_line("0000001000000015000000000000000100ff");
    assert_eq!(
        (&seen["outcome"], &seen["leftover"]),
        (&json!("accept"), &json!("00ff"))
    );
}

#[test]
fn missing_keys_have_their_defaults() {
    let cases = [
        (
            json!({ "command": "enquire_link" }),
            "00000010000000150000000000000001",
        ),
        (
            json!({ "command": "enquire_link", "sequence_number": 0 }),
            "00000010000000150000000000000000",
        ),
        (
            json!({ "command": "submit_sm_resp" }),
            "0000001180000004000000000000000100",
        ),
        (
            json!({ "command": "submit_sm_resp", "fields": {} }),
            "00000010800000040000000000000001",
        ),
        (
            json!({ "command": "submit_sm_resp", "command_status": 88 }),
            "00000010800000040000005800000001",
        ),
        (
            json!({ "command": "submit_sm_resp", "command_status": 10, "fields": { "message_id": "0" } }),
            "00000012800000040000000a000000013000",
        ),
        (
            json!({ "command": "submit_sm_resp", "tlvs": [{ "name": "congestion_state", "value": 85 }] }),
            "0000001680000004000000000000000100042800 0155",
        ),
        (
            json!({ "command": "0x00000015", "command_status": 0 }),
            "00000010000000150000000000000001",
        ),
        (
            json!({ "command": "submit_multi_resp", "fields": {
                "unsuccess_sme": [{ "destination_addr": "1", "error_status_code": 11 }] } }),
            "0000001a80000021000000000000000100010000310 00000000b",
        ),
        (
            json!({ "command": "cancel_sm_resp", "tlvs": [
                { "tag": "0x1400", "hex": "00ff" },
                { "name": "receipted_message_id", "value": "a" },
                { "name": "alert_on_msg_delivery", "value": null },
                { "name": "dest_port", "value": 8080 },
            ] }),
            "00000026 80000008 00000000 00000001 1400000200ff 001e00026100 130c0000 020b00021f90",
        ),
    ];
    for (object, hex) in cases {
        assert_eq!(
            encode_line(&object.to_string()),
            json!({ "hex": hex.replace(' ', "") }),
            "{object}"
        );
    }
}

#[test]
fn what_does_not_fit_is_an_error_and_never_cut() {
    let long = "1".repeat(21);
    let octets = "00".repeat(256);
    let cases = [
        (
            json!({ "command": "submit_sm", "fields": { "source_addr": long } }),
            json!({ "kind": "too_long", "field": "source_addr", "message": "21 where at most 20 fit", "length": 21, "max": 20 }),
        ),
        (
            json!({ "command": "submit_sm", "fields": { "short_message": octets } }),
            json!({ "kind": "too_long", "field": "short_message", "message": "256 where at most 255 fit", "length": 256, "max": 255 }),
        ),
        (
            json!({ "command": "deliver_sm", "tlvs": [{ "name": "receipted_message_id", "value": "a\u{0}b" }] }),
            json!({ "kind": "type", "field": "receipted_message_id", "message": "a text without a NUL belongs here" }),
        ),
        (
            json!({ "command": "submit_sm", "fields": { "esm_class": 256 } }),
            json!({ "kind": "value", "field": "esm_class", "message": "256 where at most 255 fits" }),
        ),
        (
            json!({ "command": "submit_sm", "fields": { "sm_length": 3, "short_message": "00" } }),
            json!({ "kind": "value", "field": "sm_length", "message": "says 3, but 1 is right" }),
        ),
        (
            json!({ "command": "submit_sm", "fields": { "source_addr": "a\u{0}b" } }),
            json!({ "kind": "value", "field": "source_addr", "message": "NUL at position 1" }),
        ),
        (
            json!({ "command": "submit_sm", "fields": { "source_addr": "\u{20ac}" } }),
            json!({ "kind": "value", "field": "source_addr", "message": "character '€' does not fit in one octet" }),
        ),
        (
            json!({ "command": "submit_sm", "fields": { "colour": 1 } }),
            json!({ "kind": "unknown_field", "field": "colour", "message": "no such field" }),
        ),
        (
            json!({ "command": "submit_sm", "fields": { "esm_class": "1" } }),
            json!({ "kind": "type", "field": "esm_class", "message": "a number belongs here" }),
        ),
        (
            json!({ "command": "submit_sm", "tlvs": [{ "name": "sar_total_segments", "value": 256 }] }),
            json!({ "kind": "too_long", "field": "sar_total_segments", "message": "2 where at most 1 fit", "length": 2, "max": 1 }),
        ),
        (
            json!({ "command": "submit_sm", "tlvs": [{ "name": "colour", "value": 1 }] }),
            json!({ "kind": "tlv", "field": "tlvs", "message": "no known tag or name in {\"name\":\"colour\",\"value\":1}" }),
        ),
        (
            json!({ "command": "submit" }),
            json!({ "kind": "command", "field": "command", "message": "no such command" }),
        ),
        (
            json!([]),
            json!({ "kind": "json", "field": "", "message": "an object belongs here" }),
        ),
    ];
    for (object, error) in cases {
        assert_eq!(
            encode_line(&object.to_string()),
            json!({ "error": error }),
            "{object}"
        );
    }
    assert_eq!(encode_line("{")["error"]["kind"], "json");
}

#[test]
fn ms_validity_is_a_number_or_octets() {
    let encoded = |value: Value| {
        let tlv = json!({ "name": "ms_validity", "value": value });
        encode_line(&json!({ "command": "cancel_sm_resp", "tlvs": [tlv] }).to_string())
    };
    for (value, octets) in [
        (json!(3), "1204000103"),
        (json!("03"), "1204000103"),
        (json!(0), "1204000100"),
        (json!("0401000a"), "120400040401000a"),
    ] {
        let hex = encoded(value)["hex"].as_str().unwrap().to_owned();
        assert!(hex.ends_with(octets), "{hex}");
    }
    for value in [json!(256), json!(0x0401_000A), json!("0401"), json!(null)] {
        assert!(encoded(value.clone()).get("error").is_some(), "{value}");
    }
}

#[test]
fn times_are_empty_or_of_sixteen_characters() {
    let encoded = |command: &str, field: &str, time: &str| {
        encode_line(&json!({ "command": command, "fields": { field: time } }).to_string())
    };
    let sixteen = "000002000000000R";
    for (command, field) in [
        ("submit_sm", "schedule_delivery_time"),
        ("replace_sm", "validity_period"),
        ("broadcast_sm", "validity_period"),
        ("query_sm_resp", "final_date"),
    ] {
        for time in ["", sixteen] {
            assert!(
                encoded(command, field, time).get("hex").is_some(),
                "{field} {time}"
            );
        }
        for time in ["1", "2611221657", &sixteen[1..]] {
            let seen = encoded(command, field, time);
            assert_eq!(
                (&seen["error"]["kind"], &seen["error"]["field"]),
                (&json!("value"), &json!(field)),
                "{seen}"
            );
        }
    }
    assert_eq!(
        encoded("submit_sm", "validity_period", "261122165700"),
        json!({ "error": {
            "kind": "value", "field": "validity_period", "message": "12 characters where 0 or 16 belong" } })
    );
    assert!(
        encoded("query_sm_resp", "final_date", "261122165700")
            .get("hex")
            .is_some()
    );
}

#[test]
fn a_time_out_of_its_range_is_tolerated() {
    for time in ["010203040506700R", "000000000000000+", "261322165700000+"] {
        let object = json!({ "command": "submit_sm", "fields": { "validity_period": time } });
        let encoded = encode_line(&object.to_string());
        let seen = decode_line(encoded["hex"].as_str().unwrap());
        assert_eq!(
            (&seen["outcome"], &seen["faults"], &seen["tolerated"]),
            (&json!("accept"), &json!([]), &json!(["time_range"])),
            "{time}"
        );
        assert_eq!(seen["fields"]["validity_period"], time);
    }
    let object = json!({ "command": "submit_sm", "fields": { "validity_period": "2026-11-22T16:57" } });
    let seen = decode_line(encode_line(&object.to_string())["hex"].as_str().unwrap());
    assert_eq!(
        (&seen["outcome"], &seen["faults"]),
        (&json!("lenient"), &json!(["time_format"]))
    );
}

#[test]
fn no_pdu_is_written_that_would_not_be_read() {
    let encoded = |octets: usize| {
        let tlvs = [
            json!({ "name": "message_payload", "hex": "00".repeat(octets) }),
            json!({ "tag": "0x1400", "hex": "00".repeat(5_000) }),
        ];
        encode_line(&json!({ "command": "cancel_sm_resp", "tlvs": tlvs }).to_string())
    };
    let fits = encoded(70_000 - 16 - 4 - 4 - 5_000);
    assert_eq!(decode_line(fits["hex"].as_str().unwrap())["outcome"], "accept");
    let message = "70001 where at most 70000 fit";
    assert_eq!(
        encoded(70_001 - 16 - 4 - 4 - 5_000)["error"],
        json!({ "kind": "too_long", "field": "command_length", "message": message, "length": 70_001, "max": 70_000 })
    );
}

#[test]
fn command_and_command_id_have_to_agree() {
    let hex = json!({ "hex": "00000010000000150000000000000001" });
    for object in [
        json!({ "command": "enquire_link", "command_id": "0x00000015" }),
        json!({ "command": "enquire_link", "command_id": 0x15 }),
        json!({ "command": null, "command_id": "0x00000015" }),
        json!({ "command_id": "enquire_link" }),
    ] {
        assert_eq!(encode_line(&object.to_string()), hex, "{object}");
    }
    let object = json!({ "command": "submit_sm", "command_id": "0x00000005" });
    let message = "says deliver_sm, but command says submit_sm";
    assert_eq!(
        encode_line(&object.to_string()),
        json!({ "error": { "kind": "command", "field": "command_id", "message": message } })
    );
    let object = json!({ "command": "submit_sm", "command_id": "four" });
    assert_eq!(encode_line(&object.to_string())["error"]["field"], "command_id");
}

#[test]
fn tlvs_of_carriers_have_names_and_values_where_they_are_known() {
    let mut registry = TlvRegistry::india_dlt();
    let campaign = CustomTlv::new("campaign", TlvTag::new(0x1500), TlvKind::Integer, 2..=2);
    registry.add(campaign).unwrap();
    let hex = submit_sm("1400000431313031 150000020102 04270001021501000100");
    let seen = decode_line_with(&hex, &registry);
    let expected = json!([
        { "tag": "0x1400", "hex": "31313031", "name": "pe_id", "value": "31313031" },
        { "tag": "0x1500", "hex": "0102", "name": "campaign", "value": 258 },
        { "tag": "0x0427", "hex": "02", "name": "message_state", "value": 2 },
        { "tag": "0x1501", "hex": "00" },
    ]);
    assert_eq!(seen["tlvs"], expected);
    assert_eq!(
        encode_line_with(&seen.to_string(), &registry),
        json!({ "hex": hex })
    );

    let named = |tlv: Value| json!({ "command": "submit_sm", "tlvs": [tlv] }).to_string();
    let by_name = encode_line_with(&named(json!({ "name": "campaign", "value": 258 })), &registry);
    assert!(
        by_name["hex"].as_str().unwrap().ends_with("150000020102"),
        "{by_name}"
    );
    let too_long = encode_line_with(&named(json!({ "name": "campaign", "value": 65_536 })), &registry);
    assert_eq!(
        too_long["error"],
        json!({ "kind": "too_long", "field": "0x1500", "message": "3 where at most 2 fit", "length": 3, "max": 2 })
    );
    // Of a deliver_sm there is no TLV of this name.
    let deliver = json!({ "command": "deliver_sm", "tlvs": [{ "name": "pe_id", "value": "31" }] });
    assert_eq!(
        encode_line_with(&deliver.to_string(), &registry)["error"]["kind"],
        "tlv"
    );

    let octets = crate::cli::hex::parse(&hex).unwrap();
    let dump = annotated_dump_with(&octets, &registry);
    for line in [
        "0x1400 pe_id                         \"1101\"",
        "0x1500 campaign                      258",
    ] {
        assert!(dump.contains(line), "{line}\n{dump}");
    }
}

#[test]
fn the_dump_names_every_octet() {
    let octets = |hex: &str| -> Vec<u8> { crate::cli::hex::parse(hex).unwrap() };
    let dump = annotated_dump(&octets(&submit_sm("020400020001 04240000 1401000431323334")));
    for line in [
        "    0-3     00000045          command_length                       69",
        "    4-7     00000004          command_id                           submit_sm (0x00000004)",
        "   17       05                source_addr_ton                      5 (alphanumeric)",
        "   19-23    53686f7000        source_addr                          \"Shop\"",
        "   44       01                registered_delivery                  1 (receipt)",
        "   46       08                data_coding                          8 (ucs2)",
        "   49-50    041f              short_message                        041f",
        "   51-56    020400020001      0x0204 user_message_reference        1",
        "   57-60    04240000          0x0424 message_payload",
    ] {
        assert!(dump.contains(line), "{line}\n{dump}");
    }
    let damaged = annotated_dump(&octets("0000001180000004000000000000000139"));
    assert!(
        damaged.contains("   16       39                message_id                           \"9\""),
        "{damaged}"
    );
    assert!(
        damaged.contains("! missing_nul: the last text runs to the end"),
        "{damaged}"
    );
    let unreadable = annotated_dump(&octets("0000001700000004000000000000000100050053686f70"));
    assert!(unreadable.ends_with("! unreadable: source_addr at octet 19 of submit_sm: no NUL up to the end, answered with ESME_RINVSRCADR\n"), "{unreadable}");
}
