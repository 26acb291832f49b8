//! Messages put together from deliveries on several binds.

mod ends;

use actix::{Addr, ResponseFuture};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{advance, timeout};

use super::*;
use crate::pdu::Tlvs;
use crate::pdu::tlv::{DestinationPort, SourcePort};
use crate::sm::JoinLimits;

type Question = (InboundMessage, oneshot::Sender<Answer>);

/// Lets the test answer, when it likes.
struct Clerk(mpsc::UnboundedSender<Question>);

impl Actor for Clerk {
    type Context = Context<Self>;
}

impl Handler<InboundMessage> for Clerk {
    type Result = ResponseFuture<Answer>;

    fn handle(&mut self, message: InboundMessage, _: &mut Context<Self>) -> Self::Result {
        let (sender, answer) = oneshot::channel();
        self.0.send((message, sender)).unwrap();
        Box::pin(async move { answer.await.unwrap() })
    }
}

impl Handler<Stop> for Clerk {
    type Result = ();

    fn handle(&mut self, _: Stop, context: &mut Context<Self>) {
        context.stop();
    }
}

struct Bench {
    hub: Arc<Hub>,
    inbox: Arc<Inbox>,
    watcher: Witness,
    terms: Terms,
    questions: mpsc::UnboundedReceiver<Question>,
    courier: JoinHandle<()>,
}

const PATIENCE: Duration = Duration::from_secs(10);
const OK: CommandStatus = CommandStatus::ESME_ROK;
const LATER: CommandStatus = CommandStatus::ESME_RX_T_APPN;

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

fn part(bind: &str, numbers: [u8; 3], text: &str) -> Arc<Delivery> {
    let octets = [&[5, 0, 3], &numbers[..], text.as_bytes()].concat();
    Arc::new(Delivery {
        bind: bind.into(),
        ..delivery(DeliverSm {
            source_addr: "447700900123".try_into().unwrap(),
            esm_class: EsmClass::UDH,
            short_message: octets.as_slice().into(),
            ..DeliverSm::default()
        })
    })
}

/// What a bind answers: at once, or when it is told.
enum Owed {
    Now(Answer),
    Later(oneshot::Receiver<Answer>),
}

impl Owed {
    /// None while it is not answered.
    fn status(&mut self) -> Option<CommandStatus> {
        match self {
            Self::Now(answer) => Some(answer.status),
            Self::Later(answer) => answer.try_recv().ok().map(|answer| answer.status),
        }
    }
}

impl Bench {
    fn new(whole: bool, limits: JoinLimits) -> Self {
        let hub = Hub::new();
        let watcher = Witness::default();
        let inbox = Inbox::new("a".into(), limits, hub.clone());
        let courier = tokio::task::spawn_local(inbox.courier());
        let terms = Terms {
            patience: PATIENCE,
            whole,
            unhandled: CommandStatus::ESME_RSYSERR,
        };
        Self {
            hub,
            inbox,
            watcher,
            terms,
            questions: mpsc::unbounded_channel().1,
            courier,
        }
    }

    /// Everything that happens is seen.
    fn watched(self) -> Self {
        let address = self.watcher.clone().start();
        self.hub
            .subscribe(address.recipient(), Kinds::MESSAGES | Kinds::ALARMS);
        self
    }

    fn clerk(&mut self, duty: Duty) -> Addr<Clerk> {
        let (sender, questions) = mpsc::unbounded_channel();
        let clerk = Clerk(sender).start();
        self.hub.answer_messages(clerk.clone().recipient(), duty).unwrap();
        self.questions = questions;
        clerk
    }

    fn deliver(&self, delivery: &Arc<Delivery>) -> Owed {
        match self.inbox.handle(delivery, self.terms, now()) {
            Verdict::Now(answer) => Owed::Now(answer),
            Verdict::Later(answer) => Owed::Later(answer),
        }
    }

    async fn asked(&mut self, text: &str) -> oneshot::Sender<Answer> {
        let question = timeout(Duration::from_secs(3_600), self.questions.recv()).await;
        let (message, answer) = question.unwrap().unwrap();
        assert_eq!(message.text.as_deref(), Some(text));
        answer
    }

    async fn asks_nothing(&mut self) {
        settle().await;
        if let Ok((message, _)) = self.questions.try_recv() {
            panic!("asked about {:?}", message.text);
        }
    }

    /// What was told: text, and the parts that are missing.
    async fn told(&self) -> Vec<(String, Vec<usize>)> {
        settle().await;
        let seen = self.watcher.seen().into_iter();
        seen.filter_map(|event| match event {
            Event::Message(message) => Some((message.text.clone()?, message.missing().collect())),
            _ => None,
        })
        .collect()
    }
}

async fn local(test: impl Future<Output = ()>) {
    LocalSet::new().run_until(test).await;
}

#[tokio::test(start_paused = true)]
async fn parts_on_several_binds_of_an_account_are_one_message() {
    local(async {
        let bench = Bench::new(false, JoinLimits::default()).watched();
        for (bind, sequence, text) in [("a-2", 3, "three"), ("a-1", 1, "one "), ("a-3", 2, "two ")] {
            assert_eq!(bench.told().await, []);
            let mut owed = bench.deliver(&part(bind, [7, 3, sequence], text));
            assert_eq!(owed.status(), Some(OK), "each on arrival");
        }
        settle().await;
        let seen = bench.watcher.seen();
        let [Event::Message(message)] = &seen[..] else {
            panic!("{seen:?}")
        };
        assert_eq!(message.text.as_deref(), Some("one two three"));
        assert!(message.is_whole() && message.faults.is_empty());
        assert_eq!((message.account.as_str(), message.bind.as_str()), ("a", "a-3"));
        assert_eq!(message.source(), "447700900123");
        assert_eq!(message.octets(), b"one two three");
        let binds = message.parts.iter().flatten().map(|part| part.bind.as_str());
        assert_eq!(binds.collect::<Vec<_>>(), ["a-1", "a-3", "a-2"]);
        assert_eq!(bench.inbox.sizes(), InboxSizes::default());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_of_one_delivery_tells_its_ports_header_and_tlvs() {
    local(async {
        let bench = Bench::new(false, JoinLimits::default()).watched();
        let by_header = DeliverSm {
            esm_class: EsmClass::UDH,
            short_message: (&b"\x06\x05\x04\x0b\x84\x23\xf0hi"[..]).into(),
            ..DeliverSm::default()
        };
        let mut tlvs = Tlvs::new();
        tlvs.put::<SourcePort>(9_200).unwrap();
        tlvs.put::<DestinationPort>(2_948).unwrap();
        let by_tlvs = DeliverSm {
            short_message: (&b"hi"[..]).into(),
            tlvs,
            ..DeliverSm::default()
        };
        for body in [by_header, by_tlvs] {
            let has_header = body.esm_class.has_udh();
            assert_eq!(bench.deliver(&Arc::new(delivery(body))).status(), Some(OK));
            settle().await;
            let seen = bench.watcher.seen();
            let [Event::Message(message)] = &seen[..] else {
                panic!("{seen:?}")
            };
            assert_eq!(message.text.as_deref(), Some("hi"));
            let ports = message.ports().unwrap();
            assert_eq!(
                (ports.destination, ports.source, ports.wide),
                (2_948, 9_200, true)
            );
            assert_eq!(message.header().is_some(), has_header);
            assert_eq!(message.tlvs().get::<SourcePort>().is_some(), !has_header);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_of_which_parts_never_come_is_told_of_as_it_is() {
    local(async {
        let limits = JoinLimits {
            wait: Duration::from_secs(60),
            ..JoinLimits::default()
        };
        let bench = Bench::new(false, limits).watched();
        bench.deliver(&part("a-1", [7, 4, 3], "three"));
        bench.deliver(&part("a-1", [7, 4, 1], "one "));
        advance(Duration::from_secs(59)).await;
        assert_eq!(bench.told().await, []);
        assert_eq!(bench.inbox.sizes().incomplete, 1);
        advance(Duration::from_secs(1)).await;
        assert_eq!(bench.told().await, [("one three".to_owned(), vec![2, 4])]);
        assert_eq!(bench.inbox.sizes(), InboxSizes::default());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn parts_of_which_too_many_wait_leave_as_they_are() {
    local(async {
        let limits = JoinLimits {
            messages: 2,
            ..JoinLimits::default()
        };
        let bench = Bench::new(false, limits).watched();
        for reference in 1..=3 {
            bench.deliver(&part("a-1", [reference, 2, 1], &reference.to_string()));
        }
        assert_eq!(bench.told().await, [("1".to_owned(), vec![2])]);
        bench.inbox.close();
        let rest = [("2".to_owned(), vec![2]), ("3".to_owned(), vec![2])];
        assert_eq!(bench.told().await, rest, "closed");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn as_a_whole_all_parts_get_the_answer_to_their_message() {
    local(async {
        for answer in [Answer::ok(), Answer::refused()] {
            let mut bench = Bench::new(true, JoinLimits::default());
            bench.clerk(Duty::all());
            let mut owed = [
                bench.deliver(&part("a-1", [7, 2, 2], "two")),
                bench.deliver(&part("a-2", [7, 2, 1], "one ")),
            ];
            let question = bench.asked("one two").await;
            settle().await;
            assert_eq!(owed.each_mut().map(Owed::status), [None; 2]);
            question.send(answer.clone()).unwrap();
            settle().await;
            assert_eq!(owed.each_mut().map(Owed::status), [Some(answer.status); 2]);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn as_a_whole_without_an_answerer_parts_are_taken_when_all_are_there() {
    local(async {
        let bench = Bench::new(true, JoinLimits::default()).watched();
        let mut first = bench.deliver(&part("a-1", [7, 2, 1], "one "));
        settle().await;
        assert_eq!(first.status(), None);
        let mut second = bench.deliver(&part("a-1", [7, 2, 2], "two"));
        assert_eq!((first.status(), second.status()), (Some(OK), Some(OK)));
        assert_eq!(bench.told().await, [("one two".to_owned(), vec![])]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn as_a_whole_a_part_whose_deadline_comes_ends_the_waiting() {
    local(async {
        let mut bench = Bench::new(true, JoinLimits::default()).watched();
        bench.clerk(Duty::all());
        // Its bind answers it at the deadline, and drops what it waits on.
        let first = bench.deliver(&part("a-1", [7, 3, 1], "one "));
        advance(Duration::from_secs(4)).await;
        let mut second = bench.deliver(&part("a-1", [7, 3, 3], "three"));
        advance(Duration::from_secs(5)).await;
        assert_eq!(bench.told().await, []);
        advance(Duration::from_secs(1)).await;
        drop(first);
        assert_eq!(bench.told().await, [("one three".to_owned(), vec![2])]);
        bench.asked("one three").await.send(Answer::later()).unwrap();
        settle().await;
        assert_eq!(second.status(), Some(LATER));
        assert_eq!(bench.inbox.sizes(), InboxSizes::default());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn as_a_whole_parts_of_what_was_refused_come_again_as_a_new_message() {
    local(async {
        let mut bench = Bench::new(true, JoinLimits::default());
        bench.clerk(Duty::all());
        let parts = [part("a-1", [7, 2, 1], "one "), part("a-1", [7, 2, 2], "two")];
        for answer in [Answer::later(), Answer::ok()] {
            let mut owed = parts.each_ref().map(|part| bench.deliver(part));
            bench.asked("one two").await.send(answer.clone()).unwrap();
            settle().await;
            assert_eq!(owed.each_mut().map(Owed::status), [Some(answer.status); 2]);
        }
        // What was taken is not shown twice.
        let mut owed = parts.each_ref().map(|part| bench.deliver(part));
        assert_eq!(owed.each_mut().map(Owed::status), [Some(OK); 2]);
        bench.asks_nothing().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn as_a_whole_a_part_that_comes_again_waits_for_the_same_answer() {
    local(async {
        let mut bench = Bench::new(true, JoinLimits::default());
        bench.clerk(Duty::all());
        let one = part("a-1", [7, 2, 1], "one ");
        // The link breaks, and the SMSC sends it over another one.
        drop(bench.deliver(&one));
        let mut owed = vec![bench.deliver(&one)];
        owed.push(bench.deliver(&part("a-1", [7, 2, 2], "two")));
        let question = bench.asked("one two").await;
        owed.push(bench.deliver(&one));
        settle().await;
        assert!(owed.iter_mut().all(|owed| owed.status().is_none()));
        question.send(Answer::ok()).unwrap();
        settle().await;
        assert!(owed.iter_mut().all(|owed| owed.status() == Some(OK)));
        bench.asks_nothing().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_acknowledged_is_shown_however_late_and_there_is_never_too_much_of_it() {
    local(async {
        let limits = JoinLimits {
            messages: 3,
            ..JoinLimits::default()
        };
        let mut bench = Bench::new(false, limits);
        bench.clerk(Duty::all());
        for reference in 1..=3 {
            let name = reference.to_string();
            for sequence in 1..=2 {
                let mut owed = bench.deliver(&part("a-1", [reference, 2, sequence], &name));
                assert_eq!(owed.status(), Some(OK));
            }
        }
        let mut owed = bench.deliver(&part("a-1", [4, 2, 1], "4"));
        assert_eq!(owed.status(), Some(LATER));
        let first = bench.asked("11").await;
        bench.asks_nothing().await;
        // It keeps the others of its lane waiting for its time, and no longer.
        advance(PATIENCE).await;
        bench.asked("22").await.send(Answer::ok()).unwrap();
        let third = bench.asked("33").await;
        assert_eq!(bench.inbox.sizes().unanswered, 2);
        first.send(Answer::ok()).unwrap();
        third.send(Answer::ok()).unwrap();
        settle().await;
        assert_eq!(bench.inbox.sizes().unanswered, 0);
        assert_eq!(bench.deliver(&part("a-1", [4, 2, 1], "4")).status(), Some(OK));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_acknowledged_is_shown_when_it_closes_and_waited_for_no_longer_than_its_time() {
    local(async {
        let mut bench = Bench::new(false, JoinLimits::default());
        bench.clerk(Duty::all());
        for reference in 1..=2 {
            for sequence in 1..=2 {
                bench.deliver(&part("a-1", [reference, 2, sequence], &reference.to_string()));
            }
        }
        bench.deliver(&part("a-1", [3, 2, 1], "3"));
        let _first = bench.asked("11").await;
        bench.asks_nothing().await;
        bench.inbox.close();
        let second = bench.asked("22").await;
        let _third = bench.asked("3").await;
        second.send(Answer::ok()).unwrap();
        settle().await;
        assert_eq!(bench.inbox.sizes().unanswered, 2);
        assert!(!bench.courier.is_finished());
        advance(PATIENCE).await;
        settle().await;
        assert!(bench.courier.is_finished());
        assert_eq!(bench.inbox.sizes(), InboxSizes::default());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn messages_are_shown_in_the_order_of_their_bind_and_not_when_nobody_waits_any_more() {
    local(async {
        let mut bench = Bench::new(false, JoinLimits::default());
        bench.clerk(Duty::all());
        let single = |text| Arc::new(message(text));
        let mut first = bench.deliver(&single("a"));
        let second = bench.deliver(&single("b"));
        let mut third = bench.deliver(&single("c"));
        let a = bench.asked("a").await;
        bench.asks_nothing().await;
        // Its link breaks.
        drop(second);
        a.send(Answer::ok()).unwrap();
        bench.asked("c").await.send(Answer::refused()).unwrap();
        settle().await;
        assert_eq!(first.status(), Some(OK));
        assert_eq!(third.status(), Some(CommandStatus::ESME_RX_R_APPN));
        assert_eq!(bench.inbox.sizes(), InboxSizes::default());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_takers_and_with_a_dead_answerer_messages_are_refused() {
    local(async {
        for whole in [false, true] {
            let mut bench = Bench::new(whole, JoinLimits::default());
            let address = bench.watcher.clone().start();
            bench.hub.subscribe(address.recipient(), Kinds::ALARMS);
            let deliveries = [Arc::new(message("a")), part("a-1", [7, 2, 1], "one ")];
            let statuses = |bench: &Bench| {
                deliveries
                    .each_ref()
                    .map(|delivery| bench.deliver(delivery).status())
            };
            assert_eq!(statuses(&bench), [Some(bench.terms.unhandled); 2]);
            settle().await;
            let seen = bench.watcher.seen();
            assert!(matches!(
                seen[..],
                [
                    Event::Alarm(AlarmEvent {
                        alarm: Alarm::Unhandled { .. },
                        ..
                    }),
                    Event::Alarm(AlarmEvent {
                        alarm: Alarm::Unhandled { .. },
                        ..
                    })
                ]
            ));

            let clerk = bench.clerk(Duty::all());
            let mut owed = bench.deliver(&deliveries[0]);
            drop(bench.asked("a").await); // it panics over the answer
            settle().await;
            assert_eq!(owed.status(), Some(LATER));
            clerk.send(Stop).await.unwrap();
            settle().await;
            assert_eq!(statuses(&bench), [Some(LATER); 2]);
            settle().await;
            let seen = bench.watcher.seen();
            assert!(
                matches!(
                    seen[..],
                    [
                        Event::Alarm(AlarmEvent {
                            alarm: Alarm::AnswererFailed { .. },
                            ..
                        }),
                        Event::Alarm(AlarmEvent {
                            alarm: Alarm::AnswererGone { .. },
                            ..
                        })
                    ]
                ),
                "{seen:?}"
            );
            assert_eq!(bench.inbox.sizes(), InboxSizes::default());
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_answered_elsewhere_is_told_of_and_not_asked_about() {
    local(async {
        let mut bench = Bench::new(false, JoinLimits::default()).watched();
        bench.clerk(Duty::all());
        bench.inbox.observe(&Arc::new(message("a")), now());
        for sequence in 1..=2 {
            bench.inbox.observe(&part("a-1", [7, 2, sequence], "b"), now());
        }
        let told = [("a".to_owned(), vec![]), ("bb".to_owned(), vec![])];
        assert_eq!(bench.told().await, told);
        bench.asks_nothing().await;
    })
    .await;
}
