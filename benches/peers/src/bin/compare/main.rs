//! Runs bindery, two other clients and a bare socket on the same work in turns, and writes what came out into a page.
//!
//! `compare PAGE PICTURE [rounds=N] [only=WORD]`, by `benches/peers.sh`. The client has core 0, the SMSC core 1; an idle-priority spinner keeps
//! core 0 awake, because waking a halted core of a virtual machine costs more than what is measured. All clients of one
//! work run once in each round, so that what else the machine does slows each of them alike; figures are medians.

mod page;
mod run;

use bindery_peers::work::Arguments;
use page::{Goal, Page};
use run::{Bench, Figures};

/// Messages for each client of one bind, by window: some seconds of work for the slowest.
const WINDOWS: [(u64, u64, u64); 4] = [
    (1, 20_000, 20_000),
    (10, 200_000, 100_000),
    (100, 1_000_000, 200_000),
    (1_000, 2_000_000, 200_000),
];

fn main() -> std::io::Result<()> {
    let arguments = Arguments::read("compare PAGE PICTURE [rounds=N]");
    let picture = std::env::args().nth(2).unwrap_or_default();
    let mut bench = Bench::new(arguments.number("rounds", 5) as usize)?;
    let mut page = Page::default();

    page.table(
        "One bind, messages a second",
        &[
            "window",
            "bare socket",
            "`submit`",
            "÷ limit",
            "× peer",
            "`submit_batch`",
            "÷ limit",
            "× peer",
            "smpp34",
            "rusmppc",
        ],
    );
    let mut one_bind = Vec::new();
    for (window, messages, fewer) in WINDOWS {
        let work = |count| format!("messages={count} window={window}");
        let [bare, submit, batch, smpp34, rusmppc] = bench.run(
            "",
            [
                format!("bare_socket {}", work(messages)),
                format!("bindery_load {}", work(messages)),
                format!("bindery_load way=batch {}", work(messages)),
                format!("smpp34_load {}", work(fewer)),
                format!("rusmppc_load {}", work(fewer)),
            ],
        )?;
        let peer = smpp34.rate.max(rusmppc.rate);
        let shares = |ours: Figures| [ours.rate / bare.rate, ours.rate / peer];
        let ([limit, times], [batch_limit, batch_times]) = (shares(submit), shares(batch));
        page.row(&[
            window.to_string(),
            thousands(bare.rate),
            thousands(submit.rate),
            format!("{limit:.2}"),
            format!("{times:.2}"),
            thousands(batch.rate),
            format!("{batch_limit:.2}"),
            format!("{batch_times:.2}"),
            thousands(smpp34.rate),
            thousands(rusmppc.rate),
        ]);
        page.bars(
            window,
            &[bare.rate, batch.rate, submit.rate, smpp34.rate, rusmppc.rate],
        );
        match window {
            1 => page.goal(Goal::at_least("one bind, W 1, ÷ limit", limit, 0.85, 0.92)),
            10 => page.goal(Goal::at_least("one bind, W 10, ÷ limit", limit, 0.75, 0.95)),
            100 => {
                page.goal(Goal::at_least("one bind, W 100, ÷ limit", limit, 0.35, 0.55));
                page.goal(Goal::at_least("one bind, W 100, × peer", times, 3.2, 5.0));
            }
            _ => {
                page.goal(Goal::at_least(
                    "one bind, W 1000, `submit`, ÷ limit",
                    limit,
                    0.07,
                    0.10,
                ));
                page.goal(Goal::at_least(
                    "one bind, W 1000, `submit`, × peer",
                    times,
                    7.0,
                    10.0,
                ));
                page.goal(Goal::at_least(
                    "one bind, W 1000, `submit_batch`, ÷ limit",
                    batch_limit,
                    0.10,
                    0.14,
                ));
                page.goal(Goal::at_least(
                    "one bind, W 1000, `submit_batch`, × peer",
                    batch_times,
                    10.0,
                    14.0,
                ));
                page.goal(Goal::at_most(
                    "processor seconds per 100,000 messages, W 1000",
                    batch.cpu,
                    0.045,
                    0.030,
                ));
                // Where the goal was set the bare socket took 0.00315 s.
                page.goal(Goal::at_most(
                    "these seconds, × the bare socket's",
                    batch.cpu / bare.cpu,
                    14.0,
                    9.5,
                ));
            }
        }
        one_bind.push(submit);
    }
    let [.., alone] = one_bind.as_slice() else {
        unreachable!("there are windows")
    };

    let many = "binds=1000 messages=100000 window=10";
    let [eight, sixty_four, ours, smpp34, rusmppc, unasked] = bench.run(
        "",
        [
            "bindery_load binds=8 messages=2000000 window=125".to_owned(),
            "bindery_load binds=64 messages=2000000 window=16".to_owned(),
            format!("bindery_load {many}"),
            format!("smpp34_load {many}"),
            format!("rusmppc_load {many}"),
            "bindery_load messages=2000000 window=1000 receipts=0".to_owned(),
        ],
    )?;
    page.table(
        "More binds, messages a second",
        &["work", "bindery", "smpp34", "rusmppc"],
    );
    let alone_only = |name: &str, figures: Figures| {
        [
            name.to_owned(),
            thousands(figures.rate),
            String::new(),
            String::new(),
        ]
    };
    // With no third core for the SMSC, one that never sleeps would take from the client what it does not need.
    let [two_threads] = bench.run(
        "sleep=1",
        ["bindery_load binds=2 messages=2000000 window=500 threads=2".to_owned()],
    )?;
    page.row(&alone_only("8 binds, W 125 each", eight));
    page.row(&alone_only("64 binds, W 16 each", sixty_four));
    page.row(&alone_only(
        "2 binds, W 500 each, two threads that share both cores with an SMSC that sleeps",
        two_threads,
    ));
    page.row(&alone_only("one bind, W 1000, no receipts asked for", unasked));
    let [receipts] = bench.run(
        "receipts=1",
        ["bindery_load messages=1000000 window=1000".to_owned()],
    )?;
    page.row(&alone_only("one bind, W 1000, each receipt comes", receipts));
    page.row(&[
        "1,000 binds, 100 messages each, W 10".to_owned(),
        thousands(ours.rate),
        thousands(smpp34.rate),
        thousands(rusmppc.rate),
    ]);
    page.goal(Goal::at_least(
        "8 binds, total W 1000, ÷ one bind",
        eight.rate / alone.rate,
        0.75,
        0.90,
    ));
    page.goal(Goal::at_least(
        "1,000 binds × 100 messages, W 10, × peer",
        ours.rate / smpp34.rate.max(rusmppc.rate),
        1.1,
        2.7,
    ));
    page.goal(Goal::at_least(
        "two threads, ÷ one",
        two_threads.rate / alone.rate,
        1.0,
        1.0,
    ));

    let [late, smpp34] = bench.run(
        "delay_ms=20",
        [
            "bindery_load messages=60000 window=100".to_owned(),
            "smpp34_load messages=20000 window=100".to_owned(),
        ],
    )?;
    page.table(
        "An SMSC that answers after 20 ms, W 100: at best 5,000 messages a second",
        &["client", "messages a second", "p50 ms", "p99 ms"],
    );
    let milliseconds = |us: f64| format!("{:.1}", us / 1_000.0);
    page.row(&[
        "bindery".to_owned(),
        thousands(late.rate),
        milliseconds(late.p50_us),
        milliseconds(late.p99_us),
    ]);
    page.row(&[
        "smpp34".to_owned(),
        thousands(smpp34.rate),
        String::new(),
        String::new(),
    ]);
    page.goal(Goal::at_least(
        "20 ms, W 100, of W ÷ delay",
        late.rate / 5_000.0,
        0.98,
        0.985,
    ));
    page.goal(Goal::at_most(
        "20 ms, W 100, p99 beyond the delay, ms",
        late.p99_us / 1_000.0 - 20.0,
        1.5,
        0.7,
    ));

    let [bind, arrival] = bench.run(
        "deliver=1000",
        [
            "bindery_load way=deliveries messages=500000".to_owned(),
            "bindery_load way=deliveries messages=500000 order=arrival".to_owned(),
        ],
    )?;
    page.table("Deliveries answered by an actor, a second", &["order", "bindery"]);
    page.row(&["of the bind".to_owned(), thousands(bind.rate)]);
    page.row(&["of arrival".to_owned(), thousands(arrival.rate)]);
    page.goal(Goal::at_least(
        "deliveries a second, thousands",
        bind.rate / 1_000.0,
        300.0,
        1_000.0,
    ));

    let certificates = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/certificates");
    let [tls] = bench.run(
        &format!("tls={certificates}/server.pem,{certificates}/server.key"),
        [format!(
            "bindery_load messages=500000 window=100 authority={certificates}/authority.pem"
        )],
    )?;
    let plain = one_bind.get(2).copied().unwrap_or_default();
    page.table("TLS, one bind, W 100", &["plain", "TLS", "÷ plain"]);
    page.row(&[
        thousands(plain.rate),
        thousands(tls.rate),
        format!("{:.2}", tls.rate / plain.rate),
    ]);
    page.goal(Goal::at_least(
        "TLS, one bind, W 100, ÷ plain",
        tls.rate / plain.rate,
        0.5,
        0.7,
    ));

    let idle = |binds: u64| format!("bindery_load way=idle binds={binds} messages=1");
    let [one, thousand, all] = bench.run("", [idle(1), idle(1_000), idle(5_000)])?;
    let each = |many: Figures, binds: f64| (many.rss_kib - one.rss_kib) / (binds - 1.0);
    page.table(
        "Idle binds in one process",
        &["binds", "MiB resident", "KiB a bind"],
    );
    page.row(&[
        "1".to_owned(),
        format!("{:.1}", one.rss_kib / 1_024.0),
        String::new(),
    ]);
    for (binds, figures) in [(1_000.0, thousand), (5_000.0, all)] {
        page.row(&[
            thousands(binds),
            format!("{:.1}", figures.rss_kib / 1_024.0),
            format!("{:.1}", each(figures, binds)),
        ]);
    }
    page.goal(Goal::at_most(
        "an idle bind of 5,000, KiB",
        each(all, 5_000.0),
        3.0,
        1.5,
    ));

    page.table(
        "Binds come back after their SMSC has restarted",
        &["binds", "seconds"],
    );
    let thousand = bench.restart(1_000)?;
    let seconds = bench.restart(5_000)?;
    page.row(&["1,000".to_owned(), format!("{thousand:.2}")]);
    page.row(&["5,000".to_owned(), format!("{seconds:.2}")]);
    page.goal(Goal::at_most("5,000 binds after a restart, s", seconds, 5.0, 2.0));

    page.write(&arguments.address, &picture, bench.rounds())
}

fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
