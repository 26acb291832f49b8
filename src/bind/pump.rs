//! The one future in which a bind does all it does.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as Task, Poll};
use std::time::{Duration, Instant};

use actix::{ActorContext, ActorFuture, Context};
use smallvec::SmallVec;
use tracing::debug;

use super::messages::{Identity, Report, Reports};
use super::phases::{Parting, Step};
use super::{Bind, Open};
use crate::events::Cause;
use crate::link;
use crate::session::CloseCause;
use crate::submit::UnknownCause;

/// After so many rounds of answers that came while others were written, other actors get their turn.
const ROUNDS: u32 = 4;

/// So many rounds of answers that come one after another go out together.
const GATHERED: u32 = 64;

/// The first of them does not wait for longer.
const PATIENCE: Duration = Duration::from_micros(500);

/// Answers that are not written yet, because the next is expected at once.
pub(super) struct Gathering {
    rounds: u32,
    until: Instant,
}

/// Polled after each drain of the mailbox and at each wake-up.
pub(super) struct Pump;

impl ActorFuture<Bind> for Pump {
    type Output = ();

    fn poll(self: Pin<&mut Self>, bind: &mut Bind, ctx: &mut Context<Bind>, task: &mut Task<'_>) -> Poll<()> {
        let now = link::now();
        if !ctx.connected() && !bind.phases.is_ending() {
            // The router is gone: nobody is left to send for.
            bind.phases.end(now, now);
            bind.go_down(now);
        }
        let stopped = bind.run(task, now);
        bind.report(stopped, now);
        if stopped.is_some() {
            ctx.stop();
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

impl Bind {
    /// Goes on until there is something to wait for. Whether the peer agreed, once the bind has ended.
    fn run(&mut self, task: &mut Task<'_>, now: Instant) -> Option<bool> {
        loop {
            match self.phases.poll(now) {
                Step::Stop { clean } => {
                    self.break_off(now);
                    return Some(clean);
                }
                Step::Sleep { until } => {
                    if let Some(until) = until {
                        self.sleep(until, task);
                    }
                    return None;
                }
                Step::Connect { host } => self.connect(host, now),
                Step::Proceed => {
                    if self.proceed(task, now).is_pending() {
                        return None;
                    }
                }
            }
        }
    }

    /// Goes on with what is open. Ready when something changed.
    fn proceed(&mut self, task: &mut Task<'_>, now: Instant) -> Poll<()> {
        match &mut self.open {
            Open::Nothing => {
                // Never: something is open in every phase that proceeds.
                self.phases.end(now, now);
                Poll::Ready(())
            }
            Open::Connecting(connecting) => connecting.as_mut().poll(task).map(|connected| match connected {
                Ok(transport) => self.handle_connected(transport, now),
                Err(error) => self.handle_connect_failed(&error, now),
            }),
            Open::Linked(link) => {
                if let Some(gathering) = &mut self.gathering {
                    gathering.rounds += 1;
                    if gathering.rounds < GATHERED
                        && now < gathering.until
                        && self.desk.poll_answers(task, link.session_mut(), now)
                        && self.desk.expects_answer()
                    {
                        task.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    self.gathering = None;
                }
                let mut polled = link.poll(task, &mut self.desk, now);
                // After the link, so that questions which it has just put are asked and wake us later; what is
                // answered at once goes out at once.
                let mut rounds = 0;
                while polled.is_pending() && self.desk.poll_answers(task, link.session_mut(), now) {
                    if self.desk.expects_answer() {
                        // Who answers has its turn before us, and a write costs more than an answer.
                        self.gathering = Some(Box::new(Gathering {
                            rounds: 1,
                            until: now + PATIENCE,
                        }));
                        task.waker().wake_by_ref();
                        break;
                    }
                    if rounds == ROUNDS {
                        task.waker().wake_by_ref();
                        break;
                    }
                    rounds += 1;
                    polled = link.poll(task, &mut self.desk, now);
                }
                if link.session().state().is_bound() && self.phases.is_binding() {
                    debug!(bind = %self.desk.bind(), "bound");
                    self.phases.handle_bound(now);
                }
                match polled {
                    Poll::Ready(closed) => {
                        self.handle_closed(&closed, now);
                        Poll::Ready(())
                    }
                    Poll::Pending => self.part(task, now),
                }
            }
        }
    }

    /// Sees to the end of the session where it is to end. Ready when there is something to be written for that.
    fn part(&mut self, task: &mut Task<'_>, now: Instant) -> Poll<()> {
        let Open::Linked(link) = &mut self.open else {
            return Poll::Ready(());
        };
        let unbinding = link.session().is_unbinding();
        if self.phases.is_bound() {
            let cause = match self.desk.session_refused() {
                Some(status) => Cause::SessionRefused(status),
                None if unbinding => Cause::Session(CloseCause::PeerUnbound),
                None => return Poll::Pending,
            };
            self.phases.leave(cause, now);
            self.desk.close();
        }
        let idle = self.desk.is_idle() && link.session().unanswered() == 0;
        match self.phases.parting(idle, unbinding, now) {
            Parting::Stay => Poll::Pending,
            Parting::Wait { until } => {
                self.sleep(until, task);
                Poll::Pending
            }
            Parting::Abandon => {
                self.desk.abandon(UnknownCause::ShutDown);
                link.session_mut().unbind(now);
                Poll::Ready(())
            }
            Parting::Unbind => {
                link.session_mut().unbind(now);
                Poll::Ready(())
            }
            Parting::Leave => Poll::Ready(()),
        }
    }

    /// Wakes the actor at `until`.
    fn sleep(&mut self, until: Instant, task: &mut Task<'_>) {
        let deadline = tokio::time::Instant::from_std(until);
        let new = || Box::pin(tokio::time::sleep_until(deadline));
        let timer = self.timer.get_or_insert_with(new);
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        if timer.as_mut().poll(task).is_ready() {
            self.timer = None;
            task.waker().wake_by_ref();
        }
    }

    /// Tells the router what happened in this wake-up, in one message.
    fn report(&mut self, stopped: Option<bool>, now: Instant) {
        // First, so that nothing which comes back is given to a bind that just closed.
        let entered = self.phases.entered().into_iter();
        let entered = entered.map(|(phase, cause)| Report::Phase { phase, cause });
        let mut reports: SmallVec<_> = entered.collect();
        let freed = self.desk.reports(now, &mut reports);
        let (accepted, rejected) = self.desk.take_verdicts();
        self.standing.add(accepted, rejected);
        let capacity = if self.phases.is_bound() {
            self.capacity()
        } else {
            self.seats
        };
        if freed > 0 || capacity != self.seats {
            self.seats = capacity;
            reports.push(Report::Seats { freed, capacity });
        }
        if let Some(clean) = stopped {
            reports.push(Report::Ended { clean });
        }
        if !reports.is_empty() {
            self.common.router.report(Reports {
                from: Identity {
                    bind: self.desk.bind().clone(),
                    incarnation: self.incarnation,
                },
                reports,
            });
        }
    }
}
