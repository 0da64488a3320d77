//! An SQLite file that another process has locked, for longer than any timeout.

use harness::{Program, database::on_sqlite, free_address};
use tokio::time::Instant;

use crate::{
    load::Load,
    outage::{Scene, lasts},
};

#[test]
fn a_lock_is_reported_in_time_and_recovers() {
    on_sqlite(async |database| {
        let folder = tempfile::tempdir().unwrap();
        // So small that the queue is full at once: then memory must not grow with the number of requests.
        let settings = [("RECEIPTD_DATABASE_URL", database.url()), ("RECEIPTD_NOTIFY__QUEUE_REQUESTS", "20")];
        let (program, client) = Program::serve(folder.path(), free_address(), &settings).await;
        let load = Load::on(&client, 60, 20_000);
        let scene = Scene::begins(program, client, load).await;
        let (lock, since) = (database.fails().await, Instant::now());
        scene.is_out_of_order().await;
        // Readers do not wait for writers.
        scene.client.gets("/v1/messages").await.is(200);
        lasts(since).await;
        scene.is_out_of_order().await;
        lock.end().await;
        scene.goes_on().await;
        scene.load.ends(scene.program, database).await;
    });
}
