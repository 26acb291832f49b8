//! What can be wrong with a PDU, where, and which status answers it.

use super::{CommandId, CommandStatus, InterfaceVersion, Quirk, TlvTag};

/// Why a frame could not be read, or a deviation whose leniency switch is off.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// No PDU has this command_id; requests are answered with generic_nack.
    #[error("unknown command_id")]
    UnknownCommand,
    /// The octets handed over are not one frame of the announced length.
    #[error("frame of {length} octets")]
    FrameLength {
        /// How many octets there are.
        length: usize,
    },
    /// The PDU ends before the field does.
    #[error("ends before the field does")]
    Truncated,
    /// A C-octet string without its NUL.
    #[error("no NUL up to the end")]
    Unterminated,
    /// A C-octet string longer than its field.
    #[error("{length} characters where {max} fit")]
    TooLong {
        /// How many characters came.
        length: usize,
        /// How many fit.
        max: usize,
    },
    /// A C-octet string with octets above 0x7F.
    #[error("octets above 0x7F")]
    NonAscii,
    /// Neither empty nor a time.
    #[error("not in the time format")]
    TimeFormat,
    /// In the time format, but no time: month 13.
    #[error("a part of the time is out of its range")]
    TimeRange,
    /// A value that the standard reserves.
    #[error("reserved value {value}")]
    ReservedValue {
        /// What came.
        value: u32,
    },
    /// A value that leaves the rest of the PDU unreadable.
    #[error("value {value} is none of the allowed ones")]
    InvalidValue {
        /// What came.
        value: u32,
    },
    /// `sm_length` does not fit what follows.
    #[error("{announced} octets announced, {present} there")]
    TextLength {
        /// What `sm_length` says.
        announced: usize,
        /// How many octets follow it.
        present: usize,
    },
    /// One to three octets after the last TLV.
    #[error("{count} octets left over")]
    TrailingOctets {
        /// How many.
        count: usize,
    },
    /// A TLV whose length runs past the end.
    #[error("TLV {tag} of {length} octets, {present} there")]
    TlvOverrun {
        /// Whose.
        tag: TlvTag,
        /// What it announces.
        length: usize,
        /// How many octets follow.
        present: usize,
    },
    /// A standard TLV of a length that the standard does not give it.
    #[error("TLV length {length}")]
    TlvLength {
        /// Octets of the value.
        length: usize,
    },
    /// A response with status 0 without its body.
    #[error("no body")]
    MissingBody,
    /// Octets after the header of a PDU without a body.
    #[error("{length} octets where no body belongs")]
    UnexpectedBody {
        /// How many octets.
        length: usize,
    },
    /// A sequence number outside 1 to 0x7FFFFFFF.
    #[error("outside 1 to 0x7FFFFFFF")]
    SequenceRange,
}

/// A frame that cannot be read; the frame itself was bounded, so the session goes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{field} at octet {offset} of {command_id}: {kind}")]
#[non_exhaustive]
pub struct DecodeError {
    /// What is wrong.
    pub kind: DecodeErrorKind,
    /// The field or TLV, by its standard name.
    pub field: &'static str,
    /// Where it starts, counted from the first octet of the PDU.
    pub offset: usize,
    /// The PDU.
    pub command_id: CommandId,
    /// The leniency switch that would have let it pass.
    pub switch: Option<Quirk>,
}

impl DecodeError {
    /// True when no PDU has this command_id: a request is then answered with generic_nack.
    #[must_use]
    pub const fn is_unknown_command(&self) -> bool {
        matches!(self.kind, DecodeErrorKind::UnknownCommand)
    }

    /// The status of the response that answers such a request; with
    /// [`DecodeErrorKind::UnknownCommand`] that response is a generic_nack.
    #[must_use]
    pub fn answer_status(&self) -> CommandStatus {
        match self.kind {
            DecodeErrorKind::UnknownCommand => CommandStatus::ESME_RINVCMDID,
            DecodeErrorKind::FrameLength { .. }
            | DecodeErrorKind::Truncated
            | DecodeErrorKind::MissingBody
            | DecodeErrorKind::UnexpectedBody { .. } => CommandStatus::ESME_RINVCMDLEN,
            DecodeErrorKind::TrailingOctets { .. } | DecodeErrorKind::TlvOverrun { .. } => {
                CommandStatus::ESME_RINVOPTPARSTREAM
            }
            DecodeErrorKind::TlvLength { .. } => CommandStatus::ESME_RINVPARLEN,
            DecodeErrorKind::TextLength { .. } => CommandStatus::ESME_RINVMSGLEN,
            DecodeErrorKind::SequenceRange => CommandStatus::ESME_RUNKNOWNERR,
            DecodeErrorKind::Unterminated
            | DecodeErrorKind::TooLong { .. }
            | DecodeErrorKind::NonAscii
            | DecodeErrorKind::TimeFormat
            | DecodeErrorKind::TimeRange
            | DecodeErrorKind::ReservedValue { .. }
            | DecodeErrorKind::InvalidValue { .. } => field_status(self.field),
        }
    }
}

/// Why a PDU cannot be encoded; nothing was written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeErrorKind {
    /// More than the field holds.
    #[error("{length} where at most {max} fit")]
    TooLong {
        /// How many octets, characters or entries there are.
        length: usize,
        /// How many fit.
        max: usize,
    },
    /// A NUL inside a C-octet string.
    #[error("NUL inside the text")]
    Nul,
    /// The version that the session speaks has no such thing.
    #[error("not in version {0} of the protocol")]
    NotInVersion(InterfaceVersion),
}

/// A value that does not fit the wire.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{field} of {command_id}: {kind}")]
#[non_exhaustive]
pub struct EncodeError {
    /// What is wrong.
    pub kind: EncodeErrorKind,
    /// The field, by its standard name.
    pub field: &'static str,
    /// The PDU.
    pub command_id: CommandId,
}

impl EncodeError {
    /// What is wrong with which field.
    #[must_use]
    pub const fn new(kind: EncodeErrorKind, field: &'static str, command_id: CommandId) -> Self {
        Self {
            kind,
            field,
            command_id,
        }
    }
}

/// The status that says "this field is not valid" (3.4 section 5.1.3).
#[must_use]
pub fn field_status(field: &str) -> CommandStatus {
    match field {
        "service_type" => CommandStatus::ESME_RINVSERTYP,
        "source_addr" => CommandStatus::ESME_RINVSRCADR,
        "source_addr_ton" => CommandStatus::ESME_RINVSRCTON,
        "source_addr_npi" => CommandStatus::ESME_RINVSRCNPI,
        "destination_addr" | "dest_address" | "esme_addr" => CommandStatus::ESME_RINVDSTADR,
        "dest_addr_ton" | "esme_addr_ton" => CommandStatus::ESME_RINVDSTTON,
        "dest_addr_npi" | "esme_addr_npi" => CommandStatus::ESME_RINVDSTNPI,
        "esm_class" => CommandStatus::ESME_RINVESMCLASS,
        "priority_flag" => CommandStatus::ESME_RINVPRTFLG,
        "schedule_delivery_time" => CommandStatus::ESME_RINVSCHED,
        "validity_period" => CommandStatus::ESME_RINVEXPIRY,
        "registered_delivery" => CommandStatus::ESME_RINVREGDLVFLG,
        "replace_if_present_flag" => CommandStatus::ESME_RINVREPFLAG,
        "sm_default_msg_id" => CommandStatus::ESME_RINVDFTMSGID,
        "sm_length" | "short_message" | "message_payload" => CommandStatus::ESME_RINVMSGLEN,
        "message_id" => CommandStatus::ESME_RINVMSGID,
        "number_of_dests" => CommandStatus::ESME_RINVNUMDESTS,
        "dest_flag" => CommandStatus::ESME_RINVDESTFLAG,
        "dl_name" => CommandStatus::ESME_RINVDLNAME,
        "system_id" => CommandStatus::ESME_RINVSYSID,
        "password" => CommandStatus::ESME_RINVPASWD,
        "system_type" => CommandStatus::ESME_RINVSYSTYP,
        "data_coding" => CommandStatus::ESME_RINVDCS,
        "addr_ton" | "addr_npi" | "address_range" => CommandStatus::ESME_RBINDFAIL,
        "broadcast_frequency_interval" => CommandStatus::ESME_RINVBCASTFREQINT,
        "broadcast_area_identifier" => CommandStatus::ESME_RINVBCASTAREAFMT,
        "broadcast_content_type" => CommandStatus::ESME_RINVBCASTCNTTYPE,
        "broadcast_message_class" => CommandStatus::ESME_RINVBCASTMSGCLASS,
        "broadcast_rep_num" => CommandStatus::ESME_RINVBCAST_REP,
        "broadcast_service_group" => CommandStatus::ESME_RINVBCASTSRVGRP,
        "broadcast_channel_indicator" => CommandStatus::ESME_RINVBCASTCHANIND,
        "source_addr_subunit" => CommandStatus::ESME_RINVSRCADDRSUBUNIT,
        "dest_addr_subunit" => CommandStatus::ESME_RINVDSTADDRSUBUNIT,
        _ if TlvTag::from_name(field).is_some() => CommandStatus::ESME_RINVOPTPARAMVAL,
        _ => CommandStatus::ESME_RSYSERR,
    }
}
