//! The phases of a bind's life and what moves it from one to the next.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::pdu::CommandStatus;
use crate::session::CloseCause;

/// Where a bind stands.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Phase {
    /// Resolves the host, connects, shakes hands over TLS.
    Connecting,
    /// Connected; nobody has asked for the bind yet.
    Open,
    /// Connected; the bind was sent.
    Binding,
    /// Bound: takes messages.
    Bound,
    /// Takes no more messages, waits for answers, then unbinds.
    Draining,
    /// Not connected; tries again after the delay that was drawn.
    Waiting {
        /// From the moment of the event.
        retry_in: Duration,
    },
    /// Not connected because somebody paused it.
    Paused,
    /// Ended for good.
    Stopped,
}

impl Phase {
    /// One lower-case word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Open => "open",
            Self::Binding => "binding",
            Self::Bound => "bound",
            Self::Draining => "draining",
            Self::Waiting { .. } => "waiting",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What brought a bind into a phase.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// Things take their course.
    #[error("as planned")]
    Progress,
    /// Somebody asked for it: pause, resume, drain, shut down.
    #[error("asked for")]
    Asked,
    /// There is no connection.
    #[error("{0}")]
    Connect(ConnectFailure),
    /// The session ended.
    #[error("{}", close_text(*.0))]
    Session(CloseCause),
    /// The SMSC refused a request because of its session: it takes us for not bound.
    #[error("the session is of no use: {0} ({desc})", desc = .0.meaning())]
    SessionRefused(CommandStatus),
    /// The actor panicked.
    #[error("panicked")]
    Panicked,
}

impl Cause {
    /// What the SMSC answered when it refused the bind.
    #[must_use]
    pub const fn refused(self) -> Option<CommandStatus> {
        match self {
            Self::Session(CloseCause::BindRefused(status)) => Some(status),
            _ => None,
        }
    }

    /// True for an end that one of the sides wanted.
    #[must_use]
    pub const fn is_parting(self) -> bool {
        matches!(
            self,
            Self::Asked | Self::Session(CloseCause::Unbound | CloseCause::PeerUnbound)
        )
    }
}

/// Why there is no connection.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectFailure {
    /// The host has no address, or its name could not be resolved.
    #[error("no address found")]
    NoAddress,
    /// Every address refused or failed; this is the last.
    #[error("cannot connect: {0}")]
    Io(io::ErrorKind),
    /// It took too long.
    #[error("connecting took too long")]
    TimedOut,
    /// The peer's certificate is expired or not yet valid.
    #[error("the certificate of the peer is expired or not yet valid")]
    CertificateExpired,
    /// The peer's certificate is for another name.
    #[error("the certificate of the peer is for another name")]
    CertificateName,
    /// The peer's certificate is signed by nobody whom we trust.
    #[error("the certificate of the peer is signed by an unknown authority")]
    CertificateAuthority,
    /// The peer's certificate is none of those that are pinned.
    #[error("the certificate of the peer is not one of those that are pinned")]
    CertificateNotPinned,
    /// The peer's certificate is not valid for another reason.
    #[error("the certificate of the peer is not valid")]
    CertificateInvalid,
    /// Our own files or settings for TLS cannot be used.
    #[error("the files or settings for TLS cannot be used")]
    TlsSettings,
    /// TLS failed otherwise.
    #[error("TLS failed")]
    Tls,
}

fn close_text(cause: CloseCause) -> String {
    match cause {
        CloseCause::Unbound => "unbound".into(),
        CloseCause::PeerUnbound => "the peer unbound".into(),
        CloseCause::Disconnected => "the connection broke".into(),
        CloseCause::LinkDead => "enquire_link was not answered".into(),
        CloseCause::Inactive => "nothing came for too long".into(),
        CloseCause::NotBound => "no bind in time".into(),
        CloseCause::BindExpired => "the bind was not answered in time".into(),
        CloseCause::BindRefused(status) => format!("bind refused: {status} ({})", status.meaning()),
        CloseCause::Framing(error) => format!("framing lost: {error}"),
        CloseCause::WriteStalled => "the peer does not read".into(),
        CloseCause::NoProgress => "no request was answered".into(),
    }
}
