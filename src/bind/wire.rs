//! The bind PDU of one bind.

use crate::pdu::{Body, CommandId, EncodeError, EncodeErrorKind};
use crate::session::{RequestError, Session};
use crate::settings::{BindSettings, Mode};

/// A bind PDU written straight from the settings. `system_id` and `password` have the maximum that the settings
/// give them, because some SMSCs want longer ones than the 15 and 8 characters of the standard.
struct BindPdu<'a, const COMMAND_ID: u32>(&'a BindSettings);

impl<const COMMAND_ID: u32> Body for BindPdu<'_, COMMAND_ID> {
    const COMMAND_ID: CommandId = CommandId::new(COMMAND_ID);

    fn encode_body(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let bind = self.0;
        let mut text = |field: &'static str, text: &str, max: usize| {
            let length = text.chars().count();
            let kind = if length > max {
                EncodeErrorKind::TooLong { length, max }
            } else if text.contains('\0') {
                EncodeErrorKind::Nul
            } else {
                out.extend_from_slice(text.as_bytes());
                out.push(0);
                return Ok(());
            };
            Err(EncodeError::new(kind, field, Self::COMMAND_ID))
        };
        text("system_id", &bind.system_id, bind.system_id_max_length)?;
        text("password", bind.password.expose(), bind.password_max_length)?;
        text("system_type", &bind.system_type, 12)?;
        let numbers = [
            bind.interface_version.value(),
            bind.addr_ton.value(),
            bind.addr_npi.value(),
        ];
        out.extend_from_slice(&numbers);
        out.extend_from_slice(bind.address_range.as_bytes());
        out.push(0);
        Ok(())
    }

    fn has_tlvs(&self) -> bool {
        false
    }
}

/// Sends the bind PDU for `mode`.
pub(super) fn send_bind<T>(
    settings: &BindSettings,
    mode: Mode,
    session: &mut Session<T>,
    now: std::time::Instant,
) -> Result<(), RequestError> {
    match mode {
        Mode::Transceiver => session.bind(&BindPdu::<{ CommandId::BIND_TRANSCEIVER.value() }>(settings), now),
        Mode::Transmitter => session.bind(&BindPdu::<{ CommandId::BIND_TRANSMITTER.value() }>(settings), now),
        Mode::Receiver => session.bind(&BindPdu::<{ CommandId::BIND_RECEIVER.value() }>(settings), now),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdu::{CommandStatus, SequenceNumber, encode};

    #[test]
    fn the_bind_pdu_says_what_the_settings_say() {
        let settings = BindSettings::new("smsc:2775", "demofoo", "secret!");
        let mut out = Vec::new();
        let body = BindPdu::<{ CommandId::BIND_TRANSCEIVER.value() }>(&settings);
        encode(&body, CommandStatus::ESME_ROK, SequenceNumber::FIRST, &mut out).unwrap();
        assert_eq!(
            out,
            b"\0\0\0\x25\0\0\0\x09\0\0\0\0\0\0\0\x01demofoo\0secret!\0\0\x34\0\0\0"
        );
    }

    #[test]
    fn a_password_is_never_cut() {
        let settings = BindSettings::new("smsc:2775", "a", "toolongforapassword");
        let mut out = Vec::new();
        let refused = BindPdu::<1>(&settings).encode_body(&mut out).unwrap_err();
        assert_eq!(
            (refused.field, refused.kind),
            ("password", EncodeErrorKind::TooLong { length: 19, max: 8 })
        );
        let longer = settings.password_max_length(19_usize);
        BindPdu::<1>(&longer).encode_body(&mut out).unwrap();
    }
}
