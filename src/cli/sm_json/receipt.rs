//! `receipt`.

use serde_json::{Map, Value, json};

use super::request::Request;
use super::{Problem, object};
use crate::cli::hex;
use crate::pdu::TlvTag;
use crate::sm::receipt::{is_final, word_of};
use crate::sm::{MessageSource, Receipt, ReceiptDate};

/// What a receipt says: its fields as they stand in the text, its dates, and what text and TLVs say together.
pub(super) fn receipt(request: &Request) -> Result<Map<String, Value>, Problem> {
    let tlvs = request.tlvs()?;
    let octets = request.octets("short_message_hex")?;
    let source = MessageSource {
        esm_class: request.esm_class()?,
        data_coding: request.data_coding()?,
        short_message: octets.as_deref().unwrap_or_default(),
        tlvs: tlvs.view(),
        default_alphabet: request.default_alphabet()?,
    };
    let mut receipt = Receipt::read(&source);
    if source.user_data().is_empty()
        && let Some(text) = request.text("text")?
    {
        receipt = receipt.with_text(text);
    }
    let state = receipt.state();
    let text = |field: &Option<_>| -> Value { field.as_deref().map_or(Value::Null, Value::from) };
    let iso = |date: Option<ReceiptDate>| date.map_or(Value::Null, |date| date.to_string().into());
    let stat = receipt.message_state.map(word_of).or(receipt.stat.as_deref());
    let mut answer = object([
        ("id", text(&receipt.id)),
        ("sub", text(&receipt.sub)),
        ("dlvrd", text(&receipt.dlvrd)),
        ("submit_date", text(&receipt.submit_date)),
        ("done_date", text(&receipt.done_date)),
        ("stat", text(&receipt.stat)),
        ("err", text(&receipt.err)),
        ("text", text(&receipt.text)),
        (
            "message_state",
            state.map_or(Value::Null, |state| state.value().into()),
        ),
        ("final", state.map_or(Value::Null, |state| is_final(state).into())),
        ("submit_date_iso", iso(receipt.submitted())),
        ("done_date_iso", iso(receipt.done())),
        ("combined", json!({"id": receipt.message_id(), "stat": stat})),
    ]);
    if let Some(id) = &receipt.receipted_message_id {
        answer.insert("receipted_message_id".into(), (&**id).into());
    }
    if let Some(code) = tlvs.find(TlvTag::NETWORK_ERROR_CODE) {
        answer.insert("network_error_code".into(), hex::print(code).into());
    }
    Ok(answer)
}
