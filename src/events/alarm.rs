//! Something that somebody should look at.

use std::fmt;
use std::sync::Arc;

use super::ConnectFailure;
use crate::pdu::CommandId;
use crate::submit::{AccountId, BindId};

/// An alarm was raised. Prints as the alarm does.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct AlarmEvent {
    /// The account of the bind that it is about; none where it is about no bind.
    pub account: Option<AccountId>,
    /// What it is.
    pub alarm: Alarm,
}

impl fmt::Display for AlarmEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.alarm.fmt(f)
    }
}

/// Something that somebody should look at.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Alarm {
    /// The SMSC refuses our credentials; retries are slow.
    #[error("{bind}: credentials refused")]
    CredentialsRefused {
        /// The bind.
        bind: BindId,
    },
    /// The SMSC does not know binds of this mode; retries are slow.
    #[error("{bind}: the SMSC does not support {}", command.name().unwrap_or_default())]
    ModeRefused {
        /// The bind.
        bind: BindId,
        /// How it would bind.
        command: CommandId,
    },
    /// The SMSC does not know binds of the mode that is configured: the bind has another one from now on.
    #[error("{bind}: goes on with {}", command.name().unwrap_or_default())]
    FellBack {
        /// The bind.
        bind: BindId,
        /// How it binds now.
        command: CommandId,
    },
    /// There is no TLS connection that can be trusted, or our own files for it cannot be used; retries are slow.
    #[error("{bind}: {failure}")]
    TlsRefused {
        /// The bind.
        bind: BindId,
        /// What is wrong.
        failure: ConnectFailure,
    },
    /// The actor of a bind ended by a panic and was started again.
    #[error("{bind}: its actor panicked and was started again")]
    Restarted {
        /// The bind.
        bind: BindId,
    },
    /// The actor of a bind panicked too often; it stays down.
    #[error("{bind}: its actor panicked too often and stays down")]
    GaveUp {
        /// The bind.
        bind: BindId,
    },
    /// Messages were waiting and the SMSC answered none of those that it had: the bind binds anew.
    #[error("{bind}: no progress")]
    Stuck {
        /// The bind.
        bind: BindId,
    },
    /// A bind rejects what others accept: it gets no messages for a while.
    #[error(
        "{bind}: rejected {rejected} messages in a row while others accept theirs; gets none for a while"
    )]
    Quarantined {
        /// The bind.
        bind: BindId,
        /// Messages that it rejected since it last accepted one.
        rejected: u64,
    },
    /// A message came and nobody takes messages; it was refused, or is lost where its parts had been acknowledged on
    /// arrival.
    #[error("{bind}: a message came and nobody takes messages")]
    Unhandled {
        /// The bind.
        bind: BindId,
    },
    /// An actor that answered deliveries is gone; those in its duty are refused until another takes that over.
    #[error("{name} is gone, and with it who answers its deliveries")]
    AnswererGone {
        /// What it was called.
        name: Arc<str>,
    },
    /// An answerer that is still there gave no answer: it panicked over the question, or dropped it.
    #[error("{bind}: {name} gave no answer to a delivery")]
    AnswererFailed {
        /// What it is called.
        name: Arc<str>,
        /// The bind that the delivery came on.
        bind: BindId,
    },
    /// A subscriber is gone without having unsubscribed.
    #[error("a subscriber is gone")]
    SubscriberGone,
}

impl Alarm {
    /// The bind that it is about.
    #[must_use]
    pub const fn bind(&self) -> Option<&BindId> {
        match self {
            Self::CredentialsRefused { bind }
            | Self::FellBack { bind, .. }
            | Self::ModeRefused { bind, .. }
            | Self::TlsRefused { bind, .. }
            | Self::Restarted { bind }
            | Self::GaveUp { bind }
            | Self::Quarantined { bind, .. }
            | Self::Stuck { bind }
            | Self::AnswererFailed { bind, .. }
            | Self::Unhandled { bind } => Some(bind),
            Self::AnswererGone { .. } | Self::SubscriberGone => None,
        }
    }
}
