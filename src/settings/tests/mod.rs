//! What configurations give, and what mistakes are told.

mod carriers;
mod environment;
mod files;
mod mistakes;
mod presets;

use std::time::Duration;

use super::*;
use crate::pdu::{CommandStatus, InterfaceVersion, MessageState, Npi, Quirk, Ton};
use crate::session::EnquireLinkMode;
use crate::sm::{DefaultAlphabet, IdBase};

/// The smallest bind, five lines; further keys of the bind may follow.
const BIND: &str = "\
[binds.a-1]
hosts = [\"127.0.0.1:2775\"]
system_id = \"bindery\"
password = \"secret\"
";

fn read(text: &str) -> Settings {
    Settings::from_str(text, "bindery.toml").unwrap()
}

fn bind_with(keys: &str) -> BindSettings {
    let mut settings = read(&format!("{BIND}{keys}"));
    Arc::unwrap_or_clone(settings.binds.remove("a-1").unwrap())
}

fn smallest() -> BindSettings {
    BindSettings::new("127.0.0.1:2775", "bindery", "secret")
}

#[test]
fn the_smallest_configuration_is_one_bind() {
    assert_eq!(read(BIND), Settings::default().bind("a-1", smallest()));
    assert_eq!(read(""), Settings::default());
}

#[test]
fn every_kind_of_value_is_read_as_it_is_written() {
    let cases: &[(&str, BindSettings)] = &[
        ("window = 20", smallest().window(20)),
        ("window = 0x10", smallest().window(16)),
        ("window = 1_000", smallest().window(1_000)),
        ("rate = 100", smallest().rate(100.0)),
        ("rate = 0.25\nburst = 2", smallest().rate(0.25).burst(2.0)),
        ("rate = \"off\"", smallest()),
        ("mode = \"receiver\"", smallest().mode(Mode::Receiver)),
        ("account = \"acme\"", smallest().account("acme")),
        (
            "interface_version = \"5.0\"",
            smallest().interface_version(InterfaceVersion::V5_0),
        ),
        (
            "sc_interface_version = \"3.4\"",
            smallest().sc_interface_version(InterfaceVersion::V3_4),
        ),
        (
            "addr_ton = \"international\"",
            smallest().addr_ton(Ton::INTERNATIONAL),
        ),
        ("addr_npi = 1", smallest().addr_npi(Npi::new(1))),
        ("addr_ton = 0xFF", smallest().addr_ton(Ton::new(255))),
        (
            "response_timeout = \"1m 30s\"",
            smallest().response_timeout(Duration::from_secs(90)),
        ),
        (
            "connect_timeout = \"500ms\"",
            smallest().connect_timeout(Duration::from_millis(500)),
        ),
        (
            "enquire_link_interval = \"off\"",
            smallest().enquire_link_interval(None),
        ),
        (
            "inactivity_timeout = \"2m\"",
            smallest().inactivity_timeout(Duration::from_secs(120)),
        ),
        (
            "enquire_link_mode = \"fixed\"",
            smallest().enquire_link_mode(EnquireLinkMode::Fixed),
        ),
        (
            "default_answer = \"ESME_RSYSERR\"",
            smallest().default_answer(CommandStatus::ESME_RSYSERR),
        ),
        (
            "default_answer = 0x410",
            smallest().default_answer(CommandStatus::new(0x410)),
        ),
        (
            "default_alphabet = \"latin1\"",
            smallest().default_alphabet(DefaultAlphabet::Latin1),
        ),
        (
            "sequence_start = 2147483647",
            smallest().sequence_start(2_147_483_647),
        ),
        (
            "[binds.a-1.message_ids]\nresponse = \"hex\"\nreceipt = \"decimal\"",
            smallest().message_ids(
                MessageIdSettings::default()
                    .response(IdBase::Hex)
                    .receipt(IdBase::Decimal),
            ),
        ),
        (
            "[binds.a-1.tls]\nenabled = true\nca_file = \"ca.pem\"\nmin_version = \"1.3\"",
            smallest().tls(
                TlsSettings::default()
                    .enabled(true)
                    .ca_file("ca.pem")
                    .min_version(TlsVersion::V1_3),
            ),
        ),
        (
            "leniency = { missing_nul = false }",
            smallest().leniency(crate::pdu::Leniency::default().without(Quirk::MissingNul)),
        ),
    ];
    for (keys, expected) in cases {
        assert_eq!(bind_with(keys), *expected, "{keys}");
    }
}

#[test]
fn a_host_is_given_in_a_list_or_with_its_port() {
    let rest = "system_id = \"bindery\"\npassword = \"secret\"";
    let cases: &[(&str, &[&str])] = &[
        ("hosts = [\"127.0.0.1:2775\"]", &["127.0.0.1:2775"]),
        (
            "hosts = [\"one.example:2775\", \"[::1]:2776\"]",
            &["one.example:2775", "[::1]:2776"],
        ),
        ("host = \"one.example\"\nport = 2775", &["one.example:2775"]),
        ("host = \"::1\"\nport = 2775", &["[::1]:2775"]),
    ];
    for (keys, expected) in cases {
        let settings = read(&format!("[binds.a-1]\n{keys}\n{rest}"));
        let hosts: Vec<String> = settings.binds["a-1"]
            .hosts
            .iter()
            .map(HostPort::to_string)
            .collect();
        assert_eq!(hosts, *expected, "{keys}");
    }
}

#[test]
fn secrets_come_from_the_file_a_variable_or_another_file_and_are_never_printed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("password"), "from file\n").unwrap();
    let name = folder.path().join("bindery.toml");
    let head =
        "[binds.a-1]\nhosts = [\"127.0.0.1:2775\"]\nsystem_id = \"bindery\"\npassword_max_length = 20\n";
    let cases = [
        ("password = \"00012345\"", "00012345"),
        ("password = \"\"", ""),
        ("password_env = \"SMPP_PASSWORD\"", "from variable"),
        ("password_file = \"password\"", "from file"),
    ];
    for (key, expected) in cases {
        let text = format!("{head}{key}");
        let environment = [(String::from("SMPP_PASSWORD"), String::from("from variable"))];
        let settings = Settings::read(&text, name.to_str().unwrap(), environment).unwrap();
        assert_eq!(settings.binds["a-1"].password.expose(), expected, "{key}");

        let shown = format!(
            "{settings:?} {} {}",
            settings.effective(),
            serde_json::to_string(&settings.effective()).unwrap()
        );
        assert!(shown.contains("***"), "{key}");
        assert!(expected.is_empty() || !shown.contains(expected), "{key}");
    }
}

#[test]
fn tables_with_names_are_read() {
    let settings = read(&format!(
        "{BIND}budget = \"acme\"\n\
         [budgets.acme]\nrate = 12.5\nburst = 3\n\
         [routes.otp]\nbinds = [\"a-1\"]\n\
         [router]\nvalidity = \"off\"\nrestart_limit = 0\n\
         [log]\nlevel = \"debug\"\ntexts = true\n\
         [smsc.fast]\nlisten = \"127.0.0.1:2775\"\nreceipts_after = \"off\"\n\
         final_states = {{ expired = 0.25, undeliverable = 0.5 }}\n\
         [smsc.fast.accounts.acme]\nsystem_id = \"ACME\"\npassword = \"\"\nmax_binds = 2\n\
         [smsc.fast.message_ids]\nfirst = 100\nresponse = \"hex:8\"\nreceipt = \"decimal\"\n\
         [smsc.fast.faults]\ncut_after = 500\nrefused_messages = {{ ESME_RTHROTTLED = 0.01 }}\n"
    ));
    assert_eq!(settings.binds["a-1"].budget.as_deref(), Some("acme"));
    assert_eq!(settings.budgets["acme"], BudgetSettings::new(12.5).burst(3.0));
    assert_eq!(settings.routes["otp"], RouteSettings::new(["a-1"]));
    assert_eq!(
        settings.router,
        RouterSettings::default().validity(None).restart_limit(0)
    );
    assert_eq!(
        settings.log,
        LogSettings::default().level(LogLevel::Debug).texts(true)
    );

    let account = SmscAccountSettings::default().system_id("ACME").max_binds(2);
    let message_ids = SmscMessageIdSettings::default()
        .first(100)
        .response(IdDigits { hex: true, width: 8 })
        .receipt(IdDigits { hex: false, width: 1 });
    let refused = Shares::new([(CommandStatus::ESME_RTHROTTLED, 0.01)]);
    let expected = SmscSettings::default()
        .listen(HostPort::new("127.0.0.1", 2775))
        .receipts_after(None)
        .final_states(Shares::new([
            (MessageState::EXPIRED, 0.25),
            (MessageState::UNDELIVERABLE, 0.5),
        ]))
        .accounts(BTreeMap::from([(String::from("acme"), account)]))
        .message_ids(message_ids)
        .faults(
            SmscFaultSettings::default()
                .cut_after(500)
                .refused_messages(refused),
        );
    assert_eq!(settings.smsc["fast"], expected);
}

#[test]
fn what_is_in_effect_reads_back_as_the_same_settings() {
    let settings = read(&format!(
        "{BIND}rate = 0.25\nmode = \"transmitter\"\naddr_ton = 77\ndefault_answer = 0x410\n\
         [budgets.acme]\nrate = 100\n\
         [smsc.slow]\nfinal_states = {{ expired = 0.5 }}\nsystem_id = \"a\\\"b\\\\c\"\n\
         [smsc.slow.accounts.acme]\npassword = \"x\"\n"
    ));
    let again = read(&settings.effective().to_string());

    let mut expected = settings.clone();
    let masked = || Secret::new("***");
    expected.bind_mut("a-1").unwrap().password = masked();
    expected
        .smsc
        .get_mut("slow")
        .unwrap()
        .accounts
        .get_mut("acme")
        .unwrap()
        .password = masked();
    assert_eq!(again, expected);

    let json = serde_json::to_value(settings.effective()).unwrap();
    assert_eq!(json["binds"]["a-1"]["rate"], 0.25);
    assert_eq!(json["binds"]["a-1"]["hosts"][0], "127.0.0.1:2775");
    assert_eq!(json["binds"]["a-1"]["password"], "***");
    assert_eq!(json["router"]["queue_capacity"], 10_000);
}

#[test]
fn settings_made_in_the_program_are_checked_like_a_file() {
    let cases = [
        (
            Settings::default().bind("A_1", smallest()),
            "binds.A_1: a name is made of lower-case letters, digits and -; did you mean a-1?",
        ),
        (
            Settings::default().bind("a", BindSettings::new("smpp.example", "x", "")),
            "binds.a.hosts: must be a list of host:port in quotes, such as [\"smpp1.example:2775\"], not \"smpp.example:0\"",
        ),
        (
            Settings::default().bind("a", smallest().window(0)),
            "binds.a.window: must be a whole number from 1 to 65535, not 0",
        ),
        (
            Settings::default().bind("a", smallest().rate(f64::NAN)),
            "binds.a.rate: must be a number above 0, or \"off\", not NaN",
        ),
        (
            Settings::default().budget("acme", BudgetSettings::new(0.0)),
            "budgets.acme.rate: must be a number above 0, not 0.0",
        ),
        (
            Settings::default().bind("a", BindSettings::default().system_id("x")),
            "binds.a.hosts: must be a list of host:port in quotes, such as [\"smpp1.example:2775\"]; or host with port, not []",
        ),
    ];
    for (settings, expected) in cases {
        assert_eq!(settings.check().unwrap_err().to_string(), expected);
    }
    assert_eq!(Settings::default().bind("a", smallest()).check(), Ok(()));
}

#[test]
fn what_is_seldom_meant_is_a_warning() {
    let cases: &[(&str, &[&str])] = &[
        ("", &[]),
        (
            "password_max_length = 20\npassword_env = \"P\"",
            &["binds.a-1.password: has 12 characters where the standard has 8; not every SMSC takes it"],
        ),
        (
            "password = \"x\"\ninterface_version = \"3.3\"",
            &[
                "binds.a-1.mode: bind_transceiver is not in SMPP 3.3; most such SMSCs want a transmitter and a receiver",
            ],
        ),
        (
            "password = \"x\"\n[router]\nqueue_capacity = 100\nbacklog_per_route = 100",
            &[
                "router.backlog_per_route: is no less than queue_capacity: one route may have all that there is",
            ],
        ),
        (
            "password = \"x\"\n[budgets.idle]\nrate = 1",
            &["budgets.idle: no bind shares this budget"],
        ),
    ];
    for (keys, expected) in cases {
        let head = BIND.replace(
            "password = \"secret\"\n",
            if keys.is_empty() { "password = \"x\"\n" } else { "" },
        );
        let environment = [(String::from("P"), String::from("123456789012"))];
        let settings = Settings::read(&format!("{head}{keys}"), "bindery.toml", environment).unwrap();
        assert_eq!(settings.warnings(), *expected, "{keys}");
    }
}

#[test]
fn binds_of_an_embedded_smsc_are_led_to_where_it_listens() {
    let mut settings = read(
        "[binds.a]\nsmsc = \"fast\"\nsystem_id = \"x\"\npassword = \"\"\n\
         [binds.b]\nsmsc = \"slow\"\nsystem_id = \"x\"\npassword = \"\"\n\
         [smsc.fast]\n[smsc.slow]\n",
    );
    settings.connect_to_embedded("fast", "127.0.0.1:4711".parse().unwrap());

    assert_eq!(settings.binds["a"].hosts, [HostPort::new("127.0.0.1", 4711)]);
    assert_eq!(settings.binds["a"].smsc, None);
    assert_eq!(settings.binds["b"].smsc.as_deref(), Some("slow"));
    assert_eq!(settings.check(), Ok(()));
}

#[test]
fn binds_with_equal_settings_share_them_until_one_is_changed() {
    let shared = |settings: &Settings, one: &str, other: &str| {
        Arc::ptr_eq(&settings.binds[one], &settings.binds[other])
    };
    let mut before = Settings::default()
        .bind("a-1", smallest())
        .bind("a-2", smallest())
        .bind("a-3", smallest().window(20))
        .bind("a-4", smallest().window(20));
    assert!(!shared(&before, "a-1", "a-2"));
    let told = before.clone();
    before.share_equal(&Settings::default());
    assert_eq!(before, told);
    assert!(shared(&before, "a-1", "a-2") && shared(&before, "a-3", "a-4"));

    let mut after = told;
    after.bind_mut("a-2").unwrap().window = 30;
    after.share_equal(&before);
    assert!(Arc::ptr_eq(&after.binds["a-1"], &before.binds["a-1"]));
    assert!(Arc::ptr_eq(&after.binds["a-4"], &before.binds["a-4"]));
    assert_eq!(
        (after.binds["a-2"].window, before.binds["a-2"].window),
        (30, smallest().window)
    );
}
