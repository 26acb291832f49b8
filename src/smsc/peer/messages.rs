//! Messages of the ESME, and their answers.

use std::time::{Duration, Instant};

use super::{Answer, Bound, Reply, Serving};
use crate::pdu::{
    CommandStatus, DataSmRespView, Header, PduView, SequenceNumber, SubmitMultiResp, SubmitMultiView,
    SubmitSmRespView,
};
use crate::session::{Inbound, Session};
use crate::smsc::deliveries::DeliveryKey;
use crate::smsc::dice::Plan;
use crate::smsc::requests::{self, Message};
use crate::smsc::schedule::Schedule;
use crate::smsc::witness::{Fate, Seen};

/// For so long an answer waits for one that may go first.
const OVERTAKEN: Duration = Duration::from_secs(1);

impl Serving<'_> {
    #[inline]
    pub(super) fn request(
        &mut self,
        session: &mut Session<DeliveryKey>,
        inbound: Inbound,
        header: Header,
        body: PduView<'_>,
        now: Instant,
    ) {
        match body {
            PduView::SubmitSm(request) => {
                let message = Message::of_submit_sm(&request);
                self.message(session, inbound, header, message, Reply::SubmitSm, now);
            }
            PduView::DataSm(request) => {
                let message = Message::of_data_sm(&request);
                self.message(session, inbound, header, message, Reply::DataSm, now);
            }
            PduView::SubmitMulti(request) => self.submit_multi(session, inbound, header, &request, now),
            other => self.rare_request(session, inbound, header, other, now),
        }
    }

    #[inline]
    fn message(
        &mut self,
        session: &mut Session<DeliveryKey>,
        inbound: Inbound,
        header: Header,
        message: Result<Message<'_>, CommandStatus>,
        reply: fn(Result<u64, CommandStatus>) -> Reply,
        now: Instant,
    ) {
        // The session lets messages through in bound states only.
        let Some(Bound { account, .. }) = self.peer.bound else {
            return;
        };
        let plan = self.plan(session);
        let (peer, centre) = self.parts();
        let result = match &message {
            Ok(message) => centre.submit(account, plan, message, (peer.number, header.sequence_number), now),
            Err(status) => centre.refuse(*status),
        };
        self.answer(
            session,
            (inbound, header.sequence_number),
            plan,
            reply(result),
            now,
        );
    }

    /// Every destination is a message of its own; the response has the id of the first one taken.
    fn submit_multi(
        &mut self,
        session: &mut Session<DeliveryKey>,
        inbound: Inbound,
        header: Header,
        request: &SubmitMultiView<'_>,
        now: Instant,
    ) {
        let Some(Bound { account, .. }) = self.peer.bound else {
            return;
        };
        let plan = self.plan(session);
        let (peer, centre) = self.parts();
        let mut first = None;
        let mut refused = Vec::new();
        let mut message = Message::of_submit_multi(request);
        for address in request.dest_address.iter() {
            let submitted = match &mut message {
                Ok(message) => message.to(address).and_then(|()| {
                    centre.submit(account, plan, message, (peer.number, header.sequence_number), now)
                }),
                Err(status) => centre.refuse(*status),
            };
            match submitted {
                Ok(number) => first = first.or(Some(number)),
                Err(status) => refused.push(requests::unsuccessful(address, status)),
            }
        }
        let result = match (first, refused.first()) {
            (Some(number), _) => {
                let message_id = centre.behaviour.message_ids.in_responses.write(number);
                Ok(Box::new(SubmitMultiResp {
                    message_id,
                    unsuccess_sme: refused,
                    ..SubmitMultiResp::default()
                }))
            }
            (None, Some(refused)) => Err(refused.error_status_code),
            (None, None) => Err(CommandStatus::ESME_RINVNUMDESTS),
        };
        let origin = (inbound, header.sequence_number);
        self.answer(session, origin, plan, Reply::SubmitMulti(result), now);
    }

    /// What happens to the next message.
    #[inline]
    fn plan(&mut self, session: &Session<DeliveryKey>) -> Plan {
        let (peer, centre) = self.parts();
        let plan = peer.dice.message(&centre.behaviour);
        if plan.silent {
            self.fall_silent(session);
        }
        plan
    }

    /// What is not on its way to the peer by now never gets there.
    fn fall_silent(&mut self, session: &Session<DeliveryKey>) {
        let (peer, centre) = self.parts();
        let Some(silence) = peer.silence.take() else {
            return;
        };
        silence.begin(session.output_end());
        peer.waiting = Schedule::new();
        peer.held = None;
        centre.counters.faults.links_silent += 1;
    }

    /// Sends an answer now or later, or does what a fault wants instead.
    #[inline]
    fn answer(
        &mut self,
        session: &mut Session<DeliveryKey>,
        (inbound, sequence_number): (Inbound, SequenceNumber),
        plan: Plan,
        reply: Reply,
        now: Instant,
    ) {
        if let Some(nonsense) = plan.nonsense {
            session.put_raw(nonsense.octets());
            self.centre().counters.faults.nonsense += 1;
        }
        let answer = Answer {
            inbound,
            sequence_number,
            reply,
            odd: plan.odd,
            doubled: plan.doubled,
        };
        if plan.fate == Fate::Answered && (plan.late || plan.doubled) {
            let faults = &mut self.centre().counters.faults;
            faults.responses_late += u64::from(plan.late);
            faults.responses_doubled += u64::from(plan.doubled);
        }
        match plan.fate {
            Fate::Answered if plan.overtaken && self.peer.held.is_none() => {
                self.peer.held = Some((now + plan.delay + OVERTAKEN, answer));
            }
            Fate::Answered if plan.delay.is_zero() => self.reply(session, &answer, now),
            Fate::Answered => self.peer.waiting.insert(now + plan.delay, answer),
            Fate::ResponseLost => {
                session.abandon(inbound);
            }
            Fate::LinkCut => {
                self.centre().counters.cuts += 1;
                session.abort();
            }
            Fate::LinkUnbound => {
                self.centre().counters.faults.links_unbound += 1;
                self.peer.has_unbound = true;
                session.hang_up();
            }
        }
    }

    #[inline]
    pub(super) fn reply(&mut self, session: &mut Session<DeliveryKey>, answer: &Answer, now: Instant) {
        let Answer {
            inbound,
            sequence_number,
            ref reply,
            odd,
            doubled,
        } = *answer;
        let before = session.output().len();
        let number = self.peer.number;
        let centre = self.centre();
        let ids = centre.behaviour.message_ids.in_responses;
        // Every body fits. A request that was meanwhile answered otherwise needs nothing more.
        let odd = odd.filter(|_| !matches!(reply, Reply::SubmitMulti(_)));
        let put = match reply {
            Reply::SubmitSm(Ok(number)) => {
                let id = ids.write(*number);
                let body = SubmitSmRespView {
                    message_id: id.as_bytes(),
                    ..SubmitSmRespView::default()
                };
                session.respond(inbound, CommandStatus::ESME_ROK, &body, now)
            }
            Reply::DataSm(Ok(number)) => {
                let id = ids.write(*number);
                let body = DataSmRespView {
                    message_id: id.as_bytes(),
                    ..DataSmRespView::default()
                };
                session.respond(inbound, CommandStatus::ESME_ROK, &body, now)
            }
            Reply::SubmitMulti(Ok(body)) => session.respond(inbound, CommandStatus::ESME_ROK, &**body, now),
            Reply::SubmitSm(Err(status)) | Reply::DataSm(Err(status)) | Reply::SubmitMulti(Err(status)) => {
                session.respond_empty(inbound, *status, now)
            }
        };
        if put.is_err() {
            return;
        }
        let status = match reply {
            Reply::SubmitSm(result) | Reply::DataSm(result) => result.err(),
            Reply::SubmitMulti(result) => result.as_ref().err().copied(),
        };
        self.centre().note(now, number, || Seen::Answered {
            sequence_number,
            status: status.unwrap_or(CommandStatus::ESME_ROK),
            odd,
        });
        if let Some(odd) = odd {
            session.replace_response(before, |response| odd.instead_of(response));
            self.centre().counters.faults.responses_odd += 1;
        }
        if doubled {
            let response = session.output().get(before..).unwrap_or_default().to_vec();
            session.put_raw(&response);
        }
        if let Some((_, held)) = self.peer.held.take() {
            self.centre().counters.faults.responses_overtaken += 1;
            self.reply(session, &held, now);
        }
    }
}
