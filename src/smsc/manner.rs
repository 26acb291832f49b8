//! How the octets of a connection go: one at a time, several PDUs at once, read slowly, or into the void.
//!
//! Only connections that drew such a fault are wrapped; all others are served as they are.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::yield_now;
use tokio::time::{Instant, Sleep, sleep};

use crate::link::Transport;

/// Most octets that a slow link reads at once.
const SLOW_READ: usize = 256;

/// A link that keeps PDUs back takes no more of them than this.
const MOST_KEPT: usize = 64 * 1024;

/// What a connection drew.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Manner {
    /// It may fall silent.
    pub(super) half_open: bool,
    /// It ends with a reset.
    pub(super) reset: bool,
    /// Octets are written one at a time.
    pub(super) split: bool,
    /// PDUs are kept for so long and leave together.
    pub(super) joined: Option<Duration>,
    /// How many octets a second are read.
    pub(super) read_rate: Option<u64>,
}

/// Position in the output of a link behind which nothing reaches the peer any more.
#[derive(Clone, Debug)]
pub(super) struct Silence(Arc<AtomicU64>);

impl Silence {
    fn new() -> Self {
        Self(Arc::new(AtomicU64::new(u64::MAX)))
    }

    /// What stands behind this position is thrown away.
    pub(super) fn begin(&self, position: u64) {
        self.0.fetch_min(position, Ordering::AcqRel);
    }
}

impl Manner {
    /// A connection whose octets go like this, and what has it fall silent.
    pub(super) fn wrap(self, transport: Transport) -> (Transport, Option<Silence>) {
        if self == Self::default() {
            return (transport, None);
        }
        if self.reset
            && let Some(stream) = transport.tcp()
        {
            // Where that cannot be set it ends as any other.
            let _ = stream.set_zero_linger();
        }
        let silence = Silence::new();
        let wrapped = Mannered {
            transport,
            manner: self,
            silence: silence.clone(),
            written: 0,
            pauses: None,
            kept: Vec::new(),
            leaves: None,
            reads_again: None,
        };
        (Transport::Other(Box::new(wrapped)), Some(silence))
    }

    /// The other end of such a connection in memory.
    pub(super) fn wrap_theirs(self, transport: Transport) -> Transport {
        if self.reset {
            Transport::Other(Box::new(EndsWithReset(transport)))
        } else {
            transport
        }
    }
}

/// The end of a connection in memory at which a reset is seen where others see the end.
struct EndsWithReset(Transport);

impl AsyncRead for EndsWithReset {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.0).poll_read(cx, buffer))?;
        if buffer.filled().len() == before && buffer.remaining() > 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for EndsWithReset {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.0).poll_write(cx, octets);
        written.map_err(|_| io::ErrorKind::ConnectionReset.into())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// A connection with a manner.
struct Mannered {
    transport: Transport,
    manner: Manner,
    silence: Silence,
    /// Octets taken from the link.
    written: u64,
    /// An octet was written, and everybody else has his turn before the next one.
    pauses: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// Octets that leave later.
    kept: Vec<u8>,
    /// When they leave.
    leaves: Option<Pin<Box<Sleep>>>,
    /// When it is read again.
    reads_again: Option<Pin<Box<Sleep>>>,
}

impl Mannered {
    /// Writes or keeps octets that the peer is to see.
    fn poll_put(&mut self, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(span) = self.manner.joined {
            if self.kept.len() >= MOST_KEPT {
                ready!(self.poll_leave(cx))?;
            }
            self.kept.extend_from_slice(octets);
            self.leaves.get_or_insert_with(|| Box::pin(sleep(span)));
            return Poll::Ready(Ok(octets.len()));
        }
        self.poll_put_now(cx, octets)
    }

    fn poll_put_now(&mut self, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        if !self.manner.split {
            return Pin::new(&mut self.transport).poll_write(cx, octets);
        }
        if let Some(pause) = &mut self.pauses {
            ready!(pause.as_mut().poll(cx));
            self.pauses = None;
        }
        let octet = octets.get(..1).unwrap_or_default();
        let count = ready!(Pin::new(&mut self.transport).poll_write(cx, octet))?;
        self.pauses = Some(Box::pin(yield_now()));
        Poll::Ready(Ok(count))
    }

    /// Lets leave what was kept, when it is time.
    fn poll_leave(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(leaves) = &mut self.leaves {
            ready!(leaves.as_mut().poll(cx));
        }
        while !self.kept.is_empty() {
            let kept = std::mem::take(&mut self.kept);
            let result = self.poll_put_now(cx, &kept);
            self.kept = kept;
            match ready!(result)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                octets => drop(self.kept.drain(..octets)),
            }
        }
        self.leaves = None;
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Mannered {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let Some(rate) = this.manner.read_rate else {
            return Pin::new(&mut this.transport).poll_read(cx, buffer);
        };
        if let Some(again) = &mut this.reads_again {
            ready!(again.as_mut().poll(cx));
            this.reads_again = None;
        }
        let mut octets = [0; SLOW_READ];
        let most = buffer.remaining().min(SLOW_READ);
        let mut few = ReadBuf::new(octets.get_mut(..most).unwrap_or_default());
        ready!(Pin::new(&mut this.transport).poll_read(cx, &mut few))?;
        buffer.put_slice(few.filled());
        if !few.filled().is_empty() {
            let span = Duration::from_secs_f64(few.filled().len() as f64 / rate.max(1) as f64);
            this.reads_again = Some(Box::pin(tokio::time::sleep_until(Instant::now() + span)));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Mannered {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let left = this
            .silence
            .0
            .load(Ordering::Acquire)
            .saturating_sub(this.written);
        let heard = usize::try_from(left).unwrap_or(usize::MAX).min(octets.len());
        let taken = match octets.get(..heard).unwrap_or_default() {
            // Nobody hears it, and the link does not notice.
            [] => octets.len(),
            octets => ready!(this.poll_put(cx, octets))?,
        };
        this.written += taken as u64;
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_leave(cx))?;
        Pin::new(&mut this.transport).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.manner.reset {
            // A goodbye in front of it would be the end that the peer sees.
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut this.transport).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::timeout;

    fn pair(manner: Manner) -> (Transport, Transport, Silence) {
        let (ours, theirs) = Transport::pipe(64);
        let (wrapped, silence) = manner.wrap(ours);
        (wrapped, theirs, silence.unwrap())
    }

    async fn read(transport: &mut Transport) -> Vec<u8> {
        let mut octets = [0; 1_000];
        let count = transport.read(&mut octets).await.unwrap();
        octets[..count].to_vec()
    }

    #[test]
    fn a_connection_without_a_manner_is_left_as_it_is() {
        let (ours, _) = Transport::pipe(64);
        let (transport, silence) = Manner::default().wrap(ours);
        assert!(matches!(transport, Transport::Pipe(_)));
        assert!(silence.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn octets_come_one_at_a_time() {
        let manner = Manner {
            split: true,
            ..Manner::default()
        };
        let (mut ours, mut theirs, _) = pair(manner);
        let writer = tokio::spawn(async move { ours.write_all(b"octets").await });
        for octet in b"octets" {
            assert_eq!(read(&mut theirs).await, [*octet]);
        }
        writer.await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_written_within_a_while_comes_at_once() {
        let manner = Manner {
            joined: Some(Duration::from_millis(50)),
            ..Manner::default()
        };
        let (mut ours, mut theirs, _) = pair(manner);
        let start = Instant::now();
        let writer = tokio::spawn(async move {
            ours.write_all(b"one ").await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
            ours.write_all(b"two").await.unwrap();
            ours.flush().await.unwrap();
            ours
        });
        assert_eq!(read(&mut theirs).await, b"one two");
        assert_eq!(start.elapsed(), Duration::from_millis(50));
        writer.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_takes_its_time() {
        let manner = Manner {
            read_rate: Some(10),
            ..Manner::default()
        };
        let (mut ours, mut theirs, _) = pair(manner);
        theirs.write_all(&[7; 20]).await.unwrap();
        assert_eq!(read(&mut ours).await.len(), 20);
        theirs.write_all(&[7; 5]).await.unwrap();
        let early = timeout(Duration::from_millis(1_999), read(&mut ours)).await;
        assert!(early.is_err());
        assert_eq!(read(&mut ours).await.len(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_in_memory_ends_with_a_reset_behind_what_was_written() {
        let manner = Manner {
            reset: true,
            ..Manner::default()
        };
        let (mut ours, theirs, _) = pair(manner);
        let mut theirs = manner.wrap_theirs(theirs);
        ours.write_all(b"octets").await.unwrap();
        ours.shutdown().await.unwrap();
        drop(ours);
        assert_eq!(read(&mut theirs).await, b"octets");
        let error = theirs.read(&mut [0; 10]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        let error = theirs.write_all(b"octets").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }

    #[tokio::test(start_paused = true)]
    async fn behind_the_silence_nothing_is_heard() {
        let manner = Manner {
            half_open: true,
            ..Manner::default()
        };
        let (mut ours, mut theirs, silence) = pair(manner);
        ours.write_all(b"one").await.unwrap();
        silence.begin(5);
        silence.begin(9);
        ours.write_all(b"two").await.unwrap();
        ours.write_all(&[7; 1_000]).await.unwrap();
        drop(ours);
        let mut heard = Vec::new();
        theirs.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard, b"onetw");
    }
}
