//! From what a caller asks for to the requests that are sent.

use super::{InvalidCause, Text};
use crate::pdu::{Pdu, SubmitSm, TlvTag};
use crate::sm::{SplitOptions, split_text};

/// The requests that a message takes, in order; one alone takes no allocation.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "one part is the usual case and must not cost an allocation"
)]
pub enum Parts {
    /// A message in one part.
    One(Pdu),
    /// A message in several.
    Many(Vec<Pdu>),
}

/// Checks what the fields of a request cannot say alone.
///
/// # Errors
///
/// [`InvalidCause::TextAndPayload`].
pub(super) fn check(pdu: &Pdu) -> Result<(), InvalidCause> {
    let has_text = match pdu {
        Pdu::SubmitSm(submit) => !submit.short_message.is_empty(),
        Pdu::SubmitMulti(submit) => !submit.short_message.is_empty(),
        Pdu::ReplaceSm(replace) => !replace.short_message.is_empty(),
        _ => false,
    };
    match has_text && pdu.tlvs().find(TlvTag::MESSAGE_PAYLOAD).is_some() {
        true => Err(InvalidCause::TextAndPayload(pdu.command_id())),
        false => Ok(()),
    }
}

/// Turns a text into requests. `reference` is asked for the number that ties the parts of a long one together, given
/// the destination.
///
/// # Errors
///
/// An address or a text that cannot be written.
pub(super) fn prepare_text(
    text: &Text,
    options: &SplitOptions,
    reference: impl FnOnce(&[u8]) -> u16,
) -> Result<Parts, InvalidCause> {
    let mut template = SubmitSm {
        registered_delivery: text.registered_delivery,
        tlvs: text.tlvs.clone(),
        ..SubmitSm::default()
    };
    if let Some(source) = &text.source {
        (
            template.source_addr_ton,
            template.source_addr_npi,
            template.source_addr,
        ) = source.fields("source_addr")?;
    }
    (
        template.dest_addr_ton,
        template.dest_addr_npi,
        template.destination_addr,
    ) = text.destination.fields("destination_addr")?;

    let options = text.options.as_deref().unwrap_or(options);
    let split = split_text(&text.text, options, 0)?;
    if let [part] = split.parts.as_slice() {
        split.fill(part, &mut template)?;
        let pdu = template.into();
        return check(&pdu).map(|()| Parts::One(pdu));
    }
    // Only long texts use up reference numbers, and only they are split twice.
    let reference = reference(template.destination_addr.as_bytes());
    let split = split_text(&text.text, options, reference)?;
    let parts = split.parts.iter().map(|part| {
        let mut submit = template.clone();
        split.fill(part, &mut submit)?;
        let pdu = submit.into();
        check(&pdu).map(|()| pdu)
    });
    parts.collect::<Result<_, InvalidCause>>().map(Parts::Many)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdu::{CommandId, DataCoding, RegisteredDelivery, ReplaceSm, SubmitMulti, Ton, tlv};
    use crate::submit::{Content, Submit};

    fn submits(submit: Submit) -> Vec<SubmitSm> {
        let Content::Text(text) = submit.content else {
            panic!("no text")
        };
        let parts = match prepare_text(&text, &SplitOptions::default(), |_| 9).unwrap() {
            Parts::One(pdu) => vec![pdu],
            Parts::Many(pdus) => pdus,
        };
        let as_submit = |pdu| match pdu {
            Pdu::SubmitSm(submit) => submit,
            other => panic!("{other:?}"),
        };
        parts.into_iter().map(as_submit).collect()
    }

    #[test]
    fn a_short_text_is_one_submit_sm() {
        let submits = submits(Submit::text("447700900123", "hello").source("Bank").receipt());
        let [submit] = submits.as_slice() else {
            panic!("{submits:?}")
        };
        assert_eq!(submit.short_message, *b"hello".as_slice());
        assert_eq!(submit.source_addr, "Bank");
        assert_eq!(submit.source_addr_ton, Ton::ALPHANUMERIC);
        assert_eq!(submit.destination_addr, "447700900123");
        assert_eq!(submit.registered_delivery, RegisteredDelivery::FINAL);
        assert_eq!(submit.data_coding, DataCoding::DEFAULT);
    }

    #[test]
    fn a_long_text_is_several_with_one_reference() {
        let submits = submits(Submit::text("447700900123", "x".repeat(161)));
        let headers: Vec<_> = submits.iter().map(|submit| &submit.short_message[..6]).collect();
        assert_eq!(headers, [&[5, 0, 3, 9, 2, 1], &[5, 0, 3, 9, 2, 2]]);
        assert!(submits.iter().all(|submit| submit.esm_class.has_udh()));
    }

    #[test]
    fn a_request_has_its_text_in_one_place() {
        let both = [
            Pdu::from(SubmitSm {
                short_message: b"one".into(),
                ..SubmitSm::default()
            }),
            SubmitMulti {
                short_message: b"one".into(),
                ..SubmitMulti::default()
            }
            .into(),
            ReplaceSm {
                short_message: b"one".into(),
                ..ReplaceSm::default()
            }
            .into(),
        ];
        for mut pdu in both {
            assert_eq!(check(&pdu), Ok(()));
            pdu.tlvs_mut().put::<tlv::MessagePayload>(b"two").unwrap();
            let cause = InvalidCause::TextAndPayload(pdu.command_id());
            assert_eq!(check(&pdu), Err(cause));
        }
        let mut alone = SubmitSm::default();
        alone.tlvs.put::<tlv::MessagePayload>(b"two").unwrap();
        assert_eq!(check(&alone.clone().into()), Ok(()));

        let split = |text: String| {
            let submit = Submit::text("447700900123", text);
            let Content::Text(mut text) = submit.content else {
                panic!("no text")
            };
            text.tlvs = alone.tlvs.clone();
            prepare_text(&text, &SplitOptions::default(), |_| 9)
        };
        let refused = || Err(InvalidCause::TextAndPayload(CommandId::SUBMIT_SM));
        assert_eq!(split("hello".into()), refused());
        assert_eq!(split("x".repeat(200)), refused());
    }
}
