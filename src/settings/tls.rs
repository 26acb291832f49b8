//! How a connection is encrypted, and whom it trusts.

use std::fmt;

use super::rule::Characters;
use super::section::section;

/// The oldest version of TLS that is spoken.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum TlsVersion {
    /// TLS 1.2.
    #[default]
    V1_2,
    /// TLS 1.3.
    V1_3,
}

/// The SHA-256 of a certificate in DER, as `openssl x509 -outform der | sha256sum` prints it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct CertificatePin(pub [u8; 32]);

impl CertificatePin {
    /// Reads 64 hexadecimal digits, in pairs with a colon between them or without; none for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits: Vec<u8> = match text.contains(':') {
            false => text.bytes().collect(),
            true if text.split(':').all(|pair| pair.len() == 2) => {
                text.bytes().filter(|octet| *octet != b':').collect()
            }
            true => return None,
        };
        let (pairs, []) = digits.as_chunks::<2>() else {
            return None;
        };
        let digit = |octet: u8| {
            char::from(octet)
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        };
        let octets = pairs
            .iter()
            .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
        let octets: Vec<u8> = octets.collect::<Option<_>>()?;
        octets.try_into().ok().map(Self)
    }
}

impl fmt::Display for CertificatePin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

section! {
    /// TLS of one bind. Files are read again for each connection, so renewed ones need no restart.
    pub struct TlsSettings {
        /// Whether the connection is encrypted.
        pub enabled: bool = false;
        /// The name that the SMSC's certificate must bear, and that is asked for (SNI). Default: the host.
        pub server_name: Option<String> = None, Characters(1..=253);
        /// File with the certificates (PEM) of the authorities that are trusted. Default: those of the system.
        pub ca_file: Option<String> = None, Characters(1..=4096);
        /// SHA-256 of the certificates (DER) one of which the SMSC must show, in hexadecimal. It counts instead of
        /// authorities, names and dates. Several, so that the next one can be named before the change.
        pub pinned_sha256: Vec<CertificatePin> = Vec::new();
        /// File with our certificate (PEM) and those between it and its authority; needs `key_file`.
        pub certificate_file: Option<String> = None, Characters(1..=4096);
        /// File with the key (PEM) of our certificate.
        pub key_file: Option<String> = None, Characters(1..=4096);
        /// The oldest version that is spoken: `1.2` or `1.3`.
        pub min_version: TlsVersion = TlsVersion::V1_2;
        /// Takes whatever certificate is shown: whoever is in between can read and change everything.
        pub dangerously_accept_any_certificate: bool = false;
    }
}

section! {
    /// TLS of an embedded SMSC. Files are read again for each connection, so renewed ones need no restart.
    pub struct SmscTlsSettings {
        /// Whether connections are encrypted; then none is taken that is not.
        pub enabled: bool = false;
        /// File with its certificate (PEM) and those between it and its authority; needs `key_file`.
        pub certificate_file: Option<String> = None, Characters(1..=4096);
        /// File with the key (PEM) of its certificate.
        pub key_file: Option<String> = None, Characters(1..=4096);
        /// File with the certificates (PEM) of the authorities of clients: whoever connects must then show a certificate
        /// of theirs. Default: none is asked for.
        pub ca_file: Option<String> = None, Characters(1..=4096);
        /// The oldest version that is spoken: `1.2` or `1.3`.
        pub min_version: TlsVersion = TlsVersion::V1_2;
    }
}
