//! How the values of the protocol are written behind one key.

use super::rule::Rule;
use super::scalar::{Found, Raw, Scalar, ruled_as_it_is, words};
use super::shown::Shown;
use super::{
    CertificatePin, IdDigits, LogLevel, Mode, PartsAnswered, RateScope, ReceiptForm, RouteStrategy, TlsNeed,
    TlsVersion, TlvSet,
};
use crate::pdu::{CommandId, CommandStatus, InterfaceVersion, Npi, StatusClass, TlvKind, TlvTag, Ton};
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
    PartsAnswered {
        "each" = Self::Each,
        "whole" = Self::Whole,
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
    TlvKind {
        "integer" = Self::Integer,
        "c_octet_string" = Self::Text,
        "octet_string" = Self::Octets,
    }
    RouteStrategy {
        "most-room" = Self::MostRoom,
        "round-robin" = Self::RoundRobin,
        "weighted" = Self::Weighted,
        "tiers" = Self::Tiers,
        "sticky" = Self::Sticky,
    }
    TlsNeed {
        "required" = Self::Required,
        "offered" = Self::Offered,
    }
    RateScope {
        "server" = Self::Server,
        "account" = Self::Account,
    }
    ReceiptForm {
        "text" = Self::Text,
        "text-and-tlv" = Self::TextAndTlv,
        "own" = Self::Own,
    }
    TlvSet {
        "india-dlt" = Self::IndiaDlt,
        "bulksms" = Self::BulkSms,
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

impl Scalar for CertificatePin {
    ruled_as_it_is!();

    fn allowed(_: &str) -> String {
        String::from("SHA-256 values of certificates, 64 hexadecimal digits each, in quotes")
    }

    fn read(raw: Raw<'_>) -> Result<Self, Found> {
        Self::parse(raw.text()?).ok_or_else(|| raw.found())
    }

    fn show(&self) -> Option<Shown> {
        Some(Shown::Text(self.to_string()))
    }
}

impl Scalar for TlvTag {
    ruled_as_it_is!();

    fn allowed(rule: &str) -> String {
        format!("a number{rule}, such as 0x1400")
    }

    fn read(raw: Raw<'_>) -> Result<Self, Found> {
        let number = match raw.text().ok().and_then(from_hexadecimal) {
            Some(number) => Some(number),
            None => raw.integer().ok().and_then(|number| u16::try_from(number).ok()),
        };
        number.map(Self::new).ok_or_else(|| raw.found())
    }

    fn show(&self) -> Option<Shown> {
        Some(Shown::Text(hexadecimal(*self)))
    }
}

/// A tag as it is written where it has no name.
pub(super) fn hexadecimal(tag: TlvTag) -> String {
    format!("0x{:04X}", tag.value())
}

/// A number of up to 16 bits, written as `0x…`.
pub(super) fn from_hexadecimal(text: &str) -> Option<u16> {
    u16::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

/// Tags that a TLV can have.
pub(super) struct NotZero;

impl Rule<TlvTag> for NotZero {
    fn allows(&self, tag: &TlvTag) -> bool {
        tag.value() != 0
    }

    fn words(&self) -> String {
        String::from(" from 1 to 65535")
    }
}

impl Scalar for CommandId {
    ruled_as_it_is!();

    fn allowed(_: &str) -> String {
        String::from("the name of a PDU, such as \"submit_sm\"")
    }

    fn read(raw: Raw<'_>) -> Result<Self, Found> {
        Self::from_name(raw.text()?).ok_or_else(|| raw.found())
    }

    fn show(&self) -> Option<Shown> {
        self.name().map(|name| Shown::Text(name.to_owned()))
    }
}

/// What may stand in a list.
pub(super) trait Listed: Scalar {
    /// What is allowed for the list; `rule` narrows it.
    fn list_allowed(rule: &str) -> String;
}

impl Listed for String {
    fn list_allowed(rule: &str) -> String {
        match rule {
            "" => String::from("a list of names in quotes, such as [\"a-1\", \"a-2\"]"),
            rule => format!("a list{rule}"),
        }
    }
}

impl Listed for u16 {
    fn list_allowed(_: &str) -> String {
        String::from("a list of whole numbers")
    }
}

impl Listed for CommandId {
    fn list_allowed(_: &str) -> String {
        String::from("a list of PDUs by name, such as [\"submit_sm\"]")
    }
}

impl Listed for TlvSet {
    fn list_allowed(_: &str) -> String {
        format!("a list of {}", Self::allowed(""))
    }
}

impl Listed for CertificatePin {
    fn list_allowed(_: &str) -> String {
        format!("a list of {}", Self::allowed(""))
    }
}

/// A list; from the environment with commas between its items.
impl<T: Listed> Scalar for Vec<T> {
    type Ruled = Self;

    fn allowed(rule: &str) -> String {
        T::list_allowed(rule)
    }

    fn read(raw: Raw<'_>) -> Result<Self, Found> {
        items(raw)
    }

    fn show(&self) -> Option<Shown> {
        Some(Shown::List(self.iter().filter_map(T::show).collect()))
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
