//! How a connection that somebody else made is encrypted.

use tokio::net::TcpStream;

use super::{TlsError, Transport};
use crate::settings::SmscTlsSettings;

/// Shakes hands with whoever connected. Files are read each time.
///
/// # Errors
///
/// Our files cannot be used, or the peer cannot be agreed with.
pub(crate) async fn secure(stream: TcpStream, tls: &SmscTlsSettings) -> Result<Transport, TlsError> {
    #[cfg(feature = "tls")]
    {
        super::tls::server::accept(stream, tls).await
    }
    #[cfg(not(feature = "tls"))]
    {
        let _ = (stream, tls);
        Err(TlsError::NotBuilt)
    }
}

/// Looks whether the files can be used.
///
/// # Errors
///
/// They cannot.
pub(crate) async fn check(tls: &SmscTlsSettings) -> Result<(), TlsError> {
    #[cfg(feature = "tls")]
    {
        super::tls::server::server_config(tls).await.map(drop)
    }
    #[cfg(not(feature = "tls"))]
    {
        let _ = tls;
        Err(TlsError::NotBuilt)
    }
}
