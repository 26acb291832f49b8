//! What is allowed for a value beyond its type, as a test and in words.

use std::ops::RangeInclusive;
use std::time::Duration;

/// What is allowed for a `T`.
pub(super) trait Rule<T> {
    /// Whether `value` is allowed.
    fn allows(&self, value: &T) -> bool;

    /// What is allowed, to stand behind the name of the type; empty where that says it all.
    fn words(&self) -> String;
}

/// Everything is allowed.
pub(super) struct Any;

/// Numbers above this one.
pub(super) struct Above(pub(super) f64);

/// Numbers from this one on.
pub(super) struct AtLeast<T>(pub(super) T);

/// Texts of so many characters.
pub(super) struct Characters(pub(super) RangeInclusive<usize>);

/// Lists of anything of this kind, such as the one that is given.
pub(super) struct Of(pub(super) &'static str, pub(super) &'static str);

impl Rule<Vec<String>> for Of {
    fn allows(&self, _: &Vec<String>) -> bool {
        true
    }

    fn words(&self) -> String {
        format!(" of {} in quotes, such as {}", self.0, self.1)
    }
}

impl<T> Rule<T> for Any {
    fn allows(&self, _: &T) -> bool {
        true
    }

    fn words(&self) -> String {
        String::new()
    }
}

impl Rule<f64> for Above {
    fn allows(&self, value: &f64) -> bool {
        *value > self.0
    }

    fn words(&self) -> String {
        format!(" above {}", self.0)
    }
}

impl<T: Bound> Rule<T> for AtLeast<T> {
    fn allows(&self, value: &T) -> bool {
        *value >= self.0
    }

    fn words(&self) -> String {
        format!(" of {} or more", self.0.words())
    }
}

impl Rule<String> for Characters {
    fn allows(&self, value: &String) -> bool {
        self.0.contains(&value.chars().count())
    }

    fn words(&self) -> String {
        match (self.0.start(), self.0.end()) {
            (0, most) => format!(" of at most {most} characters"),
            (least, most) => format!(" of {least} to {most} characters"),
        }
    }
}

/// Types whose ranges read well in words.
pub(super) trait Bound: PartialOrd {
    /// The bound in words.
    fn words(&self) -> String;
}

impl Bound for f64 {
    fn words(&self) -> String {
        self.to_string()
    }
}

macro_rules! integer_bounds {
    ($($type:ty),*) => { $(
        impl Bound for $type {
            fn words(&self) -> String {
                grouped(&self.to_string())
            }
        }
    )* };
}

integer_bounds!(u16, u32, u64, usize);

impl Bound for Duration {
    fn words(&self) -> String {
        const DAY: u64 = 86_400;
        // Whole days stay days: `format_duration` has months of 30.44.
        match (self.as_secs() / DAY, self.as_secs() % DAY, self.subsec_nanos()) {
            (days @ 2.., 0, 0) => format!("{days}days"),
            _ => humantime::format_duration(*self).to_string(),
        }
    }
}

/// Long numbers as TOML takes them too: `1_000_000`.
fn grouped(digits: &str) -> String {
    const SHORT: usize = 5;
    if digits.len() <= SHORT {
        return digits.to_owned();
    }
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push('_');
        }
        grouped.push(digit);
    }
    grouped
}

impl<T: Bound> Rule<T> for RangeInclusive<T> {
    fn allows(&self, value: &T) -> bool {
        self.contains(value)
    }

    fn words(&self) -> String {
        format!(" from {} to {}", self.start().words(), self.end().words())
    }
}
