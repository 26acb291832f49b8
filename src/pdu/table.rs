//! The PDU table: one row a PDU (3.4 section 4, 5.0 section 4).
//!
//! A row gives the owned type, the view, the name and the number, since which version it exists, in which
//! states the ESME and the message centre may send it, and the mandatory fields in order. TLVs follow in every
//! PDU. Lengths and counts (`sm_length`, `number_of_dests`, `no_unsuccess`) are no fields: they follow from
//! what they count.

use super::lists::{DestAddress, UnsuccessSme};
use super::macros::pdus;
use super::text::{COctetString, OctetString};
use super::{
    CommandStatus, DataCoding, EsmClass, InterfaceVersion, MessageState, Npi, PriorityFlag,
    RegisteredDelivery, Ton,
};

pdus! {
    /// Refuses a PDU that could not be recognised.
    GenericNack, GenericNackView, GENERIC_NACK generic_nack = 0x8000_0000, V3_3, esme [ANY], smsc [ANY] {
    }

    /// Binds to receive.
    BindReceiver, BindReceiverView, BIND_RECEIVER bind_receiver = 0x0000_0001, V3_3, esme [OPEN OUTBOUND], smsc [] {
        /// Who binds, or who answers.
        system_id: COctetString<16>,
        /// Proves it; empty means no authentication, if the peer allows that.
        password: COctetString<9>,
        /// Kind of system; mostly empty.
        system_type: COctetString<13>,
        /// The version that the ESME speaks.
        interface_version: InterfaceVersion,
        /// Type of number of the addresses that the ESME serves.
        addr_ton: Ton,
        /// Numbering plan of the addresses that the ESME serves.
        addr_npi: Npi,
        /// The addresses that the ESME serves, as a UNIX regular expression; mostly ignored or empty.
        address_range: COctetString<41>,
    }

    /// Answers bind_receiver.
    BindReceiverResp, BindReceiverRespView, BIND_RECEIVER_RESP bind_receiver_resp = 0x8000_0001, V3_3, esme [], smsc [OPEN OUTBOUND] {
        /// Who binds, or who answers.
        system_id: COctetString<16>,
    }

    /// Binds to send.
    BindTransmitter, BindTransmitterView, BIND_TRANSMITTER bind_transmitter = 0x0000_0002, V3_3, esme [OPEN OUTBOUND], smsc [] {
        /// Who binds, or who answers.
        system_id: COctetString<16>,
        /// Proves it; empty means no authentication, if the peer allows that.
        password: COctetString<9>,
        /// Kind of system; mostly empty.
        system_type: COctetString<13>,
        /// The version that the ESME speaks.
        interface_version: InterfaceVersion,
        /// Type of number of the addresses that the ESME serves.
        addr_ton: Ton,
        /// Numbering plan of the addresses that the ESME serves.
        addr_npi: Npi,
        /// The addresses that the ESME serves, as a UNIX regular expression; mostly ignored or empty.
        address_range: COctetString<41>,
    }

    /// Answers bind_transmitter.
    BindTransmitterResp, BindTransmitterRespView, BIND_TRANSMITTER_RESP bind_transmitter_resp = 0x8000_0002, V3_3, esme [], smsc [OPEN OUTBOUND] {
        /// Who binds, or who answers.
        system_id: COctetString<16>,
    }

    /// Asks what became of a message.
    QuerySm, QuerySmView, QUERY_SM query_sm = 0x0000_0003, V3_3, esme [TX TRX], smsc [] {
        /// The message centre's number for the message.
        message_id: COctetString<65>,
        /// Type of number of the source address.
        source_addr_ton: Ton,
        /// Numbering plan of the source address.
        source_addr_npi: Npi,
        /// Where the message comes from; empty means the message centre's default for this ESME.
        source_addr: COctetString<21>,
    }

    /// Answers query_sm.
    QuerySmResp, QuerySmRespView, QUERY_SM_RESP query_sm_resp = 0x8000_0003, V3_3, esme [], smsc [TX TRX] {
        /// The message centre's number for the message.
        message_id: COctetString<65>,
        /// When the final state was reached; empty while there is none.
        final_date: COctetString<17>,
        /// What became of the message.
        message_state: MessageState,
        /// The network's or message centre's own error code.
        error_code: u8,
    }

    /// Submits a message.
    SubmitSm, SubmitSmView, SUBMIT_SM submit_sm = 0x0000_0004, V3_3, esme [TX TRX], smsc [] {
        /// The service that the message belongs to; empty means the default.
        service_type: COctetString<6>,
        /// Type of number of the source address.
        source_addr_ton: Ton,
        /// Numbering plan of the source address.
        source_addr_npi: Npi,
        /// Where the message comes from; empty means the message centre's default for this ESME.
        source_addr: COctetString<21>,
        /// Type of number of the destination address.
        dest_addr_ton: Ton,
        /// Numbering plan of the destination address.
        dest_addr_npi: Npi,
        /// Where the message goes.
        destination_addr: COctetString<21>,
        /// Mode, type and GSM features of the message.
        esm_class: EsmClass,
        /// GSM's TP-PID.
        protocol_id: u8,
        /// Priority of the message.
        priority_flag: PriorityFlag,
        /// When the message should be delivered, absolute or relative; empty means at once.
        schedule_delivery_time: COctetString<17>,
        /// When the message expires, absolute or relative; empty means the message centre's default.
        validity_period: COctetString<17>,
        /// Which reports the sender wants.
        registered_delivery: RegisteredDelivery,
        /// 1 replaces a pending message with the same source, destination and service_type.
        replace_if_present_flag: u8,
        /// How the octets of the text are to be read.
        data_coding: DataCoding,
        /// One of the message centre's canned messages; 0 for none.
        sm_default_msg_id: u8,
        /// The text, at most 255 octets (254 in 3.4); longer ones go into the TLV message_payload.
        short_message: OctetString,
    }

    /// Answers submit_sm.
    SubmitSmResp, SubmitSmRespView, SUBMIT_SM_RESP submit_sm_resp = 0x8000_0004, V3_3, esme [], smsc [TX TRX] {
        /// The message centre's number for the message.
        message_id: COctetString<65>,
    }

    /// Delivers a message or a receipt to the ESME.
    DeliverSm, DeliverSmView, DELIVER_SM deliver_sm = 0x0000_0005, V3_3, esme [], smsc [RX TRX] {
        /// The service that the message belongs to; empty means the default.
        service_type: COctetString<6>,
        /// Type of number of the source address.
        source_addr_ton: Ton,
        /// Numbering plan of the source address.
        source_addr_npi: Npi,
        /// Where the message comes from; empty means the message centre's default for this ESME.
        source_addr: COctetString<21>,
        /// Type of number of the destination address.
        dest_addr_ton: Ton,
        /// Numbering plan of the destination address.
        dest_addr_npi: Npi,
        /// Where the message goes.
        destination_addr: COctetString<21>,
        /// Mode, type and GSM features of the message.
        esm_class: EsmClass,
        /// GSM's TP-PID.
        protocol_id: u8,
        /// Priority of the message.
        priority_flag: PriorityFlag,
        /// When the message should be delivered, absolute or relative; empty means at once.
        schedule_delivery_time: COctetString<17>,
        /// When the message expires, absolute or relative; empty means the message centre's default.
        validity_period: COctetString<17>,
        /// Which reports the sender wants.
        registered_delivery: RegisteredDelivery,
        /// 1 replaces a pending message with the same source, destination and service_type.
        replace_if_present_flag: u8,
        /// How the octets of the text are to be read.
        data_coding: DataCoding,
        /// One of the message centre's canned messages; 0 for none.
        sm_default_msg_id: u8,
        /// The text, at most 255 octets (254 in 3.4); longer ones go into the TLV message_payload.
        short_message: OctetString,
    }

    /// Answers deliver_sm; its message_id is unused.
    DeliverSmResp, DeliverSmRespView, DELIVER_SM_RESP deliver_sm_resp = 0x8000_0005, V3_3, esme [RX TRX], smsc [] {
        /// The message centre's number for the message.
        message_id: COctetString<65>,
    }

    /// Ends a session.
    Unbind, UnbindView, UNBIND unbind = 0x0000_0006, V3_3, esme [BOUND], smsc [BOUND] {
    }

    /// Answers unbind.
    UnbindResp, UnbindRespView, UNBIND_RESP unbind_resp = 0x8000_0006, V3_3, esme [BOUND], smsc [BOUND] {
    }

    /// Replaces a pending message.
    ReplaceSm, ReplaceSmView, REPLACE_SM replace_sm = 0x0000_0007, V3_3, esme [TX TRX], smsc [] {
        /// The message centre's number for the message.
        message_id: COctetString<65>,
        /// Type of number of the source address.
        source_addr_ton: Ton,
        /// Numbering plan of the source address.
        source_addr_npi: Npi,
        /// Where the message comes from; empty means the message centre's default for this ESME.
        source_addr: COctetString<21>,
        /// When the message should be delivered, absolute or relative; empty means at once.
        schedule_delivery_time: COctetString<17>,
        /// When the message expires, absolute or relative; empty means the message centre's default.
        validity_period: COctetString<17>,
        /// Which reports the sender wants.
        registered_delivery: RegisteredDelivery,
        /// One of the message centre's canned messages; 0 for none.
        sm_default_msg_id: u8,
        /// The text, at most 255 octets (254 in 3.4); longer ones go into the TLV message_payload.
        short_message: OctetString,
    }

    /// Answers replace_sm.
    ReplaceSmResp, ReplaceSmRespView, REPLACE_SM_RESP replace_sm_resp = 0x8000_0007, V3_3, esme [], smsc [TX TRX] {
    }

    /// Cancels one pending message, or all between two addresses.
    CancelSm, CancelSmView, CANCEL_SM cancel_sm = 0x0000_0008, V3_3, esme [TX TRX], smsc [] {
        /// The service that the message belongs to; empty means the default.
        service_type: COctetString<6>,
        /// The message centre's number for the message.
        message_id: COctetString<65>,
        /// Type of number of the source address.
        source_addr_ton: Ton,
        /// Numbering plan of the source address.
        source_addr_npi: Npi,
        /// Where the message comes from; empty means the message centre's default for this ESME.
        source_addr: COctetString<21>,
        /// Type of number of the destination address.
        dest_addr_ton: Ton,
        /// Numbering plan of the destination address.
        dest_addr_npi: Npi,
        /// Where the message goes.
        destination_addr: COctetString<21>,
    }

    /// Answers cancel_sm.
    CancelSmResp, CancelSmRespView, CANCEL_SM_RESP cancel_sm_resp = 0x8000_0008, V3_3, esme [], smsc [TX TRX] {
    }

    /// Binds to send and receive.
    BindTransceiver, BindTransceiverView, BIND_TRANSCEIVER bind_transceiver = 0x0000_0009, V3_4, esme [OPEN OUTBOUND], smsc [] {
        /// Who binds, or who answers.
        system_id: COctetString<16>,
        /// Proves it; empty means no authentication, if the peer allows that.
        password: COctetString<9>,
        /// Kind of system; mostly empty.
        system_type: COctetString<13>,
        /// The version that the ESME speaks.
        interface_version: InterfaceVersion,
        /// Type of number of the addresses that the ESME serves.
        addr_ton: Ton,
        /// Numbering plan of the addresses that the ESME serves.
        addr_npi: Npi,
        /// The addresses that the ESME serves, as a UNIX regular expression; mostly ignored or empty.
        address_range: COctetString<41>,
    }

    /// Answers bind_transceiver.
    BindTransceiverResp, BindTransceiverRespView, BIND_TRANSCEIVER_RESP bind_transceiver_resp = 0x8000_0009, V3_4, esme [], smsc [OPEN OUTBOUND] {
        /// Who binds, or who answers.
        system_id: COctetString<16>,
    }

    /// Asks the ESME to bind; nothing answers it.
    Outbind, OutbindView, OUTBIND outbind = 0x0000_000B, V3_4, esme [], smsc [OPEN] {
        /// Who binds, or who answers.
        system_id: COctetString<16>,
        /// Proves it; empty means no authentication, if the peer allows that.
        password: COctetString<9>,
    }

    /// Asks whether the peer is alive.
    EnquireLink, EnquireLinkView, ENQUIRE_LINK enquire_link = 0x0000_0015, V3_3, esme [ANY], smsc [ANY] {
    }

    /// Answers enquire_link.
    EnquireLinkResp, EnquireLinkRespView, ENQUIRE_LINK_RESP enquire_link_resp = 0x8000_0015, V3_3, esme [ANY], smsc [ANY] {
    }

    /// Submits one message to many destinations.
    SubmitMulti, SubmitMultiView, SUBMIT_MULTI submit_multi = 0x0000_0021, V3_3, esme [TX TRX], smsc [] {
        /// The service that the message belongs to; empty means the default.
        service_type: COctetString<6>,
        /// Type of number of the source address.
        source_addr_ton: Ton,
        /// Numbering plan of the source address.
        source_addr_npi: Npi,
        /// Where the message comes from; empty means the message centre's default for this ESME.
        source_addr: COctetString<21>,
        /// Where the message goes, 1 to 255 destinations (254 in 3.4).
        dest_address: Vec<DestAddress>,
        /// Mode, type and GSM features of the message.
        esm_class: EsmClass,
        /// GSM's TP-PID.
        protocol_id: u8,
        /// Priority of the message.
        priority_flag: PriorityFlag,
        /// When the message should be delivered, absolute or relative; empty means at once.
        schedule_delivery_time: COctetString<17>,
        /// When the message expires, absolute or relative; empty means the message centre's default.
        validity_period: COctetString<17>,
        /// Which reports the sender wants.
        registered_delivery: RegisteredDelivery,
        /// 1 replaces a pending message with the same source, destination and service_type.
        replace_if_present_flag: u8,
        /// How the octets of the text are to be read.
        data_coding: DataCoding,
        /// One of the message centre's canned messages; 0 for none.
        sm_default_msg_id: u8,
        /// The text, at most 255 octets (254 in 3.4); longer ones go into the TLV message_payload.
        short_message: OctetString,
    }

    /// Answers submit_multi.
    SubmitMultiResp, SubmitMultiRespView, SUBMIT_MULTI_RESP submit_multi_resp = 0x8000_0021, V3_3, esme [], smsc [TX TRX] {
        /// The message centre's number for the message.
        message_id: COctetString<65>,
        /// The destinations that were refused, each with its status.
        unsuccess_sme: Vec<UnsuccessSme>,
    }

    /// Says that a subscriber can be reached again; nothing answers it.
    AlertNotification, AlertNotificationView, ALERT_NOTIFICATION alert_notification = 0x0000_0102, V3_4, esme [], smsc [RX TRX] {
        /// Type of number of the source address.
        source_addr_ton: Ton,
        /// Numbering plan of the source address.
        source_addr_npi: Npi,
        /// Where the message comes from; empty means the message centre's default for this ESME.
        source_addr: COctetString<65>,
        /// Type of number of the ESME's address.
        esme_addr_ton: Ton,
        /// Numbering plan of the ESME's address.
        esme_addr_npi: Npi,
        /// The ESME that asked to be told.
        esme_addr: COctetString<65>,
    }

    /// Carries a message either way, its text in the TLV message_payload.
    DataSm, DataSmView, DATA_SM data_sm = 0x0000_0103, V3_4, esme [TX TRX], smsc [RX TRX] {
        /// The service that the message belongs to; empty means the default.
        service_type: COctetString<6>,
        /// Type of number of the source address.
        source_addr_ton: Ton,
        /// Numbering plan of the source address.
        source_addr_npi: Npi,
        /// Where the message comes from; empty means the message centre's default for this ESME.
        source_addr: COctetString<65>,
        /// Type of number of the destination address.
        dest_addr_ton: Ton,
        /// Numbering plan of the destination address.
        dest_addr_npi: Npi,
        /// Where the message goes.
        destination_addr: COctetString<65>,
        /// Mode, type and GSM features of the message.
        esm_class: EsmClass,
        /// Which reports the sender wants.
        registered_delivery: RegisteredDelivery,
        /// How the octets of the text are to be read.
        data_coding: DataCoding,
    }

    /// Answers data_sm.
    DataSmResp, DataSmRespView, DATA_SM_RESP data_sm_resp = 0x8000_0103, V3_4, esme [RX TRX], smsc [TX TRX] {
        /// The message centre's number for the message.
        message_id: COctetString<65>,
    }

    /// Submits a cell broadcast; areas, content, repetition and text are TLVs.
    BroadcastSm, BroadcastSmView, BROADCAST_SM broadcast_sm = 0x0000_0111, V5_0, esme [TX TRX], smsc [] {
        /// The service that the message belongs to; empty means the default.
        service_type: COctetString<6>,
        /// Type of number of the source address.
        source_addr_ton: Ton,
        /// Numbering plan of the source address.
        source_addr_npi: Npi,
        /// Where the message comes from; empty means the message centre's default for this ESME.
        source_addr: COctetString<21>,
        /// The message centre's number for the message.
        message_id: COctetString<65>,
        /// Priority of the message.
        priority_flag: PriorityFlag,
        /// When the message should be delivered, absolute or relative; empty means at once.
        schedule_delivery_time: COctetString<17>,
        /// When the message expires, absolute or relative; empty means the message centre's default.
        validity_period: COctetString<17>,
        /// 1 replaces a pending message with the same source, destination and service_type.
        replace_if_present_flag: u8,
        /// How the octets of the text are to be read.
        data_coding: DataCoding,
        /// One of the message centre's canned messages; 0 for none.
        sm_default_msg_id: u8,
    }

    /// Answers broadcast_sm.
    BroadcastSmResp, BroadcastSmRespView, BROADCAST_SM_RESP broadcast_sm_resp = 0x8000_0111, V5_0, esme [], smsc [TX TRX] {
        /// The message centre's number for the message.
        message_id: COctetString<65>,
    }

    /// Asks what became of a broadcast.
    QueryBroadcastSm, QueryBroadcastSmView, QUERY_BROADCAST_SM query_broadcast_sm = 0x0000_0112, V5_0, esme [TX TRX], smsc [] {
        /// The message centre's number for the message.
        message_id: COctetString<65>,
        /// Type of number of the source address.
        source_addr_ton: Ton,
        /// Numbering plan of the source address.
        source_addr_npi: Npi,
        /// Where the message comes from; empty means the message centre's default for this ESME.
        source_addr: COctetString<21>,
    }

    /// Answers query_broadcast_sm; state and areas are TLVs.
    QueryBroadcastSmResp, QueryBroadcastSmRespView, QUERY_BROADCAST_SM_RESP query_broadcast_sm_resp = 0x8000_0112, V5_0, esme [], smsc [TX TRX] {
        /// The message centre's number for the message.
        message_id: COctetString<65>,
    }

    /// Cancels broadcasts.
    CancelBroadcastSm, CancelBroadcastSmView, CANCEL_BROADCAST_SM cancel_broadcast_sm = 0x0000_0113, V5_0, esme [TX TRX], smsc [] {
        /// The service that the message belongs to; empty means the default.
        service_type: COctetString<6>,
        /// The message centre's number for the message.
        message_id: COctetString<65>,
        /// Type of number of the source address.
        source_addr_ton: Ton,
        /// Numbering plan of the source address.
        source_addr_npi: Npi,
        /// Where the message comes from; empty means the message centre's default for this ESME.
        source_addr: COctetString<21>,
    }

    /// Answers cancel_broadcast_sm.
    CancelBroadcastSmResp, CancelBroadcastSmRespView, CANCEL_BROADCAST_SM_RESP cancel_broadcast_sm_resp = 0x8000_0113, V5_0, esme [], smsc [TX TRX] {
    }
}
