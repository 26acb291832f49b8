//! Runs clients against the sink, each on its core.

use std::collections::HashMap;
use std::env;
use std::io::{self, BufRead, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// No client takes longer, or it is told as 0.
const PATIENCE: &str = "60";

/// What a client did; medians.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    /// Messages a second.
    pub rate: f64,
    /// Processor seconds per 100,000 messages.
    pub cpu: f64,
    /// From a message to its response, microseconds.
    pub p50_us: f64,
    /// The slowest of a hundred.
    pub p99_us: f64,
    /// Resident at the end.
    pub rss_kib: f64,
}

/// Two cores, one for the clients and one for the SMSC.
pub struct Bench {
    rounds: usize,
    programs: PathBuf,
    _awake: Running,
}

/// A process that ends with its owner.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Bench {
    pub fn new(rounds: usize) -> io::Result<Self> {
        let spinner = "exec chrt --idle 0 taskset -c 0 sh -c 'while :; do :; done'";
        let awake = Command::new("sh").args(["-c", spinner]).spawn()?;
        let mut programs = env::current_exe()?;
        programs.pop();
        Ok(Self {
            rounds,
            programs,
            _awake: Running(awake),
        })
    }

    pub fn rounds(&self) -> usize {
        self.rounds
    }

    /// Runs these clients in turns against one kind of SMSC.
    pub fn run<const N: usize>(&mut self, sink: &str, clients: [String; N]) -> io::Result<[Figures; N]> {
        let mut samples: [Vec<HashMap<String, f64>>; N] = std::array::from_fn(|_| Vec::new());
        for _ in 0..self.rounds {
            for (client, samples) in clients.iter().zip(&mut samples) {
                // A new one each time: nobody inherits connections.
                let (_smsc, address) = self.sink(sink, free_port()?)?;
                let mut words = client.split(' ');
                let program = words.next().unwrap_or_default();
                let output = Command::new("timeout")
                    .args([PATIENCE, "taskset", "-c", cores(client)])
                    .arg(self.programs.join(program))
                    .arg(&address)
                    .args(words)
                    .stderr(Stdio::null())
                    .output()?;
                let line = String::from_utf8_lossy(&output.stdout).trim().to_owned();
                eprintln!("{client}: {line}");
                samples.push(numbers(&line));
            }
        }
        Ok(samples.map(|samples| Figures {
            rate: median(&samples, "rate_per_s"),
            cpu: median(&samples, "cpu_s_per_100k"),
            p50_us: median(&samples, "p50_us"),
            p99_us: median(&samples, "p99_us"),
            rss_kib: median(&samples, "rss_kib"),
        }))
    }

    /// Seconds from the return of an SMSC until all its binds are there again.
    pub fn restart(&mut self, binds: u64) -> io::Result<f64> {
        let port = free_port()?;
        let mut samples = Vec::new();
        for _ in 0..self.rounds {
            let (smsc, address) = self.sink("", port)?;
            let client = Command::new("taskset")
                .args(["-c", "0"])
                .arg(self.programs.join("bindery_load"))
                .args([address, "way=rebind".into(), format!("binds={binds}")])
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()?;
            let mut client = Running(client);
            let mut says = client
                .0
                .stdout
                .take()
                .map(BufReader::new)
                .ok_or(io::ErrorKind::BrokenPipe)?;
            wait_for(&mut says, "bound")?;
            drop(smsc);
            wait_for(&mut says, "away")?;
            // Long enough for the backoff of each to be at its most.
            thread::sleep(Duration::from_secs(3));
            let _smsc = self.sink("", port)?;
            let start = Instant::now();
            wait_for(&mut says, "bound")?;
            let seconds = start.elapsed().as_secs_f64();
            eprintln!("{binds} binds came back in {seconds:.2} s");
            samples.push(HashMap::from([("s".to_owned(), seconds)]));
        }
        Ok(median(&samples, "s"))
    }

    fn sink(&self, how: &str, port: u16) -> io::Result<(Running, String)> {
        let address = format!("127.0.0.1:{port}");
        let sink = Command::new("taskset")
            .args(["-c", "1"])
            .arg(self.programs.join("sink"))
            .arg(&address)
            .args(how.split_whitespace())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut sink = Running(sink);
        let mut says = sink
            .0
            .stdout
            .take()
            .map(BufReader::new)
            .ok_or(io::ErrorKind::BrokenPipe)?;
        wait_for(&mut says, "listening")?;
        Ok((sink, address))
    }
}

/// A client of several threads may use what the SMSC leaves of its core.
fn cores(client: &str) -> &'static str {
    if client.contains("threads=") { "0,1" } else { "0" }
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn wait_for(says: &mut BufReader<ChildStdout>, word: &str) -> io::Result<()> {
    let mut line = String::new();
    while !line.starts_with(word) {
        line.clear();
        if says.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

/// The numbers of a flat JSON object.
fn numbers(line: &str) -> HashMap<String, f64> {
    let pairs = line.trim_matches(['{', '}']).split(',');
    pairs
        .filter_map(|pair| {
            let (key, value) = pair.split_once(':')?;
            Some((key.trim_matches('"').to_owned(), value.parse().ok()?))
        })
        .collect()
}

fn median(samples: &[HashMap<String, f64>], key: &str) -> f64 {
    let value = |sample: &HashMap<String, f64>| sample.get(key).copied().unwrap_or(0.0);
    let mut values: Vec<_> = samples.iter().map(value).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
