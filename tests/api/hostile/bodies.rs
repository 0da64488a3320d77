//! Bodies that only look like JSON, or that contain too much of it. With valid credentials, the notify URL stores each
//! as a notification, as an inbound message or in quarantine, equally on both databases.

use std::collections::BTreeMap;

use harness::{Answer, Database, Sample, TestServer, asked, both, sqlite};
use reqwest::Method;

use super::is_well;

both!(every_hostile_body_is_stored_or_quarantined);
sqlite!(the_api_rejects_hostile_bodies_with_the_reason, compressed_bodies_are_stored_unchanged);

/// Maximum size of a body.
const LIMIT: usize = 1024 * 1024;

/// Where a body is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kept {
    Message,
    Quarantine,
}

use Kept::{Message, Quarantine};

/// A notification with this text instead of one of its parts.
fn with(place: &str, json: &str) -> Vec<u8> {
    let body = Sample::of("PLACE-correlation").calls_back("PLACE-callback").transaction("PLACE-transaction");
    let body = body.says("PLACE-status", "PLACE-code").to("PLACE-destination").on("PLACE-channel").at("PLACE-time");
    let body = body.with("messageCount", "PLACE-count").with("additionalInfo", "PLACE-more").body();
    assert!(body.contains(&format!("\"PLACE-{place}\"")), "{place}");
    body.replace(&format!("\"PLACE-{place}\""), json).into_bytes()
}

/// A text that no database can compress.
fn noise(length: usize) -> String {
    let mut state = 88_172_645_463_325_252_u64;
    let letter = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'a' + u8::try_from(state % 26).unwrap())
    };
    (0..length).map(letter).collect()
}

/// Every hostile body with its name and the place where it must be stored.
fn bodies() -> Vec<(String, Vec<u8>, Kept)> {
    let mut bodies = Vec::new();
    let mut add = |name: &str, body: Vec<u8>, kept| bodies.push((name.to_owned(), body, kept));
    let nested = |depth: usize| format!("{}0{}", "[".repeat(depth), "]".repeat(depth));
    add("half a million brackets", "[".repeat(LIMIT / 2).into_bytes(), Quarantine);
    add("half a million objects", "{\"a\":".repeat(LIMIT / 5).into_bytes(), Quarantine);
    add("deep within a member", with("more", &nested(100)), Message);
    add("too deep within a member", with("more", &nested(10_000)), Message);
    add("a number beyond all", with("count", "1e999"), Message);
    add("a number of 100,000 digits", with("count", &"9".repeat(100_000)), Message);
    add("a count beyond all", with("count", &format!("\"{}\"", "9".repeat(1000))), Message);
    add("a negative count", with("count", "-0"), Message);
    add("a time beyond all", with("time", "\"99999999-99-99T99:99:99Z\""), Message);
    add("a code as a number", with("code", "-1e308"), Message);
    add("a lone surrogate", with("correlation", "\"\\ud800\""), Message);
    add("a lone surrogate elsewhere", with("more", "\"\\udfff x\""), Message);
    add("half of a pair", with("callback", "\"\\ud83d\\u0041\""), Message);
    add("bytes that are no UTF-8", [&b"\xc3\x28"[..], &with("more", "1")].concat(), Quarantine);
    add(
        "an overlong slash",
        with("more", "\"SLASH\"").split(|b| *b == b'S').collect::<Vec<_>>().join(&b"\xc0\xaf"[..]),
        Message,
    );
    add(
        "UTF-16",
        String::from_utf8(with("more", "2")).unwrap().encode_utf16().flat_map(u16::to_le_bytes).collect(),
        Quarantine,
    );
    add("a line break in a text", with("more", "\"a\nb\""), Message);
    add("a line break between", with("more", "\"a\"\n"), Message);
    add("an array of nothing", nested(LIMIT / 4).replace('0', "").into_bytes(), Quarantine);
    add("an array that breaks off", [b"[".to_vec(), with("more", "7"), b",".to_vec()].concat(), Quarantine);
    add("a byte order mark", ["\u{FEFF}".as_bytes(), &with("more", "3")].concat(), Message);
    add("a megabyte of blanks", vec![b' '; LIMIT], Quarantine);
    let one = with("more", "4");
    add("much white space before", [vec![b'\n'; LIMIT - one.len()], one].concat(), Message);
    add("something after the end", [with("more", "5"), b"{}".to_vec()].concat(), Quarantine);
    add("zeros after the end", [with("more", "6"), vec![0; 100]].concat(), Quarantine);
    add("200,000 members", format!("{{{}\"z\":0}}", "\"a\":0,".repeat(LIMIT / 6 - 2)).into_bytes(), Quarantine);
    add("a member twice", with("code", "\"7500\",\"code\":\"7500\",\"code\":\"7501\""), Message);
    add(
        "an envelope twice",
        b"{\"deliveryInfoNotification\":{\"transid\":\"a\"},\"deliveryInfoNotification\":[]}".to_vec(),
        Quarantine,
    );
    for place in ["correlation", "transaction", "callback", "status", "code", "destination", "channel", "time", "more"]
    {
        add(&format!("NUL in {place}"), with(place, "\"a\\u0000b\""), Message);
        add(
            &format!("markup in {place}"),
            with(place, "\"');DROP TABLE messages;--<script>\\r\\nx-evil: 1\""),
            Message,
        );
        let ids = ["correlation", "transaction"];
        let long = format!("\"{}\"", noise(20_000));
        add(
            &format!("20,000 letters in {place}"),
            with(place, &long),
            if ids.contains(&place) { Quarantine } else { Message },
        );
    }
    bodies
}

async fn every_hostile_body_is_stored_or_quarantined(database: &Database) {
    let server = TestServer::start(database).await;
    let bodies = bodies();
    let mut expected: BTreeMap<Kept, Vec<&str>> = BTreeMap::new();
    let mut found = expected.clone();
    let quarantined = async || server.metric("receiptd_notify_requests_total{outcome=\"quarantined\"}").await;
    for (name, body, kept) in &bodies {
        let before = quarantined().await;
        let answer = server.posts(body.clone()).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "{}"), "{name}");
        let is_quarantined = quarantined().await > before;
        expected.entry(*kept).or_default().push(name);
        found.entry(if is_quarantined { Quarantine } else { Message }).or_default().push(name);
    }
    assert_eq!(found, expected);
    // All bodies are stored and can be read.
    let kept = server.every_item("/v1/quarantine").await;
    assert_eq!(kept.len(), expected[&Quarantine].len());
    assert!(kept.iter().all(|one| !one["reason"].as_str().unwrap().contains("database")), "refused by the database");
    for id in server.ids("?limit=500").await {
        server.message(&id).await;
        server.items(&format!("{}/notifications", harness::message_path(&id))).await;
    }
    server.gets("/v1/stats?by=channel,status,code").await.is(200);
    for of in ["messages", "notifications", "quarantine"] {
        server.gets(&format!("/v1/export?of={of}&format=csv")).await.is(200);
    }
    is_well(&server).await;
    server.stop().await;
}

async fn the_api_rejects_hostile_bodies_with_the_reason(database: &Database) {
    let server = TestServer::on(database).sending_to("http://127.0.0.1:9").start().await;
    for (name, body, _) in bodies() {
        let send = |content_type| {
            let request = server.request(Method::POST, "/v1/messages").header("content-type", content_type);
            asked(request.body(body.clone()))
        };
        let answer: Answer = send("application/json").await;
        assert!([400, 413, 422].contains(&answer.status), "{name}: {} {}", answer.status, answer.body);
        let answer = send("application/x-ndjson").await.is(200);
        for line in answer.body.lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!([400, 413, 422].contains(&line["status"].as_i64().unwrap()), "{name}: {line}");
        }
        for format in ["csv", "txt", "json", "ndjson"] {
            let answer = server.posts_to(&format!("/v1/import?format={format}"), body.clone()).await;
            assert!([200, 422].contains(&answer.status), "{name} as {format}: {} {}", answer.status, answer.body);
        }
    }
    is_well(&server).await;
    server.stop().await;
}

/// Nothing is decompressed: the platform's documents do not mention compression, and decompression bombs would be a
/// risk.
async fn compressed_bodies_are_stored_unchanged(database: &Database) {
    let server = TestServer::start(database).await;
    // `printf '{}' | gzip -n`, and the beginning of a gzip of zeros.
    let small = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xab, 0xae, 5, 0, 0x43, 0xbf, 0xa6, 0xa3, 2, 0, 0, 0];
    let bomb = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &[0xed, 0xc1, 1, 1, 0, 0][..], &vec![0; 100_000]].concat();
    for body in [small.to_vec(), bomb] {
        for encoding in ["gzip", "deflate", "br", "zstd", "gzip, gzip"] {
            let request = server.request(Method::POST, "/notify").header("content-encoding", encoding);
            asked(request.body(body.clone())).await.is_acknowledged();
        }
    }
    let kept = server.items("/v1/quarantine").await;
    assert_eq!(kept.iter().map(|one| one["times"].as_i64().unwrap()).collect::<Vec<_>>(), [5, 5]);
    assert_eq!(kept[1]["bodyBase64"], "H4sIAAAAAAAAA6uuBQBDv6ajAgAAAA==");
    is_well(&server).await;
    server.stop().await;
}
