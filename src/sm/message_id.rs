//! Message ids that are written in one way in responses and in another in receipts.

use std::borrow::Cow;

/// The base that a message centre writes its ids in.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum IdBase {
    /// Any characters: the id is what it says.
    #[default]
    Text,
    /// A number in decimal.
    Decimal,
    /// A number in hexadecimal.
    Hex,
}

/// How ids of one kind are compared.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct IdForm {
    /// The base.
    pub base: IdBase,
    /// Upper and lower case are the same. Numbers never care.
    pub ignore_case: bool,
    /// Zeros in front do not count. For numbers they never do.
    pub ignore_leading_zeros: bool,
}

impl IdForm {
    /// Ids as they are.
    pub const AS_IS: Self = Self {
        base: IdBase::Text,
        ignore_case: false,
        ignore_leading_zeros: false,
    };
    /// Numbers in decimal.
    pub const DECIMAL: Self = Self {
        base: IdBase::Decimal,
        ..Self::AS_IS
    };
    /// Numbers in hexadecimal.
    pub const HEX: Self = Self {
        base: IdBase::Hex,
        ..Self::AS_IS
    };

    /// The form in which ids are compared: numbers in decimal without leading zeros.
    ///
    /// What is not a number of the base, or does not fit 128 bits, is compared as text. Allocates only when the
    /// id changes.
    #[must_use]
    #[inline]
    pub fn normalise(self, id: &str) -> Cow<'_, str> {
        let id = trimmed(id);
        if self == Self::AS_IS {
            return Cow::Borrowed(id);
        }
        self.normalise_trimmed(id)
    }

    fn normalise_trimmed(self, id: &str) -> Cow<'_, str> {
        match self.base {
            IdBase::Decimal if is_number(id, 10) => Cow::Borrowed(without_zeros(id)),
            IdBase::Hex if is_number(id, 16) => match u128::from_str_radix(id, 16) {
                Ok(number) => Cow::Owned(number.to_string()),
                Err(_) => self.as_text(id),
            },
            _ => self.as_text(id),
        }
    }

    fn as_text(self, id: &str) -> Cow<'_, str> {
        let id = if self.ignore_leading_zeros {
            without_zeros(id)
        } else {
            id
        };
        match self.ignore_case && id.bytes().any(|octet| octet.is_ascii_uppercase()) {
            true => Cow::Owned(id.to_ascii_lowercase()),
            false => Cow::Borrowed(id),
        }
    }
}

/// How the ids of an account are to be read: in responses to submits, and in the text of receipts.
///
/// The TLV receipted_message_id has the form of the response. [`Correlator`](super::Correlator) looks for it first,
/// then for the id of the text.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct IdRules {
    /// In the response to the submit, and in the TLV of the receipt.
    pub response: IdForm,
    /// In the text of the receipt.
    pub receipt: IdForm,
}

/// Without blanks around it; nearly none has any.
#[inline]
fn trimmed(id: &str) -> &str {
    match id.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => id,
        _ => id.trim(),
    }
}

fn is_number(id: &str, radix: u32) -> bool {
    !id.is_empty() && id.chars().all(|character| character.is_digit(radix))
}

/// Without zeros in front; one stays of an id of zeros only.
fn without_zeros(id: &str) -> &str {
    match id.trim_start_matches('0') {
        "" => id.get(id.len().saturating_sub(1)..).unwrap_or(id),
        rest => rest,
    }
}
