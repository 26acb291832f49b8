//! `command_status`: how a request ended, with what each value means for the sender.

use std::collections::BTreeMap;

use serde::de::{Deserialize, Deserializer};

use super::code::code_point_traits;

/// What a status asks of the side that gets it.
///
/// The class is our policy (the standard gives none); a bind can override it for the vendor values of its
/// SMSC.
#[derive(Clone, Copy, Debug, serde::Deserialize, Eq, Hash, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum StatusClass {
    /// Done as asked.
    Ok,
    /// Send slower, then again.
    Throttle,
    /// Send again, with backoff and a limit; the rate is not to blame, because the queue may be that of one destination.
    QueueFull,
    /// Send again, with backoff and a limit.
    Retryable,
    /// Give this message up and report it.
    Permanent,
    /// The session is in another state than we believe: bind anew, then send again.
    Session,
    /// The peer still holds an older session: bind again after a while.
    BindRetry,
    /// Binding again will not help until somebody changes a setting.
    BindFatal,
}

/// Classes that differ from [`CommandStatus::class`], mostly for the statuses of a vendor.
///
/// In settings a table from status to class: `{ "0x0410" = "throttle", ESME_RINVSRCADR = "retryable" }`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct StatusClasses(BTreeMap<CommandStatus, StatusClass>);

impl StatusClasses {
    /// The class of `status`.
    #[must_use]
    pub fn class(&self, status: CommandStatus) -> StatusClass {
        self.given(status).unwrap_or_else(|| status.class())
    }

    /// The class of `status`, where it was given one.
    #[must_use]
    pub fn given(&self, status: CommandStatus) -> Option<StatusClass> {
        self.0.get(&status).copied()
    }

    /// Those that were given a class, by value.
    pub fn iter(&self) -> impl Iterator<Item = (CommandStatus, StatusClass)> + '_ {
        self.0.iter().map(|(status, class)| (*status, *class))
    }

    /// Gives `status` another class.
    pub fn set(&mut self, status: CommandStatus, class: StatusClass) {
        self.0.insert(status, class);
    }

    /// True when nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(CommandStatus, StatusClass)> for StatusClasses {
    fn from_iter<I: IntoIterator<Item = (CommandStatus, StatusClass)>>(classes: I) -> Self {
        Self(classes.into_iter().collect())
    }
}

impl<'de> Deserialize<'de> for StatusClasses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(deserializer).map(Self)
    }
}

/// Declares the statuses: constant, value, class, meaning.
macro_rules! statuses {
    ($( $constant:ident = $value:literal, $class:ident, $meaning:literal; )*) => {
        impl CommandStatus {
            $( #[doc = concat!($meaning, ".")] pub const $constant: Self = Self($value); )*

            /// Every status of 3.4 and 5.0, by value.
            pub const ALL: &'static [Self] = &[$( Self::$constant ),*];

            /// The name of 3.4 where it has the value, else that of 5.0; none for reserved and vendor values.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $( $value => Some(stringify!($constant)), )*
                    _ => None,
                }
            }

            /// What the status says, in a few words.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self.0 {
                    $( $value => $meaning, )*
                    0x0000_0400..=0x0000_04FF => "Vendor status",
                    _ => "Reserved status",
                }
            }

            /// What the status asks of the sender; values without a row are permanent.
            #[must_use]
            pub const fn class(self) -> StatusClass {
                match self.0 {
                    $( $value => StatusClass::$class, )*
                    _ => StatusClass::Permanent,
                }
            }
        }
    };
}

/// The result that a response carries; zero in requests (3.4 section 5.1.3).
#[derive(Clone, Copy, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CommandStatus(u32);

impl CommandStatus {
    /// Wraps a value of the wire.
    #[must_use]
    pub const fn new(value: u32) -> Self {
        Self(value)
    }

    /// The value on the wire.
    #[must_use]
    pub const fn value(self) -> u32 {
        self.0
    }

    /// True for [`CommandStatus::ESME_ROK`].
    #[must_use]
    pub const fn is_ok(self) -> bool {
        self.0 == 0
    }

    /// True for the values that 3.4 leaves to the makers of message centres (0x400 to 0x4FF).
    #[must_use]
    pub const fn is_vendor(self) -> bool {
        matches!(self.0, 0x0000_0400..=0x0000_04FF)
    }

    /// The status of a name such as `ESME_RTHROTTLED`; 5.0's other names for the TLV statuses count too.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name = match name {
            "ESME_RINVTLVSTREAM" => "ESME_RINVOPTPARSTREAM",
            "ESME_RTLVNOTALLWD" => "ESME_ROPTPARNOTALLWD",
            "ESME_RINVTLVLEN" => "ESME_RINVPARLEN",
            "ESME_RMISSINGTLV" => "ESME_RMISSINGOPTPARAM",
            "ESME_RINVTLVVAL" => "ESME_RINVOPTPARAMVAL",
            other => other,
        };
        Self::ALL
            .iter()
            .copied()
            .find(|status| status.name() == Some(name))
    }
}

code_point_traits!(CommandStatus(u32));

statuses! {
ESME_ROK = 0x0000_0000, Ok, "Success";
ESME_RINVMSGLEN = 0x0000_0001, Permanent, "sm_length / message_payload length not acceptable";
ESME_RINVCMDLEN = 0x0000_0002, Permanent, "command_length not acceptable for this PDU";
ESME_RINVCMDID = 0x0000_0003, Permanent, "command_id unknown or not supported";
ESME_RINVBNDSTS = 0x0000_0004, Session, "PDU not allowed in the current session state";
ESME_RALYBND = 0x0000_0005, BindRetry, "Bind on a session (or account) that is already bound";
ESME_RINVPRTFLG = 0x0000_0006, Permanent, "priority_flag not valid";
ESME_RINVREGDLVFLG = 0x0000_0007, Permanent, "registered_delivery not valid or disabled by operator";
ESME_RSYSERR = 0x0000_0008, Retryable, "Peer internal failure / part of the peer unavailable";
ESME_RINVSRCADR = 0x0000_000A, Permanent, "source_addr not valid";
ESME_RINVDSTADR = 0x0000_000B, Permanent, "destination_addr not valid";
ESME_RINVMSGID = 0x0000_000C, Permanent, "message_id unknown or not valid";
ESME_RBINDFAIL = 0x0000_000D, BindFatal, "Generic bind refusal (provisioning, credentials, limits)";
ESME_RINVPASWD = 0x0000_000E, BindFatal, "password field not valid";
ESME_RINVSYSID = 0x0000_000F, BindFatal, "system_id field not valid";
ESME_RCANCELFAIL = 0x0000_0011, Permanent, "cancel_sm failed";
ESME_RREPLACEFAIL = 0x0000_0013, Permanent, "replace_sm failed";
ESME_RMSGQFUL = 0x0000_0014, QueueFull, "Queue full (per destination or whole peer)";
ESME_RINVSERTYP = 0x0000_0015, Permanent, "service_type not valid";
ESME_RINVNUMDESTS = 0x0000_0033, Permanent, "number_of_dests not valid";
ESME_RINVDLNAME = 0x0000_0034, Permanent, "dl_name not valid or unknown";
ESME_RINVDESTFLAG = 0x0000_0040, Permanent, "dest_flag not valid (submit_multi)";
ESME_RINVSUBREP = 0x0000_0042, Permanent, "Submit-with-replace not supported / not permitted";
ESME_RINVESMCLASS = 0x0000_0043, Permanent, "esm_class not valid";
ESME_RCNTSUBDL = 0x0000_0044, Permanent, "Distribution lists not supported / denied";
ESME_RSUBMITFAIL = 0x0000_0045, Retryable, "Generic submit failure (submit_sm, data_sm, submit_multi)";
ESME_RINVSRCTON = 0x0000_0048, Permanent, "source_addr_ton not valid";
ESME_RINVSRCNPI = 0x0000_0049, Permanent, "source_addr_npi not valid";
ESME_RINVDSTTON = 0x0000_0050, Permanent, "dest_addr_ton not valid";
ESME_RINVDSTNPI = 0x0000_0051, Permanent, "dest_addr_npi not valid";
ESME_RINVSYSTYP = 0x0000_0053, BindFatal, "system_type not valid";
ESME_RINVREPFLAG = 0x0000_0054, Permanent, "replace_if_present_flag not valid";
ESME_RINVNUMMSGS = 0x0000_0055, Permanent, "Number of messages not valid";
ESME_RTHROTTLED = 0x0000_0058, Throttle, "Sender is over its allowed rate";
ESME_RINVSCHED = 0x0000_0061, Permanent, "schedule_delivery_time not valid";
ESME_RINVEXPIRY = 0x0000_0062, Permanent, "validity_period not valid";
ESME_RINVDFTMSGID = 0x0000_0063, Permanent, "sm_default_msg_id not valid or unknown";
ESME_RX_T_APPN = 0x0000_0064, Retryable, "Receiving ESME: temporary problem, send again later";
ESME_RX_P_APPN = 0x0000_0065, Permanent, "Receiving ESME: permanent problem for this destination (drop all queued to it)";
ESME_RX_R_APPN = 0x0000_0066, Permanent, "Receiving ESME: this message rejected, others unaffected";
ESME_RQUERYFAIL = 0x0000_0067, Permanent, "query_sm failed";
ESME_RINVOPTPARSTREAM = 0x0000_00C0, Permanent, "TLV area cannot be walked (1-3 left-over octets, or a TLV length past the end)";
ESME_ROPTPARNOTALLWD = 0x0000_00C1, Permanent, "TLV used where it is not allowed";
ESME_RINVPARLEN = 0x0000_00C2, Permanent, "TLV / parameter length not valid";
ESME_RMISSINGOPTPARAM = 0x0000_00C3, Permanent, "A required TLV is missing";
ESME_RINVOPTPARAMVAL = 0x0000_00C4, Permanent, "TLV content not valid";
ESME_RDELIVERYFAILURE = 0x0000_00FE, Retryable, "Transaction-mode delivery failed (read delivery_failure_reason)";
ESME_RUNKNOWNERR = 0x0000_00FF, Retryable, "Unexpected failure";
ESME_RSERTYPUNAUTH = 0x0000_0100, Permanent, "Sender may not use this service_type";
ESME_RPROHIBITED = 0x0000_0101, Permanent, "Sender may not use this operation";
ESME_RSERTYPUNAVAIL = 0x0000_0102, Retryable, "This service_type is out of service now";
ESME_RSERTYPDENIED = 0x0000_0103, Permanent, "This service_type refused for this content";
ESME_RINVDCS = 0x0000_0104, Permanent, "data_coding not valid or unsupported";
ESME_RINVSRCADDRSUBUNIT = 0x0000_0105, Permanent, "source_addr_subunit not valid";
ESME_RINVDSTADDRSUBUNIT = 0x0000_0106, Permanent, "dest_addr_subunit not valid";
ESME_RINVBCASTFREQINT = 0x0000_0107, Permanent, "broadcast_frequency_interval not valid";
ESME_RINVBCASTALIAS_NAME = 0x0000_0108, Permanent, "Broadcast area alias name not valid";
ESME_RINVBCASTAREAFMT = 0x0000_0109, Permanent, "Broadcast area format not valid";
ESME_RINVNUMBCAST_AREAS = 0x0000_010A, Permanent, "Number of broadcast areas not valid";
ESME_RINVBCASTCNTTYPE = 0x0000_010B, Permanent, "broadcast_content_type not valid";
ESME_RINVBCASTMSGCLASS = 0x0000_010C, Permanent, "broadcast_message_class not valid";
ESME_RBCASTFAIL = 0x0000_010D, Retryable, "broadcast_sm failed";
ESME_RBCASTQUERYFAIL = 0x0000_010E, Permanent, "query_broadcast_sm failed";
ESME_RBCASTCANCELFAIL = 0x0000_010F, Permanent, "cancel_broadcast_sm failed";
ESME_RINVBCAST_REP = 0x0000_0110, Permanent, "broadcast_rep_num not valid";
ESME_RINVBCASTSRVGRP = 0x0000_0111, Permanent, "broadcast_service_group not valid";
ESME_RINVBCASTCHANIND = 0x0000_0112, Permanent, "broadcast_channel_indicator not valid";}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_have_names_classes_and_meanings() {
        let cases = [
            (0x00, Some("ESME_ROK"), StatusClass::Ok, "Success"),
            (
                0x05,
                Some("ESME_RALYBND"),
                StatusClass::BindRetry,
                "Bind on a session (or account) that is already bound",
            ),
            (
                0x58,
                Some("ESME_RTHROTTLED"),
                StatusClass::Throttle,
                "Sender is over its allowed rate",
            ),
            (
                0x104,
                Some("ESME_RINVDCS"),
                StatusClass::Permanent,
                "data_coding not valid or unsupported",
            ),
            (0x410, None, StatusClass::Permanent, "Vendor status"),
            (0x22, None, StatusClass::Permanent, "Reserved status"),
        ];
        for (value, name, class, meaning) in cases {
            let status = CommandStatus::new(value);
            assert_eq!(
                (status.name(), status.class(), status.meaning()),
                (name, class, meaning),
                "{value:#x}"
            );
            assert_eq!(name.and_then(CommandStatus::from_name), name.map(|_| status));
        }
        assert_eq!(CommandStatus::new(0x410).to_string(), "0x00000410");
        assert_eq!(
            CommandStatus::from_name("ESME_RINVTLVLEN"),
            Some(CommandStatus::ESME_RINVPARLEN)
        );
    }

    #[test]
    fn a_bind_gives_statuses_other_classes() {
        let text = "'0x0410' = 'throttle'\nESME_RINVSRCADR = 'retryable'\n69 = 'bind-fatal'";
        let classes: StatusClasses = toml::from_str(text).unwrap();
        assert_eq!(classes.class(CommandStatus::new(0x410)), StatusClass::Throttle);
        assert_eq!(
            classes.class(CommandStatus::ESME_RINVSRCADR),
            StatusClass::Retryable
        );
        assert_eq!(
            classes.class(CommandStatus::ESME_RSUBMITFAIL),
            StatusClass::BindFatal
        );
        assert_eq!(
            classes.class(CommandStatus::ESME_RTHROTTLED),
            StatusClass::Throttle
        );
    }
}
