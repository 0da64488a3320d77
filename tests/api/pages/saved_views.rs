//! Views are saved, opened and removed on the page of their list.

use harness::{Database, Page, Sample, TestServer, sqlite};

sqlite!(
    a_view_that_names_a_person_is_opened_by_an_address_that_does_not,
    each_list_has_its_own_views,
    a_token_sees_only_its_own_views,
);

/// The links to saved views.
fn links(page: &Page) -> Vec<String> {
    let views = page.answer.body.split("<nav class=\"periods wrapped\" aria-label=\"Saved views\">").nth(1);
    let views = views.map(|rest| rest.split("</nav>").next().unwrap()).unwrap_or_default();
    let hrefs = views.split("href=\"").skip(1).map(|part| part.split('"').next().unwrap().replace("&amp;", "&"));
    hrefs.collect()
}

/// The id of the only view that a page can remove.
fn id(page: &Page) -> String {
    page.answer.body.split("name=\"id\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

async fn a_view_that_names_a_person_is_opened_by_an_address_that_does_not(database: &Database) {
    let server = TestServer::start(database).await;
    server.posts(Sample::of("order-1").to("447700900123")).await.is_acknowledged();
    server.posts(Sample::of("order-2").to("447700900124")).await.is_acknowledged();
    assert!(!server.opens("/messages").await.is(200).shows("Save this view"));
    let search = server.posts_to("/v1/messages/search", r#"{"to":"+447700900123"}"#).await.is(200).json();
    let shown = server.opens(&format!("/messages?view={}&status=delivered", search["view"].as_str().unwrap())).await;
    let shown = shown.is(200);
    assert!(shown.shows("Save this view") && links(&shown).is_empty());
    let view = shown.attributes("value").into_iter().find(|value| *value == search["view"]).unwrap();
    let form = [("of", "messages"), ("view", &view), ("status", "delivered"), ("name", "Dana")];
    let saved = server.submits("/views", &form).await;
    let address = saved.leads_to();
    assert!(address.starts_with("/messages?status=delivered&view=") && !address.contains("900123"), "{address}");
    let page = server.opens(address).await.is(200);
    assert_eq!(page.rows(), ["/messages/order-1"]);
    assert!(page.shows("Only those to +447700900123"), "{}", page.text);
    assert!(page.answer.body.contains("aria-current=\"true\">Dana</a>"), "{}", page.answer.body);
    // Another page of the same list has the link too.
    let other = server.opens("/messages?channel=email").await.is(200);
    let link = &links(&other)[..];
    assert!(!link[0].contains("900123"), "{link:?}");
    assert_eq!(server.opens(&link[0]).await.is(200).rows(), ["/messages/order-1"]);
    let removed =
        server.submits("/views/remove", &[("of", "messages"), ("channel", "email"), ("id", &id(&other))]).await;
    assert_eq!(removed.leads_to(), "/messages?channel=email");
    assert_eq!(links(&server.opens("/messages?channel=email").await), [""; 0]);
    server.stop().await;
}

async fn each_list_has_its_own_views(database: &Database) {
    let server = TestServer::start(database).await;
    for (of, query) in [("messages", "channel=sms"), ("failures", "channel=sms"), ("audit", "action=erased")] {
        let (name, value) = query.split_once('=').unwrap();
        let saved = server.submits("/views", &[("of", of), (name, value), ("name", "A <name>")]).await;
        assert_eq!(saved.leads_to(), format!("/{of}?{query}"));
        let page = server.opens(&format!("/{of}?{query}")).await.is(200);
        assert_eq!(links(&page), [format!("/{of}?{query}")]);
        assert!(page.shows("A <name>") && page.shows("Everyone who opens these pages sees it."), "{}", page.text);
    }
    let refused = server.submits("/views", &[("of", "messages"), ("name", "All")]).await.is(422);
    assert!(refused.shows("must contain a filter"), "{}", refused.text);
    server.submits("/views", &[("of", "messages"), ("status", "failed"), ("name", " ")]).await.is(422);
    server.submits("/views/remove", &[("of", "messages"), ("id", "x")]).await.is(404);
    server.stop().await;
}

async fn a_token_sees_only_its_own_views(database: &Database) {
    let tokens = "desk:read:r3ad-s3cret, shop:read:sh0p-s3cret, ops:admin:4dmin-s3cret";
    let server = TestServer::on(database).with("api.tokens", tokens).start().await;
    let (desk, shop) = (server.logs_in("r3ad-s3cret").await, server.logs_in("sh0p-s3cret").await);
    desk.submits("/views", &[("of", "messages"), ("status", "failed"), ("name", "Mine")]).await.leads_to();
    let page = desk.opens("/messages").await.is(200);
    assert!(page.shows("Mine") && page.shows("Remove saved views"), "{}", page.text);
    assert!(!shop.opens("/messages").await.is(200).shows("Mine"));
    desk.submits("/views", &[("of", "audit"), ("action", "erased"), ("name", "Mine")]).await.is(403);
    server.submits("/views", &[("of", "messages"), ("status", "failed"), ("name", "Mine")]).await.is(401);
    server.stop().await;
}
