//! The GSM 7-bit alphabet: text to septets, one in each octet, and back (3GPP TS 23.038).
//!
//! [`Tables`] says which tables are in force: the default alphabet with its extension, or national ones.
//! Packing eight septets into seven octets is a matter of [`pack`] and [`unpack`].

mod codec;
mod language;
mod pack;
mod table;
mod tables;

pub(super) use codec::{Substitute, encode, measure, plain_prefix};
pub use codec::{decode, invalid_octets};
pub use language::{Language, Languages, UnknownLanguage};
pub use pack::{Padding, fill_bits, pack, pack_into, packed_octets, packed_septets, unpack, unpack_into};

use table::Table;

/// Introduces a septet of the single shift table.
pub const ESCAPE: u8 = 0x1B;

/// The tables in force: `None` stands for the default alphabet or its extension.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Tables {
    /// Replaces the default alphabet (element 25 of the header). Spanish has no such table.
    pub locking: Option<Language>,
    /// Replaces the extension table behind an escape (element 24 of the header).
    pub single: Option<Language>,
}

impl Tables {
    /// The default alphabet with its extension table.
    pub const DEFAULT: Self = Self {
        locking: None,
        single: None,
    };

    /// The tables that a receiver needs to know of: a locking table that does not exist is none.
    #[must_use]
    pub fn normalised(self) -> Self {
        Self {
            locking: self.locking.filter(|language| language.has_locking_shift()),
            ..self
        }
    }

    /// True for the default alphabet with its extension table.
    #[must_use]
    pub const fn is_default(self) -> bool {
        self.locking.is_none() && self.single.is_none()
    }

    /// Octets that announce these tables in a user data header, without the length octet.
    #[must_use]
    pub fn header_octets(self) -> usize {
        let tables = self.normalised();
        3 * (usize::from(tables.locking.is_some()) + usize::from(tables.single.is_some()))
    }

    fn locking_table(self) -> &'static Table {
        self.locking
            .map_or(&tables::DEFAULT_LOCKING, Language::locking_table)
    }

    fn single_table(self) -> &'static Table {
        self.single
            .map_or(&tables::DEFAULT_SINGLE, Language::single_table)
    }
}

#[cfg(test)]
mod tests;
