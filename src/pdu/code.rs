//! Open code points: an integer of the wire with names for the values that the standard knows.

/// What a field is where nobody says anything: 0 unless the table has another value.
macro_rules! default_of {
    () => {
        0
    };
    ($default:literal) => {
        $default
    };
}

/// Declares newtypes round wire integers, with one constant for each known value.
///
/// The types stay open: any value of a peer is kept, printed as hexadecimal when it has no name.
macro_rules! code_points {
    ($(
        $(#[$doc:meta])*
        pub struct $name:ident($inner:ty) $(= $default:literal)? {
            $( $(#[$value_doc:meta])* $constant:ident = $value:literal $(, $text:literal)?; )*
        }
    )*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name($inner);

        impl Default for $name {
            fn default() -> Self {
                Self($crate::pdu::code::default_of!($($default)?))
            }
        }

        impl $name {
            $( $(#[$value_doc])* pub const $constant: Self = Self($value); )*

            /// Every value that has a name, in the order of the table.
            pub const ALL: &'static [Self] = &[$( Self::$constant ),*];

            /// Wraps a value of the wire.
            #[must_use]
            pub const fn new(value: $inner) -> Self {
                Self(value)
            }

            /// The value on the wire.
            #[must_use]
            pub const fn value(self) -> $inner {
                self.0
            }

            /// The name of the constant; none for values that are reserved or a vendor's own.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $( $value => Some(stringify!($constant)), )*
                    _ => None,
                }
            }
        }

        $crate::pdu::code::code_point_traits!($name($inner));
    )* };
}

/// Conversions and printing that all code points share; needs `name()`.
macro_rules! code_point_traits {
    ($name:ident($inner:ty)) => {
        impl From<$inner> for $name {
            fn from(value: $inner) -> Self {
                Self(value)
            }
        }

        impl From<$name> for $inner {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, "0x{:0width$X}", self.0, width = size_of::<$inner>() * 2),
                }
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }
    };
}

pub(crate) use {code_point_traits, code_points, default_of};
