//! A live session of the side that a given PDU goes to, in the state in which that PDU may come.

use std::time::Instant;

use bindery::pdu::{
    BindReceiver, BindTransceiver, BindTransceiverResp, BindTransmitter, CommandId, CommandStatus,
    FramingError, Header, Pdu, SequenceNumber, States, frame_length,
};
use bindery::session::{Event, Limits, Sequence, SequenceGenerator, Session, SessionConfig, Side};

/// Gives the number that the PDU under test answers.
#[derive(Debug)]
struct Always(SequenceNumber);

impl SequenceGenerator for Always {
    fn next_sequence(&mut self) -> SequenceNumber {
        self.0
    }
}

/// One session, and the clock of its owner.
pub(crate) struct Live {
    pub(crate) session: Session<&'static str>,
    pub(crate) now: Instant,
}

fn encoded(pdu: &Pdu, sequence: SequenceNumber) -> Vec<u8> {
    let mut frame = Vec::new();
    pdu.encode(CommandStatus::ESME_ROK, sequence, &mut frame).unwrap();
    frame
}

impl Live {
    /// A session that waits for a PDU with this header: bound, except where the PDU is about the bind itself.
    pub(crate) fn waiting_for(header: Option<Header>) -> Self {
        let id = header.map_or(CommandId::ENQUIRE_LINK, |header| header.command_id);
        let sequence = header.map_or(SequenceNumber::FIRST, |header| header.sequence_number);
        let request = id.request().unwrap_or(id);
        let sends = |states: States| states.contains(States::BOUND | States::OPEN);
        // Who sends the request: a response goes to that side, a request to the other.
        let from_esme = sends(request.esme_states()) || !sends(request.smsc_states());
        let side = if from_esme == id.is_response() {
            Side::Esme
        } else {
            Side::Smsc
        };
        let now = Instant::now();
        let config = SessionConfig::new(side);
        let session = Session::with_numbers(
            config,
            Limits::default(),
            Sequence::Asked(Box::new(Always(sequence))),
            now,
        );
        let mut live = Self { session, now };
        let is_bind = matches!(
            request,
            CommandId::BIND_TRANSMITTER | CommandId::BIND_RECEIVER | CommandId::BIND_TRANSCEIVER
        );
        match (is_bind, id.is_response()) {
            (true, true) => live.bind(request),
            (true, false) => {}
            _ if id == CommandId::OUTBIND => {}
            (false, _) => live.become_bound(),
        }
        if id == CommandId::UNBIND_RESP {
            live.session.unbind(now);
        } else if id.is_response() && !is_bind && sequence.is_conformant() {
            live.ask(if id == CommandId::GENERIC_NACK {
                CommandId::DATA_SM
            } else {
                request
            });
        }
        live.written();
        live
    }

    fn bind(&mut self, kind: CommandId) {
        let now = self.now;
        match kind {
            CommandId::BIND_TRANSMITTER => self.session.bind(&BindTransmitter::default(), now),
            CommandId::BIND_RECEIVER => self.session.bind(&BindReceiver::default(), now),
            _ => self.session.bind(&BindTransceiver::default(), now),
        }
        .unwrap();
    }

    /// Binds as a transceiver, whichever side this is.
    fn become_bound(&mut self) {
        let now = self.now;
        let bind = Pdu::from(BindTransceiver::default());
        match self.session.config().side {
            Side::Esme => {
                self.bind(CommandId::BIND_TRANSCEIVER);
                let sent = Header::peek(self.session.output()).unwrap();
                let answer = Pdu::from(BindTransceiverResp::default());
                self.session
                    .handle_frame(&encoded(&answer, sent.sequence_number), now);
            }
            Side::Smsc => {
                let frame = encoded(&bind, SequenceNumber::FIRST);
                let Some(Event::Request { inbound, .. }) = self.session.handle_frame(&frame, now) else {
                    panic!("no request")
                };
                let answer = BindTransceiverResp::default();
                self.session
                    .respond(inbound, CommandStatus::ESME_ROK, &answer, now)
                    .unwrap();
            }
        }
        assert!(self.session.state().is_bound());
        self.written();
    }

    /// Sends the request that the PDU under test answers. Those that only the session sends are left out.
    pub(crate) fn ask(&mut self, request: CommandId) {
        if let Some(body) = Pdu::empty(request).filter(|_| request != CommandId::ENQUIRE_LINK) {
            let sequence = self.session.request_pdu("asked", &body, None, self.now);
            assert!(sequence.is_ok() || !request.is_known(), "{request}: {sequence:?}");
        }
    }

    /// Everything that waits has left; gives what it was.
    pub(crate) fn written(&mut self) -> Vec<u8> {
        let output = self.session.output().to_vec();
        self.session.handle_written(output.len(), self.now);
        output
    }

    /// The first frame in `octets` as a link cuts it, or what a link says of octets without one.
    pub(crate) fn cut<'a>(&mut self, octets: &'a [u8]) -> Result<Option<&'a [u8]>, FramingError> {
        let length = frame_length(octets, self.session.max_command_length());
        if let Err(error) = length {
            self.session
                .handle_framing_error(error, Header::peek(octets), self.now);
        }
        Ok(length?.map(|length| &octets[..length]))
    }

    /// Feeds an enquire_link and says whether its answer, and nothing else, came.
    pub(crate) fn reads_the_next_pdu(&mut self) -> bool {
        self.written();
        let number = SequenceNumber::new(0x00AB_CDEF);
        let frame = encoded(&Pdu::empty(CommandId::ENQUIRE_LINK).unwrap(), number);
        let event = self.session.handle_frame(&frame, self.now);
        let answer = Pdu::empty(CommandId::ENQUIRE_LINK_RESP).unwrap();
        event.is_none() && self.written() == encoded(&answer, number)
    }
}

/// The header of the only frame in `output`, which has no body.
pub(crate) fn only_header(output: &[u8]) -> Header {
    assert_eq!(output.len(), Header::LENGTH, "{output:02x?}");
    Header::peek(output).unwrap()
}
