//! Why a message would go where.

use std::fmt;

use actix::{Context, Handler, Message, MessageResult};

use super::Router;
use super::core::Core;
use super::routes::traits;
use crate::dispatch::{BindKey, BindView, LaneKey};
use crate::events::Phase;
use crate::submit::{AccountId, BindId, RouteId, Submit};

/// Where would this message go, if it came now? Nothing is sent.
#[derive(Clone, Debug)]
pub struct Explain(pub Submit);

impl Message for Explain {
    type Result = Explanation;
}

/// Where a message would go.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Explanation {
    /// By what.
    pub way: Way,
    /// The bind that would take it at once; none when it would wait, or be refused.
    pub taken_by: Option<BindId>,
    /// Messages that wait for the same binds.
    pub waiting: usize,
    /// The binds that may take it, in the order of their names.
    pub candidates: Vec<Candidate>,
}

/// By what a message finds its binds.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Way {
    /// It names its bind.
    Bind(BindId),
    /// It names its route.
    Named(RouteId),
    /// It meets the conditions of a route.
    Matched {
        /// The route.
        route: RouteId,
        /// The beginning of its destination by which that was found; empty for a route that asks for none.
        destination: String,
    },
    /// No route has conditions: any bind may take it.
    Any,
    /// It meets the conditions of no route, or what it names is not there or cannot send.
    None,
}

/// A bind that may take a message.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Candidate {
    /// The bind.
    pub bind: BindId,
    /// Its account.
    pub account: AccountId,
    /// Where it stands.
    pub phase: Phase,
    /// True while it gets nothing because it rejected what others accepted.
    pub quarantined: bool,
    /// Its seats, and on which terms it serves.
    pub view: BindView,
}

impl Handler<Explain> for Router {
    type Result = MessageResult<Explain>;

    fn handle(&mut self, Explain(submit): Explain, _: &mut Context<Self>) -> Self::Result {
        MessageResult(self.core.borrow_mut().explain(&submit))
    }
}

impl Core {
    fn explain(&mut self, submit: &Submit) -> Explanation {
        let parties = submit.parties();
        let (way, lane) = self.way(submit);
        let affinity = lane.map(|lane| self.lanes.affinity(lane, submit.affinity, || parties));
        let taken_by = lane
            .zip(affinity)
            .and_then(|(lane, affinity)| self.dispatcher.next(lane, affinity));
        let members: Vec<_> = lane
            .map(|lane| self.dispatcher.members(lane).collect())
            .unwrap_or_default();
        let mut candidates: Vec<_> = members
            .into_iter()
            .filter_map(|(key, view)| self.candidate(key, view))
            .collect();
        candidates.sort_by(|one, other| one.bind.cmp(&other.bind));
        Explanation {
            way,
            taken_by: taken_by
                .and_then(|key| self.binds.get(key))
                .map(|member| member.id.clone()),
            waiting: lane.map_or(0, |lane| self.dispatcher.waiting_in(lane)),
            candidates,
        }
    }

    fn way(&mut self, submit: &Submit) -> (Way, Option<LaneKey>) {
        let (way, lane) = match (&submit.bind, &submit.route) {
            (Some(bind), _) => (Way::Bind(bind.clone()), self.pin(bind.as_str())),
            (None, Some(route)) => (Way::Named(route.clone()), self.lanes.of(route)),
            (None, None) if self.lanes.are_open() => (Way::Any, Some(self.lanes.any())),
            (None, None) => {
                let parties = submit.parties();
                match self.lanes.found(traits(&parties, submit.class.as_ref())) {
                    Some((route, destination)) => {
                        let way = Way::Matched {
                            route: route.clone(),
                            destination: destination.to_owned(),
                        };
                        (way, self.lanes.of(route))
                    }
                    None => (Way::None, None),
                }
            }
        };
        // What nobody serves refuses messages.
        match lane.filter(|lane| self.dispatcher.members(*lane).next().is_some()) {
            Some(lane) => (way, Some(lane)),
            None => (Way::None, None),
        }
    }

    fn candidate(&self, key: BindKey, view: BindView) -> Option<Candidate> {
        let member = self.binds.get(key)?;
        Some(Candidate {
            bind: member.id.clone(),
            account: member.account.clone(),
            phase: member.phase,
            quarantined: member.health.is_quarantined(),
            view,
        })
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bind(bind) => write!(f, "names the bind {bind}"),
            Self::Named(route) => write!(f, "names the route {route}"),
            Self::Matched { route, destination } if destination.is_empty() => {
                write!(f, "meets the conditions of the route {route}")
            }
            Self::Matched { route, destination } => {
                write!(
                    f,
                    "takes the route {route}, since its destination begins with {destination}"
                )
            }
            Self::Any => f.write_str("may take any bind, since no route has conditions"),
            Self::None => f.write_str("has no route"),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "The message {}. ", self.way)?;
        match &self.taken_by {
            Some(bind) => write!(f, "{bind} takes it at once.")?,
            None if self.candidates.is_empty() => f.write_str("It is refused.")?,
            None if self.waiting == 0 => f.write_str("It waits until one of these has room.")?,
            None => write!(
                f,
                "It waits until one of these has room, behind {} others.",
                self.waiting
            )?,
        }
        for Candidate {
            bind,
            phase,
            quarantined,
            view,
            ..
        } in &self.candidates
        {
            let quarantined = if *quarantined { ", quarantined" } else { "" };
            write!(
                f,
                "\n  {bind}: {phase}{quarantined}, {} of {} seats taken, weight {}, tier {}",
                view.taken, view.capacity, view.terms.weight, view.terms.tier
            )?;
        }
        Ok(())
    }
}
