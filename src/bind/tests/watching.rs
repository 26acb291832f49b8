//! Events for the PDUs that pass.

use super::*;
use crate::events::{Filter, Hub, PduEvent};
use crate::session::Passage;

/// Passes PDUs on, and nothing else.
struct Watcher(mpsc::UnboundedSender<Arc<PduEvent>>);

impl Actor for Watcher {
    type Context = actix::Context<Self>;
}

impl Handler<Event> for Watcher {
    type Result = ();

    fn handle(&mut self, event: Event, _: &mut Self::Context) {
        let Event::Pdu(pdu) = event else {
            panic!("{event:?}")
        };
        let _ = self.0.send(pdu);
    }
}

struct Watched(mpsc::UnboundedReceiver<Arc<PduEvent>>);

impl Watched {
    fn by(hub: &Arc<Hub>, filter: Filter) -> Self {
        let (sender, pdus) = mpsc::unbounded_channel();
        hub.subscribe(Watcher(sender).start().recipient(), filter);
        Self(pdus)
    }

    /// What passed until now, as a sign for the passage and a name.
    async fn passed(&mut self) -> Vec<String> {
        let pdus = self.pdus().await;
        pdus.iter().map(|pdu| sign(pdu)).collect()
    }

    async fn pdus(&mut self) -> Vec<Arc<PduEvent>> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        std::iter::from_fn(|| self.0.try_recv().ok()).collect()
    }
}

fn sign(pdu: &PduEvent) -> String {
    let sign = match pdu.passage {
        Passage::Received => '<',
        Passage::Sending => '+',
        Passage::Sent => '>',
    };
    format!("{sign}{}", pdu.header.command_id.name().unwrap_or_default())
}

/// Sends a message from 1234, which is accepted, and gets one from 447700900123 and a receipt from 4477.
async fn talk(bench: &mut Bench) {
    let submit = Submit::from(SubmitSm {
        source_addr: "1234".try_into().unwrap(),
        destination_addr: "447700900123".try_into().unwrap(),
        short_message: "geheim".into(),
        ..SubmitSm::default()
    });
    let (job, pending) = prepared(submit, 1);
    bench.assign(vec![job]);
    bench.accept(b"abc").await;
    pending.await.unwrap();
    bench.deliver_from("447700900123", b"geheim", 0).await;
    bench.read(DELIVER | RESP).await;
    bench.deliver_from("4477", b"id:abc stat:DELIVRD", 0x04).await;
    bench.read(DELIVER | RESP).await;
}

#[tokio::test(start_paused = true)]
async fn each_filter_takes_the_pdus_that_it_names() {
    local(async {
        let mut bench = Bench::bound(settings()).await;
        let all = [
            ">submit_sm",
            "<submit_sm_resp",
            "<deliver_sm",
            ">deliver_sm_resp",
            "<deliver_sm",
            ">deliver_sm_resp",
        ];
        let delivery = ["<deliver_sm", ">deliver_sm_resp"];
        let submit = [">submit_sm", "<submit_sm_resp"];
        let pdus = Filter::pdus;
        let cases: [(Filter, &[&str]); 16] = [
            (
                Filter::all()
                    .commands(CommandId::ALL.iter().copied())
                    .receipts(true),
                &delivery,
            ),
            (pdus(), &all),
            (pdus().on("a-1").account("a"), &all),
            (pdus().on("b-1"), &[]),
            (pdus().account("b"), &[]),
            (
                pdus().passages([Passage::Sending]),
                &["+submit_sm", "+deliver_sm_resp", "+deliver_sm_resp"],
            ),
            (
                pdus().passages([Passage::Sent]),
                &[">submit_sm", ">deliver_sm_resp", ">deliver_sm_resp"],
            ),
            (pdus().passages([]), &[]),
            (pdus().commands([CommandId::SUBMIT_SM_RESP]), &["<submit_sm_resp"]),
            (
                pdus().commands([CommandId::SUBMIT_SM, CommandId::SUBMIT_SM_RESP]),
                &submit,
            ),
            (pdus().source_prefix("1234"), &submit),
            (pdus().source_prefix("44"), &all[2..]),
            (pdus().destination_prefix("4477"), &submit),
            (pdus().destination_prefix("45"), &[]),
            (pdus().receipts(true), &delivery),
            (pdus().receipts(false).source_prefix("44"), &delivery),
        ];
        let mut watched: Vec<_> = cases
            .into_iter()
            .map(|(filter, passed)| (filter.clone(), Watched::by(&bench.hub, pdus_of(filter)), passed))
            .collect();
        talk(&mut bench).await;
        for (filter, watched, passed) in &mut watched {
            assert_eq!(watched.passed().await, *passed, "{filter:?}");
        }
    })
    .await;
}

/// The same without other kinds of events.
fn pdus_of(mut filter: Filter) -> Filter {
    filter.kinds = Kinds::PDUS;
    filter
}

#[tokio::test(start_paused = true)]
async fn a_response_names_the_request_that_it_answers() {
    local(async {
        let mut bench = Bench::bound(settings()).await;
        let answers = [CommandId::SUBMIT_SM_RESP, CommandId::DELIVER_SM_RESP];
        let every = [Passage::Received, Passage::Sending, Passage::Sent];
        let mut watched = Watched::by(&bench.hub, Filter::pdus().commands(answers).passages(every));
        talk(&mut bench).await;
        let pdus = watched.pdus().await;
        let pairs: Vec<_> = pdus
            .iter()
            .map(|pdu| {
                let request = pdu.request.as_ref().unwrap();
                assert_eq!(request.header.sequence_number, pdu.header.sequence_number);
                (sign(pdu), sign(request))
            })
            .collect();
        let pairs: Vec<_> = pairs.iter().map(|(pdu, request)| (&**pdu, &**request)).collect();
        let delivered = [
            ("+deliver_sm_resp", "<deliver_sm"),
            (">deliver_sm_resp", "<deliver_sm"),
        ];
        assert_eq!(
            pairs,
            [&[("<submit_sm_resp", "+submit_sm")][..], &delivered, &delivered].concat()
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_answers_nothing_that_was_watched_names_nothing() {
    local(async {
        let mut bench = Bench::bound(settings()).await;
        let pending = bench.submit(1);
        let header = bench.read(SUBMIT).await;
        // Too late for the request.
        let mut watched = Watched::by(&bench.hub, Filter::pdus());
        bench.answer(header, 0, b"abc\0").await;
        bench.answer(header, 0, b"abc\0").await; // answers nothing
        for outcome in pending {
            outcome.await.unwrap();
        }
        let pdus = watched.pdus().await;
        assert_eq!(pdus.len(), 2);
        assert!(pdus.iter().all(|pdu| pdu.request.is_none()));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_pdu_passes_too() {
    local(async {
        let mut bench = Bench::bound(settings()).await;
        let mut watched = Watched::by(&bench.hub, Filter::pdus());
        bench.write(DELIVER, 0, 9, b"\0\x01").await;
        bench.read(DELIVER | RESP).await;
        let pdus = watched.pdus().await;
        assert!(pdus[0].pdu.is_err() && pdus[0].frame.len() == 18, "{pdus:?}");
        assert!(pdus[1].pdu.is_ok() && pdus[1].request.is_some());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn events_print_neither_passwords_nor_texts_nor_addresses() {
    local(async {
        let mut bench = Bench::bound(settings()).await;
        let mut watched = Watched::by(
            &bench.hub,
            Filter::pdus().passages([Passage::Received, Passage::Sending]),
        );
        bench.peer.shutdown().await.unwrap();
        bench.rebound().await;
        talk(&mut bench).await;
        let pdus = watched.pdus().await;
        let printed = format!("{pdus:?}");
        assert!(
            printed.contains("bind_transceiver {") && printed.contains("submit_sm {"),
            "{printed}"
        );
        assert!(
            printed.contains("*** (6 characters)") && printed.contains("password: ***"),
            "{printed}"
        );
        for secret in ["secret", "geheim", "1234", "4477", "DELIVRD"] {
            assert!(!printed.contains(secret), "{secret} in {printed}");
        }
        // The frame itself is for the program.
        assert!(
            pdus[2].frame.windows(6).any(|octets| octets == b"geheim"),
            "{printed}"
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_kept_for_those_who_do_not_watch_any_more() {
    local(async {
        let mut bench = Bench::bound(settings()).await;
        let filter = Filter::pdus().passages([Passage::Sending, Passage::Received]);
        let mut stream = bench.hub.events(filter, crate::events::Policy::default());
        let pending = bench.submit(1);
        let header = bench.read(SUBMIT).await;
        let Some(Event::Pdu(sent)) = stream.next().await else {
            panic!("nothing was sent")
        };
        let frame = sent.frame.clone();
        drop((sent, stream));
        assert!(!frame.is_unique(), "the request waits for its response");
        bench.write(0x15, 0, 1, b"").await; // the bind comes to it when something happens
        bench.read(0x15 | RESP).await;
        assert!(frame.is_unique());
        bench.answer(header, 0, b"abc\0").await;
        for outcome in pending {
            outcome.await.unwrap();
        }
    })
    .await;
}
