//! What carriers demand: statuses and TLVs of their own.

use super::mistakes::assert_mistakes;
use super::*;
use crate::pdu::{CommandId, FieldValue, StatusClass, StatusClasses, TlvKind, TlvTag, Tlvs};

#[test]
fn statuses_get_a_class_by_name_or_number() {
    let classes = |classes: &[(u32, StatusClass)]| -> StatusClasses {
        let classes = classes.iter();
        classes
            .map(|(status, class)| (CommandStatus::new(*status), *class))
            .collect()
    };
    let cases = [
        ("", classes(&[])),
        (
            "statuses = { 0x401 = \"throttle\" }",
            classes(&[(0x401, StatusClass::Throttle)]),
        ),
        (
            "[binds.a-1.statuses]\n\"0x0000040B\" = \"bind-retry\"\n1026 = \"queue-full\"\nESME_RINVDSTADR = \"retryable\"",
            classes(&[
                (0x0B, StatusClass::Retryable),
                (0x402, StatusClass::QueueFull),
                (0x40B, StatusClass::BindRetry),
            ]),
        ),
        (
            "statuses.ESME_RALYBND = \"bind-fatal\"\nstatuses.ESME_RSYSERR = \"permanent\"\nstatuses.ESME_RBINDFAIL = \"session\"",
            classes(&[
                (0x05, StatusClass::BindFatal),
                (0x08, StatusClass::Permanent),
                (0x0D, StatusClass::Session),
            ]),
        ),
    ];
    for (keys, expected) in cases {
        let bind = bind_with(keys);
        assert_eq!(bind, smallest().statuses(expected.clone()), "{keys}");
        assert_eq!(bind.session().statuses, expected, "{keys}");
    }
}

fn tlvs(values: &[(u16, &[u8])]) -> Tlvs {
    let mut tlvs = Tlvs::new();
    for (tag, value) in values {
        tlvs.push_raw(TlvTag::new(*tag), value).unwrap();
    }
    tlvs
}

/// Tags and values.
type Octets = &'static [(u16, &'static [u8])];

#[test]
fn a_bind_puts_tlvs_into_messages_by_name() {
    let cases: &[(&str, Octets)] = &[
        ("", &[]),
        (
            "tlv_sets = [\"india-dlt\"]\n[binds.a-1.tlvs]\npe_id = \"1101456\"\ntm_id = { hex = \"00fF\" }",
            &[(0x1400, b"1101456"), (0x1402, b"\x00\xFF")],
        ),
        (
            "[binds.a-1.tlvs]\ncampaign = 7\nnote = \"caf\u{e9}\"\nuser_message_reference = 258\n\
             [tlvs.campaign]\ntag = 0x1500\ntype = \"integer\"\nmax = 4\n\
             [tlvs.note]\ntag = \"0x1501\"\ntype = \"c_octet_string\"\nmax = 5\ncommands = [\"submit_sm\"]",
            &[
                (0x1500, b"\0\0\0\x07"),
                (0x1501, b"caf\xE9\0"),
                (0x0204, b"\x01\x02"),
            ],
        ),
        ("tlvs = { 0x3FFF = { hex = \"\" } }", &[(0x3FFF, b"")]),
    ];
    for (keys, expected) in cases {
        let settings = read(&format!("{BIND}{keys}"));
        assert_eq!(
            *settings.binds["a-1"].tlvs.of(CommandId::SUBMIT_SM),
            tlvs(expected),
            "{keys}"
        );
        let again = read(&settings.effective().to_string().replace("***", "secret"));
        assert_eq!(again, settings, "{keys}");
    }
}

#[test]
fn a_variable_overrides_the_value_of_a_tlv_whatever_its_type() {
    let text = format!(
        "{BIND}tlv_sets = [\"india-dlt\"]\n[binds.a-1.tlvs]\npe_id = \"1\"\ncampaign = 1\n\
         [tlvs.campaign]\ntag = 0x1500\ntype = \"integer\"\nmax = 2"
    );
    let variable = |key: &str, value: &str| (format!("BINDERY__BINDS__A_1__TLVS__{key}"), value.to_owned());
    let environment = [variable("PE_ID", "1102"), variable("CAMPAIGN", "258")];
    let settings = Settings::read(&text, "bindery.toml", environment).unwrap();
    let expected = tlvs(&[(0x1500, b"\x01\x02"), (0x1400, b"1102")]);
    assert_eq!(*settings.binds["a-1"].tlvs.of(CommandId::SUBMIT_SM), expected);

    let error = Settings::read(&text, "bindery.toml", [variable("CAMPAIGN", "many")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "BINDERY__BINDS__A_1__TLVS__CAMPAIGN: binds.a-1.tlvs.campaign: TLV campaign: a number belongs here"
    );
}

#[test]
fn names_are_known_on_the_binds_that_chose_them() {
    let settings = read(&format!(
        "{BIND}tlv_sets = [\"bulksms\"]\n\
         [binds.b]\nhosts = [\"x:1\"]\nsystem_id = \"x\"\npassword = \"\"\ntlv_sets = [\"india-dlt\"]\n\
         [binds.c]\nhosts = [\"x:1\"]\nsystem_id = \"x\"\npassword = \"\"\n\
         [tlvs.note]\ntag = 0x1500\nmax = 20"
    ));
    let tag = CommandId::DELIVER_SM;
    for (bind, own, others) in [
        ("a-1", "linked_mt_id", "pe_id"),
        ("b", "pe_id", "linked_mt_id"),
        ("c", "note", "pe_id"),
    ] {
        let registry = settings.tlv_registry(bind).unwrap();
        let names: Vec<_> = registry
            .custom()
            .iter()
            .map(|custom| custom.name.as_str())
            .collect();
        assert!(
            names.contains(&own) && names.contains(&"note") && !names.contains(&others),
            "{names:?}"
        );
        assert!(registry.by_name(tag, "message_payload").is_some());
    }
    // What both have a tag for belongs to different PDUs.
    let all = settings.all_tlvs().unwrap();
    let name = |command| {
        all.by_tag(command, TlvTag::new(0x1400))
            .map(|(name, _)| name.to_owned())
    };
    assert_eq!(name(CommandId::SUBMIT_SM).as_deref(), Some("pe_id"));
    assert_eq!(name(CommandId::DELIVER_SM).as_deref(), Some("linked_mt_id"));
}

#[test]
fn tlvs_are_declared_and_given_in_the_program_too() {
    let settings = Settings::default()
        .tlv("note", TlvSettings::new(TlvTag::new(0x1500), TlvKind::Text, 5))
        .bind("a-1", smallest());
    let registry = settings.tlv_registry("a-1").unwrap();
    let mut tlvs = Tlvs::new();
    let mut put = |text: &[u8]| {
        let value = FieldValue::Text(text.into());
        registry.put(CommandId::SUBMIT_SM, &mut tlvs, "note", &value)
    };
    assert_eq!(
        put(b"hello").unwrap_err().to_string(),
        "TLV note: 6 octets where 0 to 5 belong"
    );
    put(b"hell").unwrap();
    let settings = settings.bind("a-1", smallest().tlvs(tlvs.clone()));
    assert_eq!(settings.check(), Ok(()));
    assert_eq!(*settings.binds["a-1"].tlvs.of(CommandId::SUBMIT_SM), tlvs);
    let clash = settings.tlv("name", TlvSettings::new(TlvTag::new(0x1500), TlvKind::Text, 5));
    assert_eq!(
        clash.check().unwrap_err().to_string(),
        "tlvs.note.tag: TLV tag 0x1500 of note is taken by name"
    );
}

/// Each is put behind the smallest bind, so that its first line is line 5 of the file.
const MISTAKES: &[(&str, &str)] = &[
    (
        "statuses = \"throttle\"",
        "5: binds.a-1.statuses: must be a table of statuses, such as { 0x401 = \"throttle\" }, not \"throttle\"",
    ),
    (
        "[binds.a-1.statuses]\n0x401 = \"slow\"",
        "6: binds.a-1.statuses.0x401: must be \"throttle\", \"queue-full\", \"retryable\", \"permanent\", \"session\", \"bind-retry\" or \"bind-fatal\", not \"slow\"",
    ),
    (
        "[binds.a-1.statuses]\n0x401 = 1",
        "6: binds.a-1.statuses.0x401: must be \"throttle\", \"queue-full\", \"retryable\", \"permanent\", \"session\", \"bind-retry\" or \"bind-fatal\", not 1",
    ),
    (
        "[binds.a-1.statuses]\nESME_RTHROTLED = \"throttle\"",
        "6: binds.a-1.statuses.ESME_RTHROTLED: the key must be the name of a status or its number, such as ESME_RSYSERR or 0x401, but not that of success",
    ),
    (
        "[binds.a-1.statuses]\n0x100000000 = \"throttle\"",
        "6: binds.a-1.statuses.0x100000000: the key must be the name of a status or its number, such as ESME_RSYSERR or 0x401, but not that of success",
    ),
    (
        "[binds.a-1.statuses]\nESME_ROK = \"permanent\"",
        "6: binds.a-1.statuses.ESME_ROK: the key must be the name of a status or its number, such as ESME_RSYSERR or 0x401, but not that of success",
    ),
    (
        "[binds.a-1.statuses]\n0x401 = \"throttle\"\n1025 = \"permanent\"",
        "7: binds.a-1.statuses.1025: only one of 0x401 and 1025 may be given; keep one of them",
    ),
    // Names and tags of TLVs.
    (
        "[tlvs.pe-id]\ntag = 0x1400\nmax = 20",
        "5: tlvs.pe-id: a name is made of lower-case letters, digits and _; did you mean pe_id?",
    ),
    (
        "[tlvs]\npe_id = 0x1400",
        "6: tlvs.pe_id: must be a table of keys, not 5120",
    ),
    (
        "[[tlvs]]\nname = \"pe_id\"",
        "5: tlvs: must be tables with names, such as [tlvs.a_1], not a list",
    ),
    (
        "[tlvs.a]\nmax = 1",
        "5: tlvs.a.tag: is missing; it must be a number from 1 to 65535, such as 0x1400",
    ),
    (
        "[tlvs.a]\ntag = 0\nmax = 1",
        "6: tlvs.a.tag: must be a number from 1 to 65535, such as 0x1400, not 0",
    ),
    (
        "[tlvs.a]\ntag = 0x14000\nmax = 1",
        "6: tlvs.a.tag: must be a number from 1 to 65535, such as 0x1400, not 81920",
    ),
    (
        "[tlvs.a]\ntag = \"1400\"\nmax = 1",
        "6: tlvs.a.tag: must be a number from 1 to 65535, such as 0x1400, not \"1400\"",
    ),
    (
        "[tlvs.a]\ntag = 0x1400",
        "5: tlvs.a.max: is missing; it must be a whole number from 1 to 65535",
    ),
    (
        "[tlvs.a]\ntag = 0x1400\ntype = \"text\"\nmax = 1",
        "7: tlvs.a.type: must be \"integer\", \"c_octet_string\" or \"octet_string\", not \"text\"",
    ),
    (
        "[tlvs.a]\ntag = 0x1400\nkind = \"integer\"\nmax = 1",
        "7: tlvs.a.kind: unknown key; known are tag, type, min, max and commands",
    ),
    (
        "[tlvs.a]\ntag = 0x1400\nmax = 1\ncommands = \"submit_sm\"",
        "8: tlvs.a.commands: must be a list of PDUs by name, such as [\"submit_sm\"], not \"submit_sm\"",
    ),
    (
        "[tlvs.a]\ntag = 0x1400\nmax = 1\ncommands = [\"submit\"]",
        "8: tlvs.a.commands: must be a list of PDUs by name, such as [\"submit_sm\"], not \"submit\"",
    ),
    (
        "[tlvs.a]\ntag = 0x1400\ntype = \"integer\"\nmax = 3",
        "8: tlvs.a.max: TLV a: 0 to 3 octets are no sizes of its type (integers have 1, 2 or 4)",
    ),
    (
        "[tlvs.a]\ntag = 0x1400\nmin = 8\nmax = 4",
        "8: tlvs.a.max: TLV a: 8 to 4 octets are no sizes of its type (integers have 1, 2 or 4)",
    ),
    (
        "[tlvs.payload]\ntag = 0x0424\nmax = 4",
        "6: tlvs.payload.tag: TLV tag 0x0424 of payload is taken by message_payload",
    ),
    (
        "[tlvs.message_payload]\ntag = 0x1400\nmax = 4",
        "5: tlvs.message_payload: TLV name message_payload is taken by tag 0x0424",
    ),
    (
        "[tlvs.a]\ntag = 0x1400\nmax = 4\n[tlvs.b]\ntag = 5120\nmax = 4",
        "9: tlvs.b.tag: TLV tag 0x1400 of b is taken by a",
    ),
    (
        "tlv_sets = [\"india-dlt\"]\n[tlvs.a]\ntag = 0x1401\nmax = 4",
        "5: binds.a-1.tlv_sets: TLV tag 0x1401 of template_id is taken by a; leave out one of them",
    ),
    (
        "tlv_sets = [\"india-dlt\", \"india-dlt\"]",
        "5: binds.a-1.tlv_sets: TLV name pe_id is taken by tag 0x1400; leave out one of them",
    ),
    (
        "tlv_sets = [\"india\"]",
        "5: binds.a-1.tlv_sets: must be a list of \"india-dlt\" or \"bulksms\", not \"india\"",
    ),
    // Their values.
    (
        "tlvs = \"1101\"",
        "5: binds.a-1.tlvs: must be a table of TLVs with their values, such as { pe_id = \"1101456\" }, not \"1101\"",
    ),
    (
        "tlvs = { user_message_reference = 1.5 }",
        "5: binds.a-1.tlvs.user_message_reference: must be a number, a text in quotes, or octets as in { hex = \"00ff\" }, not 1.5",
    ),
    (
        "tlvs = { user_message_reference = 4294967296 }",
        "5: binds.a-1.tlvs.user_message_reference: must be a number, a text in quotes, or octets as in { hex = \"00ff\" }, not 4294967296",
    ),
    (
        "tlvs = { dest_subaddress = { hex = \"0\" } }",
        "5: binds.a-1.tlvs.dest_subaddress: must be a number, a text in quotes, or octets as in { hex = \"00ff\" }, not { hex = \"0\" }",
    ),
    (
        "tlvs = { user_message_reference = 65536 }",
        "5: binds.a-1.tlvs.user_message_reference: TLV user_message_reference: 3 octets where 2 belong",
    ),
    (
        "tlvs = { user_message_reference = \"1\" }",
        "5: binds.a-1.tlvs.user_message_reference: TLV user_message_reference: a number belongs here",
    ),
    (
        "tlvs = { message_payload = \"hello\" }",
        "5: binds.a-1.tlvs.message_payload: holds the text of a message, which a bind has not",
    ),
    (
        "tlvs = { 0x0424 = { hex = \"68\" } }",
        "5: binds.a-1.tlvs.0x0424: holds the text of a message, which a bind has not",
    ),
    (
        "tlv_sets = [\"india-dlt\"]\ntlvs = { pe_idd = \"1101\" }",
        "6: binds.a-1.tlvs.pe_idd: no TLV of a message has this name; did you mean pe_id?",
    ),
    (
        "tlv_sets = [\"bulksms\"]\ntlvs = { linked_mt_id = \"1101\" }",
        "6: binds.a-1.tlvs.linked_mt_id: no TLV of a message has this name; define it in [tlvs.linked_mt_id], or name the set that it is in with tlv_sets",
    ),
    (
        "tlv_sets = [\"india-dlt\"]\n[binds.a-1.tlvs]\npe_id = \"1101456000000000000011014560000\"\ntemplate_id = 7\ntm_id = \"\u{20ac}\"",
        "7: binds.a-1.tlvs.pe_id: TLV pe_id: 31 octets where 1 to 30 belong\n\
         bindery.toml:8: binds.a-1.tlvs.template_id: TLV template_id: octets belongs here\n\
         bindery.toml:9: binds.a-1.tlvs.tm_id: has a character above U+00FF, which takes more than an octet",
    ),
];

#[test]
fn each_mistake_in_what_carriers_demand_gets_one_line() {
    let rows = MISTAKES
        .iter()
        .map(|(text, expected)| (format!("{BIND}{text}\n"), *expected));
    assert_mistakes(rows);
}

#[test]
fn classes_that_were_given_in_the_program_are_checked_too() {
    let cases = [
        (
            (CommandStatus::ESME_ROK, StatusClass::Permanent),
            "binds.a-1.statuses.ESME_ROK: the key must be the name of a status or its number, such as ESME_RSYSERR or 0x401, but not that of success",
        ),
        (
            (CommandStatus::ESME_RSYSERR, StatusClass::Ok),
            "binds.a-1.statuses.ESME_RSYSERR: must be \"throttle\", \"queue-full\", \"retryable\", \"permanent\", \"session\", \"bind-retry\" or \"bind-fatal\", not Ok",
        ),
    ];
    for (class, expected) in cases {
        let statuses = StatusClasses::from_iter([class]);
        let settings = Settings::default().bind("a-1", smallest().statuses(statuses));
        assert_eq!(settings.check().unwrap_err().to_string(), expected);
    }
}
