//! Every text and receipt vector of the folder that `BINDERY_VECTORS` names, mostly through the filter of the
//! binary, as a checker from outside would. Without the variable nothing is compared.

use bindery::cli::sm_json::sm_line;
use bindery::pdu::MessageState;
use bindery::sm::receipt::{ReceiptDate, ReceiptText, state_of, word_of};
use bindery::sm::{IdForm, gsm7};
use serde_json::{Map, Value, json};

/// Where sources disagree, or mean something else than the standard: what we do instead of what a vector says.
///
/// A vector that differs from its expectation and has no line here fails the test.
fn choice(vector: &Value) -> Option<&'static str> {
    let text = |key: &str| vector[key].as_str().unwrap_or_default();
    let source = text("source");
    match text("kind") {
        "segment" if vector["quirk"] == true => {
            Some("septets count as 7/8 of an octet, so 160 of them are one part")
        }
        "segment" if source.contains("jsmpp") && text("encoding") == "latin1" => Some(
            "a part has 140 octets, so 134 of Latin-1 beside a header, whatever a field of 160 could hold",
        ),
        "segment"
            if source.contains("jsmpp")
                && vector["parts_hex"][0]
                    .as_str()
                    .is_some_and(|part| part.starts_with("06")) =>
        {
            Some("the source writes an eight-bit reference into the element for sixteen bits")
        }
        "segment" | "charset" if !is_ours(text("encoding")) || !is_ours(text("charset")) => {
            Some("an alphabet that no data_coding of the issue names; refused, never misread")
        }
        "segment" if !vector["national"].is_null() => {
            Some("a part with national tables carries a header, which leaves fewer than 160 septets")
        }
        "segment.form" if vector["allow_split_escape"] == true => Some("an escape pair is never cut"),
        "charset.vendor" => Some("one vendor's alphabet; unknown octets are marked, the rest is read"),
        "gsm7.national" if source.contains("node-smpp") => {
            Some("what the locking table has takes one septet, also where the single shift table has it too")
        }
        "gsm7.national_udh" if source.contains("node-smpp") => Some(
            "element 24 selects the single shift table and 25 the locking table, not both in either case",
        ),
        "gsm7.table" if vector["language"] == "hindi" => {
            Some("the source has Bengali signs at 00 to 02 of the Hindi table")
        }
        "smpp_time" if matches!(vector["year"].as_u64(), Some(2038..)) => Some("years 38 to 99 are 19xx"),
        "format" => Some("the source's own word for an unset state, and empty dates instead of zeros"),
        _ => None,
    }
}

fn is_ours(name: &str) -> bool {
    !matches!(
        name,
        "shift_jis" | "iso-2022-jp" | "euc-kr" | "iso-8859-15" | "utf-16le" | "windows-1252"
    )
}

#[test]
fn texts_are_as_the_vectors_say() {
    compare("text.jsonl", complaints_about_text);
}

#[test]
fn receipts_are_as_the_vectors_say() {
    compare("receipts.jsonl", complaints_about_receipt);
}

fn compare(file: &str, complaints: fn(&Value, &mut Complaints)) {
    let Some(folder) = std::env::var_os("BINDERY_VECTORS") else {
        println!("skipped: BINDERY_VECTORS is not set");
        return;
    };
    let path = std::path::Path::new(&folder).join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (mut compared, mut chosen, mut failed) = (0, 0, Vec::new());
    for line in text.lines() {
        let vector: Value = serde_json::from_str(line).unwrap();
        let mut found = Complaints(Vec::new());
        complaints(&vector, &mut found);
        compared += 1;
        if found.0.is_empty() {
            continue;
        }
        match choice(&vector) {
            Some(reason) => {
                chosen += 1;
                println!("{} {}: {reason}", vector["id"], vector["kind"]);
            }
            None => failed.push(format!(
                "{} {}: {}",
                vector["id"],
                vector["kind"],
                found.0.join("; ")
            )),
        }
    }
    println!("{file}: {compared} vectors compared, {chosen} of them with a documented choice");
    assert!(
        failed.is_empty(),
        "{} differ:\n{}",
        failed.len(),
        failed.join("\n")
    );
}

/// What differs from a vector.
struct Complaints(Vec<String>);

impl Complaints {
    fn same(&mut self, what: &str, ours: &Value, theirs: &Value) {
        if ours != theirs {
            self.0.push(format!("{what}: {ours}, not {theirs}"));
        }
    }

    /// As `same`, where the vector says anything.
    fn same_where_given(&mut self, what: &str, ours: &Value, theirs: &Value) {
        if !theirs.is_null() {
            self.same(what, ours, theirs);
        }
    }

    fn is(&mut self, what: &str, right: bool) {
        if !right {
            self.0.push(what.to_owned());
        }
    }
}

fn ask(request: Value) -> Value {
    sm_line(&request.to_string())
}

fn with(mut request: Value, more: Value) -> Value {
    let more: Map<String, Value> = serde_json::from_value(more).unwrap();
    request.as_object_mut().unwrap().extend(more);
    request
}

fn complaints_about_text(vector: &Value, found: &mut Complaints) {
    let direction = vector["direction"].as_str().unwrap_or("both");
    let (forth, back) = (
        !matches!(direction, "decode" | "unpack"),
        !matches!(direction, "encode" | "pack"),
    );
    match vector["kind"].as_str().unwrap() {
        "gsm7.packed" => packed(vector, forth, back, found),
        "gsm7.unpacked" => charset(vector, "gsm7", 0, forth, back, found),
        "gsm7.septets" => septets(vector, forth, back, found),
        "gsm7.representable" | "gsm7.unrepresentable" => {
            let answer = ask(json!({"op": "encode", "text": vector["text"], "alphabet": "gsm7"}));
            found.is(
                "representable",
                answer.get("error").is_none() == (vector["representable"] == true),
            );
            if !vector["replaced_hex"].is_null() {
                let request =
                    json!({"op": "encode", "text": vector["text"], "alphabet": "gsm7", "errors": "replace"});
                found.same("replaced", &ask(request)["hex"], &vector["replaced_hex"]);
            }
        }
        "gsm7.decode_error" => {
            let packed = vector["packed"] == true;
            let answer =
                ask(json!({"op": "decode", "hex": vector["hex"], "data_coding": 0, "packed": packed}));
            found.is("no error", answer.get("error").is_some());
        }
        "gsm7.decode_lenient" => {
            let answer = ask(json!({"op": "decode", "hex": vector["hex"], "data_coding": 0}));
            found.same("text", &answer["text"], &vector["text"]);
        }
        "gsm7.validate_octets" => {
            let invalid: String = gsm7::invalid_octets(&octets(&vector["hex"]))
                .map(|(_, octet)| format!("{octet:02x}"))
                .collect();
            found.same("invalid octets", &invalid.into(), &vector["invalid_octets"]);
        }
        "gsm7.table" => {
            // 1B is an escape, not a character.
            for pair in vector["map"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|pair| pair[0] != "1b")
            {
                let escape = if vector["table"] == "single_shift" {
                    "1b"
                } else {
                    ""
                };
                let hex = format!("{escape}{}", pair[0].as_str().unwrap());
                let udh = header(vector["language_id"].as_u64().unwrap(), vector["table"].as_str());
                let request =
                    json!({"op": "decode", "hex": format!("{udh}{hex}"), "data_coding": 0, "udh": true});
                found.same(&hex, &ask(request)["text"], &pair[1]);
            }
        }
        "gsm7.national" => national(vector, forth, back, found),
        "gsm7.national_udh" => {
            let answer = ask(json!({"op": "decode", "hex": vector["hex"], "data_coding": 0, "udh": true}));
            found.same("udh", &answer["udh"], &vector["udh"]);
            found.same("text", &answer["text"], &vector["text"]);
        }
        "charset" | "charset.vendor" => {
            let name = vector["charset"].as_str().unwrap();
            let data_coding = match name {
                "ascii" => 1,
                "iso-8859-1" => 3,
                "iso-8859-5" => 6,
                "iso-8859-8" => 7,
                "ucs2" => 8,
                _ => vector["data_coding"].as_u64().unwrap_or(0),
            };
            charset(vector, name, data_coding, forth, back, found);
        }
        "detect" => {
            let answer =
                ask(json!({"op": "encode", "text": vector["text"], "alphabet": "auto", "latin1": true}));
            found.same("smallest", &answer["smallest"], &vector["encoding"]);
            found.same("chosen", &answer["alphabet"], &vector["encoding"]);
        }
        "segment" => segment(vector, found),
        "segment.form" => segment_form(vector, found),
        "segment.octets" => {
            let part = vector["part_octets"].as_u64().map(|octets| octets + 6);
            let request = json!({
                "op": "split", "hex": vector["input_hex"], "data_coding": 4, "concat": "udh8",
                "reference": vector["reference"], "number_single": true, "max_octets": part.or(vector["max_octets"].as_u64()),
            });
            found.same("parts", &ask(request)["parts_hex"], &vector["parts_hex"]);
        }
        "udh" | "udh.split" | "udh.error" => udh(vector, found),
        "smpp_time" => {
            let answer = ask(json!({"op": "time", "value": vector["value"]}));
            if vector["form"] == "error" {
                found.is("no error", answer.get("error").is_some());
            } else {
                let parts = vector.as_object().unwrap().iter();
                let known = ["id", "kind", "source", "value", "note", "direction", "also"];
                for (key, value) in parts.filter(|(key, _)| !known.contains(&key.as_str())) {
                    found.same(key, &answer[key], value);
                }
            }
        }
        other => found.0.push(format!("unknown kind {other}")),
    }
}

fn charset(vector: &Value, name: &str, data_coding: u64, forth: bool, back: bool, found: &mut Complaints) {
    let encode = json!({"op": "encode", "text": vector["text"], "alphabet": name});
    if vector["representable"] == false {
        found.is("encoded", ask(encode).get("error").is_some());
        return;
    }
    if forth {
        // Sources that cannot represent a text put a question mark.
        let lossy = vector["hex"] == "3f" && vector["text"] != "?";
        let answer = ask(with(
            encode,
            json!({"errors": if lossy { "replace" } else { "strict" }}),
        ));
        found.same("hex", &answer["hex"], &vector["hex"]);
    }
    if back {
        let default = if name == "utf-8" { "utf-8" } else { "gsm" };
        let request = json!({"op": "decode", "hex": vector["hex"], "data_coding": data_coding, "default_alphabet": default});
        let answer = ask(request);
        found.same("text", &answer["text"], &vector["text"]);
        found.is("error", answer.get("error").is_none());
    }
}

fn packed(vector: &Value, forth: bool, back: bool, found: &mut Complaints) {
    let septets = &ask(json!({"op": "encode", "text": vector["text"], "alphabet": "gsm7"}))["hex"];
    let count = septets.as_str().unwrap().len() / 2;
    if forth {
        let answer = ask(json!({"op": "pack", "hex": septets, "padding": vector["padding"]}));
        found.same("packed", &answer["hex"], &vector["hex"]);
    }
    if back {
        let unpacked = &ask(json!({"op": "unpack", "hex": vector["hex"], "septets": count}))["hex"];
        found.same("septets", unpacked, septets);
        let answer = ask(json!({"op": "decode", "hex": unpacked, "data_coding": 0}));
        found.same("text", &answer["text"], &vector["text"]);
    }
    if back && vector["padding"] == "cr" {
        let answer = ask(json!({"op": "decode", "hex": vector["hex"], "data_coding": 0, "packed": true}));
        found.same("text without a count", &answer["text"], &vector["text"]);
    }
}

fn septets(vector: &Value, forth: bool, back: bool, found: &mut Complaints) {
    let padding = vector["padding"].as_str().unwrap_or("zero");
    let fill = &vector["fill_bits"];
    if forth {
        let answer =
            ask(json!({"op": "pack", "hex": vector["septets"], "fill_bits": fill, "padding": padding}));
        found.same("packed", &answer["hex"], &vector["packed"]);
    }
    if back {
        let count = vector["septets"].as_str().unwrap().len() / 2;
        let answer =
            ask(json!({"op": "unpack", "hex": vector["packed"], "septets": count, "fill_bits": fill}));
        found.same("septets", &answer["hex"], &vector["septets"]);
        let answer =
            ask(json!({"op": "unpack", "hex": vector["packed"], "fill_bits": fill, "padding": padding}));
        found.same("septets without a count", &answer["hex"], &vector["septets"]);
    }
}

/// A header with the shift elements of a language; without `table` both.
fn header(language: u64, table: Option<&str>) -> String {
    let elements = match table {
        _ if language == 0 => String::new(),
        Some("locking") => format!("2501{language:02x}"),
        Some(_) => format!("2401{language:02x}"),
        None => format!("2501{language:02x}2401{language:02x}"),
    };
    format!("{:02x}{elements}", elements.len() / 2)
}

fn national(vector: &Value, forth: bool, back: bool, found: &mut Complaints) {
    let table = vector["table"].as_str();
    if forth {
        // Where the source says which tables it took they are the cheapest; else they are given.
        let code = &vector["language"];
        let choice = match table {
            _ if !vector["udh_elements"].is_null() => json!({"languages": [code]}),
            Some("locking") => json!({"tables": {"locking": code}}),
            Some(_) => json!({"tables": {"single": code}}),
            None => json!({"tables": {"locking": code, "single": code}}),
        };
        let request = json!({"op": "encode", "text": vector["text"], "alphabet": "auto"});
        let answer = ask(with(request, choice));
        found.same("hex", &answer["hex"], &vector["hex"]);
        if let Some(elements) = vector["udh_elements"].as_array() {
            let udh = ask(json!({"op": "udh", "hex": answer["udh"]}));
            let ours: Value = udh["elements"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| json!([one["id"], one["hex"]]))
                .collect();
            found.same("udh", &ours, &json!(elements));
        }
    }
    if back {
        let udh = header(vector["language_id"].as_u64().unwrap(), table);
        let hex = format!("{udh}{}", vector["hex"].as_str().unwrap());
        let answer = ask(json!({"op": "decode", "hex": hex, "data_coding": 0, "udh": true}));
        found.same("text", &answer["text"], &vector["text"]);
    }
}

fn segment(vector: &Value, found: &mut Complaints) {
    let encoding = vector["encoding"].as_str().unwrap();
    let list = |key: &str| vector[key].as_array();
    let wide = vector["header"] == "concat16"
        || list("parts_hex").is_some_and(|parts| parts[0].as_str().unwrap().starts_with("060804"));
    let mut request = json!({
        "op": "split", "text": vector["text"], "alphabet": encoding, "concat": if wide { "udh16" } else { "udh8" },
        "reference": vector["reference"], "packed": vector["packed"],
    });
    match encoding {
        "8bit" => request = with(request, json!({"alphabet": "latin1"})),
        "gsm7 unpacked" => request = with(request, json!({"alphabet": "gsm7"})),
        _ => {}
    }
    if !vector["national"].is_null() {
        request = with(
            request,
            json!({"alphabet": "auto", "languages": ["es", "pt", "tr"]}),
        );
    }
    if let Some(element) = vector["extra_element"].as_str() {
        request = with(
            request,
            json!({"elements": [{"id": element[..2], "hex": element[4..]}]}),
        );
    }
    // Sources with a limit mean the text of a part.
    if let Some(limit) = vector["max_octets"].as_u64()
        && vector["segments"].as_u64() > Some(1)
    {
        request = with(request, json!({"max_octets": limit + 6, "number_single": true}));
    }
    let answer = ask(request);
    if vector["should_split"] == true {
        found.is("one part", answer["segments"].as_u64() > Some(1));
        return;
    }
    for key in ["segments", "units", "remaining"] {
        found.same_where_given(key, &answer[key], &vector[key]);
    }
    found.same_where_given("parts", &answer["texts"], &vector["parts"]);
    found.same_where_given("per message", &answer["per_part"], &vector["per_message"]);
    let units: u64 = answer["units"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_u64)
        .sum();
    found.same_where_given("units in all", &units.into(), &vector["units_total"]);
    if !vector["message_bits"].is_null() {
        let bits = units * if encoding == "ucs2" { 16 } else { 7 };
        let segments = vector["segments"].as_u64().unwrap();
        let headers = if segments > 1 { 48 * segments } else { 0 };
        found.same(
            "bits",
            &json!([bits, bits + headers]),
            &json!([vector["message_bits"], vector["total_bits"]]),
        );
    }
    if list("parts_hex").is_some() {
        // Packed parts of the sources are without their headers.
        let header = if vector["packed"] == true { 12 } else { 0 };
        let ours: Value = answer["parts_hex"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|part| json!(part.as_str().unwrap()[header..]))
            .collect();
        found.same("octets", &ours, &vector["parts_hex"]);
    }
    // What is chosen without being told, where the source chose too.
    if vector["agreed_by"].as_array().is_some_and(|by| by.len() == 3) {
        let answer = ask(json!({"op": "split", "text": vector["text"], "alphabet": "auto"}));
        found.same("chosen", &answer["alphabet"], &vector["encoding"]);
        found.same("segments", &answer["segments"], &vector["segments"]);
    }
}

fn segment_form(vector: &Value, found: &mut Complaints) {
    let number = |key: &str| vector[key].as_u64().unwrap();
    let (most, header) = (number("max_octets"), number("header_octets"));
    let unpacked = vector["encoding"] == "gsm7" && vector["packed"] == false;
    // The source counts unpacked septets as octets of the part.
    let most = if unpacked {
        header + ((most - header) * 7 + 1).div_ceil(8)
    } else {
        most
    };
    let request = json!({
        "op": "split", "text": vector["text"], "alphabet": vector["encoding"], "packed": vector["packed"],
        "concat": if header == 7 { "udh16" } else { "udh8" }, "max_octets": most,
    });
    let answer = ask(request);
    let digits = if vector["segments"] == 1 {
        0
    } else {
        2 * usize::try_from(header).unwrap()
    };
    let ours: Value = answer["parts_hex"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|part| json!(part.as_str().unwrap()[digits..]))
        .collect();
    found.same("parts", &ours, &vector["parts_hex"]);
}

fn udh(vector: &Value, found: &mut Complaints) {
    let mut hex = vector["hex"].as_str().unwrap().to_owned();
    if vector["note"]
        .as_str()
        .is_some_and(|note| note.contains("without the UDHL octet"))
    {
        hex = format!("{:02x}{hex}", hex.len() / 2);
    }
    let answer = ask(json!({"op": "udh", "hex": hex}));
    if vector["expect"] == "error" {
        found.is("no error", answer.get("error").is_some());
        return;
    }
    // Where a header is only taken off its elements may be anything.
    found.is(
        "an error",
        vector["kind"] == "udh.split" || answer.get("error").is_none(),
    );
    found.same("rest", &answer["rest"], &vector["rest"]);
    if let Some(elements) = vector["elements"].as_array() {
        let ours: Value = answer["elements"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| json!([one["id"], one["hex"]]))
            .collect();
        found.same("elements", &ours, &json!(elements));
    }
    found.same_where_given("concat", &answer["concat"], &vector["concat"]);
    found.same_where_given("header", &answer["udh"], &vector["udh"]);
}

fn complaints_about_receipt(vector: &Value, found: &mut Complaints) {
    match vector["kind"].as_str().unwrap() {
        "parse" => {
            let by_text =
                json!({"op": "receipt", "text": vector["text"], "tlvs": without_payload(&vector["tlvs"])});
            parsed(vector, &ask(by_text), found);
            if !vector["short_message_hex"].is_null() {
                let by_octets = json!({
                    "op": "receipt", "short_message_hex": vector["short_message_hex"],
                    "data_coding": vector["data_coding"], "tlvs": vector["tlvs"], "esm_class": vector["esm_class"],
                });
                parsed(vector, &ask(by_octets), found);
            }
        }
        "format" => {
            let input = &vector["input"];
            let id = match input["id_number"].as_u64() {
                Some(number) => format!("{number:010}"),
                None => input["id"].as_str().unwrap().to_owned(),
            };
            let state = MessageState::new(u8::try_from(input["message_state"].as_u64().unwrap()).unwrap());
            let err = match input["err"].as_u64() {
                Some(number) => format!("{number:03}"),
                None => input["err"].as_str().unwrap_or("000").to_owned(),
            };
            let count = |key: &str| u16::try_from(input[key].as_u64().unwrap_or_default()).unwrap();
            let text = ReceiptText {
                id: &id,
                sub: count("sub"),
                dlvrd: count("dlvrd"),
                submitted: iso_date(&input["submit_date"]),
                done: iso_date(&input["done_date"]),
                seconds: false,
                stat: word_of(state),
                err: &err,
                text: input["text"].as_str().unwrap_or_default(),
            };
            found.same("written", &text.to_string().into(), &vector["text"]);
        }
        "state" => {
            let state = MessageState::new(u8::try_from(vector["message_state"].as_u64().unwrap()).unwrap());
            found.same("word", &word_of(state).into(), &vector["stat"]);
            found.is("state", state_of(vector["stat"].as_str().unwrap()) == Some(state));
        }
        "date" => {
            let date = ReceiptDate::parse(vector["text"].as_str().unwrap());
            found.same("date", &date.map(|date| date.to_string()).into(), &vector["iso"]);
        }
        "id_number" => {
            let decimal = IdForm::DECIMAL
                .normalise(vector["decimal"].as_str().unwrap())
                .into_owned();
            let hex = IdForm::HEX
                .normalise(vector["hex"].as_str().unwrap())
                .into_owned();
            found.same("id", &decimal.into(), &hex.into());
        }
        other => found.0.push(format!("unknown kind {other}")),
    }
}

fn parsed(vector: &Value, answer: &Value, found: &mut Complaints) {
    found.is("an error", answer.get("error").is_none());
    for (key, value) in vector["expect"].as_object().unwrap() {
        found.same(key, &answer[key], value);
    }
    for key in ["submit_date_iso", "done_date_iso"] {
        found.same_where_given(key, &answer[key], &vector[key]);
    }
    for (key, value) in vector["tlv_expect"].as_object().into_iter().flatten() {
        found.same(key, &answer[key], value);
    }
    for (key, value) in vector["combined"].as_object().into_iter().flatten() {
        found.same(key, &answer["combined"][key], value);
    }
}

fn without_payload(tlvs: &Value) -> Value {
    tlvs.as_array()
        .into_iter()
        .flatten()
        .filter(|tlv| tlv["tag"] != "0x0424")
        .cloned()
        .collect()
}

fn iso_date(value: &Value) -> Option<ReceiptDate> {
    let digits: String = value.as_str()?.chars().filter(char::is_ascii_digit).collect();
    ReceiptDate::parse(&digits)
}

fn octets(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}
