//! Texts with a meaning in SQL, HTTP, HTML or spreadsheets are only texts, wherever they are sent.

use harness::{
    Client, Database, Operation, Sample, TestServer, asked, both, encoded, message_path, operations, sms, sqlite,
};
use reqwest::Method;
use serde_json::{Value, json};

both!(injections_in_parameters_have_no_effect, injections_in_members_are_stored_unchanged);
sqlite!(no_csv_cell_of_any_column_is_a_formula, the_docs_page_has_every_operation_and_loads_only_our_files);

/// The text to search for in the headers of answers.
const MARK: &str = "x-injected";

const HOSTILE: [&str; 16] = [
    "a\r\nx-injected: 1\r\n\r\nx-injected",
    "a%0d%0ax-injected: 1",
    "x-injected\u{0}b",
    "%00",
    "' OR '1'='1",
    "'; DROP TABLE messages; --",
    "x') UNION SELECT body FROM quarantine; --",
    "\\'; SELECT pg_sleep(9); --",
    "\" OR \"\"=\"",
    "$1",
    "?1",
    "%",
    "{\"$ne\":null}",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "\u{202e}\u{2028}\u{ffff}",
];

/// Sends a request, which may be rejected. It must not fail with a server error, and the text must not appear in a
/// header.
async fn tried(client: &Client, operation: Operation, path: &str) -> Option<Value> {
    let request = client.request(operation.method.to_uppercase().parse().unwrap(), path);
    if operation.path == "/v1/events" {
        // The stream has no end.
        assert!(request.send().await.unwrap().status().as_u16() < 500, "{path}");
        return None;
    }
    let answer = asked(request).await;
    assert!(answer.status < 500, "{path}: {}", answer.body);
    for (name, value) in &answer.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        assert!(!name.as_str().contains(MARK) && !value.contains(MARK), "{path}: {name}: {value}");
    }
    (answer.status == 200 && answer.body.starts_with('{')).then(|| answer.json())
}

async fn injections_in_parameters_have_no_effect(database: &Database) {
    let server = TestServer::start(database).await;
    server.posts(Sample::of("order-1")).await.is_acknowledged();
    let mut tries = 0;
    for operation in operations() {
        let path = operation.path.replace("{fingerprint}", &"0".repeat(32)).replace("{token}", "t0ken");
        for parameter in operation.parameters() {
            let name = parameter["name"].as_str().unwrap();
            for text in HOSTILE {
                let path = match parameter["in"].as_str().unwrap() {
                    "path" => operation.path.replace(&format!("{{{name}}}"), &encoded(text)),
                    "query" => format!("{}?{name}={}", path.replace("{correlationId}", "order-1"), encoded(text)),
                    _ => continue,
                };
                let found = tried(&server, operation, &path).await;
                // No message has such a text, so it finds none.
                let found = found.as_ref().and_then(|found| found["items"].as_array());
                let filters = operation.path == "/v1/messages";
                assert!(!filters || found.is_none_or(Vec::is_empty), "{path}: {found:?}");
                tries += 1;
            }
        }
    }
    assert!(tries > 800, "{tries}");
    assert_eq!(server.ids("").await, ["order-1"]);
    server.stop().await;
}

async fn injections_in_members_are_stored_unchanged(database: &Database) {
    let server = TestServer::on(database).sending_to("http://127.0.0.1:9").start().await;
    for (n, text) in HOSTILE.into_iter().enumerate() {
        let id = format!("{n} {text}");
        let hostile = ["Description", "code", "deliveryChannel", "additionalInfo", "destination"];
        let sample = hostile.iter().fold(Sample::of(&id), |sample, member| sample.with(member, text));
        server.posts(sample.calls_back(text)).await.is_acknowledged();
        // Postgres has no NUL in texts. It is replaced on both databases.
        let kept = text.replace('\0', "\u{fffd}");
        let message = server.message(&id).await;
        assert_eq!((&message["callbackData"], &message["reason"]), (&json!(kept), &json!(kept)), "{message}");
        assert_eq!(server.ids(&format!("?callbackData={}", encoded(text))).await.len(), 1, "{text:?}");
        server.posts(format!(r#"{{"event":{},"from":{}}}"#, json!(text), json!(text))).await.is_acknowledged();
        server.posts(text).await.is_acknowledged();

        let id: String = format!("s{n} {text}").chars().take(40).collect();
        let mut message = sms(&id, "Hello.");
        for member in ["callbackData", "text", "batchId"] {
            message[member] = json!(text);
        }
        message["sendAt"] = json!("2199-01-01T00:00:00Z");
        let answer = server.sends(&message).await;
        if text.contains('\0') {
            answer.is_problem(422, "invalid-request");
        } else {
            let answer = answer.is(202);
            let location = answer.header("location").unwrap();
            assert_eq!(server.gets(location).await.is(200).json()["correlationId"], json!(id));
            server.posts_to(&format!("{}/cancel", message_path(&id)), "").await.is(200);
        }
    }
    assert_eq!(server.items("/v1/inbound").await.len(), HOSTILE.len());
    assert_eq!(server.items("/v1/quarantine").await.len(), HOSTILE.len());
    server.stop().await;
}

async fn no_csv_cell_of_any_column_is_a_formula(database: &Database) {
    let server = TestServer::start(database).await;
    for (n, sign) in ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"].into_iter().enumerate() {
        let text = format!("{sign}cmd|'/C calc'!A{n}");
        let members = ["Description", "code", "deliveryChannel", "additionalInfo", "destination", "deliveryStatus"];
        let sample = members.iter().fold(Sample::of(&text).transaction(&text), |it, member| it.with(member, &*text));
        server.posts(sample.calls_back(&text)).await.is_acknowledged();
        let inbound = json!({ "event": text, "channel": text, "from": text, "tid": text, "ts": text });
        server.posts(inbound.to_string()).await.is_acknowledged();
        server.posts(text.clone()).await.is_acknowledged();
    }
    let mut cells = 0;
    for subject in ["messages", "failures", "notifications", "inbound", "quarantine"] {
        let csv = server.gets(&format!("/v1/export?of={subject}")).await.is(200).body;
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        let names = reader.headers().unwrap().clone();
        for record in reader.records().map(Result::unwrap) {
            for (name, cell) in names.iter().zip(&record) {
                let is_number = cell.parse::<i64>().is_ok();
                assert!(
                    is_number || !cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']),
                    "{subject}: {name}: {cell:?}"
                );
                cells += usize::from(cell.contains("calc"));
            }
        }
        // For programs, unchanged.
        for line in server.gets(&format!("/v1/export?of={subject}&format=ndjson")).await.is(200).body.lines() {
            let row: Value = serde_json::from_str(line).unwrap();
            assert!(row.as_object().unwrap().values().all(|value| !value.to_string().starts_with("\"'")), "{row}");
        }
    }
    assert!(cells > 100, "{cells}");
    server.stop().await;
}

async fn the_docs_page_has_every_operation_and_loads_only_our_files(database: &Database) {
    let server = TestServer::start(database).await;
    let page = server.gets("/docs").await.is(200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    for operation in operations() {
        let title = format!("{}</span> <code>{}</code></h3>", operation.method.to_uppercase(), operation.path);
        assert!(page.body.contains(&title), "{operation:?}");
    }
    let page = page.body.to_lowercase();
    for loading in ["<img", "<iframe", "@import", "url(", "onclick", "style=", "src=\"http", "href=\"http"] {
        assert!(!page.contains(loading), "{loading}");
    }
    assert_eq!((page.matches("<script").count(), page.matches("<link").count()), (1, 2));
    let described = server.gets("/openapi.json").await.is(200).json();
    assert_eq!(
        (&described["openapi"], &described["info"]["version"]),
        (&json!("3.1.0"), &json!(env!("CARGO_PKG_VERSION")))
    );
    assert_eq!(asked(server.request(Method::GET, "/docs/")).await.status, 404);
    server.stop().await;
}
