//! What the SMSC delivers, and the answers that are being made.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use actix::dev::RecipientRequest;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tracing::debug;

use super::jobs::Ticket;
use crate::events::{Answer, Answering, Delivery, Event, Hub, Kinds};
use crate::pdu::{CommandStatus, DataSmResp, DeliverSmResp, PduView};
use crate::session::{Inbound, Session};

/// So many answers may be awaited that are not wanted any more, beside as many as are.
const STALE: usize = 64;

/// Which response answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    DeliverSm,
    DataSm,
}

impl Kind {
    /// None for what is no delivery.
    pub(super) const fn of(body: &PduView<'_>) -> Option<Self> {
        match body {
            PduView::DeliverSm(_) => Some(Self::DeliverSm),
            PduView::DataSm(_) => Some(Self::DataSm),
            _ => None,
        }
    }
}

/// An answer that somebody was asked for.
struct Asked {
    inbound: Inbound,
    kind: Kind,
    request: Pin<Box<RecipientRequest<Delivery>>>,
}

impl Future for Asked {
    type Output = (Inbound, Kind, Answer);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(self.request.as_mut().poll(cx));
        // A handler that panicked or is gone: the SMSC keeps the message.
        let answer = answer.unwrap_or_else(|_| Answer::later());
        Poll::Ready((self.inbound, self.kind, answer))
    }
}

/// The deliveries of one bind that wait for their answer.
pub(super) struct Deliveries {
    hub: Arc<Hub>,
    /// The answer where nobody takes messages.
    unhandled: CommandStatus,
    asked: FuturesUnordered<Asked>,
}

impl Deliveries {
    pub(super) fn new(hub: Arc<Hub>, unhandled: CommandStatus) -> Self {
        Self {
            hub,
            unhandled,
            asked: FuturesUnordered::new(),
        }
    }

    /// Answers a delivery, or asks who does, and tells those who want to know.
    pub(super) fn handle(
        &mut self,
        session: &mut Session<Ticket>,
        (inbound, kind): (Inbound, Kind),
        delivery: Delivery,
        now: Instant,
    ) {
        match self.hub.answer(&delivery, self.unhandled) {
            Answering::Now(answer) => respond(session, inbound, kind, answer, now),
            Answering::Later(request) => {
                self.forget_stale(session);
                self.asked.push(Asked {
                    inbound,
                    kind,
                    request: Box::pin(request),
                });
            }
        }
        if self.hub.wants(Kinds::DELIVERIES) {
            self.hub.emit(Event::Delivery(Arc::new(delivery)));
        }
    }

    /// Puts answers that became ready into the session; true when there were any.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, session: &mut Session<Ticket>, now: Instant) -> bool {
        let mut answered = false;
        if self.asked.is_empty() {
            return false;
        }
        while let Poll::Ready(Some((inbound, kind, answer))) = self.asked.poll_next_unpin(cx) {
            respond(session, inbound, kind, answer, now);
            answered = true;
        }
        answered
    }

    /// The link is gone: nobody is left to answer.
    pub(super) fn clear(&mut self) {
        self.asked.clear();
    }

    /// Forgets questions that were answered at their deadline, so that a handler which never answers does not make
    /// us keep all that ever came. The handler does not even see those that wait in its mailbox.
    fn forget_stale(&mut self, session: &Session<Ticket>) {
        if self.asked.len() > session.unanswered() * 2 + STALE {
            let asked = std::mem::take(&mut self.asked).into_iter();
            self.asked = asked.filter(|asked| session.is_owed(asked.inbound)).collect();
        }
    }
}

fn respond(session: &mut Session<Ticket>, inbound: Inbound, kind: Kind, answer: Answer, now: Instant) {
    let Answer { status, message_id } = answer;
    let answered = match kind {
        Kind::DeliverSm => session.respond(
            inbound,
            status,
            &DeliverSmResp {
                message_id,
                ..Default::default()
            },
            now,
        ),
        Kind::DataSm => session.respond(
            inbound,
            status,
            &DataSmResp {
                message_id,
                ..Default::default()
            },
            now,
        ),
    };
    if let Err(error) = answered {
        // It was answered at its deadline, with the status for that.
        debug!(%error, "answer came too late");
    }
}
