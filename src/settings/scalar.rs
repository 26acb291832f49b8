//! Values that one key holds: how they are read, and how they are written.

use std::time::Duration;

use config::ValueKind;

use super::problem::list;
use super::rule::{Bound, Rule};
use super::shown::Shown;
use super::{HostPort, host};

/// A value as it came.
#[derive(Clone, Copy, Debug)]
pub(super) enum Raw<'a> {
    /// From the file, with a type of its own.
    Typed(&'a ValueKind),
    /// From the environment: text, whatever it stands for.
    Text(&'a str),
}

/// What was found where something else is allowed.
pub(super) struct Found(pub(super) String);

/// A value of one key.
pub(super) trait Scalar: Sized {
    /// What a rule of the key speaks about: the value, or what is in an option.
    type Ruled;

    /// `"off"` stands for none where the value is optional.
    const CAN_BE_OFF: bool = false;

    /// What is allowed, to stand behind "must be"; `rule` narrows it.
    fn allowed(rule: &str) -> String;

    /// Reads the value.
    fn read(raw: Raw<'_>) -> Result<Self, Found>;

    /// The value as it stands in the file; none where the key is absent.
    fn show(&self) -> Option<Shown>;

    /// What the rule is applied to.
    fn ruled(&self) -> Option<&Self::Ruled>;

    /// Whether the value keeps to the rule.
    fn keeps(&self, rule: &dyn Rule<Self::Ruled>) -> bool {
        self.ruled().is_none_or(|value| rule.allows(value))
    }
}

impl<'a> Raw<'a> {
    /// Text in quotes, or from the environment.
    pub(super) fn text(self) -> Result<&'a str, Found> {
        match self {
            Self::Typed(ValueKind::String(text)) => Ok(text),
            Self::Text(text) => Ok(text),
            Self::Typed(_) => Err(self.found()),
        }
    }

    pub(super) fn integer(self) -> Result<u64, Found> {
        let number = match self {
            Self::Typed(ValueKind::I64(number)) => u64::try_from(*number).ok(),
            Self::Typed(ValueKind::I128(number)) => u64::try_from(*number).ok(),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Typed(_) => None,
        };
        number.ok_or_else(|| self.found())
    }

    /// What is there, for people.
    pub(super) fn found(self) -> Found {
        Found(match self {
            Self::Typed(ValueKind::Boolean(value)) => value.to_string(),
            Self::Typed(ValueKind::I64(value)) => value.to_string(),
            Self::Typed(ValueKind::I128(value)) => value.to_string(),
            Self::Typed(ValueKind::Float(value)) => format!("{value:?}"),
            Self::Typed(ValueKind::String(text)) => quoted(text),
            Self::Text(text) => quoted(text),
            Self::Typed(ValueKind::Array(_)) => String::from("a list"),
            Self::Typed(ValueKind::Table(_)) => String::from("a table"),
            // The only other thing in TOML.
            Self::Typed(_) => String::from("a date or time"),
        })
    }
}

fn quoted(text: &str) -> String {
    const SHOWN: usize = 60;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}", format!("{}...", text.get(..end).unwrap_or_default())),
        None => format!("{text:?}"),
    }
}

/// Types that a rule sees as they are.
macro_rules! ruled_as_it_is {
    () => {
        type Ruled = Self;

        fn ruled(&self) -> Option<&Self> {
            Some(self)
        }
    };
}
pub(super) use ruled_as_it_is;

macro_rules! integers {
    ($($type:ty),*) => { $(
        impl Scalar for $type {
            ruled_as_it_is!();
            const CAN_BE_OFF: bool = true;

            fn allowed(rule: &str) -> String {
                format!("a whole number{rule}")
            }

            fn read(raw: Raw<'_>) -> Result<Self, Found> {
                raw.integer()?.try_into().map_err(|_| raw.found())
            }

            fn show(&self) -> Option<Shown> {
                u64::try_from(*self).ok().map(Shown::Integer)
            }
        }
    )* };
}

integers!(u16, u32, u64, usize);

impl Scalar for f64 {
    ruled_as_it_is!();
    const CAN_BE_OFF: bool = true;

    fn allowed(rule: &str) -> String {
        format!("a number{rule}")
    }

    fn read(raw: Raw<'_>) -> Result<Self, Found> {
        let number = match raw {
            Raw::Typed(ValueKind::Float(number)) => Some(*number),
            // Exact below 2^53; a larger rate is none.
            Raw::Typed(ValueKind::I64(number)) => Some(*number as f64),
            Raw::Text(text) => text.trim().parse().ok(),
            Raw::Typed(_) => None,
        };
        number
            .filter(|number: &f64| number.is_finite())
            .ok_or_else(|| raw.found())
    }

    fn show(&self) -> Option<Shown> {
        Some(Shown::Number(*self))
    }
}

impl Scalar for bool {
    ruled_as_it_is!();

    fn allowed(_: &str) -> String {
        String::from("true or false")
    }

    fn read(raw: Raw<'_>) -> Result<Self, Found> {
        match raw {
            Raw::Typed(ValueKind::Boolean(value)) => Ok(*value),
            Raw::Text("true") => Ok(true),
            Raw::Text("false") => Ok(false),
            _ => Err(raw.found()),
        }
    }

    fn show(&self) -> Option<Shown> {
        Some(Shown::Switch(*self))
    }
}

impl Scalar for String {
    ruled_as_it_is!();

    fn allowed(rule: &str) -> String {
        format!("text in quotes{rule}")
    }

    fn read(raw: Raw<'_>) -> Result<Self, Found> {
        raw.text().map(str::to_owned)
    }

    fn show(&self) -> Option<Shown> {
        Some(Shown::Text(self.clone()))
    }
}

impl Scalar for Duration {
    ruled_as_it_is!();
    const CAN_BE_OFF: bool = true;

    fn allowed(rule: &str) -> String {
        format!("a time{rule} with its unit (ms, s, m, h, d), such as \"30s\"")
    }

    fn read(raw: Raw<'_>) -> Result<Self, Found> {
        let text = raw.text()?.trim();
        // humantime reads a bare "0".
        match humantime::parse_duration(text) {
            Ok(duration) if text.ends_with(|last: char| last.is_ascii_alphabetic()) => Ok(duration),
            _ => Err(raw.found()),
        }
    }

    fn show(&self) -> Option<Shown> {
        Some(Shown::Text(self.words()))
    }
}

impl Scalar for HostPort {
    ruled_as_it_is!();

    fn allowed(_: &str) -> String {
        String::from("host:port in quotes, such as \"smpp1.example:2775\"")
    }

    fn read(raw: Raw<'_>) -> Result<Self, Found> {
        host::parse(raw.text()?).ok_or_else(|| raw.found())
    }

    fn show(&self) -> Option<Shown> {
        Some(Shown::Text(self.to_string()))
    }
}

impl<T: Scalar> Scalar for Option<T> {
    type Ruled = T::Ruled;

    fn allowed(rule: &str) -> String {
        match T::CAN_BE_OFF {
            true => format!("{}, or \"off\"", T::allowed(rule)),
            false => T::allowed(rule),
        }
    }

    fn read(raw: Raw<'_>) -> Result<Self, Found> {
        match raw.text() {
            Ok("off") if T::CAN_BE_OFF => Ok(None),
            _ => T::read(raw).map(Some),
        }
    }

    fn show(&self) -> Option<Shown> {
        match self {
            Some(value) => value.show(),
            None => T::CAN_BE_OFF.then(|| Shown::Text(String::from("off"))),
        }
    }

    fn ruled(&self) -> Option<&T::Ruled> {
        self.as_ref().and_then(T::ruled)
    }
}

/// Values that are written as words.
macro_rules! words {
    ($( $type:ty { $( $word:literal = $value:expr, )* } )*) => { $(
        impl $crate::settings::scalar::Scalar for $type {
            $crate::settings::scalar::ruled_as_it_is!();

            fn allowed(_: &str) -> String {
                $crate::settings::scalar::choice(&[$( $word ),*])
            }

            fn read(raw: $crate::settings::scalar::Raw<'_>) -> Result<Self, $crate::settings::scalar::Found> {
                match raw.text()? {
                    $( $word => Ok($value), )*
                    _ => Err(raw.found()),
                }
            }

            fn show(&self) -> Option<$crate::settings::shown::Shown> {
                [$( ($value, $word) ),*]
                    .into_iter()
                    .find(|(value, _)| value == self)
                    .map(|(_, word)| $crate::settings::shown::Shown::Text(String::from(word)))
            }
        }
    )* };
}
pub(super) use words;

/// `"a", "b" or "c"`.
pub(super) fn choice(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    list(&quoted, "or")
}
