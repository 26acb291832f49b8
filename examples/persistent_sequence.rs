//! Sequence numbers that go on where they ended, even after a restart of the process.
//!
//! `cargo run --example persistent_sequence` needs nothing else: the SMSC runs inside the process. Some SMSCs want
//! numbers that a system_id never repeats; a generator of one's own keeps the last one wherever it likes, here in a
//! file.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bindery::esme::EsmeSetup;
use bindery::pdu::QuerySm;
use bindery::pdu::SequenceNumber;
use bindery::session::SequenceGenerator;
use bindery::settings::{BindSettings, Settings};
use bindery::smsc::{Behaviour, Smsc};
use bindery::submit::{Request, SubmitError};

/// So many numbers are taken from the file at once: a crash skips some of them, and never repeats one.
const BLOCK: u32 = 1_000;

/// Numbers that are reserved in a file before they are used.
struct InFile {
    file: PathBuf,
    next: u32,
    reserved: u32,
}

impl InFile {
    fn open(file: &Path) -> Self {
        let kept = fs::read_to_string(file)
            .ok()
            .and_then(|text| text.trim().parse().ok());
        let next = kept.unwrap_or(1);
        Self {
            file: file.to_owned(),
            next,
            reserved: next,
        }
    }
}

impl SequenceGenerator for InFile {
    fn next_sequence(&mut self) -> SequenceNumber {
        if self.next >= self.reserved {
            let reserved = self.next.saturating_add(BLOCK);
            // A generator cannot fail. Without its file this one goes on, and would repeat itself after a restart.
            if fs::write(&self.file, reserved.to_string()).is_ok() {
                self.reserved = reserved;
            }
        }
        let number = SequenceNumber::new(self.next);
        self.next = number.next().value();
        if self.next < self.reserved.saturating_sub(BLOCK) {
            self.reserved = self.next; // it wrapped round
        }
        number
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let smsc = Smsc::listen("127.0.0.1:0", Behaviour::default(), 1).await?;
    let address = smsc.local_addr().ok_or("an SMSC that listens has an address")?;
    let folder = std::env::temp_dir().join(format!("bindery-sequence-{}", std::process::id()));
    fs::create_dir_all(&folder)?;

    // As if the process had been started twice.
    for start in 1..=2 {
        let bind = BindSettings::new(address.to_string(), "example", "secret");
        let kept = folder.clone();
        let esme = EsmeSetup::new(Settings::default().bind("acme", bind))
            .sequences(move |bind, _| Box::new(InFile::open(&kept.join(bind.as_str()))))
            .start()?;
        let query = QuerySm {
            message_id: "1".try_into()?,
            ..QuerySm::default()
        };
        let asking = async {
            loop {
                match esme.request(Request::new(query.clone()).by("acme")).await {
                    // Not bound yet: a request never waits for that.
                    Err(SubmitError::NotSent { .. }) => tokio::time::sleep(Duration::from_millis(10)).await,
                    outcome => break outcome,
                }
            }
        };
        // A bind may never come.
        let answered = tokio::time::timeout(Duration::from_secs(10), asking).await??;
        println!(
            "start {start}: query_sm has sequence number {}",
            answered.sequence
        );
        esme.shutdown(Duration::from_secs(5)).await;
    }
    fs::remove_dir_all(&folder)?;
    Ok(())
}
