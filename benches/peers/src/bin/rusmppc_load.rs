//! `rusmppc` on the same work: as many tasks as the window is wide each keep one request in flight.

use std::str::FromStr;
use std::time::Duration;

use bindery_peers::work::{Arguments, Meter, Times, USAGE, Work};
use futures_util::StreamExt;
use rusmpp::pdus::{BindTransceiver, SubmitSm};
use rusmpp::types::{COctetString, OctetString};
use rusmpp::values::RegisteredDelivery;
use rusmppc::ConnectionBuilder;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments = Arguments::read(USAGE);
    let work = Work::from(&arguments);
    let mut clients = Vec::new();
    for _ in 0..work.binds {
        let (client, mut events) = ConnectionBuilder::new()
            .response_timeout(Duration::from_secs(30))
            .connect(format!("smpp://{}", arguments.address))
            .await
            .expect("a connection");
        tokio::spawn(async move { while events.next().await.is_some() {} });
        let bind = BindTransceiver::builder()
            .system_id(COctetString::from_str("load").expect("short"))
            .password(COctetString::from_str("load").expect("short"))
            .build();
        client.bind_transceiver(bind).await.expect("bound");
        clients.push(client);
    }

    let meter = Meter::start();
    let mut tasks = Vec::new();
    let mut shares = work.shares(work.binds * work.window);
    for client in &clients {
        for count in shares.by_ref().take(work.window as usize) {
            let (client, text) = (client.clone(), vec![b'x'; work.length]);
            tasks.push(tokio::spawn(async move {
                let mut accepted = 0_u64;
                for _ in 0..count {
                    let submit = SubmitSm::builder()
                        .source_addr(COctetString::from_str("12345").expect("short"))
                        .destination_addr(COctetString::from_str("447700900123").expect("short"))
                        .registered_delivery(RegisteredDelivery::request_all())
                        .short_message(OctetString::from_vec(text.clone()).expect("short"))
                        .build();
                    accepted += u64::from(client.submit_sm(submit).await.is_ok());
                }
                accepted
            }));
        }
    }
    let mut accepted = 0;
    for task in tasks {
        accepted += task.await.expect("a lane");
    }
    meter.finish("rusmppc", work.messages, accepted, &Times::default());
}
