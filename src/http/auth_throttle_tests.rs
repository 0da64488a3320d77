//! What an address may guess, at times that the tests choose.

use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;

const TEN: usize = 10;

fn of(address: &str) -> IpAddr {
    network(address.parse().unwrap())
}

const ANY: Shown = Shown(u64::MAX);

/// Ten wrong ones of which nothing is remembered: which of them were on credit.
fn charges(accounts: &mut Accounts, address: &str, now: Instant) -> Vec<bool> {
    (0..TEN).map(|_| accounts.charge(Some(of(address)), None, now).0).collect()
}

/// So many guesses, each of another token: how many the API looks at.
fn looked_at(accounts: &mut Accounts, guesses: std::ops::Range<u64>, now: Instant) -> usize {
    let mut looks = |guess| {
        let is_admitted = accounts.admits(of("192.0.2.1"), Shown(guess), now);
        if is_admitted {
            accounts.charge(Some(of("192.0.2.1")), Some(Shown(guess)), now);
        }
        is_admitted
    };
    guesses.filter(|guess| looks(*guess)).count()
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
fn an_address_that_showed_a_good_token_may_guess_more_for_an_hour_and_not_for_ever() {
    let (mut accounts, now) = (Accounts::default(), Instant::now());
    accounts.know(of("192.0.2.1"), ANY, now);
    assert_eq!(looked_at(&mut accounts, 0..1000, now), 100);
    assert_eq!(looked_at(&mut accounts, 1000..2000, now + DELAY), 10);
    assert_eq!(looked_at(&mut accounts, 2000..3000, now + KNOWN_FOR), 10, "it is as any other again");
}

#[test]
fn a_token_that_was_good_there_is_looked_at_whatever_others_guess() {
    let (mut accounts, now) = (Accounts::default(), Instant::now());
    accounts.know(of("192.0.2.1"), ANY, now);
    looked_at(&mut accounts, 0..1000, now);
    assert!(accounts.admits(of("192.0.2.1"), ANY, now));
    assert!(!accounts.admits(of("192.0.2.1"), Shown(1001), now), "another one");
    assert!(accounts.by_address[&of("192.0.2.1")].good.len() <= REMEMBERED);
    for good in 0..100 {
        accounts.know(of("192.0.2.1"), Shown(good), now);
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
    assert_eq!(looked_at(&mut accounts, 0..1000, now), TEN - 1);
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
fn no_more_addresses_are_known_than_there_is_room_for() {
    let (mut accounts, now) = (Accounts::default(), Instant::now());
    let of = |n: usize| IpAddr::from(Ipv4Addr::from_bits(u32::try_from(n).unwrap()));
    for n in 0..ADDRESSES {
        assert!(accounts.charge(Some(of(n)), None, now).0);
    }
    let beyond: Vec<_> = (0..=TEN).map(|n| accounts.charge(Some(of(ADDRESSES + n)), None, now).0).collect();
    assert_eq!(beyond, [[true; TEN].as_slice(), &[false]].concat(), "they share one account");
    assert!(accounts.admits(of(ADDRESSES), ANY, now), "and are looked at all the same");
    assert_eq!(accounts.by_address.len(), ADDRESSES);
    assert!(accounts.charge(Some(of(ADDRESSES)), None, now + COST).0);
    assert_eq!(accounts.by_address.len(), 1, "those have paid");
}

proptest! {
    /// Whatever the pauses, and however many at a time.
    #[test]
    fn no_more_than_70_are_looked_at_in_any_minute(
        pauses in prop::collection::vec(0_u64..1500, 1..300),
        is_known: bool,
    ) {
        let (mut accounts, begin) = (Accounts::default(), Instant::now());
        let most = if is_known { 700 } else { 70 };
        if is_known {
            accounts.know(of("192.0.2.1"), ANY, begin);
        }
        let (mut now, mut times) = (begin, Vec::new());
        for (guess, pause) in (0..).step_by(20).zip(pauses) {
            let count = looked_at(&mut accounts, guess..guess + 20, now);
            times.extend(std::iter::repeat_n(now, count));
            let minute = times.iter().filter(|time| now - **time < Duration::from_mins(1)).count();
            prop_assert!(minute <= most, "{minute}");
            now += Duration::from_millis(pause);
        }
    }
}
