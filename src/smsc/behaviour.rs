//! What an embedded SMSC does with the binds and messages that reach it.

use std::time::Duration;

use super::faults::Faults;
use super::message_id::MessageIds;
use crate::pdu::MessageState;
use crate::settings::SmscTlsSettings;

/// How an SMSC behaves: whom it lets in, how fast it answers, which receipts it sends, and what goes wrong.
///
/// The default takes any `system_id` with any password, answers at once, has no limit of rate, delivers every
/// message at once and sends a receipt (`stat:DELIVRD`) where `registered_delivery` asks for one.
///
/// ```
/// # use std::time::Duration;
/// use bindery::smsc::{Account, Behaviour};
///
/// let behaviour = Behaviour {
///     accounts: vec![Account::new("shop", "secret")],
///     delay: Duration::from_millis(20),
///     rate: Some(100.0),
///     ..Behaviour::default()
/// };
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Behaviour {
    /// Who may bind. Empty: any `system_id` with any password, each an account of its own.
    pub accounts: Vec<Account>,
    /// The `system_id` in bind responses, at most 15 characters.
    pub system_id: String,
    /// Time between a message and its response.
    pub delay: Duration,
    /// At most this much more is added to [`delay`](Self::delay) by chance, so that responses come out of order.
    pub jitter: Duration,
    /// Messages per second that each account may submit; what comes faster is answered with
    /// `ESME_RTHROTTLED`. [`Account::rate`] overrides it.
    pub rate: Option<f64>,
    /// How message ids look.
    pub message_ids: MessageIds,
    /// Time between a message and its final state, when the receipt goes out if one was asked for. None: the
    /// final state comes at once, and no receipt is ever sent.
    pub receipts_after: Option<Duration>,
    /// At most this much more is added to [`receipts_after`](Self::receipts_after) by chance.
    pub receipts_jitter: Duration,
    /// In which states messages end; what is left of the shares is `DELIVERED`.
    pub final_states: Shares<MessageState>,
    /// When a receipt or message that the ESME did not take (no answer, link lost, a status that says later)
    /// is sent again.
    pub retry_after: Duration,
    /// Messages that come from phones without being asked for.
    pub mobile_originated: Option<MobileOriginated>,
    /// How connections over TCP are encrypted; none: not at all. Counts for each connection that is made from then on,
    /// whatever its `enabled` says; its files are read again for each.
    pub tls: Option<SmscTlsSettings>,
    /// What goes wrong.
    pub faults: Faults,
    /// What is too much.
    pub limits: Limits,
    /// Whether a [`Witness`](super::Witness) keeps what this SMSC saw. For tests: it grows without bound.
    pub witness: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            accounts: Vec::new(),
            system_id: String::from("bindery"),
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            rate: None,
            message_ids: MessageIds::default(),
            receipts_after: Some(Duration::ZERO),
            receipts_jitter: Duration::ZERO,
            final_states: Shares::default(),
            retry_after: Duration::from_secs(1),
            mobile_originated: None,
            tls: None,
            faults: Faults::default(),
            limits: Limits::default(),
            witness: false,
        }
    }
}

/// Somebody who may bind. All binds with one `system_id` share its messages, receipts and rate.
#[derive(Clone, PartialEq)]
pub struct Account {
    /// Who binds.
    pub system_id: String,
    /// With which password; empty: with any.
    pub password: String,
    /// How many binds it may have at a time; one more is refused with `ESME_RALYBND`.
    pub max_binds: Option<usize>,
    /// Messages per second, instead of [`Behaviour::rate`].
    pub rate: Option<f64>,
}

impl Account {
    /// An account without limits of its own.
    #[must_use]
    pub fn new(system_id: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            system_id: system_id.into(),
            password: password.into(),
            max_binds: None,
            rate: None,
        }
    }

    /// Whether `password` opens this account.
    pub(super) fn accepts(&self, password: &[u8]) -> bool {
        self.password.is_empty() || self.password.as_bytes() == password
    }
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("system_id", &self.system_id)
            .field("password", &"***")
            .field("max_binds", &self.max_binds)
            .field("rate", &self.rate)
            .finish()
    }
}

/// Messages from phones, sent to every account that has a receiving bind.
///
/// Each text ends in a number between `#`, so that tests can tell them apart.
#[derive(Clone, Debug, PartialEq)]
pub struct MobileOriginated {
    /// Messages per second and account.
    pub rate: f64,
    /// How many for each account; none: without end.
    pub count: Option<u64>,
    /// The phone that sends, an international number.
    pub source: String,
    /// The number that it sends to.
    pub destination: String,
    /// The text in front of the number, GSM 7-bit characters.
    pub text: String,
}

impl Default for MobileOriginated {
    fn default() -> Self {
        Self {
            rate: 1.0,
            count: None,
            source: String::from("447700900001"),
            destination: String::from("12345"),
            text: String::from("Hello"),
        }
    }
}

/// Bounds that keep an SMSC small whatever its peers do.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Connections at a time, bound or not; one more is closed at once.
    pub connections: usize,
    /// Octets on the way in each direction of a connection in memory, as a socket's buffers would hold.
    pub pipe: usize,
    /// Different accounts where any `system_id` may bind.
    pub accounts: usize,
    /// A connection without a bind is closed after this time.
    pub session_init: Duration,
    /// A bound link that was silent for this long gets an enquire_link; none: never.
    pub enquire_link: Option<Duration>,
    /// Receipts and messages from phones that one link may leave unanswered.
    pub window: usize,
    /// How long an ESME may take to answer one of these.
    pub response_timeout: Duration,
    /// Messages that may wait for their delayed response on one link; then it is not read any further.
    pub unanswered: usize,
    /// Messages that query_sm, cancel_sm and replace_sm still find; older ones are forgotten.
    pub remembered: usize,
    /// Receipts and messages from phones that may wait. Beyond that a message that asks for a receipt is
    /// answered with `ESME_RMSGQFUL`.
    pub deliveries: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            pipe: 64 * 1024,
            accounts: 10_000,
            session_init: Duration::from_secs(30),
            enquire_link: Some(Duration::from_secs(30)),
            window: 100,
            response_timeout: Duration::from_secs(30),
            unanswered: 10_000,
            remembered: 10_000,
            deliveries: 1_000_000,
        }
    }
}

/// Values with the share in which each occurs; what is missing to 1 is the ordinary case.
#[derive(Clone, Debug, PartialEq)]
pub struct Shares<T>(Vec<(T, f64)>);

impl<T: Copy> Shares<T> {
    /// Shares between 0 and 1 each. Where they come to more than 1 the last ones get less.
    pub fn new(shares: impl IntoIterator<Item = (T, f64)>) -> Self {
        Self(shares.into_iter().collect())
    }

    /// This value every time.
    pub fn always(value: T) -> Self {
        Self(vec![(value, 1.0)])
    }

    /// The values and their shares.
    pub fn iter(&self) -> impl Iterator<Item = (T, f64)> + '_ {
        self.0.iter().copied()
    }

    /// True where only the ordinary case occurs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Draws one; none is the ordinary case. Draws nothing from `random` while there is no choice.
    pub(super) fn draw(&self, random: &mut fastrand::Rng) -> Option<T> {
        if self.0.is_empty() {
            return None;
        }
        let mut left = random.f64();
        for (value, share) in self.iter() {
            if left < share {
                return Some(value);
            }
            left -= share;
        }
        None
    }
}

impl<T> Default for Shares<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// Whether something of chance `chance` happens; draws nothing while it never does.
pub(super) fn happens(chance: f64, random: &mut fastrand::Rng) -> bool {
    chance > 0.0 && random.f64() < chance
}

/// A time between nothing and `most`; draws nothing while that is nothing.
pub(super) fn up_to(most: Duration, random: &mut fastrand::Rng) -> Duration {
    if most.is_zero() {
        Duration::ZERO
    } else {
        most.mul_f64(random.f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_drawn_in_proportion_and_the_rest_is_ordinary() {
        let mut random = fastrand::Rng::with_seed(7);
        let shares = Shares::new([(MessageState::EXPIRED, 0.2), (MessageState::REJECTED, 0.3)]);
        let drawn: Vec<_> = (0..10_000).map(|_| shares.draw(&mut random)).collect();

        let count = |wanted| drawn.iter().filter(|state| **state == wanted).count();
        assert!((1_800..2_200).contains(&count(Some(MessageState::EXPIRED))));
        assert!((2_800..3_200).contains(&count(Some(MessageState::REJECTED))));
        assert!((4_800..5_200).contains(&count(None)));
    }

    #[test]
    fn certain_and_impossible_things_need_no_luck() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..100 {
            assert_eq!(Shares::always(7).draw(&mut random), Some(7));
            assert_eq!(Shares::<u8>::default().draw(&mut random), None);
            assert!(happens(1.0, &mut random));
            assert!(!happens(0.0, &mut random));
            assert!(up_to(Duration::from_secs(1), &mut random) <= Duration::from_secs(1));
        }
    }

    #[test]
    fn a_password_is_compared_whole_and_never_printed() {
        let account = Account::new("shop", "secret");
        assert!(account.accepts(b"secret"));
        assert!(!account.accepts(b"secre"));
        assert!(!account.accepts(b""));
        assert!(Account::new("shop", "").accepts(b"anything"));
        assert!(!format!("{account:?}").contains("secret"));
    }
}
