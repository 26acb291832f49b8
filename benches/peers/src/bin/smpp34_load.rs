//! `smpp34` on the same work: as many tasks as the window is wide each keep one request in flight, which is how the crate's
//! own load example uses it.

use std::sync::Arc;

use async_trait::async_trait;
use bindery_peers::work::{Arguments, Meter, Times, USAGE, Work};
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
    let arguments = Arguments::read(USAGE);
    let work = Work::from(&arguments);
    let (host, port) = arguments.address.rsplit_once(':').expect("HOST:PORT");
    let port: u16 = port.parse().expect("port");
    let text = vec![b'x'; work.length];

    let mut clients = Vec::new();
    let mut sessions = Vec::new();
    for _ in 0..work.binds {
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
            work.window as usize,
        );
        client.start().await;
        sessions.push(receiver.await.expect("bound"));
        clients.push(client);
    }

    let meter = Meter::start();
    let mut tasks = Vec::new();
    let mut shares = work.shares(work.binds * work.window);
    for session in &sessions {
        for count in shares.by_ref().take(work.window as usize) {
            let (session, text) = (session.clone(), text.clone());
            tasks.push(tokio::spawn(async move {
                let mut accepted = 0_u64;
                for _ in 0..count {
                    let sent = session
                        .submit_sm()
                        .source_addr("12345")
                        .destination_addr("447700900123")
                        .registered_delivery(1)
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
    meter.finish("smpp34", work.messages, accepted, &Times::default());
    for mut client in clients {
        client.stop().await;
    }
}
