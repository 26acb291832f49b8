//! What goes to standard output, and how a command ends.

use std::fmt::{self, Display, Write as _};
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

/// One line on standard output, its control characters escaped. A reader that went away ends the command quietly.
pub(super) fn say(line: impl Display) {
    write_out(&Printable {
        text: line,
        breaks: false,
    });
}

/// The same of several lines.
pub(super) fn say_lines(text: impl Display) {
    write_out(&Printable { text, breaks: true });
}

/// The same with colours, for what holds nothing that a peer said.
pub(super) fn say_coloured(text: impl Display) {
    write_out(&text);
}

fn write_out(text: &impl Display) {
    let mut output = io::stdout().lock();
    if let Err(error) = writeln!(output, "{text}").and_then(|()| output.flush()) {
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
    let line = Printable {
        text: line,
        breaks: true,
    };
    let _ = writeln!(io::stderr(), "bindery: {line}");
}

/// True when a person looks at standard output.
pub(super) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Text in which no character does anything to a terminal: what peers say stands in it.
///
/// Control characters are written as JSON has them, so that a line of JSON stays one.
struct Printable<T> {
    text: T,
    /// Line breaks and tabs are ours.
    breaks: bool,
}

impl<T: Display> Display for Printable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let breaks = self.breaks;
        write!(Escaping { to: f, breaks }, "{}", self.text)
    }
}

struct Escaping<'a, 'f> {
    to: &'a mut fmt::Formatter<'f>,
    breaks: bool,
}

impl fmt::Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let is_escaped = |c: char| match c {
            '\n' | '\t' => !self.breaks,
            // Marks that turn the direction of writing show other text than there is.
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
            c => c.is_control(),
        };
        let mut rest = text;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| is_escaped(*c)) {
            let (plain, others) = rest.split_at(at);
            write!(self.to, "{plain}\\u{:04x}", u32::from(c))?;
            rest = others.get(c.len_utf8()..).unwrap_or_default();
        }
        self.to.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> String {
        Printable { text, breaks: false }.to_string()
    }

    #[test]
    fn what_a_peer_says_does_nothing_to_a_terminal() {
        for (said, shown) in [
            ("00fe-7", "00fe-7"),
            ("Привет, ñ €", "Привет, ñ €"),
            ("a\u{1b}[2Jb", "a\\u001b[2Jb"),
            ("\u{9b}2J\u{7f}", "\\u009b2J\\u007f"),
            (
                "1\r\nreceipt of 2: DELIVRD\t",
                "1\\u000d\\u000areceipt of 2: DELIVRD\\u0009",
            ),
            ("\u{202e}7\u{0}", "\\u202e7\\u0000"),
        ] {
            assert_eq!(line(said), shown);
        }
        let lines = Printable {
            text: "one\n\ttwo\r",
            breaks: true,
        };
        assert_eq!(lines.to_string(), "one\n\ttwo\\u000d");
    }

    #[test]
    fn a_line_of_json_says_the_same_as_before() {
        let said = "a\u{1b}\u{9b}\u{7f}\u{202e}\n";
        let shown = line(&serde_json::json!({ "id": said }).to_string());
        assert!(!shown.contains(char::is_control), "{shown}");
        let read: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(read["id"], said);
    }
}
