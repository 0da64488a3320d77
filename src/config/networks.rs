//! Lists of IP addresses, and what the settings make of them.

use std::{fmt, net::IpAddr};

use ipnet::{IpNet, Ipv4Net};

use super::errors::ConfigErrors;

/// IP addresses: networks, and single ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an address is one of them. An IPv4 address is the same in both of its spellings, `192.0.2.1` and
    /// `::ffff:192.0.2.1`.
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address.to_canonical()))
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
    }
}

/// The proxies in front, and how they say for whom they ask.
#[derive(Clone, Debug)]
pub struct Proxies {
    /// The networks of trusted proxies. Only these may name the address of a client.
    pub trusted: Networks,
    /// What they write.
    pub header: ProxyHeader,
}

/// The header in which proxies name their clients. Only one is read, since a proxy that writes one of them may let
/// through what a client put into the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyHeader {
    /// `X-Forwarded-For`
    XForwardedFor,
    /// `Forwarded`, RFC 7239
    Forwarded,
}

/// Reads a list of addresses. In a fault they are named by position: a secret may have gone astray.
pub(super) fn networks(name: &str, texts: &[String], errors: &mut ConfigErrors) -> Networks {
    let mut networks = Vec::new();
    for (n, text) in texts.iter().enumerate() {
        let network = network(text);
        let words = "is neither an address nor a network, as in 192.0.2.0/24";
        errors.check(network.is_some(), &format!("{name}: number {} {words}", n + 1));
        networks.extend(network);
    }
    Networks(networks)
}

pub(super) fn proxies(trusted: &[String], header: &str, errors: &mut ConfigErrors) -> Option<Proxies> {
    let trusted = networks("trusted_proxies", trusted, errors);
    let everybody = trusted.0.iter().any(|network| network.prefix_len() == 0);
    errors.check(!everybody, "trusted_proxies: /0 contains every address, so every client could claim any address");
    let header = match header {
        "x-forwarded-for" => Some(ProxyHeader::XForwardedFor),
        "forwarded" => Some(ProxyHeader::Forwarded),
        _ => None,
    };
    errors.check(header.is_some(), "proxy_header must be x-forwarded-for or forwarded");
    Some(Proxies { trusted, header: header? })
}

fn network(text: &str) -> Option<IpNet> {
    let network = text.parse::<IpNet>().ok().or_else(|| Some(text.parse::<IpAddr>().ok()?.into()))?.trunc();
    // What is within ::ffff:0:0/96 is IPv4.
    let mapped = || {
        let IpNet::V6(network) = network else { return None };
        Ipv4Net::new(network.addr().to_ipv4_mapped()?, network.prefix_len().checked_sub(96)?).ok()
    };
    Some(mapped().map_or(network, IpNet::V4))
}
