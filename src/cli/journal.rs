//! The outcomes of a file's messages, beside it, so that no message that has one is sent again.
//!
//! It notes outcomes and no beginnings: what was under way when the process was killed has none and is sent again, whether
//! or not it was written. An expired message has its outcome: its time, which the sender gave it, is over.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::messages::{Key, Message};
use super::outcome::outcome_json;
use crate::submit::{SubmitError, SubmitResult};

/// Outcomes in `FILE.outcomes.jsonl`, one JSON object a line.
pub(super) struct Journal {
    path: PathBuf,
    file: Arc<File>,
    /// What has an outcome, with the digest of what it was.
    known: HashMap<Key, Option<u64>>,
}

/// What the journal knows of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Known {
    /// It has no outcome.
    Nothing,
    /// It has its outcome.
    Outcome,
    /// Another message had its place when that got its outcome.
    Other,
}

impl Journal {
    /// Opens the journal of `file`; makes it when it is not there.
    pub(super) fn open(file: &Path) -> io::Result<Self> {
        let path = Self::path_of(file);
        let mut options = OpenOptions::new();
        let mut file = options.create(true).read(true).append(true).open(&path)?;
        let mut known = HashMap::new();
        let mut ends_in_line = true;
        for line in BufReader::new(&file).split(b'\n') {
            // The last line may be half written; its message is then sent again.
            let value = serde_json::from_slice::<Value>(&line?).ok();
            ends_in_line = value.is_some();
            known.extend(value.as_ref().and_then(entry));
        }
        if !ends_in_line {
            file.write_all(b"\n")?;
        }
        sync_folder(&path)?;
        let file = Arc::new(file);
        Ok(Self { path, file, known })
    }

    /// Where the outcomes of a file are.
    pub(super) fn path_of(file: &Path) -> PathBuf {
        let mut path = file.as_os_str().to_owned();
        path.push(".outcomes.jsonl");
        path.into()
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn knows(&self, message: &Message) -> Known {
        match self.known.get(&message.key()) {
            None => Known::Nothing,
            Some(Some(digest)) if *digest != message.digest() => Known::Other,
            Some(_) => Known::Outcome,
        }
    }

    /// Notes outcomes; they are on disk when this is over. One that never left the process is none to keep: the
    /// message is sent when the file is sent again.
    pub(super) async fn note(&self, ended: &[(Message, SubmitResult)]) -> io::Result<()> {
        let mut lines = Vec::new();
        for (message, result) in ended.iter().filter(|(_, result)| is_kept(result)) {
            let mut value = outcome_line(message, result);
            value.insert("digest".into(), format!("{:016x}", message.digest()).into());
            serde_json::to_writer(&mut lines, &value)?;
            lines.push(b'\n');
        }
        if lines.is_empty() {
            return Ok(());
        }
        // Beside the binds, which live on this thread: a disk takes its time.
        let file = self.file.clone();
        let written = tokio::task::spawn_blocking(move || {
            (&*file).write_all(&lines)?;
            file.sync_data()
        });
        written.await?
    }
}

/// The outcome of a message of a file.
pub(super) fn outcome_line(message: &Message, result: &SubmitResult) -> Map<String, Value> {
    let mut value = Map::new();
    value.insert("line".into(), message.line.into());
    value.insert("id".into(), message.id.clone().into());
    value.extend(outcome_json(result));
    value
}

fn entry(value: &Value) -> Option<(Key, Option<u64>)> {
    let key = match value["id"].as_str() {
        Some(id) => Key::Id(id.into()),
        None => Key::Line(value["line"].as_u64()?),
    };
    let digest = value["digest"].as_str();
    Some((
        key,
        digest.and_then(|digest| u64::from_str_radix(digest, 16).ok()),
    ))
}

const fn is_kept(result: &SubmitResult) -> bool {
    !matches!(
        result,
        Err(SubmitError::NotSent { .. }
            | SubmitError::Busy
            | SubmitError::NoRoute
            | SubmitError::Invalid { .. }
            | SubmitError::Cancelled
            | SubmitError::ShuttingDown)
    )
}

/// A file that is new is found again after a crash only when its folder is on disk too.
fn sync_folder(file: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = file; // there a folder cannot be synced
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::submit::{MessageId, MessageIds, NotSentCause, Submitted};
    use std::time::Duration;

    fn message(line: u64, id: Option<&str>) -> Message {
        Message {
            line,
            id: id.map(Into::into),
            ..Message::new("447700900123", "hello")
        }
    }

    fn accepted() -> SubmitResult {
        let ids = MessageIds::One(MessageId::EMPTY);
        Ok(Submitted::new(ids, "a-1".into(), Duration::ZERO))
    }

    fn not_sent() -> SubmitResult {
        let cause = NotSentCause::LinkLost;
        Err(SubmitError::NotSent { cause })
    }

    #[tokio::test]
    async fn what_has_an_outcome_is_known_the_next_time() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("messages.csv");
        let journal = Journal::open(&file).unwrap();
        let ended = [
            (message(1, Some("x")), accepted()),
            (message(2, None), not_sent()),
            (message(3, None), Err(SubmitError::Expired)),
        ];
        journal.note(&ended).await.unwrap();
        // The process ended in the middle of a line.
        (&*journal.file).write_all(b"{\"line\":4,").unwrap();

        let again = Journal::open(&file).unwrap();
        assert_eq!(
            ended.each_ref().map(|(message, _)| again.knows(message)),
            [Known::Outcome, Known::Nothing, Known::Outcome]
        );
        let moved = message(9, Some("x"));
        assert_eq!(again.knows(&moved), Known::Outcome, "found by its id");
        let torn = message(4, None);
        assert_eq!(again.knows(&torn), Known::Nothing);
        again.note(&[(torn.clone(), accepted())]).await.unwrap();
        assert_eq!(Journal::open(&file).unwrap().knows(&torn), Known::Outcome);
    }

    #[tokio::test]
    async fn another_message_in_the_place_of_one_that_has_its_outcome_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("messages.csv");
        let journal = Journal::open(&file).unwrap();
        journal.note(&[(message(1, None), accepted())]).await.unwrap();
        let other = Message {
            line: 1,
            ..Message::new("447700900123", "something else")
        };
        assert_eq!(Journal::open(&file).unwrap().knows(&other), Known::Other);
    }
}
