//! Lists of IP addresses: trusted proxies, and clients that may use the notify URL.

use std::{fmt, net::IpAddr};

use ipnet::{IpNet, Ipv4Net};

use super::errors::ConfigErrors;

/// IP networks and single IP addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether an address is in one of the networks. `192.0.2.1` and `::ffff:192.0.2.1` are the same address.
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address.to_canonical()))
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
    }
}

/// The proxies in front of the server, and the header in which they name their clients.
#[derive(Clone, Debug)]
pub struct Proxies {
    /// The networks of trusted proxies. Only these may name the address of a client.
    pub trusted: Networks,
    /// The header that they write.
    pub header: ProxyHeader,
}

/// The header in which proxies name their clients. Only one is read, since a proxy that writes one of them may pass
/// on the other as the client sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyHeader {
    /// `X-Forwarded-For`
    XForwardedFor,
    /// `Forwarded`, RFC 7239
    Forwarded,
}

/// Parses a list of addresses. Errors name an entry by its position, since it may be a misplaced secret.
pub(super) fn networks(name: &str, texts: &[String], errors: &mut ConfigErrors) -> Networks {
    let mut networks = Vec::new();
    for (n, text) in texts.iter().enumerate() {
        let network = network(text);
        let advice = "is neither an address nor a network, as in 192.0.2.0/24";
        errors.check(network.is_some(), &format!("{name}: number {} {advice}", n + 1));
        networks.extend(network);
    }
    Networks(networks)
}

pub(super) fn proxies(trusted: &[String], header: &str, errors: &mut ConfigErrors) -> Option<Proxies> {
    let trusted = networks("trusted_proxies", trusted, errors);
    let contains_all = trusted.0.iter().any(|network| network.prefix_len() == 0);
    errors.check(!contains_all, "trusted_proxies: /0 contains every address, so every client could claim any address");
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
    // A network within ::ffff:0:0/96 is an IPv4 network.
    let mapped = || {
        let IpNet::V6(network) = network else { return None };
        Ipv4Net::new(network.addr().to_ipv4_mapped()?, network.prefix_len().checked_sub(96)?).ok()
    };
    Some(mapped().map_or(network, IpNet::V4))
}
