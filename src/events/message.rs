//! Messages from phones, put together from what the SMSC delivers.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::{Answer, Covered, Delivery, DeliveryKind};
use crate::pdu::{DataCoding, TlvsView, tlv};
use crate::sm::{Alphabet, Joined, Ports, Reading, StoredPart, TextFaults, Udh};
use crate::submit::{AccountId, BindId};
use crate::telemetry::Text;

/// What a part takes besides its frame, about.
const PART: usize = 512;

/// A message from a phone: one delivery, or the parts of a long one put together.
///
/// What its parts have in common is told by the first that is there.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct InboundMessage {
    /// The account on whose binds it came.
    pub account: AccountId,
    /// The bind on which its last part came.
    pub bind: BindId,
    /// Its parts in order; none where one has not come in time.
    pub parts: Vec<Option<Arc<Delivery>>>,
    /// What it says, as far as its parts are there; none where its data_coding is that of no text.
    pub text: Option<String>,
    /// What was wrong with its characters.
    pub faults: TextFaults,
    first: Arc<Delivery>,
}

impl InboundMessage {
    /// A message of one delivery.
    #[must_use]
    pub fn single(delivery: Arc<Delivery>) -> Self {
        let content = delivery.content().content();
        let (text, faults) = content.text();
        Self {
            account: delivery.account.clone(),
            bind: delivery.bind.clone(),
            text: is_text(content.reading).then_some(text),
            faults,
            parts: vec![Some(delivery.clone())],
            first: delivery,
        }
    }

    /// A long message; none if not even one part is there. `last` is where the last part came; none where the last of
    /// those that are there did.
    pub(super) fn joined<T>(
        joined: &Joined<T>,
        last: Option<&BindId>,
        delivery: impl Fn(&T) -> Arc<Delivery>,
    ) -> Option<Self> {
        let parts: Vec<_> = joined
            .parts
            .iter()
            .map(|part| part.as_ref().map(|part| delivery(&part.token)))
            .collect();
        let first = parts.iter().flatten().next()?.clone();
        let bind = last
            .or_else(|| Some(&parts.iter().flatten().next_back()?.bind))?
            .clone();
        let says = |part: &StoredPart<T>| is_text(part.reading);
        let (text, faults) = joined.text();
        Some(Self {
            account: first.account.clone(),
            bind,
            text: joined.present().any(says).then_some(text),
            faults,
            parts,
            first,
        })
    }

    /// The octets that it holds, about.
    pub(super) fn held(&self) -> usize {
        let text = self.text.as_ref().map_or(0, String::len);
        let parts = self.parts.iter().flatten();
        parts.fold(text + size_of_val(&*self.parts), |held, part| {
            held + PART + part.frame.len()
        })
    }

    /// True when every part is there.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.parts.iter().all(Option::is_some)
    }

    /// The sequence numbers of the parts that are not there, from 1.
    pub fn missing(&self) -> impl Iterator<Item = usize> {
        let numbered = (1..).zip(&self.parts);
        numbered
            .filter(|(_, part)| part.is_none())
            .map(|(sequence, _)| sequence)
    }

    /// The first part that is there: what else its PDU says.
    #[must_use]
    pub const fn first(&self) -> &Arc<Delivery> {
        &self.first
    }

    /// How it came.
    #[must_use]
    pub fn kind(&self) -> DeliveryKind {
        self.first.kind()
    }

    /// Who sent it.
    #[must_use]
    pub fn source(&self) -> Cow<'_, str> {
        self.first.source()
    }

    /// Whom it was sent to.
    #[must_use]
    pub fn destination(&self) -> Cow<'_, str> {
        self.first.destination()
    }

    /// What decides who answers it, given its addresses.
    pub(super) fn covered<'a>(&'a self, source: &'a str, destination: &'a str) -> Covered<'a> {
        Covered {
            bind: &self.bind,
            ..self.first.covered(source, destination)
        }
    }

    /// How its octets are to be read.
    #[must_use]
    pub fn data_coding(&self) -> DataCoding {
        self.first.data_coding()
    }

    /// The octets of the parts that are there, one after another, without headers; packed septets are unpacked, one in
    /// each octet.
    #[must_use]
    pub fn octets(&self) -> Vec<u8> {
        let mut octets = Vec::new();
        for part in self.parts.iter().flatten() {
            octets.extend_from_slice(&part.content().content().units());
        }
        octets
    }

    /// The user data header, typed element by element.
    #[must_use]
    pub fn header(&self) -> Option<Udh<'_>> {
        self.first.content().content().header
    }

    /// The ports that it goes between: of the user data header, else of the TLVs, which count only together.
    #[must_use]
    pub fn ports(&self) -> Option<Ports> {
        self.header().and_then(|header| header.ports()).or_else(|| {
            Some(Ports {
                destination: self.tlvs().get::<tlv::DestinationPort>()?,
                source: self.tlvs().get::<tlv::SourcePort>()?,
                wide: true,
            })
        })
    }

    /// The TLVs.
    #[must_use]
    pub fn tlvs(&self) -> TlvsView<'_> {
        self.first.content().tlvs
    }
}

impl fmt::Debug for InboundMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InboundMessage")
            .field("account", &self.account)
            .field("bind", &self.bind)
            .field("parts", &self.parts)
            .field("text", &self.text.as_deref().map(Text))
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}

impl actix::Message for InboundMessage {
    type Result = Answer;
}

fn is_text(reading: Option<Reading>) -> bool {
    reading.is_some_and(|reading| reading.alphabet != Alphabet::Binary)
}
