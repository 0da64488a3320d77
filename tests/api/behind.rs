//! A projection that cannot keep up: what was acknowledged is safe, and answers say what they may lack.

use harness::{Database, Sample, TestServer, both, eventually};

both!(answers_say_that_they_are_behind_until_the_projection_catches_up, a_restart_projects_what_was_left);

/// A server whose projection cannot store unreadable bodies, and that has accepted one. The API does not wait for it.
async fn behind(database: &Database) -> TestServer {
    let server = TestServer::on(database).with("query.catch_up_seconds", "0").start().await;
    database.execute_now("ALTER TABLE quarantine RENAME TO elsewhere").await;
    server.posts("{").await.is_acknowledged();
    server
}

async fn answers_say_that_they_are_behind_until_the_projection_catches_up(database: &Database) {
    let server = behind(database).await;
    // What comes later is acknowledged too.
    server.posts(Sample::of("order-1").body()).await.is_acknowledged();
    let answer = server.gets("/v1/messages").await.is(200);
    assert!(answer.header("receiptd-behind").is_some_and(|seconds| seconds.parse::<u64>().unwrap() > 0));
    assert!(server.metric("receiptd_answers_behind_total").await > 0);
    // What verifies or changes the store must not miss anything.
    server.gets("/v1/audit/verify").await.asks_to_try_again();

    database.execute_now("ALTER TABLE elsewhere RENAME TO quarantine").await;
    eventually("the projection catches up", async || {
        server.gets("/v1/messages").await.header("receiptd-behind").is_none().then_some(())
    })
    .await;
    server.gets("/v1/messages/order-1").await.is(200);
    assert_eq!(server.items("/v1/quarantine").await.len(), 1);
    server.stop().await;
}

async fn a_restart_projects_what_was_left(database: &Database) {
    let setup = behind(database).await.stopped().await;
    database.execute_now("ALTER TABLE elsewhere RENAME TO quarantine").await;
    let server = setup.start().await;
    eventually("the body is in quarantine", async || (server.items("/v1/quarantine").await.len() == 1).then_some(()))
        .await;
    server.stop().await;
}
