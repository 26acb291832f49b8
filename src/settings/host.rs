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

impl From<&str> for HostPort {
    /// Takes any text; one without a port gets port 0, which checking the settings refuses for a bind.
    fn from(text: &str) -> Self {
        let (host, port) = match text.rsplit_once(':') {
            // More colons without brackets are an IPv6 address without a port.
            Some((host, _)) if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) => {
                (text, "0")
            }
            Some(parts) => parts,
            None => (text, "0"),
        };
        match port.parse() {
            Ok(port) => Self::new(without_brackets(host), port),
            Err(_) => Self::new(text, 0),
        }
    }
}

fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
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
