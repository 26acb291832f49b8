//! How a connection comes about.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::timeout;

use super::Transport;
use crate::settings::TlsSettings;

/// Where to connect.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// A name or an address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// How the connection is encrypted; none is plain TCP. Default none.
    pub tls: Option<TlsSettings>,
    /// How long one address may take, and then TLS with it. Default 10 s.
    pub timeout: Duration,
    /// After this long without an acknowledgement of the peer's machine the connection is broken. Default 30 s.
    pub user_timeout: Duration,
}

impl Target {
    /// A host and a port, with the default deadlines.
    #[must_use]
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        let (timeout, user_timeout) = (Duration::from_secs(10), Duration::from_secs(30));
        Self {
            host: host.into(),
            port,
            tls: None,
            timeout,
            user_timeout,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Why there is no connection.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The name has no address.
    #[error("{host} has no address")]
    Resolve {
        /// The name.
        host: String,
    },
    /// No address answered in time.
    #[error("no answer within {timeout:?}")]
    TimedOut {
        /// How long each address had.
        timeout: Duration,
    },
    /// The last address that was tried refused.
    #[error("connecting failed: {0}")]
    Failed(io::ErrorKind),
    /// The last address that was tried has no TLS connection for us.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Why there is no TLS connection.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The peer's certificate is over, or its time has not come.
    #[error("the peer's certificate is expired or not yet valid")]
    Expired,
    /// The peer's certificate is for another name.
    #[error("the peer's certificate is not for {name}")]
    WrongName {
        /// The name that it should bear.
        name: String,
    },
    /// The peer's certificate is signed by nobody whom we trust.
    #[error("the peer's certificate is signed by an unknown authority")]
    UnknownAuthority,
    /// The peer's certificate is revoked, damaged, or not for a server.
    #[error("the peer's certificate is not valid")]
    InvalidCertificate,
    /// The peer's certificate is none of those that are pinned.
    #[error("the peer's certificate is not one of those that are pinned")]
    NotPinned,
    /// The peer refused, for example because of our certificate.
    #[error("the peer refused TLS")]
    Refused,
    /// No TLS comes back, or none that both sides speak.
    #[error("no TLS with the peer: {0}")]
    Handshake(io::ErrorKind),
    /// A file of ours, or the authorities of the system, cannot be used.
    #[error("{file}: no certificate or key can be read")]
    File {
        /// Its name.
        file: String,
    },
    /// A key of ours is not that of our certificate.
    #[error("{file}: the key is not that of the certificate")]
    WrongKey {
        /// The file of the key.
        file: String,
    },
    /// A name is none, or there is no certificate where one is needed.
    #[error("TLS cannot be set up as it is configured")]
    Settings,
    /// TLS is not in this build.
    #[error("built without TLS")]
    NotBuilt,
}

/// A connection that is being made.
pub type Connecting = Pin<Box<dyn Future<Output = Result<Transport, ConnectError>> + Send>>;

/// Makes connections: over TCP, or inside the process for tests.
pub trait Connect: fmt::Debug + Send + Sync {
    /// Starts to connect.
    fn connect(&self, target: &Target) -> Connecting;
}

/// Connects over TCP, with TLS where the target wants it: resolves the name each time and tries every address in
/// turn.
#[derive(Clone, Copy, Debug, Default)]
pub struct TcpConnector;

impl Connect for TcpConnector {
    fn connect(&self, target: &Target) -> Connecting {
        let target = target.clone();
        Box::pin(async move { connect(&target).await })
    }
}

async fn connect(target: &Target) -> Result<Transport, ConnectError> {
    let unknown = || ConnectError::Resolve {
        host: target.host.clone(),
    };
    let resolving = timeout(target.timeout, lookup_host((target.host.as_str(), target.port)));
    let addresses: Vec<_> = resolving
        .await
        .map_err(|_| unknown())?
        .map_err(|_| unknown())?
        .collect();
    let mut failure = unknown();
    for address in addresses {
        match connect_to(address, target).await {
            Ok(transport) => return Ok(transport),
            // An address where somebody listens says more than one where nobody does.
            Err(ConnectError::Failed(_)) if matches!(failure, ConnectError::Tls(_)) => {}
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

async fn connect_to(address: SocketAddr, target: &Target) -> Result<Transport, ConnectError> {
    let connecting = async {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4(),
            SocketAddr::V6(_) => TcpSocket::new_v6(),
        };
        socket?.connect(address).await
    };
    let timed_out = || ConnectError::TimedOut {
        timeout: target.timeout,
    };
    let connected = timeout(target.timeout, connecting).await;
    let stream = connected
        .map_err(|_| timed_out())?
        .map_err(|error| ConnectError::Failed(error.kind()))?;
    // An option that the system refuses costs comfort, not the connection.
    let _ = set_options(&stream, target.user_timeout);
    let Some(tls) = &target.tls else {
        return Ok(Transport::Tcp(stream));
    };
    #[cfg(feature = "tls")]
    {
        // In a place of its own: thousands of binds without TLS may connect at a time, and would keep room for it.
        let securing = Box::pin(super::tls::secure(stream, &target.host, tls));
        Ok(timeout(target.timeout, securing)
            .await
            .map_err(|_| timed_out())??)
    }
    #[cfg(not(feature = "tls"))]
    {
        let _ = tls;
        Err(TlsError::NotBuilt.into())
    }
}

/// Sends at once (batching is our own job), and lets the system find a peer that vanished.
pub fn set_options(stream: &TcpStream, user_timeout: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(30))
        .with_interval(Duration::from_secs(10));
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(user_timeout))?;
    #[cfg(not(target_os = "linux"))]
    let _ = user_timeout;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_connection_is_made_to_an_address_of_the_name() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let target = Target::new("localhost", port);
        let Transport::Tcp(stream) = TcpConnector.connect(&target).await.unwrap() else {
            panic!("not TCP");
        };
        assert!(stream.nodelay().unwrap());
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().unwrap());
        #[cfg(target_os = "linux")]
        {
            assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(30));
            assert_eq!(socket.tcp_keepalive_interval().unwrap(), Duration::from_secs(10));
            assert_eq!(socket.tcp_user_timeout().unwrap(), Some(target.user_timeout));
        }
    }

    #[tokio::test]
    async fn a_closed_port_is_a_failure() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let refused = TcpConnector
            .connect(&Target::new("127.0.0.1", port))
            .await
            .unwrap_err();
        assert_eq!(refused, ConnectError::Failed(io::ErrorKind::ConnectionRefused));
    }

    #[test]
    fn targets_are_written_as_one_types_them() {
        assert_eq!(Target::new("smsc.example", 2775).to_string(), "smsc.example:2775");
        assert_eq!(Target::new("::1", 2775).to_string(), "[::1]:2775");
    }
}
