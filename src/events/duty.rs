//! What an answerer is asked about, and in which order.

use std::sync::Arc;

use crate::pdu::PduView;
use crate::submit::{AccountId, BindId};

/// How a message comes from an SMSC.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum DeliveryKind {
    /// As deliver_sm.
    DeliverSm,
    /// As data_sm.
    DataSm,
}

impl DeliveryKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::DeliverSm, Self::DataSm];

    /// None for what is no delivery.
    pub(crate) const fn of(body: &PduView<'_>) -> Option<Self> {
        match body {
            PduView::DeliverSm(_) => Some(Self::DeliverSm),
            PduView::DataSm(_) => Some(Self::DataSm),
            _ => None,
        }
    }
}

/// When an answerer sees the next question.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum AnswerOrder {
    /// When what came before on the same bind is answered.
    #[default]
    Bind,
    /// When what came before from the same source on the same bind is answered.
    Source,
    /// At once: several are open at a time, in the order in which they came.
    Arrival,
}

/// What an answerer is asked about, and in which order.
///
/// Of several that cover a delivery the most specific one counts: one for its bind before one for its account before
/// one for neither; then the longer prefix of the destination; then the longer prefix of the source.
///
/// ```
/// use bindery::events::{AnswerOrder, DeliveryKind, Duty};
///
/// let votes = Duty::named("votes").destination_prefix("72").order(AnswerOrder::Source);
/// let rest = Duty::all();
/// let data = Duty::all().only(DeliveryKind::DataSm).account("acme");
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Duty {
    pub(super) name: Option<Arc<str>>,
    kind: Option<DeliveryKind>,
    reach: Reach,
    pub(super) order: AnswerOrder,
}

/// Where deliveries come from and go to; what is empty covers everything.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Reach {
    bind: Option<BindId>,
    account: Option<AccountId>,
    destination: Box<str>,
    source: Box<str>,
}

/// What of a delivery decides in whose duty it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Covered<'a> {
    pub(crate) kind: DeliveryKind,
    pub(crate) bind: &'a BindId,
    pub(crate) account: &'a AccountId,
    pub(crate) source: &'a str,
    pub(crate) destination: &'a str,
}

impl Duty {
    /// Everything that nobody with a narrower duty answers, bind by bind.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// The same with a name, by which errors and alarms call the answerer. Default: `answerer` and a number.
    #[must_use]
    pub fn named(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: Some(name.into()),
            ..Self::default()
        }
    }

    /// Only what comes in this way.
    #[must_use]
    pub const fn only(mut self, kind: DeliveryKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Only what comes on this bind.
    #[must_use]
    pub fn on(mut self, bind: impl Into<BindId>) -> Self {
        self.reach.bind = Some(bind.into());
        self
    }

    /// Only what comes on the binds of this account.
    #[must_use]
    pub fn account(mut self, account: impl AsRef<str>) -> Self {
        self.reach.account = Some(AccountId::new(account.as_ref()));
        self
    }

    /// Only what comes from addresses that begin like this.
    #[must_use]
    pub fn source_prefix(mut self, prefix: impl Into<Box<str>>) -> Self {
        self.reach.source = prefix.into();
        self
    }

    /// Only what goes to addresses that begin like this.
    #[must_use]
    pub fn destination_prefix(mut self, prefix: impl Into<Box<str>>) -> Self {
        self.reach.destination = prefix.into();
        self
    }

    /// When the next question is put.
    #[must_use]
    pub const fn order(mut self, order: AnswerOrder) -> Self {
        self.order = order;
        self
    }

    pub(super) fn kinds(&self) -> impl Iterator<Item = DeliveryKind> + use<> {
        let only = self.kind;
        let wanted = move |kind: &DeliveryKind| only.is_none_or(|only| only == *kind);
        DeliveryKind::ALL.into_iter().filter(wanted)
    }

    pub(super) const fn reach(&self) -> &Reach {
        &self.reach
    }
}

impl Reach {
    /// Who of those that cover the same delivery is more specific has the greater one.
    pub(super) fn specificity(&self) -> (bool, bool, usize, usize) {
        (
            self.bind.is_some(),
            self.account.is_some(),
            self.destination.len(),
            self.source.len(),
        )
    }

    pub(super) fn covers(&self, covered: &Covered<'_>) -> bool {
        self.bind.as_ref().is_none_or(|bind| bind == covered.bind)
            && self
                .account
                .as_ref()
                .is_none_or(|account| account == covered.account)
            && covered.destination.starts_with(&*self.destination)
            && covered.source.starts_with(&*self.source)
    }
}
