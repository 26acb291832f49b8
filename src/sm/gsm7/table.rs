//! One table of septets, in both directions.

/// Stands for "no septet" in the reverse direction.
pub(super) const NO_SEPTET: u8 = 0xFF;

/// 128 septets and their characters, with the way back.
#[derive(Debug)]
pub(super) struct Table {
    /// The character of each septet; NUL where nothing is assigned (no table holds U+0000).
    characters: [char; 128],
    /// The septet of each code point below 256, else [`NO_SEPTET`].
    latin: [u8; 256],
    /// The other code points with their septets, ascending; the first `others_len` count.
    others: [(u16, u8); 128],
    others_len: usize,
}

impl Table {
    /// The character of a septet; none where nothing is assigned, for ESC and above 0x7F.
    pub(super) fn character(&self, septet: u8) -> Option<char> {
        self.characters
            .get(usize::from(septet))
            .copied()
            .filter(|character| *character != '\0')
    }

    /// The septet of a character; the lowest where the table holds it twice.
    #[inline]
    pub(super) fn septet(&self, character: char) -> Option<u8> {
        match self.latin.get(character as usize) {
            Some(&septet) => (septet != NO_SEPTET).then_some(septet),
            None => self.other_septet(character),
        }
    }

    fn other_septet(&self, character: char) -> Option<u8> {
        let code_point = u16::try_from(u32::from(character)).ok()?;
        let others = self.others.get(..self.others_len)?;
        let index = others
            .binary_search_by_key(&code_point, |(other, _)| *other)
            .ok()?;
        others.get(index).map(|(_, septet)| *septet)
    }
}

/// Reads a table as the standard prints it: 128 cells, `----` unassigned, `ESC`, else a code point in
/// hexadecimal; in lower case where it is only ever read.
///
/// Evaluated while compiling: a table of another form does not compile.
pub(super) const fn table(text: &str) -> Table {
    let text = text.as_bytes();
    let mut table = Table {
        characters: ['\0'; 128],
        latin: [NO_SEPTET; 256],
        others: [(0, 0); 128],
        others_len: 0,
    };
    let (mut at, mut septet) = (0, 0);
    while at < text.len() {
        if text[at].is_ascii_whitespace() {
            at += 1;
            continue;
        }
        let (mut code_point, mut writable, mut assigned) = (0, true, true);
        while at < text.len() && !text[at].is_ascii_whitespace() {
            match text[at] {
                digit @ b'0'..=b'9' => code_point = code_point << 4 | (digit - b'0') as u16,
                digit @ b'A'..=b'F' => code_point = code_point << 4 | (digit - b'A' + 10) as u16,
                digit @ b'a'..=b'f' => {
                    code_point = code_point << 4 | (digit - b'a' + 10) as u16;
                    writable = false;
                }
                _ => assigned = false,
            }
            at += 1;
        }
        if assigned {
            table.characters[septet] = match char::from_u32(code_point as u32) {
                Some(character) => character,
                None => panic!("a table holds characters only"),
            };
            if writable {
                table.insert(code_point, septet as u8);
            }
        }
        septet += 1;
    }
    assert!(septet == 128, "a table has 128 cells");
    table
}

impl Table {
    /// Adds the way back; called in ascending order of septets, so the lower of two stays.
    const fn insert(&mut self, code_point: u16, septet: u8) {
        if code_point < 256 {
            if self.latin[code_point as usize] == NO_SEPTET {
                self.latin[code_point as usize] = septet;
            }
            return;
        }
        let mut at = self.others_len;
        while at > 0 && self.others[at - 1].0 > code_point {
            at -= 1;
        }
        if at > 0 && self.others[at - 1].0 == code_point {
            return;
        }
        let mut last = self.others_len;
        while last > at {
            self.others[last] = self.others[last - 1];
            last -= 1;
        }
        self.others[at] = (code_point, septet);
        self.others_len += 1;
    }
}
