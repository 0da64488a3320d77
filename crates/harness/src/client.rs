//! A client for requests, with short method names.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use reqwest::{Body, Certificate, ClientBuilder, Method, RequestBuilder, redirect::Policy};
use serde_json::Value;

use super::{Answer, described::assert_described, page::PAGE_POLICY};

/// A client of a server.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
    cookie: Option<String>,
}

impl Client {
    pub fn of(base: String) -> Self {
        Self::with(base, None, |builder| builder)
    }

    /// A client that is configured by `kind`. If authorities are named, it trusts only these.
    pub fn with(base: String, authority: Option<&str>, kind: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Self {
        let builder = reqwest::Client::builder().no_proxy();
        // Reading the certificates of the system takes longer than the requests.
        let authorities = authority.map(|pem| Certificate::from_pem(pem.as_bytes()).unwrap());
        // Answers that lead elsewhere are asserted too.
        let builder = builder.redirect(Policy::none()).timeout(Duration::from_mins(1)).tls_certs_only(authorities);
        Self { http: kind(builder).build().unwrap(), base, token: None, cookie: None }
    }

    /// Another client, with another address of this machine and its own connections.
    pub fn at_address(&self, address: [u8; 4]) -> Self {
        let other = Self::with(self.base.clone(), None, |builder| builder.local_address(IpAddr::from(address)));
        Self { token: self.token.clone(), cookie: self.cookie.clone(), ..other }
    }

    /// The same client with this API token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same client with the session that this answer began, and without a token.
    pub fn with_session(&self, begun: &Answer) -> Self {
        let cookie = begun.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        Self { token: None, cookie: Some(cookie), ..self.clone() }
    }

    /// The same client with the session of another one, at this server.
    pub fn with_session_of(&self, other: &Self) -> Self {
        Self { token: None, cookie: other.cookie.clone(), ..self.clone() }
    }

    /// Logs in with an API token.
    pub async fn logs_in(&self, token: &str) -> Self {
        let body = serde_json::json!({ "token": token }).to_string();
        self.with_session(&self.posts_to("/session", body).await.is(200))
    }

    /// The address of the server.
    pub fn address(&self) -> SocketAddr {
        self.base.rsplit('/').next().unwrap().parse().unwrap()
    }

    /// A request that can still be changed. [`asked`] sends it.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        let request = self.cookie.iter().fold(request, |request, cookie| request.header("cookie", cookie));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Whether a server answers.
    pub async fn is_answered(&self) -> bool {
        self.request(Method::GET, "/health/live").send().await.is_ok_and(|answer| answer.status().is_success())
    }

    pub async fn gets(&self, path: &str) -> Answer {
        asked(self.request(Method::GET, path)).await
    }

    /// Posts to `/notify`, as the platform does.
    pub async fn posts(&self, body: impl Into<Body>) -> Answer {
        self.posts_to("/notify", body).await
    }

    pub async fn posts_to(&self, path: &str, body: impl Into<Body>) -> Answer {
        asked(self.request(Method::POST, path).header("content-type", "application/json").body(body)).await
    }

    /// Posts to a server that may be down. Returns the status, if there was an answer.
    pub async fn tries(&self, body: impl Into<Body>) -> Option<u16> {
        let answer = self.request(Method::POST, "/notify").body(body).send().await.ok()?;
        let status = answer.status().as_u16();
        answer.bytes().await.ok().map(|_| status)
    }

    /// Sends a message.
    pub async fn sends(&self, message: &Value) -> Answer {
        self.posts_to("/v1/messages", message.to_string()).await
    }

    /// Sends a message with an idempotency key.
    pub async fn sends_with_key(&self, key: &str, message: &Value) -> Answer {
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        self.posts_with("/v1/messages", &headers, message.to_string()).await
    }

    /// Posts with these headers.
    pub async fn posts_with(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let request = self.request(Method::POST, path);
        asked(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).body(body)).await
    }

    /// Sends several messages, one per line. Returns the answers, line by line.
    pub async fn sends_lines(&self, lines: impl Into<Body>) -> Vec<Value> {
        let request = self.request(Method::POST, "/v1/messages").header("content-type", "application/x-ndjson");
        let answer = asked(request.body(lines)).await.is(200);
        assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
        answer.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The message with this id, which must exist.
    pub async fn message(&self, id: &str) -> Value {
        self.gets(&message_path(id)).await.is(200).json()
    }

    /// The status of a message. `None` if there is no such message.
    pub async fn status_of(&self, id: &str) -> Option<String> {
        let answer = self.gets(&message_path(id)).await;
        (answer.status == 200).then(|| answer.json()["status"].as_str().unwrap_or_default().to_owned())
    }

    /// The items of a page.
    pub async fn items(&self, path: &str) -> Vec<Value> {
        self.gets(path).await.is(200).json()["items"].as_array().cloned().unwrap_or_default()
    }

    /// The items of a list, from the first page to the last.
    pub async fn every_item(&self, path: &str) -> Vec<Value> {
        let (mut items, mut query) = (Vec::new(), String::new());
        loop {
            let page = self.gets(&format!("{path}?limit=500{query}")).await.is(200).json();
            items.extend(page["items"].as_array().cloned().unwrap_or_default());
            let Some(next) = page["nextCursor"].as_str() else { return items };
            query = format!("&cursor={}", encoded(next));
        }
    }

    /// The ids of the messages of a list, in its order.
    pub async fn ids(&self, query: &str) -> Vec<String> {
        let items = self.items(&format!("/v1/messages{query}")).await;
        items.iter().map(|item| item["correlationId"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The value of a metric, with its labels as they are written. 0 if it does not exist yet.
    pub async fn metric(&self, name: &str) -> i64 {
        let metrics = self.gets("/metrics").await.is(200).body;
        let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.map_or(0, |value| value.parse().unwrap())
    }
}

/// Clients that guess secrets. Each guesses only a few times, since failed guesses are throttled.
pub struct Strangers {
    known: Vec<Client>,
    guesses: usize,
}

impl Strangers {
    pub fn of(client: &Client) -> Self {
        let addresses = (1..=u8::MAX).map(|n| client.at_address([127, 1, 1, n]));
        Self { known: addresses.take(48).collect(), guesses: 0 }
    }

    /// The client for the next guess.
    pub fn next(&mut self) -> &Client {
        self.guesses += 1;
        &self.known[self.guesses / 10]
    }
}

/// Sends a request and reads its answer. An answer of receiptd must conform to the API description.
pub async fn asked(request: RequestBuilder) -> Answer {
    let (client, request) = request.build_split();
    let request = request.unwrap();
    let (method, path) = (request.method().clone(), request.url().path().to_owned());
    let words = format!("{method} {}", request.url());
    let response = client.execute(request).await.unwrap_or_else(|error| panic!("{words}: {error:?}"));
    let answer = Answer::read(words, response).await;
    // The simulated platform, whose answers have no such header, has another description.
    if answer.header("x-request-id").is_some() {
        assert_described(method.as_str(), &path, &answer);
        assert_protected(&answer);
    }
    answer
}

/// The headers for browsers and caches on every answer.
#[track_caller]
fn assert_protected(answer: &Answer) {
    let header = |name| answer.header(name).unwrap_or_default();
    assert_eq!(header("x-content-type-options"), "nosniff", "{}", answer.request);
    assert_eq!(header("cache-control"), "no-store", "{}", answer.request);
    assert_eq!(header("referrer-policy"), "no-referrer", "{}", answer.request);
    assert_eq!(header("cross-origin-resource-policy"), "same-origin", "{}", answer.request);
    let policy = header("content-security-policy");
    if header("content-type").starts_with("text/html") {
        assert_eq!(policy, PAGE_POLICY, "{}", answer.request);
        return;
    }
    let is_strict = policy.starts_with("default-src 'none'; ") && policy.ends_with(" frame-ancestors 'none'");
    assert!(is_strict, "{}: {policy}", answer.request);
    assert!(!policy.contains("script-src") && !policy.contains("unsafe"), "{}: {policy}", answer.request);
}

/// The path of a message.
pub fn message_path(id: &str) -> String {
    format!("/v1/messages/{}", encoded(id))
}

/// Percent-encodes everything except letters and digits.
pub fn encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}
