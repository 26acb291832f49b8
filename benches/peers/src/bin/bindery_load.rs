//! bindery on the same work, through its public door: owned messages in, outcomes out, and everything that it does on the way.
//!
//! `way=` says what is done:
//!
//! - `submit`: as many tasks as the window is wide each submit one message after another and wait for its outcome;
//! - `batch`: four tasks for each bind submit a quarter of its window at a time;
//! - `deliveries`: an actor answers what the SMSC sends;
//! - `idle`: the binds bind, and memory is looked at;
//! - `rebind`: the binds bind, `bound` is printed, and again each time that all of them were away and came back.
//!
//! `threads=N` shares the binds among N threads, each with a router of its own. `authority=FILE` is for TLS.

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::rc::Rc;
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use actix::{Actor, Context, Handler, MessageResult};
use bindery::esme::Esme;
use bindery::events::{AnswerOrder, Delivery, Duty, Phase};
use bindery::pdu::{CommandStatus, RegisteredDelivery, SubmitSm};
use bindery::settings::{BindSettings, Settings};
use bindery::submit::Submit;
use bindery_peers::work::{Arguments, Meter, Times, Work, kib};
use tokio::sync::Notify;
use tokio::task::spawn_local;

const USAGE: &str = "HOST:PORT [messages=N] [window=N] [length=OCTETS] [binds=N] \
                     [way=submit|batch|deliveries|idle|rebind] [receipts=0] [order=bind|arrival|source] [threads=N] [authority=FILE]";

fn main() {
    let arguments = Arguments::read(USAGE);
    let work = Work::from(&arguments);
    let way = arguments.text("way").unwrap_or("submit");
    let threads = arguments.number("threads", 1);
    let share = Work {
        messages: work.messages / threads,
        binds: work.binds / threads,
        ..work
    };
    let meter = Mutex::new(None);
    let ready = std::sync::Barrier::new(threads as usize);
    let run = || {
        actix_rt::System::new().block_on(async {
            let esme = Esme::start(settings(&arguments, share)).expect("settings that fit");
            if way != "idle" {
                bound(&esme, share.binds).await;
            }
            ready.wait();
            meter.lock().expect("a meter").get_or_insert_with(Meter::start);
            let done = match way {
                "submit" => submit(&esme, message(&arguments, work), share).await,
                "batch" => batch(&esme, message(&arguments, work), share).await,
                "deliveries" => deliveries(&esme, &arguments, share).await,
                "idle" => idle(&esme, share).await,
                "rebind" => rebind(&esme, share).await,
                _ => panic!("{USAGE}"),
            };
            // Ending is not part of the work.
            std::mem::forget(esme);
            done
        })
    };
    let run = &run;
    thread::scope(|scope| {
        let (tell, told) = mpsc::channel();
        for _ in 1..threads {
            let tell = tell.clone();
            scope.spawn(move || {
                tell.send(run()).expect("somebody who listens");
                // The processor time of a thread that has ended is no longer to be seen.
                loop {
                    thread::park();
                }
            });
        }
        drop(tell);
        let (mut submitted, mut after) = run();
        for (more, times) in told.iter().take(threads as usize - 1) {
            submitted += more;
            after.extend(&times);
        }
        let meter = meter.lock().expect("a meter").take().expect("a start");
        meter.finish(&format!("bindery_{way}"), work.messages, submitted, &after);
        std::process::exit(0);
    });
}

/// How many went well, and how long each took.
type Done = (u64, Times);

fn settings(arguments: &Arguments, work: Work) -> Settings {
    let mut settings = Settings::default();
    for number in 0..work.binds {
        let mut bind = BindSettings::new(arguments.address.as_str(), "load", "load")
            .account("load")
            .window(work.window as usize)
            .backoff_initial(Duration::from_millis(250))
            .backoff_max(Duration::from_millis(500));
        if let Some(authority) = arguments.text("authority") {
            bind.tls.enabled = true;
            bind.tls.ca_file = Some(authority.into());
            bind.tls.server_name = Some("localhost".into());
        }
        settings = settings.bind(format!("a-{number}"), bind);
    }
    let all = (work.binds * work.window) as usize;
    settings.router.queue_capacity = all.max(1_000);
    settings.router.backlog_capacity = all.max(1_000);
    // All at once.
    settings.router.connects_per_host = None;
    settings.router.binds_per_second = None;
    settings
}

fn message(arguments: &Arguments, work: Work) -> SubmitSm {
    SubmitSm {
        source_addr: "12345".parse().expect("short"),
        destination_addr: "447700900123".parse().expect("short"),
        registered_delivery: match arguments.number("receipts", 1) {
            0 => RegisteredDelivery::NONE,
            _ => RegisteredDelivery::FINAL,
        },
        short_message: vec![b'x'; work.length].into(),
        ..SubmitSm::default()
    }
}

/// What a caller has to make for each message: texts are not shared.
fn fresh(message: &SubmitSm) -> SubmitSm {
    SubmitSm {
        source_addr: message.source_addr.clone(),
        destination_addr: message.destination_addr.clone(),
        registered_delivery: message.registered_delivery,
        short_message: message.short_message.to_vec().into(),
        ..SubmitSm::default()
    }
}

async fn bound(esme: &Esme, binds: u64) {
    loop {
        let status = esme.status().await;
        if status
            .binds
            .iter()
            .filter(|bind| bind.phase == Phase::Bound)
            .count() as u64
            == binds
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn submit(esme: &Esme, message: SubmitSm, work: Work) -> Done {
    let (message, times) = (Rc::new(message), Rc::default());
    let tasks: Vec<_> = work
        .shares(work.binds * work.window)
        .map(|count| {
            let (esme, message, times) = (esme.clone(), message.clone(), Rc::clone(&times));
            spawn_local(async move {
                let mut submitted = 0;
                for number in 0..count {
                    let since = (number % TIMED == 0).then(Instant::now);
                    if esme.submit(fresh(&message)).await.is_ok() {
                        submitted += 1;
                        took(&times, since);
                    }
                }
                submitted
            })
        })
        .collect();
    together(tasks, &times).await
}

async fn batch(esme: &Esme, message: SubmitSm, work: Work) -> Done {
    let (message, times) = (Rc::new(message), Rc::default());
    let lanes = work.binds * work.window.min(4);
    let most = (work.window / 4).max(1);
    let tasks: Vec<_> = work
        .shares(lanes)
        .map(|count| {
            let (esme, message, times) = (esme.clone(), message.clone(), Rc::clone(&times));
            spawn_local(async move {
                let (mut submitted, mut left) = (0, count);
                while left > 0 {
                    let group = left.min(most);
                    left -= group;
                    let since = Some(Instant::now());
                    let messages = (0..group).map(|_| Submit::from(fresh(&message)));
                    let results = esme.submit_batch(messages).await;
                    submitted += results.iter().flatten().count() as u64;
                    took(&times, since);
                }
                submitted
            })
        })
        .collect();
    together(tasks, &times).await
}

/// One message of so many is timed, and each batch, from call to outcome: to time all costs more than a hundredth of what is
/// measured.
const TIMED: u64 = 16;

fn took(times: &RefCell<Times>, since: Option<Instant>) {
    if let Some(since) = since {
        times.borrow_mut().add(since.elapsed());
    }
}

async fn together(tasks: Vec<tokio::task::JoinHandle<u64>>, times: &RefCell<Times>) -> Done {
    let mut submitted = 0;
    for task in tasks {
        submitted += task.await.expect("a lane");
    }
    (submitted, times.take())
}

/// Answers deliveries.
struct Clerk {
    left: Cell<u64>,
    done: Rc<Notify>,
}

impl Actor for Clerk {
    type Context = Context<Self>;
}

impl Handler<Delivery> for Clerk {
    type Result = MessageResult<Delivery>;

    fn handle(&mut self, _: Delivery, _: &mut Self::Context) -> Self::Result {
        self.left.set(self.left.get().saturating_sub(1));
        if self.left.get() == 0 {
            self.done.notify_one();
        }
        MessageResult(CommandStatus::ESME_ROK.into())
    }
}

async fn deliveries(esme: &Esme, arguments: &Arguments, work: Work) -> Done {
    let done = Rc::new(Notify::new());
    let clerk = Clerk {
        left: Cell::new(work.messages),
        done: done.clone(),
    };
    let order = match arguments.text("order") {
        Some("arrival") => AnswerOrder::Arrival,
        Some("source") => AnswerOrder::Source,
        _ => AnswerOrder::Bind,
    };
    let duty = Duty::all().order(order);
    esme.answer_deliveries(clerk.start().recipient(), duty)
        .expect("nobody else answers");
    done.notified().await;
    (work.messages, Times::default())
}

/// Asks for the status when all is quiet: thousands of them take more memory than what they tell of.
async fn idle(esme: &Esme, work: Work) -> Done {
    tokio::time::sleep(Duration::from_secs(2)).await;
    bound(esme, work.binds).await;
    (work.messages, Times::default())
}

async fn rebind(esme: &Esme, work: Work) -> Done {
    loop {
        println!("bound {}", kib("VmRSS:"));
        let _ = std::io::stdout().flush();
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let status = esme.status().await;
            if status.binds.iter().all(|bind| bind.phase != Phase::Bound) {
                break;
            }
        }
        println!("away");
        let _ = std::io::stdout().flush();
        bound(esme, work.binds).await;
    }
}
