//! TLVs that a bind puts into messages that have none of the kind.

use std::borrow::Cow;

use crate::pdu::{Pdu, Tlvs};

/// The request with those of `defaults` whose tag it lacks. Only a submit_sm gets any.
///
/// The message itself stays as it is: it may leave by another bind, which has others or none.
pub(super) fn with_defaults<'a>(pdu: &'a Pdu, defaults: &Tlvs) -> Cow<'a, Pdu> {
    let Pdu::SubmitSm(submit) = pdu else {
        return Cow::Borrowed(pdu);
    };
    let mut missing = defaults
        .iter()
        .filter(|(tag, _)| submit.tlvs.find(*tag).is_none())
        .peekable();
    if missing.peek().is_none() {
        return Cow::Borrowed(pdu);
    }
    let mut submit = submit.clone();
    for (tag, value) in missing {
        // Cannot fail: the value comes out of TLVs.
        let _ = submit.tlvs.push_raw(tag, value);
    }
    Cow::Owned(submit.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdu::{DataSm, SubmitSm, TlvTag};

    fn tlvs(values: &[(u16, &[u8])]) -> Tlvs {
        let mut tlvs = Tlvs::new();
        for (tag, value) in values {
            tlvs.push_raw(TlvTag::new(*tag), value).unwrap();
        }
        tlvs
    }

    #[test]
    fn a_submit_sm_gets_what_it_lacks_and_keeps_what_it_has() {
        let defaults = tlvs(&[(0x1400, b"pe"), (0x1401, b"template"), (0x1401, b"again")]);
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
            let pdu = Pdu::from(SubmitSm {
                tlvs: own.clone(),
                ..SubmitSm::default()
            });
            assert_eq!(*with_defaults(&pdu, &defaults).tlvs(), expected, "{own:?}");
            assert_eq!(*pdu.tlvs(), own);
        }
    }

    #[test]
    fn without_defaults_and_for_other_requests_nothing_is_copied() {
        let submit = Pdu::from(SubmitSm::default());
        let data = Pdu::from(DataSm::default());
        let defaults = tlvs(&[(0x1400, b"pe")]);
        assert!(matches!(with_defaults(&submit, &Tlvs::new()), Cow::Borrowed(_)));
        assert!(matches!(with_defaults(&data, &defaults), Cow::Borrowed(_)));
    }
}
