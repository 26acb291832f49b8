//! A session of either side that is fed frames, timeouts and writes in any order: never a panic, never more in flight
//! than the window allows, each token back exactly once, and nothing but whole PDUs on the wire.
//!
//! The input is a script: one octet says what happens, the following ones with what. The session counts from 1, so
//! scripts find the numbers of its requests.

#![no_main]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use bindery::pdu::{
    BindReceiver, BindTransceiver, BindTransmitter, CommandId, CommandStatus, DeliverSm, EnquireLink, FramingError,
    Leniency, MAX_COMMAND_LENGTH, Pdu, SequenceNumber, SubmitSm, frame_length, view,
};
use bindery::session::{Event, Inbound, Limits, Rate, Session, SessionConfig, SessionState, Side};
use libfuzzer_sys::fuzz_target;

/// Octets of the script that are left; zeros behind the end.
struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    fn octet(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    fn octets(&mut self, length: usize) -> &'a [u8] {
        let (octets, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        octets
    }
}

struct Run {
    session: Session<u32>,
    now: Instant,
    /// Most that may be in flight: the window, or what was in flight when it became smaller.
    most: usize,
    next_token: u32,
    waiting: BTreeSet<u32>,
    owed: Vec<Inbound>,
    /// What left, up to the last whole frame.
    wire: Vec<u8>,
}

impl Run {
    fn step(&mut self, script: &mut Script<'_>) {
        match script.octet() % 15 {
            0 => {
                let frame = framed(script);
                self.frame(&frame);
            }
            1 => {
                // From a millisecond to some minutes, as the real timers are.
                self.now += Duration::from_millis(u64::from(script.octet()) << (script.octet() % 12));
                self.session.handle_timeout(self.now);
            }
            2 => {
                if let Some(due) = self.session.poll_timeout() {
                    self.now = self.now.max(due);
                    self.session.handle_timeout(self.now);
                }
            }
            3 => self.write(script.octet()),
            4 => self.request(&Pdu::SubmitSm(SubmitSm::default()), None),
            5 => {
                let sequence = SequenceNumber::new(u32::from(script.octet()));
                self.request(&Pdu::DeliverSm(DeliverSm::default()), Some(sequence));
            }
            6 => {
                let command_id = CommandId::ALL[usize::from(script.octet()) % CommandId::ALL.len()];
                if let Some(pdu) = Pdu::empty(command_id) {
                    self.request(&pdu, None);
                }
            }
            7 => {
                let status = CommandStatus::new(u32::from(script.octet()));
                let which = usize::from(script.octet());
                if !self.owed.is_empty() {
                    let inbound = self.owed.swap_remove(which % self.owed.len());
                    let owed = self.session.is_owed(inbound);
                    let answered = self.session.respond_empty(inbound, status, self.now);
                    assert!(owed || answered.is_err());
                    assert!(!self.session.is_owed(inbound) || answered.is_err());
                }
            }
            8 => drop(match script.octet() % 3 {
                0 => self.session.bind(&BindTransceiver::default(), self.now),
                1 => self.session.bind(&BindTransmitter::default(), self.now),
                _ => self.session.bind(&BindReceiver::default(), self.now),
            }),
            9 => self.session.unbind(self.now),
            10 => {
                let window = usize::from(script.octet() % 8);
                self.session.set_window(window);
                self.most = window.max(self.session.in_flight());
            }
            11 => self.session.set_waiting(script.octet() % 2 == 0, self.now),
            12 => self.session.stop_accepting(),
            13 => drop(self.session.notify(&EnquireLink::default())),
            _ => {
                let error = FramingError::TooLong { command_length: u32::from(script.octet()), max: 16 };
                self.session.handle_framing_error(error, None, self.now);
            }
        }
        self.look();
    }

    fn request(&mut self, pdu: &Pdu, forced: Option<SequenceNumber>) {
        let token = self.next_token;
        self.next_token += 1;
        match self.session.request_pdu(token, pdu, forced, self.now) {
            Ok(_) => assert!(self.waiting.insert(token)),
            Err((back, _)) => assert_eq!(back, token),
        }
    }

    fn frame(&mut self, frame: &[u8]) {
        let event = self.session.handle_frame(frame, self.now);
        if let Some(event) = event {
            settle(&mut self.waiting, &mut self.owed, &event);
        }
    }

    /// Some of the output leaves.
    fn write(&mut self, share: u8) {
        let output = self.session.output();
        let length = (output.len() * usize::from(share)).div_ceil(255).min(output.len());
        self.wire.extend_from_slice(&output[..length]);
        self.session.handle_written(length, self.now);
        self.session.watch_output(self.now);
        while let Some(length) = frame_length(&self.wire, MAX_COMMAND_LENGTH).expect("what is written can be cut") {
            let frame: Vec<u8> = self.wire.drain(..length).collect();
            view(&frame, &Leniency::default()).expect("what is written can be read");
        }
    }

    /// What must hold after each step.
    fn look(&mut self) {
        while let Some(event) = self.session.poll_event() {
            settle(&mut self.waiting, &mut self.owed, &event);
        }
        let in_flight = self.session.in_flight();
        assert!(in_flight <= self.most, "{in_flight} in flight where {} may be", self.most);
        self.most = self.most.min(in_flight.max(self.session.window()));
        assert_eq!(self.session.waiting(), self.waiting.len());
        assert!(self.session.usable_window() <= self.session.window());
        let _ = (self.session.room(self.now), self.session.rate(), self.session.reads());
        // A deadline that has passed is dealt with in a few rounds, or its owner would spin.
        for _ in 0..16 {
            let Some(due) = self.session.poll_timeout().filter(|due| *due <= self.now) else { return };
            let _ = due;
            self.session.handle_timeout(self.now);
            while let Some(event) = self.session.poll_event() {
                settle(&mut self.waiting, &mut self.owed, &event);
            }
        }
        panic!("the deadline stays in the past: {:?}", self.session);
    }
}

/// A PDU from the script: kind, status, number and body.
fn framed(script: &mut Script<'_>) -> Vec<u8> {
    let kind = script.octet();
    let command_id = match kind {
        0xFF => u32::from_be_bytes([script.octet(), 0, script.octet(), script.octet()]),
        kind => CommandId::ALL[usize::from(kind) % CommandId::ALL.len()].value(),
    };
    let (status, sequence, length) = (script.octet(), script.octet(), script.octet());
    let body = match length {
        // Most bodies of random octets are unreadable; the empty form of each kind is not.
        0xFF => {
            let mut frame = Vec::new();
            if let Some(pdu) = Pdu::empty(CommandId::new(command_id)) {
                let sequence = SequenceNumber::new(u32::from(sequence));
                let _ = pdu.encode(CommandStatus::new(u32::from(status)), sequence, &mut frame);
            }
            frame.get(16..).map_or_else(Vec::new, <[u8]>::to_vec)
        }
        length => script.octets(usize::from(length)).to_vec(),
    };
    let mut frame = Vec::with_capacity(16 + body.len());
    frame.extend_from_slice(&u32::try_from(16 + body.len()).unwrap_or(16).to_be_bytes());
    for word in [command_id, u32::from(status), u32::from(sequence)] {
        frame.extend_from_slice(&word.to_be_bytes());
    }
    frame.extend_from_slice(&body);
    frame
}

/// Takes note of tokens that came back and of answers that the peer wants.
fn settle(waiting: &mut BTreeSet<u32>, owed: &mut Vec<Inbound>, event: &Event<'_, u32>) {
    match event {
        Event::Answered { token, .. } | Event::Unresolved { token, .. } => {
            assert!(waiting.remove(token), "token {token} came back twice");
        }
        Event::Request { inbound, .. } => owed.push(*inbound),
        _ => {}
    }
}

fuzz_target!(|data: &[u8]| {
    let mut script = Script(data);
    let flags = script.octet();
    let side = if flags & 1 == 0 { Side::Esme } else { Side::Smsc };
    let window = usize::from(flags >> 4 & 7);
    let config = SessionConfig {
        window,
        probe_first: flags & 2 != 0,
        inactivity_timeout: (flags & 4 != 0).then_some(Duration::from_secs(60)),
        inbound_limit: 8,
        outbox_high_water: 512,
        ..SessionConfig::new(side)
    };
    let limits = Limits { rate: (flags & 8 != 0).then(|| Rate::per_second(5.0)), ..Limits::default() };
    let now = Instant::now();
    let mut run = Run {
        session: Session::new(config, limits, now),
        now,
        most: window,
        next_token: 0,
        waiting: BTreeSet::new(),
        owed: Vec::new(),
        wire: Vec::new(),
    };
    for _ in 0..400 {
        if script.0.is_empty() {
            break;
        }
        run.step(&mut script);
    }
    run.session.handle_closed();
    run.look();
    assert_eq!((run.session.state(), run.session.poll_timeout()), (SessionState::Closed, None));
    assert!(run.waiting.is_empty(), "{:?} never came back", run.waiting);
});
