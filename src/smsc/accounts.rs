//! Who is bound to an SMSC, and who may.

use std::time::{Duration, Instant};

use super::behaviour::{Account, Behaviour};
use super::deliveries::AccountId;
use super::links::LinkId;
use super::phones::Phones;
use crate::pdu::{COctetString, CommandStatus, DeliverSm};
use crate::session::{Budget, Rate};

/// Every account that was ever bound, and its links.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    accounts: Vec<State>,
}

#[derive(Debug)]
struct State {
    system_id: COctetString<16>,
    links: usize,
    receivers: Vec<LinkId>,
    /// Until when sessions that were cut still count as bound.
    held: Vec<Instant>,
    budget: Budget,
    /// From the first receiving bind on.
    phones: Option<Phones>,
}

impl Accounts {
    /// Lets a bind in and counts it; [`release`](Self::release) takes it back.
    ///
    /// # Errors
    ///
    /// The status with which it is refused.
    pub(super) fn admit(
        &mut self,
        behaviour: &Behaviour,
        system_id: &[u8],
        password: &[u8],
        now: Instant,
    ) -> Result<AccountId, CommandStatus> {
        let account = find(&behaviour.accounts, system_id);
        match account {
            None if !behaviour.accounts.is_empty() => return Err(CommandStatus::ESME_RINVSYSID),
            Some(account) if !account.accepts(password) => return Err(CommandStatus::ESME_RINVPASWD),
            _ => {}
        }
        let id = self.introduce(behaviour, system_id, now)?;
        let Some(state) = self.accounts.get_mut(id.0) else {
            return Err(CommandStatus::ESME_RSYSERR);
        };
        state.held.retain(|until| *until > now);
        let max_binds = account
            .and_then(|account| account.max_binds)
            .unwrap_or(usize::MAX);
        if state.links + state.held.len() >= max_binds {
            return Err(CommandStatus::ESME_RALYBND);
        }
        state.links += 1;
        Ok(id)
    }

    /// Has `link` receive what the account is owed.
    pub(super) fn receive(&mut self, account: AccountId, link: LinkId, now: Instant) {
        if let Some(state) = self.accounts.get_mut(account.0) {
            state.receivers.push(link);
            state.phones.get_or_insert_with(|| Phones::new(now));
        }
    }

    /// A bind has ended. One that did not unbind may still count for a while.
    pub(super) fn release(&mut self, account: AccountId, link: LinkId, held: Option<Duration>, now: Instant) {
        let Some(state) = self.accounts.get_mut(account.0) else {
            return;
        };
        state.links = state.links.saturating_sub(1);
        state.receivers.retain(|receiver| *receiver != link);
        state.held.extend(held.and_then(|held| now.checked_add(held)));
    }

    /// The links that may take what an account is owed.
    pub(super) fn receivers(&self, account: AccountId) -> &[LinkId] {
        self.accounts.get(account.0).map_or(&[], |state| &state.receivers)
    }

    /// The account of `system_id`, made known if it is new.
    ///
    /// # Errors
    ///
    /// There are too many accounts.
    pub(super) fn introduce(
        &mut self,
        behaviour: &Behaviour,
        system_id: &[u8],
        now: Instant,
    ) -> Result<AccountId, CommandStatus> {
        if let Some(index) = self
            .accounts
            .iter()
            .position(|state| state.system_id.as_bytes() == system_id)
        {
            return Ok(AccountId(index));
        }
        if self.accounts.len() >= behaviour.limits.accounts {
            return Err(CommandStatus::ESME_RBINDFAIL);
        }
        self.accounts.push(State::new(system_id, now));
        Ok(AccountId(self.accounts.len() - 1))
    }

    /// Whether the account may submit one more message now.
    pub(super) fn take_token(&mut self, account: AccountId, behaviour: &Behaviour, now: Instant) -> bool {
        if behaviour.rate.is_none() && behaviour.accounts.is_empty() {
            return true;
        }
        let Some(state) = self.accounts.get_mut(account.0) else {
            return true;
        };
        let own_rate = find(&behaviour.accounts, state.system_id.as_bytes()).and_then(|account| account.rate);
        let rate = own_rate.or(behaviour.rate);
        if state.budget.rate() != rate {
            state.budget.set_rate(rate.map(limit), now);
        }
        state.budget.try_take(now)
    }

    /// The next message from a phone that is due.
    pub(super) fn poll_phones(
        &mut self,
        behaviour: &Behaviour,
        now: Instant,
    ) -> Option<(AccountId, DeliverSm)> {
        let plan = behaviour.mobile_originated.as_ref()?;
        self.accounts
            .iter_mut()
            .enumerate()
            .find_map(|(index, state)| Some((AccountId(index), state.phones.as_mut()?.poll(plan, now)?)))
    }

    /// When the next message from a phone is due.
    pub(super) fn next_due(&self, behaviour: &Behaviour) -> Option<Instant> {
        let plan = behaviour.mobile_originated.as_ref()?;
        self.accounts
            .iter()
            .filter_map(|state| state.phones?.next_due(plan))
            .min()
    }
}

impl State {
    fn new(system_id: &[u8], now: Instant) -> Self {
        Self {
            system_id: COctetString::keep(system_id),
            links: 0,
            receivers: Vec::new(),
            held: Vec::new(),
            budget: Budget::new(None, now),
            phones: None,
        }
    }
}

/// A client that keeps its rate to the letter is let through though its messages come in bunches.
fn limit(per_second: f64) -> Rate {
    Rate {
        per_second,
        burst: Some(per_second / 5.0),
    }
}

/// The settings of an account.
fn find<'a>(accounts: &'a [Account], system_id: &[u8]) -> Option<&'a Account> {
    accounts
        .iter()
        .find(|account| account.system_id.as_bytes() == system_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smsc::behaviour::Limits;
    use crate::smsc::links::Links;

    fn behaviour(accounts: Vec<Account>) -> Behaviour {
        Behaviour {
            accounts,
            ..Behaviour::default()
        }
    }

    #[test]
    fn only_those_with_an_account_are_let_in() {
        let strict = behaviour(vec![Account::new("shop", "secret"), Account::new("bank", "")]);
        let cases: [(&str, &str, Result<AccountId, CommandStatus>); 4] = [
            ("shop", "secret", Ok(AccountId(0))),
            ("shop", "wrong", Err(CommandStatus::ESME_RINVPASWD)),
            ("nobody", "secret", Err(CommandStatus::ESME_RINVSYSID)),
            ("bank", "anything", Ok(AccountId(1))),
        ];
        let mut accounts = Accounts::default();
        for (system_id, password, expected) in cases {
            let result = accounts.admit(&strict, system_id.as_bytes(), password.as_bytes(), Instant::now());
            assert_eq!(result, expected, "{system_id} {password}");
        }
    }

    #[test]
    fn without_accounts_anybody_gets_one_up_to_a_limit() {
        let limits = Limits {
            accounts: 2,
            ..Limits::default()
        };
        let open = Behaviour {
            limits,
            ..Behaviour::default()
        };
        let mut accounts = Accounts::default();
        let mut admit = |system_id: &str| accounts.admit(&open, system_id.as_bytes(), b"", Instant::now());
        assert_eq!(admit("a"), Ok(AccountId(0)));
        assert_eq!(admit("b"), Ok(AccountId(1)));
        assert_eq!(admit("a"), Ok(AccountId(0)));
        assert_eq!(admit("c"), Err(CommandStatus::ESME_RBINDFAIL));
    }

    #[test]
    fn binds_are_limited_and_cut_sessions_may_be_held() {
        let now = Instant::now();
        let one = behaviour(vec![Account {
            max_binds: Some(1),
            ..Account::new("shop", "")
        }]);
        let mut accounts = Accounts::default();
        let link = Links::default().open();
        let admit = |accounts: &mut Accounts, now| accounts.admit(&one, b"shop", b"", now);
        let shop = admit(&mut accounts, now).unwrap();
        assert_eq!(admit(&mut accounts, now), Err(CommandStatus::ESME_RALYBND));

        accounts.release(shop, link, None, now);
        assert_eq!(admit(&mut accounts, now), Ok(shop));

        accounts.release(shop, link, Some(Duration::from_secs(60)), now);
        assert_eq!(
            admit(&mut accounts, now + Duration::from_secs(59)),
            Err(CommandStatus::ESME_RALYBND)
        );
        assert_eq!(admit(&mut accounts, now + Duration::from_secs(60)), Ok(shop));
    }

    #[test]
    fn only_receiving_links_receive() {
        let now = Instant::now();
        let mut links = Links::default();
        let (first, second) = (links.open(), links.open());
        let mut accounts = Accounts::default();
        let shop = accounts.admit(&Behaviour::default(), b"shop", b"", now).unwrap();
        assert_eq!(accounts.receivers(shop), []);
        accounts.receive(shop, first, now);
        accounts.receive(shop, second, now);
        accounts.release(shop, first, None, now);
        assert_eq!(accounts.receivers(shop), [second]);
    }

    #[test]
    fn rates_hold_over_time_and_for_each_account() {
        let start = Instant::now();
        let limited = Behaviour {
            rate: Some(50.0),
            accounts: vec![
                Account::new("a", ""),
                Account {
                    rate: Some(0.5),
                    ..Account::new("b", "")
                },
            ],
            ..Behaviour::default()
        };
        let mut accounts = Accounts::default();
        let mut taken = |system_id: &str| {
            let id = accounts.introduce(&limited, system_id.as_bytes(), start).unwrap();
            let milliseconds = 0..10_000_u64;
            milliseconds
                .filter(|at| accounts.take_token(id, &limited, start + Duration::from_millis(*at)))
                .count()
        };
        let (a, b) = (taken("a"), taken("b"));
        assert!((500..=510).contains(&a), "{a}");
        assert_eq!(b, 5);
    }
}
