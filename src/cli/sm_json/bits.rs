//! `pack`, `unpack`, `udh`.

use serde_json::{Map, Value, json};

use super::request::{Request, missing};
use super::{Problem, object};
use crate::cli::hex;
use crate::sm::gsm7::{pack, packed_septets, unpack};
use crate::sm::{Element, Padding, PartInfo, Udh, UdhError};

/// Most fill bits that make sense: a header of 256 octets.
const MOST_FILL_BITS: u64 = 2048;

/// Septets, one in each octet, to packed octets.
pub(super) fn pack_septets(request: &Request) -> Result<Map<String, Value>, Problem> {
    let septets = request.required_octets("hex")?;
    if let Some(position) = septets.iter().position(|septet| *septet > 0x7F) {
        let message = format!("the octet at {position} is above 0x7F, so it is no septet");
        return Err(Problem::new("value", message).with("position", position));
    }
    let packed = pack(&septets, fill_bits(request)?, request.padding(Padding::Zero)?);
    Ok(object([("hex", hex::print(&packed).into())]))
}

/// Packed octets to septets: as many as `septets` says, else all; without a count and with `padding` `cr` a
/// carriage return that is padding is dropped.
pub(super) fn unpack_septets(request: &Request) -> Result<Map<String, Value>, Problem> {
    let octets = request.required_octets("hex")?;
    let fill = fill_bits(request)?;
    let count = request
        .number("septets")?
        .and_then(|count| usize::try_from(count).ok());
    let available = packed_septets(octets.len(), fill);
    if let Some(count) = count.filter(|count| *count > available) {
        let message = format!("{count} septets are wanted, {available} are there");
        return Err(Problem::new("too_short", message).with("available", available));
    }
    let septets = unpack(&octets, fill, count, request.padding(Padding::Zero)?);
    Ok(object([("hex", hex::print(&septets).into())]))
}

/// A user data header and what follows it. A damaged one gives the elements before the damage.
pub(super) fn udh(request: &Request) -> Result<Map<String, Value>, Problem> {
    let octets = request.required_octets("hex")?;
    let (header, damage) = match Udh::split(&octets) {
        Ok((header, _)) => (header, None),
        Err(error) => (Udh::readable(&octets), Some(error)),
    };
    let (udh, rest) = octets.split_at_checked(header.octets()).unwrap_or((&octets, &[]));
    let mut answer = object([
        ("elements", elements(header)),
        ("rest", hex::print(rest).into()),
        ("udh", hex::print(udh).into()),
    ]);
    if let Some(PartInfo {
        reference,
        total,
        sequence,
        ..
    }) = header.part()
    {
        answer.insert(
            "concat".into(),
            json!({"ref": reference, "total": total, "seq": sequence}),
        );
    }
    if let Some(ports) = header.ports() {
        answer.insert(
            "ports".into(),
            json!({"destination": ports.destination, "source": ports.source}),
        );
    }
    if let Some(error) = damage {
        answer.insert("error".into(), Problem::from(error).to_json());
    }
    Ok(answer)
}

/// The elements of a header as a list of `id` and `hex`.
pub(super) fn elements(header: Udh<'_>) -> Value {
    header
        .raw_elements()
        .map(|(id, data)| json!({"id": format!("{id:02x}"), "hex": hex::print(data)}))
        .collect()
}

/// Such a list as the octets of elements.
pub(super) fn written_elements(elements: &[Value]) -> Result<Vec<u8>, Problem> {
    let mut out = Vec::new();
    for element in elements {
        let element = Request::of(element)?;
        let id = element.required_octets("id")?;
        let &[id] = id.as_slice() else {
            return Err(missing("id"));
        };
        let data = element.required_octets("hex")?;
        if data.len() > 255 {
            return Err(Problem::new(
                "range",
                format!("an element of {} octets, at most 255", data.len()),
            ));
        }
        Element::Other { id, data: &data }.write(&mut out);
    }
    Ok(out)
}

fn fill_bits(request: &Request) -> Result<usize, Problem> {
    let fill = request
        .number_up_to("fill_bits", MOST_FILL_BITS)?
        .unwrap_or_default();
    Ok(usize::try_from(fill).unwrap_or_default())
}

impl From<UdhError> for Problem {
    fn from(error: UdhError) -> Self {
        Self::new("udh", error.to_string())
    }
}
