//! Addresses as people write them.

use std::borrow::Cow;

use super::InvalidCause;
use crate::pdu::{COctetString, DestAddress, Npi, Pdu, Ton};

/// A number, short code or name, with type and plan where they are not the usual ones.
///
/// Without them they follow from the text: letters are alphanumeric (TON 5, NPI 0); up to six digits are a
/// short code (TON 3, NPI 0); more digits are an international number (TON 1, NPI 1), with or without "+".
#[derive(Clone, Default, Eq, Hash, PartialEq)]
pub struct Address {
    /// The number or name; a "+" in front of digits is not sent.
    pub text: String,
    /// Type of number; none to tell it by the text.
    pub ton: Option<Ton>,
    /// Numbering plan; none to tell it by the text.
    pub npi: Option<Npi>,
}

/// Most digits of what is taken for a short code.
const SHORT_CODE: usize = 6;

impl Address {
    /// An address whose type and plan follow from its text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ton: None,
            npi: None,
        }
    }

    /// The same with this type and plan.
    #[must_use]
    pub const fn typed(mut self, ton: Ton, npi: Npi) -> Self {
        self.ton = Some(ton);
        self.npi = Some(npi);
        self
    }

    /// The three fields of a PDU.
    pub(super) fn fields<const MAX: usize>(
        &self,
        field: &'static str,
    ) -> Result<(Ton, Npi, COctetString<MAX>), InvalidCause> {
        let digits = self.text.strip_prefix('+').unwrap_or(&self.text);
        let is_number = !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_digit());
        let (ton, npi, text) = match is_number {
            true if digits.len() > SHORT_CODE || digits.len() < self.text.len() => {
                (Ton::INTERNATIONAL, Npi::ISDN, digits)
            }
            true => (Ton::NETWORK_SPECIFIC, Npi::UNKNOWN, digits),
            false if self.text.is_empty() => (Ton::UNKNOWN, Npi::UNKNOWN, ""),
            false => (Ton::ALPHANUMERIC, Npi::UNKNOWN, self.text.as_str()),
        };
        let text = COctetString::try_from(text).map_err(|error| InvalidCause::Address { field, error })?;
        Ok((self.ton.unwrap_or(ton), self.npi.unwrap_or(npi), text))
    }
}

impl From<&str> for Address {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Address {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

/// Who sends a message, and whom it is for.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Parties<'m> {
    /// The source; empty where the SMSC decides.
    pub source: Cow<'m, str>,
    /// The destination, of several the first; empty for a distribution list and for what has none.
    pub destination: Cow<'m, str>,
}

impl<'m> Parties<'m> {
    /// Those of a request.
    #[must_use]
    pub fn of(pdu: &'m Pdu) -> Self {
        let (source, destination) = match pdu {
            Pdu::SubmitSm(submit) => (submit.source_addr.to_text(), submit.destination_addr.to_text()),
            Pdu::DataSm(data) => (data.source_addr.to_text(), data.destination_addr.to_text()),
            Pdu::SubmitMulti(submit) => {
                let sme = |address: &'m DestAddress| match address {
                    DestAddress::Sme { destination_addr, .. } => Some(destination_addr.to_text()),
                    _ => None,
                };
                let first = submit.dest_address.iter().find_map(sme);
                (submit.source_addr.to_text(), first.unwrap_or_default())
            }
            Pdu::BroadcastSm(broadcast) => (broadcast.source_addr.to_text(), Cow::default()),
            _ => return Self::default(),
        };
        Self { source, destination }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_and_plan_follow_from_the_text() {
        let cases = [
            ("447700900123", Ton::INTERNATIONAL, Npi::ISDN, "447700900123"),
            ("+447700900123", Ton::INTERNATIONAL, Npi::ISDN, "447700900123"),
            ("12345", Ton::NETWORK_SPECIFIC, Npi::UNKNOWN, "12345"),
            ("Bank", Ton::ALPHANUMERIC, Npi::UNKNOWN, "Bank"),
            ("", Ton::UNKNOWN, Npi::UNKNOWN, ""),
            ("+", Ton::ALPHANUMERIC, Npi::UNKNOWN, "+"),
        ];
        for (text, ton, npi, sent) in cases {
            let fields = Address::new(text).fields::<21>("source_addr").unwrap();
            assert_eq!(
                fields,
                (ton, npi, COctetString::try_from(sent).unwrap()),
                "{text}"
            );
        }
    }

    #[test]
    fn an_address_that_does_not_fit_is_refused_not_cut() {
        let error = Address::new("1".repeat(21)).fields::<21>("destination_addr");
        assert!(matches!(
            error,
            Err(InvalidCause::Address {
                field: "destination_addr",
                ..
            })
        ));
    }
}
