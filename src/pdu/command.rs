//! `command_id`: which PDU it is. The constants are rows of the PDU table.

use super::code::code_point_traits;

/// Which PDU it is (3.4 section 5.1.2); bit 31 tells responses.
#[derive(Clone, Copy, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CommandId(u32);

impl CommandId {
    const RESPONSE: u32 = 0x8000_0000;

    /// The requests of an ESME that are messages: an SMSC answers them with a message id.
    pub const MESSAGES: [Self; 4] = [
        Self::SUBMIT_SM,
        Self::SUBMIT_MULTI,
        Self::DATA_SM,
        Self::BROADCAST_SM,
    ];

    /// Wraps a value of the wire.
    #[must_use]
    pub const fn new(value: u32) -> Self {
        Self(value)
    }

    /// The value on the wire.
    #[must_use]
    pub const fn value(self) -> u32 {
        self.0
    }

    /// True for responses, generic_nack included.
    #[must_use]
    pub const fn is_response(self) -> bool {
        self.0 & Self::RESPONSE != 0
    }

    /// True for [`MESSAGES`](Self::MESSAGES).
    #[must_use]
    #[inline]
    pub fn is_message(self) -> bool {
        Self::MESSAGES.contains(&self)
    }

    /// True for the PDUs of the table.
    #[must_use]
    pub const fn is_known(self) -> bool {
        self.name().is_some()
    }

    /// What answers this request: its response if there is one. Nothing answers responses,
    /// alert_notification and outbind; unknown requests get generic_nack.
    #[must_use]
    pub const fn response(self) -> Option<Self> {
        let response = Self(self.0 | Self::RESPONSE);
        match self {
            _ if self.is_response() => None,
            Self::ALERT_NOTIFICATION | Self::OUTBIND => None,
            _ if response.is_known() => Some(response),
            _ => Some(Self::GENERIC_NACK),
        }
    }

    /// The request that this response answers; none for requests, generic_nack and unknown responses.
    #[must_use]
    pub const fn request(self) -> Option<Self> {
        let request = Self(self.0 & !Self::RESPONSE);
        if self.is_response() && request.is_known() {
            Some(request)
        } else {
            None
        }
    }

    /// The PDU of a standard name such as `submit_sm`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|id| id.name() == Some(name))
    }
}

code_point_traits!(CommandId(u32));
