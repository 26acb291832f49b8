//! An SMSC that connects to us, over real TCP.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bindery::esme::EsmeSetup;
use bindery::pdu::Body;
use bindery::pdu::{
    BindTransceiverResp, CommandId, CommandStatus, Header, Outbind, SequenceNumber, SubmitSmResp, UnbindResp,
    encode,
};
use bindery::session::SequenceGenerator;
use bindery::settings::{BindSettings, HostPort, Secret, Settings};
use bindery::submit::Submit;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;
use tokio::time::sleep;

/// Numbers that nobody counts by chance.
struct Sevens(Arc<AtomicU32>);

impl SequenceGenerator for Sevens {
    fn next_sequence(&mut self) -> SequenceNumber {
        SequenceNumber::new(self.0.fetch_add(7, Ordering::SeqCst))
    }
}

async fn read(stream: &mut TcpStream, expected: CommandId) -> SequenceNumber {
    let mut header = [0; 16];
    stream.read_exact(&mut header).await.unwrap();
    let header = Header::parse(&header);
    let mut body = vec![0; header.command_length as usize - 16];
    stream.read_exact(&mut body).await.unwrap();
    assert_eq!(header.command_id, expected);
    header.sequence_number
}

async fn write<B: Body>(stream: &mut TcpStream, body: &B, sequence: SequenceNumber) {
    let mut out = Vec::new();
    encode(body, CommandStatus::ESME_ROK, sequence, &mut out).unwrap();
    stream.write_all(&out).await.unwrap();
}

/// The SMSC comes; retried until somebody listens.
async fn outbind(port: u16) -> TcpStream {
    let mut stream = loop {
        match TcpStream::connect(("127.0.0.1", port)).await {
            Ok(stream) => break stream,
            Err(_) => sleep(Duration::from_millis(5)).await,
        }
    };
    let body = Outbind {
        system_id: "smsc".try_into().unwrap(),
        password: "known".try_into().unwrap(),
        ..Outbind::default()
    };
    write(&mut stream, &body, SequenceNumber::FIRST).await;
    stream
}

#[tokio::test]
async fn an_smsc_that_says_outbind_gets_the_bind_on_its_connection_again_and_again() {
    LocalSet::new()
        .run_until(async {
            let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let port = free.local_addr().unwrap().port();
            drop(free);
            let bind = BindSettings::default()
                .system_id("esme")
                .password("secret")
                .outbind_listen(HostPort::from(format!("127.0.0.1:{port}").as_str()))
                .outbind_system_id("smsc")
                .outbind_password(Secret::new("known"))
                .backoff_initial(Duration::from_millis(1));
            let next = Arc::new(AtomicU32::new(7));
            let esme = EsmeSetup::new(Settings::default().bind("a-1", bind))
                .sequences(move |_, _| Box::new(Sevens(next.clone())))
                .start_local()
                .unwrap();
            for round in 0..3 {
                let mut smsc = outbind(port).await;
                let sequence = read(&mut smsc, CommandId::BIND_TRANSCEIVER).await;
                assert_eq!(sequence.value() % 7, 0, "goes on where the last session ended");
                write(&mut smsc, &BindTransceiverResp::default(), sequence).await;
                let message = esme.reserve().await.unwrap();
                let pending = message.submit(Submit::text("447700900123", "hello"));
                let sequence = read(&mut smsc, CommandId::SUBMIT_SM).await;
                assert_eq!(sequence.value(), 14 + round * 14);
                let response = SubmitSmResp {
                    message_id: "1".try_into().unwrap(),
                    ..SubmitSmResp::default()
                };
                write(&mut smsc, &response, sequence).await;
                pending.await.unwrap();
                if round == 2 {
                    let ending = tokio::task::spawn_local({
                        let esme = esme.clone();
                        async move { esme.shutdown(Duration::from_secs(10)).await }
                    });
                    let sequence = read(&mut smsc, CommandId::UNBIND).await;
                    write(&mut smsc, &UnbindResp::default(), sequence).await;
                    assert!(ending.await.unwrap().is_clean());
                    assert!(
                        TcpStream::connect(("127.0.0.1", port)).await.is_err(),
                        "nobody listens any more"
                    );
                }
            }
        })
        .await;
}
