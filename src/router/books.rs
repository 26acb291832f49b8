//! The books of one router: permits, and how messages ended.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::sync::Semaphore;
use tokio::task::coop::poll_proceed;

use crate::events::{Event, Hub, Kinds, OutcomeEvent};
use crate::submit::{Job, Ledger, Reply, Settled, SubmitError, SubmitResult};

/// Permits for those who come through `Esme`, and the account of all messages.
///
/// A permit belongs to the reply of its message and is free again when that is answered, so no more messages of
/// `Esme`'s callers are inside than there are permits.
#[derive(Debug)]
pub struct Books {
    permits: Semaphore,
    capacity: AtomicUsize,
    hub: Arc<Hub>,
    taken: AtomicU64,
    ended: [AtomicU64; Ending::COUNT],
}

macro_rules! endings {
    ($( $(#[$doc:meta])* $ending:ident $field:ident; )*) => {
        /// How a message can end, without the details.
        #[derive(Clone, Copy)]
        enum Ending {
            $( $ending, )*
        }

        impl Ending {
            const COUNT: usize = [$( Self::$ending ),*].len();
        }

        /// How many messages were taken in, and how they ended.
        #[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
        pub struct Totals {
            /// Messages that came; each of them ends in exactly one of the other ways.
            pub taken: u64,
            $( $(#[$doc])* pub $field: u64, )*
        }

        impl Totals {
            /// Messages that have their outcome.
            #[must_use]
            pub const fn ended(&self) -> u64 {
                0 $( + self.$field )*
            }

            /// What happened between `earlier` and this.
            #[must_use]
            pub const fn since(&self, earlier: &Self) -> Self {
                Self {
                    taken: self.taken.saturating_sub(earlier.taken),
                    $( $field: self.$field.saturating_sub(earlier.$field), )*
                }
            }
        }

        impl Books {
            /// The account so far.
            #[must_use]
            pub fn totals(&self) -> Totals {
                let [$( $field ),*] = self.ended.each_ref().map(|count| count.load(Ordering::Acquire));
                // Read last, so that no more are ended than were taken.
                Totals { taken: self.taken.load(Ordering::Acquire), $( $field, )* }
            }
        }
    };
}

endings! {
    /// Accepted, every part of them.
    Submitted submitted;
    /// Accepted or rejected in part.
    Partial partial;
    /// Rejected by the SMSC.
    Rejected rejected;
    /// Not sent.
    NotSent not_sent;
    /// Sent, with unknown outcome.
    Unknown unknown;
    /// Expired while they waited.
    Expired expired;
    /// Cancelled while they waited.
    Cancelled cancelled;
    /// Refused because too many waited.
    Busy busy;
    /// Refused because no bind could take them.
    NoRoute no_route;
    /// Refused because they fit no PDU.
    Invalid invalid;
    /// Refused because the router was shutting down.
    ShuttingDown shutting_down;
}

impl Totals {
    /// Messages that have no outcome yet.
    #[must_use]
    pub const fn under_way(&self) -> u64 {
        self.taken.saturating_sub(self.ended())
    }
}

impl Ending {
    const fn of(result: &SubmitResult) -> Self {
        match result {
            Ok(_) => Self::Submitted,
            Err(error) => match error {
                SubmitError::Partial { .. } => Self::Partial,
                SubmitError::Rejected { .. } => Self::Rejected,
                SubmitError::NotSent { .. } => Self::NotSent,
                SubmitError::Unknown { .. } => Self::Unknown,
                SubmitError::Expired => Self::Expired,
                SubmitError::Cancelled => Self::Cancelled,
                SubmitError::Busy => Self::Busy,
                SubmitError::NoRoute => Self::NoRoute,
                SubmitError::Invalid { .. } => Self::Invalid,
                SubmitError::ShuttingDown => Self::ShuttingDown,
            },
        }
    }
}

impl Books {
    /// Books with so many permits.
    #[must_use]
    pub fn new(permits: usize, hub: Arc<Hub>) -> Arc<Self> {
        let capacity = permits.clamp(1, Semaphore::MAX_PERMITS);
        Arc::new(Self {
            permits: Semaphore::new(capacity),
            capacity: AtomicUsize::new(capacity),
            hub,
            taken: AtomicU64::new(0),
            ended: Default::default(),
        })
    }

    /// Waits for `count` permits, not more than there are.
    ///
    /// # Errors
    ///
    /// [`SubmitError::ShuttingDown`] when the router takes no more messages.
    pub async fn acquire(&self, count: u32) -> Result<(), SubmitError> {
        // Who takes many, one after another, lets others have their turn.
        poll_fn(|task| poll_proceed(task).map(|proceeds| proceeds.made_progress())).await;
        // Nearly always there is room, and waiting for it is a large future. None is free while somebody waits.
        let free = self.permits.try_acquire_many(count);
        let permits = match free {
            Ok(permits) => Ok(permits),
            Err(_) => self.permits.acquire_many(count).await,
        };
        permits.map_err(|_| SubmitError::ShuttingDown)?.forget();
        Ok(())
    }

    /// Takes a permit if one is free.
    ///
    /// # Errors
    ///
    /// [`SubmitError::Busy`] when none is, [`SubmitError::ShuttingDown`] when the router takes no more messages.
    pub fn try_acquire(&self) -> Result<(), SubmitError> {
        match self.permits.try_acquire() {
            Ok(permit) => {
                permit.forget();
                Ok(())
            }
            Err(tokio::sync::TryAcquireError::NoPermits) => Err(SubmitError::Busy),
            Err(tokio::sync::TryAcquireError::Closed) => Err(SubmitError::ShuttingDown),
        }
    }

    /// Gives permits back of which no message came.
    pub(crate) fn release(&self, count: usize) {
        self.permits.add_permits(count);
    }

    /// More permits, where there are fewer.
    pub(super) fn grow(&self, permits: usize) {
        let capacity = permits.clamp(1, Semaphore::MAX_PERMITS);
        let before = self.capacity.fetch_max(capacity, Ordering::AcqRel);
        self.permits.add_permits(capacity.saturating_sub(before));
    }

    /// Permits in all.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity.load(Ordering::Acquire)
    }

    /// Permits that are free.
    #[must_use]
    pub fn free(&self) -> usize {
        self.permits.available_permits()
    }

    /// No more permits: whoever waits for one, or comes later, is told that the router shuts down.
    pub(super) fn close(&self) {
        self.permits.close();
    }

    /// True when there are no more permits.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.permits.is_closed()
    }

    /// Enters a message: from here on it has an outcome. With `permit` it holds one of ours.
    #[must_use]
    pub fn enter(self: &Arc<Self>, reply: Reply, permit: bool) -> Reply {
        self.taken.fetch_add(1, Ordering::Relaxed);
        reply.entered_in(self.clone(), permit)
    }

    /// The same for one that is prepared already.
    pub fn enter_job(self: &Arc<Self>, job: &mut Job, permit: bool) {
        self.taken.fetch_add(1, Ordering::Relaxed);
        job.enter(self.clone(), permit);
    }
}

impl Ledger for Books {
    fn settle(&self, settled: Settled<'_>) {
        if let Some(count) = self.ended.get(Ending::of(settled.result) as usize) {
            count.fetch_add(1, Ordering::Release);
        }
        if settled.permit {
            self.permits.add_permits(1);
        }
        if self.hub.wants(Kinds::OUTCOMES) {
            self.hub.emit(Event::Outcome(OutcomeEvent {
                reference: settled.reference.clone(),
                result: settled.result.clone(),
                awaited: settled.awaited,
            }));
        }
    }

    fn withdraw(&self, permit: bool) {
        self.taken.fetch_sub(1, Ordering::Relaxed);
        self.permits.add_permits(usize::from(permit));
    }
}
