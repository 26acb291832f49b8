//! What a person at a terminal sees.

use std::time::Duration;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, Color, Table};
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use super::output::{is_terminal, say};
use super::summary::Summary;
use crate::bind::messages::BindStatus;
use crate::events::Phase;

/// A progress bar with rate and time left, and a line for each bind; nothing where nobody looks.
pub(super) struct View {
    all: MultiProgress,
    bar: ProgressBar,
    binds: std::cell::RefCell<Vec<ProgressBar>>,
    shown: bool,
}

impl View {
    /// For a person at a terminal, unless JSON was asked for.
    pub(super) fn new(messages: u64, json: bool) -> Self {
        let shown = !json && is_terminal();
        let all = MultiProgress::new();
        let bar = if shown {
            all.add(ProgressBar::new(messages))
        } else {
            ProgressBar::hidden()
        };
        let style =
            ProgressStyle::with_template("{bar:40.cyan/blue} {human_pos}/{human_len} {rate:>12}  {eta} left");
        if let Ok(style) = style {
            bar.set_style(
                style.with_key("rate", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                    // A terminal that cannot be written to shows nothing anyway.
                    let _ = write!(out, "{:.0}/s", state.per_sec());
                }),
            );
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self {
            all,
            bar,
            binds: std::cell::RefCell::default(),
            shown,
        }
    }

    /// True when somebody looks.
    pub(super) const fn is_shown(&self) -> bool {
        self.shown
    }

    /// So many more messages have their outcome.
    pub(super) fn advance(&self, messages: usize) {
        self.bar.inc(messages as u64);
    }

    /// Shows how the binds are now.
    pub(super) fn show_binds(&self, statuses: &[BindStatus]) {
        if !self.shown {
            return;
        }
        let mut lines = self.binds.borrow_mut();
        while lines.len() < statuses.len() {
            let line = self.all.add(ProgressBar::new_spinner());
            if let Ok(style) = ProgressStyle::with_template("  {msg}") {
                line.set_style(style);
            }
            lines.push(line);
        }
        for (line, status) in lines.iter().zip(statuses) {
            line.set_message(format!(
                "{:<14} {:<11} {:>5} of {:>5} in flight  {:>9} submitted  {:>3} reconnects",
                status.bind.as_str(),
                status.phase.name(),
                status.in_flight,
                status.window,
                status.counters.submitted,
                status.counters.binds.saturating_sub(1),
            ));
        }
    }

    /// Takes the live part away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
        for line in self.binds.borrow().iter() {
            line.finish_and_clear();
        }
    }
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
    say(&binds);
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
    say(&totals);
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
