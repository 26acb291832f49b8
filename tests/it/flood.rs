//! Random and damaged frames, very many of them, through the reader and through live sessions.
//!
//! `BINDERY_FRAMES` says how many of each kind (default 50,000), `BINDERY_SEED` repeats a run.

use std::time::Duration;

use bindery::pdu::{CommandId, CommandStatus, Header, Leniency, decode, view};
use bindery::session::{Event, Room, Side};
use bytes::Bytes;
use fastrand::Rng;

use crate::peer::Live;
use crate::vectors::frames;

fn from_environment<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

fn count() -> usize {
    from_environment("BINDERY_FRAMES").unwrap_or(50_000)
}

fn seeded() -> Rng {
    let seed = from_environment("BINDERY_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("BINDERY_SEED={seed}");
    Rng::with_seed(seed)
}

/// Sessions of both sides, bound, replaced when a frame ends them by the protocol (unbind).
struct Field {
    lives: Vec<Live>,
    ended: usize,
}

fn fresh(id: CommandId) -> Live {
    let mut frame = [0; Header::LENGTH];
    frame[3] = 16;
    frame[4..8].copy_from_slice(&id.value().to_be_bytes());
    frame[15] = 1;
    Live::waiting_for(Header::peek(&frame))
}

impl Field {
    /// A message centre, and a client with one request in flight.
    const SIDES: [CommandId; 2] = [CommandId::SUBMIT_SM, CommandId::SUBMIT_SM_RESP];

    fn new() -> Self {
        Self {
            lives: Self::SIDES.map(fresh).into(),
            ended: 0,
        }
    }

    fn feed(&mut self, octets: &[u8]) {
        let strict = view(octets, &Leniency::strict());
        let lenient = view(octets, &Leniency::default());
        assert!(strict.is_err() || lenient == strict, "{octets:02x?}");
        let owned = decode(&Bytes::copy_from_slice(octets), &Leniency::default());
        assert_eq!(owned.map(|owned| owned.faults), lenient.map(|seen| seen.faults));
        for (live, id) in self.lives.iter_mut().zip(Self::SIDES) {
            let state = live.session.state();
            let frame = live.cut(octets).unwrap().unwrap();
            if let Some(Event::Request { inbound, .. }) = live.session.handle_frame(frame, live.now) {
                let answered = live
                    .session
                    .respond_empty(inbound, CommandStatus::ESME_RSYSERR, live.now);
                assert_eq!(answered, Ok(()), "{octets:02x?}");
            }
            while live.session.poll_event().is_some() {}
            if live.session.is_unbinding() {
                // The peer unbound; nothing else may end a session.
                assert_eq!(Header::peek(octets).unwrap().command_id, CommandId::UNBIND);
                *live = fresh(id);
                self.ended += 1;
                continue;
            }
            assert_eq!(live.session.state(), state, "{octets:02x?}");
            assert!(live.reads_the_next_pdu(), "out of step after {octets:02x?}");
            if live.session.config().side == Side::Esme && live.session.in_flight() == 0 {
                // An answer may have asked us to slow down.
                match live.session.room(live.now) {
                    Room::Now(_) => live.ask(CommandId::SUBMIT_SM),
                    Room::Full | Room::At(_) => live.now += Duration::from_secs(1),
                }
            }
        }
    }
}

/// A known command mostly, any number else.
fn any_command(rng: &mut Rng) -> CommandId {
    match rng.u8(..8) {
        0 => CommandId::new(rng.u32(..)),
        _ => CommandId::ALL[rng.usize(..CommandId::ALL.len())],
    }
}

fn set_length(frame: &mut [u8]) {
    let length = u32::try_from(frame.len()).unwrap();
    frame[..4].copy_from_slice(&length.to_be_bytes());
}

fn random_frame(rng: &mut Rng) -> Vec<u8> {
    let mut frame = vec![0; Header::LENGTH + rng.usize(..120)];
    rng.fill(&mut frame);
    frame[4..8].copy_from_slice(&any_command(rng).value().to_be_bytes());
    if rng.bool() {
        frame[12..16].copy_from_slice(&1_u32.to_be_bytes());
    }
    set_length(&mut frame);
    frame
}

/// A sound frame with one to four octets changed, added or taken out of it.
fn mutated_frame(rng: &mut Rng, sound: &[Vec<u8>]) -> Vec<u8> {
    let mut frame = sound[rng.usize(..sound.len())].clone();
    for _ in 0..rng.usize(1..=4) {
        let at = rng.usize(4..frame.len());
        match rng.u8(..4) {
            0 => frame[at] = rng.u8(..),
            1 => frame[at] ^= 1 << rng.u8(..8),
            2 => frame.insert(at, rng.u8(..)),
            _ if frame.len() > Header::LENGTH => drop(frame.remove(at)),
            _ => frame.push(0),
        }
    }
    set_length(&mut frame);
    frame
}

#[test]
fn no_random_frame_disturbs_a_session() {
    let (mut rng, mut field) = (seeded(), Field::new());
    for _ in 0..count() {
        field.feed(&random_frame(&mut rng));
    }
    println!("{} sessions ended by unbind", field.ended);
}

#[test]
fn no_damaged_frame_disturbs_a_session() {
    let (mut rng, mut field, sound) = (seeded(), Field::new(), frames());
    for _ in 0..count() {
        field.feed(&mutated_frame(&mut rng, &sound));
    }
    println!("{} sessions ended by unbind", field.ended);
}
