//! The certificate of an SMSC that runs out, or is replaced, while binds are up.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bindery::esme::Esme;
use bindery::events::{Alarm, Cause, ConnectFailure, Event, Kinds, Phase};
use bindery::link::{Connect, ConnectError, Connecting, Target, TlsError};
use bindery::settings::{BindSettings, Settings, TlsSettings};
use bindery::smsc::{Behaviour, Smsc};
use bindery::submit::Submit;
use tokio::net::TcpListener;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

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

fn acceptor(certificate: &str) -> TlsAcceptor {
    let chain = CertificateDer::pem_file_iter(file(&format!("{certificate}.pem"))).unwrap();
    let chain = chain.map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(file(&format!("{certificate}.key"))).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

#[tokio::test]
async fn a_certificate_that_is_replaced_counts_from_the_next_connection() {
    let test = async {
        let smsc = Smsc::in_memory(Behaviour::default(), 1);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shown = Arc::new(Mutex::new(acceptor("server")));
        // TLS in front of an SMSC that knows nothing of it.
        let (connector, show) = (smsc.connector(), shown.clone());
        spawn_local(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let acceptor = show.lock().unwrap().clone();
                let connecting = connector.connect(&Target::new("smsc", 2775));
                spawn_local(async move {
                    if let (Ok(mut stream), Ok(mut link)) = (acceptor.accept(stream).await, connecting.await)
                    {
                        // Either side may end it.
                        let _ = tokio::io::copy_bidirectional(&mut stream, &mut link).await;
                    }
                });
            }
        });
        let tls = TlsSettings::default()
            .enabled(true)
            .ca_file(file("authority.pem"))
            .server_name("localhost");
        let bind = BindSettings::new(format!("127.0.0.1:{port}").as_str(), "a", "secret")
            .backoff_initial(Duration::from_millis(500))
            .backoff_max(Duration::from_secs(1))
            .tls(tls);
        let esme = Esme::start_local(
            Settings::default().bind("a", bind),
            Arc::new(bindery::link::TcpConnector),
        )
        .unwrap();
        let alarms = Watcher::of(&esme, Kinds::ALARMS);
        until(&esme, |phase, _| phase == Phase::Bound).await;
        let send = || esme.try_submit(Submit::text("447700900123", "hello")).unwrap();
        assert!(timeout(PATIENCE, send()).await.unwrap().is_ok());

        *shown.lock().unwrap() = acceptor("expired");
        assert!(
            timeout(PATIENCE, send()).await.unwrap().is_ok(),
            "the link goes on"
        );
        smsc.cut_links();
        until(&esme, is_expired).await;
        let waiting = send();
        *shown.lock().unwrap() = acceptor("server");
        assert!(timeout(PATIENCE, waiting).await.unwrap().is_ok());
        assert!(expired(&alarms.seen()) > 0);
        assert_eq!(smsc.counters().binds, 2);
        esme.shutdown(Duration::from_secs(10)).await;
    };
    LocalSet::new().run_until(test).await;
}
