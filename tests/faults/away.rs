//! A Postgres server that is stopped for longer than any timeout, and one that is killed and restarted.

use std::time::Duration;

use harness::stoppable::Stoppable;
use harness::{Program, database::block_on, free_address};
use tempfile::TempDir;
use tokio::{task::JoinSet, time::Instant};

use crate::{
    load::Load,
    outage::{Scene, lasts},
};

/// A look-up may take six times `database.timeout_seconds`, and waits for a connection before.
const READ_WITHIN: Duration = Duration::from_secs(35);

#[test]
fn a_stopped_server_is_reported_in_time() {
    block_on(async {
        let (scene, server, _folder) = scene("5").await;
        let (stopped, since) = (server.stops(), Instant::now());
        let mut reads = JoinSet::new();
        for path in ["/v1/messages", "/v1/messages/1%2F0", "/v1/stats?by=status", "/v1/inbound"] {
            let client = scene.client.clone();
            reads.spawn(async move { (client.gets(path).await, Instant::now()) });
        }
        scene.is_out_of_order().await;
        lasts(since).await;
        scene.is_out_of_order().await;
        drop(stopped);
        scene.goes_on().await;
        for (answer, at) in reads.join_all().await {
            assert!(at < since + READ_WITHIN, "{}: {:?}", answer.request, at - since);
            // Requests that wait when the server resumes are answered after all.
            if answer.status != 200 {
                answer.asks_to_try_again();
            }
        }
        scene.load.ends(scene.program, &server.database()).await;
    });
}

#[test]
fn a_killed_server_is_reported_and_used_again() {
    block_on(async {
        // A refused connection is retried for this time.
        let (scene, server, _folder) = scene("2").await;
        let killed = server.is_killed();
        scene.is_out_of_order().await;
        scene.client.gets("/v1/messages").await.asks_to_try_again();
        killed.comes_back().await;
        scene.goes_on().await;
        scene.load.ends(scene.program, &server.database()).await;
    });
}

async fn scene(timeout: &str) -> (Scene, Stoppable, TempDir) {
    let (folder, server) = (tempfile::tempdir().unwrap(), Stoppable::start().await);
    let database = server.database();
    let settings = [
        ("RECEIPTD_DATABASE_URL", database.url()),
        ("RECEIPTD_DATABASE__TIMEOUT_SECONDS", timeout),
        ("RECEIPTD_NOTIFY__QUEUE_REQUESTS", "20"),
    ];
    let (program, client) = Program::serve(folder.path(), free_address(), &settings).await;
    let load = Load::on(&client, 60, 20_000);
    (Scene::begins(program, client, load).await, server, folder)
}
