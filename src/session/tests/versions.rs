//! What each version of the protocol lets out.

use super::*;
use crate::pdu::{EncodeErrorKind, InterfaceVersion, SubmitMulti, Tlvs, tlv};

const V3_3: InterfaceVersion = InterfaceVersion::V3_3;
const V3_4: InterfaceVersion = InterfaceVersion::V3_4;
const V5_0: InterfaceVersion = InterfaceVersion::V5_0;

fn speaking(version: InterfaceVersion) -> Bench {
    Bench::bound(SessionConfig {
        interface_version: version,
        ..esme()
    })
}

fn text(octets: usize) -> SubmitSm {
    SubmitSm {
        short_message: vec![b'a'; octets].into(),
        ..SubmitSm::default()
    }
}

#[test]
fn the_lower_version_that_exists_is_agreed() {
    let odd = InterfaceVersion::new(0x22);
    let cases = [
        (V3_4, None, V3_4),
        (V3_4, Some(V5_0), V3_4),
        (V5_0, Some(V3_4), V3_4),
        (V5_0, Some(V3_3), V3_3),
        (V5_0, Some(odd), V5_0),
        (V5_0, Some(InterfaceVersion::new(0)), V5_0),
        (V3_3, Some(V5_0), V3_3),
    ];
    for (ours, theirs, agreed) in cases {
        assert_eq!(agreed_version(ours, theirs), agreed, "{ours} and {theirs:?}");
    }
}

#[test]
fn only_5_0_has_texts_of_255_octets() {
    for (version, length, fits) in [
        (V3_3, 254, true),
        (V3_4, 254, true),
        (V3_4, 255, false),
        (V5_0, 255, true),
    ] {
        let mut bench = speaking(version);
        let sent = bench.session.request(1, &text(length), bench.now);
        assert_eq!(sent.is_ok(), fits, "{length} octets in {version}: {sent:?}");
        assert_eq!(bench.session.output().is_empty(), !fits);
        assert_eq!(bench.session.in_flight(), usize::from(fits));
    }
    let multi = SubmitMulti {
        short_message: vec![b'a'; 255].into(),
        ..SubmitMulti::default()
    };
    let mut bench = speaking(V3_4);
    let Err((1, RequestError::Encode(error))) = bench.session.request(1, &multi, bench.now) else {
        panic!("taken")
    };
    assert_eq!(
        error.kind,
        EncodeErrorKind::TooLong {
            length: 255,
            max: 254
        }
    );
}

#[test]
fn a_message_centre_that_speaks_3_4_lowers_a_5_0_client() {
    let mut bench = Bench::new(SessionConfig {
        interface_version: V5_0,
        ..esme()
    });
    bench
        .session
        .bind(&BindTransceiver::default(), bench.now)
        .unwrap();
    bench.gets("00000016 80000009 00000000 00000001 00 0210 0001 34");
    assert_eq!(bench.session.version(), V3_4);
    assert!(bench.session.request(1, &text(255), bench.now).is_err());
}

#[test]
fn what_we_are_told_of_a_message_centre_counts_more_than_what_it_says() {
    for (told, said, agreed) in [
        (None, "0210 0001 33", V3_3),
        (Some(V3_4), "0210 0001 33", V3_4),
        (Some(V5_0), "0210 0001 33", V3_4),
        (Some(V3_3), "0210 0001 34", V3_3),
        (Some(V3_3), "", V3_3),
        (None, "", V3_4),
    ] {
        let mut bench = Bench::new(SessionConfig {
            sc_interface_version: told,
            ..esme()
        });
        bench
            .session
            .bind(&BindTransceiver::default(), bench.now)
            .unwrap();
        let length = if said.is_empty() { 17 } else { 22 };
        bench.gets(&format!("{length:08x} 80000009 00000000 00000001 00 {said}"));
        assert_eq!(bench.session.version(), agreed, "{told:?} and {said:?}");
    }
}

#[test]
fn before_3_4_no_tlv_is_sent() {
    let mut tlvs = Tlvs::default();
    tlvs.put::<tlv::UserMessageReference>(7).unwrap();
    let mut bench = speaking(V3_3);
    bench
        .session
        .request(1, &SubmitSm { tlvs, ..text(2) }, bench.now)
        .unwrap();
    assert_eq!(
        bench.sent(),
        "00000023000000040000000000000002".to_owned() + &"00".repeat(16) + "026161"
    );
    assert_eq!(
        bench.gets("00000012 80000004 00000000 00000002 3100"),
        [Seen::Answered(1, CommandStatus::ESME_ROK)]
    );
}

#[test]
fn before_3_4_a_message_that_needs_a_tlv_is_refused_whole() {
    let mut tlvs = Tlvs::default();
    tlvs.put::<tlv::MessagePayload>(&b"text"[..]).unwrap();
    let mut bench = speaking(V3_3);
    let refused = bench.session.request(
        1,
        &SubmitSm {
            tlvs,
            ..SubmitSm::default()
        },
        bench.now,
    );
    let Err((1, RequestError::Encode(error))) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(
        (error.field, error.kind),
        ("message_payload", EncodeErrorKind::NotInVersion(V3_3))
    );
    assert_eq!((bench.sent(), bench.session.in_flight()), (String::new(), 0));
    bench.submit(2);
}

#[test]
fn a_3_3_client_gets_no_tlv_in_answers() {
    let mut bench = Bench::new(SessionConfig::new(Side::Smsc));
    let [Seen::Request(inbound, _)] =
        bench.gets("00000018 00000002 00000000 00000001 6100 00 00 33 00 00 00")[..]
    else {
        panic!("no bind")
    };
    let mut tlvs = Tlvs::default();
    tlvs.put::<tlv::ScInterfaceVersion>(V5_0).unwrap();
    let body = crate::pdu::BindTransmitterResp {
        system_id: "S".try_into().unwrap(),
        tlvs,
    };
    bench
        .session
        .respond(inbound, CommandStatus::ESME_ROK, &body, bench.now)
        .unwrap();
    assert_eq!(bench.sent(), "000000128000000200000000000000015300");
    assert_eq!(
        (bench.session.version(), bench.session.state()),
        (V3_3, SessionState::BoundTx)
    );
}
