//! Lists of IP addresses: the proxies in front, and the clients that may post to the notify URL.

use std::net::{IpAddr, Ipv4Addr};

use proptest::{prop_assert_eq, proptest};
use receiptd::config::Networks;

use super::{from_environment, from_file, refuses};

fn allowed(list: &str) -> Networks {
    from_environment(&[("RECEIPTD_NOTIFY__ALLOWED_ADDRESSES", list)]).unwrap().allowed_addresses
}

#[test]
fn a_list_contains_networks_and_single_addresses() {
    let list = allowed("192.0.2.0/24, 198.51.100.7, 2001:db8::/32,::ffff:203.0.113.0/120, 10.1.2.3/8");
    for (address, is_there) in [
        ("192.0.2.0", true),
        ("192.0.2.255", true),
        ("192.0.3.0", false),
        ("198.51.100.7", true),
        ("::ffff:198.51.100.7", true),
        ("198.51.100.8", false),
        ("2001:db8:ffff::1", true),
        ("2001:db9::", false),
        ("203.0.113.9", true),
        ("::ffff:203.0.113.9", true),
        ("203.0.114.9", false),
        ("10.255.0.1", true),
        ("::1", false),
    ] {
        assert_eq!(list.contain(address.parse().unwrap()), is_there, "{address}");
    }
    assert_eq!(allowed("10.1.2.3/8, ::1").to_string(), "10.0.0.0/8, ::1/128");
    assert!(allowed("").is_empty() && !allowed("").contain([127, 0, 0, 1].into()));
}

proptest! {
    #[test]
    fn a_network_contains_addresses_with_its_prefix(network: u32, length in 0_u32..=32, near in 0_u32..=32, any: u32) {
        let mask = u32::MAX.checked_shl(32 - length).unwrap_or_default();
        // Equal in the first `near` bits.
        let rest = u32::MAX.checked_shr(near).unwrap_or_default();
        let address = (network & !rest) | (any & rest);
        let list = allowed(&format!("{}/{length}", Ipv4Addr::from(network)));
        let address_is_there = network & mask == address & mask;
        let address = Ipv4Addr::from(address);
        for spelling in [IpAddr::V4(address), address.to_ipv6_mapped().into()] {
            prop_assert_eq!(list.contain(spelling), address_is_there);
        }
    }
}

#[test]
fn an_invalid_address_is_refused() {
    for text in ["pl4nted", "198.51.100.0/33", "198.51.100", "198.51.100.1:80", "example.com", "::/129"] {
        for name in ["trusted_proxies", "notify.allowed_addresses"] {
            let result = from_file(&format!("insecure = true\n{name} = ['192.0.2.1', '{text}']"));
            assert!(!format!("{result:?}").contains(text), "it may be a secret that went astray");
            refuses(result, &[&format!("{name}: number 2 is neither an address nor a network")]);
        }
    }
    refuses(from_file("proxy_header = 'x-real-ip'"), &["proxy_header must be x-forwarded-for or forwarded"]);
    for everybody in ["0.0.0.0/0", "::/0", "::ffff:0.0.0.0/96"] {
        let setting = format!("insecure = true\ntrusted_proxies = ['{everybody}']");
        refuses(from_file(&setting), &["trusted_proxies: /0 contains every address"]);
    }
}
