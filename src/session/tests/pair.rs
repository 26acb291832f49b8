//! Two sessions over a simulated link.

use proptest::prelude::*;

use super::*;

/// Two sessions and the octets between them.
struct Pair {
    sides: [Session<u32>; 2],
    wires: [VecDeque<u8>; 2],
    now: Instant,
    answered: Vec<u32>,
    unresolved: Vec<u32>,
    next: u32,
}

impl Pair {
    fn bound(config: SessionConfig) -> Self {
        let now = Instant::now();
        let smsc = SessionConfig {
            window: config.window,
            ..SessionConfig::new(Side::Smsc)
        };
        let mut pair = Self {
            sides: [
                Session::new(config, Limits::default(), now),
                Session::new(smsc, Limits::default(), now),
            ],
            wires: [VecDeque::new(), VecDeque::new()],
            now,
            answered: Vec::new(),
            unresolved: Vec::new(),
            next: 0,
        };
        pair.sides[0].bind(&BindTransceiver::default(), now).unwrap();
        for _ in 0..2 {
            pair.carry(0, usize::MAX);
            pair.carry(1, usize::MAX);
        }
        assert!(
            pair.sides
                .iter()
                .all(|side| side.state() == SessionState::BoundTrx)
        );
        pair
    }

    /// `side` writes what it has, and at most `octets` of that reach the other, which handles whole frames.
    fn carry(&mut self, side: usize, octets: usize) {
        let output = self.sides[side].output().to_vec();
        self.sides[side].handle_written(output.len(), self.now);
        self.wires[side].extend(output);
        let arrived = octets.min(self.wires[side].len());
        let mut buffer = self.wires[side].make_contiguous()[..arrived].to_vec();
        let mut used = 0;
        while let Some(length) = frame_length(&buffer, 70_000).unwrap() {
            let frame: Vec<u8> = buffer.drain(..length).collect();
            used += length;
            self.handle(1 - side, &frame);
        }
        self.wires[side].drain(..used);
    }

    fn handle(&mut self, side: usize, frame: &[u8]) {
        let now = self.now;
        let event = self.sides[side].handle_frame(frame, now);
        let answer = match event {
            Some(Event::Request { inbound, .. }) => Some(inbound),
            Some(event) => {
                self.note(side, &event);
                None
            }
            None => None,
        };
        if let Some(inbound) = answer {
            self.sides[side]
                .respond_empty(inbound, CommandStatus::ESME_ROK, now)
                .unwrap();
        }
        self.drain_events(side);
    }

    fn drain_events(&mut self, side: usize) {
        while let Some(event) = self.sides[side].poll_event() {
            self.note(side, &event);
        }
    }

    fn note(&mut self, side: usize, event: &Event<'_, u32>) {
        match (side, keep(event)) {
            (0, Seen::Answered(token, _)) => self.answered.push(token),
            (0, Seen::Unresolved(token, _)) => self.unresolved.push(token),
            _ => {}
        }
    }

    fn submit(&mut self) {
        if matches!(self.sides[0].room(self.now), Room::Now(_)) {
            self.sides[0]
                .request(self.next, &SubmitSm::default(), self.now)
                .unwrap();
            self.next += 1;
        }
    }

    fn deliver(&mut self) {
        if matches!(self.sides[1].room(self.now), Room::Now(_)) {
            self.sides[1].request(0, &DeliverSm::default(), self.now).unwrap();
        }
    }

    fn passes(&mut self, time: Duration) {
        self.now += time;
        for side in 0..2 {
            self.sides[side].handle_timeout(self.now);
            self.drain_events(side);
        }
    }
}

#[test]
fn data_goes_both_ways_over_a_pair() {
    let mut pair = Pair::bound(esme());
    pair.submit();
    pair.deliver();
    pair.sides[0].request(77, &DataSm::default(), pair.now).unwrap();
    pair.carry(0, usize::MAX);
    pair.carry(1, usize::MAX);
    pair.carry(0, usize::MAX);
    assert_eq!(pair.answered, [0, 77]);
    assert_eq!((pair.sides[0].in_flight(), pair.sides[1].in_flight()), (0, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn every_token_ends_exactly_once_whatever_happens(
        window in 1_usize..12,
        steps in prop::collection::vec((0_u8..7, 0_usize..90, 0_u64..15), 1..200),
    ) {
        let mut pair = Pair::bound(SessionConfig { window, ..esme() });
        for (step, octets, wait) in steps {
            match step {
                0 | 1 => pair.submit(),
                2 => pair.deliver(),
                3 => pair.carry(0, octets),
                4 => pair.carry(1, octets),
                5 => pair.passes(secs(wait)),
                _ => { pair.carry(0, usize::MAX); pair.carry(1, usize::MAX); }
            }
            prop_assert!(pair.sides[0].in_flight() <= window);
        }
        for side in 0..2 {
            pair.sides[side].handle_closed();
            pair.drain_events(side);
        }
        let mut ended: Vec<_> = pair.answered.iter().chain(&pair.unresolved).copied().collect();
        ended.sort_unstable();
        prop_assert_eq!(ended, (0..pair.next).collect::<Vec<_>>());
        prop_assert_eq!(pair.sides[0].in_flight(), 0);
    }

    #[test]
    fn no_octets_disturb_a_session(frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 12..60), 1..40)) {
        let mut bench = Bench::bound(esme());
        for body in frames {
            let mut frame = u32::try_from(body.len() + 4).unwrap().to_be_bytes().to_vec();
            frame.extend(&body);
            bench.session.handle_frame(&frame, bench.now);
            while bench.session.poll_event().is_some() {}
        }
        prop_assert!(bench.session.state() != SessionState::Closed);
    }
}
