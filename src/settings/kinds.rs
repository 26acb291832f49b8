//! How the values of the protocol are written behind one key.

use super::scalar::{Found, Raw, Scalar, ruled_as_it_is, words};
use super::shown::Shown;
use super::{IdDigits, LogLevel, Mode, TlsVersion};
use crate::pdu::{CommandStatus, InterfaceVersion, Npi, StatusClass, Ton};
use crate::session::EnquireLinkMode;
use crate::sm::{DefaultAlphabet, IdBase};

words! {
    Mode {
        "transceiver" = Self::Transceiver,
        "transmitter" = Self::Transmitter,
        "receiver" = Self::Receiver,
    }
    EnquireLinkMode {
        "idle" = Self::Idle,
        "fixed" = Self::Fixed,
    }
    InterfaceVersion {
        "3.3" = Self::V3_3,
        "3.4" = Self::V3_4,
        "5.0" = Self::V5_0,
    }
    StatusClass {
        "throttle" = Self::Throttle,
        "queue-full" = Self::QueueFull,
        "retryable" = Self::Retryable,
        "permanent" = Self::Permanent,
        "session" = Self::Session,
        "bind-retry" = Self::BindRetry,
        "bind-fatal" = Self::BindFatal,
    }
    TlsVersion {
        "1.2" = Self::V1_2,
        "1.3" = Self::V1_3,
    }
    IdBase {
        "text" = Self::Text,
        "decimal" = Self::Decimal,
        "hex" = Self::Hex,
    }
    DefaultAlphabet {
        "gsm" = Self::Gsm,
        "gsm-packed" = Self::GsmPacked,
        "latin1" = Self::Latin1,
        "ascii" = Self::Ascii,
        "utf8" = Self::Utf8,
    }
    LogLevel {
        "off" = Self::Off,
        "error" = Self::Error,
        "warn" = Self::Warn,
        "info" = Self::Info,
        "debug" = Self::Debug,
        "trace" = Self::Trace,
    }
}

/// Code points: a name, or the number where there is none.
macro_rules! code_points {
    ($( $type:ty: $integer:ty, $allowed:literal; )*) => { $(
        impl Scalar for $type {
            ruled_as_it_is!();

            fn allowed(_: &str) -> String {
                String::from($allowed)
            }

            fn read(raw: Raw<'_>) -> Result<Self, Found> {
                let named = |text: &str| {
                    let is_it = |point: &&Self| point.name().is_some_and(|name| name.eq_ignore_ascii_case(text));
                    Self::ALL.iter().find(is_it).copied()
                };
                match raw.text().ok().and_then(named) {
                    Some(point) => Ok(point),
                    None => raw.integer()
                        .ok()
                        .and_then(|value| <$integer>::try_from(value).ok())
                        .map(Self::new)
                        .ok_or_else(|| raw.found()),
                }
            }

            fn show(&self) -> Option<Shown> {
                Some(match self.name() {
                    Some(name) => Shown::Text(lower_but_status(name)),
                    None => Shown::Integer(u64::from(self.value())),
                })
            }
        }
    )* };
}

code_points! {
    Ton: u8, "the name of a type of number, such as \"international\", or a number from 0 to 255";
    Npi: u8, "the name of a numbering plan, such as \"isdn\", or a number from 0 to 255";
    CommandStatus: u32, "the name of a status, such as \"ESME_RX_T_APPN\", or its number";
}

/// Statuses keep their official spelling.
fn lower_but_status(name: &str) -> String {
    match name.starts_with("ESME_") {
        true => name.to_owned(),
        false => name.to_lowercase(),
    }
}

impl Scalar for IdDigits {
    ruled_as_it_is!();

    fn allowed(_: &str) -> String {
        String::from("\"decimal\" or \"hex\", with the least number of digits as in \"decimal:10\"")
    }

    fn read(raw: Raw<'_>) -> Result<Self, Found> {
        const MOST_DIGITS: u8 = 20;
        let text = raw.text()?;
        let (base, width) = text.split_once(':').unwrap_or((text, "1"));
        let hex = match base {
            "hex" => true,
            "decimal" => false,
            _ => return Err(raw.found()),
        };
        match width.parse() {
            Ok(width @ 1..=MOST_DIGITS) => Ok(Self { hex, width }),
            _ => Err(raw.found()),
        }
    }

    fn show(&self) -> Option<Shown> {
        let base = if self.hex { "hex" } else { "decimal" };
        Some(Shown::Text(format!("{base}:{}", self.width)))
    }
}

/// A list of names; from the environment with commas between them.
impl Scalar for Vec<String> {
    type Ruled = Self;

    fn allowed(_: &str) -> String {
        String::from("a list of names in quotes, such as [\"a-1\", \"a-2\"]")
    }

    fn read(raw: Raw<'_>) -> Result<Self, Found> {
        items(raw)
    }

    fn show(&self) -> Option<Shown> {
        Some(Shown::List(self.iter().cloned().map(Shown::Text).collect()))
    }

    fn ruled(&self) -> Option<&Self> {
        Some(self)
    }
}

/// A list; from the environment with commas between its items.
pub(super) fn items<T: Scalar>(raw: Raw<'_>) -> Result<Vec<T>, Found> {
    match raw {
        Raw::Typed(config::ValueKind::Array(values)) => values
            .iter()
            .map(|value| T::read(Raw::Typed(&value.kind)))
            .collect(),
        Raw::Text(text) => text
            .split(',')
            .map(|item| T::read(Raw::Text(item.trim())))
            .collect(),
        Raw::Typed(_) => Err(raw.found()),
    }
}
