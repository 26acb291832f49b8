//! When answerers are asked, and what becomes of their answers.

use actix::ResponseFuture;
use tokio::sync::oneshot;

use super::*;
use crate::events::{Alarm, AnswerOrder, InboundMessage};
use crate::pdu::tlv::{AdditionalStatusInfoText, Tlvs};
use crate::settings::PartsAnswered;

type Question = (Delivery, oneshot::Sender<Answer>);

/// Lets the test answer, when it likes.
struct Clerk(mpsc::UnboundedSender<Question>);

impl Actor for Clerk {
    type Context = actix::Context<Self>;
}

impl Handler<Delivery> for Clerk {
    type Result = ResponseFuture<Answer>;

    fn handle(&mut self, delivery: Delivery, _: &mut Self::Context) -> Self::Result {
        assert_ne!(delivery.text().as_deref(), Some("panic"));
        let (sender, answer) = oneshot::channel();
        self.0.send((delivery, sender)).unwrap();
        // A test that drops a question makes the handler panic over it.
        Box::pin(async move { answer.await.unwrap() })
    }
}

struct Desk {
    bench: Bench,
    clerk: Addr<Clerk>,
    questions: mpsc::UnboundedReceiver<Question>,
}

impl Desk {
    async fn open(settings: BindSettings, duty: Duty) -> Self {
        let bench = Bench::bound(settings).await;
        let (sender, questions) = mpsc::unbounded_channel();
        let clerk = Clerk(sender).start();
        let recipient = clerk.clone().recipient();
        bench.hub.answer_deliveries(recipient, duty).unwrap();
        Self {
            bench,
            clerk,
            questions,
        }
    }

    /// Delivers `text` from `source`.
    async fn deliver(&mut self, source: &str, text: &str) -> u32 {
        let mut body = b"\0\0\0".to_vec();
        body.extend(source.as_bytes());
        body.extend([0; 13]);
        body.push(u8::try_from(text.len()).unwrap());
        body.extend(text.as_bytes());
        self.bench.sequence += 1;
        let sequence = self.bench.sequence;
        self.bench.write(DELIVER, 0, sequence, &body).await;
        sequence
    }

    async fn asked(&mut self, text: &str) -> oneshot::Sender<Answer> {
        let (delivery, answer) = timeout(Duration::from_secs(300), self.questions.recv())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(delivery.text().unwrap(), text);
        answer
    }

    /// What is asked about after a while, if anything.
    async fn asks_nothing(&mut self) {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if let Ok((delivery, _)) = self.questions.try_recv() {
            panic!("asked about {:?}", delivery.text());
        }
    }

    /// Delivers a part of a long message.
    async fn deliver_part(&mut self, numbers: [u8; 3], text: &str) -> u32 {
        let octets = [&[5, 0, 3], &numbers[..], text.as_bytes()].concat();
        self.bench.deliver(&octets, 0x40).await;
        self.bench.sequence
    }

    /// The next response, which must be this one.
    async fn responds(&mut self, sequence: u32, status: CommandStatus) {
        let header = self.bench.read(DELIVER | RESP).await;
        let got = (header.sequence_number.value(), header.command_status);
        assert_eq!(got, (sequence, status));
    }
}

const OK: CommandStatus = CommandStatus::ESME_ROK;

#[tokio::test(start_paused = true)]
async fn the_next_delivery_of_a_bind_is_shown_when_the_one_before_is_answered() {
    local(async {
        let mut desk = Desk::open(settings(), Duty::all()).await;
        let first = desk.deliver("1", "a").await;
        let second = desk.deliver("2", "b").await;
        let a = desk.asked("a").await;
        desk.asks_nothing().await;
        a.send(Answer::refused()).unwrap();
        desk.responds(first, CommandStatus::ESME_RX_R_APPN).await;
        desk.asked("b").await.send(Answer::ok()).unwrap();
        desk.responds(second, OK).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn in_order_of_the_source_other_sources_do_not_wait() {
    local(async {
        let duty = Duty::all().order(AnswerOrder::Source);
        let mut desk = Desk::open(settings(), duty).await;
        let a1 = desk.deliver("1", "a1").await;
        let a2 = desk.deliver("1", "a2").await;
        let b1 = desk.deliver("2", "b1").await;
        let first = desk.asked("a1").await;
        desk.asked("b1").await.send(Answer::ok()).unwrap();
        desk.responds(b1, OK).await;
        desk.asks_nothing().await;
        first.send(Answer::ok()).unwrap();
        desk.responds(a1, OK).await;
        desk.asked("a2").await.send(Answer::ok()).unwrap();
        desk.responds(a2, OK).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn in_order_of_arrival_answers_may_overtake_each_other() {
    local(async {
        let duty = Duty::all().order(AnswerOrder::Arrival);
        let mut desk = Desk::open(settings(), duty).await;
        let first = desk.deliver("1", "a").await;
        let second = desk.deliver("1", "b").await;
        let a = desk.asked("a").await;
        desk.asked("b").await.send(Answer::ok()).unwrap();
        desk.responds(second, OK).await;
        a.send(Answer::ok()).unwrap();
        desk.responds(first, OK).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_question_that_is_answered_too_late_does_not_hold_up_the_next_for_longer() {
    local(async {
        let late = CommandStatus::ESME_RSYSERR;
        let settings = settings()
            .answer_timeout(Duration::from_secs(5))
            .default_answer(late);
        let mut desk = Desk::open(settings, Duty::all()).await;
        let first = desk.deliver("1", "a").await;
        let second = desk.deliver("1", "b").await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let third = desk.deliver("1", "c").await;
        let a = desk.asked("a").await;
        // Both at their deadline; nobody is shown what has been answered.
        desk.responds(first, late).await;
        desk.responds(second, late).await;
        let c = desk.asked("c").await;
        assert!(a.is_closed() || a.send(Answer::ok()).is_ok());
        c.send(Answer::ok()).unwrap();
        desk.responds(third, OK).await;
        desk.asks_nothing().await;
    })
    .await;
}

/// Passes on what it makes of events.
struct Told<T>(mpsc::UnboundedSender<T>, fn(Event) -> Option<T>);

impl<T: Unpin + 'static> Actor for Told<T> {
    type Context = actix::Context<Self>;
}

impl<T: Unpin + 'static> Handler<Event> for Told<T> {
    type Result = ();

    fn handle(&mut self, event: Event, _: &mut Self::Context) {
        if let Some(told) = self.1(event) {
            let _ = self.0.send(told);
        }
    }
}

/// The texts of messages.
fn text(event: Event) -> Option<String> {
    let Event::Message(message) = event else {
        return None;
    };
    message.text.clone()
}

fn alarm(event: Event) -> Option<Alarm> {
    let Event::Alarm(event) = event else { return None };
    Some(event.alarm)
}

#[tokio::test(start_paused = true)]
async fn a_message_is_told_of_when_the_smsc_heard_that_it_was_taken() {
    for default in [OK, CommandStatus::ESME_RSYSERR] {
        local(async move {
            let settings = settings()
                .answer_timeout(Duration::from_secs(5))
                .default_answer(default);
            let mut desk = Desk::open(settings, Duty::all().order(AnswerOrder::Arrival)).await;
            let (sender, mut told) = mpsc::unbounded_channel();
            let messages = Told(sender, text).start();
            desk.bench.hub.subscribe(messages.recipient(), Kinds::MESSAGES);
            let (first, second) = (desk.deliver("1", "a").await, desk.deliver("1", "b").await);
            let third = desk.deliver("1", "c").await;
            let (a, b, c) = (
                desk.asked("a").await,
                desk.asked("b").await,
                desk.asked("c").await,
            );
            a.send(CommandStatus::ESME_RX_R_APPN.into()).unwrap();
            desk.responds(first, CommandStatus::ESME_RX_R_APPN).await;
            assert!(told.try_recv().is_err(), "nothing was taken yet");
            b.send(Answer::ok()).unwrap();
            desk.responds(second, OK).await;
            assert_eq!(told.recv().await.as_deref(), Some("b"));
            desk.responds(third, default).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            let last = told.try_recv().ok();
            assert_eq!(last.as_deref(), default.is_ok().then_some("c"), "{default}");
            drop(c);
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_answerer_does_not_hold_up_enquire_link() {
    local(async {
        let mut desk = Desk::open(settings().inbound_limit(2_usize), Duty::all()).await;
        let first = desk.deliver("1", "a").await;
        let a = desk.asked("a").await;
        desk.bench.write(0x15, 0, 7, b"").await;
        let header = desk.bench.read(0x15 | RESP).await;
        assert_eq!(header.sequence_number.value(), 7);
        a.send(Answer::ok()).unwrap();
        desk.responds(first, OK).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_answerer_that_panics_refuses_for_now_and_says_so_until_another_comes() {
    local(async {
        let duty = || Duty::named("clerk");
        let mut desk = Desk::open(settings(), duty()).await;
        let (sender, mut alarms) = mpsc::unbounded_channel();
        let alarmed = Told(sender, alarm).start();
        desk.bench.hub.subscribe(alarmed.recipient(), Kinds::ALARMS);
        let later = CommandStatus::ESME_RX_T_APPN;

        // While it makes its answer: the actor lives on.
        let first = desk.deliver("1", "a").await;
        drop(desk.asked("a").await);
        desk.responds(first, later).await;
        assert!(matches!(alarms.recv().await, Some(Alarm::AnswererFailed { .. })));

        // And as an actor, with more to answer.
        let sequence = desk.deliver("1", "panic").await;
        for text in ["b", "c"] {
            desk.deliver("1", text).await;
        }
        for sequence in sequence..sequence + 3 {
            desk.responds(sequence, later).await;
        }
        let name = "clerk".into();
        assert_eq!(alarms.recv().await, Some(Alarm::AnswererGone { name }));
        desk.asks_nothing().await;
        assert!(alarms.try_recv().is_err(), "once is enough");

        let (sender, questions) = mpsc::unbounded_channel();
        let recipient = Clerk(sender).start().recipient();
        desk.bench.hub.answer_deliveries(recipient, duty()).unwrap();
        desk.questions = questions;
        let last = desk.deliver("1", "d").await;
        desk.asked("d").await.send(Answer::ok()).unwrap();
        desk.responds(last, OK).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_waited_for_an_answerer_that_is_dismissed_goes_to_whom_it_falls_to() {
    local(async {
        let mut desk = Desk::open(settings(), Duty::all()).await;
        let narrow = Duty::all().on("a-1");
        let (sender, mut other) = mpsc::unbounded_channel();
        let recipient = Clerk(sender).start().recipient();
        let narrow = desk.bench.hub.answer_deliveries(recipient, narrow).unwrap();
        let first = desk.deliver("1", "a").await;
        let second = desk.deliver("1", "b").await;
        let (_, a) = other.recv().await.unwrap();
        assert!(desk.bench.hub.dismiss(narrow));
        a.send(Answer::ok()).unwrap();
        desk.responds(first, OK).await;
        desk.asked("b").await.send(Answer::ok()).unwrap();
        desk.responds(second, OK).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn questions_that_wait_when_the_link_breaks_are_forgotten() {
    local(async {
        let mut desk = Desk::open(settings(), Duty::all()).await;
        desk.deliver("1", "a").await;
        desk.deliver("1", "b").await;
        let _a = desk.asked("a").await;
        desk.bench.peer = tokio::io::duplex(1).0;
        desk.bench.phase("waiting").await;
        desk.bench.rebound().await;
        desk.asks_nothing().await;
        let third = desk.deliver("1", "c").await;
        desk.asked("c").await.send(Answer::ok()).unwrap();
        desk.responds(third, OK).await;
        assert!(desk.clerk.connected());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_may_have_a_message_id_and_tlvs() {
    local(async {
        let mut desk = Desk::open(settings(), Duty::all()).await;
        let body = b"\0\0\0\x001\0\0\0\0\0\0".as_slice();
        let mut answer = Answer {
            message_id: "id-1".try_into().unwrap(),
            ..Answer::ok()
        };
        answer.tlvs.put::<AdditionalStatusInfoText>(b"later").unwrap();
        assert_ne!(answer.tlvs, Tlvs::new());
        desk.bench.write(0x103, 0, 9, body).await;
        let (delivery, sender) = desk.questions.recv().await.unwrap();
        assert!(matches!(delivery.pdu, Pdu::DataSm(_)));
        sender.send(answer).unwrap();
        let header = desk.bench.read(0x103 | RESP).await;
        assert_eq!((header.sequence_number.value(), header.command_status), (9, OK));
        // The id and its terminator, and five octets behind tag and length, with theirs.
        assert_eq!(header.command_length, 16 + 5 + 4 + 6);
    })
    .await;
}

/// Answers whole messages as their text says.
struct Reader;

impl Actor for Reader {
    type Context = actix::Context<Self>;
}

impl Handler<InboundMessage> for Reader {
    type Result = Answer;

    fn handle(&mut self, message: InboundMessage, _: &mut Self::Context) -> Answer {
        match (message.is_whole(), message.text.as_deref()) {
            (true, Some("yes!")) => Answer::ok(),
            (true, Some("no!")) => Answer::refused(),
            (false, _) => CommandStatus::ESME_RMSGQFUL.into(),
            other => panic!("{other:?}"),
        }
    }
}

async fn reader(settings: BindSettings) -> Desk {
    // Who answers the deliveries of another bind is not asked.
    let desk = Desk::open(settings, Duty::all().on("b-1")).await;
    let recipient = Reader.start().recipient();
    desk.bench.hub.answer_messages(recipient, Duty::all()).unwrap();
    desk
}

#[tokio::test(start_paused = true)]
async fn as_a_whole_parts_get_the_answer_to_their_message_or_the_default_at_their_deadline() {
    local(async {
        let settings = settings()
            .parts_answered(PartsAnswered::Whole)
            .answer_timeout(Duration::from_secs(5))
            .default_answer(CommandStatus::ESME_RSYSERR);
        let mut desk = reader(settings).await;
        for (reference, text, status) in [(1, "yes", OK), (2, "no", CommandStatus::ESME_RX_R_APPN)] {
            let second = desk.deliver_part([reference, 2, 2], "!").await;
            let first = desk.deliver_part([reference, 2, 1], text).await;
            desk.responds(first, status).await;
            desk.responds(second, status).await;
        }
        let first = desk.deliver_part([3, 3, 1], "yes").await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        let second = desk.deliver_part([3, 3, 2], "no").await;
        let start = link::now();
        desk.responds(first, CommandStatus::ESME_RSYSERR).await;
        desk.responds(second, CommandStatus::ESME_RMSGQFUL).await;
        assert_eq!((link::now() - start).as_secs(), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn each_part_is_answered_on_arrival_and_a_single_message_by_its_answerer() {
    local(async {
        let mut desk = reader(settings()).await;
        let first = desk.deliver_part([1, 2, 1], "no").await;
        desk.responds(first, OK).await;
        let second = desk.deliver_part([1, 2, 2], "!").await;
        desk.responds(second, OK).await;
        let single = desk.deliver("1", "no!").await;
        desk.responds(single, CommandStatus::ESME_RX_R_APPN).await;
        let single = desk.deliver("1", "yes!").await;
        desk.responds(single, OK).await;
    })
    .await;
}
