//! Authentication of the notify URL: a request needs all configured credentials, each with one of its two active
//! secrets. If one is missing or wrong, the answer is `401` and nothing is stored.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use harness::{Answer, Client, Database, Sample, Strangers, TestServer, asked, both, fixtures, sqlite};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use sha2::{Sha256, Sha512};

both!(each_of_two_active_secrets_is_accepted);
sqlite!(only_requests_with_all_required_credentials_are_accepted, every_form_of_a_signature_is_accepted);

/// The methods of authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    Path,
    Signature,
    Basic,
    Bearer,
}

/// How a request uses one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shown {
    First,
    Second,
    Wrong,
    Missing,
}

use Shown::{First, Missing, Second, Wrong};
use Way::{Basic, Bearer, Path, Signature};

/// Every set of methods that can be configured. Basic and bearer exclude each other.
const ASKED: [&[Way]; 11] = [
    &[Path],
    &[Signature],
    &[Basic],
    &[Bearer],
    &[Path, Signature],
    &[Path, Basic],
    &[Path, Bearer],
    &[Signature, Basic],
    &[Signature, Bearer],
    &[Path, Signature, Basic],
    &[Path, Signature, Bearer],
];

impl Way {
    /// The setting, and its two active secrets.
    pub(super) fn setting(self) -> (&'static str, [&'static str; 2]) {
        match self {
            Path => ("notify.path_token", ["path-0ld", "path-n3w"]),
            Signature => ("notify.hub_secrets", ["hub-0ld", "hub-n3w"]),
            Basic => ("notify.basic", ["webex:basic-0ld", "webex:basic-n3w"]),
            Bearer => ("notify.bearer", ["bearer-0ld", "bearer-n3w"]),
        }
    }

    /// The label of the metric.
    pub(super) fn method(self) -> &'static str {
        match self {
            Path => "path_token",
            Signature => "signature",
            Basic => "basic",
            Bearer => "bearer",
        }
    }

    /// The text that is sent, if any.
    fn text(self, shown: Shown) -> Option<String> {
        let [first, second] = self.setting().1;
        match shown {
            First => Some(first.to_owned()),
            Second => Some(second.to_owned()),
            Wrong => Some(format!("{first}x")),
            Missing => None,
        }
    }
}

async fn only_requests_with_all_required_credentials_are_accepted(database: &Database) {
    let (mut server, mut let_in) = (TestServer::on(database), 0);
    for asked in ASKED {
        for (name, values) in asked.iter().map(|way| way.setting()) {
            server = server.with(name, &values.join(","));
        }
        let running = server.start().await;
        let mut counts = BTreeMap::new();
        let mut strangers = Strangers::of(&running);
        for shown in combinations(asked.len()) {
            let id = format!("{asked:?}{shown:?}");
            let shows: Vec<_> = asked.iter().copied().zip(shown).collect();
            let answer = posts(strangers.next(), &id, &shows).await;
            if shows.iter().all(|(_, shown)| [First, Second].contains(shown)) {
                answer.is_acknowledged();
                let_in += 1;
                for one in shows {
                    *counts.entry(one).or_insert(0) += 1;
                }
            } else {
                answer.is_problem(401, "unauthorized");
                let mut secrets = asked.iter().flat_map(|way| way.setting().1);
                assert!(secrets.all(|secret| !answer.body.contains(secret)), "{}", answer.body);
            }
        }
        for ((way, shown), count) in counts {
            let secret = if shown == First { 1 } else { 2 };
            let name =
                format!("receiptd_notify_authenticated_total{{method=\"{}\",secret=\"{secret}\"}}", way.method());
            assert_eq!(running.metric(&name).await, count, "{name} of {asked:?}");
        }
        server = running.stopped().await.without_settings();
    }
    // Methods that are not configured are ignored.
    let server = server.start().await;
    let wrong = [(Path, Wrong), (Signature, Wrong), (Bearer, Wrong)];
    posts(&server, "open", &wrong).await.is_acknowledged();
    assert_eq!(server.ids("?limit=500").await.len(), let_in + 1);
    assert!(server.items("/v1/quarantine").await.is_empty());
    server.stop().await;
}

fn combinations(ways: usize) -> Vec<Vec<Shown>> {
    (0..ways).fold(vec![Vec::new()], |combinations, _| {
        let more = |one: Vec<Shown>| [First, Second, Wrong, Missing].map(|shown| [one.clone(), vec![shown]].concat());
        combinations.into_iter().flat_map(more).collect()
    })
}

pub(super) async fn posts(client: &Client, id: &str, shows: &[(Way, Shown)]) -> Answer {
    let (mut path, body) = ("/notify".to_owned(), Sample::of(id).body());
    let mut headers = Vec::new();
    for (way, shown) in shows {
        let Some(text) = way.text(*shown) else { continue };
        match way {
            Path => path = format!("/notify/{text}"),
            Signature => headers.push(("x-hub-signature", format!("sha256={}", sha256(&text, &body)))),
            Basic => headers.push(("authorization", format!("Basic {}", BASE64_STANDARD.encode(text)))),
            Bearer => headers.push(("authorization", format!("Bearer {text}"))),
        }
    }
    let request = client.request(Method::POST, &path).body(body);
    asked(headers.iter().fold(request, |request, (name, value)| request.header(*name, value))).await
}

pub(super) fn sha256(key: &str, body: &str) -> String {
    let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key.as_bytes()).unwrap().chain_update(body);
    hex::encode(mac.finalize().into_bytes())
}

fn sha512(key: &str, body: &str) -> String {
    let mac = <Hmac<Sha512> as KeyInit>::new_from_slice(key.as_bytes()).unwrap().chain_update(body);
    hex::encode(mac.finalize().into_bytes())
}

fn signed(server: &TestServer, body: &str, signature: &str) -> RequestBuilder {
    server.request(Method::POST, "/notify").header("x-hub-signature", signature).body(body.to_owned())
}

async fn every_form_of_a_signature_is_accepted(database: &Database) {
    let key = "example-hub-secret-0123456789";
    let server = TestServer::on(database).with("notify.hub_secrets", key).start().await;
    // These were computed by another program.
    let vectors = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/signature-vectors.json")).unwrap();
    for vector in serde_json::from_slice::<Vec<Value>>(&vectors).unwrap() {
        let text = |name: &str| vector[name].as_str().unwrap();
        assert_eq!(text("secret"), key);
        asked(signed(&server, text("body"), text("header_sha256"))).await.is_acknowledged();
        assert_eq!(sha256(key, text("body")), text("sha256_hex"));
        assert_eq!(sha512(key, text("body")), text("sha512_hex"));
    }
    let (compact, pretty) = (Sample::of("order-1").body(), Sample::of("order-1").pretty());
    let (short, long) = (sha256(key, &compact), sha512(key, &compact));
    for signature in [format!("sha256={short}"), short.clone(), short.to_uppercase(), format!("sha512={long}"), long] {
        asked(signed(&server, &compact, &signature)).await.is_acknowledged();
        // The platform signs the compact form even if it posts another one.
        asked(signed(&server, &pretty, &signature)).await.is_acknowledged();
    }
    asked(signed(&server, &pretty, &sha256(key, &pretty))).await.is_acknowledged();
    let other = Sample::of("order-2").body();
    for signature in
        ["", "sha256=", "sha256", &format!("sha512={short}"), &format!("sha1={short}"), &short[1..], &short]
    {
        asked(signed(&server, &other, signature)).await.is_problem(401, "unauthorized");
    }
    assert!(!server.ids("").await.contains(&"order-2".to_owned()));
    server.stop().await;
}

async fn each_of_two_active_secrets_is_accepted(database: &Database) {
    let server = TestServer::on(database).with("notify.hub_secrets", "old-s3cret, new-s3cret").start().await;
    for (_, body) in fixtures("inbound").into_iter().take(3) {
        let body = String::from_utf8(body).unwrap();
        for key in ["old-s3cret", "new-s3cret"] {
            asked(signed(&server, &body, &sha256(key, &body))).await.is_acknowledged();
        }
        asked(signed(&server, &body, &sha256("older-s3cret", &body))).await.is_problem(401, "unauthorized");
    }
    let listed = server.items("/v1/inbound").await;
    assert_eq!(listed.iter().map(|one| one["times"].as_i64().unwrap()).collect::<Vec<_>>(), [2, 2, 2]);
    assert_eq!(server.metric("receiptd_notify_requests_total{outcome=\"unauthorized\"}").await, 3);
    server.stop().await;
}
