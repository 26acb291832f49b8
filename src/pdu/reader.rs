//! Reads fields off a frame, and decides about everything that is odd.

use super::error::{DecodeError, DecodeErrorKind};
use super::{CommandId, Faults, Leniency, Quirk, TlvTag, TlvsView, time};

/// Says that reading cannot go on; [`Reader::failure`] knows why.
#[derive(Clone, Copy, Debug)]
pub struct Stop;

/// What fields are read off.
pub trait Input<'a> {
    /// The octets that are not read yet.
    fn rest(&self) -> &'a [u8];

    /// One octet.
    fn octet(&mut self, field: &'static str) -> Result<u8, Stop>;

    /// Four octets.
    fn word(&mut self, field: &'static str) -> Result<u32, Stop>;

    /// A C-octet string of at most `max` octets with its NUL; what comes back has none.
    fn text(&mut self, field: &'static str, max: usize) -> Result<&'a [u8], Stop>;

    /// A C-octet string of 1 or 17 octets that holds a time.
    fn time(&mut self, field: &'static str) -> Result<&'a [u8], Stop>;

    /// `sm_length` and the octets that it counts.
    fn short_message(&mut self) -> Result<&'a [u8], Stop>;

    /// Everything up to the end as TLVs, each checked.
    fn tlvs(&mut self) -> Result<TlvsView<'a>, Stop>;

    /// Puts up with a value that does not disturb the reading, where its switch is on.
    fn tolerate(&mut self, quirk: Quirk, field: &'static str, kind: DecodeErrorKind) -> Result<(), Stop>;

    /// Notes why reading stops at the field that starts here.
    fn fail(&mut self, field: &'static str, kind: DecodeErrorKind) -> Stop;

    /// One octet that has to pass `check`.
    #[inline]
    fn checked_octet(
        &mut self,
        field: &'static str,
        check: impl Fn(&mut Self, u8) -> Result<(), Stop>,
    ) -> Result<u8, Stop> {
        // The check comes before the octet is taken, so that errors have the place of the field.
        if let Some(&octet) = self.rest().first() {
            check(self, octet)?;
        }
        self.octet(field)
    }
}

/// The structural damage that a second reading puts right; the first one never does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Repair {
    /// What the quirk says, where the reading comes upon it.
    Of(Quirk),
    /// A NUL between short_message and the TLVs, which shifts them all.
    NulBeforeTlvs,
}

impl Repair {
    /// The quirk whose switch allows it.
    pub(super) const fn quirk(self) -> Quirk {
        match self {
            Self::Of(quirk) => quirk,
            Self::NulBeforeTlvs => Quirk::TrailingNul,
        }
    }
}

/// A position in a frame, and what was odd up to there.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    frame_length: usize,
    command_id: CommandId,
    leniency: Leniency,
    repair: Option<Repair>,
    faults: Faults,
    failure: Option<DecodeError>,
}

impl<'a> Reader<'a> {
    #[inline]
    pub(super) fn new(
        frame_length: usize,
        body: &'a [u8],
        command_id: CommandId,
        leniency: Leniency,
    ) -> Self {
        Self {
            rest: body,
            frame_length,
            command_id,
            leniency,
            repair: None,
            faults: Faults::NONE,
            failure: None,
        }
    }

    pub(super) fn repairing(mut self, repair: Repair) -> Self {
        self.repair = Some(repair);
        self
    }

    #[inline]
    pub(super) fn faults(&self) -> Faults {
        self.faults
    }

    pub(super) fn failure(&self) -> Option<DecodeError> {
        self.failure
    }

    fn offset(&self) -> usize {
        self.frame_length - self.rest.len()
    }

    fn odd_text(
        &mut self,
        field: &'static str,
        max: usize,
        length: usize,
        ascii: bool,
    ) -> Result<&'a [u8], Stop> {
        let (text, rest) = match self.rest.split_at_checked(length) {
            Some((text, [0, rest @ ..])) => (text, rest),
            _ if self.rest.is_empty() => return Err(self.fail(field, DecodeErrorKind::Truncated)),
            _ => {
                self.repair(Quirk::MissingNul, field, DecodeErrorKind::Unterminated)?;
                (self.rest, [].as_slice())
            }
        };
        if text.len() >= max {
            let kind = DecodeErrorKind::TooLong {
                length: text.len(),
                max: max - 1,
            };
            self.tolerate(Quirk::OverlongText, field, kind)?;
        }
        if !ascii {
            self.tolerate(Quirk::NonAsciiText, field, DecodeErrorKind::NonAscii)?;
        }
        self.rest = rest;
        Ok(text)
    }

    fn given_time(&mut self, field: &'static str) -> Result<&'a [u8], Stop> {
        let start = self.rest;
        let text = self.text(field, time::MAX)?;
        let (quirk, kind) = match time::SmppTime::parse(text) {
            Ok(_) => return Ok(text),
            Err(time::TimeError::Range { .. }) => (Quirk::TimeRange, DecodeErrorKind::TimeRange),
            Err(_) => (Quirk::TimeFormat, DecodeErrorKind::TimeFormat),
        };
        let end = std::mem::replace(&mut self.rest, start);
        self.tolerate(quirk, field, kind)?;
        self.rest = end;
        Ok(text)
    }

    fn walk_tlvs(&mut self, region: &'a [u8]) -> Result<TlvsView<'a>, Stop> {
        while let Some(([t0, t1, l0, l1], rest)) = self.rest.split_first_chunk() {
            let tag = TlvTag::new(u16::from_be_bytes([*t0, *t1]));
            let length = usize::from(u16::from_be_bytes([*l0, *l1]));
            let Some((value, rest)) = rest.split_at_checked(length) else {
                let kind = DecodeErrorKind::TlvOverrun {
                    tag,
                    length,
                    present: rest.len(),
                };
                return self.damaged_tlvs(region, tag.name().unwrap_or("tlv"), kind);
            };
            if let Some((quirk, kind)) = tag.shape().and_then(|shape| shape.complaint(value)) {
                self.tolerate(quirk, tag.name().unwrap_or("tlv"), kind)?;
            }
            self.rest = rest;
        }
        if self.rest.is_empty() {
            return Ok(TlvsView::checked(region));
        }
        let kind = DecodeErrorKind::TrailingOctets {
            count: self.rest.len(),
        };
        self.damaged_tlvs(region, "tlv", kind)
    }

    fn damaged_tlvs(
        &mut self,
        region: &'a [u8],
        field: &'static str,
        kind: DecodeErrorKind,
    ) -> Result<TlvsView<'a>, Stop> {
        let quirk = match kind {
            DecodeErrorKind::TlvOverrun { .. } => Quirk::TlvOverrun,
            _ if self.rest.iter().all(|&octet| octet == 0) => Quirk::TrailingNul,
            _ => return Err(self.fail(field, kind)),
        };
        self.repair(quirk, field, kind)?;
        let sound = region.len() - self.rest.len();
        self.rest = &[];
        Ok(TlvsView::checked(region.get(..sound).unwrap_or_default()))
    }

    /// Puts damage right, in a second reading that was started for it.
    fn repair(&mut self, quirk: Quirk, field: &'static str, kind: DecodeErrorKind) -> Result<(), Stop> {
        if self.repair == Some(Repair::Of(quirk)) {
            self.faults.insert(quirk);
            return Ok(());
        }
        let stop = self.fail(field, kind);
        if let Some(failure) = &mut self.failure {
            failure.switch = Some(quirk);
        }
        Err(stop)
    }
}

impl<'a> Input<'a> for Reader<'a> {
    fn rest(&self) -> &'a [u8] {
        self.rest
    }

    fn octet(&mut self, field: &'static str) -> Result<u8, Stop> {
        match self.rest.split_first() {
            Some((&octet, rest)) => {
                self.rest = rest;
                Ok(octet)
            }
            None => Err(self.fail(field, DecodeErrorKind::Truncated)),
        }
    }

    fn word(&mut self, field: &'static str) -> Result<u32, Stop> {
        match self.rest.split_first_chunk() {
            Some((octets, rest)) => {
                self.rest = rest;
                Ok(u32::from_be_bytes(*octets))
            }
            None => Err(self.fail(field, DecodeErrorKind::Truncated)),
        }
    }

    fn text(&mut self, field: &'static str, max: usize) -> Result<&'a [u8], Stop> {
        let (length, ascii) = scan(self.rest);
        match self.rest.split_at_checked(length) {
            Some((text, [0, rest @ ..])) if length < max && ascii => {
                self.rest = rest;
                Ok(text)
            }
            _ => self.odd_text(field, max, length, ascii),
        }
    }

    fn time(&mut self, field: &'static str) -> Result<&'a [u8], Stop> {
        if let Some((0, rest)) = self.rest.split_first() {
            self.rest = rest;
            return Ok(&[]);
        }
        self.given_time(field)
    }

    fn short_message(&mut self) -> Result<&'a [u8], Stop> {
        let start = self.rest;
        let mut announced = usize::from(self.octet("sm_length")?);
        if self.repair == Some(Repair::Of(Quirk::SmLengthUnder)) {
            announced += 1;
            self.faults.insert(Quirk::SmLengthUnder);
        }
        match self.rest.split_at_checked(announced) {
            Some((text, [0, rest @ ..])) if self.repair == Some(Repair::NulBeforeTlvs) => {
                self.faults.insert(Quirk::TrailingNul);
                self.rest = rest;
                Ok(text)
            }
            Some((text, rest)) => {
                self.rest = rest;
                Ok(text)
            }
            None => {
                let kind = DecodeErrorKind::TextLength {
                    announced,
                    present: self.rest.len(),
                };
                let text = std::mem::replace(&mut self.rest, start);
                self.repair(Quirk::SmLengthOver, "sm_length", kind)?;
                self.rest = &[];
                Ok(text)
            }
        }
    }

    fn tlvs(&mut self) -> Result<TlvsView<'a>, Stop> {
        let region = self.rest;
        if region.is_empty() {
            return Ok(TlvsView::EMPTY);
        }
        self.walk_tlvs(region)
    }

    #[cold]
    #[inline(never)]
    fn tolerate(&mut self, quirk: Quirk, field: &'static str, kind: DecodeErrorKind) -> Result<(), Stop> {
        if self.leniency.allows(quirk) {
            self.faults.insert(quirk);
            return Ok(());
        }
        let stop = self.fail(field, kind);
        if let Some(failure) = &mut self.failure {
            failure.switch = Some(quirk);
        }
        Err(stop)
    }

    #[cold]
    #[inline(never)]
    fn fail(&mut self, field: &'static str, kind: DecodeErrorKind) -> Stop {
        let offset = self.offset();
        self.failure = Some(DecodeError {
            kind,
            field,
            offset,
            command_id: self.command_id,
            switch: None,
        });
        Stop
    }
}

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Where the first NUL is (the length when there is none), and whether all before it is ASCII.
#[inline]
pub(super) fn scan(octets: &[u8]) -> (usize, bool) {
    let mut high = 0;
    let mut length = 0;
    let mut rest = octets;
    while let Some((chunk, next)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        if let Some(before) = octets_before_nul(word) {
            high |= word & !(u64::MAX << (8 * before));
            return (length + before, high & HIGH == 0);
        }
        high |= word;
        length += 8;
        rest = next;
    }
    for &octet in rest {
        if octet == 0 {
            break;
        }
        high |= u64::from(octet);
        length += 1;
    }
    (length, high & HIGH == 0)
}

/// How many octets of a little-endian word are in front of its first NUL.
#[inline]
pub(super) fn octets_before_nul(word: u64) -> Option<usize> {
    // The lowest marked octet is exact; those above it may be marked by the borrow.
    let nuls = word.wrapping_sub(LOW) & !word & HIGH;
    (nuls != 0).then(|| nuls.trailing_zeros() as usize / 8)
}
