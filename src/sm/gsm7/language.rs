//! National languages with tables of their own (3GPP TS 23.038 section 6.2.1.2.4).

use std::fmt;
use std::str::FromStr;

use super::table::Table;
use super::tables;

/// A language with national tables.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum Language {
    /// Turkish.
    Turkish = 1,
    /// Spanish; has a single shift table only.
    Spanish = 2,
    /// Portuguese.
    Portuguese = 3,
    /// Bengali and Assamese.
    Bengali = 4,
    /// Gujarati.
    Gujarati = 5,
    /// Hindi.
    Hindi = 6,
    /// Kannada.
    Kannada = 7,
    /// Malayalam.
    Malayalam = 8,
    /// Oriya.
    Oriya = 9,
    /// Punjabi.
    Punjabi = 10,
    /// Tamil.
    Tamil = 11,
    /// Telugu.
    Telugu = 12,
    /// Urdu.
    Urdu = 13,
}

impl Language {
    /// All of them, by number.
    pub const ALL: [Self; 13] = [
        Self::Turkish,
        Self::Spanish,
        Self::Portuguese,
        Self::Bengali,
        Self::Gujarati,
        Self::Hindi,
        Self::Kannada,
        Self::Malayalam,
        Self::Oriya,
        Self::Punjabi,
        Self::Tamil,
        Self::Telugu,
        Self::Urdu,
    ];

    /// The number in the shift elements of a user data header.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The language of a number; none for reserved numbers, whose elements are ignored.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.number() == number)
    }

    /// The two letters of ISO 639-1, for example `tr`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Turkish => "tr",
            Self::Spanish => "es",
            Self::Portuguese => "pt",
            Self::Bengali => "bn",
            Self::Gujarati => "gu",
            Self::Hindi => "hi",
            Self::Kannada => "kn",
            Self::Malayalam => "ml",
            Self::Oriya => "or",
            Self::Punjabi => "pa",
            Self::Tamil => "ta",
            Self::Telugu => "te",
            Self::Urdu => "ur",
        }
    }

    /// The English name, in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Turkish => "turkish",
            Self::Spanish => "spanish",
            Self::Portuguese => "portuguese",
            Self::Bengali => "bengali",
            Self::Gujarati => "gujarati",
            Self::Hindi => "hindi",
            Self::Kannada => "kannada",
            Self::Malayalam => "malayalam",
            Self::Oriya => "oriya",
            Self::Punjabi => "punjabi",
            Self::Tamil => "tamil",
            Self::Telugu => "telugu",
            Self::Urdu => "urdu",
        }
    }

    /// True for languages whose table can replace the default alphabet.
    #[must_use]
    pub const fn has_locking_shift(self) -> bool {
        !matches!(self, Self::Spanish)
    }

    pub(super) fn locking_table(self) -> &'static Table {
        match self {
            Self::Turkish => &tables::TURKISH_LOCKING,
            Self::Spanish => &tables::DEFAULT_LOCKING,
            Self::Portuguese => &tables::PORTUGUESE_LOCKING,
            Self::Bengali => &tables::BENGALI_LOCKING,
            Self::Gujarati => &tables::GUJARATI_LOCKING,
            Self::Hindi => &tables::HINDI_LOCKING,
            Self::Kannada => &tables::KANNADA_LOCKING,
            Self::Malayalam => &tables::MALAYALAM_LOCKING,
            Self::Oriya => &tables::ORIYA_LOCKING,
            Self::Punjabi => &tables::PUNJABI_LOCKING,
            Self::Tamil => &tables::TAMIL_LOCKING,
            Self::Telugu => &tables::TELUGU_LOCKING,
            Self::Urdu => &tables::URDU_LOCKING,
        }
    }

    pub(super) fn single_table(self) -> &'static Table {
        match self {
            Self::Turkish => &tables::TURKISH_SINGLE,
            Self::Spanish => &tables::SPANISH_SINGLE,
            Self::Portuguese => &tables::PORTUGUESE_SINGLE,
            Self::Bengali => &tables::BENGALI_SINGLE,
            Self::Gujarati => &tables::GUJARATI_SINGLE,
            Self::Hindi => &tables::HINDI_SINGLE,
            Self::Kannada => &tables::KANNADA_SINGLE,
            Self::Malayalam => &tables::MALAYALAM_SINGLE,
            Self::Oriya => &tables::ORIYA_SINGLE,
            Self::Punjabi => &tables::PUNJABI_SINGLE,
            Self::Tamil => &tables::TAMIL_SINGLE,
            Self::Telugu => &tables::TELUGU_SINGLE,
            Self::Urdu => &tables::URDU_SINGLE,
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No language goes by this name.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a language with national tables; known are tr es pt bn gu hi kn ml or pa ta te ur")]
pub struct UnknownLanguage;

impl FromStr for Language {
    type Err = UnknownLanguage;

    /// Takes the two letters or the English name.
    fn from_str(text: &str) -> Result<Self, UnknownLanguage> {
        Self::ALL
            .into_iter()
            .find(|language| {
                text.eq_ignore_ascii_case(language.code()) || text.eq_ignore_ascii_case(language.name())
            })
            .ok_or(UnknownLanguage)
    }
}

/// A set of languages, for example those whose tables a peer is known to support.
#[derive(Clone, Copy, Default, Eq, Hash, PartialEq)]
pub struct Languages(u16);

impl Languages {
    /// No language.
    pub const NONE: Self = Self(0);
    /// Every language.
    pub const ALL: Self = Self(0b11_1111_1111_1110);

    /// This set and one more language.
    #[must_use]
    pub const fn with(self, language: Language) -> Self {
        Self(self.0 | 1 << language.number())
    }

    /// True when the set holds the language.
    #[must_use]
    pub const fn contains(self, language: Language) -> bool {
        self.0 & 1 << language.number() != 0
    }

    /// True when the set holds no language.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The languages of the set, by number.
    pub fn iter(self) -> impl Iterator<Item = Language> {
        Language::ALL
            .into_iter()
            .filter(move |language| self.contains(*language))
    }
}

impl FromIterator<Language> for Languages {
    fn from_iter<I: IntoIterator<Item = Language>>(languages: I) -> Self {
        languages.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Debug for Languages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
