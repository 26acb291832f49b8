//! What real message centres get wrong, one named switch each.

use std::fmt;

/// Declares the switches: the settings, the enum that names them, their texts.
macro_rules! leniency {
    ($( $(#[$doc:meta])* $field:ident, $quirk:ident, $accepts:literal, $text:literal; )*) => {
        /// Which deviations from the standard decoding puts up with.
        ///
        /// All are on by default. A deviation whose switch is off makes the PDU unreadable; one whose switch
        /// is on is reported in [`Faults`].
        #[derive(Clone, Copy, Debug, serde::Deserialize, Eq, PartialEq)]
        #[serde(default, deny_unknown_fields)]
        #[non_exhaustive]
        pub struct Leniency {
            $( $(#[$doc])* pub $field: bool, )*
        }

        /// One deviation from the standard; the name of a switch of [`Leniency`].
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum Quirk {
            $( $(#[$doc])* $quirk, )*
        }

        impl Leniency {
            /// Puts up with everything.
            pub const LENIENT: Self = Self { $( $field: true, )* };
            /// Puts up with nothing.
            pub const STRICT: Self = Self { $( $field: false, )* };

            /// Whether the switch of `quirk` is on.
            #[must_use]
            pub const fn allows(&self, quirk: Quirk) -> bool {
                match quirk {
                    $( Quirk::$quirk => self.$field, )*
                }
            }

            /// Sets the switch of `quirk`.
            pub const fn set(&mut self, quirk: Quirk, on: bool) {
                match quirk {
                    $( Quirk::$quirk => self.$field = on, )*
                }
            }
        }

        impl Quirk {
            /// Every switch, in the order of the table.
            pub const ALL: &'static [Self] = &[$( Self::$quirk ),*];

            /// The name of the switch in settings, counters and JSON.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $( Self::$quirk => stringify!($field), )*
                }
            }

            /// What comes in and how it is read while the switch is on.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self {
                    $( Self::$quirk => $text, )*
                }
            }

            /// True where the standard itself advises to take what came: the value is kept as it stands and
            /// nothing of the reading is in doubt.
            #[must_use]
            pub const fn is_harmless(self) -> bool {
                match self {
                    $( Self::$quirk => $accepts, )*
                }
            }
        }
    };
}

leniency! {
    /// A response with status 0 and no body where the command has one.
    missing_body, MissingBody, true,
        "a response with status 0 and no body; read as empty fields";
    /// A response with an error status whose body cannot be read.
    error_body, ErrorBody, false,
        "an unreadable body behind an error status; dropped, the status counts";
    /// A C-octet string that the end of the PDU cuts off before its NUL.
    missing_nul, MissingNul, false,
        "the last text runs to the end of the PDU without a NUL; read up to the end";
    /// One to three NULs after the last field or TLV, or one between `short_message` and the TLVs.
    trailing_nul, TrailingNul, false,
        "one to three NULs after the last field, or one between short_message and the TLVs; dropped";
    /// A standard TLV without a value that must have one.
    empty_tlv, EmptyTlv, true,
        "a standard TLV of length 0 that must have a value; kept as it came";
    /// A standard TLV whose length is not one that the standard gives it.
    tlv_length, TlvLength, true,
        "a standard TLV of the wrong length; kept as it came";
    /// A TLV whose length runs past the end of the PDU.
    tlv_overrun, TlvOverrun, false,
        "a TLV that the end of the PDU cuts off; left out, those before it count";
    /// A C-octet string longer than its field.
    overlong_text, OverlongText, false,
        "a text longer than its field holds; kept whole";
    /// Octets above 0x7F in a C-octet string.
    non_ascii_text, NonAsciiText, true,
        "octets above 0x7F in a text; kept, shown as Latin-1";
    /// A time that is neither empty nor sixteen characters of the time format.
    time_format, TimeFormat, false,
        "a time in another format, such as twelve digits; kept as text";
    /// A time of sixteen characters in the time format, of which a part is outside its range.
    time_range, TimeRange, true,
        "a time with a part out of its range, such as month 13; kept as text";
    /// Octets after the header of a PDU that has no body.
    unexpected_body, UnexpectedBody, false,
        "a body on a PDU that has none; dropped";
    /// `sm_length` larger than what follows.
    sm_length_over, SmLengthOver, false,
        "sm_length larger than what follows; the text is what is there";
    /// `sm_length` one too small.
    sm_length_under, SmLengthUnder, false,
        "sm_length one too small, seen by one octet too many; it goes to the text";
    /// A C-octet string in a TLV without its NUL.
    tlv_missing_nul, TlvMissingNul, true,
        "a text in a TLV without its NUL; kept as it came";
    /// A type of number or numbering plan that is reserved.
    reserved_address_type, ReservedAddressType, true,
        "a reserved TON or NPI; kept as it came";
    /// A `data_coding` that is reserved.
    reserved_data_coding, ReservedDataCoding, true,
        "a reserved data_coding; kept as it came";
    /// A sequence number of 0 or above 0x7FFFFFFF.
    sequence_range, SequenceRange, true,
        "a sequence number outside 1 to 0x7FFFFFFF; kept and echoed";
}

impl Leniency {
    /// Puts up with nothing.
    #[must_use]
    pub const fn strict() -> Self {
        Self::STRICT
    }

    /// The same with one switch off.
    #[must_use]
    pub const fn without(mut self, quirk: Quirk) -> Self {
        self.set(quirk, false);
        self
    }

    /// The same with one switch on.
    #[must_use]
    pub const fn with(mut self, quirk: Quirk) -> Self {
        self.set(quirk, true);
        self
    }
}

impl Default for Leniency {
    /// All switches on.
    fn default() -> Self {
        Self::LENIENT
    }
}

impl Quirk {
    /// The switch of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|quirk| quirk.name() == name)
    }

    const fn bit(self) -> u32 {
        1 << self as u8
    }
}

impl fmt::Display for Quirk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The deviations that decoding a PDU had to put up with.
#[derive(Clone, Copy, Default, Eq, Hash, PartialEq)]
pub struct Faults(u32);

impl Faults {
    /// No deviation.
    pub const NONE: Self = Self(0);

    /// True when the PDU keeps to the standard.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// True when `quirk` was met.
    #[must_use]
    pub const fn contains(self, quirk: Quirk) -> bool {
        self.0 & quirk.bit() != 0
    }

    /// True when nothing but harmless deviations were met ([`Quirk::is_harmless`]).
    #[must_use]
    pub fn is_harmless(self) -> bool {
        self.quirks().all(Quirk::is_harmless)
    }

    /// Names of the switches that were used, in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = &'static str> {
        self.quirks().map(Quirk::name)
    }

    /// The switches that were used.
    pub fn quirks(self) -> impl Iterator<Item = Quirk> {
        Quirk::ALL
            .iter()
            .copied()
            .filter(move |quirk| self.contains(*quirk))
    }

    /// Adds one.
    pub const fn insert(&mut self, quirk: Quirk) {
        self.0 |= quirk.bit();
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.quirks()).finish()
    }
}
