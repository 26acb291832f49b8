//! What a session is told when it starts.

use std::time::Duration;

use crate::pdu::{CommandStatus, InterfaceVersion, Leniency, MAX_COMMAND_LENGTH, StatusClasses};

/// Which side of the link we are.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Side {
    /// The client.
    Esme,
    /// The message centre.
    Smsc,
}

/// When enquire_link is sent.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum EnquireLinkMode {
    /// When nothing came from the peer for the interval.
    #[default]
    Idle,
    /// Every interval, whatever else is going on; some providers want that.
    Fixed,
}

/// Settings of a session (3.4 sections 2.9 and 7.2 name the timers; the values are ours).
#[derive(Clone, Debug, PartialEq)]
pub struct SessionConfig {
    /// Which side we are.
    pub side: Side,
    /// The highest version of the protocol that we speak. Default 3.4 for the client, 5.0 for the message centre,
    /// which takes what each client speaks.
    pub interface_version: InterfaceVersion,
    /// The version that the message centre speaks, whatever its response to the bind says. Default none: what that
    /// says, and the highest that we speak where it says nothing, as many leave it out that do speak 3.4.
    pub sc_interface_version: Option<InterfaceVersion>,
    /// Most requests without a response. Default 10, as 3.4 advises.
    pub window: usize,
    /// How long a response may take. Default 30 s.
    pub response_timeout: Duration,
    /// Silence, or time, between enquire_link. Default 30 s; none sends none.
    pub enquire_link_interval: Option<Duration>,
    /// What the interval means.
    pub enquire_link_mode: EnquireLinkMode,
    /// How long the peer may stay silent after an enquire_link. Default 10 s.
    pub enquire_link_timeout: Duration,
    /// How long an open session may stay without a bind. Default 30 s; none for ever.
    pub session_init_timeout: Option<Duration>,
    /// How long a bind may take to be answered. Default 30 s.
    pub bind_timeout: Duration,
    /// How long a bound session may stay without a PDU of the peer. Default none.
    pub inactivity_timeout: Option<Duration>,
    /// How long output may wait for a peer that does not read. Default 30 s.
    pub write_timeout: Duration,
    /// The largest frame taken from the peer, in octets. Default 70,000.
    pub max_command_length: usize,
    /// No request is encoded while this much output waits, in octets. Default 256 KiB.
    pub outbox_high_water: usize,
    /// Most requests of the peer that wait for our answer; over it we stop reading. Default 1,000.
    pub inbound_limit: usize,
    /// When a request of the peer is answered with [`SessionConfig::default_answer`]. Default 10 s.
    pub answer_timeout: Duration,
    /// The answer to a request that nobody answered in time. Default ESME_RX_T_APPN for the client,
    /// ESME_RSYSERR for the message centre.
    pub default_answer: CommandStatus,
    /// Which statuses mean something else to this peer than by the table. Default none.
    pub statuses: StatusClasses,
    /// What decoding puts up with.
    pub leniency: Leniency,
    /// After a bind, one request goes first and the rest when it is answered.
    pub probe_first: bool,
}

impl SessionConfig {
    /// The defaults of one side.
    #[must_use]
    pub fn new(side: Side) -> Self {
        Self {
            side,
            interface_version: match side {
                Side::Esme => InterfaceVersion::V3_4,
                Side::Smsc => InterfaceVersion::V5_0,
            },
            sc_interface_version: None,
            window: 10,
            response_timeout: Duration::from_secs(30),
            enquire_link_interval: Some(Duration::from_secs(30)),
            enquire_link_mode: EnquireLinkMode::Idle,
            enquire_link_timeout: Duration::from_secs(10),
            session_init_timeout: Some(Duration::from_secs(30)),
            bind_timeout: Duration::from_secs(30),
            inactivity_timeout: None,
            write_timeout: Duration::from_secs(30),
            max_command_length: MAX_COMMAND_LENGTH,
            outbox_high_water: 256 * 1024,
            inbound_limit: 1_000,
            answer_timeout: Duration::from_secs(10),
            default_answer: match side {
                Side::Esme => CommandStatus::ESME_RX_T_APPN,
                Side::Smsc => CommandStatus::ESME_RSYSERR,
            },
            statuses: StatusClasses::default(),
            leniency: Leniency::default(),
            probe_first: false,
        }
    }
}
