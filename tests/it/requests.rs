//! Everything that an ESME may ask, through the router, in virtual time.

use std::time::Duration;

use bindery::esme::Esme;
use bindery::pdu::tlv::MessagePayload;
use bindery::pdu::{
    BroadcastSm, CancelSm, CommandId, CommandStatus, DataSm, MessageState, Pdu, QuerySm, ReplaceSm,
    SequenceNumber, SubmitMulti, SubmitSm,
};
use bindery::settings::{BindSettings, Mode, Settings};
use bindery::smsc::{Behaviour, MemoryNetwork, Smsc};
use bindery::submit::{InvalidCause, NotSentCause, Request, Submit, SubmitError, UnknownCause};
use tokio::task::LocalSet;
use tokio::time::sleep;

async fn local(test: impl Future<Output = ()>) {
    LocalSet::new().run_until(test).await;
}

fn bind() -> BindSettings {
    BindSettings::new("smsc:2775", "a", "secret").account("a")
}

/// An SMSC that takes a minute over each message, and a bind to it.
fn slow() -> (Smsc, Settings) {
    let behaviour = Behaviour {
        receipts_after: Some(Duration::from_secs(60)),
        ..Behaviour::default()
    };
    (
        Smsc::in_memory(behaviour, 1),
        Settings::default().bind("a-1", bind()),
    )
}

async fn started(settings: Settings, smsc: &Smsc) -> Esme {
    let esme = Esme::start_local(settings, smsc.connector()).unwrap();
    sleep(Duration::from_millis(10)).await;
    esme
}

fn query(message_id: &str) -> QuerySm {
    QuerySm {
        message_id: message_id.try_into().unwrap(),
        source_addr: "Bank".try_into().unwrap(),
        ..QuerySm::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_is_asked_about_replaced_and_cancelled() {
    local(async {
        let (smsc, settings) = slow();
        let esme = started(settings, &smsc).await;
        let message = Submit::from(SubmitSm {
            source_addr: "Bank".try_into().unwrap(),
            destination_addr: "447700900123".try_into().unwrap(),
            ..SubmitSm::default()
        });
        let submitted = esme.submit(message).await.unwrap();
        let id = submitted
            .message_ids
            .iter()
            .next()
            .unwrap()
            .to_text()
            .into_owned();

        let asked = Request::new(query(&id)).near(submitted.bind.clone());
        let answered = esme.request(asked.clone()).await.unwrap();
        assert_eq!(answered.status, CommandStatus::ESME_ROK);
        assert_eq!(answered.bind.as_str(), "a-1");
        let Some(Pdu::QuerySmResp(state)) = answered.pdu else {
            panic!("{answered:?}")
        };
        assert_eq!(
            (state.message_id.to_text().into_owned(), state.message_state),
            (id.clone(), MessageState::ENROUTE)
        );

        let replace = ReplaceSm {
            message_id: id.as_str().try_into().unwrap(),
            source_addr: "Bank".try_into().unwrap(),
            short_message: b"other".to_vec().into(),
            ..ReplaceSm::default()
        };
        let replaced = esme.request(Request::new(replace)).await.unwrap();
        assert_eq!(replaced.status, CommandStatus::ESME_ROK);
        let cancel = CancelSm {
            message_id: id.as_str().try_into().unwrap(),
            source_addr: "Bank".try_into().unwrap(),
            destination_addr: "447700900123".try_into().unwrap(),
            ..CancelSm::default()
        };
        let cancelled = esme.request(Request::new(cancel)).await.unwrap();
        assert_eq!(cancelled.status, CommandStatus::ESME_ROK);
        // The response comes back as it is, whatever it says.
        let nothing = esme.request(Request::new(query("none"))).await.unwrap();
        assert!(!nothing.status.is_ok());
        esme.shutdown(Duration::ZERO).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_message_is_submitted_and_nothing_else() {
    local(async {
        let (smsc, settings) = slow();
        let esme = started(settings, &smsc).await;
        let data = DataSm {
            destination_addr: "447700900123".try_into().unwrap(),
            ..DataSm::default()
        };
        assert!(esme.submit(Pdu::from(data)).await.is_ok());
        let multi = SubmitMulti {
            dest_address: ["447700900123", "447700900124", ""]
                .map(|address| bindery::pdu::DestAddress::Sme {
                    dest_addr_ton: Default::default(),
                    dest_addr_npi: Default::default(),
                    destination_addr: address.try_into().unwrap(),
                })
                .to_vec(),
            ..SubmitMulti::default()
        };
        let submitted = esme.submit(Pdu::from(multi)).await.unwrap();
        let [refused] = submitted.refused() else {
            panic!("one has no number: {submitted:?}")
        };
        assert_eq!(
            (refused.destination_addr.is_empty(), refused.error_status_code),
            (true, CommandStatus::ESME_RINVDSTADR)
        );
        let mut both = SubmitSm {
            destination_addr: "447700900123".try_into().unwrap(),
            short_message: b"one".into(),
            ..SubmitSm::default()
        };
        both.tlvs.put::<MessagePayload>(b"two").unwrap();
        let cause = InvalidCause::TextAndPayload(CommandId::SUBMIT_SM);
        assert_eq!(esme.submit(both).await, Err(SubmitError::Invalid { cause }));
        let wrong = esme.submit(Pdu::from(query("1"))).await.unwrap_err();
        let SubmitError::Invalid {
            cause: InvalidCause::NotAMessage(command_id),
        } = wrong
        else {
            panic!("{wrong}")
        };
        assert_eq!(command_id.name(), Some("query_sm"));
        let broadcast = esme.submit(Pdu::from(BroadcastSm::default())).await;
        assert!(
            !matches!(broadcast, Err(SubmitError::Invalid { .. })),
            "{broadcast:?}"
        );
        esme.shutdown(Duration::ZERO).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_request_has_its_own_sequence_number_and_its_own_time() {
    local(async {
        let (smsc, settings) = slow();
        let esme = started(settings, &smsc).await;
        let forced = SequenceNumber::new(4_711);
        let answered = esme.request(Request::new(query("1")).sequence(forced)).await.unwrap();
        assert_eq!(answered.sequence, forced);
        let reserved = esme.request(Request::new(query("1")).sequence(SequenceNumber::new(0))).await;
        assert!(matches!(
            reserved,
            Err(SubmitError::Invalid { cause: InvalidCause::SequenceReserved(_) })
        ));
        smsc.freeze_links();
        let timeout = Duration::from_secs(3);
        let frozen = Request::new(query("1")).sequence(forced).timeout(timeout);
        let begin = tokio::time::Instant::now();
        let (first, second) = tokio::join!(esme.request(frozen.clone()), esme.request(frozen));
        assert_eq!(begin.elapsed(), timeout);
        assert!(matches!(
            first,
            Err(SubmitError::Unknown { sequence, cause: UnknownCause::ResponseExpired, .. }) if sequence == forced
        ));
        assert!(matches!(
            second,
            Err(SubmitError::Invalid { cause: InvalidCause::SequenceInUse(sequence) }) if sequence == forced
        ));
        esme.shutdown(Duration::ZERO).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_a_bind_a_request_is_refused_at_once() {
    local(async {
        let (smsc, _) = slow();
        let network = MemoryNetwork::new();
        network.add("smsc", &smsc);
        let elsewhere = || BindSettings::new("nowhere:1", "b", "secret");
        let settings = Settings::default()
            .bind("a-1", bind())
            .bind("a-down", elsewhere().account("a"))
            .bind("a-rx", bind().mode(Mode::Receiver))
            .bind("b-1", elsewhere());
        let esme = Esme::start_local(settings, network.connector()).unwrap();
        sleep(Duration::from_millis(10)).await;
        let ask = |request: Request| esme.request(request);
        let down = Err(SubmitError::NotSent {
            cause: NotSentCause::NotBound,
        });
        assert_eq!(ask(Request::new(query("1")).by("b-1")).await, down);
        assert_eq!(ask(Request::new(query("1")).near("b-1")).await, down);
        assert_eq!(
            ask(Request::new(query("1")).by("none")).await,
            Err(SubmitError::NoRoute)
        );
        assert_eq!(
            ask(Request::new(query("1")).by("a-rx")).await,
            Err(SubmitError::NoRoute)
        );
        let near = ask(Request::new(query("1")).near("a-down")).await.unwrap();
        assert_eq!(near.bind.as_str(), "a-1");
        let near = ask(Request::new(query("1")).near("a-rx")).await.unwrap();
        assert_eq!(near.bind.as_str(), "a-1");
        esme.shutdown(Duration::ZERO).await;
        assert_eq!(
            ask(Request::new(query("1"))).await,
            Err(SubmitError::ShuttingDown)
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_link_that_breaks_leaves_no_request_without_an_answer() {
    local(async {
        let (smsc, settings) = slow();
        let mut settings = settings;
        settings.bind_mut("a-1").unwrap().window = 3;
        let esme = started(settings, &smsc).await;
        smsc.freeze_links();
        let asked: Vec<_> = (0..8)
            .map(|_| {
                let esme = esme.clone();
                tokio::task::spawn_local(async move { esme.request(Request::new(query("1"))).await })
            })
            .collect();
        sleep(Duration::from_millis(10)).await;
        smsc.cut_links();
        let mut ends = Vec::new();
        for one in asked {
            ends.push(match one.await.unwrap() {
                Err(SubmitError::Unknown { .. }) => "unknown",
                Err(SubmitError::NotSent { .. }) => "not sent",
                Err(SubmitError::Busy) => "busy",
                other => panic!("{other:?}"),
            });
        }
        ends.sort_unstable();
        assert_eq!(
            ends,
            [
                "busy", "busy", "not sent", "not sent", "not sent", "unknown", "unknown", "unknown"
            ]
        );
        esme.shutdown(Duration::ZERO).await;
    })
    .await;
}
