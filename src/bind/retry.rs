//! What happens to a request that the SMSC did not accept.

use std::time::Duration;

use crate::pdu::StatusClass;

/// A request that the SMSC could not take is tried this many times.
const ATTEMPTS: u8 = 5;

/// The wait before the second attempt; each further one waits that much longer.
const DELAY: Duration = Duration::from_secs(1);

/// What happens next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fate {
    /// It is over: this is its outcome.
    Rejected,
    /// It was too early: the message takes its old place. This uses up no attempt, only time.
    Returned,
    /// It is tried again after a while, behind what waits now.
    Delayed(Duration),
    /// The session is of no use: the message takes its old place, and a new session follows.
    Rebind,
}

/// Decides by the class of the status; `refusals` counts how often the part was refused before.
pub(super) fn fate(class: StatusClass, refusals: u8) -> Fate {
    match class {
        StatusClass::Throttle => Fate::Returned,
        // A full queue may be that of one destination: others go first.
        StatusClass::QueueFull | StatusClass::Retryable if refusals < ATTEMPTS - 1 => {
            Fate::Delayed(DELAY * u32::from(refusals + 1))
        }
        StatusClass::Session => Fate::Rebind,
        StatusClass::Ok
        | StatusClass::QueueFull
        | StatusClass::Retryable
        | StatusClass::Permanent
        | StatusClass::BindRetry
        | StatusClass::BindFatal => Fate::Rejected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdu::CommandStatus;

    #[test]
    fn the_class_of_a_status_decides() {
        let seconds = |seconds| Fate::Delayed(Duration::from_secs(seconds));
        let cases = [
            (CommandStatus::ESME_RTHROTTLED, 0, Fate::Returned),
            (CommandStatus::ESME_RTHROTTLED, 100, Fate::Returned),
            (CommandStatus::ESME_RMSGQFUL, 0, seconds(1)),
            (CommandStatus::ESME_RMSGQFUL, 3, seconds(4)),
            (CommandStatus::ESME_RMSGQFUL, 4, Fate::Rejected),
            (CommandStatus::ESME_RSYSERR, 0, seconds(1)),
            (CommandStatus::ESME_RSUBMITFAIL, 1, seconds(2)),
            (CommandStatus::ESME_RINVDSTADR, 0, Fate::Rejected),
            (CommandStatus::ESME_RINVBNDSTS, 0, Fate::Rebind),
            (CommandStatus::ESME_RINVSYSID, 0, Fate::Rejected),
            (CommandStatus::new(0x410), 0, Fate::Rejected),
        ];
        for (status, refusals, expected) in cases {
            assert_eq!(
                fate(status.class(), refusals),
                expected,
                "{status} after {refusals}"
            );
        }
    }
}
