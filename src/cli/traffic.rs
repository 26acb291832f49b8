//! Texts to send: short, long and in other alphabets, the same ones for the same seed.

/// Sentences that texts are made of.
const LATIN: &[&str] = &[
    "Your code is 482913. It is valid for ten minutes.",
    "Your parcel arrives today between 14:00 and 16:00.",
    "Payment of €24.90 received, thank you!",
    "Reminder: dentist, tomorrow at 9:15 [room 3].",
    "Train 417 is 12 minutes late.",
    "Grüße aus Köln, bis später!",
];

/// Sentences that need UCS2.
const OTHER: &[&str] = &[
    "Ваш код 482913, никому его не сообщайте.",
    "可輸入英文單字",
    "Η παραγγελία σας είναι έτοιμη.",
    "See you at eight 🎉👍🏽",
];

/// Makes texts.
#[derive(Debug)]
pub(super) struct Texts(fastrand::Rng);

impl Texts {
    pub(super) fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// One text: seven in ten short, two long, one in another alphabet, each with the number of its message.
    pub(super) fn text(&mut self, number: u64) -> String {
        let sentences = match self.0.u8(0..10) {
            0..7 => return format!("{} #{number}#", self.pick(LATIN)),
            7..9 => LATIN,
            _ if self.0.bool() => return format!("{} #{number}#", self.pick(OTHER)),
            _ => OTHER,
        };
        let mut text = String::new();
        for _ in 0..self.0.usize(4..10) {
            text.push_str(self.pick(sentences));
            text.push(' ');
        }
        format!("{text}#{number}#")
    }

    /// A destination in the range that is kept for stories.
    pub(super) fn destination(&mut self) -> String {
        format!("447700900{:03}", self.0.u32(0..1_000))
    }

    fn pick(&mut self, sentences: &[&'static str]) -> &'static str {
        self.0.choice(sentences).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sm::{SplitOptions, split_text};

    #[test]
    fn the_texts_are_short_long_and_in_other_alphabets_and_the_same_for_a_seed() {
        let make = |seed| {
            let mut texts = Texts::new(seed);
            (0..500).map(|number| texts.text(number)).collect::<Vec<_>>()
        };
        assert_eq!(make(1), make(1));
        assert_ne!(make(1), make(2));
        let splits: Vec<_> = make(1)
            .iter()
            .map(|text| split_text(text, &SplitOptions::default(), 1).unwrap())
            .collect();
        assert!(splits.iter().any(|split| split.parts.len() > 2));
        assert!(splits.iter().any(|split| split.parts.len() == 1));
        let coding = |wanted: u8| {
            splits
                .iter()
                .filter(|split| split.data_coding.value() == wanted)
                .count()
        };
        assert!(coding(0) > 300 && coding(8) > 20);
    }
}
