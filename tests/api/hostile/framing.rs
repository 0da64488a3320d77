//! Requests with ambiguous or invalid framing. Each gets an error or no answer, and the connection is closed: the data
//! after it is never read as another request.

use harness::{Database, Ending, Raw, Sample, TestServer, by_hand, sqlite};

use super::is_well;

sqlite!(
    ambiguous_requests_are_rejected,
    unusual_but_valid_requests_are_answered,
    a_body_with_a_wrong_length_is_not_misread
);

/// The smuggled message. If it were read as a request, there would be a message with this id.
const SMUGGLED: &str = "smuggled";

fn smuggled() -> String {
    let body = Sample::of(SMUGGLED).body();
    format!("POST /notify HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// Heads that are rejected, whatever follows.
const REFUSED: [(&str, &str); 26] = [
    ("both lengths", "content-length: 4\r\ntransfer-encoding: chunked\r\n"),
    ("both lengths, the other way", "transfer-encoding: chunked\r\ncontent-length: 4\r\n"),
    ("two lengths", "content-length: 4\r\ncontent-length: 400\r\n"),
    ("two equal lengths", "content-length: 4\r\ncontent-length: 4\r\n"),
    ("a list of lengths", "content-length: 4, 4\r\n"),
    ("a length with a sign", "content-length: +4\r\n"),
    ("a negative length", "content-length: -4\r\n"),
    ("a length in hexadecimal", "content-length: 0x4\r\n"),
    ("a length with a blank", "content-length: 4 4\r\n"),
    ("a length beyond all", "content-length: 99999999999999999999999999\r\n"),
    ("an empty length", "content-length: \r\n"),
    ("two codings", "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n"),
    ("a list of codings", "transfer-encoding: gzip, chunked\r\n"),
    ("an unknown coding", "transfer-encoding: xchunked\r\n"),
    ("an empty coding", "transfer-encoding:\r\n"),
    ("a coding with a tab", "transfer-encoding:\tchunked,\r\n"),
    ("a blank before the colon", "transfer-encoding : chunked\r\n"),
    ("a folded line", "x-a: 1\r\n  content-length: 4\r\n"),
    ("a folded coding", "transfer-encoding:\r\n chunked\r\n"),
    ("a line without a colon", "content-length 4\r\n"),
    ("a name with a blank", "con tent-length: 4\r\n"),
    ("an empty name", ": 4\r\n"),
    ("a NUL", "x-a: a\0b\r\n"),
    ("a bare return", "x-a: a\rcontent-length: 4\r\n"),
    ("two hosts", "host: y\r\n"),
    ("a length and zero", "content-length: 0\r\ncontent-length: 4\r\n"),
];

async fn ambiguous_requests_are_rejected(database: &Database) {
    let server = TestServer::start(database).await;
    let address = server.address;
    let heads = REFUSED.map(|(name, head)| (name, format!("POST /notify HTTP/1.1\r\nhost: x\r\n{head}\r\n")));
    let lines = [
        ("no host", "POST /notify HTTP/1.1\r\n\r\n"),
        ("a version that is none", "POST /notify HTTP/9.9\r\nhost: x\r\n\r\n"),
        ("a path with a blank", "POST /not ify HTTP/1.1\r\nhost: x\r\n\r\n"),
        ("a coding in HTTP/1.0", "POST /notify HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"),
        ("no length in HTTP/1.0", "POST /notify HTTP/1.0\r\nhost: x\r\n\r\n"),
        ("no request at all", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\r\n\r\n"),
        ("HTTP/2 without notice", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ];
    let heads = heads.into_iter().chain(lines.map(|(name, head)| (name, head.to_owned())));
    for (name, head) in heads {
        let ending = by_hand(move || {
            let mut raw = Raw::connect(address);
            raw.pours(format!("{head}0\r\n\r\n{}", smuggled()).as_bytes(), 1, Raw::PATIENCE);
            raw.ending()
        })
        .await;
        let Ending::Closed(statuses) = ending else { panic!("{name}: the connection stays open") };
        assert!(statuses.is_empty() || statuses == [400] || statuses == [505], "{name}: {statuses:?}");
    }
    assert!(server.ids("").await.is_empty() && server.items("/v1/quarantine").await.is_empty());
    is_well(&server).await;
    server.stop().await;
}

async fn unusual_but_valid_requests_are_answered(database: &Database) {
    let server = TestServer::start(database).await;
    let address = server.address;
    let post =
        |head: &str, body: &str| format!("POST /notify HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{head}\r\n{body}");
    let body = |id: &str| Sample::of(id).body();
    let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
    let one_by_one: String = body("one-by-one").chars().map(|letter| chunk(&letter.to_string())).collect();
    let whole = body("whole");
    let requests = [
        ("chunked byte by byte", post("transfer-encoding: chunked\r\n", &format!("{one_by_one}0\r\n\r\n")), 200),
        (
            "with extensions and trailers",
            post("transfer-encoding: chunked\r\n", &format!("{:x};a=b\r\n{whole}\r\n0\r\nx: y\r\n\r\n", whole.len())),
            200,
        ),
        ("a chunk beyond all", post("transfer-encoding: chunked\r\n", "ffffffffffffffffff\r\n"), 503),
        ("a chunk of no number", post("transfer-encoding: chunked\r\n", "xyz\r\n"), 503),
        (
            "as a form",
            post(
                &format!(
                    "content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n",
                    body("form").len()
                ),
                &body("form"),
            ),
            200,
        ),
        (
            "as an image",
            post(
                &format!("content-type: image/png; \u{1}\r\ncontent-length: {}\r\n", body("image").len()),
                &body("image"),
            ),
            400,
        ),
        ("no body", post("", ""), 200),
        ("100 headers", post(&"x: y\r\n".repeat(200), ""), 431),
        ("a head of a megabyte", post(&format!("x: {}\r\n", "y".repeat(1 << 20)), ""), 431),
        (
            "waits to be asked",
            post(&format!("expect: 100-continue\r\ncontent-length: {}\r\n", body("asked").len()), &body("asked")),
            200,
        ),
    ];
    for (name, request, status) in requests {
        let ending = by_hand(move || {
            let mut raw = Raw::connect(address);
            raw.pours(request.as_bytes(), 1, Raw::PATIENCE);
            raw.ending()
        })
        .await;
        let Ending::Closed(statuses) = ending else { panic!("{name}: the connection stays open") };
        let last = statuses.last().copied();
        // If the request is rejected before its body was read, the connection may be closed before the answer arrives.
        assert!(last == Some(status) || (status >= 400 && [None, Some(400)].contains(&last)), "{name}: {statuses:?}");
    }
    let mut ids = server.ids("").await;
    ids.sort_unstable();
    assert_eq!(ids, ["asked", "form", "one-by-one", "whole"]);
    is_well(&server).await;
    server.stop().await;
}

async fn a_body_with_a_wrong_length_is_not_misread(database: &Database) {
    let server = TestServer::on(database).with("notify.answer_within_seconds", "1").start().await;
    let address = server.address;
    let body = Sample::of("order-1").body();
    let short = format!("POST /notify HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len() - 1);
    let long = format!("POST /notify HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len() + 1);
    let endings = by_hand(move || {
        [short, long].map(|request| {
            let mut raw = Raw::connect(address);
            raw.sends(&request);
            raw.ending()
        })
    });
    let [short, long] = endings.await;
    // Too short: the announced body lacks its last brace, which is tolerated. The brace is not a request.
    let Ending::Closed(statuses) = short else { panic!("the connection stays open") };
    assert!(statuses == [200, 400] || statuses == [200], "{statuses:?}");
    // Too long: the body never arrives completely.
    assert_eq!(long, Ending::Closed(vec![503]));
    assert_eq!(server.ids("").await, ["order-1"]);
    is_well(&server).await;
    server.stop().await;
}
