//! From a frame to a checked view or an owned value.

use std::ops::Range;

use bytes::Bytes;

use super::encode::{encode_whole, encode_without_body};
use super::error::{DecodeError, DecodeErrorKind, EncodeError};
use super::leniency::{Faults, Leniency, Quirk};
use super::quick::Quick;
use super::reader::{Input, Reader, Repair, Stop};
use super::reflect::{Field, FieldValue};
use super::wire::Source;
use super::{CommandId, EnquireLink, EnquireLinkView, Header, Pdu, PduView, SubmitSmRespView};

/// A frame, read and checked; nothing was copied.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View<'a> {
    /// The header.
    pub header: Header,
    /// The body.
    pub body: PduView<'a>,
    /// The deviations that were put up with.
    pub faults: Faults,
    /// True for a response without the body that its command has; its fields are empty.
    pub body_absent: bool,
}

/// A field and where it stands in its frame.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PlacedField<'a> {
    /// The field; counters have the value that came, also when it is wrong.
    pub field: Field<'a>,
    /// Its octets, counted from the first octet of the PDU.
    pub range: Range<usize>,
}

impl<'a> View<'a> {
    /// The mandatory fields with their places in `frame`, the frame that this view was taken of.
    ///
    /// None for a body that is absent or was dropped.
    #[must_use]
    pub fn placed_fields(&self, frame: &[u8]) -> Vec<PlacedField<'a>> {
        if self.body_absent {
            return Vec::new();
        }
        let mut start = Header::LENGTH;
        let place = |mut field: Field<'a>| {
            // A text without its NUL ends with the frame.
            let range = start..frame.len().min(start + field.octets);
            start = range.end;
            if field.name == "sm_length" {
                field.value = FieldValue::Integer(frame.get(range.start).copied().unwrap_or_default().into());
            }
            PlacedField { field, range }
        };
        self.body.fields().into_iter().map(place).collect()
    }

    /// Where the TLVs begin in the frame that this was read from; behind the fields, unless octets between them were left out.
    /// None where there are no TLVs.
    #[must_use]
    pub fn tlvs_start(&self, frame: &[u8]) -> Option<usize> {
        let tlvs = self.body.tlvs();
        let octets = tlvs.as_bytes();
        let start = octets.as_ptr().addr().wrapping_sub(frame.as_ptr().addr());
        (!octets.is_empty() && start < frame.len()).then_some(start)
    }
}

impl View<'_> {
    /// True when the PDU keeps to the standard in everything that is checked.
    #[must_use]
    pub fn is_conformant(&self) -> bool {
        self.faults.is_empty()
    }
}

/// A frame, read, checked and owned.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// The header.
    pub header: Header,
    /// The body.
    pub pdu: Pdu,
    /// The deviations that were put up with.
    pub faults: Faults,
    /// True for a response without the body that its command has; its fields are empty.
    pub body_absent: bool,
}

impl Decoded {
    /// Appends the frame again: for one that keeps to the standard the very octets that were read.
    ///
    /// # Errors
    ///
    /// A field that does not fit, which only leniency can have let in; `out` is then as before.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let Header {
            command_id,
            command_status,
            sequence_number,
            ..
        } = self.header;
        if self.body_absent {
            encode_without_body(command_id, command_status, sequence_number, out);
            return Ok(());
        }
        encode_whole(&self.pdu, command_status, sequence_number, out)
    }

    /// True when the PDU keeps to the standard in everything that is checked.
    #[must_use]
    pub fn is_conformant(&self) -> bool {
        self.faults.is_empty()
    }
}

/// Reads and checks one frame without copying anything.
///
/// # Errors
///
/// [`DecodeErrorKind::UnknownCommand`] for a command that has no row, [`DecodeErrorKind::FrameLength`] when
/// `frame` is not exactly `command_length` octets, else the first field that cannot be read or whose deviation
/// has its switch off.
#[inline]
pub fn view<'a>(frame: &'a [u8], leniency: &Leniency) -> Result<View<'a>, DecodeError> {
    match plain_enquire_link(frame) {
        Some(header) => Ok(View {
            header,
            body: PduView::EnquireLink(EnquireLinkView::default()),
            faults: Faults::NONE,
            body_absent: false,
        }),
        None => view_any(frame, leniency),
    }
}

/// The body of a submit_sm_resp in which nothing is odd. It comes for nearly every message; known by itself, it need not
/// be moved as what is as large as the largest view.
#[inline]
pub(crate) fn plain_submit_sm_resp(frame: &[u8]) -> Option<SubmitSmRespView<'_>> {
    let (octets, body) = frame.split_first_chunk()?;
    if Header::parse(octets).command_id != CommandId::SUBMIT_SM_RESP || !has_plain_header(octets, body) {
        return None;
    }
    SubmitSmRespView::read(&mut Quick::new(body)).ok()
}

/// The header of the one PDU that idle links exchange; worth not going through the table.
#[inline]
fn plain_enquire_link(frame: &[u8]) -> Option<Header> {
    let octets = frame.first_chunk().filter(|_| frame.len() == Header::LENGTH)?;
    let header = Header::parse(octets);
    let is_plain = header.command_id == CommandId::ENQUIRE_LINK
        && header.command_length == 16
        && header.sequence_number.is_conformant();
    is_plain.then_some(header)
}

fn view_any<'a>(frame: &'a [u8], leniency: &Leniency) -> Result<View<'a>, DecodeError> {
    let Some((header, body)) = frame.split_first_chunk() else {
        return Err(frame_error(frame, CommandId::new(0)));
    };
    if has_plain_header(header, body) {
        PduView::read_quickly(header, body, || odd_view(frame, header, body, leniency))
    } else {
        odd_view(frame, header, body, leniency)
    }
}

/// True when there is nothing odd about a header and the presence of a body behind it.
#[inline]
fn has_plain_header(header: &[u8; Header::LENGTH], body: &[u8]) -> bool {
    let parsed = Header::parse(header);
    let is_absent = body.is_empty() && parsed.command_id.is_response();
    header.len() + body.len() == parsed.command_length as usize
        && parsed.sequence_number.is_conformant()
        && !is_absent
}

/// Reads a frame in which something is out of the ordinary.
#[inline(never)]
fn odd_view<'a>(
    frame: &'a [u8],
    octets: &[u8; Header::LENGTH],
    body: &'a [u8],
    leniency: &Leniency,
) -> Result<View<'a>, DecodeError> {
    let header = Header::parse(octets);
    if u32::try_from(frame.len()) != Ok(header.command_length) {
        return Err(frame_error(frame, header.command_id));
    }
    let mut reader = Reader::new(frame.len(), body, header.command_id, *leniency);
    if !header.sequence_number.is_conformant() {
        sequence_fault(&mut reader)?;
    }
    if body.is_empty() && header.command_id.is_response() {
        return absent_body(header, reader);
    }
    match PduView::read(header.command_id, &mut reader) {
        Some(Ok(body)) => Ok(View {
            header,
            body,
            faults: reader.faults(),
            body_absent: false,
        }),
        Some(Err(Stop)) => mend(frame.len(), body, header, &reader, leniency),
        None => Err(unknown_command(header)),
    }
}

/// Reads and checks one frame and owns the result; long fields are slices of `frame`.
///
/// # Errors
///
/// As [`view`].
#[inline]
pub fn decode(frame: &Bytes, leniency: &Leniency) -> Result<Decoded, DecodeError> {
    match plain_enquire_link(frame) {
        Some(header) => Ok(Decoded {
            header,
            pdu: Pdu::EnquireLink(EnquireLink::default()),
            faults: Faults::NONE,
            body_absent: false,
        }),
        None => decode_any(frame, leniency),
    }
}

fn decode_any(frame: &Bytes, leniency: &Leniency) -> Result<Decoded, DecodeError> {
    let Some((header, body)) = frame.split_first_chunk() else {
        return Err(frame_error(frame, CommandId::new(0)));
    };
    if has_plain_header(header, body) {
        PduView::own_quickly(header, body, Source::Frame(frame), || {
            odd_decoded(frame, header, body, leniency)
        })
    } else {
        odd_decoded(frame, header, body, leniency)
    }
}

#[inline(never)]
fn odd_decoded(
    frame: &Bytes,
    header: &[u8; Header::LENGTH],
    body: &[u8],
    leniency: &Leniency,
) -> Result<Decoded, DecodeError> {
    odd_view(frame, header, body, leniency).map(|view| Decoded {
        header: view.header,
        pdu: view.body.to_owned_pdu(frame),
        faults: view.faults,
        body_absent: view.body_absent,
    })
}

fn absent_body<'a>(header: Header, mut reader: Reader<'a>) -> Result<View<'a>, DecodeError> {
    let Some(body) = PduView::empty(header.command_id) else {
        return Err(unknown_command(header));
    };
    let body_absent = !header.command_id.fields().is_empty();
    if body_absent && header.command_status.is_ok() {
        let field = header
            .command_id
            .fields()
            .first()
            .map_or("body", |field| field.name);
        if reader
            .tolerate(Quirk::MissingBody, field, DecodeErrorKind::MissingBody)
            .is_err()
        {
            return Err(failure_of(&reader, header));
        }
    }
    Ok(View {
        header,
        body,
        faults: reader.faults(),
        body_absent,
    })
}

/// Reads a damaged body again, each time with one kind of damage put right.
#[cold]
#[inline(never)]
fn mend<'a>(
    frame_length: usize,
    body: &'a [u8],
    header: Header,
    first: &Reader<'a>,
    leniency: &Leniency,
) -> Result<View<'a>, DecodeError> {
    let error = failure_of(first, header);
    if header.command_id.fields().is_empty() {
        let mut faults = first.faults();
        return match PduView::empty(header.command_id).filter(|_| leniency.unexpected_body) {
            Some(empty) => {
                faults.insert(Quirk::UnexpectedBody);
                Ok(View {
                    header,
                    body: empty,
                    faults,
                    body_absent: false,
                })
            }
            None => Err(DecodeError {
                kind: DecodeErrorKind::UnexpectedBody { length: body.len() },
                field: "body",
                offset: Header::LENGTH,
                command_id: header.command_id,
                switch: Some(Quirk::UnexpectedBody),
            }),
        };
    }
    if !header.command_status.is_ok() && header.command_id.is_response() {
        let mut faults = first.faults();
        return match PduView::empty(header.command_id).filter(|_| leniency.error_body) {
            Some(body) => {
                faults.insert(Quirk::ErrorBody);
                let body_absent = !header.command_id.fields().is_empty();
                Ok(View {
                    header,
                    body,
                    faults,
                    body_absent,
                })
            }
            None => Err(error),
        };
    }
    // Of an octet too many, a NUL is more likely one that a text in C ends with than a part of the text.
    let repairs: &[Repair] = match (error.kind, error.switch) {
        (DecodeErrorKind::TrailingOctets { .. }, None) => {
            &[Repair::NulBeforeTlvs, Repair::Of(Quirk::SmLengthUnder)]
        }
        (_, Some(Quirk::TlvOverrun)) => &[
            Repair::NulBeforeTlvs,
            Repair::Of(Quirk::SmLengthUnder),
            Repair::Of(Quirk::TlvOverrun),
        ],
        (_, Some(Quirk::MissingNul)) => &[Repair::Of(Quirk::MissingNul)],
        (_, Some(Quirk::SmLengthOver)) => &[Repair::Of(Quirk::SmLengthOver)],
        (_, Some(Quirk::TrailingNul)) => &[Repair::Of(Quirk::TrailingNul)],
        _ => &[],
    };
    for &repair in repairs.iter().filter(|repair| leniency.allows(repair.quirk())) {
        let mut reader = Reader::new(frame_length, body, header.command_id, *leniency).repairing(repair);
        if !header.sequence_number.is_conformant() && sequence_fault(&mut reader).is_err() {
            continue;
        }
        if let Some(Ok(body)) = PduView::read(header.command_id, &mut reader) {
            return Ok(View {
                header,
                body,
                faults: reader.faults(),
                body_absent: false,
            });
        }
    }
    Err(error)
}

fn sequence_fault(reader: &mut Reader<'_>) -> Result<(), DecodeError> {
    match reader.tolerate(
        Quirk::SequenceRange,
        "sequence_number",
        DecodeErrorKind::SequenceRange,
    ) {
        Ok(()) => Ok(()),
        Err(Stop) => Err(reader.failure().map_or_else(
            || unknown_command(Header::parse(&[0; 16])),
            |failure| DecodeError {
                offset: 12,
                ..failure
            },
        )),
    }
}

fn failure_of(reader: &Reader<'_>, header: Header) -> DecodeError {
    reader.failure().unwrap_or_else(|| unknown_command(header))
}

fn unknown_command(header: Header) -> DecodeError {
    DecodeError {
        kind: DecodeErrorKind::UnknownCommand,
        field: "command_id",
        offset: 4,
        command_id: header.command_id,
        switch: None,
    }
}

fn frame_error(frame: &[u8], command_id: CommandId) -> DecodeError {
    DecodeError {
        kind: DecodeErrorKind::FrameLength { length: frame.len() },
        field: "command_length",
        offset: 0,
        command_id,
        switch: None,
    }
}
