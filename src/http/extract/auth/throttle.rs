//! Limits how many secrets an address can guess, in whatever way it sends its requests: one after the other or many at
//! a time, with or without waiting for the answers. An address means an IPv4 address or an IPv6 /64. The API and the
//! notify URL count separately: a client with a wrong secret for one is not refused by the other.
//!
//! Each wrong secret is charged to the account of its address before it is answered. An address may owe ten of them,
//! and pays off one each second: it can guess at most 70 in any minute.
//!
//! Beyond that, the API answers `429` and does not check the token. Many people may share an address, so there are
//! exceptions: an address that sent a valid token within the last hour may guess ten times as many; a token that was
//! valid from this address within the last hour is always checked; and a wrong token that is sent again and again, for
//! example by a forgotten script, is charged once. The notify URL checks every secret, since a valid notification must
//! never be refused. There, once an address owes more than ten, each further wrong secret is answered after one second.
//! At most eight such answers wait per address; the connections of further requests from that address are closed.
//!
//! At most 10,000 addresses have accounts. Once there are as many, the API always checks the tokens of addresses
//! without an account, and at the notify URL these addresses share one account.

use std::{
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use actix_web::{HttpRequest, web::Data};
use tokio::time::{Instant, timeout};

use super::accounts::{Accounts, DELAY, TokenHash};
use crate::http::{
    extract::client_address::ClientAddress,
    problem::{Code, Problem},
    state::{App, Closing},
    transport::{crowd::network, watch},
};

/// How many delayed answers may wait per address.
const DELAYED_AT_ONCE: usize = 8;

/// The accounts of all addresses, for the API and for the notify URL.
#[derive(Default)]
pub(crate) struct AuthThrottle {
    api: Mutex<Accounts>,
    notify: Mutex<Accounts>,
    /// Tokens are remembered by hashes with a random key.
    hasher: RandomState,
}

impl AuthThrottle {
    fn api(&self) -> MutexGuard<'_, Accounts> {
        self.api.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn notify(&self) -> MutexGuard<'_, Accounts> {
        self.notify.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hash_token(&self, token: &str) -> TokenHash {
        TokenHash(self.hasher.hash_one(token))
    }
}

/// Refuses a request whose token may not be checked.
pub(crate) fn check(request: &HttpRequest, token: &str) -> Result<(), Problem> {
    let (Some(throttle), Some(address)) = (data::<AuthThrottle>(request), client_network(request)) else {
        return Ok(());
    };
    if throttle.api().admits(address, throttle.hash_token(token), Instant::now()) {
        return Ok(());
    }
    if let Some(app) = data::<App>(request) {
        app.metrics.auth_throttled();
    }
    let detail = "this address sent too many wrong tokens within a minute; try again later";
    Err(Problem::new(Code::TooManyRequests, detail))
}

/// Notes that the token from this address is valid.
pub(crate) fn record_success(request: &HttpRequest, token: &str) {
    if let (Some(throttle), Some(address)) = (data::<AuthThrottle>(request), client_network(request)) {
        throttle.api().remember_valid(address, throttle.hash_token(token), Instant::now());
    }
}

/// Charges a wrong token.
pub(crate) fn record_failure(request: &HttpRequest, token: &str) {
    let Some(throttle) = data::<AuthThrottle>(request) else { return };
    let address = client_network(request);
    let (_, unlogged) = throttle.api().charge(address, Some(throttle.hash_token(token)), Instant::now());
    log(address, "the API", unlogged);
}

/// Charges a wrong secret at the notify URL, and waits as long as its answer has to be delayed. During the shutdown, it
/// does not wait.
pub(crate) async fn delay_failed_auth(request: &HttpRequest) {
    let (Some(throttle), Some(closing)) = (data::<AuthThrottle>(request), data::<Closing>(request)) else { return };
    let address = client_network(request);
    let (on_credit, unlogged) = throttle.notify().charge(address, None, Instant::now());
    log(address, "the notify URL", unlogged);
    if on_credit {
        return;
    }
    let Some(delayed) = Delayed::one_more(throttle, address) else {
        if let Some(app) = data::<App>(request) {
            app.metrics.auth_throttled();
        }
        watch::abort(request);
        return;
    };
    // An error means that the time is over.
    let _ = timeout(DELAY, closing.begun()).await;
    drop(delayed);
}

fn log(address: Option<IpAddr>, place: &str, unlogged: Option<u64>) {
    if let Some(count) = unlogged {
        let address = address.map(|address| address.to_string()).unwrap_or_default();
        tracing::warn!(address, count, "wrong secrets were sent to {place}; logged once a minute for each address");
    }
}

fn data<T: 'static>(request: &HttpRequest) -> Option<&T> {
    request.app_data::<Data<T>>().map(Data::get_ref)
}

/// Returns the network of the client: its IPv4 address, or its IPv6 /64.
fn client_network(request: &HttpRequest) -> Option<IpAddr> {
    ClientAddress::of(request, &data::<App>(request)?.proxies).map(|client| network(client.0))
}

/// A wrong secret whose answer is delayed.
struct Delayed<'a> {
    throttle: &'a AuthThrottle,
    address: Option<IpAddr>,
}

impl<'a> Delayed<'a> {
    /// Returns `None` if the maximum number is reached.
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
