//! What the values of fields say, for people.

use super::time::SmppTime;
use super::{
    CommandStatus, DataCoding, DataCodingGroup, EsmClass, FieldValue, InterfaceVersion, MessageState,
    MessageType, Npi, RegisteredDelivery, Ton,
};

/// The meaning of the value of a mandatory field; none where the value speaks for itself.
///
/// ```
/// use bindery::pdu::{FieldValue, meaning};
///
/// let said = meaning("esm_class", &FieldValue::Integer(0x44));
/// assert_eq!(said.as_deref(), Some("default mode, receipt, user data header"));
/// ```
#[must_use]
pub fn meaning(field: &str, value: &FieldValue<'_>) -> Option<String> {
    match value {
        FieldValue::Integer(value) => match u8::try_from(*value) {
            Ok(octet) => octet_meaning(field, octet),
            Err(_) => status_meaning(field, *value),
        }
        .or_else(|| status_meaning(field, *value)),
        FieldValue::Text(text) => time_meaning(field, text),
        FieldValue::Octets(_) | FieldValue::List(_) => None,
    }
}

fn octet_meaning(field: &str, value: u8) -> Option<String> {
    match field {
        "source_addr_ton" | "dest_addr_ton" | "esme_addr_ton" | "addr_ton" => named(Ton::new(value).name()),
        "source_addr_npi" | "dest_addr_npi" | "esme_addr_npi" | "addr_npi" => named(Npi::new(value).name()),
        "interface_version" => named(InterfaceVersion::new(value).name()),
        "message_state" => named(MessageState::new(value).name()),
        "data_coding" => Some(data_coding_meaning(DataCoding::new(value))),
        "esm_class" => Some(esm_class_meaning(EsmClass::new(value))),
        "registered_delivery" => Some(registered_delivery_meaning(RegisteredDelivery::new(value))),
        "dest_flag" => match value {
            1 => Some("number".to_owned()),
            2 => Some("distribution list".to_owned()),
            _ => None,
        },
        "replace_if_present_flag" if value == 1 => Some("replace".to_owned()),
        _ => None,
    }
}

/// The name of a constant in words; reserved values say so.
fn named(name: Option<&'static str>) -> Option<String> {
    Some(name.map_or_else(
        || "reserved".to_owned(),
        |name| name.to_lowercase().replace('_', " "),
    ))
}

fn status_meaning(field: &str, value: u32) -> Option<String> {
    (field == "error_status_code").then(|| {
        let status = CommandStatus::new(value);
        format!("{status}: {}", status.meaning())
    })
}

fn data_coding_meaning(data_coding: DataCoding) -> String {
    match data_coding.group() {
        DataCodingGroup::Alphabet => named(data_coding.name()).unwrap_or_default(),
        DataCodingGroup::WaitingDiscard => "message waiting, discard".to_owned(),
        DataCodingGroup::WaitingStore => "message waiting, store".to_owned(),
        DataCodingGroup::MessageClass => {
            let bits = if data_coding.value() & 0x04 == 0 { 7 } else { 8 };
            format!("message class {}, {bits}-bit", data_coding.value() & 0x03)
        }
        DataCodingGroup::Reserved => "reserved".to_owned(),
    }
}

fn esm_class_meaning(esm_class: EsmClass) -> String {
    let mode = [
        "default mode",
        "datagram mode",
        "forward mode",
        "store and forward mode",
    ];
    let mut said = vec![
        mode.get(usize::from(esm_class.mode()))
            .copied()
            .unwrap_or_default(),
    ];
    said.push(match esm_class.message_type() {
        MessageType::Normal => "normal message",
        MessageType::Receipt => "receipt",
        MessageType::DeliveryAcknowledgement => "delivery acknowledgement",
        MessageType::UserAcknowledgement => "user acknowledgement",
        MessageType::ConversationAbort => "conversation abort",
        MessageType::Intermediate => "intermediate notification",
        MessageType::Reserved(_) => "reserved type",
    });
    if esm_class.has_udh() {
        said.push("user data header");
    }
    if esm_class.has_reply_path() {
        said.push("reply path");
    }
    said.join(", ")
}

fn registered_delivery_meaning(registered: RegisteredDelivery) -> String {
    let receipt = match (registered.wants_success(), registered.wants_failure()) {
        (false, false) => "no receipt",
        (true, true) => "receipt",
        (false, true) => "receipt of failure",
        (true, false) => "receipt of success",
    };
    let further = [
        (
            registered.has(RegisteredDelivery::DELIVERY_ACKNOWLEDGEMENT),
            "delivery acknowledgement",
        ),
        (
            registered.has(RegisteredDelivery::USER_ACKNOWLEDGEMENT),
            "user acknowledgement",
        ),
        (
            registered.has(RegisteredDelivery::INTERMEDIATE),
            "intermediate notifications",
        ),
    ];
    let further = further
        .into_iter()
        .filter_map(|(is_set, said)| is_set.then_some(said));
    std::iter::once(receipt)
        .chain(further)
        .collect::<Vec<_>>()
        .join(", ")
}

fn time_meaning(field: &str, text: &[u8]) -> Option<String> {
    if !matches!(field, "schedule_delivery_time" | "validity_period" | "final_date") || text.is_empty() {
        return None;
    }
    Some(match SmppTime::parse(text) {
        Ok(SmppTime::Absolute(time)) => time.to_readable(),
        Ok(SmppTime::Relative(time)) => time.to_readable(),
        Err(error) => format!("no time: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_said_in_words() {
        let cases: &[(&str, FieldValue<'_>, Option<&str>)] = &[
            ("source_addr_ton", FieldValue::Integer(5), Some("alphanumeric")),
            ("source_addr_ton", FieldValue::Integer(9), Some("reserved")),
            ("dest_addr_npi", FieldValue::Integer(1), Some("isdn")),
            ("interface_version", FieldValue::Integer(0x34), Some("v3 4")),
            (
                "esm_class",
                FieldValue::Integer(0xC3),
                Some("store and forward mode, normal message, user data header, reply path"),
            ),
            (
                "registered_delivery",
                FieldValue::Integer(0x11),
                Some("receipt, intermediate notifications"),
            ),
            (
                "registered_delivery",
                FieldValue::Integer(0x0E),
                Some("receipt of failure, delivery acknowledgement, user acknowledgement"),
            ),
            ("data_coding", FieldValue::Integer(8), Some("ucs2")),
            (
                "data_coding",
                FieldValue::Integer(0xF4),
                Some("message class 0, 8-bit"),
            ),
            ("data_coding", FieldValue::Integer(0x77), Some("reserved")),
            ("message_state", FieldValue::Integer(2), Some("delivered")),
            (
                "error_status_code",
                FieldValue::Integer(0x0B),
                Some("ESME_RINVDSTADR: destination_addr not valid"),
            ),
            (
                "validity_period",
                FieldValue::Text(b"000002000000000R"[..].into()),
                Some("2 days from now"),
            ),
            (
                "final_date",
                FieldValue::Text(b"261122165700004+"[..].into()),
                Some("2026-11-22 16:57:00.0 +01:00"),
            ),
            (
                "final_date",
                FieldValue::Text(b"261122165700"[..].into()),
                Some("no time: 12 characters where 16 belong"),
            ),
            ("validity_period", FieldValue::Text(b""[..].into()), None),
            ("protocol_id", FieldValue::Integer(0), None),
        ];
        for (field, value, expected) in cases {
            assert_eq!(meaning(field, value).as_deref(), *expected, "{field} {value}");
        }
    }
}
