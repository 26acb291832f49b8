//! `send`: one message, or all of a file, each with its outcome.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use actix::{Actor, Context, Handler};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde_json::{Map, Value};
use tokio::sync::mpsc;

use super::args::Send;
use super::load_settings;
use super::messages::{self, Message};
use super::outcome::{outcome_json, receipt_json};
use super::output::{Exit, complain, say};
use super::serve::start_log;
use super::view::View;
use crate::esme::Esme;
use crate::events::{Event, Kinds};
use crate::submit::{Reference, Submit, SubmitError, SubmitResult};

/// Messages of a file that are on their way at a time.
const AT_A_TIME: usize = 1_000;

pub(super) fn send(args: &Send) -> Exit {
    let settings = match load_settings(&args.configured.config) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    let messages = match &args.file {
        None => vec![(1, single(args))],
        Some(file) => match messages::read(file) {
            Ok(messages) => messages,
            Err(line) => {
                complain(line);
                return Exit::Wrong;
            }
        },
    };
    start_log(&settings);
    actix_rt::System::new().block_on(async {
        let esme = match Esme::start(settings) {
            Ok(esme) => esme,
            Err(error) => {
                complain(error);
                return Exit::Wrong;
            }
        };
        let exit = match &args.file {
            None => send_one(args, &esme, messages).await,
            Some(file) => send_all(args, &esme, file, messages).await,
        };
        esme.shutdown(Duration::from_secs(5)).await;
        exit
    })
}

fn single(args: &Send) -> Message {
    Message {
        to: args.to.clone().unwrap_or_default(),
        from: args.from.clone(),
        text: args.text.clone().unwrap_or_default(),
        route: args.route.clone(),
        id: None,
    }
}

fn submit(message: &Message, args: &Send, reference: u64) -> Submit {
    let mut submit = Submit::text(message.to.as_str(), message.text.as_str())
        .reference(Reference::Number(reference))
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

async fn send_one(args: &Send, esme: &Esme, messages: Vec<(u64, Message)>) -> Exit {
    let (sender, mut receipts) = mpsc::unbounded_channel();
    esme.subscribe(Listener(sender).start().recipient(), Kinds::RECEIPTS);
    let Some((number, message)) = messages.first() else {
        return Exit::Done;
    };
    let result = esme.submit(submit(message, args, *number)).await;
    show(&result, None, args.json);
    let Ok(submitted) = &result else {
        return Exit::Failed;
    };
    if !args.wait_receipt {
        return Exit::Done;
    }
    // One final receipt for each part.
    let mut missing = submitted.message_ids.len();
    let deadline = tokio::time::Instant::now() + args.timeout;
    while missing > 0 {
        match tokio::time::timeout_at(deadline, receipts.recv()).await {
            Ok(Some(Event::Receipt(receipt))) if !receipt.is_orphan() => {
                let value = receipt_json(&receipt);
                if args.json {
                    say(serde_json::json!({ "receipt": value }));
                } else {
                    say(format_args!(
                        "receipt of {}: {}",
                        value["message_id"].as_str().unwrap_or("-"),
                        value["stat"].as_str().unwrap_or("-")
                    ));
                }
                missing -= usize::from(receipt.receipt.as_ref().is_some_and(|receipt| receipt.is_final()));
            }
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => {
                complain(format_args!("no final receipt within {:?}", args.timeout));
                return Exit::Failed;
            }
        }
    }
    Exit::Done
}

async fn send_all(args: &Send, esme: &Esme, file: &Path, messages: Vec<(u64, Message)>) -> Exit {
    let mut journal = match Journal::open(file) {
        Ok(journal) => journal,
        Err(line) => {
            complain(line);
            return Exit::Failed;
        }
    };
    let all = messages.len();
    let mut rest = messages
        .into_iter()
        .filter(|(number, _)| !journal.has(*number))
        .collect::<Vec<_>>()
        .into_iter();
    let skipped = all - rest.len();
    if skipped > 0 {
        complain(format_args!(
            "{skipped} of {all} messages have their outcome already, in {}",
            journal.path.display()
        ));
    }
    let view = View::new(rest.len() as u64, args.json);
    let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
    let (mut failed, mut interrupted) = (0_usize, false);
    let mut under_way = FuturesUnordered::new();
    loop {
        while !interrupted && under_way.len() < AT_A_TIME {
            let Some((number, message)) = rest.next() else {
                break;
            };
            let submit = submit(&message, args, number);
            under_way.push(async move { (number, message.id, esme.submit(submit).await) });
        }
        if under_way.is_empty() {
            break;
        }
        tokio::select! {
            biased;
            Some((number, id, result)) = under_way.next() => {
                failed += usize::from(result.is_err());
                if let Err(error) = journal.note(number, id.as_deref(), &result) {
                    complain(format_args!("cannot write {}: {error}", journal.path.display()));
                    return Exit::Failed;
                }
                if args.json {
                    show(&result, Some((number, id.as_deref())), true);
                }
                view.advance(1);
            }
            _ = &mut interrupt, if !interrupted => {
                complain("interrupted: waiting for the messages under way; run it again to send the rest");
                interrupted = true;
            }
        }
    }
    view.finish();
    if !args.json {
        say(format_args!(
            "{} sent, {failed} of them not accepted, {skipped} skipped; outcomes are in {}",
            all - skipped - rest.len(),
            journal.path.display()
        ));
    }
    if interrupted || failed > 0 {
        Exit::Failed
    } else {
        Exit::Done
    }
}

fn show(result: &SubmitResult, message: Option<(u64, Option<&str>)>, json: bool) {
    let mut value = Map::new();
    if let Some((number, id)) = message {
        value.insert("line".into(), number.into());
        value.insert("id".into(), id.into());
    }
    value.extend(outcome_json(result));
    match result {
        _ if json => say(Value::Object(value)),
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

/// The outcomes of a file's messages, beside it, so that no message that has one is sent again.
struct Journal {
    path: PathBuf,
    file: File,
    known: std::collections::HashSet<u64>,
}

impl Journal {
    /// Opens `FILE.outcomes.jsonl`, which is made when it is not there.
    fn open(of: &Path) -> Result<Self, String> {
        let mut path = of.as_os_str().to_owned();
        path.push(".outcomes.jsonl");
        let path = PathBuf::from(path);
        let fail = |error: std::io::Error| format!("cannot open {}: {error}", path.display());
        let mut known = std::collections::HashSet::new();
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .open(&path)
            .map_err(fail)?;
        let mut ends_in_line = true;
        for line in BufReader::new(&file).split(b'\n') {
            let line = line.map_err(fail)?;
            // The last line may be half written; its message is then sent again.
            let parsed = serde_json::from_slice::<Value>(&line).ok();
            ends_in_line = parsed.is_some();
            known.extend(parsed.and_then(|value| value["line"].as_u64()));
        }
        if !ends_in_line {
            file.write_all(b"\n").map_err(fail)?;
        }
        Ok(Self { path, file, known })
    }

    fn has(&self, number: u64) -> bool {
        self.known.contains(&number)
    }

    /// Notes an outcome, on disk before it counts. One that never left the process is no outcome to keep: the
    /// message is sent when the file is sent again.
    fn note(&mut self, number: u64, id: Option<&str>, result: &SubmitResult) -> std::io::Result<()> {
        let again = matches!(
            result,
            Err(SubmitError::NotSent { .. }
                | SubmitError::Busy
                | SubmitError::NoRoute
                | SubmitError::ShuttingDown)
        );
        if again {
            return Ok(());
        }
        let mut value = Map::new();
        value.insert("line".into(), number.into());
        value.insert("id".into(), id.into());
        value.extend(outcome_json(result));
        let mut line = serde_json::to_vec(&value)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.file.sync_data()
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
    use super::*;
    use crate::submit::{MessageId, MessageIds, NotSentCause, Submitted};

    #[test]
    fn what_has_an_outcome_is_not_sent_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("messages.csv");
        let mut journal = Journal::open(&file).unwrap();
        let accepted = Ok(Submitted::new(
            MessageIds::One(MessageId::EMPTY),
            "a-1".into(),
            Duration::ZERO,
        ));
        journal.note(1, Some("x"), &accepted).unwrap();
        journal
            .note(
                2,
                None,
                &Err(SubmitError::NotSent {
                    cause: NotSentCause::LinkLost,
                }),
            )
            .unwrap();
        journal.note(3, None, &Err(SubmitError::Expired)).unwrap();
        // The process ended in the middle of a line.
        journal.file.write_all(b"{\"line\":4,").unwrap();
        let mut again = Journal::open(&file).unwrap();
        assert_eq!(
            (1..=4).map(|number| again.has(number)).collect::<Vec<_>>(),
            [true, false, true, false]
        );
        again.note(4, None, &accepted).unwrap();
        assert!(Journal::open(&file).unwrap().has(4));
    }
}
