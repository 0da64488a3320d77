//! Filters are saved under a name, for the token that saved them.

use harness::{Answer, Client, Database, Sample, TestServer, asked, both, sqlite};
use reqwest::Method;
use serde_json::{Value, json};

both!(a_saved_view_is_listed_and_removed_at_every_instance);
sqlite!(
    each_token_has_its_own_views,
    a_view_needs_the_scope_of_its_list,
    an_invalid_view_is_rejected,
    an_erased_person_is_in_no_saved_view,
);

const TOKENS: &str = "desk:read:r3ad-s3cret, shop:read:sh0p-s3cret, till:send:t1ll-s3cret, ops:admin:4dmin-s3cret";

async fn saves(client: &Client, view: &Value) -> Answer {
    client.posts_to("/v1/views", view.to_string()).await
}

async fn removes(client: &Client, view: &Value) -> Answer {
    asked(client.request(Method::DELETE, &format!("/v1/views/{}", view["id"].as_str().unwrap()))).await
}

async fn names(client: &Client) -> Vec<String> {
    client.items("/v1/views").await.iter().map(|view| view["name"].as_str().unwrap().to_owned()).collect()
}

async fn a_saved_view_is_listed_and_removed_at_every_instance(database: &Database) {
    let (one, other) = (TestServer::start(database).await, TestServer::start(database).await);
    one.posts(Sample::of("order-1").to("447700900123")).await.is_acknowledged();
    let filter = json!({"to": "+44 7700 900123", "final": true});
    let saved = saves(&one, &json!({"of": "messages", "name": " Dana ", "filter": filter})).await.is(200).json();
    assert_eq!((&saved["of"], &saved["name"], &saved["filter"]), (&"messages".into(), &"Dana".into(), &filter));
    assert_eq!(other.items("/v1/views").await, std::slice::from_ref(&saved));
    // What is listed is what a search takes.
    let found = other.posts_to("/v1/messages/search", saved["filter"].to_string()).await.is(200).json();
    assert_eq!(found["items"][0]["correlationId"], "order-1");
    let newer = saves(&other, &json!({"of": "messages", "name": "Dana", "filter": {"status": "failed"}})).await;
    assert_eq!(newer.is(200).json()["id"], saved["id"]);
    assert_eq!(one.items("/v1/views").await[0]["filter"], json!({"status": "failed"}));
    removes(&one, &saved).await.is(204);
    assert_eq!(names(&other).await, [""; 0]);
    removes(&one, &saved).await.is_problem(404, "not-found");
    one.stop().await;
    other.stop().await;
}

async fn each_token_has_its_own_views(database: &Database) {
    let server = TestServer::on(database).with("api.tokens", TOKENS).start().await;
    let (desk, shop) = (server.with_token("r3ad-s3cret"), server.with_token("sh0p-s3cret"));
    let view = json!({"of": "messages", "name": "Mine", "filter": {"status": "failed"}});
    let saved = saves(&desk, &view).await.is(200).json();
    assert_eq!(names(&shop).await, [""; 0]);
    removes(&shop, &saved).await.is_problem(404, "not-found");
    saves(&shop, &view).await.is(200);
    removes(&desk, &saved).await.is(204);
    assert_eq!(names(&shop).await, ["Mine"]);
    // The session of a token is the token.
    let session = server.logs_in("sh0p-s3cret").await;
    assert_eq!(session.items("/v1/views").await.len(), 1);
    server.stop().await;
}

async fn a_view_needs_the_scope_of_its_list(database: &Database) {
    let server = TestServer::on(database).with("api.tokens", TOKENS).start().await;
    let audit = json!({"of": "audit", "name": "Erasures", "filter": {"action": "erased"}});
    saves(&server.with_token("r3ad-s3cret"), &audit).await.is_problem(403, "forbidden");
    saves(&server.with_token("4dmin-s3cret"), &audit).await.is(200);
    let till = server.with_token("t1ll-s3cret");
    till.gets("/v1/views").await.is_problem(403, "forbidden");
    saves(&till, &audit).await.is_problem(403, "forbidden");
    server.gets("/v1/views").await.is_problem(401, "unauthorized");
    // A token that had the scope once.
    server.stop().await;
    let server = TestServer::on(database).with("api.tokens", "ops:read:4dmin-s3cret").start().await;
    assert_eq!(names(&server.with_token("4dmin-s3cret")).await, [""; 0]);
    server.stop().await;
}

async fn an_invalid_view_is_rejected(database: &Database) {
    let server = TestServer::start(database).await;
    let view = |of: &str, name: &str, filter: Value| json!({"of": of, "name": name, "filter": filter});
    for (view, pointers) in [
        (view("inbox", "", json!({"status": "failed"})), &["/of", "/name"][..]),
        (view("messages", "a\nb", json!({})), &["/filter", "/name"]),
        (view("messages", "A name", json!({"status": "gone", "limit": 7})), &["/filter/limit", "/filter/status"]),
        (view("messages", "A name", json!({"status": 7})), &["/filter/status"]),
        (view("messages", "A name", json!({"view": "x"})), &["/filter/view"]),
        (view("failures", "A name", json!({"to": "+447700900123"})), &["/filter/to"]),
        (view("audit", "A name", json!({"status": "failed"})), &["/filter/status"]),
        (view("messages", "A name", json!([])), &["/filter"]),
        (json!({"of": "messages"}), &[""]),
    ] {
        saves(&server, &view).await.blames(pointers);
    }
    for id in ["0", "000000000000000g", "0123456789abcdef"] {
        let removed = asked(server.request(Method::DELETE, &format!("/v1/views/{id}"))).await;
        removed.is_problem(404, "not-found");
    }
    server.stop().await;
}

async fn an_erased_person_is_in_no_saved_view(database: &Database) {
    let server = TestServer::start(database).await;
    let of = |to: &str| json!({"of": "messages", "name": format!("Customer {}", &to[8..]), "filter": {"to": to}});
    for to in ["+447700900123", "+447700900124"] {
        saves(&server, &of(to)).await.is(200);
    }
    let request = json!({"to": "07700900123".replacen('0', "+44", 1)}).to_string();
    let erased = server.posts_to("/v1/erase", request).await.is(200).json();
    assert_eq!((&erased["savedViews"], &erased["found"]), (&json!(1), &json!(true)));
    assert_eq!(names(&server).await, ["Customer 00124"]);
    server.stop().await;
}
