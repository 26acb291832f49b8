//! How a bind comes up, goes down and comes back.

use super::*;

#[tokio::test(start_paused = true)]
async fn refused_credentials_are_waited_out_and_reported() {
    local(async {
        let mut bench = Bench::start(settings()).await;
        let header = bench.read(BIND).await;
        bench
            .write(BIND | RESP, 0x0E, header.sequence_number.value(), b"")
            .await;
        let cause = bench.phase("waiting").await;
        let refused = CloseCause::BindRefused(CommandStatus::ESME_RINVPASWD);
        assert_eq!(cause, Cause::Session(refused));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_paused_bind_unbinds_and_comes_back_when_it_is_told_to() {
    local(async {
        let mut bench = Bench::bound(settings().window(1_usize)).await;
        let mut pending = bench.submit(2);
        let header = bench.read(SUBMIT).await;
        bench.bind.do_send(Control::Pause);
        assert_eq!(bench.returned().await.len(), 1, "what had not left");
        bench
            .write(SUBMIT | RESP, 0, header.sequence_number.value(), b"1\0")
            .await;
        let header = bench.read(UNBIND).await;
        bench
            .write(UNBIND | RESP, 0, header.sequence_number.value(), b"")
            .await;
        bench.phase("paused").await;
        assert!(pending.remove(0).await.is_ok());
        bench.bind.do_send(Control::Resume);
        bench.peer = bench.connections.recv().await.unwrap();
        bench.accept_bind().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_drained_bind_waits_for_its_answers_until_the_deadline() {
    local(async {
        let mut bench = Bench::bound(settings()).await;
        let mut pending = bench.submit(1);
        bench.read(SUBMIT).await;
        let deadline = link::now() + Duration::from_secs(5);
        bench.bind.do_send(Control::Drain { deadline });
        bench.phase("draining").await;
        let header = bench.read(UNBIND).await;
        assert!(link::now() >= deadline);
        assert!(matches!(
            pending.remove(0).await,
            Err(SubmitError::Unknown { .. })
        ));
        bench
            .write(UNBIND | RESP, 0, header.sequence_number.value(), b"")
            .await;
        loop {
            if let Report::Ended { clean } = bench.report().await {
                assert!(clean);
                break;
            }
        }
        bench.ended.await.unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn receipts_of_what_was_accepted_are_owed_when_the_rest_is_abandoned() {
    local(async {
        let mut bench = Bench::bound(settings()).await;
        let (reply, pending) = Reply::channel(Reference::Number(1));
        let submit = SubmitSm {
            registered_delivery: crate::pdu::RegisteredDelivery::FINAL,
            ..SubmitSm::default()
        };
        let parts = vec![submit.clone().into(), submit.into()];
        bench.assign(vec![Job::new(Parts::Many(parts), reply)]);
        bench.accept(b"first").await;
        bench.read(SUBMIT).await;
        let deadline = link::now() + Duration::from_secs(5);
        bench.bind.do_send(Control::Drain { deadline });
        bench.accept_unbind().await;
        assert!(matches!(pending.await, Err(SubmitError::Partial { .. })));
        assert!(bench.receipts.knows("first"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_bind_whose_router_is_gone_unbinds_and_ends() {
    local(async {
        let Bench {
            bind,
            ended,
            mut peer,
            ..
        } = Bench::bound(settings()).await;
        drop(bind);
        let mut octets = [0; 16];
        peer.read_exact(&mut octets).await.unwrap();
        assert_eq!(Header::parse(&octets).command_id.value(), UNBIND);
        timeout(Duration::from_secs(5), ended).await.unwrap().unwrap();
    })
    .await;
}

/// Makes the actor panic.
struct Panic;

impl Message for Panic {
    type Result = ();
}

impl Handler<Panic> for Bind {
    type Result = ();

    fn handle(&mut self, _: Panic, _: &mut Self::Context) {
        panic!("as asked");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_answers_every_message_at_once() {
    local(async {
        let mut bench = Bench::bound(settings().window(1_usize)).await;
        let mut pending = bench.submit(2);
        bench.read(SUBMIT).await;
        bench.bind.do_send(Panic);
        assert!(bench.ended.await.unwrap_err().is_panic());
        let written = pending.remove(0).await;
        assert!(matches!(written, Err(SubmitError::Unknown { .. })), "{written:?}");
        let waiting = pending.remove(0).await;
        assert_eq!(
            waiting,
            Err(SubmitError::NotSent {
                cause: NotSentCause::Dropped
            })
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_status_costs_one_question() {
    local(async {
        let mut bench = Bench::bound(settings()).await;
        let _pending = bench.submit(3);
        bench.read(SUBMIT).await;
        let status = bench.bind.send(GetBindStatus).await.unwrap();
        assert_eq!(
            (status.phase, status.in_flight, status.window),
            (Phase::Bound, 3, 10)
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_unbinds_gets_no_more_messages_and_its_answers_still_count() {
    local(async {
        let mut bench = Bench::bound(settings().window(1_usize)).await;
        let mut pending = bench.submit(2);
        let header = bench.read(SUBMIT).await;
        bench.write(UNBIND, 0, 77, b"").await;
        let cause = bench.phase("draining").await;
        assert_eq!(cause, Cause::Session(CloseCause::PeerUnbound));
        assert_eq!(bench.returned().await.len(), 1, "at once");
        bench.read(UNBIND | RESP).await;
        bench.answer(header, 0, b"1\0").await;
        assert!(pending.remove(0).await.is_ok());
        let later = bench.submit(1);
        assert_eq!(bench.returned().await.len(), 1, "it is not bound");
        drop(later);
        bench.peer.shutdown().await.unwrap();
        bench.rebound().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_bind_that_is_resumed_while_it_goes_down_binds_anew() {
    local(async {
        let mut bench = Bench::bound(settings()).await;
        let mut pending = bench.submit(1);
        let header = bench.read(SUBMIT).await;
        bench.bind.do_send(Control::Pause);
        bench.bind.do_send(Control::Resume);
        bench.answer(header, 0, b"1\0").await;
        bench.accept_unbind().await;
        assert!(pending.remove(0).await.is_ok());
        bench.rebound().await;
        let _pending = bench.submit(1);
        bench.read(SUBMIT).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_old_connection_is_closed_before_a_new_one_is_made() {
    local(async {
        let mut bench = Bench::bound(settings()).await;
        // The peer only unbinds and never closes.
        bench.write(UNBIND, 0, 77, b"").await;
        bench.read(UNBIND | RESP).await;
        let next = bench.connections.recv().await.unwrap();
        assert_eq!(bench.peer.read(&mut [0; 16]).await.unwrap(), 0, "closed");
        bench.peer = next;
        bench.accept_bind().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stopped_bind_ends_at_once_and_says_what_it_does_not_know() {
    local(async {
        let mut bench = Bench::bound(settings().window(1_usize)).await;
        let mut pending = bench.submit(2);
        bench.read(SUBMIT).await;
        bench.bind.do_send(Control::Stop);
        assert!(matches!(
            pending.remove(0).await,
            Err(SubmitError::Unknown { .. })
        ));
        assert_eq!(bench.returned().await.len(), 1);
        bench.read(UNBIND).await;
        timeout(Duration::from_secs(2), bench.ended)
            .await
            .unwrap()
            .unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_holds_the_session_is_left_alone_for_a_minute() {
    local(async {
        let mut bench = Bench::start(settings()).await;
        let header = bench.read(BIND).await;
        bench.answer(header, 0x05, b"").await;
        bench.phase("waiting").await;
        let refused = link::now();
        bench.connections.recv().await.unwrap();
        assert!(link::now() - refused >= Duration::from_secs(60));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn after_a_session_without_progress_a_refused_bind_changes_nothing_and_one_message_goes_first() {
    local(async {
        let settings = settings()
            .window(3_usize)
            .response_timeout(Duration::from_secs(1))
            .enquire_link_interval(None);
        let mut bench = Bench::bound(settings).await;
        let pending = bench.submit(4);
        assert_eq!(
            bench.phase("waiting").await,
            Cause::Session(CloseCause::NoProgress)
        );
        bench.peer = bench.connections.recv().await.unwrap();
        let header = bench.read(BIND).await;
        bench.answer(header, 0x05, b"").await;
        bench.phase("waiting").await;
        bench.peer = bench.connections.recv().await.unwrap();
        let header = bench.read(BIND).await;
        bench.answer(header, 0, b"\0").await;
        bench.phase("bound").await;
        let jobs = (5..=7).map(|number| job(1, number).0).collect();
        bench.assign(jobs);
        let first = bench.read(SUBMIT).await;
        let second = timeout(Duration::from_millis(10), bench.read(SUBMIT)).await;
        assert!(second.is_err(), "one goes first");
        bench.answer(first, 0, b"1\0").await;
        bench.read(SUBMIT).await;
        bench.read(SUBMIT).await;
        drop(pending);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn garbage_ends_the_session_and_not_the_bind() {
    local(async {
        let mut bench = Bench::bound(settings()).await;
        let mut pending = bench.submit(1);
        bench.read(SUBMIT).await;
        bench.peer.write_all(&[0xFF; 64]).await.unwrap();
        assert!(matches!(
            pending.remove(0).await,
            Err(SubmitError::Unknown { .. })
        ));
        bench.rebound().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn where_transceivers_are_unknown_the_bind_falls_back() {
    local(async {
        let settings = settings().fallback_mode(Mode::Transmitter);
        let mut bench = Bench::start(settings).await;
        let header = bench.read(BIND).await;
        bench.answer(header, 0x03, b"").await;
        bench.peer = bench.connections.recv().await.unwrap();
        let header = bench.read(0x02).await;
        bench.answer(header, 0, b"\0").await;
        bench.phase("bound").await;
        let pending = bench.submit(1);
        bench.accept(b"1").await;
        for one in pending {
            assert!(one.await.is_ok());
        }
    })
    .await;
}
