//! The figures as tables and a picture.

use std::fmt::Write;
use std::fs;
use std::io;

/// Between these lines the page is ours.
const BEGIN: &str = "<!-- figures: written by benches/peers.sh -->";
const END: &str = "<!-- end of figures -->";

const NAMES: [&str; 5] = [
    "bare socket",
    "bindery, submit_batch",
    "bindery, submit",
    "smpp34",
    "rusmppc",
];
const COLOURS: [&str; 5] = ["#9aa5b1", "#1b6e53", "#37a37e", "#c98a2b", "#b5533c"];

/// What was to be reached, and what was.
pub struct Goal {
    what: String,
    reached: f64,
    must: f64,
    aim: f64,
    is_met: bool,
    is_aim_met: bool,
}

impl Goal {
    pub fn at_least(what: &str, reached: f64, must: f64, aim: f64) -> Self {
        Self {
            what: what.to_owned(),
            reached,
            must,
            aim,
            is_met: reached >= must,
            is_aim_met: reached >= aim,
        }
    }

    pub fn at_most(what: &str, reached: f64, must: f64, aim: f64) -> Self {
        Self {
            is_met: reached <= must,
            is_aim_met: reached <= aim,
            ..Self::at_least(what, reached, must, aim)
        }
    }
}

/// What will be written.
#[derive(Default)]
pub struct Page {
    tables: String,
    goals: Vec<Goal>,
    bars: Vec<(u64, Vec<f64>)>,
}

impl Page {
    pub fn table(&mut self, caption: &str, columns: &[&str]) {
        let _ = writeln!(self.tables, "\n{caption}:\n\n| {} |", columns.join(" | "));
        let _ = writeln!(self.tables, "|---|{}", "--:|".repeat(columns.len() - 1));
    }

    pub fn row(&mut self, cells: &[String]) {
        let _ = writeln!(self.tables, "| {} |", cells.join(" | "));
    }

    pub fn goal(&mut self, goal: Goal) {
        self.goals.push(goal);
    }

    pub fn bars(&mut self, window: u64, rates: &[f64]) {
        self.bars.push((window, rates.to_vec()));
    }

    /// Puts the tables into the page, between its two marks, and draws the picture.
    pub fn write(self, page: &str, picture: &str, rounds: usize) -> io::Result<()> {
        let mut goals = String::from("| goal | must | aim | reached | |\n|---|--:|--:|--:|---|\n");
        for goal in &self.goals {
            let verdict = match (goal.is_met, goal.is_aim_met) {
                (true, true) => "aim met",
                (true, false) => "met",
                (false, _) => "**missed**",
            };
            let Goal {
                what,
                must,
                aim,
                reached,
                ..
            } = goal;
            let _ = writeln!(goals, "| {what} | {must} | {aim} | {reached:.3} | {verdict} |");
        }
        let figures = format!(
            "Medians of {rounds} rounds on {}.\n\n{goals}{}",
            machine(),
            self.tables
        );
        let text = fs::read_to_string(page)?;
        let marks = text
            .split_once(BEGIN)
            .and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
        let Some((before, after)) = marks else {
            return Err(io::Error::other(format!("{page} has no marks")));
        };
        fs::write(page, format!("{before}{BEGIN}\n\n{figures}\n{END}{after}"))?;
        fs::write(picture, self.picture())
    }

    /// Bars, one group a window; each step to the right is ten times as many messages.
    fn picture(&self) -> String {
        const LEFT: f64 = 90.0;
        const DECADE: f64 = 130.0;
        const BAR: f64 = 16.0;
        const GROUP: f64 = 5.0 * BAR + 26.0;
        let height = 60.0 + GROUP * self.bars.len() as f64 + 40.0;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"760\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"760\" height=\"{height}\" fill=\"white\"/>\n"
        );
        for (place, (name, colour)) in NAMES.iter().zip(COLOURS).enumerate() {
            let x = 20.0 + 145.0 * place as f64;
            let _ = writeln!(
                svg,
                "<rect x=\"{x}\" y=\"14\" width=\"12\" height=\"12\" fill=\"{colour}\"/><text x=\"{}\" y=\"24\">{name}</text>",
                x + 18.0
            );
        }
        let at = |rate: f64| LEFT + DECADE * (rate.max(1_000.0).log10() - 3.0);
        for power in 3..=7 {
            let x = at(10_f64.powi(power));
            let label =
                ["1,000/s", "10,000/s", "100,000/s", "1,000,000/s", "10,000,000/s"][power as usize - 3];
            let _ = writeln!(
                svg,
                "<path d=\"M{x} 44V{}\" stroke=\"#dddddd\"/><text x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{label}</text>",
                height - 30.0,
                height - 12.0
            );
        }
        for (group, (window, rates)) in self.bars.iter().enumerate() {
            let top = 54.0 + GROUP * group as f64;
            let _ = writeln!(
                svg,
                "<text x=\"14\" y=\"{}\">W {window}</text>",
                top + 2.5 * BAR + 4.0
            );
            for (place, (rate, colour)) in rates.iter().zip(COLOURS).enumerate() {
                let y = top + BAR * place as f64;
                let _ = writeln!(
                    svg,
                    "<rect x=\"{LEFT}\" y=\"{y}\" width=\"{:.1}\" height=\"{}\" fill=\"{colour}\"/>",
                    at(*rate) - LEFT,
                    BAR - 3.0
                );
            }
        }
        svg.push_str("</svg>\n");
        svg
    }
}

/// What it ran on.
fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let names = || {
        info.lines()
            .filter_map(|line| line.strip_prefix("model name")?.split_once(": "))
    };
    let name = names().next().map_or("an unknown processor", |(_, name)| name);
    format!("{} cores of {name}", names().count())
}
