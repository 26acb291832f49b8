//! What an embedded SMSC is told.

use std::collections::BTreeMap;
use std::time::Duration;

use super::rule::{Above, AtLeast, Characters};
use super::section::section;
use super::values::{Shares, hours, mins, ms, secs};
use super::{HostPort, Secret, SmscTlsSettings};
use crate::pdu::{CommandStatus, MessageState};

section! {
    /// An embedded SMSC: whom it lets in, how fast it answers, which receipts it sends, and what goes wrong.
    pub struct SmscSettings {
        /// Where it listens; port 0 takes a free one.
        pub listen: HostPort = HostPort::new("127.0.0.1", 0);
        /// The seed of everything that happens by chance.
        pub seed: u64 = 1;
        /// Who it says it is.
        pub system_id: String = String::from("bindery"), Characters(0..=15);
        /// Who may bind; empty: any system_id with any password, each an account of its own.
        pub accounts: BTreeMap<String, SmscAccountSettings> = BTreeMap::new();
        /// Time between a message and its response.
        pub delay: Duration = ms(0), ms(0)..=hours(1);
        /// At most this much is added to `delay` by chance.
        pub jitter: Duration = ms(0), ms(0)..=hours(1);
        /// Messages per second of each account; what comes faster is throttled.
        pub rate: Option<f64> = None, Above(0.0);
        /// Time between a message and its receipt; `off` sends no receipts.
        pub receipts_after: Option<Duration> = Some(ms(0)), ms(0)..=hours(24);
        /// At most this much is added to `receipts_after` by chance.
        pub receipts_jitter: Duration = ms(0), ms(0)..=hours(24);
        /// In which states messages end, by share; the rest is delivered.
        pub final_states: Shares<MessageState> = Shares::default();
        /// When a receipt or message that was not taken is sent again.
        pub retry_after: Duration = secs(1), ms(1)..=hours(1);
        /// How the ids of messages are written.
        pub message_ids: SmscMessageIdSettings = SmscMessageIdSettings::default();
        /// How connections are encrypted.
        pub tls: SmscTlsSettings = SmscTlsSettings::default();
        /// Messages from phones, to every account that has a receiving bind.
        pub mobile_originated: SmscMobileSettings = SmscMobileSettings::default();
        /// What goes wrong.
        pub faults: SmscFaultSettings = SmscFaultSettings::default();
        /// What is too much.
        pub limits: SmscLimitSettings = SmscLimitSettings::default();
    }
}

section! {
    /// Somebody who may bind to an embedded SMSC.
    pub struct SmscAccountSettings {
        /// Who binds. Default: the account's name.
        pub system_id: Option<String> = None, Characters(1..=15);
        /// With which password; empty: with any.
        pub password: Secret = Secret::default();
        /// Most binds at a time; one more is refused with ESME_RALYBND.
        pub max_binds: Option<usize> = None, 1..=1_000_000;
        /// Messages per second, instead of the SMSC's own rate.
        pub rate: Option<f64> = None, Above(0.0);
    }
}

/// How the number of a message is written as an id: `decimal` or `hex`, and `decimal:10` with zeros in front
/// up to ten digits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct IdDigits {
    /// Digits up to `f`, else up to `9`.
    pub hex: bool,
    /// Zeros are put in front up to this many digits.
    pub width: u8,
}

section! {
    /// The message ids of an embedded SMSC.
    pub struct SmscMessageIdSettings {
        /// The number of the first message.
        pub first: u64 = 1;
        /// How numbers look in responses.
        pub response: IdDigits = IdDigits { hex: false, width: 10 };
        /// How numbers look in receipts.
        pub receipt: IdDigits = IdDigits { hex: false, width: 10 };
    }
}

section! {
    /// Messages from phones that nobody asked for.
    pub struct SmscMobileSettings {
        /// Messages per second and account.
        pub rate: Option<f64> = None, Above(0.0);
        /// How many for each account; `off`: without end.
        pub count: Option<u64> = None, AtLeast(1);
        /// The phone that sends, an international number.
        pub source: String = String::from("447700900001"), Characters(1..=20);
        /// The number that it sends to.
        pub destination: String = String::from("12345"), Characters(1..=20);
        /// The text in front of the number that each message ends with.
        pub text: String = String::from("Hello"), Characters(0..=140);
    }
}

section! {
    /// What goes wrong at an embedded SMSC. Shares and chances are between 0 and 1.
    pub struct SmscFaultSettings {
        /// A link is cut when it has taken this many messages.
        pub cut_after: Option<u64> = None, AtLeast(1);
        /// The chance that a link is cut at a message.
        pub cut_chance: f64 = 0.0, 0.0..=1.0;
        /// The chance that a link is unbound at a message, and closed without waiting for anything.
        pub unbind_chance: f64 = 0.0, 0.0..=1.0;
        /// The share of messages that are taken without a response.
        pub lost_responses: f64 = 0.0, 0.0..=1.0;
        /// The share of messages whose response comes late.
        pub late_responses: f64 = 0.0, 0.0..=1.0;
        /// How much later these come.
        pub late_by: Duration = secs(5), ms(1)..=hours(1);
        /// The share of messages whose response comes twice.
        pub doubled_responses: f64 = 0.0, 0.0..=1.0;
        /// The share of messages whose response lets the next one of its link go first.
        pub overtaken_responses: f64 = 0.0, 0.0..=1.0;
        /// The shares of messages before whose response octets come that make no sense, by kind.
        pub nonsense: Shares<Nonsense> = Shares::default();
        /// The shares of messages whose response is odd, by kind; where it refuses them there is no id in it.
        pub odd_responses: Shares<OddResponse> = Shares::default();
        /// The shares of messages that are refused, by status.
        pub refused_messages: Shares<CommandStatus> = Shares::default();
        /// The shares of binds that are refused, by status.
        pub refused_binds: Shares<CommandStatus> = Shares::default();
        /// The share of binds that are never answered.
        pub silent_binds: f64 = 0.0, 0.0..=1.0;
        /// The share of connections that end half open: all is read, and nothing is said any more.
        pub half_open: f64 = 0.0, 0.0..=1.0;
        /// With which of its messages such a connection falls silent.
        pub half_open_after: u64 = 1, AtLeast(1);
        /// The share of receipts that are sent twice.
        pub doubled_receipts: f64 = 0.0, 0.0..=1.0;
        /// The share of receipts that come at once, before the response that names their message.
        pub early_receipts: f64 = 0.0, 0.0..=1.0;
        /// The share of messages with which a receipt comes for an id that was never given.
        pub orphaned_receipts: f64 = 0.0, 0.0..=1.0;
        /// The shares of receipts that are odd, by kind.
        pub odd_receipts: Shares<OddReceipt> = Shares::default();
        /// The share of connections that end with a reset, whatever was under way.
        pub resets: f64 = 0.0, 0.0..=1.0;
        /// The share of connections on which octets are written one at a time.
        pub split_writes: f64 = 0.0, 0.0..=1.0;
        /// The share of connections on which PDUs are kept until several leave in one write.
        pub joined_writes: f64 = 0.0, 0.0..=1.0;
        /// For how long they are kept.
        pub joined_for: Duration = ms(50), ms(1)..=mins(1);
        /// The share of connections that are read slowly.
        pub slow_reads: f64 = 0.0, 0.0..=1.0;
        /// How many octets a second are read of these.
        pub slow_read_rate: u64 = 1_000, 1..=1_000_000_000;
        /// Time between two restarts, half as much more or less by chance.
        pub restart_every: Option<Duration> = None, ms(1)..=hours(24);
        /// For how long it is away then.
        pub restart_for: Duration = secs(5), ms(0)..=hours(24);
        /// For how long a session that was cut still counts for `max_binds` of its account.
        pub holds_sessions: Option<Duration> = None, ms(1)..=hours(24);
    }
}

/// A response to submit_sm or data_sm with status 0 that is not as the standard wants it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OddResponse {
    /// It has no body, so no id.
    NoBody,
    /// The id ends without a NUL.
    NoNul,
    /// A NUL stands behind the last field.
    ExtraNul,
    /// A TLV of a vendor has no value.
    EmptyTlv,
    /// The PDU ends in the middle of a TLV.
    CutTlv,
}

impl OddResponse {
    /// All kinds.
    pub const ALL: &[Self] = &[
        Self::NoBody,
        Self::NoNul,
        Self::ExtraNul,
        Self::EmptyTlv,
        Self::CutTlv,
    ];
}

/// A receipt that is not as most SMSCs write it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OddReceipt {
    /// Its esm_class does not say that it is one.
    NoClass,
    /// The text is written in UCS2.
    Ucs2,
    /// The data_coding says UCS2, and the text is ASCII.
    WrongCoding,
    /// It has no TLVs.
    NoTlvs,
    /// It has no text.
    NoText,
    /// Some fields only, in another order, one of them with words for a number, and a date with seconds.
    OtherText,
}

impl OddReceipt {
    /// All kinds.
    pub const ALL: &[Self] = &[
        Self::NoClass,
        Self::Ucs2,
        Self::WrongCoding,
        Self::NoTlvs,
        Self::NoText,
        Self::OtherText,
    ];
}

/// Octets that make no sense to an ESME.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Nonsense {
    /// A PDU of a command that nobody knows: refused, and the session goes on.
    Command,
    /// A deliver_sm that ends in the middle of a field: refused, and the session goes on.
    Body,
    /// A response to a request that was never sent: ignored.
    Response,
    /// A generic_nack with the number 0, which belongs to no request: ignored.
    Nack,
    /// A length shorter than any PDU: where the next one begins is lost, and the session ends.
    TinyLength,
    /// A length of two gigabytes: the session ends before anything of it is kept.
    HugeLength,
    /// What is no PDU at all: the session ends.
    Garbage,
}

impl Nonsense {
    /// All kinds.
    pub const ALL: &[Self] = &[
        Self::Command,
        Self::Body,
        Self::Response,
        Self::Nack,
        Self::TinyLength,
        Self::HugeLength,
        Self::Garbage,
    ];

    /// Whether the session ends with it.
    #[must_use]
    pub const fn ends_session(self) -> bool {
        match self {
            Self::Command | Self::Body | Self::Response | Self::Nack => false,
            Self::TinyLength | Self::HugeLength | Self::Garbage => true,
        }
    }
}

section! {
    /// What keeps an embedded SMSC small whatever its peers do.
    pub struct SmscLimitSettings {
        /// Connections at a time; one more is closed at once.
        pub connections: usize = 10_000, 1..=1_000_000;
        /// Different accounts where any system_id may bind.
        pub accounts: usize = 10_000, 1..=1_000_000;
        /// A connection without a bind is closed after this time.
        pub session_init: Duration = secs(30), ms(1)..=hours(1);
        /// A bound link that was silent for this long gets an enquire_link.
        pub enquire_link: Option<Duration> = Some(secs(30)), ms(1)..=hours(24);
        /// Receipts and messages from phones that one link may leave unanswered.
        pub window: usize = 100, 1..=65_535;
        /// How long an ESME may take to answer one of these.
        pub response_timeout: Duration = secs(30), ms(1)..=mins(60);
        /// Messages that may wait for their delayed response on one link; then it is not read any further.
        pub unanswered: usize = 10_000, 1..=10_000_000;
        /// Messages that query_sm, cancel_sm and replace_sm still find; older ones are forgotten.
        pub remembered: usize = 10_000, 0..=10_000_000;
        /// Receipts and messages from phones that may wait; beyond it messages get ESME_RMSGQFUL.
        pub deliveries: usize = 1_000_000, 1..=100_000_000;
    }
}
