//! Messages of the ESME, and their answers.

use std::time::Instant;

use super::{Bound, Reply, Serving};
use crate::pdu::{
    CommandStatus, DataSmRespView, Header, PduView, SubmitMultiResp, SubmitMultiView, SubmitSmRespView,
};
use crate::session::{Inbound, Session};
use crate::smsc::deliveries::DeliveryKey;
use crate::smsc::faults::Plan;
use crate::smsc::requests::{self, Message};
use crate::smsc::witness::Fate;

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
        let (peer, centre) = self.parts();
        let plan = peer.dice.message(&centre.behaviour);
        let result = match &message {
            Ok(message) => centre.submit(account, plan, message, (peer.number, header.sequence_number), now),
            Err(status) => centre.refuse(*status),
        };
        self.answer(session, inbound, plan, reply(result), now);
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
        let (peer, centre) = self.parts();
        let plan = peer.dice.message(&centre.behaviour);
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
        self.answer(session, inbound, plan, Reply::SubmitMulti(result), now);
    }

    /// Sends an answer now or later, or does what a fault wants instead.
    #[inline]
    fn answer(
        &mut self,
        session: &mut Session<DeliveryKey>,
        inbound: Inbound,
        plan: Plan,
        reply: Reply,
        now: Instant,
    ) {
        match plan.fate {
            Fate::Answered if plan.delay.is_zero() => self.reply(session, inbound, &reply, now),
            Fate::Answered => self.peer.waiting.insert(now + plan.delay, (inbound, reply)),
            Fate::ResponseLost => {
                session.abandon(inbound);
            }
            Fate::LinkCut => {
                self.centre().counters.cuts += 1;
                session.abort();
            }
        }
    }

    #[inline]
    pub(super) fn reply(
        &mut self,
        session: &mut Session<DeliveryKey>,
        inbound: Inbound,
        reply: &Reply,
        now: Instant,
    ) {
        let ids = self.centre().behaviour.message_ids.in_responses;
        // Every body fits. A request that was meanwhile answered otherwise needs nothing more.
        let _ = match reply {
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
    }
}
