//! Checks every request to the API and the pages before its handler sees it: it was not sent by a web page of another origin, each
//! parameter is given once, and the body has an encoding that is read.
//!
//! A page in a browser can send requests to any address that the browser can reach, loopback included. If the API
//! requires no token, that would be enough to send messages. The paths that need no token are exempt: the notify URL,
//! which stores everything that is authentic, and what is public.

use std::collections::BTreeMap;

use crate::{
    domain::FieldError,
    http::{
        host::{host, is_loopback, is_same_origin},
        problem::{Code, Problem},
        state::App,
    },
};
use actix_web::{
    Error, ResponseError,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, Uri,
        header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, ORIGIN},
        uri::{Authority, PathAndQuery},
    },
    middleware::Next,
    web::{self, Data, Payload},
};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
/// The paths that need no token. Everything below one of them is exempt as well.
const EXEMPT: [&str; 6] = ["/notify", "/notify-check", "/health", "/openapi.json", "/docs", "/assets"];
/// The paths at which there is no page. Everything below one of them is meant too.
const PROGRAMS_ONLY: [&str; 3] = ["/v1", "/metrics", "/session"];

/// Whether the server listens on a loopback address.
#[derive(Clone, Copy)]
pub(crate) struct Local(pub(crate) bool);

/// Checks a request. One that is refused does not reach its handler.
pub(crate) async fn check(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, Error> {
    merge_slashes(&mut request);
    match refusal(&request) {
        None => Ok(next.call(request).await?.map_into_left_body()),
        Some(problem) => {
            let problem = match request.extract::<Payload>().await {
                Ok(rest) => problem.closing(rest),
                Err(_) => problem,
            };
            Ok(request.into_response(problem.error_response()).map_into_right_body())
        }
    }
}

/// Treats `//notify` and `/notify//TOKEN` as if they had one slash: a `public_url` that was joined from parts often has
/// two, and the platform would lose every notification that gets a 404.
fn merge_slashes(request: &mut ServiceRequest) {
    let path = request.uri().path();
    if !path.contains("//") {
        return;
    }
    let mut merged = String::with_capacity(path.len());
    merged.extend(path.chars().scan(' ', |last, c| Some((std::mem::replace(last, c), c))).filter_map(|(last, c)| {
        let is_repeated = last == '/' && c == '/';
        (!is_repeated).then_some(c)
    }));
    if !is_below(&merged, "/notify") && !is_below(&merged, "/notify-check") {
        return;
    }
    if let Some(query) = request.uri().query() {
        merged = format!("{merged}?{query}");
    }
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = PathAndQuery::from_maybe_shared(merged).ok();
    if let Ok(uri) = Uri::from_parts(parts) {
        request.match_info_mut().get_mut().update(&uri);
        request.head_mut().uri = uri;
    }
}

fn is_below(path: &str, root: &str) -> bool {
    path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn refusal(request: &ServiceRequest) -> Option<Problem> {
    // The router chooses the handler by this path, in which percent-encoded letters are decoded.
    let path = request.match_info().as_str();
    if EXEMPT.iter().any(|root| is_below(path, root)) {
        return None;
    }
    let host = host(request.head());
    let is_open = request.app_data::<Data<App>>().is_some_and(|app| app.tokens.is_none());
    let is_local = request.app_data::<Data<Local>>().is_some_and(|local| local.0);
    if is_open && is_local && !host.as_ref().is_none_or(is_loopback) {
        let detail = "without api.tokens the API answers only to loopback names, such as localhost and 127.0.0.1; \
                      use one of these, or set api.tokens";
        return Some(Problem::new(Code::Misdirected, detail));
    }
    if is_foreign(request.headers(), host.as_ref()) && !is_link_to_a_page(request, path) {
        let detail = "receiptd rejects requests that a browser sends for a page of another origin (Origin, \
                      Sec-Fetch-Site)";
        return Some(Problem::new(Code::ForeignOrigin, detail));
    }
    if let Some(detail) = unreadable(request.headers()) {
        return Some(Problem::new(Code::UnsupportedMediaType, detail));
    }
    let errors = repeated(request.query_string());
    (!errors.is_empty()).then(|| Problem::faulty(errors))
}

/// Returns whether the browser reports that a page of another origin sent the request. Browsers that do not send
/// `Sec-Fetch-Site` send the origin with every request that changes something. A proxy may have changed the host, so the
/// origin counts only without that header.
fn is_foreign(headers: &HeaderMap, host: Option<&Authority>) -> bool {
    if headers.contains_key(SEC_FETCH_SITE) {
        return headers.get_all(SEC_FETCH_SITE).any(|site| !matches!(site.as_bytes(), b"same-origin" | b"none"));
    }
    headers.get_all(ORIGIN).any(|origin| !host.is_some_and(|host| is_same_origin(origin, host)))
}

/// Returns whether a person follows a link to a page. Links may come from anywhere, for example from a chat. The other
/// origin cannot read the page, and pages change nothing when they are read.
fn is_link_to_a_page(request: &ServiceRequest, path: &str) -> bool {
    let is = |name: HeaderName, value: &str| request.headers().get(name).is_some_and(|given| given == value);
    request.method() == Method::GET
        && !PROGRAMS_ONLY.iter().any(|root| is_below(path, root))
        && is(SEC_FETCH_MODE, "navigate")
        && is(SEC_FETCH_DEST, "document")
}

/// Returns why the body cannot be read as the client means it, if it cannot.
fn unreadable(headers: &HeaderMap) -> Option<&'static str> {
    let is_identity = |value: &HeaderValue| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity");
    if !headers.get_all(CONTENT_ENCODING).all(is_identity) {
        return Some("send the body without Content-Encoding: it is not decompressed");
    }
    let is_utf8 = |value: &HeaderValue| {
        let value = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
        let parameters = value.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
        let mut charsets = parameters.filter(|(name, _)| name.trim() == "charset");
        charsets.all(|(_, charset)| ["utf-8", "utf8", "us-ascii"].contains(&charset.trim().trim_matches('"')))
    };
    let all = headers.get_all(CONTENT_TYPE).all(is_utf8);
    (!all).then_some("send the body in UTF-8: no other charset is read")
}

/// Returns an error for each parameter that is given more than once, since it is unclear which value is meant.
fn repeated(query: &str) -> Vec<FieldError> {
    let Ok(pairs) = web::Query::<Vec<(String, String)>>::from_query(query) else { return Vec::new() };
    let mut counts = BTreeMap::<String, usize>::new();
    for (name, _) in pairs.into_inner() {
        *counts.entry(name).or_default() += 1;
    }
    let repeated = counts.into_iter().filter(|(_, count)| *count > 1);
    repeated
        .map(|(name, count)| FieldError {
            pointer: format!("/{name}"),
            detail: format!("is given {count} times; give it once"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn foreign(host: &str, headers: &[(&'static str, &str)]) -> bool {
        let request = headers.iter().fold(TestRequest::default(), |request, header| request.append_header(*header));
        is_foreign(request.to_http_request().headers(), host.parse().ok().as_ref())
    }

    #[test]
    fn a_request_of_a_page_of_another_origin_is_foreign() {
        for (host, origin, expected) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080", false),
            ("localhost:8080", "http://LOCALHOST:8080", false),
            ("hooks.example.com", "https://hooks.example.com", false),
            ("hooks.example.com:443", "https://hooks.example.com", false),
            ("hooks.example.com", "http://hooks.example.com", false),
            ("[::1]:8080", "http://[::1]:8080", false),
            ("127.0.0.1:8080", "http://127.0.0.1:3000", true),
            ("127.0.0.1:8080", "http://127.0.0.1", true),
            ("127.0.0.1:8080", "http://localhost:8080", true),
            ("127.0.0.1:8080", "https://evil.example", true),
            ("127.0.0.1:8080", "https://127.0.0.1.evil.example:8080", true),
            ("127.0.0.1:8080", "null", true),
            ("127.0.0.1:8080", "", true),
            ("", "http://127.0.0.1:8080", true),
        ] {
            assert_eq!(foreign(host, &[("origin", origin)]), expected, "{origin} at {host}");
        }
        for (site, expected) in [("same-origin", false), ("none", false), ("same-site", true), ("cross-site", true)] {
            assert_eq!(foreign("127.0.0.1", &[("sec-fetch-site", site)]), expected, "{site}");
        }
        assert!(!foreign("127.0.0.1", &[]), "it is not a browser");
        for (site, expected) in [("same-origin", false), ("cross-site", true)] {
            let headers = [("sec-fetch-site", site), ("origin", "https://status.example.com")];
            assert_eq!(foreign("127.0.0.1:8080", &headers), expected, "{site} behind a proxy that changed the host");
        }
        let two = [("origin", "http://127.0.0.1"), ("origin", "http://evil.example")];
        assert!(foreign("127.0.0.1", &two), "one of two is foreign");
    }

    #[test]
    fn a_body_is_read_in_utf_8_and_as_it_comes() {
        let read = |name: &'static str, value: &str| {
            let request = TestRequest::default().append_header((name, value)).to_http_request();
            unreadable(request.headers()).is_none()
        };
        for value in ["application/json", "text/csv; charset=utf-8; header=present", "a/b;charset=\"UTF-8\"", "a/b; x"]
        {
            assert!(read("content-type", value), "{value}");
        }
        for value in
            ["application/json; charset=iso-8859-1", "text/csv;header=present;Charset=\"UTF-16\"", "a;charset="]
        {
            assert!(!read("content-type", value), "{value}");
        }
        assert!(read("content-encoding", "Identity"));
        for value in ["gzip", "br", "identity, gzip", "aes128gcm"] {
            assert!(!read("content-encoding", value), "{value}");
        }
    }

    #[test]
    fn a_parameter_that_is_given_more_than_once_is_an_error() {
        let errors = |query: &str| repeated(query).into_iter().map(|error| error.pointer).collect::<Vec<_>>();
        assert_eq!(errors("a=1&b=1&A=1&c"), [""; 0]);
        assert_eq!(errors("a=1&b=2&a=1&b=&c=3&%61=1"), ["/a", "/b"]);
    }
}
