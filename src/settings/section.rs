//! A section of the configuration: one table with a row for each key, from which everything else follows.

use std::sync::Arc;

use super::field::{Checker, Table};
use super::keys::Keys;
use super::shown::Entries;

/// What a builder method takes for a value of type `T`: a `T`, what is inside an option, or a text.
pub trait Given<T> {
    /// The value to keep.
    fn given(self) -> T;
}

impl<T> Given<T> for T {
    fn given(self) -> T {
        self
    }
}

impl<T> Given<Option<T>> for T {
    fn given(self) -> Option<T> {
        Some(self)
    }
}

impl Given<String> for &str {
    fn given(self) -> String {
        self.to_owned()
    }
}

impl Given<Option<String>> for &str {
    fn given(self) -> Option<String> {
        Some(self.to_owned())
    }
}

/// What a table of keys can do; [`section!`] writes it.
pub(super) trait Section: Default {
    /// Takes what the table gives.
    fn read(&mut self, table: &mut Table<'_, '_>);

    /// Reports the values that break the rule of their key.
    fn check(&self, path: &str, checker: &mut Checker<'_>);

    /// Adds every key with its value.
    fn show(&self, entries: &mut Entries);

    /// Adds what is known of every key.
    fn describe(&self, keys: &mut Keys);

    /// What may stand between the words of a name, where such tables have names.
    const SEPARATOR: char;
}

/// Settings that are shared are changed for whoever reads them, and not for the others.
impl<S: Section + Clone> Section for Arc<S> {
    fn read(&mut self, table: &mut Table<'_, '_>) {
        Self::make_mut(self).read(table);
    }

    fn check(&self, path: &str, checker: &mut Checker<'_>) {
        (**self).check(path, checker);
    }

    fn show(&self, entries: &mut Entries) {
        (**self).show(entries);
    }

    fn describe(&self, keys: &mut Keys) {
        (**self).describe(keys);
    }

    const SEPARATOR: char = S::SEPARATOR;
}

/// Declares a section, a row for each key: what it is for, its type, its default, and what is allowed.
///
/// From a row follow the public field, its default, its builder method, how it is read from the file and from
/// the environment, how it is checked and shown, and its row in `docs/configuration.md`. A key that is no name of
/// Rust stands behind `as`. What separates the words of a name of such a table stands behind its type; it is `-`
/// where nothing is said.
macro_rules! section {
    (
        $(#[$attribute:meta])*
        pub struct $section:ident $(: $separator:literal)? {
            $(
                $(#[doc = $doc:literal])*
                pub $key:ident $(as $name:literal)?: $type:ty = $default:expr $(, $rule:expr)?;
            )*
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub struct $section {
            $( $(#[doc = $doc])* pub $key: $type, )*
        }

        impl Default for $section {
            fn default() -> Self {
                Self { $( $key: $default, )* }
            }
        }

        impl $section {
            $(
                #[doc = concat!("The same with another [`", stringify!($key), "`](field@Self::", stringify!($key), ").")]
                #[must_use]
                pub fn $key(mut self, $key: impl $crate::settings::Given<$type>) -> Self {
                    self.$key = $key.given();
                    self
                }
            )*
        }

        const _: () = {
            use $crate::settings::field::{Checker, Field, Row, Table};
            use $crate::settings::keys::Keys;
            use $crate::settings::section::{Section, name, row, separator};
            use $crate::settings::shown::Entries;

            impl Section for $section {
                fn read(&mut self, table: &mut Table<'_, '_>) {
                    $( Field::read(&mut self.$key, row!(name!($key $($name)?), [$($doc),*] $(, $rule)?), table); )*
                }

                fn check(&self, path: &str, checker: &mut Checker<'_>) {
                    $( Field::check(&self.$key, row!(name!($key $($name)?), [$($doc),*] $(, $rule)?), path, checker); )*
                }

                fn show(&self, entries: &mut Entries) {
                    $( Field::show(&self.$key, name!($key $($name)?), entries); )*
                }

                fn describe(&self, keys: &mut Keys) {
                    $( Field::describe(&self.$key, row!(name!($key $($name)?), [$($doc),*] $(, $rule)?), keys); )*
                }

                const SEPARATOR: char = separator!($($separator)?);
            }

            impl Field for $section {
                type Ruled = Self;

                fn read(&mut self, row: Row<'_, Self>, table: &mut Table<'_, '_>) {
                    let _ = table.section(row.key, self);
                }

                fn check(&self, row: Row<'_, Self>, path: &str, checker: &mut Checker<'_>) {
                    Section::check(self, &$crate::settings::source::joined(path, row.key), checker);
                }

                fn show(&self, key: &str, entries: &mut Entries) {
                    let mut inner = Entries::new();
                    Section::show(self, &mut inner);
                    entries.push((key.to_owned(), $crate::settings::shown::Shown::Table(inner)));
                }

                fn describe(&self, row: Row<'_, Self>, keys: &mut Keys) {
                    keys.inside_key(row.key, |keys| Section::describe(self, keys));
                }
            }
        };
    };
}

/// One row as a value.
macro_rules! row {
    ($key:expr, [$($doc:literal),*]) => {
        $crate::settings::section::row!($key, [$($doc),*], $crate::settings::rule::Any)
    };
    ($key:expr, [$($doc:literal),*], $rule:expr) => {
        Row { key: $key, doc: concat!($($doc),*), rule: &$rule }
    };
}

/// The key of a row as it stands in the file.
macro_rules! name {
    ($key:ident) => {
        stringify!($key)
    };
    ($key:ident $name:literal) => {
        $name
    };
}

/// What separates the words of a name.
macro_rules! separator {
    () => {
        '-'
    };
    ($separator:literal) => {
        $separator
    };
}

pub(super) use {name, row, section, separator};
