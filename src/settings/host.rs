//! Where a peer listens.

use std::fmt;
use std::net::SocketAddr;

use super::Given;

/// A host, by name or address, and its port, written `host:port` (`[::1]:2775` for an IPv6 address).
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct HostPort {
    host: String,
    port: u16,
}

impl HostPort {
    /// A host, without brackets, and a port.
    #[must_use]
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
        }
    }

    /// The host, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port; 0 where the text had none.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

/// Reads `host:port`; none where either is missing.
pub(super) fn parse(text: &str) -> Option<HostPort> {
    let (host, port) = text.rsplit_once(':')?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    // More colons without brackets are an IPv6 address without a port.
    let host = match bare {
        Some(bare) => bare,
        None if host.contains(':') => return None,
        None => host,
    };
    let port = port.parse().ok()?;
    (!host.is_empty()).then(|| HostPort::new(host, port))
}

impl From<&str> for HostPort {
    /// Takes any text; one without a port gets port 0, which checking the settings refuses for a bind.
    fn from(text: &str) -> Self {
        parse(text).unwrap_or_else(|| Self::new(text, 0))
    }
}

impl From<String> for HostPort {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<SocketAddr> for HostPort {
    fn from(address: SocketAddr) -> Self {
        Self::new(address.ip().to_string(), address.port())
    }
}

impl<H: Into<String>> From<(H, u16)> for HostPort {
    fn from((host, port): (H, u16)) -> Self {
        Self::new(host, port)
    }
}

impl<T: Into<HostPort>> Given<Vec<HostPort>> for T {
    fn given(self) -> Vec<HostPort> {
        vec![self.into()]
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_as_they_are_written() {
        let cases = [
            ("127.0.0.1:2775", "127.0.0.1", 2775),
            ("smpp1.example:8775", "smpp1.example", 8775),
            ("[::1]:2775", "::1", 2775),
            ("smpp1.example", "smpp1.example", 0),
            ("::1", "::1", 0),
            ("smpp1.example:", "smpp1.example:", 0),
            ("smpp1.example:70000", "smpp1.example:70000", 0),
        ];
        for (text, host, port) in cases {
            let read = HostPort::from(text);
            assert_eq!((read.host(), read.port()), (host, port), "{text}");
            if port != 0 {
                assert_eq!(read.to_string(), text);
            }
        }
    }
}
