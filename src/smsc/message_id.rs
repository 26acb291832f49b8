//! The ids that an SMSC gives to messages: a counter, written as its operator likes.

use crate::pdu::COctetString;

/// The message ids of an SMSC: numbers in the order of acceptance.
///
/// Some SMSCs write the same number in one way in responses and in another in receipts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageIds {
    /// The number of the first message.
    pub first: u64,
    /// How a number looks in responses, in the requests that name a message, and in `receipted_message_id`.
    pub in_responses: IdFormat,
    /// How it looks in the text of receipts. Their TLV repeats the response to the letter.
    pub in_receipts: IdFormat,
}

impl Default for MessageIds {
    /// Ten decimal digits everywhere, from 1.
    fn default() -> Self {
        let form = IdFormat::Decimal { width: 10 };
        Self {
            first: 1,
            in_responses: form,
            in_receipts: form,
        }
    }
}

/// How the number of a message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdFormat {
    /// Decimal digits.
    Decimal {
        /// Zeros are put in front up to this many digits, at most 20.
        width: u8,
    },
    /// Hexadecimal digits, letters in lower case.
    Hex {
        /// Zeros are put in front up to this many digits, at most 20.
        width: u8,
    },
}

/// Room for every `u64` in either base.
const MAX_DIGITS: usize = 20;

impl IdFormat {
    /// The id of message `number`.
    #[must_use]
    pub fn write(self, number: u64) -> COctetString<65> {
        let (base, width) = self.base_and_width();
        let mut digits = [b'0'; MAX_DIGITS];
        let mut left = number;
        let mut used = 0;
        for digit in digits.iter_mut().rev() {
            if left == 0 && used >= width {
                break;
            }
            // Lossless: less than the base.
            *digit = match (left % base) as u8 {
                value @ 0..=9 => b'0' + value,
                value => b'a' + value - 10,
            };
            left /= base;
            used += 1;
        }
        let text = digits.get(MAX_DIGITS - used..).unwrap_or_default();
        COctetString::from_octets(text).unwrap_or_default()
    }

    /// The number of a message whose id is `id`, zeros in front or not.
    #[must_use]
    pub fn read(self, id: &[u8]) -> Option<u64> {
        let (base, _) = self.base_and_width();
        if id.is_empty() {
            return None;
        }
        id.iter().try_fold(0_u64, |number, octet| {
            let digit = char::from(*octet).to_digit(u32::try_from(base).ok()?)?;
            number.checked_mul(base)?.checked_add(u64::from(digit))
        })
    }

    fn base_and_width(self) -> (u64, usize) {
        let (base, width) = match self {
            Self::Decimal { width } => (10, width),
            Self::Hex { width } => (16, width),
        };
        (base, usize::from(width).clamp(1, MAX_DIGITS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_look_as_configured() {
        let cases = [
            (IdFormat::Decimal { width: 0 }, 0, "0"),
            (IdFormat::Decimal { width: 0 }, 42, "42"),
            (IdFormat::Decimal { width: 10 }, 42, "0000000042"),
            (IdFormat::Decimal { width: 2 }, 12_345, "12345"),
            (IdFormat::Decimal { width: 255 }, u64::MAX, "18446744073709551615"),
            (IdFormat::Hex { width: 1 }, 255, "ff"),
            (IdFormat::Hex { width: 8 }, 0xDEAD_BEEF_u64, "deadbeef"),
            (IdFormat::Hex { width: 8 }, 26, "0000001a"),
        ];
        for (form, number, expected) in cases {
            assert_eq!(form.write(number), expected, "{form:?}");
        }
    }

    #[test]
    fn ids_of_others_name_no_message() {
        let cases = [
            (IdFormat::Decimal { width: 10 }, "1a", None),
            (IdFormat::Decimal { width: 10 }, "", None),
            (IdFormat::Decimal { width: 10 }, "-1", None),
            (IdFormat::Decimal { width: 10 }, "18446744073709551616", None),
            (IdFormat::Decimal { width: 10 }, "7", Some(7)),
            (IdFormat::Hex { width: 1 }, "1A", Some(26)),
        ];
        for (form, id, expected) in cases {
            assert_eq!(form.read(id.as_bytes()), expected, "{form:?} {id}");
        }
    }

    proptest! {
        #[test]
        fn an_id_names_its_number(number: u64, width in 0_u8..24, hex: bool) {
            let form = if hex { IdFormat::Hex { width } } else { IdFormat::Decimal { width } };
            prop_assert_eq!(form.read(form.write(number).as_bytes()), Some(number));
        }
    }
}
