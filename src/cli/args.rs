//! What can be said on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::settings::HostPort;

/// Holds many SMPP binds and routes SMS over them.
#[derive(Debug, Parser)]
#[command(
    name = "bindery",
    version,
    max_term_width = 100,
    arg_required_else_help = false
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show the main job on embedded parts: several SMSCs, binds over real TCP, messages, receipts
    Demo(Demo),
    /// Hold all binds of a configuration until SIGINT or SIGTERM; nothing can be sent through it yet
    Run(Configured),
    /// Read and validate a configuration and print what is in effect, with secrets masked
    Check(Check),
    /// Send one message, or all messages of a file
    Send(Send),
    /// Put load on SMSCs through the whole stack
    Load(Load),
    /// Run the embedded SMSC as a program
    Smsc(Smsc),
    /// Read or write PDUs, one a line
    #[command(subcommand, arg_required_else_help = false)]
    Pdu(Pdu),
    /// Work on short-message content, one JSON object a line; or describe a text
    Sm {
        /// The text to describe; without it, standard input is read as JSON Lines
        text: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// How many messages are routed
    #[arg(long, default_value_t = 20_000)]
    pub(super) messages: u64,
    /// Stop submitting after this many seconds
    #[arg(long, value_parser = above_zero)]
    pub(super) seconds: Option<f64>,
    /// Print JSON Lines
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Configured {
    /// The configuration
    #[arg(short, long, value_name = "FILE")]
    pub(super) config: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    pub(super) configured: Configured,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Send {
    #[command(flatten)]
    pub(super) configured: Configured,
    /// Who gets the message
    #[arg(long, required_unless_present = "file", value_name = "ADDRESS")]
    pub(super) to: Option<String>,
    /// Who sends it
    #[arg(long, value_name = "ADDRESS")]
    pub(super) from: Option<String>,
    /// What it says
    #[arg(long, required_unless_present = "file")]
    pub(super) text: Option<String>,
    /// Which route it takes
    #[arg(long)]
    pub(super) route: Option<String>,
    /// Send every message of a file: CSV with a header of to,from,text and optionally route,id; or JSON Lines. Outcomes are
    /// noted in FILE.outcomes.jsonl, and what has one there is not sent again
    #[arg(long, value_name = "FILE", conflicts_with_all = ["to", "text"])]
    pub(super) file: Option<PathBuf>,
    /// Ask for a receipt and wait for it
    #[arg(long)]
    pub(super) wait_receipt: bool,
    /// How long a message may wait for a bind, and how long to wait for each next receipt
    #[arg(long, default_value = "5m", value_parser = duration, value_name = "DURATION")]
    pub(super) timeout: Duration,
    /// Print JSON Lines
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Load {
    /// Where an SMSC listens; may be given several times
    #[arg(long, required = true, value_parser = host_port, value_name = "HOST:PORT")]
    pub(super) smsc: Vec<HostPort>,
    /// Binds to each SMSC
    #[arg(long, default_value = "1", value_parser = between::<1, 10_000>)]
    pub(super) binds: usize,
    /// Requests without a response on each bind
    #[arg(long, default_value = "100", value_parser = between::<1, 65_535>)]
    pub(super) window: usize,
    /// PDUs per second over all binds together; without it, as many as the SMSCs take
    #[arg(long, value_parser = above_zero)]
    pub(super) rate: Option<f64>,
    /// How many messages are sent
    #[arg(long, default_value_t = 100_000)]
    pub(super) messages: u64,
    /// Characters of each text; one that is longer than 160 takes several parts
    #[arg(long, default_value = "100", value_parser = between::<0, 39_015>)]
    pub(super) length: usize,
    /// Ask for receipts and wait for those owed
    #[arg(long)]
    pub(super) receipts: bool,
    /// Who binds
    #[arg(long, default_value = "load")]
    pub(super) system_id: String,
    /// The password
    #[arg(long, default_value = "load")]
    pub(super) password: String,
    /// Encrypt the connections; the certificate must be that of HOST
    #[arg(long)]
    pub(super) tls: bool,
    /// File with the certificates (PEM) of the authorities that are trusted, in the place of the system's
    #[arg(long, requires = "tls", value_name = "FILE")]
    pub(super) ca_file: Option<String>,
    /// How long a response may take
    #[arg(long, default_value = "30s", value_parser = duration, value_name = "DURATION")]
    pub(super) response_timeout: Duration,
    /// Draw messages a second and latencies over time
    #[arg(long, value_name = "FILE.svg")]
    pub(super) plot: Option<PathBuf>,
    /// The seed of everything that happens by chance
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// Print the summary as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Smsc {
    /// Where to listen; port 0 takes a free one. Without it: where the configuration says
    #[arg(long, value_parser = host_port, value_name = "HOST:PORT", required_unless_present = "config")]
    pub(super) listen: Option<HostPort>,
    /// A configuration with exactly one [smsc.NAME] table, which says how it behaves, such as one of config/profiles:
    /// healthy.toml, slow.toml, flaky.toml, throttling.toml, hostile.toml, dead.toml
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Time between a message and its response
    #[arg(long, value_parser = duration, value_name = "DURATION")]
    pub(super) delay: Option<Duration>,
    /// Messages per second of each account; what comes faster is throttled
    #[arg(long, value_parser = above_zero)]
    pub(super) rate: Option<f64>,
    /// Time between a message and its receipt
    #[arg(long, value_parser = duration, value_name = "DURATION")]
    pub(super) receipts_after: Option<Duration>,
    /// The seed of everything that happens by chance
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// Append each message part that is decoded to this file, as JSON, before it is answered
    #[arg(long, value_name = "FILE")]
    pub(super) seen: Option<PathBuf>,
    /// Put what the parts say there too, in hex
    #[arg(long, requires = "seen")]
    pub(super) seen_texts: bool,
    /// Print JSON Lines
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Pdu {
    /// Decode PDUs in hex, one a line, to JSON; or show one octet by octet
    Decode {
        /// The PDU to show; without it, standard input is read
        hex: Option<String>,
        #[command(flatten)]
        names: Names,
    },
    /// Encode PDUs from JSON, one a line, to hex
    Encode {
        #[command(flatten)]
        names: Names,
    },
}

#[derive(Debug, Args)]
pub(super) struct Names {
    /// A configuration whose TLVs are known by name too
    #[arg(short, long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|_| "expected a duration with a unit, such as 30s or 500ms".into())
}

fn above_zero(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|number: &f64| number.is_finite() && *number > 0.0)
        .ok_or_else(|| "expected a number above 0".into())
}

fn between<const LEAST: usize, const MOST: usize>(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|number| (LEAST..=MOST).contains(number))
        .ok_or_else(|| format!("expected a whole number from {LEAST} to {MOST}"))
}

fn host_port(text: &str) -> Result<HostPort, String> {
    let host = HostPort::from(text);
    let is_whole = text
        .rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    match is_whole {
        true => Ok(host),
        false => Err("expected a host and a port, such as 127.0.0.1:2775".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_message_or_a_file_is_needed_to_send() {
        let parse = |arguments: &str| Cli::try_parse_from(arguments.split(' ')).is_ok();
        assert!(parse("bindery send -c x --to 1 --text y"));
        assert!(parse("bindery send -c x --file y"));
        assert!(!parse("bindery send -c x"));
        assert!(!parse("bindery send -c x --to 1"));
        assert!(!parse("bindery send -c x --file y --to 1"));
    }

    #[test]
    fn numbers_are_in_their_range() {
        assert_eq!(
            ["0", "1", "100", "101", "1.5", "-1"].map(|text| between::<1, 100>(text).is_ok()),
            [false, true, true, false, false, false]
        );
        assert_eq!(
            ["0", "0.5", "1e3", "inf", "NaN", "-1"].map(|text| above_zero(text).is_ok()),
            [false, true, true, false, false, false]
        );
    }

    #[test]
    fn hosts_need_a_port() {
        for (text, fine) in [
            ("a:1", true),
            ("[::1]:2775", true),
            ("a", false),
            (":1", false),
            ("a:x", false),
        ] {
            assert_eq!(host_port(text).is_ok(), fine, "{text}");
        }
    }
}
