//! What an older version of the protocol forbids in what we send (3.4 section 3.4, 5.0 section 3.5).

use crate::pdu::{
    self, EncodeError, EncodeErrorKind, Header, InterfaceVersion, Leniency, PduView, TlvTag, View,
};

/// Frames up to this length cannot hold more than 254 octets of text.
const SHORT_FRAME: usize = Header::LENGTH + 254;

/// Text may have this length before 5.0, where 255 is one more.
const TEXT_MAX: usize = 254;

/// TLVs without which a message would be another message. Others add to it.
const CONTENT: [TlvTag; 4] = [
    TlvTag::MESSAGE_PAYLOAD,
    TlvTag::SAR_MSG_REF_NUM,
    TlvTag::SAR_TOTAL_SEGMENTS,
    TlvTag::SAR_SEGMENT_SEQNUM,
];

/// The version that the two sides speak: the lower one, where the peer names one that exists.
#[must_use]
pub fn agreed_version(ours: InterfaceVersion, theirs: Option<InterfaceVersion>) -> InterfaceVersion {
    match theirs {
        Some(theirs @ (InterfaceVersion::V3_3 | InterfaceVersion::V3_4 | InterfaceVersion::V5_0))
            if theirs.value() < ours.value() =>
        {
            theirs
        }
        _ => ours,
    }
}

/// The version that a bind of the peer names. What is older than 3.4 counts as 3.3.
pub(super) fn of_bind(body: &PduView<'_>) -> Option<InterfaceVersion> {
    let version = match body {
        PduView::BindTransceiver(bind) => bind.interface_version,
        PduView::BindTransmitter(bind) => bind.interface_version,
        PduView::BindReceiver(bind) => bind.interface_version,
        _ => return None,
    };
    Some(version.max(InterfaceVersion::V3_3))
}

/// Makes the frame of a request at `start` one that `version` has, or takes it back.
///
/// Before 3.4 there are no TLVs: those that only add to a message are left out, one that holds its text or tells
/// its place among others is refused.
#[inline]
pub(super) fn fit_request(
    version: InterfaceVersion,
    out: &mut Vec<u8>,
    start: usize,
) -> Result<(), EncodeError> {
    let is_old = version < InterfaceVersion::V3_4;
    if !is_old && (version >= InterfaceVersion::V5_0 || out.len() - start <= SHORT_FRAME) {
        return Ok(());
    }
    let checked = check(version, out.get(start..).unwrap_or_default());
    match checked {
        Ok(tlvs) if is_old => cut_tail(out, start, tlvs),
        Ok(_) => {}
        Err(_) => out.truncate(start),
    }
    checked.map(|_| ())
}

/// Makes the frame of a response at `start` one that `version` has.
#[inline]
pub(super) fn fit_response(version: InterfaceVersion, out: &mut Vec<u8>, start: usize) {
    if version < InterfaceVersion::V3_4 && out.len() - start > Header::LENGTH {
        let frame = out.get(start..).unwrap_or_default();
        let tlvs = pdu::view(frame, &Leniency::default()).map_or(0, |view| view.body.tlvs().as_bytes().len());
        cut_tail(out, start, tlvs);
    }
}

/// The octets of the TLVs of a frame, or what the version has no room for.
#[cold]
fn check(version: InterfaceVersion, frame: &[u8]) -> Result<usize, EncodeError> {
    let Ok(View { body, .. }) = pdu::view(frame, &Leniency::default()) else {
        // A PDU of the owner's own making: its business.
        return Ok(0);
    };
    let command_id = body.command_id();
    let length = text_of(&body).len();
    if length > TEXT_MAX {
        let kind = EncodeErrorKind::TooLong {
            length,
            max: TEXT_MAX,
        };
        return Err(EncodeError::new(kind, "short_message", command_id));
    }
    let tlvs = body.tlvs();
    if version < InterfaceVersion::V3_4
        && let Some(tag) = CONTENT.into_iter().find(|tag| tlvs.find(*tag).is_some())
    {
        let kind = EncodeErrorKind::NotInVersion(version);
        return Err(EncodeError::new(kind, tag.name().unwrap_or("TLV"), command_id));
    }
    Ok(tlvs.as_bytes().len())
}

fn text_of<'a>(body: &PduView<'a>) -> &'a [u8] {
    match body {
        PduView::SubmitSm(body) => body.short_message,
        PduView::SubmitMulti(body) => body.short_message,
        PduView::DeliverSm(body) => body.short_message,
        PduView::ReplaceSm(body) => body.short_message,
        _ => &[],
    }
}

/// Takes octets off the end of the frame at `start`, which is the last one.
fn cut_tail(out: &mut Vec<u8>, start: usize, octets: usize) {
    let length = out.len().saturating_sub(start + octets);
    if let Ok(length) = u32::try_from(length)
        && octets > 0
        && let Some(place) = out.get_mut(start..).and_then(<[u8]>::first_chunk_mut)
    {
        *place = length.to_be_bytes();
        out.truncate(out.len() - octets);
    }
}
