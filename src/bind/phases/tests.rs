//! How a bind lives, hour by hour.

use super::*;
use crate::events::ConnectFailure;
use crate::pdu::CommandStatus;

/// A bind, its clock, and what it entered.
struct Life {
    phases: Phases,
    now: Instant,
}

impl Life {
    fn new(hosts: usize) -> Self {
        let settings = BindSettings {
            hosts: vec!["smsc:2775".into(); hosts],
            ..BindSettings::default()
        };
        Self::of(settings, Manner::default())
    }

    fn of(settings: BindSettings, manner: Manner) -> Self {
        let now = Instant::now();
        Self {
            phases: Phases::new(settings.into(), manner, 1, now),
            now,
        }
    }

    fn bound() -> Self {
        let mut life = Self::new(1);
        life.connects();
        life.phases.handle_connected(life.now);
        life.phases.handle_bound(life.now);
        life.entered();
        life
    }

    fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    /// Waits as long as it wants to, then connects; gives the host.
    fn connects(&mut self) -> usize {
        loop {
            match self.phases.poll(self.now) {
                Step::Sleep { until: Some(until) } => self.now = until,
                Step::Connect { host } => return host,
                other => panic!("{other:?}"),
            }
        }
    }

    fn closes(&mut self, cause: CloseCause) -> Option<Failure> {
        self.closes_probing(false, cause)
    }

    fn closes_probing(&mut self, probing: bool, cause: CloseCause) -> Option<Failure> {
        let closed = Closed { cause, error: None };
        self.phases
            .handle_closed(&closed, probing, &StatusClasses::default(), self.now)
    }

    fn parting(&mut self, idle: bool, unbinding: bool) -> Parting {
        self.phases.parting(idle, unbinding, self.now)
    }

    fn entered(&mut self) -> Vec<&'static str> {
        self.phases
            .entered()
            .iter()
            .map(|(phase, _)| phase.name())
            .collect()
    }
}

#[test]
fn a_bind_connects_binds_and_comes_back_after_a_loss() {
    let mut life = Life::new(1);
    life.connects();
    assert_eq!(life.phases.poll(life.now), Step::Proceed);
    life.phases.handle_connected(life.now);
    life.phases.handle_bound(life.now);
    assert!(life.phases.is_bound());
    assert_eq!(life.closes(CloseCause::Disconnected), Some(Failure::Unreachable));
    life.connects();
    assert_eq!(
        life.entered(),
        ["connecting", "binding", "bound", "waiting", "connecting"]
    );
}

#[test]
fn every_host_has_its_turn_and_one_that_works_is_kept() {
    let mut life = Life::new(3);
    let unreachable = |life: &mut Life| {
        let host = life.connects();
        let cause = Cause::Session(CloseCause::Disconnected);
        life.phases
            .handle_connect_failed(Failure::Unreachable, cause, life.now);
        host
    };
    assert_eq!([(); 4].map(|()| unreachable(&mut life)), [0, 1, 2, 0]);
    assert_eq!(life.connects(), 1);
    life.phases.handle_connected(life.now);
    life.closes(CloseCause::BindExpired);
    assert_eq!(life.connects(), 2, "connected is not bound");
    life.phases.handle_connected(life.now);
    life.phases.handle_bound(life.now);
    life.closes(CloseCause::Disconnected);
    assert_eq!(life.connects(), 2);
}

#[test]
fn a_pause_finishes_what_is_under_way_and_lasts_until_it_is_resumed() {
    let mut life = Life::bound();
    life.phases.pause(life.now);
    assert_eq!(life.parting(false, false), Parting::Stay);
    assert_eq!(life.parting(true, false), Parting::Unbind);
    assert_eq!(life.parting(true, true), Parting::Stay);
    assert_eq!(life.closes(CloseCause::Unbound), None);
    assert_eq!(life.phases.poll(life.now), Step::Sleep { until: None });
    life.phases.pause(life.now);
    life.phases.resume(life.now);
    life.connects();
    assert_eq!(life.entered(), ["draining", "paused", "connecting"]);
}

#[test]
fn a_bind_that_is_resumed_before_it_was_down_binds_anew_at_once() {
    let mut life = Life::bound();
    life.phases.pause(life.now);
    life.phases.resume(life.now);
    assert_eq!(life.parting(true, false), Parting::Unbind);
    assert_eq!(life.closes(CloseCause::Unbound), None);
    assert!(matches!(life.phases.poll(life.now), Step::Connect { .. }));
}

#[test]
fn an_end_waits_until_its_deadline_and_a_moment_for_the_unbind() {
    let mut life = Life::bound();
    let deadline = life.now + Duration::from_secs(10);
    life.phases.end(deadline, life.now);
    assert_eq!(life.parting(false, false), Parting::Wait { until: deadline });
    life.pass(10);
    assert_eq!(life.parting(false, false), Parting::Abandon);
    let last = deadline + LINGER;
    assert_eq!(life.parting(true, true), Parting::Wait { until: last });
    life.pass(1);
    assert_eq!(life.parting(true, true), Parting::Leave);
    assert_eq!(life.phases.poll(life.now), Step::Stop { clean: false });
    assert_eq!(life.entered(), ["draining", "stopped"]);
}

#[test]
fn only_a_bind_that_waits_for_its_host_is_hurried() {
    for (cause, hurried) in [
        (CloseCause::Disconnected, true),
        (CloseCause::BindRefused(CommandStatus::ESME_RALYBND), false),
        (CloseCause::BindRefused(CommandStatus::ESME_RINVPASWD), false),
    ] {
        let mut life = Life::bound();
        life.closes(cause);
        life.phases.hurry(life.now);
        let step = life.phases.poll(life.now);
        assert_eq!(matches!(step, Step::Connect { .. }), hurried, "{cause:?}");
    }
    let refused = Cause::Connect(ConnectFailure::TimedOut);
    for (backoff_min, hurried) in [(0, true), (2, false)] {
        let settings = BindSettings::new("smsc:2775", "a", "b").backoff_min(Duration::from_secs(backoff_min));
        let mut life = Life::of(settings, Manner::default());
        for _ in 0..5 {
            life.phases
                .handle_connect_failed(Failure::Unreachable, refused, life.now);
        }
        life.pass(1);
        life.phases.hurry(life.now);
        let step = life.phases.poll(life.now);
        assert_eq!(matches!(step, Step::Connect { .. }), hurried);
        life.pass(1);
        assert!(matches!(
            life.phases.poll(life.now),
            Step::Connect { .. } | Step::Proceed
        ));
    }
    let mut paused = Life::bound();
    paused.phases.pause(paused.now);
    paused.closes(CloseCause::Unbound);
    paused.phases.hurry(paused.now);
    assert_eq!(paused.phases.poll(paused.now), Step::Sleep { until: None });
}

#[test]
fn one_that_follows_a_paused_one_stays_down_until_it_is_resumed() {
    let manner = Manner {
        paused: true,
        ..Manner::default()
    };
    let mut life = Life::of(BindSettings::new("smsc:2775", "a", "b"), manner);
    assert_eq!(life.entered(), ["paused"]);
    assert_eq!(life.phases.poll(life.now), Step::Sleep { until: None });
    life.phases.resume(life.now);
    assert_eq!(life.phases.poll(life.now), Step::Connect { host: 0 });
}

#[test]
fn one_that_follows_a_bound_one_knows_that_its_credentials_are_good() {
    for (known, failure) in [
        (true, Failure::PeerHoldsSession),
        (false, Failure::CredentialsRefused),
    ] {
        let manner = Manner {
            known,
            ..Manner::default()
        };
        let mut life = Life::of(BindSettings::new("smsc:2775", "a", "b"), manner);
        life.connects();
        life.phases.handle_connected(life.now);
        let refused = CloseCause::BindRefused(CommandStatus::ESME_RBINDFAIL);
        assert_eq!(life.closes(refused), Some(failure));
    }
}

#[test]
fn the_earlier_deadline_of_two_counts() {
    let mut life = Life::bound();
    let deadline = life.now + Duration::from_secs(10);
    life.phases.end(deadline, life.now);
    life.phases.end(deadline + Duration::from_secs(10), life.now);
    assert_eq!(life.parting(false, false), Parting::Wait { until: deadline });
    life.phases.end(life.now, life.now);
    assert_eq!(life.parting(false, false), Parting::Abandon);
}

#[test]
fn without_a_session_an_end_is_at_once() {
    let mut waiting = Life::new(1);
    waiting.phases.end(waiting.now, waiting.now);
    assert_eq!(waiting.phases.poll(waiting.now), Step::Stop { clean: true });
    let mut connecting = Life::new(1);
    connecting.connects();
    connecting.phases.end(connecting.now, connecting.now);
    assert_eq!(connecting.phases.poll(connecting.now), Step::Stop { clean: true });
}

#[test]
fn a_session_of_no_use_is_left_and_another_follows() {
    let mut life = Life::bound();
    let status = CommandStatus::ESME_RINVBNDSTS;
    life.phases.leave(Cause::SessionRefused(status), life.now);
    assert!(!life.phases.is_bound(), "it takes no messages");
    assert_eq!(life.parting(true, false), Parting::Unbind);
    assert_eq!(life.closes(CloseCause::Unbound), Some(Failure::Clean));
    assert_eq!(life.phases.phase().1, Cause::SessionRefused(status));
    life.connects();
}

#[test]
fn after_a_session_without_progress_they_probe_until_one_gets_an_answer() {
    let mut life = Life::bound();
    life.closes(CloseCause::NoProgress);
    let refused = CloseCause::BindRefused(CommandStatus::ESME_RALYBND);
    for cause in [refused, CloseCause::Disconnected, CloseCause::PeerUnbound] {
        life.connects();
        let failed = Cause::Session(CloseCause::Disconnected);
        life.phases
            .handle_connect_failed(Failure::Unreachable, failed, life.now);
        life.connects();
        assert!(life.phases.probes(), "before {cause:?}");
        life.phases.handle_connected(life.now);
        if cause != refused {
            life.phases.handle_bound(life.now);
        }
        life.closes_probing(true, cause);
        assert!(life.phases.probes(), "after {cause:?}");
    }
    life.connects();
    life.phases.handle_connected(life.now);
    life.phases.handle_bound(life.now);
    life.closes_probing(false, CloseCause::Disconnected);
    assert!(!life.phases.probes());
}

#[test]
fn a_bind_that_is_paused_still_probes_when_it_is_resumed() {
    for (probing, cause) in [(true, CloseCause::Unbound), (false, CloseCause::NoProgress)] {
        let mut life = Life::bound();
        life.phases.pause(life.now);
        life.closes_probing(probing, cause);
        life.phases.resume(life.now);
        life.connects();
        assert!(life.phases.probes(), "{cause:?}");
    }
}

#[test]
fn a_bind_that_fails_though_it_worked_before_is_held_by_the_peer() {
    let refused = CloseCause::BindRefused(CommandStatus::ESME_RBINDFAIL);
    let mut fresh = Life::new(1);
    fresh.connects();
    fresh.phases.handle_connected(fresh.now);
    assert_eq!(fresh.closes(refused), Some(Failure::CredentialsRefused));
    let mut known = Life::bound();
    known.closes(CloseCause::Disconnected);
    known.connects();
    known.phases.handle_connected(known.now);
    assert_eq!(known.closes(refused), Some(Failure::PeerHoldsSession));
}
