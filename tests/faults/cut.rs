//! Connections to Postgres that are cut at any moment, or that fall silent.

use std::time::Duration;

use harness::{Program, Sample, database::on_postgres, eventually, free_address};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::{
    load::Load,
    outage::Scene,
    proxy::{Proxy, ZONE},
};

#[test]
fn a_commit_with_unknown_outcome_is_not_acknowledged_and_not_repeated() {
    on_postgres(async |database| {
        let (folder, proxy) = (tempfile::tempdir().unwrap(), Proxy::before(database.url()).await);
        let settings = [("RECEIPTD_DATABASE_URL", &*proxy.url), ("RECEIPTD_WEBEX__TIME_ZONE", ZONE)];
        let (program, client) = Program::serve(folder.path(), free_address(), &settings).await;
        for n in 0..5 {
            let sample = Sample::of(&format!("order-{n}"));
            let answer = proxy.cuts_a_commit(client.posts(sample.clone())).await;
            answer.asks_to_try_again();
            let stored = client.message(&format!("order-{n}")).await;
            assert_eq!(stored["notificationCount"], 1, "it was to be committed: {stored}");
            client.posts(sample).await.is_acknowledged();
            let message = client.message(&format!("order-{n}")).await;
            assert_eq!((&message["notificationCount"], &message["status"]), (&json!(1), &json!("delivered")));
            assert_eq!(message["timeline"].as_array().unwrap().len(), 1, "{message}");
            assert_eq!(message["timeline"][0]["times"], 2, "both posts were stored: {message}");
        }
        program.ends_on("TERM").await;
    });
}

#[test]
fn connections_can_be_cut_at_any_time() {
    on_postgres(async |database| {
        let (folder, proxy) = (tempfile::tempdir().unwrap(), Proxy::before(database.url()).await);
        let settings = [("RECEIPTD_DATABASE_URL", &*proxy.url), ("RECEIPTD_NOTIFY__WRITERS", "3")];
        let (program, client) = Program::serve(folder.path(), free_address(), &settings).await;
        let load = Load::on(&client, 16, 100);
        let scene = Scene::begins(program, client, load).await;
        let mut chance = StdRng::seed_from_u64(uuid::Uuid::new_v4().as_u64_pair().0);
        for _ in 0..40 {
            let before = scene.load.acknowledged();
            eventually("work to be done", async || (scene.load.acknowledged() > before).then_some(())).await;
            sleep(Duration::from_millis(chance.random_range(0..40))).await;
            proxy.cuts_all();
        }
        scene.goes_on().await;
        scene.load.ends(scene.program, database).await;
    });
}

/// For example, a network loses a connection without notice, or a server fails over to another one: data sent on the
/// old connections is never answered.
#[test]
fn silent_connections_are_closed() {
    on_postgres(async |database| {
        let (folder, proxy) = (tempfile::tempdir().unwrap(), Proxy::before(database.url()).await);
        let settings = [
            ("RECEIPTD_DATABASE_URL", &*proxy.url),
            ("RECEIPTD_DATABASE__TIMEOUT_SECONDS", "1"),
            ("RECEIPTD_NOTIFY__ANSWER_WITHIN_SECONDS", "2"),
        ];
        let (program, client) = Program::serve(folder.path(), free_address(), &settings).await;
        let load = Load::on(&client, 16, 100);
        let scene = Scene::begins(program, client, load).await;
        // All connections of the pool are in use, or were a moment ago.
        let reads = (0..30).map(|n| scene.client.gets(if n % 2 == 0 { "/v1/messages" } else { "/v1/stats?by=day" }));
        futures_util::future::join_all(reads).await;
        proxy.falls_silent();
        let began = Instant::now();
        scene.is_out_of_order().await;
        scene.client.gets("/v1/messages").await.asks_to_try_again();
        assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
        proxy.speaks_again();
        let again = Instant::now();
        scene.goes_on().await;
        scene.client.gets("/v1/messages").await.is(200);
        assert!(again.elapsed() < Duration::from_secs(10), "{:?}", again.elapsed());
        scene.load.ends(scene.program, database).await;
    });
}
