//! Reads frames in which nothing is odd, as fast as it goes.
//!
//! A [`Quick`] knows no leniency and keeps no account of what is wrong: at the first deviation it stops, and
//! the frame is read again by a [`Reader`](super::reader::Reader). So its state is one slice that stays in
//! registers.

use super::error::DecodeErrorKind;
use super::reader::{Input, Stop, scan};
use super::{Quirk, TlvTag, TlvsView, time};

/// The octets of a body that are not read yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quick<'a> {
    rest: &'a [u8],
}

impl<'a> Quick<'a> {
    #[inline]
    pub(super) fn new(body: &'a [u8]) -> Self {
        Self { rest: body }
    }

    /// The next `length` octets, behind which is a NUL.
    #[inline(always)]
    fn terminated(&mut self, length: usize) -> Result<&'a [u8], Stop> {
        let (text, rest) = self.rest.split_at_checked(length).ok_or(Stop)?;
        let (_, rest) = rest.split_first().ok_or(Stop)?;
        self.rest = rest;
        Ok(text)
    }
}

impl<'a> Input<'a> for Quick<'a> {
    #[inline]
    fn rest(&self) -> &'a [u8] {
        self.rest
    }

    #[inline]
    fn octet(&mut self, _: &'static str) -> Result<u8, Stop> {
        let (&octet, rest) = self.rest.split_first().ok_or(Stop)?;
        self.rest = rest;
        Ok(octet)
    }

    #[inline]
    fn word(&mut self, _: &'static str) -> Result<u32, Stop> {
        let (octets, rest) = self.rest.split_first_chunk().ok_or(Stop)?;
        self.rest = rest;
        Ok(u32::from_be_bytes(*octets))
    }

    #[inline(always)]
    fn text(&mut self, _: &'static str, max: usize) -> Result<&'a [u8], Stop> {
        let length = match self.rest {
            [0, ..] => 0,
            rest => sound_text(rest, max).ok_or(Stop)?,
        };
        self.terminated(length)
    }

    #[inline(always)]
    fn time(&mut self, _: &'static str) -> Result<&'a [u8], Stop> {
        let length = match self.rest {
            [0, ..] => 0,
            rest => sound_time(rest).ok_or(Stop)?,
        };
        self.terminated(length)
    }

    #[inline]
    fn short_message(&mut self) -> Result<&'a [u8], Stop> {
        let length = usize::from(self.octet("sm_length")?);
        let (text, rest) = self.rest.split_at_checked(length).ok_or(Stop)?;
        self.rest = rest;
        Ok(text)
    }

    #[inline(always)]
    fn tlvs(&mut self) -> Result<TlvsView<'a>, Stop> {
        if self.rest.is_empty() || are_sound(self.rest) {
            Ok(TlvsView::checked(std::mem::take(&mut self.rest)))
        } else {
            Err(Stop)
        }
    }

    #[inline]
    fn tolerate(&mut self, _: Quirk, _: &'static str, _: DecodeErrorKind) -> Result<(), Stop> {
        Err(Stop)
    }

    #[inline]
    fn fail(&mut self, _: &'static str, _: DecodeErrorKind) -> Stop {
        Stop
    }
}

/// How long the text in front is, when nothing is wrong with it.
// These three take the octets, not the reader: one whose address is known to others cannot stay in registers.
#[inline(never)]
fn sound_text(octets: &[u8], max: usize) -> Option<usize> {
    let (length, ascii) = scan(octets);
    (length < max && length < octets.len() && ascii).then_some(length)
}

/// How long the time in front is, when nothing is wrong with it.
#[inline(never)]
fn sound_time(octets: &[u8]) -> Option<usize> {
    let length = sound_text(octets, time::MAX)?;
    let text = octets.get(..length)?;
    time::SmppTime::parse(text).is_ok().then_some(length)
}

/// True when a region is nothing but whole TLVs, the standard ones of the right length.
#[inline(never)]
fn are_sound(mut region: &[u8]) -> bool {
    while let Some(([t0, t1, l0, l1], rest)) = region.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes([*l0, *l1]));
        let Some((value, rest)) = rest.split_at_checked(length) else {
            return false;
        };
        let tag = TlvTag::new(u16::from_be_bytes([*t0, *t1]));
        if tag.shape().is_some_and(|shape| shape.complaint(value).is_some()) {
            return false;
        }
        region = rest;
    }
    region.is_empty()
}
