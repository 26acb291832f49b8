//! How a connection comes about.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::timeout;

use super::Transport;

/// Where to connect.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target {
    /// A name or an address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// How long one address may take. Default 10 s.
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
}

/// A connection that is being made.
pub type Connecting = Pin<Box<dyn Future<Output = Result<Transport, ConnectError>> + Send>>;

/// Makes connections: over TCP, or inside the process for tests.
pub trait Connect: fmt::Debug + Send + Sync {
    /// Starts to connect.
    fn connect(&self, target: &Target) -> Connecting;
}

/// Connects over TCP: resolves the name each time and tries every address in turn.
#[derive(Clone, Copy, Debug, Default)]
pub struct TcpConnector;

impl Connect for TcpConnector {
    fn connect(&self, target: &Target) -> Connecting {
        let target = target.clone();
        Box::pin(async move { connect_tcp(&target).await.map(Transport::Tcp) })
    }
}

async fn connect_tcp(target: &Target) -> Result<TcpStream, ConnectError> {
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
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()
        } else {
            TcpSocket::new_v6()
        };
        let attempt = async { socket?.connect(address).await };
        match timeout(target.timeout, attempt).await {
            Ok(Ok(stream)) => {
                // An option that the system refuses costs comfort, not the connection.
                let _ = set_options(&stream, target.user_timeout);
                return Ok(stream);
            }
            Ok(Err(error)) => failure = ConnectError::Failed(error.kind()),
            Err(_) => {
                failure = ConnectError::TimedOut {
                    timeout: target.timeout,
                }
            }
        }
    }
    Err(failure)
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
        let Transport::Tcp(stream) = TcpConnector
            .connect(&Target::new("localhost", port))
            .await
            .unwrap()
        else {
            panic!("not TCP");
        };
        assert!(stream.nodelay().unwrap());
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
