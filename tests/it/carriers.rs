//! What carriers demand of those who send, set in TOML and seen by the embedded SMSC.

use std::time::Duration;

use bindery::esme::Esme;
use bindery::pdu::{CommandStatus, FieldValue, TlvTag};
use bindery::settings::{BindSettings, Settings};
use bindery::smsc::{Behaviour, Faults, Seen, SeenMessage, Shares, Smsc};
use bindery::submit::{Submit, SubmitError};
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep, timeout};

const HEAD: &str = "\
[binds.a-1]
hosts = [\"smsc:2775\"]
system_id = \"a\"
password = \"secret\"
";

/// A status of a vendor: too fast.
const TOO_FAST: CommandStatus = CommandStatus::new(0x401);

fn settings(keys: &str) -> Settings {
    Settings::from_str(&format!("{HEAD}{keys}"), "bindery.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn witnessing() -> Behaviour {
    Behaviour {
        witness: true,
        delay: Duration::from_millis(5),
        ..Behaviour::default()
    }
}

fn refusing(status: CommandStatus) -> Behaviour {
    Behaviour {
        faults: Faults {
            refused_messages: Shares::new([(status, 1.0)]),
            ..Faults::default()
        },
        ..witnessing()
    }
}

/// The messages that the SMSC took, and when.
fn taken(smsc: &Smsc) -> Vec<(Instant, SeenMessage)> {
    let sightings = smsc.witness().sightings.into_iter();
    sightings
        .filter_map(|sighting| match sighting.what {
            Seen::Message(message) if message.message_id.is_some() => {
                Some((Instant::from_std(sighting.at), *message))
            }
            _ => None,
        })
        .collect()
}

async fn local(test: impl Future<Output = ()>) {
    LocalSet::new().run_until(test).await;
}

#[tokio::test(start_paused = true)]
async fn a_vendor_status_declared_as_throttle_halves_the_rate_and_keeps_the_message() {
    local(async {
        let smsc = Smsc::in_memory(refusing(TOO_FAST), 1);
        let keys = "rate = 40\nburst = 1\n[binds.a-1.statuses]\n0x401 = \"throttle\"\n";
        let esme = Esme::start_local(settings(keys), smsc.connector()).unwrap();
        let submits: Vec<_> = (0..60)
            .map(|number| {
                let esme = esme.clone();
                let submit = Submit::text("447700900123", format!("#{number}#"));
                tokio::task::spawn_local(async move { esme.submit(submit).await })
            })
            .collect();
        // The first refusal is followed by a second of silence.
        sleep(Duration::from_millis(100)).await;
        smsc.change(|behaviour| behaviour.faults = Faults::default());
        for submit in submits {
            let outcome = timeout(Duration::from_secs(60), submit).await;
            assert!(outcome.expect("no outcome").unwrap().is_ok());
        }
        let taken = taken(&smsc);
        assert_eq!(taken.len(), 60, "none is lost and none is sent twice");
        let begin = taken[0].0;
        let in_a_second = taken
            .iter()
            .filter(|(at, _)| *at - begin < Duration::from_secs(1))
            .count();
        // Half of 40, and what a second of recovery gives back.
        assert!((19..=22).contains(&in_a_second), "{in_a_second}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_vendor_status_without_a_class_is_final() {
    local(async {
        let smsc = Smsc::in_memory(refusing(TOO_FAST), 1);
        let esme = Esme::start_local(settings("rate = 40"), smsc.connector()).unwrap();
        let outcome = esme.submit(Submit::text("447700900123", "hello")).await;
        assert!(
            matches!(outcome, Err(SubmitError::Rejected { status, .. }) if status == TOO_FAST),
            "{outcome:?}"
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_tlvs_of_a_bind_reach_the_smsc_in_every_message_that_has_none_of_its_own() {
    local(async {
        let smsc = Smsc::in_memory(witnessing(), 1);
        let settings = settings(
            "tlv_sets = [\"india-dlt\"]\n[binds.a-1.tlvs]\npe_id = \"1101456\"\ntemplate_id = \"1107\"\n",
        )
        .bind("plain", BindSettings::new("smsc:2775", "b", ""));
        let registry = settings.tlv_registry("a-1").unwrap();
        let esme = Esme::start_local(settings, smsc.connector()).unwrap();
        let text = |text: &str| Submit::text("919876543210", text).bind("a-1");
        let own = FieldValue::Text(b"1108"[..].into());
        for submit in [
            text("#1#"),
            text("#2#").tlv(&registry, "template_id", &own).unwrap(),
            text(&"#3#".repeat(100)),
            Submit::text("919876543210", "#4#").bind("plain"),
        ] {
            esme.submit(submit).await.unwrap();
        }
        let seen: Vec<_> = taken(&smsc)
            .iter()
            .map(|(_, message)| {
                let value = |tag| message.tlvs.find(TlvTag::new(tag)).map(String::from_utf8_lossy);
                (
                    message.number().unwrap(),
                    value(0x1400).map(String::from),
                    value(0x1401).map(String::from),
                )
            })
            .collect();
        let row = |number, pe: &str, template: &str| (number, Some(pe.to_owned()), Some(template.to_owned()));
        let expected = [
            row(1, "1101456", "1107"),
            row(2, "1101456", "1108"),
            row(3, "1101456", "1107"),
            row(3, "1101456", "1107"),
            (4, None, None),
        ];
        assert_eq!(seen, expected);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_was_given_back_has_the_tlvs_of_the_bind_that_sends_it() {
    local(async {
        let smsc = Smsc::in_memory(refusing(CommandStatus::ESME_RTHROTTLED), 1);
        let settings = settings("tlv_sets = [\"india-dlt\"]\n[binds.a-1.tlvs]\npe_id = \"1101456\"\n")
            .bind("plain", BindSettings::new("smsc:2775", "b", ""));
        let esme = Esme::start_local(settings, smsc.connector()).unwrap();
        esme.pause("plain").await.unwrap();
        let submit = tokio::task::spawn_local({
            let esme = esme.clone();
            async move { esme.submit(Submit::text("919876543210", "#1#")).await }
        });
        sleep(Duration::from_millis(100)).await;
        smsc.change(|behaviour| behaviour.faults = Faults::default());
        esme.pause("a-1").await.unwrap();
        esme.resume("plain").await.unwrap();
        let submitted = timeout(Duration::from_secs(60), submit)
            .await
            .expect("no outcome")
            .unwrap()
            .unwrap();
        assert_eq!(submitted.bind.as_str(), "plain");
        let messages = smsc.witness().sightings.into_iter();
        let tags: Vec<bool> = messages
            .filter_map(|sighting| match sighting.what {
                Seen::Message(message) => Some(message.tlvs.find(TlvTag::new(0x1400)).is_some()),
                _ => None,
            })
            .collect();
        assert_eq!(tags, [true, false]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_class_of_a_status_decides_when_a_refused_bind_tries_again() {
    local(async {
        // Without a class such a refusal is for a person to mend, and after some attempts the next is minutes away.
        for (keys, soon) in [
            ("", false),
            ("[binds.a-1.statuses]\nESME_RBINDFAIL = \"retryable\"\n", true),
        ] {
            let behaviour = Behaviour {
                faults: Faults {
                    refused_binds: Shares::new([(CommandStatus::ESME_RBINDFAIL, 1.0)]),
                    ..Faults::default()
                },
                ..witnessing()
            };
            let smsc = Smsc::in_memory(behaviour, 1);
            let keys = format!("backoff_max = \"2s\"\n{keys}");
            let _esme = Esme::start_local(settings(&keys), smsc.connector()).unwrap();
            sleep(Duration::from_secs(120)).await;
            let witness = smsc.witness();
            let binds = witness
                .sightings
                .iter()
                .filter(|sighting| matches!(sighting.what, Seen::Bind { .. }))
                .count();
            // The slow way has four attempts, and at least two and a half minutes before the fifth.
            assert_eq!(binds > 10, soon, "{binds} with {keys}");
        }
    })
    .await;
}
