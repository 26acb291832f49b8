//! What a session's octets travel over.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::TcpStream;

/// A connection to a peer.
#[non_exhaustive]
pub enum Transport {
    /// Plain TCP.
    Tcp(TcpStream),
    /// TLS over TCP, either side.
    #[cfg(feature = "tls")]
    Tls(Box<tokio_rustls::TlsStream<TcpStream>>),
    /// A pipe inside the process, for tests in virtual time.
    Pipe(DuplexStream),
    /// Whatever else carries octets.
    Other(Box<dyn Carrier>),
}

/// Carries octets both ways.
pub trait Carrier: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Carrier for T {}

impl Transport {
    /// Two ends of a pipe that holds `octets` on the way in each direction.
    #[must_use]
    pub fn pipe(octets: usize) -> (Self, Self) {
        let (one, other) = tokio::io::duplex(octets);
        (Self::Pipe(one), Self::Pipe(other))
    }

    /// The TCP connection beneath, where there is one to be seen.
    pub(crate) fn tcp(&self) -> Option<&TcpStream> {
        match self {
            Self::Tcp(stream) => Some(stream),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => Some(stream.get_ref().0),
            Self::Pipe(_) | Self::Other(_) => None,
        }
    }
}

/// Passes a call on to whatever carries the octets.
macro_rules! carrier {
    ($self:ident, $stream:ident => $call:expr) => {
        match $self.get_mut() {
            Self::Tcp(stream) => {
                let $stream = Pin::new(stream);
                $call
            }
            #[cfg(feature = "tls")]
            Self::Tls(stream) => {
                let $stream = Pin::new(stream.as_mut());
                $call
            }
            Self::Pipe(stream) => {
                let $stream = Pin::new(stream);
                $call
            }
            Self::Other(stream) => {
                let $stream = Pin::new(stream.as_mut());
                $call
            }
        }
    };
}

impl AsyncRead for Transport {
    #[inline]
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        carrier!(self, stream => stream.poll_read(cx, buffer))
    }
}

impl AsyncWrite for Transport {
    #[inline]
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        carrier!(self, stream => stream.poll_write(cx, octets))
    }

    #[inline]
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        carrier!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        carrier!(self, stream => stream.poll_shutdown(cx))
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp(_) => "Tcp",
            #[cfg(feature = "tls")]
            Self::Tls(_) => "Tls",
            Self::Pipe(_) => "Pipe",
            Self::Other(_) => "Other",
        })
    }
}
