//! The pages of statuses and codes.

use harness::{Database, Sample, TestServer, sqlite};

use super::twins::assert_shows;

sqlite!(statuses_and_codes_are_explained, every_status_and_code_leads_to_its_explanation);

async fn statuses_and_codes_are_explained(database: &Database) {
    let server = TestServer::start(database).await;
    for path in ["/statuses", "/codes", "/codes?channel=sms", "/codes?channel=whatsapp&code=7500", "/codes?code=7105"] {
        let (page, entries) = (server.opens(path).await.is(200), server.items(&format!("/v1{path}")).await);
        assert!(!entries.is_empty(), "{path}");
        assert_eq!(page.answer.body.matches("<tr").count(), entries.len() + 1, "{path}");
        assert_shows(&page, &entries.into(), path, &[]);
    }
    let codes = async |query: &str| server.items(&format!("/v1/codes{query}")).await.len();
    assert!(codes("?channel=sms").await < codes("").await);
    let unknown = server.opens("/codes?channel=sms&code=4711").await.is(200);
    assert!(unknown.shows("does not list this code"), "{}", unknown.text);
    server.opens("/codes?colour=red").await.is(422);
    server.gets("/v1/statuses?channel=sms").await.is_problem(422, "invalid-request");
    server.stop().await;
}

async fn every_status_and_code_leads_to_its_explanation(database: &Database) {
    let server = TestServer::start(database).await;
    server.posts(Sample::of("order-1").says("Failed", "7203")).await.is_acknowledged();
    for path in ["/", "/messages", "/messages/order-1", "/failures"] {
        let links = server.opens(path).await.is(200).attributes("href");
        for wanted in ["/statuses#failed", "/codes?code=7203&channel=sms"] {
            assert!(links.iter().any(|link| link == wanted), "{path}: {links:?}");
        }
    }
    let statuses = server.opens("/statuses").await.is(200);
    assert!(statuses.attributes("id").contains(&"failed".to_owned()), "{}", statuses.answer.body);
    server.stop().await;
}
