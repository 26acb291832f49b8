//! How a connection is encrypted, and whom it trusts.

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

section! {
    /// TLS of one bind. Files are read again for each connection, so renewed ones need no restart.
    pub struct TlsSettings {
        /// Whether the connection is encrypted.
        pub enabled: bool = false;
        /// The name that the SMSC's certificate must bear, and that is asked for (SNI). Default: the host.
        pub server_name: Option<String> = None, Characters(1..=253);
        /// File with the certificates (PEM) of the authorities that are trusted. Default: those of the system.
        pub ca_file: Option<String> = None, Characters(1..=4096);
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
