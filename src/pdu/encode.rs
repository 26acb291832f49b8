//! From an owned or borrowed body to a frame.

use super::error::{EncodeError, EncodeErrorKind};
use super::{CommandId, CommandStatus, Header, Pdu, SequenceNumber};

/// The body of one kind of PDU, owned or borrowed.
pub trait Body {
    /// Which PDU it is the body of.
    const COMMAND_ID: CommandId;

    /// Appends the body.
    ///
    /// # Errors
    ///
    /// A field that does not fit; part of the body may have been written by then.
    fn encode_body(&self, out: &mut Vec<u8>) -> Result<(), EncodeError>;

    /// True when there is at least one TLV.
    fn has_tlvs(&self) -> bool;
}

/// Appends one frame to `out`.
///
/// A response with an error status goes without its body, save submit_sm_resp and data_sm_resp that carry
/// TLVs (5.0 section 3.2.1.6).
///
/// # Errors
///
/// A field that does not fit; `out` is then as before.
#[inline]
pub fn encode<B: Body>(
    body: &B,
    status: CommandStatus,
    sequence: SequenceNumber,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    if !status.is_ok() && omits_body(body) {
        encode_without_body(B::COMMAND_ID, status, sequence, out);
        return Ok(());
    }
    let start = out.len();
    encode_without_body(B::COMMAND_ID, status, sequence, out);
    let result = body.encode_body(out);
    finish(start, B::COMMAND_ID, result, out)
}

/// Appends one frame with its body whatever the status says, as some peers do.
///
/// # Errors
///
/// A field that does not fit; `out` is then as before.
pub fn encode_whole(
    pdu: &Pdu,
    status: CommandStatus,
    sequence: SequenceNumber,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let start = out.len();
    encode_without_body(pdu.command_id(), status, sequence, out);
    let result = pdu.encode_body(out);
    finish(start, pdu.command_id(), result, out)
}

/// Appends a frame that is nothing but a header.
#[inline]
pub fn encode_without_body(
    command_id: CommandId,
    status: CommandStatus,
    sequence: SequenceNumber,
    out: &mut Vec<u8>,
) {
    let header = Header {
        command_length: 16,
        command_id,
        command_status: status,
        sequence_number: sequence,
    };
    out.extend_from_slice(&header.to_octets());
}

/// Writes the length of the frame at `start`, or takes the frame back.
#[inline]
fn finish(
    start: usize,
    command_id: CommandId,
    result: Result<(), EncodeError>,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let length = out.len() - start;
    let result = result.and_then(|()| {
        let max = u32::MAX as usize;
        u32::try_from(length).map_err(|_| EncodeError {
            kind: EncodeErrorKind::TooLong { length, max },
            field: "command_length",
            command_id,
        })
    });
    match (result, out.get_mut(start..).and_then(<[u8]>::first_chunk_mut)) {
        (Ok(length), Some(octets)) => {
            *octets = length.to_be_bytes();
            Ok(())
        }
        (result, _) => {
            out.truncate(start);
            result.map(|_| ())
        }
    }
}

fn omits_body<B: Body>(body: &B) -> bool {
    let carries =
        matches!(B::COMMAND_ID, CommandId::SUBMIT_SM_RESP | CommandId::DATA_SM_RESP) && body.has_tlvs();
    B::COMMAND_ID.is_response() && !carries
}
