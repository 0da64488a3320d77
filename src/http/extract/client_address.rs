//! The address of a client: that of the connection or, if that is a trusted proxy, the one that the proxy names.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use actix_web::{
    HttpRequest,
    http::header::{FORWARDED, HeaderValue, X_FORWARDED_FOR},
};

use crate::config::{Networks, Proxies, ProxyHeader};

/// The address of the client. An IPv4 address that is mapped to IPv6 is converted back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClientAddress(pub(crate) IpAddr);

impl ClientAddress {
    /// Returns the address of the client of a request; `None` if the connection is closed.
    pub(crate) fn of(request: &HttpRequest, proxies: &Proxies) -> Option<Self> {
        let peer = request.peer_addr()?;
        let hops = match proxies.header {
            ProxyHeader::XForwardedFor => request.headers().get_all(X_FORWARDED_FOR).flat_map(forwarded_for).collect(),
            ProxyHeader::Forwarded => request.headers().get_all(FORWARDED).flat_map(forwarded).collect::<Vec<_>>(),
        };
        Some(Self(client(peer.ip(), &proxies.trusted, &hops)))
    }
}

/// Follows the hops back from `peer`, beginning with the last one, as long as the hop that named the next one is
/// trusted. If a proxy names a client without an address (`unknown`), the proxy itself counts as the client.
fn client(peer: IpAddr, trusted: &Networks, hops: &[Option<IpAddr>]) -> IpAddr {
    let mut client = peer.to_canonical();
    for hop in hops.iter().rev() {
        match hop {
            Some(hop) if trusted.contain(client) => client = hop.to_canonical(),
            _ => break,
        }
    }
    client
}

fn forwarded_for(value: &HeaderValue) -> Vec<Option<IpAddr>> {
    let value = String::from_utf8_lossy(value.as_bytes());
    value.split(',').map(str::trim).filter(|hop| !hop.is_empty()).map(address).collect()
}

/// Parses RFC 7239: commas separate elements, semicolons separate their parameters, and quoted strings may contain
/// both.
fn forwarded(value: &HeaderValue) -> Vec<Option<IpAddr>> {
    let value = String::from_utf8_lossy(value.as_bytes());
    let hop = |element: &str| {
        let mut parameters = unquoted(element, ';').into_iter().filter_map(|parameter| parameter.split_once('='));
        let (_, node) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
        address(node.trim().trim_matches('"'))
    };
    unquoted(&value, ',').into_iter().filter(|element| !element.trim().is_empty()).map(hop).collect()
}

/// Splits at each separator that is not within quotes.
fn unquoted(text: &str, separator: char) -> Vec<&str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let parts = text.split(|c| {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = is_quoted,
            '"' => is_quoted = !is_quoted,
            c => return c == separator && !is_quoted,
        }
        false
    });
    parts.collect()
}

/// Parses an address with or without brackets and port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    text.parse().ok().or_else(with_port).or_else(bare)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use proptest::{prop_assert, prop_assert_eq, proptest};

    use super::*;
    use crate::config;

    const PROXY: &str = "10.0.0.1";

    /// Proxies in two networks, which write `header`.
    fn proxies(header: &str) -> Proxies {
        // Otherwise, the settings would require tokens, since the server is behind a proxy.
        let settings = [
            ("RECEIPTD_TRUSTED_PROXIES", "10.0.0.0/8, fd00::/8"),
            ("RECEIPTD_PROXY_HEADER", header),
            ("RECEIPTD_INSECURE", "true"),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        config::load(&config::Flags::default(), settings, Some("/dev/null".into())).unwrap().proxies
    }

    /// Returns the client of a request from `peer` with these lines of `header`, which the proxies write.
    fn client(peer: &str, header: &str, lines: &[&str]) -> String {
        let request = TestRequest::default().peer_addr(SocketAddr::new(peer.parse().unwrap(), 4711));
        let request = lines.iter().fold(request, |request, line| request.append_header((header, *line)));
        ClientAddress::of(&request.to_http_request(), &proxies(header)).unwrap().0.to_string()
    }

    #[test]
    fn only_a_trusted_proxy_names_the_client() {
        for (peer, lines, expected) in [
            (PROXY, &[][..], PROXY),
            (PROXY, &["192.0.2.1"], "192.0.2.1"),
            (PROXY, &["198.51.100.1, 192.0.2.1"], "192.0.2.1"),
            (PROXY, &["198.51.100.1", "192.0.2.1"], "192.0.2.1"),
            (PROXY, &["192.0.2.1, 10.0.0.2,fd00::2"], "192.0.2.1"),
            (PROXY, &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("::ffff:10.0.0.1", &["::ffff:192.0.2.1"], "192.0.2.1"),
            ("fd00::1", &["2001:db8::1"], "2001:db8::1"),
            (PROXY, &["[2001:db8::1]:4711"], "2001:db8::1"),
            (PROXY, &["[2001:db8::1]"], "2001:db8::1"),
            (PROXY, &["192.0.2.1:4711,, "], "192.0.2.1"),
            (PROXY, &["192.0.2.1, unknown"], PROXY),
            (PROXY, &["192.0.2.1, unknown, 10.0.0.2"], "10.0.0.2"),
            ("198.51.100.7", &["192.0.2.1"], "198.51.100.7"),
            ("::ffff:198.51.100.7", &["10.0.0.1"], "198.51.100.7"),
        ] {
            assert_eq!(client(peer, "x-forwarded-for", lines), expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn the_header_of_rfc_7239_names_the_client_too() {
        for (lines, expected) in [
            (&["for=192.0.2.1"][..], "192.0.2.1"),
            (&["for=198.51.100.1, For=\"192.0.2.1:80\";proto=https;by=10.0.0.1"], "192.0.2.1"),
            (&["proto=https; for=\"[2001:db8::1]:4711\""], "2001:db8::1"),
            (&["for=192.0.2.1", "for=10.0.0.2"], "192.0.2.1"),
            (&["for=192.0.2.1;host=\"a,for=198.51.100.1;for=198.51.100.1\""], "192.0.2.1"),
            (&["for=192.0.2.1;host=\"\\\",for=198.51.100.1\""], "192.0.2.1"),
            (&["for=\"x, for=192.0.2.1"], PROXY),
            (&["for=192.0.2.1, for=_hidden"], PROXY),
            (&["for=192.0.2.1, by=10.0.0.2"], PROXY),
        ] {
            assert_eq!(client(PROXY, "forwarded", lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn the_header_that_the_proxy_does_not_write_is_not_read() {
        let request = TestRequest::default().peer_addr(SocketAddr::new(PROXY.parse().unwrap(), 4711));
        let request = request.insert_header(("forwarded", "for=198.51.100.1"));
        let request = request.insert_header(("x-forwarded-for", "192.0.2.1")).to_http_request();
        let of = |header| ClientAddress::of(&request, &proxies(header)).unwrap().0.to_string();
        assert_eq!((of("x-forwarded-for"), of("forwarded")), ("192.0.2.1".to_owned(), "198.51.100.1".to_owned()));
    }

    proptest! {
        #[test]
        fn the_claim_of_a_client_itself_is_ignored(claim in "[ -~]{0,40}", separate: bool) {
            for (header, entry) in [("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=192.0.2.1")] {
                let joined = format!("{claim}, {entry}");
                let lines = if separate { vec![claim.as_str(), entry] } else { vec![joined.as_str()] };
                let found = client(PROXY, header, &lines);
                // A quote that the client left open may hide the entry of the proxy; then the proxy counts as the client.
                let is_hidden = header == "forwarded" && !separate && claim.contains('"') && found == PROXY;
                prop_assert!(found == "192.0.2.1" || is_hidden, "{} {}", header, found);
                prop_assert_eq!(client("198.51.100.7", header, &lines), "198.51.100.7");
            }
        }
    }
}
