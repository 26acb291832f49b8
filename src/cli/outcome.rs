//! How the outcome of a message and its receipt are shown.

use serde_json::{Map, Value, json};

use crate::events::ReceiptEvent;
use crate::submit::{SubmitError, SubmitResult};

/// The outcome as JSON: `outcome` names it, the other keys say more.
pub(super) fn outcome_json(result: &SubmitResult) -> Map<String, Value> {
    let value = match result {
        Ok(submitted) => json!({
            "outcome": "submitted",
            "message_ids": submitted.message_ids.iter().map(|id| id.to_text().into_owned()).collect::<Vec<_>>(),
            "bind": submitted.bind.as_str(),
            "after_ms": u64::try_from(submitted.after.as_millis()).unwrap_or(u64::MAX),
        }),
        Err(error) => {
            let mut value = json!({
                "outcome": name(error),
                "error": error.to_string(),
                "safe_to_resend": error.is_safe_to_resend(),
            });
            match error {
                SubmitError::Rejected { status, bind } => {
                    value["command_status"] = status.value().into();
                    value["status_name"] = status.name().into();
                    value["bind"] = bind.as_str().into();
                }
                SubmitError::Unknown { bind, sequence, .. } => {
                    value["bind"] = bind.as_str().into();
                    value["sequence_number"] = sequence.value().into();
                }
                SubmitError::Partial { parts } => {
                    value["parts"] = parts.iter().map(outcome_json).map(Value::Object).collect();
                }
                _ => {}
            }
            value
        }
    };
    object(value)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// One lower-case word for each outcome.
pub(super) const fn name(error: &SubmitError) -> &'static str {
    match error {
        SubmitError::Partial { .. } => "partial",
        SubmitError::Rejected { .. } => "rejected",
        SubmitError::NotSent { .. } => "not_sent",
        SubmitError::Unknown { .. } => "unknown",
        SubmitError::Expired => "expired",
        SubmitError::Cancelled => "cancelled",
        SubmitError::Busy => "busy",
        SubmitError::NoRoute => "no_route",
        SubmitError::Invalid { .. } => "invalid",
        SubmitError::ShuttingDown => "shutting_down",
    }
}

/// Parts that were accepted: each owes a receipt if one was asked for.
pub(super) fn accepted_parts(result: &SubmitResult) -> u64 {
    match result {
        Ok(submitted) => submitted.message_ids.len() as u64,
        Err(SubmitError::Partial { parts }) => parts.iter().map(accepted_parts).sum(),
        Err(_) => 0,
    }
}

/// A receipt as JSON.
pub(super) fn receipt_json(event: &ReceiptEvent) -> Map<String, Value> {
    let receipt = event.receipt.as_ref();
    object(json!({
        "message_id": receipt.and_then(|receipt| receipt.message_id()),
        "stat": receipt.and_then(|receipt| receipt.stat.as_deref()),
        "message_state": receipt.and_then(|receipt| receipt.state()).map(|state| state.value()),
        "err": receipt.and_then(|receipt| receipt.err.as_deref()),
        "part": event.message.as_ref().and_then(|message| message.part),
        "bind": event.bind.as_ref().map(|bind| bind.as_str()),
    }))
}
