//! Ten thousand connections that do nothing: the others are served, little memory goes, and the idle ones are closed.

use std::net::SocketAddr;

use harness::{Database, Program, Sample, eventually, free_address, sqlite};
use tokio::{net::TcpStream, task::JoinSet};

sqlite!(ten_thousand_idle_connections_are_no_burden);

const IDLE: usize = 10_000;
/// So many are opened at the same time.
const AT_ONCE: usize = 200;
const MEGABYTES: u64 = 200;

async fn ten_thousand_idle_connections_are_no_burden(database: &Database) {
    // Both ends have some files of their own besides.
    let limit = rlimit::increase_nofile_limit(u64::MAX).unwrap();
    let idle = IDLE.min(usize::try_from(limit.saturating_sub(500)).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let address = free_address();
    let settings = [("RECEIPTD_DATABASE_URL", database.url()), ("RECEIPTD_HTTP__CONNECTIONS_PER_ADDRESS", "20000")];
    let (program, client) = Program::serve(folder.path(), address, &settings).await;
    client.posts(Sample::of("before")).await.is_acknowledged();
    let before = program.resident();
    let mut crowd = Vec::with_capacity(idle);
    while crowd.len() < idle {
        let more: JoinSet<_> = (0..AT_ONCE.min(idle - crowd.len())).map(|_| connect(address)).collect();
        crowd.extend(more.join_all().await);
    }
    // Each was accepted, since another one is served while all of them are there.
    for n in 0..20 {
        client.posts(Sample::of(&format!("among-{n}"))).await.is_acknowledged();
    }
    let grown = program.resident().saturating_sub(before);
    assert!(grown < MEGABYTES << 20, "{} MB for {idle} connections", grown >> 20);
    // Nobody talks, so all are closed: none is left for the server to hold.
    eventually("the idle ones to be closed", async || (program.sockets() < 100).then_some(())).await;
    client.posts(Sample::of("after")).await.is_acknowledged();
    assert_eq!(client.ids("?limit=500").await.len(), 22);
    drop(crowd);
    assert_eq!(program.ends_on("TERM").await.code, Some(0));
}

async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.unwrap()
}
