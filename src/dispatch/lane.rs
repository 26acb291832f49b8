//! What waits for the binds of one route, and who takes what comes at once.

use super::backlog::Backlog;
use super::{BindKey, Strategy};

#[derive(Debug)]
pub(super) struct Lane<J> {
    pub(super) strategy: Box<dyn Strategy>,
    /// The bind that was chosen last, and for how long it takes what follows.
    pub(super) run: Option<Run>,
    pub(super) binds: usize,
    /// Others can take what is in it where one bind is kept back.
    pub(super) is_wide: bool,
    pub(super) backlog: Backlog<J>,
}

/// Messages that come at once and go by one bind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    bind: BindKey,
    drain: u64,
    /// It has more room than this.
    above: usize,
}

impl<J> Lane<J> {
    /// The bind that goes on taking what comes at once, if one does.
    pub(super) fn running(&self, room: impl Fn(BindKey) -> usize, drain: u64) -> Option<BindKey> {
        let run = self.run.filter(|run| run.drain == drain)?;
        (room(run.bind) > run.above).then_some(run.bind)
    }

    /// The bind that takes the next message, and perhaps what comes behind it.
    pub(super) fn choose(
        &mut self,
        affinity: u64,
        room: impl Fn(BindKey) -> usize,
        drain: u64,
    ) -> Option<BindKey> {
        let bind = self.strategy.choose(affinity)?;
        if self.strategy.takes_runs() {
            let above = room(bind) / 2;
            self.run = Some(Run { bind, drain, above });
        }
        Some(bind)
    }
}
