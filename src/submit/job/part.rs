//! The parts of a message: how far each has come, and what they come to.

use std::time::Duration;

use crate::pdu::{Pdu, SequenceNumber};
use crate::submit::{BindId, MessageIds, SubmitError, SubmitResult, Submitted, UnknownCause};

pub(super) struct Part {
    pub(super) pdu: Pdu,
    pub(super) state: PartState,
    /// How often it was sent again although it may have been taken.
    pub(super) resends: u8,
    /// How often the SMSC could not take it.
    pub(super) refusals: u8,
    /// `Unknown`, where it is sent again although it may have been taken: only an acceptance settles that.
    pub(super) doubt: Option<Box<SubmitError>>,
}

pub(super) enum PartState {
    Waiting,
    Written { bind: BindId, sequence: SequenceNumber },
    Done(SubmitResult),
}

impl Part {
    pub(super) const fn new(pdu: Pdu) -> Self {
        Self {
            pdu,
            state: PartState::Waiting,
            resends: 0,
            refusals: 0,
            doubt: None,
        }
    }

    pub(super) const fn is_done(&self) -> bool {
        matches!(self.state, PartState::Done(_))
    }

    /// How it ended; what has not ended is over now: written as `Unknown` for `cause`, the rest as `error`.
    pub(super) fn take_result(&mut self, error: &SubmitError, cause: UnknownCause) -> SubmitResult {
        let error = match std::mem::replace(&mut self.state, PartState::Waiting) {
            PartState::Done(Ok(submitted)) => return Ok(submitted),
            PartState::Done(Err(error)) => error,
            PartState::Waiting => error.clone(),
            PartState::Written { bind, sequence } => SubmitError::Unknown {
                bind,
                sequence,
                cause,
            },
        };
        // Whatever became of a later attempt, an earlier one may have been taken.
        match self.doubt.take() {
            Some(doubt) if !matches!(error, SubmitError::Unknown { .. }) => Err(*doubt),
            _ => Err(error),
        }
    }
}

/// The outcome of a message whose parts ended so.
pub(super) fn merge(parts: Vec<SubmitResult>) -> SubmitResult {
    if parts.iter().all(Result::is_ok) {
        let last = parts.iter().flatten().last();
        let (bind, after) = last.map_or((BindId::new(""), Duration::ZERO), |last| {
            (last.bind.clone(), last.after)
        });
        let ids = parts.iter().flatten().map(|part| part.message_id().clone());
        return Ok(Submitted::new(MessageIds::Many(ids.collect()), bind, after));
    }
    let kind = std::mem::discriminant::<SubmitError>;
    let mut errors = parts.iter().filter_map(|part| part.as_ref().err());
    match errors.next() {
        Some(first) if parts.iter().all(Result::is_err) && errors.all(|error| kind(error) == kind(first)) => {
            Err(first.clone())
        }
        // Parts that never left, for different reasons: the first of them says it.
        Some(first) if !parts.iter().any(is_written) => Err(first.clone()),
        _ => Err(SubmitError::Partial {
            parts: parts.into_boxed_slice(),
        }),
    }
}

const fn is_written(result: &SubmitResult) -> bool {
    matches!(
        result,
        Ok(_) | Err(SubmitError::Rejected { .. } | SubmitError::Unknown { .. })
    )
}
