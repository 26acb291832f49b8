//! Keeps many binds of one process from falling upon one host.
//!
//! An SMSC that comes back sees its binds return one after another: at most so many connections in the making, and
//! so many new ones a second. Whoever waits for its turn waits in order, and leaves by dropping its future.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::time::sleep_until;

use super::{Connect, Connecting, Target, now};
use crate::settings::RouterSettings;

/// What one host is spared.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Governance {
    /// Most connections that are being made to one host at a time, TLS included. None: no limit.
    pub connecting: Option<usize>,
    /// Most connections begun within any second to one host; a bind follows each at once. None: no limit.
    pub per_second: Option<f64>,
}

impl From<&RouterSettings> for Governance {
    fn from(settings: &RouterSettings) -> Self {
        Self {
            connecting: settings.connects_per_host,
            per_second: settings.binds_per_second,
        }
    }
}

impl Governance {
    /// True when nothing is limited.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.connecting.is_none() && self.per_second.is_none()
    }

    /// How many connections may be begun within which time.
    fn pace(&self) -> Option<Pace> {
        let rate = self.per_second.filter(|rate| *rate > 0.0)?;
        let count = rate.floor().clamp(1.0, 1e6);
        Some(Pace {
            // Lossless: a whole number between the bounds.
            count: count as usize,
            time: Duration::try_from_secs_f64(count / rate).unwrap_or(Duration::MAX),
        })
    }
}

/// At most so many within any span of this time.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Pace {
    count: usize,
    time: Duration,
}

/// A connector that makes everybody wait for their turn at a host, which is a name with a port.
pub struct Governor {
    connector: Arc<dyn Connect>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    governance: Governance,
    hosts: HashMap<(String, u16), Arc<Host>>,
}

/// The turns at one host.
struct Host {
    connecting: Option<Semaphore>,
    pace: Option<Pace>,
    /// When the last connections were begun, or are to be: as many as the pace counts.
    begun: Mutex<VecDeque<Instant>>,
}

impl Governor {
    /// Connects by `connector`, as far as `governance` allows.
    #[must_use]
    pub fn new(connector: Arc<dyn Connect>, governance: Governance) -> Self {
        Self {
            connector,
            state: Mutex::new(State {
                governance,
                hosts: HashMap::new(),
            }),
        }
    }

    /// Connections that are begun from now on keep to another governance.
    pub fn govern(&self, governance: Governance) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.governance != governance {
            *state = State {
                governance,
                hosts: HashMap::new(),
            };
        }
    }

    /// The turns at a host; none where nobody has to wait.
    fn turns(&self, target: &Target) -> Option<Arc<Host>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let governance = state.governance;
        if governance.is_open() {
            return None;
        }
        let host = state.hosts.entry((target.host.clone(), target.port));
        let new = || Host {
            connecting: governance.connecting.map(Semaphore::new),
            pace: governance.pace(),
            begun: Mutex::default(),
        };
        Some(host.or_insert_with(|| Arc::new(new())).clone())
    }
}

impl Host {
    /// Takes the next place in time.
    fn reserve(&self, pace: Pace) -> Instant {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let mut at = now();
        if begun.len() >= pace.count
            && let Some(oldest) = begun.pop_front()
        {
            at = at.max(oldest.checked_add(pace.time).unwrap_or(at));
        }
        begun.push_back(at);
        at
    }
}

impl Connect for Governor {
    fn connect(&self, target: &Target) -> Connecting {
        let Some(host) = self.turns(target) else {
            return self.connector.connect(target);
        };
        let (connector, target) = (self.connector.clone(), target.clone());
        Box::pin(async move {
            let _turn = match &host.connecting {
                // Nobody closes it.
                Some(connecting) => connecting.acquire().await.ok(),
                None => None,
            };
            // Only who has a turn takes a place in time: whoever leaves the queue before leaves no gap.
            if let Some(pace) = host.pace {
                sleep_until(host.reserve(pace).into()).await;
            }
            connector.connect(&target).await
        })
    }
}

impl fmt::Debug for Governor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Governor")
            .field("connector", &self.connector)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::FutureExt;
    use futures_util::future::join_all;
    use tokio::time::sleep;

    use super::*;
    use crate::link::ConnectError;

    /// Connects nowhere, and takes a while for it.
    #[derive(Debug)]
    struct Slow {
        takes: Duration,
        begun: Arc<Mutex<Vec<Instant>>>,
        open: Arc<AtomicUsize>,
        most: Arc<AtomicUsize>,
    }

    impl Slow {
        fn new(takes: Duration) -> Self {
            Self {
                takes,
                begun: Arc::default(),
                open: Arc::default(),
                most: Arc::default(),
            }
        }
    }

    impl Connect for Slow {
        fn connect(&self, _: &Target) -> Connecting {
            let (takes, begun) = (self.takes, self.begun.clone());
            let (open, most) = (self.open.clone(), self.most.clone());
            Box::pin(async move {
                begun.lock().unwrap().push(now());
                most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                sleep(takes).await;
                open.fetch_sub(1, Ordering::SeqCst);
                Err(ConnectError::TimedOut { timeout: takes })
            })
        }
    }

    fn governor(slow: Slow, connecting: Option<usize>, per_second: Option<f64>) -> Governor {
        let governance = Governance {
            connecting,
            per_second,
        };
        Governor::new(Arc::new(slow), governance)
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_the_limit_connect_to_one_host_at_a_time() {
        let slow = Slow::new(Duration::from_secs(1));
        let most = slow.most.clone();
        let governor = governor(slow, Some(5), None);
        let target = Target::new("smsc.example", 2775);
        join_all((0..100).map(|_| governor.connect(&target))).await;
        assert_eq!(most.load(Ordering::SeqCst), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn over_any_second_no_more_are_begun_than_the_rate() {
        let slow = Slow::new(Duration::from_millis(1));
        let begun = slow.begun.clone();
        let governor = governor(slow, Some(50), Some(10.0));
        let target = Target::new("smsc.example", 2775);
        join_all((0..100).map(|_| governor.connect(&target))).await;
        let begun = begun.lock().unwrap().clone();
        assert_eq!(begun.len(), 100);
        for pair in begun.windows(11) {
            assert!(pair[10] - pair[0] >= Duration::from_secs(1), "{pair:?}");
        }
        assert_eq!(begun[9], begun[0], "the first ones need not wait");
        assert!(begun[99] - begun[0] <= Duration::from_secs(11));
    }

    #[tokio::test(start_paused = true)]
    async fn hosts_do_not_wait_for_each_other() {
        let slow = Slow::new(Duration::from_secs(5));
        let governor = governor(slow, Some(1), Some(0.1));
        let start = now();
        let targets: Vec<_> = (0..50).map(|port| Target::new("smsc.example", port)).collect();
        join_all(targets.iter().map(|target| governor.connect(target))).await;
        assert_eq!(now() - start, Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_gives_up_leaves_its_turn_to_the_next() {
        let slow = Slow::new(Duration::from_secs(5));
        let governor = governor(slow, Some(1), None);
        let target = Target::new("smsc.example", 2775);
        let start = now();
        let mut first = governor.connect(&target);
        let waiting: Vec<_> = (0..100).map(|_| governor.connect(&target)).collect();
        assert!(first.as_mut().now_or_never().is_none());
        drop(waiting);
        drop(first);
        let _ = governor.connect(&target).await;
        assert_eq!(now() - start, Duration::from_secs(5));
    }
}
