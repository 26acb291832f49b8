//! The router with binds that do what the test says, in virtual time.

mod bench;
mod health;
mod routes;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use actix::prelude::*;
use tokio::task::LocalSet;
use tokio::time::{advance, timeout};

use super::*;
use crate::bind::messages::{
    Ask, Assign, BindCounters, BindStatus, Control, GetBindStatus, Identity, Report, Reporter, Reports,
    Retune, Withdraw,
};
use crate::bind::{BindSetup, Manner};
use crate::events::{Alarm, AlarmEvent, BindEvent, Cause, Kinds, OutcomeEvent, Phase};
use crate::link::TcpConnector;
use crate::pdu::{CommandStatus, SequenceNumber, SubmitSm};
use crate::settings::{BindSettings, Mode, RouteSettings};
use crate::submit::{
    BindId, Job, MessageId, NotSentCause, Parts, Pending, Reference, SubmitError, UnknownCause,
};
use bench::{Bench, Order, Watcher, bind, local, numbered, references, settle, two};

#[tokio::test(start_paused = true)]
async fn messages_go_where_room_is_and_the_rest_waits_in_order() {
    local(async {
        let bench = Bench::start(two());
        bench.flood(0..3).await;
        assert_eq!(
            (bench.jobs().await, bench.status().await.waiting),
            (vec![0, 0], 3)
        );

        bench.order("a-1", Order::Bind(4)).await;
        bench.order("a-2", Order::Bind(2)).await;
        assert_eq!(bench.jobs().await, [3, 0]);
        bench.flood(3..10).await;
        assert_eq!(
            (bench.jobs().await, bench.status().await.waiting),
            (vec![4, 2], 4)
        );

        bench.order("a-1", Order::Accept(4)).await;
        bench.order("a-1", Order::Accept(4)).await;
        bench.order("a-2", Order::Accept(2)).await;
        let outcomes = bench.watcher.outcomes();
        assert!(
            outcomes
                .iter()
                .all(|outcome| outcome.result.is_ok() && !outcome.awaited)
        );
        let mut seen = references(&outcomes);
        assert_eq!(seen[..3], [0, 1, 2]);
        assert!(seen[4..8].is_sorted());
        seen.sort_unstable();
        assert_eq!(seen, Vec::from_iter(0..10));
        let totals = bench.started.books.totals();
        assert_eq!((totals.taken, totals.submitted, totals.under_way()), (10, 10, 0));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_many_binds_each_says_itself_how_it_is() {
    local(async {
        let names: Vec<_> = (0..200).map(|number| format!("a-{number:03}")).collect();
        let add = |settings: Settings, name: &String| settings.bind(name, bind().account("a"));
        let bench = Bench::start(names.iter().fold(Settings::default(), add));
        for name in &names {
            bench.order(name, Order::Bind(1)).await;
        }
        bench.flood(0..200).await;
        let status = bench.status().await;
        let told: Vec<_> = status.binds.iter().map(|bind| bind.bind.as_str()).collect();
        assert_eq!(told, names);
        assert_eq!(bench.jobs().await, [1; 200]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_goes_to_whoever_waits_for_it_and_batches_come_back_in_order() {
    local(async {
        let bench = Bench::start(two());
        bench.order("a-1", Order::Bind(4)).await;
        let one = bench.submit(numbered(0));
        let batch = SubmitBatch(vec![numbered(1), numbered(2).bind("nobody"), numbered(3)]);
        let batch = bench.started.address.send(batch);
        settle().await;
        bench.order("a-1", Order::Accept(3)).await;
        assert_eq!(one.await.unwrap().unwrap().bind.as_str(), "a-1");
        let results = batch.await.unwrap();
        assert!(results[0].is_ok() && results[2].is_ok());
        assert_eq!(results[1], Err(SubmitError::NoRoute));
        assert!(bench.watcher.outcomes().iter().all(|outcome| outcome.awaited));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn only_whoever_has_no_permit_finds_the_backlog_full() {
    local(async {
        let mut settings = two();
        settings.router.backlog_capacity = 3;
        settings.router.queue_capacity = 2;
        let bench = Bench::start(settings);
        bench.flood(0..5).await;
        let outcomes = bench.watcher.outcomes();
        assert_eq!(references(&outcomes), [3, 4]);
        assert!(
            outcomes
                .iter()
                .all(|outcome| outcome.result == Err(SubmitError::Busy))
        );

        let (first, second) = (bench.permitted(numbered(5)), bench.permitted(numbered(6)));
        assert_eq!(bench.started.books.try_acquire(), Err(SubmitError::Busy));
        assert_eq!(bench.status().await.waiting, 5);
        bench.order("a-1", Order::Bind(5)).await;
        bench.order("a-1", Order::Accept(5)).await;
        assert!(first.await.is_ok() && second.await.is_ok());
        assert_eq!(bench.started.books.free(), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_no_bind_could_ever_take_is_refused_at_once() {
    local(async {
        let receiver = two()
            .bind("r", bind().mode(Mode::Receiver))
            .route("empty", RouteSettings::new(["r"]));
        let bench = Bench::start(receiver);
        for submit in [
            numbered(0).bind("nobody"),
            numbered(0).bind("r"),
            numbered(0).route("nowhere"),
            numbered(0).route("empty"),
        ] {
            assert_eq!(bench.submit(submit).await.unwrap(), Err(SubmitError::NoRoute));
        }
        let invalid = bench.submit(Submit::text("x".repeat(30), "text")).await.unwrap();
        assert!(matches!(invalid, Err(SubmitError::Invalid { .. })));

        let bench = Bench::start(Settings::default());
        assert_eq!(
            bench.submit(numbered(0)).await.unwrap(),
            Err(SubmitError::NoRoute)
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_keeps_to_its_route_and_to_its_bind() {
    local(async {
        let bench = Bench::start(two());
        bench.order("a-2", Order::Bind(10)).await;
        for submit in [
            numbered(0).route("one"),
            numbered(1).bind("a-1"),
            numbered(2),
            numbered(3).bind("a-2"),
        ] {
            bench.started.address.do_send(submit);
        }
        assert_eq!(
            (bench.jobs().await, bench.status().await.waiting),
            (vec![0, 2], 2)
        );
        bench.order("a-1", Order::Bind(10)).await;
        assert_eq!(bench.jobs().await, [2, 2]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_longer_than_its_validity_expires_then() {
    local(async {
        let bench = Bench::start(two());
        let start = tokio::time::Instant::now();
        let late = bench.submit(numbered(0).validity(Duration::from_secs(9)));
        let soon = bench.submit(numbered(0).validity(Duration::from_secs(3)));
        assert_eq!(soon.await.unwrap(), Err(SubmitError::Expired));
        assert_eq!(start.elapsed().as_secs(), 3);
        assert_eq!(late.await.unwrap(), Err(SubmitError::Expired));
        assert_eq!(start.elapsed().as_secs(), 9);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn when_a_link_breaks_what_was_not_written_leaves_by_a_sibling_in_its_old_place() {
    local(async {
        let bench = Bench::start(two());
        bench.order("a-1", Order::Bind(4)).await;
        bench.flood(0..6).await;
        bench.order("a-1", Order::Write(2)).await;
        bench.order("a-1", Order::Lose).await;
        let lost = bench.watcher.outcomes();
        assert_eq!(references(&lost), [0, 1]);
        assert!(matches!(
            lost[0].result,
            Err(SubmitError::Unknown {
                cause: UnknownCause::LinkLost,
                ..
            })
        ));
        assert_eq!(bench.status().await.waiting, 4);

        bench.order("a-2", Order::Bind(4)).await;
        bench.order("a-2", Order::Accept(4)).await;
        assert_eq!(references(&bench.watcher.outcomes()), [2, 3, 4, 5]);

        // All seats of the first bind are free again.
        bench.order("a-1", Order::Bind(4)).await;
        bench.flood(6..14).await;
        assert_eq!(bench.jobs().await, [4, 4]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_bind_ends_its_messages_alone_and_the_bind_comes_back() {
    local(async {
        let bench = Bench::start(two());
        bench.order("a-1", Order::Bind(4)).await;
        bench.flood(0..4).await;
        bench.order("a-1", Order::Write(1)).await;
        bench.order("a-2", Order::Bind(1)).await;
        bench.flood(4..6).await;
        bench.order("a-1", Order::Panic).await;

        let events = bench.watcher.seen();
        let outcomes: Vec<_> = events
            .iter()
            .filter_map(|event| match event {
                Event::Outcome(outcome) => Some(outcome.clone()),
                _ => None,
            })
            .collect();
        assert_eq!(references(&outcomes), [0, 1, 2, 3]);
        let cause = UnknownCause::Dropped;
        assert!(
            matches!(&outcomes[0].result, Err(SubmitError::Unknown { cause: seen, .. }) if *seen == cause)
        );
        let not_sent = SubmitError::NotSent {
            cause: NotSentCause::Dropped,
        };
        assert!(
            outcomes[1..]
                .iter()
                .all(|outcome| outcome.result == Err(not_sent.clone()))
        );
        assert!(events.iter().any(|event| matches!(
            event,
            Event::Alarm(AlarmEvent {
                alarm: Alarm::Restarted { .. },
                ..
            })
        )));

        assert_eq!(
            (bench.jobs().await, bench.status().await.waiting),
            (vec![0, 1], 1)
        );
        bench.order("a-1", Order::Bind(4)).await;
        assert_eq!(bench.jobs().await, [1, 1]);
        let identities: Vec<_> = bench
            .fakes
            .borrow()
            .iter()
            .map(|(identity, ..)| identity.clone())
            .collect();
        assert_eq!(
            identities.last().unwrap(),
            &Identity {
                bind: "a-1".into(),
                incarnation: 3
            }
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_bind_that_panics_too_often_stays_down_and_strands_nobody_in_silence() {
    local(async {
        let mut settings = two();
        settings.router.restart_limit = 2;
        let bench = Bench::start(settings);
        let pinned = bench.submit(numbered(0).bind("a-1"));
        let free = bench.submit(numbered(1));
        for _ in 0..2 {
            bench.order("a-1", Order::Panic).await;
        }
        // Long enough ago to count no more.
        advance(Duration::from_secs(61)).await;
        for _ in 0..2 {
            bench.order("a-1", Order::Panic).await;
        }
        assert_eq!(bench.status().await.waiting, 2);
        bench.order("a-1", Order::Panic).await;
        let gave_up = Alarm::GaveUp { bind: "a-1".into() };
        assert_eq!(bench.watcher.alarms().last(), Some(&gave_up));
        let stopped = SubmitError::NotSent {
            cause: NotSentCause::Stopped,
        };
        assert_eq!(pinned.await.unwrap(), Err(stopped));
        assert_eq!(
            bench.submit(numbered(2).bind("a-1")).await.unwrap(),
            Err(SubmitError::NoRoute)
        );

        bench.order("a-2", Order::Bind(1)).await;
        bench.order("a-2", Order::Accept(1)).await;
        assert!(free.await.unwrap().is_ok());
        let status = bench.status().await;
        assert_eq!(
            (status.binds[0].bind.as_str(), status.binds[0].phase),
            ("a-1", Phase::Stopped)
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn shutting_down_answers_what_waits_and_reports_everything() {
    local(async {
        let bench = Bench::start(two());
        bench.order("a-1", Order::Bind(1)).await;
        bench.flood(0..3).await;
        bench.order("a-1", Order::Accept(1)).await;
        let waiting = bench.permitted(numbered(3));
        let blocked = bench.started.books.clone();
        let report = bench.shutdown(Duration::from_secs(5)).await;
        assert!(report.is_clean(), "{report:?}");
        assert_eq!((report.during.shutting_down, report.totals.submitted), (3, 1));
        assert_eq!(report.binds, [("a-1".into(), true), ("a-2".into(), true)]);
        assert_eq!(waiting.await, Err(SubmitError::ShuttingDown));
        assert_eq!(blocked.acquire(1).await, Err(SubmitError::ShuttingDown));
        settle().await;
        assert!(!bench.started.address.connected());
        assert!(bench.started.alive.clone().changed().await.is_err());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_bind_that_does_not_end_is_ended_after_the_grace() {
    local(async {
        let bench = Bench::start(two());
        bench.order("a-1", Order::Bind(2)).await;
        bench.flood(0..2).await;
        bench.order("a-1", Order::Write(1)).await;
        bench.order("a-1", Order::BeStubborn).await;
        let start = tokio::time::Instant::now();
        let report = bench.shutdown(Duration::from_secs(5)).await;
        assert!((5..10).contains(&start.elapsed().as_secs()));
        assert_eq!(report.binds, [("a-1".into(), false), ("a-2".into(), true)]);
        assert_eq!(
            (
                report.during.unknown,
                report.during.not_sent,
                report.totals.under_way()
            ),
            (1, 1, 0)
        );
    })
    .await;
}

#[derive(Message)]
#[rtype(result = "()")]
struct Explode;

impl Handler<Explode> for Router {
    type Result = ();

    fn handle(&mut self, _: Explode, _: &mut Context<Self>) {
        let _core = self.core.borrow_mut();
        panic!("as the test said");
    }
}

#[tokio::test(start_paused = true)]
async fn when_the_router_panics_everybody_is_told() {
    local(async {
        let mut settings = two();
        settings.router.queue_capacity = 1;
        let bench = Bench::start(settings);
        let inside = bench.permitted(numbered(0));
        let sent = bench.submit(numbered(1));
        settle().await;
        let books = bench.started.books.clone();
        let blocked = actix_rt::spawn(async move { books.acquire(1).await });
        settle().await;
        bench.started.address.do_send(Explode);
        let behind = bench.submit(numbered(2));
        assert_eq!(blocked.await.unwrap(), Err(SubmitError::ShuttingDown));
        let dropped = SubmitError::NotSent {
            cause: NotSentCause::Dropped,
        };
        assert_eq!(inside.await, Err(dropped.clone()));
        assert_eq!(sent.await.unwrap(), Err(dropped));
        assert!(behind.await.is_err());
        assert!(bench.started.ended.await.unwrap_err().is_panic());
        assert!(bench.started.alive.clone().changed().await.is_err());
        assert_eq!(bench.started.books.totals().under_way(), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_leaves_before_the_router_looked_never_came() {
    local(async {
        let bench = Bench::start(two());
        drop(bench.permitted(numbered(0)));
        drop(bench.submit(numbered(1)));
        let stays = bench.permitted(numbered(2));
        settle().await;
        assert_eq!(bench.started.books.totals().taken, 1);
        assert_eq!(bench.started.books.free(), bench.started.books.capacity() - 1);

        // Once it waits it goes on, and its outcome is an event.
        drop(stays);
        bench.order("a-1", Order::Bind(1)).await;
        bench.order("a-1", Order::Accept(1)).await;
        assert_eq!(references(&bench.watcher.outcomes()), [2]);
        assert_eq!(bench.started.books.free(), bench.started.books.capacity());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn others_have_their_turn_while_a_flood_is_drained() {
    local(async {
        for batch in [false, true] {
            let bench = Bench::start(two());
            bench.order("a-1", Order::Bind(1)).await;
            let router = &bench.started.address;
            if batch {
                router.do_send(SubmitBatch((0..50_000).map(numbered).collect()));
            } else {
                (0..50_000).for_each(|reference| router.do_send(numbered(reference)));
            }
            let mut turns = 0;
            while bench.started.books.totals().taken < 50_000 {
                turns += 1;
                bench.fake("a-1").do_send(Order::Accept(usize::MAX));
                tokio::task::yield_now().await;
            }
            // 49 parts; a report may end a part's pause early.
            assert!(turns > 20, "{turns} turns, batch: {batch}");
            // What binds report meanwhile counts meanwhile.
            let submitted = bench.started.books.totals().submitted;
            assert!(submitted > 20, "{submitted} submitted, batch: {batch}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_long_message_goes_on_at_a_bind_of_the_same_account_or_is_partial_in_the_end() {
    local(async {
        let bench = Bench::start(two().bind("b-1", bind()));
        let now = crate::link::now();
        let mut pendings = Vec::new();
        for validity in [100, 1] {
            let (reply, pending) = Reply::channel(Reference::None);
            let pdu = || SubmitSm::default().into();
            let mut job = Job::new(Parts::Many(vec![pdu(), pdu()]), reply);
            job.default_validity(Some(Duration::from_secs(validity)));
            job.handle_intake(validity, now);
            job.handle_sent(0, &"a-1".into(), SequenceNumber::FIRST);
            job.handle_accepted(0, MessageId::try_from("x").unwrap(), now);
            pendings.push(pending);
            let from = Identity {
                bind: "a-1".into(),
                incarnation: 1,
            };
            let reports = vec![Report::Returned { jobs: vec![job] }].into();
            bench.reporter().report(Reports { from, reports });
        }
        bench.order("b-1", Order::Bind(10)).await;
        assert_eq!(
            (bench.jobs().await, bench.status().await.waiting),
            (vec![0, 0, 0], 2)
        );
        let Err(SubmitError::Partial { parts }) = pendings.pop().unwrap().await else {
            panic!("not partial")
        };
        assert!(parts[0].is_ok());
        assert_eq!(parts[1], Err(SubmitError::Expired));
        bench.order("a-2", Order::Bind(10)).await;
        assert_eq!(bench.jobs().await, [0, 1, 0]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_subscribes_at_the_router_has_the_policy_that_he_names() {
    local(async {
        let bench = Bench::start(two());
        let watcher = Watcher::default();
        let subscribe = Subscribe::new(watcher.clone().start().recipient(), Kinds::BINDS)
            .policy(Policy::drop_oldest().events(2));
        let subscription = bench.started.address.send(subscribe).await.unwrap();
        settle().await;
        let before = watcher.seen().len();
        // One is with the actor, two wait, two are missed.
        for _ in 0..5 {
            bench.started.hub.emit(Event::Bind(BindEvent {
                bind: "a-1".into(),
                account: "a".into(),
                phase: Phase::Bound,
                cause: Cause::Progress,
            }));
        }
        let status = bench.started.hub.subscription(subscription).unwrap();
        assert_eq!((status.events, status.missed), (2, 2));
        settle().await;
        let seen = watcher.seen();
        let lagged = seen
            .iter()
            .filter(|event| matches!(event, Event::Lagged { missed: 2 }));
        assert_eq!((seen.len() - before, lagged.count()), (4, 1));
        assert!(
            bench
                .started
                .address
                .send(Unsubscribe(subscription))
                .await
                .unwrap()
        );
    })
    .await;
}
