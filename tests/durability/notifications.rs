//! Acknowledged notifications survive.

use std::time::Duration;

use harness::stoppable::Stoppable;
use harness::{
    Client, Database,
    database::{block_on, on_postgres, on_sqlite},
    free_address,
};
use rand::{RngExt, rngs::StdRng};
use tokio::{task::JoinSet, time::sleep};

use crate::{
    aftermath::all_is_sound,
    bodies::Bodies,
    chance,
    kills::Victims,
    ledger::{Ledger, on_record},
};

#[test]
fn they_survive_on_sqlite() {
    on_sqlite(async |database| they_survive(database, None).await);
}

#[test]
fn they_survive_on_postgres() {
    on_postgres(async |database| they_survive(database, None).await);
}

#[test]
fn they_survive_kills_of_postgres() {
    block_on(async {
        let server = Stoppable::start().await;
        they_survive(&server.database(), Some(&server)).await;
    });
}

async fn they_survive(database: &Database, server: Option<&Stoppable>) {
    let (folder, address, ledger) = (tempfile::tempdir().unwrap(), free_address(), Ledger::by(|| 0));
    let mut posters = JoinSet::new();
    for poster in 0..8 {
        posters.spawn(post(poster, Client::of(format!("http://{address}")), ledger.clone(), chance()));
    }
    let settings = [("RECEIPTD_DATABASE_URL", database.url())];
    let victims = Victims { folder: folder.path(), address, settings: &settings, server };
    let (program, kills) = victims.killed_again_and_again(|| ledger.acknowledged()).await;
    while let Some(ended) = posters.try_join_next() {
        ended.unwrap();
    }
    posters.shutdown().await;
    program.ends_on("TERM").await;
    eprintln!("{} bodies were acknowledged, through {kills} kills", ledger.acknowledged());
    assert_eq!(ledger.lost(on_record(database).await, 0), Vec::<String>::new());
    all_is_sound(database, &victims).await;
}

/// Posts bodies as the platform might, about many messages at once: in any order, some more than once, and again if
/// they were not acknowledged.
pub(crate) async fn post(poster: u32, client: Client, ledger: Ledger, mut chance: StdRng) {
    let bodies = Bodies::read();
    let (mut waiting, mut told) = (Vec::new(), Vec::<Vec<u8>>::new());
    for n in 0.. {
        waiting.extend(bodies.about(&format!("message-{poster}-{n}"), &mut chance));
        while waiting.len() > 20 {
            let repeats = !told.is_empty() && chance.random_ratio(1, 4);
            let body = if repeats {
                told[chance.random_range(0..told.len())].clone()
            } else {
                waiting.swap_remove(chance.random_range(0..waiting.len()))
            };
            if ledger.posts(&client, &body).await {
                told.push(body);
            } else {
                waiting.push(body);
                // The server is down for a moment.
                sleep(Duration::from_millis(5)).await;
            }
        }
    }
}
