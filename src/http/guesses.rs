//! Guessing secrets is slow: whoever has shown some wrong ones waits for the answer to the next.
//!
//! It is the answer to a wrong secret that waits, after the check. So a good request is never slowed and never refused,
//! whoever else stands behind the same address: the platform's requests come from few of them.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use actix_web::{HttpRequest, web::Data};
use tokio::time::{Instant, timeout};

use super::{
    client_address::ClientAddress,
    server::{App, Closing},
};

/// What a wrong secret costs its address. Whoever tries one after the other gets one answer in this time.
const COST: Duration = Duration::from_secs(1);
/// So much is given on credit: a person who mistypes is not slowed.
const CREDIT: Duration = Duration::from_secs(10);
/// The longest wait. Short, since a sender whose secret is being renewed may show wrong ones beside good ones, and have
/// few connections.
const LONGEST: Duration = Duration::from_secs(1);
/// Of so many addresses the debts are known. Beyond it, those that are not known wait the longest.
const ADDRESSES: usize = 10_000;

/// When each address will have paid for what was wrong.
#[derive(Default)]
pub(super) struct Guesses(Mutex<Debts>);

/// Waits as long as the answer to a wrong secret has to wait. Not during the shutdown.
pub(super) async fn wrong(request: &HttpRequest) {
    let (Some(Guesses(debts)), Some(closing)) = (data::<Guesses>(request), data::<Closing>(request)) else { return };
    let wait = match address(request) {
        Some(address) => debts.lock().unwrap_or_else(PoisonError::into_inner).charge(address, Instant::now()),
        None => LONGEST,
    };
    // An error is the end of the time.
    let _ = timeout(wait, closing.begun()).await;
}

fn data<T: 'static>(request: &HttpRequest) -> Option<&T> {
    request.app_data::<Data<T>>().map(Data::get_ref)
}

/// Who asks.
fn address(request: &HttpRequest) -> Option<IpAddr> {
    ClientAddress::of(request, &data::<App>(request)?.proxies).map(|client| client.0)
}

#[derive(Default)]
struct Debts(HashMap<IpAddr, Instant>);

impl Debts {
    /// Charges an address, and tells how long the answer has to wait.
    fn charge(&mut self, address: IpAddr, now: Instant) -> Duration {
        let network = network(address);
        if self.0.len() >= ADDRESSES && !self.0.contains_key(&network) {
            self.0.retain(|_, paid| *paid > now);
            if self.0.len() >= ADDRESSES {
                return LONGEST;
            }
        }
        let paid = self.0.entry(network).or_insert(now);
        // More than the longest wait is not owed, so that it is forgiven soon.
        *paid = ((*paid).max(now) + COST).min(now + CREDIT + LONGEST);
        paid.duration_since(now).saturating_sub(CREDIT)
    }
}

/// One customer of a provider has 2⁶⁴ addresses of IPv6.
fn network(address: IpAddr) -> IpAddr {
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

    fn charges(debts: &mut Debts, address: &str, now: Instant) -> Vec<Duration> {
        (0..TEN).map(|_| debts.charge(address.parse().unwrap(), now)).collect()
    }

    #[test]
    fn ten_are_answered_at_once_and_the_next_is_not_until_the_debt_is_paid() {
        let (mut debts, now) = (Debts::default(), Instant::now());
        assert_eq!(charges(&mut debts, "192.0.2.1", now), [Duration::ZERO; TEN]);
        assert_eq!(charges(&mut debts, "192.0.2.1", now), [LONGEST; TEN]);
        assert_eq!(debts.charge([192, 0, 2, 2].into(), now), Duration::ZERO, "another address");
        let later = now + CREDIT + LONGEST;
        assert_eq!(charges(&mut debts, "192.0.2.1", later), [Duration::ZERO; TEN]);
    }

    #[test]
    fn an_address_has_one_debt_however_it_is_written() {
        let (mut debts, now) = (Debts::default(), Instant::now());
        charges(&mut debts, "192.0.2.1", now);
        assert_eq!(charges(&mut debts, "::ffff:192.0.2.1", now), [LONGEST; TEN]);
        charges(&mut debts, "2001:db8:0:7::1", now);
        assert_eq!(charges(&mut debts, "2001:db8:0:7:ffff::2", now), [LONGEST; TEN]);
        assert_eq!(charges(&mut debts, "2001:db8:0:8::1", now), [Duration::ZERO; TEN]);
    }

    #[test]
    fn no_more_addresses_are_known_than_there_is_room_for() {
        let (mut debts, now) = (Debts::default(), Instant::now());
        let of = |n: usize| IpAddr::from(Ipv4Addr::from_bits(u32::try_from(n).unwrap()));
        for n in 0..ADDRESSES {
            assert_eq!(debts.charge(of(n), now), Duration::ZERO);
        }
        assert_eq!(debts.charge(of(ADDRESSES), now), LONGEST);
        assert_eq!(debts.0.len(), ADDRESSES);
        assert_eq!(debts.charge(of(ADDRESSES), now + COST), Duration::ZERO, "those have paid");
        assert_eq!(debts.0.len(), 1);
    }

    proptest! {
        /// Whatever the pauses, one after the other.
        #[test]
        fn who_waits_for_each_answer_gets_one_in_a_second(pauses in prop::collection::vec(0_u64..1500, 1..100)) {
            let (mut debts, begin) = (Debts::default(), Instant::now());
            let (mut now, mut answers) = (begin, 0);
            for pause in pauses {
                let wait = debts.charge([192, 0, 2, 1].into(), now);
                prop_assert!(wait <= LONGEST);
                now += wait;
                answers += 1;
                prop_assert!(answers <= 11 + (now - begin).as_secs(), "{answers} in {:?}", now - begin);
                now += Duration::from_millis(pause);
            }
        }
    }
}
