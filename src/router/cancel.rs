//! Messages that are taken back before they were written.

use actix::{Context, Handler, Message, ResponseFuture};

use super::Router;
use super::core::Core;
use crate::bind::messages::Withdraw;
use crate::submit::{Reference, SubmitError};

/// Takes the messages back that their caller knows by this reference: each of which nothing was written ends as
/// [`SubmitError::Cancelled`]. Gives how many there were.
///
/// Looks at every message that waits.
#[derive(Clone, Debug)]
pub struct Cancel(pub Reference);

impl Message for Cancel {
    type Result = usize;
}

impl Handler<Cancel> for Router {
    type Result = ResponseFuture<usize>;

    fn handle(&mut self, Cancel(reference): Cancel, _: &mut Context<Self>) -> Self::Result {
        let mut core = self.core.borrow_mut();
        if reference == Reference::None {
            return Box::pin(std::future::ready(0));
        }
        // What was given a seat in this drain is then at its bind.
        core.flush();
        // First what waits at the binds: what they give back meanwhile is looked for when they have answered.
        let asked = core.withdraw(&reference);
        let waited = core.cancel_waiting(&reference);
        drop(core);
        let core = self.core.clone();
        Box::pin(async move {
            let mut cancelled = waited;
            for answer in asked {
                // One that died has answered for its messages by dropping them.
                cancelled += answer.await.unwrap_or(0);
            }
            let mut core = core.borrow_mut();
            core.fetch_reports();
            cancelled += core.cancel_waiting(&reference);
            // What the seats that are free now go to must not wait for the next wake-up.
            core.flush();
            core.end_drain();
            cancelled
        })
    }
}

impl Core {
    fn cancel_waiting(&mut self, reference: &Reference) -> usize {
        let jobs = self
            .dispatcher
            .remove_where(|job| job.reference() == reference && !job.has_written());
        let cancelled = jobs.len();
        for job in jobs {
            job.refuse(&SubmitError::Cancelled);
        }
        cancelled
    }

    fn withdraw(&self, reference: &Reference) -> Vec<actix::dev::RecipientRequest<Withdraw>> {
        let addresses = self.binds.iter().filter_map(|(_, member)| member.address());
        addresses
            .map(|address| address.withdraw().send(Withdraw(reference.clone())))
            .collect()
    }
}
