//! Requests that are no messages: which bind asks them.

use actix::{Context, Handler, ResponseFuture};
use tokio::sync::oneshot;

use super::Router;
use super::binds::Member;
use super::core::Core;
use crate::bind::messages::Ask;
use crate::dispatch::BindKey;
use crate::events::Phase;
use crate::submit::{Inquiry, NotSentCause, Request, RequestResult, SubmitError, Via};

impl Handler<Request> for Router {
    type Result = ResponseFuture<RequestResult>;

    fn handle(&mut self, request: Request, _: &mut Context<Self>) -> Self::Result {
        let answer = self.core.borrow_mut().ask(request);
        // An inquiry always answers.
        Box::pin(async move { answer.await.unwrap_or(Err(SubmitError::ShuttingDown)) })
    }
}

impl Core {
    fn ask(&mut self, request: Request) -> oneshot::Receiver<RequestResult> {
        let now = self.now();
        let via = match (&request.via, request.message_id()) {
            (Via::Any, Some(id)) => self.holder_of(&id),
            (via, _) => via.clone(),
        };
        let (inquiry, answer) = Inquiry::new(request, now);
        if self.closing.is_some() {
            inquiry.refuse(SubmitError::ShuttingDown);
            return answer;
        }
        let address = match self.asks(&via) {
            Ok(key) => self.binds.get(key).and_then(Member::address),
            Err(error) => {
                inquiry.refuse(error);
                return answer;
            }
        };
        if let Some(address) = address {
            // A bind that died in this moment drops it, and it answers.
            address.ask().do_send(Ask(inquiry));
        }
        answer
    }

    /// By the account whose message has this id, where that is known.
    fn holder_of(&self, message_id: &str) -> Via {
        let mut accounts = self.accounts.iter();
        let holder = accounts.find(|(_, account)| account.receipts.knows(message_id));
        let bind = holder.and_then(|(id, _)| self.binds.iter().find(|(_, member)| member.account == *id));
        bind.map_or(Via::Any, |(_, member)| Via::AccountOf(member.id.clone()))
    }

    /// The bind that asks.
    fn asks(&self, via: &Via) -> Result<BindKey, SubmitError> {
        let find = |name: &str| self.binds.iter().find(|(_, member)| member.id.as_str() == name);
        let is_up = |member: &Member| member.phase == Phase::Bound && member.settings.mode.sends();
        let room = |key: BindKey| {
            self.dispatcher
                .view(key)
                .map_or(0, |view| view.capacity.saturating_sub(view.taken))
        };
        let best = |account: Option<&Member>| {
            let candidates = self.binds.iter().filter(|(_, member)| {
                is_up(member) && account.is_none_or(|named| named.account == member.account)
            });
            candidates.max_by_key(|(key, _)| room(*key)).map(|(key, _)| key)
        };
        let down = SubmitError::NotSent {
            cause: NotSentCause::NotBound,
        };
        match via {
            Via::Any => best(None).ok_or(down),
            Via::Bind(bind) => match find(bind.as_str()) {
                Some((key, member)) if is_up(member) => Ok(key),
                Some((_, member)) if member.settings.mode.sends() => Err(down),
                _ => Err(SubmitError::NoRoute),
            },
            Via::AccountOf(bind) => match find(bind.as_str()) {
                Some((key, member)) if is_up(member) => Ok(key),
                Some((_, member)) => best(Some(member)).ok_or(down),
                None => Err(SubmitError::NoRoute),
            },
        }
    }
}
