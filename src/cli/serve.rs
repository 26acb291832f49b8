//! `run` and `smsc`: what goes on until it is told to end.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use tokio::task::spawn_blocking;
use tracing::{debug, warn};
use tracing_subscriber::filter::LevelFilter;

use super::args;
use super::descriptors;
use super::load_settings;
use super::output::{Exit, complain, say, say_lines};
use super::seen::SeenFile;
use super::signals::{Hangup, Signals};
use crate::esme::Esme;
use crate::events::{Alarm, Event, Kinds, Policy};
use crate::settings::{LogLevel, Settings, SmscSettings};
use crate::smsc::{Behaviour, Smsc};
use crate::submit::BindId;
use crate::telemetry;

/// How often the configuration is looked at.
const WATCH: Duration = Duration::from_secs(1);

/// Holds the binds until SIGINT or SIGTERM. SIGHUP, or another text in the file, applies what changed.
///
/// Nothing can be sent through it yet: receipts are acknowledged and dropped, and nobody takes messages from phones.
pub(super) fn run(args: &args::Configured) -> Exit {
    let settings = match load_settings(&args.config) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    start_log(&settings);
    descriptors::allow(settings.binds.len());
    let grace = settings.router.shutdown_grace;
    actix_rt::System::new().block_on(async {
        let esme = match Esme::start(settings) {
            Ok(esme) => esme,
            Err(error) => {
                complain(error);
                return Exit::Wrong;
            }
        };
        let mut alarms = esme.events(Kinds::ALARMS, Policy::drop_oldest());
        let mut unhandled = HashSet::new();
        let mut signals = Signals::listen();
        let mut file = Watched::new(&args.config);
        loop {
            tokio::select! {
                () = signals.next() => {
                    shut_down(&esme, grace, &mut signals).await;
                    return Exit::Done;
                }
                () = file.changed() => apply(&esme, &args.config).await,
                Some(event) = alarms.next() => log_alarm(&event, &mut unhandled),
                () = esme.closed() => {
                    complain("the router ended; every bind was unbound");
                    return Exit::Failed;
                }
            }
        }
    })
}

/// Alarms are warnings. That nobody takes messages from phones is one for the first of each bind: it is so by design.
fn log_alarm(event: &Event, unhandled: &mut HashSet<BindId>) {
    match event {
        Event::Alarm(event) => match &event.alarm {
            Alarm::Unhandled { bind } if !unhandled.insert(bind.clone()) => debug!(cause = %event, "alarm"),
            _ => warn!(cause = %event, "alarm"),
        },
        Event::Lagged { missed } => warn!(count = missed, "alarms missed"),
        _ => {}
    }
}

/// Applies what the file says now. One that cannot be used changes nothing.
async fn apply(esme: &Esme, file: &Path) {
    let Ok(settings) = load_settings(file) else {
        return complain(format_args!(
            "{}: not applied; everything goes on as before",
            file.display()
        ));
    };
    match esme.apply(settings).await {
        Ok(applied) => applied.needs_restart.iter().for_each(|key| {
            complain(format_args!(
                "{}: {key} counts when the process starts again",
                file.display()
            ));
        }),
        Err(error) => complain(error),
    }
}

/// A file that is looked at from time to time.
struct Watched<'a> {
    file: &'a Path,
    text: Option<Vec<u8>>,
    hangup: Hangup,
}

impl<'a> Watched<'a> {
    fn new(file: &'a Path) -> Self {
        Self {
            file,
            text: std::fs::read(file).ok(),
            hangup: Hangup::listen(),
        }
    }

    /// Waits for SIGHUP, or until the file has another text. May be dropped and called again.
    async fn changed(&mut self) {
        loop {
            tokio::select! {
                () = self.hangup.next() => {
                    self.text = std::fs::read(self.file).ok();
                    return;
                }
                () = tokio::time::sleep(WATCH) => {}
            }
            // A file that is just being replaced is looked at again.
            let file = self.file.to_owned();
            let Ok(Ok(text)) = spawn_blocking(move || std::fs::read(file)).await else {
                continue;
            };
            if self.text.as_deref() != Some(text.as_slice()) {
                self.text = Some(text);
                return;
            }
        }
    }
}

/// Finishes what has begun; what has not ended when one more signal comes is not waited for.
pub(super) async fn shut_down(esme: &Esme, grace: Duration, signals: &mut Signals) {
    let mut finished = std::pin::pin!(esme.shutdown(grace));
    tokio::select! {
        _ = &mut finished => return,
        () = signals.next() => {}
    }
    tokio::join!(finished, esme.shutdown(Duration::ZERO));
}

/// Runs the embedded SMSC until SIGINT or SIGTERM.
pub(super) fn smsc(args: &args::Smsc) -> Exit {
    let settings = match smsc_settings(args) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    descriptors::allow(settings.limits.connections);
    actix_rt::System::new().block_on(async {
        let mut signals = Signals::listen();
        let address = (settings.listen.host(), settings.listen.port());
        let smsc = match Smsc::listen(address, Behaviour::from(&settings), settings.seed).await {
            Ok(smsc) => smsc,
            Err(error) => {
                complain(format_args!("cannot listen on {}: {error}", settings.listen));
                return Exit::Failed;
            }
        };
        if let Some(file) = &args.seen {
            match SeenFile::open(file, args.seen_texts) {
                Ok(seen) => smsc.observe(seen),
                Err(error) => {
                    complain(format_args!("cannot open {}: {error}", file.display()));
                    return Exit::Failed;
                }
            }
        }
        if let Some(address) = smsc.local_addr() {
            let address = address.to_string();
            if args.json {
                say(json!({ "listening": address }))
            } else {
                say(format_args!("listening on {address}"))
            }
        }
        signals.next().await;
        smsc.shutdown().await;
        let counters = smsc.counters();
        if args.json {
            say(json!(counters));
        } else {
            say_lines(lines(&json!(counters), "").trim_end());
        }
        Exit::Done
    })
}

/// A line for each number.
fn lines(counters: &serde_json::Value, of: &str) -> String {
    let Some(counters) = counters.as_object() else {
        return String::new();
    };
    let line = |(name, value): (&String, &serde_json::Value)| match value {
        serde_json::Value::Object(_) => lines(value, &format!("{of}{name}.")),
        value => format!("{:<32}{value:>10}\n", format!("{of}{name}")),
    };
    counters.iter().map(line).collect()
}

fn smsc_settings(args: &args::Smsc) -> Result<SmscSettings, Exit> {
    let mut settings = match &args.config {
        Some(file) => only_smsc(file)?,
        None => SmscSettings::default(),
    };
    if let Some(listen) = &args.listen {
        settings.listen = listen.clone();
    }
    if let Some(delay) = args.delay {
        settings.delay = delay;
    }
    if let Some(rate) = args.rate {
        settings.rate = Some(rate);
    }
    if let Some(after) = args.receipts_after {
        settings.receipts_after = Some(after);
    }
    if let Some(seed) = args.seed {
        settings.seed = seed;
    }
    Ok(settings)
}

/// The one embedded SMSC of a configuration.
fn only_smsc(file: &Path) -> Result<SmscSettings, Exit> {
    let mut smscs = load_settings(file)?.smsc;
    match smscs.len() {
        1 => Ok(smscs.pop_first().map(|(_, smsc)| smsc).unwrap_or_default()),
        count => {
            complain(format_args!(
                "{}: {count} tables [smsc.NAME]; expected exactly one",
                file.display()
            ));
            Err(Exit::Wrong)
        }
    }
}

/// Logs to standard error as the settings say.
pub(super) fn start_log(settings: &Settings) {
    telemetry::show_texts(settings.log.texts);
    telemetry::show_addresses(settings.log.addresses);
    telemetry::start(match settings.log.level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    });
}
