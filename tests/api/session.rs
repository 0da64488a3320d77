//! Sessions of people in a browser: how they begin, what they permit, and how they end.

use std::{fs, time::Duration};

use harness::{
    Client, Database, Page, Sample, SetClock, TestServer, asked, both,
    certificates::{Authority, Files},
    eventually, sms, sqlite,
};
use reqwest::Method;

both!(
    a_session_permits_what_its_token_permits,
    a_session_ends_when_it_was_not_used_and_at_the_latest_after_its_longest_time,
    a_session_ends_with_its_token_at_every_instance,
    a_session_that_was_ended_opens_nothing_at_any_instance,
);
sqlite!(
    the_cookie_is_out_of_reach_of_scripts_and_of_other_sites,
    a_form_logs_in_and_opens_the_page_that_was_wanted,
    wrong_tokens_begin_no_session_and_are_throttled,
    a_page_of_another_origin_cannot_use_a_session,
    a_link_on_another_site_opens_the_page_again_for_the_session,
    a_login_without_tls_is_refused_with_the_reason,
    an_open_api_needs_no_session,
);

const TOKENS: &str = "desk:read:r3ad-s3cret, shop:read+send:s3nd-s3cret, ops:admin:4dmin-s3cret";

async fn server(database: &Database) -> TestServer {
    TestServer::on(database).sending_to("http://127.0.0.1:9").with("api.tokens", TOKENS).start().await
}

async fn a_session_permits_what_its_token_permits(database: &Database) {
    let server = server(database).await;
    let answer = server.posts_to("/session", r#"{"token":"s3nd-s3cret"}"#).await.is(200);
    let session = answer.json();
    assert_eq!((&session["name"], &session["scopes"]), (&"shop".into(), &serde_json::json!(["read", "send"])));
    let (desk, shop, ops) =
        (server.logs_in("r3ad-s3cret").await, server.with_session(&answer), server.logs_in("4dmin-s3cret").await);
    shop.sends(&sms("order-1", "Hello.")).await.is(202);
    assert_eq!(desk.ids("").await, ["order-1"]);
    desk.sends(&sms("order-2", "Hello.")).await.is_problem(403, "forbidden");
    shop.gets("/v1/audit").await.is_problem(403, "forbidden");
    let sent = ops.items("/v1/audit?action=sent").await;
    assert_eq!(sent[0]["actor"], "shop", "the audit log names the token of the session");
    // A token counts more than a session.
    desk.with_token("wr0ng-s3cret").gets("/v1/messages").await.is_problem(401, "unauthorized");
    server.stop().await;
}

async fn a_session_ends_when_it_was_not_used_and_at_the_latest_after_its_longest_time(database: &Database) {
    let clock = SetClock::default();
    let setup = TestServer::on(database).with("api.tokens", TOKENS).by(clock.clock());
    let setup = setup.with("sessions.idle_minutes", "30").with("sessions.longest_hours", "2");
    let server = setup.start().await;
    let (used, unused) = (server.logs_in("r3ad-s3cret").await, server.logs_in("r3ad-s3cret").await);
    for _ in 0..5 {
        clock.goes_forward(Duration::from_mins(20));
        used.gets("/v1/messages").await.is(200);
    }
    unused.gets("/v1/messages").await.is_problem(401, "unauthorized");
    clock.goes_forward(Duration::from_mins(21));
    used.gets("/v1/messages").await.is_problem(401, "unauthorized");
    server.stop().await;
}

async fn a_session_ends_with_its_token_at_every_instance(database: &Database) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens");
    let write = |text: &str| {
        let next = folder.path().join("next");
        fs::write(&next, text).unwrap();
        fs::rename(next, &file).unwrap();
    };
    write("desk:read:r3ad-s3cret\nshop:send:s3nd-s3cret");
    let start = async || TestServer::on(database).with("api.tokens_file", file.to_str().unwrap()).start().await;
    let (one, other) = (start().await, start().await);
    let session = one.logs_in("r3ad-s3cret").await;
    let elsewhere = other.with_session_of(&session);
    elsewhere.gets("/v1/messages").await.is(200);
    // The same name with another secret is another token.
    write("desk:read:n3w-s3cret\nshop:send:s3nd-s3cret");
    for client in [session, elsewhere] {
        let ended = async || (client.gets("/v1/messages").await.status == 401).then_some(());
        eventually("the session to end", ended).await;
    }
    one.stop().await;
    other.stop().await;
}

async fn a_session_that_was_ended_opens_nothing_at_any_instance(database: &Database) {
    let (one, other) = (server(database).await, server(database).await);
    let (session, stays) = (one.logs_in("r3ad-s3cret").await, one.logs_in("r3ad-s3cret").await);
    let elsewhere = other.with_session_of(&session);
    elsewhere.gets("/v1/messages").await.is(200);
    for _ in 0..2 {
        let ended = asked(session.request(Method::DELETE, "/session")).await.is(204);
        assert!(ended.header("set-cookie").unwrap().contains("Max-Age=0"));
    }
    session.gets("/v1/messages").await.is_problem(401, "unauthorized");
    elsewhere.gets("/v1/messages").await.is_problem(401, "unauthorized");
    stays.gets("/v1/messages").await.is(200);
    assert_eq!(stays.submits("/session/end", &[]).await.leads_to(), "/");
    stays.gets("/v1/messages").await.is_problem(401, "unauthorized");
    one.stop().await;
    other.stop().await;
}

async fn the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(database: &Database) {
    let server = server(database).await;
    let login = r#"{"token":"r3ad-s3cret"}"#;
    let cookie = |answer: harness::Answer| answer.header("set-cookie").unwrap().to_owned();
    let local = cookie(server.posts_to("/session", login).await.is(200));
    let (id, attributes) = local.strip_prefix("receiptd=").unwrap().split_once("; ").unwrap();
    assert_eq!((id.len(), attributes), (64, "Path=/; Max-Age=43200; HttpOnly; SameSite=Strict"));
    let headers = [("content-type", "application/json"), ("host", "status.example.com")];
    let elsewhere = cookie(server.posts_with("/session", &headers, login).await.is(200));
    assert!(elsewhere.starts_with("__Host-receiptd=") && elsewhere.ends_with("; Secure"), "{elsewhere}");
    let headers =
        [("content-type", "application/json"), ("origin", "https://localhost"), ("sec-fetch-site", "same-origin")];
    let tunnelled = cookie(server.posts_with("/session", &headers, login).await.is(200));
    assert!(tunnelled.ends_with("; Secure"), "{tunnelled}");
    server.stop().await;
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let files = Files::of(&authority.issues(2091), folder.path());
    let server = TestServer::on(database).with("api.tokens", TOKENS).over_tls(&files, &authority).start().await;
    let secure = cookie(server.posts_to("/session", login).await.is(200));
    assert!(secure.starts_with("__Host-receiptd=") && secure.ends_with("; Secure"), "{secure}");
    server.logs_in("r3ad-s3cret").await.gets("/v1/messages").await.is(200);
    server.stop().await;
}

async fn a_form_logs_in_and_opens_the_page_that_was_wanted(database: &Database) {
    let server = server(database).await;
    let wanted = "/messages?status=failed&channel=sms";
    let form = server.opens(wanted).await.is(401);
    assert!(form.shows("Log in"), "{}", form.text);
    assert_eq!(form.attributes("value"), [wanted]);
    let begun = server.submits("/session", &[("token", " r3ad-s3cret "), ("back", wanted)]).await;
    assert_eq!(begun.leads_to(), wanted);
    let page = server.with_session(&begun.answer).opens(begun.leads_to()).await.is(200);
    assert!(page.shows("Log out desk") && !page.shows("Audit log"), "{}", page.text);
    for elsewhere in ["//evil.example/", "https://evil.example/", "/\\evil.example", ""] {
        let begun = server.submits("/session", &[("token", "r3ad-s3cret"), ("back", elsewhere)]).await;
        assert_eq!(begun.leads_to(), "/", "{elsewhere}");
    }
    let wrong = server.submits("/session", &[("token", "wr0ng"), ("back", wanted)]).await.is(401);
    assert!(wrong.shows("This token is not known here") && !wrong.answer.body.contains("wr0ng"), "{}", wrong.text);
    assert_eq!(wrong.attributes("value"), [wanted]);
    assert_eq!(wrong.answer.header("set-cookie"), None);
    server.stop().await;
}

async fn wrong_tokens_begin_no_session_and_are_throttled(database: &Database) {
    let server = server(database).await;
    let guesser = server.at_address([127, 3, 0, 1]);
    for n in 0..5 {
        guesser.posts_to("/session", format!(r#"{{"token":"guess-{n}"}}"#)).await.is_problem(401, "unauthorized");
        let cookie = format!("receiptd={n:064}");
        asked(guesser.request(Method::GET, "/v1/messages").header("cookie", cookie))
            .await
            .is_problem(401, "unauthorized");
    }
    guesser.posts_to("/session", r#"{"token":"guess-9"}"#).await.is_problem(429, "too-many-requests");
    guesser.submits("/session", &[("token", "guess-9")]).await.is(429);
    let cookie = format!("receiptd={:064}", 9);
    asked(guesser.request(Method::GET, "/v1/messages").header("cookie", cookie))
        .await
        .is_problem(429, "too-many-requests");
    for body in ["", "[]", "{}", r#"{"token":7}"#, r#"{"token":"a","x":1}"#] {
        assert!([400, 422].contains(&server.posts_to("/session", body).await.status), "{body}");
    }
    let garbage = ["receiptd=", "receiptd=zz", "receiptd", "=", ";;", "receiptd=\u{e9}"];
    for cookie in garbage {
        let request = server.request(Method::GET, "/v1/messages").header("cookie", cookie.as_bytes());
        asked(request).await.is_problem(401, "unauthorized");
    }
    server.stop().await;
}

async fn a_page_of_another_origin_cannot_use_a_session(database: &Database) {
    let server = server(database).await;
    let shop = server.logs_in("s3nd-s3cret").await;
    let message = sms("order-1", "Hello.").to_string();
    for (name, value) in
        [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.example")]
    {
        let headers = [("content-type", "application/json"), (name, value)];
        shop.posts_with("/v1/messages", &headers, message.clone()).await.is_problem(403, "foreign-origin");
        asked(shop.request(Method::GET, "/v1/events").header(name, value)).await.is_problem(403, "foreign-origin");
        let login = [("content-type", "application/x-www-form-urlencoded"), (name, value)];
        let status = server.posts_with("/session", &login, "token=r3ad-s3cret").await.status;
        assert_eq!(status, 403);
    }
    assert_eq!(shop.ids("").await, [""; 0]);
    server.stop().await;
}

async fn a_link_on_another_site_opens_the_page_again_for_the_session(database: &Database) {
    let server = server(database).await;
    server.posts(Sample::of("order-1")).await.is_acknowledged();
    let follow = |client: &Client, path: &str| {
        let headers =
            [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
        headers.iter().fold(client.request(Method::GET, path), |request, (name, value)| request.header(*name, *value))
    };
    let opening = Page::of(follow(&server, "/messages/order-1")).await.is(401);
    assert_eq!(opening.answer.header("refresh"), Some("0"));
    assert!(!opening.shows("Log in"), "{}", opening.text);
    // No program's path can be opened in this way.
    asked(follow(&server, "/v1/messages")).await.is_problem(403, "foreign-origin");
    let framed = server.request(Method::GET, "/messages").header("sec-fetch-site", "cross-site");
    assert_eq!(
        framed.header("sec-fetch-mode", "navigate").header("sec-fetch-dest", "iframe").send().await.unwrap().status(),
        403
    );
    server.stop().await;
}

async fn a_login_without_tls_is_refused_with_the_reason(database: &Database) {
    let server = server(database).await;
    let request = server.request(Method::POST, "/session").header("host", "status.example.com");
    let request = request.header("origin", "http://status.example.com").body("token=r3ad-s3cret");
    let page = Page::of(request.header("content-type", "application/x-www-form-urlencoded")).await.is(422);
    assert!(page.shows("https://") || page.shows("without TLS"), "{}", page.text);
    server.stop().await;
}

async fn an_open_api_needs_no_session(database: &Database) {
    let server = TestServer::start(database).await;
    let answer = server.posts_to("/session", r#"{"token":"any"}"#).await.is(200);
    assert_eq!((answer.json()["name"].as_str(), answer.header("set-cookie")), (Some("anonymous"), None));
    let page = server.opens("/messages").await.is(200);
    assert!(page.shows("Audit log") && !page.shows("Log out"), "{}", page.text);
    server.stop().await;
}
