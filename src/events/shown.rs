//! PDUs as a log may show them: no password, and neither addresses nor texts unless [`telemetry`] shows them.
//!
//! Fields go by their names, so that a PDU of a new row of the table needs nothing here.

use std::borrow::Cow;
use std::fmt;

use crate::pdu::{DecodeError, Field, FieldValue, Pdu, latin1};
use crate::telemetry::{Address, Text};

/// What a body says, as far as it may be shown.
pub(super) struct Shown<'a>(pub(super) &'a Pdu);

/// The same of one that may not be readable.
pub(super) struct ShownResult<'a, P>(pub(super) &'a Result<P, DecodeError>);

/// How many octets there are, instead of them.
pub(super) struct Octets<'a>(pub(super) &'a [u8]);

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = self.0.view();
        let name = body.command_id().name().unwrap_or("pdu");
        let mut out = f.debug_struct(name);
        for field in body.fields() {
            out.field(field.name, &ShownField(&field));
        }
        let tags: Vec<_> = self.0.tlvs().iter().map(|(tag, _)| tag).collect();
        if !tags.is_empty() {
            out.field("tlvs", &tags);
        }
        out.finish()
    }
}

impl<P: AsRef<Pdu>> fmt::Debug for ShownResult<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Ok(pdu) => Shown(pdu.as_ref()).fmt(f),
            Err(error) => error.fmt(f),
        }
    }
}

impl fmt::Debug for Octets<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} octets", self.0.len())
    }
}

struct ShownField<'a>(&'a Field<'a>);

impl fmt::Debug for ShownField<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Field { name, value, .. } = self.0;
        match value {
            FieldValue::Text(_) if *name == "password" => f.write_str("***"),
            FieldValue::Text(text) if name.ends_with("_addr") => Address(&latin1(text)).fmt(f),
            FieldValue::Octets(octets) => Text(&latin1(octets)).fmt(f),
            FieldValue::List(entries) => f
                .debug_list()
                .entries(entries.iter().map(|entry| ShownEntry(entry)))
                .finish(),
            value => fmt::Display::fmt(value, f),
        }
    }
}

struct ShownEntry<'a>(&'a [Field<'a>]);

impl fmt::Debug for ShownEntry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = self.0.iter().map(|field| (field.name, ShownField(field)));
        f.debug_map().entries(fields).finish()
    }
}

/// True when one of the texts with these names is right, entries of lists included.
pub(super) fn has_text(pdu: &Pdu, names: &[&str], is_right: impl Fn(&str) -> bool + Copy) -> bool {
    fn any(fields: &[Field<'_>], names: &[&str], is_right: impl Fn(&str) -> bool + Copy) -> bool {
        fields.iter().any(|field| match &field.value {
            FieldValue::Text(text) => names.contains(&field.name) && is_right(&latin1(text)),
            FieldValue::List(entries) => entries.iter().any(|entry| any(entry, names, is_right)),
            _ => false,
        })
    }
    any(&pdu.view().fields(), names, is_right)
}

/// The text of a receipt for the log.
pub(super) fn hidden(text: &str) -> Cow<'static, str> {
    Text(text).to_string().into()
}

/// An address of a receipt for the log.
pub(super) fn hidden_address(address: &str) -> Cow<'static, str> {
    Address(address).to_string().into()
}
