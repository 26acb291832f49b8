//! One session on one transport, and the pump between them.
//!
//! [`Link::poll`] does all that can be done now: lets the owner put in what waits, writes once, reads until
//! nothing is left, hands over each event at once, and arms its one timer. The bind wraps it in an
//! `ActorFuture`, the embedded SMSC in a task.

pub(crate) mod accept;
mod connect;
mod governor;
mod outbind;
#[cfg(feature = "tls")]
mod tls;
mod transport;
mod vigil;

#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::unconstrained;
use tokio::time::Sleep;

pub use connect::{Connect, ConnectError, Connecting, Target, TcpConnector, TlsError, set_options};
pub use governor::{Governance, Governor};
pub use outbind::{Outbind, OutbindListener};
pub use transport::{Carrier, Transport};
use vigil::Vigil;

use crate::pdu::{Header, frame_length};
use crate::session::{CloseCause, Event, Passage, Session, sooner};

/// Octets of the read buffer, of which each thread has one.
const READ_BUFFER: usize = 128 * 1024;

/// At least so much of it is free for a read, however much of a frame is there already.
const LEAST_READ: usize = 16 * 1024;

/// A link keeps a buffer of this size for the next part of a frame.
const KEEP: usize = 256;

/// After this many reads of one poll, others get their turn.
const READS_PER_POLL: u32 = 16;

/// Most reads of what came before the end and could not be handled in time.
const READS_AT_END: u32 = 256;

thread_local! {
    static READ: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };

    /// Where the link stands that was polled last. One that has moved counts as another.
    static POLLED: Cell<usize> = const { Cell::new(0) };
}

/// The time, from the clock that tests can pause.
#[must_use]
#[inline]
pub fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// The owner of a link.
pub trait LinkHandler<T> {
    /// Puts in what waits while there is room. Called before each write; gives the time at which to ask again
    /// if only a rate is in the way.
    fn feed(&mut self, session: &mut Session<T>, now: Instant) -> Option<Instant>;

    /// Something happened. `frame` is the PDU behind it, empty when there is none.
    fn event(&mut self, session: &mut Session<T>, event: Event<'_, T>, frame: &[u8], now: Instant);

    /// True while the handler wants to see every PDU that passes there. Asked for each write and each frame, so it
    /// must cost nothing.
    #[inline]
    fn watches(&self, _passage: Passage) -> bool {
        false
    }

    /// True when nothing more may be read for now, because those who hear of it have no room. Asked after each frame, so
    /// it must cost nothing; from then on the session is held, until the handler lets it go in [`feed`](Self::feed).
    #[inline]
    fn holds(&self) -> bool {
        false
    }

    /// A PDU passes: a whole frame. One that came is shown before the event that it makes, if any.
    fn pass(&mut self, _passage: Passage, _frame: &[u8], _now: Instant) {}
}

/// How a link ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Closed {
    /// Why.
    pub cause: CloseCause,
    /// The error of the system, if there was one.
    pub error: Option<io::ErrorKind>,
}

/// In their order, with the position behind each.
#[derive(Debug, Default)]
struct Leaving(VecDeque<(u64, Vec<u8>)>);

/// A session on a transport.
#[derive(Debug)]
pub struct Link<T> {
    session: Session<T>,
    transport: Transport,
    /// Octets that were read and not yet handled: part of a frame, or frames that wait for room.
    unread: Vec<u8>,
    /// Copies of frames that are not written yet, for who wants to see them then; once somebody does.
    leaving: Option<Box<Leaving>>,
    /// Something was written since the transport was last flushed.
    unflushed: bool,
    timer: Option<Pin<Box<Sleep>>>,
    /// When the timer fires.
    armed: Option<Instant>,
    /// Whether the thread should look again rather than sleep.
    vigil: Vigil,
}

impl<T> Link<T> {
    /// Puts a session on a transport.
    #[must_use]
    pub fn new(session: Session<T>, transport: Transport) -> Self {
        Self {
            session,
            transport,
            unread: Vec::new(),
            leaving: None,
            unflushed: false,
            timer: None,
            armed: None,
            vigil: Vigil::default(),
        }
    }

    /// The session.
    #[must_use]
    pub fn session(&self) -> &Session<T> {
        &self.session
    }

    /// The session, to want something of it. The next [`Link::poll`] carries it out, so wake its task.
    pub fn session_mut(&mut self) -> &mut Session<T> {
        &mut self.session
    }

    /// Does all that can be done now. Ready when the connection is over; every request that waited has then
    /// come out as an event. Not to be polled again after that.
    pub fn poll<H: LinkHandler<T>>(
        &mut self,
        cx: &mut Context<'_>,
        handler: &mut H,
        now: Instant,
    ) -> Poll<Closed> {
        // Armed for what is due first; what has become due earlier since arms it anew at the end.
        let may_be_due = self.armed.is_none_or(|armed| armed <= now);
        if may_be_due && self.session.poll_timeout().is_some_and(|due| due <= now) {
            // First what has come: a thread that did not get here for a while finds answers and deadlines together.
            match self.read(cx, handler, now) {
                Poll::Ready(Ok(false)) => return Poll::Ready(self.finish(handler, now, None)),
                Poll::Ready(Err(error)) => return Poll::Ready(self.finish(handler, now, Some(error.kind()))),
                Poll::Ready(Ok(true)) | Poll::Pending => {}
            }
            self.session.handle_timeout(now);
            self.drain_events(handler, now);
        }
        let this = std::ptr::from_ref(self).addr();
        let is_alone = POLLED.replace(this) == this;
        if !is_alone {
            // Before what came is taken for what the vigil was about.
            self.vigil.end();
        }
        let mut reads = 0;
        let ask_again = loop {
            let ask_again = handler.feed(&mut self.session, now);
            self.drain_events(handler, now);
            let to_write = self.session.output().len();
            let written = self.write(cx, handler, now);
            if is_alone && self.session.output().len() < to_write {
                self.vigil.begin();
            }
            if let Poll::Ready(Err(error)) = written {
                self.read_rest(cx, handler, now);
                return Poll::Ready(self.finish(handler, now, Some(error.kind())));
            }
            if let Some(cause) = self.session.wants_close()
                && (written.is_ready() || is_dead(cause) || self.session.is_write_overdue(now))
            {
                // Best effort: what matters is written, and a dead peer would not hear it.
                let _ = Pin::new(&mut self.transport).poll_shutdown(cx);
                return Poll::Ready(self.finish(handler, now, None));
            }
            if reads == READS_PER_POLL {
                cx.waker().wake_by_ref();
                break ask_again;
            }
            reads += 1;
            let waiting = self.session.waiting();
            match self.read(cx, handler, now) {
                Poll::Ready(Ok(true)) if self.session.waiting() < waiting => self.vigil.handle_answered(),
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(Ok(false)) => return Poll::Ready(self.finish(handler, now, None)),
                Poll::Ready(Err(error)) => return Poll::Ready(self.finish(handler, now, Some(error.kind()))),
                Poll::Pending => break ask_again,
            }
        };
        if !is_alone || self.session.waiting() == 0 {
            self.vigil.end();
        } else if self.vigil.stays() {
            // Wakes this task once the driver has looked at all sockets of the thread, which does not sleep then.
            let _ = pin!(tokio::task::yield_now()).poll(cx);
        }
        self.arm(cx, ask_again, now);
        Poll::Pending
    }

    /// Breaks the connection off where it stands: every request that waited comes out as an event. Not to be polled
    /// again after that.
    pub fn break_off<H: LinkHandler<T>>(&mut self, handler: &mut H, now: Instant) {
        self.finish(handler, now, None);
    }

    /// Ready when everything is written.
    #[inline]
    fn write<H: LinkHandler<T>>(
        &mut self,
        cx: &mut Context<'_>,
        handler: &mut H,
        now: Instant,
    ) -> Poll<io::Result<()>> {
        if handler.watches(Passage::Sending) || handler.watches(Passage::Sent) {
            self.show(handler, now);
        }
        self.session.set_shown();
        while !self.session.output().is_empty() {
            let transport = Pin::new(&mut self.transport);
            match transport.poll_write(cx, self.session.output()) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(octets)) => {
                    self.session.handle_written(octets, now);
                    self.unflushed = true;
                    if self.leaving.is_some() {
                        self.show_sent(handler, now);
                    }
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.session.watch_output(now);
                    return Poll::Pending;
                }
            }
        }
        self.session.watch_output(now);
        if self.unflushed {
            // TLS keeps records back until it is flushed; for the others this is free.
            ready!(Pin::new(&mut self.transport).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Shows what is about to be written.
    #[cold]
    fn show<H: LinkHandler<T>>(&mut self, handler: &mut H, now: Instant) {
        self.forget_taken_back();
        let (_, mut end) = self.session.positions();
        for frame in frames(self.session.unshown(), self.session.max_command_length()) {
            end += frame.len() as u64;
            handler.pass(Passage::Sending, frame, now);
            if handler.watches(Passage::Sent) {
                let Leaving(leaving) = &mut **self.leaving.get_or_insert_default();
                leaving.push_back((end, frame.to_vec()));
            }
        }
    }

    /// Shows what has left.
    #[cold]
    fn show_sent<H: LinkHandler<T>>(&mut self, handler: &mut H, now: Instant) {
        self.forget_taken_back();
        let (written, _) = self.session.positions();
        let Some(Leaving(leaving)) = self.leaving.as_deref_mut() else {
            return;
        };
        while let Some((_, frame)) = leaving.pop_front_if(|(end, _)| *end <= written) {
            handler.pass(Passage::Sent, &frame, now);
        }
    }

    /// The session may have taken back what had not begun to leave: only the frames that are still there will leave.
    fn forget_taken_back(&mut self) {
        let (written, shown) = self.session.positions();
        let Some(Leaving(leaving)) = self.leaving.as_deref_mut() else {
            return;
        };
        if leaving.back().is_none_or(|(end, _)| *end == shown) {
            return;
        }
        leaving.retain(|(end, frame)| end.saturating_sub(frame.len() as u64) < written);
        let mut end = leaving.back().map_or(written, |(end, _)| *end);
        let begun = usize::try_from(end.saturating_sub(written)).unwrap_or(usize::MAX);
        let rest = self.session.output().get(begun..).unwrap_or_default();
        for frame in frames(rest, self.session.max_command_length()) {
            end += frame.len() as u64;
            if end <= shown {
                leaving.push_back((end, frame.to_vec()));
            }
        }
    }

    /// Reads once and handles what that completes. False at the end of the stream.
    #[inline]
    fn read<H: LinkHandler<T>>(
        &mut self,
        cx: &mut Context<'_>,
        handler: &mut H,
        now: Instant,
    ) -> Poll<io::Result<bool>> {
        if !self.session.reads() {
            return Poll::Pending;
        }
        if !self.unread.is_empty() {
            // Whole frames, if reading was suspended.
            if self.handle_unread(handler, now) > 0 {
                return Poll::Ready(Ok(true));
            }
        }
        let mut buffer = READ.take();
        // Grows by what came, never by what a length announces.
        let size = READ_BUFFER.max(self.unread.len() + LEAST_READ);
        if buffer.len() < size {
            buffer.resize(size, 0);
        }
        let mut room = ReadBuf::new(&mut buffer);
        // The part of a frame that is there goes in front, so that the whole of it stands in one piece.
        room.put_slice(&self.unread);
        let read = Pin::new(&mut self.transport).poll_read(cx, &mut room);
        let octets = room.filled();
        let result = match read {
            Poll::Ready(Ok(())) if octets.len() == self.unread.len() => Poll::Ready(Ok(false)),
            Poll::Ready(Ok(())) => {
                let used = self.handle_frames(octets, handler, now);
                self.keep(octets.get(used..).unwrap_or_default());
                Poll::Ready(Ok(true))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        };
        if buffer.len() == READ_BUFFER {
            READ.set(buffer);
        }
        result
    }

    /// Reads what had come before the peer stopped listening: each response tells what became of a request.
    #[cold]
    fn read_rest<H: LinkHandler<T>>(&mut self, cx: &mut Context<'_>, handler: &mut H, now: Instant) {
        for _ in 0..READS_PER_POLL {
            if !matches!(self.read(cx, handler, now), Poll::Ready(Ok(true))) {
                return;
            }
        }
    }

    /// Keeps what is not handled until more comes.
    #[inline]
    fn keep(&mut self, rest: &[u8]) {
        self.unread.clear();
        self.unread.extend_from_slice(rest);
        if rest.is_empty() && self.unread.capacity() > KEEP {
            self.unread = Vec::new();
        }
    }

    /// Handles what was read before, as far as that goes now, and gives the octets used.
    fn handle_unread<H: LinkHandler<T>>(&mut self, handler: &mut H, now: Instant) -> usize {
        let mut unread = std::mem::take(&mut self.unread);
        let used = self.handle_frames(&unread, handler, now);
        unread.drain(..used);
        if !unread.is_empty() || unread.capacity() <= KEEP {
            self.unread = unread;
        }
        used
    }

    /// Handles whole frames while the session takes them, and gives the octets used.
    #[inline]
    fn handle_frames<H: LinkHandler<T>>(&mut self, octets: &[u8], handler: &mut H, now: Instant) -> usize {
        let mut used = 0;
        while self.session.reads() && !is_over(self.session.wants_close()) {
            let rest = octets.get(used..).unwrap_or_default();
            match frame_length(rest, self.session.max_command_length()) {
                Ok(Some(length)) => {
                    used += length;
                    self.handle_frame(rest.get(..length).unwrap_or_default(), handler, now);
                    if handler.holds() {
                        self.session.set_held(true, now);
                    }
                }
                Ok(None) => break,
                Err(error) => self.session.handle_framing_error(error, Header::peek(rest), now),
            }
        }
        used
    }

    #[inline]
    fn handle_frame<H: LinkHandler<T>>(&mut self, frame: &[u8], handler: &mut H, now: Instant) {
        if handler.watches(Passage::Received) {
            handler.pass(Passage::Received, frame, now);
        }
        self.session.handle_frame_then(frame, now, |session, event| {
            handler.event(session, event, frame, now)
        });
        self.drain_events(handler, now);
    }

    /// Handles the responses among what came and could not be handled in time, as each tells what became of a request, which
    /// makes one event of it either way. The peer sends its requests again, as nobody answers them.
    #[cold]
    fn handle_last_responses<H: LinkHandler<T>>(&mut self, handler: &mut H, now: Instant) {
        let mut cx = Context::from_waker(Waker::noop());
        let mut octets = std::mem::take(&mut self.unread);
        let mut buffer = vec![0; LEAST_READ];
        for _ in 0..READS_AT_END {
            let mut used = 0;
            for frame in frames(&octets, self.session.max_command_length()) {
                if self.session.in_flight() == 0 || is_over(self.session.wants_close()) {
                    return;
                }
                used += frame.len();
                if Header::peek(frame).is_some_and(|header| header.command_id.is_response()) {
                    self.handle_frame(frame, handler, now);
                }
            }
            octets.drain(..used);
            let mut room = ReadBuf::new(&mut buffer);
            // What is left of the task's budget is no measure for what has come.
            let reading = poll_fn(|cx| Pin::new(&mut self.transport).poll_read(cx, &mut room));
            let read = pin!(unconstrained(reading)).poll(&mut cx);
            if !matches!(read, Poll::Ready(Ok(()))) || room.filled().is_empty() {
                return;
            }
            octets.extend_from_slice(room.filled());
        }
    }

    #[inline]
    fn drain_events<H: LinkHandler<T>>(&mut self, handler: &mut H, now: Instant) {
        while let Some(event) = self.session.poll_event() {
            handler.event(&mut self.session, event, &[], now);
        }
    }

    fn finish<H: LinkHandler<T>>(
        &mut self,
        handler: &mut H,
        now: Instant,
        error: Option<io::ErrorKind>,
    ) -> Closed {
        // What is left of what came tells what became of requests.
        self.handle_unread(handler, now);
        if !self.session.reads() {
            self.handle_last_responses(handler, now);
        }
        self.session.handle_closed();
        self.drain_events(handler, now);
        let cause = self.session.wants_close().unwrap_or(CloseCause::Disconnected);
        Closed { cause, error }
    }

    /// Arms the timer if the next deadline comes before it fires; a later one waits for that.
    fn arm(&mut self, cx: &mut Context<'_>, ask_again: Option<Instant>, now: Instant) {
        let Some(next) = sooner(self.session.poll_timeout(), ask_again) else {
            return;
        };
        let passed = self.armed.is_none_or(|armed| armed <= now);
        if passed || self.armed.is_some_and(|armed| next < armed) {
            let deadline = tokio::time::Instant::from_std(next);
            match &mut self.timer {
                Some(timer) => timer.as_mut().reset(deadline),
                None => self.timer = Some(Box::pin(tokio::time::sleep_until(deadline))),
            }
            self.armed = Some(next);
        }
        if let Some(timer) = &mut self.timer
            && timer.as_mut().poll(cx).is_ready()
        {
            // Due already: come round again, with a fresh look at the clock.
            self.armed = None;
            cx.waker().wake_by_ref();
        }
    }
}

/// The whole frames at the start of `octets`.
fn frames(octets: &[u8], max: usize) -> impl Iterator<Item = &[u8]> {
    let mut rest = octets;
    std::iter::from_fn(move || {
        let length = frame_length(rest, max).ok().flatten()?;
        let (frame, behind) = rest.split_at_checked(length)?;
        rest = behind;
        Some(frame)
    })
}

/// True where nothing that the peer still says matters.
const fn is_over(cause: Option<CloseCause>) -> bool {
    matches!(cause, Some(CloseCause::Framing(_) | CloseCause::Disconnected))
}

/// True where the peer would not take what is still to be written.
const fn is_dead(cause: CloseCause) -> bool {
    matches!(
        cause,
        CloseCause::LinkDead | CloseCause::WriteStalled | CloseCause::Disconnected
    )
}
