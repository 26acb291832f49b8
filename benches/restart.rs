//! A thousand binds whose SMSC restarts: how they come back, in virtual time.
//!
//! `cargo bench --bench restart -- docs/restart.svg` runs it with the default governor and backoff, prints a line for
//! each second, and draws the curve. A run takes seconds of real time and gives the same for the same seed.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and fails loudly"
)]

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bindery::esme::Esme;
use bindery::link::{Connect, Connecting, Target};
use bindery::settings::{BindSettings, Settings};
use bindery::smsc::{Account, Behaviour, Smsc};
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep};

const BINDS: usize = 1_000;

/// The SMSC is away for so long.
const AWAY: Duration = Duration::from_secs(30);

/// Notes when connections are begun.
#[derive(Debug)]
struct Begun {
    connector: Arc<dyn Connect>,
    times: Mutex<Vec<Instant>>,
}

impl Connect for Begun {
    fn connect(&self, target: &Target) -> Connecting {
        self.times.lock().unwrap().push(Instant::now());
        self.connector.connect(target)
    }
}

/// What was seen in one second.
struct Second {
    begun: usize,
    bound: usize,
}

async fn run() -> Vec<Second> {
    let accounts = (0..BINDS).map(|number| Account {
        max_binds: Some(1),
        ..Account::new(format!("a{number}"), "secret")
    });
    let behaviour = Behaviour {
        accounts: accounts.collect(),
        ..Behaviour::default()
    };
    let smsc = Smsc::in_memory(behaviour, 1);
    let mut settings = Settings::default();
    for number in 0..BINDS {
        let bind = BindSettings::new("smsc:2775", format!("a{number}"), "secret");
        settings = settings.bind(format!("a-{number}"), bind);
    }
    let begun = Arc::new(Begun {
        connector: smsc.connector(),
        times: Mutex::default(),
    });
    let esme = Esme::start_local(settings, begun.clone()).unwrap();
    while smsc.counters().links < BINDS as u64 {
        sleep(Duration::from_secs(1)).await;
    }
    // Long enough for every bind to count as stable.
    sleep(Duration::from_secs(60)).await;

    begun.times.lock().unwrap().clear();
    let start = Instant::now();
    smsc.stop().await;
    let mut seconds = Vec::new();
    loop {
        sleep(Duration::from_secs(1)).await;
        if start.elapsed() == AWAY {
            smsc.start().await.unwrap();
        }
        let bound = usize::try_from(smsc.counters().links).unwrap();
        let begun = std::mem::take(&mut *begun.times.lock().unwrap()).len();
        seconds.push(Second { begun, bound });
        if bound == BINDS {
            break;
        }
    }
    assert_eq!(smsc.counters().binds_refused, 0, "never two sockets for one bind");
    esme.shutdown(Duration::from_secs(5)).await;
    seconds
}

/// Width and height of the picture, and the room for its axes.
const SIZE: (f64, f64) = (900.0, 360.0);
const MARGIN: f64 = 50.0;

fn draw(seconds: &[Second]) -> String {
    let last = seconds.len() as f64;
    let across = |second: f64| MARGIN + second / last * (SIZE.0 - 2.0 * MARGIN);
    let up = |share: f64| SIZE.1 - MARGIN - share * (SIZE.1 - 2.0 * MARGIN);
    let most = seconds
        .iter()
        .map(|second| second.begun)
        .max()
        .unwrap_or(1)
        .max(1) as f64;
    let line = |share: &dyn Fn(&Second) -> f64| {
        let points = seconds.iter().enumerate();
        let points =
            points.map(|(at, second)| format!("{:.1},{:.1}", across(at as f64 + 1.0), up(share(second))));
        points.collect::<Vec<_>>().join(" ")
    };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
        SIZE.0, SIZE.1
    );
    let (from, to) = (across(0.0), across(AWAY.as_secs_f64()));
    let _ = writeln!(
        svg,
        "<rect x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"#eee\"/>\n\
         <text x=\"{from:.1}\" y=\"{:.1}\" fill=\"#666\">SMSC away</text>",
        up(1.0),
        to - from,
        up(0.0) - up(1.0),
        up(1.0) - 6.0,
    );
    let bound = line(&|second| second.bound as f64 / BINDS as f64);
    let begun = line(&|second| second.begun as f64 / most);
    let _ = writeln!(
        svg,
        "<polyline fill=\"none\" stroke=\"#06c\" stroke-width=\"2\" points=\"{bound}\"/>\n\
         <polyline fill=\"none\" stroke=\"#c40\" stroke-width=\"1.5\" points=\"{begun}\"/>\n\
         <text x=\"{:.1}\" y=\"{:.1}\" fill=\"#06c\">binds up, of {BINDS}</text>\n\
         <text x=\"{:.1}\" y=\"{:.1}\" fill=\"#c40\">connections begun in a second, at most {most}</text>",
        across(last * 0.55),
        up(0.97),
        across(last * 0.55),
        up(0.90),
    );
    for part in 0..=5 {
        let second = last * f64::from(part) / 5.0;
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{second:.0} s</text>",
            across(second),
            SIZE.1 - MARGIN + 20.0
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    let seconds = LocalSet::new().block_on(&runtime, run());
    println!("second,begun,bound");
    for (at, second) in seconds.iter().enumerate() {
        println!("{},{},{}", at + 1, second.begun, second.bound);
    }
    let file = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    if let Some(file) = file {
        std::fs::write(file, draw(&seconds)).unwrap();
    }
}
