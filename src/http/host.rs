//! The host that a client names, and whether another origin is meant.

use std::net::IpAddr;

use actix_web::{
    dev::RequestHead,
    http::{
        header::{HOST, HeaderValue},
        uri::Authority,
    },
};
use url::Url;

/// Returns the host that the client names; `None` if it names none, which browsers always do.
pub(crate) fn host(request: &RequestHead) -> Option<Authority> {
    // Over HTTP/2, it is part of the URI.
    let authority = request.uri.authority().cloned();
    authority.or_else(|| request.headers().get(HOST)?.to_str().ok()?.trim().parse().ok())
}

/// Returns whether the name or address always means this machine. A foreign name that resolves to it (DNS rebinding)
/// does not.
pub(crate) fn is_loopback(host: &Authority) -> bool {
    let name = host.host().trim_end_matches('.').to_ascii_lowercase();
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address.map_or_else(
        |_| name == "localhost" || name.ends_with(".localhost"),
        |address| address.to_canonical().is_loopback(),
    )
}

/// Host and port decide. The scheme does not: a proxy in front may add TLS.
pub(crate) fn is_same_origin(origin: &HeaderValue, host: &Authority) -> bool {
    let Some(origin) = origin.to_str().ok().and_then(|text| Url::parse(text).ok()) else { return false };
    let default = if origin.scheme() == "https" { 443 } else { 80 };
    let is_same_name = origin.host_str().is_some_and(|name| name.eq_ignore_ascii_case(host.host()));
    is_same_name && origin.port().unwrap_or(default) == host.port_u16().unwrap_or(default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        let loopback = ["localhost", "LocalHost:80", "localhost.", "a.localhost:1", "127.0.0.1", "127.9.9.9:8080"];
        for host in loopback.into_iter().chain(["[::1]", "[::1]:80", "[::ffff:127.0.0.1]:80"]) {
            assert!(is_loopback(&host.parse().unwrap()), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "0.0.0.0", "10.0.0.1", "[::]"]
        {
            assert!(!is_loopback(&host.parse().unwrap()), "{host}");
        }
    }
}
