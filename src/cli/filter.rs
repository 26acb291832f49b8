//! JSON Lines filters: one line in, one line out, in the same order, for as long as there is input.

use std::io::{self, BufRead, Write};

use serde::Serialize;
use serde_json::ser::Formatter;
use serde_json::{Serializer, Value, json};

/// Room for input and for output, in octets.
const ROOM: usize = 1 << 16;

/// The longest line that is answered with more than an error, in octets.
const LONGEST_LINE: usize = 1 << 24;

/// Answers each line of standard input on standard output.
///
/// # Errors
///
/// Reading or writing failed, also because the reader went away.
pub(super) fn filter(answer: impl Fn(&str) -> Value) -> io::Result<()> {
    let input = io::BufReader::with_capacity(ROOM, io::stdin().lock());
    let output = io::BufWriter::with_capacity(ROOM, io::stdout().lock());
    answer_lines(input, output, LONGEST_LINE, answer)
}

/// What has been answered is written before more input is waited for; lines that are there at once are answered in
/// one write.
fn answer_lines<R: io::Read>(
    mut input: io::BufReader<R>,
    mut output: impl Write,
    longest: usize,
    answer: impl Fn(&str) -> Value,
) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        if !input.buffer().contains(&b'\n') {
            output.flush()?;
        }
        line.clear();
        let whole = read_line(&mut input, &mut line, longest)?;
        if line.is_empty() {
            return output.flush();
        }
        let value = match std::str::from_utf8(&line) {
            _ if !whole => error("line", format!("longer than {longest} octets")),
            Ok(text) => answer(text.trim_end_matches(['\n', '\r'])),
            Err(problem) => error(
                "utf8",
                format!("no UTF-8 from octet {} on", problem.valid_up_to()),
            ),
        };
        value.serialize(&mut Serializer::with_formatter(&mut output, OneLine))?;
        output.write_all(b"\n")?;
    }
}

/// JSON without the characters that JSON allows but that some readers take for the end of a line, or a terminal for
/// a command: those are written as `\uXXXX`.
struct OneLine;

impl Formatter for OneLine {
    fn write_string_fragment<W: Write + ?Sized>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut written = 0;
        for (at, found) in fragment.match_indices(is_unsafe) {
            writer.write_all(fragment.get(written..at).unwrap_or_default().as_bytes())?;
            for character in found.chars() {
                write!(writer, "\\u{:04x}", u32::from(character))?;
            }
            written = at + found.len();
        }
        writer.write_all(fragment.get(written..).unwrap_or_default().as_bytes())
    }
}

const fn is_unsafe(character: char) -> bool {
    matches!(character, '\u{7F}'..='\u{9F}' | '\u{2028}' | '\u{2029}')
}

/// Reads up to and with the end of the line, and keeps at most `longest` octets of it; false when there was more.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>, longest: usize) -> io::Result<bool> {
    let mut whole = true;
    loop {
        let available = match input.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let end = available.iter().position(|octet| *octet == b'\n');
        let taken = end.map_or(available.len(), |end| end + 1);
        let room = longest.saturating_sub(line.len());
        whole &= taken <= room;
        line.extend(available.iter().take(taken.min(room)));
        input.consume(taken);
        if end.is_some() || taken == 0 {
            return Ok(whole);
        }
    }
}

fn error(kind: &str, message: String) -> Value {
    json!({ "error": { "kind": kind, "message": message } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::collections::VecDeque;

    fn answers(input: &[u8]) -> String {
        let mut output = Vec::new();
        let input = io::BufReader::with_capacity(4, input);
        answer_lines(input, &mut output, 16, |line| json!(line.len())).unwrap();
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn each_line_has_its_answer_in_order() {
        assert_eq!(answers(b""), "");
        assert_eq!(answers(b"abc\n\nde\r\nf"), "3\n0\n2\n1\n");
    }

    #[test]
    fn a_line_that_cannot_be_read_is_answered_and_the_next_ones_too() {
        let long = [b'x'; 40];
        let input = [&long[..], b"\na\n\xff\nb\n"].concat();
        assert_eq!(
            answers(&input),
            "{\"error\":{\"kind\":\"line\",\"message\":\"longer than 16 octets\"}}\n1\n\
             {\"error\":{\"kind\":\"utf8\",\"message\":\"no UTF-8 from octet 0 on\"}}\n1\n"
        );
    }

    #[test]
    fn what_a_reader_may_take_for_the_end_of_a_line_is_escaped() {
        let mut output = Vec::new();
        let said = json!({ "\u{85}": "a\u{7F}é\u{9F}\u{2028}\u{2029}\u{A0}😎\n\"\u{B}" });
        answer_lines(io::BufReader::new(&b"x\n"[..]), &mut output, 16, |_| said.clone()).unwrap();
        let line = String::from_utf8(output).unwrap();
        assert_eq!(
            line,
            "{\"\\u0085\":\"a\\u007fé\\u009f\\u2028\\u2029\u{A0}😎\\n\\\"\\u000b\"}\n"
        );
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), said);
    }

    /// Gives one piece a read, and notes in between what was written so far.
    struct Slow<'a> {
        pieces: VecDeque<&'static [u8]>,
        written: &'a RefCell<Vec<u8>>,
        seen: &'a RefCell<Vec<String>>,
    }

    impl io::Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let written = String::from_utf8(self.written.borrow().clone()).unwrap();
            self.seen.borrow_mut().push(written);
            let piece = self.pieces.pop_front().unwrap_or_default();
            buffer[..piece.len()].copy_from_slice(piece);
            Ok(piece.len())
        }
    }

    struct Shared<'a>(&'a RefCell<Vec<u8>>);

    impl Write for Shared<'_> {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().write(octets)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn answers_are_written_before_more_input_is_waited_for() {
        let (written, seen) = (RefCell::default(), RefCell::default());
        let slow = Slow {
            pieces: [&b"a\nbb\ncc"[..], b"c\n"].into(),
            written: &written,
            seen: &seen,
        };
        let output = io::BufWriter::new(Shared(&written));
        answer_lines(io::BufReader::new(slow), output, 16, |line| json!(line.len())).unwrap();
        assert_eq!(*seen.borrow(), ["", "1\n2\n", "1\n2\n3\n"]);
    }
}
