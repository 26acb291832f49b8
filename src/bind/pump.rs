//! The one future in which a bind does all it does.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as Task, Poll};
use std::time::{Duration, Instant};

use actix::{ActorContext, ActorFuture, Context};

use super::messages::{Report, Reports};
use super::{Bind, Stage, Wish};
use crate::events::Phase;
use crate::link;
use crate::submit::UnknownCause;

/// After the deadline of a drain, the answer to unbind is waited for so long.
const LINGER: Duration = Duration::from_secs(1);

/// Polled after each drain of the mailbox and at each wake-up.
pub(super) struct Pump;

impl ActorFuture<Bind> for Pump {
    type Output = ();

    fn poll(self: Pin<&mut Self>, bind: &mut Bind, ctx: &mut Context<Bind>, task: &mut Task<'_>) -> Poll<()> {
        let now = link::now();
        if !ctx.connected() && !matches!(bind.wish, Wish::End { .. }) {
            // The router is gone: nobody is left to send for.
            bind.go_down(Wish::End { deadline: now }, now);
        }
        bind.run(task, now);
        bind.report(now);
        if matches!(bind.stage, Stage::Ended) {
            ctx.stop();
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

impl Bind {
    /// Goes on until there is something to wait for.
    fn run(&mut self, task: &mut Task<'_>, now: Instant) {
        loop {
            match &mut self.stage {
                Stage::Ended | Stage::Idle(None) => return,
                Stage::Idle(Some(until)) => {
                    let until = *until;
                    if until <= now {
                        self.connect(now);
                    } else {
                        return self.sleep(until, task);
                    }
                }
                Stage::Connecting(connecting) => match connecting.as_mut().poll(task) {
                    Poll::Pending => return,
                    Poll::Ready(Ok(transport)) => self.handle_connected(transport, now),
                    Poll::Ready(Err(error)) => self.handle_connect_failed(&error, now),
                },
                Stage::Linked(link) => {
                    let mut polled = link.poll(task, &mut self.desk);
                    // After the link, so that questions which it has just put are asked and wake us later; what is
                    // answered at once goes out at once.
                    while polled.is_pending() && self.desk.poll_answers(task, link.session_mut(), now) {
                        polled = link.poll(task, &mut self.desk);
                    }
                    let bound = link.session().state().is_bound();
                    if bound && self.phase == Phase::Binding {
                        self.handle_bound(now);
                        continue;
                    }
                    if let Poll::Ready(closed) = polled {
                        self.handle_closed(closed, now);
                    } else if !self.wind_down(task, now) {
                        return;
                    }
                }
            }
        }
    }

    /// Unbinds when that is wanted and nothing is under way any more, or the time is over. True when the link is
    /// to be polled again.
    fn wind_down(&mut self, task: &mut Task<'_>, now: Instant) -> bool {
        let Stage::Linked(link) = &mut self.stage else {
            return true;
        };
        let unbinds = link.session().is_unbinding();
        let idle = self.desk.is_idle() && link.session().unanswered() == 0;
        match self.wish {
            Wish::Up => {
                if self.desk.is_confused() && !unbinds {
                    link.session_mut().unbind(now);
                    return true;
                }
                false
            }
            Wish::Down | Wish::End { .. } if !unbinds && idle => {
                link.session_mut().unbind(now);
                true
            }
            Wish::Down => false,
            Wish::End { deadline } if !unbinds && deadline <= now => {
                self.desk.abandon(UnknownCause::ShutDown);
                link.session_mut().unbind(now);
                true
            }
            Wish::End { deadline } => {
                let last = if unbinds { deadline + LINGER } else { deadline };
                if last <= now {
                    // What could be written is; the peer had its time to answer.
                    self.end(false, now);
                    return true;
                }
                self.sleep(last, task);
                false
            }
        }
    }

    /// Wakes the actor at `until`.
    fn sleep(&mut self, until: Instant, task: &mut Task<'_>) {
        if self.timer.as_ref().is_none_or(|(at, _)| *at != until) {
            let deadline = tokio::time::Instant::from_std(until);
            match &mut self.timer {
                Some((at, timer)) => {
                    timer.as_mut().reset(deadline);
                    *at = until;
                }
                None => self.timer = Some((until, Box::pin(tokio::time::sleep_until(deadline)))),
            }
        }
        if let Some((_, timer)) = &mut self.timer
            && timer.as_mut().poll(task).is_ready()
        {
            self.timer = None;
            task.waker().wake_by_ref();
        }
    }

    /// Tells the router what happened in this wake-up, in one message.
    fn report(&mut self, now: Instant) {
        let freed = self.desk.reports(now, &mut self.reports);
        let capacity = if self.phase == Phase::Bound {
            self.seats_now()
        } else {
            self.seats
        };
        if freed > 0 || capacity != self.seats {
            self.seats = capacity;
            self.reports.push(Report::Seats { freed, capacity });
        }
        if !self.reports.is_empty() {
            let reports = std::mem::take(&mut self.reports);
            self.router.report(Reports {
                from: self.identity.clone(),
                reports,
            });
        }
    }
}
