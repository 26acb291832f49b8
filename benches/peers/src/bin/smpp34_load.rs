//! `smpp34` on the work of `bindery load`: N submit_sm of one text, at most W unanswered, over one bind.
//!
//! `smpp34_load HOST:PORT MESSAGES WINDOW LENGTH [BINDS]` prints one JSON line. As many tasks as the window is wide each keep
//! one request in flight, which is how the crate's own load example uses it; one thread, as `bindery load` has.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use smpp34::client::{BIND_TYPE, SMSC, SmppClient, SmppClientListener};
use tokio::sync::{Mutex, oneshot};

/// Hands out the bound session once.
struct Bound(Mutex<Option<oneshot::Sender<Arc<SMSC>>>>);

#[async_trait]
impl SmppClientListener for Bound {
    async fn on_smsc_bound(&self, smsc: SMSC, _session: &String) {
        if let Some(sender) = self.0.lock().await.take() {
            let _ = sender.send(Arc::new(smsc));
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, messages, window, length, rest @ ..] = arguments.as_slice() else {
        eprintln!("smpp34_load HOST:PORT MESSAGES WINDOW LENGTH [BINDS]");
        std::process::exit(2);
    };
    let (host, port) = address.rsplit_once(':').expect("HOST:PORT");
    let port: u16 = port.parse().expect("port");
    let messages: u64 = messages.parse().expect("messages");
    let window: usize = window.parse().expect("window");
    let text = vec![b'x'; length.parse().expect("length")];
    let binds: u64 = rest.first().map_or(1, |binds| binds.parse().expect("binds"));

    let mut clients = Vec::new();
    let mut sessions = Vec::new();
    for _ in 0..binds {
        let (sender, receiver) = oneshot::channel();
        let mut client = SmppClient::new(
            host.to_owned(),
            port,
            false,
            BIND_TYPE::TRX,
            "load".to_owned(),
            "load".to_owned(),
            String::new(),
            0,
            0,
            String::new(),
            Arc::new(Bound(Mutex::new(Some(sender)))),
            window,
        );
        client.start().await;
        sessions.push(receiver.await.expect("bound"));
        clients.push(client);
    }

    let start = Instant::now();
    let mut tasks = Vec::new();
    for (index, session) in sessions.iter().enumerate() {
        let share = messages / binds + u64::from((index as u64) < messages % binds);
        for lane in 0..window as u64 {
            let (session, text) = (session.clone(), text.clone());
            let count = share / window as u64 + u64::from(lane < share % window as u64);
            tasks.push(tokio::spawn(async move {
                let mut accepted = 0_u64;
                for _ in 0..count {
                    let sent = session
                        .submit_sm()
                        .source_addr("12345")
                        .destination_addr("447700900123")
                        .short_message(text.as_slice())
                        .send()
                        .await;
                    accepted += u64::from(sent.is_ok());
                }
                accepted
            }));
        }
    }
    let mut accepted = 0;
    for task in tasks {
        accepted += task.await.expect("a lane");
    }
    let elapsed = start.elapsed().as_secs_f64();
    println!(
        "{{\"client\":\"smpp34\",\"messages\":{messages},\"submitted\":{accepted},\"elapsed_s\":{elapsed:.3},\"rate_per_s\":{:.0}}}",
        messages as f64 / elapsed
    );
    for mut client in clients {
        client.stop().await;
    }
}
