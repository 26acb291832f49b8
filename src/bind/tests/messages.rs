//! What becomes of messages.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_message_goes_out_and_its_answer_comes_back() {
    local(async {
        let mut bench = Bench::bound(settings()).await;
        let mut pending = bench.submit(1);
        let header = bench.read(SUBMIT).await;
        bench
            .write(SUBMIT | RESP, 0, header.sequence_number.value(), b"42\0")
            .await;
        let submitted = pending.remove(0).await.unwrap();
        assert_eq!(
            (submitted.message_id().to_text().as_ref(), submitted.bind.as_str()),
            ("42", "a-1")
        );
        assert!(matches!(
            bench.report().await,
            Report::Seats {
                freed: 1,
                capacity: 20
            }
        ));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_rejected_message_says_why() {
    local(async {
        let mut bench = Bench::bound(settings()).await;
        let mut pending = bench.submit(1);
        let header = bench.read(SUBMIT).await;
        bench
            .write(SUBMIT | RESP, 0x0B, header.sequence_number.value(), b"")
            .await;
        let error = pending.remove(0).await.unwrap_err();
        let status = CommandStatus::ESME_RINVDSTADR;
        assert_eq!(
            error,
            SubmitError::Rejected {
                status,
                bind: "a-1".into()
            }
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_broken_link_returns_what_was_not_written_and_knows_nothing_of_the_rest() {
    local(async {
        let mut bench = Bench::bound(settings().window(2_usize)).await;
        let mut pending = bench.submit(3);
        bench.read(SUBMIT).await;
        bench.read(SUBMIT).await;
        bench.peer.shutdown().await.unwrap();
        let returned = bench.returned().await;
        assert_eq!(returned.iter().map(|job| job.intake()).collect::<Vec<_>>(), [3]);
        for pending in pending.drain(..2) {
            assert!(matches!(pending.await, Err(SubmitError::Unknown { .. })));
        }
        let again = bench.connections.recv().await;
        assert!(again.is_some(), "it connects again by itself");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn jobs_for_a_bind_that_is_not_bound_go_back() {
    local(async {
        let mut bench = Bench::start(settings()).await;
        let _pending = bench.submit(2);
        assert_eq!(bench.returned().await.len(), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_throttled_message_goes_back_in_its_order_with_all_that_had_not_left() {
    local(async {
        let mut bench = Bench::bound(settings().window(2_usize)).await;
        let _pending = bench.submit(4);
        let first = bench.read(SUBMIT).await;
        bench.read(SUBMIT).await;
        bench
            .write(SUBMIT | RESP, 0x58, first.sequence_number.value(), b"")
            .await;
        let returned = bench.returned().await;
        assert_eq!(
            returned.iter().map(|job| job.intake()).collect::<Vec<_>>(),
            [1, 3, 4]
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_is_tried_again_later_and_not_for_ever() {
    local(async {
        let mut bench = Bench::bound(settings().enquire_link_interval(None)).await;
        let mut pending = bench.submit(1);
        let start = link::now();
        for attempt in 0..5 {
            let header = bench.read(SUBMIT).await;
            let waited = (link::now() - start).as_secs();
            assert_eq!(waited, [0, 1, 3, 6, 10][attempt], "attempt {attempt}");
            bench
                .write(SUBMIT | RESP, 0x14, header.sequence_number.value(), b"")
                .await;
        }
        let error = pending.remove(0).await.unwrap_err();
        assert!(matches!(
            error,
            SubmitError::Rejected {
                status: CommandStatus::ESME_RMSGQFUL,
                ..
            }
        ));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn ten_parts_go_over_a_window_of_five_in_order() {
    local(async {
        let mut bench = Bench::bound(settings().window(5_usize)).await;
        let (job, pending) = job(10, 1);
        bench.assign(vec![job]);
        for part in 0..10_u8 {
            let header = bench.read(SUBMIT).await;
            bench
                .write(
                    SUBMIT | RESP,
                    0,
                    header.sequence_number.value(),
                    &[b'0' + part, 0],
                )
                .await;
        }
        let submitted = pending.await.unwrap();
        let ids: Vec<_> = submitted
            .message_ids
            .iter()
            .map(|id| id.to_text().into_owned())
            .collect();
        assert_eq!(ids, (0..10).map(|id| id.to_string()).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_waited_too_long_is_not_sent() {
    local(async {
        let mut bench = Bench::bound(settings().window(1_usize)).await;
        let _first = bench.submit(1);
        let header = bench.read(SUBMIT).await;
        let submit = Submit::from(SubmitSm::default()).validity(Duration::from_secs(5));
        let (job, pending) = prepared(submit, 2);
        bench.assign(vec![job]);
        tokio::time::sleep(Duration::from_secs(6)).await;
        bench
            .write(SUBMIT | RESP, 0, header.sequence_number.value(), b"1\0")
            .await;
        assert_eq!(pending.await, Err(SubmitError::Expired));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn messages_that_wait_for_another_attempt_take_no_room_from_others() {
    local(async {
        let mut bench = Bench::bound(settings().window(2_usize)).await;
        let _pending = bench.submit(1);
        let header = bench.read(SUBMIT).await;
        bench.answer(header, 0x14, b"").await;
        assert_eq!(bench.capacity().await, 5, "one more than usual");
        bench.accept(b"1").await;
        loop {
            if bench.capacity().await == 4 {
                break;
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_bind_has_few_seats() {
    local(async {
        let mut bench = Bench::bound(settings().rate(1.0)).await;
        let _pending = bench.submit(1);
        bench.read(SUBMIT).await;
        assert_eq!(bench.capacity().await, 2, "one in flight and one that follows");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_may_be_sent_twice_goes_back_when_the_link_breaks_and_no_more_than_twice() {
    local(async {
        let mut bench = Bench::bound(settings()).await;
        let (mut job, pending) = at_least_once(1);
        for _ in 0..2 {
            bench.assign(vec![job]);
            bench.read(SUBMIT).await;
            bench.peer.shutdown().await.unwrap();
            job = bench.returned().await.remove(0);
            bench.rebound().await;
        }
        bench.assign(vec![job]);
        bench.read(SUBMIT).await;
        bench.peer.shutdown().await.unwrap();
        assert!(matches!(pending.await, Err(SubmitError::Unknown { .. })));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_may_be_sent_twice_waits_for_a_late_response_first() {
    local(async {
        let mut bench = Bench::bound(settings().enquire_link_interval(None)).await;
        let (one, pending) = at_least_once(1);
        let (other, _pending) = at_least_once(2);
        bench.assign(vec![one, other]);
        let late = bench.read(SUBMIT).await;
        bench.read(SUBMIT).await;
        let sent = link::now();
        tokio::time::sleep(Duration::from_secs(40)).await;
        bench.answer(late, 0, b"late\0").await;
        let submitted = pending.await.unwrap();
        assert_eq!(submitted.message_id().to_text(), "late");
        let returned = bench.returned().await;
        assert_eq!(returned.iter().map(|job| job.intake()).collect::<Vec<_>>(), [2]);
        assert_eq!((link::now() - sent).as_secs(), 90, "three response timeouts");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_without_a_response_is_unknown() {
    local(async {
        let bench = &mut Bench::bound(settings().enquire_link_interval(None)).await;
        let mut pending = bench.submit(1);
        let header = bench.read(SUBMIT).await;
        assert_eq!(
            pending.remove(0).await,
            Err(SubmitError::Unknown {
                bind: "a-1".into(),
                sequence: header.sequence_number,
                cause: UnknownCause::ResponseExpired
            })
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_late_response_tells_what_became_of_what_was_unknown() {
    local(async {
        let mut bench = Bench::bound(settings().enquire_link_interval(None)).await;
        let (events, mut seen) = mpsc::unbounded_channel();
        let listener = deliveries::Listener(events).start().recipient();
        bench.hub.subscribe(listener, Kinds::LATE | Kinds::RECEIPTS);
        let (reply, pending) = Reply::channel(Reference::Number(7));
        let submit = SubmitSm {
            registered_delivery: crate::pdu::RegisteredDelivery::FINAL,
            ..SubmitSm::default()
        };
        bench.assign(vec![Job::new(Parts::One(submit.into()), reply)]);
        let request = bench.read(SUBMIT).await;
        assert!(matches!(pending.await, Err(SubmitError::Unknown { .. })));

        bench.answer(request, 0, b"late\0").await;
        let Some(Event::Late(late)) = seen.recv().await else {
            panic!("no late response")
        };
        assert_eq!(
            (late.reference.clone(), late.part, late.sequence, late.status),
            (
                Reference::Number(7),
                0,
                request.sequence_number,
                CommandStatus::ESME_ROK
            )
        );
        assert_eq!(late.message_id.to_text(), "late");

        bench.deliver(b"id:late stat:DELIVRD", 0x04).await;
        bench.read(DELIVER | RESP).await;
        let Some(Event::Receipt(receipt)) = seen.recv().await else {
            panic!("no receipt")
        };
        assert_eq!(receipt.message.as_ref().unwrap().reference, Reference::Number(7));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_us_for_not_bound_is_bound_anew_and_gets_the_message_again() {
    local(async {
        let mut bench = Bench::bound(settings()).await;
        let mut pending = bench.submit(1);
        // In three sessions it may be the session; in a fourth it is the message.
        for _ in 0..3 {
            let header = bench.read(SUBMIT).await;
            bench.answer(header, 0x04, b"").await;
            bench.accept_unbind().await;
            let returned = bench.returned().await;
            bench.rebound().await;
            bench.assign(returned);
        }
        let header = bench.read(SUBMIT).await;
        bench.answer(header, 0x04, b"").await;
        let error = pending.remove(0).await.unwrap_err();
        assert!(matches!(error, SubmitError::Rejected { .. }), "{error:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_a_long_message_only_the_part_that_was_refused_is_sent_again() {
    local(async {
        let mut bench = Bench::bound(settings().enquire_link_interval(None)).await;
        let (job, pending) = job(3, 1);
        bench.assign(vec![job]);
        for (part, status) in [(b"1", 0), (b"2", 0x14), (b"3", 0)] {
            let header = bench.read(SUBMIT).await;
            let body: &[u8] = if status == 0 { &[part[0], 0] } else { b"" };
            bench.answer(header, status, body).await;
        }
        bench.accept(b"again").await;
        let ids = pending.await.unwrap().message_ids;
        assert_eq!(
            ids.iter().map(|id| id.to_text()).collect::<Vec<_>>(),
            ["1", "again", "3"]
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_long_message_that_loses_its_bind_half_way_goes_back_with_what_is_left() {
    local(async {
        let mut bench = Bench::bound(settings().window(1_usize)).await;
        let (job, pending) = job(3, 1);
        bench.assign(vec![job]);
        bench.accept(b"1").await;
        bench.read(SUBMIT).await;
        bench.peer.shutdown().await.unwrap();
        let job = bench.returned().await.remove(0);
        assert_eq!((job.unfinished(), job.next_part()), (1, Some(2)));
        bench.rebound().await;
        bench.assign(vec![job]);
        bench.accept(b"3").await;
        let Err(SubmitError::Partial { parts }) = pending.await else {
            panic!("not partial")
        };
        assert!(matches!(
            parts[..],
            [Ok(_), Err(SubmitError::Unknown { .. }), Ok(_)]
        ));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_rate_does_not_start_anew_with_each_connection() {
    local(async {
        let mut bench = Bench::bound(settings().rate(1.0).backoff_initial(Duration::from_millis(1))).await;
        let _pending = bench.submit(1);
        bench.read(SUBMIT).await;
        let first = link::now();
        bench.peer.shutdown().await.unwrap();
        bench.rebound().await;
        assert!(link::now() - first < Duration::from_millis(500), "back in time");
        let _pending = bench.submit(1);
        bench.read(SUBMIT).await;
        assert!(link::now() - first >= Duration::from_secs(1));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_slowed_down_is_slow_after_a_new_connection_too() {
    local(async {
        let mut bench = Bench::bound(settings().rate(10.0).backoff_initial(Duration::from_millis(1))).await;
        let _pending = bench.submit(1);
        let header = bench.read(SUBMIT).await;
        bench.answer(header, 0x58, b"").await;
        let throttled = link::now();
        let jobs = bench.returned().await;
        bench.peer.shutdown().await.unwrap();
        bench.rebound().await;
        bench.assign(jobs);
        bench.read(SUBMIT).await;
        assert!(
            link::now() - throttled >= Duration::from_secs(1),
            "the pause lasts"
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_long_message_that_is_refused_as_not_bound_halfway_goes_on_in_another_session() {
    local(async {
        let mut bench = Bench::bound(settings().enquire_link_interval(None)).await;
        let (job, pending) = job(3, 1);
        bench.assign(vec![job]);
        bench.accept(b"1").await;
        for _ in 0..2 {
            let header = bench.read(SUBMIT).await;
            bench.answer(header, 0x04, b"").await;
        }
        // Nothing more is sent in this one.
        bench.accept_unbind().await;
        let returned = bench.returned().await;
        assert_eq!(returned[0].unfinished(), 2);
        bench.rebound().await;
        bench.assign(returned);
        bench.accept(b"2").await;
        bench.accept(b"3").await;
        let ids = pending.await.unwrap().message_ids;
        assert_eq!(
            ids.iter().map(|id| id.to_text()).collect::<Vec<_>>(),
            ["1", "2", "3"]
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn every_part_that_may_be_sent_twice_is_sent_again_after_a_break() {
    local(async {
        let mut bench = Bench::bound(settings()).await;
        let text = "x".repeat(153 * 5);
        let (job, pending) = prepared(Submit::text("447700900123", text).at_least_once(), 1);
        bench.assign(vec![job]);
        for _ in 0..5 {
            bench.read(SUBMIT).await;
        }
        bench.peer.shutdown().await.unwrap();
        let returned = bench.returned().await;
        assert_eq!(returned[0].unfinished(), 5);
        bench.rebound().await;
        bench.assign(returned);
        for _ in 0..5 {
            bench.accept(b"id").await;
        }
        assert_eq!(pending.await.unwrap().message_ids.len(), 5);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_response_that_comes_after_one_that_put_it_in_doubt_is_told_as_late() {
    local(async {
        let mut bench = Bench::bound(settings().enquire_link_interval(None)).await;
        let mut events = bench.hub.events(Kinds::LATE, crate::events::Policy::default());
        let mut pending = bench.submit(1);
        let request = bench.read(SUBMIT).await;
        bench.write(0x8000_0000, 0x03, 0, b"").await;
        let error = pending.remove(0).await.unwrap_err();
        assert!(matches!(
            error,
            SubmitError::Unknown {
                cause: UnknownCause::WrongResponse,
                ..
            }
        ));
        bench.answer(request, 0, b"late\0").await;
        let Some(Event::Late(late)) = events.next().await else {
            panic!("no late response")
        };
        assert_eq!(late.message_id.to_text(), "late");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_answer_to_a_question_that_nobody_waits_for_any_more_is_no_answer_to_the_next() {
    local(async {
        let mut bench = Bench::bound(settings().enquire_link_interval(None)).await;
        let ask = |bench: &Bench, timeout| {
            let request = Request::new(QuerySm::default()).timeout(Duration::from_secs(timeout));
            let (inquiry, answer) = Inquiry::new(request, link::now());
            bench.bind.do_send(Ask(inquiry));
            answer
        };
        let first = ask(&bench, 1);
        let asked = bench.read(QUERY).await;
        assert!(matches!(first.await, Ok(Err(SubmitError::Unknown { .. }))));
        let second = ask(&bench, 20);
        let asked_next = bench.read(QUERY).await;
        bench.answer(asked, 0x67, b"").await;
        bench.answer(asked_next, 0, b"2\0\0\x02\0").await;
        let answer = second.await.unwrap().unwrap();
        assert_eq!(
            (answer.sequence, answer.status),
            (asked_next.sequence_number, CommandStatus::ESME_ROK)
        );
    })
    .await;
}
