//! For each address: the debt for wrong secrets, and the tokens that it has sent.

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    time::Duration,
};

use tokio::time::Instant;

use crate::observe::Count;

/// The cost of a wrong secret.
const COST: Duration = Duration::from_secs(1);
/// The cost for an address that has sent a valid token.
const COST_OF_KNOWN: Duration = Duration::from_millis(100);
/// The debt that is allowed, so that a person who mistypes is not slowed down.
const CREDIT: Duration = Duration::from_secs(10);
/// How long the answer to a wrong secret is delayed at the notify URL. It is short, since a sender whose secret is
/// being renewed may send wrong secrets beside valid ones, and may have few connections.
pub(super) const DELAY: Duration = Duration::from_secs(1);
/// How long an address stays known after it has sent a valid token.
const KNOWN_FOR: Duration = Duration::from_hours(1);
/// How many valid tokens, and how many wrong ones, are remembered for each address.
const REMEMBERED: usize = 16;
/// How many addresses have an account. Beyond that, those without an account share one for their wrong secrets at the
/// notify URL, and the API always checks their tokens.
const ADDRESSES: usize = 10_000;

/// The hash of a token that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TokenHash(pub(super) u64);

/// The accounts of all addresses.
#[derive(Default)]
pub(super) struct Accounts {
    by_address: HashMap<IpAddr, Account>,
    /// The account that all other addresses share.
    others: Account,
}

#[derive(Default)]
pub(super) struct Account {
    /// When the debt will be paid off.
    paid: Option<Instant>,
    /// The valid tokens from this address with their times; the latest one is at the end.
    good: VecDeque<(TokenHash, Instant)>,
    /// The latest wrong tokens.
    wrong: VecDeque<TokenHash>,
    /// How many answers are delayed at the moment.
    pub(super) delayed: usize,
    log: Count,
}

impl Account {
    fn debt(&self, now: Instant) -> Duration {
        self.paid.map(|paid| paid.saturating_duration_since(now)).unwrap_or_default()
    }

    fn is_known(&self, now: Instant) -> bool {
        self.good.back().is_some_and(|(_, at)| now < *at + KNOWN_FOR)
    }

    fn was_good(&self, token: TokenHash, now: Instant) -> bool {
        self.good.iter().any(|(good, at)| *good == token && now < *at + KNOWN_FOR)
    }

    fn cost(&self, now: Instant) -> Duration {
        if self.is_known(now) { COST_OF_KNOWN } else { COST }
    }

    fn is_needed(&self, now: Instant) -> bool {
        self.delayed > 0 || self.is_known(now) || !self.debt(now).is_zero()
    }
}

/// Adds an item to a list, from which the oldest item is removed if it is full.
fn remember<T>(list: &mut VecDeque<T>, new: T) {
    if list.len() >= REMEMBERED {
        list.pop_front();
    }
    list.push_back(new);
}

impl Accounts {
    /// Returns the account of an address.
    pub(super) fn of(&mut self, address: Option<IpAddr>, now: Instant) -> &mut Account {
        let Some(address) = address else { return &mut self.others };
        if self.by_address.len() >= ADDRESSES && !self.by_address.contains_key(&address) {
            self.by_address.retain(|_, account| account.is_needed(now));
            if self.by_address.len() >= ADDRESSES {
                return &mut self.others;
            }
        }
        self.by_address.entry(address).or_default()
    }

    /// Returns whether this token from this address may be checked. An address without an account is always admitted:
    /// it has sent no wrong secret, or there are too many accounts.
    pub(super) fn admits(&self, address: IpAddr, token: TokenHash, now: Instant) -> bool {
        let Some(account) = self.by_address.get(&address) else { return true };
        account.debt(now) + account.cost(now) <= CREDIT || account.was_good(token, now)
    }

    /// Remembers that this token is valid and came from this address.
    pub(super) fn remember_valid(&mut self, address: IpAddr, token: TokenHash, now: Instant) {
        let account = self.of(Some(address), now);
        account.good.retain(|(good, _)| *good != token);
        remember(&mut account.good, (token, now));
    }

    /// Charges a wrong secret. Returns whether the debt is still allowed and, if it is time to log, how many wrong
    /// secrets to log. A wrong token that is sent again is not charged again.
    pub(super) fn charge(
        &mut self,
        address: Option<IpAddr>,
        token: Option<TokenHash>,
        now: Instant,
    ) -> (bool, Option<u64>) {
        let account = self.of(address, now);
        let log = account.log.due(now);
        if let Some(token) = token {
            if account.wrong.contains(&token) {
                return (true, log);
            }
            remember(&mut account.wrong, token);
        }
        // The debt is limited to what one delay pays off, so that it does not last long.
        let debt = (account.debt(now) + account.cost(now)).min(CREDIT + DELAY);
        account.paid = Some(now + debt);
        (debt <= CREDIT, log)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;
    use crate::http::transport::crowd::network;

    const TEN: usize = 10;

    fn of(address: &str) -> IpAddr {
        network(address.parse().unwrap())
    }

    const ANY: TokenHash = TokenHash(u64::MAX);

    /// Charges ten wrong secrets without a token. Returns which of them were still allowed.
    fn charges(accounts: &mut Accounts, address: &str, now: Instant) -> Vec<bool> {
        (0..TEN).map(|_| accounts.charge(Some(of(address)), None, now).0).collect()
    }

    /// Returns how many of these guesses, each with a different token, the API checks.
    fn checked(accounts: &mut Accounts, guesses: std::ops::Range<u64>, now: Instant) -> usize {
        let mut check = |guess| {
            let is_admitted = accounts.admits(of("192.0.2.1"), TokenHash(guess), now);
            if is_admitted {
                accounts.charge(Some(of("192.0.2.1")), Some(TokenHash(guess)), now);
            }
            is_admitted
        };
        guesses.filter(|guess| check(*guess)).count()
    }

    #[test]
    fn ten_are_on_credit_and_the_next_is_not_until_the_debt_is_paid() {
        let (mut accounts, now) = (Accounts::default(), Instant::now());
        assert!(accounts.admits(of("192.0.2.1"), ANY, now));
        assert_eq!(charges(&mut accounts, "192.0.2.1", now), [true; TEN]);
        assert!(!accounts.admits(of("192.0.2.1"), ANY, now));
        assert_eq!(charges(&mut accounts, "192.0.2.1", now), [false; TEN]);
        assert!(accounts.charge(Some(of("192.0.2.2")), None, now).0, "another address");
        assert!(!accounts.admits(of("192.0.2.1"), ANY, now + DELAY));
        assert!(accounts.admits(of("192.0.2.1"), ANY, now + DELAY + COST));
        assert_eq!(charges(&mut accounts, "192.0.2.1", now + CREDIT + DELAY), [true; TEN]);
    }

    #[test]
    fn an_address_that_sent_a_valid_token_may_guess_more_for_an_hour_and_not_for_ever() {
        let (mut accounts, now) = (Accounts::default(), Instant::now());
        accounts.remember_valid(of("192.0.2.1"), ANY, now);
        assert_eq!(checked(&mut accounts, 0..1000, now), 100);
        assert_eq!(checked(&mut accounts, 1000..2000, now + DELAY), 10);
        assert_eq!(checked(&mut accounts, 2000..3000, now + KNOWN_FOR), 10, "it is treated as unknown again");
    }

    #[test]
    fn a_token_that_was_valid_there_is_checked_whatever_others_guess() {
        let (mut accounts, now) = (Accounts::default(), Instant::now());
        accounts.remember_valid(of("192.0.2.1"), ANY, now);
        checked(&mut accounts, 0..1000, now);
        assert!(accounts.admits(of("192.0.2.1"), ANY, now));
        assert!(!accounts.admits(of("192.0.2.1"), TokenHash(1001), now), "another one");
        assert!(accounts.by_address[&of("192.0.2.1")].good.len() <= REMEMBERED);
        for good in 0..100 {
            accounts.remember_valid(of("192.0.2.1"), TokenHash(good), now);
        }
        assert!(accounts.by_address[&of("192.0.2.1")].good.len() <= REMEMBERED);
    }

    #[test]
    fn one_wrong_token_over_and_over_is_one_guess() {
        let (mut accounts, now) = (Accounts::default(), Instant::now());
        for _ in 0..1000 {
            assert!(accounts.admits(of("192.0.2.1"), ANY, now));
            accounts.charge(Some(of("192.0.2.1")), Some(ANY), now);
        }
        assert_eq!(checked(&mut accounts, 0..1000, now), TEN - 1);
        assert!(accounts.by_address[&of("192.0.2.1")].wrong.len() <= REMEMBERED);
    }

    #[test]
    fn an_address_has_one_account_however_it_is_written() {
        let (mut accounts, now) = (Accounts::default(), Instant::now());
        charges(&mut accounts, "192.0.2.1", now);
        assert_eq!(charges(&mut accounts, "::ffff:192.0.2.1", now), [false; TEN]);
        charges(&mut accounts, "2001:db8:0:7::1", now);
        assert_eq!(charges(&mut accounts, "2001:db8:0:7:ffff::2", now), [false; TEN]);
        assert_eq!(charges(&mut accounts, "2001:db8:0:8::1", now), [true; TEN]);
    }

    #[test]
    fn the_number_of_accounts_is_limited() {
        let (mut accounts, now) = (Accounts::default(), Instant::now());
        let of = |n: usize| IpAddr::from(Ipv4Addr::from_bits(u32::try_from(n).unwrap()));
        for n in 0..ADDRESSES {
            assert!(accounts.charge(Some(of(n)), None, now).0);
        }
        let beyond: Vec<_> = (0..=TEN).map(|n| accounts.charge(Some(of(ADDRESSES + n)), None, now).0).collect();
        assert_eq!(beyond, [[true; TEN].as_slice(), &[false]].concat(), "they share one account");
        assert!(accounts.admits(of(ADDRESSES), ANY, now), "and are still checked");
        assert_eq!(accounts.by_address.len(), ADDRESSES);
        assert!(accounts.charge(Some(of(ADDRESSES)), None, now + COST).0);
        assert_eq!(accounts.by_address.len(), 1, "only these are counted");
    }

    proptest! {
        /// Holds for any pauses, and for any number of guesses at a time.
        #[test]
        fn no_more_than_70_are_checked_in_any_minute(
            pauses in prop::collection::vec(0_u64..1500, 1..300),
            is_known: bool,
        ) {
            let (mut accounts, begin) = (Accounts::default(), Instant::now());
            let most = if is_known { 700 } else { 70 };
            if is_known {
                accounts.remember_valid(of("192.0.2.1"), ANY, begin);
            }
            let (mut now, mut times) = (begin, Vec::new());
            for (guess, pause) in (0..).step_by(20).zip(pauses) {
                let count = checked(&mut accounts, guess..guess + 20, now);
                times.extend(std::iter::repeat_n(now, count));
                let minute = times.iter().filter(|time| now - **time < Duration::from_mins(1)).count();
                prop_assert!(minute <= most, "{minute}");
                now += Duration::from_millis(pause);
            }
        }
    }
}
