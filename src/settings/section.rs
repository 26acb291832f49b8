//! A section of the configuration as one table of its keys.

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

/// Declares a section: one row for each key, with its type, its default, and what is allowed.
macro_rules! section {
    (
        $(#[$attribute:meta])*
        pub struct $section:ident {
            $(
                $(#[doc = $doc:expr])*
                pub $key:ident: $type:ty = $default:expr $(, $rule:expr)?;
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
    };
}

pub(super) use section;
