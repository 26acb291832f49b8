//! Random PDUs, from the tables alone: a new row is generated without a change here.

use std::borrow::Cow;

use bindery::pdu::{
    CommandId, DataCoding, Field, FieldForm, FieldValue, Npi, Pdu, TlvKind, TlvShape, TlvTag, Ton,
};
use proptest::collection::vec;
use proptest::prelude::*;

type Value = FieldValue<'static>;

/// Any PDU of the table whose fields and TLVs keep to the standard.
pub(crate) fn any_pdu() -> impl Strategy<Value = Pdu> {
    proptest::sample::select(CommandId::ALL).prop_flat_map(pdu)
}

/// One kind of PDU.
pub(crate) fn pdu(command_id: CommandId) -> impl Strategy<Value = Pdu> {
    let fields: Vec<_> = command_id
        .fields()
        .iter()
        .map(|row| value(row.name, row.form))
        .collect();
    (fields, vec(any_tlv(), 0..4)).prop_map(move |(values, tlvs)| {
        let mut pdu = Pdu::empty(command_id).unwrap();
        for (row, value) in command_id.fields().iter().zip(values) {
            pdu.set(row.name, &value).unwrap();
        }
        for (tag, value) in tlvs {
            pdu.tlvs_mut().push_raw(tag, &value).unwrap();
        }
        pdu
    })
}

fn value(name: &'static str, form: FieldForm) -> BoxedStrategy<Value> {
    match form {
        FieldForm::Integer(1) => any::<u8>()
            .prop_filter("reserved", move |value| !is_reserved(name, *value))
            .prop_map(|value| FieldValue::Integer(value.into()))
            .boxed(),
        FieldForm::Integer(_) => any::<u32>().prop_map(FieldValue::Integer).boxed(),
        FieldForm::Text(max) => text(max).boxed(),
        FieldForm::Time => time().boxed(),
        FieldForm::ShortMessage => vec(any::<u8>(), 0..=255).prop_map(octets).boxed(),
        FieldForm::DestAddresses => vec(dest_address(), 0..4).prop_map(FieldValue::List).boxed(),
        FieldForm::UnsuccessSmes => vec(unsuccess_sme(), 0..4).prop_map(FieldValue::List).boxed(),
        other => panic!("no values for {other:?}"),
    }
}

fn is_reserved(name: &str, value: u8) -> bool {
    match name {
        "data_coding" => DataCoding::new(value).is_reserved(),
        _ if name.ends_with("_ton") => Ton::new(value).is_reserved(),
        _ if name.ends_with("_npi") => Npi::new(value).is_reserved(),
        _ => false,
    }
}

fn octets(octets: Vec<u8>) -> Value {
    FieldValue::Octets(Cow::Owned(octets))
}

fn text(max: usize) -> impl Strategy<Value = Value> {
    vec(1_u8..=0x7F, 0..max).prop_map(|text| FieldValue::Text(Cow::Owned(text)))
}

/// Nothing, a point in time, or a span.
fn time() -> impl Strategy<Value = Value> {
    let date = (0..100_u8, 1..=12_u8, 1..=28_u8, 0..24_u8, 0..60_u8, 0..60_u8);
    let absolute = (
        date.clone(),
        0..10_u8,
        0..=48_u8,
        proptest::sample::select(&["+", "-"][..]),
    );
    let absolute = absolute.prop_map(
        |((year, month, day, hour, minute, second), tenths, quarters, sign)| {
            format!("{year:02}{month:02}{day:02}{hour:02}{minute:02}{second:02}{tenths}{quarters:02}{sign}")
        },
    );
    let relative = date.prop_map(|(year, month, day, hour, minute, second)| {
        format!("{year:02}{month:02}{day:02}{hour:02}{minute:02}{second:02}000R")
    });
    prop_oneof![Just(String::new()), absolute, relative]
        .prop_map(|text| FieldValue::Text(Cow::Owned(text.into_bytes())))
}

fn field(name: &'static str, value: Value) -> Field<'static> {
    Field {
        name,
        value,
        octets: 0,
    }
}

fn address() -> impl Strategy<Value = Vec<Field<'static>>> {
    let parts = (
        value("dest_addr_ton", FieldForm::Integer(1)),
        value("dest_addr_npi", FieldForm::Integer(1)),
        text(21),
    );
    parts.prop_map(|(ton, npi, address)| {
        vec![
            field("dest_addr_ton", ton),
            field("dest_addr_npi", npi),
            field("destination_addr", address),
        ]
    })
}

fn dest_address() -> impl Strategy<Value = Vec<Field<'static>>> {
    let number = address().prop_map(|mut fields| {
        fields.insert(0, field("dest_flag", FieldValue::Integer(1)));
        fields
    });
    let list =
        text(21).prop_map(|name| vec![field("dest_flag", FieldValue::Integer(2)), field("dl_name", name)]);
    prop_oneof![number, list]
}

fn unsuccess_sme() -> impl Strategy<Value = Vec<Field<'static>>> {
    (address(), any::<u32>()).prop_map(|(mut fields, status)| {
        fields.push(field("error_status_code", FieldValue::Integer(status)));
        fields
    })
}

/// A TLV of the standard with a value of its shape.
pub(crate) fn standard_tlv(tag: TlvTag) -> impl Strategy<Value = (TlvTag, Vec<u8>)> {
    let shape = tag.shape().unwrap();
    let TlvShape { kind, min, max, .. } = shape;
    let zeros = usize::from(kind == TlvKind::Text);
    // Text: any characters and the NUL, which counts.
    let value = vec(1_u8..=0x7F, min.saturating_sub(zeros)..=(max - zeros).min(300));
    value.prop_map(move |mut octets| {
        octets.resize(octets.len() + zeros, 0);
        if !shape.allows(octets.len()) {
            octets.truncate(min);
        }
        // A span goes with this behaviour alone (5.0 section 4.8.4.38), and this behaviour with a span.
        if tag == TlvTag::MS_VALIDITY {
            octets[0] = if octets.len() == max { 4 } else { octets[0] % 4 };
        }
        (tag, octets)
    })
}

/// A TLV of the standard, or one of a vendor.
fn any_tlv() -> impl Strategy<Value = (TlvTag, Vec<u8>)> {
    let standard = proptest::sample::select(TlvTag::ALL).prop_flat_map(standard_tlv);
    let vendor =
        (0x1400..=0x3FFF_u16, vec(any::<u8>(), 0..20)).prop_map(|(tag, value)| (TlvTag::new(tag), value));
    prop_oneof![4 => standard, 1 => vendor]
}
