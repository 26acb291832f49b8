//! What is not read for a while, or not soon.

use super::*;
use crate::session::Inbound;

/// Keeps deliveries without an answer, and what else happened.
#[derive(Default)]
struct Lazy {
    owed: Vec<Inbound>,
    seen: Vec<String>,
}

impl LinkHandler<u32> for Lazy {
    fn feed(&mut self, _: &mut Session<u32>, _: Instant) -> Option<Instant> {
        None
    }

    fn event(&mut self, _: &mut Session<u32>, event: Event<'_, u32>, _: &[u8], _: Instant) {
        match event {
            Event::Request { inbound, .. } => self.owed.push(inbound),
            Event::Answered { token, .. } => self.seen.push(format!("answered {token}")),
            other => self.seen.push(format!("{other:?}")),
        }
    }
}

/// A link that reads nothing while two deliveries wait for their answer, and its peer.
struct Full {
    link: Link<u32>,
    lazy: Lazy,
    peer: DuplexStream,
}

impl Full {
    async fn bound(answer_timeout: Duration) -> Self {
        let (ours, mut peer) = tokio::io::duplex(1 << 16);
        let config = SessionConfig {
            inbound_limit: 2,
            answer_timeout,
            ..SessionConfig::new(Side::Esme)
        };
        let mut session = Session::new(config, Limits::default(), now());
        session.bind(&BindTransceiver::default(), now()).unwrap();
        peer.write_all(BIND_RESP).await.unwrap();
        let mut full = Self {
            link: Link::new(session, Transport::Pipe(ours)),
            lazy: Lazy::default(),
            peer,
        };
        full.runs(Duration::from_millis(1)).await;
        full.lazy.seen.clear();
        full
    }

    async fn runs(&mut self, time: Duration) {
        let Self { link, lazy, .. } = self;
        let poll = poll_fn(|cx| link.poll(cx, lazy, now()));
        assert!(
            tokio::time::timeout(time, poll).await.is_err(),
            "the link is over"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn unanswered_deliveries_stop_the_reading_until_they_are_answered() {
    let mut full = Full::bound(Duration::from_secs(10)).await;
    let octets: Vec<_> = (1..=5).flat_map(deliver).collect();
    full.peer.write_all(&octets).await.unwrap();
    full.runs(Duration::from_millis(1)).await;
    assert_eq!(full.lazy.owed.len(), 2);
    for inbound in full.lazy.owed.clone() {
        full.link
            .session_mut()
            .respond_empty(inbound, CommandStatus::ESME_ROK, now())
            .unwrap();
    }
    full.runs(Duration::from_millis(1)).await;
    assert_eq!(full.lazy.owed.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_response_behind_deliveries_that_nobody_answers_is_in_time() {
    let mut full = Full::bound(Duration::from_secs(120)).await;
    let session = full.link.session_mut();
    session.request(1, &SubmitSm::default(), now()).unwrap();
    session.set_waiting(true, now());
    full.runs(Duration::from_secs(29)).await;
    let octets = [deliver(1), deliver(2), deliver(3), deliver(4), submit_resp(2)].concat();
    full.peer.write_all(&octets).await.unwrap();
    full.runs(Duration::from_secs(239)).await;
    assert_eq!((full.lazy.owed.len(), full.lazy.seen.len()), (4, 0));
    full.runs(Duration::from_secs(2)).await;
    assert_eq!(full.lazy.seen, ["answered 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_response_that_came_in_time_counts_though_the_thread_was_late() {
    let mut bench = Bench::bound().await;
    bench.owner.to_submit = 1;
    bench.turn().await;
    bench.peer.write_all(&submit_resp(2)).await.unwrap();
    tokio::time::advance(Duration::from_secs(60)).await;
    bench.turn().await;
    assert_eq!(bench.owner.seen, ["bound", "answered 1 0"]);
}
