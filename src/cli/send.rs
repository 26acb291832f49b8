//! `send`: one message, or all of a file, each with its outcome.

use std::path::Path;
use std::time::Duration;

use actix::{Actor, Context, Handler};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use tokio::task::unconstrained;
use tokio::time::{Instant, timeout_at};

use super::args::Send;
use super::descriptors;
use super::journal::{Journal, Known, outcome_line};
use super::load_settings;
use super::messages::{self, Message};
use super::outcome::{accepted_parts, outcome_json, receipt_json};
use super::output::{Exit, complain, say};
use super::serve::{shut_down, start_log};
use super::signals::Signals;
use super::view::View;
use crate::esme::Esme;
use crate::events::{Event, Kinds, Policy, ReceiptEvent};
use crate::pdu::MessageState;
use crate::sm::Progress;
use crate::submit::{Reference, Submit, SubmitResult};

/// Messages of a file that are on their way at a time.
const AT_A_TIME: usize = 1_000;

/// After an interruption what is in flight may take so long.
const GRACE: Duration = Duration::from_secs(10);

pub(super) fn send(args: &Send) -> Exit {
    let mut settings = match load_settings(&args.configured.config) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    // Nobody else has to have room beside them.
    settings.router.backlog_per_route = None;
    let work = match &args.file {
        None => Work::One(single(args)),
        Some(file) => match Work::of_file(file) {
            Ok(work) => work,
            Err(exit) => return exit,
        },
    };
    start_log(&settings);
    descriptors::allow(settings.binds.len());
    actix_rt::System::new().block_on(async {
        let esme = match Esme::start(settings) {
            Ok(esme) => esme,
            Err(error) => {
                complain(error);
                return Exit::Wrong;
            }
        };
        let receipts = Receipts::subscribe(args, &esme);
        let exit = match work {
            Work::One(message) => send_one(args, &esme, receipts, &message).await,
            Work::File {
                journal,
                left,
                skipped,
            } => send_all(args, &esme, receipts, &journal, left, skipped).await,
        };
        esme.shutdown(GRACE).await;
        exit
    })
}

/// What there is to send.
enum Work {
    One(Message),
    File {
        journal: Journal,
        left: Vec<Message>,
        skipped: usize,
    },
}

impl Work {
    /// What has no outcome yet of the messages of a file.
    fn of_file(file: &Path) -> Result<Self, Exit> {
        let wrong = |line: String| {
            complain(line);
            Exit::Wrong
        };
        let messages = messages::read(file).map_err(wrong)?;
        let path = Journal::path_of(file);
        let (path, name) = (path.display(), file.display());
        let journal = Journal::open(file).map_err(|error| wrong(format!("cannot open {path}: {error}")))?;
        let (all, mut left) = (messages.len(), Vec::new());
        for message in messages {
            match journal.knows(&message) {
                Known::Nothing => left.push(message),
                Known::Outcome => {}
                Known::Other => {
                    let line = message.line;
                    return Err(wrong(format!(
                        "{name}:{line}: not the message whose outcome is in {path}; expected the same messages as \
                         before, or another file"
                    )));
                }
            }
        }
        let skipped = all - left.len();
        if skipped > 0 {
            complain(format_args!(
                "{skipped} of {all} messages have their outcome already, in {path}"
            ));
        }
        Ok(Self::File {
            journal,
            left,
            skipped,
        })
    }
}

fn single(args: &Send) -> Message {
    Message {
        from: args.from.clone(),
        route: args.route.clone(),
        ..Message::new(
            args.to.as_deref().unwrap_or_default(),
            args.text.as_deref().unwrap_or_default(),
        )
    }
}

fn submit(message: &Message, args: &Send) -> Submit {
    let mut submit = Submit::text(message.to.as_str(), message.text.as_str())
        .reference(match &message.id {
            Some(id) => Reference::from(id.as_str()),
            None => Reference::Number(message.line),
        })
        .validity(args.timeout);
    if let Some(from) = message.from.as_deref().or(args.from.as_deref()) {
        submit = submit.source(from);
    }
    if let Some(route) = message.route.as_deref().or(args.route.as_deref()) {
        submit = submit.route(route);
    }
    if args.wait_receipt {
        submit.receipt()
    } else {
        submit
    }
}

async fn send_one(args: &Send, esme: &Esme, mut receipts: Receipts, message: &Message) -> Exit {
    let mut signals = Signals::listen();
    let result = tokio::select! {
        result = esme.submit(submit(message, args)) => result,
        () = signals.next() => {
            complain("interrupted: the outcome is not known");
            return Exit::Failed;
        }
    };
    if args.json {
        say(Value::Object(outcome_json(&result)));
    } else {
        match &result {
            Ok(submitted) => {
                let ids: Vec<_> = submitted.message_ids.iter().map(|id| id.to_text()).collect();
                say(format_args!(
                    "submitted over {} as {}",
                    submitted.bind,
                    ids.join(", ")
                ));
            }
            Err(error) => say(error),
        }
    }
    receipts.owe(&result);
    let all_came = receipts.wait(&mut signals).await;
    if result.is_ok() && all_came {
        Exit::Done
    } else {
        Exit::Failed
    }
}

async fn send_all(
    args: &Send,
    esme: &Esme,
    mut receipts: Receipts,
    journal: &Journal,
    left: Vec<Message>,
    skipped: usize,
) -> Exit {
    let path = journal.path().display();
    let view = View::new(esme, left.len() as u64, args.json);
    let mut signals = Some(Signals::listen());
    let mut left = left.into_iter();
    let (mut ended, mut accepted) = (0, 0);
    let mut under_way = FuturesUnordered::new();
    loop {
        while signals.is_some() && under_way.len() < AT_A_TIME {
            let Some(message) = left.next() else { break };
            let submit = submit(&message, args);
            under_way.push(async move { (message, esme.submit(submit).await) });
        }
        if under_way.is_empty() {
            break;
        }
        tokio::select! {
            biased;
            // Unconstrained: after 128 permits the runtime would have the rest wait, and call them in reverse order.
            Some(first) = unconstrained(under_way.next()) => {
                // All that ended since the last time go to disk together.
                let mut outcomes = vec![first];
                while let Some(Some(next)) = unconstrained(under_way.next()).now_or_never() {
                    outcomes.push(next);
                }
                if let Err(error) = journal.note(&outcomes).await {
                    complain(format_args!("cannot write {path}: {error}"));
                    return Exit::Failed;
                }
                for (message, result) in &outcomes {
                    ended += 1;
                    accepted += usize::from(result.is_ok());
                    receipts.owe(result);
                    if args.json {
                        say(Value::Object(outcome_line(message, result)));
                    }
                }
                view.advance(outcomes.len());
            }
            () = heard(&mut signals), if signals.is_some() => {
                complain("interrupted: waiting for what is in flight; run it again to send the rest");
                if let Some(mut signals) = signals.take() {
                    let esme = esme.clone();
                    actix_rt::spawn(async move { shut_down(&esme, GRACE, &mut signals).await });
                }
            }
        }
    }
    view.finish();
    if !args.json {
        let failed = ended - accepted;
        say(format_args!(
            "{accepted} accepted, {failed} not, {skipped} skipped; the outcomes are in {path}"
        ));
    }
    let Some(mut signals) = signals else {
        return Exit::Failed;
    };
    let all_came = receipts.wait(&mut signals).await;
    if accepted == ended && all_came {
        Exit::Done
    } else {
        Exit::Failed
    }
}

async fn heard(signals: &mut Option<Signals>) {
    if let Some(signals) = signals {
        signals.next().await;
    }
}

/// The receipts that are waited for.
struct Receipts {
    events: mpsc::UnboundedReceiver<Event>,
    /// How long to wait for the next one.
    patience: Duration,
    /// One for each part that was accepted.
    owed: u64,
    is_wanted: bool,
    is_file: bool,
    json: bool,
    undelivered: usize,
}

impl Receipts {
    fn subscribe(args: &Send, esme: &Esme) -> Self {
        let (sender, events) = mpsc::unbounded_channel();
        if args.wait_receipt {
            // It passes them on at once; where it cannot, rather the SMSC waits than a receipt is not shown.
            let policy = Policy::hold_back();
            esme.subscribe_with(Listener(sender).start().recipient(), Kinds::RECEIPTS, policy);
        }
        Self {
            events,
            patience: args.timeout,
            owed: 0,
            is_wanted: args.wait_receipt,
            is_file: args.file.is_some(),
            json: args.json,
            undelivered: 0,
        }
    }

    /// Every accepted part owes one.
    fn owe(&mut self, result: &SubmitResult) {
        if self.is_wanted {
            self.owed += accepted_parts(result);
        }
    }

    /// Shows those that came and come; true when all did and everything was delivered.
    async fn wait(&mut self, signals: &mut Signals) -> bool {
        let mut missing = self.owed;
        while missing > 0 {
            let deadline = Instant::now() + self.patience;
            let event = tokio::select! {
                event = timeout_at(deadline, self.events.recv()) => event,
                () = signals.next() => {
                    complain(format_args!("interrupted: {missing} receipts did not come yet"));
                    return false;
                }
            };
            match event {
                Ok(Some(Event::Receipt(receipt))) => missing -= u64::from(self.show(&receipt)),
                Ok(Some(Event::Lagged { missed })) => {
                    complain(format_args!("{missed} receipts were missed"));
                }
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => {
                    complain(format_args!(
                        "{missing} receipts did not come within {:?}",
                        self.patience
                    ));
                    return false;
                }
            }
        }
        self.undelivered == 0
    }

    /// Shows a receipt of a message of ours; true when it is the final one of its part.
    fn show(&mut self, event: &ReceiptEvent) -> bool {
        let Some(message) = &event.message else {
            return false;
        };
        let mut value = Map::new();
        if self.is_file {
            match &message.reference {
                Reference::Text(id) => value.insert("id".into(), json!(&**id)),
                Reference::Number(line) => value.insert("line".into(), json!(line)),
                Reference::None => None,
            };
        }
        value.extend(receipt_json(event));
        if self.json {
            say(json!({ "receipt": value }));
        } else if !self.is_file {
            let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or("-").to_owned();
            say(format_args!(
                "receipt of {}: {}",
                text("message_id"),
                text("stat")
            ));
        }
        let is_final = message.progress == Progress::Final;
        let is_good = matches!(
            event.state(),
            Some(MessageState::DELIVERED | MessageState::ACCEPTED)
        );
        self.undelivered += usize::from(is_final && !is_good);
        is_final
    }
}

/// Passes events on.
struct Listener(mpsc::UnboundedSender<Event>);

impl Actor for Listener {
    type Context = Context<Self>;
}

impl Handler<Event> for Listener {
    type Result = ();

    fn handle(&mut self, event: Event, _: &mut Self::Context) {
        // Nobody listens any more when the command ends.
        let _ = self.0.send(event);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::events::ReceiptMessage;
    use crate::sm::Receipt;

    fn receipt(state: MessageState) -> Event {
        Event::Receipt(Arc::new(ReceiptEvent {
            account: "a".into(),
            bind: None,
            message: Some(ReceiptMessage {
                reference: Reference::None,
                part: Some(0),
                progress: Progress::Final,
                result: None,
            }),
            receipt: Some(Receipt {
                message_state: Some(state),
                ..Receipt::default()
            }),
        }))
    }

    #[test]
    fn receipts_are_waited_for_though_others_were_missed_and_no_longer_than_there_is_patience() {
        let wait = |events: Vec<Event>| {
            actix_rt::System::new().block_on(async {
                let (sender, receiver) = mpsc::unbounded_channel();
                events.into_iter().for_each(|event| sender.send(event).unwrap());
                let mut receipts = Receipts {
                    events: receiver,
                    patience: Duration::from_millis(50),
                    owed: 2,
                    is_wanted: true,
                    is_file: true,
                    json: false,
                    undelivered: 0,
                };
                receipts.wait(&mut Signals::listen()).await
            })
        };
        let good = || receipt(MessageState::DELIVERED);
        let lagged = || Event::Lagged { missed: 1 };
        assert!(wait(vec![lagged(), good(), good()]));
        assert!(!wait(vec![good(), lagged()]));
        assert!(!wait(vec![good(), receipt(MessageState::EXPIRED)]));
    }
}
