//! The TLV table: one row a TLV (3.4 section 5.3.2, 5.0 section 4.8.4).
//!
//! A row gives the marker type, the constant, the standard name, the tag, the type of the value, and what the
//! value looks like on the wire: kind, least and most octets.

use super::value::{Flag, Octets, OneOrTwo, Text, Value};
use super::{Tlv, TlvKind, TlvShape, TlvTag};
use crate::pdu::{CommandStatus, InterfaceVersion};

/// Declares the TLVs: marker type, tag constant, name, shape, type of the value.
macro_rules! tlvs {
    ($( $(#[$doc:meta])* $marker:ident $constant:ident $name:ident = $tag:literal, $value:ty, $kind:ident $min:literal..=$max:literal; )*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub struct $marker;

            impl Tlv for $marker {
                const TAG: TlvTag = TlvTag::$constant;
                const NAME: &'static str = stringify!($name);
                const SHAPE: TlvShape = TlvShape { kind: TlvKind::$kind, min: $min, max: $max };
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
            $( $(#[$doc])* pub const $constant: Self = Self($tag); )*

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
                    $( $tag => Some(TlvShape { kind: TlvKind::$kind, min: $min, max: $max }), )*
                    _ => None,
                }
            }
        }
    };
}

tlvs! {
    /// 0 unknown (default), 1 MS display, 2 mobile equipment, 3 smart card 1 (SIM), 4 external unit 1; 5-255 reserved
    DestAddrSubunit DEST_ADDR_SUBUNIT dest_addr_subunit = 0x0005, u8, Integer 1..=1;
    /// 0 unknown, 1 GSM, 2 ANSI-136/TDMA, 3 IS-95/CDMA, 4 PDC, 5 PHS, 6 iDEN, 7 AMPS, 8 paging; 9-255 reserved
    DestNetworkType DEST_NETWORK_TYPE dest_network_type = 0x0006, u8, Integer 1..=1;
    /// 0 unknown, 1 SMS, 2 CSD, 3 packet data, 4 USSD, 5 CDPD, 6 DataTAC, 7 FLEX/ReFLEX, 8 cell broadcast; 9-255 reserved
    DestBearerType DEST_BEARER_TYPE dest_bearer_type = 0x0007, u8, Integer 1..=1;
    /// 3.4 undefined; 5.0 GSM: octet 1 = protocol id, octet 2 reserved
    DestTelematicsId DEST_TELEMATICS_ID dest_telematics_id = 0x0008, u16, Integer 2..=2;
    /// as 0x0005
    SourceAddrSubunit SOURCE_ADDR_SUBUNIT source_addr_subunit = 0x000D, u8, Integer 1..=1;
    /// as 0x0006
    SourceNetworkType SOURCE_NETWORK_TYPE source_network_type = 0x000E, u8, Integer 1..=1;
    /// as 0x0007
    SourceBearerType SOURCE_BEARER_TYPE source_bearer_type = 0x000F, u8, Integer 1..=1;
    /// as 0x0008, but one octet; some peers send 2: accept 1 or 2
    SourceTelematicsId SOURCE_TELEMATICS_ID source_telematics_id = 0x0010, OneOrTwo, Integer 1..=2;
    /// seconds to keep the message; overrides validity_period in 5.0
    QosTimeToLive QOS_TIME_TO_LIVE qos_time_to_live = 0x0017, u32, Integer 4..=4;
    /// 0 default (WDP for WAP), 1 WCMP; 2-255 reserved
    PayloadType PAYLOAD_TYPE payload_type = 0x0019, u8, Integer 1..=1;
    /// free ASCII diagnosis
    AdditionalStatusInfoText ADDITIONAL_STATUS_INFO_TEXT additional_status_info_text = 0x001D, Text, Text 1..=256;
    /// message_id being receipted; accept without NUL
    ReceiptedMessageId RECEIPTED_MESSAGE_ID receipted_message_id = 0x001E, Text, Text 1..=65;
    /// bit 7: 1 indication on / 0 off; bits 1-0: 00 voice, 01 fax, 10 e-mail, 11 other
    MsMsgWaitFacilities MS_MSG_WAIT_FACILITIES ms_msg_wait_facilities = 0x0030, u8, Integer 1..=1;
    /// 0 not restricted (default), 1 restricted, 2 confidential, 3 secret; 4-255 reserved
    PrivacyIndicator PRIVACY_INDICATOR privacy_indicator = 0x0201, u8, Integer 1..=1;
    /// octet 1: 0x80 NSAP even, 0x88 NSAP odd, 0xA0 user specified (0x01, 0x02 reserved); rest: subaddress
    SourceSubaddress SOURCE_SUBADDRESS source_subaddress = 0x0202, Octets, Octets 2..=23;
    /// as 0x0202; text says not supported in submit_multi although the tables list it
    DestSubaddress DEST_SUBADDRESS dest_subaddress = 0x0203, Octets, Octets 2..=23;
    /// any
    UserMessageReference USER_MESSAGE_REFERENCE user_message_reference = 0x0204, u16, Integer 2..=2;
    /// 0-255 (IS-95), 0-15 (TDMA)
    UserResponseCode USER_RESPONSE_CODE user_response_code = 0x0205, u8, Integer 1..=1;
    /// any
    SourcePort SOURCE_PORT source_port = 0x020A, u16, Integer 2..=2;
    /// any
    DestinationPort DESTINATION_PORT destination_port = 0x020B, u16, Integer 2..=2;
    /// same in all segments; needs 0x020E and 0x020F, otherwise ignore all
    SarMsgRefNum SAR_MSG_REF_NUM sar_msg_ref_num = 0x020C, u16, Integer 2..=2;
    /// 0 unspecified (default), 1 English, 2 French, 3 Spanish, 4 German, 5 Portuguese; others per CMT-136
    LanguageIndicator LANGUAGE_INDICATOR language_indicator = 0x020D, u8, Integer 1..=1;
    /// 1-255
    SarTotalSegments SAR_TOTAL_SEGMENTS sar_total_segments = 0x020E, u8, Integer 1..=1;
    /// 1-255, first is 1
    SarSegmentSeqnum SAR_SEGMENT_SEQNUM sar_segment_seqnum = 0x020F, u8, Integer 1..=1;
    /// as interface_version
    ScInterfaceVersion SC_INTERFACE_VERSION sc_interface_version = 0x0210, InterfaceVersion, Integer 1..=1;
    /// bits 3-2: 00 allowed, 01 restricted, 10 not available; bits 1-0: 00 user not screened, 01 user passed, 10 user failed, 11 network; pairs by order with 0x0381
    CallbackNumPresInd CALLBACK_NUM_PRES_IND callback_num_pres_ind = 0x0302, u8, Integer 1..=1;
    /// octet 1: data_coding value; rest: display text; pairs by order with 0x0381
    CallbackNumAtag CALLBACK_NUM_ATAG callback_num_atag = 0x0303, Octets, Octets 1..=65;
    /// 0-99; 100-255 reserved
    NumberOfMessages NUMBER_OF_MESSAGES number_of_messages = 0x0304, u8, Integer 1..=1;
    /// octet 1: 0 = DTMF/TBCD, 1 = ASCII; octet 2: TON; octet 3: NPI; rest: ASCII digits. Repeatable
    CallbackNum CALLBACK_NUM callback_num = 0x0381, Octets, Octets 4..=19;
    /// 0 not set (assumed when absent), 1 set
    DpfResult DPF_RESULT dpf_result = 0x0420, u8, Integer 1..=1;
    /// 0 not requested, 1 requested (default)
    SetDpf SET_DPF set_dpf = 0x0421, u8, Integer 1..=1;
    /// 0 available (default, also when absent), 1 denied, 2 unavailable
    MsAvailabilityStatus MS_AVAILABILITY_STATUS ms_availability_status = 0x0422, u8, Integer 1..=1;
    /// octet 1 type: 1 ANSI-136 access denied, 2 IS-95 access denied, 3 GSM; 5.0 adds 4 ANSI-136 cause, 5 IS-95 cause, 6 ANSI-41, 7 SMPP, 8 MC specific; octets 2-3 code
    NetworkErrorCode NETWORK_ERROR_CODE network_error_code = 0x0423, Octets, Octets 3..=3;
    /// user data instead of short_message
    MessagePayload MESSAGE_PAYLOAD message_payload = 0x0424, Octets, Octets 0..=65535;
    /// 0 destination unavailable, 1 destination address invalid, 2 permanent network error, 3 temporary network error; absent on success
    DeliveryFailureReason DELIVERY_FAILURE_REASON delivery_failure_reason = 0x0425, u8, Integer 1..=1;
    /// 0 no more, 1 more follow (default)
    MoreMessagesToSend MORE_MESSAGES_TO_SEND more_messages_to_send = 0x0426, u8, Integer 1..=1;
    /// see message_state
    MessageState MESSAGE_STATE message_state = 0x0427, crate::pdu::MessageState, Integer 1..=1;
    /// 0 idle, 1-29 low, 30-49 medium, 50-79 high, 80-90 optimum, 90-99 near congestion, 100 congested (90 is in two ranges in 5.0: treat 80-89 as optimum)
    CongestionState CONGESTION_STATE congestion_state = 0x0428, u8, Integer 1..=1;
    /// 0 PSSD ind, 1 PSSR ind, 2 USSR req, 3 USSN req, 16 PSSD resp, 17 PSSR resp, 18 USSR conf, 19 USSN conf; 32-255 vendor; rest reserved
    UssdServiceOp USSD_SERVICE_OP ussd_service_op = 0x0501, u8, Integer 1..=1;
    /// 0 basic (default), 1 extended
    BroadcastChannelIndicator BROADCAST_CHANNEL_INDICATOR broadcast_channel_indicator = 0x0600, u8, Integer 1..=1;
    /// octet 1: 0 generic, 1 GSM, 2 TDMA, 3 CDMA; octets 2-3: type (list below)
    BroadcastContentType BROADCAST_CONTENT_TYPE broadcast_content_type = 0x0601, Octets, Octets 3..=3;
    /// free
    BroadcastContentTypeInfo BROADCAST_CONTENT_TYPE_INFO broadcast_content_type_info = 0x0602, Octets, Octets 1..=255;
    /// 0 none (default), 1 class 1, 2 class 2, 3 class 3 (the 5.0 table prints 0x02 twice; Wireshark uses 1, 2, 3)
    BroadcastMessageClass BROADCAST_MESSAGE_CLASS broadcast_message_class = 0x0603, u8, Integer 1..=1;
    /// repetitions; 0 = indefinitely (no validity_period) or derived (validity and interval given); ignored for priority 1
    BroadcastRepNum BROADCAST_REP_NUM broadcast_rep_num = 0x0604, u16, Integer 2..=2;
    /// octet 1 unit: 0x00 as often as possible, 0x08 s, 0x09 min, 0x0A h, 0x0B d, 0x0C weeks, 0x0D months, 0x0E years; octets 2-3 count. `09 001F` = every 31 minutes
    BroadcastFrequencyInterval BROADCAST_FREQUENCY_INTERVAL broadcast_frequency_interval = 0x0605, Octets, Octets 3..=3;
    /// octet 1: 0 alias/name, 1 ellipsoid arc, 2 polygon (3GPP 23.032). Repeatable
    BroadcastAreaIdentifier BROADCAST_AREA_IDENTIFIER broadcast_area_identifier = 0x0606, Octets, Octets 1..=101;
    /// a command_status value; pairs by order with 0x0606
    BroadcastErrorStatus BROADCAST_ERROR_STATUS broadcast_error_status = 0x0607, CommandStatus, Integer 4..=4;
    /// 0-100 percent, 255 not available
    BroadcastAreaSuccess BROADCAST_AREA_SUCCESS broadcast_area_success = 0x0608, u8, Integer 1..=1;
    /// absolute time. The table says 16; a C-octet string of that format is 17: write 17, accept 16 or 17
    BroadcastEndTime BROADCAST_END_TIME broadcast_end_time = 0x0609, Text, Text 16..=17;
    /// free
    BroadcastServiceGroup BROADCAST_SERVICE_GROUP broadcast_service_group = 0x060A, Octets, Octets 1..=255;
    /// octet 1 format: bit 7 = 1 vendor specific, 0 reserved; rest: data
    BillingIdentification BILLING_IDENTIFICATION billing_identification = 0x060B, Octets, Octets 1..=1024;
    /// "1"+MCC+MNC (GSM), "2"+MCC+SID (TDMA/CDMA), "3"+MCC+type+address (ESME; type 1 IP, 2 domain name, 3 E.164, 4 X.212). Needs source_node_id
    SourceNetworkId SOURCE_NETWORK_ID source_network_id = 0x060D, Text, Text 7..=65;
    /// as 0x060D. Needs dest_node_id
    DestNetworkId DEST_NETWORK_ID dest_network_id = 0x060E, Text, Text 7..=65;
    /// 6 decimal digits
    SourceNodeId SOURCE_NODE_ID source_node_id = 0x060F, Octets, Octets 6..=6;
    /// 6 decimal digits
    DestNodeId DEST_NODE_ID dest_node_id = 0x0610, Octets, Octets 6..=6;
    /// 0 no query (default), 1 queried not ported, 2 queried ported (then 0x0612 and 0x0613 are required)
    DestAddrNpResolution DEST_ADDR_NP_RESOLUTION dest_addr_np_resolution = 0x0611, u8, Integer 1..=1;
    /// location routing number, 10 digits (US)
    DestAddrNpInformation DEST_ADDR_NP_INFORMATION dest_addr_np_information = 0x0612, Octets, Octets 10..=10;
    /// E.164 country code. 5.0 calls it Integer of 1-5 octets: keep as octets
    DestAddrNpCountry DEST_ADDR_NP_COUNTRY dest_addr_np_country = 0x0613, Octets, Octets 1..=5;
    /// 0 temporary, 1 default (default), 2 invoke
    DisplayTime DISPLAY_TIME display_time = 0x1201, u8, Integer 1..=1;
    /// per CMT-136
    SmsSignal SMS_SIGNAL sms_signal = 0x1203, u16, Integer 2..=2;
    /// 0 store (default), 1 power down, 2 registration area, 3 display only; 5.0 adds 4 relative: octet 2 unit 0 s, 1 min, 2 h, 3 d, 4 weeks, 5 months, 6 years; octets 3-4 count
    MsValidity MS_VALIDITY ms_validity = 0x1204, Octets, Octets 1..=4;
    /// 3.4: presence only; 5.0: 0 default alert, 1 low, 2 medium, 3 high (empty = default). Also spelt alert_on_msg_delivery
    AlertOnMessageDelivery ALERT_ON_MESSAGE_DELIVERY alert_on_message_delivery = 0x130C, Flag, Octets 0..=1;
    /// 0 digit, 1 number, 2 telephone no., 3 password, 4 character line, 5 menu, 6 date, 7 time, 8 continue
    ItsReplyType ITS_REPLY_TYPE its_reply_type = 0x1380, u8, Integer 1..=1;
    /// octet 1 session; octet 2 bits 7-1 sequence, bit 0 end of session
    ItsSessionInfo ITS_SESSION_INFO its_session_info = 0x1383, Octets, Octets 2..=2;
}
