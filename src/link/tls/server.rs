//! TLS towards those who connect to us.

use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};

use super::{authorities, certificates, file_error, handshake_error, key_error, versions};
use crate::link::{TlsError, Transport};
use crate::settings::SmscTlsSettings;

/// Encrypts a connection that was just accepted.
pub(in crate::link) async fn accept(stream: TcpStream, tls: &SmscTlsSettings) -> Result<Transport, TlsError> {
    let config = server_config(tls).await?;
    let accepting = TlsAcceptor::from(config).accept(stream);
    let stream = accepting
        .await
        .map_err(|error| handshake_error(&error, String::new(), false))?;
    Ok(Transport::Tls(Box::new(stream.into())))
}

/// Reads the files.
pub(in crate::link) async fn server_config(tls: &SmscTlsSettings) -> Result<Arc<ServerConfig>, TlsError> {
    let settings = tls.clone();
    let reading = spawn_blocking(move || read(&settings));
    Ok(Arc::new(reading.await.map_err(|_| TlsError::Settings)??))
}

fn read(tls: &SmscTlsSettings) -> Result<ServerConfig, TlsError> {
    let (Some(certificate), Some(key)) = (&tls.certificate_file, &tls.key_file) else {
        return Err(TlsError::Settings);
    };
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(versions(tls.min_version))
        .map_err(|_| TlsError::Settings)?;
    let builder = match &tls.ca_file {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let roots = Arc::new(authorities(file)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|_| file_error(file))?)
        }
    };
    let chain = certificates(certificate)?;
    let secret = PrivateKeyDer::from_pem_file(Path::new(key)).map_err(|_| file_error(key))?;
    let mut config = builder
        .with_single_cert(chain, secret)
        .map_err(|error| key_error(&error, key))?;
    // Each connection has a configuration of its own, so nothing could be resumed.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}
