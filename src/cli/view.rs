//! What a person at a terminal sees.

use std::time::Duration;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, Color, Table};
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use super::output::{is_terminal, say, say_coloured};
use super::summary::Summary;
use crate::bind::messages::BindStatus;
use crate::esme::Esme;
use crate::events::Phase;

/// Binds that are shown live; more would leave no room for anything else.
const MOST_LINES: usize = 12;

/// How often they are looked at.
const LOOK: Duration = Duration::from_millis(200);

/// A progress bar with rate and time left, and a line for each bind; nothing where nobody looks.
pub(super) struct View {
    bar: ProgressBar,
    binds: Option<(MultiProgress, tokio::task::JoinHandle<()>)>,
}

impl View {
    /// For a person at a terminal, unless JSON was asked for. Needs an actix system on this thread.
    pub(super) fn new(esme: &Esme, messages: u64, json: bool) -> Self {
        if json || !is_terminal() {
            return Self {
                bar: ProgressBar::hidden(),
                binds: None,
            };
        }
        let all = MultiProgress::new();
        let bar = all.add(ProgressBar::new(messages).with_style(bar_style()));
        bar.enable_steady_tick(LOOK);
        let watching = actix_rt::spawn(watch(esme.clone(), all.clone()));
        Self {
            bar,
            binds: Some((all, watching)),
        }
    }

    /// So many more messages have their outcome.
    pub(super) fn advance(&self, messages: usize) {
        self.bar.inc(messages as u64);
    }

    /// Takes the live part away.
    pub(super) fn finish(self) {
        self.bar.finish_and_clear();
        if let Some((all, watching)) = self.binds {
            watching.abort();
            // A terminal that cannot be written to shows nothing anyway.
            let _ = all.clear();
        }
    }
}

fn bar_style() -> ProgressStyle {
    let template = "{bar:40.cyan/blue} {human_pos}/{human_len} {rate:>12}  {eta} left";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key("rate", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        // A terminal that cannot be written to shows nothing anyway.
        let _ = write!(out, "{:.0}/s", state.per_sec());
    })
}

/// Shows how the binds are, for ever.
async fn watch(esme: Esme, all: MultiProgress) {
    let style = ProgressStyle::with_template("  {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
    let mut lines = Vec::new();
    loop {
        let binds = esme.status().await.binds;
        let hidden = binds.len().saturating_sub(MOST_LINES);
        let mut texts: Vec<_> = binds.iter().take(MOST_LINES).map(bind_line).collect();
        texts.extend((hidden > 0).then(|| format!("and {hidden} more binds")));
        while lines.len() < texts.len() {
            lines.push(all.add(ProgressBar::new_spinner().with_style(style.clone())));
        }
        for (line, text) in lines.iter().zip(texts) {
            line.set_message(text);
            line.tick();
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn bind_line(status: &BindStatus) -> String {
    format!(
        "{:<14} {:<11} {:>5} of {:>5} in flight  {:>9} submitted  {:>3} reconnects",
        status.bind.as_str(),
        status.phase.name(),
        status.in_flight,
        status.window,
        status.counters.submitted,
        status.counters.binds.saturating_sub(1),
    )
}

/// Prints a summary: JSON, or tables for people.
pub(super) fn show_summary(summary: &Summary, json: bool) {
    if json {
        match serde_json::to_string(summary) {
            Ok(line) => say(line),
            Err(error) => super::output::complain(error),
        }
        return;
    }
    let mut binds = table(&[
        "bind",
        "state",
        "submitted",
        "in flight, most",
        "reconnects",
        "throttled",
        "lenient",
    ]);
    for bind in &summary.binds {
        let color = if bind.state == Phase::Bound.name() {
            Color::Green
        } else {
            Color::Yellow
        };
        let numbers = [
            bind.submitted,
            bind.in_flight_max as u64,
            bind.reconnects,
            bind.throttled,
            bind.lenient,
        ];
        let mut row = vec![Cell::new(&bind.name), Cell::new(&bind.state).fg(color)];
        row.extend(numbers.map(number));
        binds.add_row(row);
    }
    say_coloured(&binds);
    let outcomes = summary.outcomes;
    let mut totals = table(&[
        "messages",
        "submitted",
        "rejected",
        "not sent",
        "unknown",
        "expired",
    ]);
    let counts = [
        summary.messages,
        outcomes.submitted,
        outcomes.rejected,
        outcomes.not_sent,
        outcomes.unknown,
        outcomes.expired,
    ];
    totals.add_row(counts.map(number));
    say_coloured(&totals);
    let latency = summary.latency_us;
    say(format_args!(
        "{} messages/s over {} s; latency in µs: half within {}, 99 % within {}, longest {}",
        summary.rate_per_s, summary.elapsed_s, latency.p50, latency.p99, latency.max
    ));
    let receipts = summary.receipts;
    say(format_args!(
        "receipts: {} owed, {} received, {} orphaned",
        receipts.owed, receipts.received, receipts.orphaned
    ));
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(header.to_vec());
    table
}

fn number(value: u64) -> Cell {
    Cell::new(value).set_alignment(CellAlignment::Right)
}
