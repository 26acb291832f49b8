//! What the binary consists of.
//!
//! On a terminal it prints for people; with `--json` it prints JSON Lines on standard output and nothing else
//! there. Logs go to standard error.

mod args;
mod demo;
mod descriptors;
mod filter;
mod hex;
mod journal;
mod load;
mod messages;
mod outcome;
mod output;
pub mod pdu_json;
mod seen;
mod send;
mod serve;
mod signals;
pub mod sm_json;
mod summary;
mod timeline;
mod traffic;
mod view;
mod work;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use serde_json::Value;

use args::{Cli, Command, Names, Pdu};
use output::{Exit, complain, io_failed, say, say_lines};

use crate::pdu::TlvRegistry;
use crate::settings::{Origins, Settings};

/// Runs the command that the arguments of this process name.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            // What was asked for, on standard output.
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            complain(one_line(&error.to_string()));
            return Exit::Wrong.into();
        }
    };
    run(cli.command).into()
}

/// What is wrong with the arguments, and the tip if there is one; without the usage that follows them.
fn one_line(error: &str) -> String {
    let text = error.strip_prefix("error: ").unwrap_or(error);
    let lines = || text.lines().map(str::trim);
    let problem: Vec<_> = lines().take_while(|line| !line.is_empty()).collect();
    let mut line = problem.join(" ");
    for tip in lines().filter_map(|line| line.strip_prefix("tip: ")) {
        line = format!("{line}; {tip}");
    }
    format!("{line}; see --help")
}

fn run(command: Command) -> Exit {
    match command {
        Command::Pdu(command) => pdu(command).unwrap_or_else(|wrong| wrong),
        Command::Sm { text: Some(text) } => {
            say_lines(sm_json::describe(&text).trim_end());
            Exit::Done
        }
        Command::Sm { text: None } => filter(sm_json::sm_line),
        Command::Load(args) => load::load(&args),
        Command::Smsc(args) => serve::smsc(&args),
        Command::Demo(args) => demo::demo(&args),
        Command::Run(args) => serve::run(&args),
        Command::Check(args) => check(&args),
        Command::Send(args) => send::send(&args),
    }
}

/// Reads or writes PDUs.
fn pdu(command: Pdu) -> Result<Exit, Exit> {
    Ok(match command {
        Pdu::Decode {
            hex: Some(text),
            names,
        } => decode(&text, &known(&names)?),
        Pdu::Decode { hex: None, names } => {
            let registry = known(&names)?;
            filter(|line| pdu_json::decode_line_with(line, &registry))
        }
        Pdu::Encode { names } => {
            let registry = known(&names)?;
            filter(|line| pdu_json::encode_line_with(line, &registry))
        }
    })
}

/// The TLVs that are known by name.
fn known(names: &Names) -> Result<TlvRegistry, Exit> {
    let Some(file) = &names.config else {
        return Ok(TlvRegistry::new());
    };
    load_settings(file)?.all_tlvs().map_err(|error| {
        complain(format_args!("{}: {error}", file.display()));
        Exit::Wrong
    })
}

fn filter(answer: impl Fn(&str) -> Value) -> Exit {
    match filter::filter(answer) {
        Ok(()) => Exit::Done,
        Err(error) => io_failed(&error),
    }
}

/// Shows one PDU octet by octet.
fn decode(text: &str, registry: &TlvRegistry) -> Exit {
    match hex::parse(text) {
        Ok(octets) => {
            say_lines(pdu_json::annotated_dump_with(&octets, registry).trim_end());
            Exit::Done
        }
        Err(error) => {
            complain(format_args!(
                "character {} of the PDU: {error}; expected pairs of the digits 0 to 9 and a to f",
                error.position + 1
            ));
            Exit::Wrong
        }
    }
}

/// Shows what is in effect.
fn check(args: &args::Check) -> Exit {
    match load_with_origins(&args.configured.config) {
        Ok((settings, origins)) => {
            let effective = settings.effective();
            if args.json {
                say(serde_json::json!(effective))
            } else {
                say_lines(effective.traced(&origins).to_string().trim_end())
            }
            Exit::Done
        }
        Err(exit) => exit,
    }
}

/// Reads a configuration; says what is wrong with it, one line a mistake.
fn load_settings(file: &Path) -> Result<Settings, Exit> {
    load_with_origins(file).map(|(settings, _)| settings)
}

/// The same, and where each value came from.
fn load_with_origins(file: &Path) -> Result<(Settings, Origins), Exit> {
    match Settings::from_file_with_origins(file) {
        Ok((settings, origins)) => {
            settings.warnings().iter().for_each(complain);
            Ok((settings, origins))
        }
        Err(error) => {
            error.problems().iter().for_each(complain);
            Err(Exit::Wrong)
        }
    }
}
