//! The one-bind door against the embedded SMSC: in virtual time, and once over TCP with threads.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bindery::client::{Client, ClientError, ClientSetup, State, blocking};
use bindery::events::{Cause, ConnectFailure, PduEvent};
use bindery::pdu::tlv::{CustomTlv, MessagePayload};
use bindery::pdu::{
    BindReceiver, BindTransceiver, BindTransmitter, CancelSm, CommandId, CommandStatus, DataSm, DeliverSm,
    DestAddress, FieldValue, Npi, Pdu, QuerySm, ReplaceSm, SequenceNumber, SubmitMulti, SubmitSm, TlvKind,
    TlvRegistry, TlvTag, Ton, Unbind,
};
use bindery::session::{CloseCause, Passage, SequenceGenerator};
use bindery::settings::BindSettings;
use bindery::smsc::{Account, Behaviour, Faults, MemoryNetwork, Seen, Shares, Smsc};
use bindery::submit::{InvalidCause, Request, SubmitError};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{Instant, sleep};

async fn local(test: impl Future<Output = ()>) {
    LocalSet::new().run_until(test).await;
}

fn setup(smsc: &Smsc) -> ClientSetup {
    ClientSetup::new("smsc:2775").connector(smsc.connector()).local()
}

fn witnessing() -> Behaviour {
    Behaviour {
        witness: true,
        ..Behaviour::default()
    }
}

async fn bound(smsc: &Smsc) -> Client {
    bound_as(setup(smsc)).await
}

async fn bound_as(setup: ClientSetup) -> Client {
    let client = setup.client();
    client.connect().await.unwrap();
    client.bind_transceiver("a", "secret").await.unwrap();
    client
}

fn submit() -> SubmitSm {
    SubmitSm {
        destination_addr: "4178481818".parse().unwrap(),
        short_message: b"test sms".into(),
        ..SubmitSm::default()
    }
}

fn deliver(text: &[u8]) -> DeliverSm {
    DeliverSm {
        short_message: text.to_vec().into(),
        ..DeliverSm::default()
    }
}

/// What a client wrote and read, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn note(&self, pdu: &PduEvent) {
        let sign = if pdu.passage == Passage::Received {
            '<'
        } else {
            '>'
        };
        self.0.lock().unwrap().push(format!("{sign}{}", pdu.command()));
    }

    fn of_all(client: &Client) -> Self {
        let log = Self::default();
        let noting = log.clone();
        client.on_all(move |pdu| noting.note(pdu));
        log
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn answers(smsc: &Smsc) -> Vec<CommandStatus> {
    let seen = smsc.witness().sightings.into_iter().map(|sighting| sighting.what);
    seen.filter_map(|what| match what {
        Seen::DeliveryAnswered { status } => status,
        _ => None,
    })
    .collect()
}

#[tokio::test(start_paused = true)]
async fn a_client_connects_binds_sends_and_unbinds_when_it_is_told_to() {
    local(async {
        let smsc = Smsc::in_memory(Behaviour::default(), 1);
        let client = setup(&smsc).client();
        let log = Log::of_all(&client);
        assert_eq!(client.state(), State::Closed);
        client.connect().await.unwrap();
        assert_eq!(client.state(), State::Open);
        assert_eq!(client.connect().await, Err(ClientError::Connected));
        let response = client.bind_transceiver("a", "secret").await.unwrap();
        assert!(
            matches!(response.pdu, Some(Pdu::BindTransceiverResp(_))),
            "{response:?}"
        );
        assert_eq!(client.state(), State::BoundTrx);
        let response = client.submit_sm(submit()).await.unwrap();
        assert!(matches!(response.pdu, Some(Pdu::SubmitSmResp(ref resp)) if !resp.message_id.is_empty()));
        client.unbind().await.unwrap();
        assert_eq!(client.state(), State::Closed);
        client.disconnect().await;
        let wanted = [
            ">bind_transceiver",
            "<bind_transceiver_resp",
            ">submit_sm",
            "<submit_sm_resp",
            ">unbind",
            "<unbind_resp",
        ];
        assert_eq!(log.take(), wanted);

        // The same client can begin again, as something else.
        client.connect().await.unwrap();
        client.bind_receiver("a", "secret").await.unwrap();
        assert_eq!(client.state(), State::BoundRx);
        client.disconnect().await;
        client.connect().await.unwrap();
        client.bind_transmitter("a", "secret").await.unwrap();
        assert_eq!(client.state(), State::BoundTx);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_bind_is_an_error_with_what_the_smsc_said() {
    local(async {
        let accounts = vec![Account::new("a", "right")];
        let behaviour = Behaviour {
            accounts,
            ..Behaviour::default()
        };
        let smsc = Smsc::in_memory(behaviour, 1);
        let client = setup(&smsc).client();
        client.connect().await.unwrap();
        let refused = client.bind_transceiver("a", "wrong").await.unwrap_err();
        assert_eq!(refused.status(), Some(CommandStatus::ESME_RINVPASWD));
        assert_eq!(
            refused.to_string(),
            "bind refused: ESME_RINVPASWD (password field not valid)"
        );
        assert_eq!(client.state(), State::Closed);
        client.connect().await.unwrap();
        client.bind_transceiver("a", "right").await.unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_connected_or_is_not_answered_is_an_error_in_time() {
    local(async {
        let nowhere = ClientSetup::new("nowhere:2775").connector(MemoryNetwork::new().connector());
        let client = nowhere.local().client();
        let failed = client.connect().await;
        assert_eq!(failed, Err(ClientError::Connect(ConnectFailure::NoAddress)));
        assert_eq!(client.read_one_pdu().await, failed.map(|()| false));

        let faults = Faults {
            silent_binds: 1.0,
            ..Faults::default()
        };
        let behaviour = Behaviour {
            faults,
            ..Behaviour::default()
        };
        let smsc = Smsc::in_memory(behaviour, 1);
        let client = setup(&smsc).client();
        client.connect().await.unwrap();
        let begin = Instant::now();
        let expired = client.bind_transceiver("a", "secret").await.unwrap_err();
        assert_eq!(
            expired,
            ClientError::Closed(Cause::Session(CloseCause::BindExpired))
        );
        assert_eq!(begin.elapsed(), Duration::from_secs(5));
        let unusable = setup(&smsc).client();
        unusable.connect().await.unwrap();
        let too_long = unusable.bind_transceiver("a", "toolongforapassword").await;
        assert!(matches!(too_long, Err(ClientError::Settings(_))), "{too_long:?}");
        assert_eq!(unusable.state(), State::Open);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_the_state_does_not_allow_is_refused_before_anything_is_written() {
    local(async {
        let smsc = Smsc::in_memory(Behaviour::default(), 1);
        let client = setup(&smsc).client();
        let log = Log::of_all(&client);
        let wrong = |command_id, state| ClientError::WrongState { command_id, state };
        let early = client.bind_transceiver("a", "secret").await.unwrap_err();
        assert_eq!(early, wrong(CommandId::BIND_TRANSCEIVER, State::Closed));
        client.connect().await.unwrap();
        let refused = client.submit_sm(submit()).await.unwrap_err();
        assert_eq!(refused, wrong(CommandId::SUBMIT_SM, State::Open));
        assert_eq!(refused.status(), Some(CommandStatus::ESME_RINVBNDSTS));
        let refused = client.unbind().await.unwrap_err();
        assert_eq!(refused, wrong(CommandId::UNBIND, State::Open));
        client.bind_receiver("a", "secret").await.unwrap();
        log.take();
        let refused = client.query_sm(QuerySm::default()).await.unwrap_err();
        assert_eq!(refused, wrong(CommandId::QUERY_SM, State::BoundRx));
        let again = client.bind_receiver("a", "secret").await.unwrap_err();
        assert_eq!(again, wrong(CommandId::BIND_RECEIVER, State::BoundRx));
        assert!(log.take().is_empty());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_callback_decides_what_a_delivery_is_answered_with() {
    local(async {
        let smsc = Smsc::in_memory(witnessing(), 1);
        let client = bound(&smsc).await;
        let deliver = |text: &[u8]| {
            assert!(smsc.deliver("a", deliver(text)));
            sleep(Duration::from_millis(10))
        };
        // Nobody wants it: acknowledged.
        deliver(b"1").await;
        client
            .on_named("deliver_sm", |pdu| match pdu.pdu.as_deref() {
                Ok(Pdu::DeliverSm(deliver)) if &deliver.short_message[..] == b"2" => {
                    Some(CommandStatus::ESME_RX_R_APPN)
                }
                _ => None,
            })
            .unwrap();
        deliver(b"2").await;
        deliver(b"3").await;
        client.on(CommandId::DELIVER_SM, |_| CommandStatus::ESME_RX_P_APPN);
        deliver(b"4").await;
        // It has a callback of its own already.
        client.on_all(|_| CommandStatus::ESME_RSYSERR);
        deliver(b"5").await;
        assert_eq!(
            answers(&smsc),
            [
                CommandStatus::ESME_ROK,
                CommandStatus::ESME_RX_R_APPN,
                CommandStatus::ESME_ROK,
                CommandStatus::ESME_RX_P_APPN,
                CommandStatus::ESME_RX_P_APPN,
            ]
        );
        let unknown = client.on_named("deliver", |_| ()).unwrap_err();
        assert_eq!(unknown.to_string(), "no command is called \"deliver\"");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_callback_that_panics_costs_neither_the_message_nor_the_connection() {
    local(async {
        let smsc = Smsc::in_memory(witnessing(), 1);
        let client = bound(&smsc).await;
        let (calls, again) = (Arc::new(AtomicU64::new(0)), client.clone());
        let counted = calls.clone();
        client.on(CommandId::DELIVER_SM, move |_| {
            // It may set others, itself included.
            again.on(CommandId::UNBIND, |_| ());
            if counted.fetch_add(1, Ordering::Relaxed) == 0 {
                panic!("as the test wants it");
            }
        });
        assert!(smsc.deliver("a", deliver(b"kept by the SMSC")));
        sleep(Duration::from_secs(5)).await;
        assert_eq!(
            answers(&smsc),
            [CommandStatus::ESME_RX_T_APPN, CommandStatus::ESME_ROK]
        );
        assert_eq!(
            (calls.load(Ordering::Relaxed), client.state()),
            (2, State::BoundTrx)
        );
        client.on_all(|_| ()); // the callback holds the client, and the client the callback
        client.on(CommandId::DELIVER_SM, |_| ());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn listening_ends_when_either_side_unbinds() {
    local(async {
        let smsc = Smsc::in_memory(Behaviour::default(), 1);
        let client = bound(&smsc).await;
        let log = Log::of_all(&client);
        let listening = spawn_local({
            let client = client.clone();
            async move { client.listen().await }
        });
        sleep(Duration::from_secs(3_615)).await;
        assert!(!listening.is_finished() && client.state().is_bound());
        log.take();
        smsc.unbind_links();
        assert_eq!(listening.await.unwrap(), Ok(()));
        assert_eq!(client.state(), State::Closed);
        assert_eq!(log.take(), ["<unbind", ">unbind_resp"]);

        client.connect().await.unwrap();
        client.bind_transmitter("a", "secret").await.unwrap();
        let listening = spawn_local({
            let client = client.clone();
            async move { client.listen().await }
        });
        client.submit_sm(submit()).await.unwrap();
        client.unbind().await.unwrap();
        assert_eq!(listening.await.unwrap(), Ok(()));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_an_error_and_does_not_come_back_by_itself() {
    local(async {
        let smsc = Smsc::in_memory(Behaviour::default(), 1);
        let client = bound(&smsc).await;
        let listening = spawn_local({
            let client = client.clone();
            async move { client.listen().await }
        });
        sleep(Duration::from_secs(1)).await;
        smsc.cut_links();
        let lost = ClientError::Closed(Cause::Session(CloseCause::Disconnected));
        assert_eq!(listening.await.unwrap(), Err(lost));
        sleep(Duration::from_secs(600)).await;
        assert_eq!((client.state(), smsc.counters().connections), (State::Closed, 1));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_that_is_asked_to_comes_back_and_listens_on() {
    local(async {
        let smsc = Smsc::in_memory(Behaviour::default(), 1);
        let client = bound_as(setup(&smsc).reconnect(true)).await;
        let listening = spawn_local({
            let client = client.clone();
            async move { client.listen().await }
        });
        sleep(Duration::from_secs(1)).await;
        smsc.cut_links();
        sleep(Duration::from_secs(60)).await;
        assert_eq!(client.state(), State::BoundTrx);
        assert!(client.submit_sm(submit()).await.unwrap().is_ok());
        client.unbind().await.unwrap();
        assert_eq!(listening.await.unwrap(), Ok(()));
        assert_eq!(smsc.counters().connections, 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_own_loop_goes_on_with_each_pdu_and_with_each_silence() {
    local(async {
        let smsc = Smsc::in_memory(Behaviour::default(), 1);
        let client = setup(&smsc).client();
        assert_eq!(client.read_one_pdu().await, Err(ClientError::NotConnected));
        client.connect().await.unwrap();
        client.bind_transceiver("a", "secret").await.unwrap();
        let begin = Instant::now();
        assert_eq!(client.read_one_pdu().await, Ok(true), "the response to the bind");
        assert_eq!(begin.elapsed(), Duration::ZERO);
        assert_eq!(client.read_one_pdu().await, Ok(true), "silence");
        assert_eq!(begin.elapsed(), Duration::from_secs(5));
        smsc.deliver("a", deliver(b"1"));
        smsc.deliver("a", deliver(b"2"));
        for _ in 0..2 {
            assert_eq!(client.read_one_pdu().await, Ok(true));
        }
        assert_eq!(begin.elapsed(), Duration::from_secs(5));
        smsc.unbind_links();
        assert_eq!(client.read_one_pdu().await, Ok(false));
        assert_eq!(client.read_one_pdu().await, Ok(false));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_time_of_silence_counts_what_came_and_not_what_went() {
    local(async {
        let smsc = Smsc::in_memory(Behaviour::default(), 1);
        let settings = BindSettings::new("smsc:2775", "a", "secret").enquire_link_interval(None);
        let silent = ClientSetup::from(settings).connector(smsc.connector()).local();
        let client = silent.client();
        sleep(Duration::from_secs(7)).await;
        assert_eq!(client.inactivity_time(), Duration::from_secs(7));
        client.connect().await.unwrap();
        client.bind().await.unwrap();
        assert_eq!(client.inactivity_time(), Duration::ZERO);
        smsc.freeze_links();
        sleep(Duration::from_secs(2)).await;
        let asked = client.clone();
        spawn_local(async move { asked.submit_sm(submit()).await });
        sleep(Duration::from_secs(3)).await;
        assert_eq!(client.inactivity_time(), Duration::from_secs(5));
        smsc.thaw_links();
        sleep(Duration::from_millis(1)).await;
        assert!(client.inactivity_time() <= Duration::from_millis(1));
        // A new connection has not heard anything yet; the one before had.
        client.disconnect().await;
        sleep(Duration::from_secs(4)).await;
        client.connect().await.unwrap();
        let silent = client.inactivity_time();
        assert!((4..5).contains(&silent.as_secs()), "{silent:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_asked_for_a_sign_of_life_and_given_up() {
    local(async {
        let smsc = Smsc::in_memory(Behaviour::default(), 1);
        let client = bound(&smsc).await;
        let log = Log::of_all(&client);
        sleep(Duration::from_secs(31)).await;
        // The SMSC wants to know too, in the same moment, and has been told by then: it reads before it asks.
        assert_eq!(log.take(), [">enquire_link", "<enquire_link_resp"]);
        smsc.freeze_links();
        let dead = ClientError::Closed(Cause::Session(CloseCause::LinkDead));
        assert_eq!(client.listen().await, Err(dead));
        assert_eq!(log.take(), [">enquire_link"]);
    })
    .await;
}

/// Counts on, whatever becomes of the connections.
struct Counting(Arc<AtomicU64>);

impl SequenceGenerator for Counting {
    fn next_sequence(&mut self) -> SequenceNumber {
        SequenceNumber::new(u32::try_from(self.0.fetch_add(1, Ordering::Relaxed)).unwrap())
    }
}

#[tokio::test(start_paused = true)]
async fn sequence_numbers_come_from_ones_own_generator_or_are_forced() {
    local(async {
        let smsc = Smsc::in_memory(Behaviour::default(), 1);
        let client = bound(&smsc).await;
        assert_eq!(client.submit_sm(submit()).await.unwrap().sequence.value(), 2);
        let forced = Request::new(submit()).sequence(SequenceNumber::new(12_354_678));
        let answered = client.request(forced).await.unwrap();
        assert_eq!(answered.sequence.value(), 12_354_678);
        // The generator has not moved meanwhile.
        assert_eq!(client.submit_sm(submit()).await.unwrap().sequence.value(), 3);
        let zero = Request::new(submit()).sequence(SequenceNumber::ZERO);
        let cause = InvalidCause::SequenceReserved(SequenceNumber::ZERO);
        let invalid = ClientError::Request(SubmitError::Invalid { cause });
        assert_eq!(client.request(zero).await, Err(invalid));

        let kept = Arc::new(AtomicU64::new(1_000));
        let client = bound_as(setup(&smsc).sequences(Counting(kept.clone()))).await;
        assert_eq!(client.submit_sm(submit()).await.unwrap().sequence.value(), 1_001);
        client.unbind().await.unwrap();
        client.connect().await.unwrap();
        let bind = client.bind_transceiver("a", "secret").await.unwrap();
        assert_eq!(bind.sequence.value(), 1_003, "after the unbind");
        assert_eq!(kept.load(Ordering::Relaxed), 1_004);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_has_a_method_of_its_own_is_no_request() {
    local(async {
        let smsc = Smsc::in_memory(Behaviour::default(), 1);
        let client = bound(&smsc).await;
        for pdu in [
            Pdu::from(Unbind::default()),
            BindTransmitter::default().into(),
            BindReceiver::default().into(),
            BindTransceiver::default().into(),
        ] {
            let own = ClientError::OwnMethod(pdu.command_id());
            assert_eq!(client.request(pdu).await, Err(own));
        }
        let mut both = submit();
        both.tlvs.put::<MessagePayload>(b"another").unwrap();
        let cause = InvalidCause::TextAndPayload(CommandId::SUBMIT_SM);
        let invalid = ClientError::Request(SubmitError::Invalid { cause });
        assert_eq!(client.submit_sm(both.clone()).await, Err(invalid));
        both.short_message = b"".into();
        assert!(client.submit_sm(both).await.unwrap().is_ok());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_may_stay_open_without_a_bind() {
    local(async {
        let mut behaviour = Behaviour::default();
        behaviour.limits.session_init = Duration::from_secs(1_000);
        let smsc = Smsc::in_memory(behaviour, 1);
        let client = setup(&smsc).client();
        client.connect().await.unwrap();
        sleep(Duration::from_secs(999)).await;
        assert_eq!(client.state(), State::Open);
        sleep(Duration::from_secs(2)).await;
        assert_eq!(client.state(), State::Closed);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_smsc_is_asked_as_often_as_the_setup_says() {
    local(async {
        let smsc = Smsc::in_memory(Behaviour::default(), 1);
        for (interval, expected) in [(None, 0), (Some(Duration::from_secs(7)), 8)] {
            let client = bound_as(setup(&smsc).enquire_link_interval(interval)).await;
            let asked = Arc::new(AtomicU64::new(0));
            let counting = asked.clone();
            client.on(CommandId::ENQUIRE_LINK_RESP, move |pdu| {
                // Those that go out answer the SMSC.
                counting.fetch_add(u64::from(pdu.passage == Passage::Received), Ordering::Relaxed);
            });
            sleep(Duration::from_secs(60)).await;
            assert_eq!(asked.load(Ordering::Relaxed), expected, "{interval:?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn every_request_of_an_esme_is_a_method_and_ends_with_its_response() {
    local(async {
        let behaviour = Behaviour {
            receipts_after: Some(Duration::from_secs(60)),
            ..Behaviour::default()
        };
        let smsc = Smsc::in_memory(behaviour, 1);
        let client = bound(&smsc).await;
        let Some(Pdu::SubmitSmResp(sent)) = client.submit_sm(submit()).await.unwrap().pdu else {
            panic!("no response")
        };
        let message_id = sent.message_id.clone();
        let query = QuerySm {
            message_id: message_id.clone(),
            ..QuerySm::default()
        };
        let replace = ReplaceSm {
            message_id: message_id.clone(),
            ..ReplaceSm::default()
        };
        let cancel = CancelSm {
            message_id,
            destination_addr: "4178481818".parse().unwrap(),
            ..CancelSm::default()
        };
        let multi = SubmitMulti {
            dest_address: ["447700900123", "447700900124"]
                .map(|address| DestAddress::Sme {
                    dest_addr_ton: Ton::INTERNATIONAL,
                    dest_addr_npi: Npi::ISDN,
                    destination_addr: address.parse().unwrap(),
                })
                .to_vec(),
            ..SubmitMulti::default()
        };
        let data = DataSm {
            destination_addr: "4178481818".parse().unwrap(),
            ..DataSm::default()
        };
        let answered = [
            client.query_sm(query.clone()).await,
            client.replace_sm(replace).await,
            client.cancel_sm(cancel).await,
            client.submit_multi(multi).await,
            client.data_sm(data).await,
        ];
        let names: Vec<_> = answered
            .into_iter()
            .map(|answered| {
                let answered = answered.unwrap();
                assert!(answered.is_ok(), "{answered:?}");
                answered.pdu.unwrap().command_id().name().unwrap()
            })
            .collect();
        let wanted = [
            "query_sm_resp",
            "replace_sm_resp",
            "cancel_sm_resp",
            "submit_multi_resp",
            "data_sm_resp",
        ];
        assert_eq!(names, wanted);
        // What the SMSC does not want is an answer too.
        let nothing = QuerySm {
            message_id: "none".parse().unwrap(),
            ..query
        };
        let refused = client.query_sm(nothing).await.unwrap();
        assert_eq!(refused.status, CommandStatus::ESME_RINVMSGID);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn more_requests_than_the_window_holds_wait_for_their_turn() {
    local(async {
        let behaviour = Behaviour {
            delay: Duration::from_millis(100),
            ..Behaviour::default()
        };
        let smsc = Smsc::in_memory(behaviour, 1);
        let client = bound(&smsc).await;
        let begin = Instant::now();
        let all = (0..100).map(|_| client.submit_sm(submit()));
        for answered in futures_util::future::join_all(all).await {
            assert!(answered.unwrap().is_ok());
        }
        assert_eq!(begin.elapsed(), Duration::from_secs(1));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn disconnecting_says_nothing_and_dropping_unbinds() {
    local(async {
        let behaviour = Behaviour {
            delay: Duration::from_secs(10),
            ..Behaviour::default()
        };
        let smsc = Smsc::in_memory(behaviour, 1);
        let client = bound(&smsc).await;
        let log = Log::of_all(&client);
        let sending = spawn_local({
            let client = client.clone();
            async move { client.submit_sm(submit()).await }
        });
        sleep(Duration::from_millis(1)).await;
        client.disconnect().await;
        let unknown = sending.await.unwrap();
        assert!(
            matches!(unknown, Err(ClientError::Request(SubmitError::Unknown { .. }))),
            "{unknown:?}"
        );
        assert_eq!(log.take(), [">submit_sm"]);
        client.disconnect().await;
        assert_eq!(client.read_one_pdu().await, Ok(true), "the response to the bind");
        assert_eq!(client.read_one_pdu().await, Ok(false));

        client.connect().await.unwrap();
        client.bind_transceiver("a", "secret").await.unwrap();
        log.take();
        drop(client);
        sleep(Duration::from_secs(1)).await;
        assert_eq!(log.take(), [">unbind", "<unbind_resp"]);
        assert_eq!(smsc.counters().links, 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_tlv_of_ones_own_is_put_and_found_by_its_name() {
    local(async {
        let smsc = Smsc::in_memory(witnessing(), 1);
        let tag = TlvTag::new(0x1401);
        let vendor_tag = CustomTlv::new("vendor_tag", tag, TlvKind::Octets, 2..=2);
        let commands = [CommandId::DATA_SM, CommandId::DELIVER_SM];
        let registry = TlvRegistry::with([vendor_tag.only_in(&commands)]).unwrap();
        let client = bound_as(setup(&smsc).tlvs(registry)).await;
        let value = FieldValue::Octets(b"\xa8\xec".into());
        let mut data = DataSm::default();
        let tlvs = client.tlvs();
        tlvs.put(CommandId::DATA_SM, &mut data.tlvs, "vendor_tag", &value)
            .unwrap();
        client.data_sm(data).await.unwrap();
        let came = smsc
            .witness()
            .sightings
            .into_iter()
            .find_map(|sighting| match sighting.what {
                Seen::Message(message) => message.tlvs.find(tag).map(<[u8]>::to_vec),
                _ => None,
            });
        assert_eq!(came.as_deref(), Some(&b"\xa8\xec"[..]));

        let found = Arc::new(Mutex::new(None));
        let (finding, registry) = (found.clone(), tlvs.clone());
        client.on(CommandId::DELIVER_SM, move |pdu| {
            if let Ok(Pdu::DeliverSm(deliver)) = pdu.pdu.as_deref() {
                let value = registry.get(CommandId::DELIVER_SM, deliver.tlvs.view(), "vendor_tag");
                *finding.lock().unwrap() = value.map(|value| value.to_string());
            }
        });
        let mut message = deliver(b"");
        message.tlvs.push_raw(tag, b"\xf4\xe0").unwrap();
        smsc.deliver("a", message);
        sleep(Duration::from_millis(10)).await;
        assert_eq!(found.lock().unwrap().as_deref(), Some("f4e0"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_busy_smsc_answers_and_the_answer_is_no_error() {
    local(async {
        let faults = Faults {
            refused_messages: Shares::new([(CommandStatus::ESME_RTHROTTLED, 1.0)]),
            ..Faults::default()
        };
        let smsc = Smsc::in_memory(
            Behaviour {
                faults,
                ..Behaviour::default()
            },
            1,
        );
        let client = bound(&smsc).await;
        let answered = client.submit_sm(submit()).await.unwrap();
        assert_eq!(
            (answered.status, answered.is_ok()),
            (CommandStatus::ESME_RTHROTTLED, false)
        );
    })
    .await;
}

#[test]
fn threads_without_a_runtime_use_the_same_client() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let smsc = runtime
        .block_on(Smsc::listen("127.0.0.1:0", Behaviour::default(), 1))
        .unwrap();
    let client = blocking::Client::new(smsc.local_addr().unwrap()).unwrap();
    let came = Arc::new(AtomicU64::new(0));
    let counting = came.clone();
    client.on(CommandId::SUBMIT_SM_RESP, move |pdu| {
        counting.fetch_add(u64::from(pdu.is_ok()), Ordering::Relaxed);
    });
    client.connect().unwrap();
    client.bind_transmitter("username", "pass").unwrap();
    std::thread::scope(|scope| {
        let listening = scope.spawn(|| client.listen());
        let senders: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| (0..25).for_each(|_| assert!(client.submit_sm(submit()).unwrap().is_ok())))
            })
            .collect();
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        client.unbind().unwrap();
        listening.join().unwrap().unwrap();
    });
    assert_eq!(came.load(Ordering::Relaxed), 100);
    assert_eq!(client.state(), State::Closed);
    drop(client);
    runtime.block_on(smsc.shutdown());
}

#[test]
fn a_client_of_a_thread_unbinds_before_it_is_gone() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let smsc = runtime
        .block_on(Smsc::listen("127.0.0.1:0", Behaviour::default(), 1))
        .unwrap();
    let agreed = Arc::new(AtomicU64::new(0));
    let connect = || {
        let client = blocking::Client::new(smsc.local_addr().unwrap()).unwrap();
        let counting = agreed.clone();
        client.on(CommandId::UNBIND_RESP, move |_| {
            counting.fetch_add(1, Ordering::Relaxed);
        });
        client.connect().unwrap();
        client.bind_transceiver("username", "pass").unwrap();
        client
    };
    drop(connect());
    assert_eq!(agreed.load(Ordering::Relaxed), 1);
    let client = connect();
    let clone = client.clone();
    drop(client);
    assert_eq!(
        (clone.state(), agreed.load(Ordering::Relaxed)),
        (State::BoundTrx, 1)
    );
    drop(clone);
    runtime.block_on(smsc.shutdown());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_works_in_a_runtime_of_many_threads() {
    let smsc = Smsc::listen("127.0.0.1:0", Behaviour::default(), 1)
        .await
        .unwrap();
    let client = Client::new(smsc.local_addr().unwrap());
    client.connect().await.unwrap();
    client.bind_transceiver("a", "secret").await.unwrap();
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.submit_sm(submit()).await })
        })
        .collect();
    for task in tasks {
        assert!(task.await.unwrap().unwrap().is_ok());
    }
    client.unbind().await.unwrap();
    smsc.shutdown().await;
}
