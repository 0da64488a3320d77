//! Bounds how many secrets an address may guess, however it asks: one request after the other or many at a time, waiting
//! for the answers or not, at the API or at the notify URL.
//!
//! Each wrong secret is charged to its address before it is answered. An address gets ten of them on credit, and pays one
//! off each second: at most 70 in any minute.
//!
//! Beyond that, the API answers `429` and does not look at the token, unless the address showed a good one within the last
//! hour: nobody else's guesses keep such a client out. The notify URL always looks, since a good notification must never
//! be refused; there a wrong secret is answered a second later to a few at a time, and the others are cut off.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use actix_web::{HttpRequest, web::Data};
use tokio::time::{Instant, timeout};

use super::{
    client_address::ClientAddress,
    connection,
    problem::{Code, Problem},
    server::{App, Closing},
};
use crate::observe::Count;

/// What a wrong secret costs its address.
const COST: Duration = Duration::from_secs(1);
/// So much is given on credit: a person who mistypes is not slowed.
const CREDIT: Duration = Duration::from_secs(10);
/// How much later a wrong secret is answered at the notify URL. Short, since a sender whose secret is being renewed may
/// show wrong ones beside good ones, and have few connections.
const DELAY: Duration = Duration::from_secs(1);
/// So many of an address are answered later at the same time; the connections of the others are closed.
const DELAYED_AT_ONCE: usize = 8;
/// An address that showed a good token is known for this long.
const KNOWN_FOR: Duration = Duration::from_hours(1);
/// So many addresses have an account. Beyond it, those without one share one.
const ADDRESSES: usize = 10_000;

/// What each address owes.
#[derive(Default)]
pub(super) struct Guesses(Mutex<Accounts>);

impl Guesses {
    fn accounts(&self) -> MutexGuard<'_, Accounts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the API may look at a token of this request at all.
pub(super) fn admit(request: &HttpRequest) -> Result<(), Problem> {
    let (Some(guesses), Some(address)) = (data::<Guesses>(request), address(request)) else { return Ok(()) };
    if guesses.accounts().admits(address, Instant::now()) {
        return Ok(());
    }
    if let Some(app) = data::<App>(request) {
        app.metrics.guess_refused();
    }
    let detail = "too many wrong tokens came from this address within a minute; try again later";
    Err(Problem::new(Code::TooManyRequests, detail))
}

/// Notes that a good token came from there.
pub(super) fn right(request: &HttpRequest) {
    if let (Some(guesses), Some(address)) = (data::<Guesses>(request), address(request)) {
        guesses.accounts().know(address, Instant::now());
    }
}

/// Charges a wrong secret, without a delay.
pub(super) fn wrong(request: &HttpRequest) {
    charged(request);
}

/// Charges a wrong secret, and waits as long as its answer has to. Not during the shutdown.
pub(super) async fn wrong_and_slow(request: &HttpRequest) {
    let (Some(guesses), Some(closing)) = (data::<Guesses>(request), data::<Closing>(request)) else { return };
    if charged(request) {
        return;
    }
    let Some(delayed) = Delayed::one_more(guesses, address(request)) else {
        if let Some(app) = data::<App>(request) {
            app.metrics.guess_refused();
        }
        connection::abort(request);
        return;
    };
    // An error is the end of the time.
    let _ = timeout(DELAY, closing.begun()).await;
    drop(delayed);
}

/// Whether that was still on credit.
fn charged(request: &HttpRequest) -> bool {
    let Some(guesses) = data::<Guesses>(request) else { return true };
    let address = address(request);
    let (on_credit, unlogged) = guesses.accounts().charge(address, Instant::now());
    if let Some(count) = unlogged {
        let address = address.map(|address| address.to_string()).unwrap_or_default();
        tracing::warn!(address, count, "wrong secrets were shown; logged once a minute for each address");
    }
    on_credit
}

fn data<T: 'static>(request: &HttpRequest) -> Option<&T> {
    request.app_data::<Data<T>>().map(Data::get_ref)
}

/// Who asks.
fn address(request: &HttpRequest) -> Option<IpAddr> {
    ClientAddress::of(request, &data::<App>(request)?.proxies).map(|client| network(client.0))
}

/// A wrong secret whose answer waits.
struct Delayed<'a> {
    guesses: &'a Guesses,
    address: Option<IpAddr>,
}

impl<'a> Delayed<'a> {
    /// `None` if there are as many as may be.
    fn one_more(guesses: &'a Guesses, address: Option<IpAddr>) -> Option<Self> {
        let mut accounts = guesses.accounts();
        let account = accounts.of(address, Instant::now());
        if account.delayed >= DELAYED_AT_ONCE {
            return None;
        }
        account.delayed += 1;
        Some(Self { guesses, address })
    }
}

impl Drop for Delayed<'_> {
    fn drop(&mut self) {
        let mut accounts = self.guesses.accounts();
        let account = accounts.of(self.address, Instant::now());
        account.delayed = account.delayed.saturating_sub(1);
    }
}

#[derive(Default)]
struct Accounts {
    by_address: HashMap<IpAddr, Account>,
    /// Of those for which there is no room.
    others: Account,
}

#[derive(Clone, Copy, Default)]
struct Account {
    /// When everything will be paid for.
    paid: Option<Instant>,
    /// When a good token came from there.
    known: Option<Instant>,
    /// How many answers wait.
    delayed: usize,
    log: Count,
}

impl Account {
    fn debt(&self, now: Instant) -> Duration {
        self.paid.map(|paid| paid.saturating_duration_since(now)).unwrap_or_default()
    }

    fn is_known(&self, now: Instant) -> bool {
        self.known.is_some_and(|known| now < known + KNOWN_FOR)
    }

    fn is_needed(&self, now: Instant) -> bool {
        self.delayed > 0 || self.is_known(now) || !self.debt(now).is_zero()
    }
}

impl Accounts {
    /// The account of an address.
    fn of(&mut self, address: Option<IpAddr>, now: Instant) -> &mut Account {
        let Some(address) = address else { return &mut self.others };
        if self.by_address.len() >= ADDRESSES && !self.by_address.contains_key(&address) {
            self.by_address.retain(|_, account| account.is_needed(now));
            if self.by_address.len() >= ADDRESSES {
                return &mut self.others;
            }
        }
        self.by_address.entry(address).or_default()
    }

    /// Whether a secret of this address may be looked at. One for whom there is no account is not refused for what
    /// others did.
    fn admits(&self, address: IpAddr, now: Instant) -> bool {
        let Some(account) = self.by_address.get(&address) else { return true };
        account.is_known(now) || account.debt(now) + COST <= CREDIT
    }

    fn know(&mut self, address: IpAddr, now: Instant) {
        let account = self.of(Some(address), now);
        account.known = Some(now);
    }

    /// Whether that is still on credit; and how many to log, if it is time to.
    fn charge(&mut self, address: Option<IpAddr>, now: Instant) -> (bool, Option<u64>) {
        let account = self.of(address, now);
        // No more is owed than what one delay pays off, so that it is forgiven soon.
        let debt = (account.debt(now) + COST).min(CREDIT + DELAY);
        account.paid = Some(now + debt);
        (debt <= CREDIT, account.log.due(now))
    }
}

/// One customer of a provider has 2⁶⁴ addresses of IPv6.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;

    const TEN: usize = 10;

    fn of(address: &str) -> IpAddr {
        network(address.parse().unwrap())
    }

    /// Ten wrong ones: which of them were on credit.
    fn charges(accounts: &mut Accounts, address: &str, now: Instant) -> Vec<bool> {
        (0..TEN).map(|_| accounts.charge(Some(of(address)), now).0).collect()
    }

    #[test]
    fn ten_are_on_credit_and_the_next_is_not_until_the_debt_is_paid() {
        let (mut accounts, now) = (Accounts::default(), Instant::now());
        assert!(accounts.admits(of("192.0.2.1"), now));
        assert_eq!(charges(&mut accounts, "192.0.2.1", now), [true; TEN]);
        assert!(!accounts.admits(of("192.0.2.1"), now));
        assert_eq!(charges(&mut accounts, "192.0.2.1", now), [false; TEN]);
        assert!(accounts.charge(Some(of("192.0.2.2")), now).0, "another address");
        assert!(!accounts.admits(of("192.0.2.1"), now + DELAY));
        assert!(accounts.admits(of("192.0.2.1"), now + DELAY + COST));
        assert_eq!(charges(&mut accounts, "192.0.2.1", now + CREDIT + DELAY), [true; TEN]);
    }

    #[test]
    fn an_address_that_showed_a_good_token_is_looked_at_for_an_hour() {
        let (mut accounts, now) = (Accounts::default(), Instant::now());
        accounts.know(of("192.0.2.1"), now);
        charges(&mut accounts, "192.0.2.1", now);
        assert!(accounts.admits(of("192.0.2.1"), now));
        let later = now + KNOWN_FOR;
        charges(&mut accounts, "192.0.2.1", later);
        assert!(!accounts.admits(of("192.0.2.1"), later));
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
    fn no_more_addresses_are_known_than_there_is_room_for() {
        let (mut accounts, now) = (Accounts::default(), Instant::now());
        let of = |n: usize| IpAddr::from(Ipv4Addr::from_bits(u32::try_from(n).unwrap()));
        for n in 0..ADDRESSES {
            assert!(accounts.charge(Some(of(n)), now).0);
        }
        let beyond: Vec<_> = (0..=TEN).map(|n| accounts.charge(Some(of(ADDRESSES + n)), now).0).collect();
        assert_eq!(beyond, [[true; TEN].as_slice(), &[false]].concat(), "they share one account");
        assert!(accounts.admits(of(ADDRESSES), now), "and are looked at all the same");
        assert_eq!(accounts.by_address.len(), ADDRESSES);
        assert!(accounts.charge(Some(of(ADDRESSES)), now + COST).0);
        assert_eq!(accounts.by_address.len(), 1, "those have paid");
    }

    proptest! {
        /// Whatever the pauses, and however many at a time.
        #[test]
        fn no_more_than_70_are_looked_at_in_any_minute(pauses in prop::collection::vec(0_u64..1500, 1..300)) {
            let (mut accounts, begin) = (Accounts::default(), Instant::now());
            let (mut now, mut looked_at) = (begin, Vec::new());
            for pause in pauses {
                if accounts.admits(of("192.0.2.1"), now) {
                    accounts.charge(Some(of("192.0.2.1")), now);
                    looked_at.push(now);
                }
                let minute = looked_at.iter().filter(|time| now - **time < Duration::from_mins(1)).count();
                prop_assert!(minute <= 70, "{minute}");
                now += Duration::from_millis(pause);
            }
        }
    }
}
