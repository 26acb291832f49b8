//! Requests that are no messages: binds, and questions and orders about messages. They are answered at once.

use std::time::Instant;

use super::{Bound, Serving};
use crate::pdu::{
    BindReceiverRespView, BindTransceiverRespView, BindTransmitterRespView, COctetString, CancelSmRespView,
    CancelSmView, CommandId, CommandStatus, Header, InterfaceVersion, PduView, QuerySmRespView, QuerySmView,
    ReplaceSmRespView, ReplaceSmView, Tlvs, tlv,
};
use crate::session::{Inbound, Session, agreed_version};
use crate::smsc::centre::Centre;
use crate::smsc::deliveries::{AccountId, DeliveryKey};
use crate::smsc::requests;
use crate::smsc::witness::Seen;

/// What matters in a bind of any kind.
struct BindRequest<'a> {
    command_id: CommandId,
    system_id: &'a [u8],
    password: &'a [u8],
    version: InterfaceVersion,
}

impl Serving<'_> {
    /// Requests that are no messages: answered at once.
    pub(super) fn rare_request(
        &mut self,
        session: &mut Session<DeliveryKey>,
        inbound: Inbound,
        header: Header,
        body: PduView<'_>,
        now: Instant,
    ) {
        macro_rules! bind {
            ($request:expr) => {{
                let bind = BindRequest {
                    command_id: header.command_id,
                    system_id: $request.system_id,
                    password: $request.password,
                    version: $request.interface_version,
                };
                return self.bind(session, inbound, &bind, now);
            }};
        }
        let status = match body {
            PduView::BindTransmitter(request) => bind!(request),
            PduView::BindReceiver(request) => bind!(request),
            PduView::BindTransceiver(request) => bind!(request),
            PduView::QuerySm(request) => self.query(session, inbound, &request, now),
            PduView::CancelSm(request) => self.cancel(session, inbound, &request, now),
            PduView::ReplaceSm(request) => self.replace(session, inbound, &request, now),
            _ => {
                // There is no cell broadcast here.
                let status = CommandStatus::ESME_RINVCMDID;
                let _ = session.respond_empty(inbound, status, now);
                status
            }
        };
        let number = self.peer.number;
        let centre = self.centre();
        centre.counters.requests += 1;
        centre.note(now, number, || Seen::Request {
            command_id: header.command_id,
            status,
        });
    }

    fn bind(
        &mut self,
        session: &mut Session<DeliveryKey>,
        inbound: Inbound,
        request: &BindRequest<'_>,
        now: Instant,
    ) {
        let BindRequest {
            command_id,
            system_id,
            password,
            version,
        } = *request;
        let (peer, centre) = self.parts();
        if peer.dice.is_silent(&centre.behaviour) {
            centre.counters.faults.binds_silent += 1;
            session.abandon(inbound);
            return;
        }
        let admitted = match peer.dice.bind(&centre.behaviour) {
            Some(status) => Err(status),
            None => centre.accounts.admit(&centre.behaviour, system_id, password, now),
        };
        let status = admitted.err().unwrap_or(CommandStatus::ESME_ROK);
        centre.note(now, peer.number, || Seen::Bind {
            command_id,
            system_id: requests::text(system_id),
            status,
        });
        match admitted {
            Ok(account) => {
                centre.counters.binds += 1;
                let receives = command_id != CommandId::BIND_TRANSMITTER;
                if receives {
                    centre.accounts.receive(account, peer.id, now);
                }
                peer.bound = Some(Bound { account, receives });
            }
            Err(_) => centre.counters.binds_refused += 1,
        }

        let own_id = COctetString::<16>::try_from(centre.behaviour.system_id.as_str()).unwrap_or_default();
        let system_id = own_id.as_bytes();
        let mut parameters = Tlvs::new();
        if version.value() >= InterfaceVersion::V3_4.value() {
            let ours = agreed_version(InterfaceVersion::V5_0, Some(version));
            // One octet always fits.
            let _ = parameters.put::<tlv::ScInterfaceVersion>(ours);
        }
        let tlvs = parameters.view();
        // Every field fits.
        let _ = match command_id {
            CommandId::BIND_TRANSMITTER => {
                session.respond(inbound, status, &BindTransmitterRespView { system_id, tlvs }, now)
            }
            CommandId::BIND_RECEIVER => {
                session.respond(inbound, status, &BindReceiverRespView { system_id, tlvs }, now)
            }
            _ => session.respond(inbound, status, &BindTransceiverRespView { system_id, tlvs }, now),
        };
    }

    fn query(
        &mut self,
        session: &mut Session<DeliveryKey>,
        inbound: Inbound,
        request: &QuerySmView<'_>,
        now: Instant,
    ) -> CommandStatus {
        let found = self.named(request.message_id, |centre, account, number| {
            centre.store.query(account, number, request.source_addr, now)
        });
        match found {
            Ok(answer) => {
                let final_date = answer.final_date.map(|date| date.to_string()).unwrap_or_default();
                let body = QuerySmRespView {
                    message_id: request.message_id,
                    final_date: final_date.as_bytes(),
                    message_state: answer.state,
                    ..QuerySmRespView::default()
                };
                // Every field fits; what was found had an id of ours.
                let _ = session.respond(inbound, CommandStatus::ESME_ROK, &body, now);
                CommandStatus::ESME_ROK
            }
            Err(status) => {
                let _ = session.respond_empty(inbound, status, now);
                status
            }
        }
    }

    fn cancel(
        &mut self,
        session: &mut Session<DeliveryKey>,
        inbound: Inbound,
        request: &CancelSmView<'_>,
        now: Instant,
    ) -> CommandStatus {
        let CancelSmView {
            service_type,
            message_id,
            source_addr,
            destination_addr,
            ..
        } = *request;
        let cancelled = self.named(message_id, |centre, account, number| {
            let Centre {
                store, deliveries, ..
            } = centre;
            if message_id.is_empty() {
                store.cancel_all(
                    deliveries,
                    account,
                    [source_addr, destination_addr, service_type],
                    now,
                )
            } else {
                store.cancel(deliveries, account, number, source_addr, now)
            }
        });
        let status = cancelled.err().unwrap_or(CommandStatus::ESME_ROK);
        let _ = session.respond(inbound, status, &CancelSmRespView::default(), now);
        status
    }

    fn replace(
        &mut self,
        session: &mut Session<DeliveryKey>,
        inbound: Inbound,
        request: &ReplaceSmView<'_>,
        now: Instant,
    ) -> CommandStatus {
        let ReplaceSmView {
            message_id,
            source_addr,
            short_message,
            ..
        } = *request;
        let replaced = self.named(message_id, |centre, account, number| {
            centre.store.replace(
                &mut centre.deliveries,
                account,
                number,
                source_addr,
                short_message,
                now,
            )
        });
        let status = replaced.err().unwrap_or(CommandStatus::ESME_ROK);
        let _ = session.respond(inbound, status, &ReplaceSmRespView::default(), now);
        status
    }

    /// Does something about a message of this account that a request names.
    fn named<R>(
        &mut self,
        message_id: &[u8],
        act: impl FnOnce(&mut Centre, AccountId, Option<u64>) -> Result<R, CommandStatus>,
    ) -> Result<R, CommandStatus> {
        // The session lets such requests through in bound states only.
        let Some(Bound { account, .. }) = self.peer.bound else {
            return Err(CommandStatus::ESME_RINVBNDSTS);
        };
        let centre = self.centre();
        let number = centre.behaviour.message_ids.in_responses.read(message_id);
        act(centre, account, number)
    }
}
