//! Messages as a log may show them: neither texts nor addresses unless [`telemetry`] shows them.

use std::fmt;

use super::{Address, Content, Parties, Text};
use crate::telemetry;

/// The source and the destination of a request, which may have more of both; the rest of it is not shown.
impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => text.fmt(f),
            Self::Pdu(pdu) => {
                let parties = Parties::of(pdu);
                f.debug_struct(pdu.command_id().name().unwrap_or("pdu"))
                    .field("source", &telemetry::Address(&parties.source))
                    .field("destination", &telemetry::Address(&parties.destination))
                    .finish_non_exhaustive()
            }
        }
    }
}

/// Of its TLVs the tags: a value may be a text too.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tags: Vec<_> = self.tlvs.iter().map(|(tag, _)| tag).collect();
        f.debug_struct("Text")
            .field("source", &self.source)
            .field("destination", &self.destination)
            .field("text", &telemetry::Text(&self.text))
            .field("registered_delivery", &self.registered_delivery)
            .field("options", &self.options)
            .field("tlvs", &tags)
            .finish()
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address")
            .field("text", &telemetry::Address(&self.text))
            .field("ton", &self.ton)
            .field("npi", &self.npi)
            .finish()
    }
}

impl fmt::Debug for Parties<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parties")
            .field("source", &telemetry::Address(&self.source))
            .field("destination", &telemetry::Address(&self.destination))
            .finish()
    }
}
