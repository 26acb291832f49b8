//! `smsc --seen`: every message part that was decoded, one JSON object a line.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::hex;
use super::output::complain;
use crate::pdu::CommandStatus;
use crate::sm::{MessageSource, PartInfo};
use crate::smsc::{Fate, Observer, Seen, SeenMessage, Sighting};

/// Appends what an SMSC sees to a file. The system has each line before its message is answered, so that an SMSC which
/// is killed has lost none.
#[derive(Debug)]
pub(super) struct SeenFile {
    path: PathBuf,
    file: File,
    /// Lines that are not in the file yet.
    lines: Vec<u8>,
    /// Who is bound on each link.
    accounts: HashMap<u64, String>,
    texts: bool,
}

impl SeenFile {
    /// Goes on in a file that is there. What the parts say is kept only if `texts`.
    pub(super) fn open(path: &Path, texts: bool) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            file: OpenOptions::new().create(true).append(true).open(path)?,
            lines: Vec::new(),
            accounts: HashMap::new(),
            texts,
        })
    }

    fn line(&self, link: u64, message: &SeenMessage) -> Value {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let part = part_of(message);
        let mut value = json!({
            "at_ms": u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX),
            "link": link,
            "account": self.accounts.get(&link),
            "sequence_number": message.sequence_number.value(),
            "destination": message.destination,
            "part": part.map(|part| part.sequence),
            "parts": part.map(|part| part.total),
            "command_status": message.status.value(),
            "message_id": message.message_id,
            "answer": answer(message.fate),
        });
        if self.texts {
            value["hex"] = hex::print(&message.octets).into();
        }
        value
    }
}

impl Observer for SeenFile {
    fn see(&mut self, sighting: &Sighting) {
        match &sighting.what {
            Seen::Bind {
                system_id, status, ..
            } if *status == CommandStatus::ESME_ROK => {
                self.accounts.insert(sighting.link, system_id.clone());
            }
            Seen::Closed => {
                self.accounts.remove(&sighting.link);
            }
            Seen::Message(message) => {
                let line = self.line(sighting.link, message);
                // A vector takes everything.
                let _ = writeln!(self.lines, "{line}");
            }
            Seen::Connected
            | Seen::Bind { .. }
            | Seen::Answered { .. }
            | Seen::Request { .. }
            | Seen::Delivered { .. }
            | Seen::DeliveryAnswered { .. } => {}
        }
    }

    fn keep(&mut self) {
        if self.lines.is_empty() {
            return;
        }
        if let Err(error) = self.file.write_all(&self.lines) {
            complain(format_args!("cannot write {}: {error}", self.path.display()));
        }
        self.lines.clear();
    }
}

/// Which part of a long message it is, by its user data header or its TLVs.
fn part_of(message: &SeenMessage) -> Option<PartInfo> {
    let source = MessageSource {
        esm_class: message.esm_class,
        short_message: &message.octets,
        tlvs: message.tlvs.view(),
        ..MessageSource::default()
    };
    source.content().part
}

/// What became of the answer.
const fn answer(fate: Fate) -> &'static str {
    match fate {
        Fate::Answered => "sent",
        Fate::ResponseLost => "lost",
        Fate::LinkCut => "link_cut",
        Fate::LinkUnbound => "link_unbound",
    }
}
