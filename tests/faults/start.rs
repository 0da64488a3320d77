//! A database that is missing when the program starts.

use std::{
    net::{Ipv4Addr, TcpListener},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use harness::stoppable::Stoppable;
use harness::{Program, database::block_on, free_address, program::receiptd};

/// `database.timeout_seconds`, and a reserve for the start itself.
const TOLD_WITHIN: Duration = Duration::from_secs(10);

#[test]
fn without_its_database_it_does_not_start_and_reports_the_reason() {
    block_on(async {
        // Accepts connections and never answers.
        let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let silent = format!("postgres://postgres@{}/postgres", silent.local_addr().unwrap());
        let refusing = format!("postgres://postgres@{}/postgres", free_address());
        let nowhere = "sqlite:///proc/nowhere/receiptd.db".to_owned();
        let places = [
            (refusing, "refused"),
            (silent, "did not answer"),
            (nowhere, "the directory /proc/nowhere does not exist"),
        ];
        join_all(places.map(|(url, reason)| is_told(url, reason))).await;
    });
}

async fn is_told(url: String, reason: &str) {
    let (folder, began) = (tempfile::tempdir().unwrap(), Instant::now());
    let mut command = receiptd(folder.path(), &["serve", "--listen", &free_address().to_string()]);
    let ended = Program::start(command.env("RECEIPTD_DATABASE_URL", &url)).ends().await;
    assert_eq!(ended.code, Some(1), "{url}: {ended:?}");
    assert!(ended.err.contains("cannot be opened"), "{url}: {}", ended.err);
    assert!(ended.err.contains(reason), "{url}: {}", ended.err);
    assert!(began.elapsed() < TOLD_WITHIN, "{url}: {:?}", began.elapsed());
}

#[test]
fn a_starting_server_is_waited_for() {
    block_on(async {
        let (folder, server) = (tempfile::tempdir().unwrap(), Stoppable::start().await);
        let database = server.database();
        let killed = server.is_killed();
        let settings = [("RECEIPTD_DATABASE_URL", database.url()), ("RECEIPTD_DATABASE__TIMEOUT_SECONDS", "30")];
        let starts = Program::serve(folder.path(), free_address(), &settings);
        let ((program, client), ()) = tokio::join!(starts, killed.comes_back());
        client.gets("/health/ready").await.is(200);
        program.ends_on("TERM").await;
    });
}
