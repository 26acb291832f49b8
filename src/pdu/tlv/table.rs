//! The TLV table: one row a TLV (3.4 section 5.3.2, 5.0 section 4.8.4).
//!
//! A row gives the marker type, the constant, the standard name and the tag, what the value is, the first
//! version that has it, and whether it may repeat within a PDU.

use super::encoding::{Alert, Octets, OneOrTwo, Seconds, Text, Value};
use super::{Tlv, TlvShape, TlvTag, value};
use crate::pdu::{self, CommandStatus, InterfaceVersion};

/// Declares the TLVs: marker type, tag constant, name, shape, type of the value.
macro_rules! tlvs {
    (@given) => { false };
    (@given repeats) => { true };
    ($(
        $(#[doc = $doc:literal])*
        $marker:ident $constant:ident $name:ident = $tag:literal, $value:ty, $since:ident $(, $repeats:ident)?;
    )*) => {
        $(
            $(#[doc = $doc])*
            #[derive(Clone, Copy, Debug)]
            pub struct $marker;

            impl Tlv for $marker {
                const TAG: TlvTag = TlvTag::$constant;
                const NAME: &'static str = stringify!($name);
                const SHAPE: TlvShape = <$value as Value>::SHAPE;
                type Value<'a> = <$value as Value>::View<'a>;

                fn read(octets: &[u8]) -> Option<Self::Value<'_>> {
                    <$value as Value>::read(octets)
                }

                fn write(value: Self::Value<'_>, out: &mut Vec<u8>) {
                    <$value as Value>::write(value, out);
                }
            }
        )*

        impl TlvTag {
            $( $(#[doc = $doc])* pub const $constant: Self = Self($tag); )*

            /// Every TLV of 3.4 and 5.0, by tag.
            pub const ALL: &'static [Self] = &[$( Self::$constant ),*];

            /// The standard name; none for unknown and vendor tags.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $( $tag => Some(stringify!($name)), )*
                    _ => None,
                }
            }

            /// What the value looks like; none for unknown and vendor tags.
            #[must_use]
            #[inline]
            pub const fn shape(self) -> Option<TlvShape> {
                match self.0 {
                    $( $tag => Some(<$value as Value>::SHAPE), )*
                    _ => None,
                }
            }

            /// The first version that has the TLV; none for unknown and vendor tags.
            #[must_use]
            pub const fn since(self) -> Option<InterfaceVersion> {
                match self.0 {
                    $( $tag => Some(InterfaceVersion::$since), )*
                    _ => None,
                }
            }

            /// True where the standard lets the TLV come several times in one PDU.
            #[must_use]
            pub const fn may_repeat(self) -> bool {
                match self.0 {
                    $( $tag => tlvs!(@given $($repeats)?), )*
                    _ => false,
                }
            }

            /// What the TLV is for, in a sentence or two; nothing for unknown and vendor tags.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self.0 {
                    $( $tag => concat!($( $doc ),*).trim_ascii(), )*
                    _ => "",
                }
            }

            /// The value as Rust code prints it; none for unknown tags and for octets that are no such value.
            #[must_use]
            pub fn explain(self, octets: &[u8]) -> Option<String> {
                match self.0 {
                    $( $tag => $marker::read(octets).map(|value| format!("{value:?}")), )*
                    _ => None,
                }
            }
        }
    };
}

tlvs! {
    /// Part of the destination that the message is for.
    DestAddrSubunit DEST_ADDR_SUBUNIT dest_addr_subunit = 0x0005, value::AddrSubunit, V3_4;
    /// Kind of network of the destination.
    DestNetworkType DEST_NETWORK_TYPE dest_network_type = 0x0006, value::NetworkType, V3_4;
    /// Bearer at the destination.
    DestBearerType DEST_BEARER_TYPE dest_bearer_type = 0x0007, value::BearerType, V3_4;
    /// Telematic device at the destination; on GSM the first octet is a protocol id (5.0).
    DestTelematicsId DEST_TELEMATICS_ID dest_telematics_id = 0x0008, u16, V3_4;
    /// Part of the device that the message comes from.
    SourceAddrSubunit SOURCE_ADDR_SUBUNIT source_addr_subunit = 0x000D, value::AddrSubunit, V3_4;
    /// Kind of network that the message comes from.
    SourceNetworkType SOURCE_NETWORK_TYPE source_network_type = 0x000E, value::NetworkType, V3_4;
    /// Bearer that the message comes over.
    SourceBearerType SOURCE_BEARER_TYPE source_bearer_type = 0x000F, value::BearerType, V3_4;
    /// Telematic device that the message comes from; one octet, but some peers write two.
    SourceTelematicsId SOURCE_TELEMATICS_ID source_telematics_id = 0x0010, OneOrTwo, V3_4;
    /// How long the message is kept, in whole seconds; in 5.0 it overrides validity_period.
    QosTimeToLive QOS_TIME_TO_LIVE qos_time_to_live = 0x0017, Seconds, V3_4;
    /// Higher-layer protocol of the payload.
    PayloadType PAYLOAD_TYPE payload_type = 0x0019, value::PayloadType, V3_4;
    /// What went wrong, in the words of the message centre.
    AdditionalStatusInfoText ADDITIONAL_STATUS_INFO_TEXT additional_status_info_text = 0x001D, Text<1, 256>, V3_4;
    /// The message_id that a receipt is about.
    ReceiptedMessageId RECEIPTED_MESSAGE_ID receipted_message_id = 0x001E, Text<1, 65>, V3_4;
    /// Message waiting: bit 7 switches the indication on; bits 1 and 0 are 0 voice, 1 fax, 2 e-mail, 3 other.
    MsMsgWaitFacilities MS_MSG_WAIT_FACILITIES ms_msg_wait_facilities = 0x0030, u8, V3_4;
    /// How private the message is.
    PrivacyIndicator PRIVACY_INDICATOR privacy_indicator = 0x0201, value::PrivacyIndicator, V3_4;
    /// Subaddress of the source.
    SourceSubaddress SOURCE_SUBADDRESS source_subaddress = 0x0202, value::Subaddress<'static>, V3_4;
    /// Subaddress of the destination.
    DestSubaddress DEST_SUBADDRESS dest_subaddress = 0x0203, value::Subaddress<'static>, V3_4;
    /// Reference that the ESME gave the message; receipts repeat it.
    UserMessageReference USER_MESSAGE_REFERENCE user_message_reference = 0x0204, u16, V3_4;
    /// Response of the user: 0 to 255 on IS-95, 0 to 15 on TDMA.
    UserResponseCode USER_RESPONSE_CODE user_response_code = 0x0205, u8, V3_4;
    /// Application port that the message comes from.
    SourcePort SOURCE_PORT source_port = 0x020A, u16, V3_4;
    /// Application port that the message is for (5.0: dest_port).
    DestinationPort DESTINATION_PORT destination_port = 0x020B, u16, V3_4;
    /// The same in all segments of a message; counts only together with the other two sar_ TLVs.
    SarMsgRefNum SAR_MSG_REF_NUM sar_msg_ref_num = 0x020C, u16, V3_4;
    /// Language of the text.
    LanguageIndicator LANGUAGE_INDICATOR language_indicator = 0x020D, value::LanguageIndicator, V3_4;
    /// How many segments the message has, 1 to 255.
    SarTotalSegments SAR_TOTAL_SEGMENTS sar_total_segments = 0x020E, u8, V3_4;
    /// Which segment this is, from 1.
    SarSegmentSeqnum SAR_SEGMENT_SEQNUM sar_segment_seqnum = 0x020F, u8, V3_4;
    /// The version that the message centre speaks.
    ScInterfaceVersion SC_INTERFACE_VERSION sc_interface_version = 0x0210, InterfaceVersion, V3_4;
    /// Presentation of the callback number with the same place: bits 3 and 2 are 0 allowed, 1
    /// restricted, 2 not available; bits 1 and 0 are 0 not screened, 1 passed, 2 failed, 3 of the
    /// network.
    CallbackNumPresInd CALLBACK_NUM_PRES_IND callback_num_pres_ind = 0x0302, u8, V3_4, repeats;
    /// Text for the callback number with the same place.
    CallbackNumAtag CALLBACK_NUM_ATAG callback_num_atag = 0x0303, value::CallbackNumAtag<'static>, V3_4, repeats;
    /// Messages that wait, 0 to 99.
    NumberOfMessages NUMBER_OF_MESSAGES number_of_messages = 0x0304, u8, V3_4;
    /// Number to call back.
    CallbackNum CALLBACK_NUM callback_num = 0x0381, value::CallbackNum<'static>, V3_4, repeats;
    /// Whether a delivery-pending flag was set: 0 no, 1 yes.
    DpfResult DPF_RESULT dpf_result = 0x0420, u8, V3_4;
    /// Whether to set a delivery-pending flag when delivery fails: 0 no, 1 yes.
    SetDpf SET_DPF set_dpf = 0x0421, u8, V3_4;
    /// Whether the subscriber can be reached.
    MsAvailabilityStatus MS_AVAILABILITY_STATUS ms_availability_status = 0x0422, value::AvailabilityStatus, V3_4;
    /// The error code of the network.
    NetworkErrorCode NETWORK_ERROR_CODE network_error_code = 0x0423, value::NetworkErrorCode, V3_4;
    /// The text, instead of short_message.
    MessagePayload MESSAGE_PAYLOAD message_payload = 0x0424, Octets<0, 65535>, V3_4;
    /// Why delivery failed; absent when it did not.
    DeliveryFailureReason DELIVERY_FAILURE_REASON delivery_failure_reason = 0x0425, value::DeliveryFailureReason, V3_4;
    /// Whether more messages follow for this destination: 0 no, 1 yes.
    MoreMessagesToSend MORE_MESSAGES_TO_SEND more_messages_to_send = 0x0426, u8, V3_4;
    /// What became of the message.
    MessageState MESSAGE_STATE message_state = 0x0427, pdu::MessageState, V3_4;
    /// How busy the message centre is.
    CongestionState CONGESTION_STATE congestion_state = 0x0428, value::CongestionState, V5_0;
    /// USSD operation.
    UssdServiceOp USSD_SERVICE_OP ussd_service_op = 0x0501, value::UssdServiceOp, V3_4;
    /// Broadcast channel: 0 basic, 1 extended.
    BroadcastChannelIndicator BROADCAST_CHANNEL_INDICATOR broadcast_channel_indicator = 0x0600, u8, V5_0;
    /// What the broadcast is about.
    BroadcastContentType BROADCAST_CONTENT_TYPE broadcast_content_type = 0x0601, value::BroadcastContentType, V5_0;
    /// More about the content.
    BroadcastContentTypeInfo BROADCAST_CONTENT_TYPE_INFO broadcast_content_type_info = 0x0602, Octets<1, 255>, V5_0;
    /// Class of the broadcast: 0 none, else 1 to 3.
    BroadcastMessageClass BROADCAST_MESSAGE_CLASS broadcast_message_class = 0x0603, u8, V5_0;
    /// Repetitions; 0 means without end, or derived from validity and interval.
    BroadcastRepNum BROADCAST_REP_NUM broadcast_rep_num = 0x0604, u16, V5_0;
    /// Time between repetitions.
    BroadcastFrequencyInterval BROADCAST_FREQUENCY_INTERVAL broadcast_frequency_interval = 0x0605, value::FrequencyInterval, V5_0;
    /// An area of the broadcast; in broadcast_sm_resp one that failed.
    BroadcastAreaIdentifier BROADCAST_AREA_IDENTIFIER broadcast_area_identifier = 0x0606, value::BroadcastArea<'static>, V5_0, repeats;
    /// Why the area with the same place failed.
    BroadcastErrorStatus BROADCAST_ERROR_STATUS broadcast_error_status = 0x0607, CommandStatus, V5_0, repeats;
    /// Share of the area that was reached in percent; 255 is not available.
    BroadcastAreaSuccess BROADCAST_AREA_SUCCESS broadcast_area_success = 0x0608, u8, V5_0, repeats;
    /// When the broadcast ended, an absolute time; written with its NUL, read without it too.
    BroadcastEndTime BROADCAST_END_TIME broadcast_end_time = 0x0609, Text<16, 17>, V5_0;
    /// Group of subscribers.
    BroadcastServiceGroup BROADCAST_SERVICE_GROUP broadcast_service_group = 0x060A, Octets<1, 255>, V5_0;
    /// Billing data; bit 7 of the first octet says vendor specific.
    BillingIdentification BILLING_IDENTIFICATION billing_identification = 0x060B, Octets<1, 1024>, V5_0;
    /// Network of the source; goes with source_node_id.
    SourceNetworkId SOURCE_NETWORK_ID source_network_id = 0x060D, Text<7, 65>, V5_0;
    /// Network of the destination; goes with dest_node_id.
    DestNetworkId DEST_NETWORK_ID dest_network_id = 0x060E, Text<7, 65>, V5_0;
    /// Node of the source, six decimal digits.
    SourceNodeId SOURCE_NODE_ID source_node_id = 0x060F, Octets<6, 6>, V5_0;
    /// Node of the destination, six decimal digits.
    DestNodeId DEST_NODE_ID dest_node_id = 0x0610, Octets<6, 6>, V5_0;
    /// Whether number portability was looked up.
    DestAddrNpResolution DEST_ADDR_NP_RESOLUTION dest_addr_np_resolution = 0x0611, value::NumberPortability, V5_0;
    /// Location routing number, ten digits.
    DestAddrNpInformation DEST_ADDR_NP_INFORMATION dest_addr_np_information = 0x0612, Octets<10, 10>, V5_0;
    /// E.164 country code.
    DestAddrNpCountry DEST_ADDR_NP_COUNTRY dest_addr_np_country = 0x0613, Octets<1, 5>, V5_0;
    /// How long the handset shows the message.
    DisplayTime DISPLAY_TIME display_time = 0x1201, value::DisplayTime, V3_4;
    /// Alert of the handset, as CMT-136 has it.
    SmsSignal SMS_SIGNAL sms_signal = 0x1203, u16, V3_4;
    /// How long the handset keeps the message.
    MsValidity MS_VALIDITY ms_validity = 0x1204, value::MsValidity, V3_4;
    /// Asks for an alert on delivery (also alert_on_msg_delivery); 5.0 may give its priority: 0
    /// default, 1 low, 2 medium, 3 high.
    AlertOnMessageDelivery ALERT_ON_MESSAGE_DELIVERY alert_on_message_delivery = 0x130C, Alert, V3_4;
    /// What kind of reply is expected.
    ItsReplyType ITS_REPLY_TYPE its_reply_type = 0x1380, value::ItsReplyType, V3_4;
    /// Place in an interactive teleservice session.
    ItsSessionInfo ITS_SESSION_INFO its_session_info = 0x1383, value::ItsSessionInfo, V3_4;
}
