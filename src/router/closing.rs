//! Shutting down: nothing more comes in, binds finish what they have begun.

use std::time::{Duration, Instant};

use actix::dev::OneshotSender;
use tracing::info;

use super::core::Core;
use super::{Books, Totals};
use crate::bind::messages::Control;
use crate::submit::BindId;

/// After the deadline binds have so long to write their unbind; then their actors are ended.
const LINGER: Duration = Duration::from_secs(3);

/// The router shuts down.
pub(super) struct Closing {
    started: Instant,
    deadline: Instant,
    before: Totals,
    /// Who wants the report.
    senders: Vec<OneshotSender<ShutdownReport>>,
    aborted: bool,
    /// Everything has ended.
    pub(super) finished: bool,
}

/// How a shutdown went.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// How long it took.
    pub elapsed: Duration,
    /// Messages that got their outcome meanwhile.
    pub during: Totals,
    /// All messages since the router was started.
    pub totals: Totals,
    /// The binds, and of each whether the peer agreed to the unbind, or it was not bound.
    pub binds: Vec<(BindId, bool)>,
    /// True when the router had ended before, by a panic or another shutdown: then nothing else is known.
    pub router_was_gone: bool,
}

impl ShutdownReport {
    /// What is left to report when the router was gone already.
    pub(crate) fn of_the_dead(books: &Books) -> Self {
        Self {
            router_was_gone: true,
            totals: books.totals(),
            ..Self::default()
        }
    }

    /// True when every bind ended as it should and no message was cut off.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        !self.router_was_gone
            && self.binds.iter().all(|(_, clean)| *clean)
            && self.during.unknown == 0
            && self.totals.under_way() == 0
    }
}

impl Closing {
    /// When something is to be done although nothing happens.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        (!self.aborted).then(|| self.deadline + LINGER)
    }
}

/// When a grace from `now` is over; one beyond what the clock can say is a day.
pub(super) fn deadline_after(now: Instant, grace: Duration) -> Instant {
    let day = Duration::from_secs(86_400);
    now.checked_add(grace).unwrap_or(now + day)
}

impl Core {
    /// Begins to shut down, or brings the end nearer.
    pub(super) fn handle_shutdown(&mut self, grace: Duration, sender: Option<OneshotSender<ShutdownReport>>) {
        let now = self.now();
        let deadline = deadline_after(now, grace);
        match &mut self.closing {
            Some(closing) => {
                closing.senders.extend(sender);
                if closing.deadline <= deadline {
                    return;
                }
                closing.deadline = deadline;
            }
            None => {
                info!(?grace, "shutting down");
                self.closing = Some(Closing {
                    started: now,
                    deadline,
                    before: self.books.totals(),
                    senders: sender.into_iter().collect(),
                    aborted: false,
                    finished: false,
                });
                self.books.close();
                // What has a seat goes out before the binds are told to take no more.
                self.flush();
                for job in self.dispatcher.drain() {
                    self.refuse_at_end(job);
                }
            }
        }
        for (_, member) in self.binds.iter() {
            if let Some(address) = member.address() {
                // A bind whose actor is dead has nothing to finish.
                address.control().do_send(Control::Drain { deadline });
            }
        }
    }

    /// Ends what does not end by itself, and reports when nothing is left.
    pub(super) fn push_closing(&mut self, now: Instant) {
        let Some(closing) = &mut self.closing else { return };
        if closing.finished {
            return;
        }
        if self.binds.iter().next().is_some() {
            if closing.next_deadline().is_some_and(|deadline| deadline <= now) {
                closing.aborted = true;
                self.binds.abort();
            }
            return;
        }
        closing.finished = true;
        let totals = self.books.totals();
        let stopped = self.binds.stopped.iter();
        let mut binds: Vec<_> = stopped
            .map(|member| (member.id.clone(), member.ended.unwrap_or(false)))
            .collect();
        binds.sort();
        let report = ShutdownReport {
            elapsed: now.duration_since(closing.started),
            during: totals.since(&closing.before),
            totals,
            binds,
            router_was_gone: false,
        };
        info!(elapsed = ?report.elapsed, clean = report.is_clean(), "shut down");
        for sender in closing.senders.drain(..) {
            let _ = sender.send(report.clone()); // whoever asked may have gone
        }
    }
}
