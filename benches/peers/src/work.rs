//! What every client of the throughput figures is told, and what it says at the end.

use std::fs;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// `CLIENT HOST:PORT [key=value]...`
pub struct Arguments {
    /// Where the SMSC is.
    pub address: String,
    pairs: Vec<(String, String)>,
}

impl Arguments {
    /// Those of this process; without an address it says what they are and ends.
    #[must_use]
    pub fn read(usage: &str) -> Self {
        let mut arguments = std::env::args().skip(1);
        let Some(address) = arguments.next() else {
            eprintln!("{usage}");
            std::process::exit(2);
        };
        let pairs = arguments.filter_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            Some((key.to_owned(), value.to_owned()))
        });
        Self {
            address,
            pairs: pairs.collect(),
        }
    }

    /// The value of a key.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        let pair = self.pairs.iter().find(|(name, _)| name == key);
        pair.map(|(_, value)| value.as_str())
    }

    /// The value of a key that is a number.
    #[must_use]
    pub fn number(&self, key: &str, default: u64) -> u64 {
        let value = self.text(key);
        value.map_or(default, |value| value.parse().expect("a number"))
    }
}

/// The work of a client: so many messages of one text, over so many binds.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// How many in all.
    pub messages: u64,
    /// At most so many unanswered on one bind.
    pub window: u64,
    /// Octets of the text.
    pub length: usize,
    /// How many binds.
    pub binds: u64,
}

/// How work is told to a client.
pub const USAGE: &str = "HOST:PORT [messages=N] [window=N] [length=OCTETS] [binds=N]";

impl From<&Arguments> for Work {
    fn from(arguments: &Arguments) -> Self {
        Self {
            messages: arguments.number("messages", 100_000),
            window: arguments.number("window", 100),
            length: arguments.number("length", 100) as usize,
            binds: arguments.number("binds", 1),
        }
    }
}

impl Work {
    /// What each of `lanes` equal workers sends.
    pub fn shares(&self, lanes: u64) -> impl Iterator<Item = u64> + use<> {
        let messages = self.messages;
        (0..lanes).map(move |lane| messages / lanes + u64::from(lane < messages % lanes))
    }
}

/// Time and processor that something takes.
pub struct Meter {
    start: Instant,
    cpu: Duration,
}

impl Meter {
    /// From now on.
    #[must_use]
    pub fn start() -> Self {
        Self {
            start: Instant::now(),
            cpu: cpu(),
        }
    }

    /// Prints one JSON line for `submitted` of `messages`; `after` are times from a message to its response.
    pub fn finish(self, client: &str, messages: u64, submitted: u64, after: &Times) {
        let elapsed = self.start.elapsed().as_secs_f64();
        let cpu = (cpu() - self.cpu).as_secs_f64();
        println!(
            "{{\"client\":\"{client}\",\"messages\":{messages},\"submitted\":{submitted},\"elapsed_s\":{elapsed:.4},\
             \"rate_per_s\":{:.0},\"cpu_s_per_100k\":{:.4},\"p50_us\":{},\"p99_us\":{},\"rss_kib\":{},\"peak_rss_kib\":{}}}",
            messages as f64 / elapsed,
            cpu * 100_000.0 / messages as f64,
            after.at(0.5),
            after.at(0.99),
            kib("VmRSS:"),
            kib("VmHWM:"),
        );
    }
}

/// How long things took, in microseconds. To keep a million times one by one costs more than what is measured.
pub struct Times(Histogram<u64>);

impl Default for Times {
    fn default() -> Self {
        Self(Histogram::new(3).expect("a precision that there is"))
    }
}

impl Times {
    /// One more.
    pub fn add(&mut self, time: Duration) {
        // It grows with what it is given.
        self.0.record(time.as_micros() as u64).expect("room for any time");
    }

    /// Those of another thread too.
    pub fn extend(&mut self, other: &Self) {
        self.0.add(&other.0).expect("both take any time");
    }

    /// What this share of all took at most.
    fn at(&self, share: f64) -> u64 {
        self.0.value_at_quantile(share)
    }
}

/// Processor time of all threads of this process, as the scheduler counts it.
fn cpu() -> Duration {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let nanoseconds = tasks.filter_map(|task| {
        let line = fs::read_to_string(task.path().join("schedstat")).ok()?;
        line.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
}

/// A figure of this process's memory.
#[must_use]
pub fn kib(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}
