//! Scripts in virtual time: two sessions over a simulated link, and hand-written octets against one side, so
//! that a mistake that both sides share does not cancel.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

mod binding;
mod inbound;
mod pair;
mod reading;
mod requests;
mod script;
mod simulation;
mod timers;
mod versions;

use super::*;
use crate::pdu::{
    BindTransceiver, BindTransceiverResp, CommandId, CommandStatus, DataSm, DeliverSm, DeliverSmResp,
    SequenceNumber, SubmitSm, SubmitSmResp, frame_length,
};

fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn esme() -> SessionConfig {
    SessionConfig::new(Side::Esme)
}

fn octets(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let nibble = |digit: u8| u8::try_from(char::from(digit).to_digit(16).unwrap()).unwrap();
    digits
        .chunks(2)
        .map(|pair| nibble(pair[0]) << 4 | nibble(pair[1]))
        .collect()
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// What is left of an event when its frame is gone.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Bound,
    Refused(CommandStatus),
    Answered(u32, CommandStatus),
    Unresolved(u32, Unresolved),
    Late(u32, CommandStatus),
    Request(Inbound, CommandId),
    Notice(CommandId),
    Unreadable(CommandId),
    Violation(Violation),
    Throttled,
    PeerUnbinds,
    Unbound,
}

fn keep(event: &Event<'_, u32>) -> Seen {
    match event {
        Event::Bound { .. } => Seen::Bound,
        Event::BindRefused { status } => Seen::Refused(*status),
        Event::Answered { token, status, .. } => Seen::Answered(*token, *status),
        Event::Unresolved { token, cause, .. } => Seen::Unresolved(*token, *cause),
        Event::Late { sequence, status, .. } => Seen::Late(sequence.value(), *status),
        Event::Request { inbound, header, .. } => Seen::Request(*inbound, header.command_id),
        Event::Notice { header, .. } => Seen::Notice(header.command_id),
        Event::Unreadable { header, .. } => Seen::Unreadable(header.command_id),
        Event::Violation { violation, .. } => Seen::Violation(*violation),
        Event::Throttled { .. } => Seen::Throttled,
        Event::PeerUnbinds => Seen::PeerUnbinds,
        Event::Unbound => Seen::Unbound,
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bound => f.write_str("bound"),
            Self::Refused(status) => write!(f, "refused {status}"),
            Self::Answered(token, status) => write!(f, "answered {token} {status}"),
            Self::Unresolved(token, Unresolved::ResponseExpired) => write!(f, "expired {token}"),
            Self::Unresolved(token, Unresolved::WrongResponse) => write!(f, "confused {token}"),
            Self::Unresolved(token, Unresolved::SessionEnded { written }) => {
                write!(
                    f,
                    "ended {token} {}",
                    if *written { "written" } else { "unwritten" }
                )
            }
            Self::Late(number, status) => write!(f, "late {number} {status}"),
            Self::Request(_, command) => write!(f, "request {command}"),
            Self::Notice(command) => write!(f, "notice {command}"),
            Self::Unreadable(command) => write!(f, "unreadable {command}"),
            Self::Violation(violation) => write!(f, "violation {violation:?}"),
            Self::Throttled => f.write_str("throttled"),
            Self::PeerUnbinds => f.write_str("peer unbinds"),
            Self::Unbound => f.write_str("unbound"),
        }
    }
}

/// One session and hand-written octets.
struct Bench {
    session: Session<u32>,
    now: Instant,
}

impl Bench {
    fn new(config: SessionConfig) -> Self {
        let now = Instant::now();
        Self {
            session: Session::new(config, Limits::default(), now),
            now,
        }
    }

    /// A bound transceiver whose bind took sequence number 1.
    fn bound(config: SessionConfig) -> Self {
        let mut bench = Self::new(config);
        bench
            .session
            .bind(&BindTransceiver::default(), bench.now)
            .unwrap();
        bench.sent();
        assert_eq!(
            bench.gets("00000011 80000009 00000000 00000001 00"),
            [Seen::Bound]
        );
        bench
    }

    /// A bound transceiver, seen from the message centre.
    fn bound_smsc(config: SessionConfig) -> Self {
        let mut bench = Self::new(config);
        let bind = "00000018 00000009 00000000 00000001 6100 00 00 34 00 00 00";
        let [Seen::Request(inbound, _)] = bench.gets(bind)[..] else {
            panic!("no bind")
        };
        let now = bench.now;
        bench
            .session
            .respond(
                inbound,
                CommandStatus::ESME_ROK,
                &BindTransceiverResp::default(),
                now,
            )
            .unwrap();
        bench.sent();
        bench.events();
        bench
    }

    /// The peer sends one frame.
    fn gets(&mut self, frame: &str) -> Vec<Seen> {
        let frame = octets(frame);
        assert_eq!(
            frame_length(&frame, 70_000),
            Ok(Some(frame.len())),
            "one whole frame"
        );
        let first = self
            .session
            .handle_frame(&frame, self.now)
            .map(|event| keep(&event));
        first.into_iter().chain(self.events()).collect()
    }

    fn events(&mut self) -> Vec<Seen> {
        std::iter::from_fn(|| self.session.poll_event())
            .map(|event| keep(&event))
            .collect()
    }

    /// What has been written since the last call, in hex.
    fn sent(&mut self) -> String {
        let output = self.session.output().to_vec();
        self.session.handle_written(output.len(), self.now);
        self.session.watch_output(self.now);
        hex(&output)
    }

    fn submit(&mut self, token: u32) -> SequenceNumber {
        self.session
            .request(token, &SubmitSm::default(), self.now)
            .unwrap()
    }

    /// Time passes; every deadline on the way is kept.
    fn passes(&mut self, time: Duration) -> Vec<Seen> {
        let end = self.now + time;
        let mut seen = Vec::new();
        while let Some(due) = self.session.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.session.handle_timeout(self.now);
            seen.extend(self.events());
            if self.session.wants_close().is_some() {
                return seen;
            }
        }
        self.now = end;
        self.session.handle_timeout(end);
        seen.extend(self.events());
        seen
    }
}
