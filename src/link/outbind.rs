//! Connections that the SMSC makes: it says outbind, and a bind of ours answers on the same connection (3.4 section
//! 2.2.1, 4.1.7).

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use super::connect::set_options;
use super::{ConnectError, Connecting, Transport};
use crate::pdu::{self, Header, Leniency, PduView};

/// Most connections of which we wait for the outbind; others wait in the system's queue.
const HANDSHAKES: usize = 16;

/// The largest outbind: more is none.
const MAX_OUTBIND: usize = 256;

/// After the system refused us a connection.
const PAUSE: Duration = Duration::from_millis(100);

/// Who may say outbind, and how long that may take.
#[derive(Clone, Debug)]
pub struct Outbind {
    /// Where we listen, as host and port.
    pub listen: (String, u16),
    /// The name that the SMSC must give itself; none: any.
    pub system_id: Option<String>,
    /// The password that it must know; none: any.
    pub password: Option<String>,
    /// How long it may take from the connection to the outbind.
    pub timeout: Duration,
    /// After this long without an acknowledgement of the peer's machine the connection is broken.
    pub user_timeout: Duration,
}

/// Listens for an SMSC. Dropped, it listens no more.
#[derive(Clone, Debug)]
pub struct OutbindListener {
    listener: Arc<TcpListener>,
}

impl OutbindListener {
    /// Begins to listen.
    ///
    /// # Errors
    ///
    /// The address cannot be listened on.
    pub async fn listen(outbind: &Outbind) -> Result<Self, ConnectError> {
        let (host, port) = &outbind.listen;
        let listener = TcpListener::bind((host.as_str(), *port)).await;
        match listener {
            Ok(listener) => Ok(Self {
                listener: Arc::new(listener),
            }),
            Err(error) => Err(ConnectError::Failed(error.kind())),
        }
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// The system does not tell.
    pub fn local_addr(&self) -> io::Result<std::net::SocketAddr> {
        self.listener.local_addr()
    }

    /// Waits for a connection on which the right SMSC says outbind. Whoever says something else is hung up on, and
    /// keeps nobody waiting.
    pub fn accept(&self, outbind: Outbind) -> Connecting {
        let listener = self.listener.clone();
        Box::pin(async move {
            let mut handshakes = FuturesUnordered::new();
            loop {
                tokio::select! {
                    accepted = listener.accept(), if handshakes.len() < HANDSHAKES => match accepted {
                        Ok((stream, _)) => handshakes.push(timeout(outbind.timeout, expect(stream, &outbind))),
                        Err(error) => {
                            warn!(%error, "no connection for an outbind");
                            sleep(PAUSE).await;
                        }
                    },
                    Some(ended) = handshakes.next() => if let Ok(Some(stream)) = ended {
                        // An option that the system refuses costs comfort, not the connection.
                        let _ = set_options(&stream, outbind.user_timeout);
                        return Ok(Transport::Tcp(stream));
                    },
                }
            }
        })
    }
}

/// Reads the first PDU and no octet more; the connection when it is the outbind that is expected.
async fn expect(mut stream: TcpStream, outbind: &Outbind) -> Option<TcpStream> {
    let mut frame = vec![0; Header::LENGTH];
    stream.read_exact(&mut frame).await.ok()?;
    let length = pdu::frame_length(&frame, MAX_OUTBIND);
    // Not whole yet, or nothing but a header: its length is in the header all the same.
    let header = Header::parse(frame.first_chunk()?);
    if length.is_err() {
        debug!(command = ?header.command_id, "no outbind");
        return None;
    }
    frame.resize(usize::try_from(header.command_length).ok()?, 0);
    stream.read_exact(frame.get_mut(Header::LENGTH..)?).await.ok()?;
    match pdu::view(&frame, &Leniency::default()) {
        Ok(view) => match view.body {
            PduView::Outbind(body)
                if is_right(body.system_id, outbind.system_id.as_deref())
                    && is_right(body.password, outbind.password.as_deref()) =>
            {
                Some(stream)
            }
            _ => {
                warn!(command = ?header.command_id, "no outbind, or of a stranger");
                None
            }
        },
        Err(error) => {
            debug!(%error, "no outbind");
            None
        }
    }
}

fn is_right(given: &[u8], expected: Option<&str>) -> bool {
    expected.is_none_or(|expected| given == expected.as_bytes())
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;
    use crate::pdu::{CommandStatus, SequenceNumber, encode};

    fn outbind() -> Outbind {
        Outbind {
            listen: ("127.0.0.1".into(), 0),
            system_id: Some("smsc".into()),
            password: Some("secret".into()),
            timeout: Duration::from_secs(30),
            user_timeout: Duration::from_secs(30),
        }
    }

    fn says(system_id: &str, password: &str) -> Vec<u8> {
        let body = pdu::Outbind {
            system_id: system_id.try_into().unwrap(),
            password: password.try_into().unwrap(),
            ..pdu::Outbind::default()
        };
        let mut out = Vec::new();
        encode(&body, CommandStatus::ESME_ROK, SequenceNumber::FIRST, &mut out).unwrap();
        out
    }

    #[tokio::test]
    async fn only_the_right_smsc_is_let_in_and_nobody_keeps_it_waiting() {
        let listener = OutbindListener::listen(&outbind()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepting = tokio::spawn(listener.accept(outbind()));
        let mut strangers = Vec::new();
        for octets in [
            Vec::new(),
            says("smsc", "wrong"),
            says("other", "secret"),
            b"\0\0\0\x10\0\0\0\x15\0\0\0\0\0\0\0\x01".to_vec(),
            b"\xFF\xFF\xFF\xFF\0\0\0\x0B\0\0\0\0\0\0\0\x01".to_vec(),
            b"\0\0\0\x01\0\0\0\x0B\0\0\0\0\0\0\0\x01".to_vec(),
            b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        ] {
            let mut stranger = TcpStream::connect(address).await.unwrap();
            stranger.write_all(&octets).await.unwrap();
            strangers.push(stranger);
        }
        let mut smsc = TcpStream::connect(address).await.unwrap();
        smsc.write_all(&says("smsc", "secret")).await.unwrap();
        let Ok(Transport::Tcp(mut ours)) = accepting.await.unwrap() else {
            panic!("no connection")
        };
        // No octet of what follows was taken.
        smsc.write_all(b"next").await.unwrap();
        let mut next = [0; 4];
        ours.read_exact(&mut next).await.unwrap();
        assert_eq!(&next, b"next");
        for mut stranger in strangers {
            assert_eq!(stranger.read(&mut [0]).await.unwrap_or(0), 0, "hung up on");
        }
    }

    #[tokio::test]
    async fn an_address_that_is_taken_is_a_failure() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = taken.local_addr().unwrap().port();
        let outbind = Outbind {
            listen: ("127.0.0.1".into(), port),
            ..outbind()
        };
        let error = OutbindListener::listen(&outbind).await.unwrap_err();
        assert_eq!(error, ConnectError::Failed(io::ErrorKind::AddrInUse));
    }
}
