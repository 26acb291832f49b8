//! Links over pipes in virtual time, against hand-written octets.

mod reading;

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::*;
use crate::pdu::{BindTransceiver, CommandStatus, SubmitSm};
use crate::session::{Limits, Room, SessionConfig, Side, Unresolved};

const BIND_RESP: &[u8] = b"\0\0\0\x11\x80\0\0\x09\0\0\0\0\0\0\0\x01\0";

/// Keeps what happened, answers deliveries at once, and submits as many as it may.
#[derive(Default)]
struct Owner {
    to_submit: u32,
    submitted: u32,
    seen: Vec<String>,
    watches: bool,
    /// There is no room for more when so much was seen.
    holds_at: Option<usize>,
    passed: Vec<(Passage, u32, u32)>,
}

impl LinkHandler<u32> for Owner {
    fn feed(&mut self, session: &mut Session<u32>, now: Instant) -> Option<Instant> {
        while self.submitted < self.to_submit {
            match session.room(now) {
                Room::Now(_) => {
                    self.submitted += 1;
                    session
                        .request(self.submitted, &SubmitSm::default(), now)
                        .unwrap();
                }
                Room::At(time) => return Some(time),
                Room::Full => break,
            }
        }
        None
    }

    fn event(&mut self, session: &mut Session<u32>, event: Event<'_, u32>, frame: &[u8], now: Instant) {
        self.seen.push(match event {
            Event::Bound { .. } => "bound".into(),
            Event::Answered { token, status, .. } => format!("answered {token} {}", status.value()),
            Event::Unresolved {
                token,
                cause: Unresolved::SessionEnded { written },
                ..
            } => {
                format!("ended {token} written {written}")
            }
            Event::Request { inbound, .. } => {
                session
                    .respond_empty(inbound, CommandStatus::ESME_ROK, now)
                    .unwrap();
                format!("request of {}", frame.len())
            }
            other => format!("{other:?}"),
        });
    }

    fn watches(&self, _: Passage) -> bool {
        self.watches
    }

    fn holds(&self) -> bool {
        self.holds_at.is_some_and(|at| self.seen.len() >= at)
    }

    fn pass(&mut self, passage: Passage, frame: &[u8], _: Instant) {
        let header = Header::peek(frame).unwrap();
        self.passed
            .push((passage, header.command_id.value(), header.sequence_number.value()));
    }
}

/// Whether somebody was woken.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Bench {
    link: Box<Link<u32>>,
    owner: Owner,
    peer: DuplexStream,
}

impl Bench {
    fn new(config: SessionConfig, octets: usize) -> Self {
        let (ours, peer) = tokio::io::duplex(octets);
        let mut session = Session::new(config, Limits::default(), now());
        session.bind(&BindTransceiver::default(), now()).unwrap();
        Self {
            link: Box::new(Link::new(session, Transport::Pipe(ours))),
            owner: Owner::default(),
            peer,
        }
    }

    async fn bound() -> Self {
        let mut bench = Self::new(SessionConfig::new(Side::Esme), 1 << 16);
        bench.turn().await;
        bench.peer_reads().await;
        bench.peer.write_all(BIND_RESP).await.unwrap();
        bench.turn().await;
        assert_eq!(bench.owner.seen, ["bound"]);
        bench
    }

    /// Bound, with so many requests under way for `time`, and held back after the first thing that these octets bring.
    async fn held(to_submit: u32, time: Duration, octets: &[u8]) -> Self {
        let mut bench = Self::bound().await;
        bench.owner.to_submit = to_submit;
        bench.runs(time).await;
        bench.owner.seen.clear();
        bench.owner.holds_at = Some(1);
        bench.peer.write_all(octets).await.unwrap();
        bench.turn().await;
        bench
    }

    /// Polls until nothing more can be done; gives the end if that came.
    async fn turn(&mut self) -> Option<Closed> {
        let Self { link, owner, .. } = self;
        tokio::time::timeout(
            Duration::from_millis(1),
            poll_fn(|cx| link.poll(cx, owner, now())),
        )
        .await
        .ok()
    }

    /// How the vigil stands.
    fn vigil(&self) -> String {
        format!("{:?}", self.link.vigil)
    }

    /// Polls once; true when it is polled again once the sockets of the thread have been looked at.
    async fn stays_awake(&mut self) -> bool {
        let woken = Arc::new(Woken::default());
        let waker = woken.clone().into();
        let mut cx = Context::from_waker(&waker);
        assert!(self.link.poll(&mut cx, &mut self.owner, now()).is_pending());
        assert!(!woken.0.load(Ordering::Relaxed), "at once");
        tokio::task::yield_now().await;
        woken.0.load(Ordering::Relaxed)
    }

    async fn runs(&mut self, time: Duration) -> Option<Closed> {
        let Self { link, owner, .. } = self;
        tokio::time::timeout(time, poll_fn(|cx| link.poll(cx, owner, now())))
            .await
            .ok()
    }

    async fn peer_reads(&mut self) -> Vec<u8> {
        let mut octets = vec![0; 1 << 16];
        let count = self.peer.read(&mut octets).await.unwrap();
        octets.truncate(count);
        octets
    }
}

fn deliver(sequence: u8) -> Vec<u8> {
    let mut frame = b"\0\0\0\x21\0\0\0\x05\0\0\0\0\0\0\0".to_vec();
    frame.push(sequence);
    frame.extend([0; 17]);
    frame
}

/// The answer to a message.
fn submit_resp(sequence: u8) -> Vec<u8> {
    let mut frame = b"\0\0\0\x12\x80\0\0\x04\0\0\0\0\0\0\0".to_vec();
    frame.extend_from_slice(&[sequence, b'1', 0]);
    frame
}

#[tokio::test(start_paused = true)]
async fn a_bind_response_and_a_delivery_in_one_read_are_both_handled() {
    let mut bench = Bench::new(SessionConfig::new(Side::Esme), 1 << 16);
    bench.turn().await;
    bench.peer_reads().await;
    let mut octets = BIND_RESP.to_vec();
    octets.extend(deliver(9));
    octets.extend(deliver(10));
    bench.peer.write_all(&octets).await.unwrap();
    bench.turn().await;
    assert_eq!(bench.owner.seen, ["bound", "request of 33", "request of 33"]);
    assert_eq!(bench.peer_reads().await.len(), 34, "both answers in one write");
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_comes_octet_by_octet_is_one_frame() {
    let mut bench = Bench::bound().await;
    for octet in deliver(9) {
        bench.peer.write_all(&[octet]).await.unwrap();
        bench.turn().await;
    }
    assert_eq!(bench.owner.seen, ["bound", "request of 33"]);
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_written_at_once() {
    let mut bench = Bench::bound().await;
    bench.owner.to_submit = 25;
    bench.turn().await;
    assert_eq!(
        bench.peer_reads().await.len(),
        33 * 10,
        "a window of ten in one write"
    );
}

#[tokio::test(start_paused = true)]
async fn what_came_before_the_end_counts_once_there_is_room_for_it() {
    let octets: Vec<_> = (1..=3).flat_map(deliver).collect();
    let mut bench = Bench::held(0, Duration::ZERO, &octets).await;
    assert_eq!(bench.owner.seen.len(), 1);
    bench.owner.holds_at = None;
    bench.link.session_mut().set_held(false, now());
    bench.link.break_off(&mut bench.owner, now());
    assert_eq!(bench.owner.seen.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn responses_that_came_before_the_end_count_though_the_peer_is_held_back() {
    let octets = [deliver(1), submit_resp(2), deliver(2)].concat();
    let mut bench = Bench::held(3, Duration::ZERO, &octets).await;
    assert_eq!(bench.owner.seen, ["request of 33"]);
    // What is in the socket counts as well.
    let octets = [submit_resp(3), deliver(3), submit_resp(4)[..17].to_vec()].concat();
    bench.peer.write_all(&octets).await.unwrap();
    bench.link.break_off(&mut bench.owner, now());
    let end = ["answered 1 0", "answered 2 0", "ended 3 written true"];
    assert_eq!(bench.owner.seen[1..], end);
}

#[tokio::test(start_paused = true)]
async fn late_responses_count_at_the_end_as_well() {
    let mut bench = Bench::held(1, Duration::from_secs(31), &[deliver(1), submit_resp(2)].concat()).await;
    bench.link.break_off(&mut bench.owner, now());
    let seen = &bench.owner.seen;
    assert!(seen.len() == 2 && seen[1].starts_with("Late"), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn what_comes_after_octets_that_are_no_pdu_does_not_count_at_the_end() {
    let octets = [deliver(1), submit_resp(2), vec![0; 16], submit_resp(3)].concat();
    let mut bench = Bench::held(2, Duration::ZERO, &octets).await;
    bench.link.break_off(&mut bench.owner, now());
    assert_eq!(bench.owner.seen[1..], ["answered 1 0", "ended 2 written true"]);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_goes_ends_the_link_and_every_request() {
    let mut bench = Bench::bound().await;
    bench.owner.to_submit = 2;
    bench.turn().await;
    drop(bench.peer);
    let Bench {
        mut link, mut owner, ..
    } = Bench {
        peer: tokio::io::duplex(1).0,
        ..bench
    };
    let closed = poll_fn(|cx| link.poll(cx, &mut owner, now())).await;
    assert_eq!(closed.cause, CloseCause::Disconnected);
    assert_eq!(
        owner.seen,
        ["bound", "ended 1 written true", "ended 2 written true"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_is_too_long_is_answered_and_closes() {
    let mut bench = Bench::bound().await;
    bench
        .peer
        .write_all(b"\x7f\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\x09")
        .await
        .unwrap();
    let closed = bench.turn().await.unwrap();
    assert!(matches!(closed.cause, CloseCause::Framing(_)), "{closed:?}");
    assert_eq!(
        bench.peer_reads().await,
        b"\0\0\0\x10\x80\0\0\0\0\0\0\x02\0\0\0\x09"
    );
}

#[tokio::test(start_paused = true)]
async fn a_half_open_link_is_found_by_enquire_link() {
    let mut bench = Bench::bound().await;
    let start = now();
    let closed = bench.runs(Duration::from_secs(120)).await.unwrap();
    assert_eq!(closed.cause, CloseCause::LinkDead);
    // The 30 s of silence began with the bind response, a moment before.
    let took = (now() - start).as_millis();
    assert!((39_990..=40_000).contains(&took), "{took} ms");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_ends_the_link_and_tells_what_it_cannot_have_seen() {
    let mut bench = Bench::new(SessionConfig::new(Side::Esme), 40);
    bench.turn().await;
    let mut bind = [0; 23];
    bench.peer.read_exact(&mut bind).await.unwrap();
    bench.peer.write_all(BIND_RESP).await.unwrap();
    bench.owner.to_submit = 3;
    let closed = bench.runs(Duration::from_secs(120)).await.unwrap();
    assert_eq!(closed.cause, CloseCause::WriteStalled);
    let [_, first, second, third] = &bench.owner.seen[..] else {
        panic!("{:?}", bench.owner.seen)
    };
    assert!(
        first.contains("token: 1") && first.contains("ResponseExpired"),
        "written and due: {first}"
    );
    assert_eq!(
        [second, third],
        ["ended 2 written false", "ended 3 written false"]
    );
}

#[tokio::test(start_paused = true)]
async fn any_split_of_the_stream_gives_the_same_frames() {
    for seed in 0..100 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut bench = Bench::bound().await;
        let octets: Vec<u8> = (1..=20).flat_map(deliver).collect();
        let mut rest = &octets[..];
        while !rest.is_empty() {
            let (now, later) = rest.split_at(random.usize(1..=rest.len().min(70)));
            bench.peer.write_all(now).await.unwrap();
            if random.bool() {
                bench.turn().await;
            }
            rest = later;
        }
        bench.turn().await;
        assert_eq!(bench.owner.seen.len(), 21, "seed {seed}");
        let last = &bench.peer_reads().await;
        assert_eq!(last[last.len() - 2], 20, "seed {seed}: the last answer");
        assert!(bench.link.unread.capacity() <= KEEP, "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_is_longer_than_the_read_buffer_is_one_frame() {
    let config = SessionConfig {
        max_command_length: 1 << 20,
        ..SessionConfig::new(Side::Esme)
    };
    let mut bench = Bench::new(config, 1 << 16);
    bench.turn().await;
    bench.peer_reads().await;
    bench.peer.write_all(BIND_RESP).await.unwrap();
    let mut frame = deliver(9);
    for _ in 0..8 {
        frame.extend(b"\x14\x00\xEA\x60");
        frame.resize(frame.len() + 60_000, 0);
    }
    let length = u32::try_from(frame.len()).unwrap();
    frame[..4].copy_from_slice(&length.to_be_bytes());
    for chunk in frame.chunks(50_000) {
        bench.peer.write_all(chunk).await.unwrap();
        bench.turn().await;
    }
    assert_eq!(bench.owner.seen, ["bound", &format!("request of {length}")]);
    assert_eq!(bench.link.unread.capacity(), 0, "the buffer is given back");
}

#[tokio::test(start_paused = true)]
async fn answers_that_came_before_the_link_broke_count() {
    let mut bench = Bench::bound().await;
    bench.owner.to_submit = 2;
    bench.turn().await;
    bench.peer_reads().await;
    bench.peer.write_all(&submit_resp(2)).await.unwrap();
    bench.owner.to_submit = 3;
    let Bench {
        mut link,
        mut owner,
        peer,
    } = bench;
    drop(peer);
    let closed = poll_fn(|cx| link.poll(cx, &mut owner, now())).await;
    assert_eq!(
        closed.error,
        Some(io::ErrorKind::BrokenPipe),
        "writing failed first"
    );
    assert_eq!(
        owner.seen,
        [
            "bound",
            "answered 1 0",
            "ended 2 written true",
            "ended 3 written false"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_does_not_wait_for_ever_for_a_peer_that_does_not_read() {
    let mut bench = Bench::new(SessionConfig::new(Side::Esme), 40);
    bench.turn().await;
    let mut bind = [0; 23];
    bench.peer.read_exact(&mut bind).await.unwrap();
    bench.peer.write_all(BIND_RESP).await.unwrap();
    bench.owner.to_submit = 1;
    bench.turn().await;
    bench.peer.write_all(&[0xFF; 16]).await.unwrap();
    let start = now();
    let closed = bench.runs(Duration::from_secs(120)).await.unwrap();
    assert!(matches!(closed.cause, CloseCause::Framing(_)), "{closed:?}");
    assert!((now() - start).as_secs() <= 30);
}

#[tokio::test(start_paused = true)]
async fn who_watches_sees_each_pdu_once_at_each_place() {
    let mut bench = Bench::bound().await;
    bench.owner.watches = true;
    bench.owner.to_submit = 1;
    bench.turn().await;
    bench.peer_reads().await;
    bench.peer.write_all(&deliver(9)).await.unwrap();
    bench.turn().await;
    let (submit, delivery, answer) = (4, 5, 0x8000_0005);
    assert_eq!(
        bench.owner.passed,
        [
            (Passage::Sending, submit, 2),
            (Passage::Sent, submit, 2),
            (Passage::Received, delivery, 9),
            (Passage::Sending, answer, 9),
            (Passage::Sent, answer, 9),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn who_watches_is_not_told_that_what_was_taken_back_has_left() {
    let mut bench = Bench::new(SessionConfig::new(Side::Esme), 50);
    bench.turn().await;
    let mut bind = [0; 23];
    bench.peer.read_exact(&mut bind).await.unwrap();
    bench.peer.write_all(BIND_RESP).await.unwrap();
    bench.owner.watches = true;
    bench.owner.to_submit = 3;
    bench.turn().await;
    // The first has left, the second is half written, the third has not begun to leave.
    bench
        .peer
        .write_all(b"\0\0\0\x10\0\0\0\x06\0\0\0\0\0\0\0\x07")
        .await
        .unwrap();
    let mut octets = [0; 64];
    // Until nothing more comes.
    while let Ok(read) = {
        bench.turn().await;
        tokio::time::timeout(Duration::from_millis(5), bench.peer.read(&mut octets)).await
    } {
        assert!(read.unwrap() > 0, "the link is open");
    }
    let sent: Vec<_> = bench
        .owner
        .passed
        .iter()
        .filter(|(passage, ..)| *passage == Passage::Sent)
        .map(|(_, command, sequence)| (*command, *sequence))
        .collect();
    assert_eq!(sent, [(4, 2), (4, 3), (0x8000_0006, 7)]);
}

#[tokio::test(start_paused = true)]
async fn the_thread_stays_awake_for_an_answer_and_not_for_ever() {
    let mut bench = Bench::bound().await;
    assert!(!bench.stays_awake().await, "nothing is asked");
    bench.owner.to_submit = 1;
    assert!(bench.stays_awake().await);
    let mut turns = 1;
    while bench.stays_awake().await {
        turns += 1;
        assert!(turns < 1_000);
    }
    assert!(turns > 10, "{turns}");
    assert_eq!(bench.owner.seen, ["bound"]);
}

#[tokio::test(start_paused = true)]
async fn the_thread_sleeps_once_all_is_answered() {
    let mut bench = Bench::bound().await;
    bench.owner.to_submit = 2;
    assert!(bench.stays_awake().await);
    bench.peer.write_all(&submit_resp(2)).await.unwrap();
    assert!(bench.stays_awake().await, "one is still to come");
    bench.peer.write_all(&submit_resp(3)).await.unwrap();
    assert!(!bench.stays_awake().await);
    assert_eq!(bench.owner.seen, ["bound", "answered 1 0", "answered 2 0"]);
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_not_alone_lets_the_thread_sleep() {
    let mut bench = Bench::bound().await;
    let mut other = Bench::bound().await;
    bench.owner.to_submit = 1;
    assert!(!bench.stays_awake().await, "the other was before it");
    other.owner.to_submit = 1;
    other.turn().await;
    assert!(!bench.stays_awake().await);
}

/// A link after one vigil in vain.
async fn far_away() -> Bench {
    let mut bench = Bench::bound().await;
    bench.owner.to_submit = 1;
    assert!(bench.stays_awake().await);
    while bench.stays_awake().await {}
    bench.peer.write_all(&submit_resp(2)).await.unwrap();
    bench.turn().await;
    assert_eq!(bench.vigil(), "Vigil { turns: 0, misses: 1, pause: 2 }");
    bench
}

#[tokio::test(start_paused = true)]
async fn what_is_written_beside_others_begins_no_vigil_and_ends_no_pause() {
    let mut bench = far_away().await;
    Bench::bound().await;
    bench.owner.to_submit = 2;
    bench.turn().await;
    bench.peer.write_all(&submit_resp(3)).await.unwrap();
    bench.turn().await;
    assert_eq!(bench.owner.seen, ["bound", "answered 1 0", "answered 2 0"]);
    assert_eq!(bench.vigil(), "Vigil { turns: 0, misses: 1, pause: 2 }");
}

#[tokio::test(start_paused = true)]
async fn a_delivery_is_no_answer_in_time() {
    let mut bench = far_away().await;
    for sequence in 3..=4 {
        bench.owner.to_submit += 1;
        bench.turn().await;
        bench.peer.write_all(&submit_resp(sequence)).await.unwrap();
        bench.turn().await;
    }
    bench.owner.to_submit += 1;
    assert!(bench.stays_awake().await, "two writes were waited out");
    bench.peer.write_all(&deliver(9)).await.unwrap();
    assert!(bench.stays_awake().await);
    assert!(bench.vigil().contains("misses: 1"), "{}", bench.vigil());
    bench.peer.write_all(&submit_resp(5)).await.unwrap();
    bench.turn().await;
    assert!(bench.vigil().contains("misses: 0"), "{}", bench.vigil());
}
