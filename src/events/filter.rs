//! Which events a subscriber wants.

use super::{Event, Kinds};
use crate::pdu::CommandId;
use crate::session::Passage;
use crate::submit::{AccountId, BindId};

/// Which events a subscriber wants: those for which all that is asked for is true. An event of which something that is
/// asked for cannot be said, such as the address of an enquire_link, is not taken:
///
/// | Asked for | Cannot be said of |
/// |---|---|
/// | [`on`](Self::on) | outcomes; a receipt that had waited for its message, or never came; alarms that are about no bind |
/// | [`account`](Self::account) | outcomes; alarms that are about no bind |
/// | [`commands`](Self::commands) | binds, receipts, outcomes, late responses, alarms |
/// | prefixes of addresses | binds, outcomes, late responses, what is unreadable, alarms; a receipt that never came |
///
/// [`receipts`](Self::receipts) can be said of all: what is no receipt is something else.
/// [`passages`](Self::passages) is for PDUs alone. [`Event::Lagged`] comes in any case.
///
/// ```
/// use bindery::events::Filter;
/// use bindery::pdu::CommandId;
/// use bindery::session::Passage;
///
/// let answers = Filter::pdus().commands([CommandId::SUBMIT_SM_RESP]).passages([Passage::Received]);
/// let votes = Filter::pdus().account("acme").destination_prefix("72").receipts(false);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Filter {
    /// The kinds.
    pub kinds: Kinds,
    /// Only what happened on this bind; none for all.
    pub bind: Option<BindId>,
    /// Only what happened on the binds of this account; none for all.
    pub account: Option<AccountId>,
    /// Only what is about a PDU of these commands; empty for all.
    pub commands: Vec<CommandId>,
    /// Where PDUs have to pass for [`Event::Pdu`]. Default: those that came and those that left.
    passages: PassageSet,
    /// How the source begins.
    source: Option<Box<str>>,
    /// How the destination begins.
    destination: Option<Box<str>>,
    /// Only receipts, or everything else; none for both.
    pub receipts: Option<bool>,
}

impl Filter {
    /// Every event.
    #[must_use]
    pub const fn all() -> Self {
        Self::kinds(Kinds::ALL)
    }

    /// Every PDU that came and every one that left.
    #[must_use]
    pub const fn pdus() -> Self {
        Self::kinds(Kinds::PDUS)
    }

    /// Every event of these kinds.
    #[must_use]
    pub const fn kinds(kinds: Kinds) -> Self {
        Self {
            kinds,
            bind: None,
            account: None,
            commands: Vec::new(),
            passages: PassageSet::ACTUAL,
            source: None,
            destination: None,
            receipts: None,
        }
    }

    /// Only what happened on this bind.
    #[must_use]
    pub fn on(mut self, bind: impl Into<BindId>) -> Self {
        self.bind = Some(bind.into());
        self
    }

    /// Only what happened on the binds of this account.
    #[must_use]
    pub fn account(mut self, account: impl AsRef<str>) -> Self {
        self.account = Some(AccountId::new(account.as_ref()));
        self
    }

    /// Only what is about PDUs of these commands: [`Event::Pdu`], [`Event::Delivery`], [`Event::Message`],
    /// [`Event::Unreadable`], [`Event::Alert`].
    #[must_use]
    pub fn commands(mut self, commands: impl IntoIterator<Item = CommandId>) -> Self {
        self.commands = commands.into_iter().collect();
        self
    }

    /// [`Event::Pdu`] for PDUs that pass there, and nowhere else. One that is sent passes twice: [`Passage::Sending`]
    /// and [`Passage::Sent`].
    #[must_use]
    pub fn passages(mut self, passages: impl IntoIterator<Item = Passage>) -> Self {
        self.passages = passages.into_iter().collect();
        self
    }

    /// Only what has a source that begins like this. A response counts as the request that it answers, a receipt as the
    /// PDU that brought it; the source of an alert is who can be reached.
    #[must_use]
    pub fn source_prefix(mut self, prefix: impl Into<Box<str>>) -> Self {
        self.source = Some(prefix.into());
        self
    }

    /// Only what has a destination that begins like this, of several at least one. A response counts as the request that
    /// it answers, a receipt as the PDU that brought it; the destination of an alert is who asked for it.
    #[must_use]
    pub fn destination_prefix(mut self, prefix: impl Into<Box<str>>) -> Self {
        self.destination = Some(prefix.into());
        self
    }

    /// Only receipts and intermediate notifications, or all but them. A response counts as the request that it answers.
    #[must_use]
    pub const fn receipts(mut self, receipts: bool) -> Self {
        self.receipts = Some(receipts);
        self
    }

    /// True when the event is wanted. [`Event::Lagged`] always is.
    #[must_use]
    pub fn takes(&self, event: &Event) -> bool {
        if matches!(event, Event::Lagged { .. }) {
            return true;
        }
        self.kinds.overlaps(event.kind())
            && (self.bind.is_none() || self.bind.as_ref() == event.bind())
            && (self.account.is_none() || self.account.as_ref() == event.account())
            && (self.commands.is_empty() || event.command().is_some_and(|id| self.commands.contains(&id)))
            && !matches!(event, Event::Pdu(pdu) if !self.passages.contains(pdu.passage))
            && self.receipts.is_none_or(|wanted| wanted == event.is_receipt())
            && self.reaches(event)
    }

    fn reaches(&self, event: &Event) -> bool {
        let begins = |prefix: &Option<Box<str>>, side| {
            prefix
                .as_deref()
                .is_none_or(|prefix| event.has_address(side, |address| address.starts_with(prefix)))
        };
        begins(&self.source, Side::Source) && begins(&self.destination, Side::Destination)
    }

    /// True when events of this bind are asked for, among others.
    pub(super) fn concerns(&self, bind: &BindId, account: &AccountId) -> bool {
        self.bind.as_ref().is_none_or(|own| own == bind)
            && self.account.as_ref().is_none_or(|own| own == account)
    }

    /// Where PDUs are watched for this filter: where they have to pass, and where those passed that they answer.
    pub(super) fn watched(&self) -> PassageSet {
        if self.kinds.overlaps(Kinds::PDUS) {
            self.passages.union(self.requests())
        } else {
            PassageSet::NONE
        }
    }

    /// Where the requests pass whose responses are asked for.
    pub(super) fn requests(&self) -> PassageSet {
        let answers = self.commands.is_empty() || self.commands.iter().any(|id| id.is_response());
        let mut requests = PassageSet::NONE;
        if answers && self.passages.contains(Passage::Received) {
            requests.insert(Passage::Sending);
        }
        if answers && (self.passages.contains(Passage::Sending) || self.passages.contains(Passage::Sent)) {
            requests.insert(Passage::Received);
        }
        requests
    }

    /// Where PDUs have to pass for an event.
    pub(super) const fn events(&self) -> PassageSet {
        self.passages
    }
}

impl Default for Filter {
    fn default() -> Self {
        Self::all()
    }
}

impl From<Kinds> for Filter {
    fn from(kinds: Kinds) -> Self {
        Self::kinds(kinds)
    }
}

/// Where an address stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Side {
    Source,
    Destination,
}

impl Side {
    /// The fields of PDUs that have it.
    pub(super) const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Source => &["source_addr"],
            Self::Destination => &["destination_addr", "esme_addr"],
        }
    }
}

/// Places at which PDUs pass.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct PassageSet(u8);

impl PassageSet {
    pub(super) const NONE: Self = Self(0);
    /// Those at which it is certain that a PDU came or left.
    const ACTUAL: Self = Self(Self::bit(Passage::Received) | Self::bit(Passage::Sent));

    const fn bit(passage: Passage) -> u8 {
        match passage {
            Passage::Received => 1,
            Passage::Sending => 2,
            Passage::Sent => 4,
        }
    }

    #[inline]
    pub(super) const fn contains(self, passage: Passage) -> bool {
        self.0 & Self::bit(passage) != 0
    }

    const fn insert(&mut self, passage: Passage) {
        self.0 |= Self::bit(passage);
    }

    pub(super) const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn bits(self) -> u8 {
        self.0
    }

    #[inline]
    pub(super) const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }
}

impl FromIterator<Passage> for PassageSet {
    fn from_iter<I: IntoIterator<Item = Passage>>(passages: I) -> Self {
        let mut set = Self::NONE;
        passages.into_iter().for_each(|passage| set.insert(passage));
        set
    }
}

/// What is wanted of the PDUs of one bind, as far as the header tells. May say yes to what a closer look refuses.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Interest {
    /// Commands that make an event, for each passage.
    events: [Commands; 3],
    /// Commands whose answers need to know what they answer, for each passage.
    requests: [Commands; 3],
}

/// Commands as a set that may contain others besides: the same bit stands for several.
#[derive(Clone, Copy, Debug, Default)]
struct Commands(u64);

impl Commands {
    const ALL: Self = Self(u64::MAX);

    const fn of(command: CommandId) -> Self {
        let response = (command.is_response() as u32) << 5;
        Self(1 << (command.value() & 0x1F | response))
    }

    const fn contains(self, command: CommandId) -> bool {
        self.0 & Self::of(command).0 != 0
    }

    const fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl Interest {
    /// Adds what a filter wants.
    pub(super) fn add(&mut self, filter: &Filter) {
        if !filter.kinds.overlaps(Kinds::PDUS) {
            return;
        }
        let (mut wanted, mut answered) = (Commands::default(), Commands::default());
        for command in &filter.commands {
            wanted.add(Commands::of(*command));
            match command.request() {
                Some(request) => answered.add(Commands::of(request)),
                // generic_nack answers whatever it answers.
                None if command.is_response() => answered = Commands::ALL,
                None => {}
            }
        }
        if filter.commands.is_empty() {
            (wanted, answered) = (Commands::ALL, Commands::ALL);
        }
        for passage in [Passage::Received, Passage::Sending, Passage::Sent] {
            let at = passage as usize;
            if let Some(events) = self
                .events
                .get_mut(at)
                .filter(|_| filter.events().contains(passage))
            {
                events.add(wanted);
            }
            if let Some(requests) = self
                .requests
                .get_mut(at)
                .filter(|_| filter.requests().contains(passage))
            {
                requests.add(answered);
            }
        }
    }

    /// True when it could make an event.
    pub(crate) fn is_event(&self, passage: Passage, command: CommandId) -> bool {
        let events = self.events.get(passage as usize);
        events.is_some_and(|commands| commands.contains(command))
    }

    /// True when its answer could make an event that has to know it.
    pub(crate) fn is_request(&self, passage: Passage, command: CommandId) -> bool {
        let requests = self.requests.get(passage as usize);
        !command.is_response() && requests.is_some_and(|commands| commands.contains(command))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interest(filter: &Filter) -> Interest {
        let mut interest = Interest::default();
        interest.add(filter);
        interest
    }

    #[test]
    fn who_wants_a_response_needs_its_request_and_nobody_elses() {
        let answers = Filter::pdus()
            .commands([CommandId::SUBMIT_SM_RESP])
            .passages([Passage::Received]);
        let interest = interest(&answers);
        assert!(interest.is_event(Passage::Received, CommandId::SUBMIT_SM_RESP));
        assert!(interest.is_request(Passage::Sending, CommandId::SUBMIT_SM));
        for other in [CommandId::DELIVER_SM, CommandId::ENQUIRE_LINK_RESP] {
            assert!(!interest.is_event(Passage::Received, other));
            assert!(!interest.is_request(Passage::Sending, other));
        }
        assert!(!interest.is_event(Passage::Sent, CommandId::SUBMIT_SM_RESP));
        assert!(answers.watched().contains(Passage::Sending) && !answers.watched().contains(Passage::Sent));
    }

    #[test]
    fn every_command_of_the_table_is_found_in_a_set_of_its_own() {
        for command in CommandId::ALL {
            let filter = Filter::pdus().commands([*command]);
            let interest = interest(&filter);
            assert!(interest.is_event(Passage::Received, *command), "{command:?}");
            let missed = CommandId::ALL
                .iter()
                .filter(|other| !interest.is_event(Passage::Sent, **other));
            assert!(
                missed.count() + 3 > CommandId::ALL.len(),
                "{command:?}: too many look alike"
            );
        }
    }

    #[test]
    fn a_nack_may_answer_anything() {
        let interest = interest(&Filter::pdus().commands([CommandId::GENERIC_NACK]));
        assert!(interest.is_request(Passage::Sending, CommandId::QUERY_SM));
        assert!(interest.is_request(Passage::Received, CommandId::DELIVER_SM));
    }

    #[test]
    fn requests_alone_keep_nothing() {
        let filter = Filter::pdus().commands([CommandId::SUBMIT_SM]);
        let interest = interest(&filter);
        assert!(!interest.is_request(Passage::Sending, CommandId::SUBMIT_SM));
        assert!(!filter.watched().contains(Passage::Sending));
        assert_eq!(Filter::kinds(Kinds::DELIVERIES).watched(), PassageSet::NONE);
    }
}
