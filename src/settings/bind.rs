//! What one bind is told.

use std::time::Duration;

use super::rule::{Above, AtLeast, Characters};
use super::section::section;
use super::values::{hours, ms, secs};
use super::{HostPort, Preset, Secret, TlsSettings, TlvSet, TlvValues};
use crate::pdu::{
    CommandId, CommandStatus, InterfaceVersion, Leniency, MAX_COMMAND_LENGTH, Npi, StatusClasses, Ton,
};
use crate::session::{EnquireLinkMode, Rate, SessionConfig, Side};
use crate::sm::{DefaultAlphabet, IdBase, IdForm, IdRules};

/// What a bind is for.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Mode {
    /// Sends and receives (`bind_transceiver`).
    #[default]
    Transceiver,
    /// Only sends (`bind_transmitter`).
    Transmitter,
    /// Only receives (`bind_receiver`).
    Receiver,
}

impl Mode {
    /// The request that makes such a bind.
    #[must_use]
    pub const fn command_id(self) -> CommandId {
        match self {
            Self::Transceiver => CommandId::BIND_TRANSCEIVER,
            Self::Transmitter => CommandId::BIND_TRANSMITTER,
            Self::Receiver => CommandId::BIND_RECEIVER,
        }
    }

    /// Whether messages can be submitted over such a bind.
    #[must_use]
    pub const fn sends(self) -> bool {
        !matches!(self, Self::Receiver)
    }

    /// Whether the SMSC can deliver over such a bind.
    #[must_use]
    pub const fn receives(self) -> bool {
        !matches!(self, Self::Transmitter)
    }
}

/// When the parts of a long message from the SMSC are answered.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum PartsAnswered {
    /// Each on arrival.
    #[default]
    Each,
    /// All when the whole message was taken.
    Whole,
}

section! {
    /// One bind: where it connects, who it is, and what it keeps to.
    ///
    /// ```
    /// use bindery::settings::{BindSettings, Mode};
    ///
    /// let bind = BindSettings::new("smpp1.example:2775", "bindery", "secret")
    ///     .mode(Mode::Transmitter)
    ///     .window(20)
    ///     .rate(100.0);
    /// ```
    pub struct BindSettings {
        /// Whose wishes count where the bind does not say otherwise, see `docs/configuration.md`. In a program
        /// [`Preset::bind`] makes such a bind; the name alone changes nothing.
        pub preset: Option<Preset> = None;
        /// Where the SMSC listens; tried in turn. For one host also `host` and `port`.
        pub hosts: Vec<HostPort> = Vec::new();
        /// Instead of `hosts`: the embedded SMSC of this name, wherever it listens.
        pub smsc: Option<String> = None;
        /// Instead of `hosts`: where we listen for an SMSC that connects to us and says outbind; the bind goes out on
        /// its connection.
        pub outbind_listen: Option<HostPort> = None;
        /// The name that the SMSC must give itself in its outbind. Default: any.
        pub outbind_system_id: Option<String> = None, Characters(1..=15);
        /// The password that the SMSC must know. Default: any.
        pub outbind_password: Option<Secret> = None;
        /// The name by which the SMSC knows us.
        pub system_id: String = String::new(), Characters(1..=255);
        /// The password that goes with it.
        pub password: Secret = Secret::default();
        /// The kind of system that we say we are; mostly empty.
        pub system_type: String = String::new(), Characters(0..=12);
        /// What the bind is for.
        pub mode: Mode = Mode::default();
        /// What the bind is for instead where the SMSC does not know binds of `mode`. Default: nothing.
        pub fallback_mode: Option<Mode> = None;
        /// Binds of one account share message ids and receipts. Default: the bind's name.
        pub account: Option<String> = None, Characters(1..=64);
        /// The version of SMPP that we say we speak.
        pub interface_version: InterfaceVersion = InterfaceVersion::V3_4;
        /// The version that the SMSC speaks, whatever it says: "3.3" sends it no TLVs, "3.4" sends TLVs to one that
        /// calls itself older. Default: what its response to the bind says, and `interface_version` where it says nothing.
        pub sc_interface_version: Option<InterfaceVersion> = None;
        /// Type of number of the addresses that the bind serves.
        pub addr_ton: Ton = Ton::UNKNOWN;
        /// Numbering plan of the addresses that the bind serves.
        pub addr_npi: Npi = Npi::UNKNOWN;
        /// The addresses that the bind serves, as the SMSC wants them written; mostly empty.
        pub address_range: String = String::new(), Characters(0..=40);
        /// Most characters of `system_id`. The standard has 15; more only where the SMSC agrees.
        pub system_id_max_length: usize = 15, 1..=255;
        /// Most characters of `password`. The standard has 8; more only where the SMSC agrees.
        pub password_max_length: usize = 8, 1..=255;

        /// Encryption of the connection.
        pub tls: TlsSettings = TlsSettings::default();

        /// Most binds that the SMSC takes of one `system_id` at one host; `off`: nobody counts.
        pub max_binds: Option<usize> = None, 1..=10_000;
        /// Most requests without a response.
        pub window: usize = 10, 1..=65_535;
        /// PDUs per second; fractions are fine.
        pub rate: Option<f64> = None, Above(0.0);
        /// Most PDUs at once; `off`: a tenth of `rate`, at least one.
        pub burst: Option<f64> = None, AtLeast(1.0);
        /// The budget that the bind shares with others.
        pub budget: Option<String> = None;

        /// How long a connection to one address may take.
        pub connect_timeout: Duration = secs(10), ms(1)..=hours(1);
        /// How long the SMSC may take to answer the bind.
        pub bind_timeout: Duration = secs(30), ms(1)..=hours(1);
        /// How long a response may take; then the outcome of the message is unknown.
        pub response_timeout: Duration = secs(30), ms(1)..=hours(1);
        /// How long output may wait for a peer that does not read.
        pub write_timeout: Duration = secs(30), ms(1)..=hours(1);
        /// Time between enquire_link, see `enquire_link_mode`.
        pub enquire_link_interval: Option<Duration> = Some(secs(30)), ms(1)..=hours(24);
        /// When enquire_link is sent: after an `idle` interval, or at a `fixed` interval whatever goes on.
        pub enquire_link_mode: EnquireLinkMode = EnquireLinkMode::Idle;
        /// How long the peer may stay silent after an enquire_link; then the link is dead.
        pub enquire_link_timeout: Duration = secs(10), ms(1)..=hours(1);
        /// How long a bound session may stay without a PDU of the peer.
        pub inactivity_timeout: Option<Duration> = None, ms(1)..=hours(24);
        /// About how long to wait before the first attempt to bind again; it doubles from there.
        pub backoff_initial: Duration = secs(1), ms(1)..=hours(24);
        /// The shortest wait before an attempt to bind again, whatever went wrong; the backoff comes on top.
        pub backoff_min: Duration = ms(0), ms(0)..=hours(24);
        /// The longest wait between two attempts.
        pub backoff_max: Duration = secs(60), ms(1)..=hours(24);
        /// How long a bind must have held before its waits start anew from `backoff_initial`.
        pub stable_after: Duration = secs(30), ms(1)..=hours(24);

        /// The largest PDU taken from the peer, in octets.
        pub max_command_length: usize = MAX_COMMAND_LENGTH, 256..=16_777_216;
        /// No request is encoded while this much output waits, in octets.
        pub outbox_high_water: usize = 262_144, 1_024..=268_435_456;
        /// Most requests of the SMSC that wait for our answer; over it we stop reading.
        pub inbound_limit: usize = 1_000, 1..=1_000_000;
        /// When a request of the SMSC that a handler keeps is answered with `default_answer`.
        pub answer_timeout: Duration = secs(10), ms(1)..=hours(1);
        /// The answer to a request of the SMSC that a handler did not answer in time.
        pub default_answer: CommandStatus = CommandStatus::ESME_RX_T_APPN;
        /// When the parts of a long message from the SMSC are answered: `each` on arrival, or all when the `whole`
        /// message was taken. `answer_timeout` holds for each of them all the same.
        pub parts_answered: PartsAnswered = PartsAnswered::Each;
        /// The answer to a message from the SMSC that nobody takes. Receipts are answered with ESME_ROK.
        pub unhandled_answer: CommandStatus = CommandStatus::ESME_RX_T_APPN;

        /// A message from the SMSC is a receipt when its text reads like one, though neither its esm_class nor its TLVs
        /// say so. Anybody with a phone can write such a text: only for an SMSC that is known for it.
        pub receipts_by_text: bool = false;

        /// The first sequence number of each session.
        pub sequence_start: u32 = 1, 1..=0x7FFF_FFFF;
        /// How the ids of messages are written in responses and in receipts.
        pub message_ids: MessageIdSettings = MessageIdSettings::default();
        /// What a status of this SMSC means, where it is not what `docs/protocol.md` says.
        pub statuses: StatusClasses = StatusClasses::default();
        /// Sets of TLVs that are known by name on this bind, besides those of `[tlvs]`.
        pub tlv_sets: Vec<TlvSet> = Vec::new();
        /// The value of a TLV, by name, that is put into every message of the router (submit_sm, submit_multi, data_sm,
        /// broadcast_sm) which may have it and has none of its tag; requests of one's own go as they are.
        pub tlvs: TlvValues = TlvValues::default();
        /// What data_coding 0 means on this bind.
        pub default_alphabet: DefaultAlphabet = DefaultAlphabet::Gsm;
        /// Which deviations from the standard are put up with; all are.
        pub leniency: Leniency = Leniency::default();
    }
}

section! {
    /// How an SMSC writes the ids of messages.
    pub struct MessageIdSettings {
        /// In responses, and in the TLV of receipts unless their text has the same; numbers are compared as numbers.
        pub response: IdBase = IdBase::Text;
        /// In the text of receipts.
        pub receipt: IdBase = IdBase::Text;
        /// Upper and lower case are the same; numbers never care.
        pub ignore_case: bool = false;
        /// Zeros in front do not count; for numbers they never do.
        pub ignore_leading_zeros: bool = false;
    }
}

impl MessageIdSettings {
    /// The same as rules for the correlation.
    #[must_use]
    pub const fn rules(&self) -> IdRules {
        IdRules {
            response: self.form(self.response),
            receipt: self.form(self.receipt),
        }
    }

    const fn form(&self, base: IdBase) -> IdForm {
        IdForm {
            base,
            ignore_case: self.ignore_case,
            ignore_leading_zeros: self.ignore_leading_zeros,
        }
    }
}

impl BindSettings {
    /// A transceiver with the defaults.
    ///
    /// `host` is `host:port`, or a name and a port. A host without a port is found by
    /// [`Settings::check`](super::Settings::check), like every other mistake.
    #[must_use]
    pub fn new(host: impl Into<HostPort>, system_id: impl Into<String>, password: impl Into<Secret>) -> Self {
        Self {
            hosts: vec![host.into()],
            system_id: system_id.into(),
            password: password.into(),
            ..Self::default()
        }
    }

    /// True when it knows where its SMSC is, or where it comes to.
    #[must_use]
    pub const fn has_peer(&self) -> bool {
        !self.hosts.is_empty() || self.outbind_listen.is_some()
    }

    /// The account of the bind called `name`.
    #[must_use]
    pub fn account_or<'a>(&'a self, name: &'a str) -> &'a str {
        self.account.as_deref().unwrap_or(name)
    }

    /// The bind's own limit, where it has one.
    #[must_use]
    pub fn limit(&self) -> Option<Rate> {
        self.rate.map(|per_second| Rate {
            per_second,
            burst: self.burst,
        })
    }

    /// True when an SMSC that lets this one in lets `other` in too.
    #[must_use]
    pub fn is_login_of(&self, other: &Self) -> bool {
        self.hosts == other.hosts
            && self.system_id == other.system_id
            && self.password == other.password
            && self.mode == other.mode
    }

    /// True when `other` differs only in what can change while a session goes on: window, rate and burst, the
    /// delays between attempts, and how long a connection may take.
    #[must_use]
    pub fn is_retuned_to(&self, other: &Self) -> bool {
        let retuned = Self {
            window: other.window,
            rate: other.rate,
            burst: other.burst,
            connect_timeout: other.connect_timeout,
            backoff_initial: other.backoff_initial,
            backoff_min: other.backoff_min,
            preset: other.preset,
            max_binds: other.max_binds,
            backoff_max: other.backoff_max,
            stable_after: other.stable_after,
            ..self.clone()
        };
        retuned == *other
    }

    /// What the session of this bind is told.
    #[must_use]
    pub fn session(&self) -> SessionConfig {
        SessionConfig {
            interface_version: self.interface_version,
            sc_interface_version: self.sc_interface_version,
            window: self.window,
            response_timeout: self.response_timeout,
            enquire_link_interval: self.enquire_link_interval,
            enquire_link_mode: self.enquire_link_mode,
            enquire_link_timeout: self.enquire_link_timeout,
            bind_timeout: self.bind_timeout,
            inactivity_timeout: self.inactivity_timeout,
            write_timeout: self.write_timeout,
            max_command_length: self.max_command_length,
            outbox_high_water: self.outbox_high_water,
            inbound_limit: self.inbound_limit,
            answer_timeout: self.answer_timeout,
            default_answer: self.default_answer,
            statuses: self.statuses.clone(),
            leniency: self.leniency,
            ..SessionConfig::new(Side::Esme)
        }
    }
}
