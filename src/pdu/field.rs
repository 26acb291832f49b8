//! The integer fields of the PDUs, with names for their values and questions about their bits.

use super::code::{code_point_traits, code_points};

code_points! {
    /// Type of number of an address (3.4 section 5.2.5).
    pub struct Ton(u8) {
        /// Unknown; the message centre decides. Usual for short codes.
        UNKNOWN = 0x00;
        /// International number, digits without "+".
        INTERNATIONAL = 0x01;
        /// National number.
        NATIONAL = 0x02;
        /// Specific to the network; some use it for short codes.
        NETWORK_SPECIFIC = 0x03;
        /// Subscriber number.
        SUBSCRIBER_NUMBER = 0x04;
        /// Letters, at most 11 on GSM; goes with NPI 0.
        ALPHANUMERIC = 0x05;
        /// Abbreviated number.
        ABBREVIATED = 0x06;
    }

    /// Numbering plan of an address (3.4 section 5.2.6).
    pub struct Npi(u8) {
        /// Unknown.
        UNKNOWN = 0x00;
        /// Telephone numbers (E.163, E.164).
        ISDN = 0x01;
        /// Data (X.121).
        DATA = 0x03;
        /// Telex (F.69).
        TELEX = 0x04;
        /// Land mobile (E.212).
        LAND_MOBILE = 0x06;
        /// National plan.
        NATIONAL = 0x08;
        /// Private plan.
        PRIVATE = 0x09;
        /// ERMES paging.
        ERMES = 0x0A;
        /// Internet protocol, dotted decimal.
        INTERNET = 0x0E;
        /// WAP client id.
        WAP_CLIENT_ID = 0x12;
    }

    /// The version that a side speaks (3.4 section 5.2.4). Default 3.4.
    pub struct InterfaceVersion(u8) = 0x34 {
        /// 3.3: no TLVs, message ids of at most 8 characters.
        V3_3 = 0x33;
        /// 3.4.
        V3_4 = 0x34;
        /// 5.0.
        V5_0 = 0x50;
    }

    /// What became of a message (3.4 section 5.2.28).
    pub struct MessageState(u8) {
        /// Not yet due (5.0).
        SCHEDULED = 0x00;
        /// On its way.
        ENROUTE = 0x01;
        /// Delivered to its destination.
        DELIVERED = 0x02;
        /// Its validity ended before it could be delivered.
        EXPIRED = 0x03;
        /// Deleted.
        DELETED = 0x04;
        /// Cannot be delivered.
        UNDELIVERABLE = 0x05;
        /// Read by customer service in its subscriber's place; many providers mean "taken by the network".
        ACCEPTED = 0x06;
        /// Not known.
        UNKNOWN = 0x07;
        /// Rejected.
        REJECTED = 0x08;
        /// Left out on purpose (5.0).
        SKIPPED = 0x09;
    }

    /// How the octets of a message are to be read (3.4 section 5.2.19).
    pub struct DataCoding(u8) {
        /// The message centre's default alphabet, mostly GSM 03.38 with one septet an octet.
        DEFAULT = 0x00;
        /// IA5, that is ASCII.
        ASCII = 0x01;
        /// Binary.
        OCTETS = 0x02;
        /// ISO-8859-1.
        LATIN_1 = 0x03;
        /// Binary, the other value.
        OCTETS_2 = 0x04;
        /// JIS X 0208.
        JIS = 0x05;
        /// ISO-8859-5.
        CYRILLIC = 0x06;
        /// ISO-8859-8.
        HEBREW = 0x07;
        /// UCS-2, in practice UTF-16BE.
        UCS2 = 0x08;
        /// Pictogram encoding.
        PICTOGRAM = 0x09;
        /// ISO-2022-JP.
        MUSIC_CODES = 0x0A;
        /// Extended Kanji, JIS X 0212.
        EXTENDED_KANJI = 0x0D;
        /// KS C 5601.
        KS_C_5601 = 0x0E;
    }

    /// Priority of a message (3.4 section 5.2.14); 0 is the lowest.
    pub struct PriorityFlag(u8) {
        /// Normal on GSM, bulk on ANSI-136.
        LEVEL_0 = 0x00;
        /// Priority on GSM, normal on ANSI-136, immediate on cell broadcast.
        LEVEL_1 = 0x01;
        /// Priority on GSM, urgent on ANSI-136, high on cell broadcast.
        LEVEL_2 = 0x02;
        /// Priority on GSM, very urgent on ANSI-136.
        LEVEL_3 = 0x03;
        /// Background on cell broadcast (5.0).
        LEVEL_4 = 0x04;
    }
}

impl DataCoding {
    /// The group that the value belongs to.
    #[must_use]
    pub const fn group(self) -> DataCodingGroup {
        match self.0 {
            0x00..=0x0A | 0x0D | 0x0E => DataCodingGroup::Alphabet,
            0xC0..=0xCF => DataCodingGroup::WaitingDiscard,
            0xD0..=0xDF => DataCodingGroup::WaitingStore,
            0xF0..=0xFF => DataCodingGroup::MessageClass,
            _ => DataCodingGroup::Reserved,
        }
    }

    /// True for values that the standard reserves.
    #[must_use]
    pub const fn is_reserved(self) -> bool {
        matches!(self.group(), DataCodingGroup::Reserved)
    }

    /// The message class where the value carries one: 0 flash, 1 handset, 2 SIM, 3 terminal equipment.
    #[must_use]
    pub const fn message_class(self) -> Option<u8> {
        match self.group() {
            DataCodingGroup::MessageClass => Some(self.0 & 0x03),
            _ => None,
        }
    }
}

/// The blocks of `data_coding` values (3.4 section 5.2.19).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum DataCodingGroup {
    /// One of SMPP's own alphabets.
    Alphabet,
    /// GSM message waiting, text to be discarded.
    WaitingDiscard,
    /// GSM message waiting, text to be stored.
    WaitingStore,
    /// GSM message class; bit 2 says 7-bit or 8-bit data.
    MessageClass,
    /// Reserved; some peers pass GSM's general groups through.
    Reserved,
}

/// What kind of message the type bits of [`EsmClass`] announce.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum MessageType {
    /// An ordinary message.
    Normal,
    /// A delivery receipt of the message centre (0x04).
    Receipt,
    /// An acknowledgement of the receiving entity that it was delivered (0x08).
    DeliveryAcknowledgement,
    /// An acknowledgement that the user made (0x10).
    UserAcknowledgement,
    /// A conversation abort (0x18, Korean CDMA).
    ConversationAbort,
    /// An intermediate notification (0x20).
    Intermediate,
    /// Any other combination of the type bits.
    Reserved(u8),
}

/// Mode, type and GSM features of a message (3.4 section 5.2.12).
#[derive(Clone, Copy, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct EsmClass(u8);

impl EsmClass {
    /// The message centre's default mode, an ordinary message.
    pub const DEFAULT: Self = Self(0x00);
    /// Datagram mode.
    pub const DATAGRAM: Self = Self(0x01);
    /// Forward mode, that is transaction mode.
    pub const FORWARD: Self = Self(0x02);
    /// Store and forward mode.
    pub const STORE_AND_FORWARD: Self = Self(0x03);
    /// A delivery receipt of the message centre.
    pub const RECEIPT: Self = Self(0x04);
    /// An intermediate notification.
    pub const INTERMEDIATE: Self = Self(0x20);
    /// The text starts with a user data header.
    pub const UDH: Self = Self(0x40);
    /// The reply path is set.
    pub const REPLY_PATH: Self = Self(0x80);

    const TYPE_MASK: u8 = 0x3C;

    /// Wraps a value of the wire.
    #[must_use]
    pub const fn new(value: u8) -> Self {
        Self(value)
    }

    /// The value on the wire.
    #[must_use]
    pub const fn value(self) -> u8 {
        self.0
    }

    /// What kind of message the type bits announce.
    #[must_use]
    pub const fn message_type(self) -> MessageType {
        match self.0 & Self::TYPE_MASK {
            0x00 => MessageType::Normal,
            0x04 => MessageType::Receipt,
            0x08 => MessageType::DeliveryAcknowledgement,
            0x10 => MessageType::UserAcknowledgement,
            0x18 => MessageType::ConversationAbort,
            0x20 => MessageType::Intermediate,
            other => MessageType::Reserved(other),
        }
    }

    /// True for a delivery receipt, whatever the other bits say.
    #[must_use]
    pub const fn is_receipt(self) -> bool {
        self.0 & Self::TYPE_MASK == 0x04
    }

    /// True for an intermediate notification.
    #[must_use]
    pub const fn is_intermediate(self) -> bool {
        self.0 & Self::TYPE_MASK == 0x20
    }

    /// True when the text starts with a user data header.
    #[must_use]
    pub const fn has_udh(self) -> bool {
        self.0 & Self::UDH.0 != 0
    }

    /// True when the reply path is set.
    #[must_use]
    pub const fn has_reply_path(self) -> bool {
        self.0 & Self::REPLY_PATH.0 != 0
    }

    /// The mode bits: 0 default, 1 datagram, 2 forward, 3 store and forward.
    #[must_use]
    pub const fn mode(self) -> u8 {
        self.0 & 0x03
    }

    /// The same with the bit for a user data header set.
    #[must_use]
    pub const fn with_udh(self) -> Self {
        Self(self.0 | Self::UDH.0)
    }

    /// The same with the reply path set.
    #[must_use]
    pub const fn with_reply_path(self) -> Self {
        Self(self.0 | Self::REPLY_PATH.0)
    }

    /// The same with other mode bits; only the two lowest bits of `mode` count.
    #[must_use]
    pub const fn with_mode(self, mode: u8) -> Self {
        Self(self.0 & !0x03 | mode & 0x03)
    }

    pub(crate) const fn name(self) -> Option<&'static str> {
        None
    }
}

code_point_traits!(EsmClass(u8));

/// Which reports the sender wants (3.4 section 5.2.17).
#[derive(Clone, Copy, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RegisteredDelivery(u8);

impl RegisteredDelivery {
    /// No report.
    pub const NONE: Self = Self(0x00);
    /// A receipt of the final state, good or bad.
    pub const FINAL: Self = Self(0x01);
    /// A receipt when the message could not be delivered.
    pub const FAILURE: Self = Self(0x02);
    /// A receipt when the message was delivered (5.0; reserved in 3.4).
    pub const SUCCESS: Self = Self(0x03);
    /// The receiving entity acknowledges delivery.
    pub const DELIVERY_ACKNOWLEDGEMENT: Self = Self(0x04);
    /// The user acknowledges.
    pub const USER_ACKNOWLEDGEMENT: Self = Self(0x08);
    /// Intermediate notifications too.
    pub const INTERMEDIATE: Self = Self(0x10);

    /// Wraps a value of the wire.
    #[must_use]
    pub const fn new(value: u8) -> Self {
        Self(value)
    }

    /// The value on the wire.
    #[must_use]
    pub const fn value(self) -> u8 {
        self.0
    }

    /// True when a receipt is owed for a message that was delivered.
    #[must_use]
    pub const fn wants_success(self) -> bool {
        matches!(self.0 & 0x03, 0x01 | 0x03)
    }

    /// True when a receipt is owed for a message that could not be delivered.
    #[must_use]
    pub const fn wants_failure(self) -> bool {
        matches!(self.0 & 0x03, 0x01 | 0x02)
    }

    /// True when some receipt of the final state may come.
    #[must_use]
    pub const fn wants_receipt(self) -> bool {
        self.0 & 0x03 != 0
    }

    /// True when intermediate notifications are wanted.
    #[must_use]
    pub const fn wants_intermediate(self) -> bool {
        self.has(Self::INTERMEDIATE)
    }

    /// True when all bits of `other` are set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The same with further bits set.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn name(self) -> Option<&'static str> {
        None
    }
}

code_point_traits!(RegisteredDelivery(u8));

impl Ton {
    /// True for values that the standard reserves.
    #[must_use]
    pub const fn is_reserved(self) -> bool {
        self.0 > 6
    }
}

impl Npi {
    /// True for values that the standard reserves.
    #[must_use]
    pub const fn is_reserved(self) -> bool {
        !matches!(self.0, 0 | 1 | 3 | 4 | 6 | 8 | 9 | 10 | 14 | 18)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_are_told_by_the_type_bits_alone() {
        let cases = [
            (0x00, MessageType::Normal, false, false),
            (0x04, MessageType::Receipt, true, false),
            (0x44, MessageType::Receipt, true, true),
            (0x08, MessageType::DeliveryAcknowledgement, false, false),
            (0x50, MessageType::UserAcknowledgement, false, true),
            (0x18, MessageType::ConversationAbort, false, false),
            (0x20, MessageType::Intermediate, false, false),
            (0x24, MessageType::Reserved(0x24), false, false),
        ];
        for (value, kind, is_receipt, has_udh) in cases {
            let class = EsmClass::new(value);
            assert_eq!(class.message_type(), kind, "{value:#x}");
            assert_eq!(
                (class.is_receipt(), class.has_udh()),
                (is_receipt, has_udh),
                "{value:#x}"
            );
        }
        assert_eq!(EsmClass::STORE_AND_FORWARD.with_udh().value(), 0x43);
        assert_eq!(EsmClass::UDH.with_reply_path().with_mode(1).value(), 0xC1);
    }

    #[test]
    fn registered_delivery_says_which_receipts_are_owed() {
        for (value, success, failure) in [
            (0, false, false),
            (1, true, true),
            (2, false, true),
            (3, true, false),
        ] {
            let registered = RegisteredDelivery::new(value).with(RegisteredDelivery::INTERMEDIATE);
            assert_eq!(
                (registered.wants_success(), registered.wants_failure()),
                (success, failure),
                "{value}"
            );
            assert!(registered.wants_intermediate());
            assert_eq!(registered.wants_receipt(), value != 0);
        }
    }

    #[test]
    fn data_codings_fall_into_groups() {
        let cases = [
            (0x00, DataCodingGroup::Alphabet, None),
            (0x0E, DataCodingGroup::Alphabet, None),
            (0x0B, DataCodingGroup::Reserved, None),
            (0x77, DataCodingGroup::Reserved, None),
            (0xC8, DataCodingGroup::WaitingDiscard, None),
            (0xD0, DataCodingGroup::WaitingStore, None),
            (0xE0, DataCodingGroup::Reserved, None),
            (0xF0, DataCodingGroup::MessageClass, Some(0)),
            (0xF6, DataCodingGroup::MessageClass, Some(2)),
        ];
        for (value, group, class) in cases {
            let data_coding = DataCoding::new(value);
            assert_eq!(
                (data_coding.group(), data_coding.message_class()),
                (group, class),
                "{value:#x}"
            );
        }
    }

    #[test]
    fn values_print_as_names_or_as_numbers() {
        assert_eq!(
            format!("{} {:?}", Ton::ALPHANUMERIC, Ton::new(9)),
            "ALPHANUMERIC 0x09"
        );
        assert_eq!(EsmClass::new(0x43).to_string(), "0x43");
        assert_eq!(InterfaceVersion::from(0x34).to_string(), "V3_4");
    }
}
