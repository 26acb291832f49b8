//! Messages out of the requests that carry them.

use super::deliveries::Party;
use super::store::Submission;
use super::witness::{Fate, SeenMessage};
use crate::pdu::{
    COctetString, CommandId, CommandStatus, DataCoding, DataSmView, DestAddressView, EsmClass, Npi,
    SequenceNumber, SubmitMultiView, SubmitSmView, TlvsView, Ton, UnsuccessSme, latin1, tlv,
};

/// A message as its request describes it.
#[derive(Clone, Debug, Default)]
pub(super) struct Message<'a> {
    pub(super) submission: Submission<'a>,
    pub(super) command_id: CommandId,
    pub(super) esm_class: EsmClass,
    pub(super) data_coding: DataCoding,
    /// Everything that stands for the text, the user data header included.
    pub(super) octets: &'a [u8],
    pub(super) tlvs: TlvsView<'a>,
}

impl<'a> Message<'a> {
    /// # Errors
    ///
    /// The status that names the field which cannot be used.
    pub(super) fn of_submit_sm(request: &SubmitSmView<'a>) -> Result<Self, CommandStatus> {
        let octets = text_of(request.short_message, request.tlvs)?;
        Ok(Self {
            submission: Submission {
                service_type: request.service_type,
                source: source(
                    request.source_addr_ton,
                    request.source_addr_npi,
                    request.source_addr,
                )?,
                destination: destination(
                    request.dest_addr_ton,
                    request.dest_addr_npi,
                    request.destination_addr,
                )?,
                schedule_delivery_time: request.schedule_delivery_time,
                validity_period: request.validity_period,
                registered_delivery: request.registered_delivery,
                replace_if_present: request.replace_if_present_flag == 1,
                text: without_header(octets, request.esm_class),
                user_message_reference: request.tlvs.get::<tlv::UserMessageReference>(),
            },
            command_id: CommandId::SUBMIT_SM,
            esm_class: request.esm_class,
            data_coding: request.data_coding,
            octets,
            tlvs: request.tlvs,
        })
    }

    /// # Errors
    ///
    /// The status that names the field which cannot be used.
    pub(super) fn of_data_sm(request: &DataSmView<'a>) -> Result<Self, CommandStatus> {
        let octets = text_of(&[], request.tlvs)?;
        Ok(Self {
            submission: Submission {
                service_type: request.service_type,
                source: source(
                    request.source_addr_ton,
                    request.source_addr_npi,
                    request.source_addr,
                )?,
                destination: destination(
                    request.dest_addr_ton,
                    request.dest_addr_npi,
                    request.destination_addr,
                )?,
                registered_delivery: request.registered_delivery,
                text: without_header(octets, request.esm_class),
                user_message_reference: request.tlvs.get::<tlv::UserMessageReference>(),
                ..Submission::default()
            },
            command_id: CommandId::DATA_SM,
            esm_class: request.esm_class,
            data_coding: request.data_coding,
            octets,
            tlvs: request.tlvs,
        })
    }

    /// The message without a destination, see [`to`](Self::to).
    ///
    /// # Errors
    ///
    /// The status that names the field which cannot be used.
    pub(super) fn of_submit_multi(request: &SubmitMultiView<'a>) -> Result<Self, CommandStatus> {
        let octets = text_of(request.short_message, request.tlvs)?;
        Ok(Self {
            submission: Submission {
                service_type: request.service_type,
                source: source(
                    request.source_addr_ton,
                    request.source_addr_npi,
                    request.source_addr,
                )?,
                schedule_delivery_time: request.schedule_delivery_time,
                validity_period: request.validity_period,
                registered_delivery: request.registered_delivery,
                text: without_header(octets, request.esm_class),
                user_message_reference: request.tlvs.get::<tlv::UserMessageReference>(),
                ..Submission::default()
            },
            command_id: CommandId::SUBMIT_MULTI,
            esm_class: request.esm_class,
            data_coding: request.data_coding,
            octets,
            tlvs: request.tlvs,
        })
    }

    /// Sets the destination.
    ///
    /// # Errors
    ///
    /// It is a distribution list, which this SMSC has not got, or no number.
    pub(super) fn to(&mut self, address: DestAddressView<'_>) -> Result<(), CommandStatus> {
        match address {
            DestAddressView::Sme {
                dest_addr_ton,
                dest_addr_npi,
                destination_addr,
            } => {
                self.submission.destination = destination(dest_addr_ton, dest_addr_npi, destination_addr)?;
                Ok(())
            }
            DestAddressView::List { .. } => Err(CommandStatus::ESME_RINVDLNAME),
        }
    }

    /// What a witness keeps of it.
    pub(super) fn seen(
        &self,
        sequence_number: SequenceNumber,
        result: Result<String, CommandStatus>,
        fate: Fate,
    ) -> SeenMessage {
        SeenMessage {
            command_id: self.command_id,
            sequence_number,
            source: self.submission.source.address.to_string(),
            destination: self.submission.destination.address.to_string(),
            esm_class: self.esm_class,
            data_coding: self.data_coding,
            registered_delivery: self.submission.registered_delivery,
            octets: self.octets.to_vec(),
            tlvs: self.tlvs.to_tlvs(),
            status: result.as_ref().err().copied().unwrap_or(CommandStatus::ESME_ROK),
            message_id: result.ok(),
            fate,
        }
    }
}

/// The entry of a submit_multi_resp for a destination that was refused.
pub(super) fn unsuccessful(address: DestAddressView<'_>, status: CommandStatus) -> UnsuccessSme {
    let (dest_addr_ton, dest_addr_npi, name) = match address {
        DestAddressView::Sme {
            dest_addr_ton,
            dest_addr_npi,
            destination_addr,
        } => (dest_addr_ton, dest_addr_npi, destination_addr),
        DestAddressView::List { dl_name } => (Ton::UNKNOWN, Npi::UNKNOWN, dl_name),
    };
    UnsuccessSme {
        dest_addr_ton,
        dest_addr_npi,
        destination_addr: COctetString::from_octets(name).unwrap_or_default(),
        error_status_code: status,
    }
}

/// A text for people out of a field.
pub(super) fn text(field: &[u8]) -> String {
    latin1(field).into_owned()
}

fn source(ton: Ton, npi: Npi, address: &[u8]) -> Result<Party, CommandStatus> {
    party(ton, npi, address).ok_or(CommandStatus::ESME_RINVSRCADR)
}

fn destination(ton: Ton, npi: Npi, address: &[u8]) -> Result<Party, CommandStatus> {
    party(ton, npi, address).ok_or(CommandStatus::ESME_RINVDSTADR)
}

/// None for what no receipt could be addressed to.
fn party(ton: Ton, npi: Npi, address: &[u8]) -> Option<Party> {
    Some(Party {
        ton,
        npi,
        address: COctetString::from_octets(address).ok()?,
    })
}

/// `short_message` or `message_payload`; both at once are one too many (3.4 section 5.3.2.32).
fn text_of<'a>(short_message: &'a [u8], tlvs: TlvsView<'a>) -> Result<&'a [u8], CommandStatus> {
    match tlvs.get::<tlv::MessagePayload>() {
        None => Ok(short_message),
        Some(payload) if short_message.is_empty() => Ok(payload),
        Some(_) => Err(CommandStatus::ESME_RINVMSGLEN),
    }
}

fn without_header(octets: &[u8], esm_class: EsmClass) -> &[u8] {
    match octets.split_first() {
        Some((length, rest)) if esm_class.has_udh() => rest.get(usize::from(*length)..).unwrap_or_default(),
        _ => octets,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdu::{SubmitSm, Tlvs};

    #[test]
    fn a_message_is_taken_from_either_place_but_not_from_both() {
        let mut payload = Tlvs::default();
        payload.put::<tlv::MessagePayload>(b"long text").unwrap();
        let request = |text: &str, tlvs: &Tlvs| SubmitSm {
            source_addr: "100".parse().unwrap(),
            destination_addr: "200".parse().unwrap(),
            short_message: text.into(),
            tlvs: tlvs.clone(),
            ..SubmitSm::default()
        };
        let cases: [(SubmitSm, Result<&[u8], CommandStatus>); 4] = [
            (request("short", &Tlvs::default()), Ok(b"short")),
            (request("", &payload), Ok(b"long text")),
            (request("", &Tlvs::default()), Ok(b"")),
            (request("short", &payload), Err(CommandStatus::ESME_RINVMSGLEN)),
        ];
        for (request, expected) in cases {
            assert_eq!(
                Message::of_submit_sm(&request.view()).map(|message| message.octets),
                expected
            );
        }
    }

    #[test]
    fn an_excerpt_starts_behind_the_header() {
        let request = SubmitSm {
            destination_addr: "200".parse().unwrap(),
            esm_class: EsmClass::UDH,
            short_message: b"\x05\x00\x03\x07\x02\x01part".into(),
            ..SubmitSm::default()
        };
        let view = request.view();
        let message = Message::of_submit_sm(&view).unwrap();
        assert_eq!(message.submission.text, b"part");
        assert_eq!(message.octets.len(), 10);
    }

    #[test]
    fn addresses_that_no_receipt_could_have_are_refused() {
        let long = [b'1'; 21];
        let addresses = |source_addr, destination_addr| SubmitSmView {
            source_addr,
            destination_addr,
            ..SubmitSmView::default()
        };
        let cases = [
            (addresses(&long, b"200"), CommandStatus::ESME_RINVSRCADR),
            (addresses(b"100", &long), CommandStatus::ESME_RINVDSTADR),
        ];
        for (request, status) in cases {
            assert_eq!(Message::of_submit_sm(&request).err(), Some(status));
        }
    }

    #[test]
    fn a_distribution_list_is_no_destination() {
        let mut message = Message::default();
        let list = DestAddressView::List { dl_name: b"friends" };
        assert_eq!(message.to(list), Err(CommandStatus::ESME_RINVDLNAME));
        let entry = unsuccessful(list, CommandStatus::ESME_RINVDLNAME);
        assert_eq!(entry.destination_addr, "friends");
    }
}
