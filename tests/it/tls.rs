//! The certificate of an SMSC that runs out, or is replaced, while binds are up.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bindery::esme::Esme;
use bindery::events::{Alarm, Cause, ConnectFailure, Event, Kinds, Phase};
use bindery::link::{Connect, ConnectError, Connecting, Target, TcpConnector, TlsError};
use bindery::settings::{BindSettings, Settings, SmscTlsSettings, TlsSettings};
use bindery::smsc::{Behaviour, Script, Smsc, Step};
use bindery::submit::Submit;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep, timeout};

use crate::watcher::Watcher;

/// Longer than a test that is ever going to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many of these alarms are about an expired certificate.
fn expired(alarms: &[Event]) -> usize {
    let is_it = |event: &&Event| {
        let Event::Alarm(event) = event else { return false };
        matches!(&event.alarm, Alarm::TlsRefused { failure, .. } if *failure == ConnectFailure::CertificateExpired)
    };
    alarms.iter().filter(is_it).count()
}

/// Waits until the bind is in a phase, for a reason.
async fn until(esme: &Esme, is_there: impl Fn(Phase, Cause) -> bool) {
    let there = async {
        loop {
            let status = esme.status().await;
            if status.binds.iter().all(|bind| is_there(bind.phase, bind.cause)) {
                return;
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE * 60, there).await.unwrap();
}

fn is_expired(phase: Phase, cause: Cause) -> bool {
    matches!(phase, Phase::Waiting { .. }) && cause == Cause::Connect(ConnectFailure::CertificateExpired)
}

/// An SMSC whose certificate has run out, or not.
struct Expiring {
    connect: Arc<dyn Connect>,
    /// When somebody tried while it had.
    refusals: Mutex<Option<Vec<Instant>>>,
}

impl Connect for Expiring {
    fn connect(&self, target: &Target) -> Connecting {
        match &mut *self.refusals.lock().unwrap() {
            None => self.connect.connect(target),
            Some(refusals) => {
                refusals.push(Instant::now());
                Box::pin(async { Err(ConnectError::Tls(TlsError::Expired)) })
            }
        }
    }
}

impl std::fmt::Debug for Expiring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Expiring")
    }
}

#[tokio::test(start_paused = true)]
async fn an_expired_certificate_is_tried_slowly_after_three_times_with_an_alarm_each() {
    let test = async {
        let smsc = Smsc::in_memory(Behaviour::default(), 1);
        let connector = Arc::new(Expiring {
            connect: smsc.connector(),
            refusals: Mutex::default(),
        });
        let bind = BindSettings::new("smsc:2775", "a", "secret");
        let esme = Esme::start_local(Settings::default().bind("a", bind), connector.clone()).unwrap();
        let alarms = Watcher::of(&esme, Kinds::ALARMS);
        until(&esme, |phase, _| phase == Phase::Bound).await;

        // It runs out while the bind is up, which nobody sees before the next connection.
        *connector.refusals.lock().unwrap() = Some(Vec::new());
        sleep(Duration::from_secs(600)).await;
        assert_eq!(expired(&alarms.seen()), 0);
        smsc.cut_links();
        sleep(Duration::from_secs(7_200)).await;
        until(&esme, is_expired).await;
        let refusals = connector.refusals.lock().unwrap().take().unwrap();
        assert_eq!(expired(&alarms.seen()), refusals.len());
        let waits: Vec<Duration> = refusals.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let (quick, slow) = waits.split_at(3);
        assert!(
            quick.iter().all(|wait| *wait < Duration::from_secs(60)),
            "{waits:?}"
        );
        assert!(slow.len() > 2 && slow.len() < 20, "{waits:?}");
        assert!(
            slow.iter().all(|wait| *wait >= Duration::from_secs(150)),
            "{waits:?}"
        );

        // It was renewed.
        let pending = esme.try_submit(Submit::text("447700900123", "hello")).unwrap();
        assert!(
            timeout(Duration::from_secs(3_600), pending)
                .await
                .unwrap()
                .is_ok()
        );
        esme.shutdown(Duration::from_secs(10)).await;
    };
    LocalSet::new().run_until(test).await;
}

fn file(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/certificates");
    folder.join(name).to_str().unwrap().to_owned()
}

/// What an SMSC shows that has this certificate.
fn shown(certificate: &str) -> SmscTlsSettings {
    SmscTlsSettings::default()
        .certificate_file(file(&format!("{certificate}.pem")))
        .key_file(file(&format!("{certificate}.key")))
}

/// An SMSC on a port that shows the good certificate.
async fn listen(tls: SmscTlsSettings) -> Smsc {
    let behaviour = Behaviour {
        tls: Some(tls),
        ..Behaviour::default()
    };
    Smsc::listen("127.0.0.1:0", behaviour, 1).await.unwrap()
}

/// A bind to it that trusts our authority.
fn bind_to(smsc: &Smsc, tls: TlsSettings) -> BindSettings {
    let address = smsc.local_addr().unwrap().to_string();
    let tls = tls
        .enabled(true)
        .ca_file(file("authority.pem"))
        .server_name("localhost");
    BindSettings::new(address.as_str(), "a", "secret")
        .backoff_initial(Duration::from_millis(500))
        .backoff_max(Duration::from_secs(1))
        .tls(tls)
}

fn start(bind: BindSettings) -> Esme {
    Esme::start_local(Settings::default().bind("a", bind), Arc::new(TcpConnector)).unwrap()
}

#[tokio::test]
async fn a_script_makes_the_certificate_of_an_smsc_expire_and_renews_it() {
    let test = async {
        let smsc = listen(shown("server")).await;
        let esme = start(bind_to(&smsc, TlsSettings::default()));
        let alarms = Watcher::of(&esme, Kinds::ALARMS);
        until(&esme, |phase, _| phase == Phase::Bound).await;
        let expires = Script::default()
            .at(Duration::ZERO, Step::Tls(Box::new(shown("expired"))))
            .at(Duration::ZERO, Step::Cut);
        smsc.play(&expires).await;
        until(&esme, is_expired).await;
        assert!(expired(&alarms.seen()) > 0);
        let waiting = esme.try_submit(Submit::text("447700900123", "hello")).unwrap();
        let renews = Script::default().at(Duration::ZERO, Step::Tls(Box::new(shown("server"))));
        smsc.play(&renews).await;
        assert!(timeout(PATIENCE, waiting).await.unwrap().is_ok());
        esme.shutdown(Duration::from_secs(10)).await;
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test]
async fn a_certificate_that_is_replaced_counts_from_the_next_connection() {
    let test = async {
        // Files that are replaced, as a renewal does it.
        let folder = tempfile::tempdir().unwrap();
        let replace = |certificate: &str| {
            for kind in ["pem", "key"] {
                std::fs::copy(
                    file(&format!("{certificate}.{kind}")),
                    folder.path().join(format!("smsc.{kind}")),
                )
                .unwrap();
            }
        };
        replace("server");
        let tls = SmscTlsSettings::default()
            .certificate_file(folder.path().join("smsc.pem").to_str().unwrap())
            .key_file(folder.path().join("smsc.key").to_str().unwrap());
        let smsc = listen(tls).await;
        let esme = start(bind_to(&smsc, TlsSettings::default()));
        let alarms = Watcher::of(&esme, Kinds::ALARMS);
        until(&esme, |phase, _| phase == Phase::Bound).await;
        let send = || esme.try_submit(Submit::text("447700900123", "hello")).unwrap();
        assert!(timeout(PATIENCE, send()).await.unwrap().is_ok());

        replace("expired");
        assert!(
            timeout(PATIENCE, send()).await.unwrap().is_ok(),
            "the link goes on"
        );
        smsc.cut_links();
        until(&esme, is_expired).await;
        let waiting = send();
        replace("server");
        assert!(timeout(PATIENCE, waiting).await.unwrap().is_ok());
        assert!(expired(&alarms.seen()) > 0);
        assert_eq!(smsc.counters().binds, 2);
        esme.shutdown(Duration::from_secs(10)).await;
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test]
async fn an_smsc_that_asks_for_certificates_lets_in_who_has_one_of_its_authority() {
    let test = async {
        let smsc = listen(shown("server").ca_file(file("authority.pem"))).await;
        let without = start(bind_to(&smsc, TlsSettings::default()));
        until(&without, |phase, _| matches!(phase, Phase::Waiting { .. })).await;
        assert_eq!(smsc.counters().binds, 0);
        without.shutdown(Duration::from_secs(10)).await;

        let certificate = TlsSettings::default()
            .certificate_file(file("client.pem"))
            .key_file(file("client.key"));
        let with = start(bind_to(&smsc, certificate));
        until(&with, |phase, _| phase == Phase::Bound).await;
        with.shutdown(Duration::from_secs(10)).await;
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test]
async fn an_smsc_does_not_begin_with_files_that_it_cannot_use_and_goes_on_when_they_are_lost() {
    let refused = |tls| async {
        let behaviour = Behaviour {
            tls: Some(tls),
            ..Behaviour::default()
        };
        let smsc = Smsc::listen("127.0.0.1:0", behaviour, 1).await;
        smsc.unwrap_err().to_string()
    };
    let (missing, foreign) = (file("nothing.pem"), file("client.key"));
    assert_eq!(
        refused(shown("nothing")).await,
        format!("{missing}: no certificate or key can be read")
    );
    assert_eq!(
        refused(shown("server").key_file(foreign.as_str())).await,
        format!("{foreign}: the key is not that of the certificate")
    );

    let test = async {
        let smsc = listen(shown("server")).await;
        smsc.change(|behaviour| behaviour.tls = Some(shown("nothing")));
        let esme = start(bind_to(&smsc, TlsSettings::default()));
        until(&esme, |phase, _| matches!(phase, Phase::Waiting { .. })).await;
        smsc.change(|behaviour| behaviour.tls = Some(shown("server")));
        until(&esme, |phase, _| phase == Phase::Bound).await;
        esme.shutdown(Duration::from_secs(10)).await;
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test]
async fn who_does_not_shake_hands_is_no_link_and_is_let_go_after_the_time_for_a_bind() {
    let smsc = listen(shown("server")).await;
    smsc.change(|behaviour| {
        behaviour.limits.session_init = Duration::from_millis(200);
        behaviour.limits.connections = 1;
    });
    let address = smsc.local_addr().unwrap();
    let mut silent = TcpStream::connect(address).await.unwrap();
    // Hands that are being shaken have the same limit as connections.
    let mut second = TcpStream::connect(address).await.unwrap();
    for stream in [&mut second, &mut silent] {
        let end = timeout(PATIENCE, stream.read(&mut [0])).await.unwrap();
        assert_eq!(end.unwrap_or(0), 0);
        assert_eq!(smsc.counters().links, 0);
    }
    smsc.shutdown().await;
}
