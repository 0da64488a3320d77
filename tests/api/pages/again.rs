//! A message is sent again as a new one.

use harness::{Database, Page, Platform, Sample, TestServer, eventually, sms, sqlite};

sqlite!(
    a_message_is_sent_again_as_a_new_one_after_a_warning,
    only_who_may_see_and_send_it_sends_it_again,
    a_message_of_another_system_is_not_sent_again,
);

const TOKENS: &str = "all:read+send+content:4ll-s3cret, shop:read+send:s3nd-s3cret, desk:read+content:r3ad-s3cret";

/// The id that the form of the page has drawn.
fn drawn_id(page: &Page) -> String {
    page.answer.body.split("name=\"id\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

async fn becomes(server: &TestServer, id: &str, status: &str) {
    let is_there = async || (server.with_token("4ll-s3cret").status_of(id).await? == status).then_some(());
    eventually(&format!("{id} to be {status}"), is_there).await;
}

async fn a_message_is_sent_again_as_a_new_one_after_a_warning(database: &Database) {
    let platform = Platform::start();
    let server = TestServer::on(database).sending_to(&platform.url).with("api.tokens", TOKENS).start().await;
    let all = server.logs_in("4ll-s3cret").await;
    let mut message = sms("order-1", "Your parcel is here. [sim:silent]");
    message["callbackData"] = "shop 7".into();
    all.sends(&message).await.is(202);
    becomes(&server, "order-1", "accepted").await;
    assert!(all.opens("/messages/order-1").await.is(200).shows("Send again"));
    let page = all.opens("/messages/order-1/again").await.is(200);
    assert!(page.shows("The recipient could get it twice.") && page.shows("Your parcel is here."), "{}", page.text);
    let id = drawn_id(&page);
    let sends = async |fields: &[(&str, &str)]| all.submits("/messages/order-1/again", fields).await;
    assert!(sends(&[("id", &id)]).await.is(422).shows("tick the box"));
    sends(&[("sure", "yes")]).await.is(422);
    assert_eq!(sends(&[("id", &id), ("sure", "yes")]).await.leads_to(), format!("/messages/{id}"));
    // A form that is sent twice sends one message.
    assert_eq!(sends(&[("id", &id), ("sure", "yes")]).await.leads_to(), format!("/messages/{id}"));
    becomes(&server, &id, "accepted").await;
    let (first, new) = (all.message("order-1").await, all.message(&id).await);
    for member in ["to", "from", "channel", "callbackData"] {
        assert_eq!(new[member], first[member], "{member}");
    }
    assert_eq!(new["submission"]["content"], first["submission"]["content"]);
    assert_eq!(all.items("/v1/messages").await.len(), 2);
    server.stop().await;
    platform.stop().await;
}

async fn only_who_may_see_and_send_it_sends_it_again(database: &Database) {
    let platform = Platform::start();
    let server = TestServer::on(database).sending_to(&platform.url).with("api.tokens", TOKENS).start().await;
    let (all, shop, desk) =
        (server.logs_in("4ll-s3cret").await, server.logs_in("s3nd-s3cret").await, server.logs_in("r3ad-s3cret").await);
    all.sends(&sms("order-1", "Hello. [sim:fail=7207]")).await.is(202);
    becomes(&server, "order-1", "failed").await;
    for (caller, scope) in [(&shop, "content"), (&desk, "send")] {
        assert!(!caller.opens("/messages/order-1").await.is(200).shows("Send again"), "{scope}");
        let refused = caller.opens("/messages/order-1/again").await.is(403);
        assert!(refused.shows(&format!("lacks the scope {scope}")), "{}", refused.text);
        caller.submits("/messages/order-1/again", &[("id", "order-2"), ("sure", "yes")]).await.is(403);
    }
    // It cannot arrive twice, so nothing has to be ticked.
    let page = all.opens("/messages/order-1/again").await.is(200);
    assert!(page.shows("It may succeed this time.") && !page.shows("It may arrive twice"), "{}", page.text);
    all.submits("/messages/order-1/again", &[("id", &drawn_id(&page))]).await.is(303);
    assert_eq!(all.items("/v1/messages").await.len(), 2);
    server.stop().await;
    platform.stop().await;
}

async fn a_message_of_another_system_is_not_sent_again(database: &Database) {
    let platform = Platform::start();
    let server = TestServer::on(database).sending_to(&platform.url).start().await;
    server.posts(Sample::of("order-1").says("Failed", "7203")).await.is_acknowledged();
    assert!(!server.opens("/messages/order-1").await.is(200).shows("Send again"));
    let refused = server.opens("/messages/order-1/again").await.is(409);
    assert!(refused.shows("send it again there"), "{}", refused.text);
    server.opens("/messages/order-404/again").await.is(404);
    server.stop().await;
    platform.stop().await;
}
