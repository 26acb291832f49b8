//! TLVs that a bind puts into messages that have none of the kind.

use std::borrow::Cow;

use crate::pdu::Pdu;
use crate::settings::TlvValues;

/// The request with those of `defaults` for its kind whose tag it lacks.
///
/// The message itself stays as it is: it may leave by another bind, which has others or none.
pub(super) fn with_defaults<'a>(pdu: &'a Pdu, defaults: &TlvValues) -> Cow<'a, Pdu> {
    if defaults.is_empty() {
        return Cow::Borrowed(pdu);
    }
    let mut missing = defaults
        .of(pdu.command_id())
        .iter()
        .filter(|(tag, _)| pdu.tlvs().find(*tag).is_none())
        .peekable();
    if missing.peek().is_none() {
        return Cow::Borrowed(pdu);
    }
    let mut filled = pdu.clone();
    for (tag, value) in missing {
        // Cannot fail: the value comes out of TLVs.
        let _ = filled.tlvs_mut().push_raw(tag, value);
    }
    Cow::Owned(filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdu::{DataSm, QuerySm, SubmitSm, TlvTag, Tlvs};

    fn tlvs(values: &[(u16, &[u8])]) -> Tlvs {
        let mut tlvs = Tlvs::new();
        for (tag, value) in values {
            tlvs.push_raw(TlvTag::new(*tag), value).unwrap();
        }
        tlvs
    }

    #[test]
    fn a_message_gets_what_it_lacks_and_keeps_what_it_has() {
        let defaults = tlvs(&[(0x1400, b"pe"), (0x1401, b"template"), (0x1401, b"again")]);
        let values = TlvValues::from(defaults.clone());
        let cases = [
            (tlvs(&[]), defaults.clone()),
            (
                tlvs(&[(0x0204, b"\0\x01"), (0x1400, b"own")]),
                tlvs(&[
                    (0x0204, b"\0\x01"),
                    (0x1400, b"own"),
                    (0x1401, b"template"),
                    (0x1401, b"again"),
                ]),
            ),
            (
                tlvs(&[(0x1401, b""), (0x1400, b"own")]),
                tlvs(&[(0x1401, b""), (0x1400, b"own")]),
            ),
        ];
        for (own, expected) in cases {
            for mut pdu in [Pdu::from(SubmitSm::default()), DataSm::default().into()] {
                *pdu.tlvs_mut() = own.clone();
                assert_eq!(*with_defaults(&pdu, &values).tlvs(), expected, "{own:?}");
                assert_eq!(*pdu.tlvs(), own);
            }
        }
    }

    #[test]
    fn without_defaults_and_for_other_requests_nothing_is_copied() {
        let submit = Pdu::from(SubmitSm::default());
        let query = Pdu::from(QuerySm::default());
        let defaults = TlvValues::from(tlvs(&[(0x1400, b"pe")]));
        assert!(matches!(
            with_defaults(&submit, &TlvValues::default()),
            Cow::Borrowed(_)
        ));
        assert!(matches!(with_defaults(&query, &defaults), Cow::Borrowed(_)));
    }
}
