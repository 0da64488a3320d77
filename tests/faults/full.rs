//! A full disk: all clients are asked to retry, and free space is enough to continue.

use std::{fs, os::unix::fs::chown};

use harness::stoppable::Stoppable;
use harness::{Database, Program, database::block_on, free_address};

use crate::{load::Load, outage::Scene, small_disk::SmallDisk};

#[test]
fn a_full_disk_is_reported_and_recovers_on_sqlite() {
    block_on(async {
        let disk = SmallDisk::of(32);
        let database = Database::at(&disk.path().join("receiptd.db"));
        fills_up_and_goes_on(&database, &disk).await;
    });
}

/// The disk with the tables. The disk with the write-ahead log is the responsibility of Postgres, which does not run
/// without it.
#[test]
fn a_full_disk_is_reported_and_recovers_on_postgres() {
    block_on(async {
        let (disk, server) = (SmallDisk::of(64), Stoppable::start().await);
        let tables = disk.path().join("tables");
        fs::create_dir(&tables).unwrap();
        chown(&tables, Some(server.user()), None).unwrap();
        let database = server.database_in(&tables).await;
        fills_up_and_goes_on(&database, &disk).await;
    });
}

async fn fills_up_and_goes_on(database: &Database, disk: &SmallDisk) {
    let folder = tempfile::tempdir().unwrap();
    let settings = [("RECEIPTD_DATABASE_URL", database.url())];
    let (program, client) = Program::serve(folder.path(), free_address(), &settings).await;
    let load = Load::on(&client, 16, 500);
    let scene = Scene::begins(program, client, load).await;
    for _ in 0..2 {
        disk.fills();
        scene.is_out_of_order().await;
        // Stored data can be read all the time.
        scene.client.gets("/v1/messages").await.is(200);
        scene.client.gets("/v1/stats?by=status").await.is(200);
        disk.has_room();
        scene.goes_on().await;
    }
    scene.load.ends(scene.program, database).await;
}
