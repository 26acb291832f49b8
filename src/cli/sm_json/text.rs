//! `encode`, `decode`, `split`, `join`.

use std::time::Instant;

use serde_json::{Map, Value, json};

use super::request::Request;
use super::{Problem, bits, object};
use crate::cli::hex;
use crate::pdu::{TlvTag, TlvsView};
use crate::sm::{
    Alphabet, AlphabetChoice, Concatenation, JoinLimits, Joined, Joiner, Joining, Language, MessageSource,
    Padding, Part, Parties, ReferenceWidth, Shifts, Split, SplitOptions, StoredPart, TextFaultKind,
    TextFaults, Unencodable, smallest, split_octets, split_text,
};

/// Text to octets, without regard to its length.
pub(super) fn encode(request: &Request) -> Result<Map<String, Value>, Problem> {
    let text = request.required_text("text")?;
    // One part, however long: the payload form without its limit.
    let options = SplitOptions {
        max_octets: 1 << 28,
        ..options(request)?
    };
    let split = split_text(text, &options, 0)?;
    let (header, octets) = split
        .parts
        .first()
        .and_then(|part| part.octets.split_at_checked(part.header))
        .unwrap_or_default();
    let mut answer = object([
        ("hex", hex::print(octets).into()),
        ("data_coding", split.data_coding.value().into()),
        ("alphabet", split.alphabet.name().into()),
        ("smallest", smallest(text).name().into()),
    ]);
    if !header.is_empty() {
        answer.insert("udh".into(), hex::print(header).into());
    }
    add_choices(&split, &mut answer);
    Ok(answer)
}

/// Octets to text.
pub(super) fn decode(request: &Request) -> Result<Map<String, Value>, Problem> {
    let octets = request.required_octets("hex")?;
    let esm_class = request.esm_class()?;
    let source = MessageSource {
        esm_class: if request.flag("udh")? {
            esm_class.with_udh()
        } else {
            esm_class
        },
        data_coding: request.data_coding()?,
        short_message: &octets,
        tlvs: TlvsView::default(),
        default_alphabet: request.default_alphabet()?,
    };
    let content = source.content();
    let (text, faults) = content.text();
    let mut answer = object([("text", text_or_null(text, faults))]);
    if let Some(header) = content.header {
        answer.insert(
            "udh".into(),
            hex::print(octets.get(..header.octets()).unwrap_or_default()).into(),
        );
        answer.insert("elements".into(), bits::elements(header));
    }
    add_faults(faults, &mut answer);
    Ok(answer)
}

/// Text or octets to parts.
pub(super) fn split(request: &Request) -> Result<Map<String, Value>, Problem> {
    let options = options(request)?;
    let reference = request.number_up_to("reference", 0xFFFF)?.unwrap_or_default();
    let reference = u16::try_from(reference).unwrap_or_default();
    let (split, texts) = match request.text("text")? {
        Some(text) => {
            let split = split_text(text, &options, reference)?;
            let texts = texts(&split, &options);
            (split, texts)
        }
        None => {
            let octets = request.required_octets("hex")?;
            let split = split_octets(&octets, request.data_coding()?, &options, reference)?;
            let texts = texts(&split, &options);
            (split, texts)
        }
    };
    let parts = || split.parts.iter();
    let mut answer = object([
        ("alphabet", split.alphabet.name().into()),
        ("data_coding", split.data_coding.value().into()),
        ("esm_class", split.esm_class.value().into()),
        ("segments", split.parts.len().into()),
        ("units", parts().map(|part| part.units).collect()),
        (
            "parts_hex",
            parts().map(|part| hex::print(&part.octets)).collect(),
        ),
        ("texts", texts.into()),
        ("remaining", split.remaining.into()),
        ("per_part", split.per_part.into()),
    ]);
    if let Some(text) = request.text("text")? {
        answer.insert("smallest".into(), smallest(text).name().into());
    }
    let tlvs: Vec<Value> = parts().map(|part| part_tlvs(&split, part)).collect();
    if tlvs
        .iter()
        .any(|tlvs| tlvs.as_array().is_some_and(|tlvs| !tlvs.is_empty()))
    {
        answer.insert("tlvs".into(), tlvs.into());
    }
    add_choices(&split, &mut answer);
    Ok(answer)
}

/// Parts to the message that they make.
pub(super) fn join(request: &Request) -> Result<Map<String, Value>, Problem> {
    let parts = request.list("parts")?;
    let now = Instant::now();
    let limits = JoinLimits::default();
    let mut joiner = Joiner::new(limits);
    let mut joined: Option<Joined<()>> = None;
    let mut damaged_headers = 0;
    for part in parts {
        let part = Request::of(part)?;
        let tlvs = part.tlvs()?;
        let octets = part.octets("hex")?.unwrap_or_default();
        let data_coding = part.data_coding()?;
        let source = MessageSource {
            esm_class: part.esm_class()?,
            data_coding,
            short_message: &octets,
            tlvs: tlvs.view(),
            default_alphabet: part.default_alphabet()?,
        };
        let content = source.content();
        damaged_headers += usize::from(content.damage.is_some());
        let parties = Parties {
            account: "",
            source: part.text("source_addr")?.unwrap_or_default().as_bytes(),
            destination: part.text("destination_addr")?.unwrap_or_default().as_bytes(),
        };
        let complete = match joiner.handle(&parties, &source, (), now) {
            Joining::Waiting | Joining::Duplicate(()) => continue,
            Joining::Complete(complete) => complete,
            Joining::Single(()) => Joined::single(StoredPart::new(&content, data_coding, ())),
        };
        if joined.replace(complete).is_some() {
            return Err(several());
        }
    }
    joiner.handle_timeout(now + limits.wait);
    while let Some(incomplete) = joiner.poll_incomplete() {
        if joined.replace(incomplete).is_some() {
            return Err(several());
        }
    }
    let joined = joined.ok_or_else(|| Problem::new("missing", "no parts"))?;
    let (text, mut faults) = joined.text();
    for _ in 0..damaged_headers {
        faults.note(0, TextFaultKind::DamagedHeader);
    }
    let mut answer = object([
        ("hex", hex::print(&joined.octets()).into()),
        ("text", text_or_null(text, faults)),
        ("complete", joined.is_complete().into()),
        ("missing", joined.missing().collect()),
    ]);
    add_faults(faults, &mut answer);
    Ok(answer)
}

fn several() -> Problem {
    Problem::new("several_messages", "the parts belong to more than one message")
}

fn options(request: &Request) -> Result<SplitOptions, Problem> {
    let defaults = SplitOptions::default();
    let languages = request.languages()?;
    let alphabet = match request.text("alphabet")? {
        _ if request.get("tables").is_some() => AlphabetChoice::Only(Alphabet::Gsm7(request.tables()?)),
        None | Some("auto") => AlphabetChoice::Auto,
        Some("gsm7") if !languages.is_empty() => AlphabetChoice::Gsm7,
        Some(name) => {
            let alphabet = name
                .parse()
                .map_err(|error| Problem::new("alphabet", format!("{name:?}: {error}")))?;
            AlphabetChoice::Only(alphabet)
        }
    };
    Ok(SplitOptions {
        alphabet,
        default_alphabet: request.default_alphabet()?,
        languages,
        shifts: match request.text("shift")? {
            None | Some("auto") => Shifts::Any,
            Some("locking") => Shifts::Locking,
            Some("single") => Shifts::Single,
            Some(other) => return Err(unknown("shift", other, "auto, locking, single")),
        },
        latin1: request.flag("latin1")?,
        concatenation: match request.text("concat")? {
            None | Some("udh8") => Concatenation::Udh8,
            Some("udh16") => Concatenation::Udh16,
            Some("sar") => Concatenation::Sar,
            Some("payload") => Concatenation::Payload,
            Some(other) => return Err(unknown("concat", other, "udh8, udh16, sar, payload")),
        },
        keep_clusters: match request.get("clusters") {
            None => defaults.keep_clusters,
            Some(_) => request.flag("clusters")?,
        },
        unencodable: match request.text("errors")? {
            None | Some("strict") => Unencodable::Refuse,
            Some("replace") => Unencodable::Replace,
            Some("ignore") => Unencodable::Skip,
            Some(other) => return Err(unknown("errors", other, "strict, replace, ignore")),
        },
        transliterate: request.flag("transliterate")?,
        max_octets: request
            .number_up_to("max_octets", 65_535)?
            .and_then(|octets| usize::try_from(octets).ok())
            .unwrap_or(defaults.max_octets),
        elements: bits::written_elements(request.list("elements")?)?,
        number_single: request.flag("number_single")?,
        padding: request.padding(Padding::CarriageReturn)?,
    })
}

fn unknown(key: &'static str, value: &str, known: &str) -> Problem {
    Problem::new(key, format!("{value:?} is not one of {known}"))
}

/// What a receiver reads in each part; nothing for binary data.
fn texts(split: &Split, options: &SplitOptions) -> Vec<String> {
    if split.alphabet == Alphabet::Binary {
        return Vec::new();
    }
    let text = |part: &Part| {
        let source = MessageSource {
            esm_class: split.esm_class,
            data_coding: split.data_coding,
            short_message: &part.octets,
            tlvs: TlvsView::default(),
            default_alphabet: options.default_alphabet,
        };
        source.content().text().0
    };
    split.parts.iter().map(text).collect()
}

fn part_tlvs(split: &Split, part: &Part) -> Value {
    let tlv = |tag: TlvTag, octets: &[u8]| json!({"tag": format!("{:#06x}", tag.value()), "hex": hex::print(octets)});
    if split.payload {
        return json!([tlv(TlvTag::MESSAGE_PAYLOAD, &part.octets)]);
    }
    match part.info.filter(|info| info.width == ReferenceWidth::Sar) {
        None => json!([]),
        Some(info) => json!([
            tlv(TlvTag::SAR_MSG_REF_NUM, &info.reference.to_be_bytes()),
            tlv(TlvTag::SAR_TOTAL_SEGMENTS, &[info.total]),
            tlv(TlvTag::SAR_SEGMENT_SEQNUM, &[info.sequence]),
        ]),
    }
}

/// National tables, characters that were lost or changed: only where there is something to say.
fn add_choices(split: &Split, answer: &mut Map<String, Value>) {
    if let Alphabet::Gsm7(tables) = split.alphabet
        && !tables.is_default()
    {
        let code = |language: Option<Language>| language.map(Language::code);
        let tables = json!({"locking": code(tables.locking), "single": code(tables.single)});
        answer.insert("tables".into(), tables);
    }
    for (key, count) in [("lossy", split.lossy), ("transliterated", split.transliterated)] {
        if count > 0 {
            answer.insert(key.into(), count.into());
        }
    }
}

fn text_or_null(text: String, faults: TextFaults) -> Value {
    if text.is_empty() && faults.is_no_text() {
        Value::Null
    } else {
        text.into()
    }
}

fn add_faults(faults: TextFaults, answer: &mut Map<String, Value>) {
    if let Some(fault) = faults.first() {
        let kind = if faults.is_no_text() { "no_text" } else { "damaged" };
        let problem = Problem::new(kind, fault.to_string()).with("position", fault.position);
        answer.insert("faults".into(), faults.count().into());
        answer.insert("error".into(), problem.to_json());
    }
}
