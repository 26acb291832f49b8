//! Alphabets of one octet a character: ASCII, ISO-8859-1, ISO-8859-5, ISO-8859-8.

/// A set of 256 characters or fewer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum OctetSet {
    Ascii,
    Latin1,
    Cyrillic,
    Hebrew,
}

impl OctetSet {
    /// The octet of a character.
    pub(super) fn octet(self, character: char) -> Option<u8> {
        let code_point = u32::from(character);
        let octet = match self {
            Self::Ascii => return u8::try_from(code_point).ok().filter(u8::is_ascii),
            Self::Latin1 => return u8::try_from(code_point).ok(),
            Self::Cyrillic => match code_point {
                0x00..=0xA0 | 0xAD => code_point,
                0xA7 => 0xFD,
                0x2116 => 0xF0,
                // 0x40D and 0x450 would fall on the soft hyphen and the numero sign; 0x45D on the section sign.
                0x40D | 0x450 | 0x45D => return None,
                0x401..=0x45F => code_point - 0x360,
                _ => return None,
            },
            Self::Hebrew => match code_point {
                0xAA | 0xBA => return None,
                0x00..=0xA0 | 0xA2..=0xBE => code_point,
                0xD7 => 0xAA,
                0xF7 => 0xBA,
                0x2017 => 0xDF,
                0x5D0..=0x5EA => code_point - 0x4F0,
                0x200E => 0xFD,
                0x200F => 0xFE,
                _ => return None,
            },
        };
        u8::try_from(octet).ok()
    }

    /// The character of an octet; none where the set assigns nothing.
    pub(super) fn character(self, octet: u8) -> Option<char> {
        match (self, octet) {
            (Self::Ascii, 0x80..) => None,
            (Self::Cyrillic, 0xF0) => Some('\u{2116}'),
            (Self::Cyrillic, 0xFD) => Some('\u{A7}'),
            (Self::Cyrillic, 0xA1..=0xAC | 0xAE..) => char::from_u32(0x360 + u32::from(octet)),
            (Self::Hebrew, 0xAA) => Some('\u{D7}'),
            (Self::Hebrew, 0xBA) => Some('\u{F7}'),
            (Self::Hebrew, 0xDF) => Some('\u{2017}'),
            (Self::Hebrew, 0xE0..=0xFA) => char::from_u32(0x4F0 + u32::from(octet)),
            (Self::Hebrew, 0xFD) => Some('\u{200E}'),
            (Self::Hebrew, 0xFE) => Some('\u{200F}'),
            (Self::Hebrew, 0xA1 | 0xBF..) => None,
            _ => Some(char::from(octet)),
        }
    }
}
