//! Finds the fields of a receipt in its text.

/// The fields as they stand in the text; none where the text has no such field.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Fields<'a> {
    pub(super) id: Option<&'a [u8]>,
    pub(super) sub: Option<&'a [u8]>,
    pub(super) dlvrd: Option<&'a [u8]>,
    pub(super) submit_date: Option<&'a [u8]>,
    pub(super) done_date: Option<&'a [u8]>,
    pub(super) stat: Option<&'a [u8]>,
    pub(super) err: Option<&'a [u8]>,
    pub(super) text: Option<&'a [u8]>,
    /// Octets before the first label.
    pub(super) prefix: &'a [u8],
    /// The first label is `id`.
    pub(super) starts_with_id: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Label {
    Id,
    Sub,
    Dlvrd,
    SubmitDate,
    DoneDate,
    Stat,
    Err,
    Text,
}

/// Reads labels in any case and order, each once: the first of two counts. A label stands at the start of a word
/// and before a colon; a misspelt one is none. A value is the first word behind its label. Behind `text:`
/// everything is text, whatever it looks like.
pub(super) fn scan(octets: &[u8]) -> Fields<'_> {
    let mut fields = Fields {
        prefix: octets,
        ..Fields::default()
    };
    let mut open: Option<(Label, usize)> = None;
    for (colon, _) in octets.iter().enumerate().filter(|(_, octet)| **octet == b':') {
        let Some((label, length)) = octets.get(..colon).and_then(label_at_end) else {
            continue;
        };
        let start = colon - length;
        match open {
            Some((previous, value)) => fields.set(previous, octets.get(value..start).unwrap_or_default()),
            None => {
                fields.prefix = octets.get(..start).unwrap_or_default();
                fields.starts_with_id = label == Label::Id;
            }
        }
        open = Some((label, colon + 1));
        if label == Label::Text {
            break;
        }
    }
    if let Some((label, value)) = open {
        fields.set(label, octets.get(value..).unwrap_or_default());
    }
    fields
}

impl<'a> Fields<'a> {
    fn set(&mut self, label: Label, value: &'a [u8]) {
        let (slot, value) = match label {
            Label::Text => (&mut self.text, Some(value)),
            Label::Id => (&mut self.id, Some(word(value))),
            Label::Sub => (&mut self.sub, Some(word(value))),
            Label::Dlvrd => (&mut self.dlvrd, Some(word(value))),
            Label::SubmitDate => (&mut self.submit_date, date(word(value))),
            Label::DoneDate => (&mut self.done_date, date(word(value))),
            Label::Stat => (&mut self.stat, Some(word(value))),
            Label::Err => (&mut self.err, Some(word(value))),
        };
        if slot.is_none() {
            *slot = value;
        }
    }
}

/// The label that ends here, and its octets.
fn label_at_end(before: &[u8]) -> Option<(Label, usize)> {
    let (label, length) = match before.last()?.to_ascii_lowercase() {
        b'd' if ends_with(before, b"dlvrd") => (Label::Dlvrd, 5),
        b'd' if ends_with(before, b"id") => (Label::Id, 2),
        b'b' if ends_with(before, b"sub") => (Label::Sub, 3),
        b'e' if ends_with(before, b"submit date") => (Label::SubmitDate, 11),
        b'e' if ends_with(before, b"done date") => (Label::DoneDate, 9),
        b'e' if ends_with(before, b"submit_date") => (Label::SubmitDate, 11),
        b'e' if ends_with(before, b"done_date") => (Label::DoneDate, 9),
        b't' if ends_with(before, b"stat") => (Label::Stat, 4),
        b't' if ends_with(before, b"text") => (Label::Text, 4),
        b'r' if ends_with(before, b"err") => (Label::Err, 3),
        _ => return None,
    };
    let neighbour = before.len().checked_sub(length + 1).and_then(|at| before.get(at));
    match neighbour {
        Some(octet) if octet.is_ascii_alphanumeric() => None,
        _ => Some((label, length)),
    }
}

fn ends_with(octets: &[u8], label: &[u8]) -> bool {
    octets
        .len()
        .checked_sub(label.len())
        .and_then(|start| octets.get(start..))
        .is_some_and(|end| end.eq_ignore_ascii_case(label))
}

/// The first word, without a separator that some put between fields.
fn word(value: &[u8]) -> &[u8] {
    let value = value.trim_ascii_start();
    let end = value
        .iter()
        .position(|octet| octet.is_ascii_whitespace() || *octet == 0);
    let mut word = value.get(..end.unwrap_or(value.len())).unwrap_or_default();
    while let [front @ .., b',' | b';' | b'|'] = word {
        word = front;
    }
    word
}

/// A date: digits, perhaps with the sign of a difference from UTC, perhaps none at all.
fn date(word: &[u8]) -> Option<&[u8]> {
    let digits = match word {
        [digits @ .., b'+' | b'-'] => digits,
        digits => digits,
    };
    digits.iter().all(u8::is_ascii_digit).then_some(word)
}
