//! TLS towards a peer: rustls with the `ring` provider.
//!
//! The peer's certificate must be signed by an authority of the system, or of our own file, and bear the name that
//! we connected to; or it is one of those that are pinned, whatever it says. Files are read again for each connection,
//! so a renewed certificate needs no restart.

pub(super) mod server;

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ::ring::digest::{SHA256, digest};
use rustls_platform_verifier::Verifier;
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, InconsistentKeys, RootCertStore,
    SignatureScheme, SupportedProtocolVersion,
};

use super::{TlsError, Transport};
use crate::settings::{CertificatePin, TlsSettings, TlsVersion};

/// The authorities of the system are read again when they are older than this. They take some milliseconds and
/// a quarter of a megabyte, so connections share them.
const FRESH: Duration = Duration::from_secs(60);

/// What the system trusts, and when that was read.
static SYSTEM: Mutex<Option<(Instant, Arc<Verifier>)>> = Mutex::new(None);

/// Encrypts a connection that was just made to `host`.
pub(super) async fn secure(stream: TcpStream, host: &str, tls: &TlsSettings) -> Result<Transport, TlsError> {
    let name = tls.server_name.as_deref().unwrap_or(host).to_owned();
    let server = ServerName::try_from(name.clone()).map_err(|_| TlsError::Settings)?;
    let settings = tls.clone();
    // Reads files.
    let pinned = !tls.pinned_sha256.is_empty();
    let config = spawn_blocking(move || client_config(&settings));
    let config = config.await.map_err(|_| TlsError::Settings)??;
    if tls.dangerously_accept_any_certificate {
        tracing::warn!(host, "the certificate of the peer is not verified");
    }
    let connecting = TlsConnector::from(Arc::new(config)).connect(server, stream);
    let stream = connecting
        .await
        .map_err(|error| handshake_error(&error, name, pinned))?;
    Ok(Transport::Tls(Box::new(stream.into())))
}

fn client_config(tls: &TlsSettings) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(versions(tls.min_version))
        .map_err(|_| TlsError::Settings)?;
    let builder = match &tls.ca_file {
        _ if tls.dangerously_accept_any_certificate => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(KeyHolder::anybody(provider))),
        _ if !tls.pinned_sha256.is_empty() => {
            let holder = KeyHolder::pinned(provider, tls.pinned_sha256.clone());
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(holder))
        }
        Some(file) => builder.with_root_certificates(authorities(file)?),
        None => builder
            .dangerous()
            .with_custom_certificate_verifier(system(provider)?),
    };
    let mut config = match (&tls.certificate_file, &tls.key_file) {
        (Some(certificate), Some(key)) => {
            let secret = PrivateKeyDer::from_pem_file(Path::new(key)).map_err(|_| file_error(key))?;
            builder
                .with_client_auth_cert(certificates(certificate)?, secret)
                .map_err(|error| key_error(&error, key))?
        }
        _ => builder.with_no_client_auth(),
    };
    // Each connection has a configuration of its own, so nothing could be resumed.
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// What is spoken, the newest first.
static VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];

/// What is spoken where nothing older than this may be.
fn versions(min: TlsVersion) -> &'static [&'static SupportedProtocolVersion] {
    match min {
        TlsVersion::V1_2 => &VERSIONS,
        TlsVersion::V1_3 => &VERSIONS[..1],
    }
}

fn file_error(file: &str) -> TlsError {
    let file = file.to_owned();
    TlsError::File { file }
}

/// Why a key is not taken for our certificate.
fn key_error(error: &Error, key: &str) -> TlsError {
    match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError::WrongKey { file: key.to_owned() },
        _ => TlsError::Settings,
    }
}

fn authorities(file: &str) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots.add(certificate).map_err(|_| file_error(file))?;
    }
    Ok(roots)
}

/// The certificates of a file, at least one.
fn certificates(file: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found = CertificateDer::pem_file_iter(Path::new(file)).map_err(|_| file_error(file))?;
    let found: Vec<_> = found.collect::<Result<_, _>>().map_err(|_| file_error(file))?;
    if found.is_empty() {
        return Err(file_error(file));
    }
    Ok(found)
}

fn system(provider: Arc<CryptoProvider>) -> Result<Arc<Verifier>, TlsError> {
    let mut shared = SYSTEM.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((read, verifier)) = &*shared
        && read.elapsed() < FRESH
    {
        return Ok(verifier.clone());
    }
    let verifier = Arc::new(Verifier::new(provider).map_err(|_| file_error("the system"))?);
    *shared = Some((Instant::now(), verifier.clone()));
    Ok(verifier)
}

fn handshake_error(error: &io::Error, name: String, pinned: bool) -> TlsError {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<Error>());
    match cause {
        Some(Error::InvalidCertificate(certificate)) => match certificate {
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => TlsError::Expired,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                TlsError::WrongName { name }
            }
            CertificateError::ApplicationVerificationFailure if pinned => TlsError::NotPinned,
            CertificateError::UnknownIssuer => TlsError::UnknownAuthority,
            _ => TlsError::InvalidCertificate,
        },
        Some(Error::AlertReceived(_)) => TlsError::Refused,
        _ => TlsError::Handshake(error.kind()),
    }
}

/// Takes the certificates that are pinned, or every one; that the peer has its key is verified all the same.
#[derive(Debug)]
struct KeyHolder {
    provider: Arc<CryptoProvider>,
    /// None for every certificate.
    pins: Option<Vec<CertificatePin>>,
}

impl KeyHolder {
    const fn anybody(provider: Arc<CryptoProvider>) -> Self {
        Self { provider, pins: None }
    }

    const fn pinned(provider: Arc<CryptoProvider>, pins: Vec<CertificatePin>) -> Self {
        let pins = Some(pins);
        Self { provider, pins }
    }
}

impl ServerCertVerifier for KeyHolder {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(pins) = &self.pins else {
            return Ok(ServerCertVerified::assertion());
        };
        let shown = digest(&SHA256, certificate);
        match pins.iter().any(|pin| pin.0 == shown.as_ref()) {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;
    use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
    use tokio_rustls::rustls::{ClientConnection, ServerConfig, ServerConnection};

    use super::*;
    use crate::link::{Connect, ConnectError, Link, LinkHandler, Target, TcpConnector, accept, now};
    use crate::pdu::{BindTransceiver, BindTransceiverResp, CommandId, CommandStatus, PduView, SubmitSm};
    use crate::session::{CloseCause, Event, Limits, Room, Session, SessionConfig, Side};
    use crate::settings::SmscTlsSettings;

    fn file(name: &str) -> String {
        format!("{}/tests/certificates/{name}", env!("CARGO_MANIFEST_DIR"))
    }

    fn trusting() -> TlsSettings {
        TlsSettings::default()
            .enabled(true)
            .ca_file(file("authority.pem"))
    }

    /// Shows this certificate to whoever connects first, and wants one of the authority if it is told to.
    async fn server(
        certificate: &str,
        wants_client: bool,
    ) -> (u16, tokio::task::JoinHandle<Option<Transport>>) {
        let mut tls = SmscTlsSettings::default()
            .certificate_file(file(&format!("{certificate}.pem")))
            .key_file(file(&format!("{certificate}.key")));
        if wants_client {
            tls = tls.ca_file(file("authority.pem"));
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let accepting = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            accept::secure(stream, &tls).await.ok()
        });
        (port, accepting)
    }

    async fn connect(port: u16, tls: TlsSettings) -> Result<Transport, ConnectError> {
        let name = tls.server_name.clone().unwrap_or_else(|| "localhost".into());
        let target = Target {
            tls: Some(tls.server_name(name)),
            ..Target::new("127.0.0.1", port)
        };
        TcpConnector.connect(&target).await
    }

    async fn refusal(certificate: &str, tls: TlsSettings) -> TlsError {
        let (port, _accepting) = server(certificate, false).await;
        match connect(port, tls).await {
            Err(ConnectError::Tls(error)) => error,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_certificate_is_told_apart() {
        let other = String::from("smsc.example");
        let wrong = TlsError::WrongName { name: other.clone() };
        assert_eq!(refusal("server", trusting().server_name(other)).await, wrong);
        assert_eq!(refusal("expired", trusting()).await, TlsError::Expired);
        let strangers = trusting().ca_file(file("client.pem"));
        assert_eq!(refusal("server", strangers).await, TlsError::UnknownAuthority);
    }

    #[tokio::test]
    async fn the_authorities_of_the_system_are_trusted_unless_others_are_named() {
        let system = TlsSettings::default().enabled(true);
        let error = refusal("server", system).await;
        let none = TlsError::File {
            file: "the system".into(),
        };
        // A machine without any authority says so.
        assert!(error == TlsError::UnknownAuthority || error == none, "{error}");
    }

    #[tokio::test]
    async fn any_certificate_is_taken_where_that_is_wanted() {
        let tls = TlsSettings::default()
            .enabled(true)
            .server_name("smsc.example")
            .dangerously_accept_any_certificate(true);
        let (port, accepting) = server("expired", false).await;
        connect(port, tls).await.unwrap();
        assert!(accepting.await.unwrap().is_some());
    }

    /// The SHA-256 of the certificate in a file.
    fn pin(name: &str) -> CertificatePin {
        let found = certificates(&file(name)).unwrap();
        CertificatePin(digest(&SHA256, &found[0]).as_ref().try_into().unwrap())
    }

    #[tokio::test]
    async fn a_pinned_certificate_is_taken_whatever_it_says_and_no_other() {
        let pinned = |pins: &[CertificatePin]| {
            TlsSettings::default()
                .enabled(true)
                .server_name("smsc.example")
                .pinned_sha256(pins.to_vec())
        };
        let written = "49a25943e96f112a0a6149e2b5c607decb28bd36746903d0ef5d38295d8b44fe";
        assert_eq!(CertificatePin::parse(written), Some(pin("server.pem")));
        for (certificate, pins) in [
            ("server", vec![pin("server.pem")]),
            ("expired", vec![pin("server.pem"), pin("expired.pem")]),
        ] {
            for version in [TlsVersion::V1_2, TlsVersion::V1_3] {
                let (port, accepting) = server(certificate, false).await;
                connect(port, pinned(&pins).min_version(version)).await.unwrap();
                assert!(accepting.await.unwrap().is_some());
            }
        }
        // Neither its authority nor its name makes up for another certificate.
        let others = pinned(&[pin("client.pem"), pin("authority.pem")]).server_name("localhost");
        assert_eq!(refusal("server", others).await, TlsError::NotPinned);
    }

    #[test]
    fn a_peer_that_shows_a_pinned_certificate_without_its_key_is_refused() {
        let provider = Arc::new(ring::default_provider());
        let found = certificates(&file("server.pem")).unwrap();
        let holder = KeyHolder::pinned(provider.clone(), vec![pin("server.pem")]);
        let config = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(holder))
            .with_no_client_auth();
        // The certificate of one, the key of another.
        let key = PrivateKeyDer::from_pem_file(file("client.key")).unwrap();
        let key = provider.key_provider.load_private_key(key).unwrap();
        let resolver = SingleCertAndKey::from(CertifiedKey::new(found, key));
        let server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(resolver));
        let mut ours =
            ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap()).unwrap();
        let mut theirs = ServerConnection::new(Arc::new(server)).unwrap();
        let mut octets = Vec::new();
        ours.write_tls(&mut octets).unwrap();
        theirs.read_tls(&mut &octets[..]).unwrap();
        theirs.process_new_packets().unwrap();
        octets.clear();
        while theirs.wants_write() {
            theirs.write_tls(&mut octets).unwrap();
        }
        ours.read_tls(&mut &octets[..]).unwrap();
        let error = ours.process_new_packets().unwrap_err();
        assert_eq!(error, CertificateError::BadSignature.into());
    }

    #[tokio::test]
    async fn a_server_that_wants_a_certificate_of_ours_gets_it() {
        let known = trusting()
            .certificate_file(file("client.pem"))
            .key_file(file("client.key"))
            .min_version(TlsVersion::V1_3);
        let (port, accepting) = server("server", true).await;
        // It needs no other name than that it connected to.
        let target = Target {
            tls: Some(known),
            ..Target::new("127.0.0.1", port)
        };
        TcpConnector.connect(&target).await.unwrap();
        assert!(accepting.await.unwrap().is_some());

        let (port, accepting) = server("server", true).await;
        // With TLS 1.3 a client learns of the refusal with its first read.
        if let Ok(mut transport) = connect(port, trusting()).await {
            assert!(transport.read(&mut [0]).await.is_err());
        }
        assert!(accepting.await.unwrap().is_none());
    }

    #[tokio::test]
    async fn files_that_cannot_be_used_are_named() {
        let missing = file("nothing.pem");
        assert_eq!(
            refusal("server", trusting().ca_file(missing.clone())).await,
            TlsError::File {
                file: missing.clone()
            }
        );
        let no_key = trusting()
            .certificate_file(file("client.pem"))
            .key_file(file("client.pem"));
        assert_eq!(
            refusal("server", no_key).await,
            TlsError::File {
                file: file("client.pem")
            }
        );
        let foreign_key = trusting()
            .certificate_file(file("client.pem"))
            .key_file(file("server.key"));
        let wrong = TlsError::WrongKey {
            file: file("server.key"),
        };
        assert_eq!(refusal("server", foreign_key).await, wrong);
    }

    #[tokio::test]
    async fn files_with_which_nobody_can_be_accepted_are_named() {
        let ours = |certificate: &str, key: &str| {
            SmscTlsSettings::default()
                .certificate_file(file(certificate))
                .key_file(file(key))
        };
        let usable = ours("server.pem", "server.key");
        assert_eq!(accept::check(&usable).await, Ok(()));
        for (tls, error) in [
            (
                ours("nothing.pem", "server.key"),
                file_error(&file("nothing.pem")),
            ),
            (ours("server.key", "server.key"), file_error(&file("server.key"))),
            (
                ours("server.pem", "nothing.key"),
                file_error(&file("nothing.key")),
            ),
            (ours("server.pem", "server.pem"), file_error(&file("server.pem"))),
            (
                usable.clone().ca_file(file("nothing.pem")),
                file_error(&file("nothing.pem")),
            ),
            (
                ours("server.pem", "client.key"),
                TlsError::WrongKey {
                    file: file("client.key"),
                },
            ),
            (SmscTlsSettings::default(), TlsError::Settings),
        ] {
            assert_eq!(accept::check(&tls).await, Err(error));
        }
    }

    #[tokio::test]
    async fn a_peer_that_speaks_no_tls_is_found_out() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, &[0; 64]).await;
            }
        });
        let error = connect(port, trusting()).await.unwrap_err();
        assert!(
            matches!(error, ConnectError::Tls(TlsError::Handshake(_))),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_peer_that_never_shakes_hands_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let target = Target {
            tls: Some(trusting()),
            timeout: Duration::from_millis(50),
            ..Target::new("127.0.0.1", port)
        };
        let error = TcpConnector.connect(&target).await.unwrap_err();
        assert!(matches!(error, ConnectError::TimedOut { .. }), "{error}");
    }

    /// Sends messages, and accepts what the other side sends.
    #[derive(Default)]
    struct Owner {
        to_send: usize,
        sent: usize,
        answered: usize,
    }

    impl LinkHandler<()> for Owner {
        fn feed(&mut self, session: &mut Session<()>, now: Instant) -> Option<Instant> {
            while self.sent < self.to_send && matches!(session.room(now), Room::Now(_)) {
                let body = SubmitSm {
                    short_message: vec![b'x'; 140].into(),
                    ..SubmitSm::default()
                };
                session.request((), &body, now).unwrap();
                self.sent += 1;
            }
            if self.to_send > 0 && self.answered == self.to_send {
                session.unbind(now);
            }
            None
        }

        fn event(&mut self, session: &mut Session<()>, event: Event<'_, ()>, _: &[u8], now: Instant) {
            match event {
                Event::Answered { .. } => self.answered += 1,
                Event::Request { inbound, header, .. }
                    if header.command_id == CommandId::BIND_TRANSCEIVER =>
                {
                    let body = BindTransceiverResp::default();
                    session
                        .respond(inbound, CommandStatus::ESME_ROK, &body, now)
                        .unwrap();
                }
                Event::Request {
                    inbound,
                    body: PduView::SubmitSm(_),
                    ..
                } => session
                    .respond_empty(inbound, CommandStatus::ESME_ROK, now)
                    .unwrap(),
                _ => {}
            }
        }
    }

    #[tokio::test]
    async fn a_session_over_tls_carries_more_than_any_buffer_holds() {
        const MESSAGES: usize = 20_000;
        let (port, accepting) = server("server", false).await;
        let ours = connect(port, trusting()).await.unwrap();
        let theirs = accepting.await.unwrap().unwrap();
        let config = |side| SessionConfig {
            window: MESSAGES,
            inbound_limit: MESSAGES,
            ..SessionConfig::new(side)
        };
        let serving = tokio::spawn(async move {
            let session = Session::new(config(Side::Smsc), Limits::default(), now());
            let (mut link, mut owner) = (Link::new(session, theirs), Owner::default());
            poll_fn(|cx| link.poll(cx, &mut owner, now())).await
        });
        let mut session = Session::new(config(Side::Esme), Limits::default(), now());
        session.bind(&BindTransceiver::default(), now()).unwrap();
        let mut owner = Owner {
            to_send: MESSAGES,
            ..Owner::default()
        };
        let mut link = Link::new(session, ours);
        let closed = poll_fn(|cx| link.poll(cx, &mut owner, now())).await;
        assert_eq!((closed.cause, owner.answered), (CloseCause::Unbound, MESSAGES));
        drop(link);
        assert_eq!(serving.await.unwrap().cause, CloseCause::PeerUnbound);
    }
}
