//! What an SMSC delivered, what it was answered, and whether that is what it should have been.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use bindery::events::{Alarm, AlarmEvent, AnswerOrder, Event};
use bindery::pdu::CommandStatus;

use crate::answers::{LATER, OVERDUE, Plan};
use crate::clerks::{Deed, Shown, numbers};
use crate::phones::{Seen, TICK};
use crate::world::secs;

pub(crate) struct Account<'a> {
    plan: &'a Plan,
    seen: &'a Seen,
    shown: &'a [Shown],
    /// The binds on which deliveries came.
    binds: HashMap<u32, &'a str>,
    /// What was shown of each delivery.
    by_number: HashMap<u32, Vec<&'a Shown>>,
    /// What was shown of each bind.
    by_bind: HashMap<&'a str, Vec<&'a Shown>>,
}

impl<'a> Account<'a> {
    pub(crate) fn new(plan: &'a Plan, seen: &'a Seen, shown: &'a [Shown]) -> Self {
        let (mut by_number, mut by_bind) = (HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
        for shown in shown {
            by_bind.entry(shown.lane.0.as_str()).or_default().push(shown);
            for number in &shown.numbers {
                by_number.entry(*number).or_default().push(shown);
            }
        }
        let binds = plan.sent.iter().map(|sent| (sent.number, sent.bind.as_str()));
        Self {
            plan,
            seen,
            shown,
            binds: binds.collect(),
            by_number,
            by_bind,
        }
    }

    fn shown_of(&self, number: u32) -> &[&'a Shown] {
        self.by_number.get(&number).map_or(&[], Vec::as_slice)
    }

    fn deadline(&self, number: u32) -> Instant {
        self.seen.sent[&number] + self.plan.patience
    }

    /// Every delivery was told of once, and everything that was taken or shown as a message.
    pub(crate) fn check_events(&self, events: &[Event]) -> Result<(), String> {
        let (mut deliveries, mut messages) = (BTreeMap::new(), BTreeMap::new());
        for event in events {
            match event {
                Event::Delivery(delivery) => {
                    *deliveries
                        .entry(delivery.header.sequence_number.value())
                        .or_insert(0) += 1;
                }
                Event::Message(message) => {
                    for number in numbers(message) {
                        *messages.entry(number).or_insert(0) += 1;
                    }
                }
                Event::Alarm(AlarmEvent {
                    alarm: Alarm::AnswererFailed { .. } | Alarm::AnswererGone { .. },
                    ..
                }) => {}
                other => return Err(format!("{other:?}")),
            }
        }
        for number in self.plan.sent.iter().map(|sent| sent.number) {
            if deliveries.get(&number) != Some(&1) {
                return Err(format!(
                    "{number} was told of {:?} times",
                    deliveries.get(&number)
                ));
            }
            let is_taken = self.response(number)?.1.is_ok() && !self.plan.receipts.contains(&number);
            let shown = self.shown_of(number);
            let is_shown = shown.iter().any(|shown| shown.is_message);
            // An answerer of deliveries saw it and did not take it: it comes again.
            let is_refused = !is_taken && !shown.is_empty() && !is_shown;
            let told = messages.get(&number).copied().unwrap_or(0);
            if told > 1 || (is_taken || is_shown) && told == 0 || is_refused && told > 0 {
                return Err(format!(
                    "{number} was {told} times part of a message that was told of"
                ));
            }
        }
        Ok(())
    }

    /// Signs of life came at once, or at least when there was room again.
    pub(crate) fn check_enquiries(&self) -> Result<(), String> {
        for (enquiry, (asked, answered)) in &self.seen.enquiries {
            let late = answered.is_none_or(|answered| answered > *asked + TICK);
            let never = answered.is_none_or(|answered| answered > *asked + secs(600));
            if never || late && self.plan.roomy {
                return Err(format!("{enquiry:?} asked {asked:?}, answered {answered:?}"));
            }
        }
        Ok(())
    }

    /// Nobody saw a question before the one ahead of it in its lane was answered or overdue.
    pub(crate) fn check_order(&self) -> Result<(), String> {
        let mut open: HashMap<_, &Shown> = HashMap::new();
        for shown in self.shown {
            let post = self.plan.posts.iter().find(|post| post.name == shown.clerk.0);
            let lane = match post.map(|post| post.order) {
                Some(AnswerOrder::Bind) => (shown.clerk, shown.is_message, &shown.lane.0, None),
                Some(AnswerOrder::Source) => {
                    (shown.clerk, shown.is_message, &shown.lane.0, Some(&shown.lane.1))
                }
                Some(AnswerOrder::Arrival) | None => continue,
            };
            let Some(before) = open.insert(lane, shown) else {
                continue;
            };
            // Of parts the time begins anew when they are put together.
            let overdue = self.overdue(before).unwrap_or(before.at);
            let free = before.end().map_or(overdue, |end| end.min(overdue));
            if shown.at < free && self.plan.roomy {
                return Err(format!("{shown:?} while this was open: {before:?}"));
            }
        }
        Ok(())
    }

    /// When nobody waits for the answer any more; none for the parts of a message, whose times differ.
    fn overdue(&self, shown: &Shown) -> Option<Instant> {
        let number = shown.numbers.last()?;
        let has_parts = self.plan.parts.contains(number) && shown.is_message;
        (!has_parts).then(|| self.deadline(*number))
    }

    /// True when something else that came on the bind was open as the deadline of this one passed, so that it could
    /// not be shown.
    fn is_held_up(&self, number: u32) -> bool {
        let deadline = self.deadline(number);
        let is_open = |shown: &Shown| {
            let until = match (self.overdue(shown), shown.end()) {
                (Some(overdue), end) => end.map_or(overdue, |end| end.min(overdue)),
                // A little later than its parts.
                (None, _) => shown.at + self.plan.patience,
            };
            shown.at <= deadline && until + TICK >= deadline
        };
        let same_bind = self.binds.get(&number).and_then(|bind| self.by_bind.get(bind));
        let is_part = self.plan.parts.contains(&number);
        !self.plan.roomy || is_part || same_bind.is_some_and(|shown| shown.iter().any(|shown| is_open(shown)))
    }

    /// The one response to a delivery.
    fn response(&self, number: u32) -> Result<(Instant, CommandStatus), String> {
        match self.seen.responses.get(&number).map(Vec::as_slice) {
            Some([(at, header)]) => Ok((*at, header.command_status)),
            other => Err(format!("{number}: {other:?}")),
        }
    }

    /// Every delivery has one response, which is what its answerer said, or what is said where that said nothing.
    pub(crate) fn check_responses(&self) -> Result<BTreeMap<CommandStatus, u64>, String> {
        let (answered, sent) = (self.seen.responses.len(), self.plan.sent.len());
        if answered != sent {
            return Err(format!("{sent} deliveries, {answered} were answered"));
        }
        let mut statuses = BTreeMap::new();
        for number in self.plan.sent.iter().map(|sent| sent.number) {
            let (at, status) = self.response(number)?;
            *statuses.entry(status).or_insert(0) += 1;
            let shown = self.shown_of(number).iter().copied();
            // Where a delivery has its own answerer, what that says counts, not what is said of the whole message.
            let (messages, mut decisive): (Vec<&Shown>, Vec<&Shown>) =
                shown.partition(|shown| shown.is_message);
            let is_twice = messages.len() > 1 || decisive.len() > 1;
            decisive.extend(messages);
            let wrong = |why| Err(format!("{number}: {why}: {status:?} at {at:?}, {decisive:?}"));
            if is_twice {
                return wrong("shown twice");
            }
            let shown = decisive.first().copied();
            let (sent, deadline) = (self.seen.sent[&number], self.deadline(number));
            let is_at = |time: Instant| !self.plan.roomy || at >= time && at <= time + TICK;
            let on_arrival = self.plan.receipts.contains(&number)
                || self.plan.parts.contains(&number)
                    && !self.plan.whole
                    && shown.is_none_or(|shown| shown.is_message);
            let is_right = match (status, shown) {
                (OVERDUE, Some(shown)) if self.plan.roomy => {
                    is_at(deadline) && shown.end().is_none_or(|end| end + TICK >= deadline)
                }
                (OVERDUE, Some(_)) => is_at(deadline),
                (OVERDUE, None) => is_at(deadline) && self.is_held_up(number),
                (CommandStatus::ESME_ROK, _) if on_arrival => is_at(sent),
                (LATER, None) => true,
                (_, None) => false,
                (status, Some(shown)) => {
                    let said = match shown.deed {
                        Deed::Answer(said, _) => Some(said),
                        Deed::Panic(_) | Deed::Die => Some(LATER),
                        Deed::Silence => None,
                    };
                    said == Some(status) && shown.end().is_some_and(is_at)
                }
            };
            if !is_right {
                return wrong("not what it should be");
            }
        }
        Ok(statuses)
    }
}
