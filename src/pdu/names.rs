//! How code points are written in settings: by name, as a number, or as a number in `0x…`.

use std::fmt::Display;

use serde::de::{Deserialize, Deserializer, Error};

use super::{CommandId, CommandStatus, TlvTag};

/// What stands in a setting.
#[derive(serde::Deserialize)]
#[serde(untagged, expecting = "a name or a number")]
enum NameOrNumber {
    Number(u32),
    Name(String),
}

/// Reads one, with `named` for names and `numbered` for numbers.
fn read<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    what: impl Display,
    named: impl Fn(&str) -> Option<T>,
    numbered: impl Fn(u32) -> Option<T>,
) -> Result<T, D::Error> {
    match NameOrNumber::deserialize(deserializer)? {
        NameOrNumber::Number(number) => {
            numbered(number).ok_or_else(|| D::Error::custom(format_args!("{number} is no {what}")))
        }
        NameOrNumber::Name(name) => {
            // Keys of tables are texts, numbers too.
            let number = match name.strip_prefix("0x") {
                Some(digits) => u32::from_str_radix(digits, 16).ok(),
                None => name.parse().ok(),
            };
            number
                .map_or_else(|| named(&name), &numbered)
                .ok_or_else(|| D::Error::custom(format_args!("{name:?} is no {what}")))
        }
    }
}

impl<'de> Deserialize<'de> for CommandId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let what = "command, such as \"submit_sm\" or 0x00000004";
        read(deserializer, what, Self::from_name, |number| {
            Some(Self::new(number))
        })
    }
}

impl<'de> Deserialize<'de> for CommandStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let what = "command_status, such as \"ESME_RTHROTTLED\" or 0x00000058";
        read(deserializer, what, Self::from_name, |number| {
            Some(Self::new(number))
        })
    }
}

impl<'de> Deserialize<'de> for TlvTag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let numbered = |number| u16::try_from(number).ok().map(Self::new);
        read(deserializer, "TLV tag, such as 0x1400", Self::from_name, numbered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Setting {
        command: CommandId,
        status: CommandStatus,
        tag: TlvTag,
    }

    #[test]
    fn code_points_are_written_by_name_or_as_numbers() {
        let expected = Setting {
            command: CommandId::SUBMIT_SM,
            status: CommandStatus::ESME_RTHROTTLED,
            tag: TlvTag::MESSAGE_PAYLOAD,
        };
        for text in [
            "command = 'submit_sm'\nstatus = 'ESME_RTHROTTLED'\ntag = 'message_payload'",
            "command = 4\nstatus = 0x58\ntag = 0x0424",
            "command = '0x00000004'\nstatus = '0x58'\ntag = '0x0424'",
        ] {
            assert_eq!(toml::from_str::<Setting>(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_neither_says_what_would_be_right() {
        let error = toml::from_str::<Setting>("command = 'submit'\nstatus = 0\ntag = 0").unwrap_err();
        assert!(
            error.message().contains("\"submit\" is no command, such as"),
            "{error}"
        );
        let error = toml::from_str::<Setting>("command = 4\nstatus = 0\ntag = 70000").unwrap_err();
        assert!(error.message().contains("70000 is no TLV tag"), "{error}");
    }
}
