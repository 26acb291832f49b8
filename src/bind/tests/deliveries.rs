//! What the SMSC delivers, and what it is answered.

use super::*;

/// Answers what its text says.
struct Answerer;

impl Actor for Answerer {
    type Context = actix::Context<Self>;
}

impl Handler<Delivery> for Answerer {
    type Result = Answer;

    fn handle(&mut self, delivery: Delivery, _: &mut Self::Context) -> Answer {
        match delivery.text().as_deref() {
            Some("panic") => panic!("as asked"),
            Some("no") => Answer::refused(),
            _ => Answer::ok(),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_decides_the_status_of_our_response() {
    local(async {
        let mut bench = Bench::bound(settings()).await;
        bench
            .hub
            .answer_deliveries(Answerer.start().recipient(), Duty::all())
            .unwrap();
        for (text, status) in [(&b"yes"[..], 0), (b"no", 0x66), (b"panic", 0x64), (b"yes", 0x64)] {
            bench.deliver(text, 0).await;
            let header = bench.read(DELIVER | RESP).await;
            assert_eq!(header.command_status.value(), status, "{text:?}");
            assert_eq!(header.sequence_number.value(), bench.sequence);
        }
        let _still_bound = bench.submit(1);
        bench.read(SUBMIT).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_nobody_takes_is_refused_and_a_receipt_is_not() {
    local(async {
        let mut bench = Bench::bound(settings()).await;
        bench.deliver(b"hello", 0).await;
        assert_eq!(
            bench.read(DELIVER | RESP).await.command_status,
            CommandStatus::ESME_RX_T_APPN
        );
        bench.deliver(b"id:1 stat:DELIVRD", 0x04).await;
        assert_eq!(
            bench.read(DELIVER | RESP).await.command_status,
            CommandStatus::ESME_ROK
        );
    })
    .await;
}

/// Passes events on.
pub(super) struct Listener(pub(super) mpsc::UnboundedSender<Event>);

impl Actor for Listener {
    type Context = actix::Context<Self>;
}

impl Handler<Event> for Listener {
    type Result = ();

    fn handle(&mut self, event: Event, _: &mut Self::Context) {
        let _ = self.0.send(event);
    }
}

#[tokio::test(start_paused = true)]
async fn a_receipt_finds_its_message() {
    local(async {
        let mut bench = Bench::bound(settings()).await;
        let (sender, mut events) = mpsc::unbounded_channel();
        bench
            .hub
            .subscribe(Listener(sender).start().recipient(), Kinds::RECEIPTS);
        let (job, pending) = prepared(Submit::text("447700900123", "hello").receipt(), 77);
        bench.assign(vec![job]);
        let header = bench.read(SUBMIT).await;
        // The response and the receipt come in one read.
        bench
            .write(SUBMIT | RESP, 0, header.sequence_number.value(), b"abc\0")
            .await;
        bench
            .deliver(b"id:abc sub:001 dlvrd:001 stat:DELIVRD err:000 text:", 0x04)
            .await;
        pending.await.unwrap();
        let Event::Receipt(receipt) = events.recv().await.unwrap() else {
            panic!("no receipt")
        };
        assert_eq!(
            receipt.message.as_ref().map(|message| &message.reference),
            Some(&Reference::Number(77))
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_settings_say_what_a_message_that_nobody_takes_is_answered_with() {
    local(async {
        let refused = CommandStatus::ESME_RX_R_APPN;
        let mut bench = Bench::bound(settings().unhandled_answer(refused)).await;
        bench.deliver(b"hello", 0).await;
        assert_eq!(bench.read(DELIVER | RESP).await.command_status, refused);
    })
    .await;
}

/// Never answers.
struct Silent;

impl Actor for Silent {
    type Context = actix::Context<Self>;
}

/// An answer that takes for ever.
struct Never;

impl actix::dev::MessageResponse<Silent, Delivery> for Never {
    fn handle(self, ctx: &mut actix::Context<Silent>, sender: Option<actix::dev::OneshotSender<Answer>>) {
        ctx.spawn(actix::fut::wrap_future::<_, Silent>(async move {
            let _kept = sender;
            std::future::pending::<()>().await;
        }));
    }
}

impl Handler<Delivery> for Silent {
    type Result = Never;

    fn handle(&mut self, _: Delivery, _: &mut Self::Context) -> Never {
        Never
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_never_answers_costs_each_message_its_time_and_no_more() {
    local(async {
        let settings = settings()
            .answer_timeout(Duration::from_secs(2))
            .inbound_limit(10_usize)
            .default_answer(CommandStatus::ESME_RSYSERR);
        let mut bench = Bench::bound(settings).await;
        bench
            .hub
            .answer_deliveries(Silent.start().recipient(), Duty::all())
            .unwrap();
        let start = link::now();
        for _ in 0..30 {
            for _ in 0..10 {
                bench.deliver(b"hello", 0).await;
            }
            for _ in 0..10 {
                let header = bench.read(DELIVER | RESP).await;
                assert_eq!(header.command_status, CommandStatus::ESME_RSYSERR);
            }
        }
        assert_eq!((link::now() - start).as_secs(), 60);
        let _pending = bench.submit(1);
        bench.read(SUBMIT).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_alert_is_an_event_and_has_no_answer() {
    const ALERT: u32 = 0x0000_0102;
    local(async {
        let mut bench = Bench::bound(settings()).await;
        let (sender, mut events) = mpsc::unbounded_channel();
        bench
            .hub
            .subscribe(Listener(sender).start().recipient(), Kinds::ALERTS);
        bench
            .write(ALERT, 0, 7, b"\x01\x01447700900123\0\x00\x0012345\0")
            .await;
        let event = events.recv().await.unwrap();
        assert_eq!(event.command(), Some(CommandId::ALERT_NOTIFICATION));
        assert_eq!(event.bind().map(|bind| bind.as_str()), Some("a-1"));
        let Event::Alert(alert) = &event else {
            panic!("{event:?}")
        };
        assert_eq!(alert.header.sequence_number.value(), 7);
        assert_eq!(alert.alert.source_addr.as_bytes(), b"447700900123");
        assert_eq!(alert.alert.esme_addr.as_bytes(), b"12345");
        assert!(!format!("{event:?}").contains("447700900123"));
        // What we say next is no answer to it.
        let _pending = bench.submit(1);
        bench.read(SUBMIT).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_in_a_lane_and_is_taken_at_its_deadline_is_told_of() {
    local(async {
        let settings = settings()
            .answer_timeout(Duration::from_secs(2))
            .default_answer(CommandStatus::ESME_ROK);
        let mut bench = Bench::bound(settings).await;
        let (sender, mut events) = mpsc::unbounded_channel();
        bench
            .hub
            .subscribe(Listener(sender).start().recipient(), Kinds::MESSAGES);
        bench
            .hub
            .answer_deliveries(Silent.start().recipient(), Duty::all())
            .unwrap();
        for number in 0..50 {
            bench.deliver(number.to_string().as_bytes(), 0).await;
        }
        for _ in 0..50 {
            let header = bench.read(DELIVER | RESP).await;
            assert_eq!(header.command_status, CommandStatus::ESME_ROK);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let told: Vec<_> = std::iter::from_fn(|| events.try_recv().ok()).collect();
        let texts: Vec<_> = told
            .iter()
            .map(|event| match event {
                Event::Message(message) => message.text.clone().unwrap(),
                other => panic!("{other:?}"),
            })
            .collect();
        let expected: Vec<_> = (0..50).map(|number| number.to_string()).collect();
        assert_eq!(texts, expected);
    })
    .await;
}
