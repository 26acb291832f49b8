//! What goes to standard output, and how a command ends.

use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal, Write};
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

impl Exit {
    const fn status(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Wrong => 2,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.status())
    }
}

/// One line on standard output. A reader that went away ends the command quietly.
pub(super) fn say(line: impl Display) {
    let mut output = io::stdout().lock();
    if let Err(error) = writeln!(output, "{line}").and_then(|()| output.flush()) {
        std::process::exit(io_failed(&error).status().into());
    }
}

/// How a command ends whose input or output failed.
pub(super) fn io_failed(error: &io::Error) -> Exit {
    if error.kind() == ErrorKind::BrokenPipe {
        return Exit::Done;
    }
    complain(format_args!("input or output failed: {error}"));
    Exit::Failed
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
