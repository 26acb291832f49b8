//! The TLV values that are one of a few numbers, with their names.

use crate::pdu::code::code_points;
use crate::pdu::tlv::encoding::integer_values;

code_points! {
    /// Part of a device (3.4 section 5.3.2.1).
    pub struct AddrSubunit(u8) {
        /// Not known, the default.
        UNKNOWN = 0;
        /// The display.
        MS_DISPLAY = 1;
        /// The mobile equipment.
        MOBILE_EQUIPMENT = 2;
        /// The first smart card, that is the SIM.
        SMART_CARD_1 = 3;
        /// The first external unit.
        EXTERNAL_UNIT_1 = 4;
    }

    /// Kind of network (3.4 section 5.3.2.3).
    pub struct NetworkType(u8) {
        /// Not known.
        UNKNOWN = 0;
        /// GSM.
        GSM = 1;
        /// ANSI-136, TDMA.
        ANSI_136 = 2;
        /// IS-95, CDMA.
        IS_95 = 3;
        /// PDC.
        PDC = 4;
        /// PHS.
        PHS = 5;
        /// iDEN.
        IDEN = 6;
        /// AMPS.
        AMPS = 7;
        /// A paging network.
        PAGING = 8;
    }

    /// Kind of bearer (3.4 section 5.3.2.5).
    pub struct BearerType(u8) {
        /// Not known.
        UNKNOWN = 0;
        /// SMS.
        SMS = 1;
        /// Circuit switched data.
        CSD = 2;
        /// Packet data.
        PACKET_DATA = 3;
        /// USSD.
        USSD = 4;
        /// CDPD.
        CDPD = 5;
        /// DataTAC.
        DATA_TAC = 6;
        /// FLEX, ReFLEX.
        FLEX = 7;
        /// Cell broadcast.
        CELL_BROADCAST = 8;
    }

    /// Higher-layer protocol of a payload (3.4 section 5.3.2.10).
    pub struct PayloadType(u8) {
        /// The default, WDP for WAP.
        DEFAULT = 0;
        /// WCMP.
        WCMP = 1;
    }

    /// How private a message is (3.4 section 5.3.2.14).
    pub struct PrivacyIndicator(u8) {
        /// Not restricted, the default.
        NOT_RESTRICTED = 0;
        /// Restricted.
        RESTRICTED = 1;
        /// Confidential.
        CONFIDENTIAL = 2;
        /// Secret.
        SECRET = 3;
    }

    /// Language of a text (3.4 section 5.3.2.19); further values are those of CMT-136.
    pub struct LanguageIndicator(u8) {
        /// Not said, the default.
        UNSPECIFIED = 0;
        /// English.
        ENGLISH = 1;
        /// French.
        FRENCH = 2;
        /// Spanish.
        SPANISH = 3;
        /// German.
        GERMAN = 4;
        /// Portuguese.
        PORTUGUESE = 5;
    }

    /// Whether a subscriber can be reached (3.4 section 5.3.2.30).
    pub struct AvailabilityStatus(u8) {
        /// Can be reached, the default.
        AVAILABLE = 0;
        /// Not allowed to be reached.
        DENIED = 1;
        /// Cannot be reached.
        UNAVAILABLE = 2;
    }

    /// Why a delivery failed (3.4 section 5.3.2.33).
    pub struct DeliveryFailureReason(u8) {
        /// The destination cannot be reached now.
        DESTINATION_UNAVAILABLE = 0;
        /// The address is not valid.
        ADDRESS_INVALID = 1;
        /// A permanent error of the network.
        PERMANENT_NETWORK_ERROR = 2;
        /// A temporary error of the network.
        TEMPORARY_NETWORK_ERROR = 3;
    }

    /// How busy a message centre is, in percent (5.0 section 4.8.4.18).
    pub struct CongestionState(u8) {
        /// Nothing to do.
        IDLE = 0;
        /// No room at all.
        CONGESTED = 100;
    }

    /// USSD operation (3.4 section 5.3.2.44); 32 to 255 are a vendor's own.
    pub struct UssdServiceOp(u8) {
        /// PSSD indication.
        PSSD_INDICATION = 0;
        /// PSSR indication.
        PSSR_INDICATION = 1;
        /// USSR request.
        USSR_REQUEST = 2;
        /// USSN request.
        USSN_REQUEST = 3;
        /// PSSD response.
        PSSD_RESPONSE = 16;
        /// PSSR response.
        PSSR_RESPONSE = 17;
        /// USSR confirmation.
        USSR_CONFIRM = 18;
        /// USSN confirmation.
        USSN_CONFIRM = 19;
    }

    /// Whether number portability was looked up (5.0 section 4.8.4.21).
    pub struct NumberPortability(u8) {
        /// Not looked up, the default.
        NO_QUERY = 0;
        /// Looked up: the number was not ported.
        NOT_PORTED = 1;
        /// Looked up: the number was ported.
        PORTED = 2;
    }

    /// How long a handset shows a message (3.4 section 5.3.2.26).
    pub struct DisplayTime(u8) {
        /// For a while.
        TEMPORARY = 0;
        /// As the handset sees fit, the default.
        DEFAULT = 1;
        /// Until the user reacts.
        INVOKE = 2;
    }

    /// What kind of reply an interactive teleservice expects (3.4 section 5.3.2.42).
    pub struct ItsReplyType(u8) {
        /// A digit.
        DIGIT = 0;
        /// A number.
        NUMBER = 1;
        /// A telephone number.
        TELEPHONE_NUMBER = 2;
        /// A password.
        PASSWORD = 3;
        /// A line of characters.
        CHARACTER_LINE = 4;
        /// A choice from a menu.
        MENU = 5;
        /// A date.
        DATE = 6;
        /// A time.
        TIME = 7;
        /// Nothing but going on.
        CONTINUE = 8;
    }
}

integer_values! {
    AddrSubunit, u8;
    NetworkType, u8;
    BearerType, u8;
    PayloadType, u8;
    PrivacyIndicator, u8;
    LanguageIndicator, u8;
    AvailabilityStatus, u8;
    DeliveryFailureReason, u8;
    CongestionState, u8;
    UssdServiceOp, u8;
    NumberPortability, u8;
    DisplayTime, u8;
    ItsReplyType, u8;
}

impl CongestionState {
    /// True where a sender may send faster: below 80.
    #[must_use]
    pub const fn has_room(self) -> bool {
        self.value() < 80
    }

    /// True where a sender should send slower: from 90.
    #[must_use]
    pub const fn is_near_congestion(self) -> bool {
        self.value() >= 90
    }
}
