//! The binary as a process: what it prints, and how it ends.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

fn bindery(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bindery"));
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // What happens to be set where the tests run is no part of them.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("BINDERY__")) {
        command.env_remove(name);
    }
    command
}

fn run(arguments: &[&str]) -> Output {
    bindery(arguments).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn line(octets: &[u8]) -> String {
    let text = String::from_utf8_lossy(octets);
    let mut lines = text.lines();
    let line = lines.next().unwrap_or_default().to_owned();
    assert_eq!(lines.next(), None, "one line only: {text}");
    line
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Feeds lines to a filter and gives its answers.
fn filter(arguments: &[&str], input: &str) -> Vec<Value> {
    let mut child = bindery(arguments).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 0);
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(json)
        .collect()
}

/// The embedded SMSC as a process, ended when the test is.
struct Smsc {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
    address: String,
}

impl Smsc {
    fn start(arguments: &[&str]) -> Self {
        Self::start_at("127.0.0.1:0", arguments)
    }

    fn start_at(listen: &str, arguments: &[&str]) -> Self {
        let mut all = vec!["smsc", "--listen", listen, "--json"];
        all.extend(arguments);
        let mut child = bindery(&all).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        output.read_line(&mut first).unwrap();
        let address = json(&first)["listening"].as_str().unwrap().to_owned();
        Self {
            child,
            output,
            address,
        }
    }

    /// Asks it to end and gives what it counted.
    #[cfg(unix)]
    fn end(mut self) -> Value {
        signal("TERM", &self.child);
        let mut last = String::new();
        self.output.read_line(&mut last).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        json(&last)
    }
}

#[cfg(unix)]
fn signal(name: &str, child: &Child) {
    let mut kill = Command::new("kill");
    kill.args(["-s", name, &child.id().to_string()]);
    assert!(kill.status().unwrap().success());
}

/// Returns when the SMSC has taken some messages, so that others that began before are well under way.
#[cfg(unix)]
fn let_some_pass(address: &str) {
    let output = run(&[
        "load",
        "--smsc",
        address,
        "--messages",
        "100",
        "--window",
        "10",
        "--json",
    ]);
    assert_eq!(code(&output), 0, "{}", String::from_utf8_lossy(&output.stderr));
}

/// Reads the log of a service up to a line with both of these.
#[cfg(unix)]
fn wait_for(log: &mut impl BufRead, bind: &str, word: &str) {
    let mut seen = String::new();
    loop {
        let mut line = String::new();
        assert_ne!(log.read_line(&mut line).unwrap(), 0, "it ended: {seen}");
        if line.contains(bind) && line.contains(word) {
            return;
        }
        seen.push_str(&line);
    }
}

#[cfg(unix)]
#[test]
fn a_service_takes_up_what_changes_in_its_file_and_logs_alarms() {
    let folder = tempfile::tempdir().unwrap();
    let phones = folder.path().join("smsc.toml");
    std::fs::write(&phones, "[smsc.a.mobile_originated]\nrate = 100\ncount = 1\n").unwrap();
    let smsc = Smsc::start(&["--config", phones.to_str().unwrap()]);
    let file = folder.path().join("bindery.toml");
    let bind = |name: &str| {
        format!(
            "[binds.{name}]\nhosts = [\"{}\"]\nsystem_id = \"a\"\npassword = \"b\"\n",
            smsc.address
        )
    };
    std::fs::write(&file, bind("first")).unwrap();
    let mut child = bindery(&["run", "-c", file.to_str().unwrap()])
        .env("RUST_LOG", "info")
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    wait_for(&mut log, "first", "bound");
    wait_for(&mut log, "alarm", "first"); // nobody takes the message from the phone

    std::fs::write(&file, "[binds.first]\nhosts = 7\n").unwrap();
    wait_for(&mut log, "not applied", "as before");
    std::fs::write(&file, bind("first") + &bind("second")).unwrap();
    wait_for(&mut log, "second", "bound");
    std::fs::write(&file, bind("second")).unwrap();
    signal("HUP", &child);
    wait_for(&mut log, "first", "stopped");

    signal("TERM", &child);
    std::io::copy(&mut log, &mut std::io::sink()).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let counters = smsc.end();
    assert_eq!(
        (&counters["binds"], &counters["connections"]),
        (&2.into(), &2.into())
    );
}

impl Drop for Smsc {
    fn drop(&mut self) {
        // Ended already when the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Every message of a summary has exactly one outcome.
fn assert_balanced(summary: &Value) {
    let count = |key: &str| summary[key].as_u64().unwrap();
    let outcomes: u64 = ["submitted", "rejected", "not_sent", "unknown", "expired"]
        .into_iter()
        .map(count)
        .sum();
    assert_eq!(count("messages"), outcomes, "{summary}");
}

#[test]
fn wrong_usage_is_one_line_and_exit_2() {
    for (arguments, expected) in [
        (&[][..], "requires a subcommand"),
        (&["pdu"], "[subcommands: decode, encode"),
        (&["frob"], "unrecognized subcommand 'frob'"),
        (&["load"], "--smsc <HOST:PORT>"),
        (
            &["load", "--widnow", "1"],
            "a similar argument exists: '--window'",
        ),
        (
            &["load", "--smsc", "a:1", "--binds", "0"],
            "expected a whole number from 1",
        ),
        (
            &["load", "--smsc", "a:1", "--rate", "0"],
            "expected a number above 0",
        ),
        (&["load", "--smsc", "x"], "expected a host and a port"),
        (
            &["smsc", "--listen", "127.0.0.1:0", "--delay", "5"],
            "expected a duration with a unit",
        ),
        (
            &["smsc", "--listen", "127.0.0.1:0", "--seen-texts"],
            "--seen <FILE>",
        ),
        (&["pdu", "decode", "0x"], "expected pairs of the digits"),
        (&["run", "-c", "/no/such/file.toml"], "/no/such/file.toml"),
    ] {
        let output = run(arguments);
        let complaint = line(&output.stderr);
        assert!(complaint.contains(expected), "{arguments:?}: {complaint}");
        assert_eq!((code(&output), output.stdout.len()), (2, 0), "{arguments:?}");
    }
}

#[test]
fn help_names_only_what_works() {
    let output = run(&["--help"]);
    let help = String::from_utf8(output.stdout).unwrap();
    for command in ["demo", "run", "check", "send", "load", "smsc", "pdu", "sm"] {
        assert!(
            help.lines().any(|line| line.trim_start().starts_with(command)),
            "{command}"
        );
    }
    assert!(!help.contains("top"), "{help}");
}

#[test]
fn filters_answer_each_line_in_order_and_go_on_after_a_bad_one() {
    let answers = filter(
        &["pdu", "decode"],
        "00000010000000150000000000000002\nzz\n00000010800000150000000000000002\n",
    );
    assert_eq!(answers.len(), 3);
    assert_eq!(
        (&answers[0]["command"], &answers[0]["outcome"]),
        (&"enquire_link".into(), &"accept".into())
    );
    assert_eq!(answers[2]["command"], "enquire_link_resp");
    let answers = filter(
        &["sm"],
        "{\"op\":\"pack\",\"hex\":\"37626974\"}\nnonsense\n{\"op\":\"sp\"}\n",
    );
    assert_eq!(answers[0], serde_json::json!({ "hex": "37719a0e" }));
    assert!(answers[1]["error"]["kind"].is_string() && answers[2]["error"]["kind"].is_string());
    let answers = filter(
        &["pdu", "encode"],
        "{\"command\":\"enquire_link\",\"sequence_number\":2}\n",
    );
    assert_eq!(
        answers,
        [serde_json::json!({ "hex": "00000010000000150000000000000002" })]
    );
}

#[test]
fn pdus_have_the_names_of_a_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bindery.toml");
    std::fs::write(
        &file,
        "[tlvs.campaign]\ntag = 0x1500\ntype = \"integer\"\nmax = 2\n",
    )
    .unwrap();
    let file = file.to_str().unwrap();
    let object = "{\"command\":\"submit_sm\",\"tlvs\":[{\"name\":\"campaign\",\"value\":258}]}\n";
    let encoded = filter(&["pdu", "encode", "-c", file], object);
    let hex = encoded[0]["hex"].as_str().unwrap();
    let decoded = filter(&["pdu", "decode", "-c", file], &format!("{hex}\n"));
    assert_eq!(
        decoded[0]["tlvs"],
        serde_json::json!([{ "tag": "0x1500", "hex": "0102", "name": "campaign", "value": 258 }])
    );
    let dump = run(&["pdu", "decode", hex, "-c", file]);
    assert!(
        String::from_utf8(dump.stdout)
            .unwrap()
            .contains("0x1500 campaign")
    );
    // Without it the name means nothing.
    assert_eq!(filter(&["pdu", "encode"], object)[0]["error"]["kind"], "tlv");
    std::fs::write(file, "[tlvs.campaign]\ntag = 0x0424\nmax = 2\n").unwrap();
    let output = run(&["pdu", "encode", "-c", file]);
    assert_eq!(code(&output), 2);
    assert!(line(&output.stderr).ends_with(
        "bindery.toml:2: tlvs.campaign.tag: TLV tag 0x0424 of campaign is taken by message_payload"
    ));
}

#[test]
fn a_filter_answers_before_it_waits_for_more() {
    let mut child = bindery(&["pdu", "decode"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    for _ in 0..2 {
        // The second line of each write is not whole yet.
        input
            .write_all(b"00000010000000150000000000000002\n0000")
            .unwrap();
        let mut answer = String::new();
        output.read_line(&mut answer).unwrap();
        assert_eq!(json(&answer)["command"], "enquire_link");
        input.write_all(b"0010800000150000000000000002\n").unwrap();
        answer.clear();
        output.read_line(&mut answer).unwrap();
        assert_eq!(json(&answer)["command"], "enquire_link_resp");
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_filter_ends_quietly_when_nobody_reads() {
    let mut child = bindery(&["sm"]).stdin(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut input = child.stdin.take().unwrap();
    // Fails once the filter is gone.
    while input.write_all(b"{\"op\":\"udh\",\"hex\":\"00\"}\n").is_ok() {}
    let output = child.wait_with_output().unwrap();
    assert_eq!((code(&output), output.stderr.len()), (0, 0));
}

#[cfg(unix)]
#[test]
fn load_goes_on_when_its_smsc_is_killed_and_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let seen = folder.path().join("seen.jsonl");
    let seen = seen.to_str().unwrap();
    let smsc = Smsc::start(&["--delay", "10ms", "--seen", seen]);
    let address = smsc.address.clone();
    let mut load = vec!["load", "--smsc", &address, "--binds", "2", "--window", "10"];
    load.extend(["--messages", "3000", "--json"]);
    let load = bindery(&load).spawn().unwrap();
    let_some_pass(&address);
    drop(smsc);
    let again = Smsc::start_at(&address, &["--delay", "1ms", "--seen", seen]);
    let output = load.wait_with_output().unwrap();
    assert_eq!(code(&output), 0, "{}", String::from_utf8_lossy(&output.stderr));
    let summary = json(&line(&output.stdout));
    assert_balanced(&summary);
    assert_eq!(summary["messages"], 3_000);
    // Only what was in flight may be unknown, whatever the windows of the binds.
    assert!(summary["unknown"].as_u64() <= Some(20), "{summary}");
    for bind in summary["binds"].as_array().unwrap() {
        assert_eq!(
            (&bind["state"], bind["reconnects"].as_u64()),
            (&"bound".into(), Some(1))
        );
    }
    drop(again);
    // The SMSC that was killed had noted all that it answered; those of `let_some_pass` are there too.
    let seen = lines_of(seen).len() as u64 - 100;
    let count = |key: &str| summary[key].as_u64().unwrap();
    let may_be_seen = count("submitted")..=count("submitted") + count("unknown");
    assert!(may_be_seen.contains(&seen), "{seen} were seen: {summary}");
}

fn lines_of(file: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().map(json).collect()
}

#[cfg(unix)]
#[test]
fn the_messages_of_a_file_leave_in_its_order() {
    const MESSAGES: usize = 3_000;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (seen, config, messages) = (path("seen.jsonl"), path("bindery.toml"), path("messages.csv"));
    let destinations: Vec<_> = (0..MESSAGES).map(|number| format!("4477{number:08}")).collect();
    let lines: String = destinations.iter().map(|to| format!("{to},hello\n")).collect();
    std::fs::write(&messages, format!("to,text\n{lines}")).unwrap();
    let smsc = Smsc::start(&["--seen", &seen]);
    let bind = format!(
        "[binds.a]\nhosts = [\"{}\"]\nsystem_id = \"a\"\npassword = \"b\"\n",
        smsc.address
    );
    std::fs::write(&config, bind).unwrap();
    let output = run(&["send", "-c", &config, "--file", &messages, "--json"]);
    assert_eq!(code(&output), 0, "{}", String::from_utf8_lossy(&output.stderr));
    smsc.end();
    let seen = lines_of(&seen);
    let seen: Vec<_> = seen
        .iter()
        .map(|line| line["destination"].as_str().unwrap())
        .collect();
    assert!(seen == destinations, "another order than that of the file");
}

#[cfg(unix)]
#[test]
fn an_smsc_notes_every_part_that_it_decoded_and_no_text_unless_it_is_asked_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (file, config, messages) = (path("seen.jsonl"), path("bindery.toml"), path("messages.csv"));
    let long = "hello ".repeat(50);
    let text = format!("to,from,text\n111,1,hello\n222,1,{}\n", long.trim_end());
    std::fs::write(&messages, text).unwrap();
    let send = |smsc: &Smsc| {
        let bind = format!(
            "[binds.a]\nhosts = [\"{}\"]\nsystem_id = \"shop\"\npassword = \"b\"\n",
            smsc.address
        );
        std::fs::write(&config, bind).unwrap();
        // What has an outcome would not be sent again.
        let _ = std::fs::remove_file(path("messages.csv.outcomes.jsonl"));
        let output = run(&["send", "-c", &config, "--file", &messages, "--json"]);
        assert_eq!(code(&output), 0, "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };

    let smsc = Smsc::start(&["--seen", &file]);
    let told = send(&smsc);
    smsc.end();
    let seen = lines_of(&file);
    let part = |line: &Value| {
        (
            line["destination"].clone(),
            line["part"].clone(),
            line["parts"].clone(),
        )
    };
    let null = Value::Null;
    assert_eq!(
        seen.iter().map(part).collect::<Vec<_>>(),
        [
            ("111".into(), null.clone(), null),
            ("222".into(), 1.into(), 2.into()),
            ("222".into(), 2.into(), 2.into())
        ]
    );
    for line in &seen {
        let answer = (&line["account"], &line["command_status"], &line["answer"]);
        assert_eq!(answer, (&"shop".into(), &0.into(), &"sent".into()));
        assert!(told.contains(&line["message_id"].to_string()), "{line}: {told}");
        assert_eq!(line.get("hex"), None);
    }

    let smsc = Smsc::start(&["--seen", &file, "--seen-texts"]);
    send(&smsc);
    smsc.end();
    let seen = lines_of(&file);
    assert_eq!(seen.len(), 6, "it goes on where the file ended");
    assert_eq!(seen[3]["hex"], "68656c6c6f");
}

#[cfg(unix)]
#[test]
fn load_that_is_interrupted_drains_and_sums_up() {
    for name in ["INT", "TERM"] {
        let smsc = Smsc::start(&["--delay", "5ms"]);
        let load = [
            "load",
            "--smsc",
            &smsc.address,
            "--messages",
            "1000000000",
            "--json",
        ];
        let load = bindery(&load).spawn().unwrap();
        let_some_pass(&smsc.address);
        signal(name, &load);
        let output = load.wait_with_output().unwrap();
        assert_eq!(code(&output), 0, "{}", String::from_utf8_lossy(&output.stderr));
        let summary = json(&line(&output.stdout));
        assert_balanced(&summary);
        assert_eq!(summary["messages"], summary["submitted"]);
        assert_eq!(
            smsc.end()["messages"],
            summary["messages"].as_u64().unwrap() + 100
        );
    }
}

#[test]
fn load_over_real_tcp_ends_with_every_message_and_receipt_accounted_for() {
    let smsc = Smsc::start(&[]);
    let address = smsc.address.clone();
    let load = [
        "load",
        "--smsc",
        &address,
        "--binds",
        "2",
        "--messages",
        "500",
        "--receipts",
        "--json",
    ];
    let output = run(&load);
    assert_eq!(code(&output), 0, "{}", String::from_utf8_lossy(&output.stderr));
    let summary = json(&line(&output.stdout));
    assert_balanced(&summary);
    assert_eq!(summary["submitted"], 500);
    assert_eq!(
        summary["receipts"],
        serde_json::json!({ "owed": 500, "received": 500, "orphaned": 0 })
    );
    assert_eq!(summary["binds"].as_array().unwrap().len(), 2);
    #[cfg(unix)]
    assert_eq!(smsc.end()["messages"], 500);
}

#[test]
fn a_long_text_owes_a_receipt_for_each_part() {
    let smsc = Smsc::start(&[]);
    let address = smsc.address.clone();
    let output = run(&[
        "load",
        "--smsc",
        &address,
        "--messages",
        "10",
        "--length",
        "400",
        "--receipts",
        "--json",
    ]);
    let summary = json(&line(&output.stdout));
    assert_eq!(
        (
            summary["submitted"].as_u64(),
            summary["receipts"]["received"].as_u64()
        ),
        (Some(10), Some(30))
    );
}

#[test]
fn a_throttling_smsc_is_obeyed_and_loses_nothing() {
    let smsc = Smsc::start(&["--rate", "2000"]);
    let address = smsc.address.clone();
    let output = run(&["load", "--smsc", &address, "--messages", "1000", "--json"]);
    let summary = json(&line(&output.stdout));
    assert_balanced(&summary);
    assert_eq!(summary["submitted"], 1_000);
}

#[test]
fn the_demo_accounts_for_everything() {
    let output = run(&["demo", "--messages", "1500", "--json"]);
    assert_eq!(code(&output), 0, "{}", String::from_utf8_lossy(&output.stderr));
    let summary = json(&line(&output.stdout));
    assert_balanced(&summary);
    assert_eq!(
        (summary["messages"].as_u64(), &summary["receipts"]["owed"]),
        (Some(1_500), &summary["receipts"]["received"])
    );
    let binds = summary["binds"].as_array().unwrap();
    assert!(binds.len() >= 6);
    assert!(
        binds.iter().any(|bind| bind["reconnects"].as_u64() >= Some(1)),
        "one SMSC is flaky: {summary}"
    );
}

#[test]
fn check_masks_secrets_and_names_mistakes_by_file_line_and_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.toml");
    let good = "[binds.a-1]\nhosts = [\"127.0.0.1:2775\"]\nsystem_id = \"x\"\npassword = \"pass-wd\"\n";
    std::fs::write(&file, good).unwrap();
    let name = file.to_str().unwrap();
    let output = run(&["check", "-c", name]);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(
        code(&output) == 0 && text.contains("a-1") && !text.contains("pass-wd"),
        "{text}"
    );
    let output = run(&["check", "-c", name, "--json"]);
    assert_eq!(json(&line(&output.stdout))["binds"]["a-1"]["password"], "***");

    std::fs::write(&file, format!("{good}window = 1.7\n")).unwrap();
    let output = run(&["check", "-c", name]);
    let complaint = line(&output.stderr);
    assert_eq!(code(&output), 2);
    for part in [name, ":5", "binds.a-1.window", "1.7"] {
        assert!(complaint.contains(part), "{part}: {complaint}");
    }
}

#[test]
fn send_prints_the_outcome_and_the_receipt() {
    let smsc = Smsc::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.toml");
    let config = format!(
        "[binds.a-1]\nhosts = [\"{}\"]\nsystem_id = \"x\"\npassword = \"y\"\n",
        smsc.address
    );
    std::fs::write(&file, config).unwrap();
    let name = file.to_str().unwrap();
    let output = run(&[
        "send",
        "-c",
        name,
        "--to",
        "447700900123",
        "--text",
        "hello",
        "--wait-receipt",
        "--json",
    ]);
    assert_eq!(code(&output), 0, "{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<_> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(json)
        .collect();
    assert_eq!(
        (&lines[0]["outcome"], &lines[0]["bind"]),
        (&"submitted".into(), &"a-1".into())
    );
    assert_eq!(lines[1]["receipt"]["stat"], "DELIVRD");

    let messages = folder.path().join("messages.csv");
    std::fs::write(
        &messages,
        "to,from,text,id\n447700900123,Shop,one,x\n447700900124,Shop,two,y\n",
    )
    .unwrap();
    let send_file = || run(&["send", "-c", name, "--file", messages.to_str().unwrap(), "--json"]);
    let output = send_file();
    assert_eq!(code(&output), 0, "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 2);
    let output = send_file();
    assert_eq!((code(&output), output.stdout.len()), (0, 0), "none is sent twice");
    #[cfg(unix)]
    assert_eq!(smsc.end()["messages"], 3);
}

#[cfg(unix)]
#[test]
fn a_file_whose_sending_was_killed_is_sent_to_its_end_and_nothing_with_an_outcome_twice() {
    const MESSAGES: usize = 600;
    let smsc = Smsc::start(&["--delay", "10ms"]);
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("a.toml");
    let bind = format!(
        "[binds.a-1]\nhosts = [\"{}\"]\nsystem_id = \"x\"\npassword = \"y\"\n",
        smsc.address
    );
    std::fs::write(&config, bind).unwrap();
    let messages = folder.path().join("messages.jsonl");
    let lines = (0..MESSAGES).map(|number| format!("{{\"to\":\"447700900123\",\"text\":\"{number}\"}}\n"));
    std::fs::write(&messages, lines.collect::<String>()).unwrap();
    let arguments = [
        "send",
        "-c",
        config.to_str().unwrap(),
        "--file",
        messages.to_str().unwrap(),
    ];

    let mut first = bindery(&arguments).spawn().unwrap();
    // There is no such file before the first outcome.
    let outcomes =
        || std::fs::read_to_string(folder.path().join("messages.jsonl.outcomes.jsonl")).unwrap_or_default();
    let kept = || outcomes().lines().filter(|line| line.ends_with('}')).count();
    let mut passed = 0;
    while kept() == 0 && first.try_wait().unwrap().is_none() {
        let_some_pass(&smsc.address);
        passed += 100;
    }
    first.kill().unwrap();
    first.wait().unwrap();
    let kept = kept();
    assert!((1..MESSAGES).contains(&kept), "killed in the middle: {kept}");

    let second = run(&arguments);
    assert_eq!(code(&second), 0, "{}", String::from_utf8_lossy(&second.stderr));
    let text = outcomes();
    let sent: std::collections::BTreeSet<u64> = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .map(|value| value["line"].as_u64().unwrap())
        .collect();
    assert_eq!(sent.len(), MESSAGES);
    // Twice went only what was in flight, or answered and not on disk, when the first was killed.
    let taken = smsc.end()["messages"].as_u64().unwrap() - passed;
    assert!((600..=600 + 200).contains(&taken), "{taken}");

    let changed = std::fs::read_to_string(&messages)
        .unwrap()
        .replace("\"7\"", "\"seven\"");
    std::fs::write(&messages, changed).unwrap();
    let third = run(&arguments);
    assert_eq!(code(&third), 2);
    let complaint = line(&third.stderr);
    assert!(
        complaint.contains("messages.jsonl:8: not the message"),
        "{complaint}"
    );
}

#[cfg(all(feature = "tls", unix))]
#[test]
fn an_smsc_with_tls_takes_who_trusts_it_and_nobody_without_tls() {
    let certificates = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/certificates");
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let shows = |certificate: &str, key: &str| {
        format!(
            "[smsc.a.tls]\nenabled = true\ncertificate_file = \"{certificates}/{certificate}\"\n\
             key_file = \"{certificates}/{key}\"\n"
        )
    };
    let smsc = Smsc::start(&["--config", &write("smsc.toml", shows("server.pem", "server.key"))]);
    let bind = |tls: &str| {
        format!(
            "[binds.a]\nhosts = [\"{}\"]\nsystem_id = \"shop\"\npassword = \"secret\"\n{tls}",
            smsc.address
        )
    };
    let send = |file: &str, patience: &str| {
        let message = [
            "send",
            "--to",
            "447700900123",
            "--text",
            "hello",
            "--timeout",
            patience,
        ];
        code(&bindery(&message).args(["--config", file]).output().unwrap())
    };
    let trusting = format!(
        "[binds.a.tls]\nenabled = true\nserver_name = \"localhost\"\nca_file = \"{certificates}/authority.pem\"\n"
    );
    assert_eq!(send(&write("tls.toml", bind(&trusting)), "60s"), 0);
    assert_eq!(send(&write("plain.toml", bind("")), "500ms"), 1);

    let host = smsc.address.replace("127.0.0.1", "localhost");
    let picture = folder.path().join("load.svg");
    let authority = format!("{certificates}/authority.pem");
    let mut load = vec!["load", "--smsc", &host, "--messages", "20", "--json"];
    load.extend([
        "--tls",
        "--ca-file",
        &authority,
        "--plot",
        picture.to_str().unwrap(),
    ]);
    let output = run(&load);
    assert_eq!(code(&output), 0, "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(json(&line(&output.stdout))["submitted"], 20);
    let picture = std::fs::read_to_string(picture).unwrap();
    assert!(
        picture.starts_with("<svg") && picture.contains("</svg>"),
        "{picture}"
    );
    assert_eq!(smsc.end()["messages"], 21);

    let wrong = write("wrong.toml", shows("server.pem", "client.key"));
    let output = run(&["smsc", "--listen", "127.0.0.1:0", "--config", &wrong]);
    assert_eq!(code(&output), 1);
    let complaint = line(&output.stderr);
    assert!(
        complaint.ends_with("client.key: the key is not that of the certificate"),
        "{complaint}"
    );
}

#[test]
fn a_profile_is_enough_to_run_an_smsc() {
    let profile = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/dead.toml");
    let help = run(&["smsc", "--help"]);
    assert!(
        String::from_utf8(help.stdout)
            .unwrap()
            .contains("config/profiles")
    );

    let text = std::fs::read_to_string(profile).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dead.toml");
    // Any free port, as other tests may have this one.
    std::fs::write(&file, text.replace("127.0.0.1:2775", "127.0.0.1:0")).unwrap();
    let mut child = bindery(&["smsc", "--json", "--config", file.to_str().unwrap()])
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let address = json(&first)["listening"].as_str().unwrap().to_owned();
    assert!(
        address.starts_with("127.0.0.1:") && !address.ends_with(":0"),
        "{address}"
    );

    let without = run(&["smsc"]);
    assert_eq!(code(&without), 2);
}
