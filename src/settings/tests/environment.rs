//! Variables over the file.

use super::*;

const FILE: &str = "\
[binds.vonage-a]
hosts = [\"127.0.0.1:2775\"]
system_id = \"bindery\"
password = \"secret\"
window = 10
[routes.otp]
binds = [\"vonage-a\"]
[smsc.fast.accounts.acme]
password = \"\"
";

fn with(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let environment = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Settings::read(FILE, "bindery.toml", environment)
}

#[test]
fn a_variable_overrides_a_key_of_each_type() {
    type Holds = fn(&Settings) -> bool;
    let cases: &[(&str, &str, Holds)] = &[
        ("BINDERY__BINDS__VONAGE_A__WINDOW", "20", |s| {
            s.binds["vonage-a"].window == 20
        }),
        ("BINDERY__BINDS__VONAGE_A__RATE", "99.5", |s| {
            s.binds["vonage-a"].rate == Some(99.5)
        }),
        ("BINDERY__BINDS__VONAGE_A__RATE", "100", |s| {
            s.binds["vonage-a"].rate == Some(100.0)
        }),
        ("BINDERY__BINDS__VONAGE_A__SYSTEM_ID", "123", |s| {
            s.binds["vonage-a"].system_id == "123"
        }),
        ("BINDERY__BINDS__VONAGE_A__PASSWORD", "00012345", |s| {
            s.binds["vonage-a"].password.expose() == "00012345"
        }),
        ("BINDERY__BINDS__VONAGE_A__PASSWORD", "true", |s| {
            s.binds["vonage-a"].password.expose() == "true"
        }),
        ("BINDERY__BINDS__VONAGE_A__PASSWORD_ENV", "OTHER", |s| {
            s.binds["vonage-a"].password.expose() == "of other"
        }),
        (
            "BINDERY__BINDS__VONAGE_A__HOSTS",
            "a.example:1, b.example:2",
            |s| s.binds["vonage-a"].hosts == [HostPort::new("a.example", 1), HostPort::new("b.example", 2)],
        ),
        ("BINDERY__BINDS__VONAGE_A__MODE", "transmitter", |s| {
            s.binds["vonage-a"].mode == Mode::Transmitter
        }),
        ("BINDERY__BINDS__VONAGE_A__ACCOUNT", "7", |s| {
            s.binds["vonage-a"].account.as_deref() == Some("7")
        }),
        ("BINDERY__BINDS__VONAGE_A__INTERFACE_VERSION", "5.0", |s| {
            s.binds["vonage-a"].interface_version == InterfaceVersion::V5_0
        }),
        ("BINDERY__BINDS__VONAGE_A__ADDR_TON", "5", |s| {
            s.binds["vonage-a"].addr_ton == Ton::ALPHANUMERIC
        }),
        ("BINDERY__BINDS__VONAGE_A__ADDR_NPI", "isdn", |s| {
            s.binds["vonage-a"].addr_npi == Npi::ISDN
        }),
        ("BINDERY__BINDS__VONAGE_A__RESPONSE_TIMEOUT", "500ms", |s| {
            s.binds["vonage-a"].response_timeout == Duration::from_millis(500)
        }),
        ("BINDERY__BINDS__VONAGE_A__ENQUIRE_LINK_INTERVAL", "off", |s| {
            s.binds["vonage-a"].enquire_link_interval.is_none()
        }),
        ("BINDERY__BINDS__VONAGE_A__DEFAULT_ANSWER", "ESME_RSYSERR", |s| {
            s.binds["vonage-a"].default_answer == CommandStatus::ESME_RSYSERR
        }),
        ("BINDERY__BINDS__VONAGE_A__LENIENCY__MISSING_NUL", "false", |s| {
            !s.binds["vonage-a"].leniency.missing_nul
        }),
        ("BINDERY__BINDS__VONAGE_A__MESSAGE_IDS__RESPONSE", "hex", |s| {
            s.binds["vonage-a"].message_ids.response == IdBase::Hex
        }),
        ("BINDERY__ROUTES__OTP__BINDS", "vonage-a", |s| {
            s.routes["otp"].binds == ["vonage-a"]
        }),
        ("BINDERY__ROUTER__QUEUE_CAPACITY", "7", |s| {
            s.router.queue_capacity == 7
        }),
        ("BINDERY__LOG__TEXTS", "true", |s| s.log.texts),
        ("BINDERY__LOG__LEVEL", "trace", |s| s.log.level == LogLevel::Trace),
        ("BINDERY__SMSC__FAST__LISTEN", "127.0.0.1:4711", |s| {
            s.smsc["fast"].listen.port() == 4711
        }),
        ("BINDERY__SMSC__FAST__ACCOUNTS__ACME__MAX_BINDS", "3", |s| {
            s.smsc["fast"].accounts["acme"].max_binds == Some(3)
        }),
        ("BINDERY__SMSC__FAST__FINAL_STATES__EXPIRED", "0.5", |s| {
            s.smsc["fast"].final_states == Shares::new([(MessageState::EXPIRED, 0.5)])
        }),
        (
            "BINDERY__SMSC__FAST__FAULTS__REFUSED_BINDS__ESME_RALYBND",
            "1",
            |s| s.smsc["fast"].faults.refused_binds == Shares::new([(CommandStatus::ESME_RALYBND, 1.0)]),
        ),
        ("BINDERY_VECTORS", "of another purpose", |s| {
            s.binds["vonage-a"].window == 10
        }),
        ("PATH", "/bin", |s| s.binds["vonage-a"].window == 10),
    ];
    for (name, value, holds) in cases {
        let settings =
            with(&[(name, value), ("OTHER", "of other")]).unwrap_or_else(|error| panic!("{error}"));
        assert!(holds(&settings), "{name}={value}");
    }
}

#[test]
fn a_variable_hides_the_other_ways_to_say_the_same() {
    let settings = with(&[
        ("BINDERY__BINDS__VONAGE_A__HOST", "other.example"),
        ("BINDERY__BINDS__VONAGE_A__PORT", "8775"),
        ("BINDERY__BINDS__VONAGE_A__PASSWORD_ENV", "SMPP_PASSWORD"),
        ("SMPP_PASSWORD", "other"),
    ])
    .unwrap();
    let bind = &settings.binds["vonage-a"];
    assert_eq!(bind.hosts, [HostPort::new("other.example", 8775)]);
    assert_eq!(bind.password.expose(), "other");
}

#[test]
fn a_mistake_in_a_variable_names_the_variable() {
    let cases = [
        (
            ("BINDERY__BINDS__VONAGE_A__WINDOW", "1.7"),
            "BINDERY__BINDS__VONAGE_A__WINDOW: binds.vonage-a.window: must be a whole number from 1 to 65535, not \"1.7\"",
        ),
        (
            ("BINDERY__BINDS__VONAGE_A__RESPONSE_TIMEOUT", "30"),
            "BINDERY__BINDS__VONAGE_A__RESPONSE_TIMEOUT: binds.vonage-a.response_timeout: must be a time from 1ms to 1h \
             with its unit (ms, s, m, h, d), such as \"30s\", not \"30\"",
        ),
        (
            ("BINDERY__LOG__TEXTS", "yes"),
            "BINDERY__LOG__TEXTS: log.texts: must be true or false, not \"yes\"",
        ),
        (
            ("BINDERY__BINDS__VONAGE_A__WIDNOW", "20"),
            "BINDERY__BINDS__VONAGE_A__WIDNOW: names no known key; did you mean BINDERY__BINDS__VONAGE_A__WINDOW?",
        ),
        (
            ("BINDERY__BINDS__VONAGE_B__WINDOW", "20"),
            "BINDERY__BINDS__VONAGE_B__WINDOW: names no known key; did you mean BINDERY__BINDS__VONAGE_A__WINDOW?",
        ),
        (("BINDERY__", ""), "BINDERY__: names no known key"),
        (
            ("BINDERY__BINDS__VONAGE_A__PASSWORD_ENV", "NOT_SET"),
            "BINDERY__BINDS__VONAGE_A__PASSWORD_ENV: binds.vonage-a.password_env: \
             the environment variable \"NOT_SET\" is not set",
        ),
    ];
    for (variable, expected) in cases {
        assert_eq!(with(&[variable]).unwrap_err().to_string(), expected);
    }
}
