//! The SMSC says that a subscriber can be reached again.

use std::borrow::Cow;
use std::fmt;

use super::filter::Side;
use super::shown;
use crate::pdu::{AlertNotification, Header, Pdu};
use crate::submit::{AccountId, BindId};

/// An alert_notification came: a subscriber for whom something waits can be reached again (3.4 section 4.12).
///
/// Nothing answers it, so whoever wants to know of it subscribes.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct AlertEvent {
    /// The bind that it came on.
    pub bind: BindId,
    /// Its account.
    pub account: AccountId,
    /// Its header.
    pub header: Header,
    /// What it says: who can be reached, and who asked to be told.
    pub alert: AlertNotification,
}

impl AlertEvent {
    pub(crate) const fn new(
        bind: BindId,
        account: AccountId,
        header: Header,
        alert: AlertNotification,
    ) -> Self {
        Self {
            bind,
            account,
            header,
            alert,
        }
    }

    /// On the side of the source who can be reached, on the other who asked to be told.
    pub(super) fn address(&self, side: Side) -> Cow<'_, str> {
        match side {
            Side::Source => self.alert.source_addr.to_text(),
            Side::Destination => self.alert.esme_addr.to_text(),
        }
    }
}

impl fmt::Debug for AlertEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AlertEvent")
            .field("bind", &self.bind)
            .field("account", &self.account)
            .field("header", &self.header)
            .field("alert", &shown::Shown(&Pdu::from(self.alert.clone())))
            .finish()
    }
}
