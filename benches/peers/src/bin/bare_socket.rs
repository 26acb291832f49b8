//! What the machine can do: a blocking socket, PDUs encoded once, sequence numbers patched, response headers read.
//!
//! Nothing is kept per message, nothing is checked but the
//! command id and the status, so no client that does its work can be faster; figures of others are given as a share of this one.

use std::io::{Read, Write};
use std::net::TcpStream;

use bindery_peers::work::{Arguments, Meter, Times, USAGE, Work};

const SUBMIT_SM: u32 = 0x0000_0004;
const SUBMIT_SM_RESP: u32 = 0x8000_0004;

fn main() -> std::io::Result<()> {
    let arguments = Arguments::read(USAGE);
    let Work {
        messages,
        window,
        length,
        ..
    } = Work::from(&arguments);

    let mut socket = TcpStream::connect(&arguments.address)?;
    socket.set_nodelay(true)?;
    socket.write_all(&frame(0x0000_0009, 1, b"load\0load\0\0\x34\0\0\0"))?;
    let mut input = Input::default();
    input.responses(&mut socket, |_| ())?;

    let submit = frame(SUBMIT_SM, 0, &body(length));
    let mut output = Vec::with_capacity(submit.len() * window as usize);
    let (mut sent, mut answered, mut accepted) = (0_u64, 0_u64, 0_u64);
    let meter = Meter::start();
    while answered < messages {
        output.clear();
        while sent < messages && sent - answered < window {
            let at = output.len();
            output.extend_from_slice(&submit);
            let sequence = (sent as u32 % 0x7FFF_FFFE) + 2;
            output[at + 12..at + 16].copy_from_slice(&sequence.to_be_bytes());
            sent += 1;
        }
        socket.write_all(&output)?;
        input.responses(&mut socket, |header| {
            if header.0 == SUBMIT_SM_RESP {
                answered += 1;
                accepted += u64::from(header.1 == 0);
            }
        })?;
    }
    meter.finish("bare_socket", messages, accepted, &Times::default());
    socket.write_all(&frame(0x0000_0006, 0x7FFF_FFFF, b""))
}

/// Octets read and not yet looked at.
#[derive(Default)]
struct Input {
    octets: Vec<u8>,
}

impl Input {
    /// Reads once and gives the command id and status of every whole frame.
    fn responses(&mut self, socket: &mut TcpStream, mut seen: impl FnMut((u32, u32))) -> std::io::Result<()> {
        let kept = self.octets.len();
        self.octets.resize(kept + 256 * 1024, 0);
        let count = socket.read(&mut self.octets[kept..])?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        self.octets.truncate(kept + count);
        let mut at = 0;
        while let Some(header) = self.octets.get(at..at + 16) {
            let word = |offset: usize| {
                u32::from_be_bytes([
                    header[offset],
                    header[offset + 1],
                    header[offset + 2],
                    header[offset + 3],
                ])
            };
            let length = word(0) as usize;
            if self.octets.len() - at < length {
                break;
            }
            seen((word(4), word(8)));
            at += length;
        }
        self.octets.drain(..at);
        Ok(())
    }
}

fn frame(command_id: u32, sequence: u32, body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(16 + body.len());
    frame.extend_from_slice(&(16 + body.len() as u32).to_be_bytes());
    frame.extend_from_slice(&command_id.to_be_bytes());
    frame.extend_from_slice(&0_u32.to_be_bytes());
    frame.extend_from_slice(&sequence.to_be_bytes());
    frame.extend_from_slice(body);
    frame
}

fn body(length: usize) -> Vec<u8> {
    let mut body = b"\0\0\x0012345\0\x01\x01447700900123\0\0\0\0\0\0\x01\0\0\0".to_vec();
    body.push(length as u8);
    body.extend(std::iter::repeat_n(b'x', length));
    body
}
