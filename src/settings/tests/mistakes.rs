//! One row for each mistake, and the one line that it gets.

use super::*;

/// Each is put behind the smallest bind, so that its first line is line 5 of the file.
const BEHIND_A_BIND: &[(&str, &str)] = &[
    // Keys that there are not.
    (
        "widnow = 20",
        "5: binds.a-1.widnow: unknown key; did you mean window?",
    ),
    (
        "[binds.a-1.message_ids]\nrecipt = \"hex\"",
        "6: binds.a-1.message_ids.recipt: unknown key; did you mean receipt?",
    ),
    (
        "leniency = { mising_nul = false }",
        "5: binds.a-1.leniency.mising_nul: unknown key; did you mean missing_nul?",
    ),
    (
        "\"win\\ndow\" = 1",
        "5: binds.a-1.win\\ndow: unknown key; did you mean window?",
    ),
    ("[bind.b]", "5: bind: unknown key; did you mean binds?"),
    (
        "[zzz]",
        "5: zzz: unknown key; known are binds, tlvs, budgets, routes, router, log and smsc",
    ),
    // Wrong types.
    (
        "window = 1.7",
        "5: binds.a-1.window: must be a whole number from 1 to 65535, not 1.7",
    ),
    (
        "window = 10.0",
        "5: binds.a-1.window: must be a whole number from 1 to 65535, not 10.0",
    ),
    (
        "window = \"10\"",
        "5: binds.a-1.window: must be a whole number from 1 to 65535, not \"10\"",
    ),
    (
        "window = -1",
        "5: binds.a-1.window: must be a whole number from 1 to 65535, not -1",
    ),
    (
        "window = 99999999999999999999",
        "5: binds.a-1.window: must be a whole number from 1 to 65535, not 99999999999999999999",
    ),
    (
        "window = []",
        "5: binds.a-1.window: must be a whole number from 1 to 65535, not a list",
    ),
    (
        "window = 2026-01-01",
        "5: binds.a-1.window: must be a whole number from 1 to 65535, not a date or time",
    ),
    (
        "window.most = 1",
        "5: binds.a-1.window: must be a whole number from 1 to 65535, not a table",
    ),
    (
        "rate = \"100\"",
        "5: binds.a-1.rate: must be a number above 0, or \"off\", not \"100\"",
    ),
    (
        "rate = inf",
        "5: binds.a-1.rate: must be a number above 0, or \"off\", not inf",
    ),
    (
        "system_type = 5",
        "5: binds.a-1.system_type: must be text in quotes of at most 12 characters, not 5",
    ),
    (
        "mode = true",
        "5: binds.a-1.mode: must be \"transceiver\", \"transmitter\" or \"receiver\", not true",
    ),
    (
        "mode = \"trx\"",
        "5: binds.a-1.mode: must be \"transceiver\", \"transmitter\" or \"receiver\", not \"trx\"",
    ),
    (
        "interface_version = 3.4",
        "5: binds.a-1.interface_version: must be \"3.3\", \"3.4\" or \"5.0\", not 3.4",
    ),
    (
        "addr_ton = 256",
        "5: binds.a-1.addr_ton: must be the name of a type of number, such as \"international\", or a number from 0 to 255, not 256",
    ),
    (
        "default_answer = \"ESME_NO\"",
        "5: binds.a-1.default_answer: must be the name of a status, such as \"ESME_RX_T_APPN\", or its number, not \"ESME_NO\"",
    ),
    (
        "leniency = \"strict\"",
        "5: binds.a-1.leniency: must be a table of switches, such as { missing_nul = false }, not \"strict\"",
    ),
    (
        "leniency.missing_nul = 0",
        "5: binds.a-1.leniency.missing_nul: must be true or false, not 0",
    ),
    (
        "message_ids = \"hex\"",
        "5: binds.a-1.message_ids: must be a table of keys, not \"hex\"",
    ),
    (
        "[[budgets]]\nrate = 1",
        "5: budgets: must be tables with names, such as [budgets.a-1], not a list",
    ),
    (
        "[budgets]\nacme = 100",
        "6: budgets.acme: must be a table of keys, not 100",
    ),
    (
        "[routes.otp]\nbinds = \"a-1\"",
        "6: routes.otp.binds: must be a list of names in quotes, such as [\"a-1\", \"a-2\"], not \"a-1\"",
    ),
    (
        "[routes.otp]\nbinds = [1]",
        "6: routes.otp.binds: must be a list of names in quotes, such as [\"a-1\", \"a-2\"], not 1",
    ),
    (
        "[routes.otp]\ndestinations = \"44\"",
        "6: routes.otp.destinations: must be a list of beginnings of numbers in quotes, such as [\"44\", \"353\"], not \"44\"",
    ),
    // Times.
    (
        "[router]\nreceipts_keep = \"91d\"",
        "6: router.receipts_keep: must be a time from 1s to 90days with its unit (ms, s, m, h, d), such as \"30s\", not \"91d\"",
    ),
    (
        "response_timeout = 30",
        "5: binds.a-1.response_timeout: must be a time from 1ms to 1h with its unit (ms, s, m, h, d), such as \"30s\", not 30",
    ),
    (
        "response_timeout = \"30\"",
        "5: binds.a-1.response_timeout: must be a time from 1ms to 1h with its unit (ms, s, m, h, d), such as \"30s\", not \"30\"",
    ),
    (
        "response_timeout = \"0\"",
        "5: binds.a-1.response_timeout: must be a time from 1ms to 1h with its unit (ms, s, m, h, d), such as \"30s\", not \"0\"",
    ),
    (
        "response_timeout = \"0s\"",
        "5: binds.a-1.response_timeout: must be a time from 1ms to 1h with its unit (ms, s, m, h, d), such as \"30s\", not \"0s\"",
    ),
    (
        "response_timeout = \"30 parsecs\"",
        "5: binds.a-1.response_timeout: must be a time from 1ms to 1h with its unit (ms, s, m, h, d), such as \"30s\", not \"30 parsecs\"",
    ),
    (
        "response_timeout = \"off\"",
        "5: binds.a-1.response_timeout: must be a time from 1ms to 1h with its unit (ms, s, m, h, d), such as \"30s\", not \"off\"",
    ),
    (
        "enquire_link_interval = \"0s\"",
        "5: binds.a-1.enquire_link_interval: must be a time from 1ms to 1day with its unit (ms, s, m, h, d), such as \"30s\", or \"off\", not \"0s\"",
    ),
    // Out of range.
    (
        "window = 0",
        "5: binds.a-1.window: must be a whole number from 1 to 65535, not 0",
    ),
    (
        "window = 65536",
        "5: binds.a-1.window: must be a whole number from 1 to 65535, not 65536",
    ),
    (
        "rate = 0",
        "5: binds.a-1.rate: must be a number above 0, or \"off\", not 0",
    ),
    (
        "rate = -0.5",
        "5: binds.a-1.rate: must be a number above 0, or \"off\", not -0.5",
    ),
    (
        "rate = 1\nburst = 0.5",
        "6: binds.a-1.burst: must be a number of 1 or more, or \"off\", not 0.5",
    ),
    (
        "sequence_start = 0",
        "5: binds.a-1.sequence_start: must be a whole number from 1 to 2_147_483_647, not 0",
    ),
    (
        "max_command_length = 15",
        "5: binds.a-1.max_command_length: must be a whole number from 256 to 16_777_216, not 15",
    ),
    (
        "system_type = \"much too long\"",
        "5: binds.a-1.system_type: must be text in quotes of at most 12 characters, not \"much too long\"",
    ),
    (
        "[router]\nqueue_capacity = 0",
        "6: router.queue_capacity: must be a whole number from 1 to 10_000_000, not 0",
    ),
    (
        "[budgets.acme]\nrate = 0",
        "6: budgets.acme.rate: must be a number above 0, not 0",
    ),
    (
        "[smsc.x]\nfinal_states = { expired = 1.5 }",
        "6: smsc.x.final_states.expired: must be a number from 0 to 1, not 1.5",
    ),
    (
        "[smsc.x]\nfinal_states = { expired = 0.75, rejected = 0.5 }",
        "6: smsc.x.final_states: must be shares that come to 1 at most together, not 1.25",
    ),
    (
        "[smsc.x.message_ids]\nresponse = \"octal\"",
        "6: smsc.x.message_ids.response: must be \"decimal\" or \"hex\", with the least number of digits as in \"decimal:10\", not \"octal\"",
    ),
    (
        "[smsc.x]\nlisten = \"127.0.0.1\"",
        "6: smsc.x.listen: must be host:port in quotes, such as \"smpp1.example:2775\", not \"127.0.0.1\"",
    ),
    // Missing.
    (
        "[budgets.acme]",
        "5: budgets.acme.rate: is missing; it must be a number above 0",
    ),
    (
        "[routes.otp]",
        "5: routes.otp.binds: is missing; it must be a list of binds, such as [\"a-1\", \"a-2\"], unless there are accounts",
    ),
    (
        "[smsc.x.accounts.acme]",
        "5: smsc.x.accounts.acme.password: is missing; it must be password = \"...\", password_env with the name of a variable, \
         or password_file with the path of a file",
    ),
    // Names.
    (
        "[budgets.Acme_1]\nrate = 1",
        "5: budgets.Acme_1: a name is made of lower-case letters, digits and -; did you mean acme-1?",
    ),
    (
        "[budgets.\"\"]\nrate = 1",
        "5: budgets: a name is made of lower-case letters, digits and -",
    ),
    (
        "budget = \"acme\"",
        "5: binds.a-1.budget: there is no budget called \"acme\"; there is no budget at all",
    ),
    (
        "budget = \"amce\"\n[budgets.acme]\nrate = 1",
        "5: binds.a-1.budget: there is no budget called \"amce\"; did you mean acme?",
    ),
    (
        "budget = \"x\"\n[budgets.acme]\nrate = 1",
        "5: binds.a-1.budget: there is no budget called \"x\"; there are acme",
    ),
    (
        "[routes.otp]\nbinds = [\"a-2\"]",
        "6: routes.otp.binds: there is no bind called \"a-2\"; did you mean a-1?",
    ),
    // What cannot be together.
    (
        "password_env = \"P\"",
        "4: binds.a-1.password: only one of password and password_env may be given; keep one of them",
    ),
    (
        "host = \"x\"\nport = 1",
        "2: binds.a-1.hosts: only one of hosts, host and port may be given; keep one of them",
    ),
    (
        "smsc = \"x\"\n[smsc.x]",
        "5: binds.a-1.smsc: only one of smsc and hosts may be given; keep one of them",
    ),
    (
        "burst = 5",
        "5: binds.a-1.burst: needs a rate; without one there is no limit to burst over",
    ),
    (
        "backoff_initial = \"2m\"",
        "5: binds.a-1.backoff_initial: 2m is more than backoff_max, which is 1m",
    ),
    (
        "inactivity_timeout = \"30s\"",
        "5: binds.a-1.inactivity_timeout: 30s must be more than enquire_link_interval, which is 30s: \
         a quiet link would be dropped unasked",
    ),
    (
        "system_id_max_length = 5",
        "3: binds.a-1.system_id: has 7 characters where 5 are allowed; set system_id_max_length = 7 if the SMSC takes it",
    ),
    (
        "address_range = \"^\\u00e4\"",
        "5: binds.a-1.address_range: must be of ASCII characters without line breaks: nothing else passes the wire",
    ),
    (
        "mode = \"receiver\"\n[routes.otp]\nbinds = [\"a-1\"]",
        "7: routes.otp.binds: nothing can be sent over \"a-1\", which is a receiver; name transceivers and transmitters",
    ),
    (
        "[routes.otp]\naccounts = [\"b\"]",
        "6: routes.otp.accounts: there is no account called \"b\"; there are a-1",
    ),
    (
        "[routes.otp]\nbinds = [\"a-1\"]\ndestinations = [\"44*\"]",
        "7: routes.otp.destinations: must be the first digits of numbers, such as [\"44\", \"353\"], or [\"\"] for all, not \"44*\"",
    ),
    (
        "[routes.otp]\nbinds = [\"a-1\"]\nstrategy = \"random\"",
        "7: routes.otp.strategy: must be \"most-room\", \"round-robin\", \"weighted\", \"tiers\" or \"sticky\", not \"random\"",
    ),
    (
        "[routes.otp]\nbinds = [\"a-1\"]\n[routes.otp.terms.a-2]\nweight = 2",
        "7: routes.otp.terms.a-2: there is no bind called \"a-2\"; did you mean a-1?",
    ),
    (
        "[routes.one]\nbinds = [\"a-1\"]\ndestinations = [\"44\"]\n[routes.two]\nbinds = [\"a-1\"]\ndestinations = [\"1\", \"+44\"]",
        "10: routes.two.destinations: a message with destination \"44\" could take the route \"one\" as well; make one of them closer",
    ),
    (
        "[smsc.x.accounts.a]\nsystem_id = \"b\"\npassword = \"\"\n[smsc.x.accounts.b]\npassword = \"\"",
        "8: smsc.x.accounts.b.system_id: \"b\" is the system_id of the account \"a\" too; each needs its own",
    ),
    (
        "[smsc.x.mobile_originated]\ncount = 5",
        "6: smsc.x.mobile_originated.count: needs a rate; without one nothing comes from phones",
    ),
    (
        "[smsc.x]\nlisten = \"127.0.0.1:1\"\n[smsc.y]\nlisten = \"127.0.0.1:1\"",
        "8: smsc.y.listen: the SMSC \"x\" listens at 127.0.0.1:1 already; port 0 takes a free one",
    ),
    // Twice.
    (
        "window = 1\nwindow = 2",
        "6: binds.a-1.window: is given twice, first in line 5; keep one of them",
    ),
    (
        "system_id = \"x\"",
        "5: binds.a-1.system_id: is given twice, first in line 3; keep one of them",
    ),
    (
        "[binds.a-1]\nwindow = 2",
        "5: binds.a-1: is given twice; keep one of them",
    ),
    (
        "[log]\ntexts = true\n[log]",
        "7: log: is given twice; keep one of them",
    ),
    (
        "[binds.a-1.tls]\ncertificate_file = \"a.pem\"",
        "6: binds.a-1.tls.certificate_file: needs key_file beside it",
    ),
    (
        "[binds.a-1.tls]\nkey_file = \"a.key\"",
        "6: binds.a-1.tls.key_file: needs certificate_file beside it",
    ),
    (
        "[smsc.x.tls]\ncertificate_file = \"a.pem\"",
        "6: smsc.x.tls.certificate_file: needs key_file beside it",
    ),
    (
        "[smsc.x.tls]\nenabled = true",
        "6: smsc.x.tls.enabled: needs certificate_file and key_file",
    ),
    (
        "[binds.a-1.tls]\nca_file = \"a.pem\"\ndangerously_accept_any_certificate = true",
        "7: binds.a-1.tls.dangerously_accept_any_certificate: trusts everybody, so ca_file has no use; leave out one of them",
    ),
    (
        "[binds.a-1.tls]\npinned_sha256 = [\"49a2\"]",
        "6: binds.a-1.tls.pinned_sha256: must be a list of SHA-256 values of certificates, 64 hexadecimal digits each, in quotes, not \"49a2\"",
    ),
    (
        "[binds.a-1.tls]\nca_file = \"a.pem\"\npinned_sha256 = [\"49a25943e96f112a0a6149e2b5c607decb28bd36746903d0ef5d38295d8b44fe\"]",
        "6: binds.a-1.tls.ca_file: has no use, because pinned_sha256 counts instead of authorities; leave out one of them",
    ),
    (
        "[binds.a-1.tls]\npinned_sha256 = [\"49a25943e96f112a0a6149e2b5c607decb28bd36746903d0ef5d38295d8b44fe\"]\ndangerously_accept_any_certificate = true",
        "7: binds.a-1.tls.dangerously_accept_any_certificate: trusts everybody, so pinned_sha256 has no use; leave out one of them",
    ),
    (
        "[binds.a-1.tls]\nmin_version = \"1.1\"",
        "6: binds.a-1.tls.min_version: must be \"1.2\" or \"1.3\", not \"1.1\"",
    ),
    // Not TOML.
    (
        "address_range = 0049",
        "5: binds.a-1.address_range: a number does not begin with 0; if it is text, write it in quotes: \"...\"",
    ),
    (
        "response_timeout = 30s",
        "5: binds.a-1.response_timeout: text, and a time with its unit, must be in quotes: \"...\"",
    ),
    (
        "mode = receiver",
        "5: binds.a-1.mode: text, and a time with its unit, must be in quotes: \"...\"",
    ),
    (
        "window =",
        "5: binds.a-1.window: text, and a time with its unit, must be in quotes: \"...\"",
    ),
    ("window", "5: key with no value, expected `=`"),
    ("[binds.b", "5: unclosed table, expected `]`"),
];

#[test]
fn each_mistake_gets_one_line_that_says_what_is_right() {
    let rows = BEHIND_A_BIND
        .iter()
        .map(|(text, expected)| (format!("{BIND}{text}\n"), *expected));
    assert_mistakes(rows);
}

/// Whole files.
const WHOLE: &[(&str, &str)] = &[
    (
        "[binds.a]\nsystem_id = \"x\"\npassword = \"\"",
        "1: binds.a.hosts: is missing; it must be a list of host:port in quotes, such as [\"smpp1.example:2775\"]; or host with port",
    ),
    (
        "[binds.a]\nhosts = []\nsystem_id = \"x\"\npassword = \"\"",
        "2: binds.a.hosts: must be a list of host:port in quotes, such as [\"smpp1.example:2775\"]; or host with port, not []",
    ),
    (
        "[binds.a]\nhosts = [\"x:1\"]\npassword = \"\"",
        "1: binds.a.system_id: is missing; it must be text in quotes of 1 to 255 characters",
    ),
    (
        "[binds.a]\nhosts = [\"x:1\"]\nsystem_id = \"\"\npassword = \"\"",
        "3: binds.a.system_id: must be text in quotes of 1 to 255 characters, not \"\"",
    ),
    (
        "[binds.a]\nhosts = [\"x:1\"]\nsystem_id = \"x\"",
        "1: binds.a.password: is missing; it must be password = \"...\", password_env with the name of a variable, \
         or password_file with the path of a file",
    ),
    (
        "[binds.a]\nhosts = [\"x:1\"]\nsystem_id = \"x\"\npassword = 00012345",
        "4: binds.a.password: a number does not begin with 0; if it is text, write it in quotes: \"...\"",
    ),
    (
        "[binds.a]\nhosts = [\"x:1\"]\nsystem_id = \"x\"\npassword = 12345",
        "4: binds.a.password: must be text in quotes, also where it is a number: password = \"...\"",
    ),
    (
        "[binds.a]\nhosts = [\"x:1\"]\nsystem_id = \"x\"\npassword = \"123456789\"",
        "4: binds.a.password: has 9 characters where 8 are allowed; set password_max_length = 9 if the SMSC takes it",
    ),
    (
        "[binds.a]\nhosts = [\"x:1\"]\nsystem_id = \"x\"\npassword_env = \"BINDERY_NOT_SET\"",
        "4: binds.a.password_env: the environment variable \"BINDERY_NOT_SET\" is not set",
    ),
    (
        "[binds.a]\nhosts = [\"x:1\"]\nsystem_id = \"x\"\npassword_file = \"/nowhere/at/all\"",
        "4: binds.a.password_file: the file \"/nowhere/at/all\" cannot be read: entity not found",
    ),
    (
        "[binds.a]\nhosts = [\"smpp.example\"]\nsystem_id = \"x\"\npassword = \"\"",
        "2: binds.a.hosts: must be a list of host:port in quotes, such as [\"smpp1.example:2775\"], not \"smpp.example\"",
    ),
    (
        "[binds.a]\nhosts = [\"x:0\"]\nsystem_id = \"x\"\npassword = \"\"",
        "2: binds.a.hosts: must be a list of host:port in quotes, such as [\"smpp1.example:2775\"], not \"x:0\"",
    ),
    (
        "[binds.a]\nhosts = \"x:1\"\nsystem_id = \"x\"\npassword = \"\"",
        "2: binds.a.hosts: must be a list of host:port in quotes, such as [\"smpp1.example:2775\"], not \"x:1\"",
    ),
    (
        "[binds.a]\nhost = \"x\"\nsystem_id = \"x\"\npassword = \"\"",
        "1: binds.a.port: is missing; it must be a whole number from 1 to 65535, because host is given",
    ),
    (
        "[binds.a]\nport = 2775\nsystem_id = \"x\"\npassword = \"\"",
        "1: binds.a.host: is missing; it must be a name or an address in quotes, because port is given",
    ),
    (
        "[binds.a]\nhost = \"x\"\nport = 0\nsystem_id = \"x\"\npassword = \"\"",
        "3: binds.a.port: must be a whole number from 1 to 65535, not 0",
    ),
    (
        "[binds.a]\nsmsc = \"fast\"\nsystem_id = \"x\"\npassword = \"\"\n[smsc.fats]",
        "2: binds.a.smsc: there is no embedded SMSC called \"fast\"; did you mean fats?",
    ),
    (
        "binds = 5",
        "1: binds: must be tables with names, such as [binds.a-1], not 5",
    ),
    (
        "[binds]\nhosts = []",
        "2: binds.hosts: must be a table of keys, not a list",
    ),
    (
        "a = 1\n[a.b]",
        "2: cannot extend value of type integer with a dotted key",
    ),
];

#[test]
fn each_mistake_of_a_whole_file_gets_one_line_too() {
    assert_mistakes(
        WHOLE
            .iter()
            .map(|(text, expected)| ((*text).to_owned(), *expected)),
    );
}

/// Shows all rows that fail, not only the first.
pub(super) fn assert_mistakes(rows: impl Iterator<Item = (String, &'static str)>) {
    let mut wrong = String::new();
    for (text, expected) in rows {
        let error = Settings::from_str(&text, "bindery.toml")
            .err()
            .map(|error| error.to_string());
        if error.as_deref() != Some(&format!("bindery.toml:{expected}")) {
            wrong += &format!("{text}\n     got {error:?}\nexpected {expected:?}\n\n");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn several_mistakes_are_told_in_the_order_of_the_file() {
    let text = format!("{BIND}rate = 0\nwidnow = 1\n[router]\nvalidity = 5\n");
    let error = Settings::from_str(&text, "bindery.toml").unwrap_err();
    let keys: Vec<&str> = error
        .problems()
        .iter()
        .map(|problem| problem.key.as_str())
        .collect();
    assert_eq!(keys, ["binds.a-1.rate", "binds.a-1.widnow", "router.validity"]);
    assert_eq!(error.to_string().lines().count(), 3);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Settings::from_file("/nowhere/bindery.toml").unwrap_err();
    assert_eq!(
        error.to_string(),
        "/nowhere/bindery.toml: cannot be read: entity not found"
    );
}

#[test]
fn no_mistake_shows_a_secret() {
    let secrets = [
        "password = 98765",
        "password = 0098765",
        "password = \"98765\"\npassword_env = \"X\"",
        "password = [98765]",
    ];
    for secret in secrets {
        let text = format!("[binds.a]\nhosts = [\"x:1\"]\nsystem_id = \"x\"\n{secret}");
        let error = Settings::from_str(&text, "bindery.toml").unwrap_err();
        assert!(!error.to_string().contains("98765"), "{error}");
        assert!(!format!("{error:?}").contains("98765"), "{error:?}");
    }
}
