//! Writes and syncs of an SQLite file that fail.

use harness::{Database, Program, database::block_on, eventually, free_address};
use tempfile::TempDir;

use crate::{load::Load, outage::Scene, shim::Shim};

#[test]
fn disk_errors_are_reported_and_recover() {
    block_on(async {
        let (shim, folder) = (Shim::new(), tempfile::tempdir().unwrap());
        let (scene, database) = scene(&shim, &folder).await;
        for fault in ["write-EIO", "sync-EIO", "write-ENOSPC"] {
            shim.begins(fault);
            scene.is_out_of_order().await;
            scene.client.gets("/v1/messages").await.is(200);
            shim.ends(fault);
            scene.goes_on().await;
        }
        scene.load.ends(scene.program, &database).await;
    });
}

/// After a failed sync, the next sync reports nothing about the data that the first one lost. So a later sync must not
/// acknowledge data that was written before the failed one.
#[test]
fn data_lost_by_a_failed_sync_is_not_acknowledged() {
    block_on(async {
        let (shim, folder) = (Shim::new(), tempfile::tempdir().unwrap());
        let (mut scene, database) = scene(&shim, &folder).await;
        for _ in 0..25 {
            let before = scene.load.acknowledged();
            shim.loses_a_sync().await;
            let more = async || (scene.load.acknowledged() > before + 20).then_some(());
            eventually("notifications to be acknowledged", more).await;
        }
        scene.load.breaks_off().await;
        // Killed when this value is dropped, without a chance to write anything.
        drop(scene.program);
        shim.loses_its_power();
        let settings = [("RECEIPTD_DATABASE_URL", database.url())];
        let (program, client) = Program::serve(folder.path(), free_address(), &settings).await;
        client.gets("/health/ready").await.is(200);
        program.ends_on("TERM").await;
        scene.load.adds_up(&database).await;
    });
}

async fn scene(shim: &Shim, folder: &TempDir) -> (Scene, Database) {
    let database = Database::at(&shim.files().join("receiptd.db"));
    let preload = shim.settings();
    let mut settings: Vec<_> = preload.iter().map(|(name, value)| (*name, value.as_str())).collect();
    settings.push(("RECEIPTD_DATABASE_URL", database.url()));
    let (program, client) = Program::serve(folder.path(), free_address(), &settings).await;
    let load = Load::on(&client, 16, 200);
    (Scene::begins(program, client, load).await, database)
}
