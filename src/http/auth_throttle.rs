//! Bounds how many secrets an address may guess, however it asks: one request after the other or many at a time, waiting
//! for the answers or not. The API and the notify URL count apart: who has a wrong secret for one is not refused by the
//! other.
//!
//! Each wrong secret is charged to its address before it is answered. An address gets ten of them on credit, and pays one
//! off each second: at most 70 in any minute.
//!
//! Beyond that, the API answers `429` and does not look at the token. Many people may share an address, so one that showed
//! a good token within the last hour gets ten times as much; a token that was good there within that hour is always looked
//! at; and a wrong one that is shown over and over, as by a script that nobody looks after, is charged once. The notify URL
//! always looks, since a good notification must never be refused; there a wrong secret is answered a second later to a few
//! at a time, and the others are cut off.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher, RandomState},
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
/// What it costs an address that showed a good token.
const COST_OF_KNOWN: Duration = Duration::from_millis(100);
/// So much is given on credit: a person who mistypes is not slowed.
const CREDIT: Duration = Duration::from_secs(10);
/// How much later a wrong secret is answered at the notify URL. Short, since a sender whose secret is being renewed may
/// show wrong ones beside good ones, and have few connections.
const DELAY: Duration = Duration::from_secs(1);
/// So many of an address are answered later at the same time; the connections of the others are closed.
const DELAYED_AT_ONCE: usize = 8;
/// An address that showed a good token is known for this long.
const KNOWN_FOR: Duration = Duration::from_hours(1);
/// So many good tokens, and so many wrong ones, of an address are remembered.
const REMEMBERED: usize = 16;
/// So many addresses have an account. Beyond it, those without one share one.
const ADDRESSES: usize = 10_000;

/// What each address owes.
#[derive(Default)]
pub(super) struct AuthThrottle {
    api: Mutex<Accounts>,
    notify: Mutex<Accounts>,
    /// Tokens are remembered by their hashes, whose key nobody knows.
    hasher: RandomState,
}

impl AuthThrottle {
    fn api(&self) -> MutexGuard<'_, Accounts> {
        self.api.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn notify(&self) -> MutexGuard<'_, Accounts> {
        self.notify.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shown(&self, token: &str) -> Shown {
        Shown(self.hasher.hash_one(token))
    }
}

/// A token that was shown, not to be told from its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shown(u64);

/// Whether the API may look at this token at all.
pub(super) fn check(request: &HttpRequest, token: &str) -> Result<(), Problem> {
    let (Some(throttle), Some(address)) = (data::<AuthThrottle>(request), address(request)) else { return Ok(()) };
    if throttle.api().admits(address, throttle.shown(token), Instant::now()) {
        return Ok(());
    }
    if let Some(app) = data::<App>(request) {
        app.metrics.auth_throttled();
    }
    let detail = "too many wrong tokens came from this address within a minute; try again later";
    Err(Problem::new(Code::TooManyRequests, detail))
}

/// Notes that this token, which came from there, is good.
pub(super) fn record_success(request: &HttpRequest, token: &str) {
    if let (Some(throttle), Some(address)) = (data::<AuthThrottle>(request), address(request)) {
        throttle.api().know(address, throttle.shown(token), Instant::now());
    }
}

/// Charges a wrong token.
pub(super) fn record_failure(request: &HttpRequest, token: &str) {
    let Some(throttle) = data::<AuthThrottle>(request) else { return };
    let address = address(request);
    let (_, unlogged) = throttle.api().charge(address, Some(throttle.shown(token)), Instant::now());
    log(address, "the API", unlogged);
}

/// Charges a wrong secret of the notify URL, and waits as long as its answer has to. Not during the shutdown.
pub(super) async fn delay_failed_auth(request: &HttpRequest) {
    let (Some(throttle), Some(closing)) = (data::<AuthThrottle>(request), data::<Closing>(request)) else { return };
    let address = address(request);
    let (on_credit, unlogged) = throttle.notify().charge(address, None, Instant::now());
    log(address, "the notify URL", unlogged);
    if on_credit {
        return;
    }
    let Some(delayed) = Delayed::one_more(throttle, address) else {
        if let Some(app) = data::<App>(request) {
            app.metrics.auth_throttled();
        }
        connection::abort(request);
        return;
    };
    // An error is the end of the time.
    let _ = timeout(DELAY, closing.begun()).await;
    drop(delayed);
}

fn log(address: Option<IpAddr>, place: &str, unlogged: Option<u64>) {
    if let Some(count) = unlogged {
        let address = address.map(|address| address.to_string()).unwrap_or_default();
        tracing::warn!(address, count, "wrong secrets were shown to {place}; logged once a minute for each address");
    }
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
    throttle: &'a AuthThrottle,
    address: Option<IpAddr>,
}

impl<'a> Delayed<'a> {
    /// `None` if there are as many as may be.
    fn one_more(throttle: &'a AuthThrottle, address: Option<IpAddr>) -> Option<Self> {
        let mut accounts = throttle.notify();
        let account = accounts.of(address, Instant::now());
        if account.delayed >= DELAYED_AT_ONCE {
            return None;
        }
        account.delayed += 1;
        Some(Self { throttle, address })
    }
}

impl Drop for Delayed<'_> {
    fn drop(&mut self) {
        let mut accounts = self.throttle.notify();
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

#[derive(Default)]
struct Account {
    /// When everything will be paid for.
    paid: Option<Instant>,
    /// The good tokens that came from there, and when; the last one at the end.
    good: VecDeque<(Shown, Instant)>,
    /// The last wrong ones.
    wrong: VecDeque<Shown>,
    /// How many answers wait.
    delayed: usize,
    log: Count,
}

impl Account {
    fn debt(&self, now: Instant) -> Duration {
        self.paid.map(|paid| paid.saturating_duration_since(now)).unwrap_or_default()
    }

    fn is_known(&self, now: Instant) -> bool {
        self.good.back().is_some_and(|(_, at)| now < *at + KNOWN_FOR)
    }

    fn was_good(&self, token: Shown, now: Instant) -> bool {
        self.good.iter().any(|(good, at)| *good == token && now < *at + KNOWN_FOR)
    }

    fn cost(&self, now: Instant) -> Duration {
        if self.is_known(now) { COST_OF_KNOWN } else { COST }
    }

    fn is_needed(&self, now: Instant) -> bool {
        self.delayed > 0 || self.is_known(now) || !self.debt(now).is_zero()
    }
}

/// Puts something at the end of a list that has an end.
fn remember<T>(list: &mut VecDeque<T>, new: T) {
    if list.len() >= REMEMBERED {
        list.pop_front();
    }
    list.push_back(new);
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

    /// Whether this token of this address may be looked at. One for whom there is no account is not refused for what
    /// others did.
    fn admits(&self, address: IpAddr, token: Shown, now: Instant) -> bool {
        let Some(account) = self.by_address.get(&address) else { return true };
        account.debt(now) + account.cost(now) <= CREDIT || account.was_good(token, now)
    }

    fn know(&mut self, address: IpAddr, token: Shown, now: Instant) {
        let account = self.of(Some(address), now);
        account.good.retain(|(good, _)| *good != token);
        remember(&mut account.good, (token, now));
    }

    /// Whether that is still on credit; and how many to log, if it is time to. A token that is wrong once more is no
    /// guess.
    fn charge(&mut self, address: Option<IpAddr>, token: Option<Shown>, now: Instant) -> (bool, Option<u64>) {
        let account = self.of(address, now);
        let log = account.log.due(now);
        if let Some(token) = token {
            if account.wrong.contains(&token) {
                return (true, log);
            }
            remember(&mut account.wrong, token);
        }
        // No more is owed than what one delay pays off, so that it is forgiven soon.
        let debt = (account.debt(now) + account.cost(now)).min(CREDIT + DELAY);
        account.paid = Some(now + debt);
        (debt <= CREDIT, log)
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
#[path = "auth_throttle_tests.rs"]
mod tests;
