//! Similar characters instead of those that a small alphabet lacks.

use std::borrow::Cow;

use super::alphabet::Alphabet;
use super::look_alike;
use super::split::{AlphabetChoice, SplitOptions};

/// Characters that become several.
const SPELLED_OUT: &[(char, &str)] = &[
    ('\u{AD}', ""),
    ('©', "(c)"),
    ('®', "(R)"),
    ('¼', "1/4"),
    ('½', "1/2"),
    ('¾', "3/4"),
    ('Æ', "AE"),
    ('Þ', "Th"),
    ('æ', "ae"),
    ('þ', "th"),
    ('Œ', "OE"),
    ('œ', "oe"),
    ('ẞ', "SS"),
    ('\u{200B}', ""),
    ('\u{2060}', ""),
    ('…', "..."),
    ('€', "EUR"),
    ('№', "No"),
    ('™', "(TM)"),
    ('ﬁ', "fi"),
    ('ﬂ', "fl"),
    ('\u{FEFF}', ""),
];

/// The text with similar characters where `options` ask for it and it makes a cheaper alphabet do, and how many
/// characters changed.
pub(super) fn transliterate<'t>(text: &'t str, options: &SplitOptions) -> (Cow<'t, str>, usize) {
    let alphabet = match options.alphabet {
        AlphabetChoice::Auto => options.default_alphabet.alphabet(),
        AlphabetChoice::Gsm7 => Alphabet::GSM7,
        AlphabetChoice::Prefer(alphabet) | AlphabetChoice::Only(alphabet) => alphabet,
    };
    if !options.transliterate || alphabet.holds(text) {
        return (Cow::Borrowed(text), 0);
    }
    let (other, changed) = into(alphabet, text);
    // Half a change would only spoil a text that needs the dearer alphabet all the same.
    match options.alphabet {
        AlphabetChoice::Auto | AlphabetChoice::Prefer(_) if !alphabet.holds(&other) => {
            (Cow::Borrowed(text), 0)
        }
        _ => (Cow::Owned(other), changed),
    }
}

fn into(alphabet: Alphabet, text: &str) -> (String, usize) {
    let mut out = String::with_capacity(text.len());
    let mut changed = 0;
    for character in text.chars() {
        if alphabet.units(character).is_some() {
            out.push(character);
        } else if let Some(other) = look_alike::of(character).filter(|other| alphabet.units(*other).is_some())
        {
            out.push(other);
            changed += 1;
        } else if let Some((_, others)) = SPELLED_OUT.iter().find(|(from, _)| *from == character) {
            out.push_str(others);
            changed += 1;
        } else if is_combining_accent(character) && !out.is_empty() {
            changed += 1;
        } else {
            out.push(character);
        }
    }
    (out, changed)
}

/// Accents that stand behind their letter.
const fn is_combining_accent(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36F}')
}
