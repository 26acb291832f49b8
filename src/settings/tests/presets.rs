//! Presets: what they hold, how binds override them, and what is warned of.

use super::mistakes::assert_mistakes;
use super::*;
use crate::pdu::{CommandId, StatusClass, TlvTag};

/// The values of a key in all presets that set it, in the order of their names.
fn set(key: &str) -> Vec<(&'static str, String)> {
    let value = |preset: Preset| {
        let mut sets = preset.sets().into_iter();
        let (_, value) = sets.find(|(other, _)| other == key)?;
        Some((preset.name(), value.to_string()))
    };
    Preset::all().filter_map(value).collect()
}

/// What is known of all presets of which it is.
fn known<T>(fact: impl Fn(&'static PresetFacts) -> Option<T>) -> Vec<(&'static str, T)> {
    let fact = |preset: Preset| Some((preset.name(), fact(preset.facts())?));
    Preset::all().filter_map(fact).collect()
}

#[test]
fn presets_hold_what_providers_say_of_how_much() {
    let columns: &[(&str, &[(&str, &str)])] = &[
        (
            "window",
            &[
                ("clicksend", "10"),
                ("melrose", "20"),
                ("rakuten", "20"),
                ("sinch", "10"),
                ("sinch-legacy", "10"),
                ("smsportal", "10"),
            ],
        ),
        (
            "max_binds",
            &[
                ("cheapglobalsms", "4"),
                ("clicksend", "2"),
                ("hsl", "5"),
                ("melrose", "10"),
                ("route-mobile", "3"),
                ("sinch", "2"),
                ("sinch-legacy", "3"),
                ("smsfire", "3"),
                ("smsportal", "4"),
                ("spendo", "4"),
                ("txtwire", "2"),
                ("vonage", "2"),
            ],
        ),
        (
            "rate",
            &[
                ("melrose", "2000.0"),
                ("route-mobile", "50.0"),
                ("sinch", "10.0"),
                ("smsfire", "30.0"),
                ("smsportal", "50.0"),
                ("spendo", "50.0"),
                ("txtwire", "8.0"),
                ("vonage", "30.0"),
            ],
        ),
        ("password_max_length", &[("bulksms", "8"), ("smsfire", "255")]),
        (
            "tlv_sets",
            &[("bulksms", "[\"bulksms\"]"), ("route-mobile", "[\"india-dlt\"]")],
        ),
    ];
    assert_columns(columns);
    assert_eq!(
        known(|facts| facts.rate_scope),
        [
            ("openmarket", RateScope::Account),
            ("route-mobile", RateScope::Server),
            ("smsportal", RateScope::Server),
            ("spendo", RateScope::Server),
        ]
    );
    assert_eq!(known(|facts| facts.password_min_length), [("smsfire", 9)]);
}

#[test]
fn presets_hold_what_providers_say_of_how_long() {
    let columns: &[(&str, &[(&str, &str)])] = &[
        (
            "enquire_link_interval",
            &[
                ("clicksend", "\"30s\""),
                ("rakuten", "\"20s\""),
                ("route-mobile", "\"1m\""),
                ("sbs", "\"1m\""),
                ("smsfire", "\"1m\""),
                ("twilio", "\"1m\""),
                ("txtwire", "\"20s\""),
                ("vibes", "\"30s\""),
            ],
        ),
        (
            "enquire_link_mode",
            &[
                ("rakuten", "\"fixed\""),
                ("twilio", "\"idle\""),
                ("txtwire", "\"fixed\""),
            ],
        ),
        ("answer_timeout", &[("rakuten", "\"25s\""), ("vibes", "\"8s\"")]),
        ("backoff_min", &[("clickatell", "\"30s\"")]),
    ];
    assert_columns(columns);
    let secs = Duration::from_secs;
    assert_eq!(
        known(|facts| facts.idle_limit),
        [
            ("rakuten", secs(30)),
            ("route-mobile", secs(300)),
            ("txtwire", secs(30)),
            ("vibes", secs(150)),
        ]
    );
    assert_eq!(
        known(|facts| facts.answer_within),
        [("rakuten", secs(30)), ("vibes", secs(10))]
    );
}

#[test]
fn presets_hold_what_providers_say_of_tls() {
    let columns: &[(&str, &[(&str, &str)])] = &[
        ("tls.enabled", &[("inmobile", "true"), ("twilio", "true")]),
        (
            "tls.min_version",
            &[
                ("8x8", "\"1.2\""),
                ("openmarket", "\"1.2\""),
                ("rakuten", "\"1.2\""),
                ("sinch", "\"1.2\""),
                ("twilio", "\"1.2\""),
            ],
        ),
    ];
    assert_columns(columns);
    let with = |need| {
        let presets = known(|facts| facts.tls.filter(|other| *other == need));
        presets.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
    };
    assert_eq!(with(TlsNeed::Required), ["inmobile", "twilio"]);
    assert_eq!(
        with(TlsNeed::Offered),
        [
            "8x8",
            "bulksms",
            "clicksend",
            "melrose",
            "messagemedia",
            "openmarket",
            "rakuten",
            "sbs",
            "sinch",
            "sinch-legacy",
            "vibes",
            "vonage",
        ]
    );
    assert_eq!(
        known(|facts| Some(facts.tls_ports.as_slice()).filter(|ports| !ports.is_empty())),
        [
            ("8x8", &[2776][..]),
            ("bulksms", &[3550]),
            ("clicksend", &[2776]),
            ("melrose", &[8775]),
            ("messagemedia", &[3775]),
            ("openmarket", &[8143]),
            ("sbs", &[8775]),
            ("sinch", &[3601]),
            ("sinch-legacy", &[8443, 9443]),
        ]
    );
}

#[test]
fn presets_hold_what_providers_say_of_statuses_and_receipts() {
    let of_class = |class| {
        let mut of_class = Vec::new();
        for preset in Preset::all() {
            let bind = preset.bind("host:1", "x", "");
            let statuses = bind.statuses.iter().filter(|(_, other)| *other == class);
            let statuses: Vec<u32> = statuses.map(|(status, _)| status.value()).collect();
            if !statuses.is_empty() {
                of_class.push((preset.name(), statuses));
            }
        }
        of_class
    };
    assert_eq!(
        of_class(StatusClass::Throttle),
        [
            ("bulksms", vec![0x400, 0x401]),
            ("openmarket", vec![0x58]),
            ("route-mobile", vec![0x40B]),
            ("sinch", vec![0x58]),
            ("sinch-legacy", vec![0x58]),
            ("smsportal", vec![0x58]),
            ("twilio", vec![0x58]),
            ("vibes", vec![0x58]),
            ("vonage", vec![0x58]),
        ]
    );
    assert_eq!(
        of_class(StatusClass::BindRetry),
        [
            ("cheapglobalsms", vec![5]),
            ("vibes", vec![13]),
            ("vonage", vec![5])
        ]
    );
    assert_eq!(of_class(StatusClass::Retryable), [("vibes", vec![8])]);

    // Nothing else may be tried again at Vibes.
    let vibes = Preset::named("vibes").unwrap().bind("host:1", "x", "");
    let again: Vec<_> = CommandStatus::ALL
        .iter()
        .filter(|status| {
            matches!(
                vibes.statuses.class(**status),
                StatusClass::Throttle | StatusClass::QueueFull | StatusClass::Retryable
            )
        })
        .collect();
    assert_eq!(
        again,
        [&CommandStatus::ESME_RSYSERR, &CommandStatus::ESME_RTHROTTLED]
    );

    let with = |form| {
        let presets = known(|facts| facts.receipts.filter(|other| *other == form));
        presets.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
    };
    assert_eq!(with(ReceiptForm::TextAndTlv), ["cm", "sinch"]);
    assert_eq!(with(ReceiptForm::Own), ["clickatell"]);
    assert_eq!(
        with(ReceiptForm::Text),
        [
            "8x8",
            "bulksms",
            "clicksend",
            "melrose",
            "sinch-legacy",
            "smsportal",
            "twilio",
            "vibes",
            "vonage"
        ]
    );
    assert_eq!(
        known(|facts| facts.receipts_on_any_bind.then_some(())),
        [("route-mobile", ()), ("spendo", ())]
    );
}

/// Each key with all presets that set it.
fn assert_columns(columns: &[(&str, &[(&str, &str)])]) {
    for (key, expected) in columns {
        let expected: Vec<_> = expected
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        assert_eq!(set(key), expected, "{key}");
    }
}

#[test]
fn a_bind_goes_before_its_preset_and_the_rest_is_that_of_the_preset() {
    let preset = |name| {
        Preset::named(name)
            .unwrap()
            .bind("127.0.0.1:2775", "bindery", "secret")
    };
    let tls = preset("twilio").tls;
    let mut statuses = preset("bulksms").statuses;
    statuses.set(CommandStatus::new(0x401), StatusClass::Permanent);
    let cases = [
        ("preset = \"vonage\"", preset("vonage")),
        (
            "preset = \"vonage\"\nwindow = 20\nrate = \"off\"",
            preset("vonage").window(20).rate(None),
        ),
        (
            "preset = \"twilio\"\n[binds.a-1.tls]\nca_file = \"ca.pem\"",
            preset("twilio").tls(tls.ca_file("ca.pem")),
        ),
        // The same status in another spelling.
        (
            "preset = \"bulksms\"\nstatuses = { 1025 = \"permanent\" }",
            preset("bulksms").statuses(statuses),
        ),
        (
            "preset = \"route-mobile\"\ntlv_sets = []\nmax_binds = \"off\"",
            preset("route-mobile").tlv_sets(Vec::new()).max_binds(None),
        ),
    ];
    for (keys, expected) in cases {
        assert_eq!(bind_with(keys), expected, "{keys}");
    }
    let variables = [
        ("BINDERY__BINDS__A_1__PRESET", "vonage"),
        ("BINDERY__BINDS__A_1__RATE", "60"),
    ];
    let environment = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let settings = Settings::read(BIND, "bindery.toml", environment).unwrap();
    assert_eq!(*settings.binds["a-1"], preset("vonage").rate(60.0));
}

#[test]
fn the_tlvs_of_a_preset_have_names() {
    let bind = bind_with("preset = \"route-mobile\"\n[binds.a-1.tlvs]\npe_id = \"1101456\"");
    for (message, expected) in [
        (CommandId::SUBMIT_SM, Some(&b"1101456"[..])),
        (CommandId::SUBMIT_MULTI, Some(b"1101456")),
        (CommandId::DATA_SM, Some(b"1101456")),
        (CommandId::BROADCAST_SM, None),
        (CommandId::QUERY_SM, None),
    ] {
        assert_eq!(
            bind.tlvs.of(message).find(TlvTag::new(0x1400)),
            expected,
            "{message}"
        );
    }
}

const MISTAKES: &[(&str, &str)] = &[
    (
        "preset = \"twillio\"",
        "5: binds.a-1.preset: must be \"8x8\", \"bulksms\", \"cheapglobalsms\", \"clickatell\", \"clicksend\", \"cm\", \"hsl\", \
         \"inmobile\", \"melrose\", \"messagemedia\", \"openmarket\", \"rakuten\", \"route-mobile\", \"sbs\", \"sinch\", \
         \"sinch-legacy\", \"smsfire\", \"smsportal\", \"spendo\", \"twilio\", \"txtwire\", \"vibes\" or \"vonage\", not \"twillio\"",
    ),
    (
        "preset = \"bulksms\"\npassword_max_length = 0",
        "6: binds.a-1.password_max_length: must be a whole number from 1 to 255, not 0",
    ),
    (
        "preset = \"clickatell\"\nbackoff_max = \"10s\"",
        "5 (preset clickatell): binds.a-1.backoff_min: 30s is more than backoff_max, which is 10s",
    ),
    (
        "preset = \"txtwire\"\ninactivity_timeout = \"20s\"",
        "6: binds.a-1.inactivity_timeout: 20s must be more than enquire_link_interval, which is 20s: a quiet link would be dropped unasked",
    ),
    (
        "preset = \"bulksms\"\ntlvs = { pe_id = \"1\" }",
        "6: binds.a-1.tlvs.pe_id: no TLV of a message has this name; define it in [tlvs.pe_id], or name the set that it is in with tlv_sets",
    ),
    (
        "backoff_min = \"2m\"",
        "5: binds.a-1.backoff_min: 2m is more than backoff_max, which is 1m",
    ),
    (
        "max_binds = 0",
        "5: binds.a-1.max_binds: must be a whole number from 1 to 10000, or \"off\", not 0",
    ),
    // One more than the smallest max_binds of those that are counted together.
    (
        "max_binds = 1\n[binds.b]\nhosts = [\"127.0.0.1:2776\"]\nsystem_id = \"bindery\"\npassword = \"\"",
        "6: binds.b.max_binds: is bind number 2 of \"bindery\" at 127.0.0.1, where 1 are allowed; take away some, or set a larger max_binds in each if the SMSC takes more",
    ),
    (
        "[binds.b]\npreset = \"vonage\"\nhosts = [\"127.0.0.1:2775\"]\nsystem_id = \"bindery\"\npassword = \"\"\n\
         [binds.c]\npreset = \"vonage\"\nhosts = [\"127.0.0.1:2775\"]\nsystem_id = \"bindery\"\npassword = \"\"",
        "11 (preset vonage): binds.c.max_binds: is bind number 3 of \"bindery\" at 127.0.0.1, where 2 are allowed; take away some, or set a larger max_binds in each if the SMSC takes more",
    ),
];

#[test]
fn each_mistake_with_a_preset_gets_one_line() {
    let rows = MISTAKES
        .iter()
        .map(|(text, expected)| (format!("{BIND}{text}\n"), *expected));
    assert_mistakes(rows);
}

#[test]
fn binds_with_other_names_or_at_other_hosts_are_not_counted_together() {
    let bind = |host: &str, system_id: &str| Preset::named("vonage").unwrap().bind(host, system_id, "");
    let mut settings = Settings::default();
    for (host, system_id) in [
        ("smpp1:1", "a"),
        ("smpp2:1", "a"),
        ("smpp1:1", "b"),
        ("smpp2:1", "b"),
    ] {
        for number in 0..2 {
            let name = format!("{}-{system_id}-{number}", &host[..5]);
            settings = settings.bind(name, bind(host, system_id));
        }
    }
    assert_eq!(settings.check(), Ok(()));
    let one_more = settings.clone().bind("z", bind("smpp1:2", "a"));
    assert_eq!(
        one_more.check().unwrap_err().to_string(),
        "binds.z.max_binds: is bind number 3 of \"a\" at smpp1, where 2 are allowed; \
         take away some, or set a larger max_binds in each if the SMSC takes more"
    );
}

#[test]
fn what_goes_against_a_provider_is_a_warning() {
    let second = "[binds.b]\nhosts = [\"127.0.0.1:2775\"]\nsystem_id = \"bindery\"\npassword = \"x\"\n";
    let cases: &[(String, &[&str])] = &[
        (String::from("preset = \"twilio\""), &[]),
        (
            String::from("preset = \"twilio\"\ntls.enabled = false"),
            &["binds.a-1.tls.enabled: Twilio takes no connection without TLS"],
        ),
        (
            String::from("preset = \"rakuten\"\nenquire_link_interval = \"30s\"\nanswer_timeout = \"30s\""),
            &[
                "binds.a-1.enquire_link_interval: Rakuten CPaaS drops a link that is silent for 30s",
                "binds.a-1.answer_timeout: Rakuten CPaaS wants its deliveries answered within 30s",
            ],
        ),
        (
            String::from("preset = \"vibes\"\nenquire_link_interval = \"off\""),
            &["binds.a-1.enquire_link_interval: Vibes drops a link that is silent for 2m 30s"],
        ),
        (
            String::from("preset = \"smsfire\""),
            &["binds.a-1.password: smsfire has passwords of 9 characters and more; this one has 6"],
        ),
        (
            format!("preset = \"smsportal\"\n{second}preset = \"smsportal\""),
            &[
                "binds.b.budget: SMSPortal counts the rate of all binds to a server together; give it and a-1 one budget",
                "binds.b.account: is another than that of a-1, which binds as \"bindery\" to 127.0.0.1 too, and receipts may come on either; give both one account",
            ],
        ),
        (
            format!(
                "preset = \"smsportal\"\nbudget = \"all\"\naccount = \"one\"\n\
                 {second}preset = \"smsportal\"\nbudget = \"all\"\naccount = \"one\"\n[budgets.all]\nrate = 50"
            ),
            &[],
        ),
        (
            format!("{second}preset = \"spendo\""),
            &[
                "binds.b.account: is another than that of a-1, which binds as \"bindery\" to 127.0.0.1 too, and receipts may come on either; give both one account",
            ],
        ),
        (
            format!(
                "preset = \"spendo\"\nbudget = \"all\"\n{second}preset = \"spendo\"\nbudget = \"all\"\n[budgets.all]\nrate = 50"
            ),
            &[
                "binds.b.account: Spendo sends receipts on any bind of an account; give it and a-1 one account",
            ],
        ),
    ];
    for (keys, expected) in cases {
        assert_eq!(read(&format!("{BIND}{keys}")).warnings(), *expected, "{keys}");
    }
    let long = read(&format!(
        "{}preset = \"smsfire\"",
        BIND.replace("secret", "longer than eight")
    ));
    assert_eq!(long.warnings(), [""; 0]);
    let port = read(&format!("{}preset = \"sinch\"", BIND.replace("2775", "3601")));
    assert_eq!(
        port.warnings(),
        ["binds.a-1.tls.enabled: Sinch wants TLS at port 3601"]
    );
}

#[test]
fn what_is_in_effect_says_where_it_came_from_and_reads_back() {
    let text = format!("{BIND}preset = \"twilio\"\nwindow = 20\n");
    let environment = [(String::from("BINDERY__BINDS__A_1__RATE"), String::from("5"))];
    let (settings, origins) = Settings::read_with_origins(&text, "bindery.toml", environment).unwrap();
    let effective = settings.effective();
    let shown = effective.traced(&origins).to_string();
    for line in [
        "preset = \"twilio\"  # bindery.toml:5",
        "window = 20  # bindery.toml:6",
        "rate = 5.0  # BINDERY__BINDS__A_1__RATE",
        "burst = \"off\"",
        "enquire_link_interval = \"1m\"  # bindery.toml:5 (preset twilio)",
        "enabled = true  # bindery.toml:5 (preset twilio)",
        "queue_capacity = 10000",
    ] {
        assert!(shown.lines().any(|other| other == line), "{line}\n{shown}");
    }
    assert_eq!(origins.of("binds.a-1.burst"), None);
    assert_eq!(read(&shown.replace("***", "secret")), settings);
    assert_eq!(read(&effective.to_string().replace("***", "secret")), settings);
}
