//! What goes to standard output, and how a command ends.

use std::fmt::Display;
use std::io::{self, BufRead, IsTerminal, Write};
use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Exit {
    /// Done.
    Done,
    /// The work ended with a failure that the output names.
    Failed,
    /// Wrong usage or wrong configuration; one line says what.
    Wrong,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Wrong => 2,
        })
    }
}

/// One line on standard output. A reader that went away ends the command quietly.
pub(super) fn say(line: impl Display) {
    let mut output = io::stdout().lock();
    if writeln!(output, "{line}").and_then(|()| output.flush()).is_err() {
        std::process::exit(0);
    }
}

/// One line on standard error: what is wrong, where, and what would be right.
pub(super) fn complain(line: impl Display) {
    // Nobody is left to tell when this fails.
    let _ = writeln!(io::stderr(), "bindery: {line}");
}

/// True when a person looks at standard output.
pub(super) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Answers each line of standard input with one line, in order. What one line says is answered before the next
/// is waited for, and many lines that are there at once are answered in one write.
pub(super) fn filter(answer: impl Fn(&str) -> serde_json::Value) -> Exit {
    let mut input = io::BufReader::with_capacity(1 << 16, io::stdin().lock());
    let mut output = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut line = Vec::new();
    loop {
        line.clear();
        match input.read_until(b'\n', &mut line) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => {
                complain(format_args!("cannot read standard input: {error}"));
                return Exit::Failed;
            }
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        let mut written = serde_json::to_writer(&mut output, &answer(text)).map_err(io::Error::from);
        written = written.and_then(|()| output.write_all(b"\n"));
        if input.buffer().is_empty() {
            written = written.and_then(|()| output.flush());
        }
        if written.is_err() {
            // The reader went away.
            return Exit::Done;
        }
    }
    let _ = output.flush();
    Exit::Done
}
